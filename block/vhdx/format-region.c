/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VHDX region tables (MS-VHDX 2.2.3): 64 KiB each, two copies.
 *
 *   0 "regi"    4 Checksum    8 EntryCount    12 reserved    16 entries
 *   entry of 32 bytes: 0 Guid    16 FileOffset    24 Length    28 Required
 *
 * Not every writer sets Required for the BAT and metadata regions, so it is
 * not asked of them.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "block/vhdx/format.h"

#define TABLE_CHECKSUM 4
#define TABLE_ENTRIES 16
#define ENTRY_LEN 32

static const char region_magic[4] = "regi";

const Guid vhdx_region_bat =
    GUID_INIT(0x2dc27766, 0xf623, 0x4200,
              0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08);
const Guid vhdx_region_metadata =
    GUID_INIT(0x8b7ca206, 0x4790, 0x4b9a,
              0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e);

static bool region_error(VhdxError *err, VhdxErrorCode code,
                         const char *field, uint64_t offset, uint64_t value,
                         uint64_t expected, const VhdxRegion *r)
{
    return vhdx_error_set_guid(err, code, "region", field, offset, value,
                               expected, &r->guid);
}

static bool region_check(const VhdxRegion *r, uint64_t at, VhdxError *err)
{
    if (r->offset % VHDX_ALIGN) {
        return region_error(err, VHDX_ERR_ALIGNMENT, "FileOffset", at + 16,
                            r->offset, VHDX_ALIGN, r);
    }
    if (r->offset < VHDX_FIRST_FREE) {
        return region_error(err, VHDX_ERR_TOO_SMALL, "FileOffset", at + 16,
                            r->offset, VHDX_FIRST_FREE, r);
    }
    if (!r->length) {
        return region_error(err, VHDX_ERR_ZERO, "Length", at + 24, 0, 0, r);
    }
    if (r->length % VHDX_ALIGN) {
        return region_error(err, VHDX_ERR_ALIGNMENT, "Length", at + 24,
                            r->length, VHDX_ALIGN, r);
    }
    if (r->offset > VHDX_FILE_MAX - r->length) {
        return region_error(err, VHDX_ERR_TOO_LARGE, "FileOffset", at + 16,
                            r->offset, VHDX_FILE_MAX - r->length, r);
    }
    return true;
}

/* What makes a copy of the table whole: signature and checksum. */
static bool region_table_whole(const uint8_t *buf, size_t len, uint64_t at,
                               VhdxError *err)
{
    uint32_t stored, computed;

    if (len < VHDX_REGION_TABLE_LEN) {
        return vhdx_error_set(err, VHDX_ERR_TRUNCATED, "region table", NULL,
                              at, len, VHDX_REGION_TABLE_LEN);
    }
    if (memcmp(buf, region_magic, sizeof(region_magic))) {
        return vhdx_error_set(err, VHDX_ERR_SIGNATURE, "region table", NULL,
                              at, (uint32_t)ldl_le_p(buf), 0);
    }
    stored = ldl_le_p(buf + TABLE_CHECKSUM);
    computed = vhdx_checksum(buf, VHDX_REGION_TABLE_LEN, TABLE_CHECKSUM);
    return stored == computed ||
           vhdx_error_set(err, VHDX_ERR_CHECKSUM, "region table", NULL, at,
                          stored, computed);
}

/* Decode entry @i of the table, which is of a GUID not seen before. */
static bool region_entry_decode(const uint8_t *buf, uint64_t at, unsigned i,
                                VhdxRegionTable *table, GHashTable *seen,
                                VhdxError *err)
{
    const uint8_t *p = buf + TABLE_ENTRIES + i * ENTRY_LEN;
    uint64_t here = at + TABLE_ENTRIES + i * ENTRY_LEN;
    VhdxRegion *r = &table->region[i];

    *r = (VhdxRegion) {
        .guid = guid_load(p),
        .offset = ldq_le_p(p + 16),
        .length = ldl_le_p(p + 24),
        .flags = ldl_le_p(p + 28),
    };
    if (!g_hash_table_add(seen, r->guid.bytes)) {
        return region_error(err, VHDX_ERR_DUPLICATE, "Guid", here, i, 0, r);
    }
    if (guid_equal(&r->guid, &vhdx_region_bat)) {
        table->bat = i;
    } else if (guid_equal(&r->guid, &vhdx_region_metadata)) {
        table->metadata = i;
    } else if (r->flags & VHDX_REGION_REQUIRED) {
        return region_error(err, VHDX_ERR_UNKNOWN_REQUIRED, NULL, here, 0, 0,
                            r);
    }
    return region_check(r, here, err);
}

static unsigned guid_hash(gconstpointer key)
{
    unsigned hash = 0;

    for (unsigned i = 0; i < GUID_LEN; i++) {
        hash = hash * 31 + ((const uint8_t *)key)[i];
    }
    return hash;
}

static gboolean guid_hash_equal(gconstpointer a, gconstpointer b)
{
    return !memcmp(a, b, GUID_LEN);
}

static bool region_entries_decode(const uint8_t *buf, uint64_t at,
                                  VhdxRegionTable *table, VhdxError *err)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(guid_hash, guid_hash_equal);

    table->bat = table->metadata = table->n;
    for (unsigned i = 0; i < table->n; i++) {
        if (!region_entry_decode(buf, at, i, table, seen, err)) {
            return false;
        }
    }
    if (table->bat == table->n) {
        return vhdx_error_set_guid(err, VHDX_ERR_MISSING, "region", "BAT", at,
                                   0, 0, &vhdx_region_bat);
    }
    if (table->metadata == table->n) {
        return vhdx_error_set_guid(err, VHDX_ERR_MISSING, "region",
                                   "metadata", at, 0, 0,
                                   &vhdx_region_metadata);
    }
    return true;
}

bool vhdx_region_table_decode(const uint8_t *buf, size_t len, uint64_t at,
                              VhdxRegionTable *table, VhdxError *err)
{
    uint32_t count;

    *table = (VhdxRegionTable) { 0 };
    if (!region_table_whole(buf, len, at, err)) {
        return false;
    }
    count = ldl_le_p(buf + 8);
    if (count > VHDX_REGIONS_MAX) {
        return vhdx_error_set(err, VHDX_ERR_TOO_LARGE, "region table",
                              "EntryCount", at + 8, count, VHDX_REGIONS_MAX);
    }
    table->n = count;
    table->region = g_new(VhdxRegion, count);
    if (!region_entries_decode(buf, at, table, err)) {
        vhdx_region_table_destroy(table);
        return false;
    }
    return true;
}

void vhdx_region_table_encode(uint8_t *buf, const VhdxRegionTable *table)
{
    assert(table->n <= VHDX_REGIONS_MAX);
    memset(buf, 0, VHDX_REGION_TABLE_LEN);
    memcpy(buf, region_magic, sizeof(region_magic));
    stl_le_p(buf + 8, table->n);
    for (unsigned i = 0; i < table->n; i++) {
        const VhdxRegion *r = &table->region[i];
        uint8_t *p = buf + TABLE_ENTRIES + i * ENTRY_LEN;

        guid_store(p, &r->guid);
        stq_le_p(p + 16, r->offset);
        stl_le_p(p + 24, r->length);
        stl_le_p(p + 28, r->flags);
    }
    stl_le_p(buf + TABLE_CHECKSUM,
             vhdx_checksum(buf, VHDX_REGION_TABLE_LEN, TABLE_CHECKSUM));
}

void vhdx_region_table_destroy(VhdxRegionTable *table)
{
    g_free(table->region);
    *table = (VhdxRegionTable) { 0 };
}

bool vhdx_region_tables_choose(const uint8_t *table_1, size_t len_1,
                               const uint8_t *table_2, size_t len_2,
                               VhdxRegionTable *table,
                               VhdxRegionTablesState *state, VhdxError *err)
{
    bool whole_1 = region_table_whole(table_1, len_1, VHDX_REGION_TABLE_1,
                                      err);
    bool whole_2 = region_table_whole(table_2, len_2, VHDX_REGION_TABLE_2,
                                      NULL);

    *table = (VhdxRegionTable) { 0 };
    if (!whole_1 && !whole_2) {
        /* *err says what is wrong with the first one. */
        return false;
    }
    if (!whole_1) {
        *state = VHDX_TABLES_ONLY_2;
        return vhdx_region_table_decode(table_2, len_2, VHDX_REGION_TABLE_2,
                                        table, err);
    }
    if (!whole_2) {
        *state = VHDX_TABLES_ONLY_1;
    } else if (memcmp(table_1, table_2, VHDX_REGION_TABLE_LEN)) {
        *state = VHDX_TABLES_DIFFER;
    } else {
        *state = VHDX_TABLES_EQUAL;
    }
    return vhdx_region_table_decode(table_1, len_1, VHDX_REGION_TABLE_1,
                                    table, err);
}
