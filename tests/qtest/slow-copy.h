/*
 * vscsi qtests: a copy that lasts, to have something done to it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VSCSI_QTEST_SLOW_COPY_H
#define VSCSI_QTEST_SLOW_COPY_H

#include "harness.h"

/* Much more than the offload engine has in flight */
#define SIZE    (32 * MiB)
#define BLOCKS  (SIZE / 512)
#define ID      7               /* the list identifier of a SlowCopy */
#define STEP_NS 100000000       /* guest time between two looks at it */

/*
 * A copy by token from disk 0 (pattern 1) to disk 1, which takes 1 MiB in a
 * second of guest time.
 */
typedef struct SlowCopy {
    VtVm *vm;
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VtCmd *cmd;                 /* of a copy in the foreground */
} SlowCopy;

/* @hba_opts: of the controller.  Booted */
VtVm *slow_vm(const char *hba_opts);
/* Started, some of it is done */
SlowCopy slow_copy(const char *hba_opts, bool immed);
/* The same on a VM that is booted */
void slow_copy_start(SlowCopy *c, bool immed);
/* Wait for a good end and look at the data */
void slow_copy_finish(SlowCopy *c);

#endif /* VSCSI_QTEST_SLOW_COPY_H */
