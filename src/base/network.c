/*
 * Addresses are 16 bytes, whatever the family, so that a network is a run of leading bits and
 * nothing else; where a family matters it is seen in the first 12 bytes.
 */
#include "network.h"

#include "ascii.h"

#include <arpa/inet.h>

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool
is_ipv4(const uint8_t address[16])
{
    return memcmp(address, mapped, sizeof mapped) == 0;
}

/* A decimal number of at most `digits` digits without leading zeros, at *at; moves *at behind it.
 */
static bool
read_number(struct bytes text, size_t *at, unsigned digits, unsigned *number_out)
{
    size_t start = *at;
    unsigned number = 0;
    while (*at < text.size && *at - start < digits && ascii_is_digit(text.data[*at]))
        number = number * 10 + (unsigned)(text.data[(*at)++] - '0');
    *number_out = number;
    return *at > start && (text.data[start] != '0' || *at - start == 1);
}

/* By hand, because a scan asks this of every address it meets. */
static bool
read_ipv4(struct bytes text, uint8_t address_out[16])
{
    uint8_t bytes[4];
    size_t at = 0;
    for (unsigned i = 0; i < 4; i++) {
        unsigned number;
        if (i > 0 && (at >= text.size || text.data[at++] != '.'))
            return false;
        if (!read_number(text, &at, 3, &number) || number > 255)
            return false;
        bytes[i] = (uint8_t)number;
    }
    if (at != text.size)
        return false;
    memcpy(address_out, mapped, sizeof mapped);
    memcpy(address_out + sizeof mapped, bytes, sizeof bytes);
    return true;
}

static bool
read_ipv6(struct bytes text, uint8_t address_out[16])
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (text.size >= sizeof copy || memchr(text.data, '\0', text.size) != NULL)
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (inet_pton(AF_INET6, copy, &address) != 1)
        return false;
    memcpy(address_out, &address, 16);
    return true;
}

bool
address_read(struct bytes text, uint8_t address_out[16])
{
    if (text.size == 0)
        return false;
    if (memchr(text.data, ':', text.size) != NULL)
        return read_ipv6(text, address_out);
    return read_ipv4(text, address_out);
}

static void
clear_host(struct network *network)
{
    for (unsigned bit = network->prefix; bit < 128; bit++)
        network->address[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

bool
network_read(struct bytes text, struct network *out)
{
    struct network network = { .prefix = 128 };
    const uint8_t *slash = text.size == 0 ? NULL : memchr(text.data, '/', text.size);
    size_t size = slash == NULL ? text.size : (size_t)(slash - text.data);
    struct bytes address = bytes_of(text.data, size);
    if (!address_read(address, network.address))
        return false;

    if (slash != NULL) {
        bool dotted = memchr(address.data, ':', address.size) == NULL;
        size_t at = size + 1;
        unsigned prefix;
        if (!read_number(text, &at, 3, &prefix) || at != text.size || prefix > (dotted ? 32 : 128))
            return false;
        network.prefix = (uint8_t)(dotted ? prefix + 96 : prefix);
        clear_host(&network);
    }
    *out = network;
    return true;
}

bool
network_contains(const struct network *network, const uint8_t address[16])
{
    bool ipv4 = network->prefix >= 96 && is_ipv4(network->address);
    unsigned whole = network->prefix / 8, bits = network->prefix % 8;
    if (ipv4 != is_ipv4(address) || memcmp(network->address, address, whole) != 0)
        return false;
    return bits == 0 || ((network->address[whole] ^ address[whole]) & 0xff00 >> bits & 0xff) == 0;
}

/* A number below 1000 in decimal; its size. */
static size_t
put_number(char *text, unsigned number)
{
    size_t size = 0;
    if (number >= 100)
        text[size++] = (char)('0' + number / 100);
    if (number >= 10)
        text[size++] = (char)('0' + number / 10 % 10);
    text[size++] = (char)('0' + number % 10);
    return size;
}

/* By hand, as it is read: of each request, where inet_ntop() would go through sprintf(). */
static size_t
format_ipv4(const uint8_t bytes[4], char *text)
{
    size_t size = put_number(text, bytes[0]);
    for (unsigned i = 1; i < 4; i++) {
        text[size++] = '.';
        size += put_number(text + size, bytes[i]);
    }
    return size;
}

static size_t
format_ipv6(const uint8_t address[16], char text[NETWORK_TEXT_MAX])
{
    (void)inet_ntop(AF_INET6, address, text, NETWORK_TEXT_MAX);
    return strlen(text);
}

size_t
network_format(const struct network *network, char text[NETWORK_TEXT_MAX])
{
    bool ipv4 = network->prefix >= 96 && is_ipv4(network->address);
    size_t size = ipv4 ? format_ipv4(network->address + sizeof mapped, text)
                       : format_ipv6(network->address, text);
    if (network->prefix == 128)
        return size;
    text[size++] = '/';
    return size + put_number(text + size, ipv4 ? network->prefix - 96u : network->prefix);
}
