/*
 * descriptors.h - how many files a process may have open.
 */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

/* Raises the limit to what the system allows this process; where that fails it stays as it is. For
 * programs, at their start: a library leaves it alone. Nothing here uses select(), to which
 * descriptors above 1023 are unknown. */
void descriptors_raise(void);

#endif
