/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * odxcopy: the Third-Party Copy VPD page (8Fh; SPC-4 7.8.17, SBC-3 6.6.6).
 * Pure functions on buffers.  The page comes from a device and may lie.
 */
#ifndef ODXCOPY_TPC_H
#define ODXCOPY_TPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* Third-party copy descriptor types */
enum {
    TPC_BLOCK_ROD_LIMITS = 0x0000,
    TPC_COMMANDS = 0x0001,
    TPC_PARAMETERS = 0x0004,
    TPC_DESCRIPTORS = 0x0008,
    TPC_CSCD_IDS = 0x000c,
    TPC_ROD_FEATURES = 0x0106,
    TPC_ROD_TYPES = 0x0108,
    TPC_GENERAL = 0x8001,
    TPC_HELD_DATA = 0xc001,
};

/* Commands of interest, as bits */
enum {
    TPC_HAS_POPULATE = 1 << 0,
    TPC_HAS_WRITE_USING = 1 << 1,
    TPC_HAS_TOKEN_INFORMATION = 1 << 2,
    TPC_HAS_ABORT = 1 << 3,
};

/* What a copy has to respect; 0 stands for "not reported" throughout. */
typedef struct OdxTpcLimits {
    bool has_rod_limits;        /* descriptor 0000h is there */
    uint16_t max_ranges;        /* descriptors in one command */
    uint32_t max_inactivity;    /* s; FFFFFFFFh: no bound */
    uint32_t default_inactivity;    /* s */
    uint64_t max_token_blocks;
    uint64_t optimal_blocks;

    bool has_commands;          /* descriptor 0001h is there */
    uint32_t commands;          /* TPC_HAS_... */

    bool has_block_features;    /* descriptor 0106h with block features */
    uint64_t max_rod_bytes;

    bool has_rod_types;         /* descriptor 0108h is there */
    bool zero_token;            /* it lists the zero token as accepted */
} OdxTpcLimits;

typedef struct OdxTpcDescriptor {
    uint16_t type;
    const uint8_t *data;        /* the whole descriptor, header included */
    size_t length;              /* header included */
} OdxTpcDescriptor;

/*
 * Steps through the descriptors; *@at starts at 0.  1: *@desc is one;
 * 0: no more; -1: a length points outside of the page (@err).
 */
int odx_tpc_next(const uint8_t *page, size_t length, size_t *at,
                 OdxTpcDescriptor *desc, OdxError *err);

/*
 * Reads what a copy has to respect from a whole page.  -1 with ODX_IO when
 * the page contradicts itself.
 */
int odx_tpc_parse(const uint8_t *page, size_t length, OdxTpcLimits *limits,
                  OdxError *err);

/*
 * Steps through the (operation code, service action) pairs of descriptor
 * 0001h; *@at starts at 0.  False at the end, or where a length lies.
 */
bool odx_tpc_next_command(const OdxTpcDescriptor *desc, size_t *at,
                          uint8_t *opcode, uint8_t *service_action);

#endif
