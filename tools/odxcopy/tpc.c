/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "bytes.h"
#include "token.h"
#include "tpc.h"

int odx_tpc_next(const uint8_t *page, size_t length, size_t *at,
                 OdxTpcDescriptor *desc, OdxError *err)
{
    size_t here = *at ? *at : 4;
    size_t size;

    if (length < 4) {
        return odx_fail(err, ODX_IO, "VPD page 8Fh has %zu bytes, too few "
                        "for its own header", length);
    }
    if (length - here < 4) {
        return 0;
    }
    size = 4 + (size_t)odx_get16(page + here + 2);
    if (size > length - here) {
        return odx_fail(err, ODX_IO, "VPD page 8Fh contradicts itself: the "
                        "descriptor at byte %zu says it has %zu bytes, but "
                        "%zu are left of the page", here, size,
                        length - here);
    }
    desc->type = odx_get16(page + here);
    desc->data = page + here;
    desc->length = size;
    *at = here + size;
    return 1;
}

/*
 * The list in descriptor 0001h: byte 4 its length, then for each operation
 * code: the code, a count, that many service actions.  *at counts pairs
 * already given: the list has 255 bytes at most, so walking it anew for
 * each pair costs nothing.
 */
bool odx_tpc_next_command(const OdxTpcDescriptor *desc, size_t *at,
                          uint8_t *opcode, uint8_t *service_action)
{
    size_t end, pos = 5, seen = 0;

    if (desc->length < 5) {
        return false;
    }
    end = 5 + (size_t)desc->data[4];
    if (end > desc->length) {
        return false;
    }
    while (pos + 2 <= end) {
        size_t count = desc->data[pos + 1];

        if (pos + 2 + count > end) {
            return false;
        }
        if (*at - seen < count) {
            *opcode = desc->data[pos];
            *service_action = desc->data[pos + 2 + (*at - seen)];
            (*at)++;
            return true;
        }
        seen += count;
        pos += 2 + count;
    }
    return false;
}

static int parse_rod_limits(const OdxTpcDescriptor *d, OdxTpcLimits *limits,
                            OdxError *err)
{
    if (d->length < 0x24) {
        return odx_fail(err, ODX_IO, "VPD page 8Fh: the block device ROD "
                        "token limits descriptor has %zu bytes; the "
                        "standard says 36", d->length);
    }
    limits->has_rod_limits = true;
    limits->max_ranges = odx_get16(d->data + 10);
    limits->max_inactivity = odx_get32(d->data + 12);
    limits->default_inactivity = odx_get32(d->data + 16);
    limits->max_token_blocks = odx_get64(d->data + 20);
    limits->optimal_blocks = odx_get64(d->data + 28);
    return 0;
}

static void parse_commands(const OdxTpcDescriptor *d, OdxTpcLimits *limits)
{
    uint8_t opcode, sa;
    size_t at = 0;

    limits->has_commands = true;
    while (odx_tpc_next_command(d, &at, &opcode, &sa)) {
        if (opcode == OP_THIRD_PARTY_OUT && sa == SA_POPULATE_TOKEN) {
            limits->commands |= TPC_HAS_POPULATE;
        } else if (opcode == OP_THIRD_PARTY_OUT &&
                   sa == SA_WRITE_USING_TOKEN) {
            limits->commands |= TPC_HAS_WRITE_USING;
        } else if (opcode == OP_THIRD_PARTY_OUT &&
                   sa == SA_COPY_OPERATION_ABORT) {
            limits->commands |= TPC_HAS_ABORT;
        } else if (opcode == OP_THIRD_PARTY_IN &&
                   sa == SA_RECEIVE_ROD_TOKEN_INFORMATION) {
            limits->commands |= TPC_HAS_TOKEN_INFORMATION;
        }
    }
}

/* Block features start at byte 48: type 00h, length at 2, MAX BYTES at 8. */
static void parse_rod_features(const OdxTpcDescriptor *d,
                               OdxTpcLimits *limits)
{
    if (d->length >= 48 + 16 && d->data[48] == 0 &&
        odx_get16(d->data + 46) >= 16) {
        limits->has_block_features = true;
        limits->max_rod_bytes = odx_get64(d->data + 48 + 8);
    }
}

/* 64-byte entries from byte 8: type, then byte 4 bit 1 TOKEN_IN. */
static void parse_rod_types(const OdxTpcDescriptor *d, OdxTpcLimits *limits)
{
    size_t end;

    if (d->length < 8) {
        return;
    }
    end = 8 + (size_t)odx_get16(d->data + 6);
    if (end > d->length) {
        return;
    }
    limits->has_rod_types = true;
    for (size_t at = 8; at + 64 <= end; at += 64) {
        if (odx_get32(d->data + at) == ROD_TYPE_ZERO &&
            (d->data[at + 4] & 0x02)) {
            limits->zero_token = true;
        }
    }
}

int odx_tpc_parse(const uint8_t *page, size_t length, OdxTpcLimits *limits,
                  OdxError *err)
{
    OdxTpcDescriptor desc;
    size_t at = 0;
    int more;

    memset(limits, 0, sizeof(*limits));
    while ((more = odx_tpc_next(page, length, &at, &desc, err)) == 1) {
        switch (desc.type) {
        case TPC_BLOCK_ROD_LIMITS:
            if (parse_rod_limits(&desc, limits, err) < 0) {
                return -1;
            }
            break;
        case TPC_COMMANDS:
            parse_commands(&desc, limits);
            break;
        case TPC_ROD_FEATURES:
            parse_rod_features(&desc, limits);
            break;
        case TPC_ROD_TYPES:
            parse_rod_types(&desc, limits);
            break;
        default:
            break;
        }
    }
    return more;
}
