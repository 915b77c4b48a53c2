/*
 * context.h - what a context is made of, for who writes events (tally/context.h has how it is used).
 */
#ifndef CONTEXT_H
#define CONTEXT_H

#include "field.h"
#include "tally/context.h"

#include <stdatomic.h>

struct context_member {
    enum field_id field;
    struct bytes json; /* `"name":value,` */
    struct bytes text; /* its value, decoded; of a number empty */
};

/* Constant but for `holders`. The members stand in the order of their fields, and so do their texts
 * in memory: `json` is all of them in one piece. */
struct tally_context {
    atomic_uint holders;
    uint64_t present; /* a bit for each field */
    struct bytes json;
    size_t count;
    struct context_member members[];
};

/* The member of a field, or NULL. `context` may be NULL. */
const struct context_member *context_find(const struct tally_context *context, enum field_id field);

#endif
