/*
 * journal_claim.c - taking a journal over, after whatever became of who wrote it before.
 *
 * Claiming takes nothing on trust that an earlier process did not see synced. It may have died
 * between a write and its sync, or have seen the sync fail: then the bytes that were just read may
 * be in the kernel's cache only, counted as clean, and a sync would succeed without writing them.
 * So the last record (by rule 1 of journal.c, the only one this can be true of) is written again as
 * it is and synced. Files behind it hold no record; whether their names are durable is as doubtful,
 * so they are removed and made anew. A torn tail in its own file is overwritten with zeros: no
 * remains of a record that never was may lie where the next one will stand.
 */
#include "journal_parts.h"

#include "fault.h"
#include "random.h"

#include <stdlib.h>

#define COPY_SIZE (1u << 20)

/* Writes bytes of a file as they are, so that the next sync really writes them. */
static tally_status
write_again(struct disk_file *file, uint64_t from, uint64_t to, struct tally_error *error)
{
    uint8_t *copy = malloc(COPY_SIZE);
    if (copy == NULL)
        return memory_fault(error);
    tally_status status = TALLY_OK;
    while (from < to && status == TALLY_OK) {
        size_t size = to - from < COPY_SIZE ? (size_t)(to - from) : COPY_SIZE;
        status = disk_read_all(file, from, copy, size, error);
        if (status == TALLY_OK)
            status = disk_write(file, from, copy, size, error);
        from += size;
    }
    free(copy);
    return status;
}

/* Makes what was read durable, and what was torn zeros. */
static tally_status
settle(struct journal *journal, const struct journal_tail *tail, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    if (tail->last_offset > 0)
        status = write_again(journal->file, tail->last_offset, tail->offset, error);
    if (status == TALLY_OK && tail->torn && tail->torn_file == journal->next.file)
        status = disk_clear(journal->file, tail->torn_offset, tail->torn_bytes, error);
    if (status == TALLY_OK)
        status = disk_sync(journal->file, error);
    if (status == TALLY_OK)
        status = journal_sync_folder(&journal->place, error);
    return status;
}

/* What becomes of a file there is: before `first` and behind the one that goes on it is removed,
 * between them it was filled by an earlier process. How far is not known: it counts as full. */
static tally_status
claim_file(struct journal *journal, uint64_t first, uint64_t number, struct tally_error *error)
{
    if (number == journal->next.file)
        return TALLY_OK;
    if (number < first || number > journal->next.file) {
        char name[DISK_NAME_SIZE];
        journal_file_name(&journal->place, number, name);
        tally_status status = disk_unlink(journal->place.disk, name, error);
        return status == TALLY_ABSENT ? TALLY_OK : status;
    }
    struct disk_file *file;
    uint64_t size;
    tally_status status =
        journal_file_open(&journal->place, number, DISK_READ, &file, &size, error);
    if (status != TALLY_OK)
        return status == TALLY_ABSENT ? journal_missing_file(&journal->place, number, error)
                                      : status;
    disk_close(file);
    status = journal_make_older_room(journal, error);
    if (status == TALLY_OK)
        journal_add_older(journal,
                          &(struct journal_older){ .number = number, .size = size, .used = size });
    return status;
}

static tally_status
claim_files(struct journal *journal, uint64_t first, const struct journal_tail *tail,
            struct tally_error *error)
{
    struct journal_numbers list;
    tally_status status = journal_file_list(&journal->place, &list, error);
    if (status != TALLY_OK)
        return status;
    for (size_t i = 0; i < list.count && status == TALLY_OK; i++)
        status = claim_file(journal, first, list.numbers[i], error);
    free(list.numbers);
    if (status == TALLY_OK)
        status = journal_file_remove_remnant(&journal->place, error);
    if (status == TALLY_OK)
        status =
            journal_open_next(journal, journal->next.file, &journal->file, &journal->size, error);
    if (status == TALLY_OK)
        status = settle(journal, tail, error);
    return status;
}

tally_status
journal_claim(const struct trail_place *place, const struct journal_position *from,
              const struct journal_tail *tail, struct journal **journal_out, uint64_t *epoch_out,
              struct tally_error *error)
{
    struct journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL)
        return memory_fault(error);
    journal->place = *place;
    journal->seed = record_seed(place->tag);
    journal->next = tail->end;
    journal->offset = tail->offset;
    journal->used_before = tail->used_before;
    atomic_init(&journal->entries, tail->end.index);
    /* The lock is what fences other processes off; two claims never share an epoch. */
    random_bytes(&journal->epoch, sizeof journal->epoch);

    tally_status status = claim_files(journal, from->file, tail, error);
    if (status != TALLY_OK) {
        journal_close(journal);
        return status;
    }
    *journal_out = journal;
    *epoch_out = journal->epoch;
    return TALLY_OK;
}
