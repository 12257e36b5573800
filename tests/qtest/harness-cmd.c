/*
 * vscsi qtests: commands through the virtqueues, and data of the disks
 *
 * A command's request header, data-out, response and data-in lie in one piece
 * of guest memory, in that order, each in a descriptor of its own.  libqos only
 * counts the descriptors of a queue upwards; here they are used in groups of
 * CHAIN_MAX, so that a command can stay while others come and go.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "scsi/constants.h"
#include "harness.h"
#include "standard-headers/linux/virtio_scsi.h"

#define CHAIN_MAX 4

static QVirtioDevice *hba_vdev(VtVm *vm, unsigned hba)
{
    return &vm->hba[hba].pci->vdev;
}

static void put_lun(VtVm *vm, unsigned disk, uint8_t lun[8])
{
    memset(lun, 0, 8);
    lun[0] = 1;
    lun[1] = vm->disk[disk].target;
    lun[2] = 0x40;
}

static VtCmd *cmd_new(VtVm *vm, unsigned disk, unsigned vq, size_t in_len)
{
    VtCmd *cmd = g_new0(VtCmd, 1);

    cmd->vm = vm;
    cmd->hba = vm->disk[disk].hba;
    cmd->vq = vq;
    cmd->tag = ++vm->last_tag;
    cmd->in_len = in_len;
    cmd->in = g_malloc0(MAX(in_len, 1));
    return cmd;
}

/* Let libqos take its next descriptors from a group that is free */
static void find_chain(VtHba *hba, unsigned q)
{
    QVirtQueue *vq = hba->vq[q];
    unsigned head = 0;

    while (hba->pending[q][head]) {
        head += CHAIN_MAX;
        g_assert_cmpuint(head, <, VT_RING);
    }
    qvirtqueue_reset_pool(vq);
    vq->free_head = head;
}

/* Put it in the ring and tell the device */
static void cmd_go(VtCmd *cmd, const void *req, size_t req_len,
                   const void *out, size_t out_len, size_t resp_len)
{
    VtVm *vm = cmd->vm;
    VtHba *hba = &vm->hba[cmd->hba];
    QVirtQueue *vq = hba->vq[cmd->vq];
    uint32_t head;

    find_chain(hba, cmd->vq);
    cmd->mem = guest_alloc(&vm->qos->alloc,
                           req_len + out_len + resp_len + cmd->in_len);
    cmd->resp = cmd->mem + req_len + out_len;
    qtest_bufwrite(vm->qts, cmd->mem, req, req_len);
    if (out_len) {
        qtest_bufwrite(vm->qts, cmd->mem + req_len, out, out_len);
    }
    qtest_memset(vm->qts, cmd->resp, 0xff, resp_len);

    head = qvirtqueue_add(vm->qts, vq, cmd->mem, req_len, false, true);
    if (out_len) {
        qvirtqueue_add(vm->qts, vq, cmd->mem + req_len, out_len, false, true);
    }
    qvirtqueue_add(vm->qts, vq, cmd->resp, resp_len, true, cmd->in_len > 0);
    if (cmd->in_len) {
        qvirtqueue_add(vm->qts, vq, cmd->resp + resp_len, cmd->in_len, true,
                       false);
    }
    hba->pending[cmd->vq][head] = cmd;
    qvirtqueue_kick(vm->qts, hba_vdev(vm, cmd->hba), vq, head);
}

VtCmd *vt_send(VtVm *vm, unsigned disk, const uint8_t *cdb, const void *out,
               size_t out_len, size_t in_len)
{
    VtCmd *cmd = cmd_new(vm, disk, 2 + vm->queue, in_len);
    struct virtio_scsi_cmd_req req = { .tag = cpu_to_le64(cmd->tag) };

    put_lun(vm, disk, req.lun);
    memcpy(req.cdb, cdb, VSCSI_CDB_LEN);
    cmd_go(cmd, &req, sizeof(req), out, out_len,
           sizeof(struct virtio_scsi_cmd_resp));
    return cmd;
}

VtCmd *vt_send_tmf(VtVm *vm, unsigned disk, uint32_t subtype, uint64_t tag)
{
    VtCmd *cmd = cmd_new(vm, disk, 0, 0);
    struct virtio_scsi_ctrl_tmf_req req = {
        .type = cpu_to_le32(VIRTIO_SCSI_T_TMF),
        .subtype = cpu_to_le32(subtype),
        .tag = cpu_to_le64(tag),
    };

    put_lun(vm, disk, req.lun);
    cmd_go(cmd, &req, sizeof(req), NULL, 0,
           sizeof(struct virtio_scsi_ctrl_tmf_resp));
    return cmd;
}

static void cmd_judge(VtCmd *cmd, const struct virtio_scsi_cmd_resp *resp)
{
    cmd->response = resp->response;
    cmd->status = resp->status;
    cmd->residual = le32_to_cpu(resp->resid);
    if (cmd->response != VIRTIO_SCSI_S_OK) {
        cmd->outcome = VT_RESPONSE | cmd->response;
    } else if (cmd->status == CHECK_CONDITION) {
        uint32_t len = le32_to_cpu(resp->sense_len);

        g_assert_cmpuint(len, <=, sizeof(resp->sense));
        g_assert_true(vscsi_sense_decode_fixed(resp->sense, len, &cmd->sense));
        cmd->outcome = vscsi_sense_code(&cmd->sense);
    } else {
        cmd->outcome = cmd->status ? VT_STATUS | cmd->status : 0;
    }
}

/* The device is done with it */
static void cmd_ended(VtCmd *cmd)
{
    VtVm *vm = cmd->vm;
    struct virtio_scsi_cmd_resp resp;

    if (cmd->vq == 0) {
        cmd->response = qtest_readb(vm->qts, cmd->resp);
        cmd->outcome = VT_RESPONSE | cmd->response;
    } else {
        qtest_bufread(vm->qts, cmd->resp, &resp, sizeof(resp));
        cmd_judge(cmd, &resp);
        if (cmd->in_len) {
            qtest_bufread(vm->qts, cmd->resp + sizeof(resp), cmd->in,
                          cmd->in_len);
        }
    }
    guest_free(&vm->qos->alloc, cmd->mem);
    cmd->ended = true;
}

static void reap(VtVm *vm, unsigned n, unsigned q)
{
    VtHba *hba = &vm->hba[n];
    uint32_t head;

    while (qvirtqueue_get_buf(vm->qts, hba->vq[q], &head, NULL)) {
        VtCmd *cmd = hba->pending[q][head];

        /* an element that is returned twice, or that was never sent */
        g_assert_nonnull(cmd);
        hba->pending[q][head] = NULL;
        cmd_ended(cmd);
    }
}

bool vt_ended(VtCmd *cmd)
{
    if (!cmd->ended) {
        reap(cmd->vm, cmd->hba, cmd->vq);
    }
    return cmd->ended;
}

uint32_t vt_wait(VtCmd *cmd)
{
    gint64 start = g_get_monotonic_time();
    unsigned rounds = 0;

    while (!vt_ended(cmd)) {
        g_assert_cmpint(g_get_monotonic_time() - start, <, VT_GUARD_US);
        if (cmd->vm->step_ns) {
            qtest_clock_step(cmd->vm->qts, cmd->vm->step_ns);
        }
        if (++rounds > 20) {
            g_usleep(200);
        }
    }
    return cmd->outcome;
}

void vt_cmd_free(VtCmd *cmd)
{
    g_assert_true(cmd->ended);
    g_free(cmd->in);
    g_free(cmd);
}

uint32_t vt_end(VtCmd *cmd)
{
    uint32_t outcome = vt_wait(cmd);

    vt_cmd_free(cmd);
    return outcome;
}

uint32_t vt_tmf(VtVm *vm, unsigned disk, uint32_t subtype, uint64_t tag)
{
    return vt_end(vt_send_tmf(vm, disk, subtype, tag));
}

uint32_t vt_in(VtVm *vm, unsigned disk, const uint8_t *cdb, void *in,
               size_t in_len)
{
    g_autoptr(VtCmd) cmd = vt_send(vm, disk, cdb, NULL, 0, in_len);

    vt_wait(cmd);
    memcpy(in, cmd->in, in_len);
    return cmd->outcome;
}

uint32_t vt_out(VtVm *vm, unsigned disk, const uint8_t *cdb, const void *out,
                size_t out_len)
{
    return vt_end(vt_send(vm, disk, cdb, out, out_len, 0));
}

uint32_t vt_test_unit_ready(VtVm *vm, unsigned disk)
{
    const uint8_t cdb[VSCSI_CDB_LEN] = { TEST_UNIT_READY };

    return vt_out(vm, disk, cdb, NULL, 0);
}

static void cdb_rw16(uint8_t *cdb, uint8_t opcode, uint64_t lba,
                     uint32_t blocks)
{
    memset(cdb, 0, VSCSI_CDB_LEN);
    cdb[0] = opcode;
    stq_be_p(cdb + 2, lba);
    stl_be_p(cdb + 10, blocks);
}

uint32_t vt_read(VtVm *vm, unsigned disk, uint64_t lba, uint32_t blocks,
                 void *buf)
{
    uint8_t cdb[VSCSI_CDB_LEN];

    cdb_rw16(cdb, READ_16, lba, blocks);
    return vt_in(vm, disk, cdb, buf, (size_t)blocks * vm->disk[disk].block);
}

VtCmd *vt_send_write(VtVm *vm, unsigned disk, uint64_t lba, uint32_t blocks,
                     const void *buf)
{
    uint8_t cdb[VSCSI_CDB_LEN];

    cdb_rw16(cdb, WRITE_16, lba, blocks);
    return vt_send(vm, disk, cdb, buf, (size_t)blocks * vm->disk[disk].block,
                   0);
}

uint32_t vt_write(VtVm *vm, unsigned disk, uint64_t lba, uint32_t blocks,
                  const void *buf)
{
    return vt_end(vt_send_write(vm, disk, lba, blocks, buf));
}

uint32_t vt_write_same(VtVm *vm, unsigned disk, uint64_t lba, uint32_t blocks)
{
    g_autofree uint8_t *zeroes = g_malloc0(vm->disk[disk].block);
    uint8_t cdb[VSCSI_CDB_LEN];

    cdb_rw16(cdb, WRITE_SAME_16, lba, blocks);
    return vt_out(vm, disk, cdb, zeroes, vm->disk[disk].block);
}

uint32_t vt_unmap(VtVm *vm, unsigned disk, uint64_t lba, uint32_t blocks)
{
    const uint8_t cdb[VSCSI_CDB_LEN] = { UNMAP, [8] = 24 };
    uint8_t list[24] = { [1] = 22, [3] = 16 };

    stq_be_p(list + 8, lba);
    stl_be_p(list + 16, blocks);
    return vt_out(vm, disk, cdb, list, sizeof(list));
}

uint32_t vt_inquiry(VtVm *vm, unsigned disk, int page, void *buf,
                    uint16_t alloc)
{
    uint8_t cdb[VSCSI_CDB_LEN] = { INQUIRY, page >= 0, MAX(page, 0) };

    stw_be_p(cdb + 3, alloc);
    return vt_in(vm, disk, cdb, buf, alloc);
}

/* ------------------------------------------------------ data of the disks */

void vt_pattern(void *buf, uint64_t offset, size_t len, uint32_t seed)
{
    uint8_t *p = buf;

    g_assert_cmpuint(offset % 8, ==, 0);
    g_assert_cmpuint(len % 8, ==, 0);
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = (offset + i + 1) * 0x9e3779b97f4a7c15ull;

        /* never zero: a hole must not look like it */
        stq_le_p(p + i, (word ^ (uint64_t)seed << 32) | 1);
    }
}

void vt_fill(VtVm *vm, unsigned disk, uint64_t offset, uint64_t len,
             uint32_t seed)
{
    g_autofree uint8_t *buf = g_malloc(1 * MiB);
    int fd = open(vm->disk[disk].path, O_RDWR);

    g_assert_cmpint(fd, >=, 0);
    for (uint64_t at = 0; at < len; at += 1 * MiB) {
        size_t n = MIN(1 * MiB, len - at);

        vt_pattern(buf, offset + at, n, seed);
        g_assert_cmpint(pwrite(fd, buf, n, offset + at), ==, n);
    }
    close(fd);
}

/* @seed NULL: zeroes */
static bool file_has(VtVm *vm, unsigned disk, uint64_t offset, uint64_t len,
                     const uint32_t *seed, uint64_t from)
{
    g_autofree uint8_t *want = g_malloc0(1 * MiB);
    g_autofree uint8_t *have = g_malloc(1 * MiB);
    int fd = open(vm->disk[disk].path, O_RDONLY);
    bool same = true;

    g_assert_cmpint(fd, >=, 0);
    for (uint64_t at = 0; same && at < len; at += 1 * MiB) {
        size_t n = MIN(1 * MiB, len - at);

        if (seed) {
            vt_pattern(want, from + at, n, *seed);
        }
        g_assert_cmpint(pread(fd, have, n, offset + at), ==, n);
        same = memcmp(want, have, n) == 0;
    }
    close(fd);
    return same;
}

bool vt_has(VtVm *vm, unsigned disk, uint64_t offset, uint64_t len,
            uint32_t seed, uint64_t from)
{
    return file_has(vm, disk, offset, len, &seed, from);
}

bool vt_has_zeroes(VtVm *vm, unsigned disk, uint64_t offset, uint64_t len)
{
    return file_has(vm, disk, offset, len, NULL, 0);
}

/* SHA-256 of the file of a disk */
static char *disk_sum(VtVm *vm, unsigned disk)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree uint8_t *buf = g_malloc(1 * MiB);
    int fd = open(vm->disk[disk].path, O_RDONLY);
    ssize_t n;

    g_assert_cmpint(fd, >=, 0);
    while ((n = read(fd, buf, 1 * MiB)) > 0) {
        g_checksum_update(sum, buf, n);
    }
    g_assert_cmpint(n, ==, 0);
    close(fd);
    return g_strdup(g_checksum_get_string(sum));
}

bool vt_is_quiet(VtVm *vm, unsigned disk)
{
    g_autofree char *before = disk_sum(vm, disk);
    g_autofree char *after = NULL;

    for (int i = 0; i < 10; i++) {
        if (!vm->stopped) {
            qtest_clock_step(vm->qts, 1000000000);
        }
        g_usleep(2000);
    }
    after = disk_sum(vm, disk);
    return g_str_equal(before, after);
}
