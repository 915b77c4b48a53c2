/*
 * manifest.c - the file that says which files make up a trail.
 *
 *     0   8   magic "TALLYMAN"
 *     8   4   version, 1
 *     12  4   size of the whole file
 *     16  16  tag of the trail (trail_tag() of the origin)
 *     32  8   generation
 *     40  8   sealed: entries in segments, also the tree's size
 *     48  8   erased_through
 *     56  8   journal: number of the first file
 *     64  8   journal: sequence of the first record
 *     72  8   journal: index of its first entry, equal to sealed
 *     80  4   journal: CRC of the record before it
 *     84  4   count of segments
 *     88  2   size of the vkey's text
 *     90  2   count of private fields
 *     92      the vkey's text
 *     …       a private field each, in the field table's order: size (1 byte), name
 *     …       the tree's peaks, 32 bytes for each bit set in sealed, the lowest level first
 *     …       the segments, 76 bytes each:
 *                 first 8, count 4, generation 4, public size 8, private size 8, index size 8,
 *                 public CRC 4, private CRC 4, index CRC 4, control entries 4, least time 8,
 *                 greatest time 8, erased entries 4
 *     …   4   count of groups
 *     …       the groups, 28 bytes each: first 8, generation 4, segments 4, size 8, CRC 4
 *     …   4   CRC-32C of everything before
 *
 * It is written beside the old one, synced and renamed over it, so there is always exactly one.
 */
#include "manifest.h"

#include "crc32c.h"
#include "fault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MAGIC        "TALLYMAN"
#define VERSION      1u
#define HEADER_SIZE  92u
#define SEGMENT_SIZE 76u
#define GROUP_SIZE   28u
#define FILE_MAX     (HEADER_SIZE + 65536u + MANIFEST_SEGMENTS_MAX * (SEGMENT_SIZE + GROUP_SIZE))

void
trail_tag(const char *origin, uint8_t tag[16])
{
    static const char prefix[] = "tally/trail/v1";
    const struct tally_piece pieces[] = {
        { prefix, sizeof prefix }, /* with its NUL */
        { origin, strlen(origin) },
    };
    struct tally_hash hash;
    tally_hash_pieces(pieces, 2, &hash);
    memcpy(tag, hash.bytes, 16);
}

static void
encode_segment(const struct segment_info *info, struct buffer *out)
{
    buffer_u64(out, info->first);
    buffer_u32(out, info->count);
    buffer_u32(out, info->generation);
    buffer_u64(out, info->public_size);
    buffer_u64(out, info->private_size);
    buffer_u64(out, info->index_size);
    buffer_u32(out, info->public_crc);
    buffer_u32(out, info->private_crc);
    buffer_u32(out, info->index_crc);
    buffer_u32(out, info->control_count);
    buffer_u64(out, (uint64_t)info->time_min);
    buffer_u64(out, (uint64_t)info->time_max);
    buffer_u32(out, info->erased_count);
}

static void
decode_segment(const uint8_t *from, struct segment_info *info)
{
    *info = (struct segment_info){
        .first = get_u64(from),
        .count = get_u32(from + 8),
        .generation = get_u32(from + 12),
        .public_size = get_u64(from + 16),
        .private_size = get_u64(from + 24),
        .index_size = get_u64(from + 32),
        .public_crc = get_u32(from + 40),
        .private_crc = get_u32(from + 44),
        .index_crc = get_u32(from + 48),
        .control_count = get_u32(from + 52),
        .time_min = (int64_t)get_u64(from + 56),
        .time_max = (int64_t)get_u64(from + 64),
        .erased_count = get_u32(from + 72),
    };
}

static void
encode_group(const struct group_info *info, struct buffer *out)
{
    buffer_u64(out, info->first);
    buffer_u32(out, info->generation);
    buffer_u32(out, info->segments);
    buffer_u64(out, info->size);
    buffer_u32(out, info->crc);
}

static void
decode_group(const uint8_t *from, struct group_info *info)
{
    *info = (struct group_info){
        .first = get_u64(from),
        .generation = get_u32(from + 8),
        .segments = get_u32(from + 12),
        .size = get_u64(from + 16),
        .crc = get_u32(from + 24),
    };
}

void
manifest_free(struct manifest *manifest)
{
    free(manifest->segments);
    free(manifest->groups);
    manifest->segments = NULL;
    manifest->groups = NULL;
    manifest->count = manifest->group_count = 0;
}

void
manifest_encode(const struct manifest *manifest, struct buffer *out)
{
    size_t start = out->size;
    char vkey[TALLY_VKEY_TEXT_SIZE];
    uint8_t tag[16];
    tally_vkey_format(&manifest->vkey, vkey);
    trail_tag(manifest->vkey.name, tag);

    buffer_append(out, MAGIC, 8);
    buffer_u32(out, VERSION);
    buffer_u32(out, 0); /* the size, below */
    buffer_append(out, tag, sizeof tag);
    buffer_u64(out, manifest->generation);
    buffer_u64(out, manifest->sealed);
    buffer_u64(out, manifest->erased_through);
    buffer_u64(out, manifest->journal.file);
    buffer_u64(out, manifest->journal.sequence);
    buffer_u64(out, manifest->journal.index);
    buffer_u32(out, manifest->journal.chain);
    buffer_u32(out, (uint32_t)manifest->count);
    buffer_u16(out, (uint16_t)strlen(vkey));
    buffer_u16(out, (uint16_t)__builtin_popcountll(manifest->fields_private));
    buffer_text(out, vkey);
    for (unsigned f = 0; f < FIELD_COUNT; f++) {
        if ((manifest->fields_private & FIELD_BIT(f)) == 0)
            continue;
        buffer_byte(out, (uint8_t)fields[f].name.size);
        buffer_bytes(out, fields[f].name);
    }
    for (unsigned level = 0; level < TALLY_TREE_LEVELS; level++)
        if ((manifest->sealed >> level & 1) != 0)
            buffer_append(out, manifest->tree.peaks[level].bytes, TALLY_HASH_SIZE);
    for (size_t i = 0; i < manifest->count; i++)
        encode_segment(&manifest->segments[i], out);
    buffer_u32(out, (uint32_t)manifest->group_count);
    for (size_t i = 0; i < manifest->group_count; i++)
        encode_group(&manifest->groups[i], out);
    if (buffer_failed(out))
        return;
    put_u32(out->data + start + 12, (uint32_t)(out->size - start + 4));
    buffer_u32(out, crc32c(0, out->data + start, out->size - start));
}

/* What is left to be read; short reads leave `ok` false and give zeros. */
struct cursor {
    struct bytes left;
    bool ok;
};

static const uint8_t *
take(struct cursor *cursor, size_t size)
{
    static const uint8_t zeros[SEGMENT_SIZE];
    if (!cursor->ok || cursor->left.size < size) {
        cursor->ok = false;
        return size <= sizeof zeros ? zeros : NULL;
    }
    const uint8_t *from = cursor->left.data;
    cursor->left.data += size;
    cursor->left.size -= size;
    return from;
}

static tally_status
decode_fields(struct cursor *cursor, unsigned count, const char *name, uint64_t *fields_out,
              struct tally_error *error)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t size = *take(cursor, 1);
        const uint8_t *text = take(cursor, size);
        if (!cursor->ok)
            return TALLY_OK; /* told by the caller */
        enum field_id field = field_find(bytes_of(text, size));
        if (field == FIELD_COUNT)
            return fault(error, TALLY_UNSUPPORTED,
                         "%s: private field \"%.*s\" is not known to this program", name, size,
                         (const char *)text);
        if ((*fields_out >> field) != 0)
            return fault(error, TALLY_DAMAGED, "%s: its private fields are out of order", name);
        *fields_out |= FIELD_BIT(field);
    }
    return TALLY_OK;
}

/* Segments must join without gaps and end at `sealed`. */
static tally_status
check_segments(const struct manifest *manifest, const char *name, struct tally_error *error)
{
    uint64_t next = 0;
    for (size_t i = 0; i < manifest->count; i++) {
        const struct segment_info *info = &manifest->segments[i];
        if (info->first != next || info->count == 0 || info->generation == 0)
            return fault(error, TALLY_DAMAGED, "%s: its segments do not join at entry %" PRIu64,
                         name, next);
        next += info->count;
    }
    if (next != manifest->sealed)
        return fault(error, TALLY_DAMAGED,
                     "%s: its segments end at entry %" PRIu64 ", not at %" PRIu64, name, next,
                     manifest->sealed);
    if (manifest->journal.index != manifest->sealed)
        return fault(error, TALLY_DAMAGED,
                     "%s: its journal begins with entry %" PRIu64 ", not with %" PRIu64, name,
                     manifest->journal.index, manifest->sealed);
    /* Else an erasure that is put on record later would never be carried out. */
    if (manifest->erased_through > manifest->sealed)
        return fault(error, TALLY_DAMAGED,
                     "%s: erasures are carried out up to entry %" PRIu64 ", but only %" PRIu64
                     " entries are sealed",
                     name, manifest->erased_through, manifest->sealed);
    return TALLY_OK;
}

/* Groups must ascend and cover whole segments. */
static tally_status
check_groups(const struct manifest *manifest, const char *name, struct tally_error *error)
{
    size_t next = 0; /* the first segment that no group has covered */
    for (size_t i = 0; i < manifest->group_count; i++) {
        const struct group_info *info = &manifest->groups[i];
        while (next < manifest->count && manifest->segments[next].first < info->first)
            next++;
        if (next == manifest->count || manifest->segments[next].first != info->first ||
            info->segments == 0 || info->segments > GROUP_COLUMNS_MAX ||
            info->segments > manifest->count - next || info->generation == 0 ||
            info->generation > GROUP_GENERATION_MAX)
            return fault(error, TALLY_DAMAGED,
                         "%s: its group of entry %" PRIu64 " covers no segments of their own", name,
                         info->first);
        next += info->segments;
    }
    return TALLY_OK;
}

/* What is left: the list of groups. */
static tally_status
decode_groups(struct cursor *cursor, const char *name, struct manifest *manifest,
              struct tally_error *error)
{
    uint32_t count = get_u32(take(cursor, 4));
    if (!cursor->ok || cursor->left.size != (size_t)count * GROUP_SIZE)
        return fault(error, TALLY_DAMAGED, "%s: its parts do not fill it", name);
    manifest->groups = calloc((size_t)count + 1, sizeof *manifest->groups);
    if (manifest->groups == NULL)
        return memory_fault(error);
    manifest->group_count = count;
    for (uint32_t i = 0; i < count; i++)
        decode_group(take(cursor, GROUP_SIZE), &manifest->groups[i]);
    return check_groups(manifest, name, error);
}

/* Everything behind the fixed header, which is decoded. */
static tally_status
decode_rest(struct cursor *cursor, const uint8_t *header, const char *name,
            struct manifest *manifest, struct tally_error *error)
{
    unsigned vkey_size = get_u16(header + 88);
    const uint8_t *vkey = take(cursor, vkey_size);
    tally_status status = TALLY_OK;
    if (cursor->ok)
        status = tally_vkey_parse((const char *)vkey, vkey_size, &manifest->vkey, error);
    if (status == TALLY_INVALID)
        return fault(error, TALLY_DAMAGED, "%s: its key is none", name);
    if (status == TALLY_OK)
        status =
            decode_fields(cursor, get_u16(header + 90), name, &manifest->fields_private, error);
    if (status != TALLY_OK)
        return status;
    manifest->tree.size = manifest->sealed;
    for (unsigned level = 0; level < TALLY_TREE_LEVELS; level++)
        if ((manifest->sealed >> level & 1) != 0)
            memcpy(manifest->tree.peaks[level].bytes, take(cursor, TALLY_HASH_SIZE),
                   TALLY_HASH_SIZE);
    uint32_t count = get_u32(header + 84);
    if (!cursor->ok || cursor->left.size / SEGMENT_SIZE < count)
        return fault(error, TALLY_DAMAGED, "%s: its parts do not fill it", name);
    manifest->segments = calloc((size_t)count + 1, sizeof *manifest->segments);
    if (manifest->segments == NULL)
        return memory_fault(error);
    manifest->count = count;
    for (uint32_t i = 0; i < count; i++)
        decode_segment(take(cursor, SEGMENT_SIZE), &manifest->segments[i]);
    status = check_segments(manifest, name, error);
    return status == TALLY_OK ? decode_groups(cursor, name, manifest, error) : status;
}

tally_status
manifest_decode(struct bytes file, const char *name, struct manifest *manifest_out,
                struct tally_error *error)
{
    if (file.size < HEADER_SIZE + 4 || memcmp(file.data, MAGIC, 8) != 0)
        return fault(error, TALLY_DAMAGED, "%s: not a manifest", name);
    if (get_u32(file.data + 12) != file.size ||
        get_u32(file.data + file.size - 4) != crc32c(0, file.data, file.size - 4))
        return fault(error, TALLY_DAMAGED, "%s: the checksum does not match", name);
    if (get_u32(file.data + 8) != VERSION)
        return fault(error, TALLY_UNSUPPORTED, "%s: version %" PRIu32 " is newer than this program",
                     name, get_u32(file.data + 8));
    struct manifest manifest = {
        .generation = get_u64(file.data + 32),
        .sealed = get_u64(file.data + 40),
        .erased_through = get_u64(file.data + 48),
        .journal = { .file = get_u64(file.data + 56),
                     .sequence = get_u64(file.data + 64),
                     .index = get_u64(file.data + 72),
                     .chain = get_u32(file.data + 80) },
    };
    if (manifest.sealed > TALLY_TREE_SIZE_MAX)
        return fault(error, TALLY_DAMAGED, "%s: more entries than a trail can have", name);
    struct cursor cursor = {
        .left = bytes_of(file.data + HEADER_SIZE, file.size - HEADER_SIZE - 4),
        .ok = true,
    };
    tally_status status = decode_rest(&cursor, file.data, name, &manifest, error);
    uint8_t tag[16];
    trail_tag(manifest.vkey.name, tag);
    if (status == TALLY_OK && memcmp(tag, file.data + 16, sizeof tag) != 0)
        status = fault(error, TALLY_DAMAGED, "%s: its tag is not that of its origin", name);
    if (status != TALLY_OK) {
        manifest_free(&manifest);
        return status;
    }
    *manifest_out = manifest;
    return TALLY_OK;
}

static void
manifest_name(const char *folder, char name[160])
{
    (void)snprintf(name, 160, "%s/manifest", folder);
}

tally_status
manifest_read(struct disk *disk, const char *folder, struct manifest *manifest_out,
              struct tally_error *error)
{
    char name[160];
    struct buffer content = { 0 };
    manifest_name(folder, name);
    tally_status status = disk_read_file(disk, name, FILE_MAX, &content, error);
    if (status == TALLY_INVALID)
        status = fault(error, TALLY_DAMAGED, "%s: too large to be a manifest", name);
    if (status == TALLY_OK)
        status = manifest_decode(buffer_view(&content), name, manifest_out, error);
    buffer_free(&content);
    return status;
}

tally_status
manifest_write(struct disk *disk, const char *folder, const struct manifest *manifest,
               struct tally_error *error)
{
    char name[160];
    struct buffer content = { 0 };
    manifest_name(folder, name);
    manifest_encode(manifest, &content);
    tally_status status = buffer_failed(&content)
                              ? memory_fault(error)
                              : disk_replace_file(disk, folder, name, buffer_view(&content), error);
    buffer_free(&content);
    return status;
}
