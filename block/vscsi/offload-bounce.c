/*
 * Offload by reading and writing through a buffer: what always works
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/block_int.h"
#include "offload-int.h"
#include "qemu/cutils.h"
#include "qemu/memalign.h"
#include "system/block-backend.h"

/* Bytes of OFFLOAD_BUDGET in use; atomic, in all threads */
static size_t budget_used;

static bool budget_take(int64_t bytes)
{
    if (qatomic_fetch_add(&budget_used, bytes) + bytes > OFFLOAD_BUDGET) {
        qatomic_sub(&budget_used, bytes);
        return false;
    }
    return true;
}

static void budget_give(int64_t bytes)
{
    qatomic_sub(&budget_used, bytes);
}

static void *buffer_new(int64_t bytes)
{
    return qemu_try_memalign(qemu_real_host_page_size(), bytes);
}

/* One more buffer of the run, if the budget and the memory allow it */
static void *buffer_grow(OffloadRun *run)
{
    /* the first one is free, so that no run ever waits for another one */
    bool budgeted = run->nr_buffers > 0;
    void *buffer;

    if (run->nr_buffers == OFFLOAD_MAX_CHUNKS ||
        (budgeted && !budget_take(OFFLOAD_CHUNK))) {
        return NULL;
    }
    buffer = buffer_new(OFFLOAD_CHUNK);
    if (buffer) {
        run->nr_buffers++;
    } else if (budgeted) {
        budget_give(OFFLOAD_CHUNK);
    }
    return buffer;
}

void *coroutine_fn offload_co_buffer_get(OffloadRun *run)
{
    for (;;) {
        void *buffer;

        if (run->nr_idle) {
            return run->idle[--run->nr_idle];
        }
        buffer = buffer_grow(run);
        if (buffer || run->nr_buffers == 0) {
            return buffer;
        }
        qemu_co_queue_wait(&run->buffer_wait, NULL);
    }
}

void coroutine_fn offload_co_buffer_put(OffloadRun *run, void *buffer)
{
    assert(run->nr_idle < run->nr_buffers);
    run->idle[run->nr_idle++] = buffer;
    qemu_co_queue_next(&run->buffer_wait);
}

void offload_buffers_free(OffloadRun *run)
{
    assert(run->nr_idle == run->nr_buffers);
    if (run->nr_buffers > 1) {
        budget_give((run->nr_buffers - 1) * OFFLOAD_CHUNK);
    }
    while (run->nr_idle) {
        qemu_vfree(run->idle[--run->nr_idle]);
    }
    run->nr_buffers = 0;
}

void *offload_big_buffer_get(int64_t *bytes)
{
    for (; *bytes > OFFLOAD_CHUNK; *bytes = MAX(*bytes / 2, OFFLOAD_CHUNK)) {
        if (budget_take(*bytes)) {
            void *buffer = buffer_new(*bytes);

            if (buffer) {
                return buffer;
            }
            budget_give(*bytes);
        }
    }
    return buffer_new(*bytes);
}

void offload_big_buffer_put(void *buffer, int64_t bytes)
{
    if (bytes > OFFLOAD_CHUNK) {
        budget_give(bytes);
    }
    qemu_vfree(buffer);
}

int coroutine_fn offload_co_can_write(BlockBackend *dst)
{
    BlockDriverState *bs = blk_bs(dst);

    if (!bs || !bs->drv) {
        return -ENOMEDIUM;
    }
    if (bdrv_is_read_only(bs)) {
        return -EACCES;
    }
    /* the block layer asserts both */
    if (!blk_is_writable(dst) || (bs->open_flags & BDRV_O_INACTIVE)) {
        return -EPERM;
    }
    return 0;
}

int coroutine_fn offload_co_write(BlockBackend *dst, int64_t offset,
                                  int64_t bytes, const void *buf)
{
    int ret;

    bdrv_graph_co_rdlock();
    ret = offload_co_can_write(dst);
    bdrv_graph_co_rdunlock();
    if (ret < 0) {
        return ret;
    }
    if (buffer_is_zero(buf, bytes)) {
        ret = blk_co_pwrite_zeroes(dst, offset, bytes, BDRV_REQ_MAY_UNMAP);
    } else {
        ret = blk_co_pwrite(dst, offset, bytes, buf, 0);
    }
    return MIN(ret, 0);
}

static OffloadEnd coroutine_fn GRAPH_UNLOCKED
offload_co_chunk(OffloadPiece *piece, int64_t bytes, void *buf)
{
    OffloadRun *run = piece->run;
    int64_t at = piece->good;
    OffloadEnd end;
    int ret;

    end = offload_co_check(run);
    if (end != OFFLOAD_END_COMPLETE) {
        return end;
    }
    ret = blk_co_pread(run->src, piece->src_offset + at, bytes, buf, 0);
    if (ret < 0) {
        piece->error = ret;
        return OFFLOAD_END_READ_ERROR;
    }
    /* what was read is true only if the Rod has lived on until now */
    end = offload_co_check_rod(run);
    if (end != OFFLOAD_END_COMPLETE) {
        return end;
    }
    ret = offload_co_write(run->task->dst, piece->dst_offset + at, bytes, buf);
    if (ret < 0) {
        piece->error = ret;
        return OFFLOAD_END_WRITE_ERROR;
    }
    offload_piece_good(piece, OFFLOAD_METHOD_BOUNCE, bytes);
    return OFFLOAD_END_COMPLETE;
}

OffloadEnd coroutine_fn offload_co_bounce(OffloadPiece *piece)
{
    OffloadEnd end = OFFLOAD_END_COMPLETE;
    void *buf = offload_co_buffer_get(piece->run);

    if (!buf) {
        piece->error = -ENOMEM;
        return OFFLOAD_END_READ_ERROR;
    }
    while (piece->good < piece->bytes && end == OFFLOAD_END_COMPLETE) {
        end = offload_co_chunk(piece, MIN(piece->bytes - piece->good,
                                          OFFLOAD_CHUNK), buf);
    }
    offload_co_buffer_put(piece->run, buf);
    return end;
}
