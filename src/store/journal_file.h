/*
 * journal_file.h - the files of a journal's folder: their names, making one, opening one.
 *
 * A file that has a number is whole: it is made as FOLDER/journal/new, synced, and then named. So a
 * numbered file with a bad header or another size than it says is damage, and never a crash's
 * remnant.
 */
#ifndef JOURNAL_FILE_H
#define JOURNAL_FILE_H

#include "journal_record.h"

/* FOLDER/journal, and FOLDER/journal/NUMBER. */
void journal_folder_name(const struct trail_place *place, char out[DISK_NAME_SIZE]);
void journal_file_name(const struct trail_place *place, uint64_t number, char out[DISK_NAME_SIZE]);

/* Opens a file and checks its header. TALLY_ABSENT; TALLY_DAMAGED; TALLY_UNSUPPORTED. The caller
 * owns the file. */
TALLY_MUST_CHECK tally_status journal_file_open(const struct trail_place *place, uint64_t number,
                                                enum disk_mode mode, struct disk_file **file_out,
                                                uint64_t *size_out, struct tally_error *error);

/* How the zeros of a new file come about. */
enum journal_zeros {
    JOURNAL_ZEROS_WRITTEN,  /* for small records, each of which is synced */
    JOURNAL_ZEROS_RESERVED, /* for large ones, next to which writing zeros would be felt */
};

/* Makes a file of zeros behind a header, synced, and names it, which is not synced. TALLY_FULL:
 * nothing is left of it. */
TALLY_MUST_CHECK tally_status journal_file_create(const struct trail_place *place, uint64_t number,
                                                  uint64_t size, enum journal_zeros zeros,
                                                  struct tally_error *error);

/* Removes what a crash left of making one. */
TALLY_MUST_CHECK tally_status journal_file_remove_remnant(const struct trail_place *place,
                                                          struct tally_error *error);

/* The numbers of the files there are, ascending. The caller frees them. */
struct journal_numbers {
    uint64_t *numbers;
    size_t count, capacity;
};
TALLY_MUST_CHECK tally_status journal_file_list(const struct trail_place *place,
                                                struct journal_numbers *numbers_out,
                                                struct tally_error *error);

#endif
