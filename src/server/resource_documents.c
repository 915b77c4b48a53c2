/*
 * /openapi.json and /docs - this interface, for programs and for people.
 */
#include "documents.h"
#include "routes.h"
#include "server.h"

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
