/*
 * checkpoint_fuzz.c - anything at all as a checkpoint's text and as a signed checkpoint.
 *
 * A text that is read has to be written the same again, and can be signed and opened.
 */
#include "bytes.h"
#include "tally/checkpoint.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(bool holds)
{
    if (!holds)
        abort();
}

static void
round_trip(const struct tally_signer *signer, const char *text, size_t size)
{
    struct tally_checkpoint checkpoint, opened;
    char again[TALLY_CHECKPOINT_TEXT_MAX], note[TALLY_CHECKPOINT_NOTE_MAX];
    size_t again_size, note_size;
    if (tally_checkpoint_parse(text, size, &checkpoint, NULL) != TALLY_OK)
        return;
    expect(tally_checkpoint_format(&checkpoint, again, sizeof again, &again_size, NULL) ==
           TALLY_OK);
    expect(bytes_equal(bytes_of(again, again_size), bytes_of(text, size)));
    expect(tally_checkpoint_sign(&checkpoint, signer, note, sizeof note, &note_size, NULL) ==
           TALLY_OK);
    expect(tally_checkpoint_open(note, note_size, &signer->vkey, checkpoint.origin, &opened,
                                 NULL) == TALLY_OK);
    expect(opened.size == checkpoint.size && tally_hash_equal(&opened.root, &checkpoint.root));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[TALLY_SEED_SIZE] = { 1 };
    struct tally_signer signer;
    struct tally_checkpoint checkpoint;
    expect(tally_signer_init("example.com/log", seed, &signer, NULL) == TALLY_OK);

    round_trip(&signer, (const char *)data, size);
    if (tally_checkpoint_open((const char *)data, size, &signer.vkey, NULL, &checkpoint, NULL) ==
        TALLY_OK)
        expect(strcmp(checkpoint.origin, signer.vkey.name) == 0);
    return 0;
}
