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

/* Through table and chunk, without the rest, a code has the value it has in the whole dictionary, and
 * a value its code; a value that is not there has none. */
static void
check_chunks(const struct dictionary *whole, const struct dictionary_table *table,
             struct bytes chunks)
{
    assert_int_equal(table->value_count, whole->count);
    struct dictionary_chunk *chunk = NULL;
    for (uint32_t code = 1; code <= whole->count; code++) {
        struct bytes value = dictionary_value(whole, code);
        uint32_t number = dictionary_chunk_of(code), found;
        if (chunk == NULL || chunk->number != number) {
            free(chunk);
            const struct dictionary_place *place = &table->places[number];
            struct bytes encoded = bytes_of(chunks.data + place->offset, place->size);
            assert_int_equal(
                dictionary_chunk_decode(workspace, table, number, encoded, &chunk, NULL), TALLY_OK);
        }
        assert_true(bytes_equal(chunk->values[code - chunk->first], value));
        struct buffer picked = { 0 };
        const struct dictionary_place *own = &table->places[number];
        assert_int_equal(dictionary_chunk_pick(workspace, table, code,
                                               bytes_of(chunks.data + own->offset, own->size),
                                               &picked, NULL),
                         TALLY_OK);
        assert_true(bytes_equal(buffer_view(&picked), value));
        buffer_free(&picked);
        assert_true(dictionary_table_find(table, value, &found) && found == number);
        assert_int_equal(dictionary_chunk_find(chunk, value), code);

        /* What sorts just behind it, and may begin the next chunk's gap. */
        char next_text[64];
        memcpy(next_text, value.data, value.size);
        next_text[value.size] = '\0';
        struct bytes behind = bytes_of(next_text, value.size + 1);
        if (dictionary_find(whole, behind) == 0 && dictionary_table_find(table, behind, &found))
            assert_true(found == number && dictionary_chunk_find(chunk, behind) == 0);
    }
    free(chunk);
}

/* Sorts, encodes, decodes; every value in use must be found at its new code, and no other. */
static void
check_round(const struct bytes *values, uint32_t count, const uint8_t *used)
{
    const struct bytes *chunks[64];
    struct dictionary dictionary = dictionary_over(values, count, chunks);
    struct dictionary_order order = { 0 };
    struct buffer encoded = { 0 }, encoded_table = { 0 };
    struct dictionary_table *table;
    struct dictionary_copy *copy = NULL;

    assert_int_equal(dictionary_sort(&dictionary, used, &order, NULL), TALLY_OK);
    assert_int_equal(
        dictionary_encode(workspace, &dictionary, &order, &encoded, &encoded_table, NULL),
        TALLY_OK);
    if (order.count == 0) {
        assert_int_equal(encoded.size + encoded_table.size, 0);
        dictionary_order_free(&order);
        return;
    }
    assert_int_equal(dictionary_table_decode(workspace, buffer_view(&encoded_table), order.count,
                                             (uint32_t)encoded.size, &table, NULL),
                     TALLY_OK);
    assert_int_equal(dictionary_decode(workspace, table, buffer_view(&encoded), &copy, NULL),
                     TALLY_OK);
    check_chunks(dictionary_copy_view(copy), table, buffer_view(&encoded));

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
    dictionary_table_destroy(table);
    dictionary_order_free(&order);
    buffer_free(&encoded);
    buffer_free(&encoded_table);
}

/* Values that begin alike, end in zeros, and are told apart at any byte: what sorting by eight bytes at a
 * time could get wrong. */
static void
test_order(void **unused)
{
    enum {
        COUNT = 2000,
        SIZE = 24
    };
    static const char letters[] = { '\0', 'a', 'b', '\xff' };
    static const char *const beginnings[] = { "", "user-", "a rather long beginning, ", "\xff" };
    static char text[COUNT][64];
    static struct bytes values[COUNT];
    (void)unused;
    for (size_t b = 0; b < sizeof beginnings / sizeof *beginnings; b++) {
        size_t shared = strlen(beginnings[b]);
        uint32_t count = 0;
        while (count < COUNT) {
            size_t size = shared + next() % SIZE;
            memcpy(text[count], beginnings[b], shared);
            for (size_t i = shared; i < size; i++)
                text[count][i] = letters[next() % (next() % 4 + 1)]; /* zeros most of all */
            values[count] = bytes_of(text[count], size);
            bool known = false;
            for (uint32_t i = 0; i < count && !known; i++)
                known = bytes_equal(values[i], values[count]);
            count += !known;
        }
        for (count = 0; count < 20; count++)
            check_round(values, count, NULL);
        check_round(values, COUNT, NULL);
    }
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
    static const uint8_t expected_table[] = "\0\x13\0\0\0\x49\x4d\x1c\xbe\0\0";
    const struct bytes *chunks[1];
    struct dictionary dictionary = dictionary_over(values, 4, chunks);
    struct dictionary_order order = { 0 };
    struct buffer encoded = { 0 }, table = { 0 };
    assert_int_equal(dictionary_sort(&dictionary, NULL, &order, NULL), TALLY_OK);
    assert_int_equal(dictionary_encode(workspace, &dictionary, &order, &encoded, &table, NULL),
                     TALLY_OK);
    assert_int_equal(encoded.size, sizeof expected - 1);
    assert_memory_equal(encoded.data, expected, sizeof expected - 1);
    assert_int_equal(table.size, sizeof expected_table - 1);
    assert_memory_equal(table.data, expected_table, sizeof expected_table - 1);
    dictionary_order_free(&order);
    buffer_free(&encoded);
    buffer_free(&table);
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

/* A table, without its method, of one chunk of `size` bytes whose first value is `first`. */
static struct dictionary_table *
table_of_one(uint32_t count, size_t size, struct bytes first)
{
    struct buffer encoded = { 0 };
    struct dictionary_table *table;
    const struct dictionary_place place = { .size = (uint32_t)size };
    assert_int_equal(dictionary_table_encode(workspace, &place, &first, 1, &encoded, NULL),
                     TALLY_OK);
    assert_int_equal(dictionary_table_decode(workspace, buffer_view(&encoded), count,
                                             (uint32_t)size, &table, NULL),
                     TALLY_OK);
    buffer_free(&encoded);
    return table;
}

/* Every value of a chunk is what it is in `whole` when it is picked; of bytes that are no chunk it
 * is some value or a refusal. */
static void
check_picks(const struct dictionary_table *table, struct bytes encoded,
            const struct dictionary_chunk *whole)
{
    uint32_t count = dictionary_chunk_count(table, 0);
    for (uint32_t code = 1; code <= count; code++) {
        struct buffer picked = { 0 };
        tally_status status = dictionary_chunk_pick(workspace, table, code, encoded, &picked, NULL);
        if (whole != NULL) {
            assert_int_equal(status, TALLY_OK);
            assert_true(bytes_equal(buffer_view(&picked), whole->values[code - 1]));
        }
        assert_true(status == TALLY_OK || status == TALLY_DAMAGED);
        buffer_free(&picked);
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
        struct bytes first;
        tally_status status;
    } rows[] = {
        { "\0\0\1\0\1ab", 7, 2, BYTES("a"), TALLY_OK },       /* a, b */
        { "\0\0\1\0\1ab", 7, 2, BYTES("aa"), TALLY_DAMAGED }, /* not what the table says */
        { "\0\0\1\0\1ba", 7, 2, BYTES("b"), TALLY_DAMAGED },  /* b, a: do not ascend */
        { "\0\0\1\0\1aa", 7, 2, BYTES("a"), TALLY_DAMAGED },  /* a, a */
        { "\0\0\1\1\0a", 6, 2, BYTES("a"), TALLY_DAMAGED },   /* a, then a and nothing */
        { "\0\0\1\1\1ab", 7, 2, BYTES("a"), TALLY_OK },       /* a, ab */
        { "\0\0\1\2\1ab", 7, 2, BYTES("a"), TALLY_DAMAGED },  /* shares more than there is */
        { "\0\1\1ab", 5, 1, BYTES("a"), TALLY_DAMAGED },      /* the first shares */
        { "\0\0\1ab", 5, 1, BYTES("a"), TALLY_DAMAGED },      /* a byte too many */
        { "\0\0\2a", 4, 1, BYTES("a"), TALLY_DAMAGED },       /* a byte too few */
        { "\0\0\x81\0a", 5, 1, BYTES("a"), TALLY_DAMAGED },   /* 1 in two bytes */
        { "\0\0\xff\xff\xff\xff\xff\1", 8, 1, BYTES("a"),
          TALLY_DAMAGED },                                /* a length of too many */
        { "\0\0\0", 3, 1, BYTES(""), TALLY_OK },          /* the empty value */
        { "\0\0\0\0\0", 5, 2, BYTES(""), TALLY_DAMAGED }, /* twice */
        { "\3\0\1a", 4, 1, BYTES("a"), TALLY_DAMAGED },   /* an unknown method */
        { "\1\0\1a", 4, 1, BYTES("a"), TALLY_DAMAGED },   /* not a frame */
        { "\0\0\1a", 4, 2, BYTES("a"), TALLY_DAMAGED },   /* fewer values than said */
        { "\0\0\1a", 4, 255, BYTES("a"), TALLY_DAMAGED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dictionary_table *table = table_of_one(rows[i].count, rows[i].size, rows[i].first);
        struct bytes encoded = bytes_of(rows[i].bytes, rows[i].size);
        struct dictionary_copy *copy = NULL;
        struct dictionary_chunk *chunk = NULL;
        tally_status status = dictionary_decode(workspace, table, encoded, &copy, NULL);
        if (status != rows[i].status)
            fail_msg("row %zu gave %d", i, status);
        assert_int_equal(copy != NULL, status == TALLY_OK);
        assert_int_equal(dictionary_chunk_decode(workspace, table, 0, encoded, &chunk, NULL),
                         rows[i].status);
        check_picks(table, encoded, chunk);
        dictionary_copy_destroy(copy);
        dictionary_table_destroy(table);
        free(chunk);
    }
}

/* What is picked is held against the chunk's size and its first value, whichever is asked for. */
static void
test_picks_of_damage(void **unused)
{
    (void)unused;
    static const struct {
        const char *bytes;
        size_t size;
        struct bytes first;
        tally_status status;
    } rows[] = {
        { "\0\0\2\1\1abc", 8, BYTES("ab"), TALLY_OK },       /* ab, ac */
        { "\0\0\2\2\1abc", 8, BYTES("ab"), TALLY_OK },       /* ab, abc */
        { "\0\0\2\1\1abc", 8, BYTES("aa"), TALLY_DAMAGED },  /* not what the table says */
        { "\0\0\2\1\1abcd", 9, BYTES("ab"), TALLY_DAMAGED }, /* a byte too many */
        { "\0\0\2\1\1ab", 7, BYTES("ab"), TALLY_DAMAGED },   /* a byte too few */
        { "\0\0\2\3\1abc", 8, BYTES("ab"), TALLY_DAMAGED },  /* shares more than there is */
        { "\0\1\1\1\1ab", 7, BYTES("a"), TALLY_DAMAGED },    /* the first shares */
        { "\0\0\2\1", 4, BYTES("ab"), TALLY_DAMAGED },       /* no lengths of the second */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dictionary_table *table = table_of_one(2, rows[i].size, rows[i].first);
        struct bytes encoded = bytes_of(rows[i].bytes, rows[i].size);
        for (uint32_t code = 1; code <= 2; code++) {
            struct buffer picked = { 0 };
            tally_status status =
                dictionary_chunk_pick(workspace, table, code, encoded, &picked, NULL);
            if (status != rows[i].status)
                fail_msg("row %zu, code %u gave %d", i, code, status);
            buffer_free(&picked);
        }
        dictionary_table_destroy(table);
    }
}

/* Chunks that are good by themselves, in an order that is not. */
static void
test_chunks_in_disorder(void **unused)
{
    (void)unused;
    struct buffer chunks = { 0 }, encoded = { 0 };
    char texts[2 * DICTIONARY_CHUNK][8];
    struct bytes values[2 * DICTIONARY_CHUNK];
    struct dictionary_place places[2] = { 0 };
    struct dictionary_table *table;
    struct dictionary_copy *copy;
    for (unsigned i = 0; i < 2 * DICTIONARY_CHUNK; i++)
        values[i] = bytes_of(texts[i], (size_t)snprintf(texts[i], sizeof texts[i], "%04u", i));

    /* The second chunk begins behind the first one's first value and before its last. */
    values[DICTIONARY_CHUNK] = bytes_text("00025");
    for (unsigned i = 0; i < 2; i++) {
        size_t start = chunks.size;
        assert_int_equal(dictionary_chunk_encode(workspace, &values[i * DICTIONARY_CHUNK],
                                                 DICTIONARY_CHUNK, &chunks, NULL),
                         TALLY_OK);
        places[i].size = (uint32_t)(chunks.size - start);
    }
    const struct bytes firsts[2] = { values[0], values[DICTIONARY_CHUNK] };
    assert_int_equal(dictionary_table_encode(workspace, places, firsts, 2, &encoded, NULL),
                     TALLY_OK);
    assert_int_equal(dictionary_table_decode(workspace, buffer_view(&encoded), 2 * DICTIONARY_CHUNK,
                                             (uint32_t)chunks.size, &table, NULL),
                     TALLY_OK);
    assert_int_equal(dictionary_decode(workspace, table, buffer_view(&chunks), &copy, NULL),
                     TALLY_DAMAGED);
    dictionary_table_destroy(table);
    buffer_free(&chunks);
    buffer_free(&encoded);
}

static void
test_damaged_tables(void **unused)
{
    (void)unused;
    static const struct {
        const char *bytes;
        size_t size;
        uint32_t count, chunks_size;
        tally_status status;
    } rows[] = {
        { "\0\4\0\0\0cccc\0\1a", 12, 1, 4, TALLY_OK },
        { "\0\4\0\0\0cccc\0\1a", 12, 256, 4, TALLY_OK },
        { "\0\4\0\0\0cccc\0\1a", 12, 257, 4, TALLY_DAMAGED }, /* one chunk too few */
        { "\0\4\0\0\0cccc\0\1a", 12, 1, 5, TALLY_DAMAGED },   /* bytes of no chunk */
        { "\0\4\0\0\0cccc\0\1a", 12, 1, 3, TALLY_DAMAGED },   /* beyond the chunks */
        { "\0\0\0\0\0cccc\0\1a", 12, 1, 0, TALLY_DAMAGED },   /* a chunk of no bytes */
        { "\0\4\0\0\0cccc\0\2a", 12, 1, 4, TALLY_DAMAGED },   /* no first value */
        { "\0\4\0\0\0cccc\0\1ab", 13, 1, 4, TALLY_DAMAGED },  /* bytes left over */
        { "\0\4\0\0\0ccc", 8, 1, 4, TALLY_DAMAGED },          /* cut */
        { "", 0, 1, 0, TALLY_DAMAGED },
        { "\0\4\0\0\0cccc\0\1a", 12, UINT32_MAX, 4, TALLY_DAMAGED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct dictionary_table *table = NULL;
        tally_status status =
            dictionary_table_decode(workspace, bytes_of(rows[i].bytes, rows[i].size), rows[i].count,
                                    rows[i].chunks_size, &table, NULL);
        if (status != rows[i].status)
            fail_msg("row %zu gave %d", i, status);
        dictionary_table_destroy(table);
    }
}

/* Chunks of 256 values that each repeat a mebibyte: three of them are beyond what is read. */
static void
test_bomb(void **unused)
{
    (void)unused;
    struct buffer chunks = { 0 }, encoded = { 0 };
    struct dictionary_place places[3] = { 0 };
    struct bytes firsts[3];
    struct dictionary_table *table;
    struct dictionary_copy *copy = NULL;
    struct tally_error error;
    static uint8_t texts[3][1048572];

    for (unsigned i = 0; i < 3; i++) {
        size_t start = chunks.size;
        texts[i][0] = (uint8_t)i;
        firsts[i] = bytes_of(texts[i], sizeof texts[i]);
        buffer_byte(&chunks, 0);
        buffer_append(&chunks, "\0\xfc\xff\x3f", 4);
        for (unsigned k = 1; k < DICTIONARY_CHUNK; k++)
            buffer_append(&chunks, "\xfc\xff\x3f\1", 4);
        buffer_bytes(&chunks, firsts[i]);
        for (unsigned k = 1; k < DICTIONARY_CHUNK; k++)
            buffer_byte(&chunks, (uint8_t)k);
        places[i].size = (uint32_t)(chunks.size - start);
    }
    assert_int_equal(dictionary_table_encode(workspace, places, firsts, 3, &encoded, NULL),
                     TALLY_OK);
    assert_int_equal(dictionary_table_decode(workspace, buffer_view(&encoded), 3 * DICTIONARY_CHUNK,
                                             (uint32_t)chunks.size, &table, NULL),
                     TALLY_OK);
    assert_int_equal(dictionary_decode(workspace, table, buffer_view(&chunks), &copy, &error),
                     TALLY_DAMAGED);
    dictionary_table_destroy(table);
    buffer_free(&chunks);
    buffer_free(&encoded);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),          cmocka_unit_test(test_vector),
        cmocka_unit_test(test_large),          cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_damage),         cmocka_unit_test(test_bomb),
        cmocka_unit_test(test_damaged_tables), cmocka_unit_test(test_chunks_in_disorder),
        cmocka_unit_test(test_order),          cmocka_unit_test(test_picks_of_damage),
    };
    return cmocka_run_group_tests(tests, open_workspace, close_workspace);
}
