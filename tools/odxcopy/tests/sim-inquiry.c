/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the simulated disks say about themselves. */
#include <string.h>

#include "bytes.h"
#include "scsi.h"
#include "sim.h"

static size_t put_page_8f(const SimDisk *d, uint8_t *page)
{
    size_t at = 4;

    if (d->rod_limits) {
        odx_put16(page + at + 2, 0x20);
        odx_put16(page + at + 10, d->max_ranges);
        odx_put32(page + at + 12, d->max_inactivity);
        odx_put32(page + at + 16, 30);
        odx_put64(page + at + 20, d->max_token_blocks);
        odx_put64(page + at + 28, d->optimal_blocks);
        at += 0x24;
    }
    odx_put16(page + at, 0x0001);
    odx_put16(page + at + 2, 12);
    page[at + 4] = 8;
    if (d->lists_commands) {
        memcpy(page + at + 5, "\x83\x03\x10\x11\x1c\x84\x01\x07", 8);
    } else {
        memcpy(page + at + 5, "\x83\x03\x00\x01\x02\x84\x01\x00", 8);
    }
    at += 16;
    if (d->block_features) {
        odx_put16(page + at, 0x0106);
        odx_put16(page + at + 2, 92);
        odx_put16(page + at + 46, 48);
        odx_put16(page + at + 50, 0x2c);
        odx_put64(page + at + 56, d->max_rod_bytes);
        at += 96;
    }
    if (d->rod_types) {
        odx_put16(page + at, 0x0108);
        odx_put16(page + at + 2, 68);
        odx_put16(page + at + 6, 64);
        odx_put32(page + at + 8, d->rod_types);
        page[at + 12] = 0x02;
        at += 72;
    }
    if (d->page_8f_padding) {
        odx_put16(page + at, 0xfff0);
        odx_put16(page + at + 2, (uint16_t)d->page_8f_padding);
        at += 4 + d->page_8f_padding;
    }
    return at;
}

static void inquiry_page(SimDisk *d, OdxCommand *cmd)
{
    static uint8_t page[70000];
    uint8_t code = cmd->cdb[2];
    size_t at = 4;

    memset(page, 0, sizeof(page));
    switch (code) {
    case 0x00:
        page[at++] = 0x00;
        page[at++] = 0x83;
        if (d->page_8f) {
            page[at++] = 0x8f;
        }
        page[at++] = 0xb0;
        break;
    case 0x83:
        if (d->naa) {
            page[at] = 1;
            page[at + 1] = 3;
            page[at + 3] = 8;
            odx_put64(page + at + 4, d->naa);
            at += 12;
        }
        break;
    case 0x8f:
        at = put_page_8f(d, page);
        break;
    case 0xb0:
        odx_put32(page + 8, d->max_transfer_blocks);
        at = 64;
        break;
    default:
        sim_sense(cmd, KEY_ILLEGAL_REQUEST, 0x2400, false, 0);
        return;
    }
    page[1] = code;
    odx_put16(page + 2, (uint16_t)(at - 4));
    sim_give(cmd, page, at);
}

void sim_inquiry(SimDisk *d, OdxCommand *cmd)
{
    uint8_t data[36] = { 0 };

    if (cmd->cdb[1] & 1) {
        inquiry_page(d, cmd);
        return;
    }
    data[0] = d->peripheral;
    data[4] = 31;
    data[5] = d->third_party ? 0x08 : 0;
    memcpy(data + 8, "SIM     DISK            1   ", 28);
    sim_give(cmd, data, sizeof(data));
}
