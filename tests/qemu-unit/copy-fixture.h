/*
 * Two disks in memory and a copy between them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_COPY_FIXTURE_H
#define TESTS_COPY_FIXTURE_H

#include "block/offload.h"
#include "mem-disk.h"

#define FIXTURE_RANGES 16

typedef struct Fixture {
    MemDisk *src, *dst;
    OffloadStats stats;
    OffloadTask task;           /* rod: made by fixture_run() from src_ranges */
    RodRange src_ranges[FIXTURE_RANGES];
    unsigned nr_src_ranges;
    RodRange dst_ranges[FIXTURE_RANGES];
    OffloadEnd end;
    bool done;
    bool busy;                  /* others use the disks as well */

    uint8_t *expect;            /* what the Rod stands for */
    unsigned told[OFFLOAD_REASON__MAX];
    unsigned nr_told;
    int told_error;
} Fixture;

/* Both disks have @length bytes of different content */
Fixture *fixture_new(int64_t length);
void fixture_free(Fixture *f);

/* Adds a range of the Rod, of the destination; all to all */
void fixture_src(Fixture *f, int64_t offset, int64_t bytes);
void fixture_dst(Fixture *f, int64_t offset, int64_t bytes);
void fixture_whole(Fixture *f);

/* Makes the Rod, if ranges were given and it is not there */
void fixture_rod(Fixture *f);

/* Keeps what the Rod stands for now in f->expect; makes it if needed */
void fixture_expect_source(Fixture *f);

/* Runs the task; the same without waiting (f->done, f->end) */
OffloadEnd fixture_run(Fixture *f);
void fixture_start(Fixture *f);

/* task->done is @bytes, and so many are in the destination as in the Rod */
void fixture_expect_done(Fixture *f, int64_t bytes);

/* The counters; -1: any */
void fixture_expect_bytes(Fixture *f, int64_t zero, int64_t range,
                          int64_t bounce);

/* All that fell back, did so for @reason */
void fixture_expect_fallback(Fixture *f, OffloadReason reason, int64_t bytes);

#endif /* TESTS_COPY_FIXTURE_H */
