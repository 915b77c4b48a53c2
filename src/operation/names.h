/*
 * names.h - lists of names joined by commas, as settings have them.
 */
#ifndef NAMES_H
#define NAMES_H

#include "bytes.h"

/* Whether `name` is among them, in any case; blanks around names do not count. An empty name is in
 * no list. */
bool names_have(const char *names, struct bytes name);

#endif
