// record.cc - from C++: a client that closes itself, and an event filled member by member.
//
//     TALLY_URL=http://127.0.0.1:7878 TALLY_KEY=... ./record_cc
#include <cstdio>
#include <memory>
#include <string>
#include <tally/client.h>
#include <tally/scope.h>

namespace {

struct Close {
    void operator()(tally_client *client) const { tally_client_close(client, 2000); }
};
using Client = std::unique_ptr<tally_client, Close>;

} // namespace

int
main()
{
    tally_client *opened = nullptr;
    tally_error error;
    if (tally_client_open(nullptr, nullptr, &opened, &error) != TALLY_OK) {
        std::fprintf(stderr, "record_cc: %s\n", error.text);
        return 1;
    }
    Client client(opened);

    const std::string user = "user123";
    tally_event event = TALLY_EVENT_INIT;
    event.action = "document.open";
    event.user_id = user.c_str();
    event.resource_type = "document";
    event.resource_id = "doc-5";
    if (tally_client_record(client.get(), &event, TALLY_MODE_SYNC, nullptr, &error) != TALLY_OK) {
        std::fprintf(stderr, "record_cc: %s\n", error.text);
        return 1;
    }
    std::puts("recorded");
    return 0;
}
