/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies with IMMED=1: polling, progress, aborting. */
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

START_TEST(an_operation_is_polled_until_it_ends)
{
    run_expect(&sim, 0, "-q --immed /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
    ck_assert_uint_ge(sim.infos, 4);
    ck_assert_uint_eq(sim.aborts, 0);
}
END_TEST

START_TEST(the_recommended_delay_is_kept)
{
    sim.delay_ms = 700;
    run_expect(&sim, 0, "-q --immed /dev/src /dev/dst");
    ck_assert_uint_eq(sim.longest_sleep_ms, 700);
}
END_TEST

static const uint32_t odd_delays[] = { 0, 0xfffffffe, 0xffffffff };

START_TEST(no_recommended_delay_means_our_own)
{
    sim.delay_ms = odd_delays[_i];
    run_expect(&sim, 0, "-q --immed /dev/src /dev/dst");
    ck_assert_uint_eq(sim.longest_sleep_ms, 100);
}
END_TEST

START_TEST(a_delay_of_weeks_is_not_believed)
{
    sim.delay_ms = 0xfffffff0;
    run_expect(&sim, 0, "-q --immed /dev/src /dev/dst");
    ck_assert_uint_le(sim.longest_sleep_ms, 10000);
}
END_TEST

START_TEST(progress_is_shown_while_an_operation_runs)
{
    Result r;

    sim.blocks_per_ms = 1;
    sim.delay_ms = 250;
    r = run(&sim, "--immed /dev/src /dev/dst");
    ck_assert_int_eq(r.code, 0);
    ck_assert_ptr_nonnull(strstr(r.err, "copy: 0%"));
    ck_assert_ptr_nonnull(strstr(r.err, "KiB of 2.0 MiB"));
    ck_assert_ptr_nonnull(strstr(r.out, "copied 2097152 bytes"));
    result_free(&r);
}
END_TEST

START_TEST(a_signal_aborts_the_operation)
{
    sim.blocks_per_ms = 1;
    sim.interrupt_at_ms = sim.now_ms + 6000;
    run_expect_text(&sim, 6, "--immed /dev/src /dev/dst", "interrupted");
    ck_assert_uint_eq(sim.aborts, 1);
    /* a part was copied, and it is right */
    ck_assert_uint_eq(sim_live_tokens(&sim), 0);
}
END_TEST

START_TEST(abort_after_aborts_and_counts)
{
    Result r;
    unsigned long long bytes = 0;
    const char *p;

    sim.blocks_per_ms = 1;
    r = run(&sim, "--json -q --immed --abort-after 5000 /dev/src /dev/dst");
    ck_assert_int_eq(r.code, 6);
    ck_assert_uint_eq(sim.aborts, 1);
    p = strstr(r.out, "\"bytes\": ");
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(sscanf(p, "\"bytes\": %llu", &bytes), 1);
    ck_assert(bytes > 0 && bytes < SIZE);
    expect_copied(&sim, 0, 0, bytes);
    result_free(&r);
}
END_TEST

START_TEST(abort_after_during_populate_copies_nothing)
{
    sim.blocks_per_ms = 1;
    run_expect(&sim, 6, "--immed --abort-after 100 /dev/src /dev/dst");
    expect_untouched(&sim);
    ck_assert_uint_eq(sim.aborts, 1);
    ck_assert_uint_eq(sim.writes, 0);
}
END_TEST

START_TEST(abort_after_the_end_is_no_abort)
{
    run_expect(&sim, 0, "-q --immed --abort-after 100000 /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
    ck_assert_uint_eq(sim.aborts, 0);
}
END_TEST

START_TEST(an_abort_that_is_ignored_is_told)
{
    sim.blocks_per_ms = 0;
    sim.abort_ignored = true;
    run_expect_text(&sim, 3, "--immed --abort-after 50 /dev/src /dev/dst",
                    "does not stop");
    ck_assert_uint_eq(sim.aborts, 1);
}
END_TEST

START_TEST(no_progress_ends_after_the_command_timeout)
{
    sim.blocks_per_ms = 0;
    run_expect_text(&sim, 3, "--immed --command-timeout 5 /dev/src /dev/dst",
                    "no progress for 5 seconds");
    ck_assert_uint_eq(sim.aborts, 1);
}
END_TEST

START_TEST(slow_progress_is_no_stall)
{
    sim.blocks_per_ms = 1;
    sim.delay_ms = 900;
    /* all of it takes 8 s; each step is well below 1 s */
    run_expect(&sim, 0, "-q --immed --command-timeout 1 /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
}
END_TEST

START_TEST(an_abort_by_someone_else_is_gone_on_from)
{
    /* status 60h once, though nobody here asked for it */
    sim_fault(&sim, (SimFault) { 0x84, 0x07, 8, SIM_BYTE, .key = 0x60,
                                 .value = 5 });
    sim.blocks_per_ms = 100;
    run_expect(&sim, 0, "-q --immed --chunk 512K /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
}
END_TEST

START_TEST(a_refusal_in_the_result_is_explained)
{
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 1, SIM_REVOKE, .asc = 0x2305 });
    run_expect_text(&sim, 3, "--immed /dev/src /dev/dst", "corrupt");
    expect_untouched(&sim);
}
END_TEST

START_TEST(a_token_revoked_while_it_is_written_is_made_again)
{
    sim.blocks_per_ms = 2;
    sim_fault(&sim, (SimFault) { 0x84, 0x07, 120, SIM_REVOKE,
                                 .asc = 0x2306 });
    run_expect(&sim, 0, "-q --immed /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
    ck_assert_uint_eq(sim.populates, 2);
}
END_TEST

START_TEST(strict_tells_of_a_token_revoked_while_it_is_written)
{
    sim.blocks_per_ms = 2;
    sim_fault(&sim, (SimFault) { 0x84, 0x07, 120, SIM_REVOKE,
                                 .asc = 0x2306 });
    run_expect_text(&sim, 3, "--strict --immed /dev/src /dev/dst",
                    "revoked");
    ck_assert_uint_eq(sim.populates, 1);
}
END_TEST

START_TEST(a_partial_operation_is_gone_on_from)
{
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 1, SIM_PARTIAL, .value = 17 });
    run_expect(&sim, 0, "-q --immed --no-delete-token /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
    ck_assert_uint_eq(sim.populates, 1);
}
END_TEST

START_TEST(a_forgotten_operation_is_started_again)
{
    sim_fault(&sim, (SimFault) { 0x84, 0x07, 1, SIM_FORGET });
    sim_fault(&sim, (SimFault) { 0x84, 0x07, 60, SIM_FORGET });
    run_expect(&sim, 0, "-q --immed /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, SIZE);
}
END_TEST

START_TEST(a_mad_answer_while_it_runs_aborts_it)
{
    sim.blocks_per_ms = 1;
    sim_fault(&sim, (SimFault) { 0x84, 0x07, 3, SIM_BYTE, .key = 0x44,
                                 .value = 5 });
    run_expect_text(&sim, 5, "--immed /dev/src /dev/dst",
                    "unknown copy operation status");
    ck_assert_uint_eq(sim.aborts, 1);
}
END_TEST

START_TEST(zeroes_are_written_in_the_background)
{
    run_expect(&sim, 0, "-q --immed --verify --zero /dev/dst:1M+64K");
    expect_zeroed(&sim, 1 << 20, 64 << 10);
}
END_TEST

Suite *suite_immed(void)
{
    Suite *s = suite_create("immed");
    TCase *c = tcase_create("immed");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, an_operation_is_polled_until_it_ends);
    tcase_add_test(c, the_recommended_delay_is_kept);
    tcase_add_loop_test(c, no_recommended_delay_means_our_own, 0,
                        sizeof(odd_delays) / sizeof(odd_delays[0]));
    tcase_add_test(c, a_delay_of_weeks_is_not_believed);
    tcase_add_test(c, progress_is_shown_while_an_operation_runs);
    tcase_add_test(c, a_signal_aborts_the_operation);
    tcase_add_test(c, abort_after_aborts_and_counts);
    tcase_add_test(c, abort_after_during_populate_copies_nothing);
    tcase_add_test(c, abort_after_the_end_is_no_abort);
    tcase_add_test(c, an_abort_that_is_ignored_is_told);
    tcase_add_test(c, no_progress_ends_after_the_command_timeout);
    tcase_add_test(c, slow_progress_is_no_stall);
    tcase_add_test(c, an_abort_by_someone_else_is_gone_on_from);
    tcase_add_test(c, a_refusal_in_the_result_is_explained);
    tcase_add_test(c, a_token_revoked_while_it_is_written_is_made_again);
    tcase_add_test(c,
        strict_tells_of_a_token_revoked_while_it_is_written);
    tcase_add_test(c, a_partial_operation_is_gone_on_from);
    tcase_add_test(c, a_forgotten_operation_is_started_again);
    tcase_add_test(c, a_mad_answer_while_it_runs_aborts_it);
    tcase_add_test(c, zeroes_are_written_in_the_background);
    suite_add_tcase(s, c);
    return s;
}
