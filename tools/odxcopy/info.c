/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <string.h>

#include "bytes.h"
#include "info.h"
#include "progress.h"
#include "token.h"

typedef unsigned long long ull;

static void row(FILE *out, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void row(FILE *out, const char *name, const char *fmt, ...)
{
    va_list ap;

    fprintf(out, "  %-36s ", name);
    va_start(ap, fmt);
    vfprintf(out, fmt, ap);
    va_end(ap);
    fputc('\n', out);
}

static void row_blocks(FILE *out, const char *name, uint64_t blocks,
                       uint32_t block_length)
{
    char size[32];

    if (!blocks) {
        row(out, name, "not reported");
        return;
    }
    row(out, name, "%llu blocks (%s)", (ull)blocks,
        odx_human(size, odx_mul_sat(blocks, block_length)));
}

static void row_bytes(FILE *out, const char *name, uint64_t bytes)
{
    char size[32];

    if (!bytes) {
        row(out, name, "not reported");
        return;
    }
    row(out, name, "%llu bytes (%s)", (ull)bytes, odx_human(size, bytes));
}

static void row_seconds(FILE *out, const char *name, uint32_t s)
{
    if (s == 0) {
        row(out, name, "not reported");
    } else if (s == UINT32_MAX) {
        row(out, name, "no bound");
    } else {
        row(out, name, "%u s", s);
    }
}

static void print_rod_limits(FILE *out, const OdxDevice *dev)
{
    const OdxTpcLimits *l = &dev->limits;

    if (l->max_ranges) {
        row(out, "maximum range descriptors", "%u", l->max_ranges);
    } else {
        row(out, "maximum range descriptors", "not reported");
    }
    row_seconds(out, "maximum inactivity timeout", l->max_inactivity);
    row_seconds(out, "default inactivity timeout", l->default_inactivity);
    row_blocks(out, "maximum token transfer size", l->max_token_blocks,
               dev->block_length);
    row_blocks(out, "optimal transfer count", l->optimal_blocks,
               dev->block_length);
}

static const char *command_name(uint8_t opcode, uint8_t sa)
{
    static const struct {
        uint8_t opcode, sa;
        const char *name;
    } names[] = {
        { 0x83, 0x00, "EXTENDED COPY(LID1)" },
        { 0x83, 0x01, "EXTENDED COPY(LID4)" },
        { 0x83, 0x10, "POPULATE TOKEN" },
        { 0x83, 0x11, "WRITE USING TOKEN" },
        { 0x83, 0x1c, "COPY OPERATION ABORT" },
        { 0x84, 0x00, "RECEIVE COPY STATUS(LID1)" },
        { 0x84, 0x01, "RECEIVE COPY DATA(LID1)" },
        { 0x84, 0x03, "RECEIVE COPY OPERATING PARAMETERS" },
        { 0x84, 0x04, "RECEIVE COPY FAILURE DETAILS(LID1)" },
        { 0x84, 0x05, "RECEIVE COPY STATUS(LID4)" },
        { 0x84, 0x06, "RECEIVE COPY DATA(LID4)" },
        { 0x84, 0x07, "RECEIVE ROD TOKEN INFORMATION" },
        { 0x84, 0x08, "REPORT ALL ROD TOKENS" },
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].opcode == opcode && names[i].sa == sa) {
            return names[i].name;
        }
    }
    return "unknown";
}

static void print_commands(FILE *out, const OdxTpcDescriptor *d)
{
    uint8_t opcode, sa;
    char code[16];
    size_t at = 0;

    while (odx_tpc_next_command(d, &at, &opcode, &sa)) {
        snprintf(code, sizeof(code), "%02Xh/%02Xh", opcode, sa);
        row(out, code, "%s", command_name(opcode, sa));
    }
}

static void print_parameters(FILE *out, const OdxTpcDescriptor *d)
{
    if (d->length >= 20) {
        row(out, "maximum CSCD descriptors", "%u", odx_get16(d->data + 8));
        row(out, "maximum segment descriptors", "%u",
            odx_get16(d->data + 10));
        row(out, "maximum descriptor list", "%u bytes",
            odx_get32(d->data + 12));
        row(out, "maximum inline data", "%u bytes", odx_get32(d->data + 16));
    }
}

static void print_codes(FILE *out, const OdxTpcDescriptor *d)
{
    size_t end = d->length >= 5 ? 5 + (size_t)d->data[4] : 0;

    for (size_t at = 5; at < end && at < d->length; at++) {
        row(out, "supported descriptor type", "%02Xh (%s)", d->data[at],
            d->data[at] >= 0xe0 ? "copy target" : "segment");
    }
}

static void print_cscd_ids(FILE *out, const OdxTpcDescriptor *d)
{
    size_t end = d->length >= 6 ? 6 + (size_t)odx_get16(d->data + 4) : 0;

    for (size_t at = 6; at + 2 <= end && at + 2 <= d->length; at += 2) {
        uint16_t id = odx_get16(d->data + at);

        row(out, "supported CSCD identifier", "%04Xh%s", id,
            id == 0xffff ? " (this disk)" :
            id == 0xf800 ? " (disk of a ROD token)" :
            id == 0xc000 ? " (null)" : "");
    }
}

static void print_rod_features(FILE *out, const OdxDevice *dev,
                               const OdxTpcDescriptor *d)
{
    const uint8_t *f = d->data + 48;

    if (d->length < 48) {
        return;
    }
    row(out, "remote tokens", "%u", d->data[4] & 0xf);
    row_seconds(out, "minimum token lifetime", odx_get32(d->data + 16));
    row_seconds(out, "maximum token lifetime", odx_get32(d->data + 20));
    row_seconds(out, "maximum token inactivity timeout",
                odx_get32(d->data + 24));
    if (d->length >= 48 + 40 && f[0] == 0) {
        row_blocks(out, "optimal granularity", odx_get16(f + 6),
                   dev->block_length);
        row_bytes(out, "maximum bytes in a ROD", odx_get64(f + 8));
        row_bytes(out, "optimal bytes in a transfer", odx_get64(f + 16));
        row_bytes(out, "optimal bytes to a token", odx_get64(f + 24));
        row_bytes(out, "optimal bytes from a token", odx_get64(f + 32));
    }
}

static const char *rod_type_name(uint32_t type)
{
    switch (type) {
    case 0x00000000:
        return "copy manager internal";
    case 0x00010000:
        return "access upon reference";
    case 0x00800000:
        return "point in time, default";
    case 0x00800001:
        return "point in time, change vulnerable";
    case 0x00800002:
        return "point in time, persistent";
    case 0x0080ffff:
        return "point in time, any";
    case ROD_TYPE_ZERO:
        return "block device zero";
    default:
        return "unknown";
    }
}

static void print_rod_types(FILE *out, const OdxTpcDescriptor *d)
{
    size_t end = d->length >= 8 ? 8 + (size_t)odx_get16(d->data + 6) : 0;

    for (size_t at = 8; at + 64 <= end && at + 64 <= d->length; at += 64) {
        const uint8_t *t = d->data + at;

        row(out, "ROD type", "%08Xh %s:%s%s%s preference %u", odx_get32(t),
            rod_type_name(odx_get32(t)), t[4] & 0x80 ? " internal" : "",
            t[4] & 0x02 ? " accepted" : "", t[4] & 0x01 ? " created" : "",
            odx_get16(t + 6));
    }
}

static void print_general(FILE *out, const OdxTpcDescriptor *d)
{
    if (d->length >= 18) {
        row(out, "concurrent copies", "%u", odx_get32(d->data + 4));
        row(out, "maximum identified copies", "%u", odx_get32(d->data + 8));
        row_bytes(out, "maximum segment length", odx_get32(d->data + 12));
        row(out, "data segment granularity", "2^%u bytes", d->data[16]);
        row(out, "inline data granularity", "2^%u bytes", d->data[17]);
    }
}

static void print_held_data(FILE *out, const OdxTpcDescriptor *d)
{
    if (d->length >= 9) {
        row(out, "held data limit", "%u bytes", odx_get32(d->data + 4));
        row(out, "held data granularity", "2^%u bytes", d->data[8]);
    }
}

static void print_descriptor(FILE *out, const OdxDevice *dev,
                             const OdxTpcDescriptor *d)
{
    switch (d->type) {
    case TPC_BLOCK_ROD_LIMITS:
        fprintf(out, "Tokens (0000h)\n");
        print_rod_limits(out, dev);
        break;
    case TPC_COMMANDS:
        fprintf(out, "Commands (0001h)\n");
        print_commands(out, d);
        break;
    case TPC_PARAMETERS:
        fprintf(out, "Parameter data (0004h)\n");
        print_parameters(out, d);
        break;
    case TPC_DESCRIPTORS:
        fprintf(out, "Descriptors (0008h)\n");
        print_codes(out, d);
        break;
    case TPC_CSCD_IDS:
        fprintf(out, "Copy target identifiers (000Ch)\n");
        print_cscd_ids(out, d);
        break;
    case TPC_ROD_FEATURES:
        fprintf(out, "ROD token features (0106h)\n");
        print_rod_features(out, dev, d);
        break;
    case TPC_ROD_TYPES:
        fprintf(out, "ROD types (0108h)\n");
        print_rod_types(out, d);
        break;
    case TPC_GENERAL:
        fprintf(out, "General copy operations (8001h)\n");
        print_general(out, d);
        break;
    case TPC_HELD_DATA:
        fprintf(out, "Held data (C001h)\n");
        print_held_data(out, d);
        break;
    default:
        fprintf(out, "Descriptor %04Xh, %zu bytes\n", d->type, d->length);
        break;
    }
}

static void print_identity(FILE *out, const OdxDevice *dev)
{
    for (unsigned i = 0; i < dev->n_designators; i++) {
        const OdxDesignator *d = &dev->designators[i];
        char text[2 * 255 + 1];

        for (unsigned j = 0; j < d->length; j++) {
            snprintf(text + 2 * j, 3, "%02x", d->bytes[j]);
        }
        row(out, d->type == 3 ? "NAA identifier" :
            d->type == 2 ? "EUI-64 identifier" : "other identifier", "%s",
            text);
    }
}

void odx_info_print(FILE *out, const OdxDevice *dev)
{
    OdxTpcDescriptor desc;
    OdxError ignored;
    size_t at = 0;
    char size[32];

    fprintf(out, "%s: %s %s %s\n", dev->lun.name, dev->vendor, dev->product,
            dev->revision);
    row(out, "capacity", "%llu blocks of %u bytes (%s)", (ull)dev->blocks,
        dev->block_length, odx_human(size, odx_device_bytes(dev)));
    print_identity(out, dev);
    row_blocks(out, "maximum transfer length", dev->max_transfer_blocks,
               dev->block_length);
    row(out, "third-party copy (3PC)", "%s", dev->third_party ? "yes" : "no");
    if (!dev->tpc_page) {
        row(out, "VPD page 8Fh", "none");
        return;
    }
    while (odx_tpc_next(dev->tpc_page, dev->tpc_length, &at, &desc,
                        &ignored) == 1) {
        print_descriptor(out, dev, &desc);
    }
}
