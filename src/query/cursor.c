/*
 * Cursors.
 *
 *     offset  size
 *          0     1   version, 1
 *          1     1   order (enum scan_order)
 *          2     8   size of the trail at the first page
 *         10     8   now at the first page, nanoseconds since 1970
 *         18     8   order time of the last hit
 *         26     8   index of the last hit
 *         34    32   HMAC-SHA-256 of "tally/cursor/v1\0", the bytes before, control (1), and trail,
 *                    role and filter, each after its size (8)
 *
 * Integers are little-endian. Sizes go before texts, so that no two bindings give the same bytes.
 * Which of them differs cannot be told from a code that does not fit, and need not be.
 */
#include "cursor.h"

#include "base64.h"
#include "buffer.h"
#include "fault.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define CURSOR_VERSION 1
#define PAYLOAD_SIZE   34
#define CODE_SIZE      32
#define CURSOR_SIZE    (PAYLOAD_SIZE + CODE_SIZE)

_Static_assert(CURSOR_SIZE % 3 == 0, "base64 without padding");
_Static_assert(CURSOR_TEXT_SIZE == BASE64_SIZE(CURSOR_SIZE), "as cursor.h says");

static void
put_sized(struct buffer *buffer, struct bytes bytes)
{
    buffer_u64(buffer, bytes.size);
    buffer_bytes(buffer, bytes);
}

static tally_status
authenticate(const uint8_t key[CURSOR_KEY_SIZE], const struct cursor_binding *binding,
             const uint8_t payload[PAYLOAD_SIZE], uint8_t code_out[CODE_SIZE],
             struct tally_error *error)
{
    static const char domain[] = "tally/cursor/v1"; /* with its NUL */
    struct buffer message = { 0 };
    unsigned size = CODE_SIZE;

    buffer_append(&message, domain, sizeof domain);
    buffer_append(&message, payload, PAYLOAD_SIZE);
    buffer_byte(&message, binding->control == CONTROL_INCLUDED);
    put_sized(&message, binding->trail);
    put_sized(&message, binding->role);
    put_sized(&message, binding->filter);
    bool done = !buffer_failed(&message) && HMAC(EVP_sha256(), key, CURSOR_KEY_SIZE, message.data,
                                                 message.size, code_out, &size) != NULL;
    buffer_free(&message);
    return done ? TALLY_OK : memory_fault(error);
}

tally_status
cursor_write(const uint8_t key[CURSOR_KEY_SIZE], const struct cursor_binding *binding,
             const struct cursor *cursor, char text[CURSOR_TEXT_SIZE], struct tally_error *error)
{
    uint8_t bytes[CURSOR_SIZE];
    assert(cursor->place.begun);

    bytes[0] = CURSOR_VERSION;
    bytes[1] = (uint8_t)binding->order;
    put_u64(bytes + 2, cursor->size);
    put_u64(bytes + 10, (uint64_t)cursor->now);
    put_u64(bytes + 18, (uint64_t)cursor->place.last.time);
    put_u64(bytes + 26, cursor->place.last.index);
    tally_status status = authenticate(key, binding, bytes, bytes + PAYLOAD_SIZE, error);
    if (status != TALLY_OK)
        return status;

    base64_encode(bytes, sizeof bytes, text);
    for (unsigned i = 0; i < CURSOR_TEXT_SIZE; i++) {
        if (text[i] == '+')
            text[i] = '-';
        else if (text[i] == '/')
            text[i] = '_';
    }
    return TALLY_OK;
}

/* base64url, strictly: only its own two signs. */
static bool
decode(struct bytes text, uint8_t bytes_out[CURSOR_SIZE])
{
    uint8_t plain[CURSOR_TEXT_SIZE];
    size_t size;
    if (text.size != CURSOR_TEXT_SIZE)
        return false;
    for (unsigned i = 0; i < CURSOR_TEXT_SIZE; i++) {
        uint8_t c = text.data[i];
        if (c == '+' || c == '/')
            return false;
        plain[i] = c == '-' ? '+' : c == '_' ? '/' : c;
    }
    return base64_decode(bytes_of(plain, sizeof plain), bytes_out, CURSOR_SIZE, &size) &&
           size == CURSOR_SIZE;
}

tally_status
cursor_read(const uint8_t key[CURSOR_KEY_SIZE], const struct cursor_binding *binding,
            struct bytes text, struct cursor *cursor_out, struct tally_error *error)
{
    uint8_t bytes[CURSOR_SIZE], code[CODE_SIZE];
    if (!decode(text, bytes))
        return fault(error, TALLY_INVALID,
                     "this is not a cursor; leave it out to begin with the first page");
    tally_status status = authenticate(key, binding, bytes, code, error);
    if (status != TALLY_OK)
        return status;
    if (CRYPTO_memcmp(code, bytes + PAYLOAD_SIZE, CODE_SIZE) != 0 || bytes[0] != CURSOR_VERSION ||
        bytes[1] != binding->order)
        return fault(error, TALLY_INVALID,
                     "this cursor is of another query: it goes with the trail, filter, order and "
                     "role it was given for; leave it out to begin with the first page");

    *cursor_out = (struct cursor){
        .size = get_u64(bytes + 2),
        .now = (int64_t)get_u64(bytes + 10),
        .place = { true, { (int64_t)get_u64(bytes + 18), get_u64(bytes + 26) } },
    };
    return TALLY_OK;
}
