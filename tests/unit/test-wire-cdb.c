/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * CDBs of the third-party copy commands.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/vscsi/wire.h"
#include "unit.h"

static const struct {
    uint8_t cdb[VSCSI_CDB_LEN];
    VscsiCommand command;
    uint8_t list_id_len;
    uint32_t list_id;
    uint32_t data_length;
    uint8_t group;
    uint32_t feature;
} examples[] = {
    { { 0x83, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x02, 0x03, 0x04 },
      VSCSI_CMD_EXTENDED_COPY_LID1, 0, 0, 0x01020304, 0,
      VSCSI_FEATURE_XCOPY },
    { { 0x83, 0x10, 0, 0, 0, 0, 0xa1, 0xa2, 0xa3, 0xa4, 0, 0, 0, 0x20,
        0x1f },
      VSCSI_CMD_POPULATE_TOKEN, 4, 0xa1a2a3a4, 0x20, 0x1f,
      VSCSI_FEATURE_TOKEN },
    { { 0x83, 0x11, 0, 0, 0, 0, 0xa1, 0xa2, 0xa3, 0xa4, 0, 0, 0x02, 0x28,
        0x03 },
      VSCSI_CMD_WRITE_USING_TOKEN, 4, 0xa1a2a3a4, 0x228, 0x03,
      VSCSI_FEATURE_TOKEN },
    { { 0x83, 0x1c, 0xa1, 0xa2, 0xa3, 0xa4 },
      VSCSI_CMD_COPY_OPERATION_ABORT, 4, 0xa1a2a3a4, 0, 0,
      VSCSI_FEATURE_ABORT },
    { { 0x84, 0x00, 0xa1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0c },
      VSCSI_CMD_RECEIVE_COPY_STATUS_LID1, 1, 0xa1, 0x0c, 0,
      VSCSI_FEATURE_XCOPY },
    { { 0x84, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x08 },
      VSCSI_CMD_RECEIVE_COPY_PARAMETERS, 0, 0, 0x208, 0,
      VSCSI_FEATURE_XCOPY },
    { { 0x84, 0x04, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50 },
      VSCSI_CMD_RECEIVE_COPY_FAILURE_LID1, 1, 0xff, 0x50, 0,
      VSCSI_FEATURE_XCOPY },
    { { 0x84, 0x05, 0xa1, 0xa2, 0xa3, 0xa4, 0, 0, 0, 0, 0, 0, 0, 0x20 },
      VSCSI_CMD_RECEIVE_COPY_STATUS_LID4, 4, 0xa1a2a3a4, 0x20, 0,
      VSCSI_FEATURE_TOKEN | VSCSI_FEATURE_ABORT },
    { { 0x84, 0x07, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0x03, 0x25 },
      VSCSI_CMD_RECEIVE_ROD_TOKEN_INFORMATION, 4, 0xffffffff, 805, 0,
      VSCSI_FEATURE_TOKEN },
    { { 0x84, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff },
      VSCSI_CMD_REPORT_ALL_ROD_TOKENS, 0, 0, 0xffffffff, 0,
      VSCSI_FEATURE_REPORT_TOKENS },
};

QEMU_BUILD_BUG_ON(ARRAY_SIZE(examples) != VSCSI_CMD__MAX);

static void check_example(int i, const VscsiCdb *cdb)
{
    ck_assert_uint_eq(cdb->command, examples[i].command);
    ck_assert_uint_eq(cdb->opcode, examples[i].cdb[0]);
    ck_assert_uint_eq(cdb->service_action, examples[i].cdb[1]);
    ck_assert_uint_eq(cdb->list_id_len, examples[i].list_id_len);
    ck_assert_uint_eq(cdb->list_id, examples[i].list_id);
    ck_assert_uint_eq(cdb->data_length, examples[i].data_length);
    ck_assert_uint_eq(cdb->group_number, examples[i].group);
}

START_TEST(each_command_is_read_with_its_own_list_id_offset)
{
    VscsiCdb cdb;
    VscsiSense err;

    ck_assert(vscsi_cdb_decode(examples[_i].cdb, VSCSI_FEATURE_ALL, &cdb,
                               &err));
    check_example(_i, &cdb);
}
END_TEST

START_TEST(each_command_is_written_as_it_was_read)
{
    uint8_t raw[VSCSI_CDB_LEN];
    VscsiCdb cdb;
    VscsiSense err;

    ck_assert(vscsi_cdb_decode(examples[_i].cdb, VSCSI_FEATURE_ALL, &cdb,
                               &err));
    vscsi_cdb_encode(&cdb, raw);
    ck_assert_mem_eq(raw, examples[_i].cdb, VSCSI_CDB_LEN);
}
END_TEST

START_TEST(reserved_bits_are_ignored)
{
    uint8_t raw[VSCSI_CDB_LEN];
    VscsiCdb clean, cdb;
    VscsiSense err;

    ck_assert(vscsi_cdb_decode(examples[_i].cdb, VSCSI_FEATURE_ALL, &clean,
                               &err));
    /* A map of the bits in use: a CDB whose fields are all ones. */
    clean.list_id = UINT32_MAX;
    clean.data_length = UINT32_MAX;
    clean.group_number = 0x1f;
    vscsi_cdb_encode(&clean, raw);
    for (int i = 1; i < VSCSI_CDB_LEN; i++) {
        uint8_t used = i == 1 ? 0x1f : i == 15 ? 0x04 : raw[i];

        raw[i] = examples[_i].cdb[i] | (uint8_t)~used;
    }
    ck_assert(vscsi_cdb_decode(raw, VSCSI_FEATURE_ALL, &cdb, &err));
    check_example(_i, &cdb);
}
END_TEST

START_TEST(naca_is_refused)
{
    uint8_t raw[VSCSI_CDB_LEN];
    VscsiCdb cdb;
    VscsiSense err;

    memcpy(raw, examples[_i].cdb, sizeof(raw));
    raw[15] = 0x04;
    ck_assert(!vscsi_cdb_decode(raw, VSCSI_FEATURE_ALL, &cdb, &err));
    ck_assert_field(err, 0x052400, true, 15);
    ck_assert_uint_eq(err.bit_pointer, 2);
}
END_TEST

START_TEST(a_command_is_known_only_with_its_feature)
{
    for (uint32_t features = 0; features <= VSCSI_FEATURE_ALL; features++) {
        bool known = features & examples[_i].feature;
        VscsiCdb cdb;
        VscsiSense err;

        ck_assert_int_eq(vscsi_cdb_decode(examples[_i].cdb, features, &cdb,
                                          &err), known);
    }
}
END_TEST

START_TEST(an_unknown_service_action_is_an_invalid_field_not_opcode)
{
    for (int opcode = 0x83; opcode <= 0x84; opcode++) {
        unsigned known = 0;

        for (int sa = 0; sa < 32; sa++) {
            uint8_t raw[VSCSI_CDB_LEN] = { opcode, sa };
            VscsiCdb cdb;
            VscsiSense err;

            if (vscsi_cdb_decode(raw, VSCSI_FEATURE_ALL, &cdb, &err)) {
                known++;
                continue;
            }
            ck_assert_field(err, 0x052400, true, 1);
            ck_assert_uint_eq(err.bit_pointer, 4);
        }
        ck_assert_uint_eq(known, opcode == 0x83 ? 4 : 6);
    }
}
END_TEST

START_TEST(other_opcodes_are_invalid)
{
    for (int opcode = 0; opcode < 256; opcode++) {
        uint8_t raw[VSCSI_CDB_LEN] = { opcode };
        VscsiCdb cdb;
        VscsiSense err;

        if (opcode == 0x83 || opcode == 0x84) {
            continue;
        }
        ck_assert(!vscsi_cdb_decode(raw, VSCSI_FEATURE_ALL, &cdb, &err));
        ck_assert_sense(err, 0x052000);
    }
}
END_TEST

START_TEST(without_any_feature_both_opcodes_are_invalid)
{
    for (int opcode = 0x83; opcode <= 0x84; opcode++) {
        uint8_t raw[VSCSI_CDB_LEN] = { opcode };
        VscsiCdb cdb;
        VscsiSense err;

        ck_assert(!vscsi_cdb_decode(raw, 0, &cdb, &err));
        ck_assert_sense(err, 0x052000);
    }
}
END_TEST

START_TEST(every_command_has_a_name)
{
    for (int i = 0; i < VSCSI_CMD__MAX; i++) {
        ck_assert_ptr_nonnull(vscsi_command_name(i));
    }
    ck_assert_str_eq(vscsi_command_name(VSCSI_CMD_POPULATE_TOKEN),
                     "POPULATE TOKEN");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire-cdb");
    TCase *tc = unit_case(suite, "each command");
    int n = ARRAY_SIZE(examples);

    tcase_add_loop_test(tc, each_command_is_read_with_its_own_list_id_offset,
                        0, n);
    tcase_add_loop_test(tc, each_command_is_written_as_it_was_read, 0, n);
    tcase_add_loop_test(tc, reserved_bits_are_ignored, 0, n);
    tcase_add_loop_test(tc, naca_is_refused, 0, n);
    tcase_add_loop_test(tc, a_command_is_known_only_with_its_feature, 0, n);

    tc = unit_case(suite, "refused");
    tcase_add_test(tc,
                   an_unknown_service_action_is_an_invalid_field_not_opcode);
    tcase_add_test(tc, other_opcodes_are_invalid);
    tcase_add_test(tc, without_any_feature_both_opcodes_are_invalid);
    tcase_add_test(tc, every_command_has_a_name);
    return unit_run(suite);
}
