/*
 * reading.h - what the routes that read have in common.
 *
 * Each asks for its trail, finds what was asked for, puts on record that it was asked for and only
 * then answers. Used on a thread for reading (RUN_WORKER).
 */
#ifndef READING_H
#define READING_H

#include "entries_answer.h"
#include "request.h"

/* How deep numbered pages go: to find one, all before it are found. */
#define LOGS_DEPTH_MAX 10000

/* A filter as a request brings it: `q`, and every other parameter that is a filter's. */
struct reading_filter {
    struct bytes text;
    size_t count;
    struct filter_parameter parameters[TARGET_PARAMETERS_MAX];
};

/* Lent from the request. */
void reading_filter(const struct request *request, struct reading_filter *filter_out);

/* Appends it as one filter, for people who read the diary: `q` and a term for each parameter. */
void reading_filter_text(const struct reading_filter *filter, struct buffer *out);

/* Whether control entries are asked for. False after answering 400. */
bool reading_control(struct request *request, enum filter_control *control_out);

/* The index that the path's first open segment is. False after answering 404: what is no index is
 * nothing that is there. */
bool reading_index(struct request *request, uint64_t *index_out);

/* Puts on record that the request's trail is read by this filter, or one entry of it. False after
 * answering 503. */
bool reading_record_filter(struct request *request, const struct reading_filter *filter);
bool reading_record_index(struct request *request, uint64_t index);

/* Appends the details of such an entry of the diary: {"filter":…,"route":…}, without the last
 * brace. */
void reading_details(const struct request *request, struct bytes filter, struct buffer *out);

/* Has the trail's newest checkpoint cover an entry, if it is there: signs where it does not.
 * TALLY_POISONED where nothing is signed any more. */
TALLY_MUST_CHECK tally_status reading_cover(struct trail *trail, uint64_t index,
                                            struct tally_error *error);

/* What a request that reads a list asks for: the filter, the role, the time. The route adds order,
 * limit and what else there is. `filter` must outlive the request for the excerpt. */
struct excerpt_request reading_request(struct request *request,
                                       const struct reading_filter *filter);

/* A scan_check, of a request: TALLY_BUSY where it is late (request.late) or its client is gone, for
 * there are few threads for reading and others wait for them. */
tally_status reading_check(void *context, struct tally_error *error);

/* Opens the excerpt. False after answering: 400 where filter or cursor is refused. */
bool reading_open(struct request *request, struct trail *trail,
                  const struct excerpt_request *excerpt_request, struct excerpt *excerpt_out);

/* Appends what a question took, `,"explain":{…}`, where the request asks for it. */
TALLY_MUST_CHECK tally_status reading_explain(const struct request *request,
                                              const struct selection *selection,
                                              struct buffer *members, struct tally_error *error);

/* Answers with the entries of an excerpt, as {"data":[…],"next":…} and `members` behind, each with
 * a comma before it; cuts the excerpt at ENTRIES_ANSWER_SIZE_MAX. */
void reading_answer(struct request *request, struct excerpt *excerpt, struct bytes members);

#endif
