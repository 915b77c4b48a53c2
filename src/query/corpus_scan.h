/*
 * corpus_scan.h - one filter over a corpus, read and planned, for the tests of what scans answer.
 */
#ifndef CORPUS_SCAN_H
#define CORPUS_SCAN_H

#include "corpus.h"

struct corpus_scan {
    struct corpus *corpus;
    struct filter *filter;
    struct scan *scan;
};

/* The whole corpus, with so many threads. Ends the process where something fails. */
void corpus_scan_begin(struct corpus_scan *scan, struct corpus *corpus, const char *filter,
                       unsigned threads);
void corpus_scan_end(struct corpus_scan *scan);

/* Whether an entry matches, by the entry as it went in. */
bool corpus_scan_matches(const struct corpus_scan *scan, uint64_t index);

/* Filters of every kind of access: all, few, many, none. */
#define CORPUS_FILTERS 7
extern const char *const corpus_filters[CORPUS_FILTERS];

#endif
