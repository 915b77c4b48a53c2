/*
 * Which Ed25519 signatures are valid, pinned to libsodium's rule: R and A canonical and not of low
 * order, S below the group order, and the equation without the cofactor.
 */
#include "base64.h"
#include "ed25519.h"
#include "tally/note.h"
#include "vectors.h"

#define MESSAGE_MAX 4096

/* False where the sizes are wrong already. */
static bool
verifies(const json_t *key_hex, const json_t *message_hex, const json_t *signature_hex)
{
    uint8_t key[ED25519_KEY_SIZE], signature[ED25519_SIGNATURE_SIZE], message[MESSAGE_MAX];
    size_t size = json_string_length(message_hex) / 2;
    assert_true(size <= sizeof message && vectors_hex(message_hex, message, size));
    assert_true(vectors_hex(key_hex, key, sizeof key));
    return vectors_hex(signature_hex, signature, sizeof signature) &&
           ed25519_verify(key, bytes_of(message, size), signature);
}

static void
signs_as_rfc_8032_does(void **state)
{
    (void)state;
    json_t *json = vectors_json("rfc8032/ed25519.json");
    const json_t *rows = vectors_member(json, "sign");
    assert_true(json_array_size(rows) >= 5);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        uint8_t seed[ED25519_SEED_SIZE], message[MESSAGE_MAX];
        uint8_t key[ED25519_KEY_SIZE], secret[ED25519_SECRET_SIZE];
        uint8_t signature[ED25519_SIGNATURE_SIZE], expected[ED25519_SIGNATURE_SIZE];
        const json_t *message_hex = vectors_member(row, "msg_hex");
        size_t size = json_string_length(message_hex) / 2;
        assert_true(size <= sizeof message && vectors_hex(message_hex, message, size));
        assert_true(vectors_hex(vectors_member(row, "seed_hex"), seed, sizeof seed));

        ed25519_keys(seed, key, secret);
        assert_true(vectors_hex(vectors_member(row, "pub_hex"), expected, sizeof key));
        assert_memory_equal(key, expected, sizeof key);
        ed25519_sign(secret, bytes_of(message, size), signature);
        assert_true(vectors_hex(vectors_member(row, "sig_hex"), expected, sizeof expected));
        assert_memory_equal(signature, expected, sizeof expected);
        assert_true(ed25519_verify(key, bytes_of(message, size), signature));
    }
    json_decref(json);
}

static void
refuses_what_rfc_8032_refuses(void **state)
{
    (void)state;
    json_t *json = vectors_json("rfc8032/ed25519.json");
    const json_t *rows = vectors_member(json, "verify_reject");
    assert_true(json_array_size(rows) >= 3);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        assert_false(verifies(vectors_member(row, "pub_hex"), vectors_member(row, "msg_hex"),
                              vectors_member(row, "sig_hex")));
    }
    json_decref(json);
}

static void
judges_wycheproof_as_wanted(void **state)
{
    (void)state;
    json_t *json = vectors_json("wycheproof/ed25519_test.json");
    const json_t *groups = vectors_member(json, "testGroups");
    unsigned count = 0;
    for (size_t i = 0; i < json_array_size(groups); i++) {
        const json_t *group = json_array_get(groups, i);
        const json_t *key = vectors_member(vectors_member(group, "publicKey"), "pk");
        const json_t *tests = vectors_member(group, "tests");
        for (size_t j = 0; j < json_array_size(tests); j++, count++) {
            const json_t *test = json_array_get(tests, j);
            bool valid = bytes_is(vectors_text(test, "result"), "valid");
            if (verifies(key, vectors_member(test, "msg"), vectors_member(test, "sig")) != valid)
                fail_msg("wycheproof test %d", (int)vectors_number(test, "tcId"));
        }
    }
    assert_int_equal(count, vectors_number(json, "numberOfTests"));
    json_decref(json);
}

static bool
has_flag(const json_t *vector, const char *flag)
{
    const json_t *flags = json_object_get(vector, "flags");
    for (size_t i = 0; i < json_array_size(flags); i++)
        if (strcmp(json_string_value(json_array_get(flags, i)), flag) == 0)
            return true;
    return false;
}

/* The pinned rule, in the words of the vectors' README. */
static bool
valid_by_the_rule(const json_t *vector)
{
    return !has_flag(vector, "non_canonical_A") && !has_flag(vector, "non_canonical_R") &&
           !has_flag(vector, "low_order_A") && !has_flag(vector, "low_order_R") &&
           !has_flag(vector, "low_order_residue") && !has_flag(vector, "reencoded_k");
}

static void
judges_edge_points_by_the_pinned_rule(void **state)
{
    (void)state;
    json_t *json = vectors_json("cctv/ed25519/ed25519vectors.json");
    assert_true(json_array_size(json) > 900);
    unsigned accepted = 0;
    for (size_t i = 0; i < json_array_size(json); i++) {
        const json_t *vector = json_array_get(json, i);
        uint8_t key[ED25519_KEY_SIZE], signature[ED25519_SIGNATURE_SIZE];
        assert_true(vectors_hex(vectors_member(vector, "key"), key, sizeof key));
        assert_true(vectors_hex(vectors_member(vector, "sig"), signature, sizeof signature));
        bool valid = ed25519_verify(key, vectors_text(vector, "msg"), signature);
        if (valid != valid_by_the_rule(vector))
            fail_msg("vector %d is %s", (int)vectors_number(vector, "number"),
                     valid ? "accepted" : "refused");
        accepted += valid;
    }
    print_message("# %u of %zu accepted\n", accepted, json_array_size(json));
    assert_true(accepted > 0);
    json_decref(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_as_rfc_8032_does),
        cmocka_unit_test(refuses_what_rfc_8032_refuses),
        cmocka_unit_test(judges_wycheproof_as_wanted),
        cmocka_unit_test(judges_edge_points_by_the_pinned_rule),
    };
    return vectors_present() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
