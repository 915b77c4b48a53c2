/*
 * tally prove - a file that proves one entry, and its check without a trail.
 *
 * proof_file.h says what is in the file. Who has the entry from elsewhere checks that instead of
 * what the file brings along (--entry, --leaf).
 */
#include "base64.h"
#include "command.h"
#include "escape.h"
#include "out.h"
#include "proof_file.h"
#include "prove_remote.h"
#include "remote.h"
#include "tally/tlog_proof.h"
#include "where.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command_option options[] = {
    { "trail", "NAME", "the trail (default: main)" },
    { "output", "FILE", "write a file instead of standard output" },
    { "check", "FILE", "check such a file (- is standard input); needs --vkey, no WHERE" },
    { "vkey", "KEY", "the trail's verification key" },
    { "entry", "FILE", "check that this is the entry: its public part's exact bytes" },
    { "leaf", "HEX", "check that this is the entry's leaf hash" },
    REMOTE_OPTIONS,
    { NULL, NULL, NULL },
};

/* ---- making a proof ---- */

static int
read_index(const char *text, uint64_t *index_out)
{
    char *end;
    errno = 0;
    unsigned long long index = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
        return fail(MISUSED, "\"%s\" is no index: indexes are numbers from 0 up", text);
    *index_out = index;
    return DONE;
}

static int
prove_entry(const struct where *where, uint64_t index, struct out *out)
{
    struct tally_error error = { 0 };
    struct snapshot *snapshot;
    if (snapshot_open(where->trail, &snapshot, &error) != TALLY_OK)
        return where_fault(where, &error);

    uint64_t size = snapshot_size(snapshot);
    struct bytes note;
    uint64_t signed_size = snapshot_checkpoint(snapshot, &note)->size;
    int outcome = DONE;
    if (index >= size)
        outcome = fail(NOT_THERE, "there is no entry %llu: the trail has size %llu",
                       (unsigned long long)index, (unsigned long long)size);
    else if (index >= signed_size)
        outcome =
            fail(UNABLE, "entry %llu is not covered by a checkpoint yet; try again in a moment",
                 (unsigned long long)index);
    else if (proof_file_write(snapshot, index, &out->stream.buffer, &error) != TALLY_OK)
        outcome = where_fault(where, &error);
    snapshot_close(snapshot);
    return outcome;
}

static int
run_prove(const struct invocation *invocation)
{
    static const char *const missing[] = {
        WHERE_MISSING,
        "INDEX is missing, the place of the entry to prove; --check FILE checks a proof",
        NULL,
    };
    uint64_t index = 0;
    int outcome = operands_expect(invocation, missing, 2);
    if (outcome == DONE)
        outcome = read_index(invocation->operands[1], &index);
    if (outcome != DONE)
        return outcome;

    if (where_is_url(invocation->operands[0]))
        return prove_remote(invocation, index);
    struct where where;
    outcome = where_open_trail(invocation, TRAIL_READ, &where);
    if (outcome != DONE)
        return outcome;
    struct out out;
    outcome = out_open_file(&out, option_value(invocation, "output"));
    if (outcome == DONE)
        outcome = out_finish(&out, prove_entry(&where, index, &out));
    return where_close(&where, outcome);
}

/* ---- checking one ---- */

/* Appends a whole file of at most `size_max` bytes. */
static int
read_file(const char *path, size_t size_max, struct buffer *text)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    if (file == NULL)
        return fail(UNABLE, "cannot open %s: %s", path, strerror(errno));
    uint8_t *room = buffer_reserve(text, size_max + 1);
    size_t size = room == NULL ? 0 : fread(room, 1, size_max + 1, file);
    bool failed = ferror(file) != 0;
    if (!standard)
        (void)fclose(file);
    if (room == NULL)
        return fail(UNABLE, "out of memory");
    if (failed)
        return fail(UNABLE, "cannot read %s", path);
    if (size > size_max)
        return fail(MISUSED, "%s is too large to be what it should be", path);
    text->size += size;
    return DONE;
}

/* What is being checked. */
struct claim {
    struct buffer text;  /* the proof */
    struct buffer entry; /* the entry's public part: the proof's extra bytes, or --entry */
    struct tally_hash leaf;
    struct tally_vkey vkey;
};

/* The leaf hash to look for: of --leaf, of --entry, else of what the proof brings along. */
static int
find_leaf(const struct invocation *invocation, struct claim *claim)
{
    const char *leaf = option_value(invocation, "leaf");
    if (leaf != NULL) {
        if (!hex_decode(bytes_text(leaf), claim->leaf.bytes, TALLY_HASH_SIZE))
            return fail(MISUSED, "--leaf takes 64 hexadecimal digits");
        return DONE;
    }

    const char *path = option_value(invocation, "entry");
    if (path != NULL) {
        int outcome = read_file(path, TALLY_TLOG_PROOF_EXTRA_MAX + 1, &claim->entry);
        if (outcome != DONE)
            return outcome;
        /* Tools end a text with a line end; a public part never has one. */
        if (claim->entry.size > 0 && claim->entry.data[claim->entry.size - 1] == '\n')
            claim->entry.size--;
    } else {
        uint8_t *room = buffer_reserve(&claim->entry, TALLY_TLOG_PROOF_EXTRA_MAX);
        if (room == NULL)
            return fail(UNABLE, "out of memory");
        struct tally_tlog_proof file;
        struct tally_error error = { 0 };
        if (tally_tlog_proof_parse((const char *)claim->text.data, claim->text.size, room, &file,
                                   &error) != TALLY_OK)
            return (void)fail_with(&error, NULL), DISPROVED;
        if (file.extra == NULL)
            return fail(MISUSED,
                        "the proof does not bring the entry along; give it with --entry or "
                        "--leaf");
        claim->entry.size = file.extra_size;
    }
    tally_hash_leaf(claim->entry.data, claim->entry.size, &claim->leaf);
    return DONE;
}

static int
check_claim(const struct claim *claim, struct out *out)
{
    struct tally_tlog_proof_expected expected = { .leaf = claim->leaf, .vkey = &claim->vkey };
    struct tally_error error = { 0 };
    uint64_t index;
    struct tally_checkpoint checkpoint;
    tally_status status = tally_tlog_proof_check((const char *)claim->text.data, claim->text.size,
                                                 &expected, &index, &checkpoint, &error);
    if (status == TALLY_NO_MEMORY)
        return fail_with(&error, NULL);
    if (status != TALLY_OK)
        return fail(DISPROVED, "the proof fails: %s", error.text);

    struct buffer *text = &out->stream.buffer;
    buffer_format(text, "entry %llu of ", (unsigned long long)index);
    escape_text(bytes_text(checkpoint.origin), text);
    buffer_format(text, " is proved: it is in the tree of size %llu, signed by ",
                  (unsigned long long)checkpoint.size);
    escape_text(bytes_text(claim->vkey.name), text);
    buffer_format(text, "+%08x\n", claim->vkey.id);
    if (claim->entry.size > 0) {
        escape_json(buffer_view(&claim->entry), text);
        buffer_byte(text, '\n');
    }
    return DONE;
}

static int
check_file(const struct invocation *invocation, struct claim *claim, struct out *out)
{
    const char *vkey = option_value(invocation, "vkey");
    struct tally_error error = { 0 };
    if (tally_vkey_parse(vkey, strlen(vkey), &claim->vkey, &error) != TALLY_OK)
        return (void)fail_with(&error, "--vkey"), MISUSED;
    int outcome =
        read_file(option_value(invocation, "check"), TALLY_TLOG_PROOF_SIZE_MAX, &claim->text);
    if (outcome == DONE)
        outcome = find_leaf(invocation, claim);
    return outcome == DONE ? check_claim(claim, out) : outcome;
}

static int
run_check(const struct invocation *invocation)
{
    if (option_value(invocation, "vkey") == NULL)
        return misused(invocation, "--check needs --vkey: a proof proves nothing but by a key that "
                                   "you know from elsewhere");
    if (invocation->operand_count > 0)
        return misused(invocation, "--check needs no data folder");
    if (option_given(invocation, "entry") && option_given(invocation, "leaf"))
        return misused(invocation, "--entry and --leaf say the same: give one of them");

    struct claim claim = { 0 };
    struct out out;
    out_open(&out);
    int outcome = out_finish(&out, check_file(invocation, &claim, &out));
    buffer_free(&claim.text);
    buffer_free(&claim.entry);
    return outcome;
}

static int
run(const struct invocation *invocation)
{
    return option_given(invocation, "check") ? run_check(invocation) : run_prove(invocation);
}

const struct command command_prove = {
    .name = "prove",
    .operands = "WHERE INDEX | --check FILE --vkey KEY",
    .summary = "write a file that proves an entry, or check one offline",
    .text = "The file (C2SP tlog-proof) has the entry's public part, its inclusion proof and the "
            "signed checkpoint. The check needs nothing but the file and the trail's "
            "verification key.",
    .options = options,
    .run = run,
};
