/* The simulated disk against its own promises, and the crashes against a slow oracle. */
#include "crash_iterator.h"
#include "fault.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct disk_file *
open_file(struct disk *disk, const char *name, enum disk_mode mode)
{
    struct disk_file *file;
    struct tally_error error;
    assert_int_equal(disk_open(disk, name, mode, &file, &error), TALLY_OK);
    return file;
}

/* A file of `size` times `byte`, all durable if a recording begins after it. */
static void
make_file(struct disk *disk, const char *name, uint8_t byte, size_t size)
{
    uint8_t *data = test_malloc(size + 1);
    memset(data, byte, size);
    struct disk_file *file = open_file(disk, name, DISK_CREATE);
    assert_int_equal(disk_write(file, 0, data, size, NULL), TALLY_OK);
    disk_close(file);
    test_free(data);
}

static void
write_bytes(struct disk *disk, const char *name, uint64_t offset, uint8_t byte, size_t size)
{
    uint8_t *data = test_malloc(size + 1);
    memset(data, byte, size);
    struct disk_file *file = open_file(disk, name, DISK_WRITE);
    assert_int_equal(disk_write(file, offset, data, size, NULL), TALLY_OK);
    disk_close(file);
    test_free(data);
}

static tally_status
sync_file(struct disk *disk, const char *name)
{
    struct disk_file *file = open_file(disk, name, DISK_WRITE);
    tally_status status = disk_sync(file, NULL);
    disk_close(file);
    return status;
}

static bool
exists(struct disk *disk, const char *name)
{
    struct disk_file *file;
    tally_status status = disk_open(disk, name, DISK_READ, &file, NULL);
    if (status == TALLY_OK)
        disk_close(file);
    return status == TALLY_OK;
}

static tally_status
add_name(void *context, const char *name, struct tally_error *error)
{
    (void)error;
    char *text = context;
    strcat(text, name);
    strcat(text, " ");
    return TALLY_OK;
}

/* The whole content of a flat disk in words: "a=111100 b=22 ", one digit for each 256 bytes. */
static void
spell(struct disk *disk, char *text, size_t size)
{
    char names[256] = "";
    assert_int_equal(disk_list(disk, "", add_name, names, NULL), TALLY_OK);
    text[0] = '\0';
    char *rest;
    for (char *name = strtok_r(names, " ", &rest); name != NULL;
         name = strtok_r(NULL, " ", &rest)) {
        size_t used = strlen(text);
        used += (size_t)snprintf(text + used, size - used, "%s=", name);
        for (uint64_t at = 0; at < disk_sim_size(disk, name); at += 256) {
            uint8_t byte;
            disk_sim_peek(disk, name, at, &byte, 1);
            used += (size_t)snprintf(text + used, size - used, "%x", byte);
        }
        (void)snprintf(text + used, size - used, " ");
    }
}

#define SET_MAX 4096

/* A set of spelled disks. */
struct set {
    char *texts[SET_MAX];
    size_t count;
};

static bool
set_has(const struct set *set, const char *text)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->texts[i], text) == 0)
            return true;
    return false;
}

static void
set_add(struct set *set, const char *text)
{
    if (set_has(set, text))
        return;
    assert_true(set->count < SET_MAX);
    set->texts[set->count++] = strdup(text);
}

static void
set_free(struct set *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->texts[i]);
    set->count = 0;
}

/* Every disk of the crashes at a point. */
static void
crashes_at(struct disk *disk, size_t point, struct set *set)
{
    struct crash_plan plan = { .seed = 1, .first = point, .last = point };
    if (point == 0)
        plan.last = 0;
    struct crash_iterator *iterator = crash_iterator_create(disk, &plan);
    struct crash crash;
    while (crash_iterator_next(iterator, &crash)) {
        if (crash.point != point)
            break;
        char text[512];
        spell(crash.disk, text, sizeof text);
        assert_false(set_has(set, text)); /* duplicates are left out */
        set_add(set, text);
    }
    crash_iterator_destroy(iterator);
}

static void
expect_crashes(struct disk *disk, size_t point, const char *const *texts, size_t count)
{
    struct set set = { .count = 0 };
    crashes_at(disk, point, &set);
    for (size_t i = 0; i < set.count; i++) {
        bool known = false;
        for (size_t j = 0; j < count; j++)
            known |= strcmp(set.texts[i], texts[j]) == 0;
        if (!known)
            fail_msg("point %zu gives \"%s\"", point, set.texts[i]);
    }
    for (size_t j = 0; j < count; j++)
        if (!set_has(&set, texts[j]))
            fail_msg("point %zu does not give \"%s\"", point, texts[j]);
    set_free(&set);
}

#define EXPECT_CRASHES(disk, point, ...)                                              \
    do {                                                                              \
        static const char *const expected_[] = { __VA_ARGS__ };                       \
        expect_crashes(disk, point, expected_, sizeof expected_ / sizeof *expected_); \
    } while (0)

static void
test_what_was_written_is_read(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    assert_int_equal(disk_make_folder(disk, "x", NULL), TALLY_OK);
    assert_int_equal(disk_make_folder(disk, "x", NULL), TALLY_OK);
    struct disk_file *file = open_file(disk, "x/a", DISK_CREATE);
    assert_int_equal(disk_write(file, 5000, "hello", 5, NULL), TALLY_OK);

    uint64_t size;
    assert_int_equal(disk_size(file, &size, NULL), TALLY_OK);
    assert_int_equal(size, 5005);
    uint8_t data[10];
    size_t got;
    assert_int_equal(disk_read(file, 4998, data, sizeof data, &got, NULL), TALLY_OK);
    assert_int_equal(got, 7);
    assert_memory_equal(data, "\0\0hello", 7);
    struct tally_error error;
    assert_int_equal(disk_read_all(file, 4998, data, sizeof data, &error), TALLY_DAMAGED);
    assert_non_null(strstr(error.text, "x/a ends at byte 5005"));

    struct disk_file *other;
    assert_int_equal(disk_open(disk, "x/a", DISK_CREATE, &other, NULL), TALLY_IO);
    assert_int_equal(disk_open(disk, "x/b", DISK_READ, &other, NULL), TALLY_ABSENT);
    assert_int_equal(disk_open(disk, "y/b", DISK_CREATE, &other, NULL), TALLY_IO);
    assert_int_equal(disk_open(disk, "x", DISK_READ, &other, NULL), TALLY_IO);
    assert_int_equal(disk_open(disk, "x/../x/a", DISK_READ, &other, NULL), TALLY_INVALID);

    /* An unlinked file lives on while it is open. */
    assert_int_equal(disk_unlink(disk, "x/a", NULL), TALLY_OK);
    assert_int_equal(disk_unlink(disk, "x/a", NULL), TALLY_ABSENT);
    assert_int_equal(disk_read_all(file, 5000, data, 5, NULL), TALLY_OK);
    disk_close(file);
    disk_close_folder(disk);
}

static void
test_locks_exclude(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    make_file(disk, "lock", 1, 1);
    struct disk_file *a = open_file(disk, "lock", DISK_WRITE);
    struct disk_file *b = open_file(disk, "lock", DISK_WRITE);
    assert_int_equal(disk_lock(a, NULL), TALLY_OK);
    assert_int_equal(disk_lock(a, NULL), TALLY_OK);
    assert_int_equal(disk_lock(b, NULL), TALLY_BUSY);
    disk_close(a);
    assert_int_equal(disk_lock(b, NULL), TALLY_OK);
    disk_close(b);
    disk_close_folder(disk);
}

static void
test_space_ends(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    make_file(disk, "a", 1, 1000);
    disk_sim_set_space(disk, 500);
    write_bytes(disk, "a", 0, 2, 1000); /* overwriting costs nothing */
    write_bytes(disk, "a", 900, 3, 300);
    uint64_t space;
    assert_int_equal(disk_space(disk, &space, NULL), TALLY_OK);
    assert_int_equal(space, 300);

    struct disk_file *file = open_file(disk, "a", DISK_WRITE);
    char data[400] = { 4 };
    assert_int_equal(disk_write(file, 1200, data, sizeof data, NULL), TALLY_FULL);
    disk_close(file);
    assert_int_equal(disk_sim_size(disk, "a"), 1500); /* what fits is written */
    assert_int_equal(disk_unlink(disk, "a", NULL), TALLY_OK);
    assert_int_equal(disk_space(disk, &space, NULL), TALLY_OK);
    assert_int_equal(space, 1500);

    assert_int_equal(disk_open(disk, "b", DISK_CREATE, &file, NULL), TALLY_OK);
    assert_int_equal(disk_reserve(file, 1501, NULL), TALLY_FULL);
    disk_close(file);
    assert_int_equal(disk_unlink(disk, "b", NULL), TALLY_OK);
    assert_int_equal(disk_space(disk, &space, NULL), TALLY_OK);
    assert_int_equal(space, 1500);
    disk_close_folder(disk);
}

static void
test_copies_are_apart(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    make_file(disk, "a", 1, 10000);
    struct disk *copy = disk_sim_copy(disk);
    assert_int_equal(disk_sim_hash(disk), disk_sim_hash(copy));
    write_bytes(disk, "a", 5000, 2, 1);
    uint8_t byte;
    disk_sim_peek(copy, "a", 5000, &byte, 1);
    assert_int_equal(byte, 1);
    assert_true(disk_sim_hash(disk) != disk_sim_hash(copy));
    write_bytes(copy, "a", 5000, 2, 1);
    assert_int_equal(disk_sim_hash(disk), disk_sim_hash(copy));
    assert_int_equal(disk_rename(copy, "a", "b", NULL), TALLY_OK);
    assert_true(disk_sim_hash(disk) != disk_sim_hash(copy));
    assert_true(disk_sim_contains(copy, "\1\2\1", 3));
    assert_false(disk_sim_contains(copy, "\2\2", 2));
    disk_close_folder(disk);
    disk_close_folder(copy);
}

/* Each way to fail, at a write of 4 bytes over "....". */
static void
test_calls_fail_as_asked(void **state)
{
    (void)state;
    static const struct {
        enum sim_fault fault;
        tally_status status;
        const char *after;
        const char *why;
    } rows[] = {
        { SIM_FAULT_IO, TALLY_IO, "....", "nothing was written" },
        { SIM_FAULT_FULL, TALLY_FULL, "....", "nothing was written" },
        { SIM_FAULT_SHORT, TALLY_IO, "ab..", "half of it was" },
        { SIM_FAULT_LATE, TALLY_IO, "abcd", "all of it, but the caller does not know" },
        { SIM_FAULT_DEAD, TALLY_IO, "....", "nothing was written" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct disk *disk = disk_sim_create();
        make_file(disk, "a", '.', 4);
        struct disk_file *file = open_file(disk, "a", DISK_WRITE);
        disk_sim_fail(disk, 1, rows[i].fault);
        uint64_t size;
        assert_int_equal(disk_size(file, &size, NULL), TALLY_OK);
        assert_false(disk_sim_failed(disk));
        struct tally_error error;
        assert_int_equal(disk_write(file, 0, "abcd", 4, &error), rows[i].status);
        assert_int_equal(error.os, rows[i].fault == SIM_FAULT_FULL ? ENOSPC : EIO);
        assert_true(disk_sim_failed(disk));
        char data[4];
        disk_sim_peek(disk, "a", 0, data, 4);
        assert_memory_equal(data, rows[i].after, 4);
        tally_status next = disk_size(file, &size, NULL);
        assert_int_equal(next, rows[i].fault == SIM_FAULT_DEAD ? TALLY_IO : TALLY_OK);
        disk_sim_heal(disk);
        assert_int_equal(disk_size(file, &size, NULL), TALLY_OK);
        disk_close(file);
        disk_close_folder(disk);
    }
}

static void
test_late_names_take_effect(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    struct disk_file *file;
    disk_sim_fail(disk, 0, SIM_FAULT_LATE);
    assert_int_equal(disk_open(disk, "a", DISK_CREATE, &file, NULL), TALLY_IO);
    assert_true(exists(disk, "a"));
    disk_sim_fail(disk, 0, SIM_FAULT_LATE);
    assert_int_equal(disk_rename(disk, "a", "b", NULL), TALLY_IO);
    assert_true(exists(disk, "b"));
    disk_sim_fail(disk, 0, SIM_FAULT_IO);
    assert_int_equal(disk_unlink(disk, "b", NULL), TALLY_IO);
    assert_true(exists(disk, "b"));
    disk_close_folder(disk);
}

static void
test_unsynced_bytes_may_be_lost_or_torn(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    make_file(disk, "a", 1, 1024);
    disk_sim_record(disk);
    write_bytes(disk, "a", 0, 2, 1024);
    assert_int_equal(sync_file(disk, "a"), TALLY_OK);
    EXPECT_CRASHES(disk, 0, "a=1111 ");
    EXPECT_CRASHES(disk, 1, "a=1111 ", "a=2222 ", "a=2211 ", "a=1122 ");
    EXPECT_CRASHES(disk, 2, "a=2222 ");
    disk_close_folder(disk);
}

static void
test_unsynced_size_may_be_lost(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    make_file(disk, "a", 1, 256);
    disk_sim_record(disk);
    write_bytes(disk, "a", 256, 2, 768);
    EXPECT_CRASHES(disk, 1, "a=1 ", "a=1222 ", "a=12 ", "a=1022 ", "a=1000 ");
    disk_close_folder(disk);
}

static void
test_unsynced_names_may_be_lost(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    disk_sim_record(disk);
    make_file(disk, "a", 1, 256);                                  /* 1 create, 2 write */
    assert_int_equal(sync_file(disk, "a"), TALLY_OK);              /* 3 */
    assert_int_equal(disk_sync_folder(disk, "", NULL), TALLY_OK);  /* 4 */
    assert_int_equal(disk_rename(disk, "a", "b", NULL), TALLY_OK); /* 5 */
    make_file(disk, "a", 2, 256);                                  /* 6, 7 */
    assert_int_equal(disk_unlink(disk, "b", NULL), TALLY_OK);      /* 8 */
    assert_int_equal(disk_sync_folder(disk, "", NULL), TALLY_OK);  /* 9 */
    EXPECT_CRASHES(disk, 1, "a= ", "");
    EXPECT_CRASHES(disk, 2, "a=1 ", "a= ", "a=0 ", "");
    EXPECT_CRASHES(disk, 3, "a=1 ", "");
    EXPECT_CRASHES(disk, 4, "a=1 ");
    EXPECT_CRASHES(disk, 5, "a=1 ", "b=1 ");
    EXPECT_CRASHES(disk, 6, "a=1 ", "b=1 ", "a= ", "a= b=1 ");
    EXPECT_CRASHES(disk, 8, "a=1 ", "b=1 ", "a= ", "a= b=1 ", "a=2 ", "a=2 b=1 ", "a=0 ", "");
    EXPECT_CRASHES(disk, 9, "a= ", "a=2 ", "a=0 ");
    disk_close_folder(disk);
}

static void
test_a_lost_folder_takes_its_names_along(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    disk_sim_record(disk);
    assert_int_equal(disk_make_folder(disk, "x", NULL), TALLY_OK);
    make_file(disk, "x/a", 1, 256);
    assert_int_equal(sync_file(disk, "x/a"), TALLY_OK);
    assert_int_equal(disk_sync_folder(disk, "x", NULL), TALLY_OK);

    struct crash_plan plan = { .first = 5, .last = 5 };
    struct crash_iterator *iterator = crash_iterator_create(disk, &plan);
    struct crash crash;
    assert_true(crash_iterator_next(iterator, &crash));
    assert_true(exists(crash.disk, "x/a"));
    assert_true(crash_iterator_next(iterator, &crash));
    assert_false(exists(crash.disk, "x/a"));
    assert_int_equal(disk_list(crash.disk, "x", add_name, NULL, NULL), TALLY_ABSENT);
    assert_false(crash_iterator_next(iterator, &crash));
    crash_iterator_destroy(iterator);
    disk_close_folder(disk);
}

static void
test_a_failed_sync_leaves_it_open_for_ever(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    make_file(disk, "a", 1, 512);
    disk_sim_record(disk);
    write_bytes(disk, "a", 0, 2, 256);
    disk_sim_fail(disk, 1, SIM_FAULT_IO);
    assert_int_equal(sync_file(disk, "a"), TALLY_IO);
    assert_int_equal(sync_file(disk, "a"), TALLY_OK);
    EXPECT_CRASHES(disk, 3, "a=11 ", "a=21 ");

    /* A later write that is synced holds, whatever came of the earlier one below it. */
    write_bytes(disk, "a", 128, 3, 256);
    assert_int_equal(sync_file(disk, "a"), TALLY_OK);
    EXPECT_CRASHES(disk, 5, "a=13 ", "a=23 ");
    write_bytes(disk, "a", 0, 4, 256);
    assert_int_equal(sync_file(disk, "a"), TALLY_OK);
    EXPECT_CRASHES(disk, 7, "a=43 ");
    disk_close_folder(disk);
}

static void
test_notes_count_and_make_disks_new(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    make_file(disk, "a", 1, 256);
    disk_sim_record(disk);
    disk_sim_note(disk, 7, 0, "begun", 5);
    write_bytes(disk, "a", 0, 2, 256);
    assert_int_equal(sync_file(disk, "a"), TALLY_OK);
    disk_sim_note(disk, 8, 99, NULL, 0);

    struct crash_iterator *iterator = crash_iterator_create(disk, &(struct crash_plan){ 0 });
    static const struct {
        size_t point, notes;
    } rows[] = { { 0, 1 }, { 1, 1 }, { 2, 2 } };
    struct crash crash;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(crash_iterator_next(iterator, &crash));
        assert_int_equal(crash.point, rows[i].point);
        assert_int_equal(crash.note_count, rows[i].notes);
    }
    assert_int_equal(crash.notes[0].kind, 7);
    assert_memory_equal(crash.notes[0].data.data, "begun", 5);
    assert_int_equal(crash.notes[1].value, 99);
    assert_false(crash_iterator_next(iterator, &crash));
    assert_int_equal(crash_iterator_counters(iterator).points, 3);
    assert_int_equal(crash_iterator_counters(iterator).different, 3);
    crash_iterator_destroy(iterator);
    disk_close_folder(disk);
}

static void
test_points_beyond_the_end_mean_the_end(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    make_file(disk, "a", 1, 256);
    disk_sim_record(disk);
    write_bytes(disk, "a", 0, 2, 256);
    assert_int_equal(disk_sim_operations(disk), 1);
    struct crash_plan plan = { .first = SIZE_MAX, .last = SIZE_MAX };
    struct crash_iterator *iterator = crash_iterator_create(disk, &plan);
    struct crash crash;
    assert_true(crash_iterator_next(iterator, &crash));
    assert_int_equal(crash.point, 1);
    assert_true(crash_iterator_next(iterator, &crash));
    assert_int_equal(crash.point, 1);
    assert_false(crash_iterator_next(iterator, &crash));
    crash_iterator_destroy(iterator);
    disk_close_folder(disk);
}

/* More than eight open: none, all, each one lost, and random ones that a seed gives again. */
static void
test_many_open_operations(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_create();
    make_file(disk, "a", 1, 20 * 256);
    disk_sim_record(disk);
    for (unsigned i = 0; i < 20; i++)
        write_bytes(disk, "a", (uint64_t)i * 256, 2, 256);
    struct set first = { .count = 0 }, again = { .count = 0 };
    crashes_at(disk, 20, &first);
    crashes_at(disk, 20, &again);
    assert_true(first.count > 2 + 20 + CRASH_SUBSETS_RANDOM / 2);
    assert_true(first.count <= 2 + 20 + CRASH_SUBSETS_RANDOM);
    assert_int_equal(first.count, again.count);
    for (size_t i = 0; i < first.count; i++)
        assert_true(set_has(&again, first.texts[i]));
    char text[64] = "a=22222222222222222222 ";
    assert_true(set_has(&first, text));
    for (unsigned i = 0; i < 20; i++) {
        text[2 + i] = '1';
        assert_true(set_has(&first, text));
        text[2 + i] = '2';
    }
    assert_true(set_has(&first, "a=11111111111111111111 "));
    set_free(&first);
    set_free(&again);
    disk_close_folder(disk);
}

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
        cmocka_unit_test(test_what_was_written_is_read),
        cmocka_unit_test(test_locks_exclude),
        cmocka_unit_test(test_space_ends),
        cmocka_unit_test(test_copies_are_apart),
        cmocka_unit_test(test_calls_fail_as_asked),
        cmocka_unit_test(test_late_names_take_effect),
        cmocka_unit_test(test_unsynced_bytes_may_be_lost_or_torn),
        cmocka_unit_test(test_unsynced_size_may_be_lost),
        cmocka_unit_test(test_unsynced_names_may_be_lost),
        cmocka_unit_test(test_a_lost_folder_takes_its_names_along),
        cmocka_unit_test(test_a_failed_sync_leaves_it_open_for_ever),
        cmocka_unit_test(test_notes_count_and_make_disks_new),
        cmocka_unit_test(test_points_beyond_the_end_mean_the_end),
        cmocka_unit_test(test_many_open_operations),
        cmocka_unit_test(test_crashes_agree_with_the_oracle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
