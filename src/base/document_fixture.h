/*
 * document_fixture.h - a document that tells what code does, for the tests that hold the two
 * together.
 *
 * What cannot happen fails the test (cmocka).
 */
#ifndef DOCUMENT_FIXTURE_H
#define DOCUMENT_FIXTURE_H

/* The whole document; the caller frees it. */
char *read_document(const char *path);

/* The rows of the table below a heading: the place of its first row. */
const char *find_table(const char *document, const char *heading);

#endif
