/* Dictionaries: sorted like their values, back as they were, and nothing else accepted. */
#include "dictionary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t state = 88172645463325252u;

static uint64_t
next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static struct codec_workspace *workspace;

static int
open_workspace(void **unused)
{
    (void)unused;
    return codec_workspace_create(&workspace, NULL) == TALLY_OK ? 0 : -1;
}

static int
close_workspace(void **unused)
{
    (void)unused;
    codec_workspace_destroy(workspace);
    return 0;
}

/* A dictionary over an array of values. */
static struct dictionary
dictionary_over(const struct bytes *values, uint32_t count, const struct bytes **chunks)
{
    for (uint32_t i = 0; i * PAGE_ROWS < count; i++)
        chunks[i] = values + i * PAGE_ROWS;
    return (struct dictionary){ count, chunks };
}

/* Sorts, encodes, decodes; every value in use must be found at its new code, and no other. */
static void
check_round(const struct bytes *values, uint32_t count, const uint8_t *used)
{
    const struct bytes *chunks[64];
    struct dictionary dictionary = dictionary_over(values, count, chunks);
    struct dictionary_order order = { 0 };
    struct buffer encoded = { 0 };
    struct dictionary_copy *copy = NULL;

    assert_int_equal(dictionary_sort(&dictionary, used, &order, NULL), TALLY_OK);
    assert_int_equal(dictionary_encode(workspace, &dictionary, &order, &encoded, NULL), TALLY_OK);
    assert_int_equal(dictionary_decode(workspace, buffer_view(&encoded), order.count, &copy, NULL),
                     TALLY_OK);

    const struct dictionary *view = dictionary_copy_view(copy);
    uint32_t in_use = 0;
    assert_int_equal(order.remap[0], 0);
    for (uint32_t code = 1; code <= count; code++) {
        struct bytes value = values[code - 1];
        if (used != NULL && !used[code]) {
            assert_int_equal(order.remap[code], 0);
            assert_int_equal(dictionary_find(view, value), 0);
            continue;
        }
        in_use++;
        assert_int_equal(dictionary_find(view, value), order.remap[code]);
        assert_non_null(dictionary_value(view, order.remap[code]).data);
        assert_int_equal(order.codes[order.remap[code] - 1], code);
    }
    assert_int_equal(view->count, in_use);
    for (uint32_t code = 2; code <= view->count; code++)
        assert_true(bytes_compare(dictionary_value(view, code - 1), dictionary_value(view, code)) <
                    0);
    assert_true(dictionary_copy_memory(copy) > 0);
    dictionary_copy_destroy(copy);
    dictionary_order_free(&order);
    buffer_free(&encoded);
}

static void
test_small(void **unused)
{
    (void)unused;
    static const struct bytes values[] = {
        BYTES("b"),         BYTES(""),        BYTES("a"),        BYTES("ab"), BYTES("\0"),
        BYTES("a\0"),       BYTES("a\0\0"),   BYTES("\xff"),     BYTES("A"),  BYTES("abcdefgh"),
        BYTES("abcdefghi"), BYTES("abcdefg"), BYTES("\xc3\xa9"),
    };
    enum {
        COUNT = sizeof values / sizeof *values
    };
    uint8_t used[COUNT + 1];

    check_round(values, 0, NULL);
    for (uint32_t count = 1; count <= COUNT; count++)
        check_round(values, count, NULL);
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned i = 0; i <= COUNT; i++)
            used[i] = next() & 1;
        check_round(values, COUNT, used);
    }
}

/* The worked example of docs/format.md. */
static void
test_vector(void **unused)
{
    (void)unused;
    static const struct bytes values[] = { BYTES("bob"), BYTES("alice"), BYTES("alina"),
                                           BYTES("") };
    static const uint8_t expected[] = "\0\0\0\0\5\3\2\0\3alicenabob";
    const struct bytes *chunks[1];
    struct dictionary dictionary = dictionary_over(values, 4, chunks);
    struct dictionary_order order = { 0 };
    struct buffer encoded = { 0 };
    assert_int_equal(dictionary_sort(&dictionary, NULL, &order, NULL), TALLY_OK);
    assert_int_equal(dictionary_encode(workspace, &dictionary, &order, &encoded, NULL), TALLY_OK);
    assert_int_equal(encoded.size, sizeof expected - 1);
    assert_memory_equal(encoded.data, expected, sizeof expected - 1);
    dictionary_order_free(&order);
    buffer_free(&encoded);
}

static void
test_large(void **unused)
{
    (void)unused;
    enum {
        COUNT = 20000
    };
    char(*texts)[32] = malloc(COUNT * sizeof *texts);
    struct bytes *values = malloc(COUNT * sizeof *values);
    for (uint32_t i = 0; i < COUNT; i++) {
        /* Multiplying by an odd number shuffles without repeating. */
        uint32_t shuffled = i * 2654435761u;
        int size = snprintf(texts[i], sizeof texts[i], "user-%u@example.com", shuffled);
        values[i] = bytes_of(texts[i], (size_t)size);
    }
    check_round(values, COUNT, NULL);
    free(values);
    free(texts);
}

static void
test_bounds(void **unused)
{
    (void)unused;
    static const struct bytes values[] = { BYTES("b"), BYTES("d"), BYTES("f") };
    const struct bytes *chunks[1];
    struct dictionary dictionary = dictionary_over(values, 3, chunks);
    static const struct {
        const char *value;
        uint32_t bound, code;
    } rows[] = {
        { "a", 0, 0 }, { "b", 0, 1 }, { "c", 1, 0 }, { "d", 1, 2 },
        { "e", 2, 0 }, { "f", 2, 3 }, { "g", 3, 0 }, { "", 0, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes value = bytes_text(rows[i].value);
        assert_int_equal(dictionary_lower_bound(&dictionary, value), rows[i].bound);
        assert_int_equal(dictionary_find(&dictionary, value), rows[i].code);
    }
}

static void
test_damage(void **unused)
{
    (void)unused;
    static const struct {
        const char *bytes;
        size_t size;
        uint32_t count;
        tally_status status;
    } rows[] = {
        { "", 0, 0, TALLY_OK },
        { "", 0, 1, TALLY_DAMAGED },                           /* values, but no bytes */
        { "\0", 1, 0, TALLY_DAMAGED },                         /* bytes, but no values */
        { "\0\0\1\0\1ab", 7, 2, TALLY_OK },                    /* a, b */
        { "\0\0\1\0\1ba", 7, 2, TALLY_DAMAGED },               /* b, a: do not ascend */
        { "\0\0\1\0\1aa", 7, 2, TALLY_DAMAGED },               /* a, a */
        { "\0\0\1\1\0a", 6, 2, TALLY_DAMAGED },                /* a, then a and nothing */
        { "\0\0\1\1\1ab", 7, 2, TALLY_OK },                    /* a, ab */
        { "\0\0\1\2\1ab", 7, 2, TALLY_DAMAGED },               /* shares more than there is */
        { "\0\1\1ab", 5, 1, TALLY_DAMAGED },                   /* the first shares */
        { "\0\0\1ab", 5, 1, TALLY_DAMAGED },                   /* a byte too many */
        { "\0\0\2a", 4, 1, TALLY_DAMAGED },                    /* a byte too few */
        { "\0\0\x81\0a", 5, 1, TALLY_DAMAGED },                /* 1 in two bytes */
        { "\0\0\xff\xff\xff\xff\xff\1", 8, 1, TALLY_DAMAGED }, /* a length of too many bytes */
        { "\0\0\0", 3, 1, TALLY_OK },                          /* the empty value */
        { "\0\0\0\0\0", 5, 2, TALLY_DAMAGED },                 /* twice */
        { "\3\0\1a", 4, 1, TALLY_DAMAGED },                    /* an unknown method */
        { "\1\0\1a", 4, 1, TALLY_DAMAGED },                    /* not a frame */
        { "\0\0\1a", 4, 2, TALLY_DAMAGED },                    /* fewer values than said */
        { "\0\0\1a", 4, UINT32_MAX, TALLY_DAMAGED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dictionary_copy *copy = NULL;
        tally_status status = dictionary_decode(workspace, bytes_of(rows[i].bytes, rows[i].size),
                                                rows[i].count, &copy, NULL);
        if (status != rows[i].status)
            fail_msg("row %zu gave %d", i, status);
        assert_int_equal(copy != NULL, status == TALLY_OK);
        dictionary_copy_destroy(copy);
    }
}

/* Sixty thousand values that each repeat a mebibyte would be 60 GiB of text. */
static void
test_bomb(void **unused)
{
    (void)unused;
    enum {
        COUNT = 60000
    };
    struct buffer encoded = { 0 };
    struct dictionary_copy *copy = NULL;
    struct tally_error error;

    buffer_byte(&encoded, 0);
    buffer_append(&encoded, "\0\xfc\xff\x3f", 4); /* 1,048,572 bytes */
    for (unsigned i = 1; i < COUNT; i++)
        buffer_append(&encoded, "\xfc\xff\x3f\1", 4);
    buffer_zeros(&encoded, 1048572 + COUNT - 1);
    assert_int_equal(dictionary_decode(workspace, buffer_view(&encoded), COUNT, &copy, &error),
                     TALLY_DAMAGED);
    buffer_free(&encoded);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),  cmocka_unit_test(test_vector), cmocka_unit_test(test_large),
        cmocka_unit_test(test_bounds), cmocka_unit_test(test_damage), cmocka_unit_test(test_bomb),
    };
    return cmocka_run_group_tests(tests, open_workspace, close_workspace);
}
