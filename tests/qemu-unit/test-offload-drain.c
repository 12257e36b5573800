/*
 * Offload: no copy reads or writes a disk inside a drained section
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "copy-fixture.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "tests/unit/iothread.h"

typedef enum Which { SRC, DST, BOTH, ALL, WHICH__MAX } Which;

static void drain(Fixture *f, Which which, bool begin)
{
    void (*one)(BlockDriverState *bs) = begin ? bdrv_drained_begin
                                              : bdrv_drained_end;

    if (which == ALL) {
        if (begin) {
            bdrv_drain_all_begin();
        } else {
            bdrv_drain_all_end();
        }
        return;
    }
    if (which != DST) {
        one(f->src->bs);
    }
    if (which != SRC) {
        one(f->dst->bs);
    }
}

/* The three methods; returns what the disks are asked to do by it */
static MemOp prepare(Fixture *f, OffloadMethod method)
{
    switch (method) {
    case OFFLOAD_METHOD_ZERO:
        f->src->status = true;
        memset(f->src->data, 0, f->src->length);
        return MEM_ZERO;
    case OFFLOAD_METHOD_COPY_RANGE:
        return MEM_RANGE;
    default:
        f->dst->no_range = true;
        return MEM_WRITE;
    }
}

static unsigned total_count(MemDisk *d)
{
    unsigned sum = 0;

    for (int op = 0; op < MEM__MAX; op++) {
        sum += qatomic_read(&d->count[op]);
    }
    return sum;
}

/* Nothing of the copy is in the drained disks, and nothing comes */
static void expect_quiet(Fixture *f, Which which)
{
    unsigned src = total_count(f->src), dst = total_count(f->dst);

    for (int i = 0; i < 3; i++) {
        if (which != DST) {
            g_assert_cmpuint(qatomic_read(&f->src->in_flight), ==, 0);
            g_assert_cmpuint(total_count(f->src), ==, src);
            /* copy_range shows at the destination, but reads the source */
            if (!f->dst->no_range) {
                g_assert_cmpuint(qatomic_read(&f->dst->in_range), ==, 0);
            }
        }
        if (which != SRC) {
            g_assert_cmpuint(qatomic_read(&f->dst->in_flight), ==, 0);
            g_assert_cmpuint(total_count(f->dst), ==, dst);
        }
        mem_settle();
        g_usleep(200);
    }
}

typedef struct Release {
    Fixture *f;
    MemOp op;
    int turns;
    bool released;
} Release;

static void release_bh(void *opaque)
{
    Release *r = opaque;

    /* let the drain poll a few times first */
    if (--r->turns) {
        aio_bh_schedule_oneshot(qemu_get_aio_context(), release_bh, r);
        return;
    }
    r->released = true;
    mem_disk_release(r->f->dst, r->op);
}

static void test_drain_waits_for_the_piece_in_flight(void)
{
    for (int m = 0; m < OFFLOAD_METHOD__MAX; m++) {
        for (Which which = 0; which < WHICH__MAX; which++) {
            Fixture *f = fixture_new(32 * MiB);
            Release r = { f, prepare(f, m), 5 };

            /* reading is over when writing is held: the source is free */
            if (which == SRC && m != OFFLOAD_METHOD_COPY_RANGE) {
                fixture_free(f);
                continue;
            }
            f->dst->hold[r.op] = true;
            fixture_whole(f);
            fixture_start(f);
            mem_poll_until(f->dst->nr_held);
            release_bh(&r);
            drain(f, which, true);
            g_assert_true(r.released);
            g_assert_false(f->done);
            expect_quiet(f, which);
            g_assert_false(f->done);
            drain(f, which, false);
            mem_poll_until(f->done);
            g_assert_cmpint(f->end, ==, OFFLOAD_END_COMPLETE);
            fixture_expect_done(f, 32 * MiB);
            fixture_free(f);
        }
    }
}

static void test_run_that_starts_in_a_drained_section_waits(void)
{
    for (int m = 0; m < OFFLOAD_METHOD__MAX; m++) {
        for (Which which = 0; which < WHICH__MAX; which++) {
            Fixture *f = fixture_new(8 * MiB);

            prepare(f, m);
            fixture_whole(f);
            fixture_rod(f);
            drain(f, which, true);
            fixture_start(f);
            expect_quiet(f, which);
            g_assert_cmpint(f->task.done, ==, 0);
            drain(f, which, false);
            mem_poll_until(f->done);
            fixture_expect_done(f, 8 * MiB);
            fixture_free(f);
        }
    }
}

static void test_drain_of_a_node_below_reaches_the_copy(void)
{
    Fixture *f = fixture_new(32 * MiB);
    BlockDriverState *filter = mem_filter_new(f->src->bs, "f");

    /* the filter has no copy_range, so it goes by bounce; any method will do */
    fixture_whole(f);
    fixture_rod(f);
    bdrv_drained_begin(f->src->bs);
    fixture_start(f);
    expect_quiet(f, SRC);
    g_assert_cmpint(f->task.done, ==, 0);
    bdrv_drained_end(f->src->bs);
    mem_poll_until(f->done);
    fixture_expect_done(f, 32 * MiB);
    mem_filter_drop(filter);
    fixture_free(f);
}

static void test_sections_that_alternate_do_not_deadlock(void)
{
    Fixture *f = fixture_new(16 * MiB);

    fixture_whole(f);
    fixture_rod(f);
    drain(f, SRC, true);
    fixture_start(f);
    expect_quiet(f, SRC);
    for (int i = 0; i < 20; i++) {
        /* never both free: waiting for one holds nothing of the other */
        drain(f, i % 2 ? SRC : DST, true);
        drain(f, i % 2 ? DST : SRC, false);
        expect_quiet(f, i % 2 ? SRC : DST);
    }
    g_assert_cmpint(f->task.done, ==, 0);
    drain(f, SRC, false);
    mem_poll_until(f->done);
    fixture_expect_done(f, 16 * MiB);
    fixture_free(f);
}

/* Sections at any moment of a run in the main loop */
static void test_sections_at_random_moments(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(mem_seed());

    for (int i = 0; i < 30; i++) {
        Fixture *f = fixture_new(24 * MiB);

        prepare(f, g_rand_int_range(rand, 0, OFFLOAD_METHOD__MAX));
        f->src->slow = f->dst->slow = true;
        fixture_whole(f);
        fixture_start(f);
        while (!f->done) {
            Which which = g_rand_int_range(rand, 0, WHICH__MAX);
            int turns = g_rand_int_range(rand, 0, 12);

            while (turns-- && !f->done) {
                aio_poll(qemu_get_aio_context(), true);
            }
            drain(f, which, true);
            expect_quiet(f, which);
            drain(f, which, false);
        }
        g_assert_cmpint(f->end, ==, OFFLOAD_END_COMPLETE);
        fixture_expect_done(f, 24 * MiB);
        fixture_free(f);
    }
}

/* The same with the run in another thread */
typedef struct ThreadRun {
    Fixture *f;
    int runs;
    bool done;
} ThreadRun;

static void coroutine_fn thread_run_entry(void *opaque)
{
    ThreadRun *t = opaque;

    for (int i = 0; i < t->runs; i++) {
        t->f->task.done = 0;
        g_assert_cmpint(offload_co_run(&t->f->task), ==, OFFLOAD_END_COMPLETE);
    }
    qatomic_set(&t->done, true);
    aio_wait_kick();
}

static void test_sections_while_another_thread_copies(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(mem_seed());

    for (int m = 0; m < OFFLOAD_METHOD__MAX; m++) {
        IOThread *thread = iothread_new();
        Fixture *f = fixture_new(8 * MiB);
        ThreadRun t = { f, 40 };
        int sections = 0;

        prepare(f, m);
        f->src->slow = f->dst->slow = true;
        fixture_whole(f);
        fixture_rod(f);
        aio_co_enter(iothread_get_aio_context(thread),
                     qemu_coroutine_create(thread_run_entry, &t));
        while (!qatomic_read(&t.done)) {
            Which which = g_rand_int_range(rand, 0, WHICH__MAX);

            drain(f, which, true);
            expect_quiet(f, which);
            drain(f, which, false);
            aio_poll(qemu_get_aio_context(), false);
            g_usleep(g_rand_int_range(rand, 0, 300));
            sections++;
        }
        g_test_message("%s: %d sections", offload_method_str(m), sections);
        fixture_expect_done(f, 8 * MiB);
        iothread_join(thread);
        fixture_free(f);
    }
}

int main(int argc, char **argv)
{
    qemu_init_main_loop(&error_abort);
    bdrv_init();
    g_test_init(&argc, &argv, NULL);

#define T(name) g_test_add_func("/offload-drain/" #name, test_##name)
    T(drain_waits_for_the_piece_in_flight);
    T(run_that_starts_in_a_drained_section_waits);
    T(drain_of_a_node_below_reaches_the_copy);
    T(sections_that_alternate_do_not_deadlock);
    T(sections_at_random_moments);
    T(sections_while_another_thread_copies);
    return g_test_run();
}
