/*
 * Copy list: the copy operations of one LUN for one I_T nexus, by list id
 *
 * Third-party copy commands name an operation by a LIST IDENTIFIER that the
 * initiator chooses; other commands ask for its status, fetch its token or
 * abort it (spec section 4).  This module knows which operations run, keeps the
 * results of those that have ended, and knows when a result must be discarded.
 * It does no I/O and formats no answer.
 *
 * Life of a record:
 *
 *   begin --> RUNNING --- end -----------------------> ENDED --> discarded
 *                |                                      when collected (rules
 *                |                                      below), its id is used
 *                |                                      again, its time is up,
 *              drop: gone at once                       newer results need the
 *              reset: ORPHAN, no longer found           room, reset, or loss of
 *                by its id, gone at end                 the I_T nexus
 *
 * - 8-bit ids (LID1) and 32-bit ids (LID4) are one number space.
 * - Operations are also known by a serial, which begin gives and which is never
 *   used again; an operation that ends late can thus not touch another's
 *   record.
 * - ORPHANs count as concurrent until they end, so that a guest that resets in
 *   a loop cannot have more than max_running operations.
 *
 * Threads: every function may be called from any thread; one internal
 * QemuMutex, held for short times only.  Nothing is called back with it held.
 * No function needs a coroutine, none yields.
 *
 * Time: as in the token store, a result whose time is up is discarded before
 * any answer is given, and a clock that is set back takes deadlines along.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_VSCSI_COPY_LIST_H
#define HW_VSCSI_COPY_LIST_H

#include "hw/vscsi/wire.h"

typedef struct VscsiCopyList VscsiCopyList;

/*
 * The running operation of the owner of the list: to be put at the start of its
 * own struct.  Counted references, so that whoever aborts it can hold it while
 * it ends in another thread.
 */
typedef struct VscsiCopyOp VscsiCopyOp;
struct VscsiCopyOp {
    int refs;                           /* atomic */
    void (*free)(VscsiCopyOp *op);      /* at the last unref, in its thread */
};

/* One reference, the caller's */
void vscsi_copy_op_init(VscsiCopyOp *op, void (*free)(VscsiCopyOp *op));
VscsiCopyOp *vscsi_copy_op_ref(VscsiCopyOp *op);
void vscsi_copy_op_unref(VscsiCopyOp *op);      /* NULL is allowed */

typedef enum VscsiCopyForm {
    VSCSI_COPY_LID1,            /* EXTENDED COPY(LID1): ids 0 to FFh */
    VSCSI_COPY_LID4,            /* POPULATE TOKEN, WRITE USING TOKEN */
} VscsiCopyForm;

typedef struct VscsiCopyListConfig {
    unsigned max_running;       /* operations at a time; > 0 */
    unsigned max_ended;         /* results kept; > 0 */
    int64_t retention_ms;       /* how long a result is kept; > 0 */
    int64_t (*clock_ms)(void *opaque);  /* any thread, no lock held */
    void *opaque;
} VscsiCopyListConfig;

/* A new, empty list; @config is copied */
VscsiCopyList *vscsi_copy_list_new(const VscsiCopyListConfig *config);

/*
 * Frees the list.  No other thread may be in it.  Operations that still run
 * lose the list's reference and must not use the list any more.  NULL allowed.
 */
void vscsi_copy_list_free(VscsiCopyList *list);

/* ------------------------------------------------------------- operations */

typedef struct VscsiCopyParams {
    uint32_t list_id;
    uint8_t service_action;     /* 10h PT, 11h WUT, 00h XCOPY(LID1) */
    VscsiCopyForm form;
    bool immed;                 /* BACKGROUND while it runs, else FOREGROUND */
    /*
     * LIST ID USAGE 11b: the operation has no id; list_id is ignored, its
     * result is never kept.  (10b "may discard" is treated as 00b.)
     */
    bool anonymous;
    uint8_t transfer_units;     /* TRANSFER COUNT UNITS: F1h for PT and WUT */
    uint64_t asked;             /* units that the command names; 0: unknown */
    VscsiCopyOp *op;            /* the list takes a reference of its own */
} VscsiCopyParams;

typedef enum VscsiCopyBegin {
    VSCSI_COPY_BEGIN_OK,
    VSCSI_COPY_BEGIN_DUPLICATE,     /* the id is in progress: 00/16 */
    VSCSI_COPY_BEGIN_OTHER_FORM,    /* so by the other form: 26/00 */
    VSCSI_COPY_BEGIN_TOO_MANY,      /* max_running: the caller's choice */
} VscsiCopyBegin;

/*
 * vscsi_copy_list_begin: an operation starts
 *
 * On OK sets *@serial, which stands for the operation in the calls below, and
 * discards the kept result of the same id.  Otherwise nothing has changed.
 */
VscsiCopyBegin vscsi_copy_list_begin(VscsiCopyList *list,
                                     const VscsiCopyParams *params,
                                     uint64_t *serial);

/*
 * vscsi_copy_list_progress: one internal command of the operation completed
 *
 * Adds one to the OPERATION COUNTER (16 bit, wraps) and stores the totals so
 * far: contiguous good units from the start, and segments.  False if the
 * operation is asked to stop (abort or reset), or has ended: it may be another
 * thread than the operation's own that reports.
 */
bool vscsi_copy_list_progress(VscsiCopyList *list, uint64_t serial,
                              uint64_t transfer_count, uint16_t segments);

/* How an operation ended */
typedef struct VscsiCopyResult {
    VscsiCopyState state;       /* OK, ERROR, PARTIAL, RESIDUAL, TERMINATED */
    uint8_t completion_status;  /* VSCSI_STATUS_*; 40h if TERMINATED */
    bool has_sense;             /* false if TERMINATED */
    VscsiSense sense;
    uint64_t count;             /* TRANSFER COUNT */
    uint16_t segments;
    const uint8_t *token;       /* 512 bytes or NULL; copied */
} VscsiCopyResult;

/*
 * vscsi_copy_list_end: the operation is over, @serial is no longer valid
 *
 * Keeps the result and gives up the list's reference of the op.  False if
 * nobody can ask for the result (reset in the meantime, or no list id); the
 * caller may then want to end a token that was made.
 */
bool vscsi_copy_list_end(VscsiCopyList *list, uint64_t serial,
                         const VscsiCopyResult *result);

/*
 * The operation leaves no result (the command was rejected after begin);
 * @serial is no longer valid.  Gives up the list's reference of the op.
 */
void vscsi_copy_list_drop(VscsiCopyList *list, uint64_t serial);

/* ----------------------------------------------------------------- answers */

/* What is known of an operation */
typedef struct VscsiCopyRecord {
    uint64_t serial;
    uint32_t list_id;
    VscsiCopyForm form;
    bool immed;
    bool anonymous;
    bool abort_requested;
    bool ended;
    bool has_token;
    uint64_t asked;             /* as at begin */
    int64_t age_ms;             /* since begin */
    int64_t kept_ms_left;       /* until its time is up; -1 if not ended */
    /*
     * Ready for vscsi_rrti_encode() and vscsi_rcs4_encode().  While the
     * operation runs: FOREGROUND or BACKGROUND, the counts so far, neither
     * sense nor token.  delay_ms is VSCSI_DELAY_FINISHED or _UNKNOWN.
     * status.token points to the member below or is NULL: whoever copies the
     * record to another place must set it anew.
     */
    VscsiCopyStatus status;
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
} VscsiCopyRecord;

/* The commands that ask for a record, with the rules of what they discard */
typedef enum VscsiCopyQuery {
    /*
     * RECEIVE ROD TOKEN INFORMATION: a result that was returned in full, or an
     * ALLOCATION LENGTH of 0, discards the record.  A short one does not.
     */
    VSCSI_COPY_QUERY_RRTI,
    /* RECEIVE COPY STATUS(LID4): discards nothing */
    VSCSI_COPY_QUERY_RCS4,
    /*
     * RECEIVE COPY STATUS(LID1), operations of form LID1 only: the status can
     * be retrieved once.  The failure details of a failed copy stay.
     */
    VSCSI_COPY_QUERY_LID1_STATUS,
    /*
     * RECEIVE COPY FAILURE DETAILS(LID1), form LID1 and ENDED only: discards
     * the details like RRTI does its token.  The status stays.  A record
     * without details to return has status.has_sense false.
     */
    VSCSI_COPY_QUERY_LID1_FAILURE,
} VscsiCopyQuery;

/*
 * vscsi_copy_list_query: copy what @query may see of @list_id to *@record
 *
 * False if there is no such operation or no longer anything to return by this
 * query: answer 24/00.  Discards nothing: see the next function.
 */
bool vscsi_copy_list_query(VscsiCopyList *list, VscsiCopyQuery query,
                           uint32_t list_id, VscsiCopyRecord *record);

/*
 * vscsi_copy_list_returned: the answer to a query was transferred
 *
 * To be called with the @record of the query when the command has completed
 * without error; @answer_len is the length of the whole answer, of which the
 * first @alloc_len bytes were returned.  Discards what the rules of @query say.
 * No effect if the record was RUNNING at the query, or is gone since.
 */
void vscsi_copy_list_returned(VscsiCopyList *list, VscsiCopyQuery query,
                              const VscsiCopyRecord *record,
                              uint32_t alloc_len, uint32_t answer_len);

/* ------------------------------------------------------------------- abort */

/*
 * vscsi_copy_list_abort: COPY OPERATION ABORT of @list_id
 *
 * Marks the operation as asked to stop and returns a reference of its op for
 * the caller to stop it and wait for it; NULL if the id is not in progress:
 * answer 24/00.  The operation ends with vscsi_copy_list_end(), TERMINATED.
 */
VscsiCopyOp *vscsi_copy_list_abort(VscsiCopyList *list, uint32_t list_id);

/*
 * vscsi_copy_list_reset: LU reset, hard reset, power on
 *
 * Discards every record.  Running operations are asked to stop and become
 * orphans.  Returns a reference of the op of each (also of those that were
 * orphans before), *@count of them, NULL for none, oldest first; the caller
 * stops and unrefs them and frees the array with g_free().
 */
VscsiCopyOp **vscsi_copy_list_reset(VscsiCopyList *list, unsigned *count);

/* I_T nexus loss: kept results are discarded, operations go on */
void vscsi_copy_list_nexus_loss(VscsiCopyList *list);

/* -------------------------------------------------------------------- time */

/*
 * When vscsi_copy_list_expire() will next have something to do, in the time of
 * clock_ms(); INT64_MAX for never.  A list that nobody expires is still right
 * and bounded; expiring gives memory back early.
 */
int64_t vscsi_copy_list_next_deadline(VscsiCopyList *list);
void vscsi_copy_list_expire(VscsiCopyList *list);

/* ----------------------------------------------------------------- monitor */

/*
 * All records but orphans, oldest first, without their tokens: a token is a
 * secret.  has_token says whether there is one.  Sets *@count; NULL when that
 * is 0.  Free with g_free().
 */
VscsiCopyRecord *vscsi_copy_list_snapshot(VscsiCopyList *list,
                                          unsigned *count);

/* Operations that run now, orphans included */
unsigned vscsi_copy_list_running(VscsiCopyList *list);

#endif /* HW_VSCSI_COPY_LIST_H */
