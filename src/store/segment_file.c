/*
 * segment_file.c - the envelope of a segment's files.
 *
 *     header                          trailer
 *      0  8  magic "TALLYSEG"          0  8  directory: offset
 *      8  2  version, 1                8  4  directory: size
 *     10  1  kind: 1, 2 or 3          12  4  directory: CRC-32C
 *     11  1  0                        16  4  CRC-32C of the 16 bytes before
 *     12  4  generation               20  4  magic "tend"
 *     16 16  tag of the trail
 *     32  8  first index
 *     40  4  count of entries
 *     44 16  0
 *     60  4  CRC-32C of the 60 bytes before
 *
 * The CRC of the header stands at the same place in every version, so that a file of a newer
 * version can be told from a damaged one. Between header and directory there are only blocks.
 *
 * Crash story: a file is written once, under its lasting name, and synced before anything names it
 * (the manifest does, later). What a crash leaves of it is a remnant that the next writer of the
 * same name unlinks; its bytes are never read.
 */
#include "segment_file.h"

#include "crc32c.h"
#include "fault.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static const char header_magic[8] = { 'T', 'A', 'L', 'L', 'Y', 'S', 'E', 'G' };
static const char trailer_magic[4] = { 't', 'e', 'n', 'd' };

/* How much is handed to the disk at a time. */
#define WRITE_SIZE (1u << 20)

void
segment_file_name(const char *folder, const struct segment_identity *identity,
                  char name_out[SEGMENT_NAME_MAX])
{
    const char *slash = folder[0] == '\0' ? "" : "/";
    int length = 0;

    switch (identity->kind) {
    case SEGMENT_FILE_PUBLIC:
        length = snprintf(name_out, SEGMENT_NAME_MAX, "%s%ssegments/%016" PRIx64 ".public", folder,
                          slash, identity->first);
        break;
    case SEGMENT_FILE_PRIVATE:
        length =
            snprintf(name_out, SEGMENT_NAME_MAX, "%s%ssegments/%016" PRIx64 ".private.%08" PRIx32,
                     folder, slash, identity->first, identity->generation);
        break;
    case SEGMENT_FILE_INDEX:
        length =
            snprintf(name_out, SEGMENT_NAME_MAX, "%s%ssegments/%016" PRIx64 ".index.%08" PRIx32,
                     folder, slash, identity->first, identity->generation);
        break;
    }
    assert(length > 0 && length < SEGMENT_NAME_MAX);
    (void)length;
}

tally_status
segment_file_sync_folder(const struct trail_place *place, struct tally_error *error)
{
    const char *folder = place->folder;
    char name[SEGMENT_NAME_MAX];
    int length = snprintf(name, sizeof name, "%s%ssegments", folder, folder[0] == '\0' ? "" : "/");
    assert(length > 0 && length < SEGMENT_NAME_MAX);
    (void)length;
    return disk_sync_folder(place->disk, name, error);
}

static void
header_encode(const struct segment_identity *identity, const uint8_t tag[SEGMENT_TAG_SIZE],
              uint8_t header[SEGMENT_HEADER_SIZE])
{
    memset(header, 0, SEGMENT_HEADER_SIZE);
    memcpy(header, header_magic, sizeof header_magic);
    put_u16(header + 8, SEGMENT_FILE_VERSION);
    header[10] = (uint8_t)identity->kind;
    put_u32(header + 12, identity->generation);
    memcpy(header + 16, tag, SEGMENT_TAG_SIZE);
    put_u64(header + 32, identity->first);
    put_u32(header + 40, identity->count);
    put_u32(header + 60, crc32c(0, header, 60));
}

static tally_status
header_check(const uint8_t header[SEGMENT_HEADER_SIZE], const struct segment_identity *identity,
             const uint8_t tag[SEGMENT_TAG_SIZE], const char *name, struct tally_error *error)
{
    if (memcmp(header, header_magic, sizeof header_magic) != 0)
        return fault(error, TALLY_DAMAGED, "%s: not a segment's file", name);
    if (get_u32(header + 60) != crc32c(0, header, 60))
        return fault(error, TALLY_DAMAGED, "%s: header: checksum mismatch", name);

    unsigned version = get_u16(header + 8);
    if (version > SEGMENT_FILE_VERSION)
        return fault(error, TALLY_UNSUPPORTED,
                     "%s: written in version %u of the format; this program reads up to %d", name,
                     version, SEGMENT_FILE_VERSION);
    if (memcmp(header + 16, tag, SEGMENT_TAG_SIZE) != 0)
        return fault(error, TALLY_DAMAGED, "%s: belongs to another trail", name);

    uint8_t expected[SEGMENT_HEADER_SIZE];
    header_encode(identity, tag, expected);
    if (memcmp(header, expected, SEGMENT_HEADER_SIZE) != 0)
        return fault(error, TALLY_DAMAGED,
                     "%s: is the file of other entries (from %" PRIu64 ", %" PRIu32
                     " of them, generation %" PRIu32 ")",
                     name, get_u64(header + 32), get_u32(header + 40), get_u32(header + 12));
    return TALLY_OK;
}

static tally_status
writer_flush(struct segment_writer *writer, struct tally_error *error)
{
    if (buffer_failed(&writer->pending))
        return memory_fault(error);

    struct bytes bytes = buffer_view(&writer->pending);
    tally_status status = disk_write(writer->file, writer->written, bytes.data, bytes.size, error);
    if (status != TALLY_OK)
        return status;
    writer->written += bytes.size;
    buffer_clear(&writer->pending);
    return TALLY_OK;
}

tally_status
segment_writer_init(struct segment_writer *writer, const struct trail_place *place,
                    const struct segment_identity *identity, struct tally_error *error)
{
    *writer = (struct segment_writer){ .disk = place->disk };
    segment_file_name(place->folder, identity, writer->name);

    tally_status status = disk_unlink(place->disk, writer->name, error);
    if (status != TALLY_OK && status != TALLY_ABSENT)
        return status;
    status = disk_open(place->disk, writer->name, DISK_CREATE, &writer->file, error);
    if (status == TALLY_ABSENT)
        return fault(error, TALLY_IO, "%s: its folder is missing", writer->name);
    if (status != TALLY_OK)
        return status;

    uint8_t header[SEGMENT_HEADER_SIZE];
    header_encode(identity, place->tag, header);
    buffer_append(&writer->pending, header, sizeof header);
    return TALLY_OK;
}

tally_status
segment_writer_block(struct segment_writer *writer, struct bytes content,
                     struct segment_block *block_out, struct tally_error *error)
{
    assert(content.size <= UINT32_MAX);

    struct segment_block block = {
        .offset = segment_writer_offset(writer),
        .size = (uint32_t)content.size,
        .crc = crc32c(0, content.data, content.size),
    };
    buffer_bytes(&writer->pending, content);
    if (writer->pending.size >= WRITE_SIZE || buffer_failed(&writer->pending)) {
        tally_status status = writer_flush(writer, error);
        if (status != TALLY_OK)
            return status;
    }
    *block_out = block;
    return TALLY_OK;
}

tally_status
segment_writer_finish(struct segment_writer *writer, struct bytes directory, uint64_t *size_out,
                      uint32_t *crc_out, struct tally_error *error)
{
    uint8_t trailer[SEGMENT_TRAILER_SIZE];
    struct segment_block block;
    tally_status status = segment_writer_block(writer, directory, &block, error);
    if (status != TALLY_OK)
        goto discard;

    put_u64(trailer, block.offset);
    put_u32(trailer + 8, block.size);
    put_u32(trailer + 12, block.crc);
    put_u32(trailer + 16, crc32c(0, trailer, 16));
    memcpy(trailer + 20, trailer_magic, sizeof trailer_magic);
    buffer_append(&writer->pending, trailer, sizeof trailer);

    status = writer_flush(writer, error);
    if (status != TALLY_OK)
        goto discard;
    status = disk_sync(writer->file, error);
    if (status != TALLY_OK)
        goto discard;

    *size_out = writer->written;
    *crc_out = block.crc;
    disk_close(writer->file);
    buffer_free(&writer->pending);
    return TALLY_OK;

discard:
    segment_writer_discard(writer);
    return status;
}

void
segment_writer_discard(struct segment_writer *writer)
{
    disk_close(writer->file);
    /* A remnant is harmless: nothing names it, and the next writer of the name removes it. */
    tally_status ignored = disk_unlink(writer->disk, writer->name, NULL);
    (void)ignored;
    buffer_free(&writer->pending);
}

/* Reads the trailer, says where the directory is and that it is the one the manifest means. */
static tally_status
trailer_read(const struct segment_file *file, uint32_t crc, struct segment_input *input,
             struct segment_block *directory_out, struct tally_error *error)
{
    uint64_t place = file->size - SEGMENT_TRAILER_SIZE;
    tally_status status = segment_file_fetch(file, place, SEGMENT_TRAILER_SIZE, input, error);
    if (status != TALLY_OK)
        return status;
    const uint8_t *trailer = input->bytes.data;
    if (memcmp(trailer + 20, trailer_magic, sizeof trailer_magic) != 0 ||
        get_u32(trailer + 16) != crc32c(0, trailer, 16))
        return fault(error, TALLY_DAMAGED, "%s: trailer: checksum mismatch", file->name);

    struct segment_block directory = {
        .offset = get_u64(trailer),
        .size = get_u32(trailer + 8),
        .crc = get_u32(trailer + 12),
    };
    if (directory.offset < SEGMENT_HEADER_SIZE || directory.offset > place ||
        directory.size != place - directory.offset || directory.size > SEGMENT_DIRECTORY_MAX)
        return fault(error, TALLY_DAMAGED, "%s: trailer: leads to no directory", file->name);
    if (directory.crc != crc)
        return fault(
            error, TALLY_DAMAGED,
            "%s: is not the file that the manifest names (its directory has checksum %08" PRIx32
            ", not %08" PRIx32 ")",
            file->name, directory.crc, crc);
    *directory_out = directory;
    return TALLY_OK;
}

static tally_status
contents_check(struct segment_file *file, const struct segment_identity *identity,
               const uint8_t tag[SEGMENT_TAG_SIZE], struct segment_input *input,
               struct tally_error *error)
{
    uint64_t size = identity->size, actual;
    tally_status status = disk_size(file->file, &actual, error);
    if (status != TALLY_OK)
        return status;
    if (actual != size || size < SEGMENT_HEADER_SIZE + SEGMENT_TRAILER_SIZE)
        return fault(error, TALLY_DAMAGED,
                     "%s: has %" PRIu64 " bytes, not the %" PRIu64 " that the manifest names",
                     file->name, actual, size);
    file->size = size;

    status = segment_file_fetch(file, 0, SEGMENT_HEADER_SIZE, input, error);
    if (status != TALLY_OK)
        return status;
    status = header_check(input->bytes.data, identity, tag, file->name, error);
    if (status != TALLY_OK)
        return status;

    struct segment_block directory;
    status = trailer_read(file, identity->crc, input, &directory, error);
    if (status != TALLY_OK)
        return status;
    file->directory_offset = size - SEGMENT_TRAILER_SIZE; /* until it is read */

    static const struct segment_place where = { .part = "directory" };
    status = segment_file_read(file, &directory, &where, input, error);
    if (status != TALLY_OK)
        return status;
    file->directory_offset = directory.offset;
    return TALLY_OK;
}

tally_status
segment_file_open(const struct trail_place *place, const struct segment_identity *identity,
                  struct segment_file *file_out, struct segment_input *input,
                  struct tally_error *error)
{
    struct segment_file file = { 0 };
    segment_file_name(place->folder, identity, file.name);

    tally_status status = disk_open(place->disk, file.name, DISK_READ, &file.file, error);
    if (status == TALLY_ABSENT)
        return fault(error, TALLY_DAMAGED, "%s: the file is missing", file.name);
    if (status != TALLY_OK)
        return status;
    status = contents_check(&file, identity, place->tag, input, error);
    if (status != TALLY_OK) {
        disk_close(file.file);
        return status;
    }
    *file_out = file;
    return TALLY_OK;
}

void
segment_file_close(struct segment_file *file)
{
    disk_close(file->file);
    file->file = NULL;
}

tally_status
segment_file_fault(const struct segment_file *file, const struct segment_place *place,
                   const char *what, struct tally_error *error)
{
    char text[160];
    char entries[64];

    snprintf(entries, sizeof entries, "entries %" PRIu64 " to %" PRIu64, place->first,
             place->first + place->count - 1);
    snprintf(text, sizeof text, "%s%.*s%s%s", place->column.size > 0 ? "column " : "",
             BYTES_ARG(place->column), place->column.size > 0 ? ", " : "",
             place->part != NULL ? place->part : entries);
    return fault(error, TALLY_DAMAGED, "%s: %s: %s", file->name, text, what);
}

tally_status
segment_file_fetch(const struct segment_file *file, uint64_t offset, size_t size,
                   struct segment_input *input, struct tally_error *error)
{
    buffer_clear(&input->bytes);
    uint8_t *data = buffer_reserve(&input->bytes, size);
    if (data == NULL)
        return memory_fault(error);
    if (input->meter != NULL)
        run_meter_count(input->meter, size);
    tally_status status = disk_read_all(file->file, offset, data, size, error);
    if (status == TALLY_OK)
        input->bytes.size = size;
    return status;
}

tally_status
segment_file_read_many(const struct segment_file *file, uint64_t offset, uint64_t size,
                       const struct segment_place *place, struct segment_input *input,
                       struct tally_error *error)
{
    if (offset < SEGMENT_HEADER_SIZE || offset > file->directory_offset ||
        size > file->directory_offset - offset)
        return segment_file_fault(file, place, "lies outside the file", error);
    return segment_file_fetch(file, offset, size, input, error);
}

tally_status
segment_file_read(const struct segment_file *file, const struct segment_block *block,
                  const struct segment_place *place, struct segment_input *input,
                  struct tally_error *error)
{
    tally_status status =
        segment_file_read_many(file, block->offset, block->size, place, input, error);
    if (status == TALLY_OK && crc32c(0, input->bytes.data, block->size) != block->crc) {
        buffer_clear(&input->bytes);
        status = segment_file_fault(file, place, "checksum mismatch", error);
    }
    return status;
}
