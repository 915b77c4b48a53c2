/*
 * uuid.h - RFC 9562 UUIDs: made (version 7 and 5), read and written.
 */
#ifndef UUID_H
#define UUID_H

#include "bytes.h"

#define UUID_TEXT_SIZE 36

/* A fresh version 7 UUID: `now_ns` gives its 48-bit millisecond time, the other 74 bits are random.
 * Those made by one thread in one millisecond ascend (section 6.2, method 2). */
void uuid_v7(int64_t now_ns, uint8_t uuid[16]);

/* Version 5: SHA-1 of the namespace and the name. */
void uuid_v5(const uint8_t namespace_uuid[16], struct bytes name, uint8_t uuid[16]);

/* Canonical text: lower case, 36 characters, no NUL. */
void uuid_format(const uint8_t uuid[16], char text[UUID_TEXT_SIZE]);

/* True only for exactly the canonical text (lower case), of any version, so that format(parse(t)) =
 * t.
 */
bool uuid_parse(struct bytes text, uint8_t uuid[16]);

#endif
