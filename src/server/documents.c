#include "documents.h"

#include "docs_page.h"
#include "fault.h"
#include "openapi.h"

#include <stdlib.h>

struct documents {
    struct buffer openapi, page;
};

static void
write_openapi(json_t *document, struct buffer *out)
{
    char *text = json_dumps(document, JSON_INDENT(1));
    if (text != NULL)
        buffer_text(out, text);
    buffer_byte(out, '\n');
    free(text);
}

tally_status
documents_create(struct documents **documents_out, struct tally_error *error)
{
    struct documents *documents = calloc(1, sizeof *documents);
    json_t *document = openapi_create();
    if (documents != NULL && document != NULL) {
        write_openapi(document, &documents->openapi);
        docs_page_write(document, &documents->page);
    }
    json_decref(document);
    /* Without memory the first is but a line end. */
    if (documents == NULL || documents->openapi.size < 2 || buffer_failed(&documents->page)) {
        documents_destroy(documents);
        return memory_fault(error);
    }
    *documents_out = documents;
    return TALLY_OK;
}

void
documents_destroy(struct documents *documents)
{
    if (documents == NULL)
        return;
    buffer_free(&documents->openapi);
    buffer_free(&documents->page);
    free(documents);
}

struct bytes
documents_openapi(const struct documents *documents)
{
    return buffer_view(&documents->openapi);
}

struct bytes
documents_page(const struct documents *documents)
{
    return buffer_view(&documents->page);
}
