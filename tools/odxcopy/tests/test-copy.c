/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies with IMMED=0: whole, cut short, revoked, refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#define BLOCKS 4096
#define SIZE (BLOCKS * 512)

static Sim sim;

static void setup(void)
{
    sim_init(&sim, 512, BLOCKS);
}

static void teardown(void)
{
    sim_free(&sim);
}

START_TEST(a_whole_disk_is_copied_with_one_token)
{
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
    ck_assert_uint_eq(sim.populates, 1);
    ck_assert_uint_eq(sim.writes, 1);
    ck_assert_uint_eq(sim.flushes, 1);
    ck_assert_uint_eq(sim.settles, 3);
}
END_TEST

START_TEST(a_range_is_copied_and_nothing_beside_it)
{
    run_expect(&sim, 0, "-q /dev/src:512+64K /dev/dst:1M");
    expect_copied(&sim, 512, 1 << 20, 64 << 10);
}
END_TEST

START_TEST(a_range_without_length_goes_to_the_end_of_the_source)
{
    run_expect(&sim, 0, "-q /dev/src:2093056 /dev/dst:512");
    expect_copied(&sim, 2093056, 512, SIZE - 2093056);
}
END_TEST

START_TEST(an_empty_range_copies_nothing)
{
    run_expect(&sim, 0, "-q /dev/src:0+0 /dev/dst");
    expect_untouched(&sim);
    ck_assert_uint_eq(sim.populates + sim.writes, 0);
}
END_TEST

START_TEST(the_last_block_can_be_copied)
{
    run_expect(&sim, 0, "-q /dev/src:2096640+512 /dev/dst:2096640");
    expect_copied(&sim, 2096640, 2096640, 512);
}
END_TEST

START_TEST(limits_cut_the_copy_into_tokens_and_writes)
{
    sim.disks[0].max_token_blocks = 1000;
    sim.disks[1].optimal_blocks = 300;
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
    /* 4 tokens of 1000 (300+300+300+100), one of 96 */
    ck_assert_uint_eq(sim.populates, 5);
    ck_assert_uint_eq(sim.writes, 17);
    ck_assert_uint_eq(sim_live_tokens(&sim), 0);
}
END_TEST

START_TEST(the_tiniest_limits_still_copy)
{
    sim.disks[0].max_token_blocks = 1;
    sim.disks[0].max_ranges = 1;
    sim.disks[1].max_token_blocks = 1;
    sim.disks[1].max_ranges = 1;
    run_expect(&sim, 0, "-q /dev/src:0+64K /dev/dst:512");
    expect_copied(&sim, 0, 512, 64 << 10);
    ck_assert_uint_eq(sim.writes, 128);
}
END_TEST

START_TEST(a_short_transfer_length_takes_several_ranges)
{
    sim.disks[0].block_features = false;
    sim.disks[0].max_transfer_blocks = 100;
    sim.disks[1].block_features = false;
    sim.disks[1].max_transfer_blocks = 33;
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
}
END_TEST

START_TEST(descriptors_spread_each_command)
{
    run_expect(&sim, 0, "-q --descriptors 7 /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
    ck_assert_uint_eq(sim.last_ranges, 7);
    run_expect_text(&sim, 2, "--descriptors 9 /dev/src /dev/dst",
                    "takes 8 range descriptors");
}
END_TEST

START_TEST(unreported_range_limit_means_one_unless_asked)
{
    sim.disks[0].max_ranges = 0;
    sim.disks[1].max_ranges = 0;
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
    ck_assert_uint_eq(sim.last_ranges, 1);
    run_expect(&sim, 0, "-q --descriptors 64 /dev/src /dev/dst");
    ck_assert_uint_eq(sim.last_ranges, 64);
}
END_TEST

START_TEST(chunk_bounds_each_command)
{
    run_expect(&sim, 0, "-q --chunk 512K /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
    ck_assert_uint_eq(sim.populates, 4);
    ck_assert_uint_eq(sim.writes, 4);
}
END_TEST

START_TEST(small_source_blocks_fill_large_destination_blocks)
{
    sim_reshape(&sim, 1, 4096, 512);
    sim.disks[0].max_token_blocks = 1003;
    sim.disks[1].max_token_blocks = 7;
    run_expect(&sim, 0, "-q /dev/src:512+1M /dev/dst:8K");
    expect_copied(&sim, 512, 8192, 1 << 20);
}
END_TEST

START_TEST(large_source_blocks_fill_small_destination_blocks)
{
    sim_reshape(&sim, 0, 4096, 512);
    sim.disks[0].max_token_blocks = 10;
    sim.disks[1].max_token_blocks = 7;
    run_expect(&sim, 0, "-q /dev/src:4K+1M /dev/dst:512");
    expect_copied(&sim, 4096, 512, 1 << 20);
}
END_TEST

START_TEST(odd_block_lengths_meet_at_their_common_multiple)
{
    sim_reshape(&sim, 0, 520, 4096);
    run_expect(&sim, 0, "-q /dev/src:0+665600 /dev/dst:512");
    expect_copied(&sim, 0, 512, 665600);
}
END_TEST

/* A revocation between blocks of different size: the rest starts inside. */
START_TEST(a_token_is_made_again_inside_a_large_source_block)
{
    sim_reshape(&sim, 0, 4096, 512);
    sim.disks[1].max_token_blocks = 3;
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 4, SIM_REVOKE, .asc = 0x2306 });
    run_expect(&sim, 0, "-q /dev/src:0+64K /dev/dst:512");
    expect_copied(&sim, 0, 512, 64 << 10);
    ck_assert_uint_eq(sim.populates, 2);
}
END_TEST

START_TEST(a_partial_write_goes_on_from_the_information_count)
{
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 1, SIM_PARTIAL, .value = 100 });
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 2, SIM_PARTIAL, .value = 1 });
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
    /* 100, 1, then as much as is thought to pass: 1 MiB and the rest */
    ck_assert_uint_eq(sim.writes, 4);
    ck_assert_uint_eq(sim.populates, 1);
}
END_TEST

START_TEST(a_partial_write_goes_on_from_the_rrti_count)
{
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 1, SIM_PARTIAL_QUIET,
                                 .value = 100 });
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 2, SIM_PARTIAL_NOINFO,
                                 .value = 77 });
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
    /* 100, 1, then as much as is thought to pass: 1 MiB and the rest */
    ck_assert_uint_eq(sim.writes, 4);
    ck_assert_uint_eq(sim.populates, 1);
}
END_TEST

START_TEST(a_partial_last_write_leaves_the_token_alive)
{
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 1, SIM_PARTIAL, .value = 100 });
    run_expect(&sim, 0, "-q --strict /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
    ck_assert_uint_eq(sim.populates, 1);
    ck_assert_uint_eq(sim.deleted_tokens, 1);
}
END_TEST

/* A device that ends each command after some time, here after 3000 blocks. */
START_TEST(writes_are_fitted_to_what_a_device_does_in_its_time)
{
    Result r;
    unsigned long long partial = 0;

    sim_reshape(&sim, 0, 512, 65536);
    sim_reshape(&sim, 1, 512, 65536);
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 0, SIM_PARTIAL, .value = 3000 });
    r = run(&sim, "-q --json /dev/src /dev/dst");
    ck_assert_int_eq(r.code, 0);
    ck_assert_int_eq(sscanf(strstr(r.out, "\"partial_transfers\": "),
                            "\"partial_transfers\": %llu", &partial), 1);
    result_free(&r);
    expect_copied(&sim, 0, 0, 65536 * 512);
    ck_assert_uint_eq(sim.populates, 1);
    /* 22 at the very least; most of them pass in full */
    ck_assert_uint_le(sim.writes, 33);
    ck_assert_uint_le(partial, 11);
}
END_TEST

START_TEST(a_write_that_never_moves_anything_ends)
{
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 0, SIM_PARTIAL, .value = 0 });
    run_expect_text(&sim, 3, "/dev/src /dev/dst", "0D/04");
    expect_untouched(&sim);
    ck_assert_uint_lt(sim.writes, 20);
}
END_TEST

START_TEST(a_partial_token_is_used_for_what_it_covers)
{
    sim_fault(&sim, (SimFault) { 0x83, 0x10, 1, SIM_PARTIAL, .value = 1000 });
    sim_fault(&sim, (SimFault) { 0x83, 0x10, 2, SIM_PARTIAL_QUIET,
                                 .value = 50 });
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
    ck_assert_uint_eq(sim.populates, 3);
    ck_assert_uint_eq(sim.writes, 3);
}
END_TEST

START_TEST(a_partial_token_for_less_than_a_block_ends)
{
    sim_reshape(&sim, 1, 4096, 512);
    sim_fault(&sim, (SimFault) { 0x83, 0x10, 0, SIM_PARTIAL, .value = 7 });
    run_expect(&sim, 3, "/dev/src /dev/dst");
    expect_untouched(&sim);
}
END_TEST

static const uint16_t token_ends[] = {
    0x2304, 0x2306, 0x2307, 0x2308, 0x2309
};

START_TEST(a_token_that_ends_mid_way_is_made_again)
{
    Result r;

    sim.disks[1].optimal_blocks = 512;
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 3, SIM_REVOKE,
                                 .asc = token_ends[_i] });
    r = run(&sim, "/dev/src /dev/dst");
    ck_assert_int_eq(r.code, 0);
    ck_assert_ptr_nonnull(strstr(r.out, "1 token ended before the copy did"));
    result_free(&r);
    expect_copied(&sim, 0, 0, SIZE);
    ck_assert_uint_eq(sim.populates, 2);
}
END_TEST

START_TEST(strict_refuses_to_make_a_token_again)
{
    sim.disks[1].optimal_blocks = 512;
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 3, SIM_REVOKE, .asc = 0x2306 });
    run_expect_text(&sim, 3, "--strict /dev/src /dev/dst", "revoked");
    expect_copied(&sim, 0, 0, 1024 * 512);
    ck_assert_uint_eq(sim.populates, 1);
}
END_TEST

START_TEST(strict_asks_for_one_token_whatever_is_optimal)
{
    sim.disks[0].optimal_blocks = 100;
    sim.disks[1].optimal_blocks = 1000;
    run_expect(&sim, 0, "-q --strict /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
    ck_assert_uint_eq(sim.populates, 1);
    ck_assert_uint_eq(sim.deleted_tokens, 1);
}
END_TEST

START_TEST(strict_refuses_what_one_token_cannot_hold)
{
    sim.disks[0].max_token_blocks = BLOCKS - 1;
    run_expect_text(&sim, 2, "--strict /dev/src /dev/dst", "one point in");
    ck_assert_uint_eq(sim.populates, 0);
    sim.disks[0].max_token_blocks = 0;
    sim_fault(&sim, (SimFault) { 0x83, 0x10, 1, SIM_PARTIAL, .value = 10 });
    run_expect_text(&sim, 3, "--strict /dev/src /dev/dst", "one point in");
    expect_untouched(&sim);
}
END_TEST

START_TEST(a_token_that_is_always_revoked_ends)
{
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 0, SIM_REVOKE, .asc = 0x2306 });
    run_expect_text(&sim, 3, "/dev/src /dev/dst", "revoked");
    expect_untouched(&sim);
    ck_assert_uint_lt(sim.populates, 20);
}
END_TEST

START_TEST(a_copy_is_of_the_point_in_time_of_its_token)
{
    /* someone overwrites the source between token and write */
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 1, SIM_WRITE_SOURCE,
                                 .key = 0xee });
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
}
END_TEST

START_TEST(a_busy_list_id_leads_to_the_next)
{
    sim_fault(&sim, (SimFault) { 0x83, 0x10, 1, SIM_SENSE, 5, 0x0016 });
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 1, SIM_SENSE, 5, 0x0016 });
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 2, SIM_SENSE, 5, 0x0016 });
    run_expect(&sim, 0, "-q --list-id 0x500 /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
    ck_assert_uint_eq(sim.first_list_id, 0x501);
}
END_TEST

START_TEST(list_ids_that_are_all_busy_end)
{
    sim_fault(&sim, (SimFault) { 0x83, 0x10, 0, SIM_SENSE, 5, 0x0016 });
    run_expect_text(&sim, 3, "/dev/src /dev/dst", "--list-id");
    ck_assert_uint_lt(sim.commands, 100);
}
END_TEST

START_TEST(a_list_id_wraps_past_the_8_bit_ones)
{
    sim.disks[1].optimal_blocks = 512;
    run_expect(&sim, 0, "-q --list-id 0xffffffff /dev/src /dev/dst");
    ck_assert_uint_eq(sim.first_list_id, 0xffffffff);
    expect_copied(&sim, 0, 0, SIZE);
}
END_TEST

START_TEST(a_forgotten_token_is_asked_for_again)
{
    sim_fault(&sim, (SimFault) { 0x84, 0x07, 1, SIM_FORGET });
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
    ck_assert_uint_eq(sim.populates, 2);
}
END_TEST

START_TEST(good_stands_where_the_result_of_a_write_is_forgotten)
{
    sim_fault(&sim, (SimFault) { 0x84, 0x07, 2, SIM_FORGET });
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
    ck_assert_uint_eq(sim.writes, 1);
}
END_TEST

static const struct {
    uint8_t sa, key;
    uint16_t asc;
    const char *text;
} refusals[] = {
    { 0x10, 0x5, 0x2600, "parameter list" },
    { 0x10, 0x5, 0x2608, "range descriptors" },
    { 0x10, 0x5, 0x2100, "end of the disk" },
    { 0x10, 0x5, 0x550c, "no resources" },
    { 0x10, 0x5, 0x550d, "another token" },
    { 0x10, 0x5, 0x2000, "does not know this command" },
    { 0x11, 0x5, 0x2301, "type of ROD token" },
    { 0x11, 0x5, 0x2302, "another copy manager" },
    { 0x11, 0x5, 0x2305, "corrupt" },
    { 0x11, 0x5, 0x230a, "wrong length" },
    { 0x11, 0x7, 0x2700, "write-protected" },
    { 0x11, 0x7, 0x2707, "no space left" },
    { 0x11, 0xb, 0x5503, "out of resources" },
    { 0x11, 0xa, 0x0d01, "disk failed" },
    { 0x11, 0xa, 0x0d02, "cannot reach" },
    { 0x11, 0x3, 0x1100, "cannot be read" },
    { 0x11, 0x4, 0x4400, "hardware" },
    { 0x11, 0xd, 0x7777, "does not know" },
};

START_TEST(a_refusal_is_explained)
{
    sim_fault(&sim, (SimFault) { 0x83, refusals[_i].sa, 0, SIM_SENSE,
                                 refusals[_i].key, refusals[_i].asc });
    run_expect_text(&sim, 3, "/dev/src /dev/dst", refusals[_i].text);
    expect_untouched(&sim);
}
END_TEST

START_TEST(a_refusal_mid_way_tells_how_far_it_came)
{
    Result r;

    sim.disks[1].optimal_blocks = 512;
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 3, SIM_SENSE, 0xb, 0x5503 });
    r = run(&sim, "--json /dev/src /dev/dst");
    ck_assert_int_eq(r.code, 3);
    ck_assert_ptr_nonnull(strstr(r.out, "\"result\": \"failed\""));
    ck_assert_ptr_nonnull(strstr(r.out, "\"bytes\": 524288,"));
    ck_assert_ptr_nonnull(strstr(r.out, "sense B/55/03"));
    result_free(&r);
    expect_copied(&sim, 0, 0, 1024 * 512);
    /* the token was not left behind */
    ck_assert_uint_eq(sim_live_tokens(&sim), 0);
}
END_TEST

/* As under a busy writer: only a small token lives long enough. */
START_TEST(a_token_that_keeps_being_revoked_is_made_smaller)
{
    sim_reshape(&sim, 0, 512, 65536);
    sim_reshape(&sim, 1, 512, 65536);
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 0, SIM_REVOKE_LARGE,
                                 .asc = 0x2306, .value = 1 << 20 });
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, 65536 * 512);
}
END_TEST

static void add_shapes(TCase *c)
{
    tcase_add_test(c, a_whole_disk_is_copied_with_one_token);
    tcase_add_test(c, a_range_is_copied_and_nothing_beside_it);
    tcase_add_test(c, a_range_without_length_goes_to_the_end_of_the_source);
    tcase_add_test(c, an_empty_range_copies_nothing);
    tcase_add_test(c, the_last_block_can_be_copied);
    tcase_add_test(c, limits_cut_the_copy_into_tokens_and_writes);
    tcase_add_test(c, the_tiniest_limits_still_copy);
    tcase_add_test(c, a_short_transfer_length_takes_several_ranges);
    tcase_add_test(c, descriptors_spread_each_command);
    tcase_add_test(c, unreported_range_limit_means_one_unless_asked);
    tcase_add_test(c, chunk_bounds_each_command);
    tcase_add_test(c, small_source_blocks_fill_large_destination_blocks);
    tcase_add_test(c, large_source_blocks_fill_small_destination_blocks);
    tcase_add_test(c, odd_block_lengths_meet_at_their_common_multiple);
    tcase_add_test(c, a_token_is_made_again_inside_a_large_source_block);
}

static void add_shortfalls(TCase *c)
{
    tcase_add_test(c, a_partial_write_goes_on_from_the_information_count);
    tcase_add_test(c, a_partial_write_goes_on_from_the_rrti_count);
    tcase_add_test(c, a_partial_last_write_leaves_the_token_alive);
    tcase_add_test(c,
        writes_are_fitted_to_what_a_device_does_in_its_time);
    tcase_add_test(c, a_write_that_never_moves_anything_ends);
    tcase_add_test(c, a_partial_token_is_used_for_what_it_covers);
    tcase_add_test(c, a_partial_token_for_less_than_a_block_ends);
    tcase_add_loop_test(c, a_token_that_ends_mid_way_is_made_again, 0,
                        sizeof(token_ends) / sizeof(token_ends[0]));
    tcase_add_test(c, strict_refuses_to_make_a_token_again);
    tcase_add_test(c, strict_asks_for_one_token_whatever_is_optimal);
    tcase_add_test(c, strict_refuses_what_one_token_cannot_hold);
    tcase_add_test(c, a_token_that_is_always_revoked_ends);
    tcase_add_test(c, a_token_that_keeps_being_revoked_is_made_smaller);
    tcase_add_test(c, a_copy_is_of_the_point_in_time_of_its_token);
    tcase_add_test(c, a_busy_list_id_leads_to_the_next);
    tcase_add_test(c, list_ids_that_are_all_busy_end);
    tcase_add_test(c, a_list_id_wraps_past_the_8_bit_ones);
    tcase_add_test(c, a_forgotten_token_is_asked_for_again);
    tcase_add_test(c,
        good_stands_where_the_result_of_a_write_is_forgotten);
    tcase_add_loop_test(c, a_refusal_is_explained, 0,
                        sizeof(refusals) / sizeof(refusals[0]));
    tcase_add_test(c, a_refusal_mid_way_tells_how_far_it_came);
}

Suite *suite_copy(void)
{
    Suite *s = suite_create("copy");
    TCase *c = tcase_create("copy");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    add_shapes(c);
    add_shortfalls(c);
    suite_add_tcase(s, c);
    return s;
}
