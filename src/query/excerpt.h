/*
 * excerpt.h - what a query answers: so many of the entries that match, and where they go on.
 *
 *     struct cursor start;
 *     status = excerpt_start(trail, &request, &start, error);
 *     status = excerpt_open(trail, &request, &start, &excerpt, error);
 *     … excerpt.hits, excerpt.count of them …
 *     status = excerpt_next(&excerpt, text, error);       the cursor for the next request
 *     excerpt_close(&excerpt);
 *
 * All excerpts of one list are of the trail as it was at the first (cursor.h), whatever arrives
 * meanwhile. What is lent in the request must last until the excerpt is closed.
 */
#ifndef EXCERPT_H
#define EXCERPT_H

#include "cursor.h"
#include "selection.h"

#define EXCERPT_LIMIT_STANDARD 50
#define EXCERPT_LIMIT_MAX      1000

struct excerpt_request {
    struct bytes text; /* the filter */
    const struct filter_parameter *parameters;
    size_t parameter_count;
    enum filter_control control;
    enum scan_order order;
    size_t limit;        /* at least 1 */
    size_t skip;         /* entries passed over first; with the limit at most SCAN_LIST_MAX */
    struct bytes cursor; /* what excerpt_next() gave; data NULL: the list's begin */
    struct bytes role;   /* cursors are good for who asks with the same one */
    const uint8_t *key;  /* of CURSOR_KEY_SIZE bytes */
    int64_t now;         /* the time, where the list begins */
    scan_check *check;   /* as scan_watch() has it; NULL: none */
    void *check_context;
    unsigned threads; /* as scan_share() has it; 0: one */
};

struct excerpt {
    const struct excerpt_request *request; /* lent */
    struct trail *trail;                   /* lent */
    struct cursor start;
    struct selection selection;
    struct scan_hit *hits;
    struct scan_hit *found; /* hits, with those passed over before them */
    size_t count;
    bool more; /* there are entries behind these */
    struct scan_place next;
};

/* Where the excerpt begins: as its cursor says, or with the trail as it is now. TALLY_INVALID for a
 * cursor that was altered or belongs to another list. */
TALLY_MUST_CHECK tally_status excerpt_start(struct trail *trail,
                                            const struct excerpt_request *request,
                                            struct cursor *start_out, struct tally_error *error);

/* Finds the entries. TALLY_INVALID where the filter is refused; TALLY_ABSENT, with a sentence in
 * `error`, where the trail is smaller than when the list began. The caller closes the excerpt. */
TALLY_MUST_CHECK tally_status excerpt_open(struct trail *trail,
                                           const struct excerpt_request *request,
                                           const struct cursor *start, struct excerpt *excerpt_out,
                                           struct tally_error *error);
void excerpt_close(struct excerpt *excerpt); /* zeroed is allowed */

/* Ends it after its first `count` entries, at least one of them: what they are written to is full.
 * The list goes on behind them. */
void excerpt_cut(struct excerpt *excerpt, size_t count);

/* The cursor of the next excerpt, without NUL; TALLY_ABSENT where there is none. */
TALLY_MUST_CHECK tally_status excerpt_next(const struct excerpt *excerpt,
                                           char text[CURSOR_TEXT_SIZE], struct tally_error *error);

/* Appends it as the member of a JSON object: "next":"…", or "next":null. */
TALLY_MUST_CHECK tally_status excerpt_put_next(const struct excerpt *excerpt,
                                               struct buffer *members, struct tally_error *error);

#endif
