/*
 * journal.c - appending to the journal: an order made durable in local files.
 *
 * Records stand one behind the other in FOLDER/journal/NUMBER, each wholly within one file. Where
 * the next does not fit, it goes to the beginning of a fresh file with the next number: a spare, or
 * a new one. What the bytes are is in journal_record.c, how they are read back in journal_read.c.
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
 *     write and sync the record     see journal_read.c
 *
 * Claiming after a restart takes nothing on trust that an earlier process did not see synced. It
 * may have died between a write and its sync, or have seen the sync fail: then the bytes that were
 * just read may be in the kernel's cache only, counted as clean, and a sync would succeed without
 * writing them. So the last record (by 1, the only one this can be true of) is written again as it
 * is and synced. Files behind it hold no record; whether their names are durable is as doubtful, so
 * they are removed and made anew. A torn tail in its own file is overwritten with zeros: no remains
 * of a record that never was may lie where the next one will stand.
 *
 * TALLY_FULL is answered only where nothing has changed: a new file could not be made whole. A
 * record itself overwrites space that is taken; should a file system (one that copies on write)
 * lack space even so, that is a fault like any other.
 */
#include "buffer.h"
#include "crc32c.h"
#include "fault.h"
#include "journal_file.h"
#include "random.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define STAGING_SIZE (16u << 10) /* header and as much of the body as fits are written at once */
#define FILE_GROWTH  4u
#define FILE_ROUND   4096u
#define COPY_SIZE    (1u << 20)
#define RECORD_LARGE (256u << 10) /* from here on, twice the bytes cost more than a slower sync */

/* A file that was gone on from and is not trimmed. */
struct older {
    uint64_t number, size;
    uint64_t used;    /* bytes; beyond are zeros or remains */
    bool used_before; /* remains */
};

/* A file that was trimmed and is kept under its old number, to be overwritten. */
struct spare {
    uint64_t number;
    bool wiped; /* zeros behind its header */
};

struct journal {
    struct journal_place place;
    char folder[DISK_NAME_SIZE];
    uint8_t tag[16];
    uint32_t seed;
    uint64_t epoch;
    bool poisoned;
    char poison[256];

    struct journal_position next; /* its file is the open one */
    atomic_ullong entries;        /* next.index, for journal_publish() */
    struct disk_file *file;
    uint64_t offset, size;
    bool used_before;
    uint64_t last_span; /* of the newest record that was appended, or is to be */

    struct older *older;
    size_t older_count, older_capacity;
    struct spare spares[JOURNAL_SPARES_MAX];
    size_t spare_count;
    uint8_t staging[STAGING_SIZE];
};

static tally_status
sync_journal_folder(const struct journal_place *place, struct tally_error *error)
{
    char name[DISK_NAME_SIZE];
    journal_folder_name(place, name);
    return disk_sync_folder(place->disk, name, error);
}

tally_status
journal_create(struct disk *disk, const char *folder, const uint8_t tag[16],
               struct tally_error *error)
{
    struct journal_place place = { disk, folder, tag };
    char name[DISK_NAME_SIZE];
    journal_folder_name(&place, name);
    tally_status status = disk_make_folder(disk, name, error);
    if (status == TALLY_OK)
        status = disk_sync_folder(disk, folder, error);
    if (status == TALLY_OK)
        status = journal_file_create(&place, 1, JOURNAL_FILE_FIRST, JOURNAL_ZEROS_WRITTEN, error);
    if (status == TALLY_OK)
        status = sync_journal_folder(&place, error);
    return status;
}

/* From now on nothing is written. A lack of space in a place where something was begun is no lack
 * of space to the caller, who would try again. */
static tally_status
doubt(struct journal *journal, tally_status status, struct tally_error *error)
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

static tally_status
check_poison(const struct journal *journal, struct tally_error *error)
{
    if (!journal->poisoned)
        return TALLY_OK;
    return fault(error, TALLY_POISONED,
                 "the journal in %s takes no more records since a write is in doubt (%s): open the "
                 "trail again",
                 journal->folder, journal->poison);
}

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
        status = journal_file_clear(journal->file, tail->torn_offset,
                                    tail->torn_offset + tail->torn_bytes, error);
    if (status == TALLY_OK)
        status = disk_sync(journal->file, error);
    if (status == TALLY_OK)
        status = sync_journal_folder(&journal->place, error);
    return status;
}

static tally_status
missing_file(const struct journal_place *place, uint64_t number, struct tally_error *error)
{
    char name[DISK_NAME_SIZE];
    journal_file_name(place, number, name);
    return fault(error, TALLY_DAMAGED, "%s is missing", name);
}

/* Opens the file that records go to, which must be there. */
static tally_status
open_next(const struct journal *journal, uint64_t number, struct disk_file **file_out,
          uint64_t *size_out, struct tally_error *error)
{
    tally_status status =
        journal_file_open(&journal->place, number, DISK_WRITE, file_out, size_out, error);
    return status == TALLY_ABSENT ? missing_file(&journal->place, number, error) : status;
}

/* Remembers a file that is gone on from. Room for one more was made before. */
static void
add_older(struct journal *journal, const struct older *older)
{
    assert(journal->older_count < journal->older_capacity);
    journal->older[journal->older_count++] = *older;
}

static tally_status
make_older_room(struct journal *journal, struct tally_error *error)
{
    if (journal->older_count < journal->older_capacity)
        return TALLY_OK;
    size_t capacity = journal->older_capacity * 2 + 8;
    struct older *older = realloc(journal->older, capacity * sizeof *older);
    if (older == NULL)
        return memory_fault(error);
    journal->older = older;
    journal->older_capacity = capacity;
    return TALLY_OK;
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
        return status == TALLY_ABSENT ? missing_file(&journal->place, number, error) : status;
    disk_close(file);
    status = make_older_room(journal, error);
    if (status == TALLY_OK)
        add_older(journal, &(struct older){ .number = number, .size = size, .used = size });
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
        status = open_next(journal, journal->next.file, &journal->file, &journal->size, error);
    if (status == TALLY_OK)
        status = settle(journal, tail, error);
    return status;
}

tally_status
journal_claim(struct disk *disk, const char *folder, const uint8_t tag[16],
              const struct journal_position *from, const struct journal_position *end,
              const struct journal_tail *tail, struct journal **journal_out, uint64_t *epoch_out,
              struct tally_error *error)
{
    assert(strlen(folder) < DISK_NAME_SIZE);
    struct journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL)
        return memory_fault(error);
    memcpy(journal->folder, folder, strlen(folder) + 1);
    memcpy(journal->tag, tag, sizeof journal->tag);
    journal->place = (struct journal_place){ disk, journal->folder, journal->tag };
    journal->seed = record_seed(tag);
    journal->next = *end;
    journal->offset = tail->offset;
    journal->used_before = tail->used_before;
    atomic_init(&journal->entries, end->index);
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
    const struct spare *spare = &journal->spares[journal->spare_count - 1];
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
    tally_status status = make_older_room(journal, error);
    if (status == TALLY_OK)
        status = name_fresh(journal, number, span, &used_before, error);
    if (status == TALLY_FULL)
        return status;
    if (status == TALLY_OK)
        status = sync_journal_folder(&journal->place, error);
    struct disk_file *file;
    uint64_t size;
    if (status == TALLY_OK)
        status = open_next(journal, number, &file, &size, error);
    if (status != TALLY_OK)
        return doubt(journal, status, error);

    add_older(journal, &(struct older){ .number = journal->next.file,
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

/* Writes a record at the end of the open file and syncs it. */
static tally_status
write_record(struct journal *journal, uint32_t count, struct bytes body, uint32_t *crc_out,
             struct tally_error *error)
{
    struct record_header header = {
        .flags = journal->used_before ? RECORD_FILE_USED_BEFORE : 0,
        .count = count,
        .sequence = journal->next.sequence,
        .first = journal->next.index,
        .body_size = (uint32_t)body.size,
        .chain = journal->next.chain,
        .body_crc = crc32c(0, body.data, body.size),
    };
    record_header_encode(&header, journal->seed, journal->staging);
    size_t head = body.size < STAGING_SIZE - RECORD_HEADER_SIZE ? body.size
                                                                : STAGING_SIZE - RECORD_HEADER_SIZE;
    memcpy(journal->staging + RECORD_HEADER_SIZE, body.data, head);
    tally_status status = disk_write(journal->file, journal->offset, journal->staging,
                                     RECORD_HEADER_SIZE + head, error);
    if (status == TALLY_OK && head < body.size)
        status = disk_write(journal->file, journal->offset + RECORD_HEADER_SIZE + head,
                            body.data + head, body.size - head, error);
    if (status == TALLY_OK)
        status = disk_sync(journal->file, error);
    if (status == TALLY_OK)
        *crc_out = header.crc;
    return status;
}

/* What must hold before anything is written. */
static tally_status
check_append(const struct journal *journal, uint64_t epoch, uint64_t expected, struct bytes body,
             struct tally_error *error)
{
    tally_status status = check_poison(journal, error);
    if (status != TALLY_OK)
        return status;
    if (epoch != journal->epoch)
        return fault(error, TALLY_DENIED, "the journal in %s was claimed by another writer",
                     journal->folder);
    if (expected != journal->next.index)
        return fault(error, TALLY_CONFLICT,
                     "the next entry of the journal in %s is %" PRIu64 ", not %" PRIu64,
                     journal->folder, journal->next.index, expected);
    if (body.size > JOURNAL_RECORD_MAX - RECORD_HEADER_SIZE)
        return fault(error, TALLY_INVALID, "a record of %zu bytes is too large: at most %u",
                     body.size, JOURNAL_RECORD_MAX - RECORD_HEADER_SIZE);
    return TALLY_OK;
}

tally_status
journal_append(struct journal *journal, uint64_t epoch, uint64_t expected, uint32_t count,
               struct bytes body, struct tally_error *error)
{
    tally_status status = check_append(journal, epoch, expected, body, error);
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
    status = write_record(journal, count, body, &crc, error);
    if (status != TALLY_OK)
        return doubt(journal, status, error);
    journal->offset += span;
    journal->next.sequence++;
    journal->next.index += count;
    journal->next.chain = crc;
    atomic_store(&journal->entries, journal->next.index);
    return TALLY_OK;
}

tally_status
journal_rotate(struct journal *journal, struct journal_position *position_out,
               struct tally_error *error)
{
    tally_status status = check_poison(journal, error);
    if (status == TALLY_OK && journal->offset > JOURNAL_HEADER_SIZE)
        status = go_on(journal, 0, error);
    if (status == TALLY_OK)
        *position_out = journal->next;
    return status;
}

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
    status = journal_file_clear(file, from, size, error);
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
        struct spare *spare = &journal->spares[i];
        if (!spare->wiped)
            status = wipe_file(journal, spare->number, JOURNAL_HEADER_SIZE, error);
        spare->wiped = status == TALLY_OK;
    }
    for (size_t i = 0; i < journal->older_count && status == TALLY_OK; i++) {
        struct older *older = &journal->older[i];
        if (older->used_before)
            status = wipe_file(journal, older->number, older->used, error);
        older->used_before = older->used_before && status != TALLY_OK;
    }
    if (status != TALLY_OK || !journal->used_before)
        return status;
    status = journal_file_clear(journal->file, journal->offset, journal->size, error);
    if (status == TALLY_OK)
        status = disk_sync(journal->file, error);
    if (status != TALLY_OK)
        return doubt(journal, status, error);
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
let_go(struct journal *journal, const struct older *older, struct tally_error *error)
{
    if (older->size == JOURNAL_FILE_FULL && journal->spare_count < JOURNAL_SPARES_MAX) {
        journal->spares[journal->spare_count++] = (struct spare){ .number = older->number };
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
    tally_status status = check_poison(journal, error);
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
        status = sync_journal_folder(&journal->place, error);
    return status;
}

struct journal_position
journal_end(const struct journal *journal)
{
    return journal->next;
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
    int size = snprintf(name, sizeof name, "%s/checkpoint", journal->folder);
    assert(size > 0 && (size_t)size < sizeof name);
    return disk_replace_file(journal->place.disk, journal->folder, name, note, error);
}
