/* The crashes of random runs, against a slow oracle. */
#include "disk_sim_fixture.h"

/* The oracle: a run of small writes within one sector each, and of renames, as a list; every subset
 * of what no sync covers, applied to plain arrays. */
#define FILES 3
#define CELLS 4 /* of 256 bytes a file */
#define NAMES 4
#define STEPS 8 /* at most CRASH_SUBSETS_MAX, so that every subset is given */

struct move {
    enum {
        MOVE_WRITE,
        MOVE_SYNC,
        MOVE_RENAME,
        MOVE_UNLINK,
        MOVE_SYNC_FOLDER
    } kind;
    int file, cell, value, from, to;
};

struct plain {
    int cells[FILES][CELLS];
    int names[NAMES]; /* the file of each name, or -1 */
};

static void
plain_apply(struct plain *plain, const struct move *move)
{
    if (move->kind == MOVE_WRITE)
        plain->cells[move->file][move->cell] = move->value;
    if (move->kind == MOVE_UNLINK || move->kind == MOVE_RENAME)
        if (plain->names[move->from] == move->file)
            plain->names[move->from] = -1;
    if (move->kind == MOVE_RENAME)
        plain->names[move->to] = move->file;
}

static void
plain_spell(const struct plain *plain, char *text, size_t size)
{
    text[0] = '\0';
    for (int name = 0; name < NAMES; name++) {
        if (plain->names[name] < 0)
            continue;
        size_t used = strlen(text);
        const int *cells = plain->cells[plain->names[name]];
        (void)snprintf(text + used, size - used, "%c=%x%x%x%x ", 'a' + name, cells[0], cells[1],
                       cells[2], cells[3]);
    }
}

static bool
is_covered(const struct move *moves, size_t at, size_t end)
{
    for (size_t i = at + 1; i < end; i++) {
        if (moves[at].kind == MOVE_WRITE && moves[i].kind == MOVE_SYNC &&
            moves[i].file == moves[at].file)
            return true;
        if ((moves[at].kind == MOVE_RENAME || moves[at].kind == MOVE_UNLINK) &&
            moves[i].kind == MOVE_SYNC_FOLDER)
            return true;
    }
    return false;
}

static void
plain_crashes(const struct plain *start, const struct move *moves, size_t end, struct set *set)
{
    for (unsigned kept = 0; kept < 1u << end; kept++) {
        struct plain plain = *start;
        bool sensible = true;
        for (size_t i = 0; i < end; i++) {
            if (kept >> i & 1)
                plain_apply(&plain, &moves[i]);
            else
                sensible &= !is_covered(moves, i, end);
        }
        char text[512];
        plain_spell(&plain, text, sizeof text);
        if (sensible)
            set_add(set, text);
    }
}

/* A random move that can be made where `now` is what is there, made on the disk too. */
static struct move
make_move(struct disk *disk, struct plain *now, int value)
{
    struct move move = { .from = rand() % NAMES, .to = rand() % NAMES, .cell = rand() % CELLS };
    while (now->names[move.from] < 0)
        move.from = rand() % NAMES;
    move.file = now->names[move.from];
    move.value = value;
    char from[2] = { (char)('a' + move.from), 0 }, to[2] = { (char)('a' + move.to), 0 };
    int files = 0;
    for (int name = 0; name < NAMES; name++)
        files += now->names[name] >= 0;
    switch (rand() % 8) {
    case 0:
        move.kind = MOVE_SYNC;
        assert_int_equal(sync_file(disk, from), TALLY_OK);
        break;
    case 1:
        move.kind = MOVE_SYNC_FOLDER;
        assert_int_equal(disk_sync_folder(disk, "", NULL), TALLY_OK);
        break;
    case 2:
    case 3:
        if (move.from != move.to && (files > 2 || now->names[move.to] < 0)) {
            move.kind = MOVE_RENAME;
            assert_int_equal(disk_rename(disk, from, to, NULL), TALLY_OK);
            break;
        }
        /* fall through */
    case 4:
        if (files > 1) {
            move.kind = MOVE_UNLINK;
            assert_int_equal(disk_unlink(disk, from, NULL), TALLY_OK);
            break;
        }
        /* fall through */
    default:
        move.kind = MOVE_WRITE;
        write_bytes(disk, from, (uint64_t)move.cell * 256, (uint8_t)value, 256);
        break;
    }
    plain_apply(now, &move);
    return move;
}

static void
test_crashes_agree_with_the_oracle(void **state)
{
    (void)state;
    srand(1);
    for (unsigned round = 0; round < 300; round++) {
        struct disk *disk = disk_sim_create();
        struct plain start = { .names = { 0, 1, 2, -1 } };
        for (int file = 0; file < FILES; file++) {
            make_file(disk, (char[]){ (char)('a' + file), 0 }, (uint8_t)(file + 1), CELLS * 256);
            for (int cell = 0; cell < CELLS; cell++)
                start.cells[file][cell] = file + 1;
        }
        disk_sim_record(disk);
        struct move moves[STEPS];
        struct plain now = start;
        for (int i = 0; i < STEPS; i++)
            moves[i] = make_move(disk, &now, 4 + i);
        for (size_t end = 1; end <= STEPS; end++) {
            struct set slow = { .count = 0 }, fast = { .count = 0 };
            plain_crashes(&start, moves, end, &slow);
            crashes_at(disk, end, &fast);
            for (size_t i = 0; i < fast.count; i++)
                if (!set_has(&slow, fast.texts[i]))
                    fail_msg("round %u, point %zu: \"%s\" cannot be", round, end, fast.texts[i]);
            for (size_t i = 0; i < slow.count; i++)
                if (!set_has(&fast, slow.texts[i]))
                    fail_msg("round %u, point %zu: \"%s\" is missing", round, end, slow.texts[i]);
            set_free(&slow);
            set_free(&fast);
        }
        disk_close_folder(disk);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crashes_agree_with_the_oracle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
