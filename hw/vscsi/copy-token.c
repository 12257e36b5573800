/*
 * POPULATE TOKEN and WRITE USING TOKEN (SBC-3 5.18 and 5.50)
 *
 * POPULATE TOKEN makes a Rod of the ranges and gives it to the token store:
 * nothing is read.  WRITE USING TOKEN asks the store for the Rod again and
 * copies it through the backend of this LUN.  Errors and partial transfers:
 * sections 4 and 5 of the spec file.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/timer.h"
#include "scsi/constants.h"
#include "system/block-backend.h"
#include "copy-manager.h"
#include "ide-refusal.h"
#include "trace.h"

/* The ranges of a parameter list as ranges of the backend */
static RodRange *to_rod_ranges(const VscsiRangeList *list, uint32_t block_size)
{
    RodRange *ranges = g_new(RodRange, MAX(list->n, 1));

    for (unsigned i = 0; i < list->n; i++) {
        ranges[i] = (RodRange) {
            .offset = list->range[i].lba * block_size,
            .bytes = list->range[i].blocks * block_size,
        };
    }
    return ranges;
}

/* Enter the operation in the copy list; false: the request has ended */
static bool token_op_begin(VscsiCopyReq *r, VscsiOp *op, bool immed,
                           uint64_t blocks)
{
    VscsiCopyParams params = {
        .list_id = r->cdb.list_id,
        .service_action = r->cdb.service_action,
        .form = VSCSI_COPY_LID4,
        .immed = immed,
        .transfer_units = VSCSI_UNITS_BLOCKS,
        .asked = blocks,
        .op = &op->base,
    };

    return vscsi_op_begin(r, op, &params);
}

/* IMMED=1: the command is done, the operation goes on without it */
static void token_op_go(VscsiCopyReq *r, VscsiOp *op, bool immed)
{
    if (immed) {
        op->req = NULL;
    }
    vscsi_op_start(op);
    if (immed) {
        scsi_req_complete(&r->req, GOOD);
    }
}

/* --------------------------------------------------------- POPULATE TOKEN */

typedef struct PtData {
    RodRange *ranges;
    unsigned nr_ranges;
    uint64_t blocks;
    uint32_t inactivity_s;
    uint32_t rod_type;
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
} PtData;

static void pt_cleanup(VscsiOp *op)
{
    PtData *pt = op->data;

    g_free(pt->ranges);
    g_free(pt);
}

/* A write came first, or the disk was taken away: the token ends with it */
static VscsiTokenStatus rod_end_cause(RodState state)
{
    return state == ROD_OVERWRITTEN || state == ROD_SHRUNK ?
           VSCSI_TOKEN_REVOKED : VSCSI_TOKEN_CANCELLED;
}

static void pt_rod_ended(Rod *rod, RodState why, void *opaque)
{
    vscsi_token_store_end_payload(vscsi_copy_tokens(), rod,
                                  rod_end_cause(why));
}

/* What READ CAPACITY(16) says, the creator, its device: as a token has them */
static void pt_token_body(VscsiOp *op, VscsiRodToken *body)
{
    VscsiCopyManager *cm = op->cm;
    PtData *pt = op->data;
    BlockConf *conf = &cm->dev->conf;

    *body = (VscsiRodToken) {
        .type = pt->rod_type,
        .bytes = pt->blocks * op->block_size,
        .block_length = op->block_size,
        .blocks_per_physical_exponent = get_physical_block_exp(conf),
        .lbpme = conf->discard_granularity != 0,
        .creator.device_type = cm->dev->type & 0x1f,
        .creator.block_length = op->block_size,
    };
    vscsi_copy_designator(cm, &body->creator.designator);
    vscsi_copy_designator(cm, &body->target);
    body->target.association = VSCSI_ASSOC_DEVICE;
}

static bool coroutine_fn pt_run(VscsiOp *op)
{
    VscsiCopyManager *cm = op->cm;
    PtData *pt = op->data;
    VscsiRodToken body;
    VscsiTokenParams params = {
        .lun_key = cm->key,
        .timeout_s = pt->inactivity_s,
        .max_lun_tokens = cm->conf->max_tokens,
        .body = &body,
    };
    VscsiTokenAddResult added;
    Error *err = NULL;
    RodState state;
    Rod *rod;

    switch (vscsi_op_check(op)) {
    case VSCSI_OP_PARK:
        return false;
    case VSCSI_OP_TERMINATE:
        return true;
    case VSCSI_OP_GO:
        break;
    }
    if (vscsi_ide_co_refused(cm)) {
        vscsi_op_failed(op, vscsi_sense(VSCSI_SENSE_INVALID_OPCODE), 0);
        return true;
    }
    if (!pt->blocks) {
        vscsi_op_good(op, 0, 0);
        return true;
    }
    rod = rod_co_create(cm->blk, pt->ranges, pt->nr_ranges, pt_rod_ended, NULL,
                        &err);
    if (!rod) {
        trace_vscsi_pt_no_rod(cm->key, op, error_get_pretty(err));
        error_free(err);
        vscsi_op_failed(op, vscsi_sense(VSCSI_SENSE_NO_RESOURCES_ROD), 0);
        return true;
    }
    pt_token_body(op, &body);
    params.payload = rod;
    rod_ref(rod);
    added = vscsi_token_store_add(vscsi_copy_tokens(), &params, pt->token);
    if (added != VSCSI_TOKEN_ADD_OK) {
        trace_vscsi_pt_no_token(cm->key, op, added);
        rod_unref(rod);
        rod_unref(rod);
        vscsi_op_failed(op, vscsi_sense(VSCSI_SENSE_NO_RESOURCES_ROD_TOKEN), 0);
        return true;
    }
    trace_vscsi_pt_token(cm->key, op, vscsi_rod_token_id(pt->token),
                         pt->blocks * op->block_size, pt->nr_ranges);
    /* It may have ended before the store knew it */
    state = rod_state(rod);
    if (state != ROD_LIVE) {
        pt_rod_ended(rod, state, NULL);
    }
    rod_unref(rod);
    vscsi_op_good(op, pt->blocks, pt->blocks);
    op->result.token = pt->token;
    return true;
}

void vscsi_populate_token(VscsiCopyReq *r)
{
    VscsiCopyManager *cm = vscsi_copy_manager(&r->req);
    VscsiLimits limits;
    VscsiSense sense;
    VscsiPt pt;
    PtData *data;
    VscsiOp *op;

    vscsi_copy_limits(cm, &limits);
    if (!vscsi_pt_decode(r->buf, r->buf_len, &limits, &pt, &sense)) {
        vscsi_copy_req_fail(r, sense);
        return;
    }
    data = g_new(PtData, 1);
    *data = (PtData) {
        .ranges = to_rod_ranges(&pt.ranges, limits.block_size),
        .nr_ranges = pt.ranges.n,
        .blocks = pt.ranges.blocks,
        .inactivity_s = pt.inactivity_s,
        /* a write to the source revokes it: that type says so */
        .rod_type = pt.rtv && pt.rod_type == VSCSI_ROD_PIT_DEFAULT ?
                    VSCSI_ROD_PIT_DEFAULT : VSCSI_ROD_PIT_VULNERABLE,
    };
    op = vscsi_op_new(cm, r, pt_run);
    op->data = data;
    op->cleanup = pt_cleanup;
    if (token_op_begin(r, op, pt.immed, pt.ranges.blocks)) {
        token_op_go(r, op, pt.immed);
    }
}

/* ------------------------------------------------------ WRITE USING TOKEN */

typedef struct WutData {
    RodRange *ranges;
    uint64_t asked;             /* blocks in the parameter list */
    uint64_t blocks;            /* of them, what the ROD has */
    bool del_tkn;
} WutData;

static void wut_cleanup(VscsiOp *op)
{
    WutData *wut = op->data;

    g_free(wut->ranges);
    g_free(wut);
}

/* The task has ended: what the guest is told */
static void wut_ended(VscsiOp *op, OffloadEnd end)
{
    WutData *wut = op->data;
    uint64_t count = op->task.done / op->block_size;

    trace_vscsi_wut_end(op->cm->key, op, end, count, wut->asked);

    if (end == OFFLOAD_END_COMPLETE && wut->blocks == wut->asked) {
        vscsi_op_good(op, count, wut->asked);
        if (wut->del_tkn && op->use) {
            vscsi_token_use_delete(op->use);
        }
    } else if (end == OFFLOAD_END_COMPLETE || end == OFFLOAD_END_DEADLINE ||
               count) {
        /* INFORMATION says how far it came; the next try says why */
        vscsi_op_failed(op, vscsi_sense_residual(count), count);
    } else {
        vscsi_op_failed(op, vscsi_op_end_sense(op, end), 0);
    }
}

/* IDE takes no part; true: the end was set */
static bool coroutine_fn wut_refused(VscsiOp *op)
{
    if (vscsi_ide_co_refused(op->cm)) {
        vscsi_op_failed(op, vscsi_sense(VSCSI_SENSE_INVALID_OPCODE), 0);
        return true;
    }
    if (op->src && vscsi_ide_co_refused(op->src)) {
        vscsi_op_failed(op, vscsi_sense(VSCSI_SENSE_TOKEN_CANCELLED), 0);
        return true;
    }
    return false;
}

static bool coroutine_fn wut_run(VscsiOp *op)
{
    VscsiCopyManager *cm = op->cm;

    if (wut_refused(op)) {
        return true;
    }
    if (op->req) {
        /* of this run: a stopped VM does not use it up */
        op->task.deadline_ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME) +
                               (int64_t)cm->conf->sync_time * SCALE_MS;
    }
    for (;;) {
        OffloadEnd end;

        switch (vscsi_op_check(op)) {
        case VSCSI_OP_PARK:
            return false;
        case VSCSI_OP_TERMINATE:
            return true;
        case VSCSI_OP_GO:
            break;
        }
        end = offload_co_run(&op->task);
        switch (end) {
        case OFFLOAD_END_STOPPED:
            continue;
        case OFFLOAD_END_READ_ERROR:
        case OFFLOAD_END_WRITE_ERROR:
            if (!vscsi_op_error(op, end)) {
                return false;
            }
            /* fall through */
        default:
            wut_ended(op, end);
            return true;
        }
    }
}

/*
 * Look up the token and set the source of @op; false with *sense if it is not
 * good.  *blocks becomes what the ROD has for this command.
 */
static bool wut_source(VscsiOp *op, const VscsiWut *wut, uint64_t *blocks,
                       VscsiSense *sense)
{
    VscsiTokenStatus status = vscsi_token_store_use(vscsi_copy_tokens(),
                                                    wut->token, &op->use);
    uint64_t offset, left;

    trace_vscsi_wut_token(op->cm->key, op, vscsi_token_status_str(status),
                          vscsi_rod_token_id(wut->token), wut->offset_blocks);
    if (status == VSCSI_TOKEN_ZERO) {
        return true;
    }
    if (status != VSCSI_TOKEN_LIVE) {
        *sense = vscsi_token_status_sense(status);
        return false;
    }
    op->src = vscsi_copy_hold_key(vscsi_token_use_lun_key(op->use));
    if (!op->src) {
        *sense = vscsi_sense(VSCSI_SENSE_TOKEN_CANCELLED);
        return false;
    }
    offset = wut->offset_blocks * op->block_size;
    if (offset >= vscsi_token_use_bytes(op->use)) {
        *sense = vscsi_sense_param_field(VSCSI_SENSE_INVALID_FIELD_IN_PARAM, 8,
                                         -1);
        return false;
    }
    /* a last block that the ROD fills in part ends in zeroes */
    left = DIV_ROUND_UP(vscsi_token_use_bytes(op->use) - offset,
                        op->block_size);
    *blocks = MIN(*blocks, left);
    op->task.rod = vscsi_token_use_payload(op->use);
    op->task.src_offset = offset;
    return true;
}

void vscsi_write_using_token(VscsiCopyReq *r)
{
    VscsiCopyManager *cm = vscsi_copy_manager(&r->req);
    VscsiLimits limits;
    VscsiSense sense;
    VscsiWut wut;
    WutData *data;
    VscsiOp *op;

    vscsi_copy_limits(cm, &limits);
    if (!vscsi_wut_decode(r->buf, r->buf_len, &limits, &wut, &sense)) {
        vscsi_copy_req_fail(r, sense);
        return;
    }
    if (!blk_is_writable(cm->blk)) {
        vscsi_copy_req_fail(r, vscsi_sense(VSCSI_SENSE_WRITE_PROTECTED));
        return;
    }
    op = vscsi_op_new(cm, r, wut_run);
    data = g_new(WutData, 1);
    *data = (WutData) {
        .ranges = to_rod_ranges(&wut.ranges, limits.block_size),
        .asked = wut.ranges.blocks,
        .blocks = wut.ranges.blocks,
        .del_tkn = wut.del_tkn,
    };
    op->data = data;
    op->cleanup = wut_cleanup;
    if (!wut_source(op, &wut, &data->blocks, &sense)) {
        vscsi_op_discard(op);
        vscsi_copy_req_fail(r, sense);
        return;
    }
    op->task.dst = cm->blk;
    op->task.dst_ranges = data->ranges;
    op->task.nr_dst_ranges = wut.ranges.n;
    op->task.bytes = data->blocks * (int64_t)limits.block_size;
    if (token_op_begin(r, op, wut.immed, wut.ranges.blocks)) {
        token_op_go(r, op, wut.immed);
    }
}
