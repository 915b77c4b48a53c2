/*
 * embedded.c - a trail in this process: no server, no key, the same proofs.
 *
 *     tally init DIR && ./embedded DIR
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <tally/client.h>

int
main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: embedded DIR, a folder made by `tally init`\n");
        return EXIT_FAILURE;
    }
    struct tally_client *client;
    struct tally_error error;
    if (tally_client_open(argv[1], NULL, &client, &error) != TALLY_OK) {
        fprintf(stderr, "embedded: %s\n", error.text);
        return EXIT_FAILURE;
    }

    int outcome = EXIT_FAILURE;
    struct tally_receipt receipt;
    char *entries = NULL;
    size_t size = 0;
    if (tally_client_record(client,
                            TALLY_EVENT(.action = "invoice.pay", .user_id = "user123",
                                        .resource_type = "invoice", .resource_id = "inv-9"),
                            TALLY_MODE_SYNC, &receipt, &error) != TALLY_OK) {
        fprintf(stderr, "embedded: %s\n", error.text);
    } else if (tally_client_get(client, "/api/events?q=resource%3Ainvoice%2Finv-9", &entries, &size,
                                &error) != TALLY_OK) {
        fprintf(stderr, "embedded: %s\n", error.text);
    } else {
        printf("entry %" PRIu64 " is on stable storage\n%.*s\n", receipt.index, (int)size, entries);
        outcome = EXIT_SUCCESS;
    }
    tally_text_free(entries);
    tally_client_close(client, 2000);
    return outcome;
}
