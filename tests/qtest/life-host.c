/*
 * Copies on a host where things happen: VM migration, jobs, full disks
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "life-test.h"

void life_add_host(void)
{
}
