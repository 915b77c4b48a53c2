#include "document_fixture.h"

#include "buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define DOCUMENT_SIZE_MAX ((size_t)1 << 20)

char *
read_document(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("cannot open %s", path);
    struct buffer text = { 0 };
    uint8_t *to = buffer_reserve(&text, DOCUMENT_SIZE_MAX);
    assert_non_null(to);
    text.size = fread(to, 1, DOCUMENT_SIZE_MAX, file);
    assert_int_equal(fclose(file), 0);
    buffer_byte(&text, '\0');
    return (char *)text.data;
}

const char *
find_table(const char *document, const char *heading)
{
    const char *section = strstr(document, heading);
    assert_non_null(section);
    const char *rule = strstr(section, "\n|---");
    assert_non_null(rule);
    return strchr(rule + 1, '\n') + 1;
}
