#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A token copy against dd in the guest, side by side; see scripts/bench.

One guest and one run: for each file system and format a source disk is
there all the time; each copy goes to a fresh destination, which is plugged
for it.  dd and odxcopy take turns; both end with a flush of the destination.
The time is taken on the host, from the start of the program in the guest to
its end.
"""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, 'tests', 'guest')]

import plot                                             # noqa: E402
import report                                           # noqa: E402
import vm                                               # noqa: E402

OUT = os.path.join(ROOT, 'build', 'bench')
MIB = 1 << 20
FILE_SYSTEMS = {
    'xfs': ['mkfs.xfs', '-q', '-m', 'reflink=1'],
    'ext4': ['mkfs.ext4', '-q'],
}
FORMATS = ('raw', 'vhdx')
WAYS = {
    'dd': ('dd if=$from of=$to bs=1M iflag=direct oflag=direct conv=fsync '
           '2>/dev/null'),
    'token': 'odxcopy --quiet $from $to',
}

# What must hold: {(file system, format): token copies per dd}
BARS = {('xfs', 'raw'): 10.0, ('ext4', 'raw'): 1.0, ('ext4', 'vhdx'): 1.0}

# The host says which source, and which way; "done" needs no answer.
SCRIPT = '''
while :; do
    set -- $(sync_host ready)
    if [ "$1" = end ]; then
        exit 0
    fi
    from=$(lun 0 $1)
    to=$(lun 1 0)
    sync_host go
    case $2 in
@WAYS@
    esac || fail $2
    sync_host copied
done
'''


class Stopped(Exception):
    """The user or the system ended the run."""


def mount(folder, name, mib):
    """Makes a file system in a file and mounts it; returns its folder."""
    image = os.path.join(folder, f'{name}.img')
    with open(image, 'wb') as f:
        f.truncate(mib * MIB)
    vm.run(*FILE_SYSTEMS[name], image)
    point = os.path.join(folder, name)
    os.mkdir(point)
    vm.run('mount', '-o', 'loop', image, point)
    return point


def make_sources(points, mib):
    """Writes each source once; returns {(file system, format): path}."""
    paths = {}
    for name, point in points.items():
        raw = os.path.join(point, 'source.raw')
        with open(raw, 'wb') as f:
            for _ in range(mib):
                f.write(os.urandom(MIB))
        vhdx = os.path.join(point, 'source.vhdx')
        vm.run(vm.binary('qemu-img'), 'convert', '-f', 'raw', '-O', 'vhdx',
               raw, vhdx)
        paths[name, 'raw'], paths[name, 'vhdx'] = raw, vhdx
    return paths


def methods(guest):
    """Methods by which the plugged disk has been copied to."""
    for controller in guest.qmp('query-vscsi')['controllers']:
        for lun in controller['luns']:
            if lun.get('id') == 'target':
                return {e['method'] for e in lun['copy']['copied']
                        if e['bytes']}
    raise vm.GuestError('query-vscsi does not show the plugged disk')


class Bench:
    """The running guest and what was measured so far."""

    def __init__(self, guest, sources, mib):
        self.guest = guest
        self.sources = sources
        self.luns = {key: n for n, key in enumerate(sources)}
        self.mib = mib
        self.rows = {}

    def copy(self, key, way, warm_up):
        """One copy to a fresh disk; notes the seconds.

        The warm-up fills the caches: it is not noted, but compared.
        """
        guest, source = self.guest, self.sources[key]
        target = os.path.join(os.path.dirname(source), 'target')
        vm.run(vm.binary('qemu-img'), 'create', '-q', '-f', key[1], target,
               f'{self.mib}M')
        guest.plug_lun('target', target, key[1], target=1, lun=0)
        os.sync()
        guest.wait_sync('ready')
        guest.answer(f'{self.luns[key]} {way}')
        guest.wait_sync('go')
        start = time.monotonic()
        guest.answer()
        guest.wait_sync('copied')
        seconds = time.monotonic() - start
        used = methods(guest) if way == 'token' else set()
        guest.answer()
        guest.unplug_lun('target')
        if warm_up:
            vm.run(vm.binary('qemu-img'), 'compare', '-q', '-U', '-f', key[1], '-F',
                   key[1], source, target, timeout=300)
        os.unlink(target)
        row = self.rows.setdefault(key, {'dd': [], 'token': [], 'by': set()})
        row['by'] |= used
        if not warm_up:
            row[way].append(seconds)
        print(f'  {key[0]:5}{key[1]:5}{way:6}{seconds:8.3f} s', flush=True)

    def results(self):
        """Medians: [{fs, format, dd, token, ratio, bar, by}]."""
        out = []
        for (name, fmt), row in self.rows.items():
            entry = {'fs': name, 'format': fmt,
                     'by': ', '.join(sorted(row['by']))}
            for way in WAYS:
                entry[way] = statistics.median(row[way])
            entry['ratio'] = entry['dd'] / entry['token']
            entry['bar'] = BARS.get((name, fmt))
            out.append(entry)
        return out


def measure(folder, points, args):
    """Runs the guest through all copies; returns the results."""
    print(f'bench: sources of {args.size} MiB', flush=True)
    sources = make_sources(points, args.size)
    ways = '\n'.join(f'    {n}) {c} ;;' for n, c in WAYS.items())
    guest_folder = os.path.join(folder, 'guest')
    os.mkdir(guest_folder)
    with vm.Guest(guest_folder, SCRIPT.replace('@WAYS@', ways), cpus=2,
                  files={'usr/bin/odxcopy':
                         os.path.join(ROOT, 'build', 'tools', 'odxcopy')},
                  timeout=1800) as guest:
        guest.iothread('io0')
        guest.controller('vs0', 'iothread=io0')
        bench = Bench(guest, sources, args.size)
        for key, path in sources.items():
            guest.lun(path, key[1], lun=bench.luns[key])
        guest.start()
        for n in range(args.rounds + 1):
            print('bench: ' + (f'round {n} of {args.rounds}' if n else
                               'warm-up and comparison'), flush=True)
            for key in sources:
                for way in sorted(WAYS, reverse=n % 2 == 1):
                    bench.copy(key, way, warm_up=n == 0)
        guest.wait_sync('ready')
        guest.answer('end')
        guest.finish()
    return bench.results()


def remove_leftovers():
    """Removes the files of runs that were killed."""
    for name in os.listdir(OUT):
        number = name[len('run-'):]
        if name.startswith('run-') and not os.path.exists(f'/proc/{number}'):
            shutil.rmtree(os.path.join(OUT, name), ignore_errors=True)


def stop(number, _):
    """Signal handler: leave by the ordinary way, which cleans up."""
    raise Stopped(signal.Signals(number).name)


def main():
    parser = argparse.ArgumentParser(prog='scripts/bench offload')
    parser.add_argument('--size', type=int, default=1024, metavar='MIB')
    parser.add_argument('--rounds', type=int, default=3, metavar='N')
    parser.add_argument('--record', action='store_true')
    args = parser.parse_args()
    if args.size < 16 or args.rounds < 1:
        parser.error('at least 16 MiB and 1 round')
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)

    os.makedirs(OUT, exist_ok=True)
    need = 5 * args.size
    if shutil.disk_usage(OUT).free < 2 * need * MIB:
        sys.exit(f'bench: {2 * need} MiB must be free below build/: free '
                 'some, or take a smaller --size')
    remove_leftovers()
    folder = os.path.join(OUT, f'run-{os.getpid()}')
    os.mkdir(folder)
    points = {}
    try:
        for name in FILE_SYSTEMS:
            print(f'bench: a file system {name}', flush=True)
            points[name] = mount(folder, name, need + 512)
        results = measure(folder, points, args)
    finally:
        for point in points.values():
            subprocess.run(['umount', '-l', point], check=False)
        shutil.rmtree(folder, ignore_errors=True)

    print('\n' + report.table(results, args.size))
    chart = plot.bars(f'Copying {args.size} MiB from disk to disk in a guest',
                      'seconds (logarithmic; shorter is better)',
                      ('dd in the guest', 'token copy'),
                      report.groups(results))
    report.save(chart, os.path.join(OUT, 'offload.svg'))
    if args.record:
        report.record(results, chart, args, vm.accelerator())
    missed = report.missed(results)
    print('\n'.join(missed) or 'bench: all bars are met')
    return 1 if missed else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except vm.GuestError as e:
        sys.exit(f'bench: {e}')
    except Stopped as e:
        sys.exit(f'bench: ended by {e}')
