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
#include "block/graph-lock.h"
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
 * Called exactly once when a Rod ends by itself (not by rod_end()).  Any
 * thread, maybe in a coroutine and with the graph read lock, no lock of this
 * module held; must not block, yield or free the last reference of a
 * BlockBackend.
 *
 * It may run before rod_co_create() has returned, and may still run when
 * rod_end() returns; @rod is valid in it.  So @opaque must be alive as long as
 * the Rod's last reference: the owner's registry, say, rather than its entry.
 */
typedef void RodEndedFunc(Rod *rod, RodState why, void *opaque);

/*
 * rod_co_create: represent the data of @ranges of the disk behind @blk
 *
 * Waits for the overlapping writes that are in flight at the call (their data
 * is in the Rod or not, as a whole), not for any other.  Ranges must lie in the
 * disk, be non-empty and not overlap each other; at least one, at most INT_MAX
 * of them; @errp names the range that breaks this.
 *
 * Overlapping writes that go on all the time do not make it fail, nor wait for
 * ever: after a few tries the Rod is returned as what it is, ended by a write
 * that came just after it (@ended has been called then).
 *
 * Runs in a coroutine in any AioContext of @blk's users; queues while @blk is
 * drained.  Takes the graph read lock itself.  @blk must outlive the Rod or
 * rod_end() must come first.  Returns a Rod with one reference, or NULL with
 * @errp set.
 */
Rod *coroutine_fn GRAPH_UNLOCKED
rod_co_create(BlockBackend *blk, const RodRange *ranges, unsigned nr_ranges,
              RodEndedFunc *ended, void *opaque, Error **errp);

/* References; any thread.  The last rod_unref() does an rod_end() if needed. */
Rod *rod_ref(Rod *rod);
void rod_unref(Rod *rod);

/*
 * rod_end: end @rod now for the cause @why; no effect if it has ended before.
 * No callback is made.  After return no write looks at it any more.  Any
 * thread.
 */
void rod_end(Rod *rod, RodState why);

/*
 * rod_end_all: end every Rod that was created on @blk for the cause @why, their
 * callbacks are called (hot unplug, migration).  Any thread.
 */
void rod_end_all(BlockBackend *blk, RodState why);

/*
 * State at the moment of the call; once not ROD_LIVE it never changes again.
 * After data was read: if it is still ROD_LIVE, no overlapping write had begun
 * when the read completed.
 */
RodState rod_state(const Rod *rod);

/* Sum of the ranges, in bytes; the disk it was created on.  Constant. */
int64_t rod_bytes(const Rod *rod);
BlockBackend *rod_blk(const Rod *rod);

/*
 * rod_map: where byte @offset of the ROD lies on the disk
 *
 * Sets *@disk_offset and returns how many bytes from there on follow each other
 * on the disk too (> 0), or 0 when @offset is at or past the end (or negative).
 */
int64_t rod_map(const Rod *rod, int64_t offset, int64_t *disk_offset);

/*
 * rod_check_source: end @rod with ROD_SOURCE_GONE if the node that its disk
 * shows now is not the one it was created on; returns the state.  To be called
 * after reading.
 */
RodState GRAPH_RDLOCK rod_check_source(Rod *rod);

/* True if bytes [offset, +bytes) of the disk behind @blk overlap live @rod */
bool GRAPH_RDLOCK rod_overlaps(const Rod *rod, BlockBackend *blk,
                               int64_t offset, int64_t bytes);

/*
 * rod_data_node: the lowest node whose byte n is byte n of the disk behind @blk
 *
 * Below @blk's filters, and below a raw format without offset and size, so that
 * a writer that comes in anywhere above it is seen.  NULL without a medium.
 * Any thread.
 */
BlockDriverState * GRAPH_RDLOCK rod_data_node(BlockBackend *blk);

/* How many Rods are live in this process.  Read by the hooks alone. */
extern unsigned rod_live_count;

/* The slow halves of the hooks; not for other callers */
void rod_after_track_slow(BlockDriverState *bs, int64_t offset, int64_t bytes,
                          bool truncate);
void rod_node_deleted_slow(BlockDriverState *bs);

/*
 * rod_after_track: end the Rods that a change of [offset, +bytes) of @bs would
 * falsify; with @truncate all that lies from @offset on.
 *
 * The hook in block/io.c: called when a write, zero, discard, truncate or
 * offloaded copy stands in the node's list of tracked requests (not earlier,
 * see rod.c) and before the data can change.  Costs one atomic load while no
 * Rod is live.  Any thread, never blocks on I/O.
 */
static inline void rod_after_track(BlockDriverState *bs, int64_t offset,
                                   int64_t bytes, bool truncate)
{
    if (unlikely(qatomic_read(&rod_live_count))) {
        rod_after_track_slow(bs, offset, bytes, truncate);
    }
}

/*
 * rod_node_deleted: end the Rods of @bs, whose memory is about to be freed
 *
 * The hook in block.c.  Without it a new node could get the address of an old
 * one and be taken for it.  Main thread.
 */
static inline void rod_node_deleted(BlockDriverState *bs)
{
    if (unlikely(qatomic_read(&rod_live_count))) {
        rod_node_deleted_slow(bs);
    }
}

#endif /* BLOCK_ROD_H */
