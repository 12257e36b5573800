/*
 * IDE refuses: no image that is attached to the IDE emulation takes part
 *
 * Nothing that is attached to an IDE device (ide-hd, ide-cd, on a PIIX or AHCI
 * controller alike) is source or target of a token or of a host-side copy
 * (DESIGN, invariant 8).  "Attached" goes by nodes: an image counts when any
 * node below it is also below an IDE device, or is the same file under the same
 * name.  So a shared backing file counts, and a filter on either side does not
 * hide anything.
 *
 * The answer for a LUN: while its image is attached to an IDE device it is as
 * if offload=off were set.  It does not announce third-party copy, and 83h and
 * 84h end in 5/20/00, as they do through the IDE emulation itself.  What is
 * announced is then what works (invariant 4); the guest is told of a change by
 * 6/3F/03, INQUIRY DATA HAS CHANGED.  Its tokens are cancelled (23/08), so that
 * no other LUN reads by them.  As a CSCD of EXTENDED COPY it is unreachable
 * (CA 08/04).
 *
 * Known limits: one file under two names (links) is not recognised; QEMU's
 * image locking opens a file twice only if both sides allow it.  A guest's
 * operation looks when it begins and when it is resumed: one that runs while
 * its image is put into an ide-cd goes on to its end.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VSCSI_IDE_REFUSAL_H
#define VSCSI_IDE_REFUSAL_H

#include "block/block-common.h"
#include "block/graph-lock.h"
#include "qemu/coroutine.h"

typedef struct VscsiCopyManager VscsiCopyManager;

/*
 * vscsi_ide_device: the IDE device that @bs (NULL: none) is attached to
 *
 * Returns its id, or its QOM path if it has none, to be freed by g_free(); NULL
 * if there is no such device.  Main thread; does no I/O.
 */
char *GRAPH_RDLOCK vscsi_ide_device(BlockDriverState *bs);

/*
 * vscsi_ide_refresh: look at the LUN's image again and act on a change.  Main
 * thread, outside coroutines.
 */
void vscsi_ide_refresh(VscsiCopyManager *cm);

/* vscsi_ide_refresh() of every LUN soon, in the main thread; any thread */
void vscsi_ide_refresh_later(void);

/*
 * vscsi_ide_co_refused: may a copy begin that reads or writes this LUN?
 *
 * The check by which operations go.  Looks at the image as it is now: hops to
 * the main thread, unless the VM has no IDE device at all.  The caller's
 * operation keeps @cm alive.  Any AioContext, returns in the same one.
 */
bool coroutine_fn GRAPH_UNLOCKED vscsi_ide_co_refused(VscsiCopyManager *cm);

/*
 * vscsi_ide_refused: what the last look has found.  For what a LUN announces,
 * which cannot wait.  Any thread.
 */
bool vscsi_ide_refused(VscsiCopyManager *cm);

/*
 * A LUN has been realized; its first look is taken now, or when all devices of
 * the command line are there.  Main thread.
 */
void vscsi_ide_lun_added(VscsiCopyManager *cm);

#endif /* VSCSI_IDE_REFUSAL_H */
