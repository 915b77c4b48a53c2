#include "hash_many.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
check(const struct hash_text *texts, size_t count)
{
    struct tally_hash *hashes = malloc((count + 1) * sizeof *hashes);
    memset(hashes, 0xaa, (count + 1) * sizeof *hashes);
    hash_many(texts, count, hashes);
    for (size_t i = 0; i < count; i++) {
        const struct tally_piece pieces[] = { { texts[i].prefix, texts[i].prefix_size },
                                              { texts[i].data, texts[i].size } };
        struct tally_hash expected;
        tally_hash_pieces(pieces, 2, &expected);
        if (!tally_hash_equal(&expected, &hashes[i]))
            fail_msg("text %zu of %zu: %zu bytes behind %zu", i, count, texts[i].size,
                     texts[i].prefix_size);
    }
    for (size_t i = 0; i < TALLY_HASH_SIZE; i++)
        assert_int_equal(hashes[count].bytes[i], 0xaa);
    free(hashes);
}

static const uint8_t *
some_bytes(size_t size)
{
    uint8_t *bytes = malloc(size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 131 + (i >> 8));
    return bytes;
}

/* Every prefix with every size around the borders of the first blocks, in both lanes. */
static void
every_border(void **state)
{
    (void)state;
    const uint8_t *bytes = some_bytes(1024);
    for (size_t prefix = 0; prefix <= HASH_PREFIX_MAX; prefix++) {
        for (size_t size = 0; size <= 200; size++) {
            const struct hash_text texts[2] = {
                { bytes, prefix, bytes + 64, size },
                { bytes + 1, HASH_PREFIX_MAX - prefix, bytes + 65, 200 - size },
            };
            check(texts, 2);
        }
    }
    free((void *)(uintptr_t)bytes);
}

/* The same in sixteen lanes. */
static void
every_border_widely(void **state)
{
    (void)state;
    enum {
        MOST = 200
    };
    const uint8_t *bytes = some_bytes(1024);
    struct hash_text texts[MOST];
    for (size_t prefix = 0; prefix <= HASH_PREFIX_MAX; prefix++) {
        for (size_t size = 0; size < MOST; size++)
            texts[size] = (struct hash_text){ bytes, prefix, bytes + 64 + size, size };
        check(texts, MOST);
    }
    free((void *)(uintptr_t)bytes);
}

/* Texts of all sizes mixed, so that lanes meet at different places; none, one, an odd number. */
static void
many_of_all_sizes(void **state)
{
    (void)state;
    enum {
        MOST = 300
    };
    const uint8_t *bytes = some_bytes(100000);
    struct hash_text texts[MOST];
    srand(7);
    for (size_t i = 0; i < MOST; i++) {
        size_t size = (size_t)rand() % (i % 17 == 0 ? 70000 : 900);
        texts[i] = (struct hash_text){ bytes, (size_t)rand() % 64, bytes + rand() % 30000, size };
    }
    static const size_t counts[] = { 0, 1, 2, 3, 15, 16, 17, 31, 40, MOST };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        check(texts, counts[i]);
    free((void *)(uintptr_t)bytes);
}

static void
pairs_are_nodes(void **state)
{
    (void)state;
    enum {
        MOST = 100
    };
    struct tally_hash hashes[2 * MOST], nodes[MOST + 1];
    srand(11);
    for (size_t i = 0; i < sizeof hashes; i++)
        ((uint8_t *)hashes)[i] = (uint8_t)rand();
    for (size_t count = 0; count <= MOST; count++) {
        memset(nodes, 0xaa, sizeof nodes);
        hash_pairs(hashes, count, nodes);
        for (size_t i = 0; i < count; i++) {
            struct tally_hash expected;
            tally_hash_node(&hashes[2 * i], &hashes[2 * i + 1], &expected);
            assert_true(tally_hash_equal(&expected, &nodes[i]));
        }
        assert_int_equal(nodes[count].bytes[0], 0xaa);
    }
}

static void
a_text_may_be_nothing(void **state)
{
    (void)state;
    const struct hash_text nothing = { NULL, 0, NULL, 0 };
    check(&nothing, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_border),          cmocka_unit_test(every_border_widely),
        cmocka_unit_test(many_of_all_sizes),     cmocka_unit_test(pairs_are_nodes),
        cmocka_unit_test(a_text_may_be_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
