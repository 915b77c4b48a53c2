/*
 * proxy.h - a network between clients and a server that can be made to fail.
 *
 * A process of its own that listens on a free port of 127.0.0.1 and hands on what comes to the
 * target, and back. What it does can be changed at any time. It does not outlive the test.
 */
#ifndef PROXY_H
#define PROXY_H

#include <stdint.h>

struct proxy;

struct proxy *proxy_start(void);
void proxy_stop(struct proxy *proxy);

uint16_t proxy_port(const struct proxy *proxy);

/* The server's port; 0: connections are closed at once. */
void proxy_target(struct proxy *proxy, uint16_t port);

/* The next `count` answers are not handed on: as soon as one begins to come, the server has done
 * what it was asked, and both sides' connections are closed. */
void proxy_drop_answers(struct proxy *proxy, int count);
/* How many are still to be dropped. */
int proxy_answers_to_drop(const struct proxy *proxy);

/* Of a thousand pieces that come, so many are not handed on, and the connection is cut; before each
 * there is a pause of up to so many milliseconds. */
void proxy_harm(struct proxy *proxy, int cut_permille, int delay_ms);

#endif
