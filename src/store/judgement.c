/* judgement.c - faults become verdicts that name a file. */
#include "judgement.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

tally_status
judge(struct judgement *judgement, enum verdict verdict, uint64_t first, uint64_t last,
      const char *format, ...)
{
    judgement->verdict = verdict;
    judgement->first = first;
    judgement->last = last;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(judgement->text, sizeof judgement->text, format, arguments);
    va_end(arguments);
    return TALLY_DISAGREES;
}

tally_status
judge_fault(struct judgement *judgement, tally_status status, const char *file,
            const struct tally_error *error)
{
    if (status == TALLY_NO_MEMORY || status == TALLY_DISAGREES)
        return status;
    /* Most messages begin with the very file and a colon; then that is better than what the caller
     * knows, and the rest says what is wrong. */
    const char *text = error->text;
    const char *colon = strstr(text, ": ");
    if (strncmp(text, "trails/", 7) == 0 && colon != NULL &&
        memchr(text, ' ', (size_t)(colon - text)) == NULL) {
        (void)snprintf(judgement->file, sizeof judgement->file, "%.*s", (int)(colon - text), text);
        text = colon + 2;
    } else {
        (void)snprintf(judgement->file, sizeof judgement->file, "%s", file);
    }
    if (status == TALLY_DAMAGED || status == TALLY_INVALID)
        return judge(judgement, VERDICT_TAMPERED, VERIFY_NO_INDEX, VERIFY_NO_INDEX, "%s", text);
    if (status == TALLY_ABSENT)
        return judge(judgement, VERDICT_TAMPERED, VERIFY_NO_INDEX, VERIFY_NO_INDEX, "%s is missing",
                     file);
    return judge(judgement, VERDICT_UNCHECKABLE, VERIFY_NO_INDEX, VERIFY_NO_INDEX, "%s",
                 error->text[0] != '\0' ? error->text : tally_status_text(status));
}
