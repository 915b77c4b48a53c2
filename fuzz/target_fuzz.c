/*
 * target_fuzz.c - request targets of any bytes.
 *
 * Read by the server and by a slow reader that decodes first, remembering which bytes were encoded,
 * and cuts then: both take the same targets and find the same pieces. What was found, with every
 * byte encoded, reads as the same again.
 */
#include "target.h"

#include "base64.h"
#include "utf8.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds)
        abort();
}

/* A byte of a target after decoding: what cuts is a byte that was not encoded. */
struct letter {
    uint8_t byte;
    bool encoded;
};

struct letters {
    const struct letter *at;
    size_t size;
};

static struct letter letters[TARGET_SIZE_MAX];

/* Decodes all of it; false where a '%' is wrong. */
static bool
decode_all(struct bytes raw, size_t *count_out)
{
    size_t count = 0;
    for (size_t i = 0; i < raw.size; count++) {
        letters[count] = (struct letter){ raw.data[i], false };
        if (raw.data[i] != '%') {
            i++;
            continue;
        }
        if (i + 2 >= raw.size ||
            !hex_decode(bytes_of(raw.data + i + 1, 2), &letters[count].byte, 1))
            return false;
        letters[count].encoded = true;
        i += 3;
    }
    *count_out = count;
    return true;
}

/* Cuts at the first letter that is `separator`: false where there is none. */
static bool
cut(struct letters *rest, uint8_t separator, struct letters *piece)
{
    for (size_t i = 0; i < rest->size; i++) {
        if (rest->at[i].byte == separator && !rest->at[i].encoded) {
            *piece = (struct letters){ rest->at, i };
            *rest = (struct letters){ rest->at + i + 1, rest->size - i - 1 };
            return true;
        }
    }
    *piece = *rest;
    *rest = (struct letters){ rest->at + rest->size, 0 };
    return false;
}

enum part {
    PART_PATH,
    PART_NAME,
    PART_VALUE, /* may have line ends and tabs, as a checkpoint and a filter have */
};

/* The text of the letters; false where it may not stand there. */
static bool
good(struct letters piece, enum part part, struct bytes *text_out)
{
    static uint8_t memory[TARGET_SIZE_MAX];
    for (size_t i = 0; i < piece.size; i++) {
        bool plus = part != PART_PATH && piece.at[i].byte == '+' && !piece.at[i].encoded;
        memory[i] = plus ? ' ' : piece.at[i].byte;
    }
    *text_out = bytes_of(memory, piece.size);
    for (size_t i = 0; i < piece.size;) {
        uint32_t point;
        size_t size = utf8_decode(bytes_of(memory + i, piece.size - i), &point);
        if (size == 0)
            return false;
        bool blank = point == '\n' || point == '\r' || point == '\t';
        if (point < 0x20 && !(blank && part == PART_VALUE))
            return false;
        if (point >= 0x7f && point < 0xa0)
            return false;
        i += size;
    }
    return true;
}

static void
check_equal(struct bytes expected, const struct bytes *found)
{
    if (found != NULL)
        must(bytes_equal(expected, *found));
}

/* Reads the letters; where `target` is not NULL they must be what it says. */
static bool
read_slowly(struct letters all, const struct target *target)
{
    struct letters path, piece, name;
    struct bytes text;
    size_t count = 0;
    bool more = cut(&all, '?', &path);
    struct letters query = more ? all : (struct letters){ all.at, 0 };
    for (more = path.size > 0; more; count++) {
        more = cut(&path, '/', &piece);
        if (!good(piece, PART_PATH, &text) || bytes_is(text, ".") || bytes_is(text, "..") ||
            count == TARGET_SEGMENTS_MAX)
            return false;
        check_equal(text, target == NULL ? NULL : &target->segments[count]);
    }
    must(target == NULL || target->segment_count == count);
    count = 0;
    for (more = true; more;) {
        more = cut(&query, '&', &piece);
        if (piece.size == 0)
            continue;
        (void)cut(&piece, '=', &name);
        if (count == TARGET_PARAMETERS_MAX || !good(name, PART_NAME, &text))
            return false;
        check_equal(text, target == NULL ? NULL : &target->parameters[count].name);
        if (!good(piece, PART_VALUE, &text))
            return false;
        check_equal(text, target == NULL ? NULL : &target->parameters[count].value);
        count++;
    }
    must(target == NULL || target->parameter_count == count);
    return true;
}

static bool
take_slowly(struct bytes raw, const struct target *target)
{
    size_t count;
    if (raw.size == 0 || raw.size > TARGET_SIZE_MAX || raw.data[0] != '/')
        return false;
    for (size_t i = 0; i < raw.size; i++)
        if (raw.data[i] <= 0x20 || raw.data[i] == 0x7f || raw.data[i] == '#')
            return false;
    return decode_all(bytes_of(raw.data + 1, raw.size - 1), &count) &&
           read_slowly((struct letters){ letters, count }, target);
}

static void
encode(const char *before, struct bytes text, struct buffer *out)
{
    buffer_text(out, before);
    for (size_t i = 0; i < text.size; i++)
        buffer_format(out, "%%%02X", text.data[i]);
}

static void
check_again(const struct target *target)
{
    struct buffer raw = { 0 };
    if (target->segment_count == 0)
        buffer_byte(&raw, '/');
    for (size_t i = 0; i < target->segment_count; i++)
        encode("/", target->segments[i], &raw);
    for (size_t i = 0; i < target->parameter_count; i++) {
        encode(i == 0 ? "?" : "&", target->parameters[i].name, &raw);
        encode("=", target->parameters[i].value, &raw);
    }
    static uint8_t memory[3 * TARGET_SIZE_MAX];
    struct target again;
    if (raw.size <= TARGET_SIZE_MAX) {
        must(target_parse(buffer_view(&raw), memory, &again, NULL) == TALLY_OK);
        must(take_slowly(buffer_view(&raw), target));
        must(again.segment_count == target->segment_count &&
             again.parameter_count == target->parameter_count);
    }
    buffer_free(&raw);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes raw = bytes_of(data, size);
    uint8_t *memory = malloc(size + 1); /* its end is watched */
    struct target target;
    struct tally_error error = { 0 };
    if (target_parse(raw, memory, &target, &error) == TALLY_OK) {
        must(take_slowly(raw, &target));
        check_again(&target);
    } else {
        must(!take_slowly(raw, NULL));
        must(error.status == TALLY_INVALID && error.text[0] != '\0');
    }
    free(memory);
    return 0;
}
