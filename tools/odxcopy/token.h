/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * odxcopy: the commands of a token copy (SBC-3 5.13, 5.47; SPC-4 6.3, 6.24).
 *
 * An operation is started (POPULATE TOKEN, WRITE USING TOKEN) and then asked
 * for (RECEIVE ROD TOKEN INFORMATION) until it has ended, under a list
 * identifier of its own.  Both ways of starting, IMMED=0 and IMMED=1, give
 * the same OdxOpResult.
 */
#ifndef ODXCOPY_TOKEN_H
#define ODXCOPY_TOKEN_H

#include "device.h"

enum {
    OP_THIRD_PARTY_OUT = 0x83,
    OP_THIRD_PARTY_IN = 0x84,
    SA_POPULATE_TOKEN = 0x10,
    SA_WRITE_USING_TOKEN = 0x11,
    SA_COPY_OPERATION_ABORT = 0x1c,
    SA_RECEIVE_ROD_TOKEN_INFORMATION = 0x07,
};

#define ROD_TOKEN_SIZE 512
#define ROD_TOKEN_LENGTH_FIELD 0x01f8
#define ROD_TYPE_ZERO 0xffff0001u

/* Bound on the descriptors that one command is ever given. */
#define ODX_MAX_RANGES 1024

typedef struct OdxRange {
    uint64_t lba;
    uint32_t blocks;
} OdxRange;

typedef struct OdxSession {
    /* set at creation, never changed */
    OdxTransport *transport;
    bool immed;
    uint32_t command_timeout_ms;    /* also: no progress for that long */
    uint64_t abort_at_ms;           /* --abort-after; 0: never */
    void (*progress)(void *opaque, uint64_t blocks);    /* or NULL */
    void *progress_opaque;

    /* changes with each operation */
    uint32_t next_list_id;
    uint64_t populates, writes, polls;
} OdxSession;

typedef struct OdxOpResult {
    /*
     * Blocks that are good from the first descriptor on.  May be less than
     * asked for: then sense, if valid, says why.  A UNIT ATTENTION there
     * means that nothing was done and that limits may have changed.
     */
    uint64_t count;
    OdxSense sense;
    bool aborted;               /* COPY OPERATION ABORT or a reset ended it */
    bool lost;                  /* the device no longer knows the result */
    bool has_token;
    uint8_t token[ROD_TOKEN_SIZE];
} OdxOpResult;

/*
 * POPULATE TOKEN for @n ranges of @dev, then the token.  @timeout_s is the
 * INACTIVITY TIMEOUT.  0: it ended, see @result; -1: no way to know (@err).
 */
int odx_populate_token(OdxSession *s, OdxDevice *dev, const OdxRange *ranges,
                       unsigned n, uint32_t timeout_s, OdxOpResult *result,
                       OdxError *err);

/*
 * WRITE USING TOKEN into @n ranges of @dev, from block @offset (of @dev's
 * blocks) of the ROD on.  Ranges outside of dev->write_first ... write_end
 * are refused before anything is sent.
 */
int odx_write_using_token(OdxSession *s, OdxDevice *dev,
                          const uint8_t *token, uint64_t offset,
                          const OdxRange *ranges, unsigned n,
                          OdxOpResult *result, OdxError *err);

/*
 * Tells @dev to forget @token, by a WRITE USING TOKEN of no blocks with
 * DEL_TKN.  Not with the last write of data: should that one fall short, the
 * token would be gone before the rest is written.  Best effort: where it
 * fails the token ends by its inactivity timeout.
 */
void odx_delete_token(OdxSession *s, OdxDevice *dev, const uint8_t *token);

/* The block device zero token (SBC-3: type and length, nothing else). */
void odx_zero_token(uint8_t token[ROD_TOKEN_SIZE]);

/* The token ended (revoked, expired, ...); a new one may do. */
bool odx_sense_token_gone(const OdxSense *sense);

#endif
