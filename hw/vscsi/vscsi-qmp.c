/*
 * QMP query-vscsi: controllers, LUNs, tokens, operations, counters
 *
 * Everything is read in the main thread, where no LUN comes or goes.  The
 * answer is bounded: lists that guests can make grow are cut at max-entries,
 * and their true length is said beside them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-vscsi.h"
#include "hw/virtio/virtio.h"
#include "system/block-backend.h"
#include "copy-manager.h"
#include "ide-refusal.h"
#include "trace.h"
#include "vscsi-qmp.h"

#define DEFAULT_MAX_ENTRIES 64
#define MAX_MAX_ENTRIES     1024

/* ------------------------------------------------------------------ words */

QEMU_BUILD_BUG_ON((int)VSCSI_OFFLOAD_METHOD__MAX != OFFLOAD_METHOD__MAX);
QEMU_BUILD_BUG_ON((int)VSCSI_OFFLOAD_METHOD_ZERO != OFFLOAD_METHOD_ZERO);
QEMU_BUILD_BUG_ON((int)VSCSI_OFFLOAD_METHOD_COPY_RANGE !=
                  OFFLOAD_METHOD_COPY_RANGE);
QEMU_BUILD_BUG_ON((int)VSCSI_OFFLOAD_METHOD_BOUNCE != OFFLOAD_METHOD_BOUNCE);

VscsiFallbackReason vscsi_qapi_reason(OffloadReason reason)
{
    static const VscsiFallbackReason map[] = {
        [OFFLOAD_REASON_NOT_SUPPORTED] = VSCSI_FALLBACK_REASON_NOT_SUPPORTED,
        [OFFLOAD_REASON_CROSS_DEVICE] = VSCSI_FALLBACK_REASON_CROSS_DEVICE,
        [OFFLOAD_REASON_OVERLAP] = VSCSI_FALLBACK_REASON_OVERLAP,
        [OFFLOAD_REASON_ENCRYPTED] = VSCSI_FALLBACK_REASON_ENCRYPTED,
        [OFFLOAD_REASON_DISABLED] = VSCSI_FALLBACK_REASON_DISABLED,
        [OFFLOAD_REASON_FAILED] = VSCSI_FALLBACK_REASON_FAILED,
    };

    QEMU_BUILD_BUG_ON(ARRAY_SIZE(map) != OFFLOAD_REASON__MAX);
    assert(reason < OFFLOAD_REASON__MAX);
    return map[reason];
}

VscsiTokenEndCause vscsi_qapi_token_end_cause(VscsiTokenStatus cause)
{
    switch (cause) {
    case VSCSI_TOKEN_EXPIRED:
        return VSCSI_TOKEN_END_CAUSE_EXPIRED;
    case VSCSI_TOKEN_CANCELLED:
        return VSCSI_TOKEN_END_CAUSE_CANCELLED;
    case VSCSI_TOKEN_REVOKED:
        return VSCSI_TOKEN_END_CAUSE_REVOKED;
    case VSCSI_TOKEN_DELETED:
        return VSCSI_TOKEN_END_CAUSE_DELETED;
    default:
        return VSCSI_TOKEN_END_CAUSE_UNKNOWN;
    }
}

static VscsiRodType rod_type(uint32_t type)
{
    switch (type) {
    case VSCSI_ROD_PIT_DEFAULT:
        return VSCSI_ROD_TYPE_PIT_DEFAULT;
    case VSCSI_ROD_PIT_VULNERABLE:
        return VSCSI_ROD_TYPE_PIT_VULNERABLE;
    case VSCSI_ROD_PIT_PERSISTENT:
        return VSCSI_ROD_TYPE_PIT_PERSISTENT;
    default:
        return VSCSI_ROD_TYPE_OTHER;
    }
}

/* --------------------------------------------------------------- counters */

VscsiMethodCountList *vscsi_qapi_methods(const OffloadStats *stats)
{
    VscsiMethodCountList *list = NULL, **tail = &list;

    for (int i = 0; i < OFFLOAD_METHOD__MAX; i++) {
        VscsiMethodCount *count = g_new0(VscsiMethodCount, 1);

        count->method = i;
        count->bytes = stat64_get(&stats->bytes[i]);
        count->operations = stat64_get(&stats->operations[i]);
        QAPI_LIST_APPEND(tail, count);
    }
    return list;
}

VscsiFallbackCountList *vscsi_qapi_fallbacks(const OffloadStats *stats)
{
    VscsiFallbackCountList *list = NULL, **tail = &list;

    for (int i = 0; i < OFFLOAD_REASON__MAX; i++) {
        VscsiFallbackCount *count;

        if (!stat64_get(&stats->fallbacks[i])) {
            continue;
        }
        count = g_new0(VscsiFallbackCount, 1);
        count->reason = vscsi_qapi_reason(i);
        count->count = stat64_get(&stats->fallbacks[i]);
        count->bytes = stat64_get(&stats->fallback_bytes[i]);
        QAPI_LIST_APPEND(tail, count);
    }
    return list;
}

static VscsiRejectionCountList *lun_rejections(VscsiCopyManager *cm)
{
    VscsiRejectionCountList *list = NULL, **tail = &list;

    QEMU_LOCK_GUARD(&vscsi_copy_lock);
    for (unsigned i = 0; i < cm->nr_rejects; i++) {
        VscsiRejectionCount *count = g_new0(VscsiRejectionCount, 1);
        uint32_t code = cm->rejects[i].code;
        const char *name = code ? vscsi_sense_name(code) : "all others";

        count->key = code >> 16;
        count->asc = code >> 8;
        count->ascq = code;
        count->name = g_strdup(name ?: "without a name here");
        count->count = cm->rejects[i].count;
        QAPI_LIST_APPEND(tail, count);
    }
    return list;
}

static VscsiVmTokens *vm_tokens(void)
{
    VscsiVmTokens *tokens = g_new0(VscsiVmTokens, 1);
    VscsiTokenEndCountList **ended = &tokens->ended;
    VscsiTokenRefusalCountList **refused = &tokens->refused;
    VscsiTokenStats stats = {};

    if (vscsi_copy_tokens()) {
        vscsi_token_store_stats(vscsi_copy_tokens(), &stats);
    }
    tokens->live = stats.live;
    tokens->live_bytes = stats.live_bytes;
    tokens->remembered = stats.remembered;
    tokens->created = stats.created;
    tokens->uses = stats.uses;
    tokens->zero_uses = stats.zero;
    tokens->over_lun_limit = stats.refused_lun_limit;
    tokens->over_vm_limit = stats.refused_vm_limit;
    tokens->no_random = stats.refused_no_random;
    for (int i = VSCSI_TOKEN_EXPIRED; i < VSCSI_TOKEN_STATUS__MAX; i++) {
        if (stats.ended[i]) {
            VscsiTokenEndCount *count = g_new0(VscsiTokenEndCount, 1);

            count->cause = vscsi_qapi_token_end_cause(i);
            count->count = stats.ended[i];
            QAPI_LIST_APPEND(ended, count);
        }
    }
    QEMU_BUILD_BUG_ON(VSCSI_TOKEN_STATUS__MAX - VSCSI_TOKEN_BAD_LENGTH !=
                      (int)VSCSI_TOKEN_REFUSAL__MAX);
    for (int i = VSCSI_TOKEN_BAD_LENGTH; i < VSCSI_TOKEN_STATUS__MAX; i++) {
        if (stats.rejected[i]) {
            VscsiTokenRefusalCount *count = g_new0(VscsiTokenRefusalCount, 1);

            /* the same words in both modules, in the same order */
            count->refusal = i - VSCSI_TOKEN_BAD_LENGTH;
            assert(g_str_equal(VscsiTokenRefusal_str(count->refusal),
                               vscsi_token_status_str(i)));
            count->count = stats.rejected[i];
            QAPI_LIST_APPEND(refused, count);
        }
    }
    return tokens;
}

/* -------------------------------------------------------------------- LUN */

static VscsiLunLimits *lun_limits(VscsiCopyManager *cm)
{
    const VscsiCopyConf *conf = cm->conf;
    VscsiLunLimits *limits = g_new0(VscsiLunLimits, 1);

    limits->block_size = cm->dev->blocksize;
    limits->max_ranges = conf->max_ranges;
    limits->max_token_size = conf->max_token_size;
    limits->optimal_size = conf->optimal_size;
    limits->max_inactivity = conf->max_inactivity;
    limits->default_inactivity = conf->default_inactivity;
    limits->max_tokens = conf->max_tokens;
    limits->max_copies = conf->max_copies;
    limits->sync_time = conf->sync_time;
    limits->retention = conf->retention;
    return limits;
}

static VscsiLunTokenList *lun_tokens(VscsiCopyManager *cm, unsigned max,
                                     uint32_t *total)
{
    VscsiLunTokenList *list = NULL, **tail = &list;
    g_autofree VscsiTokenInfo *info =
        vscsi_token_store_list(vscsi_copy_tokens(), &cm->key, total);

    for (unsigned i = 0; i < MIN(*total, max); i++) {
        VscsiLunToken *token = g_new0(VscsiLunToken, 1);

        token->token = info[i].id;
        token->rod_type = rod_type(info[i].rod_type);
        token->bytes = info[i].bytes;
        token->age = MAX(info[i].age_ms, 0);
        token->inactivity_timeout = info[i].timeout_s;
        token->has_idle_left = info[i].idle_left_ms >= 0;
        token->idle_left = token->has_idle_left ? info[i].idle_left_ms : 0;
        token->users = info[i].uses;
        token->uses = info[i].total_uses;
        QAPI_LIST_APPEND(tail, token);
    }
    return list;
}

static VscsiServiceAction service_action(uint8_t sa)
{
    switch (sa) {
    case VSCSI_SA_POPULATE_TOKEN:
        return VSCSI_SERVICE_ACTION_POPULATE_TOKEN;
    case VSCSI_SA_WRITE_USING_TOKEN:
        return VSCSI_SERVICE_ACTION_WRITE_USING_TOKEN;
    default:
        return VSCSI_SERVICE_ACTION_EXTENDED_COPY;
    }
}

static VscsiOperationState operation_state(const VscsiCopyRecord *record)
{
    if (!record->ended) {
        return record->immed ? VSCSI_OPERATION_STATE_BACKGROUND :
                               VSCSI_OPERATION_STATE_FOREGROUND;
    }
    switch (record->status.state) {
    case VSCSI_COPY_OK:
        return VSCSI_OPERATION_STATE_OK;
    case VSCSI_COPY_PARTIAL:
    case VSCSI_COPY_RESIDUAL:
        return VSCSI_OPERATION_STATE_PARTIAL;
    case VSCSI_COPY_TERMINATED:
        return VSCSI_OPERATION_STATE_TERMINATED;
    default:
        return VSCSI_OPERATION_STATE_ERROR;
    }
}

static void lun_operations(VscsiCopyManager *cm, unsigned max,
                           VscsiLunCopy *copy)
{
    VscsiLunOperationList **tail = &copy->operations;
    g_autofree VscsiCopyRecord *records = NULL;
    unsigned n;

    vscsi_op_update_progress(cm);
    records = vscsi_copy_list_snapshot(cm->list, &n);
    copy->running = vscsi_copy_list_running(cm->list);
    for (unsigned i = 0; i < n; i++) {
        const VscsiCopyRecord *record = &records[i];
        VscsiLunOperation *op;

        copy->kept += record->ended;
        if (i >= max) {
            continue;
        }
        op = g_new0(VscsiLunOperation, 1);
        op->has_list_id = !record->anonymous;
        op->list_id = record->list_id;
        op->service_action = service_action(record->status.response_sa);
        op->state = operation_state(record);
        /* units: blocks, in all service actions */
        op->done = record->status.count * cm->dev->blocksize;
        op->has_asked = record->asked != 0;
        op->asked = record->asked * cm->dev->blocksize;
        op->age = MAX(record->age_ms, 0);
        op->has_kept_left = record->ended && record->kept_ms_left >= 0;
        op->kept_left = op->has_kept_left ? record->kept_ms_left : 0;
        QAPI_LIST_APPEND(tail, op);
    }
}

static VscsiLunCopy *lun_copy(VscsiCopyManager *cm, unsigned max)
{
    VscsiLunCopy *copy = g_new0(VscsiLunCopy, 1);

    copy->naa = g_strdup_printf("0x%016" PRIx64, cm->dev->wwn);
    copy->limits = lun_limits(cm);
    copy->tokens = lun_tokens(cm, max, &copy->live_tokens);
    lun_operations(cm, max, copy);
    copy->copied = vscsi_qapi_methods(&cm->stats);
    copy->fallbacks = vscsi_qapi_fallbacks(&cm->stats);
    copy->rejections = lun_rejections(cm);
    return copy;
}

/* NULL: the LUN serves third-party copy commands */
static char *lun_refusal(SCSIDevice *dev, VscsiHD *lun)
{
    if (!lun) {
        return g_strdup_printf("a %s has no copy manager, only a %s has",
                               object_get_typename(OBJECT(dev)), TYPE_VSCSI_HD);
    }
    if (!lun->cm) {
        return g_strdup("offload=off");
    }
    if (lun->cm->ide_device) {
        return g_strdup_printf("its image is also attached to the IDE device "
                               "'%s'", lun->cm->ide_device);
    }
    return NULL;
}

static VscsiLunStatus *lun_status(SCSIDevice *dev, unsigned max)
{
    VscsiLunStatus *status = g_new0(VscsiLunStatus, 1);
    VscsiHD *lun = (VscsiHD *)object_dynamic_cast(OBJECT(dev), TYPE_VSCSI_HD);
    BlockBackend *blk = dev->conf.blk;

    if (lun && lun->cm) {
        vscsi_ide_refresh(lun->cm);
        status->copy = lun_copy(lun->cm, max);
    }
    status->qom_path = object_get_canonical_path(OBJECT(dev));
    status->id = g_strdup(DEVICE(dev)->id);
    status->type = g_strdup(object_get_typename(OBJECT(dev)));
    status->target = dev->id;
    status->lun = dev->lun;
    if (blk && *blk_name(blk)) {
        status->drive = g_strdup(blk_name(blk));
    }
    if (blk && blk_bs(blk)) {
        status->node_name = g_strdup(bdrv_get_node_name(blk_bs(blk)));
    }
    status->refusal = lun_refusal(dev, lun);
    status->offload = !status->refusal;
    return status;
}

/* ------------------------------------------------------------- controllers */

/* What was met on a walk over all objects */
typedef struct Met {
    GPtrArray *hbas;            /* the devices that have the SCSI buses */
    GPtrArray *luns;            /* all SCSI devices */
} Met;

static DeviceState *hba_of(SCSIDevice *dev)
{
    return qdev_get_parent_bus(DEVICE(dev))->parent;
}

static int meet(Object *obj, void *opaque)
{
    Met *met = opaque;
    DeviceState *dev = (DeviceState *)object_dynamic_cast(obj, TYPE_DEVICE);

    if (!dev || !dev->realized) {
        return 0;
    }
    if (object_dynamic_cast(obj, TYPE_VSCSI_DEVICE)) {
        if (!g_ptr_array_find(met->hbas, dev, NULL)) {
            g_ptr_array_add(met->hbas, dev);
        }
    } else if (object_dynamic_cast(obj, TYPE_SCSI_DEVICE)) {
        DeviceState *hba = hba_of(SCSI_DEVICE(obj));

        g_ptr_array_add(met->luns, dev);
        if (object_dynamic_cast(obj, TYPE_VSCSI_HD) &&
            !g_ptr_array_find(met->hbas, hba, NULL)) {
            g_ptr_array_add(met->hbas, hba);
        }
    }
    return 0;
}

/* The device that an administrator knows: not the one on the virtio bus */
static DeviceState *hba_shown(DeviceState *hba)
{
    if (object_dynamic_cast(OBJECT(hba), TYPE_VIRTIO_DEVICE)) {
        return qdev_get_parent_bus(hba)->parent;
    }
    return hba;
}

static gint compare_hbas(gconstpointer a, gconstpointer b)
{
    DeviceState *x = hba_shown(*(DeviceState *const *)a);
    DeviceState *y = hba_shown(*(DeviceState *const *)b);
    g_autofree char *path_x = object_get_canonical_path(OBJECT(x));
    g_autofree char *path_y = object_get_canonical_path(OBJECT(y));

    return strcmp(path_x, path_y);
}

static gint compare_luns(gconstpointer a, gconstpointer b)
{
    SCSIDevice *x = SCSI_DEVICE(*(DeviceState *const *)a);
    SCSIDevice *y = SCSI_DEVICE(*(DeviceState *const *)b);

    return x->id != y->id ? (x->id < y->id ? -1 : 1) :
           x->lun != y->lun ? (x->lun < y->lun ? -1 : 1) : 0;
}

static VscsiControllerStatus *hba_status(DeviceState *hba, GPtrArray *luns,
                                         unsigned max)
{
    VscsiControllerStatus *status = g_new0(VscsiControllerStatus, 1);
    VscsiLunStatusList **tail = &status->luns;
    DeviceState *shown = hba_shown(hba);

    status->qom_path = object_get_canonical_path(OBJECT(shown));
    status->id = g_strdup(shown->id);
    status->type = g_strdup(object_get_typename(OBJECT(shown)));
    for (guint i = 0; i < luns->len; i++) {
        SCSIDevice *dev = SCSI_DEVICE(g_ptr_array_index(luns, i));

        if (hba_of(dev) == hba) {
            QAPI_LIST_APPEND(tail, lun_status(dev, max));
        }
    }
    return status;
}

VscsiStatus *qmp_query_vscsi(bool has_max_entries, uint16_t max_entries,
                             Error **errp)
{
    unsigned max = has_max_entries ? max_entries : DEFAULT_MAX_ENTRIES;
    g_autoptr(GPtrArray) hbas = g_ptr_array_new();
    g_autoptr(GPtrArray) luns = g_ptr_array_new();
    Met met = { .hbas = hbas, .luns = luns };
    VscsiControllerStatusList **tail;
    VscsiStatus *status;

    if (max > MAX_MAX_ENTRIES) {
        error_setg(errp, "max-entries=%u must be at most %u", max,
                   MAX_MAX_ENTRIES);
        return NULL;
    }
    object_child_foreach_recursive(object_get_root(), meet, &met);
    g_ptr_array_sort(hbas, compare_hbas);
    g_ptr_array_sort(luns, compare_luns);

    status = g_new0(VscsiStatus, 1);
    tail = &status->controllers;
    for (guint i = 0; i < hbas->len; i++) {
        QAPI_LIST_APPEND(tail, hba_status(g_ptr_array_index(hbas, i), luns,
                                          max));
    }
    status->tokens = vm_tokens();
    status->host_copies = vscsi_host_copies();
    trace_vscsi_query(hbas->len, luns->len, max);
    return status;
}
