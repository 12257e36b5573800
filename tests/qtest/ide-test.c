/*
 * IDE refuses: an image that is attached to the IDE emulation takes no part in
 * a copy by token, nor in a host-side copy (DESIGN, invariant 8)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qobject/qlist.h"
#include "scsi/constants.h"
#include "harness.h"

#define DISK_SIZE   (16 * MiB)
#define REFUSED     0x052000        /* INVALID COMMAND OPERATION CODE */
#define CANCELLED   0x052308

/* A LUN @n of VHDX; qemu-img makes the file.  The device is "lunN" */
static void vhdx_disk(VtVm *vm, const char *opts)
{
    unsigned n = vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .cold = true });

    if (!vm->borrowed_dir) {
        mkimg(vm->disk[n].path, "vhdx", DISK_SIZE / MiB);
    }
    vt_arg(vm, "-blockdev driver=vhdx,node-name=vhdx%u,file=file%u", n, n);
    vt_arg(vm, "-device vscsi-hd,id=lun%u,bus=hba0.0,scsi-id=%u,"
           "drive=vhdx%u%s", n, n, n, opts ?: "");
}

/* The harness does not know of these LUNs' devices */
static void boot(VtVm *vm)
{
    vt_boot(vm);
    vt_test_unit_ready(vm, 0);
    vt_test_unit_ready(vm, 1);
}

/* Does the LUN announce third-party copy?  All ways of it must agree */
static bool announces(VtVm *vm, unsigned disk)
{
    uint8_t inquiry[96], pages[64], page[1024];
    uint8_t rsoc[16] = { 0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 4, 0 };
    uint8_t codes[1024];
    bool bit, listed, has_page, has_codes;

    g_assert_cmphex(vt_inquiry(vm, disk, -1, inquiry, 96), ==, 0);
    bit = inquiry[5] & 0x08;
    g_assert_cmphex(vt_inquiry(vm, disk, 0, pages, 64), ==, 0);
    listed = memchr(pages + 4, 0x8f, lduw_be_p(pages + 2));
    has_page = vt_inquiry(vm, disk, 0x8f, page, 1020) == 0;
    has_codes = vt_in(vm, disk, rsoc, codes, 1024) == 0;
    g_assert_true(bit == listed && bit == has_page && bit == has_codes);
    return bit;
}

/* What query-vscsi says of LUN @n: NULL if it offloads, else why not */
static char *refusal(VtVm *vm, unsigned n)
{
    QDict *a = qtest_qmp_assert_success_ref(vm->qts,
                                            "{'execute': 'query-vscsi'}");
    QDict *hba = qobject_to(QDict, qlist_peek(qdict_get_qlist(a,
                                                              "controllers")));
    const QListEntry *entry = qlist_first(qdict_get_qlist(hba, "luns"));
    char *why;
    QDict *lun;

    while (n--) {
        entry = qlist_next(entry);
    }
    lun = qobject_to(QDict, qlist_entry_obj(entry));
    why = g_strdup(qdict_get_try_str(lun, "refusal"));
    g_assert_true(qdict_get_bool(lun, "offload") == !why);
    qobject_unref(a);
    return why;
}

static void check_served(VtVm *vm, unsigned disk)
{
    g_autofree char *why = refusal(vm, disk);
    VscsiPt pt = vt_pt(0, 8);

    g_assert_null(why);
    g_assert_true(announces(vm, disk));
    g_assert_cmphex(vt_populate(vm, disk, 1, &pt), ==, 0);
}

static void check_refused(VtVm *vm, unsigned disk, const char *ide)
{
    g_autofree char *why = refusal(vm, disk);
    VscsiPt pt = vt_pt(0, 8);
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiXcopy xcopy = {};
    VtStatus s;

    g_assert_nonnull(strstr(why, ide));
    g_assert_false(announces(vm, disk));
    vscsi_rod_token_encode_zero(token);
    g_assert_cmphex(vt_populate(vm, disk, 1, &pt), ==, REFUSED);
    g_assert_cmphex(vt_use(vm, disk, token, 0, 8), ==, REFUSED);
    g_assert_cmphex(vt_rrti(vm, disk, 1, 805, &s), ==, REFUSED);
    g_assert_cmphex(vt_xcopy(vm, disk, &xcopy), ==, REFUSED);
    /* but it is a disk as before */
    g_assert_cmphex(vt_test_unit_ready(vm, disk), ==, 0);
}

/* A host-side copy must fail by an Error that names @ide */
static void check_host_refused(VtVm *vm, const char *source, const char *target,
                               const char *ide)
{
    QDict *error = qtest_qmp_assert_failure_ref(
        vm->qts, "{'execute': 'blockdev-offload-copy', 'arguments': "
        "{'job-id': 'copy', 'source': %s, 'target': %s}}", source, target);
    const char *desc = qdict_get_str(error, "desc");

    g_assert_nonnull(strstr(desc, "IDE"));
    g_assert_nonnull(strstr(desc, ide));
    qobject_unref(error);
}

/* ----------------------------------------------- the same VHDX, in two VMs */

static void vhdx_first_on_vscsi(VtVm *vm)
{
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    uint8_t a[4096], b[4096];

    vt_hba(vm, NULL);
    vhdx_disk(vm, NULL);
    vhdx_disk(vm, NULL);
    boot(vm);
    memset(a, 0x5a, sizeof(a));
    g_assert_cmphex(vt_write(vm, 0, 100, 8, a), ==, 0);
    check_served(vm, 0);
    vt_token(vm, 0, 100, 8, token);
    g_assert_cmphex(vt_use(vm, 1, token, 7, 8), ==, 0);
    g_assert_cmphex(vt_read(vm, 1, 7, 8, b), ==, 0);
    g_assert_cmpmem(a, sizeof(a), b, sizeof(b));
    vt_quit(vm);
}

static void vhdx_then_on_ide(const char *controller, const char *bus)
{
    VtVm *first = vt_new();
    VtVm *vm = vt_new();

    vhdx_first_on_vscsi(first);

    vt_share_disks(vm, first);
    vt_hba(vm, NULL);
    vhdx_disk(vm, ",share-rw=on");
    vhdx_disk(vm, NULL);
    vt_arg(vm, "%s -device ide-hd,id=ide0,bus=%s,drive=vhdx0,share-rw=on",
           controller, bus);
    boot(vm);
    check_refused(vm, 0, "'ide0'");
    check_served(vm, 1);
    check_host_refused(vm, "vhdx0", "vhdx1", "'ide0'");
    check_host_refused(vm, "vhdx1", "vhdx0", "'ide0'");
    /* by any name of its chain */
    check_host_refused(vm, "file0", "vhdx1", "'ide0'");
    vt_free(vm);
    vt_free(first);
}

static void test_vhdx_first_on_vscsi_then_on_ide(void)
{
    vhdx_then_on_ide("", "ide.0");
}

static void test_vhdx_first_on_vscsi_then_on_ahci(void)
{
    vhdx_then_on_ide("-device ich9-ahci,id=ahci", "ahci.0");
}

/* -------------------------------------------------- ways to be attached */

/* Two raw disks, and what @ide adds to the command line */
static VtVm *start(const char *lun0_opts, const char *ide)
{
    VtVm *vm = vt_new();

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .opts = lun0_opts });
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE });
    vt_arg(vm, "%s", ide);
    vt_boot(vm);
    return vm;
}

static void test_without_ide_device(void)
{
    VtVm *vm = start(NULL, "");

    check_served(vm, 0);
    check_served(vm, 1);
    vt_free(vm);
}

static void test_ide_device_with_another_image(void)
{
    VtVm *vm = start(NULL,
                     "-blockdev driver=null-co,node-name=n,read-zeroes=on "
                     "-device ide-hd,id=ide0,drive=n "
                     "-device ide-cd,id=cd0");

    check_served(vm, 0);
    check_served(vm, 1);
    vt_free(vm);
}

static void test_below_a_filter_on_ide(void)
{
    VtVm *vm = start("share-rw=on",
                     "-object throttle-group,id=tg "
                     "-blockdev driver=throttle,node-name=t,file=raw0,"
                     "throttle-group=tg "
                     "-device ide-hd,id=ide0,drive=t,share-rw=on");

    check_refused(vm, 0, "'ide0'");
    check_served(vm, 1);
    vt_free(vm);
}

static void test_backing_file_of_a_disk_on_ide(void)
{
    VtVm *vm = vt_new();
    g_autofree char *overlay = g_strdup_printf("%s/overlay.qcow2", vm->dir);

    mkimg(overlay, "qcow2", DISK_SIZE / MiB);
    vt_hba(vm, NULL);
    /* an image that serves others is read-only */
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .read_only = true });
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE });
    vt_arg(vm, "-blockdev driver=qcow2,node-name=overlay,backing=raw0,"
           "file.driver=file,file.filename=%s -device ide-hd,id=ide0,"
           "drive=overlay", overlay);
    vt_boot(vm);
    check_refused(vm, 0, "'ide0'");
    check_host_refused(vm, "raw0", "raw1", "'ide0'");
    unlink(overlay);
    vt_free(vm);
}

static void test_same_file_by_another_node(void)
{
    VtVm *vm = vt_new();

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .read_only = true });
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE });
    vt_arg(vm, "-blockdev driver=file,node-name=again,read-only=on,filename=%s "
           "-device ide-cd,id=cd0,drive=again", vm->disk[0].path);
    vt_boot(vm);
    check_refused(vm, 0, "'cd0'");
    check_host_refused(vm, "raw0", "raw1", "'cd0'");
    vt_free(vm);
}

static void test_ide_device_without_id(void)
{
    VtVm *vm = start("share-rw=on",
                     "-device ide-hd,drive=raw0,share-rw=on");

    check_refused(vm, 0, "/machine/");
    vt_free(vm);
}

static void test_plugged_while_attached(void)
{
    VtVm *vm = vt_new();

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .late = true,
                                .opts = "share-rw=on" });
    vt_arg(vm, "-device ide-hd,id=ide0,drive=raw0,share-rw=on");
    vt_boot(vm);
    check_refused(vm, 0, "'ide0'");
    vt_free(vm);
}

/* ------------------------------- the commands through the IDE emulation */

#define IDE_BASE        0x1f0
#define IDE_DATA        (IDE_BASE + 0)
#define IDE_ERROR       (IDE_BASE + 1)
#define IDE_COUNT_LOW   (IDE_BASE + 4)
#define IDE_COUNT_HIGH  (IDE_BASE + 5)
#define IDE_DEVICE      (IDE_BASE + 6)
#define IDE_STATUS      (IDE_BASE + 7)

enum {
    IDE_ERR = 0x01, IDE_DRQ = 0x08, IDE_BSY = 0x80,
    IDE_ABRT = 0x04,
    IDE_PACKET = 0xa0,
};

static uint8_t ide_wait(QTestState *qts)
{
    uint8_t status;

    do {
        status = qtest_inb(qts, IDE_STATUS);
    } while (status & IDE_BSY);
    return status;
}

/* PACKET with @cdb to the first device; the status after it */
static uint8_t ide_packet(QTestState *qts, const uint8_t *cdb)
{
    qtest_outb(qts, IDE_DEVICE, 0xa0);
    ide_wait(qts);
    qtest_outb(qts, IDE_ERROR, 0);
    qtest_outb(qts, IDE_COUNT_LOW, 0xfe);
    qtest_outb(qts, IDE_COUNT_HIGH, 0xff);
    qtest_outb(qts, IDE_STATUS, IDE_PACKET);
    if (!(ide_wait(qts) & IDE_DRQ)) {
        return ide_wait(qts);
    }
    for (unsigned i = 0; i < 12; i += 2) {
        qtest_outw(qts, IDE_DATA, lduw_le_p(cdb + i));
    }
    return ide_wait(qts);
}

static void ide_cd_refuses(QTestState *qts, uint8_t opcode, uint8_t sa)
{
    const uint8_t copy[12] = { opcode, sa };
    const uint8_t request_sense[12] = { REQUEST_SENSE, 0, 0, 0, 18 };
    uint8_t sense[18];

    g_assert_true(ide_packet(qts, copy) & IDE_ERR);
    g_assert_cmphex(qtest_inb(qts, IDE_ERROR) >> 4, ==, ILLEGAL_REQUEST);
    g_assert_true(ide_packet(qts, request_sense) & IDE_DRQ);
    for (unsigned i = 0; i < sizeof(sense); i += 2) {
        stw_le_p(sense + i, qtest_inw(qts, IDE_DATA));
    }
    g_assert_cmphex(sense[2] & 0xf, ==, ILLEGAL_REQUEST);
    g_assert_cmphex(sense[12], ==, 0x20);
    g_assert_cmphex(sense[13], ==, 0);
}

static void test_packet_to_ide_cd(void)
{
    static const uint8_t out[] = { 0x00, 0x10, 0x11, 0x1c };
    static const uint8_t in[] = { 0x00, 0x03, 0x04, 0x05, 0x07, 0x08 };
    QTestState *qts = qtest_init("-nodefaults -device ide-cd,bus=ide.0,unit=0");

    for (unsigned i = 0; i < ARRAY_SIZE(out); i++) {
        ide_cd_refuses(qts, 0x83, out[i]);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(in); i++) {
        ide_cd_refuses(qts, 0x84, in[i]);
    }
    qtest_quit(qts);
}

/* There is no way for a SCSI command into an ATA disk */
static void test_packet_to_ide_hd(void)
{
    const uint8_t populate[12] = { 0x83, 0x10 };
    QTestState *qts = qtest_init("-nodefaults -blockdev driver=null-co,"
                                 "node-name=n,read-zeroes=on "
                                 "-device ide-hd,bus=ide.0,unit=0,drive=n");

    g_assert_true(ide_packet(qts, populate) & IDE_ERR);
    g_assert_true(qtest_inb(qts, IDE_ERROR) & IDE_ABRT);
    qtest_quit(qts);
}

/* -------------------------------------------------- other LUNs' commands */

static void test_unreachable_as_cscd(void)
{
    VtVm *vm = start("share-rw=on",
                     "-device ide-hd,id=ide0,drive=raw0,share-rw=on");
    VscsiXcopy x = {
        .list_id = 1, .usage = VSCSI_LIST_ID_DISCARD,
        .n_cscds = 2, .cscd = { vt_cscd(vm, 0), vt_cscd(vm, 1) },
        .n_segments = 1,
        .segment = { {
            .type = VSCSI_SEGMENT_BLOCK, .source_id = 0, .dest_id = 1,
            .blocks = 8,
        } },
    };

    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0x0a0804);
    x.segment[0].source_id = 1;
    x.segment[0].dest_id = 0;
    g_assert_cmphex(vt_xcopy(vm, 1, &x), ==, 0x0a0804);
    vt_free(vm);
}

/* --------------------------------------------- attached in the middle */

/*
 * A node that has a device cannot be inserted; one above the same node can, and
 * in another thread one of the same file
 */
static void ide_cd(VtVm *vm, bool other_thread)
{
    if (other_thread) {
        vt_arg(vm, "-blockdev driver=file,node-name=medium,read-only=on,"
               "filename=%s", vm->disk[0].path);
    } else {
        vt_arg(vm, "-blockdev driver=raw,node-name=medium,read-only=on,"
               "file=file0");
    }
    vt_arg(vm, "-device ide-cd,id=cd0");
}

static void insert(VtVm *vm)
{
    qtest_qmp_assert_success(
        vm->qts, "{'execute': 'blockdev-open-tray', 'arguments': "
        "{'id': 'cd0', 'force': true}}");
    qtest_qmp_assert_success(
        vm->qts, "{'execute': 'blockdev-insert-medium', 'arguments': "
        "{'id': 'cd0', 'node-name': 'medium'}}");
}

/* The first command of a LUN whose verdict has changed */
static void check_attention(VtVm *vm, unsigned disk)
{
    uint8_t cdb[16] = { TEST_UNIT_READY };
    VtCmd *cmd = vt_send(vm, disk, cdb, NULL, 0, 0);

    g_assert_cmphex(vt_end(cmd), ==, VSCSI_SENSE_UA_INQUIRY_CHANGED);
}

static void attached_in_the_middle(const char *iothread)
{
    VtVm *vm = vt_new();
    uint8_t token[VSCSI_ROD_TOKEN_LEN];
    VscsiPt pt = vt_pt(0, 8);

    if (iothread) {
        vt_arg(vm, "-object iothread,id=io0");
    }
    vt_hba(vm, iothread);
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .read_only = true });
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE });
    ide_cd(vm, iothread);
    vt_boot(vm);
    check_served(vm, 0);
    vt_token(vm, 0, 0, 8, token);
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, 0);
    insert(vm);

    /* no one has looked since: the token itself makes it */
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, CANCELLED);
    check_attention(vm, 0);
    check_refused(vm, 0, "'cd0'");
    check_host_refused(vm, "raw0", "raw1", "'cd0'");

    qtest_qmp_assert_success(
        vm->qts, "{'execute': 'blockdev-remove-medium', 'arguments': "
        "{'id': 'cd0'}}");
    /* a command that is refused makes the LUN look again */
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, REFUSED);
    check_attention(vm, 0);
    check_served(vm, 0);
    /* cancelled is cancelled */
    g_assert_cmphex(vt_use(vm, 1, token, 0, 8), ==, CANCELLED);
    vt_free(vm);
}

static void test_attached_in_the_middle(void)
{
    attached_in_the_middle(NULL);
}

static void test_attached_in_the_middle_with_iothread(void)
{
    attached_in_the_middle("iothread=io0");
}

static void test_populate_finds_it_first(void)
{
    VtVm *vm = vt_new();
    VscsiPt pt = vt_pt(0, 8);

    vt_hba(vm, NULL);
    vt_disk(vm, &(VtDiskConf) { .size = DISK_SIZE, .read_only = true });
    ide_cd(vm, false);
    vt_boot(vm);
    check_served(vm, 0);
    insert(vm);
    g_assert_cmphex(vt_populate(vm, 0, 1, &pt), ==, REFUSED);
    check_attention(vm, 0);
    check_refused(vm, 0, "'cd0'");
    vt_free(vm);
}

int main(int argc, char **argv)
{
    g_autofree char *img = NULL;

    g_test_init(&argc, &argv, NULL);
    if (getenv("QTEST_QEMU_BINARY")) {
        g_autofree char *dir = g_path_get_dirname(getenv("QTEST_QEMU_BINARY"));

        /* for mkimg() */
        img = g_build_filename(dir, "qemu-img", NULL);
        g_setenv("QTEST_QEMU_IMG", img, false);
    }
    qtest_add_func("/vscsi/ide/vhdx-first-on-vscsi-then-on-ide",
                   test_vhdx_first_on_vscsi_then_on_ide);
    qtest_add_func("/vscsi/ide/vhdx-first-on-vscsi-then-on-ahci",
                   test_vhdx_first_on_vscsi_then_on_ahci);
    qtest_add_func("/vscsi/ide/without-ide-device", test_without_ide_device);
    qtest_add_func("/vscsi/ide/ide-device-with-another-image",
                   test_ide_device_with_another_image);
    qtest_add_func("/vscsi/ide/below-a-filter-on-ide",
                   test_below_a_filter_on_ide);
    qtest_add_func("/vscsi/ide/backing-file-of-a-disk-on-ide",
                   test_backing_file_of_a_disk_on_ide);
    qtest_add_func("/vscsi/ide/same-file-by-another-node",
                   test_same_file_by_another_node);
    qtest_add_func("/vscsi/ide/ide-device-without-id",
                   test_ide_device_without_id);
    qtest_add_func("/vscsi/ide/plugged-while-attached",
                   test_plugged_while_attached);
    qtest_add_func("/vscsi/ide/packet-to-ide-cd", test_packet_to_ide_cd);
    qtest_add_func("/vscsi/ide/packet-to-ide-hd", test_packet_to_ide_hd);
    qtest_add_func("/vscsi/ide/unreachable-as-cscd", test_unreachable_as_cscd);
    qtest_add_func("/vscsi/ide/attached-in-the-middle",
                   test_attached_in_the_middle);
    qtest_add_func("/vscsi/ide/attached-in-the-middle-with-iothread",
                   test_attached_in_the_middle_with_iothread);
    qtest_add_func("/vscsi/ide/populate-finds-it-first",
                   test_populate_finds_it_first);
    return g_test_run();
}
