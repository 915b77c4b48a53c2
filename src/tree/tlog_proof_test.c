#include "tally/tlog_proof.h"

#include "bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define LEAVES 300

static struct tally_hash leaves[LEAVES];
static struct tally_signer signer;

static tally_status
read_hash(void *context, unsigned level, uint64_t index, struct tally_hash *hash_out,
          struct tally_error *error)
{
    (void)context;
    (void)error;
    struct tally_tree tree;
    tally_tree_init(&tree);
    for (uint64_t i = index << level; i < (index + 1) << level; i++)
        tally_tree_append(&tree, &leaves[i]);
    tally_tree_root(&tree, hash_out);
    return TALLY_OK;
}

static int
make_trail(void **state)
{
    (void)state;
    static const uint8_t seed[TALLY_SEED_SIZE] = { 1, 2, 3 };
    for (unsigned i = 0; i < LEAVES; i++)
        tally_hash_leaf(&i, sizeof i, &leaves[i]);
    return tally_signer_init("example.com/trail", seed, &signer, NULL) == TALLY_OK ? 0 : -1;
}

struct evidence {
    char checkpoint[TALLY_CHECKPOINT_NOTE_MAX];
    char text[TALLY_TLOG_PROOF_SIZE(TALLY_CHECKPOINT_NOTE_MAX) + 256];
    size_t size;
};

static void
make_evidence(uint64_t index, uint64_t size, struct bytes extra, struct evidence *evidence)
{
    struct tally_tree tree;
    struct tally_checkpoint checkpoint = { .origin = "example.com/trail", .size = size };
    struct tally_tlog_proof file = {
        .index = index,
        .extra = extra.data,
        .extra_size = extra.size,
        .checkpoint = evidence->checkpoint,
    };
    assert_int_equal(tally_tree_read(size, read_hash, NULL, &tree, NULL), TALLY_OK);
    tally_tree_root(&tree, &checkpoint.root);
    assert_int_equal(tally_checkpoint_sign(&checkpoint, &signer, evidence->checkpoint,
                                           sizeof evidence->checkpoint, &file.checkpoint_size,
                                           NULL),
                     TALLY_OK);
    assert_int_equal(tally_inclusion_prove(index, size, read_hash, NULL, &file.proof, NULL),
                     TALLY_OK);
    assert_int_equal(tally_tlog_proof_format(&file, evidence->text, sizeof evidence->text,
                                             &evidence->size, NULL),
                     TALLY_OK);
}

static tally_status
check(const char *text, size_t size, uint64_t leaf)
{
    struct tally_tlog_proof_expected expected = { .leaf = leaves[leaf], .vkey = &signer.vkey };
    struct tally_checkpoint checkpoint;
    uint64_t index;
    return tally_tlog_proof_check(text, size, &expected, &index, &checkpoint, NULL);
}

static void
evidence_holds_for_its_entry_and_no_other(void **state)
{
    (void)state;
    struct evidence evidence;
    for (uint64_t index = 0; index < 13; index++) {
        make_evidence(index, 13, bytes_of(NULL, 0), &evidence);
        for (uint64_t leaf = 0; leaf < 13; leaf++)
            assert_int_equal(check(evidence.text, evidence.size, leaf),
                             leaf == index ? TALLY_OK : TALLY_DISAGREES);
    }
}

static void
a_check_says_what_was_proved(void **state)
{
    (void)state;
    struct evidence evidence;
    make_evidence(77, 299, bytes_of(NULL, 0), &evidence);
    struct tally_tlog_proof_expected expected = { .leaf = leaves[77], .vkey = &signer.vkey };
    struct tally_checkpoint checkpoint = { .size = 5 };
    struct tally_error error;
    uint64_t index = 5;

    expected.origin = "example.com/other";
    assert_int_equal(tally_tlog_proof_check(evidence.text, evidence.size, &expected, &index,
                                            &checkpoint, &error),
                     TALLY_DISAGREES);
    struct tally_vkey stranger = signer.vkey;
    stranger.id++;
    expected = (struct tally_tlog_proof_expected){ .leaf = leaves[77], .vkey = &stranger };
    assert_int_equal(tally_tlog_proof_check(evidence.text, evidence.size, &expected, &index,
                                            &checkpoint, &error),
                     TALLY_ABSENT);
    assert_int_equal(index, 5);
    assert_int_equal(checkpoint.size, 5);

    expected.vkey = &signer.vkey;
    assert_int_equal(tally_tlog_proof_check(evidence.text, evidence.size, &expected, &index,
                                            &checkpoint, &error),
                     TALLY_OK);
    assert_int_equal(index, 77);
    assert_int_equal(checkpoint.size, 299);
}

static void
flip_every_bit(uint64_t index, uint64_t size)
{
    struct evidence evidence;
    make_evidence(index, size, bytes_of(NULL, 0), &evidence);
    assert_int_equal(check(evidence.text, evidence.size, index), TALLY_OK);
    for (size_t bit = 0; bit < 8 * evidence.size; bit++) {
        char *byte = &evidence.text[bit / 8];
        *byte = (char)(*byte ^ 1 << bit % 8);
        assert_int_not_equal(check(evidence.text, evidence.size, index), TALLY_OK);
        *byte = (char)(*byte ^ 1 << bit % 8);
    }
}

static void
every_changed_bit_is_refused(void **state)
{
    (void)state;
    flip_every_bit(0, 1);
    flip_every_bit(1, 2);
    flip_every_bit(4, 5);
    flip_every_bit(3, 8);
    flip_every_bit(170, 299);
}

static void
every_cut_is_refused(void **state)
{
    (void)state;
    struct evidence evidence;
    make_evidence(3, 7, bytes_of(NULL, 0), &evidence);
    for (size_t cut = 0; cut < evidence.size; cut++)
        assert_int_equal(check(evidence.text, cut, 3), TALLY_INVALID);
}

static void
extra_bytes_come_back_and_prove_nothing(void **state)
{
    (void)state;
    static uint8_t extra[TALLY_TLOG_PROOF_EXTRA_MAX];
    struct evidence evidence;
    struct tally_tlog_proof file;
    make_evidence(3, 7, bytes_text("context"), &evidence);
    assert_int_equal(check(evidence.text, evidence.size, 3), TALLY_OK);
    assert_int_equal(tally_tlog_proof_parse(evidence.text, evidence.size, extra, &file, NULL),
                     TALLY_OK);
    assert_true(bytes_is(bytes_of(file.extra, file.extra_size), "context"));
    assert_int_equal(tally_tlog_proof_parse(evidence.text, evidence.size, NULL, &file, NULL),
                     TALLY_OK);
    assert_null(file.extra);

    char *letter = strstr(evidence.text, "extra ") + 6;
    *letter = *letter == 'A' ? 'B' : 'A';
    assert_int_equal(check(evidence.text, evidence.size, 3), TALLY_OK);
}

static void
extra_bytes_have_a_limit(void **state)
{
    (void)state;
    static uint8_t data[TALLY_TLOG_PROOF_EXTRA_MAX + 1], extra[TALLY_TLOG_PROOF_EXTRA_MAX];
    static char text[128 * 1024];
    struct tally_tlog_proof file = { .checkpoint = "checkpoint\n", .checkpoint_size = 11 }, back;
    size_t size;
    memset(data, 0x5a, sizeof data);
    file.extra = data;
    file.extra_size = TALLY_TLOG_PROOF_EXTRA_MAX;
    assert_int_equal(tally_tlog_proof_format(&file, text, sizeof text, &size, NULL), TALLY_OK);
    assert_int_equal(tally_tlog_proof_parse(text, size, extra, &back, NULL), TALLY_OK);
    assert_true(bytes_equal(bytes_of(back.extra, back.extra_size),
                            bytes_of(data, TALLY_TLOG_PROOF_EXTRA_MAX)));
    file.extra_size++;
    assert_int_equal(tally_tlog_proof_format(&file, text, sizeof text, &size, NULL), TALLY_INVALID);
}

#define HASH "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

static void
malformed_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
        const char *why;
    } rows[] = {
        { "c2sp.org/tlog-proof@v1\nindex 0\n\nc\n", true, "the shortest" },
        { "c2sp.org/tlog-proof@v1\nextra QQ==\nindex 0\n" HASH "\nc\n", true, "all of it" },
        { "c2sp.org/tlog-proof@v1\nindex 9223372036854775806\n\nc\n", true, "the last index" },
        { "c2sp.org/tlog-proof@v1\nindex 9223372036854775807\n\nc\n", false, "beyond it" },
        { "c2sp.org/tlog-proof@v2\nindex 0\n\nc\n", false, "another version" },
        { "c2sp.org/tlog-proof@v1\nindex 00\n\nc\n", false, "a leading zero" },
        { "c2sp.org/tlog-proof@v1\nindex\n\nc\n", false, "no index" },
        { "c2sp.org/tlog-proof@v1\nindex 0 \n\nc\n", false, "a space" },
        { "c2sp.org/tlog-proof@v1\nextra \nindex 0\n\nc\n", false, "extra without bytes" },
        { "c2sp.org/tlog-proof@v1\nextra QR==\nindex 0\n\nc\n", false, "stray bits" },
        { "c2sp.org/tlog-proof@v1\nindex 0\nextra QQ==\n\nc\n", false, "extra behind the index" },
        { "c2sp.org/tlog-proof@v1\nextra QQ==\nextra QQ==\nindex 0\n\nc\n", false, "extra twice" },
        { "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nc\n", false, "a short hash" },
        { "c2sp.org/tlog-proof@v1\nindex 0\n" HASH "c\n", false, "no empty line" },
        { "c2sp.org/tlog-proof@v1\nindex 0\n\n", false, "no checkpoint" },
        { "c2sp.org/tlog-proof@v1\nindex 0\n\nc", false, "no final newline" },
        { "c2sp.org/tlog-proof@v1\r\nindex 0\n\nc\n", false, "a carriage return" },
        { "", false, "nothing" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tally_tlog_proof file;
        tally_status status =
            tally_tlog_proof_parse(rows[i].text, strlen(rows[i].text), NULL, &file, NULL);
        if (status != (rows[i].valid ? TALLY_OK : TALLY_INVALID))
            fail_msg("%s: status %d", rows[i].why, status);
    }
}

static void
a_proof_has_so_many_hashes(void **state)
{
    (void)state;
    static char text[8192];
    struct tally_tlog_proof file = { .checkpoint = "c\n", .checkpoint_size = 2 }, back;
    size_t size;
    file.proof.count = TALLY_PROOF_MAX;
    assert_int_equal(tally_tlog_proof_format(&file, text, TALLY_TLOG_PROOF_SIZE(2), &size, NULL),
                     TALLY_OK);
    assert_int_equal(tally_tlog_proof_parse(text, size, NULL, &back, NULL), TALLY_OK);
    assert_int_equal(back.proof.count, TALLY_PROOF_MAX);

    /* One more by hand. */
    memmove(text + size - 3 + 45, text + size - 3, 3);
    memcpy(text + size - 3, HASH, 45);
    assert_int_equal(tally_tlog_proof_parse(text, size + 45, NULL, &back, NULL), TALLY_INVALID);
    file.proof.count++;
    assert_int_equal(tally_tlog_proof_format(&file, text, sizeof text, &size, NULL), TALLY_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_holds_for_its_entry_and_no_other),
        cmocka_unit_test(a_check_says_what_was_proved),
        cmocka_unit_test(every_changed_bit_is_refused),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(extra_bytes_come_back_and_prove_nothing),
        cmocka_unit_test(extra_bytes_have_a_limit),
        cmocka_unit_test(malformed_files_are_refused),
        cmocka_unit_test(a_proof_has_so_many_hashes),
    };
    return cmocka_run_group_tests(tests, make_trail, NULL);
}
