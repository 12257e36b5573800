# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a disk image that boots the guest through a PC BIOS.

Layout: a master boot record that starts the active partition; one FAT16
partition at 1 MiB with SYSLINUX, the kernel and the initramfs.  All is done
on the image file by mtools and syslinux, without a mount and without root.
"""

import os
import struct

from .debs import Failure, run

SECTOR = 512
PARTITION_START = 1024 * 1024
FAT16_BOOTABLE = (0x80, 0x0e)

# The BIOS says nothing on the serial console; SYSLINUX does, so that a boot
# that stops early can be seen.  No key is waited for.
CONFIG = '''SERIAL 0 115200
SAY SYSLINUX: booting from the disk
DEFAULT guest
PROMPT 0
TIMEOUT 0
LABEL guest
  LINUX vmlinuz
  INITRD {initrds}
  APPEND {cmdline}
'''


def command_line(extra=''):
    """The kernel's arguments for a guest on the first serial port."""
    return ('console=ttyS0 quiet panic=-1 mitigations=off '
            'no_timer_check tsc=nowatchdog random.trust_cpu=on '
            f'cryptomgr.notests {extra}').strip()


def _partition_table(size):
    status, kind = FAT16_BOOTABLE
    entry = struct.pack('<B3sB3sII', status, b'\xfe\xff\xff', kind,
                        b'\xfe\xff\xff', PARTITION_START // SECTOR,
                        (size - PARTITION_START) // SECTOR)
    return entry + b'\0' * 48 + b'\x55\xaa'


def _mtools(tools, *argv):
    env = dict(os.environ, MTOOLSRC='/dev/null', MTOOLS_SKIP_CHECK='1',
               PATH=f'{tools}/usr/bin:{tools}/bin:' + os.environ['PATH'])
    run(list(argv), env=env)


def make(image, tools, kernel, initrds, cmdline, size=48 * 1024 * 1024):
    """Writes the image.

    tools: a tree with the packages mtools, syslinux and syslinux-common
    unpacked.  initrds: {name on the disk: path}, loaded in this order.
    """
    fat = f'{image}@@{PARTITION_START}'
    mbr = os.path.join(tools, 'usr/lib/SYSLINUX/mbr.bin')
    if not os.path.exists(mbr):
        mbr = os.path.join(tools, 'usr/lib/syslinux/mbr/mbr.bin')
    with open(mbr, 'rb') as f:
        code = f.read()
    if len(code) > 440:
        raise Failure(f'{mbr} is longer than the 440 bytes of a boot record: '
                      'remove build/guest/cache and run this again')
    with open(image, 'wb') as f:
        f.write(code.ljust(446, b'\0') + _partition_table(size))
        f.truncate(size)
    sectors = (size - PARTITION_START) // SECTOR
    _mtools(tools, 'mformat', '-i', fat, '-T', str(sectors), '-h', '16',
            '-s', '63', '-H', str(PARTITION_START // SECTOR), '-v', 'GUEST',
            '::')
    _mtools(tools, 'syslinux', '--install', '--offset', str(PARTITION_START),
            image)
    config = image + '.cfg'
    with open(config, 'w', encoding='ascii') as f:
        f.write(CONFIG.format(initrds=','.join(initrds), cmdline=cmdline))
    try:
        _mtools(tools, 'mcopy', '-i', fat, config, '::syslinux.cfg')
    finally:
        os.unlink(config)
    _mtools(tools, 'mcopy', '-i', fat, kernel, '::vmlinuz')
    for name, path in initrds.items():
        _mtools(tools, 'mcopy', '-i', fat, path, f'::{name}')
