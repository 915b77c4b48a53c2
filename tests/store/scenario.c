/*
 * scenario.c - see scenario.h.
 */
#include "scenario.h"

#include "entry.h"
#include "snapshot.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BATCH_MAX   6u
#define SECRET_TEXT "the-secret-of"

static char message[512];

__attribute__((format(printf, 1, 2))) static const char *
broken(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return message;
}

_Noreturn static void
die(int line)
{
    (void)fprintf(stderr, "# scenario.c:%d: what cannot be\n", line);
    abort();
}

static unsigned
draw(unsigned *state)
{
    *state = *state * 1103515245u + 12345u;
    return *state >> 16 & 0x7fffu;
}

struct disk *
scenario_disk(void)
{
    struct disk *disk = disk_sim_create();
    if (disk_make_folder(disk, "keys", NULL) != TALLY_OK ||
        disk_make_folder(disk, "trails", NULL) != TALLY_OK ||
        disk_sync_folder(disk, "", NULL) != TALLY_OK)
        die(__LINE__);
    return disk;
}

/* What went wrong, where nothing should: set TALLY_SCENARIO_TALKS. */
static void
count_fault(struct ledger *ledger, const char *what, const struct tally_error *error)
{
    ledger->faults++;
    if (getenv("TALLY_SCENARIO_TALKS") != NULL)
        (void)fprintf(stderr, "# %s: %s\n", what, error->text);
}

static tally_status
open_folder(struct disk *disk, const struct scenario *scenario, struct folder **folder_out,
            struct tally_error *error)
{
    struct folder_options options = {
        .head_entries_max = scenario->head_entries_max,
        .manual = true,
        .disk = disk,
        .command = "scenario",
    };
    return folder_open("simulated", &options, folder_out, error);
}

/* An event of its own for every number, with a secret that can be looked for. */
static size_t
write_event(unsigned number, char *text, size_t capacity)
{
    return (size_t)snprintf(text, capacity,
                            "{\"id\":\"event-%u\",\"event_type\":\"data_update\","
                            "\"timestamp\":\"2026-03-%02uT10:00:%02u.%03uZ\","
                            "\"user_id\":\"user-%u\",\"resource_type\":\"report\","
                            "\"resource_id\":\"r%u\",\"details\":{\"note\":\"%s-%u\",\"n\":%u}}",
                            number, number % 28 + 1, number % 60, number % 1000, number % 7,
                            number % 11, SECRET_TEXT, number, number);
}

struct life {
    struct disk *disk;
    const struct scenario *scenario;
    struct ledger *ledger;
    struct folder *folder;
    struct trail *trail;
    unsigned random;
    unsigned next_event;
};

static void
note_checkpoint(struct life *life)
{
    struct snapshot *snapshot;
    struct bytes note;
    if (snapshot_open(life->trail, &snapshot, NULL) != TALLY_OK)
        return;
    const struct tally_checkpoint *checkpoint = snapshot_checkpoint(snapshot, &note);
    struct ledger *ledger = life->ledger;
    if (checkpoint != NULL && (ledger->seen_count == 0 ||
                               ledger->seen[ledger->seen_count - 1].size != checkpoint->size)) {
        ledger->seen[ledger->seen_count++] = *checkpoint;
        disk_sim_note(life->disk, NOTE_CHECKPOINT, checkpoint->size, checkpoint->root.bytes,
                      TALLY_HASH_SIZE);
    }
    snapshot_close(snapshot);
}

static bool
reopen(struct life *life)
{
    struct tally_error error = { 0 };
    if (trail_close(life->trail, &error) != TALLY_OK)
        count_fault(life->ledger, "close", &error);
    life->trail = NULL;
    for (unsigned i = 0; i < 3 && life->trail == NULL; i++)
        if (trail_open(life->folder, "main", TRAIL_WRITE, &life->trail, NULL, &error) != TALLY_OK) {
            life->trail = NULL;
            count_fault(life->ledger, "open", &error);
        }
    return life->trail != NULL;
}

/* Entries that are in the trail without having been acknowledged (their append met a fault after
 * they were durable) are acknowledged now: whoever reads them may rely on them. */
static void
acknowledge_all(struct life *life)
{
    struct snapshot *snapshot;
    if (snapshot_open(life->trail, &snapshot, NULL) != TALLY_OK)
        return;
    struct ledger *ledger = life->ledger;
    while (ledger->size < snapshot_size(snapshot)) {
        struct run_entry entry;
        struct tally_error error = { 0 };
        if (snapshot_entry(snapshot, ledger->size, RUN_PARTS, &entry, &error) != TALLY_OK) {
            count_fault(ledger, "read", &error);
            /* One call fails at a time: the second look succeeds, or the disk is dead. */
            if (snapshot_entry(snapshot, ledger->size, RUN_PARTS, &entry, &error) != TALLY_OK)
                break;
        }
        struct tally_hash *leaf = &ledger->leaves[ledger->size];
        tally_hash_leaf(entry.public_part.data, entry.public_part.size, leaf);
        disk_sim_note(life->disk, NOTE_ENTRY, ledger->size, leaf->bytes, TALLY_HASH_SIZE);
        ledger->size++;
    }
    snapshot_close(snapshot);
}

/* Records a batch; some of its events were recorded before. */
static void
append(struct life *life)
{
    struct batch *batch;
    if (batch_create(life->trail, "test", NULL, &batch, NULL) != TALLY_OK)
        die(__LINE__);
    unsigned count = 1 + draw(&life->random) % BATCH_MAX;
    for (unsigned i = 0; i < count; i++) {
        char text[1024];
        unsigned number = life->next_event + i;
        if (number > 50 && draw(&life->random) % 8 == 0)
            number = draw(&life->random) % number;
        struct tally_error refused = { 0 };
        if (batch_add(batch, bytes_of(text, write_event(number, text, sizeof text)), &refused) !=
            TALLY_OK) {
            (void)fprintf(stderr, "# %s: %s\n", refused.text, text);
            die(__LINE__);
        }
    }
    struct receipt receipts[BATCH_MAX];
    struct append_result result;
    struct tally_error error = { 0 };
    tally_status status = trail_append(life->trail, batch, APPEND_WAIT, receipts, &result, &error);
    if (status == TALLY_OK || status == TALLY_REPEATED) {
        life->next_event += count;
        for (unsigned i = 0; i < count; i++) {
            /* A repeat may be of an entry whose own append met a fault. */
            if (receipts[i].index < life->ledger->size) {
                if (!tally_hash_equal(&life->ledger->leaves[receipts[i].index], &receipts[i].leaf))
                    die(__LINE__);
                continue;
            }
            if (receipts[i].index != life->ledger->size)
                die(__LINE__);
            life->ledger->leaves[life->ledger->size++] = receipts[i].leaf;
            disk_sim_note(life->disk, NOTE_ENTRY, receipts[i].index, receipts[i].leaf.bytes,
                          TALLY_HASH_SIZE);
        }
    } else if (status > 0) {
        die(__LINE__); /* a conflict: all events of a number are the same */
    } else {
        count_fault(life->ledger, "append", &error);
    }
    batch_destroy(batch);
}

static void
erase(struct life *life)
{
    uint64_t indexes[3];
    uint64_t first = 1 + draw(&life->random) % (life->ledger->size - 3);
    size_t count = 0;
    struct snapshot *snapshot;
    if (snapshot_open(life->trail, &snapshot, NULL) != TALLY_OK)
        return;
    for (uint64_t i = first; i < first + 3; i++) {
        struct run_entry entry;
        if (snapshot_entry(snapshot, i, RUN_VALUES, &entry, NULL) == TALLY_OK && !entry.control)
            indexes[count++] = i;
    }
    snapshot_close(snapshot);
    if (count == 0)
        return;
    struct tally_error error = { 0 };
    tally_status status = trail_erase(life->trail, indexes, count, "asked for", &error);
    if (status != TALLY_OK) {
        count_fault(life->ledger, "erase", &error);
        acknowledge_all(life); /* the control entry may be there */
        return;
    }
    acknowledge_all(life);
    for (size_t i = 0; i < count; i++) {
        life->ledger->erased[indexes[i]] = true;
        disk_sim_note(life->disk, NOTE_ERASED, indexes[i], NULL, 0);
    }
}

static void
live(struct life *life)
{
    for (unsigned i = 0; i < life->scenario->batches; i++) {
        append(life);
        if (trail_poisoned(life->trail) != NULL || i % 37 == 36) {
            if (!reopen(life))
                return;
            acknowledge_all(life);
        }
        struct tally_error error = { 0 };
        if (i % 3 == 2 && trail_sign(life->trail, &error) != TALLY_OK)
            count_fault(life->ledger, "sign", &error);
        if (i % 29 == 28 && life->ledger->size > 10)
            erase(life);
        note_checkpoint(life);
    }
}

void
scenario_run(struct disk *disk, const struct scenario *scenario, struct ledger *ledger)
{
    struct life life = {
        .disk = disk,
        .scenario = scenario,
        .ledger = ledger,
        .random = scenario->seed,
    };
    struct tally_vkey vkey;
    struct trail_config config = { .origin = "example.org/scenario" };
    struct tally_error error = { 0 };
    if (open_folder(disk, scenario, &life.folder, &error) != TALLY_OK) {
        count_fault(ledger, "folder", &error);
        return;
    }
    /* Lack of space may pass; after anything else a person has to look. */
    tally_status status = TALLY_FULL;
    for (unsigned i = 0; i < 3 && status == TALLY_FULL; i++) {
        status = trail_create(life.folder, "main", &config, &vkey, &error);
        if (status != TALLY_OK)
            count_fault(ledger, "create", &error);
    }
    ledger->created = status == TALLY_OK;
    if (ledger->created && reopen(&life)) {
        acknowledge_all(&life);
        note_checkpoint(&life);
        live(&life);
        if (life.trail != NULL && trail_close(life.trail, &error) != TALLY_OK)
            count_fault(ledger, "last close", &error);
    }
    folder_close(life.folder);
}

void
ledger_from_notes(const struct sim_note *notes, size_t count, struct ledger *ledger)
{
    memset(ledger, 0, sizeof *ledger);
    for (size_t i = 0; i < count; i++) {
        const struct sim_note *note = &notes[i];
        ledger->created = true;
        if (note->kind == NOTE_ENTRY) {
            assert(note->value == ledger->size);
            memcpy(ledger->leaves[ledger->size++].bytes, note->data.data, TALLY_HASH_SIZE);
        } else if (note->kind == NOTE_CHECKPOINT) {
            struct tally_checkpoint *seen = &ledger->seen[ledger->seen_count++];
            seen->size = note->value;
            memcpy(seen->root.bytes, note->data.data, TALLY_HASH_SIZE);
        } else {
            ledger->erased[note->value] = true;
        }
    }
}

static const char *
check_entries(struct snapshot *snapshot, const struct ledger *ledger, struct tally_tree *tree)
{
    struct tally_error error = { 0 };
    size_t seen = 0;
    uint64_t size = snapshot_size(snapshot);
    if (size < ledger->size)
        return broken("%" PRIu64 " entries were acknowledged, %" PRIu64 " are there", ledger->size,
                      size);
    for (uint64_t i = 0; i < size; i++) {
        struct run_entry entry;
        if (snapshot_entry(snapshot, i, RUN_PARTS, &entry, &error) != TALLY_OK)
            return broken("entry %" PRIu64 " cannot be read: %s", i, error.text);
        struct tally_hash leaf;
        tally_hash_leaf(entry.public_part.data, entry.public_part.size, &leaf);
        if (i < ledger->size && !tally_hash_equal(&leaf, &ledger->leaves[i]))
            return broken("entry %" PRIu64 " has another leaf than was acknowledged", i);
        if (i < ledger->size && ledger->erased[i] && !entry.erased)
            return broken("entry %" PRIu64 " was erased and is back", i);
        tally_tree_append(tree, &leaf);
        for (; seen < ledger->seen_count && ledger->seen[seen].size <= tree->size; seen++) {
            struct tally_hash root;
            tally_tree_root(tree, &root);
            if (ledger->seen[seen].size == tree->size &&
                !tally_hash_equal(&root, &ledger->seen[seen].root))
                return broken("the root at size %" PRIu64 " is not the one that was visible",
                              tree->size);
        }
    }
    if (seen < ledger->seen_count)
        return broken("a checkpoint of size %" PRIu64 " was visible, %" PRIu64 " entries are there",
                      ledger->seen[seen].size, size);
    return NULL;
}

/* The trail goes on where it stopped. */
static const char *
check_append(struct trail *trail, const struct tally_tree *tree)
{
    struct tally_error error = { 0 };
    struct batch *batch;
    static const char event[] = "{\"action\":\"after.accident\"}";
    if (batch_create(trail, "test", NULL, &batch, &error) != TALLY_OK ||
        batch_add(batch, bytes_of(event, sizeof event - 1), &error) != TALLY_OK)
        die(__LINE__);
    struct receipt receipt;
    struct append_result result;
    tally_status status = trail_append(trail, batch, APPEND_WAIT, &receipt, &result, &error);
    batch_destroy(batch);
    if (status != TALLY_OK)
        return broken("appending does not go on: %s", error.text);
    if (receipt.index != tree->size)
        return broken("the next entry got index %" PRIu64 " instead of %" PRIu64, receipt.index,
                      tree->size);
    if (trail_sign(trail, &error) != TALLY_OK)
        return broken("signing does not go on: %s", error.text);
    return NULL;
}

static const char *
check_trail(struct folder *folder, const struct ledger *ledger)
{
    struct tally_error error = { 0 };
    struct trail *trail;
    tally_status status = trail_open(folder, "main", TRAIL_WRITE, &trail, NULL, &error);
    if (status == TALLY_ABSENT && !ledger->created)
        return NULL;
    if (status != TALLY_OK)
        return broken("the trail cannot be opened: %s", error.text);
    struct tally_tree tree;
    tally_tree_init(&tree);
    struct snapshot *snapshot;
    const char *wrong = NULL;
    if (snapshot_open(trail, &snapshot, &error) != TALLY_OK)
        die(__LINE__);
    wrong = check_entries(snapshot, ledger, &tree);
    snapshot_close(snapshot);
    if (wrong == NULL)
        wrong = check_append(trail, &tree);
    if (trail_close(trail, &error) != TALLY_OK && wrong == NULL)
        wrong = broken("closing fails: %s", error.text);
    return wrong;
}

const char *
scenario_check(struct disk *disk, const struct scenario *scenario, const struct ledger *ledger)
{
    struct tally_error error = { 0 };
    struct folder *folder;
    if (open_folder(disk, scenario, &folder, &error) != TALLY_OK)
        return broken("the folder cannot be opened: %s", error.text);
    const char *wrong = check_trail(folder, ledger);
    folder_close(folder);
    return wrong;
}
