/* SPDX-License-Identifier: GPL-2.0-or-later */
/* odxcopy: the transport over Linux's SG_IO (sg(4), /dev/sdX). */
#ifndef ODXCOPY_SG_H
#define ODXCOPY_SG_H

#include "transport.h"

/* The table; there is one for the whole process. */
OdxTransport *odx_sg_transport(void);

/*
 * Takes over SIGINT, SIGTERM and SIGHUP: they are noticed between commands
 * (the table's interrupted()), a second one ends the program at once.
 */
void odx_sg_catch_signals(void);

#endif
