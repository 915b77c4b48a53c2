/*
 * spool_file_damage_test.c - flipped bits, noise, a power cut and a newer version: the rest of a
 * file is read, and going through it ends.
 */
#include "spool_file_fixture.h"

#include "crc32c.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

/* A file of small frames, its copy, and where the frames are. */
#define FLIP_FRAMES 6u
struct specimen {
    uint8_t bytes[1024];
    uint32_t at[FLIP_FRAMES + 1];
    uint32_t done;
};

static void
make_specimen(struct specimen *specimen)
{
    struct spool_file *file = make_file(folder, sizeof specimen->bytes);
    uint32_t at = SPOOL_FILE_START;
    struct spool_frame frame;
    for (uint64_t i = 0; i < FLIP_FRAMES; i++) {
        char event[64];
        int size = snprintf(event, sizeof event, "{\"n\":%u%.*s}", (unsigned)i, (int)i * 3,
                            "                    ");
        assert_true(put_event(file, bytes_of(event, (size_t)size)));
        specimen->at[i] = at;
        spool_file_look(file, at, &frame);
        at = frame.next;
    }
    specimen->at[FLIP_FRAMES] = at;
    specimen->done = specimen->at[1];
    spool_file_set_done(file, specimen->at[1]);
    spool_file_set_sending(file, specimen->at[3]);
    memcpy(specimen->bytes, file->base, sizeof specimen->bytes);
    spool_file_destroy(file);
}

static bool
is_event(struct bytes event, unsigned number)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%.*s", BYTES_ARG(event));
    unsigned read;
    return sscanf(text, "{\"n\":%u", &read) == 1 && read == number;
}

/* Reads the file with one byte changed at `flipped`: every other frame is there, in order; the one
 * that was hit is there too, or counted once. Where the file's own words were hit it is all there,
 * and at worst once more. */
static void
check_flipped(const struct specimen *specimen, uint32_t flipped)
{
    struct spool_file *file;
    assert_int_equal(spool_file_open(folder, 1, &file, NULL), TALLY_OK);
    struct spool_frame frame;
    unsigned next = file->done == specimen->done ? 1 : 0;
    unsigned damaged = 0;
    assert_true(next == 1 || flipped < SPOOL_FILE_START);
    for (uint32_t at = file->done;; at = frame.next) {
        spool_file_look(file, at, &frame);
        if (frame.kind == SPOOL_FRAME_NONE)
            break;
        if (at == specimen->at[next] && frame.kind == SPOOL_FRAME_WHOLE) {
            assert_true(is_event(frame.event, next));
        } else {
            assert_int_equal(frame.kind, SPOOL_FRAME_DAMAGED);
            assert_true(flipped >= specimen->at[next] && flipped < specimen->at[next + 1]);
            assert_int_equal(frame.next,
                             next + 1 == FLIP_FRAMES ? file->size : specimen->at[next + 1]);
            damaged++;
        }
        if (next < 3)
            assert_true(at < file->sending);
        next++;
    }
    assert_int_equal(next, FLIP_FRAMES);
    assert_true(damaged <= 1);
    spool_file_destroy(file);
}

static void
every_flipped_bit_is_found_or_harmless(void **state)
{
    (void)state;
    struct specimen specimen;
    make_specimen(&specimen);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    for (uint32_t at = 0; at < sizeof specimen.bytes; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            uint8_t byte = (uint8_t)(specimen.bytes[at] ^ 1u << bit);
            assert_int_equal(pwrite(fd, &byte, 1, at), 1);
            check_flipped(&specimen, at);
            assert_int_equal(pwrite(fd, specimen.bytes, sizeof specimen.bytes, 0),
                             sizeof specimen.bytes);
        }
    }
    (void)close(fd);
}

/* Whatever stands in a file, going through it comes to an end, forwards and within the file. */
static void
no_bytes_lead_astray(void **state)
{
    (void)state;
    struct specimen specimen;
    make_specimen(&specimen);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    uint64_t seed = 1;
    for (unsigned round = 0; round < 5000; round++) {
        uint8_t bytes[sizeof specimen.bytes];
        memcpy(bytes, specimen.bytes, sizeof bytes);
        for (unsigned i = 0; i <= round % 40; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            size_t to = (seed >> 33) % (sizeof bytes / 8) * 8, from = (seed >> 48) % (sizeof bytes);
            if (i % 3 == 0)
                memmove(bytes + to, specimen.bytes + from / 8 * 8, 8);
            else
                bytes[from] = (uint8_t)(seed >> 24);
        }
        assert_int_equal(pwrite(fd, bytes, sizeof bytes, 0), sizeof bytes);
        struct spool_file *file;
        if (spool_file_open(folder, 1, &file, NULL) != TALLY_OK)
            continue;
        struct spool_frame frame;
        for (uint32_t at = file->done;; at = frame.next) {
            spool_file_look(file, at, &frame);
            if (frame.kind == SPOOL_FRAME_NONE)
                break;
            assert_true(frame.next > at && frame.next <= file->size && frame.next % 8 == 0);
            if (frame.kind == SPOOL_FRAME_WHOLE)
                assert_true(frame.event.data == file->base + at + SPOOL_FRAME_HEAD &&
                            frame.event.size <= frame.next - at - SPOOL_FRAME_HEAD);
        }
        spool_file_destroy(file);
    }
    (void)close(fd);
}

/* A power cut: of the pages behind some place nothing was written. */
static void
what_was_cut_off_is_no_harm_to_the_rest(void **state)
{
    (void)state;
    struct specimen specimen;
    make_specimen(&specimen);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    for (uint32_t cut = SPOOL_FILE_START; cut < sizeof specimen.bytes; cut += 8) {
        uint8_t bytes[sizeof specimen.bytes] = { 0 };
        memcpy(bytes, specimen.bytes, cut);
        assert_int_equal(pwrite(fd, bytes, sizeof bytes, 0), sizeof bytes);
        struct spool_file *file;
        assert_int_equal(spool_file_open(folder, 1, &file, NULL), TALLY_OK);
        unsigned whole = 1;
        struct spool_frame frame;
        for (uint32_t at = file->done;; at = frame.next) {
            spool_file_look(file, at, &frame);
            if (frame.kind == SPOOL_FRAME_NONE)
                break;
            whole += frame.kind == SPOOL_FRAME_WHOLE;
        }
        unsigned expected = 1;
        /* The zeros at a frame's end may be cut off as well. */
        while (expected < FLIP_FRAMES && specimen.at[expected + 1] <= cut)
            expected++;
        assert_int_equal(whole, expected);
        spool_file_destroy(file);
    }
    (void)close(fd);
}

static void
a_newer_version_is_refused(void **state)
{
    (void)state;
    struct spool_file *file = make_file(folder, SIZE);
    struct tally_error error;
    put_stamped(file, 0);
    put_u32(file->base + 8, 2);
    put_u32(file->base + 60, crc32c(0, file->base, 60));
    spool_file_destroy(file);
    assert_int_equal(spool_file_open(folder, 1, &file, &error), TALLY_UNSUPPORTED);
    assert_non_null(strstr(error.text, "newer version"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(every_flipped_bit_is_found_or_harmless),
        WITH_FOLDER(no_bytes_lead_astray),
        WITH_FOLDER(what_was_cut_off_is_no_harm_to_the_rest),
        WITH_FOLDER(a_newer_version_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
