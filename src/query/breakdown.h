/*
 * breakdown.h - entries counted by the values of one field, or by pairs of values of two.
 *
 * Pages are added as a scan finds them. Each thread of a scan adds to a breakdown of its own, which
 * are merged when it has ended. When all is counted, its groups are ranked, and a breakdown_reader
 * tells which of them a row is in.
 *
 * A group is numbered in the order it was met. With one field it is a value; with two a pair, in
 * which one value may be absent. Rows that have no value at all are in none.
 */
#ifndef BREAKDOWN_H
#define BREAKDOWN_H

#include "dimension.h"
#include "pair_table.h"
#include "scan_counts.h"

#define BREAKDOWN_FIELDS_MAX 2

/* Of rows that are in no group, and of those in a group that was not met when it was counted. */
#define GROUP_ABSENT  UINT32_MAX
#define GROUP_UNKNOWN (UINT32_MAX - 1)

struct breakdown;

/* By `field_count` fields (1 or 2) that are no objects. Caller owns. */
TALLY_MUST_CHECK tally_status breakdown_create(const enum field_id *by, size_t field_count,
                                               struct breakdown **breakdown_out,
                                               struct tally_error *error);
void breakdown_destroy(struct breakdown *breakdown); /* NULL is allowed */

/* TALLY_INVALID, with a sentence that names the cure, where there are more values or pairs than are
 * kept (value_table.h, pair_table.h). */
TALLY_MUST_CHECK tally_status breakdown_add(struct breakdown *breakdown,
                                            const struct scan_page *matches,
                                            struct tally_error *error);
/* Adds all that matches in a run, as its counts tell. TALLY_ABSENT, with nothing added, where they
 * do not. */
TALLY_MUST_CHECK tally_status breakdown_add_counts(struct breakdown *breakdown,
                                                   const struct scan_counts *counts,
                                                   struct tally_error *error);

/* Adds what `other`, by the same fields, has counted. Refuses as breakdown_add() does. */
TALLY_MUST_CHECK tally_status breakdown_merge(struct breakdown *breakdown,
                                              const struct breakdown *other,
                                              struct tally_error *error);

size_t breakdown_fields(const struct breakdown *breakdown);
enum field_id breakdown_field(const struct breakdown *breakdown, size_t i);
uint64_t breakdown_total(const struct breakdown *breakdown);  /* rows that were added */
uint64_t breakdown_absent(const struct breakdown *breakdown); /* of them, those in no group */
uint32_t breakdown_groups(const struct breakdown *breakdown);
uint64_t breakdown_count(const struct breakdown *breakdown, uint32_t group);
/* The value of the i-th field, absent as { NULL, 0 }; lent until the breakdown goes. */
struct bytes breakdown_value(const struct breakdown *breakdown, uint32_t group, size_t i);

struct breakdown_reader;

/* The breakdown is lent, and nothing more is added to it. Caller owns. */
TALLY_MUST_CHECK tally_status breakdown_reader_create(struct breakdown *breakdown,
                                                      struct breakdown_reader **reader_out,
                                                      struct tally_error *error);
void breakdown_reader_destroy(struct breakdown_reader *reader); /* NULL is allowed */

/* The groups of the rows that match, matches->count of them. */
TALLY_MUST_CHECK tally_status breakdown_groups_of(struct breakdown_reader *reader,
                                                  const struct scan_page *matches, uint32_t *groups,
                                                  struct tally_error *error);

/* The group of a code of the field, 0 being no value, where it is by one field. */
TALLY_MUST_CHECK tally_status breakdown_group_of_code(struct breakdown_reader *reader,
                                                      const struct scan_counts *counts,
                                                      uint32_t code, uint32_t *group_out,
                                                      struct tally_error *error);

#endif
