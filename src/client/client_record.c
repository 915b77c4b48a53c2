/*
 * Recording: an event is drafted on the caller's thread, then kept (client_keep()) or asked about
 * (client_sync.c).
 */
#include "client_parts.h"

#include "clock.h"
#include "fault.h"
#include "uncancelled.h"

#include <stdio.h>
#include <stdlib.h>

#define MS (CLOCK_SECOND / 1000)

/* ---- no room ---- */

static void
count_lost(struct tally_client *client, uint64_t count, const char *why)
{
    counter_add(&client->counters.lost, count);
    if (notice_changes(&client->losing, true))
        notice_say(&client->notice, "events are lost: %s", why);
}

/* Puts an event on record that says what was dropped. Where there is no room, the next one will; and
 * since such an event may be dropped as well, each says how many were dropped in all. */
static void
record_gap(struct tally_client *client, struct spool *spool, struct draft *draft)
{
    (void)pthread_mutex_lock(&client->lock);
    uint64_t lost = client->gap_lost;
    uint64_t all = client->gap_all;
    int64_t since = client->gap_since;
    client->gap_lost = 0;
    (void)pthread_mutex_unlock(&client->lock);
    if (lost == 0)
        return;
    char details[192], time[INSTANT_TEXT_MAX];
    int time_size = (int)instant_format(since, 6, time);
    (void)snprintf(details, sizeof details,
                   "{\"lost\":%llu,\"lost_in_all\":%llu,\"since\":\"%.*s\","
                   "\"reason\":\"the spool was full\"}",
                   (unsigned long long)lost, (unsigned long long)all, time_size, time);
    const struct tally_event *event =
        TALLY_EVENT(.action = "audit.gap", .severity = "high", .status = "error",
                    .message = "events were dropped before they reached the trail",
                    .details = details);
    tally_status status = draft_write(draft, event, NULL, client->service, NULL);
    if (status == TALLY_OK)
        status = spool_append(spool, draft_line(draft), NULL);
    if (status == TALLY_OK)
        return;
    (void)pthread_mutex_lock(&client->lock);
    client->gap_since =
        client->gap_lost == 0 || since < client->gap_since ? since : client->gap_since;
    client->gap_lost += lost;
    (void)pthread_mutex_unlock(&client->lock);
}

/* Drops the oldest events until there is room. */
static tally_status
append_dropping(struct tally_client *client, struct spool *spool, struct draft_pair *pair,
                struct bytes event, struct tally_error *error)
{
    for (;;) {
        uint64_t count;
        int64_t since;
        tally_status status = spool_append(spool, event, error);
        if (status != TALLY_FULL || spool_drop_oldest(spool, &count, &since) != TALLY_OK)
            return status;
        count_lost(client, count, "the spool is full, and the oldest are dropped");
        shipper_dropped(client->shipper);
        (void)pthread_mutex_lock(&client->lock);
        if (client->gap_lost == 0 || since < client->gap_since)
            client->gap_since = since;
        client->gap_lost += count;
        client->gap_all += count;
        (void)pthread_mutex_unlock(&client->lock);
        record_gap(client, spool, pair->aside);
    }
}

static tally_status
append_waiting(struct tally_client *client, struct spool *spool, struct bytes event,
               struct tally_error *error)
{
    const struct patience *patience = &client->patience;
    int64_t until = clock_monotonic() + client->timeout_ms * MS;
    tally_status status = spool_append(spool, event, error);
    if (status != TALLY_FULL)
        return status;
    /* The draft is the thread's, and who is asked whether to wait may record. */
    struct buffer copy = { 0 };
    buffer_bytes(&copy, event);
    if (buffer_failed(&copy))
        return memory_fault(error);
    while (status == TALLY_FULL && !patience_ended(patience)) {
        int64_t next = patience_next(patience, until);
        if (!spool_wait_room(spool, next) && next == until)
            break;
        status = spool_append(spool, buffer_view(&copy), error);
    }
    buffer_free(&copy);
    return status;
}

/* ---- keeping ---- */

static tally_status
append(struct tally_client *client, enum shipper_source source, struct draft_pair *pair,
       struct bytes event, struct tally_error *error)
{
    struct spool *spool;
    tally_status status = client_spool(client, source, &spool, error);
    if (status != TALLY_OK)
        return status;
    if (source == SHIPPER_MEMORY) {
        status = spool_append(spool, event, error);
        if (status == TALLY_OK)
            shipper_ring(client->shipper);
        return status;
    }
    switch (client->full) {
    case TALLY_FULL_BLOCK:
        return append_waiting(client, spool, event, error);
    case TALLY_FULL_DROP_OLDEST:
        return append_dropping(client, spool, pair, event, error);
    default:
        return spool_append(spool, event, error);
    }
}

tally_status
client_keep(struct tally_client *client, enum shipper_source source, struct draft_pair *pair,
            struct bytes event, struct tally_error *error)
{
    struct tally_error own;
    own.text[0] = '\0';
    tally_status status = append(client, source, pair, event, &own);
    if (status == TALLY_OK) {
        (void)notice_changes(&client->losing, false);
        return TALLY_OK;
    }
    if (status == TALLY_INVALID) {
        counter_add(&client->counters.invalid, 1);
    } else {
        counter_add(&client->counters.unspooled, 1);
        count_lost(client, 1, own.text);
    }
    if (error != NULL)
        *error = own;
    return status;
}

/* ---- calls ---- */

static enum tally_mode
mode_of(const struct tally_client *client, enum tally_mode mode)
{
    return mode == TALLY_MODE_DEFAULT ? client->mode : mode;
}

static void
set_id(struct tally_receipt *receipt, struct bytes id)
{
    *receipt = (struct tally_receipt){ .index = TALLY_INDEX_UNKNOWN };
    size_t size = id.size < sizeof receipt->id ? id.size : sizeof receipt->id - 1;
    memcpy(receipt->id, id.data, size);
}

tally_status
client_count_undrafted(struct tally_client *client, size_t count, tally_status status)
{
    if (client->disabled)
        return TALLY_OK;
    if (status == TALLY_INVALID) {
        counter_add(&client->counters.invalid, count);
        return status;
    }
    counter_add(&client->counters.unspooled, count);
    count_lost(client, count, tally_status_text(status));
    return status;
}

/* The event in `pair->draft`, copied: the draft is the thread's, and who is asked whether to wait may
 * record. */
static tally_status
ask_one(struct tally_client *client, struct draft_pair *pair, struct tally_receipt *receipt,
        struct tally_error *error)
{
    struct buffer copy = { 0 };
    buffer_bytes(&copy, draft_line(pair->draft));
    if (buffer_failed(&copy))
        return client_count_undrafted(client, 1, memory_fault(error));
    struct bytes line = buffer_view(&copy);
    const struct client_question question = {
        .events = &line,
        .receipts = receipt,
        .count = 1,
        .pair = pair,
    };
    size_t position;
    tally_status status = client_ask(client, &question, &position, error);
    buffer_free(&copy);
    return status;
}

/* What becomes of the event in `pair->draft`. */
static tally_status
record_draft(struct tally_client *client, struct draft_pair *pair, enum tally_mode mode,
             struct tally_receipt *receipt_out, struct tally_error *error)
{
    struct tally_receipt receipt;
    tally_status status;
    uint64_t masked = draft_masked(pair->draft);
    if (masked > 0)
        counter_add(&client->counters.masked, masked);
    if (receipt_out != NULL || mode == TALLY_MODE_SYNC)
        set_id(&receipt, draft_id(pair->draft));
    if (mode == TALLY_MODE_SYNC) {
        status = ask_one(client, pair, &receipt, error);
    } else {
        status = client_keep(client, mode == TALLY_MODE_MEMORY ? SHIPPER_MEMORY : SHIPPER_SPOOL,
                             pair, draft_line(pair->draft), error);
    }
    if (status == TALLY_OK && receipt_out != NULL)
        *receipt_out = receipt;
    return status;
}

static tally_status
answer_disabled(struct tally_receipt *receipts_out, size_t count)
{
    for (size_t i = 0; receipts_out != NULL && i < count; i++)
        receipts_out[i] = (struct tally_receipt){ .index = TALLY_INDEX_UNKNOWN };
    return TALLY_OK;
}

tally_status
tally_client_record(struct tally_client *client, const struct tally_event *event,
                    enum tally_mode mode, struct tally_receipt *receipt_out,
                    struct tally_error *error)
{
    if (client->disabled)
        return answer_disabled(receipt_out, 1);
    UNCANCELLED();
    struct draft_pair *pair;
    tally_status status = drafts_mine(client->drafts, &pair, error);
    if (status == TALLY_OK)
        status = draft_write(pair->draft, event, tally_context_current(), client->service, error);
    if (status != TALLY_OK)
        return client_count_undrafted(client, 1, status);
    return record_draft(client, pair, mode_of(client, mode), receipt_out, error);
}

tally_status
tally_client_record_json(struct tally_client *client, const char *json, size_t size,
                         enum tally_mode mode, struct tally_receipt *receipt_out,
                         struct tally_error *error)
{
    if (client->disabled)
        return answer_disabled(receipt_out, 1);
    UNCANCELLED();
    struct draft_pair *pair;
    tally_status status = drafts_mine(client->drafts, &pair, error);
    if (status == TALLY_OK)
        status = draft_write_json(pair->draft, bytes_of(json, size), tally_context_current(),
                                  client->service, error);
    if (status != TALLY_OK)
        return client_count_undrafted(client, 1, status);
    return record_draft(client, pair, mode_of(client, mode), receipt_out, error);
}

/* ---- many ---- */

/* Events of one call, drafted. `lines` points into `text` once that does not grow any more. */
struct bundle {
    struct buffer text;
    size_t *ends;
    struct bytes *lines;
    struct tally_receipt *receipts;
    size_t count;
    uint64_t masked;
};

static void
bundle_free(struct bundle *bundle)
{
    buffer_free(&bundle->text);
    free(bundle->ends);
    free(bundle->lines);
    free(bundle->receipts);
}

static tally_status
bundle_init(struct bundle *bundle, size_t count, struct tally_error *error)
{
    *bundle = (struct bundle){
        .ends = calloc(count, sizeof *bundle->ends),
        .lines = calloc(count, sizeof *bundle->lines),
        .receipts = calloc(count, sizeof *bundle->receipts),
        .count = count,
    };
    if (bundle->ends != NULL && bundle->lines != NULL && bundle->receipts != NULL)
        return TALLY_OK;
    bundle_free(bundle);
    return memory_fault(error);
}

/* Begins the error's text with the position of the event that it is about. */
static tally_status
at_position(struct tally_error *error, tally_status status, size_t position)
{
    if (error == NULL)
        return status;
    char text[sizeof error->text];
    (void)snprintf(text, sizeof text, "event %zu: %.480s", position, error->text);
    memcpy(error->text, text, sizeof text);
    return status;
}

static tally_status
bundle_draft(struct tally_client *client, struct bundle *bundle, struct draft *draft,
             const struct tally_event *const *events, struct tally_error *error)
{
    const struct tally_context *context = tally_context_current();
    for (size_t i = 0; i < bundle->count; i++) {
        tally_status status = draft_write(draft, events[i], context, client->service, error);
        if (status != TALLY_OK)
            return at_position(error, status, i);
        buffer_bytes(&bundle->text, draft_line(draft));
        bundle->ends[i] = bundle->text.size;
        bundle->masked += draft_masked(draft);
        set_id(&bundle->receipts[i], draft_id(draft));
    }
    if (buffer_failed(&bundle->text))
        return memory_fault(error);
    for (size_t i = 0, begin = 0; i < bundle->count; begin = bundle->ends[i++])
        bundle->lines[i] = bytes_of(bundle->text.data + begin, bundle->ends[i] - begin);
    return TALLY_OK;
}

static tally_status
keep_bundle(struct tally_client *client, const struct bundle *bundle, enum shipper_source source,
            struct draft_pair *pair, struct tally_error *error)
{
    tally_status first = TALLY_OK;
    for (size_t i = 0; i < bundle->count; i++) {
        tally_status status =
            client_keep(client, source, pair, bundle->lines[i], first == TALLY_OK ? error : NULL);
        if (status != TALLY_OK && first == TALLY_OK)
            first = at_position(error, status, i);
    }
    return first;
}

static tally_status
record_bundle(struct tally_client *client, const struct bundle *bundle, enum tally_mode mode,
              struct draft_pair *pair, struct tally_error *error)
{
    counter_add(&client->counters.masked, bundle->masked);
    if (mode != TALLY_MODE_SYNC)
        return keep_bundle(client, bundle,
                           mode == TALLY_MODE_MEMORY ? SHIPPER_MEMORY : SHIPPER_SPOOL, pair, error);
    const struct client_question question = {
        .events = bundle->lines,
        .receipts = bundle->receipts,
        .count = bundle->count,
        .pair = pair,
    };
    size_t position = 0;
    tally_status status = client_ask(client, &question, &position, error);
    return status == TALLY_OK ? status : at_position(error, status, position);
}

tally_status
tally_client_record_many(struct tally_client *client, const struct tally_event *const *events,
                         size_t count, enum tally_mode mode, struct tally_receipt *receipts_out,
                         struct tally_error *error)
{
    if (client->disabled || count == 0)
        return answer_disabled(receipts_out, count);
    UNCANCELLED();
    struct draft_pair *pair;
    struct bundle bundle = { 0 };
    tally_status status = drafts_mine(client->drafts, &pair, error);
    if (status == TALLY_OK)
        status = bundle_init(&bundle, count, error);
    if (status == TALLY_OK)
        status = bundle_draft(client, &bundle, pair->draft, events, error);
    if (status != TALLY_OK) {
        bundle_free(&bundle);
        return client_count_undrafted(client, count, status);
    }
    status = record_bundle(client, &bundle, mode_of(client, mode), pair, error);
    if (receipts_out != NULL && status == TALLY_OK)
        memcpy(receipts_out, bundle.receipts, count * sizeof *receipts_out);
    bundle_free(&bundle);
    return status;
}
