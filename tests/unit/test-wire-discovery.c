/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VPD page 8Fh, page 00h and the 3PC bit.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/vscsi/wire.h"
#include "unit.h"

#define ROOM 1024

static VscsiDiscovery example(void)
{
    return (VscsiDiscovery) {
        .features = VSCSI_FEATURE_ALL,
        .block_size = 512,
        .max_ranges = 64,
        .max_inactivity_s = 0x01020304,
        .default_inactivity_s = 0x11121314,
        .max_token_blocks = 0x2000000,
        .optimal_blocks = 0x20000,
        .xcopy = {
            .snlid = true, .max_cscds = 2, .max_segments = 8,
            .max_list_length = 0x160, .max_inline = 0x01020304,
        },
        .min_lifetime_s = 1,
        .max_lifetime_s = 2,
        .optimal_granularity_blocks = 8,
        .n_rod_types = 2,
        .rod_type = {
            { .type = VSCSI_ROD_PIT_DEFAULT, .token_in = true,
              .token_out = true, .preference = 0xfffe },
            { .type = VSCSI_ROD_ZERO, .token_in = true, .ecpy_int = true,
              .preference = 1 },
        },
        .total_concurrent = 16,
        .max_identified = 8,
        .max_segment_bytes = 0x1000000,
        .segment_granularity_log2 = 9,
    };
}

/* The descriptor of @type in @page; NULL when there is none. */
static const uint8_t *find(const uint8_t *page, uint16_t type)
{
    size_t end = 4 + lduw_be_p(page + 2);

    for (size_t at = 4; at < end; at += 4 + lduw_be_p(page + at + 2)) {
        if (lduw_be_p(page + at) == type) {
            return page + at;
        }
    }
    return NULL;
}

START_TEST(page_is_self_consistent_with_every_set_of_features)
{
    for (uint32_t features = 0; features <= VSCSI_FEATURE_ALL; features++) {
        VscsiDiscovery d = example();
        uint8_t page[ROOM];
        int previous = -1;
        size_t len, at;

        d.features = features;
        d.qualifier_and_type = 0x05;
        len = vscsi_vpd_8f_encode(page, sizeof(page), &d);
        ck_assert_uint_le(len, VSCSI_VPD_8F_MAX);
        ck_assert_uint_eq(page[0], 0x05);
        ck_assert_uint_eq(page[1], 0x8f);
        ck_assert_uint_eq(lduw_be_p(page + 2), len - 4);
        for (at = 4; at < len; at += 4 + lduw_be_p(page + at + 2)) {
            ck_assert_int_gt(lduw_be_p(page + at), previous);
            ck_assert_int_eq(lduw_be_p(page + at + 2) % 4, 0);
            previous = lduw_be_p(page + at);
        }
        ck_assert_uint_eq(at, len);
        /* the descriptors that go with a feature, and only those */
        ck_assert_int_eq(find(page, 0x0000) != NULL,
                         !!(features & VSCSI_FEATURE_TOKEN));
        ck_assert_int_eq(find(page, 0x0106) != NULL,
                         !!(features & VSCSI_FEATURE_TOKEN));
        ck_assert_int_eq(find(page, 0x0108) != NULL,
                         !!(features & VSCSI_FEATURE_TOKEN));
        ck_assert_int_eq(find(page, 0x0004) != NULL,
                         !!(features & VSCSI_FEATURE_XCOPY));
        ck_assert_int_eq(find(page, 0x0008) != NULL,
                         !!(features & VSCSI_FEATURE_XCOPY));
        ck_assert_int_eq(find(page, 0x000c) != NULL,
                         !!(features & VSCSI_FEATURE_XCOPY));
        ck_assert_ptr_nonnull(find(page, 0x0001));
        ck_assert_ptr_nonnull(find(page, 0x8001));
    }
}
END_TEST

START_TEST(windows_finds_the_limits_where_it_looks)
{
    VscsiDiscovery d = example();
    uint8_t page[255];
    size_t len = vscsi_vpd_8f_encode(page, sizeof(page), &d);

    /* PAGE LENGTH >= 24h, first descriptor 0000h of length exactly 20h */
    ck_assert_uint_gt(len, 255);
    ck_assert_int_ge(lduw_be_p(page + 2), 0x24);
    ck_assert_int_eq(lduw_be_p(page + 4), 0x0000);
    ck_assert_int_eq(lduw_be_p(page + 6), 0x0020);
    ck_assert_int_eq(lduw_be_p(page + 4 + 10), 64);
    ck_assert_int_eq(ldl_be_p(page + 4 + 12), 0x01020304);
    ck_assert_int_eq(ldl_be_p(page + 4 + 16), 0x11121314);
    ck_assert_uint_eq(ldq_be_p(page + 4 + 20), 0x2000000);
    ck_assert_uint_eq(ldq_be_p(page + 4 + 28), 0x20000);
}
END_TEST

START_TEST(commands_are_listed_ascending_by_opcode_and_action)
{
    const uint8_t want[20] = {
        0x00, 0x01, 0x00, 0x10, 14,
        0x83, 4, 0x00, 0x10, 0x11, 0x1c,
        0x84, 6, 0x00, 0x03, 0x04, 0x05, 0x07, 0x08,
        0x00,
    };
    const uint8_t tokens_only[16] = {
        0x00, 0x01, 0x00, 0x0c, 8,
        0x83, 2, 0x10, 0x11, 0x84, 2, 0x05, 0x07,
    };
    VscsiDiscovery d = example();
    uint8_t page[ROOM];

    vscsi_vpd_8f_encode(page, sizeof(page), &d);
    ck_assert_mem_eq(find(page, 1), want, sizeof(want));
    d.features = VSCSI_FEATURE_TOKEN;
    vscsi_vpd_8f_encode(page, sizeof(page), &d);
    ck_assert_mem_eq(find(page, 1), tokens_only, sizeof(tokens_only));
}
END_TEST

START_TEST(extended_copy_descriptors_are_as_the_standard_says)
{
    const uint8_t parameters[32] = {
        0x00, 0x04, 0x00, 0x1c, 0, 0, 0, 0, 0, 2, 0, 8, 0, 0, 1, 0x60,
        1, 2, 3, 4,
    };
    const uint8_t types[8] = { 0, 8, 0, 4, 3, 0x02, 0x0a, 0xe4 };
    const uint8_t ids[8] = { 0, 0x0c, 0, 4, 0, 2, 0xff, 0xff };
    VscsiDiscovery d = example();
    uint8_t page[ROOM];

    vscsi_vpd_8f_encode(page, sizeof(page), &d);
    ck_assert_mem_eq(find(page, 0x0004), parameters, sizeof(parameters));
    ck_assert_mem_eq(find(page, 0x0008), types, sizeof(types));
    ck_assert_mem_eq(find(page, 0x000c), ids, sizeof(ids));
}
END_TEST

START_TEST(token_features_agree_with_the_rod_limits)
{
    VscsiDiscovery d = example();
    const uint8_t *p;
    uint8_t page[ROOM];

    d.remote_tokens = 4;
    vscsi_vpd_8f_encode(page, sizeof(page), &d);
    p = find(page, 0x0106);
    ck_assert_int_eq(lduw_be_p(p + 2), 92);
    ck_assert_uint_eq(p[4], 4);
    ck_assert_int_eq(ldl_be_p(p + 16), 1);
    ck_assert_int_eq(ldl_be_p(p + 20), 2);
    ck_assert_int_eq(ldl_be_p(p + 24), 0x01020304);
    ck_assert_int_eq(lduw_be_p(p + 46), 48);
    ck_assert_int_eq(lduw_be_p(p + 48), 0);
    ck_assert_int_eq(lduw_be_p(p + 50), 0x2c);
    ck_assert_int_eq(lduw_be_p(p + 54), 8);
    ck_assert_uint_eq(ldq_be_p(p + 56), 0x2000000 * 512ULL);
    ck_assert_uint_eq(ldq_be_p(p + 64), 0x20000 * 512ULL);
    ck_assert_uint_eq(ldq_be_p(p + 72), 0x20000 * 512ULL);
    ck_assert_uint_eq(ldq_be_p(p + 80), 0x20000 * 512ULL);

    /* what does not fit in 64 bits is not reported */
    d.max_token_blocks = UINT64_MAX;
    vscsi_vpd_8f_encode(page, sizeof(page), &d);
    ck_assert_uint_eq(ldq_be_p(find(page, 0x0106) + 56), 0);
}
END_TEST

START_TEST(rod_types_are_64_bytes_each)
{
    VscsiDiscovery d = example();
    const uint8_t *p;
    uint8_t page[ROOM];

    vscsi_vpd_8f_encode(page, sizeof(page), &d);
    p = find(page, 0x0108);
    ck_assert_int_eq(lduw_be_p(p + 2), 4 + 128);
    ck_assert_int_eq(lduw_be_p(p + 6), 128);
    ck_assert_uint_eq((uint32_t)ldl_be_p(p + 8), VSCSI_ROD_PIT_DEFAULT);
    ck_assert_uint_eq(p[12], 0x03);
    ck_assert_int_eq(lduw_be_p(p + 14), 0xfffe);
    ck_assert_uint_eq((uint32_t)ldl_be_p(p + 72), VSCSI_ROD_ZERO);
    ck_assert_uint_eq(p[76], 0x82);
    ck_assert_int_eq(lduw_be_p(p + 78), 1);
}
END_TEST

START_TEST(general_copy_operations_are_bounded_by_the_total)
{
    VscsiDiscovery d = example();
    const uint8_t *p;
    uint8_t page[ROOM];

    vscsi_vpd_8f_encode(page, sizeof(page), &d);
    p = find(page, 0x8001);
    ck_assert_int_eq(lduw_be_p(p + 2), 0x20);
    ck_assert_int_eq(ldl_be_p(p + 4), 16);
    ck_assert_int_eq(ldl_be_p(p + 8), 8);
    ck_assert_int_eq(ldl_be_p(p + 12), 0x1000000);
    ck_assert_uint_eq(p[16], 9);
    ck_assert_uint_eq(p[17], 0);
    d.max_identified = 17;
    vscsi_vpd_8f_encode(page, sizeof(page), &d);
    ck_assert_int_eq(ldl_be_p(find(page, 0x8001) + 8), 16);
}
END_TEST

START_TEST(the_longest_page_fits_in_1020_bytes)
{
    VscsiDiscovery d = example();
    uint8_t page[ROOM];
    size_t len;

    d.n_rod_types = VSCSI_DISCOVERY_ROD_TYPES_MAX;
    len = vscsi_vpd_8f_encode(page, sizeof(page), &d);
    ck_assert_uint_le(len, VSCSI_VPD_8F_MAX);
    d.n_rod_types = 1000;
    ck_assert_uint_eq(vscsi_vpd_8f_encode(page, sizeof(page), &d), len);
    UNIT_SWEEP_ENCODER(page, len, vscsi_vpd_8f_encode(buf, size, &d));
}
END_TEST

START_TEST(page_survives_encode_and_decode)
{
    VscsiDiscovery d = example(), back;
    uint8_t page[ROOM];
    size_t len = vscsi_vpd_8f_encode(page, sizeof(page), &d);

    ck_assert(vscsi_vpd_8f_decode(page, len, &back));
    ck_assert_uint_eq(back.features, VSCSI_FEATURE_ALL);
    ck_assert_uint_eq(back.max_ranges, d.max_ranges);
    ck_assert_uint_eq(back.max_inactivity_s, d.max_inactivity_s);
    ck_assert_uint_eq(back.default_inactivity_s, d.default_inactivity_s);
    ck_assert_uint_eq(back.max_token_blocks, d.max_token_blocks);
    ck_assert_uint_eq(back.optimal_blocks, d.optimal_blocks);
    ck_assert_uint_eq(back.xcopy.max_cscds, d.xcopy.max_cscds);
    ck_assert_uint_eq(back.xcopy.max_segments, d.xcopy.max_segments);
    ck_assert_uint_eq(back.xcopy.max_list_length, d.xcopy.max_list_length);
    ck_assert_uint_eq(back.xcopy.max_inline, d.xcopy.max_inline);
    ck_assert_uint_eq(back.min_lifetime_s, d.min_lifetime_s);
    ck_assert_uint_eq(back.max_lifetime_s, d.max_lifetime_s);
    ck_assert_uint_eq(back.optimal_granularity_blocks, 8);
    ck_assert_uint_eq(back.n_rod_types, 2);
    ck_assert_uint_eq(back.rod_type[1].type, VSCSI_ROD_ZERO);
    ck_assert(back.rod_type[1].ecpy_int && back.rod_type[1].token_in);
    ck_assert(!back.rod_type[1].token_out && back.rod_type[0].token_out);
    ck_assert_uint_eq(back.rod_type[0].preference, 0xfffe);
    ck_assert_uint_eq(back.total_concurrent, 16);
    ck_assert_uint_eq(back.max_identified, 8);
    ck_assert_uint_eq(back.max_segment_bytes, 0x1000000);
    ck_assert_uint_eq(back.segment_granularity_log2, 9);
}
END_TEST

START_TEST(every_truncated_page_is_refused)
{
    VscsiDiscovery d = example(), back;
    uint8_t page[ROOM];
    size_t full = vscsi_vpd_8f_encode(page, sizeof(page), &d);

    for (size_t len = 0; len < full; len++) {
        uint8_t *exact = unit_exact(page, len);

        ck_assert(!vscsi_vpd_8f_decode(exact, len, &back));
        free(exact);
    }
}
END_TEST

START_TEST(every_wrong_descriptor_length_is_survived)
{
    VscsiDiscovery d = example(), back;
    uint8_t page[ROOM];
    size_t full = vscsi_vpd_8f_encode(page, sizeof(page), &d);

    for (size_t at = 4; at < full; at += 4 + lduw_be_p(page + at + 2)) {
        for (unsigned n = 0; n <= full; n++) {
            uint8_t *exact = unit_exact(page, full);

            stw_be_p(exact + at + 2, n);
            if (n > full - at - 4) {
                ck_assert(!vscsi_vpd_8f_decode(exact, full, &back));
            } else {
                vscsi_vpd_8f_decode(exact, full, &back);
            }
            free(exact);
        }
    }
}
END_TEST

START_TEST(a_command_list_that_does_not_add_up_is_refused)
{
    static const struct {
        uint8_t list[8];        /* list length, then the list */
        bool good;
    } cases[] = {
        { { 0 }, true },
        { { 3, 0x83, 1, 0x10 }, true },
        { { 5, 0x83, 1, 0x10, 0x84, 0 }, true },
        { { 7, 0x83, 1, 0x10, 0x84, 2, 0x05, 0x07 }, true },
        { { 1, 0x83 }, false },             /* no count */
        { { 2, 0x83, 1 }, false },          /* action missing */
        { { 4, 0x83, 1, 0x10, 0x84 }, false },
        { { 7, 0x83, 6, 0x10 }, false },    /* one too many */
        { { 8, 0x83, 6, 0x10 }, false },    /* over the descriptor */
        { { 255 }, false },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint8_t page[16] = { 0, 0x8f, 0, 12, 0x00, 0x01, 0, 8 };
        uint8_t *exact;
        VscsiDiscovery d;

        memcpy(page + 8, cases[i].list, 8);
        exact = unit_exact(page, sizeof(page));
        ck_assert_int_eq(vscsi_vpd_8f_decode(exact, sizeof(page), &d),
                         cases[i].good);
        if (cases[i].good && exact[8]) {
            ck_assert_uint_eq(d.features, VSCSI_FEATURE_TOKEN);
        }
        free(exact);
    }
}
END_TEST

START_TEST(another_page_is_refused)
{
    VscsiDiscovery d = example(), back;
    uint8_t page[ROOM];
    size_t len = vscsi_vpd_8f_encode(page, sizeof(page), &d);

    page[1] = 0x83;
    ck_assert(!vscsi_vpd_8f_decode(page, len, &back));
}
END_TEST

START_TEST(page_00_stays_ascending)
{
    static const struct {
        uint8_t before[8];
        uint8_t after[9];
        size_t n;
    } cases[] = {
        { { 0x00, 0x80, 0x83 }, { 0x00, 0x80, 0x83, 0x8f }, 3 },
        { { 0x00, 0x80, 0x83, 0xb0, 0xb2 },
          { 0x00, 0x80, 0x83, 0x8f, 0xb0, 0xb2 }, 5 },
        { { 0x00 }, { 0x00, 0x8f }, 1 },
        { { 0 }, { 0x8f }, 0 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t n = cases[i].n;
        uint8_t page[64] = { 0, 0, 0, n };

        memcpy(page + 4, cases[i].before, n);
        ck_assert_uint_eq(vscsi_vpd_00_insert(page, 4 + n, sizeof(page),
                                              0x8f), 5 + n);
        ck_assert_int_eq(lduw_be_p(page + 2), n + 1);
        ck_assert_mem_eq(page + 4, cases[i].after, n + 1);
        /* a second time changes nothing */
        ck_assert_uint_eq(vscsi_vpd_00_insert(page, 5 + n, sizeof(page),
                                              0x8f), 5 + n);
        ck_assert_mem_eq(page + 4, cases[i].after, n + 1);
    }
}
END_TEST

START_TEST(page_00_without_room_or_form_is_left_alone)
{
    const uint8_t good[6] = { 0, 0, 0, 2, 0x00, 0x83 };
    uint8_t *page = unit_exact(good, sizeof(good));

    ck_assert_uint_eq(vscsi_vpd_00_insert(page, 6, 6, 0x8f), 0);
    ck_assert_uint_eq(vscsi_vpd_00_insert(page, 5, 6, 0x8f), 0);
    ck_assert_uint_eq(vscsi_vpd_00_insert(page, 7, 6, 0x8f), 0);
    for (size_t len = 0; len < 4; len++) {
        ck_assert_uint_eq(vscsi_vpd_00_insert(page, len, 6, 0x8f), 0);
    }
    page[1] = 0x83;
    ck_assert_uint_eq(vscsi_vpd_00_insert(page, 6, 6, 0x8f), 0);
    page[1] = 0;
    ck_assert_mem_eq(page, good, sizeof(good));
    /* an existing code needs no room */
    ck_assert_uint_eq(vscsi_vpd_00_insert(page, 6, 6, 0x83), 6);
    free(page);
}
END_TEST

START_TEST(three_pc_bit_is_set_and_cleared_alone)
{
    uint8_t inquiry[36];

    memset(inquiry, 0x11, sizeof(inquiry));
    vscsi_inquiry_set_3pc(inquiry, sizeof(inquiry), true);
    ck_assert_uint_eq(inquiry[5], 0x19);
    ck_assert_uint_eq(inquiry[4], 0x11);
    ck_assert_uint_eq(inquiry[6], 0x11);
    vscsi_inquiry_set_3pc(inquiry, sizeof(inquiry), false);
    ck_assert_uint_eq(inquiry[5], 0x11);
}
END_TEST

START_TEST(three_pc_in_short_inquiry_data_is_not_there_to_set)
{
    for (size_t len = 0; len <= 5; len++) {
        uint8_t *exact = unit_exact("\0\0\0\0\0", len);

        vscsi_inquiry_set_3pc(exact, len, true);
        free(exact);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire-discovery");
    TCase *tc = unit_case(suite, "page 8Fh");

    tcase_add_test(tc, page_is_self_consistent_with_every_set_of_features);
    tcase_add_test(tc, windows_finds_the_limits_where_it_looks);
    tcase_add_test(tc, commands_are_listed_ascending_by_opcode_and_action);
    tcase_add_test(tc, extended_copy_descriptors_are_as_the_standard_says);
    tcase_add_test(tc, token_features_agree_with_the_rod_limits);
    tcase_add_test(tc, rod_types_are_64_bytes_each);
    tcase_add_test(tc, general_copy_operations_are_bounded_by_the_total);
    tcase_add_test(tc, the_longest_page_fits_in_1020_bytes);
    tcase_add_test(tc, page_survives_encode_and_decode);

    tc = unit_case(suite, "malformed");
    tcase_add_test(tc, every_truncated_page_is_refused);
    tcase_add_test(tc, every_wrong_descriptor_length_is_survived);
    tcase_add_test(tc, a_command_list_that_does_not_add_up_is_refused);
    tcase_add_test(tc, another_page_is_refused);

    tc = unit_case(suite, "other pages");
    tcase_add_test(tc, page_00_stays_ascending);
    tcase_add_test(tc, page_00_without_room_or_form_is_left_alone);
    tcase_add_test(tc, three_pc_bit_is_set_and_cleared_alone);
    tcase_add_test(tc, three_pc_in_short_inquiry_data_is_not_there_to_set);
    return unit_run(suite);
}
