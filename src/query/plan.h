/*
 * plan.h - a filter made ready to be asked of one page after another.
 *
 * The part of a scan (scan.h) that decides which of a page's rows match; the rest decides which
 * pages to ask about, and in what order. One thread at a time.
 */
#ifndef PLAN_H
#define PLAN_H

#include "filter.h"
#include "row_set.h"
#include "run.h"
#include "token.h"

/* The ways in which a term is asked of a column's page. */
enum plan_access {
    ACCESS_TOKENS,  /* not at all: the tokens of the run's index rule the term out */
    ACCESS_WORDS,   /* not at all: its words do */
    ACCESS_SUMMARY, /* not at all: by what is known of the page none of its rows match, or all */
    ACCESS_INDEX,   /* of the entries' indexes: nothing is read */
    ACCESS_CODES,
    ACCESS_NUMBERS,
    ACCESS_IDS,
    ACCESS_VALUES, /* value by value, as text */
    ACCESS_COUNT,
};

extern const char *const plan_access_names[ACCESS_COUNT];

struct plan;

/* `filter` is lent. Caller owns. */
TALLY_MUST_CHECK tally_status plan_create(const struct filter *filter, struct plan **plan_out,
                                          struct tally_error *error);
void plan_destroy(struct plan *plan); /* NULL is allowed */

/* Whether a run can have matches at all, as far as its times and indexes tell. */
bool plan_run_possible(const struct plan *plan, const struct run *run);

/* Turns to a run. `number` tells runs apart: what was learned of a run's values is kept until
 * another number comes. `run` and `reader` are lent until the next turn. TALLY_ABSENT where the
 * run's index rules out that there are matches; nothing else of the run was read then. */
TALLY_MUST_CHECK tally_status plan_turn(struct plan *plan, size_t number, const struct run *run,
                                        struct run_reader *reader, struct tally_error *error);

/* Of up to 64 things, those that may have one of the tokens: all where that cannot be told. */
typedef tally_status plan_asker(void *context, const struct token_sought *tokens, size_t count,
                                uint64_t *bits_out, struct tally_error *error);

/* Whether indexes of tokens can rule anything out for this filter. */
bool plan_has_tokens(const struct plan *plan);

/* Takes those things out of `bits` that have no match, as far as the asker tells. */
TALLY_MUST_CHECK tally_status plan_ask_index(struct plan *plan, plan_asker *asker, void *context,
                                             uint64_t *bits, struct tally_error *error);

/* Whether a page of that run can have matches at all, as far as is known without reading it. */
TALLY_MUST_CHECK tally_status plan_page_possible(struct plan *plan, uint32_t page,
                                                 bool *possible_out, struct tally_error *error);

/* The rows of a page of that run that match; on a fault nothing is said of them. */
TALLY_MUST_CHECK tally_status plan_page(struct plan *plan, uint32_t page, struct row_set *rows_out,
                                        struct tally_error *error);

/* How a term was asked since the plan was made: a count of pages for each way, of free text a page
 * of each column it is looked for in. */
struct plan_term {
    const struct filter_term *term; /* lent: the filter's, or the plan's own that leaves control
                                       entries out */
    uint64_t pages[ACCESS_COUNT];
};

/* Terms a plan may have: the filter's, and its own. */
#define PLAN_TERMS_MAX (FILTER_TERMS_MAX + 1)

/* Adds to the counts those of a plan of the same filter. */
void plan_add_asked(struct plan *plan, const struct plan *more);

/* The terms in the order in which they are asked. Returns how many there are. */
size_t plan_terms(const struct plan *plan, struct plan_term terms_out[PLAN_TERMS_MAX]);

#endif
