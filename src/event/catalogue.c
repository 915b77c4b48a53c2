/*
 * The catalogue of event types.
 *
 * The standard rows are a table, one row a type. A catalogue joins them with the application's rows
 * and hashes all by type and by action, because every event asks once or twice. Rows with the same
 * action are chained in the order of the table; an action with one row implies its type, one with
 * several only where the status picks exactly one.
 *
 * CRC-32C spreads names well and is one instruction. Whoever adds rows is trusted with the
 * configuration, and events only look up, so a made-up collision costs an event at most a walk of
 * the table.
 */
#include "catalogue.h"

#include "arena.h"
#include "crc32c.h"
#include "fault.h"
#include "field.h"

#include <assert.h>
#include <stdlib.h>

#define NONE    \
    {           \
        NULL, 0 \
    }
#define LOW      BYTES("low")
#define MEDIUM   BYTES("medium")
#define HIGH     BYTES("high")
#define CRITICAL BYTES("critical")
#define CREATES  BYTES("C")
#define READS    BYTES("R")
#define UPDATES  BYTES("U")
#define DELETES  BYTES("D")
#define SUCCESS  BYTES("success")
#define FAILURE  BYTES("failure")

/* clang-format off */
const struct catalogue_row catalogue_standard[CATALOGUE_STANDARD] = {
    { BYTES("login_success"),         LOW,      BYTES("user.login"),           NONE,    SUCCESS },
    { BYTES("login_failure"),         MEDIUM,   BYTES("user.login"),           NONE,    FAILURE },
    { BYTES("logout"),                LOW,      BYTES("user.logout"),          NONE,    SUCCESS },
    { BYTES("user_register"),         LOW,      BYTES("user.register"),        CREATES, NONE },
    { BYTES("password_change"),       MEDIUM,   BYTES("user.password_change"), UPDATES, NONE },
    { BYTES("profile_update"),        LOW,      BYTES("user.profile_update"),  UPDATES, NONE },
    { BYTES("account_delete"),        HIGH,     BYTES("user.delete_account"),  DELETES, NONE },
    { BYTES("access_granted"),        LOW,      BYTES("access.check"),         NONE,    SUCCESS },
    { BYTES("access_denied"),         MEDIUM,   BYTES("access.check"),         NONE,    FAILURE },
    { BYTES("data_create"),           LOW,      BYTES("resource.create"),      CREATES, NONE },
    { BYTES("data_read"),             LOW,      BYTES("resource.read"),        READS,   NONE },
    { BYTES("data_update"),           LOW,      BYTES("resource.update"),      UPDATES, NONE },
    { BYTES("data_delete"),           MEDIUM,   BYTES("resource.delete"),      DELETES, NONE },
    { BYTES("report_create"),         LOW,      BYTES("report.create"),        CREATES, NONE },
    { BYTES("report_approve"),        MEDIUM,   BYTES("report.approve"),       UPDATES, NONE },
    { BYTES("report_reject"),         MEDIUM,   BYTES("report.reject"),        UPDATES, NONE },
    { BYTES("user_create"),           MEDIUM,   BYTES("user.create"),          CREATES, NONE },
    { BYTES("user_update"),           MEDIUM,   BYTES("user.update"),          UPDATES, NONE },
    { BYTES("user_delete"),           HIGH,     BYTES("user.delete"),          DELETES, NONE },
    { BYTES("role_change"),           HIGH,     BYTES("role.change"),          UPDATES, NONE },
    { BYTES("permission_grant"),      HIGH,     BYTES("permission.grant"),     UPDATES, NONE },
    { BYTES("permission_revoke"),     HIGH,     BYTES("permission.revoke"),    UPDATES, NONE },
    { BYTES("api_key_create"),        HIGH,     BYTES("api_key.create"),       CREATES, NONE },
    { BYTES("api_key_revoke"),        HIGH,     BYTES("api_key.revoke"),       DELETES, NONE },
    { BYTES("config_change"),         HIGH,     BYTES("config.update"),        UPDATES, NONE },
    { BYTES("security_violation"),    CRITICAL, BYTES("security.violation"),   NONE,    FAILURE },
    { BYTES("rate_limit_exceeded"),   MEDIUM,   BYTES("rate_limit.exceed"),    NONE,    FAILURE },
    { BYTES("database_timing"),       LOW,      BYTES("database.timing"),      NONE,    NONE },
    { BYTES("data_access"),           MEDIUM,   BYTES("privacy.access"),       READS,   NONE },
    { BYTES("data_portability"),      MEDIUM,   BYTES("privacy.export"),       READS,   NONE },
    { BYTES("right_to_be_forgotten"), HIGH,     BYTES("privacy.erase"),        DELETES, NONE },
    { BYTES("audit_read"),            LOW,      BYTES("audit.read"),           READS,   NONE },
    { BYTES("audit_export"),          MEDIUM,   BYTES("audit.export"),         READS,   NONE },
    { BYTES("audit_cleanup"),         HIGH,     BYTES("audit.expire"),         DELETES, NONE },
};
/* clang-format on */

#define NO_ROW UINT32_MAX

/* What rows are looked up by. */
enum key {
    KEY_TYPE,
    KEY_ACTION,
    KEY_COUNT,
};

struct catalogue {
    struct catalogue_row *rows;
    size_t count;
    struct arena text;          /* of added rows */
    uint32_t *slots[KEY_COUNT]; /* to the first row with a key, or NO_ROW; taken: the next slot */
    uint32_t slot_mask;
    uint32_t *same_action; /* from a row to the next one with its action, or NO_ROW */
};

static struct bytes
key_of(const struct catalogue_row *row, enum key key)
{
    return key == KEY_TYPE ? row->event_type : row->action;
}

/* The slot that leads to rows with this key, or the free one where they belong. At most half of the
 * slots are taken, so there is a free one. */
static uint32_t *
find_slot(const struct catalogue *catalogue, enum key key, struct bytes name)
{
    uint32_t *slots = catalogue->slots[key];
    uint32_t slot = crc32c(0, name.data, name.size) & catalogue->slot_mask;
    while (slots[slot] != NO_ROW && !bytes_equal(key_of(&catalogue->rows[slots[slot]], key), name))
        slot = (slot + 1) & catalogue->slot_mask;
    return &slots[slot];
}

/* Makes row `index` known. False where its type is so already. */
static bool
index_row(struct catalogue *catalogue, uint32_t index)
{
    const struct catalogue_row *row = &catalogue->rows[index];
    uint32_t *slot = find_slot(catalogue, KEY_TYPE, row->event_type);
    if (*slot != NO_ROW)
        return false;
    *slot = index;
    if (row->action.data == NULL)
        return true;

    slot = find_slot(catalogue, KEY_ACTION, row->action);
    while (*slot != NO_ROW)
        slot = &catalogue->same_action[*slot];
    *slot = index;
    return true;
}

static bool
in_enum(enum field_id field, struct bytes value)
{
    if (value.data == NULL)
        return true;
    int at = field_enum_find(field, value);
    return at >= 0 && bytes_is(value, fields[field].values[at]);
}

static tally_status
check_row(const struct catalogue_row *row, size_t position, struct tally_error *error)
{
    if (row->event_type.size == 0)
        return fault(error, TALLY_INVALID, "catalogue row %zu has no event_type", position);
    if (!in_enum(FIELD_SEVERITY, row->severity) || !in_enum(FIELD_CRUD, row->crud) ||
        !in_enum(FIELD_STATUS, row->status))
        return fault(error, TALLY_INVALID,
                     "catalogue row %.*s: severity is low, medium, high or critical, crud C, R, U "
                     "or D, status success, failure or error",
                     BYTES_ARG(row->event_type));
    return TALLY_OK;
}

/* Copies a row's text. False when memory is short. */
static bool
copy_row(struct arena *arena, struct catalogue_row *row)
{
    struct bytes *texts[] = { &row->event_type, &row->severity, &row->action, &row->crud,
                              &row->status };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i]->data == NULL)
            continue;
        *texts[i] = arena_copy(arena, *texts[i]);
        if (texts[i]->data == NULL)
            return false;
    }
    return true;
}

static tally_status
add_rows(struct catalogue *catalogue, const struct catalogue_row *added, size_t count,
         struct tally_error *error)
{
    for (size_t i = 0; i < CATALOGUE_STANDARD; i++) {
        catalogue->rows[i] = catalogue_standard[i];
        (void)index_row(catalogue, (uint32_t)i);
    }
    for (size_t i = 0; i < count; i++) {
        tally_status status = check_row(&added[i], i + 1, error);
        if (status != TALLY_OK)
            return status;
        catalogue->rows[CATALOGUE_STANDARD + i] = added[i];
        if (!copy_row(&catalogue->text, &catalogue->rows[CATALOGUE_STANDARD + i]))
            return memory_fault(error);
        if (!index_row(catalogue, (uint32_t)(CATALOGUE_STANDARD + i)))
            return fault(error, TALLY_INVALID, "event type %.*s is in the catalogue already",
                         BYTES_ARG(added[i].event_type));
    }
    return TALLY_OK;
}

tally_status
catalogue_create(const struct catalogue_row *added, size_t count, struct catalogue **catalogue_out,
                 struct tally_error *error)
{
    if (count > CATALOGUE_ADDED_MAX)
        return fault(error, TALLY_INVALID, "more than %d catalogue rows", CATALOGUE_ADDED_MAX);
    size_t rows = CATALOGUE_STANDARD + count;
    size_t slots = 1;
    while (slots < 2 * rows)
        slots *= 2;

    struct catalogue *catalogue = calloc(1, sizeof *catalogue);
    if (catalogue == NULL)
        return memory_fault(error);
    catalogue->count = rows;
    catalogue->slot_mask = (uint32_t)slots - 1;
    catalogue->rows = calloc(rows, sizeof *catalogue->rows);
    /* One block: the slots of both keys, then the chains. All bits set is NO_ROW. */
    size_t cells = KEY_COUNT * slots + rows;
    uint32_t *block = malloc(cells * sizeof *block);
    catalogue->slots[KEY_TYPE] = block;
    tally_status status = TALLY_NO_MEMORY;
    if (catalogue->rows == NULL || block == NULL) {
        status = memory_fault(error);
        goto destroy;
    }
    memset(block, 0xff, cells * sizeof *block);
    catalogue->slots[KEY_ACTION] = block + slots;
    catalogue->same_action = block + 2 * slots;

    status = add_rows(catalogue, added, count, error);
    if (status != TALLY_OK)
        goto destroy;
    *catalogue_out = catalogue;
    return TALLY_OK;

destroy:
    catalogue_destroy(catalogue);
    return status;
}

void
catalogue_destroy(struct catalogue *catalogue)
{
    if (catalogue == NULL)
        return;
    free(catalogue->rows);
    free(catalogue->slots[KEY_TYPE]);
    arena_finish(&catalogue->text);
    free(catalogue);
}

const struct catalogue *
catalogue_none(void)
{
    static const struct catalogue none;
    return &none;
}

const struct catalogue_row *
catalogue_by_type(const struct catalogue *catalogue, struct bytes event_type)
{
    if (catalogue->count == 0)
        return NULL;
    uint32_t row = *find_slot(catalogue, KEY_TYPE, event_type);
    return row == NO_ROW ? NULL : &catalogue->rows[row];
}

const struct catalogue_row *
catalogue_by_action(const struct catalogue *catalogue, struct bytes action, struct bytes status)
{
    if (catalogue->count == 0)
        return NULL;
    uint32_t row = *find_slot(catalogue, KEY_ACTION, action);
    if (row == NO_ROW)
        return NULL;
    if (catalogue->same_action[row] == NO_ROW)
        return &catalogue->rows[row];
    if (status.data == NULL)
        return NULL;

    const struct catalogue_row *only = NULL;
    for (; row != NO_ROW; row = catalogue->same_action[row]) {
        const struct catalogue_row *candidate = &catalogue->rows[row];
        if (!bytes_equal(candidate->status, status))
            continue;
        if (only != NULL)
            return NULL;
        only = candidate;
    }
    return only;
}

struct bytes
catalogue_crud_of_method(struct bytes method)
{
    static const struct {
        const char *method;
        struct bytes crud;
    } rules[] = {
        { "POST", CREATES }, { "GET", READS },     { "HEAD", READS },
        { "PUT", UPDATES },  { "PATCH", UPDATES }, { "DELETE", DELETES },
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (field_same_letters(method, rules[i].method))
            return rules[i].crud;
    }
    return (struct bytes){ 0 };
}

struct bytes
catalogue_status_of_code(struct bytes status_code)
{
    static const struct bytes failure = FAILURE;
    static const struct bytes error = BYTES("error");
    if (status_code.size != 3 || status_code.data[0] < '4')
        return (struct bytes){ 0 };
    return status_code.data[0] >= '5' ? error : failure;
}
