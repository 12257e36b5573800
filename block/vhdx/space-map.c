/*
 * VHDX file space: one cell per MiB of the file
 *
 * Invariants:
 *  1. count[] of a page sums to VHDX_CELL_PAGE and says what its cells are.
 *  2. A page has an array if and only if its cells are not all alike.
 *  3. total[] is the sum of all pages' count[], BEYOND excepted.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "space-map.h"

QEMU_BUILD_BUG_ON(VHDX_SPACE_MAX_UNITS % VHDX_CELL_PAGE);

void vhdx_cells_init(VhdxCellMap *map)
{
    memset(map, 0, sizeof(*map));
}

void vhdx_cells_destroy(VhdxCellMap *map)
{
    for (size_t i = 0; i < map->page_count; i++) {
        g_free(map->pages[i].cells);
    }
    g_free(map->pages);
    memset(map, 0, sizeof(*map));
}

static VhdxCell cell_in_page(const VhdxCellPage *page, unsigned i)
{
    return page->cells ? page->cells[i] : page->fill;
}

VhdxCell vhdx_cells_get(const VhdxCellMap *map, uint64_t unit)
{
    uint64_t index = unit / VHDX_CELL_PAGE;

    if (index >= map->page_count) {
        return VHDX_CELL_BEYOND;
    }
    return cell_in_page(&map->pages[index], unit % VHDX_CELL_PAGE);
}

/* Make pages up to @page_count; grows by half so that appending is cheap. */
static void cells_reserve(VhdxCellMap *map, size_t page_count)
{
    size_t grown;

    if (page_count <= map->page_count) {
        return;
    }
    grown = MAX(page_count, map->page_count + map->page_count / 2);
    grown = MIN(grown, VHDX_SPACE_MAX_UNITS / VHDX_CELL_PAGE);
    assert(grown >= page_count);
    map->pages = g_renew(VhdxCellPage, map->pages, grown);
    for (size_t i = map->page_count; i < grown; i++) {
        VhdxCellPage *page = &map->pages[i];

        memset(page, 0, sizeof(*page));
        page->fill = VHDX_CELL_BEYOND;
        page->count[VHDX_CELL_BEYOND] = VHDX_CELL_PAGE;
    }
    map->page_count = grown;
}

static void page_make_uniform(VhdxCellMap *map, VhdxCellPage *page,
                              VhdxCell cell)
{
    map->arrays -= page->cells ? 1 : 0;
    g_free(page->cells);
    page->cells = NULL;
    page->fill = cell;
}

/* Set @count cells of one page; invariants hold afterwards. */
static void page_set(VhdxCellMap *map, VhdxCellPage *page, unsigned first,
                     unsigned count, VhdxCell cell)
{
    if (!page->cells && page->fill == cell) {
        return;
    }
    for (unsigned i = first; page->cells && i < first + count; i++) {
        page->count[page->cells[i]]--;
        map->total[page->cells[i]]--;
    }
    if (!page->cells) {
        page->count[page->fill] -= count;
        map->total[page->fill] -= count;
    }
    page->count[cell] += count;
    map->total[cell] += count;
    map->total[VHDX_CELL_BEYOND] = 0;

    if (page->count[cell] == VHDX_CELL_PAGE) {
        page_make_uniform(map, page, cell);
        return;
    }
    if (!page->cells) {
        page->cells = g_malloc(VHDX_CELL_PAGE);
        memset(page->cells, page->fill, VHDX_CELL_PAGE);
        map->arrays++;
    }
    memset(page->cells + first, cell, count);
}

void vhdx_cells_set(VhdxCellMap *map, uint64_t start, uint64_t count,
                    VhdxCell cell)
{
    uint64_t end = start + count;

    assert(end >= start && end <= VHDX_SPACE_MAX_UNITS);
    assert(cell < VHDX_CELL__MAX);
    if (!count) {
        return;
    }
    cells_reserve(map, (end - 1) / VHDX_CELL_PAGE + 1);
    while (start < end) {
        unsigned first = start % VHDX_CELL_PAGE;
        unsigned n = MIN(end - start, VHDX_CELL_PAGE - first);

        page_set(map, &map->pages[start / VHDX_CELL_PAGE], first, n, cell);
        start += n;
    }
}

/* How many cells of @page have a state in @mask. */
static unsigned page_count_in(const VhdxCellPage *page, unsigned mask)
{
    unsigned n = 0;

    for (unsigned cell = 0; cell < VHDX_CELL__MAX; cell++) {
        if (mask & VHDX_CELL_MASK(cell)) {
            n += page->count[cell];
        }
    }
    return n;
}

uint64_t vhdx_cells_find(const VhdxCellMap *map, uint64_t from, uint64_t to,
                         uint64_t count, unsigned mask)
{
    uint64_t run = 0;

    assert(count && !(mask & VHDX_CELL_MASK(VHDX_CELL_BEYOND)));
    to = MIN(to, (uint64_t)map->page_count * VHDX_CELL_PAGE);
    while (from < to && to - from + run >= count) {
        const VhdxCellPage *page = &map->pages[from / VHDX_CELL_PAGE];
        unsigned first = from % VHDX_CELL_PAGE;
        unsigned n = MIN(to - from, VHDX_CELL_PAGE - first);
        unsigned in = page_count_in(page, mask);

        if (in == VHDX_CELL_PAGE) {
            if (run + n >= count) {
                return from - run;
            }
            run += n;
        } else if (!in) {
            run = 0;
        } else {
            for (unsigned i = 0; i < n; i++) {
                if (mask & VHDX_CELL_MASK(page->cells[first + i])) {
                    run++;
                } else {
                    run = 0;
                }
                if (run == count) {
                    return from + i + 1 - run;
                }
            }
        }
        from += n;
    }
    return VHDX_CELL_NONE;
}

uint64_t vhdx_cells_first(const VhdxCellMap *map, uint64_t from, uint64_t to,
                          unsigned mask)
{
    bool beyond = mask & VHDX_CELL_MASK(VHDX_CELL_BEYOND);

    while (from < to) {
        uint64_t index = from / VHDX_CELL_PAGE;
        unsigned first = from % VHDX_CELL_PAGE;
        unsigned n = MIN(to - from, VHDX_CELL_PAGE - first);

        if (index >= map->page_count) {
            return beyond ? from : to;
        }
        if (page_count_in(&map->pages[index], mask)) {
            for (unsigned i = first; i < first + n; i++) {
                if (mask & VHDX_CELL_MASK(cell_in_page(&map->pages[index],
                                                       i))) {
                    return from + i - first;
                }
            }
        }
        from += n;
    }
    return to;
}

uint64_t vhdx_cells_last_end(const VhdxCellMap *map, uint64_t to,
                             unsigned mask)
{
    assert(!(mask & VHDX_CELL_MASK(VHDX_CELL_BEYOND)));
    to = MIN(to, (uint64_t)map->page_count * VHDX_CELL_PAGE);
    while (to) {
        const VhdxCellPage *page = &map->pages[(to - 1) / VHDX_CELL_PAGE];
        uint64_t base = (to - 1) / VHDX_CELL_PAGE * VHDX_CELL_PAGE;

        if (page_count_in(page, mask)) {
            for (; to > base; to--) {
                if (mask & VHDX_CELL_MASK(cell_in_page(page,
                                                       to - 1 - base))) {
                    return to;
                }
            }
        }
        to = base;
    }
    return 0;
}

size_t vhdx_cells_memory(const VhdxCellMap *map)
{
    return map->page_count * sizeof(VhdxCellPage) +
           map->arrays * VHDX_CELL_PAGE;
}
