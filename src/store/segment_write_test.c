/* segment_write_test.c - the bytes of a segment's files, and what a disk that fails leaves of them. */
#include "arena.h"
#include "base64.h"
#include "disk_sim.h"
#include "segment_oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

/* A crash between seal and manifest leaves files of the same names. */
static void
remnants_are_replaced(void **state)
{
    (void)state;
    struct sample *sample = sample_create(4, SAMPLE_PLAIN, 0, 100);
    struct sample *other = sample_create(5, SAMPLE_WILD, 0, 50);
    struct disk *disk = sample_disk();
    seal(disk, other);
    struct segment_info info = seal(disk, sample);
    check_segment(disk, &info, sample);
    disk_close_folder(disk);
    sample_destroy(other);
    sample_destroy(sample);
}

static tally_status
count_name(void *context, const char *name, struct tally_error *unused)
{
    (void)name;
    (void)unused;
    ++*(unsigned *)context;
    return TALLY_OK;
}

static unsigned
files_left(struct disk *disk)
{
    unsigned count = 0;
    assert_ok(disk_list(disk, "t/segments", count_name, &count, &error));
    return count;
}

/* Every call of the disk fails in turn: a fault, nothing that looks like a segment, and then it
 * goes. */
static void
failing_disks_leave_nothing(void **state)
{
    (void)state;
    struct sample *sample = sample_create(6, SAMPLE_PLAIN, 0, 300);
    struct disk *disk = sample_disk();
    struct head *head = sample_head(sample);
    struct segment_info info;

    uint64_t calls = disk_sim_calls(disk);
    assert_ok(segment_write_head(SAMPLE_PLACE(disk), head, &info, &error));
    calls = disk_sim_calls(disk) - calls;
    assert_true(calls > 10);
    for (uint64_t n = 0; n < calls; n++) {
        for (int way = 0; way < SIM_FAULTS; way++) {
            struct segment_info untouched = { .first = 12345 };
            disk_sim_fail(disk, n, (enum sim_fault)way);
            tally_status status = segment_write_head(SAMPLE_PLACE(disk), head, &untouched, &error);
            disk_sim_heal(disk);
            /* A removal that found nothing has done its work before the fault. */
            if (status == TALLY_OK && way == SIM_FAULT_LATE)
                continue;
            if (status >= 0)
                fail_msg("call %u, way %d: %d", (unsigned)n, way, (int)status);
            assert_int_equal(untouched.first, 12345);
            assert_true(way == SIM_FAULT_DEAD || files_left(disk) == 0);
        }
    }
    assert_ok(segment_write_head(SAMPLE_PLACE(disk), head, &info, &error));
    check_segment(disk, &info, sample);
    head_release(head);
    disk_close_folder(disk);
    sample_destroy(sample);
}

/* The example of docs/format.md, and its public file. Short values are not compressed, so these
 * bytes do not depend on a library. */
static const char private_file[] =
    "54414c4c5953454701000200010000006120747261696c2773207461672e2e2e0300000000000000"
    "0100000000000000000000000000000000000000e71794fa08000668656c6c6f080000009dec6978"
    "00000275310005000000a6c3e42a000275310100000000050000009919637d010100000000000000"
    "01000000000000000103000102030405060708090a0b0c0d0e0f12000000ef39d8bd000000000300"
    "0000076d657373616765050502000000004000000000000000000000000000000000000000000000"
    "0000000000080000000000000008000000a5d216db07757365725f69640101020100000050000000"
    "00000000050000000d000000d6cf23110000000000000000050000000000000019000000e7cbe05c"
    "0473616c740403020000000080000000000000000000000000000000000000000000000000000000"
    "120000000000000008000000f4028ffc9a00000000000000b6000000e959c7a7fd09a9a474656e64";
static const char index_file[] =
    "54414c4c5953454701000300010000006120747261696c2773207461672e2e2e0300000000000000"
    "0100000000000000000000000000000000000000aee1681bc4a40003000000dd883a780040000200"
    "00000000000400000000000000020000100280002000000001000000000800200100800000000000"
    "00000001204000000040002000000000000000525251760506616374696f6e010b00000002696401"
    "01000000076d657373616765010800000007757365725f6964010200000006777269746572010600"
    "00006c6f67696e0075736572000068656c6c6f5b000075006c6f63616c000301b8ab3b0104066163"
    "74696f6e01000307757365725f696401000301760100030677726974657201000301010101010101"
    "0101010101000100000051537d52050000000100000040000000000000000b0000003b39e5060200"
    "c1004b0000000000000044000000c74b674801060000010000001206616374696f6e0e636f727265"
    "6c6174696f6e5f696408656e64706f696e740a6576656e745f747970650867726f75705f69640a69"
    "705f61646472657373066d6574686f640c6f6e5f626568616c665f6f660a726571756573745f6964"
    "0b7265736f757263655f69640d7265736f757263655f7479706507736572766963650a7365737369"
    "6f6e5f69640874726163655f69640a757365725f6167656e740a757365725f656d61696c07757365"
    "725f696406777269746572030001008f000000000000005700000096bdb8911104000800e6000000"
    "00000000370000004d615bad370000004d615bad05001c001d01000000000000090000007628ccff"
    "01000003076368616e67657307636f6e74726f6c0764657461696c7326010000000000004e010000"
    "11b7a55729bc80ab74656e64";
static const char public_file[] =
    "54414c4c5953454701000100000000006120747261696c2773207461672e2e2e0300000000000000"
    "0100000000000000000000000000000000000000c96654c100000a757365722e6c6f67696e000d00"
    "00007d375fd9000a757365722e6c6f67696e0100000000050000009919637d010100000000000000"
    "010000000000000001010190b2a47c3e7d118e1f0123456789ab12000000262dd929010600034032"
    "d8049b3706000000000f000000f3ca35be06004a84ec8a354918004a84ec8a35491801030006faf6"
    "7573970100000000000f000000fc202c49068032d0bf8a3549188032d0bf8a354918000001310004"
    "00000002194d990001310100000000050000009919637d0101000000000000000100000000000000"
    "00000a6c6f63616c3a31303030000d0000001bbbbba0000a6c6f63616c3a31303030010000000005"
    "0000009919637d0101000000000000000100000000000000010000008032d0bf8a3549188032d0bf"
    "8a3549180600000006616374696f6e0101010100000040000000000000000d000000150000001114"
    "10060000000000000000050000000000000019000000e7cbe05c0269640403010000000080000000"
    "0000000000000000000000000000000000000000000000001200000000000000080000009d776486"
    "087265636569766564020201000000009a0000000000000000000000000000000000000000000000"
    "000000000f000000000000001900000053f14ea20974696d657374616d7002020100000000c20000"
    "000000000000000000000000000000000000000000000000000f0000000000000019000000cab40e"
    "e4017601010101000000ea00000000000000040000000c000000a9cece8900000000000000000500"
    "00000000000019000000e7cbe05c067772697465720101010100000018010000000000000d000000"
    "15000000874bfd330000000000000000050000000000000019000000e7cbe05c5801000000000000"
    "70010000e1471ed4bc90748674656e64";

static void
assert_file(struct disk *disk, const char *name, const char *hex)
{
    uint8_t expected[1024];
    uint8_t actual[1024];
    size_t size = strlen(hex) / 2;
    assert_true(size <= sizeof expected && hex_decode(bytes_text(hex), expected, size));
    assert_int_equal(disk_sim_size(disk, name), size);
    disk_sim_peek(disk, name, 0, actual, size);
    assert_memory_equal(actual, expected, size);
}

static void
bytes_are_those_of_the_document(void **state)
{
    (void)state;
    static const uint8_t salt[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
    const struct bytes values[FIELD_COUNT] = {
        [FIELD_ACTION] = BYTES("user.login"),
        [FIELD_ID] = BYTES("0190b2a4-7c3e-7d11-8e1f-0123456789ab"),
        [FIELD_MESSAGE] = BYTES("hello"),
        [FIELD_RECEIVED] = BYTES("2025-06-15T12:00:01.000000Z"),
        [FIELD_TIMESTAMP] = BYTES("2025-06-15T12:00:00.250Z"),
        [FIELD_USER_ID] = BYTES("u1"),
        [FIELD_V] = BYTES("1"),
        [FIELD_WRITER] = BYTES("local:1000"),
    };
    struct head_entry entry = { .values = values, .salt = salt };
    struct disk *disk = sample_disk();
    struct segment_info info;
    struct head *head;

    assert_ok(head_create(3, FIELDS_PRIVATE_DEFAULT, &head, &error));
    assert_ok(head_append(head, &entry, 1, &error));
    head_publish(head);
    assert_ok(segment_write_head(SAMPLE_PLACE(disk), head, &info, &error));
    assert_file(disk, "t/segments/0000000000000003.public", public_file);
    assert_file(disk, "t/segments/0000000000000003.private.00000001", private_file);
    assert_file(disk, "t/segments/0000000000000003.index.00000001", index_file);
    head_release(head);
    disk_close_folder(disk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remnants_are_replaced),
        cmocka_unit_test(failing_disks_leave_nothing),
        cmocka_unit_test(bytes_are_those_of_the_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
