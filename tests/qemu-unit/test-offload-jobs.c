/*
 * Offload: stock jobs and dirty bitmaps on the disks lose nothing of a copy
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/blockjob_int.h"
#include "block/dirty-bitmap.h"
#include "copy-fixture.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/job.h"
#include "qemu/main-loop.h"
#include "qemu/units.h"

#define DISK_BYTES (24 * MiB)

static Job *start_mirror(BlockDriverState *bs, MemDisk *target,
                         MirrorCopyMode mode)
{
    Job *job;

    blk_set_perm(target->blk, 0, BLK_PERM_ALL, &error_abort);
    mirror_start("mirror", bs, target->bs, NULL, JOB_DEFAULT, 0, 64 * KiB, 0,
                 MIRROR_SYNC_MODE_FULL, MIRROR_LEAVE_BACKING_CHAIN, false,
                 BLOCKDEV_ON_ERROR_REPORT, BLOCKDEV_ON_ERROR_REPORT, true, NULL,
                 mode, &error_abort);
    WITH_JOB_LOCK_GUARD() {
        job = job_get_locked("mirror");
    }
    g_assert_nonnull(job);
    return job;
}

static bool job_ready(Job *job)
{
    JOB_LOCK_GUARD();
    return job_is_ready_locked(job);
}

/* Ends the mirror; the disk shows the target from then on */
static void complete(Job *job)
{
    mem_poll_until(job_ready(job));
    WITH_JOB_LOCK_GUARD() {
        g_assert_cmpint(job_complete_sync_locked(job, &error_abort), ==, 0);
    }
}

/* Copies all, in runs of one piece, before and after the mirror is ready */
static void test_mirror_of_the_destination(MirrorCopyMode mode)
{
    Fixture *f = fixture_new(DISK_BYTES);
    MemDisk *target = mem_disk_new("target", DISK_BYTES, 3);
    Job *job = start_mirror(f->dst->bs, target, mode);
    OffloadEnd end;
    bool was_ready = false;

    f->src->status = true;
    memset(f->src->data + 5 * MiB, 0, 3 * MiB);
    f->dst->slow = true;
    f->busy = true;
    fixture_whole(f);
    f->task.deadline_ns = 1;
    do {
        end = fixture_run(f);
        if (f->task.done > DISK_BYTES / 2) {
            mem_poll_until(job_ready(job));
            was_ready = true;
        }
    } while (end == OFFLOAD_END_DEADLINE);
    g_assert_true(was_ready);
    g_assert_cmpint(end, ==, OFFLOAD_END_COMPLETE);
    fixture_expect_done(f, DISK_BYTES);

    complete(job);
    g_assert_true(blk_bs(f->dst->blk) == target->bs);
    g_assert_cmpint(memcmp(target->data, f->src->data, DISK_BYTES), ==, 0);
    mem_disk_free(target);
    fixture_free(f);
}

static void test_background_mirror_of_the_destination_loses_nothing(void)
{
    test_mirror_of_the_destination(MIRROR_COPY_MODE_BACKGROUND);
}

static void test_write_blocking_mirror_of_the_destination_loses_nothing(void)
{
    test_mirror_of_the_destination(MIRROR_COPY_MODE_WRITE_BLOCKING);
}

/* Wherever it happens to come: pieces that were refused go by bounce */
static void test_mirror_that_starts_in_mid_run(void)
{
    Fixture *f = fixture_new(DISK_BYTES);
    MemDisk *target = mem_disk_new("target", DISK_BYTES, 3);
    Job *job;

    f->dst->slow = true;
    fixture_whole(f);
    fixture_start(f);
    mem_poll_until(f->task.done > 0);
    job = start_mirror(f->dst->bs, target, MIRROR_COPY_MODE_BACKGROUND);
    mem_poll_until(f->done);
    g_assert_cmpint(f->end, ==, OFFLOAD_END_COMPLETE);
    fixture_expect_done(f, DISK_BYTES);
    complete(job);
    g_assert_cmpint(memcmp(target->data, f->src->data, DISK_BYTES), ==, 0);
    mem_disk_free(target);
    fixture_free(f);
}

static void test_mirror_that_starts_between_runs(void)
{
    Fixture *f = fixture_new(DISK_BYTES);
    MemDisk *target = mem_disk_new("target", DISK_BYTES, 3);
    Job *job;

    f->busy = true;
    fixture_whole(f);
    f->task.deadline_ns = 1;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_DEADLINE);
    f->task.deadline_ns = 0;
    /* from copy_range to bounce, since mirror_top has none */
    job = start_mirror(f->dst->bs, target, MIRROR_COPY_MODE_BACKGROUND);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    fixture_expect_done(f, DISK_BYTES);
    g_assert_cmpuint(f->told[OFFLOAD_REASON_NOT_SUPPORTED], ==, 1);
    g_assert_cmpuint(stat64_get(&f->stats.bytes[OFFLOAD_METHOD_COPY_RANGE]), >,
                     0);
    g_assert_cmpuint(stat64_get(&f->stats.bytes[OFFLOAD_METHOD_BOUNCE]), >, 0);
    complete(job);
    g_assert_cmpint(memcmp(target->data, f->src->data, DISK_BYTES), ==, 0);
    mem_disk_free(target);
    fixture_free(f);
}

/* In mid run, wherever the pivot happens to come */
static void test_pivot_of_the_destination_in_mid_copy_goes_on(void)
{
    Fixture *f = fixture_new(DISK_BYTES);
    MemDisk *target = mem_disk_new("target", DISK_BYTES, 3);
    Job *job = start_mirror(f->dst->bs, target, MIRROR_COPY_MODE_BACKGROUND);

    mem_poll_until(job_ready(job));
    f->src->slow = true;
    fixture_whole(f);
    fixture_start(f);
    mem_poll_until(f->task.done > 0);
    complete(job);
    mem_poll_until(f->done);
    g_assert_cmpint(f->end, ==, OFFLOAD_END_COMPLETE);
    g_assert_cmpint(memcmp(target->data, f->src->data, DISK_BYTES), ==, 0);
    mem_disk_free(target);
    fixture_free(f);
}

/* One piece, the pivot, the rest */
static void pivot_between_runs(bool source, OffloadEnd end, RodState state)
{
    Fixture *f = fixture_new(DISK_BYTES);
    MemDisk *target = mem_disk_new("target", DISK_BYTES, 3);
    Job *job = start_mirror(source ? f->src->bs : f->dst->bs, target,
                            MIRROR_COPY_MODE_BACKGROUND);
    int64_t before;

    mem_poll_until(job_ready(job));
    fixture_whole(f);
    fixture_expect_source(f);
    f->busy = true;
    f->task.deadline_ns = 1;
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_DEADLINE);
    before = f->task.done;
    g_assert_cmpint(before, >, 0);
    complete(job);
    g_assert_true(blk_bs(source ? f->src->blk : f->dst->blk) == target->bs);
    f->task.deadline_ns = 0;
    g_assert_cmpint(fixture_run(f), ==, end);
    g_assert_cmpint(rod_state(f->task.rod), ==, state);
    if (source) {
        fixture_expect_done(f, before);
    } else {
        g_assert_cmpint(memcmp(target->data, f->expect, DISK_BYTES), ==, 0);
    }
    mem_disk_free(target);
    fixture_free(f);
}

static void test_pivot_of_the_destination_between_runs_goes_on(void)
{
    pivot_between_runs(false, OFFLOAD_END_COMPLETE, ROD_LIVE);
}

static void test_pivot_of_the_source_ends_the_rod(void)
{
    pivot_between_runs(true, OFFLOAD_END_ROD, ROD_SOURCE_GONE);
}

static void test_mirror_that_is_cancelled_leaves_the_rod(void)
{
    Fixture *f = fixture_new(DISK_BYTES);
    MemDisk *target = mem_disk_new("target", DISK_BYTES, 3);
    Job *job = start_mirror(f->src->bs, target, MIRROR_COPY_MODE_BACKGROUND);

    fixture_whole(f);
    fixture_rod(f);
    WITH_JOB_LOCK_GUARD() {
        job_cancel_sync_locked(job, true);
    }
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    fixture_expect_done(f, DISK_BYTES);
    mem_disk_free(target);
    fixture_free(f);
}

static void test_backup_of_the_destination_keeps_the_old_data(void)
{
    Fixture *f = fixture_new(DISK_BYTES);
    MemDisk *target = mem_disk_new("target", DISK_BYTES, 3);
    g_autofree uint8_t *old = g_memdup2(f->dst->data, DISK_BYTES);
    BackupPerf perf = { .max_workers = 4 };
    BlockJob *job;

    blk_set_perm(target->blk, 0, BLK_PERM_ALL, &error_abort);
    job = backup_job_create("backup", f->dst->bs, target->bs, 1 * MiB,
                            MIRROR_SYNC_MODE_FULL, NULL,
                            BITMAP_SYNC_MODE_NEVER, false, false, NULL, &perf,
                            BLOCKDEV_ON_ERROR_REPORT, BLOCKDEV_ON_ERROR_REPORT,
                            JOB_DEFAULT, NULL, NULL, NULL, &error_abort);
    job_start(&job->job);

    /* while the job creeps */
    f->busy = true;
    fixture_whole(f);
    g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
    fixture_expect_done(f, DISK_BYTES);

    WITH_JOB_LOCK_GUARD() {
        block_job_set_speed_locked(job, 0, &error_abort);
        g_assert_cmpint(job_finish_sync_locked(&job->job, NULL, NULL), ==, 0);
    }
    g_assert_cmpint(memcmp(target->data, old, DISK_BYTES), ==, 0);
    mem_disk_free(target);
    fixture_free(f);
}

static void test_dirty_bitmap_covers_the_copy(void)
{
    for (int m = 0; m < OFFLOAD_METHOD__MAX; m++) {
        Fixture *f = fixture_new(DISK_BYTES);
        BdrvDirtyBitmap *bitmap =
            bdrv_create_dirty_bitmap(f->dst->bs, 64 * KiB, NULL, &error_abort);

        f->src->status = true;
        f->dst->no_range = m == OFFLOAD_METHOD_BOUNCE;
        if (m == OFFLOAD_METHOD_ZERO) {
            memset(f->src->data, 0, DISK_BYTES);
        }
        fixture_src(f, 0, 4 * MiB);
        fixture_dst(f, 2 * MiB, 4 * MiB);
        f->task.bytes = 4 * MiB;
        g_assert_cmpint(fixture_run(f), ==, OFFLOAD_END_COMPLETE);
        g_assert_cmpint(stat64_get(&f->stats.bytes[m]), ==, 4 * MiB);
        g_assert_cmpint(bdrv_get_dirty_count(bitmap), ==, 4 * MiB);
        g_assert_cmpint(bdrv_dirty_bitmap_next_zero(bitmap, 2 * MiB, 4 * MiB),
                        ==, -1);
        bdrv_release_dirty_bitmap(bitmap);
        fixture_free(f);
    }
}

int main(int argc, char **argv)
{
    qemu_init_main_loop(&error_abort);
    bdrv_init();
    g_test_init(&argc, &argv, NULL);

#define T(name) g_test_add_func("/offload-jobs/" #name, test_##name)
    T(background_mirror_of_the_destination_loses_nothing);
    T(write_blocking_mirror_of_the_destination_loses_nothing);
    T(mirror_that_starts_in_mid_run);
    T(mirror_that_starts_between_runs);
    T(pivot_of_the_destination_in_mid_copy_goes_on);
    T(pivot_of_the_destination_between_runs_goes_on);
    T(pivot_of_the_source_ends_the_rod);
    T(mirror_that_is_cancelled_leaves_the_rod);
    T(backup_of_the_destination_keeps_the_old_data);
    T(dirty_bitmap_covers_the_copy);
    return g_test_run();
}
