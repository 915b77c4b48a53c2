/*
 * settings.h - a data folder's tally.conf.
 *
 * An INI file for people to edit: sections, `name = value`, comments behind # or ;. A line it does
 * not know is refused, so that a slip of the pen does not leave a default in force unseen. What is
 * not set has the default that the file as made by settings_write() shows, commented out.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "folder.h"

/* Writes the file a new folder begins with, 0600. */
TALLY_MUST_CHECK tally_status settings_write(const char *folder, struct tally_error *error);

/* Sets those members of *options that FOLDER/tally.conf sets, and leaves the others. TALLY_ABSENT
 * where there is no such file; TALLY_INVALID with the line and what would be accepted. */
TALLY_MUST_CHECK tally_status settings_read(const char *folder, struct folder_options *options,
                                            struct tally_error *error);

#endif
