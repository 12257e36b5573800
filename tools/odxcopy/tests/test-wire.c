/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pure parsing: sense data, RRTI answers, VPD page 8Fh. */
#include <string.h>

#include "bytes.h"
#include "rrti.h"
#include "support.h"
#include "tpc.h"

START_TEST(fixed_sense_gives_key_code_and_information)
{
    const uint8_t buf[18] = {
        0xf0, 0, 0x0a, 0, 0, 1, 2, 10, 0, 0, 0, 0, 0x0d, 0x04
    };
    OdxSense s;

    ck_assert(odx_sense_parse(buf, sizeof(buf), &s));
    ck_assert_uint_eq(s.key, KEY_COPY_ABORTED);
    ck_assert_uint_eq(s.asc, 0x0d04);
    ck_assert(s.info_valid);
    ck_assert_uint_eq(s.info, 0x102);
}
END_TEST

START_TEST(descriptor_sense_gives_64_bit_information)
{
    const uint8_t buf[] = {
        0x72, 0x0a, 0x0d, 0x04, 0, 0, 0, 16,
        0x02, 2, 0, 0,                              /* some other one */
        0x00, 0x0a, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 2,
    };
    OdxSense s;

    ck_assert(odx_sense_parse(buf, sizeof(buf), &s));
    ck_assert_uint_eq(s.asc, 0x0d04);
    ck_assert(s.info_valid);
    ck_assert_uint_eq(s.info, 0x100000002);
}
END_TEST

START_TEST(sense_that_ends_early_is_read_no_further)
{
    uint8_t buf[64];
    OdxSense s;

    memset(buf, 0xff, sizeof(buf));
    buf[0] = 0x72;
    for (size_t n = 0; n <= sizeof(buf); n++) {
        uint8_t exact[64];

        memcpy(exact + sizeof(exact) - n, buf, n);
        ck_assert_int_eq(odx_sense_parse(exact + sizeof(exact) - n, n, &s),
                         n >= 4);
    }
    buf[0] = 0x70;
    ck_assert(!odx_sense_parse(buf, 7, &s));
    ck_assert(odx_sense_parse(buf, 8, &s));
    ck_assert_uint_eq(s.asc, 0);
    buf[0] = 0x00;
    ck_assert(!odx_sense_parse(buf, 18, &s));
}
END_TEST

#define RRTI_TOKEN_SIZE 550

static void put_rrti(uint8_t *data)
{
    memset(data, 0, RRTI_TOKEN_SIZE);
    odx_put32(data, RRTI_TOKEN_SIZE - 4);
    data[4] = SA_POPULATE_TOKEN;
    data[5] = COPY_OK;
    odx_put32(data + 8, 0xfffffffe);
    data[15] = 0xf1;
    odx_put64(data + 16, 100);
    odx_put32(data + 32, 514);
    odx_put32(data + 38, 0x00800000);
    odx_put16(data + 44, 0x01f8);
    data[549] = 0x77;
}

static int parse(const uint8_t *data, size_t length, OdxRrti *r)
{
    OdxError err;
    int ret = odx_rrti_parse(data, length, SA_POPULATE_TOKEN, 100, r, &err);

    ck_assert(ret == 0 || err.code == ODX_IO);
    return ret;
}

START_TEST(rrti_gives_the_token_and_the_count)
{
    uint8_t data[1024];
    OdxRrti r;

    put_rrti(data);
    ck_assert_int_eq(parse(data, sizeof(data), &r), 0);
    ck_assert_uint_eq(r.count, 100);
    ck_assert(r.has_token);
    ck_assert_uint_eq(r.token[511], 0x77);
    ck_assert(!r.sense.valid);
}
END_TEST

START_TEST(rrti_gives_embedded_sense)
{
    uint8_t data[64] = { 0 };
    OdxRrti r;

    odx_put32(data, 52);
    data[4] = SA_POPULATE_TOKEN;
    data[5] = COPY_ERROR;
    data[13] = 20;
    data[14] = 18;
    data[32] = 0x70;
    data[34] = 5;
    odx_put16(data + 44, 0x2306);
    ck_assert_int_eq(parse(data, sizeof(data), &r), 0);
    ck_assert(r.sense.valid);
    ck_assert_uint_eq(r.sense.asc, 0x2306);
    ck_assert(!r.has_token);
}
END_TEST

START_TEST(rrti_whose_sense_reaches_beyond_its_end_is_refused)
{
    uint8_t data[64] = { 0 };
    OdxRrti r;

    odx_put32(data, 52);
    data[4] = SA_POPULATE_TOKEN;
    data[5] = COPY_ERROR;
    for (unsigned n = 0; n < 256; n++) {
        data[13] = (uint8_t)n;
        /* 56 bytes: the header, the sense data, 4 bytes of length */
        ck_assert_int_eq(parse(data, sizeof(data), &r), n <= 20 ? 0 : -1);
    }
}
END_TEST

START_TEST(rrti_of_every_shorter_length_is_refused)
{
    uint8_t data[RRTI_TOKEN_SIZE];
    OdxRrti r;

    put_rrti(data);
    for (size_t n = 0; n < sizeof(data); n++) {
        uint8_t exact[RRTI_TOKEN_SIZE];

        memcpy(exact + sizeof(exact) - n, data, n);
        ck_assert_int_eq(parse(exact + sizeof(exact) - n, n, &r), -1);
    }
}
END_TEST

static const struct {
    size_t at;
    uint8_t value;
} rrti_lies[] = {
    { 0, 0xff },        /* AVAILABLE DATA far too large */
    { 2, 0x00 },        /* AVAILABLE DATA shorter than the header */
    { 3, 0xff },        /* AVAILABLE DATA cuts the token */
    { 4, 0x11 },        /* another service action */
    { 5, 0x05 },        /* reserved status */
    { 5, 0x7f },
    { 14, 0x01 },       /* sense longer than its field */
    { 15, 0x01 },       /* counts KiB */
    { 16, 0x80 },       /* a huge count */
    { 23, 101 },        /* one block more than asked */
    { 32, 0xff },       /* descriptors length far too large */
    { 35, 0x01 },       /* half a token */
    { 44, 0x00 },       /* token length field */
};

START_TEST(rrti_that_lies_is_refused)
{
    uint8_t data[RRTI_TOKEN_SIZE];
    OdxRrti r;

    put_rrti(data);
    data[rrti_lies[_i].at] = rrti_lies[_i].value;
    ck_assert_int_eq(parse(data, sizeof(data), &r), -1);
}
END_TEST

START_TEST(tpc_limits_are_read)
{
    uint8_t page[40] = { 0, 0x8f, 0, 36, 0, 0, 0, 0x20 };
    OdxTpcLimits l;
    OdxError err;

    odx_put16(page + 4 + 10, 8);
    odx_put32(page + 4 + 12, 60);
    odx_put32(page + 4 + 16, 30);
    odx_put64(page + 4 + 20, 0x123456789a);
    odx_put64(page + 4 + 28, 131072);
    ck_assert_int_eq(odx_tpc_parse(page, sizeof(page), &l, &err), 0);
    ck_assert(l.has_rod_limits);
    ck_assert_uint_eq(l.max_ranges, 8);
    ck_assert_uint_eq(l.max_inactivity, 60);
    ck_assert_uint_eq(l.default_inactivity, 30);
    ck_assert_uint_eq(l.max_token_blocks, 0x123456789a);
    ck_assert_uint_eq(l.optimal_blocks, 131072);
    ck_assert(!l.has_commands);
}
END_TEST

START_TEST(tpc_page_of_every_shorter_length_is_survived)
{
    uint8_t page[40] = { 0, 0x8f, 0, 36, 0, 0, 0, 0x20 };
    OdxTpcLimits l;
    OdxError err;

    for (size_t n = 0; n < sizeof(page); n++) {
        uint8_t exact[40];
        int ret;

        memcpy(exact + sizeof(exact) - n, page, n);
        ret = odx_tpc_parse(exact + sizeof(exact) - n, n, &l, &err);
        /* without a whole descriptor header there is just none */
        ck_assert_int_eq(ret, n >= 4 && n < 8 ? 0 : -1);
        ck_assert(!l.has_rod_limits);
    }
}
END_TEST

START_TEST(tpc_rod_limits_of_another_length_are_refused)
{
    uint8_t page[36] = { 0, 0x8f, 0, 32, 0, 0, 0, 0x1c };
    OdxTpcLimits l;
    OdxError err;

    ck_assert_int_eq(odx_tpc_parse(page, sizeof(page), &l, &err), -1);
    ck_assert_int_eq(err.code, ODX_IO);
}
END_TEST

START_TEST(tpc_command_list_that_lies_ends)
{
    uint8_t d[16] = { 0, 1, 0, 12, 8, 0x83, 3, 0x10, 0x11, 0x1c,
                      0x84, 1, 0x07 };
    OdxTpcDescriptor desc = { TPC_COMMANDS, d, sizeof(d) };
    uint8_t op, sa;
    size_t at = 0;
    unsigned n = 0;

    while (odx_tpc_next_command(&desc, &at, &op, &sa)) {
        n++;
    }
    ck_assert_uint_eq(n, 4);
    d[6] = 0xff;            /* more service actions than there is room */
    at = 0;
    ck_assert(!odx_tpc_next_command(&desc, &at, &op, &sa));
    d[6] = 3;
    d[4] = 0xff;            /* list longer than the descriptor */
    ck_assert(!odx_tpc_next_command(&desc, &at, &op, &sa));
    desc.length = 4;
    ck_assert(!odx_tpc_next_command(&desc, &at, &op, &sa));
}
END_TEST

START_TEST(tpc_rod_types_tell_of_the_zero_token)
{
    uint8_t page[4 + 8 + 64] = { 0, 0x8f, 0, 72, 0x01, 0x08, 0, 68, 0, 0,
                                 0, 64 };
    OdxTpcLimits l;
    OdxError err;

    odx_put32(page + 12, ROD_TYPE_ZERO);
    ck_assert_int_eq(odx_tpc_parse(page, sizeof(page), &l, &err), 0);
    ck_assert(l.has_rod_types && !l.zero_token);
    page[16] = 0x02;
    ck_assert_int_eq(odx_tpc_parse(page, sizeof(page), &l, &err), 0);
    ck_assert(l.zero_token);
}
END_TEST

START_TEST(zero_token_has_type_and_length_only)
{
    uint8_t token[ROD_TOKEN_SIZE];

    odx_zero_token(token);
    ck_assert_mem_eq(token, "\xff\xff\x00\x01\x00\x00\x01\xf8", 8);
    for (size_t i = 8; i < sizeof(token); i++) {
        ck_assert_uint_eq(token[i], 0);
    }
}
END_TEST

Suite *suite_wire(void)
{
    Suite *s = suite_create("wire");
    TCase *c = tcase_create("wire");

    tcase_add_test(c, fixed_sense_gives_key_code_and_information);
    tcase_add_test(c, descriptor_sense_gives_64_bit_information);
    tcase_add_test(c, sense_that_ends_early_is_read_no_further);
    tcase_add_test(c, rrti_gives_the_token_and_the_count);
    tcase_add_test(c, rrti_gives_embedded_sense);
    tcase_add_test(c,
        rrti_whose_sense_reaches_beyond_its_end_is_refused);
    tcase_add_test(c, rrti_of_every_shorter_length_is_refused);
    tcase_add_loop_test(c, rrti_that_lies_is_refused, 0,
                        sizeof(rrti_lies) / sizeof(rrti_lies[0]));
    tcase_add_test(c, tpc_limits_are_read);
    tcase_add_test(c, tpc_page_of_every_shorter_length_is_survived);
    tcase_add_test(c, tpc_rod_limits_of_another_length_are_refused);
    tcase_add_test(c, tpc_command_list_that_lies_ends);
    tcase_add_test(c, tpc_rod_types_tell_of_the_zero_token);
    tcase_add_test(c, zero_token_has_type_and_length_only);
    suite_add_tcase(s, c);
    return s;
}
