/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * odxcopy: the answer of RECEIVE ROD TOKEN INFORMATION (SPC-4 6.24).
 * A pure function on a buffer that comes from a device and may lie.
 */
#ifndef ODXCOPY_RRTI_H
#define ODXCOPY_RRTI_H

#include "token.h"

/* COPY OPERATION STATUS */
enum {
    COPY_OK = 0x01,
    COPY_ERROR = 0x02,
    COPY_OK_PARTIAL = 0x03,
    COPY_OK_RESIDUAL = 0x04,
    COPY_RUNNING = 0x10,
    COPY_RUNNING_FOREGROUND = 0x11,
    COPY_RUNNING_BACKGROUND = 0x12,
    COPY_TERMINATED = 0x60,
};

typedef struct OdxRrti {
    uint8_t status;             /* COPY OPERATION STATUS */
    uint16_t operations;        /* OPERATION COUNTER */
    uint32_t delay_ms;          /* ESTIMATED STATUS UPDATE DELAY */
    uint64_t count;             /* TRANSFER COUNT, blocks */
    OdxSense sense;
    bool has_token;
    uint8_t token[ROD_TOKEN_SIZE];
} OdxRrti;

/*
 * Checks the @length bytes that a device gave about an operation that was
 * started with service action @sa over @asked blocks.  -1 (ODX_IO) when
 * they cannot be true.
 */
int odx_rrti_parse(const uint8_t *data, size_t length, uint8_t sa,
                   uint64_t asked, OdxRrti *out, OdxError *err);

static inline bool odx_rrti_running(const OdxRrti *r)
{
    return r->status >= COPY_RUNNING && r->status <= COPY_RUNNING_BACKGROUND;
}

#endif
