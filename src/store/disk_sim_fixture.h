/*
 * disk_sim_fixture.h - for tests of the simulated disk: files of one byte, and every content that
 * the crashes of a run can leave, in words.
 */
#ifndef DISK_SIM_FIXTURE_H
#define DISK_SIM_FIXTURE_H

#include "crash_iterator.h"
#include "fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static inline struct disk_file *
open_file(struct disk *disk, const char *name, enum disk_mode mode)
{
    struct disk_file *file;
    struct tally_error error;
    assert_int_equal(disk_open(disk, name, mode, &file, &error), TALLY_OK);
    return file;
}

/* A file of `size` times `byte`, all durable if a recording begins after it. */
static inline void
make_file(struct disk *disk, const char *name, uint8_t byte, size_t size)
{
    uint8_t *data = test_malloc(size + 1);
    memset(data, byte, size);
    struct disk_file *file = open_file(disk, name, DISK_CREATE);
    assert_int_equal(disk_write(file, 0, data, size, NULL), TALLY_OK);
    disk_close(file);
    test_free(data);
}

static inline void
write_bytes(struct disk *disk, const char *name, uint64_t offset, uint8_t byte, size_t size)
{
    uint8_t *data = test_malloc(size + 1);
    memset(data, byte, size);
    struct disk_file *file = open_file(disk, name, DISK_WRITE);
    assert_int_equal(disk_write(file, offset, data, size, NULL), TALLY_OK);
    disk_close(file);
    test_free(data);
}

static inline tally_status
sync_file(struct disk *disk, const char *name)
{
    struct disk_file *file = open_file(disk, name, DISK_WRITE);
    tally_status status = disk_sync(file, NULL);
    disk_close(file);
    return status;
}

static inline bool
exists(struct disk *disk, const char *name)
{
    struct disk_file *file;
    tally_status status = disk_open(disk, name, DISK_READ, &file, NULL);
    if (status == TALLY_OK)
        disk_close(file);
    return status == TALLY_OK;
}

static inline tally_status
add_name(void *context, const char *name, struct tally_error *error)
{
    (void)error;
    char *text = context;
    strcat(text, name);
    strcat(text, " ");
    return TALLY_OK;
}

/* The whole content of a flat disk in words: "a=111100 b=22 ", one digit for each 256 bytes. */
static inline void
spell(struct disk *disk, char *text, size_t size)
{
    char names[256] = "";
    assert_int_equal(disk_list(disk, "", add_name, names, NULL), TALLY_OK);
    text[0] = '\0';
    char *rest;
    for (char *name = strtok_r(names, " ", &rest); name != NULL;
         name = strtok_r(NULL, " ", &rest)) {
        size_t used = strlen(text);
        used += (size_t)snprintf(text + used, size - used, "%s=", name);
        for (uint64_t at = 0; at < disk_sim_size(disk, name); at += 256) {
            uint8_t byte;
            disk_sim_peek(disk, name, at, &byte, 1);
            used += (size_t)snprintf(text + used, size - used, "%x", byte);
        }
        (void)snprintf(text + used, size - used, " ");
    }
}

#define SET_MAX 4096

/* A set of spelled disks. */
struct set {
    char *texts[SET_MAX];
    size_t count;
};

static inline bool
set_has(const struct set *set, const char *text)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->texts[i], text) == 0)
            return true;
    return false;
}

static inline void
set_add(struct set *set, const char *text)
{
    if (set_has(set, text))
        return;
    assert_true(set->count < SET_MAX);
    set->texts[set->count++] = strdup(text);
}

static inline void
set_free(struct set *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->texts[i]);
    set->count = 0;
}

/* Every disk of the crashes at a point. */
static inline void
crashes_at(struct disk *disk, size_t point, struct set *set)
{
    struct crash_plan plan = { .seed = 1, .first = point, .last = point };
    if (point == 0)
        plan.last = 0;
    struct crash_iterator *iterator = crash_iterator_create(disk, &plan);
    struct crash crash;
    while (crash_iterator_next(iterator, &crash)) {
        if (crash.point != point)
            break;
        char text[512];
        spell(crash.disk, text, sizeof text);
        assert_false(set_has(set, text)); /* duplicates are left out */
        set_add(set, text);
    }
    crash_iterator_destroy(iterator);
}

#endif
