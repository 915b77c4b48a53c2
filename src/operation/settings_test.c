#include "settings.h"

#include "clock.h"
#include "settings_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];
static char path[128];

static int
begin(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, P_tmpdir "/tally-settings.XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/tally.conf", folder);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static void
write_bytes(const char *name, const void *text, size_t size, mode_t mode)
{
    char file_path[192];
    (void)snprintf(file_path, sizeof file_path, "%s/%s", folder, name);
    FILE *file = fopen(file_path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(file_path, mode), 0);
}

static void
write_text(const char *text)
{
    write_bytes("tally.conf", text, strlen(text), 0600);
}

/* What a reader of `text` has, which must be allowed. */
static struct settings
read_good(const char *text)
{
    write_text(text);
    struct settings settings;
    settings_init(&settings);
    struct tally_error error = { 0 };
    if (settings_read(folder, &settings, &error) != TALLY_OK)
        fail_msg("%s (line %llu)", error.text, (unsigned long long)error.line);
    return settings;
}

/* ---- reading and writing ---- */

static void
defaults_are_what_the_header_says(void **state)
{
    (void)state;
    struct settings settings;
    settings_init(&settings);
    assert_string_equal(settings.listen, "127.0.0.1:7878");
    assert_int_equal(settings.threads, 0);
    assert_int_equal(settings.reads_waiting, 256);
    assert_int_equal(settings.connections, 16384);
    assert_int_equal(settings.idle_timeout, 60 * CLOCK_SECOND);
    assert_int_equal(settings.search_timeout, 60 * CLOCK_SECOND);
    assert_int_equal(settings.commit_timeout, 10 * CLOCK_SECOND);
    assert_int_equal(settings.body_max, 16 << 20);
    assert_int_equal(settings.memory_max, 512 << 20);
    assert_false(settings.insecure_http);
    assert_string_equal(settings.tls_key, "");
    assert_int_equal(settings.failures_per_minute, 20);
    assert_int_equal(settings.trail_idle, 600 * CLOCK_SECOND);
    assert_int_equal(settings.verify_every, 3600 * CLOCK_SECOND);
    assert_int_equal(settings.verify_rate, 20000);
    assert_int_equal(settings.log_format, LOG_TEXT);
    assert_int_equal(settings.log_level, LOG_INFO);
    assert_int_equal(settings.storage.head_entries_max, HEAD_ENTRIES_MAX);
    assert_int_equal(settings.storage.heads_memory_max, 256 << 20);
    assert_int_equal(settings.storage.checkpoint_interval, CLOCK_SECOND / 10);
}

static void
the_first_file_sets_nothing(void **state)
{
    (void)state;
    struct settings settings;
    memset(&settings, 7, sizeof settings);
    struct settings before = settings;
    assert_int_equal(settings_read(folder, &settings, NULL), TALLY_OK); /* no file: nothing */
    assert_memory_equal(&settings, &before, sizeof settings);
    assert_int_equal(settings_write(folder, NULL), TALLY_OK);
    struct stat stat_;
    assert_int_equal(stat(path, &stat_), 0);
    assert_int_equal(stat_.st_mode & 0777, 0600);
    assert_int_equal(settings_read(folder, &settings, NULL), TALLY_OK);
    assert_memory_equal(&settings, &before, sizeof settings);
    assert_int_equal(settings_write(folder, NULL), TALLY_IO); /* never over what is there */
}

/* What is commented out is accepted when it is not, and is the default. */
static void
its_comments_are_settings(void **state)
{
    (void)state;
    struct buffer text = { 0 };
    settings_format(&text);
    buffer_byte(&text, '\0');
    size_t found = 0;
    char *line = (char *)text.data;
    for (char *next; line[0] != '\0'; line = next) {
        next = line + strcspn(line, "\n") + 1;
        assert_true(next - line <= 101);
        if (memchr(line, '=', (size_t)(next - line)) == NULL)
            continue;
        line[0] = ' ';
        found++;
    }
    assert_int_equal(found, SETTINGS_COUNT);

    struct settings defaults;
    settings_init(&defaults);
    struct settings settings = read_good((char *)text.data);
    assert_memory_equal(&settings, &defaults, sizeof settings);
    buffer_free(&text);
}

/* A value of each setting that is not its default reaches a member of its own. */
static void
every_setting_is_read(void **state)
{
    (void)state;
    struct settings defaults;
    settings_init(&defaults);
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        const struct setting *setting = &settings_table[i];
        char value[64];
        if (setting->type.most > 0)
            (void)snprintf(value, sizeof value, "%llu",
                           (unsigned long long)setting->type.least +
                               (strcmp(setting->standard, "1") == 0));
        else if (setting->type.words != NULL)
            (void)snprintf(value, sizeof value, "%s", setting->type.words[0]);
        else
            (void)snprintf(value, sizeof value, "%s",
                           strcmp(setting->name, "listen") == 0          ? "[::1]:0"
                           : strcmp(setting->name, "insecure_http") == 0 ? "true"
                                                                         : "some");
        if (strcmp(value, setting->standard) == 0)
            (void)snprintf(value, sizeof value, "%llu", (unsigned long long)setting->type.most);

        char text[256];
        (void)snprintf(text, sizeof text, "[%s]\n%s = %s\n", setting->section, setting->name,
                       value);
        struct settings settings = read_good(text);
        char *member = (char *)&settings + setting->offset;
        assert_memory_not_equal(member, (char *)&defaults + setting->offset, setting->size);
        memcpy(member, (char *)&defaults + setting->offset, setting->size);
        assert_memory_equal(&settings, &defaults, sizeof settings); /* and no other */
    }
}

static void
values_and_their_units(void **state)
{
    (void)state;
    struct settings settings = read_good("# comment\n"
                                         "; another\r\n"
                                         "[server]\n"
                                         "  listen=[::1]:443 # behind a blank\n"
                                         "body_mib = 3\t; so too\r\n"
                                         "commit_timeout_ms = 250\n"
                                         "tls_certificate = tls/a b;c#d.pem\n"
                                         "tls_key = /etc/key.pem\n"
                                         "hosts = audit.example.org , audit\n"
                                         "insecure_http = true\n"
                                         "\n"
                                         "[ log ]\n"
                                         "level = debug\n"
                                         "format = json\n"
                                         "[server]\n" /* a section may come again */
                                         "threads = 3\n"
                                         "[trails]\n"
                                         "public = main,\topen-data\n"
                                         "[storage]\n"
                                         "head_entries = 1000"); /* no newline at the end */
    assert_string_equal(settings.listen, "[::1]:443");
    assert_int_equal(settings.body_max, 3 << 20);
    assert_int_equal(settings.commit_timeout, CLOCK_SECOND / 4);
    char certificate[128];
    (void)snprintf(certificate, sizeof certificate, "%s/tls/a b;c#d.pem", folder);
    assert_string_equal(settings.tls_certificate, certificate);
    assert_string_equal(settings.tls_key, "/etc/key.pem");
    assert_string_equal(settings.hosts, "audit.example.org,audit");
    assert_true(settings.insecure_http);
    assert_int_equal(settings.log_level, LOG_DEBUG);
    assert_int_equal(settings.log_format, LOG_JSON);
    assert_int_equal(settings.threads, 3);
    assert_string_equal(settings.trails_public, "main,open-data");
    assert_int_equal(settings.storage.head_entries_max, 1000);
}

static void
slips_are_refused_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t line;
        const char *says;
    } rows[] = {
        { "[storage]\nhead_entries = 0\n", 2, "from 1 to 262144" },
        { "[storage]\nhead_entries = 262145\n", 2, "from 1 to 262144" },
        { "[storage]\nhead_entries = many\n", 2, "\"many\"" },
        { "[storage]\nhead_entries = 5 MB\n", 2, "\"5 MB\"" },
        { "[storage]\nhead_entries = -1\n", 2, "\"-1\"" },
        { "[storage]\nhead_entries =\n", 2, "\"\"" },
        { "[storage]\nhead_entries = 18446744073709551617\n", 2, "from 1" },
        { "[storage]\n\nhead_entrys = 5\n", 3, "no setting \"head_entrys\"" },
        { "[server]\nhead_entries = 5\n", 2, "section \"server\"" },
        { "[storag]\nhead_entries = 5\n", 1, "no section \"storag\"" },
        { "head_entries = 5\n", 1, "section \"\"" },
        { "[storage\n", 1, "no section, setting or comment" },
        { "[storage]\nwhat\n", 2, "no section, setting or comment" },
        { "[storage]\nhead_entries = 5\nhead_entries = 5\n", 3, "line 2 already" },
        { "[server]\ninsecure_http = yes\n", 2, "`true` or `false`" },
        { "[server]\nlisten = localhost:80\n", 2, "127.0.0.1:7878" },
        { "[server]\nhosts = a,,b\n", 2, "joined by commas" },
        { "[server]\nhosts = a b\n", 2, "joined by commas" },
        { "[server]\nhosts = a,\n", 2, "joined by commas" },
        { "[server]\nhosts = http://a\n", 2, "joined by commas" },
        { "[trails]\npublic = Main\n", 2, "trails' names" },
        { "[log]\nlevel = loud\n", 2, "`critical`, `error`, `warning`, `info` or `debug`" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        write_text(rows[i].text);
        struct settings settings;
        settings_init(&settings);
        struct settings before = settings;
        struct tally_error error = { 0 };
        assert_int_equal(settings_read(folder, &settings, &error), TALLY_INVALID);
        assert_int_equal(error.line, rows[i].line);
        if (strstr(error.text, rows[i].says) == NULL)
            fail_msg("%s", error.text);
        assert_memory_equal(&settings, &before, sizeof settings);
    }
}

static void
texts_have_limits(void **state)
{
    (void)state;
    static const char prefix[] = "[server]\nhosts = ";
    char text[4096];
    for (int i = 0; i < 2; i++) {
        /* 32 names of 31 characters fill the room to the last byte; one character more does not
         * fit. */
        size_t size = (size_t)snprintf(text, sizeof text, "%s", prefix);
        for (unsigned name = 0; name < SETTINGS_HOSTS_MAX; name++)
            size += (size_t)snprintf(text + size, sizeof text - size, "%s%031u",
                                     name == 0 ? "" : ",", name);
        assert_int_equal(size - (sizeof prefix - 1), SETTINGS_TEXT_MAX);
        (void)snprintf(text + size, sizeof text - size, "%s", i == 0 ? "" : "0");
        write_text(text);
        struct settings settings;
        settings_init(&settings);
        assert_int_equal(settings_read(folder, &settings, NULL), i == 0 ? TALLY_OK : TALLY_INVALID);
    }
    size_t size = (size_t)snprintf(text, sizeof text, "%s", prefix);
    for (unsigned name = 0; name <= SETTINGS_HOSTS_MAX; name++)
        size +=
            (size_t)snprintf(text + size, sizeof text - size, "%sh%u", name == 0 ? "" : ",", name);
    write_text(text);
    struct settings settings;
    settings_init(&settings);
    assert_int_equal(settings_read(folder, &settings, NULL), TALLY_INVALID);

    static char large[SETTINGS_FILE_MAX + 1];
    memset(large, '\n', sizeof large);
    write_bytes("tally.conf", large, sizeof large - 1, 0600);
    assert_int_equal(settings_read(folder, &settings, NULL), TALLY_OK);
    write_bytes("tally.conf", large, sizeof large, 0600);
    assert_int_equal(settings_read(folder, &settings, NULL), TALLY_INVALID);
    write_bytes("tally.conf", "[log]\nlevel = in\0fo\n", 20, 0600);
    assert_int_equal(settings_read(folder, &settings, NULL), TALLY_INVALID);
}

/* A pipe that nobody writes to must not be waited for. */
static void
what_is_no_plain_file_is_refused(void **state)
{
    (void)state;
    struct settings settings;
    settings_init(&settings);
    write_text("");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    struct tally_error error;
    assert_int_equal(settings_read(folder, &settings, &error), TALLY_IO);
    assert_non_null(strstr(error.text, "tally.conf is not a plain file"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(settings_read(folder, &settings, NULL), TALLY_IO);
    assert_int_equal(rmdir(path), 0);
}

static void
the_environment_wins(void **state)
{
    (void)state;
    (void)setenv("TALLY_SERVER_LISTEN", "127.0.0.2:1", 1);
    (void)setenv("TALLY_STORAGE_HEAD_ENTRIES", "9", 1);
    (void)setenv("TALLY_SERVER_PORT", "tcp://10.0.0.1:7878", 1); /* somebody else's */
    struct settings settings = read_good("[server]\nlisten = 127.0.0.1:80\nthreads = 2\n");
    assert_string_equal(settings.listen, "127.0.0.2:1");
    assert_int_equal(settings.storage.head_entries_max, 9);
    assert_int_equal(settings.threads, 2);

    (void)setenv("TALLY_STORAGE_HEAD_ENTRIES", "none", 1);
    struct tally_error error = { 0 };
    assert_int_equal(settings_read(folder, &settings, &error), TALLY_INVALID);
    assert_int_equal(error.line, 0);
    assert_non_null(strstr(error.text, "TALLY_STORAGE_HEAD_ENTRIES takes"));
    (void)unsetenv("TALLY_SERVER_LISTEN");
    (void)unsetenv("TALLY_STORAGE_HEAD_ENTRIES");
    (void)unsetenv("TALLY_SERVER_PORT");
}

/* ---- checking ---- */

#define PROBLEMS_MAX 16
struct problems {
    size_t count;
    struct tally_error problems[PROBLEMS_MAX];
};

/* settings_visitor */
static void
collect(void *context, const struct tally_error *problem)
{
    struct problems *problems = context;
    assert_true(problems->count < PROBLEMS_MAX);
    problems->problems[problems->count++] = *problem;
}

static void
expect_problem(const struct problems *problems, size_t i, uint64_t line, const char *says)
{
    if (i >= problems->count)
        fail_msg("nothing says \"%s\"", says);
    const struct tally_error *problem = &problems->problems[i];
    assert_int_equal(problem->status, TALLY_INVALID);
    assert_int_equal(problem->line, line);
    if (strstr(problem->text, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", problem->text, says);
}

static struct problems
check(const char *text)
{
    struct problems problems = { 0 };
    write_text(text);
    assert_int_equal(settings_check(folder, collect, &problems, NULL), TALLY_OK);
    return problems;
}

static void
a_check_names_every_slip(void **state)
{
    (void)state;
    assert_int_equal(check("").count, 0);
    (void)setenv("TALLY_LOG_LEVEL", "loud", 1);
    struct problems problems = check("[server]\n"
                                     "threads = x\n"
                                     "what\n"
                                     "[nothing]\n"
                                     "a = b\n"
                                     "c = d\n"
                                     "[access]\n"
                                     "requests = 5\n");
    (void)unsetenv("TALLY_LOG_LEVEL");
    expect_problem(&problems, 0, 2, "threads takes");
    expect_problem(&problems, 1, 3, "no section, setting");
    expect_problem(&problems, 2, 4, "\"nothing\"");
    expect_problem(&problems, 3, 8, "\"requests\"");
    expect_problem(&problems, 4, 0, "TALLY_LOG_LEVEL");
    assert_int_equal(problems.count, 5);
}

static void
contradictions_have_the_line_of_the_setting(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t line;
        const char *says;
    } rows[] = {
        { "[server]\nlisten = 0.0.0.0:80\n", 2, "insecure_http = true" },
        { "[server]\nlisten = [::]:80\n", 2, "tls_certificate" },
        { "[server]\nlisten = 128.0.0.1:80\n", 2, "tls_certificate" },
        { "[server]\nbody_mib = 22\n", 0, "bodies_mib is 64" },
        { "[server]\nbody_mib = 8\nbodies_mib = 23\n", 3, "24" },
        { "[server]\nmemory_mib = 319\n", 2, "320" },
        { "[storage]\nheads_memory_mib = 449\n", 0, "513" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct problems problems = check(rows[i].text);
        expect_problem(&problems, 0, rows[i].line, rows[i].says);
        assert_int_equal(problems.count, 1);
    }
    static const char *const good[] = {
        "[server]\nlisten = 0.0.0.0:80\ninsecure_http = true\n",
        "[server]\nlisten = 127.9.9.9:80\n",
        "[server]\nlisten = [::1]:80\n",
        "[server]\nlisten = [::ffff:127.0.0.1]:80\n",
        "[server]\nbody_mib = 21\n",
        "[server]\nmemory_mib = 320\n",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(check(good[i]).count, 0);
}

static void
certificate_and_key_come_together(void **state)
{
    (void)state;
    write_bytes("a.pem", "x", 1, 0600);
    struct problems problems = check("[server]\ntls_certificate = a.pem\n");
    expect_problem(&problems, 0, 2, "tls_key is not");
    assert_int_equal(problems.count, 1);
    problems = check("[server]\n\ntls_key = a.pem\n");
    expect_problem(&problems, 0, 3, "tls_certificate is not");
    assert_int_equal(problems.count, 1);

    /* Both: TLS, also beyond loopback. */
    static const char both[] = "[server]\nlisten = 0.0.0.0:443\n"
                               "tls_certificate = a.pem\ntls_key = a.pem\n";
    assert_int_equal(check(both).count, 0);
    write_bytes("a.pem", "x", 1, 0640);
    assert_int_equal(check(both).count, 0);
    write_bytes("a.pem", "x", 1, 0644);
    problems = check(both);
    expect_problem(&problems, 0, 4, "mode 0644");
    assert_int_equal(problems.count, 1);

    problems = check("[server]\ntls_certificate = no.pem\ntls_key = .\n");
    expect_problem(&problems, 0, 2, "No such file");
    expect_problem(&problems, 1, 3, "is no file");
    char name[192];
    (void)snprintf(name, sizeof name, "%s/a.pem", folder);
    assert_int_equal(unlink(name), 0);
}

static void
contradictions_of_settings_from_elsewhere(void **state)
{
    (void)state;
    struct settings settings;
    settings_init(&settings);
    struct problems problems = { 0 };
    assert_int_equal(settings_contradictions(&settings, collect, &problems), 0);
    (void)snprintf(settings.listen, sizeof settings.listen, "192.0.2.1:7878");
    settings.bodies_max = 1 << 20;
    assert_int_equal(settings_contradictions(&settings, collect, &problems), 2);
    expect_problem(&problems, 0, 0, "listen: 192.0.2.1:7878");
    expect_problem(&problems, 1, 0, "bodies_mib");
}

static void
a_server_listens_somewhere(void **state)
{
    (void)state;
    struct problems problems = check("[server]\nlisten = none\n");
    expect_problem(&problems, 0, 2, "nobody could reach the server");
    assert_int_equal(problems.count, 1);
    problems = check("[server]\nlisten = none\nsocket = tally.sock\n");
    assert_int_equal(problems.count, 0);
    problems = check("[server]\nsocket = tally.sock\nsocket_mode = 0600\n");
    assert_int_equal(problems.count, 0);
    problems = check("[server]\nsocket_mode = 0777\n");
    expect_problem(&problems, 0, 2, "`0600`, `0660` or `0666`");

    struct settings settings;
    struct tally_error error;
    settings_init(&settings);
    assert_int_equal(settings.socket_mode, SOCKET_MODE_0660);
    assert_int_equal(settings_check_reach(&settings, &error), TALLY_OK);
    (void)snprintf(settings.listen, sizeof settings.listen, SETTINGS_LISTEN_NONE);
    assert_int_equal(settings_check_reach(&settings, &error), TALLY_INVALID);
    assert_int_equal(settings_check_exposure(&settings, &error), TALLY_OK);
}

/* The longest path fits, and one more byte is refused where it is read. */
static void
a_path_that_a_socket_takes(void **state)
{
    (void)state;
    char text[256];
    char longest[SETTINGS_SOCKET_MAX + 1];
    memset(longest, 'x', sizeof longest);
    longest[0] = '/';
    longest[SETTINGS_SOCKET_MAX] = '\0';
    (void)snprintf(text, sizeof text, "[server]\nsocket = %s\n", longest);
    struct problems problems = check(text);
    assert_int_equal(problems.count, 0);
    (void)snprintf(text, sizeof text, "[server]\nsocket = %sx\n", longest);
    problems = check(text);
    expect_problem(&problems, 0, 2, "107 bytes");
}

/* What is written is what is read: each setting, from its value in the table and back. */
static void
changes_as_they_are_written(void **state)
{
    (void)state;
    struct settings standard, other;
    settings_init(&standard);
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        struct buffer text = { 0 };
        setting_write(&settings_table[i], &standard, &text);
        assert_true(bytes_is(buffer_view(&text), settings_table[i].standard));
        buffer_free(&text);
    }

    other = standard;
    struct buffer changes = { 0 };
    assert_int_equal(settings_changes(&standard, &other, &changes), 0);
    assert_true(bytes_is(buffer_view(&changes), "{}"));
    buffer_clear(&changes);
    other.log_level = LOG_DEBUG;
    other.insecure_http = true;
    other.commit_timeout *= 2;
    (void)snprintf(other.hosts, sizeof other.hosts, "a,b");
    assert_int_equal(settings_changes(&standard, &other, &changes), 4);
    assert_true(bytes_is(buffer_view(&changes),
                         "{\"server.commit_timeout_ms\":{\"before\":\"10000\",\"after\":\"20000\"},"
                         "\"server.insecure_http\":{\"before\":\"false\",\"after\":\"true\"},"
                         "\"server.hosts\":{\"before\":\"\",\"after\":\"a,b\"},"
                         "\"log.level\":{\"before\":\"info\",\"after\":\"debug\"}}"));
    buffer_free(&changes);
}

static void
an_address_and_its_port(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *address; /* NULL: refused */
        uint16_t port;
    } rows[] = {
        { "127.0.0.1:7878", "127.0.0.1", 7878 },
        { "0.0.0.0:0", "0.0.0.0", 0 },
        { "[::1]:65535", "::1", 65535 },
        { "[fe80::1:2]:80", "fe80::1:2", 80 },
        { "127.0.0.1:65536", NULL, 0 },
        { "127.0.0.1:+80", NULL, 0 },
        { "127.0.0.1:", NULL, 0 },
        { "127.0.0.1", NULL, 0 },
        { ":80", NULL, 0 },
        { "", NULL, 0 },
        { "::1:80", NULL, 0 }, /* which of the colons? */
        { "[127.0.0.1]:80", NULL, 0 },
        { "[]:80", NULL, 0 },
        { "[::1]", NULL, 0 },
        { "127.1:80", NULL, 0 },
        { "localhost:80", NULL, 0 },
        { "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80", NULL, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char address[256] = "before";
        uint16_t port = 1;
        struct tally_error error = { 0 };
        tally_status status = settings_split_listen(rows[i].text, address, &port, &error);
        assert_int_equal(status, rows[i].address == NULL ? TALLY_INVALID : TALLY_OK);
        assert_string_equal(address, rows[i].address == NULL ? "before" : rows[i].address);
        assert_int_equal(port, rows[i].address == NULL ? 1 : rows[i].port);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_what_the_header_says),
        cmocka_unit_test_setup_teardown(the_first_file_sets_nothing, begin, end),
        cmocka_unit_test_setup_teardown(its_comments_are_settings, begin, end),
        cmocka_unit_test_setup_teardown(every_setting_is_read, begin, end),
        cmocka_unit_test_setup_teardown(values_and_their_units, begin, end),
        cmocka_unit_test_setup_teardown(slips_are_refused_with_their_line, begin, end),
        cmocka_unit_test_setup_teardown(texts_have_limits, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_plain_file_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(the_environment_wins, begin, end),
        cmocka_unit_test_setup_teardown(a_check_names_every_slip, begin, end),
        cmocka_unit_test_setup_teardown(contradictions_have_the_line_of_the_setting, begin, end),
        cmocka_unit_test_setup_teardown(certificate_and_key_come_together, begin, end),
        cmocka_unit_test(contradictions_of_settings_from_elsewhere),
        cmocka_unit_test_setup_teardown(a_server_listens_somewhere, begin, end),
        cmocka_unit_test_setup_teardown(a_path_that_a_socket_takes, begin, end),
        cmocka_unit_test(changes_as_they_are_written),
        cmocka_unit_test(an_address_and_its_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
