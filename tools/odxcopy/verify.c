/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "explain.h"
#include "verify.h"

enum {
    OP_READ_16 = 0x88,
    OP_SYNCHRONIZE_CACHE = 0x35,
    READ_TIMEOUT_MS = 60000,
    FLUSH_TIMEOUT_MS = 600000,
    /* small enough for every host adapter's list of memory segments */
    PIECE = 256 * 1024,
};

typedef unsigned long long ull;

static int read_blocks(OdxDevice *dev, uint64_t offset, uint8_t *to,
                       uint32_t length, OdxError *err)
{
    OdxCommand cmd;
    OdxSense sense;
    int ret;

    odx_scsi_prepare(&cmd, OP_READ_16, 16, ODX_FROM_DEVICE, to, length,
                     READ_TIMEOUT_MS);
    odx_put64(cmd.cdb + 2, offset / dev->block_length);
    odx_put32(cmd.cdb + 10, length / dev->block_length);
    ret = odx_scsi_run(&dev->lun, &cmd, &sense, err);
    if (ret < 0) {
        return -1;
    }
    if (ret == ODX_RUN_SENSE) {
        return odx_explain(err, ODX_IO, dev->lun.name, "READ(16)", &sense);
    }
    if (cmd.transferred != length) {
        return odx_fail(err, ODX_IO, "%s: READ(16) of %u bytes at %llu gave "
                        "%u bytes", dev->lun.name, length, (ull)offset,
                        cmd.transferred);
    }
    return 0;
}

static int compare(const OdxPlan *plan, const OdxDevice *src,
                   const OdxDevice *dst, const uint8_t *a, const uint8_t *b,
                   uint64_t at, uint32_t length, OdxError *err)
{
    uint32_t i = 0;

    if (memcmp(a, b, length) == 0) {
        return 0;
    }
    while (a[i] == b[i]) {
        i++;
    }
    if (!src) {
        return odx_fail(err, ODX_DIFFERS, "%s: byte %llu is %02Xh, not zero",
                        dst->lun.name, (ull)(plan->dst_offset + at + i),
                        b[i]);
    }
    return odx_fail(err, ODX_DIFFERS, "the copy differs at byte %llu of the "
                    "range: %s has %02Xh at %llu, %s has %02Xh at %llu. If "
                    "the source was written since, this is no fault of the "
                    "copy.", (ull)(at + i), src->lun.name, a[i],
                    (ull)(plan->src_offset + at + i), dst->lun.name, b[i],
                    (ull)(plan->dst_offset + at + i));
}

/* Bytes for one READ: whole blocks of both, and no more than they take. */
static uint32_t piece_size(const OdxPlan *plan, const OdxDevice *src,
                           const OdxDevice *dst)
{
    uint64_t bytes = PIECE;

    bytes = odx_bound(bytes, odx_mul_sat(dst->max_transfer_blocks,
                                         dst->block_length));
    if (src) {
        bytes = odx_bound(bytes, odx_mul_sat(src->max_transfer_blocks,
                                             src->block_length));
    }
    bytes -= bytes % plan->unit;
    return (uint32_t)(bytes ? bytes : plan->unit);
}

static int verify_all(const OdxPlan *plan, OdxDevice *src, OdxDevice *dst,
                      OdxProgress *progress, uint8_t *a, uint8_t *b,
                      uint32_t piece, uint64_t *at, OdxError *err)
{
    OdxTransport *t = dst->lun.transport;
    uint64_t pos = 0;

    while (pos < plan->length) {
        uint32_t n = (uint32_t)odx_min64(piece, plan->length - pos);

        if (t->interrupted(t)) {
            return odx_fail(err, ODX_INTERRUPTED, "interrupted: %llu of "
                            "%llu bytes were compared", (ull)pos,
                            (ull)plan->length);
        }
        if ((src && read_blocks(src, plan->src_offset + pos, a, n,
                                err) < 0) ||
            read_blocks(dst, plan->dst_offset + pos, b, n, err) < 0 ||
            compare(plan, src, dst, a, b, pos, n, err) < 0) {
            return -1;
        }
        pos += n;
        *at = pos;
        odx_progress_update(progress, pos, t->now_ms(t));
    }
    return 0;
}

int odx_verify(const OdxPlan *plan, OdxDevice *src, OdxDevice *dst,
               OdxProgress *progress, OdxError *err)
{
    OdxTransport *t = dst->lun.transport;
    uint32_t piece = piece_size(plan, src, dst);
    uint8_t *a = calloc(1, piece), *b = calloc(1, piece);
    uint64_t at = 0;
    int ret;

    if (!a || !b) {
        ret = odx_fail(err, ODX_IO, "out of memory");
    } else {
        ret = verify_all(plan, src, dst, progress, a, b, piece, &at, err);
        odx_progress_end(progress, at, t->now_ms(t));
    }
    free(a);
    free(b);
    return ret;
}

int odx_flush(OdxDevice *dev, OdxError *err)
{
    OdxCommand cmd;
    OdxSense sense;
    int ret;

    odx_scsi_prepare(&cmd, OP_SYNCHRONIZE_CACHE, 10, ODX_NO_DATA, NULL, 0,
                     FLUSH_TIMEOUT_MS);
    ret = odx_scsi_run(&dev->lun, &cmd, &sense, err);
    if (ret < 0) {
        return -1;
    }
    if (ret == ODX_RUN_SENSE &&
        !(sense.key == KEY_ILLEGAL_REQUEST &&
          sense.asc == ODX_ASC(0x20, 0x00))) {
        return odx_explain(err, ODX_FAILED, dev->lun.name,
                           "SYNCHRONIZE CACHE", &sense);
    }
    return 0;
}
