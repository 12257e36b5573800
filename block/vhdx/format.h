/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The VHDX format, its fixed part: file identifier, headers, region tables,
 * and what all parts share (errors, limits, geometry, layout).  The metadata
 * region is in format-metadata.h, the block allocation table (BAT) in
 * format-bat.h, log entries in format-log.h, the active log in log-scan.h.
 *
 * Everything here works on buffers and plain structures: no I/O, no state, no
 * locks.  The functions may be called in any context, coroutine or not, and
 * from several threads on different objects.  Sections are those of MS-VHDX.
 *
 * Offsets and lengths are bytes unless their name says otherwise.  Every
 * decoder takes the bytes that are there (@buf, @len; it never reads past
 * them), and the place in the file where they were read (@at), which serves
 * only for the offsets in errors.
 *
 * What is read is hostile: a decoder that returns true has checked every
 * field that its comment names, and offset + length of what it returns does
 * not overflow 64 bits.  On false *@err says what is wrong; @err may be NULL.
 * Outputs are not to be used then, and hold nothing to be freed.
 */

#ifndef BLOCK_VHDX_FORMAT_H
#define BLOCK_VHDX_FORMAT_H

#include "util/guid.h"

#define VHDX_KIB (1024ULL)
#define VHDX_MIB (1024 * VHDX_KIB)
#define VHDX_TIB (VHDX_MIB * VHDX_MIB)

/* Places and sizes that are the same in every file (2.2). */
#define VHDX_ALIGN VHDX_MIB
#define VHDX_PAGE 4096
#define VHDX_IDENTIFIER_LEN (64 * 1024)
#define VHDX_CREATOR_UNITS 256
#define VHDX_HEADER_1 (64 * VHDX_KIB)
#define VHDX_HEADER_2 (128 * VHDX_KIB)
#define VHDX_HEADER_LEN 4096
/* The part of a header that has fields; the rest is reserved. */
#define VHDX_HEADER_USED 80
#define VHDX_REGION_TABLE_1 (192 * VHDX_KIB)
#define VHDX_REGION_TABLE_2 (256 * VHDX_KIB)
#define VHDX_REGION_TABLE_LEN (64 * 1024)
#define VHDX_REGIONS_MAX 2047
/* Nothing but the structures above lies below. */
#define VHDX_FIRST_FREE VHDX_MIB

#define VHDX_BLOCK_MIN VHDX_MIB
#define VHDX_BLOCK_MAX (256 * VHDX_MIB)
#define VHDX_DISK_MAX (64 * VHDX_TIB)
/*
 * No structure lies past this.  FileOffsetMB of a BAT entry could name up to
 * 2^64, but no file is longer than 2^63 - 1, and so no sum overflows.
 */
#define VHDX_FILE_MAX ((1ULL << 63) - VHDX_MIB)

/* ---- errors ---- */

typedef enum VhdxErrorCode {
    VHDX_ERR_NONE,
    VHDX_ERR_READ,              /* value: errno of the read */
    VHDX_ERR_TRUNCATED,         /* value: bytes there; expected: needed */
    VHDX_ERR_SIGNATURE,         /* value: the first bytes, little-endian */
    VHDX_ERR_CHECKSUM,          /* value: stored; expected: computed */
    VHDX_ERR_VERSION,           /* expected: the only one known */
    VHDX_ERR_RESERVED,          /* bits that must be 0 are not */
    VHDX_ERR_ZERO,
    VHDX_ERR_NOT_ZERO,
    VHDX_ERR_ALIGNMENT,         /* expected: the multiple it must be of */
    VHDX_ERR_TOO_SMALL,         /* expected: the smallest legal value */
    VHDX_ERR_TOO_LARGE,         /* expected: the largest legal value */
    VHDX_ERR_NOT_POWER_OF_2,
    VHDX_ERR_BAD_VALUE,         /* none of the few legal values */
    VHDX_ERR_MISMATCH,          /* expected: what it must equal */
    VHDX_ERR_BEYOND,            /* value: its end; expected: end of its place */
    VHDX_ERR_OVERLAP,           /* value: where the other structure is */
    VHDX_ERR_DUPLICATE,
    VHDX_ERR_MISSING,
    VHDX_ERR_UNEXPECTED,        /* there, but must not be */
    VHDX_ERR_UNKNOWN_REQUIRED,  /* a required part that nobody knows here */
    VHDX_ERR_INCOMPLETE,        /* creation of the file was never finished */
    VHDX_ERR_TEXT,              /* not well-formed text; value: where in it */
    VHDX_ERR_DIFFERENT,         /* two copies disagree */
    VHDX_ERR_NO_SEQUENCE,       /* the log has no active sequence */
    VHDX_ERR_MAX,
} VhdxErrorCode;

/*
 * What is wrong, where.  @structure and @field are constant strings, @field
 * may be NULL; @offset is in the file.  @guid_valid: @guid names the entry.
 */
typedef struct VhdxError {
    VhdxErrorCode code;
    const char *structure;
    const char *field;
    uint64_t offset;
    uint64_t value;
    uint64_t expected;
    bool guid_valid;
    Guid guid;
} VhdxError;

/*
 * One line of text in English that names structure, field, offset and value,
 * without a final full stop; g_free() it.
 */
char *vhdx_error_text(const VhdxError *err);

/* Fill *@err, if there is one; always false, so that it can be returned. */
bool vhdx_error_set(VhdxError *err, VhdxErrorCode code, const char *structure,
                    const char *field, uint64_t offset, uint64_t value,
                    uint64_t expected);
/* The same, naming the region or item @guid. */
bool vhdx_error_set_guid(VhdxError *err, VhdxErrorCode code,
                         const char *structure, const char *field,
                         uint64_t offset, uint64_t value, uint64_t expected,
                         const Guid *guid);

/*
 * CRC-32C of @len bytes with the four bytes at @field taken as 0, as headers,
 * region tables and log entries have it.
 */
uint32_t vhdx_checksum(const uint8_t *buf, size_t len, size_t field);

/* ---- file identifier (2.2.1) ---- */

/*
 * Check the signature.  @creator, if not NULL, becomes the creator's text, or
 * NULL if that is not well-formed UTF-16 (it is diagnostic only); g_free() it.
 */
bool vhdx_identifier_decode(const uint8_t *buf, size_t len, char **creator,
                            VhdxError *err);

/* Fill @buf (VHDX_IDENTIFIER_LEN).  A long @creator is cut. */
void vhdx_identifier_encode(uint8_t *buf, const char *creator);

/* ---- headers (2.2.2) ---- */

typedef struct VhdxHeader {
    uint64_t sequence;
    Guid file_write_guid;
    Guid data_write_guid;
    Guid log_guid;              /* zero: nothing to replay */
    uint16_t log_version;
    uint16_t version;
    uint32_t log_length;
    uint64_t log_offset;
} VhdxHeader;

/* Signature and checksum: what makes a header valid (2.2.2.1). */
bool vhdx_header_decode(const uint8_t *buf, size_t len, uint64_t at,
                        VhdxHeader *header, VhdxError *err);

/* Fill @buf (VHDX_HEADER_LEN), checksum included. */
void vhdx_header_encode(uint8_t *buf, const VhdxHeader *header);

/*
 * The content of the current header: version; log version, if there is a log
 * to replay; log length and place: multiples of 1 MiB, not below 1 MiB,
 * inside a file of @file_size.  A log of length 0 is legal only without a
 * LogGuid, and such a file cannot be written (vhdx_plan_* refuse).
 */
bool vhdx_header_check(const VhdxHeader *header, uint64_t at,
                       uint64_t file_size, VhdxError *err);

/* The current header, and the slot (0 or 1) that it is in. */
typedef struct VhdxHeaderState {
    VhdxHeader header;
    unsigned slot;
} VhdxHeaderState;

/* The place in the file of header slot @slot. */
static inline uint64_t vhdx_header_offset(unsigned slot)
{
    return slot ? VHDX_HEADER_2 : VHDX_HEADER_1;
}

/*
 * Choose the current one of both slots: the only valid one, or the one of the
 * higher sequence number.  Equal numbers are accepted if all fields are equal,
 * as some programs write them.  @other_err, if not NULL, says what is wrong
 * with the other slot if that is not valid (code VHDX_ERR_NONE if it is).
 */
bool vhdx_headers_choose(const uint8_t *slot_1, size_t len_1,
                         const uint8_t *slot_2, size_t len_2,
                         VhdxHeaderState *current, VhdxError *other_err,
                         VhdxError *err);

/*
 * Header updates (2.2.2.1, 2.3.3).  A plan is the list of steps that takes
 * the file from one header state to the next; the driver carries them out in
 * order and drops the plan at the first failure.  After a crash at any point,
 * with any step torn, the file has a valid current header, and that header
 * never names a log that has no active sequence.
 */
typedef enum VhdxStepKind {
    VHDX_STEP_FLUSH,            /* all written so far becomes durable */
    VHDX_STEP_HEADER,           /* write header to slot */
    VHDX_STEP_LOG_START,        /* write, at log offset 0, an entry without */
                                /* descriptors: Tail 0, LogGuid of header; */
                                /* any SequenceNumber from 1 to 2^63 */
} VhdxStepKind;

typedef struct VhdxStep {
    VhdxStepKind kind;
    unsigned slot;
    VhdxHeader header;
} VhdxStep;

#define VHDX_PLAN_STEPS_MAX 10

typedef struct VhdxHeaderPlan {
    VhdxStep step[VHDX_PLAN_STEPS_MAX];
    unsigned n;
    VhdxHeaderState after;      /* current when all steps are done */
} VhdxHeaderPlan;

/*
 * First modification of a session for a file that needs replay: a new
 * FileWriteGuid, LogGuid unchanged.  Comes before the replay.
 */
bool vhdx_plan_replay(const VhdxHeaderState *now, const Guid *file_write_guid,
                      VhdxHeaderPlan *plan, VhdxError *err);

/*
 * Begin to log under @log_guid (not zero): before the first log entry of a
 * session, when all that an older log holds is applied.  @file_write_guid:
 * the session's, or NULL if it is in the header already; @data_write_guid:
 * NULL if the reason is no change that the guest can see.
 */
bool vhdx_plan_log_start(const VhdxHeaderState *now,
                         const Guid *file_write_guid, const Guid *log_guid,
                         const Guid *data_write_guid, VhdxHeaderPlan *plan,
                         VhdxError *err);

/*
 * Before the session's first change that the guest can see: the same new
 * DataWriteGuid in both slots.  Orphans every child of the file.
 */
bool vhdx_plan_data_write(const VhdxHeaderState *now,
                          const Guid *data_write_guid, VhdxHeaderPlan *plan,
                          VhdxError *err);

/*
 * All that the log holds has been written in place: a flush makes it
 * durable, then LogGuid becomes 0 in both slots.  For clean close, and for
 * the end of a replay.
 */
bool vhdx_plan_log_end(const VhdxHeaderState *now, VhdxHeaderPlan *plan,
                       VhdxError *err);

/*
 * Any other change of a header (repair; a log that moved while LogGuid is 0):
 * the fields of @fields but its sequence number, in both slots.
 */
bool vhdx_plan_update(const VhdxHeaderState *now, const VhdxHeader *fields,
                      VhdxHeaderPlan *plan, VhdxError *err);

/* ---- region tables (2.2.3) ---- */

extern const Guid vhdx_region_bat;
extern const Guid vhdx_region_metadata;

#define VHDX_REGION_REQUIRED 1u

typedef struct VhdxRegion {
    Guid guid;
    uint64_t offset;
    uint32_t length;
    uint32_t flags;             /* as stored, reserved bits too */
} VhdxRegion;

/* Regions in the order of the table, unknown optional ones among them. */
typedef struct VhdxRegionTable {
    VhdxRegion *region;
    unsigned n;
    unsigned bat;               /* index of the known ones */
    unsigned metadata;
} VhdxRegionTable;

/*
 * Checks: signature, checksum, count; of each region place and length
 * (multiples of 1 MiB, not 0, not below 1 MiB, no overflow), GUIDs unique,
 * no required region unknown, BAT and metadata there.  Free the table with
 * vhdx_region_table_destroy().
 */
bool vhdx_region_table_decode(const uint8_t *buf, size_t len, uint64_t at,
                              VhdxRegionTable *table, VhdxError *err);

/* Fill @buf (VHDX_REGION_TABLE_LEN), checksum included. */
void vhdx_region_table_encode(uint8_t *buf, const VhdxRegionTable *table);

void vhdx_region_table_destroy(VhdxRegionTable *table);

typedef enum VhdxRegionTablesState {
    VHDX_TABLES_EQUAL,
    VHDX_TABLES_ONLY_1,         /* 2 is damaged */
    VHDX_TABLES_ONLY_2,         /* 1 is damaged */
    VHDX_TABLES_DIFFER,         /* both are whole, 1 was taken */
} VhdxRegionTablesState;

/*
 * Decode table 1, or table 2 if the signature or checksum of table 1 is
 * wrong: other faults are not damage but content, and the copy would only
 * hide them.  In any state but EQUAL the caller should repair, by the log,
 * before it writes anything else.
 */
bool vhdx_region_tables_choose(const uint8_t *table_1, size_t len_1,
                               const uint8_t *table_2, size_t len_2,
                               VhdxRegionTable *table,
                               VhdxRegionTablesState *state, VhdxError *err);

/* ---- layout: what lies where in the file ---- */

typedef struct VhdxExtent {
    uint64_t offset;
    uint64_t length;
    const char *name;           /* constant */
} VhdxExtent;

/* Disjoint extents in order of offset. */
typedef struct VhdxLayout {
    VhdxExtent *extent;
    unsigned n;
    unsigned room;
} VhdxLayout;

/* Begins with the first MiB taken; vhdx_layout_destroy() it. */
void vhdx_layout_init(VhdxLayout *layout);
void vhdx_layout_destroy(VhdxLayout *layout);

/* Whether [@offset, @offset + @length) overlaps nothing; length 0 never. */
bool vhdx_layout_check(const VhdxLayout *layout, const char *name,
                       uint64_t offset, uint64_t length, VhdxError *err);

/* The same, and if so it is taken from now on.  Length 0 adds nothing. */
bool vhdx_layout_add(VhdxLayout *layout, const char *name, uint64_t offset,
                     uint64_t length, VhdxError *err);

/*
 * Fill @layout (initialized here) with first MiB, log and regions: they are
 * disjoint and, if @file_size is not UINT64_MAX, inside the file.  Before a
 * replay the file may be shorter than its regions: check again after it.
 * On false @layout is destroyed.
 */
bool vhdx_layout_init_file(VhdxLayout *layout, const VhdxHeader *header,
                           const VhdxRegionTable *table, uint64_t file_size,
                           VhdxError *err);

/* ---- geometry (2.5) ---- */

typedef struct VhdxGeometry {
    uint64_t disk_size;
    uint32_t block_size;
    uint32_t logical_sector;
    bool has_parent;
    uint32_t block_shift;       /* block_size == 1 << block_shift */
    uint32_t ratio_shift;       /* payload blocks per chunk, as a shift */
    uint32_t chunk_ratio;
    uint64_t payload_count;     /* blocks of the disk */
    uint64_t sb_count;          /* chunks: sector bitmap blocks */
    uint64_t bat_entries;
    uint64_t bat_length;        /* bytes of the entries */
    uint32_t bat_region_length; /* the least legal length of the region */
    uint32_t sb_bytes;          /* of a sector bitmap, per payload block */
} VhdxGeometry;

/*
 * Compute the geometry.  Checks: sizes and sectors legal (size not 0, at most
 * 64 TiB, a multiple of @logical_sector; block a power of 2 from 1 to
 * 256 MiB).  @at for errors: the metadata region.
 */
bool vhdx_geometry_init(VhdxGeometry *geo, uint64_t disk_size,
                        uint64_t block_size, uint32_t logical_sector,
                        bool has_parent, uint64_t at, VhdxError *err);

/* Whether @region holds all entries of the BAT. */
bool vhdx_geometry_check_bat(const VhdxGeometry *geo,
                             const VhdxRegion *region, VhdxError *err);

/* BAT index of payload block @block, of the sector bitmap of chunk @chunk. */
static inline uint64_t vhdx_bat_payload_index(const VhdxGeometry *geo,
                                              uint64_t block)
{
    return block + (block >> geo->ratio_shift);
}

static inline uint64_t vhdx_bat_sb_index(const VhdxGeometry *geo,
                                         uint64_t chunk)
{
    return (chunk << geo->ratio_shift) + chunk + geo->chunk_ratio;
}

/*
 * What BAT entry @index is for: true and the chunk in *@number for a sector
 * bitmap, false and the block for payload.  The block may be past the disk's
 * end: in the last chunk of a differencing file, and in the spare entries of
 * the region.
 */
bool vhdx_bat_is_sb(const VhdxGeometry *geo, uint64_t index,
                    uint64_t *number);

#endif /* BLOCK_VHDX_FORMAT_H */
