#include "evidence.h"

#include "base64.h"
#include "buffer.h"
#include "escape.h"

static void
put_base64(const uint8_t *data, size_t size, struct buffer *out)
{
    buffer_byte(out, '"');
    char *text = (char *)buffer_reserve(out, BASE64_SIZE(size));
    if (text != NULL) {
        base64_encode(data, size, text);
        out->size += BASE64_SIZE(size);
    }
    buffer_byte(out, '"');
}

static void
put_leaf(struct bytes public_part, struct buffer *out)
{
    struct tally_hash leaf;
    tally_hash_leaf(public_part.data, public_part.size, &leaf);
    char hex[2 * TALLY_HASH_SIZE];
    hex_encode(leaf.bytes, sizeof leaf.bytes, hex);
    buffer_byte(out, '"');
    buffer_append(out, hex, sizeof hex);
    buffer_byte(out, '"');
}

static void
put_private(const struct run_entry *entry, struct buffer *out)
{
    if (entry->erased) {
        buffer_text(out, ",\"private\":null,\"salt\":null");
        return;
    }
    buffer_text(out, ",\"private\":");
    escape_json_string(entry->private_part, out);
    buffer_text(out, ",\"salt\":");
    put_base64(entry->salt, sizeof entry->salt, out);
}

void
evidence_write(const struct run_entry *entry, const struct tally_proof *proof,
               struct bytes checkpoint, struct buffer *out)
{
    buffer_text(out, "{\"index\":");
    buffer_decimal(out, entry->index);
    buffer_text(out, ",\"public\":");
    escape_json_string(entry->public_part, out);
    put_private(entry, out);
    buffer_text(out, ",\"leaf\":");
    put_leaf(entry->public_part, out);
    buffer_text(out, ",\"proof\":[");
    for (unsigned i = 0; i < proof->count; i++) {
        if (i > 0)
            buffer_byte(out, ',');
        put_base64(proof->hashes[i].bytes, TALLY_HASH_SIZE, out);
    }
    buffer_text(out, "],\"checkpoint\":");
    escape_json_string(checkpoint, out);
    buffer_text(out, "}\n");
}
