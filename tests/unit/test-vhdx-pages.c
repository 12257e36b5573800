/*
 * VHDX metadata pages, rule by rule (P1 to P6, see pages.h)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/vhdx/pages.h"
#include "unit.h"

#define RING 256u

static VhdxPages *pages;

static void commit_batch(VhdxBatch *batch)
{
    VhdxFlush flush;

    ck_assert_ptr_nonnull(batch);
    vhdx_pages_written(pages, batch);
    flush = vhdx_pages_flush_begin(pages);
    vhdx_pages_flush_end(pages, &flush);
}

static void begin(size_t max_clean)
{
    pages = vhdx_pages_new(max_clean, RING, 100);
    commit_batch(vhdx_pages_seal_tail(pages));
}

static void end(void)
{
    vhdx_pages_free(pages);
}

/* The page, loaded with zeros if it is not there; pinned */
static VhdxPage *page_at(uint64_t offset)
{
    VhdxPage *page = vhdx_pages_get(pages, offset);

    if (!page) {
        page = vhdx_pages_load_begin(pages, offset);
        vhdx_pages_load_end(pages, page, true);
    }
    return page;
}

static void edit(unsigned index, uint8_t value)
{
    VhdxPage *page = page_at(index * VHDX_PAGE_SIZE);

    ck_assert(vhdx_pages_begin(pages, 1));
    vhdx_page_edit(pages, page)[7] = value;
    vhdx_page_unpin(pages, page);
}

static void edit_many(unsigned first, unsigned count, uint8_t value)
{
    for (unsigned i = first; i < first + count; i++) {
        edit(i, value);
    }
}

static void flush_now(void)
{
    VhdxFlush flush = vhdx_pages_flush_begin(pages);

    vhdx_pages_flush_end(pages, &flush);
}

static void apply_now(void)
{
    size_t count;
    VhdxApply *writes = vhdx_pages_apply_begin(pages, &count);

    ck_assert_ptr_nonnull(writes);
    vhdx_pages_apply_end(pages);
    g_free(writes);
}

START_TEST(test_cache_returns_what_was_loaded)
{
    VhdxPage *page;

    begin(4);
    ck_assert_ptr_null(vhdx_pages_get(pages, 4096));
    page = vhdx_pages_load_begin(pages, 4096);
    ck_assert_uint_eq(vhdx_page_offset(page), 4096);
    memset(vhdx_page_load_buffer(page), 0x5a, VHDX_PAGE_SIZE);
    vhdx_pages_load_end(pages, page, true);
    vhdx_page_unpin(pages, page);
    page = vhdx_pages_get(pages, 4096);
    ck_assert_int_eq(vhdx_page_state(page), VHDX_PAGE_READY);
    ck_assert_uint_eq(vhdx_page_data(page)[VHDX_PAGE_SIZE - 1], 0x5a);
    ck_assert(vhdx_page_is_durable(pages, page));
    vhdx_page_unpin(pages, page);
    end();
}
END_TEST

/*
 * Two who read the same page from the file: one might change, log and evict
 * it before the other one's older copy arrives.  There is no second reader.
 */
START_TEST(test_one_loads_others_wait)
{
    VhdxPage *first, *second;

    begin(0);
    first = vhdx_pages_load_begin(pages, 4096);
    second = vhdx_pages_get(pages, 4096);
    ck_assert_ptr_eq(first, second);
    ck_assert_int_eq(vhdx_page_state(second), VHDX_PAGE_LOADING);
    vhdx_pages_load_end(pages, first, true);
    ck_assert_int_eq(vhdx_page_state(second), VHDX_PAGE_READY);
    vhdx_page_unpin(pages, first);
    vhdx_page_unpin(pages, second);
    ck_assert_ptr_null(vhdx_pages_get(pages, 4096));
    end();
}
END_TEST

START_TEST(test_failed_load_can_be_tried_again)
{
    VhdxPage *first, *second, *again;

    begin(4);
    first = vhdx_pages_load_begin(pages, 4096);
    second = vhdx_pages_get(pages, 4096);
    vhdx_pages_load_end(pages, first, false);
    ck_assert_int_eq(vhdx_page_state(second), VHDX_PAGE_FAILED);
    ck_assert_ptr_null(vhdx_pages_get(pages, 4096));
    again = vhdx_pages_load_begin(pages, 4096);
    vhdx_page_unpin(pages, first);
    vhdx_page_unpin(pages, second);
    vhdx_pages_load_end(pages, again, true);
    vhdx_page_unpin(pages, again);
    again = vhdx_pages_get(pages, 4096);
    ck_assert_int_eq(vhdx_page_state(again), VHDX_PAGE_READY);
    vhdx_page_unpin(pages, again);
    end();
}
END_TEST

START_TEST(test_new_metadata_is_zero)
{
    VhdxPage *page;

    begin(4);
    page = vhdx_pages_add_zero(pages, 4096);
    ck_assert_int_eq(vhdx_page_state(page), VHDX_PAGE_READY);
    for (unsigned i = 0; i < VHDX_PAGE_SIZE; i++) {
        ck_assert_uint_eq(vhdx_page_data(page)[i], 0);
    }
    vhdx_page_unpin(pages, page);
    end();
}
END_TEST

/* V17 */
START_TEST(test_evicts_clean_only)
{
    VhdxPagesStats stats;
    VhdxPage *pinned;

    begin(3);
    edit(0, 1);
    commit_batch(vhdx_pages_seal(pages));       /* live: not applied */
    edit(1, 1);                                 /* dirty */
    pinned = page_at(2 * VHDX_PAGE_SIZE);
    for (unsigned i = 10; i < 30; i++) {
        vhdx_page_unpin(pages, page_at(i * VHDX_PAGE_SIZE));
    }
    vhdx_pages_stats(pages, &stats);
    ck_assert_uint_eq(stats.clean, 3);
    ck_assert_uint_eq(stats.pages, 6);
    for (unsigned i = 0; i < 3; i++) {
        VhdxPage *page = vhdx_pages_get(pages, i * VHDX_PAGE_SIZE);

        ck_assert_ptr_nonnull(page);
        ck_assert_uint_eq(vhdx_page_data(page)[7], i < 2);
        vhdx_page_unpin(pages, page);
    }
    vhdx_page_unpin(pages, pinned);
    vhdx_pages_stats(pages, &stats);
    ck_assert_uint_eq(stats.pages, 5);
    /* in place now: can go */
    apply_now();
    vhdx_pages_stats(pages, &stats);
    ck_assert_uint_eq(stats.pages, 4);
    end();
}
END_TEST

START_TEST(test_least_recently_used_goes_first)
{
    VhdxPage *page;

    begin(2);
    for (unsigned i = 0; i < 2; i++) {
        vhdx_page_unpin(pages, page_at(i * VHDX_PAGE_SIZE));
    }
    vhdx_page_unpin(pages, vhdx_pages_get(pages, 0));
    vhdx_page_unpin(pages, page_at(2 * VHDX_PAGE_SIZE));
    ck_assert_ptr_null(vhdx_pages_get(pages, VHDX_PAGE_SIZE));
    page = vhdx_pages_get(pages, 0);
    ck_assert_ptr_nonnull(page);
    vhdx_page_unpin(pages, page);
    end();
}
END_TEST

START_TEST(test_dropped_pages_are_forgotten)
{
    VhdxPage *page;

    begin(4);
    vhdx_page_unpin(pages, page_at(1 << 20));
    vhdx_page_unpin(pages, page_at(2 << 20));
    vhdx_pages_drop(pages, 1 << 20, 1 << 20);
    ck_assert_ptr_null(vhdx_pages_get(pages, 1 << 20));
    page = vhdx_pages_get(pages, 2 << 20);
    ck_assert_ptr_nonnull(page);
    vhdx_page_unpin(pages, page);
    end();
}
END_TEST

START_TEST(test_batch_is_the_content_at_the_seal)
{
    VhdxBatch *batch;

    begin(9);
    edit(3, 30);
    edit(5, 50);
    edit(3, 31);
    vhdx_pages_set_barrier(pages);
    ck_assert_uint_eq(vhdx_pages_open_gen(pages), 1);
    batch = vhdx_pages_seal(pages);
    ck_assert_uint_eq(vhdx_pages_open_gen(pages), 2);
    ck_assert(!vhdx_pages_dirty(pages));
    edit(3, 32);
    ck_assert_uint_eq(batch->gen, 1);
    ck_assert_uint_eq(batch->sequence, 101);
    ck_assert_uint_eq(batch->page_count, 2);
    ck_assert_uint_eq(batch->sectors, 3);
    ck_assert_uint_eq(batch->log_sector, 1);
    ck_assert_uint_eq(batch->tail_sector, 1);
    ck_assert(batch->barrier);
    ck_assert_uint_eq(batch->offsets[0], 3 * VHDX_PAGE_SIZE);
    ck_assert_uint_eq(batch->data[7], 31);
    ck_assert_uint_eq(batch->data[VHDX_PAGE_SIZE + 7], 50);
    commit_batch(batch);
    /* the barrier was that batch's only */
    ck_assert(!vhdx_pages_seal(pages)->barrier);
    end();
}
END_TEST

START_TEST(test_sizes_follow_the_log)
{
    static const struct {
        uint32_t sectors, batch_max;
    } logs[] = {
        /* 127 sectors: one of descriptors; 255: two; ... */
        { 256, 126 }, { 512, 253 }, { 1024, 507 }, { 4096, 1024 },
        { 1 << 20, 1024 },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(logs); i++) {
        VhdxPagesStats stats;

        pages = vhdx_pages_new(0, logs[i].sectors, 1);
        ck_assert_uint_eq(vhdx_pages_batch_max(pages), logs[i].batch_max);
        vhdx_pages_stats(pages, &stats);
        ck_assert_uint_le(stats.ring_limit, VHDX_RING_USE_MAX);
        end();
    }
}
END_TEST

START_TEST(test_full_batch_refuses)
{
    begin(0);
    edit_many(0, 126, 1);
    ck_assert(!vhdx_pages_begin(pages, 1));
    ck_assert(vhdx_pages_begin(pages, 0));
    commit_batch(vhdx_pages_seal(pages));
    ck_assert(vhdx_pages_begin(pages, 126));
    end();
}
END_TEST

START_TEST(test_flush_covers_its_start)
{
    VhdxBatch *batch;
    VhdxFlush early, late;
    size_t count;

    begin(0);
    edit(0, 1);
    batch = vhdx_pages_seal(pages);
    early = vhdx_pages_flush_begin(pages);
    vhdx_pages_written(pages, batch);
    late = vhdx_pages_flush_begin(pages);
    vhdx_pages_flush_end(pages, &early);
    ck_assert_int_eq(batch->state, VHDX_BATCH_WRITTEN);
    ck_assert_uint_eq(vhdx_pages_durable_gen(pages), 0);
    vhdx_pages_flush_end(pages, &late);
    ck_assert_int_eq(batch->state, VHDX_BATCH_DURABLE);
    ck_assert_uint_eq(vhdx_pages_durable_gen(pages), 1);

    g_free(vhdx_pages_apply_begin(pages, &count));
    early = vhdx_pages_flush_begin(pages);
    vhdx_pages_apply_end(pages);
    vhdx_pages_flush_end(pages, &early);
    ck_assert_int_eq(batch->state, VHDX_BATCH_APPLIED);
    flush_now();
    ck_assert_int_eq(batch->state, VHDX_BATCH_RETIRED);
    end();
}
END_TEST

/* An entry without pages behind a batch does not carry it along. */
START_TEST(test_empty_entry_retires_nothing)
{
    VhdxBatch *batch;
    VhdxFlush flush;
    size_t count;

    begin(0);
    edit(0, 1);
    commit_batch(vhdx_pages_seal(pages));
    apply_now();
    edit(1, 1);
    batch = vhdx_pages_seal(pages);
    commit_batch(batch);                        /* the first is RETIRED */
    commit_batch(vhdx_pages_seal_tail(pages));
    g_free(vhdx_pages_apply_begin(pages, &count));
    flush = vhdx_pages_flush_begin(pages);
    vhdx_pages_apply_end(pages);
    vhdx_pages_flush_end(pages, &flush);
    ck_assert_int_eq(batch->state, VHDX_BATCH_APPLIED);
    end();
}
END_TEST

/* V9 */
START_TEST(test_apply_needs_durable)
{
    VhdxBatch *batch;
    size_t count;

    begin(0);
    edit(0, 1);
    batch = vhdx_pages_seal(pages);
    ck_assert_ptr_null(vhdx_pages_apply_begin(pages, &count));
    vhdx_pages_written(pages, batch);
    ck_assert_ptr_null(vhdx_pages_apply_begin(pages, &count));
    flush_now();
    apply_now();
    ck_assert_ptr_null(vhdx_pages_apply_begin(pages, &count));
    end();
}
END_TEST

/* V8 */
START_TEST(test_apply_newest_once)
{
    VhdxApply *writes;
    size_t count;

    begin(0);
    for (unsigned i = 0; i < 5; i++) {
        edit(9, 10 + i);
        edit(4 - i, 20 + i);
        commit_batch(vhdx_pages_seal(pages));
    }
    edit(9, 99);                /* dirty: not for the disk yet */
    writes = vhdx_pages_apply_begin(pages, &count);
    ck_assert_uint_eq(count, 6);
    for (unsigned i = 0; i < 5; i++) {
        ck_assert_uint_eq(writes[i].offset, i * VHDX_PAGE_SIZE);
        ck_assert_uint_eq(writes[i].data[7], 24 - i);
    }
    ck_assert_uint_eq(writes[5].data[7], 14);
    vhdx_pages_apply_end(pages);
    g_free(writes);
    end();
}
END_TEST

START_TEST(test_batch_durable_meanwhile_is_not_applied)
{
    VhdxApply *writes;
    VhdxBatch *batch;
    size_t count;

    begin(0);
    edit(0, 1);
    commit_batch(vhdx_pages_seal(pages));
    g_free(vhdx_pages_apply_begin(pages, &count));
    edit(0, 2);
    batch = vhdx_pages_seal(pages);
    commit_batch(batch);
    vhdx_pages_apply_end(pages);
    ck_assert_int_eq(batch->state, VHDX_BATCH_DURABLE);
    writes = vhdx_pages_apply_begin(pages, &count);
    ck_assert_uint_eq(writes[0].data[7], 2);
    g_free(writes);
    end();
}
END_TEST

/* V10: Tail moves in the entry after the flush, space comes with the next. */
START_TEST(test_ring_space_comes_back_with_a_durable_tail)
{
    VhdxPagesStats stats;
    VhdxBatch *batch;

    begin(0);
    edit_many(0, 9, 1);
    commit_batch(vhdx_pages_seal(pages));
    vhdx_pages_stats(pages, &stats);
    /* the first entry is out: Tail of the second is itself */
    ck_assert_uint_eq(stats.ring_used, 10);
    edit(0, 2);
    batch = vhdx_pages_seal(pages);
    ck_assert_uint_eq(batch->tail_sector, 1);
    commit_batch(batch);
    apply_now();
    edit(0, 3);
    batch = vhdx_pages_seal(pages);
    ck_assert_uint_eq(batch->tail_sector, 1);   /* applied, not flushed */
    commit_batch(batch);                        /* that flush retires */
    edit(0, 4);
    batch = vhdx_pages_seal(pages);
    ck_assert_uint_eq(batch->tail_sector, 13);
    vhdx_pages_written(pages, batch);
    vhdx_pages_stats(pages, &stats);
    ck_assert_uint_eq(stats.ring_used, 16);     /* torn, maybe */
    flush_now();
    vhdx_pages_stats(pages, &stats);
    ck_assert_uint_eq(stats.ring_used, 4);
    end();
}
END_TEST

/* V11, P6: from full to room by the steps it asks for, each once */
START_TEST(test_full_ring_drains)
{
    VhdxRoom want[] = {
        VHDX_ROOM_APPLY, VHDX_ROOM_FLUSH, VHDX_ROOM_TAIL, VHDX_ROOM_OK,
    };

    begin(0);
    edit_many(0, 126, 1);
    commit_batch(vhdx_pages_seal(pages));
    edit_many(0, 100, 2);
    commit_batch(vhdx_pages_seal(pages));
    edit_many(0, 126, 3);
    for (unsigned i = 0; i < ARRAY_SIZE(want); i++) {
        ck_assert_int_eq(vhdx_pages_room(pages), want[i]);
        switch (want[i]) {
        case VHDX_ROOM_APPLY:
            ck_assert_ptr_null(vhdx_pages_seal(pages));
            ck_assert_ptr_null(vhdx_pages_seal_tail(pages));
            ck_assert(vhdx_pages_should_apply(pages));
            apply_now();
            ck_assert(!vhdx_pages_should_apply(pages));
            break;
        case VHDX_ROOM_FLUSH:
            flush_now();
            break;
        case VHDX_ROOM_TAIL:
            ck_assert_ptr_null(vhdx_pages_seal(pages));
            commit_batch(vhdx_pages_seal_tail(pages));
            break;
        case VHDX_ROOM_OK:
            commit_batch(vhdx_pages_seal(pages));
        }
    }
    end();
}
END_TEST

START_TEST(test_generations_for_space)
{
    begin(0);
    ck_assert_uint_eq(vhdx_pages_tail_gen(pages), 1);
    edit(0, 1);
    commit_batch(vhdx_pages_seal(pages));
    ck_assert_uint_eq(vhdx_pages_durable_gen(pages), 1);
    ck_assert_uint_eq(vhdx_pages_tail_gen(pages), 1);
    edit(0, 2);
    commit_batch(vhdx_pages_seal(pages));
    apply_now();
    flush_now();
    ck_assert_uint_eq(vhdx_pages_tail_gen(pages), 1);
    edit(1, 1);                         /* in the open batch, 3 */
    commit_batch(vhdx_pages_seal_tail(pages));
    /* an entry without pages makes no open change durable */
    ck_assert_uint_eq(vhdx_pages_durable_gen(pages), 2);
    ck_assert_uint_eq(vhdx_pages_open_gen(pages), 3);
    ck_assert_uint_eq(vhdx_pages_tail_gen(pages), 3);
    end();
}
END_TEST

START_TEST(test_page_is_durable_with_its_batch)
{
    VhdxPage *page;
    VhdxBatch *batch;

    begin(0);
    page = page_at(0);
    edit(0, 1);
    ck_assert(!vhdx_page_is_durable(pages, page));
    batch = vhdx_pages_seal(pages);
    ck_assert(!vhdx_page_is_durable(pages, page));
    commit_batch(batch);
    ck_assert(vhdx_page_is_durable(pages, page));
    edit(0, 2);
    ck_assert(!vhdx_page_is_durable(pages, page));
    vhdx_page_unpin(pages, page);
    end();
}
END_TEST

START_TEST(test_quiet_then_anew)
{
    VhdxBatch *batch;

    begin(0);
    ck_assert(vhdx_pages_quiet(pages));
    edit(0, 1);
    ck_assert(!vhdx_pages_quiet(pages));
    commit_batch(vhdx_pages_seal(pages));
    ck_assert(!vhdx_pages_quiet(pages));
    apply_now();
    ck_assert(!vhdx_pages_quiet(pages));
    flush_now();
    ck_assert(vhdx_pages_quiet(pages));
    vhdx_pages_log_reset(pages);
    batch = vhdx_pages_seal_tail(pages);
    ck_assert_uint_eq(batch->log_sector, 0);
    ck_assert_uint_eq(batch->tail_sector, 0);
    ck_assert_uint_eq(batch->sequence, 102);
    end();
}
END_TEST

START_TEST(test_in_doubt_between_write_and_flush)
{
    VhdxBatch *batch;
    size_t count;

    begin(0);
    edit(0, 1);
    ck_assert(!vhdx_pages_in_doubt(pages));
    batch = vhdx_pages_seal(pages);
    vhdx_pages_written(pages, batch);
    ck_assert(vhdx_pages_in_doubt(pages));
    flush_now();
    ck_assert(!vhdx_pages_in_doubt(pages));
    g_free(vhdx_pages_apply_begin(pages, &count));
    ck_assert(vhdx_pages_in_doubt(pages));
    vhdx_pages_apply_end(pages);
    ck_assert(vhdx_pages_in_doubt(pages));
    flush_now();
    ck_assert(!vhdx_pages_in_doubt(pages));
    end();
}
END_TEST

START_TEST(test_poison_stops_changes_not_reads)
{
    VhdxPage *page;

    begin(4);
    edit(0, 42);
    vhdx_pages_poison(pages);
    ck_assert(vhdx_pages_poisoned(pages));
    ck_assert(!vhdx_pages_begin(pages, 1));
    ck_assert_ptr_null(vhdx_pages_seal(pages));
    ck_assert_ptr_null(vhdx_pages_seal_tail(pages));
    page = vhdx_pages_get(pages, 0);
    ck_assert_uint_eq(vhdx_page_data(page)[7], 42);
    vhdx_page_unpin(pages, page);
    page = page_at(1 << 20);
    vhdx_page_unpin(pages, page);
    end();
}
END_TEST

START_TEST(test_misuse_asserts)
{
    VhdxPage *page;

    fclose(stderr);
    begin(4);
    page = page_at(0);
    switch (_i) {
    case 0:                     /* not announced */
        vhdx_page_edit(pages, page);
        break;
    case 1:                     /* announcement used up by a commit */
        edit(1, 1);
        vhdx_pages_begin(pages, 1);
        vhdx_pages_seal(pages);
        vhdx_page_edit(pages, page);
        break;
    case 2:                     /* head on disk not known */
        edit(1, 1);
        vhdx_pages_seal(pages);
        edit(1, 1);
        vhdx_pages_seal(pages);
        break;
    case 3:
        vhdx_pages_drop(pages, 0, VHDX_PAGE_SIZE);
        break;
    case 4:
        edit(1, 1);
        vhdx_pages_log_reset(pages);
        break;
    case 5:
        vhdx_page_unpin(pages, page);
        vhdx_page_unpin(pages, page);
        break;
    case 6:
        vhdx_pages_begin(pages, 127);
        break;
    case 7:
        vhdx_pages_load_begin(pages, 512);
        break;
    case 8:                     /* a second reader */
        vhdx_pages_load_begin(pages, 0);
        break;
    case 9:                     /* read before it is there */
        vhdx_page_data(vhdx_pages_load_begin(pages, 4096));
        break;
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("vhdx-pages");
    TCase *cache = unit_case(s, "cache");
    TCase *batch = unit_case(s, "batch");
    TCase *ring = unit_case(s, "ring");

    tcase_add_test(cache, test_cache_returns_what_was_loaded);
    tcase_add_test(cache, test_one_loads_others_wait);
    tcase_add_test(cache, test_failed_load_can_be_tried_again);
    tcase_add_test(cache, test_new_metadata_is_zero);
    tcase_add_test(cache, test_evicts_clean_only);
    tcase_add_test(cache, test_least_recently_used_goes_first);
    tcase_add_test(cache, test_dropped_pages_are_forgotten);
    tcase_add_test(batch, test_batch_is_the_content_at_the_seal);
    tcase_add_test(batch, test_sizes_follow_the_log);
    tcase_add_test(batch, test_full_batch_refuses);
    tcase_add_test(batch, test_flush_covers_its_start);
    tcase_add_test(batch, test_empty_entry_retires_nothing);
    tcase_add_test(batch, test_apply_needs_durable);
    tcase_add_test(batch, test_apply_newest_once);
    tcase_add_test(batch, test_batch_durable_meanwhile_is_not_applied);
    tcase_add_test(ring, test_ring_space_comes_back_with_a_durable_tail);
    tcase_add_test(ring, test_full_ring_drains);
    tcase_add_test(ring, test_generations_for_space);
    tcase_add_test(ring, test_page_is_durable_with_its_batch);
    tcase_add_test(ring, test_quiet_then_anew);
    tcase_add_test(ring, test_in_doubt_between_write_and_flush);
    tcase_add_test(ring, test_poison_stops_changes_not_reads);
    tcase_add_loop_test_raise_signal(ring, test_misuse_asserts, SIGABRT,
                                     0, 10);
    return s;
}

int main(void)
{
    return unit_run(suite());
}
