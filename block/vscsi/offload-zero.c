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
#define ZERO_MAX_STEP       (1 * TiB)
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
 * The next step of @piece.  A large one is only tried if the driver can do it
 * without writing, and begins and ends on the unit in which it can.
 */
static int64_t zero_step(OffloadPiece *piece, BdrvRequestFlags *flags)
{
    int64_t rest = piece->bytes - piece->good;
    int64_t head = (piece->dst_offset + piece->good) % ZERO_ALIGN;
    int64_t n = MIN(rest, piece->run->zero_step);

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

OffloadEnd coroutine_fn offload_co_zero(OffloadPiece *piece)
{
    OffloadRun *run = piece->run;
    BlockBackend *dst = run->task->dst;

    while (piece->good < piece->bytes) {
        int64_t begin = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
        BdrvRequestFlags flags;
        int64_t n = zero_step(piece, &flags);
        OffloadEnd end = offload_co_check(run);
        int ret;

        if (end != OFFLOAD_END_COMPLETE) {
            return end;
        }
        bdrv_graph_co_rdlock();
        ret = offload_co_can_write(dst);
        bdrv_graph_co_rdunlock();
        if (ret == 0) {
            ret = blk_co_pwrite_zeroes(dst, piece->dst_offset + piece->good,
                                       n, flags);
        }
        if (ret == -ENOTSUP && (flags & BDRV_REQ_NO_FALLBACK)) {
            run->zero_step = ZERO_SMALL_STEP;
            run->zero_max = ZERO_SMALL_STEP;
            continue;
        }
        if (ret < 0) {
            piece->error = ret;
            return OFFLOAD_END_WRITE_ERROR;
        }
        run->zero_step =
            offload_adapt(run->zero_step,
                          qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - begin, 4,
                          ZERO_MIN_STEP, MIN(run->zero_max, ZERO_MAX_STEP));
        offload_piece_good(piece, OFFLOAD_METHOD_ZERO, n);
    }
    return OFFLOAD_END_COMPLETE;
}
