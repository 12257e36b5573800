# SPDX-License-Identifier: GPL-2.0-or-later
"""ddpt, a public client of token copies, with its parameter list corrected.

See ddpt-fix.c for what Debian's 0.97 does wrong; without the correction it
is used only where the command is refused anyway.
"""

import os

import vm
from kit import BLOCK, MIB, same, stamps

SIZE = 16 * MIB
BLOCKS = SIZE // BLOCK


def runs(kit, script, checks):
    """Runs the script with ddpt; "from" and "to" are sg nodes."""
    fix = kit.path('ddpt-fix.so')
    vm.run('gcc', '-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-o', fix,
           os.path.join(vm.HERE, 'ddpt-fix.c'))
    source = kit.stamped('source', SIZE)
    target = kit.stamped('target', SIZE, seed=2)
    script = ('. /lib/token.sh\nfrom=$(sg_of $(lun 0 0))\n'
              'to=$(sg_of $(lun 0 1))\n'
              'fixed() { LD_PRELOAD=/lib/ddpt-fix.so "$@"; }\n' + script)
    with kit.guest(script, extras=('ddpt',),
                   files={'lib/ddpt-fix.so': fix}) as guest:
        guest.controller('vs0')
        guest.lun(source, lun=0)
        guest.lun(target, lun=1)
        guest.start()
        guest.finish(checks)
    same('source', kit.read(source, 0, SIZE), stamps(0, BLOCKS, 1))
    return kit.read(target, 0, SIZE)


def test_ddpt_copies_a_disk(kit):
    got = runs(kit, f'check copy fixed ddpt --odx if=$from bs=512 of=$to '
               f'skip=0,{BLOCKS} seek=0,{BLOCKS}', ['copy'])
    same('target', got, stamps(0, BLOCKS, 1))


def test_ddpt_copies_asynchronously(kit):
    got = runs(kit, f'check copy fixed ddpt --odx if=$from bs=512 of=$to '
               f'skip=0,{BLOCKS} seek=0,{BLOCKS} iflag=immed oflag=immed',
               ['copy'])
    same('target', got, stamps(0, BLOCKS, 1))


def test_ddpt_gathers_and_scatters(kit):
    got = runs(kit, '''
check copy fixed ddpt --odx if=$from bs=512 of=$to \
    skip=100,50,3000,150 seek=7,120,9000,80
''', ['copy'])
    wanted = bytearray(stamps(0, BLOCKS, 2))
    data = stamps(100, 50, 1) + stamps(3000, 150, 1)
    wanted[7 * BLOCK:127 * BLOCK] = data[:120 * BLOCK]
    wanted[9000 * BLOCK:9080 * BLOCK] = data[120 * BLOCK:]
    same('target', got, bytes(wanted))


def test_ddpt_keeps_a_token_in_a_file(kit):
    got = runs(kit, '''
check read fixed ddpt if=$from bs=512 skip=64,1000 rtf=/tmp/token
check write fixed ddpt rtf=/tmp/token bs=512 of=$to seek=5,1000
''', ['read', 'write'])
    wanted = bytearray(stamps(0, BLOCKS, 2))
    wanted[5 * BLOCK:1005 * BLOCK] = stamps(64, 1000, 1)
    same('target', got, bytes(wanted))


def test_ddpt_writes_zeroes(kit):
    got = runs(kit, '''
check zero fixed ddpt if=/dev/null rtype=zero bs=512 of=$to seek=16,2048
''', ['zero'])
    wanted = bytearray(stamps(0, BLOCKS, 2))
    wanted[16 * BLOCK:2064 * BLOCK] = bytes(2048 * BLOCK)
    same('target', got, bytes(wanted))


def test_ddpt_without_correction_is_refused(kit):
    """What it sends names blocks far past the end: 5/21/00, exit code 22."""
    got = runs(kit, '''
check_exit refused 22 ddptctl --pt=4096,256 --rtf=/tmp/token $from
''', ['refused'])
    same('target', got, stamps(0, BLOCKS, 2))


def test_ddptctl_shows_the_limits(kit):
    runs(kit, '''
check info ddptctl --info $from
check all_tokens fixed ddptctl --all-toks $from
''', ['info', 'all_tokens'])
