/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ROD tokens, the zero token, and REPORT ALL ROD TOKENS.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/vscsi/wire.h"
#include "unit.h"

static VscsiRodToken example(void)
{
    VscsiRodToken token = {
        .type = VSCSI_ROD_PIT_VULNERABLE,
        .id = 0x0102030405060708,
        .creator = {
            .designator = {
                .code_set = VSCSI_CODE_SET_BINARY,
                .association = VSCSI_ASSOC_LUN,
                .type = VSCSI_DESIGNATOR_NAA,
                .length = 8,
                .bytes = { 0x55, 1, 2, 3, 4, 5, 6, 7 },
            },
            .block_length = 512,
        },
        .bytes_high = 0,
        .bytes = 0x1122334455667788,
        .block_length = 4096,
        .p_type = 2,
        .prot_en = true,
        .p_i_exponent = 1,
        .blocks_per_physical_exponent = 3,
        .lbpme = true,
        .lbprz = true,
        .lowest_aligned_lba = 0x1234,
        .target = {
            .code_set = VSCSI_CODE_SET_UTF8,
            .association = VSCSI_ASSOC_DEVICE,
            .type = VSCSI_DESIGNATOR_NAME,
            .length = 4,
            .bytes = "iqn",
        },
    };

    for (int i = 0; i < VSCSI_ROD_TOKEN_EXTENDED_LEN; i++) {
        token.extended[i] = 255 - i;
    }
    return token;
}

START_TEST(token_is_laid_out_as_the_standard_says)
{
    VscsiRodToken token = example();
    uint8_t buf[VSCSI_ROD_TOKEN_LEN];

    vscsi_rod_token_encode(&token, buf);
    ck_assert_uint_eq((uint32_t)ldl_be_p(buf), 0x00800001);
    ck_assert_int_eq(lduw_be_p(buf + 4), 0);
    ck_assert_int_eq(lduw_be_p(buf + 6), 0x01f8);
    ck_assert_uint_eq(ldq_be_p(buf + 8), 0x0102030405060708);
    /* creator */
    ck_assert_uint_eq(buf[16], 0xe4);
    ck_assert_uint_eq(buf[16 + 4], 1);
    ck_assert_uint_eq(buf[16 + 5], 3);
    ck_assert_uint_eq(buf[16 + 7], 8);
    ck_assert_mem_eq(buf + 16 + 8, token.creator.designator.bytes, 8);
    ck_assert_int_eq(ldl_be_p(buf + 16 + 28), 512);
    /* bytes represented: ddpt wants the high half to be zero */
    ck_assert_uint_eq(ldq_be_p(buf + 48), 0);
    ck_assert_uint_eq(ldq_be_p(buf + 56), 0x1122334455667788);
    for (int i = 64; i < 96; i++) {
        ck_assert_uint_eq(buf[i], 0);
    }
    /* READ CAPACITY(16) from its byte 8 */
    ck_assert_int_eq(ldl_be_p(buf + 96), 4096);
    ck_assert_uint_eq(buf[100], 2 << 1 | 1);
    ck_assert_uint_eq(buf[101], 0x13);
    ck_assert_int_eq(lduw_be_p(buf + 102), 0x8000 | 0x4000 | 0x1234);
    /* target device: association 10b */
    ck_assert_uint_eq(buf[128], 3);
    ck_assert_uint_eq(buf[129], 0x28);
    ck_assert_uint_eq(buf[131], 4);
    ck_assert_mem_eq(buf + 132, "iqn", 4);
    ck_assert_mem_eq(buf + 256, token.extended, 256);
}
END_TEST

START_TEST(token_survives_encode_and_decode)
{
    VscsiRodToken token = example(), back;
    uint8_t buf[VSCSI_ROD_TOKEN_LEN], again[VSCSI_ROD_TOKEN_LEN];
    VscsiSense err;

    vscsi_rod_token_encode(&token, buf);
    ck_assert(vscsi_rod_token_decode(buf, &back, &err));
    ck_assert_uint_eq(back.type, token.type);
    ck_assert_uint_eq(back.id, token.id);
    ck_assert(vscsi_designator_equal(&back.creator.designator,
                                     &token.creator.designator));
    ck_assert_uint_eq(back.creator.block_length, 512);
    ck_assert_uint_eq(back.bytes_high, 0);
    ck_assert_uint_eq(back.bytes, token.bytes);
    ck_assert_uint_eq(back.block_length, 4096);
    ck_assert_uint_eq(back.p_type, 2);
    ck_assert(back.prot_en && back.lbpme && back.lbprz);
    ck_assert_uint_eq(back.p_i_exponent, 1);
    ck_assert_uint_eq(back.blocks_per_physical_exponent, 3);
    ck_assert_uint_eq(back.lowest_aligned_lba, 0x1234);
    ck_assert(vscsi_designator_equal(&back.target, &token.target));
    ck_assert_mem_eq(back.extended, token.extended, sizeof(token.extended));
    vscsi_rod_token_encode(&back, again);
    ck_assert_mem_eq(again, buf, sizeof(buf));
}
END_TEST

START_TEST(each_bit_field_of_a_token_stands_alone)
{
    VscsiRodToken base = example();

    base.creator.lu_id_type = base.p_type = base.p_i_exponent = 0;
    base.blocks_per_physical_exponent = base.lowest_aligned_lba = 0;
    base.prot_en = base.lbpme = base.lbprz = false;
    for (int i = 0; i < 9; i++) {
        VscsiRodToken token = base, back;
        uint8_t buf[VSCSI_ROD_TOKEN_LEN];
        VscsiSense err;

        token.creator.lu_id_type = i == 0 ? 3 : 0;
        token.creator.device_type = i == 1 ? 0x1f : 0;
        token.p_type = i == 2 ? 7 : 0;
        token.prot_en = i == 3;
        token.p_i_exponent = i == 4 ? 15 : 0;
        token.blocks_per_physical_exponent = i == 5 ? 15 : 0;
        token.lbpme = i == 6;
        token.lbprz = i == 7;
        token.lowest_aligned_lba = i == 8 ? 0x3fff : 0;
        vscsi_rod_token_encode(&token, buf);
        ck_assert(vscsi_rod_token_decode(buf, &back, &err));
        ck_assert_uint_eq(back.creator.lu_id_type, i == 0 ? 3 : 0);
        ck_assert_uint_eq(back.creator.device_type, i == 1 ? 0x1f : 0);
        ck_assert_uint_eq(back.p_type, i == 2 ? 7 : 0);
        ck_assert_int_eq(back.prot_en, i == 3);
        ck_assert_uint_eq(back.p_i_exponent, i == 4 ? 15 : 0);
        ck_assert_uint_eq(back.blocks_per_physical_exponent,
                          i == 5 ? 15 : 0);
        ck_assert_int_eq(back.lbpme, i == 6);
        ck_assert_int_eq(back.lbprz, i == 7);
        ck_assert_uint_eq(back.lowest_aligned_lba, i == 8 ? 0x3fff : 0);
        /* where the standard has them */
        ck_assert_uint_eq(buf[17], i == 0 ? 0xc0 : i == 1 ? 0x1f : 0);
        ck_assert_uint_eq(buf[100], i == 2 ? 0x0e : i == 3);
        ck_assert_uint_eq(buf[101], i == 4 ? 0xf0 : i == 5 ? 0x0f : 0);
        ck_assert_int_eq(lduw_be_p(buf + 102),
                         i == 6 ? 0x8000 : i == 7 ? 0x4000
                         : i == 8 ? 0x3fff : 0);
    }
}
END_TEST

START_TEST(every_other_token_length_is_refused)
{
    VscsiRodToken token = example(), back;
    uint8_t buf[VSCSI_ROD_TOKEN_LEN];
    VscsiSense err;

    vscsi_rod_token_encode(&token, buf);
    for (unsigned n = 0; n <= UINT16_MAX; n++) {
        stw_be_p(buf + 6, n);
        if (n == 0x1f8) {
            ck_assert(vscsi_rod_token_decode(buf, &back, &err));
        } else {
            ck_assert(!vscsi_rod_token_decode(buf, &back, &err));
            ck_assert_sense(err, 0x05230a);
        }
    }
}
END_TEST

START_TEST(a_creator_that_is_no_descriptor_is_corrupt)
{
    VscsiRodToken token = example(), back;
    uint8_t buf[VSCSI_ROD_TOKEN_LEN];
    VscsiSense err;

    for (unsigned n = 0; n < 256; n++) {
        vscsi_rod_token_encode(&token, buf);
        buf[16] = n;
        ck_assert_int_eq(vscsi_rod_token_decode(buf, &back, &err),
                         n == 0xe4);
        if (n != 0xe4) {
            ck_assert_sense(err, 0x052305);
        }
    }
}
END_TEST

START_TEST(designator_lengths_that_do_not_fit_are_corrupt)
{
    VscsiRodToken token = example(), back;
    uint8_t buf[VSCSI_ROD_TOKEN_LEN];
    VscsiSense err;

    for (unsigned n = 0; n < 256; n++) {
        vscsi_rod_token_encode(&token, buf);
        buf[16 + 7] = n;
        ck_assert_int_eq(vscsi_rod_token_decode(buf, &back, &err), n <= 20);
        vscsi_rod_token_encode(&token, buf);
        buf[128 + 3] = n;
        ck_assert_int_eq(vscsi_rod_token_decode(buf, &back, &err), n <= 124);
    }
}
END_TEST

START_TEST(the_longest_designators_fit)
{
    VscsiRodToken token = example(), back;
    uint8_t buf[VSCSI_ROD_TOKEN_LEN];
    VscsiSense err;

    token.creator.designator.length = VSCSI_CSCD_DESIGNATOR_MAX;
    token.target.length = VSCSI_TARGET_DESIGNATOR_MAX;
    memset(token.creator.designator.bytes, 0xaa, VSCSI_CSCD_DESIGNATOR_MAX);
    memset(token.target.bytes, 0xbb, VSCSI_TARGET_DESIGNATOR_MAX);
    vscsi_rod_token_encode(&token, buf);
    ck_assert(vscsi_rod_token_decode(buf, &back, &err));
    ck_assert(vscsi_designator_equal(&back.target, &token.target));
    ck_assert_mem_eq(back.extended, token.extended, sizeof(token.extended));
    ck_assert_uint_eq(back.creator.block_length, 512);
}
END_TEST

START_TEST(designators_differ_in_every_part)
{
    VscsiDesignator a = example().creator.designator, b;

    b = a;
    ck_assert(vscsi_designator_equal(&a, &b));
    b.code_set++;
    ck_assert(!vscsi_designator_equal(&a, &b));
    b = a;
    b.association++;
    ck_assert(!vscsi_designator_equal(&a, &b));
    b = a;
    b.type++;
    ck_assert(!vscsi_designator_equal(&a, &b));
    b = a;
    b.length--;
    ck_assert(!vscsi_designator_equal(&a, &b));
    b = a;
    b.bytes[7]++;
    ck_assert(!vscsi_designator_equal(&a, &b));
    /* bytes past the length do not count */
    b = a;
    b.bytes[8]++;
    ck_assert(vscsi_designator_equal(&a, &b));
}
END_TEST

START_TEST(zero_token_is_known_by_type_and_length_alone)
{
    uint8_t buf[VSCSI_ROD_TOKEN_LEN];

    vscsi_rod_token_encode_zero(buf);
    ck_assert(vscsi_rod_token_is_zero(buf));
    ck_assert_uint_eq(vscsi_rod_token_type(buf), 0xffff0001);
    /* a later standard puts more into it */
    for (int i = 8; i < VSCSI_ROD_TOKEN_LEN; i++) {
        buf[i] = 0xff;
    }
    buf[4] = buf[5] = 0xff;
    ck_assert(vscsi_rod_token_is_zero(buf));
    buf[6]++;
    ck_assert(!vscsi_rod_token_is_zero(buf));
    buf[6]--;
    buf[3]++;
    ck_assert(!vscsi_rod_token_is_zero(buf));
}
END_TEST

START_TEST(type_and_identifier_can_be_read_alone)
{
    VscsiRodToken token = example();
    uint8_t buf[VSCSI_ROD_TOKEN_LEN];

    vscsi_rod_token_encode(&token, buf);
    ck_assert_uint_eq(vscsi_rod_token_type(buf), VSCSI_ROD_PIT_VULNERABLE);
    ck_assert_uint_eq(vscsi_rod_token_id(buf), 0x0102030405060708);
    ck_assert(!vscsi_rod_token_is_zero(buf));
}
END_TEST

START_TEST(report_lists_the_first_96_bytes_of_each_token)
{
    uint8_t tokens[3][VSCSI_ROD_TOKEN_LEN];
    const uint8_t *list[3];
    uint8_t full[8 + 3 * 96];

    for (unsigned i = 0; i < 3; i++) {
        VscsiRodToken token = example();

        token.id = i;
        vscsi_rod_token_encode(&token, tokens[i]);
        list[i] = tokens[i];
    }
    for (unsigned n = 0; n <= 3; n++) {
        size_t len = vscsi_report_tokens_encode(full, sizeof(full), list, n);

        ck_assert_uint_eq(len, 8 + 96 * n);
        ck_assert_int_eq(ldl_be_p(full), 4 + 96 * n);
        ck_assert_int_eq(ldl_be_p(full + 4), 0);
        for (unsigned i = 0; i < n; i++) {
            ck_assert_mem_eq(full + 8 + 96 * i, tokens[i], 96);
        }
        UNIT_SWEEP_ENCODER(full, len,
                           vscsi_report_tokens_encode(buf, size, list, n));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire-token");
    TCase *tc = unit_case(suite, "token");

    tcase_add_test(tc, token_is_laid_out_as_the_standard_says);
    tcase_add_test(tc, token_survives_encode_and_decode);
    tcase_add_test(tc, each_bit_field_of_a_token_stands_alone);
    tcase_add_test(tc, every_other_token_length_is_refused);
    tcase_add_test(tc, a_creator_that_is_no_descriptor_is_corrupt);
    tcase_add_test(tc, designator_lengths_that_do_not_fit_are_corrupt);
    tcase_add_test(tc, the_longest_designators_fit);
    tcase_add_test(tc, designators_differ_in_every_part);
    tcase_add_test(tc, zero_token_is_known_by_type_and_length_alone);
    tcase_add_test(tc, type_and_identifier_can_be_read_alone);
    tcase_add_test(tc, report_lists_the_first_96_bytes_of_each_token);
    return unit_run(suite);
}
