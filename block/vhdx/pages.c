/*
 * VHDX metadata pages (contract, states and rules in pages.h)
 *
 * Batches are in a list, oldest first; states never rise along it, save that
 * one without pages has nothing to apply and is RETIRED when it is durable.
 * Ring positions are kept as counts that never wrap (at), so that "used" is
 * a difference.
 *
 * Invariants beside P1 to P6:
 *  1. A page is on the LRU if and only if it is not dirty, not live, and not
 *     pinned.
 *  2. live of a page counts the batches before APPLIED that have it.
 *  3. dirty holds the dirty pages; there are never more than batch_max.
 *  4. The last batch stays in the list while the log is in use: it is the
 *     head of the active sequence.
 *  5. tail_at <= at of the oldest batch that is not RETIRED <= head_at.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "pages.h"

/* MS-VHDX 2.3.1: 32-byte descriptors behind a 64-byte header, then bare */
#define DESC_FIRST 126u
#define DESC_NEXT 128u
/* Sectors that a batch leaves: one for a Tail entry, one never used */
#define RING_SPARE 2u

struct VhdxPage {
    uint64_t offset;
    uint8_t *data;
    VhdxPageState state;
    unsigned pins;
    unsigned live;
    bool dirty;
    uint64_t sequence;          /* newest batch that has it, 0: none */
    GList lru;
};

typedef struct Batch {
    VhdxBatch pub;
    uint64_t at;                /* log_sector as a count */
    uint64_t tail_at;
    VhdxPage **pages;           /* until APPLIED */
    GList link;
} Batch;

struct VhdxPages {
    /* Set at creation, never changed */
    size_t max_clean;
    uint32_t log_sectors;
    uint32_t ring_limit;
    uint32_t batch_max;

    /* Changed by the caller's calls, under its lock */
    GHashTable *by_offset;      /* &VhdxPage.offset -> VhdxPage */
    GQueue lru;                 /* VhdxPage, least recently used first */
    GPtrArray *dirty;           /* VhdxPage */
    uint32_t granted;           /* pages of begin() not yet dirty */
    bool barrier;
    bool poisoned;
    bool applying;
    uint64_t applying_to;       /* sequence */
    uint64_t open_gen;
    uint64_t durable_gen;
    uint64_t durable_sequence;
    uint64_t next_sequence;
    uint64_t head_at;           /* where the next entry starts */
    uint64_t tail_at;           /* Tail of the last DURABLE entry */
    GQueue batches;             /* Batch, oldest first */
};

static uint32_t entry_sectors(uint32_t page_count)
{
    uint32_t more = page_count > DESC_FIRST ? page_count - DESC_FIRST : 0;

    return 1 + DIV_ROUND_UP(more, DESC_NEXT) + page_count;
}

VhdxPages *vhdx_pages_new(size_t max_clean, uint32_t log_sectors,
                          uint64_t sequence)
{
    VhdxPages *pages = g_new0(VhdxPages, 1);
    uint32_t room;

    assert(log_sectors >= 256 && sequence);
    pages->max_clean = max_clean;
    pages->log_sectors = log_sectors;
    pages->ring_limit = MIN(log_sectors, VHDX_RING_USE_MAX);
    room = (pages->ring_limit - RING_SPARE) / 2;
    pages->batch_max = MIN(room, VHDX_BATCH_PAGES_MAX);
    while (entry_sectors(pages->batch_max) > room) {
        pages->batch_max--;
    }
    pages->by_offset = g_hash_table_new(g_int64_hash, g_int64_equal);
    pages->dirty = g_ptr_array_new();
    pages->open_gen = 1;
    pages->next_sequence = sequence;
    g_queue_init(&pages->lru);
    g_queue_init(&pages->batches);
    return pages;
}

/* ---------------------------------------------------------------- the cache */

static bool page_is_idle(const VhdxPage *page)
{
    return !page->dirty && !page->live && !page->pins;
}

static void page_free(VhdxPages *pages, VhdxPage *page)
{
    assert(page_is_idle(page));
    g_queue_unlink(&pages->lru, &page->lru);
    g_hash_table_remove(pages->by_offset, &page->offset);
    g_free(page->data);
    g_free(page);
}

/* Something that kept @page from being idle is gone. */
static void page_let_go(VhdxPages *pages, VhdxPage *page)
{
    if (!page_is_idle(page)) {
        return;
    }
    if (page->state == VHDX_PAGE_FAILED) {
        g_free(page->data);
        g_free(page);
        return;
    }
    g_queue_push_tail_link(&pages->lru, &page->lru);
    while (pages->lru.length > pages->max_clean) {
        page_free(pages, pages->lru.head->data);
    }
}

void vhdx_page_pin(VhdxPages *pages, VhdxPage *page)
{
    if (page_is_idle(page)) {
        g_queue_unlink(&pages->lru, &page->lru);
    }
    page->pins++;
}

void vhdx_page_unpin(VhdxPages *pages, VhdxPage *page)
{
    assert(page->pins);
    page->pins--;
    page_let_go(pages, page);
}

VhdxPage *vhdx_pages_get(VhdxPages *pages, uint64_t offset)
{
    VhdxPage *page = g_hash_table_lookup(pages->by_offset, &offset);

    if (page) {
        vhdx_page_pin(pages, page);
    }
    return page;
}

static VhdxPage *page_new(VhdxPages *pages, uint64_t offset,
                          VhdxPageState state)
{
    VhdxPage *page = g_new0(VhdxPage, 1);

    assert(QEMU_IS_ALIGNED(offset, VHDX_PAGE_SIZE));
    assert(!g_hash_table_contains(pages->by_offset, &offset));
    page->offset = offset;
    page->data = g_malloc0(VHDX_PAGE_SIZE);
    page->state = state;
    page->pins = 1;
    page->lru.data = page;
    g_hash_table_insert(pages->by_offset, &page->offset, page);
    return page;
}

VhdxPage *vhdx_pages_load_begin(VhdxPages *pages, uint64_t offset)
{
    return page_new(pages, offset, VHDX_PAGE_LOADING);
}

VhdxPage *vhdx_pages_add_zero(VhdxPages *pages, uint64_t offset)
{
    return page_new(pages, offset, VHDX_PAGE_READY);
}

uint8_t *vhdx_page_load_buffer(VhdxPage *page)
{
    assert(page->state == VHDX_PAGE_LOADING);
    return page->data;
}

void vhdx_pages_load_end(VhdxPages *pages, VhdxPage *page, bool ok)
{
    assert(page->state == VHDX_PAGE_LOADING && page->pins);
    page->state = ok ? VHDX_PAGE_READY : VHDX_PAGE_FAILED;
    if (!ok) {
        g_hash_table_remove(pages->by_offset, &page->offset);
    }
}

VhdxPageState vhdx_page_state(const VhdxPage *page)
{
    return page->state;
}

uint64_t vhdx_page_offset(const VhdxPage *page)
{
    return page->offset;
}

const uint8_t *vhdx_page_data(const VhdxPage *page)
{
    assert(page->state == VHDX_PAGE_READY);
    return page->data;
}

bool vhdx_page_is_durable(const VhdxPages *pages, const VhdxPage *page)
{
    return !page->dirty && page->sequence <= pages->durable_sequence;
}

void vhdx_pages_drop(VhdxPages *pages, uint64_t offset, uint64_t bytes)
{
    assert(QEMU_IS_ALIGNED(offset | bytes, VHDX_PAGE_SIZE));
    for (; bytes; bytes -= VHDX_PAGE_SIZE, offset += VHDX_PAGE_SIZE) {
        VhdxPage *page = g_hash_table_lookup(pages->by_offset, &offset);

        if (page) {
            page_free(pages, page);
        }
    }
}

/* ----------------------------------------------------------------- changing */

uint32_t vhdx_pages_batch_max(const VhdxPages *pages)
{
    return pages->batch_max;
}

bool vhdx_pages_begin(VhdxPages *pages, uint32_t count)
{
    assert(count <= pages->batch_max);
    pages->granted = 0;
    if (pages->poisoned || count > pages->batch_max - pages->dirty->len) {
        return false;
    }
    pages->granted = count;
    return true;
}

uint8_t *vhdx_page_edit(VhdxPages *pages, VhdxPage *page)
{
    assert(page->pins && page->state == VHDX_PAGE_READY);
    assert(!pages->poisoned);
    if (!page->dirty) {
        assert(pages->granted);
        pages->granted--;
        page->dirty = true;
        g_ptr_array_add(pages->dirty, page);
    }
    return page->data;
}

void vhdx_pages_set_barrier(VhdxPages *pages)
{
    pages->barrier = true;
}

uint64_t vhdx_pages_open_gen(const VhdxPages *pages)
{
    return pages->open_gen;
}

bool vhdx_pages_dirty(const VhdxPages *pages)
{
    return pages->dirty->len;
}

/* --------------------------------------------------------------- committing */

static void batch_free(VhdxPages *pages, Batch *batch)
{
    g_queue_unlink(&pages->batches, &batch->link);
    g_free((void *)batch->pub.offsets);
    g_free((void *)batch->pub.data);
    g_free(batch->pages);
    g_free(batch);
}

void vhdx_pages_free(VhdxPages *pages)
{
    GHashTableIter iter;
    VhdxPage *page;

    if (!pages) {
        return;
    }
    while (pages->batches.head) {
        batch_free(pages, pages->batches.head->data);
    }
    g_hash_table_iter_init(&iter, pages->by_offset);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&page)) {
        assert(!page->pins);
        g_free(page->data);
        g_free(page);
    }
    g_hash_table_destroy(pages->by_offset);
    g_ptr_array_free(pages->dirty, true);
    g_free(pages);
}

static uint32_t ring_free(const VhdxPages *pages)
{
    return pages->ring_limit - (pages->head_at - pages->tail_at);
}

/* The oldest batch that replay may still need, or NULL. */
static Batch *oldest_needed(const VhdxPages *pages)
{
    for (GList *link = pages->batches.head; link; link = link->next) {
        Batch *batch = link->data;

        if (batch->pub.state != VHDX_BATCH_RETIRED) {
            return batch;
        }
    }
    return NULL;
}

/* What Tail of an entry that starts at head_at has to be (P3) */
static uint64_t next_tail_at(const VhdxPages *pages)
{
    Batch *oldest = oldest_needed(pages);

    return oldest ? oldest->at : pages->head_at;
}

VhdxRoom vhdx_pages_room(const VhdxPages *pages)
{
    Batch *oldest = oldest_needed(pages);

    if (ring_free(pages) >= entry_sectors(pages->dirty->len) + RING_SPARE) {
        return VHDX_ROOM_OK;
    }
    if (next_tail_at(pages) > pages->tail_at) {
        return VHDX_ROOM_TAIL;
    }
    return oldest && oldest->pub.state == VHDX_BATCH_DURABLE
           ? VHDX_ROOM_APPLY : VHDX_ROOM_FLUSH;
}

static Batch *batch_new(VhdxPages *pages, uint32_t page_count)
{
    Batch *batch = g_new0(Batch, 1);
    GList *last = pages->batches.tail;

    /* P4 reasons with the last entry, so it has to be the head on disk */
    assert(!last ||
           ((Batch *)last->data)->pub.state >= VHDX_BATCH_DURABLE);
    batch->at = pages->head_at;
    batch->tail_at = next_tail_at(pages);
    batch->pub.sequence = pages->next_sequence++;
    batch->pub.sectors = entry_sectors(page_count);
    batch->pub.log_sector = batch->at % pages->log_sectors;
    batch->pub.tail_sector = batch->tail_at % pages->log_sectors;
    batch->pub.page_count = page_count;
    batch->pub.state = VHDX_BATCH_SEALED;
    pages->head_at += batch->pub.sectors;
    batch->link.data = batch;
    g_queue_push_tail_link(&pages->batches, &batch->link);
    return batch;
}

VhdxBatch *vhdx_pages_seal(VhdxPages *pages)
{
    uint32_t count = pages->dirty->len;
    uint64_t *offsets;
    uint8_t *data;
    Batch *batch;

    assert(pages->batches.length);
    if (pages->poisoned || !count ||
        ring_free(pages) < entry_sectors(count) + RING_SPARE) {
        return NULL;
    }
    pages->granted = 0;
    batch = batch_new(pages, count);
    batch->pub.gen = pages->open_gen++;
    batch->pub.barrier = pages->barrier;
    batch->pub.offsets = offsets = g_new(uint64_t, count);
    batch->pub.data = data = g_malloc((size_t)count * VHDX_PAGE_SIZE);
    batch->pages = g_new(VhdxPage *, count);
    for (uint32_t i = 0; i < count; i++) {
        VhdxPage *page = g_ptr_array_index(pages->dirty, i);

        offsets[i] = page->offset;
        memcpy(data + (size_t)i * VHDX_PAGE_SIZE, page->data, VHDX_PAGE_SIZE);
        batch->pages[i] = page;
        page->sequence = batch->pub.sequence;
        page->dirty = false;
        page->live++;
    }
    g_ptr_array_set_size(pages->dirty, 0);
    pages->barrier = false;
    return &batch->pub;
}

VhdxBatch *vhdx_pages_seal_tail(VhdxPages *pages)
{
    Batch *batch;

    if (pages->poisoned ||
        (pages->batches.length && next_tail_at(pages) == pages->tail_at)) {
        return NULL;
    }
    assert(ring_free(pages) >= RING_SPARE);
    batch = batch_new(pages, 0);
    batch->pub.gen = pages->open_gen - 1;
    return &batch->pub;
}

void vhdx_pages_written(VhdxPages *pages, VhdxBatch *batch)
{
    assert(batch->state == VHDX_BATCH_SEALED);
    assert(batch->sequence == pages->next_sequence - 1);
    batch->state = VHDX_BATCH_WRITTEN;
}

VhdxFlush vhdx_pages_flush_begin(const VhdxPages *pages)
{
    VhdxFlush flush = { 0 };
    bool applied = true;

    for (GList *link = pages->batches.head; link; link = link->next) {
        Batch *batch = link->data;

        if (batch->pub.state < VHDX_BATCH_WRITTEN) {
            break;
        }
        flush.written = batch->pub.sequence;
        /* a batch without pages is RETIRED even behind one that is not */
        applied = applied && batch->pub.state >= VHDX_BATCH_APPLIED;
        if (applied) {
            flush.applied = batch->pub.sequence;
        }
    }
    return flush;
}

/* A newer entry is DURABLE: what is before its Tail is out of the log. */
static void ring_advance(VhdxPages *pages, uint64_t tail_at)
{
    assert(tail_at >= pages->tail_at);
    pages->tail_at = tail_at;
    while (pages->batches.head) {
        Batch *batch = pages->batches.head->data;

        if (batch->at >= tail_at) {
            break;
        }
        assert(batch->pub.state == VHDX_BATCH_RETIRED);
        batch_free(pages, batch);
    }
}

void vhdx_pages_flush_end(VhdxPages *pages, const VhdxFlush *flush)
{
    uint64_t tail_at = pages->tail_at;

    for (GList *link = pages->batches.head; link; link = link->next) {
        Batch *batch = link->data;
        VhdxBatch *pub = &batch->pub;

        if (pub->state == VHDX_BATCH_APPLIED &&
            pub->sequence <= flush->applied) {
            pub->state = VHDX_BATCH_RETIRED;
        }
        if (pub->state == VHDX_BATCH_WRITTEN &&
            pub->sequence <= flush->written) {
            /* without pages there is nothing to apply */
            pub->state = pub->page_count ? VHDX_BATCH_DURABLE
                                         : VHDX_BATCH_RETIRED;
            pages->durable_gen = pub->gen;
            pages->durable_sequence = pub->sequence;
            tail_at = batch->tail_at;
        }
    }
    ring_advance(pages, tail_at);
}

bool vhdx_pages_in_doubt(const VhdxPages *pages)
{
    for (GList *link = pages->batches.head; link; link = link->next) {
        VhdxBatchState state = ((Batch *)link->data)->pub.state;

        if (state == VHDX_BATCH_WRITTEN || state == VHDX_BATCH_APPLIED) {
            return true;
        }
    }
    /* pages may be on their way into place */
    return pages->applying;
}

uint64_t vhdx_pages_durable_gen(const VhdxPages *pages)
{
    return pages->durable_gen;
}

uint64_t vhdx_pages_tail_gen(const VhdxPages *pages)
{
    for (GList *link = pages->batches.head; link; link = link->next) {
        Batch *batch = link->data;

        if (batch->pub.page_count) {
            return batch->pub.gen;
        }
    }
    return pages->open_gen;
}

/* ----------------------------------------------------------------- applying */

bool vhdx_pages_should_apply(const VhdxPages *pages)
{
    Batch *oldest = oldest_needed(pages);

    return oldest && oldest->pub.state == VHDX_BATCH_DURABLE &&
           !pages->applying && ring_free(pages) < pages->ring_limit / 2;
}

static int apply_compare(const void *a, const void *b)
{
    uint64_t x = ((const VhdxApply *)a)->offset;
    uint64_t y = ((const VhdxApply *)b)->offset;

    return x < y ? -1 : x > y;
}

VhdxApply *vhdx_pages_apply_begin(VhdxPages *pages, size_t *count)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_int64_hash,
                                                  g_int64_equal);
    GArray *writes = g_array_new(false, false, sizeof(VhdxApply));

    assert(!pages->applying);
    /* newest first: of each page the first one met is the one to write */
    for (GList *link = pages->batches.tail; link; link = link->prev) {
        VhdxBatch *batch = &((Batch *)link->data)->pub;

        if (batch->state != VHDX_BATCH_DURABLE) {
            continue;
        }
        pages->applying_to = MAX(pages->applying_to, batch->sequence);
        for (uint32_t i = 0; i < batch->page_count; i++) {
            VhdxApply write = {
                .offset = batch->offsets[i],
                .data = batch->data + (size_t)i * VHDX_PAGE_SIZE,
            };

            if (g_hash_table_add(seen, (void *)&batch->offsets[i])) {
                g_array_append_val(writes, write);
            }
        }
    }
    *count = writes->len;
    pages->applying = writes->len;
    g_array_sort(writes, apply_compare);
    if (!writes->len) {
        g_array_free(writes, true);
        return NULL;
    }
    return (VhdxApply *)g_array_free(writes, false);
}

void vhdx_pages_apply_end(VhdxPages *pages)
{
    assert(pages->applying);
    pages->applying = false;
    for (GList *link = pages->batches.head; link; link = link->next) {
        Batch *batch = link->data;

        if (batch->pub.state != VHDX_BATCH_DURABLE ||
            batch->pub.sequence > pages->applying_to) {
            continue;
        }
        batch->pub.state = VHDX_BATCH_APPLIED;
        for (uint32_t i = 0; i < batch->pub.page_count; i++) {
            batch->pages[i]->live--;
            page_let_go(pages, batch->pages[i]);
        }
        g_clear_pointer(&batch->pages, g_free);
        g_free((void *)batch->pub.data);
        batch->pub.data = NULL;
    }
}

/* ------------------------------------------------------------------ endings */

bool vhdx_pages_quiet(const VhdxPages *pages)
{
    return !pages->dirty->len && !oldest_needed(pages);
}

void vhdx_pages_log_reset(VhdxPages *pages)
{
    assert(vhdx_pages_quiet(pages) && !pages->poisoned);
    while (pages->batches.head) {
        batch_free(pages, pages->batches.head->data);
    }
    pages->head_at = 0;
    pages->tail_at = 0;
}

void vhdx_pages_poison(VhdxPages *pages)
{
    pages->poisoned = true;
    pages->granted = 0;
}

bool vhdx_pages_poisoned(const VhdxPages *pages)
{
    return pages->poisoned;
}

void vhdx_pages_stats(const VhdxPages *pages, VhdxPagesStats *stats)
{
    *stats = (VhdxPagesStats) {
        .pages = g_hash_table_size(pages->by_offset),
        .clean = pages->lru.length,
        .dirty = pages->dirty->len,
        .batches = pages->batches.length,
        .ring_used = pages->head_at - pages->tail_at,
        .ring_limit = pages->ring_limit,
    };
}
