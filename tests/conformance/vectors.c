#include "vectors.h"

#include "base64.h"
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <zlib.h>

#define PATH_SIZE 1024
#define FILE_SIZE (8u << 20)

static void
make_path(char path[PATH_SIZE], const char *name)
{
    const char *shared = getenv("TALLY_SHARED");
    int size =
        snprintf(path, PATH_SIZE, "%s/vectors/%s", shared != NULL ? shared : "../shared", name);
    assert_true(size < PATH_SIZE);
}

bool
vectors_present(void)
{
    char path[PATH_SIZE];
    struct stat info;
    make_path(path, "");
    if (stat(path, &info) == 0)
        return true;
    printf("1..0 # SKIP no test vectors in %s, set TALLY_SHARED\n", path);
    return false;
}

static json_t *
read_json(const char *path)
{
    /* gzopen() also reads files that are not compressed. */
    gzFile file = gzopen(path, "rb");
    if (file == NULL)
        fail_msg("%s is missing", path);
    char *text = malloc(FILE_SIZE);
    assert_non_null(text);
    int size = gzread(file, text, FILE_SIZE);
    assert_int_equal(gzclose(file), Z_OK);
    assert_in_range(size, 1, FILE_SIZE - 1);

    json_error_t error;
    json_t *json = json_loadb(text, (size_t)size, JSON_ALLOW_NUL, &error);
    /* Jansson's integers end at 2^63 - 1; a file with larger ones is read with reals instead. */
    if (json == NULL && json_error_code(&error) == json_error_numeric_overflow)
        json = json_loadb(text, (size_t)size, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    free(text);
    if (json == NULL)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    return json;
}

json_t *
vectors_json(const char *name)
{
    char path[PATH_SIZE];
    make_path(path, name);
    return read_json(path);
}

unsigned
vectors_each(const char *folder, void (*visit)(const char *name, const json_t *json))
{
    char path[PATH_SIZE];
    make_path(path, folder);
    DIR *dir = opendir(path);
    if (dir == NULL)
        fail_msg("%s is missing", path);

    unsigned count = 0;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        char name[PATH_SIZE];
        if (entry->d_name[0] == '.')
            continue;
        assert_true(snprintf(name, sizeof name, "%s/%s", folder, entry->d_name) < PATH_SIZE);
        if (strstr(entry->d_name, ".json") == NULL) {
            count += vectors_each(name, visit);
            continue;
        }
        json_t *json = vectors_json(name);
        visit(name, json);
        json_decref(json);
        count++;
    }
    closedir(dir);
    return count;
}

const json_t *
vectors_member(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);
    if (member == NULL)
        fail_msg("a vector has no member %s", name);
    return member;
}

struct bytes
vectors_text(const json_t *object, const char *name)
{
    const json_t *member = vectors_member(object, name);
    assert_true(json_is_string(member));
    return bytes_of(json_string_value(member), json_string_length(member));
}

uint64_t
vectors_number(const json_t *object, const char *name)
{
    const json_t *member = vectors_member(object, name);
    if (json_is_integer(member))
        return (uint64_t)json_integer_value(member);
    assert_true(json_is_real(member));
    double value = json_real_value(member);
    return value < 0x1p64 ? (uint64_t)value : UINT64_MAX;
}

bool
vectors_hash(const json_t *base64, struct tally_hash *hash_out)
{
    size_t size;
    return base64_decode(bytes_of(json_string_value(base64), json_string_length(base64)),
                         hash_out->bytes, sizeof hash_out->bytes, &size) &&
           size == sizeof hash_out->bytes;
}

bool
vectors_hex(const json_t *hex, void *out, size_t size)
{
    return hex_decode(bytes_of(json_string_value(hex), json_string_length(hex)), out, size);
}
