/*
 * scan.c - a scan, and the runs and pages that it is turned to.
 *
 * What all that scans do have in common: which rows of a page match (plan.h), and what is remembered
 * of the runs and pages that there were. In which order they come is for lists (scan_list.c) and for
 * who visits all (scan_pages.c).
 */
#include "fault.h"
#include "scan_parts.h"

#include <assert.h>
#include <stdlib.h>

const char *const scan_fate_names[FATE_COUNT] = {
    [FATE_PASSED] = "passed",
    [FATE_RULED_OUT] = "ruled_out",
    [FATE_COUNTED] = "counted",
    [FATE_ASKED] = "asked",
};

tally_status
scan_create(const struct filter *filter, const struct scan_source *source, struct scan **scan_out,
            struct tally_error *error)
{
    struct scan *scan = calloc(1, sizeof *scan);
    if (scan == NULL)
        return memory_fault(error);
    scan->filter = filter;
    scan->countable = count_filter_make(filter, &scan->count_filter);
    scan->source = *source;
    scan->threads = 1;
    tally_status status = plan_create(filter, &scan->plan, error);
    if (status == TALLY_OK)
        status = scan_groups_make(scan, error);
    if (status != TALLY_OK) {
        scan_destroy(scan);
        return status;
    }
    *scan_out = scan;
    return TALLY_OK;
}

void
scan_destroy(struct scan *scan)
{
    if (scan == NULL)
        return;
    plan_destroy(scan->plan);
    free(scan->scratch);
    free(scan->by_minimum);
    free(scan->by_maximum);
    free(scan->heap);
    free(scan->groups);
    free(scan);
}

void
scan_watch(struct scan *scan, scan_check *check, void *context)
{
    scan->check = check;
    scan->check_context = context;
}

void
scan_share(struct scan *scan, unsigned threads)
{
    assert(threads > 0);
    scan->threads = threads < SCAN_THREADS_MAX ? threads : SCAN_THREADS_MAX;
}

void
scan_begin(struct scan *scan)
{
    scan->account.runs[FATE_PASSED] += scan->source.run_count;
    for (size_t i = 0; i < scan->source.run_count; i++)
        scan->account.pages[FATE_PASSED] += run_page_count(scan_run(scan, i));
}

/* So many that were passed so far have another fate. */
static void
account_move(uint64_t fates[FATE_COUNT], enum scan_fate fate, uint64_t count)
{
    fates[FATE_PASSED] -= count;
    fates[fate] += count;
}

void
scan_rule_out(struct scan *scan, size_t run)
{
    account_move(scan->account.runs, FATE_RULED_OUT, 1);
    account_move(scan->account.pages, FATE_RULED_OUT, run_page_count(scan_run(scan, run)));
}

tally_status
scan_turn(struct scan *scan, size_t i, struct run_reader *reader, struct tally_error *error)
{
    tally_status status = plan_turn(scan->plan, i, scan_run(scan, i), reader, error);
    if (status == TALLY_ABSENT)
        scan_rule_out(scan, i);
    else
        account_move(scan->account.runs, FATE_ASKED, 1);
    return status;
}

void
scan_counted(struct scan *scan, size_t i)
{
    scan->account.runs[FATE_ASKED]--;
    scan->account.runs[FATE_COUNTED]++;
    account_move(scan->account.pages, FATE_COUNTED, run_page_count(scan_run(scan, i)));
}

tally_status
scan_find(struct scan *scan, uint32_t page, struct row_set *found, struct tally_error *error)
{
    if (scan->check != NULL) {
        tally_status status = scan->check(scan->check_context, error);
        if (status != TALLY_OK)
            return status;
    }
    bool possible;
    tally_status status = plan_page_possible(scan->plan, page, &possible, error);
    if (status != TALLY_OK)
        return status;
    account_move(scan->account.pages, possible ? FATE_ASKED : FATE_RULED_OUT, 1);
    if (!possible) {
        *found = (struct row_set){ 0 };
        return TALLY_OK;
    }
    status = plan_page(scan->plan, page, found, error);
    if (status == TALLY_OK && !row_set_empty(found))
        scan->account.matches += row_set_count(found);
    return status;
}

const struct scan_account *
scan_account(const struct scan *scan)
{
    return &scan->account;
}

size_t
scan_terms(const struct scan *scan, struct plan_term terms_out[PLAN_TERMS_MAX])
{
    return plan_terms(scan->plan, terms_out);
}
