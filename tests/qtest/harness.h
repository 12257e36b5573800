/*
 * vscsi qtests: a VM with vscsi-pci controllers, and CDBs through its queues
 *
 * A test describes a VM (vt_new, vt_hba, vt_disk), boots it (vt_boot), sends
 * CDBs (vt_send, vt_wait, or the one-call helpers), and frees it (vt_free).
 * Disks are raw files in a temporary folder; "disk" is their number, in the
 * order of vt_disk().
 *
 * The outcome of a command is one number: 0 for GOOD, the number of
 * VscsiSenseCode for CHECK CONDITION, VT_STATUS | status for another status,
 * VT_RESPONSE | response when virtio-scsi itself refused.  So a test reads
 *
 *     g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, 0x052600);
 *
 * The guest's clock (QEMU_CLOCK_VIRTUAL) stands still until vt_clock_step();
 * throttled disks go by it too, so that a copy stops where the test wants it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VSCSI_QTEST_HARNESS_H
#define VSCSI_QTEST_HARNESS_H

#include "qemu/units.h"
#include "libqtest.h"
#include "libqos/libqos-pc.h"
#include "libqos/virtio-pci.h"
#include "qobject/qdict.h"
#include "hw/vscsi/wire.h"

#define VT_STATUS       0xff000000u
#define VT_RESPONSE     0xfe000000u

#define VT_MAX_HBAS     3
#define VT_MAX_DISKS    10
#define VT_MAX_QUEUES   6       /* control, event, and request queues */
#define VT_RING         128     /* descriptors of a queue */
/* A guard against tests that hang, nothing else */
#define VT_GUARD_US     (50 * G_USEC_PER_SEC)

typedef struct VtCmd VtCmd;

typedef struct VtHba {
    QVirtioPCIDevice *pci;
    unsigned nr_queues;
    QVirtQueue *vq[VT_MAX_QUEUES];
    VtCmd *pending[VT_MAX_QUEUES][VT_RING];
} VtHba;

typedef struct VtDiskConf {
    uint64_t size;              /* bytes */
    uint32_t block;             /* logical and physical, bytes; 0: 512 */
    uint64_t bps;               /* throttled to it, in guest time; 0: not */
    bool only_reads;            /* are throttled */
    const char *device;         /* NULL: vscsi-hd */
    const char *opts;           /* more of -device: "a=1,b=2", or NULL */
    const char *blkdebug;       /* a blkdebug node with these options */
    bool cold;                  /* only the nodes, no device */
    bool late;                  /* plugged after the start of QEMU */
    bool read_only;
} VtDiskConf;

typedef struct VtDisk {
    unsigned hba;
    unsigned target;
    char *path;
    char *node;                 /* the one that the device has */
    uint64_t size;
    uint32_t block;
    uint64_t bps;
    bool only_reads;
    char *opts;
    bool cold;
    bool late;
} VtDisk;

typedef struct VtVm {
    QTestState *qts;
    QOSState *qos;
    GString *args;
    char *dir;
    bool borrowed_dir;          /* of another VM: the disks are shared */
    bool keep_attention;        /* vt_boot() leaves unit attentions pending */
    unsigned nr_hbas;
    unsigned nr_disks;
    VtHba hba[VT_MAX_HBAS];
    VtDisk disk[VT_MAX_DISKS];
    unsigned queue;             /* request queue that vt_send() uses, from 0 */
    uint64_t last_tag;
    int64_t step_ns;            /* vt_wait() steps the clock by it; 0: not */
    bool stopped;
} VtVm;

struct VtCmd {
    VtVm *vm;
    unsigned hba;
    unsigned vq;
    uint64_t tag;
    uint64_t mem;               /* request, data-out, response, data-in */
    uint64_t resp;              /* address of the response */
    size_t in_len;
    bool ended;

    /* After the end */
    uint32_t outcome;
    uint8_t response;
    uint8_t status;
    uint32_t residual;
    VscsiSense sense;
    uint8_t *in;                /* data-in, in_len bytes */
};

/* ---------------------------------------------------------------- the VM */

VtVm *vt_new(void);
void vt_arg(VtVm *vm, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* The next controller, "hbaN" at PCI slot 4 + N; @opts NULL or "a=1,b=2" */
void vt_hba(VtVm *vm, const char *opts);
/* A disk on the last controller: node names below, device id "lunN" */
unsigned vt_disk(VtVm *vm, const VtDiskConf *conf);
/* The same disks, for a second QEMU (VM migration) */
void vt_share_disks(VtVm *vm, VtVm *with);
/* Start QEMU and its controllers; ends unit attentions unless keep_attention */
void vt_boot(VtVm *vm);
/* Start QEMU only; its controllers arrive by vt_adopt() */
void vt_boot_incoming(VtVm *vm, const char *uri);
/* @to is where the guest of @from runs now; what @from had in flight too */
void vt_adopt(VtVm *to, VtVm *from);
/* End QEMU; the disks stay */
void vt_quit(VtVm *vm);
void vt_free(VtVm *vm);

/* One controller, @n disks of @size bytes; booted */
VtVm *vt_simple(unsigned n, uint64_t size);

void vt_clock_step(VtVm *vm, int64_t ms);
/*
 * Stop, wait for the event; cont, wait for the event.  The clock must not be
 * stepped in between: all the ticks that the guest missed would come at cont,
 * more than fit in the qtest socket while nobody reads it.
 */
void vt_stop(VtVm *vm);
void vt_cont(VtVm *vm);
/* Set up controller @n again after a reset of the machine, or once plugged */
void vt_start_hba(VtVm *vm, unsigned n);
/* Hot plug of a disk that was declared cold; hot unplug, waits for its end */
void vt_plug(VtVm *vm, unsigned disk);
void vt_unplug(VtVm *vm, unsigned disk);

/* -------------------------------------------------------------- commands */

/* Send a CDB (16 bytes); a copy is made of @out */
VtCmd *vt_send(VtVm *vm, unsigned disk, const uint8_t *cdb, const void *out,
               size_t out_len, size_t in_len);
/* Task management, VIRTIO_SCSI_T_TMF_*; the outcome is VT_RESPONSE | n */
VtCmd *vt_send_tmf(VtVm *vm, unsigned disk, uint32_t subtype, uint64_t tag);
uint32_t vt_tmf(VtVm *vm, unsigned disk, uint32_t subtype, uint64_t tag);
bool vt_ended(VtCmd *cmd);
uint32_t vt_wait(VtCmd *cmd);
void vt_cmd_free(VtCmd *cmd);
/* vt_wait() and vt_cmd_free() */
uint32_t vt_end(VtCmd *cmd);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(VtCmd, vt_cmd_free)

/* Send, wait, copy data-in to @in (zero-filled to @in_len) */
uint32_t vt_in(VtVm *vm, unsigned disk, const uint8_t *cdb, void *in,
               size_t in_len);
uint32_t vt_out(VtVm *vm, unsigned disk, const uint8_t *cdb, const void *out,
                size_t out_len);
uint32_t vt_test_unit_ready(VtVm *vm, unsigned disk);
/* READ(16), WRITE(16) of whole blocks; WRITE SAME(16) of zeroes; UNMAP */
uint32_t vt_read(VtVm *vm, unsigned disk, uint64_t lba, uint32_t blocks,
                 void *buf);
uint32_t vt_write(VtVm *vm, unsigned disk, uint64_t lba, uint32_t blocks,
                  const void *buf);
VtCmd *vt_send_write(VtVm *vm, unsigned disk, uint64_t lba, uint32_t blocks,
                     const void *buf);
uint32_t vt_write_same(VtVm *vm, unsigned disk, uint64_t lba, uint32_t blocks);
uint32_t vt_unmap(VtVm *vm, unsigned disk, uint64_t lba, uint32_t blocks);
uint32_t vt_inquiry(VtVm *vm, unsigned disk, int page, void *buf,
                    uint16_t alloc);

/* ------------------------------------------------------ data of the disks */

/* The bytes that pattern @seed has from @offset on; 8-byte words */
void vt_pattern(void *buf, uint64_t offset, size_t len, uint32_t seed);
/* Pattern @seed into the file of a disk, from the host */
void vt_fill(VtVm *vm, unsigned disk, uint64_t offset, uint64_t len,
             uint32_t seed);
/* True if the file has, at @offset, what pattern @seed has at @from */
bool vt_has(VtVm *vm, unsigned disk, uint64_t offset, uint64_t len,
            uint32_t seed, uint64_t from);
bool vt_has_zeroes(VtVm *vm, unsigned disk, uint64_t offset, uint64_t len);
/*
 * True if nothing writes to the disk any more, while guest time goes on, if
 * it does
 */
bool vt_is_quiet(VtVm *vm, unsigned disk);

/* ---------------------------------------------- third-party copy commands */

/* Lists of one range; vt_range() adds another */
VscsiPt vt_pt(uint64_t lba, uint64_t blocks);
VscsiWut vt_wut(const uint8_t *token, uint64_t lba, uint64_t blocks);
void vt_range(VscsiRangeList *list, uint64_t lba, uint64_t blocks);

/* A CDB of 83h or 84h */
void vt_cdb(uint8_t *cdb, VscsiCommand command, uint32_t list_id,
            uint32_t data_length);
VtCmd *vt_send_pt(VtVm *vm, unsigned disk, uint32_t list_id,
                  const VscsiPt *pt);
VtCmd *vt_send_wut(VtVm *vm, unsigned disk, uint32_t list_id,
                   const VscsiWut *wut);
VtCmd *vt_send_abort(VtVm *vm, unsigned disk, uint32_t list_id);
uint32_t vt_populate(VtVm *vm, unsigned disk, uint32_t list_id,
                     const VscsiPt *pt);
uint32_t vt_write_token(VtVm *vm, unsigned disk, uint32_t list_id,
                        const VscsiWut *wut);
uint32_t vt_abort(VtVm *vm, unsigned disk, uint32_t list_id);

typedef struct VtStatus {
    uint8_t raw[1024];
    bool decoded;
    VscsiCopyStatus status;     /* .token: into raw, or NULL */
} VtStatus;

/* RRTI and RCS4; @status is zeroed first, decoded if the whole answer fits */
uint32_t vt_rrti(VtVm *vm, unsigned disk, uint32_t list_id, uint32_t alloc,
                 VtStatus *status);
uint32_t vt_rcs4(VtVm *vm, unsigned disk, uint32_t list_id, VtStatus *status);
/* Poll by RCS4 until the operation has ended */
void vt_poll(VtVm *vm, unsigned disk, uint32_t list_id, VtStatus *status);
/* Poll until at least @count blocks are counted, or it has ended */
void vt_poll_count(VtVm *vm, unsigned disk, uint32_t list_id, uint64_t count,
                   VtStatus *status);

/* PT of one range and RRTI; all must be good */
void vt_token(VtVm *vm, unsigned disk, uint64_t lba, uint64_t blocks,
              uint8_t token[VSCSI_ROD_TOKEN_LEN]);
/* The outcome of a WUT of one range, list identifier 9000h */
uint32_t vt_use(VtVm *vm, unsigned disk, const uint8_t *token, uint64_t lba,
                uint64_t blocks);

/* EXTENDED COPY(LID1) of @xcopy */
VtCmd *vt_send_xcopy(VtVm *vm, unsigned disk, const VscsiXcopy *xcopy);
uint32_t vt_xcopy(VtVm *vm, unsigned disk, const VscsiXcopy *xcopy);
/* The NAA designator of a LUN as a CSCD descriptor */
VscsiCscd vt_cscd(VtVm *vm, unsigned disk);

/* The seed of random tests: VSCSI_SEED, or one that is printed */
uint32_t vt_seed(void);

#endif /* VSCSI_QTEST_HARNESS_H */
