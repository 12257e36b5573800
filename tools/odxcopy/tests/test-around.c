/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Around the copy: zeroes, deletion of tokens, flush, verify, signals. */
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

START_TEST(tokens_are_left_alone_when_asked)
{
    run_expect(&sim, 0, "-q --no-delete-token /dev/src /dev/dst");
    ck_assert_uint_eq(sim_live_tokens(&sim), 1);
    ck_assert_uint_eq(sim.deleted_tokens, 0);
}
END_TEST

START_TEST(the_inactivity_timeout_is_passed_on_and_bounded)
{
    sim.disks[0].max_inactivity = 60;
    run_expect(&sim, 0, "-q --timeout 60 /dev/src /dev/dst");
    ck_assert_uint_eq(sim.last_inactivity, 60);
    run_expect_text(&sim, 2, "--timeout 61 /dev/src /dev/dst",
                    "60 seconds");
}
END_TEST

START_TEST(zeroes_are_written_by_the_zero_token)
{
    sim.disks[1].max_token_blocks = 100;
    run_expect(&sim, 0, "-q --zero /dev/dst:4K+1M");
    expect_zeroed(&sim, 4096, 1 << 20);
    ck_assert_uint_eq(sim.populates, 0);
    ck_assert_uint_eq(sim.deleted_tokens, 0);
}
END_TEST

START_TEST(a_whole_disk_is_zeroed_and_verified)
{
    run_expect(&sim, 0, "-q --verify --zero /dev/dst");
    expect_zeroed(&sim, 0, SIZE);
}
END_TEST

START_TEST(zeroing_goes_on_after_a_partial_write)
{
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 1, SIM_PARTIAL, .value = 9 });
    run_expect(&sim, 0, "-q --zero /dev/dst:512+1M");
    expect_zeroed(&sim, 512, 1 << 20);
}
END_TEST

START_TEST(a_refused_zero_token_is_explained)
{
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 0, SIM_SENSE, 5, 0x2301 });
    run_expect_text(&sim, 3, "--zero /dev/dst", "type of ROD token");
    expect_untouched(&sim);
}
END_TEST

START_TEST(a_zero_token_that_is_not_listed_is_not_tried)
{
    sim.disks[1].rod_types = 0x00800000;
    run_expect_text(&sim, 2, "--zero /dev/dst", "not among them");
    ck_assert_uint_eq(sim.writes, 0);
    sim.disks[1].rod_types = 0xffff0001;
    run_expect(&sim, 0, "-q --zero /dev/dst");
}
END_TEST

START_TEST(verify_finds_the_first_difference)
{
    sim_fault(&sim, (SimFault) { 0x35, -1, 1, SIM_SCRIBBLE,
                                 .value = (1 << 20) + 77 });
    run_expect_text(&sim, 4, "--verify /dev/src:512+1M /dev/dst:512K",
                    "differs at byte 524365 of the range: /dev/src has");
}
END_TEST

START_TEST(verify_of_zeroes_finds_the_first_difference)
{
    sim_fault(&sim, (SimFault) { 0x35, -1, 1, SIM_SCRIBBLE, .value = 5000 });
    run_expect_text(&sim, 4, "--verify --zero /dev/dst",
                    "byte 5000 is FFh, not zero");
}
END_TEST

START_TEST(verify_reads_no_more_than_the_disk_takes)
{
    Result r;

    sim.disks[1].max_transfer_blocks = 8;
    r = run(&sim, "--verify /dev/src /dev/dst");
    ck_assert_int_eq(r.code, 0);
    ck_assert_ptr_nonnull(strstr(r.out, ", verified"));
    result_free(&r);
    ck_assert_uint_eq(sim.reads, 2 * BLOCKS / 8);
}
END_TEST

START_TEST(verify_of_a_short_read_is_an_io_error)
{
    sim_fault(&sim, (SimFault) { 0x88, -1, 3, SIM_SHORT, .value = 512 });
    run_expect_text(&sim, 5, "--verify /dev/src /dev/dst", "READ(16)");
}
END_TEST

START_TEST(a_disk_without_a_cache_needs_no_flush)
{
    sim.disks[1].no_cache_command = true;
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
}
END_TEST

START_TEST(a_failed_flush_fails_the_copy)
{
    sim_fault(&sim, (SimFault) { 0x35, -1, 1, SIM_SENSE, 3, 0x0c00 });
    run_expect_text(&sim, 3, "/dev/src /dev/dst", "SYNCHRONIZE CACHE");
}
END_TEST

START_TEST(a_transport_that_breaks_ends_the_copy)
{
    sim.disks[1].optimal_blocks = 512;
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 3, SIM_TRANSPORT });
    run_expect_text(&sim, 5, "/dev/src /dev/dst", "the cable is cut");
    expect_copied(&sim, 0, 0, 1024 * 512);
}
END_TEST

START_TEST(a_signal_stops_between_commands_and_deletes_the_token)
{
    sim.disks[1].optimal_blocks = 512;
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 3, SIM_INTERRUPT });
    run_expect_text(&sim, 6, "/dev/src /dev/dst", "interrupted: 786432 of");
    expect_copied(&sim, 0, 0, 1536 * 512);
    ck_assert_uint_eq(sim_live_tokens(&sim), 0);
}
END_TEST

START_TEST(a_signal_during_verify_stops_it)
{
    sim_fault(&sim, (SimFault) { 0x88, -1, 3, SIM_INTERRUPT });
    run_expect_text(&sim, 6, "--verify /dev/src /dev/dst", "compared");
}
END_TEST

static void add_all(TCase *c)
{
    tcase_add_test(c, tokens_are_left_alone_when_asked);
    tcase_add_test(c, the_inactivity_timeout_is_passed_on_and_bounded);
    tcase_add_test(c, zeroes_are_written_by_the_zero_token);
    tcase_add_test(c, a_whole_disk_is_zeroed_and_verified);
    tcase_add_test(c, zeroing_goes_on_after_a_partial_write);
    tcase_add_test(c, a_refused_zero_token_is_explained);
    tcase_add_test(c, a_zero_token_that_is_not_listed_is_not_tried);
    tcase_add_test(c, verify_finds_the_first_difference);
    tcase_add_test(c, verify_of_zeroes_finds_the_first_difference);
    tcase_add_test(c, verify_reads_no_more_than_the_disk_takes);
    tcase_add_test(c, verify_of_a_short_read_is_an_io_error);
    tcase_add_test(c, a_disk_without_a_cache_needs_no_flush);
    tcase_add_test(c, a_failed_flush_fails_the_copy);
    tcase_add_test(c, a_transport_that_breaks_ends_the_copy);
    tcase_add_test(c,
        a_signal_stops_between_commands_and_deletes_the_token);
    tcase_add_test(c, a_signal_during_verify_stops_it);
}

Suite *suite_around(void)
{
    Suite *s = suite_create("around");
    TCase *c = tcase_create("around");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    add_all(c);
    suite_add_tcase(s, c);
    return s;
}
