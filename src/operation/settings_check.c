/*
 * settings_check.c - what is wrong with settings as a whole, though each of them is allowed.
 */
#include "fault.h"
#include "settings_table.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- an address ---- */

static bool
read_port(const char *text, uint16_t *port_out)
{
    char *end;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return false;
    unsigned long port = strtoul(text, &end, 10);
    if (port > UINT16_MAX)
        return false;
    *port_out = (uint16_t)port;
    return true;
}

tally_status
settings_split_listen(const char *listen, char address_out[256], uint16_t *port_out,
                      struct tally_error *error)
{
    const char *colon = strrchr(listen, ':');
    size_t size = colon == NULL ? 0 : (size_t)(colon - listen);
    bool bracketed = size > 2 && listen[0] == '[' && colon[-1] == ']';
    const char *from = bracketed ? listen + 1 : listen;
    if (bracketed)
        size -= 2;

    char address[INET6_ADDRSTRLEN];
    struct in6_addr binary;
    uint16_t port;
    if (size == 0 || size >= sizeof address || !read_port(colon + 1, &port))
        goto refuse;
    memcpy(address, from, size);
    address[size] = '\0';
    if (inet_pton(bracketed ? AF_INET6 : AF_INET, address, &binary) != 1)
        goto refuse;
    memcpy(address_out, address, size + 1);
    *port_out = port;
    return TALLY_OK;

refuse:
    return fault(error, TALLY_INVALID,
                 "\"%.100s\" is no address and port: 127.0.0.1:7878, 0.0.0.0:7878 or [::1]:7878 is",
                 listen);
}

static bool
is_loopback(const char *address)
{
    struct in6_addr v6;
    struct in_addr v4;
    if (inet_pton(AF_INET, address, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, address, &v6) != 1)
        return false;
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

tally_status
settings_check_reach(const struct settings *settings, struct tally_error *error)
{
    if (strcmp(settings->listen, SETTINGS_LISTEN_NONE) != 0 || settings->socket[0] != '\0')
        return TALLY_OK;
    return fault(error, TALLY_INVALID,
                 "listen is none and socket is not set: nobody could reach the server; set one of "
                 "them (--listen, --socket)");
}

tally_status
settings_check_exposure(const struct settings *settings, struct tally_error *error)
{
    char address[256];
    uint16_t port;
    if (settings->tls_certificate[0] != '\0' || settings->insecure_http ||
        settings_split_listen(settings->listen, address, &port, NULL) != TALLY_OK ||
        is_loopback(address))
        return TALLY_OK;
    return fault(
        error, TALLY_INVALID,
        "listen: %s can be reached from other machines, and keys would travel in the "
        "clear: set tls_certificate and tls_key, or insecure_http = true (--insecure-http) "
        "behind a proxy that does TLS",
        settings->listen);
}

/* ---- contradictions ---- */

struct check {
    const struct settings *settings;
    const uint64_t *lines; /* of the file; NULL: they come from elsewhere */
    settings_visitor visitor;
    void *context;
    size_t found;
};

/* Reports what is wrong, at the line where the setting `name` of [server] stands. */
__attribute__((format(printf, 3, 4))) static void
report(struct check *check, const char *name, const char *format, ...)
{
    const struct setting *setting = setting_find(bytes_text("server"), bytes_text(name));
    assert(setting != NULL);
    struct tally_error problem = { .status = TALLY_INVALID };
    if (check->lines != NULL)
        problem.line = check->lines[setting - settings_table];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(problem.text, sizeof problem.text, format, arguments);
    va_end(arguments);
    check->found++;
    check->visitor(check->context, &problem);
}

static void
check_file(struct check *check, const char *name, const char *path)
{
    if (path[0] == '\0')
        return;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        const char *reason = strerrordesc_np(errno);
        report(check, name, "%s: cannot open %s: %s; the server's user must be able to read it",
               name, path, reason != NULL ? reason : "unknown error");
        return;
    }
    struct stat stat_;
    if (fstat(fd, &stat_) == 0 && !S_ISREG(stat_.st_mode))
        report(check, name, "%s: %s is no file", name, path);
    (void)close(fd);
}

/* A group may read it: ssl-cert is how several servers share a key. */
static void
check_key_rights(struct check *check)
{
    const char *path = check->settings->tls_key;
    struct stat stat_;
    if (path[0] != '\0' && stat(path, &stat_) == 0 && (stat_.st_mode & 07) != 0)
        report(check, "tls_key", "tls_key: others may use %s (mode %04o): `chmod o= %s`", path,
               (unsigned)stat_.st_mode & 07777u, path);
}

static void
check_tls(struct check *check)
{
    const struct settings *settings = check->settings;
    bool certificate = settings->tls_certificate[0] != '\0';
    bool key = settings->tls_key[0] != '\0';
    if (certificate && !key)
        report(check, "tls_certificate",
               "tls_certificate is set and tls_key is not: set both for TLS, or none");
    if (key && !certificate)
        report(check, "tls_key",
               "tls_key is set and tls_certificate is not: set both for TLS, or none");
    check_file(check, "tls_certificate", settings->tls_certificate);
    check_file(check, "tls_key", settings->tls_key);
    check_key_rights(check);

    struct tally_error error = { 0 };
    if (settings_check_reach(settings, &error) != TALLY_OK)
        report(check, "listen", "%s", error.text);
    if (!key && settings_check_exposure(settings, &error) != TALLY_OK)
        report(check, "listen", "%s", error.text);
}

static unsigned long long
mib(size_t size)
{
    return (unsigned long long)(size >> 20);
}

static void
check_memory(struct check *check)
{
    const struct settings *settings = check->settings;
    size_t largest = SETTINGS_BODY_TIMES * settings->body_max;
    if (settings->bodies_max < largest)
        report(
            check, "bodies_mib",
            "bodies_mib is %llu, less than %u times body_mib, %llu, which the largest body takes "
            "with what is made of it: it would never be taken; raise it, or lower body_mib",
            mib(settings->bodies_max), SETTINGS_BODY_TIMES, mib(largest));
    size_t heads = settings->storage.heads_memory_max;
    if (settings->memory_max < heads + settings->bodies_max)
        report(
            check, "memory_mib",
            "memory_mib is %llu, less than heads_memory_mib and bodies_mib together, %llu: the "
            "server would refuse bodies before either is used up; raise it, or lower one of them",
            mib(settings->memory_max), mib(heads + settings->bodies_max));
}

static size_t
check_whole(struct check *check)
{
    check_tls(check);
    check_memory(check);
    return check->found;
}

size_t
settings_contradictions(const struct settings *settings, settings_visitor visitor, void *context)
{
    struct check check = { .settings = settings, .visitor = visitor, .context = context };
    return check_whole(&check);
}

tally_status
settings_check(const char *folder, settings_visitor visitor, void *context,
               struct tally_error *error)
{
    struct settings_reading reading = { .folder = folder, .visitor = visitor, .context = context };
    settings_init(&reading.settings);
    tally_status status = settings_collect(&reading, error);
    if (status != TALLY_OK)
        return status;
    struct check check = {
        .settings = &reading.settings,
        .lines = reading.lines,
        .visitor = visitor,
        .context = context,
    };
    (void)check_whole(&check);
    return TALLY_OK;
}
