#include "match.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char event_json[] =
    "{\"action\":\"user.login\",\"event_type\":\"login_failure\",\"severity\":\"medium\","
    "\"user_id\":\"Zoë\",\"user_agent\":\"curl/8.0 (x86_64)\",\"ip_address\":\"10.1.2.3\","
    "\"resource_type\":\"report\",\"resource_id\":\"rep/7\",\"status_code\":401,"
    "\"response_time_ms\":12.50,\"message\":\"Login Refused: \\\"bad\\\" password\","
    "\"group_id\":\"\",\"timestamp\":\"2026-03-15T10:00:00.5Z\",\"service\":\"api\","
    "\"details\":{\"n\":1.0,\"s\":\"1\",\"big\":12345678901234567890,\"on\":true,\"none\":null,"
    "\"at\":\"2026-01-01T00:00:00Z\",\"tags\":[\"red\",\"blue\",3],\"a.b\":{\"c\":\"dot\"},"
    "\"q\":\"say \\\"hi\\\"\\n\",\"items\":[{\"id\":\"i1\",\"0\":\"zero\"},{\"id\":\"i2\"}],"
    "\"due\":\"2026-04-01\",\"never\":\"9999-12-31T23:59:59Z\",\"zero\":\"0001-01-01T00:00:00Z\","
    "\"odd\":\"9999-02-29\",\"nest\":[[\"deep\"]],\"user_id\":\"shadow\",\"empty\":{}},"
    "\"changes\":{\"role\":{\"before\":\"user\",\"after\":\"admin\"},"
    "\"level\":{\"before\":1,\"after\":5}}}";

static const struct {
    const char *filter;
    bool matches;
    const char *why;
} rows[] = {
    { "", true, "everything" },
    { "action:user.login", true, "equal" },
    { "action:User.login", false, "by case" },
    { "action:user.*", true, "a prefix" },
    { "action:*.login", true, "a suffix" },
    { "action:*log*", true, "contained" },
    { "action:log", false, "not contained without stars" },
    { "action:u*r.l*n", true, "stars in between" },
    { "action:\"user.*\"", false, "a quoted star is a star" },
    { "action:a,b,user.login", true, "one of three" },
    { "action:a,b", false, "none of two" },
    { "-action:a,b", true, "none of two is what was asked" },
    { "user_email:x", false, "an absent field has no value" },
    { "-user_email:x", true, "so it is not x" },
    { "user_email:*", false, "absent" },
    { "-user_email:*", true, "asked for as absent" },
    { "user_email:\"\"", false, "absent is not empty" },
    { "group_id:\"\"", true, "empty" },
    { "group_id:*", true, "empty is present" },
    { "user_id:Zoë", true, "beyond ASCII" },
    { "user_id:shadow", false, "details.user_id is another thing" },
    { "severity:MEDIUM", true, "in any case" },
    { "severity:>=medium", true, "at least" },
    { "severity:>medium", false, "more than" },
    { "severity:MED*", true, "a pattern of an enumeration, in any case" },
    { "status:failure", true, "filled in from the type" },
    { "success:false", true, "the same" },
    { "status_code:401", true, "a number" },
    { "status_code:401.0", true, "by value" },
    { "status_code:>=400", true, "at least" },
    { "status_code:>401", false, "more than" },
    { "status_code:<402", true, "less than" },
    { "status_code:401..499", true, "both ends included" },
    { "status_code:300..401", true, "the upper one too" },
    { "status_code:4*", true, "a pattern of its text" },
    { "response_time_ms:12.5", true, "12.50 is 12.5" },
    { "response_time_ms:>12.499", true, "exactly" },
    { "response_time_ms:12.50*", true, "its text keeps the zero" },
    { "timestamp:2026-03-15", true, "that day" },
    { "timestamp:2026-03-14", false, "the day before" },
    { "timestamp:..2026-03-15", true, "up to the whole day" },
    { "timestamp:2026-03-15T10:00:00.5Z", true, "that instant" },
    { "timestamp:2026-03-15T12:00:00.500+02:00", true, "spelled otherwise" },
    { "timestamp:2026-03-15T10:00:00Z", false, "another instant" },
    { "timestamp:>2026-03-15T10:00:00Z", true, "after it" },
    { "timestamp:now-2h..now", true, "counted from now" },
    { "timestamp:yesterday", false, "not yesterday" },
    { "timestamp:2026-03-15T10*", true, "a pattern of its text" },
    { "ip_address:10.0.0.0/8", true, "a network" },
    { "ip_address:10.1.2.3", true, "an address" },
    { "ip_address:\"::ffff:a01:203\"", true, "the same address" },
    { "ip_address:11.0.0.0/8", false, "another network" },
    { "ip_address:10.1.*", true, "a pattern of its text" },
    { "resource:report/rep/7", true, "a resource" },
    { "resource:report/*", true, "any of its type" },
    { "resource:user/*", false, "not of another" },
    { "-resource:report/1", true, "not this one" },
    { "details.n:1", true, "1.0 is 1" },
    { "details.n:\"1\"", false, "a quoted text is compared as text" },
    { "details.n:\"1.0\"", true, "with the number's text" },
    { "details.s:1", true, "a string of that text" },
    { "details.s:\"1\"", true, "quoted too" },
    { "details.s:1.0", false, "but strings are no numbers" },
    { "details.s:>0", false, "nor compared as such" },
    { "details.n:>0.5", true, "numbers are" },
    { "details.big:>12345678901234567889", true, "exactly, at any length" },
    { "details.big:12345678901234567891", false, "no rounding" },
    { "details.on:true", true, "a word" },
    { "details.none:null", true, "null" },
    { "details.none:*", true, "is there" },
    { "details.at:2026-01-01*", true, "a text" },
    { "details.at:>=2025-12-31", true, "compared as a time" },
    { "details.at:<2026-01-01", false, "not before" },
    { "details.due:>=2026-04-01", true, "so is a date" },
    { "details.due:>2026-04-01", false, "that day is not after it" },
    { "details.due:2026-03-31..2026-04-01", true, "both ends included" },
    { "details.never:>now", true, "a year beyond all instants is later" },
    { "details.never:<=2261-12-31", false, "than the last, too" },
    { "details.never:..now", false, "and not earlier" },
    { "details.zero:<1700-01-01", true, "before them is earlier" },
    { "details.zero:>=1678-01-01", false, "and not later" },
    { "details.odd:>1678-01-01", false, "a day that does not exist is no time" },
    { "details.tags:blue", true, "one of an array" },
    { "details.tags:3", true, "a number in it" },
    { "details.tags:green", false, "not in it" },
    { "details.tags.1:blue", true, "at an index" },
    { "details.tags.0:blue", false, "at another" },
    { "details.\"a.b\".c:dot", true, "a name with a dot" },
    { "details.a.b.c:dot", false, "is not a path" },
    { "details.q:\"say \\\"hi\\\"\\n\"", true, "a string with escapes" },
    { "details.q:*hi*", true, "and a pattern" },
    { "details.items.id:i2", true, "in any element" },
    { "details.items.1.id:i2", true, "at an index" },
    { "details.items.0.id:i2", false, "at another" },
    { "details.items.0.0:zero", true, "an index, then a name" },
    { "details.items:i2", false, "an object has no text" },
    { "details.items:*", true, "but is there" },
    { "details.nest:deep", true, "one of an array in an array" },
    { "details.nest:dee", false, "and no part of it" },
    { "details.nest.0:deep", true, "then the inner one" },
    { "details.empty:*", true, "an empty object is there" },
    { "details.empty.x:*", false, "what it lacks is not" },
    { "details.missing:*", false, "no such member" },
    { "-details.missing:*", true, "asked for as absent" },
    { "details.n.x:1", false, "a number has no members" },
    { "details:*", true, "details are there" },
    { "changes.role:*", true, "the role changed" },
    { "changes.role:admin", true, "to admin" },
    { "changes.role:user", true, "from user" },
    { "changes.role.after:user", false, "not to user" },
    { "changes.level:>4", true, "a number after" },
    { "details.empty:x,*", true, "present is among the values" },
    { "index:7", true, "its index" },
    { "index:8", false, "not its index" },
    { "index:<8", true, "below" },
    { "index:*", true, "every entry has one" },
    { "curl", true, "free text" },
    { "CURL", true, "in any case" },
    { "ZOË", true, "beyond ASCII too" },
    { "\"login refused\"", true, "a phrase" },
    { "\"refused login\"", false, "in that order" },
    { "Login*Password", true, "with a wildcard" },
    { "\"bad\\\" pass\"", true, "a quote in a text" },
    { "rep/7", true, "in an id" },
    { "deep", true, "in details" },
    { "shadow", true, "every string in them" },
    { "12345678901234567890", true, "every number" },
    { "\"say \\\"HI\"", true, "with escapes" },
    { "items", false, "but not their names" },
    { "admin", true, "in changes" },
    { "before", false, "not their names either" },
    { "401", false, "numbers outside are found by their fields" },
    { "2026-03-15", false, "so are times" },
    { "xyzzy", false, "nowhere" },
    { "-xyzzy", true, "asked for as nowhere" },
    { "red*blue", false, "a text is within one value" },
    { "action:x OR status_code:401", true, "one of two" },
    { "action:x status_code:401", false, "not both" },
    { "-(action:x OR status_code:401)", false, "none" },
    { "(action:x OR curl) severity:medium", true, "mixed" },
    { "control:*", false, "no control entry" },
    { "-control:*", true, "which can be asked for" },
};

static struct filter *
parse(const char *text)
{
    struct instant instant;
    const char *reason;
    struct filter *filter;
    struct tally_error error = { 0 };
    assert_true(instant_parse(bytes_text("2026-03-15T12:00:00Z"), &instant, &reason));
    const struct filter_options options = { .now = instant.ns };
    if (filter_parse(bytes_text(text), &options, &filter, &error) != TALLY_OK)
        fail_msg("%s: %s", text, error.text);
    return filter;
}

struct fixture {
    struct catalogue *catalogue;
    struct event_reader *reader;
    struct match_scratch *scratch;
};

static int
set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    assert_int_equal(catalogue_create(NULL, 0, &fixture->catalogue, NULL), TALLY_OK);
    assert_int_equal(event_reader_create(fixture->catalogue, &fixture->reader, NULL), TALLY_OK);
    fixture->scratch = malloc(sizeof *fixture->scratch);
    assert_non_null(fixture->scratch);
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;
    event_reader_destroy(fixture->reader);
    catalogue_destroy(fixture->catalogue);
    free(fixture->scratch);
    free(fixture);
    return 0;
}

static void
terms_mean_what_they_say(void **state)
{
    struct fixture *fixture = *state;
    struct event event;
    struct tally_error error = { 0 };
    if (event_read(fixture->reader, bytes_text(event_json), 0, &event, &error) != TALLY_OK)
        fail_msg("%s", error.text);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct filter *filter = parse(rows[i].filter);
        if (filter_match(filter, 7, event.values, fixture->scratch) != rows[i].matches)
            fail_msg("%s: %s", rows[i].filter, rows[i].why);
        filter_destroy(filter);
    }
}

static void
control_entries_are_left_out_unless_named(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *filter;
        bool matches;
    } filters[] = {
        { "", false },
        { "id:*", false },
        { "-control:*", false },
        { "control:*", true },
        { "control.type:erased", true },
        { "control.type:gap", false },
    };
    struct event event;
    assert_int_equal(
        event_read_control(fixture->reader, bytes_text("{\"type\":\"erased\"}"), 0, &event, NULL),
        TALLY_OK);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        struct filter *filter = parse(filters[i].filter);
        if (filter_match(filter, 7, event.values, fixture->scratch) != filters[i].matches)
            fail_msg("%s", filters[i].filter);
        filter->control = true;
        if (strstr(filters[i].filter, "control") == NULL)
            assert_true(filter_match(filter, 7, event.values, fixture->scratch));
        filter_destroy(filter);
    }
}

/* A field that came with a later format: entries of an older one have it under details. */
static void
older_entries_have_later_fields_under_details(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        unsigned since;
        const char *v, *service, *details;
        bool matches;
        const char *why;
    } entries[] = {
        { 2, "1", NULL, "{\"service\":\"api\"}", true, "an older entry" },
        { 2, "1", NULL, "{\"service\":\"other\"}", false, "with another value" },
        { 2, "1", NULL, "{\"x\":{\"service\":\"api\"}}", false, "in another place" },
        { 2, "1", NULL, NULL, false, "or without details" },
        { 2, "2", NULL, "{\"service\":\"api\"}", false, "a newer entry means its details" },
        { 2, "1", "other", "{\"service\":\"api\"}", false, "the column comes first" },
        { 1, "1", NULL, "{\"service\":\"api\"}", false, "a field that always was" },
        { 12, "11", NULL, "{\"service\":\"api\"}", true, "formats are numbers" },
        { 12, "9", NULL, "{\"service\":\"api\"}", true, "not texts" },
    };
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        struct bytes values[FIELD_COUNT] = { { 0 } };
        struct filter *filter = parse("service:api");
        ((struct filter_node *)filter->root)->term.since = (uint16_t)entries[i].since;
        values[FIELD_V] = bytes_text(entries[i].v);
        if (entries[i].service != NULL)
            values[FIELD_SERVICE] = bytes_text(entries[i].service);
        if (entries[i].details != NULL)
            values[FIELD_DETAILS] = bytes_text(entries[i].details);
        if (filter_match(filter, 0, values, fixture->scratch) != entries[i].matches)
            fail_msg("%s", entries[i].why);
        filter_destroy(filter);
    }
}

/* What comes from disk may be anything: no text leads outside itself. */
static void
broken_objects_have_no_members(void **state)
{
    struct fixture *fixture = *state;
    static const char *const filters[] = { "details.a:x", "details.a.b:*", "details.0:1", "text",
                                           "details.a:>1" };
    static const char whole[] = "{\"a\":[{\"b\":\"t\\u0065xt\"},1.5,[\"x\"]],\"c\":\"d\"}";
    for (size_t f = 0; f < sizeof filters / sizeof *filters; f++) {
        struct filter *filter = parse(filters[f]);
        for (size_t size = 0; size < sizeof whole; size++) {
            /* Exactly as long as it is, so that a step beyond is seen. */
            uint8_t *text = malloc(size + 1);
            assert_non_null(text);
            struct bytes values[FIELD_COUNT] = { { 0 } };
            memcpy(text, whole, size);
            values[FIELD_DETAILS] = bytes_of(text, size);
            (void)filter_match(filter, 0, values, fixture->scratch);
            for (size_t i = 0; i < size; i++) {
                text[i] ^= 0x20;
                (void)filter_match(filter, 0, values, fixture->scratch);
                text[i] ^= 0x20;
            }
            free(text);
        }
        filter_destroy(filter);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(terms_mean_what_they_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(control_entries_are_left_out_unless_named, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(older_entries_have_later_fields_under_details, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(broken_objects_have_no_members, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
