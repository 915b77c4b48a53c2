#include "rows.h"

#include "quit.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

const char *const row_names[ROW_FIELDS] = {
    "id",         "timestamp",     "request_id",       "user_id",       "user_email",
    "session_id", "ip_address",    "user_agent",       "event_type",    "action",
    "severity",   "resource_type", "resource_id",      "method",        "endpoint",
    "status",     "status_code",   "response_time_ms", "error_message", "details",
    "changes",
};

void
row_read(const json_t *event, struct row *row_out)
{
    row_out->sorted = NULL;
    for (size_t i = 0; i < ROW_FIELDS; i++) {
        const json_t *value = json_object_get(event, row_names[i]);
        row_out->values[i] = NULL;
        if (json_is_string(value))
            row_out->values[i] = strdup(json_string_value(value));
        else if (value != NULL)
            /* 17 digits, which is what it is written with else, would make 0.1 another number. */
            row_out->values[i] =
                json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    }
}

void
row_free(struct row *row)
{
    for (size_t field = 0; field < ROW_FIELDS; field++)
        free(row->values[field]);
    free(row->sorted);
}

static void
read_line(const char *line, struct row *row)
{
    json_t *event = json_loads(line, 0, NULL);
    if (event == NULL)
        quit("a line is no JSON");
    row_read(event, row);
    row->sorted = json_dumps(event, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(event);
}

void
rows_read(FILE *file, struct rows *rows_out)
{
    struct rows rows = { 0 };
    size_t rows_max = 0;
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, file) > 0) {
        if (rows.count == rows_max) {
            rows_max = rows_max == 0 ? 4096 : rows_max * 2;
            rows.list = realloc(rows.list, rows_max * sizeof *rows.list);
            if (rows.list == NULL)
                quit("out of memory");
        }
        read_line(line, &rows.list[rows.count++]);
    }
    free(line);
    if (rows.count == 0)
        quit("there are no events");
    *rows_out = rows;
}

void
rows_free(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        row_free(&rows->list[i]);
    free(rows->list);
    *rows = (struct rows){ 0 };
}

/* Fetched once: what EVP_sha256() names is looked up anew with every digest. */
static const EVP_MD *
sha256(void)
{
    static EVP_MD *_Atomic fetched;
    if (fetched == NULL)
        fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
    return fetched;
}

void
row_checksum(const struct row *row, char hex_out[ROW_CHECKSUM_SIZE + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[32];
    if (EVP_Digest(row->sorted, strlen(row->sorted), hash, NULL, sha256(), NULL) != 1)
        quit("cannot hash");
    for (size_t i = 0; i < sizeof hash; i++) {
        hex_out[2 * i] = digits[hash[i] >> 4];
        hex_out[2 * i + 1] = digits[hash[i] & 15];
    }
    hex_out[ROW_CHECKSUM_SIZE] = '\0';
}

size_t
row_wanted_read(const char *path, struct row_wanted wanted_out[ROW_WANTED_MAX])
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        quit("cannot read %s", path);
    size_t count = 0;
    while (count < ROW_WANTED_MAX &&
           fscanf(file, "%63s %63s", wanted_out[count].user, wanted_out[count].action) == 2)
        count++;
    (void)fclose(file);
    return count;
}
