/*
 * forgetful - the program, but its trails know the ids of their newest FORGETFUL_WINDOW entries only,
 * and seal after as few. What comes again later than that is found only where it is looked for in the
 * whole trail.
 */
#include "folder.h"

#define FORGETFUL_WINDOW 200

/* The names that the linker's --wrap wants. */
tally_status __real_folder_open(const char *path, const struct folder_options *options,
                                struct folder **folder_out, struct tally_error *error);
tally_status __wrap_folder_open(const char *path, const struct folder_options *options,
                                struct folder **folder_out, struct tally_error *error);

tally_status
__wrap_folder_open(const char *path, const struct folder_options *options,
                   struct folder **folder_out, struct tally_error *error)
{
    struct folder_options own = { 0 };
    if (options != NULL)
        own = *options;
    own.id_window = FORGETFUL_WINDOW;
    own.head_entries_max = FORGETFUL_WINDOW;
    return __real_folder_open(path, &own, folder_out, error);
}
