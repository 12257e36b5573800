/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Parameter lists of POPULATE TOKEN and WRITE USING TOKEN (SBC-3 5.18,
 * 5.50) and the block device range descriptors that both end with.
 *
 * POPULATE TOKEN            WRITE USING TOKEN
 *   0-1   DATA LENGTH         0-1     DATA LENGTH
 *   2     RTV (1), IMMED (0)  2       DEL_TKN (1), IMMED (0)
 *   4-7   INACTIVITY TIMEOUT  8-15    OFFSET INTO ROD
 *   8-11  ROD TYPE            16-527  ROD TOKEN
 *   14-15 range list length   534-535 range list length
 *   16..  ranges              536..   ranges
 *
 * Range descriptor: 0-7 LBA, 8-11 NUMBER OF LOGICAL BLOCKS, 12-15 reserved.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/vscsi/wire.h"
#include "wire-out.h"

#define FLAG_IMMED 0x01
#define FLAG_RTV 0x02
#define FLAG_DEL_TKN 0x02

/* What follows the DATA LENGTH field when there is one range. */
#define PT_DATA_LENGTH_MIN 0x1e
#define WUT_DATA_LENGTH_MIN 0x226
/* WRITE USING TOKEN: from after DATA LENGTH to the ranges. */
#define WUT_DATA_LENGTH_FIXED 534

static bool param_error(VscsiSense *err, size_t byte, int bit)
{
    *err = vscsi_sense_param_field(VSCSI_SENSE_INVALID_FIELD_IN_PARAM, byte,
                                   bit);
    return false;
}

/* A descriptor of non-zero length against the limits of one descriptor. */
static bool range_check(const VscsiRange *range, size_t byte,
                        const VscsiLimits *limits, VscsiSense *err)
{
    uint64_t bytes = range->blocks * limits->block_size;

    if (range->lba >= limits->capacity_blocks ||
        range->blocks > limits->capacity_blocks - range->lba) {
        *err = vscsi_sense_param_field(VSCSI_SENSE_LBA_OUT_OF_RANGE, byte, -1);
        return false;
    }
    /* blocks has 32 bits and block_size too: bytes did not overflow. */
    if ((limits->max_range_bytes && bytes > limits->max_range_bytes) ||
        (limits->max_rod_bytes && bytes > limits->max_rod_bytes)) {
        return param_error(err, byte + 8, -1);
    }
    return true;
}

static bool ranges_sum_check(const VscsiRangeList *list, size_t byte,
                             const VscsiLimits *limits, VscsiSense *err)
{
    uint64_t max_blocks = UINT64_MAX / limits->block_size;

    if (limits->max_token_blocks) {
        max_blocks = MIN(max_blocks, limits->max_token_blocks);
    }
    if (limits->max_rod_bytes) {
        max_blocks = MIN(max_blocks,
                         limits->max_rod_bytes / limits->block_size);
    }
    return list->blocks <= max_blocks || param_error(err, byte, -1);
}

static bool ranges_overlap(const VscsiRange *a, const VscsiRange *b)
{
    return a->lba < b->lba + b->blocks && b->lba < a->lba + a->blocks;
}

/*
 * At most VSCSI_RANGES_MAX squared / 2 comparisons; sorting a copy would
 * cost more for the 64 that guests send.
 */
static bool ranges_disjoint(const VscsiRangeList *list)
{
    for (unsigned i = 1; i < list->n; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (ranges_overlap(&list->range[i], &list->range[j])) {
                return false;
            }
        }
    }
    return true;
}

bool vscsi_ranges_decode(const uint8_t *buf, size_t len, size_t offset,
                         uint16_t list_len, const VscsiLimits *limits,
                         VscsiRangeList *out, VscsiSense *err)
{
    size_t length_field = offset - sizeof(uint16_t);
    size_t there = len > offset ? len - offset : 0;
    size_t n = MIN(there, list_len) / VSCSI_RANGE_LEN;
    unsigned max = VSCSI_RANGES_MAX;

    out->n = 0;
    out->blocks = 0;
    if (n == 0) {
        return param_error(err, length_field, -1);
    }
    if (limits->max_ranges) {
        max = MIN(max, limits->max_ranges);
    }
    if (n > max) {
        *err = vscsi_sense_param_field(VSCSI_SENSE_TOO_MANY_SEGMENTS,
                                       length_field, -1);
        return false;
    }

    for (size_t i = 0; i < n; i++) {
        size_t byte = offset + i * VSCSI_RANGE_LEN;
        VscsiRange range = {
            .lba = ldq_be_p(buf + byte),
            .blocks = (uint32_t)ldl_be_p(buf + byte + 8),
        };

        if (range.blocks == 0) {
            continue;
        }
        if (!range_check(&range, byte, limits, err)) {
            return false;
        }
        out->blocks += range.blocks;
        out->range[out->n++] = range;
    }
    if (!ranges_sum_check(out, offset, limits, err)) {
        return false;
    }
    return ranges_disjoint(out) || param_error(err, offset, -1);
}

static bool rod_type_accepted(uint32_t type, const VscsiLimits *limits)
{
    for (unsigned i = 0; i < limits->n_rod_types; i++) {
        if (limits->rod_types[i] == type) {
            return true;
        }
    }
    return false;
}

bool vscsi_pt_decode(const uint8_t *buf, size_t len,
                     const VscsiLimits *limits, VscsiPt *out,
                     VscsiSense *err)
{
    out->empty = len == 0;
    out->immed = false;
    out->rtv = false;
    out->rod_type = VSCSI_ROD_PIT_DEFAULT;
    out->inactivity_s = limits->default_inactivity_s;
    out->ranges.n = 0;
    out->ranges.blocks = 0;
    if (len == 0) {
        return true;
    }
    if (len < VSCSI_PT_HEADER_LEN) {
        *err = vscsi_sense(VSCSI_SENSE_PARAMETER_LIST_LENGTH);
        return false;
    }
    if (lduw_be_p(buf) < PT_DATA_LENGTH_MIN) {
        return param_error(err, 0, -1);
    }

    out->immed = buf[2] & FLAG_IMMED;
    out->rtv = buf[2] & FLAG_RTV;
    if (ldl_be_p(buf + 4)) {
        out->inactivity_s = ldl_be_p(buf + 4);
        if (limits->max_inactivity_s &&
            limits->max_inactivity_s != VSCSI_TIMEOUT_NONE &&
            out->inactivity_s > limits->max_inactivity_s) {
            return param_error(err, 4, -1);
        }
    }
    if (out->rtv) {
        out->rod_type = ldl_be_p(buf + 8);
        if (!rod_type_accepted(out->rod_type, limits)) {
            return param_error(err, 8, -1);
        }
    }
    return vscsi_ranges_decode(buf, len, VSCSI_PT_HEADER_LEN,
                               lduw_be_p(buf + 14), limits, &out->ranges,
                               err);
}

bool vscsi_wut_decode(const uint8_t *buf, size_t len,
                      const VscsiLimits *limits, VscsiWut *out,
                      VscsiSense *err)
{
    uint32_t data_length, list_len;

    out->empty = len == 0;
    out->immed = false;
    out->del_tkn = false;
    out->offset_blocks = 0;
    out->token = NULL;
    out->ranges.n = 0;
    out->ranges.blocks = 0;
    if (len == 0) {
        return true;
    }
    if (len < VSCSI_WUT_HEADER_LEN) {
        *err = vscsi_sense(VSCSI_SENSE_PARAMETER_LIST_LENGTH);
        return false;
    }
    data_length = lduw_be_p(buf);
    list_len = lduw_be_p(buf + 534);
    if (data_length < WUT_DATA_LENGTH_MIN ||
        data_length != list_len + WUT_DATA_LENGTH_FIXED) {
        return param_error(err, 0, -1);
    }

    out->immed = buf[2] & FLAG_IMMED;
    out->del_tkn = buf[2] & FLAG_DEL_TKN;
    out->offset_blocks = ldq_be_p(buf + 8);
    out->token = buf + 16;
    if (!vscsi_ranges_decode(buf, len, VSCSI_WUT_HEADER_LEN, list_len,
                             limits, &out->ranges, err)) {
        return false;
    }
    if (out->offset_blocks > UINT64_MAX / limits->block_size) {
        return param_error(err, 8, -1);
    }
    if (lduw_be_p(out->token + 6) != VSCSI_ROD_TOKEN_LENGTH_FIELD) {
        *err = vscsi_sense_param_field(VSCSI_SENSE_TOKEN_LENGTH, 16 + 6, -1);
        return false;
    }
    return true;
}

static void ranges_encode(WireOut *out, const VscsiRangeList *list)
{
    for (unsigned i = 0; i < list->n; i++) {
        wire_put64(out, list->range[i].lba);
        wire_put32(out, list->range[i].blocks);
        wire_put32(out, 0);
    }
}

size_t vscsi_pt_encode(uint8_t *buf, size_t size, const VscsiPt *pt)
{
    WireOut out = { .buf = buf, .size = size };
    uint16_t list_len = pt->ranges.n * VSCSI_RANGE_LEN;

    wire_put16(&out, VSCSI_PT_HEADER_LEN - 2 + list_len);
    wire_put8(&out, (pt->immed ? FLAG_IMMED : 0) | (pt->rtv ? FLAG_RTV : 0));
    wire_put8(&out, 0);
    wire_put32(&out, pt->inactivity_s);
    wire_put32(&out, pt->rtv ? pt->rod_type : 0);
    wire_put16(&out, 0);
    wire_put16(&out, list_len);
    ranges_encode(&out, &pt->ranges);
    return out.pos;
}

size_t vscsi_wut_encode(uint8_t *buf, size_t size, const VscsiWut *wut)
{
    WireOut out = { .buf = buf, .size = size };
    uint16_t list_len = wut->ranges.n * VSCSI_RANGE_LEN;

    wire_put16(&out, WUT_DATA_LENGTH_FIXED + list_len);
    wire_put8(&out, (wut->immed ? FLAG_IMMED : 0) |
                    (wut->del_tkn ? FLAG_DEL_TKN : 0));
    wire_put_zero(&out, 5);
    wire_put64(&out, wut->offset_blocks);
    wire_put(&out, wut->token, VSCSI_ROD_TOKEN_LEN);
    wire_put_zero(&out, 6);
    wire_put16(&out, list_len);
    ranges_encode(&out, &wut->ranges);
    return out.pos;
}
