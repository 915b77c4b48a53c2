#include "certificate.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DAY ((time_t)24 * 60 * 60)

struct authority {
    gnutls_x509_crt_t certificate;
    gnutls_x509_privkey_t key;
    uint8_t issued; /* serial numbers count up */
};

/* What GnuTLS answers must not be an error. */
static void
must(int result, const char *what)
{
    if (result < 0) {
        (void)fprintf(stderr, "%s: %s\n", what, gnutls_strerror(result));
        abort();
    }
}

static gnutls_x509_privkey_t
make_key(void)
{
    gnutls_x509_privkey_t key;
    must(gnutls_x509_privkey_init(&key), "key");
    must(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
         "key");
    return key;
}

/* Not signed yet. */
static gnutls_x509_crt_t
make_certificate(const char *name, uint8_t serial, gnutls_x509_privkey_t key, int from_days,
                 int to_days)
{
    time_t now = time(NULL);
    gnutls_x509_crt_t certificate;
    must(gnutls_x509_crt_init(&certificate), "certificate");
    must(gnutls_x509_crt_set_version(certificate, 3), "version");
    must(gnutls_x509_crt_set_serial(certificate, &serial, 1), "serial");
    must(gnutls_x509_crt_set_activation_time(certificate, now + from_days * DAY), "from");
    must(gnutls_x509_crt_set_expiration_time(certificate, now + to_days * DAY), "to");
    must(gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                       (unsigned)strlen(name)),
         "name");
    must(gnutls_x509_crt_set_key(certificate, key), "key");
    return certificate;
}

static void
write_file(const char *path, const gnutls_datum_t *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text->data, text->size) != (ssize_t)text->size || close(fd) != 0) {
        perror(path);
        abort();
    }
}

static void
write_certificate(const char *path, gnutls_x509_crt_t certificate)
{
    gnutls_datum_t text;
    must(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &text), path);
    write_file(path, &text);
    gnutls_free(text.data);
}

struct authority *
authority_create(const char *name, const char *path)
{
    struct authority *authority = calloc(1, sizeof *authority);
    must(authority == NULL ? GNUTLS_E_MEMORY_ERROR : 0, "authority");
    authority->key = make_key();
    authority->certificate = make_certificate(name, ++authority->issued, authority->key, -1, 30);
    must(gnutls_x509_crt_set_basic_constraints(authority->certificate, 1, -1), "authority");
    must(gnutls_x509_crt_set_key_usage(authority->certificate, GNUTLS_KEY_KEY_CERT_SIGN),
         "authority");
    must(gnutls_x509_crt_sign2(authority->certificate, authority->certificate, authority->key,
                               GNUTLS_DIG_SHA256, 0),
         "signature");
    write_certificate(path, authority->certificate);
    return authority;
}

void
authority_destroy(struct authority *authority)
{
    if (authority == NULL)
        return;
    gnutls_x509_crt_deinit(authority->certificate);
    gnutls_x509_privkey_deinit(authority->key);
    free(authority);
}

static void
name_host(gnutls_x509_crt_t certificate, const char *host)
{
    struct in_addr address;
    if (inet_pton(AF_INET, host, &address) == 1)
        must(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, &address,
                                                  sizeof address, GNUTLS_FSAN_SET),
             host);
    else
        must(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, host,
                                                  (unsigned)strlen(host), GNUTLS_FSAN_SET),
             host);
}

void
authority_issue(struct authority *authority, const struct certificate_wish *wish)
{
    gnutls_x509_privkey_t key = make_key();
    gnutls_x509_crt_t certificate =
        make_certificate("A server", ++authority->issued, key, wish->from_days, wish->to_days);
    name_host(certificate, wish->host);
    must(gnutls_x509_crt_sign2(certificate, authority->certificate, authority->key,
                               GNUTLS_DIG_SHA256, 0),
         "signature");
    write_certificate(wish->certificate, certificate);

    gnutls_datum_t text;
    must(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text), wish->key);
    write_file(wish->key, &text);
    gnutls_free(text.data);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
}
