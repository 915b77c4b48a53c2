/*
 * note_key.c - the keys of signed notes: vkeys, and the secret keys that sign.
 *
 * A key's text is `name+hex id+base64(algorithm || 32 bytes)`, behind `PRIVATE+KEY+` for a secret
 * one, whose 32 bytes are the seed. A name has no '+', so the first two of them part the fields,
 * even though base64 has some too. The id is bound to name and key:
 *
 *     id = the first 4 bytes, big-endian, of SHA-256(name || 0x0A || algorithm || public key)
 *
 * Every key that leaves this file has a name within its limits and the id its bytes give.
 */
#include "note_key.h"
#include "base64.h"
#include "ed25519.h"
#include "fault.h"
#include "tree_text.h"
#include "utf8.h"
#include <assert.h>

static const struct bytes secret_prefix = BYTES("PRIVATE+KEY+");

/* Unicode's White_Space, and what Go's unicode.IsSpace takes for a space. */
static bool
is_space(uint32_t c)
{
    return c == ' ' || (c >= 0x09 && c <= 0x0d) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

bool
note_name_valid(struct bytes name)
{
    if (!text_is_line(name))
        return false;
    while (name.size > 0) {
        uint32_t c;
        size_t size = utf8_decode(name, &c);
        if (size == 0 || c == '+' || is_space(c))
            return false;
        name = bytes_of(name.data + size, name.size - size);
    }
    return true;
}

static tally_status
check_name(struct bytes name, struct tally_error *error)
{
    if (name.size > TALLY_NAME_MAX || !note_name_valid(name))
        return fault(error, TALLY_INVALID,
                     "a key's name is 1 to %d bytes of UTF-8 without spaces, controls and '+'",
                     TALLY_NAME_MAX);
    return TALLY_OK;
}

uint32_t
note_key_id(const uint8_t bytes[4])
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint32_t
key_id(const struct tally_vkey *vkey)
{
    const struct tally_piece pieces[] = {
        { vkey->name, strlen(vkey->name) },
        { "\n", 1 },
        { &vkey->algorithm, 1 },
        { vkey->key, sizeof vkey->key },
    };
    struct tally_hash hash;
    tally_hash_pieces(pieces, 4, &hash);
    return note_key_id(hash.bytes);
}

/* The fields of a key's text. */
struct key_text {
    struct bytes name;
    uint32_t id;
    uint8_t algorithm;
    uint8_t material[32];
};

/* Four bytes as eight lower-case digits; one spelling, like everything here. */
static bool
take_id(struct bytes *rest, uint32_t *id_out)
{
    uint8_t id[4];
    if (rest->size < 8 || !hex_decode(bytes_of(rest->data, 8), id, sizeof id))
        return false;
    for (size_t i = 0; i < 8; i++)
        if (rest->data[i] >= 'A' && rest->data[i] <= 'F')
            return false;
    *rest = bytes_of(rest->data + 8, rest->size - 8);
    *id_out = note_key_id(id);
    return true;
}

/* The last field: algorithm || 32 bytes. The algorithm decides how long it may be, so it is read
 * first. */
static tally_status
decode_material(struct bytes base64, struct key_text *out, struct tally_error *error)
{
    static const char malformed[] = "a key's last part is the base64 of a type and 32 bytes";
    uint8_t decoded[1 + sizeof out->material];
    size_t size;
    tally_status status = TALLY_OK;
    if (base64.size < 4 ||
        !base64_decode(bytes_of(base64.data, 4), decoded, sizeof decoded, &size)) {
        status = fault(error, TALLY_INVALID, "%s", malformed);
    } else if (decoded[0] != TALLY_ED25519 && decoded[0] != TALLY_COSIGNATURE) {
        if (text_is_base64(base64))
            status = fault(error, TALLY_UNSUPPORTED,
                           "keys of signature type 0x%02x are not supported", decoded[0]);
        else
            status = fault(error, TALLY_INVALID, "%s", malformed);
    } else if (!base64_decode(base64, decoded, sizeof decoded, &size) || size != sizeof decoded) {
        status = fault(error, TALLY_INVALID, "%s", malformed);
    }
    if (status == TALLY_OK) {
        out->algorithm = decoded[0];
        memcpy(out->material, decoded + 1, sizeof out->material);
    }
    ed25519_wipe(decoded, sizeof decoded);
    return status;
}

static tally_status
parse_key_text(struct bytes text, struct key_text *out, struct tally_error *error)
{
    const uint8_t *plus = text.size > 0 ? memchr(text.data, '+', text.size) : NULL;
    if (plus == NULL)
        return fault(error, TALLY_INVALID, "a key has the form name+id+base64");
    out->name = bytes_of(text.data, (size_t)(plus - text.data));
    tally_status status = check_name(out->name, error);
    if (status != TALLY_OK)
        return status;

    struct bytes rest = bytes_of(plus + 1, text.size - out->name.size - 1);
    static const struct bytes separator = BYTES("+");
    if (!take_id(&rest, &out->id) || !text_take_prefix(&rest, separator))
        return fault(error, TALLY_INVALID, "a key's id is eight lower-case hexadecimal digits");

    status = decode_material(rest, out, error);
    if (status != TALLY_OK)
        ed25519_wipe(out, sizeof *out);
    return status;
}

static void
set_name(struct tally_vkey *vkey, struct bytes name)
{
    assert(name.size <= TALLY_NAME_MAX);
    memset(vkey->name, 0, sizeof vkey->name);
    memcpy(vkey->name, name.data, name.size);
}

tally_status
tally_vkey_parse(const char *text, size_t size, struct tally_vkey *vkey_out,
                 struct tally_error *error)
{
    struct key_text fields;
    tally_status status = parse_key_text(bytes_of(text, size), &fields, error);
    if (status != TALLY_OK)
        return status;

    struct tally_vkey vkey = { .id = fields.id, .algorithm = fields.algorithm };
    set_name(&vkey, fields.name);
    memcpy(vkey.key, fields.material, sizeof vkey.key);
    if (key_id(&vkey) != vkey.id)
        return fault(error, TALLY_INVALID,
                     "the key id %08x does not belong to this name and key, which give %08x",
                     vkey.id, key_id(&vkey));
    *vkey_out = vkey;
    return TALLY_OK;
}

/* Writes a key's text with its NUL into a buffer of the size the header gives. */
static void
format_key_text(const struct tally_vkey *vkey, const uint8_t material[32], struct text_out *out)
{
    uint8_t decoded[33];
    decoded[0] = vkey->algorithm;
    memcpy(decoded + 1, material, 32);
    const uint8_t id[4] = { (uint8_t)(vkey->id >> 24), (uint8_t)(vkey->id >> 16),
                            (uint8_t)(vkey->id >> 8), (uint8_t)vkey->id };
    char hex[8];
    hex_encode(id, sizeof id, hex);

    text_put(out, bytes_text(vkey->name));
    text_put(out, bytes_text("+"));
    text_put(out, bytes_of(hex, sizeof hex));
    text_put(out, bytes_text("+"));
    text_put_base64(out, bytes_of(decoded, sizeof decoded));
    text_put(out, bytes_of("", 1));
    assert(!out->overflow);
    ed25519_wipe(decoded, sizeof decoded);
}

void
tally_vkey_format(const struct tally_vkey *vkey, char out[TALLY_VKEY_TEXT_SIZE])
{
    struct text_out text = { .data = out, .capacity = TALLY_VKEY_TEXT_SIZE };
    format_key_text(vkey, vkey->key, &text);
}

bool
tally_vkey_equal(const struct tally_vkey *a, const struct tally_vkey *b)
{
    return a->id == b->id && a->algorithm == b->algorithm && strcmp(a->name, b->name) == 0 &&
           memcmp(a->key, b->key, sizeof a->key) == 0;
}

static void
make_signer(struct bytes name, const uint8_t seed[TALLY_SEED_SIZE], struct tally_signer *signer)
{
    *signer = (struct tally_signer){ .vkey = { .algorithm = TALLY_ED25519 } };
    set_name(&signer->vkey, name);
    ed25519_keys(seed, signer->vkey.key, signer->secret);
    signer->vkey.id = key_id(&signer->vkey);
}

tally_status
tally_signer_init(const char *name, const uint8_t seed[TALLY_SEED_SIZE],
                  struct tally_signer *signer_out, struct tally_error *error)
{
    struct bytes bytes = bytes_text(name);
    tally_status status = check_name(bytes, error);
    if (status != TALLY_OK)
        return status;
    make_signer(bytes, seed, signer_out);
    return TALLY_OK;
}

tally_status
tally_signer_parse(const char *text, size_t size, struct tally_signer *signer_out,
                   struct tally_error *error)
{
    struct bytes rest = bytes_of(text, size);
    if (!text_take_prefix(&rest, secret_prefix))
        return fault(error, TALLY_INVALID, "a private key begins with PRIVATE+KEY+");
    struct key_text fields;
    tally_status status = parse_key_text(rest, &fields, error);
    if (status != TALLY_OK)
        return status;
    if (fields.algorithm != TALLY_ED25519) {
        ed25519_wipe(&fields, sizeof fields);
        return fault(error, TALLY_UNSUPPORTED, "private keys of witnesses are not supported");
    }

    struct tally_signer signer;
    make_signer(fields.name, fields.material, &signer);
    if (signer.vkey.id == fields.id)
        *signer_out = signer;
    else
        status = fault(error, TALLY_INVALID, "the private key's id does not belong to it");
    ed25519_wipe(&fields, sizeof fields);
    tally_signer_wipe(&signer);
    return status;
}

void
tally_signer_format(const struct tally_signer *signer, char out[TALLY_SIGNER_TEXT_SIZE])
{
    struct text_out text = { .data = out, .capacity = TALLY_SIGNER_TEXT_SIZE };
    text_put(&text, secret_prefix);
    /* libsodium's secret key begins with the seed. */
    format_key_text(&signer->vkey, signer->secret, &text);
}

void
tally_signer_vkey(const struct tally_signer *signer, struct tally_vkey *vkey_out)
{
    *vkey_out = signer->vkey;
}

void
tally_signer_wipe(struct tally_signer *signer)
{
    ed25519_wipe(signer, sizeof *signer);
}
