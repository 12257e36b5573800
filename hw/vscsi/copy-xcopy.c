/*
 * EXTENDED COPY(LID1) (SPC-4 6.4)
 *
 * Copies segment by segment between LUNs of this virtual machine, which the
 * CSCD descriptors name by their NAA designators; the LUN that gets the command
 * need not be one of them.  The data is what the source holds while it is
 * copied, not that of one point in time: the standard asks no more.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "scsi/constants.h"
#include "system/block-backend.h"
#include "copy-manager.h"
#include "ide-refusal.h"
#include "trace.h"

typedef struct XcopyData {
    VscsiXcopy list;
    unsigned segment;           /* the one that runs, or comes next */
    bool in_segment;            /* op->task is set for it */
    RodRange dst_range;
} XcopyData;

static void xcopy_cleanup(VscsiOp *op)
{
    g_free(op->data);
}

/* Release the LUNs of a segment that is over */
static void xcopy_release(VscsiOp *op)
{
    VscsiCopyManager *src, *dst;

    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        src = op->src;
        dst = op->dst;
        op->src = op->dst = NULL;
    }
    vscsi_copy_release(src);
    vscsi_copy_release(dst);
}

/* Hold the LUN that a CSCD identifier means; NULL: it cannot be reached */
static VscsiCopyManager *xcopy_lun(VscsiOp *op, uint16_t id)
{
    XcopyData *x = op->data;
    const VscsiDesignator *d;
    VscsiCopyManager *cm;

    if (id == VSCSI_CSCD_ID_THIS_LUN) {
        return vscsi_copy_hold_key(op->cm->key);
    }
    if (id >= x->list.n_cscds) {
        return NULL;
    }
    d = &x->list.cscd[id].designator;
    if (d->type != VSCSI_DESIGNATOR_NAA || d->length != 8 ||
        d->association != VSCSI_ASSOC_LUN) {
        return NULL;
    }
    cm = vscsi_copy_hold_naa(ldq_be_p(d->bytes), op->cm);
    if (cm && x->list.cscd[id].block_length &&
        x->list.cscd[id].block_length != cm->dev->blocksize) {
        /* not the disk that the initiator takes it for */
        vscsi_copy_release(cm);
        return NULL;
    }
    return cm;
}

/* Where a segment reads and writes, in bytes; false: out of range, inexact */
typedef struct XcopyPlace {
    uint64_t src;
    uint64_t dst;
    uint64_t bytes;
} XcopyPlace;

static bool xcopy_in_range(VscsiCopyManager *cm, uint64_t lba, uint32_t offset,
                           uint64_t bytes, uint64_t *place)
{
    VscsiLimits limits;
    uint64_t capacity;

    vscsi_copy_limits(cm, &limits);
    if (lba > limits.capacity_blocks || offset >= limits.block_size) {
        return false;
    }
    capacity = limits.capacity_blocks * limits.block_size;
    *place = lba * limits.block_size + offset;
    return *place <= capacity && bytes <= capacity - *place;
}

static bool xcopy_place(VscsiOp *op, const VscsiSegment *s, XcopyPlace *p,
                        VscsiSenseCode *code)
{
    uint32_t src_block = op->src->dev->blocksize;
    uint32_t dst_block = op->dst->dev->blocksize;

    if (s->type == VSCSI_SEGMENT_BLOCK_OFFSET) {
        p->bytes = s->bytes;
    } else {
        p->bytes = (uint64_t)s->blocks * (s->dc ? dst_block : src_block);
        if (p->bytes % src_block || p->bytes % dst_block) {
            *code = VSCSI_SENSE_INEXACT_SEGMENT;
            return false;
        }
    }
    *code = VSCSI_SENSE_COPY_TARGET_NOT_REACHABLE;
    return xcopy_in_range(op->src, s->source_lba, s->source_offset, p->bytes,
                          &p->src) &&
           xcopy_in_range(op->dst, s->dest_lba, s->dest_offset, p->bytes,
                          &p->dst);
}

/* Set op->task for the next segment; false: *code says why not */
static bool coroutine_fn xcopy_begin_segment(VscsiOp *op,
                                             VscsiSenseCode *code)
{
    XcopyData *x = op->data;
    const VscsiSegment *s = &x->list.segment[x->segment];
    VscsiCopyManager *src = xcopy_lun(op, s->source_id);
    VscsiCopyManager *dst = xcopy_lun(op, s->dest_id);
    XcopyPlace place;

    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        op->src = src;
        op->dst = dst;
    }
    if (!src || !dst || vscsi_ide_co_refused(src) ||
        vscsi_ide_co_refused(dst)) {
        *code = VSCSI_SENSE_UNREACHABLE_COPY_TARGET;
        return false;
    }
    if (!xcopy_place(op, s, &place, code)) {
        return false;
    }
    if (!blk_is_writable(dst->blk)) {
        *code = VSCSI_SENSE_THIRD_PARTY_DEVICE_FAILURE;
        return false;
    }
    x->dst_range = (RodRange) { .offset = place.dst, .bytes = place.bytes };
    op->task.src = src->blk;
    op->task.src_offset = place.src;
    op->task.dst = dst->blk;
    op->task.dst_ranges = &x->dst_range;
    op->task.nr_dst_ranges = 1;
    op->task.bytes = place.bytes;
    op->task.stats = &dst->stats;
    qatomic_set__nocheck(&op->task.done, 0);
    x->in_segment = true;
    trace_vscsi_xcopy_segment(op->cm->key, op, x->segment, src->key, place.src,
                              dst->key, place.dst, place.bytes);
    return true;
}

static void xcopy_end_segment(VscsiOp *op)
{
    XcopyData *x = op->data;

    /* vscsi_op_update_progress() adds both up */
    WITH_QEMU_LOCK_GUARD(&vscsi_copy_lock) {
        op->done_before += op->task.done;
        qatomic_set__nocheck(&op->task.done, 0);
        op->segments++;
    }
    xcopy_release(op);
    x->in_segment = false;
    x->segment++;
}

static void xcopy_failed(VscsiOp *op, VscsiSenseCode code)
{
    XcopyData *x = op->data;
    uint64_t total = op->done_before + op->task.done;
    bool some = x->in_segment && op->task.done;
    uint64_t residual = 0;

    trace_vscsi_xcopy_failed(op->cm->key, op, x->segment, code, total);
    if (some) {
        residual = (op->task.bytes - op->task.done) /
                   op->dst->dev->blocksize;
    }
    vscsi_op_failed(op, vscsi_sense_segment(code, x->segment, some, residual),
                    total / op->block_size);
    /* RECEIVE COPY STATUS(LID1) knows no part: it is an error */
    op->result.state = VSCSI_COPY_ERROR;
}

static bool coroutine_fn xcopy_run(VscsiOp *op)
{
    XcopyData *x = op->data;

    for (;;) {
        VscsiSenseCode code;
        OffloadEnd end;

        switch (vscsi_op_check(op)) {
        case VSCSI_OP_PARK:
            return false;
        case VSCSI_OP_TERMINATE:
            return true;
        case VSCSI_OP_GO:
            break;
        }
        if (x->segment == x->list.n_segments) {
            vscsi_op_good(op, op->done_before / op->block_size,
                          op->done_before / op->block_size);
            return true;
        }
        if (!x->in_segment) {
            if (!xcopy_begin_segment(op, &code)) {
                xcopy_failed(op, code);
                return true;
            }
            /* its LUNs may have been told to go before they were known */
            continue;
        }
        end = op->task.bytes ? offload_co_run(&op->task) : OFFLOAD_END_COMPLETE;
        switch (end) {
        case OFFLOAD_END_COMPLETE:
            xcopy_end_segment(op);
            break;
        case OFFLOAD_END_READ_ERROR:
        case OFFLOAD_END_WRITE_ERROR:
            if (!vscsi_op_error(op, end)) {
                return false;
            }
            xcopy_failed(op, VSCSI_SENSE_THIRD_PARTY_DEVICE_FAILURE);
            return true;
        default:
            break;
        }
    }
}

void vscsi_extended_copy(VscsiCopyReq *r)
{
    VscsiCopyManager *cm = vscsi_copy_manager(&r->req);
    XcopyData *x = g_new0(XcopyData, 1);
    VscsiXcopyLimits limits;
    VscsiCopyParams params;
    VscsiSense sense;
    VscsiOp *op;

    vscsi_copy_xcopy_limits(cm, &limits);
    if (!vscsi_xcopy_decode(r->buf, r->buf_len, &limits, &x->list, &sense)) {
        g_free(x);
        vscsi_copy_req_fail(r, sense);
        return;
    }
    op = vscsi_op_new(cm, r, xcopy_run);
    op->data = x;
    op->cleanup = xcopy_cleanup;
    params = (VscsiCopyParams) {
        .list_id = x->list.list_id,
        .service_action = VSCSI_SA_EXTENDED_COPY_LID1,
        .form = VSCSI_COPY_LID1,
        .anonymous = x->list.usage == VSCSI_LIST_ID_NONE,
        .transfer_units = VSCSI_UNITS_BLOCKS,
        .op = &op->base,
    };
    if (vscsi_op_begin(r, op, &params)) {
        vscsi_op_start(op);
    }
}
