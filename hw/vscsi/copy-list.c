/*
 * Copy list: the copy operations of one LUN for one I_T nexus, by list id
 *
 * States of a record (contract and picture in copy-list.h), and where it is
 * then linked:
 *
 *              by_serial  by_id (1)  running  ended  op
 *   RUNNING        x          x         x            x
 *   ORPHAN         x                    x            x
 *   ENDED          x          x                 x
 *
 *   (1) not if it has no list id; such a record is never ENDED
 *
 * Invariants, true whenever the lock is free:
 *  1. A record is in exactly the places of its state.
 *  2. At most max_running records are in running, max_ended in ended.
 *  3. The records in ended are in the order of their deadlines, since all are
 *     kept equally long; none is past its deadline.  now_ms goes back only
 *     with all deadlines.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/thread.h"
#include "qemu/lockable.h"
#include "hw/vscsi/copy-list.h"

#define CLOCK_SET_BACK_MS 10000

typedef struct Record {
    /* Set at creation, never changed */
    uint64_t serial;
    uint32_t list_id;
    uint8_t service_action;
    uint8_t transfer_units;
    VscsiCopyForm form;
    bool immed;
    uint64_t asked;
    bool anonymous;

    /* Under the list's lock */
    int64_t begun_ms;           /* goes back with the clock */
    VscsiCopyOp *op;            /* NULL if ENDED */
    bool stop;                  /* abort or reset */
    bool orphan;
    bool ended;
    uint16_t operation_counter;
    VscsiCopyResult result;     /* the counts only, until ENDED */
    uint8_t *token;             /* owned; what result.token points to */
    bool status_taken;          /* LID1: the status was retrieved */
    bool details_taken;         /* LID1: no failure details (any more) */
    int64_t deadline_ms;        /* if ENDED */
    GList link;                 /* in running or in ended */
} Record;

struct VscsiCopyList {
    VscsiCopyListConfig config; /* set at creation, never changed */

    QemuMutex lock;

    /* Under lock */
    int64_t now_ms;             /* latest time that any caller has seen */
    uint64_t last_serial;
    GHashTable *by_serial;      /* &Record.serial -> Record */
    GHashTable *by_id;          /* list id -> Record */
    GQueue running;             /* begun first, first; orphans too */
    GQueue ended;               /* ended first, first */
};

/* --------------------------------------------------------------- operations */

void vscsi_copy_op_init(VscsiCopyOp *op, void (*free)(VscsiCopyOp *op))
{
    op->refs = 1;
    op->free = free;
}

VscsiCopyOp *vscsi_copy_op_ref(VscsiCopyOp *op)
{
    g_atomic_int_inc(&op->refs);
    return op;
}

void vscsi_copy_op_unref(VscsiCopyOp *op)
{
    if (op && g_atomic_int_dec_and_test(&op->refs)) {
        op->free(op);
    }
}

/* --------------------------------------------------- records, with the lock */

static Record *record_by_id(VscsiCopyList *list, uint32_t list_id)
{
    return g_hash_table_lookup(list->by_id, GUINT_TO_POINTER(list_id));
}

/* @serial is one that begin gave and neither end nor drop took back */
static Record *record_running(VscsiCopyList *list, uint64_t serial)
{
    Record *record = g_hash_table_lookup(list->by_serial, &serial);

    assert(record && !record->ended);
    return record;
}

static void record_unlink_id(VscsiCopyList *list, Record *record)
{
    if (record_by_id(list, record->list_id) == record) {
        g_hash_table_remove(list->by_id, GUINT_TO_POINTER(record->list_id));
    }
}

/* Any state -> discarded.  Returns the op, whose reference is the caller's. */
static VscsiCopyOp *record_discard(VscsiCopyList *list, Record *record)
{
    VscsiCopyOp *op = record->op;

    assert(record->ended == !op);
    g_queue_unlink(record->ended ? &list->ended : &list->running,
                   &record->link);
    record_unlink_id(list, record);
    g_hash_table_remove(list->by_serial, &record->serial);
    g_free(record->token);
    g_free(record);
    return op;
}

static void discard_all_ended(VscsiCopyList *list)
{
    Record *record;

    while ((record = g_queue_peek_head(&list->ended))) {
        record_discard(list, record);
    }
}

/* The clock was set back by @ms: everything keeps its age and its rest */
static void list_set_back(VscsiCopyList *list, int64_t ms)
{
    GQueue *queues[] = { &list->running, &list->ended };

    list->now_ms -= ms;
    for (unsigned i = 0; i < ARRAY_SIZE(queues); i++) {
        for (GList *l = queues[i]->head; l; l = l->next) {
            Record *record = l->data;

            record->begun_ms -= ms;
            record->deadline_ms -= ms;
        }
    }
}

/*
 * Take the lock and discard what is past its time.  The clock is read without
 * the lock, so another thread may have been here with a later time.
 */
static void list_enter(VscsiCopyList *list)
{
    int64_t now_ms = list->config.clock_ms(list->config.opaque);
    Record *record;

    qemu_mutex_lock(&list->lock);
    if (list->now_ms - now_ms > CLOCK_SET_BACK_MS) {
        list_set_back(list, list->now_ms - now_ms);
    }
    list->now_ms = MAX(list->now_ms, now_ms);
    while ((record = g_queue_peek_head(&list->ended)) &&
           record->deadline_ms <= list->now_ms) {
        record_discard(list, record);
    }
}

static void list_leave(VscsiCopyList *list)
{
    qemu_mutex_unlock(&list->lock);
}

/* ------------------------------------------------------------- life of list */

VscsiCopyList *vscsi_copy_list_new(const VscsiCopyListConfig *config)
{
    VscsiCopyList *list = g_new0(VscsiCopyList, 1);

    assert(config->max_running && config->max_ended);
    assert(config->retention_ms > 0 && config->clock_ms);
    list->config = *config;
    qemu_mutex_init(&list->lock);
    list->now_ms = config->clock_ms(config->opaque);
    list->by_serial = g_hash_table_new(g_int64_hash, g_int64_equal);
    list->by_id = g_hash_table_new(NULL, NULL);
    g_queue_init(&list->running);
    g_queue_init(&list->ended);
    return list;
}

void vscsi_copy_list_free(VscsiCopyList *list)
{
    Record *record;

    if (!list) {
        return;
    }
    discard_all_ended(list);
    while ((record = g_queue_peek_head(&list->running))) {
        vscsi_copy_op_unref(record_discard(list, record));
    }
    assert(!g_hash_table_size(list->by_id));
    assert(!g_hash_table_size(list->by_serial));
    g_hash_table_unref(list->by_id);
    g_hash_table_unref(list->by_serial);
    qemu_mutex_destroy(&list->lock);
    g_free(list);
}

/* ------------------------------------------------------------ begin and end */

static Record *record_new(VscsiCopyList *list, const VscsiCopyParams *params)
{
    Record *record = g_new0(Record, 1);

    record->serial = ++list->last_serial;
    record->list_id = params->anonymous ? 0 : params->list_id;
    record->service_action = params->service_action;
    record->transfer_units = params->transfer_units;
    record->form = params->form;
    record->immed = params->immed;
    record->asked = params->asked;
    record->anonymous = params->anonymous;
    record->begun_ms = list->now_ms;
    record->op = vscsi_copy_op_ref(params->op);
    record->link.data = record;

    g_hash_table_insert(list->by_serial, &record->serial, record);
    if (!record->anonymous) {
        g_hash_table_insert(list->by_id, GUINT_TO_POINTER(record->list_id),
                            record);
    }
    g_queue_push_tail_link(&list->running, &record->link);
    return record;
}

VscsiCopyBegin vscsi_copy_list_begin(VscsiCopyList *list,
                                     const VscsiCopyParams *params,
                                     uint64_t *serial)
{
    VscsiCopyBegin result = VSCSI_COPY_BEGIN_OK;
    Record *old;

    assert(params->op);
    assert(params->anonymous || params->form == VSCSI_COPY_LID4 ||
           params->list_id <= 0xff);

    list_enter(list);
    old = params->anonymous ? NULL : record_by_id(list, params->list_id);
    if (old && !old->ended) {
        result = old->form == params->form ? VSCSI_COPY_BEGIN_DUPLICATE
                                           : VSCSI_COPY_BEGIN_OTHER_FORM;
    } else if (list->running.length >= list->config.max_running) {
        result = VSCSI_COPY_BEGIN_TOO_MANY;
    } else {
        if (old) {
            record_discard(list, old);
        }
        *serial = record_new(list, params)->serial;
    }
    list_leave(list);
    return result;
}

bool vscsi_copy_list_progress(VscsiCopyList *list, uint64_t serial,
                              uint64_t transfer_count, uint16_t segments)
{
    Record *record;
    bool go_on = false;

    list_enter(list);
    record = g_hash_table_lookup(list->by_serial, &serial);
    if (record && !record->ended) {
        record->operation_counter++;
        record->result.count = transfer_count;
        record->result.segments = segments;
        go_on = !record->stop;
    }
    list_leave(list);
    return go_on;
}

/* What the standard says of each end holds, whatever the operation says */
static void record_set_result(Record *record, const VscsiCopyResult *result)
{
    bool good = result->state == VSCSI_COPY_OK ||
                result->state == VSCSI_COPY_PARTIAL ||
                result->state == VSCSI_COPY_RESIDUAL;

    assert(good || result->state == VSCSI_COPY_ERROR ||
           result->state == VSCSI_COPY_TERMINATED);
    record->result = *result;
    if (result->state == VSCSI_COPY_TERMINATED) {
        record->result.completion_status = VSCSI_STATUS_TASK_ABORTED;
        record->result.has_sense = false;
    }
    record->token = good && result->token
                  ? g_memdup2(result->token, VSCSI_ROD_TOKEN_LEN) : NULL;
    record->result.token = record->token;
    record->details_taken = !record->result.has_sense;
}

bool vscsi_copy_list_end(VscsiCopyList *list, uint64_t serial,
                         const VscsiCopyResult *result)
{
    Record *record;
    VscsiCopyOp *op;
    bool kept;

    list_enter(list);
    record = record_running(list, serial);
    kept = !record->anonymous && !record->orphan;
    if (!kept) {
        op = record_discard(list, record);
    } else {
        op = g_steal_pointer(&record->op);
        record_set_result(record, result);
        record->ended = true;
        record->deadline_ms = list->now_ms + list->config.retention_ms;
        g_queue_unlink(&list->running, &record->link);
        g_queue_push_tail_link(&list->ended, &record->link);
        if (list->ended.length > list->config.max_ended) {
            record_discard(list, g_queue_peek_head(&list->ended));
        }
    }
    list_leave(list);
    vscsi_copy_op_unref(op);
    return kept;
}

void vscsi_copy_list_drop(VscsiCopyList *list, uint64_t serial)
{
    VscsiCopyOp *op;

    list_enter(list);
    op = record_discard(list, record_running(list, serial));
    list_leave(list);
    vscsi_copy_op_unref(op);
}

/* ------------------------------------------------------------------ answers */

static void record_copy(VscsiCopyList *list, const Record *record,
                        VscsiCopyRecord *out)
{
    memset(out, 0, sizeof(*out));
    out->serial = record->serial;
    out->list_id = record->list_id;
    out->form = record->form;
    out->immed = record->immed;
    out->asked = record->asked;
    out->anonymous = record->anonymous;
    out->abort_requested = record->stop;
    out->ended = record->ended;
    out->has_token = record->token;
    out->age_ms = list->now_ms - record->begun_ms;
    out->kept_ms_left = record->ended ? record->deadline_ms - list->now_ms
                                      : -1;
    out->status.response_sa = record->service_action;
    out->status.operation_counter = record->operation_counter;
    out->status.units = record->transfer_units;
    out->status.count = record->result.count;
    out->status.segments = record->result.segments;
    if (!record->ended) {
        out->status.state = record->immed ? VSCSI_COPY_BACKGROUND
                                          : VSCSI_COPY_FOREGROUND;
        out->status.delay_ms = VSCSI_DELAY_UNKNOWN;
        return;
    }
    out->status.state = record->result.state;
    out->status.delay_ms = VSCSI_DELAY_FINISHED;
    out->status.completion_status = record->result.completion_status;
    out->status.has_sense = record->result.has_sense;
    out->status.sense = record->result.sense;
    if (record->token) {
        memcpy(out->token, record->token, sizeof(out->token));
        out->status.token = out->token;
    }
}

bool vscsi_copy_list_query(VscsiCopyList *list, VscsiCopyQuery query,
                           uint32_t list_id, VscsiCopyRecord *record)
{
    Record *found;
    bool visible;

    list_enter(list);
    found = record_by_id(list, list_id);
    visible = found;
    if (found && query == VSCSI_COPY_QUERY_LID1_STATUS) {
        visible = found->form == VSCSI_COPY_LID1 && !found->status_taken;
    } else if (found && query == VSCSI_COPY_QUERY_LID1_FAILURE) {
        visible = found->form == VSCSI_COPY_LID1 && found->ended;
    }
    if (visible) {
        record_copy(list, found, record);
        if (query == VSCSI_COPY_QUERY_LID1_FAILURE && found->details_taken) {
            record->status.has_sense = false;
        }
    }
    list_leave(list);
    return visible;
}

void vscsi_copy_list_returned(VscsiCopyList *list, VscsiCopyQuery query,
                              const VscsiCopyRecord *record,
                              uint32_t alloc_len, uint32_t answer_len)
{
    bool in_full = !alloc_len || alloc_len >= answer_len;
    bool discard = false;
    Record *found;

    if (!record->ended) {
        return;
    }
    list_enter(list);
    found = g_hash_table_lookup(list->by_serial, &record->serial);
    if (found) {
        switch (query) {
        case VSCSI_COPY_QUERY_RRTI:
            discard = in_full;
            break;
        case VSCSI_COPY_QUERY_RCS4:
            break;
        case VSCSI_COPY_QUERY_LID1_STATUS:
            found->status_taken = true;
            discard = found->details_taken;
            break;
        case VSCSI_COPY_QUERY_LID1_FAILURE:
            found->details_taken |= in_full;
            discard = found->details_taken && found->status_taken;
            break;
        }
        if (discard) {
            record_discard(list, found);
        }
    }
    list_leave(list);
}

/* ---------------------------------------------------------- abort and reset */

VscsiCopyOp *vscsi_copy_list_abort(VscsiCopyList *list, uint32_t list_id)
{
    VscsiCopyOp *op = NULL;
    Record *record;

    list_enter(list);
    record = record_by_id(list, list_id);
    if (record && !record->ended) {
        record->stop = true;
        op = vscsi_copy_op_ref(record->op);
    }
    list_leave(list);
    return op;
}

VscsiCopyOp **vscsi_copy_list_reset(VscsiCopyList *list, unsigned *count)
{
    VscsiCopyOp **ops = NULL;

    *count = 0;
    list_enter(list);
    discard_all_ended(list);
    if (list->running.length) {
        ops = g_new(VscsiCopyOp *, list->running.length);
    }
    for (GList *l = list->running.head; l; l = l->next) {
        Record *record = l->data;

        record->stop = true;
        record->orphan = true;
        record_unlink_id(list, record);
        ops[(*count)++] = vscsi_copy_op_ref(record->op);
    }
    list_leave(list);
    return ops;
}

void vscsi_copy_list_nexus_loss(VscsiCopyList *list)
{
    list_enter(list);
    discard_all_ended(list);
    list_leave(list);
}

/* --------------------------------------------------------------------- time */

int64_t vscsi_copy_list_next_deadline(VscsiCopyList *list)
{
    int64_t deadline_ms = INT64_MAX;
    Record *record;

    list_enter(list);
    record = g_queue_peek_head(&list->ended);
    if (record) {
        deadline_ms = record->deadline_ms;
    }
    list_leave(list);
    return deadline_ms;
}

void vscsi_copy_list_expire(VscsiCopyList *list)
{
    list_enter(list);
    list_leave(list);
}

/* ------------------------------------------------------------------ monitor */

static int compare_serial(const void *a, const void *b)
{
    const VscsiCopyRecord *x = a;
    const VscsiCopyRecord *y = b;

    return (x->serial > y->serial) - (x->serial < y->serial);
}

static void snapshot_queue(VscsiCopyList *list, const GQueue *queue,
                           VscsiCopyRecord *records, unsigned *count)
{
    for (GList *l = queue->head; l; l = l->next) {
        Record *record = l->data;
        VscsiCopyRecord *out = &records[*count];

        if (!record->orphan) {
            record_copy(list, record, out);
            memset(out->token, 0, sizeof(out->token));
            out->status.token = NULL;
            (*count)++;
        }
    }
}

VscsiCopyRecord *vscsi_copy_list_snapshot(VscsiCopyList *list, unsigned *count)
{
    VscsiCopyRecord *records;

    *count = 0;
    list_enter(list);
    records = g_new(VscsiCopyRecord,
                    list->running.length + list->ended.length);
    snapshot_queue(list, &list->ended, records, count);
    snapshot_queue(list, &list->running, records, count);
    list_leave(list);
    if (!*count) {
        g_free(records);
        return NULL;
    }
    qsort(records, *count, sizeof(*records), compare_serial);
    return records;
}

unsigned vscsi_copy_list_running(VscsiCopyList *list)
{
    QEMU_LOCK_GUARD(&list->lock);
    return list->running.length;
}
