/*
 * intern.h - the distinct values of a head's column, numbered as they come.
 *
 * One thread adds; others read published values through a struct dictionary. Values and the chunks
 * that list them never move once published: when a list grows, the old one stays for those who have
 * it.
 */
#ifndef INTERN_H
#define INTERN_H

#include "lookup.h"
#include "page.h"

/* Zeroed is empty. */
struct intern {
    struct lookup lookup; /* numbers are codes - 1 */
    _Atomic(struct bytes **) chunks;
    uint32_t capacity; /* of values in the chunks */
    uint32_t count;    /* of values, published or not */
    _Atomic uint32_t published;
};

/* Where an intern keeps what it adds, and the seed of its hashes. */
struct intern_memory {
    struct region *lasting; /* lists and tables */
    struct region *text;    /* copies of values; may be returned to the last publication's mark */
    uint64_t seed;
};

/* The code of `value` (which is not absent), from 1, a new one if need be; `hash` is of
 * value_hash() with memory's seed, `guess` a code that it may well have, or 0. False when memory is
 * short. */
bool intern_code(struct intern *intern, const struct intern_memory *memory, struct bytes value,
                 uint32_t hash, uint32_t guess, uint32_t *code_out);

/* The three places that intern_code() will look at, one after the other. An entry has many values;
 * to ask for the first place of all, then the second of all, then the third, makes waiting for
 * memory one wait instead of many. What the first place says is the guess, 0 for none. */
void intern_prefetch(const struct intern *intern, uint32_t hash);
uint32_t intern_guess(const struct intern *intern, uint32_t hash);
void intern_prefetch_text(const struct intern *intern, uint32_t guess);

void intern_publish(struct intern *intern);
/* Forgets the values that are not published. */
void intern_discard(struct intern *intern);

/* The published values, from any thread. */
void intern_dictionary(const struct intern *intern, struct dictionary *dictionary_out);

/* The code of `value` in a dictionary that intern_dictionary() gave, or 0; from any thread. `hash`
 * as in intern_code(). */
uint32_t intern_find(const struct intern *intern, const struct dictionary *dictionary,
                     struct bytes value, uint32_t hash);

#endif
