/*
 * account.c - counters and texts copied out of a selection, before that is closed.
 *
 * Nothing is counted here: scans, plans and readers count as they go, whether anybody asks or not.
 */
#include "account.h"

#include "fault.h"

#include <stdlib.h>

static tally_status
take_terms(const struct selection *selection, struct account *account, struct tally_error *error)
{
    struct plan_term *terms = malloc(PLAN_TERMS_MAX * sizeof *terms);
    account->terms = calloc(PLAN_TERMS_MAX, sizeof *account->terms);
    if (terms == NULL || account->terms == NULL) {
        free(terms);
        return memory_fault(error);
    }
    bool failed = false;
    account->term_count = scan_terms(selection->scan, terms);
    for (size_t i = 0; i < account->term_count; i++) {
        struct account_term *term = &account->terms[i];
        filter_print_term(terms[i].term, &term->text);
        memcpy(term->pages, terms[i].pages, sizeof term->pages);
        failed |= buffer_failed(&term->text);
    }
    free(terms);
    return failed ? memory_fault(error) : TALLY_OK;
}

tally_status
account_make(const struct selection *selection, struct account *account_out,
             struct tally_error *error)
{
    struct run_meter meter = snapshot_meter(selection->snapshot);
    struct account account = {
        .scan = *scan_account(selection->scan),
        .reads = meter.reads,
        .bytes = meter.bytes,
    };
    filter_print(selection->filter, &account.filter);
    tally_status status = take_terms(selection, &account, error);
    if (status == TALLY_OK && buffer_failed(&account.filter))
        status = memory_fault(error);
    if (status != TALLY_OK) {
        account_finish(&account);
        return status;
    }
    *account_out = account;
    return TALLY_OK;
}

void
account_finish(struct account *account)
{
    for (size_t i = 0; i < account->term_count; i++)
        buffer_free(&account->terms[i].text);
    free(account->terms);
    buffer_free(&account->filter);
    *account = (struct account){ 0 };
}
