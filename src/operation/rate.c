/*
 * rate.c - token buckets, each of them one number.
 *
 * A bucket that is not full is full again at some instant; that instant is all it is. Taking one
 * moves it ahead by what one costs (window / limit); one may be taken as long as it is then no
 * further ahead than a whole bucket costs. A bucket whose instant has passed is full, like one that
 * was never there, so a bucket that makes room for another forgets at most what its owner took
 * within a window. (This is the generic cell rate algorithm, ITU-T I.371.)
 *
 * Buckets are found by a keyed hash, so that nobody can choose addresses that collide, and stand in
 * a ring by their last use.
 */
#include "rate.h"

#include "bytes.h"
#include "clock.h"
#include "fault.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define NONE UINT32_MAX

struct bucket {
    char who[RATE_WHO_SIZE]; /* "": not in use */
    int64_t full_at;
    uint32_t next_alike;   /* with the same hash; NONE ends */
    uint32_t older, newer; /* in the ring of use */
};

struct rate {
    pthread_mutex_t lock;
    int64_t cost; /* of one, in nanoseconds; 0: there is no limit */
    int64_t limit;
    int64_t now; /* the latest instant anybody asked at: threads read the clock before the lock */
    uint32_t count;
    uint32_t newest; /* its `newer` is the oldest */
    uint8_t hash_key[crypto_shorthash_KEYBYTES];
    uint32_t *first_alike; /* by hash, `count` of them */
    struct bucket *buckets;
};

static void
set_limit(struct rate *rate, uint64_t limit, int64_t window)
{
    assert(limit == 0 || (window > 0 && limit <= (uint64_t)window));
    rate->limit = (int64_t)limit;
    rate->cost = limit == 0 ? 0 : window / (int64_t)limit;
}

tally_status
rate_create(uint64_t limit, int64_t window, uint32_t buckets, struct rate **rate_out,
            struct tally_error *error)
{
    assert(buckets > 0 && buckets < NONE);
    struct rate *rate = calloc(1, sizeof *rate);
    if (rate == NULL)
        return memory_fault(error);
    rate->buckets = calloc(buckets, sizeof *rate->buckets);
    rate->first_alike = calloc(buckets, sizeof *rate->first_alike);
    if (rate->buckets == NULL || rate->first_alike == NULL) {
        free(rate->buckets);
        free(rate->first_alike);
        free(rate);
        return memory_fault(error);
    }
    for (uint32_t i = 0; i < buckets; i++) {
        rate->first_alike[i] = NONE;
        rate->buckets[i].older = i == 0 ? buckets - 1 : i - 1;
        rate->buckets[i].newer = i == buckets - 1 ? 0 : i + 1;
    }
    rate->count = buckets;
    rate->newest = buckets - 1;
    crypto_shorthash_keygen(rate->hash_key);
    (void)pthread_mutex_init(&rate->lock, NULL);
    set_limit(rate, limit, window);
    *rate_out = rate;
    return TALLY_OK;
}

void
rate_destroy(struct rate *rate)
{
    if (rate == NULL)
        return;
    (void)pthread_mutex_destroy(&rate->lock);
    free(rate->buckets);
    free(rate->first_alike);
    free(rate);
}

void
rate_configure(struct rate *rate, uint64_t limit, int64_t window)
{
    (void)pthread_mutex_lock(&rate->lock);
    set_limit(rate, limit, window);
    (void)pthread_mutex_unlock(&rate->lock);
}

/* ---- buckets ---- */

/* Where the chain of buckets begins that `who` would be in. */
static uint32_t *
chain_of(struct rate *rate, const char *who)
{
    uint8_t hash[crypto_shorthash_BYTES];
    (void)crypto_shorthash(hash, (const uint8_t *)who, strlen(who), rate->hash_key);
    return &rate->first_alike[get_u64(hash) % rate->count];
}

/* NONE where there is none. */
static uint32_t
find(struct rate *rate, const char *who)
{
    uint32_t at = *chain_of(rate, who);
    while (at != NONE && strcmp(rate->buckets[at].who, who) != 0)
        at = rate->buckets[at].next_alike;
    return at;
}

static void
make_newest(struct rate *rate, uint32_t at)
{
    struct bucket *buckets = rate->buckets;
    uint32_t oldest = buckets[rate->newest].newer;
    if (at == rate->newest)
        return;
    /* The oldest is where the newest belongs already: the ring begins elsewhere. */
    if (at != oldest) {
        buckets[buckets[at].older].newer = buckets[at].newer;
        buckets[buckets[at].newer].older = buckets[at].older;
        buckets[at].older = rate->newest;
        buckets[at].newer = oldest;
        buckets[rate->newest].newer = at;
        buckets[oldest].older = at;
    }
    rate->newest = at;
}

static void
unlink_bucket(struct rate *rate, uint32_t at)
{
    uint32_t *link = chain_of(rate, rate->buckets[at].who);
    while (*link != at)
        link = &rate->buckets[*link].next_alike;
    *link = rate->buckets[at].next_alike;
}

/* The bucket not used for longest, for `who`, full. */
static uint32_t
replace_oldest(struct rate *rate, const char *who)
{
    uint32_t at = rate->buckets[rate->newest].newer;
    struct bucket *bucket = &rate->buckets[at];
    if (bucket->who[0] != '\0')
        unlink_bucket(rate, at);
    memcpy(bucket->who, who, strlen(who) + 1);
    bucket->full_at = INT64_MIN;
    uint32_t *chain = chain_of(rate, who);
    bucket->next_alike = *chain;
    *chain = at;
    return at;
}

/* ---- asking ---- */

static void
advance(struct rate *rate, int64_t now)
{
    if (now > rate->now)
        rate->now = now;
}

/* How far the bucket is from full now, in nanoseconds: never more than a bucket, whatever limit it
 * was filled under. */
static int64_t
debt_of(const struct rate *rate, uint32_t at)
{
    if (at == NONE || rate->buckets[at].full_at <= rate->now)
        return 0;
    int64_t debt = rate->buckets[at].full_at - rate->now;
    int64_t most = rate->cost * rate->limit;
    return debt < most ? debt : most;
}

static uint64_t
seconds_up(int64_t nanoseconds)
{
    return (uint64_t)((nanoseconds + CLOCK_SECOND - 1) / CLOCK_SECOND);
}

static bool
is_allowed(const struct rate *rate, int64_t debt)
{
    return debt + rate->cost <= rate->cost * rate->limit;
}

static void
describe(const struct rate *rate, int64_t debt, struct rate_state *state_out)
{
    int64_t whole = rate->cost * rate->limit;
    *state_out = (struct rate_state){
        .limit = (uint64_t)rate->limit,
        .remaining = (uint64_t)((whole - debt) / rate->cost),
        .reset_s = seconds_up(debt),
        .retry_s = is_allowed(rate, debt) ? 0 : seconds_up(debt + rate->cost - whole),
    };
}

bool
rate_take(struct rate *rate, const char *who, int64_t now, struct rate_state *state_out)
{
    assert(who[0] != '\0' && strlen(who) < RATE_WHO_SIZE);
    struct rate_state state = { 0 };
    bool allowed = true;
    (void)pthread_mutex_lock(&rate->lock);
    if (rate->cost > 0) {
        advance(rate, now);
        uint32_t at = find(rate, who);
        if (at == NONE)
            at = replace_oldest(rate, who);
        make_newest(rate, at);
        int64_t debt = debt_of(rate, at);
        allowed = is_allowed(rate, debt);
        if (allowed)
            debt += rate->cost;
        rate->buckets[at].full_at = rate->now + debt;
        describe(rate, debt, &state);
    }
    (void)pthread_mutex_unlock(&rate->lock);
    *state_out = state;
    return allowed;
}

void
rate_address(const char *address, char who_out[RATE_WHO_SIZE])
{
    struct in6_addr v6;
    if (inet_pton(AF_INET6, address, &v6) != 1) {
        (void)snprintf(who_out, RATE_WHO_SIZE, "%s", address);
    } else if (IN6_IS_ADDR_V4MAPPED(&v6)) {
        (void)inet_ntop(AF_INET, v6.s6_addr + 12, who_out, RATE_WHO_SIZE);
    } else {
        memset(v6.s6_addr + 8, 0, 8);
        char network[INET6_ADDRSTRLEN];
        (void)inet_ntop(AF_INET6, &v6, network, sizeof network);
        (void)snprintf(who_out, RATE_WHO_SIZE, "%s/64", network);
    }
}
