/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices that answer garbage.  Whatever they say: the program ends after a
 * bounded number of commands (the simulation counts), touches no memory that
 * is not its own (the sanitizers watch), and writes nothing outside of the
 * range that it was given.
 *
 * ODXCOPY_SEED=N runs the random test from that seed on; ODXCOPY_ROUNDS=N
 * says how many seeds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* Wrong bytes in RRTI answers: what they are, where, and to what. */
static const struct {
    unsigned nth;
    uint64_t at;
    uint8_t value;
} answers[] = {
    { 1, 3, 0xff },         /* of POPULATE TOKEN: AVAILABLE DATA */
    { 1, 2, 0x01 },
    { 1, 4, 0x11 },         /* another command */
    { 1, 5, 0x09 },         /* unknown status */
    { 1, 13, 0xfc },        /* sense over the end */
    { 1, 15, 0x00 },        /* units */
    { 1, 16, 0x40 },        /* huge count */
    { 1, 23, 0x81 },        /* more than asked */
    { 1, 33, 0x10 },        /* huge descriptors length */
    { 1, 45, 0xf7 },        /* token length field */
    { 2, 3, 0xff },         /* of WRITE USING TOKEN */
    { 2, 4, 0x10 },
    { 2, 16, 0xff },
    { 2, 23, 0xff },
};

START_TEST(a_mad_result_is_refused)
{
    Sim sim;

    sim_init(&sim, 512, 4096);
    sim_fault(&sim, (SimFault) { 0x84, 0x07, answers[_i].nth, SIM_BYTE,
                                 .key = answers[_i].value,
                                 .value = answers[_i].at });
    run_expect(&sim, 5, "/dev/src:0+64K /dev/dst");
    if (answers[_i].nth == 1) {
        expect_untouched(&sim);
    } else {
        expect_copied(&sim, 0, 0, 64 << 10);
    }
    sim_free(&sim);
}
END_TEST

START_TEST(a_short_result_is_refused)
{
    Sim sim;

    sim_init(&sim, 512, 4096);
    sim_fault(&sim, (SimFault) { 0x84, 0x07, 1, SIM_SHORT,
                                 .value = (uint64_t)_i });
    run_expect(&sim, 5, "/dev/src:0+64K /dev/dst");
    expect_untouched(&sim);
    sim_free(&sim);
}
END_TEST

START_TEST(a_result_without_its_token_is_refused)
{
    Sim sim;

    sim_init(&sim, 512, 4096);
    sim_fault(&sim, (SimFault) { 0x84, 0x07, 1, SIM_BYTE, .value = 34 });
    sim_fault(&sim, (SimFault) { 0x84, 0x07, 1, SIM_BYTE, .value = 35 });
    run_expect_text(&sim, 5, "/dev/src /dev/dst", "no token");
    sim_free(&sim);
}
END_TEST

START_TEST(information_beyond_the_request_is_refused)
{
    Sim sim;

    sim_init(&sim, 512, 4096);
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 1, SIM_SENSE, 0xa, 0x0d04,
                                 .value = 129 });
    run_expect_text(&sim, 5, "/dev/src:0+64K /dev/dst", "claims 129 blocks");
    sim_free(&sim);
}
END_TEST

START_TEST(a_failure_without_sense_is_refused)
{
    Sim sim;

    sim_init(&sim, 512, 4096);
    sim_fault(&sim, (SimFault) { 0x83, 0x10, 1, SIM_STATUS, .value = 2 });
    run_expect_text(&sim, 5, "/dev/src /dev/dst", "without sense");
    sim_free(&sim);
}
END_TEST

/* Outside of the asked range the destination holds what it held. */
static void expect_only_inside(const Sim *sim, uint64_t first, uint64_t end,
                               uint64_t seed)
{
    for (uint64_t at = 0; at < sim->disks[1].blocks * 512; at++) {
        if ((at < first || at >= end) &&
            sim->disks[1].data[at] != sim_pattern(1, at)) {
            ck_abort_msg("ODXCOPY_SEED=%llu: wrote byte %llu",
                         (unsigned long long)seed, (unsigned long long)at);
        }
    }
    for (uint64_t at = 0; at < sim->disks[0].blocks * 512; at++) {
        if (sim->disks[0].data[at] != sim_pattern(0, at)) {
            ck_abort_msg("ODXCOPY_SEED=%llu: wrote the source",
                         (unsigned long long)seed);
        }
    }
}

static uint64_t environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    unsigned long long n;

    return text && sscanf(text, "%llu", &n) == 1 ? n : otherwise;
}

START_TEST(random_garbage_does_no_harm)
{
    static const char *const lines[] = {
        "-q --verify --chunk 8K /dev/src:0+64K /dev/dst:32K",
        "-q --immed --command-timeout 9 /dev/src:0+64K /dev/dst:32K",
        "-q --strict --descriptors 3 /dev/src:0+64K /dev/dst:32K",
        "-q --zero /dev/dst:32K+64K",
        "--info /dev/src",
    };
    uint64_t first = environment("ODXCOPY_SEED", 1);
    uint64_t rounds = environment("ODXCOPY_ROUNDS", 1500);
    unsigned codes[8] = { 0 };

    for (uint64_t seed = first; seed < first + rounds; seed++) {
        Sim sim;
        Result r;

        sim_init(&sim, 512, 256);
        sim.blocks_per_ms = 4;
        sim.seed = seed;
        sim.random_state = seed;
        r = run(&sim, lines[seed % 5]);
        ck_assert_msg(r.code >= 0 && r.code <= 7, "ODXCOPY_SEED=%llu: exit "
                      "code %d", (unsigned long long)seed, r.code);
        ck_assert_msg(r.code == 0 || r.err[0], "ODXCOPY_SEED=%llu: failed "
                      "without a word", (unsigned long long)seed);
        codes[r.code]++;
        result_free(&r);
        expect_only_inside(&sim, 32 << 10, 96 << 10, seed);
        sim_free(&sim);
    }
    printf("random garbage: seeds %llu to %llu, exit codes 0:%u 2:%u 3:%u "
           "4:%u 5:%u 6:%u\n", (unsigned long long)first,
           (unsigned long long)(first + rounds - 1), codes[0], codes[2],
           codes[3], codes[4], codes[5], codes[6]);
}
END_TEST

Suite *suite_hostile(void)
{
    Suite *s = suite_create("hostile");
    TCase *c = tcase_create("hostile");

    tcase_set_timeout(c, 300);
    tcase_add_loop_test(c, a_mad_result_is_refused, 0,
                        sizeof(answers) / sizeof(answers[0]));
    tcase_add_loop_test(c, a_short_result_is_refused, 0, 550);
    tcase_add_test(c, a_result_without_its_token_is_refused);
    tcase_add_test(c, information_beyond_the_request_is_refused);
    tcase_add_test(c, a_failure_without_sense_is_refused);
    tcase_add_test(c, random_garbage_does_no_harm);
    suite_add_tcase(s, c);
    return s;
}
