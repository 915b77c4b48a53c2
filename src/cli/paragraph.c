#include "paragraph.h"

/* UTF-8: every byte but those that go on with a character. */
static size_t
columns_of(struct bytes word)
{
    size_t columns = 0;
    for (size_t i = 0; i < word.size; i++)
        columns += (word.data[i] & 0xc0) != 0x80;
    return columns;
}

/* The next word, which is taken off `words`; empty at the end. */
static struct bytes
take_word(struct bytes *words)
{
    size_t start = 0;
    while (start < words->size && words->data[start] == ' ')
        start++;
    size_t end = start;
    while (end < words->size && words->data[end] != ' ')
        end++;
    struct bytes word = bytes_of(words->data + start, end - start);
    *words = bytes_of(words->data + end, words->size - end);
    return word;
}

void
paragraph_put(struct bytes words, const struct paragraph_place *place, struct buffer *text)
{
    size_t column = place->at;
    bool begun = true;
    for (struct bytes word; (word = take_word(&words)).size > 0; begun = false) {
        size_t columns = columns_of(word);
        if (!begun && column + 1 + columns > place->width) {
            buffer_byte(text, '\n');
            for (column = 0; column < place->indent; column++)
                buffer_byte(text, ' ');
        } else if (!begun) {
            buffer_byte(text, ' ');
            column++;
        }
        buffer_bytes(text, word);
        column += columns;
    }
    buffer_byte(text, '\n');
}
