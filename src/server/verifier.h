/*
 * verifier.h - the server verifies its own trails, in the background, without end.
 *
 * Round after round, every trail of the folder is verified as `tally verify` does, from its stored
 * bytes, at a bounded rate. Each round also holds a trail against the checkpoint that the round
 * before saw: it must have grown out of it. What is found is an entry `security_violation` in the
 * trail `tally`, a critical line in the log and a metric; it is found again in every round.
 */
#ifndef VERIFIER_H
#define VERIFIER_H

#include "tally/status.h"

struct server;
struct verifier;

/* Begins, unless settings.verify_every is 0 (then *verifier_out is NULL). Caller owns. */
TALLY_MUST_CHECK tally_status verifier_start(struct server *server, struct verifier **verifier_out,
                                             struct tally_error *error);
/* Ends where it is. NULL is allowed. */
void verifier_stop(struct verifier *verifier);

#endif
