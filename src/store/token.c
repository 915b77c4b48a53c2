/*
 * token.c - how tokens are computed.
 *
 * A token is a hash of what kind of thing it is (the field's name and how the value was read) and
 * of its bytes. Texts are read as filters compare them:
 *
 *     plain       the bytes
 *     UUID, hex   the 16 bytes they spell: a column has them so, and they need not be spelled out
 *     address     16 bytes, IPv4 as its mapped address: the term compares addresses as such
 *     `id`        the hash that the index of ids is keyed by, so that one token serves both
 *     number      sign, exponent and significant digits, in members only: a term on a member may
 *                 compare by value. Every number can be read so, at any length; a text that spells
 *                 a number has that number's token, since the term compares it as text too
 *
 * Invariants: values that a term cannot tell apart have one token; which way a value is read
 * depends on its bytes alone.
 */
#include "token.h"

#include "decimal.h"
#include "id_index.h"
#include "network.h"
#include "token_hash.h"

#include <assert.h>

/* id_hash() of each field's name. */
static const uint64_t name_hashes[FIELD_COUNT] = {
    [FIELD_ACTION] = UINT64_C(0x4bbabfd537db1f3a),
    [FIELD_ACTOR_TYPE] = UINT64_C(0x670a830bc8828144),
    [FIELD_CHANGES] = UINT64_C(0xaf91f49a4e888c69),
    [FIELD_CONTROL] = UINT64_C(0x75089f6bd1f9438a),
    [FIELD_CORRELATION_ID] = UINT64_C(0x3ba6f3a754393d56),
    [FIELD_CRUD] = UINT64_C(0x5214e4e7a87444e7),
    [FIELD_DETAILS] = UINT64_C(0x83e8af85dbab1054),
    [FIELD_ENDPOINT] = UINT64_C(0x53d26e198670cb24),
    [FIELD_ERROR_MESSAGE] = UINT64_C(0x982752dc9ceaa4e4),
    [FIELD_EVENT_TYPE] = UINT64_C(0xabb20fb5457bdef1),
    [FIELD_GROUP_ID] = UINT64_C(0x2632908b3a22007d),
    [FIELD_ID] = UINT64_C(0x30153ad7b762045c),
    [FIELD_IP_ADDRESS] = UINT64_C(0xba00f2d3230daf3b),
    [FIELD_MESSAGE] = UINT64_C(0xf8830a538037e211),
    [FIELD_METHOD] = UINT64_C(0x52f0d7ebe0bc278f),
    [FIELD_ON_BEHALF_OF] = UINT64_C(0xeb7871bd44929a97),
    [FIELD_PRIVATE] = UINT64_C(0xfeffc322ae030a9a),
    [FIELD_RECEIVED] = UINT64_C(0xe6cfa7464b80be3a),
    [FIELD_REQUEST_ID] = UINT64_C(0x2faa31380605af42),
    [FIELD_RESOURCE_ID] = UINT64_C(0x7ef2804dca6a1afb),
    [FIELD_RESOURCE_TYPE] = UINT64_C(0xfc50d89fea9689f2),
    [FIELD_RESPONSE_TIME_MS] = UINT64_C(0x19ddf3929b4f579e),
    [FIELD_SERVICE] = UINT64_C(0x41b3a8d3612244d0),
    [FIELD_SESSION_ID] = UINT64_C(0xa0b7ba546c974a64),
    [FIELD_SEVERITY] = UINT64_C(0xdb2b8721c98557d7),
    [FIELD_STATUS] = UINT64_C(0xaa61f0a64ac83933),
    [FIELD_STATUS_CODE] = UINT64_C(0x279ca25bbc6e147c),
    [FIELD_TIMESTAMP] = UINT64_C(0xfb9c980dda502bf2),
    [FIELD_TRACE_ID] = UINT64_C(0xd21f2d53c0e07cfa),
    [FIELD_USER_AGENT] = UINT64_C(0x8622d6e4df9ab078),
    [FIELD_USER_EMAIL] = UINT64_C(0x69370ef04f67b8cf),
    [FIELD_USER_ID] = UINT64_C(0x49cd832b473c0ad8),
    [FIELD_V] = UINT64_C(0x96b03a1b7e1dd502),
    [FIELD_WRITER] = UINT64_C(0x905c29e0b3a736d9),
};

uint64_t
token_key(enum field_id field, enum token_kind kind)
{
    return token_mix(name_hashes[field] + (uint64_t)kind);
}

static uint64_t
token_make(enum field_id field, enum token_kind kind, uint64_t hash)
{
    return token_finish(token_key(field, kind), hash);
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
token_fields_of_objects(void)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < FIELD_COUNT; i++)
        if (fields[i].type == TYPE_OBJECT)
            mask |= FIELD_BIT(i);
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

uint64_t
token_number_ends(bool negative, int64_t exponent)
{
    uint8_t ends[9];
    ends[0] = negative;
    put_u64(ends + 1, (uint64_t)exponent);
    return id_hash(bytes_of(ends, sizeof ends));
}

/* The digits without the point that may stand among them, TOKEN_DIGITS_CHUNK at a time. */
static uint64_t
number_hash(const struct decimal *number)
{
    uint8_t digits[TOKEN_DIGITS_CHUNK];
    uint64_t hash = 0;
    size_t size = 0;
    for (size_t i = 0; i < number->digits.size; i++) {
        if (number->digits.data[i] != '.')
            digits[size++] = number->digits.data[i];
        if (size == sizeof digits) {
            hash = token_mix(hash ^ id_hash(bytes_of(digits, size)));
            size = 0;
        }
    }
    return token_number(hash ^ id_hash(bytes_of(digits, size)),
                        token_number_ends(number->negative, number->exponent));
}

uint64_t
token_of_member(enum field_id object, struct bytes text)
{
    assert(fields[object].type == TYPE_OBJECT);
    struct decimal number;
    bool digits = text.size > 0 && (uint8_t)(text.data[0] - '-') <= '9' - '-';
    if (digits && decimal_read(text, &number))
        return token_make(object, TOKEN_NUMBER, number_hash(&number));
    return token_make(object, TOKEN_PLAIN, id_hash(text));
}
