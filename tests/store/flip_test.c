/*
 * flip_test.c - invariants 2, 3 and 4: no byte of a trail changes unseen.
 *
 * Every used byte of every journal, segment, tree, checkpoint and manifest file of a small trail is
 * changed in turn: two seeded bits of it, or all where TALLY_FLIP_BITS is 8. Each time
 * verification must say so and name the file; and opening the trail, as a writer or a reader, must
 * refuse it or give only what was recorded.
 *
 * Used are all bytes but those of a journal file after its last record, and the padding between its
 * records. A changed index or tree file is INDEX_WRONG, anything else TAMPERED. Who leaves out the
 * indexes sees the same of all files but those of the indexes.
 */
#include "specimen.h"

#include "journal_record.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SEGMENT_SIZE 24u

static struct specimen *specimen;

/* Which bytes of a journal file its records use. */
static void
mark_used(const struct specimen_file *file, const uint8_t *data, size_t size, bool *used)
{
    bool journal = file->kind == SPECIMEN_JOURNAL;
    memset(used, !journal, size);
    if (!journal)
        return;
    memset(used, true, JOURNAL_HEADER_SIZE);
    for (size_t at = JOURNAL_HEADER_SIZE; at + RECORD_HEADER_SIZE < size;) {
        if (memcmp(data + at, RECORD_MAGIC, 8) != 0)
            break;
        size_t body = get_u32(data + at + 32);
        memset(used + at, true, RECORD_HEADER_SIZE + body);
        at += record_span(body);
    }
}

static void
check_flip(struct folder *folder, const struct specimen_file *file, size_t offset, unsigned bit)
{
    struct verify_report report;
    bool derived =
        file->kind == SPECIMEN_INDEX || file->kind == SPECIMEN_GROUP || file->kind == SPECIMEN_TREE;
    enum verdict expected = derived ? VERDICT_INDEX_WRONG : VERDICT_TAMPERED;
    enum verdict verdict = fixture_verify(folder, "main", &report);
    if (verdict != expected)
        fail_msg("%s, byte %zu, bit %u: verdict %d: %s", file->name, offset, bit, (int)verdict,
                 report.text);
    if (!specimen_named(&report, file->name))
        fail_msg("%s, byte %zu, bit %u: named is \"%s\": %s", file->name, offset, bit, report.file,
                 report.text);
}

/* To who leaves out the indexes. */
static void
check_history(struct folder *folder, const struct specimen_file *file, size_t offset)
{
    const struct verify_options options = { .scope = VERIFY_HISTORY };
    struct verify_report report;
    bool index = file->kind == SPECIMEN_INDEX || file->kind == SPECIMEN_GROUP;
    enum verdict expected = index                         ? VERDICT_INTACT
                            : file->kind == SPECIMEN_TREE ? VERDICT_INDEX_WRONG
                                                          : VERDICT_TAMPERED;
    enum verdict verdict = fixture_verify_with(folder, "main", &options, &report);
    if (verdict != expected)
        fail_msg("%s, byte %zu: verdict %d without indexes: %s", file->name, offset, (int)verdict,
                 report.text);
}

static void
flip_file(const struct specimen_file *file, unsigned bits, uint64_t *random)
{
    size_t size;
    uint8_t *data = specimen_read(specimen->disk, file->name, &size);
    bool *used = malloc(size);
    mark_used(file, data, size, used);
    struct disk *disk = disk_sim_copy(specimen->disk);
    struct folder *folder = fixture_folder(disk, 1000);
    size_t flips = 0;
    for (size_t i = 0; i < size; i++) {
        uint64_t draw = fixture_random(random);
        for (unsigned k = 0; used[i] && k < bits; k++) {
            unsigned bit = (unsigned)(draw + k) % 8;
            uint8_t changed = (uint8_t)(data[i] ^ 1u << bit);
            disk_sim_poke(disk, file->name, i, &changed, 1);
            check_flip(folder, file, i, bit);
            if (k == 0)
                check_history(folder, file, i);
            if (draw >> 32 % 8 == 0)
                specimen_open_damaged(specimen, disk_sim_copy(disk));
            disk_sim_poke(disk, file->name, i, &data[i], 1);
            flips++;
        }
    }
    fixture_intact(folder, "main", specimen->size, specimen->erased);
    folder_close(folder);
    disk_close_folder(disk);
    print_message("# %s: %zu changes\n", file->name, flips);
    free(used);
    free(data);
}

static void
flip_kind(void **state)
{
    enum specimen_kind kind = *(enum specimen_kind *)*state;
    unsigned bits = (unsigned)fixture_setting("TALLY_FLIP_BITS", 2);
    uint64_t random = fixture_setting("TALLY_FLIP_SEED", 1);
    for (size_t i = 0; i < specimen->file_count; i++)
        if (specimen->files[i].kind == kind)
            flip_file(&specimen->files[i], bits, &random);
}

/* Checkpoint and manifest are small enough for every bit in every run. */
static void
flip_all_bits(void **state)
{
    enum specimen_kind kind = *(enum specimen_kind *)*state;
    uint64_t random = 1;
    for (size_t i = 0; i < specimen->file_count; i++)
        if (specimen->files[i].kind == kind)
            flip_file(&specimen->files[i], 8, &random);
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
    static enum specimen_kind kinds[SPECIMEN_KINDS];
    for (int i = 0; i < SPECIMEN_KINDS; i++)
        kinds[i] = (enum specimen_kind)i;
    const struct CMUnitTest tests[] = {
        { "journal", flip_kind, NULL, NULL, &kinds[SPECIMEN_JOURNAL] },
        { "public segment files", flip_kind, NULL, NULL, &kinds[SPECIMEN_PUBLIC] },
        { "private segment files", flip_kind, NULL, NULL, &kinds[SPECIMEN_PRIVATE] },
        { "index files", flip_kind, NULL, NULL, &kinds[SPECIMEN_INDEX] },
        { "group files", flip_kind, NULL, NULL, &kinds[SPECIMEN_GROUP] },
        { "tree files", flip_all_bits, NULL, NULL, &kinds[SPECIMEN_TREE] },
        { "checkpoint", flip_all_bits, NULL, NULL, &kinds[SPECIMEN_CHECKPOINT] },
        { "manifest", flip_all_bits, NULL, NULL, &kinds[SPECIMEN_MANIFEST] },
    };
    return cmocka_run_group_tests(tests, begin, end);
}
