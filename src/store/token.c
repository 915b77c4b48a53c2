/*
 * token.c - how tokens are computed.
 *
 * A token is a hash of what kind of thing it is (the field's name and how the value was read) and of
 * its bytes. Texts are read as filters compare them:
 *
 *     plain       the bytes
 *     UUID, hex   the 16 bytes they spell: a column has them so, and they need not be spelled out
 *     address     16 bytes, IPv4 as its mapped address: the term compares addresses as such
 *     `id`        the hash that the index of ids is keyed by, so that one token serves both
 *     number      sign, exponent and significant digits, in members only: a term on a member may
 *                 compare by value. Every number can be read so, at any length; a text that spells
 *                 a number has that number's token, since the term compares it as text too
 *
 * Invariants: values that a term cannot tell apart have one token; which way a value is read depends
 * on its bytes alone.
 */
#include "token.h"

#include "decimal.h"
#include "id_index.h"
#include "network.h"

#include <assert.h>

#define HASH_FACTOR   UINT64_C(0x9fb21c651e98df25)
#define FINISH_FACTOR UINT64_C(0xff51afd7ed558ccd)

/* Digits of a number are hashed so many at a time. */
#define DIGITS_CHUNK 64u

/* How a value was read. The numbers are stored, in what they make of a token. */
enum token_kind {
    TOKEN_PLAIN = 0,
    TOKEN_UUID = 1,
    TOKEN_HEX = 2,
    TOKEN_ADDRESS = 3,
    TOKEN_NUMBER = 4,
};

static uint64_t
mix(uint64_t hash)
{
    hash *= HASH_FACTOR;
    hash ^= hash >> 32;
    hash *= FINISH_FACTOR;
    return hash ^ hash >> 29;
}

static uint64_t
token_make(enum field_id field, enum token_kind kind, uint64_t hash)
{
    return mix(hash ^ mix(id_hash(fields[field].name) + (uint64_t)kind));
}

uint64_t
token_fields(void)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        bool text = fields[i].type == TYPE_TEXT || fields[i].type == TYPE_NAME;
        bool repeats_or_id =
            fields[i].column == COLUMN_HINT_CODES || fields[i].column == COLUMN_HINT_ID;
        if ((text && repeats_or_id) || fields[i].type == TYPE_OBJECT)
            mask |= FIELD_BIT(i);
    }
    return mask;
}

uint64_t
token_of_address(const uint8_t address[16])
{
    return token_make(FIELD_IP_ADDRESS, TOKEN_ADDRESS, id_hash(bytes_of(address, 16)));
}

uint64_t
token_of_value(enum field_id field, struct bytes value)
{
    assert(fields[field].type != TYPE_OBJECT);
    uint8_t raw[16];
    uint8_t form;
    if (field == FIELD_ID)
        return id_hash(value);
    if (field == FIELD_IP_ADDRESS && address_read(value, raw))
        return token_of_address(raw);
    if (id_read(value, raw, &form))
        return token_of_id(field, raw, form);
    return token_make(field, TOKEN_PLAIN, id_hash(value));
}

uint64_t
token_of_id(enum field_id field, const uint8_t id[16], uint8_t form)
{
    assert(form == ID_UUID || form == ID_HEX);
    if (field == FIELD_ID) {
        char text[PAGE_TEXT_MAX];
        return id_hash(bytes_of(text, id_write(id, form, text)));
    }
    return token_make(field, form == ID_UUID ? TOKEN_UUID : TOKEN_HEX, id_hash(bytes_of(id, 16)));
}

bool
token_covers_member(struct bytes text)
{
    bool blank = false;
    if (text.size == 0 || text.size > TOKEN_MEMBER_SIZE_MAX)
        return false;
    for (size_t i = 0; i < text.size; i++)
        blank |= text.data[i] <= ' ';
    return !blank && !bytes_is(text, "true") && !bytes_is(text, "false") && !bytes_is(text, "null");
}

/* The digits without the point that may stand among them. */
static uint64_t
number_hash(const struct decimal *number)
{
    uint8_t digits[DIGITS_CHUNK];
    uint8_t ends[9];
    uint64_t hash = 0;
    size_t size = 0;
    for (size_t i = 0; i < number->digits.size; i++) {
        if (number->digits.data[i] != '.')
            digits[size++] = number->digits.data[i];
        if (size == sizeof digits) {
            hash = mix(hash ^ id_hash(bytes_of(digits, size)));
            size = 0;
        }
    }
    hash = mix(hash ^ id_hash(bytes_of(digits, size)));
    ends[0] = number->negative;
    put_u64(ends + 1, (uint64_t)number->exponent);
    return mix(hash ^ id_hash(bytes_of(ends, sizeof ends)));
}

uint64_t
token_of_member(enum field_id object, struct bytes text)
{
    assert(fields[object].type == TYPE_OBJECT);
    struct decimal number;
    if (decimal_read(text, &number))
        return token_make(object, TOKEN_NUMBER, number_hash(&number));
    return token_make(object, TOKEN_PLAIN, id_hash(text));
}
