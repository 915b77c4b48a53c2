/*
 * primer.c - text that a column's strips are compressed against.
 *
 * The idea: text of a column resembles itself, but a strip of it (codec_text.c) is too small to show
 * that. A primer is what strips have in common: up to 32 KiB of the column's own text, which they
 * refer to in place of what came before them, and the tables by which Zstandard writes bytes, lengths
 * and distances in few bits, made from some whole strips; so a strip need not bring tables of its own,
 * which would be a tenth of it, and nobody has to build them to read a hundred bytes. This is what
 * Zstandard calls a dictionary, in its own form (RFC 8878, section 5); here the word is kept for
 * dictionaries of codes.
 *
 * A primer of other text makes no value wrong: then strips are only larger.
 */
#include "codec_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <zdict.h>
#include <zstd_errors.h>

/* Strips of details are a twentieth smaller than at level 1, made as fast and read faster. */
#define LEVEL 3

/* A primer with its tables is smaller than what it saves where a column has this much text. */
#define PRIMED_SIZE_MIN ((uint64_t)2 << 20)

/* Text of a primer, and what its tables take at most. */
#define TEXT_SIZE_MAX (PRIMER_SIZE_MAX - TABLES_SIZE)
#define TABLES_SIZE   ((size_t)1 << 10)

/* What a ready primer begins with: the tables of lengths and distances, and the one of bytes as far
 * as it is used. */
#define TABLES_PREFETCHED ((size_t)19 << 10)
#define CACHE_LINE        64u

/* As much of the sample as is wanted, evenly spread over it. */
static void
primer_text(const struct primer_sample *sample, struct buffer *text)
{
    uint64_t total = 0;
    for (size_t i = 0; i < sample->value_count; i++)
        total += sample->values[i].size;
    /* A value is taken when that keeps up with its share of the whole. */
    uint64_t passed = 0;
    for (size_t i = 0; i < sample->value_count && text->size < TEXT_SIZE_MAX; i++) {
        struct bytes value = sample->values[i];
        size_t room = TEXT_SIZE_MAX - text->size;
        passed += value.size;
        if (text->size * total <= passed * TEXT_SIZE_MAX)
            buffer_append(text, value.data, value.size < room ? value.size : room);
    }
}

/* The sample's strips as they are before they are compressed, one after the other. */
static tally_status
plain_strips(const struct primer_sample *sample, struct buffer *plain, size_t *sizes,
             struct tally_error *error)
{
    for (size_t i = 0; i < sample->strip_count; i++) {
        size_t start = plain->size;
        values_join(sample->strips + i * sample->strip_rows, sample->strip_rows, plain);
        sizes[i] = plain->size - start;
    }
    return buffer_failed(plain) ? memory_fault(error) : TALLY_OK;
}

static tally_status
primer_finish(struct bytes text, struct bytes strips, const size_t *sizes, size_t count,
              struct buffer *out, struct tally_error *error)
{
    const ZDICT_params_t parameters = { .compressionLevel = LEVEL };
    uint8_t *room = buffer_reserve(out, PRIMER_SIZE_MAX);
    if (room == NULL)
        return memory_fault(error);
    size_t size = ZDICT_finalizeDictionary(room, PRIMER_SIZE_MAX, text.data, text.size, strips.data,
                                           sizes, (unsigned)count, parameters);
    if (ZDICT_isError(size) && ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation)
        return memory_fault(error);
    if (ZDICT_isError(size)) /* the sample is nothing that tables can be made of */
        return TALLY_ABSENT;
    out->size += size;
    return TALLY_OK;
}

tally_status
primer_make(const struct column_profile *profile, const struct primer_sample *sample,
            struct buffer *out, struct tally_error *error)
{
    struct buffer text = { 0 }, strips = { 0 };
    if (profile->text_size < PRIMED_SIZE_MIN || sample->strip_count == 0)
        return TALLY_ABSENT;
    size_t *sizes = calloc(sample->strip_count, sizeof *sizes);
    if (sizes == NULL)
        return memory_fault(error);
    primer_text(sample, &text);
    tally_status status =
        buffer_failed(&text) ? memory_fault(error) : plain_strips(sample, &strips, sizes, error);
    if (status == TALLY_OK)
        status = primer_finish(buffer_view(&text), buffer_view(&strips), sizes, sample->strip_count,
                               out, error);
    buffer_free(&text);
    buffer_free(&strips);
    free(sizes);
    return status;
}

/* Whether these are a primer's bytes, of which none could be made ready for want of memory. */
static bool
is_primer(struct bytes bytes)
{
    size_t size = ZDICT_getDictHeaderSize(bytes.data, bytes.size);
    return !ZDICT_isError(size) || ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation;
}

tally_status
primer_create(struct bytes bytes, enum primer_use use, struct primer **primer_out,
              struct tally_error *error)
{
    /* Other bytes are not refused by Zstandard but taken for text. */
    if (bytes.size < 8 || get_u32(bytes.data) != ZSTD_MAGIC_DICTIONARY)
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
        if (!is_primer(bytes))
            return fault(error, TALLY_DAMAGED, "a column's primer has impossible tables");
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

void
primer_prefetch(const struct primer *primer)
{
    const char *tables = (const char *)primer->decode;
    for (size_t at = 0; at < TABLES_PREFETCHED; at += CACHE_LINE)
        __builtin_prefetch(tables + at, 0, 2);
}
