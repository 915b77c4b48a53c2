/*
 * batch.c - the part of recording that need not be in order.
 *
 * Each event is read into values, written as its two parts with a fresh salt, and laid down as the
 * journal will keep it. Commitments and leaves are hashed when the batch is complete, many side by
 * side (batch_complete()). When the batch gets its turn, the sequencer only has to look up ids,
 * take the leaves and hand the body to the journal as it is.
 *
 * Two events of one batch with the same id are found here: the later one points at the earlier
 * (same_as), and the sequencer treats it as any repeat.
 */
#include "batch.h"

#include "base64.h"
#include "clock.h"
#include "entry.h"
#include "fault.h"
#include "journal.h"
#include "random.h"
#include "trail_core.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* A batch must fit one record of the journal with room to spare for its header. */
#define BODY_SIZE_MAX (JOURNAL_RECORD_MAX - 4096u)

#define HASHED_AT_ONCE 16u

tally_status
batch_create_for(uint64_t private_fields, const char *writer, const struct catalogue *catalogue,
                 struct batch **batch_out, struct tally_error *error)
{
    struct batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL)
        return memory_fault(error);
    batch->private_fields = private_fields;
    (void)snprintf(batch->writer, sizeof batch->writer, "%s", writer);

    tally_status status = TALLY_OK;
    if (catalogue == NULL) {
        status = catalogue_create(NULL, 0, &batch->catalogue, error);
        catalogue = batch->catalogue;
    }
    if (status == TALLY_OK)
        status = event_reader_create(catalogue, &batch->reader, error);
    if (status != TALLY_OK) {
        batch_destroy(batch);
        return status;
    }
    *batch_out = batch;
    return TALLY_OK;
}

tally_status
batch_create(const struct trail *trail, const char *writer, const struct catalogue *catalogue,
             struct batch **batch_out, struct tally_error *error)
{
    return batch_create_for(trail_fields_private(trail), writer, catalogue, batch_out, error);
}

void
batch_destroy(struct batch *batch)
{
    if (batch == NULL)
        return;
    event_reader_destroy(batch->reader);
    catalogue_destroy(batch->catalogue);
    arena_finish(&batch->texts);
    buffer_free(&batch->body);
    free(batch->items);
    free(batch->slots);
    free(batch->looked);
    free(batch);
}

void
batch_clear(struct batch *batch)
{
    event_reader_reset(batch->reader);
    arena_reset(&batch->texts);
    buffer_clear(&batch->body);
    batch->now = 0;
    batch->received = bytes_of(NULL, 0);
    batch->count = 0;
    batch->hashed = 0;
    batch->looked_count = 0;
    batch->looked_size = 0;
    if (batch->slots != NULL)
        memset(batch->slots, 0, batch->slot_count * sizeof *batch->slots);
}

void
batch_receive_at(struct batch *batch, int64_t now)
{
    batch->now = now;
}

void
batch_begin(struct batch *batch, const struct trail *trail, const char *writer,
            const struct catalogue *catalogue)
{
    batch_clear(batch);
    event_reader_use(batch->reader, catalogue);
    batch->private_fields = trail_fields_private(trail);
    (void)snprintf(batch->writer, sizeof batch->writer, "%s", writer);
}

uint32_t
batch_count(const struct batch *batch)
{
    return batch->count;
}

size_t
batch_memory(const struct batch *batch)
{
    return batch->body.capacity + batch->texts.size + batch->capacity * sizeof *batch->items +
           batch->slot_count * sizeof *batch->slots +
           batch->looked_capacity * sizeof *batch->looked;
}

/* Room for one more item and a table of ids at most half full. */
static tally_status
make_room(struct batch *batch, struct tally_error *error)
{
    if (batch->count < batch->capacity)
        return TALLY_OK;
    uint32_t capacity = batch->capacity == 0 ? 64 : batch->capacity * 2;
    struct batch_item *items = realloc(batch->items, capacity * sizeof *items);
    if (items == NULL)
        return memory_fault(error);
    batch->items = items;
    uint32_t *slots = calloc((size_t)capacity * 2, sizeof *slots);
    if (slots == NULL)
        return memory_fault(error);
    for (uint32_t i = 0; i < batch->count; i++) {
        uint64_t slot = items[i].id_hash & (capacity * 2 - 1);
        while (slots[slot] != 0)
            slot = (slot + 1) & (capacity * 2 - 1);
        slots[slot] = i + 1;
    }
    free(batch->slots);
    batch->slots = slots;
    batch->slot_count = capacity * 2;
    batch->capacity = capacity;
    return TALLY_OK;
}

/* Enters the last item into the table of ids and finds the earlier one with the same id, if any. */
static void
enter_id(struct batch *batch)
{
    struct batch_item *item = &batch->items[batch->count];
    item->same_as = UINT32_MAX;
    uint64_t mask = batch->slot_count - 1;
    uint64_t slot = item->id_hash & mask;
    for (; batch->slots[slot] != 0; slot = (slot + 1) & mask) {
        const struct batch_item *other = &batch->items[batch->slots[slot] - 1];
        if (item->same_as == UINT32_MAX && other->id_hash == item->id_hash &&
            bytes_equal(other->event.values[FIELD_ID], item->event.values[FIELD_ID]))
            item->same_as = batch->slots[slot] - 1;
    }
    batch->slots[slot] = batch->count + 1;
}

static int64_t
batch_now(const struct batch *batch)
{
    return batch->now != 0 ? batch->now : clock_now();
}

/* The time as entries have it, which mostly is that of the event before. */
static tally_status
spell_received(struct batch *batch, int64_t now, struct bytes *text_out, struct tally_error *error)
{
    if (batch->received.data == NULL || batch->received_at != now) {
        uint8_t *text = arena_take(&batch->texts, INSTANT_TEXT_MAX);
        if (text == NULL)
            return memory_fault(error);
        size_t size = instant_format(now, EVENT_CLOCK_DIGITS, (char *)text);
        arena_untake(&batch->texts, INSTANT_TEXT_MAX - size);
        batch->received = bytes_of(text, size);
        batch->received_at = now;
    }
    *text_out = batch->received;
    return TALLY_OK;
}

/* Appends the event that stands in the next item to the body, as the journal frames it. */
static tally_status
frame_item(struct batch *batch, struct batch_item *item, struct tally_error *error)
{
    const struct entry_stamp stamp = {
        .received = item->received,
        .writer = bytes_text(batch->writer),
        .private_fields = batch->private_fields,
    };
    struct buffer *body = &batch->body;
    size_t before = body->size;
    struct entry_parts parts;
    random_bytes(item->salt, sizeof item->salt);
    journal_entry_begin(body, item->salt);
    tally_status status = buffer_failed(body) ? memory_fault(error) : TALLY_OK;
    if (status == TALLY_OK)
        status = entry_lay_out(&item->event, &stamp, body, body, &parts, error);
    if (status == TALLY_OK && body->size > BODY_SIZE_MAX)
        status =
            fault(error, TALLY_FULL, "the batch is full at %zu bytes: append it first", before);
    if (status != TALLY_OK) {
        body->size = before;
        body->failed = false;
        return status;
    }
    journal_entry_end(body, before, parts.public_size, parts.private_size);
    item->offset = (uint32_t)before;
    item->size = (uint32_t)(body->size - before);
    item->commitment = (uint32_t)(parts.commitment_offset - parts.public_offset);
    return TALLY_OK;
}

/* Makes the event that stands in the next item one of the batch. */
static tally_status
add_item(struct batch *batch, int64_t now, struct tally_error *error)
{
    struct batch_item *item = &batch->items[batch->count];
    tally_status status = spell_received(batch, now, &item->received, error);
    if (status == TALLY_OK)
        status = frame_item(batch, item, error);
    if (status != TALLY_OK)
        return status;
    item->id_hash = segment_id_hash(item->event.values[FIELD_ID]);
    enter_id(batch);
    batch->count++;
    return TALLY_OK;
}

tally_status
batch_add_lent(struct batch *batch, struct bytes json, struct tally_error *error)
{
    if (batch->count == BATCH_ENTRIES_MAX)
        return fault(error, TALLY_FULL, "the batch is full at %u events: append it first",
                     BATCH_ENTRIES_MAX);
    tally_status status = make_room(batch, error);
    if (status != TALLY_OK)
        return status;
    int64_t now = batch_now(batch);
    status = event_read(batch->reader, json, now, &batch->items[batch->count].event, error);
    if (status != TALLY_OK)
        return status;
    return add_item(batch, now, error);
}

tally_status
batch_add(struct batch *batch, struct bytes json, struct tally_error *error)
{
    /* The event's values point into the text, which must stay as long as the batch. */
    struct bytes text = arena_copy(&batch->texts, json);
    if (text.data == NULL)
        return memory_fault(error);
    return batch_add_lent(batch, text, error);
}

tally_status
batch_add_control(struct batch *batch, struct bytes control, struct tally_error *error)
{
    tally_status status = make_room(batch, error);
    if (status != TALLY_OK)
        return status;
    struct bytes text = arena_copy(&batch->texts, control);
    if (text.data == NULL)
        return memory_fault(error);
    int64_t now = batch_now(batch);
    status = event_read_control(batch->reader, text, now, &batch->items[batch->count].event, error);
    if (status != TALLY_OK)
        return status;
    return add_item(batch, now, error);
}

/* Items from `first` on, `count` of them. */
static void
hash_items(struct batch *batch, uint32_t first, uint32_t count)
{
    struct entry_secret secrets[HASHED_AT_ONCE];
    struct bytes public_parts[HASHED_AT_ONCE];
    struct tally_hash hashes[HASHED_AT_ONCE];
    for (uint32_t i = 0; i < count; i++) {
        const struct batch_item *item = &batch->items[first + i];
        struct bytes frame = bytes_of(batch->body.data + item->offset, item->size);
        struct journal_entry entry;
        bool good = journal_entry_next(&frame, &entry);
        assert(good);
        (void)good;
        secrets[i] = (struct entry_secret){ entry.salt, entry.private_part };
        public_parts[i] = entry.public_part;
    }
    entry_commit_many(secrets, count, hashes);
    for (uint32_t i = 0; i < count; i++) {
        size_t at = (size_t)(public_parts[i].data - batch->body.data);
        base64_encode(hashes[i].bytes, sizeof hashes[i].bytes,
                      (char *)batch->body.data + at + batch->items[first + i].commitment);
    }
    entry_hash_leaves(public_parts, count, hashes);
    for (uint32_t i = 0; i < count; i++)
        batch->items[first + i].leaf = hashes[i];
}

/* What the batch adds to an event stands among its values from now on: the head wants them all. Of
 * all items, since they may have moved. */
static void
stamp_items(struct batch *batch)
{
    static const struct bytes format = BYTES("1");
    const struct bytes writer = bytes_text(batch->writer);
    for (uint32_t i = 0; i < batch->count; i++) {
        struct batch_item *item = &batch->items[i];
        item->event.values[FIELD_V] = format;
        item->event.values[FIELD_RECEIVED] = item->received;
        item->event.values[FIELD_WRITER] = writer;
    }
}

void
batch_complete(struct batch *batch)
{
    stamp_items(batch);
    while (batch->hashed < batch->count) {
        uint32_t left = batch->count - batch->hashed;
        uint32_t count = left < HASHED_AT_ONCE ? left : HASHED_AT_ONCE;
        hash_items(batch, batch->hashed, count);
        batch->hashed += count;
    }
}
