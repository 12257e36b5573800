/*
 * What the monitor says of the copy managers (private to hw/vscsi)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VSCSI_QMP_H
#define VSCSI_QMP_H

#include "qapi/qapi-types-vscsi.h"
#include "block/offload.h"
#include "hw/vscsi/token-store.h"
#include "qom/object.h"

/* The monitor's words for the modules' */
VscsiFallbackReason vscsi_qapi_reason(OffloadReason reason);
/* @cause: from EXPIRED on */
VscsiTokenEndCause vscsi_qapi_token_end_cause(VscsiTokenStatus cause);

/* One entry for each method; one for each reason that occurred.  Any thread */
VscsiMethodCountList *vscsi_qapi_methods(const OffloadStats *stats);
VscsiFallbackCountList *vscsi_qapi_fallbacks(const OffloadStats *stats);

/* Host-side copies, oldest first (host-copy.c); main thread */
VscsiHostCopyStatusList *vscsi_host_copies(void);

/*
 * Read-only properties of vscsi-hd: live-tokens, offload-naa,
 * stats-bytes-METHOD, stats-fallbacks (lun-stats.c)
 */
void vscsi_lun_class_add_stats(ObjectClass *klass);

#endif /* VSCSI_QMP_H */
