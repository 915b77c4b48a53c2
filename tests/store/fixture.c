/*
 * fixture.c - see fixture.h.
 */
#include "fixture.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

_Thread_local struct tally_error why;

void
fixture_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    abort();
}

void
fixture_must(tally_status status, const char *call, const char *file, int line)
{
    if (status != TALLY_OK)
        fixture_fail("%s:%d: %s: %s: %s", file, line, call, tally_status_text(status), why.text);
}

uint64_t
fixture_setting(const char *name, uint64_t normal)
{
    const char *text = getenv(name);
    return text == NULL || text[0] == '\0' ? normal : strtoull(text, NULL, 10);
}

uint64_t
fixture_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

struct disk *
fixture_disk(void)
{
    struct disk *disk = disk_sim_create();
    MUST(disk_make_folder(disk, "keys", &why));
    MUST(disk_make_folder(disk, "trails", &why));
    MUST(disk_sync_folder(disk, "", &why));
    return disk;
}

struct folder *
fixture_folder(struct disk *disk, uint32_t head_entries_max)
{
    struct folder_options options = {
        .head_entries_max = head_entries_max,
        .manual = true,
        .disk = disk,
        .command = "test",
    };
    struct folder *folder;
    MUST(folder_open("simulated", &options, &folder, &why));
    return folder;
}

char *
fixture_path(void)
{
    const char *place = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/tally-test-XXXXXX", place == NULL ? P_tmpdir : place) < 0 ||
        mkdtemp(path) == NULL)
        fixture_fail("no temporary folder");
    MUST(folder_create(path, &why));
    return path;
}

static int
open_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)walk;
    return kind == FTW_D ? chmod(path, 0700) : 0;
}

static int
remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

void
fixture_remove(char *path)
{
    /* A test may have taken the permission away. */
    (void)nftw(path, open_one, 16, FTW_PHYS);
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}

struct trail *
fixture_open(struct folder *folder, const char *name, enum trail_mode mode)
{
    struct trail *trail;
    MUST(trail_open(folder, name, mode, &trail, NULL, &why));
    return trail;
}

struct trail *
fixture_create(struct folder *folder, const char *name, const char *origin)
{
    struct tally_vkey vkey;
    struct trail_config config = { .origin = origin };
    MUST(trail_create(folder, name, &config, &vkey, &why));
    return fixture_open(folder, name, TRAIL_WRITE);
}

void
fixture_secret(uint64_t number, uint8_t secret[16], char text[FIXTURE_SECRET_TEXT])
{
    uint64_t state = number;
    put_u64(secret, fixture_random(&state));
    put_u64(secret + 8, fixture_random(&state));
    for (unsigned i = 0, at = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[at++] = '-';
        at += (unsigned)snprintf(text + at, FIXTURE_SECRET_TEXT - at, "%02x", secret[i]);
    }
}

struct bytes
fixture_event(uint64_t number, char *text)
{
    static const char *const actions[] = { "user.login", "report.read", "report.update" };
    uint8_t secret[16];
    char session[FIXTURE_SECRET_TEXT];
    fixture_secret(number, secret, session);
    int size = snprintf(
        text, FIXTURE_EVENT_SIZE,
        "{\"id\":\"event-%" PRIu64
        "\",\"action\":\"%s\",\"timestamp\":\"2026-03-%02uT10:%02u:%02uZ\","
        "\"user_id\":\"user-%u\",\"session_id\":\"%s\",\"ip_address\":\"10.0.%u.%u\","
        "\"resource_type\":\"report\",\"resource_id\":\"r%u\","
        "\"details\":{\"n\":%" PRIu64 ",\"note\":\"secret-%" PRIu64 ".\"}}",
        number, actions[number % 3], (unsigned)(number % 28 + 1), (unsigned)(number / 60 % 60),
        (unsigned)(number % 60), (unsigned)(number % 17), session, (unsigned)(number / 256 % 256),
        (unsigned)(number % 256), (unsigned)(number % 23), number, number);
    return bytes_of(text, (size_t)size);
}

struct batch *
fixture_batch(const struct trail *trail, uint64_t first, uint32_t count)
{
    struct batch *batch;
    MUST(batch_create(trail, "test", NULL, &batch, &why));
    for (uint32_t i = 0; i < count; i++) {
        char text[FIXTURE_EVENT_SIZE];
        MUST(batch_add(batch, fixture_event(first + i, text), &why));
    }
    return batch;
}

void
fixture_record(struct trail *trail, uint64_t first, uint32_t count, struct receipt *receipts)
{
    struct batch *batch = fixture_batch(trail, first, count);
    struct receipt *own = receipts != NULL ? receipts : malloc(count * sizeof *own);
    struct append_result result;
    MUST(trail_append(trail, batch, APPEND_WAIT, own, &result, &why));
    if (result.count != count)
        fixture_fail("%" PRIu32 " of %" PRIu32 " events were new", result.count, count);
    if (receipts == NULL)
        free(own);
    batch_destroy(batch);
}

/* Three threads for segments must come to what one comes to, word for word. */
void
fixture_same_report(const struct verify_report *alone, const struct verify_report *together)
{
    if (alone->verdict != together->verdict || alone->entries != together->entries ||
        alone->erased != together->erased || alone->unsigned_ != together->unsigned_ ||
        alone->bad_first != together->bad_first || alone->bad_last != together->bad_last ||
        strcmp(alone->file, together->file) != 0 || strcmp(alone->text, together->text) != 0)
        fixture_fail("alone: verdict %d, %" PRIu64 " entries, %" PRIu64 " to %" PRIu64
                     ", \"%s\": %s; by three threads: verdict %d, %" PRIu64 " entries, %" PRIu64
                     " to %" PRIu64 ", \"%s\": %s",
                     (int)alone->verdict, alone->entries, alone->bad_first, alone->bad_last,
                     alone->file, alone->text, (int)together->verdict, together->entries,
                     together->bad_first, together->bad_last, together->file, together->text);
}

enum verdict
fixture_verify_with(struct folder *folder, const char *name, const struct verify_options *options,
                    struct verify_report *report)
{
    /* Those who verify by the thousand compare one time in eight. */
    static _Atomic unsigned calls;
    struct verify_options shared = *options;
    struct verify_report together;
    unsigned call = calls++;
    shared.threads = 3;
    MUST(verify_trail(folder, name, options, report, &why));
    if (call >= 64 && call % 8 != 0)
        return report->verdict;
    MUST(verify_trail(folder, name, &shared, &together, &why));
    fixture_same_report(report, &together);
    return report->verdict;
}

enum verdict
fixture_verify(struct folder *folder, const char *name, struct verify_report *report)
{
    struct verify_options options = { 0 };
    return fixture_verify_with(folder, name, &options, report);
}

void
fixture_intact(struct folder *folder, const char *name, uint64_t entries, uint64_t erased)
{
    struct verify_report report;
    if (fixture_verify(folder, name, &report) != VERDICT_INTACT)
        fixture_fail("%s: verdict %d: %s", name, (int)report.verdict, report.text);
    if (report.entries != entries || report.erased != erased)
        fixture_fail("%s: %" PRIu64 " entries, %" PRIu64 " erased; %" PRIu64 " and %" PRIu64
                     " were expected",
                     name, report.entries, report.erased, entries, erased);
}
