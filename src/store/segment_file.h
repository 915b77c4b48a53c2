/*
 * segment_file.h - the envelope that the three files of a segment share.
 *
 *     header      64 bytes: what the file is and whose
 *     blocks      back to back, nothing between them
 *     directory   says where the blocks are and what they hold; each kind of file has its own
 *     trailer     24 bytes: says where the directory is
 *
 * Every byte is under a CRC-32C: the header's and the trailer's own, the directory's in the trailer
 * and in the manifest, each block's in the directory or in a block that the directory names. The
 * exact bytes are in docs/format.md.
 *
 * A writer belongs to one thread. An open file is read by many.
 */
#ifndef SEGMENT_FILE_H
#define SEGMENT_FILE_H

#include "buffer.h"
#include "run_meter.h"
#include "trail_place.h"

#define SEGMENT_FILE_VERSION  1
#define SEGMENT_HEADER_SIZE   64
#define SEGMENT_TRAILER_SIZE  24
#define SEGMENT_TAG_SIZE      16
#define SEGMENT_NAME_MAX      160
#define SEGMENT_DIRECTORY_MAX (1u << 20)

enum segment_file_kind {
    SEGMENT_FILE_PUBLIC = 1,
    SEGMENT_FILE_PRIVATE = 2,
    SEGMENT_FILE_INDEX = 3,
};

/* What header and manifest say of a file; one that is anything else is not the one that was meant. */
struct segment_identity {
    enum segment_file_kind kind;
    uint64_t first;
    uint32_t count;      /* of entries */
    uint32_t generation; /* of the private and the index file; 0 in the public one */
    /* Of a file that was written. */
    uint64_t size;
    uint32_t crc; /* of its directory */
};

/* Where some bytes of a file are. A block of size 0 is not there. */
struct segment_block {
    uint64_t offset;
    uint32_t size;
    uint32_t crc;
};

/* The name of a file, relative to the disk, NUL-terminated. */
void segment_file_name(const char *folder, const struct segment_identity *identity,
                       char name_out[SEGMENT_NAME_MAX]);

/* Makes the names in a trail's folder of segments durable. */
TALLY_MUST_CHECK tally_status segment_file_sync_folder(const struct trail_place *place,
                                                       struct tally_error *error);

struct segment_writer {
    struct disk *disk;
    struct disk_file *file;
    uint64_t written;      /* bytes handed to the disk */
    struct buffer pending; /* and those that follow them */
    char name[SEGMENT_NAME_MAX];
};

/* Creates the file, in place of a remnant of the same name. On a fault there is no writer. */
TALLY_MUST_CHECK tally_status segment_writer_init(struct segment_writer *writer,
                                                  const struct trail_place *place,
                                                  const struct segment_identity *identity,
                                                  struct tally_error *error);

/* Where the next block will begin. */
static inline uint64_t
segment_writer_offset(const struct segment_writer *writer)
{
    return writer->written + writer->pending.size;
}

/* Appends a block and says where it went. */
TALLY_MUST_CHECK tally_status segment_writer_block(struct segment_writer *writer,
                                                   struct bytes content,
                                                   struct segment_block *block_out,
                                                   struct tally_error *error);

/* Appends directory and trailer, syncs the file and closes it. The folder is not synced. On a fault
 * the file is gone, as after segment_writer_discard(). */
TALLY_MUST_CHECK tally_status segment_writer_finish(struct segment_writer *writer,
                                                    struct bytes directory, uint64_t *size_out,
                                                    uint32_t *crc_out, struct tally_error *error);

/* Gives up: closes and unlinks. Not after finish. */
void segment_writer_discard(struct segment_writer *writer);

/* Where what is read goes: the bytes read last, and whose meter counts them (NULL: nobody's). Zeroed
 * is empty; the bytes are to be freed. */
struct segment_input {
    struct buffer bytes;
    struct run_meter *meter;
};

/* An open file. Immutable, so any number of threads may read. */
struct segment_file {
    struct disk_file *file;
    uint64_t size;
    uint64_t directory_offset; /* the end of the blocks */
    char name[SEGMENT_NAME_MAX];
};

/*
 * Opens a file, checks header, size and trailer and puts the directory into `input`.
 *
 * TALLY_DAMAGED where the file is missing, of another size, of another trail or place, or its bytes
 * are not what was written; TALLY_UNSUPPORTED where a newer version wrote it; faults of the disk.
 */
TALLY_MUST_CHECK tally_status segment_file_open(const struct trail_place *place,
                                                const struct segment_identity *identity,
                                                struct segment_file *file_out,
                                                struct segment_input *input,
                                                struct tally_error *error);
void segment_file_close(struct segment_file *file);

/* What a block holds, for messages: "column action, entries 4096 to 8191" or "column action,
 * dictionary" or "directory". */
struct segment_place {
    struct bytes column; /* empty: no column's */
    const char *part;    /* NULL: entries */
    uint64_t first;
    uint32_t count;
};

/* Puts a block into `input`, in place of what it held. TALLY_DAMAGED where it does not match its CRC
 * or lies outside the blocks. */
TALLY_MUST_CHECK tally_status segment_file_read(const struct segment_file *file,
                                                const struct segment_block *block,
                                                const struct segment_place *place,
                                                struct segment_input *input,
                                                struct tally_error *error);
/* Puts some blocks that lie together there, whose checksums are for the caller to check. TALLY_DAMAGED
 * where they lie outside the blocks. */
TALLY_MUST_CHECK tally_status segment_file_read_many(const struct segment_file *file,
                                                     uint64_t offset, uint64_t size,
                                                     const struct segment_place *place,
                                                     struct segment_input *input,
                                                     struct tally_error *error);
/* Puts bytes of the file there that the caller checks itself. */
TALLY_MUST_CHECK tally_status segment_file_fetch(const struct segment_file *file, uint64_t offset,
                                                 size_t size, struct segment_input *input,
                                                 struct tally_error *error);

/* TALLY_DAMAGED with the name of the file, the place and what is wrong there. */
tally_status segment_file_fault(const struct segment_file *file, const struct segment_place *place,
                                const char *what, struct tally_error *error);

#endif
