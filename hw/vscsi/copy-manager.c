/*
 * Copy manager: life of the per-LUN state and of the VM's token store
 *
 * States and invariants: copy-manager.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "block/aio-wait.h"
#include "block/block.h"
#include "crypto/random.h"
#include "system/block-backend.h"
#include "copy-manager.h"
#include "ide-refusal.h"
#include "trace.h"

/* Of the whole VM; a LUN has its own limit below it */
#define VM_MAX_TOKENS       65536
#define VM_MAX_REMEMBERED   4096
#define VM_DEFAULT_TIMEOUT  30
#define LUN_MAX_RESULTS     256

QemuMutex vscsi_copy_lock;
VscsiCopyManagerList vscsi_copy_managers =
    QTAILQ_HEAD_INITIALIZER(vscsi_copy_managers);

/* Made by the first LUN, in the main thread; never freed after that */
static VscsiTokenStore *token_store;
static QEMUTimer *expiry_timer;
static uint64_t last_key;

static void __attribute__((constructor)) vscsi_copy_lock_init(void)
{
    qemu_mutex_init(&vscsi_copy_lock);
}

/*
 * Time of tokens and results is the guest's: while it stands still, nothing
 * expires.
 */
static int64_t copy_clock_ms(void *opaque)
{
    return qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL);
}

static bool copy_random_bytes(void *opaque, void *buf, size_t len)
{
    return qcrypto_random_bytes(buf, len, NULL) == 0;
}

static void copy_token_release(void *opaque, void *payload)
{
    rod_unref(payload);
}

static void copy_token_ended(void *opaque, const VscsiTokenInfo *info,
                             VscsiTokenStatus cause)
{
    trace_vscsi_token_ended(info->lun_key, info->id, info->bytes,
                            vscsi_token_status_str(cause));
    vscsi_event_token_ended(info, cause);
}

static void copy_expire(void *opaque)
{
    VscsiCopyManager *cm;

    vscsi_token_store_expire(token_store);
    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        QTAILQ_FOREACH(cm, &vscsi_copy_managers, next) {
            vscsi_copy_list_expire(cm->list);
        }
    }
    vscsi_copy_timer_rearm();
}

void vscsi_copy_timer_rearm(void)
{
    int64_t deadline = vscsi_token_store_next_deadline(token_store);
    VscsiCopyManager *cm;

    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        QTAILQ_FOREACH(cm, &vscsi_copy_managers, next) {
            deadline = MIN(deadline, vscsi_copy_list_next_deadline(cm->list));
        }
    }
    if (deadline != INT64_MAX) {
        timer_mod_anticipate(expiry_timer, deadline);
    }
}

static bool copy_store_init(Error **errp)
{
    static const VscsiTokenCallbacks callbacks = {
        .clock_ms = copy_clock_ms,
        .random_bytes = copy_random_bytes,
        .release = copy_token_release,
        .ended = copy_token_ended,
    };
    const VscsiTokenStoreConfig config = {
        .max_tokens = VM_MAX_TOKENS,
        .max_remembered = VM_MAX_REMEMBERED,
        .default_timeout_s = VM_DEFAULT_TIMEOUT,
    };

    if (token_store) {
        return true;
    }
    token_store = vscsi_token_store_new(&config, &callbacks, NULL);
    if (!token_store) {
        error_setg(errp, "The host gives no random bytes, which ROD tokens "
                   "need; set offload=off or mend the host");
        return false;
    }
    expiry_timer = timer_new_ms(QEMU_CLOCK_VIRTUAL, copy_expire, NULL);
    vscsi_events_init();
    return true;
}

VscsiTokenStore *vscsi_copy_tokens(void)
{
    return token_store;
}

/*
 * Wait until @counter is zero, after everybody was told to stop.  By draining,
 * which also lets go what a throttle holds back: its clock may stand still.
 * Main thread.
 */
static void copy_settle(unsigned *counter)
{
    while (qatomic_read(counter) > 0) {
        bdrv_drain_all();
        aio_poll(qemu_get_aio_context(), false);
    }
}

/*
 * The VM stops or goes on.  Every LUN learns of it before any device acts on
 * it: on a stop, controllers drain the disks, by which throttled copies of all
 * LUNs would get on; when it goes on, a copy that is resumed for one LUN, and a
 * request that the bus starts again, must find the other LUNs going on too.
 */
static void copy_vm_state_prepare(void *opaque, bool running, RunState state)
{
    VscsiCopyManager *cm = opaque;

    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        cm->paused = !running;
    }
    trace_vscsi_copy_vm_state(cm->key, running);
    if (!running) {
        vscsi_ops_stop(cm, false, false);
    }
}

static void copy_vm_state_changed(void *opaque, bool running, RunState state)
{
    VscsiCopyManager *cm = opaque;

    if (running) {
        vscsi_ops_resume(cm, true);
    } else {
        copy_settle(&cm->active);
    }
}

VscsiCopyManager *vscsi_copy_manager_new(VscsiHD *lun, Error **errp)
{
    VscsiCopyManager *cm;
    VscsiCopyListConfig config;

    if (!copy_store_init(errp)) {
        return NULL;
    }
    cm = g_new0(VscsiCopyManager, 1);
    cm->lun = lun;
    cm->dev = &lun->qdev;
    cm->blk = lun->qdev.conf.blk;
    cm->conf = &lun->conf;
    config = (VscsiCopyListConfig) {
        .max_running = cm->conf->max_copies,
        .max_ended = LUN_MAX_RESULTS,
        .retention_ms = cm->conf->retention * 1000LL,
        .clock_ms = copy_clock_ms,
    };
    cm->list = vscsi_copy_list_new(&config);
    cm->paused = !runstate_is_running();
    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        cm->key = ++last_key;
        QTAILQ_INSERT_TAIL(&vscsi_copy_managers, cm, next);
    }
    cm->vmstate = qemu_add_vm_change_state_handler_prio_full(
        copy_vm_state_changed, copy_vm_state_prepare, cm, 0);
    vscsi_ide_lun_added(cm);
    return cm;
}

static void copy_end_tokens(VscsiCopyManager *cm)
{
    vscsi_token_store_end_lun(token_store, cm->key, VSCSI_TOKEN_CANCELLED);
    rod_end_all(cm->blk, ROD_SOURCE_GONE);
}

void vscsi_copy_manager_free(VscsiCopyManager *cm)
{
    if (!cm) {
        return;
    }
    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        cm->gone = true;
    }
    copy_end_tokens(cm);
    vscsi_ops_stop(cm, true, true);
    vscsi_ops_resume(cm, false);
    /* without requests there are no new operations: in this order */
    copy_settle(&cm->holders);
    copy_settle(&cm->ops);
    /* of a POPULATE TOKEN that had looked at the flags before */
    copy_end_tokens(cm);
    vscsi_events_flush(cm);
    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        QTAILQ_REMOVE(&vscsi_copy_managers, cm, next);
        cm->lun->cm = NULL;
    }
    qemu_del_vm_change_state_handler(cm->vmstate);
    vscsi_copy_list_free(cm->list);
    g_free(cm->ide_device);
    g_free(cm);
}

void vscsi_copy_manager_reset_begin(VscsiCopyManager *cm)
{
    g_autofree VscsiCopyOp **ops = NULL;
    unsigned n;

    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        cm->resetting = true;
    }
    trace_vscsi_copy_reset(cm->key);
    vscsi_ops_stop(cm, true, false);
    copy_settle(&cm->active);
    ops = vscsi_copy_list_reset(cm->list, &n);
    for (unsigned i = 0; i < n; i++) {
        vscsi_copy_op_unref(ops[i]);
    }
}

void vscsi_copy_manager_reset_end(VscsiCopyManager *cm)
{
    /* requests that the bus has cancelled complete before the reset does */
    copy_settle(&cm->active);
    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        cm->resetting = false;
    }
    /*
     * What is left are operations in the background, which were told to end,
     * and requests that came from another thread during the reset.
     */
    vscsi_ops_resume(cm, false);
}

/* Under the lock; not one that goes away */
static VscsiCopyManager *copy_hold(VscsiCopyManager *cm)
{
    if (cm && !cm->gone) {
        qatomic_inc(&cm->holders);
        return cm;
    }
    return NULL;
}

VscsiCopyManager *vscsi_copy_hold_lun(VscsiHD *lun)
{
    QEMU_LOCK_GUARD(&vscsi_copy_lock);
    return copy_hold(lun->cm);
}

VscsiCopyManager *vscsi_copy_hold_key(uint64_t key)
{
    VscsiCopyManager *cm;

    QEMU_LOCK_GUARD(&vscsi_copy_lock);
    QTAILQ_FOREACH(cm, &vscsi_copy_managers, next) {
        if (cm->key == key) {
            break;
        }
    }
    return copy_hold(cm);
}

VscsiCopyManager *vscsi_copy_hold_naa(uint64_t naa, VscsiCopyManager *first)
{
    VscsiCopyManager *cm;

    QEMU_LOCK_GUARD(&vscsi_copy_lock);
    /* two paths to one disk have one name: then the one that was asked */
    if (first->dev->wwn == naa) {
        return copy_hold(first);
    }
    QTAILQ_FOREACH(cm, &vscsi_copy_managers, next) {
        if (cm->dev->wwn == naa && !cm->gone) {
            break;
        }
    }
    return copy_hold(cm);
}

void vscsi_copy_release(VscsiCopyManager *cm)
{
    if (cm) {
        qatomic_dec(&cm->holders);
        aio_wait_kick();
    }
}

void vscsi_copy_count_reject(VscsiCopyManager *cm, const VscsiSense *sense)
{
    uint32_t code = vscsi_sense_code(sense);
    unsigned i;

    QEMU_LOCK_GUARD(&vscsi_copy_lock);
    for (i = 0; i < cm->nr_rejects && cm->rejects[i].code != code; i++) {
        ;
    }
    if (i == cm->nr_rejects) {
        if (i == VSCSI_REJECTS_MAX) {
            /* more kinds than there are: the last place is for the rest */
            i--;
            cm->rejects[i].code = 0;
        } else {
            cm->nr_rejects++;
            cm->rejects[i].code = code;
        }
    }
    cm->rejects[i].count++;
}
