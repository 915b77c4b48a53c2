/*
 * Commitments and leaves.
 *
 * With 16 random bytes of salt in front, the commitment of a private part that can be guessed
 * cannot be checked by guessing; when part and salt are gone, what is left says nothing.
 *
 * Many entries are hashed side by side (hash_many.h), a dozen or so at a time: enough to keep both
 * lanes busy, few enough for the stack.
 */
#include "base64.h"
#include "entry.h"
#include "hash_many.h"

#define AT_ONCE 16u

/* What stands before a private part when it is hashed: the domain, its NUL too, and the salt. */
#define DOMAIN "tally/private/v1"
struct salted_prefix {
    char domain[sizeof DOMAIN];
    uint8_t salt[ENTRY_SALT_SIZE];
};

void
entry_commit_hash(const uint8_t salt[ENTRY_SALT_SIZE], struct bytes private_part,
                  struct tally_hash *commitment_out)
{
    const struct tally_piece pieces[] = {
        { DOMAIN, sizeof DOMAIN },
        { salt, ENTRY_SALT_SIZE },
        { private_part.data, private_part.size },
    };
    tally_hash_pieces(pieces, sizeof pieces / sizeof *pieces, commitment_out);
}

void
entry_commit(const uint8_t salt[ENTRY_SALT_SIZE], struct bytes private_part,
             char commitment[ENTRY_COMMITMENT_SIZE])
{
    struct tally_hash hash;
    entry_commit_hash(salt, private_part, &hash);
    base64_encode(hash.bytes, sizeof hash.bytes, commitment);
}

static void
commit_some(const struct entry_secret *secrets, size_t count, struct tally_hash *commitments_out)
{
    struct salted_prefix prefixes[AT_ONCE];
    struct hash_text texts[AT_ONCE];
    for (size_t i = 0; i < count; i++) {
        memcpy(prefixes[i].domain, DOMAIN, sizeof DOMAIN);
        memcpy(prefixes[i].salt, secrets[i].salt, ENTRY_SALT_SIZE);
        texts[i] = (struct hash_text){
            .prefix = (const uint8_t *)&prefixes[i],
            .prefix_size = sizeof prefixes[i],
            .data = secrets[i].private_part.data,
            .size = secrets[i].private_part.size,
        };
    }
    hash_many(texts, count, commitments_out);
}

void
entry_commit_many(const struct entry_secret *secrets, size_t count,
                  struct tally_hash *commitments_out)
{
    for (size_t at = 0; at < count; at += AT_ONCE)
        commit_some(secrets + at, count - at < AT_ONCE ? count - at : AT_ONCE,
                    commitments_out + at);
}

static void
hash_some(const struct bytes *public_parts, size_t count, struct tally_hash *leaves_out)
{
    static const uint8_t leaf = 0x00; /* RFC 6962, section 2.1 */
    struct hash_text texts[AT_ONCE];
    for (size_t i = 0; i < count; i++)
        texts[i] = (struct hash_text){ &leaf, 1, public_parts[i].data, public_parts[i].size };
    hash_many(texts, count, leaves_out);
}

void
entry_hash_leaves(const struct bytes *public_parts, size_t count, struct tally_hash *leaves_out)
{
    for (size_t at = 0; at < count; at += AT_ONCE)
        hash_some(public_parts + at, count - at < AT_ONCE ? count - at : AT_ONCE, leaves_out + at);
}
