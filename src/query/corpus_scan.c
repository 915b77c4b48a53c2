#include "corpus_scan.h"

#include <stdio.h>
#include <stdlib.h>

const char *const corpus_filters[CORPUS_FILTERS] = {
    "",
    "status:failure",
    "control:*",
    "details.n:1 -user_id:u1",
    "index:4400..4700",
    "timestamp:>2026-06-01",
    "user_email:*",
};

void
corpus_scan_begin(struct corpus_scan *scan, struct corpus *corpus, const char *filter,
                  unsigned threads)
{
    const struct filter_options options = { .now = corpus_now() };
    struct scan_source source = corpus_source(corpus, corpus->count);
    struct tally_error error = { .text = "" };
    scan->corpus = corpus;
    if (filter_parse(bytes_text(filter), &options, &scan->filter, &error) != TALLY_OK ||
        scan_create(scan->filter, &source, &scan->scan, &error) != TALLY_OK) {
        (void)fprintf(stderr, "%s: %s\n", filter, error.text);
        abort();
    }
    scan_share(scan->scan, threads);
}

void
corpus_scan_end(struct corpus_scan *scan)
{
    scan_destroy(scan->scan);
    filter_destroy(scan->filter);
}

bool
corpus_scan_matches(const struct corpus_scan *scan, uint64_t index)
{
    const struct corpus *corpus = scan->corpus;
    return filter_match(scan->filter, index, corpus->entries[index].values, corpus->scratch);
}
