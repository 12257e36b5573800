/*
 * Offload by copy_range: the host, or the storage array, copies
 *
 * Drained sections
 *
 * A drained section promises that nothing reads or writes a disk meanwhile.
 * Every blk_co_*() keeps it: it counts itself in flight on the BlockBackend,
 * then queues if the BlockBackend is drained.  blk_co_copy_range() does neither
 * (QEMU 10.0), so offload_co_enter() does it for both disks, from outside:
 *
 *   copier:  (1) blk->in_flight++ of source and destination
 *            (2) full barrier
 *            (3) read root->bs->quiesce_counter of both
 *                zero: go on; else take the counts back, wait, again from (1)
 *   drainer: (a) bs->quiesce_counter++           (bdrv_do_drained_begin)
 *            (b) tell the parents, that is blk->quiesce_counter++
 *                                                (blk_root_drained_begin)
 *            (c) poll until blk->in_flight is 0  (blk_root_drained_poll)
 *
 * (1) and (a) are sequentially consistent read-modify-writes of one thread each
 * before it reads what the other one wrote.  So either (3) sees (a), and the
 * copier steps back, or (c) sees (1), and the section does not start before the
 * copy has ended.  A drain of a node further down reaches the root in (b), by
 * its parents' own (a), before anything is polled.
 *
 * The counter of the node is read and not that of the BlockBackend, because
 * this one is private.  They go up and down together: a BlockBackend is told
 * when its root's counter leaves 0 and comes back to it, and when it is
 * attached to a root that is drained.  In between, in the drainer's thread, the
 * two may differ: then the wait below returns too early and it is tried again.
 *
 * Waiting: blk_co_start_request() queues until the section ends, counts itself
 * off the BlockBackend while it does so, and is woken like any request.  No
 * count is held on one disk while waiting for the other: a drain of both would
 * wait for us, we for its end.  (For the same reason nothing between enter and
 * leave may call a blk_co_*() function that queues.)
 *
 * Between (3) and the graph lock in blk_co_copy_range() the graph may change,
 * as it may for every request between its wait and its graph lock: by then no
 * node is replaced under a request, since who replaces one drains it.  The lock
 * is not held from (3) on, since a reader must not take it twice.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/block_int.h"
#include "block/throttle-groups.h"
#include "offload-int.h"
#include "qemu/timer.h"
#include "system/block-backend.h"
#include "trace.h"

#define RANGE_MIN_STEP      (1 * MiB)
/* After a failure: what is tried next is perhaps copied in one chunk each */
#define RANGE_CAREFUL_STEP  (4 * MiB)
/* Give up after so many failures, one after the other */
#define RANGE_MAX_FAILURES  3

static bool GRAPH_RDLOCK offload_is_drained(BlockBackend *blk)
{
    BlockDriverState *bs = blk_bs(blk);

    return bs && qatomic_read(&bs->quiesce_counter);
}

static void offload_leave(BlockBackend *src, BlockBackend *dst)
{
    blk_dec_in_flight(src);
    blk_dec_in_flight(dst);
}

static void coroutine_fn GRAPH_UNLOCKED
offload_co_enter(BlockBackend *src, BlockBackend *dst)
{
    BlockBackend *drained, *again = NULL;

    for (;;) {
        blk_inc_in_flight(src);
        blk_inc_in_flight(dst);
        smp_mb();   /* step (2), pairs with the one of the increment in (a) */

        bdrv_graph_co_rdlock();
        drained = offload_is_drained(src) ? src :
                  offload_is_drained(dst) ? dst : NULL;
        bdrv_graph_co_rdunlock();
        if (!drained) {
            return;
        }

        offload_leave(src, dst);
        trace_offload_drained(src, dst);
        if (drained == again) {
            /* the section has not told this disk yet, or it never queues */
            qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, SCALE_MS);
        }
        blk_co_start_request(drained);
        blk_end_request(drained);
        again = drained;
    }
}

static int coroutine_fn GRAPH_UNLOCKED
offload_co_copy_range(BlockBackend *src, int64_t src_offset, BlockBackend *dst,
                      int64_t dst_offset, int64_t bytes)
{
    int ret;

    offload_co_enter(src, dst);
    bdrv_graph_co_rdlock();
    ret = offload_co_can_write(dst);
    bdrv_graph_co_rdunlock();
    if (ret == 0) {
        ret = blk_co_copy_range(src, src_offset, dst, dst_offset, bytes, 0, 0);
    }
    offload_leave(src, dst);

    /* copy_range knows no FUA */
    if (ret >= 0 && !blk_enable_write_cache(dst)) {
        ret = blk_co_flush(dst);
    }
    return ret;
}

bool coroutine_fn offload_co_throttled(BlockBackend *src, BlockBackend *dst)
{
    AioContext *ctx = qemu_get_current_aio_context();
    bool throttled;

    aio_co_reschedule_self(qemu_get_aio_context());
    throttled = blk_get_public(src)->throttle_group_member.throttle_state ||
        blk_get_public(dst)->throttle_group_member.throttle_state;
    aio_co_reschedule_self(ctx);
    return throttled;
}

static bool coroutine_fn GRAPH_UNLOCKED offload_co_encrypted(OffloadRun *run)
{
    BlockDriverState *src, *dst;
    bool encrypted;

    bdrv_graph_co_rdlock();
    src = rod_data_node(run->src);
    dst = rod_data_node(run->task->dst);
    encrypted = (src && src->encrypted) || (dst && dst->encrypted);
    bdrv_graph_co_rdunlock();
    return encrypted;
}

/*
 * Finds the reason for @error and whether it is worth to ask again.  Where it
 * has worked before, it may be for one extent alone (a compressed cluster).
 */
static OffloadReason coroutine_fn GRAPH_UNLOCKED
offload_co_refused(OffloadRun *run, int error)
{
    OffloadReason why = OFFLOAD_REASON_FAILED;
    bool lasting = !run->range_worked;

    switch (error) {
    case -ENOTSUP:
#if EOPNOTSUPP != ENOTSUP
    case -EOPNOTSUPP:
#endif
    case -ENOSYS:
        why = offload_co_encrypted(run) ? OFFLOAD_REASON_ENCRYPTED
                                        : OFFLOAD_REASON_NOT_SUPPORTED;
        break;
    case -EXDEV:
        why = OFFLOAD_REASON_CROSS_DEVICE;
        break;
    default:
        lasting = false;
        break;
    }
    run->range_step = MIN(run->range_step, RANGE_CAREFUL_STEP);
    if (++run->range_failures >= RANGE_MAX_FAILURES || lasting) {
        run->range_off = true;
        run->range_why = why;
        run->range_error = error;
    }
    return why;
}

OffloadEnd coroutine_fn offload_co_range(OffloadPiece *piece)
{
    OffloadRun *run = piece->run;
    OffloadTask *task = run->task;

    while (piece->good < piece->bytes) {
        int64_t n = MIN(piece->bytes - piece->good, run->range_step);
        OffloadEnd end = offload_co_check(run);
        int64_t begin, ns;
        int ret;

        if (end != OFFLOAD_END_COMPLETE) {
            return end;
        }
        begin = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
        ret = offload_co_copy_range(run->src, piece->src_offset + piece->good,
                                    task->dst, piece->dst_offset + piece->good,
                                    n);
        ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - begin;
        if (ret < 0) {
            /*
             * Whatever it was: reading and writing knows the true error, if
             * there is one (ENOSPC means here "no progress").
             */
            OffloadReason why = offload_co_refused(run, ret);
            int64_t at = piece->dst_offset + piece->good;

            /* one chunk, up to a round address */
            offload_piece_shorten(piece, piece->good + OFFLOAD_CHUNK -
                                  at % OFFLOAD_CHUNK, why, ret);
            offload_fell_back(run, why, ret, at, piece->bytes - piece->good);
            return offload_co_bounce(piece);
        }

        /* the data may have changed while it was copied: it does not count */
        end = offload_co_check_rod(run);
        if (end != OFFLOAD_END_COMPLETE) {
            return end;
        }
        run->range_failures = 0;
        run->range_worked = true;
        run->range_step = offload_adapt(run->range_step, ns, 2, RANGE_MIN_STEP,
                                        OFFLOAD_MAX_PIECE);
        offload_piece_good(piece, OFFLOAD_METHOD_COPY_RANGE, n);
    }
    return OFFLOAD_END_COMPLETE;
}
