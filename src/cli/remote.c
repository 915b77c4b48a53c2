/*
 * Which server, with which key, over which way: decided before anything is sent.
 */
#include "remote_parts.h"

#include "trail.h"
#include "where.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define STALL_SECONDS 60L

bool
remote_option(const char *name)
{
    static const struct command_option options[] = { REMOTE_OPTIONS };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (strcmp(options[i].name, name) == 0)
            return true;
    return false;
}

/* ---- opening ---- */

/* Called when a connection stands, before anything is sent over it. */
static int
check_peer(void *context, char *peer_address, char *own_address, int peer_port, int own_port)
{
    (void)own_address, (void)peer_port, (void)own_port;
    const struct remote *remote = context;
    return wire_peer_allowed(&remote->wire, peer_address) ? CURL_PREREQFUNC_OK
                                                          : CURL_PREREQFUNC_ABORT;
}

/* What a person who waits wants, and a shipper does not: a stall ends it, not a deadline. */
static int
set_options(struct remote *remote)
{
    CURL *curl = remote->wire.curl;
    bool good = curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, STALL_SECONDS) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, check_peer) == CURLE_OK &&
                curl_easy_setopt(curl, CURLOPT_PREREQDATA, remote) == CURLE_OK;
    return good ? DONE : fail(UNABLE, "libcurl lacks what is needed for %s", remote->where);
}

static const char *
value_or_environment(const struct invocation *invocation, const char *option, const char *variable)
{
    const char *value = option_value(invocation, option);
    return value == NULL ? getenv(variable) : value;
}

int
remote_open(const struct invocation *invocation, struct remote **remote_out)
{
    static const struct wire_words words = {
        "--key",
        "--cacert FILE",
        "--insecure-http",
        "tally/" TALLY_VERSION,
    };
    const struct wire_options options = {
        .words = &words,
        .where = invocation->operands[0],
        .key = value_or_environment(invocation, "key", "TALLY_KEY"),
        .ca_file = value_or_environment(invocation, "cacert", "TALLY_CACERT"),
        .insecure_http = option_given(invocation, "insecure-http"),
    };
    assert(where_is_url(options.where));

    const char *trail = option_value(invocation, "trail");
    int outcome = where_check_name(trail == NULL ? "main" : trail);
    if (outcome != DONE)
        return outcome;
    struct remote *remote = calloc(1, sizeof *remote);
    if (remote == NULL)
        return fail(UNABLE, "out of memory");
    remote->where = options.where;
    remote->trail = trail == NULL ? "main" : trail;
    remote->has_key = options.key != NULL;
    struct tally_error error;
    tally_status status = wire_open(&options, &remote->wire, &error);
    outcome = status == TALLY_OK
                  ? set_options(remote)
                  : fail(status == TALLY_INVALID ? MISUSED : UNABLE, "%s", error.text);
    if (outcome != DONE) {
        remote_close(remote);
        return outcome;
    }
    *remote_out = remote;
    return DONE;
}

void
remote_close(struct remote *remote)
{
    if (remote == NULL)
        return;
    wire_close(&remote->wire);
    free(remote);
}

const char *
remote_where(const struct remote *remote)
{
    return remote->where;
}

const char *
remote_trail(const struct remote *remote)
{
    return remote->trail;
}

/* ---- targets ---- */

/* RFC 3986, section 2.3: what stands for itself everywhere. */
static void
put_encoded(struct buffer *target, struct bytes text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        if (letter || (byte >= '0' && byte <= '9') || (byte != 0 && strchr("-._~", byte) != NULL)) {
            buffer_byte(target, byte);
            continue;
        }
        buffer_byte(target, '%');
        buffer_byte(target, (uint8_t)digits[byte >> 4]);
        buffer_byte(target, (uint8_t)digits[byte & 15]);
    }
}

void
remote_segment(struct buffer *target, const char *segment)
{
    buffer_byte(target, '/');
    put_encoded(target, bytes_text(segment));
}

void
remote_parameter(struct buffer *target, const char *name, struct bytes value)
{
    bool first = target->size == 0 || memchr(target->data, '?', target->size) == NULL;
    buffer_byte(target, first ? '?' : '&');
    buffer_text(target, name);
    buffer_byte(target, '=');
    put_encoded(target, value);
}

/* ---- what came of it ---- */

/* The path behind a URL's host; empty where there is none. */
static const char *
path_of(const char *url)
{
    const char *host = strstr(url, "://");
    const char *path = host == NULL ? NULL : strchr(host + 3, '/');
    return path == NULL || path[1] == '\0' ? "" : path;
}

/* A trail that is not there; or nothing is, because the URL leads past the server. */
static int
fail_absent(const struct remote *remote)
{
    const char *path = path_of(remote->where);
    if (path[0] == '\0')
        return where_no_trail(remote->where, remote->trail);
    return fail(
        UNABLE,
        "no server at %s, or no trail %s there: the URL is the server's alone, %.*s, unless "
        "a proxy has it below a path",
        remote->where, remote->trail, (int)(path - remote->where), remote->where);
}

int
remote_fail(const struct remote *remote, const struct refusal *refusal)
{
    tally_status status = refusal->error.status;
    if (status == TALLY_INVALID || status == TALLY_CONFLICT)
        return fail_with(&refusal->error, NULL);
    if (status == TALLY_ABSENT)
        return fail_absent(remote);
    (void)fail_with(&refusal->error, remote->where);
    if (status == TALLY_DENIED && !remote->has_key)
        say("a key is given by --key, or in TALLY_KEY");
    return UNABLE;
}
