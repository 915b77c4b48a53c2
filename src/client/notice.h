/*
 * notice.h - what a person should know, said once for each change (tally/client.h, `notice`).
 */
#ifndef NOTICE_H
#define NOTICE_H

#include <stdatomic.h>
#include <stdbool.h>

struct notice {
    void (*tell)(void *context, const char *text); /* NULL: nobody is told */
    void *context;
};

/* A sentence, at most 1,000 bytes of it. Any thread. */
__attribute__((format(printf, 2, 3))) void notice_say(const struct notice *notice,
                                                      const char *format, ...);

/* Whether this is a change: true the first time that `state` is to become `now`. */
bool notice_changes(atomic_bool *state, bool now);

#endif
