/*
 * docs/operations.md against the settings: each row of the table "Settings", in order.
 */
#include "settings_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *document_path;

static char *
read_document(void)
{
    FILE *file = fopen(document_path, "rb");
    if (file == NULL)
        fail_msg("cannot open %s", document_path);
    struct buffer text = { 0 };
    uint8_t *to = buffer_reserve(&text, 1u << 20);
    assert_non_null(to);
    text.size = fread(to, 1, 1u << 20, file);
    assert_int_equal(fclose(file), 0);
    buffer_byte(&text, '\0');
    return (char *)text.data;
}

/* The rows of the table below a heading: the place of its first row. */
static const char *
find_table(const char *document, const char *heading)
{
    const char *section = strstr(document, heading);
    assert_non_null(section);
    const char *rule = strstr(section, "\n|---");
    assert_non_null(rule);
    return strchr(rule + 1, '\n') + 1;
}

static void
write_row(const struct setting *setting, struct buffer *out)
{
    buffer_format(out, "| %s | `%s` | ", setting->section, setting->name);
    setting_takes(setting, out);
    buffer_format(out, " |%s%s | %s |\n", setting->standard[0] == '\0' ? "" : " ",
                  setting->standard, setting->help);
}

static void
settings_are_described(void **state)
{
    (void)state;
    char *document = read_document();
    struct buffer row = { 0 };
    const char *line = find_table(document, "\n## Settings\n");
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        write_row(&settings_table[i], &row);
        if (strncmp(line, (const char *)row.data, row.size) != 0)
            fail_msg("%s has\n%.*s\nand should have\n%.*s", document_path, (int)strcspn(line, "\n"),
                     line, BYTES_ARG(buffer_view(&row)));
        line += row.size;
        buffer_clear(&row);
    }
    assert_int_equal(*line, '\n'); /* and no more */
    buffer_free(&row);
    free(document);
}

int
main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_described),
    };
    assert_int_equal(count, 2);
    document_path = arguments[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
