/*
 * json.h - a strict reader of RFC 8259 JSON that copies nothing, and the canonical writer.
 *
 * json_scan() puts one node a value onto a tape the caller owns; nodes point into the text, which
 * must outlive their use. Refused, with line, column, RFC 6901 pointer and reason: anything outside
 * the RFC's grammar, invalid UTF-8, lone surrogates (escaped ones too), a name twice in one object
 * (compared after decoding, at every depth, in n log n), nesting beyond JSON_DEPTH_MAX, more nodes
 * than the tape holds, texts beyond JSON_SIZE_MAX. A byte order mark is refused. Numbers are
 * checked and keep their token.
 *
 * Layout of a tape: an array's elements follow it; in an object each member is a name node (a
 * string) followed by its value. nodes[i].next is the index behind value i's whole subtree, so:
 *
 *     for (uint32_t i = array + 1; i < nodes[array].next; i = nodes[i].next)           an element
 *     for (uint32_t i = object + 1; i < nodes[object].next; i = nodes[i + 1].next)     a member
 *
 * Nothing here allocates but json_tape_init and what is said to append to a buffer. A tape serves
 * one thread at a time.
 */
#ifndef TALLY_JSON_H
#define TALLY_JSON_H

#include "buffer.h"
#include "tally/status.h"

#define JSON_DEPTH_MAX 64
#define JSON_NODES_MAX (UINT32_C(1) << 24)
#define JSON_SIZE_MAX  (UINT32_C(1) << 30)

enum json_kind {
    JSON_KIND_NULL,
    JSON_KIND_FALSE,
    JSON_KIND_TRUE,
    JSON_KIND_NUMBER,
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT,
};

struct json_node {
    uint32_t start; /* of the token in the text; a string's first quote, a container's bracket */
    uint32_t size;  /* of the token; a string with its quotes, a container to its closing bracket */
    uint32_t next;  /* the node behind this value's subtree; in a name node: a hash of the name */
    uint8_t kind;
    uint8_t escaped; /* a string with at least one backslash */
    uint16_t depth;  /* containers around the value: the outermost value has 0 */
};

struct json_tape {
    struct bytes text; /* what was scanned last */
    struct json_node *nodes;
    uint32_t *scratch; /* as many as nodes */
    uint32_t capacity;
    uint32_t count;
    uint32_t picked; /* of scratch, see json_pick */
    uint16_t depth;  /* containers inside each other at the deepest place */
};

/* Room for `nodes` values, 1 to JSON_NODES_MAX, at 20 bytes each, touched only as used. */
TALLY_MUST_CHECK tally_status json_tape_init(struct json_tape *tape, uint32_t nodes,
                                             struct tally_error *error);
void json_tape_finish(struct json_tape *tape);

/* Reads a text that is one value and blanks; node 0 is the value. TALLY_INVALID where refused; then
 * the tape holds nothing of use. */
TALLY_MUST_CHECK tally_status json_scan(struct json_tape *tape, struct bytes text,
                                        struct tally_error *error);

/* As json_scan, but stops behind the value: *size_out is how much of `text` it took, blanks before
 * it included. TALLY_ABSENT where there are only blanks. */
TALLY_MUST_CHECK tally_status json_scan_first(struct json_tape *tape, struct bytes text,
                                              size_t *size_out, struct tally_error *error);

/* Adds to a tape that is being written (compose.h) the value that its text has from `start` to
 * its end, blanks around it, with one container around it. */
TALLY_MUST_CHECK tally_status json_scan_tail(struct json_tape *tape, size_t start,
                                             struct tally_error *error);

/* A node's token as it stands in the text. */
static inline struct bytes
json_token(const struct json_tape *tape, uint32_t node)
{
    return bytes_of(tape->text.data + tape->nodes[node].start, tape->nodes[node].size);
}

/* A string's characters without the quotes; its value if the node is not `escaped`. */
static inline struct bytes
json_inside(const struct json_tape *tape, uint32_t node)
{
    return bytes_of(tape->text.data + tape->nodes[node].start + 1, tape->nodes[node].size - 2);
}

/* True if string `node` has exactly this value after decoding. */
bool json_string_is(const struct json_tape *tape, uint32_t node, struct bytes value);

/* Appends a string node's value, decoded. */
void json_string_decode(const struct json_tape *tape, uint32_t node, struct buffer *out);

/* The value of member `name` of an object node: its index, or 0 where there is none (node 0 is
 * nobody's member) or the node is no object. */
uint32_t json_member(const struct json_tape *tape, uint32_t object, struct bytes name);

/* The value at the end of a path of names below `node`, 0 where it does not lead anywhere. In an
 * array a name is a decimal index, as in RFC 6901, section 4. */
uint32_t json_find(const struct json_tape *tape, uint32_t node, const struct bytes *names,
                   size_t count);

/* Appends a value in canonical form: no blanks, members in the order and strings with the escapes
 * of RFC 8785, sections 3.2.2.2 and 3.2.3; numbers with the token they came with. */
void json_canonical(struct json_tape *tape, uint32_t node, struct buffer *out);

/* Members collected to be written as one object: json_pick takes a name node (0 to begin anew),
 * json_pick_members all of an object's. json_canonical_picked appends them as one canonical object
 * and begins anew. If a name was picked twice nothing is appended and *twice_out is the name node
 * picked last; else *twice_out is 0. At most as many as the tape has names. */
void json_pick(struct json_tape *tape, uint32_t name);
void json_pick_members(struct json_tape *tape, uint32_t object);
void json_canonical_picked(struct json_tape *tape, struct buffer *out, uint32_t *twice_out);

/* Only says which name was picked twice, or 0, and begins anew. */
uint32_t json_picked_twice(struct json_tape *tape);

/* Appends `text` (valid UTF-8) as a JSON string with quotes and RFC 8785 escapes. */
void json_write_string(struct bytes text, struct buffer *out);

/* As json_write_string, into memory: `out` has JSON_STRING_SIZE_MAX(text.size) bytes of room.
 * Returns the end of what was written. */
#define JSON_STRING_SIZE_MAX(size) (6 * (size) + 2)
uint8_t *json_put_string(struct bytes text, uint8_t *out);

/* RFC 8785's order of member names, given decoded: by UTF-16 code units. Negative, 0 or positive.
 */
int json_name_order(struct bytes a, struct bytes b);

/* Fills an error with TALLY_INVALID, the place of a node of the scanned tape (line and column of
 * its first byte, its pointer) and a text. Returns TALLY_INVALID. */
__attribute__((format(printf, 4, 5))) tally_status json_fault(struct tally_error *error,
                                                              const struct json_tape *tape,
                                                              uint32_t node, const char *format,
                                                              ...);

/* The same for an offset where scanning stopped: the pointer leads to the value that was being
 * read. */
__attribute__((format(printf, 4, 5))) tally_status json_fault_at(struct tally_error *error,
                                                                 const struct json_tape *tape,
                                                                 size_t offset, const char *format,
                                                                 ...);

#endif
