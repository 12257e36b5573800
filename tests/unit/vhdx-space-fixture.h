/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the tests of VHDX file space share: a file with its regions, and an
 * allocation that grows it.  Include unit.h first.
 */

#ifndef TESTS_UNIT_VHDX_SPACE_FIXTURE_H
#define TESTS_UNIT_VHDX_SPACE_FIXTURE_H

#include "block/vhdx/space.h"

#define MIB VHDX_UNIT_SIZE
#define NO_LIMIT VHDX_SPACE_NO_LIMIT
#define NOBODY VHDX_OWNER_NONE

static VhdxSpace *space;

/* header 0, log 1, metadata 2, BAT 3, free from 4; started */
static inline void begin(uint32_t block_units, uint64_t file_units)
{
    VhdxSpaceConflict conflict;

    space = vhdx_space_new(block_units, file_units * MIB);
    ck_assert_ptr_nonnull(space);
    ck_assert(vhdx_space_add(space, 1, 1, VHDX_CELL_LOG, &conflict));
    ck_assert(vhdx_space_add(space, 2, 1, VHDX_CELL_METADATA, &conflict));
    ck_assert(vhdx_space_add(space, 3, 1, VHDX_CELL_BAT, &conflict));
    vhdx_space_start(space);
}

static inline void end(void)
{
    vhdx_space_free(space);
    space = NULL;
}

static inline VhdxCell cell_at(uint64_t unit)
{
    VhdxCell cell;
    uint64_t count;

    return vhdx_space_next(space, unit, &count, &cell) ? cell
                                                       : VHDX_CELL_BEYOND;
}

static inline int try_alloc(uint64_t owner, uint32_t count, VhdxRun *run)
{
    uint64_t grow_to;

    return vhdx_space_alloc(space, owner, count, NO_LIMIT, run, &grow_to);
}

/* Allocate, growing the file if asked to. */
static inline VhdxRun get(uint64_t owner, uint32_t count)
{
    VhdxRun run;
    uint64_t grow_to;
    int ret = vhdx_space_alloc(space, owner, count, NO_LIMIT, &run, &grow_to);

    if (ret == -EAGAIN) {
        vhdx_space_grown(space, grow_to, true);
        ret = try_alloc(owner, count, &run);
    }
    ck_assert_int_eq(ret, 0);
    return run;
}

static inline VhdxRun get_block(uint64_t owner, uint32_t count)
{
    VhdxRun run = get(owner, count);

    vhdx_space_commit(space, &run, VHDX_CELL_PAYLOAD);
    return run;
}

#endif /* TESTS_UNIT_VHDX_SPACE_FIXTURE_H */
