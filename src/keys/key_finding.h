/*
 * key_finding.h - what is amiss with the keys of a ring, each with its cure.
 */
#ifndef KEY_FINDING_H
#define KEY_FINDING_H

#include "keyring.h"

/* A key should be rotated at this age, and revoked when it was not used for this long. */
#define KEY_AGE_DAYS_MAX  365
#define KEY_IDLE_DAYS_MAX 90

enum key_trouble {
    KEY_NO_ADMIN, /* no admin key is good: nobody can administer over the network */
    KEY_RUN_OUT,  /* and is not replaced: who has it may be waiting for another */
    KEY_IDLE,
    KEY_OLD,
};

struct key_finding {
    enum key_trouble trouble;
    char text[256]; /* UTF-8, not escaped */
    char cure[128];
};

/* Anything but TALLY_OK ends the search, and is its status. */
typedef tally_status key_finding_visitor(void *context, const struct key_finding *finding,
                                         struct tally_error *error);

/* At most one finding a key, in order of ids; then KEY_NO_ADMIN if it is so. `now` is nanoseconds
 * since 1970. */
TALLY_MUST_CHECK tally_status key_findings(struct keyring *keyring, int64_t now,
                                           key_finding_visitor *visitor, void *context,
                                           struct tally_error *error);

#endif
