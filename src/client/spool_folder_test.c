#include "spool_folder.h"

#include "spool_fixture.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define DESTINATION "http://127.0.0.1:7878 main"
#define NOBODY      65534

static char scratch[SCRATCH_SIZE];
static char root[SCRATCH_SIZE + 16];

static int
set_up(void **state)
{
    (void)state;
    scratch_make(scratch);
    (void)snprintf(root, sizeof root, "%s/a/b/spool", scratch);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    scratch_remove(scratch);
    return 0;
}

static tally_status
create_at(const char *where, struct spool_folder **folder)
{
    return spool_folder_create(where, DESTINATION, folder, NULL);
}

static struct spool_folder *
create(void)
{
    struct spool_folder *folder;
    assert_int_equal(create_at(root, &folder), TALLY_OK);
    return folder;
}

static tally_status
adopt(struct spool_folder **folder)
{
    return spool_folder_adopt(root, DESTINATION, folder, NULL);
}

/* The path of a file in the folder. */
static const char *
in(const struct spool_folder *folder, const char *name)
{
    static char path[PATH_MAX + 16];
    (void)snprintf(path, sizeof path, "%s/%s", spool_folder_path(folder), name);
    return path;
}

static void
make_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

static mode_t
mode_of(const char *path)
{
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    return about.st_mode & 07777;
}

static void
folders_are_for_their_owner_alone(void **state)
{
    (void)state;
    struct spool_folder *folder = create();
    char above[SCRATCH_SIZE + 16];
    (void)snprintf(above, sizeof above, "%s/a", scratch);
    assert_int_equal(mode_of(above), 0700);
    assert_int_equal(mode_of(root), 0700);
    assert_int_equal(mode_of(spool_folder_path(folder)), 0700);
    assert_int_equal(mode_of(in(folder, "owner")), 0600);
    assert_int_equal(spool_folder_sync(folder, NULL), TALLY_OK);
    assert_int_equal(spool_folder_sync(folder, NULL), TALLY_OK);
    assert_false(spool_folder_is_older_than_boot(folder));
    spool_folder_remove(folder);
    assert_int_equal(scratch_count(root), 0);
}

static void
other_destinations_are_left_alone(void **state)
{
    (void)state;
    static const char *const others[] = { "http://127.0.0.1:7878 mai",
                                          "http://127.0.0.1:7878 main2", "" };
    struct spool_folder *folder;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(spool_folder_create(root, others[i], &folder, NULL), TALLY_OK);
        spool_folder_leave(folder);
    }
    assert_int_equal(adopt(&folder), TALLY_ABSENT);
    assert_int_equal(scratch_count(root), 3);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(spool_folder_adopt(root, others[i], &folder, NULL), TALLY_OK);
        spool_folder_remove(folder);
    }
    struct tally_error error;
    assert_int_equal(spool_folder_create(root, "a\nb", &folder, &error), TALLY_INVALID);
}

/* Another version's, no owner file's text, and what is not a folder at all. */
static void
what_is_not_understood_is_left_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "tally spool 2\nboot x\nfor " DESTINATION "\n",
        "tally spool 1\nboot x\nfor " DESTINATION,
        "tally spool 1\nboot x\nfor " DESTINATION "\nmore\n",
        "tally spool 1\nfor " DESTINATION "\n",
        "tally spool 1\nboot 0123456789012345678901234567890123456\nfor " DESTINATION "\n",
        "tally spool 1\nboot x\n",
    };
    struct spool_folder *folder;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        folder = create();
        make_file(in(folder, "owner"), texts[i]);
        spool_folder_leave(folder);
        assert_int_equal(adopt(&folder), TALLY_ABSENT);
    }
    unsigned count = scratch_count(root);
    assert_int_equal(count, sizeof texts / sizeof texts[0]);
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/dead-letter.ndjson", root);
    make_file(path, "{}\n");
    (void)snprintf(path, sizeof path, "%s/loop", root);
    assert_int_equal(symlink(".", path), 0);
    assert_int_equal(adopt(&folder), TALLY_ABSENT);
    assert_int_equal(scratch_count(root), count + 2);
}

static void
another_boot_is_seen(void **state)
{
    (void)state;
    struct spool_folder *folder = create();
    make_file(in(folder, "owner"), "tally spool 1\nboot x\nfor " DESTINATION "\n");
    spool_folder_leave(folder);
    assert_int_equal(adopt(&folder), TALLY_OK);
    assert_true(spool_folder_is_older_than_boot(folder));
    spool_folder_remove(folder);
    folder = create();
    spool_folder_leave(folder);
    assert_int_equal(adopt(&folder), TALLY_OK);
    assert_int_equal(spool_folder_is_older_than_boot(folder),
                     access("/proc/sys/kernel/random/boot_id", R_OK) != 0);
    spool_folder_remove(folder);
}

/* What a process leaves that dies while it makes or removes a folder. */
static void
remains_are_removed(void **state)
{
    (void)state;
    struct spool_folder *folder = create();
    char path[PATH_MAX], owner[PATH_MAX + 16];
    /* Removed: the owner file is gone, the folder is not. */
    (void)snprintf(path, sizeof path, "%s/1-0123456789abcdef-0", root);
    assert_int_equal(mkdir(path, 0700), 0);
    struct spool_folder *found;
    assert_int_equal(adopt(&found), TALLY_ABSENT);
    assert_int_equal(access(path, F_OK), -1);
    /* With something in it, it is somebody's business. */
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(owner, sizeof owner, "%s/00000001.spool", path);
    make_file(owner, "");
    assert_int_equal(adopt(&found), TALLY_ABSENT);
    assert_int_equal(access(path, F_OK), 0);

    /* Being made: left for an hour. */
    (void)snprintf(path, sizeof path, "%s/.1-0123456789abcdef-1", root);
    (void)snprintf(owner, sizeof owner, "%s/owner", path);
    assert_int_equal(mkdir(path, 0700), 0);
    make_file(owner, "tally spool 1\nboot x\nfor " DESTINATION "\n");
    assert_int_equal(adopt(&found), TALLY_ABSENT);
    assert_int_equal(access(owner, F_OK), 0);
    struct timespec then[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
    assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
    assert_int_equal(adopt(&found), TALLY_ABSENT);
    assert_int_equal(access(path, F_OK), -1);
    spool_folder_remove(folder);
}

static void
expect_denied(const char *where, const char *says)
{
    struct spool_folder *folder;
    struct tally_error error;
    assert_int_equal(spool_folder_create(where, DESTINATION, &folder, &error), TALLY_DENIED);
    assert_non_null(strstr(error.text, says));
    assert_int_equal(spool_folder_adopt(where, DESTINATION, &folder, &error), TALLY_DENIED);
    assert_non_null(strstr(error.text, says));
}

static void
unsafe_roots_are_refused(void **state)
{
    (void)state;
    static const mode_t modes[] = { 0777, 01777, 0720, 0702 };
    struct spool_folder *folder;
    spool_folder_remove(create());
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(root, modes[i]), 0);
        expect_denied(root, "chmod 700");
    }
    assert_int_equal(chmod(root, 0755), 0);
    spool_folder_remove(create());

    /* A link of this user's own is followed, to what is checked all the same. */
    char link[PATH_MAX];
    (void)snprintf(link, sizeof link, "%s/link", scratch);
    assert_int_equal(symlink(root, link), 0);
    assert_int_equal(create_at(link, &folder), TALLY_OK);
    assert_null(strstr(spool_folder_path(folder), "link"));
    spool_folder_remove(folder);
    assert_int_equal(chmod(root, 0777), 0);
    expect_denied(link, "chmod 700");
    assert_int_equal(chmod(root, 0700), 0);

    char file[PATH_MAX];
    (void)snprintf(file, sizeof file, "%s/file", scratch);
    make_file(file, "");
    expect_denied(file, "no folder");
    (void)snprintf(file, sizeof file, "%s/file/spool", scratch);
    assert_int_equal(create_at(file, &folder), TALLY_IO);
    (void)snprintf(link, sizeof link, "%s/nowhere", scratch);
    assert_int_equal(symlink("/nonexistent/spool", link), 0);
    assert_int_equal(create_at(link, &folder), TALLY_IO);
    assert_int_equal(create_at("", &folder), TALLY_INVALID);
}

/* Only root can arrange this. */
static void
other_users_roots_are_refused(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("# skipped: only root can give folders away\n");
        return; /* not skip(): that is "not ok" in cmocka's TAP */
    }
    spool_folder_remove(create());
    char link[PATH_MAX];
    (void)snprintf(link, sizeof link, "%s/link", scratch);
    assert_int_equal(symlink(root, link), 0);
    assert_int_equal(lchown(link, NOBODY, NOBODY), 0);
    expect_denied(link, "symbolic link");
    assert_int_equal(chown(root, NOBODY, NOBODY), 0);
    expect_denied(root, "belongs to");
    assert_int_equal(chown(root, 0, 0), 0);

    /* A folder in which this user may not write. */
    pid_t child = fork();
    if (child == 0) {
        struct spool_folder *folder;
        struct tally_error error;
        if (chown(scratch, NOBODY, NOBODY) != 0 || chown(root, NOBODY, NOBODY) != 0 ||
            chmod(root, 0500) != 0 || chmod(scratch, 0755) != 0)
            _exit(1);
        char above[PATH_MAX];
        (void)snprintf(above, sizeof above, "%s/a", scratch);
        if (chmod(above, 0755) != 0)
            _exit(2);
        (void)snprintf(above, sizeof above, "%s/a/b", scratch);
        if (chmod(above, 0755) != 0 || setuid(NOBODY) != 0)
            _exit(3);
        _exit(spool_folder_create(root, DESTINATION, &folder, &error) == TALLY_DENIED &&
                      strstr(error.text, root) != NULL
                  ? 0
                  : 4);
    }
    int ended;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
}

int
main(void)
{
#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ON_DISK(folders_are_for_their_owner_alone),
        ON_DISK(other_destinations_are_left_alone),
        ON_DISK(what_is_not_understood_is_left_alone),
        ON_DISK(another_boot_is_seen),
        ON_DISK(remains_are_removed),
        ON_DISK(unsafe_roots_are_refused),
        ON_DISK(other_users_roots_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
