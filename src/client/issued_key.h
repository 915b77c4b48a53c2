/*
 * issued_key.h - keys and tokens in texts that are known by their form, whatever stands before them.
 *
 * JSON web tokens (`eyJ….….…`), what follows `Bearer`, private keys in PEM, and the keys of those who
 * mark theirs: GitHub, GitLab, Slack, Stripe, Google, npm, PyPI, OpenAI, Anthropic, AWS, and Tallystick
 * itself. An id of a key of AWS that is a text by itself is none: that is who did something, and the
 * key has another name.
 */
#ifndef ISSUED_KEY_H
#define ISSUED_KEY_H

#include "bytes.h"

#include <stdbool.h>

/* The first one that begins at or after `from`: its bytes are [*start_out, *end_out). */
bool issued_key_find(struct bytes text, size_t from, size_t *start_out, size_t *end_out);

#endif
