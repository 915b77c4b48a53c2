/*
 * recording.h - a server, a place for spools, and clients that record: what the tests of libtally
 * begin with.
 *
 * What cannot happen fails the test (cmocka).
 */
#ifndef RECORDING_H
#define RECORDING_H

#include "served.h"
#include "tally/client.h"

#include <pthread.h>

struct recording {
    struct served served;
    char *scratch; /* removed at the end */
    char *spools;  /* a folder in it that does not exist yet */
    char url[64];
    pthread_mutex_t lock;
    char notices[4096]; /* what clients said, a line each; under the lock */
};

/* With these settings of the server ("NAME=value", ending with NULL; or NULL). */
void recording_begin(struct recording *recording, const char *const *settings);
void recording_end(struct recording *recording);

/* Options that record into its trail from its spools, and note what is said. */
struct tally_client_options recording_options(struct recording *recording);

/* A client of the server with these options, or of `where` if that is not NULL. */
struct tally_client *recording_client(struct recording *recording, const char *where,
                                      const struct tally_client_options *options);

/* How often this was said since recording_hush(). */
unsigned recording_said(struct recording *recording, const char *text);
void recording_hush(struct recording *recording);
/* Waits a generous time until it was. */
void recording_wait_said(struct recording *recording, const char *text);

/* What a client counts, which must add up. */
struct tally_client_statistics recording_statistics(struct tally_client *client);

/* Waits a generous time for everything to have its answer. */
void recording_flush(struct tally_client *client);

/* Waits a generous time until the trail has so many events of this client, those of spools it adopted
 * too, and no more. */
void recording_wait_sent(struct tally_client *client, uint64_t count);

/* Records an event `series`/`number`. */
tally_status recording_event(struct tally_client *client, const char *series, unsigned number,
                             enum tally_mode mode, struct tally_receipt *receipt_out,
                             struct tally_error *error);

/* A thread that records events 0 to count - 1 of its series: pthread_create() with recording_work and
 * the task. Ends the process where one is not recorded. */
struct recording_task {
    struct tally_client *client;
    enum tally_mode mode;
    unsigned count;
    char series[32];
    pthread_t thread;
};
void *recording_work(void *task);

/* How many entries of the series the trail has; they must be 0, 1, 2, … in this order, each once. */
unsigned recording_count(struct recording *recording, const char *series);

/* What the trail answers to a query. Free with tally_text_free(). */
char *recording_find(struct recording *recording, const char *query);

/* A port of 127.0.0.1 where nobody listens, nor can while this process is there. */
uint16_t recording_silent_port(void);

/* Whether the folder, if it is there at all, has no spool in it. */
bool recording_spools_empty(const struct recording *recording);

#endif
