/*
 * Offload against a model: guests write while copies run, and every byte that
 * counts as copied must be what the Rod stood for
 *
 * VSCSI_SEED repeats a run (that with threads only as far as threads can).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/aio-wait.h"
#include "block/offload.h"
#include "mem-disk.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "tests/unit/iothread.h"

/*
 * The source disk's first part is written by guests, its second part and all of
 * the destination disk belong to the copiers, a slice each.
 */
#define GUEST_BYTES     (8 * MiB)
#define SLICE_BYTES     (4 * MiB)
#define MAX_COPIERS     4
#define DISK_BYTES      (GUEST_BYTES + MAX_COPIERS * SLICE_BYTES)
#define SECTOR          512

typedef struct World {
    MemDisk *src, *dst;
    OffloadStats stats;
    unsigned running;           /* atomic: copiers */
    unsigned writers;           /* atomic */
    unsigned complete, revoked, born_dead;      /* atomic */
} World;

typedef struct Actor {
    World *w;
    GRand *rand;
    int slice;                  /* of a copier */
    int rounds;
} Actor;

static int64_t sectors(GRand *rand, int64_t low, int64_t high)
{
    return g_rand_int_range(rand, low / SECTOR, high / SECTOR) *
        (int64_t)SECTOR;
}

static void coroutine_fn writer_entry(void *opaque)
{
    Actor *a = opaque;
    MemDisk *src = a->w->src;
    uint8_t *buf = g_malloc(256 * KiB);

    while (qatomic_read(&a->w->running)) {
        int64_t bytes = sectors(a->rand, SECTOR, 64 * KiB);
        int64_t offset = sectors(a->rand, 0, GUEST_BYTES - bytes);

        switch (g_rand_int_range(a->rand, 0, 6)) {
        case 0:
            blk_co_pwrite_zeroes(src->blk, offset, bytes, BDRV_REQ_MAY_UNMAP);
            break;
        case 1:
            blk_co_pdiscard(src->blk, offset, bytes, 0);
            break;
        default:
            memset(buf, g_rand_int(a->rand), bytes);
            blk_co_pwrite(src->blk, offset, bytes, buf, 0);
            break;
        }
        qemu_co_sleep_ns(QEMU_CLOCK_REALTIME,
                         g_rand_int_range(a->rand, 0, 3000000));
    }
    g_free(buf);
    qatomic_dec(&a->w->writers);
    aio_wait_kick();
}

/* Disjoint ranges in the guests' part, in any order; returns their bytes */
static int64_t choose_source(GRand *rand, RodRange *ranges, unsigned *n)
{
    int64_t at = sectors(rand, 0, GUEST_BYTES - 2 * MiB), total = 0;

    *n = 0;
    while (*n < 6 && at < GUEST_BYTES - 128 * KiB && total < 2 * MiB) {
        int64_t bytes = sectors(rand, SECTOR, 1 * MiB);
        unsigned j = g_rand_int_range(rand, 0, *n + 1);

        bytes = MIN(bytes, GUEST_BYTES - at);
        ranges[*n] = ranges[j];
        ranges[j] = (RodRange) { at, bytes };
        ++*n;
        at += bytes + sectors(rand, 0, 128 * KiB);
        total += bytes;
    }
    return total;
}

/* Ranges of the slice that take @bytes, one after the other with gaps */
static unsigned choose_destination(GRand *rand, int64_t at, int64_t bytes,
                                   RodRange *ranges)
{
    unsigned n = 0;

    while (bytes) {
        int64_t part = n == 7 ? bytes
                              : MIN(bytes, sectors(rand, SECTOR, 2 * MiB));

        at += sectors(rand, 0, 16 * KiB);
        ranges[n++] = (RodRange) { at, part };
        at += part;
        bytes -= part;
    }
    return n;
}

/* What the Rod stands for, or NULL if it ended while that was read */
static uint8_t *model_of(World *w, Rod *rod)
{
    uint8_t *model = g_malloc(rod_bytes(rod));
    int64_t offset;

    for (int64_t at = 0; at < rod_bytes(rod);) {
        int64_t n = rod_map(rod, at, &offset);

        memcpy(model + at, w->src->data + offset, n);
        at += n;
    }
    if (rod_state(rod) != ROD_LIVE) {
        g_free(model);
        return NULL;
    }
    return model;
}

static void check(const OffloadTask *task, const MemDisk *dst,
                  const uint8_t *model)
{
    int64_t at = 0;

    for (unsigned i = 0; i < task->nr_dst_ranges; i++) {
        const RodRange *r = &task->dst_ranges[i];

        for (int64_t n = 0; n < r->bytes && at < task->done; n++, at++) {
            int64_t in_rod = task->src_offset + at;
            int expect = in_rod < rod_bytes(task->rod) ? model[in_rod] : 0;

            g_assert_cmpint(dst->data[r->offset + n], ==, expect);
        }
    }
}

static void coroutine_fn copy_once(Actor *a, MemDisk *dst, int64_t slice)
{
    World *w = a->w;
    RodRange src_ranges[8], dst_ranges[8];
    unsigned n;
    int64_t bytes = choose_source(a->rand, src_ranges, &n);
    g_autofree uint8_t *model = NULL;
    OffloadTask task = {
        .dst = dst->blk,
        .dst_ranges = dst_ranges,
        .stats = &w->stats,
        .policy = g_rand_boolean(a->rand) ? OFFLOAD_POLICY_AUTO
                                          : OFFLOAD_POLICY_BOUNCE,
        .deadline_ns = g_rand_boolean(a->rand),
    };
    OffloadEnd end;

    task.rod = rod_co_create(w->src->blk, src_ranges, n, NULL, NULL,
                             &error_abort);
    model = model_of(w, task.rod);
    if (!model) {
        qatomic_inc(&w->born_dead);
        rod_unref(task.rod);
        return;
    }
    task.src_offset = sectors(a->rand, 0, bytes + SECTOR);
    task.bytes = MIN(bytes - task.src_offset +
                     sectors(a->rand, 0, 64 * KiB), SLICE_BYTES - 256 * KiB);
    task.nr_dst_ranges = choose_destination(a->rand, slice, task.bytes,
                                            dst_ranges);
    do {
        end = offload_co_run(&task);
        check(&task, dst, model);
    } while (end == OFFLOAD_END_DEADLINE);

    switch (end) {
    case OFFLOAD_END_COMPLETE:
        qatomic_inc(&w->complete);
        break;
    case OFFLOAD_END_ROD:
        g_assert_cmpint(rod_state(task.rod), ==, ROD_OVERWRITTEN);
        qatomic_inc(&w->revoked);
        break;
    default:
        g_assert_not_reached();
    }
    rod_unref(task.rod);
}

static void coroutine_fn copier_entry(void *opaque)
{
    Actor *a = opaque;

    while (a->rounds--) {
        bool within = g_rand_boolean(a->rand);
        int64_t slice = a->slice * SLICE_BYTES;

        copy_once(a, within ? a->w->src : a->w->dst,
                  within ? GUEST_BYTES + slice : slice);
    }
    qatomic_dec(&a->w->running);
    aio_wait_kick();
}

static void play(unsigned copiers, unsigned writers, int rounds, bool threads)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(mem_seed());
    IOThread *thread[2] = {};
    World w = {
        .src = mem_disk_new("src", DISK_BYTES, 1),
        .dst = mem_disk_new("dst", DISK_BYTES, 2),
        .running = copiers,
        .writers = writers,
    };
    Actor actors[16];

    w.src->slow = w.dst->slow = true;
    w.src->status = g_rand_boolean(rand);
    w.dst->no_range = g_rand_boolean(rand);
    for (unsigned i = 0; threads && i < 2; i++) {
        thread[i] = iothread_new();
    }
    g_assert_cmpuint(copiers + writers, <=, ARRAY_SIZE(actors));
    for (unsigned i = 0; i < copiers + writers; i++) {
        AioContext *ctx = threads && i % 3 ?
            iothread_get_aio_context(thread[i % 3 - 1]) :
            qemu_get_aio_context();

        actors[i] = (Actor) {
            .w = &w,
            .rand = g_rand_new_with_seed(g_rand_int(rand)),
            .slice = i,
            .rounds = rounds,
        };
        aio_co_enter(ctx, qemu_coroutine_create(i < copiers ? copier_entry
                                                            : writer_entry,
                                                &actors[i]));
    }
    AIO_WAIT_WHILE_UNLOCKED(NULL, qatomic_read(&w.running) ||
                                  qatomic_read(&w.writers));
    for (unsigned i = 0; threads && i < 2; i++) {
        iothread_join(thread[i]);
    }
    for (unsigned i = 0; i < copiers + writers; i++) {
        g_rand_free(actors[i].rand);
    }
    g_test_message("%u complete, %u revoked, %u ended at once", w.complete,
                   w.revoked, w.born_dead);
    g_assert_cmpuint(rod_live_count, ==, 0);
    mem_disk_free(w.src);
    mem_disk_free(w.dst);
}

static void test_copies_without_writers(void)
{
    play(MAX_COPIERS, 0, 10, false);
}

static void test_copies_with_writers(void)
{
    for (int i = 0; i < 4; i++) {
        play(MAX_COPIERS, 2, 25, false);
    }
}

static void test_copies_with_writers_in_threads(void)
{
    for (int i = 0; i < 4; i++) {
        play(MAX_COPIERS, 4, 25, true);
    }
}

int main(int argc, char **argv)
{
    qemu_init_main_loop(&error_abort);
    bdrv_init();
    g_test_init(&argc, &argv, NULL);

#define T(name) g_test_add_func("/offload-random/" #name, test_##name)
    T(copies_without_writers);
    T(copies_with_writers);
    T(copies_with_writers_in_threads);
    return g_test_run();
}
