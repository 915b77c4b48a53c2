/*
 * What indexes of tokens and words say of a filter.
 *
 * A term that compares with whole values has tokens (token.h), one for each of its values: whatever
 * it matches has one of them. Of up to 64 things (the pages of a run, the runs of a group) an index
 * tells those that may have a token, as a set of bits; and the sets go together as the filter does:
 * an AND may match where all its terms may, an OR where one may. A NOT, and every term that has no
 * tokens, may match anywhere.
 *
 *     field:a,b           the values' tokens, unless one of them has wildcards
 *     ip_address:A        the address's; a network has none
 *     object.path:a       the text's or the number's, wherever in the object it stands
 *     object.path:1..1    the number's
 *
 * A run is asked for words besides (plan_words.c), which texts and patterns have.
 *
 * Invariant: a thing that has a match is in the set.
 */
#include "fault.h"
#include "plan_parts.h"

#include <stdlib.h>

/* A term on a field. */
static bool
value_token(const struct filter_term *term, const struct filter_value *value, uint64_t *token_out)
{
    if (value->kind == VALUE_TEXT && pattern_exact(&value->pattern) && !value->pattern.fold) {
        *token_out = token_of_value(term->field, value->pattern.parts[0]);
        return true;
    }
    if (value->kind == VALUE_NETWORK && value->network.prefix == 128) {
        *token_out = token_of_address(value->network.address);
        return true;
    }
    return false;
}

/* One number: a range whose ends are the same. */
static bool
is_one_number(const struct decimal_range *numbers)
{
    return !numbers->low.absent && !numbers->high.absent && !numbers->low_excluded &&
           !numbers->high_excluded && decimal_compare(&numbers->low, &numbers->high) == 0;
}

/* A term on a member. A number's text beside it spells the number, so that one token is both's. */
static bool
member_token(const struct filter_term *term, const struct filter_value *value, uint64_t *token_out)
{
    struct bytes text;
    if (value->kind == VALUE_TEXT && pattern_exact(&value->pattern) && !value->pattern.fold)
        text = value->pattern.parts[0];
    else if (value->kind == VALUE_NUMBER && is_one_number(&value->numbers))
        text = value->numbers.low_token;
    else
        return false;
    if (!token_covers_member(text))
        return false;
    *token_out = token_of_member(term->field, text);
    return true;
}

tally_status
plan_prepare_tokens(struct plan_node *node, struct tally_error *error)
{
    const struct filter_term *term = node->term;
    bool member = term->target == TARGET_MEMBER;
    if ((term->target != TARGET_FIELD && !member) || term->since > 1 ||
        !token_covers_field(term->field) || (!member && fields[term->field].type == TYPE_OBJECT))
        return TALLY_OK;
    struct token_sought *tokens = calloc(term->value_count, sizeof *tokens);
    if (tokens == NULL)
        return memory_fault(error);
    for (uint32_t i = 0; i < term->value_count; i++) {
        const struct filter_value *value = &term->values[i];
        tokens[i].field = term->field;
        if (!(member ? member_token(term, value, &tokens[i].token)
                     : value_token(term, value, &tokens[i].token))) {
            free(tokens);
            return TALLY_OK;
        }
    }
    node->tokens = tokens;
    return TALLY_OK;
}

/* Whether a node can be asked of an index: of tokens or, where it is a run's, of words too. */
static bool
has_means(const struct plan_node *node, bool words)
{
    if (node->kind == FILTER_TERM)
        return node->tokens != NULL || (words && node->words != NULL);
    if (node->kind == FILTER_NOT)
        return false;
    bool any = false, all = node->first != NULL;
    for (const struct plan_node *child = node->first; child != NULL; child = child->next) {
        bool has = has_means(child, words);
        any |= has;
        all &= has;
    }
    return node->kind == FILTER_OR ? all : any;
}

bool
plan_has_tokens(const struct plan *plan)
{
    return has_means(plan->root, false);
}

/* Who is asked for tokens; or, where there is a plan, its run: for pages, then words are asked for too,
 * and what each term rules out is counted. */
struct asking {
    plan_asker *asker;
    void *context;
    const struct plan *plan;
};

/* What may have the tokens of a term; of a run's pages which blocks of them is kept, too. */
static tally_status
ask_tokens(struct plan_node *node, const struct asking *asking, uint64_t *bits_out,
           struct tally_error *error)
{
    uint32_t count = node->term->value_count;
    if (asking->plan == NULL)
        return asking->asker(asking->context, node->tokens, count, bits_out, error);
    tally_status status =
        run_find_tokens(asking->plan->reader, node->tokens, count, &node->places, error);
    *bits_out = places_pages(&node->places);
    return status;
}

/* Narrows `bits` to what may match a term. */
static tally_status
narrow_term(struct plan_node *node, const struct asking *asking, uint64_t *bits,
            struct tally_error *error)
{
    uint64_t found = *bits;
    tally_status status = TALLY_OK;
    if (node->tokens != NULL) {
        status = ask_tokens(node, asking, &found, error);
        if (status == TALLY_OK && asking->plan != NULL)
            node->asked[ACCESS_TOKENS] += (uint64_t)__builtin_popcountll(*bits & ~found);
        found &= *bits;
    }
    if (status == TALLY_OK && asking->plan != NULL && node->words != NULL && found != 0) {
        uint64_t pages;
        status = plan_words_pages(asking->plan, node, &pages, error);
        if (status == TALLY_OK) {
            node->asked[ACCESS_WORDS] += (uint64_t)__builtin_popcountll(found & ~pages);
            found &= pages;
        }
    }
    if (status == TALLY_OK)
        *bits = found;
    return status;
}

/* Narrows `bits` to what may match the node. */
static tally_status
narrow(struct plan_node *node, const struct asking *asking, uint64_t *bits,
       struct tally_error *error)
{
    uint64_t found = 0;
    tally_status status = TALLY_OK;
    if (!has_means(node, asking->plan != NULL))
        return TALLY_OK;
    if (node->kind == FILTER_TERM)
        return narrow_term(node, asking, bits, error);
    struct plan_node *child = node->first;
    if (node->kind == FILTER_AND) {
        for (; child != NULL && *bits != 0 && status == TALLY_OK; child = child->next)
            status = narrow(child, asking, bits, error);
        return status;
    }
    for (; child != NULL && found != *bits && status == TALLY_OK; child = child->next) {
        uint64_t some = *bits & ~found;
        status = narrow(child, asking, &some, error);
        found |= some;
    }
    *bits = found;
    return status;
}

tally_status
plan_ask_index(struct plan *plan, plan_asker *asker, void *context, uint64_t *bits,
               struct tally_error *error)
{
    const struct asking asking = { asker, context, NULL };
    return narrow(plan->root, &asking, bits, error);
}

tally_status
plan_narrow_pages(struct plan *plan, struct tally_error *error)
{
    const struct asking asking = { .plan = plan };
    uint32_t count = run_page_count(plan->run);
    plan->pages = count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
    if (plan->run->segment == NULL || count > 64)
        return TALLY_OK;
    return narrow(plan->root, &asking, &plan->pages, error);
}
