/*
 * Offload by writing zeroes, which drivers turn into a hole where they can
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "offload-int.h"
#include "qemu/timer.h"
#include "system/block-backend.h"

/* What is still acceptable if the driver has to write the zeroes out */
#define ZERO_SMALL_STEP     (64 * MiB)
#define ZERO_MIN_STEP       (1 * MiB)
/* What is zero already and smaller than this is written all the same */
#define ZERO_SMALL_HOLE     (1 * MiB)
/* The largest unit in which a driver makes zeroes cheaply (qcow2's cluster) */
#define ZERO_ALIGN          (2 * MiB)

int64_t offload_adapt(int64_t step, int64_t ns, int factor, int64_t min,
                      int64_t max)
{
    if (ns < 25 * SCALE_MS) {
        return MIN(step * factor, max);
    }
    if (ns > 100 * SCALE_MS) {
        return MAX(step / 2, min);
    }
    return step;
}

/*
 * Cuts the next step, of @n bytes.  A large one is only tried if the driver can
 * do it without writing, and begins and ends on the unit in which it can.
 */
static int64_t zero_step(OffloadPiece *piece, int64_t n,
                         BdrvRequestFlags *flags)
{
    int64_t head = (piece->dst_offset + piece->good) % ZERO_ALIGN;

    n = MIN(n, piece->run->zero_step);
    *flags = BDRV_REQ_MAY_UNMAP;
    if (n > ZERO_SMALL_STEP) {
        if (head) {
            n = ZERO_ALIGN - head;
        } else {
            n = QEMU_ALIGN_DOWN(n, ZERO_ALIGN);
            *flags |= BDRV_REQ_NO_FALLBACK;
        }
    }
    return n;
}

static int coroutine_fn GRAPH_UNLOCKED
offload_co_write_zeroes(OffloadPiece *piece, int64_t *bytes)
{
    OffloadRun *run = piece->run;
    BlockBackend *dst = run->task->dst;
    int64_t begin = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    BdrvRequestFlags flags;
    int ret;

    *bytes = zero_step(piece, *bytes, &flags);
    bdrv_graph_co_rdlock();
    ret = offload_co_can_write(dst);
    bdrv_graph_co_rdunlock();
    if (ret == 0) {
        ret = blk_co_pwrite_zeroes(dst, piece->dst_offset + piece->good, *bytes,
                                   flags);
    }
    if (ret == -ENOTSUP && (flags & BDRV_REQ_NO_FALLBACK)) {
        run->zero_step = ZERO_SMALL_STEP;
        run->zero_max = ZERO_SMALL_STEP;
        *bytes = 0;
        return 0;
    }
    run->zero_step =
        offload_adapt(run->zero_step,
                      qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - begin, 4,
                      ZERO_MIN_STEP, run->zero_max);
    return MIN(ret, 0);
}

/*
 * What reads as zeroes already is not written again: a driver would note it
 * block by block (qcow2: 128 MiB of tables for a terabyte).  A write that is in
 * flight there comes after the zeroes then, as it may.
 */
OffloadEnd coroutine_fn offload_co_zero(OffloadPiece *piece)
{
    OffloadRun *run = piece->run;

    while (piece->good < piece->bytes) {
        OffloadEnd end = offload_co_check(run);
        bool zero;
        int64_t n;
        int ret = 0;

        if (end != OFFLOAD_END_COMPLETE) {
            return end;
        }
        n = offload_co_extent(run->task->dst, piece->dst_offset + piece->good,
                              piece->bytes - piece->good, run->zero_step,
                              ZERO_SMALL_HOLE, &zero);
        if (!zero) {
            ret = offload_co_write_zeroes(piece, &n);
        }
        if (ret < 0) {
            piece->error = ret;
            return OFFLOAD_END_WRITE_ERROR;
        }
        if (n) {
            offload_piece_good(piece, OFFLOAD_METHOD_ZERO, n);
        }
    }
    return OFFLOAD_END_COMPLETE;
}
