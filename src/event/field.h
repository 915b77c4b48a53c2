/*
 * field.h - the field table: every member an event or an entry can have, one row each.
 *
 * The table drives the reader, the canonical writer, the columns, the filters, the CSV header and
 * the documents. Adding a field is one row (and its slot in field_find). Everything here is
 * constant and may be used from any thread.
 *
 * The order of enum field_id is the canonical member order: RFC 8785, section 3.2.3, sorts names by
 * UTF-16 code units, which for these ASCII names is bytewise. A part is therefore written by going
 * through the bits of a field mask from the lowest up. The numbers are never stored: files name
 * fields by name.
 */
#ifndef FIELD_H
#define FIELD_H

#include "nearest.h"

enum field_id {
    FIELD_ACTION,
    FIELD_ACTOR_TYPE,
    FIELD_CHANGES,
    FIELD_CONTROL,
    FIELD_CORRELATION_ID,
    FIELD_CRUD,
    FIELD_DETAILS,
    FIELD_ENDPOINT,
    FIELD_ERROR_MESSAGE,
    FIELD_EVENT_TYPE,
    FIELD_GROUP_ID,
    FIELD_ID,
    FIELD_IP_ADDRESS,
    FIELD_MESSAGE,
    FIELD_METHOD,
    FIELD_ON_BEHALF_OF,
    FIELD_PRIVATE,
    FIELD_RECEIVED,
    FIELD_REQUEST_ID,
    FIELD_RESOURCE_ID,
    FIELD_RESOURCE_TYPE,
    FIELD_RESPONSE_TIME_MS,
    FIELD_SERVICE,
    FIELD_SESSION_ID,
    FIELD_SEVERITY,
    FIELD_STATUS,
    FIELD_STATUS_CODE,
    FIELD_TIMESTAMP,
    FIELD_TRACE_ID,
    FIELD_USER_AGENT,
    FIELD_USER_EMAIL,
    FIELD_USER_ID,
    FIELD_V,
    FIELD_WRITER,
    FIELD_COUNT, /* also: no such field */
};

/* A set of fields is a uint64_t of these bits. */
#define FIELD_BIT(field) (UINT64_C(1) << (field))

/* What a value is in JSON, and how it is kept in a struct bytes. */
enum field_type {
    TYPE_TEXT,    /* a string; kept decoded, UTF-8, may hold NUL */
    TYPE_NAME,    /* a string of 1 to size_max characters of [A-Za-z0-9._:-] */
    TYPE_ENUM,    /* a string, one of `values`; read in any case, kept as `values` spells it */
    TYPE_INTEGER, /* a number without point and exponent, `low` to `high`; kept as its token */
    TYPE_DECIMAL, /* a number without sign and exponent; kept as its token */
    TYPE_TIME,    /* a string, RFC 3339; kept as the canonical text of clock.h */
    TYPE_OBJECT,  /* an object; kept as its canonical JSON text */
    TYPE_DIGEST,  /* a string, 44 characters of base64: 32 bytes */
};

/* Which part of an entry a field goes to unless the trail was made otherwise. */
enum field_half {
    HALF_PUBLIC,
    HALF_PRIVATE,
};

/* What sort of column suits the field: advice to the store, which measures. */
enum field_column {
    COLUMN_HINT_CODES,  /* values repeat */
    COLUMN_HINT_TIME,   /* instants that mostly ascend */
    COLUMN_HINT_NUMBER, /* numbers, compared as such by filters */
    COLUMN_HINT_ID,     /* mostly unique, often a UUID */
    COLUMN_HINT_TEXT,   /* free text or JSON */
    COLUMN_HINT_DIGEST, /* 32 random bytes, as base64 */
};

/* Only Tallystick itself sets the field: an event that brings it is refused. */
#define FIELD_SERVER_SET 0x01u
/* A trail may move the field to the other half when it is made. */
#define FIELD_MOVABLE 0x02u
/* A longer text is cut at size_max characters and marked, not refused (user_agent). */
#define FIELD_CUT 0x04u

#define FIELD_NAME_SIZE_MAX 16
#define FIELD_KEY_CAPACITY  24

struct field {
    struct bytes name;
    char key[FIELD_KEY_CAPACITY]; /* as it stands in a part: `"action":`, key_size bytes */
    uint8_t key_size;
    enum field_type type;
    enum field_half half;
    enum field_column column;
    uint16_t flags;
    uint16_t size_max; /* bytes of a text (with FIELD_CUT: characters), 0: only the part's limit */
    uint16_t low;      /* TYPE_INTEGER: the least and the largest value */
    uint16_t high;
    const char *const *values; /* TYPE_ENUM: ends with NULL */
    uint16_t since;            /* the entry format (`v`) that first had the field */
    const char *alias;         /* another name in queries, never in events; NULL: none */
};

/* Whether a type's values stand in a part as they are kept; the others are strings, to be escaped.
 */
static inline bool
field_type_raw(enum field_type type)
{
    return type == TYPE_INTEGER || type == TYPE_DECIMAL || type == TYPE_OBJECT;
}

/* Indexed by enum field_id. */
extern const struct field fields[FIELD_COUNT];

/* All fields in the order people read them: who, what, when, with what result. The CSV header and
 * the documents use it. */
extern const uint8_t fields_in_reading_order[FIELD_COUNT];

/* Fields whose default half is private, and those that a trail may move. A trail's own choice is a
 * mask too: valid if it has only movable bits set. */
#define FIELDS_PRIVATE_DEFAULT                                                                 \
    (FIELD_BIT(FIELD_USER_ID) | FIELD_BIT(FIELD_USER_EMAIL) | FIELD_BIT(FIELD_ON_BEHALF_OF) |  \
     FIELD_BIT(FIELD_SESSION_ID) | FIELD_BIT(FIELD_IP_ADDRESS) | FIELD_BIT(FIELD_USER_AGENT) | \
     FIELD_BIT(FIELD_RESOURCE_ID) | FIELD_BIT(FIELD_ENDPOINT) | FIELD_BIT(FIELD_DETAILS) |     \
     FIELD_BIT(FIELD_CHANGES) | FIELD_BIT(FIELD_MESSAGE) | FIELD_BIT(FIELD_ERROR_MESSAGE))
#define FIELDS_SERVER_SET                                                       \
    (FIELD_BIT(FIELD_V) | FIELD_BIT(FIELD_RECEIVED) | FIELD_BIT(FIELD_WRITER) | \
     FIELD_BIT(FIELD_PRIVATE) | FIELD_BIT(FIELD_CONTROL))
#define FIELDS_FIXED (FIELDS_SERVER_SET | FIELD_BIT(FIELD_ID) | FIELD_BIT(FIELD_TIMESTAMP))
#define FIELDS_ALL   ((UINT64_C(1) << FIELD_COUNT) - 1)

/* The fields that free text is looked for in, as a mask: texts, names and enumerations, and the
 * values within objects. */
uint64_t fields_searched(void);

/* The field of exactly this name, or FIELD_COUNT. A few nanoseconds. */
enum field_id field_find(struct bytes name);

/* As field_find, and by alias (`user`, `ip`, `created`, `entity_type`, `entity_id`): for filters
 * and query parameters. */
enum field_id field_find_alias(struct bytes name);

/* The name of the field that was meant by a name or alias that is misspelled (nearest.h), or by what
 * other systems call it; its data is NULL where none was. */
struct bytes field_resembling(struct bytes name);

/* Offers them all, beside what else may have been meant. */
void field_offer_names(struct nearest *nearest);

/* True for the member names that no event may bring: server-set fields, `index`, `trail`, `leaf`.
 */
bool field_reserved(struct bytes name);

/* Query parameters that are no field but stand for a term on one. */
enum field_parameter {
    PARAMETER_NONE,
    PARAMETER_FROM,    /* `from`, `start_date`: timestamp at or after */
    PARAMETER_TO,      /* `to`, `end_date`: timestamp at or before */
    PARAMETER_SUCCESS, /* `success`: true is status success, false is failure or error */
};
enum field_parameter field_parameter(struct bytes name);

/* The index in `values` of a TYPE_ENUM field that `text` spells in any case, or -1. */
int field_enum_find(enum field_id field, struct bytes text);

/* Whether `a` is the ASCII text `b` in any case. */
bool field_same_letters(struct bytes a, const char *b);

#endif
