/* Spellings against slow oracles; every kind of page read row by row. */
#include "page.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The grammar of RFC 8259 section 6 without exponent, word for word. */
static bool
is_plain_number(const char *text)
{
    if (*text == '-')
        text++;
    if (*text == '0')
        text++;
    else if (*text >= '1' && *text <= '9')
        text += strspn(text, "0123456789");
    else
        return false;
    if (*text == '.') {
        size_t digits = strspn(++text, "0123456789");
        if (digits == 0)
            return false;
        text += digits;
    }
    return *text == '\0';
}

static bool
is_negative_zero(const char *text)
{
    return *text == '-' && strpbrk(text, "123456789") == NULL;
}

static void
check_number(const char *text, bool expected)
{
    int64_t key = 77;
    uint8_t digits = 77;
    char written[PAGE_TEXT_MAX];
    bool accepted = number_read(bytes_text(text), &key, &digits);
    if (accepted != expected)
        fail_msg("%s was %s", text, accepted ? "accepted" : "refused");
    if (!accepted) {
        assert_int_equal(key, 77);
        assert_int_equal(digits, 77);
        return;
    }
    size_t size = number_write(key, digits, written);
    if (!bytes_equal(bytes_of(written, size), bytes_text(text)))
        fail_msg("%s came back as %.*s", text, (int)size, written);
}

/* All texts of up to six characters of an alphabet that can spell every mistake. */
static void
test_number_all_small(void **unused)
{
    (void)unused;
    static const char alphabet[] = "019-.e+ ";
    enum {
        LETTERS = sizeof alphabet - 1,
        LENGTH_MAX = 6
    };

    for (unsigned length = 0; length <= LENGTH_MAX; length++) {
        unsigned total = 1;
        for (unsigned i = 0; i < length; i++)
            total *= LETTERS;
        for (unsigned n = 0; n < total; n++) {
            char text[LENGTH_MAX + 1] = { 0 };
            unsigned rest = n;
            for (unsigned i = 0; i < length; i++, rest /= LETTERS)
                text[i] = alphabet[rest % LETTERS];
            check_number(text, is_plain_number(text) && !is_negative_zero(text));
        }
    }
}

static void
test_number_table(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        bool accepted; /* and why */
    } rows[] = {
        { "999999999999999999", true },     /* 18 digits, the greatest key */
        { "-999999999999999999", true },    /* and the least */
        { "1000000000000000000", false },   /* 19 digits */
        { "9223372036854775807", false },   /* fits an int64, but the limit is in digits */
        { "9223372036854775808", false },   /* would overflow */
        { "99999999999999999999", false },  /* 20 digits: would overflow an uint64 next */
        { "12345678901234567890", false },  /* likewise */
        { "0.123456789012345678", true },   /* 18 fraction digits */
        { "0.000000000000000000", true },   /* 18 zeros are kept */
        { "0.0000000000000000000", false }, /* 19 are too many to count */
        { "0.000000000000000001", true },   /* the least decimal */
        { "-0.000000000000000001", true },  /* with a sign */
        { "99999999999999999.9", true },    /* 18 digits around a point */
        { "999999999999999999.9", false },  /* 19 */
        { "12.50", true },                  /* a trailing zero is part of the token */
        { "1.", false },                    /* not JSON */
        { ".5", false },                    /* not JSON */
        { "00", false },                    /* a leading zero */
        { "01.5", false },                  /* a leading zero */
        { "-0", false },                    /* a key has no sign of its own */
        { "-0.00", false },                 /* likewise */
        { "-0.01", true },                  /* but this one has */
        { "1e3", false },                   /* an exponent */
        { "1E-7", false },                  /* an exponent */
        { "0x10", false },                  /* not JSON */
        { "1_000", false },                 /* not JSON */
        { "+1", false },                    /* not JSON */
        { "NaN", false },                   /* not JSON */
        { "\xef\xbc\x91", false },          /* a full-width digit */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_number(rows[i].text, rows[i].accepted);

    int64_t key;
    uint8_t digits;
    assert_false(number_read(bytes_of("1\0", 2), &key, &digits));
    assert_true(number_read(bytes_text("-12.50"), &key, &digits));
    assert_int_equal(key, -1250);
    assert_int_equal(digits, 2);
}

/* What is written is what printf would write. */
static void
test_number_write(void **unused)
{
    (void)unused;
    static const int64_t keys[] = { 0, 1, -1, 9, 10, 99, 100, -100, 123456, INT64_MAX, INT64_MIN };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char expected[80], text[PAGE_TEXT_MAX];
        size_t size = number_write(keys[i], 0, text);
        snprintf(expected, sizeof expected, "%lld", (long long)keys[i]);
        assert_true(bytes_is(bytes_of(text, size), expected));
        size = number_write(keys[i], 2, text);
        __int128 whole = keys[i] / 100, part = keys[i] % 100;
        snprintf(expected, sizeof expected, "%s%lld.%02lld", keys[i] < 0 ? "-" : "",
                 (long long)(whole < 0 ? -whole : whole), (long long)(part < 0 ? -part : part));
        assert_true(bytes_is(bytes_of(text, size), expected));
    }
}

static void
test_time(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        bool accepted;
        uint8_t digits;
    } rows[] = {
        { "2026-01-31T23:59:59Z", true, 0 },
        { "2026-01-31T23:59:59.000Z", true, 3 },
        { "2026-01-31T23:59:59.123456789Z", true, 9 },
        { "1970-01-01T00:00:00Z", true, 0 },
        { "1969-12-31T23:59:59.9Z", true, 1 },           /* before 1970 */
        { "1678-01-01T00:00:00Z", true, 0 },             /* the first year */
        { "2261-12-31T23:59:59.999999999Z", true, 9 },   /* the last */
        { "1677-12-31T23:59:59Z", false, 0 },            /* before it */
        { "2262-01-01T00:00:00Z", false, 0 },            /* after it */
        { "2024-02-29T00:00:00Z", true, 0 },             /* a leap day */
        { "2023-02-29T00:00:00Z", false, 0 },            /* not one */
        { "2026-01-31T23:59:59.1234567890Z", false, 0 }, /* ten digits do not fit the key */
        { "2016-12-31T23:59:60Z", false, 0 },            /* a leap second spells like the next */
        { "2026-01-31T23:59:59", false, 0 },             /* not canonical: no Z */
        { "2026-01-31 23:59:59Z", false, 0 },            /* a blank */
        { "2026-01-31t23:59:59z", false, 0 },            /* lower case */
        { "2026-01-31T23:59:59+00:00", false, 0 },       /* an offset */
        { "2026-01-31T23:59:59.Z", false, 0 },           /* no digits */
        { "2026-01-31", false, 0 },
        { "", false, 0 },
        { "yesterday", false, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t key;
        uint8_t digits;
        char text[PAGE_TEXT_MAX];
        bool accepted = time_read(bytes_text(rows[i].text), &key, &digits);
        if (accepted != rows[i].accepted)
            fail_msg("%s was %s", rows[i].text, accepted ? "accepted" : "refused");
        if (!accepted)
            continue;
        assert_int_equal(digits, rows[i].digits);
        assert_true(bytes_is(bytes_of(text, time_write(key, digits, text)), rows[i].text));
    }
}

static void
test_id(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        uint8_t form; /* 0: refused */
    } rows[] = {
        { "01890a5d-ac96-774b-bcce-b302099a8057", ID_UUID },
        { "00000000-0000-0000-0000-000000000000", ID_UUID },
        { "01890A5D-AC96-774B-BCCE-B302099A8057", 0 },  /* upper case would come back lower */
        { "01890a5d-ac96-774b-bcce-b302099a805", 0 },   /* short */
        { "01890a5d-ac96-774b-bcce-b302099a80577", 0 }, /* long */
        { "01890a5dac96-774b-bcce-b302099a8057-", 0 },  /* hyphens elsewhere */
        { "{1890a5d-ac96-774b-bcce-b302099a805}", 0 },  /* braces */
        { "4bf92f3577b34da6a3ce929d0e0e4736", ID_HEX },
        { "4BF92F3577B34DA6A3CE929D0E0E4736", 0 }, /* upper case */
        { "4bf92f3577b34da6a3ce929d0e0e473g", 0 }, /* not hexadecimal */
        { "4bf92f3577b34da6a3ce929d0e0e473", 0 },  /* 31 digits */
        { "0123456789abcdef", 0 },                 /* 16 bytes, but not as they are */
        { "", 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t id[16], form = ID_ABSENT;
        char text[PAGE_TEXT_MAX];
        bool accepted = id_read(bytes_text(rows[i].text), id, &form);
        if (accepted != (rows[i].form != 0) || form != rows[i].form)
            fail_msg("%s was read as form %u", rows[i].text, form);
        if (accepted)
            assert_true(bytes_is(bytes_of(text, id_write(id, form, text)), rows[i].text));
    }
}

static void
test_forms(void **unused)
{
    (void)unused;
    int64_t key, instant;
    uint8_t digits, id[16];

    assert_int_equal(number_form(COLUMN_HINT_NUMBER, bytes_of(NULL, 0), &key), NUMBER_ABSENT);
    assert_int_equal(number_form(COLUMN_HINT_NUMBER, bytes_of("", 0), &key), NUMBER_EXCEPTION);
    assert_int_equal(number_form(COLUMN_HINT_NUMBER, bytes_text("1e3"), &key), NUMBER_EXCEPTION);
    assert_int_equal(key, 0);
    assert_int_equal(number_form(COLUMN_HINT_NUMBER, bytes_text("-1.5"), &key), 1);
    assert_int_equal(key, -15);

    /* A leap second compares as the second after it. */
    assert_true(time_read(bytes_text("2017-01-01T00:00:00Z"), &instant, &digits));
    assert_int_equal(number_form(COLUMN_HINT_TIME, bytes_text("2016-12-31T23:59:60Z"), &key),
                     NUMBER_EXCEPTION);
    assert_int_equal(key, instant);
    assert_int_equal(number_form(COLUMN_HINT_TIME, bytes_text("noon"), &key), NUMBER_EXCEPTION);
    assert_int_equal(key, 0);

    assert_int_equal(id_form(bytes_of(NULL, 0), id), ID_ABSENT);
    assert_int_equal(id_form(bytes_of("", 0), id), ID_EXCEPTION);
    assert_int_equal(id_form(bytes_text("order-7"), id), ID_EXCEPTION);
    assert_int_equal(id_form(bytes_text("4bf92f3577b34da6a3ce929d0e0e4736"), id), ID_HEX);
}

static void
check_row(const struct page *page, const struct dictionary *dictionary, enum field_column column,
          uint32_t row, const char *expected)
{
    char text[PAGE_TEXT_MAX];
    struct bytes value = page_value(page, dictionary, column, row, text);
    if (expected == NULL) {
        assert_null(value.data);
        assert_int_equal(value.size, 0);
    } else {
        assert_non_null(value.data); /* also where it is empty */
        assert_true(bytes_is(value, expected));
    }
}

static void
test_page_kinds(void **unused)
{
    (void)unused;
    static const struct bytes words[] = { BYTES("alpha"), BYTES(""), BYTES("gamma") };
    const struct bytes *chunks[] = { words };
    const struct dictionary dictionary = { 3, chunks };
    static const uint32_t codes[] = { 0, 1, 3, 2 };
    const struct page coded = { .kind = PAGE_CODES, .rows = 4, .codes = codes };
    check_row(&coded, &dictionary, COLUMN_HINT_CODES, 0, NULL);
    check_row(&coded, &dictionary, COLUMN_HINT_CODES, 1, "alpha");
    check_row(&coded, &dictionary, COLUMN_HINT_CODES, 2, "gamma");
    check_row(&coded, &dictionary, COLUMN_HINT_CODES, 3, "");

    static const int64_t keys[] = { 1250, 0, 0, 7 };
    static const uint8_t forms[] = { 2, NUMBER_ABSENT, NUMBER_EXCEPTION, 0 };
    static const struct page_exception exceptions[] = { { 2, BYTES("1e400") } };
    const struct page numbers = { .kind = PAGE_NUMBERS,
                                  .rows = 4,
                                  .keys = keys,
                                  .forms = forms,
                                  .exceptions = exceptions,
                                  .exception_count = 1 };
    check_row(&numbers, NULL, COLUMN_HINT_NUMBER, 0, "12.50");
    check_row(&numbers, NULL, COLUMN_HINT_NUMBER, 1, NULL);
    check_row(&numbers, NULL, COLUMN_HINT_NUMBER, 2, "1e400");
    check_row(&numbers, NULL, COLUMN_HINT_NUMBER, 3, "7");
    check_row(&numbers, NULL, COLUMN_HINT_TIME, 0, "1970-01-01T00:00:00.00Z");

    static const uint8_t ids[4][16] = { { 0x01 }, { 'r', 'a', 'w' }, { 0 }, { 0 } };
    static const uint8_t id_forms[] = { ID_UUID, ID_RAW, ID_ABSENT, ID_EXCEPTION };
    static const struct page_exception odd[] = { { 3, BYTES("x") } };
    const struct page id_page = { .kind = PAGE_IDS,
                                  .rows = 4,
                                  .ids = ids,
                                  .forms = id_forms,
                                  .exceptions = odd,
                                  .exception_count = 1 };
    struct bytes values[4];
    char texts[4][PAGE_TEXT_MAX];
    page_values(&id_page, NULL, COLUMN_HINT_ID, 0, 4, values, texts);
    assert_true(bytes_is(values[0], "01000000-0000-0000-0000-000000000000"));
    assert_true(bytes_equal(values[1], bytes_of("raw\0\0\0\0\0\0\0\0\0\0\0\0\0", 16)));
    assert_null(values[2].data);
    assert_true(bytes_is(values[3], "x"));

    const struct page absent = { .kind = PAGE_ABSENT, .rows = 9 };
    check_row(&absent, NULL, COLUMN_HINT_TEXT, 8, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_all_small),
        cmocka_unit_test(test_number_table),
        cmocka_unit_test(test_number_write),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_id),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_page_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
