/*
 * record.c - the smallest program that keeps an audit trail.
 *
 *     TALLY_URL=http://127.0.0.1:7878 TALLY_KEY=... ./record
 */
#include <inttypes.h>
#include <stdio.h>
#include <tally/client.h>

int
main(void)
{
    struct tally_client *client;
    struct tally_error error;
    if (tally_client_open(NULL, NULL, &client, &error) != TALLY_OK) {
        fprintf(stderr, "record: %s\n", error.text);
        return 1;
    }

    /* Returns when the event is in the local spool, in about a microsecond. Nothing is checked
     * here: a failing trail does not stop the program, and the counts below tell of it. */
    tally_client_record(client,
                        TALLY_EVENT(.event_type = "login_success", .user_id = "user123",
                                    .ip_address = "192.168.1.100", .user_agent = "Mozilla/5.0"),
                        TALLY_MODE_DEFAULT, NULL, NULL);

    /* A secret never leaves the process: the trail will say "[masked]". */
    tally_client_record(client,
                        TALLY_EVENT(.event_type = "config_change", .user_id = "admin789",
                                    .resource_type = "system", .resource_id = "smtp_settings",
                                    .details = "{\"host\": \"smtp.example.org\", "
                                               "\"password\": \"swordfish\"}"),
                        TALLY_MODE_DEFAULT, NULL, NULL);

    /* Waits for the answers, two seconds at most. What is left stays in the spool for the next
     * program that opens the same destination. */
    if (tally_client_flush(client, 2000, &error) != TALLY_OK)
        fprintf(stderr, "record: %s\n", error.text);

    struct tally_client_statistics counts;
    tally_client_statistics(client, &counts);
    printf("recorded %" PRIu64 ", sent %" PRIu64 ", queued %" PRIu64 ", lost %" PRIu64
           ", masked %" PRIu64 "\n",
           counts.recorded, counts.sent, counts.queued, counts.lost, counts.masked);
    tally_client_close(client, 0);
    return 0;
}
