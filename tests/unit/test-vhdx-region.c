/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VHDX region tables, and the layout of a file.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "unit.h"
#include "vhdx-fixture.h"

#define TABLE VHDX_REGION_TABLE_LEN
#define AT VHDX_REGION_TABLE_1

/* BAT, metadata, and an optional region that nobody knows. */
static void table_plain(uint8_t *buf)
{
    VhdxRegion region[3] = {
        { vhdx_region_bat, 3 * VHDX_MIB, 2 * VHDX_MIB, 1 },
        { vhdx_test_guid(7), 6 * VHDX_MIB, VHDX_MIB, 0 },
        { vhdx_region_metadata, 2 * VHDX_MIB, VHDX_MIB, 1 },
    };
    VhdxRegionTable table = { .region = region, .n = 3 };

    vhdx_region_table_encode(buf, &table);
}

static void table_sum(uint8_t *buf)
{
    stl_le_p(buf + 4, vhdx_checksum(buf, TABLE, 4));
}

static bool table_decode(const uint8_t *buf, size_t len, VhdxError *err)
{
    VhdxRegionTable table;
    bool ok = vhdx_region_table_decode(buf, len, AT, &table, err);

    if (ok) {
        vhdx_region_table_destroy(&table);
    }
    return ok;
}

START_TEST(region_table_both_ways)
{
    uint8_t *buf = malloc(TABLE), *again = malloc(TABLE);
    VhdxRegionTable table;

    table_plain(buf);
    ck_assert_mem_eq(buf, "regi", 4);
    ck_assert_uint_eq(buf[8], 3);
    ck_assert_uint_eq(buf[16], 0x66);
    ck_assert_uint_eq(buf[16 + 16 + 2], 0x30);
    ck_assert_uint_eq(buf[16 + 24 + 2], 0x20);
    ck_assert_uint_eq(buf[16 + 28], 1);
    ck_assert(vhdx_region_table_decode(buf, TABLE, AT, &table, NULL));
    ck_assert_uint_eq(table.n, 3);
    ck_assert_uint_eq(table.bat, 0);
    ck_assert_uint_eq(table.metadata, 2);
    ck_assert_uint_eq(table.region[1].offset, 6 * VHDX_MIB);
    ck_assert_uint_eq(table.region[1].length, VHDX_MIB);
    ck_assert_uint_eq(table.region[1].flags, 0);
    memset(again, 0xff, TABLE);
    vhdx_region_table_encode(again, &table);
    ck_assert_mem_eq(buf, again, TABLE);
    vhdx_region_table_destroy(&table);
    free(buf);
    free(again);
}
END_TEST

START_TEST(region_table_full)
{
    uint8_t *buf = malloc(TABLE);
    VhdxRegionTable table = { .n = VHDX_REGIONS_MAX }, back;
    VhdxError err = { 0 };

    table.region = g_new0(VhdxRegion, table.n);
    for (unsigned i = 0; i < table.n; i++) {
        table.region[i] = (VhdxRegion) {
            i == 5 ? vhdx_region_bat : i == 2046 ? vhdx_region_metadata
                                     : vhdx_test_guid(i + 1000),
            (i + 1) * VHDX_MIB, VHDX_MIB, 0,
        };
    }
    vhdx_region_table_encode(buf, &table);
    ck_assert(vhdx_region_table_decode(buf, TABLE, AT, &back, NULL));
    ck_assert_uint_eq(back.n, VHDX_REGIONS_MAX);
    ck_assert_uint_eq(back.bat, 5);
    ck_assert_uint_eq(back.metadata, 2046);
    vhdx_region_table_destroy(&back);
    stl_le_p(buf + 8, VHDX_REGIONS_MAX + 1);
    table_sum(buf);
    vhdx_assert_refused("count", table_decode(buf, TABLE, &err), &err,
                        VHDX_ERR_TOO_LARGE, AT + 8);
    stl_le_p(buf + 8, UINT32_MAX);
    table_sum(buf);
    vhdx_assert_refused("count", table_decode(buf, TABLE, &err), &err,
                        VHDX_ERR_TOO_LARGE, AT + 8);
    g_free(table.region);
    free(buf);
}
END_TEST

/* A change of one field of the plain table, whose checksum is then mended. */
static const struct {
    const char *name;
    unsigned at;
    unsigned size;
    uint64_t value;
    int code;
    unsigned err_at;
} region_checks[] = {
#define E(i) (16 + 32 * (i))
    { "nothing", 12, 4, 0, 0, 0 },
    { "reserved is ignored", 12, 4, 1, 0, 0 },
    { "not required", E(0) + 28, 4, 0, 0, 0 },
    { "reserved flags are kept", E(1) + 28, 4, 0xfffffffe, 0, 0 },
    { "unknown required", E(1) + 28, 4, 1, VHDX_ERR_UNKNOWN_REQUIRED, E(1) },
    { "unknown required 2", E(1) + 28, 4, 3, VHDX_ERR_UNKNOWN_REQUIRED,
      E(1) },
    { "offset 0", E(0) + 16, 8, 0, VHDX_ERR_TOO_SMALL, E(0) + 16 },
    { "offset unaligned", E(0) + 16, 8, VHDX_MIB * 3 / 2,
      VHDX_ERR_ALIGNMENT, E(0) + 16 },
    { "offset of an unknown one", E(1) + 16, 8, 0, VHDX_ERR_TOO_SMALL,
      E(1) + 16 },
    { "offset overflows", E(0) + 16, 8, 0xfffffffffff00000,
      VHDX_ERR_TOO_LARGE, E(0) + 16 },
    { "offset 2^63", E(0) + 16, 8, 1ULL << 63, VHDX_ERR_TOO_LARGE,
      E(0) + 16 },
    { "length 0", E(2) + 24, 4, 0, VHDX_ERR_ZERO, E(2) + 24 },
    { "length unaligned", E(2) + 24, 4, VHDX_MIB + 1, VHDX_ERR_ALIGNMENT,
      E(2) + 24 },
    { "length max", E(2) + 24, 4, 0xfff00000, 0, 0 },
    { "no BAT", E(0), 1, 0, VHDX_ERR_MISSING, 0 },
    { "no metadata", 8, 4, 2, VHDX_ERR_MISSING, 0 },
    { "no region", 8, 4, 0, VHDX_ERR_MISSING, 0 },
    { "zero GUIDs at the end", 8, 4, 4, VHDX_ERR_TOO_SMALL, E(3) + 16 },
#undef E
};

START_TEST(region_check_table)
{
    uint8_t *buf = malloc(TABLE);
    uint8_t *p = buf + region_checks[_i].at;
    VhdxError err = { 0 };
    bool ok;

    table_plain(buf);
    switch (region_checks[_i].size) {
    case 1:
        *p = region_checks[_i].value;
        /* Whoever has BAT flags is unknown now: must not be required. */
        stl_le_p(buf + 16 + 28, 0);
        break;
    case 4:
        stl_le_p(p, region_checks[_i].value);
        break;
    default:
        stq_le_p(p, region_checks[_i].value);
    }
    table_sum(buf);
    ok = table_decode(buf, TABLE, &err);
    if (region_checks[_i].code) {
        vhdx_assert_refused(region_checks[_i].name, ok, &err,
                            region_checks[_i].code,
                            AT + region_checks[_i].err_at);
    } else {
        ck_assert_msg(ok, "%s: refused", region_checks[_i].name);
    }
    free(buf);
}
END_TEST

START_TEST(region_flags_nobody_knows_are_kept)
{
    uint8_t *buf = malloc(TABLE), *again = malloc(TABLE);
    VhdxRegionTable table;

    table_plain(buf);
    stl_le_p(buf + 16 + 28, 0xfffffffe);
    stl_le_p(buf + 16 + 32 + 28, 0x80000000);
    table_sum(buf);
    ck_assert(vhdx_region_table_decode(buf, TABLE, AT, &table, NULL));
    vhdx_region_table_encode(again, &table);
    ck_assert_mem_eq(buf, again, TABLE);
    vhdx_region_table_destroy(&table);
    free(buf);
    free(again);
}
END_TEST

START_TEST(region_guid_twice_is_refused)
{
    uint8_t *buf = malloc(TABLE);

    for (unsigned copy = 1; copy < 3; copy++) {
        VhdxError err = { 0 };

        table_plain(buf);
        memcpy(buf + 16 + 32 * copy, buf + 16, GUID_LEN);
        table_sum(buf);
        vhdx_assert_refused("twice", table_decode(buf, TABLE, &err), &err,
                            VHDX_ERR_DUPLICATE, AT + 16 + 32 * copy);
        ck_assert(err.guid_valid && guid_equal(&err.guid, &vhdx_region_bat));
    }
    free(buf);
}
END_TEST

START_TEST(region_table_of_one_flipped_bit_is_refused)
{
    uint8_t *buf = malloc(TABLE);

    table_plain(buf);
    for (size_t bit = 0; bit < 8 * TABLE; bit += bit < 1024 ? 1 : 4099) {
        VhdxError err = { 0 };

        buf[bit / 8] ^= 1 << bit % 8;
        vhdx_assert_refused("flip", table_decode(buf, TABLE, &err), &err,
                            bit < 32 ? VHDX_ERR_SIGNATURE
                                     : VHDX_ERR_CHECKSUM, AT);
        buf[bit / 8] ^= 1 << bit % 8;
    }
    free(buf);
}
END_TEST

START_TEST(region_table_cut_off_is_refused)
{
    uint8_t *buf = malloc(TABLE);

    table_plain(buf);
    for (size_t len = 0; len < TABLE; len += len < 300 ? 1 : 3001) {
        uint8_t *exact = unit_exact(buf, len);
        VhdxError err = { 0 };

        vhdx_assert_refused("cut", table_decode(exact, len, &err), &err,
                            VHDX_ERR_TRUNCATED, AT);
        free(exact);
    }
    free(buf);
}
END_TEST

/* Every flip with the checksum mended: refused by name, or legal. */
START_TEST(region_table_with_any_bit_changed_on_purpose)
{
    uint8_t *buf = malloc(TABLE);
    unsigned refused = 0;

    table_plain(buf);
    for (size_t bit = 8 * 8; bit < 8 * (16 + 3 * 32); bit++) {
        VhdxError err = { 0 };

        buf[bit / 8] ^= 1 << bit % 8;
        table_sum(buf);
        refused += vhdx_result(table_decode(buf, TABLE, &err), &err) != 0;
        buf[bit / 8] ^= 1 << bit % 8;
    }
    ck_assert_uint_gt(refused, 300);
    free(buf);
}
END_TEST

/* ---- the two copies ---- */

typedef enum Harm { NONE, SUM, SIGNATURE, CUT, OTHER, BAD } Harm;

static const struct {
    Harm harm[2];
    int state;                  /* -1: refused with code */
    int code;
} copies[] = {
    { { NONE, NONE }, VHDX_TABLES_EQUAL, 0 },
    { { NONE, SUM }, VHDX_TABLES_ONLY_1, 0 },
    { { NONE, SIGNATURE }, VHDX_TABLES_ONLY_1, 0 },
    { { NONE, CUT }, VHDX_TABLES_ONLY_1, 0 },
    { { SUM, NONE }, VHDX_TABLES_ONLY_2, 0 },
    { { SIGNATURE, NONE }, VHDX_TABLES_ONLY_2, 0 },
    { { CUT, NONE }, VHDX_TABLES_ONLY_2, 0 },
    { { SUM, SIGNATURE }, -1, VHDX_ERR_CHECKSUM },
    { { SIGNATURE, SUM }, -1, VHDX_ERR_SIGNATURE },
    { { CUT, CUT }, -1, VHDX_ERR_TRUNCATED },
    { { NONE, OTHER }, VHDX_TABLES_DIFFER, 0 },
    { { OTHER, NONE }, VHDX_TABLES_DIFFER, 0 },
    { { NONE, BAD }, VHDX_TABLES_DIFFER, 0 },
    { { BAD, NONE }, -1, VHDX_ERR_UNKNOWN_REQUIRED },
    { { SUM, BAD }, -1, VHDX_ERR_UNKNOWN_REQUIRED },
};

static size_t table_harm(uint8_t *buf, Harm harm)
{
    table_plain(buf);
    switch (harm) {
    case SUM:
        buf[TABLE - 1] ^= 1;
        break;
    case SIGNATURE:
        buf[0] ^= 1;
        break;
    case OTHER:
        stq_le_p(buf + 16 + 16, 8 * VHDX_MIB);
        table_sum(buf);
        break;
    case BAD:
        stl_le_p(buf + 16 + 32 + 28, 1);
        table_sum(buf);
        break;
    default:
        break;
    }
    return harm == CUT ? TABLE - 1 : TABLE;
}

START_TEST(region_tables_choice)
{
    uint8_t *buf[2] = { malloc(TABLE), malloc(TABLE) };
    size_t len[2];
    VhdxRegionTable table;
    VhdxRegionTablesState state;
    VhdxError err = { 0 };
    bool ok;

    for (unsigned i = 0; i < 2; i++) {
        len[i] = table_harm(buf[i], copies[_i].harm[i]);
    }
    ok = vhdx_region_tables_choose(buf[0], len[0], buf[1], len[1], &table,
                                   &state, &err);
    ck_assert_int_eq(vhdx_result(ok, &err), copies[_i].code);
    if (ok) {
        bool other = copies[_i].harm[0] == OTHER;

        ck_assert_int_eq((int)state, copies[_i].state);
        ck_assert_uint_eq(table.region[table.bat].offset,
                          (other ? 8 : 3) * VHDX_MIB);
        vhdx_region_table_destroy(&table);
    }
    free(buf[0]);
    free(buf[1]);
}
END_TEST

/* ---- layout ---- */

static VhdxHeader header_log(uint64_t offset, uint32_t length)
{
    return (VhdxHeader) { .log_offset = offset, .log_length = length };
}

static const struct {
    const char *name;
    unsigned log, log_len, bat, bat_len, other;     /* MiB */
    uint64_t file_size;
    int code;
} layouts[] = {
    { "plain", 1, 1, 3, 2, 6, 7 * VHDX_MIB, 0 },
    { "no log", 2, 0, 3, 2, 6, 7 * VHDX_MIB, 0 },
    { "size unknown", 1, 1, 3, 2, 6, UINT64_MAX, 0 },
    { "log over metadata", 1, 2, 3, 2, 6, 9 * VHDX_MIB, VHDX_ERR_OVERLAP },
    { "log in BAT", 4, 1, 3, 2, 6, 9 * VHDX_MIB, VHDX_ERR_OVERLAP },
    { "log in headers", 0, 1, 3, 2, 6, 9 * VHDX_MIB, VHDX_ERR_OVERLAP },
    { "BAT over unknown", 1, 1, 3, 4, 6, 9 * VHDX_MIB, VHDX_ERR_OVERLAP },
    { "BAT around unknown", 1, 1, 3, 5, 6, 9 * VHDX_MIB, VHDX_ERR_OVERLAP },
    { "unknown in log", 8, 4, 3, 2, 9, 99 * VHDX_MIB, VHDX_ERR_OVERLAP },
    { "unknown past the end", 1, 1, 3, 2, 6, 7 * VHDX_MIB - 1,
      VHDX_ERR_BEYOND },
    { "BAT past the end", 1, 1, 8, 2, 6, 8 * VHDX_MIB, VHDX_ERR_BEYOND },
};

START_TEST(layout_of_a_file)
{
    VhdxRegion region[3] = {
        { vhdx_region_bat, layouts[_i].bat * VHDX_MIB,
          layouts[_i].bat_len * VHDX_MIB, 1 },
        { vhdx_test_guid(7), layouts[_i].other * VHDX_MIB, VHDX_MIB, 0 },
        { vhdx_region_metadata, 2 * VHDX_MIB, VHDX_MIB, 1 },
    };
    VhdxRegionTable table = { region, 3, 0, 2 };
    VhdxHeader header = header_log(layouts[_i].log * VHDX_MIB,
                                   layouts[_i].log_len * VHDX_MIB);
    VhdxLayout layout;
    VhdxError err = { 0 };
    bool ok = vhdx_layout_init_file(&layout, &header, &table,
                                    layouts[_i].file_size, &err);

    ck_assert_msg(vhdx_result(ok, &err) == layouts[_i].code, "%s: code %d",
                  layouts[_i].name, err.code);
    if (ok) {
        ck_assert_uint_eq(layout.n, layouts[_i].log_len ? 5 : 4);
        vhdx_layout_destroy(&layout);
    }
}
END_TEST

START_TEST(layout_names_both_sides_of_an_overlap)
{
    VhdxLayout layout;
    VhdxError err = { 0 };

    vhdx_layout_init(&layout);
    ck_assert(vhdx_layout_add(&layout, "log", 4 * VHDX_MIB, VHDX_MIB, NULL));
    ck_assert(vhdx_layout_check(&layout, "block", 3 * VHDX_MIB, VHDX_MIB,
                                NULL));
    ck_assert(vhdx_layout_check(&layout, "block", 5 * VHDX_MIB, VHDX_MIB,
                                NULL));
    vhdx_assert_refused("log", vhdx_layout_check(&layout, "block",
                        3 * VHDX_MIB, 2 * VHDX_MIB, &err), &err,
                        VHDX_ERR_OVERLAP, 3 * VHDX_MIB);
    ck_assert_str_eq(err.field, "log");
    ck_assert_uint_eq(err.value, 4 * VHDX_MIB);
    vhdx_assert_refused("header", vhdx_layout_check(&layout, "block",
                        0, 512, &err), &err, VHDX_ERR_OVERLAP, 0);
    vhdx_assert_refused("overflow", vhdx_layout_check(&layout, "block",
                        UINT64_MAX - 5, 7, &err), &err, VHDX_ERR_TOO_LARGE,
                        UINT64_MAX - 5);
    ck_assert(vhdx_layout_check(&layout, "block", 4 * VHDX_MIB, 0, NULL));
    vhdx_layout_destroy(&layout);
}
END_TEST

START_TEST(layout_like_a_map_of_bytes)
{
    GRand *rand = g_rand_new_with_seed(unit_seed("layout"));

    for (unsigned round = 0; round < 200; round++) {
        uint8_t map[256] = { 0 };
        VhdxLayout layout = { 0 };

        for (unsigned i = 0; i < 60; i++) {
            unsigned from = g_rand_int_range(rand, 0, 240);
            unsigned len = g_rand_int_range(rand, 0, 12);
            bool free_ = true, ok;

            for (unsigned j = 0; j < len; j++) {
                free_ &= !map[from + j];
            }
            ok = vhdx_layout_check(&layout, "x", from, len, NULL);
            ck_assert_int_eq(ok, free_);
            ck_assert_int_eq(vhdx_layout_add(&layout, "x", from, len, NULL),
                             free_);
            memset(map + from, map[from] | free_, ok ? len : 0);
        }
        for (unsigned i = 1; i < layout.n; i++) {
            ck_assert_uint_le(layout.extent[i - 1].offset +
                              layout.extent[i - 1].length,
                              layout.extent[i].offset);
        }
        vhdx_layout_destroy(&layout);
    }
    g_rand_free(rand);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vhdx-region");
    TCase *tc = unit_case(suite, "table");

    tcase_add_test(tc, region_table_both_ways);
    tcase_add_test(tc, region_table_full);
    tcase_add_loop_test(tc, region_check_table, 0,
                        ARRAY_SIZE(region_checks));
    tcase_add_test(tc, region_flags_nobody_knows_are_kept);
    tcase_add_test(tc, region_guid_twice_is_refused);
    tcase_add_test(tc, region_table_of_one_flipped_bit_is_refused);
    tcase_add_test(tc, region_table_cut_off_is_refused);
    tcase_add_test(tc, region_table_with_any_bit_changed_on_purpose);
    tcase_add_loop_test(tc, region_tables_choice, 0, ARRAY_SIZE(copies));
    tc = unit_case(suite, "layout");
    tcase_add_loop_test(tc, layout_of_a_file, 0, ARRAY_SIZE(layouts));
    tcase_add_test(tc, layout_names_both_sides_of_an_overlap);
    tcase_add_test(tc, layout_like_a_map_of_bytes);
    return unit_run(suite);
}
