#include "diary.h"

#include "clock.h"
#include "condition.h"
#include "fault.h"
#include "json.h"
#include "log.h"
#include "tally/hash.h"

#include <pthread.h>
#include <stdlib.h>

/* How long a read is known to be on record, and how many are remembered. */
#define READ_KNOWN      (600 * CLOCK_SECOND)
#define READS_KNOWN_MAX 4096

/* What its entries have under `writer`. */
#define WRITER "tally"

/* The most that is written at once from the queue. */
#define GROUP_MAX 256

struct note {
    struct note *next;
    size_t size;
    char text[]; /* an event's JSON */
};

/* That somebody's reading of something is on record. */
struct known_read {
    struct tally_hash hash; /* of who, which trail, which filter */
    int64_t until;          /* monotonic; 0: free */
};

struct diary {
    struct roster *roster;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t writer;
    bool closing;
    struct note *queue, **queue_end;
    size_t queued;
    uint64_t dropped;  /* since the start */
    uint64_t unspoken; /* of them, those that no entry tells of yet */
    struct known_read reads[READS_KNOWN_MAX];
};

/* ---- an event's JSON ---- */

static void
put_text(struct buffer *out, const char *name, struct bytes value)
{
    if (value.data == NULL)
        return;
    buffer_byte(out, out->size == 0 ? '{' : ',');
    buffer_format(out, "\"%s\":", name);
    json_write_string(value, out);
}

/* An object's own text; it is never the first member. */
static void
put_object(struct buffer *out, const char *name, struct bytes json)
{
    if (json.data == NULL)
        return;
    buffer_format(out, ",\"%s\":", name);
    buffer_bytes(out, json);
}

static struct bytes
optional(const char *text)
{
    return text == NULL ? (struct bytes){ NULL, 0 } : bytes_text(text);
}

static void
put_principal(struct buffer *out, const struct principal *principal)
{
    if (principal == NULL)
        put_text(out, "actor_type", bytes_text("system"));
    if (principal == NULL || principal->role == ROLE_NONE)
        return; /* a stranger is neither the server nor anybody by name */
    put_text(out, "user_id", bytes_text(principal->name));
    put_text(out, "session_id", bytes_text(principal->writer));
}

static void
write_event(const struct diary_event *event, struct buffer *out)
{
    put_text(out, "service", bytes_text("tally"));
    put_text(out, "event_type", optional(event->event_type));
    put_text(out, "action", optional(event->action));
    put_text(out, "status", optional(event->status));
    put_principal(out, event->principal);
    put_text(out, "ip_address", optional(event->address));
    put_text(out, "request_id", optional(event->request_id));
    put_text(out, "resource_type", optional(event->resource_type));
    put_text(out, "resource_id", optional(event->resource_id));
    put_text(out, "message", event->message);
    put_object(out, "details", event->details);
    put_object(out, "changes", event->changes);
    buffer_byte(out, '}');
}

/* ---- into the trail ---- */

static tally_status
append(struct trail *trail, struct batch *batch, struct tally_error *error)
{
    struct receipt receipts[GROUP_MAX];
    struct append_result result;
    tally_status status = trail_append(trail, batch, APPEND_WAIT, receipts, &result, error);
    return status == TALLY_REPEATED ? TALLY_OK : status;
}

static tally_status
write_text(struct trail *trail, struct bytes text, struct tally_error *error)
{
    struct batch *batch;
    tally_status status = batch_create(trail, WRITER, NULL, &batch, error);
    if (status != TALLY_OK)
        return status;
    status = batch_add(batch, text, error);
    if (status == TALLY_OK)
        status = append(trail, batch, error);
    batch_destroy(batch);
    return status;
}

tally_status
diary_write(struct diary *diary, const struct diary_event *event, struct tally_error *error)
{
    struct buffer text = { 0 };
    write_event(event, &text);
    struct open_trail *open = NULL;
    tally_status status = buffer_failed(&text)
                              ? memory_fault(error)
                              : roster_take(diary->roster, DIARY_TRAIL, &open, error);
    if (status == TALLY_OK)
        status = write_text(open->trail, buffer_view(&text), error);
    roster_release(diary->roster, open);
    buffer_free(&text);
    return status;
}

/* ---- what may come a little later ---- */

void
diary_note(struct diary *diary, const struct diary_event *event)
{
    struct buffer text = { 0 };
    write_event(event, &text);
    struct note *note = buffer_failed(&text) ? NULL : malloc(sizeof *note + text.size);
    if (note != NULL) {
        note->next = NULL;
        note->size = text.size;
        memcpy(note->text, text.data, text.size);
    }
    buffer_free(&text);

    (void)pthread_mutex_lock(&diary->mutex);
    if (note == NULL || diary->queued == DIARY_QUEUE_MAX) {
        diary->dropped++;
        diary->unspoken++;
        free(note);
    } else {
        *diary->queue_end = note;
        diary->queue_end = &note->next;
        diary->queued++;
    }
    (void)pthread_cond_broadcast(&diary->changed);
    (void)pthread_mutex_unlock(&diary->mutex);
}

/* Takes up to GROUP_MAX notes. Under the mutex. */
static struct note *
take_notes(struct diary *diary)
{
    struct note *first = diary->queue, **end = &first;
    unsigned count = 0;
    while (*end != NULL && count < GROUP_MAX - 1) {
        end = &(*end)->next;
        count++;
    }
    diary->queue = *end;
    *end = NULL;
    if (diary->queue == NULL)
        diary->queue_end = &diary->queue;
    diary->queued -= count;
    return first;
}

static void
add_gap(struct batch *batch, uint64_t dropped)
{
    struct buffer details = { 0 };
    buffer_format(&details, "{\"dropped\":%llu}", (unsigned long long)dropped);
    struct diary_event event = {
        .action = "audit.gap",
        .status = "error",
        .resource_type = "trail",
        .resource_id = DIARY_TRAIL,
        .details = buffer_view(&details),
        .message = bytes_text("events could not be put on record"),
    };
    struct buffer text = { 0 };
    write_event(&event, &text);
    struct tally_error error;
    if (batch_add(batch, buffer_view(&text), &error) != TALLY_OK)
        LOG(LOG_ERROR, "diary", LOG_TEXT_FIELD("problem", error.text));
    buffer_free(&details);
    buffer_free(&text);
}

/* What is written at once from the queue. */
struct group {
    struct note *notes;
    uint64_t dropped; /* no entry tells of them yet */
    uint64_t refused; /* of the notes: they are no events */
};

/* Adds what is an event: one that is none must not keep the others out. */
static tally_status
add_notes(struct batch *batch, struct group *group, struct tally_error *error)
{
    for (const struct note *note = group->notes; note != NULL; note = note->next) {
        tally_status status = batch_add(batch, bytes_of(note->text, note->size), error);
        if (status != TALLY_OK && status != TALLY_INVALID)
            return status;
        if (status == TALLY_INVALID) {
            LOG(LOG_ERROR, "diary", LOG_TEXT_FIELD("problem", error->text));
            group->refused++;
        }
    }
    return TALLY_OK;
}

static tally_status
write_batch(struct trail *trail, struct group *group, struct tally_error *error)
{
    struct batch *batch;
    tally_status status = batch_create(trail, WRITER, NULL, &batch, error);
    if (status != TALLY_OK)
        return status;
    status = add_notes(batch, group, error);
    if (status == TALLY_OK && group->dropped + group->refused > 0)
        add_gap(batch, group->dropped + group->refused);
    if (status == TALLY_OK && batch_count(batch) > 0)
        status = append(trail, batch, error);
    batch_destroy(batch);
    return status;
}

static tally_status
write_group(struct diary *diary, struct group *group, struct tally_error *error)
{
    struct open_trail *open;
    tally_status status = roster_take(diary->roster, DIARY_TRAIL, &open, error);
    if (status != TALLY_OK)
        return status;
    status = write_batch(open->trail, group, error);
    roster_release(diary->roster, open);
    return status;
}

/* Lets go of notes; how many they were. */
static uint64_t
free_notes(struct note *notes)
{
    uint64_t count = 0;
    for (struct note *next; notes != NULL; notes = next, count++) {
        next = notes->next;
        free(notes);
    }
    return count;
}

/* Waits a second, or until something changes: the disk may be full for a while. */
static void
pause_writing(struct diary *diary)
{
    (void)condition_wait(&diary->changed, &diary->mutex, clock_monotonic() + CLOCK_SECOND);
}

static void *
writer_main(void *context)
{
    struct diary *diary = context;
    (void)pthread_setname_np(pthread_self(), "tally-diary");
    (void)pthread_mutex_lock(&diary->mutex);
    while (!diary->closing || diary->queue != NULL || diary->unspoken > 0) {
        if (diary->queue == NULL && diary->unspoken == 0) {
            (void)pthread_cond_wait(&diary->changed, &diary->mutex);
            continue;
        }
        struct group group = { .notes = take_notes(diary), .dropped = diary->unspoken };
        diary->unspoken = 0;
        (void)pthread_mutex_unlock(&diary->mutex);

        struct tally_error error = { 0 };
        tally_status status = write_group(diary, &group, &error);
        uint64_t count = free_notes(group.notes);
        if (status != TALLY_OK)
            LOG(LOG_CRITICAL_, "diary cannot be written", LOG_TEXT_FIELD("problem", error.text));
        (void)pthread_mutex_lock(&diary->mutex);
        diary->dropped += status == TALLY_OK ? group.refused : count;
        if (status == TALLY_OK)
            continue;
        diary->unspoken += group.dropped + count;
        if (diary->closing)
            break;
        pause_writing(diary);
    }
    (void)free_notes(diary->queue);
    (void)pthread_mutex_unlock(&diary->mutex);
    return NULL;
}

uint64_t
diary_dropped(struct diary *diary)
{
    (void)pthread_mutex_lock(&diary->mutex);
    uint64_t dropped = diary->dropped;
    (void)pthread_mutex_unlock(&diary->mutex);
    return dropped;
}

/* ---- reads ---- */

/* Where the read stands, or where it may be put: in place of the oldest of a few. */
static struct known_read *
place_of(struct diary *diary, const struct tally_hash *hash)
{
    struct known_read *place = NULL;
    uint64_t start = get_u64(hash->bytes);
    for (unsigned i = 0; i < 8; i++) {
        struct known_read *known = &diary->reads[(start + i) % READS_KNOWN_MAX];
        if (tally_hash_equal(&known->hash, hash))
            return known;
        if (place == NULL || known->until < place->until)
            place = known;
    }
    return place;
}

tally_status
diary_read(struct diary *diary, const struct diary_event *event, const char *trail,
           struct bytes filter, struct tally_error *error)
{
    struct tally_hash hash;
    struct tally_piece pieces[] = {
        { &event->principal->key, sizeof event->principal->key },
        { trail, strlen(trail) + 1 },
        { filter.data, filter.size },
    };
    tally_hash_pieces(pieces, sizeof pieces / sizeof pieces[0], &hash);
    int64_t now = clock_monotonic();
    (void)pthread_mutex_lock(&diary->mutex);
    const struct known_read *known = place_of(diary, &hash);
    bool written = tally_hash_equal(&known->hash, &hash) && known->until > now;
    (void)pthread_mutex_unlock(&diary->mutex);
    if (written)
        return TALLY_OK;

    tally_status status = diary_write(diary, event, error);
    if (status != TALLY_OK)
        return status;
    (void)pthread_mutex_lock(&diary->mutex);
    *place_of(diary, &hash) = (struct known_read){ .hash = hash, .until = now + READ_KNOWN };
    (void)pthread_mutex_unlock(&diary->mutex);
    return TALLY_OK;
}

/* ---- opening ---- */

/* Makes the trail where there is none, and opens it. */
static tally_status
make_sure(struct folder *folder, struct roster *roster, struct tally_error *error)
{
    struct open_trail *open;
    tally_status status = roster_take(roster, DIARY_TRAIL, &open, error);
    if (status == TALLY_ABSENT) {
        const struct trail_config config = { 0 };
        struct tally_vkey vkey;
        status = trail_create(folder, DIARY_TRAIL, &config, &vkey, error);
        if (status == TALLY_OK)
            status = roster_take(roster, DIARY_TRAIL, &open, error);
    }
    if (status == TALLY_OK)
        roster_release(roster, open);
    return status;
}

tally_status
diary_open(struct folder *folder, struct roster *roster, struct diary **diary_out,
           struct tally_error *error)
{
    tally_status status = make_sure(folder, roster, error);
    if (status != TALLY_OK)
        return status;
    struct diary *diary = calloc(1, sizeof *diary);
    if (diary == NULL)
        return memory_fault(error);
    diary->roster = roster;
    diary->queue_end = &diary->queue;
    (void)pthread_mutex_init(&diary->mutex, NULL);
    condition_init(&diary->changed);
    if (pthread_create(&diary->writer, NULL, writer_main, diary) != 0) {
        free(diary);
        return fault(error, TALLY_NO_MEMORY, "no thread could be started");
    }
    *diary_out = diary;
    return TALLY_OK;
}

void
diary_close(struct diary *diary)
{
    if (diary == NULL)
        return;
    (void)pthread_mutex_lock(&diary->mutex);
    diary->closing = true;
    (void)pthread_cond_broadcast(&diary->changed);
    (void)pthread_mutex_unlock(&diary->mutex);
    (void)pthread_join(diary->writer, NULL);
    (void)pthread_mutex_destroy(&diary->mutex);
    (void)pthread_cond_destroy(&diary->changed);
    free(diary);
}
