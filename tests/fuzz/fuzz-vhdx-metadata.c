/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Input: the length of the region in MiB (1), the first bytes of the table
 * (512), then what is behind the table.  The rest of the region is zeros.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "block/vhdx/format-metadata.h"
#include "fuzz.h"

#define TABLE_GIVEN 512
/* Items are read only so far. */
#define ITEMS_GIVEN 65536

static bool try_params(const VhdxMetadataTable *table, const uint8_t *region,
                       VhdxGeometry *geo, VhdxError *err)
{
    VhdxParams params = { 0 };

    for (unsigned kind = 0; kind < VHDX_ITEM_PARENT_LOCATOR; kind++) {
        const VhdxItem *item = vhdx_metadata_find(table, kind);
        uint8_t none[VHDX_ITEM_FIXED_MAX] = { 0 }, again[sizeof(none)];
        const uint8_t *p = item->offset + item->length <=
                           VHDX_METADATA_TABLE_LEN + ITEMS_GIVEN
            ? region + item->offset : none;

        if (!vhdx_params_decode(&params, kind, p, item->length, 0, err)) {
            return false;
        }
        fuzz_assert(vhdx_params_encode(&params, kind, again) ==
                    item->length);
        fuzz_assert(!memcmp(again, p, item->length));
    }
    return vhdx_params_check(&params, table, 0, geo, err);
}

static void try_place(VhdxMetadataTable *table, uint64_t region_length)
{
    g_autofree uint8_t *buf = g_malloc(VHDX_METADATA_TABLE_LEN);
    VhdxMetadataTable again;

    if (vhdx_metadata_place(table, VHDX_ITEM_PARENT_LOCATOR, 3000,
                            region_length, NULL)) {
        vhdx_metadata_encode(buf, table);
        fuzz_assert(vhdx_metadata_decode(buf, VHDX_METADATA_TABLE_LEN, 0,
                                         region_length, &again, NULL));
        vhdx_metadata_destroy(&again);
    }
    vhdx_metadata_remove(table, VHDX_ITEM_PARENT_LOCATOR);
    fuzz_assert(!vhdx_metadata_find(table, VHDX_ITEM_PARENT_LOCATOR));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t region_length = fuzz_take(&data, &size, 1) * VHDX_MIB;
    size_t given = MIN(size, TABLE_GIVEN);
    g_autofree uint8_t *region = fuzz_padded(data, given,
                                             VHDX_METADATA_TABLE_LEN +
                                             ITEMS_GIVEN);
    VhdxMetadataTable table;
    VhdxGeometry geo;
    VhdxError err = { 0 };

    memcpy(region + VHDX_METADATA_TABLE_LEN, data + given,
           MIN(size - given, ITEMS_GIVEN));
    if (!vhdx_metadata_decode(region, VHDX_METADATA_TABLE_LEN, 0,
                              region_length, &table, &err)) {
        fuzz_refused(&err);
        return 0;
    }
    for (unsigned i = 0; i < table.n; i++) {
        fuzz_assert((uint64_t)table.item[i].offset + table.item[i].length <=
                    region_length);
    }
    if (try_params(&table, region, &geo, &err)) {
        fuzz_assert(geo.bat_length <= geo.bat_region_length);
        fuzz_assert(geo.payload_count <= 1 << 26);
        fuzz_assert(vhdx_bat_payload_index(&geo, geo.payload_count - 1) <
                    geo.bat_entries);
    } else {
        fuzz_refused(&err);
    }
    try_place(&table, region_length);
    vhdx_metadata_destroy(&table);
    return 0;
}
