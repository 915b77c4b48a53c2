/*
 * spool_adopt_test.c - what becomes of a spool whose process is gone, and of a parent's in its child.
 */
#include "spool_numbers.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
what_is_left_is_adopted_with_its_notes(void **state)
{
    (void)state;
    struct spool *spool = make_spool(root, 8);
    struct spool_run run;
    append_range(spool, 0, 300);
    assert_int_equal(spool_read(spool, 200, SIZE_MAX, &run), TALLY_OK);
    assert_int_equal(run.count, 200);
    assert_false(run.again);
    spool_sending(spool, 150);
    spool_done(spool, 120);
    assert_non_null(strstr(spool_path(spool), root));
    spool_close(spool);

    spool = adopt_spool();
    assert_int_equal(state_of(spool).queued, 180);
    assert_int_equal(spool_read(spool, 1000, SIZE_MAX, &run), TALLY_OK);
    assert_int_equal(run.count, 30);
    assert_true(run.again);
    assert_int_equal(number_of(run.events[0]), 120);
    spool_done(spool, 30);
    assert_int_equal(spool_read(spool, 1000, SIZE_MAX, &run), TALLY_OK);
    assert_false(run.again);
    expect_range(spool, 150, 300);
    spool_close(spool);
    assert_int_equal(scratch_count(root), 0);
}

/* Notes of what was sent are gone with the power, if they were not synced. */
static void
after_another_boot_all_may_have_been_sent(void **state)
{
    (void)state;
    struct spool *spool = make_spool(root, 8);
    char path[PATH_MAX];
    append_range(spool, 0, 300);
    spool_close(spool);
    spool = adopt_spool();
    (void)snprintf(path, sizeof path, "%s/owner", spool_path(spool));
    FILE *owner = fopen(path, "we");
    assert_non_null(owner);
    assert_true(fprintf(owner, "tally spool 1\nboot before\nfor " DESTINATION "\n") > 0);
    (void)fclose(owner);
    spool_close(spool);
    spool = adopt_spool();
    struct spool_run run;
    assert_int_equal(spool_read(spool, 1000, SIZE_MAX, &run), TALLY_OK);
    assert_int_equal(run.count, 300);
    assert_true(run.again);
    spool_close(spool);
}

/* Such a file is left for people, in a folder that nobody owns; the others are read. */
static void
a_file_that_is_none_of_a_spool_is_left(void **state)
{
    (void)state;
    struct spool *spool = make_spool(root, 8);
    char path[PATH_MAX + 32];
    append_range(spool, 0, 100);
    (void)snprintf(path, sizeof path, "%s/0000ffff.spool", spool_path(spool));
    assert_int_equal(mkdir(path, 0700), 0);
    spool_close(spool);
    spool = adopt_spool();
    assert_int_equal(state_of(spool).damaged, 1);
    (void)snprintf(path, sizeof path, "%s", spool_path(spool));
    expect_range(spool, 0, 100);
    spool_close(spool);
    assert_int_equal(scratch_count(path), 1);
    assert_int_equal(spool_adopt(root, DESTINATION, &spool, NULL), TALLY_ABSENT);
    assert_int_equal(scratch_count(path), 1);
}

/* Whatever is damaged is counted, and the rest is read. */
static void
damage_is_counted(void **state)
{
    (void)state;
    struct spool *spool = make_spool(root, 8);
    append_range(spool, 0, 20);
    spool_close(spool);
    struct spool *other = adopt_spool();
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/00000001.spool", spool_path(other));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    /* In the first event, behind file header and frame head. */
    assert_int_equal(pwrite(fd, "?", 1, 128 + 24 + 8), 1);
    (void)close(fd);
    expect_range(other, 1, 20);
    assert_int_equal(state_of(other).damaged, 1);
    spool_close(other);
    assert_int_equal(scratch_count(root), 0);
}

/* The child lets go of its copy and has a spool of its own; the parent's is untouched. */
static void
a_child_forgets_its_parents_spool(void **state)
{
    (void)state;
    const char *const places[] = { root, NULL };
    for (size_t i = 0; i < 2; i++) {
        struct spool *spool = make_spool(places[i], 8);
        struct spool_run run;
        append_range(spool, 0, 500);
        assert_int_equal(spool_read(spool, 300, SIZE_MAX, &run), TALLY_OK);
        spool_done(spool, 250);
        pid_t child = fork();
        if (child == 0) {
            struct spool *own, *found;
            struct spool_options options = { places[i], DESTINATION, 1 << 20, FILE_SIZE };
            spool_abandon(spool);
            spool_abandon(NULL);
            if (spool_create(&options, &own, NULL) != TALLY_OK || append_number(own, 7) != TALLY_OK)
                _exit(1);
            /* Its parent lives. */
            if (places[i] != NULL && spool_adopt(root, DESTINATION, &found, NULL) != TALLY_ABSENT)
                _exit(2);
            spool_close(own);
            _exit(0);
        }
        int ended;
        assert_int_equal(waitpid(child, &ended, 0), child);
        assert_int_equal(ended, 0);
        append_range(spool, 500, 600);
        expect_range(spool, 250, 600);
        spool_close(spool);
    }
    struct spool *childs = adopt_spool();
    expect_range(childs, 7, 8);
    spool_close(childs);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ROOT(what_is_left_is_adopted_with_its_notes),
        WITH_ROOT(after_another_boot_all_may_have_been_sent),
        WITH_ROOT(a_file_that_is_none_of_a_spool_is_left),
        WITH_ROOT(damage_is_counted),
        WITH_ROOT(a_child_forgets_its_parents_spool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
