#include "client_parts.h"

#include "clock.h"
#include "fault.h"
#include "uncancelled.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#define MS (CLOCK_SECOND / 1000)

static tally_status
build(struct tally_client *client, struct tally_error *error)
{
    const struct shipper_options options = {
        .destination = client->destination,
        .root = client->root,
        .name = client->destination_name,
        .sync_ms = client->sync_ms,
        .counters = &client->counters,
        .notice = &client->notice,
    };
    tally_status status = drafts_create(client->mask, &client->drafts, error);
    return status == TALLY_OK ? shipper_create(&options, &client->shipper, error) : status;
}

static void
demolish(struct tally_client *client)
{
    client_free_askers(client);
    drafts_destroy(client->drafts);
    client_forget(client);
    (void)pthread_mutex_destroy(&client->lock);
    free(client);
}

/* OpenSSL takes itself apart in exit(), while the shipper's thread may be within it, and a handler that
 * the program registered before may record. So it is told not to, before anything else makes it
 * register for that. */
static void
outlast_exit(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

tally_status
tally_client_open(const char *where, const struct tally_client_options *options,
                  struct tally_client **client_out, struct tally_error *error)
{
    UNCANCELLED();
    struct tally_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return memory_fault(error);
    outlast_exit();
    (void)pthread_mutex_init(&client->lock, NULL);
    tally_status status = client_configure(client, where, options, error);
    if (status == TALLY_OK && !client->disabled)
        status = build(client, error);
    if (status != TALLY_OK) {
        demolish(client);
        return status;
    }
    if (!client->disabled)
        client_fork_watch(client);
    *client_out = client;
    return TALLY_OK;
}

void
tally_client_close(struct tally_client *client, uint32_t timeout_ms)
{
    if (client == NULL)
        return;
    UNCANCELLED();
    if (!client->disabled) {
        (void)tally_client_flush(client, timeout_ms, NULL);
        client_fork_unwatch(client);
        uint64_t lost = shipper_destroy(client->shipper);
        if (lost > 0)
            notice_say(&client->notice, "%llu events that were only in memory are lost",
                       (unsigned long long)lost);
    }
    demolish(client);
}

tally_status
tally_client_flush(struct tally_client *client, uint32_t timeout_ms, struct tally_error *error)
{
    if (client->disabled)
        return TALLY_OK;
    UNCANCELLED();
    return shipper_flush(client->shipper, clock_monotonic() + timeout_ms * MS, &client->patience,
                         error);
}

void
tally_client_statistics(struct tally_client *client, struct tally_client_statistics *out)
{
    *out = (struct tally_client_statistics){ 0 };
    if (client->disabled)
        return;
    struct counters *counters = &client->counters;
    out->recorded = counter_read(&counters->unspooled);
    shipper_count(client->shipper, &out->recorded, &out->queued);
    out->sent = counter_read(&counters->sent);
    out->repeated = counter_read(&counters->repeated);
    out->refused = counter_read(&counters->refused);
    out->lost = counter_read(&counters->lost);
    out->denied = counter_read(&counters->denied);
    out->invalid = counter_read(&counters->invalid);
    out->masked = counter_read(&counters->masked);
    out->attempts = counter_read(&counters->attempts);
}

const char *
tally_client_spool(struct tally_client *client)
{
    struct spool *spool = client->disabled ? NULL : shipper_spool(client->shipper, SHIPPER_SPOOL);
    return spool == NULL ? NULL : spool_path(spool);
}

void
tally_text_free(char *text)
{
    free(text);
}

/* ---- spools ---- */

static tally_status
create_spool(struct tally_client *client, enum shipper_source source, struct spool **spool_out,
             struct tally_error *error)
{
    bool memory = source == SHIPPER_MEMORY;
    if (!memory && client->root == NULL)
        return fault(error, TALLY_INVALID, "spool_folder: %s", client->rootless.text);
    const struct spool_options options = {
        .root = memory ? NULL : client->root,
        .destination = client->destination_name,
        .size_max = memory ? client->memory_size_max : client->spool_size_max,
    };
    tally_status status = spool_create(&options, spool_out, error);
    if (status != TALLY_OK)
        return status;
    struct spool_state state;
    spool_get_state(*spool_out, &state);
    if (!memory && state.volatile_)
        notice_say(&client->notice,
                   "the spool %s is on a file system in memory: a power cut loses what is in it",
                   spool_path(*spool_out));
    return TALLY_OK;
}

static tally_status
add_spool(struct tally_client *client, enum shipper_source source, struct spool **spool_out,
          struct tally_error *error)
{
    *spool_out = shipper_spool(client->shipper, source);
    if (*spool_out != NULL)
        return TALLY_OK;
    tally_status status = create_spool(client, source, spool_out, error);
    if (status != TALLY_OK)
        return status;
    status = shipper_add(client->shipper, source, *spool_out, error);
    if (status != TALLY_OK)
        spool_close(*spool_out);
    return status;
}

tally_status
client_spool(struct tally_client *client, enum shipper_source source, struct spool **spool_out,
             struct tally_error *error)
{
    struct spool *spool = shipper_spool(client->shipper, source);
    tally_status status = TALLY_OK;
    if (spool == NULL) {
        (void)pthread_mutex_lock(&client->lock);
        status = add_spool(client, source, &spool, error);
        (void)pthread_mutex_unlock(&client->lock);
    }
    if (status == TALLY_OK)
        *spool_out = spool;
    return status;
}
