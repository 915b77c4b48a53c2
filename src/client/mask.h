/*
 * mask.h - which values are secrets.
 *
 * By the name of the member they stand under, or by one before them in a text; by their form, as card
 * numbers and keys have one; and by expressions of the user's (tally/client.h, mask_names and mask_patterns). A value that
 * is masked becomes "[masked]", whatever its type; of a text only the part that is the secret. Names
 * need a character beside blanks, _ and -; there are at most 1024 of them, and 32 expressions.
 *
 * Made once and then constant. Any thread may use it, but where it has expressions they wait for each
 * other: a thread that uses it often has a clone.
 */
#ifndef MASK_H
#define MASK_H

#include "buffer.h"
#include "bytes.h"
#include "tally/status.h"

#define MASK_TEXT "[masked]"

struct mask;

/* NULL names: the standard ones; NULL patterns: none. TALLY_INVALID names the expression that is
 * none, with regcomp's words. Caller owns. */
TALLY_MUST_CHECK tally_status mask_create(const char *const *names, const char *const *patterns,
                                          struct mask **mask_out, struct tally_error *error);
/* The same for another thread; its expressions read as they did when the first one was made, whatever
 * locale is set since. TALLY_NO_MEMORY. Caller owns. */
TALLY_MUST_CHECK tally_status mask_clone(const struct mask *mask, struct mask **clone_out,
                                         struct tally_error *error);
void mask_destroy(struct mask *mask); /* NULL is allowed */

/* Whether what stands under this name is a secret. The decoded name. */
enum mask_name {
    MASK_NAME_PLAIN,
    MASK_NAME_SECRET,
    MASK_NAME_SECRETS, /* several of them: a number or a truth value there only counts them */
};
enum mask_name mask_name_kind(const struct mask *mask, struct bytes name);

/* Whether there are expressions: else only free text is looked through. */
bool mask_has_patterns(const struct mask *mask);

/* Appends `text` (decoded UTF-8) to `out` with what is secret in it replaced, and returns how many
 * places were; 0 appends nothing: use the text as it is. In MASK_FREE_TEXT card numbers, keys
 * (issued_key.h) and what stands behind a secret's name (credential.h) are looked for, too. */
enum mask_text_kind {
    MASK_IDENTIFIER,
    MASK_FREE_TEXT
};
unsigned mask_text(const struct mask *mask, struct bytes text, enum mask_text_kind kind,
                   struct buffer *out);

#endif
