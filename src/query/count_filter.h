/*
 * count_filter.h - a filter that can be answered by how often values occur (counts.h), without
 * looking at entries.
 *
 * That is so where it asks of one field's value at most, and of the timestamp for ranges of time.
 * The rest leaves control entries out, as counts do. Pure.
 */
#ifndef COUNT_FILTER_H
#define COUNT_FILTER_H

#include "filter.h"
#include "match.h"

#define COUNT_FILTER_PARTS_MAX 8

struct count_filter {
    enum field_id field; /* whose values decide; FIELD_COUNT: none does */
    size_t part_count;
    const struct filter_node *parts[COUNT_FILTER_PARTS_MAX]; /* about the field; all must hold */
    size_t time_count;
    const struct filter_term *times[COUNT_FILTER_PARTS_MAX]; /* about the timestamp; likewise */
};

/* False where counts cannot answer it. The filter is lent. */
bool count_filter_make(const struct filter *filter, struct count_filter *out);

/* Whether entries with this value of the field match, as far as the value decides; absent is
 * { NULL, 0 }. */
bool count_filter_value(const struct count_filter *filter, struct bytes value,
                        struct match_scratch *scratch);

enum count_filter_answer {
    COUNT_NONE,
    COUNT_ALL,
    COUNT_SOME, /* it is not known which */
};

/* Which of the entries whose timestamps are from `first` to `last` match, as far as times decide.
 */
enum count_filter_answer count_filter_times(const struct count_filter *filter, int64_t first,
                                            int64_t last);

#endif
