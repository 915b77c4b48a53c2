#include "access.h"

#include "clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct door {
    char folder[64];
    struct access *access;
    int64_t now;
    struct new_key admin;
    struct new_key writer; /* for the trails main and audit */
    struct new_key brief;  /* an auditor's, for an hour */
};

static struct new_key
add(struct keyring *keyring, const char *name, enum role role, const char *trails, int64_t expires)
{
    struct keyring_request request = { name, role, trails, expires };
    struct tally_error error = { 0 };
    struct new_key key;
    if (keyring_add(keyring, &request, &key, &error) != TALLY_OK)
        fail_msg("%s", error.text);
    return key;
}

static int
begin(void **state)
{
    static struct door door;
    (void)snprintf(door.folder, sizeof door.folder, P_tmpdir "/tally-access.XXXXXX");
    struct keyring *keyring;
    if (mkdtemp(door.folder) == NULL || keyring_create(door.folder, &keyring, NULL) != TALLY_OK)
        return -1;
    door.now = clock_now();
    door.admin = add(keyring, "admin", ROLE_ADMIN, NULL, 0);
    door.writer = add(keyring, "portal", ROLE_WRITER, "main,audit", 0);
    door.brief = add(keyring, "visitor", ROLE_AUDITOR, NULL, door.now + 3600 * CLOCK_SECOND);
    keyring_close(keyring);
    if (access_open(door.folder, &door.access, NULL) != TALLY_OK)
        return -1;
    *state = &door;
    return 0;
}

static void
path_of(const struct door *door, const char *suffix, char path[128])
{
    (void)snprintf(path, 128, "%s/tally.db%s", door->folder, suffix);
}

static int
end(void **state)
{
    struct door *door = *state;
    access_close(door->access);
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        path_of(door, suffixes[i], path);
        (void)unlink(path);
    }
    return rmdir(door->folder);
}

static void
reopen(struct door *door)
{
    access_close(door->access);
    door->access = NULL;
    struct tally_error error = { 0 };
    if (access_open(door->folder, &door->access, &error) != TALLY_OK)
        fail_msg("%s", error.text);
}

static void
sleep_ms(long ms)
{
    struct timespec nap = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    (void)nanosleep(&nap, NULL);
}

/* Until a condition holds, on a machine that does ten other things. */
#define PATIENCE 600 /* tenths of a second */

/* Whether the key opens; whether its address is new goes to *new_out, if that is not NULL. Keys that
 * nobody could look at for seconds, since the machine stood still, are waited for. */
static bool
opens_from(struct door *door, const char *key, const char *address, int64_t now, bool *new_out)
{
    struct principal principal;
    bool is_new = false;
    struct tally_error error = { 0 };
    tally_status status = TALLY_BUSY;
    for (int i = 0; i < PATIENCE && status == TALLY_BUSY; i++) {
        if (i > 0)
            sleep_ms(100);
        status =
            access_find(door->access, bytes_text(key), address, now, &principal, &is_new, &error);
    }
    if (status != TALLY_OK && status != TALLY_ABSENT)
        fail_msg("%s", error.text);
    if (new_out != NULL)
        *new_out = is_new;
    return status == TALLY_OK;
}

static bool
opens(struct door *door, const char *key)
{
    return opens_from(door, key, "127.0.0.1", clock_now(), NULL);
}

static bool
is_new(struct door *door, const char *key, const char *address)
{
    bool is_new_address;
    assert_true(opens_from(door, key, address, clock_now(), &is_new_address));
    return is_new_address;
}

/* Waits for what another process did: a look a second. */
static bool
closes_soon(struct door *door, const char *key)
{
    for (int i = 0; i < PATIENCE; i++) {
        if (!opens(door, key))
            return true;
        sleep_ms(100);
    }
    return false;
}

static struct keyring *
open_ring(const struct door *door)
{
    struct keyring *keyring;
    struct tally_error error = { 0 };
    if (keyring_open(door->folder, &keyring, &error) != TALLY_OK)
        fail_msg("%s", error.text);
    return keyring;
}

static struct keyring_entry
stored(const struct door *door, int64_t id)
{
    struct keyring *keyring = open_ring(door);
    struct keyring_entry entry;
    assert_int_equal(keyring_get(keyring, id, &entry, NULL), TALLY_OK);
    keyring_close(keyring);
    return entry;
}

/* ---- who asks ---- */

static void
a_key_says_who_asks(void **state)
{
    struct door *door = *state;
    struct principal principal;
    bool new_address;
    assert_int_equal(access_find(door->access, bytes_text(door->writer.text), "::1", door->now,
                                 &principal, &new_address, NULL),
                     TALLY_OK);
    assert_int_equal(principal.role, ROLE_WRITER);
    assert_int_equal(principal.key, door->writer.id);
    assert_string_equal(principal.name, "portal");
    assert_string_equal(principal.writer, "key:2");
    assert_true(principal_may_use(&principal, "main"));
    assert_true(principal_may_use(&principal, "audit"));
    assert_false(principal_may_use(&principal, "other"));

    assert_int_equal(access_find(door->access, bytes_text(door->admin.text), "::1", door->now,
                                 &principal, &new_address, NULL),
                     TALLY_OK);
    assert_int_equal(principal.role, ROLE_ADMIN);
    assert_true(principal_may_use(&principal, "other"));
}

static void
nothing_else_opens(void **state)
{
    struct door *door = *state;
    assert_true(opens(door, door->admin.text));
    char key[KEYRING_KEY_SIZE + 2];
    memcpy(key, door->admin.text, KEYRING_KEY_SIZE + 1);
    for (size_t i = 0; i < KEYRING_KEY_SIZE; i++) {
        key[i] ^= 1;
        assert_false(opens(door, key)); /* every character counts */
        key[i] ^= 1;
    }
    key[KEYRING_KEY_SIZE] = 'A';
    key[KEYRING_KEY_SIZE + 1] = '\0';
    assert_false(opens(door, key)); /* one more */
    key[KEYRING_KEY_SIZE - 1] = '\0';
    assert_false(opens(door, key)); /* one less */
    assert_false(opens(door, ""));
    assert_false(opens(door, "tally_"));
}

/* Hashes that begin alike lie side by side in the table; only the whole one counts. */
static void
hashes_that_begin_alike_are_told_apart(void **state)
{
    struct door *door = *state;
    char path[128];
    path_of(door, "", path);
    sqlite3 *database;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(database,
                     "UPDATE keys SET hash = CAST(substr(k.hash, 1, 8) || zeroblob(24) AS BLOB)"
                     " FROM keys AS k WHERE k.id = 3 AND keys.id = 1;"
                     "UPDATE keys SET hash = CAST(substr(k.hash, 1, 31) || x'00' AS BLOB)"
                     " FROM keys AS k WHERE k.id = 3 AND keys.id = 2;",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_total_changes(database), 2);
    (void)sqlite3_close(database);
    reopen(door);
    struct principal principal;
    bool new_address;
    assert_int_equal(access_find(door->access, bytes_text(door->brief.text), "::1", door->now,
                                 &principal, &new_address, NULL),
                     TALLY_OK);
    assert_string_equal(principal.name, "visitor");
}

static void
an_expired_key_opens_nothing(void **state)
{
    struct door *door = *state;
    int64_t expires = door->now + 3600 * CLOCK_SECOND;
    assert_true(opens_from(door, door->brief.text, "::1", expires - 1, NULL));
    assert_false(opens_from(door, door->brief.text, "::1", expires, NULL));
}

static void
there_must_be_a_ring(void **state)
{
    (void)state;
    struct access *access;
    assert_int_equal(access_open("/nonexistent", &access, NULL), TALLY_ABSENT);
    access_close(NULL);
}

/* ---- changes ---- */

static void
changes_of_our_own_hold_at_once(void **state)
{
    struct door *door = *state;
    struct keyring *keyring = access_lock(door->access);
    struct new_key fresh;
    assert_int_equal(keyring_rotate(keyring, door->writer.id, 0, &fresh, NULL), TALLY_OK);
    access_unlock(door->access);
    assert_false(opens(door, door->writer.text));
    assert_true(opens(door, fresh.text));

    keyring = access_lock(door->access);
    assert_int_equal(keyring_revoke(keyring, fresh.id, NULL), TALLY_OK);
    access_unlock(door->access);
    assert_false(opens(door, fresh.text));
    assert_true(opens(door, door->admin.text));
}

/* A process that revokes a key when the end `go[1]` of a pipe is closed. */
static pid_t
revoke_when_told(const struct door *door, int64_t id, int go[2])
{
    assert_int_equal(pipe(go), 0);
    pid_t child = fork();
    if (child != 0) {
        (void)close(go[0]);
        return child;
    }
    char byte;
    struct keyring *keyring;
    (void)close(go[1]);
    if (read(go[0], &byte, 1) != 0 || keyring_open(door->folder, &keyring, NULL) != TALLY_OK)
        _exit(1);
    tally_status status = keyring_revoke(keyring, id, NULL);
    keyring_close(keyring);
    _exit(status == TALLY_OK ? 0 : 1);
}

static void
changes_of_others_hold_within_a_second_or_so(void **state)
{
    struct door *door = *state;
    access_close(door->access); /* a process with threads had better not fork */
    int go[2];
    pid_t child = revoke_when_told(door, door->writer.id, go);
    assert_int_equal(access_open(door->folder, &door->access, NULL), TALLY_OK);
    assert_true(opens(door, door->writer.text));
    (void)close(go[1]);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(closes_soon(door, door->writer.text));
    assert_true(opens(door, door->admin.text));
}

/* Where keys cannot be read any more, one of them may have been revoked. */
static void
without_a_ring_nobody_gets_in(void **state)
{
    struct door *door = *state;
    assert_true(opens(door, door->admin.text));
    char path[128];
    path_of(door, "", path);
    sqlite3 *database;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    /* The use may just be being written. */
    assert_int_equal(sqlite3_busy_timeout(database, 100 * PATIENCE), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, "ALTER TABLE keys RENAME TO gone", NULL, NULL, NULL),
                     SQLITE_OK);
    tally_status status = TALLY_OK;
    struct tally_error error = { 0 };
    for (int i = 0; i < PATIENCE && status == TALLY_OK; i++) {
        struct principal principal;
        bool new_address;
        status = access_find(door->access, bytes_text(door->admin.text), "::1", door->now,
                             &principal, &new_address, &error);
        sleep_ms(100);
    }
    assert_true(status < 0);
    assert_string_not_equal(error.text, "");

    assert_int_equal(sqlite3_exec(database, "ALTER TABLE gone RENAME TO keys", NULL, NULL, NULL),
                     SQLITE_OK);
    (void)sqlite3_close(database);
    for (int i = 0; i < PATIENCE && status != TALLY_OK; i++) {
        struct principal principal;
        bool new_address;
        status = access_find(door->access, bytes_text(door->admin.text), "::1", door->now,
                             &principal, &new_address, NULL);
        sleep_ms(100);
    }
    assert_int_equal(status, TALLY_OK);
}

/* Who holds the ring may be kept by a disk that stands still, and nobody looks at the keys then. */
static void
behind_a_lock_nobody_gets_in(void **state)
{
    struct door *door = *state;
    assert_true(opens(door, door->admin.text));
    (void)access_lock(door->access);
    tally_status status = TALLY_OK;
    struct tally_error error = { 0 };
    for (int i = 0; i < PATIENCE && status == TALLY_OK; i++) {
        struct principal principal;
        bool new_address;
        status = access_find(door->access, bytes_text(door->admin.text), "::1", door->now,
                             &principal, &new_address, &error);
        sleep_ms(100);
    }
    assert_int_equal(status, TALLY_BUSY);
    assert_string_not_equal(error.text, "");
    access_unlock(door->access);
    assert_true(opens(door, door->admin.text));
}

/* ---- uses ---- */

static void
an_address_is_new_once(void **state)
{
    struct door *door = *state;
    assert_true(is_new(door, door->admin.text, "10.0.0.1"));
    assert_false(is_new(door, door->admin.text, "10.0.0.1"));
    assert_true(is_new(door, door->admin.text, "2001:db8::1"));
    assert_false(is_new(door, door->admin.text, "10.0.0.1"));
    assert_true(is_new(door, door->writer.text, "10.0.0.1")); /* for this key */

    /* Also where the table is made anew in between, and after a restart. */
    (void)access_lock(door->access);
    access_unlock(door->access);
    assert_false(is_new(door, door->admin.text, "2001:db8::1"));
    reopen(door);
    assert_false(is_new(door, door->admin.text, "10.0.0.1"));
    assert_false(is_new(door, door->admin.text, "2001:db8::1"));
    assert_false(is_new(door, door->writer.text, "10.0.0.1"));
    assert_true(is_new(door, door->writer.text, "10.0.0.2"));
}

static void
only_so_many_addresses_are_remembered(void **state)
{
    struct door *door = *state;
    char address[32];
    for (int i = 0; i <= KEYRING_ADDRESSES_MAX; i++) {
        (void)snprintf(address, sizeof address, "10.0.0.%d", i);
        bool new_address;
        assert_true(opens_from(door, door->admin.text, address, door->now + i, &new_address));
        assert_true(new_address);
    }
    assert_false(is_new(door, door->admin.text, "10.0.0.1"));
    assert_true(is_new(door, door->admin.text, "10.0.0.0")); /* the oldest had to go */
}

/* The first use is written soon, so that it survives a crash. */
static void
uses_are_written_behind(void **state)
{
    struct door *door = *state;
    assert_true(opens_from(door, door->admin.text, "10.0.0.1", door->now, NULL));
    struct keyring_entry entry = stored(door, door->admin.id);
    for (int i = 0; i < PATIENCE && entry.last_used == 0; i++) {
        sleep_ms(100);
        entry = stored(door, door->admin.id);
    }
    assert_int_equal(entry.last_used, door->now);
    assert_string_equal(entry.last_address, "10.0.0.1");

    /* The next one waits for its minute, or for the end. */
    assert_true(opens_from(door, door->admin.text, "10.0.0.2", door->now + 1, NULL));
    sleep_ms(1500);
    assert_int_equal(stored(door, door->admin.id).last_used, door->now);
    reopen(door);
    entry = stored(door, door->admin.id);
    assert_int_equal(entry.last_used, door->now + 1);
    assert_string_equal(entry.last_address, "10.0.0.2");
    assert_int_equal(stored(door, door->writer.id).last_used, 0); /* never used */
}

/* When a key that is revoked was last used is what one wants to know of it. */
static void
uses_of_a_revoked_key_are_written(void **state)
{
    struct door *door = *state;
    assert_true(opens_from(door, door->writer.text, "10.0.0.9", door->now, NULL));
    struct keyring *keyring = access_lock(door->access);
    assert_int_equal(keyring_revoke(keyring, door->writer.id, NULL), TALLY_OK);
    access_unlock(door->access);
    reopen(door);
    assert_int_equal(stored(door, door->writer.id).last_used, door->now);
    assert_string_equal(stored(door, door->writer.id).last_address, "10.0.0.9");
}

/* More keys than fit into one batch, each with all the addresses it may have. */
static void
many_uses_are_all_written(void **state)
{
    struct door *door = *state;
    enum {
        KEYS = 25
    };
    static struct new_key keys[KEYS];
    struct keyring *keyring = access_lock(door->access);
    for (size_t k = 0; k < KEYS; k++)
        keys[k] = add(keyring, "many", ROLE_WRITER, NULL, 0);
    access_unlock(door->access);
    for (size_t k = 0; k < KEYS; k++) {
        for (int i = 0; i < KEYRING_ADDRESSES_MAX; i++) {
            char address[32];
            (void)snprintf(address, sizeof address, "10.0.%d.%d", (int)k, i);
            assert_true(opens_from(door, keys[k].text, address, door->now + i, NULL));
        }
    }
    reopen(door);
    for (size_t k = 0; k < KEYS; k++) {
        static struct keyring_use uses[KEYRING_ADDRESSES_MAX];
        size_t count = 0;
        keyring = access_lock(door->access);
        assert_int_equal(keyring_addresses(keyring, keys[k].id, uses, &count, NULL), TALLY_OK);
        access_unlock(door->access);
        assert_int_equal(count, KEYRING_ADDRESSES_MAX);
        assert_int_equal(uses[0].used, door->now + KEYRING_ADDRESSES_MAX - 1);
    }
}

/* ---- threads ---- */

struct crowd {
    struct door *door;
    atomic_bool over;
    atomic_int new_addresses;
    atomic_int wrong;
};

static void *
ask_often(void *context)
{
    struct crowd *crowd = context;
    while (!atomic_load(&crowd->over)) {
        for (int i = 0; i < 50; i++) {
            char address[32];
            (void)snprintf(address, sizeof address, "10.0.0.%d", i);
            struct principal principal;
            bool new_address = false;
            tally_status status =
                access_find(crowd->door->access, bytes_text(crowd->door->admin.text), address,
                            clock_now(), &principal, &new_address, NULL);
            if (status == TALLY_BUSY) /* the machine stood still */
                continue;
            if (status != TALLY_OK || principal.key != crowd->door->admin.id)
                atomic_fetch_add(&crowd->wrong, 1);
            atomic_fetch_add(&crowd->new_addresses, new_address);
        }
    }
    return NULL;
}

/* Requests go on while keys are made, revoked and written. */
static void
many_ask_at_once(void **state)
{
    struct door *door = *state;
    struct crowd crowd = { .door = door };
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &crowd), 0);
    for (int i = 0; i < 20; i++) {
        struct keyring *keyring = access_lock(door->access);
        struct new_key key = add(keyring, "passing", ROLE_WRITER, NULL, 0);
        access_unlock(door->access);
        assert_true(opens(door, key.text));
        keyring = access_lock(door->access);
        assert_int_equal(keyring_revoke(keyring, key.id, NULL), TALLY_OK);
        access_unlock(door->access);
        assert_false(opens(door, key.text));
    }
    sleep_ms(1200); /* a look and a writing of the thread's own */
    atomic_store(&crowd.over, true);
    for (size_t i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(crowd.wrong, 0);
    assert_int_equal(crowd.new_addresses, 50); /* each once, whoever came first */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_says_who_asks, begin, end),
        cmocka_unit_test_setup_teardown(nothing_else_opens, begin, end),
        cmocka_unit_test_setup_teardown(hashes_that_begin_alike_are_told_apart, begin, end),
        cmocka_unit_test_setup_teardown(an_expired_key_opens_nothing, begin, end),
        cmocka_unit_test(there_must_be_a_ring),
        cmocka_unit_test_setup_teardown(changes_of_our_own_hold_at_once, begin, end),
        cmocka_unit_test_setup_teardown(changes_of_others_hold_within_a_second_or_so, begin, end),
        cmocka_unit_test_setup_teardown(without_a_ring_nobody_gets_in, begin, end),
        cmocka_unit_test_setup_teardown(behind_a_lock_nobody_gets_in, begin, end),
        cmocka_unit_test_setup_teardown(an_address_is_new_once, begin, end),
        cmocka_unit_test_setup_teardown(only_so_many_addresses_are_remembered, begin, end),
        cmocka_unit_test_setup_teardown(uses_are_written_behind, begin, end),
        cmocka_unit_test_setup_teardown(uses_of_a_revoked_key_are_written, begin, end),
        cmocka_unit_test_setup_teardown(many_uses_are_all_written, begin, end),
        cmocka_unit_test_setup_teardown(many_ask_at_once, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
