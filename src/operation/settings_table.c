#include "settings_table.h"

#include "clock.h"
#include "fault.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- types ---- */

static bool
read_number(const struct setting_type *type, const char *folder, const char *value, void *member,
            size_t size)
{
    (void)folder;
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || number < type->least ||
        number > type->most)
        return false;

    /* Durations are signed in the struct and never negative: the bytes are the same. */
    uint64_t wide = number * type->unit;
    uint32_t narrow = (uint32_t)wide;
    assert(size == sizeof wide || (size == sizeof narrow && narrow == wide));
    memcpy(member, size == sizeof wide ? (const void *)&wide : (const void *)&narrow, size);
    return true;
}

static bool
read_flag(const struct setting_type *type, const char *folder, const char *value, void *member,
          size_t size)
{
    (void)type;
    (void)folder;
    assert(size == sizeof(bool));
    bool flag = strcmp(value, "true") == 0;
    if (!flag && strcmp(value, "false") != 0)
        return false;
    memcpy(member, &flag, size);
    return true;
}

static bool
read_word(const struct setting_type *type, const char *folder, const char *value, void *member,
          size_t size)
{
    (void)folder;
    unsigned i = 0;
    while (type->words[i] != NULL && strcmp(type->words[i], value) != 0)
        i++;
    if (type->words[i] == NULL)
        return false;
    assert(size == sizeof i); /* an enum without negative values */
    memcpy(member, &i, size);
    return true;
}

static bool
copy_text(const char *value, void *member, size_t size)
{
    size_t length = strlen(value);
    if (length >= size)
        return false;
    memcpy(member, value, length + 1);
    return true;
}

static bool
read_listen(const struct setting_type *type, const char *folder, const char *value, void *member,
            size_t size)
{
    (void)type;
    (void)folder;
    char address[256];
    uint16_t port;
    return (strcmp(value, SETTINGS_LISTEN_NONE) == 0 ||
            settings_split_listen(value, address, &port, NULL) == TALLY_OK) &&
           copy_text(value, member, size);
}

static bool
read_file_path(const struct setting_type *type, const char *folder, const char *value, void *member,
               size_t size)
{
    (void)type;
    if (value[0] == '/' || value[0] == '\0')
        return copy_text(value, member, size);
    char path[SETTINGS_TEXT_MAX + 1];
    int length = snprintf(path, sizeof path, "%s/%s", folder, value);
    return length > 0 && (size_t)length < sizeof path && copy_text(path, member, size);
}

/* Reads names joined by commas, blanks around them allowed, into the same without blanks. */
static bool
read_names(const char *value, bool (*valid)(const char *name), void *member, size_t size)
{
    char joined[SETTINGS_TEXT_MAX + 1] = "";
    size_t length = 0;
    unsigned count = 0;
    const char *at = value + strspn(value, " \t");
    while (*at != '\0') {
        size_t name_size = strcspn(at, ", \t");
        size_t room = sizeof joined - length;
        if (count++ == SETTINGS_HOSTS_MAX || name_size + 2 > room)
            return false;
        int written =
            snprintf(joined + length, room, "%s%.*s", length > 0 ? "," : "", (int)name_size, at);
        if (!valid(joined + length + (length > 0 ? 1 : 0)))
            return false;
        length += (size_t)written;
        at += name_size + strspn(at + name_size, " \t");
        if (*at == '\0')
            break;
        if (*at != ',')
            return false;
        at++;
        at += strspn(at, " \t");
        if (*at == '\0')
            return false;
    }
    return copy_text(joined, member, size);
}

/* A name as DNS has it, without a port. */
static bool
host_valid(const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '.' && name[i] != '_')
            return false;
    return size > 0 && size <= 253 && name[0] != '.' && name[0] != '-';
}

static bool
read_hosts(const struct setting_type *type, const char *folder, const char *value, void *member,
           size_t size)
{
    (void)type;
    (void)folder;
    return read_names(value, host_valid, member, size);
}

static bool
read_trails(const struct setting_type *type, const char *folder, const char *value, void *member,
            size_t size)
{
    (void)type;
    (void)folder;
    return read_names(value, trail_name_valid, member, size);
}

/* ---- the table ---- */

static const char *const socket_modes[] = {
    [SOCKET_MODE_0600] = "0600",
    [SOCKET_MODE_0660] = "0660",
    [SOCKET_MODE_0666] = "0666",
    NULL,
};
static const char *const log_formats[] = { [LOG_JSON] = "json", [LOG_TEXT] = "text", NULL };
static const char *const log_levels[] = {
    [LOG_CRITICAL_] = "critical", [LOG_ERROR] = "error", [LOG_WARNING] = "warning",
    [LOG_INFO] = "info",          [LOG_DEBUG] = "debug", NULL,
};

#define NUMBER(least_, most_, unit_)                                                       \
    {                                                                                      \
        .read = read_number, .least = (least_), .most = (most_), .unit = (uint64_t)(unit_) \
    }
#define FLAG                                           \
    {                                                  \
        .read = read_flag, .text = "`true` or `false`" \
    }
#define WORD(words_)                         \
    {                                        \
        .read = read_word, .words = (words_) \
    }
#define TEXT(read_, text_)               \
    {                                    \
        .read = (read_), .text = (text_) \
    }
#define MEMBER(name) offsetof(struct settings, name), sizeof((struct settings *)NULL)->name

#define MILLISECOND (CLOCK_SECOND / 1000)
#define MIB         (UINT64_C(1) << 20)
#define DAY         86400u

const struct setting settings_table[SETTINGS_COUNT] = {
    { "server", "listen",
      TEXT(read_listen, "an address and a port, such as 127.0.0.1:7878 or [::1]:7878, or `none`"),
      MEMBER(listen), "127.0.0.1:7878",
      "Where the server listens. Beyond loopback it takes TLS, or insecure_http. `none`: only at "
      "the "
      "socket." },
    { "server", "socket", TEXT(read_file_path, "a path, with the data folder's at most 107 bytes"),
      MEMBER(socket), "",
      "A unix socket where the server listens, too, without TLS. A relative path counts from the "
      "data folder. Empty: none." },
    { "server", "socket_mode", WORD(socket_modes), MEMBER(socket_mode), "0660",
      "The rights of the socket's file: who may write it may connect, and needs a key all the "
      "same." },
    { "server", "threads", NUMBER(0, 256, 1), MEMBER(threads), "0",
      "Threads for connections, at the address and at the socket each; 0: one a processor, and at "
      "least 2." },
    { "server", "readers", NUMBER(0, 256, 1), MEMBER(readers), "0",
      "Threads for queries; 0: one a processor, and at least 2." },
    { "server", "reads_waiting", NUMBER(1, 65536, 1), MEMBER(reads_waiting), "256",
      "Queries that wait for one of these threads; more are refused." },
    { "server", "streams", NUMBER(1, 1024, 1), MEMBER(streams), "8",
      "Exports and verifications at once; more are refused." },
    { "server", "tails", NUMBER(1, 1024, 1), MEMBER(tails), "32",
      "Clients that follow a trail at once, each with a thread and up to 0.5 MiB; more are "
      "refused." },
    { "server", "connections", NUMBER(1, 1048576, 1), MEMBER(connections), "16384",
      "Connections at once." },
    { "server", "connections_per_address", NUMBER(0, 1048576, 1), MEMBER(connections_address), "0",
      "Connections at once from one address; 0: no limit of its own." },
    { "server", "idle_timeout_s", NUMBER(1, DAY, CLOCK_SECOND), MEMBER(idle_timeout), "60",
      "How long a connection is kept between two requests." },
    { "server", "request_timeout_s", NUMBER(1, 3600, CLOCK_SECOND), MEMBER(request_timeout), "30",
      "How long a request may take from its first byte to its last." },
    { "server", "send_timeout_s", NUMBER(1, 3600, CLOCK_SECOND), MEMBER(send_timeout), "30",
      "How long a client may take nothing of its answer." },
    { "server", "search_timeout_s", NUMBER(1, 3600, CLOCK_SECOND), MEMBER(search_timeout), "60",
      "How long a search may take, with its wait for a thread." },
    { "server", "drain_s", NUMBER(0, 3600, CLOCK_SECOND), MEMBER(drain), "0",
      "How long requests are still taken after a signal to end, while `/readyz` says no." },
    { "server", "commit_timeout_ms", NUMBER(1, 600000, MILLISECOND), MEMBER(commit_timeout),
      "10000", "How long a request waits for its events to become durable." },
    { "server", "body_mib", NUMBER(1, 1024, MIB), MEMBER(body_max), "16",
      "The largest body of a request, after decompression." },
    { "server", "bodies_mib", NUMBER(1, 1048576, MIB), MEMBER(bodies_max), "64",
      "What the bodies of all requests under way may take together; each counts three times, with "
      "what "
      "is made of it." },
    { "server", "memory_mib", NUMBER(1, 1048576, MIB), MEMBER(memory_max), "512",
      "Beyond this much resident memory no body is taken." },
    { "server", "insecure_http", FLAG, MEMBER(insecure_http), "false",
      "Plain HTTP also beyond loopback. For a proxy in front that does TLS." },
    { "server", "tls_certificate", TEXT(read_file_path, "a file's path"), MEMBER(tls_certificate),
      "",
      "The certificate and its chain, PEM. A relative path counts from the data folder. Empty: no "
      "TLS." },
    { "server", "tls_key", TEXT(read_file_path, "a file's path"), MEMBER(tls_key), "",
      "The certificate's private key, PEM." },
    { "server", "hosts", TEXT(read_hosts, "up to 32 names, joined by commas"), MEMBER(hosts), "",
      "Names by which this machine may be asked over loopback, besides localhost and addresses." },

    { "access", "failures_per_minute", NUMBER(1, 1000000, 1), MEMBER(failures_per_minute), "20",
      "Requests without a good key that an address may make; more are refused." },
    { "access", "requests_per_minute", NUMBER(0, 1000000000, 1), MEMBER(requests_per_minute), "0",
      "Requests that a key may make; 0: no limit." },

    { "trails", "open", NUMBER(2, 65536, 1), MEMBER(trails_open), "64", "Trails open at once." },
    { "trails", "idle_s", NUMBER(1, 30 * DAY, CLOCK_SECOND), MEMBER(trail_idle), "600",
      "How long a trail that nobody uses stays open." },
    { "trails", "public", TEXT(read_trails, "up to 32 trails' names, joined by commas"),
      MEMBER(trails_public), "", "Trails whose checkpoints anyone may have without a key." },

    { "verify", "every_s", NUMBER(0, 366 * DAY, CLOCK_SECOND), MEMBER(verify_every), "3600",
      "From the end of a verification in the background to the next; 0: none." },
    { "verify", "rate", NUMBER(1, 1000000000, 1), MEMBER(verify_rate), "20000",
      "Entries a second that a verification in the background looks at." },

    { "log", "format", WORD(log_formats), MEMBER(log_format), "text",
      "How a line of the log is written." },
    { "log", "level", WORD(log_levels), MEMBER(log_level), "info",
      "The least grave lines that are written." },

    { "storage", "head_entries", NUMBER(1, HEAD_ENTRIES_MAX, 1), MEMBER(storage.head_entries_max),
      "262144",
      "The newest entries of a trail stand in memory until there are this many, or they take "
      "head_memory_mib; then they are sealed into a segment." },
    { "storage", "head_memory_mib", NUMBER(1, 4096, MIB), MEMBER(storage.head_memory_max), "88",
      "The memory at which they are sealed, if it comes first." },
    { "storage", "heads_memory_mib", NUMBER(1, 1048576, MIB), MEMBER(storage.heads_memory_max),
      "256", "What the newest entries of all trails may take together." },
    { "storage", "checkpoint_interval_ms", NUMBER(1, 60000, MILLISECOND),
      MEMBER(storage.checkpoint_interval), "100",
      "How long after a commit a checkpoint is signed, at most." },
};

/* ---- a setting ---- */

bool
settings_section_known(struct bytes section)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        if (bytes_is(section, settings_table[i].section))
            return true;
    return false;
}

const struct setting *
setting_find(struct bytes section, struct bytes name)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        if (bytes_is(section, settings_table[i].section) && bytes_is(name, settings_table[i].name))
            return &settings_table[i];
    return NULL;
}

tally_status
setting_set(const struct setting *setting, const char *folder, const char *called,
            const char *value, struct settings *settings, struct tally_error *error)
{
    void *member = (char *)settings + setting->offset;
    if (setting->type.read(&setting->type, folder, value, member, setting->size))
        return TALLY_OK;

    struct buffer takes = { 0 };
    setting_takes(setting, &takes);
    tally_status status = fault(error, TALLY_INVALID, "%s takes %.*s, not \"%.100s\"", called,
                                BYTES_ARG(buffer_view(&takes)), value);
    buffer_free(&takes);
    return status;
}

/* The inverse of the types' readers, but for a path that was relative. */
void
setting_write(const struct setting *setting, const struct settings *settings, struct buffer *out)
{
    const struct setting_type *type = &setting->type;
    const char *member = (const char *)settings + setting->offset;
    if (type->words != NULL) {
        unsigned word;
        memcpy(&word, member, sizeof word);
        buffer_text(out, type->words[word]);
    } else if (type->unit != 0) {
        uint64_t number = 0; /* little-endian or not, a narrow member is read by its own size */
        uint32_t narrow;
        if (setting->size == sizeof number) {
            memcpy(&number, member, sizeof number);
        } else {
            memcpy(&narrow, member, sizeof narrow);
            number = narrow;
        }
        buffer_decimal(out, number / type->unit);
    } else if (type->read == read_flag) {
        buffer_text(out, *(const bool *)member ? "true" : "false");
    } else {
        buffer_text(out, member);
    }
}

void
setting_takes(const struct setting *setting, struct buffer *out)
{
    const struct setting_type *type = &setting->type;
    if (type->text != NULL) {
        buffer_text(out, type->text);
    } else if (type->words != NULL) {
        for (size_t i = 0; type->words[i] != NULL; i++)
            buffer_format(out, "%s`%s`",
                          i == 0                       ? ""
                          : type->words[i + 1] == NULL ? " or "
                                                       : ", ",
                          type->words[i]);
    } else {
        buffer_format(out, "a number from %llu to %llu", (unsigned long long)type->least,
                      (unsigned long long)type->most);
    }
}

void
setting_variable(const struct setting *setting, char variable_out[SETTING_VARIABLE_SIZE])
{
    (void)snprintf(variable_out, SETTING_VARIABLE_SIZE, "TALLY_%s_%s", setting->section,
                   setting->name);
    for (char *at = variable_out; *at != '\0'; at++)
        *at = (char)toupper((unsigned char)*at);
}
