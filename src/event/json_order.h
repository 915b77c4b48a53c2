/*
 * json_order.h - the members of an object in the order of RFC 8785, section 3.2.3.
 */
#ifndef JSON_ORDER_H
#define JSON_ORDER_H

#include "json.h"

/* Puts the name nodes of an object into `names` and returns how many. `end` is the node behind its
 * last member, so that an object whose node is not complete yet can be asked too. */
uint32_t json_order_collect(const struct json_tape *tape, uint32_t object, uint32_t end,
                            uint32_t *names);

/* Sorts name nodes; equal names stand in their order of arrival. `spare` has room for as many.
 * Never worse than n log n comparisons. */
void json_order_sort(const struct json_tape *tape, uint32_t *names, uint32_t count,
                     uint32_t *spare);

/* Among sorted names, the later node of two with an equal name, or 0. */
uint32_t json_order_repeated(const struct json_tape *tape, const uint32_t *names, uint32_t count);

/* Whether the characters between a string's quotes spell this value. */
bool json_order_spells(struct bytes inside, struct bytes value);

#endif
