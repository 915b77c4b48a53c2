/*
 * address_fuzz.c - the laws of clients' addresses, on any headers.
 *
 * The first line is the peer, the second Forwarded, the rest X-Forwarded-For. What a client puts in
 * front of a list never changes what trusted proxies wrote behind it; an answer is canonical; and
 * without trust it is the peer's.
 */
#include "forwarded.h"

#include <stdio.h>
#include <stdlib.h>

static void
require(bool law)
{
    if (!law)
        abort();
}

static struct tally_proxies *
trusting(const char *const *networks, size_t count)
{
    struct tally_proxies *proxies;
    require(tally_proxies_create(networks, count, &proxies, NULL) == TALLY_OK);
    return proxies;
}

static void
check_canonical(const char *address)
{
    struct node node;
    require(strlen(address) < TALLY_ADDRESS_MAX);
    require(node_read(bytes_text(address), &node));
    require(strcmp(node.text, address) == 0);
}

/* A header with what the last proxies wrote behind it leads where they say. */
static void
check_prefix(const struct tally_proxies *proxies, const char *header)
{
    char address[TALLY_ADDRESS_MAX];
    size_t capacity = strlen(header) + 128;
    char *list = malloc(capacity);
    require(list != NULL);
    (void)snprintf(list, capacity, "%s, for=\"[2001:db8::1]:80\";host=\"a, \\\"b\", for=10.0.0.2",
                   header);
    require(tally_client_address(proxies, "10.0.0.1", list, NULL, address) == TALLY_OK);
    require(strcmp(address, "2001:db8::1") == 0);
    (void)snprintf(list, capacity, "%s,2001:db8::1 , 10.0.0.2:80", header);
    require(tally_client_address(proxies, "10.0.0.1", NULL, list, address) == TALLY_OK);
    require(strcmp(address, "2001:db8::1") == 0);
    free(list);
}

static void
check_headers(const char *peer, const char *forwarded, const char *x_forwarded_for)
{
    static const char *const some_networks[] = { "10.0.0.0/8", "loopback", "fe80::/10" };
    static const char *const all_networks[] = { "unix", "0.0.0.0/0", "::/0" };
    struct tally_proxies *some = trusting(some_networks, 3);
    struct tally_proxies *all = trusting(all_networks, 3);
    char address[TALLY_ADDRESS_MAX], again[TALLY_ADDRESS_MAX];
    struct node node;

    if (tally_client_address(some, peer, forwarded, x_forwarded_for, address) == TALLY_OK)
        check_canonical(address);
    if (tally_client_address(all, NULL, forwarded, x_forwarded_for, address) == TALLY_OK)
        check_canonical(address);
    bool known = tally_client_address(NULL, peer, forwarded, x_forwarded_for, address) == TALLY_OK;
    require(known == node_read(bytes_text(peer), &node));
    require(!known || strcmp(address, node.text) == 0);

    /* Both headers lead to one address, or to the peer's. */
    if (tally_client_address(some, "10.0.0.1", forwarded, x_forwarded_for, address) == TALLY_OK &&
        strcmp(address, "10.0.0.1") != 0) {
        struct bytes list = bytes_text(forwarded), element;
        require(tally_client_address(some, "10.0.0.1", NULL, x_forwarded_for, again) == TALLY_OK);
        bool agree = strcmp(address, again) == 0;
        require(agree || !forwarded_last(&(struct bytes){ (const uint8_t *)x_forwarded_for,
                                                          strlen(x_forwarded_for) },
                                         X_FORWARDED_FOR, &element));
        require(tally_client_address(some, "10.0.0.1", forwarded, NULL, again) == TALLY_OK);
        require(strcmp(address, again) == 0 || !forwarded_last(&list, FORWARDED, &element));
    }
    check_prefix(some, forwarded);
    check_prefix(some, x_forwarded_for);
    tally_proxies_destroy(some);
    tally_proxies_destroy(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    char empty[] = "";
    require(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    char *forwarded = strchr(text, '\n');
    if (forwarded != NULL)
        *forwarded++ = '\0';
    char *x_forwarded_for = forwarded == NULL ? NULL : strchr(forwarded, '\n');
    if (x_forwarded_for != NULL)
        *x_forwarded_for++ = '\0';
    check_headers(text, forwarded == NULL ? empty : forwarded,
                  x_forwarded_for == NULL ? empty : x_forwarded_for);
    free(text);
    return 0;
}
