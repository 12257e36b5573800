/*
 * vscsi qtests: a copy that lasts
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "slow-copy.h"

VtVm *slow_vm(const char *hba_opts)
{
    VtVm *vm = vt_new();

    if (hba_opts && strstr(hba_opts, "iothread=")) {
        vt_arg(vm, "-object iothread,id=io0 -object iothread,id=io1");
    }
    vt_hba(vm, hba_opts);
    vt_disk(vm, &(VtDiskConf) {
        .size = SIZE, .opts = "default-inactivity=3600",
    });
    vt_disk(vm, &(VtDiskConf) {
        .size = SIZE, .bps = 1 * MiB, .opts = "sync-time=600000",
    });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    return vm;
}

void slow_copy_start(SlowCopy *c, bool immed)
{
    VtVm *vm = c->vm;
    VscsiWut wut;
    VtStatus s;

    vt_token(vm, 0, 0, BLOCKS, c->token);
    wut = vt_wut(c->token, 0, BLOCKS);
    wut.immed = immed;
    c->cmd = vt_send_wut(vm, 1, ID, &wut);
    if (immed) {
        g_assert_cmphex(vt_end(c->cmd), ==, 0);
        c->cmd = NULL;
    }
    /* two of thirty-two seconds; the count may still be 0 */
    for (int i = 0; i < 20; i++) {
        g_assert_cmphex(vt_rcs4(vm, 1, ID, &s), ==, 0);
        g_assert_cmphex(s.status.state, ==, immed ? VSCSI_COPY_BACKGROUND :
                        VSCSI_COPY_FOREGROUND);
        vt_clock_step(vm, 100);
        g_usleep(500);
    }
}

SlowCopy slow_copy(const char *hba_opts, bool immed)
{
    SlowCopy c = { .vm = slow_vm(hba_opts) };

    slow_copy_start(&c, immed);
    return c;
}

void slow_copy_finish(SlowCopy *c)
{
    VtStatus s;

    c->vm->step_ns = STEP_NS;
    if (c->cmd) {
        g_assert_cmphex(vt_end(c->cmd), ==, 0);
        c->cmd = NULL;
    } else {
        vt_poll(c->vm, 1, ID, &s);
        g_assert_cmphex(s.status.state, ==, VSCSI_COPY_OK);
        g_assert_cmpuint(s.status.count, ==, BLOCKS);
    }
    c->vm->step_ns = 0;
    g_assert_true(vt_has(c->vm, 1, 0, SIZE, 1, 0));
}
