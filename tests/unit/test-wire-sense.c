/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sense data of the wire codec.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/vscsi/wire.h"
#include "unit.h"

/* Every code, with the numbers of the standard written out. */
static const struct {
    VscsiSenseCode code;
    uint8_t key, asc, ascq;
} codes[] = {
    { VSCSI_SENSE_NONE, 0x0, 0x00, 0x00 },
    { VSCSI_SENSE_OPERATION_IN_PROGRESS, 0x5, 0x00, 0x16 },
    { VSCSI_SENSE_UNDERRUN_NOTHING_DONE, 0x5, 0x0d, 0x04 },
    { VSCSI_SENSE_PARAMETER_LIST_LENGTH, 0x5, 0x1a, 0x00 },
    { VSCSI_SENSE_INVALID_OPCODE, 0x5, 0x20, 0x00 },
    { VSCSI_SENSE_LBA_OUT_OF_RANGE, 0x5, 0x21, 0x00 },
    { VSCSI_SENSE_TOKEN_CAUSE_UNKNOWN, 0x5, 0x23, 0x00 },
    { VSCSI_SENSE_TOKEN_TYPE_UNSUPPORTED, 0x5, 0x23, 0x01 },
    { VSCSI_SENSE_TOKEN_REMOTE_UNSUPPORTED, 0x5, 0x23, 0x02 },
    { VSCSI_SENSE_TOKEN_REMOTE_CREATION, 0x5, 0x23, 0x03 },
    { VSCSI_SENSE_TOKEN_UNKNOWN, 0x5, 0x23, 0x04 },
    { VSCSI_SENSE_TOKEN_CORRUPT, 0x5, 0x23, 0x05 },
    { VSCSI_SENSE_TOKEN_REVOKED, 0x5, 0x23, 0x06 },
    { VSCSI_SENSE_TOKEN_EXPIRED, 0x5, 0x23, 0x07 },
    { VSCSI_SENSE_TOKEN_CANCELLED, 0x5, 0x23, 0x08 },
    { VSCSI_SENSE_TOKEN_DELETED, 0x5, 0x23, 0x09 },
    { VSCSI_SENSE_TOKEN_LENGTH, 0x5, 0x23, 0x0a },
    { VSCSI_SENSE_INVALID_FIELD_IN_CDB, 0x5, 0x24, 0x00 },
    { VSCSI_SENSE_LUN_NOT_SUPPORTED, 0x5, 0x25, 0x00 },
    { VSCSI_SENSE_INVALID_FIELD_IN_PARAM, 0x5, 0x26, 0x00 },
    { VSCSI_SENSE_TOO_MANY_CSCDS, 0x5, 0x26, 0x06 },
    { VSCSI_SENSE_CSCD_TYPE_UNSUPPORTED, 0x5, 0x26, 0x07 },
    { VSCSI_SENSE_TOO_MANY_SEGMENTS, 0x5, 0x26, 0x08 },
    { VSCSI_SENSE_SEGMENT_TYPE_UNSUPPORTED, 0x5, 0x26, 0x09 },
    { VSCSI_SENSE_INLINE_DATA_LENGTH, 0x5, 0x26, 0x0b },
    { VSCSI_SENSE_INVALID_COPY_OPERATION, 0x5, 0x26, 0x0c },
    { VSCSI_SENSE_NO_RESOURCES, 0x5, 0x55, 0x03 },
    { VSCSI_SENSE_NO_RESOURCES_ROD, 0x5, 0x55, 0x0c },
    { VSCSI_SENSE_NO_RESOURCES_ROD_TOKEN, 0x5, 0x55, 0x0d },
    { VSCSI_SENSE_WRITE_PROTECTED, 0x7, 0x27, 0x00 },
    { VSCSI_SENSE_UNREACHABLE_COPY_TARGET, 0xa, 0x08, 0x04 },
    { VSCSI_SENSE_THIRD_PARTY_DEVICE_FAILURE, 0xa, 0x0d, 0x01 },
    { VSCSI_SENSE_COPY_TARGET_NOT_REACHABLE, 0xa, 0x0d, 0x02 },
    { VSCSI_SENSE_UNDERRUN, 0xa, 0x0d, 0x04 },
    { VSCSI_SENSE_INEXACT_SEGMENT, 0xa, 0x26, 0x0a },
    { VSCSI_SENSE_SEGMENT_GRANULARITY, 0xa, 0x26, 0x0d },
    { VSCSI_SENSE_COMMANDS_CLEARED, 0xa, 0x2f, 0x02 },
    { VSCSI_SENSE_ABORTED_NO_RESOURCES, 0xb, 0x55, 0x03 },
    { VSCSI_SENSE_INTERNAL_TARGET_FAILURE, 0x4, 0x44, 0x00 },
    { VSCSI_SENSE_WRITE_ERROR, 0x3, 0x0c, 0x00 },
    { VSCSI_SENSE_UNRECOVERED_READ_ERROR, 0x3, 0x11, 0x00 },
    { VSCSI_SENSE_UA_POWER_ON, 0x6, 0x29, 0x01 },
    { VSCSI_SENSE_UA_RESET, 0x6, 0x29, 0x00 },
    { VSCSI_SENSE_UA_LUN_RESET, 0x6, 0x29, 0x03 },
    { VSCSI_SENSE_UA_NEXUS_LOSS, 0x6, 0x29, 0x07 },
    { VSCSI_SENSE_UA_MODE_PARAMETERS_CHANGED, 0x6, 0x2a, 0x01 },
    { VSCSI_SENSE_UA_CAPACITY_CHANGED, 0x6, 0x2a, 0x09 },
    { VSCSI_SENSE_UA_INQUIRY_CHANGED, 0x6, 0x3f, 0x03 },
};

START_TEST(every_code_has_the_numbers_of_the_standard)
{
    VscsiSense sense = vscsi_sense(codes[_i].code);
    const uint8_t want[VSCSI_SENSE_FIXED_LEN] = {
        0x70, 0, codes[_i].key, 0, 0, 0, 0, 10,
        0, 0, 0, 0, codes[_i].asc, codes[_i].ascq,
    };
    uint8_t buf[VSCSI_SENSE_FIXED_LEN];

    ck_assert_uint_eq(vscsi_sense_code(&sense), codes[_i].code);
    vscsi_sense_encode_fixed(&sense, buf);
    ck_assert_mem_eq(buf, want, sizeof(want));
}
END_TEST

START_TEST(every_code_has_a_name_of_its_own)
{
    const char *name = vscsi_sense_name(codes[_i].code);

    ck_assert_ptr_nonnull(name);
    for (int i = 0; i < _i; i++) {
        ck_assert_str_ne(name, vscsi_sense_name(codes[i].code));
    }
}
END_TEST

START_TEST(an_unnamed_code_has_no_name)
{
    ck_assert_ptr_null(vscsi_sense_name(0x05ffff));
}
END_TEST

START_TEST(every_code_survives_encode_and_decode)
{
    VscsiSense sense = vscsi_sense(codes[_i].code);
    uint8_t buf[VSCSI_SENSE_FIXED_LEN];
    VscsiSense back;

    vscsi_sense_encode_fixed(&sense, buf);
    ck_assert(vscsi_sense_decode_fixed(buf, sizeof(buf), &back));
    ck_assert_uint_eq(vscsi_sense_code(&back), codes[_i].code);
    ck_assert(!back.has_information);
    ck_assert(!back.has_command_specific);
    ck_assert(!back.has_field_pointer);
}
END_TEST

START_TEST(information_sets_valid)
{
    VscsiSense sense = vscsi_sense(VSCSI_SENSE_UNDERRUN), back;
    uint8_t buf[VSCSI_SENSE_FIXED_LEN];

    sense.has_information = true;
    sense.information = 0x11223344;
    vscsi_sense_encode_fixed(&sense, buf);
    ck_assert_uint_eq(buf[0], 0xf0);
    ck_assert_uint_eq((uint32_t)ldl_be_p(buf + 3), 0x11223344);
    ck_assert(vscsi_sense_decode_fixed(buf, sizeof(buf), &back));
    ck_assert(back.has_information);
    ck_assert_uint_eq(back.information, 0x11223344);
}
END_TEST

START_TEST(information_beyond_32_bits_is_not_valid_and_zero)
{
    VscsiSense sense = vscsi_sense(VSCSI_SENSE_UNDERRUN);
    uint8_t buf[VSCSI_SENSE_FIXED_LEN];

    sense.has_information = true;
    sense.information = UINT32_MAX;
    vscsi_sense_encode_fixed(&sense, buf);
    ck_assert_uint_eq(buf[0], 0xf0);
    sense.information = 1ULL << 32;
    vscsi_sense_encode_fixed(&sense, buf);
    ck_assert_uint_eq(buf[0], 0x70);
    ck_assert_int_eq(ldl_be_p(buf + 3), 0);
}
END_TEST

START_TEST(field_pointer_in_the_cdb_with_bit)
{
    VscsiSense sense = vscsi_sense_cdb_field(
        VSCSI_SENSE_INVALID_FIELD_IN_CDB, 1, 4);
    uint8_t buf[VSCSI_SENSE_FIXED_LEN];
    VscsiSense back;

    vscsi_sense_encode_fixed(&sense, buf);
    ck_assert_uint_eq(buf[15], 0x80 | 0x40 | 0x08 | 4);
    ck_assert_int_eq(lduw_be_p(buf + 16), 1);
    ck_assert(vscsi_sense_decode_fixed(buf, sizeof(buf), &back));
    ck_assert(back.has_field_pointer && back.field_in_cdb);
    ck_assert(back.has_bit_pointer);
    ck_assert_uint_eq(back.field_pointer, 1);
    ck_assert_uint_eq(back.bit_pointer, 4);
}
END_TEST

START_TEST(the_lowest_bit_can_be_pointed_at)
{
    VscsiSense sense = vscsi_sense_param_field(
        VSCSI_SENSE_INVALID_FIELD_IN_PARAM, 2, 0);
    uint8_t buf[VSCSI_SENSE_FIXED_LEN];

    vscsi_sense_encode_fixed(&sense, buf);
    ck_assert_uint_eq(buf[15], 0x80 | 0x08);
}
END_TEST

START_TEST(field_pointer_in_the_parameter_list_without_bit)
{
    VscsiSense sense = vscsi_sense_param_field(
        VSCSI_SENSE_INVALID_FIELD_IN_PARAM, 534, -1);
    uint8_t buf[VSCSI_SENSE_FIXED_LEN];
    VscsiSense back;

    vscsi_sense_encode_fixed(&sense, buf);
    ck_assert_uint_eq(buf[15], 0x80);
    ck_assert_int_eq(lduw_be_p(buf + 16), 534);
    ck_assert(vscsi_sense_decode_fixed(buf, sizeof(buf), &back));
    ck_assert(back.has_field_pointer && !back.field_in_cdb);
    ck_assert(!back.has_bit_pointer);
    ck_assert_uint_eq(back.field_pointer, 534);
}
END_TEST

START_TEST(residual_is_copy_aborted_with_the_count)
{
    VscsiSense sense = vscsi_sense_residual(7);

    ck_assert_sense(sense, 0x0a0d04);
    ck_assert(sense.has_information);
    ck_assert_uint_eq(sense.information, 7);
}
END_TEST

START_TEST(residual_of_nothing_is_illegal_request_with_zero)
{
    VscsiSense sense = vscsi_sense_residual(0);

    ck_assert_sense(sense, 0x050d04);
    ck_assert(sense.has_information);
    ck_assert_uint_eq(sense.information, 0);
}
END_TEST

START_TEST(segment_number_is_in_bytes_3_and_4_of_command_specific)
{
    VscsiSense sense = vscsi_sense_segment(
        VSCSI_SENSE_COPY_TARGET_NOT_REACHABLE, 0x1234, true, 9);
    uint8_t buf[VSCSI_SENSE_FIXED_LEN];

    vscsi_sense_encode_fixed(&sense, buf);
    ck_assert_uint_eq(buf[8], 0);
    ck_assert_uint_eq(buf[9], 0);
    ck_assert_int_eq(lduw_be_p(buf + 10), 0x1234);
    ck_assert_uint_eq(buf[0], 0xf0);
    ck_assert_int_eq(ldl_be_p(buf + 3), 9);
}
END_TEST

START_TEST(segment_without_data_written_is_not_valid)
{
    VscsiSense sense = vscsi_sense_segment(
        VSCSI_SENSE_UNREACHABLE_COPY_TARGET, 0, false, 9);
    uint8_t buf[VSCSI_SENSE_FIXED_LEN];

    vscsi_sense_encode_fixed(&sense, buf);
    ck_assert_uint_eq(buf[0], 0x70);
    ck_assert_int_eq(ldl_be_p(buf + 3), 0);
}
END_TEST

START_TEST(every_truncated_length_is_refused)
{
    VscsiSense sense = vscsi_sense_residual(7), back;
    uint8_t buf[VSCSI_SENSE_FIXED_LEN];

    vscsi_sense_encode_fixed(&sense, buf);
    for (size_t len = 0; len < sizeof(buf); len++) {
        uint8_t *exact = unit_exact(buf, len);

        ck_assert(!vscsi_sense_decode_fixed(exact, len, &back));
        free(exact);
    }
}
END_TEST

START_TEST(other_response_codes_are_refused)
{
    VscsiSense sense = vscsi_sense(VSCSI_SENSE_NONE), back;
    uint8_t buf[VSCSI_SENSE_FIXED_LEN];

    vscsi_sense_encode_fixed(&sense, buf);
    for (unsigned code = 0; code < 0x80; code++) {
        buf[0] = code;
        ck_assert_int_eq(vscsi_sense_decode_fixed(buf, sizeof(buf), &back),
                         code == 0x70 || code == 0x71);
    }
}
END_TEST

START_TEST(a_short_additional_length_is_refused)
{
    VscsiSense sense = vscsi_sense(VSCSI_SENSE_NONE), back;
    uint8_t buf[VSCSI_SENSE_FIXED_LEN];

    vscsi_sense_encode_fixed(&sense, buf);
    for (unsigned len = 0; len < 256; len++) {
        buf[7] = len;
        ck_assert_int_eq(vscsi_sense_decode_fixed(buf, sizeof(buf), &back),
                         len >= 10);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire-sense");
    TCase *tc = unit_case(suite, "codes");

    tcase_add_loop_test(tc, every_code_has_the_numbers_of_the_standard, 0,
                        ARRAY_SIZE(codes));
    tcase_add_loop_test(tc, every_code_has_a_name_of_its_own, 0,
                        ARRAY_SIZE(codes));
    tcase_add_loop_test(tc, every_code_survives_encode_and_decode, 0,
                        ARRAY_SIZE(codes));
    tcase_add_test(tc, an_unnamed_code_has_no_name);

    tc = unit_case(suite, "fields");
    tcase_add_test(tc, information_sets_valid);
    tcase_add_test(tc, information_beyond_32_bits_is_not_valid_and_zero);
    tcase_add_test(tc, field_pointer_in_the_cdb_with_bit);
    tcase_add_test(tc, the_lowest_bit_can_be_pointed_at);
    tcase_add_test(tc, field_pointer_in_the_parameter_list_without_bit);
    tcase_add_test(tc, residual_is_copy_aborted_with_the_count);
    tcase_add_test(tc, residual_of_nothing_is_illegal_request_with_zero);
    tcase_add_test(tc,
                   segment_number_is_in_bytes_3_and_4_of_command_specific);
    tcase_add_test(tc, segment_without_data_written_is_not_valid);

    tc = unit_case(suite, "malformed");
    tcase_add_test(tc, every_truncated_length_is_refused);
    tcase_add_test(tc, other_response_codes_are_refused);
    tcase_add_test(tc, a_short_additional_length_is_refused);
    return unit_run(suite);
}
