/*
 * deny.c - fail closed: what cannot be put on record is not done.
 *
 *     TALLY_URL=http://127.0.0.1:7878 TALLY_KEY=... ./deny
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <tally/client.h>

int
main(void)
{
    struct tally_client *client;
    struct tally_error error;
    struct tally_client_options options = { .size = sizeof options, .timeout_ms = 1000 };
    if (tally_client_open(NULL, &options, &client, &error) != TALLY_OK) {
        fprintf(stderr, "deny: %s\n", error.text);
        return EXIT_FAILURE;
    }

    /* On record first, then done. */
    struct tally_receipt receipt;
    tally_status status =
        tally_client_record(client,
                            TALLY_EVENT(.event_type = "role_change", .user_id = "admin789",
                                        .resource_type = "user", .resource_id = "user123",
                                        .changes = "{\"role\": {\"before\": \"viewer\", "
                                                   "\"after\": \"admin\"}}"),
                            TALLY_MODE_SYNC, &receipt, &error);
    if (status == TALLY_OK)
        printf("entry %" PRIu64 " says so; now the role is changed\n", receipt.index);
    else if (status == TALLY_DENY)
        printf("not done: %s\n", error.text);
    else
        printf("not an event: %s %s\n", error.pointer, error.text);

    tally_client_close(client, 0);
    return status == TALLY_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
