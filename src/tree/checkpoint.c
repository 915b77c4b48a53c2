/*
 * checkpoint.c - the three lines that a trail signs.
 *
 *     origin      0x0A    not empty
 *     size        0x0A    decimal, no leading zeros, at most 2^63 - 1
 *     root        0x0A    base64 of 32 bytes
 *     extension   0x0A    any number of lines, none empty
 *
 * Invariant: parsing and formatting are strict inverses, so a checkpoint has one text, and whoever
 * signs or compares texts signs or compares checkpoints. The empty tree has one root, SHA-256 of
 * nothing, and no other is read or written for size 0.
 */
#include "tally/checkpoint.h"

#include "fault.h"
#include "tree_text.h"
#include <inttypes.h>

static tally_status
check_root(const struct tally_checkpoint *checkpoint, struct tally_error *error)
{
    struct tally_hash empty;
    tally_hash_empty(&empty);
    if (checkpoint->size == 0 && !tally_hash_equal(&checkpoint->root, &empty))
        return fault(error, TALLY_INVALID, "a checkpoint of size 0 has the empty tree's root");
    return TALLY_OK;
}

static tally_status
check_origin(struct bytes origin, struct tally_error *error)
{
    if (origin.size > TALLY_ORIGIN_MAX || !text_is_line(origin))
        return fault(error, TALLY_INVALID,
                     "a checkpoint's origin is a line of 1 to %d bytes of UTF-8", TALLY_ORIGIN_MAX);
    return TALLY_OK;
}

static tally_status
check_extension(struct bytes extension, struct tally_error *error)
{
    while (extension.size > 0) {
        struct bytes line;
        if (!text_take_line(&extension, &line) || !text_is_line(line))
            return fault(
                error, TALLY_INVALID,
                "a checkpoint's extension lines are UTF-8, not empty, each with a newline");
    }
    return TALLY_OK;
}

tally_status
tally_checkpoint_format(const struct tally_checkpoint *checkpoint, char *out, size_t capacity,
                        size_t *size_out, struct tally_error *error)
{
    struct bytes origin =
        bytes_of(checkpoint->origin, strnlen(checkpoint->origin, sizeof checkpoint->origin));
    struct bytes extension = bytes_of(checkpoint->extension, checkpoint->extension_size);
    tally_status status;
    if ((status = check_origin(origin, error)) != TALLY_OK ||
        (status = check_root(checkpoint, error)) != TALLY_OK ||
        (status = check_extension(extension, error)) != TALLY_OK)
        return status;
    if (checkpoint->size > TALLY_TREE_SIZE_MAX)
        return fault(error, TALLY_INVALID, "no tree has %" PRIu64 " leaves", checkpoint->size);

    struct text_out text = {
        .data = out,
        .capacity = capacity < TALLY_CHECKPOINT_TEXT_MAX ? capacity : TALLY_CHECKPOINT_TEXT_MAX,
    };
    text_put(&text, origin);
    text_put(&text, bytes_text("\n"));
    text_put_decimal(&text, checkpoint->size);
    text_put(&text, bytes_text("\n"));
    text_put_base64(&text, bytes_of(checkpoint->root.bytes, TALLY_HASH_SIZE));
    text_put(&text, bytes_text("\n"));
    text_put(&text, extension);
    if (text.overflow)
        return fault(error, TALLY_INVALID, "the checkpoint is longer than %zu bytes",
                     text.capacity);
    *size_out = text.size;
    return TALLY_OK;
}

tally_status
tally_checkpoint_parse(const char *text, size_t size, struct tally_checkpoint *checkpoint_out,
                       struct tally_error *error)
{
    if (size > TALLY_CHECKPOINT_TEXT_MAX)
        return fault(error, TALLY_INVALID, "a checkpoint's text has at most %d bytes",
                     TALLY_CHECKPOINT_TEXT_MAX);
    struct bytes rest = bytes_of(text, size);
    struct bytes origin, decimal, root;
    if (!text_take_line(&rest, &origin) || !text_take_line(&rest, &decimal) ||
        !text_take_line(&rest, &root))
        return fault(error, TALLY_INVALID, "a checkpoint has three lines at least");

    struct tally_checkpoint checkpoint = { .extension = NULL };
    tally_status status = check_origin(origin, error);
    if (status != TALLY_OK)
        return status;
    memcpy(checkpoint.origin, origin.data, origin.size);
    if (!text_decimal(decimal, &checkpoint.size))
        return fault(error, TALLY_INVALID,
                     "a checkpoint's size is a decimal below 2^63 without leading zeros");
    if (!text_hash(root, &checkpoint.root))
        return fault(error, TALLY_INVALID, "a checkpoint's root is 32 bytes in base64");
    if ((status = check_root(&checkpoint, error)) != TALLY_OK ||
        (status = check_extension(rest, error)) != TALLY_OK)
        return status;
    if (rest.size > 0) {
        checkpoint.extension = (const char *)rest.data;
        checkpoint.extension_size = rest.size;
    }
    *checkpoint_out = checkpoint;
    return TALLY_OK;
}

tally_status
tally_checkpoint_sign(const struct tally_checkpoint *checkpoint, const struct tally_signer *signer,
                      char *out, size_t capacity, size_t *size_out, struct tally_error *error)
{
    char text[TALLY_CHECKPOINT_TEXT_MAX];
    size_t size;
    tally_status status = tally_checkpoint_format(checkpoint, text, sizeof text, &size, error);
    if (status != TALLY_OK)
        return status;
    return tally_note_sign(text, size, signer, out, capacity, size_out, error);
}

tally_status
tally_checkpoint_open(const char *note, size_t size, const struct tally_vkey *vkey,
                      const char *origin, struct tally_checkpoint *checkpoint_out,
                      struct tally_error *error)
{
    if (vkey->algorithm != TALLY_ED25519)
        return fault(error, TALLY_INVALID, "%s+%08x is a witness's key, not a trail's", vkey->name,
                     vkey->id);
    if (origin == NULL)
        origin = vkey->name;

    struct tally_note opened;
    tally_status status = tally_note_open(note, size, vkey, 1, &opened, error);
    if (status != TALLY_OK)
        return status;
    struct tally_checkpoint checkpoint;
    status = tally_checkpoint_parse(opened.text, opened.text_size, &checkpoint, error);
    if (status != TALLY_OK)
        return status;
    if (strcmp(checkpoint.origin, origin) != 0)
        return fault(error, TALLY_DISAGREES, "the checkpoint is of %s, not of %s",
                     checkpoint.origin, origin);
    *checkpoint_out = checkpoint;
    return TALLY_OK;
}
