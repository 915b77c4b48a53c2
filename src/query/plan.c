/*
 * Asking a filter of a page at once.
 *
 * Every node of the filter takes the rows that are still alive and gives those of them that match.
 * An AND asks its children one after the other, cheapest first, each about what the one before left
 * over; an OR asks each about what is not matched yet; a NOT takes away. So a column of text is
 * only decoded where cheaper columns have left rows, and of it only the blocks with such rows.
 *
 * How a term asks its column:
 *
 *     summary        first of all: a page without values, codes or numbers that no value of the term
 *                    can be among, or all of which are within one, is not read at all
 *     PAGE_CODES     the ranges of codes that match, in the page's planes, none of it decoded; where
 *                    there are too many, a truth table by code, so that a value is compared once,
 *                    however often it occurs (plan_codes.c)
 *     PAGE_NUMBERS   the term's ranges, made whole numbers for each count of fraction digits, 64
 *                    rows at a time and mostly as they lie (number_search.c)
 *     PAGE_IDS       16 bytes against 16 bytes, where the term has such ids
 *     otherwise      value by value, as match.c compares them
 *
 * Invariant: a row is selected exactly if filter_match() holds for the entry's values.
 */
#include "plan.h"

#include "plan_parts.h"

#include <assert.h>

const char *const plan_access_names[ACCESS_COUNT] = {
    [ACCESS_TOKENS] = "tokens", [ACCESS_WORDS] = "words",   [ACCESS_SUMMARY] = "summary",
    [ACCESS_INDEX] = "index",   [ACCESS_CODES] = "codes",   [ACCESS_NUMBERS] = "numbers",
    [ACCESS_IDS] = "ids",       [ACCESS_VALUES] = "values",
};

/*
 * Runs.
 */

/* Times are at or behind the run's order times, so that a range that ends before the earliest has
 * nothing in the run. It does not work the other way round: a clock ahead gives a timestamp that is
 * later than all order times. */
static bool
term_possible(const struct plan_node *node, const struct run *run)
{
    const struct filter_term *term = node->term;
    bool time = term->target == TARGET_FIELD &&
                (term->field == FIELD_TIMESTAMP || term->field == FIELD_RECEIVED);
    if (!time && term->target != TARGET_INDEX)
        return true;
    for (uint32_t i = 0; i < term->value_count; i++) {
        const struct filter_value *value = &term->values[i];
        if (value->kind == VALUE_TIME && value->times.last < run->time_min)
            continue;
        if (value->kind == VALUE_NUMBER &&
            (node->ranges[i].low[0] >= (int64_t)(run->first + run->count) ||
             node->ranges[i].high[0] < (int64_t)run->first))
            continue;
        return true;
    }
    return false;
}

static bool
node_possible(const struct plan_node *node, const struct run *run)
{
    const struct plan_node *child = node->first;
    switch (node->kind) {
    case FILTER_TERM:
        return term_possible(node, run);
    case FILTER_AND:
        while (child != NULL && node_possible(child, run))
            child = child->next;
        return child == NULL;
    case FILTER_OR:
        while (child != NULL && !node_possible(child, run))
            child = child->next;
        return child != NULL;
    case FILTER_ALL:
    case FILTER_NOT:
        break;
    }
    return true;
}

bool
plan_run_possible(const struct plan *plan, const struct run *run)
{
    return node_possible(plan->root, run);
}

static void
node_turn(struct plan_node *node, bool forget)
{
    for (; node != NULL; node = node->next) {
        for (uint32_t i = 0; i < node->column_count; i++) {
            node->columns[i].opened = false;
            node->columns[i].learned &= !forget;
        }
        if (forget)
            plan_words_turn(node->words);
        places_fill(&node->places);
        node_turn(node->first, forget);
    }
}

tally_status
plan_turn(struct plan *plan, size_t number, const struct run *run, struct run_reader *reader,
          struct tally_error *error)
{
    node_turn(plan->root, number != plan->number);
    plan->number = number;
    plan->run = run;
    plan->reader = reader;
    tally_status status = plan_narrow_pages(plan, error);
    if (status != TALLY_OK)
        return status;
    return plan->pages == 0 ? TALLY_ABSENT : TALLY_OK;
}

/*
 * Whether a page can have matches, without decoding it.
 */

static bool
index_possible(const struct plan_node *node, uint64_t first, uint64_t end)
{
    for (uint32_t i = 0; i < node->term->value_count; i++) {
        if (node->ranges[i].low[0] < (int64_t)end && node->ranges[i].high[0] >= (int64_t)first)
            return true;
    }
    return false;
}

static tally_status
term_page_possible(struct plan *plan, struct plan_node *node, uint32_t page, bool *possible_out,
                   struct tally_error *error)
{
    uint64_t first = plan->run->first + (uint64_t)page * PAGE_ROWS;
    bool possible = false;
    tally_status status = TALLY_OK;
    if (node->term->target == TARGET_INDEX)
        possible = index_possible(node, first, first + PAGE_ROWS);
    else if (node->term->since > 1)
        possible = true; /* it may stand under details */
    for (uint32_t i = 0; i < node->column_count && !possible && status == TALLY_OK; i++)
        status = column_possible(plan, node, &node->columns[i], page, &possible, error);
    node->asked[ACCESS_SUMMARY] += !possible;
    *possible_out = possible;
    return status;
}

static tally_status
page_possible(struct plan *plan, struct plan_node *node, uint32_t page, bool *possible_out,
              struct tally_error *error)
{
    if (node->kind == FILTER_TERM)
        return term_page_possible(plan, node, page, possible_out, error);
    *possible_out = true;
    if (node->kind == FILTER_ALL || node->kind == FILTER_NOT)
        return TALLY_OK;

    /* An AND is decided by the first that cannot, an OR by the first that can. */
    bool decides = node->kind == FILTER_OR;
    for (struct plan_node *child = node->first; child != NULL; child = child->next) {
        tally_status status = page_possible(plan, child, page, possible_out, error);
        if (status != TALLY_OK || *possible_out == decides)
            return status;
    }
    return TALLY_OK;
}

/*
 * Terms.
 */

static void
ask_index(struct plan *plan, const struct plan_node *node, uint32_t page,
          const struct row_set *alive, struct row_set *out)
{
    int64_t first = (int64_t)(plan->run->first + (uint64_t)page * PAGE_ROWS);
    for (uint32_t row = row_set_next(alive, 0); row < PAGE_ROWS;
         row = row_set_next(alive, row + 1)) {
        for (uint32_t i = 0; i < node->term->value_count; i++) {
            if (first + row >= node->ranges[i].low[0] && first + row <= node->ranges[i].high[0])
                row_set_add(out, row);
        }
    }
}

/* Rows whose entry is older than the field. */
static tally_status
ask_older(struct plan *plan, const struct plan_node *node, uint32_t page,
          const struct row_set *alive, struct row_set *out, struct tally_error *error)
{
    const struct filter_term *term = node->term;
    for (uint32_t row = row_set_next(alive, 0); row < PAGE_ROWS;
         row = row_set_next(alive, row + 1)) {
        uint32_t at = page * PAGE_ROWS + row;
        struct bytes value, v, details;
        tally_status status = run_value(plan->reader, term->field, at, &value, error);
        if (status == TALLY_OK)
            status = run_value(plan->reader, FIELD_V, at, &v, error);
        if (status == TALLY_OK)
            status = run_value(plan->reader, FIELD_DETAILS, at, &details, error);
        if (status != TALLY_OK)
            return status;
        if (value.data == NULL && term_match_older(term, v, details, plan->scratch))
            row_set_add(out, row);
    }
    return TALLY_OK;
}

/* The term's columns, and what it may have under details, each about the rows that the ones before left
 * over. */
static tally_status
ask_columns(struct plan *plan, struct plan_node *node, uint32_t page, const struct row_set *alive,
            struct row_set *out, struct tally_error *error)
{
    struct row_set left = *alive;
    const struct page_question question = { page, &left, out };
    tally_status status = TALLY_OK;
    for (uint32_t i = 0; i < node->column_count && status == TALLY_OK; i++) {
        status = column_ask(plan, node, &node->columns[i], &question, error);
        row_set_without(alive, out, &left);
    }
    if (status == TALLY_OK && node->term->target == TARGET_FIELD && node->term->since > 1)
        status = ask_older(plan, node, page, &left, out, error);
    return status;
}

static tally_status
ask_term(struct plan *plan, struct plan_node *node, uint32_t page, const struct row_set *alive,
         struct row_set *out, struct tally_error *error)
{
    if (node->term->target == TARGET_INDEX) {
        node->asked[ACCESS_INDEX]++;
        ask_index(plan, node, page, alive, out);
        return TALLY_OK;
    }
    if (node->column_count == 1 && node->term->since <= 1)
        return column_ask(plan, node, &node->columns[0],
                          &(struct page_question){ page, alive, out }, error);
    return ask_columns(plan, node, page, alive, out, error);
}

/*
 * Nodes.
 */

static tally_status ask(struct plan *plan, struct plan_node *node, uint32_t page,
                        const struct row_set *alive, struct row_set *out,
                        struct tally_error *error);

/* What a page cannot have at all is not taken from it: no set is made for that. */
static tally_status
ask_not(struct plan *plan, struct plan_node *node, uint32_t page, const struct row_set *alive,
        struct row_set *out, struct tally_error *error)
{
    struct row_set taken;
    bool possible;
    tally_status status = page_possible(plan, node->first, page, &possible, error);
    if (status != TALLY_OK || !possible) {
        *out = *alive;
        return status;
    }
    taken = (struct row_set){ 0 };
    status = ask(plan, node->first, page, alive, &taken, error);
    row_set_without(alive, &taken, out);
    return status;
}

/* What one child leaves over goes to the next: two sets, in turn the one asked about and the answer. */
static tally_status
ask_and(struct plan *plan, struct plan_node *node, uint32_t page, const struct row_set *alive,
        struct row_set *out, struct tally_error *error)
{
    struct row_set sets[2];
    const struct row_set *left = alive;
    tally_status status = TALLY_OK;
    unsigned turn = 0;
    for (struct plan_node *child = node->first; child != NULL; child = child->next) {
        struct row_set *taken = child->next == NULL ? out : &sets[turn++ % 2];
        *taken = (struct row_set){ 0 };
        status = ask(plan, child, page, left, taken, error);
        left = taken;
        if (status != TALLY_OK || row_set_empty(left))
            return status;
    }
    return status;
}

static tally_status
ask_or(struct plan *plan, struct plan_node *node, uint32_t page, const struct row_set *alive,
       struct row_set *out, struct tally_error *error)
{
    struct row_set left = *alive, taken;
    tally_status status = TALLY_OK;
    for (struct plan_node *child = node->first;
         child != NULL && status == TALLY_OK && !row_set_empty(&left); child = child->next) {
        taken = (struct row_set){ 0 };
        status = ask(plan, child, page, &left, &taken, error);
        row_set_without(&left, &taken, &left);
    }
    row_set_without(alive, &left, out);
    return status;
}

/* Sets `out`, which is empty, to those of `alive` that match. */
static tally_status
ask(struct plan *plan, struct plan_node *node, uint32_t page, const struct row_set *alive,
    struct row_set *out, struct tally_error *error)
{
    switch (node->kind) {
    case FILTER_ALL:
        break;
    case FILTER_TERM:
        return ask_term(plan, node, page, alive, out, error);
    case FILTER_NOT:
        return ask_not(plan, node, page, alive, out, error);
    case FILTER_AND:
        return ask_and(plan, node, page, alive, out, error);
    case FILTER_OR:
        return ask_or(plan, node, page, alive, out, error);
    }
    *out = *alive;
    return TALLY_OK;
}

tally_status
plan_page_possible(struct plan *plan, uint32_t page, bool *possible_out, struct tally_error *error)
{
    assert(plan->reader != NULL && page < run_page_count(plan->run));
    if (page < 64 && (plan->pages >> page & 1) == 0) {
        *possible_out = false;
        return TALLY_OK;
    }
    return page_possible(plan, plan->root, page, possible_out, error);
}

tally_status
plan_page(struct plan *plan, uint32_t page, struct row_set *rows_out, struct tally_error *error)
{
    assert(plan->reader != NULL && page < run_page_count(plan->run));

    struct row_set all;
    uint32_t rows = plan->run->count - page * PAGE_ROWS;
    row_set_fill(&all, rows < PAGE_ROWS ? rows : PAGE_ROWS);
    *rows_out = (struct row_set){ 0 };
    return ask(plan, plan->root, page, &all, rows_out, error);
}

/*
 * What was done.
 */

static size_t
add_terms(const struct plan_node *node, struct plan_term *terms)
{
    size_t count = 0;
    if (node->kind == FILTER_TERM) {
        struct plan_term *term = &terms[count++];
        *term = (struct plan_term){ .term = node->term };
        memcpy(term->pages, node->asked, sizeof term->pages);
        for (uint32_t i = 0; i < node->column_count; i++)
            for (unsigned way = 0; way < ACCESS_COUNT; way++)
                term->pages[way] += node->columns[i].asked[way];
    }
    for (const struct plan_node *child = node->first; child != NULL; child = child->next)
        count += add_terms(child, terms + count);
    return count;
}

size_t
plan_terms(const struct plan *plan, struct plan_term terms_out[PLAN_TERMS_MAX])
{
    return add_terms(plan->root, terms_out);
}

static void
add_asked(struct plan_node *node, const struct plan_node *more)
{
    for (; node != NULL; node = node->next, more = more->next) {
        for (unsigned way = 0; way < ACCESS_COUNT; way++) {
            node->asked[way] += more->asked[way];
            for (uint32_t i = 0; i < node->column_count; i++)
                node->columns[i].asked[way] += more->columns[i].asked[way];
        }
        add_asked(node->first, more->first);
    }
}

void
plan_add_asked(struct plan *plan, const struct plan *more)
{
    add_asked(plan->root, more->root);
}
