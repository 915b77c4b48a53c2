#include "filter_equal.h"

static bool
pattern_equal(const struct pattern *a, const struct pattern *b)
{
    if (a->count != b->count || a->open_start != b->open_start || a->open_end != b->open_end ||
        a->fold != b->fold)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        if (!bytes_equal(a->parts[i], b->parts[i]))
            return false;
    }
    return true;
}

static bool
value_equal(const struct filter_value *a, const struct filter_value *b)
{
    if (a->kind != b->kind || !pattern_equal(&a->pattern, &b->pattern))
        return false;
    switch (a->kind) {
    case VALUE_NUMBER:
        return bytes_equal(a->numbers.low_token, b->numbers.low_token) &&
               bytes_equal(a->numbers.high_token, b->numbers.high_token) &&
               a->numbers.low_excluded == b->numbers.low_excluded &&
               a->numbers.high_excluded == b->numbers.high_excluded;
    case VALUE_TIME:
        return a->times.first == b->times.first && a->times.last == b->times.last;
    case VALUE_NETWORK:
        return a->network.prefix == b->network.prefix &&
               memcmp(a->network.address, b->network.address, 16) == 0;
    case VALUE_PRESENT:
    case VALUE_TEXT:
        break;
    }
    return true;
}

static bool
term_equal(const struct filter_term *a, const struct filter_term *b)
{
    if (a->target != b->target || a->field != b->field || a->since != b->since ||
        a->path_count != b->path_count || a->value_count != b->value_count)
        return false;
    for (uint32_t i = 0; i < a->path_count; i++) {
        if (!bytes_equal(a->path[i], b->path[i]))
            return false;
    }
    for (uint32_t i = 0; i < a->value_count; i++) {
        if (!value_equal(&a->values[i], &b->values[i]))
            return false;
    }
    return true;
}

static bool
node_equal(const struct filter_node *a, const struct filter_node *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == FILTER_TERM)
        return term_equal(&a->term, &b->term);
    const struct filter_node *x = a->first, *y = b->first;
    while (x != NULL && y != NULL && node_equal(x, y)) {
        x = x->next;
        y = y->next;
    }
    return x == NULL && y == NULL;
}

bool
filter_equal(const struct filter *a, const struct filter *b)
{
    return a->control == b->control && node_equal(a->root, b->root);
}
