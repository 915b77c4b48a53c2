#include "transport_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PROBLEM "application/problem+json"
#define JSON    "application/json"
#define COUNT   4

/* A request of four events, in the places 0, 2, 4 and 6 of a call. */
struct asking {
    struct reply reader;
    uint32_t places[COUNT];
    bool decided[2 * COUNT];
    enum transport_result results[2 * COUNT];
    struct tally_receipt receipts[2 * COUNT];
    size_t reason_at[2 * COUNT];
    struct transport_answer answer;
};

static enum transport_outcome
ask(struct asking *asking, bool receipts, unsigned code, const char *type, const char *body)
{
    *asking = (struct asking){ .places = { 0, 2, 4, 6 } };
    asking->answer.results = asking->results;
    asking->answer.receipts = receipts ? asking->receipts : NULL;
    asking->answer.reason_at = asking->reason_at;
    const struct transport_reply reply = { code, bytes_text(type), bytes_text(body) };
    struct transport_request request = { asking->places, COUNT, asking->decided };
    return transport_answer_read(&asking->reader, &reply, &request, &asking->answer);
}

static void
finish(struct asking *asking)
{
    reply_finish(&asking->reader);
    buffer_free(&asking->answer.reasons);
}

static void
each_event_gets_its_result(void **state)
{
    (void)state;
    static const char body[] =
        "{\"trail\":\"main\",\"first\":6,\"count\":1,\"size\":7,"
        "\"repeated\":[{\"position\":3,\"index\":1}],"
        "\"refused\":[{\"position\":2,\"line\":3,\"pointer\":\"/status_code\",\"detail\":\"no "
        "number\"},{\"position\":0,\"line\":1,\"pointer\":\"/id\",\"detail\":\"taken\"}],"
        "\"refused_count\":2,\"receipts\":[{\"index\":6,\"leaf\":"
        "\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\",\"repeated\":false},"
        "{\"index\":1,\"leaf\":"
        "\"ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\",\"repeated\":true}]}";
    struct asking asking;
    assert_int_equal(ask(&asking, true, 201, JSON, body), TRANSPORT_STORED);
    assert_int_equal(asking.results[0], TRANSPORT_CONFLICT);
    assert_int_equal(asking.results[2], TRANSPORT_NEW);
    assert_int_equal(asking.results[4], TRANSPORT_INVALID);
    assert_int_equal(asking.results[6], TRANSPORT_REPEATED);
    assert_string_equal(transport_reason(&asking.answer, 0), "/id: taken");
    assert_string_equal(transport_reason(&asking.answer, 4), "/status_code: no number");
    assert_int_equal(asking.receipts[2].index, 6);
    assert_int_equal(asking.receipts[2].leaf.bytes[31], 0x1f);
    assert_int_equal(asking.receipts[6].index, 1);
    assert_int_equal(asking.receipts[6].leaf.bytes[0], 0xff);
    assert_true(asking.receipts[6].repeated);
    for (size_t i = 0; i < COUNT; i++)
        assert_true(asking.decided[2 * i]);
    finish(&asking);
}

/* An answer names a hundred at most: who is not named may be refused or stored. */
static void
what_is_not_named_is_left_open(void **state)
{
    (void)state;
    struct asking asking;
    assert_int_equal(ask(&asking, false, 201, JSON,
                         "{\"first\":1,\"count\":1,\"repeated\":[{\"position\":1,\"index\":0}],"
                         "\"refused\":[{\"position\":3,\"detail\":\"no\"}],\"refused_count\":2}"),
                     TRANSPORT_STORED);
    static const bool decided[] = { false, true, false, true };
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(asking.decided[2 * i], decided[i]);
    finish(&asking);

    /* A refusal of the whole that names some decides those. */
    assert_int_equal(ask(&asking, false, 409, PROBLEM,
                         "{\"status\":409,\"errors\":[{\"position\":2,\"pointer\":\"/id\","
                         "\"detail\":\"taken\"}]}"),
                     TRANSPORT_STORED);
    assert_int_equal(asking.results[4], TRANSPORT_CONFLICT);
    assert_true(asking.decided[4] && !asking.decided[0] && !asking.decided[2]);
    finish(&asking);
}

/* What makes no sense is no answer: the events may be stored. */
static void
nonsense_is_no_answer(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "<html>",
        "[]",
        "{}",
        "{\"repeated\":[],\"refused\":[]}",
        "{\"refused\":[],\"refused_count\":0}",
        "{\"repeated\":[{\"position\":4,\"index\":0}],\"refused\":[],\"refused_count\":0}",
        "{\"repeated\":[{\"index\":0}],\"refused\":[],\"refused_count\":0}",
        "{\"repeated\":[],\"refused\":[{\"position\":9,\"detail\":\"x\"}],\"refused_count\":1}",
        "{\"repeated\":[],\"refused\":[],\"refused_count\":1}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct asking asking;
        assert_int_equal(ask(&asking, false, 201, JSON, bodies[i]), TRANSPORT_UNKNOWN);
        assert_true(asking.answer.error.text[0] != '\0');
        finish(&asking);
    }
    /* Receipts were wanted and are not there, too few, or no receipts. */
    static const char *const receipts[] = {
        "",
        ",\"receipts\":[]",
        ",\"receipts\":[{\"index\":1,\"leaf\":\"00\"}]",
        ",\"receipts\":[1,2,3,4]",
    };
    for (size_t i = 0; i < sizeof receipts / sizeof receipts[0]; i++) {
        char body[256];
        struct asking asking;
        (void)snprintf(body, sizeof body, "{\"repeated\":[],\"refused\":[],\"refused_count\":0%s}",
                       receipts[i]);
        assert_int_equal(ask(&asking, true, 201, JSON, body), TRANSPORT_UNKNOWN);
        finish(&asking);
    }
}

static void
each_status_has_its_outcome(void **state)
{
    (void)state;
    static const char plain[] = "{\"status\":0,\"detail\":\"words\"}";
    static const char doubt[] =
        "{\"status\":503,\"detail\":\"the disk took too long; the events may be stored or not\"}";
    static const char whole[] =
        "{\"status\":400,\"errors\":[{\"detail\":\"no JSON\"}],\"detail\":\"x\"}";
    const struct {
        unsigned code;
        const char *type, *body;
        enum transport_outcome outcome;
        enum {
            NOW,
            MOMENT,
            NEVER
        } when;
    } rows[] = {
        { 400, PROBLEM, plain, TRANSPORT_LATER, NEVER },  /* the request, not an event */
        { 400, PROBLEM, whole, TRANSPORT_LATER, NEVER },  /* … although it has errors */
        { 400, "text/html", "", TRANSPORT_LATER, NEVER }, /* a proxy's */
        { 401, PROBLEM, plain, TRANSPORT_LATER, NEVER },  /* the key */
        { 403, PROBLEM, plain, TRANSPORT_LATER, NEVER },  /* its role */
        { 404, PROBLEM, plain, TRANSPORT_LATER, NEVER },  /* no such trail */
        { 405, PROBLEM, plain, TRANSPORT_LATER, NEVER },  /* no such server */
        { 301, "text/html", "", TRANSPORT_LATER, NEVER }, /* elsewhere */
        { 415, PROBLEM, plain, TRANSPORT_LATER, NEVER },
        { 505, PROBLEM, plain, TRANSPORT_LATER, NEVER },
        { 408, PROBLEM, plain, TRANSPORT_LATER, MOMENT }, /* it did not get all of it */
        { 413, PROBLEM, plain, TRANSPORT_REFUSED, NOW },  /* too large */
        { 413, "text/html", "", TRANSPORT_REFUSED, NOW }, /* … for a proxy */
        { 429, PROBLEM, plain, TRANSPORT_LATER, MOMENT }, /* overloaded */
        { 503, PROBLEM, plain, TRANSPORT_LATER, MOMENT }, /* it did nothing */
        { 503, PROBLEM, doubt, TRANSPORT_UNKNOWN, NOW },  /* it does not know */
        { 503, "text/html", "", TRANSPORT_UNKNOWN, NOW }, /* a proxy that does not know */
        { 507, PROBLEM, plain, TRANSPORT_LATER, NOW },    /* no space */
        { 500, PROBLEM, plain, TRANSPORT_UNKNOWN, NOW },
        { 502, "text/html", "", TRANSPORT_UNKNOWN, NOW },
        { 504, "text/html", "", TRANSPORT_UNKNOWN, NOW },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct asking asking;
        enum transport_outcome outcome =
            ask(&asking, false, rows[i].code, rows[i].type, rows[i].body);
        if (outcome != rows[i].outcome)
            print_error("%u: %d\n", rows[i].code, outcome);
        assert_int_equal(outcome, rows[i].outcome);
        assert_int_equal(asking.answer.busy, rows[i].when == MOMENT);
        assert_int_equal(asking.answer.denied, rows[i].when == NEVER);
        assert_true(asking.answer.error.text[0] != '\0');
        finish(&asking);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_gets_its_result),
        cmocka_unit_test(what_is_not_named_is_left_open),
        cmocka_unit_test(nonsense_is_no_answer),
        cmocka_unit_test(each_status_has_its_outcome),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
