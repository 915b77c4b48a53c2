/*
 * map_fuzz.c - anything at all as a map, and as a record for the maps that come with Tallystick.
 *
 * The input is a map's text and a record, with a zero byte between them. A map that is read gives,
 * for whatever record, an event of strict JSON with an id; the standard maps give one that
 * event_read takes, unless a value that no map changes (details) has more than an event may.
 */
#include "event.h"
#include "map.h"
#include "map_standard.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(bool holds)
{
    if (!holds)
        abort();
}

static struct json_tape tape;
static struct event_reader *reader;
static struct map *standard[16];

static void
set_up(void)
{
    static struct catalogue *catalogue;
    expect(json_tape_init(&tape, 65536, NULL) == TALLY_OK);
    expect(catalogue_create(NULL, 0, &catalogue, NULL) == TALLY_OK);
    expect(event_reader_create(catalogue, &reader, NULL) == TALLY_OK);
    for (size_t i = 0; i < map_standard_count; i++)
        expect(map_parse(map_standards[i].text, map_standards[i].name, &standard[i], NULL) ==
               TALLY_OK);
}

/* The event of `record`, if there is one, in `out`. */
static bool
apply(const struct map *map, struct bytes record, enum map_identity identity, struct buffer *out)
{
    buffer_clear(out);
    tally_status status = map_apply(map, &tape, record, identity, out, NULL);
    expect(status == TALLY_OK || status == TALLY_ABSENT || status == TALLY_INVALID);
    expect(status == TALLY_OK || out->size == 0);
    return status == TALLY_OK;
}

static void
apply_standard(const struct map *map, struct bytes record, struct buffer *out)
{
    struct event event;
    if (!apply(map, record, MAP_ID_SOURCE, out) || map_copies(map))
        return;
    /* Brackets around the record make it one level deeper than json_scan found it. */
    bool deep = tape.depth >= JSON_DEPTH_MAX;
    tally_status status = event_read(reader, buffer_view(out), 0, &event, NULL);
    expect(status == TALLY_OK || deep);
    event_reader_reset(reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (reader == NULL)
        set_up();
    const uint8_t *zero = size == 0 ? NULL : memchr(data, 0, size);
    size_t split = zero == NULL ? size : (size_t)(zero - data);
    struct bytes text = bytes_of(data, split);
    struct bytes record =
        split == size ? bytes_of("{}", 2) : bytes_of(data + split + 1, size - split - 1);

    struct buffer out = { 0 };
    struct map *map;
    if (map_parse(text, "fuzz", &map, NULL) == TALLY_OK) {
        for (int identity = MAP_ID_SOURCE; identity <= MAP_ID_CONTENT; identity++) {
            if (!apply(map, record, (enum map_identity)identity, &out))
                continue;
            /* A map may copy a member and a rule may not set it twice: names stay unique. */
            struct tally_error error;
            tally_status status = json_scan(&tape, buffer_view(&out), &error);
            expect(status == TALLY_OK || strstr(error.text, "deep") != NULL);
        }
        map_destroy(map);
    }
    for (size_t i = 0; i < map_standard_count; i++)
        apply_standard(standard[i], record, &out);
    buffer_free(&out);
    return 0;
}
