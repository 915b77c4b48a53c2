/*
 * role.h - what somebody with a key may do.
 */
#ifndef ROLE_H
#define ROLE_H

#include <stdbool.h>

enum role {
    ROLE_ADMIN,   /* everything */
    ROLE_AUDITOR, /* read, search, export, verify */
    ROLE_WRITER,  /* record only */
    ROLE_NONE,    /* no key */
};

/* "admin", "auditor", "writer"; "none" for ROLE_NONE. Static. */
const char *role_name(enum role role);

/* The role that a key of this name has; false where there is none. ROLE_NONE is no key's. */
bool role_find(const char *name, enum role *role_out);

#endif
