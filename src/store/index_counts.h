/*
 * index_counts.h - the section of an index file that says how often each value occurs (counts.h).
 */
#ifndef INDEX_COUNTS_H
#define INDEX_COUNTS_H

#include "counts.h"
#include "index_section.h"

index_section_make index_counts_make;

/* What the directory says of it. */
struct index_counts {
    bool there;
    struct segment_block part; /* the first part */
    uint64_t end;              /* of the section, in the file */
};

/* False where no index has such a section. */
bool index_counts_open(const struct index_section *section, struct index_counts *out);

/* What is read of it. Zeroed is empty; the caller finishes it. */
struct counts_room {
    int32_t hours[COUNTS_HOURS_MAX];
    uint32_t totals[COUNTS_HOURS_MAX];
    struct counts_item *items;
    size_t capacity;
};
void counts_room_finish(struct counts_room *room);
/* Room for so many items. */
TALLY_MUST_CHECK tally_status counts_room_reserve(struct counts_room *room, size_t item_count,
                                                  struct tally_error *error);

/* The counts of one column into `room`. TALLY_ABSENT where it is not there. */
struct counts_found {
    struct counts_periods periods; /* lent by the room, as are the items */
    enum counts_way way;
    uint32_t value_count;
    size_t item_count;
};
TALLY_MUST_CHECK tally_status index_counts_find(const struct index_counts *counts,
                                                const struct segment_file *file,
                                                enum field_id field, struct segment_input *input,
                                                struct counts_room *room,
                                                struct counts_found *found_out,
                                                struct tally_error *error);

/* The periods alone. */
TALLY_MUST_CHECK tally_status index_counts_periods(
    const struct index_counts *counts, const struct segment_file *file, struct segment_input *input,
    struct counts_room *room, struct counts_periods *periods_out, struct tally_error *error);

#endif
