/*
 * note.h - text signed by one or more keys (c2sp.org/signed-note), Ed25519 only.
 *
 *     text, one or more lines
 *
 *     - name base64(key id, 4 bytes big-endian || signature)
 *
 * with an em dash (U+2014) in place of the hyphen. The text ends in a newline and is valid UTF-8
 * without control characters but newline. The last empty line parts it from the signatures.
 *
 * Every function takes (pointer, size) and needs no NUL; none allocates. What is parsed is lent
 * from the input. Strict: one spelling per value, anything else is TALLY_INVALID with the reason.
 *
 * Which Ed25519 signatures are valid is pinned to one rule, libsodium's: S below the group order, R
 * and A canonical and not of low order, and R = [S]B - [k]A without the cofactor. It is what RFC
 * 8032 allows, narrowed: two verifiers by this rule never disagree, and no one but the key's holder
 * can make a second signature out of a first.
 */
#ifndef TALLY_NOTE_H
#define TALLY_NOTE_H

#include "tally/hash.h"
#include "tally/status.h"

/* The bytes of a key name: not empty, UTF-8, no white space, no control characters, no '+'. */
#define TALLY_NAME_MAX 255

/* The longest note read or written; the most signatures and the most known keys for one note. */
#define TALLY_NOTE_SIZE_MAX       (1u << 20)
#define TALLY_NOTE_SIGNATURES_MAX 100
#define TALLY_NOTE_KEYS_MAX       64

/* The longest signature line that this library writes, newline included. A note of one signature
 * has at most the text's size, 1 for the empty line, and this. */
#define TALLY_NOTE_LINE_MAX (3 + 1 + TALLY_NAME_MAX + 1 + 92 + 1)

#define TALLY_SEED_SIZE 32

/* Buffer sizes that hold any vkey and any private key as text, with the final NUL. */
#define TALLY_VKEY_TEXT_SIZE   (TALLY_NAME_MAX + 1 + 8 + 1 + 44 + 1)
#define TALLY_SIGNER_TEXT_SIZE (12 + TALLY_VKEY_TEXT_SIZE)

/* c2sp.org/signed-note, signature types. */
enum tally_algorithm {
    TALLY_ED25519 = 0x01,     /* signs the note's text */
    TALLY_COSIGNATURE = 0x04, /* Ed25519 by a witness, with a time: c2sp.org/tlog-cosignature */
};

/* A verification key: what a reader must know, and trust, beforehand. */
struct tally_vkey {
    char name[TALLY_NAME_MAX + 1];
    uint32_t id; /* the first 4 bytes of SHA-256(name || 0x0A || algorithm || key), big-endian */
    uint8_t algorithm;
    uint8_t key[32];
};

/* A signing key (TALLY_ED25519). Secret: wipe it when done, and after any copy. */
struct tally_signer {
    struct tally_vkey vkey;
    uint8_t secret[64];
};

/* An opened note. `text` is lent from the note, final newline included. */
struct tally_note {
    const char *text;
    size_t text_size;
    uint64_t verified; /* bit i: the i-th of the keys given signed the note */
};

/* Reads a verification key, `name+hex id+base64(algorithm || key)`. TALLY_INVALID where it is
 * malformed or its id is not the one its name and key give; TALLY_UNSUPPORTED for other
 * algorithms. */
TALLY_MUST_CHECK tally_status tally_vkey_parse(const char *text, size_t size,
                                               struct tally_vkey *vkey_out,
                                               struct tally_error *error);

/* Writes a verification key as tally_vkey_parse() reads it, NUL-terminated. */
void tally_vkey_format(const struct tally_vkey *vkey, char out[TALLY_VKEY_TEXT_SIZE]);

/* Compares two verification keys: name, id, algorithm and key. */
bool tally_vkey_equal(const struct tally_vkey *a, const struct tally_vkey *b);

/* Makes a signing key from 32 secret random bytes. TALLY_INVALID where the name is no key name.
 * The seed is the caller's to wipe. */
TALLY_MUST_CHECK tally_status tally_signer_init(const char *name,
                                                const uint8_t seed[TALLY_SEED_SIZE],
                                                struct tally_signer *signer_out,
                                                struct tally_error *error);

/* Reads a signing key, in the form of golang.org/x/mod/sumdb/note:
 * `PRIVATE+KEY+name+hex id+base64(algorithm || seed)`. Errors never quote the text. */
TALLY_MUST_CHECK tally_status tally_signer_parse(const char *text, size_t size,
                                                 struct tally_signer *signer_out,
                                                 struct tally_error *error);

/* Writes a signing key as tally_signer_parse() reads it, NUL-terminated; the caller wipes it. */
void tally_signer_format(const struct tally_signer *signer, char out[TALLY_SIGNER_TEXT_SIZE]);

/* Gives the verification key of a signing key. */
void tally_signer_vkey(const struct tally_signer *signer, struct tally_vkey *vkey_out);

/* Overwrites a signing key with zeros in a way the compiler keeps. */
void tally_signer_wipe(struct tally_signer *signer);

/* Signs a text: writes it, an empty line and a signature line. TALLY_INVALID where the text cannot
 * be that of a note, or where `capacity` is too small. `out` may not overlap the text. */
TALLY_MUST_CHECK tally_status tally_note_sign(const char *text, size_t text_size,
                                              const struct tally_signer *signer, char *out,
                                              size_t capacity, size_t *size_out,
                                              struct tally_error *error);

/* Writes a note with one more signature line at its end. TALLY_INVALID where the note is
 * malformed, is signed by this key already, has no room for another signature, or `capacity` is too
 * small. The signatures that stand there are not checked. `out` may be the note itself. */
TALLY_MUST_CHECK tally_status tally_note_add_signature(const char *note, size_t size,
                                                       const struct tally_signer *signer, char *out,
                                                       size_t capacity, size_t *size_out,
                                                       struct tally_error *error);

/*
 * Checks a note against the keys its reader knows: at most TALLY_NOTE_KEYS_MAX; witnesses' keys may
 * be among them. A signature is by a known key where both name and id match; signatures by others
 * are ignored. TALLY_OK where at least one known key signed and no known key's signature is bad;
 * TALLY_ABSENT where no known key signed; TALLY_DISAGREES where a known key's signature does not
 * verify, which refuses the whole note; TALLY_INVALID where it is malformed.
 */
TALLY_MUST_CHECK tally_status tally_note_open(const char *note, size_t size,
                                              const struct tally_vkey *vkeys, size_t count,
                                              struct tally_note *note_out,
                                              struct tally_error *error);

/* Checks that a witness cosigned a checkpoint, and when: `vkey` is its key (TALLY_COSIGNATURE), the
 * time in seconds since 1970 (the latest, where it cosigned more than once). Answers as
 * tally_note_open(); TALLY_INVALID also where `vkey` is no witness's key. A text longer than
 * TALLY_CHECKPOINT_TEXT_MAX is no checkpoint, and a cosignature of it is bad. The time is the
 * witness's word: hold it against a clock. */
TALLY_MUST_CHECK tally_status tally_cosignature_check(const char *note, size_t size,
                                                      const struct tally_vkey *vkey,
                                                      uint64_t *time_out,
                                                      struct tally_error *error);

#endif
