/*
 * Third-party copy commands that ask (84h), and COPY OPERATION ABORT
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "scsi/constants.h"
#include "copy-manager.h"
#include "trace.h"

/* How often an initiator should ask while an operation runs, milliseconds */
#define STATUS_UPDATE_DELAY 50

/* The record that a query is about; false: the request has been failed */
static bool query_record(VscsiCopyReq *r, VscsiCopyQuery query)
{
    VscsiCopyManager *cm = vscsi_copy_manager(&r->req);

    vscsi_op_update_progress(cm);
    if (!vscsi_copy_list_query(cm->list, query, r->cdb.list_id, &r->record)) {
        vscsi_copy_req_fail(r,
            vscsi_sense_cdb_field(VSCSI_SENSE_INVALID_FIELD_IN_CDB, 2, -1));
        return false;
    }
    if (!r->record.ended) {
        r->record.status.delay_ms = STATUS_UPDATE_DELAY;
    }
    trace_vscsi_query_record(cm->key, r->cdb.list_id, query,
                             r->record.status.state, r->record.status.count);
    r->query = query;
    r->has_record = true;
    return true;
}

static bool query_status(VscsiCopyReq *r, VscsiCopyQuery query,
                         size_t (*encode)(uint8_t *, size_t,
                                          const VscsiCopyStatus *))
{
    const VscsiCopyStatus *status = &r->record.status;
    size_t len;

    if (!query_record(r, query)) {
        return false;
    }
    len = encode(NULL, 0, status);
    encode(vscsi_copy_req_answer(r, len), len, status);
    return true;
}

static bool query_lid1_status(VscsiCopyReq *r)
{
    const VscsiCopyStatus *status = &r->record.status;
    VscsiLid1State state = VSCSI_LID1_IN_PROGRESS;
    uint64_t bytes;
    size_t len;

    if (!query_record(r, VSCSI_COPY_QUERY_LID1_STATUS)) {
        return false;
    }
    if (r->record.ended) {
        state = status->state == VSCSI_COPY_OK ?
                VSCSI_LID1_OK : VSCSI_LID1_ERROR;
    }
    bytes = status->count *
            vscsi_copy_manager(&r->req)->dev->blocksize;
    len = vscsi_lid1_status_encode(NULL, 0, state, 0, 0);
    vscsi_lid1_status_encode(vscsi_copy_req_answer(r, len), len, state,
                             status->segments, bytes);
    return true;
}

static bool query_lid1_failure(VscsiCopyReq *r)
{
    const VscsiCopyStatus *status = &r->record.status;
    const VscsiSense *sense;
    size_t len;

    if (!query_record(r, VSCSI_COPY_QUERY_LID1_FAILURE)) {
        return false;
    }
    sense = status->has_sense ? &status->sense : NULL;
    len = vscsi_lid1_failure_encode(NULL, 0, status->completion_status, sense);
    vscsi_lid1_failure_encode(vscsi_copy_req_answer(r, len), len,
                              status->completion_status, sense);
    return true;
}

static bool query_parameters(VscsiCopyReq *r)
{
    VscsiXcopyLimits limits;
    size_t len;

    vscsi_copy_xcopy_limits(vscsi_copy_manager(&r->req), &limits);
    len = vscsi_copy_parameters_encode(NULL, 0, &limits);
    vscsi_copy_parameters_encode(vscsi_copy_req_answer(r, len), len, &limits);
    return true;
}

/* All tokens of the copy manager: those that this LUN created */
static bool query_all_tokens(VscsiCopyReq *r)
{
    VscsiCopyManager *cm = vscsi_copy_manager(&r->req);
    unsigned n;
    g_autofree VscsiTokenInfo *info =
        vscsi_token_store_list(vscsi_copy_tokens(), &cm->key, &n);
    g_autofree const uint8_t **tokens = g_new(const uint8_t *, n + 1);
    size_t len;

    for (unsigned i = 0; i < n; i++) {
        tokens[i] = info[i].management;
    }
    len = vscsi_report_tokens_encode(NULL, 0, tokens, n);
    vscsi_report_tokens_encode(vscsi_copy_req_answer(r, len), len, tokens, n);
    return true;
}

bool vscsi_copy_query(VscsiCopyReq *r)
{
    switch (r->cdb.command) {
    case VSCSI_CMD_RECEIVE_ROD_TOKEN_INFORMATION:
        return query_status(r, VSCSI_COPY_QUERY_RRTI, vscsi_rrti_encode);
    case VSCSI_CMD_RECEIVE_COPY_STATUS_LID4:
        return query_status(r, VSCSI_COPY_QUERY_RCS4, vscsi_rcs4_encode);
    case VSCSI_CMD_RECEIVE_COPY_STATUS_LID1:
        return query_lid1_status(r);
    case VSCSI_CMD_RECEIVE_COPY_FAILURE_LID1:
        return query_lid1_failure(r);
    case VSCSI_CMD_RECEIVE_COPY_PARAMETERS:
        return query_parameters(r);
    case VSCSI_CMD_REPORT_ALL_ROD_TOKENS:
        return query_all_tokens(r);
    default:
        g_assert_not_reached();
    }
}

/* --------------------------------------------------- COPY OPERATION ABORT */

/*
 * Waits until the other operation has ended.  Never parks: that one ends even
 * while the VM is stopped, since an abort comes before a pause.
 */
static bool coroutine_fn abort_run(VscsiOp *op)
{
    VscsiOp *target = op->data;

    vscsi_op_abort(target);
    vscsi_op_wait(target);
    vscsi_op_good(op, 0, 0);
    return true;
}

static void abort_cleanup(VscsiOp *op)
{
    VscsiOp *target = op->data;

    vscsi_copy_op_unref(&target->base);
}

void vscsi_copy_operation_abort(VscsiCopyReq *r)
{
    VscsiCopyManager *cm = vscsi_copy_manager(&r->req);
    VscsiCopyOp *base = vscsi_copy_list_abort(cm->list, r->cdb.list_id);
    VscsiOp *op;

    if (!base) {
        vscsi_copy_req_fail(r,
            vscsi_sense_cdb_field(VSCSI_SENSE_INVALID_FIELD_IN_CDB, 2, -1));
        return;
    }
    trace_vscsi_abort(cm->key, r->cdb.list_id);
    op = vscsi_op_new(cm, r, abort_run);
    op->data = container_of(base, VscsiOp, base);
    op->cleanup = abort_cleanup;
    vscsi_op_start(op);
}
