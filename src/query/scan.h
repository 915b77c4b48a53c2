/*
 * scan.h - find the entries that match a filter, by columns.
 *
 * A scan is a filter made ready to run over the runs of a snapshot. It skips runs by their times,
 * pages by what is known of them, decides repeated values once, and reads a column only for rows
 * that nothing cheaper has ruled out. A scan belongs to one thread at a time, which may have others help
 * (scan_share). Memory is bounded: what the run readers hold and a byte for each distinct value of
 * one run, for each thread, and the page of hits the caller asked for.
 *
 *     struct scan_place place = SCAN_START;
 *     do {
 *         status = scan_list(scan, ORDER_INDEX, &place, hits, capacity, &list, error);
 *         … list.count hits …
 *         place = list.next;
 *     } while (list.more);
 *
 * is an export in constant memory: a list goes on where the one before it ended.
 */
#ifndef SCAN_H
#define SCAN_H

#include "plan.h"

struct snapshot;

/* Where a scan finds its runs: a snapshot's, or a test's. Runs stand in order of index; `run` is
 * called by several threads at once. */
struct scan_source {
    void *context;
    size_t run_count;
    const struct run *(*run)(void *context, size_t i);
    /* A reader of the i-th run, lent until the next call. */
    tally_status (*reader)(void *context, size_t i, struct run_reader **reader_out,
                           struct tally_error *error);
    /* Told what the readers that the scan had of its own have read; NULL: nobody wants to know. */
    void (*metered)(void *context, const struct run_meter *meter);
    /* Up to 64 runs beside each other that are asked together for tokens (token.h). Groups stand in
     * order of their runs; there may be none. `probe` says which of the i-th group's runs may have
     * one of the tokens, a bit each, and counts what it reads; by several threads at once. */
    size_t group_count;
    void (*group)(void *context, size_t i, size_t *run_out, unsigned *count_out);
    tally_status (*probe)(void *context, size_t i, const struct token_sought *tokens, size_t count,
                          struct run_meter *meter, uint64_t *runs_out, struct tally_error *error);
};

/* The snapshot is lent for as long as the source is used. */
struct scan_source scan_snapshot(struct snapshot *snapshot);

struct scan;

/* `filter` is lent for the scan's life, as is what the source reads. Caller owns. */
TALLY_MUST_CHECK tally_status scan_create(const struct filter *filter,
                                          const struct scan_source *source, struct scan **scan_out,
                                          struct tally_error *error);
void scan_destroy(struct scan *scan); /* NULL is allowed */

/* Has `check` asked before every page that is looked at, which is every millisecond or so, and behind
 * every run that is counted: anything but TALLY_OK ends what the scan does, and is its status. For
 * who waits no longer. */
typedef tally_status scan_check(void *context, struct tally_error *error);
void scan_watch(struct scan *scan, scan_check *check, void *context);

/* How many threads may work on one question at once, the caller's own among them: 1 to
 * SCAN_THREADS_MAX, more count as so many; 1 unless this is called. The check of scan_watch() is then
 * asked by all of them, one at a time. */
#define SCAN_THREADS_MAX 16u
void scan_share(struct scan *scan, unsigned threads);

/* As many as there are processors, but so few that one question leaves some to others. */
unsigned scan_threads_usual(void);

/* Entries are ordered by the earlier of `timestamp` and `received`, equal ones by index; or by
 * index alone. The numbers stand in cursors. */
enum scan_order {
    ORDER_TIME_DOWN = 1, /* newest first: "-time" */
    ORDER_TIME = 2,      /* "time" */
    ORDER_INDEX = 3,     /* "index" */
    ORDER_INDEX_DOWN = 4 /* "-index" */
};

/* The order of a name ("-time", "time", "index", "-index"); TALLY_INVALID for another. */
TALLY_MUST_CHECK tally_status scan_order_read(struct bytes name, enum scan_order *order_out,
                                              struct tally_error *error);

/* An entry that matches, and its place in either order. */
struct scan_hit {
    int64_t time; /* the earlier of timestamp and received, nanoseconds since 1970 */
    uint64_t index;
};

/* Where a list begins: at the start, or behind a hit of the list before it. */
struct scan_place {
    bool begun;
    struct scan_hit last;
};

#define SCAN_START ((struct scan_place){ 0 })

/* Hits a list may hold. */
#define SCAN_LIST_MAX 65536u

struct scan_list {
    size_t count;
    bool more; /* there are hits behind these */
    struct scan_place
        next; /* behind the last of these; the place it began at where there is none */
};

/* The next hits in an order, at most `capacity` (1 to SCAN_LIST_MAX), into `hits`. Faults of the
 * runs are passed up. */
TALLY_MUST_CHECK tally_status scan_list(struct scan *scan, enum scan_order order,
                                        const struct scan_place *place, struct scan_hit *hits,
                                        size_t capacity, struct scan_list *list_out,
                                        struct tally_error *error);

/* How many entries match. */
TALLY_MUST_CHECK tally_status scan_count(struct scan *scan, uint64_t *count_out,
                                         struct tally_error *error);

/* One page's rows that match, for who counts or sums by columns (stats.h). Pages without a match are
 * passed over. */
struct scan_page {
    size_t run;                /* of the source */
    struct run_reader *reader; /* of that run: other columns are read with it */
    uint64_t first;            /* index of the run's first entry */
    uint32_t page;
    uint32_t count; /* of rows that match, at least 1 */
    const struct row_set *found;
    struct scan_rows *rows; /* for scan_page_rows() */
};
/* The rows that match, ascending, within the page: count of them, lent like the page. They are listed
 * when somebody asks first. */
const uint16_t *scan_page_rows(const struct scan_page *page);

/* Called once a page; a status other than TALLY_OK ends the scan and is returned. The page is lent
 * until it returns. */
typedef tally_status (*scan_visitor)(void *context, const struct scan_page *page,
                                     struct tally_error *error);

/* What is visited. Where `run` is not NULL, each run is first offered to it by its counts
 * (scan_counts.h), if those may tell: where it takes it, no page of it is visited; with TALLY_ABSENT
 * it declines. */
struct scan_counts;
struct scan_visits {
    scan_visitor page;
    tally_status (*run)(void *context, const struct scan_counts *counts, struct tally_error *error);
};

/* Visits by `threads` threads (1 to SCAN_THREADS_MAX), the caller's among them: contexts[k] is given
 * to visitors on the k-th of them only, and what they gathered is for the caller to put together. A
 * run is visited by one thread, page by page; a thread visits its runs in order of index, and may
 * get none. The first failure of any, also of a visitor or of scan_watch()'s check, ends all and is
 * returned, after all have ended. */
TALLY_MUST_CHECK tally_status scan_visit(struct scan *scan, unsigned threads,
                                         const struct scan_visits *visits, void *const *contexts,
                                         struct tally_error *error);

/* Runs for each thread at least, or starting it does not pay. */
#define SCAN_RUNS_SHARED_MIN 2u

/* With how many threads scan_visit() is worth calling: those of scan_share(), fewer where
 * there are few runs. */
unsigned scan_threads(const struct scan *scan);

/* What became of the runs and of the pages that there were for a scan to look at. */
enum scan_fate {
    FATE_PASSED,    /* not looked at: beyond the times or indexes asked for, or the list was full */
    FATE_RULED_OUT, /* by what is known of it without reading it */
    FATE_COUNTED,   /* how often values occur in the run told enough */
    FATE_ASKED,
    FATE_COUNT,
};

extern const char *const scan_fate_names[FATE_COUNT];

/* What a scan has done since it was made. Lists and counts add up: each looks at every run anew. */
struct scan_account {
    uint64_t runs[FATE_COUNT];
    uint64_t pages[FATE_COUNT];
    uint64_t matches; /* in the pages that were asked; a list may need fewer */
};

const struct scan_account *scan_account(const struct scan *scan);

/* How each term was asked, as plan_terms() has it. */
size_t scan_terms(const struct scan *scan, struct plan_term terms_out[PLAN_TERMS_MAX]);

#endif
