/*
 * A disk in memory for tests, whose every request can be held, failed or seen
 *
 * A node of driver "mem" (and of driver "pass", a filter).  Nothing else of it
 * is special: it is used through BlockBackends and jobs like any node.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_MEM_DISK_H
#define TESTS_MEM_DISK_H

#include "block/block_int.h"
#include "system/block-backend.h"

typedef enum MemOp {
    MEM_READ, MEM_WRITE, MEM_ZERO, MEM_DISCARD, MEM_RANGE, MEM__MAX
} MemOp;

#define MEM_FAIL_ALWAYS (-2)

/*
 * Called in the request's coroutine: @after false before the data is touched
 * (a negative result fails the request), true after it (result ignored).
 */
typedef int coroutine_fn MemHook(BlockDriverState *bs, MemOp op,
                                 int64_t offset, int64_t bytes, bool after,
                                 void *opaque);

typedef struct MemDisk {
    BlockDriverState *bs;
    BlockBackend *blk;          /* reads and writes, shares all */
    uint8_t *data;
    int64_t length;
    int64_t capacity;           /* of data[] */

    /* What the driver can do; to be set before use */
    bool no_range;              /* -ENOTSUP for copy_range */
    bool status;                /* tells holes, in units of 4 KiB */
    bool slow;                  /* every request yields once */
    MemHook *hook;
    void *opaque;
    MemOp fail_op;              /* a request of this op that meets this byte */
    int64_t fail_at;            /* fails; -1: none, see MEM_FAIL_ALWAYS */
    int fail_errno;             /* 0: EIO */

    /* Requests whose op is held wait here; main loop only */
    bool hold[MEM__MAX];
    CoQueue held;
    unsigned nr_held;

    unsigned count[MEM__MAX];   /* atomic */
    int64_t max_bytes[MEM__MAX]; /* largest request */
    unsigned in_flight;         /* atomic; requests in the driver */
    unsigned in_range;          /* atomic; of them, copy_range */
    unsigned max_in_flight;
    unsigned flushes;
} MemDisk;

/* A node with a BlockBackend; @name must be unique.  Its bytes come of @seed */
MemDisk *mem_disk_new(const char *name, int64_t length, uint32_t seed);
void mem_disk_free(MemDisk *disk);

/* Lets all held requests, and those of @op that come later, go on */
void mem_disk_release(MemDisk *disk, MemOp op);

/* A filter node "pass" above @bs; dropped by mem_filter_drop() */
BlockDriverState *mem_filter_new(BlockDriverState *bs, const char *name);
void mem_filter_drop(BlockDriverState *filter);

/* Runs @fn in a coroutine in the main loop; waits until it ends */
void mem_run(void coroutine_fn (*fn)(void *), void *opaque);

/* The same without waiting; *@done becomes true at the end (may be NULL) */
void mem_start(void coroutine_fn (*fn)(void *), void *opaque, bool *done);

/* Turns of the main loop until @cond */
#define mem_poll_until(cond)                            \
    do {                                                \
        while (!(cond)) {                               \
            aio_poll(qemu_get_aio_context(), true);     \
        }                                               \
    } while (0)

/* Turns of the main loop as long as there is something to do at once */
void mem_settle(void);

/* One request through @blk, from outside of coroutines; returns the result */
int mem_write(BlockBackend *blk, int64_t offset, int64_t bytes, int fill);
int mem_zero(BlockBackend *blk, int64_t offset, int64_t bytes);
int mem_discard(BlockBackend *blk, int64_t offset, int64_t bytes);
int mem_truncate(BlockBackend *blk, int64_t length);

/* The seed of the random tests: VSCSI_SEED, or a new one; printed */
uint32_t mem_seed(void);

#endif /* TESTS_MEM_DISK_H */
