/*
 * Copies that are cut short: abort, task management, reset; limits, threads
 *
 * Hot unplug and stop are in plug-test.c; VM migration, jobs and failing hosts
 * in host-test.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "scsi/constants.h"
#include "slow-copy.h"
#include "standard-headers/linux/virtio_scsi.h"

/* The operation was ended early: what is counted is there, nothing follows */
static void check_terminated(SlowCopy *c)
{
    VtStatus s;

    g_assert_cmphex(vt_rcs4(c->vm, 1, ID, &s), ==, 0);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_TERMINATED);
    g_assert_cmphex(s.status.completion_status, ==, 0x40);
    g_assert_false(s.status.has_sense);
    g_assert_cmpuint(s.status.count, <, BLOCKS);
    g_assert_true(vt_has(c->vm, 1, 0, s.status.count * 512, 1, 0));
    g_assert_true(vt_is_quiet(c->vm, 1));
}

/* The LUN serves a whole copy again */
static void check_alive(VtVm *vm)
{
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vm->step_ns = STEP_NS;
    while (vt_test_unit_ready(vm, 0) || vt_test_unit_ready(vm, 1)) {
        /* each ends one unit attention */
    }
    vt_token(vm, 0, 0, BLOCKS, token);
    g_assert_cmphex(vt_use(vm, 1, token, 0, BLOCKS), ==, 0);
    vm->step_ns = 0;
    g_assert_true(vt_has(vm, 1, 0, SIZE, 1, 0));
}

/* ------------------------------------------------------------------- abort */

static void test_abort_background(void)
{
    SlowCopy c = slow_copy(NULL, true);

    c.vm->step_ns = STEP_NS;
    g_assert_cmphex(vt_abort(c.vm, 1, ID), ==, 0);
    check_terminated(&c);
    g_assert_cmphex(vt_abort(c.vm, 1, ID), ==, 0x052400);
    check_alive(c.vm);
    vt_free(c.vm);
}

static void test_abort_foreground(void)
{
    SlowCopy c = slow_copy(NULL, false);

    c.vm->step_ns = STEP_NS;
    g_assert_cmphex(vt_abort(c.vm, 1, ID), ==, 0);
    /* before COPY OPERATION ABORT ended, not after it */
    g_assert_true(vt_ended(c.cmd));
    g_assert_cmphex(vt_end(c.cmd), ==, 0x0a2f02);
    check_terminated(&c);
    check_alive(c.vm);
    vt_free(c.vm);
}

static void test_abort_twice_at_once(void)
{
    SlowCopy c = slow_copy(NULL, true);
    VtCmd *first = vt_send_abort(c.vm, 1, ID);
    VtCmd *second = vt_send_abort(c.vm, 1, ID);

    c.vm->step_ns = STEP_NS;
    g_assert_cmphex(vt_end(first), ==, 0);
    g_assert_cmphex(vt_end(second), ==, 0);
    check_terminated(&c);
    vt_free(c.vm);
}

/* Of another LUN: not its operation */
static void test_abort_by_another_lun(void)
{
    SlowCopy c = slow_copy(NULL, true);

    g_assert_cmphex(vt_abort(c.vm, 0, ID), ==, 0x052400);
    slow_copy_finish(&c);
    vt_free(c.vm);
}

/* --------------------------------------------------------- task management */

static void abort_task(uint32_t subtype)
{
    SlowCopy c = slow_copy(NULL, false);

    c.vm->step_ns = STEP_NS;
    g_assert_cmphex(vt_tmf(c.vm, 1, subtype, c.cmd->tag), ==,
                    VT_RESPONSE | VIRTIO_SCSI_S_OK);
    /* the command has ended when the function has */
    g_assert_true(vt_ended(c.cmd));
    g_assert_cmphex(vt_end(c.cmd), ==, VT_RESPONSE | VIRTIO_SCSI_S_ABORTED);
    check_terminated(&c);
    check_alive(c.vm);
    vt_free(c.vm);
}

static void test_abort_task(void)
{
    abort_task(VIRTIO_SCSI_T_TMF_ABORT_TASK);
}

static void test_abort_task_set(void)
{
    abort_task(VIRTIO_SCSI_T_TMF_ABORT_TASK_SET);
}

static void test_clear_task_set(void)
{
    abort_task(VIRTIO_SCSI_T_TMF_CLEAR_TASK_SET);
}

/* A copy in the background is no task */
static void test_abort_task_set_leaves_background(void)
{
    SlowCopy c = slow_copy(NULL, true);

    g_assert_cmphex(vt_tmf(c.vm, 1, VIRTIO_SCSI_T_TMF_ABORT_TASK_SET, 0), ==,
                    VT_RESPONSE | VIRTIO_SCSI_S_OK);
    slow_copy_finish(&c);
    vt_free(c.vm);
}

/* The COPY OPERATION ABORT that waits is aborted itself */
static void test_abort_task_of_an_abort(void)
{
    SlowCopy c = slow_copy(NULL, true);
    VtCmd *abort = vt_send_abort(c.vm, 1, ID);
    VtCmd *tmf = vt_send_tmf(c.vm, 1, VIRTIO_SCSI_T_TMF_ABORT_TASK,
                             abort->tag);
    uint32_t outcome;

    c.vm->step_ns = STEP_NS;
    g_assert_cmphex(vt_end(tmf), ==, VT_RESPONSE | VIRTIO_SCSI_S_OK);
    outcome = vt_end(abort);
    g_assert_true(outcome == 0 ||
                  outcome == (VT_RESPONSE | VIRTIO_SCSI_S_ABORTED));
    check_terminated(&c);
    vt_free(c.vm);
}

/* ------------------------------------------------------------------- reset */

/* After a reset: attention, no result, no write; tokens are not tied to it */
static void check_reset(SlowCopy *c)
{
    VtStatus s;

    c->vm->step_ns = STEP_NS;
    g_assert_cmphex(vt_rcs4(c->vm, 1, ID, &s) & 0xffff00, ==, 0x062900);
    g_assert_cmphex(vt_rcs4(c->vm, 1, ID, &s), ==, 0x052400);
    g_assert_true(vt_is_quiet(c->vm, 1));
    while (vt_test_unit_ready(c->vm, 0)) {
        /* each ends one unit attention */
    }
    g_assert_cmphex(vt_use(c->vm, 1, c->token, 0, BLOCKS), ==, 0);
    c->vm->step_ns = 0;
    g_assert_true(vt_has(c->vm, 1, 0, SIZE, 1, 0));
    vt_free(c->vm);
}

/* The reset drains: it does not wait for the throttle, so no clock is needed */
static void reset_by_tmf(const char *hba_opts, uint32_t subtype, bool immed)
{
    SlowCopy c = slow_copy(hba_opts, immed);

    g_assert_cmphex(vt_tmf(c.vm, 1, subtype, 0), ==,
                    VT_RESPONSE | VIRTIO_SCSI_S_OK);
    if (!immed) {
        g_assert_true(vt_ended(c.cmd));
        g_assert_cmphex(vt_end(c.cmd), ==, VT_RESPONSE | VIRTIO_SCSI_S_RESET);
    }
    check_reset(&c);
}

static void test_lu_reset_background(void)
{
    reset_by_tmf(NULL, VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET, true);
}

static void test_lu_reset_foreground(void)
{
    reset_by_tmf(NULL, VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET, false);
}

static void test_lu_reset_iothread_background(void)
{
    reset_by_tmf("iothread=io0", VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET, true);
}

static void test_lu_reset_iothread_foreground(void)
{
    reset_by_tmf("iothread=io0", VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET, false);
}

static void test_nexus_reset_background(void)
{
    reset_by_tmf(NULL, VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET, true);
}

static void test_nexus_reset_foreground(void)
{
    reset_by_tmf(NULL, VIRTIO_SCSI_T_TMF_I_T_NEXUS_RESET, false);
}

/* Of the source: its tokens and the copies of others go on */
static void test_lu_reset_of_the_source(void)
{
    SlowCopy c = slow_copy(NULL, true);

    g_assert_cmphex(vt_tmf(c.vm, 0, VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET, 0),
                    ==, VT_RESPONSE | VIRTIO_SCSI_S_OK);
    slow_copy_finish(&c);
    vt_free(c.vm);
}

/* Kept results of operations that had ended are discarded too */
static void test_lu_reset_discards_results(void)
{
    VtVm *vm = slow_vm(NULL);
    VscsiPt pt = vt_pt(0, 8);
    VtStatus s;

    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    g_assert_cmphex(vt_tmf(vm, 0, VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET, 0), ==,
                    VT_RESPONSE | VIRTIO_SCSI_S_OK);
    g_assert_cmphex(vt_rrti(vm, 0, 1, 805, &s) & 0xffff00, ==, 0x062900);
    g_assert_cmphex(vt_rrti(vm, 0, 1, 805, &s), ==, 0x052400);
    vt_free(vm);
}

/* The driver resets the controller: the requests are gone */
static void reset_controller(bool immed)
{
    SlowCopy c = slow_copy(NULL, immed);

    qvirtio_reset(&c.vm->hba[0].pci->vdev);
    g_assert_false(c.cmd && c.cmd->ended);
    vt_start_hba(c.vm, 0);
    if (c.cmd) {
        c.cmd->ended = true;
        vt_cmd_free(c.cmd);
    }
    check_reset(&c);
}

static void test_controller_reset_background(void)
{
    reset_controller(true);
}

static void test_controller_reset_foreground(void)
{
    reset_controller(false);
}

static void reset_machine(bool immed)
{
    SlowCopy c = slow_copy(NULL, immed);

    qtest_system_reset(c.vm->qts);
    vt_start_hba(c.vm, 0);
    if (c.cmd) {
        c.cmd->ended = true;
        vt_cmd_free(c.cmd);
    }
    check_reset(&c);
}

static void test_machine_reset_background(void)
{
    reset_machine(true);
}

static void test_machine_reset_foreground(void)
{
    reset_machine(false);
}

/* A reset that meets an abort that waits */
static void test_lu_reset_during_an_abort(void)
{
    SlowCopy c = slow_copy(NULL, true);
    VtCmd *abort = vt_send_abort(c.vm, 1, ID);
    uint32_t outcome;

    g_assert_cmphex(vt_tmf(c.vm, 1, VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET, 0),
                    ==, VT_RESPONSE | VIRTIO_SCSI_S_OK);
    outcome = vt_end(abort);
    g_assert_true(outcome == 0 ||
                  outcome == (VT_RESPONSE | VIRTIO_SCSI_S_RESET));
    check_reset(&c);
}

/* ------------------------------------------------------------------ limits */

static void test_task_set_full(void)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiPt pt = vt_pt(0, 8);
    VscsiWut wut;
    VtStatus s;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) {
        .size = SIZE, .bps = 1 * MiB, .opts = "max-copies=2",
    });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    vt_token(vm, 0, 0, BLOCKS, token);
    wut = vt_wut(token, 0, BLOCKS / 2);
    wut.immed = true;
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    wut = vt_wut(token, BLOCKS / 2, BLOCKS / 2);
    wut.offset_blocks = BLOCKS / 2;
    wut.immed = true;
    g_assert_cmphex(vt_write_token(vm, 1, 2, &wut), ==, 0);
    g_assert_cmphex(vt_write_token(vm, 1, 3, &wut), ==,
                    VT_STATUS | TASK_SET_FULL);
    g_assert_cmphex(vt_populate(vm, 1, 3, &pt), ==, VT_STATUS | TASK_SET_FULL);
    g_assert_cmphex(vt_rcs4(vm, 1, 3, &s), ==, 0x052400);
    vm->step_ns = STEP_NS;
    vt_poll(vm, 1, 1, &s);
    vt_poll(vm, 1, 2, &s);
    vm->step_ns = 0;
    g_assert_true(vt_has(vm, 1, 0, SIZE, 1, 0));
    g_assert_cmphex(vt_populate(vm, 1, 3, &pt), ==, 0);
    vt_free(vm);
}

/* Reset in a loop does not get a guest more operations than its limit */
static void test_reset_in_a_loop(void)
{
    SlowCopy c = slow_copy(NULL, true);
    VscsiWut wut = vt_wut(c.token, 0, BLOCKS);

    wut.immed = true;
    for (int i = 0; i < 40; i++) {
        g_assert_cmphex(vt_tmf(c.vm, 1, VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET,
                               0), ==, VT_RESPONSE | VIRTIO_SCSI_S_OK);
        vt_test_unit_ready(c.vm, 1);
        g_assert_cmphex(vt_write_token(c.vm, 1, ID + i % 2, &wut), ==, 0);
    }
    g_assert_cmphex(vt_tmf(c.vm, 1, VIRTIO_SCSI_T_TMF_LOGICAL_UNIT_RESET, 0),
                    ==, VT_RESPONSE | VIRTIO_SCSI_S_OK);
    check_reset(&c);
}

/* ----------------------------------------------------------------- threads */

static void test_iothread(void)
{
    SlowCopy c = slow_copy("iothread=io0", true);

    slow_copy_finish(&c);
    vt_free(c.vm);
}

/* Source and destination in two iothreads */
static void test_two_iothreads(void)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vt_arg(vm, "-object iothread,id=io0 -object iothread,id=io1");
    vt_hba(vm, "iothread=io0");
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_hba(vm, "iothread=io1");
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    for (int i = 0; i < 20; i++) {
        vt_token(vm, 0, 0, BLOCKS, token);
        g_assert_cmphex(vt_use(vm, 1, token, 0, BLOCKS), ==, 0);
        g_assert_true(vt_has(vm, 1, 0, SIZE, 1, 0));
        /* and back: revokes the first */
        vt_token(vm, 1, 0, BLOCKS, token);
        g_assert_cmphex(vt_use(vm, 0, token, 0, BLOCKS), ==, 0);
    }
    vt_free(vm);
}

/* One LUN, @queues queues, several commands at a time on each */
static void many_at_once(VtVm *vm, unsigned queues)
{
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VtCmd *cmd[16];

    vt_token(vm, 0, 0, BLOCKS, token);
    for (int round = 0; round < 10; round++) {
        for (unsigned i = 0; i < ARRAY_SIZE(cmd); i++) {
            uint64_t part = BLOCKS / ARRAY_SIZE(cmd);
            VscsiWut wut = vt_wut(token, i * part, part);

            wut.offset_blocks = i * part;
            vm->queue = i % queues;
            cmd[i] = vt_send_wut(vm, 1, 100 + i, &wut);
        }
        for (unsigned i = 0; i < ARRAY_SIZE(cmd); i++) {
            g_assert_cmphex(vt_end(cmd[i]), ==, 0);
        }
        g_assert_true(vt_has(vm, 1, 0, SIZE, 1, 0));
        vt_fill(vm, 1, 0, SIZE, 2 + round);
    }
    vm->queue = 0;
}

static void test_multiqueue(void)
{
    VtVm *vm = vt_new();

    vt_hba(vm, "num_queues=4");
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    many_at_once(vm, 4);
    vt_free(vm);
}

/* One LUN served by several threads */
static void test_iothread_vq_mapping(void)
{
    VtVm *vm = vt_new();

    vt_arg(vm, "-object iothread,id=io0 -object iothread,id=io1");
    vt_arg(vm, "-device '{\"driver\":\"vscsi-pci\",\"id\":\"hba0\","
           "\"addr\":\"4\",\"num_queues\":4,\"iothread-vq-mapping\":"
           "[{\"iothread\":\"io0\"},{\"iothread\":\"io1\"}]}'");
    vm->nr_hbas++;
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .late = true });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .late = true });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    many_at_once(vm, 4);
    vt_free(vm);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, fn) qtest_add_func("/vscsi/life/" path, fn)
    ADD("abort/background", test_abort_background);
    ADD("abort/foreground", test_abort_foreground);
    ADD("abort/twice-at-once", test_abort_twice_at_once);
    ADD("abort/by-another-lun", test_abort_by_another_lun);
    ADD("tmf/abort-task", test_abort_task);
    ADD("tmf/abort-task-set", test_abort_task_set);
    ADD("tmf/clear-task-set", test_clear_task_set);
    ADD("tmf/background-goes-on", test_abort_task_set_leaves_background);
    ADD("tmf/abort-task-of-an-abort", test_abort_task_of_an_abort);
    ADD("reset/lu-background", test_lu_reset_background);
    ADD("reset/lu-foreground", test_lu_reset_foreground);
    ADD("reset/lu-iothread-background", test_lu_reset_iothread_background);
    ADD("reset/lu-iothread-foreground", test_lu_reset_iothread_foreground);
    ADD("reset/nexus-background", test_nexus_reset_background);
    ADD("reset/nexus-foreground", test_nexus_reset_foreground);
    ADD("reset/lu-of-the-source", test_lu_reset_of_the_source);
    ADD("reset/lu-discards-results", test_lu_reset_discards_results);
    ADD("reset/controller-background", test_controller_reset_background);
    ADD("reset/controller-foreground", test_controller_reset_foreground);
    ADD("reset/machine-background", test_machine_reset_background);
    ADD("reset/machine-foreground", test_machine_reset_foreground);
    ADD("reset/during-an-abort", test_lu_reset_during_an_abort);
    ADD("reset/in-a-loop", test_reset_in_a_loop);
    ADD("limit/task-set-full", test_task_set_full);
    ADD("thread/iothread", test_iothread);
    ADD("thread/two-iothreads", test_two_iothreads);
    ADD("thread/multiqueue", test_multiqueue);
    ADD("thread/iothread-vq-mapping", test_iothread_vq_mapping);
    return g_test_run();
}
