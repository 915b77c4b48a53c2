/*
 * scan_group.c - which runs need not be entered, because a group says that they have no match.
 *
 * Groups are asked one by one, when the first of their runs is about to be entered: what is found in
 * the newest runs asks the newest group only, whatever the trail's size. What a group said is kept
 * for the scan.
 */
#include "fault.h"
#include "scan_parts.h"

#include <stdlib.h>

tally_status
scan_groups_make(struct scan *scan, struct tally_error *error)
{
    const struct scan_source *source = &scan->source;
    if (source->group_count == 0 || !plan_has_tokens(scan->plan))
        return TALLY_OK;
    scan->groups = calloc(source->group_count, sizeof *scan->groups);
    if (scan->groups == NULL)
        return memory_fault(error);
    scan->group_count = source->group_count;
    for (size_t i = 0; i < scan->group_count; i++)
        source->group(source->context, i, &scan->groups[i].run, &scan->groups[i].count);
    return TALLY_OK;
}

/* The group that has a run; group_count where none has. */
static size_t
find_group(const struct scan *scan, size_t run)
{
    size_t low = 0, high = scan->group_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (scan->groups[middle].run + scan->groups[middle].count <= run)
            low = middle + 1;
        else
            high = middle;
    }
    return low < scan->group_count && scan->groups[low].run <= run ? low : scan->group_count;
}

struct asked_group {
    struct scan *scan;
    size_t group;
};

static tally_status
ask(void *context, const struct token_sought *tokens, size_t count, uint64_t *bits_out,
    struct tally_error *error)
{
    const struct asked_group *asked = context;
    const struct scan_source *source = &asked->scan->source;
    return source->probe(source->context, asked->group, tokens, count, &asked->scan->probed,
                         bits_out, error);
}

void
scan_meter(struct scan *scan)
{
    if (scan->source.metered != NULL)
        scan->source.metered(scan->source.context, &scan->probed);
    scan->probed = (struct run_meter){ 0 };
}

tally_status
scan_run_possible(struct scan *scan, size_t run, bool *possible_out, struct tally_error *error)
{
    bool possible = plan_run_possible(scan->plan, scan_run(scan, run));
    size_t i = possible ? find_group(scan, run) : scan->group_count;
    if (i < scan->group_count) {
        struct scan_group *group = &scan->groups[i];
        if (!group->asked) {
            struct asked_group asked = { scan, i };
            group->runs = UINT64_MAX;
            tally_status status = plan_ask_index(scan->plan, ask, &asked, &group->runs, error);
            if (status != TALLY_OK)
                return status;
            group->asked = true;
        }
        possible = (group->runs >> (run - group->run) & 1) != 0;
        if (!possible)
            scan_rule_out(scan, run);
    }
    *possible_out = possible;
    return TALLY_OK;
}
