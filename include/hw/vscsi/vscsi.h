/*
 * vscsi: the types of the controller and of its LUNs
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_VSCSI_VSCSI_H
#define HW_VSCSI_VSCSI_H

#include "hw/scsi/scsi.h"
#include "qom/object.h"

#define TYPE_VSCSI_PCI      "vscsi-pci-base"
#define TYPE_VSCSI_DEVICE   "vscsi-device"
#define TYPE_VSCSI_HD       "vscsi-hd"

OBJECT_DECLARE_SIMPLE_TYPE(VscsiPCI, VSCSI_PCI)
OBJECT_DECLARE_SIMPLE_TYPE(VscsiDevice, VSCSI_DEVICE)
OBJECT_DECLARE_SIMPLE_TYPE(VscsiHD, VSCSI_HD)

typedef struct VscsiCopyManager VscsiCopyManager;

/*
 * What an administrator sets for the third-party copy commands of a LUN.  Set
 * by properties before realize, never changed afterwards.
 */
typedef struct VscsiCopyConf {
    bool offload;               /* off: as if the commands did not exist */
    uint16_t max_ranges;        /* MAXIMUM RANGE DESCRIPTORS */
    uint64_t max_token_size;    /* bytes; MAXIMUM TOKEN TRANSFER SIZE */
    uint64_t optimal_size;      /* bytes; OPTIMAL TRANSFER COUNT */
    uint32_t max_inactivity;    /* seconds; MAXIMUM INACTIVITY TIMEOUT */
    uint32_t default_inactivity; /* seconds; DEFAULT INACTIVITY TIMEOUT */
    uint32_t max_tokens;        /* live ROD tokens that this LUN created */
    uint32_t max_copies;        /* third-party copy operations at a time */
    uint32_t sync_time;         /* ms; a synchronous command ends within it */
    uint32_t retention;         /* seconds; a result can be asked for so long */
} VscsiCopyConf;

/* Room for the private state of the parent type; proof in lun-layout.c */
#define VSCSI_PARENT_SPACE 2048

struct VscsiHD {
    union {
        SCSIDevice qdev;
        uint8_t parent[VSCSI_PARENT_SPACE];
    };
    VscsiCopyConf conf;
    /* NULL while conf.offload is off; outside the main thread: hold it */
    VscsiCopyManager *cm;
};

#endif /* HW_VSCSI_VSCSI_H */
