/*
 * find_plot - what was measured as a picture: a row for each question, time to the right by its
 * logarithm, and on it a line for each engine with a dot for each size, larger for a larger one. A
 * short line is a question whose cost does not grow; what is left is faster.
 *
 *     find_plot ENGINE:SIZE:FILE... > FILE.svg
 */
#include "find.h"
#include "findings.h"

#include <math.h>

#define WIDTH     960.0
#define LEFT      340.0 /* where time begins: */
#define RIGHT     930.0
#define TOP       92.0
#define ROW       28.0
#define LEAST_MS  0.001
#define DECADES   8 /* to 100 s */
#define LINE_STEP 7.0

static const struct {
    enum engine engine;
    const char *class;
    double offset; /* from the row's middle */
} lines[] = {
    { ENGINE_TRAIL, "t", -LINE_STEP },
    { ENGINE_POSTGRES, "p", 0 },
    { ENGINE_SQLITE, "s", LINE_STEP },
};
#define LINES (sizeof lines / sizeof lines[0])

static double
across(double ms)
{
    double decades = log10((ms < LEAST_MS ? LEAST_MS : ms) / LEAST_MS);
    if (decades > DECADES)
        decades = DECADES;
    return LEFT + decades / DECADES * (RIGHT - LEFT);
}

/* Of the i-th of so many sizes. */
static double
radius(size_t i, size_t count)
{
    return count < 2 ? 4.5 : 2.5 + 3.0 * (double)i / (double)(count - 1);
}

/* Readable on white and on black; what looks at it says which it is. */
static void
print_style(void)
{
    (void)printf("<style>\n"
                 "text { font: 13px system-ui, sans-serif; fill: #24292f }\n"
                 ".small { font-size: 11px; fill: #57606a }\n"
                 ".head { font-size: 16px; font-weight: 600 }\n"
                 ".grid { stroke: #d0d7de } .band { fill: #8c959f; opacity: .09 }\n"
                 ".t { stroke: #d1480a; fill: #d1480a } .p { stroke: #0969c0; fill: #0969c0 }\n"
                 ".s { stroke: #2f8a4c; fill: #2f8a4c } .n { stroke: #8c959f; fill: #8c959f }\n"
                 "line.t, line.p, line.s { stroke-width: 2; opacity: .55 }\n"
                 "@media (prefers-color-scheme: dark) {\n"
                 "text { fill: #e6edf3 } .small { fill: #9ba6b2 } .grid { stroke: #3a424c }\n"
                 ".t { stroke: #ff8a4c; fill: #ff8a4c } .p { stroke: #58a6ff; fill: #58a6ff }\n"
                 ".s { stroke: #56c878; fill: #56c878 }\n"
                 "}\n</style>\n");
}

static void
print_dot(double x, double y, double size, const char *class)
{
    (void)printf("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" class=\"%s\"", x, y, size, class);
}

static void
print_legend(const struct findings *findings)
{
    double x = LEFT;
    (void)printf(
        "<text x=\"16\" y=\"28\" class=\"head\">How long a question takes</text>\n"
        "<text x=\"16\" y=\"48\" class=\"small\">median, warm; further left is faster</text>\n");
    for (size_t i = 0; i < LINES; i++) {
        print_dot(x, 24, 5, lines[i].class);
        (void)printf("/><text x=\"%.1f\" y=\"28\">%s</text>\n", x + 12,
                     engine_titles[lines[i].engine]);
        x += 130;
    }
    x = LEFT;
    for (size_t i = 0; i < findings->size_count; i++) {
        char number[FINDINGS_NUMBER_SIZE];
        findings_number(findings->sizes[i], number);
        print_dot(x, 54, radius(i, findings->size_count), "n");
        (void)printf("/><text x=\"%.1f\" y=\"58\" class=\"small\">%s entries</text>\n", x + 12,
                     number);
        x += 130;
    }
}

static void
print_grid(double bottom)
{
    static const char *const ticks[DECADES + 1] = { "1 µs",   "10 µs", "100 µs", "1 ms", "10 ms",
                                                    "100 ms", "1 s",   "10 s",   "100 s" };
    for (size_t i = 0; i <= DECADES; i++) {
        double x = LEFT + (double)i / DECADES * (RIGHT - LEFT);
        (void)printf("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>"
                     "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" class=\"small\">%s</text>"
                     "\n",
                     x, TOP, x, bottom, x, TOP - 8, ticks[i]);
    }
}

static void
print_line(const struct findings *findings, const char *label, size_t which, double y)
{
    double from = 0;
    double to = 0;
    for (size_t i = 0; i < findings->size_count; i++) {
        double ms = findings_value(findings, lines[which].engine, findings->sizes[i], label, "p50");
        if (ms < 0)
            continue;
        from = from == 0 || across(ms) < from ? across(ms) : from;
        to = across(ms) > to ? across(ms) : to;
    }
    if (to > from)
        (void)printf("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>", from,
                     y, to, y, lines[which].class);
    for (size_t i = 0; i < findings->size_count; i++) {
        uint64_t size = findings->sizes[i];
        double ms = findings_value(findings, lines[which].engine, size, label, "p50");
        char number[FINDINGS_NUMBER_SIZE];
        if (ms < 0)
            continue;
        findings_number(size, number);
        print_dot(across(ms), y, radius(i, findings->size_count), lines[which].class);
        (void)printf("><title>%s, %s, %s entries: %.3g ms</title></circle>\n",
                     engine_titles[lines[which].engine], label, number, ms);
    }
}

static void
print_rows(const struct findings *findings)
{
    double y = TOP + ROW / 2;
    size_t count = 0;
    for (const struct find_question *question = find_questions; question->label != NULL;
         question++, y += ROW, count++) {
        if (count % 2 == 0)
            (void)printf("<rect x=\"8\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"band\"/>"
                         "\n",
                         y - ROW / 2, WIDTH - 16, ROW);
        (void)printf("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT - 16,
                     y + 4.5, question->label);
        for (size_t i = 0; i < LINES; i++)
            print_line(findings, question->label, i, y + lines[i].offset);
    }
}

int
main(int argc, char **argv)
{
    struct findings findings;
    findings_read(argc - 1, argv + 1, &findings);
    size_t rows = 0;
    while (find_questions[rows].label != NULL)
        rows++;
    double bottom = TOP + ROW * (double)rows;
    (void)printf("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" role=\"img\""
                 " aria-label=\"How long questions take\">\n",
                 WIDTH, bottom + 16);
    print_style();
    print_legend(&findings);
    print_grid(bottom);
    print_rows(&findings);
    (void)printf("</svg>\n");
    findings_free(&findings);
    return 0;
}
