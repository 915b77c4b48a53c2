/*
 * proof_fuzz.c - anything at all as a tlog-proof file, and as the numbers and hashes of a proof.
 *
 * A file that is read has to be written the same again. A proof leads to the root that RFC 6962's
 * recursion gives, and to no other; of the wrong length it leads nowhere.
 */
#include "bytes.h"
#include "tally/tlog_proof.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(bool holds)
{
    if (!holds)
        abort();
}

static void
round_trip(const char *text, size_t size)
{
    static uint8_t extra[TALLY_TLOG_PROOF_EXTRA_MAX];
    struct tally_tlog_proof file, bare;
    tally_status status = tally_tlog_proof_parse(text, size, extra, &file, NULL);
    expect(tally_tlog_proof_parse(text, size, NULL, &bare, NULL) == status);
    if (status != TALLY_OK)
        return;
    char *again = malloc(size);
    size_t again_size;
    expect(again != NULL);
    expect(tally_tlog_proof_format(&file, again, size, &again_size, NULL) == TALLY_OK);
    expect(bytes_equal(bytes_of(again, again_size), bytes_of(text, size)));
    free(again);
}

/* The root to which a path leads, by the definition of PATH (RFC 6962, section 2.1.1). */
static bool
root_of_path(uint64_t index, uint64_t size, const struct tally_hash *path, unsigned count,
             struct tally_hash *hash)
{
    if (size == 1)
        return count == 0;
    if (count == 0)
        return false;
    uint64_t split = 1;
    while (split * 2 < size)
        split *= 2;
    bool left = index < split;
    if (!root_of_path(left ? index : index - split, left ? split : size - split, path, count - 1,
                      hash))
        return false;
    if (left)
        tally_hash_node(hash, &path[count - 1], hash);
    else
        tally_hash_node(&path[count - 1], hash, hash);
    return true;
}

/* index[8] size[8] hashes[32 each]: what is missing is zero. */
static void
judge(const uint8_t *data, size_t size)
{
    static uint8_t input[16 + 32 * TALLY_PROOF_MAX];
    if (size < 16 || size > sizeof input)
        return;
    memset(input, 0, sizeof input);
    memcpy(input, data, size);
    uint64_t index = get_u64(input), leaves = get_u64(input + 8);
    struct tally_proof proof = { .count = (unsigned)((size - 16 + 31) / 32) };
    memcpy(proof.hashes, input + 16, 32 * (size_t)proof.count);

    struct tally_hash leaf = { { 1 } }, root = leaf;
    bool leads = index < leaves && leaves <= TALLY_TREE_SIZE_MAX &&
                 root_of_path(index, leaves, proof.hashes, proof.count, &root);
    tally_status status = tally_inclusion_check(index, leaves, &leaf, &proof, &root);
    expect(status == (leads ? TALLY_OK : TALLY_DISAGREES));
    root.bytes[31] ^= 1;
    expect(tally_inclusion_check(index, leaves, &leaf, &proof, &root) == TALLY_DISAGREES);
    expect(index == leaves ||
           tally_consistency_check(index, &leaf, leaves, &root, &proof) == TALLY_DISAGREES);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    round_trip((const char *)data, size);
    judge(data, size);
    return 0;
}
