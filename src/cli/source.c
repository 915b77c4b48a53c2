#include "source.h"

#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

/* zlib's largest window, and its flag for a gzip header and trailer. */
#define GZIP_WINDOW_BITS (15 + 16)

enum form {
    FORM_UNKNOWN, /* nothing read yet */
    FORM_PLAIN,
    FORM_MEMBER,  /* inside a gzip member or a zstd frame */
    FORM_BETWEEN, /* behind one */
    FORM_PADDING, /* behind the last, in zero bytes */
};

struct source {
    int fd;
    char *name;
    enum form form;
    bool ended; /* the file gave its last byte */
    bool inflating;
    uint64_t left; /* that may still be given out */
    size_t at;     /* of `raw`, the first byte not used yet */
    size_t size;   /* of `raw` */
    z_stream stream;
    ZSTD_DStream *zstd; /* NULL: gzip, if anything */
    uint8_t raw[SOURCE_CHUNK_SIZE];
    uint8_t text[SOURCE_CHUNK_SIZE];
};

tally_status
source_open(const char *path, uint64_t size_max, struct source **source_out,
            struct tally_error *error)
{
    bool standard = strcmp(path, "-") == 0;
    struct source *source = calloc(1, sizeof *source);
    if (source == NULL)
        return memory_fault(error);

    tally_status status = TALLY_OK;
    source->left = size_max;
    source->name = strdup(standard ? "standard input" : path);
    source->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (source->name == NULL)
        status = memory_fault(error);
    else if (source->fd < 0)
        status = io_fault(error, "cannot open %s", path);

    if (status != TALLY_OK) {
        source_close(source);
        return status;
    }
    *source_out = source;
    return TALLY_OK;
}

void
source_close(struct source *source)
{
    if (source == NULL)
        return;
    if (source->inflating)
        (void)inflateEnd(&source->stream);
    (void)ZSTD_freeDStream(source->zstd);
    if (source->fd > STDIN_FILENO)
        (void)close(source->fd);
    free(source->name);
    free(source);
}

/* Reads until `raw` holds at least `wanted` unused bytes or the file ends. */
static tally_status
fill(struct source *source, size_t wanted, struct tally_error *error)
{
    if (source->at > 0) {
        source->size -= source->at;
        memmove(source->raw, source->raw + source->at, source->size);
        source->at = 0;
    }
    while (source->size < wanted && !source->ended) {
        ssize_t got =
            read(source->fd, source->raw + source->size, sizeof source->raw - source->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return io_fault(error, "cannot read %s", source->name);
        source->ended = got == 0;
        source->size += (size_t)got;
    }
    return TALLY_OK;
}

static struct bytes
unused(const struct source *source)
{
    return bytes_of(source->raw + source->at, source->size - source->at);
}

static tally_status
begin_inflating(struct source *source, struct tally_error *error)
{
    if (inflateInit2(&source->stream, GZIP_WINDOW_BITS) != Z_OK)
        return memory_fault(error);
    source->inflating = true;
    source->form = FORM_MEMBER;
    return TALLY_OK;
}

static tally_status
begin_zstd(struct source *source, struct tally_error *error)
{
    source->zstd = ZSTD_createDStream();
    if (source->zstd == NULL)
        return memory_fault(error);
    source->form = FORM_MEMBER;
    return TALLY_OK;
}

static tally_status
recognise(struct source *source, struct tally_error *error)
{
    /* The first bytes of each; none of them begins a JSON text. */
    static const struct {
        struct bytes magic;
        tally_status (*begin)(struct source *source, struct tally_error *error);
        const char *cure;
    } packings[] = {
        { BYTES("\x1f\x8b"), begin_inflating, NULL },
        { BYTES("\x28\xb5\x2f\xfd"), begin_zstd, NULL },
        { BYTES("\xfd"
                "7zXZ"),
          NULL, "xz -dc" },
        { BYTES("BZh"), NULL, "bzip2 -dc" },
        { BYTES("PK\3\4"), NULL, "unzip -p" },
    };
    /* Two bytes first: who types at a terminal should not wait for more. */
    tally_status status = fill(source, 2, error);
    for (size_t i = 0; status == TALLY_OK && i < sizeof packings / sizeof packings[0]; i++) {
        struct bytes magic = packings[i].magic;
        if (unused(source).size < 2 || memcmp(unused(source).data, magic.data, 2) != 0)
            continue;
        status = fill(source, magic.size, error);
        if (status != TALLY_OK)
            break;
        struct bytes raw = unused(source);
        if (raw.size < magic.size || memcmp(raw.data, magic.data, magic.size) != 0)
            continue;
        if (packings[i].begin != NULL)
            return packings[i].begin(source, error);
        return fault(error, TALLY_INVALID, "%s is compressed; decompress it first: %s",
                     source->name, packings[i].cure);
    }
    source->form = FORM_PLAIN;
    return status;
}

static tally_status
read_plain(struct source *source, struct bytes *chunk_out, struct tally_error *error)
{
    tally_status status = fill(source, 1, error);
    if (status != TALLY_OK)
        return status;
    *chunk_out = unused(source);
    source->at = source->size;
    return chunk_out->size > 0 ? TALLY_OK : TALLY_ABSENT;
}

/* Decompresses what is there into `text`; *size_out is how much came of it, perhaps nothing. */
static tally_status
inflate_some(struct source *source, size_t *size_out, struct tally_error *error)
{
    struct bytes raw = unused(source);
    if (raw.size == 0)
        return fault(error, TALLY_DAMAGED, "%s: the gzip data is cut short", source->name);

    source->stream.next_in = source->raw + source->at;
    source->stream.avail_in = (uInt)raw.size;
    source->stream.next_out = source->text;
    source->stream.avail_out = sizeof source->text;
    int result = inflate(&source->stream, Z_NO_FLUSH);
    source->at = source->size - source->stream.avail_in;
    *size_out = sizeof source->text - source->stream.avail_out;

    if (result == Z_MEM_ERROR)
        return memory_fault(error);
    if (result != Z_OK && result != Z_STREAM_END)
        return fault(error, TALLY_DAMAGED, "%s: the gzip data is damaged (%s)", source->name,
                     source->stream.msg != NULL ? source->stream.msg : zError(result));
    if (result == Z_STREAM_END)
        source->form = FORM_BETWEEN;
    return TALLY_OK;
}

/* The same for zstd. Text may come out of it when nothing more goes in. */
static tally_status
unzstd_some(struct source *source, size_t *size_out, struct tally_error *error)
{
    struct bytes raw = unused(source);
    ZSTD_inBuffer in = { .src = raw.data, .size = raw.size };
    ZSTD_outBuffer out = { .dst = source->text, .size = sizeof source->text };
    size_t rest = ZSTD_decompressStream(source->zstd, &out, &in);
    if (ZSTD_isError(rest))
        return fault(error, TALLY_DAMAGED, "%s: the zstd data is damaged (%s)", source->name,
                     ZSTD_getErrorName(rest));
    source->at += in.pos;
    *size_out = out.pos;
    if (rest == 0)
        source->form = FORM_BETWEEN;
    else if (raw.size == 0 && out.pos == 0)
        return fault(error, TALLY_DAMAGED, "%s: the zstd data is cut short", source->name);
    return TALLY_OK;
}

/* Behind a member: another one follows, or padding, or nothing. */
static tally_status
go_on_behind_member(struct source *source, struct tally_error *error)
{
    if (source->zstd != NULL) {
        source->form = FORM_MEMBER;
        return TALLY_OK;
    }
    struct bytes raw = unused(source);
    size_t zeros = 0;
    while (zeros < raw.size && raw.data[zeros] == 0)
        zeros++;
    if (zeros > 0)
        source->form = FORM_PADDING;
    source->at += zeros;
    if (zeros == raw.size)
        return TALLY_OK;
    if (source->form == FORM_PADDING || raw.data[0] != 0x1f)
        return fault(error, TALLY_DAMAGED, "%s: behind the gzip data stands something else",
                     source->name);
    (void)inflateReset(&source->stream);
    source->form = FORM_MEMBER;
    return TALLY_OK;
}

static tally_status
read_packed(struct source *source, struct bytes *chunk_out, struct tally_error *error)
{
    for (;;) {
        tally_status status = fill(source, 1, error);
        if (status != TALLY_OK)
            return status;
        size_t size = 0;
        if (source->form == FORM_MEMBER)
            status = source->zstd != NULL ? unzstd_some(source, &size, error)
                                          : inflate_some(source, &size, error);
        else if (unused(source).size == 0)
            return TALLY_ABSENT;
        else
            status = go_on_behind_member(source, error);
        if (status != TALLY_OK)
            return status;
        if (size > 0) {
            *chunk_out = bytes_of(source->text, size);
            return TALLY_OK;
        }
    }
}

tally_status
source_read(struct source *source, struct bytes *chunk_out, struct tally_error *error)
{
    if (source->form == FORM_UNKNOWN) {
        tally_status status = recognise(source, error);
        if (status != TALLY_OK)
            return status;
    }

    struct bytes chunk;
    tally_status status = source->form == FORM_PLAIN ? read_plain(source, &chunk, error)
                                                     : read_packed(source, &chunk, error);
    if (status != TALLY_OK)
        return status;
    if (chunk.size > source->left)
        return fault(error, TALLY_INVALID,
                     "%s holds more than may be read at once; split it into smaller files",
                     source->name);
    source->left -= chunk.size;
    *chunk_out = chunk;
    return TALLY_OK;
}
