/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What EXTENDED COPY(LID1) leaves to be fetched (SPC-4 6.19 to 6.22): the
 * data of RECEIVE COPY STATUS(LID1), RECEIVE COPY FAILURE DETAILS(LID1)
 * and RECEIVE COPY OPERATING PARAMETERS.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/vscsi/wire.h"
#include "wire-out.h"
#include "wire-discovery.h"

/* TRANSFER COUNT UNITS 0 to 6: bytes, KiB, ... EiB */
#define UNITS_STEP_BITS 10
#define STATE_MASK 0x7f
#define SNLID 0x01
#define FAILURE_STATUS 56

size_t vscsi_lid1_status_encode(uint8_t *buf, size_t size,
                                VscsiLid1State state, uint16_t segments,
                                uint64_t count)
{
    WireOut out = { .buf = buf, .size = size };
    uint8_t units = VSCSI_UNITS_BYTES;

    while (count > UINT32_MAX) {
        count >>= UNITS_STEP_BITS;
        units++;
    }
    wire_put32(&out, 8);
    wire_put8(&out, state & STATE_MASK);
    wire_put16(&out, segments);
    wire_put8(&out, units);
    wire_put32(&out, count);
    return out.pos;
}

size_t vscsi_lid1_failure_encode(uint8_t *buf, size_t size, uint8_t status,
                                 const VscsiSense *sense)
{
    WireOut out = { .buf = buf, .size = size };
    uint8_t raw[VSCSI_SENSE_FIXED_LEN];

    wire_put32(&out, 0);
    if (!sense) {
        return out.pos;
    }
    vscsi_sense_encode_fixed(sense, raw);
    wire_put_zero(&out, FAILURE_STATUS - out.pos);
    wire_put8(&out, status);
    wire_put8(&out, 0);
    wire_put16(&out, sizeof(raw));
    wire_put(&out, raw, sizeof(raw));
    wire_patch32(&out, 0, out.pos - 4);
    return out.pos;
}

size_t vscsi_copy_parameters_encode(uint8_t *buf, size_t size,
                                    const VscsiXcopyLimits *limits)
{
    WireOut out = { .buf = buf, .size = size };

    wire_put32(&out, 0);
    wire_put8(&out, limits->snlid ? SNLID : 0);
    wire_put_zero(&out, 3);
    wire_put16(&out, limits->max_cscds);
    wire_put16(&out, limits->max_segments);
    wire_put32(&out, limits->max_list_length);
    wire_put32(&out, limits->max_segment_bytes);
    wire_put32(&out, limits->max_inline);
    wire_put32(&out, 0);        /* HELD DATA LIMIT: nothing is held */
    wire_put32(&out, 0);        /* MAXIMUM STREAM DEVICE TRANSFER SIZE */
    wire_put16(&out, 0);
    wire_put16(&out, limits->snlid ? limits->total_concurrent : 0);
    wire_put8(&out, limits->max_concurrent);
    wire_put8(&out, limits->data_granularity_log2);
    wire_put8(&out, 0);         /* inline data granularity: a byte */
    wire_put8(&out, 0);         /* held data granularity */
    wire_put_zero(&out, 3);
    wire_put8(&out, WIRE_XCOPY_TYPES_LEN);
    wire_put(&out, wire_xcopy_types, WIRE_XCOPY_TYPES_LEN);
    wire_patch32(&out, 0, out.pos - 4);
    return out.pos;
}
