#include "recordings.h"

#include "batch.h"
#include "fault.h"
#include "server.h"

#include <pthread.h>
#include <stdlib.h>

/* How many are kept to be used again, and how much memory one of them may keep. Together it is half
 * of what bodies under way may take at most. */
#define KEPT_MAX  64
#define KEEPS_MAX ((size_t)4 << 20)

struct recordings {
    struct server *server;
    pthread_mutex_t mutex;
    pthread_cond_t back; /* none is out any more */
    unsigned out;        /* taken, and not back yet */
    struct recording *kept;
    unsigned kept_count;
    size_t kept_memory;
};

struct recordings *
recordings_create(struct server *server)
{
    struct recordings *recordings = calloc(1, sizeof *recordings);
    if (recordings == NULL)
        return NULL;
    recordings->server = server;
    (void)pthread_mutex_init(&recordings->mutex, NULL);
    (void)pthread_cond_init(&recordings->back, NULL);
    return recordings;
}

static void
recording_free(struct recording *recording)
{
    batch_destroy(recording->batch);
    buffer_free(&recording->text);
    free(recording->receipts);
    free(recording->places);
    buffer_free(&recording->left_out);
    free(recording);
}

void
recordings_destroy(struct recordings *recordings)
{
    if (recordings == NULL)
        return;
    (void)pthread_mutex_lock(&recordings->mutex);
    while (recordings->out > 0)
        (void)pthread_cond_wait(&recordings->back, &recordings->mutex);
    (void)pthread_mutex_unlock(&recordings->mutex);
    for (struct recording *next; recordings->kept != NULL; recordings->kept = next) {
        next = recordings->kept->next;
        recording_free(recordings->kept);
    }
    (void)pthread_cond_destroy(&recordings->back);
    (void)pthread_mutex_destroy(&recordings->mutex);
    free(recordings);
}

size_t
recording_memory(const struct recording *recording)
{
    return batch_memory(recording->batch) +
           recording->capacity * (sizeof *recording->receipts + sizeof *recording->places);
}

/* One more is out; a kept one, or NULL. */
static struct recording *
take_kept(struct recordings *recordings)
{
    (void)pthread_mutex_lock(&recordings->mutex);
    struct recording *recording = recordings->kept;
    if (recording != NULL) {
        recordings->kept = recording->next;
        recordings->kept_count--;
        recordings->kept_memory -= recording_memory(recording);
    }
    recordings->out++;
    (void)pthread_mutex_unlock(&recordings->mutex);
    return recording;
}

/* One less is out: the last that is done with `recordings`. Whether `recording`, which may be NULL, is
 * kept. */
static bool
give_back(struct recordings *recordings, struct recording *recording)
{
    size_t memory = recording == NULL ? 0 : recording_memory(recording);
    size_t memory_max = recordings->server->settings.bodies_max / 2;
    (void)pthread_mutex_lock(&recordings->mutex);
    bool kept = recording != NULL && recordings->kept_count < KEPT_MAX && memory <= KEEPS_MAX &&
                recordings->kept_memory + memory <= memory_max;
    if (kept) {
        recordings->kept_memory += memory;
        recording->next = recordings->kept;
        recordings->kept = recording;
        recordings->kept_count++;
    }
    if (--recordings->out == 0)
        (void)pthread_cond_signal(&recordings->back);
    (void)pthread_mutex_unlock(&recordings->mutex);
    return kept;
}

static tally_status
recording_create(struct trail *trail, const struct request *request,
                 const struct catalogue *catalogue, struct recording **recording_out,
                 struct tally_error *error)
{
    struct recording *recording = calloc(1, sizeof *recording);
    if (recording == NULL)
        return memory_fault(error);
    tally_status status =
        batch_create(trail, request->principal.writer, catalogue, &recording->batch, error);
    if (status != TALLY_OK) {
        free(recording);
        return status;
    }
    *recording_out = recording;
    return TALLY_OK;
}

tally_status
recording_take(struct recordings *recordings, struct request *request,
               const struct catalogue *catalogue, struct recording **recording_out,
               struct tally_error *error)
{
    struct trail *trail = request->open_trail->trail;
    struct recording *recording = take_kept(recordings);
    if (recording == NULL) {
        tally_status status = recording_create(trail, request, catalogue, &recording, error);
        if (status != TALLY_OK) {
            (void)give_back(recordings, NULL);
            return status;
        }
    } else {
        batch_begin(recording->batch, trail, request->principal.writer, catalogue);
    }
    recording->owner = recordings;
    recording->request = request;
    recording->partial = recording->full = false;
    recording->charged = 0;
    recording->rounds = 0;
    recording->refused = 0;
    recording->problem_count = 0;
    atomic_store(&recording->holders, 1);
    roster_retain(recordings->server->roster, request->open_trail);
    recording->open = request->open_trail;
    *recording_out = recording;
    return TALLY_OK;
}

void
recording_retain(struct recording *recording)
{
    atomic_fetch_add(&recording->holders, 1);
}

void
recording_release(struct recording *recording)
{
    if (atomic_fetch_sub(&recording->holders, 1) != 1)
        return;
    struct recordings *recordings = recording->owner;
    roster_release(recordings->server->roster, recording->open);
    batch_clear(recording->batch);
    buffer_free(&recording->text);
    buffer_free(&recording->left_out);
    server_discharge(recordings->server, recording->charged);
    if (!give_back(recordings, recording))
        recording_free(recording);
}

/* Room for one more receipt and place. */
static tally_status
make_room(struct recording *recording, uint32_t count, struct tally_error *error)
{
    if (count <= recording->capacity)
        return TALLY_OK;
    uint32_t capacity = recording->capacity == 0 ? 16 : recording->capacity * 2;
    struct receipt *receipts = realloc(recording->receipts, capacity * sizeof *receipts);
    if (receipts == NULL)
        return memory_fault(error);
    recording->receipts = receipts;
    struct recording_place *places = realloc(recording->places, capacity * sizeof *places);
    if (places == NULL)
        return memory_fault(error);
    recording->places = places;
    recording->capacity = capacity;
    return TALLY_OK;
}

tally_status
recording_placed(struct recording *recording, const struct body_event *event,
                 struct tally_error *error)
{
    uint32_t count = batch_count(recording->batch);
    tally_status status = make_room(recording, count, error);
    if (status != TALLY_OK)
        return status;
    recording->places[count - 1] = (struct recording_place){
        .position = (uint32_t)event->position,
        .line = event->line,
        .in_array = event->in_array,
    };
    return TALLY_OK;
}

tally_status
recording_leave_out(struct recording *recording, uint64_t position, struct tally_error *error)
{
    struct buffer *bits = &recording->left_out;
    size_t at = (size_t)(position / 8);
    if (at >= bits->size)
        buffer_zeros(bits, at + 1 - bits->size);
    if (buffer_failed(bits))
        return memory_fault(error);
    bits->data[at] |= (uint8_t)(1u << position % 8);
    return TALLY_OK;
}

bool
recording_left_out(const struct recording *recording, uint64_t position)
{
    size_t at = (size_t)(position / 8);
    return at < recording->left_out.size &&
           (recording->left_out.data[at] & 1u << position % 8) != 0;
}
