/*
 * VHDX file space: when released space comes back, to whom, and what its
 * content then counts as (S2 to S5, see space.h).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "unit.h"
#include "vhdx-space-fixture.h"

/* V2, S2 */
START_TEST(test_release_waits_for_durable)
{
    VhdxRun a, b;

    begin(4, 8);
    vhdx_space_set_capacity(space, 8);
    a = get_block(0, 4);
    vhdx_space_release(space, a.start, 4, 5, 0, 0);
    ck_assert_int_eq(cell_at(a.start), VHDX_CELL_RELEASING);
    ck_assert_int_eq(try_alloc(1, 4, &b), -ENOSPC);
    ck_assert_uint_eq(vhdx_space_settle(space, 4, 4, 9), 0);
    ck_assert_int_eq(try_alloc(1, 4, &b), -ENOSPC);
    ck_assert_uint_eq(vhdx_space_settle(space, 5, 4, 9), 4);
    ck_assert_int_eq(try_alloc(1, 4, &b), 0);
    ck_assert_int_eq(b.class, VHDX_RUN_STALE);
    end();
}
END_TEST

/* V3, S2 */
START_TEST(test_release_waits_for_epoch)
{
    VhdxRun a, b;

    begin(4, 8);
    vhdx_space_set_capacity(space, 8);
    a = get_block(0, 4);
    vhdx_space_release(space, a.start, 4, 5, 3, NOBODY);
    ck_assert_uint_eq(vhdx_space_settle(space, 6, 6, 2), 0);
    ck_assert_int_eq(try_alloc(1, 4, &b), -ENOSPC);
    ck_assert_uint_eq(vhdx_space_settle(space, 6, 6, 3), 4);
    ck_assert_int_eq(try_alloc(1, 4, &b), 0);
    end();
}
END_TEST

/* V4, S3: for each kind of metadata, and not for payload */
START_TEST(test_metadata_waits_for_tail)
{
    static const VhdxCell kinds[] = {
        VHDX_CELL_SB, VHDX_CELL_BAT, VHDX_CELL_METADATA,
        VHDX_CELL_PAYLOAD,
    };
    VhdxCell kind = kinds[_i];
    VhdxRun a, b;

    begin(4, 8);
    vhdx_space_set_capacity(space, 8);
    a = get(NOBODY, 4);
    vhdx_space_commit(space, &a, kind);
    vhdx_space_release(space, a.start, 4, 5, 3, NOBODY);
    if (kind != VHDX_CELL_PAYLOAD) {
        ck_assert_int_eq(cell_at(a.start), VHDX_CELL_RELEASING_META);
        ck_assert_uint_eq(vhdx_space_settle(space, 9, 4, 9), 0);
        ck_assert_uint_eq(vhdx_space_settle(space, 9, 5, 9), 0);
        ck_assert_int_eq(try_alloc(1, 4, &b), -ENOSPC);
    }
    ck_assert_uint_eq(vhdx_space_settle(space, 9, 6, 9), 4);
    ck_assert_int_eq(try_alloc(1, 4, &b), 0);
    end();
}
END_TEST

START_TEST(test_empty_log_frees_metadata)
{
    VhdxRun a;

    begin(4, 8);
    a = get(NOBODY, 1);
    vhdx_space_commit(space, &a, VHDX_CELL_SB);
    vhdx_space_release(space, a.start, 1, 5, 0, NOBODY);
    ck_assert_uint_eq(vhdx_space_settle(space, 5, UINT64_MAX, 0), 1);
    end();
}
END_TEST

/* One that waits for its epoch does not hold up a later one. */
START_TEST(test_settle_goes_past_one_that_waits)
{
    VhdxRun a, b;
    VhdxSpaceStats stats;

    begin(4, 12);
    a = get(NOBODY, 4);
    vhdx_space_commit(space, &a, VHDX_CELL_SB);
    b = get_block(1, 4);
    vhdx_space_release(space, a.start, 4, 5, 0, NOBODY);
    vhdx_space_release(space, b.start, 4, 6, 0, 1);
    ck_assert_uint_eq(vhdx_space_settle(space, 6, 2, 0), 4);
    ck_assert_int_eq(cell_at(b.start), VHDX_CELL_FREE_STALE);
    ck_assert_int_eq(cell_at(a.start), VHDX_CELL_RELEASING_META);
    vhdx_space_stats(space, &stats);
    ck_assert_uint_eq(stats.pending, 1);
    end();
}
END_TEST

/* V5, S4 */
START_TEST(test_aborted_run_is_stale)
{
    for (int written = 0; written < 2; written++) {
        VhdxRun a, b;

        begin(4, 4);
        a = get(0, 4);
        ck_assert_int_eq(a.class, VHDX_RUN_ZERO);
        ck_assert(!vhdx_run_needs_padding(&a));
        vhdx_space_abort(space, &a, written);
        ck_assert_int_eq(cell_at(a.start), written ? VHDX_CELL_FREE_STALE
                                                   : VHDX_CELL_FREE_ZERO);
        b = get(1, 4);
        ck_assert_uint_eq(b.start, a.start);
        ck_assert_int_eq(b.class, written ? VHDX_RUN_STALE : VHDX_RUN_ZERO);
        end();
    }
}
END_TEST

START_TEST(test_one_stale_unit_makes_the_run_stale)
{
    VhdxRun a, b;

    begin(4, 4);
    a = get(0, 1);
    vhdx_space_abort(space, &a, true);
    b = get(1, 4);
    ck_assert_uint_eq(b.start, a.start);
    ck_assert_int_eq(b.class, VHDX_RUN_STALE);
    vhdx_space_abort(space, &b, false);
    /* all of it: what was zero is not known any more */
    ck_assert_int_eq(cell_at(a.start + 3), VHDX_CELL_FREE_STALE);
    end();
}
END_TEST

/* S5 */
START_TEST(test_block_takes_its_own_back)
{
    VhdxRun a, b, other;

    begin(4, 8);
    vhdx_space_set_capacity(space, 8);
    a = get_block(3, 4);
    vhdx_space_release(space, a.start, 4, 5, 7, 3);
    ck_assert_int_eq(try_alloc(4, 4, &other), -ENOSPC);
    ck_assert_int_eq(try_alloc(3, 4, &b), 0);
    ck_assert_uint_eq(b.start, a.start);
    ck_assert_int_eq(b.class, VHDX_RUN_OWN);
    ck_assert(vhdx_run_needs_padding(&b));
    /* the release is gone: nothing settles */
    ck_assert_uint_eq(vhdx_space_settle(space, 9, 9, 9), 0);
    vhdx_space_commit(space, &b, VHDX_CELL_PAYLOAD);
    ck_assert_int_eq(cell_at(a.start), VHDX_CELL_PAYLOAD);
    end();
}
END_TEST

START_TEST(test_own_is_not_taken_once_durable)
{
    VhdxRun a, b;

    begin(4, 12);
    a = get_block(3, 4);
    vhdx_space_release(space, a.start, 4, 5, 7, 3);
    /* durable, but a request is still under way */
    ck_assert_uint_eq(vhdx_space_settle(space, 5, 5, 6), 0);
    ck_assert_int_eq(try_alloc(3, 4, &b), 0);
    ck_assert_int_eq(b.class, VHDX_RUN_STALE);
    ck_assert_uint_ne(b.start, a.start);
    end();
}
END_TEST

START_TEST(test_own_of_a_part_block_is_not_taken)
{
    VhdxRun a, b;

    begin(4, 12);
    a = get_block(3, 4);
    vhdx_space_release(space, a.start, 4, 5, 7, NOBODY);
    b = get(3, 4);
    ck_assert_uint_ne(b.start, a.start);
    /* and nobody is not an owner */
    a = get(NOBODY, 4);
    ck_assert_int_ne(a.class, VHDX_RUN_OWN);
    end();
}
END_TEST

START_TEST(test_own_with_limit_or_other_size_is_not_taken)
{
    VhdxRun a, b;
    uint64_t grow_to;

    begin(4, 12);
    a = get_block(3, 4);
    vhdx_space_release(space, a.start, 4, 5, 7, 3);
    ck_assert_int_eq(try_alloc(3, 1, &b), 0);
    ck_assert_int_ne(b.class, VHDX_RUN_OWN);
    ck_assert_int_eq(vhdx_space_alloc(space, 3, 4, 8, &b, &grow_to),
                     -ENOSPC);
    end();
}
END_TEST

START_TEST(test_aborted_own_waits_as_before)
{
    VhdxRun a, b;

    begin(4, 8);
    vhdx_space_set_capacity(space, 8);
    a = get_block(3, 4);
    vhdx_space_release(space, a.start, 4, 5, 7, 3);
    b = get(3, 4);
    vhdx_space_abort(space, &b, true);
    ck_assert_int_eq(cell_at(a.start), VHDX_CELL_RELEASING);
    ck_assert_uint_eq(vhdx_space_settle(space, 4, 4, 9), 0);
    ck_assert_uint_eq(vhdx_space_settle(space, 5, 4, 6), 0);
    ck_assert_uint_eq(vhdx_space_settle(space, 5, 4, 7), 4);
    end();
}
END_TEST

/* The order of pending survives an old generation that comes back. */
START_TEST(test_aborted_own_is_sorted_in)
{
    VhdxRun a, b, own;

    begin(4, 20);
    a = get_block(1, 4);
    b = get_block(2, 4);
    vhdx_space_release(space, a.start, 4, 5, 0, 1);
    own = get(1, 4);
    ck_assert_int_eq(own.class, VHDX_RUN_OWN);
    vhdx_space_release(space, b.start, 4, 6, 0, 2);
    vhdx_space_abort(space, &own, true);
    ck_assert_uint_eq(vhdx_space_settle(space, 5, 0, 0), 4);
    ck_assert_int_eq(cell_at(a.start), VHDX_CELL_FREE_STALE);
    ck_assert_int_eq(cell_at(b.start), VHDX_CELL_RELEASING);
    end();
}
END_TEST

START_TEST(test_newest_release_of_an_owner_comes_back)
{
    VhdxRun a, b, c;

    begin(4, 20);
    a = get_block(1, 4);
    vhdx_space_release(space, a.start, 4, 5, 0, NOBODY);
    b = get_block(1, 4);
    vhdx_space_release(space, b.start, 4, 6, 0, 1);
    c = get(1, 4);
    ck_assert_uint_eq(c.start, b.start);
    ck_assert_uint_eq(c.own_gen, 6);
    end();
}
END_TEST

/* V6, docs/vhdx-design.md section 5.1 */
START_TEST(test_barrier_table)
{
    VhdxRun zero = { .class = VHDX_RUN_ZERO };
    VhdxRun own = { .class = VHDX_RUN_OWN, .own_gen = 5 };
    VhdxRun stale = { .class = VHDX_RUN_STALE };

    ck_assert(!vhdx_run_needs_barrier(&zero, 5, true));
    ck_assert(vhdx_run_needs_barrier(&zero, 5, false));
    ck_assert(!vhdx_run_needs_barrier(&own, 5, true));
    ck_assert(vhdx_run_needs_barrier(&own, 6, true));
    ck_assert(vhdx_run_needs_barrier(&stale, 5, true));
    ck_assert(vhdx_run_needs_barrier(&stale, 5, false));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("vhdx-space-reuse");
    TCase *reuse = unit_case(s, "reuse");
    TCase *own = unit_case(s, "own");

    tcase_add_test(reuse, test_release_waits_for_durable);
    tcase_add_test(reuse, test_release_waits_for_epoch);
    tcase_add_loop_test(reuse, test_metadata_waits_for_tail, 0, 4);
    tcase_add_test(reuse, test_empty_log_frees_metadata);
    tcase_add_test(reuse, test_settle_goes_past_one_that_waits);
    tcase_add_test(reuse, test_aborted_run_is_stale);
    tcase_add_test(reuse, test_one_stale_unit_makes_the_run_stale);
    tcase_add_test(own, test_block_takes_its_own_back);
    tcase_add_test(own, test_own_is_not_taken_once_durable);
    tcase_add_test(own, test_own_of_a_part_block_is_not_taken);
    tcase_add_test(own, test_own_with_limit_or_other_size_is_not_taken);
    tcase_add_test(own, test_aborted_own_waits_as_before);
    tcase_add_test(own, test_aborted_own_is_sorted_in);
    tcase_add_test(own, test_newest_release_of_an_owner_comes_back);
    tcase_add_test(own, test_barrier_table);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
