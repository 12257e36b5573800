/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The active sequence of a VHDX log.  Random logs are compared with the
 * search as MS-VHDX describes it, taken literally.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "unit.h"
#include "vhdx-log-fixture.h"

#define KIB 1024

static int scan(uint8_t *buf, uint32_t length, VhdxLogSequence *found,
                VhdxError *err)
{
    VhdxLogRing ring = log_ring(buf, length);

    return vhdx_log_scan(&ring, found, err);
}

/* ---- the literal search ---- */

typedef struct Run {
    uint32_t start[256];
    VhdxLogHeader header[256];
    unsigned n;
    uint32_t end;
} Run;

/* All valid entries from @tail on that follow each other. */
static void model_run(const uint8_t *buf, uint32_t length, uint32_t tail,
                      Run *run)
{
    uint64_t total = 0;

    run->n = 0;
    run->end = tail;
    while (total < length && run->n < ARRAY_SIZE(run->start)) {
        VhdxLogHeader header;

        if (!log_entry_valid(buf, length, run->end, &header, NULL) ||
            (run->n && header.sequence !=
                       run->header[run->n - 1].sequence + 1) ||
            (run->n && !header.sequence)) {
            break;
        }
        run->start[run->n] = run->end;
        run->header[run->n++] = header;
        run->end = (run->end + header.entry_length) % length;
        total += header.entry_length;
    }
}

/* The index in @run of the entry at which its head's Tail points, or -1. */
static int model_tail(const Run *run)
{
    for (unsigned i = 0; i < run->n; i++) {
        if (run->start[i] == run->header[run->n - 1].tail) {
            return i;
        }
    }
    return -1;
}

static bool model_scan(const uint8_t *buf, uint32_t length,
                       VhdxLogSequence *found)
{
    uint32_t tail = 0, next;
    Run *run = g_new(Run, 1);

    *found = (VhdxLogSequence) { 0 };
    do {
        int first;

        model_run(buf, length, tail, run);
        first = model_tail(run);
        if (first >= 0 && run->header[run->n - 1].sequence >
                          found->head_sequence) {
            const VhdxLogHeader *head = &run->header[run->n - 1];

            *found = (VhdxLogSequence) {
                .tail = run->start[first],
                .head = run->start[run->n - 1],
                .end = run->end,
                .entries = run->n - first,
                .tail_sequence = run->header[first].sequence,
                .head_sequence = head->sequence,
                .flushed_file_offset = head->flushed_file_offset,
                .last_file_offset = head->last_file_offset,
            };
            for (unsigned i = first; i < run->n; i++) {
                found->live += run->header[i].entry_length;
                found->last_file_offset_max =
                    MAX(found->last_file_offset_max,
                        run->header[i].last_file_offset);
            }
        }
        next = first >= 0 ? run->end : (tail + SECTOR) % length;
        if (next <= tail) {
            break;
        }
        tail = next;
    } while (true);
    g_free(run);
    return found->head_sequence != 0;
}

static void assert_like_model(uint8_t *buf, uint32_t length)
{
    VhdxLogSequence want, found;
    VhdxError err = { 0 };
    bool any = model_scan(buf, length, &want);
    int ret = scan(buf, length, &found, &err);

    ck_assert_int_eq(ret, any ? 0 : -EINVAL);
    if (!any) {
        ck_assert_int_eq(err.code, VHDX_ERR_NO_SEQUENCE);
        return;
    }
    ck_assert_uint_eq(found.tail, want.tail);
    ck_assert_uint_eq(found.head, want.head);
    ck_assert_uint_eq(found.end, want.end);
    ck_assert_uint_eq(found.live, want.live);
    ck_assert_uint_eq(found.entries, want.entries);
    ck_assert_uint_eq(found.tail_sequence, want.tail_sequence);
    ck_assert_uint_eq(found.head_sequence, want.head_sequence);
    ck_assert_uint_eq(found.flushed_file_offset, want.flushed_file_offset);
    ck_assert_uint_eq(found.last_file_offset, want.last_file_offset);
    ck_assert_uint_eq(found.last_file_offset_max, want.last_file_offset_max);
}

/* ---- random logs ---- */

static uint32_t random_sector(GRand *rand, uint32_t length)
{
    return g_rand_int_range(rand, 0, length / SECTOR) * SECTOR;
}

/*
 * A run of up to 8 entries at any place, over whatever is there; few numbers,
 * so that runs meet, tie and continue each other.
 */
static void random_run(GRand *rand, uint8_t *buf, uint32_t length)
{
    uint32_t at = random_sector(rand, length), first = at, previous = at;
    uint64_t sequence = g_rand_int_range(rand, 0, 20) == 0
        ? UINT64_MAX - g_rand_int_range(rand, 0, 3)
        : (uint64_t)g_rand_int_range(rand, 1, 12);
    unsigned n = g_rand_int_range(rand, 1, 9);

    for (unsigned i = 0; i < n && sequence; i++) {
        static const unsigned tails[] = { 0, 0, 0, 1, 1, 2, 3, 4 };
        VhdxLogHeader header = log_header(sequence++, 0);

        switch (tails[g_rand_int_range(rand, 0, ARRAY_SIZE(tails))]) {
        case 0:
            header.tail = first;
            break;
        case 1:
            header.tail = at;
            break;
        case 2:
            header.tail = previous;
            break;
        case 3:
            header.tail = random_sector(rand, length);
            break;
        default:
            header.tail = (at + SECTOR) % length;
        }
        header.last_file_offset = g_rand_int_range(rand, 1, 99) * VHDX_MIB;
        previous = at;
        at += log_put_plain(buf, length, at, &header,
                            g_rand_int_range(rand, 0, 4),
                            g_rand_int_range(rand, 0, 3));
        at %= length;
    }
}

START_TEST(scan_like_the_literal_search_on_random_logs)
{
    static const uint32_t lengths[] = { 5, 8, 16, 16, 24, 48 };
    GRand *rand = g_rand_new_with_seed(unit_seed("scan_random"));
    unsigned found = 0;

    for (unsigned round = 0; round < 4000; round++) {
        uint32_t length = lengths[g_rand_int_range(rand, 0,
                                                   ARRAY_SIZE(lengths))] *
                          SECTOR;
        uint8_t *buf = calloc(1, length);
        VhdxLogSequence sequence;

        for (int i = g_rand_int_range(rand, 1, 7); i > 0; i--) {
            random_run(rand, buf, length);
        }
        for (int i = g_rand_int_range(rand, -6, 3); i > 0; i--) {
            memset(buf + g_rand_int_range(rand, 0, length / 512) * 512,
                   g_rand_int(rand), 512);
        }
        assert_like_model(buf, length);
        found += scan(buf, length, &sequence, NULL) == 0;
        free(buf);
    }
    ck_assert_uint_gt(found, 1000);
    g_rand_free(rand);
}
END_TEST

START_TEST(scan_ties_like_the_literal_search)
{
    /* Two heads of one number: at low offsets, and round the end. */
    for (unsigned shift = 0; shift < 16; shift++) {
        uint8_t *buf = calloc(1, 16 * SECTOR);
        uint32_t length = 16 * SECTOR;

        for (unsigned chain = 0; chain < 2; chain++) {
            uint32_t start = (shift + chain * 8) % 16 * SECTOR, at = start;

            for (unsigned i = 0; i < 3; i++) {
                VhdxLogHeader header = log_header(5 + i, start);

                header.last_file_offset = chain * VHDX_MIB;
                at = (at + log_put_plain(buf, length, at, &header, 1, 0)) %
                     length;
            }
        }
        assert_like_model(buf, length);
        free(buf);
    }
}
END_TEST

/* ---- named cases ---- */

START_TEST(scan_empty_log_has_no_sequence)
{
    uint8_t *buf = calloc(1, 64 * KIB);
    VhdxLogSequence found;
    VhdxError err = { 0 };

    ck_assert_int_eq(scan(buf, 64 * KIB, &found, &err), -EINVAL);
    ck_assert_int_eq(err.code, VHDX_ERR_NO_SEQUENCE);
    ck_assert(err.guid_valid);
    ck_assert_uint_eq(err.offset, LOG_AT);
    free(buf);
}
END_TEST

START_TEST(scan_one_entry_without_descriptors)
{
    uint8_t *buf = calloc(1, 64 * KIB);
    VhdxLogSequence found;

    for (uint32_t at = 0; at < 64 * KIB; at += SECTOR) {
        VhdxLogHeader header = log_header(UINT64_MAX, at);

        memset(buf, 0, 64 * KIB);
        log_put_plain(buf, 64 * KIB, at, &header, 0, 0);
        ck_assert_int_eq(scan(buf, 64 * KIB, &found, NULL), 0);
        ck_assert_uint_eq(found.tail, at);
        ck_assert_uint_eq(found.head, at);
        ck_assert_uint_eq(found.end, (at + SECTOR) % (64 * KIB));
        ck_assert_uint_eq(found.entries, 1);
        ck_assert_uint_eq(found.live, SECTOR);
    }
    free(buf);
}
END_TEST

START_TEST(scan_one_entry_that_fills_the_log)
{
    uint8_t *buf = calloc(1, 64 * KIB);
    VhdxLogSequence found;

    for (uint32_t at = 0; at < 64 * KIB; at += SECTOR) {
        VhdxLogHeader header = log_header(9, at);

        log_put_plain(buf, 64 * KIB, at, &header, 15, 0);
        ck_assert_int_eq(scan(buf, 64 * KIB, &found, NULL), 0);
        ck_assert_uint_eq(found.tail, at);
        ck_assert_uint_eq(found.end, at);
        ck_assert_uint_eq(found.live, 64 * KIB);
    }
    free(buf);
}
END_TEST

/* Three entries round the ring at @at: 7, 8, 9; the last has Tail @tail. */
static void three_entries(uint8_t *buf, uint32_t length, uint32_t at,
                          unsigned tail, uint32_t *starts)
{
    for (unsigned i = 0; i < 3; i++) {
        VhdxLogHeader header;

        starts[i] = at;
        header = log_header(7 + i, starts[i == 2 ? tail : 0]);
        at = (at + log_put_plain(buf, length, at, &header, 2 + i, 1)) %
             length;
    }
}

START_TEST(scan_wrapped_sequence_and_its_tail)
{
    uint32_t length = 16 * SECTOR, starts[3];

    for (uint32_t at = 0; at < length; at += SECTOR) {
        for (unsigned tail = 0; tail < 3; tail++) {
            uint8_t *buf = calloc(1, length);
            VhdxLogSequence found;

            three_entries(buf, length, at, tail, starts);
            ck_assert_int_eq(scan(buf, length, &found, NULL), 0);
            ck_assert_uint_eq(found.tail, starts[tail]);
            ck_assert_uint_eq(found.head, starts[2]);
            ck_assert_uint_eq(found.entries, 3 - tail);
            ck_assert_uint_eq(found.tail_sequence, 7 + tail);
            ck_assert_uint_eq(found.head_sequence, 9);
            assert_like_model(buf, length);
            free(buf);
        }
    }
}
END_TEST

START_TEST(scan_gap_in_the_numbers_ends_a_run)
{
    uint32_t length = 64 * KIB;
    uint8_t *buf = calloc(1, length);
    VhdxLogHeader header = log_header(7, 0);
    uint32_t at = log_put_plain(buf, length, 0, &header, 1, 0);
    VhdxLogSequence found;

    header = log_header(9, 0);
    log_put_plain(buf, length, at, &header, 1, 0);
    /* 9 has its Tail outside of its run, so 7 is active. */
    ck_assert_int_eq(scan(buf, length, &found, NULL), 0);
    ck_assert_uint_eq(found.head_sequence, 7);
    ck_assert_uint_eq(found.entries, 1);
    free(buf);
}
END_TEST

START_TEST(scan_ignores_entries_of_another_log_guid)
{
    uint32_t length = 64 * KIB;
    uint8_t *buf = calloc(1, length);
    VhdxLogHeader header = log_header(100, 5 * SECTOR);
    VhdxLogSequence found;

    header.log_guid = vhdx_test_guid(1);
    log_put_plain(buf, length, 5 * SECTOR, &header, 1, 0);
    ck_assert_int_eq(scan(buf, length, &found, NULL), -EINVAL);
    header = log_header(7, 0);
    log_put_plain(buf, length, 0, &header, 1, 0);
    ck_assert_int_eq(scan(buf, length, &found, NULL), 0);
    ck_assert_uint_eq(found.head_sequence, 7);
    free(buf);
}
END_TEST

START_TEST(scan_tail_must_be_an_entry_of_the_run)
{
    static const struct {
        uint32_t tail;
        bool ok;
    } tails[] = {
        { 0, true }, { 1, false }, { 2, true }, { 3, false }, { 4, false },
        { 15, false },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(tails); i++) {
        uint8_t *buf = calloc(1, 64 * KIB);
        VhdxLogHeader header = log_header(7, 3 * SECTOR);
        VhdxLogSequence found;

        log_put_plain(buf, 64 * KIB, 0, &header, 1, 0);
        header = log_header(8, tails[i].tail * SECTOR);
        log_put_plain(buf, 64 * KIB, 2 * SECTOR, &header, 2, 0);
        ck_assert_int_eq(scan(buf, 64 * KIB, &found, NULL),
                         tails[i].ok ? 0 : -EINVAL);
        free(buf);
    }
}
END_TEST

START_TEST(scan_sequence_check_of_sizes)
{
    VhdxLogRing ring = { .offset = LOG_AT };
    VhdxLogSequence sequence = {
        .head = 3 * SECTOR,
        .flushed_file_offset = 10 * VHDX_MIB,
        .last_file_offset = 12 * VHDX_MIB,
    };
    VhdxError err = { 0 };

    ck_assert(vhdx_log_sequence_check(&ring, &sequence, 10 * VHDX_MIB, NULL));
    vhdx_assert_refused("short file", vhdx_log_sequence_check(&ring,
                        &sequence, 10 * VHDX_MIB - 1, &err), &err,
                        VHDX_ERR_TOO_LARGE, LOG_AT + 3 * SECTOR + 48);
    sequence.flushed_file_offset = 0;
    ck_assert(vhdx_log_sequence_check(&ring, &sequence, 0, NULL));
    sequence.last_file_offset = VHDX_REPLAY_FILE_MAX + 1;
    vhdx_assert_refused("long file", vhdx_log_sequence_check(&ring, &sequence,
                        0, &err), &err, VHDX_ERR_TOO_LARGE,
                        LOG_AT + 3 * SECTOR + 56);
}
END_TEST

/* ---- a writer that crashes ---- */

/*
 * A log that is written as drivers must: an entry goes only where no entry
 * from the Tail of the last one written is.  Space becomes free by writing
 * an entry with a later Tail, not by knowing that one could; the spare sector
 * is for an empty entry that does so when nothing else has room.
 */
typedef struct Writer {
    uint8_t *buf;
    uint32_t length;
    uint32_t end;               /* where the next entry goes */
    uint64_t next;              /* its number */
    struct {
        uint32_t start, bytes;
        uint64_t sequence;
    } live[64];                 /* from the last entry's Tail on */
    unsigned n;
    uint32_t used;
} Writer;

/* Write the next entry; its Tail leaves the oldest @retire behind. */
static void writer_put(Writer *w, uint32_t pages, uint32_t zeros,
                       unsigned retire)
{
    VhdxLogHeader header = log_header(w->next, retire < w->n
                                               ? w->live[retire].start
                                               : w->end);
    uint32_t bytes = log_put_plain(w->buf, w->length, w->end, &header, pages,
                                   zeros);

    ck_assert_uint_le(w->used + bytes, w->length);
    for (unsigned i = 0; i < retire; i++) {
        w->used -= w->live[i].bytes;
    }
    w->n -= retire;
    memmove(&w->live[0], &w->live[retire], w->n * sizeof(w->live[0]));
    w->live[w->n].start = w->end;
    w->live[w->n].bytes = bytes;
    w->live[w->n++].sequence = w->next++;
    w->used += bytes;
    w->end = (w->end + bytes) % w->length;
}

static void writer_append(Writer *w, GRand *rand)
{
    uint32_t pages = g_rand_int_range(rand, 0, 5);
    uint32_t bytes = vhdx_log_entry_length(pages, 1);
    unsigned retire = g_rand_int_range(rand, 0, w->n + 1);

    if (w->used + bytes + SECTOR > w->length ||
        w->n == ARRAY_SIZE(w->live)) {
        writer_put(w, 0, 0, MAX(retire, 1));
    } else {
        writer_put(w, pages, 1, retire / 2);
    }
}

static void writer_assert_found(const Writer *w, uint8_t *buf)
{
    VhdxLogSequence found;

    ck_assert_int_eq(scan(buf, w->length, &found, NULL), 0);
    ck_assert_uint_eq(found.tail, w->live[0].start);
    ck_assert_uint_eq(found.head, w->live[w->n - 1].start);
    ck_assert_uint_eq(found.end, w->end);
    ck_assert_uint_eq(found.entries, w->n);
    ck_assert_uint_eq(found.live, w->used);
    ck_assert_uint_eq(found.head_sequence, w->live[w->n - 1].sequence);
}

START_TEST(scan_finds_what_a_writer_wrote_and_forgets_a_torn_entry)
{
    static const uint32_t pieces[] = { 512, 4096 };
    GRand *rand = g_rand_new_with_seed(unit_seed("scan_writer"));
    uint32_t piece = pieces[_i % 2], length = 16 * (1 + 3 * (_i / 2)) *
                                              SECTOR;
    Writer w = { .buf = calloc(1, length), .length = length, .next = 1000 };
    uint8_t *torn = malloc(length);

    writer_append(&w, rand);
    for (unsigned round = 0; round < 600; round++) {
        Writer before = w;
        uint32_t bytes;

        memcpy(torn, w.buf, length);
        writer_append(&w, rand);
        writer_assert_found(&w, w.buf);
        /*
         * Any of the entry's pieces got to the disk, but not its first: then
         * what was there before is found, with its own Tail.
         */
        bytes = w.live[w.n - 1].bytes;
        for (uint32_t i = piece; i < bytes; i += piece) {
            if (g_rand_boolean(rand)) {
                uint32_t at = (before.end + i) % length;

                memcpy(torn + at, w.buf + at, piece);
            }
        }
        writer_assert_found(&before, torn);
        /* The first piece too, but another one is missing. */
        if (bytes > piece && memcmp(torn, w.buf, length)) {
            memcpy(torn + before.end, w.buf + before.end, piece);
            if (memcmp(torn, w.buf, length)) {
                writer_assert_found(&before, torn);
            }
        }
    }
    g_rand_free(rand);
    free(w.buf);
    free(torn);
}
END_TEST

/* ---- reading ---- */

typedef struct CountedLog {
    const uint8_t *buf;
    uint32_t length;
    uint64_t bytes;
    unsigned reads, fail_at;
} CountedLog;

static int counted_read(void *opaque, uint32_t offset, uint8_t *buf,
                        size_t len)
{
    CountedLog *log = opaque;

    ck_assert_uint_le(offset + (uint64_t)len, log->length);
    log->bytes += len;
    if (++log->reads == log->fail_at) {
        return -EIO;
    }
    memcpy(buf, log->buf + offset, len);
    return 0;
}

static int counted_scan(CountedLog *log, VhdxError *err)
{
    VhdxLogRing ring = log_ring(NULL, log->length);
    VhdxLogSequence found;

    ring.read = counted_read;
    ring.opaque = log;
    return vhdx_log_scan(&ring, &found, err);
}

START_TEST(scan_reports_every_read_that_fails)
{
    uint32_t length = KIB * KIB, starts[3];
    uint8_t *buf = calloc(1, length);
    CountedLog log = { .buf = buf, .length = length };
    VhdxError err = { 0 };
    unsigned fail = 0;
    int ret;

    three_entries(buf, length, length - 5 * SECTOR, 0, starts);
    do {
        log.reads = 0;
        log.fail_at = ++fail;
        ret = counted_scan(&log, &err);
        ck_assert(ret == 0 || ret == -EIO);
        ck_assert(ret == 0 || err.code == VHDX_ERR_READ);
        ck_assert(ret == 0 || err.value == EIO);
    } while (ret);
    ck_assert_uint_gt(fail, 6);
    free(buf);
}
END_TEST

/* What a hostile log makes the scan read, as a multiple of its length. */
START_TEST(scan_cost_is_in_proportion_to_the_log)
{
    uint32_t length = 8 * KIB * KIB, sectors = length / SECTOR;
    uint8_t *buf = calloc(1, length);
    VhdxLogHeader header = log_header(1, 0);
    static const unsigned steps[] = { 1, 2, 3, 63, 64, 65, 500, 100000 };

    /* A huge entry begins at every @step sectors; all else is its data. */
    for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
        CountedLog log = { .buf = buf, .length = length };
        uint8_t *entry = malloc(2 * SECTOR);

        log_put_plain(entry, 2 * SECTOR, 0, &header, 1, 0);
        for (uint32_t s = 0; s < sectors; s++) {
            memcpy(buf + s * SECTOR, entry + (s % steps[i] ? SECTOR : 0),
                   SECTOR);
            stl_le_p(buf + s * SECTOR + 8, s % steps[i] ? 0 : length);
        }
        /* Headers claim 126 pages, and the length that this gives. */
        for (uint32_t s = 0; s < sectors; s += steps[i]) {
            uint8_t *p = buf + s * SECTOR;

            stl_le_p(p + 8, 127 * SECTOR);
            stl_le_p(p + 24, 126);
            for (unsigned d = 1; d < 126; d++) {
                memcpy(p + 64 + 32 * d, p + 64, 32);
            }
        }
        ck_assert_int_eq(counted_scan(&log, NULL), -EINVAL);
        ck_assert_msg(log.bytes <= 6ULL * length, "%u: %" PRIu64 " MiB of 8",
                      steps[i], log.bytes >> 20);
        free(entry);
    }
    free(buf);
}
END_TEST

START_TEST(scan_log_full_of_single_sector_entries)
{
    uint32_t length = 4 * KIB * KIB;
    uint8_t *buf = calloc(1, length);
    CountedLog log = { .buf = buf, .length = length };
    VhdxLogSequence found;

    for (uint32_t at = 0; at < length; at += SECTOR) {
        VhdxLogHeader header = log_header(5000 + at / SECTOR, 0);

        log_put_plain(buf, length, at, &header, 0, 1);
    }
    ck_assert_int_eq(scan(buf, length, &found, NULL), 0);
    ck_assert_uint_eq(found.entries, length / SECTOR);
    ck_assert_uint_eq(found.live, length);
    ck_assert_uint_eq(found.end, 0);
    ck_assert_int_eq(counted_scan(&log, NULL), 0);
    ck_assert_uint_le(log.bytes, 3ULL * length);
    free(buf);
}
END_TEST

START_TEST(scan_entry_longer_than_a_window_at_any_place)
{
    uint32_t length = KIB * KIB;
    uint8_t *buf = calloc(1, length);

    for (uint32_t at = 0; at < length; at += 17 * SECTOR) {
        VhdxLogHeader header = log_header(9, at);
        VhdxLogSequence found;

        log_put_plain(buf, length, at, &header, 250, 0);
        ck_assert_int_eq(scan(buf, length, &found, NULL), 0);
        ck_assert_uint_eq(found.head, at);
    }
    free(buf);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vhdx-log-scan");
    TCase *tc = unit_case(suite, "model");

    tcase_add_test(tc, scan_like_the_literal_search_on_random_logs);
    tcase_add_test(tc, scan_ties_like_the_literal_search);
    tc = unit_case(suite, "named");
    tcase_add_test(tc, scan_empty_log_has_no_sequence);
    tcase_add_test(tc, scan_one_entry_without_descriptors);
    tcase_add_test(tc, scan_one_entry_that_fills_the_log);
    tcase_add_test(tc, scan_wrapped_sequence_and_its_tail);
    tcase_add_test(tc, scan_gap_in_the_numbers_ends_a_run);
    tcase_add_test(tc, scan_ignores_entries_of_another_log_guid);
    tcase_add_test(tc, scan_tail_must_be_an_entry_of_the_run);
    tcase_add_test(tc, scan_sequence_check_of_sizes);
    tc = unit_case(suite, "writer");
    tcase_add_loop_test(tc,
        scan_finds_what_a_writer_wrote_and_forgets_a_torn_entry, 0, 4);
    tc = unit_case(suite, "reading");
    tcase_add_test(tc, scan_reports_every_read_that_fails);
    tcase_add_test(tc, scan_cost_is_in_proportion_to_the_log);
    tcase_add_test(tc, scan_log_full_of_single_sector_entries);
    tcase_add_test(tc, scan_entry_longer_than_a_window_at_any_place);
    return unit_run(suite);
}
