/*
 * QMP blockdev-offload-copy: the host copies between two block nodes
 *
 * Same engine, same promise as a guest's tokens: the data is that of the moment
 * of the start, or the copy fails.
 *
 * It is a job.  A command that runs until the end would hold up all of QMP (one
 * coroutine serves all monitors), and no bound on its length bounds its time
 * when the host's storage hangs.  A background task of another make would have
 * to learn what jobs know: cancel, pause, progress, events, the end of the
 * process.
 *
 * The job has no filter in the graph, but two BlockBackends: they wait while
 * their node is drained, their permissions keep the job from a disk that a
 * device writes to, and they fail when their node goes.  All of it runs in the
 * main thread.
 *
 * What is known of a copy outlives its job: the last ones are kept for
 * query-vscsi.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-vscsi.h"
#include "qemu/job.h"
#include "qemu/timer.h"
#include "block/block_int.h"
#include "block/offload.h"
#include "block/rod.h"
#include "system/block-backend.h"
#include "ide-refusal.h"
#include "trace.h"
#include "vscsi-events.h"
#include "vscsi-qmp.h"

#define MAX_RUNNING     16
#define MAX_ENDED       16
/* How long the job goes on without a look at pause, cancel and IDE devices */
#define SLICE_NS        (200 * SCALE_MS)

/* What query-vscsi shows.  Main thread; the job holds one until its end */
typedef struct HostCopy {
    char *job_id;
    char *source;
    char *target;
    uint64_t source_offset;
    uint64_t target_offset;
    uint64_t bytes;
    uint64_t done;
    VscsiHostCopyState state;
    char *error;
    OffloadStats stats;
    QTAILQ_ENTRY(HostCopy) next;
} HostCopy;

typedef struct HostCopyJob {
    Job common;
    HostCopy *copy;
    BlockBackend *src;
    BlockBackend *dst;
    RodRange src_range;
    RodRange dst_range;
    OffloadTask task;
    unsigned told;              /* bit n: an event was sent for reason n */
} HostCopyJob;

static QTAILQ_HEAD(, HostCopy) copies = QTAILQ_HEAD_INITIALIZER(copies);

static void host_copy_free(HostCopy *copy)
{
    g_free(copy->job_id);
    g_free(copy->source);
    g_free(copy->target);
    g_free(copy->error);
    g_free(copy);
}

static unsigned host_copies_in(VscsiHostCopyState state)
{
    unsigned n = 0;
    HostCopy *copy;

    QTAILQ_FOREACH(copy, &copies, next) {
        n += copy->state == state;
    }
    return n;
}

/* Forget the oldest ones that have ended */
static void host_copies_trim(void)
{
    unsigned ended = 0;
    HostCopy *copy, *prev;

    QTAILQ_FOREACH_REVERSE_SAFE(copy, &copies, next, prev) {
        if (copy->state != VSCSI_HOST_COPY_STATE_RUNNING &&
            ++ended > MAX_ENDED) {
            QTAILQ_REMOVE(&copies, copy, next);
            host_copy_free(copy);
        }
    }
}

VscsiHostCopyStatusList *vscsi_host_copies(void)
{
    VscsiHostCopyStatusList *list = NULL, **tail = &list;
    HostCopy *copy;

    QTAILQ_FOREACH(copy, &copies, next) {
        VscsiHostCopyStatus *status = g_new0(VscsiHostCopyStatus, 1);

        status->job_id = g_strdup(copy->job_id);
        status->source = g_strdup(copy->source);
        status->source_offset = copy->source_offset;
        status->target = g_strdup(copy->target);
        status->target_offset = copy->target_offset;
        status->bytes = copy->bytes;
        status->done = copy->done;
        status->state = copy->state;
        status->error = g_strdup(copy->error);
        status->copied = vscsi_qapi_methods(&copy->stats);
        status->fallbacks = vscsi_qapi_fallbacks(&copy->stats);
        QAPI_LIST_APPEND(tail, status);
    }
    return list;
}

/* ---------------------------------------------------------------- the job */

static HostCopyJob *to_job(Job *job)
{
    return container_of(job, HostCopyJob, common);
}

static void host_copy_fell_back(OffloadReason reason, int error, void *opaque)
{
    HostCopyJob *s = opaque;

    if (!(s->told & (1u << reason))) {
        s->told |= 1u << reason;
        vscsi_event_job_fallback(s->copy->job_id, s->copy->source,
                                 s->copy->target, reason, error);
    }
}

/* Refuse what is attached to IDE, which it may have become in the meantime */
static bool GRAPH_RDLOCK host_copy_check_ide(BlockDriverState *bs,
                                             const char *role, Error **errp)
{
    g_autofree char *device = vscsi_ide_device(bs);

    if (!device) {
        return true;
    }
    trace_vscsi_host_copy_ide(bdrv_get_node_name(bs), device);
    error_setg(errp, "The image of the %s node '%s' is attached to the IDE "
               "device '%s': IDE takes no part in offloaded copies", role,
               bdrv_get_node_name(bs), device);
    return false;
}

static bool GRAPH_RDLOCK host_copy_check_blk(BlockBackend *blk,
                                             const char *role, Error **errp)
{
    if (!blk_bs(blk)) {
        error_setg(errp, "The %s node has gone", role);
        return false;
    }
    return host_copy_check_ide(blk_bs(blk), role, errp);
}

/* How a slice ended: 1 go on, 0 done, negative with @errp set */
static int host_copy_slice_ended(HostCopyJob *s, OffloadEnd end, Error **errp)
{
    static const char *const rod_ends[] = {
        [ROD_OVERWRITTEN] = "was overwritten",
        [ROD_SHRUNK] = "was cut off",
        [ROD_SOURCE_GONE] = "was taken away",
        [ROD_DROPPED] = "was given up",
    };

    switch (end) {
    case OFFLOAD_END_COMPLETE:
        return 0;
    case OFFLOAD_END_STOPPED:
    case OFFLOAD_END_DEADLINE:
        return 1;
    case OFFLOAD_END_ROD:
        error_setg(errp, "The data of source node '%s' %s before it was copied",
                   s->copy->source, rod_ends[rod_state(s->task.rod)]);
        return -EAGAIN;
    case OFFLOAD_END_READ_ERROR:
        error_setg_errno(errp, -s->task.error, "Cannot read node '%s' at "
                         "offset %" PRIu64, s->copy->source,
                         s->copy->source_offset + s->task.done);
        return s->task.error;
    default:
        error_setg_errno(errp, -s->task.error, "Cannot write node '%s' at "
                         "offset %" PRIu64, s->copy->target,
                         s->copy->target_offset + s->task.done);
        return s->task.error;
    }
}

static int coroutine_fn host_copy_slices(HostCopyJob *s, Error **errp)
{
    Job *job = &s->common;
    int ret = 1;

    while (ret > 0) {
        int64_t before = s->task.done;
        bool ok;

        job_pause_point(job);
        if (job_is_cancelled(job)) {
            return -ECANCELED;
        }
        bdrv_graph_co_rdlock();
        ok = host_copy_check_blk(s->src, "source", errp) &&
             host_copy_check_blk(s->dst, "target", errp);
        bdrv_graph_co_rdunlock();
        if (!ok) {
            return -EPERM;
        }
        qatomic_set(&s->task.stop, 0);
        s->task.deadline_ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME) + SLICE_NS;
        ret = host_copy_slice_ended(s, offload_co_run(&s->task), errp);
        s->copy->done = s->task.done;
        job_progress_update(job, s->task.done - before);
    }
    return ret;
}

static int coroutine_fn host_copy_run(Job *job, Error **errp)
{
    HostCopyJob *s = to_job(job);
    int ret;

    s->task = (OffloadTask) {
        .dst = s->dst,
        .dst_ranges = &s->dst_range,
        .nr_dst_ranges = 1,
        .bytes = s->src_range.bytes,
        .stats = &s->copy->stats,
        .fallback = host_copy_fell_back,
        .opaque = s,
    };
    s->task.rod = rod_co_create(s->src, &s->src_range, 1, NULL, NULL, errp);
    if (!s->task.rod) {
        return -EIO;
    }
    ret = host_copy_slices(s, errp);
    rod_unref(s->task.rod);
    s->task.rod = NULL;
    return ret;
}

static bool host_copy_cancel(Job *job, bool force)
{
    offload_stop(&to_job(job)->task);
    return true;
}

/* The job is over: what became of it */
static void host_copy_clean(Job *job)
{
    HostCopyJob *s = to_job(job);
    HostCopy *copy = s->copy;

    WITH_JOB_LOCK_GUARD() {
        if (job_is_cancelled_locked(job) || job->ret == -ECANCELED) {
            copy->state = VSCSI_HOST_COPY_STATE_CANCELLED;
        } else if (job->ret) {
            copy->state = VSCSI_HOST_COPY_STATE_FAILED;
            copy->error = g_strdup(job->err ? error_get_pretty(job->err) :
                                   strerror(-job->ret));
        } else {
            copy->state = VSCSI_HOST_COPY_STATE_OK;
        }
    }
    trace_vscsi_host_copy_end(copy->job_id,
                              VscsiHostCopyState_str(copy->state), copy->done);
    s->copy = NULL;
    host_copies_trim();
    blk_unref(s->src);
    blk_unref(s->dst);
}

static const JobDriver host_copy_driver = {
    .instance_size = sizeof(HostCopyJob),
    .job_type = JOB_TYPE_OFFLOAD_COPY,
    .run = host_copy_run,
    .cancel = host_copy_cancel,
    .clean = host_copy_clean,
};

/* ------------------------------------------------------------ the command */

/* The range [@offset, +@bytes) must lie in @blk, in whole sectors */
static bool host_copy_check_range(BlockBackend *blk, const char *role,
                                  uint64_t offset, uint64_t bytes, Error **errp)
{
    int64_t length = blk_getlength(blk);

    if (length < 0) {
        error_setg_errno(errp, -length, "Cannot get the length of the %s node",
                         role);
        return false;
    }
    if (offset % BDRV_SECTOR_SIZE || bytes % BDRV_SECTOR_SIZE) {
        error_setg(errp, "%s-offset=%" PRIu64 " and bytes=%" PRIu64 " must be "
                   "multiples of %llu", role, offset, bytes, BDRV_SECTOR_SIZE);
        return false;
    }
    if (offset > length || bytes > length - offset) {
        error_setg(errp, "%s-offset=%" PRIu64 " and bytes=%" PRIu64 " reach "
                   "beyond the end of the %s node, which has %" PRId64
                   " bytes", role, offset, bytes, role, length);
        return false;
    }
    return true;
}

/* A filter above the target would not see what is written below it */
static bool GRAPH_RDLOCK host_copy_check_top(BlockDriverState *bs, Error **errp)
{
    BdrvChild *parent;

    QLIST_FOREACH(parent, &bs->parents, next_parent) {
        BlockDriverState *above;

        if (!parent->klass->parent_is_bds) {
            continue;
        }
        above = parent->opaque;
        if (above->drv && above->drv->is_filter) {
            error_setg(errp, "The target node '%s' is below the filter node "
                       "'%s', which has to see the writes: name that one",
                       bdrv_get_node_name(bs), bdrv_get_node_name(above));
            return false;
        }
    }
    return true;
}

static bool host_copy_check_node(BlockDriverState *bs, const char *role,
                                 bool write, Error **errp)
{
    GRAPH_RDLOCK_GUARD_MAINLOOP();

    return host_copy_check_ide(bs, role, errp) &&
           (!write || host_copy_check_top(bs, errp));
}

static BlockBackend *host_copy_open(const char *name, const char *role,
                                    bool write, Error **errp)
{
    BlockDriverState *bs = bdrv_lookup_bs(name, name, errp);

    if (!bs || !host_copy_check_node(bs, role, write, errp)) {
        return NULL;
    }
    /* others may read the target, but neither write to nor resize it */
    return write ?
        blk_new_with_bs(bs, BLK_PERM_WRITE,
                        BLK_PERM_CONSISTENT_READ | BLK_PERM_WRITE_UNCHANGED,
                        errp) :
        blk_new_with_bs(bs, BLK_PERM_CONSISTENT_READ, BLK_PERM_ALL, errp);
}

static void host_copy_start(HostCopyJob *s, BlockBackend *src,
                            BlockBackend *dst, uint64_t source_offset,
                            uint64_t target_offset, uint64_t bytes)
{
    HostCopy *copy = g_new0(HostCopy, 1);

    copy->job_id = g_strdup(s->common.id);
    copy->source = g_strdup(bdrv_get_node_name(blk_bs(src)));
    copy->target = g_strdup(bdrv_get_node_name(blk_bs(dst)));
    copy->source_offset = source_offset;
    copy->target_offset = target_offset;
    copy->bytes = bytes;
    copy->state = VSCSI_HOST_COPY_STATE_RUNNING;
    QTAILQ_INSERT_TAIL(&copies, copy, next);

    s->copy = copy;
    s->src = src;
    s->dst = dst;
    s->src_range = (RodRange) { .offset = source_offset, .bytes = bytes };
    s->dst_range = (RodRange) { .offset = target_offset, .bytes = bytes };
    trace_vscsi_host_copy_start(copy->job_id, copy->source, source_offset,
                                copy->target, target_offset, bytes);
    job_progress_set_remaining(&s->common, bytes);
    job_start(&s->common);
}

void qmp_blockdev_offload_copy(const char *job_id, const char *source,
                               const char *target, bool has_source_offset,
                               uint64_t source_offset, bool has_target_offset,
                               uint64_t target_offset, bool has_bytes,
                               uint64_t bytes, Error **errp)
{
    BlockBackend *src, *dst = NULL;
    HostCopyJob *s;

    if (host_copies_in(VSCSI_HOST_COPY_STATE_RUNNING) >= MAX_RUNNING) {
        error_setg(errp, "%d host-side copies run already", MAX_RUNNING);
        return;
    }
    src = host_copy_open(source, "source", false, errp);
    if (!src) {
        return;
    }
    if (!has_bytes) {
        int64_t length = blk_getlength(src);

        /* an offset past the end is found below */
        bytes = length > 0 && source_offset < length ?
                QEMU_ALIGN_DOWN(length - source_offset, BDRV_SECTOR_SIZE) : 0;
    }
    dst = host_copy_open(target, "target", true, errp);
    if (!dst ||
        !host_copy_check_range(src, "source", source_offset, bytes, errp) ||
        !host_copy_check_range(dst, "target", target_offset, bytes, errp)) {
        goto fail;
    }
    if (!bytes) {
        error_setg(errp, "There are no bytes to copy");
        goto fail;
    }
    s = job_create(job_id, &host_copy_driver, NULL, qemu_get_aio_context(),
                   JOB_DEFAULT, NULL, NULL, errp);
    if (!s) {
        goto fail;
    }
    host_copy_start(s, src, dst, source_offset, target_offset, bytes);
    return;

fail:
    blk_unref(src);
    blk_unref(dst);
}
