# SPDX-License-Identifier: GPL-2.0-or-later
"""What is attached to the IDE emulation takes no part in token copies.

The guest's own ATA driver answers 83h and 84h for a hard disk itself.  For
a CD drive it ends them as too long for a PACKET command of 12 bytes, so a
guest with another driver is played by the qtest of the IDE emulation.

There is no test of an AHCI disk: its answer is the driver's as well, and the
firmware of Debian 12 waits 32 s for it.
"""

from kit import MIB, expect
from vm import GuestError

COMMANDS = '''
. /lib/token.sh
load_modules ide
refuses() {
    raw $2 83 10 0 0 0 0 0 0 0 1 0 0 0 0 0 0
    equal $1_83 "$SENSE" "$3"
    raw -s 32 -i /dev/zero $2 83 11 0 0 0 0 0 0 0 1 0 0 0 20 0 0
    equal $1_83_data "$SENSE" "$3"
    raw -r 512 $2 84 7 0 0 0 0 0 0 0 1 0 0 2 0 0 0
    equal $1_84 "$SENSE" "$3"
}
'''
NAMES = ['83', '83_data', '84']

DISK = COMMANDS + '''
disk=/dev/$(ls /sys/class/scsi_host/host*/device/target*/*/block/ | grep sd)
wait_for 5 test -b $disk
refuses disk $(sg_of $disk) 5/20/00
check no_third_party_copy sh -c "sg_inq $(sg_of $disk) | grep -q '3PC=0'"
check reads dd if=$disk of=/dev/null bs=64k
'''

CD = COMMANDS + '''
wait_for 5 test -b /dev/sr0
refuses cd $(sg_of /dev/sr0) 'error 99'
check no_third_party_copy sh -c "sg_inq $(sg_of /dev/sr0) | grep -q '3PC=0'"
check reads dd if=/dev/sr0 of=/dev/null bs=64k
'''


def disk_refuses(kit, fmt, path):
    with kit.guest(DISK) as guest:
        node = guest.node(path, fmt)
        guest.add('-device', f'ide-hd,drive={node},bus=ide.0')
        guest.start()
        guest.finish([f'disk_{n}' for n in NAMES] +
                     ['reads', 'no_third_party_copy'])


def cd_refuses(kit, machine):
    path = kit.stamped('a', 4 * MIB)
    with kit.guest(CD, machine=machine) as guest:
        node = guest.node(path)
        guest.add('-device', f'ide-cd,drive={node},bus=ide.1')
        guest.start()
        guest.finish([f'cd_{n}' for n in NAMES] +
                     ['reads', 'no_third_party_copy'])


def test_a_piix_disk_refuses_third_party_copy(kit):
    disk_refuses(kit, 'raw', kit.stamped('a', 4 * MIB))


def test_a_piix_cd_refuses_third_party_copy(kit):
    cd_refuses(kit, 'pc')


def test_an_ahci_cd_refuses_third_party_copy(kit):
    cd_refuses(kit, 'q35')


def test_a_vhdx_works_on_vscsi_and_is_refused_on_ide(kit):
    """One file: first a LUN that makes a token, then an IDE disk."""
    path = kit.stamped('a', 4 * MIB, 'vhdx')
    script = '''
. /lib/token.sh
populate $(sg_of $(lun 0 0)) 1 0 0 64
equal populated "$SENSE" good
'''
    with kit.guest(script) as guest:
        guest.controller('vs0')
        guest.lun(path, 'vhdx')
        guest.start()
        guest.finish(['populated'])
    disk_refuses(kit, 'vhdx', path)


def refused_on_the_host(kit, device):
    """blockdev-offload-copy refuses both directions, and says why."""
    on_ide = kit.stamped('a', 4 * MIB)
    free = kit.image('b', 4 * MIB)
    with kit.guest('sync_host up') as guest:
        node = guest.node(on_ide)
        other = guest.node(free)
        guest.add('-device', f'{device},drive={node},bus=ide.0')
        guest.start()
        guest.wait_sync('up')
        for source, target in ((node, other), (other, node)):
            try:
                guest.qmp('blockdev-offload-copy', job_id='copy',
                          source=source, target=target)
            except GuestError as e:
                expect('IDE' in str(e), f'refused with other words: {e}')
            else:
                raise GuestError(f'a copy from {source} to {target} started')
        guest.answer()
        guest.finish()


def test_the_host_copies_nothing_from_or_to_an_ide_disk(kit):
    refused_on_the_host(kit, 'ide-hd')


def test_the_host_copies_nothing_from_or_to_an_ide_cd(kit):
    refused_on_the_host(kit, 'ide-cd')
