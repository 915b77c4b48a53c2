#include "where.h"

#include "settings.h"
#include "wire.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool
where_is_url(const char *where)
{
    return wire_is_server(where);
}

int
where_check_name(const char *name)
{
    if (trail_name_valid(name))
        return DONE;
    return fail(MISUSED, "\"%s\" is no trail's name: 1 to %d of a-z, 0-9 and -, the first no -",
                name, TRAIL_NAME_MAX);
}

int
where_no_trail(const char *path, const char *name)
{
    return fail(UNABLE,
                "no trail %s in %s: `tally trail %s list` names them, "
                "`tally trail %s create %s` makes it",
                name, path, path, path, name);
}

static int
refuse_url(const char *path)
{
    if (where_is_url(path))
        return fail(MISUSED, "%s: this needs the data folder itself, not a URL", path);
    return DONE;
}

/* There is none, and what was meant: a server, a filter, or a folder that is yet to be made. */
static int
refuse_folder(const struct invocation *invocation, const char *path)
{
    if (wire_is_nearly_server(path))
        return fail(UNABLE, "no data folder at %s; a server's URL begins with http:// or https://",
                    path);
    if (access(path, F_OK) == 0)
        return fail(UNABLE, "no data folder at %s, but something else", path);
    if ((invocation->command->ways & COMMAND_FILTER) != 0 && strchr(path, ':') != NULL)
        return fail(UNABLE,
                    "no data folder at %s; if that is the filter: the folder or the server's URL "
                    "stands before it",
                    path);
    return fail(UNABLE, "no data folder at %s: make one with `tally init %s`", path, path);
}

/* What to do where the folder is another user's. */
static void
say_owner(const char *path, const struct tally_error *error)
{
    struct stat folder;
    if (error->os == EACCES && stat(path, &folder) == 0 && folder.st_uid != geteuid())
        say("%s belongs to the user with the number %ju: become that user, or ask its server by "
            "URL",
            path, (uintmax_t)folder.st_uid);
}

static int
open_folder(const struct invocation *invocation, struct folder_options options,
            struct where *where_out)
{
    const char *path = invocation->operands[0];
    options.command = invocation->command->name;
    struct tally_error error = { 0 };
    struct where where = { .path = path };
    tally_status status = folder_open(path, &options, &where.folder, &error);
    if (status == TALLY_ABSENT || error.os == ENOENT || error.os == ENOTDIR)
        return refuse_folder(invocation, path);
    if (status != TALLY_OK)
        return (void)fail_with(&error, path), say_owner(path, &error), UNABLE;
    *where_out = where;
    return DONE;
}

int
where_open(const struct invocation *invocation, struct where *where_out)
{
    const char *path = invocation->operands[0];
    int outcome = refuse_url(path);
    if (outcome != DONE)
        return outcome;
    struct tally_error error = { 0 };
    struct settings settings;
    settings_init(&settings);
    if (settings_read(path, &settings, &error) != TALLY_OK) {
        outcome = fail_with(&error, NULL);
        say_owner(path, &error);
        return outcome;
    }
    return open_folder(invocation, settings.storage, where_out);
}

int
where_open_plain(const struct invocation *invocation, struct where *where_out)
{
    int outcome = refuse_url(invocation->operands[0]);
    return outcome != DONE ? outcome
                           : open_folder(invocation, (struct folder_options){ 0 }, where_out);
}

/* Says what opening had to do that is not everyday. */
static void
say_recovery(const struct where *where, const struct trail_recovery *recovery)
{
    if (recovery->tail.torn)
        say("trail %s: a batch that was being written when its process died was cut (%llu bytes "
            "of journal file %016llx at %llu); nothing that was acknowledged is lost",
            where->name, (unsigned long long)recovery->tail.torn_bytes,
            (unsigned long long)recovery->tail.torn_file,
            (unsigned long long)recovery->tail.torn_offset);
    if (recovery->erasures > 0)
        say("trail %s: %llu erasures on record that a crash had interrupted are finished now",
            where->name, (unsigned long long)recovery->erasures);
}

int
where_fault(const struct where *where, const struct tally_error *error)
{
    (void)fail_with(error, where->path);
    if (error->status == TALLY_DAMAGED)
        say("`tally verify %s --trail %s` says what is damaged", where->path, where->name);
    return UNABLE;
}

static int
refuse_trail(const struct where *where, tally_status status, const struct tally_error *error)
{
    if (status == TALLY_ABSENT)
        return where_no_trail(where->path, where->name);
    if (status == TALLY_BUSY)
        return fail(UNABLE, "%s; reading goes on meanwhile", error->text);
    return where_fault(where, error);
}

int
where_open_named(struct where *where, const char *name, enum trail_mode mode)
{
    where->name = name;
    int outcome = where_check_name(name);
    if (outcome != DONE)
        return outcome;

    struct tally_error error = { 0 };
    struct trail_recovery recovery = { 0 };
    tally_status status = trail_open(where->folder, name, mode, &where->trail, &recovery, &error);
    if (status != TALLY_OK)
        return refuse_trail(where, status, &error);
    say_recovery(where, &recovery);
    return DONE;
}

int
where_open_trail(const struct invocation *invocation, enum trail_mode mode, struct where *where_out)
{
    struct where where;
    int outcome = where_open(invocation, &where);
    if (outcome != DONE)
        return outcome;

    const char *name = option_value(invocation, "trail");
    outcome = where_open_named(&where, name == NULL ? "main" : name, mode);
    if (outcome != DONE) {
        folder_close(where.folder);
        return outcome;
    }
    *where_out = where;
    return DONE;
}

int
where_close(struct where *where, int outcome)
{
    struct tally_error error = { 0 };
    if (trail_close(where->trail, &error) != TALLY_OK) {
        (void)fail_with(&error, where->path);
        if (outcome == DONE)
            outcome = UNABLE;
    }
    folder_close(where->folder);
    return outcome;
}
