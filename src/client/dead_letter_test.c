#include "dead_letter.h"

#include "buffer.h"
#include "json.h"
#include "spool_fixture.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char scratch[SCRATCH_SIZE];
static char root[SCRATCH_SIZE + 8];
static char letters[SCRATCH_SIZE + 32];
static char older[SCRATCH_SIZE + 40];

static int
set_up(void **state)
{
    (void)state;
    scratch_make(scratch);
    (void)snprintf(root, sizeof root, "%s/spool", scratch);
    (void)snprintf(letters, sizeof letters, "%s/dead-letter.ndjson", root);
    (void)snprintf(older, sizeof older, "%s.1", letters);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    scratch_remove(scratch);
    return 0;
}

static void
append(const char *reason, const char *event)
{
    struct tally_error error;
    assert_int_equal(dead_letter_append(root, reason, bytes_text(event), &error), TALLY_OK);
}

static void
read_all(const char *path, struct buffer *content)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t size;
    do {
        size = read(fd, buffer_reserve(content, 4096), 4096);
        assert_true(size >= 0);
        content->size += (size_t)size;
    } while (size > 0);
    (void)close(fd);
}

static void
write_raw(const char *text)
{
    int fd = open(letters, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

/* How many lines the file has; all that begin as letters do are whole JSON objects. */
static unsigned
count_letters(const char *path)
{
    struct buffer content = { 0 };
    struct json_tape tape;
    unsigned count = 0;
    read_all(path, &content);
    assert_int_equal(json_tape_init(&tape, 64, NULL), TALLY_OK);
    for (size_t at = 0; at < content.size;) {
        const uint8_t *line = content.data + at;
        const uint8_t *end = memchr(line, '\n', content.size - at);
        assert_non_null(end);
        struct bytes text = bytes_of(line, (size_t)(end - line));
        at += text.size + 1;
        if (json_scan(&tape, text, NULL) == TALLY_OK && text.size > 12 &&
            memcmp(text.data, "{\"refused\":\"", 12) == 0)
            count++;
    }
    json_tape_finish(&tape);
    buffer_free(&content);
    return count;
}

static void
lines_say_when_why_and_what(void **state)
{
    (void)state;
    struct buffer content = { 0 };
    struct stat about;
    append("the id \"x\" stands\nfor other \xff content", "{\"action\":\"a\"}");
    assert_int_equal(stat(letters, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    read_all(letters, &content);
    buffer_byte(&content, '\0');
    const char *text = (const char *)content.data;
    assert_memory_equal(text, "{\"refused\":\"2", 13);
    assert_string_equal(strstr(text, "Z\","),
                        "Z\",\"reason\":\"the id \\\"x\\\" stands\\\\nfor other \\\\xff content\","
                        "\"event\":{\"action\":\"a\"}}\n");
    buffer_free(&content);
    assert_int_equal(count_letters(letters), 1);
}

static void
a_line_that_was_cut_short_is_ended(void **state)
{
    (void)state;
    append("one", "{}");
    write_raw("{\"refused\":\"2026-");
    append("two", "{}");
    append("three", "{}");
    assert_int_equal(count_letters(letters), 3);
}

/* A full file gets another name once, and the next one takes its place. */
static void
a_full_file_is_put_aside(void **state)
{
    (void)state;
    struct stat about;
    append("one", "{}");
    assert_int_equal(truncate(letters, (off_t)DEAD_LETTER_SIZE_MAX - 10), 0);
    append("two", "{}");
    assert_int_equal(count_letters(letters), 1);
    assert_int_equal(stat(older, &about), 0);
    assert_int_equal(about.st_size, DEAD_LETTER_SIZE_MAX - 10);
    append("three", "{}");
    assert_int_equal(count_letters(letters), 2);
    assert_int_equal(scratch_count(root), 2);

    /* While another process is about to do so, or was stopped there, nobody waits. */
    assert_int_equal(truncate(letters, (off_t)DEAD_LETTER_SIZE_MAX), 0);
    int fd = open(letters, O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    append("four", "{}");
    assert_int_equal(stat(letters, &about), 0);
    assert_true(about.st_size > (off_t)DEAD_LETTER_SIZE_MAX);
    (void)close(fd);
}

static void
processes_do_not_mix_their_lines(void **state)
{
    (void)state;
    enum {
        PROCESSES = 4,
        EACH = 25
    };
    char event[3000];
    pid_t children[PROCESSES];
    append("first", "{}");
    for (unsigned i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        for (unsigned k = 0; k < EACH && children[i] == 0; k++) {
            int size = snprintf(event, sizeof event, "{\"n\":\"%0*u\"}", (int)(100 * k + 1), i);
            if (dead_letter_append(root, "why", bytes_of(event, (size_t)size), NULL) != TALLY_OK)
                _exit(1);
        }
        if (children[i] == 0)
            _exit(0);
    }
    for (unsigned i = 0; i < PROCESSES; i++) {
        int ended;
        assert_int_equal(waitpid(children[i], &ended, 0), children[i]);
        assert_int_equal(ended, 0);
    }
    assert_int_equal(count_letters(letters), 1 + PROCESSES * EACH);
}

static void
what_cannot_be_written_is_said(void **state)
{
    (void)state;
    struct tally_error error;
    struct rlimit before, low;
    struct bytes event = bytes_text("{}");
    append("one", "{}");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    low = (struct rlimit){ 100, before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    tally_status status = dead_letter_append(root, "two", event, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, TALLY_FULL);
    assert_int_equal(count_letters(letters), 1);

    assert_int_equal(rename(letters, older), 0);
    assert_int_equal(symlink(older, letters), 0);
    assert_int_equal(dead_letter_append(root, "three", event, &error), TALLY_IO);
    assert_int_equal(unlink(letters), 0);
    assert_int_equal(mkdir(letters, 0700), 0);
    assert_int_equal(dead_letter_append(root, "three", event, &error), TALLY_IO);
    assert_non_null(strstr(error.text, letters));
    assert_int_equal(chmod(root, 0777), 0);
    assert_int_equal(dead_letter_append(root, "four", event, &error), TALLY_DENIED);
}

int
main(void)
{
#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ON_DISK(lines_say_when_why_and_what),    ON_DISK(a_line_that_was_cut_short_is_ended),
        ON_DISK(a_full_file_is_put_aside),       ON_DISK(processes_do_not_mix_their_lines),
        ON_DISK(what_cannot_be_written_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
