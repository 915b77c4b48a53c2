#include "field.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* What is written out beside the table is compared with the table. */
static void
rows_are_whole_and_in_canonical_order(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[i];
        assert_in_range(field->name.size, 1, FIELD_NAME_SIZE_MAX);
        if (i > 0)
            assert_true(bytes_compare(fields[i - 1].name, field->name) < 0);

        char key[64];
        int size = snprintf(key, sizeof key, "\"%.*s\":", BYTES_ARG(field->name));
        assert_int_equal(field->key_size, size);
        assert_memory_equal(field->key, key, size);

        assert_int_equal(field->type == TYPE_ENUM, field->values != NULL);
        assert_int_equal(field->type == TYPE_INTEGER, field->high > 0);
        assert_true(field->low <= field->high);
        assert_true(field->since >= 1);
    }
}

static void
masks_agree_with_the_rows(void **state)
{
    (void)state;
    uint64_t private = 0;
    uint64_t server_set = 0;
    uint64_t fixed = 0;
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        private |= fields[i].half == HALF_PRIVATE ? FIELD_BIT(i) : 0;
        server_set |= (fields[i].flags & FIELD_SERVER_SET) != 0 ? FIELD_BIT(i) : 0;
        fixed |= (fields[i].flags & FIELD_MOVABLE) == 0 ? FIELD_BIT(i) : 0;
    }
    assert_true(private == FIELDS_PRIVATE_DEFAULT);
    assert_true(server_set == FIELDS_SERVER_SET);
    assert_true(fixed == FIELDS_FIXED);
    assert_true((private & fixed) == 0);
}

static void
reading_order_has_every_field_once(void **state)
{
    (void)state;
    uint64_t seen = 0;
    for (unsigned i = 0; i < FIELD_COUNT; i++)
        seen |= FIELD_BIT(fields_in_reading_order[i]);
    assert_true(seen == FIELDS_ALL);
}

static void
names_and_aliases_are_found(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        assert_int_equal(field_find(fields[i].name), i);
        assert_int_equal(field_find_alias(fields[i].name), i);
        if (fields[i].alias == NULL)
            continue;
        struct bytes alias = bytes_text(fields[i].alias);
        assert_int_equal(field_find_alias(alias), i);
        assert_int_equal(field_find(alias), FIELD_COUNT); /* never in events */
    }
}

/* Every name with one byte changed, added or taken away is another name. */
static void
near_names_are_not_found(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FIELD_COUNT; i++) {
        uint8_t name[FIELD_NAME_SIZE_MAX + 1];
        size_t size = fields[i].name.size;
        memcpy(name, fields[i].name.data, size);
        name[size] = '_';
        assert_int_equal(field_find(bytes_of(name, size + 1)), FIELD_COUNT);
        for (size_t at = 0; at < size; at++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                name[at] ^= (uint8_t)(1u << bit);
                assert_int_equal(field_find(bytes_of(name, size)), FIELD_COUNT);
                name[at] ^= (uint8_t)(1u << bit);
            }
        }
    }
    assert_int_equal(field_find(bytes_of("", 0)), FIELD_COUNT);
    assert_int_equal(field_find(bytes_of(NULL, 0)), FIELD_COUNT);
}

static void
parameters_stand_for_terms(void **state)
{
    static const struct {
        const char *name;
        enum field_parameter parameter;
    } rows[] = {
        { "from", PARAMETER_FROM },       { "start_date", PARAMETER_FROM },
        { "to", PARAMETER_TO },           { "end_date", PARAMETER_TO },
        { "success", PARAMETER_SUCCESS }, { "timestamp", PARAMETER_NONE },
        { "", PARAMETER_NONE },           { "From", PARAMETER_NONE },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(field_parameter(bytes_text(rows[i].name)), rows[i].parameter);
}

static void
enumerations_are_found_in_any_case(void **state)
{
    static const struct {
        enum field_id field;
        const char *text;
        int value;
    } rows[] = {
        { FIELD_SEVERITY, "low", 0 },   { FIELD_SEVERITY, "CRITICAL", 3 },
        { FIELD_CRUD, "u", 2 },         { FIELD_CRUD, "C", 0 },
        { FIELD_STATUS, "Success", 0 }, { FIELD_STATUS, "succes", -1 },
        { FIELD_STATUS, "", -1 },       { FIELD_STATUS, "success ", -1 },
        { FIELD_STATUS, "err", -1 },    { FIELD_ACTOR_TYPE, "sYsTeM", 2 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(field_enum_find(rows[i].field, bytes_text(rows[i].text)), rows[i].value);
}

static void
words_are_searched_and_numbers_are_not(void **state)
{
    (void)state;
    static const enum field_id searched[] = { FIELD_ACTION, FIELD_ID,      FIELD_STATUS,
                                              FIELD_WRITER, FIELD_DETAILS, FIELD_CONTROL };
    static const enum field_id passed[] = { FIELD_STATUS_CODE, FIELD_RESPONSE_TIME_MS,
                                            FIELD_TIMESTAMP, FIELD_PRIVATE, FIELD_V };
    for (size_t i = 0; i < sizeof searched / sizeof *searched; i++)
        assert_true((fields_searched() & FIELD_BIT(searched[i])) != 0);
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        assert_true((fields_searched() & FIELD_BIT(passed[i])) == 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_whole_and_in_canonical_order),
        cmocka_unit_test(masks_agree_with_the_rows),
        cmocka_unit_test(reading_order_has_every_field_once),
        cmocka_unit_test(names_and_aliases_are_found),
        cmocka_unit_test(near_names_are_not_found),
        cmocka_unit_test(parameters_stand_for_terms),
        cmocka_unit_test(enumerations_are_found_in_any_case),
        cmocka_unit_test(words_are_searched_and_numbers_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
