/* SPDX-License-Identifier: GPL-2.0-or-later */
/* odxcopy --info: what a disk says about its copy manager, as a table. */
#ifndef ODXCOPY_INFO_H
#define ODXCOPY_INFO_H

#include <stdio.h>

#include "device.h"

/* Writes the table to @out; fields that a short page lacks are left out. */
void odx_info_print(FILE *out, const OdxDevice *dev);

#endif
