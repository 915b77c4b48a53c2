/*
 * drive.h - send requests over some connections, each as soon as the answer before it is there, or
 * one in so long on each.
 *
 * One thread and epoll: a request costs a send, a recv and its share of an epoll_wait. Every answer
 * is checked: 200 or 201, and where events were sent, that as many new ones are acknowledged. An
 * answer 429 or 503 is counted, and the request sent again after a moment; any other ends the
 * program with the answer's text.
 */
#ifndef DRIVE_H
#define DRIVE_H

#include "requests.h"
#include "samples.h"

#include <netinet/in.h>

struct drive_options {
    struct sockaddr_in address;
    uint32_t connections;
    size_t count;  /* of requests to send; beyond the last of the list, from the first again */
    int64_t time;  /* nanoseconds after which no more are sent; 0: no limit */
    int64_t every; /* nanoseconds from a connection's request to its next, if the answer is there by
                      then; 0: they follow at once */
};

struct drive_result {
    uint64_t requests;
    uint64_t events;        /* acknowledged */
    uint64_t refused;       /* answers 429 and 503 */
    uint64_t bytes;         /* of answers */
    int64_t began;          /* clock_monotonic: the first byte sent */
    int64_t ended;          /* the last answer read */
    struct samples samples; /* from a request's first byte sent to its answer's last; of what was
                               refused, from the first attempt */
    struct buffer last;     /* the answer, head and all, that the first connection got last */
};

void drive(const struct drive_options *options, const struct requests *requests,
           struct drive_result *result_out);
void drive_finish(struct drive_result *result);

#endif
