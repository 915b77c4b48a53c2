#include "fill.h"

#include "buffer.h"
#include "clock.h"
#include "find.h"
#include "quit.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#define SEED  UINT64_C(20250101)
#define START (INT64_C(1735689600) * CLOCK_SECOND) /* 2025-01-01T00:00:00Z */
#define PACE  50u

void
fill_begin(struct generator *generator_out)
{
    if (generator_init(generator_out, SEED, NULL) != TALLY_OK)
        quit("out of memory");
    generator_out->time = START;
    generator_out->pace = PACE;
}

static void
put_words(const json_t *value, struct buffer *words)
{
    const char *name;
    const json_t *member;
    if (json_is_string(value)) {
        buffer_text(words, json_string_value(value));
        buffer_byte(words, '\n');
        return;
    }
    json_object_foreach ((json_t *)value, name, member)
        put_words(member, words);
}

void
fill_next(struct generator *generator, struct fill_row *row_out)
{
    static struct buffer text;
    buffer_clear(&text);
    generator_event(generator, &text);
    json_t *event = json_loadb((const char *)text.data, text.size, 0, NULL);
    if (event == NULL)
        quit("an event is no JSON");
    (void)snprintf(row_out->place, sizeof row_out->place, "%" PRIu64, generator->made);
    row_read(event, &row_out->row);
    struct buffer words = { 0 };
    put_words(json_object_get(event, "details"), &words);
    put_words(json_object_get(event, "error_message"), &words);
    buffer_byte(&words, '\0');
    if (buffer_failed(&words))
        quit("out of memory");
    row_out->words = (char *)words.data;
    json_decref(event);
}

void
fill_row_free(struct fill_row *row)
{
    row_free(&row->row);
    free(row->words);
}

void
fill_give_up(const char *doing)
{
    (void)printf("%s took longer than was allowed\n", doing);
    (void)fflush(stdout);
    exit(FILL_TOO_LONG);
}

void
fill_check(int64_t until, const char *doing)
{
    if (clock_monotonic() >= until)
        fill_give_up(doing);
}

void
fill_options_read(int argc, char **argv, struct fill_options *options_out)
{
    if (argc != 4)
        quit("usage: %s ENTRIES SECONDS WHERE", program_invocation_short_name);
    options_out->entries = strtoull(argv[1], NULL, 10);
    options_out->until = clock_monotonic() + (int64_t)strtoul(argv[2], NULL, 10) * CLOCK_SECOND;
    options_out->where = argv[3];
    if (options_out->entries == 0)
        quit("%s is no number of entries", argv[1]);
}

void
fill_print_since(const char *label, int64_t began)
{
    find_print(label, "seconds", (double)(clock_monotonic() - began) / 1e9);
}
