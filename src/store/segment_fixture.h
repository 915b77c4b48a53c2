/*
 * segment_fixture.h - random entries for the tests of segments and runs, with what must come back.
 */
#ifndef SEGMENT_FIXTURE_H
#define SEGMENT_FIXTURE_H

#include "disk.h"
#include "entry.h"
#include "head.h"
#include "run.h"
#include "segment.h"

/* One entry and everything that a reader must give of it. */
struct sample_entry {
    struct bytes values[FIELD_COUNT]; /* FIELD_PRIVATE is its commitment in base64 */
    uint8_t salt[16];
    uint8_t commitment[32];
    struct bytes public_part;
    struct bytes private_part;
    int64_t time;
    bool erased;
};

/* What random entries are like. */
enum sample_style {
    SAMPLE_PLAIN,  /* as applications send them */
    SAMPLE_WILD,   /* every field in turn rare, frequent, long, odd; ids that are no UUIDs */
    SAMPLE_HUGE,   /* a few values of hundreds of kilobytes */
    SAMPLE_SPARSE, /* hardly any field but those every entry has */
};

struct sample {
    uint64_t first;
    uint32_t count;
    uint64_t fields_private;
    struct sample_entry *entries;
    struct arena arena;
};

/* `count` entries; the same for the same arguments. Ends the process where memory is short. */
struct sample *sample_create(uint64_t seed, enum sample_style style, uint64_t first,
                             uint32_t count);
void sample_destroy(struct sample *sample);

/* A head with all of the sample's entries, published. */
struct head *sample_head(const struct sample *sample);

/* Writes all of a head as a segment, by one thread. */
TALLY_MUST_CHECK tally_status segment_write_head(const struct trail_place *place, struct head *head,
                                                 struct segment_info *info_out,
                                                 struct tally_error *error);

/* Forgets the private parts of `rows` in the sample. */
void sample_erase(struct sample *sample, const uint32_t *rows, size_t count);

/* A disk in memory with a trail's folder "t" and "t/segments". */
struct disk *sample_disk(void);

extern const uint8_t sample_tag[16];
/* That folder. */
#define SAMPLE_PLACE(disk) (&(struct trail_place){ (disk), "t", sample_tag })

/* A small generator for tests, the same everywhere (splitmix64). */
uint64_t sample_random(uint64_t *state);

#endif
