/*
 * corpus.h - random entries in segments and heads, and random filters, for the tests of
 * scans.
 */
#ifndef CORPUS_H
#define CORPUS_H

#include "arena.h"
#include "match.h"
#include "scan.h"

#define CORPUS_RUNS_MAX 8

/* One entry as it went in. */
struct corpus_entry {
    struct bytes values[FIELD_COUNT];
    int64_t time; /* it is ordered by */
};

struct corpus {
    bool on_time;
    uint64_t count;
    struct corpus_entry *entries;
    size_t run_count;
    struct run runs[CORPUS_RUNS_MAX];
    struct run_reader *readers[CORPUS_RUNS_MAX];
    struct disk *disk;
    struct arena arena;
    struct match_scratch *scratch;
};

/* Runs of these sizes, ended by 0, the last two of them heads, the others segments. Times mostly
 * ascend; some entries are late, some from the future, many equal. The same for the same seed. Ends
 * the process where something fails. */
struct corpus *corpus_create(uint64_t seed, const uint32_t *sizes);
/* The same, but that no timestamp is later than when its entry was received. */
struct corpus *corpus_create_on_time(uint64_t seed, const uint32_t *sizes);
void corpus_destroy(struct corpus *corpus);

/* What may happen to a corpus: the index files of its segments are gone; some entries of its segments
 * have lost their private part. */
enum corpus_change {
    CORPUS_LOSE_INDEXES,
    CORPUS_ERASE,
};
void corpus_change(struct corpus *corpus, enum corpus_change change);

/* All of it, or the first `size` entries, as a snapshot of that size has it: at most one view at a
 * time. */
struct scan_source corpus_source(struct corpus *corpus, uint64_t size);

/* A random filter that fits the corpus; the caller frees the text. */
void corpus_filter(uint64_t *state, struct buffer *out);

uint64_t corpus_random(uint64_t *state, uint64_t below);

/* What filters of the corpus count from: when its first entry was received. */
int64_t corpus_now(void);

#endif
