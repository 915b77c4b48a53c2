#include "keyring.h"

#include "bytes.h"
#include "clock.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct ring {
    char folder[64];
    struct keyring *keyring;
};

static int
begin(void **state)
{
    static struct ring ring;
    (void)snprintf(ring.folder, sizeof ring.folder, P_tmpdir "/tally-keyring.XXXXXX");
    if (mkdtemp(ring.folder) == NULL ||
        keyring_create(ring.folder, &ring.keyring, NULL) != TALLY_OK)
        return -1;
    *state = &ring;
    return 0;
}

static void
file_of(const struct ring *ring, const char *suffix, char path[128])
{
    (void)snprintf(path, 128, "%s/tally.db%s", ring->folder, suffix);
}

static void
remove_files(const struct ring *ring)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        file_of(ring, suffixes[i], path);
        (void)unlink(path);
    }
}

static int
end(void **state)
{
    struct ring *ring = *state;
    keyring_close(ring->keyring);
    remove_files(ring);
    return rmdir(ring->folder);
}

/* What another program does to the file. */
static void
run_sql(const struct ring *ring, const char *sql)
{
    char path[128];
    file_of(ring, "", path);
    sqlite3 *database;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    char *message = NULL;
    if (sqlite3_exec(database, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    (void)sqlite3_close(database);
}

static struct new_key
add(struct ring *ring, const char *name, enum role role, const char *trails, int64_t expires)
{
    struct keyring_request request = { name, role, trails, expires };
    struct tally_error error = { 0 };
    struct new_key key;
    if (keyring_add(ring->keyring, &request, &key, &error) != TALLY_OK)
        fail_msg("%s", error.text);
    return key;
}

static struct keyring_entry
get(struct ring *ring, int64_t id)
{
    struct keyring_entry entry;
    struct tally_error error = { 0 };
    if (keyring_get(ring->keyring, id, &entry, &error) != TALLY_OK)
        fail_msg("%s", error.text);
    return entry;
}

static bool
good(struct ring *ring, int64_t id)
{
    struct keyring_entry entry = get(ring, id);
    return keyring_entry_good(&entry, clock_now());
}

static void
revoke_key(struct ring *ring, int64_t id)
{
    struct tally_error error = { 0 };
    if (keyring_revoke(ring->keyring, id, &error) != TALLY_OK)
        fail_msg("%s", error.text);
}

static struct new_key
rotate(struct ring *ring, int64_t id, int64_t overlap)
{
    struct tally_error error = { 0 };
    struct new_key key;
    if (keyring_rotate(ring->keyring, id, overlap, &key, &error) != TALLY_OK)
        fail_msg("%s", error.text);
    return key;
}

/* keyring_visitor: the ids, as decimal digits. */
static tally_status
write_id(void *context, const struct keyring_entry *entry, struct tally_error *error)
{
    (void)error;
    char *ids = context;
    (void)snprintf(ids + strlen(ids), 2, "%d", (int)entry->id);
    return TALLY_OK;
}

static const char *
ids(struct ring *ring, enum keyring_scope scope)
{
    static char text[32];
    text[0] = '\0';
    assert_int_equal(keyring_list(ring->keyring, scope, write_id, text, NULL), TALLY_OK);
    return text;
}

/* ---- names ---- */

static void
roles_have_names(void **state)
{
    (void)state;
    enum role role;
    for (int i = ROLE_ADMIN; i < ROLE_NONE; i++) {
        assert_true(role_find(role_name((enum role)i), &role));
        assert_int_equal(role, i);
    }
    assert_string_equal(role_name(ROLE_NONE), "none");
    assert_false(role_find("none", &role)); /* nobody's key may have it */
    assert_false(role_find("", &role));
    assert_false(role_find("Admin", &role));
}

static void
lists_of_trails(void **state)
{
    (void)state;
    static const struct {
        const char *trails;
        const char *name;
        bool has;
        const char *why;
    } rows[] = {
        { "", "main", true, "the empty list is for all" },
        { "main,audit", "main", true, "the first" },
        { "main,audit", "audit", true, "the last" },
        { "main,audit", "other", false, "none of them" },
        { "main,audit", "mai", false, "the beginning of one" },
        { "main,audit", "udit", false, "the end of one" },
        { "main,audit", "main,audit", false, "the list is no name" },
        { "main", "", false, "no name" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (keyring_trails_have(rows[i].trails, rows[i].name) != rows[i].has)
            fail_msg("%s", rows[i].why);
}

/* ---- adding ---- */

static void
what_is_kept_of_a_key(void **state)
{
    struct ring *ring = *state;
    int64_t before = clock_now();
    int64_t expires = before + CLOCK_DAY;
    struct new_key key = add(ring, "Ann's laptop", ROLE_AUDITOR, "main,audit", expires);
    assert_int_equal(key.id, 1);
    assert_int_equal(strlen(key.text), KEYRING_KEY_SIZE);
    assert_memory_equal(key.text, "tally_", 6);
    assert_int_equal(
        strspn(key.text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"),
        KEYRING_KEY_SIZE);

    struct keyring_entry entry = get(ring, key.id);
    struct tally_hash hash;
    tally_hash_pieces(&(struct tally_piece){ key.text, KEYRING_KEY_SIZE }, 1, &hash);
    assert_memory_equal(&entry.hash, &hash, sizeof hash);
    assert_int_equal(entry.id, key.id);
    assert_string_equal(entry.name, "Ann's laptop");
    assert_int_equal(entry.role, ROLE_AUDITOR);
    assert_string_equal(entry.trails, "main,audit");
    assert_true(entry.created >= before && entry.created <= clock_now());
    assert_int_equal(entry.expires, expires);
    assert_int_equal(entry.revoked, 0);
    assert_int_equal(entry.replaced_by, 0);
    assert_int_equal(entry.last_used, 0);
    assert_string_equal(entry.last_address, "");
    assert_true(keyring_entry_good(&entry, expires - 1));
    assert_false(keyring_entry_good(&entry, expires));

    struct new_key other = add(ring, "Ann's laptop", ROLE_WRITER, NULL, 0);
    assert_int_equal(other.id, 2);
    assert_string_not_equal(other.text, key.text);
    assert_string_equal(get(ring, 2).trails, "");
    assert_int_equal(keyring_get(ring->keyring, 3, &entry, NULL), TALLY_ABSENT);
}

/* The key itself is in no file of the folder, and nobody else may read what is. */
static void
the_key_is_nowhere(void **state)
{
    struct ring *ring = *state;
    struct new_key key = add(ring, "admin", ROLE_ADMIN, NULL, 0);
    static const char *const suffixes[] = { "", "-wal" };
    for (size_t i = 0; i < 2; i++) {
        char path[128];
        file_of(ring, suffixes[i], path);
        struct stat stat_;
        assert_int_equal(stat(path, &stat_), 0);
        assert_int_equal(stat_.st_mode & 0777, 0600);
        FILE *file = fopen(path, "rb");
        char *bytes = malloc((size_t)stat_.st_size + 1);
        size_t size = fread(bytes, 1, (size_t)stat_.st_size, file);
        assert_null(memmem(bytes, size, key.text + 6, KEYRING_KEY_SIZE - 6));
        free(bytes);
        (void)fclose(file);
    }
}

static void
requests_that_are_none(void **state)
{
    struct ring *ring = *state;
    static char many[KEYRING_TRAILS_MAX + 2];
    for (size_t i = 0; i < sizeof many - 1; i++)
        many[i] = i % 2 == 0 ? 'a' : ',';
    many[sizeof many - 2] = 'a';
    const struct keyring_request rows[] = {
        { .name = "", .role = ROLE_WRITER },
        { .name = "12345678901234567890123456789012345678901234567890123456789012345" },
        { .name = "\xff", .role = ROLE_WRITER },
        { .name = "x", .role = ROLE_WRITER, .trails = "" },
        { .name = "x", .role = ROLE_WRITER, .trails = "main," },
        { .name = "x", .role = ROLE_WRITER, .trails = "Main" },
        { .name = "x", .role = ROLE_WRITER, .trails = "main;audit" },
        { .name = "x", .role = ROLE_WRITER, .trails = many },
        { .name = "x", .role = ROLE_ADMIN, .trails = "main" },
        { .name = "x", .role = ROLE_WRITER, .expires = clock_now() },
        { .name = "x", .role = ROLE_WRITER, .expires = -1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct new_key key = { .id = 77 };
        assert_int_equal(keyring_add(ring->keyring, &rows[i], &key, NULL), TALLY_INVALID);
        assert_int_equal(key.id, 77);
    }
    assert_string_equal(ids(ring, KEYRING_ALL), "");
}

static void
the_ring_has_room_for_so_many(void **state)
{
    struct ring *ring = *state;
    struct new_key first = add(ring, "first", ROLE_WRITER, NULL, 0);
    char sql[512];
    (void)snprintf(sql, sizeof sql,
                   "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                   " INSERT INTO keys (name, role, hash, created)"
                   " SELECT 'n', 'writer', randomblob(32), 1 FROM n",
                   KEYRING_KEYS_MAX);
    run_sql(ring, sql);
    struct keyring_request request = { .name = "one too many", .role = ROLE_WRITER };
    struct new_key key;
    struct tally_error error = { 0 };
    assert_int_equal(keyring_add(ring->keyring, &request, &key, &error), TALLY_CONFLICT);
    assert_non_null(strstr(error.text, "revoke"));
    revoke_key(ring, first.id);
    (void)add(ring, "in its place", ROLE_WRITER, NULL, 0);
}

/* ---- revoking ---- */

static void
a_revoked_key_opens_nothing_and_stays(void **state)
{
    struct ring *ring = *state;
    (void)add(ring, "admin", ROLE_ADMIN, NULL, 0);
    struct new_key key = add(ring, "portal", ROLE_WRITER, NULL, 0);
    int64_t before = clock_now();
    revoke_key(ring, key.id);
    struct keyring_entry entry = get(ring, key.id);
    assert_true(entry.revoked >= before);
    assert_false(keyring_entry_good(&entry, 0));
    assert_string_equal(entry.name, "portal");
    assert_string_equal(ids(ring, KEYRING_IN_SERVICE), "1");
    assert_string_equal(ids(ring, KEYRING_ALL), "12");

    revoke_key(ring, key.id); /* again: the first time counts */
    assert_int_equal(get(ring, key.id).revoked, entry.revoked);
    assert_int_equal(keyring_revoke(ring->keyring, 3, NULL), TALLY_ABSENT);
}

static void
an_id_is_never_given_twice(void **state)
{
    struct ring *ring = *state;
    (void)add(ring, "admin", ROLE_ADMIN, NULL, 0);
    assert_int_equal(add(ring, "a", ROLE_WRITER, NULL, 0).id, 2);
    run_sql(ring, "DELETE FROM keys WHERE id = 2"); /* not even where somebody removes a row */
    assert_int_equal(add(ring, "b", ROLE_WRITER, NULL, 0).id, 3);
}

static void
the_last_admin_key_stays(void **state)
{
    struct ring *ring = *state;
    struct new_key first = add(ring, "admin", ROLE_ADMIN, NULL, 0);
    (void)add(ring, "auditor", ROLE_AUDITOR, NULL, 0); /* no help */
    struct tally_error error = { 0 };
    assert_int_equal(keyring_revoke(ring->keyring, first.id, &error), TALLY_CONFLICT);
    assert_non_null(strstr(error.text, "make another one first"));
    assert_true(good(ring, first.id));

    /* One that has run out is none; it may go, though it was an admin's. */
    struct new_key brief = add(ring, "brief", ROLE_ADMIN, NULL, clock_now() + CLOCK_DAY);
    run_sql(ring, "UPDATE keys SET expires = 1 WHERE name = 'brief'");
    assert_int_equal(keyring_revoke(ring->keyring, first.id, NULL), TALLY_CONFLICT);
    revoke_key(ring, brief.id);

    struct new_key second = add(ring, "second", ROLE_ADMIN, NULL, 0);
    revoke_key(ring, first.id);
    assert_false(good(ring, first.id));
    assert_int_equal(keyring_revoke(ring->keyring, second.id, NULL), TALLY_CONFLICT);

    /* The one it replaces is good for a while, but does not count. */
    struct new_key third = rotate(ring, second.id, CLOCK_DAY);
    assert_true(good(ring, second.id));
    assert_int_equal(keyring_revoke(ring->keyring, third.id, NULL), TALLY_CONFLICT);
    revoke_key(ring, second.id);
    assert_true(good(ring, third.id));
}

/* ---- rotating ---- */

static void
a_rotated_key_overlaps(void **state)
{
    struct ring *ring = *state;
    struct new_key old = add(ring, "portal", ROLE_WRITER, "main", 0);
    int64_t before = clock_now();
    struct new_key fresh = rotate(ring, old.id, 3600 * CLOCK_SECOND);
    assert_int_equal(fresh.id, 2);
    assert_string_not_equal(fresh.text, old.text);

    struct keyring_entry entry = get(ring, old.id);
    assert_int_equal(entry.replaced_by, fresh.id);
    assert_true(entry.expires >= before + 3600 * CLOCK_SECOND);
    assert_true(entry.expires <= clock_now() + 3600 * CLOCK_SECOND);
    assert_true(good(ring, old.id));

    entry = get(ring, fresh.id);
    assert_string_equal(entry.name, "portal");
    assert_int_equal(entry.role, ROLE_WRITER);
    assert_string_equal(entry.trails, "main");
    assert_int_equal(entry.expires, 0);
    assert_int_equal(entry.replaced_by, 0);
    assert_string_equal(ids(ring, KEYRING_IN_SERVICE), "12");
}

static void
a_rotated_key_may_end_at_once(void **state)
{
    struct ring *ring = *state;
    struct new_key old = add(ring, "admin", ROLE_ADMIN, NULL, 0);
    struct new_key fresh = rotate(ring, old.id, 0);
    assert_false(good(ring, old.id));
    assert_true(good(ring, fresh.id));
    assert_string_equal(get(ring, fresh.id).trails, "");
    assert_string_equal(ids(ring, KEYRING_IN_SERVICE), "2"); /* nobody needs to see the old one */
    assert_string_equal(ids(ring, KEYRING_ALL), "12");
}

static void
a_rotation_keeps_the_term_and_never_adds_to_it(void **state)
{
    struct ring *ring = *state;
    int64_t expires = clock_now() + CLOCK_DAY;
    struct new_key old = add(ring, "visitor", ROLE_AUDITOR, NULL, expires);
    int64_t term = expires - get(ring, old.id).created;
    struct new_key fresh = rotate(ring, old.id, 7 * CLOCK_DAY);
    assert_int_equal(get(ring, old.id).expires, expires);
    assert_int_equal(get(ring, fresh.id).expires, get(ring, fresh.id).created + term);

    struct new_key last = add(ring, "for good", ROLE_AUDITOR, NULL, INT64_MAX);
    run_sql(ring, "UPDATE keys SET created = 1 WHERE name = 'for good'");
    fresh = rotate(ring, last.id, INT64_MAX);
    assert_int_equal(get(ring, last.id).expires, INT64_MAX);
    assert_int_equal(get(ring, fresh.id).expires, INT64_MAX);
}

static void
what_cannot_be_rotated(void **state)
{
    struct ring *ring = *state;
    struct new_key replaced = add(ring, "replaced", ROLE_WRITER, NULL, 0);
    struct new_key revoked = add(ring, "revoked", ROLE_WRITER, NULL, 0);
    struct new_key expired = add(ring, "expired", ROLE_WRITER, NULL, 0);
    (void)rotate(ring, replaced.id, CLOCK_DAY);
    revoke_key(ring, revoked.id);
    run_sql(ring, "UPDATE keys SET expires = 1 WHERE name = 'expired'");

    const struct {
        int64_t id;
        tally_status status;
        const char *text;
    } rows[] = {
        { replaced.id, TALLY_CONFLICT, "key 4" },
        { revoked.id, TALLY_CONFLICT, "revoked" },
        { expired.id, TALLY_CONFLICT, "run out" },
        { 99, TALLY_ABSENT, "" },
        { 0, TALLY_ABSENT, "" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tally_error error = { 0 };
        struct new_key key;
        assert_int_equal(keyring_rotate(ring->keyring, rows[i].id, 0, &key, &error),
                         rows[i].status);
        assert_non_null(strstr(error.text, rows[i].text));
    }
    assert_string_equal(ids(ring, KEYRING_ALL), "1234"); /* nothing half done is left */
}

/* ---- uses ---- */

static struct keyring_use
use(int64_t id, int64_t used, const char *address)
{
    struct keyring_use made = { .id = id, .used = used };
    (void)snprintf(made.address, sizeof made.address, "%s", address);
    return made;
}

static void
the_last_use_is_noted(void **state)
{
    struct ring *ring = *state;
    (void)add(ring, "a", ROLE_WRITER, NULL, 0);
    (void)add(ring, "b", ROLE_WRITER, NULL, 0);
    struct keyring_use uses[] = {
        use(1, 100, "10.0.0.1"), use(1, 300, "::1"),
        use(1, 200, "10.0.0.1"), /* late news are no last use */
        use(1, 150, "10.0.0.1"), use(2, 50, "10.0.0.2"),
    };
    assert_int_equal(keyring_note(ring->keyring, uses, sizeof uses / sizeof uses[0], 0, NULL),
                     TALLY_OK);
    assert_int_equal(get(ring, 1).last_used, 300);
    assert_string_equal(get(ring, 1).last_address, "::1");
    assert_int_equal(get(ring, 2).last_used, 50);

    struct keyring_use found[KEYRING_ADDRESSES_MAX];
    size_t count = 0;
    assert_int_equal(keyring_addresses(ring->keyring, 1, found, &count, NULL), TALLY_OK);
    assert_int_equal(count, 2);
    assert_string_equal(found[0].address, "::1");
    assert_string_equal(found[1].address, "10.0.0.1");
    assert_int_equal(found[1].used, 200);
    assert_int_equal(keyring_addresses(ring->keyring, 3, found, &count, NULL), TALLY_OK);
    assert_int_equal(count, 0);
}

static void
only_the_newest_addresses_are_kept(void **state)
{
    struct ring *ring = *state;
    (void)add(ring, "a", ROLE_WRITER, NULL, 0);
    for (int i = 0; i < KEYRING_ADDRESSES_MAX + 5; i++) {
        char address[16];
        (void)snprintf(address, sizeof address, "10.0.0.%d", i);
        struct keyring_use one = use(1, 1000 + i, address);
        assert_int_equal(keyring_note(ring->keyring, &one, 1, 0, NULL), TALLY_OK);
    }
    struct keyring_use found[KEYRING_ADDRESSES_MAX];
    size_t count = 0;
    assert_int_equal(keyring_addresses(ring->keyring, 1, found, &count, NULL), TALLY_OK);
    assert_int_equal(count, KEYRING_ADDRESSES_MAX);
    assert_string_equal(found[0].address, "10.0.0.104");
    assert_string_equal(found[count - 1].address, "10.0.0.5");
    run_sql(ring, "CREATE TABLE t (n INTEGER CHECK (n = 100));"
                  "INSERT INTO t SELECT count(*) FROM addresses; DROP TABLE t;");
}

static void
a_note_does_not_wait(void **state)
{
    struct ring *ring = *state;
    (void)add(ring, "a", ROLE_WRITER, NULL, 0);
    char path[128];
    file_of(ring, "", path);
    sqlite3 *other;
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct keyring_use one = use(1, 100, "10.0.0.1");
    int64_t before = clock_monotonic();
    assert_int_equal(keyring_note(ring->keyring, &one, 1, 0, NULL), TALLY_BUSY);
    assert_true(clock_monotonic() - before < CLOCK_SECOND);
    (void)sqlite3_close(other);
    assert_int_equal(keyring_note(ring->keyring, &one, 1, 0, NULL), TALLY_OK);
}

/* ---- the file ---- */

static void
the_version_tells_of_others(void **state)
{
    struct ring *ring = *state;
    int64_t first, second;
    assert_int_equal(keyring_version(ring->keyring, &first, NULL), TALLY_OK);
    assert_int_equal(keyring_version(ring->keyring, &second, NULL), TALLY_OK);
    assert_int_equal(first, second);
    struct keyring *other;
    assert_int_equal(keyring_open(ring->folder, &other, NULL), TALLY_OK);
    struct keyring_request request = { .name = "x", .role = ROLE_ADMIN };
    struct new_key key;
    assert_int_equal(keyring_add(other, &request, &key, NULL), TALLY_OK);
    keyring_close(other);
    assert_int_equal(keyring_version(ring->keyring, &second, NULL), TALLY_OK);
    assert_int_not_equal(first, second);
}

static void
opened_again_it_is_the_same(void **state)
{
    struct ring *ring = *state;
    struct new_key key = add(ring, "admin", ROLE_ADMIN, NULL, 0);
    keyring_close(ring->keyring);
    ring->keyring = NULL;
    struct keyring *other;
    assert_int_equal(keyring_create(ring->folder, &other, NULL), TALLY_IO); /* it exists */
    assert_int_equal(keyring_open(ring->folder, &ring->keyring, NULL), TALLY_OK);
    assert_true(good(ring, key.id));
    assert_int_equal(keyring_open("/nonexistent", &other, NULL), TALLY_ABSENT);
}

/* As version 1 made it. */
static const char version_1[] =
    "PRAGMA journal_mode = WAL;"
    "CREATE TABLE keys ("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL,"
    " role TEXT NOT NULL CHECK (role IN ('admin', 'auditor', 'writer')),"
    " trails TEXT,"
    " hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),"
    " created INTEGER NOT NULL,"
    " expires INTEGER,"
    " last_used INTEGER"
    ") STRICT;"
    "PRAGMA user_version = 1;"
    "INSERT INTO keys VALUES"
    " (1, 'admin', 'admin', NULL, randomblob(32), 11, NULL, NULL),"
    " (7, 'portal', 'writer', 'main,audit', zeroblob(32), 12, 13, 14);";

static void
a_file_of_version_1_is_brought_up(void **state)
{
    struct ring *ring = *state;
    keyring_close(ring->keyring);
    remove_files(ring);
    run_sql(ring, version_1);
    struct tally_error error = { 0 };
    if (keyring_open(ring->folder, &ring->keyring, &error) != TALLY_OK)
        fail_msg("%s", error.text);

    struct keyring_entry entry = get(ring, 7);
    static const struct tally_hash zero;
    assert_memory_equal(&entry.hash, &zero, sizeof zero);
    assert_string_equal(entry.name, "portal");
    assert_int_equal(entry.role, ROLE_WRITER);
    assert_string_equal(entry.trails, "main,audit");
    assert_int_equal(entry.created, 12);
    assert_int_equal(entry.expires, 13);
    assert_int_equal(entry.last_used, 14);
    assert_int_equal(entry.revoked, 0);
    assert_true(good(ring, 1));
    assert_int_equal(get(ring, 1).expires, 0);

    /* It works as one made today, and the ids go on where they were. */
    assert_int_equal(add(ring, "next", ROLE_WRITER, NULL, 0).id, 8);
    struct keyring_use one = use(1, 100, "10.0.0.1");
    assert_int_equal(keyring_note(ring->keyring, &one, 1, 0, NULL), TALLY_OK);
    run_sql(ring, "DELETE FROM keys WHERE id = 8");
    assert_int_equal(add(ring, "next", ROLE_WRITER, NULL, 0).id, 9);

    keyring_close(ring->keyring);
    assert_int_equal(keyring_open(ring->folder, &ring->keyring, NULL), TALLY_OK);
    assert_string_equal(ids(ring, KEYRING_ALL), "179");
}

static void
other_versions_are_refused(void **state)
{
    struct ring *ring = *state;
    keyring_close(ring->keyring);
    ring->keyring = NULL;
    run_sql(ring, "PRAGMA user_version = 3");
    assert_int_equal(keyring_open(ring->folder, &ring->keyring, NULL), TALLY_UNSUPPORTED);
    run_sql(ring, "PRAGMA user_version = 0");
    assert_int_equal(keyring_open(ring->folder, &ring->keyring, NULL), TALLY_DAMAGED);

    char path[128];
    file_of(ring, "", path);
    FILE *file = fopen(path, "wb");
    (void)fputs("this is no database, whatever its name says; it is only a text\n", file);
    (void)fclose(file);
    assert_int_equal(keyring_open(ring->folder, &ring->keyring, NULL), TALLY_DAMAGED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_have_names),
        cmocka_unit_test(lists_of_trails),
        cmocka_unit_test_setup_teardown(what_is_kept_of_a_key, begin, end),
        cmocka_unit_test_setup_teardown(the_key_is_nowhere, begin, end),
        cmocka_unit_test_setup_teardown(requests_that_are_none, begin, end),
        cmocka_unit_test_setup_teardown(the_ring_has_room_for_so_many, begin, end),
        cmocka_unit_test_setup_teardown(a_revoked_key_opens_nothing_and_stays, begin, end),
        cmocka_unit_test_setup_teardown(an_id_is_never_given_twice, begin, end),
        cmocka_unit_test_setup_teardown(the_last_admin_key_stays, begin, end),
        cmocka_unit_test_setup_teardown(a_rotated_key_overlaps, begin, end),
        cmocka_unit_test_setup_teardown(a_rotated_key_may_end_at_once, begin, end),
        cmocka_unit_test_setup_teardown(a_rotation_keeps_the_term_and_never_adds_to_it, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_be_rotated, begin, end),
        cmocka_unit_test_setup_teardown(the_last_use_is_noted, begin, end),
        cmocka_unit_test_setup_teardown(only_the_newest_addresses_are_kept, begin, end),
        cmocka_unit_test_setup_teardown(a_note_does_not_wait, begin, end),
        cmocka_unit_test_setup_teardown(the_version_tells_of_others, begin, end),
        cmocka_unit_test_setup_teardown(opened_again_it_is_the_same, begin, end),
        cmocka_unit_test_setup_teardown(a_file_of_version_1_is_brought_up, begin, end),
        cmocka_unit_test_setup_teardown(other_versions_are_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
