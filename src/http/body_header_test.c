#include "body.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define REFUSED (-1)

static struct bytes
value_of(const char *text)
{
    return text == NULL ? (struct bytes){ 0 } : bytes_text(text);
}

static void
codings(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int coding;
        const char *why;
    } rows[] = {
        { NULL, CODING_NONE, "no such header" },
        { "identity", CODING_NONE, "none, said aloud" },
        { "gzip", CODING_GZIP, "gzip" },
        { "x-gzip", CODING_GZIP, "its old name (RFC 9110, section 8.4.1.3)" },
        { "zstd", CODING_ZSTD, "zstd" },
        { "GZip", CODING_GZIP, "in any case" },
        { " zstd\t", CODING_ZSTD, "blanks around it" },
        { "", REFUSED, "nothing" },
        { "deflate", REFUSED, "another" },
        { "br", REFUSED, "another" },
        { "gzip, zstd", REFUSED, "two" },
        { "gzip,", REFUSED, "a list of one" },
        { "identity, gzip", REFUSED, "one of them none" },
        { "gzip;q=1", REFUSED, "a parameter, which it has not" },
        { "gzipx", REFUSED, "begins like one" },
        { "gzi", REFUSED, "is the beginning of one" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum body_coding coding = (enum body_coding)99;
        int found = body_coding_find(value_of(rows[i].value), &coding) ? (int)coding : REFUSED;
        if (found != rows[i].coding)
            fail_msg("%s: %d", rows[i].why, found);
        assert_true(found != REFUSED || (int)coding == 99);
    }
}

static void
types(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int type;
        const char *why;
    } rows[] = {
        { NULL, BODY_JSON, "no such header" },
        { "application/json", BODY_JSON, "JSON" },
        { "application/x-ndjson", BODY_NDJSON, "lines" },
        { "application/ndjson", BODY_NDJSON, "by another name" },
        { "application/jsonl", BODY_NDJSON, "and another" },
        { "Application/JSON", BODY_JSON, "in any case" },
        { "application/json; charset=utf-8", BODY_JSON, "what JSON is anyway" },
        { "application/x-ndjson;charset=UTF-8", BODY_NDJSON, "in any case, without a blank" },
        { "application/json ;\tcharset=\"utf-8\"", BODY_JSON, "quoted, with other blanks" },
        { "application/json;", BODY_JSON, "nothing behind ; (RFC 9110, section 5.6.6)" },
        { "application/json; ;charset=utf-8", BODY_JSON, "nothing between two" },
        { " application/json ", BODY_JSON, "blanks around it" },
        { "", REFUSED, "nothing" },
        { ";charset=utf-8", REFUSED, "no type" },
        { "application/json; charset=iso-8859-1", REFUSED, "another charset" },
        { "application/json; charset=utf-16", REFUSED, "and another" },
        { "application/json; charset = utf-8", REFUSED, "blanks around =" },
        { "application/json; charset", REFUSED, "no value" },
        { "application/json; profile=x", REFUSED, "a parameter that would be ignored" },
        { "application/json, application/json", REFUSED, "two" },
        { "application/json-seq", REFUSED, "begins like one" },
        { "text/json", REFUSED, "another type" },
        { "application/x-www-form-urlencoded", REFUSED, "what curl says if it is not told" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum body_type type = (enum body_type)99;
        int found = body_type_find(value_of(rows[i].value), &type) ? (int)type : REFUSED;
        if (found != rows[i].type)
            fail_msg("%s: %d", rows[i].why, found);
        assert_true(found != REFUSED || (int)type == 99);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codings),
        cmocka_unit_test(types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
