/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VHDX log entries: made, checked, torn.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "unit.h"
#include "vhdx-log-fixture.h"

#define LOG_LENGTH (1024 * 1024)

/* ---- lengths ---- */

START_TEST(log_entry_length_of_any_contents)
{
    for (uint32_t pages = 0; pages < 400; pages += 1 + pages / 130) {
        for (uint32_t zeros = 0; zeros < 400; zeros++) {
            uint32_t n = pages + zeros;
            /* 126 in the first sector, 128 in each further one */
            uint32_t heads = n <= 126 ? 1 : 1 + (n - 126 + 127) / 128;

            ck_assert_uint_eq(vhdx_log_entry_length(pages, zeros),
                              (heads + pages) * SECTOR);
            ck_assert_uint_eq(vhdx_log_descriptor_sectors(n), heads);
        }
    }
    ck_assert_uint_eq(vhdx_log_entry_length(UINT32_MAX, UINT32_MAX),
                      (((1ULL << 33) - 2 - 126 + 127) / 128 + 1 +
                       UINT32_MAX) * SECTOR);
}
END_TEST

START_TEST(log_pages_max_is_what_fits)
{
    for (uint32_t sectors = 0; sectors < 3000; sectors++) {
        uint32_t pages = 0;

        while (vhdx_log_entry_length(pages + 1, 0) <= sectors * SECTOR) {
            pages++;
        }
        ck_assert_uint_eq(vhdx_log_pages_max(sectors * SECTOR), pages);
        ck_assert_uint_eq(vhdx_log_pages_max(sectors * SECTOR + 4095), pages);
    }
    /* 1 MiB, nothing live, one sector spare: 2 + 253 + 1. */
    ck_assert_uint_eq(vhdx_log_pages_max(LOG_LENGTH - SECTOR), 253);
    ck_assert_uint_gt(vhdx_log_pages_max(UINT32_MAX), 1000000);
}
END_TEST

/* ---- both ways ---- */

static const struct {
    uint32_t pages, zeros;
} shapes[] = {
    { 0, 0 }, { 1, 0 }, { 0, 1 }, { 3, 2 }, { 126, 0 }, { 127, 0 },
    { 126, 1 }, { 0, 126 }, { 0, 127 }, { 100, 154 }, { 100, 155 },
    { 253, 0 }, { 1, 600 },
};

/* Decode the entry at the start of @ring and compare it with @updates. */
static void entry_compare(const uint8_t *ring, const VhdxLogHeader *want,
                          const VhdxLogUpdate *updates, uint32_t n)
{
    VhdxLogHeader header;
    VhdxError err = { 0 };
    uint32_t data;
    uint8_t page[VHDX_PAGE];

    ck_assert_msg(log_entry_valid(ring, LOG_LENGTH, 0, &header, &err),
                  "code %d", err.code);
    ck_assert_uint_eq(header.sequence, want->sequence);
    ck_assert_uint_eq(header.tail, want->tail);
    ck_assert_uint_eq(header.descriptor_count, n);
    ck_assert_uint_eq(header.flushed_file_offset, want->flushed_file_offset);
    ck_assert_uint_eq(header.last_file_offset, want->last_file_offset);
    data = vhdx_log_descriptor_sectors(n);
    for (uint32_t i = 0; i < n; i++) {
        VhdxLogDescriptor desc;

        ck_assert(vhdx_log_descriptor_decode(
                      ring + vhdx_log_descriptor_sector(i) * SECTOR, 0, i,
                      header.sequence, &desc, NULL));
        ck_assert_uint_eq(desc.offset, updates[i].offset);
        ck_assert_int_eq(desc.zero, !updates[i].page);
        if (desc.zero) {
            ck_assert_uint_eq(desc.zero_length, updates[i].zero_length);
        } else {
            ck_assert(vhdx_log_page_decode(ring + data++ * SECTOR, 0,
                                           header.sequence, &desc, page,
                                           NULL));
            ck_assert_mem_eq(page, updates[i].page, VHDX_PAGE);
        }
    }
    ck_assert_uint_eq(data * SECTOR, header.entry_length);
}

START_TEST(log_entry_both_ways)
{
    GRand *rand = g_rand_new_with_seed(unit_seed("log_entry"));
    uint32_t pages = shapes[_i].pages, n = pages + shapes[_i].zeros, left;
    VhdxLogUpdate *updates = g_new0(VhdxLogUpdate, n + 1);
    uint8_t *content = g_malloc((pages + 1) * VHDX_PAGE);
    uint8_t *ring = malloc(LOG_LENGTH);
    VhdxLogHeader header = log_header(0x1122334455667788, 8 * SECTOR);

    unit_fill(rand, content, (pages + 1) * VHDX_PAGE);
    unit_fill(rand, ring, LOG_LENGTH);
    left = pages;
    for (uint32_t i = 0; i < n; i++) {
        bool page = left && (n - i == left || g_rand_boolean(rand));

        updates[i].offset = (uint64_t)g_rand_int(rand) * VHDX_PAGE;
        updates[i].zero_length = (uint64_t)g_rand_int(rand) * VHDX_PAGE;
        updates[i].page = page ? content + --left * VHDX_PAGE : NULL;
    }
    log_put(ring, LOG_LENGTH, 0, &header, updates, n);
    entry_compare(ring, &header, updates, n);
    g_free(updates);
    g_free(content);
    free(ring);
    g_rand_free(rand);
}
END_TEST

START_TEST(log_entry_bytes)
{
    uint8_t *ring = calloc(1, LOG_LENGTH);
    uint8_t page[VHDX_PAGE];
    VhdxLogUpdate updates[] = {
        { 0x123456000, page, 0 }, { 0x789000, NULL, 0x5000 },
    };
    VhdxLogHeader header = log_header(0x1122334455667788, 3 * SECTOR);

    for (unsigned i = 0; i < sizeof(page); i++) {
        page[i] = i ^ i >> 8;
    }
    ck_assert_uint_eq(log_put(ring, LOG_LENGTH, 0, &header, updates, 2),
                      2 * SECTOR);
    ck_assert_mem_eq(ring, "loge", 4);
    ck_assert_uint_eq(ldl_le_p(ring + 8), 2 * SECTOR);
    ck_assert_uint_eq(ldl_le_p(ring + 12), 3 * SECTOR);
    ck_assert_uint_eq(ldq_le_p(ring + 16), 0x1122334455667788);
    ck_assert_uint_eq(ldl_le_p(ring + 24), 2);
    ck_assert_uint_eq(ldl_le_p(ring + 28), 0);
    ck_assert_mem_eq(ring + 32, header.log_guid.bytes, GUID_LEN);
    ck_assert_uint_eq(ldq_le_p(ring + 48), 20 * VHDX_MIB);
    ck_assert_uint_eq(ldq_le_p(ring + 56), 24 * VHDX_MIB);
    ck_assert_mem_eq(ring + 64, "desc", 4);
    ck_assert_mem_eq(ring + 68, page + 4092, 4);
    ck_assert_mem_eq(ring + 72, page, 8);
    ck_assert_uint_eq(ldq_le_p(ring + 80), 0x123456000);
    ck_assert_uint_eq(ldq_le_p(ring + 88), 0x1122334455667788);
    ck_assert_mem_eq(ring + 96, "zero\0\0\0\0", 8);
    ck_assert_uint_eq(ldq_le_p(ring + 104), 0x5000);
    ck_assert_uint_eq(ldq_le_p(ring + 112), 0x789000);
    ck_assert_mem_eq(ring + 4096, "data\x44\x33\x22\x11", 8);
    ck_assert_mem_eq(ring + 4104, page + 8, 4084);
    ck_assert_uint_eq((uint32_t)ldl_le_p(ring + 8188), 0x55667788);
    free(ring);
}
END_TEST

/* ---- each rule of validity ---- */

static void entry_sum(uint8_t *ring, uint32_t length)
{
    stl_le_p(ring + 4, vhdx_checksum(ring, length, 4));
}

/* A field of a plain entry (2 pages, 1 zero range), then the checksum. */
static const struct {
    const char *name;
    unsigned at, size;
    uint64_t value;
    int code;
} checks[] = {
    { "nothing", 28, 4, 0, 0 },
    { "reserved is ignored", 28, 4, 1, 0 },
    { "reserved of a zero descriptor is ignored", 132, 4, 1, 0 },
    { "signature", 0, 4, 0, VHDX_ERR_SIGNATURE },
    { "LogGuid", 32, 4, 0, VHDX_ERR_MISMATCH },
    { "sequence 0", 16, 8, 0, VHDX_ERR_ZERO },
    { "sequence other", 16, 8, 8, VHDX_ERR_MISMATCH },
    { "length 0", 8, 4, 0, VHDX_ERR_TOO_SMALL },
    { "length unaligned", 8, 4, 3 * SECTOR + 512, VHDX_ERR_ALIGNMENT },
    { "length short", 8, 4, 2 * SECTOR, VHDX_ERR_MISMATCH },
    { "length long", 8, 4, 4 * SECTOR, VHDX_ERR_MISMATCH },
    { "length of the log", 8, 4, LOG_LENGTH, VHDX_ERR_MISMATCH },
    { "length above the log", 8, 4, LOG_LENGTH + SECTOR,
      VHDX_ERR_TOO_LARGE },
    { "length max", 8, 4, 0xfffff000, VHDX_ERR_TOO_LARGE },
    { "tail unaligned", 12, 4, 512, VHDX_ERR_ALIGNMENT },
    { "tail last", 12, 4, LOG_LENGTH - SECTOR, 0 },
    { "tail past the log", 12, 4, LOG_LENGTH, VHDX_ERR_BEYOND },
    { "no descriptors", 24, 4, 0, VHDX_ERR_MISMATCH },
    { "fewer descriptors", 24, 4, 1, VHDX_ERR_MISMATCH },
    { "zero range not counted", 24, 4, 2, 0 },
    { "more descriptors", 24, 4, 4, VHDX_ERR_SIGNATURE },
    { "descriptors past the entry", 24, 4, 500, VHDX_ERR_TOO_SMALL },
    { "descriptors max", 24, 4, UINT32_MAX, VHDX_ERR_TOO_SMALL },
    { "descriptor signature", 64, 4, 0, VHDX_ERR_SIGNATURE },
    { "descriptor sequence", 88, 8, 8, VHDX_ERR_MISMATCH },
    { "zero descriptor sequence", 152, 8, 8, VHDX_ERR_MISMATCH },
    { "data to zero", 64, 4, 0x6f72657a, VHDX_ERR_MISMATCH },
    { "data signature", SECTOR, 4, 0, VHDX_ERR_SIGNATURE },
    { "data sequence high", SECTOR + 4, 4, 1, VHDX_ERR_MISMATCH },
    { "data sequence low", 2 * SECTOR - 4, 4, 8, VHDX_ERR_MISMATCH },
    { "second data sector", 2 * SECTOR, 4, 0, VHDX_ERR_SIGNATURE },
};

START_TEST(log_entry_check_table)
{
    uint8_t *ring = calloc(1, LOG_LENGTH);
    VhdxLogHeader header = log_header(7, 0);
    VhdxError err = { 0 };
    bool ok;

    log_put_plain(ring, LOG_LENGTH, 0, &header, 2, 1);
    switch (checks[_i].size) {
    case 4:
        stl_le_p(ring + checks[_i].at, checks[_i].value);
        break;
    default:
        stq_le_p(ring + checks[_i].at, checks[_i].value);
    }
    entry_sum(ring, 3 * SECTOR);
    ok = log_entry_valid(ring, LOG_LENGTH, 0, &header, &err);
    ck_assert_msg(vhdx_result(ok, &err) == checks[_i].code,
                  "%s: code %d, not %d", checks[_i].name, err.code,
                  checks[_i].code);
    free(ring);
}
END_TEST

START_TEST(log_entry_of_one_flipped_bit_is_invalid)
{
    uint8_t *ring = calloc(1, LOG_LENGTH);
    VhdxLogHeader header = log_header(7, 0), found;

    log_put_plain(ring, LOG_LENGTH, 0, &header, 2, 1);
    for (size_t bit = 0; bit < 8 * 3 * SECTOR; bit += bit < 2048 ? 1 : 37) {
        ring[bit / 8] ^= 1 << bit % 8;
        ck_assert_msg(!log_entry_valid(ring, LOG_LENGTH, 0, &found, NULL),
                      "bit %zu", bit);
        ring[bit / 8] ^= 1 << bit % 8;
    }
    ck_assert(log_entry_valid(ring, LOG_LENGTH, 0, &found, NULL));
    free(ring);
}
END_TEST

START_TEST(log_entry_cut_at_the_end_of_what_is_there)
{
    /* Without its last sectors, whatever is there instead. */
    uint8_t *ring = calloc(1, LOG_LENGTH), *torn = malloc(LOG_LENGTH);
    VhdxLogHeader header = log_header(7, 0), found;
    uint32_t bytes = log_put_plain(ring, LOG_LENGTH, 0, &header, 130, 3);

    for (uint32_t keep = 0; keep < bytes; keep += SECTOR) {
        memset(torn, keep % 3 ? 0 : 0xff, LOG_LENGTH);
        memcpy(torn, ring, keep);
        ck_assert(!log_entry_valid(torn, LOG_LENGTH, 0, &found, NULL));
    }
    free(ring);
    free(torn);
}
END_TEST

/*
 * A new entry over an older one of the same shape and log, torn: of pieces
 * of @piece bytes some are new, some old.  Only all new, or all old, is valid.
 */
START_TEST(log_entry_torn_in_any_order_is_old_new_or_invalid)
{
    static const uint32_t pieces[] = { 512, 4096 };
    GRand *rand = g_rand_new_with_seed(unit_seed("log_torn"));
    uint8_t *old = calloc(1, LOG_LENGTH), *new = calloc(1, LOG_LENGTH);
    uint8_t *torn = calloc(1, LOG_LENGTH);
    VhdxLogHeader header, found;
    uint32_t bytes, piece = pieces[_i % 2], n;

    header = log_header(7, 0);
    log_put_plain(old, LOG_LENGTH, 0, &header, 3, 1);
    header = log_header(_i < 2 ? 8 : 7 + (1ULL << 32), 0);
    bytes = log_put_plain(new, LOG_LENGTH, 0, &header, 3, 1);
    n = bytes / piece;
    for (unsigned round = 0; round < 3000; round++) {
        bool all_new = true, all_old = true, valid;

        for (uint32_t i = 0; i < n; i++) {
            /* First all prefixes and suffixes and single pieces. */
            bool take = round < n ? i < round
                      : round < 2 * n ? i >= round - n
                      : round < 3 * n ? i == round - 2 * n
                      : round < 4 * n ? i != round - 3 * n
                      : g_rand_boolean(rand);

            memcpy(torn + i * piece, (take ? new : old) + i * piece, piece);
        }
        all_new = !memcmp(torn, new, bytes);
        all_old = !memcmp(torn, old, bytes);
        valid = log_entry_valid(torn, LOG_LENGTH, 0, &found, NULL);
        ck_assert_int_eq(valid, all_new || all_old);
        if (valid) {
            ck_assert_uint_eq(found.sequence,
                              all_new ? header.sequence : 7);
        }
    }
    g_rand_free(rand);
    free(old);
    free(new);
    free(torn);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vhdx-log");
    TCase *tc = unit_case(suite, "length");

    tcase_add_test(tc, log_entry_length_of_any_contents);
    tcase_add_test(tc, log_pages_max_is_what_fits);
    tc = unit_case(suite, "entry");
    tcase_add_loop_test(tc, log_entry_both_ways, 0, ARRAY_SIZE(shapes));
    tcase_add_test(tc, log_entry_bytes);
    tcase_add_loop_test(tc, log_entry_check_table, 0, ARRAY_SIZE(checks));
    tc = unit_case(suite, "torn");
    tcase_add_test(tc, log_entry_of_one_flipped_bit_is_invalid);
    tcase_add_test(tc, log_entry_cut_at_the_end_of_what_is_there);
    tcase_add_loop_test(tc,
                        log_entry_torn_in_any_order_is_old_new_or_invalid, 0,
                        4);
    return unit_run(suite);
}
