/*
 * request.c - what a web server does: the request's context once, events anywhere below it.
 *
 *     TALLY_URL=http://127.0.0.1:7878 TALLY_KEY=... ./request
 */
#include <stdio.h>
#include <stdlib.h>
#include <tally/address.h>
#include <tally/client.h>
#include <tally/context.h>
#include <tally/record.h>

/* Deep in the application: it knows nothing of requests. */
static void
approve_report(struct tally_client *client, const char *report)
{
    tally_record_report(client, "report_approve", report, NULL,
                        TALLY_EVENT(.details = "{\"previous_status\": \"pending\"}"), NULL);
}

int
main(void)
{
    struct tally_client *client;
    struct tally_proxies *proxies;
    struct tally_error error;
    if (tally_client_open(NULL, NULL, &client, &error) != TALLY_OK) {
        fprintf(stderr, "request: %s\n", error.text);
        return EXIT_FAILURE;
    }
    /* Only these may say whom they speak for; without them the peer is the client. */
    const char *const trusted[] = { "loopback", "10.0.0.0/8" };
    if (tally_proxies_create(trusted, 2, &proxies, &error) != TALLY_OK) {
        fprintf(stderr, "request: %s\n", error.text);
        tally_client_close(client, 0);
        return EXIT_FAILURE;
    }

    char address[TALLY_ADDRESS_MAX] = "";
    char trace[TALLY_TRACE_ID_SIZE] = "";
    /* The left one is the client's own word; the right one was added by a proxy we trust. */
    if (tally_client_address(proxies, "10.1.2.3:40112", NULL, "198.51.100.7, 203.0.113.9",
                             address) != TALLY_OK)
        address[0] = '\0';
    if (tally_trace_id("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", trace) !=
        TALLY_OK)
        trace[0] = '\0';
    printf("the client is %s\n", address);

    tally_context_push(TALLY_EVENT(.user_id = "approver456", .request_id = "req-77",
                                   .ip_address = address, .trace_id = trace,
                                   .endpoint = "/reports/rep789", .method = "POST"),
                       NULL);
    approve_report(client, "rep789");
    tally_context_pop();

    tally_proxies_destroy(proxies);
    tally_client_close(client, 2000);
    return EXIT_SUCCESS;
}
