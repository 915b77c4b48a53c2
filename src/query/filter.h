/*
 * filter.h - the query language: a text into a tree, and back.
 *
 *     status:failure action:user.* -user_id:system,cron timestamp:2026-01-01..2026-02-01
 *
 * docs/api.md, "Filter", has the grammar and what each term means. A filter is immutable once
 * parsed, owns all its memory and may be read by any number of threads. It does not need the text
 * it came from.
 *
 * Law: filter_parse(filter_print(f)) equals f, whatever `now`: times are resolved when a filter is
 * parsed and printed in full. (The printed text may be the longer one: where it is beyond
 * FILTER_SIZE_MAX it is still right, but not read again.)
 */
#ifndef FILTER_H
#define FILTER_H

#include "buffer.h"
#include "decimal.h"
#include "field.h"
#include "network.h"
#include "pattern.h"
#include "tally/status.h"

#define FILTER_SIZE_MAX   8192 /* bytes of text */
#define FILTER_TERMS_MAX  256
#define FILTER_VALUES_MAX 1024 /* of all terms together */
#define FILTER_DEPTH_MAX  32   /* parentheses in parentheses */
#define FILTER_PATH_MAX   32   /* names in a path below details */

/* One of the values that a term lists. */
enum filter_value_kind {
    VALUE_PRESENT, /* `*`: any value */
    VALUE_TEXT,    /* pattern */
    VALUE_NUMBER,  /* numbers; if pattern.count is not 0 a text that matches it will do as well */
    VALUE_TIME,    /* times */
    VALUE_NETWORK, /* network */
};

/* Both ends included. INT64_MIN and INT64_MAX: no such end. */
struct filter_times {
    int64_t first, last;
};

struct filter_value {
    enum filter_value_kind kind;
    struct pattern pattern;
    union {
        struct decimal_range numbers;
        struct filter_times times;
        struct network network;
    };
};

enum filter_target {
    TARGET_FIELD,  /* a field's value */
    TARGET_MEMBER, /* what stands at `path` in an object: details, changes or control */
    TARGET_INDEX,  /* the entry's index */
    TARGET_TEXT,   /* free text: any of fields_searched() */
};

/* True of an entry if the target has one of the values. */
struct filter_term {
    enum filter_target target;
    enum field_id field; /* TARGET_FIELD, TARGET_MEMBER */
    uint16_t since;      /* the field's: an entry of an older format has the value in details */
    uint32_t path_count; /* 0 but for TARGET_MEMBER */
    uint32_t value_count;
    const struct bytes *path;
    const struct filter_value *values;
};

enum filter_kind {
    FILTER_ALL, /* matches every entry: only as the whole filter */
    FILTER_AND, /* of two children or more, none of them an AND */
    FILTER_OR,  /* of two children or more, none of them an OR */
    FILTER_NOT, /* of one child, not a NOT */
    FILTER_TERM,
};

struct filter_node {
    enum filter_kind kind;
    struct filter_term term;         /* FILTER_TERM */
    const struct filter_node *first; /* the children, in the order written */
    const struct filter_node *next;  /* the next child of the same parent */
};

struct filter_memory;

struct filter {
    const struct filter_node *root;
    bool control; /* control entries are matched too: a term names `control`, or the options did */
    struct filter_memory *memory;
};

/* Whether control entries are left out of what is found unless the filter names `control`. */
enum filter_control {
    CONTROL_LEFT_OUT,
    CONTROL_INCLUDED,
};

struct filter_options {
    int64_t now; /* what relative times count from, nanoseconds since 1970 */
    enum filter_control control;
};

/* TALLY_INVALID with the column (1-based, in bytes) of what is refused and a sentence that says
 * what to write instead; TALLY_NO_MEMORY. Caller owns. */
TALLY_MUST_CHECK tally_status filter_parse(struct bytes text, const struct filter_options *options,
                                           struct filter **filter_out, struct tally_error *error);

/* Plain parameters: `user_id` = u1, as URLs and command lines have them. */
struct filter_parameter {
    struct bytes name;
    struct bytes value;
};

/* True for names that filter_parse_parameters takes: fields and their aliases but for those of
 * objects; start_date and from, end_date and to (the time of either end, a date is the whole day);
 * success (true: status success; false: failure or error). */
bool filter_parameter_known(struct bytes name);

/* The filter that holds if `text` does and every parameter does. A parameter's value is meant as it
 * is: stars, quotes and commas have no meaning. A name given more than once: any of its values
 * (not so for the ends of time). TALLY_INVALID as in filter_parse, for `text`; for a parameter the
 * column counts in its value and the sentence begins with its name. */
TALLY_MUST_CHECK tally_status filter_parse_parameters(
    struct bytes text, const struct filter_parameter *parameters, size_t count,
    const struct filter_options *options, struct filter **filter_out, struct tally_error *error);

void filter_destroy(struct filter *filter); /* NULL is allowed */

/* Appends a filter that was accepted as it was meant, if it has words that are free text here and
 * terms, or join them, in other languages: `user=bob and status>=500` is meant to be
 * user:bob status_code:>=500. It may want parentheses yet. False where it has none, or memory is short:
 * then what was appended means nothing. */
bool filter_meant(struct bytes text, const struct filter_options *options, struct buffer *out);

/* Appends the filter's canonical text. Ask buffer_failed after. */
void filter_print(const struct filter *filter, struct buffer *out);
/* The same of one of its terms, without what negates it. */
void filter_print_term(const struct filter_term *term, struct buffer *out);

#endif
