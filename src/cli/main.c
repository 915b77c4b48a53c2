/*
 * tally - an audit trail that proves itself. The table of its commands; each has a file.
 */
#include "command.h"
#include "descriptors.h"
#include "out.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

const struct command *const commands[] = {
    &command_init,  &command_serve, &command_record, &command_import, &command_query,
    &command_tail,  &command_stats, &command_export, &command_verify, &command_prove,
    &command_trail, &command_key,   &command_doctor, &command_bench,  &command_demo,
    &command_help,  NULL,
};

static int
run(const struct command *command, const char *program, int count, char **words)
{
    struct invocation invocation;
    int outcome = invocation_read(command, program, count, words, &invocation);
    if (outcome != DONE)
        return outcome;

    if (option_given(&invocation, "help")) {
        char *operands[] = { (char *)command->name };
        struct invocation help = {
            .command = &command_help,
            .program = program,
            .operands = operands,
            .operand_count = 1,
        };
        outcome = command_help.run(&help);
    } else {
        outcome = command->run(&invocation);
    }
    invocation_finish(&invocation);
    return outcome;
}

/* Where a standard descriptor is closed, the next file opened would take its number, and what is
 * meant for standard output would be written into a trail. The number is taken by something that
 * answers every read or write with an error instead. */
static bool
open_standard_descriptors(void)
{
    static const int flags[] = { O_WRONLY, O_RDONLY, O_RDONLY };
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", flags[fd]) != fd)
            return false;
    return true;
}

static int
print_version(void)
{
    struct out out;
    out_open(&out);
    buffer_text(&out.stream.buffer, "tally " TALLY_VERSION "\n");
    return out_finish(&out, DONE);
}

int
main(int argc, char **argv)
{
    if (!open_standard_descriptors())
        return UNABLE;
    descriptors_raise(); /* a trail has three files for some hundred thousand entries */
    /* A reader who closes the pipe is no fault: see out.h. */
    (void)signal(SIGPIPE, SIG_IGN);

    if (argc < 2) {
        say("a command is missing: `tally help` lists them, `tally demo` shows them");
        return MISUSED;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0)
        return print_version();

    const struct command *command = command_find(name);
    if (command == NULL)
        return command_refuse(name);
    return run(command, argv[0], argc - 2, argv + 2);
}
