/*
 * Two locks, taken in this order. `ring` guards the open keyring, and is held over reads and writes
 * of the disk; `table` guards the keys in memory, and is held for moments only. access_find() takes
 * the second alone, so no request waits for a disk to say who asks.
 *
 * A thread wakes every second. It asks SQLite whether somebody else has changed the file, and reads
 * the keys anew if so. Then it writes uses: a key's first at once, later ones a minute after the
 * last that were written. What a crash loses is at most a minute of them.
 *
 * Where the ring cannot be read, or a disk that stands still keeps whoever holds it, the keys in
 * memory are not to be trusted for long: one of them may be revoked. After TRUSTED_FOR nobody gets
 * in.
 */
#include "access.h"

#include "clock.h"
#include "condition.h"
#include "fault.h"
#include "key_table.h"

#include <pthread.h>
#include <stdlib.h>

#define LOOK_INTERVAL  CLOCK_SECOND
#define WRITE_INTERVAL (60 * CLOCK_SECOND)
#define TRUSTED_FOR    (6 * CLOCK_SECOND)
#define LAST_WAIT_MS   5000

/* Uses written in one transaction. */
#define BATCH_MAX 1024
_Static_assert(BATCH_MAX >= KEYRING_ADDRESSES_MAX, "a key's uses fit into a batch");

struct access {
    pthread_mutex_t ring;
    struct keyring *keyring;
    int64_t version; /* of the ring when the keys were read */
    bool stale;      /* reading them has failed since */
    struct keyring_use batch[BATCH_MAX];

    pthread_mutex_t mutex; /* `table`, below */
    struct key_table table;
    int64_t known;            /* monotonic: when they were the ring's for certain */
    struct tally_error fault; /* of the last look since, if it failed */
    bool closing;

    pthread_cond_t close;
    pthread_t thread;
};

bool
principal_may_use(const struct principal *principal, const char *trail)
{
    return keyring_trails_have(principal->trails, trail);
}

/* ---- keys ---- */

/* Reads the keys. The caller holds `ring`. */
static tally_status
read_keys(struct access *access, struct tally_error *error)
{
    /* The table's keys change only here, so they may be looked at without the lock. */
    struct key_table fresh;
    tally_status status = key_table_read(access->keyring, &access->table, &fresh, error);
    access->stale = status != TALLY_OK;
    if (status != TALLY_OK)
        return status;

    (void)pthread_mutex_lock(&access->mutex);
    key_table_inherit(&fresh, &access->table);
    struct key_table old = access->table;
    access->table = fresh;
    (void)pthread_mutex_unlock(&access->mutex);
    key_table_free(&old);
    return TALLY_OK;
}

/* The version is asked for before the keys are read: what changes in between is seen next time. */
static tally_status
look(struct access *access, struct tally_error *error)
{
    int64_t version;
    tally_status status = keyring_version(access->keyring, &version, error);
    if (status != TALLY_OK)
        return status;
    if (version == access->version && !access->stale)
        return TALLY_OK;
    status = read_keys(access, error);
    if (status == TALLY_OK)
        access->version = version;
    return status;
}

/* What came of a look that began then. */
static void
remember(struct access *access, int64_t began, tally_status status, const struct tally_error *error)
{
    (void)pthread_mutex_lock(&access->mutex);
    if (status == TALLY_OK)
        access->known = began;
    access->fault = *error;
    (void)pthread_mutex_unlock(&access->mutex);
}

/* ---- uses ---- */

enum due {
    DUE_ALL,
    DUE_NOW, /* but those that were written less than WRITE_INTERVAL ago */
};

/* Fills the batch with what is due from the key at *at on, which it moves on. */
static size_t
collect(struct access *access, enum due due, int64_t now, size_t *at)
{
    size_t count = 0;
    (void)pthread_mutex_lock(&access->mutex);
    for (; *at < access->table.count && BATCH_MAX - count >= KEYRING_ADDRESSES_MAX; ++*at) {
        const struct held_key *key = &access->table.keys[*at];
        bool recent = key->written != 0 && now - key->written < WRITE_INTERVAL;
        if (due == DUE_ALL || !recent)
            count += uses_collect(key->uses, &access->batch[count]);
    }
    (void)pthread_mutex_unlock(&access->mutex);
    return count;
}

/* The batch, which came from the keys between `first` and `end`, is written. */
static void
settle(struct access *access, size_t first, size_t end, size_t count, int64_t now)
{
    size_t begin = 0;
    (void)pthread_mutex_lock(&access->mutex);
    for (size_t i = first; i < end && begin < count; i++) {
        struct held_key *key = &access->table.keys[i];
        size_t next = begin;
        while (next < count && access->batch[next].id == key->principal.key)
            next++;
        if (next == begin)
            continue;
        uses_settle(key->uses, &access->batch[begin], next - begin);
        key->written = now;
        begin = next;
    }
    (void)pthread_mutex_unlock(&access->mutex);
}

/* The caller holds `ring`. What could not be written stays due. */
static void
write_uses(struct access *access, enum due due, int wait_ms)
{
    int64_t now = clock_monotonic();
    for (size_t at = 0; at < access->table.count;) {
        size_t first = at;
        size_t count = collect(access, due, now, &at);
        if (count == 0)
            continue;
        if (keyring_note(access->keyring, access->batch, count, wait_ms, NULL) != TALLY_OK)
            return;
        settle(access, first, at, count, now);
    }
}

/* ---- the thread ---- */

static void
tend(struct access *access)
{
    (void)pthread_mutex_lock(&access->ring);
    struct tally_error error = { 0 };
    int64_t began = clock_monotonic();
    remember(access, began, look(access, &error), &error);
    write_uses(access, DUE_NOW, 0);
    (void)pthread_mutex_unlock(&access->ring);
}

/* Waits for the next look. False where the thread is to end. */
static bool
wait_for_look(struct access *access)
{
    int64_t until = clock_monotonic() + LOOK_INTERVAL;
    (void)pthread_mutex_lock(&access->mutex);
    while (!access->closing && condition_wait(&access->close, &access->mutex, until))
        continue;
    bool closing = access->closing;
    (void)pthread_mutex_unlock(&access->mutex);
    return !closing;
}

static void *
access_main(void *context)
{
    struct access *access = context;
    (void)pthread_setname_np(pthread_self(), "tally-access");
    while (wait_for_look(access))
        tend(access);
    return NULL;
}

/* ---- opening and closing ---- */

static void
destroy(struct access *access)
{
    key_table_free(&access->table);
    keyring_close(access->keyring);
    (void)pthread_cond_destroy(&access->close);
    (void)pthread_mutex_destroy(&access->mutex);
    (void)pthread_mutex_destroy(&access->ring);
    free(access);
}

static struct access *
create(void)
{
    struct access *access = calloc(1, sizeof *access);
    if (access == NULL)
        return NULL;
    condition_init(&access->close);
    (void)pthread_mutex_init(&access->mutex, NULL);
    (void)pthread_mutex_init(&access->ring, NULL);
    access->stale = true;
    return access;
}

tally_status
access_open(const char *folder, struct access **access_out, struct tally_error *error)
{
    struct access *access = create();
    if (access == NULL)
        return memory_fault(error);
    tally_status status = keyring_open(folder, &access->keyring, error);
    access->known = clock_monotonic();
    if (status == TALLY_OK)
        status = look(access, error);
    if (status == TALLY_OK && pthread_create(&access->thread, NULL, access_main, access) != 0)
        status = fault(error, TALLY_NO_MEMORY, "cannot start a thread");
    if (status != TALLY_OK) {
        destroy(access);
        return status;
    }
    *access_out = access;
    return TALLY_OK;
}

void
access_close(struct access *access)
{
    if (access == NULL)
        return;
    (void)pthread_mutex_lock(&access->mutex);
    access->closing = true;
    (void)pthread_cond_signal(&access->close);
    (void)pthread_mutex_unlock(&access->mutex);
    (void)pthread_join(access->thread, NULL);
    write_uses(access, DUE_ALL, LAST_WAIT_MS);
    destroy(access);
}

/* ---- who asks ---- */

/* What keeps everybody out. The caller holds `mutex`. */
static tally_status
distrust(const struct access *access, struct tally_error *error)
{
    if (access->fault.status == TALLY_OK)
        return fault(error, TALLY_BUSY, "for some seconds no key could be looked up; try again");
    if (error != NULL)
        *error = access->fault;
    return access->fault.status;
}

/* The caller holds `mutex`. */
static tally_status
identify(struct access *access, const struct tally_hash *hash, const char *address, int64_t now,
         struct principal *principal_out, bool *new_address_out, struct tally_error *error)
{
    if (clock_monotonic() - access->known > TRUSTED_FOR)
        return distrust(access, error);
    const struct held_key *key = key_table_find(&access->table, hash);
    if (key == NULL || key->ends <= now)
        return TALLY_ABSENT;
    *principal_out = key->principal;
    *new_address_out = uses_add(key->uses, address, now);
    return TALLY_OK;
}

tally_status
access_find(struct access *access, struct bytes key, const char *address, int64_t now,
            struct principal *principal_out, bool *new_address_out, struct tally_error *error)
{
    if (key.size != KEYRING_KEY_SIZE) /* which is no secret */
        return TALLY_ABSENT;
    struct tally_hash hash;
    tally_hash_pieces(&(struct tally_piece){ key.data, key.size }, 1, &hash);
    (void)pthread_mutex_lock(&access->mutex);
    tally_status status =
        identify(access, &hash, address, now, principal_out, new_address_out, error);
    (void)pthread_mutex_unlock(&access->mutex);
    return status;
}

/* The caller holds `mutex`. */
static bool
holds(const struct access *access, const struct principal *principal, int64_t now)
{
    if (clock_monotonic() - access->known > TRUSTED_FOR)
        return false;
    for (size_t i = 0; i < access->table.count; i++) {
        const struct held_key *key = &access->table.keys[i];
        if (key->principal.key == principal->key && key->ends > now)
            return key->principal.role == principal->role &&
                   strcmp(key->principal.trails, principal->trails) == 0;
    }
    return false;
}

bool
access_holds(struct access *access, const struct principal *principal, int64_t now)
{
    (void)pthread_mutex_lock(&access->mutex);
    bool still = holds(access, principal, now);
    (void)pthread_mutex_unlock(&access->mutex);
    return still;
}

/* ---- changing keys ---- */

struct keyring *
access_lock(struct access *access)
{
    (void)pthread_mutex_lock(&access->ring);
    return access->keyring;
}

void
access_unlock(struct access *access)
{
    struct tally_error error = { 0 };
    int64_t began = clock_monotonic();
    remember(access, began, read_keys(access, &error), &error);
    (void)pthread_mutex_unlock(&access->ring);
}
