/*
 * libqos node of vscsi-pci
 *
 * It produces what virtio-scsi-pci does, so QEMU's own virtio-scsi tests run
 * against this controller too: the guest ABI is the same.  Test paths:
 * /x86_64/pc/.../pci-bus/vscsi-pci/...
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "libqtest.h"
#include "qemu/module.h"
#include "libqos/qgraph.h"
#include "libqos/virtio-scsi.h"
#include "standard-headers/linux/virtio_ids.h"

static void *vscsi_pci_get_driver(void *object, const char *interface)
{
    QVirtioSCSIPCI *dev = object;

    if (g_str_equal(interface, "pci-device")) {
        return dev->pci_vdev.pdev;
    }
    if (g_str_equal(interface, "virtio")) {
        return dev->scsi.vdev;
    }
    g_assert_cmpstr(interface, ==, "virtio-scsi");
    return &dev->scsi;
}

static void *vscsi_pci_create(void *pci_bus, QGuestAllocator *alloc, void *addr)
{
    QVirtioSCSIPCI *dev = g_new0(QVirtioSCSIPCI, 1);

    virtio_pci_init(&dev->pci_vdev, pci_bus, addr);
    dev->scsi.vdev = &dev->pci_vdev.vdev;
    g_assert_cmphex(dev->scsi.vdev->device_type, ==, VIRTIO_ID_SCSI);
    dev->pci_vdev.obj.get_driver = vscsi_pci_get_driver;
    return &dev->pci_vdev.obj;
}

static void vscsi_register_nodes(void)
{
    QPCIAddress addr = { .devfn = QPCI_DEVFN(4, 0) };
    QOSGraphEdgeOptions opts = {
        .extra_device_opts = "id=vs0,addr=04.0",
        .before_cmd_line = "-blockdev driver=null-co,read-zeroes=on,"
                           "node-name=vs-null",
        .after_cmd_line = "-device vscsi-hd,bus=vs0.0,drive=vs-null",
    };

    add_qpci_address(&opts, &addr);
    qos_node_create_driver("vscsi-pci", vscsi_pci_create);
    qos_node_consumes("vscsi-pci", "pci-bus", &opts);
    qos_node_produces("vscsi-pci", "pci-device");
    qos_node_produces("vscsi-pci", "virtio-scsi");
}

libqos_init(vscsi_register_nodes);
