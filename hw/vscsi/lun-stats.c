/*
 * Read-only QOM properties of a LUN: the figures of its copy manager
 *
 * For tools that read one figure often (qom-get); query-vscsi has all of them.
 * With offload=off, and before the device is realized, the figures are 0.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "copy-manager.h"
#include "vscsi-qmp.h"

static void get_live_tokens(Object *obj, Visitor *v, const char *name,
                            void *opaque, Error **errp)
{
    VscsiCopyManager *cm = VSCSI_HD(obj)->cm;
    uint64_t value = 0;

    if (cm) {
        g_autofree VscsiTokenInfo *info = NULL;
        unsigned n;

        info = vscsi_token_store_list(vscsi_copy_tokens(), &cm->key, &n);
        value = n;
    }
    visit_type_uint64(v, name, &value, errp);
}

static void get_bytes(Object *obj, Visitor *v, const char *name, void *opaque,
                      Error **errp)
{
    VscsiCopyManager *cm = VSCSI_HD(obj)->cm;
    OffloadMethod method = GPOINTER_TO_INT(opaque);
    uint64_t value = cm ? stat64_get(&cm->stats.bytes[method]) : 0;

    visit_type_uint64(v, name, &value, errp);
}

static void get_fallbacks(Object *obj, Visitor *v, const char *name,
                          void *opaque, Error **errp)
{
    VscsiCopyManager *cm = VSCSI_HD(obj)->cm;
    uint64_t value = 0;

    for (int i = 0; cm && i < OFFLOAD_REASON__MAX; i++) {
        value += stat64_get(&cm->stats.fallbacks[i]);
    }
    visit_type_uint64(v, name, &value, errp);
}

static char *get_naa(Object *obj, Error **errp)
{
    VscsiHD *lun = VSCSI_HD(obj);

    return g_strdup_printf("0x%016" PRIx64, lun->cm ? lun->qdev.wwn : 0);
}

void vscsi_lun_class_add_stats(ObjectClass *klass)
{
    object_class_property_add(klass, "live-tokens", "uint64", get_live_tokens,
                              NULL, NULL, NULL);
    object_class_property_set_description(klass, "live-tokens",
        "Read-only: number of live ROD tokens that this LUN created");
    object_class_property_add_str(klass, "offload-naa", get_naa, NULL);
    object_class_property_set_description(klass, "offload-naa",
        "Read-only: NAA designator, by which tokens and EXTENDED COPY name "
        "this LUN");
    for (int i = 0; i < OFFLOAD_METHOD__MAX; i++) {
        const char *method = offload_method_str(i);
        g_autofree char *name = g_strdup_printf("stats-bytes-%s", method);
        g_autofree char *text =
            g_strdup_printf("Read-only: bytes copied to this LUN by method %s",
                            method);

        object_class_property_add(klass, name, "uint64", get_bytes, NULL, NULL,
                                  GINT_TO_POINTER(i));
        object_class_property_set_description(klass, name, text);
    }
    object_class_property_add(klass, "stats-fallbacks", "uint64",
                              get_fallbacks, NULL, NULL, NULL);
    object_class_property_set_description(klass, "stats-fallbacks",
        "Read-only: pieces copied to this LUN that could not be offloaded");
}
