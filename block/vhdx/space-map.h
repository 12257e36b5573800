/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VHDX file space: one cell per MiB of the file
 *
 * The storage below space.c; nobody else includes this.  Pure memory, no
 * lock of its own.  Cells live in pages of VHDX_CELL_PAGE; a page whose
 * cells are all alike has no array.  Units are MiB from the file's start.
 */

#ifndef BLOCK_VHDX_SPACE_MAP_H
#define BLOCK_VHDX_SPACE_MAP_H

#include "space.h"

#define VHDX_CELL_PAGE 4096u
#define VHDX_CELL_NONE UINT64_MAX

/* Set of cell states */
#define VHDX_CELL_MASK(cell) (1u << (cell))

typedef struct VhdxCellPage {
    uint8_t *cells;                     /* NULL: all are @fill */
    uint8_t fill;
    uint16_t count[VHDX_CELL__MAX];     /* of each state in this page */
} VhdxCellPage;

typedef struct VhdxCellMap {
    VhdxCellPage *pages;
    size_t page_count;                  /* beyond them all is BEYOND */
    size_t arrays;                      /* pages with an array */
    uint64_t total[VHDX_CELL__MAX];     /* BEYOND is not counted */
} VhdxCellMap;

void vhdx_cells_init(VhdxCellMap *map);
void vhdx_cells_destroy(VhdxCellMap *map);

/* State of @unit; BEYOND for every unit that was never set. */
VhdxCell vhdx_cells_get(const VhdxCellMap *map, uint64_t unit);

/* Set [@start, @start + @count), which ends at VHDX_SPACE_MAX_UNITS or less. */
void vhdx_cells_set(VhdxCellMap *map, uint64_t start, uint64_t count,
                    VhdxCell cell);

/*
 * Start of the first run of @count cells, each in @mask, inside
 * [@from, @to); VHDX_CELL_NONE if there is none.
 */
uint64_t vhdx_cells_find(const VhdxCellMap *map, uint64_t from, uint64_t to,
                         uint64_t count, unsigned mask);

/* First unit in [@from, @to) whose state is in @mask, or @to. */
uint64_t vhdx_cells_first(const VhdxCellMap *map, uint64_t from, uint64_t to,
                          unsigned mask);

/* One more than the highest unit below @to whose state is in @mask, or 0. */
uint64_t vhdx_cells_last_end(const VhdxCellMap *map, uint64_t to,
                             unsigned mask);

/* Bytes of heap that the map occupies. */
size_t vhdx_cells_memory(const VhdxCellMap *map);

#endif /* BLOCK_VHDX_SPACE_MAP_H */
