#include "proof_file.h"

#include "base64.h"
#include "fault.h"
#include "tally/tlog_proof.h"

tally_status
proof_file_write(struct snapshot *snapshot, uint64_t index, struct buffer *out,
                 struct tally_error *error)
{
    struct bytes note;
    const struct tally_checkpoint *checkpoint = snapshot_checkpoint(snapshot, &note);
    if (checkpoint == NULL || index >= checkpoint->size)
        return TALLY_ABSENT;

    struct run_entry entry;
    struct tally_tlog_proof file = {
        .index = index,
        .checkpoint = (const char *)note.data,
        .checkpoint_size = note.size,
    };
    tally_status status =
        tally_inclusion_prove(index, checkpoint->size, snapshot_hash, snapshot, &file.proof, error);
    if (status == TALLY_OK)
        status = snapshot_entry(snapshot, index, RUN_PARTS, &entry, error);
    if (status != TALLY_OK)
        return status;

    file.extra = entry.public_part.data;
    file.extra_size = entry.public_part.size;
    size_t capacity = TALLY_TLOG_PROOF_SIZE(note.size) + BASE64_SIZE(file.extra_size) + 8;
    uint8_t *room = buffer_reserve(out, capacity);
    if (room == NULL)
        return memory_fault(error);
    size_t size = 0;
    status = tally_tlog_proof_format(&file, (char *)room, capacity, &size, error);
    if (status == TALLY_OK)
        out->size += size;
    return status;
}
