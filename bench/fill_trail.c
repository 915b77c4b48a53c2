/*
 * fill_trail - record entries into an empty trail as fast as it goes, until all are sealed, and draw
 * samples of them.
 *
 *     fill_trail ENTRIES FOLDER SAMPLES
 *
 * One thread makes batches while the trail's own threads commit and seal. SAMPLES gets a line about
 * the whole, then one for each entry drawn: its index and its event (find_wanted.c reads them).
 * Prints rows of CSV.
 */
#include "batch.h"
#include "clock.h"
#include "fill.h"
#include "find.h"
#include "folder.h"
#include "quit.h"
#include "trail.h"

#include <inttypes.h>
#include <semaphore.h>
#include <stdlib.h>

#define BATCH   2000u
#define SLOTS   4u
#define SAMPLES 4000u /* one of each of so many equal parts */

/* A batch on its way. */
struct slot {
    struct batch *batch;
    struct append append;
    struct receipt receipts[BATCH];
    uint64_t first; /* the index it is to begin with */
    bool used;
    sem_t done;
};

struct filler {
    uint64_t entries;
    struct trail *trail;
    struct generator generator;
    struct buffer event;
    struct slot slots[SLOTS];
    struct buffer samples;
    uint64_t next_sample;
    uint64_t luck; /* of drawing; not the generator's, whose events are the same for all */
    int64_t first_time;
};

static void
expect(tally_status status, const struct tally_error *error)
{
    if (status != TALLY_OK)
        quit("%s", error->text);
}

/* ---- samples ---- */

/* Somewhere in the part behind the one that `made` is in. */
static uint64_t
draw_next(struct filler *filler, uint64_t made)
{
    uint64_t part = filler->entries < SAMPLES ? 1 : filler->entries / SAMPLES;
    filler->luck = filler->luck * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (made / part + 1) * part + (filler->luck >> 33) % part;
}

static void
sample(struct filler *filler)
{
    uint64_t index = filler->generator.made;
    if (index != filler->next_sample)
        return;
    buffer_format(&filler->samples, "{\"index\":%" PRIu64 ",\"event\":", index);
    buffer_bytes(&filler->samples, buffer_view(&filler->event));
    buffer_text(&filler->samples, "}\n");
    filler->next_sample = draw_next(filler, index);
}

static void
write_samples(const struct filler *filler, const char *path)
{
    char first[INSTANT_TEXT_MAX];
    char last[INSTANT_TEXT_MAX];
    size_t first_size = instant_format(filler->first_time, 6, first);
    size_t last_size = instant_format(filler->generator.time, 6, last);
    FILE *file = fopen(path, "w");
    if (file == NULL || buffer_failed(&filler->samples))
        quit("cannot write %s", path);
    (void)fprintf(file, "{\"entries\":%" PRIu64 ",\"first\":\"%.*s\",\"last\":\"%.*s\"}\n",
                  filler->entries, (int)first_size, first, (int)last_size, last);
    (void)fwrite(filler->samples.data, 1, filler->samples.size, file);
    if (fclose(file) != 0)
        quit("cannot write %s", path);
}

/* ---- recording ---- */

static void
done(struct append *append)
{
    struct slot *slot = append->context;
    (void)sem_post(&slot->done);
}

static void
await(struct slot *slot)
{
    if (!slot->used)
        return;
    while (sem_wait(&slot->done) < 0)
        ;
    expect(slot->append.status, &slot->append.error);
    if (slot->append.result.first != slot->first)
        quit("entries did not come into the order they were made in");
    slot->used = false;
}

static void
send(struct filler *filler, struct slot *slot, uint32_t count)
{
    struct tally_error error;
    slot->first = filler->generator.made + 1;
    batch_clear(slot->batch);
    for (uint32_t i = 0; i < count; i++) {
        buffer_clear(&filler->event);
        generator_event(&filler->generator, &filler->event);
        if (filler->generator.made == 1)
            filler->first_time = filler->generator.time;
        sample(filler);
        expect(batch_add(slot->batch, buffer_view(&filler->event), &error), &error);
    }
    slot->append = (struct append){
        .batch = slot->batch,
        .receipts = slot->receipts,
        .wait = APPEND_WAIT,
        .done = done,
        .context = slot,
    };
    slot->used = true;
    trail_append_begin(filler->trail, &slot->append);
}

static void
fill(struct filler *filler)
{
    struct tally_error error;
    for (size_t i = 0; i < SLOTS; i++) {
        (void)sem_init(&filler->slots[i].done, 0, 0);
        expect(batch_create(filler->trail, "local:0", NULL, &filler->slots[i].batch, &error),
               &error);
    }
    int64_t began = clock_monotonic();
    size_t turn = 0;
    for (uint64_t left = filler->entries; left > 0; turn++) {
        struct slot *slot = &filler->slots[turn % SLOTS];
        uint32_t count = left < BATCH ? (uint32_t)left : BATCH;
        await(slot);
        send(filler, slot, count);
        left -= count;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        await(&filler->slots[i]);
        batch_destroy(filler->slots[i].batch);
    }
    expect(trail_seal(filler->trail, SEAL_ALL, &error), &error);
    fill_print_since("recording, all sealed", began);
}

int
main(int argc, char **argv)
{
    if (argc != 4)
        quit("usage: fill_trail ENTRIES FOLDER SAMPLES");
    struct filler *filler = calloc(1, sizeof *filler);
    struct tally_error error;
    struct folder_options options = { .command = "fill_trail" };
    struct folder *folder;
    struct trail_recovery recovery;
    if (filler == NULL)
        quit("out of memory");
    filler->entries = strtoull(argv[1], NULL, 10);
    if (filler->entries == 0)
        quit("%s is no number of entries", argv[1]);
    expect(folder_open(argv[2], &options, &folder, &error), &error);
    expect(trail_open(folder, "main", TRAIL_WRITE, &filler->trail, &recovery, &error), &error);
    if (trail_size(filler->trail) != 1)
        quit("the trail is not empty");
    fill_begin(&filler->generator);
    filler->next_sample = draw_next(filler, 0);
    fill(filler);
    expect(trail_close(filler->trail, &error), &error);
    folder_close(folder);
    write_samples(filler, argv[3]);
    generator_finish(&filler->generator);
    buffer_free(&filler->event);
    buffer_free(&filler->samples);
    free(filler);
    return 0;
}
