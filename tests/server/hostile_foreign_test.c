/* hostile_foreign_test.c - requests of another project's tests, where TALLY_SHARED has them. */
#include "hostile.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Undoes what stands for bytes in those files; line ends in them mean nothing. */
static void
read_escapes(struct bytes text, struct buffer *out)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\n')
            continue;
        if (text.data[i] != '\\' || i + 1 == text.size) {
            buffer_byte(out, text.data[i]);
            continue;
        }
        char code[3] = "";
        switch (text.data[++i]) {
        case 'r':
            buffer_byte(out, '\r');
            break;
        case 'n':
            buffer_byte(out, '\n');
            break;
        case 't':
            buffer_byte(out, '\t');
            break;
        case '0':
            buffer_byte(out, 0);
            break;
        case 'x':
            assert_true(i + 2 < text.size);
            memcpy(code, text.data + i + 1, 2);
            buffer_byte(out, (uint8_t)strtoul(code, NULL, 16));
            i += 2;
            break;
        default:
            buffer_byte(out, '\\');
            buffer_byte(out, text.data[i]);
        }
    }
}

static void
read_file(const char *folder, const char *name, struct buffer *out)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    struct buffer text = { 0 };
    for (size_t got = 1; got > 0;) {
        got = fread(buffer_reserve(&text, 65536), 1, 65536, file);
        text.size += got;
    }
    (void)fclose(file);
    read_escapes(buffer_view(&text), out);
    buffer_free(&text);
}

/* Requests of one of the two folders; how many there were. */
static unsigned
check_folder(const char *folder, enum hostile_outcome outcome, unsigned answers)
{
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        size_t size = strlen(entry->d_name);
        if (size < 5 || strcmp(entry->d_name + size - 5, ".http") != 0)
            continue;
        struct buffer text = { 0 };
        read_file(folder, entry->d_name, &text);
        struct hostile row = { .why = entry->d_name, .outcome = outcome, .answers = answers };
        hostile_check(&row, buffer_view(&text));
        buffer_free(&text);
        count++;
    }
    (void)closedir(entries);
    return count;
}

static void
requests_of_another_project(void **state)
{
    (void)state;
    const char *shared = getenv("TALLY_SHARED");
    char invalid[4096], valid[4096];
    (void)snprintf(invalid, sizeof invalid, "%s/data/http/gunicorn-requests/invalid",
                   shared == NULL ? "../shared" : shared);
    (void)snprintf(valid, sizeof valid, "%s/data/http/gunicorn-requests/valid",
                   shared == NULL ? "../shared" : shared);
    DIR *there = opendir(invalid);
    if (there == NULL) {
        print_message("# no %s, set TALLY_SHARED: skipped\n", invalid);
        return;
    }
    (void)closedir(there);
    assert_in_range(check_folder(invalid, DENIED, 1), 30, 1000);
    assert_in_range(check_folder(valid, FREE, 2), 20, 1000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_of_another_project),
    };
    return cmocka_run_group_tests(tests, hostile_begin, hostile_end);
}
