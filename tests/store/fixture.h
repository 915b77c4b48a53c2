/*
 * fixture.h - data folders, trails and events to test on, and calls that must succeed.
 *
 * MUST() ends the process where a call is not TALLY_OK and says which and why: it may be used in
 * any thread and in a forked process, where cmocka's assertions may not.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "disk_sim.h"
#include "snapshot.h"
#include "trail.h"
#include "verify.h"

#include <stdlib.h>

/* The error of the last call on this thread that was given it: MUST(call(…, &why)). */
extern _Thread_local struct tally_error why;

void fixture_must(tally_status status, const char *call, const char *file, int line);
#define MUST(call) fixture_must((call), #call, __FILE__, __LINE__)

/* Prints the sentence and ends the process. */
__attribute__((format(printf, 1, 2), noreturn)) void fixture_fail(const char *format, ...);

/* A number from the environment, or `normal`. */
uint64_t fixture_setting(const char *name, uint64_t normal);

/* A small generator, the same everywhere (splitmix64). */
uint64_t fixture_random(uint64_t *state);

/* An empty data folder on a simulated disk. */
struct disk *fixture_disk(void);

/* It, opened without threads. */
struct folder *fixture_folder(struct disk *disk, uint32_t head_entries_max);

/* A new empty data folder in the system's place for temporary files; the caller gives it back to
 * fixture_remove(), which removes everything in it and frees the name. */
char *fixture_path(void);
void fixture_remove(char *path);

#define FIXTURE_ORIGIN     "example.org/fixture"
#define FIXTURE_EVENT_SIZE 512

/* Makes the trail and opens it for writing. */
struct trail *fixture_create(struct folder *folder, const char *name, const char *origin);
struct trail *fixture_open(struct folder *folder, const char *name, enum trail_mode mode);

/* The event of a number, always the same; `text` has room for FIXTURE_EVENT_SIZE bytes. Its id is
 * "event-NUMBER"; its private part holds the text "secret-NUMBER." and, as session_id, the UUID of
 * fixture_secret(). */
struct bytes fixture_event(uint64_t number, char *text);

/* 16 bytes of its own for each number, as they stand in a column, and as text. */
#define FIXTURE_SECRET_TEXT 37
void fixture_secret(uint64_t number, uint8_t secret[16], char text[FIXTURE_SECRET_TEXT]);

/* A batch with the events of `count` numbers from `first` on. */
struct batch *fixture_batch(const struct trail *trail, uint64_t first, uint32_t count);

/* Appends them as one batch, all of them new. `receipts` may be NULL. */
void fixture_record(struct trail *trail, uint64_t first, uint32_t count, struct receipt *receipts);

/* Verifies with the key that the trail itself names. The disk is not changed. It is done twice, by
 * one thread and by several, the first times and one in eight later: both must say the same. */
enum verdict fixture_verify(struct folder *folder, const char *name, struct verify_report *report);
enum verdict fixture_verify_with(struct folder *folder, const char *name,
                                 const struct verify_options *options,
                                 struct verify_report *report);
/* Fails unless the two say the same. */
void fixture_same_report(const struct verify_report *alone, const struct verify_report *together);

/* Fails unless the trail is intact; `entries` of them, `erased` of these. */
void fixture_intact(struct folder *folder, const char *name, uint64_t entries, uint64_t erased);

#endif
