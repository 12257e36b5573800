# SPDX-License-Identifier: GPL-2.0-or-later
"""The virtual machine moves to another QEMU, disks attached.

Storage is shared: both processes open the same files, one after the other.
The format is raw: the vhdx driver does not let a machine move.
"""

from kit import BLOCK, MIB, expect, same, stamps

SIZE = 16 * MIB


class Move:
    """A source and a destination disk, and two QEMUs that share them."""

    def __init__(self, kit, fmt='raw', slow=False):
        self.kit, self.fmt, self.slow = kit, fmt, slow
        self.source = kit.stamped('source', SIZE, fmt)
        self.target = kit.stamped('target', SIZE, fmt, seed=2)
        self.socket = kit.path('migrate')

    def machine(self, script, **options):
        """One of the two machines, which must look the same."""
        guest = self.kit.guest(script, files=self.kit.odxcopy(), **options)
        guest.iothread('io0')
        guest.controller('vs0', 'iothread=io0')
        guest.lun(self.source, self.fmt, lun=0)
        if self.slow:
            guest.lun(None, lun=1,
                      node=guest.slow_node(self.target, self.fmt))
        else:
            guest.lun(self.target, self.fmt, lun=1)
        return guest

    def run(self, script, checks):
        """Runs the script; at its @@SYNC move the machine moves."""
        with self.machine(script) as old, self.machine(
                script, incoming=f'unix:{self.socket}') as new:
            new.start()
            old.start()
            old.wait_sync('move')
            if self.slow:
                self.kit.until(
                    lambda: self.kit.read(self.target, 0, BLOCK) ==
                    stamps(0, 1, 1), 'the copy writes its first block')
            old.qmp('migrate-set-capabilities', capabilities=[
                {'capability': 'events', 'state': True}])
            old.qmp('migrate', uri=f'unix:{self.socket}')
            old.wait_event('MIGRATION', status='completed')
            old.qmp('quit')
            old.wait_qemu()
            new.answer()
            new.finish(checks)
            return new.results


def test_a_moved_guest_goes_on_and_old_tokens_are_unknown(kit):
    move = Move(kit)
    move.run('''
. /lib/token.sh
from=$(lun 0 0)
to=$(lun 0 1)
populate $(sg_of $from) 1 0 0 64
receive $(sg_of $from) 1 /tmp/answer
token /tmp/answer /tmp/token
check copy_before odxcopy --verify $from:0+1M $to:0
sync_host move
check read dd if=$from of=/dev/null bs=1M iflag=direct
write_token $(sg_of $to) 2 0 0 /tmp/token 0 64
check old_token_refused sh -c "case $SENSE in 5/23/04) true;; *) false; esac"
echo "old token: $SENSE"
check copy_after odxcopy --verify $from:1M+1M $to:1M
''', ['read', 'old_token_refused', 'copy_after'])
    same('target', kit.read(move.target, 0, 2 * MIB),
         stamps(0, 2 * MIB // BLOCK, 1))


def test_a_machine_moves_in_mid_copy(kit):
    """The copy ends well or says that it did not; no block is wrong."""
    move = Move(kit, slow=True)
    results = move.run('''
from=$(lun 0 0)
to=$(lun 0 1)
odxcopy --immed $from $to >/tmp/copy.out 2>&1 &
copy=$!
sync_host move
wait $copy
ok copy_ended $?
cat /tmp/copy.out
check copy_after odxcopy --verify $from:0+1M $to:0
''', ['copy_ended', 'copy_after'])
    old, new = stamps(0, SIZE // BLOCK, 2), stamps(0, SIZE // BLOCK, 1)
    got = kit.read(move.target, 0, SIZE)
    code = results['copy_ended'][1]
    expect(code in ('0', '3', '5'), f'odxcopy ended with {code}')
    if code == '0':
        same('target', got, new)
    for at in range(0, SIZE, BLOCK):
        expect(got[at:at + BLOCK] in (old[at:at + BLOCK],
                                      new[at:at + BLOCK]),
               f'block {at // BLOCK} is neither old nor copied')
    return f'odxcopy ended with {code}'
