/*
 * journal_fixture.h - for the journal's tests: a journal on the simulated disk, beside the count of
 * what was appended to it, whose content is a function of its index.
 *
 * Where the journal goes on is kept in a file FOLDER/manifest of its own, as a trail would.
 */
#ifndef JOURNAL_FIXTURE_H
#define JOURNAL_FIXTURE_H

#include "buffer.h"
#include "disk_sim.h"
#include "fault.h"
#include "journal_file.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define FOLDER      "t"
#define FIXTURE_TAG ((const uint8_t *)"0123456789abcdef")
#define ENTRY_MARK \
    "mark-of-entry-" /* stands in every private part, followed by its index and ; \
                                      */

/* `entries` is all that need be remembered: what an entry holds is a function of its index. */
struct fixture {
    struct disk *disk;
    struct journal *journal;
    uint64_t epoch;
    struct journal_position from;
    uint64_t entries; /* appended and acknowledged */
};

/* What an entry holds is a function of its index and size, so that nothing need be kept. */
static inline void
fixture_entry(uint64_t index, size_t size, struct buffer *body)
{
    char public_part[64], mark[64];
    (void)snprintf(public_part, sizeof public_part, "{\"v\":1,\"id\":\"%" PRIu64 "\",\"n\":%zu}",
                   index, size);
    (void)snprintf(mark, sizeof mark, ENTRY_MARK "%" PRIu64 ";", index);
    struct buffer private_part = { 0 };
    while (private_part.size < size)
        buffer_text(&private_part, mark);
    uint8_t salt[JOURNAL_SALT_SIZE];
    for (size_t i = 0; i < sizeof salt; i++)
        salt[i] = (uint8_t)(index * 31 + i * 7 + size);
    journal_entry_append(body, bytes_text(public_part), salt, buffer_view(&private_part));
    assert_false(buffer_failed(body));
    buffer_free(&private_part);
}

static inline bool
fixture_matches(uint64_t index, const struct journal_entry *entry)
{
    size_t size;
    uint64_t id;
    char text[64] = "";
    memcpy(text, entry->public_part.data,
           entry->public_part.size < 63 ? entry->public_part.size : 63);
    if (sscanf(text, "{\"v\":1,\"id\":\"%" SCNu64 "\",\"n\":%zu}", &id, &size) != 2 || id != index)
        return false;
    struct buffer body = { 0 };
    fixture_entry(index, size, &body);
    struct bytes rest = buffer_view(&body);
    struct journal_entry good;
    bool same = journal_entry_next(&rest, &good) &&
                bytes_equal(good.public_part, entry->public_part) &&
                bytes_equal(good.private_part, entry->private_part) &&
                memcmp(good.salt, entry->salt, JOURNAL_SALT_SIZE) == 0;
    buffer_free(&body);
    return same;
}

/* What a read found. */
struct found {
    uint64_t first; /* the index the first record has to have */
    uint64_t next;  /* behind the last entry seen */
    size_t records;
    bool wrong; /* an entry was not what was appended, or not in order */
};

static inline tally_status
fixture_visit(void *context, const struct journal_record *record, struct tally_error *error)
{
    (void)error;
    struct found *found = context;
    found->wrong |= record->first != found->next;
    struct bytes body = record->body;
    struct journal_entry entry;
    while (journal_entry_next(&body, &entry))
        found->wrong |= !fixture_matches(found->next++, &entry);
    found->wrong |= found->next != record->first + record->count;
    found->records++;
    return TALLY_OK;
}

static inline tally_status
fixture_read(struct disk *disk, const struct journal_position *from, uint64_t index_min,
             struct found *found_out, struct journal_tail *tail_out, struct tally_error *error)
{
    *found_out = (struct found){ .first = from->index, .next = from->index };
    return journal_read(&(struct trail_place){ disk, FOLDER, FIXTURE_TAG }, from, index_min,
                        fixture_visit, found_out, tail_out, error);
}

static inline tally_status
fixture_write_manifest(struct disk *disk, const struct journal_position *from,
                       struct tally_error *error)
{
    uint8_t bytes[28];
    put_u64(bytes, from->file);
    put_u64(bytes + 8, from->sequence);
    put_u64(bytes + 16, from->index);
    put_u32(bytes + 24, from->chain);
    return disk_replace_file(disk, FOLDER, FOLDER "/manifest", bytes_of(bytes, sizeof bytes),
                             error);
}

/* TALLY_ABSENT where there is none. */
static inline tally_status
fixture_read_manifest(struct disk *disk, struct journal_position *from_out,
                      struct tally_error *error)
{
    struct buffer file = { 0 };
    tally_status status = disk_read_file(disk, FOLDER "/manifest", 28, &file, error);
    if (status == TALLY_OK) {
        assert_int_equal(file.size, 28);
        *from_out = (struct journal_position){
            .file = get_u64(file.data),
            .sequence = get_u64(file.data + 8),
            .index = get_u64(file.data + 16),
            .chain = get_u32(file.data + 24),
        };
    }
    buffer_free(&file);
    return status;
}

/* Makes folder, journal and manifest; the manifest last, so that without it there is nothing
 * yet. */
static inline tally_status
fixture_create(struct fixture *fixture, struct tally_error *error)
{
    fixture->from = (struct journal_position){ .file = 1, .sequence = 1 };
    tally_status status = disk_make_folder(fixture->disk, FOLDER, error);
    if (status == TALLY_OK)
        status = disk_sync_folder(fixture->disk, "", error);
    if (status == TALLY_OK)
        status = journal_create(&(struct trail_place){ fixture->disk, FOLDER, FIXTURE_TAG }, error);
    if (status == TALLY_OK)
        status = fixture_write_manifest(fixture->disk, &fixture->from, error);
    return status;
}

/* Reads and claims, as a process does that opens the trail. */
static inline tally_status
fixture_open(struct fixture *fixture, struct found *found_out, struct journal_tail *tail_out,
             struct tally_error *error)
{
    tally_status status = fixture_read_manifest(fixture->disk, &fixture->from, error);
    if (status == TALLY_OK) /* whoever wrote it may not have seen it synced */
        status = fixture_write_manifest(fixture->disk, &fixture->from, error);
    if (status == TALLY_OK)
        status = fixture_read(fixture->disk, &fixture->from, 0, found_out, tail_out, error);
    if (status == TALLY_OK)
        status = journal_claim(&(struct trail_place){ fixture->disk, FOLDER, FIXTURE_TAG },
                               &fixture->from, tail_out, &fixture->journal, &fixture->epoch, error);
    if (status == TALLY_OK)
        fixture->entries = tail_out->end.index;
    return status;
}

static inline void
fixture_close(struct fixture *fixture)
{
    journal_close(fixture->journal);
    fixture->journal = NULL;
}

/* Appends a batch of `count` entries with private parts of about `size` bytes. */
static inline tally_status
fixture_append(struct fixture *fixture, uint32_t count, size_t size, struct tally_error *error)
{
    struct buffer body = { 0 };
    for (uint32_t i = 0; i < count; i++)
        fixture_entry(fixture->entries + i, size, &body);
    tally_status status = journal_append(fixture->journal, fixture->epoch, fixture->entries, count,
                                         buffer_view(&body), error);
    buffer_free(&body);
    if (status == TALLY_OK)
        fixture->entries += count;
    return status;
}

/* As sealing does: a fresh file, a manifest that begins there, and the rest let go. */
static inline tally_status
fixture_seal(struct fixture *fixture, enum journal_spares spares, struct tally_error *error)
{
    struct journal_position position;
    tally_status status = journal_rotate(fixture->journal, &position, error);
    if (status == TALLY_OK)
        status = fixture_write_manifest(fixture->disk, &position, error);
    if (status == TALLY_OK)
        fixture->from = position;
    if (status == TALLY_OK)
        status = journal_trim(fixture->journal, position.file, spares, error);
    return status;
}

/* For what has to work: says why where it does not. */
static inline void
must_work(tally_status status, const struct tally_error *error)
{
    if (status != TALLY_OK)
        fail_msg("%s: %s", tally_status_text(status), error->text);
}

/* A journal on a fresh disk, open. */
static inline void
fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){ .disk = disk_sim_create() };
    struct tally_error error;
    struct found found;
    struct journal_tail tail;
    must_work(fixture_create(fixture, &error), &error);
    must_work(fixture_open(fixture, &found, &tail, &error), &error);
}

static inline void
fixture_finish(struct fixture *fixture)
{
    fixture_close(fixture);
    disk_close_folder(fixture->disk);
}

/* Everything appended since the manifest is there, as it was, and nothing else; returns the
 * tail. */
static inline struct journal_tail
expect_all(struct fixture *fixture)
{
    struct found found;
    struct journal_tail tail;
    struct tally_error error;
    must_work(fixture_read(fixture->disk, &fixture->from, fixture->entries, &found, &tail, &error),
              &error);
    assert_false(found.wrong);
    assert_int_equal(found.next, fixture->entries);
    assert_int_equal(tail.end.index, fixture->entries);
    return tail;
}

/* The name of a file of the journal; lent until the next call. */
static inline const char *
fixture_file(uint64_t number)
{
    static char name[DISK_NAME_SIZE];
    journal_file_name(&(struct trail_place){ .folder = FOLDER }, number, name);
    return name;
}

/* The number of the file that the journal goes on in. */
static inline uint64_t
fixture_last_file(const struct fixture *fixture)
{
    uint64_t number = fixture->from.file;
    struct disk_file *file;
    while (disk_open(fixture->disk, fixture_file(number + 1), DISK_READ, &file, NULL) == TALLY_OK) {
        disk_close(file);
        number++;
    }
    return number;
}

#endif
