#include "fault.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
fills_everything(void **state)
{
    (void)state;
    struct tally_error error;
    memset(&error, 'x', sizeof error);
    assert_int_equal(fault(&error, TALLY_DAMAGED, "block %d is bad", 7), TALLY_DAMAGED);
    assert_int_equal(error.status, TALLY_DAMAGED);
    assert_string_equal(error.text, "block 7 is bad");
    assert_string_equal(error.pointer, "");
    assert_int_equal(error.os, 0);
    assert_int_equal(error.line, 0);
    assert_int_equal(error.column, 0);
}

static void
says_what_the_system_said(void **state)
{
    (void)state;
    static const struct {
        int os;
        tally_status status;
        const char *text;
    } rows[] = {
        { EIO, TALLY_IO, "cannot read a/b: Input/output error" },
        { ENOENT, TALLY_IO, "cannot read a/b: No such file or directory" },
        { ENOSPC, TALLY_FULL, "cannot read a/b: No space left on device" },
        { EFBIG, TALLY_FULL, "cannot read a/b: File too large" },
        { EDQUOT, TALLY_FULL, "cannot read a/b: Disk quota exceeded" },
        { EACCES, TALLY_DENIED, "cannot read a/b: Permission denied" },
        { EPERM, TALLY_DENIED, "cannot read a/b: Operation not permitted" },
        { EROFS, TALLY_DENIED, "cannot read a/b: Read-only file system" },
        { 12345, TALLY_IO, "cannot read a/b: unknown error" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tally_error error;
        errno = rows[i].os;
        assert_int_equal(io_fault(&error, "cannot read %s", "a/b"), rows[i].status);
        assert_int_equal(error.status, rows[i].status);
        assert_int_equal(error.os, rows[i].os);
        assert_string_equal(error.text, rows[i].text);
        errno = rows[i].os;
        assert_int_equal(io_fault(NULL, "cannot read %s", "a/b"), rows[i].status);
    }
}

static void
null_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(fault(NULL, TALLY_INVALID, "%s", "text"), TALLY_INVALID);
    assert_int_equal(memory_fault(NULL), TALLY_NO_MEMORY);
    fault_at_line(NULL, 7);
}

static void
long_texts_are_cut(void **state)
{
    (void)state;
    struct tally_error error;
    errno = EIO;
    assert_int_equal(io_fault(&error, "%600s", "x"), TALLY_IO);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

static void
the_first_line_stays(void **state)
{
    (void)state;
    struct tally_error error;
    assert_int_equal(fault(&error, TALLY_INVALID, "x"), TALLY_INVALID);
    fault_at_line(&error, 7);
    fault_at_line(&error, 9);
    assert_int_equal(error.line, 7);
}

static void
every_status_has_a_text(void **state)
{
    (void)state;
    for (int a = TALLY_DENIED; a <= TALLY_CONFLICT; a++) {
        const char *text = tally_status_text((tally_status)a);
        assert_string_not_equal(text, tally_status_text((tally_status)99));
        for (int b = TALLY_DENIED; b < a; b++)
            assert_string_not_equal(text, tally_status_text((tally_status)b));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_everything),     cmocka_unit_test(says_what_the_system_said),
        cmocka_unit_test(null_is_allowed),      cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(the_first_line_stays), cmocka_unit_test(every_status_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
