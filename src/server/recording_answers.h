/*
 * recording_answers.h - what is answered to a request that records: docs/api.md, "Recording".
 */
#ifndef RECORDING_ANSWERS_H
#define RECORDING_ANSWERS_H

#include "recordings.h"

/* Where its events are: 201, or 200 where all were there before. append.status is TALLY_OK or
 * TALLY_REPEATED. */
void answer_recorded(struct request *request, const struct recording *recording);

/* A problem, with what was wrong with which events. */
void answer_refused(struct request *request, const struct recording *recording, unsigned status,
                    const char *detail);

#endif
