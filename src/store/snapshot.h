/*
 * snapshot.h - a trail as it was at one size: what queries, exports, proofs and verification read.
 *
 * A snapshot is immutable and keeps what it needs alive; the trail goes on growing, sealing and
 * erasing behind its back, but must not be closed before it. In the writing process it holds
 * everything committed; elsewhere what the newest checkpoint covers (see trail_open()). Use it from
 * one thread at a time; open as many as you like.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include "run.h"
#include "tally/proof.h"
#include "trail.h"

struct snapshot;
struct token_sought;

TALLY_MUST_CHECK tally_status snapshot_open(struct trail *trail, struct snapshot **snapshot_out,
                                            struct tally_error *error);
/* The same, at an older size (a cursor's); TALLY_ABSENT where the trail is smaller. */
TALLY_MUST_CHECK tally_status snapshot_open_at(struct trail *trail, uint64_t size,
                                               struct snapshot **snapshot_out,
                                               struct tally_error *error);
void snapshot_close(struct snapshot *snapshot); /* NULL is allowed */

uint64_t snapshot_size(const struct snapshot *snapshot);

/* Runs in order of index: they cover [0, size) without gaps. Lent until the snapshot goes. */
size_t snapshot_run_count(const struct snapshot *snapshot);
const struct run *snapshot_run(const struct snapshot *snapshot, size_t i);
/* The one that holds an entry below the size. */
size_t snapshot_find_run(const struct snapshot *snapshot, uint64_t index);

/* A reader of the i-th run, kept by the snapshot: lent until readers of four other runs were asked
 * for. */
TALLY_MUST_CHECK tally_status snapshot_reader(struct snapshot *snapshot, size_t i,
                                              struct run_reader **reader_out,
                                              struct tally_error *error);

/* The runs that may have one of the tokens (token.h), a bit each, the first run's the lowest of the
 * first word: heads, and segments that no group tells of, always may. `bits_out` has room for a bit
 * for every run. Reads a block a group and token. */
TALLY_MUST_CHECK tally_status snapshot_runs_with(struct snapshot *snapshot,
                                                 const struct token_sought *tokens, size_t count,
                                                 uint64_t *bits_out, struct tally_error *error);

/* The groups of runs that this goes by, in order of their runs: which runs the i-th has, from
 * `*run_out` on, and which of these may have one of the tokens, a bit each. The caller meters
 * (snapshot_meter_add()), since several threads may probe at once. */
size_t snapshot_group_count(const struct snapshot *snapshot);
void snapshot_group(const struct snapshot *snapshot, size_t i, size_t *run_out,
                    unsigned *count_out);
TALLY_MUST_CHECK tally_status snapshot_group_probe(struct snapshot *snapshot, size_t i,
                                                   const struct token_sought *tokens, size_t count,
                                                   struct run_meter *meter, uint64_t *runs_out,
                                                   struct tally_error *error);

/* What was read of segments' files through the snapshot so far. */
struct run_meter snapshot_meter(const struct snapshot *snapshot);

/* Counts what was read of its runs with readers that are not the snapshot's. */
void snapshot_meter_add(struct snapshot *snapshot, const struct run_meter *meter);

/* One entry; TALLY_ABSENT beyond the size. Views are lent until the next call on the snapshot. */
TALLY_MUST_CHECK tally_status snapshot_entry(struct snapshot *snapshot, uint64_t index,
                                             enum run_want want, struct run_entry *entry_out,
                                             struct tally_error *error);
/* The newest entry with this id, or TALLY_ABSENT. */
TALLY_MUST_CHECK tally_status snapshot_find_id(struct snapshot *snapshot, struct bytes id,
                                               uint64_t *index_out, struct tally_error *error);

/* The newest checkpoint that the snapshot holds all entries of, with the signed note's bytes, both
 * lent; its size is at most snapshot_size(). NULL where the newest one is younger than an older
 * snapshot. */
const struct tally_checkpoint *snapshot_checkpoint(const struct snapshot *snapshot,
                                                   struct bytes *note_out);

/* A tally_hash_reader with the snapshot as its context, for tally_inclusion_prove() and
 * tally_consistency_prove(), up to the snapshot's size. Hashes come from the tree files and, below
 * level 8, from the entries. */
tally_status snapshot_hash(void *snapshot, unsigned level, uint64_t index,
                           struct tally_hash *hash_out, struct tally_error *error);

#endif
