/*
 * check.c - a stranger checks that an entry is in a trail, with no server and no trail.
 *
 *     tally prove DIR 7 --output proof      (the file that is handed to the stranger)
 *     ./check VKEY proof
 *
 * The verification key must come from somewhere else than the proof: print it on paper.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tally/tlog_proof.h>

/* A file's bytes, at most `capacity`; false where it cannot be read or is longer. */
static int
read_file(const char *path, char *out, size_t capacity, size_t *size_out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    *size_out = fread(out, 1, capacity, file);
    int whole = !ferror(file) && fgetc(file) == EOF;
    fclose(file);
    return whole;
}

int
main(int argc, char **argv)
{
    static char text[TALLY_TLOG_PROOF_SIZE_MAX];
    static uint8_t entry[TALLY_TLOG_PROOF_EXTRA_MAX];
    size_t size;
    struct tally_vkey vkey;
    struct tally_tlog_proof proof;
    struct tally_error error;

    if (argc != 3 || !read_file(argv[2], text, sizeof text, &size)) {
        fprintf(stderr, "usage: check VKEY PROOF\n");
        return 2;
    }
    if (tally_vkey_parse(argv[1], strlen(argv[1]), &vkey, &error) != TALLY_OK ||
        tally_tlog_proof_parse(text, size, entry, &proof, &error) != TALLY_OK) {
        fprintf(stderr, "check: %s\n", error.text);
        return 2;
    }

    /* Nothing vouches for the entry in the file but this: its hash must lead to the signed root. */
    struct tally_tlog_proof_expected expected = { .vkey = &vkey };
    struct tally_checkpoint checkpoint;
    uint64_t index;
    tally_hash_leaf(entry, proof.extra_size, &expected.leaf);
    if (tally_tlog_proof_check(text, size, &expected, &index, &checkpoint, &error) != TALLY_OK) {
        printf("NOT proved: %s\n", error.text);
        return 1;
    }
    printf("proved: entry %" PRIu64 " of %" PRIu64 "\n%.*s\n", index, checkpoint.size,
           (int)proof.extra_size, (const char *)entry);
    return 0;
}
