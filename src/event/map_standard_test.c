#include "map_standard.h"

#include "map_fixture.h"
#include "records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include <cmocka.h>

static void
all_maps_are_there(void **state)
{
    (void)state;
    static const char *const names[] = {
        "azure",      "cloudtrail",   "gcp",  "github",     "google-workspace",
        "kubernetes", "microsoft365", "okta", "tallystick", "windows"
    };
    struct bytes text;
    assert_int_equal(map_standard_count, sizeof names / sizeof names[0]);
    for (size_t i = 0; i < map_standard_count; i++) {
        assert_string_equal(map_standards[i].name, names[i]);
        map_destroy(map_fixture_standard(names[i]));
    }
    assert_false(map_standard_find("no-such-map", &text));
    assert_false(map_standard_find("", &text));
}

static void
tallystick_takes_entries_back(void **state)
{
    (void)state;
    struct map *map = map_fixture_standard("tallystick");
    struct buffer out = { 0 };
    struct tally_error error;
    assert_true(map_copies(map));
    assert_int_equal(
        map_apply(
            map, &map_fixture_tape,
            bytes_text("{\"index\":3,\"trail\":\"main\",\"v\":1,\"id\":\"k-1\",\"action\":\"a.b\","
                       "\"received\":\"2026-01-02T03:04:05Z\",\"writer\":\"w\",\"leaf\":\"x\","
                       "\"private\":\"y\",\"erased\":true,\"details\":{\"index\":1,\"n\":1.10},"
                       "\"user_id\":null}"),
            MAP_ID_SOURCE, &out, &error),
        TALLY_OK);
    assert_true(bytes_is(buffer_view(&out),
                         "{\"id\":\"k-1\",\"action\":\"a.b\",\"details\":{\"index\":1,"
                         "\"n\":1.10},\"user_id\":null}"));
    assert_int_equal(map_apply(map, &map_fixture_tape,
                               bytes_text("{\"id\":\"k\",\"control\":{\"type\":\"created\"}}"),
                               MAP_ID_SOURCE, &out, &error),
                     TALLY_ABSENT);
    map_destroy(map);
    buffer_free(&out);
}

/* ---- the products' own records ---- */

struct totals {
    bool nobodys; /* records may tell of no user */
    unsigned records;
    unsigned mapped;
    unsigned skipped;
    unsigned refused;
    unsigned damaged;
    char last_refusal[512];
};

/* The event must keep the record: its details are the record in canonical form. */
static void
check_details(struct bytes record, const struct event *event)
{
    struct buffer canonical = { 0 };
    assert_int_equal(json_scan(&map_fixture_tape, record, NULL), TALLY_OK);
    json_canonical(&map_fixture_tape, 0, &canonical);
    assert_true(bytes_equal(buffer_view(&canonical), event->values[FIELD_DETAILS]));
    buffer_free(&canonical);
}

static void
take_record(const struct map *map, const struct record *record, struct buffer *out,
            struct totals *totals)
{
    struct event event;
    struct tally_error error;
    tally_status status = map_fixture_read(map, record->text, out, &event, &error);
    totals->records++;
    totals->mapped += status == TALLY_OK;
    totals->skipped += status == TALLY_ABSENT;
    totals->refused += status == TALLY_INVALID;
    if (status == TALLY_INVALID)
        (void)snprintf(totals->last_refusal, sizeof totals->last_refusal, "%s", error.text);
    if (status != TALLY_OK)
        return;
    assert_true(event.values[FIELD_ACTION].size > 0);
    assert_true(event.values[FIELD_USER_ID].size > 0 || totals->nobodys);
    check_details(record->text, &event);
}

/* Reads a file, compressed or not, below the folder of shared data. False where it is not there. */
static bool
take_file(const char *map_name, const char *name, struct totals *totals)
{
    const char *shared = getenv("TALLY_SHARED");
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/data/%s", shared == NULL ? "../shared" : shared, name);
    gzFile file = gzopen(path, "rb");
    if (file == NULL)
        return false;

    struct map *map = map_fixture_standard(map_name);
    totals->nobodys = strcmp(map_name, "windows") == 0 || strcmp(map_name, "gcp") == 0;
    struct records *records;
    struct buffer out = { 0 };
    struct tally_error error;
    static uint8_t chunk[100000];
    assert_int_equal(records_create(&records, &error), TALLY_OK);
    int size;
    do {
        size = gzread(file, chunk, sizeof chunk);
        if (size > 0)
            assert_int_equal(records_feed(records, bytes_of(chunk, (size_t)size), &error),
                             TALLY_OK);
        else
            records_end(records);
        struct record record;
        tally_status status;
        while ((status = records_next(records, &record, &error)) != TALLY_ABSENT) {
            totals->damaged += status == TALLY_INVALID;
            if (status == TALLY_OK)
                take_record(map, &record, &out, totals);
        }
    } while (size > 0);
    assert_int_equal(size, 0);

    (void)gzclose(file);
    records_destroy(records);
    map_destroy(map);
    buffer_free(&out);
    return true;
}

static void
expect_all_mapped(const char *map_name, const char *name, unsigned count)
{
    struct totals totals = { 0 };
    if (!take_file(map_name, name, &totals)) {
        print_message("# no %s, set TALLY_SHARED: skipped\n", name);
        return; /* not skip(): that is "not ok" in cmocka's TAP */
    }
    if (totals.mapped != count || totals.records != count || totals.damaged != 0)
        fail_msg("%s: %u records, %u mapped, %u damaged; %s", name, totals.records, totals.mapped,
                 totals.damaged, totals.last_refusal);
}

static void
all_of_cloudtrail_invictus(void **state)
{
    (void)state;
    expect_all_mapped("cloudtrail", "cloudtrail-invictus/events.jsonl.gz", 2900);
}

static void
all_of_cloudtrail_stratus(void **state)
{
    (void)state;
    expect_all_mapped("cloudtrail", "cloudtrail-stratus/events.jsonl.gz", 310);
}

static void
all_of_kubernetes_audit(void **state)
{
    (void)state;
    expect_all_mapped("kubernetes", "k8s-audit/audit2rbac-testdata/demo.log", 37);
}

static void
all_of_kubernetes_admission(void **state)
{
    (void)state;
    expect_all_mapped("kubernetes", "k8s-audit/kube-audit-rest/kube-audit-rest.log", 59);
}

static void
all_of_windows(void **state)
{
    (void)state;
    expect_all_mapped("windows", "windows-otrf/security-sample.jsonl.gz", 3741);
}

/* Ten of the twelve fixtures are audit records; the other two are refused for what they are. */
static void
all_of_gcp(void **state)
{
    (void)state;
    static const char *const audit[] = {
        "google.admin.AdminService.addGroupMember",
        "google.cloud.aiplatform.v1.PredictionService.Predict",
        "google.cloud.aiplatform.v1beta1.PredictionService.GenerateContent",
        "google.cloud.audit.AuditLog.GetProject",
        "google.cloud.audit.AuditLog.setIamPolicy",
        "google.iam.admin.v1.SetIamPolicy-keyAdmin",
        "google.iam.admin.v1.SetIamPolicy-tokenCreator",
        "google.login.LoginService.loginFailure",
        "google.login.LoginService.loginSuccess-isSuspicious",
        "google.storage.objects.get-notInSameVPC",
    };
    static const char *const other[] = {
        "google.cloud.loadbalancing.type.LoadBalancerLogEntry-Spring4Shell",
        "google.compute.googleapis.com.vpc_flows",
    };
    char path[256];
    for (size_t i = 0; i < sizeof audit / sizeof audit[0]; i++) {
        (void)snprintf(path, sizeof path, "gcp-audit/fixtures/%s.json", audit[i]);
        expect_all_mapped("gcp", path, 1);
    }
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        struct totals totals = { 0 };
        (void)snprintf(path, sizeof path, "gcp-audit/fixtures/%s.json", other[i]);
        if (!take_file("gcp", path, &totals))
            return;
        assert_int_equal(totals.refused, 1);
        assert_non_null(strstr(totals.last_refusal, "which requires: protoPayload"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_maps_are_there),
        cmocka_unit_test(tallystick_takes_entries_back),
        cmocka_unit_test(all_of_cloudtrail_invictus),
        cmocka_unit_test(all_of_cloudtrail_stratus),
        cmocka_unit_test(all_of_kubernetes_audit),
        cmocka_unit_test(all_of_kubernetes_admission),
        cmocka_unit_test(all_of_windows),
        cmocka_unit_test(all_of_gcp),
    };
    return cmocka_run_group_tests(tests, map_fixture_set_up, map_fixture_tear_down);
}
