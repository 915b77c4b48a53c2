/*
 * forgetful serve --data DIR --listen 127.0.0.1:0: the server, but its trails know the ids of their
 * newest FORGETFUL_WINDOW entries only, and seal after as few. What comes again later than that is
 * found only where it is looked for in the whole trail.
 */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORGETFUL_WINDOW 200

static void
tell(void *context, const char *url)
{
    (void)context;
    (void)printf("listening on %s\n", url);
    (void)fflush(stdout);
}

int
main(int argc, char **argv)
{
    if (argc < 6 || strcmp(argv[1], "serve") != 0)
        return 2;
    struct server_options options = { .path = argv[3], .ready = tell };
    struct tally_error error = { 0 };
    settings_init(&options.settings);
    (void)snprintf(options.settings.listen, sizeof options.settings.listen, "%s", argv[5]);
    options.settings.log_level = LOG_ERROR;
    options.settings.storage.id_window = FORGETFUL_WINDOW;
    options.settings.storage.head_entries_max = FORGETFUL_WINDOW;
    if (server_run(&options, &error) == TALLY_OK)
        return 0;
    (void)fprintf(stderr, "%s\n", error.text);
    return 1;
}
