/*
 * transfer.c - one event for a block of work: how it ended, how long it took, what it changed.
 *
 *     TALLY_URL=http://127.0.0.1:7878 TALLY_KEY=... ./transfer
 */
#include <stdio.h>
#include <stdlib.h>
#include <tally/scope.h>

static int
withdraw(struct tally_client *client, int *balance, int amount)
{
    /* Ends with this function, however it is left. */
    TALLY_SCOPE(scope, client,
                TALLY_EVENT(.action = "account.withdraw", .user_id = "user123",
                            .resource_type = "account", .resource_id = "acc-1"));
    char state[64];
    snprintf(state, sizeof state, "{\"balance\": %d}", *balance);
    tally_scope_before(scope, state, NULL);

    if (amount > *balance) {
        tally_scope_fail(scope, "not enough money");
        return -1;
    }
    *balance -= amount;

    snprintf(state, sizeof state, "{\"balance\": %d}", *balance);
    tally_scope_after(scope, state, NULL);
    tally_scope_succeed(scope);
    return 0;
}

int
main(void)
{
    struct tally_client *client;
    struct tally_error error;
    if (tally_client_open(NULL, NULL, &client, &error) != TALLY_OK) {
        fprintf(stderr, "transfer: %s\n", error.text);
        return EXIT_FAILURE;
    }
    int balance = 100;
    printf("first: %s\n", withdraw(client, &balance, 30) == 0 ? "done" : "refused");
    printf("second: %s\n", withdraw(client, &balance, 300) == 0 ? "done" : "refused");
    tally_client_close(client, 2000);
    return EXIT_SUCCESS;
}
