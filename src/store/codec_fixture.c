#include "codec_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct codec_workspace *workspace;
struct page_decoder *decoder;

int
codec_set_up(void **unused)
{
    (void)unused;
    if (codec_workspace_create(&workspace, NULL) != TALLY_OK)
        return -1;
    return page_decoder_create(workspace, &decoder, NULL) == TALLY_OK ? 0 : -1;
}

int
codec_tear_down(void **unused)
{
    (void)unused;
    page_decoder_destroy(decoder);
    codec_workspace_destroy(workspace);
    return 0;
}

uint64_t
draw(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

uint32_t
draw_below(uint32_t limit)
{
    return (uint32_t)(draw() % limit);
}

static struct bytes
awkward_value(char text[PAGE_TEXT_MAX])
{
    static const char *const fixed[] = {
        "",
        "-0",
        "0",
        "00",
        "1e3",
        "12.50",
        "-12.50",
        "999999999999999999",
        "9223372036854775808",
        "0.000000000000000001",
        "1.0000000000000000000",
        "2026-01-31T23:59:59Z",
        "2016-12-31T23:59:60Z",
        "2026-01-31T23:59:59.1234567891Z",
        "2026-01-31T23:59:59.123Z",
        "1678-01-01T00:00:00Z",
        "2261-12-31T23:59:59.999999999Z",
        "2026-01-31 23:59:59Z",
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "01890A5D-AC96-774B-BCCE-B302099A8057",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "4bf92f3577b34da6a3ce929d0e0e473",
        "null",
        "\xff\xfe",
    };
    uint32_t choice = draw_below(10);
    if (choice == 0)
        return bytes_of(NULL, 0);
    if (choice < 4)
        return bytes_text(fixed[draw_below(sizeof fixed / sizeof *fixed)]);
    if (choice < 6) {
        size_t size = number_write((int64_t)(draw() % 1000000), (uint8_t)draw_below(4), text);
        return bytes_of(text, size);
    }
    if (choice < 8) {
        static const int64_t units[] = { 1000000000, 100000000, 1000000, 1 };
        static const uint8_t digits[] = { 0, 1, 3, 9 };
        uint32_t unit = draw_below(4);
        int64_t key = (int64_t)(1790000000 + draw() % 100000) * 1000000000;
        key += (int64_t)(draw() % 1000000000) / units[unit] * units[unit];
        return bytes_of(text, time_write(key, digits[unit], text));
    }
    size_t size = draw_below(PAGE_TEXT_MAX);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)draw();
    return bytes_of(text, size);
}

void
fill_awkward(struct made_page *made, uint32_t rows)
{
    for (uint32_t row = 0; row < rows; row++)
        made->values[row] = awkward_value(made->texts[row]);
}

void
fill_text(struct made_page *made, uint32_t rows)
{
    for (uint32_t row = 0; row < rows; row++) {
        uint32_t sentence = draw_below(500);
        uint64_t words = sentence * UINT64_C(0x9e3779b97f4a7c15);
        int size = snprintf(made->texts[row], PAGE_TEXT_MAX, "%016llx %u %08llx",
                            (unsigned long long)words, draw_below(10000),
                            (unsigned long long)(words * 31 % UINT32_MAX));
        made->values[row] = bytes_of(made->texts[row], (size_t)size);
    }
    lay_out(made, PAGE_VALUES, COLUMN_HINT_TEXT, rows);
}

void
lay_out(struct made_page *made, enum page_kind kind, enum field_column hint, uint32_t rows)
{
    made->hint = hint;
    made->page = (struct page){ .kind = kind, .rows = rows };
    uint32_t exceptions = 0;

    for (uint32_t row = 0; row < rows; row++) {
        struct bytes value = made->values[row];
        bool exception = false;
        if (kind == PAGE_NUMBERS) {
            made->forms[row] = number_form(hint, value, &made->keys[row]);
            exception = made->forms[row] == NUMBER_EXCEPTION;
        } else if (kind == PAGE_IDS) {
            made->forms[row] = id_form(value, made->ids[row]);
            exception = made->forms[row] == ID_EXCEPTION;
        }
        if (exception)
            made->exceptions[exceptions++] = (struct page_exception){ row, value };
    }
    made->page.exceptions = made->exceptions;
    made->page.exception_count = exceptions;
    if (kind == PAGE_NUMBERS)
        made->page.keys = made->keys;
    if (kind == PAGE_IDS)
        made->page.ids = (const uint8_t(*)[16])made->ids;
    if (kind == PAGE_NUMBERS || kind == PAGE_IDS)
        made->page.forms = made->forms;
    if (kind == PAGE_VALUES)
        made->page.values = made->values;
}

void
lay_out_codes(struct made_page *made, uint32_t pool, uint32_t rows)
{
    made->hint = COLUMN_HINT_CODES;
    made->chunk = made->values;
    made->dictionary = (struct dictionary){ pool, &made->chunk };
    for (uint32_t row = 0; row < rows; row++)
        made->codes[row] = draw_below(pool + 1);
    made->page = (struct page){ .kind = PAGE_CODES, .rows = rows, .codes = made->codes };
}

struct bytes
exact_copy(struct bytes bytes)
{
    uint8_t *copy = malloc(bytes.size + (bytes.size == 0));
    assert_non_null(copy);
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    return bytes_of(copy, bytes.size);
}
