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

#include "json_order.h"
#include "json_string.h"

#define SMALL_OBJECT 32

struct scanner {
    struct json_tape *tape;
    const uint8_t *start;
    const uint8_t *end;
    const uint8_t *at;
    const char *reason; /* once something is wrong; `at` is where */
    uint32_t twice;     /* the name that occurs twice, if that is the reason */
};

static bool scan_value(struct scanner *s, unsigned depth);

static bool
refuse(struct scanner *s, const char *reason)
{
    s->reason = reason;
    return false;
}

static inline void
skip_blanks(struct scanner *s)
{
    const uint8_t *at = s->at;
    while (at < s->end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    s->at = at;
}

/* The byte at hand, 0 at the end (a NUL is as wrong everywhere as the end is). */
static inline uint8_t
peek(const struct scanner *s)
{
    return s->at < s->end ? *s->at : 0;
}

/* A node that begins at hand; its size and next are set by the caller. NULL where the tape is full.
 */
static inline struct json_node *
add_node(struct scanner *s, enum json_kind kind, unsigned depth)
{
    struct json_tape *tape = s->tape;
    if (tape->count == tape->capacity) {
        s->reason = "the text holds too many values";
        return NULL;
    }
    struct json_node *node = &tape->nodes[tape->count++];
    *node = (struct json_node){
        .start = (uint32_t)(s->at - s->start),
        .kind = (uint8_t)kind,
        .depth = (uint16_t)depth,
    };
    return node;
}

/* Completes a node whose token ends at hand. */
static inline void
end_node(struct scanner *s, struct json_node *node)
{
    node->size = (uint32_t)(s->at - s->start) - node->start;
    node->next = s->tape->count;
}

static bool
scan_literal(struct scanner *s, enum json_kind kind, const char *word, size_t size, unsigned depth)
{
    if ((size_t)(s->end - s->at) < size || memcmp(s->at, word, size) != 0)
        return refuse(s, "there is no such word; a string needs quotes");
    struct json_node *node = add_node(s, kind, depth);
    if (node == NULL)
        return false;
    s->at += size;
    end_node(s, node);
    return true;
}

static bool
skip_digits(struct scanner *s)
{
    const uint8_t *first = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > first || refuse(s, "the number is not complete");
}

/* RFC 8259, section 6. */
static bool
scan_number(struct scanner *s, unsigned depth)
{
    struct json_node *node = add_node(s, JSON_KIND_NUMBER, depth);
    if (node == NULL)
        return false;
    if (peek(s) == '-')
        s->at++;
    bool zero = peek(s) == '0';
    const uint8_t *first = s->at;
    if (!skip_digits(s))
        return false;
    if (zero && s->at - first > 1) {
        s->at = first;
        return refuse(s, "a number does not begin with 0");
    }
    if (peek(s) == '.') {
        s->at++;
        if (!skip_digits(s))
            return false;
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        s->at++;
        if (peek(s) == '+' || peek(s) == '-')
            s->at++;
        if (!skip_digits(s))
            return false;
    }
    end_node(s, node);
    return true;
}

static inline bool
scan_string(struct scanner *s, unsigned depth)
{
    struct json_node *node = add_node(s, JSON_KIND_STRING, depth);
    if (node == NULL)
        return false;
    s->at = json_skip_plain(s->at + 1, s->end);
    /* Nearly all strings end here. */
    if (peek(s) != '"') {
        bool escaped;
        if (!json_string_walk(&s->at, s->end, &escaped, &s->reason))
            return false;
        node->escaped = escaped;
    }
    s->at++;
    end_node(s, node);
    return true;
}

static bool
scan_array(struct scanner *s, unsigned depth)
{
    struct json_node *array = add_node(s, JSON_KIND_ARRAY, depth);
    if (array == NULL)
        return false;
    s->at++;
    skip_blanks(s);
    if (peek(s) != ']') {
        for (;;) {
            if (!scan_value(s, depth + 1))
                return false;
            skip_blanks(s);
            if (peek(s) != ',')
                break;
            s->at++;
            skip_blanks(s);
        }
        if (peek(s) != ']')
            return refuse(s, "a comma or a closing ] is missing");
    }
    s->at++;
    end_node(s, array);
    return true;
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

static bool
refuse_twice(struct scanner *s, uint32_t name)
{
    s->twice = name;
    return refuse(s, "the member name occurs twice");
}

static bool
scan_name(struct scanner *s, struct names *names, unsigned depth)
{
    struct json_tape *tape = s->tape;
    const uint8_t *start = s->at;
    uint32_t name = tape->count;
    if (peek(s) != '"')
        return refuse(s, "a member name in quotes is missing");
    if (!scan_string(s, depth))
        return false;

    struct json_node *node = &tape->nodes[name];
    node->next = name_hash(start, node->size);
    uint64_t *seen = &names->seen[node->next >> 30];
    uint64_t bit = UINT64_C(1) << (node->next >> 24 & 63);
    names->escaped |= node->escaped;
    if ((*seen & bit) != 0 && !names->escaped && names->count < SMALL_OBJECT &&
        name_repeated(tape, names->object, name))
        return refuse_twice(s, name);
    *seen |= bit;
    names->count++;
    return true;
}

/* The check for objects that are large or have escaped names: neighbours in sorted order. */
static bool
names_differ(struct scanner *s, const struct names *names)
{
    struct json_tape *tape = s->tape;
    if (names->count <= SMALL_OBJECT && !names->escaped)
        return true;

    uint32_t *sorted = tape->scratch;
    uint32_t count = json_order_collect(tape, names->object, tape->count, sorted);
    json_order_sort(tape, sorted, count, sorted + count);
    uint32_t twice = json_order_repeated(tape, sorted, count);
    return twice == 0 || refuse_twice(s, twice);
}

static bool
scan_object(struct scanner *s, unsigned depth)
{
    struct names names = { .object = s->tape->count };
    struct json_node *object = add_node(s, JSON_KIND_OBJECT, depth);
    if (object == NULL)
        return false;
    s->at++;
    skip_blanks(s);
    if (peek(s) != '}') {
        for (;;) {
            if (!scan_name(s, &names, depth + 1))
                return false;
            skip_blanks(s);
            if (peek(s) != ':')
                return refuse(s, "a colon is missing");
            s->at++;
            skip_blanks(s);
            if (!scan_value(s, depth + 1))
                return false;
            skip_blanks(s);
            if (peek(s) != ',')
                break;
            s->at++;
            skip_blanks(s);
        }
        if (peek(s) != '}')
            return refuse(s, "a comma or a closing } is missing");
        if (!names_differ(s, &names))
            return false;
    }
    s->at++;
    end_node(s, object);
    return true;
}

static bool
scan_container(struct scanner *s, uint8_t bracket, unsigned depth)
{
    if (depth == JSON_DEPTH_MAX)
        return refuse(s, "more than 64 objects and arrays stand inside each other");
    if (s->tape->depth <= depth)
        s->tape->depth = (uint16_t)(depth + 1);
    return bracket == '{' ? scan_object(s, depth) : scan_array(s, depth);
}

/* `depth` containers are open around the value at hand. */
static bool
scan_value(struct scanner *s, unsigned depth)
{
    uint8_t c = peek(s);
    switch (c) {
    case '"':
        return scan_string(s, depth);
    case '{':
    case '[':
        return scan_container(s, c, depth);
    case 't':
        return scan_literal(s, JSON_KIND_TRUE, "true", 4, depth);
    case 'f':
        return scan_literal(s, JSON_KIND_FALSE, "false", 5, depth);
    case 'n':
        return scan_literal(s, JSON_KIND_NULL, "null", 4, depth);
    default:
        if (c == '-' || (c >= '0' && c <= '9'))
            return scan_number(s, depth);
        return refuse(s, s->at == s->end ? "the text ends too early" : "a value is missing");
    }
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
    struct scanner s = { .tape = tape, .start = text.data, .at = text.data };
    s.end = size == 0 ? s.start : s.start + size;

    skip_blanks(&s);
    if (s.at == s.end)
        return TALLY_ABSENT;
    if (!scan_value(&s, 0)) {
        if (s.twice != 0)
            return json_fault(error, tape, s.twice, "%s", s.reason);
        if (s.at - s.start == JSON_SIZE_MAX)
            s.reason = "one value is larger than 1 GiB";
        else if (s.end - s.start >= 3 && memcmp(s.start, "\xef\xbb\xbf", 3) == 0)
            s.reason = "the text begins with a byte order mark";
        return json_fault_at(error, tape, (size_t)(s.at - s.start), "%s", s.reason);
    }
    *size_out = (size_t)(s.at - s.start);
    return TALLY_OK;
}

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
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
    while (size < text.size && is_blank(text.data[size]))
        size++;
    if (size < text.size)
        return json_fault_at(error, tape, size, "something follows the end of the JSON value");
    return TALLY_OK;
}
