/* SPDX-License-Identifier: GPL-2.0-or-later */
/* odxcopy: the transport over Linux's SG_IO (sg(4), /dev/sdX). */
#ifndef ODXCOPY_SG_H
#define ODXCOPY_SG_H

#include "transport.h"

/*
 * Also takes over SIGINT, SIGTERM and SIGHUP: they are noticed between
 * commands, a second one ends the program at once.
 */
OdxTransport *odx_sg_transport(void);

#endif
