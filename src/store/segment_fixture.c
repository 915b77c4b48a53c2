/*
 * segment_fixture.c - random entries for the tests of segments and runs.
 */
#include "segment_fixture.h"

#include "arena.h"
#include "base64.h"
#include "buffer.h"
#include "clock.h"
#include "disk_sim.h"
#include "tally/hash.h"
#include "uuid.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const uint8_t sample_tag[16] = "a trail's tag...";

uint64_t
sample_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint32_t
below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)(sample_random(state) % limit);
}

static struct bytes
keep(struct sample *sample, const void *data, size_t size)
{
    struct bytes copy = arena_copy(&sample->arena, bytes_of(data, size));
    if (copy.data == NULL)
        abort();
    return copy;
}

/* `before`, a number, `after`. */
static struct bytes
keep_number(struct sample *sample, const char *before, uint32_t number, const char *after)
{
    char text[128];
    int size = snprintf(text, sizeof text, "%s%03" PRIu32 "%s", before, number, after);
    return keep(sample, text, (size_t)size);
}

/* Valid UTF-8 of words, quotes, controls and more than one byte a character. */
static struct bytes
random_text(struct sample *sample, uint64_t *state, uint32_t size_max)
{
    static const struct bytes pieces[] = {
        BYTES("login "),
        BYTES("failed "),
        BYTES("user "),
        BYTES("\"quoted\" "),
        BYTES("back\\slash "),
        BYTES("tab\t"),
        BYTES("nul\0"),
        BYTES("caf\xc3\xa9 "),
        BYTES("\xf0\x9f\x94\x92"),
        BYTES("the quick brown fox "),
        BYTES("0123456789"),
        BYTES("a"),
    };
    struct buffer text = { 0 };
    uint32_t size = below(state, size_max + 1);

    while (text.size < size)
        buffer_bytes(&text, pieces[below(state, sizeof pieces / sizeof pieces[0])]);
    if (text.size == 0)
        buffer_reserve(&text, 1);
    struct bytes kept = keep(sample, text.data, text.size);
    buffer_free(&text);
    return kept;
}

static struct bytes
random_uuid(struct sample *sample, uint64_t *state)
{
    uint8_t uuid[16];
    char text[UUID_TEXT_SIZE];
    put_u64(uuid, sample_random(state));
    put_u64(uuid + 8, sample_random(state));
    uuid_format(uuid, text);
    return keep(sample, text, sizeof text);
}

static struct bytes
random_id(struct sample *sample, uint64_t *state, bool wild)
{
    static const char characters[] = "ABCxyz019._:-";
    char text[64];
    uint8_t raw[16];

    switch (wild ? below(state, 4) : 0) {
    default:
        return random_uuid(sample, state);
    case 1: {
        uint32_t size = 1 + below(state, sizeof text);
        for (uint32_t i = 0; i < size; i++)
            text[i] = characters[below(state, sizeof characters - 1)];
        return keep(sample, text, size);
    }
    case 2:
        put_u64(raw, sample_random(state));
        put_u64(raw + 8, sample_random(state));
        hex_encode(raw, sizeof raw, text);
        return keep(sample, text, 32);
    case 3: {
        /* A UUID in upper case is not the canonical text. */
        struct bytes id = random_uuid(sample, state);
        memcpy(text, id.data, id.size);
        for (size_t i = 0; i < id.size; i++)
            if (text[i] >= 'a' && text[i] <= 'f')
                text[i] = (char)(text[i] - 'a' + 'A');
        return keep(sample, text, id.size);
    }
    }
}

static struct bytes
random_time(struct sample *sample, uint64_t *state, int64_t around, bool wild)
{
    char text[INSTANT_TEXT_MAX];
    int64_t spread = wild ? INT64_C(40) * CLOCK_DAY : CLOCK_SECOND;
    int64_t time = around + (int64_t)(sample_random(state) % (uint64_t)spread) - spread / 2;

    if (wild && below(state, 8) == 0)
        return keep_number(sample, "2016-12-31T23:59:60.", below(state, 1000), "Z");
    if (wild && below(state, 8) == 0)
        return keep_number(sample, "2024-02-29T01:02:03.000000000", below(state, 1000), "Z");
    size_t size = instant_format(time, wild ? below(state, 10) : 3, text);
    return keep(sample, text, size);
}

static struct bytes
random_number(struct sample *sample, uint64_t *state, bool wild)
{
    static const char *const odd[] = {
        "0",
        "0.0",
        "00.5",
        "123456789012345678901234567890",
        "0.00000000000000000000001",
        "999999999999999999",
    };
    if (wild && below(state, 4) == 0) {
        const char *text = odd[below(state, sizeof odd / sizeof odd[0])];
        return keep(sample, text, strlen(text));
    }
    return keep_number(sample, "", 100 + below(state, 900),
                       wild && below(state, 2) == 0 ? ".25" : "");
}

static struct bytes
random_value(struct sample *sample, uint64_t *state, enum field_id field, enum sample_style style,
             int64_t now)
{
    bool wild = style != SAMPLE_PLAIN;
    uint32_t text_max = style == SAMPLE_HUGE && below(state, 50) == 0 ? 300000 : 200;

    switch (fields[field].column) {
    case COLUMN_HINT_CODES:
        if (wild && below(state, 8) == 0)
            return random_text(sample, state, 60);
        return keep_number(sample, "value-", below(state, wild && field % 2 == 0 ? 100000 : 12),
                           "");
    case COLUMN_HINT_TIME:
        return random_time(sample, state, now, wild && field == FIELD_TIMESTAMP);
    case COLUMN_HINT_NUMBER:
        return random_number(sample, state, wild);
    case COLUMN_HINT_ID:
        return random_id(sample, state, wild);
    case COLUMN_HINT_TEXT:
    case COLUMN_HINT_DIGEST:
        break;
    }
    if (fields[field].type != TYPE_OBJECT)
        return random_text(sample, state, text_max);
    return keep_number(sample, "{\"count\":1", below(state, 1000), ",\"what\":\"an object\"}");
}

/* Of 100 entries, how many have the field. */
static uint32_t
share(enum field_id field, enum sample_style style, uint64_t seed)
{
    static const uint8_t shares[] = { 0, 1, 10, 50, 99, 100 };
    const uint64_t always = FIELD_BIT(FIELD_V) | FIELD_BIT(FIELD_ID) | FIELD_BIT(FIELD_TIMESTAMP) |
                            FIELD_BIT(FIELD_RECEIVED) | FIELD_BIT(FIELD_WRITER);
    uint64_t state = seed + field;

    if ((always & FIELD_BIT(field)) != 0)
        return 100;
    if (field == FIELD_PRIVATE)
        return 0;
    if (field == FIELD_CONTROL)
        return 2;
    if (style == SAMPLE_SPARSE)
        return field == FIELD_ACTION ? 100 : 0;
    return style == SAMPLE_PLAIN ? 90 : shares[below(&state, sizeof shares)];
}

static int64_t
order_time(const struct sample_entry *entry)
{
    struct instant timestamp;
    struct instant received;
    const char *reason;
    if (!instant_parse(entry->values[FIELD_TIMESTAMP], &timestamp, &reason) ||
        !instant_parse(entry->values[FIELD_RECEIVED], &received, &reason))
        abort();
    return entry_time(timestamp.ns, received.ns);
}

/* Both parts and what binds them. */
static void
entry_finish(struct sample *sample, struct sample_entry *entry)
{
    struct buffer part = { 0 };
    char commitment[ENTRY_COMMITMENT_SIZE];
    size_t size;

    if (!entry->erased) {
        part_write(entry->values, sample->fields_private, &part);
        entry->private_part = keep(sample, part.data, part.size);
        entry_commit(entry->salt, entry->private_part, commitment);
        if (!base64_decode(bytes_of(commitment, sizeof commitment), entry->commitment, 32, &size))
            abort();
        entry->values[FIELD_PRIVATE] = keep(sample, commitment, sizeof commitment);
    }
    buffer_clear(&part);
    part_write(entry->values, FIELDS_ALL & ~sample->fields_private, &part);
    entry->public_part = keep(sample, part.data, part.size);
    entry->time = order_time(entry);
    buffer_free(&part);
}

struct sample *
sample_create(uint64_t seed, enum sample_style style, uint64_t first, uint32_t count)
{
    struct sample *sample = calloc(1, sizeof *sample);
    uint64_t state = seed * 977 + (uint64_t)style;
    if (sample == NULL || (sample->entries = calloc(count, sizeof *sample->entries)) == NULL)
        abort();
    sample->first = first;
    sample->count = count;
    sample->fields_private = FIELDS_PRIVATE_DEFAULT;
    if (style == SAMPLE_WILD && seed % 3 == 0)
        sample->fields_private ^= FIELD_BIT(FIELD_USER_ID) | FIELD_BIT(FIELD_REQUEST_ID) |
                                  FIELD_BIT(FIELD_STATUS_CODE) | FIELD_BIT(FIELD_DETAILS);

    for (uint32_t row = 0; row < count; row++) {
        struct sample_entry *entry = &sample->entries[row];
        int64_t now = INT64_C(1750000000) * CLOCK_SECOND + row * INT64_C(1000000);
        for (unsigned i = 0; i < FIELD_COUNT; i++) {
            enum field_id field = (enum field_id)i;
            if (below(&state, 100) < share(field, style, seed))
                entry->values[field] = random_value(sample, &state, field, style, now);
        }
        entry->values[FIELD_V] = keep(sample, "1", 1);
        put_u64(entry->salt, sample_random(&state));
        put_u64(entry->salt + 8, sample_random(&state));
        entry_finish(sample, entry);
    }
    return sample;
}

void
sample_destroy(struct sample *sample)
{
    arena_finish(&sample->arena);
    free(sample->entries);
    free(sample);
}

tally_status
segment_write_head(const struct trail_place *place, struct head *head,
                   struct segment_info *info_out, struct tally_error *error)
{
    const struct run run = { .first = head_first(head), .count = head_count(head), .head = head };
    struct run_reader *reader;
    tally_status status = run_reader_create(&run, &reader, error);
    if (status != TALLY_OK)
        return status;
    status = segment_write(place, reader, NULL, info_out, error);
    run_reader_destroy(reader);
    return status;
}

struct head *
sample_head(const struct sample *sample)
{
    struct head *head;
    struct tally_error error;
    if (head_create(sample->first, sample->fields_private, &head, &error) != TALLY_OK)
        abort();
    for (uint32_t row = 0; row < sample->count; row++) {
        const struct sample_entry *entry = &sample->entries[row];
        struct head_entry given = { .values = entry->values, .salt = entry->salt };
        if (head_append(head, &given, 1, &error) != TALLY_OK)
            abort();
    }
    head_publish(head);
    return head;
}

void
sample_erase(struct sample *sample, const uint32_t *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sample_entry *entry = &sample->entries[rows[i]];
        entry->erased = true;
        memset(entry->salt, 0, sizeof entry->salt);
        entry->private_part = (struct bytes){ NULL, 0 };
        for (unsigned field = 0; field < FIELD_COUNT; field++)
            if ((sample->fields_private & FIELD_BIT(field)) != 0)
                entry->values[field] = (struct bytes){ NULL, 0 };
    }
}

struct disk *
sample_disk(void)
{
    struct disk *disk = disk_sim_create();
    struct tally_error error;
    if (disk_make_folder(disk, "t", &error) != TALLY_OK ||
        disk_make_folder(disk, "t/segments", &error) != TALLY_OK)
        abort();
    return disk;
}
