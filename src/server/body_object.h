/*
 * body_object.h - a body that is one JSON object of a few known members.
 *
 * Read as strictly as events are (json.h), and what is not known is refused with its place: a slip in
 * a name must not become a standard value unseen.
 */
#ifndef BODY_OBJECT_H
#define BODY_OBJECT_H

#include "json.h"
#include "request.h"

#define BODY_OBJECT_SIZE_MAX  (64u << 10)
#define BODY_OBJECT_NODES_MAX 4096

struct body_object {
    struct buffer text;
    struct json_tape tape;
};

/* Reads a request's body. False after answering 400, 413, 415 or 503. The caller closes it. */
bool body_object_read(struct request *request, struct body_object *object_out);

/* The same for its bytes; one without any is an object without members. TALLY_INVALID with a place,
 * TALLY_FULL beyond the limits above. */
TALLY_MUST_CHECK tally_status body_object_open(enum body_coding coding, struct bytes coded,
                                               struct body_object *object_out,
                                               struct tally_error *error);
void body_object_close(struct body_object *object);

/* The values of the members `names`: their nodes on the tape, 0 for one that is absent or null.
 * TALLY_INVALID where there is any other member. */
TALLY_MUST_CHECK tally_status body_object_find(const struct body_object *object,
                                               const char *const *names, size_t count,
                                               uint32_t *nodes_out, struct tally_error *error);

/* A string of 1 to `size_max` bytes without a NUL into `text_out`, which has one more for its end.
 * TALLY_INVALID with the place where the node is none. */
TALLY_MUST_CHECK tally_status body_object_text(const struct body_object *object, uint32_t node,
                                               size_t size_max, char *text_out,
                                               struct tally_error *error);

/* A number of 0 to `most`, without point and exponent. */
TALLY_MUST_CHECK tally_status body_object_count(const struct body_object *object, uint32_t node,
                                                uint64_t most, uint64_t *count_out,
                                                struct tally_error *error);

#endif
