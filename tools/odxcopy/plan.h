/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * odxcopy: which bytes go where, and in how large pieces.  Pure functions.
 */
#ifndef ODXCOPY_PLAN_H
#define ODXCOPY_PLAN_H

#include "device.h"
#include "token.h"

/* An operand as the user wrote it: PATH[:OFFSET[+LENGTH]]. */
typedef struct OdxOperand {
    char path[4096];
    uint64_t offset;        /* bytes */
    bool has_length;
    uint64_t length;        /* bytes */
} OdxOperand;

/* A number of bytes: digits, then nothing or one of K, M, G, T (binary). */
bool odx_size_parse(const char *text, uint64_t *bytes);

/*
 * Takes an operand apart.  The last ':' parts path and range, unless @text
 * as a whole names something that exists (by-path names hold colons).
 */
int odx_operand_parse(OdxTransport *t, const char *text, OdxOperand *out,
                      OdxError *err);

/* How many blocks one command may have, on one of the two disks. */
typedef struct OdxPieces {
    uint64_t blocks;            /* in one command */
    uint32_t range_blocks;      /* in one descriptor */
    unsigned ranges;            /* descriptors in one command, at most */
} OdxPieces;

typedef struct OdxWish {
    uint64_t chunk;             /* bytes; 0: OPTIMAL TRANSFER COUNT */
    unsigned descriptors;       /* 0: as few as possible */
    bool strict;                /* one token for all */
} OdxWish;

typedef struct OdxPlan {
    uint64_t src_offset, dst_offset, length;    /* bytes */
    uint64_t unit;              /* bytes: whole blocks of both disks */
    OdxPieces src, dst;
    OdxWish wish;
} OdxPlan;

/*
 * Fixes the ranges: capacity, block multiples, overlap on one disk.
 * @src may be NULL: zeroes are written.  Sets dst->write_first, write_end.
 */
int odx_plan_ranges(OdxPlan *plan, const OdxOperand *src_operand,
                    const OdxDevice *src, const OdxOperand *dst_operand,
                    OdxDevice *dst, OdxError *err);

/*
 * Fixes the pieces from what both disks announce; again after a change of
 * their limits.  @dst_operand's ranges must still lie on the disks.
 */
int odx_plan_pieces(OdxPlan *plan, const OdxDevice *src,
                    const OdxDevice *dst, OdxError *err);

/*
 * Cuts [@lba, @lba + @blocks) into descriptors of @pieces, at least
 * @descriptors of them where there are as many blocks.  Returns how many;
 * @ranges has room for ODX_MAX_RANGES.  @blocks is at most pieces->blocks.
 */
unsigned odx_plan_split(const OdxPieces *pieces, unsigned descriptors,
                        uint64_t lba, uint64_t blocks, OdxRange *ranges);

#endif
