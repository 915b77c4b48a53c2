#include "settings.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];
static char path[128];

static int
begin(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, P_tmpdir "/tally-settings.XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/tally.conf", folder);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void
write_text(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    (void)fclose(file);
}

static void
the_first_file_sets_nothing(void **state)
{
    (void)state;
    struct folder_options options = { .head_entries_max = 7 };
    assert_int_equal(settings_read(folder, &options, NULL), TALLY_ABSENT);
    assert_int_equal(settings_write(folder, NULL), TALLY_OK);
    struct stat stat_;
    assert_int_equal(stat(path, &stat_), 0);
    assert_int_equal(stat_.st_mode & 0777, 0600);
    assert_int_equal(settings_read(folder, &options, NULL), TALLY_OK);
    assert_int_equal(options.head_entries_max, 7);
    assert_int_equal(options.head_memory_max, 0);
    assert_int_equal(settings_write(folder, NULL), TALLY_IO); /* never over what is there */
}

/* What is commented out is accepted when it is not, and is the default. */
static void
its_comments_are_settings(void **state)
{
    (void)state;
    assert_int_equal(settings_write(folder, NULL), TALLY_OK);
    char text[4096];
    FILE *file = fopen(path, "r");
    size_t size = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    for (char *at = text; (at = strstr(at, "# ")) != NULL; at += 2)
        if (strchr(at, '=') != NULL && strchr(at, '=') < strchr(at, '\n'))
            memcpy(at, "  ", 2);
    for (char *at = text; (at = strstr(at, "\n  ")) != NULL; at++)
        memmove(at + 1, at + 3, strlen(at + 3) + 1);
    write_text(text);
    struct folder_options options = { 0 };
    struct tally_error error = { 0 };
    if (settings_read(folder, &options, &error) != TALLY_OK)
        fail_msg("%s (line %llu)", error.text, (unsigned long long)error.line);
    assert_int_equal(options.head_entries_max, HEAD_ENTRIES_MAX);
    assert_int_equal(options.head_memory_max, 64 << 20);
    assert_int_equal(options.heads_memory_max, 256 << 20);
    assert_int_equal(options.checkpoint_interval, CLOCK_SECOND / 10);
}

static void
slips_are_refused_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t line;
        const char *says;
    } rows[] = {
        { "[storage]\nhead_entries = 0\n", 2, "from 1 to 262144" },
        { "[storage]\nhead_entries = 262145\n", 2, "from 1 to 262144" },
        { "[storage]\nhead_entries = many\n", 2, "\"many\"" },
        { "[storage]\nhead_entries = 5 MB\n", 2, "\"5 MB\"" },
        { "[storage]\nhead_entries = -1\n", 2, "\"-1\"" },
        { "[storage]\n\nhead_entrys = 5\n", 3, "no setting \"head_entrys\"" },
        { "[storag]\nhead_entries = 5\n", 2, "section \"storag\"" },
        { "head_entries = 5\n", 1, "section \"\"" },
        { "[storage\n", 1, "no section, setting or comment" },
        { "[storage]\nwhat\n", 2, "no section, setting or comment" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        write_text(rows[i].text);
        struct folder_options options = { .head_entries_max = 7 };
        struct tally_error error = { 0 };
        assert_int_equal(settings_read(folder, &options, &error), TALLY_INVALID);
        assert_int_equal(error.line, rows[i].line);
        if (strstr(error.text, rows[i].says) == NULL)
            fail_msg("%s", error.text);
        assert_int_equal(options.head_entries_max, 7);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_file_sets_nothing, begin, end),
        cmocka_unit_test_setup_teardown(its_comments_are_settings, begin, end),
        cmocka_unit_test_setup_teardown(slips_are_refused_with_their_line, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
