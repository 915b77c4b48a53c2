/*
 * vectors.h - read the test vectors that lie beside the project.
 *
 * They are looked up under $TALLY_SHARED/vectors, by default ../shared/vectors. Where that folder
 * is absent the running test is skipped; where one file of it is, or is malformed, the test fails.
 */
#ifndef VECTORS_H
#define VECTORS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "bytes.h"
#include "tally/hash.h"

/* False where there are no vectors, having said so as TAP does; main() then returns 0 at once. */
bool vectors_present(void);

/* A file's JSON (a name in .gz is unpacked). The caller owns it: json_decref(). */
json_t *vectors_json(const char *name);

/* Calls `visit` with every JSON file below the folder, in no order; returns how many there were. */
unsigned vectors_each(const char *folder, void (*visit)(const char *name, const json_t *json));

/* A member that has to be there; lent. */
const json_t *vectors_member(const json_t *object, const char *name);
struct bytes vectors_text(const json_t *object, const char *name);

/* An integer; one too large for 64 bits is UINT64_MAX. */
uint64_t vectors_number(const json_t *object, const char *name);

/* Members in hexadecimal or base64, decoded into memory of the caller's; false where the size
 * differs or the text does not decode. */
bool vectors_hash(const json_t *base64, struct tally_hash *hash_out);
bool vectors_hex(const json_t *hex, void *out, size_t size);

#endif
