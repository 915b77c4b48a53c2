/*
 * body_header.c - what a request's header fields say of its body (RFC 9110, section 8.3 and 8.4).
 */
#include "body.h"

#include "header.h"

/* A word in a header field and what it means. */
struct word {
    const char *text;
    unsigned meaning;
};

static const struct word codings[] = {
    { "identity", CODING_NONE },
    { "gzip", CODING_GZIP },
    { "x-gzip", CODING_GZIP },
    { "zstd", CODING_ZSTD },
};

static const struct word types[] = {
    { "application/json", BODY_JSON },
    { "application/x-ndjson", BODY_NDJSON },
    { "application/ndjson", BODY_NDJSON },
    { "application/jsonl", BODY_NDJSON },
};

static bool
find_word(const struct word *words, size_t count, struct bytes text, unsigned *meaning_out)
{
    for (size_t i = 0; i < count; i++) {
        if (header_is_word(text, words[i].text)) {
            *meaning_out = words[i].meaning;
            return true;
        }
    }
    return false;
}

bool
body_coding_find(struct bytes value, enum body_coding *coding_out)
{
    unsigned coding = CODING_NONE;
    if (value.data != NULL &&
        !find_word(codings, sizeof codings / sizeof codings[0], header_trim(value), &coding))
        return false;
    *coding_out = (enum body_coding)coding;
    return true;
}

bool
body_type_find(struct bytes value, enum body_type *type_out)
{
    unsigned type = BODY_JSON;
    struct bytes rest = value, piece;
    if (header_cut(&rest, ';', &piece) &&
        !find_word(types, sizeof types / sizeof types[0], piece, &type))
        return false;
    /* Nothing between two semicolons is allowed (RFC 9110, section 5.6.6). */
    while (header_cut(&rest, ';', &piece))
        if (piece.size > 0 && !header_is_word(piece, "charset=utf-8") &&
            !header_is_word(piece, "charset=\"utf-8\""))
            return false;
    *type_out = (enum body_type)type;
    return true;
}
