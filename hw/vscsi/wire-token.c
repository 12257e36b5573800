/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ROD tokens, 512 bytes (SPC-4 6.25, SBC-3 4.7), and REPORT ALL ROD TOKENS:
 *   0-3      ROD TYPE
 *   6-7      ROD TOKEN LENGTH = 01F8h
 *   8-15     COPY MANAGER ROD TOKEN IDENTIFIER
 *   16-47    CREATOR LOGICAL UNIT DESCRIPTOR: an E4h CSCD descriptor
 *   48-63    NUMBER OF BYTES REPRESENTED
 *   96-127   device type specific: READ CAPACITY(16) data from its byte 8
 *   128-255  TARGET DEVICE DESCRIPTOR: a designation descriptor
 *   256-511  EXTENDED ROD TOKEN DATA
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/vscsi/wire.h"
#include "wire-out.h"
#include "wire-cscd.h"

#define TOKEN_CREATOR 16
#define TOKEN_BYTES 48
#define TOKEN_BLOCK_DATA 96
#define TOKEN_TARGET 128
#define TOKEN_EXTENDED 256
#define DESIGNATION_HEADER_LEN 4

#define PROT_EN 0x01
#define LBPME 0x8000
#define LBPRZ 0x4000
#define LOWEST_ALIGNED_MASK 0x3fff

QEMU_BUILD_BUG_ON(TOKEN_TARGET + DESIGNATION_HEADER_LEN +
                  VSCSI_TARGET_DESIGNATOR_MAX != TOKEN_EXTENDED);
QEMU_BUILD_BUG_ON(TOKEN_EXTENDED + VSCSI_ROD_TOKEN_EXTENDED_LEN !=
                  VSCSI_ROD_TOKEN_LEN);
/* The length field counts what follows it. */
QEMU_BUILD_BUG_ON(VSCSI_ROD_TOKEN_LENGTH_FIELD + 8 != VSCSI_ROD_TOKEN_LEN);

uint32_t vscsi_rod_token_type(const uint8_t buf[VSCSI_ROD_TOKEN_LEN])
{
    return ldl_be_p(buf);
}

uint64_t vscsi_rod_token_id(const uint8_t buf[VSCSI_ROD_TOKEN_LEN])
{
    return ldq_be_p(buf + 8);
}

bool vscsi_rod_token_is_zero(const uint8_t buf[VSCSI_ROD_TOKEN_LEN])
{
    return vscsi_rod_token_type(buf) == VSCSI_ROD_ZERO &&
           lduw_be_p(buf + 6) == VSCSI_ROD_TOKEN_LENGTH_FIELD;
}

void vscsi_rod_token_encode_zero(uint8_t buf[VSCSI_ROD_TOKEN_LEN])
{
    memset(buf, 0, VSCSI_ROD_TOKEN_LEN);
    stl_be_p(buf, VSCSI_ROD_ZERO);
    stw_be_p(buf + 6, VSCSI_ROD_TOKEN_LENGTH_FIELD);
}

static void block_data_encode(const VscsiRodToken *token, uint8_t *buf)
{
    stl_be_p(buf, token->block_length);
    buf[4] = (token->p_type & 0x07) << 1 | (token->prot_en ? PROT_EN : 0);
    buf[5] = (token->p_i_exponent & 0x0f) << 4 |
             (token->blocks_per_physical_exponent & 0x0f);
    stw_be_p(buf + 6, (token->lbpme ? LBPME : 0) |
                      (token->lbprz ? LBPRZ : 0) |
                      (token->lowest_aligned_lba & LOWEST_ALIGNED_MASK));
}

static void block_data_decode(VscsiRodToken *token, const uint8_t *buf)
{
    uint16_t provisioning = lduw_be_p(buf + 6);

    token->block_length = ldl_be_p(buf);
    token->p_type = (buf[4] >> 1) & 0x07;
    token->prot_en = buf[4] & PROT_EN;
    token->p_i_exponent = buf[5] >> 4;
    token->blocks_per_physical_exponent = buf[5] & 0x0f;
    token->lbpme = provisioning & LBPME;
    token->lbprz = provisioning & LBPRZ;
    token->lowest_aligned_lba = provisioning & LOWEST_ALIGNED_MASK;
}

static void designation_encode(const VscsiDesignator *designator,
                               uint8_t *buf)
{
    size_t len = MIN(designator->length, VSCSI_TARGET_DESIGNATOR_MAX);

    buf[0] = designator->code_set & 0x0f;
    buf[1] = (designator->association & 0x03) << 4 |
             (designator->type & 0x0f);
    buf[3] = len;
    memcpy(buf + DESIGNATION_HEADER_LEN, designator->bytes, len);
}

static bool designation_decode(VscsiDesignator *designator,
                               const uint8_t *buf)
{
    size_t len = buf[3];

    if (len > VSCSI_TARGET_DESIGNATOR_MAX) {
        return false;
    }
    *designator = (VscsiDesignator) {
        .code_set = buf[0] & 0x0f,
        .association = (buf[1] >> 4) & 0x03,
        .type = buf[1] & 0x0f,
        .length = len,
    };
    memcpy(designator->bytes, buf + DESIGNATION_HEADER_LEN, len);
    return true;
}

void vscsi_rod_token_encode(const VscsiRodToken *token,
                            uint8_t buf[VSCSI_ROD_TOKEN_LEN])
{
    memset(buf, 0, VSCSI_ROD_TOKEN_LEN);
    stl_be_p(buf, token->type);
    stw_be_p(buf + 6, VSCSI_ROD_TOKEN_LENGTH_FIELD);
    stq_be_p(buf + 8, token->id);
    wire_cscd_encode(&token->creator, buf + TOKEN_CREATOR);
    stq_be_p(buf + TOKEN_BYTES, token->bytes_high);
    stq_be_p(buf + TOKEN_BYTES + 8, token->bytes);
    block_data_encode(token, buf + TOKEN_BLOCK_DATA);
    designation_encode(&token->target, buf + TOKEN_TARGET);
    memcpy(buf + TOKEN_EXTENDED, token->extended,
           VSCSI_ROD_TOKEN_EXTENDED_LEN);
}

bool vscsi_rod_token_decode(const uint8_t buf[VSCSI_ROD_TOKEN_LEN],
                            VscsiRodToken *out, VscsiSense *err)
{
    if (lduw_be_p(buf + 6) != VSCSI_ROD_TOKEN_LENGTH_FIELD) {
        *err = vscsi_sense(VSCSI_SENSE_TOKEN_LENGTH);
        return false;
    }
    memset(out, 0, sizeof(*out));
    out->type = vscsi_rod_token_type(buf);
    out->id = vscsi_rod_token_id(buf);
    if (buf[TOKEN_CREATOR] != VSCSI_CSCD_TYPE_IDENTIFICATION ||
        !wire_cscd_decode(&out->creator, buf + TOKEN_CREATOR) ||
        !designation_decode(&out->target, buf + TOKEN_TARGET)) {
        *err = vscsi_sense(VSCSI_SENSE_TOKEN_CORRUPT);
        return false;
    }
    out->bytes_high = ldq_be_p(buf + TOKEN_BYTES);
    out->bytes = ldq_be_p(buf + TOKEN_BYTES + 8);
    block_data_decode(out, buf + TOKEN_BLOCK_DATA);
    memcpy(out->extended, buf + TOKEN_EXTENDED, VSCSI_ROD_TOKEN_EXTENDED_LEN);
    return true;
}

size_t vscsi_report_tokens_encode(uint8_t *buf, size_t size,
                                  const uint8_t *const *token, unsigned n)
{
    WireOut out = { .buf = buf, .size = size };

    wire_put32(&out, 4 + (uint32_t)n * VSCSI_ROD_TOKEN_MANAGEMENT_LEN);
    wire_put32(&out, 0);
    for (unsigned i = 0; i < n; i++) {
        wire_put(&out, token[i], VSCSI_ROD_TOKEN_MANAGEMENT_LEN);
    }
    return out.pos;
}
