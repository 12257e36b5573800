/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * EXTENDED COPY(LID1) parameter list (SPC-4 6.4):
 *   0      LIST IDENTIFIER
 *   1      STR (5), LIST ID USAGE (4:3), PRIORITY (2:0)
 *   2-3    CSCD DESCRIPTOR LIST LENGTH
 *   8-11   SEGMENT DESCRIPTOR LIST LENGTH
 *   12-15  INLINE DATA LENGTH
 *   16..   CSCD descriptors, segment descriptors, inline data
 *
 * CSCD descriptor E4h, 32 bytes:
 *   0 E4h, 1 LU ID TYPE (7:6) and device type (4:0), 2-3 relative port,
 *   4 CODE SET, 5 ASSOCIATION (5:4) and DESIGNATOR TYPE (3:0),
 *   7 DESIGNATOR LENGTH, 8-27 DESIGNATOR, 28 PAD (2), 29-31 block length
 *
 * Segment descriptor 02h, 28 bytes, and 0Ah, 32 bytes:
 *   0 type, 1 DC (1) and CAT (0), 2-3 DESCRIPTOR LENGTH, 4-5 source id,
 *   6-7 destination id, 12-19 source LBA, 20-27 destination LBA
 *   02h: 10-11 NUMBER OF BLOCKS
 *   0Ah: 8-11 NUMBER OF BYTES, 28-29 and 30-31 byte offsets
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/vscsi/wire.h"
#include "wire-out.h"
#include "wire-cscd.h"

#define SEGMENT_HEADER_LEN 4
#define SEGMENT_BLOCK_LEN 28
#define SEGMENT_BLOCK_OFFSET_LEN 32
#define SEGMENT_DC 0x02
#define SEGMENT_CAT 0x01
#define CSCD_PAD 0x04
#define HEADER_STR 0x20
#define HEADER_USAGE_SHIFT 3
#define HEADER_USAGE_MASK 0x03
#define HEADER_PRIORITY_MASK 0x07
#define LIST_ID_RESERVED 1

static bool param_error(VscsiSense *err, VscsiSenseCode code, size_t byte,
                        int bit)
{
    *err = vscsi_sense_param_field(code, byte, bit);
    return false;
}

bool vscsi_designator_equal(const VscsiDesignator *a,
                            const VscsiDesignator *b)
{
    return a->code_set == b->code_set && a->association == b->association &&
           a->type == b->type && a->length == b->length &&
           !memcmp(a->bytes, b->bytes,
                   MIN(a->length, VSCSI_TARGET_DESIGNATOR_MAX));
}

void wire_cscd_encode(const VscsiCscd *cscd, uint8_t *buf)
{
    const VscsiDesignator *designator = &cscd->designator;
    size_t len = MIN(designator->length, VSCSI_CSCD_DESIGNATOR_MAX);

    memset(buf, 0, VSCSI_CSCD_LEN);
    buf[0] = VSCSI_CSCD_TYPE_IDENTIFICATION;
    buf[1] = (cscd->lu_id_type & 0x03) << 6 | (cscd->device_type & 0x1f);
    stw_be_p(buf + 2, cscd->relative_port);
    buf[4] = designator->code_set & 0x0f;
    buf[5] = (designator->association & 0x03) << 4 |
             (designator->type & 0x0f);
    buf[7] = len;
    memcpy(buf + 8, designator->bytes, len);
    stl_be_p(buf + 28, cscd->block_length & 0xffffff);
    buf[28] = cscd->pad ? CSCD_PAD : 0;
}

bool wire_cscd_decode(VscsiCscd *cscd, const uint8_t *buf)
{
    size_t len = buf[7];

    if (len > VSCSI_CSCD_DESIGNATOR_MAX) {
        return false;
    }
    *cscd = (VscsiCscd) {
        .lu_id_type = buf[1] >> 6,
        .device_type = buf[1] & 0x1f,
        .relative_port = lduw_be_p(buf + 2),
        .designator = {
            .code_set = buf[4] & 0x0f,
            .association = (buf[5] >> 4) & 0x03,
            .type = buf[5] & 0x0f,
            .length = len,
        },
        .pad = buf[28] & CSCD_PAD,
        .block_length = ldl_be_p(buf + 28) & 0xffffff,
    };
    memcpy(cscd->designator.bytes, buf + 8, len);
    return true;
}

/* The descriptors of a segment list, a last one that is cut off counted. */
static size_t segments_count(const uint8_t *list, size_t len)
{
    size_t n = 0, at = 0;

    while (at < len) {
        n++;
        if (len - at < SEGMENT_HEADER_LEN) {
            break;
        }
        at += SEGMENT_HEADER_LEN + lduw_be_p(list + at + 2);
    }
    return n;
}

/* Read the segment at @byte; *length receives the descriptor's length. */
static bool segment_decode(const uint8_t *buf, size_t byte, size_t there,
                           VscsiSegment *out, size_t *length,
                           VscsiSense *err)
{
    const uint8_t *p = buf + byte;

    if (p[0] != VSCSI_SEGMENT_BLOCK && p[0] != VSCSI_SEGMENT_BLOCK_OFFSET) {
        return param_error(err, VSCSI_SENSE_SEGMENT_TYPE_UNSUPPORTED, byte,
                           -1);
    }
    *length = p[0] == VSCSI_SEGMENT_BLOCK ? SEGMENT_BLOCK_LEN
                                          : SEGMENT_BLOCK_OFFSET_LEN;
    if (there < *length ||
        (size_t)lduw_be_p(p + 2) != *length - SEGMENT_HEADER_LEN) {
        return param_error(err, VSCSI_SENSE_INVALID_FIELD_IN_PARAM, byte + 2,
                           -1);
    }

    *out = (VscsiSegment) {
        .type = p[0],
        .dc = p[1] & SEGMENT_DC,
        .cat = p[1] & SEGMENT_CAT,
        .source_id = lduw_be_p(p + 4),
        .dest_id = lduw_be_p(p + 6),
        .source_lba = ldq_be_p(p + 12),
        .dest_lba = ldq_be_p(p + 20),
    };
    if (out->type == VSCSI_SEGMENT_BLOCK) {
        out->blocks = lduw_be_p(p + 10);
    } else {
        out->bytes = ldl_be_p(p + 8);
        out->source_offset = lduw_be_p(p + 28);
        out->dest_offset = lduw_be_p(p + 30);
    }
    return true;
}

/* Checks 4: the identifier and its usage. */
static bool list_id_check(const VscsiXcopy *xcopy,
                          const VscsiXcopyLimits *limits, VscsiSense *err)
{
    if (xcopy->usage == LIST_ID_RESERVED ||
        (xcopy->usage == VSCSI_LIST_ID_NONE && !limits->snlid)) {
        return param_error(err, VSCSI_SENSE_INVALID_FIELD_IN_PARAM, 1, 4);
    }
    if (xcopy->usage == VSCSI_LIST_ID_NONE && xcopy->list_id) {
        return param_error(err, VSCSI_SENSE_INVALID_FIELD_IN_PARAM, 0, -1);
    }
    return true;
}

/* Checks 5 to 7: the number of everything, before any of it is read. */
static bool counts_check(const uint8_t *buf, size_t cscds_len,
                         size_t segments_len, const VscsiXcopyLimits *limits,
                         VscsiXcopy *out, VscsiSense *err)
{
    size_t max_cscds = MIN(limits->max_cscds, VSCSI_XCOPY_CSCDS_MAX);
    size_t max_segments = MIN(limits->max_segments, VSCSI_XCOPY_SEGMENTS_MAX);
    size_t cscds = cscds_len / VSCSI_CSCD_LEN;
    size_t segments;

    if (cscds_len % VSCSI_CSCD_LEN) {
        return param_error(err, VSCSI_SENSE_INVALID_FIELD_IN_PARAM, 2, -1);
    }
    if (cscds > max_cscds) {
        return param_error(err, VSCSI_SENSE_TOO_MANY_CSCDS, 2, -1);
    }
    if (out->inline_len > limits->max_inline) {
        return param_error(err, VSCSI_SENSE_INLINE_DATA_LENGTH, 12, -1);
    }
    segments = segments_count(buf + VSCSI_XCOPY_HEADER_LEN + cscds_len,
                              segments_len);
    if (segments > max_segments) {
        return param_error(err, VSCSI_SENSE_TOO_MANY_SEGMENTS, 8, -1);
    }
    out->n_cscds = cscds;
    out->n_segments = segments;
    return true;
}

static bool descriptors_decode(const uint8_t *buf, size_t segments_len,
                               VscsiXcopy *out, VscsiSense *err)
{
    size_t at = VSCSI_XCOPY_HEADER_LEN;
    size_t end;

    for (unsigned i = 0; i < out->n_cscds; i++) {
        if (buf[at] != VSCSI_CSCD_TYPE_IDENTIFICATION) {
            return param_error(err, VSCSI_SENSE_CSCD_TYPE_UNSUPPORTED, at,
                               -1);
        }
        if (!wire_cscd_decode(&out->cscd[i], buf + at)) {
            return param_error(err, VSCSI_SENSE_INVALID_FIELD_IN_PARAM,
                               at + 7, -1);
        }
        at += VSCSI_CSCD_LEN;
    }
    end = at + segments_len;
    for (unsigned i = 0; i < out->n_segments; i++) {
        size_t length;

        if (!segment_decode(buf, at, end - at, &out->segment[i], &length,
                            err)) {
            return false;
        }
        at += length;
    }
    out->inline_data = buf + end;
    return true;
}

bool vscsi_xcopy_decode(const uint8_t *buf, size_t len,
                        const VscsiXcopyLimits *limits, VscsiXcopy *out,
                        VscsiSense *err)
{
    uint64_t cscds_len, segments_len;

    out->empty = len == 0;
    out->n_cscds = 0;
    out->n_segments = 0;
    out->inline_len = 0;
    out->inline_data = NULL;
    if (len == 0) {
        return true;
    }
    if (len < VSCSI_XCOPY_HEADER_LEN) {
        *err = vscsi_sense(VSCSI_SENSE_PARAMETER_LIST_LENGTH);
        return false;
    }

    out->list_id = buf[0];
    out->usage = buf[1] >> HEADER_USAGE_SHIFT & HEADER_USAGE_MASK;
    out->sequential = buf[1] & HEADER_STR;
    out->priority = buf[1] & HEADER_PRIORITY_MASK;
    out->inline_len = ldl_be_p(buf + 12);
    cscds_len = lduw_be_p(buf + 2);
    segments_len = (uint32_t)ldl_be_p(buf + 8);
    if (cscds_len + segments_len > limits->max_list_length ||
        VSCSI_XCOPY_HEADER_LEN + cscds_len + segments_len +
        out->inline_len > len) {
        *err = vscsi_sense(VSCSI_SENSE_PARAMETER_LIST_LENGTH);
        return false;
    }
    return list_id_check(out, limits, err) &&
           counts_check(buf, cscds_len, segments_len, limits, out, err) &&
           descriptors_decode(buf, segments_len, out, err);
}

uint32_t vscsi_xcopy_list_length(uint16_t max_cscds, uint16_t max_segments)
{
    uint32_t many_cscds = (max_cscds + 1) * VSCSI_CSCD_LEN +
                          SEGMENT_BLOCK_OFFSET_LEN;
    uint32_t many_segments = VSCSI_CSCD_LEN +
                             (max_segments + 1) * SEGMENT_BLOCK_OFFSET_LEN;

    return MAX(many_cscds, many_segments);
}

static void segment_encode(WireOut *out, const VscsiSegment *segment)
{
    bool offsets = segment->type == VSCSI_SEGMENT_BLOCK_OFFSET;

    wire_put8(out, segment->type);
    wire_put8(out, (segment->dc ? SEGMENT_DC : 0) |
                   (segment->cat ? SEGMENT_CAT : 0));
    wire_put16(out, (offsets ? SEGMENT_BLOCK_OFFSET_LEN : SEGMENT_BLOCK_LEN) -
                    SEGMENT_HEADER_LEN);
    wire_put16(out, segment->source_id);
    wire_put16(out, segment->dest_id);
    if (offsets) {
        wire_put32(out, segment->bytes);
    } else {
        wire_put16(out, 0);
        wire_put16(out, segment->blocks);
    }
    wire_put64(out, segment->source_lba);
    wire_put64(out, segment->dest_lba);
    if (offsets) {
        wire_put16(out, segment->source_offset);
        wire_put16(out, segment->dest_offset);
    }
}

size_t vscsi_xcopy_encode(uint8_t *buf, size_t size, const VscsiXcopy *xcopy)
{
    WireOut out = { .buf = buf, .size = size };
    size_t segments;

    wire_put8(&out, xcopy->list_id);
    wire_put8(&out, (xcopy->sequential ? HEADER_STR : 0) |
                    (xcopy->usage & HEADER_USAGE_MASK) << HEADER_USAGE_SHIFT |
                    (xcopy->priority & HEADER_PRIORITY_MASK));
    wire_put16(&out, xcopy->n_cscds * VSCSI_CSCD_LEN);
    wire_put_zero(&out, 8);
    wire_put32(&out, xcopy->inline_len);
    for (unsigned i = 0; i < xcopy->n_cscds; i++) {
        uint8_t raw[VSCSI_CSCD_LEN];

        wire_cscd_encode(&xcopy->cscd[i], raw);
        wire_put(&out, raw, sizeof(raw));
    }
    segments = out.pos;
    for (unsigned i = 0; i < xcopy->n_segments; i++) {
        segment_encode(&out, &xcopy->segment[i]);
    }
    wire_patch32(&out, 8, out.pos - segments);
    if (xcopy->inline_len) {
        wire_put(&out, xcopy->inline_data, xcopy->inline_len);
    }
    return out.pos;
}
