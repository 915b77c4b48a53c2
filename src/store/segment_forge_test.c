/*
 * segment_forge_test.c - bytes of a segment are changed, and every checksum over them, the manifest's
 * too, is computed anew. What is derived from the entries must then still be found to be wrong.
 */
#include "bloom.h"
#include "crc32c.h"
#include "segment_file.h"
#include "segment_harm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static void
forge_trailer(uint8_t *content, size_t size, uint64_t *size_field, uint32_t *crc_field)
{
    uint8_t *trailer = content + size - SEGMENT_TRAILER_SIZE;
    uint8_t *directory = content + get_u64(trailer);
    put_u32(trailer + 12, crc32c(0, directory, get_u32(trailer + 8)));
    put_u32(trailer + 16, crc32c(0, trailer, 16));
    *size_field = size;
    *crc_field = get_u32(trailer + 12);
}

/* The CRCs of the blocks in a column's table. */
static void
forge_table(uint8_t *content, const struct column_entry *entry)
{
    uint32_t count = column_block_count(entry->codec, 40);
    struct column_block blocks[1];
    struct buffer encoded = { 0 };
    uint8_t *table = content + entry->table.offset;

    assert_int_equal(count, 1);
    if (column_table_decode(entry, bytes_of(table, entry->table.size), count, blocks, NULL) !=
        TALLY_OK)
        return;
    blocks[0].block.crc = crc32c(0, content + blocks[0].block.offset, blocks[0].block.size);
    column_table_encode(entry->codec, blocks, count, &encoded);
    memcpy(table, encoded.data, encoded.size);
    buffer_free(&encoded);
}

/* Of the public or private file: blocks, their tables and the directory. */
static void
forge_columns(uint8_t *content, size_t size, enum field_half half, uint64_t *size_field,
              uint32_t *crc_field)
{
    uint8_t *trailer = content + size - SEGMENT_TRAILER_SIZE;
    uint8_t *at = content + get_u64(trailer);
    struct segment_directory directory;
    struct buffer encoded = { 0 };

    assert_ok(segment_directory_decode(bytes_of(at, get_u32(trailer + 8)), half,
                                       half == HALF_PUBLIC ? 1 : 0, &directory, &error));
    for (uint32_t i = 0; i < directory.column_count; i++) {
        struct segment_block *table = &directory.columns[i].table;
        forge_table(content, &directory.columns[i]);
        table->crc = crc32c(0, content + table->offset, table->size);
    }
    segment_directory_encode(&directory, &encoded);
    memcpy(at, encoded.data, encoded.size);
    segment_directory_free(&directory);
    buffer_free(&encoded);
    forge_trailer(content, size, size_field, crc_field);
}

/* The section of ids, or of members: its buckets' checksums. */
static void
forge_buckets(uint8_t *section, uint32_t size, uint32_t bucket_count)
{
    uint8_t *table = section + size - 8 * (size_t)bucket_count;
    uint32_t start = 0;
    for (uint32_t i = 0; i < bucket_count; i++) {
        uint32_t end = get_u32(table + 8 * (size_t)i);
        if (end >= start && end <= size)
            put_u32(table + 8 * (size_t)i + 4, crc32c(0, section + start, end - start));
        start = end;
    }
}

/* The section of tokens: its blocks' checksums. */
static void
forge_bloom(uint8_t *section, uint32_t size, unsigned pages)
{
    size_t block = bloom_block_size(pages);
    for (size_t at = 0; at < size; at += block)
        put_u32(section + at + block - 4, crc32c(0, section + at, block - 4));
}

/* That of members has as many buckets as its parameters say. */
static void
forge_members(uint8_t *section, uint32_t size, const uint8_t *parameters)
{
    unsigned bits = parameters[2];
    if (bits <= MEMBER_BUCKET_MAX && (size_t)8 << bits <= size)
        forge_buckets(section, size, UINT32_C(1) << bits);
}

/* Of the index file, as far as its directory makes sense: sections and the directory. */
static void
forge_index(uint8_t *content, size_t size, uint64_t *size_field, uint32_t *crc_field)
{
    uint8_t *trailer = content + size - SEGMENT_TRAILER_SIZE;
    uint8_t *at = content + get_u64(trailer) + 4;
    while (at + 20 <= trailer) {
        uint64_t offset = get_u64(at + 4);
        uint32_t section_size = get_u32(at + 12);
        if (offset > size || section_size > size - offset)
            break;
        uint8_t *section = content + offset;
        if (get_u16(at) == SECTION_IDS && section_size >= 16)
            forge_buckets(section, section_size, 2);
        if (get_u16(at) == SECTION_BLOOM && section_size % bloom_block_size(1) == 0)
            forge_bloom(section, section_size, 1);
        if (get_u16(at) == SECTION_MEMBERS && get_u16(at + 2) >= 3 && at + 23 <= trailer)
            forge_members(section, section_size, at + 20);
        put_u32(at + 16, crc32c(0, section, section_size));
        at += 20 + get_u16(at + 2);
    }
    forge_trailer(content, size, size_field, crc_field);
}

/* Changes every byte of [begin, end) of a file in turn, with the checksums. */
static void
forge_and_check(struct disk *disk, const struct segment_info *info, unsigned file, uint64_t begin,
                uint64_t end, const char *expected)
{
    struct bytes good = file_read(disk, names[file]);
    uint8_t *content = malloc(good.size);

    for (uint64_t offset = begin; offset < end; offset++) {
        struct segment_info forged = *info;
        memcpy(content, good.data, good.size);
        content[offset] ^= (uint8_t)(1u << offset % 8);
        if (file == 0)
            forge_columns(content, good.size, HALF_PUBLIC, &forged.public_size, &forged.public_crc);
        else
            forge_index(content, good.size, &forged.index_size, &forged.index_crc);
        file_replace(disk, names[file], bytes_of(content, good.size));
        assert_found(disk, &forged, file, TALLY_DAMAGED, "forged");
        if (strstr(error.text, expected) == NULL)
            fail_msg("byte %u: %s", (unsigned)offset, error.text);
    }
    file_replace(disk, names[file], good);
    free(content);
    free((void *)(uintptr_t)good.data);
}

static void
forged_summaries_are_found(void **state)
{
    (void)state;
    struct segment_info info;
    struct disk *disk = make_segment(1, sample_tag, 5, &info);
    struct segment *segment;
    struct segment_column *column;
    struct segment_input input = { 0 };

    assert_ok(segment_open(SAMPLE_PLACE(disk), &info, &segment, &error));
    segment_use(segment);
    assert_ok(segment_find_column(segment, FIELD_ACTION, &input, &column, &error));
    uint64_t directory = segment->halves[HALF_PUBLIC]->file.directory_offset;
    uint64_t codes = column->entry.table.offset;
    assert_ok(segment_find_column(segment, FIELD_RECEIVED, &input, &column, &error));
    uint64_t times = column->entry.table.offset;
    segment_unuse(segment);
    buffer_free(&input.bytes);
    segment_release(segment);

    /* Of a page: size and CRC, then a flag, least and greatest. */
    forge_and_check(disk, &info, 0, codes + 9, codes + 25, "the block table says other");
    forge_and_check(disk, &info, 0, times + 9, times + 25, "the block table says other");
    /* Of the directory: the count of ranges, then the only page's times. */
    forge_and_check(disk, &info, 0, directory + 4, directory + 20, "other times");
    disk_close_folder(disk);
}

/* A code that no row has any more leaves a value behind: after an erasure it would be one that
 * should be gone. Most changes of codes change entries and are for the leaves to find. */
static void
forged_codes_leave_values(void **state)
{
    (void)state;
    struct segment_info info;
    struct disk *disk = make_segment(1, sample_tag, 5, &info);
    struct bytes good = file_read(disk, names[0]);
    uint8_t *content = malloc(good.size);
    unsigned found = 0;

    uint64_t end = get_u64(good.data + good.size - SEGMENT_TRAILER_SIZE);
    for (uint64_t offset = SEGMENT_HEADER_SIZE; offset < end; offset++) {
        struct segment_info forged = info;
        bool index_only;
        memcpy(content, good.data, good.size);
        content[offset] ^= 1;
        forge_columns(content, good.size, HALF_PUBLIC, &forged.public_size, &forged.public_crc);
        file_replace(disk, names[0], bytes_of(content, good.size));
        if (check(disk, &forged, &index_only) == TALLY_DAMAGED)
            found += strstr(error.text, "dictionary: has a value that no entry has") != NULL;
    }
    assert_true(found > 0);
    free(content);
    free((void *)(uintptr_t)good.data);
    disk_close_folder(disk);
}

/* Bytes that no column has, between the columns and the directory. */
static void
hidden_bytes_are_found(void **state)
{
    (void)state;
    struct segment_info info;
    struct disk *disk = make_segment(1, sample_tag, 5, &info);
    struct bytes good = file_read(disk, names[0]);
    struct buffer content = { 0 };

    uint64_t directory = get_u64(good.data + good.size - SEGMENT_TRAILER_SIZE);
    buffer_append(&content, good.data, directory);
    buffer_text(&content, "hidden");
    buffer_append(&content, good.data + directory, good.size - directory);
    put_u64(content.data + content.size - SEGMENT_TRAILER_SIZE, directory + 6);
    forge_columns(content.data, content.size, HALF_PUBLIC, &info.public_size, &info.public_crc);
    file_replace(disk, names[0], buffer_view(&content));
    assert_found(disk, &info, 0, TALLY_DAMAGED, "hidden bytes");
    assert_non_null(strstr(error.text, "do not fill the file"));
    buffer_free(&content);
    free((void *)(uintptr_t)good.data);
    disk_close_folder(disk);
}

static void
forged_indexes_are_found(void **state)
{
    (void)state;
    struct segment_info info;
    struct disk *disk = make_segment(1, sample_tag, 5, &info);
    struct segment_index index;
    struct segment_input input = { 0 };

    assert_ok(segment_index_open(SAMPLE_PLACE(disk), &info, &input, &index, &error));
    uint64_t ids = index.ids.block.offset, tokens = index.bloom.offset;
    uint64_t members = index.members.buckets.offset, table = index.members.buckets.table_offset;
    uint64_t directory = index.file.directory_offset;
    segment_index_close(&index);
    buffer_free(&input.bytes);
    forge_and_check(disk, &info, 2, ids, tokens - 16,
                    "ids: are not what this version makes of the entries");
    forge_and_check(disk, &info, 2, tokens, tokens + 64,
                    "tokens: are not what this version makes of the entries");
    assert_true(table > members);
    forge_and_check(disk, &info, 2, members, table + 4,
                    "members: are not what this version makes of the entries");
    /* Count of sections; of both kind and size, offset and size, and the second's parameters. */
    static const size_t parts[][2] = { { 0, 8 }, { 8, 20 }, { 24, 28 }, { 28, 40 }, { 44, 52 } };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        forge_and_check(disk, &info, 2, directory + parts[i][0], directory + parts[i][1], "");
    disk_close_folder(disk);
}

/* An index whose words another version has folded is not asked for them, and is to be made anew. */
static void
words_folded_otherwise_are_passed_over(void **state)
{
    (void)state;
    struct segment_info info;
    struct disk *disk = make_segment(1, sample_tag, 5, &info);
    struct bytes good = file_read(disk, names[2]);
    struct buffer content = { 0 };
    struct segment_index index;
    struct segment_input input = { 0 };

    buffer_bytes(&content, good);
    uint8_t *section =
        content.data + get_u64(content.data + content.size - SEGMENT_TRAILER_SIZE) + 4;
    while (get_u16(section) != SECTION_WORDS)
        section += 20 + get_u16(section + 2);
    assert_int_equal(get_u16(section + 2), 1);
    section[20]--;
    forge_index(content.data, content.size, &info.index_size, &info.index_crc);
    file_replace(disk, names[2], buffer_view(&content));

    assert_ok(segment_index_open(SAMPLE_PLACE(disk), &info, &input, &index, &error));
    assert_true(index.ids.there && index.members.there && !index.words.there);
    segment_index_close(&index);
    assert_found(disk, &info, 2, TALLY_DAMAGED, "words of another folding");
    assert_non_null(strstr(
        error.text, "words: are not what this version makes of the entries; rebuild it with"));
    buffer_free(&input.bytes);
    buffer_free(&content);
    free((void *)(uintptr_t)good.data);
    disk_close_folder(disk);
}

/* A section of a kind that there is none of yet, behind the others. */
static void
later_sections_are_passed_over(void **state)
{
    (void)state;
    struct segment_info info;
    struct disk *disk = make_segment(1, sample_tag, 5, &info);
    struct bytes good = file_read(disk, names[2]);
    struct buffer content = { 0 };
    struct segment *segment;
    struct segment_index index;
    struct segment_input input = { 0 };
    bool index_only;

    uint64_t directory = get_u64(good.data + good.size - SEGMENT_TRAILER_SIZE);
    buffer_append(&content, good.data, directory);
    buffer_text(&content, "later");
    buffer_append(&content, good.data + directory, good.size - directory - SEGMENT_TRAILER_SIZE);
    put_u16(content.data + directory + 5, (uint16_t)(get_u16(good.data + directory) + 1));
    buffer_u16(&content, 900);
    buffer_u16(&content, 3);
    buffer_u64(&content, directory);
    buffer_u32(&content, 5);
    buffer_u32(&content, 0);
    buffer_text(&content, "why");
    buffer_append(&content, good.data + good.size - SEGMENT_TRAILER_SIZE, SEGMENT_TRAILER_SIZE);
    uint8_t *trailer = content.data + content.size - SEGMENT_TRAILER_SIZE;
    put_u64(trailer, directory + 5);
    put_u32(trailer + 8, (uint32_t)(content.size - SEGMENT_TRAILER_SIZE - directory - 5));
    forge_index(content.data, content.size, &info.index_size, &info.index_crc);
    file_replace(disk, names[2], buffer_view(&content));

    assert_ok(segment_index_open(SAMPLE_PLACE(disk), &info, &input, &index, &error));
    assert_true(index.ids.there && index.bloom.there && index.members.there);
    segment_index_close(&index);
    buffer_free(&input.bytes);
    assert_ok(segment_open(SAMPLE_PLACE(disk), &info, &segment, &error));
    assert_int_equal(segment_check(segment, SEGMENT_CHECK_ALL, &index_only, &error),
                     TALLY_UNSUPPORTED);
    assert_true(index_only);
    segment_release(segment);

    /* A wrong byte elsewhere is worse. */
    content.data[SEGMENT_HEADER_SIZE] ^= 1;
    forge_index(content.data, content.size, &info.index_size, &info.index_crc);
    file_replace(disk, names[2], buffer_view(&content));
    assert_found(disk, &info, 2, TALLY_DAMAGED, "forged besides");
    buffer_free(&content);
    free((void *)(uintptr_t)good.data);
    disk_close_folder(disk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forged_summaries_are_found),
        cmocka_unit_test(forged_indexes_are_found),
        cmocka_unit_test(forged_codes_leave_values),
        cmocka_unit_test(hidden_bytes_are_found),
        cmocka_unit_test(words_folded_otherwise_are_passed_over),
        cmocka_unit_test(later_sections_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
