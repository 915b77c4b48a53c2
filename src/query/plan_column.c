/*
 * Asking one column. plan.c says how it fits together.
 */
#include "plan_parts.h"

/*
 * Summaries: whether a page can have matches, without decoding it.
 */

/* Whether the term's values are ranges of a page's keys, and these are from `minimum` to `maximum`. */
static bool
keys_bounded(const struct plan_node *node, const struct page_summary *summary)
{
    return summary->kind == PAGE_NUMBERS && summary->bounded && node->ranges != NULL &&
           node->term->target == TARGET_FIELD && !node->spelled;
}

static bool
keys_possible(const struct plan_node *node, const struct page_summary *summary)
{
    for (uint32_t i = 0; i < node->term->value_count; i++) {
        int64_t low = node->ranges[i].low[summary->digits];
        int64_t high = node->ranges[i].high[summary->digits];
        if (low <= high && low <= summary->maximum && high >= summary->minimum)
            return true;
    }
    return false;
}

/* Whether one range has all keys. */
static bool
keys_hold(const struct plan_node *node, const struct page_summary *summary)
{
    for (uint32_t i = 0; i < node->term->value_count; i++) {
        if (node->ranges[i].low[summary->digits] <= summary->minimum &&
            node->ranges[i].high[summary->digits] >= summary->maximum)
            return true;
    }
    return false;
}

tally_status
column_possible(struct plan *plan, const struct plan_node *node, struct plan_column *column,
                uint32_t page, bool *possible_out, struct tally_error *error)
{
    struct page_summary summary;
    tally_status status = plan_words_possible(plan, node, column->field, page, possible_out, error);
    if (status != TALLY_OK || !*possible_out)
        return status;
    status = run_page_summary(plan->reader, column->field, page, &summary, error);
    if (status != TALLY_OK)
        return status;
    *possible_out = summary.kind != PAGE_ABSENT;
    if (!summary.known || summary.kind == PAGE_ABSENT)
        return TALLY_OK;
    if (keys_bounded(node, &summary))
        *possible_out = keys_possible(node, &summary);
    if (summary.kind != PAGE_CODES)
        return TALLY_OK;

    status = codes_learn(plan, node, column, error);
    if (status != TALLY_OK)
        return status;
    *possible_out = codes_possible(column, &summary);
    return TALLY_OK;
}

/*
 * Rows.
 */

static bool
id_matches(const struct plan_node *node, const struct page *page, uint32_t row)
{
    for (uint32_t i = 0; i < node->term->value_count; i++) {
        const struct plan_id *id = &node->ids[i];
        if (id->form == page->forms[row] && memcmp(id->id, page->ids[row], 16) == 0)
            return true;
    }
    return false;
}

/* Numbers and times as texts. */
static tally_status
ask_spelled(struct plan *plan, const struct plan_node *node, enum field_id field,
            const struct page_question *question, struct tally_error *error)
{
    struct page page;
    if (row_set_empty(question->alive))
        return TALLY_OK;
    tally_status status = run_page(plan->reader, field, question->page, &page, error);
    if (status != TALLY_OK || page.kind == PAGE_ABSENT)
        return status;
    for (uint32_t row = row_set_next(question->alive, 0); row < page.rows;
         row = row_set_next(question->alive, row + 1)) {
        char text[PAGE_TEXT_MAX];
        struct bytes value = page_value(&page, NULL, fields[field].column, row, text);
        if (value.data != NULL && term_match_value(node->term, field, value, plan->scratch))
            row_set_add(question->out, row);
    }
    return TALLY_OK;
}

/* Numbers and times as they lie, and what of them has no key as texts. */
static tally_status
ask_numbers(struct plan *plan, const struct plan_node *node, enum field_id field,
            const struct page_question *question, struct tally_error *error)
{
    struct row_set exceptions = { 0 };
    const struct number_search search = {
        .ranges = node->ranges,
        .range_count = node->term->value_count,
        .among = question->alive,
        .found = question->out,
        .exceptions = &exceptions,
    };
    if (node->spelled)
        return ask_spelled(plan, node, field, question, error);
    tally_status status = run_numbers_in(plan->reader, field, question->page, &search, error);
    if (status != TALLY_OK)
        return status;
    const struct page_question rest = { question->page, &exceptions, question->out };
    return ask_spelled(plan, node, field, &rest, error);
}

static tally_status
ask_ids(struct plan *plan, const struct plan_node *node, enum field_id field,
        const struct page_question *question, struct tally_error *error)
{
    struct page page;
    tally_status status = run_page(plan->reader, field, question->page, &page, error);
    if (status != TALLY_OK || page.kind != PAGE_IDS)
        return status;
    for (uint32_t row = row_set_next(question->alive, 0); row < page.rows;
         row = row_set_next(question->alive, row + 1)) {
        uint8_t form = page.forms[row];
        if (form != ID_EXCEPTION && (node->ids != NULL || node->no_hex)) {
            if (node->ids != NULL && id_matches(node, &page, row))
                row_set_add(question->out, row);
            continue;
        }
        char text[PAGE_TEXT_MAX];
        struct bytes value = page_value(&page, NULL, fields[field].column, row, text);
        if (value.data != NULL && term_match_value(node->term, field, value, plan->scratch))
            row_set_add(question->out, row);
    }
    return TALLY_OK;
}

/* What every value that matches has somewhere in it: the longest part of the one text that is asked
 * for. Empty where there is no such thing. */
static struct bytes
sought_text(const struct filter_term *term)
{
    const struct pattern *pattern = &term->values[0].pattern;
    struct bytes longest = { 0 };
    if (term->target != TARGET_FIELD || term->value_count != 1 ||
        term->values[0].kind != VALUE_TEXT || pattern->fold)
        return longest;
    for (uint32_t i = 0; i < pattern->count; i++)
        if (pattern->parts[i].size > longest.size)
            longest = pattern->parts[i];
    return longest;
}

/* The rows that stand in blocks that may have matches, by the run's words and tokens. */
static struct row_set
possible_rows(const struct plan_node *node, enum field_id field,
              const struct page_question *question)
{
    const unsigned block_words = BLOCK_ROWS / 64;
    struct row_set rows = *question->alive;
    unsigned blocks = plan_words_blocks(node, field, question->page);
    if (node->tokens != NULL && question->page < PLACES_PAGES)
        blocks &= node->places.blocks[question->page];
    for (unsigned block = 0; block < PLACES_BLOCKS; block++) {
        if ((blocks >> block & 1) == 0)
            memset(&rows.words[block * block_words], 0, BLOCK_ROWS / 8);
    }
    return rows;
}

/* Row by row, whatever the column: of texts only the strips that have such rows are decoded. */
static tally_status
ask_values(struct plan *plan, const struct plan_node *node, enum field_id field,
           const struct page_question *question, struct tally_error *error)
{
    const struct bytes sought = sought_text(node->term);
    struct row_set rows = possible_rows(node, field, question);
    tally_status status = TALLY_OK;
    if (sought.size > 0)
        status = run_narrow_text(plan->reader, field, question->page, sought, &rows, error);
    if (status != TALLY_OK)
        return status;
    for (uint32_t row = row_set_next(&rows, 0); row < PAGE_ROWS;
         row = row_set_next(&rows, row + 1)) {
        struct bytes value;
        status = run_value(plan->reader, field, question->page * PAGE_ROWS + row, &value, error);
        if (status != TALLY_OK)
            return status;
        if (value.data != NULL && term_match_value(node->term, field, value, plan->scratch))
            row_set_add(question->out, row);
    }
    return TALLY_OK;
}

/* Whether every row of a page matches, by what is known of it. */
static bool
all_match(const struct plan_node *node, const struct plan_column *column,
          const struct page_summary *summary)
{
    if (summary->kind == PAGE_CODES)
        return summary->known && summary->constant && codes_hold(column, summary);
    return summary->complete && keys_bounded(node, summary) && keys_hold(node, summary);
}

tally_status
column_ask(struct plan *plan, const struct plan_node *node, struct plan_column *column,
           const struct page_question *question, struct tally_error *error)
{
    struct page_summary summary;
    bool possible;
    tally_status status = column_possible(plan, node, column, question->page, &possible, error);
    if (status != TALLY_OK || !possible)
        return status;
    status = run_page_summary(plan->reader, column->field, question->page, &summary, error);
    if (status != TALLY_OK)
        return status;
    if (all_match(node, column, &summary)) {
        column->asked[ACCESS_SUMMARY]++;
        for (unsigned i = 0; i < ROW_SET_WORDS; i++)
            question->out->words[i] |= question->alive->words[i];
        return TALLY_OK;
    }
    switch (summary.kind) {
    case PAGE_ABSENT:
        return TALLY_OK;
    case PAGE_CODES:
        column->asked[ACCESS_CODES]++;
        return codes_ask(plan, node, column, question, error);
    case PAGE_NUMBERS:
        if (node->term->target != TARGET_FIELD)
            break;
        column->asked[ACCESS_NUMBERS]++;
        return ask_numbers(plan, node, column->field, question, error);
    case PAGE_IDS:
        column->asked[ACCESS_IDS]++;
        return ask_ids(plan, node, column->field, question, error);
    case PAGE_VALUES:
        break;
    }
    column->asked[ACCESS_VALUES]++;
    return ask_values(plan, node, column->field, question, error);
}
