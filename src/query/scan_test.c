/*
 * scan_test.c - what a scan finds, in every order and however it is asked, against the naive list: every
 * entry by match.c.
 */
#include "scan.h"

#include "corpus_scan.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct filter *
parse(struct bytes text)
{
    const struct filter_options options = { .now = corpus_now() };
    struct filter *filter;
    struct tally_error error = { 0 };
    if (filter_parse(text, &options, &filter, &error) != TALLY_OK)
        fail_msg("%.*s: %s", BYTES_ARG(text), error.text);
    return filter;
}

/* The order's definition. */
static enum scan_order sorting;

static int
compare_hits(const void *a, const void *b)
{
    const struct scan_hit *x = a, *y = b;
    int time = (x->time > y->time) - (x->time < y->time);
    int index = (x->index > y->index) - (x->index < y->index);
    switch (sorting) {
    case ORDER_TIME_DOWN:
        return time != 0 ? -time : -index;
    case ORDER_TIME:
        return time != 0 ? time : index;
    case ORDER_INDEX:
        return index;
    case ORDER_INDEX_DOWN:
        break;
    }
    return -index;
}

/* Every entry below `size` that matches, by match.c, in the order. */
static size_t
naive_list(const struct corpus *corpus, const struct filter *filter, uint64_t size,
           enum scan_order order, struct scan_hit *hits)
{
    size_t count = 0;
    for (uint64_t i = 0; i < size; i++) {
        if (filter_match(filter, i, corpus->entries[i].values, corpus->scratch))
            hits[count++] = (struct scan_hit){ corpus->entries[i].time, i };
    }
    sorting = order;
    qsort(hits, count, sizeof *hits, compare_hits);
    return count;
}

/* All lists, one after the other. */
static void
check_lists(struct scan *scan, enum scan_order order, size_t capacity,
            const struct scan_hit *wanted, size_t wanted_count, struct bytes filter)
{
    struct scan_place place = SCAN_START;
    struct scan_list list;
    struct tally_error error = { 0 };
    struct scan_hit *hits = calloc(capacity, sizeof *hits);
    size_t at = 0;
    assert_non_null(hits);
    do {
        if (scan_list(scan, order, &place, hits, capacity, &list, &error) != TALLY_OK)
            fail_msg("%.*s: %s", BYTES_ARG(filter), error.text);
        if (list.count > wanted_count - at || (list.more && list.count < capacity))
            fail_msg("%.*s in order %d: %zu hits at %zu of %zu", BYTES_ARG(filter), (int)order,
                     list.count, at, wanted_count);
        for (size_t i = 0; i < list.count; i++, at++) {
            if (hits[i].index != wanted[at].index || hits[i].time != wanted[at].time)
                fail_msg("%.*s in order %d: hit %zu is %llu, not %llu", BYTES_ARG(filter),
                         (int)order, at, (unsigned long long)hits[i].index,
                         (unsigned long long)wanted[at].index);
        }
        place = list.next;
    } while (list.more);
    if (at != wanted_count)
        fail_msg("%.*s in order %d: %zu hits, not %zu", BYTES_ARG(filter), (int)order, at,
                 wanted_count);
    free(hits);
}

static uint64_t
sum_of(const uint64_t fates[FATE_COUNT])
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < FATE_COUNT; i++)
        sum += fates[i];
    return sum;
}

/* A count looks at every run and page once, whatever becomes of them, and finds each match once: in a
 * page, unless a run was counted. */
static void
check_account(struct scan *scan, const struct scan_source *source, uint64_t wanted,
              struct bytes text)
{
    struct scan_account before = *scan_account(scan), after;
    uint64_t count, pages = 0;
    assert_int_equal(scan_count(scan, &count, NULL), TALLY_OK);
    after = *scan_account(scan);
    for (size_t i = 0; i < source->run_count; i++)
        pages += run_page_count(source->run(source->context, i));
    bool counted = after.runs[FATE_COUNTED] > before.runs[FATE_COUNTED];
    if (count != wanted || (after.matches - before.matches != wanted && !counted) ||
        after.matches - before.matches > wanted ||
        sum_of(after.runs) - sum_of(before.runs) != source->run_count ||
        sum_of(after.pages) - sum_of(before.pages) != pages)
        fail_msg("%.*s: the account of a count of %llu is wrong", BYTES_ARG(text),
                 (unsigned long long)count);
}

/* What a thread was shown: the rows, and in what order. */
struct shown {
    uint64_t *seen; /* a bit for each entry; all threads' own */
    uint64_t count;
    uint64_t next; /* no entry before this one may come */
};

static tally_status
mark(void *context, const struct scan_page *page, struct tally_error *error)
{
    struct shown *shown = context;
    const uint16_t *rows = scan_page_rows(page);
    (void)error;
    if (page->count == 0 || page->count != row_set_count(page->found))
        fail_msg("page %u has %u rows", page->page, page->count);
    for (uint32_t i = 0; i < page->count; i++) {
        uint64_t index = page->first + (uint64_t)page->page * PAGE_ROWS + rows[i];
        if (index < shown->next)
            fail_msg("%llu comes after %llu", (unsigned long long)index,
                     (unsigned long long)shown->next - 1);
        shown->seen[index / 64] |= UINT64_C(1) << index % 64;
        shown->count++;
        shown->next = index + 1;
    }
    return TALLY_OK;
}

/* However many threads there are, together they are shown each match once. */
static void
check_shared(struct scan *scan, const struct scan_hit *wanted, size_t wanted_count, uint64_t size,
             struct bytes text)
{
    for (unsigned threads = 1; threads <= 5; threads += 2) {
        struct shown shown[5] = { 0 };
        void *contexts[5];
        const struct scan_visits visits = { .page = mark };
        uint64_t total = 0, found = 0;
        for (unsigned i = 0; i < threads; i++) {
            shown[i].seen = calloc(size / 64 + 1, sizeof *shown[i].seen);
            contexts[i] = &shown[i];
        }
        assert_int_equal(scan_visit(scan, threads, &visits, contexts, NULL), TALLY_OK);
        for (unsigned i = 0; i < threads; i++) {
            total += shown[i].count;
            for (size_t k = 0; k < wanted_count; k++)
                found += shown[i].seen[wanted[k].index / 64] >> wanted[k].index % 64 & 1;
            free(shown[i].seen);
        }
        if (total != wanted_count || found != wanted_count)
            fail_msg("%.*s: %u threads are shown %llu, %llu of %zu", BYTES_ARG(text), threads,
                     (unsigned long long)total, (unsigned long long)found, wanted_count);
    }
}

/* The account of a count does not depend on how many threads there were. */
static void
check_shared_account(struct scan *scan, struct bytes text)
{
    static struct plan_term terms[3][PLAN_TERMS_MAX];
    struct scan_account accounts[3];
    size_t count = 0;
    for (unsigned i = 0; i < 3; i++) {
        uint64_t matches;
        accounts[i] = *scan_account(scan);
        count = scan_terms(scan, terms[i]);
        scan_share(scan, i == 0 ? 1 : 4);
        assert_int_equal(scan_count(scan, &matches, NULL), TALLY_OK);
    }
    scan_share(scan, 1);
    for (unsigned fate = 0; fate < FATE_COUNT; fate++)
        if (accounts[1].runs[fate] - accounts[0].runs[fate] !=
                accounts[2].runs[fate] - accounts[1].runs[fate] ||
            accounts[1].pages[fate] - accounts[0].pages[fate] !=
                accounts[2].pages[fate] - accounts[1].pages[fate])
            fail_msg("%.*s: four threads %s others", BYTES_ARG(text), scan_fate_names[fate]);
    for (size_t i = 0; i < count; i++)
        for (unsigned way = 0; way < ACCESS_COUNT; way++)
            if (terms[1][i].pages[way] - terms[0][i].pages[way] !=
                terms[2][i].pages[way] - terms[1][i].pages[way])
                fail_msg("%.*s: four threads ask by %s elsewhere", BYTES_ARG(text),
                         plan_access_names[way]);
}

static void
check_filter(struct corpus *corpus, struct bytes text, uint64_t size, size_t capacity)
{
    struct filter *filter = parse(text);
    struct scan_source source = corpus_source(corpus, size);
    struct scan_hit *wanted = calloc(size + 1, sizeof *wanted);
    struct scan *scan;
    assert_non_null(wanted);
    assert_int_equal(scan_create(filter, &source, &scan, NULL), TALLY_OK);
    for (enum scan_order order = ORDER_TIME_DOWN; order <= ORDER_INDEX_DOWN; order++) {
        size_t wanted_count = naive_list(corpus, filter, size, order, wanted);
        check_lists(scan, order, capacity, wanted, wanted_count, text);
        check_account(scan, &source, wanted_count, text);
        if (order == ORDER_INDEX) {
            check_shared(scan, wanted, wanted_count, size, text);
            check_shared_account(scan, text);
        }
    }
    scan_destroy(scan);
    free(wanted);
    filter_destroy(filter);
}

static void
check_random_filters(struct corpus *corpus, uint64_t seed, unsigned filters)
{
    for (unsigned i = 0; i < filters; i++) {
        struct buffer text = { 0 };
        corpus_filter(&seed, &text);
        uint64_t size = i % 3 == 0 ? 1 + corpus_random(&seed, corpus->count) : corpus->count;
        static const size_t capacities[] = { 1000, 4096, 20000, 333 };
        check_filter(corpus, buffer_view(&text), size, capacities[i % 4]);
        buffer_free(&text);
    }
}

/* With indexes, with those of what is left after an erasure, and without. */
static void
random_filters_agree_with_the_naive_list(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 4500, 300, 4096, 1, 900, 500, 0 };
    struct corpus *corpus = corpus_create(7, sizes);
    check_random_filters(corpus, 1, 150);
    corpus_change(corpus, CORPUS_ERASE);
    check_random_filters(corpus, 2, 100);
    corpus_change(corpus, CORPUS_LOSE_INDEXES);
    check_random_filters(corpus, 3, 50);
    corpus_destroy(corpus);
}

/* How many entries match is what match.c says of each. */
static void
check_count(struct corpus *corpus, const char *text)
{
    struct corpus_scan scan;
    uint64_t count, wanted = 0;
    corpus_scan_begin(&scan, corpus, text, 1);
    for (uint64_t i = 0; i < corpus->count; i++)
        wanted += corpus_scan_matches(&scan, i);
    assert_int_equal(scan_count(scan.scan, &count, NULL), TALLY_OK);
    if (count != wanted)
        fail_msg("%s: %" PRIu64 " of %" PRIu64, text, count, wanted);
    corpus_scan_end(&scan);
}

/* Pages of a few rows have bounds near all that is asked for: every value is the end of a range. */
static void
numbers_at_the_bounds_of_pages_are_found(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 1, 2, 3, 1, 2, 4, 2, 0 };
    static const enum field_id asked[] = { FIELD_STATUS_CODE, FIELD_RESPONSE_TIME_MS,
                                           FIELD_TIMESTAMP };
    static const char *const operators[] = { ">=", ">", "<=", "<", "", "*" };
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct corpus *corpus = corpus_create(seed, sizes);
        for (uint64_t i = 0; i < corpus->count * 3; i++) {
            enum field_id field = asked[i % 3];
            struct bytes value = corpus->entries[i / 3].values[field];
            for (size_t j = 0; value.data != NULL && j < 2 * 6; j++) {
                char text[160];
                (void)snprintf(text, sizeof text, "%s%.*s:%s%.*s", j < 6 ? "" : "-",
                               BYTES_ARG(fields[field].name), operators[j % 6],
                               BYTES_ARG(operators[j % 6][0] == '*' ? bytes_text("") : value));
                check_count(corpus, text);
            }
        }
        corpus_destroy(corpus);
    }
}

/* Lists of one hit, where every step is a border, on a small corpus. */
static void
lists_of_any_length_join(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 40, 1, 30, 7, 20, 0 };
    static const char *const filters[] = { "", "status:success", "timestamp:>2026-06-01",
                                           "-user_id:*", "index:39..41" };
    struct corpus *corpus = corpus_create(3, sizes);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        for (size_t capacity = 1; capacity < 100; capacity += capacity < 8 ? 1 : 13)
            check_filter(corpus, bytes_text(filters[i]), corpus->count, capacity);
    }
    corpus_destroy(corpus);
}

/* More values than are gone through at once: they are decided as they are met. */
static void
large_dictionaries_are_learned_as_they_are_met(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 26000, 6000, 10, 0 };
    static const char *const filters[] = {
        "endpoint:*99*",
        "endpoint:*99* status:failure",
        "endpoint:/api/items/17,/api/items/5999",
        "-endpoint:*1* user_id:u1",
        "items/123 severity:low",
        "endpoint:*7 OR endpoint:*8",
    };
    struct corpus *corpus = corpus_create(11, sizes);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        check_filter(corpus, bytes_text(filters[i]), corpus->count, 5000);
    corpus_destroy(corpus);
}

/* A field that is said to be of a later format is looked for under details of entries before it. */
static void
later_fields_are_found_under_details(void **state)
{
    (void)state;
    static const uint32_t sizes[] = { 5000, 300, 10, 0 };
    static const char *const filters[] = { "user_email:1", "status_code:404", "-user_email:1",
                                           "user_email:1 status:success" };
    struct corpus *corpus = corpus_create(5, sizes);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        struct filter *filter = parse(bytes_text(filters[i]));
        struct filter_node *node = (struct filter_node *)filter->root;
        while (node->kind != FILTER_TERM)
            node = (struct filter_node *)node->first;
        node->term.since = 2;
        struct scan_source source = corpus_source(corpus, corpus->count);
        struct scan *scan;
        uint64_t count, wanted = 0;
        for (uint64_t j = 0; j < corpus->count; j++)
            wanted += filter_match(filter, j, corpus->entries[j].values, corpus->scratch);
        assert_int_equal(scan_create(filter, &source, &scan, NULL), TALLY_OK);
        assert_int_equal(scan_count(scan, &count, NULL), TALLY_OK);
        assert_int_equal(count, wanted);
        assert_true(wanted > 0);
        scan_destroy(scan);
        filter_destroy(filter);
    }
    corpus_destroy(corpus);
}

static void
orders_have_names(void **state)
{
    (void)state;
    static const char *const names[] = { "-time", "time", "index", "-index" };
    enum scan_order order;
    struct tally_error error = { 0 };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(scan_order_read(bytes_text(names[i]), &order, NULL), TALLY_OK);
        assert_int_equal(order, i + 1);
    }
    assert_int_equal(scan_order_read(bytes_text("Time"), &order, &error), TALLY_INVALID);
    assert_non_null(strstr(error.text, "-time (newest first)"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_filters_agree_with_the_naive_list),
        cmocka_unit_test(numbers_at_the_bounds_of_pages_are_found),
        cmocka_unit_test(lists_of_any_length_join),
        cmocka_unit_test(large_dictionaries_are_learned_as_they_are_met),
        cmocka_unit_test(later_fields_are_found_under_details),
        cmocka_unit_test(orders_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
