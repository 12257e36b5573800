/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a replay of a VHDX log yields, and what it refuses.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "unit.h"
#include "vhdx-log-fixture.h"

#define LENGTH (64 * 1024)
#define FILE_MAX (64 * VHDX_MIB)

/* Scan @buf and walk over its changes; what vhdx_replay_check() returns. */
static int replay_check(uint8_t *buf, uint32_t length, uint64_t file_max,
                        VhdxReplayTotals *totals, VhdxError *err)
{
    VhdxLogRing ring = log_ring(buf, length);
    VhdxLogSequence sequence;

    ck_assert_int_eq(vhdx_log_scan(&ring, &sequence, err), 0);
    return vhdx_replay_check(&ring, &sequence, file_max, totals, err);
}

/* ---- replay is the updates in order, of active entries only ---- */

#define AREA_AT VHDX_REGION_TABLE_1
#define AREA_PAGES 48

/* A few random changes of the area, made to @model too if @active. */
static uint32_t random_entry(GRand *rand, uint8_t *buf, uint32_t at,
                             const VhdxLogHeader *header, uint8_t *model)
{
    uint8_t pages[3][VHDX_PAGE];
    VhdxLogUpdate updates[5];
    uint32_t n = g_rand_int_range(rand, 0, 6), left = 3;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t page = g_rand_int_range(rand, 0, AREA_PAGES);
        uint32_t zeros = g_rand_int_range(rand, 0, AREA_PAGES - page + 1);

        updates[i] = (VhdxLogUpdate) {
            .offset = AREA_AT + page * VHDX_PAGE,
            .page = left && g_rand_boolean(rand) ? pages[--left] : NULL,
            .zero_length = zeros * VHDX_PAGE,
        };
        if (updates[i].page) {
            unit_fill(rand, pages[left], VHDX_PAGE);
        }
        if (model && updates[i].page) {
            memcpy(model + page * VHDX_PAGE, pages[left], VHDX_PAGE);
        } else if (model) {
            memset(model + page * VHDX_PAGE, 0, zeros * VHDX_PAGE);
        }
    }
    return log_put(buf, LENGTH, at, header, updates, n);
}

static void replay_to(uint8_t *buf, uint8_t *area)
{
    VhdxLogRing ring = log_ring(buf, LENGTH);
    VhdxLogSequence sequence;
    VhdxReplay *replay = g_new(VhdxReplay, 1);
    VhdxLogChange change;
    int ret;

    ck_assert_int_eq(vhdx_log_scan(&ring, &sequence, NULL), 0);
    vhdx_replay_init(replay, &ring, &sequence, FILE_MAX);
    while ((ret = vhdx_replay_next(replay, &change, NULL)) > 0) {
        ck_assert_uint_ge(change.offset, AREA_AT);
        ck_assert_uint_le(change.offset + change.length,
                          AREA_AT + AREA_PAGES * VHDX_PAGE);
        if (change.page) {
            memcpy(area + change.offset - AREA_AT, change.page,
                   change.length);
        } else {
            memset(area + change.offset - AREA_AT, 0, change.length);
        }
    }
    ck_assert_int_eq(ret, 0);
    /* The end stays the end. */
    ck_assert_int_eq(vhdx_replay_next(replay, &change, NULL), 0);
    g_free(replay);
}

START_TEST(replay_makes_the_changes_of_active_entries_in_order)
{
    GRand *rand = g_rand_new_with_seed(unit_seed("replay"));

    for (unsigned round = 0; round < 400; round++) {
        uint8_t *buf = calloc(1, LENGTH);
        uint8_t *model = calloc(AREA_PAGES, VHDX_PAGE);
        uint8_t *area = calloc(AREA_PAGES, VHDX_PAGE);
        uint32_t at = g_rand_int_range(rand, 0, LENGTH / SECTOR) * SECTOR;
        uint32_t n = g_rand_int_range(rand, 1, 4), tail = 0;
        uint32_t retired = g_rand_int_range(rand, 0, n);

        memset(model, 0xee, AREA_PAGES * VHDX_PAGE);
        memset(area, 0xee, AREA_PAGES * VHDX_PAGE);
        for (uint32_t i = 0; i < n; i++) {
            VhdxLogHeader header;

            /* Entries before the last one's Tail are not replayed. */
            tail = i == retired ? at : tail;
            header = log_header(100 + i, i < retired ? at : tail);
            at = (at + random_entry(rand, buf, at, &header,
                                    i < retired ? NULL : model)) % LENGTH;
        }
        replay_to(buf, area);
        ck_assert_mem_eq(model, area, AREA_PAGES * VHDX_PAGE);
        /* Again: the same. */
        replay_to(buf, area);
        ck_assert_mem_eq(model, area, AREA_PAGES * VHDX_PAGE);
        free(buf);
        free(model);
        free(area);
    }
    g_rand_free(rand);
}
END_TEST

START_TEST(replay_of_many_descriptors_that_wrap)
{
    /* 300 zero ranges take three sectors; the second is behind the end. */
    for (uint32_t at = LENGTH - 4 * SECTOR; at < LENGTH; at += SECTOR) {
        uint8_t *buf = calloc(1, LENGTH);
        VhdxLogHeader header = log_header(5, at);
        VhdxReplayTotals totals;

        log_put_plain(buf, LENGTH, at, &header, 10, 290);
        ck_assert_int_eq(replay_check(buf, LENGTH, FILE_MAX, &totals, NULL),
                         0);
        ck_assert_uint_eq(totals.pages, 10);
        ck_assert_uint_eq(totals.zero_ranges, 290);
        ck_assert_uint_eq(totals.zero_bytes, 290 * VHDX_PAGE);
        ck_assert_uint_eq(totals.end, VHDX_MIB + 300 * VHDX_PAGE);
        free(buf);
    }
}
END_TEST

/* ---- targets ---- */

static const struct {
    const char *name;
    uint64_t offset;
    uint64_t zeros;             /* 0: a page */
    int code;
} targets[] = {
    { "region table 1", VHDX_REGION_TABLE_1, 0, 0 },
    { "file identifier", 0, 0, VHDX_ERR_TOO_SMALL },
    { "header 1", VHDX_HEADER_1, 0, VHDX_ERR_TOO_SMALL },
    { "header 2", VHDX_HEADER_2, 0, VHDX_ERR_TOO_SMALL },
    { "below region table 1", VHDX_REGION_TABLE_1 - 4096, 0,
      VHDX_ERR_TOO_SMALL },
    { "zeros over the file identifier", 0, 4096, VHDX_ERR_TOO_SMALL },
    { "before the log", LOG_AT - 4096, 0, 0 },
    { "zeros to the log", LOG_AT - VHDX_MIB, VHDX_MIB, 0 },
    { "zeros into the log", LOG_AT - VHDX_MIB, VHDX_MIB + 4096,
      VHDX_ERR_OVERLAP },
    { "zeros over the log", LOG_AT - VHDX_MIB, 4 * VHDX_MIB,
      VHDX_ERR_OVERLAP },
    { "the log", LOG_AT, 0, VHDX_ERR_OVERLAP },
    { "the log's last page", LOG_AT + LENGTH - 4096, 0, VHDX_ERR_OVERLAP },
    { "behind the log", LOG_AT + LENGTH, 0, 0 },
    { "page unaligned", VHDX_MIB + 512, 0, VHDX_ERR_ALIGNMENT },
    { "zeros unaligned", VHDX_MIB + 1, 4096, VHDX_ERR_ALIGNMENT },
    { "length unaligned", VHDX_MIB, 4097, VHDX_ERR_ALIGNMENT },
    { "last page", FILE_MAX - 4096, 0, 0 },
    { "past the limit", FILE_MAX, 0, VHDX_ERR_BEYOND },
    { "zeros to the limit", FILE_MAX - VHDX_MIB, VHDX_MIB, 0 },
    { "zeros past the limit", FILE_MAX - VHDX_MIB, VHDX_MIB + 4096,
      VHDX_ERR_BEYOND },
    { "offset max", ~4095ULL, 0, VHDX_ERR_BEYOND },
    { "offset + length overflow", VHDX_MIB, ~4095ULL, VHDX_ERR_BEYOND },
    { "both max", ~4095ULL, ~4095ULL, VHDX_ERR_BEYOND },
};

START_TEST(replay_target_table)
{
    const char *name = targets[_i].name;
    uint8_t *buf = calloc(1, LENGTH);
    uint8_t page[VHDX_PAGE] = { 0 };
    VhdxLogUpdate updates[2] = {
        { VHDX_MIB, page, 0 },
        { VHDX_MIB, targets[_i].zeros ? NULL : page, VHDX_PAGE },
    };
    VhdxLogHeader header = log_header(5, 0);
    VhdxReplayTotals totals;
    VhdxError err = { 0 };
    uint32_t bytes = log_put(buf, LENGTH, 0, &header, updates, 2);
    int ret;

    /* The encoder would not take a bad one. */
    stq_le_p(buf + 64 + 32 + 16, targets[_i].offset);
    if (targets[_i].zeros) {
        stq_le_p(buf + 64 + 32 + 8, targets[_i].zeros);
    }
    stl_le_p(buf + 4, vhdx_checksum(buf, bytes, 4));
    ret = replay_check(buf, LENGTH, FILE_MAX, &totals, &err);
    if (targets[_i].code) {
        vhdx_assert_refused(name, ret == 0, &err, targets[_i].code, LOG_AT);
        ck_assert_int_eq(ret, -EINVAL);
    } else {
        ck_assert_msg(ret == 0, "%s: refused", name);
    }
    free(buf);
}
END_TEST

START_TEST(replay_limit_is_never_absurd)
{
    uint8_t *buf = calloc(1, LENGTH);
    uint8_t page[VHDX_PAGE] = { 0 };
    VhdxLogUpdate update = { VHDX_REPLAY_FILE_MAX, page, 0 };
    VhdxLogHeader header = log_header(5, 0);
    VhdxReplayTotals totals;

    log_put(buf, LENGTH, 0, &header, &update, 1);
    ck_assert_int_eq(replay_check(buf, LENGTH, UINT64_MAX, &totals, NULL),
                     -EINVAL);
    update.offset -= VHDX_PAGE;
    log_put(buf, LENGTH, 0, &header, &update, 1);
    ck_assert_int_eq(replay_check(buf, LENGTH, UINT64_MAX, &totals, NULL), 0);
    free(buf);
}
END_TEST

START_TEST(replay_empty_zero_range_is_nothing)
{
    uint8_t *buf = calloc(1, LENGTH);
    VhdxLogUpdate update = { VHDX_MIB, NULL, 0 };
    VhdxLogHeader header = log_header(5, 0);
    VhdxReplayTotals totals;

    log_put(buf, LENGTH, 0, &header, &update, 1);
    ck_assert_int_eq(replay_check(buf, LENGTH, FILE_MAX, &totals, NULL), 0);
    ck_assert_uint_eq(totals.zero_bytes, 0);
    free(buf);
}
END_TEST

START_TEST(replay_counts_zero_bytes_without_overflow)
{
    uint32_t length = 1024 * 1024, n = 30000;
    uint8_t *buf = calloc(1, length);
    VhdxLogUpdate *updates = g_new0(VhdxLogUpdate, n);
    VhdxLogHeader header = log_header(5, 0);
    VhdxReplayTotals totals;

    for (uint32_t i = 0; i < n; i++) {
        updates[i].offset = 32 * VHDX_MIB;
        updates[i].zero_length = 64 * VHDX_TIB;
    }
    log_put(buf, length, 0, &header, updates, n);
    ck_assert_int_eq(replay_check(buf, length, 100 * VHDX_TIB, &totals, NULL),
                     0);
    ck_assert_uint_eq(totals.zero_bytes, n * 64 * VHDX_TIB);
    g_free(updates);
    free(buf);
}
END_TEST

/* ---- a log that changes or fails between scan and replay ---- */

START_TEST(replay_of_a_log_changed_after_the_scan_is_refused_or_checked)
{
    GRand *rand = g_rand_new_with_seed(unit_seed("replay_changed"));

    for (unsigned round = 0; round < 4000; round++) {
        uint8_t *buf = calloc(1, LENGTH);
        VhdxLogRing ring = log_ring(buf, LENGTH);
        VhdxLogHeader header = log_header(5, 0);
        VhdxLogSequence sequence;
        VhdxReplayTotals totals;
        uint32_t at = log_put_plain(buf, LENGTH, 0, &header, 2, 1);

        header = log_header(6, 0);
        log_put_plain(buf, LENGTH, at, &header, 1, 2);
        ck_assert_int_eq(vhdx_log_scan(&ring, &sequence, NULL), 0);
        for (int i = g_rand_int_range(rand, 1, 4); i > 0; i--) {
            static const unsigned spots[] = { 8, 16, 24, 64, 80, 88, 96 };
            unsigned spot = spots[g_rand_int_range(rand, 0,
                                                   ARRAY_SIZE(spots))];
            uint32_t sector = g_rand_int_range(rand, 0, 6) * SECTOR;

            buf[sector + spot + g_rand_int_range(rand, 0, 8)] ^=
                1 << g_rand_int_range(rand, 0, 8);
        }
        vhdx_replay_check(&ring, &sequence, FILE_MAX, &totals, NULL);
        ck_assert_uint_le(totals.end, FILE_MAX);
        free(buf);
    }
    g_rand_free(rand);
}
END_TEST

START_TEST(replay_of_another_entry_than_was_found_is_refused)
{
    static const uint64_t numbers[] = { 4, 5, 7, 8 };

    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
        uint8_t *buf = calloc(1, LENGTH);
        VhdxLogRing ring = log_ring(buf, LENGTH);
        VhdxLogHeader header = log_header(5, 0);
        VhdxLogSequence sequence;
        VhdxReplayTotals totals;
        VhdxError err = { 0 };
        uint32_t at = log_put_plain(buf, LENGTH, 0, &header, 2, 1);

        header = log_header(6, 0);
        log_put_plain(buf, LENGTH, at, &header, 1, 0);
        ck_assert_int_eq(vhdx_log_scan(&ring, &sequence, NULL), 0);
        header = log_header(numbers[i], 0);
        log_put_plain(buf, LENGTH, at, &header, 1, 0);
        ck_assert_int_eq(vhdx_replay_check(&ring, &sequence, FILE_MAX,
                                           &totals, &err), -EINVAL);
        ck_assert_int_eq(err.code, VHDX_ERR_MISMATCH);
        ck_assert_uint_eq(err.offset, LOG_AT + at + 16);
        free(buf);
    }
}
END_TEST

typedef struct FailingLog {
    const uint8_t *buf;
    unsigned reads, fail_at;
} FailingLog;

static int failing_read(void *opaque, uint32_t offset, uint8_t *buf,
                        size_t len)
{
    FailingLog *log = opaque;

    if (++log->reads == log->fail_at) {
        return -ENXIO;
    }
    return vhdx_log_read_buffer((void *)log->buf, offset, buf, len);
}

START_TEST(replay_reports_every_read_that_fails)
{
    uint8_t *buf = calloc(1, LENGTH);
    FailingLog log = { .buf = buf };
    VhdxLogRing ring = log_ring(buf, LENGTH);
    VhdxLogHeader header = log_header(5, 0);
    VhdxLogSequence sequence;
    VhdxReplayTotals totals;
    VhdxError err = { 0 };
    int ret;

    log_put_plain(buf, LENGTH, 0, &header, 2, 200);
    ck_assert_int_eq(vhdx_log_scan(&ring, &sequence, NULL), 0);
    ring.read = failing_read;
    ring.opaque = &log;
    do {
        log.reads = 0;
        log.fail_at++;
        ret = vhdx_replay_check(&ring, &sequence, FILE_MAX, &totals, &err);
        ck_assert(ret == 0 || (ret == -ENXIO && err.code == VHDX_ERR_READ &&
                               err.value == ENXIO));
    } while (ret);
    /* Header and descriptors, the second sector of them, two of data. */
    ck_assert_uint_eq(log.fail_at, 5);
    free(buf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vhdx-replay");
    TCase *tc = unit_case(suite, "changes");

    tcase_add_test(tc, replay_makes_the_changes_of_active_entries_in_order);
    tcase_add_test(tc, replay_of_many_descriptors_that_wrap);
    tc = unit_case(suite, "targets");
    tcase_add_loop_test(tc, replay_target_table, 0, ARRAY_SIZE(targets));
    tcase_add_test(tc, replay_limit_is_never_absurd);
    tcase_add_test(tc, replay_empty_zero_range_is_nothing);
    tcase_add_test(tc, replay_counts_zero_bytes_without_overflow);
    tc = unit_case(suite, "reading");
    tcase_add_test(tc,
        replay_of_a_log_changed_after_the_scan_is_refused_or_checked);
    tcase_add_test(tc, replay_of_another_entry_than_was_found_is_refused);
    tcase_add_test(tc, replay_reports_every_read_that_fails);
    return unit_run(suite);
}
