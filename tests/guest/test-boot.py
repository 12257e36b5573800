# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest boots from a LUN through the PC BIOS and a boot loader."""

import os
import shutil

import vm
from kit import expect

SCRIPT = '''
disk=$(lun 0 0)
check root_disk_is_there test -b "$disk"
check boot_record_is_ours [ "$(dd if=$disk bs=1 skip=510 count=2 \
    2>/dev/null | od -An -tx1 | tr -d ' ')" = 55aa ]
'''


def boots(kit, target, lun, controller=''):
    """Boots from the LUN, without -kernel; checks which way it came up."""
    image = kit.path('boot.img')
    script = SCRIPT.replace('lun 0 0', f'lun {target} {lun}')
    with kit.guest(script, boot_image=image) as guest:
        guest.controller('vs0', controller)
        guest.lun(image, 'raw', 'bootindex=1', target=target, lun=lun)
        guest.start()
        guest.finish(['root_disk_is_there', 'boot_record_is_ours'])
        console = guest.console()
    expect('SYSLINUX' in console, 'the boot loader did not speak')
    expect('guest.boot=disk' in console,
           'the kernel has not the command line of the boot disk')


def test_boots_from_a_lun_through_seabios(kit):
    boots(kit, 0, 0)


def test_boots_from_a_high_lun(kit):
    boots(kit, 3, 2)


def test_boots_with_the_modern_interface_only(kit):
    boots(kit, 0, 0, 'disable-legacy=on')


def test_boots_the_finished_disk(kit):
    """boot.img as it is: what a user boots by hand."""
    image = kit.path('boot.img')
    shutil.copyfile(os.path.join(vm.GUEST_DIR, 'boot.img'), image)
    with kit.guest(boot_image=image, prepare=False) as guest:
        guest.controller('vs0')
        guest.lun(image, 'raw', 'bootindex=1')
        guest.start()
        guest.finish()
        expect('guest.boot=disk' in guest.console(),
               'the kernel has not the command line of the boot disk')
