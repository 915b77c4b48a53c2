#include "source.h"

#include "buffer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

static char path[] = "source_test_XXXXXX";

static int
make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int
remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void
write_file(struct bytes content)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content.data, 1, content.size, file), content.size);
    assert_int_equal(fclose(file), 0);
}

/* Appends `plain` as a gzip member. */
static void
append_gzip(struct buffer *out, struct bytes plain)
{
    z_stream stream = { 0 };
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&stream, plain.size) + 64;
    stream.next_in = (uint8_t *)(uintptr_t)plain.data;
    stream.avail_in = (uInt)plain.size;
    stream.next_out = buffer_reserve(out, room);
    assert_non_null(stream.next_out);
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out->size += room - stream.avail_out;
    assert_int_equal(deflateEnd(&stream), Z_OK);
}

/* Appends `plain` as a zstd frame with a checksum. */
static void
append_zstd(struct buffer *out, struct bytes plain)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    assert_non_null(context);
    size_t room = ZSTD_compressBound(plain.size);
    uint8_t *at = buffer_reserve(out, room);
    assert_non_null(at);
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)));
    size_t size = ZSTD_compress2(context, at, room, plain.data, plain.size);
    assert_false(ZSTD_isError(size));
    out->size += size;
    (void)ZSTD_freeCCtx(context);
}

/* Reads all of a source into `out`; returns what ended it. */
static tally_status
read_all(const char *from, uint64_t size_max, struct buffer *out, struct tally_error *error)
{
    struct source *source;
    tally_status status = source_open(from, size_max, &source, error);
    if (status != TALLY_OK)
        return status;
    struct bytes chunk;
    while ((status = source_read(source, &chunk, error)) == TALLY_OK) {
        assert_in_range(chunk.size, 1, SOURCE_CHUNK_SIZE);
        buffer_bytes(out, chunk);
    }
    source_close(source);
    return status;
}

static void
expect_file(struct bytes content, struct bytes expected)
{
    struct buffer got = { 0 };
    struct tally_error error;
    write_file(content);
    assert_int_equal(read_all(path, SOURCE_SIZE_MAX, &got, &error), TALLY_ABSENT);
    assert_true(bytes_equal(buffer_view(&got), expected));
    buffer_free(&got);
}

/* 3 MiB that do not compress to nothing. */
static struct buffer
long_text(void)
{
    struct buffer text = { 0 };
    uint32_t x = 1;
    while (text.size < 3 * 1024 * 1024) {
        x = x * 1103515245 + 12345;
        buffer_decimal(&text, x);
    }
    return text;
}

static void
plain_files(void **state)
{
    (void)state;
    struct buffer text = long_text();
    expect_file(bytes_text(""), bytes_text(""));
    expect_file(bytes_text("x"), bytes_text("x"));
    expect_file(bytes_text("\x1f"), bytes_text("\x1f"));
    expect_file(bytes_text("{}\n"), bytes_text("{}\n"));
    expect_file(buffer_view(&text), buffer_view(&text));
    buffer_free(&text);
}

static void
gzip_files(void **state)
{
    (void)state;
    struct buffer text = long_text();
    struct buffer zipped = { 0 };
    struct buffer expected = { 0 };

    append_gzip(&zipped, bytes_text(""));
    expect_file(buffer_view(&zipped), bytes_text(""));

    /* Members joined, an empty one among them, and one longer than many chunks. */
    append_gzip(&zipped, bytes_text("first"));
    append_gzip(&zipped, bytes_text(""));
    append_gzip(&zipped, buffer_view(&text));
    append_gzip(&zipped, bytes_text("last"));
    buffer_text(&expected, "first");
    buffer_bytes(&expected, buffer_view(&text));
    buffer_text(&expected, "last");
    expect_file(buffer_view(&zipped), buffer_view(&expected));

    /* Padding, also longer than a chunk. */
    buffer_zeros(&zipped, 3);
    expect_file(buffer_view(&zipped), buffer_view(&expected));
    buffer_zeros(&zipped, 2 * SOURCE_CHUNK_SIZE);
    expect_file(buffer_view(&zipped), buffer_view(&expected));

    buffer_free(&text);
    buffer_free(&zipped);
    buffer_free(&expected);
}

static void
expect_damage(struct bytes content, const char *text)
{
    struct buffer got = { 0 };
    struct tally_error error = { 0 };
    write_file(content);
    assert_int_equal(read_all(path, SOURCE_SIZE_MAX, &got, &error), TALLY_DAMAGED);
    assert_non_null(strstr(error.text, text));
    assert_non_null(strstr(error.text, path));
    buffer_free(&got);
}

static void
damaged_gzip(void **state)
{
    (void)state;
    struct buffer zipped = { 0 };
    static const char text[] = "some text, some text, some more text";
    append_gzip(&zipped, bytes_text(text));

    for (size_t size = 2; size < zipped.size; size++)
        expect_damage(bytes_of(zipped.data, size), "cut short");

    /* Any bit of the compressed data, the checksum or the length, but the few that fill up the last
     * compressed byte. Of the header's ten bytes, some (time, system) say nothing to be wrong. */
    unsigned unseen = 0;
    for (size_t bit = 10 * 8; bit < zipped.size * 8; bit++) {
        struct buffer got = { 0 };
        struct tally_error error;
        zipped.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        write_file(buffer_view(&zipped));
        tally_status status = read_all(path, SOURCE_SIZE_MAX, &got, &error);
        zipped.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (status == TALLY_ABSENT) {
            assert_true(bytes_is(buffer_view(&got), text));
            unseen++;
        } else {
            assert_int_equal(status, TALLY_DAMAGED);
        }
        buffer_free(&got);
    }
    assert_in_range(unseen, 0, 7);

    size_t good = zipped.size;
    buffer_text(&zipped, "{}");
    expect_damage(buffer_view(&zipped), "something else");
    zipped.size = good;
    buffer_zeros(&zipped, 5);
    buffer_byte(&zipped, 1);
    expect_damage(buffer_view(&zipped), "something else");
    zipped.size = good;
    buffer_text(&zipped, "\x1f\x8b");
    expect_damage(buffer_view(&zipped), "cut short");
    zipped.size = good;
    buffer_text(&zipped, "\x1f\x8c and so on");
    expect_damage(buffer_view(&zipped), "damaged");
    buffer_free(&zipped);
}

static void
zstd_files(void **state)
{
    (void)state;
    struct buffer text = long_text();
    struct buffer packed = { 0 };
    struct buffer expected = { 0 };

    append_zstd(&packed, bytes_text(""));
    expect_file(buffer_view(&packed), bytes_text(""));
    append_zstd(&packed, bytes_text("first"));
    append_zstd(&packed, buffer_view(&text));
    buffer_append(&packed, "\x50\x2a\x4d\x18\3\0\0\0abc", 11); /* a frame to be skipped */
    append_zstd(&packed, bytes_text("last"));
    buffer_text(&expected, "first");
    buffer_bytes(&expected, buffer_view(&text));
    buffer_text(&expected, "last");
    expect_file(buffer_view(&packed), buffer_view(&expected));

    buffer_clear(&packed);
    append_zstd(&packed, bytes_text("some text, some text, some more text"));
    for (size_t size = 4; size < packed.size; size++)
        expect_damage(bytes_of(packed.data, size), "the zstd data is cut short");
    packed.data[packed.size - 1] ^= 1;
    expect_damage(buffer_view(&packed), "the zstd data is damaged");
    packed.data[packed.size - 1] ^= 1;
    buffer_text(&packed, "{}");
    expect_damage(buffer_view(&packed), "the zstd data is");

    buffer_free(&text);
    buffer_free(&packed);
    buffer_free(&expected);
}

static void
other_compressions_are_named(void **state)
{
    (void)state;
    static const struct {
        struct bytes content;
        const char *cure;
    } rows[] = {
        { BYTES("\xfd"
                "7zXZ\0..."),
          "xz -dc" },
        { BYTES("BZh91AY"), "bzip2 -dc" },
        { BYTES("PK\3\4..."), "unzip -p" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer got = { 0 };
        struct tally_error error = { 0 };
        write_file(rows[i].content);
        assert_int_equal(read_all(path, SOURCE_SIZE_MAX, &got, &error), TALLY_INVALID);
        assert_non_null(strstr(error.text, rows[i].cure));
        buffer_free(&got);
    }
    expect_file(bytes_text("BZ"), bytes_text("BZ"));
    expect_file(bytes_text("PKzip"), bytes_text("PKzip"));
}

/* What expands a thousandfold stops at the bound, and a file of just that size does not. */
static void
the_bound_holds(void **state)
{
    (void)state;
    struct buffer zeros = { 0 };
    struct buffer zipped = { 0 };
    struct buffer got = { 0 };
    struct tally_error error;
    buffer_zeros(&zeros, 4 * 1024 * 1024);
    append_gzip(&zipped, buffer_view(&zeros));
    assert_true(zipped.size < zeros.size / 900);
    write_file(buffer_view(&zipped));

    assert_int_equal(read_all(path, zeros.size - 1, &got, &error), TALLY_INVALID);
    assert_true(got.size < zeros.size);
    buffer_clear(&got);
    assert_int_equal(read_all(path, zeros.size, &got, &error), TALLY_ABSENT);
    assert_int_equal(got.size, zeros.size);

    write_file(bytes_text("plain"));
    buffer_clear(&got);
    assert_int_equal(read_all(path, 4, &got, &error), TALLY_INVALID);
    assert_int_equal(read_all(path, 5, &got, &error), TALLY_ABSENT);
    buffer_free(&zeros);
    buffer_free(&zipped);
    buffer_free(&got);
}

static void
files_that_cannot_be_read(void **state)
{
    (void)state;
    struct source *source = NULL;
    struct buffer got = { 0 };
    struct tally_error error;
    assert_int_equal(source_open("no/such/file", SOURCE_SIZE_MAX, &source, &error), TALLY_IO);
    assert_int_equal(error.os, ENOENT);
    assert_string_equal(error.text, "cannot open no/such/file: No such file or directory");
    assert_null(source);
    assert_int_equal(read_all(".", SOURCE_SIZE_MAX, &got, &error), TALLY_IO);
    assert_int_equal(error.os, EISDIR);
    source_close(NULL);
    buffer_free(&got);
}

/* A pipe that gives one byte at a time, as standard input. */
static void
standard_input(void **state)
{
    (void)state;
    struct buffer zipped = { 0 };
    append_gzip(&zipped, bytes_text("by and by"));
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        for (size_t i = 0; i < zipped.size; i++) {
            if (write(ends[1], zipped.data + i, 1) != 1)
                _exit(1);
            (void)usleep(200);
        }
        _exit(0);
    }
    (void)close(ends[1]);
    int before = dup(STDIN_FILENO);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);

    struct buffer got = { 0 };
    struct tally_error error;
    struct source *source;
    assert_int_equal(source_open("-", 100, &source, &error), TALLY_OK);
    source_close(source);
    assert_int_equal(read_all("-", SOURCE_SIZE_MAX, &got, &error), TALLY_ABSENT);
    assert_true(bytes_is(buffer_view(&got), "by and by"));

    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    if (before >= 0)
        (void)dup2(before, STDIN_FILENO);
    (void)close(before);
    (void)close(ends[0]);
    buffer_free(&zipped);
    buffer_free(&got);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_files),
        cmocka_unit_test(gzip_files),
        cmocka_unit_test(damaged_gzip),
        cmocka_unit_test(zstd_files),
        cmocka_unit_test(other_compressions_are_named),
        cmocka_unit_test(the_bound_holds),
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(standard_input),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
