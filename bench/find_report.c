/*
 * find_report - what was measured as Markdown: a table for each size, and one of how what is read
 * grows with it.
 *
 *     find_report ENGINE:SIZE:FILE...
 */
#include "find.h"
#include "findings.h"

#include <math.h>
#include <string.h>

static const enum engine peers[] = { ENGINE_POSTGRES, ENGINE_SQLITE };
#define PEERS (sizeof peers / sizeof peers[0])

/* Three digits that say something. */
static void
print_number(double value)
{
    char text[FINDINGS_NUMBER_SIZE];
    if (value >= 1000) {
        findings_number((uint64_t)llround(value), text);
        (void)printf("%s", text);
    } else {
        (void)printf("%.*f", value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3, value);
    }
}

static void
print_cell(double value)
{
    (void)printf(" ");
    if (value >= 0)
        print_number(value);
    (void)printf(" |");
}

/* ---- one size ---- */

struct column {
    const struct findings *findings;
    enum engine engine;
    uint64_t size;
};

static double
value(const struct column *column, const char *label, const char *measure)
{
    return findings_value(column->findings, column->engine, column->size, label, measure);
}

/* "p50 / p99", with what makes it doubtful. */
static void
print_warm(const struct column *column, const char *label)
{
    double median = value(column, label, "p50");
    double high = value(column, label, "p99");
    double asks = value(column, label, "asks");
    (void)printf(" ");
    if (value(column, label, "refused") > 0)
        (void)printf("refused");
    if (median >= 0)
        print_number(median);
    if (high >= 0) {
        (void)printf(" / ");
        print_number(high);
    }
    if (asks >= 0 && asks < 5)
        (void)printf(" (of %.0f)", asks);
    (void)printf(" |");
}

/* How many times faster ours is; "1/n" where it is slower. */
static void
print_times(double ratio)
{
    bool faster = ratio >= 1;
    double times = faster ? ratio : 1 / ratio;
    (void)printf(faster ? " " : " 1/");
    if (times < 10)
        (void)printf("%.1f", times);
    else if (times < 1000)
        (void)printf("%.0f", times);
    else
        print_number(times);
    (void)printf(faster ? "× |" : " |");
}

static void
print_question(const struct findings *findings, uint64_t size, const char *label)
{
    struct column ours = { findings, ENGINE_TRAIL, size };
    struct column http = { findings, ENGINE_HTTP, size };
    double own = value(&ours, label, "p50");
    (void)printf("| %s |", label);
    print_warm(&ours, label);
    print_cell(value(&ours, label, "cold"));
    print_cell(value(&http, label, "p50"));
    for (size_t i = 0; i < PEERS; i++) {
        struct column peer = { findings, peers[i], size };
        double median = value(&peer, label, "p50");
        print_warm(&peer, label);
        print_cell(value(&peer, label, "cold"));
        if (median > 0 && own > 0) {
            print_times(median / own);
        } else {
            (void)printf(" |");
        }
    }
    (void)printf("\n");
}

/* Rates, sizes and what a filling took. */
static void
print_rest(const struct findings *findings, uint64_t size)
{
    static const struct {
        enum engine engine;
        const char *label, *measure, *unit;
    } rest[] = {
        { ENGINE_TRAIL, "recording, all sealed", "seconds", "s" },
        { ENGINE_TRAIL, "on disk", "size", "bytes an entry" },
        { ENGINE_TRAIL, "verification", "rate", "entries/s" },
        { ENGINE_POSTGRES, "loading", "seconds", "s" },
        { ENGINE_POSTGRES, "indexing", "seconds", "s" },
        { ENGINE_POSTGRES, "on disk", "size", "bytes an entry" },
        { ENGINE_SQLITE, "loading", "seconds", "s" },
        { ENGINE_SQLITE, "indexing", "seconds", "s" },
        { ENGINE_SQLITE, "on disk", "size", "bytes an entry" },
    };
    (void)printf("\n");
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
        double found =
            findings_value(findings, rest[i].engine, size, rest[i].label, rest[i].measure);
        if (found < 0)
            continue;
        (void)printf("- %s, %s: ", engine_titles[rest[i].engine], rest[i].label);
        print_number(found);
        (void)printf(" %s\n", rest[i].unit);
    }
}

static void
print_size(const struct findings *findings, uint64_t size)
{
    char number[FINDINGS_NUMBER_SIZE];
    findings_number(size, number);
    (void)printf("\n### %s entries\n\n", number);
    (void)printf(
        "Milliseconds, p50 / p99 warm; ×: how many times faster Tallystick is, 1/n: slower.\n\n");
    (void)printf("| | Tallystick | cold | over HTTP |");
    for (size_t i = 0; i < PEERS; i++)
        (void)printf(" %s | cold | × |", engine_titles[peers[i]]);
    (void)printf("\n|---|---:|---:|---:|");
    for (size_t i = 0; i < PEERS; i++)
        (void)printf("---:|---:|---:|");
    (void)printf("\n");
    for (const struct find_question *question = find_questions; question->label != NULL; question++)
        print_question(findings, size, question->label);
    print_question(findings, size, "opening");
    print_rest(findings, size);
}

/* ---- growth ---- */

/* "reads / KiB" */
static void
print_reads(double reads, double bytes)
{
    (void)printf(" ");
    if (reads >= 0 && bytes >= 0) {
        print_number(reads);
        (void)printf(" / ");
        print_number(bytes / 1024);
    }
    (void)printf(" |");
}

/* How many times as much at the largest size as at the smallest. */
static void
print_ratio(const struct findings *findings, const char *label, const char *measure)
{
    uint64_t first = findings->sizes[0];
    uint64_t last = findings->sizes[findings->size_count - 1];
    double least = findings_value(findings, ENGINE_TRAIL, first, label, measure);
    double most = findings_value(findings, ENGINE_TRAIL, last, label, measure);
    if (least > 0 && most >= 0)
        (void)printf(" %.2f× |", most / least);
    else
        (void)printf(" |");
}

static void
print_growth(const struct findings *findings, const char *label)
{
    (void)printf("| %s |", label);
    for (size_t i = 0; i < findings->size_count; i++) {
        struct column ours = { findings, ENGINE_TRAIL, findings->sizes[i] };
        double disk = value(&ours, label, "disk");
        print_reads(value(&ours, label, "reads"), value(&ours, label, "bytes"));
        print_reads(value(&ours, label, "cold-reads"), value(&ours, label, "cold-bytes"));
        print_cell(disk < 0 ? -1 : disk / 4096);
    }
    if (findings->size_count > 1) {
        print_ratio(findings, label, "bytes");
        print_ratio(findings, label, "cold-bytes");
        print_ratio(findings, label, "disk");
    }
    (void)printf("\n");
}

/* The kernel counts all that the process reads, the store what it reads of segments: the one is a
 * check of the other. */
static void
print_check(const struct findings *findings)
{
    double widest = 0;
    const char *where = "";
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        double metered =
            findings_value(findings, finding->engine, finding->size, finding->label, "metered");
        if (finding->engine == ENGINE_TRAIL && strcmp(finding->measure, "cold-bytes") == 0 &&
            finding->value - metered > widest) {
            widest = finding->value - metered;
            where = finding->label;
        }
    }
    if (widest <= 0) {
        (void)printf("\nThe store counts as much as the kernel does.\n");
        return;
    }
    (void)printf("\nThe kernel counts up to ");
    print_number(widest / 1024);
    (void)printf(" KiB more than the store does (%s).\n", where);
}

static void
print_all_growth(const struct findings *findings)
{
    (void)printf(
        "\n### What Tallystick reads\n\n"
        "Medians, of files: reads / KiB of an ask, whether the kernel had them or not; pages:"
        " 4 KiB each, fetched\nfrom the disk, with what the kernel reads ahead. Cold: the"
        " trail was opened just before, nothing of it is in\nmemory. Growth: the largest"
        " size by the smallest.\n\n|");
    for (size_t i = 0; i < findings->size_count; i++) {
        char number[FINDINGS_NUMBER_SIZE];
        findings_number(findings->sizes[i], number);
        (void)printf(" | %s: warm | cold | pages", number);
    }
    (void)printf("%s |\n|---|",
                 findings->size_count > 1 ? " | growth: warm KiB | cold KiB | pages" : "");
    size_t columns = 3 * findings->size_count + (findings->size_count > 1 ? 3 : 0);
    for (size_t i = 0; i < columns; i++)
        (void)printf("---:|");
    (void)printf("\n");
    for (const struct find_question *question = find_questions; question->label != NULL; question++)
        print_growth(findings, question->label);
    print_check(findings);
}

int
main(int argc, char **argv)
{
    struct findings findings;
    findings_read(argc - 1, argv + 1, &findings);
    for (size_t i = 0; i < findings.size_count; i++)
        print_size(&findings, findings.sizes[i]);
    print_all_growth(&findings);
    findings_free(&findings);
    return 0;
}
