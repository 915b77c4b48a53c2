/*
 * audit.h - what `tally verify` asks of each trail, of a folder or of a server, and what becomes of
 * the answers.
 *
 * Whoever can write a trail can cut it or sign it anew, and a server can say what it likes. So a
 * key and a checkpoint that are known from elsewhere (--vkey, --since, or the memory of the last
 * intact verdict, seen.h) are held against every trail that they are for.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include "command.h"
#include "out.h"
#include "seen.h"
#include "since.h"
#include "verdict.h"

/* One trail: what came of it, and what was seen of it before. */
struct inspection {
    struct finding finding;
    char origin[TALLY_ORIGIN_MAX + 1]; /* that it claims; "" where it claims none */
    bool remembered;                   /* `seen` holds something */
    struct seen seen;
};

/* What is asked, the same for each trail. */
struct audit {
    struct out *out;
    struct listing *listing;       /* NULL: sentences */
    const struct tally_vkey *vkey; /* NULL: not given */
    const struct since *since;     /* NULL: not given */
    enum verify_scope scope;       /* of folders */
    uint64_t vkey_trails;          /* of the trails: whose origin is the key's name */
    uint64_t since_trails;         /* … and the checkpoint's origin */
    uint64_t trails;
    int outcome; /* the worst so far */
};

/* Counts a trail of this origin, before any is inspected. A key or a checkpoint that was given is
 * for the trails of its origin; where there is none, it is for all, which it then disproves. */
void audit_count(struct audit *audit, const char *origin);

/* The checkpoint given that is for this trail, and the key given or seen last; NULL: none. */
const struct since *audit_since(const struct audit *audit, const struct inspection *inspection);
const struct tally_vkey *audit_vkey(const struct audit *audit, const struct inspection *inspection);

/* Begins with a trail: recalls what was seen of the origin it claims, which is taken at its word
 * here. False where the memory is damaged; that is the verdict then. */
bool audit_begin(struct audit *audit, const char *name, const char *origin,
                 struct inspection *inspection_out);

/* Ends with a trail: remembers it if it is intact, prints the verdict and counts it. */
TALLY_MUST_CHECK tally_status audit_end(struct audit *audit, struct inspection *inspection,
                                        struct tally_error *error);

/* Ends early: the command ends with this outcome unless a trail was disproved. */
void audit_break(struct audit *audit, int outcome);

/* Inspects all trails of a server. DONE, or the exit status after saying why it could not. */
int audit_remote(const struct invocation *invocation, struct audit *audit);

#endif
