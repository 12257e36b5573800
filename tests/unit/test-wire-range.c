/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Parameter lists of POPULATE TOKEN and WRITE USING TOKEN.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/vscsi/wire.h"
#include "unit.h"

#define PT_ROOM (VSCSI_PT_HEADER_LEN + 300 * VSCSI_RANGE_LEN)
#define WUT_ROOM (VSCSI_WUT_HEADER_LEN + 300 * VSCSI_RANGE_LEN)

static const uint32_t pit_types[] = {
    VSCSI_ROD_PIT_DEFAULT, VSCSI_ROD_PIT_VULNERABLE, VSCSI_ROD_PIT_ANY,
};

/* 1 MiB blocks of 512 bytes, 8 ranges, 4096 blocks per token. */
static VscsiLimits limits(void)
{
    return (VscsiLimits) {
        .capacity_blocks = 1 << 20,
        .block_size = 512,
        .max_ranges = 8,
        .max_token_blocks = 4096,
        .max_inactivity_s = 60,
        .default_inactivity_s = 30,
        .rod_types = pit_types,
        .n_rod_types = ARRAY_SIZE(pit_types),
    };
}

/* Header of a POPULATE TOKEN list for @n ranges, all zero length. */
static size_t pt_list(uint8_t *buf, unsigned n)
{
    memset(buf, 0, VSCSI_PT_HEADER_LEN + n * VSCSI_RANGE_LEN);
    stw_be_p(buf, 14 + n * VSCSI_RANGE_LEN);
    stw_be_p(buf + 14, n * VSCSI_RANGE_LEN);
    return VSCSI_PT_HEADER_LEN + n * VSCSI_RANGE_LEN;
}

static size_t wut_list(uint8_t *buf, unsigned n)
{
    memset(buf, 0, VSCSI_WUT_HEADER_LEN + n * VSCSI_RANGE_LEN);
    stw_be_p(buf, 534 + n * VSCSI_RANGE_LEN);
    stw_be_p(buf + 16 + 6, VSCSI_ROD_TOKEN_LENGTH_FIELD);
    stw_be_p(buf + 534, n * VSCSI_RANGE_LEN);
    return VSCSI_WUT_HEADER_LEN + n * VSCSI_RANGE_LEN;
}

static void put_range(uint8_t *p, uint64_t lba, uint32_t blocks)
{
    stq_be_p(p, lba);
    stl_be_p(p + 8, blocks);
}

static void pt_range(uint8_t *buf, unsigned i, uint64_t lba, uint32_t blocks)
{
    put_range(buf + VSCSI_PT_HEADER_LEN + i * VSCSI_RANGE_LEN, lba, blocks);
}

static void wut_range(uint8_t *buf, unsigned i, uint64_t lba,
                      uint32_t blocks)
{
    put_range(buf + VSCSI_WUT_HEADER_LEN + i * VSCSI_RANGE_LEN, lba, blocks);
}

/* Decode from a buffer that ends at @len; the code, or 0 for success. */
static uint32_t pt_result(const uint8_t *buf, size_t len,
                          const VscsiLimits *l, VscsiPt *pt)
{
    uint8_t *exact = unit_exact(buf, len);
    VscsiSense err = { 0 };
    bool ok = vscsi_pt_decode(exact, len, l, pt, &err);

    free(exact);
    return unit_code(ok, err);
}

static uint32_t wut_result(const uint8_t *buf, size_t len,
                           const VscsiLimits *l, VscsiWut *wut)
{
    uint8_t *exact = unit_exact(buf, len);
    VscsiSense err = { 0 };
    bool ok = vscsi_wut_decode(exact, len, l, wut, &err);

    free(exact);
    wut->token = NULL;
    return unit_code(ok, err);
}

START_TEST(pt_ranges_come_out_in_order_without_empty_ones)
{
    VscsiLimits l = limits();
    uint8_t buf[PT_ROOM];
    size_t len = pt_list(buf, 4);
    VscsiPt pt;

    pt_range(buf, 0, 100, 10);
    pt_range(buf, 1, 5, 0);
    pt_range(buf, 2, 50, 20);
    pt_range(buf, 3, 1, 1);
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0);
    ck_assert(!pt.empty && !pt.immed && !pt.rtv);
    ck_assert_uint_eq(pt.rod_type, VSCSI_ROD_PIT_DEFAULT);
    ck_assert_uint_eq(pt.inactivity_s, 30);
    ck_assert_uint_eq(pt.ranges.n, 3);
    ck_assert_uint_eq(pt.ranges.blocks, 31);
    ck_assert_uint_eq(pt.ranges.range[0].lba, 100);
    ck_assert_uint_eq(pt.ranges.range[0].blocks, 10);
    ck_assert_uint_eq(pt.ranges.range[1].lba, 50);
    ck_assert_uint_eq(pt.ranges.range[1].blocks, 20);
    ck_assert_uint_eq(pt.ranges.range[2].lba, 1);
    ck_assert_uint_eq(pt.ranges.range[2].blocks, 1);
}
END_TEST

START_TEST(pt_is_written_as_the_standard_lays_it_out)
{
    const uint8_t want[48] = {
        0x00, 0x2e, 0x03, 0, 0x11, 0x22, 0x33, 0x44,
        0x00, 0x80, 0xff, 0xff, 0, 0, 0x00, 0x20,
        0, 0, 0, 0, 0, 0, 0x10, 0x00, 0, 0, 0, 0x10, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0x00, 0x02, 0, 0, 0, 0x03, 0, 0, 0, 0,
    };
    VscsiPt pt = {
        .immed = true, .rtv = true, .rod_type = VSCSI_ROD_PIT_ANY,
        .inactivity_s = 0x11223344,
        .ranges = { .n = 2, .range = { { 0x1000, 0x10 }, { 2, 3 } } },
    };
    uint8_t out[48];

    ck_assert_uint_eq(vscsi_pt_encode(out, sizeof(out), &pt), sizeof(want));
    ck_assert_mem_eq(out, want, sizeof(want));
    UNIT_SWEEP_ENCODER(want, sizeof(want), vscsi_pt_encode(buf, size, &pt));
}
END_TEST

START_TEST(pt_survives_encode_and_decode)
{
    VscsiLimits l = limits();
    VscsiPt pt = {
        .immed = true, .rtv = true, .rod_type = VSCSI_ROD_PIT_VULNERABLE,
        .inactivity_s = 60,
        .ranges = { .n = 2, .range = { { 0x1000, 0x10 }, { 2, 3 } } },
    }, back;
    uint8_t buf[PT_ROOM];
    size_t len = vscsi_pt_encode(buf, sizeof(buf), &pt);

    ck_assert_uint_eq(pt_result(buf, len, &l, &back), 0);
    ck_assert(back.immed && back.rtv);
    ck_assert_uint_eq(back.rod_type, VSCSI_ROD_PIT_VULNERABLE);
    ck_assert_uint_eq(back.inactivity_s, 60);
    ck_assert_uint_eq(back.ranges.n, 2);
    ck_assert_uint_eq(back.ranges.blocks, 0x13);
    ck_assert_mem_eq(back.ranges.range, pt.ranges.range,
                     2 * sizeof(VscsiRange));
}
END_TEST

START_TEST(pt_every_truncation_is_answered_as_the_standard_says)
{
    VscsiLimits l = limits();
    uint8_t buf[PT_ROOM];
    size_t full = pt_list(buf, 3);
    VscsiPt pt;

    for (unsigned i = 0; i < 3; i++) {
        pt_range(buf, i, i * 10, 10);
    }
    for (size_t len = 0; len <= full; len++) {
        uint32_t code = pt_result(buf, len, &l, &pt);

        if (len == 0) {
            ck_assert_uint_eq(code, 0);
            ck_assert(pt.empty);
        } else if (len < 16) {
            ck_assert_uint_eq(code, 0x051a00);
        } else if (len < 32) {
            ck_assert_uint_eq(code, 0x052600);
        } else {
            /* descriptors that the CDB cuts off are ignored */
            ck_assert_uint_eq(code, 0);
            ck_assert(!pt.empty);
            ck_assert_uint_eq(pt.ranges.n, (len - 16) / 16);
        }
    }
}
END_TEST

START_TEST(pt_every_data_length_below_the_minimum_is_refused)
{
    VscsiLimits l = limits();
    uint8_t buf[PT_ROOM];
    size_t len = pt_list(buf, 2);
    VscsiPt pt;

    for (unsigned n = 0; n <= UINT16_MAX; n++) {
        stw_be_p(buf, n);
        ck_assert_uint_eq(pt_result(buf, len, &l, &pt),
                          n < 0x1e ? 0x052600 : 0);
    }
}
END_TEST

START_TEST(pt_every_range_list_length)
{
    VscsiLimits l = limits();
    uint8_t buf[PT_ROOM];
    size_t len = pt_list(buf, 12);
    VscsiPt pt;

    for (unsigned i = 0; i < 12; i++) {
        pt_range(buf, i, i, 1);
    }
    for (unsigned n = 0; n <= UINT16_MAX; n++) {
        uint32_t code;

        stw_be_p(buf + 14, n);
        code = pt_result(buf, len, &l, &pt);
        if (n < 16) {
            ck_assert_uint_eq(code, 0x052600);
        } else if (n < 9 * 16) {
            /* a partial last descriptor is ignored */
            ck_assert_uint_eq(code, 0);
            ck_assert_uint_eq(pt.ranges.n, n / 16);
        } else {
            ck_assert_uint_eq(code, 0x052608);
        }
    }
}
END_TEST

START_TEST(zero_length_ranges_count_against_the_maximum)
{
    VscsiLimits l = limits();
    uint8_t buf[PT_ROOM];
    VscsiPt pt;

    ck_assert_uint_eq(pt_result(buf, pt_list(buf, 8), &l, &pt), 0);
    ck_assert_uint_eq(pt_result(buf, pt_list(buf, 9), &l, &pt), 0x052608);
}
END_TEST

START_TEST(no_published_maximum_still_has_a_bound)
{
    VscsiLimits l = limits();
    uint8_t buf[PT_ROOM];
    size_t len = pt_list(buf, VSCSI_RANGES_MAX);
    VscsiPt pt;

    l.max_ranges = 0;
    for (unsigned i = 0; i < VSCSI_RANGES_MAX; i++) {
        pt_range(buf, i, i * 2, 1);
    }
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0);
    ck_assert_uint_eq(pt.ranges.n, VSCSI_RANGES_MAX);
    len = pt_list(buf, VSCSI_RANGES_MAX + 1);
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0x052608);
    l.max_ranges = UINT16_MAX;
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0x052608);
}
END_TEST

START_TEST(only_zero_length_ranges_are_good_with_nothing_in_them)
{
    VscsiLimits l = limits();
    uint8_t buf[PT_ROOM];
    size_t len = pt_list(buf, 3);
    VscsiPt pt;

    /* an LBA beyond the capacity does not matter then */
    pt_range(buf, 1, UINT64_MAX, 0);
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0);
    ck_assert(!pt.empty);
    ck_assert_uint_eq(pt.ranges.n, 0);
    ck_assert_uint_eq(pt.ranges.blocks, 0);
}
END_TEST

START_TEST(a_range_past_the_capacity_is_out_of_range)
{
    static const struct {
        uint64_t lba;
        uint32_t blocks;
        uint32_t code;
    } cases[] = {
        { (1 << 20) - 1, 1, 0 },
        { (1 << 20) - 1, 2, 0x052100 },
        { 1 << 20, 1, 0x052100 },
        { (1 << 20) - 4096, 4096, 0 },
        { (1 << 20) - 4095, 4096, 0x052100 },
        { UINT64_MAX, 1, 0x052100 },
        { UINT64_MAX - 1, 4, 0x052100 },
        { UINT64_MAX - UINT32_MAX + 1, UINT32_MAX, 0x052100 },
        { 0, UINT32_MAX, 0x052100 },
    };
    VscsiLimits l = limits();
    uint8_t buf[WUT_ROOM];
    VscsiWut wut;
    VscsiPt pt;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t len = pt_list(buf, 1);

        pt_range(buf, 0, cases[i].lba, cases[i].blocks);
        ck_assert_uint_eq(pt_result(buf, len, &l, &pt), cases[i].code);
        len = wut_list(buf, 1);
        wut_range(buf, 0, cases[i].lba, cases[i].blocks);
        ck_assert_uint_eq(wut_result(buf, len, &l, &wut), cases[i].code);
    }
}
END_TEST

START_TEST(an_overflowing_range_is_caught_on_the_largest_disk)
{
    VscsiLimits l = limits();
    uint8_t buf[PT_ROOM];
    size_t len = pt_list(buf, 1);
    VscsiPt pt;

    l.capacity_blocks = UINT64_MAX;
    pt_range(buf, 0, UINT64_MAX - 1, 1);
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0);
    pt_range(buf, 0, UINT64_MAX - 1, 2);
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0x052100);
    pt_range(buf, 0, UINT64_MAX, 1);
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0x052100);
}
END_TEST

START_TEST(nothing_is_in_range_of_an_empty_medium)
{
    VscsiLimits l = limits();
    uint8_t buf[PT_ROOM];
    size_t len = pt_list(buf, 1);
    VscsiPt pt;

    l.capacity_blocks = 0;
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0);
    pt_range(buf, 0, 0, 1);
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0x052100);
}
END_TEST

START_TEST(overlapping_ranges_are_refused)
{
    static const struct {
        VscsiRange a, b;
        bool ok;
    } cases[] = {
        { { 10, 10 }, { 20, 10 }, true },
        { { 20, 10 }, { 10, 10 }, true },
        { { 10, 10 }, { 19, 1 }, false },
        { { 19, 1 }, { 10, 10 }, false },
        { { 10, 10 }, { 10, 10 }, false },
        { { 10, 10 }, { 5, 6 }, false },
        { { 10, 10 }, { 5, 5 }, true },
        { { 10, 10 }, { 5, 50 }, false },
        { { 10, 10 }, { 15, 0 }, true },
    };
    VscsiLimits l = limits();
    uint8_t buf[WUT_ROOM];
    VscsiWut wut;
    VscsiPt pt;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint32_t code = !cases[i].ok * 0x052600;
        size_t len = pt_list(buf, 3);

        /* a third one between them: not only neighbours are compared */
        pt_range(buf, 0, cases[i].a.lba, cases[i].a.blocks);
        pt_range(buf, 1, 1000, 1);
        pt_range(buf, 2, cases[i].b.lba, cases[i].b.blocks);
        ck_assert_uint_eq(pt_result(buf, len, &l, &pt), code);
        len = wut_list(buf, 3);
        wut_range(buf, 0, cases[i].a.lba, cases[i].a.blocks);
        wut_range(buf, 1, 1000, 1);
        wut_range(buf, 2, cases[i].b.lba, cases[i].b.blocks);
        ck_assert_uint_eq(wut_result(buf, len, &l, &wut), code);
    }
}
END_TEST

START_TEST(the_sum_is_bounded_by_the_token_size_and_the_rod_size)
{
    VscsiLimits l = limits();
    uint8_t buf[PT_ROOM];
    size_t len = pt_list(buf, 2);
    VscsiPt pt;

    pt_range(buf, 0, 0, 4000);
    pt_range(buf, 1, 5000, 96);
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0);
    pt_range(buf, 1, 5000, 97);
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0x052600);

    l.max_token_blocks = 0;
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0);
    l.max_rod_bytes = 4097 * 512;
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0);
    l.max_rod_bytes--;
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0x052600);
}
END_TEST

START_TEST(one_range_is_bounded_by_the_rod_and_descriptor_limits)
{
    VscsiLimits l = limits();
    uint8_t buf[PT_ROOM];
    size_t len = pt_list(buf, 2);
    VscsiPt pt;

    l.max_range_bytes = 100 * 512;
    pt_range(buf, 0, 0, 100);
    pt_range(buf, 1, 500, 100);
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0);
    pt_range(buf, 1, 500, 101);
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0x052600);
    l.max_range_bytes = 0;
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0);
    l.max_rod_bytes = 100 * 512;
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0x052600);
    pt_range(buf, 0, 0, 100);
    pt_range(buf, 1, 500, 0);
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0);
    pt_range(buf, 0, 0, 101);
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0x052600);
}
END_TEST

START_TEST(pt_inactivity_timeout_is_bounded_by_the_maximum)
{
    static const struct {
        uint32_t max, asked, code, got;
    } cases[] = {
        { 60, 0, 0, 30 },
        { 60, 1, 0, 1 },
        { 60, 60, 0, 60 },
        { 60, 61, 0x052600, 0 },
        { 60, UINT32_MAX, 0x052600, 0 },
        { 0, UINT32_MAX, 0, UINT32_MAX },
        { VSCSI_TIMEOUT_NONE, UINT32_MAX, 0, UINT32_MAX },
        { VSCSI_TIMEOUT_NONE, 0x80000000, 0, 0x80000000 },
    };
    VscsiLimits l = limits();
    uint8_t buf[PT_ROOM];
    size_t len = pt_list(buf, 1);
    VscsiPt pt;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        l.max_inactivity_s = cases[i].max;
        stl_be_p(buf + 4, cases[i].asked);
        ck_assert_uint_eq(pt_result(buf, len, &l, &pt), cases[i].code);
        if (!cases[i].code) {
            ck_assert_uint_eq(pt.inactivity_s, cases[i].got);
        }
    }
}
END_TEST

START_TEST(pt_rod_type_is_looked_at_only_with_rtv)
{
    VscsiLimits l = limits();
    uint8_t buf[PT_ROOM];
    size_t len = pt_list(buf, 1);
    VscsiPt pt;

    stl_be_p(buf + 8, 0x12345678);
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0);
    ck_assert_uint_eq(pt.rod_type, VSCSI_ROD_PIT_DEFAULT);
    buf[2] = 0x02;
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0x052600);
}
END_TEST

START_TEST(pt_rtv_accepts_the_published_types_alone)
{
    static const struct {
        uint32_t type, code;
    } cases[] = {
        { VSCSI_ROD_PIT_DEFAULT, 0 },
        { VSCSI_ROD_PIT_VULNERABLE, 0 },
        { VSCSI_ROD_PIT_ANY, 0 },
        { VSCSI_ROD_PIT_PERSISTENT, 0x052600 },
        { VSCSI_ROD_INTERNAL, 0x052600 },
        { VSCSI_ROD_ACCESS_UPON_REFERENCE, 0x052600 },
        { VSCSI_ROD_ZERO, 0x052600 },
        { 0xfffffff0, 0x052600 },
    };
    VscsiLimits l = limits();
    uint8_t buf[PT_ROOM];
    size_t len = pt_list(buf, 1);
    VscsiPt pt;

    buf[2] = 0x02;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        stl_be_p(buf + 8, cases[i].type);
        ck_assert_uint_eq(pt_result(buf, len, &l, &pt), cases[i].code);
        if (!cases[i].code) {
            ck_assert_uint_eq(pt.rod_type, cases[i].type);
        }
        l.n_rod_types = 0;
        ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0x052600);
        l.n_rod_types = ARRAY_SIZE(pit_types);
    }
}
END_TEST

START_TEST(pt_reserved_bytes_are_ignored)
{
    VscsiLimits l = limits();
    uint8_t buf[PT_ROOM];
    size_t len = pt_list(buf, 1);
    VscsiPt pt;

    pt_range(buf, 0, 3, 4);
    buf[2] = 0xfc;
    buf[3] = 0xff;
    buf[12] = buf[13] = 0xff;
    stl_be_p(buf + VSCSI_PT_HEADER_LEN + 12, UINT32_MAX);
    ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0);
    ck_assert(!pt.immed && !pt.rtv);
    ck_assert_uint_eq(pt.ranges.range[0].lba, 3);
    ck_assert_uint_eq(pt.ranges.range[0].blocks, 4);
}
END_TEST

START_TEST(wut_fields_come_out)
{
    VscsiLimits l = limits();
    uint8_t buf[WUT_ROOM];
    size_t len = wut_list(buf, 1);
    VscsiSense err;
    VscsiWut wut;

    buf[2] = 0x03;
    stq_be_p(buf + 8, 0x1122334455);
    wut_range(buf, 0, 7, 8);
    ck_assert(vscsi_wut_decode(buf, len, &l, &wut, &err));
    ck_assert(!wut.empty && wut.immed && wut.del_tkn);
    ck_assert_uint_eq(wut.offset_blocks, 0x1122334455);
    ck_assert_ptr_eq(wut.token, buf + 16);
    ck_assert_uint_eq(wut.ranges.n, 1);
    ck_assert_uint_eq(wut.ranges.range[0].lba, 7);
    ck_assert_uint_eq(wut.ranges.blocks, 8);
}
END_TEST

START_TEST(wut_survives_encode_and_decode_and_truncation)
{
    VscsiLimits l = limits();
    uint8_t token[VSCSI_ROD_TOKEN_LEN], full[WUT_ROOM];
    VscsiWut wut = {
        .del_tkn = true, .offset_blocks = 99, .token = token,
        .ranges = { .n = 2, .range = { { 0x1000, 0x10 }, { 2, 3 } } },
    }, back;
    VscsiSense err;
    size_t len;

    vscsi_rod_token_encode_zero(token);
    token[500] = 0xee;
    len = vscsi_wut_encode(full, sizeof(full), &wut);
    ck_assert_uint_eq(len, 536 + 32);
    ck_assert_int_eq(lduw_be_p(full), 534 + 32);
    ck_assert_int_eq(lduw_be_p(full + 534), 32);
    ck_assert_mem_eq(full + 16, token, sizeof(token));
    ck_assert(vscsi_wut_decode(full, len, &l, &back, &err));
    ck_assert(!back.immed && back.del_tkn);
    ck_assert_uint_eq(back.offset_blocks, 99);
    ck_assert_uint_eq(back.ranges.n, 2);
    ck_assert_uint_eq(back.ranges.blocks, 0x13);
    UNIT_SWEEP_ENCODER(full, len, vscsi_wut_encode(buf, size, &wut));
}
END_TEST

START_TEST(wut_every_truncation_is_answered_as_the_standard_says)
{
    VscsiLimits l = limits();
    uint8_t buf[WUT_ROOM];
    size_t full = wut_list(buf, 3);
    VscsiWut wut;

    for (unsigned i = 0; i < 3; i++) {
        wut_range(buf, i, i * 10, 10);
    }
    for (size_t len = 0; len <= full; len++) {
        uint32_t code = wut_result(buf, len, &l, &wut);

        if (len == 0) {
            ck_assert_uint_eq(code, 0);
            ck_assert(wut.empty);
        } else if (len < 536) {
            ck_assert_uint_eq(code, 0x051a00);
        } else if (len < 552) {
            ck_assert_uint_eq(code, 0x052600);
        } else {
            ck_assert_uint_eq(code, 0);
            ck_assert_uint_eq(wut.ranges.n, (len - 536) / 16);
        }
    }
}
END_TEST

START_TEST(wut_every_wrong_data_length_is_refused)
{
    VscsiLimits l = limits();
    uint8_t buf[WUT_ROOM];
    size_t len = wut_list(buf, 2);
    VscsiWut wut;

    for (unsigned n = 0; n <= UINT16_MAX; n++) {
        stw_be_p(buf, n);
        ck_assert_uint_eq(wut_result(buf, len, &l, &wut),
                          n == 534 + 32 ? 0 : 0x052600);
    }
}
END_TEST

START_TEST(wut_every_range_list_length)
{
    VscsiLimits l = limits();
    uint8_t buf[WUT_ROOM];
    size_t len = wut_list(buf, 12);
    VscsiWut wut;

    for (unsigned i = 0; i < 12; i++) {
        wut_range(buf, i, i, 1);
    }
    for (unsigned n = 0; n <= UINT16_MAX; n++) {
        uint32_t code;

        stw_be_p(buf + 534, n);
        stw_be_p(buf, n + 534);     /* wraps: cannot be consistent then */
        code = wut_result(buf, len, &l, &wut);
        if (n < 16 || n + 534 > UINT16_MAX) {
            ck_assert_uint_eq(code, 0x052600);
        } else if (n < 9 * 16) {
            ck_assert_uint_eq(code, 0);
            ck_assert_uint_eq(wut.ranges.n, n / 16);
        } else {
            ck_assert_uint_eq(code, 0x052608);
        }
    }
}
END_TEST

START_TEST(wut_every_wrong_token_length_is_refused)
{
    VscsiLimits l = limits();
    uint8_t buf[WUT_ROOM];
    size_t len = wut_list(buf, 1);
    VscsiWut wut;

    for (unsigned n = 0; n <= UINT16_MAX; n++) {
        stw_be_p(buf + 16 + 6, n);
        ck_assert_uint_eq(wut_result(buf, len, &l, &wut),
                          n == 0x1f8 ? 0 : 0x05230a);
    }
}
END_TEST

START_TEST(wut_offset_in_bytes_must_fit_in_64_bits)
{
    VscsiLimits l = limits();
    uint8_t buf[WUT_ROOM];
    size_t len = wut_list(buf, 1);
    VscsiWut wut;

    stq_be_p(buf + 8, UINT64_MAX / 512);
    ck_assert_uint_eq(wut_result(buf, len, &l, &wut), 0);
    stq_be_p(buf + 8, UINT64_MAX / 512 + 1);
    ck_assert_uint_eq(wut_result(buf, len, &l, &wut), 0x052600);
    stq_be_p(buf + 8, UINT64_MAX);
    ck_assert_uint_eq(wut_result(buf, len, &l, &wut), 0x052600);
}
END_TEST

START_TEST(populate_token_errors_point_at_the_field)
{
    static const struct {
        uint8_t at, value;      /* what is wrong in a list of two ranges */
        uint32_t code;
        uint16_t field;
    } cases[] = {
        { 1, 0x1d, 0x052600, 0 },       /* DATA LENGTH */
        { 4, 0xff, 0x052600, 4 },       /* INACTIVITY TIMEOUT */
        { 2, 0x02, 0x052600, 8 },       /* ROD TYPE, with RTV */
        { 15, 0x0f, 0x052600, 14 },     /* list length */
        { 16, 0x80, 0x052100, 16 },     /* LBA of the first range */
        { 32, 0x80, 0x052100, 32 },     /* and of the second */
        { 26, 0x05, 0x052600, 24 },     /* its length */
        { 42, 0x04, 0x052600, 16 },     /* the sum */
        { 37, 0x00, 0x052600, 16 },     /* overlap */
    };
    VscsiLimits l = limits();

    l.max_range_bytes = 0x401 * 512;
    l.max_token_blocks = 0x401;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint8_t buf[PT_ROOM];
        size_t len = pt_list(buf, 2);
        VscsiSense err = { 0 };
        VscsiPt pt;

        stl_be_p(buf + 8, VSCSI_ROD_PIT_PERSISTENT);
        pt_range(buf, 0, 0, 1);
        pt_range(buf, 1, 0x40000, 1);
        ck_assert_uint_eq(pt_result(buf, len, &l, &pt), 0);
        if (cases[i].field == 16 && cases[i].at == 42) {
            pt_range(buf, 0, 0, 2);
        }
        buf[cases[i].at] = cases[i].value;
        ck_assert(!vscsi_pt_decode(buf, len, &l, &pt, &err));
        ck_assert_field(err, cases[i].code, false, cases[i].field);
        ck_assert(!err.has_bit_pointer);
    }
}
END_TEST

START_TEST(write_using_token_errors_point_at_the_field)
{
    VscsiLimits l = limits();
    uint8_t buf[WUT_ROOM];
    VscsiSense err;
    VscsiWut wut;
    size_t len = wut_list(buf, 9);

    ck_assert(!vscsi_wut_decode(buf, len, &l, &wut, &err));
    ck_assert_field(err, 0x052608, false, 534);
    len = wut_list(buf, 1);
    stw_be_p(buf + 22, 0);
    ck_assert(!vscsi_wut_decode(buf, len, &l, &wut, &err));
    ck_assert_field(err, 0x05230a, false, 22);
    len = wut_list(buf, 1);
    buf[8] = 0xff;
    ck_assert(!vscsi_wut_decode(buf, len, &l, &wut, &err));
    ck_assert_field(err, 0x052600, false, 8);
    len = wut_list(buf, 1);
    buf[1]++;
    ck_assert(!vscsi_wut_decode(buf, len, &l, &wut, &err));
    ck_assert_field(err, 0x052600, false, 0);
    len = wut_list(buf, 1);
    wut_range(buf, 0, 1 << 20, 1);
    ck_assert(!vscsi_wut_decode(buf, len, &l, &wut, &err));
    ck_assert_field(err, 0x052100, false, 536);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire-range");
    TCase *tc = unit_case(suite, "populate token");

    tcase_add_test(tc, pt_ranges_come_out_in_order_without_empty_ones);
    tcase_add_test(tc, pt_is_written_as_the_standard_lays_it_out);
    tcase_add_test(tc, pt_survives_encode_and_decode);
    tcase_add_test(tc, pt_every_truncation_is_answered_as_the_standard_says);
    tcase_add_test(tc, pt_every_data_length_below_the_minimum_is_refused);
    tcase_add_test(tc, pt_every_range_list_length);
    tcase_add_test(tc, pt_inactivity_timeout_is_bounded_by_the_maximum);
    tcase_add_test(tc, pt_rod_type_is_looked_at_only_with_rtv);
    tcase_add_test(tc, pt_rtv_accepts_the_published_types_alone);
    tcase_add_test(tc, pt_reserved_bytes_are_ignored);

    tc = unit_case(suite, "write using token");
    tcase_add_test(tc, wut_fields_come_out);
    tcase_add_test(tc, wut_survives_encode_and_decode_and_truncation);
    tcase_add_test(tc,
                   wut_every_truncation_is_answered_as_the_standard_says);
    tcase_add_test(tc, wut_every_wrong_data_length_is_refused);
    tcase_add_test(tc, wut_every_range_list_length);
    tcase_add_test(tc, wut_every_wrong_token_length_is_refused);
    tcase_add_test(tc, wut_offset_in_bytes_must_fit_in_64_bits);

    tc = unit_case(suite, "ranges");
    tcase_add_test(tc, zero_length_ranges_count_against_the_maximum);
    tcase_add_test(tc, no_published_maximum_still_has_a_bound);
    tcase_add_test(tc, only_zero_length_ranges_are_good_with_nothing_in_them);
    tcase_add_test(tc, a_range_past_the_capacity_is_out_of_range);
    tcase_add_test(tc, an_overflowing_range_is_caught_on_the_largest_disk);
    tcase_add_test(tc, nothing_is_in_range_of_an_empty_medium);
    tcase_add_test(tc, overlapping_ranges_are_refused);
    tcase_add_test(tc, the_sum_is_bounded_by_the_token_size_and_the_rod_size);
    tcase_add_test(tc, one_range_is_bounded_by_the_rod_and_descriptor_limits);
    tcase_add_test(tc, populate_token_errors_point_at_the_field);
    tcase_add_test(tc, write_using_token_errors_point_at_the_field);
    return unit_run(suite);
}
