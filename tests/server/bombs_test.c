/*
 * bombs_test.c - bodies that are small until they are decoded.
 *
 * A gibibyte of zeros in a few kilobytes, in every coding and shape, is refused with 413, and the
 * server never has it in memory.
 */
#include "must.h"
#include "served.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#define MIB     ((size_t)1 << 20)
#define BOMB    (1024 * MIB)
#define AT_ONCE 16

/* What the server may need beyond what it had: a body of 16 MiB for each of its threads, and some. */
#define GROWTH_MAX (160 * MIB)

static struct served served;

static int
begin(void **state)
{
    (void)state;
    served_begin(&served, (const char *const[]){ "TALLY_SERVER_THREADS=2", NULL });
    return 0;
}

static int
end(void **state)
{
    (void)state;
    served_end(&served);
    return 0;
}

static void
gzip_zeros(size_t size, struct buffer *out)
{
    static uint8_t zeros[MIB];
    z_stream stream = { 0 };
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    for (size_t done = 0; done < size; done += MIB) {
        stream.next_in = zeros;
        stream.avail_in = MIB;
        int flush = done + MIB == size ? Z_FINISH : Z_NO_FLUSH;
        do {
            stream.next_out = buffer_reserve(out, 65536);
            assert_non_null(stream.next_out);
            stream.avail_out = 65536;
            (void)deflate(&stream, flush);
            out->size += 65536 - stream.avail_out;
        } while (stream.avail_out == 0);
    }
    (void)deflateEnd(&stream);
}

static void
zstd_zeros(size_t size, struct buffer *out)
{
    static uint8_t zeros[MIB];
    ZSTD_CCtx *context = ZSTD_createCCtx();
    assert_non_null(context);
    for (size_t done = 0; done < size; done += MIB) {
        ZSTD_inBuffer in = { zeros, MIB, 0 };
        ZSTD_EndDirective mode = done + MIB == size ? ZSTD_e_end : ZSTD_e_continue;
        size_t left;
        do {
            ZSTD_outBuffer piece = { buffer_reserve(out, 65536), 65536, 0 };
            assert_non_null(piece.dst);
            left = ZSTD_compressStream2(context, &piece, &in, mode);
            assert_false(ZSTD_isError(left));
            out->size += piece.pos;
        } while (mode == ZSTD_e_end ? left > 0 : in.pos < in.size);
    }
    (void)ZSTD_freeCCtx(context);
}

/* The same bomb on many connections at once. */
static void throw(struct bytes bomb, const char *coding)
{
    size_t before = served_memory(&served), most = 0;
    uint64_t size = served_size(&served);
    struct http *open[AT_ONCE];
    struct buffer head = { 0 };
    buffer_format(&head,
                  "POST /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                  "Content-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
                  served.key, coding, bomb.size);
    for (unsigned i = 0; i < AT_ONCE; i++) {
        open[i] = http_connect(served.port);
        (void)http_send(open[i], buffer_view(&head));
        (void)http_send(open[i], bomb);
    }
    for (unsigned i = 0; i < AT_ONCE; i++) {
        struct http_answer answer;
        assert_int_equal(http_read(open[i], HTTP_BODY, PATIENCE_MS, &answer), HTTP_OK);
        assert_int_equal(answer.status, 413);
        size_t now = served_memory(&served);
        most = now > most ? now : most;
        http_close(open[i]);
    }
    buffer_free(&head);
    print_message("# %s: %zu bytes; %zu MiB before, %zu MiB at most\n", coding, bomb.size,
                  before / MIB, most / MIB);
    if (getenv("TALLY_SANITIZED") == NULL)
        assert_true(most < before + GROWTH_MAX);
    assert_int_equal(served_size(&served), size);
}

static void
gzip_bomb(void **state)
{
    (void)state;
    struct buffer bomb = { 0 };
    gzip_zeros(BOMB, &bomb);
    throw(buffer_view(&bomb), "gzip");
    buffer_free(&bomb);
}

/* Each member is as large as a body may be; only all of them are too much. */
static void
gzip_bomb_of_many_members(void **state)
{
    (void)state;
    struct buffer bomb = { 0 }, member = { 0 };
    gzip_zeros(16 * MIB, &member);
    for (unsigned i = 0; i < 64; i++)
        buffer_bytes(&bomb, buffer_view(&member));
    throw(buffer_view(&bomb), "gzip");
    buffer_free(&member);
    buffer_free(&bomb);
}

static void
zstd_bomb(void **state)
{
    (void)state;
    struct buffer bomb = { 0 };
    zstd_zeros(BOMB, &bomb);
    throw(buffer_view(&bomb), "zstd");
    buffer_free(&bomb);
}

static void
zstd_bomb_of_many_frames(void **state)
{
    (void)state;
    struct buffer bomb = { 0 }, frame = { 0 };
    zstd_zeros(16 * MIB, &frame);
    for (unsigned i = 0; i < 64; i++)
        buffer_bytes(&bomb, buffer_view(&frame));
    throw(buffer_view(&bomb), "zstd");
    buffer_free(&frame);
    buffer_free(&bomb);
}

/* A frame's header says how large a window its decoder must have: this one says 2 GiB. */
static void
zstd_frame_that_wants_memory(void **state)
{
    (void)state;
    static const uint8_t frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00 };
    size_t before = served_memory(&served);
    struct http_request request = {
        .method = "POST",
        .target = "/api/events",
        .key = served.key,
        .headers = "Content-Encoding: zstd\r\n",
        .body = bytes_of(frame, sizeof frame),
    };
    assert_int_equal(served_ask(&served, &request, NULL), 400);
    assert_true(served_memory(&served) < before + 16 * MIB);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_bomb),
        cmocka_unit_test(gzip_bomb_of_many_members),
        cmocka_unit_test(zstd_bomb),
        cmocka_unit_test(zstd_bomb_of_many_frames),
        cmocka_unit_test(zstd_frame_that_wants_memory),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
