/*
 * Two disks in memory and a copy between them, see copy-fixture.h
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "copy-fixture.h"
#include "qapi/error.h"

static void fixture_told(OffloadReason reason, int error, void *opaque)
{
    Fixture *f = opaque;

    f->told[reason]++;
    f->nr_told++;
    f->told_error = error;
}

Fixture *fixture_new(int64_t length)
{
    Fixture *f = g_new0(Fixture, 1);

    f->src = mem_disk_new("src", length, 1);
    f->dst = mem_disk_new("dst", length, 2);
    f->task = (OffloadTask) {
        .dst = f->dst->blk,
        .dst_ranges = f->dst_ranges,
        .stats = &f->stats,
        .fallback = fixture_told,
        .opaque = f,
    };
    return f;
}

void fixture_free(Fixture *f)
{
    rod_unref(f->task.rod);
    g_assert_cmpuint(rod_live_count, ==, 0);
    mem_disk_free(f->src);
    mem_disk_free(f->dst);
    g_free(f->expect);
    g_free(f);
}

void fixture_src(Fixture *f, int64_t offset, int64_t bytes)
{
    f->src_ranges[f->nr_src_ranges++] = (RodRange) { offset, bytes };
}

void fixture_dst(Fixture *f, int64_t offset, int64_t bytes)
{
    f->dst_ranges[f->task.nr_dst_ranges++] = (RodRange) { offset, bytes };
}

void fixture_whole(Fixture *f)
{
    fixture_src(f, 0, f->src->length);
    fixture_dst(f, 0, f->src->length);
    f->task.bytes = f->src->length;
}

static void coroutine_fn fixture_rod_entry(void *opaque)
{
    Fixture *f = opaque;

    f->task.rod = rod_co_create(f->src->blk, f->src_ranges, f->nr_src_ranges,
                                NULL, NULL, &error_abort);
}

void fixture_rod(Fixture *f)
{
    if (f->nr_src_ranges && !f->task.rod && !f->task.src) {
        mem_run(fixture_rod_entry, f);
    }
}

void fixture_expect_source(Fixture *f)
{
    int64_t at = 0, total = 0;

    fixture_rod(f);
    for (unsigned i = 0; i < f->nr_src_ranges; i++) {
        total += f->src_ranges[i].bytes;
    }
    g_free(f->expect);
    f->expect = g_malloc(total);
    for (unsigned i = 0; i < f->nr_src_ranges; i++) {
        memcpy(f->expect + at, f->src->data + f->src_ranges[i].offset,
               f->src_ranges[i].bytes);
        at += f->src_ranges[i].bytes;
    }
}

static void coroutine_fn fixture_run_entry(void *opaque)
{
    Fixture *f = opaque;

    f->end = offload_co_run(&f->task);
}

void fixture_start(Fixture *f)
{
    fixture_rod(f);
    mem_start(fixture_run_entry, f, &f->done);
}

OffloadEnd fixture_run(Fixture *f)
{
    fixture_start(f);
    mem_poll_until(f->done);
    g_assert_true(f->busy || f->src->in_flight + f->dst->in_flight == 0);
    g_assert_true((f->end == OFFLOAD_END_COMPLETE) ==
                  (f->task.done == f->task.bytes));
    return f->end;
}

void fixture_expect_done(Fixture *f, int64_t bytes)
{
    int64_t at = 0;

    g_assert_cmpint(f->task.done, ==, bytes);
    if (!f->expect) {
        fixture_expect_source(f);
    }
    for (unsigned i = 0; i < f->task.nr_dst_ranges && at < bytes; i++) {
        int64_t n = MIN(f->dst_ranges[i].bytes, bytes - at);

        g_assert_cmpint(memcmp(f->dst->data + f->dst_ranges[i].offset,
                               f->expect + f->task.src_offset + at, n), ==, 0);
        at += n;
    }
}

void fixture_expect_bytes(Fixture *f, int64_t zero, int64_t range,
                          int64_t bounce)
{
    int64_t expect[OFFLOAD_METHOD__MAX] = {
        [OFFLOAD_METHOD_ZERO] = zero,
        [OFFLOAD_METHOD_COPY_RANGE] = range,
        [OFFLOAD_METHOD_BOUNCE] = bounce,
    };

    for (int i = 0; i < OFFLOAD_METHOD__MAX; i++) {
        if (expect[i] >= 0) {
            g_assert_cmpint(stat64_get(&f->stats.bytes[i]), ==, expect[i]);
        }
        g_assert_true(!stat64_get(&f->stats.bytes[i]) ==
                      !stat64_get(&f->stats.operations[i]));
    }
}

void fixture_expect_fallback(Fixture *f, OffloadReason reason, int64_t bytes)
{
    for (int i = 0; i < OFFLOAD_REASON__MAX; i++) {
        g_assert_cmpint(stat64_get(&f->stats.fallback_bytes[i]), ==,
                        i == reason ? bytes : 0);
        g_assert_cmpuint(f->told[i], ==, i == reason);
    }
}
