#include "fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* Empties `error` but for its status and os, and writes its text. */
__attribute__((format(printf, 4, 0))) static void
fill(struct tally_error *error, tally_status status, int os, const char *format, va_list arguments)
{
    error->status = status;
    error->os = os;
    error->line = 0;
    error->column = 0;
    error->pointer[0] = '\0';
    (void)vsnprintf(error->text, sizeof error->text, format, arguments);
}

tally_status
fault(struct tally_error *error, tally_status status, const char *format, ...)
{
    if (error == NULL)
        return status;

    va_list arguments;
    va_start(arguments, format);
    fill(error, status, 0, format, arguments);
    va_end(arguments);
    return status;
}

static tally_status
status_of_errno(int os)
{
    switch (os) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: /* the largest that a process may write, or a file may be */
        return TALLY_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return TALLY_DENIED;
    default:
        return TALLY_IO;
    }
}

tally_status
io_fault(struct tally_error *error, const char *format, ...)
{
    int os = errno;
    tally_status status = status_of_errno(os);
    if (error == NULL)
        return status;

    va_list arguments;
    va_start(arguments, format);
    fill(error, status, os, format, arguments);
    va_end(arguments);

    /* A text of ours that fills the room leaves none for the reason: error->os still has it. */
    const char *reason = strerrordesc_np(os);
    size_t size = strlen(error->text);
    (void)snprintf(error->text + size, sizeof error->text - size, ": %s",
                   reason != NULL ? reason : "unknown error");
    return status;
}

tally_status
memory_fault(struct tally_error *error)
{
    return fault(error, TALLY_NO_MEMORY, "out of memory");
}

void
fault_at_line(struct tally_error *error, uint64_t line)
{
    if (error != NULL && error->line == 0)
        error->line = line;
}
