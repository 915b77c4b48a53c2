#include "spool_file_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

char folder[SCRATCH_SIZE];
char path[SCRATCH_SIZE + 32];

int
file_set_up(void **state)
{
    (void)state;
    scratch_make(folder);
    (void)snprintf(path, sizeof path, "%s/00000001.spool", folder);
    return 0;
}

int
file_tear_down(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

struct spool_file *
make_file(const char *where, uint32_t size)
{
    struct spool_file *file;
    struct tally_error error;
    assert_int_equal(spool_file_create(where, 1, size, &file, &error), TALLY_OK);
    spool_file_begin(file, 1);
    return file;
}

uint32_t
reserve_frame(struct spool_file *file, uint32_t size)
{
    uint32_t at = atomic_load(&file->tail);
    uint32_t end = spool_file_reserve(file, at, size);
    assert_int_equal(atomic_load(&file->tail), end == 0 ? at : end);
    return end == 0 ? 0 : at;
}

bool
put_event(struct spool_file *file, struct bytes event)
{
    uint32_t at = reserve_frame(file, (uint32_t)event.size);
    if (at == 0)
        return false;
    spool_file_fill(file, at, event, 1000 + at);
    return true;
}

void
put_stamped(struct spool_file *file, uint64_t number)
{
    uint8_t room[STAMP_SIZE_MAX];
    assert_true(put_event(file, stamp_event(0, number, room)));
}
