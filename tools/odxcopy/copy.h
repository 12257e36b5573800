/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * odxcopy: the copy itself: tokens, writes, and what to do when either comes
 * out shorter than asked.
 */
#ifndef ODXCOPY_COPY_H
#define ODXCOPY_COPY_H

#include "plan.h"
#include "progress.h"
#include "token.h"

typedef struct OdxCopyStats {
    uint64_t bytes;             /* good at the destination, from its start */
    uint64_t tokens;            /* tokens that were made */
    uint64_t recreated;         /* of these, in place of one that was lost */
    uint64_t partial;           /* commands that moved less than asked */
} OdxCopyStats;

typedef struct OdxCopyOptions {
    uint32_t inactivity_s;      /* INACTIVITY TIMEOUT; 0: default */
    bool delete_tokens;
} OdxCopyOptions;

/*
 * Copies plan->length bytes from @src, or zeroes where @src is NULL, to
 * @dst.  @stats and @progress are right also after a failure.  A token that
 * ends mid-way is made again for the rest, unless the plan is strict.
 * -1: ODX_FAILED, ODX_IO or ODX_INTERRUPTED.
 */
int odx_copy(OdxSession *s, OdxPlan *plan, OdxDevice *src, OdxDevice *dst,
             const OdxCopyOptions *options, OdxProgress *progress,
             OdxCopyStats *stats, OdxError *err);

#endif
