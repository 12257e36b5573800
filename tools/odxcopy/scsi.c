/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "bytes.h"
#include "explain.h"
#include "scsi.h"

/* Bounds on trying again; each kind has its own count. */
enum {
    MAX_ATTENTIONS = 16,
    MAX_BUSY = 8,
    MAX_ABORTED = 2,
    MAX_NOT_READY = 20,
    NOT_READY_WAIT_MS = 500,
    BUSY_WAIT_MS = 50,          /* doubled each time */
};

typedef struct Tries {
    unsigned attentions, busy, aborted, not_ready;
} Tries;

/* INFORMATION of descriptor format sense: the descriptor of type 0. */
static void sense_find_information(const uint8_t *buf, size_t length,
                                   OdxSense *sense)
{
    size_t end = length < 8 ? length : 8 + (size_t)buf[7];
    size_t at = 8;

    if (end > length) {
        end = length;
    }
    while (at + 2 <= end) {
        size_t size = 2 + (size_t)buf[at + 1];

        if (at + size > end) {
            return;
        }
        if (buf[at] == 0 && size >= 12) {
            sense->info_valid = buf[at + 2] & 0x80;
            sense->info = odx_get64(buf + at + 4);
            return;
        }
        at += size;
    }
}

bool odx_sense_parse(const uint8_t *buf, size_t length, OdxSense *sense)
{
    memset(sense, 0, sizeof(*sense));
    if (length < 1) {
        return false;
    }
    switch (buf[0] & 0x7f) {
    case 0x70:
    case 0x71:
        if (length < 8) {
            return false;
        }
        sense->key = buf[2] & 0xf;
        sense->info_valid = buf[0] & 0x80;
        sense->info = odx_get32(buf + 3);
        if (length >= 14) {
            sense->asc = odx_get16(buf + 12);
        }
        break;
    case 0x72:
    case 0x73:
        if (length < 4) {
            return false;
        }
        sense->key = buf[1] & 0xf;
        sense->asc = odx_get16(buf + 2);
        sense_find_information(buf, length, sense);
        break;
    default:
        return false;
    }
    sense->valid = true;
    return true;
}

void odx_scsi_prepare(OdxCommand *cmd, uint8_t opcode, uint8_t cdb_length,
                      OdxDirection direction, void *data, uint32_t length,
                      uint32_t timeout_ms)
{
    memset(cmd, 0, sizeof(*cmd));
    cmd->cdb[0] = opcode;
    cmd->cdb_length = cdb_length;
    cmd->direction = direction;
    cmd->data = data;
    cmd->length = length;
    cmd->timeout_ms = timeout_ms;
}

/* A status that passes by itself: waits, then true, while tries are left. */
static bool busy_again(OdxLun *lun, Tries *tries)
{
    if (++tries->busy > MAX_BUSY ||
        lun->transport->interrupted(lun->transport)) {
        return false;
    }
    lun->transport->sleep_ms(lun->transport,
                             BUSY_WAIT_MS << (tries->busy - 1));
    return true;
}

static bool not_ready_again(OdxLun *lun, Tries *tries)
{
    if (++tries->not_ready > MAX_NOT_READY ||
        lun->transport->interrupted(lun->transport)) {
        return false;
    }
    lun->transport->sleep_ms(lun->transport, NOT_READY_WAIT_MS);
    return true;
}

/* Whether a CHECK CONDITION is worth the same command once more. */
static bool sense_again(OdxLun *lun, const OdxCommand *cmd,
                        const OdxSense *sense, Tries *tries)
{
    switch (sense->key) {
    case KEY_UNIT_ATTENTION:
        /* 2A: parameters or capacity changed; 3F: INQUIRY data changed */
        if (sense->asc >> 8 == 0x2a || sense->asc >> 8 == 0x3f) {
            lun->changed = true;
            if (cmd->replan) {
                return false;
            }
        }
        return ++tries->attentions <= MAX_ATTENTIONS;
    case KEY_NOT_READY:
        return sense->asc == ODX_ASC(0x04, 0x01) &&
               not_ready_again(lun, tries);
    case KEY_ABORTED_COMMAND:
        /* 0D: says how far it came; 55: no resources.  Both are answers. */
        return sense->asc >> 8 != 0x0d && sense->asc >> 8 != 0x55 &&
               ++tries->aborted <= MAX_ABORTED &&
               !lun->transport->interrupted(lun->transport);
    default:
        return false;
    }
}

/* 1: once more; 0: the end, *result is set. */
static int judge(OdxLun *lun, OdxCommand *cmd, OdxSense *sense, Tries *tries,
                 int *result, OdxError *err)
{
    switch (cmd->status) {
    case SAM_GOOD:
    case SAM_CONDITION_MET:
        *result = ODX_RUN_GOOD;
        return 0;
    case SAM_CHECK_CONDITION:
        if (!odx_sense_parse(cmd->sense, cmd->sense_length, sense)) {
            *result = odx_fail(err, ODX_IO, "%s: a command (operation code "
                               "%02Xh) failed without sense data that could "
                               "say why", lun->name, cmd->cdb[0]);
            return 0;
        }
        if (sense->key == KEY_RECOVERED_ERROR) {
            *result = ODX_RUN_GOOD;
            return 0;
        }
        *result = ODX_RUN_SENSE;
        return sense_again(lun, cmd, sense, tries);
    case SAM_BUSY:
    case SAM_TASK_SET_FULL:
    case SAM_ACA_ACTIVE:
        if (busy_again(lun, tries)) {
            return 1;
        }
        break;
    case SAM_TASK_ABORTED:
        if (++tries->aborted <= MAX_ABORTED &&
            !lun->transport->interrupted(lun->transport)) {
            return 1;
        }
        break;
    default:
        break;
    }
    *result = odx_fail(err, ODX_FAILED, "%s: %s (operation code %02Xh, "
                       "status %02Xh)", lun->name,
                       odx_explain_status(cmd->status), cmd->cdb[0],
                       cmd->status);
    return 0;
}

int odx_scsi_run(OdxLun *lun, OdxCommand *cmd, OdxSense *sense,
                 OdxError *err)
{
    Tries tries = { 0 };
    int result = -1;

    do {
        memset(sense, 0, sizeof(*sense));
        cmd->status = SAM_GOOD;
        cmd->sense_length = 0;
        cmd->transferred = 0;
        if (lun->transport->execute(lun->transport, lun->node, cmd,
                                    err) < 0) {
            return -1;
        }
        if (cmd->transferred > cmd->length) {
            cmd->transferred = cmd->length;
        }
        if (cmd->sense_length > sizeof(cmd->sense)) {
            cmd->sense_length = sizeof(cmd->sense);
        }
    } while (judge(lun, cmd, sense, &tries, &result, err));
    return result;
}
