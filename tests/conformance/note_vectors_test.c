#include "base64.h"
#include "tally/note.h"
#include "vectors.h"

static struct tally_vkey
vkey_of(const json_t *text)
{
    struct tally_vkey vkey;
    struct tally_error error = { .text = "" };
    tally_status status =
        tally_vkey_parse(json_string_value(text), json_string_length(text), &vkey, &error);
    if (status != TALLY_OK)
        fail_msg("%s: %s", json_string_value(text), error.text);
    return vkey;
}

static tally_status
status_of(struct bytes want)
{
    static const struct {
        const char *want;
        tally_status status;
    } words[] = {
        { "ok", TALLY_OK },
        { "no verifiable signatures", TALLY_ABSENT },
        { "invalid signature", TALLY_DISAGREES },
        { "malformed", TALLY_INVALID },
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (bytes_is(want, words[i].want))
            return words[i].status;
    fail_msg("unknown verdict %.*s", BYTES_ARG(want));
    return TALLY_INVALID;
}

static void
open_note(const json_t *row)
{
    static char decoded[4096];
    struct bytes note;
    if (json_object_get(row, "note") != NULL) {
        note = vectors_text(row, "note");
    } else {
        size_t size;
        assert_true(base64_decode(vectors_text(row, "note_b64"), (uint8_t *)decoded, sizeof decoded,
                                  &size));
        note = bytes_of(decoded, size);
    }

    struct tally_vkey vkeys[4];
    const json_t *trusted = vectors_member(row, "trusted_vkeys");
    size_t count = json_array_size(trusted);
    assert_true(count <= 4);
    for (size_t i = 0; i < count; i++)
        vkeys[i] = vkey_of(json_array_get(trusted, i));

    struct tally_note opened;
    struct tally_error error = { .text = "" };
    tally_status status =
        tally_note_open((const char *)note.data, note.size, vkeys, count, &opened, &error);
    if (status != status_of(vectors_text(row, "want")))
        fail_msg("%.*s: status %d %s", BYTES_ARG(vectors_text(row, "desc")), status, error.text);
    if (status != TALLY_OK)
        return;
    uint64_t verified = 0;
    const json_t *names = vectors_member(row, "verified");
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < json_array_size(names); j++)
            if (strcmp(vkeys[i].name, json_string_value(json_array_get(names, j))) == 0)
                verified |= UINT64_C(1) << i;
    assert_int_equal(opened.verified, verified);
}

static void
notes_are_judged_as_by_others(void **state)
{
    (void)state;
    json_t *json = vectors_json("note/signed-note-open.json");
    const json_t *rows = vectors_member(json, "cases");
    assert_true(json_array_size(rows) >= 13);
    for (size_t i = 0; i < json_array_size(rows); i++)
        open_note(json_array_get(rows, i));
    json_decref(json);
}

static void
signing_gives_the_same_note(void **state)
{
    (void)state;
    json_t *json = vectors_json("note/signed-note-keys.json.gz");
    const json_t *row = vectors_member(json, "sign");
    struct bytes key = vectors_text(row, "private_key_text");
    struct bytes text = vectors_text(row, "text");

    struct tally_signer signer;
    assert_int_equal(tally_signer_parse((const char *)key.data, key.size, &signer, NULL), TALLY_OK);
    char again[TALLY_SIGNER_TEXT_SIZE];
    tally_signer_format(&signer, again);
    assert_true(bytes_is(key, again));

    char note[1024];
    size_t size;
    assert_int_equal(tally_note_sign((const char *)text.data, text.size, &signer, note, sizeof note,
                                     &size, NULL),
                     TALLY_OK);
    assert_true(bytes_equal(bytes_of(note, size), vectors_text(row, "want")));
    json_decref(json);
}

static void
valid_keys_come_back_as_they_were(void **state)
{
    (void)state;
    json_t *json = vectors_json("note/signed-note-keys.json.gz");
    static const struct {
        const char *list;
        uint8_t algorithm;
    } lists[] = {
        { "valid_vkeys", TALLY_ED25519 },
        { "valid_cosigner_vkeys", TALLY_COSIGNATURE },
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const json_t *rows = vectors_member(json, lists[i].list);
        assert_true(json_array_size(rows) > 0);
        for (size_t j = 0; j < json_array_size(rows); j++) {
            struct tally_vkey vkey = vkey_of(json_array_get(rows, j));
            assert_int_equal(vkey.algorithm, lists[i].algorithm);
            char again[TALLY_VKEY_TEXT_SIZE];
            tally_vkey_format(&vkey, again);
            assert_string_equal(again, json_string_value(json_array_get(rows, j)));
        }
    }
    json_decref(json);
}

static void
expect_refused(const json_t *text, tally_status first, tally_status second)
{
    struct tally_vkey vkey;
    tally_status status =
        tally_vkey_parse(json_string_value(text), json_string_length(text), &vkey, NULL);
    if (status != first && status != second)
        fail_msg("%.60s: status %d", json_string_value(text), status);
}

static void
other_keys_are_refused(void **state)
{
    (void)state;
    json_t *json = vectors_json("note/signed-note-keys.json.gz");
    const json_t *rows = vectors_member(json, "invalid_vkeys");
    assert_true(json_array_size(rows) >= 6);
    for (size_t i = 0; i < json_array_size(rows); i++)
        expect_refused(json_array_get(json_array_get(rows, i), 0), TALLY_INVALID,
                       TALLY_UNSUPPORTED);
    /* ECDSA of certificate logs, and ML-DSA: well-formed, but not ours to check. */
    rows = vectors_member(json, "valid_rfc6962_vkeys");
    assert_true(json_array_size(rows) > 0);
    for (size_t i = 0; i < json_array_size(rows); i++)
        expect_refused(json_array_get(rows, i), TALLY_UNSUPPORTED, TALLY_UNSUPPORTED);
    expect_refused(vectors_member(json, "mldsa44_vkey_bad_keyid"), TALLY_UNSUPPORTED,
                   TALLY_UNSUPPORTED);
    json_decref(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_are_judged_as_by_others),
        cmocka_unit_test(signing_gives_the_same_note),
        cmocka_unit_test(valid_keys_come_back_as_they_were),
        cmocka_unit_test(other_keys_are_refused),
    };
    return vectors_present() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
