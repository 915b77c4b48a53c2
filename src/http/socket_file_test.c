/*
 * socket_file_test.c - sockets at paths, in a folder of their own.
 */
#include "socket_file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/socket-file-XXXXXX";
static char path[64];

static int
make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/it.sock", folder);
    return 0;
}

static int
remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static int
make_socket(int type)
{
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    return fd;
}

/* Binds and listens; the descriptor. */
static int
serve(mode_t mode, struct socket_file *file)
{
    int fd = make_socket(SOCK_STREAM);
    struct tally_error error = { 0 };
    if (socket_file_bind(fd, path, mode, file, &error) != TALLY_OK)
        fail_msg("%s", error.text);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

/* Binds, which must be refused with these words, and nothing is given out. */
static void
refuse(const char *at, tally_status wanted, const char *words)
{
    int fd = make_socket(SOCK_STREAM);
    struct socket_file file = { .device = 77 };
    struct tally_error error = { 0 };
    assert_int_equal(socket_file_bind(fd, at, 0600, &file, &error), wanted);
    if (strstr(error.text, words) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", error.text, words);
    assert_int_equal(file.device, 77);
    (void)close(fd);
}

static mode_t
rights(void)
{
    struct stat there;
    assert_int_equal(lstat(path, &there), 0);
    assert_true(S_ISSOCK(there.st_mode));
    return there.st_mode & 07777;
}

static bool
is_there(void)
{
    struct stat there;
    return lstat(path, &there) == 0;
}

static void
rights_whatever_the_umask(void **state)
{
    (void)state;
    static const mode_t modes[] = { 0600, 0660, 0666 };
    static const mode_t umasks[] = { 0, 022, 0777 };
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            mode_t before = umask(umasks[k]);
            struct socket_file file;
            int fd = serve(modes[i], &file);
            (void)umask(before);
            assert_int_equal(rights(), modes[i]);
            socket_file_remove(&file);
            assert_false(is_there());
            (void)close(fd);
        }
    }
}

static void
a_dead_one_is_replaced(void **state)
{
    (void)state;
    struct socket_file dead, alive;
    (void)close(serve(0600, &dead));
    assert_true(is_there());
    int fd = serve(0660, &alive);
    assert_int_equal(rights(), 0660);
    /* The dead one's owner comes back to life, and does not remove what is another's. */
    dead.inode = alive.inode + 1;
    socket_file_remove(&dead);
    assert_true(is_there());
    socket_file_remove(&alive);
    assert_false(is_there());
    (void)close(fd);
}

static void
a_living_one_is_left(void **state)
{
    (void)state;
    struct socket_file file;
    int fd = serve(0600, &file);
    refuse(path, TALLY_BUSY, "name another path");
    /* Also when so many wait that no more can. */
    int clients[8];
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    for (size_t i = 0; i < 8; i++) {
        clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(clients[i], (struct sockaddr *)&address, sizeof address);
    }
    refuse(path, TALLY_BUSY, "name another path");
    for (size_t i = 0; i < 8; i++)
        (void)close(clients[i]);
    assert_true(is_there());
    socket_file_remove(&file);
    (void)close(fd);
}

static void
what_is_no_stream_socket_is_left(void **state)
{
    (void)state;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    refuse(path, TALLY_INVALID, "is no socket");
    assert_true(is_there());
    (void)unlink(path);

    assert_int_equal(symlink("nowhere", path), 0);
    refuse(path, TALLY_INVALID, "is no socket");
    (void)unlink(path);

    int other = make_socket(SOCK_DGRAM);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    assert_int_equal(bind(other, (struct sockaddr *)&address, sizeof address), 0);
    refuse(path, TALLY_BUSY, "another program's");
    assert_true(is_there());
    (void)unlink(path);
    (void)close(other);
}

static void
paths_that_cannot_be(void **state)
{
    (void)state;
    char text[SOCKET_PATH_MAX + 2];
    memset(text, '/', sizeof text);
    memcpy(text, folder, strlen(folder));
    memcpy(text + SOCKET_PATH_MAX - 2, "/ab", 4);
    refuse(text, TALLY_INVALID, "shorter");
    refuse("", TALLY_INVALID, "needs a path");

    text[SOCKET_PATH_MAX] = '\0'; /* the longest there is */
    int fd = make_socket(SOCK_STREAM);
    struct socket_file file;
    struct tally_error error = { 0 };
    assert_int_equal(strlen(text), SOCKET_PATH_MAX);
    assert_int_equal(socket_file_bind(fd, text, 0600, &file, &error), TALLY_OK);
    socket_file_remove(&file);
    assert_int_equal(access(text, F_OK), -1);
    (void)close(fd);

    char deep[80];
    (void)snprintf(deep, sizeof deep, "%s/no/it.sock", folder);
    refuse(deep, TALLY_IO, "cannot make the socket");
}

static void
nothing_to_remove(void **state)
{
    (void)state;
    const struct socket_file none = { 0 };
    socket_file_remove(&none);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rights_whatever_the_umask),
        cmocka_unit_test(a_dead_one_is_replaced),
        cmocka_unit_test(a_living_one_is_left),
        cmocka_unit_test(what_is_no_stream_socket_is_left),
        cmocka_unit_test(paths_that_cannot_be),
        cmocka_unit_test(nothing_to_remove),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
