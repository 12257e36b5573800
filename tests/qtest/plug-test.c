/*
 * Copies while disks and controllers go away, and while the VM is stopped
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "libqos/pci-pc.h"
#include "slow-copy.h"
#include "standard-headers/linux/virtio_scsi.h"

/* Clear the unit attentions that a hot plug leaves */
static void settle(VtVm *vm, unsigned disk)
{
    for (int i = 0; i < 8 && vt_test_unit_ready(vm, disk); i++) {
        /* each ends one unit attention */
    }
}

/* -------------------------------------------------------------- hot unplug */

static void unplug_source(const char *hba_opts)
{
    SlowCopy c = slow_copy(hba_opts, true);
    VtStatus s;

    vt_unplug(c.vm, 0);
    settle(c.vm, 1);
    c.vm->step_ns = STEP_NS;
    vt_poll(c.vm, 1, ID, &s);
    if (s.status.count) {
        g_assert_cmphex(s.status.state, ==, VSCSI_COPY_PARTIAL);
    } else {
        g_assert_cmphex(s.status.state, ==, VSCSI_COPY_ERROR);
        g_assert_cmphex(vscsi_sense_code(&s.status.sense), ==, 0x052308);
    }
    g_assert_cmpuint(s.status.count, <, BLOCKS);
    g_assert_true(vt_has(c.vm, 1, 0, s.status.count * 512, 1, 0));
    c.vm->step_ns = 0;
    g_assert_true(vt_is_quiet(c.vm, 1));
    g_assert_cmphex(vt_use(c.vm, 1, c.token, 0, 8), ==, 0x052308);
    vt_free(c.vm);
}

static void test_unplug_source(void)
{
    unplug_source(NULL);
}

static void test_unplug_source_iothread(void)
{
    unplug_source("iothread=io0");
}

/* Back again: it is another device to the tokens */
static void test_replug_source(void)
{
    VtVm *vm = vt_simple(2, SIZE);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vt_fill(vm, 0, 0, SIZE, 1);
    vt_token(vm, 0, 0, BLOCKS, token);
    vt_unplug(vm, 0);
    vt_plug(vm, 0);
    settle(vm, 0);
    settle(vm, 1);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x052308);
    vt_token(vm, 0, 0, BLOCKS, token);
    g_assert_cmphex(vt_use(vm, 1, token, 0, BLOCKS), ==, 0);
    g_assert_true(vt_has(vm, 1, 0, SIZE, 1, 0));
    vt_free(vm);
}

static void unplug_destination(const char *hba_opts, bool immed)
{
    SlowCopy c = slow_copy(hba_opts, immed);

    vt_unplug(c.vm, 1);
    if (c.cmd) {
        /* its command came back, whatever it says */
        g_assert_cmphex(vt_end(c.cmd), !=, 0);
        c.cmd = NULL;
    }
    settle(c.vm, 0);
    g_assert_true(vt_is_quiet(c.vm, 1));
    /* realize reads the disk; what the drain let through has to be paid for */
    vt_clock_step(c.vm, 60000);
    vt_plug(c.vm, 1);
    settle(c.vm, 0);
    settle(c.vm, 1);
    /* the token is the source's: it is still good */
    c.vm->step_ns = STEP_NS;
    g_assert_cmphex(vt_use(c.vm, 1, c.token, 0, BLOCKS), ==, 0);
    g_assert_true(vt_has(c.vm, 1, 0, SIZE, 1, 0));
    vt_free(c.vm);
}

static void test_unplug_destination_background(void)
{
    unplug_destination(NULL, true);
}

static void test_unplug_destination_foreground(void)
{
    unplug_destination(NULL, false);
}

static void test_unplug_destination_iothread(void)
{
    unplug_destination("iothread=io0", true);
}

static void test_unplug_destination_iothread_foreground(void)
{
    unplug_destination("iothread=io0", false);
}

/* The LUN that got an EXTENDED COPY goes away, others copy for it */
static void test_unplug_the_copy_manager(void)
{
    VtVm *vm = vt_new();
    VscsiXcopy x = {
        .list_id = ID, .n_cscds = 2, .n_segments = 1,
        .segment[0] = {
            .type = VSCSI_SEGMENT_BLOCK, .dest_id = 1, .blocks = 60000,
        },
    };
    VtCmd *cmd;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .bps = 1 * MiB });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    x.cscd[0] = vt_cscd(vm, 0);
    x.cscd[1] = vt_cscd(vm, 1);
    cmd = vt_send_xcopy(vm, 2, &x);
    vt_clock_step(vm, 2000);
    g_assert_false(vt_ended(cmd));
    vt_unplug(vm, 2);
    g_assert_cmphex(vt_end(cmd), !=, 0);
    settle(vm, 1);
    g_assert_true(vt_is_quiet(vm, 1));
    vt_free(vm);
}

/* Source or destination of an EXTENDED COPY that another LUN does */
static void unplug_of_xcopy(unsigned manager, unsigned gone)
{
    VtVm *vm = vt_new();
    VscsiXcopy x = {
        .list_id = ID, .n_cscds = 2, .n_segments = 1,
        .segment[0] = {
            .type = VSCSI_SEGMENT_BLOCK, .dest_id = 1, .blocks = 60000,
        },
    };
    VtCmd *cmd;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .bps = 1 * MiB });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    x.cscd[0] = vt_cscd(vm, 0);
    x.cscd[1] = vt_cscd(vm, 1);
    cmd = vt_send_xcopy(vm, manager, &x);
    vt_clock_step(vm, 2000);
    g_assert_false(vt_ended(cmd));
    vt_unplug(vm, gone);
    g_assert_cmphex(vt_end(cmd) >> 16, ==, VSCSI_KEY_COPY_ABORTED);
    settle(vm, manager);
    g_assert_true(vt_is_quiet(vm, 1));
    g_assert_false(vt_has(vm, 1, 0, 60000 * 512, 1, 0));
    vt_free(vm);
}

static void test_unplug_the_destination_of_another(void)
{
    unplug_of_xcopy(0, 1);
}

static void test_unplug_the_source_of_another(void)
{
    unplug_of_xcopy(1, 0);
}

static void unplug_controller(const char *hba_opts, bool immed)
{
    SlowCopy c = slow_copy(hba_opts, immed);

    qpci_unplug_acpi_device_test(c.vm->qts, "hba0", 4);
    if (c.cmd) {
        c.cmd->ended = true;
        vt_cmd_free(c.cmd);
    }
    g_assert_true(vt_is_quiet(c.vm, 1));
    vt_free(c.vm);
}

static void test_unplug_controller_background(void)
{
    unplug_controller(NULL, true);
}

static void test_unplug_controller_foreground(void)
{
    unplug_controller(NULL, false);
}

static void test_unplug_controller_iothread(void)
{
    unplug_controller("iothread=io0", true);
}

/* Plugged into a running VM, it is a destination at once */
static void test_plug_and_copy(void)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .cold = true });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    vt_token(vm, 0, 0, BLOCKS, token);
    vt_plug(vm, 1);
    settle(vm, 0);
    settle(vm, 1);
    g_assert_cmphex(vt_use(vm, 1, token, 0, BLOCKS), ==, 0);
    g_assert_true(vt_has(vm, 1, 0, SIZE, 1, 0));
    vt_free(vm);
}

/* --------------------------------------------------------------- stop, cont */

static void stop_and_cont(const char *hba_opts, bool immed)
{
    SlowCopy c = slow_copy(hba_opts, immed);

    for (int i = 0; i < 3; i++) {
        vt_stop(c.vm);
        /* it has stopped in the middle, and writes nothing meanwhile */
        g_assert_true(i || !vt_has(c.vm, 1, 0, SIZE, 1, 0));
        g_assert_true(vt_is_quiet(c.vm, 1));
        vt_cont(c.vm);
        vt_clock_step(c.vm, 1000);
    }
    slow_copy_finish(&c);
    vt_free(c.vm);
}

static void test_stop_background(void)
{
    stop_and_cont(NULL, true);
}

static void test_stop_foreground(void)
{
    stop_and_cont(NULL, false);
}

static void test_stop_iothread_background(void)
{
    stop_and_cont("iothread=io0", true);
}

static void test_stop_iothread_foreground(void)
{
    stop_and_cont("iothread=io0", false);
}

/* Parked, not running: reset and unplug find it too */
static void reset_while_stopped(bool immed)
{
    SlowCopy c = slow_copy(NULL, immed);

    vt_stop(c.vm);
    qtest_system_reset(c.vm->qts);
    vt_cont(c.vm);
    vt_start_hba(c.vm, 0);
    if (c.cmd) {
        c.cmd->ended = true;
        vt_cmd_free(c.cmd);
    }
    settle(c.vm, 0);
    settle(c.vm, 1);
    g_assert_true(vt_is_quiet(c.vm, 1));
    c.vm->step_ns = STEP_NS;
    g_assert_cmphex(vt_use(c.vm, 1, c.token, 0, BLOCKS), ==, 0);
    g_assert_true(vt_has(c.vm, 1, 0, SIZE, 1, 0));
    vt_free(c.vm);
}

static void test_reset_while_stopped_background(void)
{
    reset_while_stopped(true);
}

static void test_reset_while_stopped_foreground(void)
{
    reset_while_stopped(false);
}

static void unplug_while_stopped(unsigned disk, bool immed)
{
    SlowCopy c = slow_copy(NULL, immed);

    vt_stop(c.vm);
    vt_unplug(c.vm, disk);
    vt_cont(c.vm);
    settle(c.vm, 1 - disk);
    c.vm->step_ns = STEP_NS;
    if (c.cmd) {
        g_assert_cmphex(vt_end(c.cmd), !=, 0);
    }
    c.vm->step_ns = 0;
    g_assert_true(vt_is_quiet(c.vm, 1));
    vt_free(c.vm);
}

static void test_unplug_source_while_stopped(void)
{
    unplug_while_stopped(0, true);
}

static void test_unplug_source_while_stopped_foreground(void)
{
    unplug_while_stopped(0, false);
}

static void test_unplug_destination_while_stopped(void)
{
    unplug_while_stopped(1, true);
}

static void test_unplug_destination_while_stopped_foreground(void)
{
    unplug_while_stopped(1, false);
}

/* vt_free() asserts that QEMU ends by itself and with status 0 */
static void quit_in_mid_copy(const char *hba_opts, bool immed)
{
    SlowCopy c = slow_copy(hba_opts, immed);

    if (c.cmd) {
        c.cmd->ended = true;
        vt_cmd_free(c.cmd);
    }
    vt_free(c.vm);
}

static void test_quit_background(void)
{
    quit_in_mid_copy(NULL, true);
}

static void test_quit_foreground(void)
{
    quit_in_mid_copy(NULL, false);
}

static void test_quit_iothread(void)
{
    quit_in_mid_copy("iothread=io0", true);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, fn) qtest_add_func("/vscsi/plug/" path, fn)
    ADD("unplug/source", test_unplug_source);
    ADD("unplug/source-iothread", test_unplug_source_iothread);
    ADD("unplug/source-and-back", test_replug_source);
    ADD("unplug/destination-background", test_unplug_destination_background);
    ADD("unplug/destination-foreground", test_unplug_destination_foreground);
    ADD("unplug/destination-iothread", test_unplug_destination_iothread);
    ADD("unplug/destination-iothread-foreground",
        test_unplug_destination_iothread_foreground);
    ADD("unplug/copy-manager", test_unplug_the_copy_manager);
    ADD("unplug/destination-of-another",
        test_unplug_the_destination_of_another);
    ADD("unplug/source-of-another", test_unplug_the_source_of_another);
    ADD("unplug/controller-background", test_unplug_controller_background);
    ADD("unplug/controller-foreground", test_unplug_controller_foreground);
    ADD("unplug/controller-iothread", test_unplug_controller_iothread);
    ADD("plug-and-copy", test_plug_and_copy);
    ADD("stop/background", test_stop_background);
    ADD("stop/foreground", test_stop_foreground);
    ADD("stop/iothread-background", test_stop_iothread_background);
    ADD("stop/iothread-foreground", test_stop_iothread_foreground);
    ADD("stop/reset-background", test_reset_while_stopped_background);
    ADD("stop/reset-foreground", test_reset_while_stopped_foreground);
    ADD("stop/unplug-source", test_unplug_source_while_stopped);
    ADD("stop/unplug-source-foreground",
        test_unplug_source_while_stopped_foreground);
    ADD("stop/unplug-destination", test_unplug_destination_while_stopped);
    ADD("stop/unplug-destination-foreground",
        test_unplug_destination_while_stopped_foreground);
    ADD("quit/background", test_quit_background);
    ADD("quit/foreground", test_quit_foreground);
    ADD("quit/iothread", test_quit_iothread);
    return g_test_run();
}
