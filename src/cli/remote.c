/*
 * Which server, with which key, over which way: decided before anything is sent.
 */
#include "remote_parts.h"

#include "settings.h"
#include "trail.h"
#include "where.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define CONNECT_SECONDS 10L
#define STALL_SECONDS   60L

bool
remote_option(const char *name)
{
    static const struct command_option options[] = { REMOTE_OPTIONS };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (strcmp(options[i].name, name) == 0)
            return true;
    return false;
}

/* ---- the key and where it may go ---- */

static bool
host_is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "::1") == 0 || strcmp(host, "[::1]") == 0;
}

/* Called when a connection stands, before anything is sent over it: a name that looks local may
 * lead elsewhere. */
static int
check_peer(void *context, char *peer_address, char *own_address, int peer_port, int own_port)
{
    (void)own_address, (void)peer_port, (void)own_port;
    const struct remote *remote = context;
    if (!remote->loopback_only || host_is_loopback(peer_address))
        return CURL_PREREQFUNC_OK;
    return CURL_PREREQFUNC_ABORT;
}

/* A key is what stands in one header line. */
static bool
key_is_sound(const char *key)
{
    for (const char *c = key; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return key[0] != '\0';
}

static int
add_header(struct remote *remote, const char *header)
{
    struct curl_slist *headers = curl_slist_append(remote->headers, header);
    if (headers == NULL)
        return fail(UNABLE, "out of memory");
    remote->headers = headers;
    return DONE;
}

static int
add_key(struct remote *remote, const char *key)
{
    char *header;
    if (asprintf(&header, "Authorization: Bearer %s", key) < 0)
        return fail(UNABLE, "out of memory");
    int outcome = add_header(remote, header);
    explicit_bzero(header, strlen(header));
    free(header);
    return outcome;
}

static void
forget_key(struct remote *remote)
{
    for (struct curl_slist *header = remote->headers; header != NULL; header = header->next)
        explicit_bzero(header->data, strlen(header->data));
    curl_slist_free_all(remote->headers);
}

/* `host` NULL: a unix socket, which leads to this machine and no other. */
static int
read_key(const struct invocation *invocation, struct remote *remote, bool secure, const char *host)
{
    const char *key = option_value(invocation, "key");
    if (key == NULL)
        key = getenv("TALLY_KEY");
    if (key == NULL || key[0] == '\0')
        return DONE;
    if (!key_is_sound(key))
        return fail(MISUSED, "the key has characters that no key has");
    remote->loopback_only = !secure && host != NULL && !option_given(invocation, "insecure-http");
    if (remote->loopback_only && !host_is_loopback(host))
        return fail(MISUSED,
                    "%s: a key is not sent over plain HTTP to another machine, where anybody "
                    "on the way can read it; use https://, or --insecure-http if you must",
                    remote->where);
    return add_key(remote, key);
}

/* ---- opening ---- */

/* What a URL says. */
struct place {
    char *scheme, *host, *user, *query, *fragment;
};

static void
place_finish(struct place *place)
{
    curl_free(place->scheme);
    curl_free(place->host);
    curl_free(place->user);
    curl_free(place->query);
    curl_free(place->fragment);
}

static int
place_read(const char *where, struct place *place)
{
    CURLU *url = curl_url();
    if (url == NULL)
        return fail(UNABLE, "out of memory");
    CURLUcode code = curl_url_set(url, CURLUPART_URL, where, 0);
    if (code == CURLUE_OK) {
        (void)curl_url_get(url, CURLUPART_SCHEME, &place->scheme, 0);
        (void)curl_url_get(url, CURLUPART_HOST, &place->host, 0);
        (void)curl_url_get(url, CURLUPART_USER, &place->user, 0);
        (void)curl_url_get(url, CURLUPART_QUERY, &place->query, 0);
        (void)curl_url_get(url, CURLUPART_FRAGMENT, &place->fragment, 0);
    }
    curl_url_cleanup(url);
    if (code != CURLUE_OK || place->scheme == NULL || place->host == NULL)
        return fail(MISUSED, "%s is no URL: %s", where, curl_url_strerror(code));
    if (place->user != NULL)
        return fail(MISUSED, "a URL with a password in it; give the key with --key or TALLY_KEY");
    if (place->query != NULL || place->fragment != NULL)
        return fail(MISUSED, "%s: give the server's URL alone, without ? and #", where);
    return DONE;
}

static int
set_options(const struct invocation *invocation, struct remote *remote, bool secure)
{
    CURL *curl = remote->curl;
    const char *cacert = option_value(invocation, "cacert");
    if (cacert == NULL)
        cacert = getenv("TALLY_CACERT");
    bool good =
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, STALL_SECONDS) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_USERAGENT, "tally/" TALLY_VERSION) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, remote->reason) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, check_peer) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_PREREQDATA, remote) == CURLE_OK;
    if (good && !secure)
        good = curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK;
    if (good && cacert != NULL && cacert[0] != '\0')
        good = curl_easy_setopt(curl, CURLOPT_CAINFO, cacert) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK;
    return good ? DONE : fail(UNABLE, "libcurl lacks what is needed for %s", remote->where);
}

static int
set_up(const struct invocation *invocation, struct remote *remote, bool secure, const char *host)
{
    int outcome = set_options(invocation, remote, secure);
    /* An empty Expect: a body is sent at once, without asking whether it is welcome. */
    if (outcome == DONE)
        outcome = add_header(remote, "Expect:");
    if (outcome == DONE)
        outcome = read_key(invocation, remote, secure, host);
    return outcome;
}

static int
prepare_socket(const struct invocation *invocation, struct remote *remote, const char *path)
{
    if (path[0] == '\0' || strlen(path) > SETTINGS_SOCKET_MAX)
        return fail(MISUSED, "%s: a socket's path has 1 to %d bytes", remote->where,
                    SETTINGS_SOCKET_MAX);
    if (curl_easy_setopt(remote->curl, CURLOPT_UNIX_SOCKET_PATH, path) != CURLE_OK)
        return fail(UNABLE, "libcurl lacks what is needed for %s", remote->where);
    return set_up(invocation, remote, false, NULL);
}

static int
prepare(const struct invocation *invocation, struct remote *remote)
{
    const char *path = where_socket(remote->where);
    if (path != NULL)
        return prepare_socket(invocation, remote, path);
    struct place place = { 0 };
    int outcome = place_read(remote->where, &place);
    if (outcome == DONE)
        outcome = set_up(invocation, remote, strcasecmp(place.scheme, "https") == 0, place.host);
    place_finish(&place);
    return outcome;
}

int
remote_open(const struct invocation *invocation, struct remote **remote_out)
{
    assert(where_is_url(invocation->operands[0]));

    const char *trail = option_value(invocation, "trail");
    int outcome = where_check_name(trail == NULL ? "main" : trail);
    if (outcome != DONE)
        return outcome;
    struct remote *remote = calloc(1, sizeof *remote);
    if (remote == NULL)
        return fail(UNABLE, "out of memory");
    remote->where = invocation->operands[0];
    remote->trail = trail == NULL ? "main" : trail;
    remote->base = strdup(where_socket(remote->where) == NULL ? remote->where : "http://localhost");
    bool started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    remote->curl = started ? curl_easy_init() : NULL;
    outcome = remote->base == NULL || remote->curl == NULL ? fail(UNABLE, "out of memory")
                                                           : prepare(invocation, remote);
    if (outcome != DONE) {
        remote_close(remote);
        return outcome;
    }
    for (size_t size = strlen(remote->base); size > 0 && remote->base[size - 1] == '/'; size--)
        remote->base[size - 1] = '\0';
    *remote_out = remote;
    return DONE;
}

void
remote_close(struct remote *remote)
{
    if (remote == NULL)
        return;
    forget_key(remote);
    curl_easy_cleanup(remote->curl);
    curl_global_cleanup();
    free(remote->base);
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

int
remote_fail(const struct remote *remote, const struct refusal *refusal)
{
    tally_status status = refusal->error.status;
    if (status == TALLY_INVALID || status == TALLY_CONFLICT)
        return fail_with(&refusal->error, NULL);
    if (status == TALLY_ABSENT)
        return where_no_trail(remote->where, remote->trail);
    (void)fail_with(&refusal->error, remote->where);
    return UNABLE;
}
