/*
 * Copies on a host where things happen: VM migration, jobs, full disks, media
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "slow-copy.h"

/* ------------------------------------------------------------ VM migration */

/* The second QEMU: same devices, same files, waits for the guest */
static VtVm *receiver(VtVm *from)
{
    VtVm *to = vt_new();

    vt_share_disks(to, from);
    vt_hba(to, NULL);
    vt_disk(to, &(VtDiskConf) {
        .size = SIZE, .opts = "default-inactivity=3600",
    });
    vt_disk(to, &(VtDiskConf) {
        .size = SIZE, .bps = 1 * MiB, .opts = "sync-time=600000",
    });
    vt_boot_incoming(to, "defer");
    return to;
}

static void wait_migrated(VtVm *vm)
{
    for (;;) {
        QDict *rsp = qtest_qmp_assert_success_ref(vm->qts,
            "{'execute': 'query-migrate'}");
        const char *status = qdict_get_try_str(rsp, "status");
        bool done = status && g_str_equal(status, "completed");

        g_assert_cmpstr(status, !=, "failed");
        qobject_unref(rsp);
        if (done) {
            return;
        }
        g_usleep(2000);
    }
}

/* The guest of @from runs on in the VM that is returned */
static VtVm *migrate_vm(VtVm *from)
{
    VtVm *to = receiver(from);
    g_autofree char *uri = g_strdup_printf("unix:%s/migrate", from->dir);

    qtest_qmp_assert_success(to->qts, "{'execute': 'migrate-incoming', "
                             "'arguments': {'uri': %s}}", uri);
    qtest_qmp_assert_success(from->qts, "{'execute': 'migrate', "
                             "'arguments': {'uri': %s}}", uri);
    qtest_qmp_eventwait(from->qts, "STOP");
    wait_migrated(from);
    qtest_qmp_eventwait(to->qts, "RESUME");
    vt_adopt(to, from);
    unlink(uri + strlen("unix:"));
    return to;
}

/* The files belong to @from: it goes last */
static void free_both(VtVm *to, VtVm *from)
{
    vt_free(to);
    vt_free(from);
}

static void test_migrate_token(void)
{
    VtVm *from = slow_vm(NULL), *to;
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vt_token(from, 0, 0, 8, token);
    to = migrate_vm(from);
    /* of the VM itself, not foreign, but unknown now */
    g_assert_cmphex(vt_use(to, 1, token, 0, 8), ==, 0x052304);
    vt_token(to, 0, 0, 8, token);
    g_assert_cmphex(vt_use(to, 1, token, 0, 8), ==, 0);
    free_both(to, from);
}

/* Twice: instances of the former processes are handed on */
static void test_migrate_token_twice(void)
{
    VtVm *a = slow_vm(NULL), *b, *c;
    uint8_t first[VSCSI_ROD_TOKEN_LEN], second[VSCSI_ROD_TOKEN_LEN];

    vt_token(a, 0, 0, 8, first);
    b = migrate_vm(a);
    vt_token(b, 0, 0, 8, second);
    c = migrate_vm(b);
    g_assert_cmphex(vt_use(c, 1, first, 0, 8), ==, 0x052304);
    g_assert_cmphex(vt_use(c, 1, second, 0, 8), ==, 0x052304);
    vt_free(c);
    free_both(b, a);
}

/* A kept result does not migrate: its identifier is unknown */
static void test_migrate_result(void)
{
    VtVm *from = slow_vm(NULL), *to;
    VscsiPt pt = vt_pt(0, 8);
    VtStatus s;

    g_assert_cmphex(vt_populate(from, 0, 1, &pt), ==, 0);
    to = migrate_vm(from);
    g_assert_cmphex(vt_rrti(to, 0, 1, 805, &s), ==, 0x052400);
    free_both(to, from);
}

static void test_migrate_background(void)
{
    SlowCopy c = slow_copy(NULL, true);
    VtVm *to = migrate_vm(c.vm);
    VtStatus s;

    g_assert_cmphex(vt_rcs4(to, 1, ID, &s), ==, 0x052400);
    g_assert_cmphex(vt_use(to, 1, c.token, 0, 8), ==, 0x052304);
    g_assert_true(vt_is_quiet(to, 1));
    free_both(to, c.vm);
}

/* The command arrives with the VM; its token does not */
static void test_migrate_foreground(void)
{
    SlowCopy c = slow_copy(NULL, false);
    VtVm *to = migrate_vm(c.vm);

    to->step_ns = STEP_NS;
    g_assert_cmphex(vt_end(c.cmd), ==, 0x052304);
    to->step_ns = 0;
    g_assert_true(vt_is_quiet(to, 1));
    free_both(to, c.vm);
}

/* EXTENDED COPY needs no token: it goes on over there */
static void test_migrate_xcopy(void)
{
    VtVm *from = slow_vm(NULL), *to;
    VscsiXcopy x = {
        .list_id = ID, .n_cscds = 2, .n_segments = 1,
        .segment[0] = {
            .type = VSCSI_SEGMENT_BLOCK, .dest_id = 1, .blocks = 60000,
        },
    };
    VtCmd *cmd;

    x.cscd[0] = vt_cscd(from, 0);
    x.cscd[1] = vt_cscd(from, 1);
    cmd = vt_send_xcopy(from, 1, &x);
    vt_clock_step(from, 2000);
    g_assert_false(vt_ended(cmd));
    to = migrate_vm(from);
    to->step_ns = STEP_NS;
    g_assert_cmphex(vt_end(cmd), ==, 0);
    g_assert_true(vt_has(to, 1, 0, 60000 * 512, 1, 0));
    free_both(to, from);
}

/* A migration that fails: the VM goes on here, and its copies with it */
static void test_migrate_failed(void)
{
    SlowCopy c = slow_copy(NULL, true);

    qtest_qmp_assert_success(c.vm->qts, "{'execute': 'migrate', 'arguments': "
                             "{'uri': 'exec:false'}}");
    for (;;) {
        QDict *rsp = qtest_qmp_assert_success_ref(c.vm->qts,
            "{'execute': 'query-migrate'}");
        const char *status = qdict_get_try_str(rsp, "status");
        bool failed = status && g_str_equal(status, "failed");

        qobject_unref(rsp);
        if (failed) {
            break;
        }
        g_usleep(2000);
    }
    slow_copy_finish(&c);
    c.vm->step_ns = STEP_NS;
    g_assert_cmphex(vt_use(c.vm, 1, c.token, 0, 8), ==, 0);
    vt_free(c.vm);
}

/* ---------------------------------------------------------------- snapshots */

/* A disk of qcow2, which can have snapshots; its data is read by the guest */
static unsigned add_qcow2(VtVm *vm)
{
    unsigned n = vt_disk(vm, &(VtDiskConf) { .size = SIZE, .cold = true });
    VtDisk *d = &vm->disk[n];
    g_autofree char *file = g_strdup_printf("%s.qcow2", d->path);

    mkqcow2(file, SIZE / MiB);
    vt_arg(vm, "-blockdev driver=qcow2,node-name=q%u,file.driver=file,"
           "file.filename=%s", n, file);
    g_free(d->node);
    d->node = g_strdup_printf("q%u", n);
    d->cold = false;
    d->late = true;
    return n;
}

static void remove_qcow2(VtVm *vm, unsigned n)
{
    g_autofree char *file = g_strdup_printf("%s.qcow2", vm->disk[n].path);

    unlink(file);
}

static void snapshot(VtVm *vm, const char *command)
{
    bool ended = false;

    qtest_qmp_assert_success(vm->qts, "{'execute': %s, 'arguments': "
                             "{'job-id': 's', 'tag': 'a', 'vmstate': 'q0', "
                             "'devices': ['q0', 'q1']}}", command);
    while (!ended) {
        QDict *rsp = qtest_qmp(vm->qts, "{'execute': 'query-jobs'}");
        QDict *job = qobject_to(QDict,
                                qlist_peek(qdict_get_qlist(rsp, "return")));

        ended = g_str_equal(qdict_get_str(job, "status"), "concluded");
        g_assert_false(qdict_haskey(job, "error"));
        qobject_unref(rsp);
        g_usleep(2000);
    }
    qtest_qmp_assert_success(vm->qts, "{'execute': 'job-dismiss', "
                             "'arguments': {'id': 's'}}");
}

/*
 * The disks become what they were when the snapshot was taken; no token stands
 * for that, whenever it was made, and no copy goes on.
 */
static void test_snapshot_load(void)
{
    VtVm *vm;
    uint8_t early[VSCSI_ROD_TOKEN_LEN], late[VSCSI_ROD_TOKEN_LEN];
    uint8_t a[4096], b[4096], now[4096];
    VscsiPt pt = vt_pt(0, 8);
    uint16_t used;
    VtStatus s;

    if (!have_qemu_img()) {
        g_test_skip("needs qemu-img");
        return;
    }
    vm = vt_new();
    vt_hba(vm, NULL);
    add_qcow2(vm);
    add_qcow2(vm);
    vt_boot(vm);
    vt_pattern(a, 0, sizeof(a), 1);
    vt_pattern(b, 0, sizeof(b), 2);
    g_assert_cmphex(vt_write(vm, 0, 0, 8, a), ==, 0);
    vt_token(vm, 0, 0, 8, early);
    snapshot(vm, "snapshot-save");
    used = vm->hba[0].vq[2]->last_used_idx;
    g_assert_cmphex(vt_use(vm, 1, early, 0, 8), ==, 0);
    g_assert_cmphex(vt_write(vm, 0, 0, 8, b), ==, 0);
    vt_token(vm, 0, 0, 8, late);
    g_assert_cmphex(vt_populate(vm, 0, 3, &pt), ==, 0);

    vt_stop(vm);
    snapshot(vm, "snapshot-load");
    /* the guest's memory went back too */
    vm->hba[0].vq[2]->last_used_idx = used;
    vt_cont(vm);
    g_assert_cmphex(vt_use(vm, 1, early, 0, 8), ==, 0x052304);
    g_assert_cmphex(vt_use(vm, 1, late, 0, 8), ==, 0x052304);
    g_assert_cmphex(vt_rrti(vm, 0, 3, 805, &s), ==, 0x052400);
    g_assert_cmphex(vt_read(vm, 0, 0, 8, now), ==, 0);
    g_assert_cmpmem(now, sizeof(now), a, sizeof(a));
    g_assert_cmphex(vt_read(vm, 1, 0, 8, now), ==, 0);
    g_assert_cmpuint(now[0], ==, 0);
    vt_token(vm, 0, 0, 8, late);
    g_assert_cmphex(vt_use(vm, 1, late, 0, 8), ==, 0);
    remove_qcow2(vm, 0);
    remove_qcow2(vm, 1);
    vt_free(vm);
}

/* ------------------------------------------------------------------- mirror */

/* blockdev-mirror of the destination to disk 2 while a copy writes to it */
static void mirror(const char *hba_opts, const char *copy_mode, uint64_t bps)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;
    VtStatus s;

    if (hba_opts) {
        vt_arg(vm, "-object iothread,id=io0");
    }
    vt_hba(vm, hba_opts);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .bps = bps });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .cold = true });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_fill(vm, 1, 0, SIZE, 2);
    vt_boot(vm);
    qtest_qmp_assert_success(vm->qts, "{'execute': 'blockdev-mirror', "
                             "'arguments': {'job-id': 'm', 'device': %s, "
                             "'target': 'raw2', 'sync': 'full', "
                             "'copy-mode': %s}}", vm->disk[1].node, copy_mode);
    vt_token(vm, 0, 0, BLOCKS, token);
    /* before it is ready, in one half, and after that in the other */
    wut = vt_wut(token, 0, BLOCKS / 2);
    wut.immed = true;
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    vm->step_ns = STEP_NS;
    vt_poll(vm, 1, 1, &s);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_OK);
    vt_clock_step(vm, 200000);
    qtest_qmp_eventwait(vm->qts, "BLOCK_JOB_READY");
    wut = vt_wut(token, BLOCKS / 2, BLOCKS / 2);
    wut.offset_blocks = BLOCKS / 2;
    wut.immed = true;
    vt_token(vm, 0, 0, BLOCKS, token);
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    vt_poll(vm, 1, 1, &s);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_OK);
    vm->step_ns = 0;
    qtest_qmp_assert_success(vm->qts, "{'execute': 'block-job-complete', "
                             "'arguments': {'device': 'm'}}");
    qtest_qmp_eventwait(vm->qts, "BLOCK_JOB_COMPLETED");
    g_assert_true(vt_has(vm, 2, 0, SIZE, 1, 0));
    /* the device is on the other file now */
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0);
    vt_free(vm);
}

static void test_mirror_background(void)
{
    mirror(NULL, "background", 0);
}

static void test_mirror_write_blocking(void)
{
    mirror(NULL, "write-blocking", 0);
}

static void test_mirror_iothread(void)
{
    mirror("iothread=io0", "background", 0);
}

/* ---------------------------------------------------------- error policies */

#define RULE(io, sector, errno) \
    "inject-error.0.event=none,inject-error.0.once=on," \
    "inject-error.0.iotype=" io ",inject-error.0.sector=" sector "," \
    "inject-error.0.errno=" errno

/* One error, the VM stops; with cont the copy goes on as if nothing had been */
static void stop_on_error(const char *hba_opts, const char *src_rule,
                          const char *dst_rule, bool immed)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;
    VtCmd *cmd;
    VtStatus s;

    if (hba_opts) {
        vt_arg(vm, "-object iothread,id=io0");
    }
    vt_hba(vm, hba_opts);
    vt_disk(vm, &(VtDiskConf) {
        .size = SIZE, .blkdebug = src_rule, .opts = "rerror=stop",
    });
    vt_disk(vm, &(VtDiskConf) {
        .size = SIZE, .blkdebug = dst_rule,
        .opts = "werror=stop,sync-time=600000",
    });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    vt_token(vm, 0, 0, BLOCKS, token);
    wut = vt_wut(token, 0, BLOCKS);
    wut.immed = immed;
    cmd = vt_send_wut(vm, 1, ID, &wut);
    qtest_qmp_eventwait(vm->qts, "BLOCK_IO_ERROR");
    qtest_qmp_eventwait(vm->qts, "STOP");
    vm->stopped = true;
    g_assert_true(vt_is_quiet(vm, 1));
    vt_cont(vm);
    g_assert_cmphex(vt_end(cmd), ==, 0);
    if (immed) {
        vt_poll(vm, 1, ID, &s);
        g_assert_cmphex(s.status.state, ==, VSCSI_COPY_OK);
    }
    g_assert_true(vt_has(vm, 1, 0, SIZE, 1, 0));
    vt_free(vm);
}

static void test_stop_on_enospc_foreground(void)
{
    stop_on_error(NULL, NULL, RULE("write", "20480", "28"), false);
}

static void test_stop_on_enospc_background(void)
{
    stop_on_error(NULL, NULL, RULE("write", "20480", "28"), true);
}

static void test_stop_on_enospc_iothread(void)
{
    stop_on_error("iothread=io0", NULL, RULE("write", "20480", "28"), false);
}

static void test_stop_on_read_error(void)
{
    stop_on_error(NULL, RULE("read", "20480", "5"), NULL, false);
}

/* werror=enospc, the default: ENOSPC stops, other errors are reported */
static void test_default_policy(void)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VtCmd *cmd;
    VscsiWut wut;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) {
        .size = SIZE, .blkdebug = RULE("write", "0", "28"),
    });
    vt_boot(vm);
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_token(vm, 0, 0, BLOCKS, token);
    wut = vt_wut(token, 0, BLOCKS);
    cmd = vt_send_wut(vm, 1, ID, &wut);
    qtest_qmp_eventwait(vm->qts, "STOP");
    vt_cont(vm);
    g_assert_cmphex(vt_end(cmd), ==, 0);
    g_assert_true(vt_has(vm, 1, 0, SIZE, 1, 0));
    vt_free(vm);
}

/* Stopped by an error, and then unplugged, reset, or ended */
static VtVm *stopped_by_error(bool immed, VtCmd **cmd)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) {
        .size = SIZE, .opts = "werror=stop",
        .blkdebug = RULE("write", "20480", "28"),
    });
    vt_boot(vm);
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_token(vm, 0, 0, BLOCKS, token);
    wut = vt_wut(token, 0, BLOCKS);
    wut.immed = immed;
    *cmd = vt_send_wut(vm, 1, ID, &wut);
    qtest_qmp_eventwait(vm->qts, "STOP");
    vm->stopped = true;
    return vm;
}

static void test_unplug_after_error(void)
{
    for (int immed = 0; immed < 2; immed++) {
        VtCmd *cmd;
        VtVm *vm = stopped_by_error(immed, &cmd);

        vt_unplug(vm, 1);
        vt_cont(vm);
        g_assert_cmphex(vt_end(cmd) == 0, ==, immed);
        g_assert_true(vt_is_quiet(vm, 1));
        vt_free(vm);
    }
}

static void test_reset_after_error(void)
{
    for (int immed = 0; immed < 2; immed++) {
        VtCmd *cmd;
        VtVm *vm = stopped_by_error(immed, &cmd);

        vt_ended(cmd);
        qtest_system_reset(vm->qts);
        vt_cont(vm);
        vt_start_hba(vm, 0);
        cmd->ended = true;
        vt_cmd_free(cmd);
        g_assert_cmphex(vt_test_unit_ready(vm, 1) & 0xffff00, ==, 0x062900);
        g_assert_cmphex(vt_test_unit_ready(vm, 1), ==, 0);
        g_assert_true(vt_is_quiet(vm, 1));
        vt_free(vm);
    }
}

static void test_quit_after_error(void)
{
    for (int immed = 0; immed < 2; immed++) {
        VtCmd *cmd;
        VtVm *vm = stopped_by_error(immed, &cmd);

        cmd->ended = true;
        vt_cmd_free(cmd);
        vt_free(vm);
    }
}

/* -------------------------------------------------------- removable medium */

static VtVm *removable_vm(void)
{
    VtVm *vm = vt_new();

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .opts = "removable=on" });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .cold = true });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_fill(vm, 2, 0, SIZE, 2);
    vt_boot(vm);
    return vm;
}

static void eject(VtVm *vm)
{
    const uint8_t stop[16] = { 0x1b, [4] = 0x02 };

    g_assert_cmphex(vt_out(vm, 0, stop, NULL, 0), ==, 0);
    qtest_qmp_assert_success(vm->qts, "{'execute': 'blockdev-remove-medium', "
                             "'arguments': {'id': 'lun0'}}");
}

static void insert(VtVm *vm, const char *node)
{
    qtest_qmp_assert_success(vm->qts, "{'execute': 'blockdev-insert-medium', "
                             "'arguments': {'id': 'lun0', 'node-name': %s}}",
                             node);
    qtest_qmp_assert_success(vm->qts, "{'execute': 'blockdev-close-tray', "
                             "'arguments': {'id': 'lun0'}}");
    for (int i = 0; i < 8 && vt_test_unit_ready(vm, 0); i++) {
        /* each ends one unit attention */
    }
}

/* The token is of the medium that was in when it was made */
static void test_removed_medium(void)
{
    VtVm *vm = removable_vm();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiPt pt = vt_pt(0, 8);

    vt_token(vm, 0, 0, 8, token);
    eject(vm);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x052308);
    for (int i = 0; i < 4; i++) {
        /* medium not present, after the attention */
        g_assert_cmphex(vt_populate(vm, 0, 1, &pt), !=, 0);
    }
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt) & 0xffff00, ==, 0x023a00);
    insert(vm, "raw2");
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x052308);
    g_assert_true(vt_has_zeroes(vm, 1, 0, 8 * 512));
    vt_token(vm, 0, 0, 8, token);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0);
    g_assert_true(vt_has(vm, 1, 0, 8 * 512, 2, 0));
    vt_free(vm);
}

/* The same medium comes back: good or cancelled, if good then the same data */
static void test_reinserted_medium(void)
{
    for (int written = 0; written < 2; written++) {
        VtVm *vm = removable_vm();
        uint8_t token[VSCSI_ROD_TOKEN_LEN];
        uint32_t outcome;

        vt_token(vm, 0, 0, 8, token);
        eject(vm);
        if (written) {
            g_free(qtest_hmp(vm->qts, "qemu-io raw0 \"write -q 0 512\""));
        }
        insert(vm, "raw0");
        outcome = vt_use(vm, 1, token, 0, 8);
        if (written) {
            g_assert_cmphex(outcome >> 8, ==, 0x0523);
        } else if (outcome == 0) {
            g_assert_true(vt_has(vm, 1, 0, 8 * 512, 1, 0));
        } else {
            g_assert_cmphex(outcome, ==, 0x052308);
        }
        vt_free(vm);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, fn) qtest_add_func("/vscsi/host/" path, fn)
    ADD("migrate/token", test_migrate_token);
    ADD("migrate/token-twice", test_migrate_token_twice);
    ADD("migrate/result", test_migrate_result);
    ADD("migrate/background", test_migrate_background);
    ADD("migrate/foreground", test_migrate_foreground);
    ADD("migrate/xcopy", test_migrate_xcopy);
    ADD("migrate/failed", test_migrate_failed);
    ADD("snapshot-load", test_snapshot_load);
    ADD("mirror/background", test_mirror_background);
    ADD("mirror/write-blocking", test_mirror_write_blocking);
    ADD("mirror/iothread", test_mirror_iothread);
    ADD("error/enospc-foreground", test_stop_on_enospc_foreground);
    ADD("error/enospc-background", test_stop_on_enospc_background);
    ADD("error/enospc-iothread", test_stop_on_enospc_iothread);
    ADD("error/read-error", test_stop_on_read_error);
    ADD("error/default-policy", test_default_policy);
    ADD("error/then-unplug", test_unplug_after_error);
    ADD("error/then-reset", test_reset_after_error);
    ADD("error/then-quit", test_quit_after_error);
    ADD("medium/removed", test_removed_medium);
    ADD("medium/reinserted", test_reinserted_medium);
    return g_test_run();
}
