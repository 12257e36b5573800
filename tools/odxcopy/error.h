/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * odxcopy: how a failure travels, and the exit codes.
 *
 * A function that can fail returns -1 and fills the OdxError that it was
 * given: the exit code of the program and one or more sentences for the
 * user.  Nothing is printed before main's caller prints that text.
 */
#ifndef ODXCOPY_ERROR_H
#define ODXCOPY_ERROR_H

/* The exit codes of the program; documented in odxcopy.1 and --help. */
typedef enum OdxExit {
    ODX_OK = 0,             /* copied (and verified, if asked) */
    ODX_USAGE = 1,          /* the command line makes no sense */
    ODX_CANNOT = 2,         /* a device has no, or too little, token copy */
    ODX_FAILED = 3,         /* a device refused or broke off the copy */
    ODX_DIFFERS = 4,        /* --verify found a difference */
    ODX_IO = 5,             /* no way through to a device, or a mad answer */
    ODX_INTERRUPTED = 6,    /* a signal, or --abort-after */
    ODX_UNSAFE = 7,         /* overlapping ranges, or destination in use */
} OdxExit;

typedef struct OdxError {
    OdxExit code;
    char text[1024];
} OdxError;

/* Fills @err; the text is cut at the buffer's end.  Returns -1, always. */
int odx_fail(OdxError *err, OdxExit code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
