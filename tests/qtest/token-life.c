/*
 * Life of tokens and of results; point in time
 *
 * Times are those of the guest's clock, which only the test moves.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "harness.h"
#include "token-test.h"

/* Much more than the offload engine has in flight */
#define SIZE (32 * MiB)

static VtVm *start(const char *opts)
{
    VtVm *vm = vt_new();

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .opts = opts });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .opts = opts });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    return vm;
}

/* The tokens that REPORT ALL ROD TOKENS lists; the last one in @last */
static unsigned report_tokens(VtVm *vm, unsigned disk, uint8_t last[96])
{
    uint8_t cdb[VSCSI_CDB_LEN], data[1000];
    unsigned n;

    vt_cdb(cdb, VSCSI_CMD_REPORT_ALL_ROD_TOKENS, 0, sizeof(data));
    g_assert_cmphex(vt_in(vm, disk, cdb, data, sizeof(data)), ==, 0);
    g_assert_cmpuint((ldl_be_p(data) - 4) % 96, ==, 0);
    n = (ldl_be_p(data) - 4) / 96;
    if (n && last && 8 + 96 * n <= sizeof(data)) {
        memcpy(last, data + 8 + 96 * (n - 1), 96);
    }
    return n;
}

/* ----------------------------------------------------------------- timers */

/* Each use starts the time anew */
static void test_inactivity_restarts_after_use(void)
{
    VtVm *vm = start("default-inactivity=10");
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vt_token(vm, 0, 0, 8, token);
    for (int i = 0; i < 5; i++) {
        vt_clock_step(vm, 9000);
        g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0);
    }
    vt_clock_step(vm, 10001);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x052307);
    vt_free(vm);
}

static void test_inactivity_asked_for(void)
{
    VtVm *vm = start("default-inactivity=10");
    VscsiPt pt = vt_pt(0, 8);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VtStatus s;

    pt.inactivity_s = 100;
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    g_assert_cmphex(vt_rrti(vm, 0, 1, 805, &s), ==, 0);
    memcpy(token, s.status.token, sizeof(token));
    vt_clock_step(vm, 99000);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0);
    vt_clock_step(vm, 100001);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x052307);
    vt_free(vm);
}

/* A token that is used does not expire, however long that takes */
static void test_no_expiry_while_in_use(void)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;
    VtStatus s;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .opts = "default-inactivity=2" });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .bps = 1 * MiB });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    vt_token(vm, 0, 0, SIZE / 512, token);
    wut = vt_wut(token, 0, SIZE / 512);
    wut.immed = true;
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    /* 16 MiB take 16 s */
    vm->step_ns = 500000000;
    vt_poll(vm, 1, 1, &s);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_OK);
    vm->step_ns = 0;
    g_assert_cmpuint(report_tokens(vm, 0, NULL), ==, 1);
    vt_clock_step(vm, 2001);
    g_assert_cmpuint(report_tokens(vm, 0, NULL), ==, 0);
    vt_free(vm);
}

/* While the VM is stopped its time stands still, and so do the tokens' */
static void test_no_expiry_while_stopped(void)
{
    VtVm *vm = start("default-inactivity=10");
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vt_token(vm, 0, 0, 8, token);
    vt_clock_step(vm, 9000);
    vt_stop(vm);
    vt_cont(vm);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0);
    vt_free(vm);
}

/* ---------------------------------------------------------------- results */

static void test_result_is_given_once(void)
{
    VtVm *vm = start(NULL);
    VscsiPt pt = vt_pt(0, 8);
    VtStatus s;

    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    g_assert_cmphex(vt_rrti(vm, 0, 1, 550, &s), ==, 0);
    g_assert_nonnull(s.status.token);
    g_assert_cmphex(vt_rrti(vm, 0, 1, 550, &s), ==, 0x052400);
    vt_free(vm);
}

static void test_short_allocation_keeps_the_result(void)
{
    VtVm *vm = start(NULL);
    VscsiPt pt = vt_pt(0, 8);
    const uint32_t allocs[] = { 4, 32, 36, 100, 549 };
    VtStatus s;

    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    for (size_t i = 0; i < ARRAY_SIZE(allocs); i++) {
        g_assert_cmphex(vt_rrti(vm, 0, 1, allocs[i], &s), ==, 0);
        /* AVAILABLE DATA is never altered by it */
        g_assert_cmpuint(ldl_be_p(s.raw), ==, 546);
    }
    g_assert_cmphex(vt_rrti(vm, 0, 1, 550, &s), ==, 0);
    g_assert_nonnull(s.status.token);
    vt_free(vm);
}

static void test_allocation_0_discards_the_result(void)
{
    VtVm *vm = start(NULL);
    VscsiPt pt = vt_pt(0, 8);
    VtStatus s;

    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    g_assert_cmphex(vt_rrti(vm, 0, 1, 0, &s), ==, 0);
    g_assert_cmphex(vt_rrti(vm, 0, 1, 550, &s), ==, 0x052400);
    vt_free(vm);
}

static void test_same_list_id_discards_the_result(void)
{
    VtVm *vm = start(NULL);
    VscsiPt pt = vt_pt(0, 8);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VtStatus s;

    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    pt = vt_pt(100, 16);
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    g_assert_cmphex(vt_rrti(vm, 0, 1, 805, &s), ==, 0);
    g_assert_cmpuint(s.status.count, ==, 16);
    memcpy(token, s.status.token, sizeof(token));
    g_assert_cmphex(vt_use(vm, 1, token, 0, 16), ==, 0);
    g_assert_true(vt_has(vm, 1, 0, 16 * 512, 1, 100 * 512));
    vt_free(vm);
}

static void test_result_is_kept_for_the_retention(void)
{
    VtVm *vm = start("retention=20");
    VscsiPt pt = vt_pt(0, 8);
    VtStatus s;

    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    g_assert_cmphex(vt_populate(vm, 0, 2, &pt), ==, 0);
    vt_clock_step(vm, 19900);
    g_assert_cmphex(vt_rrti(vm, 0, 1, 805, &s), ==, 0);
    g_assert_nonnull(s.status.token);
    vt_clock_step(vm, 101);
    g_assert_cmphex(vt_rrti(vm, 0, 2, 805, &s), ==, 0x052400);
    vt_free(vm);
}

/* RECEIVE COPY STATUS may be asked again and again */
static void test_status_is_not_discarded_by_asking(void)
{
    VtVm *vm = start(NULL);
    VscsiPt pt = vt_pt(0, 8);
    VtStatus s;

    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    for (int i = 0; i < 3; i++) {
        g_assert_cmphex(vt_rcs4(vm, 0, 1, &s), ==, 0);
        g_assert_cmphex(s.status.state, ==, VSCSI_COPY_OK);
        g_assert_cmpuint(ldl_be_p(s.raw), ==, 28);
    }
    g_assert_cmphex(vt_rrti(vm, 0, 1, 805, &s), ==, 0);
    g_assert_nonnull(s.status.token);
    vt_free(vm);
}

/* Results that nobody fetches are bounded in number; newer ones push older */
static void test_results_are_bounded(void)
{
    VtVm *vm = start(NULL);
    VscsiPt pt = vt_pt(0, 8);
    VtStatus s;
    unsigned kept = 0;

    for (unsigned i = 0; i < 300; i++) {
        g_assert_cmphex(vt_populate(vm, 0, i, &pt), ==, 0);
    }
    for (unsigned i = 0; i < 300; i++) {
        kept += vt_rcs4(vm, 0, i, &s) == 0;
    }
    g_assert_cmpuint(kept, >=, 64);
    g_assert_cmpuint(kept, <, 300);
    g_assert_cmphex(vt_rrti(vm, 0, 299, 805, &s), ==, 0);
    vt_free(vm);
}

/* ---------------------------------------------------- REPORT ALL ROD TOKENS */

static void test_report_all_tokens(void)
{
    VtVm *vm = start("default-inactivity=10");
    uint8_t token[3][VSCSI_ROD_TOKEN_LEN], last[96], cdb[16], head[8];
    VscsiWut wut;

    g_assert_cmpuint(report_tokens(vm, 0, NULL), ==, 0);
    for (int i = 0; i < 3; i++) {
        vt_token(vm, 0, 8 * i, 8, token[i]);
        g_assert_cmpuint(report_tokens(vm, 0, last), ==, i + 1);
        g_assert_cmpmem(last, 96, token[i], 96);
    }
    /* truncated: what there is stays the same */
    vt_cdb(cdb, VSCSI_CMD_REPORT_ALL_ROD_TOKENS, 0, sizeof(head));
    g_assert_cmphex(vt_in(vm, 0, cdb, head, sizeof(head)), ==, 0);
    g_assert_cmpuint(ldl_be_p(head), ==, 4 + 3 * 96);
    wut = vt_wut(token[1], 0, 8);
    wut.del_tkn = true;
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    g_assert_cmpuint(report_tokens(vm, 0, last), ==, 2);
    vt_clock_step(vm, 10001);
    g_assert_cmpuint(report_tokens(vm, 0, NULL), ==, 0);
    vt_free(vm);
}

/* ----------------------------------------------------------- point in time */

/* A token of [100, 200); @touch changes something near it */
static void check_write(uint32_t (*touch)(VtVm *vm, uint64_t lba, uint32_t n),
                        uint64_t lba, uint32_t n, bool hits)
{
    VtVm *vm = start("share-rw=on");
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vt_token(vm, 0, 100, 100, token);
    g_assert_cmphex(touch(vm, lba, n), ==, 0);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 100), ==, hits ? 0x052306 : 0);
    if (hits) {
        g_assert_true(vt_has_zeroes(vm, 1, 0, 100 * 512));
    } else {
        g_assert_true(vt_has(vm, 1, 0, 100 * 512, 1, 100 * 512));
    }
    vt_free(vm);
}

static uint32_t touch_write(VtVm *vm, uint64_t lba, uint32_t n)
{
    g_autofree uint8_t *buf = g_malloc0(n * 512);

    return vt_write(vm, 0, lba, n, buf);
}

static uint32_t touch_write_same(VtVm *vm, uint64_t lba, uint32_t n)
{
    return vt_write_same(vm, 0, lba, n);
}

static uint32_t touch_unmap(VtVm *vm, uint64_t lba, uint32_t n)
{
    return vt_unmap(vm, 0, lba, n);
}

static uint32_t touch_by_token(VtVm *vm, uint64_t lba, uint32_t n)
{
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vt_token(vm, 1, 0, n, token);
    return vt_use(vm, 0, token, lba, n);
}

static uint32_t touch_by_zero_token(VtVm *vm, uint64_t lba, uint32_t n)
{
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vscsi_rod_token_encode_zero(token);
    return vt_use(vm, 0, token, lba, n);
}

/* From the monitor: through another user of a node */
static uint32_t touch_node(VtVm *vm, const char *node, uint64_t lba, uint32_t n)
{
    g_autofree char *out = qtest_hmp(vm->qts, "qemu-io %s \"write -q %"
                                     PRIu64 " %u\"", node, lba * 512, n * 512);

    g_assert_cmpstr(out, ==, "");
    return 0;
}

static uint32_t touch_from_the_monitor(VtVm *vm, uint64_t lba, uint32_t n)
{
    return touch_node(vm, "raw0", lba, n);
}

/* ...of one below the disk's own */
static uint32_t touch_from_below(VtVm *vm, uint64_t lba, uint32_t n)
{
    return touch_node(vm, "file0", lba, n);
}

static uint32_t touch_read(VtVm *vm, uint64_t lba, uint32_t n)
{
    g_autofree uint8_t *buf = g_malloc0(n * 512);

    return vt_read(vm, 0, lba, n, buf);
}

static const struct {
    const char *name;
    uint32_t (*touch)(VtVm *vm, uint64_t lba, uint32_t n);
} touches[] = {
    { "write", touch_write },
    { "write-same", touch_write_same },
    { "unmap", touch_unmap },
    { "token", touch_by_token },
    { "zero-token", touch_by_zero_token },
    { "monitor", touch_from_the_monitor },
    { "monitor-below", touch_from_below },
};

static const struct {
    const char *name;
    uint64_t lba;
    uint32_t n;
    bool hits;
} places[] = {
    { "just-before", 92, 8, false },
    { "just-after", 200, 8, false },
    { "first-block", 100, 1, true },
    { "last-block", 199, 1, true },
    { "into-the-begin", 93, 8, true },
    { "all", 0, 1000, true },
};

static void test_point_in_time(const void *opaque)
{
    size_t i = (uintptr_t)opaque;
    size_t t = i / ARRAY_SIZE(places), p = i % ARRAY_SIZE(places);

    check_write(touches[t].touch, places[p].lba, places[p].n, places[p].hits);
}

static void test_reading_does_not_revoke(void)
{
    check_write(touch_read, 100, 100, false);
}

/* A write between two ranges of a token is not a write to it */
static void test_write_between_ranges(void)
{
    VtVm *vm = start(NULL);
    uint8_t token[VSCSI_ROD_TOKEN_LEN], block[512] = { 9 };
    VscsiPt pt = vt_pt(0, 8);
    VtStatus s;

    vt_range(&pt.ranges, 16, 8);
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    g_assert_cmphex(vt_rrti(vm, 0, 1, 805, &s), ==, 0);
    memcpy(token, s.status.token, sizeof(token));
    for (int lba = 8; lba < 16; lba++) {
        g_assert_cmphex(vt_write(vm, 0, lba, 1, block), ==, 0);
    }
    g_assert_cmphex(vt_use(vm, 1, token, 0, 16), ==, 0);
    g_assert_cmphex(vt_write(vm, 0, 23, 1, block), ==, 0);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 16), ==, 0x052306);
    vt_free(vm);
}

/* In the middle of a copy: what is counted is of one point in time */
static void test_write_in_the_middle_of_a_copy(void)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    g_autofree uint8_t *junk = g_malloc(1 * MiB);
    VscsiWut wut;
    VtStatus s;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .bps = 1 * MiB });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    vt_token(vm, 0, 0, SIZE / 512, token);
    wut = vt_wut(token, 0, SIZE / 512);
    wut.immed = true;
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    vm->step_ns = 100000000;
    vt_poll_count(vm, 1, 1, 2 * MiB / 512, &s);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_BACKGROUND);
    memset(junk, 0xee, 1 * MiB);
    for (int i = 0; i < 64; i++) {
        g_assert_cmphex(vt_write(vm, 0, i * 512, 512, junk), ==, 0);
    }
    vt_poll(vm, 1, 1, &s);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_PARTIAL);
    g_assert_cmpuint(s.status.count, <, SIZE / 512);
    g_assert_true(vt_has(vm, 1, 0, s.status.count * 512, 1, 0));
    vm->step_ns = 0;
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x052306);
    vt_free(vm);
}

/* Reads that wait while the source is overwritten bring what is dropped */
static void test_write_while_reads_are_in_flight(void)
{
    VtVm *vm = vt_new();
    g_autofree uint8_t *junk = g_malloc0(1 * MiB);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;
    VtStatus s;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) {
        .size = SIZE, .bps = 1 * MiB, .only_reads = true,
    });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    vt_token(vm, 0, 0, SIZE / 512, token);
    wut = vt_wut(token, 0, SIZE / 512);
    wut.immed = true;
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    vm->step_ns = 100000000;
    vt_poll_count(vm, 1, 1, 1 * MiB / 512, &s);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_BACKGROUND);
    vm->step_ns = 0;
    for (uint64_t lba = 0; lba < SIZE / 512; lba += 2048) {
        g_assert_cmphex(vt_write(vm, 0, lba, 2048, junk), ==, 0);
    }
    vm->step_ns = 100000000;
    vt_poll(vm, 1, 1, &s);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_PARTIAL);
    g_assert_cmpuint(s.status.count, <, SIZE / 512);
    g_assert_true(vt_has(vm, 1, 0, s.status.count * 512, 1, 0));
    vt_free(vm);
}

/* A write of unknown place that is in flight when the token is made */
static void test_token_while_writes_are_in_flight(void)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    g_autofree uint8_t *data = g_malloc(64 * KiB);
    VscsiPt pt = vt_pt(0, 128);
    VtCmd *write, *populate, *populate_other;
    VtStatus s;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .bps = 64 * KiB });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    vt_pattern(data, 0, 64 * KiB, 3);
    /* the first fills the bucket, the second waits in it */
    g_assert_cmphex(vt_write(vm, 0, 1024, 128, data), ==, 0);
    write = vt_send_write(vm, 0, 0, 128, data);
    populate = vt_send_pt(vm, 0, 1, &pt);
    pt = vt_pt(4096, 128);
    populate_other = vt_send_pt(vm, 0, 2, &pt);
    /* it waits for nothing that does not overlap */
    g_assert_cmphex(vt_end(populate_other), ==, 0);
    vm->step_ns = 100000000;
    g_assert_cmphex(vt_end(write), ==, 0);
    g_assert_cmphex(vt_end(populate), ==, 0);
    g_assert_cmphex(vt_rrti(vm, 0, 1, 805, &s), ==, 0);
    memcpy(token, s.status.token, sizeof(token));
    /*
     * Throttled writes wait above the disk's data: the token may stand for the
     * data before the write and be revoked by it, or for the data after it.
     */
    switch (vt_use(vm, 1, token, 0, 128)) {
    case 0:
        g_assert_true(vt_has(vm, 1, 0, 64 * KiB, 3, 0));
        break;
    case 0x052306:
        g_assert_true(vt_has_zeroes(vm, 1, 0, 64 * KiB));
        break;
    default:
        g_assert_not_reached();
    }
    vt_free(vm);
}

void token_add_life(void)
{
#define ADD(path, fn) qtest_add_func("/vscsi/token/" path, fn)
    ADD("inactivity/restarts-after-use", test_inactivity_restarts_after_use);
    ADD("inactivity/asked-for", test_inactivity_asked_for);
    ADD("inactivity/not-while-in-use", test_no_expiry_while_in_use);
    ADD("inactivity/not-while-stopped", test_no_expiry_while_stopped);
    ADD("result/given-once", test_result_is_given_once);
    ADD("result/short-allocation", test_short_allocation_keeps_the_result);
    ADD("result/allocation-0", test_allocation_0_discards_the_result);
    ADD("result/same-list-id", test_same_list_id_discards_the_result);
    ADD("result/retention", test_result_is_kept_for_the_retention);
    ADD("result/status-stays", test_status_is_not_discarded_by_asking);
    ADD("result/bounded", test_results_are_bounded);
    ADD("report-all-tokens", test_report_all_tokens);
    for (size_t i = 0; i < ARRAY_SIZE(touches) * ARRAY_SIZE(places); i++) {
        g_autofree char *path =
            g_strdup_printf("/vscsi/token/point-in-time/%s/%s",
                            touches[i / ARRAY_SIZE(places)].name,
                            places[i % ARRAY_SIZE(places)].name);

        qtest_add_data_func(path, (void *)(uintptr_t)i, test_point_in_time);
    }
    ADD("point-in-time/reading", test_reading_does_not_revoke);
    ADD("point-in-time/between-ranges", test_write_between_ranges);
    ADD("point-in-time/mid-copy", test_write_in_the_middle_of_a_copy);
    ADD("point-in-time/slow-source", test_write_while_reads_are_in_flight);
    ADD("point-in-time/in-flight", test_token_while_writes_are_in_flight);
}
