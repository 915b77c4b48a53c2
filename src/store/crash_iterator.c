/*
 * crash_iterator.c - walks a recording, keeping two things: `base`, the files as they are on stable
 * storage whatever happens, and `open`, the operations after it that a crash may lose. A sync
 * settles operations; a settled one moves to `base` as soon as nothing open on the same file or
 * folder stands before it. (Only what a failed sync left open for ever can make it wait.)
 *
 * A variant says which of the open operations are kept. Its disk is a copy of `base` with those
 * applied in the recorded order.
 */
#include "crash_iterator.h"

#include "sim_log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SECTOR 512u

/* An operation on its way to stable storage. */
struct pending {
    const struct sim_operation *operation;
    bool settled;  /* kept whatever happens */
    bool doubtful; /* a sync failed: it will never be settled */
    bool kept;     /* in the variant at hand */
};

/* The kinds of variants, in the order they are given in. */
enum phase {
    PHASE_ALL,
    PHASE_NONE,
    PHASE_LOST,    /* all but one */
    PHASE_HEAD,    /* one torn: bytes before a boundary are kept */
    PHASE_TAIL,    /* one torn: bytes from a boundary on are kept */
    PHASE_GROWN,   /* one lost but for the file's new size */
    PHASE_SUBSETS, /* every one */
    PHASE_RANDOM,
    PHASE_END,
};

struct variant {
    enum phase phase;
    size_t which; /* LOST, HEAD, TAIL, GROWN: the place in `pending`; subsets: their number */
    uint64_t boundary;
};

/* Numbers seen, open addressing; 0 is an empty slot. */
struct seen {
    uint64_t *slots;
    size_t capacity, count;
};

struct crash_iterator {
    const struct sim_log *log;
    struct crash_plan plan;
    struct sim_image base;
    struct pending *pending;
    size_t pending_count, pending_capacity;
    size_t point;
    size_t note_count; /* made before the point */
    size_t number;     /* of the variant within the point */
    struct variant variant;
    struct seen seen;
    struct disk *disk;
    struct crash_counters counters;
};

/* splitmix64: good enough to choose subsets. */
static uint64_t
random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool
seen_put(struct seen *seen, uint64_t number)
{
    size_t i = (size_t)number & (seen->capacity - 1);
    for (; seen->slots[i] != 0; i = (i + 1) & (seen->capacity - 1))
        if (seen->slots[i] == number)
            return false;
    seen->slots[i] = number;
    seen->count++;
    return true;
}

/* Adds a number; false where it was there. */
static bool
seen_add(struct seen *seen, uint64_t number)
{
    number += number == 0;
    if (2 * (seen->count + 1) > seen->capacity) {
        struct seen larger = { .capacity = seen->capacity == 0 ? 1024 : seen->capacity * 2 };
        larger.slots = must(calloc(larger.capacity, sizeof *larger.slots));
        for (size_t i = 0; i < seen->capacity; i++)
            if (seen->slots[i] != 0)
                (void)seen_put(&larger, seen->slots[i]);
        free(seen->slots);
        *seen = larger;
    }
    return seen_put(seen, number);
}

static void
seen_clear(struct seen *seen)
{
    if (seen->count > 0)
        memset(seen->slots, 0, seen->capacity * sizeof *seen->slots);
    seen->count = 0;
}

static void
apply_name(struct sim_image *image, const struct sim_operation *operation)
{
    switch (operation->kind) {
    case SIM_LINK:
        sim_image_link(image, operation->folder, operation->name, operation->node);
        break;
    case SIM_RENAME:
        sim_image_unlink(image, operation->folder, operation->name, operation->node);
        sim_image_link(image, operation->folder, operation->to, operation->node);
        break;
    case SIM_UNLINK:
        sim_image_unlink(image, operation->folder, operation->name, operation->node);
        break;
    case SIM_WRITE:
    case SIM_SYNC:
    case SIM_SYNC_FOLDER:
        break;
    }
}

static void
apply_write(struct sim_image *image, const struct sim_operation *operation)
{
    sim_image_write(image, operation->node, operation->offset, operation->data, operation->size);
}

static void
open_operation(struct crash_iterator *iterator, const struct sim_operation *operation)
{
    if (operation->kind == SIM_LINK) {
        uint32_t node = sim_image_add(&iterator->base, operation->folder_made);
        assert(node == operation->node);
    }
    if (iterator->pending_count == iterator->pending_capacity) {
        iterator->pending_capacity = iterator->pending_capacity * 2 + 64;
        iterator->pending =
            must(realloc(iterator->pending, iterator->pending_capacity * sizeof(struct pending)));
    }
    iterator->pending[iterator->pending_count++] = (struct pending){ .operation = operation };
}

/* Whether two operations change the same file, or names of the same folder. */
static bool
same_target(const struct sim_operation *a, const struct sim_operation *b)
{
    if (a->kind == SIM_WRITE || b->kind == SIM_WRITE)
        return a->kind == b->kind && a->node == b->node;
    return a->folder == b->folder;
}

static bool
is_settled_by(const struct sim_operation *operation, const struct sim_operation *sync)
{
    if (sync->kind == SIM_SYNC)
        return operation->kind == SIM_WRITE && operation->node == sync->node;
    return operation->kind != SIM_WRITE && operation->folder == sync->node;
}

/* Whether no name leads to the file, nor will one that is still open. */
static bool
is_gone(const struct crash_iterator *iterator, uint32_t node)
{
    if (iterator->base.nodes[node].links > 0)
        return false;
    for (size_t i = 0; i < iterator->pending_count; i++)
        if (iterator->pending[i].operation->kind != SIM_WRITE &&
            iterator->pending[i].operation->node == node)
            return false;
    return true;
}

/* Drops writes that nobody can see any more, however many tears they would have. */
static void
drop_gone(struct crash_iterator *iterator)
{
    size_t left = 0;
    for (size_t i = 0; i < iterator->pending_count; i++) {
        const struct sim_operation *operation = iterator->pending[i].operation;
        if (operation->kind != SIM_WRITE || !is_gone(iterator, operation->node))
            iterator->pending[left++] = iterator->pending[i];
    }
    iterator->pending_count = left;
}

/* Moves what is settled, and waits for nothing, to the base. */
static void
fold(struct crash_iterator *iterator)
{
    size_t left = 0;
    for (size_t i = 0; i < iterator->pending_count; i++) {
        const struct pending *pending = &iterator->pending[i];
        bool waits = !pending->settled;
        for (size_t j = 0; j < left && !waits; j++)
            waits = same_target(iterator->pending[j].operation, pending->operation);
        if (waits)
            iterator->pending[left++] = *pending;
        else if (pending->operation->kind == SIM_WRITE)
            apply_write(&iterator->base, pending->operation);
        else
            apply_name(&iterator->base, pending->operation);
    }
    iterator->pending_count = left;
}

static void
sync_operation(struct crash_iterator *iterator, const struct sim_operation *sync)
{
    for (size_t i = 0; i < iterator->pending_count; i++) {
        struct pending *pending = &iterator->pending[i];
        if (!is_settled_by(pending->operation, sync) || pending->settled)
            continue;
        if (sync->failed)
            pending->doubtful = true;
        else if (!pending->doubtful)
            pending->settled = true;
    }
    if (!sync->failed) {
        fold(iterator);
        drop_gone(iterator);
    }
}

/* How many of the pending operations may be lost. */
static size_t
count_free(const struct crash_iterator *iterator)
{
    size_t count = 0;
    for (size_t i = 0; i < iterator->pending_count; i++)
        count += !iterator->pending[i].settled;
    return count;
}

/* The next boundary of a write after `offset`, or its end where there is none. */
static uint64_t
boundary_after(const struct crash_iterator *iterator, const struct sim_operation *operation,
               uint64_t offset)
{
    uint64_t end = operation->offset + operation->size;
    uint64_t boundary = (offset / SECTOR + 1) * SECTOR;
    uint64_t sectors = operation->size / SECTOR;
    if (iterator->plan.tears > 0 && offset > operation->offset)
        boundary += sectors / iterator->plan.tears * SECTOR;
    return boundary < end ? boundary : end;
}

/* Moves a torn variant to the next boundary of its write or the next write that has one. */
static bool
next_torn(struct crash_iterator *iterator)
{
    struct variant *variant = &iterator->variant;
    for (; variant->which < iterator->pending_count; variant->which++, variant->boundary = 0) {
        const struct pending *pending = &iterator->pending[variant->which];
        const struct sim_operation *operation = pending->operation;
        if (pending->settled || operation->kind != SIM_WRITE)
            continue;
        uint64_t from = variant->boundary == 0 ? operation->offset : variant->boundary;
        variant->boundary = boundary_after(iterator, operation, from);
        if (variant->boundary < operation->offset + operation->size)
            return true;
    }
    return false;
}

/* Moves a variant that singles one operation out to the next of them. */
static bool
next_single(struct crash_iterator *iterator)
{
    struct variant *variant = &iterator->variant;
    for (; variant->which < iterator->pending_count; variant->which++) {
        const struct pending *pending = &iterator->pending[variant->which];
        if (!pending->settled &&
            (variant->phase == PHASE_LOST || pending->operation->kind == SIM_WRITE))
            return true;
    }
    return false;
}

/* Moves on within the phase; false at its end. `started`: the variant at hand was given already. */
static bool
next_in_phase(struct crash_iterator *iterator, bool started)
{
    struct variant *variant = &iterator->variant;
    size_t free_count = count_free(iterator);
    bool few = free_count <= CRASH_SUBSETS_MAX;
    switch (variant->phase) {
    case PHASE_ALL:
        return !started;
    case PHASE_NONE:
        return !started && !few; /* else it is one of the subsets */
    case PHASE_LOST:
        variant->which += started;
        return !few && next_single(iterator);
    case PHASE_HEAD:
    case PHASE_TAIL:
        return next_torn(iterator);
    case PHASE_GROWN:
        variant->which += started;
        return next_single(iterator);
    case PHASE_SUBSETS:
        variant->which += started;
        return few && variant->which < (size_t)1 << free_count;
    case PHASE_RANDOM:
        variant->which += started;
        return !few && variant->which < CRASH_SUBSETS_RANDOM;
    case PHASE_END:
        break;
    }
    return false;
}

/* False when the point has no more variants. */
static bool
next_variant(struct crash_iterator *iterator, bool started)
{
    struct variant *variant = &iterator->variant;
    while (!next_in_phase(iterator, started)) {
        if (variant->phase == PHASE_END)
            return false;
        *variant = (struct variant){ .phase = variant->phase + 1 };
        started = false;
    }
    return true;
}

/* Decides for each pending operation whether the variant keeps it. */
static void
choose(struct crash_iterator *iterator)
{
    const struct variant *variant = &iterator->variant;
    uint64_t state = iterator->plan.seed ^ ((uint64_t)iterator->point << 20) ^ variant->which;
    size_t bit = 0;
    for (size_t i = 0; i < iterator->pending_count; i++) {
        struct pending *pending = &iterator->pending[i];
        pending->kept = true;
        if (pending->settled)
            continue;
        if (variant->phase == PHASE_NONE)
            pending->kept = false;
        else if (variant->phase == PHASE_LOST || variant->phase == PHASE_GROWN)
            pending->kept = i != variant->which;
        else if (variant->phase == PHASE_SUBSETS)
            pending->kept = variant->which >> bit++ & 1;
        else if (variant->phase == PHASE_RANDOM)
            pending->kept = random_next(&state) >> 63;
    }
}

static void
apply_torn(struct sim_image *image, const struct variant *variant,
           const struct sim_operation *operation)
{
    size_t head = (size_t)(variant->boundary - operation->offset);
    if (variant->phase == PHASE_HEAD)
        sim_image_write(image, operation->node, operation->offset, operation->data, head);
    else
        sim_image_write(image, operation->node, variant->boundary, operation->data + head,
                        operation->size - head);
}

/* The files as the variant leaves them. */
static void
make_image(struct crash_iterator *iterator, struct sim_image *image)
{
    const struct variant *variant = &iterator->variant;
    sim_image_copy_names(&iterator->base, image);
    for (size_t i = 0; i < iterator->pending_count; i++)
        if (iterator->pending[i].kept)
            apply_name(image, iterator->pending[i].operation);
    sim_image_copy_contents(&iterator->base, image);

    for (size_t i = 0; i < iterator->pending_count; i++) {
        const struct sim_operation *operation = iterator->pending[i].operation;
        if (operation->kind != SIM_WRITE || image->nodes[operation->node].links == 0)
            continue;
        bool torn = variant->phase == PHASE_HEAD || variant->phase == PHASE_TAIL;
        if (torn && i == variant->which)
            apply_torn(image, variant, operation);
        else if (iterator->pending[i].kept)
            apply_write(image, operation);
        else if (variant->phase == PHASE_GROWN && i == variant->which)
            sim_image_grow(image, operation->node, operation->offset + operation->size);
    }
}

/* What an operation did, in words. */
static void
describe_operation(const struct sim_operation *operation, char *text, size_t size)
{
    switch (operation->kind) {
    case SIM_WRITE:
        (void)snprintf(text, size, "write %zu bytes at %" PRIu64 " of %s", operation->size,
                       operation->offset, operation->name);
        break;
    case SIM_SYNC:
    case SIM_SYNC_FOLDER:
        (void)snprintf(text, size, "%ssync \"%s\"", operation->failed ? "failed " : "",
                       operation->name);
        break;
    case SIM_LINK:
        (void)snprintf(text, size, "create %s", operation->name);
        break;
    case SIM_RENAME:
        (void)snprintf(text, size, "rename %.50s to %.50s", operation->name, operation->to);
        break;
    case SIM_UNLINK:
        (void)snprintf(text, size, "remove %s", operation->name);
        break;
    }
}

static void
describe(const struct crash_iterator *iterator, char text[CRASH_TEXT_SIZE])
{
    static const char *const phases[] = {
        [PHASE_ALL] = "all kept",
        [PHASE_NONE] = "none kept",
        [PHASE_LOST] = "one lost",
        [PHASE_HEAD] = "one torn, its head kept",
        [PHASE_TAIL] = "one torn, its tail kept",
        [PHASE_GROWN] = "one lost but for the file's size",
        [PHASE_SUBSETS] = "a subset kept",
        [PHASE_RANDOM] = "a random subset kept",
        [PHASE_END] = "",
    };
    char last[128] = "nothing";
    if (iterator->point > 0)
        describe_operation(&iterator->log->operations[iterator->point - 1], last, sizeof last);
    const struct variant *variant = &iterator->variant;
    (void)snprintf(text, CRASH_TEXT_SIZE,
                   "crash at point %zu after %s; %zu open, %s (which %zu, boundary %" PRIu64
                   "), seed %" PRIu64,
                   iterator->point, last, count_free(iterator), phases[variant->phase],
                   variant->which, variant->boundary, iterator->plan.seed);
}

struct crash_iterator *
crash_iterator_create(struct disk *recorded, const struct crash_plan *plan)
{
    struct crash_iterator *iterator = must(calloc(1, sizeof *iterator));
    iterator->log = disk_sim_log(recorded);
    assert(iterator->log != NULL);
    iterator->plan = *plan;
    size_t end = iterator->log->operation_count;
    if (plan->last == 0 || plan->last > end)
        iterator->plan.last = end;
    if (plan->first > end)
        iterator->plan.first = end;
    sim_image_copy_names(&iterator->log->start, &iterator->base);
    sim_image_copy_contents(&iterator->log->start, &iterator->base);
    iterator->counters.points = 1;
    return iterator;
}

void
crash_iterator_destroy(struct crash_iterator *iterator)
{
    if (iterator == NULL)
        return;
    disk_close_folder(iterator->disk);
    sim_image_finish(&iterator->base);
    free(iterator->pending);
    free(iterator->seen.slots);
    free(iterator);
}

/* Counts the notes made before the point; a new one makes every disk worth looking at again. */
static void
take_notes(struct crash_iterator *iterator)
{
    const struct sim_log *log = iterator->log;
    size_t count = iterator->note_count;
    while (count < log->note_count && log->note_points[count] <= iterator->point)
        count++;
    if (count > iterator->note_count)
        seen_clear(&iterator->seen);
    iterator->note_count = count;
}

/* Performs the next recorded operation. False at the end. */
static bool
next_point(struct crash_iterator *iterator)
{
    if (iterator->point >= iterator->plan.last)
        return false;
    const struct sim_operation *operation = &iterator->log->operations[iterator->point++];
    if (operation->kind == SIM_SYNC || operation->kind == SIM_SYNC_FOLDER)
        sync_operation(iterator, operation);
    else
        open_operation(iterator, operation);
    iterator->variant = (struct variant){ .phase = PHASE_ALL };
    iterator->number = 0;
    iterator->counters.points++;
    return true;
}

/* Steps to the next variant, of this point or the next. */
static bool
step(struct crash_iterator *iterator)
{
    bool started = iterator->number > 0;
    while (iterator->point < iterator->plan.first || !next_variant(iterator, started)) {
        if (!next_point(iterator))
            return false;
        started = false;
    }
    iterator->number++;
    iterator->counters.variants++;
    return true;
}

bool
crash_iterator_next(struct crash_iterator *iterator, struct crash *crash_out)
{
    while (step(iterator)) {
        take_notes(iterator);
        choose(iterator);
        struct sim_image image;
        make_image(iterator, &image);
        if (!seen_add(&iterator->seen, sim_image_hash(&image))) {
            sim_image_finish(&image);
            continue;
        }
        disk_close_folder(iterator->disk);
        iterator->disk = disk_sim_adopt(&image);
        iterator->counters.different++;
        crash_out->disk = iterator->disk;
        crash_out->point = iterator->point;
        crash_out->variant = iterator->number - 1;
        crash_out->notes = iterator->log->notes;
        crash_out->note_count = iterator->note_count;
        describe(iterator, crash_out->text);
        return true;
    }
    return false;
}

struct crash_counters
crash_iterator_counters(const struct crash_iterator *iterator)
{
    return iterator->counters;
}
