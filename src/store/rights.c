/*
 * rights.c - who may change an open trail: the order, the right to seal, and poison, which nobody
 * passes.
 *
 * The order is for what has a sequence: the journal, the tree, the head's rows. It is held while
 * the disk works, so it is no mutex: who waits for it waits for `changed`. The right to seal is
 * held for as long as a segment takes, while others commit. Whoever needs both takes the right to
 * seal first.
 *
 * A trail is poisoned by the first fault that leaves in doubt what is on the disk. It stays so
 * until it is opened again, and so does the reason.
 */
#include "trail_core.h"

#include <stdio.h>

void
order_take(struct trail *trail)
{
    (void)pthread_mutex_lock(&trail->mutex);
    while (trail->ordered)
        (void)pthread_cond_wait(&trail->changed, &trail->mutex);
    trail->ordered = true;
    (void)pthread_mutex_unlock(&trail->mutex);
}

void
order_release(struct trail *trail)
{
    (void)pthread_mutex_lock(&trail->mutex);
    trail->ordered = false;
    (void)pthread_cond_broadcast(&trail->changed);
    (void)pthread_mutex_unlock(&trail->mutex);
}

void
sealing_take(struct trail *trail)
{
    (void)pthread_mutex_lock(&trail->mutex);
    while (trail->sealing)
        (void)pthread_cond_wait(&trail->changed, &trail->mutex);
    trail->sealing = true;
    (void)pthread_mutex_unlock(&trail->mutex);
}

void
sealing_release(struct trail *trail)
{
    (void)pthread_mutex_lock(&trail->mutex);
    trail->sealing = false;
    (void)pthread_cond_broadcast(&trail->changed);
    (void)pthread_mutex_unlock(&trail->mutex);
}

void
trail_poison(struct trail *trail, const struct tally_error *error)
{
    (void)pthread_mutex_lock(&trail->mutex);
    if (!is_poisoned(trail))
        (void)snprintf(trail->poison, sizeof trail->poison, "%s", error->text);
    (void)pthread_cond_broadcast(&trail->changed);
    (void)pthread_mutex_unlock(&trail->mutex);
}

const char *
trail_poisoned(struct trail *trail)
{
    (void)pthread_mutex_lock(&trail->mutex);
    const char *why = is_poisoned(trail) ? trail->poison : NULL;
    (void)pthread_mutex_unlock(&trail->mutex);
    return why;
}
