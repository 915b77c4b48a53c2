/*
 * What is asked: values are those of entries, fit the question, and are others for another ask.
 */
#include "find.h"
#include "generate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ENTRIES 2000

static const struct find_question *
question_of(enum find_pick pick)
{
    const struct find_question *question = find_questions;
    while (question->label != NULL && question->pick != pick)
        question++;
    assert_non_null(question->label);
    return question;
}

/* Samples of all of some entries, a second from one to the next. */
static struct find_samples *
make_samples(void)
{
    char path[] = "/tmp/find-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "w");
    assert_non_null(file);
    (void)fprintf(file,
                  "{\"entries\":%d,\"first\":\"2025-01-01T00:00:01.000000Z\","
                  "\"last\":\"2025-01-01T00:33:20.000000Z\"}\n",
                  ENTRIES);
    for (int i = 1; i <= ENTRIES; i++)
        (void)fprintf(file,
                      "{\"index\":%d,\"event\":{\"timestamp\":\"2025-01-01T00:%02d:%02d.000000Z\","
                      "\"id\":\"id-%d\",\"user_id\":\"user-%06d\",\"action\":\"a-%d\","
                      "\"resource_id\":\"r-%d\",\"details\":{%s}}}\n",
                      i, i / 60, i % 60, i, i * 50 - 1, i % 7, i,
                      i % 3 == 0 ? "\"amount\":12.50" : "");
    assert_int_equal(fclose(file), 0);
    struct find_samples *samples = find_samples_read(path);
    (void)unlink(path);
    return samples;
}

static unsigned
number_behind(const char *text, const char *prefix)
{
    assert_memory_equal(text, prefix, strlen(prefix));
    return (unsigned)strtoul(text + strlen(prefix), NULL, 10);
}

static void
values_are_of_one_entry_that_fits(void **state)
{
    (void)state;
    struct find_samples *samples = make_samples();
    for (size_t i = 0; i < 300; i++) {
        struct find_wanted wanted;
        find_wanted(samples, question_of(PICK_ANY), i, &wanted);
        unsigned index = (unsigned)strtoul(wanted.values[WANTED_INDEX], NULL, 10);
        assert_int_equal(number_behind(wanted.values[WANTED_ID], "id-"), index);
        assert_int_equal(number_behind(wanted.values[WANTED_USER], "user-"), index * 50 - 1);

        find_wanted(samples, question_of(PICK_RARE_USER), i, &wanted);
        assert_true(number_behind(wanted.values[WANTED_USER], "user-") >= GENERATE_USERS / 2);
        find_wanted(samples, question_of(PICK_FREQUENT_USER), i, &wanted);
        assert_true(number_behind(wanted.values[WANTED_USER], "user-") < 100);
        find_wanted(samples, question_of(PICK_AMOUNT), i, &wanted);
        assert_string_equal(wanted.values[WANTED_AMOUNT], "12.50");
    }
    find_samples_free(samples);
}

static void
every_entry_is_drawn_once_before_one_is_again(void **state)
{
    (void)state;
    struct find_samples *samples = make_samples();
    static bool drawn[ENTRIES + 1];
    for (size_t i = 0; i < ENTRIES; i++) {
        struct find_wanted wanted;
        find_wanted(samples, question_of(PICK_ANY), i, &wanted);
        size_t index = strtoul(wanted.values[WANTED_INDEX], NULL, 10);
        assert_false(drawn[index]);
        drawn[index] = true;
    }
    find_samples_free(samples);
}

static void
a_part_of_a_word_is_none(void **state)
{
    (void)state;
    struct find_samples *samples = make_samples();
    struct find_wanted wanted;
    find_wanted(samples, question_of(PICK_RARE_WORD), 0, &wanted);
    assert_string_equal(wanted.values[WANTED_TEXT], GENERATE_RARE);
    find_wanted(samples, question_of(PICK_RARE_PART), 0, &wanted);
    const char *part = wanted.values[WANTED_TEXT];
    static const char rare[] = GENERATE_RARE;
    const char *found = strstr(rare, part);
    assert_non_null(found);
    assert_true(found > rare);
    assert_true(found[strlen(part)] != '\0');
    find_samples_free(samples);
}

/* Lists are the same only in the same order, groups in any. */
static void
answers_that_differ_have_other_digests(void **state)
{
    (void)state;
    static const char *const keys[] = { "a", "b" };
    struct find_answer lists[2] = { 0 };
    struct find_answer groups[3] = { 0 };
    for (size_t i = 0; i < 2; i++) {
        find_answer_next(&lists[0], bytes_text(keys[i]));
        find_answer_next(&lists[1], bytes_text(keys[1 - i]));
        find_answer_add(&groups[0], bytes_text(keys[i]), i + 1);
        find_answer_add(&groups[1], bytes_text(keys[1 - i]), 2 - i);
        find_answer_add(&groups[2], bytes_text(keys[i]), 2 - i);
    }
    assert_int_equal(lists[0].rows, 2);
    assert_true(lists[0].digest != lists[1].digest);
    assert_true(groups[0].digest == groups[1].digest);
    assert_true(groups[0].digest != groups[2].digest);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_of_one_entry_that_fits),
        cmocka_unit_test(every_entry_is_drawn_once_before_one_is_again),
        cmocka_unit_test(a_part_of_a_word_is_none),
        cmocka_unit_test(answers_that_differ_have_other_digests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
