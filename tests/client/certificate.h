/*
 * certificate.h - an authority, and certificates of its for servers, made anew for a test.
 *
 * What cannot happen ends the process with a line on standard error.
 */
#ifndef CERTIFICATE_H
#define CERTIFICATE_H

struct authority;

/* Its certificate is written to `path`, in PEM. */
struct authority *authority_create(const char *name, const char *path);
void authority_destroy(struct authority *authority); /* NULL is allowed */

/* A certificate for a host, which is a name or an IPv4 address, valid from and to so many days from
 * now; in PEM, its key beside it. Files that are there are written over. */
struct certificate_wish {
    const char *host;
    int from_days, to_days;
    const char *certificate, *key; /* paths */
};
void authority_issue(struct authority *authority, const struct certificate_wish *wish);

#endif
