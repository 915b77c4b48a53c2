/*
 * What an event costs on its way, step by step: each as the store does it, for a batch of 1,000 at
 * a time, in one thread, by processor time. Only the sync is by the clock: it is waiting.
 *
 *     scan       JSON into values, checked and filled in
 *     write      the two canonical parts
 *     hashes     commitment and leaf
 *     journal    checksum, and the write into a file that has its blocks
 *     sync       until the disk has it
 *     head       values into columns
 *     tree       leaves into the tree
 */
#include "bench.h"
#include "clock.h"
#include "crc32c.h"
#include "entry.h"
#include "fault.h"
#include "head.h"
#include "tally/tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STEP_BATCHES 100u
#define FILE_SIZE    (64u << 20)

struct steps {
    struct generator generator;
    struct catalogue *catalogue;
    struct event_reader *reader;
    struct head *head;
    struct tally_tree tree;
    int file;
    off_t offset;
    struct events events;
    struct event read[BENCH_BATCH];
    struct entry_parts written[BENCH_BATCH];
    struct buffer parts;
    struct entry_stamp stamp;
    int64_t making, scan, write, hashes, journal, sync, head_time, tree_time;
};

/* A file of zeros that are on disk, as the journal's are. */
static tally_status
file_make(const struct bench *bench, int *file_out, struct tally_error *error)
{
    char path[PATH_MAX + 16];
    (void)snprintf(path, sizeof path, "%s/steps", bench->path);
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return io_fault(error, "cannot make %s", path);
    (void)unlink(path);
    static const uint8_t zeros[1u << 20];
    bool made = true;
    for (off_t at = 0; at < FILE_SIZE && made; at += sizeof zeros)
        made = pwrite(file, zeros, sizeof zeros, at) == (ssize_t)sizeof zeros;
    if (!made || fdatasync(file) < 0) {
        (void)close(file);
        return io_fault(error, "cannot fill %s", path);
    }
    *file_out = file;
    return TALLY_OK;
}

static tally_status
scan_batch(struct steps *steps, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    event_reader_reset(steps->reader);
    int64_t now = clock_now();
    for (uint32_t i = 0; i < BENCH_BATCH && status == TALLY_OK; i++)
        status =
            event_read(steps->reader, events_at(&steps->events, i), now, &steps->read[i], error);
    return status;
}

/* The commitment and the leaf are part of it. */
static tally_status
write_batch(struct steps *steps, struct tally_error *error)
{
    static const uint8_t salt[ENTRY_SALT_SIZE];
    tally_status status = TALLY_OK;
    buffer_clear(&steps->parts);
    for (uint32_t i = 0; i < BENCH_BATCH && status == TALLY_OK; i++)
        status = entry_write(&steps->read[i], &steps->stamp, salt, &steps->parts, &steps->parts,
                             &steps->written[i], error);
    return status;
}

static void
hash_batch(struct steps *steps)
{
    for (uint32_t i = 0; i < BENCH_BATCH; i++) {
        struct entry_parts *written = &steps->written[i];
        const uint8_t *parts = steps->parts.data;
        struct tally_hash commitment;
        entry_commit_hash(written->salt,
                          bytes_of(parts + written->private_offset, written->private_size),
                          &commitment);
        tally_hash_leaf(parts + written->public_offset, written->public_size, &written->leaf);
    }
}

static tally_status
put_batch(struct steps *steps, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    struct head_entry entries[HEAD_ROWS_AT_ONCE];
    for (uint32_t i = 0; i < BENCH_BATCH && status == TALLY_OK;) {
        uint32_t count = 0;
        for (; count < HEAD_ROWS_AT_ONCE && i < BENCH_BATCH; i++) {
            struct bytes *values = steps->read[i].values;
            values[FIELD_V] = bytes_text("1");
            values[FIELD_RECEIVED] = values[FIELD_TIMESTAMP];
            values[FIELD_WRITER] = steps->stamp.writer;
            entries[count++] = (struct head_entry){ values, steps->written[i].salt };
        }
        status = head_append(steps->head, entries, count, error);
    }
    if (status == TALLY_OK)
        head_publish(steps->head);
    return status;
}

static void
grow_tree(struct steps *steps)
{
    for (uint32_t i = 0; i < BENCH_BATCH; i++)
        tally_tree_append(&steps->tree, &steps->written[i].leaf);
}

static tally_status
journal_batch(struct steps *steps, struct tally_error *error)
{
    struct buffer *parts = &steps->parts;
    if (steps->offset + (off_t)parts->size > FILE_SIZE)
        steps->offset = 0;
    put_u32(parts->data, crc32c(0, parts->data, parts->size));
    if (pwrite(steps->file, parts->data, parts->size, steps->offset) != (ssize_t)parts->size)
        return io_fault(error, "cannot write the steps' file");
    steps->offset += (off_t)parts->size;
    return TALLY_OK;
}

static tally_status
step_batch(struct steps *steps, struct tally_error *error)
{
    int64_t times[8];
    times[0] = bench_thread_time();
    tally_status status = events_make(&steps->generator, BENCH_BATCH, &steps->events, error);
    times[1] = bench_thread_time();
    if (status == TALLY_OK)
        status = scan_batch(steps, error);
    times[2] = bench_thread_time();
    if (status == TALLY_OK)
        status = write_batch(steps, error);
    times[3] = bench_thread_time();
    if (status != TALLY_OK)
        return status;
    hash_batch(steps);
    times[4] = bench_thread_time();
    status = put_batch(steps, error);
    times[5] = bench_thread_time();
    grow_tree(steps);
    times[6] = bench_thread_time();
    if (status == TALLY_OK)
        status = journal_batch(steps, error);
    times[7] = bench_thread_time();
    int64_t start = clock_monotonic();
    if (status == TALLY_OK && fdatasync(steps->file) < 0)
        status = io_fault(error, "cannot sync the steps' file");
    steps->sync += clock_monotonic() - start;
    steps->making += times[1] - times[0];
    steps->scan += times[2] - times[1];
    steps->hashes += times[4] - times[3];
    steps->write += times[3] - times[2] - (times[4] - times[3]);
    steps->head_time += times[5] - times[4];
    steps->tree_time += times[6] - times[5];
    steps->journal += times[7] - times[6];
    return status;
}

static tally_status
measure_steps(const struct bench *bench, struct steps *steps, struct results *results,
              struct tally_error *error)
{
    steps->stamp = (struct entry_stamp){
        .received = BYTES("2026-01-31T12:00:00.123456Z"),
        .writer = bytes_text("local:0"),
        .private_fields = FIELDS_PRIVATE_DEFAULT,
    };
    tally_status status = generator_init(&steps->generator, BENCH_SEED, error);
    if (status == TALLY_OK)
        status = file_make(bench, &steps->file, error);
    if (status == TALLY_OK)
        status = catalogue_create(NULL, 0, &steps->catalogue, error);
    if (status == TALLY_OK)
        status = event_reader_create(steps->catalogue, &steps->reader, error);
    if (status == TALLY_OK)
        status = head_create(0, steps->stamp.private_fields, &steps->head, error);
    size_t bytes = 0;
    for (unsigned i = 0; i < STEP_BATCHES && status == TALLY_OK; i++) {
        status = step_batch(steps, error);
        bytes += steps->events.text.size;
    }
    if (status != TALLY_OK)
        return status;

    uint64_t count = STEP_BATCHES * BENCH_BATCH;
    results_add(results, "bytes of an event", (double)bytes / (double)count, "bytes");
    results_add_cost(results, "making an event (not counted)", count, steps->making);
    results_add_cost(results, "step: scan", count, steps->scan);
    results_add_cost(results, "step: write canonically", count, steps->write);
    results_add_cost(results, "step: hashes", count, steps->hashes);
    results_add_cost(results, "step: journal, checksum and write", count, steps->journal);
    results_add_cost(results, "step: journal, sync (by the clock)", count, steps->sync);
    results_add_cost(results, "step: head", count, steps->head_time);
    results_add_cost(results, "step: tree", count, steps->tree_time);
    return TALLY_OK;
}

void
stage_steps(const struct bench *bench, struct results *results)
{
    struct steps *steps = calloc(1, sizeof *steps);
    struct tally_error error = { .text = "out of memory" };
    if (steps == NULL) {
        results_fail(results, &error);
        return;
    }
    steps->file = -1;
    if (measure_steps(bench, steps, results, &error) != TALLY_OK)
        results_fail(results, &error);
    if (steps->file >= 0)
        (void)close(steps->file);
    head_release(steps->head);
    event_reader_destroy(steps->reader);
    catalogue_destroy(steps->catalogue);
    generator_finish(&steps->generator);
    buffer_free(&steps->events.text);
    buffer_free(&steps->parts);
    free(steps);
}
