/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals: they stay blocked but while this file sleeps.  A signal during
 * SG_IO on /dev/sgX would make the ioctl return while the command goes on in
 * the kernel; blocked, it is found pending when the command has ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <dirent.h>
#include <linux/fs.h>
#include <scsi/sg.h>

#include "sg.h"

#define SG_VERSION_3 30000

/* Kernel interface that the C library's headers leave out. */
#ifndef SCSI_IOCTL_GET_IDLUN
#define SCSI_IOCTL_GET_IDLUN 0x5382
#endif
#ifndef SCSI_IOCTL_GET_BUS_NUMBER
#define SCSI_IOCTL_GET_BUS_NUMBER 0x5386
#endif

struct OdxNode {
    char *path;             /* as it was opened */
    char address[64];       /* host:channel:target:LUN; "" unknown */
    int fd;                 /* SG_IO goes here */
    int hold_fd;            /* the disk's block device, or -1 */
    bool block;             /* @fd is a block device */
    bool whole_unknown;     /* sysfs could not tell disk from partition */
    bool in_use;
};

static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
    (void)number;
    signalled = 1;
}

static bool sg_exists(OdxTransport *t, const char *path)
{
    struct stat st;

    (void)t;
    return stat(path, &st) == 0;
}

static uint64_t sg_now_ms(OdxTransport *t)
{
    struct timespec ts;

    (void)t;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void sg_sleep_ms(OdxTransport *t, uint64_t ms)
{
    struct timespec ts = {
        .tv_sec = (time_t)(ms / 1000),
        .tv_nsec = (long)(ms % 1000) * 1000000,
    };
    sigset_t none;

    (void)t;
    sigemptyset(&none);
    (void)ppoll(NULL, 0, &ts, &none);
}

static bool sg_interrupted(OdxTransport *t)
{
    sigset_t pending;

    (void)t;
    if (signalled) {
        return true;
    }
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 ||
            sigismember(&pending, SIGTERM) == 1 ||
            sigismember(&pending, SIGHUP) == 1);
}

static uint32_t sg_random(OdxTransport *t)
{
    uint32_t n;

    if (getrandom(&n, sizeof(n), GRND_NONBLOCK) != sizeof(n)) {
        n = (uint32_t)getpid() << 12 ^ (uint32_t)sg_now_ms(t);
    }
    return n;
}

/* What the host adapter's driver says when a command got nowhere. */
static const char *host_status_text(unsigned status)
{
    switch (status) {
    case 0x01:
        return "no connection to the disk";
    case 0x02:
        return "the bus stayed busy";
    case 0x03:
        return "the command timed out and was aborted (see "
               "--command-timeout, or use --immed)";
    case 0x04:
        return "there is no such target";
    case 0x05:
        return "the command was aborted";
    case 0x07:
        return "internal error of the host adapter";
    case 0x08:
        return "the bus or the disk was reset";
    default:
        return "the host adapter reports an error";
    }
}

static int sg_execute(OdxTransport *t, OdxNode *node, OdxCommand *cmd,
                      OdxError *err)
{
    struct sg_io_hdr io = {
        .interface_id = 'S',
        .dxfer_direction = cmd->direction == ODX_NO_DATA ? SG_DXFER_NONE :
                           cmd->direction == ODX_FROM_DEVICE ?
                           SG_DXFER_FROM_DEV : SG_DXFER_TO_DEV,
        .cmd_len = cmd->cdb_length,
        .mx_sb_len = sizeof(cmd->sense),
        .dxfer_len = cmd->length,
        .dxferp = cmd->data,
        .cmdp = cmd->cdb,
        .sbp = cmd->sense,
        .timeout = cmd->timeout_ms,
    };

    (void)t;
    if (ioctl(node->fd, SG_IO, &io) < 0) {
        int e = errno;

        return odx_fail(err, ODX_IO, "%s: SG_IO failed for operation code "
                        "%02Xh: %s%s", node->path, cmd->cdb[0], strerror(e),
                        e == EPERM || e == EACCES ?
                        ". Run odxcopy as root (CAP_SYS_RAWIO)." : "");
    }
    if (io.host_status) {
        return odx_fail(err, ODX_IO, "%s: operation code %02Xh: %s (host "
                        "status %02Xh)", node->path, cmd->cdb[0],
                        host_status_text(io.host_status), io.host_status);
    }
    cmd->status = io.status;
    cmd->sense_length = io.sb_len_wr;
    cmd->transferred = cmd->length;
    if (io.resid > 0) {
        cmd->transferred = (uint32_t)io.resid <= cmd->length ?
                           cmd->length - (uint32_t)io.resid : 0;
    }
    /* the driver's own trouble, where there is no sense data beside it */
    if (io.status == 0 && (io.driver_status & 0x07)) {
        return odx_fail(err, ODX_IO, "%s: operation code %02Xh: the driver "
                        "reports an error (driver status %02Xh)",
                        node->path, cmd->cdb[0], io.driver_status);
    }
    return 0;
}

/* The SCSI address is the name of what "device" points to in sysfs. */
static void find_address(OdxNode *node, const struct stat *st)
{
    char path[128], target[256];
    const char *base;
    ssize_t n;

    snprintf(path, sizeof(path), "/sys/dev/%s/%u:%u/device",
             S_ISBLK(st->st_mode) ? "block" : "char", major(st->st_rdev),
             minor(st->st_rdev));
    n = readlink(path, target, sizeof(target) - 1);
    if (n <= 0) {
        return;
    }
    target[n] = '\0';
    base = strrchr(target, '/');
    base = base ? base + 1 : target;
    snprintf(node->address, sizeof(node->address), "%.63s", base);
}

/* The name below /dev of the disk behind /dev/sgX; "" where it has none. */
static void find_block_name(const struct stat *st, char *name, size_t size)
{
    char path[128];
    struct dirent *e;
    DIR *dir;

    name[0] = '\0';
    snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device/block",
             major(st->st_rdev), minor(st->st_rdev));
    dir = opendir(path);
    if (!dir) {
        return;
    }
    while ((e = readdir(dir))) {
        if (e->d_name[0] != '.') {
            snprintf(name, size, "/dev/%s", e->d_name);
            break;
        }
    }
    closedir(dir);
}

static int refuse_partition(OdxNode *node, const char *path,
                            const struct stat *st, OdxError *err)
{
    char name[128];
    unsigned long long start = 0;
    FILE *f;

    snprintf(name, sizeof(name), "/sys/dev/block/%u:%u",
             major(st->st_rdev), minor(st->st_rdev));
    if (access(name, F_OK) < 0) {
        node->whole_unknown = true;
        return 0;
    }
    snprintf(name, sizeof(name), "/sys/dev/block/%u:%u/partition",
             major(st->st_rdev), minor(st->st_rdev));
    if (access(name, F_OK) < 0) {
        return 0;
    }
    snprintf(name, sizeof(name), "/sys/dev/block/%u:%u/start",
             major(st->st_rdev), minor(st->st_rdev));
    f = fopen(name, "re");
    if (f) {
        if (fscanf(f, "%llu", &start) != 1) {
            start = 0;
        }
        fclose(f);
    }
    return odx_fail(err, ODX_USAGE, "%s is a partition; tokens are for whole "
                    "disks. Give the disk and the offset at which the "
                    "partition starts, %llu.", path, start * 512);
}

/* Holds the disk @block_name, so that nobody mounts it meanwhile. */
static int hold(OdxNode *node, const char *path, const char *block_name,
                bool force, OdxError *err)
{
    node->hold_fd = open(block_name,
                         O_RDWR | O_EXCL | O_CLOEXEC | O_NONBLOCK);
    if (node->hold_fd >= 0) {
        return 0;
    }
    if (force) {
        node->hold_fd = open(block_name, O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (node->hold_fd >= 0) {
            return 0;
        }
    }
    if (errno == EBUSY) {
        return odx_fail(err, ODX_UNSAFE, "%s is in use: mounted, swapped to, "
                        "or part of a volume group, RAID or multipath "
                        "device. Unmount it, or give --force if you are "
                        "sure.", path);
    }
    if (errno == EROFS || errno == EACCES) {
        return odx_fail(err, ODX_CANNOT, "%s is write-protected, or you may "
                        "not write to it. Attach the disk writable, and run "
                        "odxcopy as root.", path);
    }
    return odx_fail(err, ODX_IO, "%s: cannot open %s for writing: %s", path,
                    block_name, strerror(errno));
}

static int open_block(OdxNode *node, const char *path, OdxAccess access,
                      bool force, const struct stat *st, OdxError *err)
{
    int probe;

    node->block = true;
    if (refuse_partition(node, path, st, err) < 0) {
        return -1;
    }
    if (access == ODX_WRITE) {
        if (hold(node, path, path, force, err) < 0) {
            return -1;
        }
        node->fd = node->hold_fd;
        return 0;
    }
    probe = open(path, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
    if (probe >= 0) {
        close(probe);
    } else {
        node->in_use = errno == EBUSY;
    }
    node->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    node->hold_fd = node->fd;
    if (node->fd < 0) {
        return odx_fail(err, ODX_IO, "%s: %s", path, strerror(errno));
    }
    return 0;
}

static int open_generic(OdxNode *node, const char *path, OdxAccess access,
                        bool force, const struct stat *st, OdxError *err)
{
    char block_name[300];

    find_block_name(st, block_name, sizeof(block_name));
    if (block_name[0] && access == ODX_WRITE &&
        hold(node, path, block_name, force, err) < 0) {
        return -1;
    }
    if (block_name[0] && access == ODX_READ) {
        int probe = open(block_name,
                         O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);

        node->in_use = probe < 0 && errno == EBUSY;
        if (probe >= 0) {
            close(probe);
        }
        /* only to write its cache back; without it there is none */
        node->hold_fd = open(block_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    }
    node->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (node->fd < 0) {
        return odx_fail(err, ODX_IO, "%s: %s", path, strerror(errno));
    }
    return 0;
}

static void sg_close(OdxTransport *t, OdxNode *node)
{
    (void)t;
    if (node->fd >= 0) {
        close(node->fd);
    }
    if (node->hold_fd >= 0 && node->hold_fd != node->fd) {
        close(node->hold_fd);
    }
    free(node->path);
    free(node);
}

static int open_by_type(OdxNode *node, const char *path, OdxAccess access,
                        bool force, OdxError *err)
{
    struct stat st;
    int version = 0, ret;

    if (stat(path, &st) < 0) {
        return odx_fail(err, ODX_IO, "%s: %s", path, strerror(errno));
    }
    if (S_ISBLK(st.st_mode)) {
        ret = open_block(node, path, access, force, &st, err);
    } else if (S_ISCHR(st.st_mode)) {
        ret = open_generic(node, path, access, force, &st, err);
    } else {
        return odx_fail(err, ODX_USAGE, "%s is not a disk. Give a SCSI disk, "
                        "/dev/sdX or /dev/sgX.", path);
    }
    if (ret == 0 && (ioctl(node->fd, SG_GET_VERSION_NUM, &version) < 0 ||
                     version < SG_VERSION_3)) {
        return odx_fail(err, ODX_CANNOT, "%s is not a SCSI disk. NVMe, "
                        "virtio-blk and loop devices know no tokens; give "
                        "/dev/sdX or /dev/sgX.", path);
    }
    find_address(node, &st);
    return ret;
}

static int sg_open(OdxTransport *t, const char *path, OdxAccess access,
                   bool force, OdxNode **out, OdxError *err)
{
    OdxNode *node = calloc(1, sizeof(*node));

    if (!node) {
        return odx_fail(err, ODX_IO, "out of memory");
    }
    node->fd = -1;
    node->hold_fd = -1;
    node->path = strdup(path);
    if (!node->path) {
        free(node);
        return odx_fail(err, ODX_IO, "out of memory");
    }
    if (open_by_type(node, path, access, force, err) < 0) {
        sg_close(t, node);
        return -1;
    }
    *out = node;
    return 0;
}

static int sg_settle(OdxTransport *t, OdxNode *node, OdxError *err)
{
    (void)t;
    if (node->hold_fd < 0) {
        return 0;
    }
    if (fsync(node->hold_fd) < 0 && errno != EROFS && errno != EINVAL) {
        return odx_fail(err, ODX_IO, "%s: cannot write back what is cached "
                        "of the disk: %s", node->path, strerror(errno));
    }
    /* Needs CAP_SYS_ADMIN, which SG_IO's user has; else pages age out. */
    (void)ioctl(node->hold_fd, BLKFLSBUF, 0);
    return 0;
}

static bool sg_in_use(OdxTransport *t, OdxNode *node)
{
    (void)t;
    return node->in_use;
}

static uint64_t sg_size(OdxTransport *t, OdxNode *node)
{
    uint64_t size = 0;

    (void)t;
    if (node->block && node->whole_unknown &&
        ioctl(node->fd, BLKGETSIZE64, &size) < 0) {
        return 0;
    }
    return size;
}

static bool sg_same_address(OdxTransport *t, OdxNode *a, OdxNode *b)
{
    /* target, LUN, channel and host; the second word is the host's own */
    uint32_t id[2][2];
    int host[2];

    (void)t;
    if (a->address[0] && b->address[0]) {
        return strcmp(a->address, b->address) == 0;
    }
    return ioctl(a->fd, SCSI_IOCTL_GET_IDLUN, id[0]) == 0 &&
           ioctl(b->fd, SCSI_IOCTL_GET_IDLUN, id[1]) == 0 &&
           ioctl(a->fd, SCSI_IOCTL_GET_BUS_NUMBER, &host[0]) == 0 &&
           ioctl(b->fd, SCSI_IOCTL_GET_BUS_NUMBER, &host[1]) == 0 &&
           id[0][0] == id[1][0] && host[0] == host[1];
}

OdxTransport *odx_sg_transport(void)
{
    static OdxTransport transport = {
        .exists = sg_exists,
        .open = sg_open,
        .close = sg_close,
        .execute = sg_execute,
        .settle = sg_settle,
        .in_use = sg_in_use,
        .size = sg_size,
        .same_address = sg_same_address,
        .now_ms = sg_now_ms,
        .sleep_ms = sg_sleep_ms,
        .interrupted = sg_interrupted,
        .random = sg_random,
    };

    return &transport;
}

void odx_sg_catch_signals(void)
{
    struct sigaction action = {
        .sa_handler = on_signal,
        .sa_flags = SA_RESETHAND,
    };
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}
