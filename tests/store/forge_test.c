/*
 * forge_test.c - invariant 4 against somebody who knows the format: checksums, indexes, tree hashes
 * and manifest are made to fit the change.
 *
 * Entries of a segment are changed and the segment written anew with our own code; a record of the
 * journal is changed and its checksums with it; private parts vanish without an erasure on record;
 * the trail is signed anew with another key, rolled back, or forked. Only what was signed, or seen
 * before, is left to tell, and it must. Each forgery must come to light when it is verified, and
 * nothing but the last step before the signature may hide which entries it touched.
 */
#include "specimen.h"

#include "hashes.h"
#include "head.h"
#include "journal_record.h"
#include "manifest.h"
#include "segment_file.h"

#include "crc32c.h"
#include "segment_fixture.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SEGMENT_SIZE 600u /* two groups of 256 and more */
#define PATH         "trails/main"

static struct specimen *specimen;

enum change {
    CHANGE_PUBLIC,  /* the action */
    CHANGE_PRIVATE, /* the details */
    CHANGE_SALT,
    CHANGE_TIME,
    CHANGE_ORDER, /* the entry and its neighbour change places */
    CHANGE_NOTHING,
};

/* How far the forger goes. Each step includes those before. */
enum cover {
    COVER_SEGMENT,  /* the segment's files and what the manifest says of them */
    COVER_TREE,     /* and the stored hashes */
    COVER_MANIFEST, /* and the manifest's tree */
};

/* The values of a row, copied so that they last. */
struct row {
    struct bytes values[FIELD_COUNT];
    uint8_t salt[16];
};

static struct bytes
copy(struct bytes value)
{
    if (value.data == NULL)
        return value;
    uint8_t *data = malloc(value.size + 1);
    memcpy(data, value.data, value.size);
    return bytes_of(data, value.size);
}

static struct row *
read_rows(struct disk *disk, const uint8_t tag[16], const struct segment_info *info)
{
    struct row *rows = calloc(info->count, sizeof *rows);
    struct segment *segment;
    struct run_reader *reader;
    MUST(segment_open(&(struct trail_place){ disk, PATH, tag }, info, &segment, &why));
    struct run run = segment_run(segment);
    MUST(run_reader_create(&run, &reader, &why));
    for (uint32_t i = 0; i < info->count; i++) {
        struct run_entry entry;
        MUST(run_entry(reader, i, RUN_PARTS, &entry, &why));
        memcpy(rows[i].salt, entry.salt, sizeof entry.salt);
        for (unsigned f = 0; f < FIELD_COUNT; f++)
            if (f != FIELD_PRIVATE)
                rows[i].values[f] = copy(entry.values[f]);
    }
    run_reader_destroy(reader);
    segment_release(segment);
    return rows;
}

static void
free_rows(struct row *rows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        for (unsigned f = 0; f < FIELD_COUNT; f++)
            free((void *)rows[i].values[f].data);
    free(rows);
}

static void
replace_value(struct bytes *value, const char *text)
{
    free((void *)value->data);
    *value = copy(bytes_text(text));
}

static void
change_row(struct row *rows, uint32_t row, enum change change)
{
    struct row other;
    switch (change) {
    case CHANGE_PUBLIC:
        replace_value(&rows[row].values[FIELD_ACTION], "report.deleted");
        break;
    case CHANGE_PRIVATE:
        replace_value(&rows[row].values[FIELD_DETAILS], "{\"n\":0}");
        break;
    case CHANGE_SALT:
        rows[row].salt[7] ^= 1;
        break;
    case CHANGE_TIME:
        replace_value(&rows[row].values[FIELD_TIMESTAMP], "2026-01-01T00:00:00Z");
        break;
    case CHANGE_ORDER:
        other = rows[row];
        rows[row] = rows[row + 1];
        rows[row + 1] = other;
        break;
    case CHANGE_NOTHING:
        break;
    }
}

static struct segment_info
write_rows(struct disk *disk, const struct manifest *manifest, const uint8_t tag[16],
           const struct segment_info *info, const struct row *rows)
{
    struct head *head;
    struct segment_info written;
    MUST(head_create(info->first, manifest->fields_private, &head, &why));
    for (uint32_t i = 0; i < info->count; i++) {
        struct head_entry entry = { .values = rows[i].values, .salt = rows[i].salt };
        MUST(head_append(head, &entry, 1, &why));
    }
    head_publish(head);
    MUST(segment_write_head(&(struct trail_place){ disk, PATH, tag }, head, &written, &why));
    head_release(head);
    return written;
}

/* The tree of all sealed entries, and the hash of each whole group. */
static void
grow(struct disk *disk, const struct manifest *manifest, const uint8_t tag[16],
     struct tally_tree *tree, struct tally_hash *groups)
{
    tally_tree_init(tree);
    for (size_t i = 0; i < manifest->count; i++) {
        const struct segment_info *info = &manifest->segments[i];
        struct segment *segment;
        struct run_reader *reader;
        MUST(segment_open(&(struct trail_place){ disk, PATH, tag }, info, &segment, &why));
        struct run run = segment_run(segment);
        MUST(run_reader_create(&run, &reader, &why));
        for (uint32_t row = 0; row < info->count; row++) {
            struct run_entry entry;
            struct tally_hash leaf;
            MUST(run_entry(reader, row, RUN_PARTS, &entry, &why));
            tally_hash_leaf(entry.public_part.data, entry.public_part.size, &leaf);
            (void)hashes_complete(tree, &leaf, &groups[tree->size / HASHES_SPAN]);
            tally_tree_append(tree, &leaf);
        }
        run_reader_destroy(reader);
        segment_release(segment);
    }
}

/* Changes a row of the trail's third large segment, which nothing was erased from. Returns the
 * entry's index. */
static uint64_t
forge(struct disk *disk, enum change change, enum cover cover)
{
    struct manifest manifest;
    MUST(manifest_read(disk, PATH, &manifest, &why));
    uint8_t tag[16];
    trail_tag(manifest.vkey.name, tag);
    struct segment_info *info = &manifest.segments[manifest.count - 1];
    uint32_t row = 300;
    struct row *rows = read_rows(disk, tag, info);
    change_row(rows, row, change);
    *info = write_rows(disk, &manifest, tag, info, rows);
    free_rows(rows, info->count);

    struct tally_tree tree;
    struct tally_hash groups[SPECIMEN_ENTRIES_MAX / HASHES_SPAN + 1];
    grow(disk, &manifest, tag, &tree, groups);
    uint64_t from = info->first / HASHES_SPAN;
    if (cover >= COVER_TREE)
        MUST(hashes_write_file(&(struct trail_place){ disk, PATH, tag }, info->first, from,
                               groups + from,
                               (size_t)((info->first + info->count) / HASHES_SPAN - from), &why));
    if (cover >= COVER_MANIFEST)
        manifest.tree = tree;
    MUST(manifest_write(disk, PATH, &manifest, &why));
    uint64_t index = info->first + row;
    manifest_free(&manifest);
    return index;
}

static void
forged_segments(void **state)
{
    (void)state;
    static const char *const changes[] = { "public", "private", "salt", "time", "order" };
    for (int change = CHANGE_PUBLIC; change < CHANGE_NOTHING; change++)
        for (int cover = COVER_SEGMENT; cover <= COVER_MANIFEST; cover++) {
            struct disk *disk = disk_sim_copy(specimen->disk);
            uint64_t index = forge(disk, (enum change)change, (enum cover)cover);
            struct folder *folder = fixture_folder(disk, 1000);
            struct verify_report report;
            if (fixture_verify(folder, "main", &report) != VERDICT_TAMPERED)
                fail_msg("%s, cover %d: verdict %d: %s", changes[change], cover,
                         (int)report.verdict, report.text);
            print_message("# %s, cover %d: %s\n", changes[change], cover, report.text);
            if (cover == COVER_SEGMENT) {
                /* The stored hashes tell the group. */
                assert_true(report.bad_first <= index && index <= report.bad_last);
                assert_true(report.bad_last - report.bad_first < HASHES_SPAN);
                assert_true(specimen_named(&report, PATH "/segments/0000000000000000") ||
                            strstr(report.file, "/segments/") != NULL);
            } else if (cover == COVER_TREE) {
                assert_true(specimen_named(&report, PATH "/manifest"));
            } else {
                assert_true(report.bad_first <= index && index <= report.bad_last);
                struct trail *trail;
                assert_int_equal(trail_open(folder, "main", TRAIL_WRITE, &trail, NULL, &why),
                                 TALLY_DAMAGED);
            }
            folder_close(folder);
            disk_close_folder(disk);
        }
}

/* The forger's tools themselves change nothing: else the tests above could not fail. */
static void
an_honest_rewrite_is_intact(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_copy(specimen->disk);
    (void)forge(disk, CHANGE_NOTHING, COVER_MANIFEST);
    struct folder *folder = fixture_folder(disk, 1000);
    fixture_intact(folder, "main", specimen->size, specimen->erased);
    folder_close(folder);
    disk_close_folder(disk);
}

/* What is derived was rebuilt from forged entries, or not at all: the forgery still stands out. */
static void
rebuilding_hides_nothing(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_copy(specimen->disk);
    uint64_t index = forge(disk, CHANGE_PUBLIC, COVER_SEGMENT);
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = fixture_open(folder, "main", TRAIL_WRITE);
    assert_int_equal(trail_rebuild(trail, &why), TALLY_DAMAGED);
    tally_status closed = trail_close(trail, NULL);
    (void)closed;
    struct verify_report report;
    assert_int_equal(fixture_verify(folder, "main", &report), VERDICT_TAMPERED);
    assert_true(report.bad_first <= index && index <= report.bad_last);
    assert_true(report.bad_last - report.bad_first < HASHES_SPAN);
    folder_close(folder);
    disk_close_folder(disk);
}

/* Wrong tree hashes that were read already are read anew when they are rebuilt. */
static void
rebuilding_forgets_what_was_read(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_copy(specimen->disk);
    uint8_t tag[16];
    trail_tag(FIXTURE_ORIGIN, tag);
    struct tally_hash wrong[2] = { { { 1 } }, { { 2 } } }, hash, right;
    MUST(hashes_write_file(&(struct trail_place){ disk, PATH, tag }, 0, 0, wrong, 2, &why));
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = fixture_open(folder, "main", TRAIL_WRITE);
    struct snapshot *snapshot;
    struct tally_tree tree;
    MUST(snapshot_open(trail, &snapshot, &why));
    MUST(snapshot_hash(snapshot, HASHES_LEVEL, 0, &hash, &why));
    assert_true(tally_hash_equal(&hash, &wrong[0]));
    MUST(trail_rebuild(trail, &why));
    fixture_record(trail, 70000, 300, NULL);
    for (unsigned round = 0; round < 2; round++) {
        MUST(snapshot_hash(snapshot, HASHES_LEVEL, 0, &hash, &why));
        tally_tree_init(&tree);
        for (unsigned i = 0; i < HASHES_SPAN; i++)
            tally_tree_append(&tree, &specimen->leaves[i]);
        tally_tree_root(&tree, &right);
        assert_true(tally_hash_equal(&hash, &right));
        MUST(trail_seal(trail, SEAL_ALL, &why));
        snapshot_close(snapshot);
        MUST(snapshot_open(trail, &snapshot, &why));
    }
    snapshot_close(snapshot);
    MUST(trail_close(trail, &why));
    fixture_intact(folder, "main", specimen->size + 300, specimen->erased);
    folder_close(folder);
    disk_close_folder(disk);
}

/* Private parts that go without a control entry naming them. */
static void
erased_off_the_record(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_copy(specimen->disk);
    struct manifest manifest;
    MUST(manifest_read(disk, PATH, &manifest, &why));
    uint8_t tag[16];
    trail_tag(manifest.vkey.name, tag);
    uint32_t rows[] = { 17, 18, 400 };
    struct segment_info *info = &manifest.segments[manifest.count - 1];
    MUST(segment_erase(&(struct trail_place){ disk, PATH, tag }, info, rows, 3, info, &why));
    MUST(manifest_write(disk, PATH, &manifest, &why));
    struct folder *folder = fixture_folder(disk, 1000);
    struct verify_report report;
    assert_int_equal(fixture_verify(folder, "main", &report), VERDICT_TAMPERED);
    assert_int_equal(report.bad_first, info->first + 17);
    assert_int_equal(report.bad_last, info->first + 17);
    manifest_free(&manifest);
    folder_close(folder);
    disk_close_folder(disk);
}

/* Puts back the private and index file that a segment had before an erasure, and what the manifest
 * said of them. */
static void
put_back(struct disk *disk, struct disk *before, const struct segment_info *info, size_t segment)
{
    static const enum segment_file_kind kinds[] = { SEGMENT_FILE_PRIVATE, SEGMENT_FILE_INDEX };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char name[SEGMENT_NAME_MAX];
        size_t size;
        segment_file_name(PATH,
                          &(struct segment_identity){ .kind = kinds[i],
                                                      .first = info->first,
                                                      .count = info->count,
                                                      .generation = info->generation },
                          name);
        uint8_t *data = specimen_read(before, name, &size);
        specimen_write(disk, name, data, size);
        free(data);
    }
    struct manifest manifest;
    MUST(manifest_read(disk, PATH, &manifest, &why));
    manifest.segments[segment] = *info;
    MUST(manifest_write(disk, PATH, &manifest, &why));
    manifest_free(&manifest);
}

/* An old file is all that it takes to have a private part again that fits its commitment. */
static void
an_erasure_undone(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_copy(specimen->disk);
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = fixture_open(folder, "main", TRAIL_WRITE);
    struct manifest before;
    MUST(manifest_read(disk, PATH, &before, &why));
    size_t segment = before.count - 1;
    uint64_t index = before.segments[segment].first + 17;
    MUST(trail_erase(trail, &index, 1, "asked to", &why));
    MUST(trail_close(trail, &why));
    fixture_intact(folder, "main", specimen->size + 1, specimen->erased + 1);

    put_back(disk, specimen->disk, &before.segments[segment], segment);
    struct verify_report report;
    assert_int_equal(fixture_verify(folder, "main", &report), VERDICT_TAMPERED);
    assert_int_equal(report.bad_first, index);
    assert_int_equal(report.bad_last, index);
    manifest_free(&before);
    folder_close(folder);
    disk_close_folder(disk);
}

/* Mends the checksums of every record of the journal file from `at` on, the chain included. */
static void
mend_records(uint8_t *data, size_t size, uint32_t seed)
{
    uint32_t chain = 0;
    bool first = true;
    for (size_t at = JOURNAL_HEADER_SIZE;
         at + RECORD_HEADER_SIZE < size && memcmp(data + at, RECORD_MAGIC, 8) == 0;) {
        struct record_header header = {
            .flags = get_u16(data + at + 10),
            .count = get_u32(data + at + 12),
            .sequence = get_u64(data + at + 16),
            .first = get_u64(data + at + 24),
            .body_size = get_u32(data + at + 32),
            .chain = first ? get_u32(data + at + 36) : chain,
        };
        header.body_crc = crc32c(0, data + at + RECORD_HEADER_SIZE, header.body_size);
        record_header_encode(&header, seed, data + at);
        chain = header.crc;
        first = false;
        at += record_span(header.body_size);
    }
}

/* The only journal file with records. */
static const char *
journal_with_records(uint8_t **data_out, size_t *size_out)
{
    for (size_t i = 0; i < specimen->file_count; i++) {
        if (specimen->files[i].kind != SPECIMEN_JOURNAL)
            continue;
        *data_out = specimen_read(specimen->disk, specimen->files[i].name, size_out);
        if (memcmp(*data_out + JOURNAL_HEADER_SIZE, RECORD_MAGIC, 8) == 0)
            return specimen->files[i].name;
        free(*data_out);
    }
    fixture_fail("no journal file has a record");
}

static void
forged_journal(void **state)
{
    (void)state;
    uint8_t tag[16];
    trail_tag(FIXTURE_ORIGIN, tag);
    static const struct {
        const char *find; /* the last byte of where it first stands is changed */
        bool named;
        const char *why;
    } table[] = {
        { "secret-3001", true, "a private part: its commitment tells" },
        { "\"report.rea", false, "a public part: only the root tells, and names no entry" },
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        size_t size;
        uint8_t *data;
        const char *name = journal_with_records(&data, &size);
        size_t length = strlen(table[i].find);
        uint8_t *place = memmem(data, size, table[i].find, length);
        assert_non_null(place);
        place[length - 1] ^= 1;
        mend_records(data, size, record_seed(tag));
        struct disk *disk = disk_sim_copy(specimen->disk);
        specimen_write(disk, name, data, size);
        struct folder *folder = fixture_folder(disk, 1000);
        struct verify_report report;
        assert_int_equal(fixture_verify(folder, "main", &report), VERDICT_TAMPERED);
        assert_true(report.bad_first <= specimen->size - 1);
        assert_int_equal(table[i].named, report.bad_first == report.bad_last);
        folder_close(folder);
        disk_close_folder(disk);
        free(data);
    }
}

/* --- signed anew, rolled back, forked: the folder alone is intact, what was seen tells --- */

static enum verdict
verify_against(struct folder *folder, const struct tally_vkey *vkey,
               const struct tally_checkpoint *seen, struct verify_report *report)
{
    struct verify_options options = { .vkey = vkey, .seen = seen };
    return fixture_verify_with(folder, "main", &options, report);
}

/* The same events under the same origin, by another key. */
static void
signed_anew(void **state)
{
    (void)state;
    struct specimen *twin = specimen_create(FIXTURE_ORIGIN, SEGMENT_SIZE);
    assert_false(tally_vkey_equal(&twin->vkey, &specimen->vkey));
    assert_int_equal(twin->size, specimen->size);
    struct folder *folder = fixture_folder(twin->disk, 1000);
    struct verify_report report;
    assert_int_equal(verify_against(folder, NULL, NULL, &report), VERDICT_INTACT);
    assert_true(tally_vkey_equal(&report.vkey, &twin->vkey));
    assert_int_equal(verify_against(folder, &specimen->vkey, NULL, &report), VERDICT_TAMPERED);
    assert_true(specimen_named(&report, PATH "/checkpoint"));
    assert_int_equal(verify_against(folder, NULL, &specimen->checkpoint, &report),
                     VERDICT_TAMPERED);
    assert_int_equal(report.bad_first, 0);
    folder_close(folder);
    specimen_destroy(twin);
}

/* The entries as they are, but checkpoint and manifest by another key of the same name. */
static void
another_key_over_the_same_entries(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_copy(specimen->disk);
    struct tally_signer signer;
    static const uint8_t seed[TALLY_SEED_SIZE] = { 1, 2, 3 };
    MUST(tally_signer_init(FIXTURE_ORIGIN, seed, &signer, &why));
    char note[TALLY_CHECKPOINT_NOTE_MAX];
    size_t size;
    MUST(tally_checkpoint_sign(&specimen->checkpoint, &signer, note, sizeof note, &size, &why));
    specimen_write(disk, PATH "/checkpoint", note, size);
    struct manifest manifest;
    MUST(manifest_read(disk, PATH, &manifest, &why));
    tally_signer_vkey(&signer, &manifest.vkey);
    MUST(manifest_write(disk, PATH, &manifest, &why));
    manifest_free(&manifest);
    struct folder *folder = fixture_folder(disk, 1000);
    struct verify_report report;
    assert_int_equal(verify_against(folder, NULL, NULL, &report), VERDICT_TAMPERED);
    assert_int_equal(report.bad_first, 0); /* entry 0 names the key */
    assert_int_equal(report.bad_last, 0);
    assert_int_equal(verify_against(folder, &specimen->vkey, NULL, &report), VERDICT_TAMPERED);
    folder_close(folder);
    disk_close_folder(disk);
}

/* Records more on a disk and takes the checkpoint. */
static struct tally_checkpoint
go_on(struct disk *disk, uint64_t number, uint32_t count)
{
    struct folder *folder = fixture_folder(disk, 1000);
    struct trail *trail = fixture_open(folder, "main", TRAIL_WRITE);
    fixture_record(trail, number, count, NULL);
    MUST(trail_sign(trail, &why));
    struct snapshot *snapshot;
    struct bytes note;
    MUST(snapshot_open(trail, &snapshot, &why));
    struct tally_checkpoint checkpoint = *snapshot_checkpoint(snapshot, &note);
    snapshot_close(snapshot);
    MUST(trail_close(trail, &why));
    folder_close(folder);
    return checkpoint;
}

static void
rolled_back(void **state)
{
    (void)state;
    struct disk *later = disk_sim_copy(specimen->disk);
    struct tally_checkpoint seen = go_on(later, 50000, 20);
    disk_close_folder(later);
    struct disk *disk = disk_sim_copy(specimen->disk);
    struct folder *folder = fixture_folder(disk, 1000);
    struct verify_report report;
    assert_int_equal(verify_against(folder, &specimen->vkey, NULL, &report), VERDICT_INTACT);
    assert_int_equal(verify_against(folder, NULL, &seen, &report), VERDICT_TAMPERED);
    assert_int_equal(report.bad_first, specimen->size);
    assert_int_equal(report.bad_last, seen.size - 1);
    folder_close(folder);
    disk_close_folder(disk);
}

static void
forked(void **state)
{
    (void)state;
    struct disk *honest = disk_sim_copy(specimen->disk);
    struct tally_checkpoint seen = go_on(honest, 50000, 20);
    static const uint32_t lengths[] = { 20, 30, 700 };
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct disk *disk = disk_sim_copy(specimen->disk);
        (void)go_on(disk, 60000, lengths[i]);
        struct folder *folder = fixture_folder(disk, 1000);
        struct verify_report report;
        assert_int_equal(verify_against(folder, &specimen->vkey, NULL, &report), VERDICT_INTACT);
        /* What both share is no fault, what was seen is. */
        assert_int_equal(verify_against(folder, NULL, &specimen->checkpoint, &report),
                         VERDICT_INTACT);
        assert_int_equal(verify_against(folder, NULL, &seen, &report), VERDICT_TAMPERED);
        folder_close(folder);
        disk_close_folder(disk);
    }
    struct folder *folder = fixture_folder(honest, 1000);
    struct verify_report report;
    assert_int_equal(verify_against(folder, &specimen->vkey, &seen, &report), VERDICT_INTACT);
    folder_close(folder);
    disk_close_folder(honest);
}

/* An older checkpoint of the same trail, put in the newest one's place. */
static void
older_checkpoint(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_copy(specimen->disk);
    size_t size;
    uint8_t *note = specimen_read(disk, PATH "/checkpoint", &size);
    struct folder *folder = fixture_folder(disk, 30);
    struct trail *trail = fixture_open(folder, "main", TRAIL_WRITE);
    fixture_record(trail, 50000, 40, NULL);
    MUST(trail_seal(trail, SEAL_ALL, &why));
    MUST(trail_close(trail, &why));
    specimen_write(disk, PATH "/checkpoint", note, size);
    free(note);
    struct verify_report report;
    assert_int_equal(fixture_verify(folder, "main", &report), VERDICT_TAMPERED);
    assert_true(specimen_named(&report, PATH "/checkpoint"));
    assert_int_equal(trail_open(folder, "main", TRAIL_WRITE, &trail, NULL, &why), TALLY_DAMAGED);
    assert_int_equal(trail_open(folder, "main", TRAIL_READ, &trail, NULL, &why), TALLY_DAMAGED);
    folder_close(folder);
    disk_close_folder(disk);
}

static void
nothing_to_check_is_no_pass(void **state)
{
    (void)state;
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, 1000);
    struct verify_report report;
    assert_int_equal(fixture_verify(folder, "main", &report), VERDICT_UNCHECKABLE);
    assert_int_equal(fixture_verify(folder, "../main", &report), VERDICT_UNCHECKABLE);
    folder_close(folder);
    disk_close_folder(disk);
}

static int
begin(void **state)
{
    (void)state;
    specimen = specimen_create(FIXTURE_ORIGIN, SEGMENT_SIZE);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    specimen_destroy(specimen);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_rewrite_is_intact),
        cmocka_unit_test(forged_segments),
        cmocka_unit_test(rebuilding_hides_nothing),
        cmocka_unit_test(rebuilding_forgets_what_was_read),
        cmocka_unit_test(erased_off_the_record),
        cmocka_unit_test(an_erasure_undone),
        cmocka_unit_test(forged_journal),
        cmocka_unit_test(signed_anew),
        cmocka_unit_test(another_key_over_the_same_entries),
        cmocka_unit_test(rolled_back),
        cmocka_unit_test(forked),
        cmocka_unit_test(older_checkpoint),
        cmocka_unit_test(nothing_to_check_is_no_pass),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
