#include "crc32c.h"

#include "crc32c_paths.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LONGEST 9000

/* The definition: one bit at a time, least significant first. */
static uint32_t
by_bits(uint32_t crc, const uint8_t *data, size_t size)
{
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
    }
    return ~crc;
}

static uint32_t
by_instruction(uint32_t crc, const uint8_t *data, size_t size)
{
    return crc32c_has_instruction() ? crc32c_by_instruction(crc, data, size)
                                    : by_bits(crc, data, size);
}

static uint8_t *
some_bytes(size_t size)
{
    uint8_t *data = malloc(size);
    assert_non_null(data);
    uint32_t x = 1;
    for (size_t i = 0; i < size; i++) {
        x = x * 1103515245 + 12345;
        data[i] = (uint8_t)(x >> 16);
    }
    return data;
}

static void
vectors_of_the_rfc(void **state)
{
    (void)state;
    uint8_t data[32];
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(0, "", 0), 0);
    /* RFC 3720 appendix B.4 */
    memset(data, 0, sizeof data);
    assert_int_equal(crc32c(0, data, sizeof data), 0x8a9136aa);
    memset(data, 0xff, sizeof data);
    assert_int_equal(crc32c(0, data, sizeof data), 0x62a8ab43);
    for (unsigned i = 0; i < 32; i++)
        data[i] = (uint8_t)i;
    assert_int_equal(crc32c(0, data, sizeof data), 0x46dd794e);
    for (unsigned i = 0; i < 32; i++)
        data[i] = (uint8_t)(31 - i);
    assert_int_equal(crc32c(0, data, sizeof data), 0x113fdb5c);
}

/* Every size through all lane sizes, at all eight alignments. */
static void
agrees_with_one_bit_at_a_time(void **state)
{
    (void)state;
    uint8_t *data = some_bytes(LONGEST + 8);
    for (size_t offset = 0; offset < 8; offset++) {
        uint32_t running = 0;
        for (size_t size = 0; size <= LONGEST; size++) {
            if (offset == 0 || size < 1000) {
                assert_int_equal(crc32c_by_table(0, data + offset, size), running);
                assert_int_equal(by_instruction(0, data + offset, size), running);
                assert_int_equal(crc32c(0, data + offset, size), running);
            }
            running = by_bits(running, data + offset + size, 1);
        }
    }
    free(data);
}

/* crc(crc(0, a), b) = crc(0, ab) wherever the cut is. */
static void
goes_on_from_a_checksum(void **state)
{
    (void)state;
    uint8_t *data = some_bytes(LONGEST);
    uint32_t whole = by_bits(0, data, LONGEST);
    for (size_t cut = 0; cut <= LONGEST; cut++) {
        uint32_t first = crc32c(0, data, cut);
        assert_int_equal(crc32c(first, data + cut, LONGEST - cut), whole);
        assert_int_equal(crc32c_by_table(first, data + cut, LONGEST - cut), whole);
    }
    free(data);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_rfc),
        cmocka_unit_test(agrees_with_one_bit_at_a_time),
        cmocka_unit_test(goes_on_from_a_checksum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
