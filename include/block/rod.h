/*
 * ROD: a representation of data
 *
 * A Rod stands for the data of some ranges of one disk at one point in time:
 * the moment rod_co_create() returned (DESIGN, invariant 2).  Creating one
 * reads nothing and its cost does not depend on the length of the ranges
 * (invariant 3).
 *
 * In this version the promise is kept by revoking: the first write, zero,
 * discard or truncate that overlaps the ranges, by whoever (guest, job, NBD
 * export, monitor), ends the Rod before the data changes.  The writer is never
 * delayed.  Who copies from a Rod learns of the end after each piece and drops
 * what it read, so that no path returns mixed data.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef BLOCK_ROD_H
#define BLOCK_ROD_H

#include "block/block-common.h"
#include "qemu/atomic.h"

typedef struct Rod Rod;

/* Bytes [offset, offset + bytes) of the disk; order is the order in the ROD */
typedef struct RodRange {
    int64_t offset;
    int64_t bytes;
} RodRange;

typedef enum RodState {
    ROD_LIVE,           /* the data is as it was at creation */
    ROD_OVERWRITTEN,    /* an overlapping write came first */
    ROD_SHRUNK,         /* the disk was cut below the end of a range */
    ROD_SOURCE_GONE,    /* the disk's node was replaced, ejected or closed */
    ROD_DROPPED,        /* the owner gave it up, see rod_end() */
} RodState;

/*
 * Called once when a Rod ends by itself (not by rod_end()).  Any thread, maybe
 * in a coroutine, no lock of this module held; must not block, yield or free
 * the last reference of a BlockBackend.
 */
typedef void RodEndedFunc(Rod *rod, RodState why, void *opaque);

/*
 * rod_co_create: represent the data of @ranges of the disk behind @blk
 *
 * Waits for the overlapping writes that are in flight at the call (their data
 * is in the Rod or not, as a whole), not for any other.  Ranges must lie in the
 * disk, be non-empty and not overlap each other; at most INT_MAX of them; @errp
 * names the range that breaks this.
 *
 * Runs in a coroutine in any AioContext of @blk's users.  Takes the graph read
 * lock itself.  @blk must outlive the Rod or rod_end() must come first.
 * Returns a Rod with one reference, or NULL with @errp set.
 */
Rod *coroutine_fn rod_co_create(BlockBackend *blk, const RodRange *ranges,
                                unsigned nr_ranges, RodEndedFunc *ended,
                                void *opaque, Error **errp);

/* References; any thread.  The last rod_unref() does an rod_end() if needed. */
Rod *rod_ref(Rod *rod);
void rod_unref(Rod *rod);

/*
 * rod_end: end @rod now for the cause @why; no effect if it has ended before.
 * No callback is made.  After return no write looks at it any more.  Any thread.
 */
void rod_end(Rod *rod, RodState why);

/*
 * rod_end_all: end every Rod on the disk behind @blk for the cause @why, their
 * callbacks are called (hot unplug, migration).  Main thread.
 */
void rod_end_all(BlockBackend *blk, RodState why);

/* State at the moment of the call; once not ROD_LIVE it never changes again */
RodState rod_state(const Rod *rod);

/* Sum of the ranges, in bytes; the disk it was created on.  Constant. */
int64_t rod_bytes(const Rod *rod);
BlockBackend *rod_blk(const Rod *rod);

/*
 * rod_map: where byte @offset of the ROD lies on the disk
 *
 * Sets *@disk_offset and returns how many bytes from there on follow each other
 * on the disk too (> 0), or 0 when @offset is at or past the end.
 */
int64_t rod_map(const Rod *rod, int64_t offset, int64_t *disk_offset);

/*
 * rod_check_source: end @rod with ROD_SOURCE_GONE if the node that its disk
 * shows now is not the one it was created on; returns the state.  To be called
 * after reading, with the graph read lock held.
 */
RodState rod_check_source(Rod *rod);

/* True if bytes [offset, +bytes) of the disk behind @blk overlap live @rod */
bool rod_overlaps(const Rod *rod, BlockBackend *blk, int64_t offset,
                  int64_t bytes);

/* How many Rods are live in this process.  Read by rod_before_write() alone. */
extern unsigned rod_live_count;

/* The slow half of rod_before_write(); not for other callers */
void rod_before_write_slow(BlockDriverState *bs, int64_t offset, int64_t bytes,
                           bool truncate);

/*
 * rod_before_write: end the Rods that a change of [offset, +bytes) of @bs would
 * falsify; with @truncate all that lies from @offset on.
 *
 * The hook in block/io.c: called at the begin of every tracked write, discard
 * and truncate, before the data can change.  Costs one atomic load while no Rod
 * is live.  Any thread, never blocks on I/O.
 */
static inline void rod_before_write(BlockDriverState *bs, int64_t offset,
                                    int64_t bytes, bool truncate)
{
    if (unlikely(qatomic_read(&rod_live_count))) {
        rod_before_write_slow(bs, offset, bytes, truncate);
    }
}

#endif /* BLOCK_ROD_H */
