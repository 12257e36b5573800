/*
 * VHDX metadata pages over a disk that may crash at any point.
 *
 * The disk keeps for each 4 KiB sector of the log and for each page in place
 * its durable content and all that was written since, of which a crash keeps
 * any one, or leaves the sector torn.  A driver above the module edits pages,
 * commits, applies and flushes, with the steps of all these mixed at random.
 * After every step some crashes are tried: the log is searched as MS-VHDX
 * 2.3.2 says, replayed, and the pages must be those of one seal, not older
 * than the last batch that was reported durable (P1).  Going on without a
 * crash, what is read must be what was written.  VSCSI_SEED=N repeats a run.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/vhdx/pages.h"
#include "unit.h"

#define PAGES 300
#define RING_MAX 512
#define TORN UINT32_MAX
#define CRASHES 3
#define STEPS 8000

/* As ck_assert_msg(), which costs a write() even if all is well */
#define must(condition, ...)                    \
    do {                                        \
        if (!(condition)) {                     \
            ck_abort_msg(__VA_ARGS__);          \
        }                                       \
    } while (0)

/* A sector: values[0] is durable, the rest was written since */
typedef struct Sector {
    GArray *values;             /* uint32_t */
} Sector;

typedef struct Entry {
    uint32_t start, sectors, tail;
    uint32_t count;
    uint64_t *offsets;
    uint32_t *values;
} Entry;

typedef struct Flush {
    bool active;
    VhdxFlush token;
    unsigned log[RING_MAX], place[PAGES];       /* last covered index */
} Flush;

typedef struct Disk {
    GRand *rand;
    VhdxPages *pages;
    uint32_t ring;
    Sector log[RING_MAX];       /* values: index of the entry + 1 */
    Sector place[PAGES];
    GArray *entries;            /* Entry, index = sequence - 1 */
    GArray *snapshots;          /* uint32_t[PAGES], index = gen */
    uint32_t memory[PAGES];     /* what must be read */
    uint32_t next_value;
    VhdxBatch *batch;           /* sealed, not known to be durable */
    uint64_t batch_sequence;
    unsigned log_written;       /* sectors of it */
    VhdxApply *writes;          /* being applied */
    size_t write_count, write_next;
    Flush flushes[3];
    VhdxPage *slow;             /* being loaded */
    uint32_t slow_value;
    uint64_t reported;          /* durable_gen at the last flush_end */
    unsigned commits, tails, applies, wraps, replays;
} Disk;

static uint32_t sector_value(const Sector *s, unsigned i)
{
    return g_array_index(s->values, uint32_t, i);
}

static void sector_init(Sector *s)
{
    uint32_t zero = 0;

    s->values = g_array_new(false, false, sizeof(uint32_t));
    g_array_append_val(s->values, zero);
}

/* Any outcome of a crash */
static uint32_t sector_crash(Disk *d, const Sector *s)
{
    unsigned n = s->values->len;

    if (n > 1 && !g_rand_int_range(d->rand, 0, 6)) {
        return TORN;
    }
    /* mostly the first or the last: all kept, all lost, and all between */
    switch (g_rand_int_range(d->rand, 0, 3)) {
    case 0:
        return sector_value(s, 0);
    case 1:
        return sector_value(s, n - 1);
    default:
        return sector_value(s, g_rand_int_range(d->rand, 0, n));
    }
}

static const Entry *entry_at(Disk *d, uint32_t number)
{
    return &g_array_index(d->entries, Entry, number - 1);
}

static bool entry_valid(Disk *d, const uint32_t *log, uint32_t number)
{
    const Entry *e = entry_at(d, number);

    for (uint32_t i = 0; i < e->sectors; i++) {
        if (log[(e->start + i) % d->ring] != number) {
            return false;
        }
    }
    return true;
}

/*
 * The active sequence: the highest entry that is valid and from whose Tail a
 * chain of valid ones leads to it.  Returns its head, 0 if there is none.
 */
static uint32_t find_head(Disk *d, const uint32_t *log, uint32_t *first)
{
    for (uint32_t head = d->entries->len; head; head--) {
        const Entry *e = entry_at(d, head);
        uint32_t number = head;

        if (!entry_valid(d, log, head)) {
            continue;
        }
        while (entry_at(d, number)->start != e->tail && number > 1 &&
               entry_valid(d, log, number - 1) &&
               (entry_at(d, number - 1)->start +
                entry_at(d, number - 1)->sectors) % d->ring ==
               entry_at(d, number)->start) {
            number--;
        }
        if (entry_at(d, number)->start == e->tail) {
            *first = number;
            return head;
        }
    }
    return 0;
}

static bool is_snapshot(Disk *d, const uint32_t *found, uint64_t gen)
{
    uint32_t *want = g_array_index(d->snapshots, uint32_t *, gen);

    return !memcmp(found, want, sizeof(d->memory));
}

static void try_crash(Disk *d)
{
    uint32_t log[RING_MAX], found[PAGES], head, first = 0;
    uint64_t gen;

    for (uint32_t i = 0; i < d->ring; i++) {
        log[i] = sector_crash(d, &d->log[i]);
    }
    for (unsigned i = 0; i < PAGES; i++) {
        found[i] = sector_crash(d, &d->place[i]);
    }
    head = find_head(d, log, &first);
    must(head, "no active sequence: the image is lost");
    for (uint32_t number = first; number <= head; number++) {
        const Entry *e = entry_at(d, number);

        for (uint32_t i = 0; i < e->count; i++) {
            found[e->offsets[i] / VHDX_PAGE_SIZE] = e->values[i];
        }
    }
    for (gen = d->snapshots->len - 1; ; gen--) {
        if (is_snapshot(d, found, gen)) {
            break;
        }
        must(gen > d->reported, "pages after replay are those of no seal "
             "from %" PRIu64 " to %u", d->reported, d->snapshots->len - 1);
    }
    d->replays++;
}

/* -------------------------------------------------------- steps of a driver */

/* The read ends: it may have been done at any time since it began. */
static void load_end(Disk *d, VhdxPage *page, uint32_t value)
{
    memcpy(vhdx_page_load_buffer(page), &value, sizeof(value));
    vhdx_pages_load_end(d->pages, page, true);
}

static VhdxPage *load_begin(Disk *d, unsigned index, uint32_t *value)
{
    const Sector *s = &d->place[index];

    *value = sector_value(s, s->values->len - 1);
    return vhdx_pages_load_begin(d->pages, index * VHDX_PAGE_SIZE);
}

/* The page pinned, NULL if somebody else is at it. */
static VhdxPage *load(Disk *d, unsigned index)
{
    VhdxPage *page = vhdx_pages_get(d->pages, index * VHDX_PAGE_SIZE);
    uint32_t value;

    if (!page) {
        page = load_begin(d, index, &value);
        load_end(d, page, value);
    } else if (vhdx_page_state(page) == VHDX_PAGE_LOADING) {
        vhdx_page_unpin(d->pages, page);
        return NULL;
    }
    memcpy(&value, vhdx_page_data(page), sizeof(value));
    must(value == d->memory[index], "page %u reads %u, not %u", index, value,
         d->memory[index]);
    return page;
}

/* A reader that takes its time, and may fail */
static void step_slow_load(Disk *d)
{
    unsigned index = g_rand_int_range(d->rand, 0, PAGES);
    VhdxPage *page = d->slow;

    if (page) {
        d->slow = NULL;
        if (g_rand_int_range(d->rand, 0, 4)) {
            load_end(d, page, d->slow_value);
            vhdx_page_unpin(d->pages, load(d, vhdx_page_offset(page) /
                                           VHDX_PAGE_SIZE));
        } else {
            vhdx_pages_load_end(d->pages, page, false);
        }
        vhdx_page_unpin(d->pages, page);
        return;
    }
    page = vhdx_pages_get(d->pages, index * VHDX_PAGE_SIZE);
    if (page) {
        vhdx_page_unpin(d->pages, page);
    } else {
        d->slow = load_begin(d, index, &d->slow_value);
    }
}

static void step_edit(Disk *d)
{
    uint32_t max = vhdx_pages_batch_max(d->pages);
    uint32_t count = g_rand_int_range(d->rand, 0, 8) ?
                     g_rand_int_range(d->rand, 1, 6) :
                     g_rand_int_range(d->rand, 1, max + 1);

    if (!vhdx_pages_begin(d->pages, count)) {
        return;
    }
    while (count--) {
        unsigned index = g_rand_int_range(d->rand, 0, PAGES);
        VhdxPage *page = load(d, index);

        if (!page) {
            continue;
        }
        d->memory[index] = d->next_value++;
        memcpy(vhdx_page_edit(d->pages, page), &d->memory[index],
               sizeof(uint32_t));
        vhdx_page_unpin(d->pages, page);
    }
}

static void add_snapshot(Disk *d)
{
    uint32_t *copy = g_new(uint32_t, PAGES);

    memcpy(copy, d->memory, sizeof(d->memory));
    g_array_append_val(d->snapshots, copy);
}

static void add_entry(Disk *d)
{
    VhdxBatch *b = d->batch;
    Entry e = {
        .start = b->log_sector,
        .sectors = b->sectors,
        .tail = b->tail_sector,
        .count = b->page_count,
        .offsets = g_new(uint64_t, b->page_count),
        .values = g_new(uint32_t, b->page_count),
    };

    ck_assert_uint_eq(b->sequence, d->entries->len + 1);
    for (uint32_t i = 0; i < b->page_count; i++) {
        e.offsets[i] = b->offsets[i];
        memcpy(&e.values[i], b->data + i * VHDX_PAGE_SIZE, sizeof(uint32_t));
    }
    g_array_append_val(d->entries, e);
    d->batch_sequence = b->sequence;
    d->log_written = 0;
    d->wraps += b->log_sector + b->sectors > d->ring;
}

static void step_seal(Disk *d)
{
    if (d->batch) {
        return;
    }
    if (vhdx_pages_room(d->pages) == VHDX_ROOM_TAIL ||
        !g_rand_int_range(d->rand, 0, 10)) {
        d->batch = vhdx_pages_seal_tail(d->pages);
        d->tails += d->batch != NULL;
    } else {
        d->batch = vhdx_pages_seal(d->pages);
        if (d->batch) {
            ck_assert_uint_eq(d->batch->gen, d->snapshots->len);
            add_snapshot(d);
            d->commits++;
        }
    }
    if (d->batch) {
        add_entry(d);
    }
}

/* Some of the entry's sectors; a crash may come between them. */
static void step_log_write(Disk *d)
{
    uint32_t number = d->entries->len;
    const Entry *e;

    if (!d->batch || d->batch->state != VHDX_BATCH_SEALED) {
        return;
    }
    e = entry_at(d, number);
    for (int n = g_rand_int_range(d->rand, 1, 150);
         n && d->log_written < e->sectors; n--) {
        Sector *s = &d->log[(e->start + d->log_written++) % d->ring];

        g_array_append_val(s->values, number);
    }
    if (d->log_written == e->sectors) {
        vhdx_pages_written(d->pages, d->batch);
    }
}

static void step_apply(Disk *d)
{
    if (!d->writes) {
        if (vhdx_pages_should_apply(d->pages) ||
            vhdx_pages_room(d->pages) == VHDX_ROOM_APPLY ||
            !g_rand_int_range(d->rand, 0, 8)) {
            d->writes = vhdx_pages_apply_begin(d->pages, &d->write_count);
            d->write_next = 0;
        }
        return;
    }
    for (int n = g_rand_int_range(d->rand, 1, 40);
         n && d->write_next < d->write_count; n--) {
        const VhdxApply *w = &d->writes[d->write_next++];
        uint32_t value;

        memcpy(&value, w->data, sizeof(value));
        g_array_append_val(d->place[w->offset / VHDX_PAGE_SIZE].values,
                           value);
    }
    if (d->write_next == d->write_count) {
        vhdx_pages_apply_end(d->pages);
        g_free(d->writes);
        d->writes = NULL;
        d->applies++;
    }
}

static void flush_begin(Disk *d, Flush *f)
{
    f->active = true;
    f->token = vhdx_pages_flush_begin(d->pages);
    for (uint32_t i = 0; i < d->ring; i++) {
        f->log[i] = d->log[i].values->len - 1;
    }
    for (unsigned i = 0; i < PAGES; i++) {
        f->place[i] = d->place[i].values->len - 1;
    }
}

/* What another flush settled is gone from the front: count from the end. */
static void sector_settle(Sector *s, unsigned drop)
{
    if (drop) {
        g_array_remove_range(s->values, 0, drop);
    }
}

static void flush_end(Disk *d, Flush *f)
{
    f->active = false;
    for (uint32_t i = 0; i < d->ring; i++) {
        sector_settle(&d->log[i], f->log[i]);
    }
    for (unsigned i = 0; i < PAGES; i++) {
        sector_settle(&d->place[i], f->place[i]);
    }
    for (unsigned k = 0; k < ARRAY_SIZE(d->flushes); k++) {
        Flush *o = &d->flushes[k];

        for (uint32_t i = 0; o->active && i < d->ring; i++) {
            o->log[i] -= MIN(o->log[i], f->log[i]);
        }
        for (unsigned i = 0; o->active && i < PAGES; i++) {
            o->place[i] -= MIN(o->place[i], f->place[i]);
        }
    }
    vhdx_pages_flush_end(d->pages, &f->token);
    d->reported = vhdx_pages_durable_gen(d->pages);
    if (d->batch && f->token.written >= d->batch_sequence) {
        d->batch = NULL;        /* it may be gone */
    }
}

static void step_flush(Disk *d)
{
    Flush *f = &d->flushes[g_rand_int_range(d->rand, 0,
                                            ARRAY_SIZE(d->flushes))];

    if (f->active) {
        flush_end(d, f);
    } else {
        flush_begin(d, f);
    }
}

static void one_step(Disk *d)
{
    switch (g_rand_int_range(d->rand, 0, 8)) {
    case 7:
        step_slow_load(d);
        break;
    case 0 ... 1:
        step_edit(d);
        break;
    case 2:
        step_seal(d);
        break;
    case 3:
        step_log_write(d);
        break;
    case 4:
        step_apply(d);
        break;
    default:
        step_flush(d);
    }
}

static Disk *disk_new(unsigned round, uint32_t ring)
{
    Disk *d = g_new0(Disk, 1);
    Flush *f = &d->flushes[0];

    d->rand = g_rand_new_with_seed(unit_seed("crash") + round);
    d->ring = ring;
    /* hardly any clean page is kept: the rest is read again */
    d->pages = vhdx_pages_new(8, ring, 1);
    d->entries = g_array_new(false, false, sizeof(Entry));
    d->snapshots = g_array_new(false, false, sizeof(uint32_t *));
    d->next_value = 1;
    for (uint32_t i = 0; i < ring; i++) {
        sector_init(&d->log[i]);
    }
    for (unsigned i = 0; i < PAGES; i++) {
        sector_init(&d->place[i]);
    }
    add_snapshot(d);
    /* LogGuid is set after this entry is durable: no crash before */
    d->batch = vhdx_pages_seal_tail(d->pages);
    add_entry(d);
    step_log_write(d);
    flush_begin(d, f);
    flush_end(d, f);
    return d;
}

static void disk_free(Disk *d)
{
    for (unsigned i = 0; i < d->entries->len; i++) {
        g_free(g_array_index(d->entries, Entry, i).offsets);
        g_free(g_array_index(d->entries, Entry, i).values);
    }
    for (unsigned i = 0; i < d->snapshots->len; i++) {
        g_free(g_array_index(d->snapshots, uint32_t *, i));
    }
    for (uint32_t i = 0; i < d->ring; i++) {
        g_array_free(d->log[i].values, true);
    }
    for (unsigned i = 0; i < PAGES; i++) {
        g_array_free(d->place[i].values, true);
    }
    g_array_free(d->entries, true);
    g_array_free(d->snapshots, true);
    g_free(d->writes);
    if (d->slow) {
        step_slow_load(d);
    }
    vhdx_pages_free(d->pages);
    g_rand_free(d->rand);
    g_free(d);
}

/* Everything into place, as on close: what the disk says is the truth. */
static void disk_quiesce(Disk *d)
{
    /* P6: by far more steps than any drain takes */
    for (unsigned i = 0; i < 20000 && !vhdx_pages_quiet(d->pages); i++) {
        step_seal(d);
        step_log_write(d);
        step_apply(d);
        step_flush(d);
    }
    if (d->slow) {
        step_slow_load(d);
    }
    must(vhdx_pages_quiet(d->pages), "the ring does not drain");
    for (unsigned i = 0; i < PAGES; i++) {
        vhdx_page_unpin(d->pages, load(d, i));
        must(sector_value(&d->place[i], 0) == d->memory[i],
             "page %u is not in place", i);
    }
}

/* V7 to V11 */
START_TEST(test_crash_recovers_one_seal)
{
    Disk *d = disk_new(_i, _i % 2 ? 512 : 256);

    for (unsigned step = 0; step < STEPS; step++) {
        one_step(d);
        for (unsigned i = 0; i < CRASHES; i++) {
            try_crash(d);
        }
        if (step % 2000 == 1999) {
            disk_quiesce(d);
            try_crash(d);
        }
    }
    /* it was not idle */
    ck_assert_uint_gt(d->commits, 40);
    ck_assert_uint_gt(d->applies, 5);
    ck_assert_uint_gt(d->wraps, 0);
    ck_assert_uint_gt(d->tails, 0);
    ck_assert_uint_ge(d->replays, STEPS * CRASHES);
    disk_free(d);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("vhdx-pages-crash");
    TCase *crash = unit_case(s, "crash");

    tcase_add_loop_test(crash, test_crash_recovers_one_seal, 0, 10);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
