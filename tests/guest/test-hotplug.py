# SPDX-License-Identifier: GPL-2.0-or-later
"""LUNs come and go while the guest runs."""

from kit import BLOCK, MIB, same, stamps

SIZE = 8 * MIB


def test_plugs_a_lun_and_reads_it(kit):
    script = '''
check absent test ! -d /sys/block/sdb
sync_host plug
disk=$(lun 2 5)
equal size "$(blockdev --getsize64 $disk)" 8388608
check copy dd if=$(lun 0 0) of=$disk bs=1M iflag=direct oflag=direct
'''
    source = kit.stamped('source', SIZE)
    target = kit.image('target', SIZE, 'vhdx')
    with kit.guest(script) as guest:
        guest.controller('vs0')
        guest.lun(source)
        guest.start()
        guest.wait_sync('plug')
        guest.plug_lun('late', target, 'vhdx', target=2, lun=5)
        guest.answer()
        guest.finish(['absent', 'size', 'copy'])
    same('target', kit.read(target, 0, SIZE, 'vhdx'),
         stamps(0, SIZE // BLOCK, 1))


def test_unplugs_an_idle_lun(kit):
    script = '''
disk=$(lun 0 1)
sync_host unplug
check gone wait_for 5 test ! -b $disk
check other_lun dd if=$(lun 0 0) of=/dev/null bs=1M iflag=direct
'''
    with kit.guest(script) as guest:
        guest.controller('vs0')
        guest.lun(kit.stamped('a', SIZE))
        path = kit.stamped('b', SIZE)
        guest.lun(path, 'raw', 'id=second', lun=1)
        guest.start()
        guest.wait_sync('unplug')
        guest.qmp('device_del', id='second')
        guest.wait_event('DEVICE_DELETED', device='second')
        guest.answer()
        guest.finish(['gone', 'other_lun'])


def test_unplugs_a_lun_under_load(kit):
    """The guest gets errors, not a hang; other LUNs go on."""
    script = '''
disk=$(lun 0 1)
dd if=/dev/zero of=$disk bs=64k oflag=direct count=1000000 2>/tmp/dd.out &
usleep 300000
sync_host unplug
check writer_ends wait_for 20 test ! -d /proc/$!
check gone wait_for 5 test ! -b $disk
check other_lun dd if=$(lun 0 0) of=/dev/null bs=1M iflag=direct
'''
    with kit.guest(script) as guest:
        guest.iothread('io0')
        guest.controller('vs0', 'iothread=io0')
        guest.lun(kit.stamped('a', SIZE))
        guest.lun(kit.image('b', 4096 * MIB), 'raw', 'id=second', lun=1)
        guest.start()
        guest.wait_sync('unplug')
        guest.qmp('device_del', id='second')
        guest.wait_event('DEVICE_DELETED', device='second')
        guest.answer()
        guest.finish(['writer_ends', 'gone', 'other_lun'])


def test_plugs_and_unplugs_many_times(kit):
    script = '''
for round in 1 2 3 4 5 6 7 8; do
    sync_host plug
    disk=$(lun 0 1)
    check read_$round dd if=$disk of=/dev/null bs=1M iflag=direct
    sync_host unplug
    check gone_$round wait_for 5 test ! -b $disk
done
'''
    path = kit.stamped('a', MIB)
    with kit.guest(script) as guest:
        guest.controller('vs0')
        guest.start()
        for _ in range(8):
            guest.wait_sync('plug')
            guest.plug_lun('d', path, lun=1)
            guest.answer()
            guest.wait_sync('unplug')
            guest.unplug_lun('d')
            guest.answer()
        guest.finish(['read_8', 'gone_8'])


def test_plugs_a_whole_controller(kit):
    script = '''
sync_host plug
disk=$(lun 0 0)
check read dd if=$disk of=/dev/null bs=1M iflag=direct
sync_host unplug
check gone wait_for 5 test ! -b $disk
'''
    path = kit.stamped('a', MIB)
    with kit.guest(script) as guest:
        guest.start()
        guest.wait_sync('plug')
        guest.plug_controller('late')
        guest.plug_lun('d', path, controller='late')
        guest.answer()
        guest.wait_sync('unplug')
        guest.qmp('device_del', id='late')
        guest.wait_event('DEVICE_DELETED', device='late')
        guest.answer()
        guest.finish(['read', 'gone'])
