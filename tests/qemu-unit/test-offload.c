/*
 * Offload: what is copied, by which method, and how much of it counts
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/offload.h"
#include "block/throttle-groups.h"
#include "copy-fixture.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "qemu/timer.h"

/* ------------------------------------------------------ the usual methods */

static void test_data_goes_by_copy_range(void)
{
    Fixture *f = fixture_new(8 * MiB);

    fixture_whole(f);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    fixture_expect_done(f, 8 * MiB);
    fixture_expect_bytes(f, 0, 8 * MiB, 0);
    g_assert_cmpuint(f->src->count[MEM_READ], ==, 0);
    fixture_free(f);
}

static void test_refused_copy_range_falls_back_once_told(void)
{
    Fixture *f = fixture_new(24 * MiB);

    f->dst->no_range = true;
    fixture_whole(f);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    fixture_expect_done(f, 24 * MiB);
    fixture_expect_bytes(f, 0, 0, 24 * MiB);
    g_assert_cmpuint(f->told[OFFLOAD_REASON_NOT_SUPPORTED], ==, 1);
    g_assert_cmpint(f->told_error, ==, -ENOTSUP);
    fixture_expect_fallback(f, OFFLOAD_REASON_NOT_SUPPORTED, 24 * MiB);
    fixture_free(f);
}

static void test_policy_bounce_never_asks(void)
{
    Fixture *f = fixture_new(4 * MiB);

    fixture_whole(f);
    f->task.policy = OFFLOAD_POLICY_BOUNCE;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    fixture_expect_done(f, 4 * MiB);
    fixture_expect_bytes(f, 0, 0, 4 * MiB);
    fixture_expect_fallback(f, OFFLOAD_REASON_DISABLED, 4 * MiB);
    g_assert_cmpuint(f->dst->count[MEM_RANGE], ==, 0);
    fixture_free(f);
}

static void test_zeroes_are_written_as_zeroes(void)
{
    Fixture *f = fixture_new(8 * MiB);

    f->src->status = true;
    memset(f->src->data + 2 * MiB, 0, 4 * MiB);
    fixture_whole(f);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    fixture_expect_done(f, 8 * MiB);
    fixture_expect_bytes(f, 4 * MiB, 4 * MiB, 0);
    fixture_free(f);
}

static void test_zeroes_that_nobody_told_are_found_in_the_buffer(void)
{
    Fixture *f = fixture_new(4 * MiB);

    memset(f->src->data, 0, 2 * MiB);
    fixture_whole(f);
    f->task.policy = OFFLOAD_POLICY_BOUNCE;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    fixture_expect_done(f, 4 * MiB);
    fixture_expect_bytes(f, 0, 0, 4 * MiB);
    g_assert_cmpuint(f->dst->count[MEM_ZERO], ==, 2);
    g_assert_cmpuint(f->dst->count[MEM_WRITE], ==, 2);
    fixture_free(f);
}

static void test_small_holes_go_with_the_data(void)
{
    Fixture *f = fixture_new(4 * MiB);

    f->src->status = true;
    for (int64_t at = 8 * KiB; at < 256 * KiB; at += 16 * KiB) {
        memset(f->src->data + at, 0, 8 * KiB);
    }
    fixture_whole(f);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    fixture_expect_done(f, 4 * MiB);
    g_assert_cmpuint(f->dst->count[MEM_RANGE], ==, 1);
    fixture_free(f);
}

static void test_no_source_writes_zeroes(void)
{
    Fixture *f = fixture_new(8 * MiB);

    fixture_dst(f, 0, 8 * MiB);
    f->task.bytes = 8 * MiB - 512;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    g_assert_cmpint(f->task.done, ==, 8 * MiB - 512);
    g_assert_true(buffer_is_zero(f->dst->data, 8 * MiB - 512));
    g_assert_false(buffer_is_zero(f->dst->data, 8 * MiB));
    fixture_expect_bytes(f, 8 * MiB - 512, 0, 0);
    fixture_free(f);
}

static void test_zeroes_on_zeroes_write_nothing(void)
{
    Fixture *f = fixture_new(32 * MiB);

    f->dst->status = true;
    memset(f->dst->data + 4 * MiB, 0, 24 * MiB);
    memset(f->dst->data + 1 * MiB, 0, 64 * KiB);
    fixture_dst(f, 0, 32 * MiB);
    f->task.bytes = 32 * MiB;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    g_assert_true(buffer_is_zero(f->dst->data, 32 * MiB));
    /* before and behind the large hole; the small one is not gone around */
    g_assert_cmpuint(f->dst->count[MEM_ZERO], ==, 2);
    fixture_expect_bytes(f, 32 * MiB, 0, 0);
    fixture_free(f);
}

static void test_past_the_end_of_the_rod_is_zero(void)
{
    Fixture *f = fixture_new(8 * MiB);

    fixture_src(f, 0, 1 * MiB);
    fixture_dst(f, 0, 4 * MiB);
    f->task.bytes = 4 * MiB;
    f->task.src_offset = 512 * KiB;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    g_assert_cmpint(f->task.done, ==, 4 * MiB);
    g_assert_cmpint(memcmp(f->dst->data, f->src->data + 512 * KiB, 512 * KiB),
                    ==, 0);
    g_assert_true(buffer_is_zero(f->dst->data + 512 * KiB,
                                 3 * MiB + 512 * KiB));
    fixture_expect_bytes(f, 3 * MiB + 512 * KiB, 512 * KiB, 0);
    fixture_free(f);
}

static void test_source_without_a_rod(void)
{
    Fixture *f = fixture_new(8 * MiB);

    f->task.src = f->src->blk;
    f->task.src_offset = 1 * MiB;
    fixture_dst(f, 4 * MiB, 2 * MiB);
    f->task.bytes = 2 * MiB;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    g_assert_cmpint(f->task.done, ==, 2 * MiB);
    g_assert_cmpint(memcmp(f->dst->data + 4 * MiB, f->src->data + 1 * MiB,
                           2 * MiB), ==, 0);
    fixture_free(f);
}

static void test_ranges_are_joined_in_order(void)
{
    Fixture *f = fixture_new(8 * MiB);

    fixture_src(f, 4 * MiB, 64 * KiB);
    fixture_src(f, 0, 512);
    fixture_src(f, 1 * MiB, 192 * KiB - 512);
    fixture_dst(f, 2 * MiB, 1536);
    fixture_dst(f, 5 * MiB, 0);
    fixture_dst(f, 0, 100 * KiB);
    fixture_dst(f, 6 * MiB, 200 * KiB);
    f->task.bytes = 256 * KiB;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    fixture_expect_done(f, 256 * KiB);
    fixture_free(f);
}

static void test_overlapping_destinations_are_written_in_order(void)
{
    Fixture *f = fixture_new(8 * MiB);

    f->dst->no_range = true;
    fixture_src(f, 0, 4 * MiB);
    fixture_dst(f, 0, 2 * MiB);
    fixture_dst(f, 1 * MiB, 2 * MiB);
    f->task.bytes = 4 * MiB;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    g_assert_cmpint(f->task.done, ==, 4 * MiB);
    /* the second descriptor wins */
    g_assert_cmpint(memcmp(f->dst->data, f->src->data, 1 * MiB), ==, 0);
    g_assert_cmpint(memcmp(f->dst->data + 1 * MiB, f->src->data + 2 * MiB,
                           2 * MiB), ==, 0);
    g_assert_cmpint(f->dst->max_in_flight, ==, 1);
    fixture_free(f);
}

/* ------------------------------------------------------------- errors, ends */

static void test_read_error_counts_what_is_before_it(void)
{
    Fixture *f = fixture_new(16 * MiB);

    f->dst->no_range = true;
    f->src->fail_op = MEM_READ;
    f->src->fail_at = 9 * MiB + 4096;
    fixture_whole(f);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_READ_ERROR);
    g_assert_cmpint(f->task.error, ==, -EIO);
    fixture_expect_done(f, 9 * MiB);
    fixture_free(f);
}

static void test_write_error_counts_what_is_before_it(void)
{
    Fixture *f = fixture_new(16 * MiB);

    f->dst->no_range = true;
    f->dst->fail_op = MEM_WRITE;
    f->dst->fail_at = 3 * MiB;
    fixture_whole(f);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_WRITE_ERROR);
    g_assert_cmpint(f->task.error, ==, -EIO);
    fixture_expect_done(f, 3 * MiB);

    /* goes on from there when the disk is mended */
    f->dst->fail_at = -1;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    g_assert_cmpint(f->task.error, ==, 0);
    fixture_expect_done(f, 16 * MiB);
    fixture_free(f);
}

static void test_zero_error_counts_what_is_before_it(void)
{
    Fixture *f = fixture_new(64 * MiB);

    f->dst->fail_op = MEM_ZERO;
    f->dst->fail_at = 40 * MiB;
    fixture_dst(f, 0, 64 * MiB);
    f->task.bytes = 64 * MiB;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_WRITE_ERROR);
    /* steps of 16 MiB, and larger ones as long as they are fast */
    g_assert_cmpint(f->task.done, >=, 16 * MiB);
    g_assert_cmpint(f->task.done, <=, 40 * MiB);
    fixture_free(f);
}

static void test_failed_copy_range_finds_the_true_error(void)
{
    Fixture *f = fixture_new(16 * MiB);

    f->dst->fail_op = MEM_RANGE;
    f->dst->fail_at = 6 * MiB;
    f->dst->fail_errno = ENOSPC;
    fixture_whole(f);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    fixture_expect_done(f, 16 * MiB);
    g_assert_cmpuint(f->told[OFFLOAD_REASON_FAILED], ==, 1);
    g_assert_cmpint(f->told_error, ==, -ENOSPC);
    /* one failure does not switch it off */
    g_assert_cmpuint(stat64_get(&f->stats.bytes[OFFLOAD_METHOD_COPY_RANGE]), >,
                     4 * MiB);
    g_assert_cmpuint(f->dst->count[MEM_RANGE], >, 2);
    fixture_free(f);
}

static void test_lasting_reasons_are_not_asked_again(void)
{
    static const struct {
        int error;
        OffloadReason reason;
        unsigned asked;
    } cases[] = {
        { EXDEV, OFFLOAD_REASON_CROSS_DEVICE, 1 },
        { ENOTSUP, OFFLOAD_REASON_NOT_SUPPORTED, 1 },
        { ENOSYS, OFFLOAD_REASON_NOT_SUPPORTED, 1 },
        { EINVAL, OFFLOAD_REASON_FAILED, 3 },
    };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        Fixture *f = fixture_new(32 * MiB);

        f->dst->fail_op = MEM_RANGE;
        f->dst->fail_at = MEM_FAIL_ALWAYS;
        f->dst->fail_errno = cases[i].error;
        fixture_whole(f);
        g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
        fixture_expect_done(f, 32 * MiB);
        g_assert_cmpuint(f->dst->count[MEM_RANGE], ==, cases[i].asked);
        g_assert_cmpuint(f->told[cases[i].reason], ==, 1);
        fixture_expect_fallback(f, cases[i].reason, 32 * MiB);
        fixture_free(f);
    }
}

static void test_destination_that_cannot_be_written(void)
{
    Fixture *f = fixture_new(1 * MiB);

    fixture_whole(f);
    blk_set_perm(f->dst->blk, BLK_PERM_CONSISTENT_READ, BLK_PERM_ALL,
                 &error_abort);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_WRITE_ERROR);
    g_assert_cmpint(f->task.error, ==, -EPERM);
    blk_remove_bs(f->dst->blk);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_WRITE_ERROR);
    g_assert_cmpint(f->task.error, ==, -ENOMEDIUM);
    g_assert_cmpint(f->task.done, ==, 0);
    g_assert_cmpuint(f->nr_told, ==, 0);
    fixture_free(f);
}

static void test_source_without_a_medium(void)
{
    Fixture *f = fixture_new(1 * MiB);

    fixture_whole(f);
    fixture_rod(f);
    f->task.src = f->src->blk;
    blk_remove_bs(f->src->blk);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_ROD);
    g_assert_cmpint(rod_state(f->task.rod), ==, ROD_SOURCE_GONE);
    rod_unref(f->task.rod);
    f->task.rod = NULL;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_READ_ERROR);
    g_assert_cmpint(f->task.error, ==, -ENOMEDIUM);
    fixture_free(f);
}

static void test_destination_past_the_end(void)
{
    Fixture *f = fixture_new(2 * MiB);

    fixture_src(f, 0, 2 * MiB);
    fixture_dst(f, 1 * MiB, 2 * MiB);
    f->task.bytes = 2 * MiB;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_WRITE_ERROR);
    g_assert_cmpint(f->task.error, ==, -EIO);
    g_assert_cmpint(f->task.done, ==, 1 * MiB);
    fixture_free(f);
}

static void test_task_that_cannot_be_computed_is_refused(void)
{
    Fixture *f = fixture_new(1 * MiB);

    fixture_src(f, 0, 1 * MiB);
    fixture_dst(f, INT64_MAX - 512, 1 * MiB);
    f->task.bytes = 1 * MiB;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_WRITE_ERROR);
    g_assert_cmpint(f->task.error, ==, -EINVAL);
    f->dst_ranges[0] = (RodRange) { 0, 1 * MiB };
    f->task.bytes = 2 * MiB;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_WRITE_ERROR);
    f->task.bytes = 1 * MiB;
    f->task.src_offset = INT64_MAX - 512;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_WRITE_ERROR);
    g_assert_cmpint(f->task.done, ==, 0);
    fixture_free(f);
}

static void test_nothing_to_copy_is_complete(void)
{
    Fixture *f = fixture_new(1 * MiB);

    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    fixture_free(f);
}

static int coroutine_fn stop_at(BlockDriverState *bs, MemOp op, int64_t offset,
                                int64_t bytes, bool after, void *opaque)
{
    Fixture *f = opaque;

    if (op == MEM_WRITE && f->dst->count[MEM_WRITE] == 20) {
        offload_stop(&f->task);
    }
    return 0;
}

static void test_stop_and_go_on(void)
{
    Fixture *f = fixture_new(64 * MiB);

    f->dst->no_range = true;
    f->dst->hook = stop_at;
    f->dst->opaque = f;
    fixture_whole(f);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_STOPPED);
    g_assert_cmpint(f->task.done, >=, 19 * MiB);
    g_assert_cmpint(f->task.done, <=, 30 * MiB);
    fixture_expect_done(f, f->task.done);

    f->dst->hook = NULL;
    f->task.stop = 0;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    fixture_expect_done(f, 64 * MiB);
    fixture_expect_bytes(f, 0, 0, 64 * MiB);
    fixture_free(f);
}

static void test_deadline_in_the_past_copies_one_piece(void)
{
    Fixture *f = fixture_new(32 * MiB);
    int64_t before = 0;
    int runs = 0;

    fixture_whole(f);
    f->task.deadline_ns = 1;
    while (fixture_run(f) == OFFLOAD_END_DEADLINE) {
        g_assert_cmpint(f->task.done, >, before);
        before = f->task.done;
        runs++;
    }
    fixture_expect_done(f, 32 * MiB);
    g_assert_cmpint(runs, >=, 2);
    fixture_free(f);
}

/*
 * What is in flight at the deadline must be waited for: how much that may be is
 * not known before a first chunk has landed.
 */
static void test_deadline_lets_one_chunk_go_ahead(void)
{
    Fixture *f = fixture_new(32 * MiB);

    fixture_whole(f);
    f->task.policy = OFFLOAD_POLICY_BOUNCE;
    f->task.deadline_ns = INT64_MAX;
    f->dst->hold[MEM_WRITE] = true;
    fixture_start(f);
    mem_poll_until(f->dst->nr_held);
    mem_settle();
    g_assert_cmpint(f->dst->nr_held, ==, 1);
    mem_disk_release(f->dst, MEM_WRITE);
    mem_poll_until(f->done);
    g_assert_cmpint(f->end, ==, OFFLOAD_END_COMPLETE);
    fixture_expect_done(f, 32 * MiB);
    fixture_free(f);
}

static void test_no_deadline_fills_the_pipe_at_once(void)
{
    Fixture *f = fixture_new(32 * MiB);

    fixture_whole(f);
    f->task.policy = OFFLOAD_POLICY_BOUNCE;
    f->dst->hold[MEM_WRITE] = true;
    fixture_start(f);
    mem_poll_until(f->dst->nr_held);
    mem_settle();
    g_assert_cmpint(f->dst->nr_held, >, 1);
    mem_disk_release(f->dst, MEM_WRITE);
    mem_poll_until(f->done);
    fixture_expect_done(f, 32 * MiB);
    fixture_free(f);
}

/* ----------------------------------------------------- the Rod, in the copy */

typedef struct Intrude {
    Fixture *f;
    MemOp op;               /* when the disk does this */
    int64_t at;             /* to this byte of itself, */
    bool after;
    int64_t write;          /* write here on the source */
    bool done;
} Intrude;

static int coroutine_fn intrude(BlockDriverState *bs, MemOp op, int64_t offset,
                                int64_t bytes, bool after, void *opaque)
{
    Intrude *i = opaque;

    if (!i->done && op == i->op && after == i->after && offset <= i->at &&
        i->at < offset + bytes) {
        uint8_t buf[512] = { 0xee };

        i->done = true;
        g_assert_cmpint(blk_co_pwrite(i->f->src->blk, i->write, 512, buf, 0),
                        >=, 0);
    }
    return 0;
}

static void test_write_while_reading_drops_what_was_read(void)
{
    /* before or after the data is taken: the chunk does not count */
    for (int after = 0; after < 2; after++) {
        Fixture *f = fixture_new(16 * MiB);
        Intrude i = { f, MEM_READ, 5 * MiB, after, 5 * MiB + 4096 };

        f->dst->no_range = true;
        fixture_whole(f);
        fixture_expect_source(f);
        f->src->hook = intrude;
        f->src->opaque = &i;
        g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_ROD);
        g_assert_cmpint(rod_state(f->task.rod), ==, ROD_OVERWRITTEN);
        g_assert_cmpint(f->task.done, <=, 5 * MiB);
        fixture_expect_done(f, f->task.done);
        fixture_free(f);
    }
}

static void test_write_during_copy_range_drops_the_piece(void)
{
    for (int after = 0; after < 2; after++) {
        Fixture *f = fixture_new(16 * MiB);
        Intrude i = { f, MEM_RANGE, 5 * MiB, after, 4 * MiB };

        fixture_whole(f);
        fixture_expect_source(f);
        f->dst->hook = intrude;
        f->dst->opaque = &i;
        g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_ROD);
        fixture_expect_done(f, 4 * MiB);
        fixture_free(f);
    }
}

static void test_write_elsewhere_does_not_disturb(void)
{
    Fixture *f = fixture_new(16 * MiB);
    Intrude i = { f, MEM_RANGE, 5 * MiB, false, 15 * MiB };

    fixture_src(f, 0, 15 * MiB);
    fixture_dst(f, 0, 15 * MiB);
    f->task.bytes = 15 * MiB;
    f->dst->hook = intrude;
    f->dst->opaque = &i;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    g_assert_true(i.done);
    fixture_expect_done(f, 15 * MiB);
    fixture_free(f);
}

static void test_rod_that_has_ended_copies_nothing(void)
{
    Fixture *f = fixture_new(1 * MiB);

    fixture_whole(f);
    fixture_rod(f);
    rod_end(f->task.rod, ROD_DROPPED);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_ROD);
    g_assert_cmpint(f->task.done, ==, 0);
    g_assert_cmpuint(f->dst->count[MEM_WRITE] + f->dst->count[MEM_RANGE], ==,
                     0);
    fixture_free(f);
}

static void test_copy_within_a_disk(void)
{
    Fixture *f = fixture_new(16 * MiB);

    f->task.dst = f->src->blk;
    fixture_src(f, 0, 8 * MiB);
    fixture_dst(f, 8 * MiB, 8 * MiB);
    f->task.bytes = 8 * MiB;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    g_assert_cmpint(rod_state(f->task.rod), ==, ROD_LIVE);
    g_assert_cmpint(memcmp(f->src->data, f->src->data + 8 * MiB, 8 * MiB), ==,
                    0);
    fixture_expect_bytes(f, 0, 8 * MiB, 0);
    fixture_free(f);
}

static void test_copy_onto_its_own_source(int64_t to)
{
    Fixture *f = fixture_new(64 * MiB);

    f->task.dst = f->src->blk;
    fixture_src(f, 0, 4 * MiB);
    fixture_src(f, 8 * MiB, 4 * MiB);
    fixture_dst(f, to, 6 * MiB);
    fixture_dst(f, to + 6 * MiB, 2 * MiB);
    f->task.bytes = 8 * MiB;
    fixture_expect_source(f);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    g_assert_cmpint(f->task.done, ==, 8 * MiB);
    g_assert_cmpint(memcmp(f->src->data + to, f->expect, 8 * MiB), ==, 0);
    g_assert_cmpint(rod_state(f->task.rod), ==, ROD_OVERWRITTEN);
    fixture_expect_fallback(f, OFFLOAD_REASON_OVERLAP, 8 * MiB);
    fixture_free(f);
}

static void test_small_copy_onto_its_own_source_is_whole(void)
{
    test_copy_onto_its_own_source(1 * MiB);
    test_copy_onto_its_own_source(0);
    test_copy_onto_its_own_source(3 * MiB + 512);
}

static void test_large_copy_onto_its_own_source_ends_at_the_buffer(void)
{
    Fixture *f = fixture_new(128 * MiB);

    f->task.dst = f->src->blk;
    fixture_src(f, 0, 64 * MiB);
    fixture_dst(f, 32 * MiB, 64 * MiB);
    f->task.bytes = 64 * MiB;
    fixture_expect_source(f);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_ROD);
    g_assert_cmpint(f->task.done, ==, OFFLOAD_MAX_BUFFER);
    g_assert_cmpint(memcmp(f->src->data + 32 * MiB, f->expect,
                           OFFLOAD_MAX_BUFFER), ==, 0);
    fixture_free(f);
}

static void test_overlap_without_a_rod_is_copied_upwards(void)
{
    Fixture *f = fixture_new(64 * MiB);

    f->task.dst = f->src->blk;
    f->task.src = f->src->blk;
    f->task.src_offset = 1 * MiB;
    fixture_dst(f, 0, 16 * MiB);
    f->task.bytes = 16 * MiB;
    f->expect = g_memdup2(f->src->data + 1 * MiB, 16 * MiB);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    g_assert_cmpint(memcmp(f->src->data, f->expect, 16 * MiB), ==, 0);
    /* the last piece does not meet itself */
    fixture_expect_fallback(f, OFFLOAD_REASON_OVERLAP, 15 * MiB);
    fixture_free(f);
}

/* ------------------------------------------------------------------ bounds */

static void test_requests_and_buffers_are_bounded(void)
{
    Fixture *f = fixture_new(200 * MiB);

    fixture_whole(f);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    g_assert_cmpint(f->dst->max_bytes[MEM_RANGE], <=, OFFLOAD_MAX_PIECE);
    g_assert_cmpint(f->dst->max_in_flight, <=, 4);
    f->task.done = 0;
    f->dst->no_range = true;
    f->dst->max_in_flight = 0;
    f->src->slow = true;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    g_assert_cmpint(f->src->max_bytes[MEM_READ], <=, 1 * MiB);
    g_assert_cmpint(f->src->max_in_flight * (1 * MiB), <=, OFFLOAD_MAX_BUFFER);
    g_assert_cmpint(f->src->max_in_flight, >=, 4);
    fixture_expect_done(f, 200 * MiB);
    fixture_free(f);
}

static void test_a_refused_piece_is_shared_out(void)
{
    Fixture *f = fixture_new(4 * MiB);

    f->dst->no_range = true;
    f->src->slow = true;
    f->dst->slow = true;
    fixture_whole(f);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    fixture_expect_done(f, 4 * MiB);
    fixture_expect_bytes(f, 0, 0, 4 * MiB);
    fixture_expect_fallback(f, OFFLOAD_REASON_NOT_SUPPORTED, 4 * MiB);
    g_assert_cmpint(f->src->max_in_flight, ==, 4);
    g_assert_cmpint(f->src->max_bytes[MEM_READ], ==, 1 * MiB);
    fixture_free(f);
}

/* The destination's extents end in odd places, so the walk has to go back */
static void test_a_refused_piece_goes_back_over_ranges(void)
{
    Fixture *f = fixture_new(16 * MiB);

    f->dst->no_range = true;
    f->src->status = true;
    f->src->slow = true;
    memset(f->src->data + 3 * MiB + 8192, 0, 2 * MiB);
    memset(f->src->data + 6 * MiB, 0, 1 * MiB);
    fixture_src(f, 512, 9 * MiB);
    fixture_src(f, 12 * MiB, 1 * MiB);
    fixture_dst(f, 7 * MiB + 1024, 5 * MiB - 512);
    fixture_dst(f, 4096, 5 * MiB + 512);
    f->task.bytes = 10 * MiB;
    fixture_expect_source(f);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    fixture_expect_done(f, 10 * MiB);
    g_assert_cmpint(f->src->max_bytes[MEM_READ], <=, 1 * MiB);
    fixture_free(f);
}

static void test_write_through_cache_flushes_copy_range(void)
{
    Fixture *f = fixture_new(8 * MiB);

    blk_set_enable_write_cache(f->dst->blk, false);
    fixture_whole(f);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    g_assert_cmpuint(f->dst->flushes, ==, f->dst->count[MEM_RANGE]);
    fixture_free(f);
}

static void test_throttled_disk_is_not_passed_by(void)
{
    /* either of them */
    for (int i = 0; i < 2; i++) {
        Fixture *f = fixture_new(8 * MiB);
        BlockBackend *blk = i ? f->src->blk : f->dst->blk;
        ThrottleConfig config;

        throttle_config_init(&config);
        config.buckets[THROTTLE_BPS_TOTAL].avg = 1 * GiB;
        blk_io_limits_enable(blk, "group");
        blk_set_io_limits(blk, &config);
        fixture_whole(f);
        g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
        fixture_expect_done(f, 8 * MiB);
        fixture_expect_fallback(f, OFFLOAD_REASON_NOT_SUPPORTED, 8 * MiB);
        g_assert_cmpuint(f->dst->count[MEM_RANGE], ==, 0);
        blk_io_limits_disable(blk);
        fixture_free(f);
    }
}

static void test_names(void)
{
    g_assert_cmpstr(offload_method_str(OFFLOAD_METHOD_COPY_RANGE), ==,
                    "copy-range");
    g_assert_cmpstr(offload_reason_str(OFFLOAD_REASON_CROSS_DEVICE), ==,
                    "cross-device");
    for (int i = 0; i < OFFLOAD_METHOD__MAX; i++) {
        g_assert_nonnull(offload_method_str(i));
    }
    for (int i = 0; i < OFFLOAD_REASON__MAX; i++) {
        g_assert_nonnull(offload_reason_str(i));
    }
}

int main(int argc, char **argv)
{
    qemu_init_main_loop(&error_abort);
    module_call_init(MODULE_INIT_QOM);
    bdrv_init();
    g_test_init(&argc, &argv, NULL);

#define T(name) g_test_add_func("/offload/" #name, test_##name)
    T(data_goes_by_copy_range);
    T(refused_copy_range_falls_back_once_told);
    T(policy_bounce_never_asks);
    T(zeroes_are_written_as_zeroes);
    T(zeroes_that_nobody_told_are_found_in_the_buffer);
    T(small_holes_go_with_the_data);
    T(no_source_writes_zeroes);
    T(zeroes_on_zeroes_write_nothing);
    T(past_the_end_of_the_rod_is_zero);
    T(source_without_a_rod);
    T(ranges_are_joined_in_order);
    T(overlapping_destinations_are_written_in_order);
    T(read_error_counts_what_is_before_it);
    T(write_error_counts_what_is_before_it);
    T(zero_error_counts_what_is_before_it);
    T(failed_copy_range_finds_the_true_error);
    T(lasting_reasons_are_not_asked_again);
    T(destination_that_cannot_be_written);
    T(source_without_a_medium);
    T(destination_past_the_end);
    T(task_that_cannot_be_computed_is_refused);
    T(nothing_to_copy_is_complete);
    T(stop_and_go_on);
    T(deadline_in_the_past_copies_one_piece);
    T(deadline_lets_one_chunk_go_ahead);
    T(no_deadline_fills_the_pipe_at_once);
    T(write_while_reading_drops_what_was_read);
    T(write_during_copy_range_drops_the_piece);
    T(write_elsewhere_does_not_disturb);
    T(rod_that_has_ended_copies_nothing);
    T(copy_within_a_disk);
    T(small_copy_onto_its_own_source_is_whole);
    T(large_copy_onto_its_own_source_ends_at_the_buffer);
    T(overlap_without_a_rod_is_copied_upwards);
    T(requests_and_buffers_are_bounded);
    T(a_refused_piece_is_shared_out);
    T(a_refused_piece_goes_back_over_ranges);
    T(write_through_cache_flushes_copy_range);
    T(throttled_disk_is_not_passed_by);
    T(names);
    return g_test_run();
}
