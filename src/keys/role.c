#include "role.h"

#include <string.h>

static const char *const names[] = {
    [ROLE_ADMIN] = "admin",
    [ROLE_AUDITOR] = "auditor",
    [ROLE_WRITER] = "writer",
    [ROLE_NONE] = "none",
};

const char *
role_name(enum role role)
{
    return names[role];
}

bool
role_find(const char *name, enum role *role_out)
{
    for (int role = ROLE_ADMIN; role < ROLE_NONE; role++) {
        if (strcmp(names[role], name) == 0) {
            *role_out = (enum role)role;
            return true;
        }
    }
    return false;
}
