/*
 * fork() in a program that records.
 *
 * Before it, every lock of every client is taken, so that in the child nothing is half done; the
 * thread that forks is not recording. In the child the parent's spools, connections and locks are
 * let go of without touching what they stand for. The client is then as if it had just been opened:
 * the first event makes a spool and starts a thread. What threads of the parent were using stays
 * allocated.
 *
 * Locks are taken in the order client, shipper, drafts, trails, libcurl; nobody takes an earlier one
 * while holding a later one.
 */
#include "client_parts.h"

#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tally_client *clients;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
prepare(void)
{
    (void)pthread_mutex_lock(&lock);
    for (struct tally_client *client = clients; client != NULL; client = client->next) {
        (void)pthread_mutex_lock(&client->lock);
        shipper_fork_prepare(client->shipper);
    }
    drafts_fork_prepare();
    transport_fork_prepare();
}

static void
parent(void)
{
    transport_fork_parent();
    drafts_fork_parent();
    for (struct tally_client *client = clients; client != NULL; client = client->next) {
        shipper_fork_parent(client->shipper);
        (void)pthread_mutex_unlock(&client->lock);
    }
    (void)pthread_mutex_unlock(&lock);
}

static void
begin_anew(struct tally_client *client)
{
    shipper_fork_child(client->shipper);
    client_abandon_askers(client);
    client->counters = (struct counters){ 0 };
    client->gap_lost = client->gap_all = 0;
    atomic_store(&client->losing, false);
    (void)pthread_mutex_init(&client->lock, NULL);
}

static void
child(void)
{
    transport_fork_child();
    drafts_fork_child();
    for (struct tally_client *client = clients; client != NULL; client = client->next)
        begin_anew(client);
    (void)pthread_mutex_init(&lock, NULL);
}

static void
register_all(void)
{
    if (pthread_atfork(prepare, parent, child) != 0)
        abort();
}

void
client_fork_watch(struct tally_client *client)
{
    (void)pthread_once(&once, register_all);
    (void)pthread_mutex_lock(&lock);
    client->next = clients;
    clients = client;
    (void)pthread_mutex_unlock(&lock);
}

void
client_fork_unwatch(struct tally_client *client)
{
    (void)pthread_mutex_lock(&lock);
    struct tally_client **link = &clients;
    while (*link != client)
        link = &(*link)->next;
    *link = client->next;
    (void)pthread_mutex_unlock(&lock);
}
