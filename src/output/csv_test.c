#include "csv.h"

#include <dirent.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CELLS_MAX 64
#define TEXT_SIZE 4096

static const char *
shared(void)
{
    const char *folder = getenv("TALLY_SHARED");
    return folder == NULL ? "../shared" : folder;
}

static bool
read_file(const char *path, struct buffer *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    char chunk[4096];
    for (size_t size; (size = fread(chunk, 1, sizeof chunk, file)) > 0;)
        buffer_append(out, chunk, size);
    (void)fclose(file);
    return true;
}

/* A reader of RFC 4180 that takes LF for CRLF, too: the oracle. */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
};

/* Reads a cell into `text`; true if another one follows in its row. */
static bool
read_cell(struct reader *reader, char text[TEXT_SIZE])
{
    size_t size = 0;
    bool quoted = reader->at < reader->end && *reader->at == '"';
    if (quoted)
        reader->at++;
    while (reader->at < reader->end) {
        uint8_t c = *reader->at;
        if (quoted && c == '"') {
            reader->at++;
            if (reader->at == reader->end || *reader->at != '"') {
                quoted = false;
                continue;
            }
        } else if (!quoted && (c == ',' || c == '\n' || c == '\r')) {
            break;
        }
        text[size++] = (char)c;
        reader->at++;
    }
    text[size] = '\0';
    if (reader->at < reader->end && *reader->at == ',') {
        reader->at++;
        return true;
    }
    if (reader->at < reader->end && *reader->at == '\r')
        reader->at++;
    if (reader->at < reader->end && *reader->at == '\n')
        reader->at++;
    return false;
}

static void
assert_cell(struct bytes text, unsigned ways, const char *expected, const char *why)
{
    struct buffer out = { 0 };
    csv_cell(text, ways, &out);
    if (!bytes_equal(buffer_view(&out), bytes_text(expected)))
        fail_msg("%s: got <%.*s>", why, (int)out.size, (const char *)out.data);
    buffer_free(&out);
}

static void
cells(void **state)
{
    (void)state;
    static const struct {
        struct bytes text;
        const char *cell;
        const char *why;
    } rows[] = {
        { { NULL, 0 }, "", "an absent cell" },
        { BYTES(""), "\"\"", "an empty text is not an absent one" },
        { BYTES("plain"), "plain", "no quotes without need" },
        { BYTES("a,b"), "\"a,b\"", "a comma" },
        { BYTES("say \"hi\""), "\"say \"\"hi\"\"\"", "quotes are doubled" },
        { BYTES("\""), "\"\"\"\"", "a quote alone" },
        { BYTES("a\r\nb"), "\"a\r\nb\"", "a line end" },
        { BYTES("a\nb"), "\"a\nb\"", "LF alone" },
        { BYTES("a\rb"), "\"a\rb\"", "CR alone" },
        { BYTES(" a"), "\" a\"", "a blank before, which some readers trim" },
        { BYTES("a "), "\"a \"", "a blank behind" },
        { BYTES("ʤ"), "ʤ", "UTF-8 as it is" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_cell(rows[i].text, CSV_EXACT, rows[i].cell, rows[i].why);
}

static void
formulas_are_guarded(void **state)
{
    (void)state;
    static const struct {
        struct bytes text;
        const char *cell;
        const char *why;
    } rows[] = {
        { BYTES("=1+1"), "'=1+1", "equals" },
        { BYTES("+1"), "'+1", "plus" },
        { BYTES("-1"), "'-1", "minus" },
        { BYTES("@SUM(A1)"), "'@SUM(A1)", "at" },
        { BYTES("\t=1"), "'\t=1", "tab" },
        { BYTES("\r=1"), "\"'\r=1\"", "CR" },
        { BYTES("\n=1"), "\"'\n=1\"", "LF" },
        { BYTES("＝1"), "'＝1", "full-width equals" },
        { BYTES("＋1"), "'＋1", "full-width plus" },
        { BYTES("－1"), "'－1", "full-width minus" },
        { BYTES("＠1"), "'＠1", "full-width at" },
        { BYTES(" =1"), "\"' =1\"", "behind a blank" },
        { BYTES("\xc2\xa0=1"), "'\xc2\xa0=1", "behind a no-break space" },
        { BYTES("\xe3\x80\x80=1"), "'\xe3\x80\x80=1", "behind an ideographic space" },
        { BYTES("\xef\xbb\xbf=1"), "'\xef\xbb\xbf=1", "behind a byte order mark" },
        { BYTES("=\"a\",b"), "\"'=\"\"a\"\",b\"", "the guard stands inside the quotes" },
        { BYTES("a=1"), "a=1", "not at the beginning" },
        { BYTES("user@example.com"), "user@example.com", "an address" },
        { BYTES("10.0.0.1"), "10.0.0.1", "a digit" },
        { BYTES(" "), "\" \"", "only a blank" },
        { BYTES(""), "\"\"", "nothing" },
        { BYTES("\xff=1"), "\xff=1", "no UTF-8: no blank before the sign" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_cell(rows[i].text, CSV_GUARD, rows[i].cell, rows[i].why);
    assert_cell((struct bytes)BYTES("=1+1"), CSV_EXACT, "=1+1", "--raw");
}

static void
terminals_are_spared(void **state)
{
    (void)state;
    assert_cell((struct bytes)BYTES("a\x1b[2J"), CSV_SHOW, "a\\u001b[2J", "a command");
    assert_cell((struct bytes)BYTES("\n=1"), CSV_SHOW | CSV_GUARD, "'\\n=1", "guarded and shown");
    assert_cell((struct bytes){ NULL, 0 }, CSV_SHOW, "", "absent");
}

/* write, then read: every text of up to 4 characters of those that matter. */
static void
short_texts_come_back(void **state)
{
    (void)state;
    static const char alphabet[] = "a,\"\r\n =";
    size_t n = sizeof alphabet - 1;
    for (size_t code = 0; code < n * n * n * n; code++) {
        char text[5] = { alphabet[code % n], alphabet[code / n % n], alphabet[code / n / n % n],
                         alphabet[code / n / n / n] };
        for (size_t size = 0; size <= 4; size++) {
            struct buffer out = { 0 };
            csv_cell(bytes_of(text, size), CSV_EXACT, &out);
            csv_comma(&out);
            csv_end_row(&out);
            struct reader reader = { out.data, out.data + out.size };
            char back[TEXT_SIZE];
            assert_true(read_cell(&reader, back));
            assert_int_equal(strlen(back), size);
            assert_memory_equal(back, text, size);
            assert_false(read_cell(&reader, back));
            assert_true(reader.at == reader.end);
            buffer_free(&out);
        }
    }
}

/* Writes a golden's rows and reads them again; reads the file it is the golden of, too. */
static void
check_golden(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/data/csv/csv-spectrum/json/%s.json", shared(), name);
    json_t *rows = json_load_file(path, 0, NULL);
    assert_non_null(rows);
    struct buffer file = { 0 };
    (void)snprintf(path, sizeof path, "%s/data/csv/csv-spectrum/csvs/%s.csv", shared(), name);
    assert_true(read_file(path, &file));

    struct buffer out = { 0 };
    const char *key;
    json_t *value;
    json_object_foreach (json_array_get(rows, 0), key, value)
        csv_cell(bytes_text(key), CSV_EXACT, &out), csv_comma(&out);
    out.size--;
    csv_end_row(&out);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_object_foreach (json_array_get(rows, i), key, value)
            csv_cell(bytes_text(json_string_value(value)), CSV_EXACT, &out), csv_comma(&out);
        out.size--;
        csv_end_row(&out);
    }

    struct reader ours = { out.data, out.data + out.size };
    struct reader theirs = { file.data, file.data + file.size };
    while (ours.at < ours.end) {
        char a[TEXT_SIZE];
        char b[TEXT_SIZE];
        bool more = read_cell(&ours, a);
        assert_int_equal(more, read_cell(&theirs, b));
        assert_string_equal(a, b);
    }
    assert_true(theirs.at == theirs.end);
    buffer_free(&out);
    buffer_free(&file);
    json_decref(rows);
}

static void
csv_spectrum_comes_back(void **state)
{
    (void)state;
    char path[512];
    (void)snprintf(path, sizeof path, "%s/data/csv/csv-spectrum/json", shared());
    DIR *folder = opendir(path);
    if (folder == NULL) {
        print_message("# no %s, set TALLY_SHARED: skipped\n", path);
        return; /* not skip(): that is "not ok" in cmocka's TAP */
    }
    unsigned files = 0;
    for (struct dirent *file; (file = readdir(folder)) != NULL;) {
        char *dot = strrchr(file->d_name, '.');
        if (dot == NULL || strcmp(dot, ".json") != 0)
            continue;
        *dot = '\0';
        check_golden(file->d_name);
        files++;
    }
    (void)closedir(folder);
    assert_int_equal(files, 11);
}

static void
injection_payloads_are_guarded(void **state)
{
    (void)state;
    char path[512];
    (void)snprintf(path, sizeof path, "%s/data/csv/csv-injection/Intruder/csv-payload.txt",
                   shared());
    struct buffer file = { 0 };
    if (!read_file(path, &file)) {
        print_message("# no %s, set TALLY_SHARED: skipped\n", path);
        return;
    }
    buffer_byte(&file, '\0');
    unsigned guarded = 0;
    unsigned others = 0;
    char *rest = NULL;
    for (char *line = strtok_r((char *)file.data, "\r\n", &rest); line != NULL;
         line = strtok_r(NULL, "\r\n", &rest)) {
        struct buffer out = { 0 };
        csv_cell(bytes_text(line), CSV_GUARD, &out);
        struct reader reader = { out.data, out.data + out.size };
        char cell[TEXT_SIZE];
        (void)read_cell(&reader, cell);
        bool formula = strchr("=+-@", line[0]) != NULL;
        assert_int_equal(cell[0] == '\'', formula);
        assert_string_equal(cell + formula, line);
        guarded += formula;
        others += !formula;
        buffer_free(&out);
    }
    buffer_free(&file);
    assert_true(guarded >= 4);
    /* "DDE (…)": the payload's name, which begins no formula. */
    assert_int_equal(others, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells),
        cmocka_unit_test(formulas_are_guarded),
        cmocka_unit_test(terminals_are_spared),
        cmocka_unit_test(short_texts_come_back),
        cmocka_unit_test(csv_spectrum_comes_back),
        cmocka_unit_test(injection_payloads_are_guarded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
