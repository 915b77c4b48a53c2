/*
 * note.c - signed notes: text, an empty line, signature lines.
 *
 *     text            lines, the last newline included
 *     0x0A            the last empty line of the note
 *     signature line  U+2014 0x20 name 0x20 base64(id[4] || signature) 0x0A, one or more
 *
 * A signature of type 0x01 is Ed25519 over the text. One of type 0x04, a witness's, is time[8]
 * (big-endian seconds) || Ed25519 over "cosignature/v1\ntime SECONDS\n" and the text.
 *
 * Invariants:
 * 1. The whole note is looked at before any signature counts: UTF-8, controls, every line's form.
 * 2. A key is known by name and id together. Every signature that claims a known key must verify,
 * or the note is refused; others say nothing, for good or ill.
 * 3. No text is handed out unless a known key signed it.
 */
#include "base64.h"
#include "ed25519.h"
#include "fault.h"
#include "note_key.h"
#include "tally/checkpoint.h"
#include "tree_text.h"
#include <assert.h>
#include <inttypes.h>

static const struct bytes line_prefix = BYTES("\xe2\x80\x94 ");

/* The decoded bytes of a signature line: the key's id, then for each algorithm what it makes. */
#define ID_SIZE          4
#define TIME_SIZE        8
#define ED25519_LINE     (ID_SIZE + ED25519_SIGNATURE_SIZE)
#define COSIGNATURE_LINE (ID_SIZE + TIME_SIZE + ED25519_SIGNATURE_SIZE)

/* A note's two halves. */
struct note_parts {
    struct bytes text;
    struct bytes lines;
};

struct signature {
    struct bytes name;
    uint32_t id;
    struct bytes base64; /* of id and signature; checked for form */
};

/* A view of the note after invariant 1's first half: clean, and parted at the last empty line. */
static tally_status
part_note(struct bytes note, struct note_parts *parts_out, struct tally_error *error)
{
    if (note.size > TALLY_NOTE_SIZE_MAX)
        return fault(error, TALLY_INVALID, "a note has at most %u bytes", TALLY_NOTE_SIZE_MAX);
    if (!text_is_clean(note))
        return fault(error, TALLY_INVALID, "a note is UTF-8 without control characters");
    if (note.size == 0 || note.data[note.size - 1] != '\n')
        return fault(error, TALLY_INVALID, "a note ends in a newline");

    for (size_t at = note.size - 1; at > 0; at--) {
        if (note.data[at] != '\n' || note.data[at - 1] != '\n')
            continue;
        parts_out->text = bytes_of(note.data, at);
        parts_out->lines = bytes_of(note.data + at + 1, note.size - at - 1);
        if (parts_out->lines.size == 0)
            return fault(error, TALLY_INVALID, "no signature follows the note's last empty line");
        return TALLY_OK;
    }
    return fault(error, TALLY_INVALID, "no empty line parts a note's text from its signatures");
}

static bool
parse_signature(struct bytes line, struct signature *out)
{
    if (!text_take_prefix(&line, line_prefix))
        return false;
    const uint8_t *space = line.size > 0 ? memchr(line.data, ' ', line.size) : NULL;
    if (space == NULL)
        return false;
    out->name = bytes_of(line.data, (size_t)(space - line.data));
    out->base64 = bytes_of(space + 1, line.size - out->name.size - 1);

    /* Eight characters are the first six bytes: an id and the beginning of a signature. */
    uint8_t first[6];
    size_t size;
    if (!note_name_valid(out->name) || out->base64.size < 8 || !text_is_base64(out->base64) ||
        !base64_decode(bytes_of(out->base64.data, 8), first, sizeof first, &size) ||
        size <= ID_SIZE)
        return false;
    out->id = note_key_id(first);
    return true;
}

/* Takes the next signature; the lines must have been checked. */
static bool
take_signature(struct bytes *lines, struct signature *out)
{
    struct bytes line;
    return text_take_line(lines, &line) && parse_signature(line, out);
}

/* Invariant 1's second half. */
static tally_status
check_lines(struct bytes lines, unsigned *count_out, struct tally_error *error)
{
    unsigned count = 0;
    while (lines.size > 0) {
        struct signature signature;
        if (count == TALLY_NOTE_SIGNATURES_MAX)
            return fault(error, TALLY_INVALID, "a note has at most %d signatures",
                         TALLY_NOTE_SIGNATURES_MAX);
        if (!take_signature(&lines, &signature))
            return fault(error, TALLY_INVALID, "line %u after the note's text is no signature line",
                         count + 1);
        count++;
    }
    *count_out = count;
    return TALLY_OK;
}

static tally_status
parse_note(struct bytes note, struct note_parts *parts_out, unsigned *count_out,
           struct tally_error *error)
{
    tally_status status = part_note(note, parts_out, error);
    if (status != TALLY_OK)
        return status;
    return check_lines(parts_out->lines, count_out, error);
}

static bool
made_by(const struct signature *signature, const struct tally_vkey *vkey)
{
    return signature->id == vkey->id && bytes_is(signature->name, vkey->name);
}

/* A cosignature covers a header with its time, and the text (c2sp.org/tlog-cosignature). */
static bool
verify_cosignature(const struct tally_vkey *vkey, struct bytes text,
                   const uint8_t signature[TIME_SIZE + ED25519_SIGNATURE_SIZE], uint64_t *time_out)
{
    uint64_t time = 0;
    for (size_t i = 0; i < TIME_SIZE; i++)
        time = time << 8 | signature[i];
    if (time > INT64_MAX || text.size > TALLY_CHECKPOINT_TEXT_MAX)
        return false;

    char data[64 + TALLY_CHECKPOINT_TEXT_MAX];
    struct text_out message = { .data = data, .capacity = sizeof data };
    text_put(&message, bytes_text("cosignature/v1\ntime "));
    text_put_decimal(&message, time);
    text_put(&message, bytes_text("\n"));
    text_put(&message, text);
    assert(!message.overflow);

    if (!ed25519_verify(vkey->key, bytes_of(data, message.size), signature + TIME_SIZE))
        return false;
    *time_out = time;
    return true;
}

/* Sets *time_out only for cosignatures. */
static bool
verify(const struct tally_vkey *vkey, struct bytes text, const struct signature *signature,
       uint64_t *time_out)
{
    uint8_t bytes[COSIGNATURE_LINE];
    size_t size;
    if (!base64_decode(signature->base64, bytes, sizeof bytes, &size))
        return false;
    switch (vkey->algorithm) {
    case TALLY_ED25519:
        return size == ED25519_LINE && ed25519_verify(vkey->key, text, bytes + ID_SIZE);
    case TALLY_COSIGNATURE:
        return size == COSIGNATURE_LINE &&
               verify_cosignature(vkey, text, bytes + ID_SIZE, time_out);
    default:
        return false;
    }
}

/* Checks every signature that claims to be by `vkey`. TALLY_ABSENT where none does. */
static tally_status
check_key(const struct note_parts *parts, const struct tally_vkey *vkey, uint64_t *time_out,
          struct tally_error *error)
{
    tally_status status = TALLY_ABSENT;
    uint64_t newest = 0;
    struct bytes lines = parts->lines;
    struct signature signature;
    while (take_signature(&lines, &signature)) {
        uint64_t time = 0;
        if (!made_by(&signature, vkey))
            continue;
        if (!verify(vkey, parts->text, &signature, &time))
            return fault(error, TALLY_DISAGREES, "the signature by %s+%08x does not verify",
                         vkey->name, vkey->id);
        if (time > newest)
            newest = time;
        status = TALLY_OK;
    }
    if (status == TALLY_OK)
        *time_out = newest;
    return status;
}

tally_status
tally_note_open(const char *note, size_t size, const struct tally_vkey *vkeys, size_t count,
                struct tally_note *note_out, struct tally_error *error)
{
    assert(count <= TALLY_NOTE_KEYS_MAX);

    struct note_parts parts;
    unsigned signatures;
    tally_status status = parse_note(bytes_of(note, size), &parts, &signatures, error);
    if (status != TALLY_OK)
        return status;

    uint64_t verified = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t time;
        status = check_key(&parts, &vkeys[i], &time, error);
        if (status == TALLY_OK)
            verified |= UINT64_C(1) << i;
        else if (status != TALLY_ABSENT)
            return status;
    }
    if (verified == 0)
        return fault(error, TALLY_ABSENT, "none of the note's %u signatures is by a known key",
                     signatures);
    note_out->text = (const char *)parts.text.data;
    note_out->text_size = parts.text.size;
    note_out->verified = verified;
    return TALLY_OK;
}

tally_status
tally_cosignature_check(const char *note, size_t size, const struct tally_vkey *vkey,
                        uint64_t *time_out, struct tally_error *error)
{
    if (vkey->algorithm != TALLY_COSIGNATURE)
        return fault(error, TALLY_INVALID, "%s+%08x is not a witness's key", vkey->name, vkey->id);

    struct note_parts parts;
    unsigned signatures;
    tally_status status = parse_note(bytes_of(note, size), &parts, &signatures, error);
    if (status != TALLY_OK)
        return status;
    status = check_key(&parts, vkey, time_out, error);
    if (status == TALLY_ABSENT)
        return fault(error, TALLY_ABSENT, "the note is not cosigned by %s+%08x", vkey->name,
                     vkey->id);
    return status;
}

static void
put_signature_line(struct text_out *out, struct bytes text, const struct tally_signer *signer)
{
    const struct tally_vkey *vkey = &signer->vkey;
    uint8_t bytes[ED25519_LINE];
    for (unsigned i = 0; i < ID_SIZE; i++)
        bytes[i] = (uint8_t)(vkey->id >> (24 - 8 * i));
    ed25519_sign(signer->secret, text, bytes + ID_SIZE);

    text_put(out, line_prefix);
    text_put(out, bytes_text(vkey->name));
    text_put(out, bytes_text(" "));
    text_put_base64(out, bytes_of(bytes, sizeof bytes));
    text_put(out, bytes_text("\n"));
}

/* What put_signature_line() will write. */
static size_t
signature_line_size(const struct tally_signer *signer)
{
    return line_prefix.size + strlen(signer->vkey.name) + 1 + BASE64_SIZE(ED25519_LINE) + 1;
}

static tally_status
check_capacity(size_t size, size_t capacity, struct tally_error *error)
{
    if (size > TALLY_NOTE_SIZE_MAX)
        return fault(error, TALLY_INVALID, "a note has at most %u bytes", TALLY_NOTE_SIZE_MAX);
    if (size > capacity)
        return fault(error, TALLY_INVALID, "the signed note needs a buffer of %zu bytes", size);
    return TALLY_OK;
}

tally_status
tally_note_sign(const char *text, size_t text_size, const struct tally_signer *signer, char *out,
                size_t capacity, size_t *size_out, struct tally_error *error)
{
    struct bytes bytes = bytes_of(text, text_size);
    if (text_size == 0 || text[text_size - 1] != '\n' || !text_is_clean(bytes))
        return fault(error, TALLY_INVALID,
                     "a note's text is UTF-8 lines without control characters");
    size_t size = text_size + 1 + signature_line_size(signer);
    tally_status status = check_capacity(size, capacity, error);
    if (status != TALLY_OK)
        return status;

    struct text_out note = { .data = out, .capacity = capacity };
    text_put(&note, bytes);
    text_put(&note, bytes_text("\n"));
    put_signature_line(&note, bytes, signer);
    assert(!note.overflow && note.size == size);
    *size_out = size;
    return TALLY_OK;
}

tally_status
tally_note_add_signature(const char *note, size_t size, const struct tally_signer *signer,
                         char *out, size_t capacity, size_t *size_out, struct tally_error *error)
{
    struct note_parts parts;
    unsigned count;
    tally_status status = parse_note(bytes_of(note, size), &parts, &count, error);
    if (status != TALLY_OK)
        return status;
    if (count == TALLY_NOTE_SIGNATURES_MAX)
        return fault(error, TALLY_INVALID, "a note has at most %d signatures",
                     TALLY_NOTE_SIGNATURES_MAX);
    struct bytes lines = parts.lines;
    struct signature signature;
    while (take_signature(&lines, &signature))
        if (made_by(&signature, &signer->vkey))
            return fault(error, TALLY_INVALID, "the note has a signature by %s+%08x already",
                         signer->vkey.name, signer->vkey.id);
    status = check_capacity(size + signature_line_size(signer), capacity, error);
    if (status != TALLY_OK)
        return status;

    memmove(out, note, size);
    struct text_out added = { .data = out, .capacity = capacity, .size = size };
    put_signature_line(&added, bytes_of(out, parts.text.size), signer);
    assert(!added.overflow);
    *size_out = added.size;
    return TALLY_OK;
}
