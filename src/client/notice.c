#include "notice.h"

#include <stdarg.h>
#include <stdio.h>

void
notice_say(const struct notice *notice, const char *format, ...)
{
    if (notice->tell == NULL)
        return;
    char text[1001];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    notice->tell(notice->context, text);
}

bool
notice_changes(atomic_bool *state, bool now)
{
    /* Most often nothing changes, and nothing is written. */
    return atomic_load_explicit(state, memory_order_relaxed) != now &&
           atomic_exchange_explicit(state, now, memory_order_relaxed) != now;
}
