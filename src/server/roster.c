#include "roster.h"

#include "clock.h"
#include "fault.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

/* A trail that is being opened or closed is in the list, so that nobody else does it meanwhile. */
enum phase {
    PHASE_OPENING,
    PHASE_OPEN,
    PHASE_CLOSING,
};

struct member {
    struct open_trail open; /* first: what is handed out */
    char name[TRAIL_NAME_MAX + 1];
    enum phase phase;
    bool kept;   /* never closed for being idle */
    bool reopen; /* close it when nobody uses it */
    struct member *next;
    unsigned users;
    int64_t used; /* monotonic */
};

struct roster {
    struct folder *folder;
    struct roster_options options;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* a member's phase, or it is gone */
    struct member *members;
    uint64_t count;
};

tally_status
roster_create(struct folder *folder, const struct roster_options *options,
              struct roster **roster_out, struct tally_error *error)
{
    struct roster *roster = calloc(1, sizeof *roster);
    if (roster == NULL)
        return memory_fault(error);
    roster->folder = folder;
    roster->options = *options;
    (void)pthread_mutex_init(&roster->mutex, NULL);
    (void)pthread_cond_init(&roster->changed, NULL);
    *roster_out = roster;
    return TALLY_OK;
}

/* Under the mutex, as all that follow which take a member or none. */
static struct member *
find(struct roster *roster, const char *name)
{
    struct member *member = roster->members;
    while (member != NULL && strcmp(member->name, name) != 0)
        member = member->next;
    return member;
}

static void
unlink_member(struct roster *roster, struct member *member)
{
    struct member **link = &roster->members;
    while (*link != member)
        link = &(*link)->next;
    *link = member->next;
    roster->count--;
    (void)pthread_cond_broadcast(&roster->changed);
    free(member);
}

/* Closes a member that nobody uses. Gives the mutex up meanwhile. */
static tally_status
close_member(struct roster *roster, struct member *member, struct tally_error *error)
{
    assert(member->users == 0 && member->phase == PHASE_OPEN);
    member->phase = PHASE_CLOSING;
    (void)pthread_mutex_unlock(&roster->mutex);
    tally_status status = trail_close(member->open.trail, error);
    (void)pthread_mutex_lock(&roster->mutex);
    unlink_member(roster, member);
    return status;
}

/* The unused one that was not used for longest, or NULL. */
static struct member *
find_idle(struct roster *roster)
{
    struct member *found = NULL;
    for (struct member *member = roster->members; member != NULL; member = member->next)
        if (member->phase == PHASE_OPEN && member->users == 0 && !member->kept &&
            (found == NULL || member->used < found->used))
            found = member;
    return found;
}

static struct member *
add_member(struct roster *roster, const char *name)
{
    struct member *member = calloc(1, sizeof *member);
    if (member == NULL)
        return NULL;
    memcpy(member->name, name, strlen(name) + 1);
    member->open.name = member->name;
    member->phase = PHASE_OPENING;
    member->kept = strcmp(name, "main") == 0 || strcmp(name, "tally") == 0;
    member->next = roster->members;
    roster->members = member;
    roster->count++;
    return member;
}

/* Opens a trail that is not in the list. Under the mutex, which it gives up meanwhile. */
static tally_status
open_member(struct roster *roster, const char *name, struct member **member_out,
            struct tally_error *error)
{
    if (roster->count >= roster->options.open_max) {
        struct member *idle = find_idle(roster);
        if (idle == NULL)
            return fault(error, TALLY_BUSY, "%llu trails are open and in use; try again soon",
                         (unsigned long long)roster->count);
        /* What closing met will be met again by whoever opens it next. */
        (void)close_member(roster, idle, NULL);
        if (find(roster, name) != NULL)
            return TALLY_DISAGREES; /* somebody was faster: look again */
    }
    struct member *member = add_member(roster, name);
    if (member == NULL)
        return memory_fault(error);
    (void)pthread_mutex_unlock(&roster->mutex);
    struct trail_recovery recovery = { 0 };
    tally_status status =
        trail_open(roster->folder, name, TRAIL_WRITE, &member->open.trail, &recovery, error);
    bool remarkable = recovery.tail.torn || recovery.unsigned_ > 0 || recovery.erasures > 0;
    if (status == TALLY_OK && remarkable && roster->options.recovered != NULL)
        roster->options.recovered(roster->options.context, name, &recovery);
    (void)pthread_mutex_lock(&roster->mutex);
    if (status != TALLY_OK) {
        unlink_member(roster, member);
        return status;
    }
    member->phase = PHASE_OPEN;
    (void)pthread_cond_broadcast(&roster->changed);
    *member_out = member;
    return TALLY_OK;
}

static void
use(struct member *member, struct open_trail **trail_out)
{
    member->users++;
    member->used = clock_monotonic();
    *trail_out = &member->open;
}

tally_status
roster_take(struct roster *roster, const char *name, struct open_trail **trail_out,
            struct tally_error *error)
{
    if (!trail_name_valid(name))
        return TALLY_ABSENT;
    /* Before another one is closed for it. A name that is open is there. */
    struct open_trail *open;
    tally_status status = roster_try(roster, name, &open);
    if (status == TALLY_OK) {
        *trail_out = open;
        return TALLY_OK;
    }
    status = trail_is_there(roster->folder, name, error);
    if (status != TALLY_OK)
        return status;
    status = TALLY_DISAGREES;
    (void)pthread_mutex_lock(&roster->mutex);
    while (status == TALLY_DISAGREES) {
        struct member *member = find(roster, name);
        if (member == NULL)
            status = open_member(roster, name, &member, error);
        else if (member->phase == PHASE_OPEN)
            status = TALLY_OK;
        else
            (void)pthread_cond_wait(&roster->changed, &roster->mutex);
        if (status == TALLY_OK)
            use(member, trail_out);
    }
    (void)pthread_mutex_unlock(&roster->mutex);
    return status;
}

tally_status
roster_try(struct roster *roster, const char *name, struct open_trail **trail_out)
{
    tally_status status = TALLY_ABSENT;
    (void)pthread_mutex_lock(&roster->mutex);
    struct member *member = find(roster, name);
    if (member != NULL && member->phase == PHASE_OPEN) {
        use(member, trail_out);
        status = TALLY_OK;
    }
    (void)pthread_mutex_unlock(&roster->mutex);
    return status;
}

void
roster_retain(struct roster *roster, struct open_trail *trail)
{
    struct member *member = (struct member *)trail;
    (void)pthread_mutex_lock(&roster->mutex);
    assert(member->users > 0);
    member->users++;
    (void)pthread_mutex_unlock(&roster->mutex);
}

void
roster_release(struct roster *roster, struct open_trail *trail)
{
    if (trail == NULL)
        return;
    struct member *member = (struct member *)trail;
    (void)pthread_mutex_lock(&roster->mutex);
    assert(member->users > 0);
    member->users--;
    member->used = clock_monotonic();
    (void)pthread_mutex_unlock(&roster->mutex);
}

/* Whether a member is to be closed now. */
static bool
is_due(const struct roster *roster, const struct member *member, int64_t now)
{
    if (member->phase != PHASE_OPEN || member->users > 0)
        return false;
    return member->reopen || (!member->kept && now - member->used > roster->options.idle);
}

void
roster_tidy(struct roster *roster)
{
    int64_t now = clock_monotonic();
    (void)pthread_mutex_lock(&roster->mutex);
    for (struct member *member = roster->members; member != NULL;) {
        if (!is_due(roster, member, now)) {
            member = member->next;
            continue;
        }
        (void)close_member(roster, member, NULL);
        member = roster->members; /* the list may have changed */
    }
    (void)pthread_mutex_unlock(&roster->mutex);
}

void
roster_reopen(struct roster *roster)
{
    (void)pthread_mutex_lock(&roster->mutex);
    for (struct member *member = roster->members; member != NULL; member = member->next)
        member->reopen = member->phase == PHASE_OPEN && trail_poisoned(member->open.trail) != NULL;
    (void)pthread_mutex_unlock(&roster->mutex);
}

void
roster_each(struct roster *roster, void (*visitor)(void *context, struct trail *trail),
            void *context)
{
    (void)pthread_mutex_lock(&roster->mutex);
    for (struct member *member = roster->members; member != NULL; member = member->next)
        if (member->phase == PHASE_OPEN)
            visitor(context, member->open.trail);
    (void)pthread_mutex_unlock(&roster->mutex);
}

tally_status
roster_close(struct roster *roster, struct tally_error *error)
{
    if (roster == NULL)
        return TALLY_OK;
    tally_status status = TALLY_OK;
    (void)pthread_mutex_lock(&roster->mutex);
    while (roster->members != NULL) {
        struct member *member = roster->members;
        tally_status closed = close_member(roster, member, status == TALLY_OK ? error : NULL);
        if (status == TALLY_OK)
            status = closed;
    }
    (void)pthread_mutex_unlock(&roster->mutex);
    (void)pthread_mutex_destroy(&roster->mutex);
    (void)pthread_cond_destroy(&roster->changed);
    free(roster);
    return status;
}
