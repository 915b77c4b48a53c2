/*
 * tally key - the API keys of a data folder or a server: list, make, rotate, revoke.
 */
#include "key.h"

#include "moment.h"
#include "remote.h"
#include "where.h"

#include <stdio.h>
#include <string.h>

static const struct command_option options[] = {
    { "name", "NAME", "add: whose key it is, for people" },
    { "role", "ROLE", "add: admin, auditor (reads) or writer (records)" },
    { "trails", "NAME,NAME", "add: the trails it is for (default: all)" },
    { "expires", "TIME",
      "add: RFC 3339, a date (its end), or from now: 30d, 12h (default: never)" },
    { "overlap", "DURATION", "rotate: how long the old key is good yet (default: 1h)" },
    { "all", NULL, "list: also keys that are revoked, and replaced ones that have run out" },
    { "format", "FORMAT", "list: table, json, ndjson or csv (default: table)" },
    REMOTE_OPTIONS,
    { NULL, NULL, NULL },
};

#define OVERLAP_STANDARD (3600 * CLOCK_SECOND)

/* ---- times ---- */

/* "30d": a number and a unit, counted from now. */
static bool
read_ahead(const char *text, int64_t now, int64_t *instant_out)
{
    char offset[32];
    struct moment moment;
    const char *reason;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || strlen(text) != digits + 1)
        return false;
    int size = snprintf(offset, sizeof offset, "+%s", text);
    if (size >= (int)sizeof offset || !moment_read(bytes_text(offset), now, &moment, &reason))
        return false;
    *instant_out = moment.last;
    return true;
}

static int
read_expiry(const char *text, int64_t *expires_out)
{
    int64_t now = clock_now();
    int64_t expires;
    if (!read_ahead(text, now, &expires)) {
        struct moment moment;
        const char *reason;
        if (!moment_read(bytes_text(text), now, &moment, &reason))
            return fail(MISUSED,
                        "--expires %s: it takes 2026-12-31T23:59:59Z, 2026-12-31, or a time from "
                        "now such as 30d or 12h, up to 2261; without it a key does not expire",
                        text);
        expires = moment.last;
    }
    if (expires <= now)
        return fail(MISUSED, "--expires %s: that is over already", text);
    *expires_out = expires;
    return DONE;
}

static int
read_overlap(const char *text, int64_t *overlap_out)
{
    int64_t now = clock_now();
    int64_t end = now;
    if (strcmp(text, "0") != 0 && !read_ahead(text, now, &end))
        return fail(MISUSED, "--overlap %s: it takes a duration such as 1h, 30m or 7d, or 0", text);
    *overlap_out = end - now;
    return DONE;
}

/* ---- verbs ---- */

static int
read_list(const struct invocation *invocation, struct key_order *order)
{
    order->scope = option_given(invocation, "all") ? KEYRING_ALL : KEYRING_IN_SERVICE;
    return DONE;
}

static int
read_add(const struct invocation *invocation, struct key_order *order)
{
    struct keyring_request *request = &order->request;
    request->name = option_value(invocation, "name");
    request->trails = option_value(invocation, "trails");
    const char *role = option_value(invocation, "role");
    if (request->name == NULL || role == NULL)
        return misused(invocation, "a new key needs --name and --role");
    if (!role_find(role, &request->role))
        return fail(MISUSED, "--role %s: it is admin, auditor or writer", role);
    const char *expires = option_value(invocation, "expires");
    return expires == NULL ? DONE : read_expiry(expires, &request->expires);
}

static int
read_id(const struct invocation *invocation, struct key_order *order)
{
    const char *text = invocation->operands[2];
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 18 || text[digits] != '\0')
        return fail(MISUSED, "\"%s\" is no key's id, which is a number", text);
    order->id = 0;
    for (; *text != '\0'; text++)
        order->id = order->id * 10 + (*text - '0');
    return DONE;
}

static int
read_rotate(const struct invocation *invocation, struct key_order *order)
{
    order->overlap = OVERLAP_STANDARD;
    int outcome = read_id(invocation, order);
    const char *overlap = option_value(invocation, "overlap");
    if (outcome == DONE && overlap != NULL)
        outcome = read_overlap(overlap, &order->overlap);
    return outcome;
}

/* An option of another verb is refused: who revokes with --overlap expects something else. */
static const struct verb {
    const char *name;
    enum key_verb verb;
    int operands;
    const char *options[5]; /* ends with NULL */
    int (*read)(const struct invocation *invocation, struct key_order *order);
} verbs[] = {
    { "list", KEY_LIST, 2, { "all", "format" }, read_list },
    { "add", KEY_ADD, 2, { "name", "role", "trails", "expires" }, read_add },
    { "rotate", KEY_ROTATE, 3, { "overlap" }, read_rotate },
    { "revoke", KEY_REVOKE, 3, { NULL }, read_id },
};

static const struct verb *
find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static bool
takes(const struct verb *verb, const char *option)
{
    for (size_t i = 0; verb->options[i] != NULL; i++)
        if (strcmp(verb->options[i], option) == 0)
            return true;
    return remote_option(option);
}

static int
check_options(const struct invocation *invocation, const struct verb *verb)
{
    for (const struct command_option *option = options; option->name != NULL; option++)
        if (option_given(invocation, option->name) && !takes(verb, option->name))
            return fail(MISUSED, "key %s takes no --%s", verb->name, option->name);
    return DONE;
}

static int
read_order(const struct invocation *invocation, struct key_order *order_out)
{
    static const char *const missing[] = {
        WHERE_MISSING,
        "what to do is missing: list, add, rotate ID or revoke ID",
        "ID is missing, the number that `list` shows for the key",
    };
    if (invocation->operand_count == 1 && find_verb(invocation->operands[0]) != NULL)
        return misused(invocation, WHERE_MISSING);
    if (invocation->operand_count < 2)
        return misused(invocation, missing[invocation->operand_count]);
    const struct verb *verb = find_verb(invocation->operands[1]);
    if (verb == NULL)
        return misused(invocation, "keys are listed, added, rotated or revoked");
    if (invocation->operand_count < verb->operands)
        return misused(invocation, missing[invocation->operand_count]);
    int outcome = operands_expect(invocation, NULL, verb->operands);
    if (outcome == DONE)
        outcome = check_options(invocation, verb);
    struct key_order order = { .verb = verb->verb };
    if (outcome == DONE)
        outcome = verb->read(invocation, &order);
    if (outcome == DONE)
        *order_out = order;
    return outcome;
}

static int
run(const struct invocation *invocation)
{
    struct key_order order;
    int outcome = read_order(invocation, &order);
    if (outcome != DONE)
        return outcome;
    return where_is_url(invocation->operands[0]) ? key_remote(invocation, &order)
                                                 : key_folder(invocation, &order);
}

const struct command command_key = {
    .name = "key",
    .operands = "WHERE list | add | rotate ID | revoke ID",
    .summary = "list, make, rotate and revoke API keys",
    .text = "list    the keys, with when and from where each was last used\n"
            "add     prints a new key, which is not shown again, and its id\n"
            "rotate  prints a key that takes the place of another; the old one is good until the "
            "overlap ends\n"
            "revoke  ends a key at once; the last admin key stays",
    .options = options,
    .run = run,
};
