/*
 * Offload: the walk over a task
 *
 * The run's coroutine walks from task->done to the end, cuts pieces that are
 * contiguous on both disks and of one method, and starts each in a coroutine of
 * its own; up to OFFLOAD_MAX_CHUNKS run at a time, OFFLOAD_MAX_RANGES of them
 * with copy_range.
 * A piece falls back by itself when its method is refused.  It goes through one
 * buffer then, so what it does not need of it goes back to the walk, to be cut
 * into pieces that run at the same time.
 *
 *   walk -> map (both sides contiguous) -> extent (zero or data) -> piece
 *    ^         zero:  offload_co_zero
 *    |         data:  offload_co_range --refused--> offload_co_bounce
 *    +---- the rest --------------------'
 *
 * Invariants
 *
 * 1. task->done counts only bytes that were read from a live Rod and written
 *    without error, and is contiguous: it is the first piece that is not good
 *    as a whole, plus what is good of that one.
 * 2. A piece looks at the Rod after it has read and before it uses what it read
 *    (copy_range: before it counts it).  See rod_state().
 * 3. No piece is in flight when the run returns; the first end in the order of
 *    the task, not of time, is the one that is returned.
 * 4. The task's own writes end its own Rod.  So a destination that overlaps the
 *    Rod is never one of several in flight: offload_co_overlap() reads all it
 *    can hold, looks at the Rod, and then writes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/aio.h"
#include "block/block_int.h"
#include "offload-int.h"
#include "qemu/timer.h"
#include "system/block-backend.h"
#include "trace.h"

/* How often the block status is asked for one extent */
#define EXTENT_QUERIES      64
/* A hole smaller than this goes with the data around it */
#define EXTENT_SMALL_HOLE   (64 * KiB)
#define RANGE_FIRST_STEP    (4 * MiB)
#define ZERO_FIRST_STEP     (16 * MiB)
/* With a deadline, before it is known how fast the disks are */
#define PACE_FIRST_STEP     (1 * MiB)
/* What is still acceptable if the file is in many pieces there */
#define ZERO_MAX_STEP       (16 * GiB)

const char *offload_method_str(OffloadMethod method)
{
    static const char *const names[OFFLOAD_METHOD__MAX] = {
        [OFFLOAD_METHOD_ZERO] = "zero",
        [OFFLOAD_METHOD_COPY_RANGE] = "copy-range",
        [OFFLOAD_METHOD_BOUNCE] = "bounce",
    };

    assert(method < OFFLOAD_METHOD__MAX);
    return names[method];
}

const char *offload_reason_str(OffloadReason reason)
{
    static const char *const names[OFFLOAD_REASON__MAX] = {
        [OFFLOAD_REASON_NOT_SUPPORTED] = "not-supported",
        [OFFLOAD_REASON_CROSS_DEVICE] = "cross-device",
        [OFFLOAD_REASON_OVERLAP] = "overlap",
        [OFFLOAD_REASON_ENCRYPTED] = "encrypted",
        [OFFLOAD_REASON_DISABLED] = "disabled",
        [OFFLOAD_REASON_FAILED] = "failed",
    };

    assert(reason < OFFLOAD_REASON__MAX);
    return names[reason];
}

void offload_stop(OffloadTask *task)
{
    qatomic_set(&task->stop, 1);
}

/* ------------------------------------------------------ progress and checks */

OffloadEnd coroutine_fn offload_co_check_rod(OffloadRun *run)
{
    RodState state;

    if (!run->task->rod) {
        return OFFLOAD_END_COMPLETE;
    }
    bdrv_graph_co_rdlock();
    state = rod_check_source(run->task->rod);
    bdrv_graph_co_rdunlock();
    return state == ROD_LIVE ? OFFLOAD_END_COMPLETE : OFFLOAD_END_ROD;
}

OffloadEnd coroutine_fn offload_co_check(OffloadRun *run)
{
    OffloadTask *task = run->task;

    if (qatomic_read(&task->stop)) {
        return OFFLOAD_END_STOPPED;
    }
    if (task->deadline_ns && task->done > run->start &&
        qemu_clock_get_ns(QEMU_CLOCK_REALTIME) >= task->deadline_ns) {
        return OFFLOAD_END_DEADLINE;
    }
    return offload_co_check_rod(run);
}

static void offload_count(OffloadTask *task, OffloadMethod method,
                          int64_t src_offset, int64_t dst_offset, int64_t bytes)
{
    stat64_add(&task->stats->bytes[method], bytes);
    stat64_add(&task->stats->operations[method], 1);
    trace_offload_piece(task, offload_method_str(method), src_offset,
                        dst_offset, bytes);
}

void offload_piece_good(OffloadPiece *piece, OffloadMethod method,
                        int64_t bytes)
{
    OffloadRun *run = piece->run;

    if (!run->pace_begin_ns[method]) {
        run->pace_begin_ns[method] = piece->begin_ns;
    }
    run->pace_bytes[method] += bytes;
    if (piece->method != OFFLOAD_METHOD_ZERO) {
        run->landed += bytes;
    }
    offload_count(run->task, method, piece->src_offset + piece->good,
                  piece->dst_offset + piece->good, bytes);
    piece->good += bytes;
    if (piece == QSIMPLEQ_FIRST(&run->pieces)) {
        qatomic_set__nocheck(&run->task->done, piece->offset + piece->good);
    }
}

void offload_fell_back(OffloadRun *run, OffloadReason reason, int error,
                       int64_t dst_offset, int64_t bytes)
{
    OffloadTask *task = run->task;

    stat64_add(&task->stats->fallbacks[reason], 1);
    stat64_add(&task->stats->fallback_bytes[reason], bytes);
    trace_offload_fallback(task, offload_reason_str(reason), dst_offset, bytes,
                           error);
    if (!(run->told & (1u << reason))) {
        run->told |= 1u << reason;
        if (task->fallback) {
            task->fallback(reason, error, task->opaque);
        }
    }
}

/* ------------------------------------------------------------------- pieces */

/* Drops the good pieces at the head; counts what is good of the next one */
static void offload_retire(OffloadRun *run)
{
    OffloadPiece *piece;

    while ((piece = QSIMPLEQ_FIRST(&run->pieces))) {
        qatomic_set__nocheck(&run->task->done, piece->offset + piece->good);
        if (!piece->finished || piece->good < piece->bytes) {
            return;
        }
        QSIMPLEQ_REMOVE_HEAD(&run->pieces, next);
        g_free(piece);
    }
}

static void coroutine_fn offload_piece_entry(void *opaque)
{
    OffloadPiece *piece = opaque;
    OffloadRun *run = piece->run;
    bool range = piece->method == OFFLOAD_METHOD_COPY_RANGE;

    switch (piece->method) {
    case OFFLOAD_METHOD_ZERO:
        piece->end = offload_co_zero(piece);
        break;
    case OFFLOAD_METHOD_COPY_RANGE:
        piece->end = offload_co_range(piece);
        break;
    default:
        piece->end = offload_co_bounce(piece);
        break;
    }
    assert((piece->end == OFFLOAD_END_COMPLETE) ==
           (piece->good == piece->bytes));
    piece->finished = true;
    if (run->end == OFFLOAD_END_COMPLETE) {
        run->end = piece->end;
    }
    run->in_flight--;
    run->ranges_in_flight -= range;
    offload_retire(run);
    if (run->waiting) {
        run->waiting = false;
        aio_co_wake(run->co);
    }
}

static void coroutine_fn offload_start_piece(OffloadRun *run,
                                             const OffloadPiece *piece)
{
    OffloadPiece *copy = g_memdup2(piece, sizeof(*piece));

    copy->begin_ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    if (piece->method != OFFLOAD_METHOD_ZERO) {
        run->launched += piece->bytes;
    }
    run->in_flight++;
    run->ranges_in_flight += piece->method == OFFLOAD_METHOD_COPY_RANGE;
    run->issued = piece->offset + piece->bytes;
    QSIMPLEQ_INSERT_TAIL(&run->pieces, copy, next);
    qemu_coroutine_enter(qemu_coroutine_create(offload_piece_entry, copy));
}

void offload_piece_shorten(OffloadPiece *piece, int64_t bytes,
                           OffloadReason why, int error)
{
    OffloadRun *run = piece->run;

    if (bytes >= piece->bytes || piece != QSIMPLEQ_LAST(&run->pieces,
                                                        OffloadPiece, next)) {
        return;
    }
    run->launched -= piece->bytes - bytes;
    run->refused_end = piece->offset + piece->bytes;
    run->refused_why = why;
    run->refused_error = error;
    piece->bytes = bytes;
    run->issued = piece->offset + bytes;
    /* the walk may have looked at what comes behind */
    run->extent_end = run->issued;
    if (run->waiting) {
        run->waiting = false;
        aio_co_wake(run->co);
    }
}

static void coroutine_fn offload_co_wait_one(OffloadRun *run)
{
    assert(run->in_flight);
    run->waiting = true;
    qemu_coroutine_yield();
}

static void coroutine_fn offload_co_wait_all(OffloadRun *run)
{
    while (run->in_flight) {
        offload_co_wait_one(run);
    }
}

/* ----------------------------------------------------------------- the walk */

/*
 * Sets where the task's byte @offset comes from and goes to, and how many bytes
 * follow each other on both sides, at most @max.  Method: zero for what has no
 * source, else to be chosen.
 */
static void offload_map(OffloadRun *run, int64_t offset, int64_t max,
                        OffloadPiece *piece)
{
    OffloadTask *task = run->task;
    int64_t n, in_range;

    *piece = (OffloadPiece) {
        .run = run,
        .method = run->src ? OFFLOAD_METHOD_COPY_RANGE : OFFLOAD_METHOD_ZERO,
        .offset = offset,
        .src_offset = task->src_offset + offset,
        .bytes = MIN(max, task->bytes - offset),
    };
    if (task->rod) {
        n = rod_map(task->rod, task->src_offset + offset, &piece->src_offset);
        if (n > 0) {
            piece->bytes = MIN(piece->bytes, n);
        } else {
            piece->method = OFFLOAD_METHOD_ZERO;
        }
    }

    if (offset < run->dst_base) {
        run->dst_index = 0;
        run->dst_base = 0;
    }
    while (offset - run->dst_base >= task->dst_ranges[run->dst_index].bytes) {
        run->dst_base += task->dst_ranges[run->dst_index++].bytes;
    }
    in_range = offset - run->dst_base;
    piece->dst_offset = task->dst_ranges[run->dst_index].offset + in_range;
    n = task->dst_ranges[run->dst_index].bytes - in_range;
    piece->bytes = MIN(piece->bytes, n);
}

/* Zero or not, for *@bytes from @offset; data if unknown */
static bool coroutine_fn GRAPH_RDLOCK
offload_co_status(BlockBackend *blk, int64_t offset, int64_t *bytes)
{
    BlockDriverState *bs = blk_bs(blk);
    int64_t n;
    int ret;

    if (!bs || !bs->drv) {
        return false;
    }
    ret = bdrv_co_block_status_above(bs, NULL, offset, *bytes, &n, NULL, NULL);
    if (ret < 0 || n <= 0) {
        return false;
    }
    *bytes = MIN(*bytes, n);
    return ret & BDRV_BLOCK_ZERO;
}

int64_t coroutine_fn offload_co_extent(BlockBackend *blk, int64_t offset,
                                       int64_t bytes, int64_t max_data,
                                       int64_t small_hole, bool *zero)
{
    int64_t n = bytes, limit;

    /* in the turn of this disk's other requests, if it is drained */
    blk_co_start_request(blk);
    bdrv_graph_co_rdlock();
    *zero = offload_co_status(blk, offset, &n);
    limit = *zero ? bytes : MIN(bytes, max_data);
    for (int i = 1; i < EXTENT_QUERIES && n < limit; i++) {
        int64_t more = limit - n;
        bool more_zero = offload_co_status(blk, offset + n, &more);

        if (more_zero != *zero && (*zero || more >= small_hole)) {
            break;
        }
        n += more;
    }
    bdrv_graph_co_rdunlock();
    blk_end_request(blk);
    return MIN(n, limit);
}

/*
 * Cuts @piece, which has a source, to one extent.  What is remembered of an
 * extent stays right as long as the Rod lives; without a Rod it is as right as
 * data that was read at that moment.
 */
static void coroutine_fn GRAPH_UNLOCKED
offload_co_cut_extent(OffloadRun *run, OffloadPiece *piece)
{
    if (piece->offset >= run->extent_end) {
        run->extent_end = piece->offset +
            offload_co_extent(run->src, piece->src_offset, piece->bytes,
                              OFFLOAD_MAX_PIECE, EXTENT_SMALL_HOLE,
                              &run->extent_zero);
    }
    piece->bytes = MIN(piece->bytes, run->extent_end - piece->offset);
    if (run->extent_zero) {
        piece->method = OFFLOAD_METHOD_ZERO;
    }
}

/* Does writing @piece end the task's own Rod? */
static bool coroutine_fn GRAPH_UNLOCKED
offload_co_hits_rod(OffloadRun *run, const OffloadPiece *piece)
{
    bool hit;

    if (!run->task->rod) {
        return false;
    }
    bdrv_graph_co_rdlock();
    hit = rod_overlaps(run->task->rod, run->task->dst, piece->dst_offset,
                       piece->bytes);
    bdrv_graph_co_rdunlock();
    return hit;
}

/* Are source and destination the same data? */
static bool coroutine_fn GRAPH_UNLOCKED offload_co_same_disk(OffloadRun *run)
{
    bool same;

    bdrv_graph_co_rdlock();
    same = run->src &&
        rod_data_node(run->src) == rod_data_node(run->task->dst);
    bdrv_graph_co_rdunlock();
    return same;
}

/* Does @piece copy onto its own source, without a Rod? */
static bool offload_hits_itself(const OffloadRun *run,
                                const OffloadPiece *piece)
{
    return run->same_disk &&
        piece->src_offset < piece->dst_offset + piece->bytes &&
        piece->dst_offset < piece->src_offset + piece->bytes;
}

/*
 * Cuts a piece of data to one step of the method that it shall be tried with.
 * If that is not copy_range, true with the reason.
 */
static bool offload_choose(OffloadRun *run, OffloadPiece *piece,
                           OffloadReason *why, int *error)
{
    *error = 0;
    if (run->task->policy == OFFLOAD_POLICY_BOUNCE) {
        *why = OFFLOAD_REASON_DISABLED;
    } else if (run->range_off) {
        *why = run->range_why;
        *error = run->range_error;
    } else if (piece->offset < run->refused_end) {
        *why = run->refused_why;
        *error = run->refused_error;
        piece->bytes = MIN(piece->bytes, run->refused_end - piece->offset);
    } else if (offload_hits_itself(run, piece)) {
        *why = OFFLOAD_REASON_OVERLAP;
    } else {
        piece->bytes = MIN(piece->bytes, run->range_step);
        return false;
    }
    /* chunks end where the destination has a round address */
    piece->method = OFFLOAD_METHOD_BOUNCE;
    piece->bytes = MIN(piece->bytes,
                       OFFLOAD_CHUNK - piece->dst_offset % OFFLOAD_CHUNK);
    return true;
}

/* ----------------------------------------- a destination within the source */

static OffloadEnd coroutine_fn GRAPH_UNLOCKED
offload_co_overlap_read(OffloadRun *run, int64_t offset, int64_t bytes,
                        uint8_t *buf)
{
    OffloadPiece piece;

    for (int64_t at = 0; at < bytes; at += piece.bytes) {
        OffloadEnd end = offload_co_check(run);
        int ret;

        if (end != OFFLOAD_END_COMPLETE) {
            return end;
        }
        offload_map(run, offset + at, bytes - at, &piece);
        if (piece.method == OFFLOAD_METHOD_ZERO) {
            memset(buf + at, 0, piece.bytes);
            continue;
        }
        ret = blk_co_pread(run->src, piece.src_offset, piece.bytes, buf + at,
                           0);
        if (ret < 0) {
            run->error = ret;
            return OFFLOAD_END_READ_ERROR;
        }
    }
    return offload_co_check_rod(run);
}

static OffloadEnd coroutine_fn GRAPH_UNLOCKED
offload_co_overlap_write(OffloadRun *run, int64_t offset, int64_t bytes,
                         const uint8_t *buf)
{
    OffloadTask *task = run->task;
    OffloadPiece piece;

    for (int64_t at = 0; at < bytes; at += piece.bytes) {
        int ret;

        offload_map(run, offset + at, bytes - at, &piece);
        ret = offload_co_write(task->dst, piece.dst_offset, piece.bytes,
                               buf + at);
        if (ret < 0) {
            run->error = ret;
            return OFFLOAD_END_WRITE_ERROR;
        }
        offload_count(task, OFFLOAD_METHOD_BOUNCE, piece.src_offset,
                      piece.dst_offset, piece.bytes);
        qatomic_set__nocheck(&task->done, offset + at + piece.bytes);
    }
    return OFFLOAD_END_COMPLETE;
}

/*
 * From run->issued on, with nothing else in flight: reads all that the buffer
 * holds, then writes it.  The writes end the Rod.
 */
static void coroutine_fn GRAPH_UNLOCKED
offload_co_overlap(OffloadRun *run, const OffloadPiece *first)
{
    OffloadTask *task = run->task;
    int64_t bytes = MIN(task->bytes - run->issued, OFFLOAD_MAX_BUFFER);
    uint8_t *buf = offload_big_buffer_get(&bytes);
    int64_t size = bytes;

    if (!buf) {
        run->end = OFFLOAD_END_READ_ERROR;
        run->error = -ENOMEM;
        return;
    }
    bytes = MIN(bytes, task->bytes - run->issued);
    offload_fell_back(run, OFFLOAD_REASON_OVERLAP, 0,
                      first->dst_offset, bytes);
    run->end = offload_co_overlap_read(run, run->issued, bytes, buf);
    if (run->end == OFFLOAD_END_COMPLETE) {
        run->end = offload_co_overlap_write(run, run->issued, bytes, buf);
    }
    run->issued = task->done;
    offload_big_buffer_put(buf, size);
}

/* ------------------------------------------------------------------ the run */

/*
 * One until it is known to work.  Several at a time then: without a reflink the
 * kernel copies in small synchronous steps, the smaller with O_DIRECT.
 */
static unsigned max_ranges(const OffloadRun *run)
{
    return run->range_worked ? OFFLOAD_MAX_RANGES : 1;
}

/*
 * Cuts a piece of data to what will have landed at the deadline, with all that
 * is in flight, as fast as its method has been in this run.  What is in flight
 * then has to be waited for, and what lies behind a gap does not count.  False:
 * wait for a piece to end first.
 */
static bool offload_pace(OffloadRun *run, OffloadPiece *piece)
{
    int64_t now, begin = run->pace_begin_ns[piece->method];
    int64_t flying = run->launched - run->landed;
    double room = PACE_FIRST_STEP;

    if (!run->task->deadline_ns || piece->method == OFFLOAD_METHOD_ZERO) {
        return true;
    }
    if (begin) {
        now = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
        room = (double)run->pace_bytes[piece->method] / MAX(now - begin, 1) *
               MAX(run->task->deadline_ns - now, 0);
        /* a disk that is limited takes the first bytes faster than the rest */
        room = MIN(room, run->landed);
    }
    if (run->in_flight && room < (double)flying + MIN(piece->bytes,
                                                      OFFLOAD_CHUNK)) {
        return false;
    }
    room = MAX(room - flying, OFFLOAD_CHUNK);
    if (room < piece->bytes) {
        piece->bytes = QEMU_ALIGN_DOWN((int64_t)room, OFFLOAD_CHUNK);
    }
    return true;
}

/* Starts one piece, or waits for one to end */
static void coroutine_fn GRAPH_UNLOCKED offload_co_next(OffloadRun *run)
{
    OffloadPiece piece;
    OffloadReason why;
    OffloadEnd end;
    bool fallback = false;
    int error;

    if (run->in_flight == run->max_in_flight ||
        run->issued == run->task->bytes) {
        offload_co_wait_one(run);
        return;
    }
    end = offload_co_check(run);
    if (end != OFFLOAD_END_COMPLETE) {
        run->end = end;
        return;
    }
    offload_map(run, run->issued, run->task->bytes, &piece);
    if (piece.method != OFFLOAD_METHOD_ZERO) {
        offload_co_cut_extent(run, &piece);
    }
    if (piece.method != OFFLOAD_METHOD_ZERO) {
        if (!run->range_off && run->ranges_in_flight == max_ranges(run)) {
            offload_co_wait_one(run);
            return;
        }
        fallback = offload_choose(run, &piece, &why, &error);
        if (!offload_pace(run, &piece)) {
            offload_co_wait_one(run);
            return;
        }
    }
    if (offload_co_hits_rod(run, &piece)) {
        offload_co_wait_all(run);
        if (run->end == OFFLOAD_END_COMPLETE && piece.offset == run->issued) {
            offload_co_overlap(run, &piece);
        }
        return;
    }
    /*
     * A piece may have ended the run while this one was looked at, or may have
     * given back what is before it.
     */
    if (run->end != OFFLOAD_END_COMPLETE || piece.offset != run->issued) {
        return;
    }
    if (fallback) {
        offload_fell_back(run, why, error, piece.dst_offset, piece.bytes);
    }
    offload_start_piece(run, &piece);
}

static int offload_compare_ranges(const void *a, const void *b)
{
    const RodRange *x = a, *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool offload_ranges_overlap(const OffloadTask *task)
{
    g_autofree RodRange *sorted =
        g_memdup2(task->dst_ranges, task->nr_dst_ranges * sizeof(RodRange));
    int64_t end = 0;

    if (!sorted) {
        return false;
    }
    qsort(sorted, task->nr_dst_ranges, sizeof(RodRange),
          offload_compare_ranges);
    for (unsigned i = 0; i < task->nr_dst_ranges; i++) {
        if (sorted[i].bytes && sorted[i].offset < end) {
            return true;
        }
        end = MAX(end, sorted[i].offset + sorted[i].bytes);
    }
    return false;
}

/* Can the task be computed with?  The disks check their ends themselves. */
static bool offload_check_task(const OffloadTask *task)
{
    int64_t sum = 0;

    for (unsigned i = 0; i < task->nr_dst_ranges; i++) {
        const RodRange *r = &task->dst_ranges[i];

        if (r->offset < 0 || r->bytes < 0 || r->offset > INT64_MAX - r->bytes ||
            sum > INT64_MAX - r->bytes) {
            return false;
        }
        sum += r->bytes;
    }
    return task->bytes >= 0 && task->bytes <= sum && task->src_offset >= 0 &&
        task->src_offset <= INT64_MAX - task->bytes &&
        task->done >= 0 && task->done <= task->bytes;
}

/* The first end in the order of the task; frees the pieces */
static OffloadEnd offload_finish(OffloadRun *run)
{
    OffloadTask *task = run->task;
    OffloadPiece *piece = QSIMPLEQ_FIRST(&run->pieces);
    OffloadEnd end = run->end;
    int error = run->error;

    assert(!run->in_flight);
    if (piece) {
        end = piece->end;
        error = piece->error;
    }
    while ((piece = QSIMPLEQ_FIRST(&run->pieces))) {
        QSIMPLEQ_REMOVE_HEAD(&run->pieces, next);
        g_free(piece);
    }
    if (task->done == task->bytes) {
        end = OFFLOAD_END_COMPLETE;
    }
    task->error = end == OFFLOAD_END_READ_ERROR ||
        end == OFFLOAD_END_WRITE_ERROR ? error : 0;
    offload_buffers_free(run);
    trace_offload_end(task, end, task->done, task->error);
    return end;
}

OffloadEnd coroutine_fn offload_co_run(OffloadTask *task)
{
    int ret;
    OffloadRun run = {
        .task = task,
        .src = task->rod ? rod_blk(task->rod) : task->src,
        .co = qemu_coroutine_self(),
        .start = task->done,
        .issued = task->done,
        .range_step = RANGE_FIRST_STEP,
        .zero_step = task->deadline_ns ? PACE_FIRST_STEP : ZERO_FIRST_STEP,
        .zero_max = ZERO_MAX_STEP,
        .pieces = QSIMPLEQ_HEAD_INITIALIZER(run.pieces),
    };
    IO_CODE();

    ret = -EINVAL;
    if (offload_check_task(task)) {
        bdrv_graph_co_rdlock();
        ret = offload_co_can_write(task->dst);
        bdrv_graph_co_rdunlock();
    }
    if (ret < 0) {
        task->error = ret;
        return OFFLOAD_END_WRITE_ERROR;
    }
    qemu_co_queue_init(&run.buffer_wait);
    trace_offload_run(task, run.src, task->dst, task->done, task->bytes);

    /* one piece at a time where the order of the writes matters */
    run.same_disk = offload_co_same_disk(&run);
    run.max_in_flight = offload_ranges_overlap(task) ||
        (run.same_disk && !task->rod) ? 1 : OFFLOAD_MAX_CHUNKS;
    if (run.src && task->policy == OFFLOAD_POLICY_AUTO &&
        offload_co_throttled(run.src, task->dst)) {
        run.range_off = true;
        run.range_why = OFFLOAD_REASON_NOT_SUPPORTED;
        run.range_error = -ENOTSUP;
    }
    while ((run.issued < task->bytes || run.in_flight) &&
           run.end == OFFLOAD_END_COMPLETE) {
        offload_co_next(&run);
    }
    offload_co_wait_all(&run);
    return offload_finish(&run);
}
