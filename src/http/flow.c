#include "flow.h"

#include "clock.h"
#include "condition.h"
#include "fault.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct flow {
    pthread_mutex_t mutex;
    pthread_cond_t room; /* the taker took or left */
    int64_t stall;
    void (*wake)(void *context);
    void *context;
    unsigned references;
    bool finished, broken, left, cut;
    bool torn;          /* flow_put() gave up midway */
    bool waiting;       /* the taker found nothing and was not woken since */
    size_t start, size; /* a ring */
    uint8_t bytes[FLOW_SIZE];
};

tally_status
flow_create(int64_t stall, void (*wake)(void *context), void *context, struct flow **flow_out,
            struct tally_error *error)
{
    struct flow *flow = malloc(sizeof *flow);
    if (flow == NULL)
        return memory_fault(error);
    /* The ring takes memory as far as it is filled: who follows a quiet trail fills little of it. */
    memset(flow, 0, offsetof(struct flow, bytes));
    flow->stall = stall;
    flow->wake = wake;
    flow->context = context;
    flow->references = 2;
    (void)pthread_mutex_init(&flow->mutex, NULL);
    condition_init(&flow->room);
    *flow_out = flow;
    return TALLY_OK;
}

void
flow_release(struct flow *flow)
{
    (void)pthread_mutex_lock(&flow->mutex);
    bool last = --flow->references == 0;
    (void)pthread_mutex_unlock(&flow->mutex);
    if (!last)
        return;
    (void)pthread_mutex_destroy(&flow->mutex);
    (void)pthread_cond_destroy(&flow->room);
    free(flow);
}

/* Under the mutex: lets the taker know, if it waits. */
static void
wake_taker(struct flow *flow)
{
    if (!flow->waiting || flow->left)
        return;
    flow->waiting = false;
    flow->wake(flow->context);
}

/* Waits under the mutex until there is room for `size` bytes, or for one where they are more than ever
 * fit; false where the taker is gone or stalls. */
static bool
wait_for_room(struct flow *flow, size_t size)
{
    int64_t until = clock_monotonic() + flow->stall;
    size_t needed = size <= FLOW_PUT_MAX ? size : 1;
    while (flow->size + needed > FLOW_PUT_MAX && !flow->left && !flow->cut)
        if (!condition_wait(&flow->room, &flow->mutex, until))
            return false;
    return !flow->left && !flow->cut;
}

/* Copies what there is room for below `limit` bytes in all; how much that was. */
static size_t
put_some(struct flow *flow, struct bytes bytes, size_t limit)
{
    size_t end = (flow->start + flow->size) % FLOW_SIZE;
    size_t room = limit - flow->size;
    size_t straight = FLOW_SIZE - end;
    size_t size = bytes.size < room ? bytes.size : room;
    size_t first = size < straight ? size : straight;
    memcpy(flow->bytes + end, bytes.data, first);
    memcpy(flow->bytes, bytes.data + first, size - first);
    flow->size += size;
    return size;
}

tally_status
flow_put(struct flow *flow, struct bytes bytes, struct tally_error *error)
{
    tally_status status = TALLY_OK;
    size_t whole = bytes.size;
    (void)pthread_mutex_lock(&flow->mutex);
    while (bytes.size > 0) {
        if (!wait_for_room(flow, whole)) {
            flow->torn = bytes.size < whole;
            status = fault(error, TALLY_IO, "the client is gone or takes nothing");
            break;
        }
        size_t size = put_some(flow, bytes, FLOW_PUT_MAX);
        bytes = bytes_of(bytes.data + size, bytes.size - size);
        wake_taker(flow);
    }
    (void)pthread_mutex_unlock(&flow->mutex);
    return status;
}

void
flow_farewell(struct flow *flow, struct bytes bytes)
{
    assert(bytes.size <= FLOW_FAREWELL_MAX);
    (void)pthread_mutex_lock(&flow->mutex);
    if (!flow->torn) {
        (void)put_some(flow, bytes, FLOW_SIZE);
        wake_taker(flow);
    }
    (void)pthread_mutex_unlock(&flow->mutex);
}

bool
flow_is_wanted(struct flow *flow, bool (*gone)(void *context))
{
    (void)pthread_mutex_lock(&flow->mutex);
    bool wanted = !flow->left && !flow->cut && !gone(flow->context);
    (void)pthread_mutex_unlock(&flow->mutex);
    return wanted;
}

void
flow_finish(struct flow *flow, enum flow_end end)
{
    (void)pthread_mutex_lock(&flow->mutex);
    flow->finished = true;
    flow->broken = end == FLOW_BROKEN;
    wake_taker(flow);
    (void)pthread_mutex_unlock(&flow->mutex);
}

enum flow_state
flow_take(struct flow *flow, void *out, size_t size, void (*before_wait)(void *), size_t *size_out)
{
    enum flow_state state = FLOW_TAKEN;
    (void)pthread_mutex_lock(&flow->mutex);
    if (flow->cut) {
        state = FLOW_CUT;
    } else if (flow->size > 0) {
        size_t straight = FLOW_SIZE - flow->start;
        size_t taken = flow->size < size ? flow->size : size;
        size_t first = taken < straight ? taken : straight;
        memcpy(out, flow->bytes + flow->start, first);
        memcpy((uint8_t *)out + first, flow->bytes, taken - first);
        flow->start = (flow->start + taken) % FLOW_SIZE;
        flow->size -= taken;
        *size_out = taken;
        (void)pthread_cond_signal(&flow->room);
    } else if (flow->finished) {
        state = flow->broken ? FLOW_CUT : FLOW_ENDED;
    } else {
        flow->waiting = true;
        before_wait(flow->context);
        state = FLOW_NOTHING;
    }
    (void)pthread_mutex_unlock(&flow->mutex);
    return state;
}

void
flow_leave(struct flow *flow)
{
    (void)pthread_mutex_lock(&flow->mutex);
    flow->left = true;
    (void)pthread_cond_signal(&flow->room);
    (void)pthread_mutex_unlock(&flow->mutex);
}

void
flow_cut(struct flow *flow)
{
    (void)pthread_mutex_lock(&flow->mutex);
    flow->cut = true;
    (void)pthread_cond_signal(&flow->room);
    wake_taker(flow);
    (void)pthread_mutex_unlock(&flow->mutex);
}
