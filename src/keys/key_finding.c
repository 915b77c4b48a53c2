#include "key_finding.h"

#include "clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct search {
    int64_t now;
    bool has_admin;
    key_finding_visitor *visitor;
    void *context;
};

static int64_t
days(int64_t span)
{
    return span / CLOCK_DAY;
}

__attribute__((format(printf, 4, 5))) static void
describe(struct key_finding *finding, enum key_trouble trouble, const struct keyring_entry *entry,
         const char *format, ...)
{
    finding->trouble = trouble;
    int size = snprintf(finding->text, sizeof finding->text, "key %" PRId64 " (%s) ", entry->id,
                        entry->name);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(finding->text + size, sizeof finding->text - (size_t)size, format, arguments);
    va_end(arguments);
}

__attribute__((format(printf, 2, 3))) static void
prescribe(struct key_finding *finding, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(finding->cure, sizeof finding->cure, format, arguments);
    va_end(arguments);
}

/* What is amiss with one key; false where nothing is. A replaced one is on its way out anyhow. */
static bool
find_trouble(const struct keyring_entry *entry, int64_t now, struct key_finding *finding)
{
    int64_t seen = entry->last_used > 0 ? entry->last_used : entry->created;
    if (entry->replaced_by != 0)
        return false;
    if (!keyring_entry_good(entry, now)) {
        describe(finding, KEY_RUN_OUT, entry, "ran out %" PRId64 " days ago",
                 days(now - entry->expires));
        prescribe(finding, "make another if it is missed; `tally key … revoke %" PRId64 "`",
                  entry->id);
        return true;
    }
    if (days(now - seen) >= KEY_IDLE_DAYS_MAX) {
        describe(finding, KEY_IDLE, entry, "was not used for %" PRId64 " days", days(now - seen));
        prescribe(finding, "`tally key … revoke %" PRId64 "` if nobody needs it", entry->id);
        return true;
    }
    if (days(now - entry->created) >= KEY_AGE_DAYS_MAX) {
        describe(finding, KEY_OLD, entry, "is %" PRId64 " days old", days(now - entry->created));
        prescribe(finding, "`tally key … rotate %" PRId64 "`", entry->id);
        return true;
    }
    return false;
}

/* keyring_visitor */
static tally_status
look_at(void *context, const struct keyring_entry *entry, struct tally_error *error)
{
    struct search *search = context;
    if (entry->role == ROLE_ADMIN && keyring_entry_good(entry, search->now))
        search->has_admin = true;
    struct key_finding finding;
    if (!find_trouble(entry, search->now, &finding))
        return TALLY_OK;
    return search->visitor(search->context, &finding, error);
}

tally_status
key_findings(struct keyring *keyring, int64_t now, key_finding_visitor *visitor, void *context,
             struct tally_error *error)
{
    struct search search = { .now = now, .visitor = visitor, .context = context };
    tally_status status = keyring_list(keyring, KEYRING_IN_SERVICE, look_at, &search, error);
    if (status != TALLY_OK || search.has_admin)
        return status;
    struct key_finding finding = {
        .trouble = KEY_NO_ADMIN,
        .text = "no admin key is good: nobody can administer over the network",
    };
    prescribe(&finding, "`tally key … add --role admin --name NAME`");
    return visitor(context, &finding, error);
}
