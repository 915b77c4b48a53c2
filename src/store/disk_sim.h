/*
 * disk_sim.h - a disk in memory that fails, tears and forgets, for tests.
 *
 * It behaves like disk.h says of the real one, and no better. It can
 *
 *   - fail: disk_sim_fail() lets one call, counted from when it is asked, go wrong in one of
 *     several ways. A test runs once to learn from disk_sim_calls() how many calls there are, and
 *     then once a call and way;
 *   - run out of space: disk_sim_set_space();
 *   - record: from disk_sim_record() on, every write, sync and change of a name is kept in order,
 *     with the notes that the test puts between them ("everything below 17 is acknowledged").
 *     crash_iterator.h makes from the recording every disk that a crash could have left.
 *
 * A failed sync leaves it open for ever whether the unsynced writes are on stable storage: as on
 * Linux they count as clean, so that a later sync of the same file succeeds and writes nothing.
 *
 * Calls are as thread-safe as disk.h says. What is wrong with a test, memory being short included,
 * ends it by abort().
 */
#ifndef DISK_SIM_H
#define DISK_SIM_H

#include "disk.h"

/* Longest name of a file or folder within its folder, its NUL included. */
#define SIM_NAME_SIZE 96

/* An empty disk; close it with disk_close_folder(), after its files. Everything on it is
 * durable. */
struct disk *disk_sim_create(void);

/* The same files with the same bytes (shared until one of the two writes), all durable; no locks,
 * no recording, no faults, unlimited space. What a process that died leaves to the next one. */
struct disk *disk_sim_copy(struct disk *disk);

/* Begins a recording: what is on the disk now counts as durable. An earlier recording is
 * forgotten. */
void disk_sim_record(struct disk *disk);

/* Puts a note into the recording, at this place; the bytes are copied. `kind` and `value` mean what
 * the test wants them to. Without a recording it is not kept. */
void disk_sim_note(struct disk *disk, int kind, uint64_t value, const void *data, size_t size);

/* Operations recorded so far: the crash point that is reached just now. */
size_t disk_sim_operations(const struct disk *disk);

struct sim_note {
    int kind;
    uint64_t value;
    struct bytes data;
};

/* What can go wrong with a call. Those that do not fit a call mean SIM_FAULT_IO. */
enum sim_fault {
    SIM_FAULT_IO,    /* EIO, and nothing was done; a sync: see above */
    SIM_FAULT_FULL,  /* ENOSPC, and nothing was done */
    SIM_FAULT_SHORT, /* a write: the first half is written, then EIO */
    SIM_FAULT_LATE,  /* it was done, and EIO is what the caller hears */
    SIM_FAULT_DEAD,  /* EIO, and so from now on for every call: the disk is gone */
};
#define SIM_FAULTS 5

/* The n-th call from now on goes wrong, 0 being the next. Replaces what was asked before. Every
 * call of disk.h counts but close; disk_read_file() and disk_replace_file() consist of several. */
void disk_sim_fail(struct disk *disk, uint64_t n, enum sim_fault fault);
/* Nothing goes wrong any more, also after SIM_FAULT_DEAD. */
void disk_sim_heal(struct disk *disk);
/* Whether what disk_sim_fail() asked for has come to pass. */
bool disk_sim_failed(const struct disk *disk);
/* Calls since the disk was made. */
uint64_t disk_sim_calls(const struct disk *disk);

/* Room for `size` bytes more; UINT64_MAX is unlimited, as at first. A write beyond it writes what
 * fits and answers ENOSPC. Files that go give theirs back. */
void disk_sim_set_space(struct disk *disk, uint64_t size);

/* What disk_permissions() answers for a file; 0600 at first. */
void disk_sim_set_permissions(struct disk *disk, unsigned permissions);

/* Bytes behind the disk's back: no call, no recording. To flip bits and swap files. The file must
 * be there. */
uint64_t disk_sim_size(struct disk *disk, const char *name);
void disk_sim_peek(struct disk *disk, const char *name, uint64_t offset, void *data, size_t size);
void disk_sim_poke(struct disk *disk, const char *name, uint64_t offset, const void *data,
                   size_t size);

/* Whether any file of the disk holds these bytes: after an erasure none may. */
bool disk_sim_contains(struct disk *disk, const void *data, size_t size);

/* A number for the whole content: equal disks give equal numbers, others different ones but by a
 * chance of 2^-64. */
uint64_t disk_sim_hash(struct disk *disk);

#endif
