/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Input: a byte (bits 0-3: block size as a shift of 1 MiB; 4: sectors of 4096;
 * 5: with parent), the disk's size (8), the file's in MiB (4), the index of
 * the first entry (4), entries (8 each).
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "block/vhdx/format-bat.h"
#include "fuzz.h"

static void try_entry(const VhdxBatRules *rules, uint64_t index, uint64_t raw)
{
    VhdxBatEntry entry, again;
    VhdxError err = { 0 };
    uint64_t number;
    bool is_sb = vhdx_bat_is_sb(rules->geo, index, &number);

    fuzz_assert(index == (is_sb ? vhdx_bat_sb_index(rules->geo, number)
                          : vhdx_bat_payload_index(rules->geo, number)));
    if (!vhdx_bat_entry_check(rules, index, raw, &entry, &err)) {
        fuzz_refused(&err);
        return;
    }
    if (entry.state == VHDX_BAT_PRESENT || entry.state == VHDX_BAT_PARTIAL) {
        uint64_t length = is_sb ? VHDX_MIB : rules->geo->block_size;

        fuzz_assert(entry.offset >= 2 * VHDX_MIB);
        fuzz_assert(entry.offset + length <= rules->file_size);
    }
    fuzz_assert(rules->geo->has_parent || entry.state != VHDX_BAT_PARTIAL);
    fuzz_assert(vhdx_bat_source(entry.state, rules->geo->has_parent) <=
                VHDX_SOURCE_BITMAP);
    fuzz_assert(vhdx_bat_entry_check(rules, index,
                                     vhdx_bat_entry_encode(entry.state,
                                                           entry.offset),
                                     &again, NULL));
    fuzz_assert(again.state == entry.state && again.offset == entry.offset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned flags = fuzz_take(&data, &size, 1);
    uint64_t disk_size = fuzz_take(&data, &size, 8);
    uint64_t file_size = fuzz_take(&data, &size, 4) * VHDX_MIB;
    uint64_t index = fuzz_take(&data, &size, 4);
    VhdxGeometry geo;
    VhdxLayout layout;
    VhdxBatRules rules = { &geo, VHDX_MIB, file_size, &layout };
    VhdxError err = { 0 };

    if (!vhdx_geometry_init(&geo, disk_size, VHDX_MIB << (flags & 15),
                            flags & 16 ? 4096 : 512, flags & 32, 0, &err)) {
        fuzz_refused(&err);
        return 0;
    }
    vhdx_layout_init(&layout);
    vhdx_layout_add(&layout, "log", VHDX_MIB, VHDX_MIB, NULL);
    while (size) {
        try_entry(&rules, index++, fuzz_take(&data, &size, 8));
    }
    vhdx_layout_destroy(&layout);
    return 0;
}
