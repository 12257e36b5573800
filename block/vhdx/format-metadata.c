/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VHDX metadata table and fixed items (MS-VHDX 2.6).
 *
 *   table header: 0 "metadata"   8 reserved   10 EntryCount   12 reserved
 *   entry of 32 bytes, from 32: 0 ItemId   16 Offset   20 Length
 *                               24 flags   28 reserved
 *
 * The region has no checksum of its own: updates go through the log.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "block/vhdx/format-metadata.h"

#define TABLE_HEADER_LEN 32
#define ENTRY_LEN 32
#define ITEM_FLAGS (VHDX_ITEM_IS_USER | VHDX_ITEM_IS_DISK | \
                    VHDX_ITEM_IS_REQUIRED)
#define FILE_LEAVE_ALLOCATED 1u
#define FILE_HAS_PARENT 2u
/* Items are put at multiples of this; the format asks for nothing. */
#define ITEM_ALIGN 8

static const char metadata_magic[8] = "metadata";

static const struct {
    const char *name;
    Guid id;
    uint32_t flags;
    uint32_t length;            /* 0: any */
} item_kinds[VHDX_ITEM_KINDS] = {
    [VHDX_ITEM_FILE_PARAMETERS] = {
        "file parameters",
        GUID_INIT(0xcaa16737, 0xfa36, 0x4d43,
                  0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b),
        VHDX_ITEM_IS_REQUIRED, 8,
    },
    [VHDX_ITEM_DISK_SIZE] = {
        "virtual disk size",
        GUID_INIT(0x2fa54224, 0xcd1b, 0x4876,
                  0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8),
        VHDX_ITEM_IS_DISK | VHDX_ITEM_IS_REQUIRED, 8,
    },
    [VHDX_ITEM_DISK_ID] = {
        "virtual disk id",
        GUID_INIT(0xbeca12ab, 0xb2e6, 0x4523,
                  0x93, 0xef, 0xc3, 0x09, 0xe0, 0x00, 0xc7, 0x46),
        VHDX_ITEM_IS_DISK | VHDX_ITEM_IS_REQUIRED, 16,
    },
    [VHDX_ITEM_LOGICAL_SECTOR] = {
        "logical sector size",
        GUID_INIT(0x8141bf1d, 0xa96f, 0x4709,
                  0xba, 0x47, 0xf2, 0x33, 0xa8, 0xfa, 0xab, 0x5f),
        VHDX_ITEM_IS_DISK | VHDX_ITEM_IS_REQUIRED, 4,
    },
    [VHDX_ITEM_PHYSICAL_SECTOR] = {
        "physical sector size",
        GUID_INIT(0xcda348c7, 0x445d, 0x4471,
                  0x9c, 0xc9, 0xe9, 0x88, 0x52, 0x51, 0xc5, 0x56),
        VHDX_ITEM_IS_DISK | VHDX_ITEM_IS_REQUIRED, 4,
    },
    [VHDX_ITEM_PARENT_LOCATOR] = {
        "parent locator",
        GUID_INIT(0xa8d35f2d, 0xb30b, 0x454d,
                  0xab, 0xf7, 0xd3, 0xd8, 0x48, 0x34, 0xab, 0x0c),
        VHDX_ITEM_IS_REQUIRED, 0,
    },
};

/* Not in MS-VHDX: stands in a file while it is being made. */
static const Guid item_incomplete =
    GUID_INIT(0x71cc85f0, 0x1b69, 0x4e28,
              0x95, 0x58, 0xc3, 0xbf, 0x83, 0xae, 0x75, 0xd3);

static bool item_error(VhdxError *err, VhdxErrorCode code, const char *field,
                       uint64_t offset, uint64_t value, uint64_t expected,
                       const VhdxItem *item)
{
    return vhdx_error_set_guid(err, code, "metadata item", field, offset,
                               value, expected, &item->id);
}

/* Flags, place and length of one item whose entry is at @at. */
static bool item_check(const VhdxItem *item, uint64_t at,
                       uint64_t region_length, VhdxError *err)
{
    if (guid_is_zero(&item->id)) {
        return item_error(err, VHDX_ERR_ZERO, "ItemId", at, 0, 0, item);
    }
    if (item->flags & ~ITEM_FLAGS) {
        return item_error(err, VHDX_ERR_RESERVED, "flags", at + 24,
                          item->flags, 0, item);
    }
    if (item->length > VHDX_ITEM_LEN_MAX) {
        return item_error(err, VHDX_ERR_TOO_LARGE, "Length", at + 20,
                          item->length, VHDX_ITEM_LEN_MAX, item);
    }
    if (!item->length) {
        return !item->offset ||
               item_error(err, VHDX_ERR_NOT_ZERO, "Offset", at + 16,
                          item->offset, 0, item);
    }
    if (item->offset < VHDX_METADATA_TABLE_LEN) {
        return item_error(err, VHDX_ERR_TOO_SMALL, "Offset", at + 16,
                          item->offset, VHDX_METADATA_TABLE_LEN, item);
    }
    if ((uint64_t)item->offset + item->length > region_length) {
        return item_error(err, VHDX_ERR_BEYOND, "Offset + Length", at + 16,
                          (uint64_t)item->offset + item->length,
                          region_length, item);
    }
    return true;
}

/* The kind of a known item, or VHDX_ITEM_KINDS. */
static unsigned item_kind(const VhdxItem *item)
{
    unsigned kind = VHDX_ITEM_KINDS;

    if (!(item->flags & VHDX_ITEM_IS_USER)) {
        for (kind = 0; kind < VHDX_ITEM_KINDS; kind++) {
            if (guid_equal(&item->id, &item_kinds[kind].id)) {
                break;
            }
        }
    }
    return kind;
}

static bool item_recognize(VhdxMetadataTable *table, unsigned i, uint64_t at,
                           VhdxError *err)
{
    const VhdxItem *item = &table->item[i];
    unsigned kind = item_kind(item);

    if (kind < VHDX_ITEM_KINDS) {
        if (item_kinds[kind].length &&
            item->length != item_kinds[kind].length) {
            return vhdx_error_set(err, VHDX_ERR_MISMATCH,
                                  item_kinds[kind].name, "Length", at + 20,
                                  item->length, item_kinds[kind].length);
        }
        table->known[kind] = i;
        return true;
    }
    if (guid_equal(&item->id, &item_incomplete)) {
        return item_error(err, VHDX_ERR_INCOMPLETE, NULL, at, 0, 0, item);
    }
    return !(item->flags & VHDX_ITEM_IS_REQUIRED) ||
           item_error(err, VHDX_ERR_UNKNOWN_REQUIRED, NULL, at, 0, 0, item);
}

/* Order by id and IsUser: equals come together. */
static int item_compare_id(const void *a, const void *b)
{
    const VhdxItem *x = *(const VhdxItem *const *)a;
    const VhdxItem *y = *(const VhdxItem *const *)b;
    int order = memcmp(x->id.bytes, y->id.bytes, GUID_LEN);

    return order ? order : (int)(x->flags & VHDX_ITEM_IS_USER) -
                           (int)(y->flags & VHDX_ITEM_IS_USER);
}

static int item_compare_offset(const void *a, const void *b)
{
    const VhdxItem *x = *(const VhdxItem *const *)a;
    const VhdxItem *y = *(const VhdxItem *const *)b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Pointers to the items, in the order of @compare; g_free() them. */
static const VhdxItem **items_sorted(const VhdxMetadataTable *table,
                                     int (*compare)(const void *,
                                                    const void *))
{
    const VhdxItem **sorted = g_new(const VhdxItem *, table->n + 1);

    for (unsigned i = 0; i < table->n; i++) {
        sorted[i] = &table->item[i];
    }
    qsort(sorted, table->n, sizeof(*sorted), compare);
    return sorted;
}

static uint64_t entry_offset(const VhdxMetadataTable *table, uint64_t at,
                             const VhdxItem *item)
{
    return at + TABLE_HEADER_LEN + (item - table->item) * ENTRY_LEN;
}

static bool items_unique(const VhdxMetadataTable *table, uint64_t at,
                         VhdxError *err)
{
    g_autofree const VhdxItem **by_id = items_sorted(table, item_compare_id);

    for (unsigned i = 1; i < table->n; i++) {
        if (!item_compare_id(&by_id[i - 1], &by_id[i])) {
            return item_error(err, VHDX_ERR_DUPLICATE, "ItemId",
                              entry_offset(table, at, by_id[i]),
                              by_id[i]->flags, 0, by_id[i]);
        }
    }
    return true;
}

static bool items_disjoint(const VhdxMetadataTable *table, uint64_t at,
                           VhdxError *err)
{
    g_autofree const VhdxItem **by_offset =
        items_sorted(table, item_compare_offset);
    uint64_t end = 0;

    for (unsigned i = 0; i < table->n; i++) {
        if (by_offset[i]->offset < end) {
            return item_error(err, VHDX_ERR_OVERLAP, "Offset",
                              entry_offset(table, at, by_offset[i]) + 16,
                              at + by_offset[i - 1]->offset, 0, by_offset[i]);
        }
        end = (uint64_t)by_offset[i]->offset + by_offset[i]->length;
    }
    return true;
}

/* Take all entries; @count is legal. */
static bool items_decode(const uint8_t *buf, uint64_t at, unsigned count,
                         uint64_t region_length, VhdxMetadataTable *table,
                         VhdxError *err)
{
    unsigned users = 0;

    for (unsigned i = 0; i < count; i++) {
        const uint8_t *p = buf + TABLE_HEADER_LEN + i * ENTRY_LEN;
        VhdxItem *item = &table->item[i];

        *item = (VhdxItem) {
            .id = guid_load(p),
            .offset = ldl_le_p(p + 16),
            .length = ldl_le_p(p + 20),
            .flags = ldl_le_p(p + 24),
            .reserved = ldl_le_p(p + 28),
        };
        table->n = i + 1;
        if (!item_check(item, entry_offset(table, at, item), region_length,
                        err) ||
            !item_recognize(table, i, entry_offset(table, at, item), err)) {
            return false;
        }
        users += item->flags & VHDX_ITEM_IS_USER;
    }
    if (users > VHDX_USER_ITEMS_MAX) {
        return vhdx_error_set(err, VHDX_ERR_TOO_LARGE, "metadata table",
                              "number of user items", at, users,
                              VHDX_USER_ITEMS_MAX);
    }
    for (unsigned kind = 0; kind < VHDX_ITEM_PARENT_LOCATOR; kind++) {
        if (table->known[kind] < 0) {
            return vhdx_error_set(err, VHDX_ERR_MISSING,
                                  item_kinds[kind].name, NULL, at, 0, 0);
        }
    }
    return items_unique(table, at, err) && items_disjoint(table, at, err);
}

bool vhdx_metadata_decode(const uint8_t *buf, size_t len, uint64_t at,
                          uint64_t region_length, VhdxMetadataTable *table,
                          VhdxError *err)
{
    unsigned count;

    if (len < VHDX_METADATA_TABLE_LEN) {
        return vhdx_error_set(err, VHDX_ERR_TRUNCATED, "metadata table", NULL,
                              at, len, VHDX_METADATA_TABLE_LEN);
    }
    if (memcmp(buf, metadata_magic, sizeof(metadata_magic))) {
        return vhdx_error_set(err, VHDX_ERR_SIGNATURE, "metadata table", NULL,
                              at, ldq_le_p(buf), 0);
    }
    count = lduw_le_p(buf + 10);
    if (count > VHDX_ITEMS_MAX) {
        return vhdx_error_set(err, VHDX_ERR_TOO_LARGE, "metadata table",
                              "EntryCount", at + 10, count, VHDX_ITEMS_MAX);
    }
    vhdx_metadata_init(table);
    if (!items_decode(buf, at, count, region_length, table, err)) {
        vhdx_metadata_destroy(table);
        return false;
    }
    return true;
}

void vhdx_metadata_encode(uint8_t *buf, const VhdxMetadataTable *table)
{
    memset(buf, 0, VHDX_METADATA_TABLE_LEN);
    memcpy(buf, metadata_magic, sizeof(metadata_magic));
    stw_le_p(buf + 10, table->n);
    for (unsigned i = 0; i < table->n; i++) {
        const VhdxItem *item = &table->item[i];
        uint8_t *p = buf + TABLE_HEADER_LEN + i * ENTRY_LEN;

        guid_store(p, &item->id);
        stl_le_p(p + 16, item->offset);
        stl_le_p(p + 20, item->length);
        stl_le_p(p + 24, item->flags);
        stl_le_p(p + 28, item->reserved);
    }
}

void vhdx_metadata_init(VhdxMetadataTable *table)
{
    table->item = g_new(VhdxItem, VHDX_ITEMS_MAX);
    table->n = 0;
    for (unsigned kind = 0; kind < VHDX_ITEM_KINDS; kind++) {
        table->known[kind] = -1;
    }
}

void vhdx_metadata_destroy(VhdxMetadataTable *table)
{
    g_free(table->item);
    *table = (VhdxMetadataTable) { 0 };
}

const VhdxItem *vhdx_metadata_find(const VhdxMetadataTable *table,
                                   VhdxItemKind kind)
{
    int i = table->known[kind];

    return i < 0 ? NULL : &table->item[i];
}

/* The first gap of @length behind the table, item @except not counted. */
static bool metadata_gap(const VhdxMetadataTable *table,
                         const VhdxItem *except, uint32_t length,
                         uint64_t region_length, uint64_t *offset)
{
    g_autofree const VhdxItem **by_offset =
        items_sorted(table, item_compare_offset);
    uint64_t start = VHDX_METADATA_TABLE_LEN;

    for (unsigned i = 0; i < table->n; i++) {
        const VhdxItem *item = by_offset[i];

        if (item == except || !item->length) {
            continue;
        }
        if (start + length <= item->offset) {
            break;
        }
        start = ROUND_UP((uint64_t)item->offset + item->length, ITEM_ALIGN);
    }
    *offset = start;
    return start + length <= MIN(region_length, UINT32_MAX);
}

bool vhdx_metadata_place(VhdxMetadataTable *table, VhdxItemKind kind,
                         uint32_t length, uint64_t region_length,
                         VhdxError *err)
{
    const char *name = item_kinds[kind].name;
    VhdxItem *item = table->known[kind] < 0 ? NULL
                   : &table->item[table->known[kind]];
    uint64_t offset;

    assert(length);
    if (length > VHDX_ITEM_LEN_MAX) {
        return vhdx_error_set(err, VHDX_ERR_TOO_LARGE, name, "Length", 0,
                              length, VHDX_ITEM_LEN_MAX);
    }
    if (item && item->length >= length) {
        item->length = length;
        return true;
    }
    if (!metadata_gap(table, item, length, region_length, &offset)) {
        return vhdx_error_set(err, VHDX_ERR_BEYOND, name, "Length", 0,
                              offset + length, region_length);
    }
    if (!item) {
        if (table->n == VHDX_ITEMS_MAX) {
            return vhdx_error_set(err, VHDX_ERR_TOO_LARGE, "metadata table",
                                  "EntryCount", 0, table->n + 1,
                                  VHDX_ITEMS_MAX);
        }
        table->known[kind] = table->n;
        item = &table->item[table->n++];
        *item = (VhdxItem) {
            .id = item_kinds[kind].id,
            .flags = item_kinds[kind].flags,
        };
    }
    item->offset = offset;
    item->length = length;
    return true;
}

void vhdx_metadata_remove(VhdxMetadataTable *table, VhdxItemKind kind)
{
    int gone = table->known[kind];

    if (gone < 0) {
        return;
    }
    table->n--;
    memmove(&table->item[gone], &table->item[gone + 1],
            (table->n - gone) * sizeof(*table->item));
    table->known[kind] = -1;
    for (unsigned i = 0; i < VHDX_ITEM_KINDS; i++) {
        table->known[i] -= table->known[i] > gone;
    }
}

/* ---- fixed items ---- */

static bool file_parameters_decode(VhdxParams *params, const uint8_t *buf,
                                   uint64_t at, VhdxError *err)
{
    uint32_t flags = ldl_le_p(buf + 4);

    if (flags & ~(FILE_LEAVE_ALLOCATED | FILE_HAS_PARENT)) {
        return vhdx_error_set(err, VHDX_ERR_RESERVED, "file parameters",
                              "flags", at + 4, flags, 0);
    }
    params->block_size = ldl_le_p(buf);
    params->leave_allocated = flags & FILE_LEAVE_ALLOCATED;
    params->has_parent = flags & FILE_HAS_PARENT;
    return true;
}

static bool sector_decode(uint32_t *sector, const char *name,
                          const uint8_t *buf, uint64_t at, VhdxError *err)
{
    *sector = ldl_le_p(buf);
    return *sector == 512 || *sector == 4096 ||
           vhdx_error_set(err, VHDX_ERR_BAD_VALUE, name, NULL, at, *sector, 0);
}

bool vhdx_params_decode(VhdxParams *params, VhdxItemKind kind,
                        const uint8_t *buf, size_t len, uint64_t at,
                        VhdxError *err)
{
    const char *name = item_kinds[kind].name;

    assert(kind < VHDX_ITEM_PARENT_LOCATOR);
    if (len < item_kinds[kind].length) {
        return vhdx_error_set(err, VHDX_ERR_TRUNCATED, name, NULL, at, len,
                              item_kinds[kind].length);
    }
    switch (kind) {
    case VHDX_ITEM_FILE_PARAMETERS:
        return file_parameters_decode(params, buf, at, err);
    case VHDX_ITEM_DISK_SIZE:
        params->disk_size = ldq_le_p(buf);
        return true;
    case VHDX_ITEM_DISK_ID:
        params->disk_id = guid_load(buf);
        return true;
    case VHDX_ITEM_LOGICAL_SECTOR:
        return sector_decode(&params->logical_sector, name, buf, at, err);
    default:
        return sector_decode(&params->physical_sector, name, buf, at, err);
    }
}

size_t vhdx_params_encode(const VhdxParams *params, VhdxItemKind kind,
                          uint8_t *buf)
{
    assert(kind < VHDX_ITEM_PARENT_LOCATOR);
    switch (kind) {
    case VHDX_ITEM_FILE_PARAMETERS:
        stl_le_p(buf, params->block_size);
        stl_le_p(buf + 4,
                 (params->leave_allocated ? FILE_LEAVE_ALLOCATED : 0) |
                 (params->has_parent ? FILE_HAS_PARENT : 0));
        break;
    case VHDX_ITEM_DISK_SIZE:
        stq_le_p(buf, params->disk_size);
        break;
    case VHDX_ITEM_DISK_ID:
        guid_store(buf, &params->disk_id);
        break;
    case VHDX_ITEM_LOGICAL_SECTOR:
        stl_le_p(buf, params->logical_sector);
        break;
    default:
        stl_le_p(buf, params->physical_sector);
        break;
    }
    return item_kinds[kind].length;
}

bool vhdx_params_check(const VhdxParams *params,
                       const VhdxMetadataTable *table, uint64_t at,
                       VhdxGeometry *geo, VhdxError *err)
{
    const VhdxItem *locator = vhdx_metadata_find(table,
                                                 VHDX_ITEM_PARENT_LOCATOR);

    if (params->has_parent && !locator) {
        return vhdx_error_set(err, VHDX_ERR_MISSING, "parent locator", NULL,
                              at, 0, 0);
    }
    if (!params->has_parent && locator) {
        return vhdx_error_set(err, VHDX_ERR_UNEXPECTED, "parent locator",
                              NULL, at + locator->offset, locator->length, 0);
    }
    return vhdx_geometry_init(geo, params->disk_size, params->block_size,
                              params->logical_sector, params->has_parent, at,
                              err);
}

uint8_t *vhdx_metadata_create(const VhdxParams *params,
                              const uint8_t *locator, size_t locator_len,
                              uint64_t region_length, size_t *image_len,
                              VhdxError *err)
{
    VhdxMetadataTable table;
    uint8_t *image = NULL;
    bool ok = true;
    unsigned kinds = locator_len ? VHDX_ITEM_KINDS : VHDX_ITEM_PARENT_LOCATOR;

    vhdx_metadata_init(&table);
    for (unsigned kind = 0; ok && kind < kinds; kind++) {
        uint32_t length = item_kinds[kind].length ? item_kinds[kind].length
                        : MIN(locator_len, UINT32_MAX);

        ok = vhdx_metadata_place(&table, kind, length, region_length, err);
    }
    if (ok) {
        const VhdxItem *last = &table.item[table.n - 1];

        *image_len = last->offset + last->length;
        image = g_malloc0(*image_len);
        vhdx_metadata_encode(image, &table);
        for (unsigned kind = 0; kind < VHDX_ITEM_PARENT_LOCATOR; kind++) {
            vhdx_params_encode(params, kind,
                               image + vhdx_metadata_find(&table,
                                                          kind)->offset);
        }
        if (locator_len) {
            memcpy(image + last->offset, locator, locator_len);
        }
    }
    vhdx_metadata_destroy(&table);
    return image;
}
