/*
 * client_parts.h - a client, for the files that are client.h: client.c opens and closes it,
 * client_options.c reads what it is to be, client_record.c records, client_sync.c waits for receipts
 * and asks, client_fork.c keeps it usable in children.
 */
#ifndef CLIENT_PARTS_H
#define CLIENT_PARTS_H

#include "counters.h"
#include "drafts.h"
#include "notice.h"
#include "patience.h"
#include "shipper.h"
#include "tally/client.h"
#include "transport.h"

#include <pthread.h>

struct asker;

struct tally_client {
    bool disabled; /* then nothing else is set */
    enum tally_mode mode;
    enum tally_full full;
    uint64_t spool_size_max, memory_size_max;
    uint32_t sync_ms, timeout_ms;
    char *service;          /* NULL: none */
    char *root;             /* of spools; NULL: there is none, `rootless` says why */
    char *destination_name; /* whose spools are adopted */
    struct transport_options destination;
    char *where, *key, *trail, *ca_file; /* what it points to */
    struct tally_error rootless;

    struct notice notice;
    struct patience patience;
    struct counters counters;
    struct mask *mask;
    struct drafts *drafts;
    struct shipper *shipper;
    atomic_bool losing; /* events were lost, and somebody was told */

    pthread_mutex_t lock; /* opening spools, and what stands below */
    struct asker *askers; /* all */
    struct asker *idle;   /* those that nobody uses */
    uint64_t gap_lost;    /* dropped and not on record yet … */
    int64_t gap_since;    /* … from when; nanoseconds since 1970 */
    uint64_t gap_all;     /* dropped since the client was opened */

    struct tally_client *next; /* client_fork.c's */
};

/* Reads `where` and the options into a zeroed client; what it owns is freed by client_forget(). */
TALLY_MUST_CHECK tally_status client_configure(struct tally_client *client, const char *where,
                                               const struct tally_client_options *options,
                                               struct tally_error *error);
void client_forget(struct tally_client *client);

/* The spool or the queue in memory, made with the first event. */
TALLY_MUST_CHECK tally_status client_spool(struct tally_client *client, enum shipper_source source,
                                           struct spool **spool_out, struct tally_error *error);

/* Puts an event into the spool or the queue; what to do where there is no room is the client's.
 * Counts it, lost or not. */
tally_status client_keep(struct tally_client *client, enum shipper_source source,
                         struct draft_pair *pair, struct bytes event, struct tally_error *error);

/* Counts events that never became drafts, for the reason in `status`, which it returns; a client that
 * is disabled counts nothing and says TALLY_OK. */
tally_status client_count_undrafted(struct tally_client *client, size_t count, tally_status status);

/* Events and their receipts, of a call that waits for them. */
struct client_question {
    const struct bytes *events;
    struct tally_receipt *receipts; /* room for `count`; `id` is the caller's */
    size_t count;
    struct draft_pair *pair;
};

/* Sends them and waits, counting what came of them. TALLY_OK; else the first one's answer that is
 * not, with its position in `position_out`. */
TALLY_MUST_CHECK tally_status client_ask(struct tally_client *client,
                                         const struct client_question *question,
                                         size_t *position_out, struct tally_error *error);

void client_free_askers(struct tally_client *client);
/* In a child after fork(): forgets them. */
void client_abandon_askers(struct tally_client *client);

/* Has fork() leave the client usable, until it is taken off. */
void client_fork_watch(struct tally_client *client);
void client_fork_unwatch(struct tally_client *client);

#endif
