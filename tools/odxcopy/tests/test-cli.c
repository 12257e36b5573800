/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line, and what is printed. */
#include <stdlib.h>
#include <string.h>

#include "support.h"

static Sim sim;

static void setup(void)
{
    sim_init(&sim, 512, 4096);
}

static void teardown(void)
{
    sim_free(&sim);
}

static const struct {
    const char *args, *text;
} usages[] = {
    { "", "2 operands" },
    { "/dev/src", "2 operands" },
    { "/dev/src /dev/dst /dev/x", "got 3" },
    { "--zero", "1 operand" },
    { "--zero /dev/src /dev/dst", "1 operand" },
    { "--info", "1 operand" },
    { "--json --info /dev/src", "--json" },
    { "--bogus /dev/src /dev/dst", "--bogus: no such option" },
    { "--chunk", "--chunk: an argument is missing" },
    { "--chunk 0 /dev/src /dev/dst", "--chunk 0" },
    { "--chunk x /dev/src /dev/dst", "--chunk x" },
    { "--descriptors 1025 /dev/src /dev/dst", "from 0 to 1024" },
    { "--descriptors -1 /dev/src /dev/dst", "--descriptors -1" },
    { "--list-id 0x100000000 /dev/src /dev/dst", "--list-id" },
    { "--timeout 1s /dev/src /dev/dst", "--timeout 1s" },
    { "--command-timeout 0 /dev/src /dev/dst", "at least 1" },
    { "--abort-after 10 /dev/src /dev/dst", "--immed" },
    { "/dev/src /dev/dst:0+512", "belongs to the source" },
    { "/dev/src:0x /dev/dst", "not a range" },
    { "/dev/src:100+512 /dev/dst",
      "source offset 100 is not a multiple of 512" },
    { "/dev/src:0+1000 /dev/dst", "nearest that fit are 512 and 1024" },
    { "/dev/src:0+512 /dev/dst:1", "destination offset 1" },
    { "/dev/src:2M+512 /dev/dst", "beyond the end" },
    { "/dev/src:4M /dev/dst", "beyond the end" },
    { "/dev/src /dev/dst:512", "At most 2096640 bytes fit" },
    { "/dev/src:0+18446744073709551104 /dev/dst", "beyond the end" },
    { "--zero /dev/dst:512+2M", "beyond the end" },
};

START_TEST(a_bad_command_line_is_told)
{
    run_expect_text(&sim, 1, usages[_i].args, usages[_i].text);
    expect_untouched(&sim);
    ck_assert_uint_eq(sim.populates + sim.writes, 0);
}
END_TEST

START_TEST(help_and_version_go_to_standard_output)
{
    Result r = run(&sim, "--help");

    ck_assert_int_eq(r.code, 0);
    ck_assert_ptr_nonnull(strstr(r.out, "Usage: odxcopy"));
    ck_assert_ptr_nonnull(strstr(r.out, "Exit codes: 0 done"));
    ck_assert_str_eq(r.err, "");
    result_free(&r);
    r = run(&sim, "--version");
    ck_assert_int_eq(r.code, 0);
    ck_assert_ptr_nonnull(strstr(r.out, "odxcopy 1.0"));
    result_free(&r);
}
END_TEST

START_TEST(help_fits_a_terminal)
{
    Result r = run(&sim, "-h");
    const char *line = r.out;

    while (*line) {
        const char *end = strchr(line, '\n');

        ck_assert_ptr_nonnull(end);
        ck_assert_int_lt(end - line, 80);
        line = end + 1;
    }
    result_free(&r);
}
END_TEST

START_TEST(quiet_says_nothing)
{
    Result r = run(&sim, "-q /dev/src /dev/dst");

    ck_assert_int_eq(r.code, 0);
    ck_assert_str_eq(r.out, "");
    ck_assert_str_eq(r.err, "");
    result_free(&r);
}
END_TEST

START_TEST(the_last_line_counts_all)
{
    Result r;

    sim.disks[0].max_token_blocks = 2048;
    sim.disks[1].optimal_blocks = 1024;
    r = run(&sim, "/dev/src /dev/dst");
    ck_assert_int_eq(r.code, 0);
    ck_assert_ptr_nonnull(strstr(r.out, "copied 2097152 bytes (2.0 MiB)"));
    ck_assert_ptr_nonnull(strstr(r.out, "2 tokens, 4 WRITE USING TOKEN "
                                 "commands"));
    result_free(&r);
}
END_TEST

START_TEST(json_is_one_line)
{
    Result r = run(&sim, "--json -q /dev/src /dev/dst");

    ck_assert_int_eq(r.code, 0);
    ck_assert_ptr_nonnull(strstr(r.out, "{\"result\": \"ok\", \"exit\": 0, "
        "\"bytes\": 2097152, \"requested\": 2097152, "));
    ck_assert_ptr_nonnull(strstr(r.out, "\"one_point_in_time\": true"));
    ck_assert_ptr_eq(strchr(r.out, '\n'), r.out + strlen(r.out) - 1);
    result_free(&r);
}
END_TEST

START_TEST(json_is_printed_for_failures_too)
{
    Result r = run(&sim, "--json /dev/src:1 /dev/dst");

    ck_assert_int_eq(r.code, 1);
    ck_assert_ptr_nonnull(strstr(r.out, "\"result\": \"usage\""));
    ck_assert_ptr_nonnull(strstr(r.out, "not a multiple"));
    result_free(&r);
}
END_TEST

START_TEST(a_terminal_gets_a_bar)
{
    Result r;

    sim.blocks_per_ms = 1;
    r = run_on_terminal(&sim, "--immed /dev/src /dev/dst");
    ck_assert_int_eq(r.code, 0);
    ck_assert_ptr_nonnull(strstr(r.err, "\rcopy 100% ["));
    result_free(&r);
}
END_TEST

START_TEST(overlapping_ranges_are_refused_to_the_block)
{
    run_expect(&sim, 7, "/dev/src:0+1024 /dev/src:512");
    run_expect(&sim, 7, "/dev/src:512+1024 /dev/src:0");
    run_expect(&sim, 7, "/dev/src:512+512 /dev/src:512");
    run_expect(&sim, 7, "/dev/src /dev/src");
    ck_assert_uint_eq(sim.populates, 0);
    run_expect(&sim, 0, "-q /dev/src:0+1024 /dev/src:1024");
    run_expect(&sim, 0, "-q /dev/src:1024+1024 /dev/src:0");
}
END_TEST

Suite *suite_cli(void)
{
    Suite *s = suite_create("cli");
    TCase *c = tcase_create("cli");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, a_bad_command_line_is_told, 0,
                        sizeof(usages) / sizeof(usages[0]));
    tcase_add_test(c, help_and_version_go_to_standard_output);
    tcase_add_test(c, help_fits_a_terminal);
    tcase_add_test(c, quiet_says_nothing);
    tcase_add_test(c, the_last_line_counts_all);
    tcase_add_test(c, json_is_one_line);
    tcase_add_test(c, json_is_printed_for_failures_too);
    tcase_add_test(c, a_terminal_gets_a_bar);
    tcase_add_test(c, overlapping_ranges_are_refused_to_the_block);
    suite_add_tcase(s, c);
    return s;
}
