#include "framing.h"

#include "fault.h"

/* RFC 9110, section 5.6.2. */
static bool
is_token_byte(uint8_t byte)
{
    if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
        (byte >= 'A' && byte <= 'Z'))
        return true;
    return byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL;
}

static bool
is_token(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!is_token_byte(text.data[i]))
            return false;
    return text.size > 0;
}

/* RFC 9110, section 5.5: visible characters, blanks, tabs, bytes beyond ASCII. */
static bool
is_field_value(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
            return false;
    }
    return true;
}

/* RFC 3986, section 3.2.2, and a port, by their characters alone: what cannot be read as more than
 * one host, or as a user or a path beside it. */
static bool
is_host(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte < 0x21 || byte > 0x7e || strchr("/?#@\\,\"<>^`{|}", byte) != NULL)
            return false;
    }
    return true;
}

/* Plain digits only: no sign, no blank, no list, nothing beyond 64 bits. */
static bool
read_size(struct bytes digits, uint64_t *size_out)
{
    uint64_t size = 0;
    for (size_t i = 0; i < digits.size; i++) {
        uint8_t byte = digits.data[i];
        if (byte < '0' || byte > '9' || __builtin_mul_overflow(size, 10, &size) ||
            __builtin_add_overflow(size, (uint64_t)(byte - '0'), &size))
            return false;
    }
    *size_out = size;
    return digits.size > 0;
}

static tally_status
check_request_line(const struct framing *framing, struct tally_error *error)
{
    if (!is_token(framing->method))
        return fault(error, TALLY_INVALID, "the request's method is no token");
    if (framing->target.size == 0 || framing->target.data[0] != '/')
        return fault(error, TALLY_INVALID, "the request target does not begin with /");
    if (!bytes_is(framing->version, "HTTP/1.1") && !bytes_is(framing->version, "HTTP/1.0"))
        return fault(error, TALLY_INVALID, "the request's version is not HTTP/1.1 or HTTP/1.0");
    return TALLY_OK;
}

/* How far behind `bytes` something stands. Not a difference of pointers: what was moved may stand
 * before them. */
static uintptr_t
distance(struct bytes bytes, const uint8_t *next)
{
    return (uintptr_t)next - ((uintptr_t)bytes.data + bytes.size);
}

/* Whether between the parts of the head is only what separates them: one blank, a colon and blanks,
 * a line's end of one byte or two. libmicrohttpd cuts the head into texts that end with NUL, so
 * behind a NUL that came anything may hide, the head's end too; and it appends a folded line to the
 * name, not to the value, of a field, and moves the name for it. Either leaves a gap. */
static bool
is_seamless(const struct framing *framing)
{
    struct bytes target = bytes_of(framing->target_place, framing->target.size);
    struct bytes line = framing->version;
    if (distance(framing->method, target.data) != 1 || distance(target, line.data) != 1)
        return false;
    for (size_t i = 0; i < framing->header_count; i++) {
        const struct header *header = &framing->headers[i];
        uintptr_t line_end = distance(line, header->name.data);
        if (line_end < 1 || line_end > 2)
            return false;
        line = header->value;
    }
    uintptr_t head_end = distance(line, framing->end);
    return head_end >= 2 && head_end <= 4;
}

/* The fields that say where a request ends, what it is and whose: each is there once at most, or a
 * proxy could go by one and the server by the other. */
enum single {
    SINGLE_LENGTH,
    SINGLE_CODING,
    SINGLE_HOST,
    SINGLE_KEY,
    SINGLE_TYPE,
    SINGLE_BODY_CODING,
    SINGLE_COUNT,
};

static const char *const single_names[SINGLE_COUNT] = {
    [SINGLE_LENGTH] = "Content-Length",
    [SINGLE_CODING] = "Transfer-Encoding",
    [SINGLE_HOST] = "Host",
    [SINGLE_KEY] = "Authorization",
    [SINGLE_TYPE] = "Content-Type",
    [SINGLE_BODY_CODING] = "Content-Encoding",
};

/* Which of them a name is, or SINGLE_COUNT. */
static unsigned
find_single(struct bytes name)
{
    unsigned i = 0;
    while (i < SINGLE_COUNT && !header_is_word(name, single_names[i]))
        i++;
    return i;
}

/* Checks all fields and finds those, NULL where one is absent. */
static tally_status
read_fields(const struct framing *framing, const struct header *found[SINGLE_COUNT],
            struct tally_error *error)
{
    if (framing->header_count > FRAMING_HEADERS_MAX)
        return fault(error, TALLY_INVALID, "the request has more than %d header fields",
                     FRAMING_HEADERS_MAX);
    for (size_t i = 0; i < framing->header_count; i++) {
        const struct header *header = &framing->headers[i];
        if (!is_token(header->name))
            return fault(error, TALLY_INVALID, "the name of a header field is no token");
        if (!is_field_value(header->value))
            return fault(error, TALLY_INVALID, "in a header field is a control character");
        unsigned single = find_single(header->name);
        if (single == SINGLE_COUNT)
            continue;
        if (found[single] != NULL)
            return fault(error, TALLY_INVALID, "the header field %s is there more than once",
                         single_names[single]);
        found[single] = header;
    }
    return TALLY_OK;
}

enum host_need {
    HOST_REQUIRED,
    HOST_OPTIONAL,
};

/* RFC 9112, section 3.2: a request of HTTP/1.1 names its host, once. */
static tally_status
check_host(const struct header *host, enum host_need need, struct tally_error *error)
{
    if (host == NULL && need == HOST_REQUIRED)
        return fault(error, TALLY_INVALID, "the header field Host is missing");
    if (host != NULL && !is_host(header_trim(host->value)))
        return fault(error, TALLY_INVALID, "the header field Host is not a host and a port");
    return TALLY_OK;
}

enum codings {
    CODINGS_KNOWN,
    CODINGS_UNKNOWN, /* HTTP/1.0 has none */
};

/* RFC 9112, sections 6.1 to 6.3. */
static tally_status
read_body(const struct header *length, const struct header *coding, enum codings codings,
          struct framing_body *body_out, struct tally_error *error)
{
    struct framing_body body = { .chunked = coding != NULL, .sized = length != NULL };
    if (body.chunked && body.sized)
        return fault(error, TALLY_INVALID,
                     "the request has both a Content-Length and a Transfer-Encoding");
    if (body.chunked && codings == CODINGS_UNKNOWN)
        return fault(error, TALLY_INVALID, "a request of HTTP/1.0 has no Transfer-Encoding");
    /* Not trimmed: with a blank behind it libmicrohttpd does not know it, and takes all that comes
     * for the body. */
    if (body.chunked && !header_is_word(coding->value, "chunked"))
        return fault(error, TALLY_INVALID, "a Transfer-Encoding other than \"chunked\"");
    if (body.sized && !read_size(header_trim(length->value), &body.size))
        return fault(error, TALLY_INVALID, "the Content-Length is not one number in digits");
    *body_out = body;
    return TALLY_OK;
}

tally_status
framing_check(const struct framing *framing, struct framing_body *body_out,
              struct tally_error *error)
{
    tally_status status = check_request_line(framing, error);
    if (status != TALLY_OK)
        return status;
    if (framing->end != NULL && !is_seamless(framing))
        return fault(error, TALLY_INVALID,
                     "the head has a NUL, a folded line or more than one blank between its parts");

    const struct header *found[SINGLE_COUNT] = { NULL };
    bool old = bytes_is(framing->version, "HTTP/1.0");
    status = read_fields(framing, found, error);
    if (status == TALLY_OK)
        status = check_host(found[SINGLE_HOST], old ? HOST_OPTIONAL : HOST_REQUIRED, error);
    if (status != TALLY_OK)
        return status;
    return read_body(found[SINGLE_LENGTH], found[SINGLE_CODING],
                     old ? CODINGS_UNKNOWN : CODINGS_KNOWN, body_out, error);
}
