#include "uuid.h"

#include "base64.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW_NS INT64_C(1645557742000000000) /* 2022-02-22T19:22:22Z, as in RFC 9562 A.6 */

static void
version_5_of_the_rfc(void **state)
{
    (void)state;
    /* RFC 9562 appendix A.4: the DNS namespace and www.example.com. */
    uint8_t dns[16];
    uint8_t uuid[16];
    char text[UUID_TEXT_SIZE];
    assert_true(uuid_parse(bytes_text("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), dns));
    uuid_v5(dns, bytes_text("www.example.com"), uuid);
    uuid_format(uuid, text);
    assert_memory_equal(text, "2ed6657d-e927-568b-95e1-2665a8aea6a2", UUID_TEXT_SIZE);

    uint8_t other[16];
    uuid_v5(dns, bytes_text("www.example.org"), other);
    assert_memory_not_equal(uuid, other, 16);
    uuid_v5(dns, bytes_of(NULL, 0), other);
    assert_int_equal(other[6] >> 4, 5);
}

static void
version_7_carries_its_time(void **state)
{
    (void)state;
    static const int64_t times[] = { 0, 999999, 1000000, NOW_NS, INT64_MAX };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        uint8_t uuid[16];
        uuid_v7(times[i], uuid);
        uint64_t ms = 0;
        for (unsigned k = 0; k < 6; k++)
            ms = ms << 8 | uuid[k];
        assert_int_equal(ms, times[i] / 1000000);
        assert_int_equal(uuid[6] >> 4, 7);
        assert_int_equal(uuid[8] >> 6, 2);
    }
    /* RFC 9562 A.6 gives this millisecond as 017f22e2-79b0. */
    uint8_t uuid[16];
    char text[UUID_TEXT_SIZE];
    uuid_v7(NOW_NS, uuid);
    uuid_format(uuid, text);
    assert_memory_equal(text, "017f22e2-79b0-7", 15);
}

static void
version_7_ascends_in_a_millisecond(void **state)
{
    (void)state;
    uint8_t before[16];
    uuid_v7(NOW_NS + 1, before);
    for (unsigned i = 0; i < 200000; i++) {
        uint8_t uuid[16];
        uuid_v7(NOW_NS + i % 1000, uuid);
        if (memcmp(before, uuid, 16) >= 0)
            fail_msg("number %u does not ascend", i);
        assert_int_equal(uuid[6] >> 4, 7);
        assert_int_equal(uuid[8] >> 6, 2);
        memcpy(before, uuid, 16);
    }
}

static void
version_7_goes_back_with_its_clock(void **state)
{
    (void)state;
    uint8_t later[16];
    uint8_t earlier[16];
    uuid_v7(NOW_NS, later);
    uuid_v7(NOW_NS - 5000000, earlier);
    assert_true(memcmp(earlier, later, 16) < 0);
}

/* Over many milliseconds each of the 74 random bits is seen both set and clear. */
static void
version_7_is_random(void **state)
{
    (void)state;
    uint8_t ones[16] = { 0 };
    uint8_t zeros[16] = { 0 };
    for (unsigned i = 0; i < 200; i++) {
        uint8_t uuid[16];
        uuid_v7(NOW_NS + i * INT64_C(1000000), uuid);
        for (unsigned k = 0; k < 16; k++) {
            ones[k] |= uuid[k];
            zeros[k] |= (uint8_t)~uuid[k];
        }
    }
    assert_int_equal(ones[6] & zeros[6], 0x0f);
    assert_int_equal(ones[7] & zeros[7], 0xff);
    assert_int_equal(ones[8] & zeros[8], 0x3f);
    for (unsigned k = 9; k < 16; k++)
        assert_int_equal(ones[k] & zeros[k], 0xff);
}

static void
text_comes_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        uint8_t uuid[16];
        uint8_t back[16];
        char text[UUID_TEXT_SIZE];
        random_bytes(uuid, sizeof uuid);
        uuid_format(uuid, text);
        assert_true(uuid_parse(bytes_of(text, sizeof text), back));
        assert_memory_equal(back, uuid, 16);
    }
}

/* Every byte at every place of a good text: what is accepted must be what format writes. */
static void
only_the_canonical_text_is_read(void **state)
{
    (void)state;
    static const char good[] = "00112233-4455-6677-8899-aabbccddeeff";
    for (size_t place = 0; place < UUID_TEXT_SIZE; place++) {
        unsigned accepted = 0;
        for (unsigned byte = 0; byte < 256; byte++) {
            char text[UUID_TEXT_SIZE];
            char again[UUID_TEXT_SIZE];
            uint8_t uuid[16];
            memcpy(text, good, sizeof text);
            text[place] = (char)byte;
            if (!uuid_parse(bytes_of(text, sizeof text), uuid))
                continue;
            accepted++;
            uuid_format(uuid, again);
            assert_memory_equal(again, text, UUID_TEXT_SIZE);
        }
        assert_int_equal(accepted, good[place] == '-' ? 1 : 16);
    }

    static const char *const bad[] = {
        "",
        "00112233445566778899aabbccddeeff",
        "{0112233-4455-6677-8899-aabbccddeeff}",
        "00112233-4455-6677-8899-aabbccddeeff0",
        "00112233-4455-6677-8899-aabbccddeef",
        "00112233-4455-6677-8899-AABBCCDDEEFF",
    };
    uint8_t uuid[16];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(uuid_parse(bytes_text(bad[i]), uuid));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_5_of_the_rfc),
        cmocka_unit_test(version_7_carries_its_time),
        cmocka_unit_test(version_7_ascends_in_a_millisecond),
        cmocka_unit_test(version_7_goes_back_with_its_clock),
        cmocka_unit_test(version_7_is_random),
        cmocka_unit_test(text_comes_back),
        cmocka_unit_test(only_the_canonical_text_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
