/*
 * Copies while disks and controllers go away, and while the VM is stopped
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "life-test.h"

void life_add_plug(void)
{
}
