/*
 * Rods in numbers and in threads, against a model
 *
 * VSCSI_SEED repeats a run (that with threads only as far as threads can).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/aio-wait.h"
#include "block/rod.h"
#include "mem-disk.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "tests/unit/iothread.h"

#define DISK_BYTES  (16 * MiB)
#define SECTOR      512
#define NR_RODS     2000
#define MAX_RANGES  4

/* ------------------------------------------------------------------ numbers */

typedef struct Model {
    Rod *rod;
    RodRange ranges[MAX_RANGES];
    unsigned nr_ranges;
    bool live;
    unsigned calls;
} Model;

typedef struct Many {
    MemDisk *disk;
    GRand *rand;
    Model models[NR_RODS];
} Many;

static void note_call(Rod *rod, RodState why, void *opaque)
{
    Model *m = opaque;

    g_assert_cmpint(why, ==, ROD_OVERWRITTEN);
    m->calls++;
}

static void coroutine_fn create_one(Many *w, Model *m)
{
    int64_t at = g_rand_int_range(w->rand, 0, 1000) * (int64_t)SECTOR;

    *m = (Model) { .live = true };
    while (m->nr_ranges < MAX_RANGES && at < DISK_BYTES) {
        int64_t bytes = g_rand_int_range(w->rand, 1, 256) * SECTOR;

        bytes = MIN(bytes, DISK_BYTES - at);
        m->ranges[m->nr_ranges++] = (RodRange) { at, bytes };
        /* sometimes adjacent */
        at += bytes + MAX(0, g_rand_int_range(w->rand, -2000, 12000)) * SECTOR;
    }
    m->rod = rod_co_create(w->disk->blk, m->ranges, m->nr_ranges, note_call, m,
                           &error_abort);
}

static bool model_hit(const Model *m, int64_t offset, int64_t bytes)
{
    for (unsigned i = 0; i < m->nr_ranges; i++) {
        if (offset < m->ranges[i].offset + m->ranges[i].bytes &&
            m->ranges[i].offset < offset + bytes) {
            return true;
        }
    }
    return false;
}

static void coroutine_fn many_entry(void *opaque)
{
    Many *w = opaque;
    uint8_t buf[16 * SECTOR] = { 1 };
    unsigned ended = 0;

    for (int i = 0; i < NR_RODS; i++) {
        create_one(w, &w->models[i]);
    }
    g_assert_cmpuint(rod_live_count, ==, NR_RODS);

    for (int round = 0; round < 200; round++) {
        int64_t bytes = g_rand_int_range(w->rand, 1, 17) * SECTOR;
        int64_t offset = g_rand_int_range(w->rand, 0,
                                          (DISK_BYTES - bytes) / SECTOR) *
            (int64_t)SECTOR;
        unsigned live = 0;

        blk_co_pwrite(w->disk->blk, offset, bytes, buf, 0);
        for (int i = 0; i < NR_RODS; i++) {
            Model *m = &w->models[i];

            if (m->live && model_hit(m, offset, bytes)) {
                m->live = false;
                ended++;
            }
            g_assert_true((rod_state(m->rod) == ROD_LIVE) == m->live);
            g_assert_cmpuint(m->calls, ==, !m->live);
            live += m->live;
        }
        g_assert_cmpuint(rod_live_count, ==, live);
        /* new ones, and some that are given up, in the place of old ones */
        for (int i = g_rand_int_range(w->rand, 0, 20); i > 0; i--) {
            Model *m = &w->models[g_rand_int_range(w->rand, 0, NR_RODS)];

            rod_unref(m->rod);
            create_one(w, m);
        }
    }
    g_test_message("%u ended", ended);
    for (int i = 0; i < NR_RODS; i++) {
        rod_unref(w->models[i].rod);
    }
}

static void test_two_thousand_rods_and_writes(void)
{
    Many *w = g_new0(Many, 1);

    w->disk = mem_disk_new("d", DISK_BYTES, 1);
    w->rand = g_rand_new_with_seed(mem_seed());
    mem_run(many_entry, w);
    g_assert_cmpuint(rod_live_count, ==, 0);
    g_rand_free(w->rand);
    mem_disk_free(w->disk);
    g_free(w);
}

/* ------------------------------------------------------------------ threads */

typedef struct Shared {
    MemDisk *disk;
    unsigned readers, writers;      /* atomic */
    unsigned kept, ended, calls;    /* atomic */
} Shared;

typedef struct Actor {
    Shared *s;
    GRand *rand;
} Actor;

static void note_shared(Rod *rod, RodState why, void *opaque)
{
    Shared *s = opaque;

    g_assert_cmpint(rod_state(rod), ==, why);
    qatomic_inc(&s->calls);
}

static void coroutine_fn hammer_entry(void *opaque)
{
    Actor *a = opaque;
    uint8_t buf[8 * SECTOR];

    while (qatomic_read(&a->s->readers)) {
        memset(buf, g_rand_int(a->rand), sizeof(buf));
        blk_co_pwrite(a->s->disk->blk,
                      g_rand_int_range(a->rand, 0, 64) * sizeof(buf),
                      sizeof(buf), buf, 0);
        if (g_rand_int_range(a->rand, 0, 8) == 0) {
            qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, 20000);
        }
    }
    qatomic_dec(&a->s->writers);
    aio_wait_kick();
}

/*
 * As long as the Rod lives, whatever is read is the same: first at once, then
 * later.  A write that the Rod did not see would show here.
 */
static void coroutine_fn reader_entry(void *opaque)
{
    Actor *a = opaque;
    Shared *s = a->s;
    uint8_t first[8 * SECTOR], later[8 * SECTOR];

    for (int i = 0; i < 1500; i++) {
        RodRange range = {
            g_rand_int_range(a->rand, 0, 64) * (int64_t)sizeof(first),
            sizeof(first)
        };
        Rod *rod = rod_co_create(s->disk->blk, &range, 1, note_shared, s,
                                 &error_abort);
        bool keep = true;

        memcpy(first, s->disk->data + range.offset, sizeof(first));
        keep = rod_state(rod) == ROD_LIVE;
        for (int n = 0; n < 3 && keep; n++) {
            if (g_rand_boolean(a->rand)) {
                qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, 1000);
            }
            memcpy(later, s->disk->data + range.offset, sizeof(later));
            keep = rod_state(rod) == ROD_LIVE;
            if (keep) {
                g_assert_cmpint(memcmp(first, later, sizeof(first)), ==, 0);
            }
        }
        if (keep) {
            rod_end(rod, ROD_DROPPED);
            keep = rod_state(rod) == ROD_DROPPED;
        }
        qatomic_inc(keep ? &s->kept : &s->ended);
        rod_unref(rod);
    }
    qatomic_dec(&s->readers);
    aio_wait_kick();
}

static void test_live_means_unchanged_in_threads(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(mem_seed());
    Shared s = {
        .disk = mem_disk_new("d", 1 * MiB, 1), .readers = 3, .writers = 3,
    };
    IOThread *threads[3];
    Actor actors[6];

    for (int i = 0; i < 3; i++) {
        threads[i] = iothread_new();
    }
    for (int i = 0; i < 6; i++) {
        actors[i] = (Actor) {
            .s = &s, .rand = g_rand_new_with_seed(g_rand_int(rand)),
        };
        aio_co_enter(iothread_get_aio_context(threads[i % 3]),
                     qemu_coroutine_create(i < 3 ? reader_entry : hammer_entry,
                                           &actors[i]));
    }
    AIO_WAIT_WHILE_UNLOCKED(NULL, qatomic_read(&s.readers) ||
                                  qatomic_read(&s.writers));
    for (int i = 0; i < 3; i++) {
        iothread_join(threads[i]);
    }
    for (int i = 0; i < 6; i++) {
        g_rand_free(actors[i].rand);
    }
    g_test_message("%u kept, %u ended", s.kept, s.ended);
    g_assert_cmpuint(s.kept, >, 0);
    g_assert_cmpuint(s.ended, >, 0);
    g_assert_cmpuint(s.calls, ==, s.ended);
    g_assert_cmpuint(rod_live_count, ==, 0);
    mem_disk_free(s.disk);
}

int main(int argc, char **argv)
{
    qemu_init_main_loop(&error_abort);
    bdrv_init();
    g_test_init(&argc, &argv, NULL);

#define T(name) g_test_add_func("/rod-random/" #name, test_##name)
    T(two_thousand_rods_and_writes);
    T(live_means_unchanged_in_threads);
    return g_test_run();
}
