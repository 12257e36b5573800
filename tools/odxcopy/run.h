/* SPDX-License-Identifier: GPL-2.0-or-later */
/* odxcopy: the whole program over any transport. */
#ifndef ODXCOPY_RUN_H
#define ODXCOPY_RUN_H

#include <stdio.h>

#include "transport.h"

/*
 * Does what the command line says.  Results go to @out; progress, notes and
 * errors to @err_out.  @terminal: @err_out is one.  Returns the exit code.
 */
int odx_run(OdxTransport *t, int argc, char **argv, FILE *out,
            FILE *err_out, bool terminal);

#endif
