/*
 * dimension.h - the values of one field as small numbers, page by page.
 *
 * Statistics count numbers, not texts: a dimension gives each row of a page the number that its
 * value has in a table (value_table.h), and remembers what it has looked up, so that a value which
 * repeats costs an array access. One thread; several dimensions may share a table that nothing is
 * added to.
 */
#ifndef DIMENSION_H
#define DIMENSION_H

#include "scan.h"
#include "value_table.h"

/* The place of rows without a value, and of those whose value is not in a table that is not to
 * grow. Other places are the value's number. */
#define PLACE_ABSENT  NO_VALUE
#define PLACE_UNKNOWN (NO_VALUE - 1)

enum dimension_mode {
    DIMENSION_LEARNS, /* values are added to the table as they are met */
    DIMENSION_KNOWS   /* the table stays as it is */
};

struct dimension;

/* `table` is lent. Caller owns. */
TALLY_MUST_CHECK tally_status dimension_create(enum field_id field, enum dimension_mode mode,
                                               struct value_table *table,
                                               struct dimension **dimension_out,
                                               struct tally_error *error);
void dimension_destroy(struct dimension *dimension); /* NULL is allowed */

/* The places of the rows that match, matches->count of them. What value_table_add() refuses is
 * passed up. */
TALLY_MUST_CHECK tally_status dimension_places(struct dimension *dimension,
                                               const struct scan_page *matches, uint32_t *places,
                                               struct tally_error *error);

/* The place of a code of the field in a run, 0 being no value. */
TALLY_MUST_CHECK tally_status dimension_place_of_code(struct dimension *dimension, size_t run,
                                                      struct run_reader *reader, uint32_t code,
                                                      uint32_t *place_out,
                                                      struct tally_error *error);

#endif
