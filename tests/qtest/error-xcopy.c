/*
 * The error table of third-party copy: EXTENDED COPY(LID1)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "error-test.h"

#define MAX_CSCDS       8
#define MAX_SEGMENTS    64

/* Copies 8 blocks from disk 0 to disk 1, in @n segments */
static VscsiXcopy good_xcopy(VtVm *vm, unsigned n)
{
    VscsiXcopy x = {
        .list_id = 1,
        .usage = VSCSI_LIST_ID_KEEP,
        .n_cscds = 2,
        .n_segments = n,
    };

    x.cscd[0] = vt_cscd(vm, 0);
    x.cscd[1] = vt_cscd(vm, 1);
    for (unsigned i = 0; i < n; i++) {
        x.segment[i] = (VscsiSegment) {
            .type = VSCSI_SEGMENT_BLOCK,
            .source_id = 0,
            .dest_id = 1,
            .source_lba = 8 * i,
            .dest_lba = 8 * i,
            .blocks = 8,
        };
    }
    return x;
}

static uint8_t *encode(const VscsiXcopy *x, size_t *len)
{
    uint8_t *list;

    *len = vscsi_xcopy_encode(NULL, 0, x);
    list = g_malloc0(*len + 4 * KiB);
    vscsi_xcopy_encode(list, *len, x);
    return list;
}

static uint32_t send_raw(VtVm *vm, const uint8_t *list, size_t len)
{
    uint8_t cdb[VSCSI_CDB_LEN];

    vt_cdb(cdb, VSCSI_CMD_EXTENDED_COPY_LID1, 0, len);
    return vt_out(vm, 0, cdb, list, len);
}

/* An error before any segment: not COPY ABORTED, VALID=0 */
static void refused(VtVm *vm, const uint8_t *list, size_t len, uint32_t want)
{
    uint8_t cdb[VSCSI_CDB_LEN];
    g_autoptr(VtCmd) cmd = NULL;

    vt_cdb(cdb, VSCSI_CMD_EXTENDED_COPY_LID1, 0, len);
    cmd = vt_send(vm, 0, cdb, list, len, 0);
    g_assert_cmphex(vt_wait(cmd), ==, want);
    g_assert_false(cmd->sense.has_information);
    g_assert_true(vt_has_zeroes(vm, 1, 0, SIZE));
}

static void test_xcopy_truncated(void)
{
    VtVm *vm = error_start(NULL);
    VscsiXcopy x = good_xcopy(vm, 1);
    size_t len;
    g_autofree uint8_t *list = encode(&x, &len);

    for (size_t n = 1; n < len; n += n < 16 ? 1 : 5) {
        refused(vm, list, n, 0x051a00);
    }
    refused(vm, list, len - 1, 0x051a00);
    g_assert_cmphex(send_raw(vm, list, len), ==, 0);
    vt_free(vm);
}

/* ...also when there are too many descriptors: the length is looked at first */
static void test_xcopy_lists_longer_than_the_maximum(void)
{
    VtVm *vm = error_start(NULL);
    VscsiXcopy x = good_xcopy(vm, 1);
    g_autofree uint8_t *list = g_malloc0(16 * KiB);
    size_t len;
    g_autofree uint8_t *good = encode(&x, &len);

    memcpy(list, good, len);
    stl_be_p(list + 8, 28 * 300);
    refused(vm, list, 16 + 64 + 28 * 300, 0x051a00);
    stw_be_p(list + 2, 32 * 100);
    refused(vm, list, 16 + 32 * 100 + 28 * 300, 0x051a00);
    vt_free(vm);
}

static void test_xcopy_too_many_cscds(void)
{
    VtVm *vm = error_start(NULL);
    VscsiXcopy x = good_xcopy(vm, 1);
    size_t len;
    g_autofree uint8_t *list = NULL;

    x.n_cscds = MAX_CSCDS + 1;
    for (int i = 2; i < x.n_cscds; i++) {
        x.cscd[i] = x.cscd[0];
    }
    list = encode(&x, &len);
    refused(vm, list, len, 0x052606);
    x.n_cscds = MAX_CSCDS;
    g_assert_cmphex(vt_xcopy(vm, 0, &x), ==, 0);
    vt_free(vm);
}

static void test_xcopy_too_many_segments(void)
{
    VtVm *vm = error_start(NULL);
    VscsiXcopy x = good_xcopy(vm, MAX_SEGMENTS + 1);
    size_t len;
    g_autofree uint8_t *list = encode(&x, &len);

    refused(vm, list, len, 0x052608);
    x.n_segments = MAX_SEGMENTS;
    g_assert_cmphex(vt_xcopy(vm, 0, &x), ==, 0);
    g_assert_true(vt_has(vm, 1, 0, MAX_SEGMENTS * 4096, 1, 0));
    vt_free(vm);
}

static void test_xcopy_cscd_type(void)
{
    VtVm *vm = error_start(NULL);
    VscsiXcopy x = good_xcopy(vm, 1);
    size_t len;
    g_autofree uint8_t *list = encode(&x, &len);

    list[16 + 32] = 0xe0;
    refused(vm, list, len, 0x052607);
    vt_free(vm);
}

/* A ROD CSCD descriptor (FFh) as destination: this target has no such kind */
static void test_xcopy_rod_cscd(void)
{
    VtVm *vm = error_start(NULL);
    VscsiXcopy x = good_xcopy(vm, 1);
    size_t len;
    g_autofree uint8_t *list = encode(&x, &len);

    list[16 + 32] = 0xff;
    stl_be_p(list + 16 + 32 + 4, VSCSI_ROD_PIT_DEFAULT);
    refused(vm, list, len, 0x052607);
    vt_free(vm);
}

static void test_xcopy_segment_type(void)
{
    VtVm *vm = error_start(NULL);
    VscsiXcopy x = good_xcopy(vm, 1);
    size_t len;
    g_autofree uint8_t *list = encode(&x, &len);

    list[16 + 64] = 0x03;
    refused(vm, list, len, 0x052609);
    vt_free(vm);
}

static void test_xcopy_segment_length(void)
{
    VtVm *vm = error_start(NULL);
    VscsiXcopy x = good_xcopy(vm, 1);
    size_t len;
    g_autofree uint8_t *list = encode(&x, &len);

    stw_be_p(list + 16 + 64 + 2, 0x19);
    refused(vm, list, len, 0x052600);
    vt_free(vm);
}

static void test_xcopy_no_list_id_with_id(void)
{
    VtVm *vm = error_start(NULL);
    VscsiXcopy x = good_xcopy(vm, 1);
    size_t len;
    g_autofree uint8_t *list = NULL;

    x.usage = VSCSI_LIST_ID_NONE;
    list = encode(&x, &len);
    refused(vm, list, len, 0x052600);
    x.list_id = 0;
    g_assert_cmphex(vt_xcopy(vm, 0, &x), ==, 0);
    vt_free(vm);
}

static void test_xcopy_reserved_list_id_usage(void)
{
    VtVm *vm = error_start(NULL);
    VscsiXcopy x = good_xcopy(vm, 1);
    size_t len;
    g_autofree uint8_t *list = encode(&x, &len);

    list[1] = 1 << 3;
    refused(vm, list, len, 0x052600);
    vt_free(vm);
}

static void test_xcopy_cscd_list_not_a_multiple_of_32(void)
{
    VtVm *vm = error_start(NULL);
    VscsiXcopy x = good_xcopy(vm, 1);
    size_t len;
    g_autofree uint8_t *list = encode(&x, &len);

    stw_be_p(list + 2, 60);
    refused(vm, list, len, 0x052600);
    vt_free(vm);
}

static void test_xcopy_inline_data(void)
{
    VtVm *vm = error_start(NULL);
    VscsiXcopy x = good_xcopy(vm, 1);
    size_t len;
    g_autofree uint8_t *list = encode(&x, &len);

    stl_be_p(list + 12, 16);
    refused(vm, list, len + 16, 0x05260b);
    vt_free(vm);
}

/* An error of segment @number: COPY ABORTED, the number, no residual */
static void segment_refused(VtVm *vm, const VscsiXcopy *x, unsigned number,
                            uint32_t want)
{
    g_autoptr(VtCmd) cmd = vt_send_xcopy(vm, 0, x);

    g_assert_cmphex(vt_wait(cmd), ==, want);
    /* fixed format has no flag for it: 0 is what segment 0 looks like */
    g_assert_cmpuint(cmd->sense.command_specific & 0xffff, ==, number);
    g_assert_false(cmd->sense.has_information);
    /* those before it were copied */
    g_assert_true(vt_has(vm, 1, 0, number * 4096, 1, 0));
    g_assert_true(vt_has_zeroes(vm, 1, number * 4096, SIZE - number * 4096));
}

static void test_xcopy_cscd_id_out_of_range(void)
{
    static const uint16_t bad[] = {
        2, 0x7ff, 0x800, VSCSI_CSCD_ID_NULL, VSCSI_CSCD_ID_ROD_TOKEN, 0xfffe,
    };
    VtVm *vm = error_start(NULL);

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        VscsiXcopy x = good_xcopy(vm, 3);

        x.segment[2].dest_id = bad[i];
        segment_refused(vm, &x, 2, 0x0a0804);
        x.segment[2].dest_id = 1;
        x.segment[2].source_id = bad[i];
        segment_refused(vm, &x, 2, 0x0a0804);
    }
    vt_free(vm);
}

static void test_xcopy_cscd_not_found(void)
{
    VtVm *vm = error_start(NULL);
    VscsiXcopy x = good_xcopy(vm, 1);

    x.cscd[1].designator.bytes[7] ^= 1;
    segment_refused(vm, &x, 0, 0x0a0804);
    vt_free(vm);
}

static void test_xcopy_lba_out_of_range(void)
{
    static const uint64_t bad[] = {
        BLOCKS - 7, BLOCKS, UINT64_MAX, UINT64_MAX - 7, 1ull << 55,
        UINT64_MAX / 512,
    };
    VtVm *vm = error_start(NULL);

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        VscsiXcopy x = good_xcopy(vm, 2);

        x.segment[1].dest_lba = bad[i];
        segment_refused(vm, &x, 1, 0x0a0d02);
        x.segment[1].dest_lba = 0;
        x.segment[1].source_lba = bad[i];
        segment_refused(vm, &x, 1, 0x0a0d02);
    }
    vt_free(vm);
}

static void test_xcopy_inexact(void)
{
    VtVm *vm = vt_new();
    VscsiXcopy x;
    g_autoptr(VtCmd) cmd = NULL;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .block = 4096 });
    vt_boot(vm);
    x = good_xcopy(vm, 1);
    /* 7 blocks of 512 do not fill one of 4096 */
    x.segment[0].blocks = 7;
    cmd = vt_send_xcopy(vm, 0, &x);
    g_assert_cmphex(vt_wait(cmd), ==, 0x0a260a);
    vt_free(vm);
}

/* COMMAND-SPECIFIC: the segment; INFORMATION: what is left of it */
static void test_xcopy_fails_in_a_segment(void)
{
    VtVm *vm = vt_new();
    VscsiXcopy x;
    g_autoptr(VtCmd) cmd = NULL;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) {
        .size = SIZE, .opts = "werror=report",
        .blkdebug = "inject-error.0.event=none,inject-error.0.iotype=write,"
                    "inject-error.0.sector=6144",
    });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    x = good_xcopy(vm, 2);
    x.segment[1].source_lba = x.segment[1].dest_lba = 8;
    x.segment[1].blocks = BLOCKS - 8;
    cmd = vt_send_xcopy(vm, 0, &x);
    g_assert_cmphex(vt_wait(cmd), ==, 0x0a0d01);
    g_assert_cmpuint(cmd->sense.command_specific & 0xffff, ==, 1);
    g_assert_true(cmd->sense.has_information);
    g_assert_cmpuint(cmd->sense.information, >=, BLOCKS - 6144);
    g_assert_cmpuint(cmd->sense.information, <, BLOCKS - 8);
    g_assert_true(vt_has(vm, 1, 0, SIZE - cmd->sense.information * 512, 1, 0));
    vt_free(vm);
}

static void test_xcopy_same_disk_write_protected(void)
{
    VtVm *vm = vt_new();
    VscsiXcopy x;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .read_only = true });
    vt_boot(vm);
    x = good_xcopy(vm, 1);
    g_assert_cmphex(vt_xcopy(vm, 0, &x), ==, 0x0a0d01);
    /* as source it is good */
    x.segment[0].source_id = 1;
    x.segment[0].dest_id = 0;
    g_assert_cmphex(vt_xcopy(vm, 0, &x), ==, 0);
    vt_free(vm);
}

/* An identifier in progress in one form cannot be used by the other */
static void test_list_id_of_the_other_form(void)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiXcopy x;
    VscsiWut wut;
    VscsiPt pt = vt_pt(0, 8);
    VtCmd *cmd;
    VtStatus s;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) {
        .size = SIZE, .bps = 1 * MiB, .opts = "sync-time=600000",
    });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    x = good_xcopy(vm, 1);
    x.segment[0].blocks = BLOCKS;
    vt_token(vm, 0, 0, BLOCKS, token);
    wut = vt_wut(token, 0, BLOCKS);
    wut.immed = true;
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0x052600);
    /* what is in flight has to end first */
    vm->step_ns = 100000000;
    g_assert_cmphex(vt_abort(vm, 1, 1), ==, 0);
    vm->step_ns = 0;

    cmd = vt_send_xcopy(vm, 1, &x);
    g_assert_cmphex(vt_rcs4(vm, 1, 1, &s), ==, 0);
    g_assert_cmphex(vt_populate(vm, 1, 1, &pt), ==, 0x052600);
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0x050016);
    vm->step_ns = 1000000000;
    g_assert_cmphex(vt_end(cmd), ==, 0);
    vt_free(vm);
}

static const ErrorRow rows[] = {
    { "xcopy/truncated", test_xcopy_truncated },
    { "xcopy/lists-too-long", test_xcopy_lists_longer_than_the_maximum },
    { "xcopy/too-many-cscds", test_xcopy_too_many_cscds },
    { "xcopy/too-many-segments", test_xcopy_too_many_segments },
    { "xcopy/cscd-type", test_xcopy_cscd_type },
    { "xcopy/rod-cscd", test_xcopy_rod_cscd },
    { "xcopy/segment-type", test_xcopy_segment_type },
    { "xcopy/segment-length", test_xcopy_segment_length },
    { "xcopy/no-list-id-with-id", test_xcopy_no_list_id_with_id },
    { "xcopy/reserved-list-id-usage", test_xcopy_reserved_list_id_usage },
    { "xcopy/cscd-list-not-x32", test_xcopy_cscd_list_not_a_multiple_of_32 },
    { "xcopy/inline-data", test_xcopy_inline_data },
    { "xcopy/cscd-id-out-of-range", test_xcopy_cscd_id_out_of_range },
    { "xcopy/cscd-not-found", test_xcopy_cscd_not_found },
    { "xcopy/lba-out-of-range", test_xcopy_lba_out_of_range },
    { "xcopy/inexact", test_xcopy_inexact },
    { "xcopy/fails-in-a-segment", test_xcopy_fails_in_a_segment },
    { "xcopy/write-protected", test_xcopy_same_disk_write_protected },
    { "list-id-of-the-other-form", test_list_id_of_the_other_form },
};

void error_add_xcopy_rows(void)
{
    error_add(rows, ARRAY_SIZE(rows));
}
