#include "uses.h"

#include "bytes.h"
#include "fault.h"

#include <stdio.h>
#include <stdlib.h>

struct place {
    char address[KEYRING_ADDRESS_MAX + 1];
    int64_t used;
    int64_t settled; /* what the ring has for `used` */
};

/* Most keys are used from one address or a few. */
#define PLACES_LEAST 4

struct uses {
    int64_t id;
    size_t count;
    size_t capacity; /* PLACES_LEAST to KEYRING_ADDRESSES_MAX */
    size_t recent;   /* the place of the last use: mostly the next one's, too */
    struct place *places;
};

static tally_status
create(int64_t id, const struct keyring_use *known, size_t count, struct uses **uses_out,
       struct tally_error *error)
{
    struct uses *uses = calloc(1, sizeof *uses);
    if (uses == NULL)
        return memory_fault(error);
    uses->id = id;
    uses->count = count;
    uses->capacity = count < PLACES_LEAST ? PLACES_LEAST : count;
    uses->places = calloc(uses->capacity, sizeof *uses->places);
    if (uses->places == NULL) {
        free(uses);
        return memory_fault(error);
    }
    for (size_t i = 0; i < count; i++) {
        struct place *place = &uses->places[i];
        memcpy(place->address, known[i].address, sizeof place->address);
        place->used = place->settled = known[i].used;
    }
    *uses_out = uses;
    return TALLY_OK;
}

tally_status
uses_read(struct keyring *keyring, int64_t id, struct uses **uses_out, struct tally_error *error)
{
    struct keyring_use *known = calloc(KEYRING_ADDRESSES_MAX, sizeof *known);
    if (known == NULL)
        return memory_fault(error);
    size_t count;
    tally_status status = keyring_addresses(keyring, id, known, &count, error);
    if (status == TALLY_OK)
        status = create(id, known, count, uses_out, error);
    free(known);
    return status;
}

void
uses_free(struct uses *uses)
{
    if (uses == NULL)
        return;
    free(uses->places);
    free(uses);
}

static struct place *
find_place(struct uses *uses, const char *address)
{
    struct place *recent = &uses->places[uses->recent];
    if (uses->count > 0 && strcmp(recent->address, address) == 0)
        return recent;
    for (size_t i = 0; i < uses->count; i++)
        if (strcmp(uses->places[i].address, address) == 0)
            return &uses->places[i];
    return NULL;
}

static void
grow(struct uses *uses)
{
    size_t capacity = 2 * uses->capacity;
    if (capacity > KEYRING_ADDRESSES_MAX)
        capacity = KEYRING_ADDRESSES_MAX;
    struct place *places = realloc(uses->places, capacity * sizeof *places);
    if (places == NULL)
        return;
    uses->places = places;
    uses->capacity = capacity;
}

/* A free place; where there is none and none can be had, that of the address unused for longest. */
static struct place *
make_place(struct uses *uses)
{
    if (uses->count == uses->capacity && uses->capacity < KEYRING_ADDRESSES_MAX)
        grow(uses);
    if (uses->count < uses->capacity)
        return &uses->places[uses->count++];
    struct place *oldest = &uses->places[0];
    for (size_t i = 1; i < uses->count; i++)
        if (uses->places[i].used < oldest->used)
            oldest = &uses->places[i];
    return oldest;
}

bool
uses_add(struct uses *uses, const char *address, int64_t now)
{
    char text[KEYRING_ADDRESS_MAX + 1];
    (void)snprintf(text, sizeof text, "%s", address);
    struct place *place = find_place(uses, text);
    bool is_new = place == NULL;
    if (is_new) {
        place = make_place(uses);
        *place = (struct place){ .settled = INT64_MIN };
        memcpy(place->address, text, sizeof text);
    }
    place->used = now;
    uses->recent = (size_t)(place - uses->places);
    return is_new;
}

size_t
uses_collect(const struct uses *uses, struct keyring_use *pending)
{
    size_t count = 0;
    for (size_t i = 0; i < uses->count; i++) {
        const struct place *place = &uses->places[i];
        if (place->used == place->settled)
            continue;
        struct keyring_use *use = &pending[count++];
        use->id = uses->id;
        use->used = place->used;
        memcpy(use->address, place->address, sizeof use->address);
    }
    return count;
}

void
uses_settle(struct uses *uses, const struct keyring_use *settled, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct place *place = find_place(uses, settled[i].address);
        if (place != NULL) /* else it gave way to a newer address meanwhile */
            place->settled = settled[i].used;
    }
}
