/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The active sequence of a VHDX log, and its replay.
 *
 * MS-VHDX describes the search as trying every sector of the ring as the
 * start of a run, again and again.  Taken literally that costs the square of
 * the log's length, for a log that an attacker filled.  The same answer in
 * one pass:
 *
 * 1. Valid entries never overlap: every sector of a valid entry but the first
 *    begins with the signature of a descriptor or of data, not of an entry.
 *    So one pass over the ring finds all of them, in order of offset.
 *    A candidate is given up at the first sector that cannot be its own, so
 *    sectors are looked at twice at most: as the start of a candidate, and in
 *    the body of the nearest candidate before.
 * 2. An entry has at most one successor: the entry right behind it (the ring
 *    is closed), if that has the next sequence number.  So entries form
 *    chains; numbers grow along a chain, so none is closed.
 * 3. A run that begins inside a chain ends where the chain ends, at the same
 *    head.  Whether head.Tail is in the run, and which entries are active,
 *    depends on the chain alone.  So each chain is looked at once, from its
 *    first entry.
 * 4. Of two heads with the same number the literal search keeps the one that
 *    it met first: the first whose chain holds an entry, from Tail on, at the
 *    lowest offset from which a run is tried.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "block/vhdx/log-scan.h"

/* Bytes of the log that are read at once. */
#define WINDOW_LEN (256 * 1024)
#define NO_ENTRY UINT32_MAX
/* The lowest place that a change may reach: the first region table. */
#define FIRST_LOGGED VHDX_REGION_TABLE_1

/* A valid entry; offsets and lengths in sectors, so that 32 bits do. */
typedef struct ScanEntry {
    uint64_t sequence;
    uint32_t start;
    uint32_t sectors;
    uint32_t tail;
    uint32_t previous;          /* entry before it in its chain */
} ScanEntry;

/* Sequential reading of the ring, through a window. */
typedef struct ScanWindow {
    const VhdxLogRing *ring;
    uint8_t *buf;
    uint32_t start;             /* ring offset of buf */
    uint32_t len;               /* bytes in buf */
} ScanWindow;

int vhdx_log_read_buffer(void *opaque, uint32_t offset, uint8_t *buf,
                         size_t len)
{
    memcpy(buf, (const uint8_t *)opaque + offset, len);
    return 0;
}

static int coroutine_mixed_fn ring_read(const VhdxLogRing *ring,
                                        uint32_t offset, uint8_t *buf,
                                        size_t len, VhdxError *err)
{
    int ret = ring->read(ring->opaque, offset, buf, len);

    if (ret < 0) {
        vhdx_error_set(err, VHDX_ERR_READ, "log", NULL,
                       ring->offset + offset, -ret, 0);
    }
    return ret < 0 ? ret : 0;
}

/* The sector @number of the ring, in *@sector until the next call. */
static int coroutine_mixed_fn window_sector(ScanWindow *window,
                                            uint32_t number,
                                            const uint8_t **sector,
                                            VhdxError *err)
{
    uint32_t offset = number * VHDX_LOG_SECTOR;
    int ret;

    if (offset < window->start ||
        offset - window->start >= window->len) {
        window->start = offset;
        window->len = MIN(WINDOW_LEN, window->ring->length - offset);
        ret = ring_read(window->ring, offset, window->buf, window->len, err);
        if (ret < 0) {
            window->len = 0;
            return ret;
        }
    }
    *sector = window->buf + (offset - window->start);
    return 0;
}

static inline uint32_t ring_sectors(const VhdxLogRing *ring)
{
    return ring->length / VHDX_LOG_SECTOR;
}

/* Sector @start + @n, round the ring; both below its length. */
static inline uint32_t ring_add(const VhdxLogRing *ring, uint32_t start,
                                uint32_t n)
{
    return ((uint64_t)start + n) % ring_sectors(ring);
}

/* Check the entry at sector @start: 1 valid, 0 not, or an error of reading. */
static int coroutine_mixed_fn scan_entry(ScanWindow *window, uint32_t start,
                                         ScanEntry *entry, VhdxError *err)
{
    const VhdxLogRing *ring = window->ring;
    VhdxLogChecker checker;
    const uint8_t *sector;
    int ret = window_sector(window, start, &sector, err);

    if (ret < 0 ||
        !vhdx_log_check_first(&checker, sector, 0, ring->length,
                              &ring->log_guid, NULL)) {
        return ret;
    }
    while (!vhdx_log_check_done(&checker)) {
        ret = window_sector(window, ring_add(ring, start, checker.done),
                            &sector, err);
        if (ret < 0 || !vhdx_log_check_next(&checker, sector, 0, NULL)) {
            return ret;
        }
    }
    *entry = (ScanEntry) {
        .sequence = checker.header.sequence,
        .start = start,
        .sectors = checker.sectors,
        .tail = checker.header.tail / VHDX_LOG_SECTOR,
        .previous = NO_ENTRY,
    };
    return 1;
}

/* All valid entries of the ring, in order of offset. */
static int coroutine_mixed_fn scan_entries(const VhdxLogRing *ring,
                                           GArray *entries, VhdxError *err)
{
    g_autofree uint8_t *buf = g_malloc(MIN(WINDOW_LEN, ring->length));
    ScanWindow window = { .ring = ring, .buf = buf };
    uint32_t at = 0;

    while (at < ring_sectors(ring)) {
        ScanEntry entry;
        int ret = scan_entry(&window, at, &entry, err);

        if (ret < 0) {
            return ret;
        }
        if (ret) {
            g_array_append_val(entries, entry);
        }
        at += ret ? entry.sectors : 1;
    }
    return 0;
}

static ScanEntry *entry_at(GArray *entries, uint32_t i)
{
    return &g_array_index(entries, ScanEntry, i);
}

/* The entry that follows number @i in a chain, or NO_ENTRY. */
static uint32_t chain_next(const VhdxLogRing *ring, GArray *entries,
                           uint32_t i)
{
    /*
     * Entries do not overlap: only the next one can be right behind.  None
     * has number 0, so none follows the one of number 2^64 - 1.
     */
    uint32_t next = (i + 1) % entries->len;
    const ScanEntry *a = entry_at(entries, i);
    const ScanEntry *b = entry_at(entries, next);

    return ring_add(ring, a->start, a->sectors) == b->start &&
           b->sequence == a->sequence + 1
           ? next : NO_ENTRY;
}

static void chain_link(const VhdxLogRing *ring, GArray *entries)
{
    for (uint32_t i = 0; i < entries->len; i++) {
        uint32_t next = chain_next(ring, entries, i);

        if (next != NO_ENTRY) {
            entry_at(entries, next)->previous = i;
        }
    }
}

/*
 * The lowest-numbered entry at which the literal search would find a run to
 * @head that holds its Tail; NO_ENTRY if none.  *@tail is the entry at Tail.
 */
static uint32_t chain_met(GArray *entries, uint32_t head, uint32_t *tail)
{
    uint32_t met = NO_ENTRY;

    *tail = NO_ENTRY;
    for (uint32_t i = head; i != NO_ENTRY; i = entry_at(entries, i)->previous) {
        if (entry_at(entries, i)->start == entry_at(entries, head)->tail) {
            *tail = i;
        }
        if (*tail != NO_ENTRY) {
            met = MIN(met, i);
        }
    }
    return met;
}

/* The head and tail entry of the active sequence; false if there is none. */
static bool chain_choose(const VhdxLogRing *ring, GArray *entries,
                         uint32_t *head, uint32_t *tail)
{
    uint32_t best_met = NO_ENTRY;
    uint64_t best_sequence = 0;

    for (uint32_t i = 0; i < entries->len; i++) {
        uint64_t sequence = entry_at(entries, i)->sequence;
        uint32_t met, its_tail;

        if (chain_next(ring, entries, i) != NO_ENTRY) {
            continue;
        }
        met = chain_met(entries, i, &its_tail);
        if (met != NO_ENTRY && (sequence > best_sequence ||
                                (sequence == best_sequence &&
                                 met < best_met))) {
            best_met = met;
            best_sequence = sequence;
            *head = i;
            *tail = its_tail;
        }
    }
    return best_met != NO_ENTRY;
}

/* Read what the headers of the active entries say about the file's size. */
static int coroutine_mixed_fn sequence_sizes(const VhdxLogRing *ring,
                                             GArray *entries, uint32_t tail,
                                             VhdxLogSequence *sequence,
                                             VhdxError *err)
{
    g_autofree uint8_t *sector = g_malloc(VHDX_LOG_SECTOR);

    for (uint32_t n = 0; n < sequence->entries; n++) {
        uint32_t i = ((uint64_t)tail + n) % entries->len;
        uint32_t offset = entry_at(entries, i)->start * VHDX_LOG_SECTOR;
        VhdxLogHeader header;
        int ret = ring_read(ring, offset, sector, VHDX_LOG_SECTOR, err);

        if (ret < 0) {
            return ret;
        }
        if (!vhdx_log_header_decode(sector, ring->offset + offset,
                                    ring->length, &ring->log_guid, &header,
                                    err)) {
            return -EINVAL;
        }
        sequence->flushed_file_offset = header.flushed_file_offset;
        sequence->last_file_offset = header.last_file_offset;
        sequence->last_file_offset_max = MAX(sequence->last_file_offset_max,
                                             header.last_file_offset);
    }
    return 0;
}

int coroutine_mixed_fn vhdx_log_scan(const VhdxLogRing *ring,
                                     VhdxLogSequence *sequence,
                                     VhdxError *err)
{
    g_autoptr(GArray) entries = g_array_new(false, false, sizeof(ScanEntry));
    const ScanEntry *first, *last;
    uint32_t head = 0, tail = 0, sectors = 0;
    int ret = scan_entries(ring, entries, err);

    if (ret < 0) {
        return ret;
    }
    chain_link(ring, entries);
    if (!chain_choose(ring, entries, &head, &tail)) {
        vhdx_error_set_guid(err, VHDX_ERR_NO_SEQUENCE, "log", "LogGuid",
                            ring->offset, entries->len, 0, &ring->log_guid);
        return -EINVAL;
    }
    first = entry_at(entries, tail);
    last = entry_at(entries, head);
    *sequence = (VhdxLogSequence) {
        .tail = first->start * VHDX_LOG_SECTOR,
        .head = last->start * VHDX_LOG_SECTOR,
        .end = ring_add(ring, last->start, last->sectors) * VHDX_LOG_SECTOR,
        .entries = last->sequence - first->sequence + 1,
        .tail_sequence = first->sequence,
        .head_sequence = last->sequence,
    };
    for (uint32_t i = head; ; i = entry_at(entries, i)->previous) {
        sectors += entry_at(entries, i)->sectors;
        if (i == tail) {
            break;
        }
    }
    sequence->live = sectors * VHDX_LOG_SECTOR;
    return sequence_sizes(ring, entries, tail, sequence, err);
}

bool vhdx_log_sequence_check(const VhdxLogRing *ring,
                             const VhdxLogSequence *sequence,
                             uint64_t file_size, VhdxError *err)
{
    uint64_t at = ring->offset + sequence->head;

    if (sequence->flushed_file_offset > file_size) {
        return vhdx_error_set(err, VHDX_ERR_TOO_LARGE, "log entry",
                              "FlushedFileOffset", at + 48,
                              sequence->flushed_file_offset, file_size);
    }
    if (sequence->last_file_offset > VHDX_REPLAY_FILE_MAX) {
        return vhdx_error_set(err, VHDX_ERR_TOO_LARGE, "log entry",
                              "LastFileOffset", at + 56,
                              sequence->last_file_offset,
                              VHDX_REPLAY_FILE_MAX);
    }
    return true;
}

/* ---- replay ---- */

void vhdx_replay_init(VhdxReplay *replay, const VhdxLogRing *ring,
                      const VhdxLogSequence *sequence, uint64_t file_max)
{
    replay->ring = ring;
    replay->sequence = sequence;
    replay->file_max = MIN(file_max, VHDX_REPLAY_FILE_MAX);
    replay->header = (VhdxLogHeader) { 0 };
    replay->entry = sequence->tail;
    replay->entries_left = sequence->entries;
    replay->next = 0;
}

static uint32_t replay_offset(const VhdxReplay *replay, uint32_t sector)
{
    return ring_add(replay->ring, replay->entry / VHDX_LOG_SECTOR, sector) *
           VHDX_LOG_SECTOR;
}

/* Go to the entry behind the current one, which has no descriptor left. */
static int coroutine_mixed_fn replay_enter(VhdxReplay *replay, VhdxError *err)
{
    const VhdxLogRing *ring = replay->ring;
    uint64_t sequence = replay->sequence->head_sequence -
                        replay->entries_left + 1;
    uint64_t at;
    int ret;

    replay->entry = replay_offset(replay, replay->header.entry_length /
                                          VHDX_LOG_SECTOR);
    at = ring->offset + replay->entry;
    ret = ring_read(ring, replay->entry, replay->descriptors,
                    VHDX_LOG_SECTOR, err);
    if (ret < 0) {
        return ret;
    }
    if (!vhdx_log_header_decode(replay->descriptors, at, ring->length,
                                &ring->log_guid, &replay->header, err)) {
        return -EINVAL;
    }
    if (replay->header.sequence != sequence) {
        vhdx_error_set(err, VHDX_ERR_MISMATCH, "log entry", "SequenceNumber",
                       at + 16, replay->header.sequence, sequence);
        return -EINVAL;
    }
    replay->entries_left--;
    replay->next = 0;
    replay->descriptor_sector = 0;
    replay->next_data =
        vhdx_log_descriptor_sectors(replay->header.descriptor_count);
    return 0;
}

/* Whether a change of [@offset, @offset + @length) is legal. */
static bool replay_target_check(const VhdxReplay *replay, uint64_t offset,
                                uint64_t length, uint64_t at, VhdxError *err)
{
    const VhdxLogRing *ring = replay->ring;
    const char *field = "descriptor FileOffset";

    if (offset % VHDX_PAGE || length % VHDX_PAGE) {
        return vhdx_error_set(err, VHDX_ERR_ALIGNMENT, "log entry",
                              offset % VHDX_PAGE ? field
                                                 : "descriptor ZeroLength",
                              at, offset % VHDX_PAGE ? offset : length,
                              VHDX_PAGE);
    }
    if (offset < FIRST_LOGGED) {
        return vhdx_error_set(err, VHDX_ERR_TOO_SMALL, "log entry", field, at,
                              offset, FIRST_LOGGED);
    }
    if (offset > replay->file_max || length > replay->file_max - offset) {
        return vhdx_error_set(err, VHDX_ERR_BEYOND, "log entry", field, at,
                              offset, replay->file_max);
    }
    return offset + length <= ring->offset ||
           offset >= ring->offset + ring->length ||
           vhdx_error_set(err, VHDX_ERR_OVERLAP, "log entry", field, at,
                          ring->offset, 0);
}

/* Descriptor replay->next. */
static int coroutine_mixed_fn replay_descriptor(VhdxReplay *replay,
                                                VhdxLogDescriptor *desc,
                                                VhdxError *err)
{
    const VhdxLogRing *ring = replay->ring;
    uint32_t sector = vhdx_log_descriptor_sector(replay->next);
    uint32_t offset = replay_offset(replay, sector);
    int ret;

    if (sector != replay->descriptor_sector) {
        ret = ring_read(ring, offset, replay->descriptors, VHDX_LOG_SECTOR,
                        err);
        if (ret < 0) {
            return ret;
        }
        replay->descriptor_sector = sector;
    }
    if (!vhdx_log_descriptor_decode(replay->descriptors,
                                    ring->offset + offset, replay->next,
                                    replay->header.sequence, desc, err)) {
        return -EINVAL;
    }
    return replay_target_check(replay, desc->offset,
                               desc->zero ? desc->zero_length : VHDX_PAGE,
                               ring->offset + offset, err) ? 0 : -EINVAL;
}

/* The page of @desc, from the entry's next data sector. */
static int coroutine_mixed_fn replay_page(VhdxReplay *replay,
                                          const VhdxLogDescriptor *desc,
                                          VhdxError *err)
{
    const VhdxLogRing *ring = replay->ring;
    uint32_t offset = replay_offset(replay, replay->next_data);
    int ret;

    if (replay->next_data >= replay->header.entry_length / VHDX_LOG_SECTOR) {
        vhdx_error_set(err, VHDX_ERR_BEYOND, "log entry", "EntryLength",
                       ring->offset + replay->entry + 8, replay->next_data,
                       replay->header.entry_length / VHDX_LOG_SECTOR);
        return -EINVAL;
    }
    replay->next_data++;
    ret = ring_read(ring, offset, replay->sector, VHDX_LOG_SECTOR, err);
    if (ret < 0) {
        return ret;
    }
    return vhdx_log_page_decode(replay->sector, ring->offset + offset,
                                replay->header.sequence, desc, replay->page,
                                err) ? 0 : -EINVAL;
}

int coroutine_mixed_fn vhdx_replay_next(VhdxReplay *replay,
                                        VhdxLogChange *change,
                                        VhdxError *err)
{
    VhdxLogDescriptor desc;
    int ret;

    while (replay->next == replay->header.descriptor_count) {
        if (!replay->entries_left) {
            return 0;
        }
        ret = replay_enter(replay, err);
        if (ret < 0) {
            return ret;
        }
    }
    ret = replay_descriptor(replay, &desc, err);
    if (ret < 0) {
        return ret;
    }
    replay->next++;
    if (!desc.zero) {
        ret = replay_page(replay, &desc, err);
        if (ret < 0) {
            return ret;
        }
    }
    *change = (VhdxLogChange) {
        .offset = desc.offset,
        .length = desc.zero ? desc.zero_length : VHDX_PAGE,
        .page = desc.zero ? NULL : replay->page,
    };
    return 1;
}

int coroutine_mixed_fn vhdx_replay_check(const VhdxLogRing *ring,
                                         const VhdxLogSequence *sequence,
                                         uint64_t file_max,
                                         VhdxReplayTotals *totals,
                                         VhdxError *err)
{
    g_autofree VhdxReplay *replay = g_new(VhdxReplay, 1);
    VhdxLogChange change;
    int ret;

    *totals = (VhdxReplayTotals) { 0 };
    vhdx_replay_init(replay, ring, sequence, file_max);
    while ((ret = vhdx_replay_next(replay, &change, err)) > 0) {
        totals->end = MAX(totals->end, change.offset + change.length);
        if (change.page) {
            totals->pages++;
        } else {
            totals->zero_ranges++;
            totals->zero_bytes = change.length > UINT64_MAX -
                                                 totals->zero_bytes
                ? UINT64_MAX : totals->zero_bytes + change.length;
        }
    }
    return ret;
}
