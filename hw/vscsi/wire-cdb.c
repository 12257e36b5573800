/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * CDBs of 83h THIRD-PARTY COPY OUT and 84h THIRD-PARTY COPY IN, 16 bytes:
 *   0      OPERATION CODE
 *   1      SERVICE ACTION (bits 4:0)
 *   ..     LIST IDENTIFIER: bytes 6-9 in POPULATE TOKEN and WRITE USING
 *          TOKEN, 2-5 in the other commands with 32-bit identifiers, 2 in
 *          the (LID1) ones
 *   10-13  PARAMETER LIST LENGTH (83h) or ALLOCATION LENGTH (84h)
 *   14     GROUP NUMBER (bits 4:0; POPULATE TOKEN, WRITE USING TOKEN)
 *   15     CONTROL
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/vscsi/wire.h"

#define CDB_SA_MASK 0x1f
#define CDB_GROUP_MASK 0x1f
#define CDB_CONTROL 15
#define CDB_CONTROL_NACA 0x04
#define CDB_CONTROL_NACA_BIT 2

typedef struct CommandLayout {
    const char *name;
    uint8_t opcode;
    uint8_t sa;
    uint8_t list_id_offset;
    uint8_t list_id_len;
    bool has_length;
    bool has_group;
    uint32_t features;          /* any of these makes the command known */
} CommandLayout;

static const CommandLayout layouts[VSCSI_CMD__MAX] = {
    [VSCSI_CMD_EXTENDED_COPY_LID1] = {
        "EXTENDED COPY(LID1)",
        VSCSI_OP_THIRD_PARTY_COPY_OUT, VSCSI_SA_EXTENDED_COPY_LID1,
        0, 0, true, false, VSCSI_FEATURE_XCOPY,
    },
    [VSCSI_CMD_POPULATE_TOKEN] = {
        "POPULATE TOKEN",
        VSCSI_OP_THIRD_PARTY_COPY_OUT, VSCSI_SA_POPULATE_TOKEN,
        6, 4, true, true, VSCSI_FEATURE_TOKEN,
    },
    [VSCSI_CMD_WRITE_USING_TOKEN] = {
        "WRITE USING TOKEN",
        VSCSI_OP_THIRD_PARTY_COPY_OUT, VSCSI_SA_WRITE_USING_TOKEN,
        6, 4, true, true, VSCSI_FEATURE_TOKEN,
    },
    [VSCSI_CMD_COPY_OPERATION_ABORT] = {
        "COPY OPERATION ABORT",
        VSCSI_OP_THIRD_PARTY_COPY_OUT, VSCSI_SA_COPY_OPERATION_ABORT,
        2, 4, false, false, VSCSI_FEATURE_ABORT,
    },
    [VSCSI_CMD_RECEIVE_COPY_STATUS_LID1] = {
        "RECEIVE COPY STATUS(LID1)",
        VSCSI_OP_THIRD_PARTY_COPY_IN, VSCSI_SA_RECEIVE_COPY_STATUS_LID1,
        2, 1, true, false, VSCSI_FEATURE_XCOPY,
    },
    [VSCSI_CMD_RECEIVE_COPY_PARAMETERS] = {
        "RECEIVE COPY OPERATING PARAMETERS",
        VSCSI_OP_THIRD_PARTY_COPY_IN, VSCSI_SA_RECEIVE_COPY_PARAMETERS,
        0, 0, true, false, VSCSI_FEATURE_XCOPY,
    },
    [VSCSI_CMD_RECEIVE_COPY_FAILURE_LID1] = {
        "RECEIVE COPY FAILURE DETAILS(LID1)",
        VSCSI_OP_THIRD_PARTY_COPY_IN, VSCSI_SA_RECEIVE_COPY_FAILURE_LID1,
        2, 1, true, false, VSCSI_FEATURE_XCOPY,
    },
    [VSCSI_CMD_RECEIVE_COPY_STATUS_LID4] = {
        "RECEIVE COPY STATUS(LID4)",
        VSCSI_OP_THIRD_PARTY_COPY_IN, VSCSI_SA_RECEIVE_COPY_STATUS_LID4,
        2, 4, true, false, VSCSI_FEATURE_TOKEN | VSCSI_FEATURE_ABORT,
    },
    [VSCSI_CMD_RECEIVE_ROD_TOKEN_INFORMATION] = {
        "RECEIVE ROD TOKEN INFORMATION",
        VSCSI_OP_THIRD_PARTY_COPY_IN, VSCSI_SA_RECEIVE_ROD_TOKEN_INFORMATION,
        2, 4, true, false, VSCSI_FEATURE_TOKEN,
    },
    [VSCSI_CMD_REPORT_ALL_ROD_TOKENS] = {
        "REPORT ALL ROD TOKENS",
        VSCSI_OP_THIRD_PARTY_COPY_IN, VSCSI_SA_REPORT_ALL_ROD_TOKENS,
        0, 0, true, false, VSCSI_FEATURE_REPORT_TOKENS,
    },
};

const char *vscsi_command_name(VscsiCommand command)
{
    return layouts[command].name;
}

static uint32_t cdb_list_id(const CommandLayout *layout, const uint8_t *cdb)
{
    const uint8_t *field = cdb + layout->list_id_offset;

    switch (layout->list_id_len) {
    case 1:
        return field[0];
    case 4:
        return (uint32_t)ldl_be_p(field);
    default:
        return 0;
    }
}

bool vscsi_cdb_decode(const uint8_t cdb[VSCSI_CDB_LEN], uint32_t features,
                      VscsiCdb *out, VscsiSense *err)
{
    const CommandLayout *layout = NULL;
    bool opcode_known = false;
    int i;

    for (i = 0; i < VSCSI_CMD__MAX; i++) {
        if (layouts[i].opcode != cdb[0] || !(layouts[i].features & features)) {
            continue;
        }
        opcode_known = true;
        if (layouts[i].sa == (cdb[1] & CDB_SA_MASK)) {
            layout = &layouts[i];
            break;
        }
    }
    if (!opcode_known) {
        *err = vscsi_sense(VSCSI_SENSE_INVALID_OPCODE);
        return false;
    }
    if (!layout) {
        *err = vscsi_sense_cdb_field(VSCSI_SENSE_INVALID_FIELD_IN_CDB, 1, 4);
        return false;
    }
    if (cdb[CDB_CONTROL] & CDB_CONTROL_NACA) {
        *err = vscsi_sense_cdb_field(VSCSI_SENSE_INVALID_FIELD_IN_CDB,
                                     CDB_CONTROL, CDB_CONTROL_NACA_BIT);
        return false;
    }

    *out = (VscsiCdb) {
        .command = i,
        .opcode = layout->opcode,
        .service_action = layout->sa,
        .list_id_len = layout->list_id_len,
        .list_id = cdb_list_id(layout, cdb),
        .data_length = layout->has_length ? (uint32_t)ldl_be_p(cdb + 10) : 0,
        .group_number = layout->has_group ? cdb[14] & CDB_GROUP_MASK : 0,
    };
    return true;
}

void vscsi_cdb_encode(const VscsiCdb *in, uint8_t cdb[VSCSI_CDB_LEN])
{
    const CommandLayout *layout = &layouts[in->command];

    memset(cdb, 0, VSCSI_CDB_LEN);
    cdb[0] = layout->opcode;
    cdb[1] = layout->sa;
    if (layout->list_id_len == 1) {
        cdb[layout->list_id_offset] = in->list_id;
    } else if (layout->list_id_len == 4) {
        stl_be_p(cdb + layout->list_id_offset, in->list_id);
    }
    if (layout->has_length) {
        stl_be_p(cdb + 10, in->data_length);
    }
    if (layout->has_group) {
        cdb[14] = in->group_number & CDB_GROUP_MASK;
    }
}
