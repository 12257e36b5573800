/*
 * vscsi qtests: the VM
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "harness.h"
#include "libqos/pci-pc.h"
#include "standard-headers/linux/virtio_config.h"
#include "standard-headers/linux/virtio_ids.h"
#include "standard-headers/linux/virtio_pci.h"
#include "standard-headers/linux/virtio_ring.h"
#include "standard-headers/linux/virtio_scsi.h"

#define FIRST_SLOT 4

/* ------------------------------------------------------------ description */

static void remove_files(void *opaque)
{
    VtVm *vm = opaque;

    if (vm->borrowed_dir) {
        return;
    }
    for (unsigned i = 0; i < vm->nr_disks; i++) {
        unlink(vm->disk[i].path);
    }
    rmdir(vm->dir);
}

VtVm *vt_new(void)
{
    VtVm *vm = g_new0(VtVm, 1);
    g_autoptr(GError) error = NULL;

    vm->args = g_string_new("-nodefaults ");
    vm->dir = g_dir_make_tmp("vscsi-qtest-XXXXXX", &error);
    g_assert_no_error(error);
    qtest_add_abrt_handler(remove_files, vm);
    return vm;
}

void vt_arg(VtVm *vm, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_string_append_vprintf(vm->args, fmt, ap);
    va_end(ap);
    g_string_append_c(vm->args, ' ');
}

void vt_hba(VtVm *vm, const char *opts)
{
    g_assert_cmpuint(vm->nr_hbas, <, VT_MAX_HBAS);
    vt_arg(vm, "-device vscsi-pci,id=hba%u,addr=%u%s%s", vm->nr_hbas,
           FIRST_SLOT + vm->nr_hbas, opts ? "," : "", opts ?: "");
    vm->nr_hbas++;
}

/* The nodes of a disk, bottom up; returns the name of the top one */
static char *disk_nodes(VtVm *vm, unsigned n, const VtDiskConf *conf)
{
    const char *ro = conf->read_only ? "on" : "off";
    const char *below = "file";

    vt_arg(vm, "-blockdev driver=file,node-name=file%u,discard=unmap,"
           "read-only=%s,filename=%s", n, ro, vm->disk[n].path);
    if (conf->blkdebug) {
        vt_arg(vm, "-blockdev driver=blkdebug,node-name=dbg%u,image=file%u,"
               "discard=unmap,read-only=%s,%s", n, n, ro, conf->blkdebug);
        below = "dbg";
    }
    vt_arg(vm, "-blockdev driver=raw,node-name=raw%u,discard=unmap,"
           "read-only=%s,file=%s%u", n, ro, below, n);
    return g_strdup_printf("%s%u", conf->bps ? "slow" : "raw", n);
}

unsigned vt_disk(VtVm *vm, const VtDiskConf *conf)
{
    unsigned n = vm->nr_disks++;
    VtDisk *d = &vm->disk[n];
    int fd;

    g_assert_cmpuint(n, <, VT_MAX_DISKS);
    d->hba = vm->nr_hbas - 1;
    d->target = n;
    d->size = conf->size;
    d->block = conf->block ?: 512;
    d->path = g_strdup_printf("%s/disk%u.raw", vm->dir, n);
    if (!vm->borrowed_dir) {
        fd = open(d->path, O_CREAT | O_EXCL | O_RDWR, 0600);
        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(ftruncate(fd, d->size), ==, 0);
        close(fd);
    }
    d->node = disk_nodes(vm, n, conf);
    d->bps = conf->bps;
    d->only_reads = conf->only_reads;
    d->opts = g_strdup(conf->opts);
    d->cold = conf->cold;
    d->late = !conf->cold && (conf->late || conf->bps);
    if (!conf->cold && !d->late) {
        vt_arg(vm, "-device %s,id=lun%u,bus=hba%u.0,scsi-id=%u,lun=0,drive=%s,"
               "logical_block_size=%u,physical_block_size=%u%s%s",
               conf->device ?: "vscsi-hd", n, d->hba, d->target, d->node,
               d->block, d->block, conf->opts ? "," : "", conf->opts ?: "");
    }
    return n;
}

void vt_share_disks(VtVm *vm, VtVm *with)
{
    g_assert_cmpint(rmdir(vm->dir), ==, 0);
    g_free(vm->dir);
    vm->dir = g_strdup(with->dir);
    vm->borrowed_dir = true;
}

/* ------------------------------------------------------------------- life */

/* The device offers 1024 descriptors, which libqos sets up one by one */
static void set_queue_size(QVirtioPCIDevice *pci, unsigned index)
{
    uint64_t cfg = pci->common_cfg_offset;

    pci->vdev.bus->queue_select(&pci->vdev, index);
    qpci_io_writew(pci->pdev, pci->bar,
                   cfg + offsetof(struct virtio_pci_common_cfg, queue_size),
                   VT_RING);
}

void vt_start_hba(VtVm *vm, unsigned n)
{
    QPCIAddress addr = { .devfn = QPCI_DEVFN(FIRST_SLOT + n, 0) };
    VtHba *hba = &vm->hba[n];
    QVirtioDevice *vdev;
    uint64_t features;

    if (!hba->pci) {
        hba->pci = virtio_pci_new(vm->qos->pcibus, &addr);
        g_assert_nonnull(hba->pci);
        g_assert_cmphex(hba->pci->vdev.device_type, ==, VIRTIO_ID_SCSI);
    }
    /* a reset of the machine has cleared command register and BARs */
    qvirtio_pci_device_enable(hba->pci);
    vdev = &hba->pci->vdev;
    qvirtio_start_device(vdev);
    features = qvirtio_get_features(vdev);
    features &= ~(QVIRTIO_F_BAD_FEATURE | 1ull << VIRTIO_RING_F_EVENT_IDX |
                  1ull << VIRTIO_RING_F_INDIRECT_DESC |
                  1ull << VIRTIO_SCSI_F_T10_PI);
    qvirtio_set_features(vdev, features);
    hba->nr_queues = qvirtio_config_readl(vdev, 0) + 2;
    g_assert_cmpuint(hba->nr_queues, <=, VT_MAX_QUEUES);
    for (unsigned i = 0; i < hba->nr_queues; i++) {
        set_queue_size(hba->pci, i);
        if (hba->vq[i]) {
            /* from before the reset */
            qvirtqueue_cleanup(vdev->bus, hba->vq[i], &vm->qos->alloc);
        }
        hba->vq[i] = qvirtqueue_setup(vdev, &vm->qos->alloc, i);
        g_assert_cmpuint(hba->vq[i]->size, ==, VT_RING);
        memset(hba->pending[i], 0, sizeof(hba->pending[i]));
    }
    qvirtio_set_driver_ok(vdev);
}

/*
 * The throttle node of a slow disk.  It comes late, with its device: a group
 * that is made on the command line does not know yet that it is in a qtest, and
 * goes by the host's clock.
 */
static void add_throttle(VtVm *vm, unsigned n)
{
    VtDisk *d = &vm->disk[n];
    g_autofree char *group = g_strdup_printf("tg%u", n);
    g_autofree char *below = g_strdup_printf("raw%u", n);

    qtest_qmp_assert_success(vm->qts, "{'execute': 'object-add', 'arguments': "
                             "{'qom-type': 'throttle-group', 'id': %s, "
                             "'limits': {%s: %" PRId64 "}}}", group,
                             d->only_reads ? "bps-read" : "bps-total",
                             (int64_t)d->bps);
    qtest_qmp_assert_success(vm->qts, "{'execute': 'blockdev-add', "
                             "'arguments': {'driver': 'throttle', "
                             "'node-name': %s, 'throttle-group': %s, "
                             "'discard': 'unmap', 'file': %s}}", d->node,
                             group, below);
}

static void boot(VtVm *vm)
{
    vm->qos = qtest_pc_boot("%s", vm->args->str);
    vm->qts = vm->qos->qts;
    for (unsigned i = 0; i < vm->nr_disks; i++) {
        if (vm->disk[i].bps) {
            add_throttle(vm, i);
        }
        if (vm->disk[i].late) {
            vt_plug(vm, i);
        }
    }
}

void vt_boot(VtVm *vm)
{
    boot(vm);
    for (unsigned i = 0; i < vm->nr_hbas; i++) {
        vt_start_hba(vm, i);
    }
    for (unsigned i = 0; !vm->keep_attention && i < vm->nr_disks; i++) {
        /* power on, and a slow disk that came late */
        while (!vm->disk[i].cold && vt_test_unit_ready(vm, i)) {
            /* each ends one unit attention */
        }
    }
}

void vt_boot_incoming(VtVm *vm, const char *uri)
{
    vt_arg(vm, "-incoming %s", uri);
    boot(vm);
}

void vt_adopt(VtVm *to, VtVm *from)
{
    memcpy(to->hba, from->hba, sizeof(to->hba));
    memset(from->hba, 0, sizeof(from->hba));
    to->last_tag = from->last_tag;
    for (unsigned i = 0; i < to->nr_hbas; i++) {
        VtHba *hba = &to->hba[i];

        /* the ports and BARs are where they were, in another QEMU */
        hba->pci->pdev->bus = to->qos->pcibus;
        for (unsigned q = 0; q < hba->nr_queues; q++) {
            for (unsigned n = 0; n < VT_RING; n++) {
                if (hba->pending[q][n]) {
                    hba->pending[q][n]->vm = to;
                }
            }
        }
    }
    migrate_allocator(&from->qos->alloc, &to->qos->alloc);
}

void vt_quit(VtVm *vm)
{
    for (unsigned i = 0; i < vm->nr_hbas; i++) {
        VtHba *hba = &vm->hba[i];

        for (unsigned q = 0; q < hba->nr_queues; q++) {
            qvirtqueue_cleanup(hba->pci->vdev.bus, hba->vq[q],
                               &vm->qos->alloc);
        }
        if (hba->pci) {
            g_free(hba->pci->pdev);
            g_free(hba->pci);
        }
    }
    memset(vm->hba, 0, sizeof(vm->hba));
    vm->nr_hbas = 0;
    if (vm->qos) {
        qtest_shutdown(vm->qos);
        vm->qos = NULL;
    }
}

void vt_free(VtVm *vm)
{
    vt_quit(vm);
    qtest_remove_abrt_handler(vm);
    remove_files(vm);
    for (unsigned i = 0; i < vm->nr_disks; i++) {
        g_free(vm->disk[i].path);
        g_free(vm->disk[i].node);
        g_free(vm->disk[i].opts);
    }
    g_string_free(vm->args, true);
    g_free(vm->dir);
    g_free(vm);
}

VtVm *vt_simple(unsigned n, uint64_t size)
{
    VtVm *vm = vt_new();

    vt_hba(vm, NULL);
    for (unsigned i = 0; i < n; i++) {
        vt_disk(vm, &(VtDiskConf) { .size = size });
    }
    vt_boot(vm);
    return vm;
}

void vt_clock_step(VtVm *vm, int64_t ms)
{
    qtest_clock_step(vm->qts, ms * 1000000);
}

void vt_stop(VtVm *vm)
{
    qtest_qmp_assert_success(vm->qts, "{'execute': 'stop'}");
    qtest_qmp_eventwait(vm->qts, "STOP");
    vm->stopped = true;
}

void vt_cont(VtVm *vm)
{
    vm->stopped = false;
    qtest_qmp_assert_success(vm->qts, "{'execute': 'cont'}");
    qtest_qmp_eventwait(vm->qts, "RESUME");
}

/* "a=1,b=on,c=text" */
static void put_opts(QDict *dict, const char *opts)
{
    g_auto(GStrv) list = g_strsplit(opts, ",", -1);

    for (char **p = list; *p; p++) {
        g_auto(GStrv) pair = g_strsplit(*p, "=", 2);

        if (g_ascii_isdigit(pair[1][0])) {
            qdict_put_int(dict, pair[0], g_ascii_strtoll(pair[1], NULL, 0));
        } else if (g_str_equal(pair[1], "on") || g_str_equal(pair[1], "off")) {
            qdict_put_bool(dict, pair[0], g_str_equal(pair[1], "on"));
        } else {
            qdict_put_str(dict, pair[0], pair[1]);
        }
    }
}

void vt_plug(VtVm *vm, unsigned disk)
{
    VtDisk *d = &vm->disk[disk];
    g_autofree char *id = g_strdup_printf("lun%u", disk);
    g_autofree char *bus = g_strdup_printf("hba%u.0", d->hba);
    QDict *dict = qdict_new();

    qdict_put_str(dict, "id", id);
    qdict_put_str(dict, "bus", bus);
    qdict_put_int(dict, "scsi-id", d->target);
    qdict_put_str(dict, "drive", d->node);
    qdict_put_int(dict, "logical_block_size", d->block);
    qdict_put_int(dict, "physical_block_size", d->block);
    if (d->opts) {
        put_opts(dict, d->opts);
    }
    qtest_qmp_device_add_qdict(vm->qts, "vscsi-hd", dict);
    qobject_unref(dict);
}

void vt_unplug(VtVm *vm, unsigned disk)
{
    g_autofree char *id = g_strdup_printf("lun%u", disk);

    qtest_qmp_device_del(vm->qts, id);
}
