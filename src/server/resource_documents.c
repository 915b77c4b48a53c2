/*
 * /openapi.json and /docs - this interface, for programs and for people; / leads there.
 */
#include "documents.h"
#include "routes.h"
#include "server.h"

/* The way is a relative one, so that it is right behind a proxy's prefix, too. */
void
root_show(struct request *request)
{
    struct buffer body = { 0 };
    buffer_text(&body, "This is Tallystick. /docs describes its interface.\n");
    answer_header(request, "Location", "docs");
    answer_bytes(request, 303, "text/plain; charset=utf-8", &body);
}

void
openapi_show(struct request *request)
{
    struct buffer body = { 0 };
    buffer_bytes(&body, documents_openapi(request->server->documents));
    answer_json(request, 200, &body);
}

void
docs_show(struct request *request)
{
    struct buffer body = { 0 };
    buffer_bytes(&body, documents_page(request->server->documents));
    answer_bytes(request, 200, "text/html; charset=utf-8", &body);
    request->answer.policy = DOCUMENTS_POLICY;
}
