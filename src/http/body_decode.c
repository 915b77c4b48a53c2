/*
 * body_decode.c - undo a content coding, in memory that the coding cannot choose.
 *
 * Room is taken as it is filled, never by what a header announces, and ends with size_max bytes.
 * When they are full, decoding goes on into one byte beside them: a body of exactly size_max bytes
 * still has its checksum to be read, and whatever writes to that byte is too large.
 */
#include "body.h"

#include "fault.h"

#include <limits.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

/* zlib's largest window, and its flag for a gzip header and trailer. */
#define GZIP_WINDOW_BITS (15 + 16)
#define GZIP_FIRST_BYTE  0x1f

/* 8 MiB, the least that RFC 8878, section 3.1.1.1.2, has every decoder support. */
#define ZSTD_WINDOW_LOG_MAX 23

#define ZSTD_MAGIC_SIZE 4

/* Room is taken in steps, until so much was filled; then at once: growing a large buffer would have
 * it in memory twice, while room that was never written to is not in memory at all. */
#define STEP_SIZE   (64 * 1024u)
#define STEPS_MAX   (1024 * 1024u)
#define AT_ONCE_MAX (1024 * 1024 * 1024u)

struct decoding {
    struct bytes coded; /* what is not decoded yet */
    struct buffer *out;
    size_t done; /* by how much `out` has grown */
    size_t left; /* by how much it still may */
    uint8_t beyond;
    struct tally_error *error;
};

/* Where decoded bytes go next; data NULL when memory is short. */
static struct bytes
room(struct decoding *decoding)
{
    if (decoding->left == 0)
        return bytes_of(&decoding->beyond, 1);
    size_t size = decoding->done < STEPS_MAX ? STEP_SIZE : AT_ONCE_MAX;
    size = decoding->left < size ? decoding->left : size;
    return bytes_of(buffer_reserve(decoding->out, size), size);
}

/* Takes in what was written to the room. */
static tally_status
fill(struct decoding *decoding, size_t size)
{
    if (size > decoding->left)
        return fault(decoding->error, TALLY_FULL,
                     "the body is too large when it is decoded: send it in several requests");
    decoding->out->size += size;
    decoding->done += size;
    decoding->left -= size;
    return TALLY_OK;
}

static void
consume(struct decoding *decoding, size_t size)
{
    decoding->coded = bytes_of(decoding->coded.data + size, decoding->coded.size - size);
}

static tally_status
cut_short(struct decoding *decoding, const char *coding)
{
    return fault(decoding->error, TALLY_INVALID, "the body's %s data is cut short", coding);
}

static tally_status
something_else(struct decoding *decoding, const char *coding)
{
    return fault(decoding->error, TALLY_INVALID, "in the body stands something that is no %s data",
                 coding);
}

/* One member (RFC 1952, section 2.2). */
static tally_status
inflate_member(struct decoding *decoding, z_stream *stream)
{
    for (int result = Z_OK; result != Z_STREAM_END;) {
        struct bytes to = room(decoding);
        if (to.data == NULL)
            return memory_fault(decoding->error);
        uInt given = decoding->coded.size < UINT_MAX ? (uInt)decoding->coded.size : UINT_MAX;
        stream->next_in = decoding->coded.data;
        stream->avail_in = given;
        stream->next_out = (Bytef *)to.data;
        stream->avail_out = (uInt)to.size;
        result = inflate(stream, Z_NO_FLUSH);
        consume(decoding, given - stream->avail_in);

        if (result == Z_MEM_ERROR)
            return memory_fault(decoding->error);
        if (result == Z_BUF_ERROR)
            return cut_short(decoding, "gzip");
        if (result != Z_OK && result != Z_STREAM_END)
            return fault(decoding->error, TALLY_INVALID, "the body's gzip data is damaged");
        tally_status status = fill(decoding, to.size - stream->avail_out);
        if (status != TALLY_OK)
            return status;
    }
    return TALLY_OK;
}

static tally_status
decode_gzip(struct decoding *decoding)
{
    z_stream stream = { 0 };
    if (inflateInit2(&stream, GZIP_WINDOW_BITS) != Z_OK)
        return memory_fault(decoding->error);

    tally_status status;
    do {
        (void)inflateReset(&stream);
        if (decoding->coded.size > 0 && decoding->coded.data[0] != GZIP_FIRST_BYTE)
            status = something_else(decoding, "gzip");
        else
            status = inflate_member(decoding, &stream);
    } while (status == TALLY_OK && decoding->coded.size > 0);
    (void)inflateEnd(&stream);
    return status;
}

/* Whether a frame begins here that RFC 8878 knows: the library may also read the formats that were
 * before it. */
static bool
is_frame(struct bytes coded)
{
    uint32_t magic = get_u32(coded.data);
    return magic == ZSTD_MAGICNUMBER ||
           (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

static tally_status
zstd_fault(struct decoding *decoding, ZSTD_ErrorCode code)
{
    if (code == ZSTD_error_memory_allocation)
        return memory_fault(decoding->error);
    if (code == ZSTD_error_frameParameter_windowTooLarge)
        return fault(decoding->error, TALLY_INVALID,
                     "the body's zstd data needs a window of more than 8 MiB");
    return fault(decoding->error, TALLY_INVALID, "the body's zstd data is damaged");
}

/* One frame (RFC 8878, section 3.1). */
static tally_status
decode_frame(struct decoding *decoding, ZSTD_DStream *stream)
{
    for (size_t wanted = 1; wanted != 0;) {
        struct bytes to = room(decoding);
        if (to.data == NULL)
            return memory_fault(decoding->error);
        ZSTD_inBuffer in = { decoding->coded.data, decoding->coded.size, 0 };
        ZSTD_outBuffer out = { (void *)to.data, to.size, 0 };
        wanted = ZSTD_decompressStream(stream, &out, &in);
        if (ZSTD_isError(wanted))
            return zstd_fault(decoding, ZSTD_getErrorCode(wanted));
        consume(decoding, in.pos);
        tally_status status = fill(decoding, out.pos);
        if (status != TALLY_OK)
            return status;
        if (wanted != 0 && decoding->coded.size == 0 && out.pos < out.size)
            return cut_short(decoding, "zstd");
    }
    return TALLY_OK;
}

static tally_status
decode_zstd(struct decoding *decoding)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    if (stream == NULL)
        return memory_fault(decoding->error);

    tally_status status = TALLY_OK;
    (void)ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    do {
        if (decoding->coded.size < ZSTD_MAGIC_SIZE)
            status = cut_short(decoding, "zstd");
        else if (!is_frame(decoding->coded))
            status = something_else(decoding, "zstd");
        else
            status = decode_frame(decoding, stream);
    } while (status == TALLY_OK && decoding->coded.size > 0);
    (void)ZSTD_freeDStream(stream);
    return status;
}

static tally_status
copy(struct decoding *decoding)
{
    if (decoding->coded.size > decoding->left)
        return fault(decoding->error, TALLY_FULL,
                     "the body is too large: send it in several requests");
    buffer_bytes(decoding->out, decoding->coded);
    return buffer_failed(decoding->out) ? memory_fault(decoding->error) : TALLY_OK;
}

tally_status
body_decode(enum body_coding coding, struct bytes coded, size_t size_max, struct buffer *out,
            struct tally_error *error)
{
    struct decoding decoding = { .coded = coded, .out = out, .left = size_max, .error = error };
    size_t before = out->size;
    tally_status status = TALLY_OK;
    switch (coding) {
    case CODING_NONE:
        status = copy(&decoding);
        break;
    case CODING_GZIP:
        status = decode_gzip(&decoding);
        break;
    case CODING_ZSTD:
        status = decode_zstd(&decoding);
        break;
    }
    if (status != TALLY_OK)
        out->size = before;
    return status;
}
