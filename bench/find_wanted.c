/*
 * Values as they occur: of entries drawn when the trail was made, some thousand of them evenly over
 * it, so that frequent values are asked for often. Where a question wants certain values only, the
 * entries without one are passed over.
 */
#include "find.h"

#include "clock.h"
#include "generate.h"
#include "quit.h"

#include <jansson.h>
#include <stdlib.h>

#define STRETCH 100000 /* entries of an export */

struct sample {
    unsigned user;
    int64_t time;
    struct find_wanted wanted;
};

struct find_samples {
    uint64_t entries; /* of the trail */
    int64_t first, last;
    struct sample *list;
    size_t count;
};

/* Words that stand in texts and in nothing else of an entry, so that it does not matter where else
 * an engine looks. */
static const char *const common_words[] = {
    "billing", "balance", "contract", "delayed", "monthly", "quarter", "yearly", "missing",
};
#define COMMON_WORDS (sizeof common_words / sizeof common_words[0])

/* ---- reading them ---- */

static int64_t
read_time(const char *text)
{
    struct instant instant;
    const char *reason;
    if (text == NULL || !instant_parse(bytes_text(text), &instant, &reason))
        quit("a sample has no time");
    return instant.ns;
}

static void
put(struct find_wanted *wanted, enum find_value value, const char *text)
{
    if (text != NULL)
        (void)snprintf(wanted->values[value], FIND_VALUE_SIZE, "%s", text);
}

static void
read_sample(const json_t *line, struct sample *sample)
{
    const json_t *event = json_object_get(line, "event");
    const json_t *details = json_object_get(event, "details");
    struct find_wanted *wanted = &sample->wanted;
    *sample = (struct sample){ 0 };
    (void)snprintf(wanted->values[WANTED_INDEX], FIND_VALUE_SIZE, "%lld",
                   (long long)json_integer_value(json_object_get(line, "index")));
    put(wanted, WANTED_ID, json_string_value(json_object_get(event, "id")));
    put(wanted, WANTED_USER, json_string_value(json_object_get(event, "user_id")));
    put(wanted, WANTED_ACTION, json_string_value(json_object_get(event, "action")));
    put(wanted, WANTED_STATUS, "failure");
    put(wanted, WANTED_RESOURCE, json_string_value(json_object_get(event, "resource_id")));
    const char *region = json_string_value(json_object_get(details, "region"));
    put(wanted, WANTED_REGION, region == NULL ? "eu-west-1" : region);
    const json_t *amount = json_object_get(details, "amount");
    if (amount != NULL)
        (void)snprintf(wanted->values[WANTED_AMOUNT], FIND_VALUE_SIZE, "%.2f",
                       json_number_value(amount));
    if (sscanf(wanted->values[WANTED_USER], "user-%u", &sample->user) != 1)
        quit("a sample has no user");
    sample->time = read_time(json_string_value(json_object_get(event, "timestamp")));
}

static void
read_lines(struct find_samples *samples, FILE *file)
{
    char *line = NULL;
    size_t capacity = 0;
    size_t room = 0;
    while (getline(&line, &capacity, file) > 0) {
        json_t *read = json_loads(line, 0, NULL);
        if (read == NULL)
            quit("a sample is no JSON");
        if (samples->entries == 0) {
            samples->entries = (uint64_t)json_integer_value(json_object_get(read, "entries"));
            samples->first = read_time(json_string_value(json_object_get(read, "first")));
            samples->last = read_time(json_string_value(json_object_get(read, "last")));
            json_decref(read);
            continue;
        }
        if (samples->count == room) {
            room = room == 0 ? 1024 : room * 2;
            samples->list = realloc(samples->list, room * sizeof *samples->list);
            if (samples->list == NULL)
                quit("out of memory");
        }
        read_sample(read, &samples->list[samples->count++]);
        json_decref(read);
    }
    free(line);
}

struct find_samples *
find_samples_read(const char *path)
{
    struct find_samples *samples = calloc(1, sizeof *samples);
    FILE *file = fopen(path, "r");
    if (samples == NULL || file == NULL)
        quit("cannot read %s", path);
    read_lines(samples, file);
    (void)fclose(file);
    if (samples->entries == 0 || samples->count == 0)
        quit("there are no samples in %s", path);
    return samples;
}

void
find_samples_free(struct find_samples *samples)
{
    free(samples->list);
    free(samples);
}

/* ---- drawing ---- */

static bool
fits(const struct sample *sample, enum find_pick pick)
{
    switch (pick) {
    case PICK_FREQUENT_USER:
        return sample->user < 100;
    case PICK_RARE_USER:
        return sample->user >= GENERATE_USERS / 2;
    case PICK_AMOUNT:
        return sample->wanted.values[WANTED_AMOUNT][0] != '\0';
    default:
        return true;
    }
}

static size_t
common_divisor(size_t a, size_t b)
{
    while (b > 0) {
        size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The i-th that fits, where one goes through all of them in steps that never visit the same part of
 * the trail twice in a row. Where none fits, any. */
static const struct sample *
draw(const struct find_samples *samples, enum find_pick pick, size_t i)
{
    size_t count = samples->count;
    size_t step = count * 6 / 10 + 1;
    while (common_divisor(step, count) != 1)
        step++;
    size_t at = 0;
    for (size_t tried = 0, met = 0; tried < count || met > 0; tried++) {
        at = (at + step) % count;
        if (fits(&samples->list[at], pick) && met++ == i)
            break;
    }
    return &samples->list[at];
}

static void
put_time(struct find_wanted *wanted, enum find_value value, int64_t time)
{
    size_t size = instant_format(time, 6, wanted->values[value]);
    wanted->values[value][size] = '\0';
}

/* The tenth of all time in whose middle the entry is. */
static void
put_tenth(const struct find_samples *samples, int64_t time, struct find_wanted *wanted)
{
    int64_t half = (samples->last - samples->first) / 20;
    put_time(wanted, WANTED_FROM, time - half);
    put_time(wanted, WANTED_TO, time + half);
}

/* One that begins at the entry or, where there is too little behind it, before. */
static void
put_stretch(const struct find_samples *samples, int64_t time, struct find_wanted *wanted)
{
    int64_t each = (samples->last - samples->first) / (int64_t)samples->entries;
    int64_t from = time;
    if (from > samples->last - STRETCH * each)
        from = samples->last - STRETCH * each;
    put_time(wanted, WANTED_FROM, from);
    put_time(wanted, WANTED_TO, from + STRETCH * each);
}

static void
put_text(enum find_pick pick, size_t i, struct find_wanted *wanted)
{
    bool rare = pick == PICK_RARE_WORD || pick == PICK_RARE_PART;
    bool part = pick == PICK_RARE_PART || pick == PICK_COMMON_PART;
    const char *word = rare ? GENERATE_RARE : common_words[i % COMMON_WORDS];
    (void)snprintf(wanted->values[WANTED_TEXT], FIND_VALUE_SIZE, "%.*s",
                   (int)strlen(word) - (part ? 2 : 0), word + (part ? 1 : 0));
}

void
find_wanted(const struct find_samples *samples, const struct find_question *question, size_t i,
            struct find_wanted *wanted_out)
{
    const struct sample *sample = draw(samples, question->pick, i);
    *wanted_out = sample->wanted;
    put_text(question->pick, i, wanted_out);
    if (question->pick == PICK_STRETCH)
        put_stretch(samples, sample->time, wanted_out);
    else
        put_tenth(samples, sample->time, wanted_out);
}
