/*
 * filter_equal.h - filters held against each other: for tests, not in the product.
 */
#ifndef FILTER_EQUAL_H
#define FILTER_EQUAL_H

#include "filter.h"

/* Whether two filters are the same tree. */
bool filter_equal(const struct filter *a, const struct filter *b);

#endif
