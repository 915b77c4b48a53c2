/* evidence.c - what control entries say of the trail they stand in. */
#include "evidence.h"

#include "buffer.h"
#include "erased.h"
#include "json_text.h"

#include <stdio.h>

void
evidence_name(const struct evidence *evidence, const char *file, char name[VERIFY_FILE_SIZE])
{
    (void)snprintf(name, VERIFY_FILE_SIZE, "%s/%s", evidence->path, file);
}

/* Entry 0 must say what manifest and checkpoint say. */
static tally_status
check_created(const struct evidence *evidence, struct bytes control, struct judgement *judgement)
{
    const struct manifest *manifest = &evidence->manifest;
    struct bytes name = BYTES("vkey"), token;
    uint8_t text[TALLY_VKEY_TEXT_SIZE * 6];
    size_t size = SIZE_MAX;
    if (control.data != NULL && json_path_find(control, &name, 1, &token) && token.size >= 2 &&
        token.size < sizeof text)
        size = json_text_decode(bytes_of(token.data + 1, token.size - 2), text);
    struct tally_vkey vkey;
    struct tally_error error = { 0 };
    if (size == SIZE_MAX || tally_vkey_parse((const char *)text, size, &vkey, &error) != TALLY_OK)
        return judge(judgement, VERDICT_TAMPERED, 0, 0,
                     "entry 0 does not say how the trail was created");
    struct buffer expected = { 0 };
    created_control(&vkey, manifest->fields_private, &expected);
    bool same = !buffer_failed(&expected) && bytes_equal(buffer_view(&expected), control) &&
                tally_vkey_equal(&vkey, &manifest->vkey);
    buffer_free(&expected);
    if (same)
        return TALLY_OK;
    evidence_name(evidence, "manifest", judgement->file);
    return judge(judgement, VERDICT_TAMPERED, 0, 0,
                 "%s/manifest names another key or other private fields than entry 0",
                 evidence->path);
}

tally_status
evidence_control(const struct evidence *evidence, uint64_t index, struct bytes control,
                 struct erasures *erasures, struct judgement *judgement)
{
    if (index == 0)
        return check_created(evidence, control, judgement);
    if (control.data == NULL)
        return TALLY_OK;
    struct tally_error error = { 0 };
    tally_status status = erased_read(control, &erasures->named, &error);
    if (status == TALLY_OK && index < evidence->erased_through)
        status = erased_read(control, &erasures->done, &error);
    if (status == TALLY_DAMAGED)
        return judge(judgement, VERDICT_TAMPERED, index, index, "%s", error.text);
    return status;
}

tally_status
erasures_join(struct erasures *erasures, const struct erasures *more)
{
    tally_status status = spans_join(&erasures->named, &more->named, NULL);
    return status == TALLY_OK ? spans_join(&erasures->done, &more->done, NULL) : status;
}

void
erasures_finish(struct erasures *erasures)
{
    spans_finish(&erasures->named);
    spans_finish(&erasures->done);
}
