/*
 * Rod: what ends it, what does not, and that no write slips by
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/qdict.h"
#include "block/rod.h"
#include "mem-disk.h"
#include "qapi/error.h"
#include "qobject/qdict.h"
#include "qemu/main-loop.h"
#include "qemu/units.h"

#define DISK_BYTES (1 * MiB)

typedef struct Ended {
    unsigned count;
    Rod *rod;
    RodState why;
} Ended;

static void note_end(Rod *rod, RodState why, void *opaque)
{
    Ended *e = opaque;

    e->count++;
    e->rod = rod;
    e->why = why;
}

typedef struct Create {
    BlockBackend *blk;
    const RodRange *ranges;
    unsigned nr_ranges;
    Ended *ended;
    Rod *rod;
    Error *err;
} Create;

static void coroutine_fn create_entry(void *opaque)
{
    Create *c = opaque;

    c->rod = rod_co_create(c->blk, c->ranges, c->nr_ranges,
                           c->ended ? note_end : NULL, c->ended, &c->err);
}

static Rod *create_list(BlockBackend *blk, const RodRange *ranges,
                        unsigned nr_ranges, Ended *ended)
{
    Create c = {
        .blk = blk, .ranges = ranges, .nr_ranges = nr_ranges, .ended = ended,
    };

    mem_run(create_entry, &c);
    g_assert_null(c.err);
    g_assert_nonnull(c.rod);
    return c.rod;
}

static Rod *create(BlockBackend *blk, int64_t offset, int64_t bytes,
                   Ended *ended)
{
    RodRange range = { offset, bytes };

    return create_list(blk, &range, 1, ended);
}

/* The Rod must have ended so, with one call; drops it */
static void expect_end(Rod *rod, Ended *ended, RodState why)
{
    g_assert_cmpint(rod_state(rod), ==, why);
    g_assert_cmpuint(ended->count, ==, 1);
    g_assert_true(ended->rod == rod);
    g_assert_cmpint(ended->why, ==, why);
    rod_unref(rod);
    memset(ended, 0, sizeof(*ended));
}

static void expect_live(Rod *rod, Ended *ended)
{
    g_assert_cmpint(rod_state(rod), ==, ROD_LIVE);
    g_assert_cmpuint(ended->count, ==, 0);
    rod_unref(rod);
    g_assert_cmpuint(ended->count, ==, 0);
}

static RodState check_source(Rod *rod)
{
    GRAPH_RDLOCK_GUARD_MAINLOOP();
    return rod_check_source(rod);
}

static bool overlaps(const Rod *rod, BlockBackend *blk, int64_t offset,
                     int64_t bytes)
{
    GRAPH_RDLOCK_GUARD_MAINLOOP();
    return rod_overlaps(rod, blk, offset, bytes);
}

/* ------------------------------------------------------------------ tests */

static void test_creation_reads_nothing(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    Ended e = {};
    Rod *rod = create(d->blk, 0, DISK_BYTES, &e);

    g_assert_cmpint(rod_state(rod), ==, ROD_LIVE);
    g_assert_cmpint(rod_bytes(rod), ==, DISK_BYTES);
    g_assert_true(rod_blk(rod) == d->blk);
    g_assert_cmpuint(d->count[MEM_READ], ==, 0);
    g_assert_cmpuint(rod_live_count, ==, 1);
    expect_live(rod, &e);
    g_assert_cmpuint(rod_live_count, ==, 0);
    mem_disk_free(d);
}

static void test_overlapping_write_ends(void)
{
    static const RodRange writes[] = {
        { 64 * KiB, 512 },                  /* first sector */
        { 128 * KiB - 512, 512 },           /* last one */
        { 96 * KiB, 4 * KiB },              /* inside */
        { 0, DISK_BYTES },                  /* around */
        { 63 * KiB, 2 * KiB },              /* across the begin */
        { 127 * KiB, 2 * KiB },             /* across the end */
    };
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    Ended e = {};

    for (int i = 0; i < ARRAY_SIZE(writes); i++) {
        Rod *rod = create(d->blk, 64 * KiB, 64 * KiB, &e);

        mem_write(d->blk, writes[i].offset, writes[i].bytes, i);
        expect_end(rod, &e, ROD_OVERWRITTEN);
    }
    mem_disk_free(d);
}

static void test_adjacent_write_does_not_end(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    Ended e = {};
    Rod *rod = create(d->blk, 64 * KiB, 64 * KiB, &e);

    mem_write(d->blk, 64 * KiB - 512, 512, 1);
    mem_write(d->blk, 128 * KiB, 512, 1);
    mem_write(d->blk, 0, 64 * KiB, 1);
    mem_zero(d->blk, 128 * KiB, 64 * KiB);
    mem_discard(d->blk, 0, 64 * KiB);
    expect_live(rod, &e);
    mem_disk_free(d);
}

static void test_gap_between_ranges_is_free(void)
{
    static const RodRange ranges[] = {
        { 512 * KiB, 4 * KiB }, { 0, 4 * KiB }, { 256 * KiB, 4 * KiB },
    };
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    Ended e = {};
    Rod *rod = create_list(d->blk, ranges, 3, &e);

    mem_write(d->blk, 4 * KiB, 252 * KiB, 1);
    mem_write(d->blk, 260 * KiB, 252 * KiB, 1);
    mem_write(d->blk, 516 * KiB, 252 * KiB, 1);
    g_assert_cmpint(rod_state(rod), ==, ROD_LIVE);
    mem_write(d->blk, 260 * KiB - 512, 512, 1);
    expect_end(rod, &e, ROD_OVERWRITTEN);
    mem_disk_free(d);
}

static void test_read_does_not_end(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    uint8_t buf[512];
    Ended e = {};
    Rod *rod = create(d->blk, 0, DISK_BYTES, &e);

    g_assert_cmpint(blk_pread(d->blk, 0, sizeof(buf), buf, 0), ==, 0);
    expect_live(rod, &e);
    mem_disk_free(d);
}

static void test_zero_and_discard_end(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    Ended e = {};
    Rod *rod = create(d->blk, 64 * KiB, 64 * KiB, &e);

    mem_zero(d->blk, 127 * KiB, 64 * KiB);
    expect_end(rod, &e, ROD_OVERWRITTEN);
    rod = create(d->blk, 64 * KiB, 64 * KiB, &e);
    mem_discard(d->blk, 0, 65 * KiB);
    expect_end(rod, &e, ROD_OVERWRITTEN);
    mem_disk_free(d);
}

static void test_truncate_ends_what_is_cut_off(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    Ended e = {}, below = {};
    Rod *low = create(d->blk, 0, 512 * KiB, &below);
    Rod *rod = create(d->blk, 768 * KiB, 256 * KiB, &e);

    blk_set_perm(d->blk, BLK_PERM_ALL, BLK_PERM_ALL, &error_abort);
    g_assert_cmpint(mem_truncate(d->blk, DISK_BYTES + 64 * KiB), ==, 0);
    g_assert_cmpint(rod_state(rod), ==, ROD_LIVE);
    g_assert_cmpint(mem_truncate(d->blk, DISK_BYTES), ==, 0);
    g_assert_cmpint(rod_state(rod), ==, ROD_LIVE);
    g_assert_cmpint(mem_truncate(d->blk, DISK_BYTES), ==, 0);
    g_assert_cmpint(rod_state(rod), ==, ROD_LIVE);
    g_assert_cmpint(mem_truncate(d->blk, DISK_BYTES - 512), ==, 0);
    expect_end(rod, &e, ROD_SHRUNK);
    g_assert_cmpint(mem_truncate(d->blk, 512 * KiB), ==, 0);
    expect_live(low, &below);
    mem_disk_free(d);
}

typedef struct Copy {
    MemDisk *src, *dst;
    int ret;
} Copy;

static void coroutine_fn copy_range_entry(void *opaque)
{
    Copy *c = opaque;

    c->ret = blk_co_copy_range(c->src->blk, 0, c->dst->blk, 64 * KiB, 4 * KiB,
                               0, 0);
}

static void test_copy_range_ends_destination_only(void)
{
    MemDisk *a = mem_disk_new("a", DISK_BYTES, 1);
    MemDisk *b = mem_disk_new("b", DISK_BYTES, 2);
    Ended ea = {}, eb = {};
    Rod *ra = create(a->blk, 0, DISK_BYTES, &ea);
    Rod *rb = create(b->blk, 0, DISK_BYTES, &eb);
    Copy c = { a, b };

    mem_run(copy_range_entry, &c);
    g_assert_cmpint(c.ret, ==, 0);
    expect_end(rb, &eb, ROD_OVERWRITTEN);
    expect_live(ra, &ea);
    mem_disk_free(a);
    mem_disk_free(b);
}

static int coroutine_fn see_ended(BlockDriverState *bs, MemOp op,
                                  int64_t offset, int64_t bytes, bool after,
                                  void *opaque)
{
    Ended *e = opaque;

    g_assert_cmpuint(e->count, ==, 1);
    return 0;
}

static void test_end_comes_before_the_data_changes(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    Ended e = {};
    Rod *rod = create(d->blk, 0, DISK_BYTES, &e);

    d->hook = see_ended;
    d->opaque = &e;
    mem_write(d->blk, 0, 512, 1);
    expect_end(rod, &e, ROD_OVERWRITTEN);
    mem_disk_free(d);
}

static void see_tracked(Rod *rod, RodState why, void *opaque)
{
    MemDisk *d = opaque;
    BdrvTrackedRequest *req;
    bool found = false;

    qemu_mutex_lock(&d->bs->reqs_lock);
    QLIST_FOREACH(req, &d->bs->tracked_requests, list) {
        found |= req->type == BDRV_TRACKED_WRITE;
    }
    qemu_mutex_unlock(&d->bs->reqs_lock);
    g_assert_true(found);
    d->opaque = rod;
}

static void coroutine_fn create_see_tracked(void *opaque)
{
    MemDisk *d = opaque;
    RodRange range = { 0, 512 };
    Rod *rod = rod_co_create(d->blk, &range, 1, see_tracked, d, &error_abort);

    g_assert_cmpint(blk_co_pwrite_zeroes(d->blk, 0, 512, 0), ==, 0);
    g_assert_true(d->opaque == rod);
    rod_unref(rod);
}

/* See rod.c, why no write is missed */
static void test_hook_stands_behind_the_tracked_request(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);

    mem_run(create_see_tracked, d);
    g_assert_nonnull(d->opaque);
    mem_disk_free(d);
}

static int coroutine_fn fail(BlockDriverState *bs, MemOp op, int64_t offset,
                             int64_t bytes, bool after, void *opaque)
{
    return -ENOSPC;
}

static void test_failed_write_ends(void)
{
    /* what a failed write left behind is unknown */
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    Ended e = {};
    Rod *rod = create(d->blk, 0, DISK_BYTES, &e);

    /* refused before anything is tried: does not end */
    g_assert_cmpint(mem_write(d->blk, DISK_BYTES, 512, 1), ==, -EIO);
    g_assert_cmpint(rod_state(rod), ==, ROD_LIVE);
    d->hook = fail;
    g_assert_cmpint(mem_write(d->blk, 0, 512, 1), ==, -ENOSPC);
    expect_end(rod, &e, ROD_OVERWRITTEN);
    mem_disk_free(d);
}

/* ------------------------------------------------------ writes in flight */

typedef struct Write {
    BlockBackend *blk;
    int64_t offset;
    int fill;
    bool done;
} Write;

static void coroutine_fn write_entry(void *opaque)
{
    Write *w = opaque;
    uint8_t buf[4096];

    memset(buf, w->fill, sizeof(buf));
    g_assert_cmpint(blk_co_pwrite(w->blk, w->offset, sizeof(buf), buf, 0), >=,
                    0);
}

static void test_write_in_flight_is_waited_for(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    Write w = { d->blk, 64 * KiB, 0x77 };
    RodRange range = { 0, 128 * KiB };
    Ended e = {};
    Create c = { d->blk, &range, 1, &e };
    bool created;

    d->hold[MEM_WRITE] = true;
    mem_start(write_entry, &w, &w.done);
    mem_start(create_entry, &c, &created);
    mem_settle();
    g_assert_cmpuint(d->nr_held, ==, 1);
    g_assert_false(created);

    mem_disk_release(d, MEM_WRITE);
    mem_poll_until(created);
    g_assert_true(w.done);
    g_assert_cmpint(d->data[64 * KiB], ==, 0x77);
    expect_live(c.rod, &e);
    mem_disk_free(d);
}

static void note_ret(void *opaque, int ret)
{
    *(int *)opaque = ret;
}

static void test_other_requests_in_flight_are_not_waited_for(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    Write w = { d->blk, 512 * KiB, 0x77 };
    uint8_t buf[512];
    QEMUIOVector qiov = QEMU_IOVEC_INIT_BUF(qiov, buf, sizeof(buf));
    Ended e = {};
    int ret = -EINPROGRESS;

    d->hold[MEM_WRITE] = true;
    d->hold[MEM_READ] = true;
    mem_start(write_entry, &w, &w.done);
    blk_aio_preadv(d->blk, 0, &qiov, 0, note_ret, &ret);
    mem_settle();
    g_assert_cmpuint(d->nr_held, ==, 2);
    expect_live(create(d->blk, 0, 128 * KiB, &e), &e);
    g_assert_false(w.done);
    d->hold[MEM_READ] = false;
    mem_disk_release(d, MEM_WRITE);
    mem_poll_until(w.done && ret >= 0);
    mem_disk_free(d);
}

static void test_write_during_the_wait_is_waited_for_too(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    Write w[3] = {
        { d->blk, 0, 1 }, { d->blk, 4 * KiB, 2 }, { d->blk, 8 * KiB, 3 },
    };
    RodRange range = { 0, 128 * KiB };
    Ended e = {};
    Create c = { d->blk, &range, 1, &e };
    bool created;

    d->hold[MEM_WRITE] = true;
    mem_start(write_entry, &w[0], &w[0].done);
    mem_start(create_entry, &c, &created);
    mem_start(write_entry, &w[1], &w[1].done);
    mem_start(write_entry, &w[2], &w[2].done);
    mem_settle();
    g_assert_cmpuint(d->nr_held, ==, 3);
    g_assert_false(created);

    mem_disk_release(d, MEM_WRITE);
    mem_poll_until(created);
    g_assert_true(w[0].done && w[1].done && w[2].done);
    expect_live(c.rod, &e);
    mem_disk_free(d);
}

static int coroutine_fn write_again(BlockDriverState *bs, MemOp op,
                                    int64_t offset, int64_t bytes, bool after,
                                    void *opaque)
{
    Write *w = opaque;

    /* the next one begins before this one ends, until somebody says stop */
    if (op == MEM_WRITE && !after && w->fill) {
        qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, 1);
        mem_start(write_entry, w, NULL);
        qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, 1);
    }
    return 0;
}

static void test_endless_writes_give_a_rod_that_has_ended(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    Write w = { d->blk, 0, 1 };
    RodRange range = { 0, 128 * KiB };
    Ended e = {};
    Create c = { d->blk, &range, 1, &e };
    bool created;

    d->hook = write_again;
    d->opaque = &w;
    mem_start(write_entry, &w, NULL);
    mem_start(create_entry, &c, &created);
    mem_poll_until(created);
    expect_end(c.rod, &e, ROD_OVERWRITTEN);
    w.fill = 0;
    mem_poll_until(d->in_flight == 0);
    mem_settle();
    mem_disk_free(d);
}

static void test_creation_queues_while_drained(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    RodRange range = { 0, 128 * KiB };
    Ended e = {};
    Create c = { d->blk, &range, 1, &e };
    bool created;

    bdrv_drained_begin(d->bs);
    mem_start(create_entry, &c, &created);
    mem_settle();
    g_assert_false(created);
    bdrv_drained_end(d->bs);
    mem_poll_until(created);
    expect_live(c.rod, &e);
    mem_disk_free(d);
}

/* -------------------------------------------------------------- the node */

static void test_filter_above_changes_nothing(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    Ended e = {};
    Rod *rod = create(d->blk, 0, 64 * KiB, &e);
    BlockDriverState *filter;

    filter = mem_filter_new(d->bs, "f");
    g_assert_true(blk_bs(d->blk) == filter);
    g_assert_cmpint(check_source(rod), ==, ROD_LIVE);
    mem_write(d->blk, 0, 512, 1);
    expect_end(rod, &e, ROD_OVERWRITTEN);

    rod = create(d->blk, 0, 64 * KiB, &e);
    mem_filter_drop(filter);
    g_assert_true(blk_bs(d->blk) == d->bs);
    g_assert_cmpint(check_source(rod), ==, ROD_LIVE);
    mem_write(d->blk, 0, 512, 1);
    expect_end(rod, &e, ROD_OVERWRITTEN);
    mem_disk_free(d);
}

static void test_writer_below_the_filter_ends(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    BlockDriverState *filter = mem_filter_new(d->bs, "f");
    BlockBackend *other = blk_new(qemu_get_aio_context(), BLK_PERM_ALL,
                                  BLK_PERM_ALL);
    Ended e = {};
    Rod *rod = create(d->blk, 0, 64 * KiB, &e);

    blk_insert_bs(other, d->bs, &error_abort);
    mem_write(other, 0, 512, 1);
    expect_end(rod, &e, ROD_OVERWRITTEN);
    blk_unref(other);
    mem_filter_drop(filter);
    mem_disk_free(d);
}

static BlockBackend *open_raw(const char *file, int64_t offset)
{
    QDict *options = qdict_new();
    BlockDriverState *bs;
    BlockBackend *blk;

    qdict_put_str(options, "driver", "raw");
    qdict_put_str(options, "file", file);
    if (offset) {
        qdict_put_int(options, "offset", offset);
    }
    bs = bdrv_open(NULL, NULL, options, BDRV_O_RDWR, &error_abort);
    blk = blk_new_with_bs(bs, BLK_PERM_CONSISTENT_READ | BLK_PERM_WRITE,
                          BLK_PERM_ALL, &error_abort);
    bdrv_unref(bs);
    return blk;
}

static void test_writer_below_the_raw_format_ends(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    BlockBackend *raw = open_raw("d", 0);
    Ended e = {};
    Rod *rod = create(raw, 64 * KiB, 64 * KiB, &e);

    mem_write(d->blk, 0, 64 * KiB, 1);
    g_assert_cmpint(rod_state(rod), ==, ROD_LIVE);
    mem_write(d->blk, 64 * KiB, 512, 1);
    expect_end(rod, &e, ROD_OVERWRITTEN);

    rod = create(raw, 64 * KiB, 64 * KiB, &e);
    mem_write(raw, 64 * KiB, 512, 1);
    expect_end(rod, &e, ROD_OVERWRITTEN);
    blk_unref(raw);
    mem_disk_free(d);
}

static void test_raw_format_with_an_offset_is_a_disk_of_its_own(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    BlockBackend *raw;
    Ended e = {};
    Rod *rod;

    blk_set_perm(d->blk, 0, BLK_PERM_ALL, &error_abort);
    raw = open_raw("d", 64 * KiB);
    rod = create(raw, 0, 64 * KiB, &e);
    mem_write(raw, 64 * KiB, 512, 1);
    g_assert_cmpint(rod_state(rod), ==, ROD_LIVE);
    mem_write(raw, 0, 512, 1);
    expect_end(rod, &e, ROD_OVERWRITTEN);
    blk_unref(raw);
    mem_disk_free(d);
}

static void test_replaced_node_is_found_out(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    MemDisk *n = mem_disk_new("n", DISK_BYTES, 2);
    Ended e = {};
    Rod *rod = create(d->blk, 0, 64 * KiB, &e);

    g_assert_cmpint(check_source(rod), ==, ROD_LIVE);
    blk_replace_bs(d->blk, n->bs, &error_abort);
    g_assert_false(overlaps(rod, d->blk, 0, DISK_BYTES));
    g_assert_cmpint(check_source(rod), ==, ROD_SOURCE_GONE);
    expect_end(rod, &e, ROD_SOURCE_GONE);

    blk_replace_bs(d->blk, d->bs, &error_abort);
    rod = create(d->blk, 0, 64 * KiB, &e);
    blk_remove_bs(d->blk);
    g_assert_cmpint(check_source(rod), ==, ROD_SOURCE_GONE);
    expect_end(rod, &e, ROD_SOURCE_GONE);
    mem_disk_free(d);
    mem_disk_free(n);
}

static void test_deleted_node_ends(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    MemDisk *n = mem_disk_new("n", DISK_BYTES, 2);
    BlockBackend *blk = blk_new(qemu_get_aio_context(), BLK_PERM_ALL,
                                BLK_PERM_ALL);
    Ended e = {};
    Rod *rod;

    blk_insert_bs(blk, d->bs, &error_abort);
    rod = create(blk, 0, 64 * KiB, &e);
    blk_replace_bs(blk, n->bs, &error_abort);
    g_assert_cmpuint(e.count, ==, 0);
    /* its address may be that of the next node */
    mem_disk_free(d);
    expect_end(rod, &e, ROD_SOURCE_GONE);
    g_assert_cmpuint(rod_live_count, ==, 0);
    blk_unref(blk);
    mem_disk_free(n);
}

/* ------------------------------------------------------------ the owner */

static void test_rod_end_is_silent_and_final(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    Ended e = {};
    Rod *rod = create(d->blk, 0, 64 * KiB, &e);

    rod_end(rod, ROD_DROPPED);
    g_assert_cmpint(rod_state(rod), ==, ROD_DROPPED);
    rod_end(rod, ROD_OVERWRITTEN);
    mem_write(d->blk, 0, 512, 1);
    g_assert_cmpint(rod_state(rod), ==, ROD_DROPPED);
    g_assert_cmpuint(e.count, ==, 0);
    rod_unref(rod);
    mem_disk_free(d);
}

static void test_rod_end_all_ends_one_disk(void)
{
    MemDisk *a = mem_disk_new("a", DISK_BYTES, 1);
    MemDisk *b = mem_disk_new("b", DISK_BYTES, 1);
    Ended e1 = {}, e2 = {}, eb = {};
    Rod *r1 = create(a->blk, 0, 64 * KiB, &e1);
    Rod *r2 = create(a->blk, 0, 64 * KiB, &e2);
    Rod *rb = create(b->blk, 0, 64 * KiB, &eb);

    rod_end_all(a->blk, ROD_SOURCE_GONE);
    expect_end(r1, &e1, ROD_SOURCE_GONE);
    expect_end(r2, &e2, ROD_SOURCE_GONE);
    expect_live(rb, &eb);
    mem_disk_free(a);
    mem_disk_free(b);
}

static void expect_error(BlockBackend *blk, const RodRange *ranges,
                         unsigned nr_ranges, const char *part)
{
    Create c = { .blk = blk, .ranges = ranges, .nr_ranges = nr_ranges };

    mem_run(create_entry, &c);
    g_assert_null(c.rod);
    g_assert_nonnull(c.err);
    g_assert_nonnull(strstr(error_get_pretty(c.err), part));
    error_free(c.err);
    g_assert_cmpuint(rod_live_count, ==, 0);
}

static void test_bad_ranges_are_refused(void)
{
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    RodRange good = { 0, 512 }, empty = { 512, 0 }, minus = { -512, 512 };
    RodRange huge = { INT64_MAX - 512, 512 }, past = { DISK_BYTES - 512, 1024 };
    RodRange twice[] = { { 4096, 1024 }, { 0, 512 }, { 4608, 512 } };

    expect_error(d->blk, &good, 0, "0 ranges");
    expect_error(d->blk, &empty, 1, "not valid");
    expect_error(d->blk, &minus, 1, "not valid");
    expect_error(d->blk, &huge, 1, "past the end");
    huge.bytes++;
    expect_error(d->blk, &huge, 1, "not valid");
    expect_error(d->blk, &past, 1, "past the end");
    expect_error(d->blk, twice, 3, "overlap at offset 4608");
    blk_remove_bs(d->blk);
    expect_error(d->blk, &good, 1, "no medium");
    mem_disk_free(d);
}

static void test_map_follows_the_order_of_the_rod(void)
{
    static const RodRange ranges[] = {
        { 512 * KiB, 4 * KiB }, { 0, 512 }, { 256 * KiB, 8 * KiB },
    };
    MemDisk *d = mem_disk_new("d", DISK_BYTES, 1);
    Ended e = {};
    Rod *rod = create_list(d->blk, ranges, 3, &e);
    int64_t at = -1;

    g_assert_cmpint(rod_bytes(rod), ==, 12 * KiB + 512);
    g_assert_cmpint(rod_map(rod, 0, &at), ==, 4 * KiB);
    g_assert_cmpint(at, ==, 512 * KiB);
    g_assert_cmpint(rod_map(rod, 4 * KiB - 1, &at), ==, 1);
    g_assert_cmpint(at, ==, 516 * KiB - 1);
    g_assert_cmpint(rod_map(rod, 4 * KiB, &at), ==, 512);
    g_assert_cmpint(at, ==, 0);
    g_assert_cmpint(rod_map(rod, 5 * KiB, &at), ==, 8 * KiB - 512);
    g_assert_cmpint(at, ==, 256 * KiB + 512);
    g_assert_cmpint(rod_map(rod, 12 * KiB + 511, &at), ==, 1);
    g_assert_cmpint(rod_map(rod, 12 * KiB + 512, &at), ==, 0);
    g_assert_cmpint(rod_map(rod, INT64_MAX, &at), ==, 0);
    g_assert_cmpint(rod_map(rod, -1, &at), ==, 0);

    g_assert_true(overlaps(rod, d->blk, 511, 1));
    g_assert_false(overlaps(rod, d->blk, 512, 256 * KiB - 512));
    g_assert_true(overlaps(rod, d->blk, 512, 256 * KiB));
    g_assert_false(overlaps(rod, d->blk, 516 * KiB, 4 * KiB));
    expect_live(rod, &e);
    mem_disk_free(d);
}

int main(int argc, char **argv)
{
    qemu_init_main_loop(&error_abort);
    bdrv_init();
    g_test_init(&argc, &argv, NULL);

#define T(name) g_test_add_func("/rod/" #name, test_##name)
    T(creation_reads_nothing);
    T(overlapping_write_ends);
    T(adjacent_write_does_not_end);
    T(gap_between_ranges_is_free);
    T(read_does_not_end);
    T(zero_and_discard_end);
    T(truncate_ends_what_is_cut_off);
    T(copy_range_ends_destination_only);
    T(end_comes_before_the_data_changes);
    T(hook_stands_behind_the_tracked_request);
    T(failed_write_ends);
    T(write_in_flight_is_waited_for);
    T(other_requests_in_flight_are_not_waited_for);
    T(write_during_the_wait_is_waited_for_too);
    T(endless_writes_give_a_rod_that_has_ended);
    T(creation_queues_while_drained);
    T(filter_above_changes_nothing);
    T(writer_below_the_filter_ends);
    T(writer_below_the_raw_format_ends);
    T(raw_format_with_an_offset_is_a_disk_of_its_own);
    T(replaced_node_is_found_out);
    T(deleted_node_ends);
    T(rod_end_is_silent_and_final);
    T(rod_end_all_ends_one_disk);
    T(bad_ranges_are_refused);
    T(map_follows_the_order_of_the_rod);
    return g_test_run();
}
