/* SPDX-License-Identifier: GPL-2.0-or-later */
/* odxcopy: reads both sides back and compares them. */
#ifndef ODXCOPY_VERIFY_H
#define ODXCOPY_VERIFY_H

#include "plan.h"
#include "progress.h"

/*
 * Compares the ranges of @plan; @src NULL compares with zeroes.  ODX_DIFFERS
 * names the first byte that differs.
 */
int odx_verify(const OdxPlan *plan, OdxDevice *src, OdxDevice *dst,
               OdxProgress *progress, OdxError *err);

/*
 * SYNCHRONIZE CACHE(10): what @dev was given is on stable storage.  A device
 * that does not know the command has no cache.
 */
int odx_flush(OdxDevice *dev, OdxError *err);

#endif
