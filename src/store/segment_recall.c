/*
 * segment_recall.c - the value that was looked up last in a column of codes, and a row that has it.
 *
 * It stands with the column (segment_half.h), for whoever reads the segment next, and is the only
 * thing there that changes: it is read and written under the mutex, and copied.
 */
#include "segment_read.h"

#include <assert.h>

void
segment_remember(struct segment *segment, struct segment_column *column, struct bytes value,
                 uint32_t code)
{
    struct looked_up *last = &column->looked_up;
    if (value.size == 0 || value.size > LOOKED_UP_SIZE)
        return;
    pthread_mutex_lock(&segment->mutex);
    *last = (struct looked_up){
        .known = true, .size = (uint8_t)value.size, .code = code, .row = NO_ROW_FOUND
    };
    memcpy(last->text, value.data, value.size);
    pthread_mutex_unlock(&segment->mutex);
}

bool
segment_recall_code(struct segment *segment, const struct segment_column *column,
                    struct bytes value, uint32_t *code_out)
{
    const struct looked_up *last = &column->looked_up;
    pthread_mutex_lock(&segment->mutex);
    bool same = last->known && bytes_equal(bytes_of(last->text, last->size), value);
    if (same)
        *code_out = last->code;
    pthread_mutex_unlock(&segment->mutex);
    return same;
}

bool
segment_recall_value(struct segment *segment, const struct segment_column *column, uint32_t code,
                     char text[LOOKED_UP_SIZE], size_t *size_out)
{
    const struct looked_up *last = &column->looked_up;
    assert(code > 0);
    pthread_mutex_lock(&segment->mutex);
    bool same = last->known && last->code == code;
    if (same) {
        memcpy(text, last->text, last->size);
        *size_out = last->size;
    }
    pthread_mutex_unlock(&segment->mutex);
    return same;
}

void
segment_remember_row(struct segment *segment, struct segment_column *column, uint32_t code,
                     uint32_t row)
{
    struct looked_up *last = &column->looked_up;
    pthread_mutex_lock(&segment->mutex);
    if (last->known && last->code == code)
        last->row = row;
    pthread_mutex_unlock(&segment->mutex);
}

bool
segment_recall_row(struct segment *segment, const struct segment_column *column, uint32_t row,
                   char text[LOOKED_UP_SIZE], size_t *size_out)
{
    const struct looked_up *last = &column->looked_up;
    pthread_mutex_lock(&segment->mutex);
    bool same = last->known && last->row == row;
    if (same) {
        memcpy(text, last->text, last->size);
        *size_out = last->size;
    }
    pthread_mutex_unlock(&segment->mutex);
    return same;
}
