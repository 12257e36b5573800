/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * odxcopy: one SCSI command with its retries (SAM-5, SPC-4).
 */
#ifndef ODXCOPY_SCSI_H
#define ODXCOPY_SCSI_H

#include "transport.h"

/* SAM status bytes */
enum {
    SAM_GOOD = 0x00,
    SAM_CHECK_CONDITION = 0x02,
    SAM_CONDITION_MET = 0x04,
    SAM_BUSY = 0x08,
    SAM_RESERVATION_CONFLICT = 0x18,
    SAM_TASK_SET_FULL = 0x28,
    SAM_ACA_ACTIVE = 0x30,
    SAM_TASK_ABORTED = 0x40,
};

/* Sense keys */
enum {
    KEY_NO_SENSE = 0x0,
    KEY_RECOVERED_ERROR = 0x1,
    KEY_NOT_READY = 0x2,
    KEY_MEDIUM_ERROR = 0x3,
    KEY_HARDWARE_ERROR = 0x4,
    KEY_ILLEGAL_REQUEST = 0x5,
    KEY_UNIT_ATTENTION = 0x6,
    KEY_DATA_PROTECT = 0x7,
    KEY_COPY_ABORTED = 0xa,
    KEY_ABORTED_COMMAND = 0xb,
};

/* ASC and ASCQ as one number, as they are written in the standards */
#define ODX_ASC(asc, ascq) ((asc) << 8 | (ascq))

typedef struct OdxSense {
    bool valid;
    uint8_t key;
    uint16_t asc;           /* ASC << 8 | ASCQ */
    bool info_valid;        /* the VALID bit */
    uint64_t info;          /* INFORMATION, also when not VALID */
} OdxSense;

/* Fixed and descriptor format; false when @buf holds no sense data. */
bool odx_sense_parse(const uint8_t *buf, size_t length, OdxSense *sense);

/* A disk as far as commands need it. */
typedef struct OdxLun {
    OdxTransport *transport;
    OdxNode *node;
    const char *name;       /* as the user wrote it */
    bool changed;           /* a unit attention: limits may have changed */
} OdxLun;

enum { ODX_RUN_GOOD = 0, ODX_RUN_SENSE = 1 };

/*
 * Runs @cmd.  Unit attentions, busy states and aborted commands are tried
 * again, a bounded number of times; unit attentions that tell of a change
 * set lun->changed, and end a command that has cmd->replan set.
 * Returns ODX_RUN_GOOD, ODX_RUN_SENSE (@sense says why not), or -1 (@err).
 */
int odx_scsi_run(OdxLun *lun, OdxCommand *cmd, OdxSense *sense,
                 OdxError *err);

/* Prepares @cmd: CDB of @cdb_length bytes, all zero but the first. */
void odx_scsi_prepare(OdxCommand *cmd, uint8_t opcode, uint8_t cdb_length,
                      OdxDirection direction, void *data, uint32_t length,
                      uint32_t timeout_ms);

#endif
