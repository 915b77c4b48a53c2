/*
 * masking.h - copy scanned JSON, with what is secret in it masked.
 *
 * A masking copies a range of a tape's text, from masking_begin() to masking_end(). Between them it
 * is shown values, in the order in which they stand, and puts masks where they are needed; what it
 * is not shown is copied as it is.
 *
 * Under the name of a secret, null stays: it says that there is none.
 */
#ifndef MASKING_H
#define MASKING_H

#include "field.h"
#include "json.h"
#include "mask.h"

struct masking {
    const struct mask *mask;
    const struct json_tape *tape;
    struct buffer *out;
    uint64_t fields;       /* whose texts are looked through: all, if there are expressions */
    size_t copied;         /* offset in the tape's text: what is before it is done */
    uint64_t count;        /* values masked */
    struct buffer decoded; /* of one string */
    struct buffer masked;  /* of one string */
};

/* All three are lent until it is finished. */
void masking_init(struct masking *masking, const struct mask *mask, const struct json_tape *tape,
                  struct buffer *out);
void masking_finish(struct masking *masking);

void masking_begin(struct masking *masking, size_t start);
void masking_end(struct masking *masking, size_t end);

/* A text member of an event, one of `fields`: only expressions take parts of it, and where it is free
 * (message, error_message, endpoint) what mask_text() looks for there. If it became too long, all of it
 * is masked. */
void masking_field(struct masking *masking, enum field_id field, uint32_t node);
/* A member by its name, and everything inside it. */
void masking_member(struct masking *masking, uint32_t name);
/* All members inside a value. */
void masking_value(struct masking *masking, uint32_t node);
/* The same for `changes`: of a secret, `before` and `after` stay as names. */
void masking_changes(struct masking *masking, uint32_t node);

/* The decoded text of a field, from elsewhere: appends it as a JSON string with what is secret in
 * it masked. False, and nothing, where it has nothing. */
bool masking_text(struct masking *masking, enum field_id field, struct bytes text);

#endif
