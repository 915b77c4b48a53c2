/*
 * Each thread has a list of the drafts it was given, by the serial number of whose they are. An ended
 * thread gives its pairs back to those that are still there; those that are gone have freed theirs.
 * The list is the thread's own: looking into it takes no lock.
 */
#include "drafts.h"

#include "fault.h"

#include <pthread.h>
#include <stdlib.h>

struct drafts {
    const struct mask *mask;
    uint64_t serial;
    struct draft_pair *pairs;  /* all of them */
    struct draft_pair *spares; /* of threads that ended */
    struct drafts *next;
};

/* One of a thread's. */
struct share {
    uint64_t serial;
    struct draft_pair *pair;
    struct share *next;
};

static _Thread_local struct share *shares;

/* Under the lock: all `drafts` there are, and their pairs. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct drafts *all;
static uint64_t last_serial;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* for its destructor */

/* Under the lock. NULL: they are gone. */
static struct drafts *
find(uint64_t serial)
{
    struct drafts *drafts = all;
    while (drafts != NULL && drafts->serial != serial)
        drafts = drafts->next;
    return drafts;
}

/* Of a thread that ends. */
static void
give_back(void *value)
{
    (void)value;
    (void)pthread_mutex_lock(&lock);
    while (shares != NULL) {
        struct share *share = shares;
        struct drafts *drafts = find(share->serial);
        shares = share->next;
        if (drafts != NULL) {
            share->pair->spare = drafts->spares;
            drafts->spares = share->pair;
        }
        free(share);
    }
    (void)pthread_mutex_unlock(&lock);
}

static void
make_key(void)
{
    if (pthread_key_create(&key, give_back) != 0)
        abort();
}

tally_status
drafts_create(const struct mask *mask, struct drafts **drafts_out, struct tally_error *error)
{
    struct drafts *drafts = calloc(1, sizeof *drafts);
    if (drafts == NULL)
        return memory_fault(error);
    (void)pthread_once(&once, make_key);
    drafts->mask = mask;
    (void)pthread_mutex_lock(&lock);
    drafts->serial = ++last_serial;
    drafts->next = all;
    all = drafts;
    (void)pthread_mutex_unlock(&lock);
    *drafts_out = drafts;
    return TALLY_OK;
}

static void
pair_free(struct draft_pair *pair)
{
    draft_destroy(pair->draft);
    draft_destroy(pair->aside);
    mask_destroy(pair->mask);
    free(pair);
}

void
drafts_destroy(struct drafts *drafts)
{
    if (drafts == NULL)
        return;
    (void)pthread_mutex_lock(&lock);
    struct drafts **link = &all;
    while (*link != drafts)
        link = &(*link)->next;
    *link = drafts->next;
    (void)pthread_mutex_unlock(&lock);
    while (drafts->pairs != NULL) {
        struct draft_pair *pair = drafts->pairs;
        drafts->pairs = pair->next;
        pair_free(pair);
    }
    free(drafts);
}

/* ---- a thread's first event ---- */

static tally_status
pair_create(const struct mask *mask, struct draft_pair **pair_out, struct tally_error *error)
{
    struct draft_pair *pair = calloc(1, sizeof *pair);
    if (pair == NULL)
        return memory_fault(error);
    tally_status status = TALLY_OK;
    if (mask_has_patterns(mask))
        status = mask_clone(mask, &pair->mask, error);
    if (pair->mask != NULL)
        mask = pair->mask;
    if (status == TALLY_OK)
        status = draft_create(mask, &pair->draft, error);
    if (status == TALLY_OK)
        status = draft_create(mask, &pair->aside, error);
    if (status != TALLY_OK) {
        pair_free(pair);
        return status;
    }
    *pair_out = pair;
    return TALLY_OK;
}

/* Under the lock. */
static tally_status
take_pair(struct drafts *drafts, struct draft_pair **pair_out, struct tally_error *error)
{
    struct draft_pair *pair = drafts->spares;
    if (pair != NULL) {
        drafts->spares = pair->spare;
        *pair_out = pair;
        return TALLY_OK;
    }
    tally_status status = pair_create(drafts->mask, &pair, error);
    if (status != TALLY_OK)
        return status;
    pair->next = drafts->pairs;
    drafts->pairs = pair;
    *pair_out = pair;
    return TALLY_OK;
}

/* Under the lock: forgets this thread's shares of what is gone. */
static void
prune(void)
{
    for (struct share **link = &shares; *link != NULL;) {
        struct share *share = *link;
        if (find(share->serial) != NULL) {
            link = &share->next;
            continue;
        }
        *link = share->next;
        free(share);
    }
}

static tally_status
first_time(struct drafts *drafts, struct draft_pair **pair_out, struct tally_error *error)
{
    struct share *share = malloc(sizeof *share);
    /* Any value but NULL has the destructor called. */
    if (share == NULL || pthread_setspecific(key, &shares) != 0) {
        free(share);
        return memory_fault(error);
    }
    (void)pthread_mutex_lock(&lock);
    prune();
    tally_status status = take_pair(drafts, &share->pair, error);
    (void)pthread_mutex_unlock(&lock);
    if (status != TALLY_OK) {
        free(share);
        return status;
    }
    share->serial = drafts->serial;
    share->next = shares;
    shares = share;
    *pair_out = share->pair;
    return TALLY_OK;
}

tally_status
drafts_mine(struct drafts *drafts, struct draft_pair **pair_out, struct tally_error *error)
{
    for (const struct share *share = shares; share != NULL; share = share->next) {
        if (share->serial == drafts->serial) {
            *pair_out = share->pair;
            return TALLY_OK;
        }
    }
    return first_time(drafts, pair_out, error);
}

/* ---- fork ---- */

void
drafts_fork_prepare(void)
{
    (void)pthread_mutex_lock(&lock);
}

void
drafts_fork_parent(void)
{
    (void)pthread_mutex_unlock(&lock);
}

/* Pairs of threads that are not here stay with their drafts until those are destroyed. */
void
drafts_fork_child(void)
{
    (void)pthread_mutex_init(&lock, NULL);
}
