/*
 * member_index_test.c - a block that has a token is always found, and few others are.
 *
 * The oracle is the list itself. Tokens are random, or crowded into a few fingerprints, as somebody
 * would choose them who wants to make lookups slow.
 */
#include "member_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t
next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t mixed = (*state ^ *state >> 31) * UINT64_C(0x9fb21c651e98df25);
    return mixed ^ mixed >> 29;
}

static void
add(struct member_list *list, uint64_t token, uint32_t block)
{
    assert_int_equal(member_list_add(list, block, &token, 1, NULL), TALLY_OK);
}

/* Where a token may be, by the bytes of its bucket. */
static struct places
find(const struct member_index *index, uint64_t token)
{
    struct places places = { 0 };
    struct buffer bucket = { 0 };
    member_index_encode(index, member_bucket_of(&index->shape, token), &bucket);
    assert_true(member_bucket_find(&index->shape, buffer_view(&bucket), token, &places));
    buffer_free(&bucket);
    return places;
}

static unsigned
blocks_of(const struct places *places)
{
    unsigned count = 0;
    for (unsigned page = 0; page < PLACES_PAGES; page++)
        count += (unsigned)__builtin_popcount(places->blocks[page]);
    return count;
}

static struct member_index
make(const struct member_list *list, unsigned pages)
{
    struct member_index index;
    assert_int_equal(member_index_make(list, pages, &index, NULL), TALLY_OK);
    assert_true(member_shape_valid(&index.shape));
    return index;
}

/* Tokens as a segment has them: most stand in one block, some in many. */
static void
fill(struct member_list *list, size_t count, unsigned pages, unsigned low_bits, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t token = next(&seed);
        if (low_bits > 0)
            token &= (UINT64_C(1) << low_bits) - 1;
        size_t times = i % 50 == 0 ? 40 : i % 10 == 0 ? 3 : 1;
        for (size_t k = 0; k < times; k++)
            add(list, token, (uint32_t)(next(&seed) % (pages * PLACES_BLOCKS)));
    }
}

static void
blocks_that_have_a_token_are_found(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        unsigned pages, low_bits;
        const char *why;
    } rows[] = {
        { 0, 1, 0, "nothing" },
        { 1, 1, 0, "one" },
        { 300, 1, 0, "one page" },
        { 3000, 16, 0, "one quarter" },
        { 3000, 17, 0, "the first page of the next" },
        { 60000, 64, 0, "a whole segment" },
        { 2000, 40, 48, "all of one fingerprint" },
        { 20000, 64, 54, "of some" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct member_list list = { 0 };
        fill(&list, rows[i].count, rows[i].pages, rows[i].low_bits, i);
        struct member_index index = make(&list, rows[i].pages);
        for (size_t k = 0; k < list.count; k += 1 + list.count / 2000) {
            struct places places = find(&index, list.tokens[k]);
            unsigned page = list.blocks[k] / PLACES_BLOCKS;
            if ((places.blocks[page] >> list.blocks[k] % PLACES_BLOCKS & 1) == 0)
                fail_msg("%s: token %zu is missed", rows[i].why, k);
            for (page = rows[i].pages; page < PLACES_PAGES; page++)
                assert_int_equal(places.blocks[page], 0);
        }
        member_index_free(&index);
        member_list_free(&list);
    }
}

static void
few_others_are(void **state)
{
    (void)state;
    struct member_list list = { 0 };
    uint64_t seed = 99;
    size_t found = 0;
    fill(&list, 100000, 64, 0, 7);
    struct member_index index = make(&list, 64);
    for (unsigned i = 0; i < 1000; i++) {
        struct places places = find(&index, next(&seed));
        found += blocks_of(&places);
    }
    assert_in_range(found, 1000, 8000);

    /* Ten bits an item, and a little for items that stand twice. */
    struct buffer bytes = { 0 };
    for (uint32_t i = 0; i < UINT32_C(1) << index.shape.bucket_bits; i++)
        member_index_encode(&index, i, &bytes);
    assert_in_range(bytes.size * 8, index.count * 9, index.count * 11);
    buffer_free(&bytes);
    member_index_free(&index);
    member_list_free(&list);
}

/* One or two blocks of a page are told apart, more are all of it; who adds one twice adds it once.
 */
static void
frequent_members_have_the_page(void **state)
{
    (void)state;
    static const struct {
        uint32_t blocks[5];
        size_t count;
        uint16_t expected;
    } rows[] = {
        { { 3 }, 1, 1 << 3 },
        { { 3, 3, 3, 3 }, 4, 1 << 3 },
        { { 9, 3, 9 }, 3, 1 << 3 | 1 << 9 },
        { { 0, 7, 15 }, 3, UINT16_MAX },
        { { 15, 1, 2, 3, 15 }, 5, UINT16_MAX },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (unsigned page = 0; page < PLACES_PAGES; page += 21) {
            struct member_list list = { 0 };
            uint64_t token = UINT64_C(0x123456789abcdef0);
            for (size_t k = 0; k < rows[i].count; k++)
                add(&list, token, page * PLACES_BLOCKS + rows[i].blocks[k]);
            add(&list, token, (page == 0 ? 1u : page - 1) * PLACES_BLOCKS + 5);
            struct member_index index = make(&list, PLACES_PAGES);
            struct places places = find(&index, token);
            assert_int_equal(places.blocks[page], rows[i].expected);
            assert_int_equal(places.blocks[page == 0 ? 1 : page - 1], 1 << 5);
            assert_int_equal(places_pages(&places) & ~(UINT64_C(3) << (page == 0 ? 0 : page - 1)),
                             0);
            member_index_free(&index);
            member_list_free(&list);
        }
    }
}

/* Equal contents have equal bytes, in whatever order they come. */
static void
order_does_not_matter(void **state)
{
    (void)state;
    struct member_list list = { 0 }, reversed = { 0 };
    struct buffer bytes[2] = { 0 };
    fill(&list, 5000, 20, 0, 3);
    for (size_t i = list.count; i > 0; i--)
        add(&reversed, list.tokens[i - 1], list.blocks[i - 1]);
    struct member_index indexes[2] = { make(&list, 20), make(&reversed, 20) };
    for (unsigned k = 0; k < 2; k++)
        for (uint32_t i = 0; i < UINT32_C(1) << indexes[k].shape.bucket_bits; i++)
            member_index_encode(&indexes[k], i, &bytes[k]);
    assert_true(bytes_equal(buffer_view(&bytes[0]), buffer_view(&bytes[1])));
    for (unsigned k = 0; k < 2; k++) {
        member_index_free(&indexes[k]);
        buffer_free(&bytes[k]);
    }
    member_list_free(&list);
    member_list_free(&reversed);
}

/* Bytes that lie: of another size, or changed, they are refused or tell of other blocks. */
static void
bytes_that_are_no_bucket_are_refused(void **state)
{
    (void)state;
    struct member_list list = { 0 };
    struct buffer bucket = { 0 };
    struct places places;
    fill(&list, 400, 9, 0, 5);
    struct member_index index = make(&list, 9);
    uint64_t token = list.tokens[17];
    member_index_encode(&index, member_bucket_of(&index.shape, token), &bucket);
    for (size_t size = 0; size < bucket.size; size++) {
        uint8_t *cut = malloc(size + 1); /* exactly as long, so that a step beyond is seen */
        assert_non_null(cut);
        memcpy(cut, bucket.data, size);
        assert_false(member_bucket_find(&index.shape, bytes_of(cut, size), token, &places));
        free(cut);
    }
    buffer_byte(&bucket, 0);
    assert_false(member_bucket_find(&index.shape, buffer_view(&bucket), token, &places));
    bucket.size--;
    for (size_t i = 0; i < bucket.size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bucket.data[i] ^= (uint8_t)(1u << bit);
            bool read = member_bucket_find(&index.shape, buffer_view(&bucket), token, &places);
            (void)read; /* whatever it says, it stays inside */
            bucket.data[i] ^= (uint8_t)(1u << bit);
        }
    }
    buffer_free(&bucket);
    member_index_free(&index);
    member_list_free(&list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_that_have_a_token_are_found),
        cmocka_unit_test(few_others_are),
        cmocka_unit_test(frequent_members_have_the_page),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(bytes_that_are_no_bucket_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
