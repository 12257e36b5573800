/*
 * Corrects what Debian's ddpt 0.97 sends, to be preloaded into it.
 *
 * It writes the range descriptors of POPULATE TOKEN and WRITE USING TOKEN one
 * byte too early, so that the list length overwrites the first byte of the
 * first one.  Addresses would come out 256 times too large.  Here the
 * descriptors are moved to where the standard has them; the lost byte is the
 * highest of an LBA, and zero on any disk.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <scsi/sg.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    THIRD_PARTY_COPY_OUT = 0x83,
    POPULATE_TOKEN = 0x10,
    WRITE_USING_TOKEN = 0x11,
    MAX_LIST = 8192,
};

/* Where the first range descriptor belongs, or 0 for any other command */
static unsigned first_descriptor(const sg_io_hdr_t *io)
{
    if (io->interface_id != 'S' || io->cmd_len < 16 ||
        io->cmdp[0] != THIRD_PARTY_COPY_OUT) {
        return 0;
    }
    switch (io->cmdp[1] & 0x1f) {
    case POPULATE_TOKEN:
        return 16;
    case WRITE_USING_TOKEN:
        return 536;
    default:
        return 0;
    }
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    sg_io_hdr_t *io;
    unsigned char list[MAX_LIST];
    unsigned first;
    void *data;
    int ret;

    va_start(ap, request);
    io = va_arg(ap, sg_io_hdr_t *);
    va_end(ap);

    first = request == SG_IO ? first_descriptor(io) : 0;
    if (!first || io->dxfer_len <= first + 1 || io->dxfer_len > MAX_LIST) {
        return syscall(SYS_ioctl, fd, request, io);
    }
    data = io->dxferp;
    memcpy(list, data, io->dxfer_len);
    memmove(list + first + 1, list + first, io->dxfer_len - first - 1);
    list[first] = 0;
    io->dxferp = list;
    ret = syscall(SYS_ioctl, fd, request, io);
    io->dxferp = data;
    return ret;
}
