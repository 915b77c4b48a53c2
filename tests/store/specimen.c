/*
 * specimen.c - see specimen.h.
 */
#include "specimen.h"

#include "manifest.h"

#include <inttypes.h>
#include <stdio.h>

static void
take_entries(struct specimen *specimen, struct trail *trail)
{
    struct snapshot *snapshot;
    struct bytes note;
    MUST(snapshot_open(trail, &snapshot, &why));
    specimen->size = snapshot_size(snapshot);
    if (specimen->size > SPECIMEN_ENTRIES_MAX)
        fixture_fail("the specimen is too large");
    for (uint64_t i = 0; i < specimen->size; i++) {
        struct run_entry entry;
        MUST(snapshot_entry(snapshot, i, RUN_PARTS, &entry, &why));
        tally_hash_leaf(entry.public_part.data, entry.public_part.size, &specimen->leaves[i]);
        specimen->is_erased[i] = entry.erased;
        specimen->erased += entry.erased;
    }
    specimen->checkpoint = *snapshot_checkpoint(snapshot, &note);
    specimen->vkey = *trail_vkey(trail);
    snapshot_close(snapshot);
}

struct collection {
    struct specimen *specimen;
    const char *folder;
    uint64_t journal; /* files of the journal below this number are idle */
};

static enum specimen_kind
kind_of(const char *folder, const char *name)
{
    if (strcmp(folder, "journal") == 0)
        return SPECIMEN_JOURNAL;
    if (strcmp(folder, "tree") == 0)
        return SPECIMEN_TREE;
    if (strstr(name, ".public") != NULL)
        return SPECIMEN_PUBLIC;
    if (strstr(name, ".group") != NULL)
        return SPECIMEN_GROUP;
    return strstr(name, ".private") != NULL ? SPECIMEN_PRIVATE : SPECIMEN_INDEX;
}

static void
add_file(struct specimen *specimen, const char *name, enum specimen_kind kind)
{
    if (specimen->file_count == SPECIMEN_FILES_MAX)
        fixture_fail("the specimen has too many files");
    struct specimen_file *file = &specimen->files[specimen->file_count++];
    (void)snprintf(file->name, sizeof file->name, "trails/main/%s", name);
    file->kind = kind;
}

static tally_status
collect_file(void *context, const char *name, struct tally_error *error)
{
    (void)error;
    struct collection *collection = context;
    if (strcmp(collection->folder, "journal") == 0 &&
        strtoull(name, NULL, 16) < collection->journal)
        return TALLY_OK;
    char path[SPECIMEN_NAME_SIZE - 12];
    (void)snprintf(path, sizeof path, "%s/%.80s", collection->folder, name);
    add_file(collection->specimen, path, kind_of(collection->folder, name));
    return TALLY_OK;
}

static void
collect_files(struct specimen *specimen)
{
    static const char *const folders[] = { "journal", "segments", "tree" };
    struct manifest manifest;
    MUST(manifest_read(specimen->disk, "trails/main", &manifest, &why));
    manifest_free(&manifest);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[64];
        (void)snprintf(path, sizeof path, "trails/main/%s", folders[i]);
        struct collection collection = { specimen, folders[i], manifest.journal.file };
        MUST(disk_list(specimen->disk, path, collect_file, &collection, &why));
    }
    add_file(specimen, "checkpoint", SPECIMEN_CHECKPOINT);
    add_file(specimen, "manifest", SPECIMEN_MANIFEST);
}

struct specimen *
specimen_create(const char *origin, uint32_t segment_size)
{
    struct specimen *specimen = calloc(1, sizeof *specimen);
    specimen->disk = fixture_disk();
    struct folder *folder = fixture_folder(specimen->disk, segment_size);
    struct trail *trail = fixture_create(folder, "main", origin);
    fixture_record(trail, 0, segment_size - 1, NULL);
    MUST(trail_seal(trail, SEAL_ALL, &why));
    fixture_record(trail, 10000, segment_size, NULL);
    MUST(trail_seal(trail, SEAL_ALL, &why));
    /* Two entries of the first segment and two of the second; the control entry is sealed alone. */
    uint64_t erased[] = { 3, 4, segment_size + 1, segment_size + 7 };
    MUST(trail_erase(trail, erased, 4, "asked for", &why));
    fixture_record(trail, 20000, segment_size, NULL);
    MUST(trail_seal(trail, SEAL_ALL, &why));
    /* Three records of the head. */
    for (unsigned i = 0; i < 3; i++)
        fixture_record(trail, 30000 + 10 * i, 4, NULL);
    MUST(trail_sign(trail, &why));
    take_entries(specimen, trail);
    MUST(trail_close(trail, &why));
    fixture_intact(folder, "main", specimen->size, 4);
    folder_close(folder);
    collect_files(specimen);
    return specimen;
}

void
specimen_destroy(struct specimen *specimen)
{
    disk_close_folder(specimen->disk);
    free(specimen);
}

static void
read_damaged(const struct specimen *specimen, struct trail *trail)
{
    uint64_t covered = specimen->checkpoint.size;
    if (trail_size(trail) < covered)
        fixture_fail("opened with %" PRIu64 " of %" PRIu64 " entries", trail_size(trail), covered);
    struct snapshot *snapshot;
    MUST(snapshot_open(trail, &snapshot, &why));
    for (uint64_t i = 0; i < covered; i++) {
        struct run_entry entry;
        if (snapshot_entry(snapshot, i, RUN_PARTS, &entry, &why) != TALLY_OK)
            continue; /* refused is fine, wrong is not */
        struct tally_hash leaf;
        tally_hash_leaf(entry.public_part.data, entry.public_part.size, &leaf);
        if (!tally_hash_equal(&leaf, &specimen->leaves[i]) ||
            entry.erased != specimen->is_erased[i])
            fixture_fail("entry %" PRIu64 " was read and is not the one that was recorded", i);
    }
    snapshot_close(snapshot);
}

void
specimen_open_damaged(const struct specimen *specimen, struct disk *copy)
{
    static const enum trail_mode modes[] = { TRAIL_READ, TRAIL_WRITE };
    struct folder *folder = fixture_folder(copy, 1000);
    for (size_t i = 0; i < 2; i++) {
        struct trail *trail;
        if (trail_open(folder, "main", modes[i], &trail, NULL, &why) != TALLY_OK)
            continue;
        read_damaged(specimen, trail);
        tally_status closed = trail_close(trail, NULL);
        (void)closed; /* what is damaged may not be sealed */
    }
    folder_close(folder);
    disk_close_folder(copy);
}

bool
specimen_named(const struct verify_report *report, const char *name)
{
    /* Whether a whole file is missing or a column of it is bad, its name is in the sentence or
     * beside it; the suffix may be left to the sentence. */
    const char *leaf = strrchr(name, '/') + 1;
    char stem[SPECIMEN_NAME_SIZE];
    (void)snprintf(stem, sizeof stem, "%.*s", (int)(strcspn(leaf, ".") + (size_t)(leaf - name)),
                   name);
    return strstr(report->text, leaf) != NULL || strstr(report->file, stem) != NULL;
}

uint8_t *
specimen_read(struct disk *disk, const char *name, size_t *size_out)
{
    uint64_t size = disk_sim_size(disk, name);
    uint8_t *data = malloc(size + 1);
    disk_sim_peek(disk, name, 0, data, size);
    *size_out = size;
    return data;
}

void
specimen_write(struct disk *disk, const char *name, const void *data, size_t size)
{
    char folder[SPECIMEN_NAME_SIZE];
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(name, '/') - name), name);
    MUST(disk_replace_file(disk, folder, name, bytes_of(data, size), &why));
}
