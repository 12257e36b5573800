/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * RECEIVE COPY STATUS(LID4), RECEIVE ROD TOKEN INFORMATION, and what
 * EXTENDED COPY(LID1) leaves to be fetched.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/vscsi/wire.h"
#include "unit.h"

#define ROOM 1024

static uint8_t token[VSCSI_ROD_TOKEN_LEN];

static VscsiCopyStatus example(VscsiCopyState state)
{
    VscsiCopyStatus status = {
        .response_sa = VSCSI_SA_POPULATE_TOKEN,
        .state = state,
        .operation_counter = 0x0102,
        .delay_ms = VSCSI_DELAY_FINISHED,
        .units = VSCSI_UNITS_BLOCKS,
        .count = 0x1122334455667788,
    };

    vscsi_rod_token_encode_zero(token);
    token[511] = 0x5a;
    return status;
}

START_TEST(rrti_of_a_finished_populate_token_is_550_bytes)
{
    VscsiCopyStatus status = example(VSCSI_COPY_OK);
    const uint8_t header[36] = {
        0x00, 0x00, 0x02, 0x22, 0x10, 0x01, 0x01, 0x02,
        0xff, 0xff, 0xff, 0xfe, 0x00, 0x00, 0x00, 0xf1,
        0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
        0x00, 0x00, 0, 0, 0, 0, 0, 0,
        0x00, 0x00, 0x02, 0x02,
    };
    uint8_t full[ROOM];
    size_t len;

    status.token = token;
    len = vscsi_rrti_encode(full, sizeof(full), &status);
    ck_assert_uint_eq(len, 550);
    ck_assert_mem_eq(full, header, sizeof(header));
    ck_assert_int_eq(lduw_be_p(full + 36), 0);
    ck_assert_mem_eq(full + 38, token, sizeof(token));
    UNIT_SWEEP_ENCODER(full, len, vscsi_rrti_encode(buf, size, &status));
}
END_TEST

START_TEST(rrti_without_token_still_has_the_descriptor_length)
{
    VscsiCopyStatus status = example(VSCSI_COPY_OK);
    uint8_t full[ROOM];
    size_t len;

    status.response_sa = VSCSI_SA_WRITE_USING_TOKEN;
    len = vscsi_rrti_encode(full, sizeof(full), &status);
    ck_assert_uint_eq(len, 36);
    ck_assert_int_eq(ldl_be_p(full), 32);
    ck_assert_uint_eq(full[4], 0x11);
    ck_assert_int_eq(ldl_be_p(full + 32), 0);
    UNIT_SWEEP_ENCODER(full, len, vscsi_rrti_encode(buf, size, &status));
}
END_TEST

START_TEST(rrti_of_an_error_embeds_padded_sense_and_no_token)
{
    VscsiCopyStatus status = example(VSCSI_COPY_ERROR);
    uint8_t full[ROOM], sense[VSCSI_SENSE_FIXED_LEN];
    size_t len;

    status.completion_status = VSCSI_STATUS_CHECK_CONDITION;
    status.has_sense = true;
    status.sense = vscsi_sense(VSCSI_SENSE_TOKEN_REVOKED);
    status.token = token;
    len = vscsi_rrti_encode(full, sizeof(full), &status);
    ck_assert_uint_eq(len, 32 + 20 + 4);
    ck_assert_int_eq(ldl_be_p(full), 52);
    ck_assert_uint_eq(full[5], 0x02);
    ck_assert_uint_eq(full[12], 0x02);
    ck_assert_uint_eq(full[13], 20);
    ck_assert_uint_eq(full[14], 18);
    vscsi_sense_encode_fixed(&status.sense, sense);
    ck_assert_mem_eq(full + 32, sense, sizeof(sense));
    ck_assert_int_eq(lduw_be_p(full + 50), 0);
    ck_assert_int_eq(ldl_be_p(full + 52), 0);
    UNIT_SWEEP_ENCODER(full, len, vscsi_rrti_encode(buf, size, &status));
}
END_TEST

START_TEST(rrti_of_a_partial_populate_token_has_sense_and_token)
{
    VscsiCopyStatus status = example(VSCSI_COPY_PARTIAL);
    uint8_t full[ROOM];
    size_t len;

    status.completion_status = VSCSI_STATUS_CHECK_CONDITION;
    status.has_sense = true;
    status.sense = vscsi_sense_residual(5);
    status.token = token;
    len = vscsi_rrti_encode(full, sizeof(full), &status);
    ck_assert_uint_eq(len, 570);
    ck_assert_int_eq(ldl_be_p(full), 566);
    ck_assert_int_eq(ldl_be_p(full + 52), 514);
    ck_assert_mem_eq(full + 58, token, sizeof(token));
}
END_TEST

START_TEST(in_progress_shows_neither_sense_nor_token_nor_status)
{
    static const VscsiCopyState states[] = {
        VSCSI_COPY_IN_PROGRESS, VSCSI_COPY_FOREGROUND,
        VSCSI_COPY_BACKGROUND,
    };

    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        VscsiCopyStatus status = example(states[i]);
        uint8_t full[ROOM];

        status.completion_status = VSCSI_STATUS_CHECK_CONDITION;
        status.has_sense = true;
        status.sense = vscsi_sense(VSCSI_SENSE_TOKEN_REVOKED);
        status.token = token;
        ck_assert_uint_eq(vscsi_rrti_encode(full, sizeof(full), &status), 36);
        ck_assert_uint_eq(full[5], states[i]);
        ck_assert_uint_eq(full[12], 0);
        ck_assert_uint_eq(full[13], 0);
        ck_assert_uint_eq(full[14], 0);
    }
}
END_TEST

START_TEST(terminated_is_task_aborted_without_sense)
{
    VscsiCopyStatus status = example(VSCSI_COPY_TERMINATED);
    uint8_t full[ROOM];

    status.has_sense = true;
    status.token = token;
    ck_assert_uint_eq(vscsi_rrti_encode(full, sizeof(full), &status), 36);
    ck_assert_uint_eq(full[5], 0x60);
    ck_assert_uint_eq(full[12], 0x40);
    ck_assert_uint_eq(full[13], 0);
}
END_TEST

START_TEST(rcs4_ends_before_the_token)
{
    VscsiCopyStatus status = example(VSCSI_COPY_OK);
    uint8_t full[ROOM];
    size_t len;

    status.token = token;
    len = vscsi_rcs4_encode(full, sizeof(full), &status);
    ck_assert_uint_eq(len, 32);
    ck_assert_int_eq(ldl_be_p(full), 28);
    status.state = VSCSI_COPY_ERROR;
    status.has_sense = true;
    len = vscsi_rcs4_encode(full, sizeof(full), &status);
    ck_assert_uint_eq(len, 52);
    ck_assert_int_eq(ldl_be_p(full), 48);
    UNIT_SWEEP_ENCODER(full, len, vscsi_rcs4_encode(buf, size, &status));
}
END_TEST

START_TEST(both_responses_survive_encode_and_decode)
{
    VscsiCopyStatus status = example(VSCSI_COPY_PARTIAL), back;
    uint8_t full[ROOM];
    size_t len;

    status.completion_status = VSCSI_STATUS_CHECK_CONDITION;
    status.has_sense = true;
    status.sense = vscsi_sense_residual(5);
    status.segments = 3;
    status.token = token;
    len = vscsi_rrti_encode(full, sizeof(full), &status);
    ck_assert(vscsi_rrti_decode(full, len, &back));
    ck_assert_uint_eq(back.response_sa, status.response_sa);
    ck_assert_uint_eq(back.state, status.state);
    ck_assert_uint_eq(back.operation_counter, status.operation_counter);
    ck_assert_uint_eq(back.delay_ms, status.delay_ms);
    ck_assert_uint_eq(back.completion_status, 2);
    ck_assert(back.has_sense);
    ck_assert_sense(back.sense, 0x0a0d04);
    ck_assert_uint_eq(back.sense.information, 5);
    ck_assert_uint_eq(back.units, VSCSI_UNITS_BLOCKS);
    ck_assert_uint_eq(back.count, status.count);
    ck_assert_uint_eq(back.segments, 3);
    ck_assert_mem_eq(back.token, token, sizeof(token));

    len = vscsi_rcs4_encode(full, sizeof(full), &status);
    ck_assert(vscsi_rcs4_decode(full, len, &back));
    ck_assert_uint_eq(back.state, status.state);
    ck_assert_ptr_null(back.token);
}
END_TEST

START_TEST(responses_without_sense_or_token_survive_too)
{
    VscsiCopyStatus status = example(VSCSI_COPY_BACKGROUND), back;
    uint8_t full[ROOM], *exact;
    size_t len = vscsi_rrti_encode(full, sizeof(full), &status);

    exact = unit_exact(full, len);
    ck_assert(vscsi_rrti_decode(exact, len, &back));
    ck_assert(!back.has_sense);
    ck_assert_ptr_null(back.token);
    ck_assert_uint_eq(back.state, VSCSI_COPY_BACKGROUND);
    ck_assert_uint_eq(back.count, status.count);
    free(exact);

    len = vscsi_rcs4_encode(full, sizeof(full), &status);
    exact = unit_exact(full, len);
    ck_assert(vscsi_rcs4_decode(exact, len, &back));
    ck_assert(!back.has_sense);
    free(exact);
}
END_TEST

START_TEST(every_truncated_response_is_refused)
{
    VscsiCopyStatus status = example(VSCSI_COPY_PARTIAL), back;
    uint8_t full[ROOM];
    size_t rrti, rcs4;

    status.has_sense = true;
    status.token = token;
    rcs4 = vscsi_rcs4_encode(full, sizeof(full), &status);
    for (size_t len = 0; len < rcs4; len++) {
        uint8_t *exact = unit_exact(full, len);

        ck_assert(!vscsi_rcs4_decode(exact, len, &back));
        free(exact);
    }
    rrti = vscsi_rrti_encode(full, sizeof(full), &status);
    for (size_t len = 0; len < rrti; len++) {
        uint8_t *exact = unit_exact(full, len);

        ck_assert(!vscsi_rrti_decode(exact, len, &back));
        free(exact);
    }
}
END_TEST

START_TEST(contradicting_lengths_are_refused)
{
    VscsiCopyStatus status = example(VSCSI_COPY_PARTIAL), back;
    uint8_t full[ROOM], bad[ROOM];
    size_t len;

    status.has_sense = true;
    status.token = token;
    len = vscsi_rrti_encode(full, sizeof(full), &status);

    /* AVAILABLE DATA less than what is there */
    memcpy(bad, full, len);
    for (uint32_t n = 0; n < len - 4; n++) {
        stl_be_p(bad, n);
        ck_assert(!vscsi_rrti_decode(bad, len, &back));
    }
    /* sense longer than its field */
    memcpy(bad, full, len);
    bad[14] = 21;
    ck_assert(!vscsi_rrti_decode(bad, len, &back));
    /* a field that runs to the end and over it */
    memcpy(bad, full, len);
    bad[13] = 255;
    ck_assert(!vscsi_rrti_decode(bad, 200, &back));
    /* any other length of the token descriptors */
    memcpy(bad, full, len);
    for (uint32_t n = 1; n <= 2000; n++) {
        stl_be_p(bad + 52, n);
        ck_assert_int_eq(vscsi_rrti_decode(bad, len, &back), n == 514);
    }
    stl_be_p(bad + 52, UINT32_MAX);
    ck_assert(!vscsi_rrti_decode(bad, len, &back));
}
END_TEST

START_TEST(lid1_status_is_12_bytes)
{
    const uint8_t want[12] = {
        0, 0, 0, 8, 0x01, 0x00, 0x02, 0x00, 0x00, 0x10, 0x00, 0x00,
    };
    uint8_t full[12];

    ck_assert_uint_eq(vscsi_lid1_status_encode(full, sizeof(full),
                                               VSCSI_LID1_OK, 2, 1 << 20),
                      12);
    ck_assert_mem_eq(full, want, sizeof(want));
    UNIT_SWEEP_ENCODER(full, 12,
                       vscsi_lid1_status_encode(buf, size, VSCSI_LID1_OK, 2,
                                                1 << 20));
}
END_TEST

START_TEST(lid1_count_takes_larger_units_when_it_must)
{
    static const struct {
        uint64_t bytes;
        uint8_t units;
        uint32_t count;
    } cases[] = {
        { 0, 0, 0 },
        { UINT32_MAX, 0, UINT32_MAX },
        { 1ULL << 32, 1, 1 << 22 },
        { 1ULL << 42, 2, 1 << 22 },
        { UINT64_MAX, 4, (1ULL << 24) - 1 },
    };
    uint8_t full[12];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        vscsi_lid1_status_encode(full, sizeof(full), VSCSI_LID1_ERROR, 0,
                                 cases[i].bytes);
        ck_assert_uint_eq(full[4], 2);
        ck_assert_uint_eq(full[7], cases[i].units);
        ck_assert_uint_eq((uint32_t)ldl_be_p(full + 8), cases[i].count);
    }
}
END_TEST

START_TEST(lid1_failure_details_hold_the_sense)
{
    VscsiSense sense = vscsi_sense_segment(
        VSCSI_SENSE_COPY_TARGET_NOT_REACHABLE, 3, false, 0);
    uint8_t full[78], raw[VSCSI_SENSE_FIXED_LEN];

    ck_assert_uint_eq(vscsi_lid1_failure_encode(full, sizeof(full), 2,
                                                &sense), 78);
    ck_assert_int_eq(ldl_be_p(full), 74);
    for (int i = 4; i < 56; i++) {
        ck_assert_uint_eq(full[i], 0);
    }
    ck_assert_uint_eq(full[56], 2);
    ck_assert_int_eq(lduw_be_p(full + 58), 18);
    vscsi_sense_encode_fixed(&sense, raw);
    ck_assert_mem_eq(full + 60, raw, sizeof(raw));
    UNIT_SWEEP_ENCODER(full, 78,
                       vscsi_lid1_failure_encode(buf, size, 2, &sense));
}
END_TEST

START_TEST(lid1_no_failure_details_is_a_zero_length)
{
    const uint8_t want[4] = { 0 };
    uint8_t full[4] = { 1, 1, 1, 1 };

    ck_assert_uint_eq(vscsi_lid1_failure_encode(full, sizeof(full), 0, NULL),
                      4);
    ck_assert_mem_eq(full, want, 4);
}
END_TEST

START_TEST(operating_parameters_are_laid_out_as_the_standard_says)
{
    const VscsiXcopyLimits limits = {
        .snlid = true, .max_cscds = 2, .max_segments = 8,
        .max_list_length = 0x200, .max_inline = 0x10,
        .max_segment_bytes = 0x1000000, .total_concurrent = 0x104,
        .max_concurrent = 4, .data_granularity_log2 = 9,
    };
    const uint8_t want[47] = {
        0, 0, 0, 43, 1, 0, 0, 0, 0, 2, 0, 8, 0, 0, 2, 0,
        1, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 1, 4, 4, 9, 0, 0, 0, 0, 0, 3, 0x02, 0x0a, 0xe4,
    };
    VscsiXcopyLimits without = limits;
    uint8_t full[64];

    ck_assert_uint_eq(vscsi_copy_parameters_encode(full, sizeof(full),
                                                   &limits), 47);
    ck_assert_mem_eq(full, want, sizeof(want));
    UNIT_SWEEP_ENCODER(want, sizeof(want),
                       vscsi_copy_parameters_encode(buf, size, &limits));
    /* without SNLID there is no total */
    without.snlid = false;
    vscsi_copy_parameters_encode(full, sizeof(full), &without);
    ck_assert_uint_eq(full[4], 0);
    ck_assert_int_eq(lduw_be_p(full + 34), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire-status");
    TCase *tc = unit_case(suite, "encode");

    tcase_add_test(tc, rrti_of_a_finished_populate_token_is_550_bytes);
    tcase_add_test(tc, rrti_without_token_still_has_the_descriptor_length);
    tcase_add_test(tc, rrti_of_an_error_embeds_padded_sense_and_no_token);
    tcase_add_test(tc, rrti_of_a_partial_populate_token_has_sense_and_token);
    tcase_add_test(tc, in_progress_shows_neither_sense_nor_token_nor_status);
    tcase_add_test(tc, terminated_is_task_aborted_without_sense);
    tcase_add_test(tc, rcs4_ends_before_the_token);

    tc = unit_case(suite, "decode");
    tcase_add_test(tc, both_responses_survive_encode_and_decode);
    tcase_add_test(tc, responses_without_sense_or_token_survive_too);
    tcase_add_test(tc, every_truncated_response_is_refused);
    tcase_add_test(tc, contradicting_lengths_are_refused);

    tc = unit_case(suite, "extended copy");
    tcase_add_test(tc, lid1_status_is_12_bytes);
    tcase_add_test(tc, lid1_count_takes_larger_units_when_it_must);
    tcase_add_test(tc, lid1_failure_details_hold_the_sense);
    tcase_add_test(tc, lid1_no_failure_details_is_a_zero_length);
    tcase_add_test(tc,
                   operating_parameters_are_laid_out_as_the_standard_says);
    return unit_run(suite);
}
