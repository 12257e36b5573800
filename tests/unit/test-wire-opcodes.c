/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * REPORT SUPPORTED OPERATION CODES.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/vscsi/wire.h"
#include "unit.h"

#define ROOM 4096
#define N_DISK 32
#define N_COPY 11

static VscsiOpcodeTable tables[2];

static void setup(void)
{
    tables[0] = vscsi_opcodes_disk();
    tables[1] = vscsi_opcodes_copy(VSCSI_FEATURE_ALL);
}

/* The answer to one command; its length, or 0 with the sense code. */
static size_t ask(uint8_t *buf, uint8_t options, uint8_t opcode, uint16_t sa,
                  bool rctd, uint32_t *code)
{
    VscsiRsocCdb cdb = {
        .options = options, .opcode = opcode, .sa = sa, .rctd = rctd,
    };
    VscsiSense err = { 0 };
    size_t len = 0;
    bool ok = vscsi_rsoc_encode(buf, ROOM, &cdb, tables, 2, &len, &err);

    *code = unit_code(ok, err);
    if (!ok) {
        ck_assert_field(err, 0x052400, true, 2);
        ck_assert_uint_eq(err.bit_pointer, 2);
    }
    return ok ? len : 0;
}

START_TEST(tables_are_in_order_and_their_maps_name_the_command)
{
    for (unsigned t = 0; t < 2; t++) {
        int previous = -1;

        for (unsigned i = 0; i < tables[t].n; i++) {
            const VscsiOpcode *entry = &tables[t].entry[i];
            int key = entry->opcode << 16 | entry->sa;
            static const uint8_t group_len[8] = {
                6, 10, 10, 0, 16, 12, 0, 0,
            };

            ck_assert_int_gt(key, previous);
            previous = key;
            ck_assert_uint_eq(entry->cdb_len,
                              group_len[entry->opcode >> 5]);
            ck_assert_uint_eq(entry->usage[0], entry->opcode);
            if (entry->has_sa) {
                ck_assert_uint_eq(entry->usage[1] & 0x1f, entry->sa);
            }
            for (unsigned b = entry->cdb_len; b < VSCSI_CDB_LEN; b++) {
                ck_assert_uint_eq(entry->usage[b], 0);
            }
        }
    }
}
END_TEST

START_TEST(copy_table_is_what_the_cdb_decoder_knows)
{
    for (uint32_t features = 0; features <= VSCSI_FEATURE_ALL; features++) {
        for (unsigned op = 0x83; op <= 0x84; op++) {
            for (unsigned sa = 0; sa < 32; sa++) {
                uint8_t raw[VSCSI_CDB_LEN] = { op, sa };
                uint8_t buf[ROOM];
                uint32_t code;
                VscsiSense err;
                VscsiCdb cdb;
                bool known = vscsi_cdb_decode(raw, features, &cdb, &err);

                tables[1] = vscsi_opcodes_copy(features);
                ask(buf, 3, op, sa, false, &code);
                ck_assert_uint_eq(code, 0);
                ck_assert_uint_eq(buf[1], known ? 3 : 1);
            }
        }
    }
}
END_TEST

START_TEST(usage_maps_cover_the_fields_that_the_decoder_reads)
{
    for (unsigned i = 0; i < N_COPY - 1; i++) {
        const VscsiOpcode *entry = &tables[1].entry[i];
        uint8_t raw[VSCSI_CDB_LEN];
        VscsiSense err;
        VscsiCdb cdb;

        memcpy(raw, entry->usage, sizeof(raw));
        raw[15] = 0;
        ck_assert(vscsi_cdb_decode(raw, VSCSI_FEATURE_ALL, &cdb, &err));
        cdb.list_id = UINT32_MAX;
        cdb.data_length = UINT32_MAX;
        cdb.group_number = 0;       /* read, but no group is kept */
        vscsi_cdb_encode(&cdb, raw);
        raw[15] = 0x04;
        ck_assert_mem_eq(raw, entry->usage, sizeof(raw));
    }
}
END_TEST

START_TEST(all_commands_without_timeouts)
{
    uint8_t full[ROOM];
    VscsiRsocCdb cdb = { .options = 0 };
    VscsiSense err;
    uint32_t code;
    size_t at = 4;
    size_t len = ask(full, 0, 0, 0, false, &code);

    ck_assert_uint_eq(code, 0);
    ck_assert_uint_eq(len, 4 + 8 * (N_DISK + N_COPY));
    ck_assert_uint_eq(ldl_be_p(full), len - 4);
    for (unsigned t = 0; t < 2; t++) {
        for (unsigned i = 0; i < tables[t].n; i++, at += 8) {
            const VscsiOpcode *entry = &tables[t].entry[i];

            ck_assert_uint_eq(full[at], entry->opcode);
            ck_assert_uint_eq(full[at + 1], 0);
            ck_assert_uint_eq(lduw_be_p(full + at + 2), entry->sa);
            ck_assert_uint_eq(full[at + 4], 0);
            ck_assert_uint_eq(full[at + 5], entry->has_sa);
            ck_assert_uint_eq(lduw_be_p(full + at + 6), entry->cdb_len);
        }
    }
    for (size_t size = 0; size <= len + 1; size++) {
        uint8_t *buf = malloc(size);
        size_t got;

        ck_assert(vscsi_rsoc_encode(buf, size, &cdb, tables, 2, &got, &err));
        ck_assert_uint_eq(got, len);
        ck_assert(!memcmp(buf, full, MIN(size, len)));
        free(buf);
    }
}
END_TEST

START_TEST(all_commands_with_timeouts)
{
    uint8_t full[ROOM];
    uint32_t code;
    size_t at = 4;
    size_t len = ask(full, 0, 0, 0, true, &code);

    ck_assert_uint_eq(len, 4 + 20 * (N_DISK + N_COPY));
    for (unsigned t = 0; t < 2; t++) {
        for (unsigned i = 0; i < tables[t].n; i++, at += 20) {
            const VscsiOpcode *entry = &tables[t].entry[i];

            ck_assert_uint_eq(full[at], entry->opcode);
            ck_assert_uint_eq(full[at + 5], 2 | entry->has_sa);
            ck_assert_int_eq(lduw_be_p(full + at + 8), 10);
            ck_assert_uint_eq(ldl_be_p(full + at + 12), entry->nominal_s);
            ck_assert_uint_eq(ldl_be_p(full + at + 16),
                              entry->recommended_s);
        }
    }
}
END_TEST

START_TEST(commands_of_a_feature_that_is_off_are_not_listed)
{
    uint8_t buf[ROOM];
    uint32_t code;

    tables[1] = vscsi_opcodes_copy(VSCSI_FEATURE_TOKEN);
    ck_assert_uint_eq(ask(buf, 0, 0, 0, false, &code),
                      4 + 8 * (N_DISK + 5));
    tables[1] = vscsi_opcodes_copy(0);
    ck_assert_uint_eq(ask(buf, 0, 0, 0, false, &code),
                      4 + 8 * (N_DISK + 1));
    ask(buf, 1, 0x83, 0, false, &code);
    ck_assert_uint_eq(code, 0);
    ck_assert_uint_eq(buf[1], 1);
}
END_TEST

START_TEST(one_command_without_service_action)
{
    const uint8_t read_10[14] = {
        0, 3, 0, 10, 0x28, 0xe8, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0xff, 0,
    };
    uint8_t buf[ROOM];
    uint32_t code;

    ck_assert_uint_eq(ask(buf, 1, 0x28, 0, false, &code), 14);
    ck_assert_mem_eq(buf, read_10, sizeof(read_10));
}
END_TEST

START_TEST(one_command_with_service_action)
{
    const uint8_t pt[20] = {
        0, 3, 0, 16, 0x83, 0x10, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0, 0x04,
    };
    const uint8_t rrti[20] = {
        0, 3, 0, 16, 0x84, 0x07, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,
        0xff, 0xff, 0xff, 0xff, 0, 0x04,
    };
    const uint8_t rsoc[16] = {
        0, 3, 0, 12, 0xa3, 0x0c, 0x87, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0, 0x04,
    };
    uint8_t buf[ROOM];
    uint32_t code;

    ck_assert_uint_eq(ask(buf, 2, 0x83, 0x10, false, &code), 20);
    ck_assert_mem_eq(buf, pt, sizeof(pt));
    ck_assert_uint_eq(ask(buf, 2, 0x84, 0x07, false, &code), 20);
    ck_assert_mem_eq(buf, rrti, sizeof(rrti));
    ck_assert_uint_eq(ask(buf, 2, 0xa3, 0x0c, false, &code), 16);
    ck_assert_mem_eq(buf, rsoc, sizeof(rsoc));
}
END_TEST

START_TEST(one_command_with_timeouts)
{
    uint8_t buf[ROOM];
    uint32_t code;

    ck_assert_uint_eq(ask(buf, 2, 0x83, 0x11, true, &code), 20 + 12);
    ck_assert_uint_eq(buf[1], 0x83);
    ck_assert_int_eq(lduw_be_p(buf + 20), 10);
    ck_assert_int_eq(ldl_be_p(buf + 24), 4);
    ck_assert_int_eq(ldl_be_p(buf + 28), 60);
    /* nothing is said of a command that is not there */
    ck_assert_uint_eq(ask(buf, 1, 0x7e, 0, true, &code), 4);
    ck_assert_uint_eq(buf[1], 1);
}
END_TEST

START_TEST(the_wrong_reporting_option_is_an_invalid_field)
{
    uint8_t buf[ROOM];
    uint32_t code;

    ask(buf, 1, 0x83, 0x10, false, &code);
    ck_assert_uint_eq(code, 0x052400);
    ask(buf, 1, 0x9e, 0x10, false, &code);
    ck_assert_uint_eq(code, 0x052400);
    ask(buf, 2, 0x28, 0, false, &code);
    ck_assert_uint_eq(code, 0x052400);
}
END_TEST

START_TEST(option_3_takes_either_kind)
{
    uint8_t buf[ROOM];
    uint32_t code;

    ask(buf, 3, 0x28, 0, false, &code);
    ck_assert_uint_eq(buf[1], 3);
    /* a service action of a command that has none is not supported */
    ask(buf, 3, 0x28, 1, false, &code);
    ck_assert_uint_eq(code, 0);
    ck_assert_uint_eq(buf[1], 1);
    ask(buf, 3, 0x83, 0x1c, false, &code);
    ck_assert_uint_eq(buf[1], 3);
    ask(buf, 3, 0x83, 0x1d, false, &code);
    ck_assert_uint_eq(buf[1], 1);
}
END_TEST

START_TEST(unknown_commands_are_not_supported_and_no_error)
{
    uint8_t buf[ROOM];
    uint32_t code;

    for (uint8_t options = 1; options <= 3; options++) {
        ck_assert_uint_eq(ask(buf, options, 0xff, 0, false, &code), 4);
        ck_assert_uint_eq(code, 0);
        ck_assert_int_eq(ldl_be_p(buf), 0x00010000);
    }
    ask(buf, 2, 0x83, 0x0f, false, &code);
    ck_assert_uint_eq(code, 0);
    ck_assert_uint_eq(buf[1], 1);
    /* reserve nothing, announce nothing */
    ask(buf, 1, 0x16, 0, false, &code);
    ck_assert_uint_eq(buf[1], 1);
}
END_TEST

START_TEST(cdb_fields_come_out)
{
    const uint8_t raw[12] = {
        0xa3, 0x0c, 0x83, 0x84, 0x01, 0x07, 0x11, 0x22, 0x33, 0x44,
    };
    VscsiRsocCdb cdb;
    VscsiSense err;

    ck_assert(vscsi_rsoc_cdb_decode(raw, &cdb, &err));
    ck_assert(cdb.rctd);
    ck_assert_uint_eq(cdb.options, 3);
    ck_assert_uint_eq(cdb.opcode, 0x84);
    ck_assert_uint_eq(cdb.sa, 0x0107);
    ck_assert_uint_eq(cdb.allocation_length, 0x11223344);
}
END_TEST

START_TEST(bad_cdbs_are_refused)
{
    static const struct {
        uint8_t byte, value;
        uint32_t code;
        uint8_t bit;
    } cases[] = {
        { 0, 0xa4, 0x052000, 0 },
        { 1, 0x0d, 0x052400, 4 },
        { 1, 0x05, 0x052400, 4 },
        { 1, 0xec, 0, 0 },
        { 2, 0x04, 0x052400, 2 },
        { 2, 0x07, 0x052400, 2 },
        { 2, 0x78, 0, 0 },
        { 10, 0xff, 0, 0 },
        { 11, 0x04, 0x052400, 2 },
        { 11, 0xc3, 0, 0 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint8_t raw[12] = { 0xa3, 0x0c };
        VscsiSense err = { 0 };
        VscsiRsocCdb cdb;

        raw[cases[i].byte] = cases[i].value;
        ck_assert_int_eq(vscsi_rsoc_cdb_decode(raw, &cdb, &err),
                         cases[i].code == 0);
        ck_assert_sense(err, cases[i].code);
        if (cases[i].code == 0x052400) {
            ck_assert_field(err, 0x052400, true, cases[i].byte);
            ck_assert(err.has_bit_pointer);
            ck_assert_uint_eq(err.bit_pointer, cases[i].bit);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire-opcodes");
    TCase *tc = unit_case(suite, "tables");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, tables_are_in_order_and_their_maps_name_the_command);
    tcase_add_test(tc, copy_table_is_what_the_cdb_decoder_knows);
    tcase_add_test(tc, usage_maps_cover_the_fields_that_the_decoder_reads);

    tc = unit_case(suite, "answers");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, all_commands_without_timeouts);
    tcase_add_test(tc, all_commands_with_timeouts);
    tcase_add_test(tc, commands_of_a_feature_that_is_off_are_not_listed);
    tcase_add_test(tc, one_command_without_service_action);
    tcase_add_test(tc, one_command_with_service_action);
    tcase_add_test(tc, one_command_with_timeouts);
    tcase_add_test(tc, the_wrong_reporting_option_is_an_invalid_field);
    tcase_add_test(tc, option_3_takes_either_kind);
    tcase_add_test(tc, unknown_commands_are_not_supported_and_no_error);
    tcase_add_test(tc, cdb_fields_come_out);
    tcase_add_test(tc, bad_cdbs_are_refused);
    return unit_run(suite);
}
