# SPDX-License-Identifier: GPL-2.0-or-later
"""What scripts/bench prints and keeps."""

import datetime
import os
import platform

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

PAGE = '''# Performance

Made by `scripts/bench offload --record`; repeat it with the same command
after `scripts/setup`.  It needs root, since it makes two file systems in
files and mounts them (in a mount name space of its own, so nothing is left).

## Token copy against dd

![seconds for a copy, by file system and format](offload.svg)

{table}

How it is measured: one Linux guest ({accel}, {cpus} host CPUs) with a source
disk for each file system and format; in each of {rounds} rounds each way
copies {size} MiB to a fresh disk that is plugged for it.  Ways take turns
and the median counts; a round before them fills the caches, is compared byte
by byte on the host, and does not count.
Times are from the program's start to its end in the guest, seen from the
host; both ways end with a flush of the destination.  dd is `dd bs=1M
iflag=direct oflag=direct conv=fsync`; the token copy is `odxcopy SRC DST`.
Disks use QEMU's default cache mode.  "By" is what QEMU's `query-vscsi` says
of how the bytes were really copied.

The bar: on XFS raw at least 10 times dd, on ext4 not slower than dd; the
command fails if it is missed.  Only ratios within one run mean something:
under TCG the guest's own work is slow, which makes dd look worse than it is
under KVM.

Measured {date} on {machine}.
'''


def table(results, size):
    """A Markdown table."""
    lines = ['| host | format | dd | token copy | dd / token | by |',
             '|---|---|--:|--:|--:|---|']
    for r in results:
        lines.append(
            f'| {r["fs"]} | {r["format"]} '
            f'| {r["dd"]:.3f} s | {r["token"]:.3f} s | {r["ratio"]:.1f} '
            f'| {r["by"] or "-"} |')
    lines.append('')
    lines.append(f'Each copy is {size} MiB.')
    return '\n'.join(lines)


def groups(results):
    """The chart's groups, see plot.bars()."""
    return [(f'{r["fs"]}, {r["format"]}', (r['dd'], r['token']),
             (f'{r["dd"]:.2f} s',
              f'{r["token"]:.2f} s ({r["ratio"]:.1f} x)'))
            for r in results]


def missed(results):
    """A sentence for each bar that is not met."""
    return [f'bench: {r["fs"]} {r["format"]}: the token copy is '
            f'{r["ratio"]:.2f} times as fast as dd, it must be at least '
            f'{r["bar"]:g} times'
            for r in results if r['bar'] and r['ratio'] < r['bar']]


def save(text, path):
    """Writes a text file as a whole."""
    with open(path + '.new', 'w', encoding='utf-8') as f:
        f.write(text)
    os.replace(path + '.new', path)


def _processor():
    with open('/proc/cpuinfo', encoding='utf-8') as f:
        for line in f:
            if line.startswith('model name'):
                return line.split(':', 1)[1].strip()
    return platform.machine()


def record(results, chart, args, accel):
    """Writes the page and the chart below docs/."""
    docs = os.path.join(ROOT, 'docs')
    os.makedirs(docs, exist_ok=True)
    save(chart, os.path.join(docs, 'offload.svg'))
    save(PAGE.format(table=table(results, args.size), accel=accel.upper(),
                     cpus=os.cpu_count(), rounds=args.rounds, size=args.size,
                     date=datetime.date.today().isoformat(),
                     machine=f'{_processor()}, Linux {platform.release()}'),
         os.path.join(docs, 'performance.md'))
