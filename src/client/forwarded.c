/*
 * Lists of addresses, from the right.
 *
 * Read from the right, an element that a proxy wrote is the same whatever stands left of it, the
 * quoted strings of RFC 7239 included; from the left, one stray quote of the client's would swallow
 * it.
 *
 * An element itself must be right, but for what proxies are known to write: blanks around the signs,
 * and IPv6 addresses without quotes or brackets.
 */
#include "forwarded.h"

#include "ascii.h"
#include "network.h"

#define QUOTED_MAX 256
#define ZONE_MAX   128
_Static_assert(NETWORK_TEXT_MAX + ZONE_MAX + 2 <= TALLY_ADDRESS_MAX, "an address and its zone fit");

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool
all_of(struct bytes text, const char *more)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool plain = ascii_is_letter(c) || ascii_is_digit(c) || c == '_' || c == '-';
        if (!plain && (c == '\0' || strchr(more, c) == NULL))
            return false;
    }
    return true;
}

/* Splits `text` at the first `c`; false, and nothing, where there is none. */
static bool
split(struct bytes text, char c, struct bytes *before, struct bytes *behind)
{
    const uint8_t *at = text.size == 0 ? NULL : memchr(text.data, c, text.size);
    if (at == NULL)
        return false;
    size_t size = (size_t)(at - text.data);
    *before = bytes_of(text.data, size);
    *behind = bytes_of(at + 1, text.size - size - 1);
    return true;
}

/* Takes off the port and the brackets: 192.0.2.1:80, [2001:db8::1], [2001:db8::1]:80. A port may be
 * obfuscated (RFC 7239, section 6.2); which one it is does not matter. */
static bool
without_port(struct bytes text, struct bytes *host_out)
{
    struct bytes host, rest, more;
    if (text.size > 0 && text.data[0] == '[') {
        if (!split(bytes_of(text.data + 1, text.size - 1), ']', &host, &rest))
            return false;
        *host_out = host;
        return rest.size == 0 ||
               (rest.data[0] == ':' && all_of(bytes_of(rest.data + 1, rest.size - 1), "."));
    }
    *host_out = text;
    if (!split(text, ':', &host, &rest) || split(rest, ':', &more, &more))
        return true;
    *host_out = host;
    return all_of(rest, ".");
}

/* The unspecified address, of either family, is none that a request can have come from. */
static bool
is_nowhere(const uint8_t address[16])
{
    static const uint8_t ipv6[16];
    static const uint8_t ipv4[16] = { [10] = 0xff, [11] = 0xff };
    return memcmp(address, ipv6, 16) == 0 || memcmp(address, ipv4, 16) == 0;
}

bool
node_read(struct bytes text, struct node *node_out)
{
    struct bytes host, address, zone = { 0 };
    struct network network = { .prefix = 128 };
    if (!without_port(bytes_trim(text, is_blank), &host))
        return false;
    if (!split(host, '%', &address, &zone))
        address = host;
    if (!address_read(address, network.address) || is_nowhere(network.address))
        return false;
    bool dotted = memchr(address.data, ':', address.size) == NULL;
    if (zone.size > ZONE_MAX || !all_of(zone, ".~:@") || (dotted && zone.size > 0))
        return false;

    size_t size = network_format(&network, node_out->text);
    bool ipv4 = memchr(node_out->text, ':', size) == NULL;
    if (zone.size > 0 && !ipv4) {
        node_out->text[size++] = '%';
        memcpy(node_out->text + size, zone.data, zone.size);
        size += zone.size;
    }
    node_out->text[size] = '\0';
    memcpy(node_out->address, network.address, sizeof network.address);
    return true;
}

/* Where the last element of a list begins: behind the last comma that is in no quoted string. A
 * quote is one that ends a string until the one that begins it: which has an even number of
 * backslashes before it. `quoted` false: quotes are characters like others. */
static size_t
last_element(struct bytes list, bool quoted)
{
    bool inside = false;
    for (size_t at = list.size; at > 0; at--) {
        uint8_t c = list.data[at - 1];
        if (c == ',' && !inside)
            return at;
        if (c != '"' || !quoted)
            continue;
        size_t slashes = 0;
        while (inside && slashes < at - 1 && list.data[at - 2 - slashes] == '\\')
            slashes++;
        if (slashes % 2 == 0)
            inside = !inside;
    }
    return 0;
}

/* A value: a quoted string, decoded into `decoded`, or what stands there. Moves *rest behind it. */
static bool
read_value(struct bytes *rest, uint8_t decoded[QUOTED_MAX], struct bytes *value_out)
{
    struct bytes text = bytes_trim(*rest, is_blank);
    size_t at = 0, size = 0;
    if (text.size == 0 || text.data[0] != '"') {
        while (at < text.size && text.data[at] != ';' && text.data[at] != '"')
            at++;
        *value_out = bytes_trim(bytes_of(text.data, at), is_blank);
    } else {
        for (at = 1; at < text.size && text.data[at] != '"'; at++) {
            at += text.data[at] == '\\';
            if (at >= text.size || size == QUOTED_MAX)
                return false;
            decoded[size++] = text.data[at];
        }
        if (at++ >= text.size)
            return false;
        *value_out = bytes_of(decoded, size);
    }
    *rest = bytes_trim(bytes_of(text.data + at, text.size - at), is_blank);
    return rest->size == 0 || rest->data[0] == ';';
}

static bool
is_for(struct bytes name)
{
    return name.size == 3 && (name.data[0] | 0x20) == 'f' && (name.data[1] | 0x20) == 'o' &&
           (name.data[2] | 0x20) == 'r';
}

/* An element of Forwarded (RFC 7239, section 4): pairs with semicolons between them, one of which
 * is `for`. Its value is left in `value` where it was quoted. */
static bool
read_element(struct bytes element, uint8_t value[QUOTED_MAX], struct bytes *for_out)
{
    struct bytes rest = bytes_trim(element, is_blank);
    bool found = false;
    while (rest.size > 0) {
        uint8_t other[QUOTED_MAX];
        struct bytes name, text;
        if (rest.data[0] == ';') {
            /* There may be nothing between two of them. */
            rest = bytes_trim(bytes_of(rest.data + 1, rest.size - 1), is_blank);
            continue;
        }
        if (!split(rest, '=', &name, &rest))
            return false;
        bool wanted = is_for(bytes_trim(name, is_blank));
        if (wanted && found)
            return false;
        if (!read_value(&rest, wanted ? value : other, &text))
            return false;
        if (wanted)
            *for_out = text;
        found |= wanted;
    }
    return found;
}

bool
forwarded_last(struct bytes *list, enum forwarded_header header, struct bytes *element_out)
{
    while (list->size > 0) {
        size_t start = last_element(*list, header == FORWARDED);
        struct bytes element =
            bytes_trim(bytes_of(list->data + start, list->size - start), is_blank);
        list->size = start == 0 ? 0 : start - 1;
        if (element.size > 0) {
            *element_out = element;
            return true;
        }
    }
    return false;
}

bool
forwarded_read(struct bytes element, enum forwarded_header header, struct node *node_out)
{
    uint8_t value[QUOTED_MAX];
    if (header == FORWARDED && !read_element(element, value, &element))
        return false;
    return node_read(element, node_out);
}
