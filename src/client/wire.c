#include "wire.h"

#include "fault.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/un.h>

#define CONNECT_MS 10000L

/* libcurl 7.87 has it. */
#if LIBCURL_VERSION_NUM >= 0x075700
#define QUICK_EXIT CURLOPT_QUICK_EXIT
#else
#define QUICK_EXIT ((CURLoption)CURLOPTTYPE_LONG)
#endif

bool
wire_is_server(const char *where)
{
    return strncasecmp(where, "http://", 7) == 0 || strncasecmp(where, "https://", 8) == 0 ||
           wire_socket(where) != NULL;
}

/* http and https with anything but :// behind it. */
static bool
has_broken_scheme(const char *where)
{
    if (strncasecmp(where, "http", 4) != 0)
        return false;
    const char *rest = where + 4 + (tolower((unsigned char)where[4]) == 's');
    return *rest == ':' || *rest == '/' || *rest == '\\';
}

bool
wire_is_nearly_server(const char *where)
{
    if (wire_is_server(where))
        return false;
    if (has_broken_scheme(where))
        return true;
    const char *colon = strpbrk(where, ":/");
    if (colon == NULL || colon == where || *colon != ':')
        return false;
    size_t digits = strspn(colon + 1, "0123456789");
    bool port = digits > 0 && (colon[1 + digits] == '\0' || colon[1 + digits] == '/');
    return port || strncmp(colon, "://", 3) == 0;
}

const char *
wire_socket(const char *where)
{
    return strncmp(where, "unix:", 5) == 0 ? where + 5 : NULL;
}

/* ---- the key and where it may go ---- */

static bool
host_is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "::1") == 0 || strcmp(host, "[::1]") == 0;
}

bool
wire_peer_allowed(const struct wire *wire, const char *peer_address)
{
    return !wire->loopback_only || host_is_loopback(peer_address);
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

static tally_status
add_header(struct wire *wire, const char *header, struct tally_error *error)
{
    struct curl_slist *headers = curl_slist_append(wire->headers, header);
    if (headers == NULL)
        return memory_fault(error);
    wire->headers = headers;
    return TALLY_OK;
}

static void
forget_headers(struct wire *wire)
{
    for (struct curl_slist *header = wire->headers; header != NULL; header = header->next)
        explicit_bzero(header->data, strlen(header->data));
    curl_slist_free_all(wire->headers);
}

/* `host` NULL: a unix socket. */
static tally_status
add_key(struct wire *wire, const struct wire_options *options, const char *host,
        struct tally_error *error)
{
    if (options->key == NULL || options->key[0] == '\0')
        return TALLY_OK;
    if (!key_is_sound(options->key))
        return fault(error, TALLY_INVALID,
                     "the key has characters that no key has, such as a blank or a line end");
    wire->loopback_only = !wire->secure && !options->insecure_http;
    if (wire->loopback_only && !host_is_loopback(host))
        return fault(error, TALLY_INVALID,
                     "%s: a key is not sent over plain HTTP to another machine, where anybody on "
                     "the way can read it; use https://, or %s if you must",
                     options->where, options->words->insecure_http);
    char *header;
    if (asprintf(&header, "Authorization: Bearer %s", options->key) < 0)
        return memory_fault(error);
    tally_status status = add_header(wire, header, error);
    explicit_bzero(header, strlen(header));
    free(header);
    return status;
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

static tally_status
place_read(const struct wire_options *options, struct place *place, struct tally_error *error)
{
    const char *where = options->where;
    CURLU *url = curl_url();
    if (url == NULL)
        return memory_fault(error);
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
        return fault(error, TALLY_INVALID, "%s is no URL: %s", where, curl_url_strerror(code));
    if (place->user != NULL)
        return fault(error, TALLY_INVALID,
                     "a URL with a password in it; give the key with %s or in TALLY_KEY",
                     options->words->key);
    if (place->query != NULL || place->fragment != NULL)
        return fault(error, TALLY_INVALID, "%s: give the server's URL alone, without ? and #",
                     where);
    return TALLY_OK;
}

static tally_status
set_options(struct wire *wire, const struct wire_options *options, struct tally_error *error)
{
    CURL *curl = wire->curl;
    bool good =
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_USERAGENT, options->words->agent) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, wire->reason) == CURLE_OK;
    /* Who stops waiting leaves the thread that asks for a name to itself: it cannot be ended, and a
     * name server that is away keeps it for half a minute. An older libcurl waits for it. */
    (void)curl_easy_setopt(curl, QUICK_EXIT, 1L);
    if (good && !wire->secure)
        good = curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK;
    if (good && wire->socket)
        good = curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, wire_socket(options->where)) ==
               CURLE_OK;
    if (good && wire->ca_given)
        good = curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca_file) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK;
    if (!good)
        return fault(error, TALLY_IO, "libcurl lacks what is needed for %s", options->where);
    /* An empty Expect: a body is sent at once, without asking whether it is welcome. */
    return add_header(wire, "Expect:", error);
}

static tally_status
open_socket(struct wire *wire, const struct wire_options *options, struct tally_error *error)
{
    const char *path = wire_socket(options->where);
    struct sockaddr_un address;
    if (path[0] == '\0' || strlen(path) >= sizeof address.sun_path)
        return fault(error, TALLY_INVALID, "%s: a socket's path has 1 to %zu bytes", options->where,
                     sizeof address.sun_path - 1);
    wire->socket = wire->secure = true;
    tally_status status = set_options(wire, options, error);
    return status == TALLY_OK ? add_key(wire, options, NULL, error) : status;
}

static tally_status
open_url(struct wire *wire, const struct wire_options *options, struct tally_error *error)
{
    struct place place = { 0 };
    tally_status status = place_read(options, &place, error);
    if (status == TALLY_OK) {
        wire->secure = strcasecmp(place.scheme, "https") == 0;
        status = set_options(wire, options, error);
    }
    if (status == TALLY_OK)
        status = add_key(wire, options, place.host, error);
    place_finish(&place);
    return status;
}

tally_status
wire_open(const struct wire_options *options, struct wire *wire, struct tally_error *error)
{
    *wire = (struct wire){
        .words = options->words,
        .ca_given = options->ca_file != NULL && options->ca_file[0] != '\0',
    };
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return memory_fault(error);
    bool socket = wire_socket(options->where) != NULL;
    wire->base = strdup(socket ? "http://localhost" : options->where);
    wire->curl = curl_easy_init();
    tally_status status = TALLY_NO_MEMORY;
    if (wire->base == NULL || wire->curl == NULL)
        (void)memory_fault(error);
    else
        status = socket ? open_socket(wire, options, error) : open_url(wire, options, error);
    if (status != TALLY_OK) {
        wire_close(wire);
        *wire = (struct wire){ 0 };
        return status;
    }
    for (size_t size = strlen(wire->base); size > 0 && wire->base[size - 1] == '/'; size--)
        wire->base[size - 1] = '\0';
    return TALLY_OK;
}

void
wire_close(struct wire *wire)
{
    if (wire->curl == NULL && wire->base == NULL)
        return;
    forget_headers(wire);
    curl_easy_cleanup(wire->curl);
    curl_global_cleanup();
    free(wire->base);
}

/* ---- what went wrong ---- */

/* What libcurl says of a unix socket names a host and a port that nobody asked for. */
static const char *
reason_not_connected(const struct wire *wire, const char *reason)
{
    long number = 0;
    if (!wire->socket || curl_easy_getinfo(wire->curl, CURLINFO_OS_ERRNO, &number) != CURLE_OK)
        return reason;
    const char *text = strerrordesc_np((int)number);
    return number == 0 || text == NULL ? reason : text;
}

tally_status
wire_fault(const struct wire *wire, CURLcode code, struct tally_error *error)
{
    const char *reason = wire->reason[0] != '\0' ? wire->reason : curl_easy_strerror(code);
    switch (code) {
    case CURLE_OUT_OF_MEMORY:
        return memory_fault(error);
    case CURLE_COULDNT_CONNECT:
        return fault(error, TALLY_IO, "%s", reason_not_connected(wire, reason));
    case CURLE_PEER_FAILED_VERIFICATION:
        return fault(error, TALLY_IO,
                     "%s (the server's certificate has to be for this name, valid today, and from "
                     "an authority that the system knows or %s names)",
                     reason, wire->words->ca_file);
    case CURLE_SSL_CONNECT_ERROR:
        /* Of a certificate, too, if its authority has another key than the one of its name here. */
        return fault(
            error, TALLY_IO,
            "no TLS with the server: %s (does it speak TLS, and is its certificate from an "
            "authority that the system knows or %s names?)",
            reason, wire->words->ca_file);
    case CURLE_SSL_CACERT_BADFILE:
        return fault(error, TALLY_IO, "%s (%s names certificates to trust)", reason,
                     wire->words->ca_file);
    case CURLE_ABORTED_BY_CALLBACK:
        return fault(error, TALLY_IO,
                     "this name leads to another machine, and a key is not sent there over plain "
                     "HTTP");
    case CURLE_OPERATION_TIMEDOUT:
        return fault(error, TALLY_IO, "no answer in time: %s", reason);
    default:
        return fault(error, TALLY_IO, "%s", reason);
    }
}
