/*
 * VHDX file space: adding owners, growing, searching, cutting (see space.h).
 * Numbers in the tests are MiB.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "unit.h"
#include "vhdx-space-fixture.h"

START_TEST(test_all_after_header_is_free)
{
    space = vhdx_space_new(2, 10 * MIB);
    ck_assert_int_eq(cell_at(0), VHDX_CELL_HEADER);
    ck_assert_int_eq(cell_at(1), VHDX_CELL_FREE_STALE);
    ck_assert_int_eq(cell_at(9), VHDX_CELL_FREE_STALE);
    ck_assert_int_eq(cell_at(10), VHDX_CELL_BEYOND);
    ck_assert_uint_eq(vhdx_space_end(space), 1);
    end();
}
END_TEST

START_TEST(test_file_size_counts_its_last_part)
{
    const struct {
        uint64_t bytes, units;
    } sizes[] = {
        { 0, 1 }, { 1, 1 }, { MIB, 1 }, { MIB + 1, 2 }, { 2 * MIB - 1, 2 },
        { 260 * MIB + 512, 261 },
        { VHDX_SPACE_MAX_UNITS * MIB, VHDX_SPACE_MAX_UNITS },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        VhdxSpaceStats stats;

        space = vhdx_space_new(1, sizes[i].bytes);
        ck_assert_ptr_nonnull(space);
        vhdx_space_stats(space, &stats);
        ck_assert_uint_eq(stats.file_units, sizes[i].units);
        end();
    }
    ck_assert_ptr_null(vhdx_space_new(1, VHDX_SPACE_MAX_UNITS * MIB + 1));
    ck_assert_ptr_null(vhdx_space_new(1, UINT64_MAX));
}
END_TEST

/* V1, S1 */
START_TEST(test_two_owners_refused)
{
    VhdxSpaceConflict c;

    space = vhdx_space_new(4, 32 * MIB);
    ck_assert(vhdx_space_add(space, 8, 4, VHDX_CELL_PAYLOAD, &c));
    for (uint64_t start = 5; start < 12; start++) {
        ck_assert(!vhdx_space_add(space, start, 4, VHDX_CELL_PAYLOAD, &c));
        ck_assert_uint_eq(c.unit, MAX(start, 8));
        ck_assert_int_eq(c.cell, VHDX_CELL_PAYLOAD);
    }
    /* the refused ones left nothing */
    ck_assert(vhdx_space_add(space, 4, 4, VHDX_CELL_SB, &c));
    ck_assert(vhdx_space_add(space, 12, 4, VHDX_CELL_ANCHOR, &c));
    ck_assert(!vhdx_space_add(space, 2, 4, VHDX_CELL_BAT, &c));
    ck_assert_int_eq(c.cell, VHDX_CELL_SB);
    ck_assert_uint_eq(c.unit, 4);
    end();
}
END_TEST

START_TEST(test_add_outside_refused)
{
    static const struct {
        uint64_t start, count, unit;
        VhdxCell cell;
    } bad[] = {
        { 0, 1, 0, VHDX_CELL_HEADER },
        { 0, UINT64_MAX, 0, VHDX_CELL_HEADER },
        { 31, 2, 32, VHDX_CELL_BEYOND },
        { 32, 1, 32, VHDX_CELL_BEYOND },
        { 1, UINT64_MAX, 32, VHDX_CELL_BEYOND },
        { UINT64_MAX, 1, UINT64_MAX, VHDX_CELL_BEYOND },
        { UINT64_MAX, UINT64_MAX, UINT64_MAX, VHDX_CELL_BEYOND },
        { 1ULL << 43, 4, 1ULL << 43, VHDX_CELL_BEYOND },
        { 5, 0, 5, VHDX_CELL_FREE_STALE },
    };

    space = vhdx_space_new(4, 32 * MIB);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        VhdxSpaceConflict c;

        ck_assert(!vhdx_space_add(space, bad[i].start, bad[i].count,
                                  VHDX_CELL_PAYLOAD, &c));
        ck_assert_uint_eq(c.unit, bad[i].unit);
        ck_assert_int_eq(c.cell, bad[i].cell);
        ck_assert_uint_eq(vhdx_space_end(space), 1);
    }
    end();
}
END_TEST

START_TEST(test_grows_in_large_steps)
{
    static const struct {
        uint64_t file, grow_to;
    } steps[] = {
        { 4, 68 }, { 512, 576 }, { 800, 900 }, { 8192, 9216 },
        { 1 << 20, (1 << 20) + 1024 },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
        VhdxSpaceConflict c;
        VhdxRun run;
        uint64_t grow_to = 0;

        space = vhdx_space_new(32, steps[i].file * MIB);
        ck_assert(vhdx_space_add(space, 1, steps[i].file - 1,
                                 VHDX_CELL_PAYLOAD, &c));
        vhdx_space_start(space);
        ck_assert_int_eq(vhdx_space_alloc(space, 7, 32, NO_LIMIT, &run,
                                          &grow_to), -EAGAIN);
        ck_assert_uint_eq(grow_to, steps[i].grow_to);
        vhdx_space_grown(space, grow_to, true);
        ck_assert_int_eq(try_alloc(7, 32, &run), 0);
        ck_assert_uint_eq(run.start, steps[i].file);
        ck_assert_int_eq(run.class, VHDX_RUN_ZERO);
        ck_assert_uint_eq(run.owner, 7);
        end();
    }
}
END_TEST

START_TEST(test_growth_covers_what_is_asked)
{
    VhdxRun run;
    uint64_t grow_to;

    begin(1, 4);
    ck_assert_int_eq(vhdx_space_alloc(space, NOBODY, 513, NO_LIMIT, &run,
                                      &grow_to), -EAGAIN);
    ck_assert_uint_eq(grow_to, 4 + 513);
    end();
}
END_TEST

START_TEST(test_capacity_is_no_space)
{
    VhdxRun run;
    uint64_t grow_to;

    begin(4, 4);
    vhdx_space_set_capacity(space, 10);
    ck_assert_int_eq(vhdx_space_alloc(space, 0, 4, NO_LIMIT, &run, &grow_to),
                     -EAGAIN);
    ck_assert_uint_eq(grow_to, 10);
    vhdx_space_grown(space, 10, true);
    ck_assert_int_eq(try_alloc(0, 4, &run), 0);
    ck_assert_int_eq(try_alloc(1, 4, &run), -ENOSPC);
    ck_assert_int_eq(try_alloc(1, 2, &run), 0);
    ck_assert_int_eq(try_alloc(1, 1, &run), -ENOSPC);
    end();
}
END_TEST

START_TEST(test_growth_that_is_not_zero_is_stale)
{
    VhdxRun run;

    begin(4, 4);
    vhdx_space_grown(space, 8, false);
    ck_assert_int_eq(try_alloc(0, 4, &run), 0);
    ck_assert_int_eq(run.class, VHDX_RUN_STALE);
    ck_assert(vhdx_run_needs_padding(&run));
    end();
}
END_TEST

/* Holes before the tail, zero holes first, lowest first */
START_TEST(test_search_order)
{
    VhdxRun r[6];

    begin(2, 4);
    for (unsigned i = 0; i < 6; i++) {
        r[i] = get_block(i, 2);
        ck_assert_uint_eq(r[i].start, 4 + 2 * i);
    }
    for (unsigned i = 0; i < 5; i += 2) {
        vhdx_space_release(space, r[i].start, 2, 5, 0, NOBODY);
    }
    vhdx_space_settle(space, 5, 5, 0);
    vhdx_space_note_zero(space, r[4].start, 2);
    ck_assert_uint_eq(get(10, 2).start, r[4].start);
    ck_assert_uint_eq(get(11, 2).start, r[0].start);
    ck_assert_uint_eq(get(12, 2).start, r[2].start);
    ck_assert_uint_eq(get(13, 2).start, r[5].start + 2);
    end();
}
END_TEST

START_TEST(test_holes_grow_together)
{
    VhdxRun sb[4];

    begin(4, 4);
    for (unsigned i = 0; i < 4; i++) {
        sb[i] = get(NOBODY, 1);
        vhdx_space_commit(space, &sb[i], VHDX_CELL_SB);
    }
    get_block(1, 4);
    /* look for a block while none of the four is free */
    get_block(2, 4);
    for (unsigned i = 0; i < 4; i++) {
        /* the order is one that leaves the last piece in the middle */
        vhdx_space_release(space, sb[i ^ 2].start, 1, 5 + i, 0, NOBODY);
        vhdx_space_settle(space, 5 + i, 9 + i, 0);
    }
    ck_assert_uint_eq(get(3, 4).start, sb[0].start);
    end();
}
END_TEST

START_TEST(test_limit_is_kept)
{
    VhdxRun a, b, run;
    uint64_t grow_to;

    begin(4, 64);
    a = get_block(0, 4);
    b = get_block(1, 4);
    ck_assert_uint_eq(b.start, 8);
    vhdx_space_release(space, a.start, 4, 5, 0, NOBODY);
    vhdx_space_settle(space, 5, 9, 0);
    ck_assert_int_eq(vhdx_space_alloc(space, 1, 4, 7, &run, &grow_to),
                     -ENOSPC);
    ck_assert_int_eq(vhdx_space_alloc(space, 1, 4, 8, &run, &grow_to), 0);
    ck_assert_uint_eq(run.start, 4);
    ck_assert_int_eq(vhdx_space_alloc(space, 1, 4, 15, &run, &grow_to),
                     -ENOSPC);
    ck_assert_int_eq(vhdx_space_alloc(space, 1, 4, 16, &run, &grow_to), 0);
    ck_assert_uint_eq(run.start, 12);
    end();
}
END_TEST

/* discard then rewrite: the file does not grow */
START_TEST(test_rewritten_blocks_do_not_grow_the_file)
{
    VhdxRun r[32];
    VhdxSpaceStats before, after;

    begin(2, 4);
    for (unsigned i = 0; i < 32; i++) {
        r[i] = get_block(i, 2);
    }
    vhdx_space_stats(space, &before);
    for (unsigned gen = 1; gen < 50; gen++) {
        for (unsigned i = 0; i < 32; i++) {
            vhdx_space_release(space, r[i].start, 2, gen, 0, i);
        }
        if (gen % 2) {
            vhdx_space_settle(space, gen, gen, 0);
        }
        for (unsigned i = 0; i < 32; i++) {
            r[i] = get_block(i, 2);
        }
        vhdx_space_settle(space, gen, gen, 0);
    }
    vhdx_space_stats(space, &after);
    ck_assert_uint_eq(after.file_units, before.file_units);
    ck_assert_uint_eq(after.end, before.end);
    ck_assert_uint_eq(after.units[VHDX_CELL_PAYLOAD], 64);
    end();
}
END_TEST

START_TEST(test_end_is_after_the_last_held)
{
    VhdxRun a, b, c;

    begin(2, 4);
    ck_assert_uint_eq(vhdx_space_end(space), 4);
    a = get_block(0, 2);
    b = get_block(1, 2);
    c = get(2, 2);
    ck_assert_uint_eq(vhdx_space_end(space), 10);
    vhdx_space_abort(space, &c, true);
    ck_assert_uint_eq(vhdx_space_end(space), 8);
    vhdx_space_release(space, a.start, 2, 5, 0, 0);
    vhdx_space_settle(space, 5, 5, 0);
    ck_assert_uint_eq(vhdx_space_end(space), 8);
    vhdx_space_release(space, b.start, 2, 6, 0, 1);
    ck_assert_uint_eq(vhdx_space_end(space), 8);
    vhdx_space_settle(space, 6, 5, 0);
    ck_assert_uint_eq(vhdx_space_end(space), 4);
    vhdx_space_truncated(space, 4);
    ck_assert_int_eq(cell_at(4), VHDX_CELL_BEYOND);
    /* and growing again over the cut gives zeros */
    ck_assert_int_eq(get(1, 2).class, VHDX_RUN_ZERO);
    end();
}
END_TEST

START_TEST(test_note_zero_touches_free_space_only)
{
    VhdxSpaceConflict c;

    space = vhdx_space_new(2, 20 * MIB);
    ck_assert(vhdx_space_add(space, 5, 2, VHDX_CELL_PAYLOAD, &c));
    vhdx_space_note_zero(space, 0, UINT64_MAX);
    vhdx_space_note_zero(space, 30, 5);
    vhdx_space_note_zero(space, UINT64_MAX, UINT64_MAX);
    ck_assert_int_eq(cell_at(0), VHDX_CELL_HEADER);
    ck_assert_int_eq(cell_at(1), VHDX_CELL_FREE_ZERO);
    ck_assert_int_eq(cell_at(5), VHDX_CELL_PAYLOAD);
    ck_assert_int_eq(cell_at(19), VHDX_CELL_FREE_ZERO);
    ck_assert_int_eq(cell_at(20), VHDX_CELL_BEYOND);
    end();
}
END_TEST

START_TEST(test_scrub_makes_holes_zero)
{
    VhdxRun a, run, got;

    begin(4, 4);
    a = get_block(0, 4);
    get_block(1, 4);
    ck_assert(!vhdx_space_scrub_begin(space, 64, &run));
    vhdx_space_release(space, a.start, 4, 5, 0, NOBODY);
    ck_assert(!vhdx_space_scrub_begin(space, 64, &run));
    vhdx_space_settle(space, 5, 5, 0);
    ck_assert(vhdx_space_scrub_begin(space, 3, &run));
    ck_assert_uint_eq(run.start, a.start);
    ck_assert_uint_eq(run.count, 3);
    /* out of reach meanwhile */
    ck_assert_uint_eq(get(2, 1).start, a.start + 3);
    vhdx_space_scrub_end(space, &run, true);
    got = get(3, 1);
    ck_assert_uint_eq(got.start, a.start);
    ck_assert_int_eq(got.class, VHDX_RUN_ZERO);
    ck_assert(!vhdx_space_scrub_begin(space, 3, &run));
    end();
}
END_TEST

START_TEST(test_failed_scrub_leaves_it_stale)
{
    VhdxRun a, run;

    begin(4, 4);
    a = get_block(0, 4);
    get_block(1, 4);
    vhdx_space_release(space, a.start, 4, 5, 0, NOBODY);
    vhdx_space_settle(space, 5, 5, 0);
    ck_assert(vhdx_space_scrub_begin(space, 9, &run));
    ck_assert_uint_eq(run.count, 4);
    vhdx_space_scrub_end(space, &run, false);
    ck_assert_int_eq(get(3, 4).class, VHDX_RUN_STALE);
    end();
}
END_TEST

START_TEST(test_next_walks_the_file)
{
    static const struct {
        VhdxCell cell;
        uint64_t count;
    } want[] = {
        { VHDX_CELL_HEADER, 1 }, { VHDX_CELL_LOG, 1 },
        { VHDX_CELL_METADATA, 1 }, { VHDX_CELL_BAT, 1 },
        { VHDX_CELL_PAYLOAD, 4 }, { VHDX_CELL_FREE_ZERO, 60 },
    };
    uint64_t at = 0, count;
    VhdxCell cell;
    unsigned i = 0;

    begin(4, 4);
    get_block(0, 4);
    while (vhdx_space_next(space, at, &count, &cell)) {
        ck_assert_uint_lt(i, ARRAY_SIZE(want));
        ck_assert_int_eq(cell, want[i].cell);
        ck_assert_uint_eq(count, want[i].count);
        at += count;
        i++;
    }
    ck_assert_uint_eq(i, ARRAY_SIZE(want));
    end();
}
END_TEST

/* V17: a dense file costs page heads, whatever its size. */
START_TEST(test_memory_of_a_dense_file_is_small)
{
    const uint64_t units = 1 << 26;
    VhdxSpaceConflict c;
    VhdxSpaceStats stats;

    space = vhdx_space_new(1, units * MIB);
    for (uint64_t unit = 1; unit < units; unit += 256) {
        ck_assert(vhdx_space_add(space, unit, MIN(256, units - unit),
                                 VHDX_CELL_PAYLOAD, &c));
    }
    vhdx_space_stats(space, &stats);
    ck_assert_uint_lt(stats.memory, 2 << 20);
    end();
}
END_TEST

/* V17: the worst case is a byte per MiB of the file. */
START_TEST(test_memory_of_a_fragmented_file_is_bounded)
{
    const uint64_t units = 1 << 20;
    VhdxSpaceConflict c;
    VhdxSpaceStats stats;

    space = vhdx_space_new(1, units * MIB);
    for (uint64_t unit = 1; unit < units; unit += 2) {
        ck_assert(vhdx_space_add(space, unit, 1, VHDX_CELL_PAYLOAD, &c));
    }
    vhdx_space_stats(space, &stats);
    ck_assert_uint_lt(stats.memory, units + units / 32);
    /* and it goes away with the fragments */
    vhdx_space_start(space);
    for (uint64_t unit = 1; unit < units; unit += 2) {
        vhdx_space_release(space, unit, 1, 1, 0, NOBODY);
    }
    ck_assert_uint_eq(vhdx_space_settle(space, 1, 1, 0), units / 2);
    vhdx_space_stats(space, &stats);
    ck_assert_uint_lt(stats.memory, units / 32);
    end();
}
END_TEST

START_TEST(test_every_cell_has_a_name)
{
    for (int cell = 0; cell < VHDX_CELL__MAX; cell++) {
        ck_assert_ptr_nonnull(vhdx_cell_name(cell));
    }
}
END_TEST

/* Misuse by the driver ends the program instead of spoiling an image. */
START_TEST(test_misuse_asserts)
{
    VhdxRun a;
    VhdxSpaceConflict c;

    fclose(stderr);
    begin(4, 12);
    a = get(0, 4);
    vhdx_space_commit(space, &a, VHDX_CELL_PAYLOAD);
    vhdx_space_settle(space, 5, 5, 0);
    switch (_i) {
    case 0:                         /* committed twice */
        vhdx_space_commit(space, &a, VHDX_CELL_PAYLOAD);
        break;
    case 1:                         /* aborted after the commit */
        vhdx_space_abort(space, &a, false);
        break;
    case 2:                         /* released twice */
        vhdx_space_release(space, a.start, 4, 6, 0, 0);
        vhdx_space_release(space, a.start, 4, 6, 0, 0);
        break;
    case 3:                         /* more than it has */
        vhdx_space_release(space, a.start, 5, 6, 0, 0);
        break;
    case 4:                         /* in a batch that is durable */
        vhdx_space_release(space, a.start, 4, 5, 0, 0);
        break;
    case 5:                         /* the header */
        vhdx_space_release(space, 0, 1, 6, 0, NOBODY);
        break;
    case 6:                         /* added after the start */
        vhdx_space_add(space, 8, 4, VHDX_CELL_PAYLOAD, &c);
        break;
    case 7:                         /* data cut off */
        vhdx_space_truncated(space, 5);
        break;
    }
}
END_TEST

START_TEST(test_allocating_before_the_scan_asserts)
{
    VhdxRun run;

    fclose(stderr);
    space = vhdx_space_new(4, 12 * MIB);
    try_alloc(0, 4, &run);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("vhdx-space");
    TCase *add = unit_case(s, "add");
    TCase *grow = unit_case(s, "grow");
    TCase *search = unit_case(s, "search");
    TCase *rest = unit_case(s, "rest");

    tcase_add_test(add, test_all_after_header_is_free);
    tcase_add_test(add, test_file_size_counts_its_last_part);
    tcase_add_test(add, test_two_owners_refused);
    tcase_add_test(add, test_add_outside_refused);
    tcase_add_test(grow, test_grows_in_large_steps);
    tcase_add_test(grow, test_growth_covers_what_is_asked);
    tcase_add_test(grow, test_capacity_is_no_space);
    tcase_add_test(grow, test_growth_that_is_not_zero_is_stale);
    tcase_add_test(search, test_search_order);
    tcase_add_test(search, test_holes_grow_together);
    tcase_add_test(search, test_limit_is_kept);
    tcase_add_test(search, test_rewritten_blocks_do_not_grow_the_file);
    tcase_add_test(rest, test_end_is_after_the_last_held);
    tcase_add_test(rest, test_note_zero_touches_free_space_only);
    tcase_add_test(rest, test_scrub_makes_holes_zero);
    tcase_add_test(rest, test_failed_scrub_leaves_it_stale);
    tcase_add_test(rest, test_next_walks_the_file);
    tcase_add_test(rest, test_memory_of_a_dense_file_is_small);
    tcase_add_test(rest, test_memory_of_a_fragmented_file_is_bounded);
    tcase_add_test(rest, test_every_cell_has_a_name);
    tcase_add_loop_test_raise_signal(rest, test_misuse_asserts, SIGABRT,
                                     0, 8);
    tcase_add_test_raise_signal(rest, test_allocating_before_the_scan_asserts,
                                SIGABRT);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
