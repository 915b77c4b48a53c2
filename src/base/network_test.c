#include "network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void
networks_hold_their_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *network, *address;
        bool within;
        const char *why;
    } rows[] = {
        { "10.0.0.0/8", "10.255.255.255", true, "the last of the network" },
        { "10.0.0.0/8", "11.0.0.0", false, "the first behind it" },
        { "10.1.2.3/8", "10.9.9.9", true, "host bits do not count" },
        { "192.168.1.128/25", "192.168.1.128", true, "a prefix inside a byte" },
        { "192.168.1.128/25", "192.168.1.127", false, "below it" },
        { "0.0.0.0/0", "255.1.2.3", true, "every IPv4 address" },
        { "0.0.0.0/0", "2001:db8::1", false, "but no IPv6 address" },
        { "::/0", "2001:db8::1", true, "every IPv6 address" },
        { "::/0", "10.0.0.1", false, "but no IPv4 address" },
        { "10.0.0.1", "10.0.0.1", true, "an address is a network of one" },
        { "10.0.0.1/32", "10.0.0.2", false, "so is /32" },
        { "10.0.0.0/8", "::ffff:10.0.0.1", true, "an IPv4-mapped address is the IPv4 address" },
        { "::ffff:10.0.0.0/104", "10.2.3.4", true, "in networks too" },
        { "::ffff:0:0/95", "10.2.3.4", false, "less than the mapped block is IPv6" },
        { "2001:db8::/32", "2001:db8:ffff::1", true, "IPv6" },
        { "2001:db8::/33", "2001:db8:8000::1", false, "with a prefix inside a byte" },
        { "2001:DB8:0:0::1", "2001:db8::1", true, "spelling does not count" },
        { "::1/128", "::1", true, "the longest prefix" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct network network;
        uint8_t address[16];
        assert_true(network_read(bytes_text(rows[i].network), &network));
        assert_true(address_read(bytes_text(rows[i].address), address));
        if (network_contains(&network, address) != rows[i].within)
            fail_msg("%s in %s: %s", rows[i].address, rows[i].network, rows[i].why);
    }
}

static void
what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "10.0.0",
        "10.0.0.0.0",
        "256.0.0.1",
        "01.2.3.4",
        "1.2.3.4 ",
        "host.name",
        "fe80::1%eth0",
        "[::1]",
        "10.0.0.1:80",
        "::1::",
        "12345::",
        "1.2.3.4/",
        "1.2.3.4/33",
        "1.2.3.4/-1",
        "1.2.3.4/08",
        "::1/129",
        "::/",
        "/8",
        "1.2.3.4/8/8",
        "10.0.0.0/999",
        "1..2.3",
        "0x0a.0.0.1",
        "1234:1234:1234:1234:1234:1234:1234:1234:1234:1234:1234:1234",
    };
    struct network network;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (network_read(bytes_text(rows[i]), &network))
            fail_msg("%s", rows[i]);
    }
    assert_false(network_read(bytes_of("1::\0", 4), &network));
}

static void
what_is_written_reads_back(void **state)
{
    (void)state;
    static const struct {
        const char *text, *written;
    } rows[] = {
        { "10.1.2.3/8", "10.0.0.0/8" },       { "10.1.2.3/32", "10.1.2.3" },
        { "0.0.0.0/0", "0.0.0.0/0" },         { "::/0", "::/0" },
        { "2001:DB8::/32", "2001:db8::/32" }, { "::ffff:1.2.3.4", "1.2.3.4" },
        { "::ffff:0:0/96", "0.0.0.0/0" },     { "::1/127", "::/127" },
        { "1.2.3.4/10", "1.0.0.0/10" },       { "::ffff:0:0/90", "::ffc0:0:0/90" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct network network, again;
        char text[NETWORK_TEXT_MAX];
        assert_true(network_read(bytes_text(rows[i].text), &network));
        size_t size = network_format(&network, text);
        if (!bytes_is(bytes_of(text, size), rows[i].written))
            fail_msg("%s is written %.*s", rows[i].text, (int)size, text);
        assert_true(network_read(bytes_of(text, size), &again));
        assert_int_equal(again.prefix, network.prefix);
        assert_memory_equal(again.address, network.address, 16);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_hold_their_addresses),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(what_is_written_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
