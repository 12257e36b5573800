/*
 * EXTENDED COPY(LID1) and RECEIVE COPY RESULTS through vscsi-pci
 *
 * Among them what libiscsi's test suite expects of a target; refusals are in
 * error-xcopy.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "harness.h"

#define SIZE    (8 * MiB)
#define BLOCKS  (SIZE / 512)

/* Disk 0: pattern 1; 1 and 2 are empty */
static VtVm *start(void)
{
    VtVm *vm = vt_simple(3, SIZE);

    vt_fill(vm, 0, 0, SIZE, 1);
    return vm;
}

/* One segment of @blocks from disk 0 to disk 1 */
static VscsiXcopy copy(VtVm *vm, uint64_t from, uint64_t to, uint32_t blocks)
{
    VscsiXcopy x = {
        .list_id = 1,
        .usage = VSCSI_LIST_ID_DISCARD,
        .priority = 1,
        .n_cscds = 2,
        .n_segments = 1,
        .segment[0] = {
            .type = VSCSI_SEGMENT_BLOCK,
            .dest_id = 1,
            .source_lba = from,
            .dest_lba = to,
            .blocks = blocks,
        },
    };

    x.cscd[0] = vt_cscd(vm, 0);
    x.cscd[1] = vt_cscd(vm, 1);
    return x;
}

static uint32_t receive(VtVm *vm, unsigned disk, uint8_t sa, uint8_t id,
                        void *data, uint32_t alloc)
{
    uint8_t cdb[VSCSI_CDB_LEN] = { 0x84, sa, id };

    stl_be_p(cdb + 10, alloc);
    return vt_in(vm, disk, cdb, data, alloc);
}

/* --------------------------------------------------------------- the copy */

/* sg_xcopy sends it to the destination or to the source */
static void sent_to(unsigned disk)
{
    VtVm *vm = start();
    VscsiXcopy x = copy(vm, 100, 200, 4096);

    g_assert_cmphex(vt_xcopy(vm, disk, &x), ==, 0);
    g_assert_true(vt_has(vm, 1, 200 * 512, 4096 * 512, 1, 100 * 512));
    g_assert_true(vt_has_zeroes(vm, 1, 0, 200 * 512));
    g_assert_true(vt_has_zeroes(vm, 1, 4296 * 512, 512));
    vt_free(vm);
}

static void test_sent_to_the_source(void)
{
    sent_to(0);
}

static void test_sent_to_the_destination(void)
{
    sent_to(1);
}

static void test_sent_to_a_third_lun(void)
{
    sent_to(2);
}

static void test_across_controllers(void)
{
    VtVm *vm = vt_new();
    VscsiXcopy x;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    x = copy(vm, 0, 0, BLOCKS);
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0);
    g_assert_true(vt_has(vm, 1, 0, SIZE, 1, 0));
    vt_free(vm);
}

/* CSCD FFFFh: the LUN that has the command */
static void test_this_lun(void)
{
    VtVm *vm = start();
    VscsiXcopy x = copy(vm, 0, 0, 1000);

    x.segment[0].source_id = VSCSI_CSCD_ID_THIS_LUN;
    g_assert_cmphex(vt_xcopy(vm, 0, &x), ==, 0);
    g_assert_true(vt_has(vm, 1, 0, 1000 * 512, 1, 0));
    x.segment[0].source_id = 0;
    x.segment[0].dest_id = VSCSI_CSCD_ID_THIS_LUN;
    g_assert_cmphex(vt_xcopy(vm, 2, &x), ==, 0);
    g_assert_true(vt_has(vm, 2, 0, 1000 * 512, 1, 0));
    /* no descriptors at all */
    x.n_cscds = 0;
    x.segment[0].source_id = VSCSI_CSCD_ID_THIS_LUN;
    x.segment[0].dest_lba = 5000;
    g_assert_cmphex(vt_xcopy(vm, 2, &x), ==, 0);
    g_assert_true(vt_has(vm, 2, 5000 * 512, 1000 * 512, 1, 0));
    vt_free(vm);
}

static void test_many_segments_in_order(void)
{
    VtVm *vm = start();
    VscsiXcopy x = copy(vm, 0, 0, 16);

    /* the last one writes over the others */
    x.n_segments = 64;
    for (unsigned i = 1; i < x.n_segments; i++) {
        x.segment[i] = x.segment[0];
        x.segment[i].source_lba = 100 * i;
        x.segment[i].dest_lba = 16 * (i % 63);
    }
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0);
    g_assert_true(vt_has(vm, 1, 0, 8192, 1, 100 * 63 * 512));
    for (unsigned i = 1; i < 63; i++) {
        g_assert_true(vt_has(vm, 1, 8192 * i, 8192, 1, 100 * i * 512));
    }
    vt_free(vm);
}

static void test_no_segments(void)
{
    VtVm *vm = start();
    VscsiXcopy x = copy(vm, 0, 0, 16);

    x.n_segments = 0;
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0);
    x.n_cscds = 0;
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0);
    g_assert_true(vt_has_zeroes(vm, 1, 0, SIZE));
    vt_free(vm);
}

static void test_zero_blocks(void)
{
    VtVm *vm = start();
    VscsiXcopy x = copy(vm, 0, 0, 0);

    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0);
    g_assert_true(vt_has_zeroes(vm, 1, 0, SIZE));
    vt_free(vm);
}

/* DC: the count is in blocks of the destination */
static void test_dc_and_block_sizes(void)
{
    VtVm *vm = vt_new();
    VscsiXcopy x;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .block = 4096 });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    x = copy(vm, 3, 1, 16);
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0);
    g_assert_true(vt_has(vm, 1, 4096, 8192, 1, 3 * 512));
    g_assert_true(vt_has_zeroes(vm, 1, 3 * 4096, 4096));
    x = copy(vm, 3, 10, 16);
    x.segment[0].dc = true;
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0);
    g_assert_true(vt_has(vm, 1, 10 * 4096, 16 * 4096, 1, 3 * 512));
    /* DISK BLOCK LENGTH of the descriptor must be the disk's, or 0 */
    x.cscd[1].block_length = 4096;
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0);
    x.cscd[1].block_length = 512;
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0x0a0804);
    vt_free(vm);
}

/* Segment 0Ah: bytes and offsets into blocks */
static void test_segment_0a(void)
{
    VtVm *vm = start();
    VscsiXcopy x = copy(vm, 0, 0, 0);

    x.segment[0] = (VscsiSegment) {
        .type = VSCSI_SEGMENT_BLOCK_OFFSET,
        .dest_id = 1,
        .source_lba = 10,
        .source_offset = 8,
        .dest_lba = 20,
        .dest_offset = 504,
        .bytes = 1600,
    };
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0);
    g_assert_true(vt_has(vm, 1, 20 * 512 + 504, 1600, 1, 10 * 512 + 8));
    g_assert_true(vt_has_zeroes(vm, 1, 20 * 512, 504));
    g_assert_true(vt_has_zeroes(vm, 1, 20 * 512 + 504 + 1600, 512));
    /* an offset is less than a block */
    x.segment[0].source_offset = 512;
    g_assert_cmphex(vt_xcopy(vm, 1, &x) >> 16, ==, 0x0a);
    /* the end of the disk, and a byte more */
    x.segment[0].source_lba = BLOCKS - 1;
    x.segment[0].source_offset = 500;
    x.segment[0].bytes = 12;
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0);
    x.segment[0].bytes = 13;
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0x0a0d02);
    vt_free(vm);
}

static void test_same_disk(void)
{
    VtVm *vm = start();
    VscsiXcopy x = copy(vm, 0, 8000, 4000);

    /* libiscsi: one descriptor, from the begin to the end of one disk */
    x.n_cscds = 1;
    x.segment[0].dest_id = 0;
    g_assert_cmphex(vt_xcopy(vm, 0, &x), ==, 0);
    g_assert_true(vt_has(vm, 0, 8000 * 512, 4000 * 512, 1, 0));
    g_assert_true(vt_has(vm, 0, 0, 4000 * 512, 1, 0));
    vt_free(vm);
}

/* A write to the source by EXTENDED COPY revokes a token like any other */
static void test_xcopy_revokes_tokens(void)
{
    VtVm *vm = start();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiXcopy x = copy(vm, 0, 100, 8);

    vt_token(vm, 1, 0, 101, token);
    g_assert_cmphex(vt_xcopy(vm, 0, &x), ==, 0);
    g_assert_cmphex(vt_use(vm, 2, token, 0, 101), ==, 0x052306);
    vt_free(vm);
}

/* --------------------------------------------------- RECEIVE COPY RESULTS */

static void test_operating_parameters(void)
{
    VtVm *vm = start();
    uint8_t data[520], page[1024];
    unsigned len, codes;

    g_assert_cmphex(receive(vm, 0, 0x03, 0, data, sizeof(data)), ==, 0);
    len = 4 + ldl_be_p(data);
    codes = data[43];
    g_assert_cmpuint(len, ==, 44 + codes);
    /* both codes that sg_xcopy needs, ascending */
    g_assert_nonnull(memchr(data + 44, 0x02, codes));
    g_assert_nonnull(memchr(data + 44, 0xe4, codes));
    for (unsigned i = 1; i < codes; i++) {
        g_assert_cmphex(data[44 + i], >, data[43 + i]);
    }
    /* big enough that too many descriptors are refused for their number */
    g_assert_cmpuint(ldl_be_p(data + 12), >=,
                     MAX(32 * (lduw_be_p(data + 8) + 1) + 28,
                         32 + 28 * (lduw_be_p(data + 10) + 1)));
    /* the values of page 8Fh, descriptor 0004h */
    g_assert_cmphex(vt_inquiry(vm, 0, 0x8f, page, sizeof(page)), ==, 0);
    for (unsigned at = 4; at < 4u + lduw_be_p(page + 2);
         at += 4 + lduw_be_p(page + at + 2)) {
        if (lduw_be_p(page + at) == 0x0004) {
            g_assert_cmpmem(page + at + 8, 8, data + 8, 8);
        } else if (lduw_be_p(page + at) == 0x0008) {
            g_assert_cmpmem(page + at + 5, page[at + 4], data + 44, codes);
        }
    }
    vt_free(vm);
}

static void test_copy_status(void)
{
    VtVm *vm = start();
    VscsiXcopy x = copy(vm, 0, 0, 100);
    uint8_t data[12];

    /* libiscsi: unknown, then good */
    g_assert_cmphex(receive(vm, 1, 0x00, 1, data, 12), ==, 0x052400);
    x.usage = VSCSI_LIST_ID_KEEP;
    x.n_segments = 2;
    x.segment[1] = x.segment[0];
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0);
    g_assert_cmphex(receive(vm, 1, 0x00, 1, data, 12), ==, 0);
    g_assert_cmpuint(ldl_be_p(data), ==, 8);
    g_assert_cmphex(data[4] & 0x7f, ==, 1);
    g_assert_cmpuint(lduw_be_p(data + 5), ==, 2);
    g_assert_cmphex(data[7], ==, 0);
    g_assert_cmpuint(ldl_be_p(data + 8), ==, 200 * 512);
    /* once */
    g_assert_cmphex(receive(vm, 1, 0x00, 1, data, 12), ==, 0x052400);
    vt_free(vm);
}

static void test_copy_status_in_progress(void)
{
    VtVm *vm = vt_new();
    uint8_t data[12], details[120];
    VscsiXcopy x;
    VtCmd *cmd;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .bps = 1 * MiB });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    x = copy(vm, 0, 0, BLOCKS);
    cmd = vt_send_xcopy(vm, 1, &x);
    vt_clock_step(vm, 1000);
    for (int i = 0; i < 2; i++) {
        /* again and again: it is in progress */
        g_assert_cmphex(receive(vm, 1, 0x00, 1, data, 12), ==, 0);
        g_assert_cmphex(data[4] & 0x7f, ==, 0);
        /* no failure details of one that runs */
        g_assert_cmphex(receive(vm, 1, 0x04, 1, details, 120), ==, 0x052400);
    }
    vm->step_ns = 500000000;
    g_assert_cmphex(vt_end(cmd), ==, 0);
    vt_free(vm);
}

static void test_failure_details(void)
{
    VtVm *vm = start();
    VscsiXcopy x = copy(vm, 0, 0, 8);
    uint8_t data[120];

    x.usage = VSCSI_LIST_ID_KEEP;
    x.n_segments = 3;
    x.segment[1] = x.segment[2] = x.segment[0];
    x.segment[2].dest_lba = BLOCKS;
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0x0a0d02);
    g_assert_cmphex(receive(vm, 1, 0x04, 1, data, sizeof(data)), ==, 0);
    g_assert_cmpuint(ldl_be_p(data), ==, 60 + lduw_be_p(data + 58) - 4);
    g_assert_cmphex(data[56], ==, 0x02);
    g_assert_cmpuint(lduw_be_p(data + 58), >=, 18);
    g_assert_cmphex(data[60 + 2], ==, 0x0a);
    g_assert_cmphex(data[60 + 12], ==, 0x0d);
    g_assert_cmphex(data[60 + 13], ==, 0x02);
    g_assert_cmpuint(lduw_be_p(data + 60 + 8 + 2), ==, 2);
    /* the status is another thing, and says error */
    g_assert_cmphex(receive(vm, 1, 0x00, 1, data, 12), ==, 0);
    g_assert_cmphex(data[4] & 0x7f, ==, 2);
    g_assert_cmpuint(lduw_be_p(data + 5), ==, 2);
    vt_free(vm);
}

/* Of a copy that was good there are none: AVAILABLE DATA is 0 */
static void test_no_failure_details(void)
{
    VtVm *vm = start();
    VscsiXcopy x = copy(vm, 0, 0, 8);
    uint8_t data[120];

    x.usage = VSCSI_LIST_ID_KEEP;
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0);
    memset(data, 0xff, sizeof(data));
    g_assert_cmphex(receive(vm, 1, 0x04, 1, data, sizeof(data)), ==, 0);
    for (size_t i = 0; i < sizeof(data); i++) {
        g_assert_cmphex(data[i], ==, 0);
    }
    vt_free(vm);
}

/* Every test of libiscsi uses identifier 1 again and collects nothing */
static void test_list_id_again_and_again(void)
{
    VtVm *vm = start();
    VscsiXcopy x = copy(vm, 0, 0, 8);

    for (int usage = 0; usage < 4; usage++) {
        if (usage == 1) {
            continue;
        }
        x.usage = usage;
        x.list_id = usage == VSCSI_LIST_ID_NONE ? 0 : 1;
        for (int i = 0; i < 20; i++) {
            g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0);
        }
    }
    vt_free(vm);
}

/* LIST ID USAGE 11b: no identifier, no result */
static void test_no_list_id_keeps_no_result(void)
{
    VtVm *vm = start();
    VscsiXcopy x = copy(vm, 0, 0, 8);
    uint8_t data[12];

    x.usage = VSCSI_LIST_ID_NONE;
    x.list_id = 0;
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0);
    g_assert_cmphex(receive(vm, 1, 0x00, 0, data, 12), ==, 0x052400);
    vt_free(vm);
}

/* Of 32 bits, and in the number space of the others */
static void test_lid4_status_of_an_xcopy(void)
{
    VtVm *vm = start();
    VscsiXcopy x = copy(vm, 0, 0, 8);
    VtStatus s;

    x.usage = VSCSI_LIST_ID_KEEP;
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0);
    g_assert_cmphex(vt_rcs4(vm, 1, 1, &s), ==, 0);
    g_assert_cmphex(s.status.response_sa, ==, VSCSI_SA_EXTENDED_COPY_LID1);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_OK);
    g_assert_cmpuint(s.status.segments, ==, 1);
    vt_free(vm);
}

static void test_lu_id_type_is_ignored(void)
{
    VtVm *vm = start();
    VscsiXcopy x = copy(vm, 0, 0, 8);

    /* libiscsi: INQUIRY version is below 6 or a reserved type is good */
    for (int type = 0; type < 4; type++) {
        x.cscd[0].lu_id_type = type;
        g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0);
    }
    vt_free(vm);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, fn) qtest_add_func("/vscsi/xcopy/" path, fn)
    ADD("sent-to/source", test_sent_to_the_source);
    ADD("sent-to/destination", test_sent_to_the_destination);
    ADD("sent-to/third-lun", test_sent_to_a_third_lun);
    ADD("across-controllers", test_across_controllers);
    ADD("this-lun", test_this_lun);
    ADD("many-segments-in-order", test_many_segments_in_order);
    ADD("no-segments", test_no_segments);
    ADD("zero-blocks", test_zero_blocks);
    ADD("dc-and-block-sizes", test_dc_and_block_sizes);
    ADD("segment-0a", test_segment_0a);
    ADD("same-disk", test_same_disk);
    ADD("revokes-tokens", test_xcopy_revokes_tokens);
    ADD("operating-parameters", test_operating_parameters);
    ADD("status/good", test_copy_status);
    ADD("status/in-progress", test_copy_status_in_progress);
    ADD("status/lid4", test_lid4_status_of_an_xcopy);
    ADD("failure-details/some", test_failure_details);
    ADD("failure-details/none", test_no_failure_details);
    ADD("list-id/again-and-again", test_list_id_again_and_again);
    ADD("list-id/none-keeps-no-result", test_no_list_id_keeps_no_result);
    ADD("lu-id-type-is-ignored", test_lu_id_type_is_ignored);
    return g_test_run();
}
