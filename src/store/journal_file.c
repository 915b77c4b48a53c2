/*
 * journal_file.c - making a journal file, and what a crash after each step leaves:
 *
 *     write FOLDER/journal/new, header and zeros    a remnant, removed by the next claim
 *     sync it                                       the same
 *     rename it to its number                       a remnant, or a whole file
 *     sync the folder (the caller)                  a whole file
 *
 * It has its size and its space from the beginning, because space that was taken cannot run out
 * under a record. Its zeros are written, because overwriting blocks that were written syncs about
 * twice as fast as blocks that were not; but where records are large, a sync takes its time anyway
 * and twice the bytes would cost more, so they are reserved only, if the file system can. To
 * whoever reads it, also after a crash, that is the same file.
 */
#include "journal_file.h"

#include "fault.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBER_DIGITS 16

static void
make_name(const struct trail_place *place, const char *leaf, char out[DISK_NAME_SIZE])
{
    int size = snprintf(out, DISK_NAME_SIZE, "%s/journal%s", place->folder, leaf);
    assert(size > 0 && size < DISK_NAME_SIZE);
}

void
journal_folder_name(const struct trail_place *place, char out[DISK_NAME_SIZE])
{
    make_name(place, "", out);
}

void
journal_file_name(const struct trail_place *place, uint64_t number, char out[DISK_NAME_SIZE])
{
    char leaf[NUMBER_DIGITS + 2];
    (void)snprintf(leaf, sizeof leaf, "/%016" PRIx64, number);
    make_name(place, leaf, out);
}

static tally_status
check_header(const struct trail_place *place, struct disk_file *file, uint64_t *size_out,
             struct tally_error *error)
{
    uint64_t size;
    tally_status status = disk_size(file, &size, error);
    if (status != TALLY_OK)
        return status;
    uint8_t header[JOURNAL_HEADER_SIZE];
    status = disk_read_all(file, 0, header, sizeof header, error);
    if (status == TALLY_OK)
        status = journal_header_check(header, place->tag, size, file->name, error);
    if (status == TALLY_OK)
        *size_out = size;
    return status;
}

tally_status
journal_file_open(const struct trail_place *place, uint64_t number, enum disk_mode mode,
                  struct disk_file **file_out, uint64_t *size_out, struct tally_error *error)
{
    char name[DISK_NAME_SIZE];
    journal_file_name(place, number, name);
    struct disk_file *file;
    tally_status status = disk_open(place->disk, name, mode, &file, error);
    if (status != TALLY_OK)
        return status;
    status = check_header(place, file, size_out, error);
    if (status != TALLY_OK) {
        disk_close(file);
        return status;
    }
    *file_out = file;
    return TALLY_OK;
}

static tally_status
write_file(const struct trail_place *place, struct disk_file *file, uint64_t size,
           enum journal_zeros zeros, struct tally_error *error)
{
    uint8_t header[JOURNAL_HEADER_SIZE];
    journal_header_encode(place->tag, size, header);
    tally_status status = TALLY_UNSUPPORTED;
    if (zeros == JOURNAL_ZEROS_RESERVED)
        status = disk_reserve(file, size, error);
    if (status == TALLY_UNSUPPORTED)
        status = disk_clear(file, 0, size, error);
    if (status == TALLY_OK)
        status = disk_write(file, 0, header, sizeof header, error);
    if (status == TALLY_OK)
        status = disk_sync(file, error);
    return status;
}

tally_status
journal_file_remove_remnant(const struct trail_place *place, struct tally_error *error)
{
    char name[DISK_NAME_SIZE];
    make_name(place, "/new", name);
    tally_status status = disk_unlink(place->disk, name, error);
    return status == TALLY_ABSENT ? TALLY_OK : status;
}

tally_status
journal_file_create(const struct trail_place *place, uint64_t number, uint64_t size,
                    enum journal_zeros zeros, struct tally_error *error)
{
    char fresh[DISK_NAME_SIZE], name[DISK_NAME_SIZE];
    make_name(place, "/new", fresh);
    journal_file_name(place, number, name);
    tally_status status = journal_file_remove_remnant(place, error);
    if (status != TALLY_OK)
        return status;
    struct disk_file *file;
    status = disk_open(place->disk, fresh, DISK_CREATE, &file, error);
    if (status != TALLY_OK)
        return status;
    status = write_file(place, file, size, zeros, error);
    disk_close(file);
    if (status == TALLY_OK)
        status = disk_rename(place->disk, fresh, name, error);
    if (status != TALLY_OK) {
        tally_status removed = journal_file_remove_remnant(place, NULL);
        (void)removed; /* else the next one made removes it */
    }
    return status;
}

/* The number a name stands for; false where it is not the name of a numbered file. */
static bool
read_number(const char *name, uint64_t *number_out)
{
    if (strlen(name) != NUMBER_DIGITS || strspn(name, "0123456789abcdef") != NUMBER_DIGITS)
        return false;
    *number_out = strtoull(name, NULL, 16);
    return true;
}

static tally_status
add_number(void *context, const char *name, struct tally_error *error)
{
    struct journal_numbers *list = context;
    uint64_t number;
    if (!read_number(name, &number))
        return TALLY_OK;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        uint64_t *numbers = realloc(list->numbers, capacity * sizeof *numbers);
        if (numbers == NULL)
            return memory_fault(error);
        list->numbers = numbers;
        list->capacity = capacity;
    }
    list->numbers[list->count++] = number; /* bytewise order of the names is that of the numbers */
    return TALLY_OK;
}

tally_status
journal_file_list(const struct trail_place *place, struct journal_numbers *numbers_out,
                  struct tally_error *error)
{
    char name[DISK_NAME_SIZE];
    journal_folder_name(place, name);
    struct journal_numbers list = { 0 };
    tally_status status = disk_list(place->disk, name, add_number, &list, error);
    if (status == TALLY_ABSENT)
        status = fault(error, TALLY_DAMAGED, "folder %s is missing", name);
    if (status != TALLY_OK) {
        free(list.numbers);
        return status;
    }
    *numbers_out = list;
    return TALLY_OK;
}
