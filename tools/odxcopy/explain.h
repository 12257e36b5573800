/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * odxcopy: what a refusal means and what to do, in words.
 */
#ifndef ODXCOPY_EXPLAIN_H
#define ODXCOPY_EXPLAIN_H

#include "scsi.h"

typedef struct OdxExplanation {
    int16_t key;            /* sense key, or -1: any */
    int32_t asc;            /* ASC << 8 | ASCQ, or -1: any */
    const char *meaning;    /* a sentence without its full stop */
    const char *mend;       /* what to do, likewise */
} OdxExplanation;

/*
 * The best row for this sense: key and code, else code alone, else key
 * alone.  Never NULL: the last row fits all.
 */
const OdxExplanation *odx_explain_find(uint8_t key, uint16_t asc);

/*
 * "POPULATE TOKEN: the ROD token was revoked ... (sense 5/23/06).  Copy
 * again ..." into @err with @code.  Returns -1.
 */
int odx_explain(OdxError *err, OdxExit code, const char *name,
                const char *command, const OdxSense *sense);

/* A sentence for a SAM status that is neither GOOD nor CHECK CONDITION. */
const char *odx_explain_status(uint8_t status);

#endif
