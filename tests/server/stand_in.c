/*
 * stand_in - a server that answers what it is told, for tests of clients.
 *
 *     stand_in FILE…
 *
 * Prints its port, then answers one connection after another: the first with the first file's
 * bytes, the next with the next one's, then again with the last. What it was asked is written to
 * request.1, request.2 and so on in the current folder before it answers. A connection is closed
 * after its answer, whatever the answer says. It ends with its standard input.
 */
#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX (32u * 1024 * 1024)

static int
listen_anywhere(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = { .sin_family = AF_INET };
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 16) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        err(1, "cannot listen");
    (void)printf("%u\n", (unsigned)ntohs(address.sin_port));
    (void)fflush(stdout);
    return fd;
}

/* How many bytes a request takes, of which `size` are there; 0 while its head is not whole. */
static size_t
request_size(const char *text, size_t size)
{
    const char *end = memmem(text, size, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    size_t body = 0;
    for (const char *line = text; line < end; line = strchr(line, '\n') + 1)
        if (strncasecmp(line, "content-length:", 15) == 0)
            body = strtoul(line + 15, NULL, 10);
    return (size_t)(end - text) + 4 + body;
}

static void
keep_request(int fd, unsigned number)
{
    char *text = malloc(REQUEST_MAX + 1);
    if (text == NULL)
        err(1, "no memory");
    size_t size = 0;
    for (size_t whole = 0; whole == 0 || size < whole; whole = request_size(text, size)) {
        ssize_t got = read(fd, text + size, REQUEST_MAX - size);
        if (got <= 0)
            break;
        size += (size_t)got;
        text[size] = '\0';
    }
    char name[32];
    (void)snprintf(name, sizeof name, "request.%u", number);
    FILE *file = fopen(name, "w");
    if (file == NULL || fwrite(text, 1, size, file) != size || fclose(file) != 0)
        err(1, "cannot write %s", name);
    free(text);
}

static void
send_file(int fd, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        err(1, "cannot open %s", path);
    char part[65536];
    for (size_t size; (size = fread(part, 1, sizeof part, file)) > 0;)
        if (write(fd, part, size) != (ssize_t)size)
            break; /* the client has seen enough */
    (void)fclose(file);
}

int
main(int argc, char **argv)
{
    if (argc < 2)
        errx(2, "which answers?");
    (void)signal(SIGPIPE, SIG_IGN);
    int listener = listen_anywhere();
    struct pollfd wait[] = { { .fd = listener, .events = POLLIN },
                             { .fd = STDIN_FILENO, .events = POLLIN } };
    unsigned number = 0;
    int answer = 0;
    while (poll(wait, 2, -1) > 0 && wait[1].revents == 0) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            continue;
        answer = answer + 1 < argc ? answer + 1 : answer;
        keep_request(fd, ++number);
        send_file(fd, argv[answer]);
        (void)shutdown(fd, SHUT_WR);
        (void)close(fd);
    }
    return 0;
}
