#include "seen.h"

#include "scratch.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ORIGIN  "example.org/seen"
#define WAIT_MS 60000

static char scratch[PATH_MAX];

static void
make_seen(uint8_t seed_byte, uint64_t size, struct seen *seen)
{
    uint8_t seed[TALLY_SEED_SIZE];
    memset(seed, seed_byte, sizeof seed);
    struct tally_signer signer;
    assert_int_equal(tally_signer_init(ORIGIN, seed, &signer, NULL), TALLY_OK);
    *seen = (struct seen){ .checkpoint = { .origin = ORIGIN, .size = size } };
    memset(seen->checkpoint.root.bytes, 7, TALLY_HASH_SIZE);
    tally_signer_vkey(&signer, &seen->vkey);
    assert_int_equal(tally_checkpoint_sign(&seen->checkpoint, &signer, seen->note,
                                           sizeof seen->note, &seen->note_size, NULL),
                     TALLY_OK);
}

/* The one file of the memory. */
static void
file_of_memory(char *path, size_t size)
{
    char folder[PATH_MAX];
    assert_true(seen_folder(folder, sizeof folder));
    DIR *handle = opendir(folder);
    assert_non_null(handle);
    unsigned files = 0;
    for (struct dirent *file; (file = readdir(handle)) != NULL;) {
        if (file->d_name[0] == '.')
            continue;
        files++;
        assert_true(snprintf(path, size, "%s/%s", folder, file->d_name) < (int)size);
    }
    (void)closedir(handle);
    assert_int_equal(files, 1);
}

static int
begin(void **state)
{
    (void)state;
    if (scratch_make(NULL, "seen-test", scratch, sizeof scratch) != DONE)
        return -1;
    return setenv("XDG_STATE_HOME", scratch, 1);
}

static int
end(void **state)
{
    (void)state;
    scratch_remove(scratch);
    return 0;
}

static void
what_was_written_is_read(void **state)
{
    (void)state;
    static struct seen first, second, read;
    assert_int_equal(seen_read(ORIGIN, &read, NULL), TALLY_ABSENT);
    make_seen(1, 10, &first);
    assert_int_equal(seen_write(&first, NULL), TALLY_OK);
    assert_int_equal(seen_read(ORIGIN, &read, NULL), TALLY_OK);
    assert_true(tally_vkey_equal(&read.vkey, &first.vkey));
    assert_int_equal(read.checkpoint.size, 10);
    assert_int_equal(read.note_size, first.note_size);
    assert_memory_equal(read.note, first.note, first.note_size);
    assert_int_equal(seen_read("example.org/other", &read, NULL), TALLY_ABSENT);

    make_seen(2, 20, &second);
    assert_int_equal(seen_write(&second, NULL), TALLY_OK);
    assert_int_equal(seen_read(ORIGIN, &read, NULL), TALLY_OK);
    assert_int_equal(read.checkpoint.size, 20);
    assert_true(tally_vkey_equal(&read.vkey, &second.vkey));
}

static void
nobody_else_may_read_it(void **state)
{
    (void)state;
    static struct seen seen;
    make_seen(1, 10, &seen);
    assert_int_equal(seen_write(&seen, NULL), TALLY_OK);
    char path[PATH_MAX];
    file_of_memory(path, sizeof path);
    struct stat stat_;
    assert_int_equal(stat(path, &stat_), 0);
    assert_int_equal(stat_.st_mode & 0777, 0600);
    *strrchr(path, '/') = '\0';
    assert_int_equal(stat(path, &stat_), 0);
    assert_int_equal(stat_.st_mode & 0777, 0700);
}

/* Every byte changed in turn: never taken for what was seen. */
static void
damage_is_noticed(void **state)
{
    (void)state;
    static struct seen seen, read;
    make_seen(1, 10, &seen);
    assert_int_equal(seen_write(&seen, NULL), TALLY_OK);
    char path[PATH_MAX];
    file_of_memory(path, sizeof path);
    char text[4096];
    FILE *file = fopen(path, "rb");
    size_t size = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    for (size_t i = 0; i < size; i++) {
        text[i] ^= 1;
        file = fopen(path, "wb");
        assert_int_equal(fwrite(text, 1, size, file), size);
        (void)fclose(file);
        text[i] ^= 1;
        struct tally_error error = { 0 };
        assert_int_equal(seen_read(ORIGIN, &read, &error), TALLY_DAMAGED);
        assert_non_null(strstr(error.text, path));
    }
}

/* Whether the process waits for something (proc_pid_stat(5)). */
static bool
sleeps(pid_t process)
{
    char path[64], text[256] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    FILE *stat_ = fopen(path, "r");
    assert_non_null(stat_);
    (void)fread(text, 1, sizeof text - 1, stat_);
    (void)fclose(stat_);
    const char *name_end = strrchr(text, ')');
    return name_end != NULL && strncmp(name_end, ") S", 3) == 0;
}

/* Its beginning is a pipe that nobody reads: who opens it waits. */
static void
an_interruption_leaves_no_beginning(void **state)
{
    (void)state;
    static struct seen seen;
    char path[PATH_MAX], part[PATH_MAX + 16], byte;
    int ready[2], status;
    make_seen(1, 10, &seen);
    assert_int_equal(seen_write(&seen, NULL), TALLY_OK);
    file_of_memory(path, sizeof path);
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    (void)snprintf(part, sizeof part, "%s.%ld", path, (long)(child == 0 ? getpid() : child));
    if (child == 0) {
        bool waits = mkfifo(part, 0600) == 0 && write(ready[1], "", 1) == 1;
        _exit(waits && seen_write(&seen, NULL) == TALLY_OK);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    for (int i = 0; i < WAIT_MS && !sleeps(child); i++)
        (void)nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
    (void)kill(child, SIGTERM);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    file_of_memory(path, sizeof path); /* the only one */
    (void)close(ready[0]);
    (void)close(ready[1]);
}

static void
without_a_home_it_says_so(void **state)
{
    (void)state;
    static struct seen seen;
    char *home = getenv("HOME") == NULL ? NULL : strdup(getenv("HOME"));
    (void)unsetenv("XDG_STATE_HOME");
    (void)unsetenv("HOME");
    make_seen(1, 10, &seen);
    struct tally_error error = { 0 };
    assert_int_equal(seen_write(&seen, &error), TALLY_IO);
    assert_non_null(strstr(error.text, "XDG_STATE_HOME"));
    /* The standard has a relative path ignored. */
    (void)setenv("XDG_STATE_HOME", "relative", 1);
    char path[PATH_MAX];
    assert_false(seen_folder(path, sizeof path));
    (void)setenv("HOME", "/nowhere/x", 1);
    assert_true(seen_folder(path, sizeof path));
    assert_string_equal(path, "/nowhere/x/.local/state/tally/seen");
    if (home != NULL)
        (void)setenv("HOME", home, 1);
    free(home);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_written_is_read, begin, end),
        cmocka_unit_test_setup_teardown(nobody_else_may_read_it, begin, end),
        cmocka_unit_test_setup_teardown(damage_is_noticed, begin, end),
        cmocka_unit_test_setup_teardown(an_interruption_leaves_no_beginning, begin, end),
        cmocka_unit_test_setup_teardown(without_a_home_it_says_so, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
