/*
 * vscsi-pci: the paravirtual SCSI controller
 *
 * To the guest it is a virtio-scsi 1.x PCI function, so that the drivers of
 * Linux, Windows, FreeBSD, SeaBIOS and OVMF run it as they are.  It is QEMU's
 * own virtio-scsi core under its own names; what is new sits in its LUNs, see
 * vscsi-hd.c.  Types: vscsi-pci, vscsi-pci-transitional,
 * vscsi-pci-non-transitional; below each the virtio device vscsi-device.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/module.h"
#include "hw/qdev-properties.h"
#include "hw/virtio/virtio-pci.h"
#include "hw/virtio/virtio-scsi.h"
#include "hw/vscsi/vscsi.h"

struct VscsiDevice {
    VirtIOSCSI parent_obj;
};

struct VscsiPCI {
    VirtIOPCIProxy parent_obj;
    VscsiDevice vdev;
};


static const Property vscsi_pci_properties[] = {
    DEFINE_PROP_BIT("ioeventfd", VirtIOPCIProxy, flags,
                    VIRTIO_PCI_FLAG_USE_IOEVENTFD_BIT, true),
    DEFINE_PROP_UINT32("vectors", VirtIOPCIProxy, nvectors,
                       DEV_NVECTORS_UNSPECIFIED),
};

static void vscsi_pci_realize(VirtIOPCIProxy *proxy, Error **errp)
{
    VscsiPCI *s = VSCSI_PCI(proxy);
    DeviceState *vdev = DEVICE(&s->vdev);
    VirtIOSCSIConf *conf = &VIRTIO_SCSI_COMMON(vdev)->conf;

    if (conf->num_queues == VIRTIO_SCSI_AUTO_NUM_QUEUES) {
        conf->num_queues =
            virtio_pci_optimal_num_queues(VIRTIO_SCSI_VQ_NUM_FIXED);
    }
    if (proxy->nvectors == DEV_NVECTORS_UNSPECIFIED) {
        /* one for each queue, one for configuration changes */
        proxy->nvectors = conf->num_queues + VIRTIO_SCSI_VQ_NUM_FIXED + 1;
    }
    if (DEVICE(proxy)->id) {
        /* so that "-device vscsi-hd,bus=ID.0" finds it */
        g_autofree char *name = g_strdup_printf("%s.0", DEVICE(proxy)->id);

        virtio_device_set_child_bus_name(VIRTIO_DEVICE(vdev), name);
    }
    qdev_realize(vdev, BUS(&proxy->bus), errp);
}

static void vscsi_pci_instance_init(Object *obj)
{
    VscsiPCI *s = VSCSI_PCI(obj);

    virtio_instance_init_common(obj, &s->vdev, sizeof(s->vdev),
                                TYPE_VSCSI_DEVICE);
}

static void vscsi_pci_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    VirtioPCIClass *vpc = VIRTIO_PCI_CLASS(klass);
    PCIDeviceClass *pc = PCI_DEVICE_CLASS(klass);

    vpc->realize = vscsi_pci_realize;
    pc->vendor_id = PCI_VENDOR_ID_REDHAT_QUMRANET;
    pc->device_id = PCI_DEVICE_ID_VIRTIO_SCSI;
    pc->class_id = PCI_CLASS_STORAGE_SCSI;
    set_bit(DEVICE_CATEGORY_STORAGE, dc->categories);
    dc->desc = "paravirtual SCSI controller (virtio-scsi ABI) for token copies";
    device_class_set_props(dc, vscsi_pci_properties);
}

static void vscsi_device_class_init(ObjectClass *klass, void *data)
{
    DEVICE_CLASS(klass)->desc = "virtio device below vscsi-pci";
}

static const TypeInfo vscsi_device_info = {
    .name = TYPE_VSCSI_DEVICE,
    .parent = TYPE_VIRTIO_SCSI,
    .instance_size = sizeof(VscsiDevice),
    .class_init = vscsi_device_class_init,
};

static const VirtioPCIDeviceTypeInfo vscsi_pci_info = {
    .base_name = TYPE_VSCSI_PCI,
    .generic_name = "vscsi-pci",
    .transitional_name = "vscsi-pci-transitional",
    .non_transitional_name = "vscsi-pci-non-transitional",
    .instance_size = sizeof(VscsiPCI),
    .instance_init = vscsi_pci_instance_init,
    .class_init = vscsi_pci_class_init,
};

static void vscsi_pci_register_types(void)
{
    type_register_static(&vscsi_device_info);
    virtio_pci_types_register(&vscsi_pci_info);
}

type_init(vscsi_pci_register_types)
