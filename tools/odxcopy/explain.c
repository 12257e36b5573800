/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of refusals.  Order does not matter: odx_explain_find() takes
 * the row that fits most narrowly.  Codes: SPC-4 annex of ASC/ASCQ; their
 * sense in a token copy: SBC-3, POPULATE TOKEN and WRITE USING TOKEN.
 */
#include <stdio.h>

#include "explain.h"

#define ANY (-1)
#define ROW(key, asc, ascq, meaning, mend) \
    { key, ODX_ASC(asc, ascq), meaning, mend }

#define REPORT \
    "This is a fault of odxcopy or of the device: please report it, with " \
    "the output of odxcopy --info for both devices"
#define AGAIN "Run the command again"

static const OdxExplanation explanations[] = {
    /* parameter list and CDB */
    ROW(KEY_ILLEGAL_REQUEST, 0x1a, 0x00,
        "the device says that the parameter list has a wrong length", REPORT),
    ROW(KEY_ILLEGAL_REQUEST, 0x26, 0x00,
        "the device does not accept a value in the parameter list: a range "
        "longer than it takes, a block listed twice, a timeout that is too "
        "long, or an offset beyond the token's end",
        "Compare with odxcopy --info; try a smaller --chunk, or --timeout 0"),
    ROW(KEY_ILLEGAL_REQUEST, 0x26, 0x04,
        "the device refuses the alignment of a range",
        "Choose offsets and length that are multiples of the optimal "
        "granularity that odxcopy --info shows"),
    ROW(KEY_ILLEGAL_REQUEST, 0x26, 0x06,
        "the device takes fewer copy targets in one command", REPORT),
    ROW(KEY_ILLEGAL_REQUEST, 0x26, 0x07,
        "the device does not know this kind of copy target descriptor",
        REPORT),
    ROW(KEY_ILLEGAL_REQUEST, 0x26, 0x08,
        "there are more range descriptors than the device takes in one "
        "command", "Use a smaller --descriptors"),
    ROW(KEY_ILLEGAL_REQUEST, 0x26, 0x09,
        "the device does not know this kind of segment descriptor", REPORT),
    ROW(ANY, 0x26, 0x0a,
        "the range does not end on a block of the destination",
        "Choose a length that is a multiple of both block sizes"),
    ROW(KEY_ILLEGAL_REQUEST, 0x26, 0x0b,
        "the device takes no inline data", REPORT),
    ROW(ANY, 0x26, 0x0d,
        "the range does not fit the granularity of the device",
        "Choose offsets and length that are multiples of the granularity "
        "that odxcopy --info shows"),
    ROW(KEY_ILLEGAL_REQUEST, 0x21, 0x00,
        "the range reaches beyond the end of the disk",
        "The disk may have shrunk: look at its size with odxcopy --info"),
    ROW(KEY_ILLEGAL_REQUEST, 0x20, 0x00,
        "the device does not know this command: it has no copy by token, "
        "or an adapter on the way (IDE, USB) does not let it pass",
        "Attach the disk to a controller that supports copy by token, or "
        "copy with dd"),
    ROW(KEY_ILLEGAL_REQUEST, 0x24, 0x00,
        "the device does not accept the command; for a question about an "
        "operation this means that it knows no operation with this list "
        "identifier on this path",
        "Use the same path for all commands of a copy, and " AGAIN),
    ROW(KEY_ILLEGAL_REQUEST, 0x25, 0x00,
        "there is no such logical unit (any more)",
        "Look whether the disk was unplugged"),
    ROW(KEY_ILLEGAL_REQUEST, 0x00, 0x16,
        "another operation with the same list identifier is in progress",
        "Wait for it to end, or choose another --list-id"),

    /* tokens */
    ROW(KEY_ILLEGAL_REQUEST, 0x23, 0x00,
        "the token was refused, and the device does not say why", AGAIN),
    ROW(KEY_ILLEGAL_REQUEST, 0x23, 0x01,
        "the destination does not support this type of ROD token",
        "Source and destination do not understand each other: copy with dd"),
    ROW(KEY_ILLEGAL_REQUEST, 0x23, 0x02,
        "the token comes from another copy manager, and the destination "
        "takes no foreign tokens",
        "Put both disks under one hypervisor or storage system, or copy "
        "with dd"),
    ROW(KEY_ILLEGAL_REQUEST, 0x23, 0x03,
        "the device cannot create a token for a disk of another device",
        "Send the command to the disk itself"),
    ROW(KEY_ILLEGAL_REQUEST, 0x23, 0x04,
        "the copy manager does not know the token: it was never made here, "
        "or it was lost when the machine moved or restarted", AGAIN),
    ROW(KEY_ILLEGAL_REQUEST, 0x23, 0x05,
        "the token is corrupt",
        "Something altered the token on its way: " AGAIN ", and report it "
        "if it happens again"),
    ROW(KEY_ILLEGAL_REQUEST, 0x23, 0x06,
        "the token was revoked: the source was written since the token was "
        "made", "Stop the writers of the source, or copy without --strict"),
    ROW(KEY_ILLEGAL_REQUEST, 0x23, 0x07,
        "the token expired: it was not used for longer than its inactivity "
        "timeout", "Give a longer --timeout"),
    ROW(KEY_ILLEGAL_REQUEST, 0x23, 0x08,
        "the token was cancelled by the copy manager", AGAIN),
    ROW(KEY_ILLEGAL_REQUEST, 0x23, 0x09,
        "the token was deleted", AGAIN),
    ROW(KEY_ILLEGAL_REQUEST, 0x23, 0x0a,
        "the token has a wrong length", REPORT),
    ROW(ANY, 0x55, 0x0c,
        "the device has no resources left to represent the source data",
        "Wait until other copies end, or copy less at once (--chunk)"),
    ROW(ANY, 0x55, 0x0d,
        "the device has no resources left for another token",
        "Wait until other tokens end, or ask for a higher limit of tokens "
        "per disk"),

    /* the copy itself */
    ROW(ANY, 0x55, 0x03,
        "the copy ran out of resources, most often of space below the "
        "destination disk",
        "Make room where the destination is stored, then " AGAIN),
    ROW(ANY, 0x0d, 0x00,
        "the copy manager met an error at the source or the destination",
        "Look for errors of the disks on the host"),
    ROW(ANY, 0x0d, 0x01,
        "a disk failed while the copy manager read or wrote it",
        "Look for errors of the disks on the host"),
    ROW(ANY, 0x0d, 0x02,
        "the copy manager cannot reach the source of the data",
        "The source disk may have been unplugged, or is not reachable from "
        "the destination's host: copy with dd"),
    ROW(ANY, 0x0d, 0x03,
        "the source is not the type of device that was expected", REPORT),
    ROW(ANY, 0x0d, 0x04,
        "the copy ended before all data was moved", AGAIN),
    ROW(ANY, 0x0d, 0x05,
        "the source gave more data than was asked for", REPORT),
    ROW(ANY, 0x08, 0x04,
        "the copy manager cannot reach one of the disks",
        "Look whether both disks are attached and answer"),
    ROW(ANY, 0x2f, 0x02,
        "the device cleared the command: the operation was aborted", AGAIN),
    ROW(ANY, 0x2f, 0x00,
        "another initiator cleared the command", AGAIN),
    ROW(ANY, 0x11, 0x00,
        "the source has a block that cannot be read",
        "Copy around it, or rescue the disk first"),
    ROW(ANY, 0x0c, 0x00,
        "the destination has a block that cannot be written",
        "Look for errors of the disk on the host"),

    /* protection */
    ROW(KEY_DATA_PROTECT, 0x27, 0x00,
        "the destination is write-protected",
        "Attach the disk writable, or choose another destination"),
    ROW(KEY_DATA_PROTECT, 0x27, 0x07,
        "the storage below the destination has no space left",
        "Make room where the destination is stored, then " AGAIN),

    /* the state of the disk */
    ROW(KEY_NOT_READY, 0x3a, 0x00,
        "there is no medium in the device", "Insert a medium"),
    ROW(KEY_UNIT_ATTENTION, 0x29, 0x00,
        "the device was reset again and again",
        "Look why the disk is reset (kernel log), then " AGAIN),
    ROW(KEY_UNIT_ATTENTION, 0x2a, 0x09,
        "the capacity of the disk changes again and again",
        "Wait until the resize has ended"),

    /* a key alone */
    { KEY_NOT_READY, ANY, "the disk is not ready",
      "Wait until it is, then run the command again" },
    { KEY_MEDIUM_ERROR, ANY, "the disk cannot read or write a block",
      "Look for errors of the disk on the host" },
    { KEY_HARDWARE_ERROR, ANY, "the disk reports a hardware error",
      "Look for errors of the disk on the host" },
    { KEY_ILLEGAL_REQUEST, ANY, "the device refuses the command", REPORT },
    { KEY_UNIT_ATTENTION, ANY, "the state of the device keeps changing",
      "Look at the kernel log, then run the command again" },
    { KEY_DATA_PROTECT, ANY, "the disk is protected",
      "Attach the disk writable, or choose another destination" },
    { KEY_COPY_ABORTED, ANY, "the copy manager broke off the copy",
      "Look for errors of the disks on the host" },
    { KEY_ABORTED_COMMAND, ANY, "the device broke off the command", AGAIN },
    { ANY, ANY, "the device reports an error that odxcopy does not know",
      REPORT },
};

const OdxExplanation *odx_explain_find(uint8_t key, uint16_t asc)
{
    const size_t n = sizeof(explanations) / sizeof(explanations[0]);
    const OdxExplanation *best = &explanations[n - 1];
    int best_score = 0;

    for (size_t i = 0; i < n; i++) {
        const OdxExplanation *row = &explanations[i];
        int score;

        if ((row->key != ANY && row->key != key) ||
            (row->asc != ANY && row->asc != asc)) {
            continue;
        }
        score = (row->asc != ANY ? 2 : 0) + (row->key != ANY ? 1 : 0);
        if (score > best_score) {
            best = row;
            best_score = score;
        }
    }
    return best;
}

int odx_explain(OdxError *err, OdxExit code, const char *name,
                const char *command, const OdxSense *sense)
{
    const OdxExplanation *row = odx_explain_find(sense->key, sense->asc);

    return odx_fail(err, code, "%s: %s: %s (sense %X/%02X/%02X). %s.",
                    name, command, row->meaning, sense->key,
                    sense->asc >> 8, sense->asc & 0xff, row->mend);
}

const char *odx_explain_status(uint8_t status)
{
    switch (status) {
    case SAM_BUSY:
        return "the device stays busy. Wait a while, then run the command "
               "again.";
    case SAM_RESERVATION_CONFLICT:
        return "another initiator holds a reservation of the disk "
               "(RESERVATION CONFLICT). Copy from the machine that holds "
               "it, or release it.";
    case SAM_TASK_SET_FULL:
        return "the device takes no more commands (TASK SET FULL). Wait a "
               "while, then run the command again.";
    case SAM_ACA_ACTIVE:
        return "the device waits for an earlier error to be cleared (ACA "
               "ACTIVE). Clear it, then run the command again.";
    case SAM_TASK_ABORTED:
        return "someone aborted the command (TASK ABORTED). Run it again.";
    default:
        return "the device ended a command with a status that no standard "
               "knows.";
    }
}
