/*
 * groups.c - a list that is replaced as a whole.
 *
 * Who reads holds a reference to the list there is and asks it without a lock; who seals makes the
 * next one. Groups that are the same file in both are shared, so that files stay open from list to
 * list.
 */
#include "groups.h"

#include "fault.h"

#include <stdatomic.h>
#include <stdlib.h>

struct groups {
    atomic_uint references;
    size_t count;
    struct group *items[];
};

/* The group of `old` that is the same file, or NULL. */
static struct group *
find(const struct groups *old, const struct group_info *info)
{
    for (size_t i = 0; old != NULL && i < old->count; i++) {
        const struct group_info *other = group_get_info(old->items[i]);
        if (other->first == info->first && other->generation == info->generation)
            return old->items[i];
    }
    return NULL;
}

tally_status
groups_create(const struct trail_place *place, const struct group_info *infos, size_t count,
              const struct groups *old, struct groups **groups_out, struct tally_error *error)
{
    struct groups *groups = calloc(1, sizeof *groups + count * sizeof(struct group *));
    if (groups == NULL)
        return memory_fault(error);
    atomic_init(&groups->references, 1);
    for (; groups->count < count; groups->count++) {
        const struct group_info *info = &infos[groups->count];
        struct group *group = find(old, info);
        tally_status status = TALLY_OK;
        if (group != NULL)
            group_retain(group);
        else
            status = group_create(place, info, &group, error);
        if (status != TALLY_OK) {
            groups_release(groups);
            return status;
        }
        groups->items[groups->count] = group;
    }
    *groups_out = groups;
    return TALLY_OK;
}

void
groups_retain(struct groups *groups)
{
    (void)atomic_fetch_add(&groups->references, 1);
}

void
groups_release(struct groups *groups)
{
    if (groups == NULL || atomic_fetch_sub(&groups->references, 1) > 1)
        return;
    for (size_t i = 0; i < groups->count; i++)
        group_release(groups->items[i]);
    free(groups);
}

size_t
groups_count(const struct groups *groups)
{
    return groups->count;
}

struct group *
groups_at(const struct groups *groups, size_t i)
{
    return groups->items[i];
}
