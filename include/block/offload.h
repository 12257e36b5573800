/*
 * Offload: copy a range from disk to disk by the cheapest method that works
 *
 * A copy walks its source by extents, picks a method for each, and counts every
 * byte under the method that really ran and every fallback under its reason
 * (DESIGN, invariant 5).  It goes through the BlockBackends of both disks, so
 * that throttling, dirty bitmaps, filters and jobs on either see it, and it
 * queues while either is drained.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef BLOCK_OFFLOAD_H
#define BLOCK_OFFLOAD_H

#include "block/block-common.h"
#include "block/rod.h"
#include "qemu/stats64.h"
#include "qemu/units.h"

typedef enum OffloadMethod {
    OFFLOAD_METHOD_ZERO,        /* source is zero: write zeroes, unmap */
    OFFLOAD_METHOD_COPY_RANGE,  /* blk copy_range: the host or array copies */
    OFFLOAD_METHOD_BOUNCE,      /* read and write through a buffer here */
    OFFLOAD_METHOD__MAX
} OffloadMethod;

typedef enum OffloadReason {
    OFFLOAD_REASON_NOT_SUPPORTED,   /* a format, filter or protocol has none */
    OFFLOAD_REASON_CROSS_DEVICE,    /* EXDEV: not on one file system */
    OFFLOAD_REASON_OVERLAP,         /* ranges of one disk overlap */
    OFFLOAD_REASON_ENCRYPTED,       /* a node is encrypted */
    OFFLOAD_REASON_DISABLED,        /* switched off by property */
    OFFLOAD_REASON_FAILED,          /* another errno: tried and failed */
    OFFLOAD_REASON__MAX
} OffloadReason;

/* Lower-case names with dashes, as in the monitor and in trace points */
const char *offload_method_str(OffloadMethod method);
const char *offload_reason_str(OffloadReason reason);

/* Counters of one disk (as destination); updated atomically from any thread */
typedef struct OffloadStats {
    Stat64 bytes[OFFLOAD_METHOD__MAX];      /* written, even if not `done` */
    Stat64 operations[OFFLOAD_METHOD__MAX]; /* writes to the block layer */
    Stat64 fallbacks[OFFLOAD_REASON__MAX];  /* pieces that fell back */
    Stat64 fallback_bytes[OFFLOAD_REASON__MAX];
} OffloadStats;

typedef enum OffloadPolicy {
    OFFLOAD_POLICY_AUTO,        /* cheapest first */
    OFFLOAD_POLICY_BOUNCE,      /* never ask the host to copy */
} OffloadPolicy;

typedef enum OffloadEnd {
    OFFLOAD_END_COMPLETE,       /* all bytes were copied */
    OFFLOAD_END_STOPPED,        /* offload_stop() */
    OFFLOAD_END_DEADLINE,       /* task->deadline_ns has passed */
    OFFLOAD_END_ROD,            /* the Rod ended: see rod_state() */
    OFFLOAD_END_READ_ERROR,     /* task->error is the negative errno */
    OFFLOAD_END_WRITE_ERROR,    /* the same */
} OffloadEnd;

/*
 * One copy.  Zero-initialise, set the first group, call offload_co_run() once;
 * after an end other than OFFLOAD_END_COMPLETE it may be called again (with
 * `stop` cleared by the caller) and goes on from task->done.
 */
typedef struct OffloadTask {
    /* Set by the caller before the run, not changed meanwhile */
    Rod *rod;                   /* source, or NULL */
    BlockBackend *src;          /* source if @rod is NULL, or NULL: zeroes */
    int64_t src_offset;         /* into @rod, or into @src; bytes */
    BlockBackend *dst;
    const RodRange *dst_ranges; /* where it goes, in order; inside the disk */
    unsigned nr_dst_ranges;
    /* <= sum of dst_ranges.  Past the end of @rod zeroes are written */
    int64_t bytes;
    OffloadPolicy policy;
    /* QEMU_CLOCK_REALTIME; 0: none.  Each run copies one piece at least */
    int64_t deadline_ns;
    OffloadStats *stats;        /* where to count; required */
    /* Once for each reason in a run, in its thread; error <= 0.  Or NULL */
    void (*fallback)(OffloadReason reason, int error, void *opaque);
    void *opaque;

    /* Readable from any thread during the run with qatomic_read__nocheck() */
    int64_t done;               /* contiguous good bytes from the start */

    /* Set by offload_stop() */
    int stop;

    /* Valid after the run */
    int error;
} OffloadTask;

/*
 * offload_co_run: copy until the end of the task
 *
 * In a coroutine, in any AioContext; several may run on the same disks.  Memory
 * is bounded per task (OFFLOAD_MAX_BUFFER) and in the process (a budget shared
 * by all tasks, plus one chunk for each).  Between pieces the stop flag, the
 * deadline and the Rod are looked at; a piece that moves data is at most
 * OFFLOAD_MAX_PIECE, one of zeroes is sized by the time that the last one took.
 * On return nothing of the task is in flight.  Bytes past task->done may have
 * been written in the destination ranges.
 *
 * Where the destination overlaps the task's own Rod, up to OFFLOAD_MAX_BUFFER
 * are read before the first overlapping write, which ends the Rod, and are
 * copied whole; more than that ends with OFFLOAD_END_ROD.  A source without a
 * Rod that overlaps its destination is copied in ascending order, piece by
 * piece.
 *
 * The caller must not let it run while the disk is inactive (after a migration
 * took it away); this is answered with -EPERM when it is seen in time.
 */
OffloadEnd coroutine_fn GRAPH_UNLOCKED offload_co_run(OffloadTask *task);

/* offload_stop: let a running task end soon; any thread, does not wait */
void offload_stop(OffloadTask *task);

#define OFFLOAD_MAX_BUFFER  (16 * MiB)
#define OFFLOAD_MAX_PIECE   (64 * MiB)

#endif /* BLOCK_OFFLOAD_H */
