#include "tally/tile.h"

#include "bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
paths_are_judged(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        bool valid;
        const char *why;
    } rows[] = {
        { "tile/0/000", true, "the first tile" },
        { "tile/63/x999/x999/x999/x999/x999/999.p/255", true, "the largest of all" },
        { "tile/entries/x999/x999/x999/x999/x999/999.p/255", true, "the longest of all" },
        { "tile/entries/x001/x234/067", true, "entries" },
        { "tile/0/x000/001", false, "a needless group" },
        { "tile/00/001", false, "a level with a leading zero" },
        { "tile/64/001", false, "a level too high" },
        { "tile/640/001", false, "three digits of level" },
        { "tile//001", false, "no level" },
        { "tile/0/1", false, "a short group" },
        { "tile/0/0001", false, "a long group" },
        { "tile/0/x001", false, "no last group" },
        { "tile/0/001/002", false, "no x on a group that is not the last" },
        { "tile/0/x001/x002", false, "an x on the last group" },
        { "tile/0/x001/x000/x000/x000/x000/x000/000", false, "too large" },
        { "tile/0/000.p/0", false, "no width" },
        { "tile/0/000.p/256", false, "a full tile is not partial" },
        { "tile/0/000.p/01", false, "a width with a leading zero" },
        { "tile/0/000.p/", false, "an empty width" },
        { "tile/0/000.p/1/", false, "something behind the width" },
        { "/tile/0/000", false, "a slash in front" },
        { "tile/entries", false, "no index" },
        { "", false, "nothing" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tally_tile tile;
        tally_status status = tally_tile_parse(rows[i].path, strlen(rows[i].path), &tile, NULL);
        if (status != (rows[i].valid ? TALLY_OK : TALLY_INVALID))
            fail_msg("%s", rows[i].why);
        if (status != TALLY_OK)
            continue;
        char again[TALLY_TILE_PATH_SIZE];
        tally_tile_format(&tile, again);
        assert_string_equal(again, rows[i].path);
    }
}

static void
tiles_come_back(void **state)
{
    (void)state;
    static const uint64_t indexes[] = {
        0, 1, 999, 1000, 999999, 1000000, 123456789, UINT64_C(1) << 55, TALLY_TILE_INDEX_MAX,
    };
    for (size_t i = 0; i < sizeof indexes / sizeof indexes[0]; i++) {
        for (unsigned level = 0; level <= TALLY_TILE_LEVEL_MAX; level++) {
            for (unsigned width = 1; width <= TALLY_TILE_WIDTH; width++) {
                struct tally_tile tile = { TALLY_TILE_HASHES, level, indexes[i], width }, back;
                char path[TALLY_TILE_PATH_SIZE];
                tally_tile_format(&tile, path);
                assert_int_equal(tally_tile_parse(path, strlen(path), &back, NULL), TALLY_OK);
                assert_true(back.kind == tile.kind && back.level == level &&
                            back.index == indexes[i] && back.width == width);
            }
        }
    }
}

/* A tile is as wide as there are complete subtrees under it: counted one by one. */
static void
widths_are_counted(void **state)
{
    (void)state;
    static const uint64_t sizes[] = { 0, 1, 255, 256, 257, 511, 512, 65535, 65536, 65537, 70000 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (unsigned level = 0; level <= 3; level++) {
            for (uint64_t index = 0; index < 300; index++) {
                unsigned width = 0;
                uint64_t span = UINT64_C(1) << (8 * level);
                while (width < 256 && (index * 256 + width + 1) * span <= sizes[i])
                    width++;
                assert_int_equal(tally_tile_width(level, index, sizes[i]), width);
            }
        }
    }
    assert_int_equal(tally_tile_width(7, 0, INT64_MAX), 127);
    assert_int_equal(tally_tile_width(8, 0, INT64_MAX), 0);
    assert_int_equal(tally_tile_width(63, 0, INT64_MAX), 0);
    assert_int_equal(tally_tile_width(0, TALLY_TILE_INDEX_MAX, INT64_MAX), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_judged),
        cmocka_unit_test(tiles_come_back),
        cmocka_unit_test(widths_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
