/*
 * /livez and /readyz - whether to restart the server, and whether to send it work.
 *
 * Neither tells a stranger more than that: no names, no sizes. A server that lives answers; it is
 * not ready while it stops and while any trail that is open takes no entries, since it is poisoned,
 * behind with sealing or out of space. Nothing here waits for a disk.
 */
#include "disk.h"
#include "folder.h"
#include "routes.h"
#include "server.h"
#include "trail_state.h"

/* What a trail needs next where it goes on: a journal file, and the segment of a head. */
#define SPACE_NEEDED (UINT64_C(64) << 20)

enum reason {
    REASON_DRAINING = 1u << 0,
    REASON_POISONED = 1u << 1,
    REASON_FULL = 1u << 2,
    REASON_BEHIND = 1u << 3,
};

void
live_show(struct request *request)
{
    struct buffer body = { 0 };
    buffer_text(&body, "{\"status\":\"ok\"}\n");
    answer_json(request, 200, &body);
}

/* What a trail adds. */
static void
look_at_trail(void *context, struct trail *trail)
{
    unsigned *reasons = context;
    struct trail_state state;
    trail_state_read(trail, &state);
    if (state.poisoned)
        *reasons |= REASON_POISONED;
    if (state.behind)
        *reasons |= REASON_BEHIND;
}

static unsigned
reasons_against(struct server *server)
{
    unsigned reasons = 0;
    uint64_t left;
    if (atomic_load(&server->draining))
        reasons |= REASON_DRAINING;
    if (disk_space(folder_disk(server->folder), &left, NULL) == TALLY_OK && left < SPACE_NEEDED)
        reasons |= REASON_FULL;
    roster_each(server->roster, look_at_trail, &reasons);
    return reasons;
}

void
ready_show(struct request *request)
{
    static const char *const names[] = { "draining", "poisoned", "full", "behind" };
    unsigned reasons = reasons_against(request->server);
    struct buffer body = { 0 };
    if (reasons == 0) {
        buffer_text(&body, "{\"status\":\"ready\"}\n");
        answer_json(request, 200, &body);
        return;
    }
    buffer_text(&body, "{\"status\":\"not ready\",\"reasons\":");
    char before = '[';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((reasons & 1u << i) == 0)
            continue;
        buffer_format(&body, "%c\"%s\"", before, names[i]);
        before = ',';
    }
    buffer_text(&body, "]}\n");
    answer_json(request, 503, &body);
    answer_retry_after(request, 1);
}
