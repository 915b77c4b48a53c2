/*
 * token_object.h - the tokens of all members of an object, and its words.
 */
#ifndef TOKEN_OBJECT_H
#define TOKEN_OBJECT_H

#include "bytes.h"
#include "field.h"
#include "token_gather.h"
#include "word_set.h"

/* Exponents of numbers that have what follows from them ready. */
#define TOKEN_ENDS_LEAST (-8)
#define TOKEN_ENDS_MOST  16
#define TOKEN_ENDS_COUNT (TOKEN_ENDS_MOST - TOKEN_ENDS_LEAST + 1)

/* What is the same for all objects of a field. */
struct token_object {
    enum field_id field;
    uint64_t plain;  /* the key of texts */
    uint64_t number; /* and of numbers */
    uint64_t ends[2][TOKEN_ENDS_COUNT];
};
void token_object_init(struct token_object *object, enum field_id field);

/* Where words go that are found on the way, and the pages they are in. */
struct word_target {
    struct word_set *set;
    uint64_t pages;
};

/* Adds the tokens of the strings and numbers within an object's canonical text, in any depth, but
 * for names: those of token_of_member() where there is one; and, unless `words` is NULL, the words
 * that word_set_object() adds. What is no canonical text ends the walk. */
void token_object_add(const struct token_object *object, struct bytes json,
                      struct token_gather *gather, const struct word_target *words);

#endif
