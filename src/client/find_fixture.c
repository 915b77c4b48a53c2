#include "find_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

void
find_replace(find_function *find, const char *text, char out[FIND_TEXT_MAX])
{
    struct bytes bytes = bytes_text(text);
    size_t at = 0, start, end;
    while (find(bytes, at, &start, &end)) {
        assert_true(at <= start && start < end && end <= bytes.size);
        out += sprintf(out, "%.*s#", (int)(start - at), text + at);
        at = end;
    }
    (void)strcpy(out, text + at);
}

void
find_check(find_function *find, const struct find_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char out[FIND_TEXT_MAX];
        find_replace(find, rows[i].text, out);
        if (strcmp(out, rows[i].wanted) != 0)
            fail_msg("%s: %s", rows[i].why, out);
    }
}
