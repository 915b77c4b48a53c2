/*
 * journal_trim.c - what becomes of a journal's files when their entries stand in segments.
 *
 * A file that a manifest no longer names is kept under its old number as a spare, to be written
 * over, where it is of full size and spares are few; else it is removed. A spare holds remains:
 * whole records, private parts among them. They stay until new records lie over them, unless an
 * erasure wants them gone: then all remains are overwritten, in spares and behind the records of
 * files that were spares once.
 *
 * A crash leaves nothing bad: files below the manifest's are removed by the next claim.
 */
#include "journal_parts.h"

#include <assert.h>

/* Overwrites what was trimmed and stands in the way of the rest of a file: from `from` on. */
static tally_status
wipe_file(const struct journal *journal, uint64_t number, uint64_t from, struct tally_error *error)
{
    struct disk_file *file;
    uint64_t size;
    tally_status status =
        journal_file_open(&journal->place, number, DISK_WRITE, &file, &size, error);
    if (status == TALLY_ABSENT)
        return TALLY_OK;
    if (status != TALLY_OK)
        return status;
    if (from < size)
        status = disk_clear(file, from, size - from, error);
    if (status == TALLY_OK)
        status = disk_sync(file, error);
    disk_close(file);
    return status;
}

/* Overwrites all remains: in spares, and behind the records of files that were spares once. */
static tally_status
wipe_remains(struct journal *journal, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    for (size_t i = 0; i < journal->spare_count && status == TALLY_OK; i++) {
        struct journal_spare *spare = &journal->spares[i];
        if (!spare->wiped)
            status = wipe_file(journal, spare->number, JOURNAL_HEADER_SIZE, error);
        spare->wiped = status == TALLY_OK;
    }
    for (size_t i = 0; i < journal->older_count && status == TALLY_OK; i++) {
        struct journal_older *older = &journal->older[i];
        if (older->used_before)
            status = wipe_file(journal, older->number, older->used, error);
        older->used_before = older->used_before && status != TALLY_OK;
    }
    if (status != TALLY_OK || !journal->used_before)
        return status;
    status = disk_clear(journal->file, journal->offset, journal->size - journal->offset, error);
    if (status == TALLY_OK)
        status = disk_sync(journal->file, error);
    if (status != TALLY_OK)
        return journal_doubt(journal, status, error);
    journal->used_before = false;
    return TALLY_OK;
}

static tally_status
remove_file(struct journal *journal, uint64_t number, struct tally_error *error)
{
    char name[DISK_NAME_SIZE];
    journal_file_name(&journal->place, number, name);
    tally_status status = disk_unlink(journal->place.disk, name, error);
    return status == TALLY_ABSENT ? TALLY_OK : status;
}

/* Keeps a trimmed file as a spare, or removes it. */
static tally_status
let_go(struct journal *journal, const struct journal_older *older, struct tally_error *error)
{
    if (older->size == JOURNAL_FILE_FULL && journal->spare_count < JOURNAL_SPARES_MAX) {
        journal->spares[journal->spare_count++] = (struct journal_spare){ .number = older->number };
        return TALLY_OK;
    }
    return remove_file(journal, older->number, error);
}

/* Not synced: a spare that is back after a crash is removed or kept by the next claim. */
static tally_status
drop_spares(struct journal *journal, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    while (journal->spare_count > 0 && status == TALLY_OK) {
        status = remove_file(journal, journal->spares[journal->spare_count - 1].number, error);
        journal->spare_count -= status == TALLY_OK;
    }
    return status;
}

tally_status
journal_trim(struct journal *journal, uint64_t file, enum journal_spares spares,
             struct tally_error *error)
{
    assert(file <= journal->next.file);
    tally_status status = journal_check_poison(journal, error);
    size_t gone = 0;
    while (status == TALLY_OK && gone < journal->older_count &&
           journal->older[gone].number < file) {
        status = let_go(journal, &journal->older[gone], error);
        gone += status == TALLY_OK;
    }
    journal->older_count -= gone;
    if (gone > 0 && journal->older_count > 0)
        memmove(journal->older, journal->older + gone,
                journal->older_count * sizeof *journal->older);
    if (status != TALLY_OK || spares == JOURNAL_KEEP_SPARES)
        return status;
    if (spares == JOURNAL_DROP_SPARES)
        return drop_spares(journal, error);
    status = wipe_remains(journal, error);
    if (status == TALLY_OK)
        status = journal_sync_folder(&journal->place, error);
    return status;
}
