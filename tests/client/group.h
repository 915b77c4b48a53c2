/*
 * group.h - what all tests of a program stand on: one recording, and a network before it where that is
 * to fail.
 *
 * For cmocka_run_group_tests(): recording_set_up() and recording_tear_down(), or proxied_set_up() and
 * proxied_tear_down(), after which the clients of `proxied` reach the server through `proxy`.
 */
#ifndef GROUP_H
#define GROUP_H

#include "proxy.h"
#include "recording.h"

extern struct recording recording;
extern struct proxy *proxy;
extern char proxied[64]; /* the proxy's address */

int recording_set_up(void **state);
int recording_tear_down(void **state);

int proxied_set_up(void **state);
int proxied_tear_down(void **state);

#endif
