/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Geometry of a VHDX disk, BAT entries, sector bitmaps.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "unit.h"
#include "block/vhdx/format-bat.h"
#include "vhdx-fixture.h"

#define GIB (1024 * VHDX_MIB)
#define BAT_AT (3 * VHDX_MIB)
#define FILE_SIZE (400 * VHDX_MIB)

/* ---- geometry ---- */

static const struct {
    uint64_t disk;
    unsigned block;             /* MiB */
    unsigned sector;
    uint64_t ratio, payload, sb;
    uint64_t dyn_entries, dyn_bytes, diff_entries;
    unsigned dyn_mib, diff_mib; /* BAT region */
} geometries[] = {
    { GIB, 1, 512, 4096, 1024, 1, 1024, 8192, 4097, 1, 1 },
    { GIB, 2, 512, 2048, 512, 1, 512, 4096, 2049, 1, 1 },
    { GIB, 32, 512, 128, 32, 1, 32, 256, 129, 1, 1 },
    { GIB, 32, 4096, 1024, 32, 1, 32, 256, 1025, 1, 1 },
    { GIB, 256, 512, 16, 4, 1, 4, 32, 17, 1, 1 },
    { 127 * GIB, 1, 512, 4096, 130048, 32, 130079, 1040632, 131104, 1, 2 },
    { 2 * VHDX_TIB, 2, 512, 2048, 1048576, 512, 1049087, 8392696, 1049088,
      9, 9 },
    { 64 * VHDX_TIB, 1, 512, 4096, 67108864, 16384, 67125247, 537001976,
      67125248, 513, 513 },
    { 64 * VHDX_TIB, 1, 4096, 32768, 67108864, 2048, 67110911, 536887288,
      67110912, 513, 513 },
    { 64 * VHDX_TIB, 2, 512, 2048, 33554432, 16384, 33570815, 268566520,
      33570816, 257, 257 },
    { 64 * VHDX_TIB, 32, 512, 128, 2097152, 16384, 2113535, 16908280,
      2113536, 17, 17 },
    { 64 * VHDX_TIB, 256, 512, 16, 262144, 16384, 278527, 2228216, 278528,
      3, 3 },
    { 64 * VHDX_TIB, 256, 4096, 128, 262144, 2048, 264191, 2113528, 264192,
      3, 3 },
    /* Smallest disks, and one block more than a chunk. */
    { 512, 1, 512, 4096, 1, 1, 1, 8, 4097, 1, 1 },
    { 4096, 256, 4096, 128, 1, 1, 1, 8, 129, 1, 1 },
    { 4 * GIB, 1, 512, 4096, 4096, 1, 4096, 32768, 4097, 1, 1 },
    { 4 * GIB + 512, 1, 512, 4096, 4097, 2, 4098, 32784, 8194, 1, 1 },
};

START_TEST(geometry_of_the_reference_table)
{
    for (unsigned parent = 0; parent < 2; parent++) {
        VhdxGeometry geo;
        uint64_t entries = parent ? geometries[_i].diff_entries
                                  : geometries[_i].dyn_entries;

        ck_assert(vhdx_geometry_init(&geo, geometries[_i].disk,
                                     geometries[_i].block * VHDX_MIB,
                                     geometries[_i].sector, parent, 0, NULL));
        ck_assert_uint_eq(geo.chunk_ratio, geometries[_i].ratio);
        ck_assert_uint_eq(geo.payload_count, geometries[_i].payload);
        ck_assert_uint_eq(geo.sb_count, geometries[_i].sb);
        ck_assert_uint_eq(geo.bat_entries, entries);
        ck_assert_uint_eq(geo.bat_length, 8 * entries);
        ck_assert_uint_eq(geo.bat_region_length,
                          (parent ? geometries[_i].diff_mib
                                  : geometries[_i].dyn_mib) * VHDX_MIB);
        ck_assert_uint_eq(1ULL << geo.block_shift, geo.block_size);
        ck_assert_uint_eq(geo.sb_bytes * geo.chunk_ratio, VHDX_MIB);
    }
    ck_assert_uint_eq(geometries[_i].dyn_bytes,
                      8 * geometries[_i].dyn_entries);
}
END_TEST

/* Index of payload and bitmap entries, and what an index is for. */
START_TEST(geometry_indexes_both_ways)
{
    VhdxGeometry geo;
    uint64_t number, cr, last;

    ck_assert(vhdx_geometry_init(&geo, geometries[_i].disk,
                                 geometries[_i].block * VHDX_MIB,
                                 geometries[_i].sector, true, 0, NULL));
    cr = geo.chunk_ratio;
    last = geo.payload_count - 1;
    for (unsigned i = 0; i < 10; i++) {
        uint64_t blocks[] = { 0, i, cr - 1, cr, cr + i, last, last / 2,
                              last / 10 * i };

        for (unsigned j = 0; j < ARRAY_SIZE(blocks); j++) {
            uint64_t n = blocks[j], index = vhdx_bat_payload_index(&geo, n);

            ck_assert_uint_eq(index, n + n / cr);
            ck_assert(!vhdx_bat_is_sb(&geo, index, &number));
            ck_assert_uint_eq(number, n);
        }
    }
    for (uint64_t c = 0; c < geo.sb_count; c += 1 + geo.sb_count / 20) {
        uint64_t index = vhdx_bat_sb_index(&geo, c);

        ck_assert_uint_eq(index, c * (cr + 1) + cr);
        ck_assert(vhdx_bat_is_sb(&geo, index, &number));
        ck_assert_uint_eq(number, c);
    }
    ck_assert_uint_eq(vhdx_bat_sb_index(&geo, geo.sb_count - 1) + 1,
                      geo.bat_entries);
}
END_TEST

START_TEST(geometry_every_index_of_a_small_disk)
{
    VhdxGeometry geo;
    uint64_t blocks = 0, chunks = 0, number;

    ck_assert(vhdx_geometry_init(&geo, 50 * 256 * VHDX_MIB, 256 * VHDX_MIB,
                                 512, true, 0, NULL));
    for (uint64_t i = 0; i < geo.bat_entries; i++) {
        if (vhdx_bat_is_sb(&geo, i, &number)) {
            ck_assert_uint_eq(number, chunks++);
        } else {
            ck_assert_uint_eq(number, blocks++);
        }
    }
    ck_assert_uint_eq(chunks, 4);
    ck_assert_uint_eq(blocks, 64);
}
END_TEST

static const struct {
    const char *name;
    uint64_t disk, block, sector;
    int code;
} geometry_checks[] = {
    { "size 0", 0, VHDX_MIB, 512, VHDX_ERR_ZERO },
    { "size 64 TiB", VHDX_DISK_MAX, VHDX_MIB, 512, 0 },
    { "size above 64 TiB", VHDX_DISK_MAX + 512, VHDX_MIB, 512,
      VHDX_ERR_TOO_LARGE },
    { "size max", UINT64_MAX - 511, VHDX_MIB, 512, VHDX_ERR_TOO_LARGE },
    { "size no multiple of 512", 1000, VHDX_MIB, 512, VHDX_ERR_ALIGNMENT },
    { "size no multiple of 4096", 512, VHDX_MIB, 4096, VHDX_ERR_ALIGNMENT },
    { "block 0", GIB, 0, 512, VHDX_ERR_TOO_SMALL },
    { "block 512 KiB", GIB, VHDX_MIB / 2, 512, VHDX_ERR_TOO_SMALL },
    { "block 3 MiB", GIB, 3 * VHDX_MIB, 512, VHDX_ERR_NOT_POWER_OF_2 },
    { "block 1 MiB + 1", GIB, VHDX_MIB + 1, 512, VHDX_ERR_NOT_POWER_OF_2 },
    { "block 256 MiB", GIB, 256 * VHDX_MIB, 512, 0 },
    { "block 512 MiB", GIB, 512 * VHDX_MIB, 512, VHDX_ERR_TOO_LARGE },
    { "block of 64 bits", GIB, 1ULL << 32, 512, VHDX_ERR_TOO_LARGE },
    { "sector 0", GIB, VHDX_MIB, 0, VHDX_ERR_BAD_VALUE },
    { "sector 520", GIB, VHDX_MIB, 520, VHDX_ERR_BAD_VALUE },
};

START_TEST(geometry_check_table)
{
    const char *name = geometry_checks[_i].name;
    VhdxGeometry geo;
    VhdxError err = { 0 };
    bool ok = vhdx_geometry_init(&geo, geometry_checks[_i].disk,
                                 geometry_checks[_i].block,
                                 geometry_checks[_i].sector, false, 77, &err);

    if (geometry_checks[_i].code) {
        vhdx_assert_refused(name, ok, &err, geometry_checks[_i].code, 77);
    } else {
        ck_assert_msg(ok, "%s", name);
    }
}
END_TEST

START_TEST(geometry_bat_region_must_hold_the_bat)
{
    VhdxRegion region = { vhdx_region_bat, BAT_AT, VHDX_MIB, 0 };
    VhdxGeometry geo;
    VhdxError err = { 0 };

    ck_assert(vhdx_geometry_init(&geo, 127 * GIB, VHDX_MIB, 512, false, 0,
                                 NULL));
    ck_assert(vhdx_geometry_check_bat(&geo, &region, NULL));
    ck_assert(vhdx_geometry_init(&geo, 127 * GIB, VHDX_MIB, 512, true, 0,
                                 NULL));
    vhdx_assert_refused("BAT", vhdx_geometry_check_bat(&geo, &region, &err),
                        &err, VHDX_ERR_TOO_SMALL, BAT_AT);
    region.length = 2 * VHDX_MIB;
    ck_assert(vhdx_geometry_check_bat(&geo, &region, NULL));
}
END_TEST

/* ---- entries ---- */

/* 34 blocks of 32 MiB, the last cut; 128 in a chunk; 1 MiB of log at 1 MiB. */
static VhdxGeometry geo_small(bool parent)
{
    VhdxGeometry geo;

    ck_assert(vhdx_geometry_init(&geo, 33 * 32 * VHDX_MIB + 512,
                                 32 * VHDX_MIB, 512, parent, 0, NULL));
    return geo;
}

#define M(n) ((n) * VHDX_MIB)

/* code[0] without parent, code[1] with */
static const struct {
    const char *name;
    uint64_t index, raw;
    int code[2];
    VhdxBatState state;
    uint64_t offset;
} entries[] = {
    { "not present", 0, 0, { 0, 0 }, VHDX_BAT_NOT_PRESENT, 0 },
    { "not present, offset", 0, M(9), { 0, 0 }, VHDX_BAT_NOT_PRESENT, 0 },
    { "undefined", 0, 1, { 0, 0 }, VHDX_BAT_UNDEFINED, 0 },
    { "undefined, anchor", 0, M(9) | 1, { 0, 0 }, VHDX_BAT_UNDEFINED, M(9) },
    { "zero", 0, 2, { 0, 0 }, VHDX_BAT_ZERO, 0 },
    { "zero, offset", 0, M(9) | 2, { 0, 0 }, VHDX_BAT_ZERO, 0 },
    { "unmapped", 0, 3, { 0, 0 }, VHDX_BAT_UNMAPPED, 0 },
    { "unmapped, anchor", 0, M(9) | 3, { 0, 0 }, VHDX_BAT_UNMAPPED, M(9) },
    { "unmapped, anchor in log", 0, M(1) | 3,
      { VHDX_ERR_OVERLAP, VHDX_ERR_OVERLAP }, 0, 0 },
    { "unmapped, anchor past the end", 0, M(400) | 3,
      { VHDX_ERR_BEYOND, VHDX_ERR_BEYOND }, 0, 0 },
    { "state 4", 0, 4, { VHDX_ERR_BAD_VALUE, VHDX_ERR_BAD_VALUE }, 0, 0 },
    { "state 5", 0, 5, { VHDX_ERR_BAD_VALUE, VHDX_ERR_BAD_VALUE }, 0, 0 },
    { "state 5, offset", 0, M(9) | 5,
      { VHDX_ERR_BAD_VALUE, VHDX_ERR_BAD_VALUE }, 0, 0 },
    { "present", 0, M(9) | 6, { 0, 0 }, VHDX_BAT_PRESENT, M(9) },
    { "present, last block", 33, M(9) | 6, { 0, 0 }, VHDX_BAT_PRESENT, M(9) },
    { "present to the end", 0, M(368) | 6, { 0, 0 }, VHDX_BAT_PRESENT,
      M(368) },
    { "present past the end", 0, M(369) | 6,
      { VHDX_ERR_BEYOND, VHDX_ERR_BEYOND }, 0, 0 },
    { "present, offset max", 0, ~(VHDX_MIB - 1) | 6,
      { VHDX_ERR_BEYOND, VHDX_ERR_BEYOND }, 0, 0 },
    { "present, offset 2^63", 0, 1ULL << 63 | 6,
      { VHDX_ERR_BEYOND, VHDX_ERR_BEYOND }, 0, 0 },
    { "present, offset 0", 0, 6, { VHDX_ERR_TOO_SMALL, VHDX_ERR_TOO_SMALL },
      0, 0 },
    { "present in the log", 0, M(1) | 6,
      { VHDX_ERR_OVERLAP, VHDX_ERR_OVERLAP }, 0, 0 },
    { "partial", 0, M(9) | 7, { VHDX_ERR_UNEXPECTED, 0 }, VHDX_BAT_PARTIAL,
      M(9) },
    { "partial, offset 0", 0, 7, { VHDX_ERR_UNEXPECTED, VHDX_ERR_TOO_SMALL },
      0, 0 },
    { "reserved bit 3", 0, M(9) | 6 | 8,
      { VHDX_ERR_RESERVED, VHDX_ERR_RESERVED }, 0, 0 },
    { "reserved bit 19", 0, 1 << 19,
      { VHDX_ERR_RESERVED, VHDX_ERR_RESERVED }, 0, 0 },
    /* Index 128 is the bitmap's; without parent it is past the table. */
    { "bitmap", 128, M(9) | 6, { 0, 0 }, VHDX_BAT_PRESENT, M(9) },
    { "bitmap not present", 128, 0, { 0, 0 }, VHDX_BAT_NOT_PRESENT, 0 },
    { "bitmap, offset only", 128, M(9), { 0, 0 }, VHDX_BAT_NOT_PRESENT, 0 },
    { "bitmap at the end", 128, M(399) | 6, { 0, 0 }, VHDX_BAT_PRESENT,
      M(399) },
    { "bitmap past the end", 128, M(400) | 6, { 0, VHDX_ERR_BEYOND }, 0, 0 },
    { "bitmap state 1", 128, 1, { 0, VHDX_ERR_BAD_VALUE }, 0, 0 },
    { "bitmap state 2", 128, 2, { 0, VHDX_ERR_BAD_VALUE }, 0, 0 },
    { "bitmap state 7", 128, M(9) | 7, { 0, VHDX_ERR_BAD_VALUE }, 0, 0 },
    { "bitmap offset 0", 128, 6, { 0, VHDX_ERR_TOO_SMALL }, 0, 0 },
    { "bitmap in the log", 128, M(1) | 6, { 0, VHDX_ERR_OVERLAP }, 0, 0 },
    { "bitmap reserved bits", 128, 16, { 0, VHDX_ERR_RESERVED }, 0, 0 },
    /* Nobody's entries. */
    { "past the disk", 34, UINT64_MAX, { 0, 0 }, VHDX_BAT_NOT_PRESENT, 0 },
    { "past the table", 129, UINT64_MAX, { 0, 0 }, VHDX_BAT_NOT_PRESENT, 0 },
    { "far past the table", 1 << 20, UINT64_MAX, { 0, 0 },
      VHDX_BAT_NOT_PRESENT, 0 },
};

START_TEST(bat_entry_check_table)
{
    const char *name = entries[_i].name;

    for (unsigned parent = 0; parent < 2; parent++) {
        VhdxGeometry geo = geo_small(parent);
        VhdxLayout layout;
        VhdxBatRules rules = { &geo, BAT_AT, FILE_SIZE, &layout };
        VhdxBatEntry entry;
        VhdxError err = { 0 };
        uint8_t page[8];
        bool ok;

        vhdx_layout_init(&layout);
        ck_assert(vhdx_layout_add(&layout, "log", M(1), M(1), NULL));
        ok = vhdx_bat_entry_check(&rules, entries[_i].index, entries[_i].raw,
                                  &entry, &err);
        if (entries[_i].code[parent]) {
            vhdx_assert_refused(name, ok, &err, entries[_i].code[parent],
                                BAT_AT + 8 * entries[_i].index);
        } else {
            bool ignored = !parent && entries[_i].index == 128;

            ck_assert_msg(ok, "%s: refused, code %d", name, err.code);
            ck_assert_msg(entry.state == (ignored ? VHDX_BAT_NOT_PRESENT
                                                  : entries[_i].state),
                          "%s: state %d", name, entry.state);
            ck_assert_uint_eq(entry.offset,
                              ignored ? 0 : entries[_i].offset);
        }
        stq_le_p(page, entries[_i].raw);
        ck_assert_int_eq(vhdx_bat_page_check(&rules, entries[_i].index, page,
                                             1, NULL), ok);
        vhdx_layout_destroy(&layout);
    }
}
END_TEST

START_TEST(bat_bitmap_entry_without_parent_is_refused)
{
    VhdxGeometry geo;
    VhdxBatRules rules = { &geo, BAT_AT, FILE_SIZE, NULL };
    VhdxBatEntry entry;
    VhdxError err = { 0 };

    ck_assert(vhdx_geometry_init(&geo, 50 * 256 * VHDX_MIB, 256 * VHDX_MIB,
                                 512, false, 0, NULL));
    ck_assert(vhdx_bat_entry_check(&rules, 16, 0, &entry, NULL));
    vhdx_assert_refused("bitmap", vhdx_bat_entry_check(&rules, 16, M(9) | 6,
                        &entry, &err), &err, VHDX_ERR_UNEXPECTED,
                        BAT_AT + 8 * 16);
}
END_TEST

START_TEST(bat_block_that_lacks_its_last_byte_is_refused)
{
    VhdxGeometry geo = geo_small(false);
    VhdxBatRules rules = { &geo, BAT_AT, FILE_SIZE, NULL };
    VhdxBatEntry entry;

    ck_assert(vhdx_bat_entry_check(&rules, 0, M(368) | 6, &entry, NULL));
    rules.file_size--;
    ck_assert(!vhdx_bat_entry_check(&rules, 0, M(368) | 6, &entry, NULL));
}
END_TEST

START_TEST(bat_page_names_the_bad_entry)
{
    VhdxGeometry geo = geo_small(false);
    VhdxBatRules rules = { &geo, BAT_AT, FILE_SIZE, NULL };
    uint8_t page[34 * 8] = { 0 };

    for (unsigned i = 0; i < 34; i++) {
        VhdxError err = { 0 };

        stq_le_p(page + 8 * i, 5);
        vhdx_assert_refused("page", vhdx_bat_page_check(&rules, 0, page, 34,
                            &err), &err, VHDX_ERR_BAD_VALUE, BAT_AT + 8 * i);
        ck_assert_uint_eq(err.value, 5);
        stq_le_p(page + 8 * i, M(9 + i) | 6);
    }
    ck_assert(vhdx_bat_page_check(&rules, 0, page, 34, NULL));
}
END_TEST

START_TEST(bat_entry_both_ways)
{
    VhdxGeometry geo = geo_small(true);
    VhdxBatRules rules = { &geo, BAT_AT, UINT64_MAX, NULL };
    static const VhdxBatEntry all[] = {
        { VHDX_BAT_NOT_PRESENT, 0 }, { VHDX_BAT_UNDEFINED, 0 },
        { VHDX_BAT_UNDEFINED, M(7) }, { VHDX_BAT_ZERO, 0 },
        { VHDX_BAT_UNMAPPED, 0 }, { VHDX_BAT_UNMAPPED, M(1ULL << 40) },
        { VHDX_BAT_PRESENT, M(1) }, { VHDX_BAT_PARTIAL, M(0x123456789) },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
        uint64_t raw = vhdx_bat_entry_encode(all[i].state, all[i].offset);
        VhdxBatEntry back;

        ck_assert_uint_eq(raw, all[i].offset | all[i].state);
        ck_assert(vhdx_bat_entry_check(&rules, 3, raw, &back, NULL));
        ck_assert_int_eq(back.state, all[i].state);
        ck_assert_uint_eq(back.offset, all[i].offset);
    }
}
END_TEST

START_TEST(bat_partial_block_needs_its_bitmap)
{
    VhdxGeometry geo = geo_small(true);
    VhdxBatRules rules = { &geo, BAT_AT, FILE_SIZE, NULL };
    VhdxBatEntry partial = { VHDX_BAT_PARTIAL, M(9) };
    VhdxBatEntry present = { VHDX_BAT_PRESENT, M(9) };
    VhdxBatEntry none = { VHDX_BAT_NOT_PRESENT, 0 };
    VhdxError err = { 0 };

    ck_assert(vhdx_bat_partial_check(&rules, 5, &partial, &present, NULL));
    ck_assert(vhdx_bat_partial_check(&rules, 5, &present, &none, NULL));
    vhdx_assert_refused("partial", vhdx_bat_partial_check(&rules, 5, &partial,
                        &none, &err), &err, VHDX_ERR_MISSING,
                        BAT_AT + 8 * 128);
    ck_assert_uint_eq(err.value, 5);
}
END_TEST

START_TEST(bat_source_of_every_state)
{
    ck_assert_int_eq(vhdx_bat_source(VHDX_BAT_NOT_PRESENT, false),
                     VHDX_SOURCE_ZERO);
    ck_assert_int_eq(vhdx_bat_source(VHDX_BAT_NOT_PRESENT, true),
                     VHDX_SOURCE_PARENT);
    for (unsigned parent = 0; parent < 2; parent++) {
        ck_assert_int_eq(vhdx_bat_source(VHDX_BAT_UNDEFINED, parent),
                         VHDX_SOURCE_ZERO);
        ck_assert_int_eq(vhdx_bat_source(VHDX_BAT_ZERO, parent),
                         VHDX_SOURCE_ZERO);
        ck_assert_int_eq(vhdx_bat_source(VHDX_BAT_UNMAPPED, parent),
                         VHDX_SOURCE_ZERO);
        ck_assert_int_eq(vhdx_bat_source(VHDX_BAT_PRESENT, parent),
                         VHDX_SOURCE_FILE);
    }
    ck_assert_int_eq(vhdx_bat_source(VHDX_BAT_PARTIAL, true),
                     VHDX_SOURCE_BITMAP);
}
END_TEST

/* ---- sector bitmaps ---- */

START_TEST(bitmap_bits_are_lsb_first)
{
    uint8_t map[4] = { 0 };

    vhdx_sb_set(map, 1, 1);
    vhdx_sb_set(map, 15, 2);
    ck_assert_uint_eq(map[0], 0x02);
    ck_assert_uint_eq(map[1], 0x80);
    ck_assert_uint_eq(map[2], 0x01);
    ck_assert(vhdx_sb_test(map, 15) && !vhdx_sb_test(map, 17));
}
END_TEST

START_TEST(bitmap_like_an_array_of_bools)
{
    enum { BITS = 512 };
    GRand *rand = g_rand_new_with_seed(unit_seed("bitmap"));

    for (unsigned round = 0; round < 3000; round++) {
        uint8_t *map = calloc(1, BITS / 8);
        bool model[BITS] = { false }, value;

        for (unsigned i = 0; i < 3; i++) {
            uint32_t first = g_rand_int_range(rand, 0, BITS + 1);
            uint32_t count = g_rand_int_range(rand, 0, BITS - first + 1);

            vhdx_sb_set(map, first, count);
            memset(model + first, true, count);
            if (round % 3 == 0) {
                break;
            }
        }
        for (unsigned i = 0; i < BITS; i++) {
            ck_assert_int_eq(vhdx_sb_test(map, i), model[i]);
        }
        for (unsigned i = 0; i < 20; i++) {
            uint32_t first = g_rand_int_range(rand, 0, BITS);
            uint32_t count = g_rand_int_range(rand, 1, BITS - first + 1);
            uint32_t run = vhdx_sb_run(map, first, count, &value);
            uint32_t want = 1;

            while (want < count && model[first + want] == model[first]) {
                want++;
            }
            ck_assert_int_eq(value, model[first]);
            ck_assert_uint_eq(run, want);
        }
        free(map);
    }
    g_rand_free(rand);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vhdx-bat");
    TCase *tc = unit_case(suite, "geometry");

    tcase_add_loop_test(tc, geometry_of_the_reference_table, 0,
                        ARRAY_SIZE(geometries));
    tcase_add_loop_test(tc, geometry_indexes_both_ways, 0,
                        ARRAY_SIZE(geometries));
    tcase_add_test(tc, geometry_every_index_of_a_small_disk);
    tcase_add_loop_test(tc, geometry_check_table, 0,
                        ARRAY_SIZE(geometry_checks));
    tcase_add_test(tc, geometry_bat_region_must_hold_the_bat);
    tc = unit_case(suite, "entry");
    tcase_add_loop_test(tc, bat_entry_check_table, 0, ARRAY_SIZE(entries));
    tcase_add_test(tc, bat_bitmap_entry_without_parent_is_refused);
    tcase_add_test(tc, bat_block_that_lacks_its_last_byte_is_refused);
    tcase_add_test(tc, bat_page_names_the_bad_entry);
    tcase_add_test(tc, bat_entry_both_ways);
    tcase_add_test(tc, bat_partial_block_needs_its_bitmap);
    tcase_add_test(tc, bat_source_of_every_state);
    tc = unit_case(suite, "bitmap");
    tcase_add_test(tc, bitmap_bits_are_lsb_first);
    tcase_add_test(tc, bitmap_like_an_array_of_bools);
    return unit_run(suite);
}
