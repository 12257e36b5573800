# SPDX-License-Identifier: GPL-2.0-or-later
"""Linux' own virtio_scsi driver on the controller: all that it can do."""

import vm
from kit import BLOCK, MIB, same, stamps


def test_finds_every_lun_of_two_controllers(kit):
    """Targets, LUNs and serial numbers come through as configured."""
    places = [('vs0', 0, 0), ('vs0', 0, 1), ('vs0', 0, 200), ('vs0', 7, 3),
              ('vs1', 0, 0), ('vs1', 255, 16383)]
    script = ''
    for n, (controller, target, lun) in enumerate(places):
        number = 1 if controller == 'vs0' else 2
        script += f'''
disk=$(lun {target} {lun} {number})
equal size_{n} "$(blockdev --getsize64 $disk)" {(n + 1) * MIB}
equal serial_{n} "$(sg_inq --page=sn $(sg_of $disk) |
    sed -n 's/.*serial number: //p')" serial{n}
equal driver_{n} "$(cat /sys/block/$(basename $disk)/device/vendor |
    tr -d ' ')" QEMU
'''
    script += 'equal count "$(ls -d /sys/block/sd* | wc -l)" 6\n'
    with kit.guest(script) as guest:
        guest.controller('vs0', 'addr=0x5')
        guest.controller('vs1', 'addr=0x6')
        for n, (controller, target, lun) in enumerate(places):
            guest.lun(kit.image(f'{n}.img', (n + 1) * MIB), 'raw',
                      f'serial=serial{n}', controller=controller,
                      target=target, lun=lun)
        guest.start()
        guest.finish(['count', 'size_5', 'serial_5'])


def reads_and_writes(kit, fmt, controller='', cpus=1):
    """Copies disk to disk in the guest; the host compares both files."""
    size = 32 * MIB
    source = kit.stamped('source', size, fmt)
    target = kit.image('target', size, fmt)
    script = '''
from=$(lun 0 0)
to=$(lun 0 1)
check copy dd if=$from of=$to bs=1M iflag=direct oflag=direct
check read_back cmp $from $to
check small_write dd if=/dev/zero of=$to bs=512 seek=7 count=1 oflag=direct
sync
'''
    with kit.guest(script, cpus=cpus) as guest:
        guest.iothread('io0')
        guest.controller('vs0', controller)
        guest.lun(source, fmt, lun=0)
        guest.lun(target, fmt, lun=1)
        guest.start()
        guest.finish(['copy', 'read_back', 'small_write'])
    wanted = bytearray(stamps(0, size // BLOCK, 1))
    same('source', kit.read(source, 0, size, fmt), bytes(wanted))
    wanted[7 * BLOCK:8 * BLOCK] = bytes(BLOCK)
    same('target', kit.read(target, 0, size, fmt), bytes(wanted))
    if fmt != 'raw':
        kit.check(target, fmt)


def test_reads_and_writes_raw(kit):
    reads_and_writes(kit, 'raw')


def test_reads_and_writes_vhdx(kit):
    reads_and_writes(kit, 'vhdx')


def test_reads_and_writes_with_an_iothread(kit):
    reads_and_writes(kit, 'raw', 'iothread=io0')


def test_reads_and_writes_with_four_queues(kit):
    reads_and_writes(kit, 'raw', 'num_queues=4', cpus=2)


def test_reads_and_writes_vhdx_with_queues_and_an_iothread(kit):
    reads_and_writes(kit, 'vhdx', 'num_queues=2,iothread=io0', cpus=2)


def test_reads_and_writes_with_blocks_of_4096(kit):
    size = 4 * MIB
    source = kit.stamped('source', size)
    target = kit.image('target', size)
    script = '''
from=$(lun 0 0)
to=$(lun 0 1)
equal block_size "$(blockdev --getss $from)" 4096
check copy dd if=$from of=$to bs=64k iflag=direct oflag=direct
'''
    with kit.guest(script) as guest:
        guest.controller('vs0')
        for n, path in enumerate((source, target)):
            guest.lun(path, 'raw', 'logical_block_size=4096,'
                      'physical_block_size=4096', lun=n)
        guest.start()
        guest.finish(['block_size', 'copy'])
    same('target', kit.read(target, 0, size), stamps(0, size // BLOCK, 1))


def test_uses_a_queue_for_each_cpu(kit):
    script = '''
disk=$(basename $(lun 0 0))
equal queues "$(ls /sys/block/$disk/mq | wc -l)" 2
'''
    with kit.guest(script, cpus=2) as guest:
        guest.controller('vs0', 'num_queues=2')
        guest.lun(kit.image('a.img', MIB))
        guest.start()
        guest.finish(['queues'])


def test_discards_and_zeroes(kit):
    """UNMAP and WRITE SAME reach the image; the rest stays as it was."""
    size = 8 * MIB
    image = kit.stamped('a.img', size)
    script = '''
disk=$(lun 0 0)
check discard blkdiscard -o 1048576 -l 2097152 $disk
equal discarded "$(dd if=$disk bs=1M skip=1 count=2 iflag=direct 2>/dev/null |
    tr -d '\\0' | wc -c)" 0
check zero sg_write_same --lba=8192 --num=2048 --16 --in=/dev/zero \
    --xferlen=512 $(sg_of $disk)
'''
    with kit.guest(script) as guest:
        guest.controller('vs0')
        guest.lun(image)
        guest.start()
        guest.finish(['discard', 'discarded', 'zero'])
    wanted = bytearray(stamps(0, size // BLOCK, 1))
    wanted[MIB:3 * MIB] = bytes(2 * MIB)
    wanted[8192 * BLOCK:10240 * BLOCK] = bytes(2048 * BLOCK)
    same('image', kit.read(image, 0, size), bytes(wanted))


def test_survives_a_lun_reset(kit):
    image = kit.stamped('a.img', MIB)
    script = '''
disk=$(lun 0 0)
before=$(md5sum <$disk)
check lun_reset sg_reset --device $(sg_of $disk)
echo 3 >/proc/sys/vm/drop_caches
equal content "$(md5sum <$disk)" "$before"
'''
    with kit.guest(script) as guest:
        guest.controller('vs0')
        guest.lun(image)
        guest.start()
        guest.finish(['lun_reset', 'content'])


def test_reports_a_medium_error_to_the_guest(kit):
    """werror/rerror=report: the guest sees the error, QEMU goes on."""
    image = kit.image('a.img', 8 * MIB)
    rules = kit.path('rules')
    with open(rules, 'w', encoding='ascii') as f:
        f.write('[inject-error]\nevent = "none"\nerrno = "5"\n'
                'sector = "8192"\niotype = "read"\n')
    script = '''
disk=$(lun 0 0)
check good_block dd if=$disk of=/dev/null bs=4k count=1 iflag=direct
check_exit bad_block 1 dd if=$disk of=/dev/null bs=4k skip=1024 count=1 \
    iflag=direct
check good_again dd if=$disk of=/dev/null bs=4k count=1 iflag=direct
'''
    with kit.guest(script) as guest:
        guest.controller('vs0')
        guest.add('-blockdev', 'driver=file,node-name=low,filename=' + image,
                  '-blockdev', 'driver=blkdebug,node-name=bad,image=low,'
                  f'config={rules}',
                  '-device', f'{vm.LUN},drive=bad,bus=vs0.0,'
                  'rerror=report,werror=report')
        guest.start()
        guest.finish(['good_block', 'bad_block', 'good_again'])


def test_works_behind_pci_express(kit):
    """q35: the modern interface behind a root port."""
    image = kit.stamped('a.img', MIB)
    script = '''
disk=$(lun 0 0)
check read dd if=$disk of=/dev/null bs=64k iflag=direct
'''
    with kit.guest(script, machine='q35') as guest:
        guest.add('-device', 'pcie-root-port,id=port0,slot=1')
        guest.controller('vs0', 'bus=port0')
        guest.lun(image)
        guest.start()
        guest.finish(['read'])
