/*
 * Tokens through vscsi-pci: Windows' sequence, data, IMMED, offsets, sizes
 *
 * Life of tokens and point in time are in token-life.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "harness.h"
#include "token-test.h"

/* Much more than the offload engine has in flight */
#define SIZE (32 * MiB)

/* --------------------------------------------------------------- Windows */

/*
 * PT IMMED=0 RTV=0, RRTI with allocation 805, WUT IMMED=0 DEL_TKN=0 of 64
 * descriptors; every byte that Windows looks at
 */
static void test_windows_sequence(void)
{
    VtVm *vm = vt_simple(2, SIZE);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiPt pt = {};
    VscsiWut wut = { .token = token };
    VtStatus s;

    vt_fill(vm, 0, 0, SIZE, 1);
    for (int i = 0; i < 64; i++) {
        /* in no order, with gaps on both sides */
        vt_range(&pt.ranges, 256 * ((i * 37) % 64) + 3, 100);
        vt_range(&wut.ranges, 256 * ((i * 29) % 64) + 50, 100);
    }
    g_assert_cmphex(vt_populate(vm, 0, 0x12345678, &pt), ==, 0);
    g_assert_cmphex(vt_rrti(vm, 0, 0x12345678, 805, &s), ==, 0);
    g_assert_cmpuint(ldl_be_p(s.raw), ==, 546);         /* AVAILABLE DATA */
    g_assert_cmphex(s.raw[4] & 0x1f, ==, 0x10);
    g_assert_cmphex(s.raw[5] & 0x7f, ==, 0x01);
    g_assert_cmphex((uint32_t)ldl_be_p(s.raw + 8), ==, 0xfffffffe);
    g_assert_cmphex(s.raw[12], ==, 0);
    g_assert_cmpuint(s.raw[13], ==, 0);
    g_assert_cmpuint(s.raw[14], ==, 0);
    g_assert_cmphex(s.raw[15], ==, 0xf1);
    g_assert_cmpuint(ldq_be_p(s.raw + 16), ==, 6400);
    g_assert_cmpuint(lduw_be_p(s.raw + 24), ==, 0);
    g_assert_cmpuint(ldl_be_p(s.raw + 32), ==, 514);
    g_assert_cmphex(lduw_be_p(s.raw + 36), ==, 0);
    memcpy(token, s.raw + 38, sizeof(token));

    g_assert_cmphex(vt_write_token(vm, 1, 0x12345679, &wut), ==, 0);
    for (int i = 0; i < 64; i++) {
        g_assert_true(vt_has(vm, 1, wut.ranges.range[i].lba * 512, 51200, 1,
                             pt.ranges.range[i].lba * 512));
    }
    /* the gaps are as they were */
    for (int i = 0; i < 64; i++) {
        g_assert_true(vt_has_zeroes(vm, 1, i * 256 * 512, 50 * 512));
        g_assert_true(vt_has_zeroes(vm, 1, (i * 256 + 150) * 512, 106 * 512));
    }
    vt_free(vm);
}

/* Windows asks for 287 bytes after a WUT that was not good */
static void test_windows_rrti_after_partial_write(void)
{
    VtVm *vm = vt_simple(2, SIZE);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VtStatus s;

    vt_token(vm, 0, 0, 10, token);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 20), ==, 0x0a0d04);
    g_assert_cmphex(vt_rrti(vm, 1, 0x9000, 287, &s), ==, 0);
    g_assert_cmphex(s.raw[4] & 0x1f, ==, 0x11);
    g_assert_cmphex(s.raw[5], ==, 0x03);
    g_assert_cmphex(s.raw[12], ==, 0x02);
    g_assert_cmpuint(s.raw[13], ==, 20);
    g_assert_cmpuint(s.raw[14], ==, 18);
    g_assert_cmpuint(ldq_be_p(s.raw + 16), ==, 10);
    /* sense data inside, then an empty list of tokens */
    g_assert_cmphex(s.raw[32], ==, 0xf0);
    g_assert_cmphex(s.raw[34], ==, 0x0a);
    g_assert_cmpuint(ldl_be_p(s.raw + 35), ==, 10);
    g_assert_cmpuint(ldl_be_p(s.raw + 52), ==, 0);
    g_assert_cmpuint(ldl_be_p(s.raw), ==, 36 + 20 - 4);
    vt_free(vm);
}

/* No record is kept of a WUT whose token was refused */
static void test_windows_no_rrti_after_bad_token(void)
{
    VtVm *vm = vt_simple(2, SIZE);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VtStatus s;

    vt_token(vm, 0, 0, 10, token);
    token[300] ^= 1;
    g_assert_cmphex(vt_use(vm, 1, token, 0, 10), ==, 0x052305);
    g_assert_cmphex(vt_rrti(vm, 1, 0x9000, 287, &s), ==, 0x052400);
    vt_free(vm);
}

/* ------------------------------------------------------------- the token */

static void test_token_says_what_it_is(void)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN], again[VSCSI_ROD_TOKEN_LEN];
    uint8_t capacity[32];
    const uint8_t read_capacity[16] = { 0x9e, 0x10, [13] = 32 };
    VscsiCscd cscd;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .block = 4096 });
    vt_boot(vm);
    vt_token(vm, 0, 3, 100, token);
    vt_token(vm, 0, 3, 100, again);
    g_assert_cmphex(ldl_be_p(token), ==, VSCSI_ROD_PIT_VULNERABLE);
    g_assert_cmphex(lduw_be_p(token + 6), ==, 0x01f8);
    g_assert_cmphex(ldq_be_p(token + 8), !=, ldq_be_p(again + 8));
    /* creator */
    cscd = vt_cscd(vm, 0);
    g_assert_cmphex(token[16], ==, 0xe4);
    g_assert_cmphex(token[16 + 5] & 0x3f, ==, 3);
    g_assert_cmpuint(token[16 + 7], ==, 8);
    g_assert_cmpmem(token + 24, 8, cscd.designator.bytes, 8);
    /* bytes represented */
    g_assert_cmpuint(ldq_be_p(token + 48), ==, 0);
    g_assert_cmpuint(ldq_be_p(token + 56), ==, 100 * 4096);
    g_assert_cmphex(vt_in(vm, 0, read_capacity, capacity, 32), ==, 0);
    g_assert_cmpmem(token + 96, 8, capacity + 8, 8);
    /* 256 secret bits or more are different */
    g_assert_true(memcmp(token + 272, again + 272, 240) != 0);
    vt_free(vm);
}

/* A token does not show where the data lies */
static void test_token_does_not_reveal_lbas(void)
{
    VtVm *vm = vt_simple(1, SIZE);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    uint8_t be[4], le[4];

    vt_token(vm, 0, 0x5a7b, 3, token);
    stl_be_p(be, 0x5a7b);
    stl_le_p(le, 0x5a7b);
    g_assert_null(memmem(token, sizeof(token), be, 4));
    g_assert_null(memmem(token, sizeof(token), le, 4));
    vt_free(vm);
}

/* ----------------------------------------------------------------- IMMED */

static void test_immed_populate(void)
{
    VtVm *vm = vt_simple(2, SIZE);
    VscsiPt pt = vt_pt(8, 64);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VtStatus s;

    vt_fill(vm, 0, 0, SIZE, 1);
    pt.immed = true;
    g_assert_cmphex(vt_populate(vm, 0, 5, &pt), ==, 0);
    vt_poll(vm, 0, 5, &s);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_OK);
    g_assert_cmpuint(s.status.count, ==, 64);
    g_assert_cmphex(s.status.delay_ms, ==, VSCSI_DELAY_FINISHED);
    /* RECEIVE COPY STATUS does not take the token away */
    g_assert_cmphex(vt_rrti(vm, 0, 5, 805, &s), ==, 0);
    g_assert_nonnull(s.status.token);
    memcpy(token, s.status.token, sizeof(token));
    g_assert_cmphex(vt_use(vm, 1, token, 0, 64), ==, 0);
    g_assert_true(vt_has(vm, 1, 0, 64 * 512, 1, 8 * 512));
    vt_free(vm);
}

static VtVm *start_slow(uint64_t bps)
{
    VtVm *vm = vt_new();

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) {
        .size = SIZE, .bps = bps, .opts = "sync-time=600000",
    });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    return vm;
}

static void test_immed_write_shows_progress(void)
{
    VtVm *vm = start_slow(1 * MiB);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    uint64_t last = 0;
    unsigned steps = 0;
    VscsiWut wut;
    VtStatus s;

    vt_token(vm, 0, 0, SIZE / 512, token);
    wut = vt_wut(token, 0, SIZE / 512);
    wut.immed = true;
    g_assert_cmphex(vt_write_token(vm, 1, 5, &wut), ==, 0);
    for (;;) {
        g_assert_cmphex(vt_rcs4(vm, 1, 5, &s), ==, 0);
        g_assert_cmpuint(s.status.count, >=, last);
        steps += s.status.count > last;
        last = s.status.count;
        /* what is counted is there */
        g_assert_true(vt_has(vm, 1, 0, last * 512, 1, 0));
        if (s.status.state != VSCSI_COPY_BACKGROUND) {
            break;
        }
        g_assert_cmphex(s.status.completion_status, ==, 0);
        g_assert_false(s.status.has_sense);
        g_assert_cmphex(s.status.delay_ms, !=, VSCSI_DELAY_FINISHED);
        vt_clock_step(vm, 250);
        g_usleep(2000);
    }
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_OK);
    g_assert_cmpuint(s.status.count, ==, SIZE / 512);
    g_assert_cmpuint(steps, >, 2);
    vt_free(vm);
}

/* RRTI in progress: no token, and it discards nothing */
static void test_rrti_in_progress(void)
{
    VtVm *vm = start_slow(1 * MiB);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;
    VtStatus s;

    vt_token(vm, 0, 0, SIZE / 512, token);
    wut = vt_wut(token, 0, SIZE / 512);
    wut.immed = true;
    g_assert_cmphex(vt_write_token(vm, 1, 5, &wut), ==, 0);
    for (int i = 0; i < 3; i++) {
        g_assert_cmphex(vt_rrti(vm, 1, 5, i == 1 ? 0 : 805, &s), ==, 0);
    }
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_BACKGROUND);
    g_assert_null(s.status.token);
    g_assert_cmpuint(ldl_be_p(s.raw), ==, 32);
    vm->step_ns = 1000000000;
    vt_poll(vm, 1, 5, &s);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_OK);
    vt_free(vm);
}

static void test_foreground_status(void)
{
    VtVm *vm = start_slow(1 * MiB);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;
    VtCmd *cmd;
    VtStatus s;

    vt_token(vm, 0, 0, SIZE / 512, token);
    wut = vt_wut(token, 0, SIZE / 512);
    cmd = vt_send_wut(vm, 1, 5, &wut);
    g_assert_cmphex(vt_rcs4(vm, 1, 5, &s), ==, 0);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_FOREGROUND);
    g_assert_false(vt_ended(cmd));
    vm->step_ns = 1000000000;
    g_assert_cmphex(vt_end(cmd), ==, 0);
    g_assert_true(vt_has(vm, 1, 0, SIZE, 1, 0));
    vt_free(vm);
}

/* A synchronous command ends within sync-time, with what it has */
static void test_sync_time_ends_a_long_write(void)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    uint64_t done = 0;
    VscsiWut wut;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) {
        .size = SIZE, .bps = 1 * MiB, .opts = "sync-time=100",
    });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    vt_token(vm, 0, 0, SIZE / 512, token);
    vm->step_ns = 10000000;
    while (done < SIZE / 512) {
        g_autoptr(VtCmd) cmd = NULL;

        wut = vt_wut(token, done, SIZE / 512 - done);
        wut.offset_blocks = done;
        cmd = vt_send_wut(vm, 1, 5, &wut);
        if (vt_wait(cmd) == 0) {
            break;
        }
        g_assert_cmphex(cmd->outcome, ==, 0x0a0d04);
        /* every command gets further */
        g_assert_cmpuint(cmd->sense.information, >, 0);
        done += cmd->sense.information;
    }
    g_assert_true(vt_has(vm, 1, 0, SIZE, 1, 0));
    vt_free(vm);
}

/* ------------------------------------------------------ offset, deletion */

static void test_offset_into_rod(void)
{
    VtVm *vm = vt_simple(2, SIZE);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiPt pt = {};
    VscsiWut wut;
    VtStatus s;

    vt_fill(vm, 0, 0, SIZE, 1);
    vt_range(&pt.ranges, 1000, 10);
    vt_range(&pt.ranges, 0, 10);
    vt_range(&pt.ranges, 500, 10);
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    g_assert_cmphex(vt_rrti(vm, 0, 1, 805, &s), ==, 0);
    memcpy(token, s.status.token, sizeof(token));
    /* the end of the first range, the second, the begin of the third */
    wut = vt_wut(token, 8, 12);
    wut.offset_blocks = 9;
    g_assert_cmphex(vt_write_token(vm, 1, 2, &wut), ==, 0);
    g_assert_true(vt_has(vm, 1, 8 * 512, 512, 1, 1009 * 512));
    g_assert_true(vt_has(vm, 1, 9 * 512, 10 * 512, 1, 0));
    g_assert_true(vt_has(vm, 1, 19 * 512, 512, 1, 500 * 512));
    g_assert_true(vt_has_zeroes(vm, 1, 0, 8 * 512));
    g_assert_true(vt_has_zeroes(vm, 1, 20 * 512, 8 * 512));
    vt_free(vm);
}

static void test_del_tkn_only_after_all_was_written(void)
{
    VtVm *vm = vt_simple(2, SIZE);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;

    vt_token(vm, 0, 0, 10, token);
    wut = vt_wut(token, 0, 20);
    wut.del_tkn = true;
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0x0a0d04);
    wut = vt_wut(token, 0, 10);
    wut.del_tkn = true;
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0x052309);
    vt_free(vm);
}

/* DEL_TKN of an empty command, and of the zero token: nothing to delete */
static void test_del_tkn_of_the_zero_token(void)
{
    VtVm *vm = vt_simple(1, SIZE);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;

    vscsi_rod_token_encode_zero(token);
    wut = vt_wut(token, 0, 10);
    wut.del_tkn = true;
    for (int i = 0; i < 2; i++) {
        g_assert_cmphex(vt_write_token(vm, 0, 1, &wut), ==, 0);
    }
    vt_free(vm);
}

/* ------------------------------------------------------------ zero token */

static void test_zero_token(void)
{
    VtVm *vm = vt_simple(1, SIZE);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;

    vt_fill(vm, 0, 0, SIZE, 1);
    vscsi_rod_token_encode_zero(token);
    wut = vt_wut(token, 3, 1000);
    vt_range(&wut.ranges, 2000, 5000);
    wut.offset_blocks = 12345;
    g_assert_cmphex(vt_write_token(vm, 0, 1, &wut), ==, 0);
    g_assert_true(vt_has(vm, 0, 0, 3 * 512, 1, 0));
    g_assert_true(vt_has_zeroes(vm, 0, 3 * 512, 1000 * 512));
    g_assert_true(vt_has(vm, 0, 1003 * 512, 997 * 512, 1, 1003 * 512));
    g_assert_true(vt_has_zeroes(vm, 0, 2000 * 512, 5000 * 512));
    g_assert_true(vt_has(vm, 0, 7000 * 512, 512, 1, 7000 * 512));
    /* the rest of a zero token is not looked at */
    memset(token + 8, 0xa5, sizeof(token) - 8);
    g_assert_cmphex(vt_use(vm, 0, token, 0, 3), ==, 0);
    vt_free(vm);
}

static void test_zero_token_1_tib(void)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    struct stat st;
    VscsiWut wut;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = 1 * TiB });
    vt_fill(vm, 0, 0, 1 * MiB, 1);
    vt_fill(vm, 0, 1 * TiB - 1 * MiB, 1 * MiB, 1);
    vt_boot(vm);
    vscsi_rod_token_encode_zero(token);
    wut = vt_wut(token, 0, 1 * TiB / 512);
    g_assert_cmphex(vt_write_token(vm, 0, 1, &wut), ==, 0);
    g_assert_true(vt_has_zeroes(vm, 0, 0, 1 * MiB));
    g_assert_true(vt_has_zeroes(vm, 0, 1 * TiB - 1 * MiB, 1 * MiB));
    g_assert_cmpint(stat(vm->disk[0].path, &st), ==, 0);
    g_assert_cmpint(st.st_size, ==, 1 * TiB);
    g_assert_cmpint(st.st_blocks, <, 1 * GiB / 512);
    vt_free(vm);
}

/* A token of a sparse disk: a hole is not read, cost follows data */
static void test_token_of_a_sparse_tebibyte(void)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = 1 * TiB });
    vt_disk(vm, &(VtDiskConf) { .size = 1 * TiB });
    vt_fill(vm, 0, 600 * GiB, 1 * MiB, 1);
    vt_boot(vm);
    vt_token(vm, 0, 0, 1 * TiB / 512, token);
    wut = vt_wut(token, 0, 1 * TiB / 512);
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    g_assert_true(vt_has(vm, 1, 600 * GiB, 1 * MiB, 1, 600 * GiB));
    vt_free(vm);
}

/* ----------------------------------------------------------- block sizes */

static VtVm *start_sizes(uint32_t src, uint32_t dst)
{
    VtVm *vm = vt_new();

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .block = src });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .block = dst });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_fill(vm, 1, 0, SIZE, 2);
    vt_boot(vm);
    return vm;
}

static void test_block_size_512_to_4096(void)
{
    VtVm *vm = start_sizes(512, 4096);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;

    /* 3 blocks and a half of the destination, from an odd place */
    vt_token(vm, 0, 5, 28, token);
    wut = vt_wut(token, 2, 4);
    /* the last block is filled up with zeroes */
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    g_assert_true(vt_has(vm, 1, 0, 2 * 4096, 2, 0));
    g_assert_true(vt_has(vm, 1, 2 * 4096, 28 * 512, 1, 5 * 512));
    g_assert_true(vt_has_zeroes(vm, 1, 2 * 4096 + 28 * 512, 2048));
    g_assert_true(vt_has(vm, 1, 6 * 4096, 4096, 2, 6 * 4096));
    /* one block more than there is */
    wut = vt_wut(token, 10, 5);
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0x0a0d04);
    /* the offset is in blocks of the destination */
    wut = vt_wut(token, 20, 1);
    wut.offset_blocks = 1;
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    g_assert_true(vt_has(vm, 1, 20 * 4096, 4096, 1, 5 * 512 + 4096));
    vt_free(vm);
}

static void test_block_size_4096_to_512(void)
{
    VtVm *vm = start_sizes(4096, 512);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;

    vt_token(vm, 0, 7, 3, token);
    wut = vt_wut(token, 1, 24);
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    g_assert_true(vt_has(vm, 1, 512, 3 * 4096, 1, 7 * 4096));
    wut = vt_wut(token, 101, 7);
    wut.offset_blocks = 17;
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    g_assert_true(vt_has(vm, 1, 101 * 512, 7 * 512, 1, 7 * 4096 + 17 * 512));
    vt_free(vm);
}

/* ------------------------------------------------------------ other places */

static void test_two_controllers(void)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    vt_token(vm, 0, 0, 4096, token);
    g_assert_cmphex(vt_use(vm, 1, token, 10, 4096), ==, 0);
    g_assert_true(vt_has(vm, 1, 10 * 512, 2 * MiB, 1, 0));
    vt_free(vm);
}

/* From a disk to another place of it; ranges that overlap are copied whole */
static void test_same_disk(void)
{
    VtVm *vm = vt_simple(1, SIZE);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vt_fill(vm, 0, 0, SIZE, 1);
    vt_token(vm, 0, 0, 2048, token);
    g_assert_cmphex(vt_use(vm, 0, token, 8192, 2048), ==, 0);
    g_assert_true(vt_has(vm, 0, 8192 * 512, 1 * MiB, 1, 0));
    /* onto itself, one block further */
    g_assert_cmphex(vt_use(vm, 0, token, 1, 2048), ==, 0);
    g_assert_true(vt_has(vm, 0, 512, 1 * MiB, 1, 0));
    /* which was a write to the source */
    g_assert_cmphex(vt_use(vm, 0, token, 8192, 1), ==, 0x052306);
    vt_free(vm);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, fn) qtest_add_func("/vscsi/token/" path, fn)
    ADD("windows/sequence", test_windows_sequence);
    ADD("windows/rrti-after-partial", test_windows_rrti_after_partial_write);
    ADD("windows/no-rrti-after-bad", test_windows_no_rrti_after_bad_token);
    ADD("says-what-it-is", test_token_says_what_it_is);
    ADD("does-not-reveal-lbas", test_token_does_not_reveal_lbas);
    ADD("immed/populate", test_immed_populate);
    ADD("immed/write-shows-progress", test_immed_write_shows_progress);
    ADD("immed/rrti-in-progress", test_rrti_in_progress);
    ADD("foreground-status", test_foreground_status);
    ADD("sync-time-ends-a-long-write", test_sync_time_ends_a_long_write);
    ADD("offset-into-rod", test_offset_into_rod);
    ADD("del-tkn/only-after-all", test_del_tkn_only_after_all_was_written);
    ADD("del-tkn/zero-token", test_del_tkn_of_the_zero_token);
    ADD("zero/write", test_zero_token);
    ADD("zero/1-tib", test_zero_token_1_tib);
    ADD("sparse-tebibyte", test_token_of_a_sparse_tebibyte);
    ADD("block-size/512-to-4096", test_block_size_512_to_4096);
    ADD("block-size/4096-to-512", test_block_size_4096_to_512);
    ADD("two-controllers", test_two_controllers);
    ADD("same-disk", test_same_disk);
    token_add_life();
    return g_test_run();
}
