/*
 * cold.h - have the kernel forget what it holds of files, so that they are read from the disk.
 */
#ifndef COLD_H
#define COLD_H

/* Drops the pages of a file, or of every file beneath a folder, after writing back what is not on
 * the disk yet. Nobody may have them mapped. Ends the program where it cannot. */
void cold_drop(const char *path);

#endif
