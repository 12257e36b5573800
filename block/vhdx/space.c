/*
 * VHDX file space: the allocator (contract, states and rules in space.h)
 *
 * Search.  first[size][zero] is a unit below which no run of that size
 * starts; size is one unit or one block, the only sizes that are asked for
 * often.  A search raises it, giving space back lowers it, and only if what
 * came back makes a run that is long enough.  So each hole is looked at once
 * for each time it appears.
 *
 * Invariants beside S1 to S6:
 *  1. end is one more than the highest unit that is not free.
 *  2. A unit is RELEASING or RELEASING_META if and only if one Release on
 *     pending covers it.
 *  3. by_owner names a Release on pending, the newest of its owner.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "space-map.h"

#define MASK_ZERO VHDX_CELL_MASK(VHDX_CELL_FREE_ZERO)
#define MASK_FREE (MASK_ZERO | VHDX_CELL_MASK(VHDX_CELL_FREE_STALE))
/* everything in the file that is not free */
#define MASK_HELD (((1u << VHDX_CELL__MAX) - 1) & ~MASK_FREE & \
                   ~VHDX_CELL_MASK(VHDX_CELL_BEYOND))

/* Growth of the file: an eighth of it, within these, in units */
#define GROW_MIN 64u
#define GROW_MAX 1024u

enum { SIZE_UNIT, SIZE_BLOCK, SIZE__MAX };

typedef struct Release {
    GList link;                 /* in pending */
    uint64_t start;
    uint32_t count;
    bool metadata;
    uint64_t gen;
    uint64_t epoch;
    uint64_t owner;
} Release;

struct VhdxSpace {
    /* Set at creation, never changed */
    uint32_t block_units;

    /* Changed by the caller's calls, under its lock */
    bool started;
    uint64_t capacity;          /* the file does not grow past it */
    uint64_t file_units;
    uint64_t end;
    uint64_t durable_gen;       /* newest that settle() was told */
    uint64_t scrub_from;        /* no stale hole below */
    uint64_t first[SIZE__MAX][2];
    VhdxCellMap map;
    GQueue pending;             /* Release, sorted by gen */
    GHashTable *by_owner;       /* &Release.owner -> Release */
};

VhdxSpace *vhdx_space_new(uint32_t block_units, uint64_t file_bytes)
{
    uint64_t units = file_bytes / VHDX_UNIT_SIZE +
                     (file_bytes % VHDX_UNIT_SIZE ? 1 : 0);
    VhdxSpace *space;

    assert(block_units && block_units <= 256);
    if (units > VHDX_SPACE_MAX_UNITS) {
        return NULL;
    }
    space = g_new0(VhdxSpace, 1);
    space->block_units = block_units;
    space->capacity = VHDX_SPACE_MAX_UNITS;
    space->file_units = MAX(units, 1);
    space->end = 1;
    vhdx_cells_init(&space->map);
    g_queue_init(&space->pending);
    space->by_owner = g_hash_table_new(g_int64_hash, g_int64_equal);
    vhdx_cells_set(&space->map, 0, space->file_units, VHDX_CELL_FREE_STALE);
    vhdx_cells_set(&space->map, 0, 1, VHDX_CELL_HEADER);
    return space;
}

void vhdx_space_free(VhdxSpace *space)
{
    GList *link;

    if (!space) {
        return;
    }
    while ((link = g_queue_pop_head_link(&space->pending))) {
        g_free(link->data);
    }
    g_hash_table_destroy(space->by_owner);
    vhdx_cells_destroy(&space->map);
    g_free(space);
}

static bool cell_is_meta(VhdxCell cell)
{
    return cell == VHDX_CELL_BAT || cell == VHDX_CELL_METADATA ||
           cell == VHDX_CELL_REGION || cell == VHDX_CELL_SB;
}

/* All @count units at @start have @cell. */
static bool space_all(const VhdxSpace *space, uint64_t start, uint64_t count,
                      VhdxCell cell)
{
    unsigned others = ((1u << VHDX_CELL__MAX) - 1) & ~VHDX_CELL_MASK(cell);

    return start <= space->file_units &&
           count <= space->file_units - start &&
           vhdx_cells_first(&space->map, start, start + count, others) ==
           start + count;
}

/* Give [@start, +@count) to somebody: @cell is not a free state. */
static void space_hold(VhdxSpace *space, uint64_t start, uint64_t count,
                       VhdxCell cell)
{
    /* No hole comes from the tail: the search limits would not know it. */
    assert(!space->started || start <= space->end);
    vhdx_cells_set(&space->map, start, count, cell);
    space->end = MAX(space->end, start + count);
}

/*
 * A hole changed around [@start, +@count): lower the search limits of the
 * sizes for which there is a run now.
 */
static void space_lower_first(VhdxSpace *space, uint64_t start,
                              uint64_t count)
{
    for (int size = 0; size < SIZE__MAX; size++) {
        uint64_t want = size == SIZE_UNIT ? 1 : space->block_units;
        uint64_t from = start - MIN(start, want - 1);
        uint64_t to = MIN(start + count + want - 1, space->file_units);

        for (int zero = 0; zero < 2; zero++) {
            uint64_t at = vhdx_cells_find(&space->map, from, to, want,
                                          zero ? MASK_ZERO : MASK_FREE);

            if (at < space->first[size][zero]) {
                space->first[size][zero] = at;
            }
        }
    }
}

/* [@start, +@count) is free from now on. */
static void space_set_free(VhdxSpace *space, uint64_t start, uint64_t count,
                           bool zero)
{
    vhdx_cells_set(&space->map, start, count,
                   zero ? VHDX_CELL_FREE_ZERO : VHDX_CELL_FREE_STALE);
    if (start + count == space->end) {
        space->end = vhdx_cells_last_end(&space->map, start, MASK_HELD);
    }
    if (!zero) {
        space->scrub_from = MIN(space->scrub_from, start);
    }
    space_lower_first(space, start, count);
}

bool vhdx_space_add(VhdxSpace *space, uint64_t start, uint64_t count,
                    VhdxCell cell, VhdxSpaceConflict *conflict)
{
    uint64_t inside = 0, at = start;

    assert(!space->started);
    assert(cell >= VHDX_CELL_LOG && cell < VHDX_CELL__MAX);
    if (start < space->file_units) {
        inside = MIN(count, space->file_units - start);
        at = vhdx_cells_first(&space->map, start, start + inside, MASK_HELD);
    }
    if (!count || inside < count || at < start + inside) {
        conflict->unit = at;
        conflict->cell = vhdx_cells_get(&space->map, at);
        return false;
    }
    space_hold(space, start, count, cell);
    return true;
}

void vhdx_space_note_zero(VhdxSpace *space, uint64_t start, uint64_t count)
{
    uint64_t to = space->file_units;

    if (count < to - MIN(start, to)) {
        to = start + count;
    }
    while (start < to) {
        uint64_t from = vhdx_cells_first(&space->map, start, to, MASK_FREE);

        start = vhdx_cells_first(&space->map, from, to, ~MASK_FREE);
        if (from < start) {
            vhdx_cells_set(&space->map, from, start - from,
                           VHDX_CELL_FREE_ZERO);
            space_lower_first(space, from, start - from);
        }
    }
}

void vhdx_space_start(VhdxSpace *space)
{
    assert(!space->started);
    space->started = true;
}

void vhdx_space_set_capacity(VhdxSpace *space, uint64_t units)
{
    space->capacity = MIN(units, VHDX_SPACE_MAX_UNITS);
}

static void release_unlink(VhdxSpace *space, Release *r)
{
    if (r->owner != VHDX_OWNER_NONE &&
        g_hash_table_lookup(space->by_owner, &r->owner) == r) {
        g_hash_table_remove(space->by_owner, &r->owner);
    }
    g_queue_unlink(&space->pending, &r->link);
}

/* Put @r on pending, behind those of its generation. */
static void release_link(VhdxSpace *space, Release *r)
{
    GList *after = space->pending.tail;

    while (after && ((Release *)after->data)->gen > r->gen) {
        after = after->prev;
    }
    r->link = (GList) { .data = r };
    if (after) {
        g_queue_insert_after_link(&space->pending, after, &r->link);
    } else {
        g_queue_push_head_link(&space->pending, &r->link);
    }
    if (r->owner != VHDX_OWNER_NONE) {
        Release *other = g_hash_table_lookup(space->by_owner, &r->owner);

        if (!other || other->gen <= r->gen) {
            g_hash_table_replace(space->by_owner, &r->owner, r);
        }
    }
}

/* S5: what @owner released and is not durably released yet. */
static bool space_take_own(VhdxSpace *space, uint64_t owner, uint32_t count,
                           VhdxRun *run)
{
    Release *r;

    if (owner == VHDX_OWNER_NONE) {
        return false;
    }
    r = g_hash_table_lookup(space->by_owner, &owner);
    if (!r || r->count != count || r->gen <= space->durable_gen) {
        return false;
    }
    *run = (VhdxRun) {
        .start = r->start,
        .count = count,
        .class = VHDX_RUN_OWN,
        .owner = owner,
        .own_gen = r->gen,
        .own_epoch = r->epoch,
    };
    release_unlink(space, r);
    g_free(r);
    vhdx_cells_set(&space->map, run->start, count, VHDX_CELL_RESERVED_STALE);
    return true;
}

/* The first hole of @count below @to, a zero one if there is one. */
static uint64_t space_find_hole(VhdxSpace *space, uint32_t count, uint64_t to)
{
    int size = count == 1 ? SIZE_UNIT :
               count == space->block_units ? SIZE_BLOCK : -1;

    for (int zero = 1; zero >= 0; zero--) {
        uint64_t from = size < 0 ? 0 : space->first[size][zero];
        uint64_t at = vhdx_cells_find(&space->map, from, to, count,
                                      zero ? MASK_ZERO : MASK_FREE);

        if (size >= 0) {
            /* a run that starts below @to may end beyond it */
            uint64_t passed = at != VHDX_CELL_NONE ? at :
                              to - MIN(to, count - 1);

            space->first[size][zero] = MAX(from, passed);
        }
        if (at != VHDX_CELL_NONE) {
            return at;
        }
    }
    return VHDX_CELL_NONE;
}

static void space_reserve(VhdxSpace *space, uint64_t start, uint32_t count,
                          VhdxRun *run)
{
    bool zero = space_all(space, start, count, VHDX_CELL_FREE_ZERO);

    *run = (VhdxRun) {
        .start = start,
        .count = count,
        .class = zero ? VHDX_RUN_ZERO : VHDX_RUN_STALE,
        .owner = VHDX_OWNER_NONE,
    };
    space_hold(space, start, count,
               zero ? VHDX_CELL_RESERVED_ZERO : VHDX_CELL_RESERVED_STALE);
}

int vhdx_space_alloc(VhdxSpace *space, uint64_t owner, uint32_t count,
                     uint64_t limit, VhdxRun *run, uint64_t *grow_to)
{
    uint64_t at, need;

    assert(space->started && count);
    if (limit == VHDX_SPACE_NO_LIMIT &&
        space_take_own(space, owner, count, run)) {
        return 0;
    }
    at = space_find_hole(space, count, MIN(space->end, limit));
    need = space->end + count;
    if (at == VHDX_CELL_NONE && need <= MIN(space->file_units, limit)) {
        at = space->end;
    }
    if (at != VHDX_CELL_NONE) {
        space_reserve(space, at, count, run);
        run->owner = owner;
        return 0;
    }
    if (limit != VHDX_SPACE_NO_LIMIT || need > space->capacity) {
        return -ENOSPC;
    }
    *grow_to = space->file_units +
               CLAMP(space->file_units / 8, GROW_MIN, GROW_MAX);
    *grow_to = MIN(MAX(*grow_to, need), space->capacity);
    return -EAGAIN;
}

void vhdx_space_grown(VhdxSpace *space, uint64_t units, bool zero)
{
    uint64_t old = space->file_units;

    if (units <= old) {
        return;
    }
    units = MIN(units, VHDX_SPACE_MAX_UNITS);
    space->file_units = units;
    vhdx_cells_set(&space->map, old, units - old,
                   zero ? VHDX_CELL_FREE_ZERO : VHDX_CELL_FREE_STALE);
    if (!zero) {
        space->scrub_from = MIN(space->scrub_from, old);
    }
}

void vhdx_space_truncated(VhdxSpace *space, uint64_t units)
{
    assert(units >= space->end && units <= space->file_units);
    vhdx_cells_set(&space->map, units, space->file_units - units,
                   VHDX_CELL_BEYOND);
    space->file_units = units;
}

bool vhdx_run_needs_barrier(const VhdxRun *run, uint64_t open_gen,
                            bool shown_zero)
{
    switch (run->class) {
    case VHDX_RUN_ZERO:
        return !shown_zero;
    case VHDX_RUN_OWN:
        /* with an older release, it may be durable: it must not be undone */
        return run->own_gen != open_gen;
    default:
        return true;
    }
}

static void space_assert_reserved(const VhdxSpace *space, const VhdxRun *run)
{
    assert(space_all(space, run->start, run->count,
                     run->class == VHDX_RUN_ZERO ? VHDX_CELL_RESERVED_ZERO
                                                 : VHDX_CELL_RESERVED_STALE));
}

void vhdx_space_commit(VhdxSpace *space, const VhdxRun *run, VhdxCell cell)
{
    space_assert_reserved(space, run);
    assert(cell >= VHDX_CELL_BAT && cell <= VHDX_CELL_SB);
    vhdx_cells_set(&space->map, run->start, run->count, cell);
}

/* The units are not free: to RELEASING, and on pending. */
static void space_add_release(VhdxSpace *space, uint64_t start,
                              uint32_t count, bool metadata, uint64_t gen,
                              uint64_t epoch, uint64_t owner)
{
    Release *r = g_new0(Release, 1);

    r->start = start;
    r->count = count;
    r->metadata = metadata;
    r->gen = gen;
    r->epoch = epoch;
    r->owner = owner;
    vhdx_cells_set(&space->map, start, count,
                   metadata ? VHDX_CELL_RELEASING_META : VHDX_CELL_RELEASING);
    release_link(space, r);
}

void vhdx_space_abort(VhdxSpace *space, const VhdxRun *run, bool written)
{
    space_assert_reserved(space, run);
    if (run->class == VHDX_RUN_OWN) {
        space_add_release(space, run->start, run->count, false, run->own_gen,
                          run->own_epoch, run->owner);
        return;
    }
    space_set_free(space, run->start, run->count,
                   run->class == VHDX_RUN_ZERO && !written);
}

void vhdx_space_release(VhdxSpace *space, uint64_t start, uint32_t count,
                        uint64_t gen, uint64_t epoch, uint64_t owner)
{
    VhdxCell cell = vhdx_cells_get(&space->map, start);
    bool metadata = cell_is_meta(cell);

    assert(count && gen > space->durable_gen);
    assert(cell >= VHDX_CELL_BAT && space_all(space, start, count, cell));
    assert(owner == VHDX_OWNER_NONE || cell == VHDX_CELL_PAYLOAD);
    space_add_release(space, start, count, metadata, gen, epoch, owner);
}

uint64_t vhdx_space_settle(VhdxSpace *space, uint64_t durable_gen,
                           uint64_t tail_gen, uint64_t idle_epoch)
{
    GList *link = space->pending.head;
    uint64_t units = 0;

    space->durable_gen = MAX(space->durable_gen, durable_gen);
    while (link) {
        Release *r = link->data;

        link = link->next;
        if (r->gen > durable_gen) {
            break;
        }
        if (r->epoch > idle_epoch || (r->metadata && r->gen >= tail_gen)) {
            continue;
        }
        release_unlink(space, r);
        space_set_free(space, r->start, r->count, false);
        units += r->count;
        g_free(r);
    }
    return units;
}

bool vhdx_space_scrub_begin(VhdxSpace *space, uint32_t max, VhdxRun *run)
{
    uint64_t from, to;

    assert(space->started && max);
    from = MIN(space->scrub_from, space->end);
    from = vhdx_cells_first(&space->map, from, space->end,
                            VHDX_CELL_MASK(VHDX_CELL_FREE_STALE));
    space->scrub_from = from;
    if (from == space->end) {
        return false;
    }
    to = MIN(space->end, from + max);
    to = vhdx_cells_first(&space->map, from, to,
                          ~VHDX_CELL_MASK(VHDX_CELL_FREE_STALE));
    space_reserve(space, from, to - from, run);
    return true;
}

void vhdx_space_scrub_end(VhdxSpace *space, const VhdxRun *run, bool zero)
{
    space_assert_reserved(space, run);
    space_set_free(space, run->start, run->count, zero);
}

uint64_t vhdx_space_end(const VhdxSpace *space)
{
    return space->end;
}

bool vhdx_space_next(const VhdxSpace *space, uint64_t start, uint64_t *count,
                     VhdxCell *cell)
{
    if (start >= space->file_units) {
        return false;
    }
    *cell = vhdx_cells_get(&space->map, start);
    *count = vhdx_cells_first(&space->map, start, space->file_units,
                              ~VHDX_CELL_MASK(*cell)) - start;
    return true;
}

void vhdx_space_stats(const VhdxSpace *space, VhdxSpaceStats *stats)
{
    *stats = (VhdxSpaceStats) {
        .file_units = space->file_units,
        .end = space->end,
        .pending = space->pending.length,
        .memory = sizeof(*space) + vhdx_cells_memory(&space->map) +
                  space->pending.length * sizeof(Release),
    };
    memcpy(stats->units, space->map.total, sizeof(stats->units));
}

const char *vhdx_cell_name(VhdxCell cell)
{
    static const char *const names[VHDX_CELL__MAX] = {
        [VHDX_CELL_BEYOND] = "past the end of the file",
        [VHDX_CELL_FREE_STALE] = "free space",
        [VHDX_CELL_FREE_ZERO] = "free space that reads zero",
        [VHDX_CELL_RESERVED_STALE] = "reserved space",
        [VHDX_CELL_RESERVED_ZERO] = "reserved space that reads zero",
        [VHDX_CELL_RELEASING] = "payload block being freed",
        [VHDX_CELL_RELEASING_META] = "metadata being freed",
        [VHDX_CELL_HEADER] = "header",
        [VHDX_CELL_LOG] = "log",
        [VHDX_CELL_BAT] = "block allocation table",
        [VHDX_CELL_METADATA] = "metadata region",
        [VHDX_CELL_REGION] = "other region",
        [VHDX_CELL_PAYLOAD] = "payload block",
        [VHDX_CELL_SB] = "sector bitmap block",
        [VHDX_CELL_ANCHOR] = "unmapped payload block",
    };

    return names[cell];
}
