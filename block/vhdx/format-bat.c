/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VHDX block allocation table entries (MS-VHDX 2.5) and sector bitmaps.
 *
 *   bits 0-2 State   3-19 reserved   20-63 FileOffsetMB
 *
 *   state            without parent   with parent        offset
 *   0 NOT_PRESENT    zeros            parent             none
 *   1 UNDEFINED      zeros            zeros              none or anchor
 *   2 ZERO           zeros            zeros              none
 *   3 UNMAPPED       zeros            zeros              none or anchor
 *   4, 5             corrupt          corrupt
 *   6 PRESENT        file             file               of the block
 *   7 PARTIAL        corrupt          by sector bitmap   of the block
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "block/vhdx/format-bat.h"

#define STATE_MASK 7ULL
/* FileOffsetMB counts MiB from bit 20 on: the bits are the byte offset. */
#define OFFSET_MASK (~(VHDX_MIB - 1))
#define SB_LENGTH VHDX_MIB

uint64_t vhdx_bat_entry_encode(VhdxBatState state, uint64_t offset)
{
    assert(!(offset & ~OFFSET_MASK));
    assert(state == VHDX_BAT_NOT_PRESENT || state == VHDX_BAT_ZERO
           ? !offset
           : state == VHDX_BAT_UNDEFINED || state == VHDX_BAT_UNMAPPED ||
             ((state == VHDX_BAT_PRESENT || state == VHDX_BAT_PARTIAL) &&
              offset >= VHDX_FIRST_FREE));
    return offset | state;
}

static bool bat_error(const VhdxBatRules *rules, VhdxErrorCode code,
                      const char *structure, const char *field,
                      uint64_t index, uint64_t value, uint64_t expected,
                      VhdxError *err)
{
    return vhdx_error_set(err, code, structure, field,
                          rules->bat_offset + index * VHDX_BAT_ENTRY_LEN,
                          value, expected);
}

/* Whether @length bytes of a block can be at @offset. */
static bool bat_place_check(const VhdxBatRules *rules, const char *structure,
                            uint64_t index, uint64_t offset, uint64_t length,
                            VhdxError *err)
{
    uint64_t end_max = MIN(rules->file_size, VHDX_FILE_MAX);
    VhdxError overlap;

    if (offset < VHDX_FIRST_FREE) {
        return bat_error(rules, VHDX_ERR_TOO_SMALL, structure, "FileOffsetMB",
                         index, offset, VHDX_FIRST_FREE, err);
    }
    if (offset > end_max || length > end_max - offset) {
        return bat_error(rules, VHDX_ERR_BEYOND, structure, "FileOffsetMB",
                         index, offset, end_max, err);
    }
    if (rules->layout && !vhdx_layout_check(rules->layout, structure, offset,
                                            length, &overlap)) {
        return bat_error(rules, VHDX_ERR_OVERLAP, structure, overlap.field,
                         index, offset, 0, err);
    }
    return true;
}

static bool bat_sb_check(const VhdxBatRules *rules, uint64_t index,
                         uint64_t raw, VhdxBatEntry *entry, VhdxError *err)
{
    unsigned state = raw & STATE_MASK;

    if (state == VHDX_BAT_NOT_PRESENT) {
        return true;
    }
    if (state != VHDX_BAT_PRESENT) {
        return bat_error(rules, VHDX_ERR_BAD_VALUE, "BAT entry of a sector "
                         "bitmap", "State", index, raw, 0, err);
    }
    if (!rules->geo->has_parent) {
        return bat_error(rules, VHDX_ERR_UNEXPECTED, "BAT entry of a sector "
                         "bitmap", "State", index, raw, 0, err);
    }
    entry->state = state;
    entry->offset = raw & OFFSET_MASK;
    return bat_place_check(rules, "sector bitmap block", index,
                           entry->offset, SB_LENGTH, err);
}

static bool bat_payload_check(const VhdxBatRules *rules, uint64_t index,
                              uint64_t raw, VhdxBatEntry *entry,
                              VhdxError *err)
{
    uint64_t offset = raw & OFFSET_MASK;

    entry->state = raw & STATE_MASK;
    switch (entry->state) {
    case VHDX_BAT_NOT_PRESENT:
    case VHDX_BAT_ZERO:
        return true;
    case VHDX_BAT_UNDEFINED:
    case VHDX_BAT_UNMAPPED:
        if (!offset) {
            return true;
        }
        break;
    case VHDX_BAT_PARTIAL:
        if (!rules->geo->has_parent) {
            return bat_error(rules, VHDX_ERR_UNEXPECTED, "BAT entry",
                             "State", index, raw, 0, err);
        }
        break;
    case VHDX_BAT_PRESENT:
        break;
    default:
        return bat_error(rules, VHDX_ERR_BAD_VALUE, "BAT entry", "State",
                         index, raw, 0, err);
    }
    entry->offset = offset;
    return bat_place_check(rules, "payload block", index, offset,
                           rules->geo->block_size, err);
}

bool vhdx_bat_entry_check(const VhdxBatRules *rules, uint64_t index,
                          uint64_t raw, VhdxBatEntry *entry, VhdxError *err)
{
    uint64_t number;
    bool is_sb = vhdx_bat_is_sb(rules->geo, index, &number);

    *entry = (VhdxBatEntry) { .state = VHDX_BAT_NOT_PRESENT };
    if (index >= rules->geo->bat_entries ||
        (!is_sb && number >= rules->geo->payload_count)) {
        return true;
    }
    if (raw & ~(STATE_MASK | OFFSET_MASK)) {
        return bat_error(rules, VHDX_ERR_RESERVED, "BAT entry", NULL, index,
                         raw, 0, err);
    }
    return is_sb ? bat_sb_check(rules, index, raw, entry, err)
                 : bat_payload_check(rules, index, raw, entry, err);
}

bool vhdx_bat_page_check(const VhdxBatRules *rules, uint64_t first,
                         const uint8_t *buf, unsigned n, VhdxError *err)
{
    VhdxBatEntry entry;

    for (unsigned i = 0; i < n; i++) {
        uint64_t raw = ldq_le_p(buf + i * VHDX_BAT_ENTRY_LEN);

        /* Most of a large table: an entry of zeros is legal for anything. */
        if (raw && !vhdx_bat_entry_check(rules, first + i, raw, &entry,
                                         err)) {
            return false;
        }
    }
    return true;
}

bool vhdx_bat_partial_check(const VhdxBatRules *rules, uint64_t block,
                            const VhdxBatEntry *entry, const VhdxBatEntry *sb,
                            VhdxError *err)
{
    uint64_t chunk = block >> rules->geo->ratio_shift;

    return entry->state != VHDX_BAT_PARTIAL ||
           sb->state == VHDX_BAT_PRESENT ||
           bat_error(rules, VHDX_ERR_MISSING, "sector bitmap of a partially "
                     "present block", NULL,
                     vhdx_bat_sb_index(rules->geo, chunk), block, 0, err);
}

VhdxBatSource vhdx_bat_source(VhdxBatState state, bool has_parent)
{
    switch (state) {
    case VHDX_BAT_NOT_PRESENT:
        return has_parent ? VHDX_SOURCE_PARENT : VHDX_SOURCE_ZERO;
    case VHDX_BAT_PRESENT:
        return VHDX_SOURCE_FILE;
    case VHDX_BAT_PARTIAL:
        assert(has_parent);
        return VHDX_SOURCE_BITMAP;
    default:
        return VHDX_SOURCE_ZERO;
    }
}

void vhdx_sb_set(uint8_t *bitmap, uint32_t first, uint32_t count)
{
    for (; count && first % 8; first++, count--) {
        bitmap[first / 8] |= 1 << first % 8;
    }
    memset(bitmap + first / 8, 0xff, count / 8);
    first += count / 8 * 8;
    for (count %= 8; count; first++, count--) {
        bitmap[first / 8] |= 1 << first % 8;
    }
}

uint32_t vhdx_sb_run(const uint8_t *bitmap, uint32_t first, uint32_t count,
                     bool *value)
{
    bool like = vhdx_sb_test(bitmap, first);
    uint64_t same = like ? UINT64_MAX : 0;
    uint32_t run = 1;

    *value = like;
    while (run < count) {
        uint32_t bit = first + run;

        if (bit % 64 == 0 && count - run >= 64 &&
            ldq_le_p(bitmap + bit / 8) == same) {
            run += 64;
        } else if (vhdx_sb_test(bitmap, bit) == like) {
            run++;
        } else {
            break;
        }
    }
    return run;
}
