/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VHDX metadata pages: the cache, and the order in which they reach the disk
 *
 * Pure: memory only, no I/O, no lock.  The caller serialises all calls
 * (VhdxState.lock), does the I/O that is asked for and reports its end.
 *
 * Everything but the headers and the payload is changed in 4 KiB pages
 * through the log (MS-VHDX 2.3).  All pages that are dirty at one instant
 * make one batch, and a batch is one log entry:
 *
 *   OPEN ---> SEALED -----> WRITTEN ---> DURABLE ----> APPLIED ---> RETIRED
 *       seal        log            flush        pages         flush
 *                   written                     in place
 *
 * A page that is READY is dirty while it has a change that is in no sealed
 * batch, and live while a batch that is not APPLIED has it.  It can be evicted
 * if it is neither and nobody has it pinned.
 *
 * What always holds:
 *  P1. After a crash at any point replay finds the pages as they were at one
 *      seal, that of the last batch that was DURABLE or a later one.
 *  P2. A page is written in place only with content of a DURABLE batch, and
 *      never with older content after newer.
 *  P3. A batch is the Tail of new entries, or after it, until it is RETIRED.
 *  P4. Ring space from the Tail of the last DURABLE entry to the head is not
 *      written.
 *  P5. A flush covers what had ended when it began.
 *  P6. There is always a next step that makes room in the ring.
 *
 * Generations number the batches; the open batch has a number, too.  Ring
 * positions are in sectors of 4 KiB; an entry may wrap.
 */

#ifndef BLOCK_VHDX_PAGES_H
#define BLOCK_VHDX_PAGES_H

#define VHDX_PAGE_SIZE 4096u

/* No batch has more pages, no ring more sectors in use, however large */
#define VHDX_BATCH_PAGES_MAX 1024u
#define VHDX_RING_USE_MAX 8192u

typedef struct VhdxPages VhdxPages;
typedef struct VhdxPage VhdxPage;

typedef enum VhdxPageState {
    VHDX_PAGE_LOADING,
    VHDX_PAGE_READY,
    VHDX_PAGE_FAILED,
} VhdxPageState;

typedef enum VhdxBatchState {
    VHDX_BATCH_SEALED,
    VHDX_BATCH_WRITTEN,
    VHDX_BATCH_DURABLE,
    VHDX_BATCH_APPLIED,
    VHDX_BATCH_RETIRED,
} VhdxBatchState;

/* A log entry to be; the caller reads it and never changes it. */
typedef struct VhdxBatch {
    uint64_t gen;               /* of an entry without pages: the last one */
    uint64_t sequence;          /* SequenceNumber */
    uint32_t log_sector;        /* where it starts in the ring */
    uint32_t sectors;           /* its length */
    uint32_t tail_sector;       /* Tail */
    bool barrier;               /* flush data before it is written */
    uint32_t page_count;
    const uint64_t *offsets;    /* in the file */
    const uint8_t *data;        /* page_count pages */
    VhdxBatchState state;
} VhdxBatch;

/* One page to be written in place */
typedef struct VhdxApply {
    uint64_t offset;
    const uint8_t *data;
} VhdxApply;

/* What a flush that has begun will cover */
typedef struct VhdxFlush {
    uint64_t written;           /* sequence numbers */
    uint64_t applied;
} VhdxFlush;

/* What has to be done before vhdx_pages_seal() succeeds */
typedef enum VhdxRoom {
    VHDX_ROOM_OK,               /* seal */
    VHDX_ROOM_APPLY,            /* apply, then ask again */
    VHDX_ROOM_FLUSH,            /* flush, then ask again */
    VHDX_ROOM_TAIL,             /* vhdx_pages_seal_tail(), write, flush */
} VhdxRoom;

/*
 * An empty cache that keeps up to @max_clean evictable pages, over a log of
 * @log_sectors (256 or more) whose first entry will have @sequence (not 0).
 */
VhdxPages *vhdx_pages_new(size_t max_clean, uint32_t log_sectors,
                          uint64_t sequence);

/* All pages and batches go, whatever their state; none may be pinned. */
void vhdx_pages_free(VhdxPages *pages);

/* --------------------------------------------------------------- the cache */

/*
 * The page at @offset (4 KiB aligned), pinned; NULL if it is not here, then
 * load it.  While it is LOADING somebody else does; wait and look again.
 */
VhdxPage *vhdx_pages_get(VhdxPages *pages, uint64_t offset);

/*
 * A page that is not here is made, pinned, LOADING: the caller alone reads
 * the file into vhdx_page_load_buffer(), without the lock, and says how that
 * ended; then it wakes who waits.  The page is in the cache meanwhile, so
 * that no second reader can come late with content that is older than a
 * change.  After a failure the page is FAILED and no more in the cache; all
 * who have it pinned unpin it.
 */
VhdxPage *vhdx_pages_load_begin(VhdxPages *pages, uint64_t offset);
uint8_t *vhdx_page_load_buffer(VhdxPage *page);
void vhdx_pages_load_end(VhdxPages *pages, VhdxPage *page, bool ok);

/* A page of new metadata that is not here: zeros, pinned, READY. */
VhdxPage *vhdx_pages_add_zero(VhdxPages *pages, uint64_t offset);

void vhdx_page_pin(VhdxPages *pages, VhdxPage *page);
void vhdx_page_unpin(VhdxPages *pages, VhdxPage *page);

VhdxPageState vhdx_page_state(const VhdxPage *page);
uint64_t vhdx_page_offset(const VhdxPage *page);
const uint8_t *vhdx_page_data(const VhdxPage *page);

/* The page's newest content is in a DURABLE batch, or in place. */
bool vhdx_page_is_durable(const VhdxPages *pages, const VhdxPage *page);

/*
 * [@offset, +@bytes) becomes metadata that was something else before: forget
 * what is cached of it.  None of it may be dirty, live or pinned: that space
 * is given out after its last batch was RETIRED sees to it (space.h, S3).
 */
void vhdx_pages_drop(VhdxPages *pages, uint64_t offset, uint64_t bytes);

/* ---------------------------------------------------------------- changing */

/* Pages that one batch can hold: what fits half the ring. */
uint32_t vhdx_pages_batch_max(const VhdxPages *pages);

/*
 * The caller will edit up to @count pages now, before anything else is
 * called here; they will be in the same batch.  False: the open batch has no
 * room, or the pages are poisoned; commit, and try again.  @count may not
 * exceed vhdx_pages_batch_max().
 */
bool vhdx_pages_begin(VhdxPages *pages, uint32_t count);

/* Content of @page, to be changed at once; it is dirty from now on. */
uint8_t *vhdx_page_edit(VhdxPages *pages, VhdxPage *page);

/* The open batch exposes data that must be flushed before it is written. */
void vhdx_pages_set_barrier(VhdxPages *pages);

uint64_t vhdx_pages_open_gen(const VhdxPages *pages);
bool vhdx_pages_dirty(const VhdxPages *pages);

/* -------------------------------------------------------------- committing */

VhdxRoom vhdx_pages_room(const VhdxPages *pages);

/*
 * All dirty pages in one batch; the open batch is a new one.  NULL if none is
 * dirty, if there is no room in the ring, or after poison.  The entry before
 * must be DURABLE, and there must be one (vhdx_pages_seal_tail()).
 */
VhdxBatch *vhdx_pages_seal(VhdxPages *pages);

/*
 * An entry without pages: the first one of a log, or one that moves Tail when
 * vhdx_pages_room() says so.  One sector is always left for it.  NULL after
 * poison, or if it would move nothing.
 */
VhdxBatch *vhdx_pages_seal_tail(VhdxPages *pages);

/* The log write of @batch has ended well. */
void vhdx_pages_written(VhdxPages *pages, VhdxBatch *batch);

/*
 * Around every flush of the file, whoever wants it.  Flushes may overlap; of
 * one that fails nothing is reported, and the caller poisons if
 * vhdx_pages_in_doubt().  After the end @flush->written batches may be gone.
 */
VhdxFlush vhdx_pages_flush_begin(const VhdxPages *pages);
void vhdx_pages_flush_end(VhdxPages *pages, const VhdxFlush *flush);

/* A failed flush now would leave unknown what is on the disk. */
bool vhdx_pages_in_doubt(const VhdxPages *pages);

/* For vhdx_space_settle(). */
uint64_t vhdx_pages_durable_gen(const VhdxPages *pages);
uint64_t vhdx_pages_tail_gen(const VhdxPages *pages);

/* ---------------------------------------------------------------- applying */

/* Worth applying in the background: more than half of the ring is used. */
bool vhdx_pages_should_apply(const VhdxPages *pages);

/*
 * The pages of all DURABLE batches, each once, with the newest content, by
 * ascending offset; *@count of them, g_free() the array.  NULL if there is
 * nothing to apply.  When all were written in place, in any order, call
 * vhdx_pages_apply_end(); the data is valid until then.  One at a time.
 */
VhdxApply *vhdx_pages_apply_begin(VhdxPages *pages, size_t *count);
void vhdx_pages_apply_end(VhdxPages *pages);

/* ------------------------------------------------------------------ endings */

/* Nothing dirty, all batches RETIRED: LogGuid may be set to 0. */
bool vhdx_pages_quiet(const VhdxPages *pages);

/* LogGuid is 0 and that is durable; the log starts anew at sector 0. */
void vhdx_pages_log_reset(VhdxPages *pages);

/*
 * A metadata write failed: no change and no batch any more; what is cached
 * can be read.  For ever.
 */
void vhdx_pages_poison(VhdxPages *pages);
bool vhdx_pages_poisoned(const VhdxPages *pages);

typedef struct VhdxPagesStats {
    size_t pages, clean, dirty;
    size_t batches;             /* sealed, still in the active sequence */
    uint32_t ring_used;         /* sectors */
    uint32_t ring_limit;
} VhdxPagesStats;

void vhdx_pages_stats(const VhdxPages *pages, VhdxPagesStats *stats);

#endif /* BLOCK_VHDX_PAGES_H */
