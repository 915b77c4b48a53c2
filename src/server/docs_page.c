#include "docs_page.h"

#include "docs_html.h"
#include "embedded.h"

#include <ctype.h>

/* ---- operations ---- */

/* Calls `visitor` with each operation of a tag, in order. */
typedef void operation_visitor(struct buffer *out, const char *path, const char *method,
                               json_t *operation);

static void
visit_tag(json_t *document, const char *tag, operation_visitor *visitor, struct buffer *out)
{
    const char *path;
    json_t *methods;
    json_object_foreach (json_object_get(document, "paths"), path, methods) {
        const char *method;
        json_t *operation;
        json_object_foreach (methods, method, operation) {
            json_t *first = json_array_get(json_object_get(operation, "tags"), 0);
            if (strcmp(json_string_value(first), tag) == 0)
                visitor(out, path, method, operation);
        }
    }
}

static void
put_method(struct buffer *out, const char *method)
{
    buffer_format(out, "<span class=\"method %s\">", method);
    for (const char *at = method; *at != '\0'; at++)
        buffer_byte(out, (uint8_t)toupper((unsigned char)*at));
    buffer_text(out, "</span>");
}

static void
put_link(struct buffer *out, const char *path, const char *method, json_t *operation)
{
    buffer_format(out, "<li><a href=\"#%s\">", html_member(operation, "operationId"));
    put_method(out, method);
    buffer_format(out, " <code>%s</code></a>\n", path);
}

/* ---- parameters ---- */

static void
put_parameter(struct buffer *out, json_t *parameter)
{
    json_t *schema = json_object_get(parameter, "schema");
    json_t *standard = json_object_get(schema, "default");
    buffer_format(out, "<tr><td><code>%s</code><td>", html_member(parameter, "name"));
    html_type(out, schema);
    buffer_text(out, "<td>");
    html_text(out, html_member(parameter, "description"));
    if (json_is_integer(standard))
        buffer_format(out, " <span class=\"standard\">Default: <code>%lld</code></span>",
                      (long long)json_integer_value(standard));
    else if (json_is_string(standard))
        buffer_format(out, " <span class=\"standard\">Default: <code>%s</code></span>",
                      json_string_value(standard));
    buffer_byte(out, '\n');
}

static const char parameter_head[] =
    "<table><thead><tr><th>Parameter<th>Value<th></thead><tbody>\n";

/* Those of the route's own, and whether there is a filter behind them. */
static void
put_parameters(struct buffer *out, json_t *parameters)
{
    size_t own = 0;
    size_t i;
    json_t *parameter;
    json_array_foreach (parameters, i, parameter)
        own += html_reference(parameter) == NULL;
    if (own > 0)
        buffer_text(out, parameter_head);
    json_array_foreach (parameters, i, parameter)
        if (html_reference(parameter) == NULL)
            put_parameter(out, parameter);
    if (own > 0)
        buffer_text(out, "</tbody></table>\n");
    if (own < json_array_size(parameters))
        buffer_text(out, "<p>And a <a href=\"#filter\">filter</a>.\n");
}

/* ---- bodies and answers ---- */

static void
put_content(struct buffer *out, json_t *content)
{
    const char *type;
    json_t *media;
    const char *before = "";
    json_object_foreach (content, type, media) {
        buffer_text(out, before);
        before = "; ";
        buffer_format(out, "<code>%s</code> ", type);
        json_t *schema = json_object_get(media, "schema");
        const char *plain = html_member(schema, "type");
        if (plain == NULL || strcmp(plain, "string") != 0)
            html_type(out, schema);
    }
}

/* Problems stand together: what they mean is the same everywhere. */
static void
put_answers(struct buffer *out, json_t *answers)
{
    const char *status;
    json_t *answer;
    buffer_text(out, "<dl>");
    json_object_foreach (answers, status, answer) {
        if (html_reference(answer) != NULL)
            continue;
        buffer_format(out, "<dt>%s<dd>", status);
        html_text(out, html_member(answer, "description"));
        buffer_byte(out, ' ');
        put_content(out, json_object_get(answer, "content"));
        buffer_byte(out, '\n');
    }
    buffer_text(out, "</dl>\n<p class=\"problems\">Or a <a href=\"#problems\">problem</a>:");
    json_object_foreach (answers, status, answer)
        if (html_reference(answer) != NULL)
            buffer_format(out, " %s", status);
    buffer_byte(out, '\n');
}

static void
put_roles(struct buffer *out, json_t *operation)
{
    json_t *roles = json_object_get(operation, "x-roles");
    json_t *security = json_object_get(operation, "security");
    size_t i;
    json_t *role;
    buffer_text(out, "<p class=\"roles\">");
    json_array_foreach (roles, i, role)
        buffer_format(out, "<span class=\"role\">%s</span> ", json_string_value(role));
    if (roles == NULL)
        buffer_text(out, "<span class=\"role\">anyone</span>");
    else if (security != NULL)
        buffer_text(out, "<span class=\"role\">sometimes without a key</span>");
    buffer_byte(out, '\n');
}

static void
put_operation(struct buffer *out, const char *path, const char *method, json_t *operation)
{
    const char *name = html_member(operation, "operationId");
    buffer_format(out, "<article id=\"%s\">\n<h3>", name);
    put_method(out, method);
    buffer_format(out, " <code>%s</code></h3>\n<p class=\"summary\">", path);
    html_text(out, html_member(operation, "summary"));
    put_roles(out, operation);
    if (html_member(operation, "description") != NULL) {
        buffer_text(out, "<p>");
        html_text(out, html_member(operation, "description"));
        buffer_byte(out, '\n');
    }
    put_parameters(out, json_object_get(operation, "parameters"));
    json_t *body = json_object_get(json_object_get(operation, "requestBody"), "content");
    if (body != NULL) {
        buffer_text(out, "<p>Body: ");
        put_content(out, body);
        buffer_byte(out, '\n');
    }
    put_answers(out, json_object_get(operation, "responses"));
    buffer_text(out, "</article>\n");
}

/* ---- sections ---- */

static void
put_contents(json_t *document, struct buffer *out)
{
    size_t i;
    json_t *tag;
    buffer_text(out, "<nav>\n");
    json_array_foreach (json_object_get(document, "tags"), i, tag) {
        const char *name = html_member(tag, "name");
        buffer_format(out, "<h2>%s</h2>\n<ul>\n", name);
        visit_tag(document, name, put_link, out);
        buffer_text(out, "</ul>\n");
    }
    buffer_text(out, "<h2>more</h2>\n<ul>\n<li><a href=\"#filter\">Filter</a>\n"
                     "<li><a href=\"#schema-Event\">Event</a>\n"
                     "<li><a href=\"#schema-Entry\">Entry</a>\n"
                     "<li><a href=\"#problems\">Problems</a>\n"
                     "<li><a href=\"openapi.json\">openapi.json</a>\n</ul>\n</nav>\n");
}

static void
put_tags(json_t *document, struct buffer *out)
{
    size_t i;
    json_t *tag;
    json_array_foreach (json_object_get(document, "tags"), i, tag) {
        const char *name = html_member(tag, "name");
        buffer_format(out, "<section>\n<h2>%s</h2>\n<p class=\"lead\">", name);
        html_text(out, html_member(tag, "description"));
        buffer_byte(out, '\n');
        visit_tag(document, name, put_operation, out);
        buffer_text(out, "</section>\n");
    }
}

static void
put_filter(json_t *components, struct buffer *out)
{
    const char *name;
    json_t *parameter;
    buffer_text(out, "<section id=\"filter\">\n<h2>Filter</h2>\n<p class=\"lead\">What all of "
                     "these say together is what matches. Each but <code>q</code> may be given "
                     "more than once.\n");
    buffer_text(out, parameter_head);
    json_object_foreach (json_object_get(components, "parameters"), name, parameter)
        put_parameter(out, parameter);
    buffer_text(out, "</tbody></table>\n</section>\n");
}

static void
put_problems(json_t *components, struct buffer *out)
{
    const char *status;
    json_t *response;
    buffer_text(out, "<section id=\"problems\">\n<h2>Problems</h2>\n<p class=\"lead\">What is "
                     "refused is answered with a <a href=\"#schema-Problem\">problem</a> "
                     "(RFC 9457).\n<dl>\n");
    json_object_foreach (json_object_get(components, "responses"), status, response) {
        buffer_format(out, "<dt>%s<dd>", status);
        html_text(out, html_member(response, "description"));
        buffer_byte(out, '\n');
    }
    buffer_text(out, "</dl>\n</section>\n");
}

static void
put_schema(const char *name, json_t *schema, struct buffer *out)
{
    buffer_format(out, "<article id=\"schema-%s\">\n<h3><code>%s</code></h3>\n<p>", name, name);
    html_text(out, html_member(schema, "description"));
    if (json_object_get(schema, "properties") == NULL)
        html_type(out, schema);
    buffer_byte(out, '\n');
    html_members(out, schema);
    buffer_text(out, "</article>\n");
}

/* Events and entries first: they are what all is about. */
static void
put_schemas(json_t *components, struct buffer *out)
{
    json_t *schemas = json_object_get(components, "schemas");
    const char *name;
    json_t *schema;
    buffer_text(out, "<section>\n<h2>Schemas</h2>\n<p class=\"lead\">Members with "
                     "<span class=\"always\">*</span> are always there.\n");
    put_schema("Event", json_object_get(schemas, "Event"), out);
    put_schema("Entry", json_object_get(schemas, "Entry"), out);
    json_object_foreach (schemas, name, schema)
        if (strcmp(name, "Event") != 0 && strcmp(name, "Entry") != 0)
            put_schema(name, schema, out);
    buffer_text(out, "</section>\n");
}

static void
put_introduction(json_t *document, struct buffer *out)
{
    json_t *info = json_object_get(document, "info");
    buffer_format(out, "<header>\n<h1>%s <small>%s</small></h1>\n<p class=\"lead\">",
                  html_member(info, "title"), html_member(info, "version"));
    html_text(out, html_member(info, "summary"));
    buffer_text(out, "\n<p>");
    html_text(out, html_member(info, "description"));
    buffer_text(out, "\n<p>With this server's address in <code>TALLY_URL</code> and a key in "
                     "<code>TALLY_KEY</code>:\n"
                     "<pre>curl -H \"Authorization: Bearer $TALLY_KEY\" \\\n"
                     "     -d '{\"event_type\":\"login_failure\",\"user_id\":\"u-17\"}' \\\n"
                     "     -H 'Content-Type: application/json' $TALLY_URL/api/events\n\n"
                     "curl -H \"Authorization: Bearer $TALLY_KEY\" "
                     "\"$TALLY_URL/api/events?user_id=u-17&amp;limit=10\"</pre>\n"
                     "</header>\n");
}

void
docs_page_write(json_t *document, struct buffer *out)
{
    json_t *components = json_object_get(document, "components");
    buffer_text(out, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<title>Tallystick: HTTP interface</title>\n<style>");
    buffer_append(out, docs_style, docs_style_size);
    buffer_text(out, "</style>\n<body>\n");
    put_introduction(document, out);
    put_contents(document, out);
    buffer_text(out, "<main>\n");
    put_tags(document, out);
    put_filter(components, out);
    put_problems(components, out);
    put_schemas(components, out);
    buffer_text(out, "</main>\n</body>\n</html>\n");
}
