#include "filter_equal.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int64_t
now(void)
{
    struct instant instant;
    const char *reason;
    assert_true(instant_parse(bytes_text("2026-03-15T12:00:00Z"), &instant, &reason));
    return instant.ns;
}

static struct filter *
parse(struct bytes text)
{
    const struct filter_options options = { .now = now() };
    struct filter *filter;
    struct tally_error error = { 0 };
    if (filter_parse(text, &options, &filter, &error) != TALLY_OK)
        fail_msg("%.*s: column %u: %s", BYTES_ARG(text), error.column, error.text);
    return filter;
}

/* What is accepted, and the canonical text it comes to. */
static const struct {
    const char *text, *canonical, *why;
} accepted[] = {
    { "", "", "the empty filter matches everything" },
    { " \t\r\n ", "", "blanks are nothing" },
    { "user_id:u1", "user_id:u1", "a field and a value" },
    { "user:u1", "user_id:u1", "an alias" },
    { "ip:10.0.0.1", "ip_address:10.0.0.1", "another" },
    { "entity_type:report entity_id:r1", "resource_type:report resource_id:r1", "and two more" },
    { "created:2026-01-31T10:00:00Z", "timestamp:2026-01-31T10:00:00Z", "a colon inside a value" },
    { "-user_id:u1", "-user_id:u1", "negated" },
    { "user_id:a,b,c", "user_id:a,b,c", "any of these" },
    { "user_id:\"a,b\",c", "user_id:\"a,b\",c", "a comma in quotes is none" },
    { "action:user.*", "action:user.*", "a prefix" },
    { "user_agent:*curl*", "user_agent:*curl*", "contained" },
    { "user_agent:**a***b**", "user_agent:*a*b*", "more stars are one" },
    { "user_agent:*\"a b\"*", "user_agent:*\"a b\"*", "quotes inside a word" },
    { "user_agent:\"*\"", "user_agent:\"*\"", "a star in quotes is a star" },
    { "user_id:*", "user_id:*", "present" },
    { "user_id:**", "user_id:*", "the same" },
    { "user_id:\"\"", "user_id:\"\"", "the empty text" },
    { "user_id:\"\"*", "user_id:*", "any text at all" },
    { "user_id:\"a\\\"b\\\\c\"", "user_id:\"a\\\"b\\\\c\"", "escapes" },
    { "user_id:\"\\u00e9\\ud83d\\ude00\\n\"", "user_id:\"é😀\\n\"", "those of JSON" },
    { "user_id:é", "user_id:é", "text beyond ASCII is bare" },
    { "endpoint:/a/../b", "endpoint:\"/a/../b\"", "dots in a text are dots" },
    { "severity:HIGH", "severity:high", "enumerations in any case" },
    { "severity:>=medium", "severity:medium,high,critical", "severities ascend" },
    { "severity:<high", "severity:low,medium", "below" },
    { "severity:medium..high", "severity:medium,high", "a range of them" },
    { "crud:d", "crud:D", "crud is kept in capitals" },
    { "status:succ*", "status:succ*", "a pattern of an enumeration" },
    { "success:true", "status:success", "success" },
    { "-success:false", "-status:failure,error", "and its opposite" },
    { "status_code:404,>=500", "status_code:404,>=500", "values and comparisons in one list" },
    { "status_code:>400", "status_code:>400", "greater" },
    { "status_code:<=400", "status_code:<=400", "less or equal" },
    { "status_code:<400", "status_code:<400", "less" },
    { "status_code:400..499", "status_code:400..499", "a range" },
    { "status_code:400..", "status_code:>=400", "open above" },
    { "status_code:..499", "status_code:<=499", "open below" },
    { "status_code:5*", "status_code:5*", "a pattern of a number's text" },
    { "response_time_ms:1.50..2", "response_time_ms:1.50..2", "numbers keep their spelling" },
    { "index:10..20", "index:10..20", "the entry's index" },
    { "timestamp:2026-01-01..2026-02-01",
      "timestamp:2026-01-01T00:00:00Z..2026-02-01T23:59:59.999999999Z", "both days whole" },
    { "timestamp:2026-01-01", "timestamp:2026-01-01T00:00:00Z..2026-01-01T23:59:59.999999999Z",
      "a day" },
    { "timestamp:>2026-01-01", "timestamp:>=2026-01-02T00:00:00Z", "after the day" },
    { "timestamp:<2026-01-01", "timestamp:<=2025-12-31T23:59:59.999999999Z", "before the day" },
    { "timestamp:>=-7d", "timestamp:>=2026-03-08T12:00:00Z", "relative times are resolved" },
    { "timestamp:now-1h..now", "timestamp:2026-03-15T11:00:00Z..2026-03-15T12:00:00Z", "both" },
    { "timestamp:-1d..", "timestamp:>=2026-03-14T12:00:00Z", "a minus in a value" },
    { "timestamp:yesterday..today",
      "timestamp:2026-03-14T00:00:00Z..2026-03-15T23:59:59.999999999Z", "days by name" },
    { "timestamp:\"2026-01-01 10:00:00\"..", "timestamp:>=2026-01-01T10:00:00Z", "quoted times" },
    { "timestamp:>2261-12-31", "timestamp:>2261-12-31T23:59:59.999999999Z", "beyond all times" },
    { "timestamp:<1678-01-01", "timestamp:<1678-01-01T00:00:00Z", "before all times" },
    { "ip_address:10.1.2.3/8", "ip_address:10.0.0.0/8", "a network" },
    { "ip:2001:db8::/32", "ip_address:2001:db8::/32", "of IPv6, with its colons" },
    { "ip:\"2001:db8::/32\"", "ip_address:2001:db8::/32", "quoted it is the same" },
    { "ip_address:gateway.local", "ip_address:gateway.local", "sources send names" },
    { "ip_address:10.*", "ip_address:10.*", "a pattern" },
    { "details.a.b:x", "details.a.b:x", "a member" },
    { "details.\"a.b\".c:x", "details.\"a.b\".c:x", "a name with a dot" },
    { "details.\"\".x:1", "details.\"\".x:1", "an empty name" },
    { "details.n:1", "details.n:1", "a number" },
    { "details.n:\"1\"", "details.n:\"1\"", "a text of digits" },
    { "details.n:-5", "details.n:-5", "negative" },
    { "details.n:>1e3", "details.n:>1e3", "compared" },
    { "details.n:-5..-1", "details.n:-5..-1", "a range" },
    { "details.at:>=2026-01-01", "details.at:>=2026-01-01T00:00:00Z", "a time" },
    { "details.n:5..5", "details.n:5..5", "a range of one number is no text" },
    { "details.at:now..now", "details.at:2026-03-15T12:00:00Z..2026-03-15T12:00:00Z",
      "nor of a time" },
    { "timestamp:now..now", "timestamp:2026-03-15T12:00:00Z", "elsewhere it is that time" },
    { "details.p:\"../x\"", "details.p:\"../x\"", "dots in quotes are dots" },
    { "details:*", "details:*", "an object is present" },
    { "changes.role:*", "changes.role:*", "what changed" },
    { "control.type:erased", "control.type:erased", "control entries" },
    { "resource:report/r1", "resource_type:report resource_id:r1", "a resource" },
    { "resource:report/*", "resource_type:report resource_id:*", "all of a type" },
    { "resource:a/1/2", "resource_type:a resource_id:1/2", "an id may have slashes" },
    { "-resource:a/1", "-(resource_type:a resource_id:1)", "not this resource" },
    { "resource:a/1,b/2", "(resource_type:a resource_id:1) OR (resource_type:b resource_id:2)",
      "one of two" },
    { "login", "login", "free text" },
    { "LoGin", "login", "in any case" },
    { "\"Approved After\"", "\"approved after\"", "a phrase" },
    { "lo*in", "lo*in", "with a wildcard" },
    { "*login*", "login", "free text is contained anyway" },
    { "-\"a b\"", "-\"a b\"", "not containing" },
    { "\"user:x\"", "\"user:x\"", "a colon in quotes is text" },
    { "\"OR\"", "or", "quoted, it is a word" },
    { "or and not", "or and not", "small, they are words" },
    { "a b  c", "a b c", "blanks mean AND" },
    { "a OR b", "a OR b", "or" },
    { "(a)", "a", "parentheses around one" },
    { "((a b)) c", "a b c", "the same kind inside itself is one" },
    { "a OR (b OR c)", "a OR b OR c", "the same for OR" },
    { "a (b OR c)", "a (b OR c)", "mixed with parentheses" },
    { "(a b) OR c", "(a b) OR c", "and the other way round" },
    { "-(a OR b)", "-(a OR b)", "a negated list" },
    { "-(-a)", "a", "twice is not at all" },
    { "a OR(b c)", "a OR (b c)", "no blank is needed before a parenthesis after OR" },
};

static void
accepted_filters_have_a_canonical_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        struct filter *filter = parse(bytes_text(accepted[i].text));
        struct buffer text = { 0 };
        filter_print(filter, &text);
        if (!bytes_is(buffer_view(&text), accepted[i].canonical))
            fail_msg("%s: %s gives %.*s", accepted[i].why, accepted[i].text,
                     BYTES_ARG(buffer_view(&text)));
        struct filter *again = parse(buffer_view(&text));
        assert_true(filter_equal(filter, again));
        filter_destroy(again);
        filter_destroy(filter);
        buffer_free(&text);
    }
}

/* What is refused, where, and a piece of what is said. */
static const struct {
    const char *text;
    unsigned column;
    const char *says, *why;
} refused[] = {
    { "usr:x", 1, "did you mean user_id?", "a misspelled alias" },
    { "a usr:x", 3, "did you mean user_id?", "the column is the name's" },
    { "é usr:x", 4, "unknown field 'usr'", "columns count bytes" },
    { "!usr:x", 1, "a minus before a term means NOT", "as other languages negate" },
    { "sevrity:x", 1, "did you mean severity?", "a misspelled field" },
    { "User_ID:x", 1, "did you mean user_id?", "names are by case" },
    { "hostname:x", 1, "details.hostname", "no field is near" },
    { "email:x", 1, "did you mean user_email?", "what others call it" },
    { "Actor:x", 1, "did you mean user_id?", "in any case, and not by its letters" },
    { "timestamp:2026-01-01 10:00:00", 22, "a time with a blank is quoted", "half a time" },
    { "http://x", 1, "quoted", "a text with a colon" },
    { ":x", 1, "name is missing", "no name" },
    { "\"user_id\":x", 1, "not quoted", "a quoted name" },
    { "user_id:", 9, "value is missing", "no value" },
    { "user_id: x", 9, "without a blank before it", "a blank is no value" },
    { "user_id:a, b", 11, "without a blank before it", "nor behind a comma" },
    { "user_id:(a OR b)", 9, "in a list, field:a,b", "values in parentheses" },
    { "user_id:a,", 11, "value is missing", "no value after the comma" },
    { "user_id:a,,b", 11, "value is missing", "none between commas" },
    { "user_id.x:1", 1, "has no members", "only objects have members" },
    { "index.x:1", 1, "has no members", "an index is no object" },
    { "details..x:1", 8, "name is missing", "an empty name" },
    { "details.a.:1", 10, "name is missing", "at the end" },
    { "details.*:1", 9, "no wildcards", "a wildcard in a path" },
    { "details:x", 9, "details.name:value", "an object has no value" },
    { "private:x", 1, "commitment", "what is no column" },
    { "user_id:>5", 9, "no order", "texts have no order" },
    { "status:>=failure", 8, "no order", "nor has this enumeration" },
    { "severity:higj", 10, "low, medium, high, critical", "no such severity" },
    { "severity:low,higj", 14, "no value 'higj'", "the column is the value's" },
    { "severity:>critical", 10, "no severity", "an empty range of severities" },
    { "success:yes", 9, "true or false", "success is true or false" },
    { "status_code:abc", 13, "no number", "not a number" },
    { "status_code:4..x", 16, "no number", "the second end" },
    { "status_code:5..4", 13, "empty", "an empty range" },
    { "status_code:>=", 15, "missing", "an operator alone" },
    { "status_code:..", 13, "one end", "a range of nothing" },
    { "status_code:>=4*", 13, "wildcards", "both at once" },
    { "index:1*", 7, "no wildcards", "an index has no pattern" },
    { "timestamp:soon", 11, "today", "not a time" },
    { "timestamp:2026-02-30", 11, "day does not exist", "no such day" },
    { "timestamp:2026-01-01..2026-02-30", 23, "day does not exist", "in the second end" },
    { "timestamp:..9999-12-31", 13, "the year is outside 1678 to 2261", "out of reach" },
    { "timestamp:>=1677-12-31T23:59:59Z", 13, "the year is outside 1678 to 2261", "before it" },
    { "details.due:..9999-12-31", 15, "the year is outside 1678 to 2261", "a member's, too" },
    { "details.due:>2026-02-30", 14, "the day does not exist", "which is no text either" },
    { "timestamp:-7d", 11, ">=-7d", "an instant of now" },
    { "timestamp:now..yesterday", 11, "empty", "an empty range" },
    { "ip_address:10.0.0.0/33", 12, "prefix length", "no such prefix" },
    { "ip_address:10.0.0/8", 12, "a whole address", "an address that is cut" },
    { "-ip_address:2001:db8:::/32", 13, "a whole address", "one with a colon too many" },
    { "ip_address:10.0.0.0..10.0.0.9", 12, "no ranges", "a range of addresses" },
    { "ip_address:\"10.0.0.0-10.0.0.9\"", 12, "no ranges", "as others write it" },
    { "details.p:../x", 11, "quote", "dots in a member's value" },
    { "details.p:>x", 11, "quote", "an operator before a text" },
    { "details.p:1..now", 14, "no number", "ends of two kinds" },
    { "resource:report", 10, "TYPE/ID", "no id" },
    { "resource:/r1", 10, "TYPE/ID", "no type" },
    { "resource:report/", 10, "TYPE/ID", "an empty id" },
    { "a OR b c", 8, "mixed", "AND after OR" },
    { "a b OR c", 5, "mixed", "OR after AND" },
    { "(a OR b c)", 9, "mixed", "in parentheses" },
    { "OR a", 1, "between", "nothing before OR" },
    { "a OR", 3, "between", "nothing behind OR" },
    { "a OR OR b", 6, "between", "two of them" },
    { "(a OR) b", 4, "between", "before a parenthesis" },
    { "a AND b", 3, "leave it out", "the word of other languages" },
    { "NOT a", 1, "minus", "another word of theirs" },
    { "- a", 1, "minus", "a minus alone" },
    { "--a", 1, "minus", "two" },
    { "a -", 3, "minus", "at the end" },
    { "(-)", 2, "minus", "in parentheses" },
    { "(a", 1, "not closed", "an open parenthesis" },
    { "a (b (c)", 3, "not closed", "the one that is open" },
    { "a)", 2, "no parenthesis", "a closing one" },
    { "()", 1, "nothing in", "nothing inside" },
    { "a(b)", 2, "blank", "a parenthesis in a word" },
    { "(a)b", 4, "blank", "or right behind one" },
    { "a,b", 2, "comma", "a comma in a text" },
    { ",a", 1, "comma", "a comma first" },
    { "\"abc", 1, "not closed", "an open quote" },
    { "user_id:\"abc", 9, "not closed", "in a value" },
    { "\"a\\q\"", 3, "escape", "no such escape" },
    { "\"\\ud800\"", 2, "escape", "half a character" },
    { "\"a\\", 3, "escape", "an escape cut short" },
    { "*", 1, "empty filter", "a star is no text" },
    { "\"\"", 1, "no text", "nothing to look for" },
    { "a \xff", 3, "UTF-8", "a byte that is no text" },
};

static void
refused_filters_say_where_and_what_instead(void **state)
{
    (void)state;
    const struct filter_options options = { .now = now() };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct filter *filter = NULL;
        struct tally_error error = { 0 };
        tally_status status = filter_parse(bytes_text(refused[i].text), &options, &filter, &error);
        if (status != TALLY_INVALID || filter != NULL)
            fail_msg("%s: %s is accepted", refused[i].why, refused[i].text);
        assert_int_equal(error.status, TALLY_INVALID);
        if (error.column != refused[i].column || strstr(error.text, refused[i].says) == NULL)
            fail_msg("%s: %s: column %u: %s", refused[i].why, refused[i].text, error.column,
                     error.text);
        /* An error is nobody's duty to take. */
        assert_int_equal(filter_parse(bytes_text(refused[i].text), &options, &filter, NULL),
                         TALLY_INVALID);
    }
}

/* `count` times `piece`. */
static struct buffer
repeated(const char *piece, size_t count)
{
    struct buffer text = { 0 };
    for (size_t i = 0; i < count; i++)
        buffer_text(&text, piece);
    assert_false(buffer_failed(&text));
    return text;
}

static void
limits_are_kept(void **state)
{
    (void)state;
    static const struct {
        const char *piece;
        size_t most; /* times it is accepted; once more is refused */
        const char *before, *after, *says;
    } rows[] = {
        { "a ", FILTER_TERMS_MAX, "", "", "terms" },
        { ",a", FILTER_VALUES_MAX - 1, "user_id:a", "", "values" },
        { ".a", FILTER_PATH_MAX, "details", ":1", "names" },
        { "a", FILTER_SIZE_MAX, "", "", "bytes" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t more = 0; more < 2; more++) {
            const struct filter_options options = { .now = now() };
            struct buffer middle = repeated(rows[i].piece, rows[i].most + more), text = { 0 };
            struct filter *filter = NULL;
            struct tally_error error = { 0 };
            buffer_text(&text, rows[i].before);
            buffer_bytes(&text, buffer_view(&middle));
            buffer_text(&text, rows[i].after);
            tally_status status = filter_parse(buffer_view(&text), &options, &filter, &error);
            if (status != (more ? TALLY_INVALID : TALLY_OK))
                fail_msg("%s: %s", rows[i].says, error.text);
            assert_true(more == 0 || strstr(error.text, rows[i].says) != NULL);
            filter_destroy(filter);
            buffer_free(&middle);
            buffer_free(&text);
        }
    }
}

/* Also of what is written out with more parentheses than it came with. */
static void
depth_is_limited(void **state)
{
    (void)state;
    static const struct {
        const char *inner;
        size_t count, most;
        const char *why;
    } rows[] = {
        { "c", 0, FILTER_DEPTH_MAX, "parentheses" },
        { "c", 1, FILTER_DEPTH_MAX - 1, "those that a parameter may need around the text" },
        { "resource:a/1,b/2", 0, FILTER_DEPTH_MAX - 2, "those that resources come to" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t depth = rows[i].most - 3; depth <= rows[i].most + 3; depth++) {
            const struct filter_options options = { .now = now() };
            const struct filter_parameter parameter = { BYTES("user_id"), BYTES("u") };
            struct buffer text = { 0 }, printed = { 0 };
            struct filter *filter = NULL, *again;
            for (size_t j = 0; j < depth; j++)
                buffer_text(&text, j % 2 == 0 ? "(a " : "-(b OR ");
            buffer_text(&text, rows[i].inner);
            for (size_t j = 0; j < depth; j++)
                buffer_text(&text, ")");
            tally_status status = filter_parse_parameters(buffer_view(&text), &parameter,
                                                          rows[i].count, &options, &filter, NULL);
            if (status != (depth <= rows[i].most ? TALLY_OK : TALLY_INVALID))
                fail_msg("%s: %zu deep", rows[i].why, depth);
            if (status == TALLY_OK) {
                filter_print(filter, &printed);
                again = parse(buffer_view(&printed));
                assert_true(filter_equal(filter, again));
                filter_destroy(again);
            }
            filter_destroy(filter);
            buffer_free(&printed);
            buffer_free(&text);
        }
    }
}

static void
control_entries_are_asked_for_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum filter_control option;
        bool shown;
    } rows[] = {
        { "", CONTROL_LEFT_OUT, false },
        { "", CONTROL_INCLUDED, true },
        { "control:*", CONTROL_LEFT_OUT, true },
        { "-control:*", CONTROL_LEFT_OUT, true },
        { "a OR (b control.type:x)", CONTROL_LEFT_OUT, true },
        { "control", CONTROL_LEFT_OUT, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct filter_options options = { .now = now(), .control = rows[i].option };
        struct filter *filter;
        assert_int_equal(filter_parse(bytes_text(rows[i].text), &options, &filter, NULL), TALLY_OK);
        if (filter->control != rows[i].shown)
            fail_msg("%s", rows[i].text);
        filter_destroy(filter);
    }
}

/*
 * Parameters.
 */

static void
parameters_are_terms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct {
            const char *name, *value;
        } parameters[3];
        const char *canonical; /* or what the refusal says */
        unsigned column;       /* 0: accepted */
    } rows[] = {
        { "", { { "user_id", "u1" } }, "user_id:u1", 0 },
        { "", { { "user_id", "a*,\"b" } }, "user_id:\"a*,\\\"b\"", 0 },
        { "a OR b", { { "action", "x" } }, "(a OR b) action:x", 0 },
        { "a b", { { "action", "x" } }, "a b action:x", 0 },
        { "",
          { { "entity_type", "t" }, { "entity_id", "i" } },
          "resource_type:t resource_id:i",
          0 },
        { "",
          { { "action", "x" }, { "user", "u" }, { "action", "y" } },
          "action:x,y user_id:u",
          0 },
        { "", { { "severity", "HIGH" } }, "severity:high", 0 },
        { "", { { "success", "false" } }, "status:failure,error", 0 },
        { "",
          { { "from", "2026-01-01" }, { "end_date", "2026-02-01" } },
          "timestamp:>=2026-01-01T00:00:00Z timestamp:<=2026-02-01T23:59:59.999999999Z",
          0 },
        { "", { { "start_date", "-7d" } }, "timestamp:>=2026-03-08T12:00:00Z", 0 },
        { "", { { "ip", "10.0.0.0/8" } }, "ip_address:10.0.0.0/8", 0 },
        { "", { { "status_code", "404" } }, "status_code:404", 0 },
        { "", { { "severity", "hi" } }, "severity: severity has no value 'hi'", 1 },
        { "", { { "from", "2026-02-30" } }, "from: '2026-02-30' is no time", 1 },
        { "",
          { { "start_date", "2026-01-02" }, { "user", "u" }, { "to", "2026-01-01" } },
          "to: '2026-01-01' and start_date '2026-01-02' leave no time between them",
          1 },
        { "",
          { { "end_date", "-7d" }, { "from", "-6d" } },
          "from: '-6d' and end_date '-7d' leave no time between them",
          1 },
        { "",
          { { "from", "2026-01-01T12:00:00Z" }, { "to", "2026-01-01" } },
          "timestamp:>=2026-01-01T12:00:00Z timestamp:<=2026-01-01T23:59:59.999999999Z",
          0 },
        { "", { { "from", "today" }, { "start_date", "today" } }, "given twice", 1 },
        { "", { { "user_id", "" } }, "user_id: a value is missing", 1 },
        { "", { { "status_code", "400..499" } }, "stands in the filter, as in status_code:4", 1 },
        { "", { { "created", "-7d" } }, "from=-7d", 1 },
        { "", { { "usr", "x" } }, "usr: there is no such parameter", 1 },
        { "", { { "details", "x" } }, "no such parameter", 1 },
        { "a OR", { { "user_id", "u1" } }, "OR stands between", 3 },
        { "", { { "user_id", "ab\xff" } }, "UTF-8", 3 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct filter_options options = { .now = now() };
        struct filter_parameter parameters[3];
        struct filter *filter = NULL;
        struct tally_error error = { 0 };
        size_t count = 0;
        for (; count < 3 && rows[i].parameters[count].name != NULL; count++) {
            parameters[count].name = bytes_text(rows[i].parameters[count].name);
            parameters[count].value = bytes_text(rows[i].parameters[count].value);
        }
        tally_status status = filter_parse_parameters(bytes_text(rows[i].text), parameters, count,
                                                      &options, &filter, &error);
        if (rows[i].column > 0) {
            assert_int_equal(status, TALLY_INVALID);
            if (error.column != rows[i].column || strstr(error.text, rows[i].canonical) == NULL)
                fail_msg("%s: column %u: %s", rows[i].canonical, error.column, error.text);
            continue;
        }
        if (status != TALLY_OK)
            fail_msg("%s: %s", rows[i].canonical, error.text);
        struct buffer text = { 0 };
        filter_print(filter, &text);
        if (!bytes_is(buffer_view(&text), rows[i].canonical))
            fail_msg("%s is %.*s", rows[i].canonical, BYTES_ARG(buffer_view(&text)));
        buffer_free(&text);
        filter_destroy(filter);
    }
}

/*
 * The inverse law, on random filters.
 */

static uint64_t random_state;

static unsigned
pick(unsigned below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % below;
}

static void
random_word(struct buffer *out)
{
    static const char *const pieces[] = { "a",        "B",       "*",      ".",        "-",
                                          "é",        "\"x y\"", "\"*\"",  "\"\\\\\"", "1",
                                          "\"\\\"\"", "/",       "\"..\"", "OR" };
    unsigned count = 1 + pick(4);
    for (unsigned i = 0; i < count; i++)
        buffer_text(out, pieces[pick(sizeof pieces / sizeof *pieces)]);
}

static void
random_term(struct buffer *out)
{
    static const char *const ordered[] = { "1",   "2.5",  "1e3", ">=4", "<1", ">0.5",
                                           "<=7", "3..4", "..9", "0..", "*" };
    static const char *const times[] = { "today", "2026-01-01", ">=-7d",
                                         "<now",  "-2w..+1h",   "2026-01-01T00:00:00.25Z",
                                         "*" };
    static const char *const others[] = {
        "severity:>low",    "status:error,SUCCESS", "success:false", "ip:10.0.0.0/8", "ip:::1,host",
        "resource:a/b,*/c", "changes.x.before:*",   "details:*",     "status:*r*"
    };
    switch (pick(6)) {
    case 0:
        buffer_format(out, "status_code:%s", ordered[pick(11)]);
        return;
    case 1:
        buffer_format(out, "details.\"n \".m:%s", ordered[pick(11)]);
        return;
    case 2:
        buffer_format(out, "received:%s,%s", times[pick(7)], times[pick(7)]);
        return;
    case 3:
        buffer_text(out, others[pick(9)]);
        return;
    case 4:
        buffer_text(out, "action:");
        random_word(out);
        return;
    default:
        random_word(out);
        return;
    }
}

static void
random_list(struct buffer *out, unsigned depth)
{
    unsigned count = 1 + pick(3);
    const char *between = pick(2) == 0 ? " " : " OR ";
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            buffer_text(out, between);
        if (pick(4) == 0)
            buffer_text(out, "-");
        if (depth > 0 && pick(3) == 0) {
            buffer_text(out, "(");
            random_list(out, depth - 1);
            buffer_text(out, ")");
        } else {
            random_term(out);
        }
    }
}

static void
printing_is_the_inverse_of_parsing(void **state)
{
    (void)state;
    const struct filter_options options = { .now = now() };
    const struct filter_options later = { .now = now() + CLOCK_DAY };
    unsigned parsed = 0;
    for (random_state = 1; parsed < 20000; random_state++) {
        struct buffer text = { 0 }, printed = { 0 }, again = { 0 };
        struct filter *filter, *second;
        random_list(&text, 3);
        if (filter_parse(buffer_view(&text), &options, &filter, NULL) == TALLY_OK) {
            struct tally_error error = { 0 };
            parsed++;
            filter_print(filter, &printed);
            if (filter_parse(buffer_view(&printed), &later, &second, &error) != TALLY_OK)
                fail_msg("%.*s: %.*s: %s", BYTES_ARG(buffer_view(&text)),
                         BYTES_ARG(buffer_view(&printed)), error.text);
            if (!filter_equal(filter, second))
                fail_msg("%.*s is not %.*s", BYTES_ARG(buffer_view(&text)),
                         BYTES_ARG(buffer_view(&printed)));
            filter_print(second, &again);
            assert_true(bytes_equal(buffer_view(&printed), buffer_view(&again)));
            filter_destroy(second);
            filter_destroy(filter);
        }
        buffer_free(&text);
        buffer_free(&printed);
        buffer_free(&again);
    }
}

/* filter_equal sees each difference: otherwise the law above says nothing. */
static void
different_filters_are_not_equal(void **state)
{
    (void)state;
    const size_t count = sizeof accepted / sizeof *accepted;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            struct filter *a = parse(bytes_text(accepted[i].text));
            struct filter *b = parse(bytes_text(accepted[j].text));
            bool same = strcmp(accepted[i].canonical, accepted[j].canonical) == 0;
            if (filter_equal(a, b) != same)
                fail_msg("%s and %s", accepted[i].text, accepted[j].text);
            filter_destroy(a);
            filter_destroy(b);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_filters_have_a_canonical_text),
        cmocka_unit_test(refused_filters_say_where_and_what_instead),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(control_entries_are_asked_for_by_name),
        cmocka_unit_test(parameters_are_terms),
        cmocka_unit_test(printing_is_the_inverse_of_parsing),
        cmocka_unit_test(different_filters_are_not_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
