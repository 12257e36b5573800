/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "bytes.h"
#include "rrti.h"

#define HEADER 32
#define UNITS_BLOCKS 0xf1

static int bad(OdxError *err, const char *what, uint64_t value)
{
    return odx_fail(err, ODX_IO, "the answer of RECEIVE ROD TOKEN "
                    "INFORMATION makes no sense: %s (%llu)", what,
                    (unsigned long long)value);
}

static bool status_known(uint8_t status)
{
    switch (status) {
    case COPY_OK:
    case COPY_ERROR:
    case COPY_OK_PARTIAL:
    case COPY_OK_RESIDUAL:
    case COPY_RUNNING:
    case COPY_RUNNING_FOREGROUND:
    case COPY_RUNNING_BACKGROUND:
    case COPY_TERMINATED:
        return true;
    default:
        return false;
    }
}

/* After the sense data: descriptors length, CSCD id, the token itself. */
static int parse_token(const uint8_t *data, size_t length, size_t at,
                       OdxRrti *out, OdxError *err)
{
    uint32_t size;

    if (length - at < 4) {
        return bad(err, "it ends before the token descriptors length",
                   length);
    }
    size = odx_get32(data + at);
    if (size == 0) {
        return 0;
    }
    if (size != 2 + ROD_TOKEN_SIZE) {
        return bad(err, "its token descriptors have another length than one "
                   "token has", size);
    }
    if (length - at - 4 < size) {
        return bad(err, "it ends within the token", length);
    }
    memcpy(out->token, data + at + 6, ROD_TOKEN_SIZE);
    if (odx_get16(out->token + 6) != ROD_TOKEN_LENGTH_FIELD) {
        return bad(err, "the token's own length field is wrong",
                   odx_get16(out->token + 6));
    }
    out->has_token = true;
    return 0;
}

int odx_rrti_parse(const uint8_t *data, size_t length, uint8_t sa,
                   uint64_t asked, OdxRrti *out, OdxError *err)
{
    uint64_t available;
    size_t sense_field;

    memset(out, 0, sizeof(*out));
    if (length < HEADER) {
        return bad(err, "it has fewer than 32 bytes", length);
    }
    available = 4 + (uint64_t)odx_get32(data);
    if (available < HEADER || available > length) {
        return bad(err, "it says that it has another number of bytes than "
                   "it has", available);
    }
    length = (size_t)available;
    if ((data[4] & 0x1f) != sa) {
        return bad(err, "it is about another command", data[4] & 0x1f);
    }
    out->status = data[5] & 0x7f;
    if (!status_known(out->status)) {
        return bad(err, "unknown copy operation status", out->status);
    }
    out->operations = odx_get16(data + 6);
    out->delay_ms = odx_get32(data + 8);
    out->count = odx_get64(data + 16);
    if (out->count && data[15] != UNITS_BLOCKS) {
        return bad(err, "it does not count in blocks", data[15]);
    }
    if (out->count > asked) {
        return bad(err, "it counts more blocks than were asked for",
                   out->count);
    }
    sense_field = data[13];
    if (sense_field > length - HEADER || data[14] > sense_field) {
        return bad(err, "its sense data is longer than the answer",
                   sense_field);
    }
    odx_sense_parse(data + HEADER, data[14], &out->sense);
    return parse_token(data, length, HEADER + sense_field, out, err);
}
