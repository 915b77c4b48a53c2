#include "log.h"

#include "clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

static FILE *file;
static off_t seen; /* of it */
static char line[16384];

static int
begin(void **state)
{
    (void)state;
    file = tmpfile();
    seen = 0;
    return file == NULL ? -1 : 0;
}

static int
end(void **state)
{
    (void)state;
    log_configure(LOG_TEXT, LOG_INFO, STDERR_FILENO);
    return fclose(file);
}

/* What was written since the last call, without the time at its front, which must be one. */
static const char *
written(size_t time_at)
{
    ssize_t size = pread(fileno(file), line, sizeof line - 1, seen);
    assert_true(size >= 0);
    seen += size;
    line[size] = '\0';
    if (size == 0)
        return line;
    struct instant time;
    const char *reason;
    assert_true((size_t)size > time_at + 27);
    assert_true(instant_parse(bytes_of(line + time_at, 27), &time, &reason));
    assert_true(clock_now() - time.ns < 600 * CLOCK_SECOND && clock_now() >= time.ns);
    return line + time_at + 27;
}

static void
text_lines(void **state)
{
    (void)state;
    log_configure(LOG_TEXT, LOG_INFO, fileno(file));
    LOG(LOG_ERROR, "request", LOG_TEXT_FIELD("id", "a:b.c_1"), LOG_NUMBER_FIELD("status", 500));
    assert_string_equal(written(0), " error request id=a:b.c_1 status=500\n");
    LOG(LOG_CRITICAL_, "store fault", LOG_NUMBER_FIELD("os", -5));
    assert_string_equal(written(0), " critical store fault os=-5\n");
    log_write(LOG_WARNING, "alone", (const struct log_field[]){ LOG_END });
    assert_string_equal(written(0), " warning alone\n");
}

/* A value cannot look like another member, like another line, or act on a terminal. */
static void
values_are_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        const char *shown;
    } rows[] = {
        { "plain/value-1.2", "plain/value-1.2" },
        { "", "\"\"" },
        { "two words", "\"two words\"" },
        { "a=b", "\"a=b\"" },
        { "say \"x\"", "\"say \\\"x\\\"\"" },
        { "a\nb", "\"a\\nb\"" },
        { "a\\b", "\"a\\\\b\"" },
        { "\x1b[2J", "\"\\u001b[2J\"" },
        { "z\xc3\xbc", "\"z\xc3\xbc\"" },
        { "\xe2\x80\xaex", "\"\\u202ex\"" },
        { "bad\xff", "\"bad\\\\xff\"" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char expected[128];
        log_configure(LOG_TEXT, LOG_INFO, fileno(file));
        LOG(LOG_INFO, "e", LOG_TEXT_FIELD("v", rows[i].value));
        (void)snprintf(expected, sizeof expected, " info e v=%s\n", rows[i].shown);
        assert_string_equal(written(0), expected);
    }
}

static void
json_lines(void **state)
{
    (void)state;
    log_configure(LOG_JSON, LOG_DEBUG, fileno(file));
    static const uint8_t bytes[] = "v\0w\xff";
    LOG(LOG_DEBUG, "store fault", LOG_TEXT_FIELD("text", "a \"b\"\n\xe2\x80\xae"),
        LOG_NUMBER_FIELD("number", INT64_MIN), LOG_BYTES_FIELD("bytes", bytes_of(bytes, 4)));
    assert_string_equal(written(9), "\",\"level\":\"debug\",\"event\":\"store fault\","
                                    "\"text\":\"a \\\"b\\\"\\n\\u202e\","
                                    "\"number\":-9223372036854775808,"
                                    "\"bytes\":\"v\\\\u0000w\\\\xff\"}\n");
    json_t *object = json_loads(line, 0, NULL);
    assert_non_null(object);
    json_decref(object);
}

static void
long_values_are_cut_between_characters(void **state)
{
    (void)state;
    log_configure(LOG_TEXT, LOG_INFO, fileno(file));
    char value[LOG_VALUE_MAX + 8];
    memset(value, 'x', sizeof value);
    value[LOG_VALUE_MAX + 7] = '\0';
    LOG(LOG_INFO, "e", LOG_TEXT_FIELD("v", value));
    assert_int_equal(strlen(written(0)), strlen(" info e v=\n") + LOG_VALUE_MAX);
    memcpy(value + LOG_VALUE_MAX - 2, "\xe2\x82\xac", 3);
    LOG(LOG_INFO, "e", LOG_TEXT_FIELD("v", value));
    assert_int_equal(strlen(written(0)), strlen(" info e v=\"\"\n") + LOG_VALUE_MAX - 2 - 2);
}

static void
levels_are_held(void **state)
{
    (void)state;
    for (int level = LOG_CRITICAL_; level <= LOG_DEBUG; level++) {
        log_configure(LOG_TEXT, (enum log_level)level, fileno(file));
        for (int of = LOG_CRITICAL_; of <= LOG_DEBUG; of++) {
            assert_int_equal(log_wants((enum log_level)of), of <= level);
            LOG((enum log_level)of, "e", LOG_NUMBER_FIELD("n", 1));
            assert_int_equal(written(0)[0] != '\0', of <= level);
        }
    }
}

static void
the_journal_gets_priorities(void **state)
{
    (void)state;
    struct stat stat_;
    assert_int_equal(fstat(fileno(file), &stat_), 0);
    char stream[64];
    (void)snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)stat_.st_dev,
                   (unsigned long long)stat_.st_ino);
    (void)setenv("JOURNAL_STREAM", stream, 1);
    log_configure(LOG_TEXT, LOG_INFO, fileno(file));
    LOG(LOG_WARNING, "e", LOG_NUMBER_FIELD("n", 1));
    assert_string_equal(written(3), " warning e n=1\n");
    assert_memory_equal(line, "<4>", 3);

    (void)setenv("JOURNAL_STREAM", "1:1", 1); /* standard error was sent elsewhere */
    log_configure(LOG_TEXT, LOG_INFO, fileno(file));
    LOG(LOG_WARNING, "e", LOG_NUMBER_FIELD("n", 1));
    assert_string_equal(written(0), " warning e n=1\n");
    (void)unsetenv("JOURNAL_STREAM");
}

#define WRITERS 4
#define LINES   500

static void *
write_lines(void *context)
{
    for (int i = 0; i < LINES; i++)
        LOG(LOG_INFO, "e", LOG_TEXT_FIELD("v", context), LOG_NUMBER_FIELD("n", 7));
    return NULL;
}

static void
lines_of_threads_do_not_mix(void **state)
{
    (void)state;
    FILE *appended = fdopen(dup(fileno(file)), "a");
    log_configure(LOG_TEXT, LOG_INFO, fileno(appended));
    pthread_t threads[WRITERS];
    static char *const names[WRITERS] = { "one", "two", "three", "four" };
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    (void)fclose(appended);
    rewind(file);
    unsigned count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        char name[16], rest[16];
        assert_int_equal(sscanf(line, "%*s info e v=%15[a-z] n=%15[0-9]", name, rest), 2);
        assert_string_equal(rest, "7");
        assert_string_equal(line + strlen(line) - 3, "=7\n");
        count++;
    }
    assert_int_equal(count, WRITERS * LINES);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(text_lines, begin, end),
        cmocka_unit_test_setup_teardown(values_are_escaped, begin, end),
        cmocka_unit_test_setup_teardown(json_lines, begin, end),
        cmocka_unit_test_setup_teardown(long_values_are_cut_between_characters, begin, end),
        cmocka_unit_test_setup_teardown(levels_are_held, begin, end),
        cmocka_unit_test_setup_teardown(the_journal_gets_priorities, begin, end),
        cmocka_unit_test_setup_teardown(lines_of_threads_do_not_mix, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
