/*
 * docs/api.md against the tables it describes: each row of "Fields" and "Catalogue", in order.
 */
#include "buffer.h"
#include "catalogue.h"
#include "document_fixture.h"
#include "field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *document_path;

/* The line at hand must begin with what the buffer holds; returns the next line and clears the
 * buffer. */
static const char *
expect_row(const char *line, struct buffer *wanted)
{
    buffer_byte(wanted, '\0');
    if (strncmp(line, (const char *)wanted->data, wanted->size - 1) != 0)
        fail_msg("%s has\n%.*s\nand should have\n%s", document_path, (int)strcspn(line, "\n"), line,
                 (const char *)wanted->data);
    buffer_clear(wanted);
    return strchr(line, '\n') + 1;
}

static void
write_value(const struct field *field, struct buffer *out)
{
    static const char *const types[] = {
        [TYPE_TEXT] = "text",
        [TYPE_NAME] = "name",
        [TYPE_INTEGER] = "whole number",
        [TYPE_TIME] = "time",
        [TYPE_DECIMAL] = "plain number",
        [TYPE_OBJECT] = "object",
        [TYPE_DIGEST] = "digest",
    };
    if (field->type != TYPE_ENUM) {
        buffer_text(out, types[field->type]);
        return;
    }
    for (const char *const *value = field->values; *value != NULL; value++)
        buffer_format(out, "%s`%s`", value == field->values ? "" : " ", *value);
}

/* A cell with its bar: empty ones have no second blank. */
static void
write_limit(const struct field *field, struct buffer *out)
{
    if (field->type == TYPE_INTEGER)
        buffer_format(out, " %u to %u |", field->low, field->high);
    else if (field->size_max == 0)
        buffer_text(out, " |");
    else
        buffer_format(out, " %u%s |", field->size_max,
                      field->type == TYPE_DECIMAL || (field->flags & FIELD_CUT) != 0 ? " characters"
                                                                                     : "");
}

static void
fields_are_described(void **state)
{
    (void)state;
    char *document = read_document(document_path);
    struct buffer row = { 0 };
    const char *line = find_table(document, "\n## Fields\n");
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[fields_in_reading_order[i]];
        buffer_format(&row, "| `%.*s` | ", BYTES_ARG(field->name));
        write_value(field, &row);
        buffer_text(&row, " |");
        write_limit(field, &row);
        buffer_text(&row, field->half == HALF_PRIVATE ? " private |" : " public |");
        if (field->alias != NULL)
            buffer_format(&row, " `%s` |", field->alias);
        else
            buffer_text(&row, " |");
        const char *next = expect_row(line, &row);
        if ((field->flags & FIELD_SERVER_SET) != 0) {
            const char *word = strstr(line, "set by Tallystick");
            assert_true(word != NULL && word < next);
        }
        line = next;
    }
    assert_int_equal(*line, '\n'); /* and no more */
    buffer_free(&row);
    free(document);
}

static void
write_cell(struct bytes value, const char *quote, struct buffer *out)
{
    if (value.data == NULL)
        buffer_text(out, " |");
    else
        buffer_format(out, " %s%.*s%s |", quote, BYTES_ARG(value), quote);
}

static void
the_catalogue_is_described(void **state)
{
    (void)state;
    char *document = read_document(document_path);
    struct buffer row = { 0 };
    const char *line = find_table(document, "\n## Catalogue\n");
    for (size_t i = 0; i < CATALOGUE_STANDARD; i++) {
        const struct catalogue_row *known = &catalogue_standard[i];
        buffer_byte(&row, '|');
        write_cell(known->event_type, "`", &row);
        write_cell(known->severity, "", &row);
        write_cell(known->action, "`", &row);
        write_cell(known->crud, "", &row);
        write_cell(known->status, "", &row);
        line = expect_row(line, &row);
    }
    assert_int_equal(*line, '\n');
    buffer_free(&row);
    free(document);
}

int
main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_described),
        cmocka_unit_test(the_catalogue_is_described),
    };
    assert_int_equal(count, 2);
    document_path = arguments[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
