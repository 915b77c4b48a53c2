#include "gauges.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
expect_line(struct buffer *page, const char *line)
{
    buffer_byte(page, '\0');
    const char *found = strstr((const char *)page->data, line);
    if (found == NULL || found[strlen(line)] != '\n' ||
        (found != (const char *)page->data && found[-1] != '\n'))
        fail_msg("no line \"%s\" in\n%s", line, (const char *)page->data);
    page->size--;
}

static void
trails_stand_together(void **state)
{
    (void)state;
    const struct trail_gauges trails[] = {
        { .name = "main",
          .state = { .size = 1u << 30,
                     .signed_size = 7,
                     .unsigned_since = 3 * CLOCK_SECOND,
                     .head_entries = 11,
                     .heads_frozen = 1,
                     .heads_memory = 13,
                     .journal_size = 17,
                     .segments = 19,
                     .poisoned = true } },
        { .name = "b", .state = { .size = 2, .unsigned_since = 9 * CLOCK_SECOND } },
    };
    struct buffer page = { 0 };
    gauges_write_trails(trails, 2, 5 * CLOCK_SECOND, &page);
    expect_line(&page, "tally_trail_entries{trail=\"main\"} 1073741824\n"
                       "tally_trail_entries{trail=\"b\"} 2");
    expect_line(&page, "tally_trail_signed_entries{trail=\"main\"} 7");
    expect_line(&page, "tally_trail_unsigned_seconds{trail=\"main\"} 2");
    /* Committed after `now` was read. */
    expect_line(&page, "tally_trail_unsigned_seconds{trail=\"b\"} 0");
    expect_line(&page, "tally_trail_head_entries{trail=\"main\"} 11");
    expect_line(&page, "tally_trail_heads_frozen{trail=\"main\"} 1");
    expect_line(&page, "tally_trail_heads_memory_bytes{trail=\"main\"} 13");
    expect_line(&page, "tally_trail_journal_bytes{trail=\"main\"} 17");
    expect_line(&page, "tally_trail_segments{trail=\"main\"} 19");
    expect_line(&page, "tally_trail_poisoned{trail=\"main\"} 1");
    expect_line(&page, "tally_trail_poisoned{trail=\"b\"} 0");
    buffer_free(&page);

    gauges_write_trails(NULL, 0, 5 * CLOCK_SECOND, &page);
    assert_int_equal(page.size, 0);
}

static void
each_gauge_of_the_server_has_its_own_member(void **state)
{
    (void)state;
    const struct server_gauges server = {
        .version = "1.2.3",
        .began = 1700000000500000000,
        .resident = 1,
        .disk_free = 2,
        .heads_memory = 3,
        .bodies = 4,
        .connections = 5,
        .streams = 6,
        .tails = 9,
        .reads_waiting = 7,
        .trails = 8,
    };
    struct buffer page = { 0 };
    gauges_write_server(&server, &page);
    expect_line(&page, "tally_build_info{version=\"1.2.3\"} 1");
    expect_line(&page, "process_start_time_seconds 1700000000.5");
    expect_line(&page, "process_resident_memory_bytes 1");
    expect_line(&page, "tally_disk_free_bytes 2");
    expect_line(&page, "tally_heads_memory_bytes 3");
    expect_line(&page, "tally_bodies_bytes 4");
    expect_line(&page, "tally_connections 5");
    expect_line(&page, "tally_streams 6");
    expect_line(&page, "tally_tails 9");
    expect_line(&page, "tally_reads_waiting 7");
    expect_line(&page, "tally_trails_open 8");
    buffer_free(&page);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trails_stand_together),
        cmocka_unit_test(each_gauge_of_the_server_has_its_own_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
