/*
 * Proof that VSCSI_PARENT_SPACE holds the private state of scsi-hd
 *
 * vscsi-hd is a subclass of scsi-hd, whose instance struct is private to
 * hw/scsi/scsi-disk.c.  This file sees that struct by including the source,
 * registers nothing, and leaves no code behind: everything in it is static and
 * unused.  If it stops the build, raise VSCSI_PARENT_SPACE in
 * include/hw/vscsi/vscsi.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/module.h"

#undef type_init
#define type_init(function)

#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-const-variable"

#include "hw/scsi/scsi-disk.c"

#include "hw/vscsi/vscsi.h"

QEMU_BUILD_BUG_ON(sizeof(struct SCSIDiskState) > VSCSI_PARENT_SPACE);
