#include "find.h"

#include "clock.h"
#include "quit.h"
#include "samples.h"
#include "traffic.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

/* ---- answers ---- */

#define FNV_PRIME UINT64_C(0x100000001b3)
#define FNV_START UINT64_C(0xcbf29ce484222325)

static uint64_t
hash(uint64_t state, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        state = (state ^ bytes.data[i]) * FNV_PRIME;
    return state;
}

void
find_answer_next(struct find_answer *answer, struct bytes key)
{
    answer->rows++;
    answer->digest = hash((answer->digest ^ FNV_START) * FNV_PRIME, key);
}

void
find_answer_add(struct find_answer *answer, struct bytes key, uint64_t number)
{
    answer->rows++;
    answer->digest += hash((number ^ FNV_START) * FNV_PRIME, key);
}

/* ---- asking ---- */

/* What the asks of one question gave. */
struct asked {
    struct samples times;
    struct samples rows;
    struct samples reads;
    struct samples bytes;
    struct samples disk;
    struct samples metered;
    bool refused;
};

struct finder {
    const struct find_engine *engine;
    const struct find_options *options;
    const struct find_samples *samples;
    const struct find_question *question;
    FILE *answers; /* or NULL */
};

static void
ask(const struct finder *finder, size_t i, struct find_answer *answer, struct asked *asked)
{
    struct find_wanted wanted;
    struct traffic before;
    find_wanted(finder->samples, finder->question, i, &wanted);
    *answer = (struct find_answer){ 0 };
    traffic_now(&before);
    int64_t began = clock_monotonic();
    enum find_outcome outcome =
        finder->engine->ask(finder->engine->context, finder->question, &wanted, answer);
    int64_t taken = clock_monotonic() - began;
    struct traffic traffic = traffic_since(&before);
    samples_add(&asked->times, taken);
    samples_add(&asked->rows, (int64_t)answer->rows);
    samples_add(&asked->reads, (int64_t)traffic.reads);
    samples_add(&asked->bytes, (int64_t)traffic.bytes);
    samples_add(&asked->disk, (int64_t)traffic.disk);
    samples_add(&asked->metered, (int64_t)answer->metered);
    asked->refused |= outcome == FIND_REFUSED;
}

static void
asked_free(struct asked *asked)
{
    samples_free(&asked->times);
    samples_free(&asked->rows);
    samples_free(&asked->reads);
    samples_free(&asked->bytes);
    samples_free(&asked->disk);
    samples_free(&asked->metered);
}

/* Asks `most` values once, as long as there is time, and gives how many: at least one. */
static size_t
ask_all(const struct finder *finder, size_t most, struct asked *asked, FILE *answers)
{
    int64_t until = clock_monotonic() + finder->options->seconds * CLOCK_SECOND / 2;
    size_t i = 0;
    while (i < most && !asked->refused && (i == 0 || clock_monotonic() < until)) {
        struct find_answer answer;
        ask(finder, i, &answer, asked);
        if (answers != NULL && !asked->refused)
            (void)fprintf(answers, "%s\t%zu\t%" PRIu64 "\t%016" PRIx64 "\n",
                          finder->question->label, i, answer.rows, answer.digest);
        i++;
    }
    return i;
}

/* ---- printing ---- */

void
find_print(const char *label, const char *measure, double value)
{
    (void)printf("\"%s\",%s,%.6g\n", label, measure, value);
    (void)fflush(stdout);
}

/* samples_quantile() gives a millionth of what was added. */
static double
median(struct samples *samples)
{
    return samples_quantile(samples, 0.5) * 1e6;
}

static void
print_warm(const struct finder *finder, struct asked *asked)
{
    const char *label = finder->question->label;
    find_print(label, "p50", samples_quantile(&asked->times, 0.5));
    if (asked->times.count >= 100)
        find_print(label, "p99", samples_quantile(&asked->times, 0.99));
    find_print(label, "asks", (double)asked->times.count);
    find_print(label, "rows", median(&asked->rows));
    find_print(label, "reads", median(&asked->reads));
    find_print(label, "bytes", median(&asked->bytes));
}

static void
print_cold(const char *label, struct asked *asked)
{
    find_print(label, "cold", samples_quantile(&asked->times, 0.5));
    find_print(label, "cold-reads", median(&asked->reads));
    find_print(label, "cold-bytes", median(&asked->bytes));
    find_print(label, "metered", median(&asked->metered));
    find_print(label, "disk", median(&asked->disk));
}

static void
ask_warm(const struct finder *finder)
{
    struct asked first = { 0 };
    struct asked asked = { 0 };
    size_t count = ask_all(finder, finder->options->asks, &first, finder->answers);
    if (first.refused) {
        find_print(finder->question->label, "refused", 1);
    } else {
        (void)ask_all(finder, count, &asked, NULL);
        print_warm(finder, &asked);
    }
    asked_free(&first);
    asked_free(&asked);
}

static void
ask_cold(const struct finder *finder)
{
    const struct find_options *options = finder->options;
    struct asked asked = { 0 };
    int64_t until = clock_monotonic() + options->seconds * CLOCK_SECOND;
    for (size_t i = 0; i < options->cold && !asked.refused; i++) {
        if (i > 0 && clock_monotonic() >= until)
            break;
        struct find_answer answer;
        finder->engine->cool(finder->engine->context);
        ask(finder, options->asks + i, &answer, &asked);
    }
    if (asked.times.count > 0 && !asked.refused)
        print_cold(finder->question->label, &asked);
    asked_free(&asked);
}

void
find_run(const struct find_engine *engine, const struct find_options *options)
{
    struct find_samples *samples = find_samples_read(options->samples);
    struct finder finder = { .engine = engine, .options = options, .samples = samples };
    if (options->answers != NULL && (finder.answers = fopen(options->answers, "w")) == NULL)
        quit("cannot write %s", options->answers);
    for (const struct find_question *question = find_questions; question->label != NULL;
         question++) {
        if (options->only != NULL &&
            strncmp(question->label, options->only, strlen(options->only)) != 0)
            continue;
        finder.question = question;
        ask_warm(&finder);
        ask_cold(&finder);
    }
    if (finder.answers != NULL && fclose(finder.answers) != 0)
        quit("cannot write %s", options->answers);
    find_samples_free(samples);
}

/* ---- arguments ---- */

static unsigned
read_number(const char *text)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (end == text || *end != '\0' || number > 1000000)
        quit("%s is no number", text);
    return (unsigned)number;
}

void
find_options_read(int argc, char **argv, struct find_options *options_out)
{
    static const struct option known[] = {
        { "asks", required_argument, NULL, 'a' },    { "cold", required_argument, NULL, 'c' },
        { "seconds", required_argument, NULL, 's' }, { "answers", required_argument, NULL, 'w' },
        { "restart", required_argument, NULL, 'r' }, { "targets", required_argument, NULL, 't' },
        { "only", required_argument, NULL, 'o' },    { NULL, 0, NULL, 0 },
    };
    struct find_options options = { .asks = 200, .cold = 10, .seconds = 10 };
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'a')
            options.asks = read_number(optarg);
        else if (option == 'c')
            options.cold = read_number(optarg);
        else if (option == 's')
            options.seconds = read_number(optarg);
        else if (option == 'w')
            options.answers = optarg;
        else if (option == 'r')
            options.restart = optarg;
        else if (option == 't')
            options.targets = optarg;
        else if (option == 'o')
            options.only = optarg;
        else
            exit(1);
    }
    if (optind + 2 != argc || options.asks == 0)
        quit("usage: %s [--asks N] [--cold N] [--seconds N] [--answers FILE] [--restart COMMAND]"
             " [--targets FILE] [--only LABEL] WHERE SAMPLES",
             program_invocation_short_name);
    options.where = argv[optind];
    options.samples = argv[optind + 1];
    *options_out = options;
}
