/*
 * lockfile.c - the lock that makes one process a trail's only writer.
 */
#include "lockfile.h"

#include "buffer.h"
#include "clock.h"
#include "fault.h"

#include <stdio.h>
#include <unistd.h>

#define NAME_SIZE    96
#define CONTENT_SIZE 512

/* The value of a line "key value" of a lock file, copied; "" where there is none. */
static void
read_line(struct bytes content, const char *key, char *value, size_t capacity)
{
    size_t key_size = strlen(key);
    value[0] = '\0';
    for (size_t at = 0; at < content.size;) {
        const uint8_t *line = content.data + at;
        const uint8_t *end = memchr(line, '\n', content.size - at);
        if (end == NULL)
            return;
        size_t size = (size_t)(end - line);
        if (size > key_size && memcmp(line, key, key_size) == 0 && line[key_size] == ' ') {
            (void)snprintf(value, capacity, "%.*s", (int)(size - key_size - 1),
                           (const char *)line + key_size + 1);
            return;
        }
        at += size + 1;
    }
}

/* Who holds it, for the message. What cannot be read is left out. */
static tally_status
busy_fault(struct disk_file *file, const char *folder, struct tally_error *error)
{
    char content[CONTENT_SIZE], pid[32], command[128];
    size_t size = 0;
    if (disk_read(file, 0, content, sizeof content, &size, NULL) != TALLY_OK)
        size = 0;
    read_line(bytes_of(content, size), "pid", pid, sizeof pid);
    read_line(bytes_of(content, size), "command", command, sizeof command);
    return fault(error, TALLY_BUSY,
                 "%s is being written by process %s (%s): wait until it ends, or record through it",
                 folder, pid[0] == '\0' ? "?" : pid, command[0] == '\0' ? "unknown" : command);
}

/* Tells others who holds the lock. Padded with newlines over what an earlier holder wrote. */
static tally_status
write_holder(struct disk_file *file, const char *command, struct tally_error *error)
{
    char content[CONTENT_SIZE], since[INSTANT_TEXT_MAX];
    size_t since_size = instant_format(clock_now(), 0, since);
    memset(content, '\n', sizeof content);
    int size =
        snprintf(content, sizeof content, "tally lock 1\npid %ld\ncommand %.120s\nsince %.*s\n",
                 (long)getpid(), command, (int)since_size, since);
    content[size] = '\n';
    return disk_write(file, 0, content, sizeof content, error);
}

tally_status
lockfile_take(struct disk *disk, const char *folder, const char *command,
              struct disk_file **lock_out, struct tally_error *error)
{
    char name[NAME_SIZE];
    struct disk_file *file;
    (void)snprintf(name, sizeof name, "%s/lock", folder);
    tally_status status = disk_open(disk, name, DISK_WRITE, &file, error);
    if (status == TALLY_ABSENT)
        status = disk_open(disk, name, DISK_CREATE, &file, error);
    if (status != TALLY_OK)
        return status;
    status = disk_lock(file, error);
    if (status == TALLY_BUSY)
        status = busy_fault(file, folder, error);
    if (status == TALLY_OK)
        status = write_holder(file, command, error);
    if (status != TALLY_OK) {
        disk_close(file);
        return status;
    }
    *lock_out = file;
    return TALLY_OK;
}
