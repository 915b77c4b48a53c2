#include "docs_html.h"

void
html_text(struct buffer *out, const char *text)
{
    bool code = false;
    for (; text != NULL && *text != '\0'; text++) {
        switch (*text) {
        case '&':
            buffer_text(out, "&amp;");
            break;
        case '<':
            buffer_text(out, "&lt;");
            break;
        case '>':
            buffer_text(out, "&gt;");
            break;
        case '"':
            buffer_text(out, "&quot;");
            break;
        case '`':
            code = !code;
            buffer_text(out, code ? "<code>" : "</code>");
            break;
        default:
            buffer_byte(out, (uint8_t)*text);
        }
    }
    if (code)
        buffer_text(out, "</code>");
}

const char *
html_member(json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

const char *
html_reference(json_t *node)
{
    const char *path = html_member(node, "$ref");
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    return slash == NULL ? NULL : slash + 1;
}

/* ---- types ---- */

/* A value as JSON has it, but texts without quotes. */
static void
put_value(struct buffer *out, json_t *value)
{
    if (json_is_integer(value))
        buffer_format(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        buffer_text(out, json_is_true(value) ? "true" : "false");
    else
        html_text(out, json_is_null(value) ? "null" : json_string_value(value));
}

static void
put_choices(struct buffer *out, json_t *choices)
{
    size_t i;
    json_t *choice;
    json_array_foreach (choices, i, choice) {
        buffer_text(out, i == 0 ? "<code>" : " <code>");
        put_value(out, choice);
        buffer_text(out, "</code>");
    }
}

static void
put_alternatives(struct buffer *out, json_t *schemas)
{
    size_t i;
    json_t *schema;
    json_array_foreach (schemas, i, schema) {
        if (i > 0)
            buffer_text(out, " or ");
        html_type(out, schema);
    }
}

/* One of JSON's types, or several. */
static void
put_plain_type(struct buffer *out, json_t *schema)
{
    json_t *type = json_object_get(schema, "type");
    json_t *items = json_object_get(schema, "items");
    size_t i;
    json_t *one;
    if (json_is_string(type))
        html_text(out, json_string_value(type));
    json_array_foreach (type, i, one) {
        buffer_text(out, i == 0 ? "" : " or ");
        html_text(out, json_string_value(one));
    }
    if (items != NULL) {
        buffer_text(out, " of ");
        html_type(out, items);
    }
    json_t *low = json_object_get(schema, "minimum");
    json_t *high = json_object_get(schema, "maximum");
    if (low != NULL && high != NULL)
        buffer_format(out, ", %lld to %lld", (long long)json_integer_value(low),
                      (long long)json_integer_value(high));
    if (html_member(schema, "format") != NULL)
        buffer_text(out, ", RFC 3339");
}

void
html_type(struct buffer *out, json_t *schema)
{
    const char *name = html_reference(schema);
    json_t *fixed = json_object_get(schema, "const");
    json_t *choices = json_object_get(schema, "enum");
    json_t *alternatives = json_object_get(schema, "anyOf");
    if (alternatives == NULL)
        alternatives = json_object_get(schema, "oneOf");
    if (name != NULL) {
        buffer_format(out, "<a href=\"#schema-%s\">%s</a>", name, name);
    } else if (fixed != NULL) {
        buffer_text(out, "<code>");
        put_value(out, fixed);
        buffer_text(out, "</code>");
    } else if (choices != NULL) {
        put_choices(out, choices);
    } else if (alternatives != NULL) {
        put_alternatives(out, alternatives);
    } else {
        put_plain_type(out, schema);
    }
}

/* ---- members ---- */

static bool
is_required(json_t *schema, const char *name)
{
    size_t i;
    json_t *required;
    json_array_foreach (json_object_get(schema, "required"), i, required)
        if (strcmp(json_string_value(required), name) == 0)
            return true;
    return false;
}

void
html_members(struct buffer *out, json_t *schema)
{
    json_t *properties = json_object_get(schema, "properties");
    const char *name;
    json_t *property;
    if (json_object_size(properties) == 0)
        return;
    buffer_text(out, "<table><thead><tr><th>Member<th>Value<th></thead><tbody>\n");
    json_object_foreach (properties, name, property) {
        buffer_format(out, "<tr><td><code>%s</code>%s<td>", name,
                      is_required(schema, name) ? "<span class=\"always\" title=\"always there\">"
                                                  "*</span>"
                                                : "");
        html_type(out, property);
        buffer_text(out, "<td>");
        html_text(out, html_member(property, "description"));
        buffer_byte(out, '\n');
    }
    buffer_text(out, "</tbody></table>\n");
}
