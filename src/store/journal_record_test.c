/* The bytes of a journal. */
#include "buffer.h"
#include "crc32c.h"
#include "journal_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint8_t tag[16] = "0123456789abcdef";

/* Hexadecimal digits against bytes. */
static void
expect_hex(struct bytes bytes, const char *digits)
{
    assert_int_equal(strlen(digits), 2 * bytes.size);
    for (size_t i = 0; i < bytes.size; i++) {
        char pair[3] = { digits[2 * i], digits[2 * i + 1], 0 };
        assert_int_equal(bytes.data[i], strtoul(pair, NULL, 16));
    }
}

/* The example of docs/format.md: a change here is a change of the format. */
static void
test_the_documents_example(void **state)
{
    (void)state;
    const uint8_t *document_tag = (const uint8_t *)"a trail's tag...";
    uint8_t file[JOURNAL_HEADER_SIZE], record[RECORD_HEADER_SIZE];
    journal_header_encode(document_tag, 65536, file);
    expect_hex(bytes_of(file, sizeof file), "54414c4c594a4e4c01000000"
                                            "6120747261696c2773207461672e2e2e"
                                            "0000010000000000"
                                            "000000000000000000000000000000000000000000000000"
                                            "3471c5a4");
    struct buffer body = { 0 };
    uint8_t salt[JOURNAL_SALT_SIZE];
    for (unsigned i = 0; i < sizeof salt; i++)
        salt[i] = (uint8_t)i;
    journal_entry_append(&body, bytes_text("{\"v\":1}"), salt,
                         bytes_text("{\"message\":\"hello\",\"user_id\":\"u1\"}"));
    struct record_header header = {
        .count = 1,
        .sequence = 2,
        .first = 3,
        .body_size = (uint32_t)body.size,
        .chain = 0x12345678,
        .body_crc = crc32c(0, body.data, body.size),
    };
    record_header_encode(&header, record_seed(document_tag), record);
    expect_hex(bytes_of(record, sizeof record), "f5c1fbc0f9fec1f80100000001000000"
                                                "02000000000000000300000000000000"
                                                "4100000078563412c796824d2d96a08c");
    expect_hex(buffer_view(&body), "0700000022000000"
                                   "000102030405060708090a0b0c0d0e0f"
                                   "7b2276223a317d"
                                   "7b226d657373616765223a2268656c6c6f222c"
                                   "22757365725f6964223a227531227d");
    buffer_free(&body);
}

static void
test_a_record_header_byte_by_byte(void **state)
{
    (void)state;
    struct record_header header = {
        .flags = RECORD_FILE_USED_BEFORE,
        .count = 2,
        .sequence = 3,
        .first = 0x0102030405060708,
        .body_size = 0x11121314,
        .chain = 0x21222324,
        .body_crc = 0x31323334,
    };
    static const uint8_t expected[44] = {
        0xf5, 0xc1, 0xfb, 0xc0, 0xf9, 0xfe, 0xc1, 0xf8, 1,    0,    1,    0,    2,    0,    0,
        0,    3,    0,    0,    0,    0,    0,    0,    0,    0x08, 0x07, 0x06, 0x05, 0x04, 0x03,
        0x02, 0x01, 0x14, 0x13, 0x12, 0x11, 0x24, 0x23, 0x22, 0x21, 0x34, 0x33, 0x32, 0x31,
    };
    uint8_t bytes[RECORD_HEADER_SIZE];
    record_header_encode(&header, record_seed(tag), bytes);
    assert_memory_equal(bytes, expected, sizeof expected);

    uint8_t covered[16 + 44];
    memcpy(covered, tag, 16);
    memcpy(covered + 16, bytes, 44);
    assert_int_equal(get_u32(bytes + 44), crc32c(0, covered, sizeof covered));
    assert_int_equal(header.crc, get_u32(bytes + 44));
}

static void
test_headers_come_back(void **state)
{
    (void)state;
    srand(1);
    for (unsigned i = 0; i < 1000; i++) {
        struct record_header header = {
            .flags = (uint16_t)(rand() & 1),
            .count = (uint32_t)rand(),
            .sequence = (uint64_t)rand() << 25,
            .first = (uint64_t)rand() << 31 | (uint64_t)rand(),
            .body_size = (uint32_t)rand(),
            .chain = (uint32_t)rand(),
            .body_crc = (uint32_t)rand(),
        };
        uint8_t bytes[RECORD_HEADER_SIZE];
        uint32_t seed = record_seed(tag);
        record_header_encode(&header, seed, bytes);
        struct record_header back;
        assert_true(record_header_decode(bytes, seed, &back));
        assert_memory_equal(&back, &header, sizeof back);
        assert_false(record_header_decode(bytes, seed + 1, &back)); /* another trail's */
        if (i > 10)
            continue;
        for (unsigned bit = 0; bit < 8 * RECORD_HEADER_SIZE; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_false(record_header_decode(bytes, seed, &back));
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

static void
test_a_file_header_byte_by_byte(void **state)
{
    (void)state;
    uint8_t bytes[JOURNAL_HEADER_SIZE];
    journal_header_encode(tag, 65536, bytes);
    static const uint8_t expected[60] = "TALLYJNL\1\0\0\0"
                                        "0123456789abcdef\0\0\1\0\0\0\0\0";
    assert_memory_equal(bytes, expected, sizeof expected);
    assert_int_equal(get_u32(bytes + 60), crc32c(0, bytes, 60));

    struct tally_error error;
    assert_int_equal(journal_header_check(bytes, tag, 65536, "f", &error), TALLY_OK);
    assert_int_equal(journal_header_check(bytes, tag, 65544, "f", &error), TALLY_DAMAGED);
    assert_string_equal(error.text, "f has 65544 bytes; it was made with 65536");
    assert_int_equal(journal_header_check(bytes, expected, 65536, "f", &error), TALLY_DAMAGED);
    assert_string_equal(error.text, "f belongs to another trail");
    for (unsigned bit = 0; bit < 8 * JOURNAL_HEADER_SIZE; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(journal_header_check(bytes, tag, 65536, "f", &error), TALLY_DAMAGED);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    put_u32(bytes + 8, 2);
    put_u32(bytes + 60, crc32c(0, bytes, 60));
    assert_int_equal(journal_header_check(bytes, tag, 65536, "f", &error), TALLY_UNSUPPORTED);
}

static void
test_entries_come_back(void **state)
{
    (void)state;
    struct buffer body = { 0 };
    for (unsigned i = 0; i < 50; i++) {
        char text[64] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
        uint8_t salt[JOURNAL_SALT_SIZE] = { (uint8_t)i };
        journal_entry_append(&body, bytes_of(text, i), salt, bytes_of(text + 1, 50 - i));
    }
    struct bytes rest = buffer_view(&body);
    for (unsigned i = 0; i < 50; i++) {
        struct journal_entry entry;
        assert_true(journal_entry_next(&rest, &entry));
        assert_int_equal(entry.public_part.size, i);
        assert_int_equal(entry.private_part.size, 50 - i);
        assert_int_equal(entry.salt[0], i);
        assert_true(i == 50 || entry.private_part.data[0] == 'b');
    }
    struct journal_entry entry;
    assert_false(journal_entry_next(&rest, &entry));
    assert_int_equal(rest.size, 0);

    struct bytes view = buffer_view(&body);
    assert_true(record_body_valid(view, 50));
    assert_false(record_body_valid(view, 49));
    assert_false(record_body_valid(view, 51));
    assert_false(record_body_valid(bytes_of(view.data, view.size - 1), 50));
    assert_false(record_body_valid(bytes_of(view.data, 0), 0));
    put_u32(body.data, UINT32_MAX);
    assert_false(record_body_valid(view, 50));
    buffer_free(&body);
}

static void
test_records_are_aligned(void **state)
{
    (void)state;
    for (uint64_t size = 0; size < 100; size++) {
        assert_int_equal(record_span(size) % RECORD_ALIGNMENT, 0);
        assert_in_range(record_span(size), RECORD_HEADER_SIZE + size,
                        RECORD_HEADER_SIZE + size + 7);
    }
}

/* What keeps an application's bytes from being taken for a record (journal_record.c). */
static void
test_the_magic_is_no_text(void **state)
{
    (void)state;
    const uint8_t *magic = (const uint8_t *)RECORD_MAGIC;
    for (unsigned i = 0; i < 8; i++)
        assert_true(magic[i] == 0xc0 || magic[i] == 0xc1 || magic[i] >= 0xf5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_documents_example),
        cmocka_unit_test(test_a_record_header_byte_by_byte),
        cmocka_unit_test(test_headers_come_back),
        cmocka_unit_test(test_a_file_header_byte_by_byte),
        cmocka_unit_test(test_entries_come_back),
        cmocka_unit_test(test_records_are_aligned),
        cmocka_unit_test(test_the_magic_is_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
