/*
 * segment_read.h - a segment's columns while they are in use.
 *
 * A segment that nobody uses holds no file and hardly any memory, unless a cache keeps it
 * (segment_cache.h). The first segment_use() opens the public and the private file and reads their
 * directories; a column's block table, dictionary and primer are read when they are first asked for;
 * the last segment_unuse() lets go of all of it, or leaves it to the cache. So the memory of a
 * trail's segments is that of those being read, and of some that were. Thread-safe; what is handed
 * out is immutable and lent until the user's segment_unuse().
 */
#ifndef SEGMENT_READ_H
#define SEGMENT_READ_H

#include "dictionary.h"
#include "id_index.h"
#include "segment.h"
#include "segment_cache.h"
#include "segment_directory.h"
#include "segment_index.h"

#include <pthread.h>

#define SEGMENT_ENTRIES_MAX (1u << 24)

/* The identity of one of the segment's files. */
struct segment_identity segment_identify(const struct segment_info *info, const uint8_t tag[16],
                                         enum segment_file_kind kind);

struct segment_column {
    struct column_entry entry;
    const struct segment_file *file;
    uint64_t first; /* index of the segment's first entry */
    uint32_t rows;  /* of the segment */
    uint32_t block_count;
    struct column_block
        *blocks; /* pages, or the blocks of a column of text; NULL until asked for */
    struct dictionary_copy *dictionary; /* CODEC_CODES; NULL until asked for */
    struct primer *primer; /* CODEC_TEXT; NULL until asked for, or where there is none */
};

struct segment {
    atomic_uint references;
    struct disk *disk;
    char *folder;
    uint8_t tag[SEGMENT_TAG_SIZE];
    struct segment_info info;

    struct segment_cache *cache; /* NULL: none */
    /* Under the cache's mutex: */
    bool kept;
    size_t kept_memory;
    struct segment *warmer, *colder;

    pthread_mutex_t mutex; /* for everything below, but for reading what was handed out */
    bool open;
    uint32_t users;
    struct segment_file files[2]; /* by enum field_half */
    struct segment_directory directories[2];
    struct segment_column columns[2][COLUMN_COUNT]; /* as in the directories */
    struct segment_index index;
    struct id_filter filter; /* of the id window: kept until the segment goes */
};

TALLY_MUST_CHECK tally_status segment_use(struct segment *segment, struct tally_error *error);
void segment_unuse(struct segment *segment);

/* For segment_cache.c. One more reference, unless there is none left; and closing what was kept, if
 * it is not used or kept again. */
bool segment_retain_if_alive(struct segment *segment);
void segment_close_unused(struct segment *segment);

/* A column with its block table. TALLY_ABSENT where no row has a value; TALLY_UNSUPPORTED where a
 * newer version stored it in a way that this one does not know. */
TALLY_MUST_CHECK tally_status segment_find_column(struct segment *segment, unsigned column,
                                                  const struct segment_column **column_out,
                                                  struct tally_error *error);

/* Loads the dictionary or the primer of a column that was found, to be there afterwards. */
TALLY_MUST_CHECK tally_status segment_load_column(struct segment *segment, unsigned column,
                                                  struct codec_workspace *workspace,
                                                  struct tally_error *error);

/* The bytes of a page or block, in place of what `out` held. */
TALLY_MUST_CHECK tally_status segment_column_read(const struct segment_column *column,
                                                  uint32_t block, struct buffer *out,
                                                  struct tally_error *error);
/* What `block` holds, for messages; UINT32_MAX: `part`. */
struct segment_place segment_column_place(const struct segment_column *column, uint32_t block,
                                          const char *part);

/* The fields of the private half that have a value. */
uint64_t segment_fields_private(const struct segment *segment);

/* The least and greatest order time of each page. */
const struct time_range *segment_time_ranges(const struct segment *segment);

/* TALLY_OK, or TALLY_UNSUPPORTED where there is a column that this program does not know, so that
 * whole entries cannot be rebuilt. */
TALLY_MUST_CHECK tally_status segment_whole(const struct segment *segment,
                                            struct tally_error *error);

#endif
