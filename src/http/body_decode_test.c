#include "body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#define SIZE_MAX_HERE (16u << 20)

/* ---- coding ---- */

static void
gzip_member(struct bytes plain, struct buffer *out)
{
    z_stream stream = { 0 };
    assert_int_equal(
        deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
        Z_OK);
    size_t room = deflateBound(&stream, plain.size);
    stream.next_in = plain.data;
    stream.avail_in = (uInt)plain.size;
    stream.next_out = buffer_reserve(out, room);
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out->size += room - stream.avail_out;
    (void)deflateEnd(&stream);
}

struct frame_options {
    int checksum;
    int size_said;
    int window_log; /* 0: as the library likes */
};

static void
zstd_frame(struct bytes plain, const struct frame_options *options, struct buffer *out)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, options->checksum);
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, options->size_said);
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, options->window_log);
    size_t room = ZSTD_compressBound(plain.size);
    size_t size = ZSTD_compress2(context, buffer_reserve(out, room), room, plain.data, plain.size);
    assert_false(ZSTD_isError(size));
    out->size += size;
    (void)ZSTD_freeCCtx(context);
}

static const struct frame_options standard_frame = { .checksum = 1, .size_said = 1 };

static void
encode(enum body_coding coding, struct bytes plain, struct buffer *out)
{
    if (coding == CODING_GZIP)
        gzip_member(plain, out);
    else if (coding == CODING_ZSTD)
        zstd_frame(plain, &standard_frame, out);
    else
        buffer_bytes(out, plain);
}

static void
make_plain(size_t size, struct buffer *out)
{
    buffer_clear(out);
    for (unsigned i = 0; out->size < size; i++)
        buffer_format(out, "{\"n\":%u,\"h\":\"%08x\"}\n", i, i * 2654435761u);
    out->size = size;
}

/* ---- tests ---- */

static void
what_was_coded_comes_back(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 65535, 65536, 65537, 300000, 3 << 20 };
    struct buffer plain = { 0 }, coded = { 0 }, out = { 0 };
    for (enum body_coding coding = CODING_NONE; coding <= CODING_ZSTD; coding++) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            make_plain(sizes[i], &plain);
            buffer_clear(&coded);
            encode(coding, buffer_view(&plain), &coded);
            buffer_clear(&out);
            buffer_text(&out, "before");
            assert_int_equal(body_decode(coding, buffer_view(&coded), SIZE_MAX_HERE, &out, NULL),
                             TALLY_OK);
            assert_memory_equal(out.data, "before", 6);
            assert_true(bytes_equal(bytes_of(out.data + 6, out.size - 6), buffer_view(&plain)));
        }
    }
    buffer_free(&plain);
    buffer_free(&coded);
    buffer_free(&out);
}

/* Members and frames one behind the other are one text; also empty ones and skippable ones. */
static void
parts_are_joined(void **state)
{
    (void)state;
    struct buffer plain = { 0 }, coded = { 0 }, out = { 0 };
    for (enum body_coding coding = CODING_GZIP; coding <= CODING_ZSTD; coding++) {
        make_plain(200000, &plain);
        buffer_clear(&coded);
        for (size_t at = 0, part = 0; at < plain.size; at += part) {
            part = at % 3 == 0 ? 99991 : 1 + at % 70000;
            part = part < plain.size - at ? part : plain.size - at;
            encode(coding, bytes_of(plain.data + at, part), &coded);
            encode(coding, bytes_of(NULL, 0), &coded);
        }
        if (coding == CODING_ZSTD)
            buffer_bytes(&coded, bytes_of("\x5a\x2a\x4d\x18\x03\x00\x00\x00xyz", 11));
        buffer_clear(&out);
        assert_int_equal(body_decode(coding, buffer_view(&coded), SIZE_MAX_HERE, &out, NULL),
                         TALLY_OK);
        assert_true(bytes_equal(buffer_view(&out), buffer_view(&plain)));
    }
    buffer_free(&plain);
    buffer_free(&coded);
    buffer_free(&out);
}

static void
the_limit_is_exact(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 100, 65536, 65537, 200000 };
    struct buffer plain = { 0 }, coded = { 0 }, out = { 0 };
    for (enum body_coding coding = CODING_NONE; coding <= CODING_ZSTD; coding++) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            make_plain(sizes[i], &plain);
            buffer_clear(&coded);
            encode(coding, buffer_view(&plain), &coded);
            buffer_clear(&out);
            assert_int_equal(body_decode(coding, buffer_view(&coded), sizes[i], &out, NULL),
                             TALLY_OK);
            assert_int_equal(out.size, sizes[i]);
            if (sizes[i] == 0)
                continue;
            buffer_clear(&out);
            struct tally_error error;
            assert_int_equal(body_decode(coding, buffer_view(&coded), sizes[i] - 1, &out, &error),
                             TALLY_FULL);
            assert_non_null(strstr(error.text, "several requests"));
            assert_int_equal(out.size, 0);
        }
    }
    buffer_free(&plain);
    buffer_free(&coded);
    buffer_free(&out);
}

static void
every_cut_is_refused(void **state)
{
    (void)state;
    struct buffer plain = { 0 }, coded = { 0 }, out = { 0 };
    make_plain(3000, &plain);
    for (enum body_coding coding = CODING_GZIP; coding <= CODING_ZSTD; coding++) {
        buffer_clear(&coded);
        encode(coding, buffer_view(&plain), &coded);
        for (size_t size = 0; size < coded.size; size++) {
            /* A copy, so that a sanitizer sees reading beyond it. */
            uint8_t *copy = malloc(size + 1);
            memcpy(copy, coded.data, size);
            struct tally_error error;
            buffer_clear(&out);
            assert_int_equal(body_decode(coding, bytes_of(copy, size), SIZE_MAX_HERE, &out, &error),
                             TALLY_INVALID);
            assert_non_null(strstr(error.text, "cut short"));
            assert_int_equal(out.size, 0);
            free(copy);
        }
    }
    buffer_free(&plain);
    buffer_free(&coded);
    buffer_free(&out);
}

/* Both codings carry a checksum here: no changed byte gets by as another text. (gzip's header has
 * bits that change nothing.) */
static void
no_changed_bit_changes_the_text(void **state)
{
    (void)state;
    struct buffer plain = { 0 }, coded = { 0 }, out = { 0 };
    make_plain(1000, &plain);
    for (enum body_coding coding = CODING_GZIP; coding <= CODING_ZSTD; coding++) {
        buffer_clear(&coded);
        encode(coding, buffer_view(&plain), &coded);
        unsigned refused = 0;
        for (size_t bit = 0; bit < coded.size * 8; bit++) {
            coded.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            buffer_clear(&out);
            tally_status status =
                body_decode(coding, buffer_view(&coded), SIZE_MAX_HERE, &out, NULL);
            if (status == TALLY_OK)
                assert_true(bytes_equal(buffer_view(&out), buffer_view(&plain)));
            else
                assert_int_equal(status, TALLY_INVALID);
            refused += status != TALLY_OK;
            coded.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_true(refused > coded.size * 8 - 100);
    }
    buffer_free(&plain);
    buffer_free(&coded);
    buffer_free(&out);
}

static void
refuses_what_is_something_else(void **state)
{
    (void)state;
    static const struct {
        enum body_coding coding;
        struct bytes behind;
        const char *says;
        const char *why;
    } rows[] = {
        { CODING_GZIP, BYTES("x"), "no gzip", "a byte behind a member" },
        { CODING_GZIP, BYTES("\0"), "no gzip", "padding is for tapes" },
        { CODING_GZIP, BYTES("\x1f"), "cut short", "the beginning of a member" },
        { CODING_GZIP, BYTES("\x28\xb5\x2f\xfd\x20\x01\x09\x00\x00x"), "no gzip",
          "a frame behind a member" },
        { CODING_ZSTD, BYTES("xxxx"), "no zstd", "four bytes behind a frame" },
        { CODING_ZSTD, BYTES("\0\0\0\0\0\0\0\0"), "no zstd", "padding" },
        { CODING_ZSTD, BYTES("\x28\xb5\x2f\xfd"), "cut short", "the beginning of a frame" },
        { CODING_ZSTD, BYTES("\x27\xb5\x2f\xfd\x20\x01\x09\x00\x00x"), "no zstd",
          "a format before the RFC" },
        { CODING_ZSTD, BYTES("\x1f\x8b\x08\0\0\0\0\0\0\x03"), "no zstd",
          "a member behind a frame" },
    };
    struct buffer coded = { 0 }, out = { 0 };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buffer_clear(&coded);
        encode(rows[i].coding, bytes_text("{}"), &coded);
        buffer_bytes(&coded, rows[i].behind);
        struct tally_error error;
        if (body_decode(rows[i].coding, buffer_view(&coded), 1000, &out, &error) != TALLY_INVALID ||
            strstr(error.text, rows[i].says) == NULL)
            fail_msg("behind: %s", rows[i].why);
        if (body_decode(rows[i].coding, rows[i].behind, 1000, &out, &error) != TALLY_INVALID ||
            strstr(error.text, rows[i].says) == NULL)
            fail_msg("alone: %s", rows[i].why);
    }
    assert_int_equal(body_decode(CODING_GZIP, bytes_text("{}"), 9, &out, NULL), TALLY_INVALID);
    assert_int_equal(body_decode(CODING_ZSTD, bytes_text("[{}]"), 9, &out, NULL), TALLY_INVALID);
    buffer_free(&coded);
    buffer_free(&out);
}

static void
windows_end_at_8_mib(void **state)
{
    (void)state;
    struct buffer plain = { 0 }, coded = { 0 }, out = { 0 };
    make_plain(1 << 20, &plain);
    struct frame_options options = { .window_log = 23 };
    zstd_frame(buffer_view(&plain), &options, &coded);
    /* The window of a text this small is cut by the library: say 8 MiB, then 16 (RFC 8878, section
     * 3.1.1.1.2: the exponent stands in the descriptor's upper five bits, less 10). */
    assert_int_equal(coded.data[4] & 0x20, 0);
    coded.data[5] = (23 - 10) << 3;
    assert_int_equal(body_decode(CODING_ZSTD, buffer_view(&coded), SIZE_MAX_HERE, &out, NULL),
                     TALLY_OK);
    coded.data[5] = (24 - 10) << 3;
    struct tally_error error;
    assert_int_equal(body_decode(CODING_ZSTD, buffer_view(&coded), SIZE_MAX_HERE, &out, &error),
                     TALLY_INVALID);
    assert_non_null(strstr(error.text, "8 MiB"));
    buffer_free(&plain);
    buffer_free(&coded);
    buffer_free(&out);
}

/* ---- bombs ---- */

static void
gzip_zeros(size_t size, struct buffer *out)
{
    static const uint8_t zeros[1 << 16];
    z_stream stream = { 0 };
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    for (size_t at = 0; at < size; at += sizeof zeros) {
        stream.next_in = zeros;
        stream.avail_in = sizeof zeros;
        stream.next_out = buffer_reserve(out, sizeof zeros);
        stream.avail_out = sizeof zeros;
        (void)deflate(&stream, at + sizeof zeros < size ? Z_NO_FLUSH : Z_FINISH);
        out->size += sizeof zeros - stream.avail_out;
    }
    (void)deflateEnd(&stream);
}

/* A frame of nothing but runs of zeros (RFC 8878, section 3.1.1.2.2), 128 KiB each, with a window
 * of 8 MiB. */
static void
zstd_zeros(size_t size, struct buffer *out)
{
    buffer_bytes(out, bytes_of("\x28\xb5\x2f\xfd\x00\x68", 6));
    for (size_t at = 0; at < size; at += 128 << 10) {
        uint32_t header = 128 << 13 | 1 << 1 | (at + (128 << 10) >= size);
        uint8_t block[4] = { (uint8_t)header, (uint8_t)(header >> 8), (uint8_t)(header >> 16), 0 };
        buffer_append(out, block, sizeof block);
    }
}

/* A sanitizer keeps what is freed. gcc and clang say differently that there is one. */
#if defined(__has_feature)
#define HAS_SANITIZER (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#else
#define HAS_SANITIZER 0
#endif

/* By how much a process of its own grows at its peak while it refuses the body, in bytes. */
static size_t
growth_of_refusing(enum body_coding coding, struct bytes coded, size_t size_max)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct rusage before, after;
        struct buffer out = { 0 };
        (void)getrusage(RUSAGE_SELF, &before);
        tally_status status = body_decode(coding, coded, size_max, &out, NULL);
        (void)getrusage(RUSAGE_SELF, &after);
        size_t growth = (size_t)(after.ru_maxrss - before.ru_maxrss) << 10;
        if (status != TALLY_FULL)
            growth = SIZE_MAX;
        _exit(write(ends[1], &growth, sizeof growth) == sizeof growth ? 0 : 1);
    }
    size_t growth = 0;
    assert_int_equal(read(ends[0], &growth, sizeof growth), sizeof growth);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return growth;
}

/* Beside the text: what was copied when it grew, zlib's window, or zstd's with its blocks; and a huge page
 * for each of them, which some kernels give unasked. */
#define BESIDE_GZIP ((size_t)6 << 20)
#define BESIDE_ZSTD ((size_t)14 << 20)

static void
bombs_take_no_more_than_is_allowed(void **state)
{
    (void)state;
    struct buffer gzip = { 0 }, zstd = { 0 };
    gzip_zeros((size_t)1 << 30, &gzip);
    zstd_zeros((size_t)1 << 30, &zstd);
    assert_true(gzip.size < 2 << 20 && zstd.size < 1 << 16);
    static const size_t sizes[] = { 0, 1000, 3 << 20, 16 << 20 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t growth = growth_of_refusing(CODING_GZIP, buffer_view(&gzip), sizes[i]);
        assert_true(growth != SIZE_MAX);
        assert_true(HAS_SANITIZER || growth <= sizes[i] + BESIDE_GZIP);
        growth = growth_of_refusing(CODING_ZSTD, buffer_view(&zstd), sizes[i]);
        assert_true(growth != SIZE_MAX);
        assert_true(HAS_SANITIZER || growth <= sizes[i] + BESIDE_ZSTD);
    }
    buffer_free(&gzip);
    buffer_free(&zstd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_coded_comes_back),
        cmocka_unit_test(parts_are_joined),
        cmocka_unit_test(the_limit_is_exact),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(no_changed_bit_changes_the_text),
        cmocka_unit_test(refuses_what_is_something_else),
        cmocka_unit_test(windows_end_at_8_mib),
        cmocka_unit_test(bombs_take_no_more_than_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
