/*
 * HMP "info vscsi" and "offload_copy"
 *
 * Tables of what query-vscsi says; a column is as wide as what stands in it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-vscsi.h"
#include "qobject/qdict.h"
#include "qemu/cutils.h"
#include "qemu/module.h"
#include "monitor/hmp.h"
#include "monitor/monitor.h"

/* ----------------------------------------------------------------- tables */

#define TABLE_COLUMNS_MAX 12

/* Rows of cells; the first row is the head.  Right-aligned where head says > */
typedef struct Table {
    unsigned columns;
    GPtrArray *cells;           /* strings, row by row */
} Table;

/* @head: names of the columns, separated by blanks */
static Table table_new(const char *head)
{
    g_auto(GStrv) names = g_strsplit(head, " ", TABLE_COLUMNS_MAX);
    Table t = { .cells = g_ptr_array_new_with_free_func(g_free) };

    for (; names[t.columns]; t.columns++) {
        g_ptr_array_add(t.cells, g_strdup(names[t.columns]));
    }
    return t;
}

/* The next cell; takes over @text, NULL is shown as "-" */
static void table_add(Table *t, char *text)
{
    g_ptr_array_add(t->cells, text ?: g_strdup("-"));
}

static void table_str(Table *t, const char *text)
{
    table_add(t, g_strdup(text));
}

static void table_number(Table *t, uint64_t n)
{
    table_add(t, g_strdup_printf("%" PRIu64, n));
}

static void table_size(Table *t, uint64_t bytes)
{
    table_add(t, size_to_str(bytes));
}

static void table_ms(Table *t, uint64_t ms)
{
    table_add(t, g_strdup_printf("%" PRIu64 ".%" PRIu64 " s", ms / 1000,
                                 ms % 1000 / 100));
}

/* A title and the table, unless it has no rows; frees it */
static void table_print(Table *t, Monitor *mon, const char *title)
{
    guint width[TABLE_COLUMNS_MAX] = {};
    guint n = t->cells->len;

    for (guint i = 0; i < n; i++) {
        const char *text = g_ptr_array_index(t->cells, i);

        /* the mark of a right-aligned column is not shown */
        width[i % t->columns] = MAX(width[i % t->columns],
                                    strlen(text) - (*text == '>'));
    }
    if (n > t->columns) {
        monitor_printf(mon, "%s:\n", title);
    }
    for (guint i = 0; i < n && n > t->columns; i++) {
        guint column = i % t->columns;
        const char *head = g_ptr_array_index(t->cells, column);
        const char *text = g_ptr_array_index(t->cells, i);
        bool last = column == t->columns - 1;
        int w = width[column];

        text += *text == '>';
        monitor_printf(mon, "  %*s%s", *head == '>' ? w : last ? 0 : -w, text,
                       last ? "\n" : "");
    }
    g_ptr_array_unref(t->cells);
}

/* --------------------------------------------------------- what is printed */

/* How a LUN is called in the tables */
static const char *lun_name(const VscsiLunStatus *lun)
{
    return lun->id ?: lun->qom_path;
}

static void print_luns(Monitor *mon, const VscsiControllerStatus *c)
{
    Table t = table_new("LUN ID TYPE NODE >TOKENS >COPIES OFFLOAD");
    g_autofree char *title = g_strdup_printf("%s %s, target:lun", c->type,
                                             c->id ?: c->qom_path);

    for (VscsiLunStatusList *l = c->luns; l; l = l->next) {
        VscsiLunStatus *lun = l->value;

        table_add(&t, g_strdup_printf("%u:%u", lun->target, lun->lun));
        table_str(&t, lun->id);
        table_str(&t, lun->type);
        table_str(&t, lun->node_name);
        if (lun->copy) {
            table_number(&t, lun->copy->live_tokens);
            table_number(&t, lun->copy->running);
        } else {
            table_str(&t, NULL);
            table_str(&t, NULL);
        }
        if (lun->offload) {
            table_str(&t, "on");
        } else {
            table_add(&t, g_strdup_printf("no: %s", lun->refusal));
        }
    }
    if (!c->luns) {
        monitor_printf(mon, "%s:\n  no LUNs\n", title);
    }
    table_print(&t, mon, title);
}

static void add_methods(Table *t, const char *name, VscsiMethodCountList *list)
{
    for (; list; list = list->next) {
        VscsiMethodCount *count = list->value;

        if (!count->operations) {
            continue;
        }
        table_str(t, name);
        table_str(t, VscsiOffloadMethod_str(count->method));
        table_size(t, count->bytes);
        table_number(t, count->operations);
    }
}

static void add_fallbacks(Table *t, const char *name,
                          VscsiFallbackCountList *list)
{
    for (; list; list = list->next) {
        VscsiFallbackCount *count = list->value;

        table_str(t, name);
        table_str(t, VscsiFallbackReason_str(count->reason));
        table_number(t, count->count);
        table_size(t, count->bytes);
    }
}

static void add_tokens(Table *t, const VscsiLunStatus *lun)
{
    for (VscsiLunTokenList *l = lun->copy->tokens; l; l = l->next) {
        VscsiLunToken *token = l->value;

        table_str(t, lun_name(lun));
        table_add(t, g_strdup_printf("%016" PRIx64, token->token));
        table_str(t, VscsiRodType_str(token->rod_type));
        table_size(t, token->bytes);
        table_ms(t, token->age);
        if (token->has_idle_left) {
            table_ms(t, token->idle_left);
        } else {
            table_str(t, "in use");
        }
        table_number(t, token->uses);
    }
}

static void add_operations(Table *t, const VscsiLunStatus *lun)
{
    for (VscsiLunOperationList *l = lun->copy->operations; l; l = l->next) {
        VscsiLunOperation *op = l->value;

        table_str(t, lun_name(lun));
        table_add(t, op->has_list_id ?
                  g_strdup_printf("%" PRIx32, op->list_id) : NULL);
        table_str(t, VscsiServiceAction_str(op->service_action));
        table_str(t, VscsiOperationState_str(op->state));
        table_size(t, op->done);
        table_add(t, op->has_asked ? size_to_str(op->asked) : NULL);
        table_ms(t, op->age);
    }
}

static void add_rejections(Table *t, const VscsiLunStatus *lun)
{
    for (VscsiRejectionCountList *l = lun->copy->rejections; l; l = l->next) {
        VscsiRejectionCount *count = l->value;

        table_str(t, lun_name(lun));
        table_add(t, g_strdup_printf("%x/%02x/%02x", count->key, count->asc,
                                     count->ascq));
        table_number(t, count->count);
        table_str(t, count->name);
    }
}

static void print_host_copies(Monitor *mon, VscsiHostCopyStatusList *list,
                              Table *methods, Table *fallbacks)
{
    Table t = table_new("JOB SOURCE TARGET >DONE >ASKED STATE");

    for (; list; list = list->next) {
        VscsiHostCopyStatus *copy = list->value;

        add_methods(methods, copy->job_id, copy->copied);
        add_fallbacks(fallbacks, copy->job_id, copy->fallbacks);
        table_str(&t, copy->job_id);
        table_str(&t, copy->source);
        table_str(&t, copy->target);
        table_size(&t, copy->done);
        table_size(&t, copy->bytes);
        table_add(&t, g_strdup_printf("%s%s%s",
                                      VscsiHostCopyState_str(copy->state),
                                      copy->error ? ": " : "",
                                      copy->error ?: ""));
    }
    table_print(&t, mon, "host-side copies");
}

static void print_vm_tokens(Monitor *mon, const VscsiVmTokens *tokens)
{
    g_autofree char *bytes = size_to_str(tokens->live_bytes);

    monitor_printf(mon, "tokens of the VM: %u live (%s), %" PRIu64 " created, "
                   "%" PRIu64 " uses, %" PRIu64 " zero uses",
                   tokens->live, bytes, tokens->created, tokens->uses,
                   tokens->zero_uses);
    for (VscsiTokenEndCountList *l = tokens->ended; l; l = l->next) {
        monitor_printf(mon, ", %" PRIu64 " %s", l->value->count,
                       VscsiTokenEndCause_str(l->value->cause));
    }
    monitor_printf(mon, "\n");
}

static void print_status(Monitor *mon, const VscsiStatus *status)
{
    Table tokens = table_new("LUN TOKEN TYPE >SIZE >AGE >EXPIRES >USES");
    Table operations = table_new("LUN >LIST COMMAND STATE >DONE >ASKED >AGE");
    Table methods = table_new("TO METHOD >BYTES >REQUESTS");
    Table fallbacks = table_new("TO REASON >PIECES >BYTES");
    Table rejections = table_new("LUN SENSE >COUNT MEANING");

    if (!status->controllers) {
        monitor_printf(mon, "no vscsi controllers\n");
    }
    for (VscsiControllerStatusList *c = status->controllers; c; c = c->next) {
        print_luns(mon, c->value);
        for (VscsiLunStatusList *l = c->value->luns; l; l = l->next) {
            VscsiLunStatus *lun = l->value;

            if (lun->copy) {
                add_tokens(&tokens, lun);
                add_operations(&operations, lun);
                add_methods(&methods, lun_name(lun), lun->copy->copied);
                add_fallbacks(&fallbacks, lun_name(lun), lun->copy->fallbacks);
                add_rejections(&rejections, lun);
            }
        }
    }
    print_host_copies(mon, status->host_copies, &methods, &fallbacks);
    table_print(&tokens, mon, "live tokens");
    table_print(&operations, mon, "copy operations");
    table_print(&methods, mon, "copied");
    table_print(&fallbacks, mon, "not offloaded");
    table_print(&rejections, mon, "rejected commands");
    print_vm_tokens(mon, status->tokens);
}

/* --------------------------------------------------------------- commands */

static void hmp_info_vscsi(Monitor *mon, const QDict *qdict)
{
    Error *err = NULL;
    VscsiStatus *status = qmp_query_vscsi(false, 0, &err);

    if (status) {
        print_status(mon, status);
    }
    qapi_free_VscsiStatus(status);
    hmp_handle_error(mon, err);
}

/* A number that is not negative; false: *err is set */
static bool get_offset(const QDict *qdict, const char *name, bool *has,
                       uint64_t *value, Error **errp)
{
    int64_t n = qdict_get_try_int(qdict, name, 0);

    *has = qdict_haskey(qdict, name);
    *value = n;
    if (n < 0) {
        error_setg(errp, "%s=%" PRId64 " must not be negative", name, n);
        return false;
    }
    return true;
}

static void hmp_offload_copy(Monitor *mon, const QDict *qdict)
{
    bool has_source_offset, has_target_offset, has_bytes;
    uint64_t source_offset, target_offset, bytes;
    Error *err = NULL;

    if (get_offset(qdict, "source-offset", &has_source_offset, &source_offset,
                   &err) &&
        get_offset(qdict, "target-offset", &has_target_offset, &target_offset,
                   &err) &&
        get_offset(qdict, "bytes", &has_bytes, &bytes, &err)) {
        qmp_blockdev_offload_copy(qdict_get_str(qdict, "job-id"),
                                  qdict_get_str(qdict, "source"),
                                  qdict_get_str(qdict, "target"),
                                  has_source_offset, source_offset,
                                  has_target_offset, target_offset,
                                  has_bytes, bytes, &err);
    }
    hmp_handle_error(mon, err);
}

static void vscsi_hmp_register(void)
{
    monitor_register_hmp("vscsi", true, hmp_info_vscsi);
    monitor_register_hmp("offload_copy", false, hmp_offload_copy);
}

type_init(vscsi_hmp_register)
