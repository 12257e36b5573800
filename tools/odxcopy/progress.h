/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * odxcopy: how far the work is, for people.
 *
 * On a terminal one line is drawn over and over, at most ten times a second;
 * elsewhere a line is written once a second.
 */
#ifndef ODXCOPY_PROGRESS_H
#define ODXCOPY_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct OdxProgress {
    FILE *out;              /* NULL: be quiet */
    bool terminal;
    const char *label;      /* "copy", "verify" */
    uint64_t total;         /* bytes */
    uint64_t start_ms, drawn_ms;
    bool drawn;
} OdxProgress;

void odx_progress_start(OdxProgress *p, FILE *out, bool terminal,
                        const char *label, uint64_t total, uint64_t now_ms);
void odx_progress_update(OdxProgress *p, uint64_t done, uint64_t now_ms);
/* Ends the line that is drawn over; draws the last state first. */
void odx_progress_end(OdxProgress *p, uint64_t done, uint64_t now_ms);

/* "1.5 GiB"; returns @buf. */
const char *odx_human(char buf[32], uint64_t bytes);

/* Bytes per second; a time of 0 ms counts as 1 ms. */
uint64_t odx_rate(uint64_t bytes, uint64_t ms);

#endif
