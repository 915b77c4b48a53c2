/*
 * token.h - what a filter can ask for exactly, as 64 bits: a field's value, or a scalar that stands
 * anywhere in an object field.
 *
 * Indexes keep tokens in place of values. The law that makes them usable: whatever row an exact
 * term matches has one of the term's tokens among its own.
 *
 *     field:value            token_of_value(field, value)          if token_covers_field(field)
 *     ip_address:ADDRESS     token_of_address(ADDRESS), whatever the spelling
 *     object.any.path:value  token_of_member(object, value)        if token_covers_member(value)
 *
 * It does not work the other way round: other values may have the same token, and a member's token
 * says nothing of its path. Tokens are stored, so they never change; docs/format.md says how each
 * is computed. They are hashes without a key: who has a token can tell whether a value he guesses
 * is the one, so an index of private values is as private as they are.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include "run.h"

/* A string beyond this size has no member's token. */
#define TOKEN_MEMBER_SIZE_MAX 64u

/* The fields whose values have tokens, all of them: texts and names that repeat or are ids, and the
 * objects, whose members have. As a mask. */
uint64_t token_fields(void);
uint64_t token_fields_of_objects(void); /* the objects among them */

static inline bool
token_covers_field(enum field_id field)
{
    return (token_fields() & FIELD_BIT(field)) != 0;
}

/* The token of a text or name, of the field's value as the event layer gives it. UUIDs, hexadecimal
 * digits and addresses have the token of what they spell; that of an `id` is its hash in the index
 * of ids (id_index.h). Not for objects. */
uint64_t token_of_value(enum field_id field, struct bytes value);
uint64_t token_of_address(const uint8_t address[16]); /* as network.h reads them */
/* The same of an id as PAGE_IDS has it; `form` is ID_UUID or ID_HEX. */
uint64_t token_of_id(enum field_id field, const uint8_t id[16], uint8_t form);

/* Whether a decoded string has a token: 1 to TOKEN_MEMBER_SIZE_MAX bytes, none of them a blank or a
 * control character, and not `true`, `false` or `null`. */
bool token_covers_member(struct bytes text);

/* The token of a string, decoded, or of a number as it is spelled: numbers of the same value, and
 * texts that spell one of that value, share their token. */
uint64_t token_of_member(enum field_id object, struct bytes text);

/* One that is looked for. An index that does not cover the field cannot tell. */
struct token_sought {
    enum field_id field;
    uint64_t token;
};

#endif
