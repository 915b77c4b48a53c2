/*
 * trail_create.c - a trail is made.
 *
 * So that a crash at any point leaves either no trail or a whole one: key, folders, journal with
 * entry 0, checkpoint, manifest; the manifest comes last, and a folder without one is no trail. What
 * a crash left of an earlier attempt is written over, but for the key, which is used again.
 */
#include "trail.h"

#include "fault.h"
#include "json.h"
#include "keyfile.h"
#include "lockfile.h"
#include "random.h"
#include "trail_core.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

void
created_control(const struct tally_vkey *vkey, uint64_t fields_private, struct buffer *out)
{
    char text[TALLY_VKEY_TEXT_SIZE];
    tally_vkey_format(vkey, text);
    buffer_text(out, "{\"format\":1,\"origin\":");
    json_write_string(bytes_text(vkey->name), out);
    buffer_text(out, ",\"private\":[");
    bool first = true;
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        if ((fields_private & FIELD_BIT(f)) == 0)
            continue;
        buffer_text(out, first ? "\"" : ",\"");
        buffer_bytes(out, fields[f].name);
        buffer_text(out, "\"");
        first = false;
    }
    buffer_text(out, "],\"type\":\"created\",\"vkey\":");
    json_write_string(bytes_text(text), out);
    buffer_text(out, "}");
}

static tally_status
make_signer(struct trail *trail, const struct trail_config *config, struct tally_error *error)
{
    tally_status status = keyfile_read(trail->place.disk, trail->name, &trail->signer, error);
    if (status != TALLY_ABSENT)
        return status;
    char origin[TALLY_ORIGIN_MAX + 1];
    if (config->origin != NULL) {
        if (strlen(config->origin) > TALLY_ORIGIN_MAX)
            return fault(error, TALLY_INVALID, "the origin is longer than %d bytes",
                         TALLY_ORIGIN_MAX);
        (void)snprintf(origin, sizeof origin, "%s", config->origin);
    } else {
        uint64_t unique;
        random_bytes(&unique, sizeof unique);
        (void)snprintf(origin, sizeof origin, "tally-%016" PRIx64 "/%s", unique, trail->name);
    }
    uint8_t seed[TALLY_SEED_SIZE];
    random_bytes(seed, sizeof seed);
    status = tally_signer_init(origin, seed, &trail->signer, error);
    sodium_memzero(seed, sizeof seed);
    if (status == TALLY_OK)
        status = keyfile_create(trail->place.disk, trail->name, &trail->signer, error);
    return status;
}

static tally_status
make_folders(struct trail *trail, struct tally_error *error)
{
    static const char *const names[] = { "", "/segments", "/tree" };
    tally_status status = TALLY_OK;
    char name[TRAIL_PATH_MAX + 16];
    for (size_t i = 0; i < sizeof names / sizeof names[0] && status == TALLY_OK; i++) {
        (void)snprintf(name, sizeof name, "%s%s", trail->path, names[i]);
        status = disk_make_folder(trail->place.disk, name, error);
    }
    if (status == TALLY_OK)
        status = disk_sync_folder(trail->place.disk, trail->path, error);
    if (status == TALLY_OK)
        status = disk_sync_folder(trail->place.disk, "trails", error);
    return status;
}

/* A new journal has no records. */
static tally_status
no_record(void *context, const struct journal_record *record, struct tally_error *error)
{
    (void)context;
    return fault(error, TALLY_CONFLICT, "a new journal has record %" PRIu64 " already",
                 record->sequence);
}

/* Entry 0 goes through journal and checkpoint like any other, only that no manifest names them yet.
 */
static tally_status
begin_journal(struct trail *trail, struct tally_error *error)
{
    struct batch *batch = NULL;
    struct buffer control = { 0 };
    created_control(&trail->vkey, trail->fields_private, &control);
    tally_status status = buffer_failed(&control) ? memory_fault(error) : TALLY_OK;
    if (status == TALLY_OK)
        status = batch_create_for(trail->fields_private, "tally", NULL, &batch, error);
    if (status == TALLY_OK)
        status = batch_add_control(batch, buffer_view(&control), error);
    buffer_free(&control);
    if (status == TALLY_OK)
        batch_complete(batch);

    const struct journal_position start = { .file = 1, .sequence = 1 };
    struct journal_tail tail;
    if (status == TALLY_OK)
        status = journal_create(&trail->place, error);
    if (status == TALLY_OK)
        status = journal_read(&trail->place, &start, 0, no_record, NULL, &tail, error);
    if (status == TALLY_OK)
        status = journal_claim(&trail->place, &start, &tail, &trail->journal, &trail->epoch, error);
    if (status == TALLY_OK)
        status =
            journal_append(trail->journal, trail->epoch, 0, 1, buffer_view(&batch->body), error);
    if (status == TALLY_OK) {
        tally_tree_append(&trail->published, &batch->items[0].leaf);
        trail->size = 1;
        status = trail_sign(trail, error);
    }
    batch_destroy(batch);
    if (status == TALLY_OK) {
        struct manifest manifest = {
            .generation = 1,
            .vkey = trail->vkey,
            .fields_private = trail->fields_private,
            .journal = start,
        };
        status = manifest_write(trail->place.disk, trail->path, &manifest, error);
    }
    return status;
}

struct other {
    struct folder *folder;
    const char *name; /* of the trail that is made: of one that is there already it is said later */
    const char *origin;
};

/* disk_name_visitor: a trail that cannot be read has no say. */
static tally_status
check_other(void *context, const char *name, struct tally_error *error)
{
    const struct other *other = context;
    char path[TRAIL_PATH_MAX];
    struct manifest manifest;
    (void)snprintf(path, sizeof path, "trails/%s", name);
    if (!trail_name_valid(name) || strcmp(name, other->name) == 0 ||
        manifest_read(folder_disk(other->folder), path, &manifest, NULL) != TALLY_OK)
        return TALLY_OK;
    bool same = strcmp(manifest.vkey.name, other->origin) == 0;
    manifest_free(&manifest);
    if (!same)
        return TALLY_OK;
    return fault(error, TALLY_CONFLICT, "another trail has the origin %s: give one of its own",
                 other->origin);
}

/* Two trails of one origin have files that fit both, and who remembers the key of one takes the
 * other for a forgery. */
static tally_status
check_origin(struct folder *folder, const char *name, const struct trail_config *config,
             struct tally_error *error)
{
    if (config->origin == NULL)
        return TALLY_OK;
    struct other other = { folder, name, config->origin };
    return folder_list_trails(folder, check_other, &other, error);
}

tally_status
trail_create(struct folder *folder, const char *name, const struct trail_config *config,
             struct tally_vkey *vkey_out, struct tally_error *error)
{
    struct trail *trail;
    tally_status status = trail_init(folder, name, TRAIL_WRITE, &trail, error);
    if (status != TALLY_OK)
        return status;
    status = check_origin(folder, name, config, error);
    if (status == TALLY_OK)
        status = make_folders(trail, error);
    if (status == TALLY_OK)
        status = lockfile_take(trail->place.disk, trail->path, trail->options.command, &trail->lock,
                               error);
    if (status == TALLY_OK) {
        status = trail_is_there(folder, name, error);
        if (status == TALLY_OK)
            status = fault(error, TALLY_CONFLICT, "there is a trail \"%s\" already", name);
        else if (status == TALLY_ABSENT)
            status = make_signer(trail, config, error);
    }
    if (status == TALLY_OK) {
        tally_signer_vkey(&trail->signer, &trail->vkey);
        (void)snprintf(trail->origin, sizeof trail->origin, "%s", trail->vkey.name);
        trail_tag(trail->origin, trail->tag);
        trail->fields_private =
            config->fields_private != 0 ? config->fields_private : FIELDS_PRIVATE_DEFAULT;
        status = begin_journal(trail, error);
    }
    if (status == TALLY_OK)
        *vkey_out = trail->vkey;
    trail_free(trail);
    return status;
}
