/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sense data: what the target says when it refuses (SPC-4 4.5).
 *
 * Fixed format, 18 bytes:
 *   0      VALID (bit 7), response code 70h
 *   2      SENSE KEY
 *   3-6    INFORMATION
 *   7      ADDITIONAL SENSE LENGTH = 10
 *   8-11   COMMAND-SPECIFIC INFORMATION
 *   12-13  ADDITIONAL SENSE CODE and QUALIFIER
 *   15-17  SKSV (7), C/D (6), BPV (3), BIT POINTER (2:0), FIELD POINTER
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/vscsi/wire.h"

#define RESPONSE_FIXED_CURRENT 0x70
#define RESPONSE_FIXED_DEFERRED 0x71
#define SENSE_VALID 0x80
#define SENSE_KEY_MASK 0x0f
#define SENSE_SKSV 0x80
#define SENSE_CD 0x40
#define SENSE_BPV 0x08
#define SENSE_BIT_MASK 0x07

VscsiSense vscsi_sense(VscsiSenseCode code)
{
    return (VscsiSense) {
        .key = code >> 16,
        .asc = code >> 8,
        .ascq = code,
    };
}

static VscsiSense sense_field(VscsiSenseCode code, bool in_cdb,
                              uint16_t byte, int bit)
{
    VscsiSense sense = vscsi_sense(code);

    sense.has_field_pointer = true;
    sense.field_in_cdb = in_cdb;
    sense.field_pointer = byte;
    if (bit >= 0) {
        sense.has_bit_pointer = true;
        sense.bit_pointer = bit & SENSE_BIT_MASK;
    }
    return sense;
}

VscsiSense vscsi_sense_cdb_field(VscsiSenseCode code, uint16_t byte, int bit)
{
    return sense_field(code, true, byte, bit);
}

VscsiSense vscsi_sense_param_field(VscsiSenseCode code, uint16_t byte,
                                   int bit)
{
    return sense_field(code, false, byte, bit);
}

VscsiSense vscsi_sense_residual(uint64_t blocks)
{
    VscsiSense sense = vscsi_sense(blocks ? VSCSI_SENSE_UNDERRUN
                                          : VSCSI_SENSE_UNDERRUN_NOTHING_DONE);

    /* INFORMATION is set for 0 too: Windows reads it without VALID. */
    sense.has_information = true;
    sense.information = blocks;
    return sense;
}

VscsiSense vscsi_sense_segment(VscsiSenseCode code, uint16_t segment,
                               bool has_residual, uint64_t residual_blocks)
{
    VscsiSense sense = vscsi_sense(code);

    sense.has_command_specific = true;
    sense.command_specific = segment;
    sense.has_information = has_residual;
    sense.information = has_residual ? residual_blocks : 0;
    return sense;
}

uint32_t vscsi_sense_code(const VscsiSense *sense)
{
    return (uint32_t)sense->key << 16 | (uint32_t)sense->asc << 8 |
           sense->ascq;
}

static const struct {
    uint32_t code;
    const char *name;
} sense_names[] = {
    { VSCSI_SENSE_NONE, "no sense" },
    { VSCSI_SENSE_WRITE_ERROR, "write error" },
    { VSCSI_SENSE_UNRECOVERED_READ_ERROR, "unrecovered read error" },
    { VSCSI_SENSE_INTERNAL_TARGET_FAILURE, "internal target failure" },
    { VSCSI_SENSE_OPERATION_IN_PROGRESS, "operation in progress" },
    { VSCSI_SENSE_UNDERRUN_NOTHING_DONE,
      "copy target device data underrun, nothing copied" },
    { VSCSI_SENSE_PARAMETER_LIST_LENGTH, "parameter list length error" },
    { VSCSI_SENSE_INVALID_OPCODE, "invalid command operation code" },
    { VSCSI_SENSE_LBA_OUT_OF_RANGE, "logical block address out of range" },
    { VSCSI_SENSE_TOKEN_CAUSE_UNKNOWN,
      "invalid token operation, cause not reportable" },
    { VSCSI_SENSE_TOKEN_TYPE_UNSUPPORTED, "unsupported token type" },
    { VSCSI_SENSE_TOKEN_REMOTE_UNSUPPORTED,
      "remote token usage not supported" },
    { VSCSI_SENSE_TOKEN_REMOTE_CREATION,
      "remote ROD token creation not supported" },
    { VSCSI_SENSE_TOKEN_UNKNOWN, "token unknown" },
    { VSCSI_SENSE_TOKEN_CORRUPT, "token corrupt" },
    { VSCSI_SENSE_TOKEN_REVOKED, "token revoked" },
    { VSCSI_SENSE_TOKEN_EXPIRED, "token expired" },
    { VSCSI_SENSE_TOKEN_CANCELLED, "token cancelled" },
    { VSCSI_SENSE_TOKEN_DELETED, "token deleted" },
    { VSCSI_SENSE_TOKEN_LENGTH, "invalid token length" },
    { VSCSI_SENSE_INVALID_FIELD_IN_CDB, "invalid field in CDB" },
    { VSCSI_SENSE_LUN_NOT_SUPPORTED, "logical unit not supported" },
    { VSCSI_SENSE_INVALID_FIELD_IN_PARAM, "invalid field in parameter list" },
    { VSCSI_SENSE_TOO_MANY_CSCDS, "too many target descriptors" },
    { VSCSI_SENSE_CSCD_TYPE_UNSUPPORTED,
      "unsupported target descriptor type code" },
    { VSCSI_SENSE_TOO_MANY_SEGMENTS, "too many segment descriptors" },
    { VSCSI_SENSE_SEGMENT_TYPE_UNSUPPORTED,
      "unsupported segment descriptor type code" },
    { VSCSI_SENSE_INLINE_DATA_LENGTH, "inline data length exceeded" },
    { VSCSI_SENSE_INVALID_COPY_OPERATION,
      "invalid operation for copy source or destination" },
    { VSCSI_SENSE_NO_RESOURCES, "insufficient resources" },
    { VSCSI_SENSE_NO_RESOURCES_ROD, "insufficient resources to create ROD" },
    { VSCSI_SENSE_NO_RESOURCES_ROD_TOKEN,
      "insufficient resources to create ROD token" },
    { VSCSI_SENSE_UA_RESET, "power on, reset, or bus device reset occurred" },
    { VSCSI_SENSE_UA_POWER_ON, "power on occurred" },
    { VSCSI_SENSE_UA_LUN_RESET, "bus device reset function occurred" },
    { VSCSI_SENSE_UA_NEXUS_LOSS, "I_T nexus loss occurred" },
    { VSCSI_SENSE_UA_MODE_PARAMETERS_CHANGED, "mode parameters changed" },
    { VSCSI_SENSE_UA_CAPACITY_CHANGED, "capacity data has changed" },
    { VSCSI_SENSE_UA_INQUIRY_CHANGED, "inquiry data has changed" },
    { VSCSI_SENSE_WRITE_PROTECTED, "write protected" },
    { VSCSI_SENSE_UNREACHABLE_COPY_TARGET, "unreachable copy target" },
    { VSCSI_SENSE_THIRD_PARTY_DEVICE_FAILURE, "third party device failure" },
    { VSCSI_SENSE_COPY_TARGET_NOT_REACHABLE,
      "copy target device not reachable" },
    { VSCSI_SENSE_UNDERRUN, "copy target device data underrun" },
    { VSCSI_SENSE_INEXACT_SEGMENT, "unexpected inexact segment" },
    { VSCSI_SENSE_SEGMENT_GRANULARITY, "copy segment granularity violation" },
    { VSCSI_SENSE_COMMANDS_CLEARED, "commands cleared by device server" },
    { VSCSI_SENSE_ABORTED_NO_RESOURCES,
      "insufficient resources, command aborted" },
};

const char *vscsi_sense_name(uint32_t code)
{
    for (size_t i = 0; i < ARRAY_SIZE(sense_names); i++) {
        if (sense_names[i].code == code) {
            return sense_names[i].name;
        }
    }
    return NULL;
}

void vscsi_sense_encode_fixed(const VscsiSense *sense,
                              uint8_t buf[VSCSI_SENSE_FIXED_LEN])
{
    memset(buf, 0, VSCSI_SENSE_FIXED_LEN);
    buf[0] = RESPONSE_FIXED_CURRENT;
    buf[2] = sense->key & SENSE_KEY_MASK;
    if (sense->has_information && sense->information <= UINT32_MAX) {
        buf[0] |= SENSE_VALID;
        stl_be_p(buf + 3, sense->information);
    }
    buf[7] = VSCSI_SENSE_FIXED_LEN - 8;
    if (sense->has_command_specific) {
        stl_be_p(buf + 8, sense->command_specific);
    }
    buf[12] = sense->asc;
    buf[13] = sense->ascq;
    if (sense->has_field_pointer) {
        buf[15] = SENSE_SKSV;
        if (sense->field_in_cdb) {
            buf[15] |= SENSE_CD;
        }
        if (sense->has_bit_pointer) {
            buf[15] |= SENSE_BPV | (sense->bit_pointer & SENSE_BIT_MASK);
        }
        stw_be_p(buf + 16, sense->field_pointer);
    }
}

bool vscsi_sense_decode_fixed(const uint8_t *buf, size_t len,
                              VscsiSense *out)
{
    uint8_t response;

    if (len < VSCSI_SENSE_FIXED_LEN) {
        return false;
    }
    response = buf[0] & ~SENSE_VALID;
    if (response != RESPONSE_FIXED_CURRENT &&
        response != RESPONSE_FIXED_DEFERRED) {
        return false;
    }
    if (buf[7] < VSCSI_SENSE_FIXED_LEN - 8) {
        return false;
    }

    *out = (VscsiSense) {
        .key = buf[2] & SENSE_KEY_MASK,
        .asc = buf[12],
        .ascq = buf[13],
    };
    if (buf[0] & SENSE_VALID) {
        out->has_information = true;
        out->information = (uint32_t)ldl_be_p(buf + 3);
    }
    out->command_specific = ldl_be_p(buf + 8);
    out->has_command_specific = out->command_specific != 0;
    /* The three bytes mean progress or retries with other sense keys. */
    if ((buf[15] & SENSE_SKSV) && out->key == VSCSI_KEY_ILLEGAL_REQUEST) {
        out->has_field_pointer = true;
        out->field_in_cdb = buf[15] & SENSE_CD;
        out->field_pointer = lduw_be_p(buf + 16);
        if (buf[15] & SENSE_BPV) {
            out->has_bit_pointer = true;
            out->bit_pointer = buf[15] & SENSE_BIT_MASK;
        }
    }
    return true;
}
