/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes, operands, and how a range is cut into pieces. */
#include <string.h>

#include "bytes.h"
#include "plan.h"
#include "support.h"

START_TEST(sizes_take_binary_suffixes)
{
    uint64_t n;

    ck_assert(odx_size_parse("0", &n) && n == 0);
    ck_assert(odx_size_parse("512", &n) && n == 512);
    ck_assert(odx_size_parse("1K", &n) && n == 1024);
    ck_assert(odx_size_parse("3M", &n) && n == 3 << 20);
    ck_assert(odx_size_parse("2G", &n) && n == 2ull << 30);
    ck_assert(odx_size_parse("64T", &n) && n == 64ull << 40);
    ck_assert(odx_size_parse("18446744073709551615", &n) &&
              n == UINT64_MAX);
}
END_TEST

static const char *const bad_sizes[] = {
    "", "K", "-1", "+1", " 1", "1 ", "1k", "1KB", "0x10", "1.5G", "1P",
    "18446744073709551616", "99999999999999999999", "16777216T",
    "18446744073709551615K",
};

START_TEST(bad_sizes_are_refused)
{
    uint64_t n;

    ck_assert_msg(!odx_size_parse(bad_sizes[_i], &n), "%s", bad_sizes[_i]);
}
END_TEST

START_TEST(operands_are_taken_apart_at_the_last_colon)
{
    OdxOperand o;
    OdxError err;
    Sim sim;

    sim_init(&sim, 512, 8);
    ck_assert_int_eq(odx_operand_parse(&sim.transport, "/dev/src", &o,
                                       &err), 0);
    ck_assert_str_eq(o.path, "/dev/src");
    ck_assert(o.offset == 0 && !o.has_length);
    ck_assert_int_eq(odx_operand_parse(&sim.transport, "/dev/src:1M", &o,
                                       &err), 0);
    ck_assert_str_eq(o.path, "/dev/src");
    ck_assert(o.offset == 1 << 20 && !o.has_length);
    ck_assert_int_eq(odx_operand_parse(&sim.transport, "/dev/src:4K+1G", &o,
                                       &err), 0);
    ck_assert(o.offset == 4096 && o.has_length && o.length == 1 << 30);
    sim_free(&sim);
}
END_TEST

START_TEST(names_with_colons_are_names_when_they_exist)
{
    OdxOperand o;
    OdxError err;
    Sim sim;

    sim_init(&sim, 512, 8);
    sim.disks[0].path = "/dev/disk/by-path/pci-0000:00:04.0-scsi-0:0:0:1";
    ck_assert_int_eq(odx_operand_parse(&sim.transport, sim.disks[0].path,
                                       &o, &err), 0);
    ck_assert_str_eq(o.path, sim.disks[0].path);
    ck_assert_uint_eq(o.offset, 0);
    ck_assert_int_eq(odx_operand_parse(&sim.transport,
        "/dev/disk/by-path/pci-0000:00:04.0-scsi-0:0:0:1:512+1K", &o,
        &err), 0);
    ck_assert_str_eq(o.path, sim.disks[0].path);
    ck_assert(o.offset == 512 && o.length == 1024);
    sim_free(&sim);
}
END_TEST

static const char *const bad_operands[] = {
    "", ":", ":0", "/dev/src:", "/dev/src:x", "/dev/src:1+", "/dev/src:+1",
    "/dev/src:1+2+3", "/dev/src:1-2", "/dev/src:1M+x",
};

START_TEST(bad_operands_are_refused)
{
    OdxOperand o;
    OdxError err;
    Sim sim;

    sim_init(&sim, 512, 8);
    ck_assert_int_eq(odx_operand_parse(&sim.transport, bad_operands[_i], &o,
                                       &err), -1);
    ck_assert_int_eq(err.code, ODX_USAGE);
    sim_free(&sim);
}
END_TEST

/* The pieces cover the range, in order, within all bounds. */
static void check_split(uint32_t range_blocks, unsigned ranges,
                        unsigned descriptors, uint64_t blocks)
{
    OdxPieces p = { .blocks = blocks, .range_blocks = range_blocks,
                    .ranges = ranges };
    OdxRange r[ODX_MAX_RANGES];
    unsigned n = odx_plan_split(&p, descriptors, 1000, blocks, r);
    uint64_t at = 1000;

    ck_assert_uint_le(n, ranges);
    ck_assert_uint_ge(n, odx_min64(descriptors, blocks));
    for (unsigned i = 0; i < n; i++) {
        ck_assert_uint_eq(r[i].lba, at);
        ck_assert_uint_gt(r[i].blocks, 0);
        ck_assert_uint_le(r[i].blocks, range_blocks);
        at += r[i].blocks;
    }
    ck_assert_uint_eq(at, 1000 + blocks);
}

START_TEST(splits_cover_the_range_in_order)
{
    check_split(UINT32_MAX, 1, 0, 1);
    check_split(UINT32_MAX, 1, 0, UINT32_MAX);
    check_split(UINT32_MAX, 2, 0, (uint64_t)UINT32_MAX + 1);
    check_split(1, 1024, 0, 1024);
    check_split(7, 1024, 0, 7000);
    check_split(100, 64, 64, 10);
    check_split(100, 64, 64, 64);
    check_split(100, 64, 3, 100);
    check_split(100, 64, 63, 6400);
    check_split(100, 64, 1, 0);
}
END_TEST

static OdxDevice device(uint32_t block_length, uint64_t blocks)
{
    OdxDevice d = { .block_length = block_length, .blocks = blocks };

    d.lun.name = "/dev/x";
    d.limits.has_block_features = true;
    d.limits.max_ranges = 4;
    return d;
}

START_TEST(pieces_respect_every_limit)
{
    OdxDevice src = device(512, 1 << 20), dst = device(512, 1 << 20);
    OdxPlan plan = { .length = 512 << 20, .unit = 512 };
    OdxError err;

    /* nothing reported: 64 MiB */
    ck_assert_int_eq(odx_plan_pieces(&plan, &src, &dst, &err), 0);
    ck_assert_uint_eq(plan.src.blocks, 131072);
    ck_assert_uint_eq(plan.dst.blocks, 131072);
    src.limits.optimal_blocks = 4096;
    dst.limits.optimal_blocks = 2048;
    ck_assert_int_eq(odx_plan_pieces(&plan, &src, &dst, &err), 0);
    ck_assert_uint_eq(plan.src.blocks, 4096);
    ck_assert_uint_eq(plan.dst.blocks, 2048);
    src.limits.max_token_blocks = 1000;
    dst.limits.max_rod_bytes = 512 * 99;
    ck_assert_int_eq(odx_plan_pieces(&plan, &src, &dst, &err), 0);
    ck_assert_uint_eq(plan.src.blocks, 1000);
    ck_assert_uint_eq(plan.dst.blocks, 99);
    /* without block features MAXIMUM TRANSFER LENGTH bounds a range */
    src.limits.has_block_features = false;
    src.max_transfer_blocks = 100;
    ck_assert_int_eq(odx_plan_pieces(&plan, &src, &dst, &err), 0);
    ck_assert_uint_eq(plan.src.blocks, 400);
    ck_assert_uint_eq(plan.src.range_blocks, 100);
    /* --chunk goes before the device's advice, not before its limits */
    plan.wish.chunk = 1024;
    ck_assert_int_eq(odx_plan_pieces(&plan, &src, &dst, &err), 0);
    ck_assert_uint_eq(plan.src.blocks, 2);
    plan.wish.chunk = 1ull << 40;
    ck_assert_int_eq(odx_plan_pieces(&plan, &src, &dst, &err), 0);
    ck_assert_uint_eq(plan.src.blocks, 400);
    ck_assert_uint_eq(plan.dst.blocks, 99);
}
END_TEST

START_TEST(pieces_survive_extreme_limits)
{
    OdxDevice src = device(4096, 1 << 20), dst = device(4096, 1 << 20);
    OdxPlan plan = { .length = 4096, .unit = 4096 };
    OdxError err;

    src.limits.optimal_blocks = UINT64_MAX;
    src.limits.max_token_blocks = UINT64_MAX;
    dst.limits.max_rod_bytes = UINT64_MAX;
    dst.limits.optimal_blocks = UINT64_MAX;
    dst.limits.max_ranges = UINT16_MAX;
    ck_assert_int_eq(odx_plan_pieces(&plan, &src, &dst, &err), 0);
    ck_assert_uint_eq(plan.src.blocks, 4ull * UINT32_MAX);
    ck_assert_uint_eq(plan.dst.ranges, ODX_MAX_RANGES);
    plan.wish.chunk = UINT64_MAX;
    ck_assert_int_eq(odx_plan_pieces(&plan, &src, &dst, &err), 0);
    ck_assert_uint_eq(plan.src.blocks, 4ull * UINT32_MAX);
}
END_TEST

START_TEST(tokens_hold_whole_blocks_of_both_disks)
{
    OdxDevice src = device(512, 1 << 20), dst = device(4096, 1 << 20);
    OdxPlan plan = { .length = 1 << 20, .unit = 4096 };
    OdxError err;

    src.limits.max_token_blocks = 1001;
    ck_assert_int_eq(odx_plan_pieces(&plan, &src, &dst, &err), 0);
    ck_assert_uint_eq(plan.src.blocks, 1000);
    src.limits.max_token_blocks = 7;
    ck_assert_int_eq(odx_plan_pieces(&plan, &src, &dst, &err), -1);
    ck_assert_int_eq(err.code, ODX_CANNOT);
}
END_TEST

Suite *suite_plan(void)
{
    Suite *s = suite_create("plan");
    TCase *c = tcase_create("plan");

    tcase_add_test(c, sizes_take_binary_suffixes);
    tcase_add_loop_test(c, bad_sizes_are_refused, 0,
                        sizeof(bad_sizes) / sizeof(bad_sizes[0]));
    tcase_add_test(c, operands_are_taken_apart_at_the_last_colon);
    tcase_add_test(c, names_with_colons_are_names_when_they_exist);
    tcase_add_loop_test(c, bad_operands_are_refused, 0,
                        sizeof(bad_operands) / sizeof(bad_operands[0]));
    tcase_add_test(c, splits_cover_the_range_in_order);
    tcase_add_test(c, pieces_respect_every_limit);
    tcase_add_test(c, pieces_survive_extreme_limits);
    tcase_add_test(c, tokens_hold_whole_blocks_of_both_disks);
    suite_add_tcase(s, c);
    return s;
}
