/*
 * The error table of third-party copy: one test for each row
 *
 * The rows are those of section 5 of the project's facts of the standard
 * (SPC-4, SBC-3).  Here: parameter lists of POPULATE TOKEN and WRITE USING
 * TOKEN; tokens, list identifiers and failing disks are in error-token.c,
 * EXTENDED COPY is in error-xcopy.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "harness.h"
#include "error-test.h"

VtVm *error_start(const char *opts)
{
    VtVm *vm = vt_new();

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .opts = opts });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .opts = opts });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    return vm;
}

/* --------------------------------------------------- lists made by hand */

typedef struct List {
    size_t len;                 /* of what is sent */
    uint8_t buf[64 * KiB];
} List;

static List *pt_list(const VscsiPt *pt)
{
    List *l = g_new0(List, 1);

    l->len = vscsi_pt_encode(l->buf, sizeof(l->buf), pt);
    return l;
}

static List *wut_list(const VscsiWut *wut)
{
    List *l = g_new0(List, 1);

    l->len = vscsi_wut_encode(l->buf, sizeof(l->buf), wut);
    return l;
}

static uint32_t send_list(VtVm *vm, unsigned disk, VscsiCommand command,
                          const List *l)
{
    uint8_t cdb[VSCSI_CDB_LEN];

    vt_cdb(cdb, command, 1, l->len);
    return vt_out(vm, disk, cdb, l->buf, l->len);
}

static uint32_t send_pt(VtVm *vm, const List *l)
{
    return send_list(vm, 0, VSCSI_CMD_POPULATE_TOKEN, l);
}

static uint32_t send_wut(VtVm *vm, const List *l)
{
    return send_list(vm, 1, VSCSI_CMD_WRITE_USING_TOKEN, l);
}

/* A WUT list of @n ranges with a token that is good */
static List *good_wut(VtVm *vm, unsigned n)
{
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;

    vt_token(vm, 0, 0, 1024, token);
    wut = vt_wut(token, 0, 8);
    for (unsigned i = 1; i < n; i++) {
        vt_range(&wut.ranges, 8 * i, 8);
    }
    return wut_list(&wut);
}

/* ----------------------------------------------------- list length rows */

static void test_list_length_0(void)
{
    VtVm *vm = error_start(NULL);
    List none = {};

    g_assert_cmphex(send_pt(vm, &none), ==, 0);
    g_assert_cmphex(send_wut(vm, &none), ==, 0);
    g_assert_cmphex(send_list(vm, 0, VSCSI_CMD_EXTENDED_COPY_LID1, &none), ==,
                    0);
    vt_free(vm);
}

static void test_pt_length_1_to_15(void)
{
    VtVm *vm = error_start(NULL);
    VscsiPt pt = vt_pt(0, 8);
    g_autofree List *l = pt_list(&pt);

    for (l->len = 1; l->len < 16; l->len++) {
        g_assert_cmphex(send_pt(vm, l), ==, 0x051a00);
    }
    vt_free(vm);
}

static void test_wut_length_1_to_535(void)
{
    VtVm *vm = error_start(NULL);
    g_autofree List *l = good_wut(vm, 1);
    const size_t lengths[] = { 1, 15, 16, 17, 511, 512, 527, 528, 534, 535 };

    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        l->len = lengths[i];
        g_assert_cmphex(send_wut(vm, l), ==, 0x051a00);
    }
    vt_free(vm);
}

static void test_data_length_too_small(void)
{
    VtVm *vm = error_start(NULL);
    VscsiPt pt = vt_pt(0, 8);
    g_autofree List *p = pt_list(&pt);
    g_autofree List *w = good_wut(vm, 1);

    stw_be_p(p->buf, 0x1d);
    g_assert_cmphex(send_pt(vm, p), ==, 0x052600);
    stw_be_p(p->buf, 0);
    g_assert_cmphex(send_pt(vm, p), ==, 0x052600);
    stw_be_p(w->buf, 0x225);
    g_assert_cmphex(send_wut(vm, w), ==, 0x052600);
    vt_free(vm);
}

static void test_wut_data_length_not_534_more(void)
{
    VtVm *vm = error_start(NULL);
    g_autofree List *l = good_wut(vm, 2);

    stw_be_p(l->buf, 534 + 33);
    g_assert_cmphex(send_wut(vm, l), ==, 0x052600);
    stw_be_p(l->buf, 534 + 16);
    g_assert_cmphex(send_wut(vm, l), ==, 0x052600);
    stw_be_p(l->buf, 534 + 32);
    g_assert_cmphex(send_wut(vm, l), ==, 0);
    vt_free(vm);
}

static void test_range_list_length_below_16(void)
{
    VtVm *vm = error_start(NULL);
    VscsiPt pt = vt_pt(0, 8);
    g_autofree List *p = pt_list(&pt);
    g_autofree List *w = good_wut(vm, 1);

    for (unsigned n = 0; n < 16; n += 5) {
        stw_be_p(p->buf + 14, n);
        g_assert_cmphex(send_pt(vm, p), ==, 0x052600);
        stw_be_p(w->buf + 534, n);
        stw_be_p(w->buf, 534 + n);
        g_assert_cmphex(send_wut(vm, w), ==, 0x052600);
    }
    vt_free(vm);
}

static void test_partial_descriptor_is_ignored(void)
{
    VtVm *vm = error_start(NULL);
    VscsiPt pt = vt_pt(0, 8);
    g_autofree List *p = pt_list(&pt);
    g_autofree List *w = good_wut(vm, 1);
    VtStatus s;

    /* its LBA would be out of range */
    memset(p->buf + p->len, 0xff, 15);
    p->len += 15;
    stw_be_p(p->buf, 14 + 16 + 15);
    stw_be_p(p->buf + 14, 16 + 15);
    g_assert_cmphex(send_pt(vm, p), ==, 0);
    g_assert_cmphex(vt_rrti(vm, 0, 1, 805, &s), ==, 0);
    g_assert_cmpuint(s.status.count, ==, 8);

    memset(w->buf + w->len, 0xff, 15);
    w->len += 15;
    stw_be_p(w->buf, 534 + 16 + 15);
    stw_be_p(w->buf + 534, 16 + 15);
    g_assert_cmphex(send_wut(vm, w), ==, 0);
    g_assert_true(vt_has(vm, 1, 0, 8 * 512, 1, 0));
    vt_free(vm);
}

static void test_descriptors_cut_off_by_the_cdb(void)
{
    VtVm *vm = error_start(NULL);
    VscsiPt pt = vt_pt(0, 8);
    g_autofree List *p = NULL, *w = good_wut(vm, 2);
    VtStatus s;

    vt_range(&pt.ranges, 8, 8);
    p = pt_list(&pt);
    p->len -= 1;
    g_assert_cmphex(send_pt(vm, p), ==, 0);
    g_assert_cmphex(vt_rrti(vm, 0, 1, 805, &s), ==, 0);
    g_assert_cmpuint(s.status.count, ==, 8);
    /* none left */
    p->len = 16 + 15;
    g_assert_cmphex(send_pt(vm, p), ==, 0x052600);

    w->len -= 1;
    g_assert_cmphex(send_wut(vm, w), ==, 0);
    g_assert_true(vt_has(vm, 1, 0, 8 * 512, 1, 0));
    g_assert_true(vt_has_zeroes(vm, 1, 8 * 512, 8 * 512));
    w->len = 536 + 15;
    g_assert_cmphex(send_wut(vm, w), ==, 0x052600);
    vt_free(vm);
}

/* -------------------------------------------------------- range rows */

/* The sense data of PT and of WUT for the same ranges */
static void check_ranges(VtVm *vm, const VscsiRangeList *ranges,
                         uint32_t want)
{
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiPt pt = { .ranges = *ranges };
    VscsiWut wut = { .token = token, .ranges = *ranges };

    vt_token(vm, 0, 0, want ? 8 : MAX(ranges->blocks, 8), token);
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, want);
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, want);
}

static void test_too_many_ranges(void)
{
    VtVm *vm = error_start("max-ranges=4");
    VscsiRangeList ranges = {};

    for (int i = 0; i < 4; i++) {
        vt_range(&ranges, 8 * i, 8);
    }
    check_ranges(vm, &ranges, 0);
    vt_range(&ranges, 80, 8);
    check_ranges(vm, &ranges, 0x052608);
    vt_free(vm);
}

static void test_too_many_ranges_counts_empty_ones(void)
{
    VtVm *vm = error_start("max-ranges=4");
    VscsiRangeList ranges = {};

    for (int i = 0; i < 5; i++) {
        vt_range(&ranges, 8 * i, i < 2 ? 8 : 0);
    }
    check_ranges(vm, &ranges, 0x052608);
    vt_free(vm);
}

static void test_same_lba_twice(void)
{
    static const VscsiRange pairs[][2] = {
        { { 0, 8 }, { 0, 8 } },
        { { 0, 8 }, { 7, 1 } },
        { { 100, 8 }, { 99, 2 } },
        { { 100, 8 }, { 96, 100 } },
    };
    VtVm *vm = error_start(NULL);

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        VscsiRangeList ranges = {};

        vt_range(&ranges, pairs[i][0].lba, pairs[i][0].blocks);
        vt_range(&ranges, pairs[i][1].lba, pairs[i][1].blocks);
        check_ranges(vm, &ranges, 0x052600);
    }
    vt_free(vm);
}

static void test_past_the_capacity(void)
{
    static const VscsiRange bad[] = {
        { BLOCKS, 1 },
        { BLOCKS - 1, 2 },
        { 0, UINT32_MAX },
        { UINT64_MAX, 1 },
        { UINT64_MAX - 7, 8 },
        { UINT64_MAX / 512, 8 },
        { 1ull << 55, 8 },
    };
    VtVm *vm = error_start(NULL);

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        VscsiRangeList ranges = {};

        vt_range(&ranges, 0, 8);
        vt_range(&ranges, bad[i].lba, bad[i].blocks);
        check_ranges(vm, &ranges, 0x052100);
    }
    vt_free(vm);
}

static void test_empty_descriptor_is_ignored(void)
{
    VtVm *vm = error_start(NULL);
    VscsiRangeList ranges = {};

    vt_range(&ranges, 0, 0);
    vt_range(&ranges, 8, 8);
    vt_range(&ranges, 8, 0);
    check_ranges(vm, &ranges, 0);
    g_assert_true(vt_has(vm, 1, 8 * 512, 8 * 512, 1, 0));
    vt_free(vm);
}

static void test_all_descriptors_empty(void)
{
    VtVm *vm = error_start(NULL);
    VscsiPt pt = vt_pt(5, 0);
    VscsiRangeList ranges = {};
    VtStatus s;

    vt_range(&ranges, 0, 0);
    vt_range(&ranges, 8, 0);
    check_ranges(vm, &ranges, 0);
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    g_assert_cmphex(vt_rrti(vm, 0, 1, 805, &s), ==, 0);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_OK);
    g_assert_cmpuint(s.status.count, ==, 0);
    vt_free(vm);
}

static void test_sum_over_the_token_size(void)
{
    VtVm *vm = error_start("max-token-size=65536,optimal-size=65536");
    VscsiRangeList ranges = {};

    vt_range(&ranges, 0, 64);
    vt_range(&ranges, 64, 64);
    check_ranges(vm, &ranges, 0);
    vt_range(&ranges, 128, 1);
    check_ranges(vm, &ranges, 0x052600);
    vt_free(vm);
}

static void test_one_descriptor_over_the_rod_size(void)
{
    VtVm *vm = error_start("max-token-size=65536,optimal-size=65536");
    VscsiRangeList ranges = {};

    vt_range(&ranges, 0, 129);
    check_ranges(vm, &ranges, 0x052600);
    vt_free(vm);
}

/* Windows sends descriptors larger than Block Limits says for WRITE */
static void test_descriptor_over_block_limits(void)
{
    VtVm *vm = error_start("max_io_size=65536");
    uint8_t page[64];
    VscsiRangeList ranges = {};

    g_assert_cmphex(vt_inquiry(vm, 0, 0xb0, page, sizeof(page)), ==, 0);
    g_assert_cmpuint(ldl_be_p(page + 8), ==, 128);
    vt_range(&ranges, 0, 1024);
    check_ranges(vm, &ranges, 0);
    vt_free(vm);
}

/* ----------------------------------------------------- other list fields */

static void test_inactivity_over_the_maximum(void)
{
    VtVm *vm = error_start("max-inactivity=60");
    VscsiPt pt = vt_pt(0, 8);

    pt.inactivity_s = 60;
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    pt.inactivity_s = 61;
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0x052600);
    pt.inactivity_s = UINT32_MAX;
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0x052600);
    vt_free(vm);
}

static void test_rod_type_refused(void)
{
    static const uint32_t types[] = {
        VSCSI_ROD_INTERNAL, VSCSI_ROD_ACCESS_UPON_REFERENCE,
        VSCSI_ROD_PIT_PERSISTENT, 0x00800003, 0xffff0001, 0xfffffff0,
    };
    VtVm *vm = error_start(NULL);
    VscsiPt pt = vt_pt(0, 8);

    pt.rtv = true;
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        pt.rod_type = types[i];
        g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0x052600);
    }
    /* without RTV the field is not looked at */
    pt.rtv = false;
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    vt_free(vm);
}

static void test_rod_type_taken(void)
{
    static const uint32_t pairs[][2] = {
        { VSCSI_ROD_PIT_DEFAULT, VSCSI_ROD_PIT_DEFAULT },
        { VSCSI_ROD_PIT_VULNERABLE, VSCSI_ROD_PIT_VULNERABLE },
        { VSCSI_ROD_PIT_ANY, VSCSI_ROD_PIT_VULNERABLE },
    };
    VtVm *vm = error_start(NULL);
    VscsiPt pt = vt_pt(0, 8);
    VtStatus s;

    pt.rtv = true;
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        pt.rod_type = pairs[i][0];
        g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
        g_assert_cmphex(vt_rrti(vm, 0, 1, 805, &s), ==, 0);
        g_assert_cmphex(ldl_be_p(s.status.token), ==, pairs[i][1]);
    }
    vt_free(vm);
}

static const ErrorRow rows[] = {
    { "list-length-0", test_list_length_0 },
    { "pt-length-1-to-15", test_pt_length_1_to_15 },
    { "wut-length-1-to-535", test_wut_length_1_to_535 },
    { "data-length-too-small", test_data_length_too_small },
    { "wut-data-length-not-534-more", test_wut_data_length_not_534_more },
    { "range-list-length-below-16", test_range_list_length_below_16 },
    { "partial-descriptor-is-ignored", test_partial_descriptor_is_ignored },
    { "descriptors-cut-off", test_descriptors_cut_off_by_the_cdb },
    { "too-many-ranges", test_too_many_ranges },
    { "too-many-ranges-with-empty", test_too_many_ranges_counts_empty_ones },
    { "same-lba-twice", test_same_lba_twice },
    { "past-the-capacity", test_past_the_capacity },
    { "empty-descriptor", test_empty_descriptor_is_ignored },
    { "all-descriptors-empty", test_all_descriptors_empty },
    { "sum-over-the-token-size", test_sum_over_the_token_size },
    { "one-over-the-rod-size", test_one_descriptor_over_the_rod_size },
    { "over-block-limits-is-good", test_descriptor_over_block_limits },
    { "inactivity-over-the-maximum", test_inactivity_over_the_maximum },
    { "rod-type-refused", test_rod_type_refused },
    { "rod-type-taken", test_rod_type_taken },
};

void error_add(const ErrorRow *row, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *path = g_strdup_printf("/vscsi/error/%s",
                                                row[i].name);

        qtest_add_func(path, row[i].fn);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    error_add(rows, ARRAY_SIZE(rows));
    error_add_token_rows();
    error_add_xcopy_rows();
    return g_test_run();
}
