/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * odxcopy: one disk: what it is, how large, what its copy manager takes.
 */
#ifndef ODXCOPY_DEVICE_H
#define ODXCOPY_DEVICE_H

#include "scsi.h"
#include "tpc.h"

#define ODX_MAX_DESIGNATORS 16
#define ODX_VPD_MAX 65535
/* Block lengths outside of this are taken for garbage. */
#define ODX_MIN_BLOCK 64
#define ODX_MAX_BLOCK (1024 * 1024)

/* A designator that names the logical unit in all the world (VPD 83h). */
typedef struct OdxDesignator {
    uint8_t type;
    uint8_t length;
    uint8_t bytes[255];
} OdxDesignator;

typedef struct OdxDevice {
    OdxLun lun;

    /* from INQUIRY */
    uint8_t peripheral;         /* byte 0: qualifier and device type */
    bool third_party;           /* 3PC */
    char vendor[9], product[17], revision[5];

    /* from READ CAPACITY(16) */
    uint32_t block_length;      /* bytes */
    uint64_t blocks;

    /* from the VPD pages */
    bool has_tpc_page;
    OdxTpcLimits limits;
    uint8_t *tpc_page;          /* page 8Fh as it came, or NULL */
    size_t tpc_length;
    uint32_t max_transfer_blocks;   /* Block Limits; 0: none */
    OdxDesignator designators[ODX_MAX_DESIGNATORS];
    unsigned n_designators;

    /* WRITE USING TOKEN outside of these LBAs is never sent */
    uint64_t write_first, write_end;
} OdxDevice;

/*
 * Opens @path and reads all of the above, but judges only that it is a disk
 * with a capacity.  @dev must be closed also after a failure.
 */
int odx_device_open(OdxDevice *dev, OdxTransport *transport,
                    const char *path, OdxAccess access, bool force,
                    OdxError *err);
void odx_device_close(OdxDevice *dev);

/* Reads capacity and limits again; the block length must not change. */
int odx_device_refresh(OdxDevice *dev, OdxError *err);

/*
 * Fails with ODX_CANNOT and a sentence why when the disk has no copy by
 * token.  @need: TPC_HAS_... bits that descriptor 0001h, if there, must
 * have.
 */
int odx_device_require_tokens(const OdxDevice *dev, uint32_t need,
                              OdxError *err);

/* One logical unit behind both, by VPD 83h, else by SCSI address. */
bool odx_device_same(const OdxDevice *a, const OdxDevice *b);

static inline uint64_t odx_device_bytes(const OdxDevice *dev)
{
    return dev->blocks * dev->block_length;
}

#endif
