#include "tally/note.h"

#include "base64.h"
#include "bytes.h"
#include "ed25519.h"
#include "note_key.h"
#include "tally/checkpoint.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TEXT "a line\n\nand another, \xc3\xa9\n"

static struct tally_signer
signer_named(const char *name, uint8_t seed_byte)
{
    uint8_t seed[TALLY_SEED_SIZE];
    memset(seed, seed_byte, sizeof seed);
    struct tally_signer signer;
    assert_int_equal(tally_signer_init(name, seed, &signer, NULL), TALLY_OK);
    return signer;
}

static tally_status
open_with(const char *note, size_t size, const struct tally_signer *signer)
{
    struct tally_note opened;
    return tally_note_open(note, size, &signer->vkey, 1, &opened, NULL);
}

static void
names_are_judged(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool valid;
        const char *why;
    } rows[] = {
        { "example.com/log", true, "a URL without scheme, as recommended" },
        { "\xc3\xa9t\xc3\xa9", true, "letters beyond ASCII" },
        { "\xe2\x80\x94", true, "an em dash is no space" },
        { "", false, "empty" },
        { "a b", false, "space" },
        { "a+b", false, "plus parts the fields of a key" },
        { "a\nb", false, "newline" },
        { "a\x7f", true, "the standard forbids controls below U+0020 only" },
        { "a\x01", false, "control" },
        { "a\xc2\x85", false, "U+0085 next line" },
        { "a\xc2\xa0", false, "U+00A0 no-break space" },
        { "\xe1\x9a\x80", false, "U+1680 ogham space" },
        { "\xe2\x80\x80", false, "U+2000 en quad" },
        { "\xe2\x80\x8a", false, "U+200A hair space" },
        { "\xe2\x80\x8b", true, "U+200B is not White_Space" },
        { "\xe2\x80\xa8", false, "U+2028 line separator" },
        { "\xe2\x80\xaf", false, "U+202F narrow no-break space" },
        { "\xe2\x81\x9f", false, "U+205F mathematical space" },
        { "\xe3\x80\x80", false, "U+3000 ideographic space" },
        { "a\xff", false, "not UTF-8" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (note_name_valid(bytes_text(rows[i].name)) != rows[i].valid)
            fail_msg("%s", rows[i].why);
}

static void
names_have_a_limit(void **state)
{
    (void)state;
    char name[TALLY_NAME_MAX + 2];
    uint8_t seed[TALLY_SEED_SIZE] = { 0 };
    struct tally_signer signer;
    memset(name, 'n', sizeof name);
    name[TALLY_NAME_MAX + 1] = '\0';
    assert_int_equal(tally_signer_init(name, seed, &signer, NULL), TALLY_INVALID);
    name[TALLY_NAME_MAX] = '\0';
    assert_int_equal(tally_signer_init(name, seed, &signer, NULL), TALLY_OK);

    char text[TALLY_VKEY_TEXT_SIZE], secret[TALLY_SIGNER_TEXT_SIZE];
    tally_vkey_format(&signer.vkey, text);
    tally_signer_format(&signer, secret);
    assert_int_equal(strlen(text), TALLY_VKEY_TEXT_SIZE - 1);
    assert_int_equal(strlen(secret), TALLY_SIGNER_TEXT_SIZE - 1);
}

static void
keys_come_back(void **state)
{
    (void)state;
    struct tally_signer signer = signer_named("example.com/log", 7), back;
    struct tally_vkey vkey, vkey_back;
    char text[TALLY_SIGNER_TEXT_SIZE];

    tally_signer_vkey(&signer, &vkey);
    tally_vkey_format(&vkey, text);
    assert_int_equal(tally_vkey_parse(text, strlen(text), &vkey_back, NULL), TALLY_OK);
    assert_true(tally_vkey_equal(&vkey, &vkey_back));

    tally_signer_format(&signer, text);
    assert_int_equal(tally_signer_parse(text, strlen(text), &back, NULL), TALLY_OK);
    assert_true(tally_vkey_equal(&back.vkey, &vkey));
    assert_memory_equal(back.secret, signer.secret, sizeof signer.secret);

    tally_signer_wipe(&back);
    static const struct tally_signer zero;
    assert_memory_equal(&back, &zero, sizeof zero);
}

/* Each byte of a key's text counts: name, id and key are bound to each other. */
static void
every_changed_bit_of_a_key_is_refused(void **state)
{
    (void)state;
    struct tally_signer signer = signer_named("example.com/log", 7);
    char text[TALLY_SIGNER_TEXT_SIZE];
    tally_vkey_format(&signer.vkey, text);
    size_t size = strlen(text);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        struct tally_vkey vkey;
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        tally_status status = tally_vkey_parse(text, size, &vkey, NULL);
        assert_true(status == TALLY_INVALID || status == TALLY_UNSUPPORTED);
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
    }
    tally_signer_format(&signer, text);
    size = strlen(text);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        struct tally_signer back;
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        tally_status status = tally_signer_parse(text, size, &back, NULL);
        assert_true(status == TALLY_INVALID || status == TALLY_UNSUPPORTED);
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
    }
}

static void
every_cut_key_is_refused(void **state)
{
    (void)state;
    struct tally_signer signer = signer_named("example.com/log", 7);
    char text[TALLY_SIGNER_TEXT_SIZE];
    struct tally_vkey vkey;
    struct tally_signer back;
    tally_vkey_format(&signer.vkey, text);
    for (size_t size = 0; size < strlen(text); size++)
        assert_int_equal(tally_vkey_parse(text, size, &vkey, NULL), TALLY_INVALID);
    tally_signer_format(&signer, text);
    for (size_t size = 0; size < strlen(text); size++)
        assert_int_equal(tally_signer_parse(text, size, &back, NULL), TALLY_INVALID);
}

static void
a_signed_note_opens(void **state)
{
    (void)state;
    struct tally_signer signer = signer_named("example.com/log", 1);
    char note[1024];
    size_t size;
    assert_int_equal(tally_note_sign(TEXT, strlen(TEXT), &signer, note, sizeof note, &size, NULL),
                     TALLY_OK);

    struct tally_note opened;
    assert_int_equal(tally_note_open(note, size, &signer.vkey, 1, &opened, NULL), TALLY_OK);
    assert_true(bytes_is(bytes_of(opened.text, opened.text_size), TEXT));
    assert_int_equal(opened.verified, 1);

    /* The buffer's size is exact: one byte less is refused, and nothing is written. */
    char small[1024] = "untouched";
    size_t untouched = 77;
    assert_int_equal(tally_note_sign(TEXT, strlen(TEXT), &signer, small, size, &untouched, NULL),
                     TALLY_OK);
    memset(small, '#', sizeof small);
    untouched = 77;
    assert_int_equal(
        tally_note_sign(TEXT, strlen(TEXT), &signer, small, size - 1, &untouched, NULL),
        TALLY_INVALID);
    assert_int_equal(untouched, 77);
    for (size_t i = 0; i < sizeof small; i++)
        assert_int_equal(small[i], '#');
}

static void
texts_that_no_note_has_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        { "", "empty" },
        { "a", "no final newline" },
        { "a\tb\n", "a tab is a control character" },
        { "a\r\n", "so is a carriage return" },
        { "\xff\n", "not UTF-8" },
        { "\xed\xa0\x80\n", "a surrogate" },
    };
    struct tally_signer signer = signer_named("n", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char note[512];
        size_t size;
        if (tally_note_sign(rows[i].text, strlen(rows[i].text), &signer, note, sizeof note, &size,
                            NULL) != TALLY_INVALID)
            fail_msg("%s", rows[i].why);
    }
}

/* A text may hold what looks like signatures: the last empty line decides. */
static void
the_last_empty_line_parts_the_note(void **state)
{
    (void)state;
    struct tally_signer signer = signer_named("n", 1), other = signer_named("m", 2);
    char inner[1024], outer[2048];
    size_t size;
    assert_int_equal(tally_note_sign("text\n", 5, &signer, inner, sizeof inner, &size, NULL),
                     TALLY_OK);
    size_t inner_size = size;
    assert_int_equal(tally_note_sign(inner, inner_size, &other, outer, sizeof outer, &size, NULL),
                     TALLY_OK);

    assert_int_equal(open_with(outer, size, &signer), TALLY_ABSENT);
    struct tally_note opened;
    assert_int_equal(tally_note_open(outer, size, &other.vkey, 1, &opened, NULL), TALLY_OK);
    assert_true(bytes_equal(bytes_of(opened.text, opened.text_size), bytes_of(inner, inner_size)));
}

static void
signatures_are_added_at_the_end(void **state)
{
    (void)state;
    struct tally_signer signers[3] = { signer_named("a", 1), signer_named("b", 2),
                                       signer_named("a", 3) };
    struct tally_vkey vkeys[3] = { signers[0].vkey, signers[1].vkey, signers[2].vkey };
    char note[1024];
    size_t size;
    assert_int_equal(
        tally_note_sign(TEXT, strlen(TEXT), &signers[0], note, sizeof note, &size, NULL), TALLY_OK);
    struct tally_note opened;
    assert_int_equal(tally_note_open(note, size, vkeys, 3, &opened, NULL), TALLY_OK);
    assert_int_equal(opened.verified, 1);

    /* In place. The third signer shares its name with the first; its id is another. */
    for (size_t i = 1; i < 3; i++)
        assert_int_equal(
            tally_note_add_signature(note, size, &signers[i], note, sizeof note, &size, NULL),
            TALLY_OK);
    assert_int_equal(tally_note_open(note, size, vkeys, 3, &opened, NULL), TALLY_OK);
    assert_int_equal(opened.verified, 7);
    assert_true(bytes_is(bytes_of(opened.text, opened.text_size), TEXT));

    /* To another buffer it comes out the same. */
    struct tally_signer last = signer_named("z", 9);
    char copy[1024];
    size_t copy_size, size_in_place;
    assert_int_equal(
        tally_note_add_signature(note, size, &last, copy, sizeof copy, &copy_size, NULL), TALLY_OK);
    assert_int_equal(
        tally_note_add_signature(note, size, &last, note, sizeof note, &size_in_place, NULL),
        TALLY_OK);
    assert_true(bytes_equal(bytes_of(copy, copy_size), bytes_of(note, size_in_place)));

    size_t before = size;
    assert_int_equal(
        tally_note_add_signature(note, size, &signers[1], note, sizeof note, &size, NULL),
        TALLY_INVALID);
    struct tally_signer fourth = signer_named("d", 4);
    assert_int_equal(tally_note_add_signature(note, size, &fourth, note, size + 8, &size, NULL),
                     TALLY_INVALID);
    assert_int_equal(
        tally_note_add_signature("no note", 7, &fourth, note, sizeof note, &size, NULL),
        TALLY_INVALID);
    assert_int_equal(size, before);
}

static void
notes_hold_so_many_signatures(void **state)
{
    (void)state;
    static char note[64 * 1024];
    size_t size = 0;
    struct tally_signer first = signer_named("n", 0);
    assert_int_equal(tally_note_sign("t\n", 2, &first, note, sizeof note, &size, NULL), TALLY_OK);
    for (unsigned i = 1; i < TALLY_NOTE_SIGNATURES_MAX; i++) {
        struct tally_signer signer = signer_named("n", (uint8_t)i);
        assert_int_equal(
            tally_note_add_signature(note, size, &signer, note, sizeof note, &size, NULL),
            TALLY_OK);
    }
    assert_int_equal(open_with(note, size, &first), TALLY_OK);
    struct tally_signer signer = signer_named("n", 0xff);
    assert_int_equal(tally_note_add_signature(note, size, &signer, note, sizeof note, &size, NULL),
                     TALLY_INVALID);
    /* One more by hand. */
    const char *line = strstr(note, "\n\n") + 2;
    size_t line_size = (size_t)(strchr(line, '\n') + 1 - line);
    memcpy(note + size, line, line_size);
    assert_int_equal(open_with(note, size + line_size, &first), TALLY_INVALID);
}

static void
malformed_notes_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *note;
        const char *why;
    } rows[] = {
        { "", "empty" },
        { "\n", "a newline" },
        { "text\n", "no empty line" },
        { "text\n\n", "no signature" },
        { "\n\xe2\x80\x94 n AAAAAAA=\n", "no text before the empty line" },
        { "text\n\n\xe2\x80\x94 n AAAAAAA=", "no final newline" },
        { "text\n\n- n AAAAAAA=\n", "a hyphen for the em dash" },
        { "text\n\n\xe2\x80\x94n AAAAAAA=\n", "no space behind the dash" },
        { "text\n\n\xe2\x80\x94  AAAAAAA=\n", "no name" },
        { "text\n\n\xe2\x80\x94 n\n", "no signature behind the name" },
        { "text\n\n\xe2\x80\x94 n \n", "an empty signature" },
        { "text\n\n\xe2\x80\x94 n AAAAAA==\n", "an id and nothing else" },
        { "text\n\n\xe2\x80\x94 n AAAAAAB=\n", "base64 with stray bits" },
        { "text\n\n\xe2\x80\x94 n AAAAAAA=A\n", "padding inside" },
        { "text\n\n\xe2\x80\x94 n  AAAAAAA=\n", "two spaces" },
        { "text\n\n\xe2\x80\x94 n AAAAAAA= \n", "a space at the end" },
        { "text\n\n\xe2\x80\x94 a+b AAAAAAA=\n", "a plus in the name" },
        { "text\n\n\xe2\x80\x94 n AAAAAAA=\nmore\n", "a line behind the signatures" },
    };
    struct tally_signer signer = signer_named("n", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (open_with(rows[i].note, strlen(rows[i].note), &signer) != TALLY_INVALID)
            fail_msg("%s", rows[i].why);
    /* The form of the rows is right: */
    const char *good = "text\n\n\xe2\x80\x94 n AAAAAAA=\n";
    assert_int_equal(open_with(good, strlen(good), &signer), TALLY_ABSENT);
}

/* No output is touched, and every single change is noticed: by the signature if it is in the text,
 * by the form or the key's name and id elsewhere. */
static void
every_changed_bit_is_refused(void **state)
{
    (void)state;
    struct tally_signer signer = signer_named("example.com/log", 1);
    char note[1024];
    size_t size;
    assert_int_equal(tally_note_sign(TEXT, strlen(TEXT), &signer, note, sizeof note, &size, NULL),
                     TALLY_OK);
    struct tally_note opened = { .text_size = 99 };
    for (size_t bit = 0; bit < 8 * size; bit++) {
        note[bit / 8] = (char)(note[bit / 8] ^ 1 << bit % 8);
        assert_int_not_equal(tally_note_open(note, size, &signer.vkey, 1, &opened, NULL), TALLY_OK);
        note[bit / 8] = (char)(note[bit / 8] ^ 1 << bit % 8);
    }
    assert_int_equal(opened.text_size, 99);
}

static void
a_bad_signature_by_a_known_key_refuses_the_note(void **state)
{
    (void)state;
    struct tally_signer good = signer_named("good", 1), bad = signer_named("bad", 2);
    char note[1024];
    size_t size;
    assert_int_equal(tally_note_sign(TEXT, strlen(TEXT), &good, note, sizeof note, &size, NULL),
                     TALLY_OK);
    assert_int_equal(tally_note_add_signature(note, size, &bad, note, sizeof note, &size, NULL),
                     TALLY_OK);
    note[size - 6] = note[size - 6] == 'A' ? 'B' : 'A';

    const struct tally_vkey vkeys[] = { good.vkey, bad.vkey };
    struct tally_note opened;
    struct tally_error error;
    assert_int_equal(tally_note_open(note, size, vkeys, 2, &opened, &error), TALLY_DISAGREES);
    assert_non_null(strstr(error.text, "bad"));
    /* To a reader who does not know that key it says nothing. */
    assert_int_equal(tally_note_open(note, size, vkeys, 1, &opened, NULL), TALLY_OK);
    assert_int_equal(tally_note_open(note, size, vkeys, 0, &opened, NULL), TALLY_ABSENT);
}

/* A key with the name and id of another, but other bytes: whoever collides an id gains nothing. */
static void
an_id_is_no_signature(void **state)
{
    (void)state;
    struct tally_signer real = signer_named("n", 1), forger = signer_named("n", 2);
    forger.vkey.id = real.vkey.id;
    char note[1024];
    size_t size;
    assert_int_equal(tally_note_sign(TEXT, strlen(TEXT), &forger, note, sizeof note, &size, NULL),
                     TALLY_OK);
    assert_int_equal(open_with(note, size, &real), TALLY_DISAGREES);
}

static void
a_trail_s_key_is_no_witness_s(void **state)
{
    (void)state;
    struct tally_signer signer = signer_named("n", 1);
    char note[1024];
    size_t size;
    uint64_t time = 5;
    assert_int_equal(tally_note_sign(TEXT, strlen(TEXT), &signer, note, sizeof note, &size, NULL),
                     TALLY_OK);
    assert_int_equal(tally_cosignature_check(note, size, &signer.vkey, &time, NULL), TALLY_INVALID);

    /* The same bytes of key as a witness's: another id, so it did not sign. */
    struct tally_vkey witness = signer.vkey;
    witness.algorithm = TALLY_COSIGNATURE;
    witness.id++;
    assert_int_equal(tally_cosignature_check(note, size, &witness, &time, NULL), TALLY_ABSENT);
    /* And with a forced id the form is wrong. */
    witness.id--;
    assert_int_equal(tally_cosignature_check(note, size, &witness, &time, NULL), TALLY_DISAGREES);
    assert_int_equal(time, 5);
}

/* A witness, and its cosignature line, by hand from c2sp.org/tlog-cosignature. */
static struct tally_vkey
witness_named(const char *name, uint8_t secret_out[ED25519_SECRET_SIZE])
{
    static const uint8_t seed[TALLY_SEED_SIZE] = { 0x77 };
    struct tally_vkey vkey = { .algorithm = TALLY_COSIGNATURE };
    (void)snprintf(vkey.name, sizeof vkey.name, "%s", name);
    ed25519_keys(seed, vkey.key, secret_out);
    const struct tally_piece pieces[] = { { name, strlen(name) },
                                          { "\n\x04", 2 },
                                          { vkey.key, sizeof vkey.key } };
    struct tally_hash hash;
    tally_hash_pieces(pieces, 3, &hash);
    vkey.id = note_key_id(hash.bytes);
    return vkey;
}

static size_t
add_cosignature(char *note, size_t size, size_t text_size, const struct tally_vkey *vkey,
                const uint8_t secret[ED25519_SECRET_SIZE], uint64_t time)
{
    static char message[8192];
    int header =
        snprintf(message, sizeof message, "cosignature/v1\ntime %llu\n", (unsigned long long)time);
    memcpy(message + header, note, text_size);
    uint8_t bytes[4 + 8 + ED25519_SIGNATURE_SIZE];
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(vkey->id >> (24 - 8 * i));
    for (unsigned i = 0; i < 8; i++)
        bytes[4 + i] = (uint8_t)(time >> (56 - 8 * i));
    ed25519_sign(secret, bytes_of(message, (size_t)header + text_size), bytes + 12);

    char base64[BASE64_SIZE(sizeof bytes) + 1] = { 0 };
    base64_encode(bytes, sizeof bytes, base64);
    return size + (size_t)sprintf(note + size, "\xe2\x80\x94 %s %s\n", vkey->name, base64);
}

static void
cosignatures_carry_their_time(void **state)
{
    (void)state;
    static const struct {
        uint64_t time;
        tally_status status;
        uint64_t newest;
        const char *why;
    } rows[] = {
        { 1000, TALLY_OK, 1000, "the first" },
        { 500, TALLY_OK, 1000, "an older one stands beside it" },
        { INT64_MAX, TALLY_OK, INT64_MAX, "the latest there is" },
        { (uint64_t)INT64_MAX + 1, TALLY_DISAGREES, 0, "beyond it, though well signed" },
    };
    struct tally_signer log = signer_named("log", 1);
    uint8_t secret[ED25519_SECRET_SIZE];
    struct tally_vkey witness = witness_named("witness", secret);
    char note[2048];
    size_t size;
    assert_int_equal(tally_note_sign(TEXT, strlen(TEXT), &log, note, sizeof note, &size, NULL),
                     TALLY_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t time = 0;
        size = add_cosignature(note, size, strlen(TEXT), &witness, secret, rows[i].time);
        if (tally_cosignature_check(note, size, &witness, &time, NULL) != rows[i].status ||
            time != rows[i].newest)
            fail_msg("%s", rows[i].why);
        const struct tally_vkey both[] = { log.vkey, witness };
        struct tally_note opened;
        assert_int_equal(tally_note_open(note, size, both, 2, &opened, NULL), rows[i].status);
        assert_int_equal(tally_note_open(note, size, both, 1, &opened, NULL), TALLY_OK);
    }
}

/* What a witness signs is a checkpoint, and no checkpoint is longer. */
static void
cosigned_texts_have_a_limit(void **state)
{
    (void)state;
    static char text[TALLY_CHECKPOINT_TEXT_MAX + 1], note[16 * 1024];
    struct tally_signer log = signer_named("log", 1);
    uint8_t secret[ED25519_SECRET_SIZE];
    struct tally_vkey witness = witness_named("witness", secret);
    memset(text, 'x', sizeof text);
    for (size_t text_size = sizeof text - 1; text_size <= sizeof text; text_size++) {
        size_t size;
        uint64_t time;
        text[text_size - 1] = '\n';
        assert_int_equal(tally_note_sign(text, text_size, &log, note, sizeof note, &size, NULL),
                         TALLY_OK);
        size = add_cosignature(note, size, text_size, &witness, secret, 1);
        assert_int_equal(tally_cosignature_check(note, size, &witness, &time, NULL),
                         text_size <= TALLY_CHECKPOINT_TEXT_MAX ? TALLY_OK : TALLY_DISAGREES);
        text[text_size - 1] = 'x';
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_judged),
        cmocka_unit_test(names_have_a_limit),
        cmocka_unit_test(keys_come_back),
        cmocka_unit_test(every_changed_bit_of_a_key_is_refused),
        cmocka_unit_test(every_cut_key_is_refused),
        cmocka_unit_test(a_signed_note_opens),
        cmocka_unit_test(texts_that_no_note_has_are_refused),
        cmocka_unit_test(the_last_empty_line_parts_the_note),
        cmocka_unit_test(signatures_are_added_at_the_end),
        cmocka_unit_test(notes_hold_so_many_signatures),
        cmocka_unit_test(malformed_notes_are_refused),
        cmocka_unit_test(every_changed_bit_is_refused),
        cmocka_unit_test(a_bad_signature_by_a_known_key_refuses_the_note),
        cmocka_unit_test(an_id_is_no_signature),
        cmocka_unit_test(a_trail_s_key_is_no_witness_s),
        cmocka_unit_test(cosignatures_carry_their_time),
        cmocka_unit_test(cosigned_texts_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
