/*
 * The trace-id of a traceparent (W3C Trace Context, section 3.2): version "-" trace-id "-" parent-id
 * "-" flags. A version that is not known yet may have more behind that (section 3.2.4); version ff
 * does not exist.
 */
#include "bytes.h"
#include "tally/context.h"

#define VERSION_SIZE 2
#define TRACE_AT     3
#define TRACE_SIZE   32
#define PARENT_AT    36
#define PARENT_SIZE  16
#define FLAGS_AT     53
#define KNOWN_SIZE   55

/* Whether `size` characters are lower-case hexadecimal digits. */
static bool
is_hex(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (!digit)
            return false;
    }
    return true;
}

static bool
is_zero(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '0')
            return false;
    }
    return true;
}

/* Of a text that is long enough. */
static bool
is_traceparent(const char *text)
{
    if (!is_hex(text, VERSION_SIZE) || memcmp(text, "ff", VERSION_SIZE) == 0)
        return false;
    if (text[VERSION_SIZE] != '-' || text[PARENT_AT - 1] != '-' || text[FLAGS_AT - 1] != '-')
        return false;
    if (!is_hex(text + TRACE_AT, TRACE_SIZE) || is_zero(text + TRACE_AT, TRACE_SIZE))
        return false;
    if (!is_hex(text + PARENT_AT, PARENT_SIZE) || is_zero(text + PARENT_AT, PARENT_SIZE))
        return false;
    return is_hex(text + FLAGS_AT, KNOWN_SIZE - FLAGS_AT);
}

tally_status
tally_trace_id(const char *traceparent, char trace_id_out[TALLY_TRACE_ID_SIZE])
{
    size_t size = traceparent == NULL ? 0 : strlen(traceparent);
    if (size < KNOWN_SIZE || !is_traceparent(traceparent))
        return TALLY_INVALID;
    bool known = memcmp(traceparent, "00", VERSION_SIZE) == 0;
    if (size > KNOWN_SIZE && (known || traceparent[KNOWN_SIZE] != '-'))
        return TALLY_INVALID;
    memcpy(trace_id_out, traceparent + TRACE_AT, TRACE_SIZE);
    trace_id_out[TRACE_SIZE] = '\0';
    return TALLY_OK;
}
