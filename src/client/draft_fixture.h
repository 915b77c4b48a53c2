/*
 * draft_fixture.h - a draft, and the trail's reader, which reads what the draft has written.
 *
 * A program's tests are run with draft_set_up() and draft_tear_down(). Each function fails the test
 * where the draft does not do what it should.
 */
#ifndef DRAFT_FIXTURE_H
#define DRAFT_FIXTURE_H

#include "draft.h"
#include "event.h"

/* 2026-11-21T03:37:50.123456789Z: when the reader reads. */
#define NOW INT64_C(1795232270123456789)

/* The id and the time of an event, so that its line is known. */
#define STAMP "\"id\":\"i\",\"timestamp\":\"2026-01-02T03:04:05Z\""

/* `draft` masks by the default names; `error` is of the newest call. */
extern struct draft *draft;
extern struct event_reader *reader;
extern struct tally_error error;
int draft_set_up(void **state);
int draft_tear_down(void **state);

/* What every line is: one line, and an event of the id that the draft says. */
void read_line(const struct draft *of, struct event *event);

/* Writes an event that is to be taken, with a context or none (NULL), and reads its line. */
void write_json(struct draft *to, const char *json, const char *context_json, const char *service);

#endif
