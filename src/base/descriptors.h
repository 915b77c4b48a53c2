/*
 * descriptors.h - how many files a process may have open, and which numbers they get.
 */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

/* Raises the limit to what the system allows this process; where that fails it stays as it is. For
 * programs, at their start: a library leaves it alone. Nothing here uses select(), to which
 * descriptors above 1023 are unknown. */
void descriptors_raise(void);

/* Gives a fresh descriptor of a file that stays open another number, if it has one of the standard
 * ones. A program that closed those goes on writing to them: into the file, if it had their number.
 * Takes what open() and its like answer, and answers as they do. */
int descriptors_beyond_standard(int fd);

#endif
