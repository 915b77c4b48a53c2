/*
 * tally demo - a server with something in it, to be tried from another terminal.
 *
 * The folder is made and filled the first time and used again afterwards; the keys are new ones each
 * time. What is printed can be copied as it stands.
 */
#include "acceptor.h"
#include "batch.h"
#include "buffer.h"
#include "clock.h"
#include "command.h"
#include "establish.h"
#include "fault.h"
#include "generate.h"
#include "interruption.h"
#include "scratch.h"
#include "server.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_STANDARD "demo-data"
#define EVENTS_STANDARD 5000
#define EVENTS_MAX      1000000
#define PORT_FIRST      7878
#define PORT_COUNT      100
#define KEY_NAME        "demo"

/* Enough to try it, and far fewer than a service takes: a shell's limit of descriptors will do. */
#define CONNECTIONS_STANDARD 256

/* The events lie in as many days before now. */
#define DAYS 30

static const struct command_option options[] = {
    { "data", "DIR", "the data folder (default: ./" FOLDER_STANDARD ")" },
    { "events", "N", "how many events to fill a new one with (default: 5000)" },
    { NULL, NULL, NULL },
};

/* A byte of a sealed entry, for somebody to tamper with. */
struct victim {
    char path[PATH_MAX];
    off_t size;
    long offset;
    unsigned byte;
};

struct demo {
    struct buffer tally; /* how this program is called, a word of a shell's line */
    const char *folder;
    struct new_key keys[ROLE_NONE]; /* one of each role */
    struct victim victim;
};

/* ---- filling ---- */

static volatile sig_atomic_t interrupted;

static void
interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

/* What stands out among the generated ones. */
static const char *const story[] = {
    "{\"event_type\":\"login_failure\",\"user_id\":\"mallory\",\"ip_address\":\"203.0.113.9\","
    "\"user_agent\":\"curl/8.5.0\",\"session_id\":\"s-1\"}",
    "{\"event_type\":\"login_failure\",\"user_id\":\"mallory\",\"ip_address\":\"203.0.113.9\","
    "\"user_agent\":\"curl/8.5.0\",\"session_id\":\"s-1\"}",
    "{\"event_type\":\"login_success\",\"user_id\":\"mallory\",\"ip_address\":\"203.0.113.9\","
    "\"user_agent\":\"curl/8.5.0\",\"session_id\":\"s-1\"}",
    "{\"event_type\":\"role_change\",\"user_id\":\"mallory\",\"resource_type\":\"user\","
    "\"resource_id\":\"mallory\",\"session_id\":\"s-1\","
    "\"changes\":{\"role\":{\"before\":\"clerk\",\"after\":\"admin\"}}}",
    "{\"event_type\":\"config_change\",\"user_id\":\"mallory\",\"resource_type\":\"system\","
    "\"resource_id\":\"smtp_settings\",\"session_id\":\"s-1\","
    "\"details\":{\"changed_fields\":[\"host\",\"port\"],"
    "\"old_values\":{\"host\":\"smtp.old.com\",\"port\":25}}}",
    "{\"event_type\":\"report_approve\",\"user_id\":\"approver456\",\"resource_type\":\"report\","
    "\"resource_id\":\"rep789\",\"details\":{\"previous_status\":\"pending\","
    "\"comments\":\"Approved after review\"}}",
};

static tally_status
append(struct trail *trail, struct batch *batch, struct tally_error *error)
{
    struct receipt *receipts = calloc(batch_count(batch), sizeof *receipts);
    if (receipts == NULL)
        return TALLY_NO_MEMORY;
    struct append_result result;
    tally_status status = trail_append(trail, batch, APPEND_WAIT, receipts, &result, error);
    free(receipts);
    batch_clear(batch);
    return status;
}

static tally_status
add_generated(struct trail *trail, struct batch *batch, uint64_t count, struct tally_error *error)
{
    struct generator generator;
    tally_status status = generator_init(&generator, (uint64_t)clock_now(), error);
    if (status != TALLY_OK)
        return status;
    generator.time = clock_now() - DAYS * CLOCK_DAY;
    struct buffer event = { 0 };
    for (uint64_t i = 0; i < count && status == TALLY_OK && !interrupted; i++) {
        buffer_clear(&event);
        generator.time += DAYS * CLOCK_DAY / (int64_t)(count + 1);
        generator_event(&generator, &event);
        status = batch_add(batch, buffer_view(&event), error);
        if (status == TALLY_OK && (batch_count(batch) == 1000 || i + 1 == count))
            status = append(trail, batch, error);
    }
    buffer_free(&event);
    generator_finish(&generator);
    return status;
}

/* Fills and seals, so that there is a segment to look at. */
static tally_status
fill(struct trail *trail, uint64_t count, struct tally_error *error)
{
    struct batch *batch;
    tally_status status = batch_create(trail, "demo", NULL, &batch, error);
    if (status != TALLY_OK)
        return status;
    status = add_generated(trail, batch, count, error);
    for (size_t i = 0; i < sizeof story / sizeof story[0] && status == TALLY_OK; i++)
        status = batch_add(batch, bytes_text(story[i]), error);
    if (status == TALLY_OK)
        status = append(trail, batch, error);
    if (status == TALLY_OK)
        status = trail_seal(trail, SEAL_ALL, error);
    batch_destroy(batch);
    return status;
}

static tally_status
fill_folder(const char *path, uint64_t count, struct tally_error *error)
{
    struct folder_options folder_options = { .command = "demo" };
    struct folder *folder;
    tally_status status = folder_open(path, &folder_options, &folder, error);
    if (status != TALLY_OK)
        return status;
    struct trail *trail;
    status = trail_open(folder, ESTABLISH_TRAIL, TRAIL_WRITE, &trail, NULL, error);
    if (status == TALLY_OK) {
        status = fill(trail, count, error);
        tally_status closed = trail_close(trail, status == TALLY_OK ? error : NULL);
        status = status == TALLY_OK ? closed : status;
    }
    folder_close(folder);
    return status;
}

/* Makes it under another name, so that what a crash leaves is never taken for it. */
static tally_status
make_and_fill(const char *path, const char *part, uint64_t count, struct tally_error *error)
{
    const struct trail_config config = { 0 };
    struct new_key key;
    struct tally_vkey vkey;
    interruption_set(interrupt, SA_RESTART);
    scratch_remove(part);
    tally_status status = establish(part, &config, &key, &vkey, error);
    sodium_memzero(&key, sizeof key); /* each run makes its own */
    if (status == TALLY_OK)
        status = fill_folder(part, count, error);
    if (status == TALLY_OK && interrupted)
        status = fault(error, TALLY_IO, "interrupted");
    if (status == TALLY_OK && rename(part, path) < 0)
        status = io_fault(error, "cannot rename %s to %s", part, path);
    if (status != TALLY_OK)
        scratch_remove(part);
    interruption_set(SIG_DFL, 0);
    return status;
}

static int
make_folder(const struct demo *demo, uint64_t count)
{
    char part[PATH_MAX];
    if (snprintf(part, sizeof part, "%s.part", demo->folder) >= (int)sizeof part)
        return fail(MISUSED, "--data: the path is too long");
    if (access(demo->folder, F_OK) == 0 && rmdir(demo->folder) < 0)
        return fail(UNABLE, "%s is no data folder, and not empty: name another one with --data",
                    demo->folder);
    (void)printf("filling %s with %llu events of the last %d days …\n", demo->folder,
                 (unsigned long long)count, DAYS);
    (void)fflush(stdout);
    struct tally_error error = { 0 };
    return make_and_fill(demo->folder, part, count, &error) == TALLY_OK ? DONE
                                                                        : fail_with(&error, NULL);
}

/* ---- this run's keys ---- */

/* Keys of earlier runs, to be revoked. */
struct earlier {
    int64_t ids[64];
    size_t count;
};

static tally_status
collect(void *context, const struct keyring_entry *entry, struct tally_error *error)
{
    (void)error;
    struct earlier *earlier = context;
    if (strcmp(entry->name, KEY_NAME) == 0 &&
        earlier->count < sizeof earlier->ids / sizeof earlier->ids[0])
        earlier->ids[earlier->count++] = entry->id;
    return TALLY_OK;
}

static tally_status
renew_keys(struct keyring *keyring, struct new_key keys[ROLE_NONE], struct tally_error *error)
{
    struct earlier earlier = { 0 };
    tally_status status = keyring_list(keyring, KEYRING_IN_SERVICE, collect, &earlier, error);
    for (unsigned role = 0; role < ROLE_NONE && status == TALLY_OK; role++) {
        const struct keyring_request request = { .name = KEY_NAME, .role = (enum role)role };
        status = keyring_add(keyring, &request, &keys[role], error);
    }
    for (size_t i = 0; i < earlier.count && status == TALLY_OK; i++)
        status = keyring_revoke(keyring, earlier.ids[i], error);
    return status;
}

static int
make_keys(struct demo *demo)
{
    struct keyring *keyring;
    struct tally_error error = { 0 };
    tally_status status = keyring_open(demo->folder, &keyring, &error);
    if (status == TALLY_ABSENT)
        return fail(UNABLE, "%s has no tally.db: remove the folder, or name another one",
                    demo->folder);
    if (status == TALLY_OK) {
        status = renew_keys(keyring, demo->keys, &error);
        keyring_close(keyring);
    }
    return status == TALLY_OK ? DONE : fail_with(&error, NULL);
}

/* ---- something to tamper with ---- */

/* The largest segment file. */
static void
find_largest(const char *folder, struct victim *victim)
{
    char path[PATH_MAX];
    DIR *handle = opendir(folder);
    if (handle == NULL)
        return;
    for (struct dirent *file; (file = readdir(handle)) != NULL;) {
        struct stat stat_;
        if (snprintf(path, sizeof path, "%s/%s", folder, file->d_name) >= (int)sizeof path ||
            stat(path, &stat_) < 0 || !S_ISREG(stat_.st_mode) || stat_.st_size <= victim->size)
            continue;
        memcpy(victim->path, path, sizeof path);
        victim->size = stat_.st_size;
    }
    (void)closedir(handle);
}

/* A byte in its middle that can be printed with one octal escape. */
static void
find_victim(struct demo *demo)
{
    struct victim *victim = &demo->victim;
    char folder[PATH_MAX];
    (void)snprintf(folder, sizeof folder, "%s/trails/" ESTABLISH_TRAIL "/segments", demo->folder);
    find_largest(folder, victim);
    FILE *file = victim->size == 0 ? NULL : fopen(victim->path, "re");
    victim->offset = (long)(victim->size / 2);
    if (file == NULL)
        return;
    int byte = fseek(file, victim->offset, SEEK_SET) < 0 ? EOF : fgetc(file);
    (void)fclose(file);
    victim->size = byte == EOF ? 0 : victim->size;
    victim->byte = (unsigned)byte & 0xff;
}

/* ---- what is printed ---- */

/* Puts a text as one word of a shell's line, with its NUL: in quotes where it has anything that may
 * mean something else. */
static void
put_word(const char *text, struct buffer *word)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+";
    bool quoted = text[strspn(text, plain)] != '\0';
    if (quoted)
        buffer_byte(word, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            buffer_text(word, "'\\'"); /* the quotes end, the character, and they begin again */
        buffer_byte(word, (uint8_t)*text);
    }
    if (quoted)
        buffer_byte(word, '\'');
    buffer_byte(word, '\0');
}

/* A line of shell that puts a byte where the victim's is. */
static void
print_byte(const struct victim *victim, unsigned byte)
{
    struct buffer path = { 0 };
    put_word(victim->path, &path);
    if (!buffer_failed(&path))
        (void)printf("printf '\\%03o' | dd of=%s bs=1 seek=%ld conv=notrunc status=none\n", byte,
                     (const char *)path.data, victim->offset);
    buffer_free(&path);
}

static void
print_tampering(const struct demo *demo)
{
    if (demo->victim.size == 0)
        return;
    (void)printf("\n# somebody with all rights on the disk flips one bit; it is found, with its "
                 "place:\n");
    print_byte(&demo->victim, demo->victim.byte ^ 1u);
    (void)printf("%s verify $TALLY_URL\n# the bit put back:\n", (const char *)demo->tally.data);
    print_byte(&demo->victim, demo->victim.byte);
}

/* server_options.ready */
static void
print_story(void *context, const char *url)
{
    const struct demo *demo = context;
    const char *tally = (const char *)demo->tally.data;
    const char *bearer = "-H \"Authorization: Bearer $TALLY_KEY\"";
    (void)printf("listening on %s\n", url);
    (void)printf(
        "\n# keys, new ones each time; an auditor may read and nothing else, a writer record:\n"
        "# auditor: %s\n# writer:  %s\n# admin:   %s\n",
        demo->keys[ROLE_AUDITOR].text, demo->keys[ROLE_WRITER].text, demo->keys[ROLE_ADMIN].text);
    (void)printf("\n# in another terminal, in this folder:\nexport TALLY_URL=%s TALLY_KEY=%s\n",
                 url, demo->keys[ROLE_ADMIN].text);
    (void)printf("\n# record an event; the answer is its receipt:\n"
                 "curl %s -H 'Content-Type: application/json' $TALLY_URL/api/events \\\n"
                 "    -d '{\"event_type\":\"login_failure\",\"user_id\":\"eve\","
                 "\"ip_address\":\"192.0.2.7\"}'\n",
                 bearer);
    (void)printf("\n# find: newest first\n"
                 "curl %s \"$TALLY_URL/api/events?user=mallory&limit=3\"\n"
                 "%s query $TALLY_URL user:mallory\n"
                 "%s query $TALLY_URL status:failure,error 'action:report.*' timestamp:-7d..now "
                 "--limit 5\n",
                 bearer, tally, tally);
    (void)printf("\n# count\n"
                 "curl %s \"$TALLY_URL/api/stats?by=action&top=5&interval=1d\"\n"
                 "\n# who read what is on record, too\n"
                 "%s query $TALLY_URL --trail tally --limit 5\n",
                 bearer, tally);
    (void)printf("\n# verify everything: every leaf, commitment, root and signature is computed "
                 "again\n%s verify $TALLY_URL\n",
                 tally);
    print_tampering(demo);
    (void)printf("\n# all routes: %s/docs\n"
                 "# Ctrl-C ends the server; `make demo-clean` removes %s.\n\n",
                 url, demo->folder);
    (void)fflush(stdout);
}

/* ---- the command ---- */

/* The first port that nobody has, or 0. */
static uint16_t
find_port(void)
{
    for (unsigned port = PORT_FIRST; port < PORT_FIRST + PORT_COUNT; port++) {
        struct acceptor *acceptor;
        struct tally_error error;
        if (acceptor_open("127.0.0.1", (uint16_t)port, &acceptor, &error) != TALLY_OK)
            continue;
        acceptor_close(acceptor);
        return (uint16_t)port;
    }
    return 0;
}

static int
serve(struct demo *demo)
{
    struct server_options server_options = {
        .path = demo->folder,
        .ready = print_story,
        .context = demo,
    };
    struct tally_error error = { 0 };
    struct settings *settings = &server_options.settings;
    settings_init(settings);
    settings->connections = CONNECTIONS_STANDARD;
    if (settings_read(demo->folder, settings, &error) != TALLY_OK)
        return fail_with(&error, NULL);
    (void)snprintf(settings->listen, sizeof settings->listen, "127.0.0.1:%u", find_port());
    settings->socket[0] = '\0';
    if (server_run(&server_options, &error) != TALLY_OK)
        return fail_with(&error, NULL);
    return DONE;
}

static int
run(const struct invocation *invocation)
{
    unsigned long long count;
    int outcome = operands_expect(invocation, NULL, 0);
    if (outcome == DONE)
        outcome = option_number(invocation, "events", EVENTS_STANDARD, EVENTS_MAX, &count);
    if (outcome != DONE)
        return outcome;

    struct demo demo = {
        .folder = option_value(invocation, "data"),
    };
    if (demo.folder == NULL)
        demo.folder = FOLDER_STANDARD;
    char trails[PATH_MAX];
    (void)snprintf(trails, sizeof trails, "%s/trails", demo.folder);
    if (access(trails, F_OK) < 0)
        outcome = make_folder(&demo, count);
    if (outcome == DONE)
        outcome = make_keys(&demo);
    if (outcome == DONE) {
        find_victim(&demo);
        put_word(invocation->program, &demo.tally);
        outcome = buffer_failed(&demo.tally) ? fail(UNABLE, "out of memory") : serve(&demo);
        buffer_free(&demo.tally);
    }
    sodium_memzero(demo.keys, sizeof demo.keys);
    return outcome;
}

const struct command command_demo = {
    .name = "demo",
    .operands = "[OPTION…]",
    .summary = "a server with real-looking entries, and what to try on it",
    .text = "Makes and fills the data folder the first time and uses it again afterwards. Listens "
            "on 127.0.0.1, port 7878 or the next one that is free, and prints lines to copy into "
            "another terminal, with new keys each time. Ctrl-C ends it.",
    .options = options,
    .run = run,
};
