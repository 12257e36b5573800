/*
 * VHDX file space under random use: the allocator against an array that is
 * searched unit by unit, and a small image above it that may crash anywhere.
 * VSCSI_SEED=N repeats a run.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/vhdx/space.h"
#include "unit.h"

#define MIB VHDX_UNIT_SIZE
#define NO_LIMIT VHDX_SPACE_NO_LIMIT
#define NOBODY VHDX_OWNER_NONE
#define ZERO VHDX_CELL_FREE_ZERO
#define STALE VHDX_CELL_FREE_STALE

/* As ck_assert_msg(), which costs a write() even if all is well */
#define must(condition, ...)                    \
    do {                                        \
        if (!(condition)) {                     \
            ck_abort_msg(__VA_ARGS__);          \
        }                                       \
    } while (0)

/* ------------------------------------------------- against a plain array */

#define UNITS_MAX 9000          /* more than two pages of the map */
#define RUNS_MAX 400

typedef struct ModelRun {
    VhdxRun run;
    enum { RUN_NONE, RUN_RESERVED, RUN_SCRUB, RUN_HELD, RUN_RELEASED } state;
    VhdxCell cell;
    uint64_t gen, epoch, owner;
    bool taken;                 /* by a newer release of the same owner */
} ModelRun;

typedef struct Model {
    GRand *rand;
    VhdxSpace *space;
    uint32_t block_units;
    uint64_t file_units, capacity;
    uint8_t cells[UNITS_MAX];
    ModelRun runs[RUNS_MAX];
    uint64_t open_gen, durable_gen, tail_gen, epoch, idle_epoch;
    unsigned own, reused, grown;        /* how often: the test must do it */
} Model;

static bool is_free(VhdxCell cell)
{
    return cell == ZERO || cell == STALE;
}

static uint64_t model_end(Model *m)
{
    uint64_t end = m->file_units;

    while (is_free(m->cells[end - 1])) {
        end--;
    }
    return end;
}

static uint64_t model_find(Model *m, uint32_t count, uint64_t to, bool zero)
{
    uint64_t run = 0;

    for (uint64_t unit = 0; unit < to; unit++) {
        bool fits = zero ? m->cells[unit] == ZERO : is_free(m->cells[unit]);

        run = fits ? run + 1 : 0;
        if (run == count) {
            return unit + 1 - count;
        }
    }
    return UINT64_MAX;
}

static ModelRun *model_pick(Model *m, int state)
{
    unsigned from = g_rand_int_range(m->rand, 0, RUNS_MAX);

    for (unsigned i = 0; i < RUNS_MAX; i++) {
        ModelRun *r = &m->runs[(from + i) % RUNS_MAX];

        if ((int)r->state == state) {
            return r;
        }
    }
    return NULL;
}

static void model_fill(Model *m, const VhdxRun *run, VhdxCell cell)
{
    memset(m->cells + run->start, cell, run->count);
}

/* The release that @owner may take back: its newest, if not durable */
static ModelRun *model_own(Model *m, uint64_t owner, uint32_t count)
{
    for (unsigned i = 0; i < RUNS_MAX && owner != NOBODY; i++) {
        ModelRun *r = &m->runs[i];

        if (r->state == RUN_RELEASED && r->owner == owner && !r->taken &&
            r->gen > m->durable_gen && r->run.count == count) {
            return r;
        }
    }
    return NULL;
}

static uint64_t model_place(Model *m, uint32_t count, uint64_t limit)
{
    uint64_t end = model_end(m);
    uint64_t at = model_find(m, count, MIN(end, limit), true);

    if (at == UINT64_MAX) {
        at = model_find(m, count, MIN(end, limit), false);
    }
    if (at == UINT64_MAX && end + count <= MIN(m->file_units, limit)) {
        at = end;
    }
    return at;
}

static void do_grow(Model *m, uint64_t to)
{
    bool zero = g_rand_int_range(m->rand, 0, 4);

    ck_assert_uint_gt(to, m->file_units);
    ck_assert_uint_le(to, m->capacity);
    vhdx_space_grown(m->space, to, zero);
    memset(m->cells + m->file_units, zero ? ZERO : STALE, to - m->file_units);
    m->file_units = to;
    m->grown++;
}

/* Take the model through what alloc() must have done. */
static void check_got(Model *m, ModelRun *slot, ModelRun *own, uint64_t at,
                      uint64_t owner, uint32_t count)
{
    VhdxRun *run = &slot->run;
    bool zero = true;

    ck_assert_uint_eq(run->owner, owner);
    ck_assert_uint_eq(run->count, count);
    if (own) {
        ck_assert_int_eq(run->class, VHDX_RUN_OWN);
        ck_assert_uint_eq(run->start, own->run.start);
        ck_assert_uint_eq(run->own_gen, own->gen);
        ck_assert_uint_eq(run->own_epoch, own->epoch);
        own->state = RUN_NONE;
        m->own++;
        zero = false;
    } else {
        ck_assert_uint_eq(run->start, at);
        for (uint64_t unit = at; unit < at + count; unit++) {
            must(is_free(m->cells[unit]), "%" PRIu64 " has an owner", unit);
            zero &= m->cells[unit] == ZERO;
        }
        ck_assert_int_eq(run->class, zero ? VHDX_RUN_ZERO : VHDX_RUN_STALE);
        m->reused += at < model_end(m);
    }
    slot->state = RUN_RESERVED;
    model_fill(m, run, zero ? VHDX_CELL_RESERVED_ZERO
                            : VHDX_CELL_RESERVED_STALE);
}

static void do_alloc(Model *m)
{
    ModelRun *slot = model_pick(m, RUN_NONE), *own;
    uint64_t owner = g_rand_int_range(m->rand, 0, 40), at;
    uint64_t limit = g_rand_int_range(m->rand, 0, 6) ? NO_LIMIT :
                     (uint64_t)g_rand_int_range(m->rand, 0, UNITS_MAX);
    uint32_t count = m->block_units;
    uint64_t grow_to = 0;
    int ret;

    if (!slot) {
        return;
    }
    if (!g_rand_int_range(m->rand, 0, 4)) {
        count = g_rand_int_range(m->rand, 0, 4) ? 1 :
                g_rand_int_range(m->rand, 1, 20);
        owner = NOBODY;
    }
    own = limit == NO_LIMIT ? model_own(m, owner, count) : NULL;
    at = model_place(m, count, limit);
    ret = vhdx_space_alloc(m->space, owner, count, limit, &slot->run,
                           &grow_to);
    if (own || at != UINT64_MAX) {
        ck_assert_int_eq(ret, 0);
        check_got(m, slot, own, at, owner, count);
    } else if (limit != NO_LIMIT || model_end(m) + count > m->capacity) {
        ck_assert_int_eq(ret, -ENOSPC);
    } else {
        ck_assert_int_eq(ret, -EAGAIN);
        ck_assert_uint_ge(grow_to, model_end(m) + count);
        do_grow(m, grow_to);
    }
}

static void do_end_reservation(Model *m)
{
    ModelRun *r = model_pick(m, RUN_RESERVED);
    int what = g_rand_int_range(m->rand, 0, 5);

    if (!r) {
        return;
    }
    if (what) {
        r->cell = r->run.owner != NOBODY ? VHDX_CELL_PAYLOAD :
                  r->run.count == 1 ? VHDX_CELL_SB : VHDX_CELL_BAT;
        vhdx_space_commit(m->space, &r->run, r->cell);
        model_fill(m, &r->run, r->cell);
        r->state = RUN_HELD;
        return;
    }
    what = g_rand_boolean(m->rand);
    vhdx_space_abort(m->space, &r->run, what);
    if (r->run.class == VHDX_RUN_OWN) {
        r->state = RUN_RELEASED;
        r->cell = VHDX_CELL_PAYLOAD;
        r->gen = r->run.own_gen;
        r->epoch = r->run.own_epoch;
        r->owner = r->run.owner;
        r->taken = false;
        for (unsigned i = 0; i < RUNS_MAX; i++) {
            ModelRun *o = &m->runs[i];

            if (o != r && o->state == RUN_RELEASED && o->owner == r->owner &&
                !o->taken) {
                r->taken = o->gen > r->gen;
                o->taken = !r->taken;
            }
        }
        model_fill(m, &r->run, VHDX_CELL_RELEASING);
    } else {
        r->state = RUN_NONE;
        model_fill(m, &r->run, r->run.class == VHDX_RUN_ZERO && !what
                               ? ZERO : STALE);
    }
}

static void do_release(Model *m)
{
    ModelRun *r = model_pick(m, RUN_HELD);
    bool meta = r && r->cell != VHDX_CELL_PAYLOAD;

    if (!r) {
        return;
    }
    r->owner = g_rand_int_range(m->rand, 0, 5) && !meta ? r->run.owner
                                                       : NOBODY;
    r->gen = m->open_gen;
    r->epoch = m->epoch++;
    r->taken = false;
    for (unsigned i = 0; i < RUNS_MAX && r->owner != NOBODY; i++) {
        ModelRun *o = &m->runs[i];

        o->taken |= o != r && o->state == RUN_RELEASED &&
                    o->owner == r->owner;
    }
    r->state = RUN_RELEASED;
    vhdx_space_release(m->space, r->run.start, r->run.count, r->gen,
                       r->epoch, r->owner);
    model_fill(m, &r->run, meta ? VHDX_CELL_RELEASING_META
                                : VHDX_CELL_RELEASING);
}

static void do_settle(Model *m)
{
    uint64_t freed = 0;

    m->open_gen += g_rand_boolean(m->rand);
    m->durable_gen = g_rand_int_range(m->rand, m->durable_gen, m->open_gen);
    m->tail_gen = g_rand_int_range(m->rand, m->tail_gen, m->durable_gen + 1);
    m->idle_epoch = g_rand_int_range(m->rand, m->idle_epoch, m->epoch);
    for (unsigned i = 0; i < RUNS_MAX; i++) {
        ModelRun *r = &m->runs[i];

        if (r->state == RUN_RELEASED && r->gen <= m->durable_gen &&
            r->epoch <= m->idle_epoch &&
            (r->cell == VHDX_CELL_PAYLOAD || r->gen < m->tail_gen)) {
            r->state = RUN_NONE;
            model_fill(m, &r->run, STALE);
            freed += r->run.count;
        }
    }
    ck_assert_uint_eq(vhdx_space_settle(m->space, m->durable_gen, m->tail_gen,
                                        m->idle_epoch), freed);
}

static void do_scrub(Model *m)
{
    ModelRun *r = model_pick(m, RUN_SCRUB);
    uint32_t max = g_rand_int_range(m->rand, 1, 40);
    uint64_t at = 0, end = model_end(m);
    bool zero = g_rand_boolean(m->rand);

    if (r) {
        vhdx_space_scrub_end(m->space, &r->run, zero);
        model_fill(m, &r->run, zero ? ZERO : STALE);
        r->state = RUN_NONE;
        return;
    }
    r = model_pick(m, RUN_NONE);
    if (!r) {
        return;
    }
    while (at < end && m->cells[at] != STALE) {
        at++;
    }
    ck_assert_int_eq(vhdx_space_scrub_begin(m->space, max, &r->run), at < end);
    if (at < end) {
        ck_assert_uint_eq(r->run.start, at);
        ck_assert_uint_le(r->run.count, max);
        for (unsigned i = 0; i < r->run.count; i++) {
            ck_assert_int_eq(m->cells[at + i], STALE);
        }
        ck_assert(r->run.count == max || at + r->run.count == end ||
                  m->cells[at + r->run.count] != STALE);
        model_fill(m, &r->run, VHDX_CELL_RESERVED_STALE);
        r->state = RUN_SCRUB;
    }
}

static void do_truncate(Model *m)
{
    uint64_t end = model_end(m);
    uint64_t to = g_rand_int_range(m->rand, end, m->file_units + 1);

    vhdx_space_truncated(m->space, to);
    m->file_units = to;
}

static void do_note_zero(Model *m)
{
    uint64_t start = g_rand_int_range(m->rand, 0, UNITS_MAX);
    uint64_t count = g_rand_int_range(m->rand, 0, 30);

    vhdx_space_note_zero(m->space, start, count);
    for (uint64_t i = start; i < MIN(start + count, m->file_units); i++) {
        if (m->cells[i] == STALE) {
            m->cells[i] = ZERO;
        }
    }
}

static void model_compare(Model *m)
{
    uint64_t totals[VHDX_CELL__MAX] = { 0 };
    uint64_t at = 0, count;
    VhdxSpaceStats stats;
    VhdxCell cell;

    while (vhdx_space_next(m->space, at, &count, &cell)) {
        ck_assert_uint_le(at + count, m->file_units);
        totals[cell] += count;
        for (uint64_t i = at; i < at + count; i++) {
            must(m->cells[i] == cell, "unit %" PRIu64 " is %s, not %s", i,
                 vhdx_cell_name(cell), vhdx_cell_name(m->cells[i]));
        }
        at += count;
    }
    ck_assert_uint_eq(at, m->file_units);
    ck_assert_uint_eq(vhdx_space_end(m->space), model_end(m));
    vhdx_space_stats(m->space, &stats);
    ck_assert(!memcmp(totals, stats.units, sizeof(totals)));
}

START_TEST(test_random_against_array)
{
    static const uint32_t block_units[] = { 1, 2, 8, 32, 256 };
    Model *m = g_new0(Model, 1);

    m->rand = g_rand_new_with_seed(unit_seed("random_against_array") + _i);
    m->block_units = block_units[_i];
    m->capacity = g_rand_int_range(m->rand, 2000, UNITS_MAX);
    m->file_units = g_rand_int_range(m->rand, 1, 2000);
    m->open_gen = 1;
    m->epoch = 1;
    m->space = vhdx_space_new(m->block_units, m->file_units * MIB);
    vhdx_space_set_capacity(m->space, m->capacity);
    memset(m->cells, STALE, m->file_units);
    m->cells[0] = VHDX_CELL_HEADER;
    vhdx_space_start(m->space);

    for (unsigned step = 0; step < 20000; step++) {
        switch (g_rand_int_range(m->rand, 0, 40)) {
        case 0:
            do_truncate(m);
            break;
        case 1:
            do_note_zero(m);
            break;
        case 2 ... 4:
            do_scrub(m);
            break;
        case 5 ... 8:
            do_settle(m);
            break;
        case 9 ... 16:
            do_release(m);
            break;
        case 17 ... 26:
            do_end_reservation(m);
            break;
        default:
            do_alloc(m);
        }
        if (step % 16 == 0) {
            model_compare(m);
        }
    }
    model_compare(m);
    ck_assert_uint_gt(m->reused, 50);
    ck_assert_uint_gt(m->grown, 0);
    ck_assert_uint_gt(m->own, 5);
    vhdx_space_free(m->space);
    g_rand_free(m->rand);
    g_free(m);
}
END_TEST

/* Any table is fed: what is accepted never overlaps. */
START_TEST(test_random_tables_never_overlap)
{
    GRand *rand = g_rand_new_with_seed(unit_seed("random_tables"));

    for (unsigned round = 0; round < 200; round++) {
        uint64_t units = g_rand_int_range(rand, 1, 6000);
        VhdxSpace *space = vhdx_space_new(4, units * MIB);
        uint8_t owned[6000] = { 1 };

        for (unsigned i = 0; i < 300; i++) {
            uint64_t start = g_rand_int_range(rand, 0, 6100);
            uint64_t count = g_rand_int_range(rand, 1, 30), first = start;
            VhdxSpaceConflict c;

            if (!g_rand_int_range(rand, 0, 20)) {
                start = first = (uint64_t)g_rand_int(rand) << 32 |
                                g_rand_int(rand);
            }
            while (first - start < count && first < units && !owned[first]) {
                first++;
            }
            if (vhdx_space_add(space, start, count, VHDX_CELL_PAYLOAD, &c)) {
                ck_assert_uint_eq(first, start + count);
                memset(owned + start, 1, count);
            } else {
                ck_assert_uint_lt(first - start, count);
                ck_assert_uint_eq(c.unit, first);
                ck_assert_int_eq(c.cell, first >= units ? VHDX_CELL_BEYOND :
                                 first ? VHDX_CELL_PAYLOAD
                                       : VHDX_CELL_HEADER);
            }
        }
        vhdx_space_free(space);
    }
    g_rand_free(rand);
}
END_TEST

/* ---------------------------------------------------- an image that crashes */

/*
 * A dynamic image of BLOCKS blocks of PARTS units without parent, as
 * docs/vhdx-design.md says the driver works, over a file that may keep or
 * lose each write that no flush has covered.  A unit stands for a sector.
 * Values are unique numbers, 0 is zero, FOREIGN is what the file held before.
 * After every step every outcome of a crash is checked: each sector shows
 * what it was at the last completed flush of the guest, or was given later.
 */
#define BLOCKS 12
#define PARTS 3
#define FILE_MAX 4096
#define HISTORY 64
#define FOREIGN 1

typedef struct History {
    uint32_t values[HISTORY];
    unsigned count;
} History;

typedef struct Image {
    GRand *rand;
    VhdxSpace *space;
    History file[FILE_MAX];     /* [0] is durable, the rest may be lost */
    History disk[BLOCKS][PARTS];        /* [0] at the last flush */
    int64_t map[BLOCKS];        /* in memory: unit or -1 */
    int64_t durable[BLOCKS];
    int64_t entry[BLOCKS];      /* the log entry being written */
    bool entry_written;
    bool barrier;               /* of the open batch */
    uint64_t open_gen;
    uint32_t next_value;
    bool scrubbing;
    VhdxRun scrub;
    unsigned barriers, commits, one_flush;
} Image;

static void history_add(History *h, uint32_t value)
{
    must(h->count < HISTORY, "HISTORY is too small");
    h->values[h->count++] = value;
}

static uint32_t history_last(const History *h)
{
    return h->values[h->count - 1];
}

/* Forget the values before index @from. */
static void history_settle(History *h, unsigned from)
{
    memmove(h->values, h->values + from,
            (h->count - from) * sizeof(h->values[0]));
    h->count -= from;
}

static bool history_has(const History *h, uint32_t value)
{
    for (unsigned i = 0; i < h->count; i++) {
        if (h->values[i] == value) {
            return true;
        }
    }
    return false;
}

static void check_table(Image *im, const int64_t *map)
{
    static const History zeros = { { 0 }, 1 };

    for (unsigned b = 0; b < BLOCKS; b++) {
        for (unsigned p = 0; p < PARTS; p++) {
            const History *h = map[b] < 0 ? &zeros : &im->file[map[b] + p];

            for (unsigned i = 0; i < h->count; i++) {
                must(history_has(&im->disk[b][p], h->values[i]),
                     "block %u part %u may show %u after a crash",
                     b, p, h->values[i]);
            }
        }
    }
}

static void check_crash(Image *im)
{
    check_table(im, im->durable);
    if (im->entry_written) {
        check_table(im, im->entry);
    }
    /* and without a crash: exactly the last value */
    for (unsigned b = 0; b < BLOCKS; b++) {
        for (unsigned p = 0; p < PARTS; p++) {
            must(history_last(&im->disk[b][p]) ==
                 (im->map[b] < 0 ? 0 :
                  history_last(&im->file[im->map[b] + p])),
                 "block %u part %u reads wrong", b, p);
        }
    }
}

static VhdxRun image_alloc(Image *im, unsigned b)
{
    VhdxSpaceStats stats;
    uint64_t grow_to;
    VhdxRun run;

    while (vhdx_space_alloc(im->space, b, PARTS, NO_LIMIT, &run, &grow_to)) {
        vhdx_space_stats(im->space, &stats);
        ck_assert_uint_lt(grow_to, FILE_MAX);
        for (uint64_t u = stats.file_units; u < grow_to; u++) {
            im->file[u] = (History) { { 0 }, 1 };
        }
        vhdx_space_grown(im->space, grow_to, true);
    }
    return run;
}

static void image_write(Image *im, unsigned b, unsigned first, unsigned end)
{
    bool fresh = im->map[b] < 0, fails = false;
    int64_t at = im->map[b];
    VhdxRun run;

    if (fresh) {
        run = image_alloc(im, b);
        at = run.start;
        fails = !g_rand_int_range(im->rand, 0, 12);
    }
    for (unsigned p = 0; p < PARTS; p++) {
        bool mine = p >= first && p < end;

        if (mine || (fresh && vhdx_run_needs_padding(&run))) {
            history_add(&im->file[at + p], mine ? im->next_value : 0);
        }
        if (mine && !fails) {
            history_add(&im->disk[b][p], im->next_value);
        } else if (mine) {
            /* a write that fails may be there or not */
            uint32_t now = history_last(&im->disk[b][p]);

            history_add(&im->disk[b][p], im->next_value);
            history_add(&im->disk[b][p], now);
        }
        im->next_value += mine;
    }
    if (fails) {
        vhdx_space_abort(im->space, &run, true);
    } else if (fresh) {
        im->barrier |= vhdx_run_needs_barrier(&run, im->open_gen, true);
        vhdx_space_commit(im->space, &run, VHDX_CELL_PAYLOAD);
        im->map[b] = at;
    }
}

static void image_discard(Image *im, unsigned b)
{
    if (im->map[b] < 0) {
        return;
    }
    vhdx_space_release(im->space, im->map[b], PARTS, im->open_gen, 0, b);
    im->map[b] = -1;
    for (unsigned p = 0; p < PARTS; p++) {
        history_add(&im->disk[b][p], 0);
    }
}

static void image_some_io(Image *im)
{
    for (int n = g_rand_int_range(im->rand, 0, 5); n > 0; n--) {
        unsigned b = g_rand_int_range(im->rand, 0, BLOCKS);
        unsigned first = g_rand_int_range(im->rand, 0, PARTS);

        if (g_rand_int_range(im->rand, 0, 3)) {
            image_write(im, b, first,
                        g_rand_int_range(im->rand, first + 1, PARTS + 1));
        } else {
            image_discard(im, b);
        }
        check_crash(im);
    }
    if (!im->scrubbing && !g_rand_int_range(im->rand, 0, 4)) {
        im->scrubbing = vhdx_space_scrub_begin(im->space, 7, &im->scrub);
        for (unsigned i = 0; im->scrubbing && i < im->scrub.count; i++) {
            history_add(&im->file[im->scrub.start + i], 0);
        }
    }
}

/* A flush of the file; I/O goes on meanwhile and is not covered. */
static void image_flush_file(Image *im)
{
    unsigned *covered = g_new(unsigned, FILE_MAX);
    bool scrubbed = im->scrubbing;

    for (unsigned u = 0; u < FILE_MAX; u++) {
        covered[u] = im->file[u].count;
    }
    image_some_io(im);
    for (unsigned u = 0; u < FILE_MAX; u++) {
        if (covered[u]) {
            history_settle(&im->file[u], covered[u] - 1);
        }
    }
    if (scrubbed) {
        vhdx_space_scrub_end(im->space, &im->scrub, true);
        im->scrubbing = false;
    }
    g_free(covered);
    check_crash(im);
}

/* The guest's flush: docs/vhdx-design.md section 5 */
static void image_commit(Image *im)
{
    unsigned sealed[BLOCKS][PARTS];
    uint64_t gen = im->open_gen++;
    bool barrier = im->barrier;

    memcpy(im->entry, im->map, sizeof(im->map));
    im->barrier = false;
    for (unsigned i = 0; i < BLOCKS * PARTS; i++) {
        sealed[i / PARTS][i % PARTS] = im->disk[i / PARTS][i % PARTS].count;
    }
    if (barrier) {
        image_flush_file(im);
        im->barriers++;
    }
    im->entry_written = true;
    check_crash(im);
    image_some_io(im);
    image_flush_file(im);
    memcpy(im->durable, im->entry, sizeof(im->map));
    im->entry_written = false;
    for (unsigned i = 0; i < BLOCKS * PARTS; i++) {
        history_settle(&im->disk[i / PARTS][i % PARTS],
                       sealed[i / PARTS][i % PARTS] - 1);
    }
    vhdx_space_settle(im->space, gen, gen, UINT64_MAX);
    im->commits++;
    im->one_flush += !barrier;
    check_crash(im);
}

START_TEST(test_crash_never_shows_foreign_content)
{
    Image *im = g_new0(Image, 1);
    uint64_t units;

    im->rand = g_rand_new_with_seed(unit_seed("crash_never_foreign") + _i);
    units = g_rand_int_range(im->rand, 1, 40);
    im->space = vhdx_space_new(PARTS, units * MIB);
    vhdx_space_start(im->space);
    im->open_gen = 1;
    im->next_value = 2;
    for (uint64_t u = 0; u < units; u++) {
        im->file[u] = (History) { { FOREIGN }, 1 };
    }
    for (unsigned b = 0; b < BLOCKS; b++) {
        im->map[b] = im->durable[b] = -1;
        for (unsigned p = 0; p < PARTS; p++) {
            im->disk[b][p] = (History) { { 0 }, 1 };
        }
    }
    for (unsigned round = 0; round < 300; round++) {
        image_some_io(im);
        image_commit(im);
    }
    /* both ways were taken: it is not safe by always waiting */
    ck_assert_uint_gt(im->barriers, 20);
    ck_assert_uint_gt(im->one_flush, 20);
    vhdx_space_free(im->space);
    g_rand_free(im->rand);
    g_free(im);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("vhdx-space-random");
    TCase *array = unit_case(s, "array");
    TCase *crash = unit_case(s, "crash");

    tcase_add_loop_test(array, test_random_against_array, 0, 5);
    tcase_add_test(array, test_random_tables_never_overlap);
    tcase_add_loop_test(crash, test_crash_never_shows_foreign_content, 0, 10);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
