/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "device.h"
#include "explain.h"

enum {
    OP_INQUIRY = 0x12,
    OP_SERVICE_ACTION_IN = 0x9e,
    SA_READ_CAPACITY_16 = 0x10,
    VPD_PAGES = 0x00,
    VPD_IDENTIFICATION = 0x83,
    VPD_THIRD_PARTY_COPY = 0x8f,
    VPD_BLOCK_LIMITS = 0xb0,
    TIMEOUT_MS = 30000,
    /* enough for most pages; old devices read only the low byte */
    FIRST_ALLOCATION = 252,
};

/* ASCII field of INQUIRY: printable characters, trailing blanks cut. */
static void copy_text(char *to, const uint8_t *from, size_t n)
{
    size_t end = 0;

    for (size_t i = 0; i < n; i++) {
        to[i] = from[i] >= 0x20 && from[i] < 0x7f ? (char)from[i] : '.';
        if (to[i] != ' ') {
            end = i + 1;
        }
    }
    to[end] = '\0';
}

static int read_inquiry(OdxDevice *dev, OdxError *err)
{
    uint8_t data[36] = { 0 };
    OdxCommand cmd;
    OdxSense sense;
    int ret;

    odx_scsi_prepare(&cmd, OP_INQUIRY, 6, ODX_FROM_DEVICE, data,
                     sizeof(data), TIMEOUT_MS);
    cmd.cdb[4] = sizeof(data);
    ret = odx_scsi_run(&dev->lun, &cmd, &sense, err);
    if (ret < 0) {
        return -1;
    }
    if (ret == ODX_RUN_SENSE) {
        return odx_explain(err, ODX_IO, dev->lun.name, "INQUIRY", &sense);
    }
    if (cmd.transferred < 6) {
        return odx_fail(err, ODX_IO, "%s: INQUIRY gave %u bytes: this does "
                        "not answer like a SCSI disk", dev->lun.name,
                        cmd.transferred);
    }
    dev->peripheral = data[0];
    dev->third_party = data[5] & 0x08;
    copy_text(dev->vendor, data + 8, 8);
    copy_text(dev->product, data + 16, 16);
    copy_text(dev->revision, data + 32, 4);
    if (dev->peripheral != 0) {
        return odx_fail(err, ODX_CANNOT, "%s: this is not a disk, but a "
                        "peripheral of type %02Xh", dev->lun.name,
                        dev->peripheral & 0x1f);
    }
    return 0;
}

/*
 * Reads a VPD page with as large an allocation as it needs.
 * 1: *page (to be freed) holds *length bytes; 0: the device has no such
 * page; -1: error.
 */
static int read_vpd(OdxDevice *dev, uint8_t code, uint8_t **page,
                    size_t *length, OdxError *err)
{
    uint32_t allocation = FIRST_ALLOCATION;

    for (;;) {
        uint8_t *data = calloc(1, allocation);
        OdxCommand cmd;
        OdxSense sense;
        size_t said;
        int ret;

        if (!data) {
            return odx_fail(err, ODX_IO, "out of memory");
        }
        odx_scsi_prepare(&cmd, OP_INQUIRY, 6, ODX_FROM_DEVICE, data,
                         allocation, TIMEOUT_MS);
        cmd.cdb[1] = 1;
        cmd.cdb[2] = code;
        odx_put16(cmd.cdb + 3, (uint16_t)allocation);
        ret = odx_scsi_run(&dev->lun, &cmd, &sense, err);
        if (ret != ODX_RUN_GOOD) {
            free(data);
            if (ret == ODX_RUN_SENSE && sense.key != KEY_ILLEGAL_REQUEST) {
                ret = odx_explain(err, ODX_IO, dev->lun.name,
                                  "INQUIRY of a VPD page", &sense);
            }
            return ret < 0 ? -1 : 0;
        }
        said = cmd.transferred >= 4 ? 4 + (size_t)odx_get16(data + 2) : 0;
        if (cmd.transferred < 4 || data[1] != code) {
            free(data);
            return odx_fail(err, ODX_IO, "%s: asked for VPD page %02Xh, the "
                            "device gave something else", dev->lun.name,
                            code);
        }
        if (said > allocation && allocation < ODX_VPD_MAX) {
            allocation = said < ODX_VPD_MAX ? (uint32_t)said : ODX_VPD_MAX;
            free(data);
            continue;
        }
        if (said > cmd.transferred) {
            free(data);
            return odx_fail(err, ODX_IO, "%s: VPD page %02Xh says it has "
                            "%zu bytes, but the device gave %u",
                            dev->lun.name, code, said, cmd.transferred);
        }
        *page = data;
        *length = said;
        return 1;
    }
}

/* Associated with the logical unit, and unique in the world. */
static bool designator_counts(const uint8_t *d)
{
    uint8_t type = d[1] & 0xf;

    return (d[1] >> 4 & 3) == 0 && d[3] > 0 &&
           (type == 1 || type == 2 || type == 3 || type == 8 || type == 10);
}

static int read_identification(OdxDevice *dev, OdxError *err)
{
    uint8_t *page = NULL;
    size_t length = 0, at = 4;
    int ret = read_vpd(dev, VPD_IDENTIFICATION, &page, &length, err);

    if (ret <= 0) {
        return ret;
    }
    while (length - at >= 4 && dev->n_designators < ODX_MAX_DESIGNATORS) {
        const uint8_t *d = page + at;
        size_t size = 4 + (size_t)d[3];

        if (size > length - at) {
            free(page);
            return odx_fail(err, ODX_IO, "%s: VPD page 83h contradicts "
                            "itself: the designator at byte %zu is longer "
                            "than the page", dev->lun.name, at);
        }
        if (designator_counts(d)) {
            OdxDesignator *to = &dev->designators[dev->n_designators++];

            to->type = d[1] & 0xf;
            to->length = d[3];
            memcpy(to->bytes, d + 4, d[3]);
        }
        at += size;
    }
    free(page);
    return 0;
}

static int read_block_limits(OdxDevice *dev, OdxError *err)
{
    uint8_t *page = NULL;
    size_t length = 0;
    int ret = read_vpd(dev, VPD_BLOCK_LIMITS, &page, &length, err);

    if (ret <= 0) {
        return ret;
    }
    dev->max_transfer_blocks = length >= 12 ? odx_get32(page + 8) : 0;
    free(page);
    return 0;
}

static int read_third_party_copy(OdxDevice *dev, OdxError *err)
{
    OdxError inner;
    int ret;

    free(dev->tpc_page);
    dev->tpc_page = NULL;
    ret = read_vpd(dev, VPD_THIRD_PARTY_COPY, &dev->tpc_page,
                   &dev->tpc_length, err);
    if (ret <= 0) {
        return ret;
    }
    dev->has_tpc_page = true;
    if (odx_tpc_parse(dev->tpc_page, dev->tpc_length, &dev->limits,
                      &inner) < 0) {
        return odx_fail(err, ODX_IO, "%s: %s", dev->lun.name, inner.text);
    }
    return 0;
}

static int read_pages(OdxDevice *dev, OdxError *err)
{
    uint8_t *page = NULL;
    size_t length = 0;
    int ret = read_vpd(dev, VPD_PAGES, &page, &length, err);
    bool has[256] = { false };

    dev->has_tpc_page = false;
    dev->n_designators = 0;
    dev->max_transfer_blocks = 0;
    memset(&dev->limits, 0, sizeof(dev->limits));
    if (ret <= 0) {
        return ret;
    }
    for (size_t i = 4; i < length; i++) {
        has[page[i]] = true;
    }
    free(page);
    if (has[VPD_IDENTIFICATION] && read_identification(dev, err) < 0) {
        return -1;
    }
    if (has[VPD_BLOCK_LIMITS] && read_block_limits(dev, err) < 0) {
        return -1;
    }
    if (has[VPD_THIRD_PARTY_COPY] && read_third_party_copy(dev, err) < 0) {
        return -1;
    }
    return 0;
}

static int read_capacity(OdxDevice *dev, OdxError *err)
{
    uint8_t data[32] = { 0 };
    OdxCommand cmd;
    OdxSense sense;
    uint64_t last;
    uint32_t length;
    int ret;

    odx_scsi_prepare(&cmd, OP_SERVICE_ACTION_IN, 16, ODX_FROM_DEVICE, data,
                     sizeof(data), TIMEOUT_MS);
    cmd.cdb[1] = SA_READ_CAPACITY_16;
    odx_put32(cmd.cdb + 10, sizeof(data));
    ret = odx_scsi_run(&dev->lun, &cmd, &sense, err);
    if (ret < 0) {
        return -1;
    }
    if (ret == ODX_RUN_SENSE) {
        return odx_explain(err, sense.key == KEY_ILLEGAL_REQUEST ?
                           ODX_CANNOT : ODX_IO, dev->lun.name,
                           "READ CAPACITY(16)", &sense);
    }
    if (cmd.transferred < 12) {
        return odx_fail(err, ODX_IO, "%s: READ CAPACITY(16) gave %u bytes "
                        "instead of 32", dev->lun.name, cmd.transferred);
    }
    last = odx_get64(data);
    length = odx_get32(data + 8);
    if (length < ODX_MIN_BLOCK || length > ODX_MAX_BLOCK ||
        last >= (uint64_t)INT64_MAX / length) {
        return odx_fail(err, ODX_IO, "%s: READ CAPACITY(16) makes no sense: "
                        "last block %llu, block length %u", dev->lun.name,
                        (unsigned long long)last, length);
    }
    dev->blocks = last + 1;
    dev->block_length = length;
    return 0;
}

int odx_device_open(OdxDevice *dev, OdxTransport *transport,
                    const char *path, OdxAccess access, bool force,
                    OdxError *err)
{
    uint64_t size;

    memset(dev, 0, sizeof(*dev));
    dev->lun.transport = transport;
    dev->lun.name = path;
    if (transport->open(transport, path, access, force, &dev->lun.node,
                        err) < 0) {
        dev->lun.node = NULL;
        return -1;
    }
    if (read_inquiry(dev, err) < 0 || read_capacity(dev, err) < 0 ||
        read_pages(dev, err) < 0) {
        return -1;
    }
    size = transport->size(transport, dev->lun.node);
    if (size && size != odx_device_bytes(dev)) {
        return odx_fail(err, ODX_UNSAFE, "%s: this name covers %llu bytes, "
                        "but the disk has %llu. A partition? Give the whole "
                        "disk and an offset. A resized disk? Let the kernel "
                        "look again (write 1 to device/rescan in sysfs).",
                        path, (unsigned long long)size,
                        (unsigned long long)odx_device_bytes(dev));
    }
    dev->lun.changed = false;
    return 0;
}

void odx_device_close(OdxDevice *dev)
{
    if (dev->lun.node) {
        dev->lun.transport->close(dev->lun.transport, dev->lun.node);
        dev->lun.node = NULL;
    }
    free(dev->tpc_page);
    dev->tpc_page = NULL;
}

int odx_device_refresh(OdxDevice *dev, OdxError *err)
{
    uint32_t block_length = dev->block_length;

    dev->lun.changed = false;
    if (read_capacity(dev, err) < 0 || read_pages(dev, err) < 0) {
        return -1;
    }
    if (dev->block_length != block_length) {
        return odx_fail(err, ODX_FAILED, "%s: the block length changed from "
                        "%u to %u during the copy", dev->lun.name,
                        block_length, dev->block_length);
    }
    return 0;
}

int odx_device_require_tokens(const OdxDevice *dev, uint32_t need,
                              OdxError *err)
{
    const char *why;

    if (!dev->third_party) {
        why = "its INQUIRY data says that it has no third-party copy (3PC "
              "is 0)";
    } else if (!dev->has_tpc_page) {
        why = "it has no VPD page 8Fh, which would announce third-party "
              "copy";
    } else if (!dev->limits.has_rod_limits) {
        why = "its VPD page 8Fh announces third-party copy, but no tokens "
              "(descriptor 0000h is missing)";
    } else if (dev->limits.has_commands &&
               (dev->limits.commands & need) != need) {
        why = "its VPD page 8Fh does not list the commands that a copy "
              "needs (descriptor 0001h)";
    } else {
        return 0;
    }
    return odx_fail(err, ODX_CANNOT, "%s (%s %s): this disk cannot copy by "
                    "token: %s. Attach it to a controller and as a disk "
                    "type that can (for QEMU: vscsi-hd with offload=on), or "
                    "copy with dd.", dev->lun.name, dev->vendor,
                    dev->product, why);
}

/* 1: both have a designator of @type and share one; 0: they share none. */
static int compare_designators(const OdxDevice *a, const OdxDevice *b,
                               uint8_t type)
{
    int result = -1;

    for (unsigned i = 0; i < a->n_designators; i++) {
        const OdxDesignator *x = &a->designators[i];

        for (unsigned j = 0; j < b->n_designators; j++) {
            const OdxDesignator *y = &b->designators[j];

            if (x->type != type || y->type != type) {
                continue;
            }
            if (x->length == y->length &&
                memcmp(x->bytes, y->bytes, x->length) == 0) {
                return 1;
            }
            result = 0;
        }
    }
    return result;
}

bool odx_device_same(const OdxDevice *a, const OdxDevice *b)
{
    /* NAA, EUI-64, SCSI name string, UUID, T10 vendor: best first */
    static const uint8_t types[] = { 3, 2, 8, 10, 1 };
    OdxTransport *t = a->lun.transport;

    if (t->same_address(t, a->lun.node, b->lun.node)) {
        return true;
    }
    for (size_t i = 0; i < sizeof(types); i++) {
        int same = compare_designators(a, b, types[i]);

        if (same >= 0) {
            return same;
        }
    }
    return false;
}
