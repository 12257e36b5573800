/*
 * Unit tests of the copy list: every rule of copy-list.h by name, a model test
 * with random operations (the seed is printed; VSCSI_SEED repeats a run), and a
 * test with threads.  Time is a number that the tests set.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "copy-list-fixture.h"

/* ------------------------------------------------------------ begin and end */

START_TEST(a_running_operation_shows_its_progress)
{
    VscsiCopyRecord record;
    uint64_t serial = begin(pt);

    ck_assert(vscsi_copy_list_query(list, VSCSI_COPY_QUERY_RRTI, 7, &record));
    ck_assert_int_eq(record.status.state, VSCSI_COPY_FOREGROUND);
    ck_assert_uint_eq(record.status.operation_counter, 0);
    ck_assert(vscsi_copy_list_progress(list, serial, 100, 3));
    ck_assert(vscsi_copy_list_progress(list, serial, 200, 4));
    now_ms += 50;
    ck_assert(vscsi_copy_list_query(list, VSCSI_COPY_QUERY_RRTI, 7, &record));
    ck_assert_uint_eq(record.serial, serial);
    ck_assert_uint_eq(record.list_id, 7);
    ck_assert_int_eq(record.form, VSCSI_COPY_LID4);
    ck_assert(!record.ended && !record.immed && !record.has_token);
    ck_assert(!record.abort_requested && !record.anonymous);
    ck_assert_int_eq(record.age_ms, 50);
    ck_assert_int_eq(record.kept_ms_left, -1);
    ck_assert_uint_eq(record.status.response_sa, VSCSI_SA_POPULATE_TOKEN);
    ck_assert_uint_eq(record.status.operation_counter, 2);
    ck_assert_uint_eq(record.status.count, 200);
    ck_assert_uint_eq(record.status.segments, 4);
    ck_assert_uint_eq(record.status.units, VSCSI_UNITS_BLOCKS);
    ck_assert_uint_eq(record.status.delay_ms, VSCSI_DELAY_UNKNOWN);
    ck_assert(!record.status.has_sense && !record.status.token);
    vscsi_copy_list_drop(list, serial);
}
END_TEST

START_TEST(an_immediate_operation_runs_in_the_background)
{
    VscsiCopyParams params = pt;
    VscsiCopyRecord record;

    params.immed = true;
    begin(params);
    ck_assert(vscsi_copy_list_query(list, VSCSI_COPY_QUERY_RCS4, 7, &record));
    ck_assert_int_eq(record.status.state, VSCSI_COPY_BACKGROUND);
}
END_TEST

START_TEST(progress_reported_after_the_end_changes_nothing)
{
    uint64_t serial = begin(pt);
    VscsiCopyRecord record;

    end(serial, &good);
    ck_assert(!vscsi_copy_list_progress(list, serial, 5, 5));
    ck_assert(ask(VSCSI_COPY_QUERY_RRTI, 7, 550, &record));
    ck_assert_uint_eq(record.status.count, 1000);
    ck_assert_uint_eq(record.status.operation_counter, 0);
    ck_assert(!vscsi_copy_list_progress(list, serial, 5, 5));
}
END_TEST

START_TEST(the_operation_counter_wraps)
{
    uint64_t serial = begin(pt);
    VscsiCopyRecord record;

    for (int i = 0; i < 65537; i++) {
        vscsi_copy_list_progress(list, serial, i, 0);
    }
    ck_assert(vscsi_copy_list_query(list, VSCSI_COPY_QUERY_RCS4, 7, &record));
    ck_assert_uint_eq(record.status.operation_counter, 1);
}
END_TEST

START_TEST(a_good_end_keeps_the_token_and_lets_the_op_go)
{
    uint64_t serial = begin(pt);
    VscsiCopyRecord record;

    ck_assert_uint_eq(nr_freed, 0);
    end(serial, &good);
    ck_assert_uint_eq(nr_freed, 1);
    ck_assert_uint_eq(vscsi_copy_list_running(list), 0);
    now_ms += 1;
    ck_assert(vscsi_copy_list_query(list, VSCSI_COPY_QUERY_RRTI, 7, &record));
    ck_assert(record.ended && record.has_token);
    ck_assert_int_eq(record.status.state, VSCSI_COPY_OK);
    ck_assert_uint_eq(record.status.completion_status, VSCSI_STATUS_GOOD);
    ck_assert_uint_eq(record.status.count, 1000);
    ck_assert_uint_eq(record.status.delay_ms, VSCSI_DELAY_FINISHED);
    ck_assert_ptr_eq(record.status.token, record.token);
    ck_assert_mem_eq(record.token, token, sizeof(token));
    ck_assert_int_eq(record.kept_ms_left, RETENTION_MS - 1);
}
END_TEST

START_TEST(a_failed_end_keeps_the_sense_and_no_token)
{
    VscsiCopyResult result = failed;
    VscsiCopyRecord record;

    result.token = token;
    end(begin(pt), &result);
    ck_assert(vscsi_copy_list_query(list, VSCSI_COPY_QUERY_RRTI, 7, &record));
    ck_assert_int_eq(record.status.state, VSCSI_COPY_ERROR);
    ck_assert_uint_eq(record.status.completion_status,
                      VSCSI_STATUS_CHECK_CONDITION);
    ck_assert(record.status.has_sense);
    ck_assert_sense(record.status.sense, 0x0a0d01);
    ck_assert(!record.has_token);
    ck_assert_ptr_null(record.status.token);
}
END_TEST

START_TEST(a_partial_end_keeps_token_and_sense)
{
    VscsiCopyResult result = failed;
    VscsiCopyRecord record;

    result.state = VSCSI_COPY_PARTIAL;
    result.token = token;
    end(begin(pt), &result);
    ck_assert(vscsi_copy_list_query(list, VSCSI_COPY_QUERY_RRTI, 7, &record));
    ck_assert_int_eq(record.status.state, VSCSI_COPY_PARTIAL);
    ck_assert(record.status.has_sense && record.has_token);
}
END_TEST

START_TEST(a_terminated_end_is_task_aborted_without_sense_or_token)
{
    VscsiCopyRecord record;

    end(begin(pt), &terminated);
    ck_assert(vscsi_copy_list_query(list, VSCSI_COPY_QUERY_RRTI, 7, &record));
    ck_assert_int_eq(record.status.state, VSCSI_COPY_TERMINATED);
    ck_assert_uint_eq(record.status.completion_status,
                      VSCSI_STATUS_TASK_ABORTED);
    ck_assert(!record.status.has_sense && !record.has_token);
}
END_TEST

START_TEST(an_id_in_progress_cannot_be_used_again)
{
    uint64_t serial = begin(pt), other;

    ck_assert_int_eq(try_begin(pt, &other), VSCSI_COPY_BEGIN_DUPLICATE);
    ck_assert_uint_eq(vscsi_copy_list_running(list), 1);
    end(serial, &good);
    begin(pt);
}
END_TEST

START_TEST(both_forms_share_one_number_space)
{
    VscsiCopyParams small = pt;
    uint64_t serial = begin(xcopy), other;

    ck_assert_int_eq(try_begin(small, &other), VSCSI_COPY_BEGIN_OTHER_FORM);
    ck_assert_int_eq(try_begin(xcopy, &other), VSCSI_COPY_BEGIN_DUPLICATE);
    vscsi_copy_list_drop(list, serial);
    begin(small);
    ck_assert_int_eq(try_begin(xcopy, &other), VSCSI_COPY_BEGIN_OTHER_FORM);
    small.list_id = 0xffffff07;
    begin(small);
}
END_TEST

START_TEST(a_new_operation_discards_the_old_result_of_its_id)
{
    VscsiCopyRecord record;
    uint64_t serial;

    end(begin(pt), &good);
    serial = begin(xcopy);
    ck_assert(vscsi_copy_list_query(list, VSCSI_COPY_QUERY_RCS4, 7, &record));
    ck_assert_uint_eq(record.serial, serial);
    ck_assert(!record.ended);
    ck_assert_int_eq(vscsi_copy_list_next_deadline(list), INT64_MAX);
}
END_TEST

START_TEST(a_refused_begin_keeps_the_old_result)
{
    uint64_t other;

    end(begin_id(7), &good);
    for (uint32_t i = 0; i < MAX_RUNNING; i++) {
        begin_id(100 + i);
    }
    ck_assert_int_eq(try_begin(pt, &other), VSCSI_COPY_BEGIN_TOO_MANY);
    ck_assert(known(7));
}
END_TEST

START_TEST(a_duplicate_is_told_even_at_the_limit)
{
    uint64_t other;

    for (uint32_t i = 0; i < MAX_RUNNING; i++) {
        begin_id(6 + i);
    }
    ck_assert_int_eq(try_begin(pt, &other), VSCSI_COPY_BEGIN_DUPLICATE);
    ck_assert_int_eq(try_begin(xcopy, &other), VSCSI_COPY_BEGIN_OTHER_FORM);
}
END_TEST

START_TEST(a_dropped_operation_leaves_nothing)
{
    vscsi_copy_list_drop(list, begin(pt));
    ck_assert(!known(7));
    ck_assert_uint_eq(nr_freed, 1);
}
END_TEST

START_TEST(an_operation_without_id_is_counted_and_never_found)
{
    VscsiCopyParams params = xcopy;
    uint64_t a, b, with_id, other;
    VscsiCopyRecord *records;
    unsigned count;

    params.anonymous = true;
    a = begin(params);
    b = begin(params);
    params.anonymous = false;
    params.list_id = 0;
    with_id = begin(params);
    ck_assert_int_eq(try_begin(pt, &other), VSCSI_COPY_BEGIN_TOO_MANY);
    records = vscsi_copy_list_snapshot(list, &count);
    ck_assert_uint_eq(count, 3);
    ck_assert(records[0].anonymous && !records[2].anonymous);
    g_free(records);
    ck_assert(!vscsi_copy_list_end(list, a, &good));
    vscsi_copy_list_drop(list, b);
    ck_assert(known(0));
    end(with_id, &good);
    ck_assert(known(0));
}
END_TEST

START_TEST(the_oldest_result_gives_way_to_newer_ones)
{
    uint64_t late = begin_id(1);

    for (uint32_t i = 2; i < 2 + MAX_ENDED; i++) {
        now_ms++;
        end(begin_id(i), &good);
    }
    end(late, &good);
    ck_assert(!known(2));
    ck_assert(known(1));
    for (uint32_t i = 3; i < 2 + MAX_ENDED; i++) {
        ck_assert(known(i));
    }
}
END_TEST

/* ------------------------------------------------------------------ queries */

START_TEST(an_unknown_id_is_unknown_to_every_query)
{
    VscsiCopyRecord record;

    begin_id(8);
    for (int q = VSCSI_COPY_QUERY_RRTI; q <= VSCSI_COPY_QUERY_LID1_FAILURE;
         q++) {
        ck_assert(!vscsi_copy_list_query(list, q, 9, &record));
    }
    ck_assert_ptr_null(vscsi_copy_list_abort(list, 9));
}
END_TEST

START_TEST(rrti_returned_in_full_discards_the_result)
{
    VscsiCopyRecord record;

    end(begin(pt), &good);
    ck_assert(ask(VSCSI_COPY_QUERY_RRTI, 7, 550, &record));
    ck_assert(!ask(VSCSI_COPY_QUERY_RRTI, 7, 550, &record));
    ck_assert(!known(7));
    end(begin(pt), &failed);
    ck_assert(ask(VSCSI_COPY_QUERY_RRTI, 7, 36, &record));
    ck_assert(!known(7));
}
END_TEST

START_TEST(rrti_with_allocation_length_zero_discards_the_result)
{
    VscsiCopyRecord record;

    end(begin(pt), &good);
    ck_assert(ask(VSCSI_COPY_QUERY_RRTI, 7, 0, &record));
    ck_assert(!known(7));
}
END_TEST

START_TEST(rrti_cut_short_discards_nothing)
{
    VscsiCopyRecord record;

    end(begin(pt), &good);
    ck_assert(ask(VSCSI_COPY_QUERY_RRTI, 7, 549, &record));
    ck_assert(ask(VSCSI_COPY_QUERY_RRTI, 7, 1, &record));
    ck_assert(record.has_token);
}
END_TEST

START_TEST(rrti_that_failed_in_transfer_discards_nothing)
{
    VscsiCopyRecord record;

    end(begin(pt), &good);
    ck_assert(vscsi_copy_list_query(list, VSCSI_COPY_QUERY_RRTI, 7, &record));
    /* vscsi_copy_list_returned() is not called */
    ck_assert(known(7));
}
END_TEST

START_TEST(rrti_of_a_running_operation_discards_nothing)
{
    uint64_t serial = begin(pt);
    VscsiCopyRecord record;

    ck_assert(ask(VSCSI_COPY_QUERY_RRTI, 7, 550, &record));
    ck_assert(ask(VSCSI_COPY_QUERY_RRTI, 7, 0, &record));
    /* also if it ends between the question and the answer */
    ck_assert(vscsi_copy_list_query(list, VSCSI_COPY_QUERY_RRTI, 7, &record));
    end(serial, &good);
    vscsi_copy_list_returned(list, VSCSI_COPY_QUERY_RRTI, &record, 550, 36);
    ck_assert(known(7));
}
END_TEST

START_TEST(a_late_return_does_not_discard_another_operations_result)
{
    VscsiCopyRecord record;

    end(begin(pt), &good);
    ck_assert(vscsi_copy_list_query(list, VSCSI_COPY_QUERY_RRTI, 7, &record));
    end(begin(pt), &failed);
    vscsi_copy_list_returned(list, VSCSI_COPY_QUERY_RRTI, &record, 550, 550);
    ck_assert(known(7));
}
END_TEST

START_TEST(rcs4_discards_nothing)
{
    VscsiCopyRecord record;

    end(begin(pt), &failed);
    ck_assert(ask(VSCSI_COPY_QUERY_RCS4, 7, 0, &record));
    ck_assert(ask(VSCSI_COPY_QUERY_RCS4, 7, 550, &record));
    ck_assert(ask(VSCSI_COPY_QUERY_RCS4, 7, 550, &record));
    ck_assert(record.status.has_sense);
    ck_assert(ask(VSCSI_COPY_QUERY_RRTI, 7, 550, &record));
    ck_assert(record.status.has_sense);
}
END_TEST

START_TEST(lid1_status_can_be_retrieved_once)
{
    uint64_t serial = begin(xcopy);
    VscsiCopyRecord record;

    ck_assert(ask(VSCSI_COPY_QUERY_LID1_STATUS, 7, 12, &record));
    ck_assert(!record.ended);
    ck_assert(ask(VSCSI_COPY_QUERY_LID1_STATUS, 7, 12, &record));
    end(serial, &good);
    ck_assert(ask(VSCSI_COPY_QUERY_LID1_STATUS, 7, 12, &record));
    ck_assert(record.ended);
    ck_assert(!ask(VSCSI_COPY_QUERY_LID1_STATUS, 7, 12, &record));
    ck_assert(!known(7));
}
END_TEST

START_TEST(failure_details_outlive_the_status)
{
    VscsiCopyRecord record;

    end(begin(xcopy), &failed);
    ck_assert(ask(VSCSI_COPY_QUERY_LID1_STATUS, 7, 12, &record));
    ck_assert(!ask(VSCSI_COPY_QUERY_LID1_STATUS, 7, 12, &record));
    ck_assert(ask(VSCSI_COPY_QUERY_LID1_FAILURE, 7, 12, &record));
    ck_assert(record.status.has_sense);
    ck_assert(ask(VSCSI_COPY_QUERY_LID1_FAILURE, 7, 100, &record));
    ck_assert(record.status.has_sense);
    ck_assert(!ask(VSCSI_COPY_QUERY_LID1_FAILURE, 7, 100, &record));
    ck_assert(!known(7));
}
END_TEST

START_TEST(the_status_outlives_failure_details)
{
    VscsiCopyRecord record;

    end(begin(xcopy), &failed);
    ck_assert(ask(VSCSI_COPY_QUERY_LID1_FAILURE, 7, 0, &record));
    ck_assert(ask(VSCSI_COPY_QUERY_LID1_FAILURE, 7, 100, &record));
    ck_assert(!record.status.has_sense);
    ck_assert(ask(VSCSI_COPY_QUERY_LID1_STATUS, 7, 12, &record));
    ck_assert_int_eq(record.status.state, VSCSI_COPY_ERROR);
    ck_assert(!known(7));
}
END_TEST

START_TEST(a_good_copy_has_no_failure_details)
{
    VscsiCopyRecord record;

    end(begin(xcopy), &good);
    ck_assert(ask(VSCSI_COPY_QUERY_LID1_FAILURE, 7, 100, &record));
    ck_assert(!record.status.has_sense);
    ck_assert(ask(VSCSI_COPY_QUERY_LID1_STATUS, 7, 12, &record));
    ck_assert(!known(7));
}
END_TEST

START_TEST(failure_details_of_a_running_copy_are_refused)
{
    VscsiCopyRecord record;

    begin(xcopy);
    ck_assert(!ask(VSCSI_COPY_QUERY_LID1_FAILURE, 7, 100, &record));
    ck_assert(ask(VSCSI_COPY_QUERY_RCS4, 7, 100, &record));
}
END_TEST

START_TEST(lid1_queries_do_not_see_lid4_operations)
{
    VscsiCopyRecord record;

    end(begin(pt), &failed);
    ck_assert(!ask(VSCSI_COPY_QUERY_LID1_STATUS, 7, 12, &record));
    ck_assert(!ask(VSCSI_COPY_QUERY_LID1_FAILURE, 7, 12, &record));
    ck_assert(known(7));
}
END_TEST

/* ------------------------------------------ abort, reset, nexus loss, time */

START_TEST(abort_asks_the_operation_to_stop_and_holds_it)
{
    uint64_t serial = begin(pt);
    VscsiCopyRecord record;
    VscsiCopyOp *op;

    op = vscsi_copy_list_abort(list, 7);
    ck_assert_ptr_nonnull(op);
    ck_assert(!vscsi_copy_list_progress(list, serial, 1, 0));
    ck_assert(vscsi_copy_list_query(list, VSCSI_COPY_QUERY_RCS4, 7, &record));
    ck_assert(record.abort_requested && !record.ended);
    end(serial, &terminated);
    ck_assert_uint_eq(nr_freed, 0);
    vscsi_copy_op_unref(op);
    ck_assert_uint_eq(nr_freed, 1);
    ck_assert(known(7));
}
END_TEST

START_TEST(abort_of_an_ended_operation_finds_nothing)
{
    end(begin(pt), &good);
    ck_assert_ptr_null(vscsi_copy_list_abort(list, 7));
    ck_assert(known(7));
}
END_TEST

START_TEST(reset_discards_all_and_returns_the_running_operations)
{
    uint64_t a, b, other;
    VscsiCopyOp **ops;
    unsigned count = 99;

    ck_assert_ptr_null(vscsi_copy_list_reset(list, &count));
    ck_assert_uint_eq(count, 0);
    end(begin_id(1), &good);
    a = begin_id(2);
    b = begin_id(3);
    ops = vscsi_copy_list_reset(list, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert(!known(1) && !known(2) && !known(3));
    ck_assert_ptr_null(vscsi_copy_list_abort(list, 2));
    ck_assert(!vscsi_copy_list_progress(list, a, 1, 0));

    /* the id is free, but what still runs is counted */
    other = begin_id(2);
    ck_assert_uint_eq(vscsi_copy_list_running(list), 3);
    ck_assert_int_eq(try_begin(pt, &other), VSCSI_COPY_BEGIN_TOO_MANY);
    ck_assert(!vscsi_copy_list_end(list, a, &terminated));
    vscsi_copy_list_drop(list, b);
    ck_assert(known(2));
    ck_assert_uint_eq(vscsi_copy_list_running(list), 1);
    for (unsigned i = 0; i < count; i++) {
        vscsi_copy_op_unref(ops[i]);
    }
    g_free(ops);
}
END_TEST

START_TEST(a_second_reset_returns_what_the_first_could_not_stop)
{
    uint64_t serial = begin_id(2);
    VscsiCopyOp **ops;
    unsigned count;

    for (int i = 0; i < 2; i++) {
        ops = vscsi_copy_list_reset(list, &count);
        ck_assert_uint_eq(count, 1);
        vscsi_copy_op_unref(ops[0]);
        g_free(ops);
    }
    ck_assert(!vscsi_copy_list_end(list, serial, &terminated));
}
END_TEST

START_TEST(nexus_loss_drops_results_and_lets_operations_go_on)
{
    uint64_t serial = begin_id(1);

    end(begin_id(2), &good);
    vscsi_copy_list_nexus_loss(list);
    ck_assert(!known(2));
    ck_assert(known(1));
    ck_assert(vscsi_copy_list_progress(list, serial, 1, 0));
    end(serial, &good);
    ck_assert(known(1));
}
END_TEST

START_TEST(a_result_is_kept_for_its_time_and_no_longer)
{
    uint64_t serial = begin_id(1);

    ck_assert_int_eq(vscsi_copy_list_next_deadline(list), INT64_MAX);
    end(begin_id(2), &good);
    ck_assert_int_eq(vscsi_copy_list_next_deadline(list),
                     now_ms + RETENTION_MS);
    now_ms += RETENTION_MS - 1;
    ck_assert(known(2));
    now_ms++;
    ck_assert(!known(2));
    ck_assert(known(1));
    end(serial, &good);
    now_ms += RETENTION_MS;
    vscsi_copy_list_expire(list);
    ck_assert_int_eq(vscsi_copy_list_next_deadline(list), INT64_MAX);
}
END_TEST

START_TEST(a_clock_set_back_leaves_the_rest_of_the_time)
{
    VscsiCopyRecord record;

    now_ms = 1000000;
    begin_id(1);
    now_ms += 100;
    end(begin_id(2), &good);
    now_ms += 100;
    vscsi_copy_list_expire(list);
    now_ms -= 500000;
    ck_assert_int_eq(vscsi_copy_list_next_deadline(list),
                     now_ms + RETENTION_MS - 100);
    ck_assert(ask(VSCSI_COPY_QUERY_RCS4, 1, 550, &record));
    ck_assert_int_eq(record.age_ms, 200);
    now_ms += RETENTION_MS - 101;
    ck_assert(known(2));
    now_ms++;
    ck_assert(!known(2));
}
END_TEST

START_TEST(the_snapshot_shows_all_oldest_first_without_tokens)
{
    static const uint8_t none[VSCSI_ROD_TOKEN_LEN];
    VscsiCopyRecord *records;
    uint64_t first, orphan;
    VscsiCopyOp **ops;
    unsigned count = 99;

    ck_assert_ptr_null(vscsi_copy_list_snapshot(list, &count));
    ck_assert_uint_eq(count, 0);
    orphan = begin_id(9);
    ops = vscsi_copy_list_reset(list, &count);
    vscsi_copy_op_unref(ops[0]);
    g_free(ops);
    ck_assert_ptr_null(vscsi_copy_list_snapshot(list, &count));
    first = begin_id(3);
    end(begin_id(2), &good);
    begin_id(1);
    records = vscsi_copy_list_snapshot(list, &count);
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(records[0].serial, first);
    ck_assert_uint_eq(records[1].list_id, 2);
    ck_assert_uint_eq(records[2].list_id, 1);
    ck_assert(records[1].has_token);
    ck_assert_ptr_null(records[1].status.token);
    ck_assert_mem_eq(records[1].token, none, sizeof(none));
    g_free(records);
    vscsi_copy_list_drop(list, orphan);
}
END_TEST

START_TEST(a_list_is_freed_with_operations_that_run)
{
    begin_id(1);
    end(begin_id(2), &good);
    begin_id(3);
    vscsi_copy_list_free(g_steal_pointer(&list));
    ck_assert_uint_eq(nr_freed, 3);
    vscsi_copy_list_free(NULL);
    vscsi_copy_op_unref(NULL);
}
END_TEST

#include "copy-list-random.c.inc"

int main(void)
{
    const TTest *const tests[] = {
        a_running_operation_shows_its_progress,
        an_immediate_operation_runs_in_the_background,
        progress_reported_after_the_end_changes_nothing,
        the_operation_counter_wraps,
        a_good_end_keeps_the_token_and_lets_the_op_go,
        a_failed_end_keeps_the_sense_and_no_token,
        a_partial_end_keeps_token_and_sense,
        a_terminated_end_is_task_aborted_without_sense_or_token,
        an_id_in_progress_cannot_be_used_again,
        both_forms_share_one_number_space,
        a_new_operation_discards_the_old_result_of_its_id,
        a_refused_begin_keeps_the_old_result,
        a_duplicate_is_told_even_at_the_limit,
        a_dropped_operation_leaves_nothing,
        an_operation_without_id_is_counted_and_never_found,
        the_oldest_result_gives_way_to_newer_ones,
        an_unknown_id_is_unknown_to_every_query,
        rrti_returned_in_full_discards_the_result,
        rrti_with_allocation_length_zero_discards_the_result,
        rrti_cut_short_discards_nothing,
        rrti_that_failed_in_transfer_discards_nothing,
        rrti_of_a_running_operation_discards_nothing,
        a_late_return_does_not_discard_another_operations_result,
        rcs4_discards_nothing,
        lid1_status_can_be_retrieved_once,
        failure_details_outlive_the_status,
        the_status_outlives_failure_details,
        a_good_copy_has_no_failure_details,
        failure_details_of_a_running_copy_are_refused,
        lid1_queries_do_not_see_lid4_operations,
        abort_asks_the_operation_to_stop_and_holds_it,
        abort_of_an_ended_operation_finds_nothing,
        reset_discards_all_and_returns_the_running_operations,
        a_second_reset_returns_what_the_first_could_not_stop,
        nexus_loss_drops_results_and_lets_operations_go_on,
        a_result_is_kept_for_its_time_and_no_longer,
        a_clock_set_back_leaves_the_rest_of_the_time,
        the_snapshot_shows_all_oldest_first_without_tokens,
        a_list_is_freed_with_operations_that_run,
        random_operations_agree_with_a_naive_model,
        threads_share_the_list,
    };
    Suite *suite = suite_create("copy-list");
    TCase *tcase = unit_case(suite, "copy-list");

    tcase_add_checked_fixture(tcase, setup, teardown);
    for (unsigned i = 0; i < ARRAY_SIZE(tests); i++) {
        tcase_add_test(tcase, tests[i]);
    }
    return unit_run(suite);
}
