/*
 * tlog_proof.c - the evidence that one entry is in a trail, as a text file.
 *
 *     c2sp.org/tlog-proof@v1    0x0A
 *     extra SP base64           0x0A    only where there are extra bytes
 *     index SP decimal          0x0A
 *     base64 of 32 bytes        0x0A    for each hash of the inclusion proof
 *                               0x0A
 *     checkpoint                        a signed note, to the end of the file
 *
 * Reading is strict, and formatting what was read gives the same bytes. What the file says is worth
 * nothing until tally_tlog_proof_check() has tied it together: signature to checkpoint, checkpoint
 * to root and size, proof to root, leaf and index to proof. The extra bytes stay outside of that.
 */
#include "tally/tlog_proof.h"

#include "base64.h"
#include "fault.h"
#include "tree_text.h"
#include <inttypes.h>

static const struct bytes first_line = BYTES("c2sp.org/tlog-proof@v1");
static const struct bytes extra_word = BYTES("extra ");
static const struct bytes index_word = BYTES("index ");

static tally_status
check_checkpoint(const char *checkpoint, size_t size, struct tally_error *error)
{
    if (size == 0 || checkpoint[size - 1] != '\n')
        return fault(error, TALLY_INVALID, "no checkpoint ends the proof file");
    if (size > TALLY_NOTE_SIZE_MAX)
        return fault(error, TALLY_INVALID, "the proof file's checkpoint is longer than %u bytes",
                     TALLY_NOTE_SIZE_MAX);
    return TALLY_OK;
}

static void
put_file(struct text_out *out, const struct tally_tlog_proof *file)
{
    text_put(out, first_line);
    text_put(out, bytes_text("\n"));
    if (file->extra_size > 0) {
        text_put(out, extra_word);
        text_put_base64(out, bytes_of(file->extra, file->extra_size));
        text_put(out, bytes_text("\n"));
    }
    text_put(out, index_word);
    text_put_decimal(out, file->index);
    text_put(out, bytes_text("\n"));
    for (unsigned i = 0; i < file->proof.count; i++) {
        text_put_base64(out, bytes_of(file->proof.hashes[i].bytes, TALLY_HASH_SIZE));
        text_put(out, bytes_text("\n"));
    }
    text_put(out, bytes_text("\n"));
    text_put(out, bytes_of(file->checkpoint, file->checkpoint_size));
}

tally_status
tally_tlog_proof_format(const struct tally_tlog_proof *file, char *out, size_t capacity,
                        size_t *size_out, struct tally_error *error)
{
    tally_status status = check_checkpoint(file->checkpoint, file->checkpoint_size, error);
    if (status != TALLY_OK)
        return status;
    if (file->index >= TALLY_TREE_SIZE_MAX || file->proof.count > TALLY_PROOF_MAX ||
        file->extra_size > TALLY_TLOG_PROOF_EXTRA_MAX)
        return fault(error, TALLY_INVALID, "index, proof or extra bytes are out of their limits");

    struct text_out text = { .data = out, .capacity = capacity };
    put_file(&text, file);
    if (text.overflow)
        return fault(error, TALLY_INVALID, "the proof file is longer than %zu bytes", capacity);
    *size_out = text.size;
    return TALLY_OK;
}

static tally_status
parse_extra(struct bytes base64, uint8_t *extra, struct tally_tlog_proof *file,
            struct tally_error *error)
{
    bool valid = base64.size <= BASE64_SIZE(TALLY_TLOG_PROOF_EXTRA_MAX) && text_is_base64(base64);
    if (valid && extra != NULL) {
        valid = base64_decode(base64, extra, TALLY_TLOG_PROOF_EXTRA_MAX, &file->extra_size);
        file->extra = extra;
    }
    if (!valid)
        return fault(error, TALLY_INVALID, "the extra line is 1 to %d bytes in base64",
                     TALLY_TLOG_PROOF_EXTRA_MAX);
    return TALLY_OK;
}

/* The hash lines up to the empty line, which is taken too. */
static tally_status
parse_hashes(struct bytes *rest, struct tally_proof *proof, struct tally_error *error)
{
    struct bytes line;
    while (text_take_line(rest, &line)) {
        if (line.size == 0)
            return TALLY_OK;
        if (proof->count == TALLY_PROOF_MAX)
            return fault(error, TALLY_INVALID, "a proof has at most %d hashes", TALLY_PROOF_MAX);
        if (!text_hash(line, &proof->hashes[proof->count]))
            return fault(error, TALLY_INVALID, "hash %u of the proof is not 32 bytes in base64",
                         proof->count + 1);
        proof->count++;
    }
    return fault(error, TALLY_INVALID, "no empty line ends the proof's hashes");
}

tally_status
tally_tlog_proof_parse(const char *text, size_t size, uint8_t *extra,
                       struct tally_tlog_proof *file_out, struct tally_error *error)
{
    if (size > TALLY_TLOG_PROOF_SIZE_MAX)
        return fault(error, TALLY_INVALID, "a proof file has at most %u bytes",
                     TALLY_TLOG_PROOF_SIZE_MAX);
    struct bytes rest = bytes_of(text, size);
    struct bytes line;
    if (!text_take_line(&rest, &line) || !bytes_equal(line, first_line))
        return fault(error, TALLY_INVALID, "a proof file begins with the line %.*s",
                     BYTES_ARG(first_line));

    struct tally_tlog_proof file = { .index = 0 };
    tally_status status;
    bool taken = text_take_line(&rest, &line);
    if (taken && text_take_prefix(&line, extra_word)) {
        if ((status = parse_extra(line, extra, &file, error)) != TALLY_OK)
            return status;
        taken = text_take_line(&rest, &line);
    }
    if (!taken || !text_take_prefix(&line, index_word) || !text_decimal(line, &file.index) ||
        file.index >= TALLY_TREE_SIZE_MAX)
        return fault(error, TALLY_INVALID,
                     "a proof file has the line \"index\" and a decimal without leading zeros");
    if ((status = parse_hashes(&rest, &file.proof, error)) != TALLY_OK)
        return status;
    file.checkpoint = (const char *)rest.data;
    file.checkpoint_size = rest.size;
    if ((status = check_checkpoint(file.checkpoint, file.checkpoint_size, error)) != TALLY_OK)
        return status;
    *file_out = file;
    return TALLY_OK;
}

tally_status
tally_tlog_proof_check(const char *text, size_t size,
                       const struct tally_tlog_proof_expected *expected, uint64_t *index_out,
                       struct tally_checkpoint *checkpoint_out, struct tally_error *error)
{
    struct tally_tlog_proof file;
    tally_status status = tally_tlog_proof_parse(text, size, NULL, &file, error);
    if (status != TALLY_OK)
        return status;

    struct tally_checkpoint checkpoint;
    status = tally_checkpoint_open(file.checkpoint, file.checkpoint_size, expected->vkey,
                                   expected->origin, &checkpoint, error);
    if (status != TALLY_OK)
        return status;
    status = tally_inclusion_check(file.index, checkpoint.size, &expected->leaf, &file.proof,
                                   &checkpoint.root);
    if (status != TALLY_OK)
        return fault(error, status,
                     "the proof does not lead from this entry at index %" PRIu64
                     " to the root of the checkpoint of size %" PRIu64,
                     file.index, checkpoint.size);
    *index_out = file.index;
    *checkpoint_out = checkpoint;
    return TALLY_OK;
}
