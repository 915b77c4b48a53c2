/*
 * limited.h - what tests of the server's limits stand on: a server with settings, and raw requests.
 *
 * Whoever meets a limit is told so, in words that a program can act on (Retry-After) or by a close, and
 * nobody else notices; whatever counted against it is given back.
 *
 * What cannot happen fails the test (cmocka).
 */
#ifndef LIMITED_H
#define LIMITED_H

#include "must.h"
#include "served.h"

#define MIB ((size_t)1 << 20)

#define EVENT "{\"action\":\"limits\"}"

/* The server of the case that runs: begun by BEGIN("NAME=value", …), ended by served_end(). */
extern struct served served;
#define BEGIN(...) served_begin(&served, (const char *const[]){ __VA_ARGS__, NULL })

void sleep_ms(long ms);

__attribute__((format(printf, 2, 3))) void send_text(struct http *http, const char *format, ...);

/* A head of a POST whose body is to have this size, and nothing of the body. */
void send_post_head(struct http *http, size_t size);

/* The status of the next answer; 0 where none comes. */
unsigned read_status(struct http *http);

/* A refusal says when to come again. */
void assert_retry_after(const struct http_answer *answer);

/* The status that a POST of this body is answered with. */
unsigned post(struct bytes body, const char *headers);

/* The same, of an event, where a limit may end the connection before the event is there: another one
 * then. */
unsigned post_event_patiently(void);

#endif
