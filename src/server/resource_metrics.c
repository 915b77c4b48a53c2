/*
 * /metrics - what the server has counted and what it is like just now, for Prometheus.
 *
 * Answered on the connection's thread, so that it is answered also when all threads for reading are
 * taken: that is when it is looked at.
 */
#include "clock.h"
#include "disk.h"
#include "folder.h"
#include "gauges.h"
#include "listener.h"
#include "resident.h"
#include "routes.h"
#include "server.h"

#include <stdio.h>

/* Trails as they are. */
struct look {
    const struct principal *principal;
    uint64_t open;      /* trails in all */
    struct buffer rows; /* of struct trail_gauges: those that the principal may know of */
};

static void
look_at_trail(void *context, struct trail *trail)
{
    struct look *look = context;
    struct trail_gauges row = { 0 };
    look->open++;
    /* Who asks from this machine without a key sees all. */
    if (look->principal->role != ROLE_NONE &&
        !principal_may_use(look->principal, trail_name(trail)))
        return;
    (void)snprintf(row.name, sizeof row.name, "%s", trail_name(trail));
    trail_state_read(trail, &row.state);
    buffer_append(&look->rows, &row, sizeof row);
}

static void
write_server(struct server *server, uint64_t trails, struct buffer *out)
{
    uint64_t disk_free = 0;
    if (disk_space(folder_disk(server->folder), &disk_free, NULL) != TALLY_OK)
        disk_free = 0;
    const struct server_gauges gauges = {
        .version = TALLY_VERSION,
        .began = server->began,
        .resident = resident_memory(),
        .disk_free = disk_free,
        .heads_memory = folder_heads_memory(server->folder),
        .bodies = atomic_load(&server->in_flight),
        .connections = listener_connections(server->listener),
        .streams = atomic_load(&server->streaming),
        .tails = atomic_load(&server->following),
        .reads_waiting = workers_waiting(server->workers),
        .trails = trails,
    };
    gauges_write_server(&gauges, out);
}

void
metrics_show(struct request *request)
{
    struct server *server = request->server;
    struct look look = { .principal = &request->principal };
    struct buffer body = { 0 };
    roster_each(server->roster, look_at_trail, &look);
    size_t count = look.rows.size / sizeof(struct trail_gauges);
    metrics_raise(server->metrics, METRIC_DIARY_DROPPED, diary_dropped(server->diary));
    metrics_write(server->metrics, &body);
    write_server(server, look.open, &body);
    /* malloc() aligns the buffer's memory for anything. */
    gauges_write_trails((const struct trail_gauges *)(const void *)look.rows.data, count,
                        clock_monotonic(), &body);
    buffer_free(&look.rows);
    answer_bytes(request, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
}
