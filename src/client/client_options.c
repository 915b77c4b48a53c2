#include "client_parts.h"

#include "fault.h"
#include "mask.h"
#include "wire.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)

#define SPOOL_SIZE_STANDARD  (256 * MIB)
#define SPOOL_SIZE_MIN       (8 * MIB)
#define SIZE_LIMIT           ((uint64_t)1 << 40) /* of the spool and of memory: 1 TiB */
#define MEMORY_SIZE_STANDARD (16 * MIB)
#define MEMORY_SIZE_MIN      MIB /* the largest event */
#define SYNC_MS_STANDARD     100
#define TIMEOUT_MS_STANDARD  5000
#define MS_MAX               3600000 /* an hour; more is a mistake of units, or a negative number */
#define SERVICE_SIZE_MAX     256

/* As many members as the program was compiled with; what it does not know of is 0. */
static tally_status
read_sized(const struct tally_client_options *given, struct tally_client_options *options,
           struct tally_error *error)
{
    *options = (struct tally_client_options){ 0 };
    if (given == NULL)
        return TALLY_OK;
    if (given->size < sizeof given->size)
        return fault(error, TALLY_INVALID, "size: set it to sizeof(struct tally_client_options)");
    size_t size = given->size < sizeof *options ? given->size : sizeof *options;
    memcpy(options, given, size);
    for (size_t i = size; i < given->size; i++)
        if (((const uint8_t *)given)[i] != 0)
            return fault(error, TALLY_UNSUPPORTED,
                         "an option is newer than this library (" TALLY_VERSION ")");
    return TALLY_OK;
}

/* A copy of what is given, or of the environment's; NULL where neither is. False: no memory. */
static bool
copy(const char *given, const char *variable, char **out)
{
    if (given == NULL && variable != NULL)
        given = getenv(variable);
    if (given == NULL || (given[0] == '\0' && variable != NULL))
        return true;
    *out = strdup(given);
    return *out != NULL;
}

/* A path is meant from the folder that the program is in now. It may be in another one when the path
 * is used: a daemon goes to the root. */
static tally_status
make_absolute(char **path, struct tally_error *error)
{
    if (*path == NULL || (*path)[0] == '/')
        return TALLY_OK;
    char *here = getcwd(NULL, 0);
    if (here == NULL)
        return io_fault(error, "cannot tell which folder %s is in", *path);
    char *whole;
    int size = asprintf(&whole, "%s/%s", here, *path);
    free(here);
    if (size < 0)
        return memory_fault(error);
    free(*path);
    *path = whole;
    return TALLY_OK;
}

static tally_status
check_enums(const struct tally_client_options *options, struct tally_error *error)
{
    if ((unsigned)options->mode > TALLY_MODE_MEMORY)
        return fault(error, TALLY_INVALID, "mode: there is no mode %u", (unsigned)options->mode);
    if ((unsigned)options->full > TALLY_FULL_DROP_OLDEST)
        return fault(error, TALLY_INVALID, "full: there is no way %u", (unsigned)options->full);
    return TALLY_OK;
}

/* 0 stands for the default. */
static tally_status
check_size(const char *name, uint64_t given, uint64_t least, struct tally_error *error)
{
    if (given == 0 || (given >= least && given <= SIZE_LIMIT))
        return TALLY_OK;
    return fault(error, TALLY_INVALID,
                 "%s: bytes, from %" PRIu64 " MiB to 1 TiB; 0 for the default", name, least / MIB);
}

static tally_status
check_ms(const char *name, uint32_t given, struct tally_error *error)
{
    if (given <= MS_MAX)
        return TALLY_OK;
    return fault(error, TALLY_INVALID, "%s: at most %d milliseconds, an hour; 0 for the default",
                 name, MS_MAX);
}

static tally_status
check_numbers(const struct tally_client_options *options, struct tally_error *error)
{
    tally_status status =
        check_size("spool_size_max", options->spool_size_max, SPOOL_SIZE_MIN, error);
    if (status == TALLY_OK)
        status = check_size("memory_size_max", options->memory_size_max, MEMORY_SIZE_MIN, error);
    if (status == TALLY_OK)
        status = check_ms("spool_sync_ms", options->spool_sync_ms, error);
    if (status == TALLY_OK)
        status = check_ms("timeout_ms", options->timeout_ms, error);
    return status;
}

/* What is not meant is not given: an empty text is a variable that is not set, somewhere. */
static tally_status
check_texts(const struct tally_client_options *options, struct tally_error *error)
{
    if (options->key != NULL && options->key[0] == '\0')
        return fault(error, TALLY_INVALID,
                     "key: it is empty; leave it out, and it is taken from TALLY_KEY");
    if (options->spool_folder != NULL && options->spool_folder[0] == '\0')
        return fault(
            error, TALLY_INVALID,
            "the spool's folder: it is empty; leave it out, and it is where TALLY_SPOOL says");
    if (options->service == NULL)
        return TALLY_OK;
    size_t size = strlen(options->service);
    if (size == 0 || size > SERVICE_SIZE_MAX)
        return fault(error, TALLY_INVALID, "service: 1 to %d bytes, or leave it out",
                     SERVICE_SIZE_MAX);
    return TALLY_OK;
}

static void
read_numbers(struct tally_client *client, const struct tally_client_options *options)
{
    client->mode = options->mode == TALLY_MODE_DEFAULT ? TALLY_MODE_SPOOL : options->mode;
    client->full = options->full;
    client->spool_size_max =
        options->spool_size_max == 0 ? SPOOL_SIZE_STANDARD : options->spool_size_max;
    client->memory_size_max =
        options->memory_size_max == 0 ? MEMORY_SIZE_STANDARD : options->memory_size_max;
    client->sync_ms = options->spool_sync_ms == 0 ? SYNC_MS_STANDARD : options->spool_sync_ms;
    client->timeout_ms = options->timeout_ms == 0 ? TIMEOUT_MS_STANDARD : options->timeout_ms;
    client->notice = (struct notice){ options->notice, options->notice_context };
    client->patience = (struct patience){ options->interrupted, options->interrupted_context };
}

static tally_status
read_texts(struct tally_client *client, const char *where,
           const struct tally_client_options *options, struct tally_error *error)
{
    if (!copy(where, "TALLY_URL", &client->where) ||
        !copy(options->key, "TALLY_KEY", &client->key) ||
        !copy(options->trail == NULL ? "main" : options->trail, NULL, &client->trail) ||
        !copy(options->ca_file, "TALLY_CACERT", &client->ca_file) ||
        !copy(options->service, NULL, &client->service))
        return memory_fault(error);
    tally_status status = make_absolute(&client->ca_file, error);
    if (status == TALLY_OK && client->where != NULL && !wire_is_server(client->where) &&
        !wire_is_nearly_server(client->where))
        status = make_absolute(&client->where, error);
    if (status != TALLY_OK)
        return status;
    client->destination = (struct transport_options){
        .where = client->where,
        .key = client->key,
        .trail = client->trail,
        .ca_file = client->ca_file,
        .insecure_http = options->insecure_http,
    };
    return TALLY_OK;
}

/* Where spools are. That there is no such place matters only where one is needed. */
static tally_status
read_root(struct tally_client *client, const struct tally_client_options *options,
          struct tally_error *error)
{
    if (!copy(options->spool_folder, NULL, &client->root))
        return memory_fault(error);
    if (client->root != NULL || spool_root_default(&client->root, &client->rootless) == TALLY_OK)
        return make_absolute(&client->root, error);
    if (client->mode != TALLY_MODE_SPOOL)
        return TALLY_OK;
    return fault(error, TALLY_INVALID, "spool_folder: %s", client->rootless.text);
}

/* What the events are for, however it is spelled: spools of one name are one another's. */
static tally_status
name_destination(struct tally_client *client, struct tally_error *error)
{
    char *whole = NULL;
    const char *where = client->where;
    if (!wire_is_server(where)) {
        whole = realpath(where, NULL);
        if (whole == NULL && wire_is_nearly_server(where))
            return fault(error, TALLY_INVALID,
                         "no data folder at %s; a server's URL begins with http:// or https://",
                         where);
        where = whole == NULL ? where : whole;
    }
    size_t size = strlen(where);
    while (size > 1 && where[size - 1] == '/')
        size--;
    int length = asprintf(&client->destination_name, "%.*s %s", (int)size, where, client->trail);
    free(whole);
    if (length >= 0)
        return TALLY_OK;
    client->destination_name = NULL;
    return memory_fault(error);
}

tally_status
client_configure(struct tally_client *client, const char *where,
                 const struct tally_client_options *given, struct tally_error *error)
{
    struct tally_client_options options;
    tally_status status = read_sized(given, &options, error);
    if (status != TALLY_OK)
        return status;
    client->disabled = options.disabled;
    if (client->disabled)
        return TALLY_OK;
    status = check_enums(&options, error);
    if (status == TALLY_OK)
        status = check_numbers(&options, error);
    if (status == TALLY_OK)
        status = check_texts(&options, error);
    if (status != TALLY_OK)
        return status;
    read_numbers(client, &options);
    status = read_texts(client, where, &options, error);
    if (status == TALLY_OK && client->where == NULL)
        status = fault(error, TALLY_INVALID,
                       "no destination: give a server's URL or a data folder, or set TALLY_URL");
    if (status == TALLY_OK)
        status = read_root(client, &options, error);
    if (status == TALLY_OK)
        status = name_destination(client, error);
    if (status == TALLY_OK)
        status = mask_create(options.mask_names, options.mask_patterns, &client->mask, error);
    return status;
}

void
client_forget(struct tally_client *client)
{
    if (client->key != NULL)
        explicit_bzero(client->key, strlen(client->key));
    free(client->where);
    free(client->key);
    free(client->trail);
    free(client->ca_file);
    free(client->service);
    free(client->root);
    free(client->destination_name);
    mask_destroy(client->mask);
}
