/*
 * A head against a plain array: entries made from their row number alone, so that any reader can
 * tell what a row must hold; pages, dictionaries and ids are compared with that, alone and while a
 * writer appends, publishes and discards.
 */
#include "head.h"

#include "clock.h"
#include "value_hash.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The linker sends every malloc() of this program here (--wrap). */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static unsigned fail_after; /* the so-manieth allocation fails; 0: none */

void *
__wrap_malloc(size_t size)
{
    if (fail_after > 0 && --fail_after == 0)
        return NULL;
    return __real_malloc(size);
}

/* An entry and the memory of its values. */
struct made_entry {
    struct bytes values[FIELD_COUNT];
    uint8_t salt[16];
    char texts[FIELD_COUNT][128];
};

static uint64_t
scramble(uint64_t x)
{
    x ^= x >> 31;
    x *= UINT64_C(0x7fb5d329728ea185);
    x ^= x >> 27;
    x *= UINT64_C(0x81dadef4bc2dd44d);
    return x ^ x >> 33;
}

__attribute__((format(printf, 3, 4))) static void
set(struct made_entry *entry, enum field_id field, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(entry->texts[field], sizeof entry->texts[field], format, arguments);
    va_end(arguments);
    entry->values[field] = bytes_of(entry->texts[field], (size_t)size);
}

static void
set_uuid(struct made_entry *entry, enum field_id field, uint64_t number)
{
    uint64_t high = scramble(number), low = scramble(number + 1);
    set(entry, field, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32),
        (unsigned)(high >> 16) & 0xffff, (unsigned)high & 0xffff, (unsigned)(low >> 48),
        (unsigned long long)(low & 0xffffffffffff));
}

static int64_t
time_of(uint32_t row)
{
    int64_t late = row % 97 == 5 ? -3600 * CLOCK_SECOND : 0;
    return INT64_C(1790000000) * CLOCK_SECOND + (int64_t)row * 1000000 + late;
}

/* The entry of a row: columns that repeat, are unique, rare, absent for long, or mostly exceptions.
 */
static void
make_entry(uint32_t row, struct made_entry *entry)
{
    uint64_t r = scramble(row + 7);
    memset(entry->values, 0, sizeof entry->values);
    put_u64(entry->salt, scramble(r));
    put_u64(entry->salt + 8, r);

    if (row % 50 == 3)
        set(entry, FIELD_ID, "order:%u", row);
    else
        set_uuid(entry, FIELD_ID, row * 2);
    char *text = entry->texts[FIELD_TIMESTAMP];
    size_t size = instant_format(time_of(row), row % 10 == 0 ? 0 : 3, text);
    entry->values[FIELD_TIMESTAMP] = bytes_of(text, size);
    if (row % 131 == 9)
        set(entry, FIELD_TIMESTAMP, "2016-12-31T23:59:60Z");
    set(entry, FIELD_RECEIVED, "2026-11-21T04:00:00.%06uZ", row);
    set(entry, FIELD_ACTION, "user.%u", (unsigned)(r % 40));
    set(entry, FIELD_USER_ID, "u-%u", (unsigned)(r >> 8) % 30000);
    set(entry, FIELD_STATUS, "%s", r % 20 == 0 ? "failure" : "success");
    set_uuid(entry, FIELD_REQUEST_ID, row * 2 + 1000000000);
    set(entry, FIELD_RESOURCE_ID, "invoice-%u", row);
    set(entry, FIELD_SESSION_ID, "s%u", row / 20);
    set(entry, FIELD_STATUS_CODE, "%u", 200 + (unsigned)(r % 3) * 100);
    set(entry, FIELD_DETAILS, "{\"n\":%u,\"text\":\"%016llx\"}", row, (unsigned long long)r);
    if (row % 3 == 0)
        set(entry, FIELD_RESPONSE_TIME_MS, row % 30 == 0 ? "%ue2" : "%u.50", (unsigned)(r % 9999));
    if (row % 7 == 0)
        set(entry, FIELD_MESSAGE, "%s", "");
    if (row == 21)
        set(entry, FIELD_CONTROL, "{}");
    if (row > 9000)
        set(entry, FIELD_SERVICE, "late-%u", row % 5);
}

static void
append_row(struct head *head, uint32_t row)
{
    struct made_entry entry;
    make_entry(row, &entry);
    /* The commitment is given and not kept. */
    entry.values[FIELD_PRIVATE] = bytes_text("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    const struct head_entry given = { entry.values, entry.salt };
    assert_int_equal(head_append(head, &given, 1, NULL), TALLY_OK);
}

static bool
same_value(struct bytes a, struct bytes b)
{
    return (a.data == NULL) == (b.data == NULL) && bytes_equal(a, b);
}

/* Not cmocka's asserts: they are not for other threads. */
static bool
row_is_right(const struct head *head, uint32_t row, uint32_t count)
{
    struct made_entry entry;
    struct page page;
    char text[PAGE_TEXT_MAX];
    uint32_t found;

    make_entry(row, &entry);
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        struct dictionary dictionary;
        head_page(head, field, row / PAGE_ROWS, count, &page);
        head_dictionary(head, field, &dictionary);
        struct bytes value =
            page_value(&page, &dictionary, fields[field].column, row % PAGE_ROWS, text);
        if (!same_value(value, entry.values[field])) {
            fprintf(stderr, "row %u of %u, %s: %.*s\n", row, count,
                    (const char *)fields[field].name.data, BYTES_ARG(value));
            return false;
        }
        if (page.kind == PAGE_CODES && value.data != NULL) {
            /* The writer sees rows whose values are in no dictionary yet. */
            uint32_t code = page.codes[row % PAGE_ROWS];
            uint32_t wanted = code <= dictionary.count ? code : 0;
            if (head_code(head, field, &dictionary, value) != wanted)
                return false;
        }
    }
    head_salt_page(head, row / PAGE_ROWS, count, &page);
    struct bytes salt = page_value(&page, NULL, COLUMN_HINT_ID, row % PAGE_ROWS, text);
    if (!bytes_equal(salt, bytes_of(entry.salt, 16)))
        return false;
    return head_find_id(head, entry.values[FIELD_ID], count, &found) == TALLY_OK && found == row;
}

/* Rows that share the very bytes of a value: numbers, times, and what a page keeps as neither. */
static void
test_same_bytes(void **unused)
{
    (void)unused;
    static const char *const times[] = { "2026-11-21T04:00:00.000001Z", "2016-12-31T23:59:60Z" };
    for (size_t k = 0; k < sizeof times / sizeof *times; k++) {
        struct made_entry entries[HEAD_ROWS_AT_ONCE];
        struct head_entry given[HEAD_ROWS_AT_ONCE];
        struct head *head;
        assert_int_equal(head_create(0, FIELDS_PRIVATE_DEFAULT, &head, NULL), TALLY_OK);
        for (uint32_t i = 0; i < HEAD_ROWS_AT_ONCE; i++) {
            make_entry(i, &entries[i]);
            if (i % 5 != 4)
                entries[i].values[FIELD_RECEIVED] = bytes_text(times[k]);
            given[i] = (struct head_entry){ entries[i].values, entries[i].salt };
        }
        assert_int_equal(head_append(head, given, HEAD_ROWS_AT_ONCE, NULL), TALLY_OK);
        head_publish(head);
        struct page page;
        head_page(head, FIELD_RECEIVED, 0, HEAD_ROWS_AT_ONCE, &page);
        for (uint32_t i = 0; i < HEAD_ROWS_AT_ONCE; i++) {
            char text[PAGE_TEXT_MAX];
            struct bytes value = page_value(&page, NULL, COLUMN_HINT_TIME, i, text);
            assert_true(same_value(value, entries[i].values[FIELD_RECEIVED]));
        }
        head_release(head);
    }
}

static void
test_rows(void **unused)
{
    (void)unused;
    /* About each size at which a page, a list or a table grows. */
    static const uint32_t sizes[] = { 1,   2,    15,   16,   17,   64,   65,    256,
                                      257, 1024, 1025, 4095, 4096, 4097, 12289, 40000 };
    struct head *head;
    assert_int_equal(head_create(1000, FIELDS_PRIVATE_DEFAULT, &head, NULL), TALLY_OK);
    assert_int_equal(head_first(head), 1000);
    assert_int_equal(head_fields_private(head), FIELDS_PRIVATE_DEFAULT);
    assert_int_equal(head_count(head), 0);

    uint32_t count = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        while (count < sizes[i])
            append_row(head, count++);
        /* The writer reads its own rows before others do, exceptions too. */
        for (uint32_t row = head_count(head); row < count; row += 1 + count / 3000)
            assert_true(row_is_right(head, row, count));
        head_publish(head);
        assert_int_equal(head_count(head), count);
        for (uint32_t row = 0; row < count; row += 1 + count / 3000)
            assert_true(row_is_right(head, row, count));
        assert_true(row_is_right(head, count - 1, count));
        /* An older count sees its own rows. */
        uint32_t seen = 1 + count / 2;
        assert_true(row_is_right(head, seen - 1, seen));
    }
    head_release(head);
}

static void
test_ids(void **unused)
{
    (void)unused;
    struct head *head;
    struct made_entry entry;
    uint32_t row;
    assert_int_equal(head_create(0, 0, &head, NULL), TALLY_OK);
    make_entry(3, &entry);
    assert_int_equal(head_find_id(head, entry.values[FIELD_ID], UINT32_MAX, &row), TALLY_ABSENT);

    for (uint32_t i = 0; i < 10; i++)
        append_row(head, i);
    /* Appended, not published: the writer finds it, readers do not. */
    assert_int_equal(head_find_id(head, entry.values[FIELD_ID], UINT32_MAX, &row), TALLY_OK);
    assert_int_equal(row, 3);
    assert_int_equal(head_find_id(head, entry.values[FIELD_ID], head_count(head), &row),
                     TALLY_ABSENT);
    head_publish(head);
    assert_int_equal(head_find_id(head, entry.values[FIELD_ID], 10, &row), TALLY_OK);
    assert_int_equal(head_find_id(head, entry.values[FIELD_ID], 4, &row), TALLY_OK);
    assert_int_equal(head_find_id(head, entry.values[FIELD_ID], 3, &row), TALLY_ABSENT);
    append_row(head, 3); /* again: the newest counts */
    head_publish(head);
    assert_int_equal(head_find_id(head, entry.values[FIELD_ID], 11, &row), TALLY_OK);
    assert_int_equal(row, 10);
    assert_int_equal(head_find_id(head, entry.values[FIELD_ID], 10, &row), TALLY_OK);
    assert_int_equal(row, 3);
    assert_int_equal(head_find_id(head, bytes_text("order:4"), 10, &row), TALLY_ABSENT);
    assert_int_equal(head_find_id(head, bytes_text(""), 10, &row), TALLY_ABSENT);
    head_release(head);
}

/* The sums of all columns, added up from the entries alone. */
static void
check_sums(const struct head *head, uint32_t count)
{
    uint64_t sums[FIELD_COUNT + 1] = { 0 }, seed = head_seed(head);
    for (uint32_t row = 0; row < count; row++) {
        struct made_entry entry;
        make_entry(row, &entry);
        for (unsigned field = 0; field < FIELD_COUNT; field++) {
            struct page page;
            head_page(head, (enum field_id)field, row / PAGE_ROWS, count, &page);
            if (entry.values[field].data != NULL)
                sums[field] += value_sum(
                    value_hash_as(page.kind, fields[field].column, seed, entry.values[field]), row);
        }
        sums[FIELD_COUNT] += value_sum(value_hash_id(seed, entry.salt, ID_RAW), row);
    }
    for (unsigned column = 0; column <= FIELD_COUNT; column++)
        assert_true(head_sum(head, column) == sums[column]);
}

static void
test_discard(void **unused)
{
    (void)unused;
    struct head *head;
    uint32_t row;
    assert_int_equal(head_create(0, 0, &head, NULL), TALLY_OK);

    /* Other rows, in other numbers, are appended and taken back before the right ones come; the
     * memory of text comes back, and the rest does not grow without end. */
    for (uint32_t count = 0, round = 0; count < 6000; round++) {
        uint32_t more = 1 + (uint32_t)(scramble(round) % 200);
        for (unsigned attempt = 0; attempt < 3; attempt++) {
            struct made_entry entry;
            for (uint32_t i = 0; i < more + attempt; i++)
                append_row(head, 1000000 + round * 1000 + attempt * 300 + i);
            make_entry(1000000 + round * 1000 + attempt * 300, &entry);
            assert_int_equal(head_find_id(head, entry.values[FIELD_ID], UINT32_MAX, &row),
                             TALLY_OK);
            head_discard(head);
            assert_int_equal(head_find_id(head, entry.values[FIELD_ID], UINT32_MAX, &row),
                             TALLY_ABSENT);
        }
        for (uint32_t i = 0; i < more; i++)
            append_row(head, count++);
        head_publish(head);
        for (uint32_t i = 0; i < count; i += 1 + count / 100)
            assert_true(row_is_right(head, i, count));
    }
    size_t memory = 0;
    for (unsigned attempt = 0; attempt < 50; attempt++) {
        for (uint32_t i = 0; i < 500; i++)
            append_row(head, 5000000 + attempt * 500 + i);
        head_discard(head);
        if (attempt == 0)
            memory = head_memory(head);
    }
    assert_int_equal(head_memory(head), memory);
    check_sums(head, head_count(head));
    head_release(head);
}

/* Short of memory at the first, second or third allocation of an append: nothing is there of the
 * row, and the next attempt succeeds. */
static void
test_no_memory(void **unused)
{
    (void)unused;
    struct head *head;
    unsigned refused = 0;
    fail_after = 0;
    assert_int_equal(head_create(0, 0, &head, NULL), TALLY_OK);
    for (uint32_t row = 0; row < 9000; row++) {
        struct made_entry entry;
        make_entry(row, &entry);
        const struct head_entry given = { entry.values, entry.salt };
        for (unsigned i = 1; i <= 3; i++) {
            uint32_t found;
            fail_after = i;
            tally_status status = head_append(head, &given, 1, NULL);
            fail_after = 0;
            if (status == TALLY_OK) {
                head_discard(head);
                continue;
            }
            refused++;
            assert_int_equal(status, TALLY_NO_MEMORY);
            assert_int_equal(head_find_id(head, entry.values[FIELD_ID], UINT32_MAX, &found),
                             TALLY_ABSENT);
        }
        append_row(head, row);
        head_publish(head);
    }
    assert_true(refused > 20);
    for (uint32_t row = 0; row < 9000; row++)
        assert_true(row_is_right(head, row, 9000));
    check_sums(head, 9000);
    head_release(head);
}

/* Rows in blocks of all sizes, over the borders of pages, are the rows one by one; and where memory
 * is short a block is not there at all. */
static void
test_many_at_once(void **unused)
{
    (void)unused;
    enum {
        MOST = 70
    };
    struct made_entry *made = malloc(MOST * sizeof *made);
    struct head_entry given[MOST];
    struct head *head;
    fail_after = 0;
    assert_int_equal(head_create(0, 0, &head, NULL), TALLY_OK);
    uint32_t row = 0;
    for (uint32_t count = 1; row < 9000; count = count % MOST + 1) {
        for (uint32_t i = 0; i < count; i++) {
            make_entry(row + i, &made[i]);
            given[i] = (struct head_entry){ made[i].values, made[i].salt };
        }
        if (count <= HEAD_ROWS_AT_ONCE) {
            fail_after = 1 + row % 3;
            tally_status status = head_append(head, given, count, NULL);
            fail_after = 0;
            for (uint32_t i = 0, found; i < count; i++)
                assert_int_equal(head_find_id(head, made[i].values[FIELD_ID], UINT32_MAX, &found),
                                 status == TALLY_OK ? TALLY_OK : TALLY_ABSENT);
            head_discard(head);
        }
        assert_int_equal(head_append(head, given, count, NULL), TALLY_OK);
        head_publish(head);
        row += count;
    }
    for (uint32_t i = 0; i < row; i++)
        assert_true(row_is_right(head, i, row));
    head_release(head);
    free(made);
}

static void
test_times(void **unused)
{
    (void)unused;
    struct head *head;
    int64_t minimum, maximum;
    assert_int_equal(head_create(0, 0, &head, NULL), TALLY_OK);
    head_time_range(head, &minimum, &maximum);
    assert_true(minimum == INT64_MAX && maximum == INT64_MIN);

    for (uint32_t row = 0; row < 9; row++)
        append_row(head, row);
    head_time_range(head, &minimum, &maximum);
    assert_true(minimum == INT64_MAX); /* not published */
    head_publish(head);
    head_time_range(head, &minimum, &maximum);
    assert_true(minimum == time_of(5) && maximum == time_of(8));

    append_row(head, 9); /* a leap second of 2016 */
    head_discard(head);
    append_row(head, 10);
    head_publish(head);
    head_time_range(head, &minimum, &maximum);
    /* Row 10 was sent without a fraction. */
    assert_true(minimum == time_of(5) && maximum == time_of(8));
    head_release(head);
}

static int64_t
read_time(const struct head *head, uint32_t row)
{
    struct page sent, received;
    uint32_t at = row % PAGE_ROWS;
    head_page(head, FIELD_TIMESTAMP, row / PAGE_ROWS, row + 1, &sent);
    head_page(head, FIELD_RECEIVED, row / PAGE_ROWS, row + 1, &received);
    return sent.forms[at] != NUMBER_ABSENT && sent.keys[at] < received.keys[at] ? sent.keys[at]
                                                                                : received.keys[at];
}

/* Bounds of pages are those of their rows, also after rows that were taken back, at any place. */
static void
test_times_of_pages(void **unused)
{
    (void)unused;
    struct head *head;
    uint64_t state = 7;
    uint32_t published = 0;
    assert_int_equal(head_create(0, 0, &head, NULL), TALLY_OK);
    while (published < 3 * PAGE_ROWS) {
        state = scramble(state + 1);
        uint32_t count = 1 + (uint32_t)(state % 1500);
        bool kept = state >> 32 & 1;
        for (uint32_t i = 0; i < count; i++)
            append_row(head, kept ? published + i : i % 2 == 0 ? 8 : 5);
        if (kept)
            head_publish(head);
        else
            head_discard(head);
        published += kept ? count : 0;
        for (uint32_t first = 0; first < published; first += PAGE_ROWS) {
            int64_t minimum, maximum, least = INT64_MAX, greatest = INT64_MIN;
            for (uint32_t row = first; row < published && row < first + PAGE_ROWS; row++) {
                int64_t time = read_time(head, row);
                least = time < least ? time : least;
                greatest = time > greatest ? time : greatest;
            }
            head_page_time_range(head, first / PAGE_ROWS, &minimum, &maximum);
            assert_true(minimum == least && maximum == greatest);
        }
    }
    head_release(head);
}

/* A head's memory: small when empty or nearly so, and about what its values take when full. */
static void
test_memory(void **unused)
{
    (void)unused;
    struct head *head;
    assert_int_equal(head_create(0, 0, &head, NULL), TALLY_OK);
    assert_true(head_memory(head) < 2048);
    append_row(head, 0);
    head_publish(head);
    print_message("# one entry: %zu bytes\n", head_memory(head));
    assert_true(head_memory(head) <= 32768);

    size_t values = 0;
    for (uint32_t row = 1; row < 50000; row++) {
        struct made_entry entry;
        make_entry(row, &entry);
        for (unsigned field = 0; field < FIELD_COUNT; field++)
            values += entry.values[field].size;
        append_row(head, row);
    }
    print_message("# 50,000 entries of %zu bytes: %zu bytes\n", values, head_memory(head));
    assert_in_range(head_memory(head), values / 2, 2 * values);
    head_release(head);
}

/* An id column that repeats stays coded; one that does not, turns to ids or values in a later page.
 */
static void
test_kinds(void **unused)
{
    (void)unused;
    struct head *head;
    struct page page;
    assert_int_equal(head_create(0, 0, &head, NULL), TALLY_OK);
    for (uint32_t row = 0; row < 2 * PAGE_ROWS; row++)
        append_row(head, row);
    head_publish(head);

    static const struct {
        enum field_id field;
        enum page_kind first, second;
    } rows[] = {
        { FIELD_ID, PAGE_IDS, PAGE_IDS },
        { FIELD_REQUEST_ID, PAGE_CODES, PAGE_IDS },
        { FIELD_RESOURCE_ID, PAGE_CODES, PAGE_VALUES },
        { FIELD_SESSION_ID, PAGE_CODES, PAGE_CODES },
        { FIELD_ACTION, PAGE_CODES, PAGE_CODES },
        { FIELD_TIMESTAMP, PAGE_NUMBERS, PAGE_NUMBERS },
        { FIELD_STATUS_CODE, PAGE_NUMBERS, PAGE_NUMBERS },
        { FIELD_DETAILS, PAGE_VALUES, PAGE_VALUES },
        { FIELD_CONTROL, PAGE_VALUES, PAGE_ABSENT },
        { FIELD_SERVICE, PAGE_ABSENT, PAGE_ABSENT },
        { FIELD_PRIVATE, PAGE_ABSENT, PAGE_ABSENT },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        head_page(head, rows[i].field, 0, 2 * PAGE_ROWS, &page);
        assert_int_equal(page.kind, rows[i].first);
        assert_int_equal(page.rows, PAGE_ROWS);
        head_page(head, rows[i].field, 1, 2 * PAGE_ROWS, &page);
        assert_int_equal(page.kind, rows[i].second);
    }
    head_release(head);
}

/*
 * One writes, others read.
 */
struct reader {
    struct head *head;
    uint64_t seed;
    uint64_t checked;
    bool wrong;
};

#define CONCURRENT_ROWS 20000u

static void *
read_along(void *context)
{
    struct reader *reader = context;
    uint32_t count = 0;
    uint64_t state = reader->seed;

    while (count < CONCURRENT_ROWS && !reader->wrong) {
        count = head_count(reader->head);
        for (unsigned i = 0; i < 20 && count > 0; i++) {
            state = scramble(state + 1);
            uint32_t row = i == 0 ? count - 1 : (uint32_t)(state % count);
            uint32_t seen = row + 1 + (uint32_t)(state >> 32) % (count - row);
            if (!row_is_right(reader->head, row, seen))
                reader->wrong = true;
            reader->checked++;
        }
        int64_t minimum, maximum;
        head_time_range(reader->head, &minimum, &maximum);
        if (count > 0 && minimum > maximum)
            reader->wrong = true;
    }
    head_release(reader->head);
    return NULL;
}

static void
test_concurrent(void **unused)
{
    (void)unused;
    enum {
        READERS = 2
    };
    struct reader readers[READERS];
    pthread_t threads[READERS];
    struct head *head;
    assert_int_equal(head_create(0, 0, &head, NULL), TALLY_OK);
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct reader){ .head = head, .seed = i + 1 };
        head_retain(head);
        assert_int_equal(pthread_create(&threads[i], NULL, read_along, &readers[i]), 0);
    }

    for (uint32_t count = 0, round = 0; count < CONCURRENT_ROWS; round++) {
        uint32_t more = 1 + (uint32_t)(scramble(round) % 64);
        if (round % 5 == 0) {
            for (uint32_t i = 0; i < more; i++)
                append_row(head, 1000000 + round * 100 + i);
            head_discard(head);
        }
        for (uint32_t i = 0; i < more && count < CONCURRENT_ROWS; i++)
            append_row(head, count++);
        head_publish(head);
    }
    head_release(head); /* before the readers are done */

    for (unsigned i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_false(readers[i].wrong);
        assert_true(readers[i].checked > 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_rows),
        cmocka_unit_test(test_ids),        cmocka_unit_test(test_discard),
        cmocka_unit_test(test_times),      cmocka_unit_test(test_times_of_pages),
        cmocka_unit_test(test_no_memory),  cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_memory),     cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_concurrent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
