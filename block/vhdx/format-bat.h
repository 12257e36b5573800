/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Entries of the VHDX block allocation table (MS-VHDX 2.5).  The rules of
 * format.h hold here too.  Which entry is for which block: see the geometry
 * there.
 */

#ifndef BLOCK_VHDX_FORMAT_BAT_H
#define BLOCK_VHDX_FORMAT_BAT_H

#include "block/vhdx/format.h"

#define VHDX_BAT_ENTRY_LEN 8
#define VHDX_BAT_PAGE_ENTRIES (VHDX_PAGE / VHDX_BAT_ENTRY_LEN)

/* States of a payload block; a sector bitmap has the first and the sixth. */
typedef enum VhdxBatState {
    VHDX_BAT_NOT_PRESENT = 0,
    VHDX_BAT_UNDEFINED = 1,
    VHDX_BAT_ZERO = 2,
    VHDX_BAT_UNMAPPED = 3,
    VHDX_BAT_PRESENT = 6,       /* fully; of a sector bitmap: present */
    VHDX_BAT_PARTIAL = 7,       /* the sector bitmap says which sectors */
} VhdxBatState;

/*
 * A checked entry.  @offset is of the block if @state is PRESENT or PARTIAL.
 * If it is UNDEFINED or UNMAPPED and @offset is not 0, that is an anchor: the
 * space still holds the block's former content, or zeros, and is nobody
 * else's.  Else @offset is 0.
 */
typedef struct VhdxBatEntry {
    VhdxBatState state;
    uint64_t offset;
} VhdxBatEntry;

/* What reading a block yields. */
typedef enum VhdxBatSource {
    VHDX_SOURCE_ZERO,
    VHDX_SOURCE_FILE,
    VHDX_SOURCE_PARENT,
    VHDX_SOURCE_BITMAP,         /* bit 1: file, bit 0: parent */
} VhdxBatSource;

/* What an entry is checked against. */
typedef struct VhdxBatRules {
    const VhdxGeometry *geo;
    uint64_t bat_offset;        /* of the BAT in the file, for errors */
    uint64_t file_size;         /* UINT64_MAX: not checked */
    const VhdxLayout *layout;   /* what no block may overlap, or NULL */
} VhdxBatRules;

/*
 * The entry as it is stored.  @state and @offset must be legal: @offset a
 * multiple of 1 MiB, 0 where the state has none.
 */
uint64_t vhdx_bat_entry_encode(VhdxBatState state, uint64_t offset);

/*
 * Check entry @index, @raw in host byte order.  Checks: reserved bits; state
 * legal for payload or sector bitmap, with or without parent; a present
 * block's place (not below 1 MiB, inside the file, clear of the layout); an
 * anchor's place likewise.  An offset with a state that has none is ignored,
 * as some programs write one.
 *
 * Entries that no block of the disk has (behind the table's needed entries,
 * or payload past the disk's end) are ignored: NOT_PRESENT, whatever they
 * hold.  To be cleared before the disk grows over them.
 */
bool vhdx_bat_entry_check(const VhdxBatRules *rules, uint64_t index,
                          uint64_t raw, VhdxBatEntry *entry, VhdxError *err);

/*
 * Check the @n entries of a piece of the table, stored at @buf, from entry
 * @first on.  Neither that offsets are unique nor that partial blocks have
 * their bitmap: that needs more than a piece.
 */
bool vhdx_bat_page_check(const VhdxBatRules *rules, uint64_t first,
                         const uint8_t *buf, unsigned n, VhdxError *err);

/*
 * A partial block must have its chunk's sector bitmap: check payload @block,
 * its entry and @sb, that of its chunk.
 */
bool vhdx_bat_partial_check(const VhdxBatRules *rules, uint64_t block,
                            const VhdxBatEntry *entry, const VhdxBatEntry *sb,
                            VhdxError *err);

/* Where the content of a payload block in @state is. */
VhdxBatSource vhdx_bat_source(VhdxBatState state, bool has_parent);

/* Whether sector @sector of the chunk is in this file, by its bitmap. */
static inline bool vhdx_sb_test(const uint8_t *bitmap, uint32_t sector)
{
    return bitmap[sector / 8] >> (sector % 8) & 1;
}

/* Set bits [@first, @first + @count). */
void vhdx_sb_set(uint8_t *bitmap, uint32_t first, uint32_t count);

/*
 * Of at most @count bits from @first, @count not 0, how many in a row are
 * like the first, which is in *@value.
 */
uint32_t vhdx_sb_run(const uint8_t *bitmap, uint32_t first, uint32_t count,
                     bool *value);

#endif /* BLOCK_VHDX_FORMAT_BAT_H */
