/*
 * The client's address.
 *
 * What the last proxy wrote stands at the right, and only that can be trusted; so the lists are
 * read backwards, and what a client made up in front of it is not even looked at.
 *
 * Proxies that write one of the headers hand the other one on as the client sent it. Where there are
 * both, they must lead to the same address, or neither is believed.
 */
#include "tally/address.h"

#include "fault.h"
#include "forwarded.h"
#include "network.h"

#include <stdlib.h>

#define NETWORKS_MAX 1024
/* Proxies in a row; a list that goes on is not believed beyond. */
#define HOPS_MAX 64

struct tally_proxies {
    bool unix_peer;
    size_t count;
    struct network networks[];
};

struct word {
    const char *name;
    const char *const *networks; /* ends with NULL */
};

static const char *const loopback[] = { "127.0.0.0/8", "::1", NULL };
static const char *const private[] = {
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10",
    NULL,
};
static const struct word words[] = { { "loopback", loopback }, { "private", private } };

#define WORDS       (sizeof words / sizeof *words)
#define WORD_LENGTH 6 /* networks the longest word stands for */

static bool
add_word(struct tally_proxies *proxies, const char *text)
{
    for (size_t i = 0; i < WORDS; i++) {
        if (strcmp(text, words[i].name) != 0)
            continue;
        for (const char *const *network = words[i].networks; *network != NULL; network++)
            proxies->count +=
                network_read(bytes_text(*network), &proxies->networks[proxies->count]);
        return true;
    }
    return false;
}

static tally_status
add(struct tally_proxies *proxies, const char *text, struct tally_error *error)
{
    if (strcmp(text, "unix") == 0) {
        proxies->unix_peer = true;
        return TALLY_OK;
    }
    if (add_word(proxies, text))
        return TALLY_OK;
    if (!network_read(bytes_text(text), &proxies->networks[proxies->count]))
        return fault(error, TALLY_INVALID,
                     "'%s' is no address, no network such as 10.0.0.0/8, and none of loopback, "
                     "private, unix",
                     text);
    proxies->count++;
    return TALLY_OK;
}

tally_status
tally_proxies_create(const char *const *networks, size_t count, struct tally_proxies **proxies_out,
                     struct tally_error *error)
{
    if (count > NETWORKS_MAX)
        return fault(error, TALLY_INVALID, "%zu trusted networks are more than %d", count,
                     NETWORKS_MAX);
    struct tally_proxies *proxies =
        calloc(1, sizeof *proxies + count * WORD_LENGTH * sizeof proxies->networks[0]);
    if (proxies == NULL)
        return memory_fault(error);
    for (size_t i = 0; i < count; i++) {
        tally_status status = add(proxies, networks[i], error);
        if (status != TALLY_OK) {
            free(proxies);
            return status;
        }
    }
    *proxies_out = proxies;
    return TALLY_OK;
}

void
tally_proxies_destroy(struct tally_proxies *proxies)
{
    free(proxies);
}

static bool
is_trusted(const struct tally_proxies *proxies, const uint8_t address[16])
{
    for (size_t i = 0; proxies != NULL && i < proxies->count; i++) {
        if (network_contains(&proxies->networks[i], address))
            return true;
    }
    return false;
}

/* Follows a header from its end on, as long as those it names are trusted. `node` is where it leads:
 * the last address that could be read, the peer's to begin with. *known says whether there is one. */
static void
follow(const struct tally_proxies *proxies, const char *text, enum forwarded_header header,
       struct node *node, bool *known)
{
    struct bytes list = bytes_text(text);
    struct bytes element;
    for (unsigned hops = 0; hops < HOPS_MAX; hops++) {
        struct node next;
        if (!forwarded_last(&list, header, &element) || !forwarded_read(element, header, &next))
            return;
        *node = next;
        *known = true;
        if (!is_trusted(proxies, next.address))
            return;
    }
}

/* Whether a header says anything at all. */
static bool
is_there(const char *text, enum forwarded_header header)
{
    struct bytes list = bytes_text(text == NULL ? "" : text);
    struct bytes element;
    return forwarded_last(&list, header, &element);
}

/* What the headers say, from a peer that is trusted. */
static void
follow_all(const struct tally_proxies *proxies, const char *forwarded, const char *x_forwarded_for,
           struct node *node, bool *known)
{
    struct node one = *node, other = *node;
    bool one_known = *known, other_known = *known;
    bool there = is_there(forwarded, FORWARDED);
    bool other_there = is_there(x_forwarded_for, X_FORWARDED_FOR);
    if (there)
        follow(proxies, forwarded, FORWARDED, &one, &one_known);
    if (other_there)
        follow(proxies, x_forwarded_for, X_FORWARDED_FOR, &other, &other_known);
    if (there && other_there && (one_known != other_known || strcmp(one.text, other.text) != 0))
        return;
    *node = there ? one : other;
    *known = there ? one_known : other_known;
}

/* How servers write that a peer has no address. */
static bool
is_unix(const char *peer)
{
    return peer == NULL || *peer == '\0' || *peer == '@' || strncmp(peer, "unix:", 5) == 0;
}

tally_status
tally_client_address(const struct tally_proxies *proxies, const char *peer, const char *forwarded,
                     const char *x_forwarded_for, char address_out[TALLY_ADDRESS_MAX])
{
    struct node node = { .text = "" };
    bool known = false;
    bool trusted = proxies != NULL && proxies->unix_peer;
    if (!is_unix(peer)) {
        known = node_read(bytes_text(peer), &node);
        trusted = known && is_trusted(proxies, node.address);
    }
    if (trusted)
        follow_all(proxies, forwarded, x_forwarded_for, &node, &known);
    if (!known)
        return TALLY_ABSENT;
    memcpy(address_out, node.text, sizeof node.text);
    return TALLY_OK;
}
