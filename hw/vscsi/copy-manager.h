/*
 * Copy manager: the third-party copy commands of a LUN (private to hw/vscsi)
 *
 * Every vscsi-hd LUN has one VscsiCopyManager (SPC-4 5.17).  ROD tokens live in
 * one store for the whole virtual machine, so that a token is good on every
 * LUN of every controller.  Each command that copies runs as a VscsiOp:
 *
 *            start              last piece, error, abort, cancel
 *   (new) ---------> RUNNING -------------------------------------> ENDED
 *                     ^   |
 *             resume  |   | VM stopped, LUN reset, error with werror=stop
 *                     |   v
 *                    PARKED
 *
 * RUNNING: a coroutine in op->ctx.  It looks at the flags of the operation and
 * of its LUNs between pieces (vscsi_op_check()).  PARKED: no coroutine, nothing
 * in flight, the progress kept; the request, if any, stays with the bus.
 * ENDED: the result is in the copy list, the request completed.
 *
 * Invariants
 * 1. While an operation is RUNNING it is counted in cm->active; who must be
 *    sure that nothing of a LUN's copies is in flight sets a flag and waits for
 *    zero (VM stop, LUN reset).
 * 2. An operation that is not ENDED is counted in cm->ops of its LUN, and in
 *    cm->holders of the LUNs it reads and writes: none of them goes away.  A
 *    request is counted in cm->holders of its LUN: during an unplug iothreads
 *    may still serve some that came before it.
 * 3. A request is completed in op->ctx, the AioContext it came from.
 *
 * Locks: vscsi_copy_lock guards what says so below.  It is taken for short
 * times only and never held across a yield.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VSCSI_COPY_MANAGER_H
#define VSCSI_COPY_MANAGER_H

#include "block/offload.h"
#include "block/rod.h"
#include "hw/vscsi/copy-list.h"
#include "hw/vscsi/token-store.h"
#include "hw/vscsi/vscsi.h"
#include "hw/vscsi/wire.h"
#include "system/runstate.h"
#include "vscsi-events.h"

/* The longest parameter list that is taken: 256 segments and 16 CSCDs fit */
#define VSCSI_PARAM_LIST_MAX (64 * KiB)

/* Distinct sense codes that are counted for a LUN; more share the last one */
#define VSCSI_REJECTS_MAX 64

typedef struct VscsiReject {
    uint32_t code;              /* key << 16 | asc << 8 | ascq */
    uint64_t count;
} VscsiReject;

struct VscsiCopyManager {
    /* Set at creation, never changed */
    VscsiHD *lun;
    SCSIDevice *dev;
    BlockBackend *blk;
    const VscsiCopyConf *conf;
    uint64_t key;               /* identifies the LUN in the token store */
    VscsiCopyList *list;
    VMChangeStateEntry *vmstate;

    /* Atomic */
    unsigned active;            /* operations that are RUNNING */
    unsigned ops;               /* operations that are not ENDED */
    unsigned holders;           /* requests, and operations that use it */
    OffloadStats stats;         /* what was copied to this LUN */
    bool ide_refused;           /* see ide-refusal.h */

    /* Main thread */
    char *ide_device;           /* what its image is attached to, or NULL */

    /* Under vscsi_copy_lock */
    bool paused;                /* the VM is stopped */
    bool resetting;
    bool gone;                  /* being unrealized */
    unsigned nr_rejects;
    VscsiReject rejects[VSCSI_REJECTS_MAX];
    VscsiLunEvents events;
    QTAILQ_ENTRY(VscsiCopyManager) next;
};

typedef enum VscsiOpState {
    VSCSI_OP_RUNNING,
    VSCSI_OP_PARKED,
    VSCSI_OP_ENDED,
} VscsiOpState;

typedef struct VscsiOp VscsiOp;
typedef struct VscsiCopyReq VscsiCopyReq;

/* The work; false: park the operation (what vscsi_op_check() has said) */
typedef bool coroutine_fn VscsiOpFunc(VscsiOp *op);

struct VscsiOp {
    VscsiCopyOp base;           /* references */

    /* Set before the start, then constant */
    VscsiCopyManager *cm;
    AioContext *ctx;
    VscsiOpFunc *run;
    void (*cleanup)(VscsiOp *op);   /* after the end; may be NULL */
    bool listed;                /* it has a record in cm->list */
    uint64_t serial;            /* the record */
    uint32_t block_size;        /* of transfer_count */

    /* Owned by the coroutine, or by who resumes a parked operation */
    VscsiCopyReq *req;          /* NULL: in the background */
    OffloadTask task;
    VscsiCopyManager *src;      /* held, or NULL */
    VscsiCopyManager *dst;      /* held, or NULL */
    VscsiTokenUse *use;         /* WRITE USING TOKEN: held token, or NULL */
    int64_t deadline_ns;        /* QEMU_CLOCK_REALTIME, 0: none */
    /* EXTENDED COPY: finished bytes and segments; written under the lock */
    uint64_t done_before;
    uint16_t segments;
    void *data;                 /* of the service action */
    bool stops_vm;              /* parks, since an error stops the VM soon */

    /* The end: what the request gets, and what the record gets */
    int status;                 /* SAM status of the request */
    VscsiSense sense;           /* for CHECK CONDITION */
    VscsiCopyResult result;

    /* Under vscsi_copy_lock */
    VscsiOpState state;
    bool abort;                 /* COPY OPERATION ABORT */
    bool cancel;                /* request cancelled, LUN reset, unplug */
    uint64_t done_reported;     /* bytes the copy list knows of */
    CoQueue waiters;            /* for the end */
    QTAILQ_ENTRY(VscsiOp) next;
};

/* One 83h or 84h command, or another answer of this project (copy-cmd.c) */
struct VscsiCopyReq {
    SCSIRequest req;
    VscsiCopyManager *cm;       /* of the LUN; held */
    VscsiCdb cdb;
    bool have_data;             /* data-out: buf is filled; data-in: sent */
    uint8_t *buf;
    uint32_t buf_len;
    VscsiOp *op;                /* not ENDED, or NULL */
    /* data-in of an operation's result, see vscsi_copy_list_returned() */
    bool has_record;
    VscsiCopyQuery query;
    VscsiCopyRecord record;
    uint32_t answer_len;
};

extern QemuMutex vscsi_copy_lock;
typedef QTAILQ_HEAD(, VscsiCopyManager) VscsiCopyManagerList;
extern VscsiCopyManagerList vscsi_copy_managers;    /* under the lock */

/* Of a VscsiCopyReq */
static inline VscsiCopyManager *vscsi_copy_manager(SCSIRequest *req)
{
    return container_of(req, VscsiCopyReq, req)->cm;
}

/* ------------------------------------------------------- copy-manager.c */

/*
 * vscsi_copy_manager_new: the copy manager of @lun, whose backend and block
 * size are set.  Main thread.
 */
VscsiCopyManager *vscsi_copy_manager_new(VscsiHD *lun, Error **errp);

/*
 * vscsi_copy_manager_free: end every operation and token of the LUN, wait until
 * nobody uses it, free, set lun->cm to NULL.  Main thread; polls.  NULL is
 * allowed.
 */
void vscsi_copy_manager_free(VscsiCopyManager *cm);

/*
 * vscsi_copy_manager_reset_begin: LU reset, hard reset, power on (spec section
 * 4, "Reset"): stop every operation, discard every result; on return nothing
 * of them is in flight.  Requests that were served stay with the bus, which
 * cancels them; then ..._reset_end().  ROD tokens stay.  Main thread; polls.
 */
void vscsi_copy_manager_reset_begin(VscsiCopyManager *cm);
void vscsi_copy_manager_reset_end(VscsiCopyManager *cm);

/* The store of the VM's tokens; exists while a LUN does.  Any thread. */
VscsiTokenStore *vscsi_copy_tokens(void);

/* Wake up when the next token or result expires; any thread */
void vscsi_copy_timer_rearm(void);

/*
 * Hold @lun, or the LUN with @key, or with the NAA designator @naa, so that it
 * does not go away; NULL if there is none (any more).  Any thread.
 */
VscsiCopyManager *vscsi_copy_hold_lun(VscsiHD *lun);
VscsiCopyManager *vscsi_copy_hold_key(uint64_t key);
VscsiCopyManager *vscsi_copy_hold_naa(uint64_t naa, VscsiCopyManager *first);
void vscsi_copy_release(VscsiCopyManager *cm);      /* NULL is allowed */

/* Limits of POPULATE TOKEN and WRITE USING TOKEN as they are now */
void vscsi_copy_limits(VscsiCopyManager *cm, VscsiLimits *limits);
/* Limits of EXTENDED COPY(LID1); constant */
void vscsi_copy_xcopy_limits(VscsiCopyManager *cm, VscsiXcopyLimits *limits);

/* Count a command that ended with @sense; any thread */
void vscsi_copy_count_reject(VscsiCopyManager *cm, const VscsiSense *sense);

/* The LU's NAA designator, as in VPD page 83h */
void vscsi_copy_designator(VscsiCopyManager *cm, VscsiDesignator *designator);

/* ------------------------------------------------------------ copy-op.c */

/*
 * vscsi_op_new: an operation of @cm in the current AioContext.  @req: the
 * command that waits for its end, or NULL.  One reference, the caller's.
 */
VscsiOp *vscsi_op_new(VscsiCopyManager *cm, VscsiCopyReq *req,
                      VscsiOpFunc *run);

/*
 * vscsi_op_begin: enter @op in its LUN's copy list.  False: its list identifier
 * is in use or there are too many; the request has ended and @op is discarded.
 */
bool vscsi_op_begin(VscsiCopyReq *r, VscsiOp *op,
                    const VscsiCopyParams *params);

/* vscsi_op_discard: give up an operation that was not started */
void vscsi_op_discard(VscsiOp *op);

/*
 * vscsi_op_start: run @op; takes over the caller's reference.  In op->ctx.  The
 * operation may have ended, and its request be completed, on return.
 */
void vscsi_op_start(VscsiOp *op);

/* vscsi_op_resume: run a PARKED operation again; no effect on others */
void vscsi_op_resume(VscsiOp *op);

typedef enum VscsiOpCheck {
    VSCSI_OP_GO,
    VSCSI_OP_PARK,              /* return false from run() */
    VSCSI_OP_TERMINATE,         /* the end was set: return true */
} VscsiOpCheck;

/*
 * vscsi_op_check: may the operation go on?  To be called by run() at its begin
 * and after each OFFLOAD_END_STOPPED.  TERMINATE has filled in the end.
 */
VscsiOpCheck vscsi_op_check(VscsiOp *op);

/* Ask to end for COPY OPERATION ABORT; any thread.  Then vscsi_op_wait(). */
void vscsi_op_abort(VscsiOp *op);
/* Wait until @op has ended; the caller holds a reference */
void coroutine_fn vscsi_op_wait(VscsiOp *op);
/* Ask to end for cancel, reset, unplug; any thread */
void vscsi_op_cancel(VscsiOp *op);

/* Fill in the end: good, @count blocks of @asked */
void vscsi_op_good(VscsiOp *op, uint64_t count, uint64_t asked);
/* Fill in the end: CHECK CONDITION with @sense; @count blocks were copied */
void vscsi_op_failed(VscsiOp *op, VscsiSense sense, uint64_t count);

/*
 * vscsi_op_error: what the error policy says of a read or write error of the
 * task.  True: report it.  False: the VM stops, return false from run().
 */
bool vscsi_op_error(VscsiOp *op, OffloadEnd end);

/* Sense data of a task that ended by @end with nothing copied */
VscsiSense vscsi_op_end_sense(VscsiOp *op, OffloadEnd end);

/* Tell the copy list how far running operations have come */
void vscsi_op_update_progress(VscsiCopyManager *cm);

/* All operations of @cm (NULL: all), for stop, reset and unplug */
void vscsi_ops_stop(VscsiCopyManager *cm, bool cancel, bool also_users);
void vscsi_ops_resume(VscsiCopyManager *cm, bool background_only);

/* ----------------------------------------------------------- copy-cmd.c */

/* Requests for 83h and 84h; the answers of discovery.c.  Take over a hold */
SCSIRequest *vscsi_copy_req_alloc(VscsiCopyManager *cm, uint32_t tag,
                                  uint32_t lun_nr, void *hba_private);
SCSIRequest *vscsi_answer_req_alloc(VscsiCopyManager *cm, uint32_t tag,
                                    uint32_t lun_nr, void *hba_private);

/* End a request with sense data, counted as a rejection; in its AioContext */
void vscsi_copy_req_fail(VscsiCopyReq *r, VscsiSense sense);

/* Complete the request of an operation that has ended; in its AioContext */
void vscsi_copy_req_ended(VscsiCopyReq *r, VscsiOp *op);

/*
 * Make room for a data-in answer of @len bytes: returns a zeroed buffer, of
 * which as much as the allocation length asks for will be sent.
 */
uint8_t *vscsi_copy_req_answer(VscsiCopyReq *r, size_t len);

/* ------------------------------------------- service actions, by file */

/* copy-token.c: parameter list in r->buf; completes or starts an operation */
void vscsi_populate_token(VscsiCopyReq *r);
void vscsi_write_using_token(VscsiCopyReq *r);
/* copy-xcopy.c */
void vscsi_extended_copy(VscsiCopyReq *r);
/* copy-query.c: fill the answer, or fail the request (then false) */
bool vscsi_copy_query(VscsiCopyReq *r);
void vscsi_copy_operation_abort(VscsiCopyReq *r);

/* ---------------------------------------------------------- discovery.c */

/* VPD page 8Fh; REPORT SUPPORTED OPERATION CODES.  False: *sense is set */
size_t vscsi_discovery_vpd_8f(VscsiCopyManager *cm, uint8_t *buf, size_t size);
bool vscsi_discovery_rsoc(VscsiCopyManager *cm, const uint8_t *cdb,
                          uint8_t **buf, size_t *len, VscsiSense *sense);
/* VSCSI_FEATURE_* of the LUN */
uint32_t vscsi_discovery_features(VscsiCopyManager *cm);
void vscsi_discovery_rod_types(const uint32_t **types, unsigned *n);

#endif /* VSCSI_COPY_MANAGER_H */
