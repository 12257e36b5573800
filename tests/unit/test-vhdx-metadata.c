/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VHDX metadata region: table and fixed items.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "unit.h"
#include "block/vhdx/format-metadata.h"
#include "vhdx-fixture.h"

#define TABLE VHDX_METADATA_TABLE_LEN
#define AT (2 * VHDX_MIB)
#define REGION (2 * VHDX_MIB)
/* Where entry @i of the table is. */
#define E(i) (32 + 32 * (i))

static VhdxParams params_plain(void)
{
    return (VhdxParams) {
        .block_size = 32 * VHDX_MIB,
        .disk_size = 10 * 1024 * VHDX_MIB,
        .disk_id = vhdx_test_guid(4),
        .logical_sector = 512,
        .physical_sector = 4096,
    };
}

/* Add an entry behind the others. */
static void table_add(uint8_t *buf, Guid id, uint32_t offset, uint32_t length,
                      uint32_t flags)
{
    unsigned n = lduw_le_p(buf + 10);
    uint8_t *p = buf + E(n);

    guid_store(p, &id);
    stl_le_p(p + 16, offset);
    stl_le_p(p + 20, length);
    stl_le_p(p + 24, flags);
    stl_le_p(p + 28, 0x12345678);
    stw_le_p(buf + 10, n + 1);
}

/* The five items (entries 0 to 4), a system and a user item of one id. */
static void table_plain(uint8_t *buf)
{
    VhdxParams params = params_plain();
    size_t len;
    g_autofree uint8_t *image = vhdx_metadata_create(&params, NULL, 0, REGION,
                                                     &len, NULL);

    ck_assert_ptr_nonnull(image);
    memcpy(buf, image, TABLE);
    table_add(buf, vhdx_test_guid(70), 100000, 5000, VHDX_ITEM_IS_DISK);
    table_add(buf, vhdx_test_guid(70), 90000, 10000, VHDX_ITEM_IS_USER);
}

static bool table_decode(const uint8_t *buf, size_t len, VhdxError *err)
{
    VhdxMetadataTable table;
    bool ok = vhdx_metadata_decode(buf, len, AT, REGION, &table, err);

    if (ok) {
        vhdx_metadata_destroy(&table);
    }
    return ok;
}

START_TEST(metadata_region_both_ways)
{
    VhdxParams params = params_plain(), back = { 0 };
    size_t len;
    g_autofree uint8_t *image = NULL;
    VhdxMetadataTable table;
    VhdxGeometry geo;

    params.leave_allocated = true;
    params.has_parent = true;
    image = vhdx_metadata_create(&params, (const uint8_t *)"locator", 7,
                                 VHDX_MIB, &len, NULL);
    ck_assert_ptr_nonnull(image);
    ck_assert(vhdx_metadata_decode(image, len, AT, VHDX_MIB, &table, NULL));
    ck_assert_uint_eq(table.n, 6);
    for (unsigned kind = 0; kind < VHDX_ITEM_PARENT_LOCATOR; kind++) {
        const VhdxItem *item = vhdx_metadata_find(&table, kind);
        uint8_t *exact = unit_exact(image + item->offset, item->length);

        ck_assert(vhdx_params_decode(&back, kind, exact, item->length, 0,
                                     NULL));
        free(exact);
    }
    ck_assert_uint_eq(back.block_size, params.block_size);
    ck_assert(back.leave_allocated && back.has_parent);
    ck_assert_uint_eq(back.disk_size, params.disk_size);
    vhdx_assert_guid_eq(&back.disk_id, &params.disk_id);
    ck_assert_uint_eq(back.logical_sector, 512);
    ck_assert_uint_eq(back.physical_sector, 4096);
    ck_assert_mem_eq(image + vhdx_metadata_find(&table,
                     VHDX_ITEM_PARENT_LOCATOR)->offset, "locator", 7);
    ck_assert(vhdx_params_check(&back, &table, AT, &geo, NULL));
    ck_assert_uint_eq(geo.payload_count, 320);
    vhdx_metadata_destroy(&table);
}
END_TEST

/* Flags as MS-VHDX prescribes them, for each item. */
START_TEST(metadata_items_are_made_with_their_flags)
{
    static const struct {
        VhdxItemKind kind;
        uint32_t flags, length;
    } want[] = {
        { VHDX_ITEM_FILE_PARAMETERS, 4, 8 }, { VHDX_ITEM_DISK_SIZE, 6, 8 },
        { VHDX_ITEM_DISK_ID, 6, 16 }, { VHDX_ITEM_LOGICAL_SECTOR, 6, 4 },
        { VHDX_ITEM_PHYSICAL_SECTOR, 6, 4 },
        { VHDX_ITEM_PARENT_LOCATOR, 4, 9 },
    };
    VhdxParams params = params_plain();
    size_t len;
    g_autofree uint8_t *image =
        vhdx_metadata_create(&params, (const uint8_t *)"123456789", 9,
                             VHDX_MIB, &len, NULL);
    VhdxMetadataTable table;

    ck_assert(vhdx_metadata_decode(image, len, AT, VHDX_MIB, &table, NULL));
    for (unsigned i = 0; i < ARRAY_SIZE(want); i++) {
        const VhdxItem *item = vhdx_metadata_find(&table, want[i].kind);

        ck_assert_uint_eq(item->flags, want[i].flags);
        ck_assert_uint_eq(item->length, want[i].length);
    }
    vhdx_metadata_destroy(&table);
}
END_TEST

START_TEST(metadata_unknown_items_are_kept_byte_for_byte)
{
    uint8_t *buf = malloc(TABLE), *again = malloc(TABLE);
    VhdxMetadataTable table;

    table_plain(buf);
    ck_assert(vhdx_metadata_decode(buf, TABLE, AT, REGION, &table, NULL));
    ck_assert_uint_eq(table.n, 7);
    ck_assert_ptr_null(vhdx_metadata_find(&table, VHDX_ITEM_PARENT_LOCATOR));
    memset(again, 0xff, TABLE);
    vhdx_metadata_encode(again, &table);
    ck_assert_mem_eq(buf, again, TABLE);
    /* Also when a known item comes and goes. */
    ck_assert(vhdx_metadata_place(&table, VHDX_ITEM_PARENT_LOCATOR, 99,
                                  REGION, NULL));
    vhdx_metadata_remove(&table, VHDX_ITEM_PARENT_LOCATOR);
    vhdx_metadata_encode(again, &table);
    ck_assert_mem_eq(buf, again, TABLE);
    vhdx_metadata_destroy(&table);
    free(buf);
    free(again);
}
END_TEST

static const struct {
    const char *name;
    unsigned at;
    uint32_t value;             /* 32 bits, but for EntryCount */
    int code;
    unsigned err_at;
} checks[] = {
    { "nothing", 12, 0, 0, 0 },
    { "reserved is ignored", 12, 1, 0, 0 },
    { "too many entries", 10, 2048, VHDX_ERR_TOO_LARGE, 10 },
    { "all bits of the count", 10, 65535, VHDX_ERR_TOO_LARGE, 10 },
    { "item missing", 10, 4, VHDX_ERR_MISSING, 0 },
    { "no items", 10, 0, VHDX_ERR_MISSING, 0 },
    { "zero id", 10, 8, VHDX_ERR_ZERO, E(7) },
    { "reserved flag", E(5) + 24, 8, VHDX_ERR_RESERVED, E(5) + 24 },
    { "reserved flag of a known", E(0) + 24, 0x80000004, VHDX_ERR_RESERVED,
      E(0) + 24 },
    { "required not set on a known", E(0) + 24, 0, 0, 0 },
    { "unknown required", E(5) + 24, 4, VHDX_ERR_UNKNOWN_REQUIRED, E(5) },
    { "user required", E(6) + 24, 5, VHDX_ERR_UNKNOWN_REQUIRED, E(6) },
    { "known id as a user's", E(1) + 24, 1, VHDX_ERR_MISSING, 0 },
    { "twice", E(6) + 24, 0, VHDX_ERR_DUPLICATE, 0 },
    { "offset in the table", E(5) + 16, 65535, VHDX_ERR_TOO_SMALL,
      E(5) + 16 },
    { "offset 0", E(5) + 16, 0, VHDX_ERR_TOO_SMALL, E(5) + 16 },
    { "offset past the region", E(5) + 16, REGION, VHDX_ERR_BEYOND,
      E(5) + 16 },
    { "to the region's end", E(5) + 16, REGION - 5000, 0, 0 },
    { "past the region's end", E(5) + 16, REGION - 4999, VHDX_ERR_BEYOND,
      E(5) + 16 },
    { "offset + length overflow", E(5) + 16, 0xffffffff, VHDX_ERR_BEYOND,
      E(5) + 16 },
    { "length 1 MiB", E(5) + 20, VHDX_MIB, 0, 0 },
    { "length above 1 MiB", E(5) + 20, VHDX_MIB + 1, VHDX_ERR_TOO_LARGE,
      E(5) + 20 },
    { "length max", E(5) + 20, 0xffffffff, VHDX_ERR_TOO_LARGE, E(5) + 20 },
    { "length 0, offset not", E(5) + 20, 0, VHDX_ERR_NOT_ZERO, E(5) + 16 },
    { "overlap", E(5) + 16, 99999, VHDX_ERR_OVERLAP, E(5) + 16 },
    { "overlap of known", E(5) + 16, 65536, VHDX_ERR_OVERLAP, 0 },
    { "contained", E(5) + 16, 91000, VHDX_ERR_OVERLAP, E(5) + 16 },
    { "length of file parameters", E(0) + 20, 4, VHDX_ERR_MISMATCH,
      E(0) + 20 },
    { "length of disk size", E(1) + 20, 16, VHDX_ERR_MISMATCH, E(1) + 20 },
    { "length of disk id", E(2) + 20, 15, VHDX_ERR_MISMATCH, E(2) + 20 },
    { "length of logical sector", E(3) + 20, 8, VHDX_ERR_MISMATCH,
      E(3) + 20 },
    { "length of physical sector", E(4) + 20, 2, VHDX_ERR_MISMATCH,
      E(4) + 20 },
};

START_TEST(metadata_check_table)
{
    const char *name = checks[_i].name;
    uint8_t *buf = malloc(TABLE);
    VhdxError err = { 0 };
    bool ok;

    table_plain(buf);
    if (checks[_i].at == 10) {
        stw_le_p(buf + 10, checks[_i].value);
    } else {
        stl_le_p(buf + checks[_i].at, checks[_i].value);
    }
    ok = table_decode(buf, TABLE, &err);
    if (!checks[_i].code) {
        ck_assert_msg(ok, "%s: refused, code %d", name, err.code);
    } else if (checks[_i].err_at || checks[_i].code == VHDX_ERR_MISSING) {
        vhdx_assert_refused(name, ok, &err, checks[_i].code,
                            AT + checks[_i].err_at);
    } else {
        /* Which of the two is named depends on the order of sorting. */
        ck_assert_msg(vhdx_result(ok, &err) == checks[_i].code, "%s: %d",
                      name, err.code);
    }
    free(buf);
}
END_TEST

START_TEST(metadata_incomplete_file_is_refused)
{
    const Guid incomplete = GUID_INIT(0x71cc85f0, 0x1b69, 0x4e28, 0x95, 0x58,
                                      0xc3, 0xbf, 0x83, 0xae, 0x75, 0xd3);
    uint8_t *buf = malloc(TABLE);
    VhdxError err = { 0 };

    table_plain(buf);
    table_add(buf, incomplete, 0, 0, VHDX_ITEM_IS_REQUIRED);
    vhdx_assert_refused("incomplete", table_decode(buf, TABLE, &err), &err,
                        VHDX_ERR_INCOMPLETE, AT + E(7));
    free(buf);
}
END_TEST

START_TEST(metadata_empty_items_may_share_their_place)
{
    uint8_t *buf = malloc(TABLE);

    table_plain(buf);
    table_add(buf, vhdx_test_guid(71), 0, 0, 0);
    table_add(buf, vhdx_test_guid(72), 0, 0, VHDX_ITEM_IS_USER);
    ck_assert(table_decode(buf, TABLE, NULL));
    free(buf);
}
END_TEST

START_TEST(metadata_1024_user_items_and_no_more)
{
    uint8_t *buf = malloc(TABLE);
    VhdxError err = { 0 };

    table_plain(buf);
    for (unsigned i = 1; i < VHDX_USER_ITEMS_MAX; i++) {
        table_add(buf, vhdx_test_guid(1000 + i), 0, 0, VHDX_ITEM_IS_USER);
    }
    ck_assert(table_decode(buf, TABLE, NULL));
    table_add(buf, vhdx_test_guid(999), 0, 0, VHDX_ITEM_IS_USER);
    vhdx_assert_refused("users", table_decode(buf, TABLE, &err), &err,
                        VHDX_ERR_TOO_LARGE, AT);
    free(buf);
}
END_TEST

START_TEST(metadata_table_can_be_full)
{
    uint8_t *buf = malloc(TABLE);
    VhdxMetadataTable table;

    table_plain(buf);
    while (lduw_le_p(buf + 10) < VHDX_ITEMS_MAX) {
        table_add(buf, vhdx_test_guid(5000 + lduw_le_p(buf + 10)), 0, 0, 0);
    }
    ck_assert(vhdx_metadata_decode(buf, TABLE, AT, REGION, &table, NULL));
    ck_assert_uint_eq(table.n, VHDX_ITEMS_MAX);
    ck_assert(!vhdx_metadata_place(&table, VHDX_ITEM_PARENT_LOCATOR, 8,
                                   REGION, NULL));
    vhdx_metadata_destroy(&table);
    free(buf);
}
END_TEST

START_TEST(metadata_table_cut_off_or_of_wrong_signature_is_refused)
{
    uint8_t *buf = malloc(TABLE);
    VhdxError err = { 0 };

    table_plain(buf);
    for (size_t len = 0; len < TABLE; len += len < 300 ? 1 : 3001) {
        uint8_t *exact = unit_exact(buf, len);

        vhdx_assert_refused("cut", table_decode(exact, len, &err), &err,
                            VHDX_ERR_TRUNCATED, AT);
        free(exact);
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        buf[bit / 8] ^= 1 << bit % 8;
        vhdx_assert_refused("signature", table_decode(buf, TABLE, &err),
                            &err, VHDX_ERR_SIGNATURE, AT);
        buf[bit / 8] ^= 1 << bit % 8;
    }
    free(buf);
}
END_TEST

/* The table has no checksum: each flip is refused by name, or legal. */
START_TEST(metadata_table_with_any_bit_changed)
{
    uint8_t *buf = malloc(TABLE), *again = malloc(TABLE);
    unsigned refused = 0;

    table_plain(buf);
    for (size_t bit = 8 * 8; bit < 8 * E(8); bit++) {
        VhdxMetadataTable table;
        VhdxError err = { 0 };

        buf[bit / 8] ^= 1 << bit % 8;
        if (vhdx_metadata_decode(buf, TABLE, AT, REGION, &table, &err)) {
            vhdx_metadata_encode(again, &table);
            ck_assert_mem_eq(buf + 32, again + 32,
                             32 * lduw_le_p(buf + 10));
            vhdx_metadata_destroy(&table);
        } else {
            ck_assert_int_ne(err.code, 0);
            refused++;
        }
        buf[bit / 8] ^= 1 << bit % 8;
    }
    ck_assert_uint_gt(refused, 800);
    free(buf);
    free(again);
}
END_TEST

/* ---- places ---- */

START_TEST(metadata_place_keeps_items_disjoint)
{
    GRand *rand = g_rand_new_with_seed(unit_seed("metadata_place"));
    uint8_t *buf = malloc(TABLE);

    for (unsigned round = 0; round < 100; round++) {
        VhdxMetadataTable table;
        unsigned refused = 0;

        table_plain(buf);
        ck_assert(vhdx_metadata_decode(buf, TABLE, AT, REGION, &table, NULL));
        for (unsigned i = 0; i < 40; i++) {
            VhdxItemKind kind = VHDX_ITEM_PARENT_LOCATOR;
            VhdxError err = { 0 };
            uint32_t length = 1 + g_rand_int_range(rand, 0, 1300000);

            if (g_rand_int_range(rand, 0, 4) == 0) {
                vhdx_metadata_remove(&table, kind);
                ck_assert_ptr_null(vhdx_metadata_find(&table, kind));
            } else if (vhdx_metadata_place(&table, kind, length, REGION,
                                           &err)) {
                ck_assert_uint_eq(vhdx_metadata_find(&table, kind)->length,
                                  length);
            } else {
                ck_assert_uint_gt(length, VHDX_ITEM_LEN_MAX);
                refused++;
            }
            vhdx_metadata_encode(buf, &table);
            ck_assert_msg(table_decode(buf, TABLE, &err), "code %d",
                          err.code);
        }
        ck_assert_uint_gt(refused, 0);
        vhdx_metadata_destroy(&table);
    }
    g_rand_free(rand);
    free(buf);
}
END_TEST

START_TEST(metadata_place_uses_gaps_and_refuses_a_full_region)
{
    uint8_t *buf = malloc(TABLE);
    VhdxMetadataTable table;
    VhdxItemKind kind = VHDX_ITEM_PARENT_LOCATOR;
    VhdxError err = { 0 };

    table_plain(buf);
    ck_assert(vhdx_metadata_decode(buf, TABLE, AT, REGION, &table, NULL));
    /* Between the five and the user's item at 90000. */
    ck_assert(vhdx_metadata_place(&table, kind, 20000, REGION, NULL));
    ck_assert_uint_lt(vhdx_metadata_find(&table, kind)->offset, 90000);
    /* Behind the last, which ends at 105000. */
    ck_assert(vhdx_metadata_place(&table, kind, 30000, 140000, NULL));
    ck_assert_uint_eq(vhdx_metadata_find(&table, kind)->offset, 105000);
    /* Its own place may be part of the new one. */
    ck_assert(vhdx_metadata_place(&table, kind, 35000, 140000, NULL));
    ck_assert_uint_eq(vhdx_metadata_find(&table, kind)->offset, 105000);
    ck_assert(!vhdx_metadata_place(&table, kind, 35001, 140000, &err));
    ck_assert_int_eq(err.code, VHDX_ERR_BEYOND);
    ck_assert_uint_eq(vhdx_metadata_find(&table, kind)->length, 35000);
    vhdx_metadata_destroy(&table);
    free(buf);
}
END_TEST

START_TEST(metadata_remove_keeps_track_of_the_items_behind)
{
    VhdxParams params = params_plain();
    size_t len;
    g_autofree uint8_t *image =
        vhdx_metadata_create(&params, (const uint8_t *)"123456789", 9,
                             VHDX_MIB, &len, NULL);
    VhdxMetadataTable table;
    VhdxItem first, last;
    uint8_t swap[32];

    ck_assert(vhdx_metadata_decode(image, len, AT, VHDX_MIB, &table, NULL));
    first = table.item[0];
    last = table.item[5];
    vhdx_metadata_destroy(&table);
    /* The locator comes first now, the file parameters last. */
    memcpy(swap, image + E(0), 32);
    memcpy(image + E(0), image + E(5), 32);
    memcpy(image + E(5), swap, 32);
    ck_assert(vhdx_metadata_decode(image, len, AT, VHDX_MIB, &table, NULL));
    ck_assert(guid_equal(&table.item[0].id, &last.id));
    vhdx_metadata_remove(&table, VHDX_ITEM_PARENT_LOCATOR);
    ck_assert_uint_eq(table.n, 5);
    ck_assert(guid_equal(&vhdx_metadata_find(&table,
                         VHDX_ITEM_FILE_PARAMETERS)->id, &first.id));
    ck_assert_uint_eq(vhdx_metadata_find(&table, VHDX_ITEM_DISK_ID)->length,
                      16);
    vhdx_metadata_destroy(&table);
}
END_TEST

START_TEST(metadata_create_refuses_what_does_not_fit)
{
    VhdxParams params = params_plain();
    g_autofree uint8_t *big = g_malloc0(VHDX_MIB + 1);
    size_t len;
    VhdxError err = { 0 };

    ck_assert_ptr_null(vhdx_metadata_create(&params, big, VHDX_MIB, VHDX_MIB,
                                            &len, &err));
    ck_assert_int_eq(err.code, VHDX_ERR_BEYOND);
    ck_assert_ptr_null(vhdx_metadata_create(&params, big, VHDX_MIB + 1,
                                            4 * VHDX_MIB, &len, &err));
    ck_assert_int_eq(err.code, VHDX_ERR_TOO_LARGE);
    ck_assert_ptr_null(vhdx_metadata_create(&params, NULL, 0, 65536, &len,
                                            &err));
    ck_assert_int_eq(err.code, VHDX_ERR_BEYOND);
}
END_TEST

/* ---- items ---- */

static const struct {
    const char *name;
    VhdxItemKind kind;
    uint64_t value;
    int code;
    unsigned err_at;
} item_checks[] = {
    { "fixed", VHDX_ITEM_FILE_PARAMETERS, 1ULL << 32 | 1 << 20, 0, 0 },
    { "parent", VHDX_ITEM_FILE_PARAMETERS, 2ULL << 32 | 1 << 20, 0, 0 },
    { "reserved", VHDX_ITEM_FILE_PARAMETERS, 4ULL << 32 | 1 << 20,
      VHDX_ERR_RESERVED, 4 },
    { "reserved high", VHDX_ITEM_FILE_PARAMETERS, 1ULL << 63 | 1 << 20,
      VHDX_ERR_RESERVED, 4 },
    { "sector 0", VHDX_ITEM_LOGICAL_SECTOR, 0, VHDX_ERR_BAD_VALUE, 0 },
    { "sector 1024", VHDX_ITEM_LOGICAL_SECTOR, 1024, VHDX_ERR_BAD_VALUE, 0 },
    { "sector 4096", VHDX_ITEM_LOGICAL_SECTOR, 4096, 0, 0 },
    { "physical 512", VHDX_ITEM_PHYSICAL_SECTOR, 512, 0, 0 },
    { "physical 8192", VHDX_ITEM_PHYSICAL_SECTOR, 8192, VHDX_ERR_BAD_VALUE,
      0 },
    { "physical high", VHDX_ITEM_PHYSICAL_SECTOR, 0x80000200,
      VHDX_ERR_BAD_VALUE, 0 },
};

START_TEST(params_decode_table)
{
    uint8_t buf[16] = { 0 };
    VhdxParams params;
    VhdxError err = { 0 };
    bool ok;

    stq_le_p(buf, item_checks[_i].value);
    ok = vhdx_params_decode(&params, item_checks[_i].kind, buf, 16, AT, &err);
    if (item_checks[_i].code) {
        vhdx_assert_refused(item_checks[_i].name, ok, &err,
                            item_checks[_i].code, AT + item_checks[_i].err_at);
    } else {
        ck_assert_msg(ok, "%s", item_checks[_i].name);
    }
}
END_TEST

START_TEST(params_cut_off_are_refused)
{
    static const size_t lengths[] = { 8, 8, 16, 4, 4 };
    VhdxParams params = params_plain();

    for (unsigned kind = 0; kind < VHDX_ITEM_PARENT_LOCATOR; kind++) {
        uint8_t buf[VHDX_ITEM_FIXED_MAX];

        ck_assert_uint_eq(vhdx_params_encode(&params, kind, buf),
                          lengths[kind]);
        for (size_t len = 0; len <= lengths[kind]; len++) {
            uint8_t *exact = unit_exact(buf, len);
            VhdxError err = { 0 };
            bool ok = vhdx_params_decode(&params, kind, exact, len, AT, &err);

            ck_assert_int_eq(vhdx_result(ok, &err), len < lengths[kind]
                             ? VHDX_ERR_TRUNCATED : VHDX_ERR_NONE);
            free(exact);
        }
    }
}
END_TEST

START_TEST(params_locator_is_there_exactly_if_there_is_a_parent)
{
    for (unsigned i = 0; i < 4; i++) {
        VhdxParams params = params_plain();
        VhdxMetadataTable table;
        VhdxGeometry geo;
        VhdxError err = { 0 };
        bool ok;

        vhdx_metadata_init(&table);
        params.has_parent = i & 1;
        if (i & 2) {
            ck_assert(vhdx_metadata_place(&table, VHDX_ITEM_PARENT_LOCATOR,
                                          100, REGION, NULL));
        }
        ok = vhdx_params_check(&params, &table, AT, &geo, &err);
        ck_assert_int_eq(vhdx_result(ok, &err),
                         i == 1 ? VHDX_ERR_MISSING
                         : i == 2 ? VHDX_ERR_UNEXPECTED : VHDX_ERR_NONE);
        vhdx_metadata_destroy(&table);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vhdx-metadata");
    TCase *tc = unit_case(suite, "table");

    tcase_add_test(tc, metadata_region_both_ways);
    tcase_add_test(tc, metadata_items_are_made_with_their_flags);
    tcase_add_test(tc, metadata_unknown_items_are_kept_byte_for_byte);
    tcase_add_loop_test(tc, metadata_check_table, 0, ARRAY_SIZE(checks));
    tcase_add_test(tc, metadata_incomplete_file_is_refused);
    tcase_add_test(tc, metadata_empty_items_may_share_their_place);
    tcase_add_test(tc, metadata_1024_user_items_and_no_more);
    tcase_add_test(tc, metadata_table_can_be_full);
    tcase_add_test(tc,
                   metadata_table_cut_off_or_of_wrong_signature_is_refused);
    tcase_add_test(tc, metadata_table_with_any_bit_changed);
    tc = unit_case(suite, "place");
    tcase_add_test(tc, metadata_place_keeps_items_disjoint);
    tcase_add_test(tc, metadata_place_uses_gaps_and_refuses_a_full_region);
    tcase_add_test(tc, metadata_remove_keeps_track_of_the_items_behind);
    tcase_add_test(tc, metadata_create_refuses_what_does_not_fit);
    tc = unit_case(suite, "items");
    tcase_add_loop_test(tc, params_decode_table, 0, ARRAY_SIZE(item_checks));
    tcase_add_test(tc, params_cut_off_are_refused);
    tcase_add_test(tc, params_locator_is_there_exactly_if_there_is_a_parent);
    return unit_run(suite);
}
