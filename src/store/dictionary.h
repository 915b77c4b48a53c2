/*
 * dictionary.h - the distinct values of a column of codes, as they are stored in a segment.
 *
 * A head numbers values as they come. A segment's are sorted bytewise, so that codes compare like
 * the values and a prefix is a range of codes: writing a segment sorts the head's dictionary once
 * and maps each page's codes (page_source.remap). `struct dictionary` itself is in page.h.
 */
#ifndef DICTIONARY_H
#define DICTIONARY_H

#include "dictionary_table.h"

/* An order of a dictionary's values in use. Zeroed is empty. */
struct dictionary_order {
    uint32_t count;  /* of values in use */
    uint32_t *codes; /* codes[i] is the old code of new code i + 1 */
    uint32_t *remap; /* remap[old] is the new code, 0 where not in use; remap[0] is 0 */
};

/* Sorts. `used` has a byte for every code from 0 (used[0] is not looked at), not 0 where the value
 * is in use; NULL: all are. The caller frees the order. */
TALLY_MUST_CHECK tally_status dictionary_sort(const struct dictionary *dictionary,
                                              const uint8_t *used,
                                              struct dictionary_order *order_out,
                                              struct tally_error *error);
void dictionary_order_free(struct dictionary_order *order);

/* Appends the values in use, in order: their chunks, and the table of them. Zero bytes where there
 * are none. */
TALLY_MUST_CHECK tally_status dictionary_encode(struct codec_workspace *workspace,
                                                const struct dictionary *dictionary,
                                                const struct dictionary_order *order,
                                                struct buffer *chunks, struct buffer *table,
                                                struct tally_error *error);

/* A dictionary read back, with its memory. Immutable: shared by threads. */
struct dictionary_copy;

/* All chunks, of the size that the table gives. TALLY_DAMAGED where they are not its values, which
 * strictly ascend. */
TALLY_MUST_CHECK tally_status dictionary_decode(struct codec_workspace *workspace,
                                                const struct dictionary_table *table,
                                                struct bytes chunks,
                                                struct dictionary_copy **copy_out,
                                                struct tally_error *error);
void dictionary_copy_destroy(struct dictionary_copy *copy); /* NULL is allowed */
const struct dictionary *dictionary_copy_view(const struct dictionary_copy *copy);
size_t dictionary_copy_memory(const struct dictionary_copy *copy);

/* In a sorted dictionary (a segment's): the number of values that are less than `value`, so that
 * the first that is not has this + 1 as its code. */
uint32_t dictionary_lower_bound(const struct dictionary *dictionary, struct bytes value);

/* The code of `value` in a sorted dictionary, or 0. */
uint32_t dictionary_find(const struct dictionary *dictionary, struct bytes value);

#endif
