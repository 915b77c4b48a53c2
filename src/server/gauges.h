/*
 * gauges.h - what a server is like just now, as gauges on the page of its metrics.
 *
 * Of each open trail and of the whole. Pure but for the clock: who writes the page has looked.
 */
#ifndef GAUGES_H
#define GAUGES_H

#include "buffer.h"
#include "trail_state.h"

struct trail_gauges {
    char name[TRAIL_NAME_MAX + 1];
    struct trail_state state;
};

struct server_gauges {
    const char *version;
    int64_t began; /* wall clock, nanoseconds */
    uint64_t resident;
    uint64_t disk_free;
    uint64_t heads_memory;
    uint64_t bodies; /* bytes in flight */
    uint64_t connections;
    uint64_t streams;
    uint64_t tails;
    uint64_t reads_waiting;
    uint64_t trails; /* open */
};

void gauges_write_server(const struct server_gauges *server, struct buffer *out);

/* Each gauge's lines stand together, as the format wants them. `now` is monotonic. */
void gauges_write_trails(const struct trail_gauges *trails, size_t count, int64_t now,
                         struct buffer *out);

#endif
