/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VHDX log entries (MS-VHDX 2.3.1).  An entry is a run of 4096 byte sectors:
 * first those of header and descriptors, then one for each page of data.
 *
 *   header: 0 "loge"   4 Checksum   8 EntryLength   12 Tail
 *           16 SequenceNumber   24 DescriptorCount   28 reserved
 *           32 LogGuid   48 FlushedFileOffset   56 LastFileOffset
 *   then 126 descriptors in the first sector, 128 in each further one:
 *   data: 0 "desc"   4 TrailingBytes   8 LeadingBytes   16 FileOffset
 *         24 SequenceNumber
 *   zero: 0 "zero"   4 reserved   8 ZeroLength   16 FileOffset
 *         24 SequenceNumber
 *   data sector: 0 "data"   4 SequenceHigh   8 bytes 8 to 4091 of the page
 *                4092 SequenceLow
 *
 * The page's first 8 and last 4 bytes, which the data sector uses itself, are
 * in the descriptor.  The sequence number on both ends of every data sector
 * and in every descriptor, and the checksum, show an entry that was torn.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/crc32c.h"
#include "block/vhdx/format-log.h"

#define LOG_CHECKSUM 4
#define DATA_LEADING 8
#define DATA_TRAILING 4
#define DATA_MIDDLE (VHDX_PAGE - DATA_LEADING - DATA_TRAILING)

static const char entry_magic[4] = "loge";
static const char data_descriptor_magic[4] = "desc";
static const char zero_descriptor_magic[4] = "zero";
static const char data_magic[4] = "data";

static bool log_error(VhdxError *err, VhdxErrorCode code, const char *field,
                      uint64_t offset, uint64_t value, uint64_t expected)
{
    return vhdx_error_set(err, code, "log entry", field, offset, value,
                          expected);
}

/* ---- encode ---- */

uint64_t vhdx_log_entry_length(uint32_t pages, uint32_t zeros)
{
    uint64_t head = VHDX_LOG_HEADER_LEN +
                    ((uint64_t)pages + zeros) * VHDX_LOG_DESCRIPTOR_LEN;

    return ROUND_UP(head, VHDX_LOG_SECTOR) +
           (uint64_t)pages * VHDX_LOG_SECTOR;
}

uint32_t vhdx_log_pages_max(uint32_t space)
{
    uint32_t sectors = space / VHDX_LOG_SECTOR;
    /*
     * p pages take p sectors, and 1 of descriptors for each 128 of p + 2 (the
     * header takes the place of 2), rounded up.
     */
    uint32_t heads = DIV_ROUND_UP(sectors + 2, 129);

    return sectors > heads ? sectors - heads : 0;
}

static void descriptor_encode(uint8_t *p, const VhdxLogUpdate *update,
                              uint64_t sequence)
{
    assert(update->offset % VHDX_PAGE == 0);
    if (update->page) {
        memcpy(p, data_descriptor_magic, sizeof(data_descriptor_magic));
        memcpy(p + 4, update->page + VHDX_PAGE - DATA_TRAILING,
               DATA_TRAILING);
        memcpy(p + 8, update->page, DATA_LEADING);
    } else {
        assert(update->zero_length % VHDX_PAGE == 0);
        memcpy(p, zero_descriptor_magic, sizeof(zero_descriptor_magic));
        stl_le_p(p + 4, 0);
        stq_le_p(p + 8, update->zero_length);
    }
    stq_le_p(p + 16, update->offset);
    stq_le_p(p + 24, sequence);
}

static void data_sector_encode(uint8_t *sector, const uint8_t *page,
                               uint64_t sequence)
{
    memcpy(sector, data_magic, sizeof(data_magic));
    stl_le_p(sector + 4, sequence >> 32);
    memcpy(sector + DATA_LEADING, page + DATA_LEADING, DATA_MIDDLE);
    stl_le_p(sector + VHDX_PAGE - DATA_TRAILING, sequence);
}

uint32_t vhdx_log_entry_encode(uint8_t *buf, const VhdxLogHeader *header,
                               const VhdxLogUpdate *updates, uint32_t n)
{
    size_t head = vhdx_log_descriptor_sectors(n) * VHDX_LOG_SECTOR;
    uint8_t *descriptor = buf + VHDX_LOG_HEADER_LEN;
    uint8_t *sector = buf + head;
    uint32_t length;

    assert(header->sequence && !guid_is_zero(&header->log_guid));
    assert(header->tail % VHDX_LOG_SECTOR == 0);
    memset(buf, 0, head);
    for (uint32_t i = 0; i < n; i++) {
        descriptor_encode(descriptor, &updates[i], header->sequence);
        descriptor += VHDX_LOG_DESCRIPTOR_LEN;
        if (updates[i].page) {
            data_sector_encode(sector, updates[i].page, header->sequence);
            sector += VHDX_LOG_SECTOR;
        }
    }
    length = sector - buf;
    memcpy(buf, entry_magic, sizeof(entry_magic));
    stl_le_p(buf + 8, length);
    stl_le_p(buf + 12, header->tail);
    stq_le_p(buf + 16, header->sequence);
    stl_le_p(buf + 24, n);
    guid_store(buf + 32, &header->log_guid);
    stq_le_p(buf + 48, header->flushed_file_offset);
    stq_le_p(buf + 56, header->last_file_offset);
    stl_le_p(buf + LOG_CHECKSUM, vhdx_checksum(buf, length, LOG_CHECKSUM));
    return length;
}

/* ---- decode and check ---- */

static bool header_lengths_check(const VhdxLogHeader *h, uint64_t at,
                                 uint32_t log_length, VhdxError *err)
{
    uint64_t least = vhdx_log_descriptor_sectors(h->descriptor_count) *
                     VHDX_LOG_SECTOR;

    if (h->entry_length % VHDX_LOG_SECTOR) {
        return log_error(err, VHDX_ERR_ALIGNMENT, "EntryLength", at + 8,
                         h->entry_length, VHDX_LOG_SECTOR);
    }
    if (h->entry_length > log_length) {
        return log_error(err, VHDX_ERR_TOO_LARGE, "EntryLength", at + 8,
                         h->entry_length, log_length);
    }
    if (h->entry_length < least) {
        return log_error(err, VHDX_ERR_TOO_SMALL, "EntryLength", at + 8,
                         h->entry_length, least);
    }
    if (h->tail % VHDX_LOG_SECTOR) {
        return log_error(err, VHDX_ERR_ALIGNMENT, "Tail", at + 12, h->tail,
                         VHDX_LOG_SECTOR);
    }
    return h->tail < log_length ||
           log_error(err, VHDX_ERR_BEYOND, "Tail", at + 12, h->tail,
                     log_length);
}

bool vhdx_log_header_decode(const uint8_t *sector, uint64_t at,
                            uint32_t log_length, const Guid *log_guid,
                            VhdxLogHeader *header, VhdxError *err)
{
    if (memcmp(sector, entry_magic, sizeof(entry_magic))) {
        return log_error(err, VHDX_ERR_SIGNATURE, NULL, at,
                         (uint32_t)ldl_le_p(sector), 0);
    }
    *header = (VhdxLogHeader) {
        .entry_length = ldl_le_p(sector + 8),
        .tail = ldl_le_p(sector + 12),
        .sequence = ldq_le_p(sector + 16),
        .descriptor_count = ldl_le_p(sector + 24),
        .log_guid = guid_load(sector + 32),
        .flushed_file_offset = ldq_le_p(sector + 48),
        .last_file_offset = ldq_le_p(sector + 56),
    };
    if (!guid_equal(&header->log_guid, log_guid)) {
        return vhdx_error_set_guid(err, VHDX_ERR_MISMATCH, "log entry",
                                   "LogGuid", at + 32,
                                   ldq_le_p(sector + 32),
                                   ldq_le_p(log_guid->bytes),
                                   &header->log_guid);
    }
    if (!header->sequence) {
        return log_error(err, VHDX_ERR_ZERO, "SequenceNumber", at + 16, 0, 0);
    }
    return header_lengths_check(header, at, log_length, err);
}

bool vhdx_log_descriptor_decode(const uint8_t *sector, uint64_t at,
                                uint32_t i, uint64_t sequence,
                                VhdxLogDescriptor *desc, VhdxError *err)
{
    size_t in_sector = (VHDX_LOG_HEADER_LEN +
                        (uint64_t)i * VHDX_LOG_DESCRIPTOR_LEN) %
                       VHDX_LOG_SECTOR;
    const uint8_t *p = sector + in_sector;
    uint64_t found = ldq_le_p(p + 24);

    *desc = (VhdxLogDescriptor) { .offset = ldq_le_p(p + 16) };
    if (!memcmp(p, data_descriptor_magic, sizeof(data_descriptor_magic))) {
        memcpy(desc->trailing, p + 4, DATA_TRAILING);
        memcpy(desc->leading, p + 8, DATA_LEADING);
    } else if (!memcmp(p, zero_descriptor_magic,
                       sizeof(zero_descriptor_magic))) {
        desc->zero = true;
        desc->zero_length = ldq_le_p(p + 8);
    } else {
        return log_error(err, VHDX_ERR_SIGNATURE, "descriptor",
                         at + in_sector, (uint32_t)ldl_le_p(p), 0);
    }
    return found == sequence ||
           log_error(err, VHDX_ERR_MISMATCH, "descriptor SequenceNumber",
                     at + in_sector + 24, found, sequence);
}

static bool data_sector_check(const uint8_t *sector, uint64_t at,
                              uint64_t sequence, VhdxError *err)
{
    uint64_t found = (uint64_t)(uint32_t)ldl_le_p(sector + 4) << 32 |
                     (uint32_t)ldl_le_p(sector + VHDX_PAGE - DATA_TRAILING);

    if (memcmp(sector, data_magic, sizeof(data_magic))) {
        return log_error(err, VHDX_ERR_SIGNATURE, "data sector", at,
                         (uint32_t)ldl_le_p(sector), 0);
    }
    return found == sequence ||
           log_error(err, VHDX_ERR_MISMATCH, "data sector SequenceNumber",
                     at + 4, found, sequence);
}

bool vhdx_log_page_decode(const uint8_t *sector, uint64_t at,
                          uint64_t sequence, const VhdxLogDescriptor *desc,
                          uint8_t *page, VhdxError *err)
{
    if (!data_sector_check(sector, at, sequence, err)) {
        return false;
    }
    memcpy(page, desc->leading, DATA_LEADING);
    memcpy(page + DATA_LEADING, sector + DATA_LEADING, DATA_MIDDLE);
    memcpy(page + VHDX_PAGE - DATA_TRAILING, desc->trailing, DATA_TRAILING);
    return true;
}

static void checker_sum(VhdxLogChecker *checker, const uint8_t *buf,
                        size_t len)
{
    /* crc32c() inverts its result: undo that to go on. */
    checker->checksum = ~crc32c(checker->checksum, buf, len);
}

/* The descriptors that are in sector number checker->done. */
static bool checker_descriptors(VhdxLogChecker *checker,
                                const uint8_t *sector, uint64_t at,
                                VhdxError *err)
{
    const uint32_t per_sector = VHDX_LOG_SECTOR / VHDX_LOG_DESCRIPTOR_LEN;
    const uint32_t in_header = VHDX_LOG_HEADER_LEN / VHDX_LOG_DESCRIPTOR_LEN;
    uint32_t first = checker->done ? checker->done * per_sector - in_header
                                   : 0;
    uint32_t end = MIN(checker->header.descriptor_count,
                       (checker->done + 1) * per_sector - in_header);

    for (uint32_t i = first; i < end; i++) {
        VhdxLogDescriptor desc;

        if (!vhdx_log_descriptor_decode(sector, at, i,
                                        checker->header.sequence, &desc,
                                        err)) {
            return false;
        }
        checker->pages += !desc.zero;
    }
    return true;
}

/* After the sector numbered checker->done has been looked at. */
static bool checker_took(VhdxLogChecker *checker, uint64_t at, VhdxError *err)
{
    checker->done++;
    if (checker->done == checker->descriptor_sectors &&
        checker->sectors != checker->done + checker->pages) {
        return log_error(err, VHDX_ERR_MISMATCH, "EntryLength", at,
                         checker->header.entry_length,
                         (uint64_t)(checker->done + checker->pages) *
                         VHDX_LOG_SECTOR);
    }
    return checker->done < checker->sectors ||
           checker->stored_checksum == ~checker->checksum ||
           log_error(err, VHDX_ERR_CHECKSUM, NULL, at,
                     checker->stored_checksum, ~checker->checksum);
}

bool vhdx_log_check_first(VhdxLogChecker *checker, const uint8_t *sector,
                          uint64_t at, uint32_t log_length,
                          const Guid *log_guid, VhdxError *err)
{
    static const uint8_t no_checksum[4];

    *checker = (VhdxLogChecker) {
        .stored_checksum = ldl_le_p(sector + LOG_CHECKSUM),
        .checksum = UINT32_MAX,
    };
    if (!vhdx_log_header_decode(sector, at, log_length, log_guid,
                                &checker->header, err)) {
        return false;
    }
    checker->sectors = checker->header.entry_length / VHDX_LOG_SECTOR;
    checker->descriptor_sectors =
        vhdx_log_descriptor_sectors(checker->header.descriptor_count);
    checker_sum(checker, sector, LOG_CHECKSUM);
    checker_sum(checker, no_checksum, sizeof(no_checksum));
    checker_sum(checker, sector + LOG_CHECKSUM + sizeof(no_checksum),
                VHDX_LOG_SECTOR - LOG_CHECKSUM - sizeof(no_checksum));
    return checker_descriptors(checker, sector, at, err) &&
           checker_took(checker, at, err);
}

bool vhdx_log_check_next(VhdxLogChecker *checker, const uint8_t *sector,
                         uint64_t at, VhdxError *err)
{
    bool ok;

    assert(!vhdx_log_check_done(checker));
    ok = checker->done < checker->descriptor_sectors
        ? checker_descriptors(checker, sector, at, err)
        : data_sector_check(sector, at, checker->header.sequence, err);
    if (!ok) {
        return false;
    }
    checker_sum(checker, sector, VHDX_LOG_SECTOR);
    return checker_took(checker, at, err);
}
