/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * odxcopy: the one seam to the world below.
 *
 * Everything that the program asks of the machine goes through one table of
 * functions: SG_IO on real devices (sg.c), a simulated target with a fake
 * clock in the tests.  All functions are called from one thread.
 */
#ifndef ODXCOPY_TRANSPORT_H
#define ODXCOPY_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define ODX_SENSE_SIZE 96

typedef enum OdxDirection {
    ODX_NO_DATA,
    ODX_FROM_DEVICE,
    ODX_TO_DEVICE,
} OdxDirection;

typedef struct OdxCommand {
    /* set by the caller */
    uint8_t cdb[16];
    uint8_t cdb_length;         /* 6, 10 or 16 */
    OdxDirection direction;
    void *data;
    uint32_t length;            /* bytes of @data */
    uint32_t timeout_ms;
    bool replan;                /* not again once limits have changed */
    /* set by execute() */
    uint8_t status;             /* SAM status byte */
    uint8_t sense[ODX_SENSE_SIZE];
    uint32_t sense_length;      /* bytes of @sense that are valid */
    uint32_t transferred;       /* bytes that really moved */
} OdxCommand;

typedef enum OdxAccess {
    ODX_READ,
    ODX_WRITE,                  /* holds the disk, unless forced */
} OdxAccess;

/* An open device; what is in it is the transport's own affair. */
typedef struct OdxNode OdxNode;

typedef struct OdxTransport OdxTransport;
struct OdxTransport {
    /* Whether something with that name exists. */
    bool (*exists)(OdxTransport *t, const char *path);
    /*
     * Opens a whole SCSI disk.  ODX_WRITE fails with ODX_UNSAFE when the
     * disk is mounted or held, unless @force.
     */
    int (*open)(OdxTransport *t, const char *path, OdxAccess access,
                bool force, OdxNode **node, OdxError *err);
    void (*close)(OdxTransport *t, OdxNode *node);
    /*
     * Runs one command to its end.  0: @cmd has a SCSI status; -1: the
     * command never got that far, @err (ODX_IO) says why.
     */
    int (*execute)(OdxTransport *t, OdxNode *node, OdxCommand *cmd,
                   OdxError *err);
    /*
     * Writes back what the operating system caches of the disk and drops
     * it, so that disk and cache agree.
     */
    int (*settle)(OdxTransport *t, OdxNode *node, OdxError *err);
    /* Someone else has the disk mounted or holds it (read side only). */
    bool (*in_use)(OdxTransport *t, OdxNode *node);
    /*
     * Bytes that the name covers, where it cannot be known otherwise that
     * it names the whole disk; 0 when it is known.
     */
    uint64_t (*size)(OdxTransport *t, OdxNode *node);
    /* Both nodes lead to one SCSI address of one host adapter. */
    bool (*same_address)(OdxTransport *t, OdxNode *a, OdxNode *b);
    /* Monotonic clock. */
    uint64_t (*now_ms)(OdxTransport *t);
    /* May end early when a signal came. */
    void (*sleep_ms)(OdxTransport *t, uint64_t ms);
    /* The user wants the program to end. */
    bool (*interrupted)(OdxTransport *t);
    uint32_t (*random)(OdxTransport *t);
};

#endif
