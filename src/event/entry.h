/*
 * entry.h - the bytes of an entry: public part, private part, commitment, leaf.
 *
 * Pure: the caller gives the time, the salt and the memory. docs/format.md has the exact bytes.
 *
 *     private part   {"details":{…},"user_id":"u1"}; {} if no private field is there
 *     private        base64(SHA-256("tally/private/v1\0" || salt || private part))
 *     public part    {"action":"user.login",…,"private":"…","received":"…","v":1,"writer":"…"}
 *     leaf           SHA-256(0x00 || public part)
 *
 * Law: entry_parse(entry_write(e)) gives e's values, and part_write of parsed values gives the same
 * bytes.
 */
#ifndef ENTRY_H
#define ENTRY_H

#include "arena.h"
#include "clock.h"
#include "event.h"
#include "tally/hash.h"

#define ENTRY_FORMAT           1
#define ENTRY_SALT_SIZE        16
#define ENTRY_COMMITMENT_SIZE  44 /* base64 of 32 bytes */
#define ENTRY_PUBLIC_SIZE_MAX  65535
#define ENTRY_PRIVATE_SIZE_MAX (1024 * 1024)

/* What the server adds, the same for a whole batch. */
struct entry_stamp {
    struct bytes received; /* a time of EVENT_CLOCK_DIGITS digits, as instant_format() writes it */
    struct bytes writer;   /* the key's id, or local:UID; 1 to 256 bytes of UTF-8 */
    uint64_t private_fields; /* the trail's choice: only movable fields */
};

/* Where entry_write put an entry: offsets, because buffers move when they grow. */
struct entry_parts {
    size_t public_offset;
    size_t public_size;
    size_t private_offset;
    size_t private_size;
    size_t commitment_offset; /* of the value of `private`, in the public part's buffer */
    uint8_t salt[ENTRY_SALT_SIZE];
    struct tally_hash leaf;
    int64_t timestamp;
};

/* Appends both parts, the public one first; the buffers may be one and the same. TALLY_INVALID
 * where a part is larger than its limit, TALLY_NO_MEMORY; then the buffers are as before. */
TALLY_MUST_CHECK tally_status entry_write(const struct event *event,
                                          const struct entry_stamp *stamp,
                                          const uint8_t salt[ENTRY_SALT_SIZE],
                                          struct buffer *public_out, struct buffer *private_out,
                                          struct entry_parts *parts_out, struct tally_error *error);

/* The same, but for what is hashed: the commitment is blank, ENTRY_COMMITMENT_SIZE bytes at
 * commitment_offset; salt and leaf are not set. Whoever has many entries hashes them together,
 * which is faster: first the commitments, then, when they stand in the public parts, the leaves. */
TALLY_MUST_CHECK tally_status entry_lay_out(const struct event *event,
                                            const struct entry_stamp *stamp,
                                            struct buffer *public_out, struct buffer *private_out,
                                            struct entry_parts *parts_out,
                                            struct tally_error *error);

/* Appends the canonical object of those of `mask`'s fields that have a value: what a part is, byte
 * for byte. The one way in which parts are made, from events and from columns. Ask buffer_failed
 * after. */
void part_write(const struct bytes values[FIELD_COUNT], uint64_t mask, struct buffer *out);

/* The commitment to a private part, and as the 44 characters of the member `private`. */
void entry_commit_hash(const uint8_t salt[ENTRY_SALT_SIZE], struct bytes private_part,
                       struct tally_hash *commitment_out);
void entry_commit(const uint8_t salt[ENTRY_SALT_SIZE], struct bytes private_part,
                  char commitment[ENTRY_COMMITMENT_SIZE]);

/* What a commitment is to. */
struct entry_secret {
    const uint8_t *salt; /* ENTRY_SALT_SIZE bytes */
    struct bytes private_part;
};
void entry_commit_many(const struct entry_secret *secrets, size_t count,
                       struct tally_hash *commitments_out);
void entry_hash_leaves(const struct bytes *public_parts, size_t count,
                       struct tally_hash *leaves_out);

/* An entry's values, from its parts. */
struct entry {
    uint64_t present;
    uint64_t in_private; /* of those, the fields that stood in the private part */
    struct bytes values[FIELD_COUNT];
    int64_t timestamp;
    int64_t received;
};

/* Splits parts as entry_write made them into values: views into the parts or, where a string has
 * escapes, into `arena`. For an erased entry pass a private part of size 0. TALLY_DAMAGED, with a
 * pointer, where the bytes are not two such parts; TALLY_UNSUPPORTED for another `v`. It does not
 * check that the bytes are canonical: part_write and compare does. */
TALLY_MUST_CHECK tally_status entry_parse(struct bytes public_part, struct bytes private_part,
                                          struct arena *arena, struct entry *entry_out,
                                          struct tally_error *error);

/* The time an entry is ordered by. */
static inline int64_t
entry_time(int64_t timestamp, int64_t received)
{
    return timestamp < received ? timestamp : received;
}

#endif
