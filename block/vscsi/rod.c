/*
 * ROD: a representation of data, kept true by revoking
 *
 * States
 *
 *   rod_co_create --> ROD_LIVE --> ROD_OVERWRITTEN   rod_after_track()
 *                             |--> ROD_SHRUNK        rod_after_track()
 *                             |--> ROD_SOURCE_GONE   rod_check_source(),
 *                             |                      rod_node_deleted()
 *                             `--> any of them       rod_end(), rod_end_all()
 *
 * The end is final.  Only inside rod_co_create(), before anybody else knows the
 * Rod, one that has ended is made live again, to wait for the next writes.
 *
 * What is watched
 *
 * A Rod is keyed on its data node, see rod_data_node(): a mirror, a throttle or
 * a backup filter that is put above it or taken away changes nothing, and who
 * writes to the node by another way (a second device, an export, a job) is seen
 * as well.  A byte that changes without a tracked request on that node is not
 * seen: SG_IO pass-through, zone commands, loading an internal snapshot, and
 * reopening the node with another file below do so.  They are the business of
 * who does them (rod_end_all()).
 *
 * Why no write is missed
 *
 *   writer:  (1) put the request into bs->tracked_requests, under reqs_lock
 *            (2) hook: look for live Rods, end those that overlap
 *            (3) change the data
 *   creator: (a) register the Rod, under rods.lock, and count it
 *            (b) look for writes in bs->tracked_requests, under reqs_lock
 *            (c) wait until those that overlap have ended; return
 *
 * Both take reqs_lock.  If (1) comes before (b), the creator sees the request
 * and waits for it: its data is complete before the point in time.  If (b)
 * comes before (1), then (a) happened before (2), and the writer sees the Rod:
 * it ends before (3).  This is why the hook stands behind the insertion; in
 * front of it a writer could pass (2) before (a) and do (1) after (b).
 *
 * Node addresses
 *
 * A node is known by its address, which is only compared.  The hook in
 * bdrv_delete() ends the Rods of a node that goes away, so no address is used
 * again while a live Rod has it.  A reference instead would make blockdev-del
 * of a mirror's old source fail as long as a token lives.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/block_int.h"
#include "block/rod.h"
#include "qapi/error.h"
#include "qemu/coroutine.h"
#include "qemu/interval-tree.h"
#include "qemu/lockable.h"
#include "qemu/queue.h"
#include "qemu/thread.h"
#include "system/block-backend.h"
#include "trace.h"

/* How often rod_co_create() waits anew when a write came in while it waited */
#define ROD_MAX_ROUNDS 8

/* A node that has live Rods */
typedef struct RodNode {
    BlockDriverState *bs;       /* the key; never dereferenced here */
    IntervalTreeRoot spans;     /* of all its live Rods */
    unsigned live;              /* Rods */
} RodNode;

/* A range, as the node's tree knows it */
typedef struct RodSpan {
    IntervalTreeNode node;
    Rod *rod;
} RodSpan;

struct Rod {
    int refs;                   /* atomic */

    /* Set at creation, never changed */
    BlockBackend *blk;
    BlockDriverState *bs;       /* data node; only compared */
    RodRange *ranges;           /* in the order of the ROD */
    RodRange *sorted;           /* the same by offset */
    int64_t *starts;            /* where ranges[i] begins in the ROD */
    unsigned nr_ranges;
    int64_t bytes;
    RodEndedFunc *ended;
    void *opaque;

    RodState state;             /* written under rods.lock, read atomically */

    /* Under rods.lock */
    RodSpan *spans;             /* in node's tree while live */
    RodNode *node;              /* NULL when not live */
    bool created;               /* the owner has it: tell him the end */
    QSIMPLEQ_ENTRY(Rod) next_ended;
    QTAILQ_ENTRY(Rod) next_live;
};

typedef QSIMPLEQ_HEAD(RodEndedList, Rod) RodEndedList;

unsigned rod_live_count;        /* written under rods.lock, read atomically */

static struct {
    QemuMutex lock;             /* the innermost lock; nothing is called */
    GHashTable *nodes;          /* BlockDriverState * -> RodNode */
    QTAILQ_HEAD(, Rod) live;
} rods = {
    .live = QTAILQ_HEAD_INITIALIZER(rods.live),
};

static void __attribute__((__constructor__)) rod_init(void)
{
    qemu_mutex_init(&rods.lock);
    rods.nodes = g_hash_table_new_full(NULL, NULL, NULL, g_free);
}

/* ------------------------------------------------------------------ ranges */

static int rod_compare_ranges(const void *a, const void *b)
{
    const RodRange *x = a, *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* True if [start, last] meets a range of @rod */
static bool rod_touches(const Rod *rod, int64_t start, int64_t last)
{
    unsigned low = 0, high = rod->nr_ranges;

    /* the last range that begins at or before @last is the only candidate */
    while (low < high) {
        unsigned mid = low + (high - low) / 2;

        if (rod->sorted[mid].offset <= last) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low > 0 && start <= last &&
        rod->sorted[low - 1].offset + rod->sorted[low - 1].bytes > start;
}

/* Fills ranges, sorted, starts and bytes; checks all but the disk's length */
static bool rod_set_ranges(Rod *rod, const RodRange *ranges,
                           unsigned nr_ranges, Error **errp)
{
    if (nr_ranges == 0 || nr_ranges > INT_MAX) {
        error_setg(errp, "A ROD cannot have %u ranges", nr_ranges);
        return false;
    }
    rod->nr_ranges = nr_ranges;
    rod->ranges = g_memdup2(ranges, nr_ranges * sizeof(*ranges));
    rod->sorted = g_memdup2(ranges, nr_ranges * sizeof(*ranges));
    rod->starts = g_new(int64_t, nr_ranges);
    rod->spans = g_new0(RodSpan, nr_ranges);
    for (unsigned i = 0; i < nr_ranges; i++) {
        int64_t offset = ranges[i].offset, bytes = ranges[i].bytes;

        if (offset < 0 || bytes <= 0 || offset > INT64_MAX - bytes ||
            rod->bytes > INT64_MAX - bytes) {
            error_setg(errp, "Range %u of the ROD, offset %" PRId64 " bytes %"
                       PRId64 ", is not valid", i, offset, bytes);
            return false;
        }
        rod->starts[i] = rod->bytes;
        rod->bytes += bytes;
    }

    qsort(rod->sorted, nr_ranges, sizeof(RodRange), rod_compare_ranges);
    for (unsigned i = 1; i < nr_ranges; i++) {
        if (rod->sorted[i - 1].offset + rod->sorted[i - 1].bytes >
            rod->sorted[i].offset) {
            error_setg(errp, "Ranges of the ROD overlap at offset %" PRId64,
                       rod->sorted[i].offset);
            return false;
        }
    }
    return true;
}

int64_t rod_map(const Rod *rod, int64_t offset, int64_t *disk_offset)
{
    unsigned low = 0, high = rod->nr_ranges;

    if (offset < 0 || offset >= rod->bytes) {
        return 0;
    }
    while (high - low > 1) {
        unsigned mid = low + (high - low) / 2;

        if (rod->starts[mid] <= offset) {
            low = mid;
        } else {
            high = mid;
        }
    }
    offset -= rod->starts[low];
    *disk_offset = rod->ranges[low].offset + offset;
    return rod->ranges[low].bytes - offset;
}

int64_t rod_bytes(const Rod *rod)
{
    return rod->bytes;
}

BlockBackend *rod_blk(const Rod *rod)
{
    return rod->blk;
}

/* --------------------------------------------------------------- life, end */

Rod *rod_ref(Rod *rod)
{
    int old = qatomic_fetch_inc(&rod->refs);

    assert(old > 0);
    return rod;
}

static void rod_free(Rod *rod)
{
    g_free(rod->ranges);
    g_free(rod->sorted);
    g_free(rod->starts);
    g_free(rod->spans);
    g_free(rod);
}

void rod_unref(Rod *rod)
{
    if (rod && qatomic_fetch_dec(&rod->refs) == 1) {
        rod_end(rod, ROD_DROPPED);
        rod_free(rod);
    }
}

/* A reference, if it is not just being freed by another thread */
static bool rod_try_ref(Rod *rod)
{
    int old = qatomic_read(&rod->refs);

    while (old > 0) {
        int seen = qatomic_cmpxchg(&rod->refs, old, old + 1);

        if (seen == old) {
            return true;
        }
        old = seen;
    }
    return false;
}

/* Called with rods.lock held */
static void rod_insert_locked(Rod *rod)
{
    RodNode *node = g_hash_table_lookup(rods.nodes, rod->bs);

    assert(!rod->node);
    if (!node) {
        node = g_new0(RodNode, 1);
        node->bs = rod->bs;
        g_hash_table_insert(rods.nodes, node->bs, node);
    }
    for (unsigned i = 0; i < rod->nr_ranges; i++) {
        RodSpan *span = &rod->spans[i];

        span->rod = rod;
        span->node.start = rod->ranges[i].offset;
        span->node.last = rod->ranges[i].offset + rod->ranges[i].bytes - 1;
        interval_tree_insert(&span->node, &node->spans);
    }
    node->live++;
    rod->node = node;
    QTAILQ_INSERT_TAIL(&rods.live, rod, next_live);
    qatomic_set(&rod->state, ROD_LIVE);
    qatomic_set(&rod_live_count, rod_live_count + 1);
}

/* Called with rods.lock held, @rod is live */
static void rod_end_locked(Rod *rod, RodState why)
{
    RodNode *node = rod->node;

    assert(why != ROD_LIVE && node);
    for (unsigned i = 0; i < rod->nr_ranges; i++) {
        interval_tree_remove(&rod->spans[i].node, &node->spans);
    }
    rod->node = NULL;
    if (--node->live == 0) {
        g_hash_table_remove(rods.nodes, node->bs);
    }
    QTAILQ_REMOVE(&rods.live, rod, next_live);
    qatomic_set(&rod->state, why);
    qatomic_set(&rod_live_count, rod_live_count - 1);
}

/* The same, and puts it on @list if its owner is to be told */
static void rod_end_self_locked(Rod *rod, RodState why, RodEndedList *list)
{
    rod_end_locked(rod, why);
    if (rod->created && rod_try_ref(rod)) {
        QSIMPLEQ_INSERT_TAIL(list, rod, next_ended);
    }
}

/* Calls back and drops the references; without rods.lock */
static void rod_tell(RodEndedList *list)
{
    Rod *rod;

    while ((rod = QSIMPLEQ_FIRST(list))) {
        QSIMPLEQ_REMOVE_HEAD(list, next_ended);
        if (rod->ended) {
            rod->ended(rod, rod_state(rod), rod->opaque);
        }
        rod_unref(rod);
    }
}

void rod_end(Rod *rod, RodState why)
{
    QEMU_LOCK_GUARD(&rods.lock);
    if (rod->node) {
        rod_end_locked(rod, why);
        trace_rod_end(rod, why, -1, 0);
    }
}

void rod_end_all(BlockBackend *blk, RodState why)
{
    RodEndedList list = QSIMPLEQ_HEAD_INITIALIZER(list);
    Rod *rod, *next;

    WITH_QEMU_LOCK_GUARD(&rods.lock) {
        QTAILQ_FOREACH_SAFE(rod, &rods.live, next_live, next) {
            if (rod->blk == blk) {
                rod_end_self_locked(rod, why, &list);
                trace_rod_end(rod, why, -1, 0);
            }
        }
    }
    rod_tell(&list);
}

RodState rod_state(const Rod *rod)
{
    /*
     * The caller has read data: that must not be ordered after this load.
     * Pairs with the lock that the writer takes and drops before it writes.
     */
    smp_mb();
    return qatomic_read(&rod->state);
}

/* ------------------------------------------------------------------- hooks */

void rod_after_track_slow(BlockDriverState *bs, int64_t offset, int64_t bytes,
                          bool truncate)
{
    RodEndedList list = QSIMPLEQ_HEAD_INITIALIZER(list);
    RodState why = truncate ? ROD_SHRUNK : ROD_OVERWRITTEN;
    uint64_t last = truncate ? INT64_MAX : offset + bytes - 1;

    if (bytes == 0 && !truncate) {
        return;
    }
    WITH_QEMU_LOCK_GUARD(&rods.lock) {
        RodNode *node;

        /* the node's entry goes away with its last Rod */
        while ((node = g_hash_table_lookup(rods.nodes, bs))) {
            IntervalTreeNode *found =
                interval_tree_iter_first(&node->spans, offset, last);
            Rod *rod;

            if (!found) {
                break;
            }
            rod = container_of(found, RodSpan, node)->rod;
            rod_end_self_locked(rod, why, &list);
            trace_rod_end(rod, why, offset, bytes);
        }
    }
    rod_tell(&list);
}

void rod_node_deleted_slow(BlockDriverState *bs)
{
    RodEndedList list = QSIMPLEQ_HEAD_INITIALIZER(list);
    Rod *rod, *next;

    WITH_QEMU_LOCK_GUARD(&rods.lock) {
        QTAILQ_FOREACH_SAFE(rod, &rods.live, next_live, next) {
            if (rod->bs == bs) {
                rod_end_self_locked(rod, ROD_SOURCE_GONE, &list);
                trace_rod_end(rod, ROD_SOURCE_GONE, -1, 0);
            }
        }
    }
    rod_tell(&list);
}

/* ----------------------------------------------------------------- the node */

BlockDriverState *rod_data_node(BlockBackend *blk)
{
    BlockDriverState *bs = blk_bs(blk);
    IO_CODE();

    while (bs && bs->drv) {
        BdrvChild *child = bdrv_filter_child(bs);

        /* the raw format: no filter by name, but by its child's role */
        if (!child && bs->file && (bs->file->role & BDRV_CHILD_FILTERED)) {
            child = bs->file;
        }
        if (!child) {
            return bs;
        }
        bs = child->bs;
    }
    return NULL;
}

RodState rod_check_source(Rod *rod)
{
    RodEndedList list = QSIMPLEQ_HEAD_INITIALIZER(list);

    if (rod_data_node(rod->blk) != rod->bs) {
        WITH_QEMU_LOCK_GUARD(&rods.lock) {
            if (rod->node) {
                rod_end_self_locked(rod, ROD_SOURCE_GONE, &list);
                trace_rod_end(rod, ROD_SOURCE_GONE, -1, 0);
            }
        }
        rod_tell(&list);
    }
    return rod_state(rod);
}

bool rod_overlaps(const Rod *rod, BlockBackend *blk, int64_t offset,
                  int64_t bytes)
{
    return bytes > 0 && rod_state(rod) == ROD_LIVE &&
        rod_data_node(blk) == rod->bs &&
        rod_touches(rod, offset, offset + bytes - 1);
}

/* ---------------------------------------------------------------- creation */

static bool coroutine_fn GRAPH_RDLOCK
rod_co_check_length(Rod *rod, Error **errp)
{
    int64_t length = bdrv_co_getlength(blk_bs(rod->blk));

    if (length < 0) {
        error_setg_errno(errp, -length, "Cannot get the length of the disk");
        return false;
    }
    for (unsigned i = 0; i < rod->nr_ranges; i++) {
        if (rod->ranges[i].offset + rod->ranges[i].bytes > length) {
            error_setg(errp, "Range %u of the ROD, offset %" PRId64 " bytes %"
                       PRId64 ", ends past the end of the disk at %" PRId64,
                       i, rod->ranges[i].offset, rod->ranges[i].bytes, length);
            return false;
        }
    }
    return true;
}

/* A request that may change @rod's data.  Called with reqs_lock held. */
static BdrvTrackedRequest *rod_find_write(Rod *rod)
{
    BdrvTrackedRequest *req;

    QLIST_FOREACH(req, &rod->bs->tracked_requests, list) {
        int64_t last = req->offset + req->bytes - 1;

        if (req->type == BDRV_TRACKED_READ) {
            continue;
        }
        if (req->type == BDRV_TRACKED_TRUNCATE) {
            last = INT64_MAX;
        }
        if (rod_touches(rod, req->offset, last)) {
            /* waiting for oneself: a driver that creates Rods in a write */
            assert(req->co != qemu_coroutine_self());
            return req;
        }
    }
    return NULL;
}

/*
 * Waits for the writes in flight, or until a new one ends @rod.  The graph lock
 * is held on, so that the node stays; the writes hold it as well, so whoever
 * waits for this reader waits for them anyway.
 */
static void coroutine_fn GRAPH_RDLOCK rod_co_wait_writes(Rod *rod)
{
    BdrvTrackedRequest *req;

    qemu_mutex_lock(&rod->bs->reqs_lock);
    while (rod_state(rod) == ROD_LIVE && (req = rod_find_write(rod))) {
        trace_rod_wait_write(rod, req->offset, req->bytes);
        qemu_co_queue_wait(&req->wait_queue, &rod->bs->reqs_lock);
    }
    qemu_mutex_unlock(&rod->bs->reqs_lock);
}

static bool coroutine_fn GRAPH_RDLOCK rod_co_register(Rod *rod, Error **errp)
{
    unsigned round = 0;

    rod->bs = rod_data_node(rod->blk);
    if (!rod->bs) {
        error_setg(errp, "The disk has no medium");
        return false;
    }
    if (!rod_co_check_length(rod, errp)) {
        return false;
    }
    do {
        WITH_QEMU_LOCK_GUARD(&rods.lock) {
            rod_insert_locked(rod);
        }
        rod_co_wait_writes(rod);
    } while (rod_state(rod) != ROD_LIVE && ++round < ROD_MAX_ROUNDS);

    trace_rod_create(rod, rod->blk, rod->nr_ranges, rod->bytes, round + 1);
    /* a truncate may have been in flight */
    return rod_co_check_length(rod, errp);
}

Rod *coroutine_fn rod_co_create(BlockBackend *blk, const RodRange *ranges,
                                unsigned nr_ranges, RodEndedFunc *ended,
                                void *opaque, Error **errp)
{
    RodEndedList list = QSIMPLEQ_HEAD_INITIALIZER(list);
    Rod *rod = g_new0(Rod, 1);
    bool ok;
    IO_CODE();

    *rod = (Rod) {
        .refs = 1,
        .blk = blk,
        .ended = ended,
        .opaque = opaque,
        .state = ROD_DROPPED,
    };
    if (!rod_set_ranges(rod, ranges, nr_ranges, errp)) {
        rod_unref(rod);
        return NULL;
    }

    blk_co_start_request(blk);
    bdrv_graph_co_rdlock();
    ok = rod_co_register(rod, errp);
    bdrv_graph_co_rdunlock();
    blk_end_request(blk);
    if (!ok) {
        rod_unref(rod);
        return NULL;
    }

    WITH_QEMU_LOCK_GUARD(&rods.lock) {
        rod->created = true;
        if (!rod->node) {
            rod_ref(rod);
            QSIMPLEQ_INSERT_TAIL(&list, rod, next_ended);
        }
    }
    rod_tell(&list);
    return rod;
}
