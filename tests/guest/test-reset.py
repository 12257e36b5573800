# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest ends, restarts or resets in the middle of a token copy.

The destination takes 4 MiB a second, so the copy of 16 MiB is certainly
under way when its first block has arrived.
"""

from kit import BLOCK, MIB, expect, same, stamps
from vm import run

SIZE = 16 * MIB

# The first boot starts a copy and does what @END@ says; the second one
# finds disks that work.
SCRIPT = '''
. /lib/token.sh
from=$(lun 0 0)
to=$(lun 0 1)
boot=$(sync_host boot)
if [ "$boot" = first ]; then
    populate $(sg_of $from) 1 0 0 32768
    receive $(sg_of $from) 1 /tmp/answer
    token /tmp/answer /tmp/token
    odxcopy --quiet @IMMED@ $from $to &
    sync_host copying
    @END@
    sleep 100
    exit 1
fi
check reads dd if=$from of=/dev/null bs=1M count=1 iflag=direct
check copies odxcopy --verify $from:0+1M $to:15M
receive $(sg_of $from) 1 /tmp/answer
equal old_result_is_gone "$SENSE" 5/24/00
'''


class Slow:
    """A stamped source and a slow stamped destination."""

    def __init__(self, kit):
        self.kit = kit
        self.source = kit.stamped('source', SIZE)
        self.target = kit.stamped('target', SIZE, seed=2)

    def add(self, guest):
        """Puts both on a controller."""
        guest.controller('vs0')
        guest.lun(self.source, lun=0)
        guest.lun(None, lun=1, node=guest.slow_node(self.target))

    def await_first_block(self):
        """Waits until the copy has begun to arrive."""
        self.kit.until(
            lambda: self.kit.read(self.target, 0, BLOCK) == stamps(0, 1, 1),
            'the copy writes its first block')

    def check_blocks(self, end):
        """Each block up to "end" is as before or copied, none is mixed."""
        old = stamps(0, SIZE // BLOCK, 2)
        new = stamps(0, SIZE // BLOCK, 1)
        got = self.kit.read(self.target, 0, end)
        for at in range(0, end, BLOCK):
            part = slice(at, at + BLOCK)
            expect(got[part] in (old[part], new[part]),
                   f'block {at // BLOCK} is neither old nor copied')


def restarts(kit, end, immed, action=None):
    """Restarts in mid-copy; then everything works again."""
    slow = Slow(kit)
    script = SCRIPT.replace('@END@', end).replace('@IMMED@', immed)
    with kit.guest(script, files=kit.odxcopy(), restarts=True) as guest:
        slow.add(guest)
        guest.start()
        guest.wait_sync('boot')
        guest.answer('first')
        guest.wait_sync('copying')
        slow.await_first_block()
        guest.answer()
        if action:
            guest.qmp(action)
        guest.wait_sync('boot')
        guest.answer('second')
        guest.finish(['reads', 'copies', 'old_result_is_gone'])
    slow.check_blocks(15 * MIB)
    same('copy after the restart', kit.read(slow.target, 15 * MIB, MIB),
         stamps(0, MIB // BLOCK, 1))


def test_the_guest_reboots_in_mid_copy(kit):
    restarts(kit, 'reboot -f', '')


def test_the_guest_reboots_in_mid_copy_asynchronous(kit):
    restarts(kit, 'reboot -f', '--immed')


def test_the_host_resets_the_guest_in_mid_copy(kit):
    restarts(kit, 'true', '', 'system_reset')


def test_the_host_resets_the_guest_in_mid_copy_asynchronous(kit):
    restarts(kit, 'true', '--immed', 'system_reset')


def test_qemu_is_told_to_quit_in_mid_copy(kit):
    """It ends at once, by itself, and leaves a sound image."""
    source = kit.stamped('source', SIZE, 'vhdx')
    target = kit.image('target', SIZE, 'vhdx')
    script = '''
odxcopy --quiet --immed $(lun 0 0) $(lun 0 1) &
usleep 300000
sync_host copying
sleep 100
'''
    with kit.guest(script, files=kit.odxcopy()) as guest:
        guest.controller('vs0')
        guest.lun(source, 'vhdx', lun=0)
        guest.lun(None, lun=1, node=guest.slow_node(target, 'vhdx'))
        guest.start()
        guest.wait_sync('copying')
        guest.qmp('quit')
        guest.wait_qemu()
    kit.check(target, 'vhdx')
    before = stamps(0, SIZE // BLOCK, 1)
    got = kit.read(target, 0, SIZE, 'vhdx')
    for at in range(0, SIZE, BLOCK):
        block = got[at:at + BLOCK]
        expect(block in (bytes(BLOCK), before[at:at + BLOCK]),
               f'block {at // BLOCK} is neither empty nor copied')


def test_a_lun_reset_ends_a_copy(kit):
    """The copy ends with an error that the guest sees; the next one runs."""
    slow = Slow(kit)
    script = '''
from=$(lun 0 0)
to=$(lun 0 1)
odxcopy --strict --immed $from $to >/tmp/copy.out 2>&1 &
copy=$!
sync_host copying
check reset sg_reset --device $(sg_of $to)
wait $copy
check copy_did_not_succeed test $? -ne 0
cat /tmp/copy.out
check next_copy odxcopy --verify $from:0+1M $to:15M
'''
    with kit.guest(script, files=kit.odxcopy()) as guest:
        slow.add(guest)
        guest.start()
        guest.wait_sync('copying')
        slow.await_first_block()
        guest.answer()
        guest.finish(['reset', 'copy_did_not_succeed', 'next_copy'])
    slow.check_blocks(15 * MIB)


def test_the_destination_is_unplugged_in_mid_copy(kit):
    """The copy ends, the disk goes, and the source copies elsewhere."""
    slow = Slow(kit)
    other = kit.image('other', SIZE)
    script = '''
from=$(lun 0 0)
to=$(lun 0 1)
odxcopy --immed $from $to >/tmp/copy.out 2>&1 &
copy=$!
sync_host copying
check copy_ends wait_for 30 test ! -d /proc/$copy
wait $copy
check copy_did_not_succeed test $? -ne 0
cat /tmp/copy.out
check next_copy odxcopy --verify $from $(lun 0 2)
'''
    with kit.guest(script, files=kit.odxcopy()) as guest:
        guest.controller('vs0')
        guest.lun(slow.source, lun=0)
        guest.lun(None, 'raw', 'id=slow', lun=1,
                  node=guest.slow_node(slow.target))
        guest.lun(other, lun=2)
        guest.start()
        guest.wait_sync('copying')
        slow.await_first_block()
        guest.qmp('device_del', id='slow')
        guest.wait_event('DEVICE_DELETED', device='slow')
        guest.answer()
        guest.finish(['copy_ends', 'copy_did_not_succeed', 'next_copy'])
    slow.check_blocks(SIZE)
    run('cmp', slow.source, other)
