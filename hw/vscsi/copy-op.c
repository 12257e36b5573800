/*
 * Copy operations: running, parking, ending
 *
 * States and invariants: copy-manager.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "block/aio-wait.h"
#include "block/aio.h"
#include "scsi/constants.h"
#include "system/block-backend.h"
#include "copy-manager.h"
#include "trace.h"

/* Operations of all LUNs that are not ENDED; under vscsi_copy_lock */
static QTAILQ_HEAD(, VscsiOp) ops = QTAILQ_HEAD_INITIALIZER(ops);

/* Stands in req->aiocb, so that the bus can cancel a request that copies */
typedef struct VscsiOpAIOCB {
    BlockAIOCB common;
    VscsiOp *op;
} VscsiOpAIOCB;

static void op_cancel_async(BlockAIOCB *acb)
{
    VscsiOp *op = container_of(acb, VscsiOpAIOCB, common)->op;

    vscsi_op_cancel(op);
    vscsi_op_resume(op);
}

static const AIOCBInfo op_aiocb_info = {
    .aiocb_size = sizeof(VscsiOpAIOCB),
    .cancel_async = op_cancel_async,
};

static void op_free(VscsiCopyOp *base)
{
    g_free(container_of(base, VscsiOp, base));
}

/* A piece of the copy could not be offloaded; in the operation's thread */
static void op_fell_back(OffloadReason reason, int error, void *opaque)
{
    VscsiOp *op = opaque;

    vscsi_event_fallback(op->dst ?: op->cm, op->src ? op->src->key : 0, reason,
                         error);
}

VscsiOp *vscsi_op_new(VscsiCopyManager *cm, VscsiCopyReq *req,
                      VscsiOpFunc *run)
{
    VscsiOp *op = g_new0(VscsiOp, 1);

    vscsi_copy_op_init(&op->base, op_free);
    op->cm = cm;
    op->req = req;
    op->run = run;
    op->ctx = qemu_get_current_aio_context();
    op->block_size = cm->dev->blocksize;
    op->status = GOOD;
    op->task.stats = &cm->stats;
    op->task.fallback = op_fell_back;
    op->task.opaque = op;
    op->state = VSCSI_OP_RUNNING;
    qemu_co_queue_init(&op->waiters);
    return op;
}

/* What an operation holds */
static void op_release(VscsiOp *op)
{
    if (op->cleanup) {
        op->cleanup(op);
    }
    if (op->use) {
        vscsi_token_use_end(op->use);
    }
    vscsi_copy_release(op->src);
    vscsi_copy_release(op->dst);
}

void vscsi_op_discard(VscsiOp *op)
{
    op_release(op);
    vscsi_copy_op_unref(&op->base);
}

bool vscsi_op_begin(VscsiCopyReq *r, VscsiOp *op,
                    const VscsiCopyParams *params)
{
    VscsiCopyBegin begin = vscsi_copy_list_begin(op->cm->list, params,
                                                 &op->serial);

    if (begin == VSCSI_COPY_BEGIN_OK) {
        op->listed = true;
        return true;
    }
    trace_vscsi_op_refused(op->cm->key, params->list_id, begin);
    vscsi_op_discard(op);
    switch (begin) {
    case VSCSI_COPY_BEGIN_DUPLICATE:
        vscsi_copy_req_fail(r, vscsi_sense(VSCSI_SENSE_OPERATION_IN_PROGRESS));
        break;
    case VSCSI_COPY_BEGIN_OTHER_FORM:
        vscsi_copy_req_fail(r, vscsi_sense(VSCSI_SENSE_INVALID_FIELD_IN_PARAM));
        break;
    default:
        scsi_req_complete(&r->req, TASK_SET_FULL);
        break;
    }
    return false;
}

/* The operation is over: tell everybody.  In op->ctx. */
static void coroutine_fn op_end(VscsiOp *op)
{
    VscsiCopyReq *r = op->req;

    trace_vscsi_op_end(op->cm->key, op, op->status, op->result.state,
                       vscsi_sense_code(&op->sense));
    if (op->listed &&
        !vscsi_copy_list_end(op->cm->list, op->serial, &op->result) &&
        op->result.token) {
        /* After a reset nobody can ask for it: it must not hold its ROD */
        vscsi_token_store_end_id(vscsi_copy_tokens(),
                                 vscsi_rod_token_id(op->result.token),
                                 VSCSI_TOKEN_DELETED);
    }
    op_release(op);
    vscsi_copy_timer_rearm();
    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        op->state = VSCSI_OP_ENDED;
        QTAILQ_REMOVE(&ops, op, next);
        qemu_co_queue_restart_all(&op->waiters);
    }
    if (r) {
        BlockAIOCB *acb = r->req.aiocb;

        r->req.aiocb = NULL;
        r->op = NULL;
        if (acb) {
            qemu_aio_unref(acb);
        }
        vscsi_copy_req_ended(r, op);
        scsi_req_unref(&r->req);
    }
}

/* Why an operation does not just go on, read at one moment */
typedef struct OpFlags {
    bool cancel;
    bool abort;
    bool src_gone;
    bool pause;
} OpFlags;

/* Under vscsi_copy_lock, in op->ctx */
static OpFlags op_flags(VscsiOp *op)
{
    return (OpFlags) {
        /*
         * A reset cancels requests by the bus, and only those that it knew;
         * until then they park.
         */
        .cancel = (op->req ? op->req->req.io_canceled : op->cancel) ||
                  op->cm->gone || (op->dst && op->dst->gone),
        .abort = op->abort,
        .src_gone = op->src && op->src->gone,
        .pause = op->cm->paused || op->cm->resetting,
    };
}

/*
 * RUNNING -> PARKED.  False: it would stay so for ever, since after run() has
 * looked at the flags, what it parks for went by or somebody told it to end;
 * they resume only what is PARKED.
 */
static bool op_park(VscsiOp *op)
{
    VscsiCopyManager *cm = op->cm;
    OpFlags flags;

    QEMU_LOCK_GUARD(&vscsi_copy_lock);
    flags = op_flags(op);
    if (flags.cancel || flags.abort || flags.src_gone ||
        !(flags.pause || op->stops_vm)) {
        return false;
    }
    trace_vscsi_op_park(cm->key, op, op->task.done);
    /* The bus starts it again when the VM goes on, or cancels it */
    if (op->req) {
        scsi_req_retry(&op->req->req);
    }
    /* when the lock is free, another thread may resume it */
    op->state = VSCSI_OP_PARKED;
    qatomic_dec(&cm->active);
    return true;
}

static void coroutine_fn op_entry(void *opaque)
{
    VscsiOp *op = opaque;
    VscsiCopyManager *cm = op->cm;

    op->stops_vm = false;
    while (!op->run(op)) {
        if (op_park(op)) {
            aio_wait_kick();
            return;
        }
        op->stops_vm = false;
    }
    op_end(op);
    vscsi_copy_op_unref(&op->base);
    qatomic_dec(&cm->active);
    /* the last: after it @cm may be gone */
    qatomic_dec(&cm->ops);
    aio_wait_kick();
}

void vscsi_op_start(VscsiOp *op)
{
    VscsiCopyManager *cm = op->cm;

    if (op->req) {
        VscsiOpAIOCB *acb = qemu_aio_get(&op_aiocb_info, NULL, NULL, NULL);

        acb->op = op;
        op->req->op = op;
        op->req->req.aiocb = &acb->common;
        scsi_req_ref(&op->req->req);
    }
    qatomic_inc(&cm->ops);
    qatomic_inc(&cm->active);
    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        QTAILQ_INSERT_TAIL(&ops, op, next);
    }
    trace_vscsi_op_start(cm->key, op, op->req != NULL);
    aio_co_enter(op->ctx, qemu_coroutine_create(op_entry, op));
}

void vscsi_op_resume(VscsiOp *op)
{
    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        if (op->state != VSCSI_OP_PARKED) {
            return;
        }
        op->state = VSCSI_OP_RUNNING;
        qatomic_inc(&op->cm->active);
    }
    trace_vscsi_op_resume(op->cm->key, op);
    aio_co_schedule(op->ctx, qemu_coroutine_create(op_entry, op));
}

VscsiOpCheck vscsi_op_check(VscsiOp *op)
{
    OpFlags flags;

    /* Before the flags are read: who sets a flag sets stop after it */
    qatomic_set(&op->task.stop, 0);
    /* pairs with the lock that they hold between both */
    smp_mb();
    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        flags = op_flags(op);
    }
    if (flags.abort || flags.cancel || flags.pause || flags.src_gone) {
        trace_vscsi_op_check(op->cm->key, op, flags.abort, flags.cancel,
                             flags.pause, flags.src_gone);
    }
    if (flags.abort || flags.cancel) {
        op->status = CHECK_CONDITION;
        op->sense = vscsi_sense(VSCSI_SENSE_COMMANDS_CLEARED);
        op->result = (VscsiCopyResult) {
            .state = VSCSI_COPY_TERMINATED,
            .completion_status = VSCSI_STATUS_TASK_ABORTED,
            .count = (op->done_before + op->task.done) / op->block_size,
            .segments = op->segments,
        };
        return VSCSI_OP_TERMINATE;
    }
    /* before a pause: who unplugs the source of a stopped VM waits for it */
    if (flags.src_gone) {
        vscsi_op_failed(op, op->use ? vscsi_sense(VSCSI_SENSE_TOKEN_CANCELLED)
                        : vscsi_sense(VSCSI_SENSE_UNREACHABLE_COPY_TARGET),
                        op->task.done / op->block_size);
        return VSCSI_OP_TERMINATE;
    }
    if (flags.pause) {
        return VSCSI_OP_PARK;
    }
    return VSCSI_OP_GO;
}

void vscsi_op_abort(VscsiOp *op)
{
    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        op->abort = true;
    }
    offload_stop(&op->task);
    vscsi_op_resume(op);
}

void coroutine_fn vscsi_op_wait(VscsiOp *op)
{
    qemu_mutex_lock(&vscsi_copy_lock);
    while (op->state != VSCSI_OP_ENDED) {
        qemu_co_queue_wait(&op->waiters, &vscsi_copy_lock);
    }
    qemu_mutex_unlock(&vscsi_copy_lock);
}

void vscsi_op_cancel(VscsiOp *op)
{
    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        op->cancel = true;
    }
    offload_stop(&op->task);
}

void vscsi_op_good(VscsiOp *op, uint64_t count, uint64_t asked)
{
    op->status = GOOD;
    op->result = (VscsiCopyResult) {
        .state = count == asked ? VSCSI_COPY_OK : VSCSI_COPY_PARTIAL,
        .completion_status = VSCSI_STATUS_GOOD,
        .count = count,
        .segments = op->segments,
    };
}

void vscsi_op_failed(VscsiOp *op, VscsiSense sense, uint64_t count)
{
    op->status = CHECK_CONDITION;
    op->sense = sense;
    op->result = (VscsiCopyResult) {
        .state = count ? VSCSI_COPY_PARTIAL : VSCSI_COPY_ERROR,
        .completion_status = VSCSI_STATUS_CHECK_CONDITION,
        .has_sense = true,
        .sense = sense,
        .count = count,
        .segments = op->segments,
    };
}

bool vscsi_op_error(VscsiOp *op, OffloadEnd end)
{
    bool is_read = end == OFFLOAD_END_READ_ERROR;
    BlockBackend *blk = op->task.dst;
    BlockErrorAction action;

    if (is_read) {
        blk = op->task.rod ? rod_blk(op->task.rod) : op->task.src;
    }
    action = blk_get_error_action(blk, is_read, -op->task.error);
    trace_vscsi_op_error(op->cm->key, op, is_read, op->task.error, action);
    if (action == BLOCK_ERROR_ACTION_IGNORE) {
        /* There is no data to go on with */
        action = BLOCK_ERROR_ACTION_REPORT;
    }
    blk_error_action(blk, action, is_read, -op->task.error);
    op->stops_vm = action == BLOCK_ERROR_ACTION_STOP;
    return !op->stops_vm;
}

VscsiSense vscsi_op_end_sense(VscsiOp *op, OffloadEnd end)
{
    switch (end) {
    case OFFLOAD_END_ROD:
        switch (rod_state(op->task.rod)) {
        case ROD_OVERWRITTEN:
        case ROD_SHRUNK:
            return vscsi_sense(VSCSI_SENSE_TOKEN_REVOKED);
        default:
            return vscsi_sense(VSCSI_SENSE_TOKEN_CANCELLED);
        }
    case OFFLOAD_END_WRITE_ERROR:
        switch (op->task.error) {
        case -ENOSPC:
            return vscsi_sense(VSCSI_SENSE_ABORTED_NO_RESOURCES);
        case -EROFS:
        case -EPERM:
        case -EACCES:
            return vscsi_sense(VSCSI_SENSE_WRITE_PROTECTED);
        }
        /* fall through */
    default:
        return vscsi_sense(VSCSI_SENSE_THIRD_PARTY_DEVICE_FAILURE);
    }
}

void vscsi_op_update_progress(VscsiCopyManager *cm)
{
    VscsiOp *op;

    QEMU_LOCK_GUARD(&vscsi_copy_lock);
    QTAILQ_FOREACH(op, &ops, next) {
        uint64_t done = op->done_before +
                        qatomic_read__nocheck(&op->task.done);

        /* the OPERATION COUNTER counts what was done, not who asked */
        if (op->cm == cm && op->listed && done != op->done_reported) {
            op->done_reported = done;
            vscsi_copy_list_progress(cm->list, op->serial,
                                     done / op->block_size, op->segments);
        }
    }
}

void vscsi_ops_stop(VscsiCopyManager *cm, bool cancel, bool also_users)
{
    VscsiOp *op;

    QEMU_LOCK_GUARD(&vscsi_copy_lock);
    QTAILQ_FOREACH(op, &ops, next) {
        bool own = op->cm == cm;

        if (!own && !(also_users && (op->src == cm || op->dst == cm))) {
            continue;
        }
        if (cancel && own) {
            op->cancel = true;
        }
        offload_stop(&op->task);
    }
}

void vscsi_ops_resume(VscsiCopyManager *cm, bool background_only)
{
    g_autoptr(GPtrArray) parked = g_ptr_array_new();
    VscsiOp *op;

    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        QTAILQ_FOREACH(op, &ops, next) {
            if ((op->cm == cm || op->src == cm || op->dst == cm) &&
                op->state == VSCSI_OP_PARKED &&
                !(background_only && op->req)) {
                vscsi_copy_op_ref(&op->base);
                g_ptr_array_add(parked, op);
            }
        }
    }
    for (guint i = 0; i < parked->len; i++) {
        op = g_ptr_array_index(parked, i);
        vscsi_op_resume(op);
        vscsi_copy_op_unref(&op->base);
    }
}
