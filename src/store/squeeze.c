/*
 * squeeze.c - bytes made smaller, and primers.
 *
 * The idea: text of a column resembles itself. A block of 256 rows is small enough to read one
 * entry at little cost and too small to compress well alone, so each column may have a primer: up
 * to 32 KiB of its own text that every block is compressed against.
 *
 * The bytes: a method, then the payload.
 *
 *     0   the plain bytes
 *     1   a Zstandard frame (RFC 8878) with its content size, without checksum
 *     2   the same, made with the column's primer
 *
 * Invariants: a squeezed block is never more than one byte longer than the plain one; what a frame
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

/* Level 1 is smaller and faster than 3 on audit events. */
#define LEVEL 1

/* Below this, a frame's header costs more than compression gives. */
#define WORTH_COMPRESSING 32

/* A buffer that one great block made this large is given back after it. */
#define BUFFER_KEEP_MAX ((size_t)4 << 20)

/* A primer makes blocks about 5 % smaller, so that a column must have this much text for it to pay.
 */
#define PRIMED_SIZE_MIN ((uint64_t)4 << 20)

/* The first byte of a primer. Without it, text might begin like a dictionary that zstd has trained,
 * and zstd would look for tables in it. */
#define NOT_TRAINED 0

struct primer {
    ZSTD_CDict *encode;
    ZSTD_DDict *decode;
};

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

static tally_status
read_frame(struct codec_workspace *workspace, const struct primer *primer, struct bytes frame,
           size_t size_max, struct buffer *plain, struct tally_error *error)
{
    unsigned long long claimed = ZSTD_getFrameContentSize(frame.data, frame.size);
    if (claimed > size_max) /* also ZSTD_CONTENTSIZE_UNKNOWN and ZSTD_CONTENTSIZE_ERROR */
        return fault(error, TALLY_DAMAGED, "a compressed block does not say a possible size");

    if (workspace->decompressor == NULL)
        workspace->decompressor = ZSTD_createDCtx();
    uint8_t *room = buffer_reserve(plain, (size_t)claimed);
    if (workspace->decompressor == NULL || room == NULL)
        return memory_fault(error);

    size_t size = primer == NULL
                      ? ZSTD_decompressDCtx(workspace->decompressor, room, (size_t)claimed,
                                            frame.data, frame.size)
                      : ZSTD_decompress_usingDDict(workspace->decompressor, room, (size_t)claimed,
                                                   frame.data, frame.size, primer->decode);
    if (ZSTD_isError(size) && ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation)
        return memory_fault(error);
    if (ZSTD_isError(size) || size != claimed)
        return fault(error, TALLY_DAMAGED, "a compressed block cannot be read");
    plain->size += size;
    return TALLY_OK;
}

tally_status
unsqueeze(struct codec_workspace *workspace, const struct primer *primer, struct bytes encoded,
          size_t size_max, struct buffer *plain, struct tally_error *error)
{
    assert(primer == NULL || primer->decode != NULL);
    uint8_t method;

    buffer_clear(plain);
    if (plain->capacity > BUFFER_KEEP_MAX)
        buffer_free(plain);
    if (!take_u8(&encoded, &method))
        return fault(error, TALLY_DAMAGED, "a block is empty");
    if (method == METHOD_ZSTD)
        return read_frame(workspace, NULL, encoded, size_max, plain, error);
    if (method == METHOD_PRIMED && primer != NULL)
        return read_frame(workspace, primer, encoded, size_max, plain, error);
    if (method != METHOD_PLAIN || encoded.size > size_max)
        return fault(error, TALLY_DAMAGED, "a block is compressed in no known way (%u)", method);
    buffer_bytes(plain, encoded);
    return buffer_failed(plain) ? memory_fault(error) : TALLY_OK;
}

static size_t
varints_size_max(uint32_t count)
{
    return (size_t)count * VARINT_SIZE_MAX;
}

/* A length is stored one greater than it is, 0 for an absent value. All lengths come before all
 * bytes, so that the texts stand together. */
tally_status
values_encode(struct codec_workspace *workspace, const struct primer *primer,
              const struct bytes *values, uint32_t count, struct buffer *out,
              struct tally_error *error)
{
    struct buffer *plain = &workspace->plain;
    buffer_clear(plain);

    uint8_t *at = buffer_reserve(plain, varints_size_max(count));
    if (at == NULL)
        return memory_fault(error);
    for (uint32_t i = 0; i < count; i++) {
        assert(values[i].size <= CODEC_VALUE_MAX);
        uint32_t length = values[i].data == NULL ? 0 : (uint32_t)values[i].size + 1;
        plain->size += put_varint(plain->data + plain->size, length);
    }
    for (uint32_t i = 0; i < count; i++)
        buffer_bytes(plain, values[i]);
    if (buffer_failed(plain))
        return memory_fault(error);
    assert(plain->size <= BLOCK_SIZE_MAX);

    tally_status status = squeeze(workspace, primer, buffer_view(plain), out, error);
    if (plain->capacity > BUFFER_KEEP_MAX)
        buffer_free(plain);
    return status;
}

tally_status
values_decode(struct codec_workspace *workspace, const struct primer *primer, struct bytes encoded,
              uint32_t count, size_t size_max, struct buffer *plain, struct bytes *values_out,
              struct tally_error *error)
{
    tally_status status = unsqueeze(workspace, primer, encoded, size_max, plain, error);
    if (status != TALLY_OK)
        return status;

    struct bytes rest = buffer_view(plain);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t length;
        if (!take_varint(&rest, &length) || length > CODEC_VALUE_MAX + 1)
            return fault(error, TALLY_DAMAGED, "the length of value %u of a block is wrong", i);
        values_out[i].data = length == 0 ? NULL : plain->data;
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

tally_status
primer_make(const struct column_profile *profile, const struct bytes *values, size_t count,
            struct buffer *out, struct tally_error *error)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += values[i].size;
    if (profile->text_size < PRIMED_SIZE_MIN || total < PRIMER_SIZE_MAX)
        return TALLY_ABSENT;

    /* Every step-th value, so that all parts of the sample have a share. */
    size_t start = out->size;
    size_t step = (size_t)(total / PRIMER_SIZE_MAX);
    buffer_byte(out, NOT_TRAINED);
    for (size_t i = 0; i < count; i += step) {
        size_t room = PRIMER_SIZE_MAX - (out->size - start);
        buffer_append(out, values[i].data, values[i].size < room ? values[i].size : room);
        if (buffer_failed(out)) {
            out->size = start;
            return memory_fault(error);
        }
    }
    return TALLY_OK;
}

tally_status
primer_create(struct bytes bytes, enum primer_use use, struct primer **primer_out,
              struct tally_error *error)
{
    if (bytes.size == 0 || bytes.data[0] != NOT_TRAINED)
        return fault(error, TALLY_DAMAGED, "a column's primer does not begin like one");
    struct primer *primer = calloc(1, sizeof *primer);
    if (primer == NULL)
        return memory_fault(error);

    if (use == PRIMER_ENCODE)
        primer->encode = ZSTD_createCDict(bytes.data, bytes.size, LEVEL);
    else
        primer->decode = ZSTD_createDDict(bytes.data, bytes.size);
    if (primer->encode == NULL && primer->decode == NULL) {
        free(primer);
        return memory_fault(error);
    }
    *primer_out = primer;
    return TALLY_OK;
}

void
primer_destroy(struct primer *primer)
{
    if (primer == NULL)
        return;
    ZSTD_freeCDict(primer->encode);
    ZSTD_freeDDict(primer->decode);
    free(primer);
}

size_t
primer_memory(const struct primer *primer)
{
    return sizeof *primer + ZSTD_sizeof_CDict(primer->encode) + ZSTD_sizeof_DDict(primer->decode);
}
