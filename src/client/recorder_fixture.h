/*
 * recorder_fixture.h - a stand-in for the client's recording, for tests of what records.
 *
 * It takes tally_client_record()'s place in the test program: each event is drafted as the client
 * would and read as the trail would; what is compared are its members.
 */
#ifndef RECORDER_FIXTURE_H
#define RECORDER_FIXTURE_H

#include <stdint.h>

#include "tally/client.h"

int recorder_create(void **state);
int recorder_destroy(void **state);

/* Not a client: what records only hands it on. */
extern struct tally_client *const recorder_client;

/* What the next calls answer, if not what comes of the event. */
extern tally_status recorder_answer;

struct recorded {
    unsigned calls;           /* since recorder_forget() */
    char members[4096];       /* of the last event: canonical, without what every event has */
    double response_time_ms;  /* taken out of them; -1: it had none */
    char correlation_id[300]; /* taken out of them; "": it had none */
    enum tally_mode mode;
    uint64_t undrafted; /* events that were counted as not recorded */
};
extern struct recorded recorded;

void recorder_forget(void);

#endif
