/*
 * IDE refuses: finds out which images are attached to the IDE emulation
 *
 * Rules and their reasons: ide-refusal.h.
 *
 * IDE devices cannot be plugged into a running VM, so whether there are any is
 * known once the machine is complete.  Without one, nothing here costs more
 * than a load.  With one, what it has in it can change (ide-cd), as can every
 * graph of nodes: so each operation looks anew before it copies.  The device of
 * a BlockBackend may be asked for in the main thread alone, and so the look is
 * taken there.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qemu/main-loop.h"
#include "block/block_int.h"
#include "hw/ide/ide-dev.h"
#include "hw/scsi/scsi.h"
#include "scsi/constants.h"
#include "system/block-backend.h"
#include "system/system.h"
#include "copy-manager.h"
#include "ide-refusal.h"
#include "trace.h"

/* Atomic: true until it is known that the VM has none */
static bool vm_has_ide = true;
static bool machine_done;
/* Atomic: a look at every LUN is scheduled */
static bool refresh_scheduled;

/* An image: its nodes, and the names of the files at the bottom */
typedef struct IdeImage {
    GPtrArray *nodes;
    GHashTable *seen;           /* the same nodes */
    GHashTable *files;
} IdeImage;

/* The name by which two nodes are the same file; NULL: @bs is none */
static char *GRAPH_RDLOCK ide_file_name(BlockDriverState *bs)
{
    const char *driver = bs->drv ? bs->drv->format_name : "";
    const char *name;

    if (!QLIST_EMPTY(&bs->children) || g_str_has_prefix(driver, "null-")) {
        return NULL;
    }
    bdrv_refresh_filename(bs);
    name = bs->exact_filename;
    if (!*name) {
        return NULL;
    }
    if (g_str_equal(driver, "file") || g_str_has_prefix(driver, "host_")) {
        strstart(name, "file:", &name);
        strstart(name, "host_device:", &name);
        return g_canonicalize_filename(name, NULL);
    }
    return g_strdup_printf("%s:%s", driver, name);
}

static void GRAPH_RDLOCK ide_image_add(IdeImage *image, BlockDriverState *bs)
{
    char *name;

    if (!g_hash_table_add(image->seen, bs)) {
        return;
    }
    g_ptr_array_add(image->nodes, bs);
    name = ide_file_name(bs);
    if (name) {
        g_hash_table_add(image->files, name);
    }
}

/* @bs, which may be NULL, and all nodes below it */
static void GRAPH_RDLOCK ide_image_init(IdeImage *image, BlockDriverState *bs)
{
    image->nodes = g_ptr_array_new();
    image->seen = g_hash_table_new(NULL, NULL);
    image->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (bs) {
        ide_image_add(image, bs);
    }
    /* grows while it is walked */
    for (guint i = 0; i < image->nodes->len; i++) {
        BdrvChild *child;

        bs = g_ptr_array_index(image->nodes, i);
        QLIST_FOREACH(child, &bs->children, next) {
            ide_image_add(image, child->bs);
        }
    }
}

static void ide_image_free(IdeImage *image)
{
    g_ptr_array_unref(image->nodes);
    g_hash_table_unref(image->seen);
    g_hash_table_unref(image->files);
}

/* Does any node of @image stand below @bs too, by itself or as a file? */
static bool GRAPH_RDLOCK ide_shares(const IdeImage *image, BlockDriverState *bs)
{
    IdeImage other;
    GHashTableIter iter;
    gpointer key;
    bool shared = false;

    ide_image_init(&other, bs);
    for (guint i = 0; i < other.nodes->len && !shared; i++) {
        shared = g_hash_table_contains(image->seen,
                                       g_ptr_array_index(other.nodes, i));
    }
    g_hash_table_iter_init(&iter, other.files);
    while (!shared && g_hash_table_iter_next(&iter, &key, NULL)) {
        shared = g_hash_table_contains(image->files, key);
    }
    ide_image_free(&other);
    return shared;
}

static DeviceState *ide_of(BlockBackend *blk)
{
    DeviceState *dev = blk_get_attached_dev(blk);

    return dev && object_dynamic_cast(OBJECT(dev), TYPE_IDE_DEVICE) ?
           dev : NULL;
}

char *GRAPH_RDLOCK vscsi_ide_device(BlockDriverState *bs)
{
    BlockBackend *blk = NULL;
    DeviceState *found = NULL;
    IdeImage image;

    GLOBAL_STATE_CODE();
    ide_image_init(&image, bs);
    while (!found && (blk = blk_all_next(blk))) {
        DeviceState *dev = ide_of(blk);

        if (dev && blk_bs(blk) && ide_shares(&image, blk_bs(blk))) {
            found = dev;
        }
    }
    ide_image_free(&image);
    if (!found) {
        return NULL;
    }
    return found->id ? g_strdup(found->id) :
           object_get_canonical_path(OBJECT(found));
}

/* ------------------------------------------------------------------- LUNs */

bool vscsi_ide_refused(VscsiCopyManager *cm)
{
    return qatomic_read(&cm->ide_refused);
}

/* Returns whether the verdict has changed */
static bool ide_look(VscsiCopyManager *cm)
{
    char *device;
    bool changed;

    GRAPH_RDLOCK_GUARD_MAINLOOP();
    device = vscsi_ide_device(blk_bs(cm->blk));
    changed = !device != !cm->ide_device;
    g_free(cm->ide_device);
    cm->ide_device = device;
    qatomic_set(&cm->ide_refused, device != NULL);
    if (changed) {
        trace_vscsi_ide_verdict(cm->key, device ?: "none");
    }
    return changed;
}

static void ide_cancel_tokens(VscsiCopyManager *cm)
{
    if (cm->ide_device) {
        vscsi_token_store_end_lun(vscsi_copy_tokens(), cm->key,
                                  VSCSI_TOKEN_CANCELLED);
    }
}

void vscsi_ide_refresh(VscsiCopyManager *cm)
{
    static const SCSISense inquiry_data_changed = {
        .key = UNIT_ATTENTION, .asc = 0x3f, .ascq = 0x03,
    };

    GLOBAL_STATE_CODE();
    if (ide_look(cm)) {
        ide_cancel_tokens(cm);
        scsi_device_report_change(cm->dev, inquiry_data_changed);
    }
}

static void ide_refresh_all(void *opaque)
{
    VscsiCopyManager *cm;

    qatomic_set(&refresh_scheduled, false);
    /* who schedules from now on wants a look later than this one */
    smp_mb();
    /* the list changes in this thread alone */
    QTAILQ_FOREACH(cm, &vscsi_copy_managers, next) {
        vscsi_ide_refresh(cm);
    }
}

void vscsi_ide_refresh_later(void)
{
    if (!qatomic_xchg(&refresh_scheduled, true)) {
        aio_bh_schedule_oneshot(qemu_get_aio_context(), ide_refresh_all, NULL);
    }
}

typedef struct IdeCheck {
    VscsiCopyManager *cm;
    Coroutine *co;
} IdeCheck;

static void ide_check_bh(void *opaque)
{
    IdeCheck *check = opaque;

    vscsi_ide_refresh(check->cm);
    aio_co_wake(check->co);
}

bool coroutine_fn vscsi_ide_co_refused(VscsiCopyManager *cm)
{
    IdeCheck check = { .cm = cm, .co = qemu_coroutine_self() };

    if (!qatomic_read(&vm_has_ide)) {
        return false;
    }
    aio_bh_schedule_oneshot(qemu_get_aio_context(), ide_check_bh, &check);
    qemu_coroutine_yield();
    return vscsi_ide_refused(cm);
}

/* All devices of the command line are there; before the guest runs */
static void ide_machine_done(Notifier *notifier, void *data)
{
    VscsiCopyManager *cm;
    BlockBackend *blk = NULL;
    bool has_ide = false;

    machine_done = true;
    while ((blk = blk_all_next(blk)) && !has_ide) {
        has_ide = ide_of(blk);
    }
    qatomic_set(&vm_has_ide, has_ide);
    QTAILQ_FOREACH(cm, &vscsi_copy_managers, next) {
        ide_look(cm);
    }
}

void vscsi_ide_lun_added(VscsiCopyManager *cm)
{
    static Notifier notifier = { .notify = ide_machine_done };
    static bool registered;

    if (!registered) {
        registered = true;
        /* called at once if that is over */
        qemu_add_machine_init_done_notifier(&notifier);
    }
    if (machine_done) {
        ide_look(cm);
    }
}
