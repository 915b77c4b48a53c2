/*
 * squeeze.c - bytes made smaller.
 *
 * The bytes: a method, then the payload.
 *
 *     0   the plain bytes
 *     1   a Zstandard frame (RFC 8878) with its content size, without checksum
 *     2   the same, made with the column's primer
 *
 * Invariants: squeezed bytes are never more than one longer than the plain ones; what a frame
 * claims to hold is checked against a limit before memory is taken, and against what it held after.
 */
#include "codec_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <zstd_errors.h>

enum method {
    METHOD_PLAIN = 0,
    METHOD_ZSTD = 1,
    METHOD_PRIMED = 2,
};

/* Without a primer; one has a level of its own. Level 3 is slower here, and hardly smaller. */
#define LEVEL 1

/* Below this, a frame's header costs more than compression gives. */
#define WORTH_COMPRESSING 32

tally_status
codec_workspace_create(struct codec_workspace **workspace_out, struct tally_error *error)
{
    struct codec_workspace *workspace = calloc(1, sizeof *workspace);
    if (workspace == NULL)
        return memory_fault(error);
    *workspace_out = workspace;
    return TALLY_OK;
}

void
codec_workspace_destroy(struct codec_workspace *workspace)
{
    if (workspace == NULL)
        return;
    ZSTD_freeCCtx(workspace->compressor);
    ZSTD_freeDCtx(workspace->decompressor);
    buffer_free(&workspace->plain);
    buffer_free(&workspace->strips);
    free(workspace->scratch);
    free(workspace);
}

struct encode_scratch *
workspace_scratch(struct codec_workspace *workspace)
{
    if (workspace->scratch == NULL)
        workspace->scratch = malloc(sizeof *workspace->scratch);
    return workspace->scratch;
}

static bool
prepare_compressor(struct codec_workspace *workspace, const struct primer *primer)
{
    if (workspace->compressor == NULL) {
        ZSTD_CCtx *fresh = ZSTD_createCCtx();
        if (fresh == NULL)
            return false;
        /* The segment's block has a checksum and knows its primer. */
        if (ZSTD_isError(ZSTD_CCtx_setParameter(fresh, ZSTD_c_compressionLevel, LEVEL)) ||
            ZSTD_isError(ZSTD_CCtx_setParameter(fresh, ZSTD_c_checksumFlag, 0)) ||
            ZSTD_isError(ZSTD_CCtx_setParameter(fresh, ZSTD_c_dictIDFlag, 0))) {
            ZSTD_freeCCtx(fresh);
            return false;
        }
        workspace->compressor = fresh;
    }
    const ZSTD_CDict *dictionary = primer == NULL ? NULL : primer->encode;
    return !ZSTD_isError(ZSTD_CCtx_refCDict(workspace->compressor, dictionary));
}

/* The size of the frame appended, or 0 where there is none that is smaller than the plain bytes. */
static size_t
append_frame(struct codec_workspace *workspace, struct bytes plain, struct buffer *out)
{
    size_t bound = ZSTD_compressBound(plain.size);
    uint8_t *room = buffer_reserve(out, bound);
    if (room == NULL)
        return 0;
    size_t size = ZSTD_compress2(workspace->compressor, room, bound, plain.data, plain.size);
    if (ZSTD_isError(size) || size >= plain.size)
        return 0;
    out->size += size;
    return size;
}

tally_status
squeeze(struct codec_workspace *workspace, const struct primer *primer, struct bytes plain,
        struct buffer *out, struct tally_error *error)
{
    assert(primer == NULL || primer->encode != NULL);
    size_t start = out->size;

    if (plain.size >= WORTH_COMPRESSING) {
        if (!prepare_compressor(workspace, primer))
            return memory_fault(error);
        buffer_byte(out, primer == NULL ? METHOD_ZSTD : METHOD_PRIMED);
        if (append_frame(workspace, plain, out) > 0)
            return TALLY_OK;
    }
    if (!buffer_failed(out)) {
        out->size = start;
        buffer_byte(out, METHOD_PLAIN);
        buffer_bytes(out, plain);
    }
    return buffer_failed(out) ? memory_fault(error) : TALLY_OK;
}

tally_status
squeezed_size(struct bytes encoded, size_t size_max, size_t *size_out, struct tally_error *error)
{
    uint8_t method;
    if (!take_u8(&encoded, &method))
        return fault(error, TALLY_DAMAGED, "a block is empty");
    unsigned long long size = encoded.size;
    if (method != METHOD_PLAIN)
        size = ZSTD_getFrameContentSize(encoded.data, encoded.size);
    if (size > size_max) /* also ZSTD_CONTENTSIZE_UNKNOWN and ZSTD_CONTENTSIZE_ERROR */
        return fault(error, TALLY_DAMAGED, "a compressed block does not say a possible size");
    *size_out = (size_t)size;
    return TALLY_OK;
}

/* Appends the `claimed` bytes that the frame is to hold. */
static tally_status
read_frame(struct codec_workspace *workspace, const struct primer *primer, struct bytes frame,
           size_t claimed, struct buffer *plain, struct tally_error *error)
{
    if (workspace->decompressor == NULL)
        workspace->decompressor = ZSTD_createDCtx();
    uint8_t *room = buffer_reserve(plain, claimed);
    if (workspace->decompressor == NULL || room == NULL)
        return memory_fault(error);

    size_t size =
        primer == NULL
            ? ZSTD_decompressDCtx(workspace->decompressor, room, claimed, frame.data, frame.size)
            : ZSTD_decompress_usingDDict(workspace->decompressor, room, claimed, frame.data,
                                         frame.size, primer->decode);
    if (ZSTD_isError(size) && ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation)
        return memory_fault(error);
    if (ZSTD_isError(size) || size != claimed)
        return fault(error, TALLY_DAMAGED, "a compressed block cannot be read");
    plain->size += size;
    return TALLY_OK;
}

tally_status
unsqueeze_behind(struct codec_workspace *workspace, const struct primer *primer,
                 struct bytes encoded, size_t size_max, struct buffer *plain,
                 struct tally_error *error)
{
    assert(primer == NULL || primer->decode != NULL);
    size_t size;
    uint8_t method = METHOD_PLAIN;
    tally_status status = squeezed_size(encoded, size_max, &size, error);
    if (status != TALLY_OK)
        return status;
    (void)take_u8(&encoded, &method);
    if (method == METHOD_ZSTD)
        return read_frame(workspace, NULL, encoded, size, plain, error);
    if (method == METHOD_PRIMED && primer != NULL)
        return read_frame(workspace, primer, encoded, size, plain, error);
    if (method != METHOD_PLAIN)
        return fault(error, TALLY_DAMAGED, "a block is compressed in no known way (%u)", method);
    buffer_bytes(plain, encoded);
    return buffer_failed(plain) ? memory_fault(error) : TALLY_OK;
}

tally_status
unsqueeze(struct codec_workspace *workspace, const struct primer *primer, struct bytes encoded,
          size_t size_max, struct buffer *plain, struct tally_error *error)
{
    buffer_clear(plain);
    if (plain->capacity > BUFFER_KEEP_MAX)
        buffer_free(plain);
    return unsqueeze_behind(workspace, primer, encoded, size_max, plain, error);
}

static size_t
varints_size_max(uint32_t count)
{
    return (size_t)count * VARINT_SIZE_MAX;
}

/* A length is stored one greater than it is, 0 for an absent value. All lengths come before all
 * bytes, so that the texts stand together. */
void
values_join(const struct bytes *values, uint32_t count, struct buffer *plain)
{
    if (buffer_reserve(plain, varints_size_max(count)) == NULL)
        return;
    for (uint32_t i = 0; i < count; i++) {
        assert(values[i].size <= CODEC_VALUE_MAX);
        uint32_t length = values[i].data == NULL ? 0 : (uint32_t)values[i].size + 1;
        plain->size += put_varint(plain->data + plain->size, length);
    }
    for (uint32_t i = 0; i < count; i++)
        buffer_bytes(plain, values[i]);
}

tally_status
values_encode(struct codec_workspace *workspace, const struct primer *primer,
              const struct bytes *values, uint32_t count, struct buffer *out,
              struct tally_error *error)
{
    struct buffer *plain = &workspace->plain;
    buffer_clear(plain);
    values_join(values, count, plain);
    if (buffer_failed(plain))
        return memory_fault(error);
    assert(plain->size <= BLOCK_SIZE_MAX);

    tally_status status = squeeze(workspace, primer, buffer_view(plain), out, error);
    if (plain->capacity > BUFFER_KEEP_MAX)
        buffer_free(plain);
    return status;
}

tally_status
values_split(struct bytes plain, uint32_t count, struct bytes *values_out,
             struct tally_error *error)
{
    struct bytes rest = plain;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t length;
        if (!take_varint(&rest, &length) || length > CODEC_VALUE_MAX + 1)
            return fault(error, TALLY_DAMAGED, "the length of value %u of a block is wrong", i);
        values_out[i].data = length == 0 ? NULL : plain.data;
        values_out[i].size = length == 0 ? 0 : length - 1;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct bytes taken;
        if (values_out[i].data == NULL)
            continue;
        if (!take_bytes(&rest, values_out[i].size, &taken))
            return fault(error, TALLY_DAMAGED, "value %u of a block is cut short", i);
        values_out[i] = taken;
    }
    if (rest.size != 0)
        return fault(error, TALLY_DAMAGED, "a block has %zu bytes too many", rest.size);
    return TALLY_OK;
}

bool
values_pick(struct bytes plain, uint32_t count, uint32_t at, struct bytes *value_out)
{
    uint64_t total = 0, before = 0;
    uint32_t own = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t length;
        if (!take_varint(&plain, &length) || length > CODEC_VALUE_MAX + 1)
            return false;
        if (i == at) {
            before = total;
            own = length;
        }
        total += length - (length > 0);
    }
    if (total != plain.size)
        return false;
    *value_out = own == 0 ? bytes_of(NULL, 0) : bytes_of(plain.data + before, own - 1);
    return true;
}
