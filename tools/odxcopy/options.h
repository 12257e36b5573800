/* SPDX-License-Identifier: GPL-2.0-or-later */
/* odxcopy: the command line. */
#ifndef ODXCOPY_OPTIONS_H
#define ODXCOPY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"

#define ODXCOPY_VERSION "1.0"

typedef enum OdxAction {
    ODX_ACTION_COPY,
    ODX_ACTION_ZERO,
    ODX_ACTION_INFO,
    ODX_ACTION_HELP,
    ODX_ACTION_VERSION,
} OdxAction;

typedef struct OdxOptions {
    OdxAction action;
    const char *src;            /* ODX_ACTION_COPY only */
    const char *dst;            /* or the disk of ODX_ACTION_INFO */

    bool immed, strict, verify, quiet, json, force, delete_token;
    bool has_list_id;
    uint32_t list_id;
    uint32_t descriptors;       /* 0: as few as possible */
    uint32_t inactivity_s;      /* 0: the device's default */
    uint32_t command_timeout_s;
    uint64_t chunk;             /* bytes; 0: what the devices recommend */
    uint64_t abort_after_ms;    /* 0: never */
} OdxOptions;

/* ODX_USAGE when the command line makes no sense. */
int odx_options_parse(OdxOptions *o, int argc, char **argv, OdxError *err);

void odx_options_help(FILE *out);

#endif
