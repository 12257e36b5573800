/*
 * Monitor events of the copy manager, limited in rate
 *
 * States: vscsi-events.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "qapi/qapi-events-vscsi.h"
#include "system/block-backend.h"
#include "system/qtest.h"
#include "copy-manager.h"
#include "trace.h"
#include "vscsi-events.h"
#include "vscsi-qmp.h"

/* Between two events of a kind of one LUN */
#define EVENT_PERIOD_MS 1000

static QEMUBH *events_bh;
static QEMUTimer *events_timer;

/* As the monitor's own limits: a test can turn this clock */
static QEMUClockType event_clock(void)
{
    return qtest_enabled() ? QEMU_CLOCK_VIRTUAL : QEMU_CLOCK_REALTIME;
}

/* Something has happened.  Under the lock */
static void gate_hold(VscsiEventGate *gate)
{
    gate->held = true;
    gate->count++;
}

/*
 * May what is held be sent at @now?  Then the gate is closed for a while, and
 * *suppressed says how many more it stands for; else *next comes to be when it
 * may be.  Under the lock
 */
static bool gate_pass(VscsiEventGate *gate, int64_t now, int64_t *next,
                      uint64_t *suppressed)
{
    if (!gate->held) {
        return false;
    }
    if (now < gate->not_before_ms) {
        *next = MIN(*next, gate->not_before_ms);
        return false;
    }
    *suppressed = gate->count - 1;
    gate->held = false;
    gate->count = 0;
    gate->not_before_ms = now + EVENT_PERIOD_MS;
    return true;
}

/* Under the lock, or in the main thread, where the list does not change */
static VscsiCopyManager *find_lun(uint64_t key)
{
    VscsiCopyManager *cm;

    QTAILQ_FOREACH(cm, &vscsi_copy_managers, next) {
        if (cm->key == key) {
            return cm;
        }
    }
    return NULL;
}

static const char *blk_node_name(BlockBackend *blk)
{
    BlockDriverState *bs = blk_bs(blk);

    return bs ? bdrv_get_node_name(bs) : NULL;
}

static void send_token(VscsiCopyManager *cm, const VscsiLunEvents *e,
                       uint64_t suppressed)
{
    DeviceState *dev = DEVICE(cm->dev);
    g_autofree char *path = object_get_canonical_path(OBJECT(dev));

    trace_vscsi_event_token(path, e->token.id, suppressed);
    qapi_event_send_vscsi_token_revoked(
        path, dev->id, e->token.id, e->token.bytes,
        vscsi_qapi_token_end_cause(e->token.cause), suppressed);
}

static void send_fallback(VscsiCopyManager *cm, const VscsiLunEvents *e,
                          uint64_t suppressed)
{
    DeviceState *dev = DEVICE(cm->dev);
    VscsiCopyManager *src = find_lun(e->fallback.src_key);
    g_autofree char *path = object_get_canonical_path(OBJECT(dev));
    g_autofree char *source = NULL;

    if (src) {
        source = object_get_canonical_path(OBJECT(src->dev));
    }
    trace_vscsi_event_fallback(path, offload_reason_str(e->fallback.reason),
                               suppressed);
    qapi_event_send_vscsi_offload_fallback(
        path, dev->id, NULL, vscsi_qapi_reason(e->fallback.reason),
        e->fallback.error ? strerror(-e->fallback.error) : NULL, source,
        src ? blk_node_name(src->blk) : NULL, blk_node_name(cm->blk),
        suppressed);
}

/* Send what may be sent of @cm; *next: when there is more to do */
static void send_lun(VscsiCopyManager *cm, int64_t now, int64_t *next)
{
    VscsiLunEvents e;
    uint64_t tokens = 0, fallbacks = 0;
    bool token, fallback;

    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        e = cm->events;
        token = gate_pass(&cm->events.token.gate, now, next, &tokens);
        fallback = gate_pass(&cm->events.fallback.gate, now, next, &fallbacks);
    }
    if (token) {
        send_token(cm, &e, tokens);
    }
    if (fallback) {
        send_fallback(cm, &e, fallbacks);
    }
}

static void send_all(void *opaque)
{
    int64_t now = qemu_clock_get_ms(event_clock());
    int64_t next = INT64_MAX;
    VscsiCopyManager *cm;

    QTAILQ_FOREACH(cm, &vscsi_copy_managers, next) {
        send_lun(cm, now, &next);
    }
    if (next != INT64_MAX) {
        timer_mod_anticipate(events_timer, next);
    }
}

void vscsi_events_init(void)
{
    if (!events_bh) {
        events_bh = qemu_bh_new(send_all, NULL);
        events_timer = timer_new_ms(event_clock(), send_all, NULL);
    }
}

void vscsi_events_flush(VscsiCopyManager *cm)
{
    int64_t next = INT64_MAX;

    /* as if the time had come */
    send_lun(cm, INT64_MAX - EVENT_PERIOD_MS, &next);
}

void vscsi_event_token_ended(const VscsiTokenInfo *info, VscsiTokenStatus cause)
{
    VscsiCopyManager *cm;

    if (cause != VSCSI_TOKEN_REVOKED && cause != VSCSI_TOKEN_CANCELLED) {
        return;
    }
    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        cm = find_lun(info->lun_key);
        if (!cm) {
            return;
        }
        cm->events.token.id = info->id;
        cm->events.token.bytes = info->bytes;
        cm->events.token.cause = cause;
        gate_hold(&cm->events.token.gate);
    }
    qemu_bh_schedule(events_bh);
}

void vscsi_event_fallback(VscsiCopyManager *dst, uint64_t src_key,
                          OffloadReason reason, int error)
{
    trace_vscsi_fallback(dst->key, src_key, offload_reason_str(reason), error);
    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        dst->events.fallback.src_key = src_key;
        dst->events.fallback.reason = reason;
        dst->events.fallback.error = error;
        gate_hold(&dst->events.fallback.gate);
    }
    qemu_bh_schedule(events_bh);
}

void vscsi_event_job_fallback(const char *job, const char *source,
                              const char *target, OffloadReason reason,
                              int error)
{
    trace_vscsi_event_fallback(job, offload_reason_str(reason), 0);
    qapi_event_send_vscsi_offload_fallback(
        NULL, NULL, job, vscsi_qapi_reason(reason),
        error ? strerror(-error) : NULL, NULL, source, target, 0);
}
