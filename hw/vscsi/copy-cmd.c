/*
 * Requests of the third-party copy commands, 83h and 84h
 *
 * Between the SCSI bus and the service actions: takes parameter lists in, sends
 * answers out, ends requests, saves them in the VM's state.
 *
 * A data-out request (83h) goes: send_command -> -length; the bus calls
 * write_data; that takes the list with one scsi_req_data() call; the bus calls
 * write_data again, which runs the service action.  While its operation is
 * parked the bus may call write_data once more (retry): that resumes it.
 * A data-in request (84h) goes: send_command fills the answer; read_data sends
 * it; read_data again completes.
 *
 * All of it runs in req->ctx.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/units.h"
#include "migration/qemu-file-types.h"
#include "scsi/constants.h"
#include "system/block-backend.h"
#include "copy-manager.h"
#include "ide-refusal.h"
#include "trace.h"

/* Answers are padded up to this: some HBAs fail on short ones */
#define ANSWER_PAD_MAX  (64 * KiB)

static VscsiCopyReq *to_copy_req(SCSIRequest *req)
{
    return container_of(req, VscsiCopyReq, req);
}

void vscsi_copy_req_fail(VscsiCopyReq *r, VscsiSense sense)
{
    SCSIRequest *req = &r->req;

    trace_vscsi_copy_fail(req->dev->id, req->lun, req->cmd.buf[0],
                          req->cmd.buf[1] & 0x1f, vscsi_sense_code(&sense));
    vscsi_copy_count_reject(vscsi_copy_manager(req), &sense);
    vscsi_sense_encode_fixed(&sense, req->sense);
    req->sense_len = VSCSI_SENSE_FIXED_LEN;
    scsi_req_complete(req, CHECK_CONDITION);
}

void vscsi_copy_req_ended(VscsiCopyReq *r, VscsiOp *op)
{
    if (r->req.io_canceled) {
        scsi_req_cancel_complete(&r->req);
    } else if (op->status == CHECK_CONDITION) {
        vscsi_copy_req_fail(r, op->sense);
    } else {
        scsi_req_complete(&r->req, op->status);
    }
}

uint8_t *vscsi_copy_req_answer(VscsiCopyReq *r, size_t len)
{
    size_t alloc = r->req.cmd.xfer;

    r->answer_len = len;
    r->buf_len = MIN(alloc, MAX(len, ANSWER_PAD_MAX));
    r->buf = g_malloc0(MAX(len, r->buf_len));
    return r->buf;
}

static void copy_req_free(SCSIRequest *req)
{
    VscsiCopyReq *r = to_copy_req(req);

    assert(!r->op);
    g_free(r->buf);
    /* the last: after it the LUN's copy manager may be gone */
    vscsi_copy_release(r->cm);
}

static uint8_t *copy_req_get_buf(SCSIRequest *req)
{
    return to_copy_req(req)->buf;
}

/* The parameter list is there: go */
static void copy_out_run(VscsiCopyReq *r)
{
    switch (r->cdb.command) {
    case VSCSI_CMD_POPULATE_TOKEN:
        vscsi_populate_token(r);
        break;
    case VSCSI_CMD_WRITE_USING_TOKEN:
        vscsi_write_using_token(r);
        break;
    case VSCSI_CMD_EXTENDED_COPY_LID1:
        vscsi_extended_copy(r);
        break;
    default:
        g_assert_not_reached();
    }
}

static int32_t copy_out_send_command(VscsiCopyReq *r)
{
    uint32_t len = r->cdb.data_length;

    if (r->cdb.command == VSCSI_CMD_COPY_OPERATION_ABORT) {
        vscsi_copy_operation_abort(r);
        return 0;
    }
    if (!len) {
        scsi_req_complete(&r->req, GOOD);
        return 0;
    }
    if (len > VSCSI_PARAM_LIST_MAX) {
        vscsi_copy_req_fail(r,
                            vscsi_sense(VSCSI_SENSE_PARAMETER_LIST_LENGTH));
        return 0;
    }
    r->buf_len = len;
    r->buf = g_malloc0(len);
    return -(int32_t)len;
}

static int32_t copy_in_send_command(VscsiCopyReq *r)
{
    if (!vscsi_copy_query(r)) {
        return 0;
    }
    if (!r->buf_len) {
        /* ALLOCATION LENGTH 0: nothing is sent, it still counts */
        if (r->has_record) {
            vscsi_copy_list_returned(vscsi_copy_manager(&r->req)->list,
                                     r->query, &r->record, 0, r->answer_len);
        }
        scsi_req_complete(&r->req, GOOD);
        return 0;
    }
    return r->buf_len;
}

static int32_t copy_req_send_command(SCSIRequest *req, uint8_t *cdb)
{
    VscsiCopyReq *r = to_copy_req(req);
    VscsiSense sense;

    if (vscsi_ide_refused(vscsi_copy_manager(req))) {
        /* the next command learns if that has changed */
        vscsi_ide_refresh_later();
        vscsi_copy_req_fail(r, vscsi_sense(VSCSI_SENSE_INVALID_OPCODE));
        return 0;
    }
    if (!vscsi_cdb_decode(req->cmd.buf,
                          vscsi_discovery_features(vscsi_copy_manager(req)),
                          &r->cdb, &sense)) {
        vscsi_copy_req_fail(r, sense);
        return 0;
    }
    trace_vscsi_copy_cmd(req->dev->id, req->lun, req->tag,
                         vscsi_command_name(r->cdb.command), r->cdb.list_id,
                         r->cdb.data_length);
    if (!blk_is_available(req->dev->conf.blk)) {
        scsi_req_build_sense(req, SENSE_CODE(NO_MEDIUM));
        scsi_req_complete(req, CHECK_CONDITION);
        return 0;
    }
    return r->cdb.opcode == VSCSI_OP_THIRD_PARTY_COPY_OUT ?
           copy_out_send_command(r) : copy_in_send_command(r);
}

static void copy_req_write_data(SCSIRequest *req)
{
    VscsiCopyReq *r = to_copy_req(req);

    if (r->op) {
        vscsi_op_resume(r->op);
    } else if (r->have_data) {
        copy_out_run(r);
    } else {
        r->have_data = true;
        /* comes back to this function */
        scsi_req_data(req, r->buf_len);
    }
}

static void copy_req_read_data(SCSIRequest *req)
{
    VscsiCopyReq *r = to_copy_req(req);

    if (!r->have_data) {
        r->have_data = true;
        scsi_req_data(req, r->buf_len);
        return;
    }
    if (r->has_record) {
        vscsi_copy_list_returned(vscsi_copy_manager(req)->list, r->query,
                                 &r->record, req->cmd.xfer, r->answer_len);
    }
    scsi_req_complete(req, GOOD);
}

/*
 * A request in the VM's state is one whose operation is parked.  The receiving
 * side runs it from the start: it finds that the token is unknown there, or
 * copies anew.
 */
static void copy_req_save(QEMUFile *f, SCSIRequest *req)
{
    VscsiCopyReq *r = to_copy_req(req);

    qemu_put_be32s(f, &r->buf_len);
    qemu_put_buffer(f, r->buf, r->buf_len);
}

static void copy_req_load(QEMUFile *f, SCSIRequest *req)
{
    VscsiCopyReq *r = to_copy_req(req);
    VscsiSense sense;

    qemu_get_be32s(f, &r->buf_len);
    if (r->buf_len > VSCSI_PARAM_LIST_MAX ||
        !vscsi_cdb_decode(req->cmd.buf,
                          vscsi_discovery_features(vscsi_copy_manager(req)),
                          &r->cdb, &sense)) {
        error_report("vscsi-hd: a third-party copy command in the VM's state "
                     "has %u bytes of parameters or a bad CDB; the guest will "
                     "see it fail", r->buf_len);
        /* a list of one byte is too short for every command */
        r->buf_len = 1;
        r->buf = g_malloc0(1);
        r->cdb = (VscsiCdb) { .command = VSCSI_CMD_POPULATE_TOKEN };
    } else {
        r->buf = g_malloc0(MAX(r->buf_len, 1));
        qemu_get_buffer(f, r->buf, r->buf_len);
    }
    r->have_data = true;
}

static const SCSIReqOps copy_req_ops = {
    .size = sizeof(VscsiCopyReq),
    .free_req = copy_req_free,
    .send_command = copy_req_send_command,
    .read_data = copy_req_read_data,
    .write_data = copy_req_write_data,
    .get_buf = copy_req_get_buf,
    .save_request = copy_req_save,
    .load_request = copy_req_load,
};

static SCSIRequest *req_alloc(const SCSIReqOps *ops, VscsiCopyManager *cm,
                              uint32_t tag, uint32_t lun_nr, void *hba_private)
{
    SCSIRequest *req = scsi_req_alloc(ops, cm->dev, tag, lun_nr, hba_private);

    to_copy_req(req)->cm = cm;
    return req;
}

SCSIRequest *vscsi_copy_req_alloc(VscsiCopyManager *cm, uint32_t tag,
                                  uint32_t lun_nr, void *hba_private)
{
    return req_alloc(&copy_req_ops, cm, tag, lun_nr, hba_private);
}

/* VPD page 8Fh and REPORT SUPPORTED OPERATION CODES */
static int32_t answer_send_command(SCSIRequest *req, uint8_t *cdb)
{
    VscsiCopyReq *r = to_copy_req(req);
    VscsiCopyManager *cm = vscsi_copy_manager(req);

    if (cdb[0] == INQUIRY) {
        uint8_t page[VSCSI_VPD_8F_MAX];
        size_t len = vscsi_discovery_vpd_8f(cm, page, sizeof(page));

        memcpy(vscsi_copy_req_answer(r, len), page, len);
    } else {
        g_autofree uint8_t *list = NULL;
        VscsiSense sense;
        size_t len;

        if (!vscsi_discovery_rsoc(cm, cdb, &list, &len, &sense)) {
            vscsi_copy_req_fail(r, sense);
            return 0;
        }
        memcpy(vscsi_copy_req_answer(r, len), list, len);
    }
    if (!r->buf_len) {
        scsi_req_complete(req, GOOD);
    }
    return r->buf_len;
}

static const SCSIReqOps answer_req_ops = {
    .size = sizeof(VscsiCopyReq),
    .free_req = copy_req_free,
    .send_command = answer_send_command,
    .read_data = copy_req_read_data,
    .get_buf = copy_req_get_buf,
};

SCSIRequest *vscsi_answer_req_alloc(VscsiCopyManager *cm, uint32_t tag,
                                    uint32_t lun_nr, void *hba_private)
{
    return req_alloc(&answer_req_ops, cm, tag, lun_nr, hba_private);
}
