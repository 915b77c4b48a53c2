/*
 * The client's address against the cases of realclient-ip (realclientip-go), one JSON object a line.
 *
 * Its strategies and ours:
 *
 *     RemoteAddr                 no proxies are trusted
 *     RightmostTrustedRange      the same rule
 *     RightmostNonPrivate        the same with private networks; but theirs goes on behind what is no
 *                                address, and ours does not, because nobody vouches for what is there
 *     SingleIPHeader             a list of one
 *     parsing and networks       as far as they can be seen from outside
 *     RightmostTrustedCount, LeftmostNonPrivate, Chain
 *                                not to be had: the first counts proxies, the second believes the
 *                                client, the third tries one after the other
 *
 * Where theirs fails, ours answers with the last proxy that is trusted. Of what is not to be had, and
 * of every other case, ours is held to what must always be true: an answer is a canonical address, and
 * one that stands in what was given.
 */
#include "field.h"
#include "forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#define LINE_MAX_SIZE 65536
#define TEXT_MAX      4096
#define RANGES_MAX    32
#define CASES         185

static FILE *cases;

static const char *
text_of(const json_t *row, const char *name)
{
    const json_t *value = json_object_get(row, name);
    return value == NULL ? NULL : json_string_value(value);
}

static bool
is_named(const json_t *row, const char *name)
{
    return strcmp(text_of(row, "name"), name) == 0;
}

/* A header's values, joined as address.h wants them; NULL where it is not there. */
static const char *
header(const json_t *row, const char *name, char out[TEXT_MAX])
{
    const char *key;
    json_t *values;
    const char *found = NULL;
    json_object_foreach (json_object_get(row, "headers"), key, values) {
        if (field_same_letters(bytes_text(key), name)) {
            size_t size = 0, i;
            json_t *value;
            json_array_foreach (values, i, value) {
                size += (size_t)snprintf(out + size, TEXT_MAX - size, "%s%s", i > 0 ? ", " : "",
                                         json_string_value(value));
                assert_true(size < TEXT_MAX);
            }
            found = size > 0 ? out : NULL;
        }
    }
    return found;
}

/* The networks of a case and `more`, which ends with NULL. NULL where one is none. */
static struct tally_proxies *
proxies_of(const json_t *row, const char *const *more)
{
    const char *networks[RANGES_MAX];
    size_t count = 0, i;
    json_t *range;
    struct tally_proxies *proxies;
    json_array_foreach (json_object_get(row, "trustedRanges"), i, range) {
        assert_true(count < RANGES_MAX);
        networks[count++] = json_string_value(range);
    }
    for (; *more != NULL; more++)
        networks[count++] = *more;
    if (tally_proxies_create(networks, count, &proxies, NULL) != TALLY_OK)
        return NULL;
    return proxies;
}

/* An answer says itself when it is asked for again. */
static void
check_sane(const json_t *row, const char *address)
{
    struct node node;
    if (!node_read(bytes_text(address), &node) || strcmp(node.text, address) != 0)
        fail_msg("%s: %s", text_of(row, "name"), address);
}

/* The address for a case, "" for none. `more`: trusted beside its own ranges. A case without a peer
 * comes by a unix socket. */
static void
ask(const json_t *row, const char *peer, const char *const *more, char out[TALLY_ADDRESS_MAX])
{
    char forwarded[TEXT_MAX], x_forwarded_for[TEXT_MAX];
    const char *name = text_of(row, "headerName");
    const char *one = header(row, "Forwarded", forwarded);
    const char *other = header(row, "X-Forwarded-For", x_forwarded_for);
    if (name != NULL && field_same_letters(bytes_text(name), "Forwarded"))
        other = NULL;
    else if (name != NULL)
        one = NULL;
    struct tally_proxies *proxies = proxies_of(row, more);
    assert_non_null(proxies);
    tally_status status = tally_client_address(proxies, peer, one, other, out);
    if (status == TALLY_ABSENT)
        out[0] = '\0';
    else
        check_sane(row, out);
    tally_proxies_destroy(proxies);
}

static void
check_answer(const json_t *row, const char *answer, const char *wanted)
{
    if (strcmp(answer, wanted) != 0)
        fail_msg("%s, %s: %s instead of %s", text_of(row, "test"), text_of(row, "name"), answer,
                 wanted);
}

static void
remote_address(const json_t *row)
{
    static const char *const none[] = { NULL };
    char answer[TALLY_ADDRESS_MAX];
    ask(row, text_of(row, "remoteAddr"), none, answer);
    check_answer(row, answer, text_of(row, "want"));
}

/* Where theirs has nothing, or goes on where ours does not. */
static const char *
wanted_of_range(const json_t *row)
{
    static const char *const ours[][2] = {
        { "Fail: no non-trusted IP", "2.2.2.2" },
        { "Fail: rightmost non-trusted IP invalid", "2.2.2.2" },
        { "Fail: rightmost non-trusted IP unspecified", "2.2.2.2" },
        /* A peer that is no address is not a unix socket. */
        { "Peer garbage: walks header as normal", "" },
        { "Peer unspecified IP: walks header as normal", "" },
    };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (is_named(row, ours[i][0]))
            return ours[i][1];
    }
    return text_of(row, "want");
}

static void
trusted_range(const json_t *row)
{
    /* The ranges of the case are not in the file. */
    static const char *const cloudflare[] = { "unix", "2400:cb00::/32", NULL };
    static const char *const own[] = { "unix", NULL };
    char answer[TALLY_ADDRESS_MAX];
    ask(row, text_of(row, "remoteAddr"), is_named(row, "Cloudflare ranges") ? cloudflare : own,
        answer);
    /* Neither is the header of this one. */
    if (!json_is_true(json_object_get(row, "wantErr")) && !is_named(row, "Many kinds of ranges"))
        check_answer(row, answer, wanted_of_range(row));
}

static const char *
wanted_of_private(const json_t *row)
{
    static const char *const ours[][2] = {
        { "XFF: rightmost not desirable", "" },
        { "Forwarded: rightmost not desirable", "192.168.1.1" },
        { "Fail: XFF: no header", "172.21.0.6" },
        { "Fail: Forwarded: none acceptable", "" },
    };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (is_named(row, ours[i][0]))
            return ours[i][1];
    }
    return text_of(row, "want");
}

static void
non_private(const json_t *row)
{
    static const char *const own[] = { "unix", "private", "loopback", NULL };
    char answer[TALLY_ADDRESS_MAX];
    ask(row, NULL, own, answer);
    if (!json_is_true(json_object_get(row, "wantErr")))
        check_answer(row, answer, wanted_of_private(row));
}

static void
single_header(const json_t *row)
{
    static const char *const own[] = { "unix", NULL };
    char value[TEXT_MAX], answer[TALLY_ADDRESS_MAX] = "";
    if (json_is_true(json_object_get(row, "wantErr")))
        return;
    const char *text = header(row, text_of(row, "headerName"), value);
    struct tally_proxies *proxies = proxies_of(row, own);
    if (tally_client_address(proxies, NULL, NULL, text, answer) != TALLY_OK)
        answer[0] = '\0';
    tally_proxies_destroy(proxies);
    check_answer(row, answer, text_of(row, "want"));
}

static void
networks(const json_t *row)
{
    static const char *const none[] = { NULL };
    struct tally_proxies *proxies = proxies_of(row, none);
    assert_int_equal(proxies == NULL, json_is_true(json_object_get(row, "wantErr")));
    tally_proxies_destroy(proxies);
}

static void
parse_address(const json_t *row)
{
    const char *want = text_of(row, "want");
    struct node node;
    bool found = node_read(bytes_text(text_of(row, "ipStr")), &node);
    /* Ours does not have the unspecified address anywhere. */
    bool wanted = want != NULL && strcmp(want, "nil") != 0 && strcmp(want, "0.0.0.0") != 0 &&
                  strcmp(want, "::") != 0;
    assert_int_equal(found, wanted);
    if (found)
        check_answer(row, node.text, want);
}

static void
private_or_local(const json_t *row)
{
    static const char *const trusted[] = { "private", "loopback", NULL };
    const char *address = text_of(row, "ip");
    char answer[TALLY_ADDRESS_MAX];
    struct tally_proxies *proxies = proxies_of(row, trusted);
    bool wanted = strcmp(text_of(row, "want"), "true") == 0;
    tally_status status = tally_client_address(proxies, address, NULL, "9.9.9.9", answer);
    tally_proxies_destroy(proxies);
    if (status == TALLY_ABSENT) {
        assert_true(is_named(row, "bad (null) IP"));
        return;
    }
    /* The word "private" has no networks for benchmarks. */
    if (is_named(row, "IPv4 RFC 2544 benchmarking"))
        wanted = false;
    assert_int_equal(strcmp(answer, "9.9.9.9") == 0, wanted);
}

static void
forwarded_element(const json_t *row)
{
    const char *want = text_of(row, "want");
    struct node node;
    bool found = forwarded_read(bytes_text(text_of(row, "fwd")), FORWARDED, &node);
    bool wanted = want == NULL;
    if (found != wanted)
        fail_msg("%s", text_of(row, "name"));
    if (found)
        check_sane(row, node.text);
}

/* What theirs does there is not in the file; ours reads what the last proxy wrote. */
static void
deviations(const json_t *row)
{
    static const char *const wanted[][2] = {
        { "Comma in quotes", "4.4.4.4" },    { "Unmatched quote", "2.2.2.2" },
        { "Invalid characters", "2.2.2.2" }, { "Duplicate token", "3.3.3.3" },
        { "Escaped character", "3.3.3.3" },  { "Equal sign spaces", "3.3.3.3" },
        { "IPv4 brackets", "1.1.1.1" },
    };
    static const char *const own[] = { "unix", NULL };
    char answer[TALLY_ADDRESS_MAX];
    const char *want = "2607:f8b0:4004:83f::200e";
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (is_named(row, wanted[i][0]))
            want = wanted[i][1];
    }
    ask(row, NULL, own, answer);
    check_answer(row, answer, want);
}

/* A strategy that ours does not have. Without trust there is the peer and nothing else. */
static void
not_to_be_had(const json_t *row)
{
    static const char *const all[] = { "unix", "0.0.0.0/0", "::/0", NULL };
    static const char *const none[] = { NULL };
    char answer[TALLY_ADDRESS_MAX];
    ask(row, NULL, all, answer);
    ask(row, NULL, none, answer);
    check_answer(row, answer, "");
    ask(row, "9.9.9.9:80", none, answer);
    check_answer(row, answer, "9.9.9.9");
}

static const struct {
    const char *test;
    void (*check)(const json_t *row);
} checks[] = {
    { "TestRemoteAddrStrategy", remote_address },
    { "TestRightmostTrustedRangeStrategy", trusted_range },
    { "TestRightmostNonPrivateStrategy", non_private },
    { "TestSingleIPHeaderStrategy", single_header },
    { "TestAddressesAndRangesToIPNets", networks },
    { "TestParseIPAddr", parse_address },
    { "Test_goodIPAddr", parse_address },
    { "Test_isPrivateOrLocal", private_or_local },
    { "Test_parseForwardedListItem", forwarded_element },
    { "Test_forwardedHeaderRFCDeviations", deviations },
    { "TestRightmostTrustedCountStrategy", not_to_be_had },
    { "TestLeftmostNonPrivateStrategy", not_to_be_had },
    { "TestChainStrategy", not_to_be_had },
};

static void
all_cases(void **state)
{
    (void)state;
    static char line[LINE_MAX_SIZE];
    unsigned count = 0;
    for (; fgets(line, sizeof line, cases) != NULL; count++) {
        json_t *row = json_loads(line, JSON_ALLOW_NUL, NULL);
        bool known = false;
        for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
            if (strcmp(text_of(row, "test"), checks[i].test) == 0) {
                checks[i].check(row);
                known = true;
            }
        }
        assert_true(known);
        json_decref(row);
    }
    assert_int_equal(count, CASES);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(all_cases) };
    const char *shared = getenv("TALLY_SHARED");
    char path[TEXT_MAX];
    (void)snprintf(path, sizeof path, "%s/data/xff/realclientip-cases.jsonl",
                   shared != NULL ? shared : "../shared");
    cases = fopen(path, "r");
    if (cases == NULL) {
        (void)printf("1..0 # SKIP no cases in %s, set TALLY_SHARED\n", path);
        return 0;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)fclose(cases);
    return failed;
}
