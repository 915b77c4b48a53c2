#include "progress.h"

#include "clock.h"
#include "terminal.h"

#include <stdio.h>
#include <unistd.h>

#define PATIENCE (CLOCK_SECOND / 2)
#define INTERVAL (CLOCK_SECOND / 10)

#define NUMBER_SIZE 32

void
progress_init(struct progress *progress, const char *what)
{
    *progress = (struct progress){
        .what = what,
        .started = clock_monotonic(),
        .silent = isatty(STDERR_FILENO) != 1 || terminal_is_dumb(),
    };
}

/* With commas between groups of three digits. */
static const char *
grouped(uint64_t number, char text[NUMBER_SIZE])
{
    char *at = text + NUMBER_SIZE - 1;
    *at = '\0';
    for (unsigned digits = 0; digits == 0 || number > 0; digits++) {
        if (digits > 0 && digits % 3 == 0)
            *--at = ',';
        *--at = (char)('0' + number % 10);
        number /= 10;
    }
    return at;
}

void
progress_show(void *context, uint64_t done, uint64_t total)
{
    struct progress *progress = context;
    if (progress->silent)
        return;
    int64_t now = clock_monotonic();
    if (now - progress->started < PATIENCE || now - progress->shown < INTERVAL)
        return;
    progress->shown = now;
    progress->visible = true;

    char done_text[NUMBER_SIZE];
    char total_text[NUMBER_SIZE];
    if (total == 0)
        (void)fprintf(stderr, "\r\x1b[K%s: %s entries", progress->what, grouped(done, done_text));
    else
        (void)fprintf(stderr, "\r\x1b[K%s: %s of %s entries (%u %%)", progress->what,
                      grouped(done, done_text), grouped(total, total_text),
                      (unsigned)((double)done * 100 / (double)total));
    (void)fflush(stderr);
}

void
progress_clear(struct progress *progress)
{
    if (progress->visible)
        (void)fputs("\r\x1b[K", stderr);
    progress->visible = false;
}
