#include "gauges.h"

#include "clock.h"
#include "metrics.h"

#include <stddef.h>
#include <stdio.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* ---- the server ---- */

static const struct {
    const char *name;
    const char *help;
    size_t offset; /* of the uint64_t in struct server_gauges */
} server_rows[] = {
    { "process_resident_memory_bytes", "Memory that the process takes.",
      offsetof(struct server_gauges, resident) },
    { "tally_disk_free_bytes", "Space left on the data folder's file system.",
      offsetof(struct server_gauges, disk_free) },
    { "tally_heads_memory_bytes", "Memory of all entries that are not sealed yet.",
      offsetof(struct server_gauges, heads_memory) },
    { "tally_bodies_bytes", "Bytes of request bodies that are being worked on.",
      offsetof(struct server_gauges, bodies) },
    { "tally_connections", "Connections that are open.",
      offsetof(struct server_gauges, connections) },
    { "tally_streams", "Exports and verifications under way.",
      offsetof(struct server_gauges, streams) },
    { "tally_tails", "Clients that follow a trail.", offsetof(struct server_gauges, tails) },
    { "tally_reads_waiting", "Requests that wait for a thread for reading.",
      offsetof(struct server_gauges, reads_waiting) },
    { "tally_trails_open", "Trails that are open.", offsetof(struct server_gauges, trails) },
};

void
gauges_write_server(const struct server_gauges *server, struct buffer *out)
{
    char label[96];
    (void)snprintf(label, sizeof label, "version=\"%s\"", server->version);
    metrics_write_gauge(out, "tally_build_info", "The version that runs.", label, 1);
    metrics_write_gauge(out, "process_start_time_seconds", "When the server began, since 1970.",
                        NULL, (double)server->began / (double)CLOCK_SECOND);
    for (size_t i = 0; i < COUNT_OF(server_rows); i++) {
        uint64_t value;
        memcpy(&value, (const char *)server + server_rows[i].offset, sizeof value);
        metrics_write_gauge(out, server_rows[i].name, server_rows[i].help, NULL, (double)value);
    }
}

/* ---- a trail ---- */

static double
size_of(const struct trail_state *state, int64_t now)
{
    (void)now;
    return (double)state->size;
}

static double
signed_of(const struct trail_state *state, int64_t now)
{
    (void)now;
    return (double)state->signed_size;
}

static double
unsigned_seconds_of(const struct trail_state *state, int64_t now)
{
    bool none = state->unsigned_since == 0 || state->unsigned_since > now;
    return none ? 0 : (double)(now - state->unsigned_since) / (double)CLOCK_SECOND;
}

static double
head_entries_of(const struct trail_state *state, int64_t now)
{
    (void)now;
    return state->head_entries;
}

static double
frozen_of(const struct trail_state *state, int64_t now)
{
    (void)now;
    return state->heads_frozen;
}

static double
memory_of(const struct trail_state *state, int64_t now)
{
    (void)now;
    return (double)state->heads_memory;
}

static double
journal_of(const struct trail_state *state, int64_t now)
{
    (void)now;
    return (double)state->journal_size;
}

static double
segments_of(const struct trail_state *state, int64_t now)
{
    (void)now;
    return (double)state->segments;
}

static double
poisoned_of(const struct trail_state *state, int64_t now)
{
    (void)now;
    return state->poisoned;
}

static const struct {
    const char *name;
    const char *help;
    double (*value)(const struct trail_state *state, int64_t now);
} trail_rows[] = {
    { "tally_trail_entries", "Entries of an open trail.", size_of },
    { "tally_trail_signed_entries", "Entries that the newest checkpoint covers.", signed_of },
    { "tally_trail_unsigned_seconds", "How long the oldest entry without a checkpoint has waited.",
      unsigned_seconds_of },
    { "tally_trail_head_entries", "Entries in the head that fills.", head_entries_of },
    { "tally_trail_heads_frozen", "Full heads that are not sealed yet.", frozen_of },
    { "tally_trail_heads_memory_bytes", "Memory of the trail's heads.", memory_of },
    { "tally_trail_journal_bytes", "Bytes of the journal in use.", journal_of },
    { "tally_trail_segments", "Segments of the trail.", segments_of },
    { "tally_trail_poisoned", "1 where the trail takes no entries since a write is in doubt.",
      poisoned_of },
};

void
gauges_write_trails(const struct trail_gauges *trails, size_t count, int64_t now,
                    struct buffer *out)
{
    for (size_t row = 0; row < COUNT_OF(trail_rows); row++) {
        for (size_t i = 0; i < count; i++) {
            char label[TRAIL_NAME_MAX + 16];
            (void)snprintf(label, sizeof label, "trail=\"%s\"", trails[i].name);
            metrics_write_gauge(out, trail_rows[row].name, i == 0 ? trail_rows[row].help : NULL,
                                label, trail_rows[row].value(&trails[i].state, now));
        }
    }
}
