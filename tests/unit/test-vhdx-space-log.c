/*
 * VHDX file space and metadata pages together: a small image in which space
 * goes to and fro between payload and sector bitmaps, over a file that may
 * crash.  It shows what neither module can show alone: that replay, and
 * pages that are applied late, never write over the new owner of space that
 * was metadata (S3), and that cached pages of a former life never come back.
 * Whether the log itself survives is test-vhdx-pages-crash's matter: here an
 * entry is there or not.  VSCSI_SEED=N repeats a run.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/vhdx/pages.h"
#include "block/vhdx/space.h"
#include "unit.h"

#define MIB VHDX_UNIT_SIZE
#define NO_LIMIT VHDX_SPACE_NO_LIMIT
#define BLOCKS 8                /* of one unit and one sector each */
#define BITMAPS 6               /* of one page each */
#define WORDS (BLOCKS + BITMAPS)
#define FILE_MAX 256
#define HISTORY 64
#define BAT_UNIT 1
#define FOREIGN 1
#define STEPS 4000

/* As ck_assert_msg(), which costs a write() even if all is well */
#define must(condition, ...)                    \
    do {                                        \
        if (!(condition)) {                     \
            ck_abort_msg(__VA_ARGS__);          \
        }                                       \
    } while (0)

/* What a unit holds.  BAT: units; bitmap and payload: a number in words[0] */
typedef struct Content {
    uint32_t words[WORDS];
} Content;

/* values[0] is durable, the rest was written since */
typedef struct History {
    Content values[HISTORY];
    unsigned count;
} History;

typedef struct Entry {
    uint32_t start, tail, count;
    uint64_t offsets[WORDS + 1];
    Content values[WORDS + 1];
} Entry;

typedef struct Image {
    GRand *rand;
    VhdxSpace *space;
    VhdxPages *pages;
    History file[FILE_MAX];
    GArray *entries;            /* Entry */
    unsigned durable_entries;
    GArray *seals;              /* uint32_t[BITMAPS], index = gen */
    uint32_t bitmap[BITMAPS];   /* what must be read */
    History disk[BLOCKS];       /* [0] at the last commit */
    uint32_t next_value;
    bool busy;                  /* in a commit: no second one */
    unsigned barriers, commits, moved;
    VhdxCell former[FILE_MAX];
} Image;

static void history_add(History *h, Content c)
{
    must(h->count < HISTORY, "HISTORY is too small");
    h->values[h->count++] = c;
}

static void history_settle(History *h, unsigned from)
{
    memmove(h->values, h->values + from,
            (h->count - from) * sizeof(h->values[0]));
    h->count -= from;
}

static const Content *history_last(const History *h)
{
    return &h->values[h->count - 1];
}

static bool history_has(const History *h, uint32_t value)
{
    for (unsigned i = 0; i < h->count; i++) {
        if (h->values[i].words[0] == value) {
            return true;
        }
    }
    return false;
}

/* ----------------------------------------------------------------- checking */

static void check_crash_at(Image *im, unsigned head)
{
    g_autofree Content *found = g_new(Content, FILE_MAX);
    const Entry *e = &g_array_index(im->entries, Entry, head);
    unsigned first = head;
    const Content *bat = &found[BAT_UNIT];
    uint64_t gen;

    for (unsigned u = 0; u < FILE_MAX; u++) {
        const History *h = &im->file[u];

        found[u] = h->values[g_rand_int_range(im->rand, 0, h->count)];
    }
    while (g_array_index(im->entries, Entry, first).start != e->tail) {
        must(first, "Tail names no entry");
        first--;
    }
    for (unsigned n = first; n <= head; n++) {
        e = &g_array_index(im->entries, Entry, n);
        for (unsigned i = 0; i < e->count; i++) {
            found[e->offsets[i] / MIB] = e->values[i];
        }
    }
    for (unsigned b = 0; b < BLOCKS; b++) {
        uint32_t unit = bat->words[b];
        uint32_t value = unit ? found[unit].words[0] : 0;

        must(history_has(&im->disk[b], value), "block %u shows %u after a "
             "crash", b, value);
    }
    for (gen = vhdx_pages_durable_gen(im->pages); ; gen++) {
        bool same = true;

        must(gen < im->seals->len, "bitmaps are those of no seal");
        for (unsigned k = 0; k < BITMAPS; k++) {
            uint32_t unit = bat->words[BLOCKS + k];

            same &= (unit ? found[unit].words[0] : 0) ==
                    g_array_index(im->seals, uint32_t *, gen)[k];
        }
        if (same) {
            break;
        }
    }
}

static VhdxPage *load(Image *im, uint64_t unit)
{
    VhdxPage *page = vhdx_pages_get(im->pages, unit * MIB);

    if (!page) {
        page = vhdx_pages_load_begin(im->pages, unit * MIB);
        memcpy(vhdx_page_load_buffer(page), history_last(&im->file[unit]),
               sizeof(Content));
        vhdx_pages_load_end(im->pages, page, true);
    }
    return page;
}

static Content page_read(Image *im, uint64_t unit)
{
    VhdxPage *page = load(im, unit);
    Content c;

    memcpy(&c, vhdx_page_data(page), sizeof(c));
    vhdx_page_unpin(im->pages, page);
    return c;
}

static void check(Image *im)
{
    Content bat = page_read(im, BAT_UNIT);

    for (unsigned b = 0; b < BLOCKS; b++) {
        uint32_t unit = bat.words[b];

        must(history_last(&im->disk[b])->words[0] ==
             (unit ? history_last(&im->file[unit])->words[0] : 0),
             "block %u reads wrong", b);
    }
    for (unsigned k = 0; k < BITMAPS; k++) {
        uint32_t unit = bat.words[BLOCKS + k];

        must(im->bitmap[k] == (unit ? page_read(im, unit).words[0] : 0),
             "bitmap %u reads wrong", k);
    }
    for (unsigned head = im->durable_entries - 1; head < im->entries->len;
         head++) {
        for (unsigned i = 0; i < 3; i++) {
            check_crash_at(im, head);
        }
    }
}

/* ----------------------------------------------------------------- changing */

static void edit_word(Image *im, uint64_t unit, unsigned word, uint32_t value)
{
    VhdxPage *page = load(im, unit);
    Content c;

    memcpy(&c, vhdx_page_data(page), sizeof(c));
    c.words[word] = value;
    memcpy(vhdx_page_edit(im->pages, page), &c, sizeof(c));
    vhdx_page_unpin(im->pages, page);
}

static VhdxRun get_run(Image *im, uint64_t owner)
{
    VhdxSpaceStats stats;
    uint64_t grow_to;
    VhdxRun run;

    while (vhdx_space_alloc(im->space, owner, 1, NO_LIMIT, &run, &grow_to)) {
        vhdx_space_stats(im->space, &stats);
        ck_assert_uint_le(grow_to, FILE_MAX);
        for (uint64_t u = stats.file_units; u < grow_to; u++) {
            im->file[u] = (History) { .count = 1 };
        }
        vhdx_space_grown(im->space, grow_to, true);
    }
    if (vhdx_run_needs_barrier(&run, vhdx_pages_open_gen(im->pages), true)) {
        vhdx_pages_set_barrier(im->pages);
    }
    return run;
}

static void hold(Image *im, const VhdxRun *run, VhdxCell cell)
{
    vhdx_space_commit(im->space, run, cell);
    im->moved += im->former[run->start] && im->former[run->start] != cell;
    im->former[run->start] = cell;
}

static void write_block(Image *im, unsigned b)
{
    uint32_t unit = page_read(im, BAT_UNIT).words[b];
    Content c = { { im->next_value++ } };
    VhdxRun run;

    if (!unit) {
        run = get_run(im, b);
        history_add(&im->file[run.start], c);
        ck_assert(vhdx_pages_begin(im->pages, 1));
        edit_word(im, BAT_UNIT, b, run.start);
        hold(im, &run, VHDX_CELL_PAYLOAD);
    } else {
        history_add(&im->file[unit], c);
    }
    history_add(&im->disk[b], c);
}

static void write_bitmap(Image *im, unsigned k)
{
    uint32_t unit = page_read(im, BAT_UNIT).words[BLOCKS + k];
    VhdxRun run;

    ck_assert(vhdx_pages_begin(im->pages, 2));
    if (!unit) {
        run = get_run(im, VHDX_OWNER_NONE);
        unit = run.start;
        if (vhdx_run_needs_padding(&run)) {
            history_add(&im->file[unit], (Content) { { 0 } });
        }
        vhdx_pages_drop(im->pages, unit * MIB, MIB);
        vhdx_page_unpin(im->pages, vhdx_pages_add_zero(im->pages,
                                                       unit * MIB));
        edit_word(im, BAT_UNIT, BLOCKS + k, unit);
        hold(im, &run, VHDX_CELL_SB);
        if (g_rand_boolean(im->rand)) {
            return;             /* its zeros are those of the file */
        }
    }
    im->bitmap[k] = im->next_value++;
    edit_word(im, unit, 0, im->bitmap[k]);
}

static void release_word(Image *im, unsigned word)
{
    uint32_t unit = page_read(im, BAT_UNIT).words[word];

    if (!unit) {
        return;
    }
    ck_assert(vhdx_pages_begin(im->pages, 1));
    edit_word(im, BAT_UNIT, word, 0);
    vhdx_space_release(im->space, unit, 1, vhdx_pages_open_gen(im->pages), 0,
                       word < BLOCKS ? word : VHDX_OWNER_NONE);
    if (word < BLOCKS) {
        history_add(&im->disk[word], (Content) { { 0 } });
    } else {
        im->bitmap[word - BLOCKS] = 0;
    }
}

static void some_io(Image *im)
{
    for (int n = g_rand_int_range(im->rand, 0, 4); n > 0; n--) {
        switch (g_rand_int_range(im->rand, 0, 5)) {
        case 0 ... 1:
            write_block(im, g_rand_int_range(im->rand, 0, BLOCKS));
            break;
        case 2:
            write_bitmap(im, g_rand_int_range(im->rand, 0, BITMAPS));
            break;
        default:
            release_word(im, g_rand_int_range(im->rand, 0, WORDS));
        }
        check(im);
    }
}

static void flush_file(Image *im)
{
    VhdxFlush flush = vhdx_pages_flush_begin(im->pages);
    unsigned covered[FILE_MAX], entries = im->entries->len;

    for (unsigned u = 0; u < FILE_MAX; u++) {
        covered[u] = im->file[u].count;
    }
    some_io(im);
    for (unsigned u = 0; u < FILE_MAX; u++) {
        /* not what the file gained meanwhile */
        if (covered[u] > 1 && im->file[u].count >= covered[u]) {
            history_settle(&im->file[u], covered[u] - 1);
        }
    }
    im->durable_entries = entries;
    vhdx_pages_flush_end(im->pages, &flush);
    vhdx_space_settle(im->space, vhdx_pages_durable_gen(im->pages),
                      vhdx_pages_tail_gen(im->pages), UINT64_MAX);
}

static void log_write(Image *im, VhdxBatch *batch)
{
    Entry e = {
        .start = batch->log_sector,
        .tail = batch->tail_sector,
        .count = batch->page_count,
    };

    ck_assert_uint_le(batch->page_count, WORDS + 1);
    for (unsigned i = 0; i < batch->page_count; i++) {
        e.offsets[i] = batch->offsets[i];
        memcpy(&e.values[i], batch->data + i * VHDX_PAGE_SIZE,
               sizeof(Content));
    }
    g_array_append_val(im->entries, e);
    vhdx_pages_written(im->pages, batch);
}

static void apply(Image *im)
{
    size_t count;
    VhdxApply *writes = vhdx_pages_apply_begin(im->pages, &count);

    for (size_t i = 0; writes && i < count; i++) {
        Content c;

        memcpy(&c, writes[i].data, sizeof(c));
        history_add(&im->file[writes[i].offset / MIB], c);
        some_io(im);
    }
    if (writes) {
        vhdx_pages_apply_end(im->pages);
        g_free(writes);
    }
}

/* docs/vhdx-design.md section 5, and sometimes the guest's plain flush */
static void commit(Image *im)
{
    unsigned sealed[BLOCKS];
    uint32_t *bitmaps;
    VhdxBatch *batch;

    while (vhdx_pages_room(im->pages) != VHDX_ROOM_OK) {
        if (vhdx_pages_room(im->pages) == VHDX_ROOM_APPLY) {
            apply(im);
        } else if (vhdx_pages_room(im->pages) == VHDX_ROOM_TAIL) {
            log_write(im, vhdx_pages_seal_tail(im->pages));
        }
        flush_file(im);
    }
    for (unsigned b = 0; b < BLOCKS; b++) {
        sealed[b] = im->disk[b].count;
    }
    batch = vhdx_pages_seal(im->pages);
    if (batch) {
        bitmaps = g_memdup2(im->bitmap, sizeof(im->bitmap));
        g_array_append_val(im->seals, bitmaps);
        im->commits++;
        if (batch->barrier) {
            im->barriers++;
            flush_file(im);
        }
        log_write(im, batch);
        some_io(im);
    }
    flush_file(im);
    for (unsigned b = 0; b < BLOCKS; b++) {
        history_settle(&im->disk[b], sealed[b] - 1);
    }
    check(im);
}

static Image *image_new(unsigned round)
{
    Image *im = g_new0(Image, 1);
    uint32_t *none = g_new0(uint32_t, BITMAPS);
    uint64_t units;
    VhdxSpaceConflict c;

    im->rand = g_rand_new_with_seed(unit_seed("space_log") + round);
    units = g_rand_int_range(im->rand, 2, 30);
    im->space = vhdx_space_new(1, units * MIB);
    ck_assert(vhdx_space_add(im->space, BAT_UNIT, 1, VHDX_CELL_BAT, &c));
    vhdx_space_start(im->space);
    im->pages = vhdx_pages_new(g_rand_int_range(im->rand, 0, 9), 256, 1);
    im->entries = g_array_new(false, false, sizeof(Entry));
    im->seals = g_array_new(false, false, sizeof(uint32_t *));
    g_array_append_val(im->seals, none);
    im->next_value = 2;
    for (unsigned u = 0; u < FILE_MAX; u++) {
        im->file[u].count = 1;
        im->file[u].values[0].words[0] = u > BAT_UNIT && u < units ? FOREIGN
                                                                   : 0;
    }
    for (unsigned b = 0; b < BLOCKS; b++) {
        im->disk[b].count = 1;
    }
    log_write(im, vhdx_pages_seal_tail(im->pages));
    im->durable_entries = 1;
    flush_file(im);
    return im;
}

static void image_free(Image *im)
{
    for (unsigned i = 0; i < im->seals->len; i++) {
        g_free(g_array_index(im->seals, uint32_t *, i));
    }
    g_array_free(im->seals, true);
    g_array_free(im->entries, true);
    vhdx_pages_free(im->pages);
    vhdx_space_free(im->space);
    g_rand_free(im->rand);
    g_free(im);
}

START_TEST(test_replay_never_hits_a_new_owner)
{
    Image *im = image_new(_i);

    for (unsigned round = 0; round < STEPS / 10; round++) {
        some_io(im);
        commit(im);
        if (vhdx_pages_should_apply(im->pages) ||
            !g_rand_int_range(im->rand, 0, 5)) {
            apply(im);
        }
    }
    /* space really went from metadata to payload and back */
    ck_assert_uint_gt(im->moved, 20);
    ck_assert_uint_gt(im->commits, 100);
    ck_assert_uint_gt(im->barriers, 20);
    image_free(im);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("vhdx-space-log");
    TCase *crash = unit_case(s, "crash");

    tcase_add_loop_test(crash, test_replay_never_hits_a_new_owner, 0, 10);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
