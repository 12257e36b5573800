/* SPDX-License-Identifier: GPL-2.0-or-later */
/* odxcopy: the last line, for people or for programs. */
#ifndef ODXCOPY_SUMMARY_H
#define ODXCOPY_SUMMARY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "copy.h"

typedef struct OdxSummary {
    OdxExit code;
    const char *message;        /* of the failure, or "" */
    bool zero;
    bool verified;
    uint64_t requested;         /* bytes */
    uint64_t ms;                /* of the copy alone */
    uint64_t writes, polls;     /* WRITE USING TOKEN, RRTI commands */
    OdxCopyStats stats;
} OdxSummary;

void odx_summary_text(FILE *out, const OdxSummary *s);
/* One line: an object; its members are documented in odxcopy.1. */
void odx_summary_json(FILE *out, const OdxSummary *s);

#endif
