/*
 * index_members.h - the section of an index file that says in which blocks members of objects are.
 */
#ifndef INDEX_MEMBERS_H
#define INDEX_MEMBERS_H

#include "index_buckets.h"
#include "member_index.h"

index_section_make index_members_make;

/* What the directory says of it. */
struct index_members {
    bool there;
    struct member_shape shape;
    struct index_buckets buckets;
    uint64_t covered; /* the fields whose members are in it */
};

/* False where no index of `count` entries has such a section. Fields of names that this version
 * does not know are passed over. */
bool index_members_open(const struct index_section *section, uint32_t count,
                        struct index_members *out);

/* Adds where a member with the token may be. */
TALLY_MUST_CHECK tally_status index_members_find(const struct index_members *members,
                                                 const struct segment_file *file, uint64_t token,
                                                 struct segment_input *input, struct places *places,
                                                 struct tally_error *error);

#endif
