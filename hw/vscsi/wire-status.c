/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Responses of RECEIVE COPY STATUS(LID4) and RECEIVE ROD TOKEN INFORMATION
 * (SPC-4 6.23, 6.24):
 *   0-3    AVAILABLE DATA, what follows it
 *   4      RESPONSE TO SERVICE ACTION (bits 4:0)
 *   5      COPY OPERATION STATUS (bits 6:0)
 *   6-7    OPERATION COUNTER
 *   8-11   ESTIMATED STATUS UPDATE DELAY
 *   12     EXTENDED COPY COMPLETION STATUS
 *   13     LENGTH OF THE SENSE DATA FIELD
 *   14     SENSE DATA LENGTH
 *   15     TRANSFER COUNT UNITS
 *   16-23  TRANSFER COUNT
 *   24-25  SEGMENTS PROCESSED
 *   32..   SENSE DATA, padded to a multiple of 4
 * and in RECEIVE ROD TOKEN INFORMATION after it
 *   +0     ROD TOKEN DESCRIPTORS LENGTH, always there, 0 without a token
 *   +4     ID FOR CREATING ROD CSCD DESCRIPTOR (0), ROD TOKEN
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/vscsi/wire.h"
#include "wire-out.h"

#define STATUS_HEADER_LEN 32
#define SENSE_FIELD_LEN QEMU_ALIGN_UP(VSCSI_SENSE_FIXED_LEN, 4)
#define TOKEN_DESCRIPTOR_LEN (2 + VSCSI_ROD_TOKEN_LEN)
#define SA_MASK 0x1f
#define STATE_MASK 0x7f

QEMU_BUILD_BUG_ON(STATUS_HEADER_LEN + 4 + TOKEN_DESCRIPTOR_LEN !=
                  VSCSI_RRTI_TOKEN_LEN);

static bool state_is_in_progress(VscsiCopyState state)
{
    return state == VSCSI_COPY_IN_PROGRESS ||
           state == VSCSI_COPY_FOREGROUND ||
           state == VSCSI_COPY_BACKGROUND;
}

/* The completion status that belongs to a state, whatever was asked for. */
static uint8_t completion_status(const VscsiCopyStatus *status)
{
    if (state_is_in_progress(status->state)) {
        return VSCSI_STATUS_GOOD;
    }
    if (status->state == VSCSI_COPY_TERMINATED) {
        return VSCSI_STATUS_TASK_ABORTED;
    }
    return status->completion_status;
}

static bool state_has_sense(VscsiCopyState state)
{
    return !state_is_in_progress(state) && state != VSCSI_COPY_TERMINATED;
}

static bool state_has_token(VscsiCopyState state)
{
    return state_has_sense(state) && state != VSCSI_COPY_ERROR;
}

static void status_encode(WireOut *out, const VscsiCopyStatus *status)
{
    bool sense = status->has_sense && state_has_sense(status->state);

    wire_put32(out, 0);         /* AVAILABLE DATA, patched by the caller */
    wire_put8(out, status->response_sa & SA_MASK);
    wire_put8(out, status->state & STATE_MASK);
    wire_put16(out, status->operation_counter);
    wire_put32(out, status->delay_ms);
    wire_put8(out, completion_status(status));
    wire_put8(out, sense ? SENSE_FIELD_LEN : 0);
    wire_put8(out, sense ? VSCSI_SENSE_FIXED_LEN : 0);
    wire_put8(out, status->units);
    wire_put64(out, status->count);
    wire_put16(out, status->segments);
    wire_put_zero(out, 6);
    if (sense) {
        uint8_t raw[VSCSI_SENSE_FIXED_LEN];

        vscsi_sense_encode_fixed(&status->sense, raw);
        wire_put(out, raw, sizeof(raw));
        wire_put_zero(out, SENSE_FIELD_LEN - sizeof(raw));
    }
}

size_t vscsi_rcs4_encode(uint8_t *buf, size_t size,
                         const VscsiCopyStatus *status)
{
    WireOut out = { .buf = buf, .size = size };

    status_encode(&out, status);
    wire_patch32(&out, 0, out.pos - 4);
    return out.pos;
}

size_t vscsi_rrti_encode(uint8_t *buf, size_t size,
                         const VscsiCopyStatus *status)
{
    WireOut out = { .buf = buf, .size = size };

    status_encode(&out, status);
    if (status->token && state_has_token(status->state)) {
        wire_put32(&out, TOKEN_DESCRIPTOR_LEN);
        wire_put16(&out, 0);
        wire_put(&out, status->token, VSCSI_ROD_TOKEN_LEN);
    } else {
        wire_put32(&out, 0);
    }
    wire_patch32(&out, 0, out.pos - 4);
    return out.pos;
}

/* Read the common part; *end receives the offset of what follows it. */
static bool status_decode(const uint8_t *buf, size_t len,
                          VscsiCopyStatus *out, size_t *end)
{
    size_t field, sense_len;
    uint64_t whole;

    if (len < STATUS_HEADER_LEN) {
        return false;
    }
    whole = (uint64_t)(uint32_t)ldl_be_p(buf) + 4;
    field = buf[13];
    sense_len = buf[14];
    *end = STATUS_HEADER_LEN + field;
    if (sense_len > field || *end > len || *end > whole) {
        return false;
    }

    *out = (VscsiCopyStatus) {
        .response_sa = buf[4] & SA_MASK,
        .state = buf[5] & STATE_MASK,
        .operation_counter = lduw_be_p(buf + 6),
        .delay_ms = ldl_be_p(buf + 8),
        .completion_status = buf[12],
        .units = buf[15],
        .count = ldq_be_p(buf + 16),
        .segments = lduw_be_p(buf + 24),
    };
    if (sense_len) {
        out->has_sense = vscsi_sense_decode_fixed(buf + STATUS_HEADER_LEN,
                                                  sense_len, &out->sense);
        return out->has_sense;
    }
    return true;
}

bool vscsi_rcs4_decode(const uint8_t *buf, size_t len, VscsiCopyStatus *out)
{
    size_t end;

    return status_decode(buf, len, out, &end);
}

bool vscsi_rrti_decode(const uint8_t *buf, size_t len, VscsiCopyStatus *out)
{
    uint64_t whole;
    uint32_t tokens_len;
    size_t end;

    if (!status_decode(buf, len, out, &end)) {
        return false;
    }
    whole = (uint64_t)(uint32_t)ldl_be_p(buf) + 4;
    if (len - end < 4 || whole - end < 4) {
        return false;
    }
    tokens_len = ldl_be_p(buf + end);
    if (tokens_len == 0) {
        return true;
    }
    end += 4;
    if (tokens_len != TOKEN_DESCRIPTOR_LEN || tokens_len > len - end ||
        tokens_len > whole - end) {
        return false;
    }
    out->token = buf + end + 2;
    return true;
}
