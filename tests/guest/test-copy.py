# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest copies between disks by token, with the public tools and ours.

Every test compares the whole destination on the host: what should have been
written, and that nothing else was.
"""

from kit import BLOCK, MIB, same, stamps

SIZE = 48 * MIB
HOLES = ((16 * MIB, 12 * MIB),)


def content(size=SIZE, seed=1, holes=HOLES):
    """The bytes of kit.stamped() with the same arguments."""
    data = bytearray(stamps(0, size // BLOCK, seed))
    for offset, length in holes:
        data[offset:offset + length] = bytes(length)
    return data


class Copy:
    """One guest with a source (LUN 0) and a destination (LUN 1).

    The source has blocks stamped with 1 and a hole, the destination blocks
    stamped with 2.  "from" and "to" are their names in the script.
    """

    def __init__(self, kit, source_fmt='raw', target_fmt='raw', *,
                 props='', blocks=BLOCK):
        self.kit = kit
        self.formats = (source_fmt, target_fmt)
        self.source = kit.stamped('source', SIZE, source_fmt, 1, HOLES)
        self.target = kit.stamped('target', SIZE, target_fmt, 2)
        self.lun_props = props
        if blocks != BLOCK:
            self.lun_props = (f'logical_block_size={blocks},'
                              f'physical_block_size={blocks}')
        self.copied = []

    def run(self, script, checks, controllers=('',), iothreads=(), **options):
        """Runs the script; all checks must be ok."""
        last = len(controllers)
        script = ('. /lib/token.sh\nfrom=$(lun 0 0)\n'
                  f'to=$(lun 0 1 {last})\n{script}')
        with self.kit.guest(script, files=self.kit.odxcopy(),
                            **options) as guest:
            for name in iothreads:
                guest.iothread(name)
            for n, props in enumerate(controllers):
                guest.controller(f'vs{n}', f'addr={5 + n:#x},{props}'
                                 .rstrip(','))
            guest.lun(self.source, self.formats[0], self.lun_props, lun=0)
            guest.lun(self.target, self.formats[1], self.lun_props, lun=1,
                      controller=f'vs{last - 1}')
            guest.start()
            guest.finish(checks)

    def copies(self, source, target, length):
        """Notes a copied range, in bytes, for verify()."""
        self.copied.append((source, target, length))

    def verify(self):
        """Compares both images with what they must hold now."""
        before = content()
        wanted = content(seed=2, holes=())
        for source, target, length in self.copied:
            wanted[target:target + length] = before[source:source + length]
        same('source', self.kit.read(self.source, 0, SIZE, self.formats[0]),
             bytes(before))
        same('target', self.kit.read(self.target, 0, SIZE, self.formats[1]),
             bytes(wanted))
        if self.formats[1] != 'raw':
            self.kit.check(self.target, self.formats[1])


def whole_disk(kit, source_fmt, target_fmt, **options):
    """odxcopy copies all of the source and compares it in the guest."""
    copy = Copy(kit, source_fmt, target_fmt)
    copy.run('check copy odxcopy --verify $from $to', ['copy'], **options)
    copy.copies(0, 0, SIZE)
    copy.verify()


def test_odxcopy_copies_raw_to_raw(kit):
    whole_disk(kit, 'raw', 'raw')


def test_odxcopy_copies_vhdx_to_vhdx(kit):
    whole_disk(kit, 'vhdx', 'vhdx')


def test_odxcopy_copies_raw_to_vhdx(kit):
    whole_disk(kit, 'raw', 'vhdx')


def test_odxcopy_copies_vhdx_to_raw(kit):
    whole_disk(kit, 'vhdx', 'raw')


def test_odxcopy_copies_qcow2_to_vhdx(kit):
    whole_disk(kit, 'qcow2', 'vhdx')


def test_odxcopy_copies_between_two_controllers(kit):
    whole_disk(kit, 'raw', 'vhdx', controllers=('', ''))


def test_odxcopy_copies_between_two_iothreads(kit):
    whole_disk(kit, 'vhdx', 'raw', iothreads=('io0', 'io1'),
               controllers=('iothread=io0', 'iothread=io1'))


def test_odxcopy_copies_with_multiqueue(kit):
    whole_disk(kit, 'raw', 'raw', cpus=2, iothreads=('io0',),
               controllers=('num_queues=4,iothread=io0',))


def test_odxcopy_copies_a_range(kit):
    copy = Copy(kit, 'vhdx', 'vhdx')
    copy.run('check copy odxcopy $from:1M+24M $to:20M', ['copy'])
    copy.copies(MIB, 20 * MIB, 24 * MIB)
    copy.verify()


def test_odxcopy_copies_a_range_that_ends_on_odd_blocks(kit):
    copy = Copy(kit)
    copy.run('check copy odxcopy $from:1536+1052160 $to:512', ['copy'])
    copy.copies(1536, 512, 1052160)
    copy.verify()


def test_odxcopy_copies_asynchronously(kit):
    """IMMED=1: started, polled to its end, verified."""
    copy = Copy(kit, 'raw', 'vhdx')
    copy.run('check copy odxcopy --immed --verify $from $to', ['copy'])
    copy.copies(0, 0, SIZE)
    copy.verify()


def test_odxcopy_copies_in_many_small_pieces(kit):
    copy = Copy(kit)
    copy.run('check copy odxcopy --chunk 64K --descriptors 4 $from:0+4M $to',
             ['copy'])
    copy.copies(0, 0, 4 * MIB)
    copy.verify()


def test_odxcopy_copies_within_one_disk(kit):
    copy = Copy(kit, 'vhdx', 'raw')
    copy.run('check copy odxcopy $to:0+8M $to:8M', ['copy'])
    before = content(seed=2, holes=())
    wanted = before[:8 * MIB] + before[:8 * MIB] + before[16 * MIB:]
    same('target', kit.read(copy.target, 0, SIZE), bytes(wanted))


def test_odxcopy_writes_zeroes(kit):
    copy = Copy(kit, 'raw', 'vhdx')
    copy.run('check zero odxcopy --zero $to:4M+40M', ['zero'])
    wanted = content(seed=2, holes=((4 * MIB, 40 * MIB),))
    same('target', kit.read(copy.target, 0, SIZE, 'vhdx'), bytes(wanted))
    kit.check(copy.target, 'vhdx')


def test_odxcopy_copies_disks_with_blocks_of_4096(kit):
    copy = Copy(kit, 'raw', 'raw', blocks=4096)
    copy.run('check copy odxcopy --verify $from:1M+8M $to:3M', ['copy'])
    copy.copies(MIB, 3 * MIB, 8 * MIB)
    copy.verify()


def test_odxcopy_copies_to_a_plugged_lun(kit):
    source = kit.stamped('source', SIZE, 'vhdx', 1, HOLES)
    target = kit.image('target', SIZE, 'vhdx')
    script = '''
sync_host plug
check copy odxcopy --verify $(lun 0 0) $(lun 4 2)
'''
    with kit.guest(script, files=kit.odxcopy()) as guest:
        guest.controller('vs0')
        guest.lun(source, 'vhdx')
        guest.start()
        guest.wait_sync('plug')
        guest.plug_lun('late', target, 'vhdx', target=4, lun=2)
        guest.answer()
        guest.finish(['copy'])
    same('target', kit.read(target, 0, SIZE, 'vhdx'), bytes(content()))


def test_odxcopy_is_told_when_offload_is_off(kit):
    copy = Copy(kit, props='offload=off')
    copy.run('check_exit copy 2 odxcopy $from $to\n'
             'check not_announced sh -c "sg_inq $from | grep -q 3PC=0"',
             ['copy', 'not_announced'])
    copy.verify()


def test_sg_xcopy_copies(kit):
    """EXTENDED COPY(LID1) as a public tool sends it."""
    copy = Copy(kit, 'raw', 'vhdx')
    copy.run('check copy sg_xcopy if=$(sg_of $from) of=$(sg_of $to) bs=512 '
             'skip=7 seek=2048 count=65000', ['copy'])
    copy.copies(7 * BLOCK, 2048 * BLOCK, 65000 * BLOCK)
    copy.verify()


def test_sg_xcopy_copies_when_the_source_is_asked(kit):
    copy = Copy(kit)
    copy.run('check copy sg_xcopy --on_src if=$(sg_of $from) of=$(sg_of $to) '
             'bs=512 count=4096', ['copy'])
    copy.copies(0, 0, 4096 * BLOCK)
    copy.verify()


def test_sg_copy_results_shows_the_limits(kit):
    copy = Copy(kit)
    copy.run('''
check parameters sh -c "sg_copy_results -p $(sg_of $from) >/tmp/p"
check block_segment grep -qi 'from block device to block device' /tmp/p
check vpd sh -c "sg_vpd -p tpc $from >/tmp/v"
check windows_descriptor grep -qi 'Block Device ROD' /tmp/v
check third_party_copy sh -c "sg_inq $from | grep -q 3PC=1"
check opcodes sh -c "sg_opcodes $from >/tmp/o"
check populate_token grep -qi 'populate token' /tmp/o
check write_using_token grep -qi 'write using token' /tmp/o
cat /tmp/p /tmp/v
''', ['parameters', 'vpd', 'opcodes', 'write_using_token'])
    copy.verify()


BY_HAND = '''
from=$(sg_of $from)
to=$(sg_of $to)
populate $from 1 0 0 8192 65536 1024
equal populated "$SENSE" good
receive $from 1 /tmp/answer
equal token_status "$STATUS" 1
check token_is_there token /tmp/answer /tmp/token
write_token $to 2 0 0 /tmp/token 16384 4096 40000 5120
equal written "$SENSE" good
receive $to 2 /tmp/answer
equal write_status "$STATUS $DONE" '1 9216'
'''


def test_a_token_copy_by_hand(kit):
    """PT, RRTI, WUT and RRTI with sg_raw; ranges cut differently."""
    copy = Copy(kit, 'vhdx', 'raw')
    copy.run(BY_HAND, ['populated', 'token_status', 'token_is_there',
                       'written', 'write_status'])
    copy.copies(0, 16384 * BLOCK, 4096 * BLOCK)
    copy.copies(4096 * BLOCK, 40000 * BLOCK, 4096 * BLOCK)
    copy.copies(65536 * BLOCK, 44096 * BLOCK, 1024 * BLOCK)
    copy.verify()


def test_a_token_is_written_twice_and_from_an_offset(kit):
    copy = Copy(kit)
    copy.run('''
from=$(sg_of $from)
to=$(sg_of $to)
populate $from 1 0 100 1000
receive $from 1 /tmp/answer
check token_is_there token /tmp/answer /tmp/token
write_token $to 2 0 0 /tmp/token 0 1000
equal first "$SENSE" good
write_token $to 3 0 600 /tmp/token 5000 400
equal second "$SENSE" good
write_token $to 4 0 1000 /tmp/token 5000 1
equal past_the_end "$SENSE" 5/26/00
''', ['first', 'second', 'past_the_end'])
    copy.copies(100 * BLOCK, 0, 1000 * BLOCK)
    copy.copies(700 * BLOCK, 5000 * BLOCK, 400 * BLOCK)
    copy.verify()


def test_a_deleted_token_is_refused(kit):
    copy = Copy(kit)
    copy.run('''
from=$(sg_of $from)
to=$(sg_of $to)
populate $from 1 0 0 64
receive $from 1 /tmp/answer
check token_is_there token /tmp/answer /tmp/token
write_token $to 2 2 0 /tmp/token 0 64
equal first "$SENSE" good
write_token $to 3 0 0 /tmp/token 64 64
equal after_delete "$SENSE" 5/23/09
''', ['first', 'after_delete'])
    copy.copies(0, 0, 64 * BLOCK)
    copy.verify()


def test_a_write_to_the_source_revokes_the_token(kit):
    """And a write beside the token's ranges does not."""
    copy = Copy(kit)
    copy.run('''
disk=$from
from=$(sg_of $from)
to=$(sg_of $to)
populate $from 1 0 0 64
receive $from 1 /tmp/answer
check token_is_there token /tmp/answer /tmp/token
dd if=$disk of=/tmp/same bs=512 skip=63 count=2 iflag=direct 2>/dev/null
dd if=/tmp/same of=$disk bs=512 skip=1 seek=64 count=1 oflag=direct 2>/dev/null
write_token $to 2 0 0 /tmp/token 0 64
equal write_beside "$SENSE" good
dd if=/tmp/same of=$disk bs=512 seek=63 count=1 oflag=direct 2>/dev/null
write_token $to 3 0 0 /tmp/token 128 64
equal write_inside "$SENSE" 5/23/06
''', ['write_beside', 'write_inside'])
    copy.copies(0, 0, 64 * BLOCK)
    copy.verify()


def test_the_zero_token_writes_zeroes(kit):
    copy = Copy(kit, 'raw', 'vhdx')
    copy.run('''
to=$(sg_of $to)
zero_token /tmp/token
write_token $to 1 0 0 /tmp/token 8 80000
equal written "$SENSE" good
''', ['written'])
    wanted = content(seed=2, holes=((8 * BLOCK, 80000 * BLOCK),))
    same('target', kit.read(copy.target, 0, SIZE, 'vhdx'), bytes(wanted))


def test_a_forged_token_is_refused(kit):
    copy = Copy(kit)
    copy.run('''
from=$(sg_of $from)
to=$(sg_of $to)
populate $from 1 0 0 64
receive $from 1 /tmp/answer
token /tmp/answer /tmp/token
cp /tmp/token /tmp/forged
printf '\\252' | dd of=/tmp/forged bs=1 seek=500 conv=notrunc 2>/dev/null
printf '\\125' | dd of=/tmp/forged bs=1 seek=501 conv=notrunc 2>/dev/null
write_token $to 2 0 0 /tmp/forged 0 64
check forged_refused sh -c "case $SENSE in 5/23/0[45]) true;; *) false;; esac"
head -c 512 /dev/urandom >/tmp/random
write_token $to 3 0 0 /tmp/random 0 64
check random_refused sh -c "case $SENSE in 5/23/*) true;; *) false;; esac"
''', ['forged_refused', 'random_refused'])
    copy.verify()
