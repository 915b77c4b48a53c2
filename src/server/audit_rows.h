/*
 * audit_rows.h - entries as the rows of eight members that earlier systems answered.
 *
 * id, user_id, action, resource_type, resource_id, timestamp, status, ip_address: always all of
 * them, in this order, texts, null where the entry has none.
 */
#ifndef AUDIT_ROWS_H
#define AUDIT_ROWS_H

#include "buffer.h"
#include "field.h"

/* Appends one row, a JSON object. */
void audit_row_write(const struct bytes values[FIELD_COUNT], struct buffer *out);

#endif
