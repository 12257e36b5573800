/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Garbage into every decoder.  Valid structures are mutated (bits turned,
 * bytes overwritten with interesting values, cut, lengthened) and pure
 * noise is added; the sanitizers watch the memory, the test watches what
 * the decoders promise: the bounds of every number they let through.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/vscsi/wire.h"
#include "unit.h"

#define ROUNDS 30000
#define ROOM 2048

static const uint32_t pit_types[] = {
    VSCSI_ROD_PIT_DEFAULT, VSCSI_ROD_PIT_VULNERABLE,
};

static VscsiLimits random_limits(GRand *rand)
{
    static const uint64_t interesting[] = {
        0, 1, 8, 1000, UINT32_MAX, 1ULL << 32, UINT64_MAX / 512,
        UINT64_MAX - 1, UINT64_MAX,
    };
#define PICK() interesting[g_rand_int_range(rand, 0, ARRAY_SIZE(interesting))]
    return (VscsiLimits) {
        .capacity_blocks = PICK(),
        .block_size = 512u << g_rand_int_range(rand, 0, 4),
        .max_ranges = g_rand_int_range(rand, 0, 400),
        .max_token_blocks = PICK(),
        .max_rod_bytes = PICK(),
        .max_range_bytes = PICK(),
        .max_inactivity_s = PICK(),
        .default_inactivity_s = 30,
        .rod_types = pit_types,
        .n_rod_types = ARRAY_SIZE(pit_types),
    };
#undef PICK
}

/*
 * A mutation of @len bytes of @buf (room for ROOM), as a heap block of
 * exactly *out_len bytes.
 */
static uint8_t *mutate(GRand *rand, const uint8_t *buf, size_t len,
                       size_t *out_len)
{
    static const uint8_t interesting[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
    uint8_t work[ROOM] = { 0 };
    int steps = g_rand_int_range(rand, 0, 6);
    uint8_t *exact;

    memcpy(work, buf, len);
    if (g_rand_int_range(rand, 0, 4) == 0) {
        len = g_rand_int_range(rand, 0, MIN(len + 64, ROOM) + 1);
    }
    if (g_rand_int_range(rand, 0, 20) == 0) {
        unit_fill(rand, work, len);
    }
    /* Half of the changes hit the header, where the lengths are. */
    for (int i = 0; len && i < steps; i++) {
        size_t at = g_rand_boolean(rand)
            ? (size_t)g_rand_int_range(rand, 0, MIN(len, 40))
            : (size_t)g_rand_int_range(rand, 0, len);

        switch (g_rand_int_range(rand, 0, 3)) {
        case 0:
            work[at] ^= 1 << g_rand_int_range(rand, 0, 8);
            break;
        case 1:
            work[at] = interesting[g_rand_int_range(rand, 0, 5)];
            break;
        default:
            work[at] = g_rand_int(rand);
            break;
        }
    }
    exact = unit_exact(work, len);
    *out_len = len;
    return exact;
}

static void check_sense(const VscsiSense *err)
{
    uint8_t raw[VSCSI_SENSE_FIXED_LEN];

    ck_assert_uint_eq(err->key, VSCSI_KEY_ILLEGAL_REQUEST);
    ck_assert_ptr_nonnull(vscsi_sense_name(vscsi_sense_code(err)));
    vscsi_sense_encode_fixed(err, raw);
}

/* Everything that VscsiRangeList promises. */
static void check_ranges(const VscsiRangeList *list, const VscsiLimits *l)
{
    uint64_t sum = 0, bytes;

    ck_assert_uint_le(list->n, VSCSI_RANGES_MAX);
    ck_assert(!l->max_ranges || list->n <= l->max_ranges);
    for (unsigned i = 0; i < list->n; i++) {
        const VscsiRange *range = &list->range[i];

        ck_assert_uint_gt(range->blocks, 0);
        ck_assert_uint_le(range->blocks, UINT32_MAX);
        ck_assert_uint_lt(range->lba, l->capacity_blocks);
        ck_assert_uint_le(range->blocks, l->capacity_blocks - range->lba);
        ck_assert(!l->max_range_bytes ||
                  range->blocks * l->block_size <= l->max_range_bytes);
        sum += range->blocks;
        for (unsigned j = 0; j < i; j++) {
            const VscsiRange *other = &list->range[j];

            ck_assert(range->lba >= other->lba + other->blocks ||
                      other->lba >= range->lba + range->blocks);
        }
    }
    ck_assert_uint_eq(sum, list->blocks);
    ck_assert(!__builtin_mul_overflow(sum, l->block_size, &bytes));
    ck_assert(!l->max_token_blocks || sum <= l->max_token_blocks);
    ck_assert(!l->max_rod_bytes || bytes <= l->max_rod_bytes);
}

static VscsiRangeList random_ranges(GRand *rand)
{
    VscsiRangeList list = { .n = g_rand_int_range(rand, 0, 40) };

    for (unsigned i = 0; i < list.n; i++) {
        list.range[i].lba = i * 100;
        list.range[i].blocks = g_rand_int_range(rand, 0, 110);
    }
    return list;
}

START_TEST(populate_token_lists_keep_their_promises)
{
    GRand *rand = g_rand_new_with_seed(unit_seed(__func__));

    for (int i = 0; i < ROUNDS; i++) {
        VscsiLimits l = random_limits(rand);
        VscsiPt pt = {
            .immed = g_rand_boolean(rand), .rtv = g_rand_boolean(rand),
            .rod_type = pit_types[g_rand_boolean(rand)],
            .ranges = random_ranges(rand),
        };
        uint8_t buf[ROOM], *bad;
        VscsiSense err;
        size_t len = vscsi_pt_encode(buf, sizeof(buf), &pt);

        bad = mutate(rand, buf, len, &len);
        if (vscsi_pt_decode(bad, len, &l, &pt, &err)) {
            check_ranges(&pt.ranges, &l);
            ck_assert_int_eq(pt.empty, len == 0);
            ck_assert(!pt.rtv || pt.rod_type == pit_types[0] ||
                      pt.rod_type == pit_types[1]);
        } else {
            check_sense(&err);
        }
        free(bad);
    }
    g_rand_free(rand);
}
END_TEST

START_TEST(write_using_token_lists_keep_their_promises)
{
    GRand *rand = g_rand_new_with_seed(unit_seed(__func__));
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vscsi_rod_token_encode_zero(token);
    for (int i = 0; i < ROUNDS; i++) {
        VscsiLimits l = random_limits(rand);
        VscsiWut wut = { .token = token, .ranges = random_ranges(rand) };
        uint8_t buf[ROOM], *bad;
        VscsiSense err;
        size_t len = vscsi_wut_encode(buf, sizeof(buf), &wut);

        bad = mutate(rand, buf, len, &len);
        if (vscsi_wut_decode(bad, len, &l, &wut, &err)) {
            uint64_t bytes;

            check_ranges(&wut.ranges, &l);
            ck_assert(!__builtin_mul_overflow(wut.offset_blocks,
                                              l.block_size, &bytes));
            ck_assert_int_eq(wut.token == NULL, len == 0);
            if (wut.token) {
                VscsiRodToken decoded;

                vscsi_rod_token_decode(wut.token, &decoded, &err);
            }
        } else {
            check_sense(&err);
        }
        free(bad);
    }
    g_rand_free(rand);
}
END_TEST

START_TEST(extended_copy_lists_keep_their_promises)
{
    GRand *rand = g_rand_new_with_seed(unit_seed(__func__));
    VscsiXcopy *x = g_new0(VscsiXcopy, 1);

    for (int i = 0; i < ROUNDS; i++) {
        VscsiXcopyLimits l = {
            .snlid = g_rand_boolean(rand),
            .max_cscds = g_rand_int_range(rand, 0, 20),
            .max_segments = g_rand_int_range(rand, 0, 300),
            .max_list_length = g_rand_boolean(rand) ? UINT32_MAX : 600,
            .max_inline = g_rand_boolean(rand) ? UINT32_MAX : 0,
        };
        uint8_t buf[ROOM], *bad;
        VscsiSense err;
        size_t len;

        memset(x, 0, sizeof(*x));
        x->n_cscds = g_rand_int_range(rand, 0, 5);
        x->n_segments = g_rand_int_range(rand, 0, 12);
        for (unsigned s = 0; s < x->n_segments; s++) {
            x->segment[s].type = g_rand_boolean(rand) ? 0x02 : 0x0a;
        }
        len = vscsi_xcopy_encode(buf, sizeof(buf), x);
        bad = mutate(rand, buf, len, &len);
        if (vscsi_xcopy_decode(bad, len, &l, x, &err)) {
            ck_assert_uint_le(x->n_cscds, MIN(l.max_cscds,
                                              VSCSI_XCOPY_CSCDS_MAX));
            ck_assert_uint_le(x->n_segments, MIN(l.max_segments,
                                                 VSCSI_XCOPY_SEGMENTS_MAX));
            ck_assert_uint_le(x->inline_len, l.max_inline);
            for (unsigned c = 0; c < x->n_cscds; c++) {
                ck_assert_uint_le(x->cscd[c].designator.length,
                                  VSCSI_CSCD_DESIGNATOR_MAX);
            }
            if (x->inline_len) {
                ck_assert(x->inline_data >= bad &&
                          x->inline_len <= len &&
                          x->inline_data <= bad + len - x->inline_len);
            }
        } else {
            check_sense(&err);
        }
        free(bad);
    }
    g_free(x);
    g_rand_free(rand);
}
END_TEST

START_TEST(tokens_of_noise_keep_their_promises)
{
    GRand *rand = g_rand_new_with_seed(unit_seed(__func__));

    for (int i = 0; i < ROUNDS; i++) {
        VscsiRodToken token = {
            .creator = { .designator = { .length = 8 } },
            .target = { .length = 100 },
        };
        uint8_t *exact = malloc(VSCSI_ROD_TOKEN_LEN);
        uint8_t again[VSCSI_ROD_TOKEN_LEN];
        VscsiSense err;

        vscsi_rod_token_encode(&token, exact);
        for (int n = g_rand_int_range(rand, 0, 8); n; n--) {
            exact[g_rand_int_range(rand, 0, 140)] = g_rand_int(rand);
        }
        if (vscsi_rod_token_decode(exact, &token, &err)) {
            ck_assert_uint_le(token.creator.designator.length, 20);
            ck_assert_uint_le(token.target.length, 124);
            vscsi_rod_token_encode(&token, again);
            ck_assert(vscsi_rod_token_decode(again, &token, &err));
        } else {
            check_sense(&err);
        }
        vscsi_rod_token_is_zero(exact);
        free(exact);
    }
    g_rand_free(rand);
}
END_TEST

START_TEST(responses_of_noise_stay_inside_their_buffer)
{
    GRand *rand = g_rand_new_with_seed(unit_seed(__func__));
    uint8_t token[VSCSI_ROD_TOKEN_LEN];

    vscsi_rod_token_encode_zero(token);
    for (int i = 0; i < ROUNDS; i++) {
        VscsiCopyStatus status = {
            .state = 1 + g_rand_int_range(rand, 0, 4),
            .has_sense = g_rand_boolean(rand),
            .token = token,
        };
        uint8_t buf[ROOM], *bad;
        size_t len = vscsi_rrti_encode(buf, sizeof(buf), &status);

        bad = mutate(rand, buf, len, &len);
        if (vscsi_rrti_decode(bad, len, &status) && status.token) {
            ck_assert(status.token >= bad && len >= VSCSI_ROD_TOKEN_LEN &&
                      status.token <= bad + len - VSCSI_ROD_TOKEN_LEN);
        }
        vscsi_rcs4_decode(bad, len, &status);
        free(bad);
    }
    g_rand_free(rand);
}
END_TEST

START_TEST(pages_of_noise_are_read_within_bounds)
{
    GRand *rand = g_rand_new_with_seed(unit_seed(__func__));
    VscsiDiscovery d = {
        .features = VSCSI_FEATURE_ALL, .block_size = 512, .n_rod_types = 3,
    }, back;
    uint8_t page[ROOM];
    size_t full = vscsi_vpd_8f_encode(page, sizeof(page), &d);

    for (int i = 0; i < ROUNDS; i++) {
        size_t len;
        uint8_t *bad = mutate(rand, page, full, &len);
        uint8_t *copy = malloc(len + 1);

        if (vscsi_vpd_8f_decode(bad, len, &back)) {
            ck_assert_uint_le(back.n_rod_types,
                              VSCSI_DISCOVERY_ROD_TYPES_MAX);
        }
        memcpy(copy, bad, len);
        ck_assert_uint_le(vscsi_vpd_00_insert(copy, len, len + 1, 0x8f),
                          len + 1);
        free(copy);
        free(bad);
    }
    g_rand_free(rand);
}
END_TEST

START_TEST(cdbs_of_noise_are_decoded_or_refused)
{
    GRand *rand = g_rand_new_with_seed(unit_seed(__func__));

    for (int i = 0; i < ROUNDS; i++) {
        uint8_t *raw = malloc(VSCSI_CDB_LEN);
        VscsiOpcodeTable tables[] = {
            vscsi_opcodes_disk(), vscsi_opcodes_copy(g_rand_int(rand)),
        };
        VscsiRsocCdb rsoc;
        VscsiSense err;
        VscsiCdb cdb;

        unit_fill(rand, raw, VSCSI_CDB_LEN);
        raw[0] = 0x83 + g_rand_int_range(rand, 0, 2);
        if (vscsi_cdb_decode(raw, g_rand_int(rand), &cdb, &err)) {
            ck_assert_uint_lt(cdb.command, VSCSI_CMD__MAX);
            ck_assert_uint_le(cdb.group_number, 0x1f);
        } else {
            check_sense(&err);
        }
        raw[0] = 0xa3;
        if (g_rand_boolean(rand)) {
            raw[1] = 0x0c;
        }
        if (vscsi_rsoc_cdb_decode(raw, &rsoc, &err)) {
            size_t size = g_rand_int_range(rand, 0, 100), len;
            uint8_t *buf = malloc(size);

            if (!vscsi_rsoc_encode(buf, size, &rsoc, tables, 2, &len, &err)) {
                check_sense(&err);
            }
            free(buf);
        } else {
            check_sense(&err);
        }
        free(raw);
    }
    g_rand_free(rand);
}
END_TEST

START_TEST(sense_of_noise_is_decoded_or_refused)
{
    GRand *rand = g_rand_new_with_seed(unit_seed(__func__));

    for (int i = 0; i < ROUNDS; i++) {
        size_t len = g_rand_int_range(rand, 0, 40);
        uint8_t *raw = malloc(len);
        VscsiSense sense;

        unit_fill(rand, raw, len);
        if (len) {
            raw[0] = 0x70 | (raw[0] & 0x81);
        }
        if (vscsi_sense_decode_fixed(raw, len, &sense)) {
            uint8_t again[VSCSI_SENSE_FIXED_LEN];

            vscsi_sense_encode_fixed(&sense, again);
            vscsi_sense_name(vscsi_sense_code(&sense));
        }
        free(raw);
    }
    g_rand_free(rand);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire-garbage");
    TCase *tc = unit_case(suite, "garbage");

    tcase_add_test(tc, populate_token_lists_keep_their_promises);
    tcase_add_test(tc, write_using_token_lists_keep_their_promises);
    tcase_add_test(tc, extended_copy_lists_keep_their_promises);
    tcase_add_test(tc, tokens_of_noise_keep_their_promises);
    tcase_add_test(tc, responses_of_noise_stay_inside_their_buffer);
    tcase_add_test(tc, pages_of_noise_are_read_within_bounds);
    tcase_add_test(tc, cdbs_of_noise_are_decoded_or_refused);
    tcase_add_test(tc, sense_of_noise_is_decoded_or_refused);
    return unit_run(suite);
}
