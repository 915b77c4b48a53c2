#include "base64.h"
#include "tally/tile.h"
#include "tally/tlog_proof.h"
#include "vectors.h"

static const char *
text_of(struct bytes bytes)
{
    return (const char *)bytes.data;
}

static struct tally_vkey
vkey_of(struct bytes text)
{
    struct tally_vkey vkey;
    assert_int_equal(tally_vkey_parse(text_of(text), text.size, &vkey, NULL), TALLY_OK);
    return vkey;
}

static void
checkpoint_bodies_are_judged_strictly(void **state)
{
    (void)state;
    json_t *json = vectors_json("tlog/json/checkpoint-parse.json");
    const json_t *rows = vectors_member(json, "cases");
    assert_true(json_array_size(rows) >= 17);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        struct bytes body = vectors_text(row, "body");
        bool valid = bytes_is(vectors_text(row, "strict"), "ok");
        struct tally_checkpoint checkpoint;
        tally_status status = tally_checkpoint_parse(text_of(body), body.size, &checkpoint, NULL);
        if (status != (valid ? TALLY_OK : TALLY_INVALID))
            fail_msg("%.*s: status %d", BYTES_ARG(body), status);
        if (!valid)
            continue;
        struct tally_hash root;
        assert_true(vectors_hash(vectors_member(row, "root_b64"), &root));
        assert_true(tally_hash_equal(&checkpoint.root, &root));
        assert_int_equal(checkpoint.size, vectors_number(row, "size"));
        assert_true(bytes_is(vectors_text(row, "origin"), checkpoint.origin));
    }
    json_decref(json);
}

/* Certificate logs sign with ECDSA (type 0x05), which we do not check; their texts are checkpoints.
 */
static void
judge_foreign_checkpoint(const json_t *row)
{
    struct bytes key = vectors_text(row, "vkey");
    struct bytes note = vectors_text(row, "note");
    struct tally_vkey vkey;
    assert_int_equal(tally_vkey_parse(text_of(key), key.size, &vkey, NULL), TALLY_UNSUPPORTED);

    const char *end = strstr(text_of(note), "\n\n");
    assert_non_null(end);
    struct tally_checkpoint checkpoint;
    assert_int_equal(
        tally_checkpoint_parse(text_of(note), (size_t)(end + 1 - text_of(note)), &checkpoint, NULL),
        TALLY_OK);
}

static void
real_checkpoints_open(void **state)
{
    (void)state;
    json_t *json = vectors_json("tlog/json/signed-checkpoints.json");
    const json_t *rows = vectors_member(json, "cases");
    unsigned opened = 0, notes = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        struct bytes note = vectors_text(row, "note");
        if (strstr(text_of(vectors_text(row, "vkey")), "+BTBZ") != NULL) {
            judge_foreign_checkpoint(row);
            continue;
        }
        assert_true(bytes_is(vectors_text(row, "want"), "ok"));
        struct tally_vkey vkey = vkey_of(vectors_text(row, "vkey"));
        struct tally_note text;
        assert_int_equal(tally_note_open(text_of(note), note.size, &vkey, 1, &text, NULL),
                         TALLY_OK);
        notes++;
        if (strcmp(vkey.name, "sum.golang.org") != 0)
            continue;
        struct tally_checkpoint checkpoint;
        assert_int_equal(tally_checkpoint_open(text_of(note), note.size, &vkey,
                                               "go.sum database tree", &checkpoint, NULL),
                         TALLY_OK);
        assert_true(checkpoint.size > 30000000);
        /* The key's name is not this log's origin. */
        assert_int_equal(
            tally_checkpoint_open(text_of(note), note.size, &vkey, NULL, &checkpoint, NULL),
            TALLY_DISAGREES);
        opened++;
    }
    assert_int_equal(opened, 2);
    assert_int_equal(notes, 3);
    json_decref(json);
}

static void
cosignatures_verify_with_their_time(void **state)
{
    (void)state;
    json_t *json = vectors_json("tlog/json/cosignatures-ed25519.json");
    const json_t *rows = vectors_member(json, "cases");
    assert_true(json_array_size(rows) >= 3);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        struct bytes note = vectors_text(row, "note");
        struct tally_vkey vkey = vkey_of(vectors_text(row, "vkey"));
        uint64_t time;
        assert_int_equal(tally_cosignature_check(text_of(note), note.size, &vkey, &time, NULL),
                         TALLY_OK);
        assert_int_equal(time, vectors_number(row, "timestamp"));

        /* The time is signed: bytes 4 to 11 of the signature, here its last one. */
        char changed[2048];
        assert_true(note.size < sizeof changed);
        memcpy(changed, note.data, note.size);
        char *line = memmem(changed, note.size, vkey.name, strlen(vkey.name));
        for (char *next = line; next != NULL;
             next = memmem(next + 1, note.size - (size_t)(next + 1 - changed), vkey.name,
                           strlen(vkey.name)))
            line = next;
        assert_non_null(line);
        char *digit = line + strlen(vkey.name) + 1 + 15;
        *digit = *digit == 'A' ? 'B' : 'A';
        assert_int_equal(tally_cosignature_check(changed, note.size, &vkey, &time, NULL),
                         TALLY_DISAGREES);
    }
    json_decref(json);
}

/* Rows of signatures without their notes: only the shape and the time can be seen. */
static void
cosignatures_have_their_shape(void **state)
{
    (void)state;
    json_t *json = vectors_json("tlog/json/cosignatures-ed25519.json");
    const json_t *rows = vectors_member(json, "timestamp_only");
    assert_true(json_array_size(rows) >= 2);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        uint8_t bytes[128];
        size_t size;
        assert_true(base64_decode(vectors_text(row, "sig_b64"), bytes, sizeof bytes, &size));
        bool cosignature = size == 4 + 8 + 64;
        assert_int_equal(cosignature, json_object_get(row, "timestamp") != NULL);
        if (!cosignature)
            continue;
        uint64_t time = 0;
        for (size_t j = 4; j < 12; j++)
            time = time << 8 | bytes[j];
        assert_int_equal(time, vectors_number(row, "timestamp"));
    }
    json_decref(json);
}

static void
proof_files_come_out_as_wanted(void **state)
{
    (void)state;
    json_t *json = vectors_json("tlog/json/tlog-proof.json");
    const json_t *rows = vectors_member(json, "marshal");
    assert_true(json_array_size(rows) >= 3);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const json_t *hashes = vectors_member(row, "hashes");
        struct bytes checkpoint = vectors_text(row, "checkpoint");
        struct bytes want = vectors_text(row, "want");
        struct tally_tlog_proof file = {
            .index = vectors_number(row, "index"),
            .checkpoint = text_of(checkpoint),
            .checkpoint_size = checkpoint.size,
        };
        if (json_object_get(row, "extra") != NULL) {
            file.extra = vectors_text(row, "extra").data;
            file.extra_size = vectors_text(row, "extra").size;
        }
        for (size_t j = 0; j < json_array_size(hashes); j++)
            assert_true(
                vectors_hash(json_array_get(hashes, j), &file.proof.hashes[file.proof.count++]));

        char text[1024];
        size_t size;
        assert_int_equal(tally_tlog_proof_format(&file, text, sizeof text, &size, NULL), TALLY_OK);
        assert_true(bytes_equal(bytes_of(text, size), want));

        static uint8_t extra[TALLY_TLOG_PROOF_EXTRA_MAX];
        struct tally_tlog_proof back;
        assert_int_equal(tally_tlog_proof_parse(text, size, extra, &back, NULL), TALLY_OK);
        assert_int_equal(back.index, file.index);
        assert_int_equal(back.proof.count, file.proof.count);
        assert_true(bytes_equal(bytes_of(back.extra, back.extra_size),
                                bytes_of(file.extra, file.extra_size)));
        assert_true(bytes_equal(bytes_of(back.checkpoint, back.checkpoint_size), checkpoint));
    }
    json_decref(json);
}

static void
malformed_proof_files_are_refused(void **state)
{
    (void)state;
    json_t *json = vectors_json("tlog/json/tlog-proof.json");
    const json_t *rows = vectors_member(json, "reject");
    assert_true(json_array_size(rows) >= 7);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        struct tally_tlog_proof file;
        if (tally_tlog_proof_parse(json_string_value(row), json_string_length(row), NULL, &file,
                                   NULL) != TALLY_INVALID)
            fail_msg("%s", json_string_value(row));
    }
    json_decref(json);
}

/* A witness's request: "old SIZE", the lines of a consistency proof, an empty line, a checkpoint.
 */
struct request {
    uint64_t old_size;
    struct tally_proof proof;
    const char *checkpoint;
    size_t checkpoint_size;
};

static struct request
read_request(struct bytes body)
{
    struct request request = { .old_size = 0 };
    const char *at = text_of(body);
    char *end;
    assert_memory_equal(at, "old ", 4);
    request.old_size = strtoull(at + 4, &end, 10);
    for (at = end + 1; *at != '\n'; at = strchr(at, '\n') + 1) {
        size_t size;
        assert_true(base64_decode(bytes_of(at, 44), request.proof.hashes[request.proof.count].bytes,
                                  32, &size));
        assert_int_equal(size, 32);
        request.proof.count++;
    }
    request.checkpoint = at + 1;
    request.checkpoint_size = body.size - (size_t)(at + 1 - text_of(body));
    return request;
}

/* What a witness that remembers `seen` (size 0: nothing) answers, as tlog-witness lists it. */
static unsigned
answer(const struct request *request, const struct tally_vkey *log, struct tally_checkpoint *seen)
{
    struct tally_checkpoint checkpoint;
    struct tally_note note;
    const char *newline = strchr(request->checkpoint, '\n');
    if ((size_t)(newline - request->checkpoint) != strlen(log->name) ||
        strncmp(request->checkpoint, log->name, strlen(log->name)) != 0)
        return 404;
    if (tally_note_open(request->checkpoint, request->checkpoint_size, log, 1, &note, NULL) !=
            TALLY_OK ||
        tally_checkpoint_open(request->checkpoint, request->checkpoint_size, log, NULL, &checkpoint,
                              NULL) != TALLY_OK)
        return 403;
    if (request->old_size != seen->size)
        return 409;
    if (seen->size > 0 && tally_consistency_check(seen->size, &seen->root, checkpoint.size,
                                                  &checkpoint.root, &request->proof) != TALLY_OK)
        return 422;
    *seen = checkpoint;
    return 200;
}

static void
a_witness_session_goes_as_recorded(void **state)
{
    (void)state;
    json_t *json = vectors_json("tlog/json/witness-add-checkpoint.json");
    const json_t *steps = vectors_member(json, "steps");
    struct tally_vkey log = vkey_of(vectors_text(json, "log_vkey"));
    struct tally_checkpoint seen = { .size = 0 };
    assert_true(json_array_size(steps) >= 9);
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        struct request request = read_request(vectors_text(step, "request_body"));
        unsigned status = answer(&request, &log, &seen);
        if (status != vectors_number(step, "c2sp_v1_status"))
            fail_msg("step %zu: %u", i, status);
    }
    struct tally_hash root;
    assert_true(vectors_hex(vectors_member(json, "final_root_hex"), root.bytes, 32));
    assert_true(tally_hash_equal(&seen.root, &root));
    assert_int_equal(seen.size, vectors_number(json, "final_size"));
    json_decref(json);
}

/* Policies name witnesses by vkeys; those of each policy that is accepted have to be readable. */
static void
keys_of_policies_are_read(void **state)
{
    (void)state;
    json_t *json = vectors_json("tlog/json/tlog-policy.json");
    const json_t *rows = vectors_member(json, "ok");
    unsigned count = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        char policy[2048];
        struct bytes text = vectors_text(json_array_get(rows, i), "policy");
        assert_true(text.size < sizeof policy);
        memcpy(policy, text.data, text.size);
        policy[text.size] = '\0';
        for (char *line = strtok(policy, "\n"); line != NULL; line = strtok(NULL, "\n")) {
            char key[512];
            if (sscanf(line, " witness %*s %511s", key) == 1) {
                (void)vkey_of(bytes_text(key));
                count++;
            }
        }
    }
    assert_true(count >= 4);
    json_decref(json);
}

static uint64_t
number_at(const json_t *row, size_t i)
{
    return (uint64_t)json_integer_value(json_array_get(row, i));
}

static void
expect_path(const struct tally_tile *tile, const json_t *path)
{
    char again[TALLY_TILE_PATH_SIZE];
    tally_tile_format(tile, again);
    assert_string_equal(again, json_string_value(path));
    struct tally_tile back;
    assert_int_equal(tally_tile_parse(again, strlen(again), &back, NULL), TALLY_OK);
    assert_int_equal(back.kind, tile->kind);
    assert_int_equal(back.level, tile->level);
    assert_int_equal(back.index, tile->index);
    assert_int_equal(back.width, tile->width);
}

static unsigned
width_of(uint64_t width)
{
    return width == 0 ? TALLY_TILE_WIDTH : (unsigned)width;
}

static void
tiles_have_the_paths_wanted(void **state)
{
    (void)state;
    json_t *json = vectors_json("tlog/json/tile-paths.json");
    size_t i;
    const json_t *rows = vectors_member(json, "format");
    for (i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        struct tally_tile tile = { TALLY_TILE_HASHES, (unsigned)number_at(row, 0),
                                   number_at(row, 1), width_of(number_at(row, 2)) };
        expect_path(&tile, json_array_get(row, 3));
    }
    assert_true(i >= 6);
    rows = vectors_member(json, "entries");
    for (i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        struct tally_tile tile = { TALLY_TILE_ENTRIES, 0, number_at(row, 0),
                                   width_of(number_at(row, 1)) };
        expect_path(&tile, json_array_get(row, 2));
    }
    assert_true(i >= 4);
    rows = vectors_member(json, "entry_bundle_for_index");
    for (i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        uint64_t index = number_at(row, 0) / TALLY_TILE_WIDTH;
        struct tally_tile tile = { TALLY_TILE_ENTRIES, 0, index,
                                   tally_tile_width(0, index, number_at(row, 1)) };
        expect_path(&tile, json_array_get(row, 2));
    }
    assert_true(i >= 7);
    json_decref(json);
}

static tally_status
parse_split_path(const json_t *row, struct tally_tile *tile)
{
    char path[128];
    int size = snprintf(path, sizeof path, "tile/%s/%s", json_string_value(json_array_get(row, 0)),
                        json_string_value(json_array_get(row, 1)));
    return tally_tile_parse(path, (size_t)size, tile, NULL);
}

static void
tile_paths_are_judged_as_by_others(void **state)
{
    (void)state;
    json_t *json = vectors_json("tlog/json/tile-paths.json");
    const json_t *rows = vectors_member(json, "parse_ok");
    assert_true(json_array_size(rows) >= 4);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        struct tally_tile tile;
        assert_int_equal(parse_split_path(row, &tile), TALLY_OK);
        assert_int_equal(tile.kind, TALLY_TILE_HASHES);
        assert_int_equal(tile.level, number_at(row, 2));
        assert_int_equal(tile.index, number_at(row, 3));
        assert_int_equal(tile.width, width_of(number_at(row, 4)));
    }
    rows = vectors_member(json, "parse_error");
    assert_true(json_array_size(rows) >= 15);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        struct tally_tile tile;
        const json_t *row = json_array_get(rows, i);
        if (parse_split_path(row, &tile) != TALLY_INVALID)
            fail_msg("%s", json_string_value(json_array_get(row, 1)));
    }
    json_decref(json);
}

static void
a_tree_of_70000_has_the_tiles_of_the_example(void **state)
{
    (void)state;
    json_t *json = vectors_json("tlog/json/tile-paths.json");
    const json_t *example = vectors_member(json, "spec_example");
    uint64_t size = vectors_number(example, "size");
    uint64_t full_0 = vectors_number(example, "full_l0");
    uint64_t full_1 = vectors_number(example, "full_l1");
    for (uint64_t i = 0; i < full_0; i++)
        assert_int_equal(tally_tile_width(0, i, size), TALLY_TILE_WIDTH);
    assert_int_equal(tally_tile_width(0, full_0, size), vectors_number(example, "partial_l0"));
    assert_int_equal(tally_tile_width(0, full_0 + 1, size), 0);
    assert_int_equal(tally_tile_width(1, full_1 - 1, size), TALLY_TILE_WIDTH);
    assert_int_equal(tally_tile_width(1, full_1, size), vectors_number(example, "partial_l1"));
    assert_int_equal(tally_tile_width(2, 0, size), vectors_number(example, "partial_l2"));
    assert_int_equal(tally_tile_width(3, 0, size), 0);
    json_decref(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoint_bodies_are_judged_strictly),
        cmocka_unit_test(real_checkpoints_open),
        cmocka_unit_test(cosignatures_verify_with_their_time),
        cmocka_unit_test(cosignatures_have_their_shape),
        cmocka_unit_test(proof_files_come_out_as_wanted),
        cmocka_unit_test(malformed_proof_files_are_refused),
        cmocka_unit_test(a_witness_session_goes_as_recorded),
        cmocka_unit_test(keys_of_policies_are_read),
        cmocka_unit_test(tiles_have_the_paths_wanted),
        cmocka_unit_test(tile_paths_are_judged_as_by_others),
        cmocka_unit_test(a_tree_of_70000_has_the_tiles_of_the_example),
    };
    return vectors_present() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
