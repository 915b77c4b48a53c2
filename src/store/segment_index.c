/*
 * segment_index.c - the index file of a segment: its envelope, and what is in it.
 *
 *     header     64 bytes, kind 3, the generation of the private file
 *     sections   one behind the other, without gaps
 *     directory  2 count of sections   2 zero
 *                for each section, kinds ascending:
 *                2 kind   2 size of the parameters   8 offset   4 size   4 CRC-32C
 *                the parameters
 *     trailer
 *
 * A reader passes over kinds that it does not know. What the sections hold is in index_ids.c,
 * index_bloom.c, index_words.c, index_counts.c and index_members.c; a new kind is a file like these, a row in `makers`
 * and a line in sections_open().
 *
 * Nothing here is trusted by verification, and everything can be rebuilt from the columns: a file
 * that is missing or damaged makes lookups slow and is reported by segment_check().
 *
 * Crash story: the file is written and synced before the manifest names it, as the private file of
 * the same generation is. An erasure makes both anew, since the index has hashes of private values;
 * the manifest names both at once, then the old ones are unlinked, and what a crash leaves of either
 * generation is removed by the next opening for writing. Only rebuilding writes a file in the place
 * of one that the manifest names: a crash then leaves an index that is not the manifest's, which is
 * as good as none.
 */
#include "segment_index.h"

#include "fault.h"
#include "run_column.h"
#include "segment_read.h"

#include <stdlib.h>

#define DIRECTORY_HEAD_SIZE  4u
#define DIRECTORY_ENTRY_SIZE 20u

static const char cure[] = "; rebuild it with `tally doctor --rebuild`";

/* The sections there are, kinds ascending. */
static const struct {
    enum index_section_kind kind;
    const char *part; /* for messages */
    index_section_make *make;
} makers[] = {
    { SECTION_IDS, "ids", index_ids_make },
    { SECTION_BLOOM, "tokens", index_bloom_make },
    { SECTION_WORDS, "words", index_words_make },
    { SECTION_COUNTS, "counts", index_counts_make },
    { SECTION_MEMBERS, "members", index_members_make },
};
#define MAKER_COUNT (sizeof makers / sizeof *makers)

static void
content_free(struct index_content *content)
{
    buffer_free(&content->parameters);
    buffer_free(&content->bytes);
}

static bool
content_empty(const struct index_content *content)
{
    return content->parameters.size == 0 && content->bytes.size == 0;
}

/*
 * Writing.
 */

/* Makes a section, writes it and adds it to the directory. */
static tally_status
section_write(struct segment_writer *writer, size_t maker, struct run_reader *reader,
              uint16_t *count, struct buffer *entries, struct tally_error *error)
{
    struct index_content content = { 0 };
    struct segment_block block;
    tally_status status = makers[maker].make(reader, &content, error);
    if (status == TALLY_OK && !content_empty(&content)) {
        status = segment_writer_block(writer, buffer_view(&content.bytes), &block, error);
        if (status == TALLY_OK) {
            buffer_u16(entries, (uint16_t)makers[maker].kind);
            buffer_u16(entries, (uint16_t)content.parameters.size);
            buffer_u64(entries, block.offset);
            buffer_u32(entries, block.size);
            buffer_u32(entries, block.crc);
            buffer_bytes(entries, buffer_view(&content.parameters));
            ++*count;
        }
    }
    content_free(&content);
    return status;
}

tally_status
segment_index_write(const struct trail_place *place, struct run_reader *reader,
                    struct segment_info *info, struct tally_error *error)
{
    struct segment_identity identity = segment_identify(info, SEGMENT_FILE_INDEX);
    struct segment_writer writer;
    struct buffer entries = { 0 }, directory = { 0 };
    uint16_t count = 0;

    tally_status status = segment_writer_init(&writer, place, &identity, error);
    if (status != TALLY_OK)
        return status;
    for (size_t i = 0; i < MAKER_COUNT && status == TALLY_OK; i++)
        status = section_write(&writer, i, reader, &count, &entries, error);
    buffer_u16(&directory, count);
    buffer_u16(&directory, 0);
    buffer_bytes(&directory, buffer_view(&entries));
    if (status == TALLY_OK && (buffer_failed(&entries) || buffer_failed(&directory)))
        status = memory_fault(error);
    if (status == TALLY_OK)
        status = segment_writer_finish(&writer, buffer_view(&directory), &info->index_size,
                                       &info->index_crc, error);
    else
        segment_writer_discard(&writer);
    buffer_free(&entries);
    buffer_free(&directory);
    return status;
}

/*
 * Opening.
 */

/* The sections of a directory: kinds ascending, back to back from the header to the directory. */
static bool
directory_decode(struct bytes encoded, uint64_t end,
                 struct index_section sections_out[INDEX_SECTIONS_MAX], size_t *count_out)
{
    if (encoded.size < DIRECTORY_HEAD_SIZE || get_u16(encoded.data + 2) != 0)
        return false;
    size_t count = get_u16(encoded.data);
    size_t at = DIRECTORY_HEAD_SIZE;
    uint64_t offset = SEGMENT_HEADER_SIZE;
    if (count > INDEX_SECTIONS_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (encoded.size - at < DIRECTORY_ENTRY_SIZE)
            return false;
        const uint8_t *entry = encoded.data + at;
        at += DIRECTORY_ENTRY_SIZE;
        size_t size = get_u16(entry + 2);
        if (encoded.size - at < size)
            return false;
        struct index_section section = {
            .kind = get_u16(entry),
            .parameters = bytes_of(encoded.data + at, size),
            .block = { get_u64(entry + 4), get_u32(entry + 12), get_u32(entry + 16) },
        };
        if (section.block.offset != offset || (i > 0 && section.kind <= sections_out[i - 1].kind))
            return false;
        at += size;
        offset += section.block.size;
        sections_out[i] = section;
    }
    *count_out = count;
    return at == encoded.size && offset == end;
}

/* Takes over what is said of the sections that are known. */
static bool
sections_open(const struct index_section *sections, size_t section_count, uint32_t count,
              struct segment_index *index)
{
    for (size_t i = 0; i < section_count; i++) {
        const struct index_section *section = &sections[i];
        if (section->kind == SECTION_IDS && !index_ids_open(section, count, &index->ids))
            return false;
        if (section->kind == SECTION_BLOOM && !index_bloom_open(section, count, &index->bloom))
            return false;
        if (section->kind == SECTION_WORDS && !index_words_open(section, &index->words))
            return false;
        if (section->kind == SECTION_COUNTS && !index_counts_open(section, &index->counts))
            return false;
        if (section->kind == SECTION_MEMBERS &&
            !index_members_open(section, count, &index->members))
            return false;
    }
    return true;
}

/* Adds the cure to what is said of a damaged index file. */
static tally_status
index_fault(tally_status status, const struct tally_error *inner, struct tally_error *error)
{
    if (status == TALLY_DAMAGED)
        return fault(error, status, "%s%s", inner->text, cure);
    if (error != NULL)
        *error = *inner;
    return status;
}

/* Opens the file; the sections' parameters are lent by `input`. */
static tally_status
index_open(const struct trail_place *place, const struct segment_info *info,
           struct segment_input *input, struct segment_index *index_out,
           struct index_section sections[INDEX_SECTIONS_MAX], size_t *section_count,
           struct tally_error *error)
{
    static const struct segment_place where = { .part = "directory" };
    struct segment_index index = { .state = INDEX_OPEN };
    struct segment_identity identity = segment_identify(info, SEGMENT_FILE_INDEX);

    tally_status status = segment_file_open(place, &identity, &index.file, input, error);
    if (status != TALLY_OK)
        return status;
    if (!directory_decode(buffer_view(&input->bytes), index.file.directory_offset, sections,
                          section_count) ||
        !sections_open(sections, *section_count, info->count, &index)) {
        status = segment_file_fault(&index.file, &where, "makes no sense", error);
        segment_file_close(&index.file);
        return status;
    }
    *index_out = index;
    return TALLY_OK;
}

tally_status
segment_index_open(const struct trail_place *place, const struct segment_info *info,
                   struct segment_input *input, struct segment_index *index_out,
                   struct tally_error *error)
{
    struct index_section sections[INDEX_SECTIONS_MAX];
    struct tally_error inner;
    size_t count;
    tally_status status = index_open(place, info, input, index_out, sections, &count, &inner);
    return status == TALLY_OK ? TALLY_OK : index_fault(status, &inner, error);
}

void
segment_index_close(struct segment_index *index)
{
    if (index->state == INDEX_OPEN)
        segment_file_close(&index->file);
    *index = (struct segment_index){ .state = INDEX_CLOSED };
}

/*
 * Comparing.
 */

/* A section of the file with what it should be; `section` is NULL where the file has none. */
static tally_status
section_check(const struct segment_file *file, const struct index_section *section,
              const struct index_content *content, const char *part, struct tally_error *error)
{
    const struct segment_place place = { .part = part };
    struct segment_input input = { 0 };
    if (section == NULL || content_empty(content)) {
        if (section == NULL && content_empty(content))
            return TALLY_OK;
        return segment_file_fault(file, &place, section == NULL ? "are missing" : "are too much",
                                  error);
    }
    tally_status status = segment_file_read(file, &section->block, &place, &input, error);
    if (status == TALLY_OK &&
        (!bytes_equal(section->parameters, buffer_view(&content->parameters)) ||
         !bytes_equal(buffer_view(&input.bytes), buffer_view(&content->bytes))))
        status = segment_file_fault(file, &place, "are not what this version makes of the entries",
                                    error);
    buffer_free(&input.bytes);
    return status;
}

static const struct index_section *
section_find(const struct index_section *sections, size_t count, enum index_section_kind kind)
{
    for (size_t i = 0; i < count; i++) {
        if (sections[i].kind == kind)
            return &sections[i];
    }
    return NULL;
}

/* Whatever the sections are, they are to be what their makers make of the entries. */
static tally_status
sections_check(const struct segment_file *file, const struct index_section *sections, size_t count,
               struct run_reader *reader, struct tally_error *error)
{
    size_t known = 0;
    for (size_t i = 0; i < MAKER_COUNT; i++) {
        struct index_content content = { 0 };
        const struct index_section *section = section_find(sections, count, makers[i].kind);
        known += section != NULL;
        tally_status status = makers[i].make(reader, &content, error);
        if (status == TALLY_OK)
            status = section_check(file, section, &content, makers[i].part, error);
        content_free(&content);
        if (status != TALLY_OK)
            return status;
    }
    if (known == count)
        return TALLY_OK;
    return fault(error, TALLY_UNSUPPORTED, "%s: has sections that this version does not know",
                 file->name);
}

tally_status
segment_index_check(const struct trail_place *place, const struct segment_info *info,
                    struct run_reader *reader, struct tally_error *error)
{
    struct index_section sections[INDEX_SECTIONS_MAX];
    struct segment_index index;
    struct segment_input input = { 0 };
    struct tally_error inner;
    size_t count;
    tally_status status = index_open(place, info, &input, &index, sections, &count, &inner);
    if (status == TALLY_OK) {
        status = sections_check(&index.file, sections, count, reader, &inner);
        segment_index_close(&index);
    }
    buffer_free(&input.bytes);
    return status == TALLY_OK ? TALLY_OK : index_fault(status, &inner, error);
}
