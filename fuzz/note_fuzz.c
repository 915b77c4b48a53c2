/*
 * note_fuzz.c - anything at all as a note, a vkey and a private key.
 *
 * What is read has to be written the same again; a note that is well-formed can be signed once
 * more, and then opens.
 */
#include "bytes.h"
#include "tally/note.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(bool holds)
{
    if (!holds)
        abort();
}

static struct tally_signer
make_signer(const char *name, uint8_t seed_byte)
{
    uint8_t seed[TALLY_SEED_SIZE] = { seed_byte };
    struct tally_signer signer;
    expect(tally_signer_init(name, seed, &signer, NULL) == TALLY_OK);
    return signer;
}

static void
read_keys(const char *text, size_t size)
{
    struct tally_vkey vkey;
    struct tally_signer signer;
    char again[TALLY_SIGNER_TEXT_SIZE];
    if (tally_vkey_parse(text, size, &vkey, NULL) == TALLY_OK) {
        tally_vkey_format(&vkey, again);
        expect(bytes_is(bytes_of(text, size), again));
    }
    if (tally_signer_parse(text, size, &signer, NULL) == TALLY_OK) {
        tally_signer_format(&signer, again);
        expect(bytes_is(bytes_of(text, size), again));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    read_keys(text, size);

    struct tally_signer known = make_signer("example.com/log", 1);
    struct tally_signer adder = make_signer("adder", 2);
    struct tally_vkey vkeys[3] = { known.vkey, adder.vkey, known.vkey };
    vkeys[2].algorithm = TALLY_COSIGNATURE;

    struct tally_note note;
    uint64_t time;
    tally_status status = tally_note_open(text, size, vkeys, 1, &note, NULL);
    expect(status != TALLY_OK || (note.text == text && note.text_size < size));
    tally_status witnessed = tally_cosignature_check(text, size, &vkeys[2], &time, NULL);
    expect((status == TALLY_INVALID) == (witnessed == TALLY_INVALID));

    char *added = malloc(size + TALLY_NOTE_LINE_MAX);
    size_t added_size;
    expect(added != NULL);
    if (tally_note_add_signature(text, size, &adder, added, size + TALLY_NOTE_LINE_MAX, &added_size,
                                 NULL) == TALLY_OK) {
        expect(status != TALLY_INVALID);
        expect(tally_note_open(added, added_size, &vkeys[1], 1, &note, NULL) == TALLY_OK);
        expect(tally_note_open(added, added_size, vkeys, 1, &note, NULL) == status);
    }
    free(added);
    return 0;
}
