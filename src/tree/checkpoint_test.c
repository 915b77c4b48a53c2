#include "tally/checkpoint.h"

#include "bytes.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* base64 of SHA-256 of nothing, and of 32 zero bytes. */
#define EMPTY "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static struct tally_signer
make_signer(const char *name)
{
    static const uint8_t seed[TALLY_SEED_SIZE] = { 42 };
    struct tally_signer signer;
    assert_int_equal(tally_signer_init(name, seed, &signer, NULL), TALLY_OK);
    return signer;
}

static void
texts_are_judged(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
        const char *why;
    } rows[] = {
        { "o\n1\n" ZEROS "\n", true, "three lines" },
        { "o\n0\n" EMPTY "\n", true, "the empty tree" },
        { "an origin with + and spaces\n1\n" ZEROS "\n", true, "an origin is any line" },
        { "o\n1\n" ZEROS "\nmore\nand more\n", true, "extension lines" },
        { "o\n9223372036854775807\n" ZEROS "\n", true, "the largest size" },
        { "o\n9223372036854775808\n" ZEROS "\n", false, "beyond the largest size" },
        { "o\n18446744073709551617\n" ZEROS "\n", false, "1 after 64 bits overflow" },
        { "o\n0\n" ZEROS "\n", false, "not the empty tree's root" },
        { "o\n01\n" ZEROS "\n", false, "a leading zero" },
        { "o\n00\n" EMPTY "\n", false, "two zeros" },
        { "o\n+1\n" ZEROS "\n", false, "a sign" },
        { "o\n1 \n" ZEROS "\n", false, "a space" },
        { "o\n\n" ZEROS "\n", false, "no size" },
        { "\n1\n" ZEROS "\n", false, "no origin" },
        { "o\n1\n\n", false, "no root" },
        { "o\n1\n" ZEROS "=\n", false, "a root with too much padding" },
        { "o\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n", false, "stray bits in the root" },
        { "o\n1\nAAAA\n", false, "a short root" },
        { "o\n1\n" ZEROS "AAAA\n", false, "a long root" },
        { "o\n1\n" ZEROS, false, "no final newline" },
        { "o\n1\n", false, "two lines" },
        { "", false, "nothing" },
        { "o\n1\n" ZEROS "\n\n", false, "an empty extension line" },
        { "o\n1\n" ZEROS "\nmore\n\nmore\n", false, "an empty extension line inside" },
        { "o\n1\n" ZEROS "\nmore", false, "an extension line without newline" },
        { "o\r\n1\n" ZEROS "\n", false, "a carriage return" },
        { "\xff\n1\n" ZEROS "\n", false, "an origin that is not UTF-8" },
        { "o\n1\n" ZEROS "\n\xff\n", false, "an extension that is not UTF-8" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tally_checkpoint checkpoint;
        size_t size = strlen(rows[i].text);
        tally_status status = tally_checkpoint_parse(rows[i].text, size, &checkpoint, NULL);
        if (status != (rows[i].valid ? TALLY_OK : TALLY_INVALID))
            fail_msg("%s: status %d", rows[i].why, status);
        if (status != TALLY_OK)
            continue;

        char again[TALLY_CHECKPOINT_TEXT_MAX];
        size_t again_size = 0;
        assert_int_equal(tally_checkpoint_format(&checkpoint, again, size, &again_size, NULL),
                         TALLY_OK);
        assert_true(bytes_equal(bytes_of(again, again_size), bytes_of(rows[i].text, size)));
        assert_int_equal(tally_checkpoint_format(&checkpoint, again, size - 1, &again_size, NULL),
                         TALLY_INVALID);
    }
}

static void
members_out_of_their_limits_are_not_written(void **state)
{
    (void)state;
    static char extension[TALLY_CHECKPOINT_TEXT_MAX];
    memset(extension, 'x', sizeof extension);
    extension[sizeof extension - 1] = '\n';
    const struct tally_checkpoint good = { .origin = "o", .size = 1 };
    struct tally_checkpoint rows[7] = { good, good, good, good, good, good, good };
    rows[0].origin[0] = '\0';
    memset(rows[1].origin, 'o', sizeof rows[1].origin); /* no NUL */
    strcpy(rows[2].origin, "two\nlines");
    rows[3].size = TALLY_TREE_SIZE_MAX + 1;
    rows[4].size = 0; /* with a root of zeros */
    rows[5].extension = "no newline";
    rows[5].extension_size = 10;
    rows[6].extension = extension;
    rows[6].extension_size = sizeof extension;

    char text[2 * TALLY_CHECKPOINT_TEXT_MAX];
    size_t size = 77;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (tally_checkpoint_format(&rows[i], text, sizeof text, &size, NULL) != TALLY_INVALID)
            fail_msg("row %zu", i);
    assert_int_equal(size, 77);
    assert_int_equal(tally_checkpoint_format(&good, text, sizeof text, &size, NULL), TALLY_OK);
}

static struct tally_checkpoint
example(const char *origin)
{
    struct tally_checkpoint checkpoint = { .size = 20852163 };
    (void)snprintf(checkpoint.origin, sizeof checkpoint.origin, "%s", origin);
    tally_hash_leaf("some", 4, &checkpoint.root);
    return checkpoint;
}

static void
a_signed_checkpoint_opens_for_its_origin(void **state)
{
    (void)state;
    struct tally_signer signer = make_signer("example.com/log");
    struct tally_checkpoint checkpoint = example("example.com/log"), back;
    char note[TALLY_CHECKPOINT_NOTE_MAX];
    size_t size;
    assert_int_equal(tally_checkpoint_sign(&checkpoint, &signer, note, sizeof note, &size, NULL),
                     TALLY_OK);
    assert_int_equal(tally_checkpoint_open(note, size, &signer.vkey, NULL, &back, NULL), TALLY_OK);
    assert_int_equal(back.size, checkpoint.size);
    assert_true(tally_hash_equal(&back.root, &checkpoint.root));
    assert_string_equal(back.origin, checkpoint.origin);
    assert_null(back.extension);

    struct tally_error error;
    assert_int_equal(
        tally_checkpoint_open(note, size, &signer.vkey, "example.com/other", &back, &error),
        TALLY_DISAGREES);
    assert_non_null(strstr(error.text, "example.com/other"));
    struct tally_signer stranger = make_signer("example.com/stranger");
    assert_int_equal(
        tally_checkpoint_open(note, size, &stranger.vkey, "example.com/log", &back, NULL),
        TALLY_ABSENT);
    struct tally_vkey witness = signer.vkey;
    witness.algorithm = TALLY_COSIGNATURE;
    assert_int_equal(tally_checkpoint_open(note, size, &witness, NULL, &back, NULL), TALLY_INVALID);
}

static void
a_signed_text_need_not_be_a_checkpoint(void **state)
{
    (void)state;
    struct tally_signer signer = make_signer("o");
    struct tally_checkpoint checkpoint;
    char note[512];
    size_t size;
    const char *text = "o\n01\n" ZEROS "\n";
    assert_int_equal(tally_note_sign(text, strlen(text), &signer, note, sizeof note, &size, NULL),
                     TALLY_OK);
    assert_int_equal(tally_checkpoint_open(note, size, &signer.vkey, NULL, &checkpoint, NULL),
                     TALLY_INVALID);
}

static void
every_changed_bit_is_refused(void **state)
{
    (void)state;
    struct tally_signer signer = make_signer("example.com/log");
    struct tally_checkpoint checkpoint = example("example.com/log");
    checkpoint.extension = "an extension line\n";
    checkpoint.extension_size = strlen(checkpoint.extension);
    char note[TALLY_CHECKPOINT_NOTE_MAX];
    size_t size;
    assert_int_equal(tally_checkpoint_sign(&checkpoint, &signer, note, sizeof note, &size, NULL),
                     TALLY_OK);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        struct tally_checkpoint back;
        note[bit / 8] = (char)(note[bit / 8] ^ 1 << bit % 8);
        assert_int_not_equal(tally_checkpoint_open(note, size, &signer.vkey, NULL, &back, NULL),
                             TALLY_OK);
        note[bit / 8] = (char)(note[bit / 8] ^ 1 << bit % 8);
    }
}

static void
every_cut_is_refused(void **state)
{
    (void)state;
    struct tally_signer signer = make_signer("example.com/log");
    struct tally_checkpoint checkpoint = example("example.com/log");
    char note[TALLY_CHECKPOINT_NOTE_MAX];
    size_t size;
    assert_int_equal(tally_checkpoint_sign(&checkpoint, &signer, note, sizeof note, &size, NULL),
                     TALLY_OK);
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(tally_checkpoint_open(note, cut, &signer.vkey, NULL, &checkpoint, NULL),
                         TALLY_INVALID);
}

/* The longest of everything fits the sizes that the header promises. */
static void
the_longest_checkpoint_fits(void **state)
{
    (void)state;
    char name[TALLY_NAME_MAX + 1] = { 0 };
    memset(name, 'n', TALLY_NAME_MAX);
    struct tally_signer signer = make_signer(name);
    struct tally_checkpoint checkpoint = example(name), back;
    checkpoint.size = TALLY_TREE_SIZE_MAX;
    static char extension[TALLY_CHECKPOINT_TEXT_MAX - (TALLY_ORIGIN_MAX + 1 + 19 + 1 + 44 + 1)];
    memset(extension, 'x', sizeof extension);
    extension[sizeof extension - 1] = '\n';
    checkpoint.extension = extension;
    checkpoint.extension_size = sizeof extension;

    char note[TALLY_CHECKPOINT_NOTE_MAX];
    size_t size;
    assert_int_equal(tally_checkpoint_sign(&checkpoint, &signer, note, sizeof note, &size, NULL),
                     TALLY_OK);
    assert_int_equal(size, sizeof note);
    assert_int_equal(tally_checkpoint_open(note, size, &signer.vkey, NULL, &back, NULL), TALLY_OK);
    assert_int_equal(back.extension_size, sizeof extension);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_judged),
        cmocka_unit_test(members_out_of_their_limits_are_not_written),
        cmocka_unit_test(a_signed_checkpoint_opens_for_its_origin),
        cmocka_unit_test(a_signed_text_need_not_be_a_checkpoint),
        cmocka_unit_test(every_changed_bit_is_refused),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(the_longest_checkpoint_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
