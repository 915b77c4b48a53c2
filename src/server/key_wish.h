/*
 * key_wish.h - a key as somebody asks for it: {"name", "role", "trails", "expires"}.
 */
#ifndef KEY_WISH_H
#define KEY_WISH_H

#include "body_object.h"
#include "keyring.h"

/* `request` points into the other two: not to be copied. */
struct key_wish {
    char name[KEYRING_NAME_MAX + 1];
    char trails[KEYRING_TRAILS_MAX + 1];
    struct keyring_request request;
};

/* TALLY_INVALID with the place of what is refused. Whether the role may be for some trails only is
 * left to keyring_add(). */
TALLY_MUST_CHECK tally_status key_wish_read(const struct body_object *object, struct key_wish *wish,
                                            struct tally_error *error);

#endif
