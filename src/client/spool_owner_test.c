/*
 * spool_owner_test.c - whose a spool's folder is: a live owner keeps it, from its own process too; a
 * dead one's is adopted, by one.
 */
#include "clock.h"
#include "spool_folder.h"
#include "spool_numbers.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct spool_folder *
create(void)
{
    struct spool_folder *folder;
    assert_int_equal(spool_folder_create(root, DESTINATION, &folder, NULL), TALLY_OK);
    return folder;
}

static tally_status
adopt(struct spool_folder **folder)
{
    return spool_folder_adopt(root, DESTINATION, folder, NULL);
}

static void
expect_none(void)
{
    struct spool_folder *folder;
    assert_int_equal(adopt(&folder), TALLY_ABSENT);
}

static void
expect_one(void)
{
    struct spool_folder *folder;
    assert_int_equal(adopt(&folder), TALLY_OK);
    spool_folder_remove(folder);
    assert_int_equal(scratch_count(root), 0);
}

/* Where a process that was told to let go of it, or to end, has yet to do so. */
static void
remove_one_at_last(void)
{
    struct spool_folder *folder;
    for (int64_t until = LONG_WAIT; adopt(&folder) != TALLY_OK;) {
        assert_true(clock_monotonic() < until);
        (void)nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
    }
    spool_folder_remove(folder);
}

static void
expect_exit(pid_t child, int expected)
{
    int ended;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFEXITED(ended));
    assert_int_equal(WEXITSTATUS(ended), expected);
}

/* ---- other processes ---- */

/* Until it is killed, or forgotten by a test that failed. */
__attribute__((noreturn)) static void
live(void)
{
    (void)alarm(600);
    for (;;)
        (void)pause();
}

/* What another process begins with, there; false where it could not. */
typedef bool (*beginning)(void);

/* A process with a group of its own, whose members live until they are killed. */
static pid_t
other_process(beginning begin)
{
    int ends[2];
    char byte;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t other = fork();
    assert_true(other >= 0);
    if (other == 0) {
        if (setpgid(0, 0) != 0 || !begin() || write(ends[1], "+", 1) != 1)
            _exit(1);
        live();
    }
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    (void)close(ends[0]);
    return other;
}

/* Ends it and not its children. */
static void
kill_other(pid_t other)
{
    assert_int_equal(kill(other, SIGKILL), 0);
    assert_int_equal(waitpid(other, NULL, 0), other);
}

static void
kill_group(pid_t other)
{
    assert_int_equal(kill(-other, SIGKILL), 0);
}

static bool
make_folder(void)
{
    struct spool_folder *folder;
    return spool_folder_create(root, DESTINATION, &folder, NULL) == TALLY_OK;
}

/* Has a child that lives, after fork() as libtally sees it. */
static bool
make_folder_and_child(void)
{
    struct spool_folder *folder;
    int ends[2];
    char byte;
    if (spool_folder_create(root, DESTINATION, &folder, NULL) != TALLY_OK || pipe(ends) != 0)
        return false;
    if (fork() == 0) {
        spool_folder_abandon(folder);
        if (write(ends[1], "+", 1) != 1)
            _exit(1);
        live();
    }
    return read(ends[0], &byte, 1) == 1;
}

/* A child that was made with clone() knows nothing of the folder. */
static bool
make_folder_and_clone(void)
{
    if (!make_folder())
        return false;
    pid_t child = fork();
    if (child == 0)
        live();
    return child > 0;
}

static bool
make_folder_and_execute(void)
{
    if (!make_folder())
        return false;
    pid_t child = fork();
    if (child == 0) {
        (void)execlp("sleep", "sleep", "600", (char *)NULL);
        _exit(1);
    }
    return child > 0;
}

/* The first process of a container of its own, whose number is 1; its parent only waits. */
static bool
enter_container(void)
{
    if (unshare(CLONE_NEWPID) != 0)
        return false;
    pid_t first = fork();
    if (first > 0)
        live();
    return first == 0 && getpid() == 1;
}

static bool
make_folder_in_container(void)
{
    return enter_container() && make_folder();
}

static bool
look_in_container(void)
{
    struct spool_folder *folder;
    return enter_container() && make_folder() && adopt(&folder) == TALLY_ABSENT;
}

/* ---- tests ---- */

static void
only_what_is_dead_is_adopted(void **state)
{
    (void)state;
    struct spool_folder *folder, *twice;
    expect_none();
    struct spool_folder *own = create();
    expect_none();
    pid_t other = other_process(make_folder);
    expect_none();
    kill_other(other);
    assert_int_equal(adopt(&folder), TALLY_OK);
    /* Once. */
    expect_none();
    assert_int_equal(scratch_count(root), 2);
    spool_folder_remove(folder);

    /* Its own, if it was left. */
    char left[PATH_MAX];
    (void)snprintf(left, sizeof left, "%s", spool_folder_path(own));
    spool_folder_leave(own);
    spool_folder_leave(NULL);
    assert_int_equal(adopt(&folder), TALLY_OK);
    assert_int_equal(access(left, F_OK), -1);
    assert_int_equal(adopt(&twice), TALLY_ABSENT);
    spool_folder_leave(folder);
    expect_one();
}

/* The lock is still held when the process has looked at its own folder and all others. */
static void
looking_does_not_unlock(void **state)
{
    (void)state;
    struct spool_folder *own = create(), *second = create();
    for (unsigned i = 0; i < 3; i++)
        expect_none();
    pid_t child = fork();
    if (child == 0) {
        struct spool_folder *folder;
        spool_folder_abandon(own);
        spool_folder_abandon(second);
        spool_folder_abandon(NULL);
        _exit(adopt(&folder) == TALLY_ABSENT ? 0 : 1);
    }
    expect_exit(child, 0);
    spool_folder_remove(own);
    spool_folder_remove(second);
}

/* Who reads the file in the same process, another copy of the library or a backup, takes nothing. */
static void
closing_another_open_file_does_not_unlock(void **state)
{
    (void)state;
    struct spool_folder *own = create();
    char owner[PATH_MAX + 8];
    (void)snprintf(owner, sizeof owner, "%s/owner", spool_folder_path(own));
    int fd = open(owner, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    (void)close(fd);
    expect_none();
    pid_t child = fork();
    if (child == 0) {
        struct spool_folder *folder;
        _exit(adopt(&folder) == TALLY_ABSENT ? 0 : 1);
    }
    expect_exit(child, 0);
    spool_folder_remove(own);
}

static bool
is_on_overlayfs(void)
{
    struct statfs system;
    return statfs(root, &system) == 0 && system.f_type == OVERLAYFS_SUPER_MAGIC;
}

/* Closes what it does not know, as daemons do, and opens something else; its first number. */
static int
close_unknown(void)
{
    for (int fd = 3; fd < 256; fd++)
        (void)close(fd);
    int first = open("/dev/null", O_RDONLY | O_CLOEXEC), last = first;
    while (last < 200)
        last = dup(first);
    return first;
}

static bool
are_open_from(int first)
{
    int fd = first;
    while (fd <= 200 && fcntl(fd, F_GETFD) >= 0)
        fd++;
    return fd > 200;
}

/* In a child: the test's own descriptors are needed. */
static int
close_and_leave(void)
{
    struct spool_folder *own, *folder;
    if (spool_folder_create(root, DESTINATION, &own, NULL) != TALLY_OK)
        return 1;
    bool overlaid = is_on_overlayfs();
    int first = close_unknown();
    if (!overlaid && adopt(&folder) != TALLY_ABSENT)
        return 2;
    if (spool_folder_sync(own, NULL) != TALLY_OK)
        return 3;
    spool_folder_leave(own);
    if (!are_open_from(first))
        return 4;
    return adopt(&folder) == TALLY_OK ? 0 : 5;
}

static void
a_closed_descriptor_does_not_unlock(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0)
        _exit(close_and_leave());
    expect_exit(child, 0);
    expect_one();
}

/* A number that is another file's now is not closed by a child that lets go of its parent's. */
static void
a_child_closes_nothing_else(void **state)
{
    (void)state;
    struct spool_folder *folder = create();
    pid_t child = fork();
    if (child == 0) {
        int first = close_unknown();
        spool_folder_abandon(folder);
        _exit(are_open_from(first) ? 0 : 1);
    }
    expect_exit(child, 0);
    expect_none();
    spool_folder_remove(folder);
}

static void
children_that_outlive_their_parent_do_not_keep_its_folder(void **state)
{
    (void)state;
    pid_t other = other_process(make_folder_and_child);
    expect_none();
    kill_other(other);
    expect_one();
    kill_group(other);

    other = other_process(make_folder_and_execute);
    expect_none();
    kill_other(other);
    remove_one_at_last();
    assert_int_equal(scratch_count(root), 0);
    kill_group(other);
}

/* One that nothing told of its parent's folder keeps it while it lives, unless it was left. */
static void
a_clone_keeps_its_parents_folder_no_longer_than_it_lives(void **state)
{
    (void)state;
    pid_t other = other_process(make_folder_and_clone);
    kill_other(other);
    expect_none();
    kill_group(other);
    remove_one_at_last();

    struct spool_folder *own = create();
    pid_t child = fork();
    if (child == 0)
        live();
    expect_none();
    spool_folder_leave(own);
    expect_one();
    kill_other(child);
}

static void
containers_may_share_a_folder(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0)
        _exit(unshare(CLONE_NEWPID) == 0 ? 0 : 1);
    int ended;
    assert_int_equal(waitpid(child, &ended, 0), child);
    if (ended != 0) {
        print_message("# skipped: this user may not make containers\n");
        return;
    }
    pid_t first = other_process(make_folder_in_container);
    pid_t second = other_process(look_in_container);
    expect_none();
    kill_group(first);
    kill_group(second);
    remove_one_at_last();
    remove_one_at_last();
    assert_int_equal(scratch_count(root), 0);
    assert_int_equal(waitpid(first, NULL, 0), first);
    assert_int_equal(waitpid(second, NULL, 0), second);
}

/* In a child: adopts all it can, says so of each, and holds what it has to the end. */
__attribute__((noreturn)) static void
race(unsigned number, int start, int tell, int end)
{
    char byte;
    struct spool_folder *folder;
    (void)read(start, &byte, 1);
    while (adopt(&folder) == TALLY_OK) {
        if (write(tell, "+", 1) != 1)
            _exit(1);
        if (number % 2 == 0)
            spool_folder_remove(folder);
    }
    if (write(tell, ".", 1) != 1)
        _exit(1);
    (void)read(end, &byte, 1);
    _exit(0);
}

/* Of processes that all want the same folders, each is got by one. */
static void
races_have_one_winner(void **state)
{
    (void)state;
    enum {
        FOLDERS = 6,
        PROCESSES = 5
    };
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < FOLDERS; i++)
            spool_folder_leave(create());
        int start[2], told[2], end[2];
        assert_int_equal(pipe(start) | pipe(told) | pipe(end), 0);
        pid_t children[PROCESSES];
        for (unsigned i = 0; i < PROCESSES; i++) {
            children[i] = fork();
            assert_true(children[i] >= 0);
            if (children[i] == 0) {
                (void)close(start[1]);
                (void)close(end[1]);
                race(i, start[0], told[1], end[0]);
            }
        }
        (void)close(start[1]);
        (void)close(told[1]);
        unsigned won = 0, done = 0;
        while (done < PROCESSES) {
            char byte;
            assert_int_equal(read(told[0], &byte, 1), 1);
            won += byte == '+';
            done += byte == '.';
            assert_true(won <= FOLDERS);
        }
        assert_int_equal(won, FOLDERS);
        (void)close(end[1]);
        for (unsigned i = 0; i < PROCESSES; i++) {
            int ended;
            assert_int_equal(waitpid(children[i], &ended, 0), children[i]);
            assert_int_equal(ended, 0);
        }
        (void)close(start[0]);
        (void)close(told[0]);
        (void)close(end[0]);
        struct spool_folder *folder;
        while (adopt(&folder) == TALLY_OK)
            spool_folder_remove(folder);
        assert_int_equal(scratch_count(root), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ROOT(only_what_is_dead_is_adopted),
        WITH_ROOT(looking_does_not_unlock),
        WITH_ROOT(closing_another_open_file_does_not_unlock),
        WITH_ROOT(a_closed_descriptor_does_not_unlock),
        WITH_ROOT(a_child_closes_nothing_else),
        WITH_ROOT(children_that_outlive_their_parent_do_not_keep_its_folder),
        WITH_ROOT(a_clone_keeps_its_parents_folder_no_longer_than_it_lives),
        WITH_ROOT(containers_may_share_a_folder),
        WITH_ROOT(races_have_one_winner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
