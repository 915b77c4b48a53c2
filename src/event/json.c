/*
 * The JSON reader.
 *
 * One pass over the text. A value becomes a node on the tape, a container's node is completed when
 * its bracket closes, and the only thing that grows with the input is the tape. Recursion is
 * bounded by JSON_DEPTH_MAX.
 *
 * Names of an object must differ. For the objects one meets, up to SMALL_OBJECT members without
 * escapes in their names, a set of 256 bits indexed by a hash of the name says "not seen yet"
 * nearly always; where it does not, the earlier names are compared. All other objects are checked
 * at their end by sorting the names, which no input can make quadratic.
 *
 * An error needs its place only once, so the reader keeps no track of lines and paths: both are
 * found afterwards, the line by counting, the path by walking the tape, in which the containers
 * still open are those without a `next`.
 */
#include "json.h"

#include "ascii.h"
#include "json_order.h"
#include "json_string.h"

#define SMALL_OBJECT 32

struct scanner {
    struct json_tape *tape;
    const uint8_t *start;
    const uint8_t *end;
    const uint8_t *at;  /* where it is, once something is wrong */
    const char *reason; /* what it is */
    uint32_t twice;     /* the name that occurs twice, if that is the reason */
};

/* Each of these takes the place at hand and returns the one behind what it read, or NULL where that
 * is wrong: in a register, not in the scanner, to and from which it would go hundreds of times. */
static const uint8_t *scan_value(struct scanner *s, const uint8_t *at, unsigned depth);

static const uint8_t *
refuse(struct scanner *s, const uint8_t *at, const char *reason)
{
    s->at = at;
    s->reason = reason;
    return NULL;
}

static inline const uint8_t *
skip_blanks(const struct scanner *s, const uint8_t *at)
{
    while (at < s->end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

/* The byte at hand, 0 at the end (a NUL is as wrong everywhere as the end is). */
static inline uint8_t
peek(const struct scanner *s, const uint8_t *at)
{
    return at < s->end ? *at : 0;
}

/* A node that begins at hand; its size and next are set by the caller. NULL where the tape is full.
 */
static inline struct json_node *
add_node(struct scanner *s, const uint8_t *at, enum json_kind kind, unsigned depth)
{
    struct json_tape *tape = s->tape;
    if (tape->count == tape->capacity) {
        (void)refuse(s, at, "the text holds too many values");
        return NULL;
    }
    struct json_node *node = &tape->nodes[tape->count++];
    *node = (struct json_node){
        .start = (uint32_t)(at - s->start),
        .kind = (uint8_t)kind,
        .depth = (uint16_t)depth,
    };
    return node;
}

/* Completes a node whose token ends at hand. */
static inline const uint8_t *
end_node(struct scanner *s, const uint8_t *at, struct json_node *node)
{
    node->size = (uint32_t)(at - s->start) - node->start;
    node->next = s->tape->count;
    return at;
}

static const uint8_t *
scan_literal(struct scanner *s, const uint8_t *at, enum json_kind kind, struct bytes word,
             unsigned depth)
{
    if ((size_t)(s->end - at) < word.size || memcmp(at, word.data, word.size) != 0)
        return refuse(s, at, "there is no such word; a string needs quotes");
    struct json_node *node = add_node(s, at, kind, depth);
    return node == NULL ? NULL : end_node(s, at + word.size, node);
}

static const uint8_t *
skip_digits(struct scanner *s, const uint8_t *at)
{
    const uint8_t *first = at;
    while (at < s->end && ascii_is_digit(*at))
        at++;
    return at > first ? at : refuse(s, at, "the number is not complete");
}

/* RFC 8259, section 6. */
static const uint8_t *
scan_number(struct scanner *s, const uint8_t *at, unsigned depth)
{
    struct json_node *node = add_node(s, at, JSON_KIND_NUMBER, depth);
    if (node == NULL)
        return NULL;
    if (peek(s, at) == '-')
        at++;
    bool zero = peek(s, at) == '0';
    const uint8_t *first = at;
    at = skip_digits(s, at);
    if (at == NULL)
        return NULL;
    if (zero && at - first > 1)
        return refuse(s, first, "a number does not begin with 0");
    if (peek(s, at) == '.') {
        at = skip_digits(s, at + 1);
        if (at == NULL)
            return NULL;
    }
    if (peek(s, at) == 'e' || peek(s, at) == 'E') {
        at++;
        if (peek(s, at) == '+' || peek(s, at) == '-')
            at++;
        at = skip_digits(s, at);
        if (at == NULL)
            return NULL;
    }
    return end_node(s, at, node);
}

static inline const uint8_t *
scan_string(struct scanner *s, const uint8_t *at, unsigned depth)
{
    struct json_node *node = add_node(s, at, JSON_KIND_STRING, depth);
    if (node == NULL)
        return NULL;
    at = json_skip_plain(at + 1, s->end);
    /* Nearly all strings end here. */
    if (peek(s, at) != '"') {
        bool escaped;
        const uint8_t *walked = at;
        const char *reason;
        if (!json_string_walk(&walked, s->end, &escaped, &reason))
            return refuse(s, walked, reason);
        node->escaped = escaped;
        at = walked;
    }
    return end_node(s, at + 1, node);
}

static const uint8_t *
scan_array(struct scanner *s, const uint8_t *at, unsigned depth)
{
    struct json_node *array = add_node(s, at, JSON_KIND_ARRAY, depth);
    if (array == NULL)
        return NULL;
    at = skip_blanks(s, at + 1);
    if (peek(s, at) != ']') {
        for (;;) {
            at = scan_value(s, at, depth + 1);
            if (at == NULL)
                return NULL;
            at = skip_blanks(s, at);
            if (peek(s, at) != ',')
                break;
            at = skip_blanks(s, at + 1);
        }
        if (peek(s, at) != ']')
            return refuse(s, at, "a comma or a closing ] is missing");
    }
    return end_node(s, at + 1, array);
}

/* What is known of an object's names while it is read. */
struct names {
    uint32_t object;
    uint32_t count;
    uint64_t seen[4]; /* a bit for each value of a hash's top byte */
    bool escaped;
};

/* Of a name's token, quotes included; equal tokens have equal hashes and that is all that is
 * needed. */
static inline uint32_t
name_hash(const uint8_t *token, size_t size)
{
    uint64_t head = 0;
    uint64_t tail = 0;
    if (size >= 8) {
        head = get_u64(token);
        tail = get_u64(token + size - 8);
    } else {
        for (size_t i = 0; i < size; i++)
            head = head << 8 | token[i];
    }
    uint64_t mixed = (head ^ (tail << 23 | tail >> 41) ^ size) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(mixed >> 32);
}

/* Whether one of the earlier names of an object is that of node `name`; none is escaped. */
static bool
name_repeated(const struct json_tape *tape, uint32_t object, uint32_t name)
{
    const struct json_node *nodes = tape->nodes;
    for (uint32_t i = object + 1; i < name; i = nodes[i + 1].next) {
        if (nodes[i].next == nodes[name].next &&
            bytes_equal(json_token(tape, i), json_token(tape, name)))
            return true;
    }
    return false;
}

static const uint8_t *
refuse_twice(struct scanner *s, const uint8_t *at, uint32_t name)
{
    s->twice = name;
    return refuse(s, at, "the member name occurs twice");
}

static inline const uint8_t *
scan_name(struct scanner *s, const uint8_t *at, struct names *names, unsigned depth)
{
    struct json_tape *tape = s->tape;
    const uint8_t *start = at;
    uint32_t name = tape->count;
    if (peek(s, at) != '"')
        return refuse(s, at, "a member name in quotes is missing");
    at = scan_string(s, at, depth);
    if (at == NULL)
        return NULL;

    struct json_node *node = &tape->nodes[name];
    uint32_t hash = name_hash(start, (size_t)(at - start));
    uint64_t *seen = &names->seen[hash >> 30];
    uint64_t bit = UINT64_C(1) << (hash >> 24 & 63);
    node->next = hash;
    names->escaped |= node->escaped;
    if ((*seen & bit) != 0 && !names->escaped && names->count < SMALL_OBJECT &&
        name_repeated(tape, names->object, name))
        return refuse_twice(s, at, name);
    *seen |= bit;
    names->count++;
    return at;
}

/* The check for objects that are large or have escaped names: neighbours in sorted order. The name
 * that occurs twice, or 0. */
static uint32_t
name_twice(const struct scanner *s, const struct names *names)
{
    struct json_tape *tape = s->tape;
    if (names->count <= SMALL_OBJECT && !names->escaped)
        return 0;

    uint32_t *sorted = tape->scratch;
    uint32_t count = json_order_collect(tape, names->object, tape->count, sorted);
    json_order_sort(tape, sorted, count, sorted + count);
    return json_order_repeated(tape, sorted, count);
}

static const uint8_t *
scan_member(struct scanner *s, const uint8_t *at, struct names *names, unsigned depth)
{
    at = scan_name(s, at, names, depth);
    if (at == NULL)
        return NULL;
    at = skip_blanks(s, at);
    if (peek(s, at) != ':')
        return refuse(s, at, "a colon is missing");
    return scan_value(s, skip_blanks(s, at + 1), depth);
}

static const uint8_t *
scan_object(struct scanner *s, const uint8_t *at, unsigned depth)
{
    struct names names = { .object = s->tape->count };
    struct json_node *object = add_node(s, at, JSON_KIND_OBJECT, depth);
    if (object == NULL)
        return NULL;
    at = skip_blanks(s, at + 1);
    if (peek(s, at) != '}') {
        for (;;) {
            at = scan_member(s, at, &names, depth + 1);
            if (at == NULL)
                return NULL;
            at = skip_blanks(s, at);
            if (peek(s, at) != ',')
                break;
            at = skip_blanks(s, at + 1);
        }
        if (peek(s, at) != '}')
            return refuse(s, at, "a comma or a closing } is missing");
        uint32_t twice = name_twice(s, &names);
        if (twice != 0)
            return refuse_twice(s, at, twice);
    }
    return end_node(s, at + 1, object);
}

static const uint8_t *
scan_container(struct scanner *s, const uint8_t *at, unsigned depth)
{
    if (depth == JSON_DEPTH_MAX)
        return refuse(s, at, "more than 64 objects and arrays stand inside each other");
    if (s->tape->depth <= depth)
        s->tape->depth = (uint16_t)(depth + 1);
    return *at == '{' ? scan_object(s, at, depth) : scan_array(s, at, depth);
}

/* `depth` containers are open around the value at hand. */
static const uint8_t *
scan_value(struct scanner *s, const uint8_t *at, unsigned depth)
{
    uint8_t c = peek(s, at);
    switch (c) {
    case '"':
        return scan_string(s, at, depth);
    case '{':
    case '[':
        return scan_container(s, at, depth);
    case 't':
        return scan_literal(s, at, JSON_KIND_TRUE, (struct bytes)BYTES("true"), depth);
    case 'f':
        return scan_literal(s, at, JSON_KIND_FALSE, (struct bytes)BYTES("false"), depth);
    case 'n':
        return scan_literal(s, at, JSON_KIND_NULL, (struct bytes)BYTES("null"), depth);
    default:
        if (c == '-' || ascii_is_digit(c))
            return scan_number(s, at, depth);
        return refuse(s, at, at == s->end ? "the text ends too early" : "a value is missing");
    }
}

static tally_status
scan_fault(struct scanner *s, struct tally_error *error)
{
    if (s->twice != 0)
        return json_fault(error, s->tape, s->twice, "%s", s->reason);
    if (s->at - s->start == JSON_SIZE_MAX)
        s->reason = "one value is larger than 1 GiB";
    else if (s->end - s->start >= 3 && memcmp(s->start, "\xef\xbb\xbf", 3) == 0)
        s->reason = "the text begins with a byte order mark";
    return json_fault_at(error, s->tape, (size_t)(s->at - s->start), "%s", s->reason);
}

tally_status
json_scan_first(struct json_tape *tape, struct bytes text, size_t *size_out,
                struct tally_error *error)
{
    /* A longer text may hold many values; one value must end within the limit. */
    size_t size = text.size < JSON_SIZE_MAX ? text.size : JSON_SIZE_MAX;
    tape->text = text;
    tape->count = 0;
    tape->picked = 0;
    tape->depth = 0;
    struct scanner s = { .tape = tape, .start = text.data };
    s.end = size == 0 ? s.start : s.start + size;

    const uint8_t *at = skip_blanks(&s, s.start);
    if (at == s.end)
        return TALLY_ABSENT;
    at = scan_value(&s, at, 0);
    if (at == NULL)
        return scan_fault(&s, error);
    *size_out = (size_t)(at - s.start);
    return TALLY_OK;
}

static tally_status
check_end(struct scanner *s, const uint8_t *at, struct tally_error *error)
{
    at = skip_blanks(s, at);
    if (at == s->end)
        return TALLY_OK;
    return json_fault_at(error, s->tape, (size_t)(at - s->start),
                         "something follows the end of the JSON value");
}

tally_status
json_scan(struct json_tape *tape, struct bytes text, struct tally_error *error)
{
    size_t size;
    tally_status status = json_scan_first(tape, text, &size, error);
    if (status == TALLY_ABSENT)
        return json_fault_at(error, tape, text.size, "there is no JSON value");
    if (status != TALLY_OK)
        return status;
    struct scanner s = { .tape = tape, .start = text.data, .end = text.data + text.size };
    return check_end(&s, text.data + size, error);
}

tally_status
json_scan_tail(struct json_tape *tape, size_t start, struct tally_error *error)
{
    struct bytes text = tape->text;
    struct scanner s = { .tape = tape, .start = text.data, .end = text.data + text.size };
    if (text.size > JSON_SIZE_MAX)
        return json_fault_at(error, tape, start, "one value is larger than 1 GiB");
    const uint8_t *at = skip_blanks(&s, text.data + start);
    if (at == s.end)
        return json_fault_at(error, tape, start, "there is no JSON value");
    at = scan_value(&s, at, 1);
    return at == NULL ? scan_fault(&s, error) : check_end(&s, at, error);
}
