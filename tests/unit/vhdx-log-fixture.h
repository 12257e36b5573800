/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VHDX logs in memory, for tests.
 */

#ifndef TESTS_UNIT_VHDX_LOG_FIXTURE_H
#define TESTS_UNIT_VHDX_LOG_FIXTURE_H

#include "block/vhdx/log-scan.h"
#include "vhdx-fixture.h"

#define SECTOR VHDX_LOG_SECTOR
/* Where logs are in the file. */
#define LOG_AT (16 * VHDX_MIB)

static inline VhdxLogHeader log_header(uint64_t sequence, uint32_t tail)
{
    return (VhdxLogHeader) {
        .tail = tail,
        .sequence = sequence,
        .log_guid = vhdx_test_guid(77),
        .flushed_file_offset = 20 * VHDX_MIB,
        .last_file_offset = 24 * VHDX_MIB,
    };
}

/* The ring of @length bytes at @buf. */
static inline VhdxLogRing log_ring(uint8_t *buf, uint32_t length)
{
    return (VhdxLogRing) {
        .offset = LOG_AT,
        .length = length,
        .log_guid = vhdx_test_guid(77),
        .read = vhdx_log_read_buffer,
        .opaque = buf,
    };
}

/*
 * Write the entry of @header and @updates to the ring at @start, round its
 * end; returns its length.
 */
static inline uint32_t log_put(uint8_t *ring, uint32_t length,
                               uint32_t start, const VhdxLogHeader *header,
                               const VhdxLogUpdate *updates, uint32_t n)
{
    uint32_t pages = 0, bytes;
    uint8_t *entry;

    for (uint32_t i = 0; i < n; i++) {
        pages += updates[i].page != NULL;
    }
    bytes = vhdx_log_entry_length(pages, n - pages);
    entry = malloc(bytes);
    ck_assert_uint_eq(vhdx_log_entry_encode(entry, header, updates, n),
                      bytes);
    ck_assert_uint_le(bytes, length);
    for (uint32_t i = 0; i < bytes; i += SECTOR) {
        memcpy(ring + (start + i) % length, entry + i, SECTOR);
    }
    free(entry);
    return bytes;
}

/* An entry of @pages pages and @zeros zero ranges, of no special content. */
static inline uint32_t log_put_plain(uint8_t *ring, uint32_t length,
                                     uint32_t start,
                                     const VhdxLogHeader *header,
                                     uint32_t pages, uint32_t zeros)
{
    VhdxLogUpdate *updates = g_new0(VhdxLogUpdate, pages + zeros + 1);
    uint8_t *page = g_malloc0(VHDX_PAGE);
    uint32_t bytes;

    memset(page, header->sequence, VHDX_PAGE);
    for (uint32_t i = 0; i < pages + zeros; i++) {
        updates[i].offset = VHDX_MIB + i * VHDX_PAGE;
        updates[i].page = i < pages ? page : NULL;
        updates[i].zero_length = VHDX_PAGE;
    }
    bytes = log_put(ring, length, start, header, updates, pages + zeros);
    g_free(updates);
    g_free(page);
    return bytes;
}

/* Whether a valid entry is at @start of the ring; its header if so. */
static inline bool log_entry_valid(const uint8_t *ring, uint32_t length,
                                   uint32_t start, VhdxLogHeader *header,
                                   VhdxError *err)
{
    const Guid guid = vhdx_test_guid(77);
    VhdxLogChecker checker;
    uint8_t *sector = unit_exact(ring + start, SECTOR);
    bool ok = vhdx_log_check_first(&checker, sector, LOG_AT + start, length,
                                   &guid, err);

    free(sector);
    while (ok && !vhdx_log_check_done(&checker)) {
        uint32_t at = (start + (uint64_t)checker.done * SECTOR) % length;

        sector = unit_exact(ring + at, SECTOR);
        ok = vhdx_log_check_next(&checker, sector, LOG_AT + at, err);
        free(sector);
    }
    if (ok) {
        *header = checker.header;
    }
    return ok;
}

#endif /* TESTS_UNIT_VHDX_LOG_FIXTURE_H */
