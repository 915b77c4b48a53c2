/*
 * journal.c - appending to the journal: an order made durable in local files.
 *
 * Records stand one behind the other in FOLDER/journal/NUMBER, each wholly within one file. Where
 * the next does not fit, it goes to the beginning of a fresh file with the next number: a spare, or
 * a new one. What the bytes are is in journal_record.c, how they are read back in journal_read.c,
 * how a process that did not write them takes them over in journal_claim.c, and what becomes of
 * files that are done with in journal_trim.c.
 *
 *     1. A record is written only after the one before it was synced.
 *     2. A file has a number only when all of it is synced, and a record only when its name is.
 *     3. A file is removed or recycled only when a manifest that does not name it is durable.
 *     4. The journal's position moves only when a record was synced.
 *     5. After a write or sync that failed, nothing is written any more: what is there is in doubt.
 *
 * By 1 and 2 a crash can leave nothing bad but the last record. By 4 and 5 what was acknowledged
 * stands before the position, and no second record is ever written where one in doubt may stand.
 *
 *     going on in a fresh file      a crash after it leaves
 *     a new one: journal_file.c     a whole file with a number, empty
 *     a spare: rename               the spare under its old number (below the manifest's: removed
 *                                   by the next claim), or under the new one: remains of old
 *                                   records
 *              sync the folder      the fresh file, empty
 *     write and sync the record     see journal_rest.c
 *
 * TALLY_FULL is answered only where nothing has changed: a new file could not be made whole. A
 * record itself overwrites space that is taken; should a file system (one that copies on write)
 * lack space even so, that is a fault like any other.
 */
#include "journal_parts.h"

#include "buffer.h"
#include "crc32c.h"
#include "fault.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_GROWTH  4u
#define FILE_ROUND   4096u
#define RECORD_LARGE (256u << 10) /* from here on, twice the bytes cost more than a slower sync */

tally_status
journal_sync_folder(const struct trail_place *place, struct tally_error *error)
{
    char name[DISK_NAME_SIZE];
    journal_folder_name(place, name);
    return disk_sync_folder(place->disk, name, error);
}

tally_status
journal_create(const struct trail_place *place, struct tally_error *error)
{
    char name[DISK_NAME_SIZE];
    journal_folder_name(place, name);
    tally_status status = disk_make_folder(place->disk, name, error);
    if (status == TALLY_OK)
        status = disk_sync_folder(place->disk, place->folder, error);
    if (status == TALLY_OK)
        status = journal_file_create(place, 1, JOURNAL_FILE_FIRST, JOURNAL_ZEROS_WRITTEN, error);
    if (status == TALLY_OK)
        status = journal_sync_folder(place, error);
    return status;
}

tally_status
journal_doubt(struct journal *journal, tally_status status, struct tally_error *error)
{
    if (status == TALLY_FULL) {
        status = TALLY_IO;
        if (error != NULL)
            error->status = TALLY_IO;
    }
    if (!journal->poisoned)
        (void)snprintf(journal->poison, sizeof journal->poison, "%.250s",
                       error == NULL ? tally_status_text(status) : error->text);
    journal->poisoned = true;
    return status;
}

tally_status
journal_check_poison(const struct journal *journal, struct tally_error *error)
{
    if (!journal->poisoned)
        return TALLY_OK;
    return fault(error, TALLY_POISONED,
                 "the journal in %s takes no more records since a write is in doubt (%s): open the "
                 "trail again",
                 journal->place.folder, journal->poison);
}

tally_status
journal_missing_file(const struct trail_place *place, uint64_t number, struct tally_error *error)
{
    char name[DISK_NAME_SIZE];
    journal_file_name(place, number, name);
    return fault(error, TALLY_DAMAGED, "%s is missing", name);
}

tally_status
journal_open_next(const struct journal *journal, uint64_t number, struct disk_file **file_out,
                  uint64_t *size_out, struct tally_error *error)
{
    tally_status status =
        journal_file_open(&journal->place, number, DISK_WRITE, file_out, size_out, error);
    return status == TALLY_ABSENT ? journal_missing_file(&journal->place, number, error) : status;
}

void
journal_add_older(struct journal *journal, const struct journal_older *older)
{
    assert(journal->older_count < journal->older_capacity);
    journal->older[journal->older_count++] = *older;
}

tally_status
journal_make_older_room(struct journal *journal, struct tally_error *error)
{
    if (journal->older_count < journal->older_capacity)
        return TALLY_OK;
    size_t capacity = journal->older_capacity * 2 + 8;
    struct journal_older *older = realloc(journal->older, capacity * sizeof *older);
    if (older == NULL)
        return memory_fault(error);
    journal->older = older;
    journal->older_capacity = capacity;
    return TALLY_OK;
}

void
journal_close(struct journal *journal)
{
    if (journal == NULL)
        return;
    disk_close(journal->file);
    free(journal->older);
    free(journal);
}

static uint64_t
fresh_size(const struct journal *journal, uint64_t span)
{
    uint64_t size = journal->size * FILE_GROWTH;
    if (size > JOURNAL_FILE_FULL)
        size = JOURNAL_FILE_FULL;
    uint64_t needed = JOURNAL_HEADER_SIZE + span;
    if (size < needed)
        size = (needed + FILE_ROUND - 1) / FILE_ROUND * FILE_ROUND;
    return size;
}

/* Records are taken to be as large as the last one was. */
static enum journal_zeros
zeros_for(const struct journal *journal)
{
    return journal->last_span >= RECORD_LARGE ? JOURNAL_ZEROS_RESERVED : JOURNAL_ZEROS_WRITTEN;
}

/* Gives a spare or a new file the number `number`. TALLY_FULL: nothing has changed. */
static tally_status
name_fresh(struct journal *journal, uint64_t number, uint64_t span, bool *used_before_out,
           struct tally_error *error)
{
    uint64_t size = fresh_size(journal, span);
    if (journal->spare_count == 0 || size != JOURNAL_FILE_FULL) {
        *used_before_out = false;
        return journal_file_create(&journal->place, number, size, zeros_for(journal), error);
    }
    const struct journal_spare *spare = &journal->spares[journal->spare_count - 1];
    char from[DISK_NAME_SIZE], to[DISK_NAME_SIZE];
    journal_file_name(&journal->place, spare->number, from);
    journal_file_name(&journal->place, number, to);
    tally_status status = disk_rename(journal->place.disk, from, to, error);
    if (status == TALLY_OK) {
        *used_before_out = !spare->wiped;
        journal->spare_count--;
    }
    return status;
}

/* Goes on in a fresh file that has room for a record of `span` bytes. */
static tally_status
go_on(struct journal *journal, uint64_t span, struct tally_error *error)
{
    uint64_t number = journal->next.file + 1;
    bool used_before;
    tally_status status = journal_make_older_room(journal, error);
    if (status == TALLY_OK)
        status = name_fresh(journal, number, span, &used_before, error);
    if (status == TALLY_FULL)
        return status;
    if (status == TALLY_OK)
        status = journal_sync_folder(&journal->place, error);
    struct disk_file *file;
    uint64_t size;
    if (status == TALLY_OK)
        status = journal_open_next(journal, number, &file, &size, error);
    if (status != TALLY_OK)
        return journal_doubt(journal, status, error);

    journal_add_older(journal, &(struct journal_older){ .number = journal->next.file,
                                                        .size = journal->size,
                                                        .used = journal->offset,
                                                        .used_before = journal->used_before });
    disk_close(journal->file);
    journal->file = file;
    journal->size = size;
    journal->offset = JOURNAL_HEADER_SIZE;
    journal->used_before = used_before;
    journal->next.file = number;
    return TALLY_OK;
}

/* The body of a record: pieces that follow each other, none of them empty. */
struct record_body {
    const struct bytes *pieces;
    size_t count;
    size_t size; /* of all */
};

/* Writes a header that is ready and the body behind it: the first of it together with the header,
 * the rest from where it is. */
static tally_status
write_pieces(struct journal *journal, const struct record_body *body, struct tally_error *error)
{
    size_t staged = RECORD_HEADER_SIZE, next = 0;
    struct bytes rest = { 0 };
    while (staged < STAGING_SIZE && (rest.size > 0 || next < body->count)) {
        if (rest.size == 0)
            rest = body->pieces[next++];
        size_t some = rest.size < STAGING_SIZE - staged ? rest.size : STAGING_SIZE - staged;
        memcpy(journal->staging + staged, rest.data, some);
        rest = bytes_of(rest.data + some, rest.size - some);
        staged += some;
    }
    tally_status status =
        disk_write(journal->file, journal->offset, journal->staging, staged, error);
    uint64_t offset = journal->offset + staged;
    while (status == TALLY_OK && (rest.size > 0 || next < body->count)) {
        if (rest.size == 0)
            rest = body->pieces[next++];
        status = disk_write(journal->file, offset, rest.data, rest.size, error);
        offset += rest.size;
        rest.size = 0;
    }
    return status;
}

/* Writes a record at the end of the open file and syncs it. */
static tally_status
write_record(struct journal *journal, uint32_t count, const struct record_body *body,
             uint32_t *crc_out, struct tally_error *error)
{
    struct record_header header = {
        .flags = journal->used_before ? RECORD_FILE_USED_BEFORE : 0,
        .count = count,
        .sequence = journal->next.sequence,
        .first = journal->next.index,
        .body_size = (uint32_t)body->size,
        .chain = journal->next.chain,
    };
    for (size_t i = 0; i < body->count; i++)
        header.body_crc = crc32c(header.body_crc, body->pieces[i].data, body->pieces[i].size);
    record_header_encode(&header, journal->seed, journal->staging);
    tally_status status = write_pieces(journal, body, error);
    if (status == TALLY_OK)
        status = disk_sync(journal->file, error);
    if (status == TALLY_OK)
        *crc_out = header.crc;
    return status;
}

/* What must hold before anything is written. */
static tally_status
check_append(const struct journal *journal, uint64_t epoch, uint64_t expected, size_t size,
             struct tally_error *error)
{
    tally_status status = journal_check_poison(journal, error);
    if (status != TALLY_OK)
        return status;
    if (epoch != journal->epoch)
        return fault(error, TALLY_DENIED, "the journal in %s was claimed by another writer",
                     journal->place.folder);
    if (expected != journal->next.index)
        return fault(error, TALLY_CONFLICT,
                     "the next entry of the journal in %s is %" PRIu64 ", not %" PRIu64,
                     journal->place.folder, journal->next.index, expected);
    if (size > JOURNAL_RECORD_MAX - RECORD_HEADER_SIZE)
        return fault(error, TALLY_INVALID, "a record of %zu bytes is too large: at most %u", size,
                     JOURNAL_RECORD_MAX - RECORD_HEADER_SIZE);
    return TALLY_OK;
}

tally_status
journal_append_pieces(struct journal *journal, uint64_t epoch, uint64_t expected, uint32_t count,
                      const struct bytes *pieces, size_t piece_count, struct tally_error *error)
{
    struct record_body body = { .pieces = pieces, .count = piece_count };
    for (size_t i = 0; i < piece_count; i++)
        body.size += pieces[i].size;
    tally_status status = check_append(journal, epoch, expected, body.size, error);
    if (status != TALLY_OK)
        return status;
    assert(count > 0 && body.size > 0);
    uint64_t span = record_span(body.size);
    journal->last_span = span;
    if (span > journal->size - journal->offset)
        status = go_on(journal, span, error);
    if (status != TALLY_OK)
        return status;

    uint32_t crc;
    status = write_record(journal, count, &body, &crc, error);
    if (status != TALLY_OK)
        return journal_doubt(journal, status, error);
    journal->offset += span;
    journal->next.sequence++;
    journal->next.index += count;
    journal->next.chain = crc;
    atomic_store(&journal->entries, journal->next.index);
    return TALLY_OK;
}

tally_status
journal_append(struct journal *journal, uint64_t epoch, uint64_t expected, uint32_t count,
               struct bytes body, struct tally_error *error)
{
    return journal_append_pieces(journal, epoch, expected, count, &body, 1, error);
}

tally_status
journal_rotate(struct journal *journal, struct journal_position *position_out,
               struct tally_error *error)
{
    tally_status status = journal_check_poison(journal, error);
    if (status == TALLY_OK && journal->offset > JOURNAL_HEADER_SIZE)
        status = go_on(journal, 0, error);
    if (status == TALLY_OK)
        *position_out = journal->next;
    return status;
}

uint64_t
journal_size(const struct journal *journal)
{
    uint64_t size = journal->offset;
    for (size_t i = 0; i < journal->older_count; i++)
        size += journal->older[i].used;
    return size;
}

tally_status
journal_publish(struct journal *journal, struct bytes note, uint64_t expected,
                struct tally_error *error)
{
    uint64_t entries = atomic_load(&journal->entries);
    if (entries < expected)
        return fault(error, TALLY_CONFLICT,
                     "a checkpoint of %" PRIu64 " entries cannot be published: there are %" PRIu64,
                     expected, entries);
    char name[DISK_NAME_SIZE];
    int size = snprintf(name, sizeof name, "%s/checkpoint", journal->place.folder);
    assert(size > 0 && (size_t)size < sizeof name);
    return disk_replace_file(journal->place.disk, journal->place.folder, name, note, error);
}
