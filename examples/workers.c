/*
 * workers.c - one client for threads and forked workers, as in a server that forks before it serves.
 *
 *     TALLY_URL=http://127.0.0.1:7878 TALLY_KEY=... ./workers
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <tally/client.h>
#include <unistd.h>

#define WORKERS 2
#define THREADS 2
#define EVENTS  100

static void *
serve(void *context)
{
    struct tally_client *client = context;
    for (int i = 0; i < EVENTS; i++)
        tally_client_record(client, TALLY_EVENT(.action = "page.view", .actor_type = "service"),
                            TALLY_MODE_DEFAULT, NULL, NULL);
    return NULL;
}

static int
work(struct tally_client *client)
{
    pthread_t threads[THREADS];
    int started = 0;
    while (started < THREADS && pthread_create(&threads[started], NULL, serve, client) == 0)
        started++;
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    /* Ships what it can; the rest waits in the spool for whoever comes next. */
    tally_client_close(client, 5000);
    return started == THREADS ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(void)
{
    struct tally_client *client;
    struct tally_error error;
    if (tally_client_open(NULL, NULL, &client, &error) != TALLY_OK) {
        fprintf(stderr, "workers: %s\n", error.text);
        return EXIT_FAILURE;
    }
    /* The parent records, too: what it recorded stays its own. */
    tally_client_record(client, TALLY_EVENT(.action = "service.start", .actor_type = "system"),
                        TALLY_MODE_DEFAULT, NULL, NULL);

    int outcome = EXIT_SUCCESS;
    for (int i = 0; i < WORKERS; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(work(client));
        if (pid < 0)
            outcome = EXIT_FAILURE;
    }
    int status;
    while (wait(&status) > 0)
        if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
            outcome = EXIT_FAILURE;

    tally_client_close(client, 5000);
    printf("%d events\n", 1 + WORKERS * THREADS * EVENTS);
    return outcome;
}
