/*
 * The field table.
 *
 * Rows stand in canonical member order, which is bytewise by name; the enumeration has the same
 * order, so that row and number cannot part. What is derived from names alone (the perfect hash of
 * field_find, the masks of halves and flags) is written out as constants, and field_test.c compares
 * each with the table: a new row that forgets one of them fails there.
 */
#include "field.h"

static const char *const actor_type_values[] = { "user", "service", "system", NULL };
/* The letters of create, read, update, delete: the one enumeration that is not kept lower. */
static const char *const crud_values[] = { "C", "R", "U", "D", NULL };
static const char *const severity_values[] = { "low", "medium", "high", "critical", NULL };
static const char *const status_values[] = { "success", "failure", "error", NULL };

#define NAMED(text) BYTES(text), "\"" text "\":", sizeof(text) + 2

/* Name, type, half, column, flags; then what only some types have. */
const struct field fields[FIELD_COUNT] = {
    [FIELD_ACTION] = { NAMED("action"), TYPE_TEXT, HALF_PUBLIC, COLUMN_HINT_CODES, FIELD_MOVABLE,
                       .size_max = 256, .since = 1 },
    [FIELD_ACTOR_TYPE] = { NAMED("actor_type"), TYPE_ENUM, HALF_PUBLIC, COLUMN_HINT_CODES,
                           FIELD_MOVABLE, .values = actor_type_values, .since = 1 },
    [FIELD_CHANGES] = { NAMED("changes"), TYPE_OBJECT, HALF_PRIVATE, COLUMN_HINT_TEXT,
                        FIELD_MOVABLE, .since = 1 },
    [FIELD_CONTROL] = { NAMED("control"), TYPE_OBJECT, HALF_PUBLIC, COLUMN_HINT_TEXT,
                        FIELD_SERVER_SET, .since = 1 },
    [FIELD_CORRELATION_ID] = { NAMED("correlation_id"), TYPE_TEXT, HALF_PUBLIC, COLUMN_HINT_ID,
                               FIELD_MOVABLE, .size_max = 256, .since = 1 },
    [FIELD_CRUD] = { NAMED("crud"), TYPE_ENUM, HALF_PUBLIC, COLUMN_HINT_CODES, FIELD_MOVABLE,
                     .values = crud_values, .since = 1 },
    [FIELD_DETAILS] = { NAMED("details"), TYPE_OBJECT, HALF_PRIVATE, COLUMN_HINT_TEXT,
                        FIELD_MOVABLE, .since = 1 },
    [FIELD_ENDPOINT] = { NAMED("endpoint"), TYPE_TEXT, HALF_PRIVATE, COLUMN_HINT_CODES,
                         FIELD_MOVABLE, .size_max = 2048, .since = 1 },
    [FIELD_ERROR_MESSAGE] = { NAMED("error_message"), TYPE_TEXT, HALF_PRIVATE, COLUMN_HINT_TEXT,
                              FIELD_MOVABLE, .size_max = 8192, .since = 1 },
    [FIELD_EVENT_TYPE] = { NAMED("event_type"), TYPE_TEXT, HALF_PUBLIC, COLUMN_HINT_CODES,
                           FIELD_MOVABLE, .size_max = 256, .since = 1 },
    [FIELD_GROUP_ID] = { NAMED("group_id"), TYPE_TEXT, HALF_PUBLIC, COLUMN_HINT_CODES,
                         FIELD_MOVABLE, .size_max = 256, .since = 1 },
    [FIELD_ID] = { NAMED("id"), TYPE_NAME, HALF_PUBLIC, COLUMN_HINT_ID, 0, .size_max = 64,
                   .since = 1 },
    [FIELD_IP_ADDRESS] = { NAMED("ip_address"), TYPE_TEXT, HALF_PRIVATE, COLUMN_HINT_CODES,
                           FIELD_MOVABLE, .size_max = 255, .alias = "ip", .since = 1 },
    [FIELD_MESSAGE] = { NAMED("message"), TYPE_TEXT, HALF_PRIVATE, COLUMN_HINT_TEXT, FIELD_MOVABLE,
                        .size_max = 8192, .since = 1 },
    [FIELD_METHOD] = { NAMED("method"), TYPE_TEXT, HALF_PUBLIC, COLUMN_HINT_CODES, FIELD_MOVABLE,
                       .size_max = 256, .since = 1 },
    [FIELD_ON_BEHALF_OF] = { NAMED("on_behalf_of"), TYPE_TEXT, HALF_PRIVATE, COLUMN_HINT_CODES,
                             FIELD_MOVABLE, .size_max = 256, .since = 1 },
    [FIELD_PRIVATE] = { NAMED("private"), TYPE_DIGEST, HALF_PUBLIC, COLUMN_HINT_DIGEST,
                        FIELD_SERVER_SET, .size_max = 44, .since = 1 },
    [FIELD_RECEIVED] = { NAMED("received"), TYPE_TIME, HALF_PUBLIC, COLUMN_HINT_TIME,
                         FIELD_SERVER_SET, .since = 1 },
    [FIELD_REQUEST_ID] = { NAMED("request_id"), TYPE_TEXT, HALF_PUBLIC, COLUMN_HINT_ID,
                           FIELD_MOVABLE, .size_max = 256, .since = 1 },
    [FIELD_RESOURCE_ID] = { NAMED("resource_id"), TYPE_TEXT, HALF_PRIVATE, COLUMN_HINT_ID,
                            FIELD_MOVABLE, .size_max = 256, .alias = "entity_id", .since = 1 },
    [FIELD_RESOURCE_TYPE] = { NAMED("resource_type"), TYPE_TEXT, HALF_PUBLIC, COLUMN_HINT_CODES,
                              FIELD_MOVABLE, .size_max = 256, .alias = "entity_type", .since = 1 },
    [FIELD_RESPONSE_TIME_MS] = { NAMED("response_time_ms"), TYPE_DECIMAL, HALF_PUBLIC,
                                 COLUMN_HINT_NUMBER, FIELD_MOVABLE, .size_max = 32, .since = 1 },
    [FIELD_SERVICE] = { NAMED("service"), TYPE_TEXT, HALF_PUBLIC, COLUMN_HINT_CODES, FIELD_MOVABLE,
                        .size_max = 256, .since = 1 },
    [FIELD_SESSION_ID] = { NAMED("session_id"), TYPE_TEXT, HALF_PRIVATE, COLUMN_HINT_ID,
                           FIELD_MOVABLE, .size_max = 256, .since = 1 },
    [FIELD_SEVERITY] = { NAMED("severity"), TYPE_ENUM, HALF_PUBLIC, COLUMN_HINT_CODES,
                         FIELD_MOVABLE, .values = severity_values, .since = 1 },
    [FIELD_STATUS] = { NAMED("status"), TYPE_ENUM, HALF_PUBLIC, COLUMN_HINT_CODES, FIELD_MOVABLE,
                       .values = status_values, .since = 1 },
    [FIELD_STATUS_CODE] = { NAMED("status_code"), TYPE_INTEGER, HALF_PUBLIC, COLUMN_HINT_NUMBER,
                            FIELD_MOVABLE, .low = 100, .high = 999, .since = 1 },
    [FIELD_TIMESTAMP] = { NAMED("timestamp"), TYPE_TIME, HALF_PUBLIC, COLUMN_HINT_TIME, 0,
                          .alias = "created", .since = 1 },
    [FIELD_TRACE_ID] = { NAMED("trace_id"), TYPE_TEXT, HALF_PUBLIC, COLUMN_HINT_ID, FIELD_MOVABLE,
                         .size_max = 256, .since = 1 },
    [FIELD_USER_AGENT] = { NAMED("user_agent"), TYPE_TEXT, HALF_PRIVATE, COLUMN_HINT_CODES,
                           FIELD_MOVABLE | FIELD_CUT, .size_max = 500, .since = 1 },
    [FIELD_USER_EMAIL] = { NAMED("user_email"), TYPE_TEXT, HALF_PRIVATE, COLUMN_HINT_CODES,
                           FIELD_MOVABLE, .size_max = 256, .since = 1 },
    [FIELD_USER_ID] = { NAMED("user_id"), TYPE_TEXT, HALF_PRIVATE, COLUMN_HINT_CODES, FIELD_MOVABLE,
                        .size_max = 256, .alias = "user", .since = 1 },
    [FIELD_V] = { NAMED("v"), TYPE_INTEGER, HALF_PUBLIC, COLUMN_HINT_CODES, FIELD_SERVER_SET,
                  .low = 1, .high = 1, .since = 1 },
    [FIELD_WRITER] = { NAMED("writer"), TYPE_TEXT, HALF_PUBLIC, COLUMN_HINT_CODES, FIELD_SERVER_SET,
                       .size_max = 256, .since = 1 },
};

const uint8_t fields_in_reading_order[FIELD_COUNT] = {
    FIELD_ID,
    FIELD_TIMESTAMP,
    FIELD_RECEIVED,
    FIELD_EVENT_TYPE,
    FIELD_ACTION,
    FIELD_CRUD,
    FIELD_SEVERITY,
    FIELD_STATUS,
    FIELD_STATUS_CODE,
    FIELD_USER_ID,
    FIELD_USER_EMAIL,
    FIELD_GROUP_ID,
    FIELD_ACTOR_TYPE,
    FIELD_ON_BEHALF_OF,
    FIELD_SESSION_ID,
    FIELD_IP_ADDRESS,
    FIELD_USER_AGENT,
    FIELD_RESOURCE_TYPE,
    FIELD_RESOURCE_ID,
    FIELD_METHOD,
    FIELD_ENDPOINT,
    FIELD_RESPONSE_TIME_MS,
    FIELD_SERVICE,
    FIELD_REQUEST_ID,
    FIELD_CORRELATION_ID,
    FIELD_TRACE_ID,
    FIELD_MESSAGE,
    FIELD_ERROR_MESSAGE,
    FIELD_CHANGES,
    FIELD_DETAILS,
    FIELD_CONTROL,
    FIELD_WRITER,
    FIELD_PRIVATE,
    FIELD_V,
};

/* A perfect hash of the names: size, first and last character tell them apart. A collision would be
 * two initialisers of one slot, which the compiler reports. Free slots are 0 and name FIELD_ACTION,
 * which the comparison then refuses. */
#define SLOT(size, first, last) (((size)*6 + (first)*4 + (last)) & 127)

static const uint8_t slots[128] = {
    [SLOT(6, 'a', 'n')] = FIELD_ACTION,
    [SLOT(10, 'a', 'e')] = FIELD_ACTOR_TYPE,
    [SLOT(7, 'c', 's')] = FIELD_CHANGES,
    [SLOT(7, 'c', 'l')] = FIELD_CONTROL,
    [SLOT(14, 'c', 'd')] = FIELD_CORRELATION_ID,
    [SLOT(4, 'c', 'd')] = FIELD_CRUD,
    [SLOT(7, 'd', 's')] = FIELD_DETAILS,
    [SLOT(8, 'e', 't')] = FIELD_ENDPOINT,
    [SLOT(13, 'e', 'e')] = FIELD_ERROR_MESSAGE,
    [SLOT(10, 'e', 'e')] = FIELD_EVENT_TYPE,
    [SLOT(8, 'g', 'd')] = FIELD_GROUP_ID,
    [SLOT(2, 'i', 'd')] = FIELD_ID,
    [SLOT(10, 'i', 's')] = FIELD_IP_ADDRESS,
    [SLOT(7, 'm', 'e')] = FIELD_MESSAGE,
    [SLOT(6, 'm', 'd')] = FIELD_METHOD,
    [SLOT(12, 'o', 'f')] = FIELD_ON_BEHALF_OF,
    [SLOT(7, 'p', 'e')] = FIELD_PRIVATE,
    [SLOT(8, 'r', 'd')] = FIELD_RECEIVED,
    [SLOT(10, 'r', 'd')] = FIELD_REQUEST_ID,
    [SLOT(11, 'r', 'd')] = FIELD_RESOURCE_ID,
    [SLOT(13, 'r', 'e')] = FIELD_RESOURCE_TYPE,
    [SLOT(16, 'r', 's')] = FIELD_RESPONSE_TIME_MS,
    [SLOT(7, 's', 'e')] = FIELD_SERVICE,
    [SLOT(10, 's', 'd')] = FIELD_SESSION_ID,
    [SLOT(8, 's', 'y')] = FIELD_SEVERITY,
    [SLOT(6, 's', 's')] = FIELD_STATUS,
    [SLOT(11, 's', 'e')] = FIELD_STATUS_CODE,
    [SLOT(9, 't', 'p')] = FIELD_TIMESTAMP,
    [SLOT(8, 't', 'd')] = FIELD_TRACE_ID,
    [SLOT(10, 'u', 't')] = FIELD_USER_AGENT,
    [SLOT(10, 'u', 'l')] = FIELD_USER_EMAIL,
    [SLOT(7, 'u', 'd')] = FIELD_USER_ID,
    [SLOT(1, 'v', 'v')] = FIELD_V,
    [SLOT(6, 'w', 'r')] = FIELD_WRITER,
};

uint64_t
fields_searched(void)
{
    uint64_t mask = 0;
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        enum field_type type = fields[f].type;
        if (type == TYPE_TEXT || type == TYPE_NAME || type == TYPE_ENUM || type == TYPE_OBJECT)
            mask |= FIELD_BIT(f);
    }
    return mask;
}

enum field_id
field_find(struct bytes name)
{
    if (name.size == 0 || name.size > FIELD_NAME_SIZE_MAX)
        return FIELD_COUNT;
    unsigned slot = SLOT((unsigned)name.size, name.data[0], name.data[name.size - 1]);
    enum field_id field = slots[slot];
    return bytes_equal(name, fields[field].name) ? field : FIELD_COUNT;
}

enum field_id
field_find_alias(struct bytes name)
{
    enum field_id field = field_find(name);
    if (field != FIELD_COUNT)
        return field;
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        if (fields[i].alias != NULL && bytes_is(name, fields[i].alias))
            return i;
    }
    return FIELD_COUNT;
}

/* What other systems call a field, where the letters would lead to another one or to none. */
static const struct {
    const char *name;
    enum field_id field;
} elsewhere[] = {
    { "actor", FIELD_USER_ID },
    { "principal", FIELD_USER_ID },
    { "username", FIELD_USER_ID },
    { "user_name", FIELD_USER_ID },
    { "email", FIELD_USER_EMAIL },
    { "mail", FIELD_USER_EMAIL },
    { "date", FIELD_TIMESTAMP },
    { "time", FIELD_TIMESTAMP },
    { "ts", FIELD_TIMESTAMP },
    { "@timestamp", FIELD_TIMESTAMP },
    { "event", FIELD_EVENT_TYPE },
    { "type", FIELD_EVENT_TYPE },
    { "operation", FIELD_ACTION },
    { "level", FIELD_SEVERITY },
    { "outcome", FIELD_STATUS },
    { "result", FIELD_STATUS },
    { "code", FIELD_STATUS_CODE },
    { "client_ip", FIELD_IP_ADDRESS },
    { "source_ip", FIELD_IP_ADDRESS },
    { "remote_addr", FIELD_IP_ADDRESS },
    { "address", FIELD_IP_ADDRESS },
    { "agent", FIELD_USER_AGENT },
    { "object", FIELD_RESOURCE_ID },
    { "target", FIELD_RESOURCE_ID },
    { "path", FIELD_ENDPOINT },
    { "url", FIELD_ENDPOINT },
    { "duration", FIELD_RESPONSE_TIME_MS },
    { "latency", FIELD_RESPONSE_TIME_MS },
    { "session", FIELD_SESSION_ID },
    { "group", FIELD_GROUP_ID },
    { "tenant", FIELD_GROUP_ID },
    { "error", FIELD_ERROR_MESSAGE },
};

static enum field_id
field_elsewhere(struct bytes name)
{
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        if (field_same_letters(name, elsewhere[i].name))
            return elsewhere[i].field;
    }
    return FIELD_COUNT;
}

void
field_offer_names(struct nearest *nearest)
{
    enum field_id field = field_elsewhere(nearest->typed);
    if (field != FIELD_COUNT)
        nearest_offer(nearest, nearest->typed, fields[field].name);
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        if (i == FIELD_PRIVATE)
            continue;
        nearest_offer(nearest, fields[i].name, fields[i].name);
        if (fields[i].alias != NULL)
            nearest_offer(nearest, bytes_text(fields[i].alias), fields[i].name);
    }
}

struct bytes
field_resembling(struct bytes name)
{
    struct nearest nearest;
    nearest_init(&nearest, name);
    field_offer_names(&nearest);
    return nearest.name;
}

bool
field_reserved(struct bytes name)
{
    static const struct bytes more[] = { BYTES("index"), BYTES("trail"), BYTES("leaf") };
    enum field_id field = field_find(name);
    if (field != FIELD_COUNT)
        return (fields[field].flags & FIELD_SERVER_SET) != 0;
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        if (bytes_equal(name, more[i]))
            return true;
    }
    return false;
}

enum field_parameter
field_parameter(struct bytes name)
{
    static const struct {
        const char *name;
        enum field_parameter parameter;
    } parameters[] = {
        { "from", PARAMETER_FROM },       { "to", PARAMETER_TO },
        { "start_date", PARAMETER_FROM }, { "end_date", PARAMETER_TO },
        { "success", PARAMETER_SUCCESS },
    };
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
        if (bytes_is(name, parameters[i].name))
            return parameters[i].parameter;
    }
    return PARAMETER_NONE;
}

static uint8_t
ascii_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

bool
field_same_letters(struct bytes a, const char *b)
{
    for (size_t i = 0; i < a.size; i++) {
        if (b[i] == '\0' || ascii_lower(a.data[i]) != ascii_lower((uint8_t)b[i]))
            return false;
    }
    return b[a.size] == '\0';
}

int
field_enum_find(enum field_id field, struct bytes text)
{
    const char *const *values = fields[field].values;
    for (int i = 0; values[i] != NULL; i++) {
        if (field_same_letters(text, values[i]))
            return i;
    }
    return -1;
}
