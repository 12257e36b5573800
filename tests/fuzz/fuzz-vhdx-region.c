/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Input: log length and offset in MiB (1 + 2), the size of the file in MiB
 * (2), the region table; its rest is zeros, its checksum is mended.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "fuzz.h"

static void try_layout(const VhdxRegionTable *table, const VhdxHeader *header,
                       uint64_t file_size)
{
    VhdxLayout layout;
    VhdxError err = { 0 };

    if (!vhdx_layout_init_file(&layout, header, table, file_size, &err)) {
        fuzz_refused(&err);
        return;
    }
    for (unsigned i = 1; i < layout.n; i++) {
        fuzz_assert(layout.extent[i - 1].offset + layout.extent[i - 1].length
                    <= layout.extent[i].offset);
    }
    for (unsigned i = 0; i < table->n; i++) {
        fuzz_assert(table->region[i].offset + table->region[i].length <=
                    file_size);
        fuzz_assert(!vhdx_layout_check(&layout, "x",
                                       table->region[i].offset, 1, NULL));
    }
    vhdx_layout_destroy(&layout);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VhdxHeader header = {
        .log_length = fuzz_take(&data, &size, 1) * VHDX_MIB,
        .log_offset = fuzz_take(&data, &size, 2) * VHDX_MIB,
    };
    uint64_t file_size = fuzz_take(&data, &size, 2) * VHDX_MIB;
    g_autofree uint8_t *buf = fuzz_padded(data, size, VHDX_REGION_TABLE_LEN);
    g_autofree uint8_t *again = g_malloc(VHDX_REGION_TABLE_LEN);
    VhdxRegionTable table;
    VhdxError err = { 0 };

    stl_le_p(buf + 4, vhdx_checksum(buf, VHDX_REGION_TABLE_LEN, 4));
    if (!vhdx_region_table_decode(buf, VHDX_REGION_TABLE_LEN,
                                  VHDX_REGION_TABLE_1, &table, &err)) {
        fuzz_refused(&err);
        return 0;
    }
    fuzz_assert(table.bat < table.n && table.metadata < table.n);
    vhdx_region_table_encode(again, &table);
    fuzz_assert(!memcmp(buf + 16, again + 16, 32 * table.n));
    try_layout(&table, &header, file_size);
    vhdx_region_table_destroy(&table);
    return 0;
}
