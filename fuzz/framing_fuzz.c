/*
 * framing_fuzz.c - request heads of any bytes.
 *
 * Cut into lines and fields in the most lenient way, as a server might that does not check. What
 * framing_check() takes then means the same to every reader: there is one length of digits, or one
 * coding "chunked", or neither, however the names are spelled and whatever a reader looks for.
 */
#include "framing.h"

#include <ctype.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds)
        abort();
}

/* What stands before `separator`, or all, from the front of the rest. */
static struct bytes
cut(struct bytes *rest, uint8_t separator)
{
    const uint8_t *end = rest->size == 0 ? NULL : memchr(rest->data, separator, rest->size);
    struct bytes piece =
        bytes_of(rest->data, end == NULL ? rest->size : (size_t)(end - rest->data));
    size_t taken = piece.size + (end != NULL);
    if (taken > 0)
        *rest = bytes_of(rest->data + taken, rest->size - taken);
    return piece;
}

/* Lower case, without anything that is no letter or digit: names that any reader may mix up. */
static void
squeeze(struct bytes text, char out[64])
{
    size_t size = 0;
    for (size_t i = 0; i < text.size && size < 63; i++)
        if (isalnum(text.data[i]))
            out[size++] = (char)tolower(text.data[i]);
    out[size] = '\0';
}

/* Every reading of a value as a length that there is: plain, signed, another base, the first or the
 * last of a list. All must agree. */
static void
check_length(struct bytes value, uint64_t size)
{
    char *text = strndup((const char *)value.data, value.size);
    must(text != NULL && strpbrk(text, ",+-xXeE.") == NULL);
    char *end;
    must(strtoull(text, &end, 10) == size);
    must(end[strspn(end, " \t")] == '\0');
    free(text);
}

static void
check(const struct framing *framing, const struct framing_body *body)
{
    unsigned lengths = 0, codings = 0, hosts = 0;
    for (size_t i = 0; i < framing->header_count; i++) {
        struct bytes name = framing->headers[i].name;
        struct bytes value = framing->headers[i].value;
        for (size_t k = 0; k < name.size; k++)
            must(isgraph(name.data[k]) && name.data[k] != ':');
        for (size_t k = 0; k < value.size; k++)
            must(value.data[k] == '\t' || !iscntrl(value.data[k]));
        char plain[64];
        squeeze(name, plain);
        bool exact = name.size == strlen(plain) + (strcmp(plain, "host") != 0); /* the one hyphen */
        if (exact && strcmp(plain, "contentlength") == 0 && name.data[7] == '-') {
            lengths++;
            check_length(value, body->size);
        }
        if (exact && strcmp(plain, "transferencoding") == 0 && name.data[8] == '-') {
            squeeze(value, plain);
            must(strcmp(plain, "chunked") == 0);
            codings++;
        }
        hosts += exact && strcmp(plain, "host") == 0;
    }
    must(lengths + codings <= 1 && hosts <= 1);
    must(body->sized == (lengths == 1) && body->chunked == (codings == 1));
    must(body->sized || body->size == 0);
    must(hosts == 1 || bytes_is(framing->version, "HTTP/1.0"));
    must(framing->target.size > 0 && framing->target.data[0] == '/');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = bytes_of(data, size);
    struct bytes line = cut(&rest, '\n');
    struct framing framing = { .method = cut(&line, ' '), .target = cut(&line, ' ') };
    framing.version = line;

    static struct header headers[FRAMING_HEADERS_MAX + 8];
    while (rest.size > 0 && framing.header_count < sizeof headers / sizeof headers[0]) {
        line = cut(&rest, '\n');
        struct header *header = &headers[framing.header_count++];
        header->name = cut(&line, ':');
        header->value = line;
    }
    framing.headers = headers;

    struct framing_body body;
    struct tally_error error = { 0 };
    tally_status status = framing_check(&framing, &body, &error);
    must(status == TALLY_OK || (status == TALLY_INVALID && error.text[0] != '\0'));
    if (status == TALLY_OK)
        check(&framing, &body);
    return 0;
}
