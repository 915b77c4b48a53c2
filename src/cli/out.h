/*
 * out.h - where a command's results go: standard output, or a file that appears when it is whole.
 *
 * A reader that has seen enough (`tally query … | head`) closes the pipe; that is no mistake. From
 * then on everything written is dropped, out_closed() says so, and the command stops as if it were
 * done. main() ignores SIGPIPE for it. Where writing fails for another reason it goes the same way, but
 * for the end: out_finish() says what could not be written and why.
 */
#ifndef OUT_H
#define OUT_H

#include "command.h"
#include "listing.h"

struct out {
    struct stream stream;
    int fd;
    bool closed;
    int os;     /* why writing failed; 0: it did not */
    char *path; /* NULL: standard output */
    char *part; /* the file's name until it is whole; NULL: what is there is written to */
};

void out_open(struct out *out);

/* A file (0600), which replaces one of that name at out_finish(); an interruption before leaves
 * nothing of it. NULL or "-" is standard output. What
 * has the name and is no file (a device, a pipe, a link) is not replaced: it is written to. DONE, or
 * UNABLE after saying why. */
int out_open_file(struct out *out, const char *path);

bool out_closed(const struct out *out);

/* Writes what is left and closes, if `outcome` is DONE; else drops a file's beginnings. Returns
 * `outcome`, or UNABLE after saying why what was written did not get to its place. */
int out_finish(struct out *out, int outcome);

/* How rows look on `out`: fitted to its terminal and coloured if it is one and NO_COLOR is not set;
 * safe to show there. */
void out_looks(const struct out *out, struct listing_style *style_out);

/* The same, and reads --format; a table where it is not given. MISUSED after saying so for any other
 * format, or DONE. */
int out_style(const struct invocation *invocation, const struct out *out,
              enum listing_format *format_out, struct listing_style *style_out);

/* Begins rows of these columns, as --format says. DONE, or the exit status after saying why. The
 * caller ends and destroys the listing. */
int out_listing(const struct invocation *invocation, struct out *out,
                const struct listing_column *columns, size_t count, struct listing **listing_out);

#endif
