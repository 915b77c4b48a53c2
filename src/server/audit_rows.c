#include "audit_rows.h"

#include "escape.h"

static const uint8_t row_fields[] = {
    FIELD_ID,          FIELD_USER_ID,   FIELD_ACTION, FIELD_RESOURCE_TYPE,
    FIELD_RESOURCE_ID, FIELD_TIMESTAMP, FIELD_STATUS, FIELD_IP_ADDRESS,
};

void
audit_row_write(const struct bytes values[FIELD_COUNT], struct buffer *out)
{
    for (size_t i = 0; i < sizeof row_fields; i++) {
        struct bytes value = values[row_fields[i]];
        buffer_text(out, i == 0 ? "{\"" : ",\"");
        buffer_bytes(out, fields[row_fields[i]].name);
        buffer_text(out, "\":");
        if (value.data == NULL)
            buffer_text(out, "null");
        else
            escape_json_string(value, out);
    }
    buffer_byte(out, '}');
}
