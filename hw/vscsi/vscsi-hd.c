/*
 * vscsi-hd: a virtual disk that serves third-party copy commands
 *
 * A subclass of scsi-hd: what scsi-hd does, it does.  Added to it are the
 * commands 83h and 84h (copy-cmd.c), what announces them (discovery.c: 3PC,
 * VPD page 8Fh, REPORT SUPPORTED OPERATION CODES), and an NAA designator for
 * every LUN, by which other LUNs and tokens name it.  With offload=off it is
 * scsi-hd and nothing more.
 *
 * The instance struct of scsi-hd is private to its file; see lun-layout.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/module.h"
#include "qemu/units.h"
#include "qemu/uuid.h"
#include "hw/qdev-properties.h"
#include "hw/vscsi/vscsi.h"
#include "migration/qemu-file-types.h"
#include "migration/vmstate.h"
#include "scsi/constants.h"
#include "system/system.h"
#include "copy-manager.h"
#include "ide-refusal.h"
#include "trace.h"
#include "vscsi-qmp.h"

/* Of the parent class, which keeps its own struct private */
static SCSIDeviceClass *parent_sc;
static DeviceReset parent_reset;
/* The parent's request functions for INQUIRY, and ours on top of them */
static const SCSIReqOps *parent_inquiry_ops;
static SCSIReqOps inquiry_ops;

/*
 * A locally assigned NAA designator (NAA 3h), the same whenever the same
 * machine is started again: made of the VM's UUID, the place of the LUN and its
 * serial number.
 */
static uint64_t vscsi_hd_make_naa(VscsiHD *s)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *path = qdev_get_dev_path(DEVICE(s));
    g_autofree char *serial = object_property_get_str(OBJECT(s), "serial",
                                                      NULL);
    uint8_t digest[32];
    gsize len = sizeof(digest);

    g_checksum_update(sum, (const guchar *)"vscsi-hd NAA", -1);
    g_checksum_update(sum, qemu_uuid.data, sizeof(qemu_uuid.data));
    g_checksum_update(sum, (const guchar *)(path ?: ""), -1);
    g_checksum_update(sum, (const guchar *)"|", 1);
    g_checksum_update(sum, (const guchar *)(serial ?: ""), -1);
    g_checksum_get_digest(sum, digest, &len);
    return (ldq_be_p(digest) & MAKE_64BIT_MASK(0, 60)) | 3ULL << 60;
}

static bool vscsi_hd_check_conf(VscsiHD *s, Error **errp)
{
    const VscsiCopyConf *c = &s->conf;
    uint32_t block = s->qdev.blocksize;

    if (c->max_ranges < 1 || c->max_ranges > VSCSI_RANGES_MAX) {
        error_setg(errp, "max-ranges=%u must be from 1 to %d", c->max_ranges,
                   VSCSI_RANGES_MAX);
        return false;
    }
    /* INFORMATION and NUMBER OF LOGICAL BLOCKS have 32 bits */
    if (c->max_token_size < block || c->max_token_size % block ||
        c->max_token_size / block > UINT32_MAX) {
        error_setg(errp, "max-token-size=%" PRIu64 " must be a multiple of the "
                   "block size %u and at most %u blocks", c->max_token_size,
                   block, UINT32_MAX);
        return false;
    }
    if (c->optimal_size < block || c->optimal_size % block ||
        c->optimal_size > c->max_token_size) {
        error_setg(errp, "optimal-size=%" PRIu64 " must be a multiple of the "
                   "block size %u and at most max-token-size=%" PRIu64,
                   c->optimal_size, block, c->max_token_size);
        return false;
    }
    if (c->default_inactivity < 1 ||
        c->default_inactivity > c->max_inactivity) {
        error_setg(errp, "default-inactivity=%u must be from 1 to "
                   "max-inactivity=%u seconds", c->default_inactivity,
                   c->max_inactivity);
        return false;
    }
    if (c->max_tokens < 1 || c->max_tokens > 65536) {
        error_setg(errp, "max-tokens=%u must be from 1 to 65536",
                   c->max_tokens);
        return false;
    }
    if (c->max_copies < 1 || c->max_copies > 255) {
        error_setg(errp, "max-copies=%u must be from 1 to 255", c->max_copies);
        return false;
    }
    if (c->sync_time < 100 || c->retention < 1) {
        error_setg(errp, "sync-time=%u must be at least 100 ms, retention=%u "
                   "at least 1 second", c->sync_time, c->retention);
        return false;
    }
    return true;
}

/* Learn the parent's request functions from a request that is never sent */
static void vscsi_hd_learn_inquiry(SCSIDevice *dev);

static void vscsi_hd_realize(SCSIDevice *dev, Error **errp)
{
    ERRP_GUARD();
    VscsiHD *s = VSCSI_HD(dev);

    if (s->conf.offload && !dev->wwn) {
        dev->wwn = vscsi_hd_make_naa(s);
    }
    parent_sc->realize(dev, errp);
    if (*errp || !s->conf.offload) {
        return;
    }
    if (!vscsi_hd_check_conf(s, errp)) {
        parent_sc->unrealize(dev);
        return;
    }
    vscsi_hd_learn_inquiry(dev);
    s->cm = vscsi_copy_manager_new(s, errp);
    if (!s->cm) {
        parent_sc->unrealize(dev);
        return;
    }
    trace_vscsi_hd_realize(DEVICE(dev)->id ?: "", s->cm->key, dev->wwn);
}

static void vscsi_hd_unrealize(SCSIDevice *dev)
{
    vscsi_copy_manager_free(VSCSI_HD(dev)->cm);
    parent_sc->unrealize(dev);
}

static void vscsi_hd_reset(DeviceState *qdev)
{
    VscsiHD *s = VSCSI_HD(qdev);

    if (s->cm) {
        vscsi_copy_manager_reset_begin(s->cm);
    }
    parent_reset(qdev);
    if (s->cm) {
        vscsi_copy_manager_reset_end(s->cm);
    }
}

/* INQUIRY: the parent's answer with the 3PC bit, page 00h with 8Fh in it */
static int32_t vscsi_hd_inquiry(SCSIRequest *req, uint8_t *cdb)
{
    int32_t len = parent_inquiry_ops->send_command(req, cdb);
    uint8_t *buf;

    if (len <= 0) {
        return len;
    }
    /* at least 4 KiB, whatever the allocation length */
    buf = scsi_req_get_buf(req);
    if (!(cdb[1] & 1)) {
        vscsi_inquiry_set_3pc(buf, len, true);
    } else if (cdb[2] == VSCSI_VPD_SUPPORTED_PAGES) {
        vscsi_vpd_00_insert(buf, 4 + lduw_be_p(buf + 2), 4 * KiB,
                            VSCSI_VPD_THIRD_PARTY_COPY);
    }
    return len;
}

/*
 * A request that this project serves, which takes over the hold of @cm; NULL:
 * it is the parent's
 */
static SCSIRequest *vscsi_hd_alloc_own(VscsiCopyManager *cm, uint32_t tag,
                                       uint32_t lun, const uint8_t *cdb,
                                       void *hba_private)
{
    bool announced = !vscsi_ide_refused(cm);

    switch (cdb[0]) {
    case VSCSI_OP_THIRD_PARTY_COPY_OUT:
    case VSCSI_OP_THIRD_PARTY_COPY_IN:
        return vscsi_copy_req_alloc(cm, tag, lun, hba_private);
    case VSCSI_OP_MAINTENANCE_IN:
        if (announced && (cdb[1] & 0x1f) == VSCSI_SA_REPORT_SUPPORTED_OPCODES) {
            return vscsi_answer_req_alloc(cm, tag, lun, hba_private);
        }
        break;
    case INQUIRY:
        if (announced && (cdb[1] & 1) && cdb[2] == VSCSI_VPD_THIRD_PARTY_COPY) {
            return vscsi_answer_req_alloc(cm, tag, lun, hba_private);
        }
        break;
    }
    return NULL;
}

static SCSIRequest *vscsi_hd_alloc_req(SCSIDevice *dev, uint32_t tag,
                                       uint32_t lun, uint8_t *cdb,
                                       void *hba_private)
{
    VscsiCopyManager *cm = NULL;
    SCSIRequest *req;

    switch (cdb[0]) {
    case VSCSI_OP_THIRD_PARTY_COPY_OUT:
    case VSCSI_OP_THIRD_PARTY_COPY_IN:
    case VSCSI_OP_MAINTENANCE_IN:
    case INQUIRY:
        cm = vscsi_copy_hold_lun(VSCSI_HD(dev));
        break;
    }
    if (!cm) {
        return parent_sc->alloc_req(dev, tag, lun, cdb, hba_private);
    }
    req = vscsi_hd_alloc_own(cm, tag, lun, cdb, hba_private);
    if (req) {
        return req;
    }
    req = parent_sc->alloc_req(dev, tag, lun, cdb, hba_private);
    if (cdb[0] == INQUIRY && !vscsi_ide_refused(cm)) {
        assert(req->ops == parent_inquiry_ops);
        req->ops = &inquiry_ops;
    }
    vscsi_copy_release(cm);
    return req;
}

static void vscsi_hd_learn_inquiry(SCSIDevice *dev)
{
    uint8_t cdb[SCSI_CMD_BUF_SIZE] = { INQUIRY };
    SCSIRequest *req;

    if (parent_inquiry_ops) {
        return;
    }
    req = parent_sc->alloc_req(dev, 0, dev->lun, cdb, NULL);
    parent_inquiry_ops = req->ops;
    inquiry_ops = *req->ops;
    inquiry_ops.send_command = vscsi_hd_inquiry;
    scsi_req_unref(req);
}

/*
 * What the VM's state says on arrival: the disks may hold other data than when
 * this process issued its tokens (a snapshot was loaded), and the tokens of the
 * sending process are not here.  Both end as unknown, not as foreign.
 */
static bool vscsi_hd_instance_needed(void *opaque)
{
    return VSCSI_HD(opaque)->cm;
}

typedef struct VscsiInstances {
    uint8_t id[VSCSI_TOKEN_MAX_FORMER_INSTANCES + 1][VSCSI_TOKEN_INSTANCE_LEN];
} VscsiInstances;

static int vscsi_hd_put_instances(QEMUFile *f, void *pv, size_t size,
                                  const VMStateField *field,
                                  JSONWriter *vmdesc)
{
    VscsiInstances all = {};
    uint8_t former[VSCSI_TOKEN_MAX_FORMER_INSTANCES][VSCSI_TOKEN_INSTANCE_LEN];
    unsigned n = vscsi_token_store_former_instances(vscsi_copy_tokens(),
                                                    former);

    memcpy(all.id, former, n * VSCSI_TOKEN_INSTANCE_LEN);
    vscsi_token_store_instance(vscsi_copy_tokens(), all.id[n]);
    qemu_put_byte(f, n + 1);
    qemu_put_buffer(f, all.id[0], (n + 1) * VSCSI_TOKEN_INSTANCE_LEN);
    return 0;
}

static int vscsi_hd_get_instances(QEMUFile *f, void *pv, size_t size,
                                  const VMStateField *field)
{
    VscsiInstances all = {};
    unsigned n = qemu_get_byte(f);

    if (n < 1 || n > ARRAY_SIZE(all.id)) {
        error_report("vscsi-hd: %u token instances in the VM's state, "
                     "1 to %zu are possible", n, ARRAY_SIZE(all.id));
        return -EINVAL;
    }
    qemu_get_buffer(f, all.id[0], n * VSCSI_TOKEN_INSTANCE_LEN);
    trace_vscsi_hd_tokens_forgotten(
        vscsi_token_store_forget_all(vscsi_copy_tokens()), n);
    /* a clock that was set back took the deadlines along */
    vscsi_copy_timer_rearm();
    for (unsigned i = 0; i < n; i++) {
        vscsi_token_store_adopt_instance(vscsi_copy_tokens(), all.id[i]);
    }
    return 0;
}

static const VMStateInfo vmstate_info_instances = {
    .name = "vscsi-token-instances",
    .get = vscsi_hd_get_instances,
    .put = vscsi_hd_put_instances,
};

static const VMStateDescription vmstate_vscsi_hd_tokens = {
    .name = "vscsi-hd/tokens",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = vscsi_hd_instance_needed,
    .fields = (const VMStateField[]) {
        {
            .name = "instances",
            .info = &vmstate_info_instances,
            .flags = VMS_SINGLE,
        },
        VMSTATE_END_OF_LIST()
    }
};

/* The parent's description is private too: class_init fills in its address */
static VMStateField vmstate_vscsi_hd_fields[] = {
    {
        .name = "scsi-hd",
        .size = VSCSI_PARENT_SPACE,
        .flags = VMS_STRUCT,
        .offset = 0,
    },
    VMSTATE_END_OF_LIST()
};

static const VMStateDescription vmstate_vscsi_hd = {
    .name = "vscsi-hd",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = vmstate_vscsi_hd_fields,
    .subsections = (const VMStateDescription * const[]) {
        &vmstate_vscsi_hd_tokens,
        NULL
    }
};

static const Property vscsi_hd_properties[] = {
    DEFINE_PROP_BOOL("offload", VscsiHD, conf.offload, true),
    DEFINE_PROP_UINT16("max-ranges", VscsiHD, conf.max_ranges, 64),
    DEFINE_PROP_SIZE("max-token-size", VscsiHD, conf.max_token_size, 1 * TiB),
    DEFINE_PROP_SIZE("optimal-size", VscsiHD, conf.optimal_size, 256 * MiB),
    DEFINE_PROP_UINT32("max-inactivity", VscsiHD, conf.max_inactivity, 3600),
    DEFINE_PROP_UINT32("default-inactivity", VscsiHD, conf.default_inactivity,
                       30),
    DEFINE_PROP_UINT32("max-tokens", VscsiHD, conf.max_tokens, 2048),
    DEFINE_PROP_UINT32("max-copies", VscsiHD, conf.max_copies, 16),
    DEFINE_PROP_UINT32("sync-time", VscsiHD, conf.sync_time, 3000),
    DEFINE_PROP_UINT32("retention", VscsiHD, conf.retention, 60),
};

static const struct {
    const char *name;
    const char *text;
} vscsi_hd_descriptions[] = {
    { "offload", "Serve third-party copy commands (ROD tokens, EXTENDED COPY); "
      "off hides and refuses them" },
    { "max-ranges", "MAXIMUM RANGE DESCRIPTORS: ranges that one token command "
      "may name, 1 to 256" },
    { "max-token-size", "MAXIMUM TOKEN TRANSFER SIZE: bytes that one token or "
      "one WRITE USING TOKEN may stand for" },
    { "optimal-size", "OPTIMAL TRANSFER COUNT: bytes that an initiator should "
      "ask for at a time" },
    { "max-inactivity", "MAXIMUM INACTIVITY TIMEOUT: seconds that an initiator "
      "may ask a token to live unused" },
    { "default-inactivity", "DEFAULT INACTIVITY TIMEOUT: seconds that a token "
      "lives unused when the initiator names none" },
    { "max-tokens", "Live ROD tokens that this LUN may have created, 1 to "
      "65536; more are refused" },
    { "max-copies", "Third-party copy operations at a time, 1 to 255; more are "
      "answered TASK SET FULL" },
    { "sync-time", "Milliseconds in which a synchronous WRITE USING TOKEN "
      "ends, with a part copied if need be" },
    { "retention", "Seconds for which the result of an ended operation can be "
      "asked for" },
};

static void vscsi_hd_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    SCSIDeviceClass *sc = SCSI_DEVICE_CLASS(klass);

    parent_sc = SCSI_DEVICE_CLASS(object_class_get_parent(klass));
    parent_reset = dc->legacy_reset;
    vmstate_vscsi_hd_fields[0].vmsd = DEVICE_CLASS(parent_sc)->vmsd;

    sc->realize = vscsi_hd_realize;
    sc->unrealize = vscsi_hd_unrealize;
    sc->alloc_req = vscsi_hd_alloc_req;
    device_class_set_legacy_reset(dc, vscsi_hd_reset);
    dc->vmsd = &vmstate_vscsi_hd;
    dc->desc = "virtual SCSI disk with third-party copy (ROD tokens)";
    set_bit(DEVICE_CATEGORY_STORAGE, dc->categories);
    device_class_set_props(dc, vscsi_hd_properties);
    for (size_t i = 0; i < ARRAY_SIZE(vscsi_hd_descriptions); i++) {
        object_class_property_set_description(klass,
                                              vscsi_hd_descriptions[i].name,
                                              vscsi_hd_descriptions[i].text);
    }
    vscsi_lun_class_add_stats(klass);
}

static const TypeInfo vscsi_hd_info = {
    .name = TYPE_VSCSI_HD,
    .parent = "scsi-hd",
    .instance_size = sizeof(VscsiHD),
    .class_init = vscsi_hd_class_init,
};

static void vscsi_hd_register_types(void)
{
    type_register_static(&vscsi_hd_info);
}

type_init(vscsi_hd_register_types)
