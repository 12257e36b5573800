/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Wire codec of the third-party copy commands (SPC-4, SBC-3).
 *
 * Every function here is pure: it reads and writes the buffers it is
 * given and nothing else.  No allocation, no lock, no global state; any
 * thread and any coroutine may call any of them.  Include
 * "qemu/osdep.h" first.
 *
 * Decoders take bytes from a guest.  Nothing in them is trusted: a
 * decoder never reads past @len and never returns a number that it has
 * not checked as its description says.  A decoder returns true, or
 * false with *err holding the sense data that the standard demands; *out
 * is then not to be used.
 *
 * Encoders work like snprintf(): they write at most @size bytes and
 * return the length of the whole structure.  The length fields inside
 * always describe the whole structure, so truncation to an allocation
 * length needs no further work (SPC-4 4.2.5.6).
 *
 * All lengths are bytes and all LBAs and counts are logical blocks
 * unless a name says otherwise.
 */

#ifndef HW_VSCSI_WIRE_H
#define HW_VSCSI_WIRE_H

/* Sense data */

#define VSCSI_SENSE_FIXED_LEN 18

/* SAM status codes that appear inside responses. */
enum {
    VSCSI_STATUS_GOOD = 0x00,
    VSCSI_STATUS_CHECK_CONDITION = 0x02,
    VSCSI_STATUS_RESERVATION_CONFLICT = 0x18,
    VSCSI_STATUS_TASK_ABORTED = 0x40,
};

/* Sense keys. */
enum {
    VSCSI_KEY_NO_SENSE = 0x0,
    VSCSI_KEY_MEDIUM_ERROR = 0x3,
    VSCSI_KEY_HARDWARE_ERROR = 0x4,
    VSCSI_KEY_ILLEGAL_REQUEST = 0x5,
    VSCSI_KEY_UNIT_ATTENTION = 0x6,
    VSCSI_KEY_DATA_PROTECT = 0x7,
    VSCSI_KEY_COPY_ABORTED = 0xa,
    VSCSI_KEY_ABORTED_COMMAND = 0xb,
};

/*
 * Sense key, additional sense code and qualifier as one number
 * (key << 16 | asc << 8 | ascq), named after the standard's texts.  A
 * code that the standard uses with two keys has two names.
 */
typedef enum VscsiSenseCode {
    VSCSI_SENSE_NONE = 0x000000,

    /* 00/16: the list identifier is that of an operation in progress */
    VSCSI_SENSE_OPERATION_IN_PROGRESS = 0x050016,
    /* 0D/04 with nothing transferred */
    VSCSI_SENSE_UNDERRUN_NOTHING_DONE = 0x050d04,
    VSCSI_SENSE_PARAMETER_LIST_LENGTH = 0x051a00,
    VSCSI_SENSE_INVALID_OPCODE = 0x052000,
    VSCSI_SENSE_LBA_OUT_OF_RANGE = 0x052100,
    VSCSI_SENSE_TOKEN_CAUSE_UNKNOWN = 0x052300,
    VSCSI_SENSE_TOKEN_TYPE_UNSUPPORTED = 0x052301,
    VSCSI_SENSE_TOKEN_REMOTE_UNSUPPORTED = 0x052302,
    VSCSI_SENSE_TOKEN_REMOTE_CREATION = 0x052303,
    VSCSI_SENSE_TOKEN_UNKNOWN = 0x052304,
    VSCSI_SENSE_TOKEN_CORRUPT = 0x052305,
    VSCSI_SENSE_TOKEN_REVOKED = 0x052306,
    VSCSI_SENSE_TOKEN_EXPIRED = 0x052307,
    VSCSI_SENSE_TOKEN_CANCELLED = 0x052308,
    VSCSI_SENSE_TOKEN_DELETED = 0x052309,
    VSCSI_SENSE_TOKEN_LENGTH = 0x05230a,
    VSCSI_SENSE_INVALID_FIELD_IN_CDB = 0x052400,
    VSCSI_SENSE_LUN_NOT_SUPPORTED = 0x052500,
    VSCSI_SENSE_INVALID_FIELD_IN_PARAM = 0x052600,
    VSCSI_SENSE_TOO_MANY_CSCDS = 0x052606,
    VSCSI_SENSE_CSCD_TYPE_UNSUPPORTED = 0x052607,
    /* also: more range descriptors than MAXIMUM RANGE DESCRIPTORS */
    VSCSI_SENSE_TOO_MANY_SEGMENTS = 0x052608,
    VSCSI_SENSE_SEGMENT_TYPE_UNSUPPORTED = 0x052609,
    VSCSI_SENSE_INLINE_DATA_LENGTH = 0x05260b,
    VSCSI_SENSE_INVALID_COPY_OPERATION = 0x05260c,
    VSCSI_SENSE_NO_RESOURCES = 0x055503,
    VSCSI_SENSE_NO_RESOURCES_ROD = 0x05550c,
    VSCSI_SENSE_NO_RESOURCES_ROD_TOKEN = 0x05550d,

    VSCSI_SENSE_WRITE_PROTECTED = 0x072700,

    VSCSI_SENSE_UNREACHABLE_COPY_TARGET = 0x0a0804,
    VSCSI_SENSE_THIRD_PARTY_DEVICE_FAILURE = 0x0a0d01,
    VSCSI_SENSE_COPY_TARGET_NOT_REACHABLE = 0x0a0d02,
    /* 0D/04 after INFORMATION blocks were transferred */
    VSCSI_SENSE_UNDERRUN = 0x0a0d04,
    VSCSI_SENSE_INEXACT_SEGMENT = 0x0a260a,
    VSCSI_SENSE_SEGMENT_GRANULARITY = 0x0a260d,
    /* a foreground copy that COPY OPERATION ABORT or a reset ended */
    VSCSI_SENSE_COMMANDS_CLEARED = 0x0a2f02,

    /* the host's storage is full */
    VSCSI_SENSE_ABORTED_NO_RESOURCES = 0x0b5503,
    VSCSI_SENSE_INTERNAL_TARGET_FAILURE = 0x044400,
    VSCSI_SENSE_WRITE_ERROR = 0x030c00,
    VSCSI_SENSE_UNRECOVERED_READ_ERROR = 0x031100,

    VSCSI_SENSE_UA_POWER_ON = 0x062901,
    VSCSI_SENSE_UA_RESET = 0x062900,
    VSCSI_SENSE_UA_LUN_RESET = 0x062903,
    VSCSI_SENSE_UA_NEXUS_LOSS = 0x062907,
    VSCSI_SENSE_UA_MODE_PARAMETERS_CHANGED = 0x062a01,
    VSCSI_SENSE_UA_CAPACITY_CHANGED = 0x062a09,
    VSCSI_SENSE_UA_INQUIRY_CHANGED = 0x063f03,
} VscsiSenseCode;

typedef struct VscsiSense {
    uint8_t key;
    uint8_t asc;
    uint8_t ascq;
    /* VALID and INFORMATION.  Fixed format has 32 bits for it. */
    bool has_information;
    uint64_t information;
    /* EXTENDED COPY: bytes 3-4 of the field are the segment number */
    bool has_command_specific;
    uint32_t command_specific;
    /* SKSV and FIELD POINTER: the first byte of the field in error */
    bool has_field_pointer;
    bool field_in_cdb;
    uint16_t field_pointer;
    /* BPV and BIT POINTER: the most significant bit of the field */
    bool has_bit_pointer;
    uint8_t bit_pointer;
} VscsiSense;

/* Sense data that says @code and nothing more. */
VscsiSense vscsi_sense(VscsiSenseCode code);
/* @code with the byte of the CDB in error; @bit < 0: the whole byte. */
VscsiSense vscsi_sense_cdb_field(VscsiSenseCode code, uint16_t byte, int bit);
/* @code with the byte of the parameter list in error. */
VscsiSense vscsi_sense_param_field(VscsiSenseCode code, uint16_t byte,
                                   int bit);
/*
 * The residual answer of POPULATE TOKEN and WRITE USING TOKEN: COPY
 * ABORTED 0D/04 with @blocks in INFORMATION, or ILLEGAL REQUEST 0D/04 when
 * @blocks is 0 (SBC-3 5.50).
 */
VscsiSense vscsi_sense_residual(uint64_t blocks);
/* The number that VscsiSenseCode uses for @sense, named or not. */
uint32_t vscsi_sense_code(const VscsiSense *sense);
/* A short English text for @sense's code; NULL when it has no name here. */
const char *vscsi_sense_name(uint32_t code);
/*
 * Write fixed format current sense data (SPC-4 4.5.3).  INFORMATION above
 * 32 bits cannot be shown: VALID is then 0 and the field is zero.
 */
void vscsi_sense_encode_fixed(const VscsiSense *sense,
                              uint8_t buf[VSCSI_SENSE_FIXED_LEN]);
/* Read fixed format sense data; false when @len or the format is wrong. */
bool vscsi_sense_decode_fixed(const uint8_t *buf, size_t len,
                              VscsiSense *out);

/* CDBs */

#define VSCSI_CDB_LEN 16
#define VSCSI_RSOC_CDB_LEN 12

enum {
    VSCSI_OP_THIRD_PARTY_COPY_OUT = 0x83,
    VSCSI_OP_THIRD_PARTY_COPY_IN = 0x84,
    VSCSI_OP_MAINTENANCE_IN = 0xa3,
};

/* Service actions of 83h and 84h, and REPORT SUPPORTED OPERATION CODES. */
enum {
    VSCSI_SA_EXTENDED_COPY_LID1 = 0x00,
    VSCSI_SA_POPULATE_TOKEN = 0x10,
    VSCSI_SA_WRITE_USING_TOKEN = 0x11,
    VSCSI_SA_COPY_OPERATION_ABORT = 0x1c,

    VSCSI_SA_RECEIVE_COPY_STATUS_LID1 = 0x00,
    VSCSI_SA_RECEIVE_COPY_PARAMETERS = 0x03,
    VSCSI_SA_RECEIVE_COPY_FAILURE_LID1 = 0x04,
    VSCSI_SA_RECEIVE_COPY_STATUS_LID4 = 0x05,
    VSCSI_SA_RECEIVE_ROD_TOKEN_INFORMATION = 0x07,
    VSCSI_SA_REPORT_ALL_ROD_TOKENS = 0x08,

    VSCSI_SA_REPORT_SUPPORTED_OPCODES = 0x0c,
};

typedef enum VscsiCommand {
    VSCSI_CMD_EXTENDED_COPY_LID1,
    VSCSI_CMD_POPULATE_TOKEN,
    VSCSI_CMD_WRITE_USING_TOKEN,
    VSCSI_CMD_COPY_OPERATION_ABORT,
    VSCSI_CMD_RECEIVE_COPY_STATUS_LID1,
    VSCSI_CMD_RECEIVE_COPY_PARAMETERS,
    VSCSI_CMD_RECEIVE_COPY_FAILURE_LID1,
    VSCSI_CMD_RECEIVE_COPY_STATUS_LID4,
    VSCSI_CMD_RECEIVE_ROD_TOKEN_INFORMATION,
    VSCSI_CMD_REPORT_ALL_ROD_TOKENS,
    VSCSI_CMD__MAX,
} VscsiCommand;

/* What a third-party copy command needs; the bits can be combined. */
enum {
    VSCSI_FEATURE_TOKEN = 1 << 0,         /* PT, WUT, RRTI, RCS4 */
    VSCSI_FEATURE_ABORT = 1 << 1,         /* COPY OPERATION ABORT, RCS4 */
    VSCSI_FEATURE_REPORT_TOKENS = 1 << 2, /* REPORT ALL ROD TOKENS */
    VSCSI_FEATURE_XCOPY = 1 << 3,         /* EXTENDED COPY(LID1), 84/00,03,04 */
    VSCSI_FEATURE_ALL = 0xf,
};

typedef struct VscsiCdb {
    VscsiCommand command;
    uint8_t opcode;
    uint8_t service_action;
    /* bytes of the list identifier in this CDB: 0, 1 or 4 */
    uint8_t list_id_len;
    /* 0 when list_id_len is 0; EXTENDED COPY has it in its list */
    uint32_t list_id;
    /* parameter list length (83h) or allocation length (84h); 0 for COA */
    uint32_t data_length;
    uint8_t group_number;
} VscsiCdb;

/*
 * Decode a CDB of 83h or 84h (16 bytes).  @features: the service actions
 * of a feature that is off are unknown.  Errors: another operation code
 * 20/00; unknown service action 24/00; NACA set 24/00 (SAM-5 5.2: not
 * supported).  Reserved bits are ignored.
 */
bool vscsi_cdb_decode(const uint8_t cdb[VSCSI_CDB_LEN], uint32_t features,
                      VscsiCdb *out, VscsiSense *err);
/* Write the CDB of @in->command; the other way of vscsi_cdb_decode(). */
void vscsi_cdb_encode(const VscsiCdb *in, uint8_t cdb[VSCSI_CDB_LEN]);
/* The standard's name of a command, for traces and messages. */
const char *vscsi_command_name(VscsiCommand command);

/* POPULATE TOKEN and WRITE USING TOKEN (SBC-3 5.18, 5.50) */

#define VSCSI_PT_HEADER_LEN 16
#define VSCSI_WUT_HEADER_LEN 536
#define VSCSI_RANGE_LEN 16
/* An upper bound for every limit of the number of range descriptors. */
#define VSCSI_RANGES_MAX 256
#define VSCSI_ROD_TOKEN_LEN 512
/* INACTIVITY TIMEOUT limits: never expires */
#define VSCSI_TIMEOUT_NONE UINT32_MAX

/* ROD types (SPC-4 table "ROD types") */
enum {
    VSCSI_ROD_INTERNAL = 0x00000000,
    VSCSI_ROD_ACCESS_UPON_REFERENCE = 0x00010000,
    VSCSI_ROD_PIT_DEFAULT = 0x00800000,
    VSCSI_ROD_PIT_VULNERABLE = 0x00800001,
    VSCSI_ROD_PIT_PERSISTENT = 0x00800002,
    VSCSI_ROD_PIT_ANY = 0x0080ffff,
};
#define VSCSI_ROD_ZERO 0xffff0001u

/* What the LUN publishes; each 0 means "no such limit" except as said. */
typedef struct VscsiLimits {
    uint64_t capacity_blocks;       /* 0: an empty medium, no limit lifted */
    uint32_t block_size;            /* bytes, not 0 */
    uint16_t max_ranges;            /* 0: VSCSI_RANGES_MAX */
    uint64_t max_token_blocks;      /* MAXIMUM TOKEN TRANSFER SIZE */
    uint64_t max_rod_bytes;         /* MAXIMUM BYTES IN BLOCK ROD */
    uint64_t max_range_bytes;       /* of one range descriptor */
    uint32_t max_inactivity_s;      /* or VSCSI_TIMEOUT_NONE */
    uint32_t default_inactivity_s;  /* used when the list says 0 */
    /* POPULATE TOKEN, RTV=1: the types accepted, n_rod_types of them */
    const uint32_t *rod_types;
    unsigned n_rod_types;
} VscsiLimits;

/*
 * One piece of a copy: @blocks > 0, and lba + blocks does not overflow and
 * is within the capacity.
 */
typedef struct VscsiRange {
    uint64_t lba;
    uint64_t blocks;
} VscsiRange;

/*
 * Ranges in the order of the bytes of the ROD, without those of length
 * zero; no block occurs twice.  @blocks is their sum, and blocks *
 * block_size does not overflow.
 */
typedef struct VscsiRangeList {
    unsigned n;
    uint64_t blocks;
    VscsiRange range[VSCSI_RANGES_MAX];
} VscsiRangeList;

typedef struct VscsiPt {
    /* PARAMETER LIST LENGTH was 0: GOOD, nothing to do */
    bool empty;
    bool immed;
    bool rtv;
    uint32_t rod_type;              /* VSCSI_ROD_PIT_DEFAULT if !rtv */
    uint32_t inactivity_s;          /* the default is filled in */
    VscsiRangeList ranges;
} VscsiPt;

/*
 * Decode a POPULATE TOKEN parameter list of @len bytes.  Checks in order:
 *  1. len 0: true and @out->empty; len < 16: 1A/00
 *  2. POPULATE TOKEN DATA LENGTH < 1Eh: 26/00
 *  3. INACTIVITY TIMEOUT over the maximum: 26/00
 *  4. RTV with a ROD type that is not one of limits->rod_types: 26/00
 *  5. the range descriptors, see vscsi_ranges_decode()
 */
bool vscsi_pt_decode(const uint8_t *buf, size_t len,
                     const VscsiLimits *limits, VscsiPt *out,
                     VscsiSense *err);

typedef struct VscsiWut {
    bool empty;                     /* as VscsiPt.empty */
    bool immed;
    bool del_tkn;
    uint64_t offset_blocks;         /* into the ROD, in blocks of this LUN */
    const uint8_t *token;           /* 512 bytes inside the caller's buffer */
    VscsiRangeList ranges;
} VscsiWut;

/*
 * Decode a WRITE USING TOKEN parameter list of @len bytes.  Checks:
 *  1. len 0: true and @out->empty; len < 536: 1A/00
 *  2. WRITE USING TOKEN DATA LENGTH < 226h, or not the RANGE DESCRIPTOR
 *     LIST LENGTH + 534: 26/00
 *  3. the range descriptors
 *  4. offset_blocks * block_size overflows: 26/00
 *  5. ROD TOKEN LENGTH is not 01F8h: 23/0A
 * All else about the token is the token store's to judge, and the offset
 * against the size of the ROD is the copy manager's.
 */
bool vscsi_wut_decode(const uint8_t *buf, size_t len,
                      const VscsiLimits *limits, VscsiWut *out,
                      VscsiSense *err);

/*
 * Decode range descriptors that start at @offset of @buf, whose RANGE
 * DESCRIPTOR LIST LENGTH is @list_len.  Checks in order:
 *  1. list_len < 16, or no complete descriptor within @len: 26/00
 *     (partial descriptors are ignored)
 *  2. more complete descriptors than limits->max_ranges, those of zero
 *     length counted: 26/08
 *  3. each of non-zero length: past the capacity 21/00, longer than
 *     max_range_bytes or max_rod_bytes 26/00
 *  4. the sum over max_token_blocks or max_rod_bytes: 26/00
 *  5. a block in two of them: 26/00
 */
bool vscsi_ranges_decode(const uint8_t *buf, size_t len, size_t offset,
                         uint16_t list_len, const VscsiLimits *limits,
                         VscsiRangeList *out, VscsiSense *err);

/*
 * Client side: write a parameter list with @n ranges (at most
 * VSCSI_RANGES_MAX, each count below 2^32).
 */
size_t vscsi_pt_encode(uint8_t *buf, size_t size, const VscsiPt *pt);
size_t vscsi_wut_encode(uint8_t *buf, size_t size, const VscsiWut *wut);

/* Designators and CSCD descriptors (SPC-4 6.6.5, 7.8.6) */

#define VSCSI_CSCD_LEN 32
#define VSCSI_CSCD_DESIGNATOR_MAX 20
#define VSCSI_TARGET_DESIGNATOR_MAX 124

enum {
    VSCSI_CODE_SET_BINARY = 1,
    VSCSI_CODE_SET_ASCII = 2,
    VSCSI_CODE_SET_UTF8 = 3,

    VSCSI_ASSOC_LUN = 0,
    VSCSI_ASSOC_PORT = 1,
    VSCSI_ASSOC_DEVICE = 2,

    VSCSI_DESIGNATOR_T10 = 1,
    VSCSI_DESIGNATOR_EUI64 = 2,
    VSCSI_DESIGNATOR_NAA = 3,
    VSCSI_DESIGNATOR_NAME = 8,
};

typedef struct VscsiDesignator {
    uint8_t code_set;
    uint8_t association;
    uint8_t type;
    uint8_t length;                 /* bytes of @bytes in use */
    uint8_t bytes[VSCSI_TARGET_DESIGNATOR_MAX];
} VscsiDesignator;

/* Same code set, association, type and bytes. */
bool vscsi_designator_equal(const VscsiDesignator *a,
                            const VscsiDesignator *b);

#define VSCSI_CSCD_TYPE_IDENTIFICATION 0xe4

/* The identification CSCD descriptor, type code E4h. */
typedef struct VscsiCscd {
    uint8_t lu_id_type;             /* ignored for E4h */
    uint8_t device_type;
    uint16_t relative_port;         /* ignored */
    VscsiDesignator designator;     /* at most 20 bytes */
    bool pad;
    uint32_t block_length;          /* 24 bits; 0: use READ CAPACITY */
} VscsiCscd;

/* ROD tokens (SPC-4 6.25, SBC-3 4.7) */

#define VSCSI_ROD_TOKEN_LENGTH_FIELD 0x01f8
#define VSCSI_ROD_TOKEN_MANAGEMENT_LEN 96
#define VSCSI_ROD_TOKEN_EXTENDED_LEN 256

typedef struct VscsiRodToken {
    uint32_t type;
    uint64_t id;                    /* COPY MANAGER ROD TOKEN IDENTIFIER */
    VscsiCscd creator;
    /* NUMBER OF BYTES REPRESENTED: high 64 bits, low 64 bits */
    uint64_t bytes_high;
    uint64_t bytes;
    /* READ CAPACITY(16) without its LBA */
    uint32_t block_length;
    uint8_t p_type;                 /* 0-7 */
    bool prot_en;
    uint8_t p_i_exponent;           /* 0-15 */
    uint8_t blocks_per_physical_exponent; /* 0-15 */
    bool lbpme;
    bool lbprz;
    uint16_t lowest_aligned_lba;    /* 14 bits */
    /* TARGET DEVICE DESCRIPTOR, a designation descriptor at 128 */
    VscsiDesignator target;
    /* bytes 256-511: secret, proof, opaque to initiators */
    uint8_t extended[VSCSI_ROD_TOKEN_EXTENDED_LEN];
} VscsiRodToken;

/* Write all 512 bytes of a token. */
void vscsi_rod_token_encode(const VscsiRodToken *token,
                            uint8_t buf[VSCSI_ROD_TOKEN_LEN]);
/*
 * Read a token.  ROD TOKEN LENGTH not 01F8h: 23/0A; a creator or target
 * descriptor that cannot be one: 23/05.  Success proves the form only,
 * not that the token was ever issued.
 */
bool vscsi_rod_token_decode(const uint8_t buf[VSCSI_ROD_TOKEN_LEN],
                            VscsiRodToken *out, VscsiSense *err);
/* Type FFFF0001h and length 01F8h: stands for zeroes, whoever built it. */
bool vscsi_rod_token_is_zero(const uint8_t buf[VSCSI_ROD_TOKEN_LEN]);
/* Write the block device zero ROD token. */
void vscsi_rod_token_encode_zero(uint8_t buf[VSCSI_ROD_TOKEN_LEN]);
/* ROD TYPE and COPY MANAGER ROD TOKEN IDENTIFIER without a full decode. */
uint32_t vscsi_rod_token_type(const uint8_t buf[VSCSI_ROD_TOKEN_LEN]);
uint64_t vscsi_rod_token_id(const uint8_t buf[VSCSI_ROD_TOKEN_LEN]);

/*
 * REPORT ALL ROD TOKENS data: header and the ROD management token (the
 * first 96 bytes) of each of the @n tokens of 512 bytes in @token.
 */
size_t vscsi_report_tokens_encode(uint8_t *buf, size_t size,
                                  const uint8_t *const *token, unsigned n);

/* Copy operation status (SPC-4 6.23, 6.24) */

typedef enum VscsiCopyState {
    VSCSI_COPY_OK = 0x01,
    VSCSI_COPY_ERROR = 0x02,
    VSCSI_COPY_PARTIAL = 0x03,      /* count differs from the request */
    VSCSI_COPY_RESIDUAL = 0x04,     /* not understood by Windows */
    VSCSI_COPY_IN_PROGRESS = 0x10,
    VSCSI_COPY_FOREGROUND = 0x11,
    VSCSI_COPY_BACKGROUND = 0x12,
    VSCSI_COPY_TERMINATED = 0x60,
} VscsiCopyState;

#define VSCSI_DELAY_FINISHED 0xfffffffeu
#define VSCSI_DELAY_UNKNOWN 0xffffffffu
#define VSCSI_UNITS_BYTES 0x00
#define VSCSI_UNITS_BLOCKS 0xf1
#define VSCSI_RRTI_TOKEN_LEN 550    /* whole response, token, no sense */

typedef struct VscsiCopyStatus {
    uint8_t response_sa;            /* VSCSI_SA_POPULATE_TOKEN, ... */
    VscsiCopyState state;
    uint16_t operation_counter;
    uint32_t delay_ms;              /* or VSCSI_DELAY_* */
    uint8_t completion_status;      /* VSCSI_STATUS_* */
    bool has_sense;
    VscsiSense sense;
    uint8_t units;                  /* VSCSI_UNITS_BLOCKS for PT and WUT */
    uint64_t count;
    uint16_t segments;              /* 0 for PT and WUT */
    /* RRTI only: the 512 bytes, or NULL for no token */
    const uint8_t *token;
} VscsiCopyStatus;

/*
 * RECEIVE COPY STATUS(LID4) and RECEIVE ROD TOKEN INFORMATION data.
 * Sense data and token are left out in the states that have none (in
 * progress, terminated); a token also when the state is error.  The
 * completion status is 0 in progress and 40h when terminated, whatever
 * @status says.
 */
size_t vscsi_rcs4_encode(uint8_t *buf, size_t size,
                         const VscsiCopyStatus *status);
size_t vscsi_rrti_encode(uint8_t *buf, size_t size,
                         const VscsiCopyStatus *status);
/*
 * Client side: read either response of @len bytes.  out->token points
 * into @buf.  False when the lengths in it contradict each other or @len.
 */
bool vscsi_rcs4_decode(const uint8_t *buf, size_t len, VscsiCopyStatus *out);
bool vscsi_rrti_decode(const uint8_t *buf, size_t len, VscsiCopyStatus *out);

/* EXTENDED COPY(LID1) (SPC-4 6.4) */

#define VSCSI_XCOPY_HEADER_LEN 16
/* Upper bounds for every limit of the number of descriptors. */
#define VSCSI_XCOPY_CSCDS_MAX 16
#define VSCSI_XCOPY_SEGMENTS_MAX 256
/* CSCD identifiers that are not an index of the list */
#define VSCSI_CSCD_ID_NULL 0xc000
#define VSCSI_CSCD_ID_ROD_TOKEN 0xf800
#define VSCSI_CSCD_ID_THIS_LUN 0xffff

enum {
    VSCSI_SEGMENT_BLOCK = 0x02,     /* block device to block device */
    VSCSI_SEGMENT_BLOCK_OFFSET = 0x0a, /* with byte count and offsets */
};

/* LIST ID USAGE */
enum {
    VSCSI_LIST_ID_KEEP = 0,
    VSCSI_LIST_ID_DISCARD = 2,
    VSCSI_LIST_ID_NONE = 3,
};

/* What RECEIVE COPY OPERATING PARAMETERS and VPD 8Fh say. */
typedef struct VscsiXcopyLimits {
    bool snlid;                     /* LIST ID USAGE 11b is accepted */
    uint16_t max_cscds;             /* 1..VSCSI_XCOPY_CSCDS_MAX */
    uint16_t max_segments;          /* 1..VSCSI_XCOPY_SEGMENTS_MAX */
    uint32_t max_list_length;       /* CSCD and segment descriptors, bytes */
    uint32_t max_inline;            /* bytes; 0: no inline data */
    uint32_t max_segment_bytes;     /* 0: no limit */
    uint16_t total_concurrent;      /* total copies; 0 without SNLID */
    uint8_t max_concurrent;         /* identified copies */
    uint8_t data_granularity_log2;
} VscsiXcopyLimits;

/*
 * A descriptor list length for which every list of at most max_cscds + 1
 * CSCDs and one segment, or one CSCD and max_segments + 1 segments, is
 * refused for its number and not for its length.
 */
uint32_t vscsi_xcopy_list_length(uint16_t max_cscds, uint16_t max_segments);

typedef struct VscsiSegment {
    uint8_t type;                   /* VSCSI_SEGMENT_* */
    bool dc;                        /* @blocks counts destination blocks */
    bool cat;
    uint16_t source_id;             /* CSCD identifiers, not checked */
    uint16_t dest_id;
    uint64_t source_lba;            /* not checked against any capacity */
    uint64_t dest_lba;
    uint32_t blocks;                /* type 02h */
    uint32_t bytes;                 /* type 0Ah */
    uint16_t source_offset;         /* type 0Ah, bytes into the block */
    uint16_t dest_offset;
} VscsiSegment;

typedef struct VscsiXcopy {
    bool empty;                     /* PARAMETER LIST LENGTH was 0 */
    uint8_t list_id;
    uint8_t usage;                  /* VSCSI_LIST_ID_* */
    bool sequential;                /* STR */
    uint8_t priority;
    unsigned n_cscds;
    unsigned n_segments;
    VscsiCscd cscd[VSCSI_XCOPY_CSCDS_MAX];
    VscsiSegment segment[VSCSI_XCOPY_SEGMENTS_MAX];
    uint32_t inline_len;
    const uint8_t *inline_data;     /* inside the caller's buffer */
} VscsiXcopy;

/*
 * Decode an EXTENDED COPY(LID1) parameter list.  Checks in order (the
 * order that SPC-4 leaves open is the one libiscsi's tests expect):
 *  1. len 0: true and @out->empty; len < 16: 1A/00
 *  2. CSCD and segment lists together over max_list_length: 1A/00
 *  3. header, lists and inline data do not fit in @len: 1A/00
 *  4. LIST ID USAGE 01b, or 11b without SNLID or with an identifier: 26/00
 *  5. CSCD list not a multiple of 32: 26/00; too many: 26/06
 *  6. inline data longer than max_inline: 26/0B
 *  7. too many segment descriptors: 26/08
 *  8. each CSCD: type not E4h 26/07; designator longer than 20: 26/00
 *  9. each segment: type not 02h or 0Ah 26/09; wrong length 26/00
 * Errors of processing (unknown CSCD identifier, LBA out of range) are
 * the copy manager's: they are COPY ABORTED and name the segment.
 */
bool vscsi_xcopy_decode(const uint8_t *buf, size_t len,
                        const VscsiXcopyLimits *limits, VscsiXcopy *out,
                        VscsiSense *err);
/* Client side. */
size_t vscsi_xcopy_encode(uint8_t *buf, size_t size, const VscsiXcopy *xcopy);
/*
 * Sense data of a segment that failed: @code, the segment's number, and
 * INFORMATION = @residual_blocks when @has_residual (some data was written).
 */
VscsiSense vscsi_sense_segment(VscsiSenseCode code, uint16_t segment,
                               bool has_residual, uint64_t residual_blocks);

typedef enum VscsiLid1State {
    VSCSI_LID1_IN_PROGRESS = 0,
    VSCSI_LID1_OK = 1,
    VSCSI_LID1_ERROR = 2,
} VscsiLid1State;

/* RECEIVE COPY STATUS(LID1) data, 12 bytes; @count in bytes (any size). */
size_t vscsi_lid1_status_encode(uint8_t *buf, size_t size,
                                VscsiLid1State state, uint16_t segments,
                                uint64_t count);
/* RECEIVE COPY FAILURE DETAILS(LID1) data; @sense NULL: no details. */
size_t vscsi_lid1_failure_encode(uint8_t *buf, size_t size, uint8_t status,
                                 const VscsiSense *sense);
/* RECEIVE COPY OPERATING PARAMETERS data. */
size_t vscsi_copy_parameters_encode(uint8_t *buf, size_t size,
                                    const VscsiXcopyLimits *limits);

/* Discovery: VPD page 8Fh, page 00h, standard INQUIRY (SPC-4 7.8.17) */

#define VSCSI_VPD_SUPPORTED_PAGES 0x00
#define VSCSI_VPD_THIRD_PARTY_COPY 0x8f
/* Readers with 1024-byte buffers exist; the page is never longer. */
#define VSCSI_VPD_8F_MAX 1020
#define VSCSI_DISCOVERY_ROD_TYPES_MAX 8

typedef struct VscsiDiscoveryRodType {
    uint32_t type;
    bool ecpy_int;                  /* created by EXTENDED COPY inside */
    bool token_in;                  /* accepted by WRITE USING TOKEN */
    bool token_out;                 /* created by POPULATE TOKEN */
    uint16_t preference;
} VscsiDiscoveryRodType;

typedef struct VscsiDiscovery {
    uint8_t qualifier_and_type;     /* byte 0 of every INQUIRY page */
    uint32_t features;              /* VSCSI_FEATURE_* */
    uint32_t block_size;

    /* Block Device ROD Limits, 0000h (FEATURE_TOKEN) */
    uint16_t max_ranges;
    uint32_t max_inactivity_s;
    uint32_t default_inactivity_s;
    uint64_t max_token_blocks;
    uint64_t optimal_blocks;

    /* Parameter Data 0004h, 0008h, 000Ch (FEATURE_XCOPY) */
    VscsiXcopyLimits xcopy;

    /* ROD Token Features 0106h (FEATURE_TOKEN) */
    uint8_t remote_tokens;
    uint32_t min_lifetime_s;
    uint32_t max_lifetime_s;
    uint16_t optimal_granularity_blocks;

    /* Supported ROD Types 0108h, ascending (FEATURE_TOKEN) */
    unsigned n_rod_types;
    VscsiDiscoveryRodType rod_type[VSCSI_DISCOVERY_ROD_TYPES_MAX];

    /* General Copy Operations 8001h */
    uint32_t total_concurrent;
    uint32_t max_identified;        /* not over total_concurrent */
    uint32_t max_segment_bytes;
    uint8_t segment_granularity_log2;
} VscsiDiscovery;

/*
 * VPD page 8Fh: descriptors in ascending order of type, 0000h first when
 * there is FEATURE_TOKEN (the form that Windows looks for).  The return
 * value is at most VSCSI_VPD_8F_MAX.
 */
size_t vscsi_vpd_8f_encode(uint8_t *buf, size_t size,
                           const VscsiDiscovery *discovery);
/*
 * Client side: read the limits of a page 8Fh.  Descriptors of unknown
 * type are skipped.  False when a length does not fit in its parent.
 */
bool vscsi_vpd_8f_decode(const uint8_t *buf, size_t len, VscsiDiscovery *out);
/*
 * Insert @code into a whole page 00h of @len bytes in a buffer of @size,
 * in ascending order.  Returns the new length: @len when it is already
 * there, 0 when the page is malformed or has no room.
 */
size_t vscsi_vpd_00_insert(uint8_t *buf, size_t len, size_t size,
                           uint8_t code);
/* Set or clear 3PC in standard INQUIRY data of @len bytes (maybe short). */
void vscsi_inquiry_set_3pc(uint8_t *buf, size_t len, bool on);

/* REPORT SUPPORTED OPERATION CODES (SPC-4 6.35) */

typedef struct VscsiOpcode {
    uint8_t opcode;
    bool has_sa;
    uint16_t sa;
    uint8_t cdb_len;
    uint32_t features;              /* 0, or any of these must be on */
    uint32_t nominal_s;             /* 0: not reported */
    uint32_t recommended_s;
    /* bits that are evaluated; opcode and service action are filled in */
    uint8_t usage[VSCSI_CDB_LEN];
} VscsiOpcode;

/* A table in ascending order of (opcode, sa) and the features it may use. */
typedef struct VscsiOpcodeTable {
    const VscsiOpcode *entry;
    unsigned n;
    uint32_t features;
} VscsiOpcodeTable;

/* The commands that QEMU's scsi-hd and its SCSI bus serve. */
VscsiOpcodeTable vscsi_opcodes_disk(void);
/*
 * The commands of this project: 83h and 84h of @features, and REPORT
 * SUPPORTED OPERATION CODES.
 */
VscsiOpcodeTable vscsi_opcodes_copy(uint32_t features);

typedef struct VscsiRsocCdb {
    bool rctd;
    uint8_t options;                /* REPORTING OPTIONS, 0-3 */
    uint8_t opcode;
    uint16_t sa;
    uint32_t allocation_length;
} VscsiRsocCdb;

/* Decode A3/0C; another service action or REPORTING OPTIONS: 24/00. */
bool vscsi_rsoc_cdb_decode(const uint8_t cdb[VSCSI_RSOC_CDB_LEN],
                           VscsiRsocCdb *out, VscsiSense *err);
/*
 * Answer @cdb from @n_tables tables.  *length receives the length of the
 * whole response, of which at most @size bytes are written.  False with
 * 24/00: 001b for an opcode with service actions, 010b for one without.
 */
bool vscsi_rsoc_encode(uint8_t *buf, size_t size, const VscsiRsocCdb *cdb,
                       const VscsiOpcodeTable *tables, unsigned n_tables,
                       size_t *length, VscsiSense *err);

#endif /* HW_VSCSI_WIRE_H */
