/*
 * docs/operations.md against the tables it describes: each row of "Settings" and "Metrics", in order.
 */
#include "document_fixture.h"
#include "metrics.h"
#include "settings_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *document_path;

static void
write_row(const struct setting *setting, struct buffer *out)
{
    buffer_format(out, "| %s | `%s` | ", setting->section, setting->name);
    setting_takes(setting, out);
    buffer_format(out, " |%s%s | %s |\n", setting->standard[0] == '\0' ? "" : " ",
                  setting->standard, setting->help);
}

/* The line at hand must be what the buffer holds; returns the next line and clears the buffer. */
static const char *
expect_row(const char *line, struct buffer *wanted)
{
    if (strncmp(line, (const char *)wanted->data, wanted->size) != 0)
        fail_msg("%s has\n%.*s\nand should have\n%.*s", document_path, (int)strcspn(line, "\n"),
                 line, BYTES_ARG(buffer_view(wanted)));
    buffer_clear(wanted);
    return strchr(line, '\n') + 1;
}

static void
settings_are_described(void **state)
{
    (void)state;
    char *document = read_document(document_path);
    struct buffer row = { 0 };
    const char *line = find_table(document, "\n## Settings\n");
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        write_row(&settings_table[i], &row);
        line = expect_row(line, &row);
    }
    assert_int_equal(*line, '\n'); /* and no more */
    buffer_free(&row);
    free(document);
}

/* From the page itself: HELP and TYPE of each metric are the row. */
static void
metrics_are_described(void **state)
{
    (void)state;
    char *document = read_document(document_path);
    struct metrics *metrics = metrics_create();
    struct buffer page = { 0 };
    metrics_write(metrics, &page);
    buffer_byte(&page, '\0');
    struct buffer row = { 0 };
    const char *line = find_table(document, "\n## Metrics\n");
    for (char *at = (char *)page.data; (at = strstr(at, "# HELP ")) != NULL; at++) {
        char name[128], help[256], type[32];
        assert_int_equal(sscanf(at, "# HELP %127s %255[^\n]\n# TYPE %*s %31s", name, help, type),
                         3);
        buffer_format(&row, "| `%s` | %s | %s |\n", name, type, help);
        line = expect_row(line, &row);
    }
    assert_int_equal(*line, '\n');
    buffer_free(&row);
    buffer_free(&page);
    metrics_destroy(metrics);
    free(document);
}

int
main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_described),
        cmocka_unit_test(metrics_are_described),
    };
    assert_int_equal(count, 2);
    document_path = arguments[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
