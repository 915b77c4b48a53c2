/*
 * keyring_parts.h - what the files of the keyring share.
 */
#ifndef KEYRING_PARTS_H
#define KEYRING_PARTS_H

#include "database.h"
#include "keyring.h"

struct keyring {
    struct database *database;
};

#endif
