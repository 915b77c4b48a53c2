/*
 * crew.c - a ring of places, one for each segment that is being examined or waits to be taken.
 *
 * Segment n stands in place n modulo their number. A thread begins the next segment when the one
 * that had its place was taken and let go; so what is kept is bounded, and the threads wait where
 * the one that takes is slow. Pieces are kept as they come: some 1,000 of 36 bytes a segment.
 */
#include "crew.h"

#include "fault.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define PLACES_PER_THREAD 2u

struct place {
    struct crew *crew;
    bool done;
    struct examination examination;
    struct tree_piece *pieces;
    size_t count;
    size_t capacity;
};

struct crew {
    struct examination_task task;
    size_t end;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t next;  /* segment that nobody has begun */
    size_t taken; /* segment that crew_next() gave last, or is to give first */
    bool lent;    /* `taken` was given */
    bool stopped;
    unsigned place_count;
    struct place *places;
    unsigned thread_count;
    pthread_t threads[CREW_THREADS_MAX];
};

static struct place *
place_of(struct crew *crew, size_t segment)
{
    return &crew->places[segment % crew->place_count];
}

/* Makes a place free for another segment; its room for pieces is kept. */
static void
place_clear(struct place *place)
{
    examination_finish(&place->examination);
    place->examination = (struct examination){ 0 };
    place->count = 0;
    place->done = false;
}

static bool
is_stopped(struct crew *crew)
{
    (void)pthread_mutex_lock(&crew->mutex);
    bool stopped = crew->stopped;
    (void)pthread_mutex_unlock(&crew->mutex);
    return stopped;
}

/* piece_taker. Where the crew is stopped nobody will look at the status. */
static tally_status
keep_piece(void *context, const struct tree_piece *piece)
{
    struct place *place = context;
    if (is_stopped(place->crew))
        return TALLY_DISAGREES;
    if (place->count == place->capacity) {
        size_t capacity = place->capacity == 0 ? 256 : place->capacity * 2;
        struct tree_piece *pieces = realloc(place->pieces, capacity * sizeof *pieces);
        if (pieces == NULL)
            return TALLY_NO_MEMORY;
        place->pieces = pieces;
        place->capacity = capacity;
    }
    place->pieces[place->count++] = *piece;
    return TALLY_OK;
}

/* Whether there is a segment to begin. Under the mutex. */
static bool
may_begin(const struct crew *crew)
{
    return crew->next < crew->end && crew->next < crew->taken + crew->place_count;
}

static void *
crew_main(void *context)
{
    struct crew *crew = context;
    (void)pthread_setname_np(pthread_self(), "tally-check");
    (void)pthread_mutex_lock(&crew->mutex);
    while (!crew->stopped && crew->next < crew->end) {
        if (!may_begin(crew)) {
            (void)pthread_cond_wait(&crew->changed, &crew->mutex);
            continue;
        }
        struct examination_task task = crew->task;
        task.segment = crew->next++;
        struct place *place = place_of(crew, task.segment);
        (void)pthread_mutex_unlock(&crew->mutex);
        examination_run(&place->examination, &task, keep_piece, place);
        (void)pthread_mutex_lock(&crew->mutex);
        place->done = true;
        (void)pthread_cond_broadcast(&crew->changed);
    }
    (void)pthread_mutex_unlock(&crew->mutex);
    return NULL;
}

tally_status
crew_create(const struct examination_task *task, size_t end, unsigned threads,
            struct crew **crew_out, struct tally_error *error)
{
    assert(task->segment < end && threads > 0);
    if (threads > CREW_THREADS_MAX)
        threads = CREW_THREADS_MAX;
    struct crew *crew = calloc(1, sizeof *crew);
    struct place *places = calloc((size_t)threads * PLACES_PER_THREAD, sizeof *places);
    if (crew == NULL || places == NULL) {
        free(crew);
        free(places);
        return memory_fault(error);
    }
    crew->task = *task;
    crew->end = end;
    crew->next = crew->taken = task->segment;
    crew->place_count = threads * PLACES_PER_THREAD;
    crew->places = places;
    for (unsigned i = 0; i < crew->place_count; i++)
        places[i].crew = crew;
    (void)pthread_mutex_init(&crew->mutex, NULL);
    (void)pthread_cond_init(&crew->changed, NULL);
    while (crew->thread_count < threads &&
           pthread_create(&crew->threads[crew->thread_count], NULL, crew_main, crew) == 0)
        crew->thread_count++;
    if (crew->thread_count == 0) {
        crew_destroy(crew);
        return fault(error, TALLY_NO_MEMORY, "no thread could be started");
    }
    *crew_out = crew;
    return TALLY_OK;
}

struct crew_result
crew_next(struct crew *crew)
{
    (void)pthread_mutex_lock(&crew->mutex);
    if (crew->lent) {
        place_clear(place_of(crew, crew->taken));
        crew->taken++;
        (void)pthread_cond_broadcast(&crew->changed);
    }
    assert(crew->taken < crew->end);
    crew->lent = true;
    struct place *place = place_of(crew, crew->taken);
    while (!place->done)
        (void)pthread_cond_wait(&crew->changed, &crew->mutex);
    (void)pthread_mutex_unlock(&crew->mutex);
    return (struct crew_result){ &place->examination, place->pieces, place->count };
}

void
crew_destroy(struct crew *crew)
{
    if (crew == NULL)
        return;
    (void)pthread_mutex_lock(&crew->mutex);
    crew->stopped = true;
    (void)pthread_cond_broadcast(&crew->changed);
    (void)pthread_mutex_unlock(&crew->mutex);
    for (unsigned i = 0; i < crew->thread_count; i++)
        (void)pthread_join(crew->threads[i], NULL);
    for (unsigned i = 0; i < crew->place_count; i++) {
        place_clear(&crew->places[i]);
        free(crew->places[i].pieces);
    }
    (void)pthread_mutex_destroy(&crew->mutex);
    (void)pthread_cond_destroy(&crew->changed);
    free(crew->places);
    free(crew);
}
