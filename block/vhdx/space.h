/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VHDX file space: who owns which MiB of the file
 *
 * A pure allocator: memory only, no I/O, no lock.  The caller serialises all
 * calls (VhdxState.lock) and does the I/O that is asked for.  Units are MiB
 * from the file's start, the granularity of the format (MS-VHDX 2.2); a
 * payload block is block_units of them.
 *
 * States of a unit:
 *
 *                alloc                commit             release
 *   FREE_ZERO  -------> RESERVED_ZERO  ----+--> PAYLOAD, SB, ... --+
 *   FREE_STALE -------> RESERVED_STALE ----+                       |
 *     ^                    | ^  abort                              v
 *     |<-------------------+ +------ alloc by the owner ---- RELEASING
 *     |                                                            |
 *     +---------------------- settle ------------------------------+
 *
 * Generations number the batches of metadata that are made durable together
 * (pages.h): a release takes effect on disk with the batch of its generation.
 * Epochs number sets of requests: a request that began in an epoch may still
 * read or write the space it resolved then.  Both only grow.
 *
 * What always holds:
 *  S1. A unit has one owner at most; adding, allocating, committing something
 *      twice is refused (add) or a bug that asserts (the rest).
 *  S2. Released space is handed to somebody else only after its generation is
 *      durable and all requests of its epoch and older have ended.
 *  S3. Space that held metadata: moreover the live log must have no page of
 *      it, or replay would overwrite its new owner's data.
 *  S4. FREE_ZERO reads as zero, and no crash can change that.  Space whose
 *      reservation failed after a write, and released space, is stale.
 *  S5. The same block may take its own space back before the release is
 *      durable (class OWN): nobody else's data is in it.
 *  S6. Nothing is allocated before the whole table was added: until
 *      vhdx_space_start() the map does not know what is free.
 */

#ifndef BLOCK_VHDX_SPACE_H
#define BLOCK_VHDX_SPACE_H

#define VHDX_UNIT_BITS 20
#define VHDX_UNIT_SIZE (1ULL << VHDX_UNIT_BITS)

/*
 * 256 TiB: the largest disk, four times over.  Bounds the map at 3 MB plus
 * a byte for each unit in a stretch of 4 GiB that is not all alike.
 */
#define VHDX_SPACE_MAX_UNITS (1ULL << 28)

/* No block: space that nobody may take back (S5) */
#define VHDX_OWNER_NONE UINT64_MAX
#define VHDX_SPACE_NO_LIMIT UINT64_MAX

typedef enum VhdxCell {
    VHDX_CELL_BEYOND,           /* not in the file */
    VHDX_CELL_FREE_STALE,       /* free, content unknown */
    VHDX_CELL_FREE_ZERO,        /* free, reads zero whatever crashes */
    VHDX_CELL_RESERVED_STALE,   /* handed out, no table names it */
    VHDX_CELL_RESERVED_ZERO,
    VHDX_CELL_RELEASING,        /* free once its release has settled */
    VHDX_CELL_RELEASING_META,
    VHDX_CELL_HEADER,           /* the first MiB */
    VHDX_CELL_LOG,
    VHDX_CELL_BAT,
    VHDX_CELL_METADATA,
    VHDX_CELL_REGION,           /* optional region not known to us */
    VHDX_CELL_PAYLOAD,
    VHDX_CELL_SB,               /* sector bitmap block */
    VHDX_CELL_ANCHOR,           /* offset kept by state UNDEFINED, UNMAPPED */
    VHDX_CELL__MAX
} VhdxCell;

/* What a run holds when it is handed out; decides on padding and barrier */
typedef enum VhdxRunClass {
    VHDX_RUN_ZERO,      /* zeros: no padding */
    VHDX_RUN_OWN,       /* the same block's former content: padding */
    VHDX_RUN_STALE,     /* anything: padding, barrier */
} VhdxRunClass;

/* A run of units that was reserved for somebody; the caller keeps it. */
typedef struct VhdxRun {
    uint64_t start;             /* unit */
    uint32_t count;             /* units */
    VhdxRunClass class;
    uint64_t owner;             /* block number or VHDX_OWNER_NONE */
    uint64_t own_gen;           /* OWN: generation of its release */
    uint64_t own_epoch;         /* OWN: epoch of its release */
} VhdxRun;

typedef struct VhdxSpaceConflict {
    uint64_t unit;              /* first unit that cannot be had */
    VhdxCell cell;              /* what is there; BEYOND: past the file */
} VhdxSpaceConflict;

typedef struct VhdxSpaceStats {
    uint64_t units[VHDX_CELL__MAX];     /* BEYOND: always 0 */
    uint64_t file_units;
    uint64_t end;                       /* see vhdx_space_end() */
    size_t pending;                     /* releases that have not settled */
    size_t memory;                      /* bytes of heap */
} VhdxSpaceStats;

typedef struct VhdxSpace VhdxSpace;

/*
 * A map of a file of @file_bytes in which only the header is known.  Free
 * units are stale.  @block_units: block size, 1 to 256.  A last MiB that is
 * only partly there counts as there; the caller grows the file to whole MiB
 * before it allocates.  NULL if the file has more than VHDX_SPACE_MAX_UNITS.
 */
VhdxSpace *vhdx_space_new(uint32_t block_units, uint64_t file_bytes);

/* Reservations and releases under way are forgotten. */
void vhdx_space_free(VhdxSpace *space);

/*
 * Before vhdx_space_start(): @count units at @start belong to @cell, LOG to
 * ANCHOR.  False: some are not free or not in the file, *@conflict says which
 * and nothing changed.  Any @start and @count are safe.  @count 0 is refused
 * as a conflict with what is at @start.
 */
bool vhdx_space_add(VhdxSpace *space, uint64_t start, uint64_t count,
                    VhdxCell cell, VhdxSpaceConflict *conflict);

/*
 * The free units in [@start, @start + @count) read as zero and, since a
 * flush after they became so, will after any crash (S4).
 */
void vhdx_space_note_zero(VhdxSpace *space, uint64_t start, uint64_t count);

/* All owners were added: what is left is free (S6). */
void vhdx_space_start(VhdxSpace *space);

/* The file cannot grow past @units (a device, a quota); default: the map. */
void vhdx_space_set_capacity(VhdxSpace *space, uint64_t units);

/*
 * Reserve @count units for block @owner, all below @limit.  Order: its own
 * space (S5; not with a limit, and only if @count is what was released),
 * known-zero holes, other holes, the free tail of the file.
 *
 *  0         *@run is reserved: commit or abort it, once.
 *  -EAGAIN   the file must grow to *@grow_to units or more; do that, call
 *            vhdx_space_grown(), try again.  Never with a @limit.
 *  -ENOSPC   no room below @limit or the capacity.  If stats.pending is not
 *            0, a commit may give some.
 */
int vhdx_space_alloc(VhdxSpace *space, uint64_t owner, uint32_t count,
                     uint64_t limit, VhdxRun *run, uint64_t *grow_to);

/* The file now has @units; @zero: what was gained reads as zero. */
void vhdx_space_grown(VhdxSpace *space, uint64_t units, bool zero);

/*
 * The file was cut to @units, not below vhdx_space_end(), and that is
 * durable.  (Growing again over a cut that is not could bring former content
 * back.)
 */
void vhdx_space_truncated(VhdxSpace *space, uint64_t units);

/*
 * May the entry that makes @run visible be flushed together with the data in
 * it?  False: it needs a flush of the data before it is written (MS-VHDX
 * leaves the order to the writer; docs/vhdx-design.md section 5.1).
 * @open_gen: generation of the batch that will hold the entry.
 * @shown_zero: the block reads as zeros until then, in every sector.
 */
bool vhdx_run_needs_barrier(const VhdxRun *run, uint64_t open_gen,
                            bool shown_zero);

/* Sectors of the block that are not written must be zeroed in the file. */
static inline bool vhdx_run_needs_padding(const VhdxRun *run)
{
    return run->class != VHDX_RUN_ZERO;
}

/* A table in memory names @run now: it belongs to @cell, BAT to SB. */
void vhdx_space_commit(VhdxSpace *space, const VhdxRun *run, VhdxCell cell);

/*
 * @run is not needed; no request uses it any more.  @written: something may
 * have been written into it.  An OWN run waits for its release as before.
 */
void vhdx_space_abort(VhdxSpace *space, const VhdxRun *run, bool written);

/*
 * No table in memory names [@start, @start + @count) any more, with effect
 * from generation @gen, the open batch.  @epoch: the newest epoch a request
 * can have resolved this space in.  The units must all belong to the same
 * kind, BAT to ANCHOR; BAT, METADATA, REGION and SB are metadata (S3).
 * @owner: the block that may take a payload run back (S5), only if its state
 * was FULLY_PRESENT: then every sector showed what is in the run.  Else
 * VHDX_OWNER_NONE.
 */
void vhdx_space_release(VhdxSpace *space, uint64_t start, uint32_t count,
                        uint64_t gen, uint64_t epoch, uint64_t owner);

/*
 * Free what may be reused: releases with gen <= @durable_gen and epoch <=
 * @idle_epoch, and of metadata those with gen < @tail_gen, the oldest
 * generation in the active sequence that is durable (UINT64_MAX: LogGuid is
 * 0).  Returns the units freed: if not 0, wake who waits for space.
 */
uint64_t vhdx_space_settle(VhdxSpace *space, uint64_t durable_gen,
                           uint64_t tail_gen, uint64_t idle_epoch);

/*
 * Take up to @max units of stale free space out of reach, to write zeroes to
 * them; false if there are none below vhdx_space_end().  (The tail is cut
 * off, not zeroed.)  vhdx_space_scrub_end() gives them back; @zero: they read
 * zero and that was flushed.  Lowest space first.
 */
bool vhdx_space_scrub_begin(VhdxSpace *space, uint32_t max, VhdxRun *run);
void vhdx_space_scrub_end(VhdxSpace *space, const VhdxRun *run, bool zero);

/*
 * Where the file can be cut: the unit after the last one that is not free.
 * Space that is being released counts as not free.  Also LastFileOffset.
 */
uint64_t vhdx_space_end(const VhdxSpace *space);

/*
 * The longest run of units in one state that starts at @start and ends at
 * the file's end or before; false at the file's end.
 */
bool vhdx_space_next(const VhdxSpace *space, uint64_t start, uint64_t *count,
                     VhdxCell *cell);

void vhdx_space_stats(const VhdxSpace *space, VhdxSpaceStats *stats);

/* For messages: "payload block", "log", ... */
const char *vhdx_cell_name(VhdxCell cell);

#endif /* BLOCK_VHDX_SPACE_H */
