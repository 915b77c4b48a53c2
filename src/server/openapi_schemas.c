#include "field.h"
#include "openapi.h"

/* Members that no event may bring, beside fields that only Tallystick sets. */
static const char *const reserved[] = { "index", "trail", "leaf" };

static json_t *
enum_of(const char *const *values)
{
    json_t *list = json_array();
    for (size_t i = 0; values[i] != NULL; i++)
        (void)json_array_append_new(list, json_string(values[i]));
    return list;
}

/* What a value of the field is, as an entry has it. */
static json_t *
value_schema(const struct field *field)
{
    switch (field->type) {
    case TYPE_NAME:
        return json_pack("{s:s, s:s, s:i, s:i}", "type", "string", "pattern", "^[A-Za-z0-9._:-]+$",
                         "minLength", 1, "maxLength", (int)field->size_max);
    case TYPE_ENUM:
        return json_pack("{s:s, s:o}", "type", "string", "enum", enum_of(field->values));
    case TYPE_INTEGER:
        return json_pack("{s:s, s:i, s:i}", "type", "integer", "minimum", (int)field->low,
                         "maximum", (int)field->high);
    case TYPE_DECIMAL:
        return json_pack("{s:s, s:i}", "type", "number", "minimum", 0);
    case TYPE_TIME:
        return json_pack("{s:s, s:s}", "type", "string", "format", "date-time");
    case TYPE_OBJECT:
        return json_pack("{s:s}", "type", "object");
    case TYPE_DIGEST:
        return json_pack("{s:s, s:i}", "type", "string", "maxLength", (int)field->size_max);
    case TYPE_TEXT:
        if (field->size_max == 0 || (field->flags & FIELD_CUT) != 0)
            return json_pack("{s:s}", "type", "string");
        return json_pack("{s:s, s:i}", "type", "string", "maxLength", (int)field->size_max);
    }
    return NULL;
}

static json_t *
description_of(const struct field *field)
{
    struct buffer text = { 0 };
    buffer_text(&text, field->half == HALF_PRIVATE
                           ? "Private: can be erased."
                           : "Public: is in the tree, and can never be erased.");
    if ((field->flags & FIELD_MOVABLE) != 0)
        buffer_text(&text, " A trail can be made otherwise.");
    if ((field->flags & FIELD_SERVER_SET) != 0)
        buffer_text(&text, " Set by Tallystick.");
    if ((field->flags & FIELD_CUT) != 0)
        buffer_format(&text, " Cut at %d characters, which is marked.", (int)field->size_max);
    else if (field->type == TYPE_TEXT && field->size_max > 0)
        buffer_format(&text, " At most %d bytes of UTF-8.", (int)field->size_max);
    if (field->alias != NULL)
        buffer_format(&text, " Also called `%s` in filters.", field->alias);
    json_t *string = json_stringn((const char *)text.data, text.size);
    buffer_free(&text);
    return string;
}

/* As an event may bring it: null is as if it were not sent, and enumerations are read in any case. */
static void
loosen(const struct field *field, json_t *schema)
{
    json_t *type = json_pack("[s, s]", json_string_value(json_object_get(schema, "type")), "null");
    (void)json_object_set_new(schema, "type", type);
    if (field->type == TYPE_ENUM)
        (void)json_array_append_new(json_object_get(schema, "enum"), json_null());
}

json_t *
openapi_event_schema(void)
{
    json_t *properties = json_object();
    json_t *names = json_array();
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[fields_in_reading_order[i]];
        const char *name = (const char *)field->name.data;
        if ((field->flags & FIELD_SERVER_SET) != 0) {
            (void)json_array_append_new(names, json_string(name));
            continue;
        }
        json_t *schema = value_schema(field);
        loosen(field, schema);
        (void)json_object_set_new(schema, "description", description_of(field));
        (void)json_object_set_new(properties, name, schema);
    }
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        (void)json_array_append_new(names, json_string(reserved[i]));
    return json_pack("{s:s, s:s, s:o, s:b, s:{s:{s:o}}}", "type", "object", "description",
                     "What an application reports. A member that is no field is kept under "
                     "`details` by its name. What is missing and known is filled in: the type from "
                     "the action, the rest from the type.",
                     "properties", properties, "additionalProperties", 1, "propertyNames", "not",
                     "enum", names);
}

json_t *
openapi_entry_schema(void)
{
    json_t *properties = json_pack("{s:{s:s}}", "index", "$ref", "#/components/schemas/Index");
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[fields_in_reading_order[i]];
        json_t *schema = value_schema(field);
        (void)json_object_set_new(schema, "description", description_of(field));
        (void)json_object_set_new(properties, (const char *)field->name.data, schema);
    }
    json_t *erased = json_pack("{s:b, s:s}", "const", 1, "description",
                               "The private part was erased, which is on record in the trail.");
    (void)json_object_set_new(properties, "erased", erased);
    return json_pack("{s:s, s:s, s:[s, s, s, s, s], s:o, s:b}", "type", "object", "description",
                     "An event with its place in a trail: both parts' members in one object. "
                     "What an entry has not is left out.",
                     "required", "index", "id", "timestamp", "received", "v", "properties",
                     properties, "additionalProperties", 0);
}

json_t *
openapi_movable_schema(void)
{
    json_t *names = json_array();
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[fields_in_reading_order[i]];
        if ((field->flags & FIELD_MOVABLE) != 0)
            (void)json_array_append_new(names, json_string((const char *)field->name.data));
    }
    return json_pack("{s:s, s:o}", "type", "string", "enum", names);
}
