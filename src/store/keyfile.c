/*
 * keyfile.c - a trail's signing key in its own file: one line of text, readable by its owner only.
 */
#include "keyfile.h"

#include "buffer.h"
#include "fault.h"

#include <sodium.h>
#include <stdio.h>

#define NAME_SIZE 96

static void
keyfile_name(const char *trail, char name[NAME_SIZE])
{
    (void)snprintf(name, NAME_SIZE, "keys/%s", trail);
}

tally_status
keyfile_create(struct disk *disk, const char *trail, const struct tally_signer *signer,
               struct tally_error *error)
{
    char name[NAME_SIZE], text[TALLY_SIGNER_TEXT_SIZE + 1];
    struct disk_file *file;
    keyfile_name(trail, name);
    tally_status status = disk_make_folder(disk, "keys", error);
    if (status == TALLY_OK)
        status = disk_sync_folder(disk, "", error);
    if (status == TALLY_OK)
        status = disk_open(disk, name, DISK_READ, &file, error);
    if (status == TALLY_OK) {
        disk_close(file);
        return fault(error, TALLY_CONFLICT, "%s is there already and is never replaced", name);
    }
    if (status != TALLY_ABSENT)
        return status;
    tally_signer_format(signer, text);
    size_t size = strlen(text);
    text[size] = '\n';
    /* By rename: a crash leaves the whole key or none. */
    status = disk_replace_file(disk, "keys", name, bytes_of(text, size + 1), error);
    sodium_memzero(text, sizeof text);
    return status;
}

static tally_status
check_permissions(struct disk *disk, const char *name, struct tally_error *error)
{
    struct disk_file *file;
    unsigned permissions = 0;
    tally_status status = disk_open(disk, name, DISK_READ, &file, error);
    if (status != TALLY_OK)
        return status;
    status = disk_permissions(file, &permissions, error);
    disk_close(file);
    if (status == TALLY_OK && (permissions & 077) != 0)
        status = fault(error, TALLY_DENIED,
                       "%s may be read or written by others (mode %04o): run `chmod 600` on it",
                       name, permissions);
    return status;
}

tally_status
keyfile_read(struct disk *disk, const char *trail, struct tally_signer *signer_out,
             struct tally_error *error)
{
    char name[NAME_SIZE];
    struct buffer content = { 0 };
    keyfile_name(trail, name);
    tally_status status = check_permissions(disk, name, error);
    if (status == TALLY_OK)
        status = disk_read_file(disk, name, TALLY_SIGNER_TEXT_SIZE, &content, error);
    if (status == TALLY_OK && content.size > 0 && content.data[content.size - 1] == '\n')
        content.size--;
    if (status == TALLY_OK)
        status = tally_signer_parse((const char *)content.data, content.size, signer_out, error);
    if (status == TALLY_INVALID)
        status =
            fault(error, TALLY_DAMAGED, "%s holds no signing key: restore it from a backup", name);
    if (content.data != NULL)
        sodium_memzero(content.data, content.capacity);
    buffer_free(&content);
    return status;
}
