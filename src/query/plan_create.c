/*
 * Making a plan: the filter's tree once more, children by cost, with what each term needs to be
 * asked of columns computed beforehand.
 */
#include "fault.h"
#include "plan_parts.h"

#include <stdlib.h>

static const struct filter_value present = { .kind = VALUE_PRESENT };
static const struct filter_term is_control = {
    .target = TARGET_FIELD, .field = FIELD_CONTROL, .since = 1, .value_count = 1, .values = &present
};

static void
node_destroy(struct plan_node *node)
{
    while (node != NULL) {
        struct plan_node *next = node->next;
        node_destroy(node->first);
        for (uint32_t i = 0; i < node->column_count; i++)
            free(node->columns[i].truth);
        free(node->columns);
        free(node->ranges);
        free(node->ids);
        free(node->tokens);
        plan_words_destroy(node->words);
        free(node);
        node = next;
    }
}

/* In nanoseconds a row, roughly: what counts is the order. */
static unsigned
term_cost(const struct filter_term *term)
{
    static const unsigned costs[] = {
        [COLUMN_HINT_CODES] = 2, [COLUMN_HINT_TIME] = 3,  [COLUMN_HINT_NUMBER] = 3,
        [COLUMN_HINT_ID] = 6,    [COLUMN_HINT_TEXT] = 50, [COLUMN_HINT_DIGEST] = 6,
    };
    if (term->target == TARGET_INDEX)
        return 1;
    if (term->target == TARGET_TEXT)
        return 1000;
    return costs[fields[term->field].column] * (term->target == TARGET_MEMBER ? 5 : 1);
}

/* Ids come as texts; where all of a term's are exact, they are compared as pages have them. */
static tally_status
prepare_ids(struct plan_node *node, struct tally_error *error)
{
    const struct filter_term *term = node->term;
    node->exact = true;
    for (uint32_t i = 0; i < term->value_count; i++)
        node->exact &= term->values[i].kind == VALUE_TEXT &&
                       pattern_exact(&term->values[i].pattern) && !term->values[i].pattern.fold;
    if (!node->exact || fields[term->field].column != COLUMN_HINT_ID)
        return TALLY_OK;
    node->ids = calloc(term->value_count, sizeof *node->ids);
    if (node->ids == NULL)
        return memory_fault(error);
    for (uint32_t i = 0; i < term->value_count; i++)
        node->ids[i].form = id_form(term->values[i].pattern.parts[0], node->ids[i].id);
    return TALLY_OK;
}

static tally_status
prepare_ranges(struct plan_node *node, struct tally_error *error)
{
    const struct filter_term *term = node->term;
    node->ranges = calloc(term->value_count, sizeof *node->ranges);
    if (node->ranges == NULL)
        return memory_fault(error);
    for (uint32_t i = 0; i < term->value_count; i++) {
        const struct filter_value *value = &term->values[i];
        struct key_range *range = &node->ranges[i];
        for (unsigned digits = 0; digits <= NUMBER_DIGITS_MAX; digits++) {
            range->low[digits] = value->kind == VALUE_TIME ? value->times.first : INT64_MIN;
            range->high[digits] = value->kind == VALUE_TIME ? value->times.last : INT64_MAX;
            if (value->kind == VALUE_NUMBER)
                decimal_range_keys(&value->numbers, digits, &range->low[digits],
                                   &range->high[digits]);
        }
        node->spelled |= value->kind == VALUE_TEXT || value->kind == VALUE_NETWORK;
    }
    return TALLY_OK;
}

static tally_status
prepare_columns(struct plan_node *node, struct tally_error *error)
{
    const struct filter_term *term = node->term;
    uint64_t mask = 0;
    if (term->target == TARGET_TEXT)
        mask = fields_searched();
    else if (term->target != TARGET_INDEX)
        mask = FIELD_BIT(term->field);
    if (mask == 0)
        return TALLY_OK;

    node->columns = calloc((size_t)__builtin_popcountll(mask), sizeof *node->columns);
    if (node->columns == NULL)
        return memory_fault(error);
    /* Columns of codes first: what they match need not be looked for in texts. */
    for (unsigned texts = 0; texts < 2; texts++) {
        for (uint64_t rest = mask; rest != 0; rest &= rest - 1) {
            enum field_id field = (enum field_id)__builtin_ctzll(rest);
            if ((fields[field].column == COLUMN_HINT_TEXT) == (texts == 1))
                node->columns[node->column_count++].field = field;
        }
    }
    return TALLY_OK;
}

/* Whether free text has a character that the spelling of an id has not. */
static bool
beyond_hex(const struct pattern *pattern)
{
    for (uint32_t i = 0; i < pattern->count; i++) {
        for (size_t j = 0; j < pattern->parts[i].size; j++) {
            uint8_t c = pattern->parts[i].data[j];
            if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') && c != '-')
                return true;
        }
    }
    return false;
}

static tally_status
prepare_term(struct plan_node *node, struct tally_error *error)
{
    const struct filter_term *term = node->term;
    node->cost = term_cost(term);
    tally_status status = prepare_columns(node, error);
    if (status != TALLY_OK)
        return status;
    if (term->target == TARGET_FIELD)
        status = prepare_ids(node, error);
    if (term->target == TARGET_TEXT)
        node->no_hex = beyond_hex(&term->values[0].pattern);
    bool number = term->target == TARGET_INDEX ||
                  (term->target == TARGET_FIELD && (fields[term->field].type == TYPE_INTEGER ||
                                                    fields[term->field].type == TYPE_DECIMAL ||
                                                    fields[term->field].type == TYPE_TIME));
    if (status == TALLY_OK && number)
        status = prepare_ranges(node, error);
    if (status == TALLY_OK)
        status = plan_prepare_tokens(node, error);
    if (status == TALLY_OK)
        status = plan_words_create(term, &node->words, error);
    return status;
}

/* Links a child in behind those that cost no more. */
static void
insert_by_cost(struct plan_node *parent, struct plan_node *child)
{
    struct plan_node **at = &parent->first;
    while (*at != NULL && (*at)->cost <= child->cost)
        at = &(*at)->next;
    child->next = *at;
    *at = child;
    parent->cost += child->cost;
}

/* A node of one kind, to be filled; NULL when memory is short. */
static struct plan_node *
node_create(enum filter_kind kind)
{
    struct plan_node *node = calloc(1, sizeof *node);
    if (node != NULL)
        node->kind = kind;
    return node;
}

static tally_status
node_build(const struct filter_node *from, struct plan_node **node_out, struct tally_error *error)
{
    struct plan_node *node = node_create(from->kind);
    tally_status status = TALLY_OK;
    if (node == NULL)
        return memory_fault(error);
    if (from->kind == FILTER_TERM) {
        node->term = &from->term;
        status = prepare_term(node, error);
    }
    for (const struct filter_node *child = from->first; child != NULL && status == TALLY_OK;
         child = child->next) {
        struct plan_node *built;
        status = node_build(child, &built, error);
        if (status == TALLY_OK)
            insert_by_cost(node, built);
    }
    if (status != TALLY_OK) {
        node_destroy(node);
        return status;
    }
    *node_out = node;
    return TALLY_OK;
}

/* The filter, and no control entry. */
static tally_status
leave_out_control(struct plan *plan, struct tally_error *error)
{
    struct plan_node *both = node_create(FILTER_AND);
    struct plan_node *negation = node_create(FILTER_NOT);
    struct plan_node *term = node_create(FILTER_TERM);
    tally_status status = TALLY_NO_MEMORY;
    if (both != NULL && negation != NULL && term != NULL) {
        term->term = &is_control;
        status = prepare_term(term, error);
    }
    if (status != TALLY_OK) {
        node_destroy(both);
        node_destroy(negation);
        node_destroy(term);
        return memory_fault(error);
    }
    insert_by_cost(negation, term);
    negation->cost = 0; /* hardly a page has one, and its summary says so */
    insert_by_cost(both, plan->root);
    insert_by_cost(both, negation);
    plan->root = both;
    return TALLY_OK;
}

tally_status
plan_create(const struct filter *filter, struct plan **plan_out, struct tally_error *error)
{
    struct plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL)
        return memory_fault(error);
    plan->number = SIZE_MAX;
    plan->scratch = malloc(sizeof *plan->scratch); /* touched only as far as it is used */
    tally_status status =
        plan->scratch == NULL ? memory_fault(error) : node_build(filter->root, &plan->root, error);
    if (status == TALLY_OK && !filter->control)
        status = leave_out_control(plan, error);
    if (status != TALLY_OK) {
        plan_destroy(plan);
        return status;
    }
    *plan_out = plan;
    return TALLY_OK;
}

void
plan_destroy(struct plan *plan)
{
    if (plan == NULL)
        return;
    node_destroy(plan->root);
    free(plan->scratch);
    free(plan);
}
