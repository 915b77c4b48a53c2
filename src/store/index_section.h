/*
 * index_section.h - what the sections of an index file have in common.
 *
 * Each kind of section is a noun with a file of its own. It makes its content from a run, opens
 * what an index file's directory says of it, and is asked for what it knows. segment_index.c puts
 * them together and compares them: it has a table of them.
 */
#ifndef INDEX_SECTION_H
#define INDEX_SECTION_H

#include "segment_file.h"

struct run_reader;

/* The numbers are stored. */
enum index_section_kind {
    SECTION_IDS = 1,
    SECTION_BLOOM = 2,
    SECTION_WORDS = 3,
    SECTION_COUNTS = 4,
    SECTION_MEMBERS = 5,
};

/* The most that a directory may name, so that sections of later versions are passed over. */
#define INDEX_SECTIONS_MAX 16u

/* A section of an open file. `block` is all of it, which its CRC is of; sections that are read in
 * parts have checksums of their parts too. */
struct index_section {
    uint16_t kind;
    struct bytes parameters; /* lent by the directory, while it is decoded */
    struct segment_block block;
};

/* What a section is to be. With neither parameters nor bytes there is none. Zeroed is empty; the
 * caller frees it, whatever making it returned. */
struct index_content {
    struct buffer parameters;
    struct buffer bytes;
};

/* The section's content for a run, the same whether a head or a segment holds it. */
typedef tally_status index_section_make(struct run_reader *reader, struct index_content *content,
                                        struct tally_error *error);

/* Fields as parameters name them: their count, and for each the size of its name and the name. */
void index_fields_put(uint64_t fields, struct buffer *out);
/* False where the bytes are not exactly that. Names that this version does not know are passed
 * over. */
bool index_fields_read(struct bytes encoded, uint64_t *fields_out);

#endif
