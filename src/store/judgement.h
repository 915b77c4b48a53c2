/*
 * judgement.h - what verification found wrong, in words.
 *
 * Whoever reaches a verdict fills one and returns TALLY_DISAGREES, which ends what is being read.
 */
#ifndef JUDGEMENT_H
#define JUDGEMENT_H

#include "verify.h"

struct judgement {
    enum verdict verdict;
    uint64_t first, last; /* the entries it is about, or VERIFY_NO_INDEX */
    char file[VERIFY_FILE_SIZE];
    char text[VERIFY_TEXT_SIZE];
};

/* Fills all but the file. */
__attribute__((format(printf, 5, 6))) tally_status judge(struct judgement *judgement,
                                                         enum verdict verdict, uint64_t first,
                                                         uint64_t last, const char *format, ...);

/* A fault met while reading `file`, as a verdict; lack of memory is passed up, and so is a verdict.
 */
tally_status judge_fault(struct judgement *judgement, tally_status status, const char *file,
                         const struct tally_error *error);

#endif
