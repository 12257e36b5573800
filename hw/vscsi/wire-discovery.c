/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VPD page 8Fh, Third-party Copy (SPC-4 7.8.17), and what page 00h and the
 * standard INQUIRY data say about it.
 *
 * The page is a 4-byte header and descriptors in ascending order of type,
 * each type(2), length(2), contents, with a length that is a multiple of 4:
 *   0000h  Block Device ROD Limits: 10-11 ranges, 12-15 max timeout, 16-19
 *          default timeout, 20-27 max token size, 28-35 optimal count
 *   0001h  Supported Commands: {opcode, count, service actions}
 *   0004h  Parameter Data: 8-9 CSCDs, 10-11 segments, 12-15 list, 16-19
 *          inline
 *   0008h  Supported Descriptors: type codes
 *   000Ch  Supported CSCD IDs: the identifiers that are no index
 *   0106h  ROD Token Features, with the block device features inside
 *   0108h  Supported ROD Token and ROD Types, 64 bytes each
 *   8001h  General Copy Operations
 * Windows looks at the first descriptor alone and takes it for the limits
 * if it is 0000h with length 20h; so nothing may come before it.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/vscsi/wire.h"
#include "wire-out.h"
#include "wire-discovery.h"

enum {
    DESC_ROD_LIMITS = 0x0000,
    DESC_COMMANDS = 0x0001,
    DESC_PARAMETERS = 0x0004,
    DESC_TYPES = 0x0008,
    DESC_CSCD_IDS = 0x000c,
    DESC_TOKEN_FEATURES = 0x0106,
    DESC_ROD_TYPES = 0x0108,
    DESC_GENERAL = 0x8001,
};

#define PAGE_HEADER_LEN 4
#define DESC_HEADER_LEN 4
#define ROD_LIMITS_LEN 0x24
#define PARAMETERS_LEN 0x20
#define TOKEN_FEATURES_LEN 48
#define BLOCK_FEATURES_LEN 48
#define ROD_TYPE_LEN 64
#define GENERAL_LEN 0x24
#define ROD_TYPE_ECPY_INT 0x80
#define ROD_TYPE_TOKEN_IN 0x02
#define ROD_TYPE_TOKEN_OUT 0x01
#define INQUIRY_BYTE_3PC 5
#define INQUIRY_3PC 0x08

const uint8_t wire_xcopy_types[WIRE_XCOPY_TYPES_LEN] = {
    VSCSI_SEGMENT_BLOCK,
    VSCSI_SEGMENT_BLOCK_OFFSET,
    VSCSI_CSCD_TYPE_IDENTIFICATION,
};

static size_t desc_begin(WireOut *out, uint16_t type)
{
    size_t start = out->pos;

    wire_put16(out, type);
    wire_put16(out, 0);
    return start;
}

static void desc_end(WireOut *out, size_t start)
{
    wire_put_zero(out, QEMU_ALIGN_UP(out->pos - start, 4) -
                       (out->pos - start));
    wire_patch16(out, start + 2, out->pos - start - DESC_HEADER_LEN);
}

static void rod_limits_encode(WireOut *out, const VscsiDiscovery *d)
{
    size_t start = desc_begin(out, DESC_ROD_LIMITS);

    wire_put_zero(out, 6);      /* vendor specific */
    wire_put16(out, d->max_ranges);
    wire_put32(out, d->max_inactivity_s);
    wire_put32(out, d->default_inactivity_s);
    wire_put64(out, d->max_token_blocks);
    wire_put64(out, d->optimal_blocks);
    desc_end(out, start);
}

/* From the table of REPORT SUPPORTED OPERATION CODES, so both agree. */
static void commands_encode(WireOut *out, const VscsiDiscovery *d)
{
    VscsiOpcodeTable table = vscsi_opcodes_copy(d->features);
    size_t start = desc_begin(out, DESC_COMMANDS);
    size_t list = out->pos;
    size_t count_at = 0;
    uint8_t count = 0;
    int opcode = -1;

    wire_put8(out, 0);
    for (unsigned i = 0; i < table.n; i++) {
        const VscsiOpcode *entry = &table.entry[i];

        if (!wire_opcode_is_on(entry, table.features) ||
            entry->opcode == VSCSI_OP_MAINTENANCE_IN) {
            continue;
        }
        if (entry->opcode != opcode) {
            opcode = entry->opcode;
            count = 0;
            wire_put8(out, opcode);
            count_at = out->pos;
            wire_put8(out, 0);
        }
        wire_put8(out, entry->sa);
        wire_patch8(out, count_at, ++count);
    }
    wire_patch8(out, list, out->pos - list - 1);
    desc_end(out, start);
}

static void xcopy_encode(WireOut *out, const VscsiDiscovery *d)
{
    size_t start = desc_begin(out, DESC_PARAMETERS);

    wire_put_zero(out, 4);
    wire_put16(out, d->xcopy.max_cscds);
    wire_put16(out, d->xcopy.max_segments);
    wire_put32(out, d->xcopy.max_list_length);
    wire_put32(out, d->xcopy.max_inline);
    wire_put_zero(out, PARAMETERS_LEN - (out->pos - start));
    desc_end(out, start);

    start = desc_begin(out, DESC_TYPES);
    wire_put8(out, WIRE_XCOPY_TYPES_LEN);
    wire_put(out, wire_xcopy_types, WIRE_XCOPY_TYPES_LEN);
    desc_end(out, start);

    start = desc_begin(out, DESC_CSCD_IDS);
    wire_put16(out, 2);
    wire_put16(out, VSCSI_CSCD_ID_THIS_LUN);
    desc_end(out, start);
}

/* 0, which is "not reported", for what 64 bits cannot hold. */
static uint64_t blocks_to_bytes(const VscsiDiscovery *d, uint64_t blocks)
{
    uint64_t bytes;

    return __builtin_mul_overflow(blocks, d->block_size, &bytes) ? 0 : bytes;
}

static void token_features_encode(WireOut *out, const VscsiDiscovery *d)
{
    uint64_t max_bytes = blocks_to_bytes(d, d->max_token_blocks);
    uint64_t optimal_bytes = blocks_to_bytes(d, d->optimal_blocks);
    size_t start = desc_begin(out, DESC_TOKEN_FEATURES);

    wire_put8(out, d->remote_tokens & 0x0f);
    wire_put_zero(out, 11);
    wire_put32(out, d->min_lifetime_s);
    wire_put32(out, d->max_lifetime_s);
    wire_put32(out, d->max_inactivity_s);
    wire_put_zero(out, 18);
    wire_put16(out, BLOCK_FEATURES_LEN);

    /* the block device type specific features */
    wire_put16(out, 0);
    wire_put16(out, BLOCK_FEATURES_LEN - 4);
    wire_put16(out, 0);
    wire_put16(out, d->optimal_granularity_blocks);
    wire_put64(out, max_bytes);
    wire_put64(out, optimal_bytes);
    wire_put64(out, optimal_bytes);     /* to a token, per segment */
    wire_put64(out, optimal_bytes);     /* from a token, per segment */
    wire_put_zero(out, 8);
    desc_end(out, start);
}

static void rod_types_encode(WireOut *out, const VscsiDiscovery *d)
{
    unsigned n = MIN(d->n_rod_types, VSCSI_DISCOVERY_ROD_TYPES_MAX);
    size_t start = desc_begin(out, DESC_ROD_TYPES);

    wire_put16(out, 0);
    wire_put16(out, n * ROD_TYPE_LEN);
    for (unsigned i = 0; i < n; i++) {
        const VscsiDiscoveryRodType *type = &d->rod_type[i];

        wire_put32(out, type->type);
        wire_put8(out, (type->ecpy_int ? ROD_TYPE_ECPY_INT : 0) |
                       (type->token_in ? ROD_TYPE_TOKEN_IN : 0) |
                       (type->token_out ? ROD_TYPE_TOKEN_OUT : 0));
        wire_put8(out, 0);
        wire_put16(out, type->preference);
        wire_put_zero(out, ROD_TYPE_LEN - 8);
    }
    desc_end(out, start);
}

static void general_encode(WireOut *out, const VscsiDiscovery *d)
{
    size_t start = desc_begin(out, DESC_GENERAL);

    wire_put32(out, d->total_concurrent);
    wire_put32(out, MIN(d->max_identified, d->total_concurrent));
    wire_put32(out, d->max_segment_bytes);
    wire_put8(out, d->segment_granularity_log2);
    wire_put8(out, 0);          /* inline data granularity: a byte */
    wire_put_zero(out, GENERAL_LEN - (out->pos - start));
    desc_end(out, start);
}

size_t vscsi_vpd_8f_encode(uint8_t *buf, size_t size,
                           const VscsiDiscovery *discovery)
{
    WireOut out = { .buf = buf, .size = size };
    bool tokens = discovery->features & VSCSI_FEATURE_TOKEN;

    wire_put8(&out, discovery->qualifier_and_type);
    wire_put8(&out, VSCSI_VPD_THIRD_PARTY_COPY);
    wire_put16(&out, 0);
    if (tokens) {
        rod_limits_encode(&out, discovery);
    }
    commands_encode(&out, discovery);
    if (discovery->features & VSCSI_FEATURE_XCOPY) {
        xcopy_encode(&out, discovery);
    }
    if (tokens) {
        token_features_encode(&out, discovery);
        rod_types_encode(&out, discovery);
    }
    general_encode(&out, discovery);
    wire_patch16(&out, 2, out.pos - PAGE_HEADER_LEN);
    assert(out.pos <= VSCSI_VPD_8F_MAX);
    return out.pos;
}

size_t vscsi_vpd_00_insert(uint8_t *buf, size_t len, size_t size,
                           uint8_t code)
{
    size_t at = PAGE_HEADER_LEN;

    if (len < PAGE_HEADER_LEN || len > size ||
        buf[1] != VSCSI_VPD_SUPPORTED_PAGES ||
        (size_t)lduw_be_p(buf + 2) != len - PAGE_HEADER_LEN) {
        return 0;
    }
    while (at < len && buf[at] < code) {
        at++;
    }
    if (at < len && buf[at] == code) {
        return len;
    }
    if (len == size || len - PAGE_HEADER_LEN == UINT16_MAX) {
        return 0;
    }
    memmove(buf + at + 1, buf + at, len - at);
    buf[at] = code;
    stw_be_p(buf + 2, len + 1 - PAGE_HEADER_LEN);
    return len + 1;
}

void vscsi_inquiry_set_3pc(uint8_t *buf, size_t len, bool on)
{
    if (len <= INQUIRY_BYTE_3PC) {
        return;
    }
    if (on) {
        buf[INQUIRY_BYTE_3PC] |= INQUIRY_3PC;
    } else {
        buf[INQUIRY_BYTE_3PC] &= ~INQUIRY_3PC;
    }
}

/* Reading the page: one function per descriptor, @p is its first byte. */

/* The feature that a command proves; the others follow from these. */
static uint32_t command_feature(uint8_t opcode, uint8_t sa)
{
    static const struct {
        uint8_t opcode;
        uint8_t sa;
        uint32_t feature;
    } proof[] = {
        { VSCSI_OP_THIRD_PARTY_COPY_OUT, VSCSI_SA_EXTENDED_COPY_LID1,
          VSCSI_FEATURE_XCOPY },
        { VSCSI_OP_THIRD_PARTY_COPY_OUT, VSCSI_SA_POPULATE_TOKEN,
          VSCSI_FEATURE_TOKEN },
        { VSCSI_OP_THIRD_PARTY_COPY_OUT, VSCSI_SA_COPY_OPERATION_ABORT,
          VSCSI_FEATURE_ABORT },
        { VSCSI_OP_THIRD_PARTY_COPY_IN, VSCSI_SA_REPORT_ALL_ROD_TOKENS,
          VSCSI_FEATURE_REPORT_TOKENS },
    };

    for (size_t i = 0; i < ARRAY_SIZE(proof); i++) {
        if (proof[i].opcode == opcode && proof[i].sa == sa) {
            return proof[i].feature;
        }
    }
    return 0;
}

static bool commands_decode(const uint8_t *p, size_t len, VscsiDiscovery *d)
{
    size_t at = DESC_HEADER_LEN + 1;
    size_t end;

    if (len < at || p[4] > len - at) {
        return false;
    }
    end = at + p[4];
    while (at < end) {
        uint8_t opcode = p[at];
        uint8_t count;

        if (end - at < 2) {
            return false;
        }
        count = p[at + 1];
        at += 2;
        if (count > end - at) {
            return false;
        }
        for (; count; count--, at++) {
            d->features |= command_feature(opcode, p[at]);
        }
    }
    return true;
}

static bool rod_limits_decode(const uint8_t *p, size_t len,
                              VscsiDiscovery *d)
{
    if (len < ROD_LIMITS_LEN) {
        return false;
    }
    d->max_ranges = lduw_be_p(p + 10);
    d->max_inactivity_s = ldl_be_p(p + 12);
    d->default_inactivity_s = ldl_be_p(p + 16);
    d->max_token_blocks = ldq_be_p(p + 20);
    d->optimal_blocks = ldq_be_p(p + 28);
    return true;
}

static bool parameters_decode(const uint8_t *p, size_t len,
                              VscsiDiscovery *d)
{
    if (len < PARAMETERS_LEN) {
        return false;
    }
    d->xcopy.max_cscds = lduw_be_p(p + 8);
    d->xcopy.max_segments = lduw_be_p(p + 10);
    d->xcopy.max_list_length = ldl_be_p(p + 12);
    d->xcopy.max_inline = ldl_be_p(p + 16);
    return true;
}

static bool token_features_decode(const uint8_t *p, size_t len,
                                  VscsiDiscovery *d)
{
    if (len < TOKEN_FEATURES_LEN ||
        (size_t)lduw_be_p(p + 46) > len - TOKEN_FEATURES_LEN) {
        return false;
    }
    d->remote_tokens = p[4] & 0x0f;
    d->min_lifetime_s = ldl_be_p(p + 16);
    d->max_lifetime_s = ldl_be_p(p + 20);
    if (lduw_be_p(p + 46) >= BLOCK_FEATURES_LEN &&
        p[TOKEN_FEATURES_LEN] == 0) {
        d->optimal_granularity_blocks = lduw_be_p(p + TOKEN_FEATURES_LEN + 6);
    }
    return true;
}

static bool rod_types_decode(const uint8_t *p, size_t len, VscsiDiscovery *d)
{
    size_t n;

    if (len < 8 || (size_t)lduw_be_p(p + 6) > len - 8) {
        return false;
    }
    n = lduw_be_p(p + 6) / ROD_TYPE_LEN;
    d->n_rod_types = MIN(n, VSCSI_DISCOVERY_ROD_TYPES_MAX);
    for (unsigned i = 0; i < d->n_rod_types; i++) {
        const uint8_t *raw = p + 8 + i * ROD_TYPE_LEN;

        d->rod_type[i] = (VscsiDiscoveryRodType) {
            .type = ldl_be_p(raw),
            .ecpy_int = raw[4] & ROD_TYPE_ECPY_INT,
            .token_in = raw[4] & ROD_TYPE_TOKEN_IN,
            .token_out = raw[4] & ROD_TYPE_TOKEN_OUT,
            .preference = lduw_be_p(raw + 6),
        };
    }
    return true;
}

static bool general_decode(const uint8_t *p, size_t len, VscsiDiscovery *d)
{
    if (len < GENERAL_LEN) {
        return false;
    }
    d->total_concurrent = ldl_be_p(p + 4);
    d->max_identified = ldl_be_p(p + 8);
    d->max_segment_bytes = ldl_be_p(p + 12);
    d->segment_granularity_log2 = p[16];
    return true;
}

static bool desc_decode(const uint8_t *p, size_t len, VscsiDiscovery *d)
{
    switch (lduw_be_p(p)) {
    case DESC_ROD_LIMITS:
        return rod_limits_decode(p, len, d);
    case DESC_COMMANDS:
        return commands_decode(p, len, d);
    case DESC_PARAMETERS:
        return parameters_decode(p, len, d);
    case DESC_TOKEN_FEATURES:
        return token_features_decode(p, len, d);
    case DESC_ROD_TYPES:
        return rod_types_decode(p, len, d);
    case DESC_GENERAL:
        return general_decode(p, len, d);
    default:
        return true;
    }
}

bool vscsi_vpd_8f_decode(const uint8_t *buf, size_t len, VscsiDiscovery *out)
{
    size_t at = PAGE_HEADER_LEN;
    size_t end;

    memset(out, 0, sizeof(*out));
    if (len < PAGE_HEADER_LEN || buf[1] != VSCSI_VPD_THIRD_PARTY_COPY ||
        (size_t)lduw_be_p(buf + 2) > len - PAGE_HEADER_LEN) {
        return false;
    }
    out->qualifier_and_type = buf[0];
    end = at + lduw_be_p(buf + 2);
    while (at < end) {
        size_t desc_len;

        if (end - at < DESC_HEADER_LEN) {
            return false;
        }
        desc_len = DESC_HEADER_LEN + lduw_be_p(buf + at + 2);
        if (desc_len > end - at || !desc_decode(buf + at, desc_len, out)) {
            return false;
        }
        at += desc_len;
    }
    return true;
}
