/*
 * plan_parts.h - what the files of a plan share: its nodes, and columns being asked.
 */
#ifndef PLAN_PARTS_H
#define PLAN_PARTS_H

#include "match.h"
#include "plan.h"

/* What is known of a code's value. */
enum {
    TRUTH_NO = 0,
    TRUTH_YES = 1,
    TRUTH_UNKNOWN = 2
};

/* Ranges of codes that a page is asked for one by one; more are looked up row by row. */
#define CODE_RANGES_MAX 8u

/* Greater than every code. */
#define CODE_MAX UINT32_MAX

/* A column that a term looks at, and what was learned of it in the current run. */
struct plan_column {
    enum field_id field;
    bool opened; /* the dictionary is there */
    bool learned;
    struct dictionary dictionary;
    bool by_ranges; /* the codes that match are these, in order; else the table says */
    uint32_t range_count;
    struct code_range ranges[CODE_RANGES_MAX];
    uint8_t *truth; /* by code; truth[0], absent, is TRUTH_NO */
    uint32_t truth_capacity;
    uint32_t first_true, last_true; /* codes outside are TRUTH_NO */
    uint64_t asked[ACCESS_COUNT];   /* pages, by how */
};

/* An id that a term asks for, as a page has it. */
struct plan_id {
    uint8_t id[16];
    uint8_t form;
};

struct plan_words;

struct plan_node {
    enum filter_kind kind;
    unsigned cost;
    struct plan_node *first, *next;
    const struct filter_term *term;
    uint32_t column_count;
    struct plan_column *columns;
    struct key_range *ranges; /* by value, where the term compares numbers or times */
    bool spelled;             /* has values that compare numbers and times as texts */
    struct plan_id *ids; /* by value, where all values are exact texts; form ID_EXCEPTION: other */
    struct token_sought *tokens; /* by value; NULL: the term has none (plan_index.c) */
    struct places places; /* where the run may have one of these: all where it was not asked */
    uint64_t asked[ACCESS_COUNT]; /* pages, beside those of the columns */
    struct plan_words *words;     /* NULL: there are none to ask for */
    bool exact;                   /* all values are exact texts, compared by case */
    bool no_hex;                  /* free text that no UUID and no hexadecimal digits can contain */
};

/* What a page of the run is asked: which rows of `alive` match. They are added to `out`. */
struct page_question {
    uint32_t page;
    const struct row_set *alive;
    struct row_set *out;
};

struct plan {
    struct plan_node *root;
    struct match_scratch *scratch;
    size_t number; /* of the run; SIZE_MAX: none yet */
    const struct run *run;
    struct run_reader *reader;
    uint64_t pages; /* of the run: those that may have matches; beyond the 64th all may */
};

/* Gives a term its tokens, where it has some. */
TALLY_MUST_CHECK tally_status plan_prepare_tokens(struct plan_node *node,
                                                  struct tally_error *error);

/* Sets plan->pages for the run that the plan turned to. */
TALLY_MUST_CHECK tally_status plan_narrow_pages(struct plan *plan, struct tally_error *error);

/* plan_words.c: the words that a term asks for; NULL where it asks for none. Caller owns. */
TALLY_MUST_CHECK tally_status plan_words_create(const struct filter_term *term,
                                                struct plan_words **words_out,
                                                struct tally_error *error);
void plan_words_destroy(struct plan_words *words); /* NULL is allowed */
void plan_words_turn(struct plan_words *words);    /* to another run; NULL is allowed */

/* The pages of the run that may have all words that the node, which has some, asks for. */
TALLY_MUST_CHECK tally_status plan_words_pages(const struct plan *plan,
                                               const struct plan_node *node, uint64_t *pages_out,
                                               struct tally_error *error);

/* Whether a page of the field's column may. */
TALLY_MUST_CHECK tally_status plan_words_possible(const struct plan *plan,
                                                  const struct plan_node *node, enum field_id field,
                                                  uint32_t page, bool *possible_out,
                                                  struct tally_error *error);

/* The blocks of a page of the field's column that may, a bit each; the run has been asked. */
unsigned plan_words_blocks(const struct plan_node *node, enum field_id field, uint32_t page);

/* What may be among a page's values, as far as its summary tells. */
TALLY_MUST_CHECK tally_status column_possible(struct plan *plan, const struct plan_node *node,
                                              struct plan_column *column, uint32_t page,
                                              bool *possible_out, struct tally_error *error);

/* plan_codes.c: makes known which codes of the run match; whether a page of codes can have some;
 * and asks a page of codes. */
TALLY_MUST_CHECK tally_status codes_learn(struct plan *plan, const struct plan_node *node,
                                          struct plan_column *column, struct tally_error *error);
bool codes_possible(const struct plan_column *column, const struct page_summary *summary);
/* Whether all rows of a page that has one code match; only where codes_possible(). */
bool codes_hold(const struct plan_column *column, const struct page_summary *summary);
TALLY_MUST_CHECK tally_status codes_ask(struct plan *plan, const struct plan_node *node,
                                        struct plan_column *column,
                                        const struct page_question *question,
                                        struct tally_error *error);

/* Asks any page for which rows the node's term holds in this column. */
TALLY_MUST_CHECK tally_status column_ask(struct plan *plan, const struct plan_node *node,
                                         struct plan_column *column,
                                         const struct page_question *question,
                                         struct tally_error *error);

#endif
