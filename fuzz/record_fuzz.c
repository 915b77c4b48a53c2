/*
 * record_fuzz.c - from the bytes of a body to entries that are read back.
 *
 * The first byte says the type, and how many events go into one batch. The body is cut, its events
 * are added to batches and appended to a trail on the simulated disk. Whatever was acknowledged is
 * in a snapshot under the index and with the leaf of its receipt, and says what the event says that
 * was sent; also when the trail is opened again, from what reached the disk.
 */
#include "body.h"
#include "entry.h"
#include "fixture.h"

#define NOW INT64_C(1795232270123456789)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct catalogue *catalogue;
static struct event_reader *reader;

static void
must(bool holds)
{
    if (!holds)
        abort();
}

/* An event that was acknowledged. */
struct kept {
    struct bytes text;
    struct receipt receipt;
};

struct keeping {
    struct kept *kept;
    size_t count;
    size_t pending; /* of them, in the batch that is being filled */
};

/* Whether the entry says what the event says: read once more, by a reader of our own. */
static void
check_entry(const struct kept *kept, const struct run_entry *entry)
{
    struct tally_hash leaf;
    struct event event;
    tally_hash_leaf(entry->public_part.data, entry->public_part.size, &leaf);
    must(memcmp(&leaf, &kept->receipt.leaf, sizeof leaf) == 0);
    must(!entry->erased && !entry->control);
    must(event_read(reader, kept->text, NOW, &event, NULL) == TALLY_OK);
    /* Each reading gives an id of its own where none was sent. */
    if ((event.sent & UINT64_C(1) << FIELD_ID) == 0)
        event.values[FIELD_ID] = entry->values[FIELD_ID];
    must(event_equal(&event, entry->values, 0));
}

static void
check_all(struct trail *trail, const struct keeping *keeping)
{
    struct snapshot *snapshot;
    MUST(trail_sign(trail, &why));
    MUST(snapshot_open(trail, &snapshot, &why));
    for (size_t i = 0; i < keeping->count; i++) {
        struct run_entry entry;
        MUST(snapshot_entry(snapshot, keeping->kept[i].receipt.index, RUN_PARTS, &entry, &why));
        check_entry(&keeping->kept[i], &entry);
    }
    snapshot_close(snapshot);
    event_reader_reset(reader);
}

/* Appends the batch; what is refused is forgotten. */
static void
append(struct trail *trail, struct batch *batch, struct keeping *keeping)
{
    uint32_t count = batch_count(batch);
    must(count == keeping->pending);
    if (count == 0)
        return;
    struct receipt *receipts = calloc(count, sizeof *receipts);
    struct append_result result;
    uint64_t before = trail_size(trail);
    tally_status status = trail_append(trail, batch, APPEND_REFUSE, receipts, &result, &why);
    must(status == TALLY_OK || status == TALLY_REPEATED || status == TALLY_CONFLICT);
    if (status == TALLY_CONFLICT)
        must(trail_size(trail) == before && result.conflicts > 0);
    if (status == TALLY_OK)
        must(trail_size(trail) == before + result.count && result.first == before);
    size_t first = keeping->count - count;
    for (uint32_t i = 0; i < count; i++)
        keeping->kept[first + i].receipt = receipts[i];
    if (status == TALLY_CONFLICT)
        keeping->count = first;
    keeping->pending = 0;
    free(receipts);
    batch_clear(batch);
}

static void
record(struct trail *trail, struct bytes text, enum body_type type, size_t batch_max,
       struct keeping *keeping)
{
    struct batch *batch;
    MUST(batch_create(trail, "key:1", catalogue, &batch, &why));
    struct body_events events;
    struct body_event event;
    body_events_begin(&events, text, type);
    while (body_events_next(&events, &event, &why) == TALLY_OK) {
        tally_status status = batch_add_lent(batch, event.text, &why);
        must(status == TALLY_OK || status == TALLY_INVALID);
        if (status == TALLY_INVALID) {
            body_event_place(&event, &why);
            must(why.line >= event.line && why.text[0] != '\0');
            continue;
        }
        keeping->kept[keeping->count++] = (struct kept){ .text = event.text };
        if (++keeping->pending == batch_max)
            append(trail, batch, keeping);
    }
    append(trail, batch, keeping);
    batch_destroy(batch);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (reader == NULL) {
        MUST(catalogue_create(NULL, 0, &catalogue, &why));
        MUST(event_reader_create(catalogue, &reader, &why));
    }
    struct bytes text = bytes_of(data + 1, size - 1);
    struct keeping keeping = { .kept = calloc(size, sizeof *keeping.kept) };
    struct disk *disk = fixture_disk();
    struct folder *folder = fixture_folder(disk, 0);
    struct trail *trail = fixture_create(folder, "main", FIXTURE_ORIGIN);
    record(trail, text, (enum body_type)(data[0] % 2), 1 + data[0] / 2, &keeping);
    check_all(trail, &keeping);
    MUST(trail_close(trail, &why));

    trail = fixture_open(folder, "main", TRAIL_WRITE);
    check_all(trail, &keeping);
    MUST(trail_close(trail, &why));
    folder_close(folder);
    disk_close_folder(disk);
    free(keeping.kept);
    return 0;
}
