/*
 * An event's members as a table, so that whoever goes through them names each only once.
 *
 * `size` is what sizeof(struct tally_event) was to the program. Members behind it are absent; what a
 * newer program has behind ours must be empty, or it would be lost without a word.
 */
#include "members.h"

#include "fault.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NS_PER_MS         1000000u
#define DURATION_USUAL_MS 1e12

struct member {
    uint16_t offset;
    uint8_t field;
};

/* clang-format off */
#define MEMBER(name, field) { offsetof(struct tally_event, name), field }
static const struct member texts[MEMBERS_TEXTS] = {
    MEMBER(event_type, FIELD_EVENT_TYPE),
    MEMBER(action, FIELD_ACTION),
    MEMBER(crud, FIELD_CRUD),
    MEMBER(severity, FIELD_SEVERITY),
    MEMBER(resource_type, FIELD_RESOURCE_TYPE),
    MEMBER(resource_id, FIELD_RESOURCE_ID),
    MEMBER(endpoint, FIELD_ENDPOINT),
    MEMBER(method, FIELD_METHOD),
    MEMBER(user_id, FIELD_USER_ID),
    MEMBER(user_email, FIELD_USER_EMAIL),
    MEMBER(group_id, FIELD_GROUP_ID),
    MEMBER(actor_type, FIELD_ACTOR_TYPE),
    MEMBER(on_behalf_of, FIELD_ON_BEHALF_OF),
    MEMBER(session_id, FIELD_SESSION_ID),
    MEMBER(ip_address, FIELD_IP_ADDRESS),
    MEMBER(user_agent, FIELD_USER_AGENT),
    MEMBER(status, FIELD_STATUS),
    MEMBER(error_message, FIELD_ERROR_MESSAGE),
    MEMBER(id, FIELD_ID),
    MEMBER(timestamp, FIELD_TIMESTAMP),
    MEMBER(request_id, FIELD_REQUEST_ID),
    MEMBER(correlation_id, FIELD_CORRELATION_ID),
    MEMBER(trace_id, FIELD_TRACE_ID),
    MEMBER(service, FIELD_SERVICE),
    MEMBER(message, FIELD_MESSAGE),
    MEMBER(details, FIELD_DETAILS),
    MEMBER(changes, FIELD_CHANGES),
};
#undef MEMBER
/* clang-format on */

/* Whether the program's struct has a member of `size` bytes there. */
static bool
reaches(const struct tally_event *event, size_t offset, size_t size)
{
    return event->size >= offset + size;
}

static int
status_code_of(const struct tally_event *event)
{
    size_t offset = offsetof(struct tally_event, status_code);
    return reaches(event, offset, sizeof event->status_code) ? event->status_code : 0;
}

static const double *
response_time_of(const struct tally_event *event)
{
    size_t offset = offsetof(struct tally_event, response_time_ms);
    return reaches(event, offset, sizeof event->response_time_ms) ? event->response_time_ms : NULL;
}

enum field_id
members_field(unsigned i)
{
    return texts[i].field;
}

const char *
members_text(const struct tally_event *event, unsigned i)
{
    const char *text;
    if (!reaches(event, texts[i].offset, sizeof text))
        return NULL;
    memcpy(&text, (const char *)event + texts[i].offset, sizeof text);
    return text;
}

void
members_set_text(struct tally_event *event, unsigned i, const char *text)
{
    memcpy((char *)event + texts[i].offset, &text, sizeof text);
}

void
members_overlay(struct tally_event *event, const struct tally_event *over)
{
    for (unsigned i = 0; i < MEMBERS_TEXTS; i++) {
        const char *text = members_text(over, i);
        if (text != NULL)
            members_set_text(event, i, text);
    }
    if (status_code_of(over) != 0)
        event->status_code = over->status_code;
    if (response_time_of(over) != NULL)
        event->response_time_ms = over->response_time_ms;
}

tally_status
members_check(const struct tally_event *event, struct tally_error *error)
{
    if (event == NULL)
        return fault(error, TALLY_INVALID, "there is no event");
    if (event->size < sizeof event->size)
        return fault(error, TALLY_INVALID,
                     "the event's size is not set: begin with TALLY_EVENT or TALLY_EVENT_INIT");
    for (size_t at = sizeof *event; at < event->size; at++) {
        if (((const char *)event)[at] != 0)
            return fault(error, TALLY_UNSUPPORTED,
                         "the event has a member that this version of the library does not know");
    }
    return TALLY_OK;
}

static tally_status
compose_texts(const struct tally_event *event, struct composing *composing,
              struct tally_error *error)
{
    for (unsigned i = 0; i < MEMBERS_TEXTS; i++) {
        const char *text = members_text(event, i);
        if (text == NULL)
            continue;
        enum field_id field = texts[i].field;
        struct bytes value = bytes_text(text);
        if (fields[field].type == TYPE_OBJECT) {
            tally_status status = compose_json(composing, field, value, error);
            if (status != TALLY_OK)
                return status;
            continue;
        }
        tally_status status = compose_string(composing, field, value, error);
        if (status == TALLY_INVALID && error != NULL)
            error->line = error->column = 0;
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

static size_t
format_decimal(uint64_t value, char *text)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    for (size_t i = 0; i < count; i++)
        text[i] = digits[count - 1 - i];
    return count;
}

/* A duration as a plain decimal number, to the nanosecond. By hand, because every event of a scope
 * has one and printf takes as long as all the rest; what is no usual duration is left to it. */
static size_t
format_duration(double ms, char *text, size_t capacity)
{
    if (!(ms >= 0 && ms < DURATION_USUAL_MS))
        return (size_t)snprintf(text, capacity, "%.0f", ms);
    uint64_t ns = (uint64_t)(ms * NS_PER_MS + 0.5);
    size_t size = format_decimal(ns / NS_PER_MS, text);
    uint64_t fraction = ns % NS_PER_MS;
    if (fraction == 0)
        return size;
    text[size++] = '.';
    for (uint64_t unit = NS_PER_MS / 10; fraction != 0; unit /= 10) {
        text[size++] = (char)('0' + fraction / unit);
        fraction %= unit;
    }
    return size;
}

static tally_status
compose_numbers(const struct tally_event *event, struct composing *composing,
                struct tally_error *error)
{
    /* A double has at most 309 digits before the point. */
    char text[384];
    tally_status status = TALLY_OK;
    int code = status_code_of(event);
    const double *duration = response_time_of(event);
    if (code != 0) {
        text[0] = '-';
        size_t sign = code < 0;
        size_t size = sign + format_decimal((uint64_t)llabs((long long)code), text + sign);
        status = compose_number(composing, FIELD_STATUS_CODE, bytes_of(text, size), error);
    }
    if (duration == NULL || status != TALLY_OK)
        return status;
    if (!isfinite(*duration)) {
        status = fault(error, TALLY_INVALID, "response_time_ms is a finite number");
        if (error != NULL)
            (void)snprintf(error->pointer, sizeof error->pointer, "/response_time_ms");
        return status;
    }
    size_t size = format_duration(*duration, text, sizeof text);
    return compose_number(composing, FIELD_RESPONSE_TIME_MS, bytes_of(text, size), error);
}

tally_status
members_compose(const struct tally_event *event, struct composing *composing,
                struct tally_error *error)
{
    tally_status status = members_check(event, error);
    if (status != TALLY_OK)
        return status;
    compose_begin(composing);
    status = compose_texts(event, composing, error);
    if (status == TALLY_OK)
        status = compose_numbers(event, composing, error);
    return status == TALLY_OK ? compose_end(composing, error) : status;
}
