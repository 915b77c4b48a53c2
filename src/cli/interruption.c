#include "interruption.h"

#include <assert.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static const int interruptions[] = { SIGINT, SIGTERM, SIGHUP };
#define INTERRUPTIONS (sizeof interruptions / sizeof interruptions[0])

/* A beginning of no use to anybody; the handler may run on any thread. */
static char beginning[PATH_MAX];
static atomic_bool begun;

void
interruption_set(void (*handler)(int), int flags)
{
    for (size_t i = 0; i < INTERRUPTIONS; i++) {
        struct sigaction action;
        if (sigaction(interruptions[i], NULL, &action) < 0 || action.sa_handler == SIG_IGN)
            continue;
        action = (struct sigaction){ .sa_handler = handler, .sa_flags = flags };
        (void)sigaction(interruptions[i], &action, NULL);
    }
}

bool
interruption_is(int signal)
{
    for (size_t i = 0; i < INTERRUPTIONS; i++)
        if (interruptions[i] == signal)
            return true;
    return false;
}

/* The second time it does what it always does. */
static void
remove_and_end(int signal)
{
    if (atomic_load(&begun))
        (void)unlink(beginning);
    (void)raise(signal);
}

void
interruption_remove(const char *path)
{
    assert(!atomic_load(&begun));
    /* One that is too long cannot be made. */
    if (snprintf(beginning, sizeof beginning, "%s", path) >= (int)sizeof beginning)
        return;
    atomic_store(&begun, true);
    interruption_set(remove_and_end, SA_RESETHAND);
}

void
interruption_keep(void)
{
    atomic_store(&begun, false);
}
