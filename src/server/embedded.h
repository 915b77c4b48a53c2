/*
 * embedded.h - files that are built into the program (embed.c).
 */
#ifndef EMBEDDED_H
#define EMBEDDED_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t openapi_text[]; /* openapi.json */
extern const size_t openapi_text_size;

extern const uint8_t docs_style[]; /* docs.css */
extern const size_t docs_style_size;

#endif
