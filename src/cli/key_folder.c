#include "key.h"

#include "where.h"

#include <inttypes.h>
#include <sodium.h>

/* A refusal is no wrong usage. */
static int
key_fault(const struct where *where, const struct key_order *order, tally_status status,
          const struct tally_error *error)
{
    if (status == TALLY_ABSENT)
        return fail(NOT_THERE, "there is no key %" PRId64 ": `tally key %s list --all` names them",
                    order->id, where->path);
    if (status == TALLY_CONFLICT)
        return fail(UNABLE, "%s", error->text);
    return fail_with(error, NULL);
}

static int
list(const struct invocation *invocation, const struct key_order *order, struct keyring *keyring)
{
    struct out out;
    out_open(&out);
    struct key_listing listing;
    int outcome = key_listing_begin(invocation, &out, &listing);
    if (outcome == DONE) {
        struct tally_error error = { 0 };
        tally_status status =
            keyring_list(keyring, order->scope, key_listing_row, &listing, &error);
        status = key_listing_end(&listing, status, &error);
        outcome = status == TALLY_OK ? DONE : fail_with(&error, NULL);
    }
    return out_finish(&out, outcome);
}

static int
make(const struct where *where, const struct key_order *order, struct keyring *keyring)
{
    struct tally_error error = { 0 };
    struct new_key key;
    tally_status status = order->verb == KEY_ADD
                              ? keyring_add(keyring, &order->request, &key, &error)
                              : keyring_rotate(keyring, order->id, order->overlap, &key, &error);
    if (status != TALLY_OK)
        return key_fault(where, order, status, &error);
    int outcome = key_print(where->path, key.id, key.text);
    sodium_memzero(&key, sizeof key);
    return outcome;
}

static int
act(const struct invocation *invocation, const struct where *where, const struct key_order *order,
    struct keyring *keyring)
{
    if (order->verb == KEY_LIST)
        return list(invocation, order, keyring);
    if (order->verb != KEY_REVOKE)
        return make(where, order, keyring);
    struct tally_error error = { 0 };
    tally_status status = keyring_revoke(keyring, order->id, &error);
    return status == TALLY_OK ? DONE : key_fault(where, order, status, &error);
}

static int
act_on_ring(const struct invocation *invocation, const struct where *where,
            const struct key_order *order)
{
    struct tally_error error = { 0 };
    struct keyring *keyring;
    tally_status status = keyring_open(where->path, &keyring, &error);
    if (status == TALLY_ABSENT)
        return fail(UNABLE, "%s has no tally.db: restore it from a backup", where->path);
    if (status != TALLY_OK)
        return fail_with(&error, where->path);
    int outcome = act(invocation, where, order, keyring);
    keyring_close(keyring);
    return outcome;
}

int
key_folder(const struct invocation *invocation, const struct key_order *order)
{
    /* A slip in tally.conf must not keep anybody from revoking a key. */
    struct where where;
    int outcome = where_open_plain(invocation, &where);
    if (outcome != DONE)
        return outcome;
    return where_close(&where, act_on_ring(invocation, &where, order));
}
