# SPDX-License-Identifier: GPL-2.0-or-later
"""What the monitor tells of the guest's copies, and what it refuses."""

import vm
from kit import BLOCK, MIB, expect, same, stamps

SIZE = 16 * MIB
HOLE = (4 * MIB, 8 * MIB)


def lun_status(guest, name):
    """query-vscsi's words about one LUN."""
    for controller in guest.qmp('query-vscsi')['controllers']:
        for lun in controller['luns']:
            if lun.get('id') == name:
                return lun
    raise vm.GuestError(f'query-vscsi does not show the LUN {name}')


def copied(guest, name):
    """{method: bytes} that were copied to one LUN."""
    return {e['method']: e['bytes']
            for e in lun_status(guest, name)['copy']['copied'] if e['bytes']}


def two_disks(kit, guest, source_fmt='raw', target_fmt='raw', props=''):
    """A stamped source "src" with a hole, an empty destination "dst"."""
    source = kit.stamped('source', SIZE, source_fmt, 1, (HOLE,))
    target = kit.image('target', SIZE, target_fmt)
    guest.controller('vs0')
    guest.lun(source, source_fmt, f'id=src{props}', lun=0)
    guest.lun(target, target_fmt, f'id=dst{props}', lun=1)
    return target


def test_every_copied_byte_is_counted_by_method(kit):
    """Whatever the file system can do: all bytes, and the hole as zeroes."""
    script = '''
check copy odxcopy $(lun 0 0) $(lun 0 1)
sync_host copied
'''
    with kit.guest(script, files=kit.odxcopy()) as guest:
        target = two_disks(kit, guest, 'raw', 'raw')
        guest.start()
        guest.wait_sync('copied')
        methods = copied(guest, 'dst')
        text = guest.hmp('info vscsi')
        guest.answer()
        guest.finish(['copy'])
    expect(sum(methods.values()) == SIZE, f'counted {methods}')
    expect(methods.get('zero') == HOLE[1], f'zeroes counted {methods}')
    expect('dst' in text and 'zero' in text, f'info vscsi says:\n{text}')
    wanted = bytearray(stamps(0, SIZE // BLOCK, 1))
    wanted[HOLE[0]:sum(HOLE)] = bytes(HOLE[1])
    same('target', kit.read(target, 0, SIZE), bytes(wanted))
    return ', '.join(f'{n} {m}' for m, n in methods.items())


def test_a_fallback_is_counted_with_its_reason(kit):
    """VHDX has no copy of ranges yet: said, not silent."""
    script = '''
check copy odxcopy $(lun 0 0) $(lun 0 1)
sync_host copied
'''
    with kit.guest(script, files=kit.odxcopy()) as guest:
        two_disks(kit, guest, 'vhdx', 'vhdx')
        guest.start()
        guest.wait_sync('copied')
        methods = copied(guest, 'dst')
        fallbacks = lun_status(guest, 'dst')['copy']['fallbacks']
        guest.answer()
        if methods.get('bounce'):
            event = guest.wait_event('VSCSI_OFFLOAD_FALLBACK', id='dst')
            expect(event['reason'] == fallbacks[0]['reason'],
                   f'event {event}, counted {fallbacks}')
        guest.finish(['copy'])
    expect(bool(methods.get('bounce')) == bool(fallbacks),
           f'{methods}, and as fallbacks {fallbacks}')


def test_a_revoked_token_is_told(kit):
    """A live token is shown; a write to its data sends an event."""
    script = '''
. /lib/token.sh
disk=$(lun 0 0)
populate $(sg_of $disk) 7 0 0 2048
equal populated "$SENSE" good
sync_host live
dd if=/dev/zero of=$disk bs=512 seek=2047 count=1 oflag=direct 2>/dev/null
sync_host revoked
'''
    with kit.guest(script, files=kit.odxcopy()) as guest:
        two_disks(kit, guest)
        guest.start()
        guest.wait_sync('live')
        tokens = lun_status(guest, 'src')['copy']['tokens']
        expect(len(tokens) == 1 and tokens[0]['bytes'] == 2048 * BLOCK,
               f'tokens {tokens}')
        guest.answer()
        guest.wait_sync('revoked')
        event = guest.wait_event('VSCSI_TOKEN_REVOKED', id='src')
        expect(event['token'] == tokens[0]['token'] and
               event['cause'] == 'revoked', f'event {event}')
        expect(lun_status(guest, 'src')['copy']['live-tokens'] == 0,
               'the token still lives')
        guest.answer()
        guest.finish(['populated'])


def test_a_refusal_is_counted_by_sense(kit):
    script = '''
. /lib/token.sh
head -c 512 /dev/zero >/tmp/token
write_token $(sg_of $(lun 0 1)) 1 0 0 /tmp/token 0 8
equal refused "$SENSE" 5/23/0a
sync_host refused
'''
    with kit.guest(script) as guest:
        two_disks(kit, guest)
        guest.start()
        guest.wait_sync('refused')
        rejections = lun_status(guest, 'dst')['copy']['rejections']
        guest.answer()
        guest.finish(['refused'])
    expect([(r['key'], r['asc'], r['ascq'], r['count'])
            for r in rejections] == [(5, 0x23, 0x0a, 1)],
           f'rejections {rejections}')


def test_a_lun_says_that_offload_is_off(kit):
    with kit.guest('sync_host up') as guest:
        two_disks(kit, guest, props=',offload=off')
        guest.start()
        guest.wait_sync('up')
        lun = lun_status(guest, 'src')
        guest.answer()
        guest.finish()
    expect(not lun['offload'] and lun['refusal'], f'said {lun}')
