/*
 * entries_answer.h - what is answered to whoever asks for entries by the targets of the HTTP API
 * (docs/api.md): the same bytes from a server and from a folder that libtally asks.
 */
#ifndef ENTRIES_ANSWER_H
#define ENTRIES_ANSWER_H

#include "entries.h"

/* The most that an answer with entries holds, but for its last entry: it ends there, and `next` goes
 * on. A thousand entries of a mebibyte each would not fit into memory a few times. */
#define ENTRIES_ANSWER_SIZE_MAX (8u << 20)

/* Appends what stands behind `next`, each member with a comma before it. Called when the entries are
 * written. */
typedef tally_status entries_more(void *context, struct excerpt *excerpt, struct buffer *members,
                                  struct tally_error *error);

/* Appends {"data":[…],"next":…} to `body`, and what `more` (NULL: nothing) has to say; cuts the
 * excerpt at ENTRIES_ANSWER_SIZE_MAX. */
TALLY_MUST_CHECK tally_status entries_answer_excerpt(struct excerpt *excerpt, entries_more *more,
                                                     void *context, struct buffer *body,
                                                     struct tally_error *error);

/* Appends the member ,"total":… of an excerpt: how many entries match. */
TALLY_MUST_CHECK tally_status entries_answer_total(struct excerpt *excerpt, struct buffer *members,
                                                   struct tally_error *error);

/* Appends one entry as an object. TALLY_ABSENT. */
TALLY_MUST_CHECK tally_status entries_answer_one(struct trail *trail, uint64_t index,
                                                 struct buffer *body, struct tally_error *error);

#endif
