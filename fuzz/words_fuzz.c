/*
 * words_fuzz.c - any bytes as a word index, and any text as a value and a pattern.
 *
 * The first byte says which. A word index is read and asked; whatever it is, that ends in an answer.
 * A value and a needle stand on two lines, then the object's text that may have it: where the needle
 * is in the value, the value's block is found.
 */
#include "fold.h"
#include "utf8.h"
#include "word_index.h"
#include "word_set.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
ask_index(struct bytes encoded)
{
    static const struct bytes parts[] = { BYTES("a"), BYTES("ab c"), BYTES("dead") };
    struct word_index index;
    if (!word_index_read(encoded, &index))
        return;
    for (unsigned ends = 0; ends < 4; ends++) {
        struct word_pattern pattern = { parts, 1 + ends % 3, (ends & 1) != 0, (ends & 2) != 0 };
        struct word_question question;
        word_question_init(&question, &pattern);
        for (unsigned field = 0; field < FIELD_COUNT; field++) {
            struct places places;
            word_index_find(&index, (enum field_id)field, &question, &places);
        }
    }
}

/* Takes a line off the front. */
static struct bytes
take_line(struct bytes *text)
{
    const uint8_t *line = text->size == 0 ? NULL : memchr(text->data, '\n', text->size);
    size_t size = line == NULL ? text->size : (size_t)(line - text->data);
    struct bytes taken = bytes_of(text->data, size);
    size_t rest = line == NULL ? text->size : size + 1;
    if (rest > 0)
        *text = bytes_of(text->data + rest, text->size - rest);
    return taken;
}

static void
find_needle(struct bytes text)
{
    struct bytes value = take_line(&text), needle = take_line(&text);
    struct word_set set;
    struct buffer list = { 0 }, folded = { 0 };
    if (utf8_valid_size(value) < value.size || utf8_valid_size(needle) < needle.size)
        return;
    require(word_set_init(&set, NULL) == TALLY_OK);
    word_set_object(&set, text, 2);
    word_set_turn(&set, 7);
    word_set_text(&set, value, 1);
    tally_status status = word_set_list(&set, &list, NULL);
    require(status == TALLY_OK);

    uint8_t *out = buffer_reserve(&folded, needle.size + 1);
    require(out != NULL);
    fold_text(needle, out);
    struct bytes part = bytes_of(out, needle.size);
    struct word_pattern pattern = { &part, 1, true, true };
    struct word_question question;
    word_question_init(&question, &pattern);
    struct places places;
    words_find(buffer_view(&list), &question, &places);
    if (fold_find(value, part) != SIZE_MAX)
        require((places.blocks[0] >> 7 & 1) != 0);
    word_set_finish(&set);
    buffer_free(&list);
    buffer_free(&folded);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] % 2 == 0)
        ask_index(bytes_of(data + 1, size - 1));
    else
        find_needle(bytes_of(data + 1, size - 1));
    return 0;
}
