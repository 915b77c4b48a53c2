#include "table.h"

#include "escape.h"
#include "fault.h"
#include "utf8.h"

#include <assert.h>
#include <locale.h>
#include <stdlib.h>
#include <wchar.h>

#define GAP_WIDTH       2
#define CUT_WIDTH_MIN   6  /* nothing is cut below this */
#define CUT_WIDTH_SHORT 14 /* below this, extra columns are left out first */

static const char ellipsis[] = "\xe2\x80\xa6";

/* A column's state: `width` is what it needs, 0 while it had no value. */
struct layout {
    unsigned width;
    unsigned fitted; /* of it, on this terminal; 0: the column is left out */
};

/* Where an escaped cell stands in `text`; offset SIZE_MAX is an absent cell. */
struct cell {
    size_t offset;
    size_t size;
    unsigned width;
    const char *colour;
};

struct table {
    struct listing_style style;
    const struct listing_column *columns;
    size_t count;
    locale_t locale; /* for wcwidth; 0 where the system has no UTF-8 locale */
    struct layout layout[LISTING_COLUMNS_MAX];
    bool headed; /* the header written last still fits */
    size_t rows;
    struct buffer text;  /* of the waiting rows */
    struct buffer cells; /* struct cell[rows][count] */
};

tally_status
table_create(const struct listing_style *style, const struct listing_column *columns, size_t count,
             struct table **table_out, struct tally_error *error)
{
    assert(count >= 1 && count <= LISTING_COLUMNS_MAX);

    struct table *table = calloc(1, sizeof *table);
    if (table == NULL)
        return memory_fault(error);
    table->style = *style;
    table->columns = columns;
    table->count = count;
    table->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    *table_out = table;
    return TALLY_OK;
}

void
table_destroy(struct table *table)
{
    if (table == NULL)
        return;
    if (table->locale != (locale_t)0)
        freelocale(table->locale);
    buffer_free(&table->text);
    buffer_free(&table->cells);
    free(table);
}

static struct bytes
cell_text(const struct table *table, const struct cell *cell)
{
    if (cell->size == 0)
        return (struct bytes){ NULL, 0 };
    return bytes_of(table->text.data + cell->offset, cell->size);
}

static unsigned
character_width(uint32_t code_point)
{
    int width = wcwidth((wchar_t)code_point);
    return width < 0 ? 1 : (unsigned)width;
}

/* How many bytes of `text`, which is escaped, fill at most `width_max` places; *width_out is how
 * many they do fill. The caller has set the locale. */
static size_t
measure(struct bytes text, unsigned width_max, unsigned *width_out)
{
    unsigned width = 0;
    size_t at = 0;
    while (at < text.size) {
        uint32_t code_point = text.data[at];
        size_t size = 1;
        unsigned step = 1;
        if (code_point >= 0x80) {
            size = utf8_decode(bytes_of(text.data + at, text.size - at), &code_point);
            step = character_width(code_point);
        }
        if (width + step > width_max)
            break;
        width += step;
        at += size;
    }
    *width_out = width;
    return at;
}

size_t
table_row(struct table *table, const struct bytes *cells)
{
    locale_t before = uselocale(table->locale);
    for (size_t i = 0; i < table->count; i++) {
        struct cell cell = { .offset = SIZE_MAX };
        if (cells[i].data != NULL) {
            cell.offset = table->text.size;
            escape_text(cells[i], &table->text);
            cell.size = table->text.size - cell.offset;
            (void)measure(cell_text(table, &cell), UINT32_MAX, &cell.width);
            if (table->style.colour && table->columns[i].paint != NULL)
                cell.colour = table->columns[i].paint(cells[i]);
        }
        buffer_append(&table->cells, &cell, sizeof cell);
    }
    (void)uselocale(before);
    return ++table->rows;
}

static const struct cell *
cell_at(const struct table *table, size_t row, size_t column)
{
    const struct cell *cells = (const struct cell *)(const void *)table->cells.data;
    return &cells[row * table->count + column];
}

/* Widens columns to the waiting rows; the header must come again where one grew. */
static void
widen(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        unsigned width = table->layout[i].width;
        for (size_t row = 0; row < table->rows; row++) {
            const struct cell *cell = cell_at(table, row, i);
            if (cell->offset != SIZE_MAX && cell->width >= width)
                width = cell->width > 0 ? cell->width : 1;
        }
        unsigned name_width = (unsigned)strlen(table->columns[i].name);
        if (width > 0 && width < name_width)
            width = name_width;
        if (width != table->layout[i].width)
            table->headed = false;
        table->layout[i].width = width;
    }
}

static bool
may_cut(const struct table *table, size_t i)
{
    return table->columns[i].cut != CELL_WHOLE && table->columns[i].kind != CELL_NUMBER;
}

/* The table's width where no column that may be cut is wider than `most`. */
static unsigned
total_width(const struct table *table, unsigned most)
{
    unsigned total = 0;
    for (size_t i = 0; i < table->count; i++) {
        unsigned width = table->layout[i].fitted;
        if (width == 0)
            continue;
        if (may_cut(table, i) && width > most)
            width = most;
        total += width + (total > 0 ? GAP_WIDTH : 0);
    }
    return total;
}

static bool
too_wide(const struct table *table, unsigned most)
{
    return table->style.width > 0 && total_width(table, most) > table->style.width;
}

/* Leaves out extra columns, from the right, while the table would be cut to bits with them. */
static void
leave_out(struct table *table)
{
    for (size_t i = table->count; i-- > 0 && too_wide(table, CUT_WIDTH_SHORT);)
        if (table->columns[i].cut == CELL_EXTRA)
            table->layout[i].fitted = 0;
}

/* Cuts the widest columns alike, as much as it takes and no narrower than CUT_WIDTH_MIN. */
static void
fit(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        table->layout[i].fitted = table->layout[i].width;
    if (!too_wide(table, UINT32_MAX))
        return;

    leave_out(table);
    unsigned most = table->style.width > CUT_WIDTH_MIN ? table->style.width : CUT_WIDTH_MIN;
    while (most > CUT_WIDTH_MIN && too_wide(table, most))
        most--;
    for (size_t i = 0; i < table->count; i++)
        if (may_cut(table, i) && table->layout[i].fitted > most)
            table->layout[i].fitted = most;
}

static void
put_blanks(struct buffer *out, unsigned count)
{
    while (count-- > 0)
        buffer_byte(out, ' ');
}

static void
put_painted(const char *colour, struct bytes text, struct buffer *out)
{
    if (colour != NULL)
        buffer_format(out, "\x1b[%sm", colour);
    buffer_bytes(out, text);
    if (colour != NULL)
        buffer_text(out, "\x1b[0m");
}

/* One cell of `width` places in a column of `fitted`; the last column is not filled up. */
static void
put_cell(const struct table *table, size_t column, struct bytes text, unsigned width,
         const char *colour, struct buffer *out)
{
    unsigned fitted = table->layout[column].fitted;
    bool on_right = table->columns[column].kind == CELL_NUMBER;
    if (width <= fitted) {
        if (on_right)
            put_blanks(out, fitted - width);
        put_painted(colour, text, out);
        if (!on_right)
            put_blanks(out, fitted - width);
        return;
    }
    unsigned shown;
    size_t size = measure(text, fitted - 1, &shown);
    put_painted(colour, bytes_of(text.data, size), out);
    buffer_text(out, ellipsis);
    put_blanks(out, fitted - 1 - shown);
}

/* Takes the blanks off the end of a line that began at `start`. */
static void
end_line(struct buffer *out, size_t start)
{
    while (out->size > start && out->data[out->size - 1] == ' ')
        out->size--;
    buffer_byte(out, '\n');
}

static void
put_header(const struct table *table, struct buffer *out)
{
    size_t start = out->size;
    bool first = true;
    for (size_t i = 0; i < table->count; i++) {
        if (table->layout[i].fitted == 0)
            continue;
        if (!first)
            put_blanks(out, GAP_WIDTH);
        first = false;
        struct bytes name = bytes_text(table->columns[i].name);
        put_cell(table, i, name, (unsigned)name.size, table->style.colour ? "1" : NULL, out);
    }
    end_line(out, start);
}

static void
put_row(const struct table *table, size_t row, struct buffer *out)
{
    size_t start = out->size;
    bool first = true;
    for (size_t i = 0; i < table->count; i++) {
        if (table->layout[i].fitted == 0)
            continue;
        if (!first)
            put_blanks(out, GAP_WIDTH);
        first = false;
        const struct cell *cell = cell_at(table, row, i);
        if (cell->offset == SIZE_MAX)
            put_blanks(out, table->layout[i].fitted);
        else
            put_cell(table, i, cell_text(table, cell), cell->width, cell->colour, out);
    }
    end_line(out, start);
}

void
table_flush(struct table *table, struct buffer *out)
{
    out->failed |= table->text.failed || table->cells.failed;
    if (!out->failed && table->rows > 0) {
        widen(table);
        fit(table);
        locale_t before = uselocale(table->locale);
        if (!table->headed)
            put_header(table, out);
        table->headed = true;
        for (size_t row = 0; row < table->rows; row++)
            put_row(table, row, out);
        (void)uselocale(before);
    }
    table->rows = 0;
    buffer_clear(&table->text);
    buffer_clear(&table->cells);
}
