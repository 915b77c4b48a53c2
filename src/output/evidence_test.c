#include "evidence.h"

#include "buffer.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const char public_part[] = "{\"action\":\"a\",\"v\":1}";
static const char private_part[] = "{\"message\":\"\xe2\x80\xae\\\"\xc3\xbc\",\"user_id\":\"u1\"}";
static const char checkpoint[] =
    "tally.example/main\n1\nAAAA\n\n\xe2\x80\x94 tally.example/main BBBB\n";

static json_t *
write_and_read(const struct run_entry *entry, const struct tally_proof *proof)
{
    struct buffer out = { 0 };
    evidence_write(entry, proof, bytes_text(checkpoint), &out);
    assert_false(buffer_failed(&out));
    assert_int_equal(out.data[out.size - 1], '\n');
    assert_null(memchr(out.data, '\n', out.size - 1));
    json_t *line = json_loadb((const char *)out.data, out.size, JSON_REJECT_DUPLICATES, NULL);
    buffer_free(&out);
    assert_non_null(line);
    assert_int_equal(json_object_size(line), 7);
    return line;
}

static const char *
text_of(const json_t *line, const char *name)
{
    return json_string_value(json_object_get(line, name));
}

static void
bytes_come_back_exactly(void **state)
{
    (void)state;
    struct run_entry entry = {
        .index = 7,
        .public_part = bytes_text(public_part),
        .private_part = bytes_text(private_part),
    };
    for (size_t i = 0; i < sizeof entry.salt; i++)
        entry.salt[i] = (uint8_t)i;
    struct tally_proof proof = { .count = 2 };
    memset(proof.hashes[0].bytes, 0xff, TALLY_HASH_SIZE);

    json_t *line = write_and_read(&entry, &proof);
    assert_int_equal(json_integer_value(json_object_get(line, "index")), 7);
    assert_string_equal(text_of(line, "public"), public_part);
    assert_string_equal(text_of(line, "private"), private_part);
    assert_string_equal(text_of(line, "salt"), "AAECAwQFBgcICQoLDA0ODw==");
    assert_string_equal(text_of(line, "checkpoint"), checkpoint);
    /* printf '\0{"action":"a","v":1}' | sha256sum */
    assert_string_equal(text_of(line, "leaf"),
                        "52607aa2d7e00c2df89568f8412aca9c7a6f263bdf9920fa7d8950a5fa7aab1e");
    json_t *hashes = json_object_get(line, "proof");
    assert_int_equal(json_array_size(hashes), 2);
    assert_string_equal(json_string_value(json_array_get(hashes, 0)),
                        "//////////////////////////////////////////8=");
    assert_string_equal(json_string_value(json_array_get(hashes, 1)),
                        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    json_decref(line);
}

static void
erased_is_null(void **state)
{
    (void)state;
    struct run_entry entry = { .erased = true, .public_part = bytes_text(public_part) };
    struct tally_proof proof = { 0 };
    json_t *line = write_and_read(&entry, &proof);
    assert_true(json_is_null(json_object_get(line, "private")));
    assert_true(json_is_null(json_object_get(line, "salt")));
    assert_int_equal(json_array_size(json_object_get(line, "proof")), 0);
    json_decref(line);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_back_exactly),
        cmocka_unit_test(erased_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
