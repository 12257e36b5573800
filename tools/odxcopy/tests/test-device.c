/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a disk must be, and how its refusals sound. */
#include <stdlib.h>
#include <string.h>

#include "scsi.h"
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

START_TEST(no_3pc_bit_is_refused)
{
    sim.disks[0].third_party = false;
    run_expect_text(&sim, 2, "/dev/src /dev/dst", "3PC is 0");
    expect_untouched(&sim);
}
END_TEST

START_TEST(no_page_8f_is_refused)
{
    sim.disks[1].page_8f = false;
    run_expect_text(&sim, 2, "/dev/src /dev/dst", "no VPD page 8Fh");
    expect_untouched(&sim);
}
END_TEST

START_TEST(no_token_limits_is_refused)
{
    sim.disks[1].rod_limits = false;
    run_expect_text(&sim, 2, "/dev/src /dev/dst", "descriptor 0000h");
    expect_untouched(&sim);
}
END_TEST

START_TEST(no_token_commands_is_refused)
{
    sim.disks[0].lists_commands = false;
    run_expect_text(&sim, 2, "/dev/src /dev/dst", "descriptor 0001h");
    expect_untouched(&sim);
}
END_TEST

START_TEST(what_is_not_a_disk_is_refused)
{
    sim.disks[0].peripheral = 0x05;
    run_expect_text(&sim, 2, "/dev/src /dev/dst", "not a disk");
    expect_untouched(&sim);
}
END_TEST

START_TEST(a_long_page_8f_is_fetched_whole)
{
    sim.disks[0].page_8f_padding = 2000;
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, 4096 * 512);
}
END_TEST

START_TEST(the_longest_page_8f_is_fetched_whole)
{
    /* page length FFFBh: 65535 bytes with the header, the most INQUIRY has */
    sim.disks[0].page_8f_padding = 65531 - 36 - 16 - 96 - 4;
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, 4096 * 512);
}
END_TEST

static const SimFault lies[] = {
    { 0x12, 0x100, 1, SIM_SHORT, .value = 5 },
    { 0x12, 0x00, 0, SIM_BYTE, .key = 0x83, .value = 1 },   /* other page */
    { 0x12, 0x00, 0, SIM_BYTE, .key = 0xff, .value = 2 },   /* too long */
    { 0x12, 0x00, 0, SIM_SHORT, .value = 3 },
    { 0x12, 0x83, 0, SIM_BYTE, .key = 0xff, .value = 7 },   /* designator */
    { 0x12, 0x8f, 0, SIM_SHORT, .value = 20 },
    { 0x12, 0x8f, 0, SIM_BYTE, .key = 0x20, .value = 2 },   /* page length */
    { 0x12, 0x8f, 0, SIM_BYTE, .key = 0x80, .value = 6 },   /* descriptor */
    { 0x12, 0x8f, 0, SIM_BYTE, .key = 0x1f, .value = 7 },   /* too short */
    { 0x9e, -1, 1, SIM_SHORT, .value = 11 },
    { 0x9e, -1, 1, SIM_BYTE, .key = 0x00, .value = 10 },    /* 0-byte block */
    { 0x9e, -1, 1, SIM_BYTE, .key = 0xff, .value = 0 },     /* 2^63 blocks */
    { 0x9e, -1, 1, SIM_BYTE, .key = 0xff, .value = 8 },     /* 4 GB block */
    { 0x12, -1, 1, SIM_TRANSPORT },
    { 0x9e, -1, 1, SIM_TRANSPORT },
};

START_TEST(a_device_that_lies_about_itself_is_refused)
{
    sim_fault(&sim, lies[_i]);
    run_expect(&sim, 5, "/dev/src /dev/dst");
    expect_untouched(&sim);
    ck_assert_uint_eq(sim.populates + sim.writes, 0);
}
END_TEST

START_TEST(a_disk_without_read_capacity_16_is_refused)
{
    sim_fault(&sim, (SimFault) { 0x9e, -1, 1, SIM_SENSE, 5, 0x2000 });
    run_expect_text(&sim, 2, "/dev/src /dev/dst", "READ CAPACITY(16)");
}
END_TEST

START_TEST(a_name_that_covers_less_than_the_disk_is_refused)
{
    sim.disks[1].name_bytes = 1024 * 512;
    run_expect_text(&sim, 7, "/dev/src /dev/dst", "partition");
    expect_untouched(&sim);
}
END_TEST

START_TEST(a_held_destination_is_refused_unless_forced)
{
    sim.disks[1].held = true;
    run_expect_text(&sim, 7, "/dev/src /dev/dst", "in use");
    expect_untouched(&sim);
    run_expect(&sim, 0, "-q --force /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, 4096 * 512);
}
END_TEST

START_TEST(a_mounted_source_is_noted)
{
    sim.disks[0].held = true;
    run_expect_text(&sim, 0, "/dev/src /dev/dst", "note: /dev/src");
}
END_TEST

START_TEST(a_missing_disk_is_an_io_error)
{
    run_expect_text(&sim, 5, "/dev/none /dev/dst", "/dev/none");
    run_expect_text(&sim, 5, "/dev/src /dev/none", "/dev/none");
}
END_TEST

START_TEST(unit_attentions_are_taken_in_stride)
{
    for (unsigned i = 1; i <= 3; i++) {
        sim_fault(&sim, (SimFault) { 0x9e, -1, i, SIM_SENSE, 6, 0x2900 });
    }
    sim_fault(&sim, (SimFault) { 0x83, 0x10, 1, SIM_SENSE, 6, 0x2903 });
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 1, SIM_SENSE, 6, 0x2903 });
    sim_fault(&sim, (SimFault) { 0x84, 0x07, 1, SIM_SENSE, 6, 0x2903 });
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, 4096 * 512);
}
END_TEST

START_TEST(endless_unit_attentions_end)
{
    sim_fault(&sim, (SimFault) { 0x83, 0x10, 0, SIM_SENSE, 6, 0x2900 });
    run_expect_text(&sim, 3, "/dev/src /dev/dst", "6/29/00");
}
END_TEST

static const struct {
    uint8_t status;
    const char *text;
} statuses[] = {
    { SAM_BUSY, "busy" },
    { SAM_TASK_SET_FULL, "TASK SET FULL" },
    { SAM_RESERVATION_CONFLICT, "RESERVATION CONFLICT" },
    { SAM_TASK_ABORTED, "TASK ABORTED" },
    { SAM_ACA_ACTIVE, "ACA" },
    { 0x77, "no standard" },
};

START_TEST(a_status_that_stays_is_explained)
{
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 0, SIM_STATUS,
                                 .value = statuses[_i].status });
    run_expect_text(&sim, 3, "/dev/src /dev/dst", statuses[_i].text);
    expect_untouched(&sim);
}
END_TEST

START_TEST(a_busy_disk_is_waited_for)
{
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 1, SIM_STATUS,
                                 .value = SAM_BUSY });
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 2, SIM_STATUS,
                                 .value = SAM_TASK_SET_FULL });
    sim_fault(&sim, (SimFault) { 0x83, 0x10, 1, SIM_SENSE, 2, 0x0401 });
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, 4096 * 512);
    ck_assert_uint_ge(sim.longest_sleep_ms, 100);
}
END_TEST

START_TEST(an_aborted_command_is_sent_again)
{
    sim_fault(&sim, (SimFault) { 0x83, 0x10, 1, SIM_SENSE, 0xb, 0x4400 });
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 1, SIM_SENSE, 0xb, 0x4400 });
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, 4096 * 512);
}
END_TEST

START_TEST(recovered_errors_are_no_errors)
{
    sim_fault(&sim, (SimFault) { 0x35, -1, 1, SIM_SENSE, 1, 0x1700 });
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
}
END_TEST

START_TEST(changed_limits_are_read_again_and_kept)
{
    sim.disks[0].optimal_blocks = 1024;
    sim_fault(&sim, (SimFault) { 0x83, 0x10, 2, SIM_RESIZE, .value = 64 });
    sim_fault(&sim, (SimFault) { 0x83, 0x10, 2, SIM_SENSE, 6, 0x3f03 });
    run_expect(&sim, 0, "-q /dev/src /dev/dst");
    expect_copied(&sim, 0, 0, 4096 * 512);
    /* one of 1024 blocks, then 3072 in tokens of 64 */
    ck_assert_uint_eq(sim.populates, 1 + 48);
}
END_TEST

START_TEST(limits_that_keep_changing_end)
{
    sim_fault(&sim, (SimFault) { 0x83, 0x11, 0, SIM_SENSE, 6, 0x2a01 });
    run_expect_text(&sim, 3, "/dev/src /dev/dst", "6/2A/01");
    expect_untouched(&sim);
}
END_TEST

START_TEST(strict_refuses_limits_that_shrink_below_the_copy)
{
    sim_fault(&sim, (SimFault) { 0x83, 0x10, 1, SIM_RESIZE, .value = 64 });
    sim_fault(&sim, (SimFault) { 0x83, 0x10, 1, SIM_SENSE, 6, 0x3f03 });
    run_expect_text(&sim, 2, "--strict /dev/src /dev/dst", "one token");
    expect_untouched(&sim);
}
END_TEST

START_TEST(the_same_disk_is_known_by_its_designator)
{
    /* another path to disk 0 */
    sim.disks[1].naa = sim.disks[0].naa;
    run_expect_text(&sim, 7, "/dev/src:0+64K /dev/dst:32K", "same disk");
    expect_untouched(&sim);
    run_expect(&sim, 0, "-q /dev/src:0+64K /dev/dst:64K");
}
END_TEST

START_TEST(the_same_disk_is_known_by_its_address_without_designators)
{
    sim.disks[0].naa = 0;
    run_expect_text(&sim, 7, "/dev/src:0+64K /dev/src:32K", "same disk");
    run_expect(&sim, 0, "-q /dev/src:0+64K /dev/dst:32K");
}
END_TEST

START_TEST(info_shows_the_limits_in_words)
{
    Result r;

    sim.disks[0].max_inactivity = 600;
    sim.disks[0].max_token_blocks = 524288;
    r = run(&sim, "--info /dev/src");
    ck_assert_int_eq(r.code, 0);
    ck_assert_ptr_nonnull(strstr(r.out, "SIM DISK 1"));
    ck_assert_ptr_nonnull(strstr(r.out, "4096 blocks of 512 bytes"));
    ck_assert_ptr_nonnull(strstr(r.out, "5000000000000001"));
    ck_assert_ptr_nonnull(strstr(r.out, "524288 blocks (256.0 MiB)"));
    ck_assert_ptr_nonnull(strstr(r.out, "600 s"));
    ck_assert_ptr_nonnull(strstr(r.out, "POPULATE TOKEN"));
    result_free(&r);
}
END_TEST

START_TEST(info_of_a_disk_without_tokens_exits_with_2)
{
    sim.disks[0].page_8f = false;
    run_expect_text(&sim, 2, "--info /dev/src", "cannot copy by token");
    sim.disks[0].third_party = false;
    run_expect_text(&sim, 2, "--info /dev/src", "3PC");
}
END_TEST

START_TEST(info_of_a_garbled_page_is_survived)
{
    SimFault *f;

    /* each byte of page 8Fh in turn becomes FFh */
    sim_fault(&sim, (SimFault) { 0x12, 0x8f, 0, SIM_BYTE, .key = 0xff });
    f = &sim.faults[sim.n_faults - 1];
    for (unsigned at = 0; at < 160; at++) {
        Result r;

        f->value = at;
        r = run(&sim, "--info /dev/src");
        ck_assert(r.code == 0 || r.code == 2 || r.code == 5);
        result_free(&r);
    }
}
END_TEST

static void add_refusals(TCase *c)
{
    tcase_add_test(c, no_3pc_bit_is_refused);
    tcase_add_test(c, no_page_8f_is_refused);
    tcase_add_test(c, no_token_limits_is_refused);
    tcase_add_test(c, no_token_commands_is_refused);
    tcase_add_test(c, what_is_not_a_disk_is_refused);
    tcase_add_loop_test(c, a_device_that_lies_about_itself_is_refused, 0,
                        sizeof(lies) / sizeof(lies[0]));
    tcase_add_test(c, a_disk_without_read_capacity_16_is_refused);
    tcase_add_test(c, a_name_that_covers_less_than_the_disk_is_refused);
    tcase_add_test(c, a_held_destination_is_refused_unless_forced);
    tcase_add_test(c, a_mounted_source_is_noted);
    tcase_add_test(c, a_missing_disk_is_an_io_error);
}

Suite *suite_device(void)
{
    Suite *s = suite_create("device");
    TCase *c = tcase_create("device");

    tcase_add_checked_fixture(c, setup, teardown);
    add_refusals(c);
    tcase_add_test(c, a_long_page_8f_is_fetched_whole);
    tcase_add_test(c, the_longest_page_8f_is_fetched_whole);
    tcase_add_test(c, unit_attentions_are_taken_in_stride);
    tcase_add_test(c, endless_unit_attentions_end);
    tcase_add_loop_test(c, a_status_that_stays_is_explained, 0,
                        sizeof(statuses) / sizeof(statuses[0]));
    tcase_add_test(c, a_busy_disk_is_waited_for);
    tcase_add_test(c, an_aborted_command_is_sent_again);
    tcase_add_test(c, recovered_errors_are_no_errors);
    tcase_add_test(c, changed_limits_are_read_again_and_kept);
    tcase_add_test(c, limits_that_keep_changing_end);
    tcase_add_test(c, strict_refuses_limits_that_shrink_below_the_copy);
    tcase_add_test(c, the_same_disk_is_known_by_its_designator);
    tcase_add_test(c,
        the_same_disk_is_known_by_its_address_without_designators);
    tcase_add_test(c, info_shows_the_limits_in_words);
    tcase_add_test(c, info_of_a_disk_without_tokens_exits_with_2);
    tcase_add_test(c, info_of_a_garbled_page_is_survived);
    suite_add_tcase(s, c);
    return s;
}
