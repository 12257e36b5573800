/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * REPORT SUPPORTED OPERATION CODES (SPC-4 6.35): the tables of what is
 * served, and the two forms of the answer.
 *
 * All commands: 0-3 length, then per command 8 bytes: 0 opcode, 2-3
 * service action, 5 CTDP (1) and SERVACTV (0), 6-7 CDB length; with RCTD
 * a 12-byte timeouts descriptor follows each.
 *
 * One command: 1 CTDP (7) and SUPPORT (2:0), 2-3 CDB size, the CDB usage
 * map, and with RCTD the timeouts descriptor.
 *
 * A usage map has a one for each bit that the device server evaluates.
 * The maps of the disk say what QEMU's scsi-hd does, not what it could:
 * VERIFY looks at BYTCHK alone, SYNCHRONIZE CACHE flushes everything.
 * RESERVE and RELEASE are answered there too, but reserve nothing; they
 * are not announced.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/vscsi/wire.h"
#include "wire-out.h"
#include "wire-discovery.h"

#define RSOC_SA_MASK 0x1f
#define RSOC_RCTD 0x80
#define RSOC_OPTIONS_MASK 0x07
#define RSOC_CONTROL 11
#define CONTROL_NACA 0x04
#define CONTROL_NACA_BIT 2

enum {
    OPTION_ALL = 0,
    OPTION_OPCODE = 1,          /* one command, without service actions */
    OPTION_OPCODE_SA = 2,       /* one command, with a service action */
    OPTION_EITHER = 3,          /* one command, service action if it has */
};

enum {
    SUPPORT_NO = 1,
    SUPPORT_STANDARD = 3,
};

#define ONE_CTDP 0x80
#define ALL_CTDP 0x02
#define ALL_SERVACTV 0x01
#define TIMEOUTS_LEN 12

/* Seconds.  Windows gives up on a copy command after four. */
#define COPY_NOMINAL_S 4
#define COPY_RECOMMENDED_S 60

#define OPCODE(op, len, ...)                                    \
    { .opcode = (op), .cdb_len = (len), .usage = { __VA_ARGS__ } }
#define OPCODE_SA(op, action, len, ...)                         \
    { .opcode = (op), .has_sa = true, .sa = (action),           \
      .cdb_len = (len), .usage = { __VA_ARGS__ } }

static const VscsiOpcode disk_opcodes[] = {
    /* TEST UNIT READY */
    OPCODE(0x00, 6, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00),
    /* REQUEST SENSE: DESC, allocation length */
    OPCODE(0x03, 6, 0x03, 0x01, 0x00, 0x00, 0xff, 0x00),
    /* FORMAT UNIT: LONGLIST, FMTDATA */
    OPCODE(0x04, 6, 0x04, 0x30, 0x00, 0x00, 0x00, 0x00),
    /* READ(6), WRITE(6) */
    OPCODE(0x08, 6, 0x08, 0x1f, 0xff, 0xff, 0xff, 0x00),
    OPCODE(0x0a, 6, 0x0a, 0x1f, 0xff, 0xff, 0xff, 0x00),
    /* INQUIRY: EVPD, page, allocation length */
    OPCODE(0x12, 6, 0x12, 0x01, 0xff, 0xff, 0xff, 0x00),
    /* MODE SELECT(6): PF, SP */
    OPCODE(0x15, 6, 0x15, 0x11, 0x00, 0x00, 0xff, 0x00),
    /* MODE SENSE(6): DBD, PC, page */
    OPCODE(0x1a, 6, 0x1a, 0x08, 0xff, 0x00, 0xff, 0x00),
    /* START STOP UNIT: power condition, LOEJ, START */
    OPCODE(0x1b, 6, 0x1b, 0x00, 0x00, 0x00, 0xf3, 0x00),
    /* PREVENT ALLOW MEDIUM REMOVAL */
    OPCODE(0x1e, 6, 0x1e, 0x00, 0x00, 0x00, 0x01, 0x00),
    /* READ CAPACITY(10): LBA, PMI */
    OPCODE(0x25, 10, 0x25, 0x00, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x01,
           0x00),
    /* READ(10), WRITE(10): RDPROTECT or WRPROTECT, FUA */
    OPCODE(0x28, 10, 0x28, 0xe8, 0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff,
           0x00),
    OPCODE(0x2a, 10, 0x2a, 0xe8, 0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff,
           0x00),
    /* SEEK(10) */
    OPCODE(0x2b, 10, 0x2b, 0x00, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00,
           0x00),
    /* WRITE AND VERIFY(10): WRPROTECT */
    OPCODE(0x2e, 10, 0x2e, 0xe0, 0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff,
           0x00),
    /* VERIFY(10): BYTCHK, which must be 0 */
    OPCODE(0x2f, 10, 0x2f, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
           0x00),
    /* SYNCHRONIZE CACHE(10): always everything */
    OPCODE(0x35, 10, 0x35, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
           0x00),
    /* WRITE SAME(10): ANCHOR, UNMAP, PBDATA, LBDATA, NDOB */
    OPCODE(0x41, 10, 0x41, 0x1f, 0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff,
           0x00),
    /* UNMAP: ANCHOR, parameter list length */
    OPCODE(0x42, 10, 0x42, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff,
           0x00),
    /* MODE SELECT(10), MODE SENSE(10) */
    OPCODE(0x55, 10, 0x55, 0x11, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff,
           0x00),
    OPCODE(0x5a, 10, 0x5a, 0x08, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff,
           0x00),
    /* READ(16), WRITE(16), WRITE AND VERIFY(16), VERIFY(16) */
    OPCODE(0x88, 16, 0x88, 0xe8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
           0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00),
    OPCODE(0x8a, 16, 0x8a, 0xe8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
           0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00),
    OPCODE(0x8e, 16, 0x8e, 0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
           0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00),
    OPCODE(0x8f, 16, 0x8f, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
           0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00),
    /* WRITE SAME(16) */
    OPCODE(0x93, 16, 0x93, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
           0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00),
    /* READ CAPACITY(16): LBA, allocation length, PMI */
    OPCODE_SA(0x9e, 0x10, 16, 0x9e, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff,
              0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00),
    /* REPORT LUNS: SELECT REPORT, allocation length */
    OPCODE(0xa0, 12, 0xa0, 0x00, 0xff, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
           0xff, 0x00, 0x00),
    /* READ(12), WRITE(12), WRITE AND VERIFY(12), VERIFY(12) */
    OPCODE(0xa8, 12, 0xa8, 0xe8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
           0xff, 0x00, 0x00),
    OPCODE(0xaa, 12, 0xaa, 0xe8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
           0xff, 0x00, 0x00),
    OPCODE(0xae, 12, 0xae, 0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
           0xff, 0x00, 0x00),
    OPCODE(0xaf, 12, 0xaf, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
           0x00, 0x00, 0x00),
};

#define OUT VSCSI_OP_THIRD_PARTY_COPY_OUT
#define IN VSCSI_OP_THIRD_PARTY_COPY_IN

#define COPY(op, action, feature, ...)                          \
    { .opcode = (op), .has_sa = true, .sa = (action),           \
      .cdb_len = VSCSI_CDB_LEN, .features = (feature),          \
      .nominal_s = COPY_NOMINAL_S,                              \
      .recommended_s = COPY_RECOMMENDED_S,                      \
      .usage = { (op), (action), __VA_ARGS__ } }
/* With a length at bytes 10-13; the arguments are bytes 2-9. */
#define COPY_LENGTH(op, action, feature, ...)                   \
    COPY(op, action, feature, __VA_ARGS__,                      \
         0xff, 0xff, 0xff, 0xff, 0x00, CONTROL_NACA)

static const VscsiOpcode copy_opcodes[] = {
    COPY_LENGTH(OUT, VSCSI_SA_EXTENDED_COPY_LID1, VSCSI_FEATURE_XCOPY,
                0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00),
    COPY_LENGTH(OUT, VSCSI_SA_POPULATE_TOKEN, VSCSI_FEATURE_TOKEN,
                0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff),
    COPY_LENGTH(OUT, VSCSI_SA_WRITE_USING_TOKEN, VSCSI_FEATURE_TOKEN,
                0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff),
    COPY(OUT, VSCSI_SA_COPY_OPERATION_ABORT, VSCSI_FEATURE_ABORT,
         0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
         0x00, 0x00, 0x00, 0x00, 0x00, CONTROL_NACA),
    COPY_LENGTH(IN, VSCSI_SA_RECEIVE_COPY_STATUS_LID1, VSCSI_FEATURE_XCOPY,
                0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00),
    COPY_LENGTH(IN, VSCSI_SA_RECEIVE_COPY_PARAMETERS, VSCSI_FEATURE_XCOPY,
                0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00),
    COPY_LENGTH(IN, VSCSI_SA_RECEIVE_COPY_FAILURE_LID1, VSCSI_FEATURE_XCOPY,
                0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00),
    COPY_LENGTH(IN, VSCSI_SA_RECEIVE_COPY_STATUS_LID4,
                VSCSI_FEATURE_TOKEN | VSCSI_FEATURE_ABORT,
                0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00),
    COPY_LENGTH(IN, VSCSI_SA_RECEIVE_ROD_TOKEN_INFORMATION, VSCSI_FEATURE_TOKEN,
                0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00),
    COPY_LENGTH(IN, VSCSI_SA_REPORT_ALL_ROD_TOKENS, VSCSI_FEATURE_REPORT_TOKENS,
                0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00),
    OPCODE_SA(VSCSI_OP_MAINTENANCE_IN, VSCSI_SA_REPORT_SUPPORTED_OPCODES,
              VSCSI_RSOC_CDB_LEN,
              VSCSI_OP_MAINTENANCE_IN, VSCSI_SA_REPORT_SUPPORTED_OPCODES,
              RSOC_RCTD | RSOC_OPTIONS_MASK, 0xff, 0xff, 0xff,
              0xff, 0xff, 0xff, 0xff, 0x00, CONTROL_NACA),
};

VscsiOpcodeTable vscsi_opcodes_disk(void)
{
    return (VscsiOpcodeTable) { disk_opcodes, ARRAY_SIZE(disk_opcodes), 0 };
}

VscsiOpcodeTable vscsi_opcodes_copy(uint32_t features)
{
    return (VscsiOpcodeTable) {
        copy_opcodes, ARRAY_SIZE(copy_opcodes), features
    };
}

bool wire_opcode_is_on(const VscsiOpcode *entry, uint32_t features)
{
    return !entry->features || (entry->features & features);
}

bool vscsi_rsoc_cdb_decode(const uint8_t cdb[VSCSI_RSOC_CDB_LEN],
                           VscsiRsocCdb *out, VscsiSense *err)
{
    if (cdb[0] != VSCSI_OP_MAINTENANCE_IN) {
        *err = vscsi_sense(VSCSI_SENSE_INVALID_OPCODE);
        return false;
    }
    if ((cdb[1] & RSOC_SA_MASK) != VSCSI_SA_REPORT_SUPPORTED_OPCODES) {
        *err = vscsi_sense_cdb_field(VSCSI_SENSE_INVALID_FIELD_IN_CDB, 1, 4);
        return false;
    }
    if (cdb[RSOC_CONTROL] & CONTROL_NACA) {
        *err = vscsi_sense_cdb_field(VSCSI_SENSE_INVALID_FIELD_IN_CDB,
                                     RSOC_CONTROL, CONTROL_NACA_BIT);
        return false;
    }
    if ((cdb[2] & RSOC_OPTIONS_MASK) > OPTION_EITHER) {
        *err = vscsi_sense_cdb_field(VSCSI_SENSE_INVALID_FIELD_IN_CDB, 2, 2);
        return false;
    }
    *out = (VscsiRsocCdb) {
        .rctd = cdb[2] & RSOC_RCTD,
        .options = cdb[2] & RSOC_OPTIONS_MASK,
        .opcode = cdb[3],
        .sa = lduw_be_p(cdb + 4),
        .allocation_length = ldl_be_p(cdb + 6),
    };
    return true;
}

static void timeouts_encode(WireOut *out, const VscsiOpcode *entry)
{
    wire_put16(out, TIMEOUTS_LEN - 2);
    wire_put8(out, 0);
    wire_put8(out, 0);          /* command specific */
    wire_put32(out, entry->nominal_s);
    wire_put32(out, entry->recommended_s);
}

static void rsoc_all_encode(WireOut *out, bool rctd,
                            const VscsiOpcodeTable *tables, unsigned n_tables)
{
    wire_put32(out, 0);
    for (unsigned t = 0; t < n_tables; t++) {
        for (unsigned i = 0; i < tables[t].n; i++) {
            const VscsiOpcode *entry = &tables[t].entry[i];

            if (!wire_opcode_is_on(entry, tables[t].features)) {
                continue;
            }
            wire_put8(out, entry->opcode);
            wire_put8(out, 0);
            wire_put16(out, entry->sa);
            wire_put8(out, 0);
            wire_put8(out, (entry->has_sa ? ALL_SERVACTV : 0) |
                           (rctd ? ALL_CTDP : 0));
            wire_put16(out, entry->cdb_len);
            if (rctd) {
                timeouts_encode(out, entry);
            }
        }
    }
    wire_patch32(out, 0, out->pos - 4);
}

/* What the tables say about an opcode. */
typedef struct OpcodeLookup {
    bool known;
    bool has_sa;
    const VscsiOpcode *exact;   /* without or with the service action */
} OpcodeLookup;

static OpcodeLookup opcode_lookup(const VscsiRsocCdb *cdb,
                                  const VscsiOpcodeTable *tables,
                                  unsigned n_tables)
{
    OpcodeLookup found = { 0 };

    for (unsigned t = 0; t < n_tables; t++) {
        for (unsigned i = 0; i < tables[t].n; i++) {
            const VscsiOpcode *entry = &tables[t].entry[i];

            if (entry->opcode != cdb->opcode ||
                !wire_opcode_is_on(entry, tables[t].features)) {
                continue;
            }
            found.known = true;
            found.has_sa |= entry->has_sa;
            if (!entry->has_sa || entry->sa == cdb->sa) {
                found.exact = entry;
            }
        }
    }
    return found;
}

static void rsoc_one_encode(WireOut *out, bool rctd, const VscsiOpcode *entry)
{
    wire_put8(out, 0);
    if (!entry) {
        wire_put8(out, SUPPORT_NO);
        wire_put16(out, 0);
        return;
    }
    wire_put8(out, SUPPORT_STANDARD | (rctd ? ONE_CTDP : 0));
    wire_put16(out, entry->cdb_len);
    wire_put(out, entry->usage, entry->cdb_len);
    if (rctd) {
        timeouts_encode(out, entry);
    }
}

bool vscsi_rsoc_encode(uint8_t *buf, size_t size, const VscsiRsocCdb *cdb,
                       const VscsiOpcodeTable *tables, unsigned n_tables,
                       size_t *length, VscsiSense *err)
{
    WireOut out = { .buf = buf, .size = size };
    OpcodeLookup found;

    if (cdb->options == OPTION_ALL) {
        rsoc_all_encode(&out, cdb->rctd, tables, n_tables);
        *length = out.pos;
        return true;
    }

    found = opcode_lookup(cdb, tables, n_tables);
    if ((cdb->options == OPTION_OPCODE && found.has_sa) ||
        (cdb->options == OPTION_OPCODE_SA && found.known && !found.has_sa)) {
        *err = vscsi_sense_cdb_field(VSCSI_SENSE_INVALID_FIELD_IN_CDB, 2, 2);
        return false;
    }
    if (cdb->options == OPTION_EITHER && !found.has_sa && cdb->sa) {
        found.exact = NULL;
    }
    rsoc_one_encode(&out, cdb->rctd, found.exact);
    *length = out.pos;
    return true;
}
