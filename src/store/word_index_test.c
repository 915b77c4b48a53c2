/* The words of a run, from a head and from its segment, against the definition. */
#include "fold.h"
#include "index_words.h"
#include "run_column.h"
#include "segment_fixture.h"
#include "word_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const enum sample_style styles[] = { SAMPLE_PLAIN, SAMPLE_WILD, SAMPLE_HUGE, SAMPLE_SPARSE };

static struct buffer
index_of(const struct run *run)
{
    struct run_reader *reader;
    struct buffer encoded = { 0 };
    assert_int_equal(run_reader_create(run, &reader, NULL), TALLY_OK);
    assert_int_equal(word_index_make(reader, &encoded, NULL), TALLY_OK);
    run_reader_destroy(reader);
    return encoded;
}

/* Asks for a text wherever it stands, and for the same in the members' strings. */
static struct places
places_with(const struct word_index *index, enum field_id field, struct bytes folded)
{
    struct word_pattern pattern = { &folded, 1, true, true };
    struct word_question question;
    struct places places;
    word_question_init(&question, &pattern);
    word_index_find(index, field, &question, &places);
    return places;
}

static uint64_t
pages_with(const struct word_index *index, enum field_id field, struct bytes folded)
{
    struct places places = places_with(index, field, folded);
    return places_pages(&places);
}

/* Any piece of a text, of whole characters and at most 40 bytes, is found in its row's block. */
static void
expect_piece_found(const struct word_index *index, enum field_id field, struct bytes value,
                   uint32_t row, uint64_t *random)
{
    uint8_t folded[40];
    size_t start = value.size == 0 ? 0 : sample_random(random) % value.size;
    size_t size = value.size - start < sizeof folded ? value.size - start : sizeof folded;
    while (size > 0 && (value.data[start] & 0xc0) == 0x80)
        start++, size--;
    while (size > 0 && start + size < value.size && (value.data[start + size] & 0xc0) == 0x80)
        size--;
    fold_text(bytes_of(value.data + start, size), folded);
    struct places places = places_with(index, field, bytes_of(folded, size));
    if ((places.blocks[row / PAGE_ROWS] >> row % PAGE_ROWS / BLOCK_ROWS & 1) == 0)
        fail_msg("%.*s of row %u: '%.*s'", BYTES_ARG(fields[field].name), row, (int)size,
                 (const char *)value.data + start);
}

static void
expect_sample_found(const struct word_index *index, const struct sample *sample)
{
    uint64_t random = sample->first;
    for (uint32_t row = 0; row < sample->count; row += 1 + sample->count / 3000) {
        for (uint64_t rest = fields_searched(); rest != 0; rest &= rest - 1) {
            enum field_id field = (enum field_id)__builtin_ctzll(rest);
            struct bytes value = sample->entries[row].values[field];
            if (value.data != NULL && fields[field].type != TYPE_OBJECT)
                expect_piece_found(index, field, value, row, &random);
        }
    }
}

static void
runs_of_every_kind_give_the_same_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
        struct sample *sample = sample_create(i + 1, styles[i], 1000, i == 2 ? 300 : 9000);
        struct head *head = sample_head(sample);
        struct disk *disk = sample_disk();
        struct segment_info info;
        struct segment *segment;
        assert_int_equal(segment_write_head(SAMPLE_PLACE(disk), head, &info, NULL), TALLY_OK);
        assert_int_equal(segment_open(SAMPLE_PLACE(disk), &info, &segment, NULL), TALLY_OK);

        struct run in_memory = { .first = 1000, .count = sample->count, .head = head };
        struct run on_disk = { .first = 1000, .count = sample->count, .segment = segment };
        struct buffer first = index_of(&in_memory), second = index_of(&on_disk);
        assert_true(bytes_equal(buffer_view(&first), buffer_view(&second)));

        struct word_index index;
        assert_true(word_index_read(buffer_view(&first), &index));
        expect_sample_found(&index, sample);
        assert_true(pages_with(&index, FIELD_ACTION, bytes_text("qqqqq")) == 0);

        buffer_free(&first);
        buffer_free(&second);
        segment_release(segment);
        disk_close_folder(disk);
        head_release(head);
        sample_destroy(sample);
    }
}

/* Cut anywhere, or longer, it is none. */
static void
other_sizes_are_refused(void **state)
{
    (void)state;
    struct sample *sample = sample_create(5, SAMPLE_PLAIN, 0, 300);
    struct head *head = sample_head(sample);
    struct run run = { .count = sample->count, .head = head };
    struct buffer encoded = index_of(&run);
    struct word_index index;
    assert_true(word_index_read(buffer_view(&encoded), &index));
    for (size_t size = 0; size < encoded.size; size++)
        assert_false(word_index_read(bytes_of(encoded.data, size), &index));
    buffer_byte(&encoded, 0);
    assert_false(word_index_read(buffer_view(&encoded), &index));
    buffer_free(&encoded);
    head_release(head);
    sample_destroy(sample);
}

/* A word of one message is found in the message's block and in no other, and so is one of an
 * object; that of another column in all of its page. */
static void
free_text_is_found_in_its_block(void **state)
{
    (void)state;
    struct sample *sample = sample_create(8, SAMPLE_PLAIN, 0, 5000);
    struct sample_entry *entry = &sample->entries[4700];
    entry->values[FIELD_MESSAGE] = bytes_text("Zyzzyva seen");
    entry->values[FIELD_DETAILS] = bytes_text("{\"beetle\":\"zyzzyva\"}");
    entry->values[FIELD_USER_AGENT] = bytes_text("zyzzyva/1");
    struct head *head = sample_head(sample);
    struct run run = { .count = sample->count, .head = head };
    struct buffer encoded = index_of(&run);
    struct word_index index;
    assert_true(word_index_read(buffer_view(&encoded), &index));
    static const enum field_id texts[] = { FIELD_MESSAGE, FIELD_DETAILS };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct places places = places_with(&index, texts[i], bytes_text("zyzzyva"));
        assert_true(places_pages(&places) == 2);
        assert_int_equal(places.blocks[1], 1u << (4700 - PAGE_ROWS) / BLOCK_ROWS);
    }
    struct places places = places_with(&index, FIELD_USER_AGENT, bytes_text("zyzzyva"));
    assert_true(places_pages(&places) == 2);
    assert_int_equal(places.blocks[1], UINT16_MAX);
    buffer_free(&encoded);
    head_release(head);
    sample_destroy(sample);
}

static void
columns_without_a_list_are_everywhere(void **state)
{
    (void)state;
    static const uint8_t encoded[] = "\x02\x06"
                                     "action\x01\x03\0\0\0\x07"
                                     "details\x02\0\0\0\0ab\x01";
    struct word_index index;
    assert_true(word_index_read(bytes_of(encoded, sizeof encoded - 1), &index));
    assert_true(pages_with(&index, FIELD_ACTION, bytes_text("ab")) == 2);
    assert_true(pages_with(&index, FIELD_ACTION, bytes_text("x")) == 0);
    assert_true(pages_with(&index, FIELD_ACTION, bytes_text("7")) == UINT64_MAX);
    assert_true(pages_with(&index, FIELD_DETAILS, bytes_text("x")) == UINT64_MAX);
    assert_true(pages_with(&index, FIELD_MESSAGE, bytes_text("x")) == 0);
}

/* Words that were folded by another version, or by one that did not say which. */
static void
words_of_another_folding_are_not_asked(void **state)
{
    (void)state;
    static const uint8_t this_one[] = { FOLD_UNICODE, 0 }, other[] = { FOLD_UNICODE + 1 };
    static const struct {
        struct bytes parameters;
        bool there;
    } rows[] = {
        { { this_one, 1 }, true },
        { { this_one, 0 }, false },
        { { this_one, 2 }, false },
        { { other, 1 }, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct index_section section = {
            .kind = SECTION_WORDS,
            .parameters = rows[i].parameters,
            .block = { .offset = 64, .size = 1 },
        };
        struct index_words words = { 0 };
        assert_true(index_words_open(&section, &words));
        assert_int_equal(words.there, rows[i].there);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_of_every_kind_give_the_same_words),
        cmocka_unit_test(other_sizes_are_refused),
        cmocka_unit_test(free_text_is_found_in_its_block),
        cmocka_unit_test(columns_without_a_list_are_everywhere),
        cmocka_unit_test(words_of_another_folding_are_not_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
