/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * EXTENDED COPY(LID1) parameter lists, with what libiscsi's tests expect.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/vscsi/wire.h"
#include "unit.h"

#define ROOM 4096

static VscsiXcopyLimits limits(void)
{
    return (VscsiXcopyLimits) {
        .snlid = true,
        .max_cscds = 2,
        .max_segments = 4,
        .max_list_length = vscsi_xcopy_list_length(2, 4),
    };
}

static VscsiCscd cscd(uint8_t last)
{
    return (VscsiCscd) {
        .designator = {
            .code_set = VSCSI_CODE_SET_BINARY,
            .association = VSCSI_ASSOC_LUN,
            .type = VSCSI_DESIGNATOR_NAA,
            .length = 8,
            .bytes = { 0x55, 0, 0, 0, 0, 0, 0, last },
        },
        .block_length = 512,
    };
}

/* What sg_xcopy sends: two CSCDs and a segment, 108 bytes. */
static VscsiXcopy example(void)
{
    return (VscsiXcopy) {
        .list_id = 1,
        .usage = VSCSI_LIST_ID_DISCARD,
        .priority = 1,
        .n_cscds = 2,
        .cscd = { cscd(1), cscd(2) },
        .n_segments = 1,
        .segment = {
            {
                .type = VSCSI_SEGMENT_BLOCK, .dc = true,
                .source_id = 0, .dest_id = 1, .blocks = 0x800,
                .source_lba = 0x1122334455, .dest_lba = 0x66778899aa,
            },
        },
    };
}

/* Decode from a buffer that ends at @len; the code, or 0 for success. */
static uint32_t result(const uint8_t *buf, size_t len,
                       const VscsiXcopyLimits *l, VscsiXcopy *out)
{
    uint8_t *exact = unit_exact(buf, len);
    VscsiSense err = { 0 };
    bool ok = vscsi_xcopy_decode(exact, len, l, out, &err);

    out->inline_data = NULL;
    free(exact);
    return unit_code(ok, err);
}

START_TEST(list_is_laid_out_as_the_standard_says)
{
    VscsiXcopy x = example();
    const uint8_t header[16] = {
        0x01, 0x11, 0x00, 0x40, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 0,
    };
    const uint8_t descriptor[32] = {
        0xe4, 0, 0, 0, 1, 3, 0, 8, 0x55, 0, 0, 0, 0, 0, 0, 1,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0,
    };
    const uint8_t segment[28] = {
        0x02, 0x02, 0x00, 0x18, 0, 0, 0, 1, 0, 0, 0x08, 0x00,
        0, 0, 0, 0x11, 0x22, 0x33, 0x44, 0x55,
        0, 0, 0, 0x66, 0x77, 0x88, 0x99, 0xaa,
    };
    uint8_t full[ROOM];
    size_t len = vscsi_xcopy_encode(full, sizeof(full), &x);

    ck_assert_uint_eq(len, 108);
    ck_assert_mem_eq(full, header, 16);
    ck_assert_mem_eq(full + 16, descriptor, 32);
    ck_assert_mem_eq(full + 80, segment, 28);
    UNIT_SWEEP_ENCODER(full, len, vscsi_xcopy_encode(buf, size, &x));
}
END_TEST

START_TEST(list_survives_encode_and_decode)
{
    VscsiXcopyLimits l = limits();
    VscsiXcopy x = example(), back;
    uint8_t buf[ROOM], again[ROOM];
    const uint8_t inline_data[5] = { 1, 2, 3, 4, 5 };
    VscsiSense err;
    size_t len;

    l.max_inline = 5;
    x.sequential = true;
    x.n_segments = 2;
    x.segment[1] = (VscsiSegment) {
        .type = VSCSI_SEGMENT_BLOCK_OFFSET, .cat = true,
        .source_id = 1, .dest_id = VSCSI_CSCD_ID_THIS_LUN,
        .bytes = 0xaabbccdd, .source_lba = 7, .dest_lba = 8,
        .source_offset = 0x0102, .dest_offset = 0x0304,
    };
    x.inline_len = 5;
    x.inline_data = inline_data;
    len = vscsi_xcopy_encode(buf, sizeof(buf), &x);
    ck_assert_uint_eq(len, 16 + 64 + 28 + 32 + 5);
    ck_assert(vscsi_xcopy_decode(buf, len, &l, &back, &err));
    ck_assert(!back.empty && back.sequential);
    ck_assert_uint_eq(back.list_id, 1);
    ck_assert_uint_eq(back.usage, VSCSI_LIST_ID_DISCARD);
    ck_assert_uint_eq(back.priority, 1);
    ck_assert_uint_eq(back.n_cscds, 2);
    ck_assert(vscsi_designator_equal(&back.cscd[1].designator,
                                     &x.cscd[1].designator));
    ck_assert_uint_eq(back.n_segments, 2);
    ck_assert_uint_eq(back.segment[0].blocks, 0x800);
    ck_assert(back.segment[0].dc && !back.segment[0].cat);
    ck_assert_uint_eq(back.segment[0].source_lba, 0x1122334455);
    ck_assert_uint_eq(back.segment[1].bytes, 0xaabbccdd);
    ck_assert_uint_eq(back.segment[1].source_offset, 0x0102);
    ck_assert_uint_eq(back.segment[1].dest_offset, 0x0304);
    ck_assert_uint_eq(back.segment[1].dest_id, 0xffff);
    ck_assert_uint_eq(back.inline_len, 5);
    ck_assert_mem_eq(back.inline_data, inline_data, 5);
    ck_assert_uint_eq(vscsi_xcopy_encode(again, sizeof(again), &back), len);
    ck_assert_mem_eq(again, buf, len);
}
END_TEST

START_TEST(each_bit_field_of_a_cscd_stands_alone)
{
    VscsiXcopyLimits l = limits();

    for (int i = 0; i < 7; i++) {
        VscsiXcopy x = example(), back;
        VscsiCscd *c = &x.cscd[0];
        uint8_t buf[ROOM];
        size_t len;

        c->lu_id_type = i == 0 ? 3 : 0;
        c->device_type = i == 1 ? 0x1f : 0;
        c->relative_port = i == 2 ? 0xffff : 0;
        c->pad = i == 3;
        c->block_length = i == 4 ? 0xffffff : 0;
        c->designator.association = i == 5 ? 3 : 0;
        c->designator.type = i == 6 ? 15 : 0;
        len = vscsi_xcopy_encode(buf, sizeof(buf), &x);
        ck_assert_uint_eq(result(buf, len, &l, &back), 0);
        ck_assert_uint_eq(back.cscd[0].lu_id_type, c->lu_id_type);
        ck_assert_uint_eq(back.cscd[0].device_type, c->device_type);
        ck_assert_uint_eq(back.cscd[0].relative_port, c->relative_port);
        ck_assert_int_eq(back.cscd[0].pad, c->pad);
        ck_assert_uint_eq(back.cscd[0].block_length, c->block_length);
        ck_assert(vscsi_designator_equal(&back.cscd[0].designator,
                                         &c->designator));
        ck_assert_uint_eq(buf[16 + 1], i == 0 ? 0xc0 : i == 1 ? 0x1f : 0);
        ck_assert_uint_eq(buf[16 + 5], i == 5 ? 0x30 : i == 6 ? 0x0f : 0);
        ck_assert_uint_eq(buf[16 + 28], i == 3 ? 0x04 : 0);
    }
}
END_TEST

START_TEST(each_bit_of_the_header_and_a_segment_stands_alone)
{
    VscsiXcopyLimits l = limits();

    for (int i = 0; i < 4; i++) {
        VscsiXcopy x = example(), back;
        uint8_t buf[ROOM];
        size_t len;

        x.usage = VSCSI_LIST_ID_KEEP;
        x.sequential = i == 0;
        x.priority = i == 1 ? 7 : 0;
        x.segment[0].dc = i == 2;
        x.segment[0].cat = i == 3;
        len = vscsi_xcopy_encode(buf, sizeof(buf), &x);
        ck_assert_uint_eq(result(buf, len, &l, &back), 0);
        ck_assert_int_eq(back.sequential, i == 0);
        ck_assert_uint_eq(back.priority, i == 1 ? 7 : 0);
        ck_assert_int_eq(back.segment[0].dc, i == 2);
        ck_assert_int_eq(back.segment[0].cat, i == 3);
        ck_assert_uint_eq(buf[1], i == 0 ? 0x20 : i == 1 ? 0x07 : 0);
        ck_assert_uint_eq(buf[81], i == 2 ? 0x02 : i == 3);
    }
}
END_TEST

START_TEST(errors_point_at_the_field)
{
    static const struct {
        uint8_t at, value;      /* what is wrong in example() */
        uint32_t code;
        uint16_t field;
    } cases[] = {
        { 1, 0x08, 0x052600, 1 },       /* reserved LIST ID USAGE */
        { 1, 0x18, 0x052600, 0 },       /* usage 11b with an identifier */
        { 3, 0x3f, 0x052600, 2 },       /* CSCD list length */
        { 15, 0x01, 0x05260b, 12 },     /* INLINE DATA LENGTH */
        { 16, 0xe0, 0x052607, 16 },     /* type of the first CSCD */
        { 48, 0xe0, 0x052607, 48 },     /* and of the second */
        { 55, 21, 0x052600, 55 },       /* DESIGNATOR LENGTH */
        { 80, 0x03, 0x052609, 80 },     /* type of the segment */
        { 83, 0x1c, 0x052600, 82 },     /* its length */
    };
    VscsiXcopyLimits l = limits();

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        VscsiXcopy x = example(), out;
        VscsiSense err = { 0 };
        uint8_t buf[ROOM] = { 0 };
        size_t len = vscsi_xcopy_encode(buf, sizeof(buf), &x);

        buf[cases[i].at] = cases[i].value;
        ck_assert(!vscsi_xcopy_decode(buf, len + 1, &l, &out, &err));
        ck_assert_field(err, cases[i].code, false, cases[i].field);
        /* LIST ID USAGE is the one field that shares its byte */
        ck_assert_int_eq(err.has_bit_pointer, cases[i].field == 1);
        ck_assert(!err.has_bit_pointer || err.bit_pointer == 4);
    }
}
END_TEST

START_TEST(too_many_descriptors_point_at_their_list_length)
{
    VscsiXcopyLimits l = limits();
    VscsiXcopy x = example(), out;
    uint8_t buf[ROOM];
    VscsiSense err;
    size_t len;

    x.n_cscds = 3;
    len = vscsi_xcopy_encode(buf, sizeof(buf), &x);
    ck_assert(!vscsi_xcopy_decode(buf, len, &l, &out, &err));
    ck_assert_field(err, 0x052606, false, 2);
    x.n_cscds = 0;
    x.n_segments = 5;
    for (int i = 1; i < 5; i++) {
        x.segment[i] = x.segment[0];
    }
    len = vscsi_xcopy_encode(buf, sizeof(buf), &x);
    ck_assert(!vscsi_xcopy_decode(buf, len, &l, &out, &err));
    ck_assert_field(err, 0x052608, false, 8);
}
END_TEST

START_TEST(length_zero_is_good_and_nothing_else)
{
    VscsiXcopyLimits l = limits();
    VscsiXcopy x;

    ck_assert_uint_eq(result(NULL, 0, &l, &x), 0);
    ck_assert(x.empty);
    ck_assert_uint_eq(x.n_cscds, 0);
    ck_assert_uint_eq(x.n_segments, 0);
    ck_assert_uint_eq(x.inline_len, 0);
}
END_TEST

START_TEST(a_header_alone_copies_nothing)
{
    VscsiXcopyLimits l = limits();
    uint8_t buf[16] = { 0 };
    VscsiXcopy x;

    ck_assert_uint_eq(result(buf, sizeof(buf), &l, &x), 0);
    ck_assert(!x.empty);
    ck_assert_uint_eq(x.n_cscds, 0);
    ck_assert_uint_eq(x.n_segments, 0);
}
END_TEST

START_TEST(every_truncation_is_a_parameter_list_length_error)
{
    VscsiXcopyLimits l = limits();
    VscsiXcopy x = example(), out;
    const uint8_t inline_data[3] = { 1, 2, 3 };
    uint8_t buf[ROOM];
    size_t full;

    l.max_inline = 3;
    x.inline_len = 3;
    x.inline_data = inline_data;
    full = vscsi_xcopy_encode(buf, sizeof(buf), &x);
    for (size_t len = 1; len <= full; len++) {
        ck_assert_uint_eq(result(buf, len, &l, &out),
                          len == full ? 0 : 0x051a00);
    }
}
END_TEST

START_TEST(every_cscd_list_length)
{
    VscsiXcopyLimits l = limits();
    VscsiXcopy out;

    for (unsigned n = 0; n <= UINT16_MAX; n++) {
        uint8_t buf[ROOM] = { 0 };
        size_t room = 16 + n;
        uint32_t code;

        stw_be_p(buf + 2, n);
        for (size_t at = 16; at < MIN(room, sizeof(buf)); at += 32) {
            buf[at] = 0xe4;
        }
        code = result(buf, MIN(room, sizeof(buf)), &l, &out);
        if (n > l.max_list_length) {
            ck_assert_uint_eq(code, 0x051a00);
        } else if (n % 32) {
            ck_assert_uint_eq(code, 0x052600);
        } else if (n / 32 > 2) {
            ck_assert_uint_eq(code, 0x052606);
        } else {
            ck_assert_uint_eq(code, 0);
            ck_assert_uint_eq(out.n_cscds, n / 32);
        }
    }
}
END_TEST

START_TEST(every_segment_list_length)
{
    VscsiXcopyLimits l = limits();
    VscsiXcopy out;

    for (unsigned n = 0; n <= l.max_list_length + 1; n++) {
        uint8_t buf[ROOM] = { 0 };
        uint32_t code;

        stl_be_p(buf + 8, n);
        for (size_t at = 16; at < 16 + n; at += 28) {
            buf[at] = 0x02;
            stw_be_p(buf + at + 2, 0x18);
        }
        code = result(buf, 16 + n, &l, &out);
        if (n > l.max_list_length) {
            ck_assert_uint_eq(code, 0x051a00);
        } else if (n > 4 * 28) {
            ck_assert_uint_eq(code, 0x052608);
        } else if (n % 28) {
            ck_assert_uint_eq(code, 0x052600);
        } else {
            ck_assert_uint_eq(code, 0);
            ck_assert_uint_eq(out.n_segments, n / 28);
        }
    }
}
END_TEST

START_TEST(segment_lengths_near_four_gib_do_not_wrap)
{
    VscsiXcopyLimits l = limits();
    uint8_t buf[ROOM];
    VscsiXcopy x = example(), out;
    size_t len = vscsi_xcopy_encode(buf, sizeof(buf), &x);

    for (int i = 0; i < 200; i++) {
        stl_be_p(buf + 8, UINT32_MAX - i);
        ck_assert_uint_eq(result(buf, len, &l, &out), 0x051a00);
        l.max_list_length = UINT32_MAX;
        ck_assert_uint_eq(result(buf, len, &l, &out), 0x051a00);
        l = limits();
        stl_be_p(buf + 8, 28);
        stl_be_p(buf + 12, UINT32_MAX - i);
        ck_assert_uint_eq(result(buf, len, &l, &out), 0x051a00);
        stl_be_p(buf + 12, 0);
    }
}
END_TEST

START_TEST(one_descriptor_too_many_is_told_from_a_list_too_long)
{
    VscsiXcopyLimits l = limits();
    VscsiXcopy x = example(), out;
    uint8_t buf[ROOM];
    size_t len;

    /* as libiscsi: max + 1 CSCDs and one segment */
    x.n_cscds = 3;
    x.cscd[2] = cscd(3);
    len = vscsi_xcopy_encode(buf, sizeof(buf), &x);
    ck_assert_uint_eq(result(buf, len, &l, &out), 0x052606);
    /* one CSCD and max + 1 segments */
    x.n_cscds = 1;
    x.n_segments = 5;
    for (int i = 1; i < 5; i++) {
        x.segment[i] = x.segment[0];
    }
    len = vscsi_xcopy_encode(buf, sizeof(buf), &x);
    ck_assert_uint_eq(result(buf, len, &l, &out), 0x052608);
    /* both lists together too long, though there are too many CSCDs too */
    x.n_cscds = 4;
    len = vscsi_xcopy_encode(buf, sizeof(buf), &x);
    ck_assert_uint_gt(len - 16, l.max_list_length);
    ck_assert_uint_eq(result(buf, len, &l, &out), 0x051a00);
}
END_TEST

START_TEST(the_largest_limits_still_have_a_bound)
{
    VscsiXcopyLimits l = {
        .max_cscds = UINT16_MAX, .max_segments = UINT16_MAX,
        .max_list_length = UINT32_MAX,
    };
    size_t cscds = VSCSI_XCOPY_CSCDS_MAX + 1;
    size_t segments = VSCSI_XCOPY_SEGMENTS_MAX + 1;
    size_t len = 16 + segments * 28;
    uint8_t *buf = calloc(1, len);
    VscsiXcopy *out = malloc(sizeof(*out));

    stl_be_p(buf + 8, segments * 28);
    for (size_t i = 0; i < segments; i++) {
        buf[16 + i * 28] = 0x02;
        stw_be_p(buf + 16 + i * 28 + 2, 0x18);
    }
    ck_assert_uint_eq(result(buf, len, &l, out), 0x052608);
    stl_be_p(buf + 8, (segments - 1) * 28);
    ck_assert_uint_eq(result(buf, len, &l, out), 0);
    ck_assert_uint_eq(out->n_segments, VSCSI_XCOPY_SEGMENTS_MAX);
    stl_be_p(buf + 8, 0);
    stw_be_p(buf + 2, cscds * 32);
    ck_assert_uint_eq(result(buf, len, &l, out), 0x052606);
    free(buf);
    free(out);
}
END_TEST

START_TEST(list_length_formula_leaves_room_for_one_too_many)
{
    for (unsigned t = 1; t <= VSCSI_XCOPY_CSCDS_MAX; t++) {
        for (unsigned s = 1; s <= VSCSI_XCOPY_SEGMENTS_MAX; s++) {
            uint32_t len = vscsi_xcopy_list_length(t, s);

            ck_assert_uint_ge(len, 32 * (t + 1) + 28);
            ck_assert_uint_ge(len, 32 + 28 * (s + 1));
            ck_assert_uint_ge(len, 32 + 32 * (s + 1));
        }
    }
}
END_TEST

START_TEST(other_cscd_types_are_unsupported)
{
    VscsiXcopyLimits l = limits();
    VscsiXcopy x = example(), out;
    uint8_t buf[ROOM];
    size_t len = vscsi_xcopy_encode(buf, sizeof(buf), &x);

    for (unsigned type = 0; type < 256; type++) {
        buf[16 + 32] = type;
        ck_assert_uint_eq(result(buf, len, &l, &out),
                          type == 0xe4 ? 0 : 0x052607);
    }
}
END_TEST

START_TEST(other_segment_types_are_unsupported)
{
    VscsiXcopyLimits l = limits();
    VscsiXcopy x = example(), out;
    uint8_t buf[ROOM];
    size_t len = vscsi_xcopy_encode(buf, sizeof(buf), &x);

    for (unsigned type = 0; type < 256; type++) {
        buf[80] = type;
        /* 0Ah with the length of 02h is a wrong length */
        ck_assert_uint_eq(result(buf, len, &l, &out),
                          type == 0x02 ? 0 : type == 0x0a ? 0x052600
                                                          : 0x052609);
    }
}
END_TEST

START_TEST(every_wrong_segment_descriptor_length_is_refused)
{
    VscsiXcopyLimits l = limits();
    VscsiXcopy x = example(), out;
    uint8_t buf[ROOM];
    size_t len = vscsi_xcopy_encode(buf, sizeof(buf), &x);

    /* short ones leave a rest that is counted and refused as segments */
    for (unsigned n = 0; n <= UINT16_MAX; n++) {
        uint32_t code;

        stw_be_p(buf + 82, n);
        code = result(buf, len, &l, &out);
        if (n == 0x18) {
            ck_assert_uint_eq(code, 0);
        } else {
            ck_assert(code == 0x052600 || code == 0x052608);
        }
    }
}
END_TEST

START_TEST(a_long_designator_is_refused)
{
    VscsiXcopyLimits l = limits();
    VscsiXcopy x = example(), out;
    uint8_t buf[ROOM];
    size_t len = vscsi_xcopy_encode(buf, sizeof(buf), &x);

    for (unsigned n = 0; n < 256; n++) {
        buf[16 + 7] = n;
        ck_assert_uint_eq(result(buf, len, &l, &out),
                          n <= 20 ? 0 : 0x052600);
    }
}
END_TEST

START_TEST(list_id_usage_rules)
{
    static const struct {
        uint8_t usage, id;
        bool snlid;
        uint32_t code;
    } cases[] = {
        { 0, 1, true, 0 },
        { 1, 1, true, 0x052600 },
        { 2, 1, true, 0 },
        { 3, 0, true, 0 },
        { 3, 1, true, 0x052600 },
        { 3, 0, false, 0x052600 },
        { 0, 0, false, 0 },
    };
    VscsiXcopyLimits l = limits();
    VscsiXcopy x = example(), out;
    uint8_t buf[ROOM];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t len;

        x.usage = cases[i].usage;
        x.list_id = cases[i].id;
        l.snlid = cases[i].snlid;
        len = vscsi_xcopy_encode(buf, sizeof(buf), &x);
        ck_assert_uint_eq(result(buf, len, &l, &out), cases[i].code);
    }
}
END_TEST

START_TEST(inline_data_beyond_the_maximum_is_refused)
{
    VscsiXcopyLimits l = limits();
    VscsiXcopy x = example(), out;
    const uint8_t inline_data[1] = { 1 };
    uint8_t buf[ROOM];
    size_t len;

    x.inline_len = 1;
    x.inline_data = inline_data;
    len = vscsi_xcopy_encode(buf, sizeof(buf), &x);
    ck_assert_uint_eq(result(buf, len, &l, &out), 0x05260b);
}
END_TEST

START_TEST(reserved_lu_id_type_and_reserved_bytes_are_ignored)
{
    VscsiXcopyLimits l = limits();
    VscsiXcopy x = example(), out;
    uint8_t buf[ROOM];
    size_t len = vscsi_xcopy_encode(buf, sizeof(buf), &x);

    buf[4] = buf[5] = buf[6] = buf[7] = 0xff;
    buf[1] |= 0xc0;
    buf[16 + 1] = 0xc0;
    buf[16 + 2] = buf[16 + 3] = 0xff;
    buf[16 + 6] = 0xff;
    buf[80 + 1] |= 0xfc;
    buf[80 + 8] = buf[80 + 9] = 0xff;
    ck_assert_uint_eq(result(buf, len, &l, &out), 0);
    ck_assert_uint_eq(out.cscd[0].lu_id_type, 3);
    ck_assert(vscsi_designator_equal(&out.cscd[0].designator,
                                     &x.cscd[0].designator));
    ck_assert_uint_eq(out.segment[0].blocks, 0x800);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire-xcopy");
    TCase *tc = unit_case(suite, "layout");

    tcase_add_test(tc, list_is_laid_out_as_the_standard_says);
    tcase_add_test(tc, list_survives_encode_and_decode);
    tcase_add_test(tc, each_bit_field_of_a_cscd_stands_alone);
    tcase_add_test(tc, each_bit_of_the_header_and_a_segment_stands_alone);
    tcase_add_test(tc, errors_point_at_the_field);
    tcase_add_test(tc, too_many_descriptors_point_at_their_list_length);
    tcase_add_test(tc, length_zero_is_good_and_nothing_else);
    tcase_add_test(tc, a_header_alone_copies_nothing);
    tcase_add_test(tc, reserved_lu_id_type_and_reserved_bytes_are_ignored);

    tc = unit_case(suite, "lengths");
    tcase_add_test(tc, every_truncation_is_a_parameter_list_length_error);
    tcase_add_test(tc, every_cscd_list_length);
    tcase_add_test(tc, every_segment_list_length);
    tcase_add_test(tc, segment_lengths_near_four_gib_do_not_wrap);
    tcase_add_test(tc, every_wrong_segment_descriptor_length_is_refused);
    tcase_add_test(tc, a_long_designator_is_refused);
    tcase_add_test(tc, inline_data_beyond_the_maximum_is_refused);

    tc = unit_case(suite, "limits");
    tcase_add_test(tc, one_descriptor_too_many_is_told_from_a_list_too_long);
    tcase_add_test(tc, the_largest_limits_still_have_a_bound);
    tcase_add_test(tc, list_length_formula_leaves_room_for_one_too_many);
    tcase_add_test(tc, other_cscd_types_are_unsupported);
    tcase_add_test(tc, other_segment_types_are_unsupported);
    tcase_add_test(tc, list_id_usage_rules);
    return unit_run(suite);
}
