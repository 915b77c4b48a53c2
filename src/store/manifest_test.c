/* The manifest, the key file and the lock file. */
#include "buffer.h"
#include "crc32c.h"
#include "disk_sim.h"
#include "field.h"
#include "keyfile.h"
#include "lockfile.h"
#include "manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void
must_work(tally_status status, const struct tally_error *error)
{
    if (status != TALLY_OK)
        fail_msg("%s: %s", tally_status_text(status), error->text);
}

static struct tally_signer
make_signer(const char *name)
{
    uint8_t seed[TALLY_SEED_SIZE] = { 7 };
    struct tally_signer signer;
    struct tally_error error;
    must_work(tally_signer_init(name, seed, &signer, &error), &error);
    return signer;
}

static uint64_t
random_u64(void)
{
    return (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
}

/* A manifest of `count` segments with anything in it that the rules allow. */
static struct manifest
make_manifest(size_t count)
{
    struct manifest manifest = {
        .generation = random_u64(),
        .fields_private = FIELD_BIT(FIELD_USER_ID) | FIELD_BIT(FIELD_DETAILS),
        .count = count,
        .segments = calloc(count + 1, sizeof *manifest.segments),
    };
    struct tally_signer signer = make_signer("tally-test/main");
    tally_signer_vkey(&signer, &manifest.vkey);
    for (size_t i = 0; i < count; i++) {
        struct segment_info *info = &manifest.segments[i];
        *info = (struct segment_info){
            .first = manifest.sealed,
            .count = 1 + (uint32_t)rand() % 262144,
            .generation = 1 + (uint32_t)rand(),
            .public_size = random_u64(),
            .private_size = random_u64(),
            .index_size = random_u64(),
            .public_crc = (uint32_t)rand(),
            .private_crc = (uint32_t)rand(),
            .index_crc = (uint32_t)rand(),
            .time_min = (int64_t)(random_u64() - INT64_MAX / 2),
            .time_max = (int64_t)random_u64(),
            .control_count = (uint32_t)rand(),
            .erased_count = (uint32_t)rand(),
        };
        manifest.sealed += info->count;
    }
    /* A group for the first segment, and one for all but it and the next. */
    manifest.groups = calloc(2, sizeof *manifest.groups);
    for (size_t from = 0; from < count && from <= 2; from += 2)
        manifest.groups[manifest.group_count++] = (struct group_info){
            .first = manifest.segments[from].first,
            .generation = 1 + (uint32_t)rand(),
            .segments = from == 0 ? 1 : (uint32_t)(count - from < 64 ? count - from : 64),
            .size = random_u64(),
            .crc = (uint32_t)rand(),
        };
    manifest.erased_through = random_u64() % (manifest.sealed + 1);
    manifest.journal = (struct journal_position){
        .file = random_u64(),
        .sequence = random_u64(),
        .index = manifest.sealed,
        .chain = (uint32_t)rand(),
    };
    manifest.tree.size = manifest.sealed;
    for (unsigned level = 0; level < TALLY_TREE_LEVELS; level++)
        if ((manifest.sealed >> level & 1) != 0)
            memset(manifest.tree.peaks[level].bytes, rand() & 0xff, TALLY_HASH_SIZE);
    return manifest;
}

static void
expect_equal(const struct manifest *a, const struct manifest *b)
{
    assert_int_equal(a->generation, b->generation);
    assert_true(tally_vkey_equal(&a->vkey, &b->vkey));
    assert_int_equal(a->fields_private, b->fields_private);
    assert_int_equal(a->sealed, b->sealed);
    assert_int_equal(a->journal.file, b->journal.file);
    assert_int_equal(a->journal.sequence, b->journal.sequence);
    assert_int_equal(a->journal.index, b->journal.index);
    assert_int_equal(a->journal.chain, b->journal.chain);
    assert_memory_equal(&a->tree, &b->tree, sizeof a->tree);
    assert_int_equal(a->erased_through, b->erased_through);
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct segment_info *x = &a->segments[i], *y = &b->segments[i];
        assert_int_equal(x->first, y->first);
        assert_int_equal(x->count, y->count);
        assert_int_equal(x->generation, y->generation);
        assert_int_equal(x->public_size, y->public_size);
        assert_int_equal(x->private_size, y->private_size);
        assert_int_equal(x->index_size, y->index_size);
        assert_int_equal(x->public_crc, y->public_crc);
        assert_int_equal(x->private_crc, y->private_crc);
        assert_int_equal(x->index_crc, y->index_crc);
        assert_int_equal(x->time_min, y->time_min);
        assert_int_equal(x->time_max, y->time_max);
        assert_int_equal(x->control_count, y->control_count);
        assert_int_equal(x->erased_count, y->erased_count);
    }
    assert_int_equal(a->group_count, b->group_count);
    for (size_t i = 0; i < a->group_count; i++) {
        const struct group_info *x = &a->groups[i], *y = &b->groups[i];
        assert_int_equal(x->first, y->first);
        assert_int_equal(x->generation, y->generation);
        assert_int_equal(x->segments, y->segments);
        assert_int_equal(x->size, y->size);
        assert_int_equal(x->crc, y->crc);
    }
}

static struct disk *
make_disk(void)
{
    struct disk *disk = disk_sim_create();
    struct tally_error error;
    must_work(disk_make_folder(disk, "t", &error), &error);
    return disk;
}

static void
test_a_manifest_comes_back(void **state)
{
    (void)state;
    srand(1);
    struct disk *disk = make_disk();
    struct tally_error error;
    struct manifest back;
    assert_int_equal(manifest_read(disk, "t", &back, &error), TALLY_ABSENT);
    static const size_t counts[] = { 0, 1, 2, 3, 400 };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct manifest manifest = make_manifest(counts[i]);
        must_work(manifest_write(disk, "t", &manifest, &error), &error);
        must_work(manifest_read(disk, "t", &back, &error), &error);
        expect_equal(&manifest, &back);
        manifest_free(&manifest);
        manifest_free(&back);
    }
    disk_close_folder(disk);
}

static void
test_every_flipped_bit_of_a_manifest_is_seen(void **state)
{
    (void)state;
    srand(2);
    struct disk *disk = make_disk();
    struct tally_error error;
    struct manifest manifest = make_manifest(3), back;
    must_work(manifest_write(disk, "t", &manifest, &error), &error);
    uint64_t size = disk_sim_size(disk, "t/manifest");
    for (uint64_t bit = 0; bit < size * 8; bit++) {
        uint8_t byte, flipped;
        disk_sim_peek(disk, "t/manifest", bit / 8, &byte, 1);
        flipped = byte ^ (uint8_t)(1 << bit % 8);
        disk_sim_poke(disk, "t/manifest", bit / 8, &flipped, 1);
        assert_int_equal(manifest_read(disk, "t", &back, &error), TALLY_DAMAGED);
        assert_non_null(strstr(error.text, "t/manifest"));
        disk_sim_poke(disk, "t/manifest", bit / 8, &byte, 1);
    }
    /* Cut anywhere, or with something behind it. */
    struct buffer file = { 0 };
    manifest_encode(&manifest, &file);
    buffer_byte(&file, 0);
    for (size_t cut = 0; cut <= size + 1; cut++) {
        if (cut != size)
            assert_int_equal(manifest_decode(bytes_of(file.data, cut), "m", &back, &error),
                             TALLY_DAMAGED);
    }
    buffer_free(&file);
    manifest_free(&manifest);
    disk_close_folder(disk);
}

/* An offset from here on counts from the list of groups, which is the last part. */
#define GROUPS_AT 1000000u

/* Well formed and wrong: the checksum is right. */
static void
test_a_manifest_that_contradicts_itself(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        unsigned offset, size;
        uint64_t value;
        tally_status status;
    } rows[] = {
        { "a newer version", 8, 4, 2, TALLY_UNSUPPORTED },
        { "another trail's tag", 16, 4, 1, TALLY_DAMAGED },
        { "more entries than the segments hold", 40, 8, 1, TALLY_DAMAGED },
        { "more than a tree can have", 40, 8, UINT64_MAX, TALLY_DAMAGED },
        { "erasures carried out that are yet to come", 48, 8, 1u << 20, TALLY_DAMAGED },
        { "a journal that goes on elsewhere", 72, 8, 5, TALLY_DAMAGED },
        { "more segments than there are", 84, 4, 4, TALLY_DAMAGED },
        { "very many segments", 84, 4, UINT32_MAX, TALLY_DAMAGED },
        { "a key of no length", 88, 2, 0, TALLY_DAMAGED },
        { "a key beyond the end", 88, 2, 65535, TALLY_DAMAGED },
        { "fields beyond the end", 90, 2, 65535, TALLY_DAMAGED },
        { "more groups than there are", GROUPS_AT, 4, 3, TALLY_DAMAGED },
        { "very many groups", GROUPS_AT, 4, UINT32_MAX, TALLY_DAMAGED },
        { "a group that begins within a segment", GROUPS_AT + 4, 8, 1, TALLY_DAMAGED },
        { "a group of no generation", GROUPS_AT + 12, 4, 0, TALLY_DAMAGED },
        { "a group of a generation beyond the last", GROUPS_AT + 12, 4, UINT32_MAX, TALLY_DAMAGED },
        { "a group of no segments", GROUPS_AT + 16, 4, 0, TALLY_DAMAGED },
        { "a group of too many", GROUPS_AT + 16, 4, 65, TALLY_DAMAGED },
        { "a group that covers another's segment", GROUPS_AT + 16, 4, 3, TALLY_DAMAGED },
        { "a group beyond the last segment", GROUPS_AT + 44, 4, 2, TALLY_DAMAGED },
        { "a group before another", GROUPS_AT + 32, 8, 0, TALLY_DAMAGED },
    };
    srand(3);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct manifest manifest = make_manifest(3), back;
        struct buffer file = { 0 };
        manifest_encode(&manifest, &file);
        uint8_t value[8];
        put_u64(value, rows[i].value);
        size_t offset = rows[i].offset;
        if (offset >= GROUPS_AT)
            offset += file.size - 4 - 2 * 28 - 4 - GROUPS_AT;
        memcpy(file.data + offset, value, rows[i].size);
        put_u32(file.data + file.size - 4, crc32c(0, file.data, file.size - 4));
        struct tally_error error;
        tally_status status = manifest_decode(buffer_view(&file), "m", &back, &error);
        if (status == TALLY_UNSUPPORTED && rows[i].offset == 90)
            status = TALLY_DAMAGED; /* whichever it notices first */
        if (status != rows[i].status)
            fail_msg("%s: %s", rows[i].why, tally_status_text(status));
        buffer_free(&file);
        manifest_free(&manifest);
    }
}

static void
test_a_key_comes_back_and_is_never_replaced(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    struct tally_error error;
    struct tally_signer signer = make_signer("tally-test/main"), back;
    assert_int_equal(keyfile_read(disk, "main", &back, &error), TALLY_ABSENT);
    must_work(keyfile_create(disk, "main", &signer, &error), &error);
    must_work(keyfile_read(disk, "main", &back, &error), &error);
    assert_true(tally_vkey_equal(&signer.vkey, &back.vkey));
    assert_memory_equal(signer.secret, back.secret, sizeof back.secret);

    struct tally_signer other = make_signer("tally-test/other");
    uint64_t hash = disk_sim_hash(disk);
    assert_int_equal(keyfile_create(disk, "main", &other, &error), TALLY_CONFLICT);
    assert_int_equal(disk_sim_hash(disk), hash);
    must_work(keyfile_create(disk, "other", &other, &error), &error);
    must_work(keyfile_read(disk, "main", &back, &error), &error);
    assert_true(tally_vkey_equal(&signer.vkey, &back.vkey));
    disk_close_folder(disk);
}

static void
test_a_key_that_others_may_read_is_refused(void **state)
{
    (void)state;
    static const struct {
        unsigned permissions;
        tally_status status;
    } rows[] = {
        { 0600, TALLY_OK },     { 0400, TALLY_OK },     { 0640, TALLY_DENIED },
        { 0620, TALLY_DENIED }, { 0604, TALLY_DENIED }, { 0602, TALLY_DENIED },
        { 0601, TALLY_DENIED }, { 0777, TALLY_DENIED },
    };
    struct disk *disk = disk_sim_create();
    struct tally_error error;
    struct tally_signer signer = make_signer("tally-test/main"), back;
    must_work(keyfile_create(disk, "main", &signer, &error), &error);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        disk_sim_set_permissions(disk, rows[i].permissions);
        assert_int_equal(keyfile_read(disk, "main", &back, &error), rows[i].status);
        if (rows[i].status != TALLY_OK)
            assert_non_null(strstr(error.text, "chmod 600"));
    }
    disk_close_folder(disk);
}

static void
test_what_is_no_key_is_not_quoted(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "\n", "SECRET", "PRIVATE+KEY+a+00000000+SECRET=\n", "tally-test/main+SECRET+SECRET\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct disk *disk = disk_sim_create();
        struct tally_error error;
        struct tally_signer back;
        must_work(disk_make_folder(disk, "keys", &error), &error);
        must_work(disk_replace_file(disk, "keys", "keys/main", bytes_text(texts[i]), &error),
                  &error);
        assert_int_equal(keyfile_read(disk, "main", &back, &error), TALLY_DAMAGED);
        assert_non_null(strstr(error.text, "keys/main"));
        assert_null(strstr(error.text, "SECRET"));
        disk_close_folder(disk);
    }
}

static void
test_a_lock_names_its_holder(void **state)
{
    (void)state;
    struct disk *disk = make_disk();
    struct tally_error error;
    struct disk_file *first, *second;
    must_work(lockfile_take(disk, "t", "tally serve", &first, &error), &error);
    assert_int_equal(lockfile_take(disk, "t", "tally record", &second, &error), TALLY_BUSY);
    char holder[64];
    (void)snprintf(holder, sizeof holder, "process %ld (tally serve)", (long)getpid());
    assert_non_null(strstr(error.text, holder));
    assert_non_null(strstr(error.text, "t is being written"));

    /* The next holder's name takes the place of a longer one. */
    disk_close(first);
    must_work(lockfile_take(disk, "t", "x", &first, &error), &error);
    assert_int_equal(lockfile_take(disk, "t", "tally record", &second, &error), TALLY_BUSY);
    assert_non_null(strstr(error.text, "(x)"));
    struct buffer content = { 0 };
    must_work(disk_read_file(disk, "t/lock", 4096, &content, &error), &error);
    assert_memory_equal(content.data, "tally lock 1\npid ", 17);
    assert_null(memmem(content.data, content.size, "serve", 5));
    assert_null(memchr(content.data, '\0', content.size)); /* a text file */
    buffer_free(&content);
    disk_close(first);
    disk_close_folder(disk);
}

/* A lock file with anything in it does not keep the lock from being told. */
static void
test_a_lock_with_odd_content(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "pid", "pid \n", "tally lock 2\n",
                                         "command x\npid 1" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct disk *disk = make_disk();
        struct tally_error error;
        must_work(disk_replace_file(disk, "t", "t/lock", bytes_text(texts[i]), &error), &error);
        struct disk_file *held, *other;
        must_work(disk_open(disk, "t/lock", DISK_WRITE, &held, &error), &error);
        must_work(disk_lock(held, &error), &error);
        assert_int_equal(lockfile_take(disk, "t", "x", &other, &error), TALLY_BUSY);
        disk_close(held);
        must_work(lockfile_take(disk, "t", "x", &other, &error), &error);
        disk_close(other);
        disk_close_folder(disk);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_manifest_comes_back),
        cmocka_unit_test(test_every_flipped_bit_of_a_manifest_is_seen),
        cmocka_unit_test(test_a_manifest_that_contradicts_itself),
        cmocka_unit_test(test_a_key_comes_back_and_is_never_replaced),
        cmocka_unit_test(test_a_key_that_others_may_read_is_refused),
        cmocka_unit_test(test_what_is_no_key_is_not_quoted),
        cmocka_unit_test(test_a_lock_names_its_holder),
        cmocka_unit_test(test_a_lock_with_odd_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
