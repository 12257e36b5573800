/*
 * The error table of third-party copy: tokens, identifiers, failing disks
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "error-test.h"

/* --------------------------------------------------------------- tokens */

static void test_token_length(void)
{
    VtVm *vm = error_start(NULL);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vt_token(vm, 0, 0, 8, token);
    stw_be_p(token + 6, 0x01f7);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x05230a);
    stw_be_p(token + 6, 0);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x05230a);
    /* of the zero token too */
    vscsi_rod_token_encode_zero(token);
    stw_be_p(token + 6, 0x01f9);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x05230a);
    vt_free(vm);
}

static void test_token_corrupt(void)
{
    VtVm *vm = error_start(NULL);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vt_token(vm, 0, 0, 8, token);
    /* every byte that is not the identifier, LENGTH or the instance counts */
    for (unsigned at = 0; at < VSCSI_ROD_TOKEN_LEN; at += 7) {
        if ((at >= 6 && at < 16) || (at >= 256 && at < 272)) {
            continue;
        }
        token[at] ^= 0x10;
        g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x052305);
        token[at] ^= 0x10;
    }
    /* an identifier that was never given */
    stq_be_p(token + 8, ~ldq_be_p(token + 8));
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x052305);
    stq_be_p(token + 8, ~ldq_be_p(token + 8));
    g_assert_true(vt_has_zeroes(vm, 1, 0, 8 * 512));
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0);
    vt_free(vm);
}

/* A token of another QEMU, with a type that nobody issues */
static void test_token_type_unsupported(void)
{
    VtVm *vm = error_start(NULL), *other = error_start(NULL);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vt_token(other, 0, 0, 8, token);
    stl_be_p(token, VSCSI_ROD_ACCESS_UPON_REFERENCE);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x052301);
    stl_be_p(token, 0xfffffff0);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x052301);
    vt_free(other);
    vt_free(vm);
}

static void test_token_foreign(void)
{
    VtVm *vm = error_start(NULL), *other = error_start(NULL);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vt_token(other, 0, 0, 8, token);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x052302);
    vt_free(other);
    vt_free(vm);
}

static void test_token_expired(void)
{
    VtVm *vm = error_start("default-inactivity=10");
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vt_token(vm, 0, 0, 8, token);
    vt_clock_step(vm, 9900);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0);
    vt_clock_step(vm, 10001);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x052307);
    vt_free(vm);
}

static void test_token_cancelled(void)
{
    VtVm *vm = error_start(NULL);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vt_token(vm, 0, 0, 8, token);
    vt_unplug(vm, 0);
    g_assert_cmphex(vt_test_unit_ready(vm, 1), ==, 0x063f0e);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x052308);
    vt_free(vm);
}

static void test_token_revoked(void)
{
    VtVm *vm = error_start(NULL);
    uint8_t token[VSCSI_ROD_TOKEN_LEN], block[512] = { 1 };

    vt_token(vm, 0, 0, 8, token);
    g_assert_cmphex(vt_write(vm, 0, 7, 1, block), ==, 0);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x052306);
    g_assert_true(vt_has_zeroes(vm, 1, 0, 8 * 512));
    vt_free(vm);
}

static void test_token_deleted(void)
{
    VtVm *vm = error_start(NULL);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;

    vt_token(vm, 0, 0, 8, token);
    wut = vt_wut(token, 0, 8);
    wut.del_tkn = true;
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x052309);
    vt_free(vm);
}

static void test_token_unknown(void)
{
    VtVm *vm = error_start("default-inactivity=10");
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vt_token(vm, 0, 0, 8, token);
    /* expired, and then no longer remembered */
    vt_clock_step(vm, 10001);
    vt_clock_step(vm, 10001);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x052304);
    vt_free(vm);
}

/* 05, 01, 02, then why it ended, 04: the first that applies */
static void test_token_check_order(void)
{
    VtVm *vm = error_start("default-inactivity=10");
    uint8_t token[VSCSI_ROD_TOKEN_LEN], block[512] = { 1 };
    uint8_t bad[VSCSI_ROD_TOKEN_LEN];

    vt_token(vm, 0, 0, 8, token);
    vt_clock_step(vm, 10001);
    memcpy(bad, token, sizeof(bad));
    bad[400] ^= 1;
    /* expired and corrupt */
    g_assert_cmphex(vt_use(vm, 1, bad, 0, 8), ==, 0x052305);
    /* of a type that is not issued, and so not as it was issued */
    memcpy(bad, token, sizeof(bad));
    stl_be_p(bad, VSCSI_ROD_ACCESS_UPON_REFERENCE);
    g_assert_cmphex(vt_use(vm, 1, bad, 0, 8), ==, 0x052305);
    /* it expired first: a later write does not change that */
    g_assert_cmphex(vt_write(vm, 0, 0, 1, block), ==, 0);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x052307);
    vt_free(vm);
}

/* ------------------------------------------------------- offset, partial */

static void test_offset_past_the_rod(void)
{
    VtVm *vm = error_start(NULL);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    const uint64_t bad[] = { 8, 9, 1ull << 54, 1ull << 55, UINT64_MAX };
    VscsiWut wut;

    vt_token(vm, 0, 0, 8, token);
    wut = vt_wut(token, 0, 1);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        wut.offset_blocks = bad[i];
        g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0x052600);
    }
    wut.offset_blocks = 7;
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    g_assert_true(vt_has(vm, 1, 0, 512, 1, 7 * 512));
    vt_free(vm);
}

static void test_wut_longer_than_the_rod(void)
{
    VtVm *vm = error_start(NULL);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;
    VtStatus s;
    VtCmd *cmd;

    vt_token(vm, 0, 0, 100, token);
    wut = vt_wut(token, 0, 200);
    cmd = vt_send_wut(vm, 1, 1, &wut);
    g_assert_cmphex(vt_wait(cmd), ==, 0x0a0d04);
    g_assert_true(cmd->sense.has_information);
    g_assert_cmpuint(cmd->sense.information, ==, 100);
    vt_cmd_free(cmd);
    g_assert_true(vt_has(vm, 1, 0, 100 * 512, 1, 0));
    g_assert_true(vt_has_zeroes(vm, 1, 100 * 512, 100 * 512));
    g_assert_cmphex(vt_rrti(vm, 1, 1, 287, &s), ==, 0);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_PARTIAL);
    g_assert_cmphex(s.status.completion_status, ==, 2);
    g_assert_cmpuint(s.status.count, ==, 100);
    g_assert_cmphex(vscsi_sense_code(&s.status.sense), ==, 0x0a0d04);
    vt_free(vm);
}

/* IMMED=1: GOOD, the residual by RRTI only */
static void test_wut_longer_than_the_rod_immed(void)
{
    VtVm *vm = error_start(NULL);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;
    VtStatus s;

    vt_token(vm, 0, 0, 100, token);
    wut = vt_wut(token, 0, 200);
    wut.immed = true;
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    vt_poll(vm, 1, 1, &s);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_PARTIAL);
    g_assert_cmpuint(s.status.count, ==, 100);
    g_assert_cmphex(vscsi_sense_code(&s.status.sense), ==, 0x0a0d04);
    g_assert_cmpuint(s.status.sense.information, ==, 100);
    vt_free(vm);
}

/* ------------------------------------------------------ list identifiers */

static void test_list_id_in_progress(void)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiPt pt = vt_pt(0, 8);
    VscsiWut wut;
    VtStatus s;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .bps = 1 * MiB });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    vt_token(vm, 0, 0, BLOCKS, token);
    wut = vt_wut(token, 0, BLOCKS);
    wut.immed = true;
    g_assert_cmphex(vt_write_token(vm, 1, 77, &wut), ==, 0);
    g_assert_cmphex(vt_write_token(vm, 1, 77, &wut), ==, 0x050016);
    g_assert_cmphex(vt_populate(vm, 1, 77, &pt), ==, 0x050016);
    /* another LUN is another I_T_L nexus */
    g_assert_cmphex(vt_populate(vm, 0, 77, &pt), ==, 0);
    /* when it has ended the identifier is free, its result is discarded */
    vm->step_ns = 1000000000;
    vt_poll(vm, 1, 77, &s);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_OK);
    g_assert_cmphex(vt_populate(vm, 1, 77, &pt), ==, 0);
    g_assert_cmphex(vt_rrti(vm, 1, 77, 805, &s), ==, 0);
    g_assert_cmphex(s.status.response_sa, ==, VSCSI_SA_POPULATE_TOKEN);
    vt_free(vm);
}

static void test_list_id_unknown(void)
{
    static const VscsiCommand commands[] = {
        VSCSI_CMD_RECEIVE_ROD_TOKEN_INFORMATION,
        VSCSI_CMD_RECEIVE_COPY_STATUS_LID4,
        VSCSI_CMD_COPY_OPERATION_ABORT,
        VSCSI_CMD_RECEIVE_COPY_STATUS_LID1,
        VSCSI_CMD_RECEIVE_COPY_FAILURE_LID1,
    };
    VtVm *vm = error_start(NULL);
    VscsiPt pt = vt_pt(0, 8);

    /* that of another LUN is not this one's */
    g_assert_cmphex(vt_populate(vm, 1, 9, &pt), ==, 0);
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        uint8_t cdb[VSCSI_CDB_LEN], data[64];

        vt_cdb(cdb, commands[i], 9, sizeof(data));
        g_assert_cmphex(vt_in(vm, 0, cdb, data, sizeof(data)), ==, 0x052400);
    }
    /* one that has ended cannot be aborted */
    g_assert_cmphex(vt_abort(vm, 1, 9), ==, 0x052400);
    vt_free(vm);
}

/* --------------------------------------------------------------- resources */

static void test_no_room_for_a_token(void)
{
    VtVm *vm = error_start("max-tokens=2");
    uint8_t token[3][VSCSI_ROD_TOKEN_LEN];
    VscsiPt pt = vt_pt(0, 8);
    VscsiWut wut;
    VtStatus s;

    vt_token(vm, 0, 0, 8, token[0]);
    vt_token(vm, 0, 0, 8, token[1]);
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0x05550d);
    pt.immed = true;
    g_assert_cmphex(vt_populate(vm, 0, 2, &pt), ==, 0);
    vt_poll(vm, 0, 2, &s);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_ERROR);
    g_assert_cmphex(vscsi_sense_code(&s.status.sense), ==, 0x05550d);
    /* the limit is of the LUN; it has room again when one has ended */
    vt_token(vm, 1, 0, 8, token[2]);
    wut = vt_wut(token[0], 0, 8);
    wut.del_tkn = true;
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0);
    vt_token(vm, 0, 0, 8, token[0]);
    vt_free(vm);
}

/*
 * The ROD itself cannot be made: the disk has become shorter since the CDB was
 * looked at.  A command that comes while the VM is stopped waits in between.
 */
static void no_room_for_a_rod(bool immed)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiPt pt = vt_pt(BLOCKS - 8, 8);
    VtStatus s;
    VtCmd *cmd;

    /* without an eventfd, that a stopped VM does not look at */
    vt_hba(vm, "ioeventfd=off");
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_boot(vm);
    pt.immed = immed;
    vt_stop(vm);
    cmd = vt_send_pt(vm, 0, 1, &pt);
    qtest_qmp_assert_success(vm->qts, "{'execute': 'block_resize',"
                             " 'arguments': {'node-name': 'raw0',"
                             " 'size': %u}}", (unsigned)(SIZE / 2));
    vt_cont(vm);
    g_assert_cmphex(vt_end(cmd), ==, immed ? 0 : 0x05550c);
    /* the disk's new size is told next */
    g_assert_cmphex(vt_test_unit_ready(vm, 0), ==, 0x062a09);
    vt_poll(vm, 0, 1, &s);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_ERROR);
    g_assert_cmphex(vscsi_sense_code(&s.status.sense), ==, 0x05550c);
    /* what the disk still has can be had */
    vt_token(vm, 0, 0, 8, token);
    vt_free(vm);
}

static void test_no_room_for_a_rod(void)
{
    no_room_for_a_rod(false);
}

static void test_no_room_for_a_rod_immed(void)
{
    no_room_for_a_rod(true);
}

/* @spec: a blkdebug rule for the source or the destination */
static VtVm *start_failing(const char *src_rule, const char *dst_rule,
                           uint8_t token[VSCSI_ROD_TOKEN_LEN])
{
    VtVm *vm = vt_new();

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) {
        .size = SIZE, .blkdebug = src_rule, .opts = "rerror=report",
    });
    vt_disk(vm, &(VtDiskConf) {
        .size = SIZE, .blkdebug = dst_rule, .opts = "werror=report",
    });
    vt_fill(vm, 0, 0, SIZE, 1);
    vt_boot(vm);
    vt_token(vm, 0, 0, BLOCKS, token);
    return vm;
}

#define RULE(io, sector, errno) \
    "inject-error.0.event=none,inject-error.0.iotype=" io "," \
    "inject-error.0.sector=" sector ",inject-error.0.errno=" errno

/* An error at block 6144 of 16384: the first two MiB at least are good */
static void check_partial(VtVm *vm, const uint8_t *token)
{
    VscsiWut wut = vt_wut(token, 0, BLOCKS);
    VtCmd *cmd = vt_send_wut(vm, 1, 1, &wut);
    uint64_t count;
    VtStatus s;

    g_assert_cmphex(vt_wait(cmd), ==, 0x0a0d04);
    g_assert_true(cmd->sense.has_information);
    count = cmd->sense.information;
    vt_cmd_free(cmd);
    g_assert_cmpuint(count, >=, 2 * MiB / 512);
    g_assert_cmpuint(count, <=, 6144);
    g_assert_true(vt_has(vm, 1, 0, count * 512, 1, 0));
    g_assert_cmphex(vt_rrti(vm, 1, 1, 287, &s), ==, 0);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_PARTIAL);
    g_assert_cmpuint(s.status.count, ==, count);
}

static void test_destination_fails_in_the_middle(void)
{
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VtVm *vm = start_failing(NULL, RULE("write", "6144", "5"), token);

    check_partial(vm, token);
    vt_free(vm);
}

static void test_source_fails_in_the_middle(void)
{
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VtVm *vm = start_failing(RULE("read", "6144", "5"), NULL, token);

    check_partial(vm, token);
    vt_free(vm);
}

static void test_destination_fails_at_once(void)
{
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VtVm *vm = start_failing(NULL, RULE("write", "0", "5"), token);
    VtStatus s;

    g_assert_cmphex(vt_use(vm, 1, token, 0, BLOCKS), ==, 0x0a0d01);
    g_assert_cmphex(vt_rrti(vm, 1, 0x9000, 287, &s), ==, 0);
    g_assert_cmphex(s.status.state, ==, VSCSI_COPY_ERROR);
    g_assert_cmpuint(s.status.count, ==, 0);
    vt_free(vm);
}

static void test_source_fails_at_once(void)
{
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VtVm *vm = start_failing(RULE("read", "0", "5"), NULL, token);

    g_assert_cmphex(vt_use(vm, 1, token, 0, BLOCKS), ==, 0x0a0d01);
    g_assert_true(vt_has_zeroes(vm, 1, 0, 1 * MiB));
    vt_free(vm);
}

static void test_no_space(void)
{
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VtVm *vm = start_failing(NULL, RULE("write", "0", "28"), token);

    g_assert_cmphex(vt_use(vm, 1, token, 0, BLOCKS), ==, 0x0b5503);
    vt_free(vm);
}

static void test_no_space_in_the_middle(void)
{
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VtVm *vm = start_failing(NULL, RULE("write", "6144", "28"), token);

    check_partial(vm, token);
    vt_free(vm);
}

/* ------------------------------------------------- protection, attention */

static void test_write_protected(void)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiWut wut;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vt_disk(vm, &(VtDiskConf) { .size = SIZE, .read_only = true });
    vt_boot(vm);
    vt_token(vm, 0, 0, 8, token);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x072700);
    vscsi_rod_token_encode_zero(token);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0x072700);
    wut = vt_wut(token, 0, 8);
    wut.immed = true;
    g_assert_cmphex(vt_write_token(vm, 1, 1, &wut), ==, 0x072700);
    /* it can still be a source */
    vt_token(vm, 1, 0, 8, token);
    g_assert_cmphex(vt_use(vm, 0, token, 0, 8), ==, 0);
    vt_free(vm);
}

/* scsi-hd has no persistent reservations: there is nothing to conflict with */
static void test_reservations_are_not_offered(void)
{
    VtVm *vm = error_start(NULL);
    uint8_t data[24];
    const uint8_t in[16] = { 0x5e, [8] = 24 }, out[16] = { 0x5f, [8] = 24 };

    g_assert_cmphex(vt_in(vm, 0, in, data, 24), ==, 0x052000);
    g_assert_cmphex(vt_out(vm, 0, out, data, 24), ==, 0x052000);
    vt_free(vm);
}

static void test_unit_attention_comes_first(void)
{
    VtVm *vm = vt_new();
    VscsiPt pt = vt_pt(0, 8);
    VtStatus s;

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = SIZE });
    vm->keep_attention = true;
    vt_boot(vm);
    /* INQUIRY neither reports nor clears it */
    g_assert_cmphex(vt_inquiry(vm, 0, 0x8f, s.raw, 255), ==, 0);
    g_assert_cmphex(s.raw[1], ==, 0x8f);
    g_assert_cmphex(vt_inquiry(vm, 0, -1, s.raw, 36), ==, 0);
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt) & 0xffff00, ==, 0x062900);
    /* it was not started */
    g_assert_cmphex(vt_rrti(vm, 0, 1, 805, &s), ==, 0x052400);
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0);
    vt_free(vm);
}

static const ErrorRow rows[] = {
    { "token/length", test_token_length },
    { "token/corrupt", test_token_corrupt },
    { "token/type-unsupported", test_token_type_unsupported },
    { "token/foreign", test_token_foreign },
    { "token/expired", test_token_expired },
    { "token/cancelled", test_token_cancelled },
    { "token/revoked", test_token_revoked },
    { "token/deleted", test_token_deleted },
    { "token/unknown", test_token_unknown },
    { "token/check-order", test_token_check_order },
    { "offset-past-the-rod", test_offset_past_the_rod },
    { "wut-longer-than-the-rod", test_wut_longer_than_the_rod },
    { "wut-longer-than-the-rod-immed", test_wut_longer_than_the_rod_immed },
    { "list-id-in-progress", test_list_id_in_progress },
    { "list-id-unknown", test_list_id_unknown },
    { "no-room-for-a-token", test_no_room_for_a_token },
    { "no-room-for-a-rod", test_no_room_for_a_rod },
    { "no-room-for-a-rod-immed", test_no_room_for_a_rod_immed },
    { "destination-fails-midway", test_destination_fails_in_the_middle },
    { "source-fails-midway", test_source_fails_in_the_middle },
    { "destination-fails-at-once", test_destination_fails_at_once },
    { "source-fails-at-once", test_source_fails_at_once },
    { "no-space", test_no_space },
    { "no-space-midway", test_no_space_in_the_middle },
    { "write-protected", test_write_protected },
    { "reservations-not-offered", test_reservations_are_not_offered },
    { "unit-attention", test_unit_attention_comes_first },
};

void error_add_token_rows(void)
{
    error_add(rows, ARRAY_SIZE(rows));
}
