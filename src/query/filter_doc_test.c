/*
 * docs/api.md, "Filter": every filter that is shown as an example is one.
 */
#include "buffer.h"
#include "document_fixture.h"
#include "filter_equal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW INT64_C(1773576000000000000)

static const char *document_path;

/* A row begins "| `the filter` |". Some say what another filter means: that is one, too. */
static size_t
check_row(const char *line)
{
    const struct filter_options options = { .now = NOW };
    struct filter *filters[2] = { NULL, NULL };
    const char *at = line;
    size_t count = 0;
    for (; count < 2; count++) {
        const char *first = strchr(at, '`') + 1, *last = strchr(first, '`');
        struct bytes text = bytes_of(first, (size_t)(last - first));
        struct tally_error error = { 0 };
        if (filter_parse(text, &options, &filters[count], &error) != TALLY_OK)
            fail_msg("%s: %.*s: column %u: %s", document_path, BYTES_ARG(text), error.column,
                     error.text);
        /* "| `a` | `b` |": the whole second cell is the same filter, written out. */
        if (strncmp(last, "` | `", 5) != 0 || strncmp(strchr(last + 5, '`'), "` |\n", 4) != 0)
            break;
        at = last + 1;
    }
    if (filters[1] != NULL && !filter_equal(filters[0], filters[1]))
        fail_msg("%s: %.*s", document_path, (int)strcspn(line, "\n"), line);
    filter_destroy(filters[0]);
    filter_destroy(filters[1]);
    return count;
}

static void
documented_filters_are_filters(void **state)
{
    (void)state;
    char *document = read_document(document_path);
    const char *line = find_table(document, "\n## Filter");
    unsigned rows = 0, pairs = 0;
    for (; *line == '|'; line = strchr(line, '\n') + 1) {
        rows++;
        pairs += check_row(line) > 0;
    }
    assert_true(rows > 20 && pairs > 1);
    free(document);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documented_filters_are_filters),
    };
    if (argc != 2)
        return 2;
    document_path = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
