/*
 * documents.h - what /openapi.json and /docs answer, made once: anyone may ask for them.
 */
#ifndef DOCUMENTS_H
#define DOCUMENTS_H

#include "bytes.h"
#include "tally/status.h"

struct documents;

/* Caller owns. */
TALLY_MUST_CHECK tally_status documents_create(struct documents **documents_out,
                                               struct tally_error *error);
void documents_destroy(struct documents *documents); /* NULL is allowed */

/* Lent. */
struct bytes documents_openapi(const struct documents *documents); /* JSON */
struct bytes documents_page(const struct documents *documents);    /* HTML */

/* What the page may do in a browser, as a Content-Security-Policy. Nothing is loaded and nothing
 * runs; its own style is let in by the hash of docs.css (documents_test.c says what that is), so
 * that no other style can be slipped into it. */
#define DOCUMENTS_STYLE_HASH "PaZCHh9rgWKjL3iHwySpPtlN2PXaU/FJfCItiECWuJQ="
#define DOCUMENTS_POLICY                                                                 \
    "default-src 'none'; style-src 'sha256-" DOCUMENTS_STYLE_HASH "'; base-uri 'none'; " \
    "form-action 'none'; frame-ancestors 'none'"

#endif
