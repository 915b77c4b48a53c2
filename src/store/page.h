/*
 * page.h - 4,096 rows of one column in memory: what a head fills and what a segment's file decodes
 * to.
 *
 * Head and segment give the same struct, so that a scan does not know which of them it reads. A
 * row's value is the bytes of the field as the event layer gives them (a decoded string, a number's
 * token, a canonical JSON text), or absent (data NULL). The kinds are ways to hold them small and
 * compare them fast; none changes a value: what a kind cannot give back exactly stands in the
 * exceptions as it was.
 */
#ifndef PAGE_H
#define PAGE_H

#include "bytes.h"
#include "field.h"

#define PAGE_ROWS  4096u
#define BLOCK_ROWS 256u

enum page_kind {
    PAGE_ABSENT,  /* no row has a value */
    PAGE_CODES,   /* codes[row]: 0 absent, else dictionary value code - 1 */
    PAGE_NUMBERS, /* keys[row] and forms[row]: times, integers, decimals */
    PAGE_IDS,     /* ids[row] and forms[row]: 16 bytes */
    PAGE_VALUES,  /* values[row] as they are */
};

/* forms[] of PAGE_IDS. */
enum id_form {
    ID_ABSENT = 0,
    ID_UUID = 1,      /* canonical UUID text, lower case, 36 characters */
    ID_HEX = 2,       /* 32 hexadecimal digits, lower case */
    ID_RAW = 3,       /* the 16 bytes are the value (salts) */
    ID_EXCEPTION = 4, /* in the exceptions */
};

/* forms[] of PAGE_NUMBERS: NUMBER_ABSENT, NUMBER_EXCEPTION, else the count of fraction digits. For
 * times the key is nanoseconds since 1970 and the digits (0 to 9) are how many were sent. For
 * integers and decimals the key is the number without its point (12.50 is 1250 with 2 digits), at
 * most 18 digits. A time that is an exception (a leap second, more than nine digits) has its
 * instant as key, so that keys compare as times for every present row; another exception's key is 0
 * and its value is to be read. The key of an absent row is not meaningful. */
#define NUMBER_ABSENT    0xffu
#define NUMBER_EXCEPTION 0xfeu

/* Rows ascend. */
struct page_exception {
    uint32_t row;
    struct bytes value;
};

/* Views into memory of whoever handed the page out. */
struct page {
    enum page_kind kind;
    uint32_t rows; /* 1 to PAGE_ROWS */
    const uint32_t *codes;
    const int64_t *keys;
    const uint8_t (*ids)[16];
    const uint8_t *forms;
    const struct bytes *values;
    const struct page_exception *exceptions;
    uint32_t exception_count;
};

/* The distinct values of a PAGE_CODES column: value(code) for 1 <= code <= count. Chunked, so that
 * a head's grows while others read below the count they saw. */
struct dictionary {
    uint32_t count;
    const struct bytes *const
        *chunks; /* chunks[i / PAGE_ROWS][i % PAGE_ROWS] is the value of code i + 1 */
};

static inline struct bytes
dictionary_value(const struct dictionary *dictionary, uint32_t code)
{
    uint32_t i = code - 1;
    return dictionary->chunks[i / PAGE_ROWS][i % PAGE_ROWS];
}

/* Has the processor fetch where the value of a code is. */
static inline void
dictionary_prefetch(const struct dictionary *dictionary, uint32_t code)
{
    __builtin_prefetch(&dictionary->chunks[(code - 1) / PAGE_ROWS][(code - 1) % PAGE_ROWS]);
}

/* The part of a page from row `first` on: up to BLOCK_ROWS rows, the first of which is row 0 of
 * `slice_out`. `room` is for its exceptions. */
void page_slice(const struct page *page, uint32_t first, struct page_exception room[BLOCK_ROWS],
                struct page *slice_out);

/* What is known of a page without decoding it. */
struct page_summary {
    bool known;          /* false: only decoding tells (a head's pages) */
    enum page_kind kind; /* PAGE_ABSENT needs no decoding at all */
    bool constant;       /* PAGE_CODES: every row has the code `minimum` */
    bool complete;       /* PAGE_NUMBERS: every row has a value, an exception's among them */
    bool bounded;   /* PAGE_NUMBERS: minimum and maximum are those of all present rows; of times
                      * always, an exception's instant among them */
    uint8_t digits; /* where bounded, not of times: the fraction digits the two have */
    int64_t
        minimum; /* PAGE_CODES: least code (0 where a row is absent); PAGE_NUMBERS: least key; */
    int64_t maximum; /* 0 where not bounded */
};

/* Room for any value that must be spelled out: a UUID, a number, a time. */
#define PAGE_TEXT_MAX 64

/* The value of a row, absent as { NULL, 0 }. It points into the page, the dictionary or `text`. */
struct bytes page_value(const struct page *page, const struct dictionary *dictionary,
                        enum field_column column, uint32_t row, char text[PAGE_TEXT_MAX]);

/* The values of `count` rows from `row` on, as page_value() gives them; `texts` has a place for
 * each. */
void page_values(const struct page *page, const struct dictionary *dictionary,
                 enum field_column column, uint32_t row, uint32_t count, struct bytes *values_out,
                 char (*texts)[PAGE_TEXT_MAX]);

/* What rows[] of PAGE_NUMBERS or PAGE_IDS say of a value: the form, NUMBER_ABSENT or ID_ABSENT for
 * { NULL, 0 }, an exception's where the value has no other; and always the key or the 16 bytes. */
uint8_t number_form(enum field_column column, struct bytes value, int64_t *key_out);
uint8_t id_form(struct bytes value, uint8_t id_out[16]);

/* Spellings and back. Each read is true only where its write gives the same bytes, and else touches
 * no output: a JSON number without exponent, of at most 18 digits past leading zeros, not -0;
 * canonical text of clock.h with at most 9 fraction digits, no leap second; a canonical UUID or 32
 * digits. */
#define NUMBER_DIGITS_MAX 18
#define TIME_DIGITS_MAX   9
bool number_read(struct bytes token, int64_t *key_out, uint8_t *digits_out);
size_t number_write(int64_t key, uint8_t digits, char text[PAGE_TEXT_MAX]); /* digits 0 to 18 */
bool time_read(struct bytes text, int64_t *key_out, uint8_t *digits_out);
size_t time_write(int64_t key, uint8_t digits, char text[PAGE_TEXT_MAX]); /* digits 0 to 9 */
bool id_read(struct bytes text, uint8_t id_out[16], uint8_t *form_out);
size_t id_write(const uint8_t id[16], enum id_form form, char text[PAGE_TEXT_MAX]);

#endif
