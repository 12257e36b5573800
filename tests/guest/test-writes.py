# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest writes to its disks while token copies run.

A token stands for one point in time.  So a copy that succeeds holds data of
one moment, and a copy that would not is refused with sense 5/23/06.
"""

from kit import BLOCK, MIB, expect, same, stamps

REGION = 4 * MIB
PIECE = 64 * 1024
GENERATIONS = 30
COPIES = 40


def generation_jobs():
    """fio's jobs: each writes the region with its own byte, and verifies."""
    text = ('[global]\nfilename=$from\nioengine=libaio\ndirect=1\n'
            f'iodepth=1\nrw=write\nbs={PIECE}\nsize={REGION}\n'
            'verify=pattern\ndo_verify=1\nverify_fatal=1\n')
    for n in range(1, GENERATIONS + 1):
        text += f'[g{n}]\nstonewall\nverify_pattern={n:#04x}\n'
    return text


def generations(name, data, strict):
    """Checks the blocks of one copy; returns the generations it holds.

    The writer goes through the region from its start, one piece at a time:
    at any moment the region holds one generation up to some place, and the
    one before it from there on.  Anything else mixes two points in time.
    """
    seen = []
    for at in range(0, len(data), BLOCK):
        block = data[at:at + BLOCK]
        expect(block == block[:1] * BLOCK,
               f'{name}: block {at // BLOCK} mixes two writes')
        if not seen or seen[-1] != block[0]:
            seen.append(block[0])
    if strict:
        expect(len(seen) == 1 or (len(seen) == 2 and seen[0] == seen[1] + 1),
               f'{name} succeeded and mixes points in time: {seen}')
    return seen


def test_copies_of_a_disk_that_fio_writes_are_of_one_moment(kit):
    """Copy after copy of a region that fio overwrites and verifies."""
    source = kit.image('source', 64 * MIB)
    target = kit.image('target', COPIES * REGION)
    script = f'''
from=$(lun 0 0)
to=$(lun 0 1)
cat >/tmp/jobs <<END
{generation_jobs()}
END
fio --output=/tmp/fio.out /tmp/jobs &
writer=$!
copy=0
while [ $copy -lt {COPIES - 1} ]; do
    odxcopy --quiet --strict $from:0+{REGION} $to:$((copy * {REGION}))
    ok copy_$copy $?
    copy=$((copy + 1))
done
if ! wait $writer; then
    cat /tmp/fio.out
    fail fio_verified
else
    ok fio_verified
fi
odxcopy --quiet --strict $from:0+{REGION} $to:$((copy * {REGION}))
ok copy_$copy $?
'''
    with kit.guest(script, files=kit.odxcopy(), extras=('fio',),
                   cpus=2) as guest:
        guest.controller('vs0')
        guest.lun(source, lun=0)
        guest.lun(None, lun=1, node=guest.slow_node(
            target, bytes_per_second=32 * MIB))
        guest.start()
        guest.finish(['fio_verified'])
        codes = [int(guest.results[f'copy_{n}'][1]) for n in range(COPIES)]
    expect(set(codes) <= {0, 3}, f'exit codes of odxcopy: {codes}')
    expect(codes[-1] == 0, 'the copy after the last write was refused')
    for n, code in enumerate(codes):
        generations(f'copy {n}', kit.read(target, n * REGION, REGION),
                    strict=code == 0)
    same('last copy', kit.read(target, (COPIES - 1) * REGION, REGION),
         bytes([GENERATIONS]) * REGION)
    return f'{codes.count(0)} copies, {codes.count(3)} refused'


BESIDE = '''
from=$(lun 0 0)
to=$(lun 0 1)
cat >/tmp/jobs <<END
[global]
ioengine=libaio
direct=1
iodepth=8
rw=randwrite
bsrange=512-64k
size=16m
offset=32m
verify=crc32c
verify_interval=512
verify_fatal=1
randseed=@SEED@
[source]
filename=$from
[target]
filename=$to
END
fio --output=/tmp/fio.out /tmp/jobs &
writer=$!
rounds=0
while [ -d /proc/$writer ] && [ $rounds -lt 200 ]; do
    if ! odxcopy --quiet --strict $from:0+32M $to; then
        fail copy_$rounds
        break
    fi
    rounds=$((rounds + 1))
done
ok copies $rounds
if wait $writer; then
    ok fio_verified
else
    cat /tmp/fio.out
    fail fio_verified
fi
'''


def writes_beside(kit, fmt, controller=''):
    source = kit.stamped('source', 48 * MIB, fmt, holes=((8 * MIB, 8 * MIB),))
    target = kit.image('target', 48 * MIB, fmt)
    with kit.guest(BESIDE.replace('@SEED@', str(kit.seed)), cpus=2,
                   files=kit.odxcopy(), extras=('fio',)) as guest:
        guest.iothread('io0')
        guest.controller('vs0', controller)
        guest.lun(source, fmt, lun=0)
        guest.lun(target, fmt, lun=1)
        guest.start()
        guest.finish(['copies', 'fio_verified'])
    wanted = bytearray(stamps(0, 32 * MIB // BLOCK, 1))
    wanted[8 * MIB:16 * MIB] = bytes(8 * MIB)
    same('copy', kit.read(target, 0, 32 * MIB, fmt), bytes(wanted))
    if fmt != 'raw':
        kit.check(target, fmt)
    return f'{guest.results["copies"][1]} copies'


def test_fio_verifies_what_it_wrote_beside_copies_raw(kit):
    """Random writes beside the copied ranges: neither disturbs the other."""
    return writes_beside(kit, 'raw')


def test_fio_verifies_what_it_wrote_beside_copies_vhdx(kit):
    return writes_beside(kit, 'vhdx', 'iothread=io0,num_queues=2')


def test_a_write_in_mid_copy_refuses_the_copy(kit):
    """The destination is slow; the source is overwritten meanwhile."""
    size = 16 * MIB
    source = kit.stamped('source', size)
    target = kit.stamped('target', size, seed=2)
    script = '''
from=$(lun 0 0)
to=$(lun 0 1)
odxcopy --strict --immed $from $to >/tmp/copy.out 2>&1 &
copy=$!
sync_host copying
dd if=/dev/zero of=$from bs=4k seek=4095 count=1 oflag=direct 2>/dev/null
wait $copy
equal exit_code $? 3
check said_why grep -qi 'overwritten\\|revoked\\|changed' /tmp/copy.out
cat /tmp/copy.out
check next_copy odxcopy --strict $from:0+1M $to:15M
'''
    with kit.guest(script, files=kit.odxcopy()) as guest:
        guest.controller('vs0')
        guest.lun(source, lun=0)
        guest.lun(None, lun=1, node=guest.slow_node(target))
        guest.start()
        guest.wait_sync('copying')
        kit.until(lambda: kit.read(target, 0, BLOCK) == stamps(0, 1, 1),
                  'the copy writes its first block')
        guest.answer()
        guest.finish(['exit_code', 'said_why', 'next_copy'])
    before, after = stamps(0, size // BLOCK, 1), stamps(0, size // BLOCK, 2)
    got = kit.read(target, 0, 15 * MIB)
    for at in range(0, len(got), BLOCK):
        expect(got[at:at + BLOCK] in (before[at:at + BLOCK],
                                      after[at:at + BLOCK]),
               f'block {at // BLOCK} of the refused copy is neither old nor '
               'copied')
