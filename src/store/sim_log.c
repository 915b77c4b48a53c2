#include "sim_log.h"

#include <stdlib.h>

void
sim_log_add(struct sim_log *log, const struct sim_operation *operation, const char *name)
{
    if (log == NULL)
        return;
    if (log->operation_count == log->operation_capacity) {
        log->operation_capacity = log->operation_capacity * 2 + 64;
        log->operations =
            must(realloc(log->operations, log->operation_capacity * sizeof *log->operations));
    }
    struct sim_operation *added = &log->operations[log->operation_count++];
    *added = *operation;
    size_t size = strlen(name);
    size_t cut = size < sizeof added->name ? 0 : size - sizeof added->name + 1;
    memcpy(added->name, name + cut, size - cut + 1);
    if (operation->data != NULL) {
        added->data = must(malloc(operation->size));
        memcpy(added->data, operation->data, operation->size);
    }
}

void
sim_log_note(struct sim_log *log, int kind, uint64_t value, struct bytes data)
{
    if (log == NULL)
        return;
    if (log->note_count == log->note_capacity) {
        log->note_capacity = log->note_capacity * 2 + 64;
        log->notes = must(realloc(log->notes, log->note_capacity * sizeof *log->notes));
        log->note_points =
            must(realloc(log->note_points, log->note_capacity * sizeof *log->note_points));
    }
    uint8_t *copy = must(malloc(data.size + 1));
    if (data.size > 0)
        memcpy(copy, data.data, data.size);
    log->notes[log->note_count] = (struct sim_note){ kind, value, bytes_of(copy, data.size) };
    log->note_points[log->note_count++] = log->operation_count;
}

void
sim_log_destroy(struct sim_log *log)
{
    if (log == NULL)
        return;
    for (size_t i = 0; i < log->operation_count; i++)
        free(log->operations[i].data);
    for (size_t i = 0; i < log->note_count; i++)
        free((void *)(uintptr_t)log->notes[i].data.data);
    sim_image_finish(&log->start);
    free(log->operations);
    free(log->notes);
    free(log->note_points);
    free(log);
}
