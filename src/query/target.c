/*
 * target.c - cut first, decode then: a '/' or '&' that was encoded is no separator.
 *
 * Every piece (a segment, a name, a value) is decoded on its own and must be UTF-8 on its own, so
 * that no character stands half in one piece and half in the next. Decoding never makes a piece
 * longer: all of them fit in as much memory as the target takes.
 */
#include "target.h"

#include "base64.h"
#include "fault.h"
#include "utf8.h"

enum part {
    PART_PATH,
    PART_NAME, /* of a parameter */
    PART_VALUE,
};

static const char *const part_names[] = {
    [PART_PATH] = "path",
    [PART_NAME] = "query",
    [PART_VALUE] = "query",
};

struct reading {
    uint8_t *to; /* where the next piece goes */
    struct target target;
    struct tally_error *error;
};

/* Takes what stands before the next `separator`, or all, from the front of `rest`. False, and
 * nothing, at the end: *rest is then NULL. */
static bool
cut(struct bytes *rest, uint8_t separator, struct bytes *piece_out)
{
    if (rest->data == NULL)
        return false;
    const uint8_t *at = rest->size == 0 ? NULL : memchr(rest->data, separator, rest->size);
    if (at == NULL) {
        *piece_out = *rest;
        *rest = (struct bytes){ 0 };
        return true;
    }
    *piece_out = bytes_of(rest->data, (size_t)(at - rest->data));
    *rest = bytes_of(at + 1, rest->size - piece_out->size - 1);
    return true;
}

/* Unicode's category Cc: C0, DEL, C1. `text` is UTF-8. A value may have line ends, as a checkpoint
 * has, and what else is a blank in a filter. */
static bool
has_control(struct bytes text, enum part part)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if ((byte == '\n' || byte == '\r' || byte == '\t') && part == PART_VALUE)
            continue;
        if (byte < 0x20 || byte == 0x7f || (byte == 0xc2 && text.data[i + 1] < 0xa0))
            return true;
    }
    return false;
}

static tally_status
decode(struct reading *reading, struct bytes coded, enum part part, struct bytes *out)
{
    uint8_t *at = reading->to;
    for (size_t i = 0; i < coded.size; i++) {
        uint8_t byte = coded.data[i];
        if (byte == '%') {
            if (coded.size - i < 3 || !hex_decode(bytes_of(coded.data + i + 1, 2), &byte, 1))
                return fault(reading->error, TALLY_INVALID,
                             "in the %s of the URL a %% is not followed by two hexadecimal digits",
                             part_names[part]);
            i += 2;
        } else if (byte == '+' && part != PART_PATH) {
            byte = ' ';
        }
        *at++ = byte;
    }

    struct bytes text = bytes_of(reading->to, (size_t)(at - reading->to));
    if (utf8_valid_size(text) != text.size)
        return fault(reading->error, TALLY_INVALID, "the %s of the URL is not UTF-8",
                     part_names[part]);
    if (has_control(text, part))
        return fault(reading->error, TALLY_INVALID, "in the %s of the URL is a control character",
                     part_names[part]);
    reading->to = at;
    *out = text;
    return TALLY_OK;
}

static tally_status
read_path(struct reading *reading, struct bytes path)
{
    struct target *target = &reading->target;
    struct bytes piece;
    while (cut(&path, '/', &piece)) {
        if (target->segment_count == TARGET_SEGMENTS_MAX)
            return fault(reading->error, TALLY_INVALID,
                         "the path of the URL has more than %d segments", TARGET_SEGMENTS_MAX);
        struct bytes *segment = &target->segments[target->segment_count];
        tally_status status = decode(reading, piece, PART_PATH, segment);
        if (status != TALLY_OK)
            return status;
        /* Whoever resolves them (RFC 3986, section 5.2.4) would read another path than we do. */
        if (bytes_is(*segment, ".") || bytes_is(*segment, ".."))
            return fault(reading->error, TALLY_INVALID,
                         "a segment of the URL's path is \".\" or \"..\"");
        target->segment_count++;
    }
    return TALLY_OK;
}

static tally_status
read_query(struct reading *reading, struct bytes query)
{
    struct target *target = &reading->target;
    struct bytes piece;
    while (cut(&query, '&', &piece)) {
        if (piece.size == 0)
            continue;
        if (target->parameter_count == TARGET_PARAMETERS_MAX)
            return fault(reading->error, TALLY_INVALID, "the URL has more than %d query parameters",
                         TARGET_PARAMETERS_MAX);
        struct filter_parameter *parameter = &target->parameters[target->parameter_count++];
        struct bytes name;
        (void)cut(&piece, '=', &name);
        tally_status status = decode(reading, name, PART_NAME, &parameter->name);
        if (status == TALLY_OK)
            status = decode(reading, piece, PART_VALUE, &parameter->value);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

/* What may not stand in a target unencoded, whatever it means there. */
static tally_status
check_bytes(struct bytes raw, struct tally_error *error)
{
    if (raw.size > TARGET_SIZE_MAX)
        return fault(error, TALLY_INVALID, "the URL is longer than %d bytes", TARGET_SIZE_MAX);
    if (raw.size == 0 || raw.data[0] != '/')
        return fault(error, TALLY_INVALID, "the request target does not begin with /");
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.data[i] <= ' ' || raw.data[i] == 0x7f)
            return fault(error, TALLY_INVALID,
                         "in the URL is a blank or a control character that is not encoded");
        if (raw.data[i] == '#')
            return fault(error, TALLY_INVALID,
                         "in the URL is a # that is not encoded: a fragment is not sent");
    }
    return TALLY_OK;
}

tally_status
target_parse(struct bytes raw, uint8_t *memory, struct target *target_out,
             struct tally_error *error)
{
    tally_status status = check_bytes(raw, error);
    if (status != TALLY_OK)
        return status;

    struct reading reading = { .to = memory, .error = error };
    struct bytes query = bytes_of(raw.data + 1, raw.size - 1);
    struct bytes path;
    (void)cut(&query, '?', &path);
    if (path.size > 0)
        status = read_path(&reading, path);
    if (status == TALLY_OK)
        status = read_query(&reading, query);
    if (status != TALLY_OK)
        return status;
    *target_out = reading.target;
    return TALLY_OK;
}

bool
target_count(struct bytes text, uint64_t *count_out)
{
    uint64_t count = 0;
    if (text.size == 0 || text.size > 18)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        count = count * 10 + (uint64_t)(text.data[i] - '0');
    }
    *count_out = count;
    return true;
}
