/*
 * receipts.h - recording over HTTP on a stage, with answers that are JSON and receipts that are held
 * against the trail.
 *
 * What cannot happen fails the test (cmocka). Every reply's JSON is the caller's.
 */
#ifndef RECEIPTS_H
#define RECEIPTS_H

#include "answered.h"
#include "stage.h"
#include "tally/hash.h"

/* A group's stage, made and removed; for cmocka_run_group_tests(). */
extern struct stage stage;
int receipts_begin(void **state);
int receipts_end(void **state);

/* Starts the server, on a disk that breaks when receipts_disk_is() says so (broken_disk.c). */
void receipts_start(const char *setting);
void receipts_disk_is(const char *what);

/* On the stage. */
struct reply ask(const struct http_request *request);

/* A POST to /api/events. */
struct reply post(const char *query, const char *headers, struct bytes body);
/* One that must have this status. */
json_t *must_post(unsigned status, const char *query, const char *headers, const char *body);
void refused(unsigned status, const char *query, const char *headers, const char *body);

json_int_t trail_size_now(void);

/* The leaf of a public part, in hexadecimal. */
void leaf_of(const char *public_part, char leaf_out[2 * TALLY_HASH_SIZE + 1]);

/* What the trail has at the receipt's index has the receipt's leaf, and this member. */
void check_receipt(const json_t *receipt, const char *member);

/* A case for the end: the server stops well, and the folder is verified. */
void all_of_it_is_intact(void **state);

#endif
