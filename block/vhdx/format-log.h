/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VHDX log entries (MS-VHDX 2.3): encoding one, and checking one sector by
 * sector.  Which entries of the log are to be replayed: log-scan.h.  The
 * rules of format.h hold here too.
 */

#ifndef BLOCK_VHDX_FORMAT_LOG_H
#define BLOCK_VHDX_FORMAT_LOG_H

#include "block/vhdx/format.h"

#define VHDX_LOG_SECTOR VHDX_PAGE
#define VHDX_LOG_HEADER_LEN 64
#define VHDX_LOG_DESCRIPTOR_LEN 32

/* The header of an entry. */
typedef struct VhdxLogHeader {
    uint32_t entry_length;
    uint32_t tail;              /* ring offset of the oldest entry needed */
    uint64_t sequence;
    uint32_t descriptor_count;
    Guid log_guid;
    uint64_t flushed_file_offset;
    uint64_t last_file_offset;
} VhdxLogHeader;

/* One change that an entry carries: a page, or zeros. */
typedef struct VhdxLogUpdate {
    uint64_t offset;            /* in the file, a multiple of 4096 */
    const uint8_t *page;        /* VHDX_PAGE bytes; NULL: zeros */
    uint64_t zero_length;       /* if zeros; a multiple of 4096 */
} VhdxLogUpdate;

typedef struct VhdxLogDescriptor {
    bool zero;
    uint64_t offset;
    uint64_t zero_length;
    uint8_t leading[8];         /* of a data page: what its sector lacks */
    uint8_t trailing[4];
} VhdxLogDescriptor;

/* Sectors that hold the header and @count descriptors. */
static inline uint64_t vhdx_log_descriptor_sectors(uint32_t count)
{
    return DIV_ROUND_UP(VHDX_LOG_HEADER_LEN +
                        (uint64_t)count * VHDX_LOG_DESCRIPTOR_LEN,
                        VHDX_LOG_SECTOR);
}

/* Bytes of an entry of @pages pages and @zeros zero ranges. */
uint64_t vhdx_log_entry_length(uint32_t pages, uint32_t zeros);

/*
 * The most pages that an entry without zero ranges can carry in @space
 * bytes: the log's length, less what is live from the Tail of the last entry
 * that is on disk, less what the caller keeps free.  Live space becomes free
 * only by writing an entry with a later Tail, so there must always be room
 * for one without descriptors.
 */
uint32_t vhdx_log_pages_max(uint32_t space);

/*
 * Write the entry of @header with the @n @updates to @buf, of
 * vhdx_log_entry_length() bytes.  Entry length and descriptor count are
 * computed; sequence and log_guid must not be zero, tail and offsets aligned.
 * Returns the length.
 */
uint32_t vhdx_log_entry_encode(uint8_t *buf, const VhdxLogHeader *header,
                               const VhdxLogUpdate *updates, uint32_t n);

/*
 * Checking an entry.  It is valid if (2.3.1.1)
 * 1. signature, LogGuid and SequenceNumber (not 0) are right,
 * 2. EntryLength is a multiple of 4096, not above the log's length, and just
 *    that of the descriptor sectors and one data sector per data descriptor,
 * 3. Tail is inside the log and a multiple of 4096,
 * 4. every descriptor has a known signature and the entry's sequence number,
 * 5. every data sector has its signature, and both halves of that number,
 * 6. the checksum is right.
 * Where the descriptors point is not part of it: see log-scan.h.
 *
 * The checker takes one sector after the other and stops at the first that
 * cannot belong to the entry, before the checksum is complete.  So a scan
 * costs time in proportion to the log, whatever lengths its headers claim.
 */
typedef struct VhdxLogChecker {
    VhdxLogHeader header;
    uint32_t sectors;           /* of the whole entry */
    uint32_t descriptor_sectors;
    uint32_t done;              /* sectors taken */
    uint32_t pages;             /* data descriptors seen */
    uint32_t stored_checksum;
    uint32_t checksum;          /* so far, not inverted */
} VhdxLogChecker;

/*
 * Take the first sector (VHDX_LOG_SECTOR bytes) of an entry in a log of
 * @log_length whose header has @log_guid.  @at: the sector's place in the
 * file.
 */
bool vhdx_log_check_first(VhdxLogChecker *checker, const uint8_t *sector,
                          uint64_t at, uint32_t log_length,
                          const Guid *log_guid, VhdxError *err);

/* Take the next one; not after vhdx_log_check_done(). */
bool vhdx_log_check_next(VhdxLogChecker *checker, const uint8_t *sector,
                         uint64_t at, VhdxError *err);

/* All sectors have been taken: the entry is valid. */
static inline bool vhdx_log_check_done(const VhdxLogChecker *checker)
{
    return checker->done == checker->sectors;
}

/* The header of an entry by itself: rules 1 to 3 as far as it shows them. */
bool vhdx_log_header_decode(const uint8_t *sector, uint64_t at,
                            uint32_t log_length, const Guid *log_guid,
                            VhdxLogHeader *header, VhdxError *err);

/*
 * Descriptor @i of an entry, from @sector, the one that holds it.  False if
 * its signature is unknown or its number not @sequence.
 */
bool vhdx_log_descriptor_decode(const uint8_t *sector, uint64_t at,
                                uint32_t i, uint64_t sequence,
                                VhdxLogDescriptor *desc, VhdxError *err);

/* Which of the entry's sectors holds descriptor @i. */
static inline uint32_t vhdx_log_descriptor_sector(uint32_t i)
{
    return (VHDX_LOG_HEADER_LEN + (uint64_t)i * VHDX_LOG_DESCRIPTOR_LEN) /
           VHDX_LOG_SECTOR;
}

/* The @page that @desc and its data @sector make; false as in rule 5. */
bool vhdx_log_page_decode(const uint8_t *sector, uint64_t at,
                          uint64_t sequence, const VhdxLogDescriptor *desc,
                          uint8_t *page, VhdxError *err);

#endif /* BLOCK_VHDX_FORMAT_LOG_H */
