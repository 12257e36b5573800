/*
 * A disk in memory for tests, see mem-disk.h
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "mem-disk.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "qemu/units.h"

#define MEM_UNIT 4096

static int64_t mem_register_once;

static MemDisk *mem_of(BlockDriverState *bs)
{
    return *(MemDisk **)bs->opaque;
}

static int coroutine_fn mem_enter(BlockDriverState *bs, MemOp op,
                                  int64_t offset, int64_t bytes)
{
    MemDisk *d = mem_of(bs);

    qatomic_inc(&d->count[op]);
    qatomic_add(&d->in_range, op == MEM_RANGE);
    d->max_in_flight = MAX(d->max_in_flight,
                           qatomic_fetch_inc(&d->in_flight) + 1);
    d->max_bytes[op] = MAX(d->max_bytes[op], bytes);
    while (d->hold[op]) {
        d->nr_held++;
        qemu_co_queue_wait(&d->held, NULL);
        d->nr_held--;
    }
    if (d->slow) {
        qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, 1000);
    }
    if (op == d->fail_op &&
        (d->fail_at == MEM_FAIL_ALWAYS ||
         (offset <= d->fail_at && d->fail_at < offset + bytes))) {
        return d->fail_errno ? -d->fail_errno : -EIO;
    }
    return d->hook ? d->hook(bs, op, offset, bytes, false, d->opaque) : 0;
}

static int coroutine_fn mem_leave(BlockDriverState *bs, MemOp op,
                                  int64_t offset, int64_t bytes, int ret)
{
    MemDisk *d = mem_of(bs);

    if (ret >= 0 && d->hook) {
        d->hook(bs, op, offset, bytes, true, d->opaque);
    }
    qatomic_sub(&d->in_range, op == MEM_RANGE);
    qatomic_dec(&d->in_flight);
    return ret;
}

static int coroutine_fn mem_co_preadv(BlockDriverState *bs, int64_t offset,
                                      int64_t bytes, QEMUIOVector *qiov,
                                      BdrvRequestFlags flags)
{
    int ret = mem_enter(bs, MEM_READ, offset, bytes);

    if (ret >= 0) {
        qemu_iovec_from_buf(qiov, 0, mem_of(bs)->data + offset, bytes);
    }
    return mem_leave(bs, MEM_READ, offset, bytes, ret);
}

static int coroutine_fn mem_co_pwritev(BlockDriverState *bs, int64_t offset,
                                       int64_t bytes, QEMUIOVector *qiov,
                                       BdrvRequestFlags flags)
{
    int ret = mem_enter(bs, MEM_WRITE, offset, bytes);

    if (ret >= 0) {
        g_assert_cmpint(offset + bytes, <=, mem_of(bs)->capacity);
        qemu_iovec_to_buf(qiov, 0, mem_of(bs)->data + offset, bytes);
    }
    return mem_leave(bs, MEM_WRITE, offset, bytes, ret);
}

static int coroutine_fn mem_co_clear(BlockDriverState *bs, MemOp op,
                                     int64_t offset, int64_t bytes)
{
    int ret = mem_enter(bs, op, offset, bytes);

    if (ret >= 0) {
        memset(mem_of(bs)->data + offset, 0, bytes);
    }
    return mem_leave(bs, op, offset, bytes, ret);
}

static int coroutine_fn mem_co_pwrite_zeroes(BlockDriverState *bs,
                                             int64_t offset, int64_t bytes,
                                             BdrvRequestFlags flags)
{
    return mem_co_clear(bs, MEM_ZERO, offset, bytes);
}

static int coroutine_fn mem_co_pdiscard(BlockDriverState *bs, int64_t offset,
                                        int64_t bytes)
{
    return mem_co_clear(bs, MEM_DISCARD, offset, bytes);
}

static int coroutine_fn mem_co_flush(BlockDriverState *bs)
{
    mem_of(bs)->flushes++;
    return 0;
}

static int64_t coroutine_fn mem_co_getlength(BlockDriverState *bs)
{
    return mem_of(bs) ? mem_of(bs)->length : 0;    /* being opened */
}

static int coroutine_fn mem_co_truncate(BlockDriverState *bs, int64_t offset,
                                        bool exact, PreallocMode prealloc,
                                        BdrvRequestFlags flags, Error **errp)
{
    MemDisk *d = mem_of(bs);

    g_assert_cmpint(offset, <=, d->capacity);
    if (offset < d->length) {
        memset(d->data + offset, 0, d->length - offset);
    }
    d->length = offset;
    return 0;
}

static int coroutine_fn mem_co_block_status(BlockDriverState *bs,
                                            bool want_zero, int64_t offset,
                                            int64_t bytes, int64_t *pnum,
                                            int64_t *map,
                                            BlockDriverState **file)
{
    MemDisk *d = mem_of(bs);
    bool zero = false;
    int64_t n = 0;

    if (!d->status) {
        *pnum = bytes;
        return BDRV_BLOCK_DATA;
    }
    while (n < bytes) {
        int64_t part = MIN(MEM_UNIT - (offset + n) % MEM_UNIT, bytes - n);
        bool z = buffer_is_zero(d->data + offset + n, part);

        if (n && z != zero) {
            break;
        }
        zero = z;
        n += part;
    }
    *pnum = n;
    return zero ? BDRV_BLOCK_ZERO : BDRV_BLOCK_DATA;
}

static int coroutine_fn GRAPH_RDLOCK
mem_co_copy_range_from(BlockDriverState *bs, BdrvChild *src,
                       int64_t src_offset, BdrvChild *dst, int64_t dst_offset,
                       int64_t bytes, BdrvRequestFlags read_flags,
                       BdrvRequestFlags write_flags)
{
    return bdrv_co_copy_range_to(src, src_offset, dst, dst_offset, bytes,
                                 read_flags, write_flags);
}

static int coroutine_fn GRAPH_RDLOCK
mem_co_copy_range_to(BlockDriverState *bs, BdrvChild *src, int64_t src_offset,
                     BdrvChild *dst, int64_t dst_offset, int64_t bytes,
                     BdrvRequestFlags read_flags, BdrvRequestFlags write_flags)
{
    MemDisk *d = mem_of(bs);
    int ret;

    if (d->no_range || !src->bs->drv ||
        src->bs->drv->bdrv_co_copy_range_to != mem_co_copy_range_to) {
        return -ENOTSUP;
    }
    ret = mem_enter(bs, MEM_RANGE, dst_offset, bytes);
    if (ret >= 0) {
        memmove(d->data + dst_offset, mem_of(src->bs)->data + src_offset,
                bytes);
    }
    return mem_leave(bs, MEM_RANGE, dst_offset, bytes, ret);
}

static void mem_close(BlockDriverState *bs)
{
    MemDisk *d = mem_of(bs);

    g_free(d->data);
    g_free(d);
}

static void mem_refresh_limits(BlockDriverState *bs, Error **errp)
{
    bs->bl.request_alignment = 512;
}

static BlockDriver bdrv_mem = {
    .format_name                = "mem",
    .instance_size              = sizeof(MemDisk *),
    .bdrv_close                 = mem_close,
    .bdrv_co_preadv             = mem_co_preadv,
    .bdrv_co_pwritev            = mem_co_pwritev,
    .bdrv_co_pwrite_zeroes      = mem_co_pwrite_zeroes,
    .bdrv_co_pdiscard           = mem_co_pdiscard,
    .bdrv_co_flush_to_disk      = mem_co_flush,
    .bdrv_co_getlength          = mem_co_getlength,
    .bdrv_co_truncate           = mem_co_truncate,
    .bdrv_co_block_status       = mem_co_block_status,
    .bdrv_co_copy_range_from    = mem_co_copy_range_from,
    .bdrv_co_copy_range_to      = mem_co_copy_range_to,
    .bdrv_refresh_limits        = mem_refresh_limits,
};

/* ----------------------------------------------------------- the filter */

static int coroutine_fn GRAPH_RDLOCK
pass_co_preadv(BlockDriverState *bs, int64_t offset, int64_t bytes,
               QEMUIOVector *qiov, BdrvRequestFlags flags)
{
    return bdrv_co_preadv(bs->file, offset, bytes, qiov, flags);
}

static int coroutine_fn GRAPH_RDLOCK
pass_co_pwritev(BlockDriverState *bs, int64_t offset, int64_t bytes,
                QEMUIOVector *qiov, BdrvRequestFlags flags)
{
    return bdrv_co_pwritev(bs->file, offset, bytes, qiov, flags);
}

static int coroutine_fn GRAPH_RDLOCK
pass_co_pwrite_zeroes(BlockDriverState *bs, int64_t offset, int64_t bytes,
                      BdrvRequestFlags flags)
{
    return bdrv_co_pwrite_zeroes(bs->file, offset, bytes, flags);
}

static int64_t coroutine_fn GRAPH_RDLOCK pass_co_getlength(BlockDriverState *bs)
{
    return bs->file ? bdrv_co_getlength(bs->file->bs) : 0;
}

static BlockDriver bdrv_pass = {
    .format_name            = "pass",
    .is_filter              = true,
    .bdrv_co_preadv         = pass_co_preadv,
    .bdrv_co_pwritev        = pass_co_pwritev,
    .bdrv_co_pwrite_zeroes  = pass_co_pwrite_zeroes,
    .bdrv_co_getlength      = pass_co_getlength,
    .bdrv_child_perm        = bdrv_default_perms,
};

/*
 * bdrv_append() would make a backing child; a filter has its child in `file`,
 * so it is attached by hand and the parents are moved up.
 */
BlockDriverState *mem_filter_new(BlockDriverState *bs, const char *name)
{
    BlockDriverState *filter =
        bdrv_new_open_driver(&bdrv_pass, name, BDRV_O_RDWR, &error_abort);

    filter->total_sectors = bs->total_sectors;
    bdrv_ref(bs);
    bdrv_drained_begin(bs);
    bdrv_drained_begin(filter);
    bdrv_graph_wrlock();
    bdrv_replace_node(bs, filter, &error_abort);
    bdrv_attach_child(filter, bs, "file", &child_of_bds,
                      BDRV_CHILD_FILTERED | BDRV_CHILD_PRIMARY, &error_abort);
    bdrv_graph_wrunlock();
    bdrv_drained_end(filter);
    bdrv_drained_end(bs);
    return filter;
}

void mem_filter_drop(BlockDriverState *filter)
{
    BlockDriverState *bs = filter->file->bs;

    bdrv_ref(bs);
    bdrv_drained_begin(bs);
    bdrv_graph_wrlock();
    bdrv_replace_node(filter, bs, &error_abort);
    bdrv_graph_wrunlock();
    bdrv_drained_end(bs);
    bdrv_unref(filter);
    bdrv_unref(bs);
}

/* ------------------------------------------------------------- the disk */

MemDisk *mem_disk_new(const char *name, int64_t length, uint32_t seed)
{
    MemDisk *d = g_new0(MemDisk, 1);
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);

    if (!mem_register_once++) {
        bdrv_register(&bdrv_mem);
        bdrv_register(&bdrv_pass);
    }
    d->fail_at = -1;
    d->length = length;
    d->capacity = length + 1 * MiB;
    d->data = g_malloc0(d->capacity);
    for (int64_t i = 0; i + 4 <= length; i += 4) {
        stl_he_p(d->data + i, g_rand_int(rand) | 1);
    }
    qemu_co_queue_init(&d->held);

    d->bs = bdrv_new_open_driver(&bdrv_mem, name, BDRV_O_RDWR | BDRV_O_UNMAP,
                                 &error_abort);
    *(MemDisk **)d->bs->opaque = d;
    d->bs->total_sectors = length / BDRV_SECTOR_SIZE;
    d->blk = blk_new(qemu_get_aio_context(),
                     BLK_PERM_CONSISTENT_READ | BLK_PERM_WRITE, BLK_PERM_ALL);
    blk_insert_bs(d->blk, d->bs, &error_abort);
    blk_set_enable_write_cache(d->blk, true);
    return d;
}

/* A job may still have the node: it takes the rest along, see mem_close() */
void mem_disk_free(MemDisk *disk)
{
    blk_unref(disk->blk);
    bdrv_unref(disk->bs);
}

void mem_disk_release(MemDisk *disk, MemOp op)
{
    disk->hold[op] = false;
    qemu_co_enter_all(&disk->held, NULL);
}

/* ------------------------------------------------------------ coroutines */

typedef struct MemCo {
    void coroutine_fn (*fn)(void *);
    void *opaque;
    bool *done;
} MemCo;

static void coroutine_fn mem_co_entry(void *opaque)
{
    MemCo *co = opaque;

    co->fn(co->opaque);
    if (co->done) {
        *co->done = true;
    }
    g_free(co);
    aio_wait_kick();
}

void mem_start(void coroutine_fn (*fn)(void *), void *opaque, bool *done)
{
    MemCo *co = g_new(MemCo, 1);

    *co = (MemCo) { .fn = fn, .opaque = opaque, .done = done };
    if (done) {
        *done = false;
    }
    aio_co_enter(qemu_get_aio_context(),
                 qemu_coroutine_create(mem_co_entry, co));
}

void mem_run(void coroutine_fn (*fn)(void *), void *opaque)
{
    bool done;

    mem_start(fn, opaque, &done);
    mem_poll_until(done);
}

void mem_settle(void)
{
    while (aio_poll(qemu_get_aio_context(), false)) {
        /* once more */
    }
}

typedef struct MemRequest {
    BlockBackend *blk;
    MemOp op;
    int64_t offset, bytes;
    int fill;
    int ret;
} MemRequest;

static void coroutine_fn mem_co_request(void *opaque)
{
    MemRequest *r = opaque;
    g_autofree uint8_t *buf = NULL;

    switch (r->op) {
    case MEM_WRITE:
        buf = g_malloc(r->bytes);
        memset(buf, r->fill, r->bytes);
        r->ret = blk_co_pwrite(r->blk, r->offset, r->bytes, buf, 0);
        break;
    case MEM_ZERO:
        r->ret = blk_co_pwrite_zeroes(r->blk, r->offset, r->bytes, 0);
        break;
    case MEM_DISCARD:
        r->ret = blk_co_pdiscard(r->blk, r->offset, r->bytes, 0);
        break;
    default:
        r->ret = blk_co_truncate(r->blk, r->offset, true, PREALLOC_MODE_OFF, 0,
                                 NULL);
        break;
    }
}

static int mem_request(BlockBackend *blk, MemOp op, int64_t offset,
                       int64_t bytes, int fill)
{
    MemRequest r = {
        .blk = blk, .op = op, .offset = offset, .bytes = bytes, .fill = fill,
    };

    mem_run(mem_co_request, &r);
    return r.ret;
}

int mem_write(BlockBackend *blk, int64_t offset, int64_t bytes, int fill)
{
    return mem_request(blk, MEM_WRITE, offset, bytes, fill);
}

int mem_zero(BlockBackend *blk, int64_t offset, int64_t bytes)
{
    return mem_request(blk, MEM_ZERO, offset, bytes, 0);
}

int mem_discard(BlockBackend *blk, int64_t offset, int64_t bytes)
{
    return mem_request(blk, MEM_DISCARD, offset, bytes, 0);
}

int mem_truncate(BlockBackend *blk, int64_t length)
{
    return mem_request(blk, MEM__MAX, length, 0, 0);
}

uint32_t mem_seed(void)
{
    const char *given = g_getenv("VSCSI_SEED");
    unsigned int seed = g_random_int();

    if (given && qemu_strtoui(given, NULL, 0, &seed) < 0) {
        g_error("VSCSI_SEED is no number: %s", given);
    }

    g_test_message("VSCSI_SEED=%u", seed);
    return seed;
}
