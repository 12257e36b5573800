/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VHDX: which structure lies where in the file, and the geometry of the disk
 * (MS-VHDX 2.5).
 *
 * A chunk is as much of the disk as one sector bitmap block (1 MiB, 2^23
 * bits) can describe, one bit for a logical sector.  In the BAT the entries
 * of a chunk's payload blocks are followed by one for its sector bitmap, in
 * files without parent too, where that entry is not used.
 */

#include "qemu/osdep.h"
#include "block/vhdx/format.h"

#define SB_BITS_SHIFT 23

/* ---- layout ---- */

void vhdx_layout_init(VhdxLayout *layout)
{
    *layout = (VhdxLayout) { 0 };
    vhdx_layout_add(layout, "headers and region tables", 0, VHDX_FIRST_FREE,
                    NULL);
}

void vhdx_layout_destroy(VhdxLayout *layout)
{
    g_free(layout->extent);
    *layout = (VhdxLayout) { 0 };
}

/* Index of the first extent that ends past @offset. */
static unsigned layout_find(const VhdxLayout *layout, uint64_t offset)
{
    unsigned low = 0, high = layout->n;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        const VhdxExtent *e = &layout->extent[middle];

        if (e->offset + e->length <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool vhdx_layout_check(const VhdxLayout *layout, const char *name,
                       uint64_t offset, uint64_t length, VhdxError *err)
{
    unsigned i = layout_find(layout, offset);

    if (offset > UINT64_MAX - length) {
        return vhdx_error_set(err, VHDX_ERR_TOO_LARGE, name, NULL, offset,
                              offset, UINT64_MAX - length);
    }
    if (length && i < layout->n &&
        layout->extent[i].offset < offset + length) {
        return vhdx_error_set(err, VHDX_ERR_OVERLAP, name,
                              layout->extent[i].name, offset,
                              layout->extent[i].offset, 0);
    }
    return true;
}

bool vhdx_layout_add(VhdxLayout *layout, const char *name, uint64_t offset,
                     uint64_t length, VhdxError *err)
{
    unsigned i = layout_find(layout, offset);

    if (!vhdx_layout_check(layout, name, offset, length, err)) {
        return false;
    }
    if (!length) {
        return true;
    }
    if (layout->n == layout->room) {
        layout->room = layout->room ? 2 * layout->room : 8;
        layout->extent = g_renew(VhdxExtent, layout->extent, layout->room);
    }
    memmove(&layout->extent[i + 1], &layout->extent[i],
            (layout->n - i) * sizeof(*layout->extent));
    layout->extent[i] = (VhdxExtent) {
        .offset = offset,
        .length = length,
        .name = name,
    };
    layout->n++;
    return true;
}

static const char *layout_region_name(const VhdxRegionTable *table,
                                      unsigned i)
{
    return i == table->bat ? "BAT region"
         : i == table->metadata ? "metadata region" : "region";
}

bool vhdx_layout_init_file(VhdxLayout *layout, const VhdxHeader *header,
                           const VhdxRegionTable *table, uint64_t file_size,
                           VhdxError *err)
{
    bool ok;

    vhdx_layout_init(layout);
    ok = vhdx_layout_add(layout, "log", header->log_offset,
                         header->log_length, err);
    for (unsigned i = 0; ok && i < table->n; i++) {
        const VhdxRegion *r = &table->region[i];
        const char *name = layout_region_name(table, i);

        if (r->offset + r->length > file_size) {
            ok = vhdx_error_set_guid(err, VHDX_ERR_BEYOND, name, NULL,
                                     r->offset, r->offset + r->length,
                                     file_size, &r->guid);
        } else {
            ok = vhdx_layout_add(layout, name, r->offset, r->length, err);
        }
    }
    if (!ok) {
        vhdx_layout_destroy(layout);
    }
    return ok;
}

/* ---- geometry ---- */

static bool geometry_error(VhdxError *err, VhdxErrorCode code,
                           const char *structure, uint64_t at, uint64_t value,
                           uint64_t expected)
{
    return vhdx_error_set(err, code, structure, NULL, at, value, expected);
}

static bool geometry_check(uint64_t disk_size, uint64_t block_size,
                           uint32_t logical_sector, uint64_t at,
                           VhdxError *err)
{
    if (block_size < VHDX_BLOCK_MIN) {
        return geometry_error(err, VHDX_ERR_TOO_SMALL, "block size", at,
                              block_size, VHDX_BLOCK_MIN);
    }
    if (block_size > VHDX_BLOCK_MAX) {
        return geometry_error(err, VHDX_ERR_TOO_LARGE, "block size", at,
                              block_size, VHDX_BLOCK_MAX);
    }
    if (block_size & (block_size - 1)) {
        return geometry_error(err, VHDX_ERR_NOT_POWER_OF_2, "block size", at,
                              block_size, 0);
    }
    if (logical_sector != 512 && logical_sector != 4096) {
        return geometry_error(err, VHDX_ERR_BAD_VALUE, "logical sector size",
                              at, logical_sector, 0);
    }
    if (!disk_size) {
        return geometry_error(err, VHDX_ERR_ZERO, "virtual disk size", at, 0,
                              0);
    }
    if (disk_size > VHDX_DISK_MAX) {
        return geometry_error(err, VHDX_ERR_TOO_LARGE, "virtual disk size",
                              at, disk_size, VHDX_DISK_MAX);
    }
    if (disk_size % logical_sector) {
        return geometry_error(err, VHDX_ERR_ALIGNMENT, "virtual disk size",
                              at, disk_size, logical_sector);
    }
    return true;
}

bool vhdx_geometry_init(VhdxGeometry *geo, uint64_t disk_size,
                        uint64_t block_size, uint32_t logical_sector,
                        bool has_parent, uint64_t at, VhdxError *err)
{
    uint32_t sector_shift = logical_sector == 4096 ? 12 : 9;
    uint32_t block_shift = 0;

    if (!geometry_check(disk_size, block_size, logical_sector, at, err)) {
        return false;
    }
    while (block_size >> block_shift > 1) {
        block_shift++;
    }
    *geo = (VhdxGeometry) {
        .disk_size = disk_size,
        .block_size = block_size,
        .logical_sector = logical_sector,
        .has_parent = has_parent,
        .block_shift = block_shift,
        /* From 2^23 * 512 / 256 MiB = 16 to 2^23 * 4096 / 1 MiB = 32768. */
        .ratio_shift = SB_BITS_SHIFT + sector_shift - block_shift,
        .sb_bytes = block_size >> sector_shift >> 3,
    };
    geo->chunk_ratio = 1u << geo->ratio_shift;
    /* At most 2^26 blocks: nothing below comes near to an overflow. */
    geo->payload_count = DIV_ROUND_UP(disk_size, block_size);
    geo->sb_count = DIV_ROUND_UP(geo->payload_count, geo->chunk_ratio);
    geo->bat_entries = has_parent
        ? geo->sb_count * (geo->chunk_ratio + 1ULL)
        : geo->payload_count + ((geo->payload_count - 1) >> geo->ratio_shift);
    geo->bat_length = geo->bat_entries * sizeof(uint64_t);
    geo->bat_region_length = ROUND_UP(geo->bat_length, VHDX_ALIGN);
    return true;
}

bool vhdx_geometry_check_bat(const VhdxGeometry *geo,
                             const VhdxRegion *region, VhdxError *err)
{
    return region->length >= geo->bat_length ||
           vhdx_error_set(err, VHDX_ERR_TOO_SMALL, "BAT region", "Length",
                          region->offset, region->length, geo->bat_length);
}

bool vhdx_bat_is_sb(const VhdxGeometry *geo, uint64_t index,
                    uint64_t *number)
{
    uint64_t chunk = index / (geo->chunk_ratio + 1ULL);
    uint64_t in_chunk = index % (geo->chunk_ratio + 1ULL);

    if (in_chunk == geo->chunk_ratio) {
        *number = chunk;
        return true;
    }
    *number = (chunk << geo->ratio_shift) + in_chunk;
    return false;
}
