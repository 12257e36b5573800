/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Input: sectors of a log of 16, each a byte (bit 0: a data sector, else the
 * start of an entry; bit 1: leave its checksum), a length (1), and as many
 * bytes of its beginning.  LogGuid is a byte 01 and zeros.
 * Entries that would be valid but for the checksum get the right one.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "block/vhdx/log-scan.h"
#include "fuzz.h"

#define SECTORS 16
#define RING_LENGTH (SECTORS * VHDX_LOG_SECTOR)
#define RING_AT (4 * VHDX_MIB)
#define FILE_MAX (64 * VHDX_MIB)

static const Guid log_guid = { { 1 } };

/* Take one sector; what its flags byte says. */
static unsigned sector_take(uint8_t *sector, const uint8_t **data,
                            size_t *size)
{
    unsigned flags = fuzz_take(data, size, 1);
    size_t n = fuzz_take(data, size, 1);

    if (flags & 1) {
        memcpy(sector, "data", 4);
        n = MIN(n, 4);
        for (size_t i = 0; i < n; i++) {
            uint8_t byte = fuzz_take(data, size, 1);

            sector[4 + i] = i < 3 ? 0 : byte;
            sector[4092] = i ? sector[4092] : byte;
        }
    } else {
        n = MIN(n, *size);
        memcpy(sector, *data, n);
        *data += n;
        *size -= n;
    }
    return flags;
}

/* Make the checksum right of an entry of any length that starts here. */
static void entry_mend(uint8_t *ring, uint32_t start)
{
    g_autofree uint8_t *entry = g_malloc(RING_LENGTH);
    uint32_t length = ldl_le_p(ring + start + 8);

    if (memcmp(ring + start, "loge", 4) || length % VHDX_LOG_SECTOR ||
        !length || length > RING_LENGTH) {
        return;
    }
    for (uint32_t i = 0; i < length; i += VHDX_LOG_SECTOR) {
        memcpy(entry + i, ring + (start + i) % RING_LENGTH, VHDX_LOG_SECTOR);
    }
    stl_le_p(ring + start + 4, vhdx_checksum(entry, length, 4));
}

static void try_replay(const VhdxLogRing *ring,
                       const VhdxLogSequence *sequence)
{
    g_autofree VhdxReplay *replay = g_new(VhdxReplay, 1);
    VhdxLogChange change;
    VhdxError err = { 0 };
    int ret;

    vhdx_replay_init(replay, ring, sequence, FILE_MAX);
    while ((ret = vhdx_replay_next(replay, &change, &err)) > 0) {
        fuzz_assert(change.offset >= VHDX_REGION_TABLE_1);
        fuzz_assert(change.length <= FILE_MAX - change.offset);
        fuzz_assert(!change.page || change.length == VHDX_PAGE);
        fuzz_assert(change.offset + change.length <= ring->offset ||
                    change.offset >= ring->offset + ring->length);
    }
    if (ret < 0) {
        fuzz_refused(&err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree uint8_t *buf = g_malloc0(RING_LENGTH);
    unsigned flags[SECTORS] = { 0 };
    VhdxLogRing ring = {
        .offset = RING_AT,
        .length = RING_LENGTH,
        .log_guid = log_guid,
        .read = vhdx_log_read_buffer,
        .opaque = buf,
    };
    VhdxLogSequence sequence;
    VhdxError err = { 0 };

    for (unsigned i = 0; i < SECTORS && size; i++) {
        flags[i] = sector_take(buf + i * VHDX_LOG_SECTOR, &data, &size);
    }
    for (unsigned i = 0; i < SECTORS; i++) {
        if (!(flags[i] & 3)) {
            entry_mend(buf, i * VHDX_LOG_SECTOR);
        }
    }
    if (vhdx_log_scan(&ring, &sequence, &err) < 0) {
        fuzz_refused(&err);
        return 0;
    }
    fuzz_assert(sequence.entries && sequence.live <= RING_LENGTH);
    fuzz_assert(sequence.head_sequence - sequence.tail_sequence + 1 ==
                sequence.entries);
    fuzz_assert((sequence.tail + sequence.live) % RING_LENGTH ==
                sequence.end);
    if (!vhdx_log_sequence_check(&ring, &sequence, FILE_MAX, &err)) {
        fuzz_refused(&err);
    }
    try_replay(&ring, &sequence);
    return 0;
}
