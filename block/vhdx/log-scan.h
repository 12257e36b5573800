/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The active sequence of a VHDX log, and what replaying it does (MS-VHDX
 * 2.3.2 and 2.3.3).  No writes here: the caller carries out what the replay
 * yields, to the file or to memory.  The rules of format.h hold here too,
 * but that the log is read through a callback of the caller's; functions that
 * call it may be called where that may.
 */

#ifndef BLOCK_VHDX_LOG_SCAN_H
#define BLOCK_VHDX_LOG_SCAN_H

#include "block/vhdx/format-log.h"

/*
 * Read @len bytes at @offset of the log, not of the file, to @buf; all are
 * inside the log.  0 or -errno.
 */
typedef int coroutine_mixed_fn VhdxLogReadFn(void *opaque, uint32_t offset,
                                             uint8_t *buf, size_t len);

/* The log, as the header describes it.  Nothing in it changes. */
typedef struct VhdxLogRing {
    uint64_t offset;            /* in the file */
    uint32_t length;
    Guid log_guid;
    VhdxLogReadFn *read;
    void *opaque;
} VhdxLogRing;

/* The entries to be replayed, oldest (tail) to newest (head). */
typedef struct VhdxLogSequence {
    uint32_t tail;              /* ring offsets of the first entry, ... */
    uint32_t head;              /* ... of the last, ... */
    uint32_t end;               /* ... and behind it, where one follows */
    uint32_t live;              /* bytes from tail to end */
    uint32_t entries;
    uint64_t tail_sequence;
    uint64_t head_sequence;
    uint64_t flushed_file_offset;       /* of the head entry */
    uint64_t last_file_offset;          /* of the head entry */
    uint64_t last_file_offset_max;      /* of all active entries */
} VhdxLogSequence;

/*
 * Find the active sequence: of all runs of valid entries, each right behind
 * the other and with the next sequence number, whose last entry's Tail is an
 * entry of that run, the one with the highest last number; of that run, the
 * entries from Tail on.  Time and reads are in proportion to the log's
 * length, whatever is in it; memory is 24 bytes for each valid entry.
 *
 * 0, or -EINVAL with VHDX_ERR_NO_SEQUENCE if there is none (a file whose
 * header has a LogGuid must then be refused), or what reading returned.
 */
int coroutine_mixed_fn vhdx_log_scan(const VhdxLogRing *ring,
                                     VhdxLogSequence *sequence,
                                     VhdxError *err);

/*
 * Whether a file of @file_size can be replayed: it is not shorter than the
 * head's FlushedFileOffset, and LastFileOffset is no absurd length.
 */
bool vhdx_log_sequence_check(const VhdxLogRing *ring,
                             const VhdxLogSequence *sequence,
                             uint64_t file_size, VhdxError *err);

/*
 * No replay makes a file longer than this: 64 TiB of disk and all that can
 * be beside it, with room to spare.
 */
#define VHDX_REPLAY_FILE_MAX (128 * VHDX_TIB)

/* One change to be made to the file. */
typedef struct VhdxLogChange {
    uint64_t offset;
    uint64_t length;            /* VHDX_PAGE for a page; may be 0 for zeros */
    const uint8_t *page;        /* until the next call; NULL: zeros */
} VhdxLogChange;

/* A walk over all changes of a sequence.  Fields are private. */
typedef struct VhdxReplay {
    const VhdxLogRing *ring;
    const VhdxLogSequence *sequence;
    uint64_t file_max;
    VhdxLogHeader header;       /* of the current entry */
    uint32_t entry;             /* its ring offset */
    uint32_t entries_left;      /* after the current one */
    uint32_t next;              /* descriptor */
    uint32_t next_data;         /* sector of the entry */
    uint32_t descriptor_sector; /* the one that is in descriptors[] */
    uint8_t descriptors[VHDX_LOG_SECTOR];
    uint8_t sector[VHDX_LOG_SECTOR];
    uint8_t page[VHDX_PAGE];
} VhdxReplay;

/*
 * Begin at the tail.  @ring and @sequence must outlive @replay.  Changes may
 * reach up to @file_max, which is at most VHDX_REPLAY_FILE_MAX: an image's
 * owner who knows its size takes the larger of file size and
 * last_file_offset_max.
 */
void vhdx_replay_init(VhdxReplay *replay, const VhdxLogRing *ring,
                      const VhdxLogSequence *sequence, uint64_t file_max);

/*
 * The next change: 1 and *@change, 0 at the end, -EINVAL if the log is
 * corrupt, or what reading returned.  Every change is checked: aligned, not
 * below the region tables (file identifier and headers are never logged),
 * not in the log itself, not past the limit.  Entries are checked again as
 * they are read, but not their checksum.
 */
int coroutine_mixed_fn vhdx_replay_next(VhdxReplay *replay,
                                        VhdxLogChange *change,
                                        VhdxError *err);

/* What a replay amounts to. */
typedef struct VhdxReplayTotals {
    uint64_t pages;
    uint64_t zero_ranges;
    uint64_t zero_bytes;        /* UINT64_MAX if more */
    uint64_t end;               /* of the change that reaches farthest */
} VhdxReplayTotals;

/*
 * Walk over all changes, so that a sequence with a bad one is refused before
 * the first is made.  Returns as vhdx_log_scan() does.
 */
int coroutine_mixed_fn vhdx_replay_check(const VhdxLogRing *ring,
                                         const VhdxLogSequence *sequence,
                                         uint64_t file_max,
                                         VhdxReplayTotals *totals,
                                         VhdxError *err);

/* A read callback for a log in memory: @opaque is its first byte. */
int vhdx_log_read_buffer(void *opaque, uint32_t offset, uint8_t *buf,
                         size_t len);

#endif /* BLOCK_VHDX_LOG_SCAN_H */
