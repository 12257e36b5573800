/*
 * Offload: what its files share; for block/vscsi/offload*.c alone
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef BLOCK_VSCSI_OFFLOAD_INT_H
#define BLOCK_VSCSI_OFFLOAD_INT_H

#include "block/offload.h"
#include "qemu/coroutine.h"
#include "qemu/queue.h"

/* One read and write through a buffer; the buffers of one run */
#define OFFLOAD_CHUNK       (1 * MiB)
#define OFFLOAD_MAX_CHUNKS  8
#define OFFLOAD_MAX_RANGES  4
/* All buffers in the process, besides one chunk for each run */
#define OFFLOAD_BUDGET      (64 * MiB)

/*
 * A run of one task.  All of it happens in one thread, in the run's coroutine
 * and in those of its pieces: no lock.
 */
typedef struct OffloadRun OffloadRun;

/* Contiguous on both disks, of one method; runs in a coroutine of its own */
typedef struct OffloadPiece {
    /* Set before it starts, never changed but by offload_piece_shorten() */
    OffloadRun *run;
    OffloadMethod method;       /* the first to try */
    int64_t offset;             /* in the task */
    int64_t src_offset;         /* on the disk; nothing for zeroes */
    int64_t dst_offset;         /* on the disk */
    int64_t bytes;
    int64_t begin_ns;           /* QEMU_CLOCK_REALTIME */

    int64_t good;               /* copied so far, from the start */
    bool finished;
    OffloadEnd end;             /* why good < bytes */
    int error;                  /* with the two error ends */
    QSIMPLEQ_ENTRY(OffloadPiece) next;
} OffloadPiece;

struct OffloadRun {
    /* Set at the start, never changed */
    OffloadTask *task;
    BlockBackend *src;          /* NULL: zeroes */
    Coroutine *co;
    int64_t start;              /* task->done at the start */
    unsigned max_in_flight;
    bool same_disk;

    /* The walk */
    int64_t issued;             /* where the next piece begins */
    unsigned dst_index;         /* a place in dst_ranges, and what it is in */
    int64_t dst_base;           /* the task: to go on from there */
    int64_t extent_end;         /* what is known of the source: up to here, */
    bool extent_zero;           /* in the task, all is zero or all is data */
    OffloadEnd end;             /* other than COMPLETE: issue no more */
    int error;

    /* The pieces: from the first that is not good as a whole, in order */
    QSIMPLEQ_HEAD(, OffloadPiece) pieces;
    unsigned in_flight;
    unsigned ranges_in_flight;  /* those with copy_range */
    bool waiting;               /* the run's coroutine, for any to end */

    /* What was learned about copy_range */
    bool range_off;             /* do not ask any more in this run, because */
    OffloadReason range_why;
    int range_error;
    unsigned range_failures;    /* one after the other */
    int64_t refused_end;        /* do not ask before this byte of the task, */
    OffloadReason refused_why;  /* because */
    int refused_error;
    bool range_worked;          /* in this run */
    int64_t range_step;

    /* With a deadline: how fast each method has been in this run */
    int64_t pace_begin_ns[OFFLOAD_METHOD__MAX]; /* 0: not yet */
    int64_t pace_bytes[OFFLOAD_METHOD__MAX];
    int64_t landed;             /* bytes of data pieces that are good */
    int64_t launched;           /* bytes of data pieces that were started */

    /* What was learned about zeroes */
    int64_t zero_step;
    int64_t zero_max;

    unsigned told;              /* bit n: fallback() was called for reason n */
    unsigned nr_buffers;        /* that exist, of OFFLOAD_CHUNK */
    unsigned nr_idle;           /* of them, in idle[] */
    void *idle[OFFLOAD_MAX_CHUNKS];
    CoQueue buffer_wait;        /* pieces that wait for one */
};

/* offload.c */

/* May the task go on?  Else why not; looks at stop, deadline and Rod. */
OffloadEnd coroutine_fn GRAPH_UNLOCKED offload_co_check(OffloadRun *run);

/* The same for the Rod alone: after reading, before the data is used */
OffloadEnd coroutine_fn GRAPH_UNLOCKED offload_co_check_rod(OffloadRun *run);

/* @bytes more of @piece are good, by @method in one request */
void offload_piece_good(OffloadPiece *piece, OffloadMethod method,
                        int64_t bytes);

/*
 * copy_range was refused for @piece: gives what is behind its first @bytes back
 * to the walk, which will not ask again for that.  @piece->bytes is right
 * afterwards.  If something was issued behind @piece, nothing changes.
 */
void offload_piece_shorten(OffloadPiece *piece, int64_t bytes,
                           OffloadReason why, int error);

/* Counts and tells that [dst_offset, +bytes) could not be offloaded */
void offload_fell_back(OffloadRun *run, OffloadReason reason, int error,
                       int64_t dst_offset, int64_t bytes);

/*
 * offload_co_extent: how far from @offset on, of @bytes, it reads as zeroes, or
 * is data, which *@zero tells; > 0
 *
 * Holes smaller than @small_hole go with the data around them, since they are
 * not worth a request; data is looked at for @max_data at most.  What is not
 * known is data.
 */
int64_t coroutine_fn GRAPH_UNLOCKED
offload_co_extent(BlockBackend *blk, int64_t offset, int64_t bytes,
                  int64_t max_data, int64_t small_hole, bool *zero);

/* offload-zero.c, offload-range.c, offload-bounce.c: run a piece to its end */
OffloadEnd coroutine_fn GRAPH_UNLOCKED offload_co_zero(OffloadPiece *piece);
OffloadEnd coroutine_fn GRAPH_UNLOCKED offload_co_range(OffloadPiece *piece);
OffloadEnd coroutine_fn GRAPH_UNLOCKED offload_co_bounce(OffloadPiece *piece);

/*
 * offload_co_throttled: has one of the disks limits of its own (block_set_io_
 * throttle, -drive throttling)?  copy_range passes them by.  This can be asked
 * in the main loop alone, so the coroutine goes there and comes back.  (The
 * throttle filter is a node like others and refuses copy_range itself.)
 */
bool coroutine_fn GRAPH_UNLOCKED offload_co_throttled(BlockBackend *src,
                                                      BlockBackend *dst);

/*
 * offload_adapt: the size of the next step when one of @step took @ns
 *
 * Times @factor below 25 ms, halves above 100 ms, within [@min, @max].
 */
int64_t offload_adapt(int64_t step, int64_t ns, int factor, int64_t min,
                      int64_t max);

/* 0, or the negative errno for which @dst cannot be written now */
int coroutine_fn GRAPH_RDLOCK offload_co_can_write(BlockBackend *dst);

/* Writes @buf, zeroes as zeroes; returns a negative errno or 0 */
int coroutine_fn GRAPH_UNLOCKED
offload_co_write(BlockBackend *dst, int64_t offset, int64_t bytes,
                 const void *buf);

/*
 * A chunk of memory of the run; NULL without any memory.  Waits for another
 * piece of the same run at most: the first chunk is outside the budget of the
 * process.  All are freed by offload_buffers_free().
 */
void *coroutine_fn offload_co_buffer_get(OffloadRun *run);
void coroutine_fn offload_co_buffer_put(OffloadRun *run, void *buffer);
void offload_buffers_free(OffloadRun *run);

/* Page-aligned memory of *@bytes or as much less as there is; NULL if none */
void *offload_big_buffer_get(int64_t *bytes);
void offload_big_buffer_put(void *buffer, int64_t bytes);

#endif /* BLOCK_VSCSI_OFFLOAD_INT_H */
