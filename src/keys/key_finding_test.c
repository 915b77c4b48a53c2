#include "key_finding.h"

#include "clock.h"
#include "keyring_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct found {
    char letters[16]; /* one a finding: A no admin, R run out, I idle, O old */
    struct key_finding last;
};

static tally_status
keep(void *context, const struct key_finding *finding, struct tally_error *error)
{
    (void)error;
    struct found *found = context;
    size_t size = strlen(found->letters);
    found->letters[size] = "ARIO"[finding->trouble];
    found->letters[size + 1] = '\0';
    found->last = *finding;
    return TALLY_OK;
}

/* A key as it may have become; times in days, 0 for none. Today is day 1000. */
static void
put(const struct ring *ring, const char *role, int created, int expires, int last_used,
    const char *rest)
{
    char sql[512];
    (void)snprintf(sql, sizeof sql,
                   "DELETE FROM keys WHERE id > 1;"
                   "INSERT INTO keys (name, role, hash, created, expires, last_used)"
                   " VALUES ('Ann', '%s', randomblob(32), %d * %lld, nullif(%d, 0) * %lld,"
                   " nullif(%d, 0) * %lld); %s",
                   role, created, (long long)CLOCK_DAY, expires, (long long)CLOCK_DAY, last_used,
                   (long long)CLOCK_DAY, rest);
    run_sql(ring, sql);
}

static struct found
find(const struct ring *ring)
{
    struct found found = { 0 };
    assert_int_equal(key_findings(ring->keyring, 1000 * CLOCK_DAY, keep, &found, NULL), TALLY_OK);
    return found;
}

static void
each_trouble_is_found(void **state)
{
    put(*state, "admin", 999, 0, 0, ""); /* key 1, which stays */
    static const struct {
        int created, expires, last_used;
        const char *rest;
        const char *letters;
        const char *why;
    } rows[] = {
        { 999, 0, 0, "", "", "a new one" },
        { 911, 0, 0, "", "", "not used, for 89 days" },
        { 910, 0, 0, "", "I", "not used, for 90" },
        { 700, 0, 910, "", "I", "used 90 days ago" },
        { 636, 0, 999, "", "", "used, 364 days old" },
        { 635, 0, 999, "", "O", "used, 365 days old" },
        { 100, 0, 0, "", "I", "idle and old: idle counts" },
        { 999, 1001, 0, "", "", "runs out tomorrow" },
        { 999, 1000, 0, "", "R", "runs out now" },
        { 999, 990, 0, "UPDATE keys SET revoked = 1 WHERE id > 1", "", "revoked" },
        { 100, 990, 0, "UPDATE keys SET replaced_by = 1 WHERE id > 1", "", "replaced, run out" },
        { 100, 0, 0, "UPDATE keys SET replaced_by = 1 WHERE id > 1", "", "being replaced" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put(*state, "writer", rows[i].created, rows[i].expires, rows[i].last_used, rows[i].rest);
        struct found found = find(*state);
        if (strcmp(found.letters, rows[i].letters) != 0)
            fail_msg("%s: \"%s\"", rows[i].why, found.letters);
    }
}

static void
a_ring_without_an_admin_key(void **state)
{
    struct found found = find(*state);
    assert_string_equal(found.letters, "A");
    assert_non_null(strstr(found.last.cure, "--role admin"));
    put(*state, "auditor", 999, 0, 0, "");
    assert_string_equal(find(*state).letters, "A");
    put(*state, "admin", 999, 0, 0, "");
    assert_string_equal(find(*state).letters, "");
    put(*state, "admin", 999, 999, 0, "DELETE FROM keys WHERE expires IS NULL");
    assert_string_equal(find(*state).letters, "RA");
}

static void
a_finding_names_its_key_and_cure(void **state)
{
    put(*state, "admin", 600, 0, 999, "");
    struct found found = find(*state);
    assert_string_equal(found.last.text, "key 1 (Ann) is 400 days old");
    assert_string_equal(found.last.cure, "`tally key … rotate 1`");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RING(each_trouble_is_found),
        WITH_RING(a_ring_without_an_admin_key),
        WITH_RING(a_finding_names_its_key_and_cure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
