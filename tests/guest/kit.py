# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest test needs on the host: a folder, images, comparisons.

A test is a function test_<behaviour>(kit) in a file test-<part>.py.  It
passes if it returns (a text that it returns is printed as a note), and is
skipped if it raises vm.Skip with a reason.
"""

import hashlib
import os
import random
import struct
import time

import vm
from vm import GuestError, run

MIB = 1024 * 1024
BLOCK = 512


class Kit:
    """The means of one test; its folder is removed after the test.

    seed is what random tests start from; the runner prints it.
    """

    def __init__(self, folder, seed):
        self.folder = folder
        self.seed = seed
        self._guests = 0

    def path(self, name):
        """A path in the test's folder."""
        return os.path.join(self.folder, name)

    def guest(self, script=None, **options):
        """A new guest with its own folder; see vm.Guest."""
        folder = self.path(f'guest{self._guests}')
        self._guests += 1
        os.makedirs(folder)
        return vm.Guest(folder, script, **options)

    def odxcopy(self):
        """For a guest's "files": the project's copy program."""
        path = os.path.join(vm.ROOT, 'build', 'tools', 'odxcopy')
        if not os.path.exists(path):
            raise GuestError(f'{path} is missing: run scripts/setup')
        return {'usr/bin/odxcopy': path}

    def image(self, name, size, fmt='raw'):
        """An empty image; returns its path."""
        path = self.path(name)
        run(vm.binary('qemu-img'), 'create', '-q', '-f', fmt, path, str(size))
        return path

    def stamped(self, name, size, fmt='raw', seed=1, holes=()):
        """An image whose blocks all differ; returns its path.

        Each block of 512 bytes holds its number and the seed, so that a
        block that comes from elsewhere is seen, and says from where.
        holes: (offset, length) pairs that stay unwritten and read as zeroes.
        """
        raw = self.path(name if fmt == 'raw' else name + '.raw')
        with open(raw, 'wb') as f:
            at = 0
            for offset, length in [*holes, (size, 0)]:
                f.seek(at)
                f.write(stamps(at // BLOCK, (offset - at) // BLOCK, seed))
                at = offset + length
            f.truncate(size)
        if fmt == 'raw':
            return raw
        path = self.path(name)
        run(vm.binary('qemu-img'), 'convert', '-f', 'raw', '-O', fmt, raw,
            path)
        os.unlink(raw)
        return path

    def raw(self, path, fmt):
        """The path of a raw image with the same content."""
        if fmt == 'raw':
            return path
        run(vm.binary('qemu-img'), 'convert', '-f', fmt, '-O', 'raw', path,
            path + '.content')
        return path + '.content'

    def read(self, path, offset, length, fmt='raw'):
        """Bytes of an image's content."""
        with open(self.raw(path, fmt), 'rb') as f:
            f.seek(offset)
            return f.read(length)

    def until(self, condition, what, seconds=60):
        """Waits until the condition holds; fails when it never does."""
        for _ in range(seconds * 20):
            if condition():
                return
            time.sleep(0.05)
        raise GuestError(f'waited {seconds} s in vain until {what}')

    def check(self, path, fmt):
        """Fails unless qemu-img finds the image sound."""
        run(vm.binary('qemu-img'), 'check', '-q', '-f', fmt, path)


def stamps(first, count, seed):
    """The content of stamped blocks, from block number "first" on."""
    filler = random.Random(seed).randbytes(BLOCK - 16)
    head = struct.Struct('>QQ').pack
    return b''.join(head(n, seed) + filler
                    for n in range(first, first + count))


def same(what, got, wanted):
    """Fails, naming the first differing block, unless both are equal."""
    if got == wanted:
        return
    if len(got) != len(wanted):
        raise GuestError(f'{what}: {len(got)} bytes, expected {len(wanted)}')
    for at in range(0, len(got), BLOCK):
        if got[at:at + BLOCK] != wanted[at:at + BLOCK]:
            raise GuestError(
                f'{what}: block {at // BLOCK} differs: '
                f'{got[at:at + 16].hex()}..., '
                f'expected {wanted[at:at + 16].hex()}...')


def expect(condition, text):
    """Fails with the text unless the condition holds."""
    if not condition:
        raise GuestError(text)


def digest(data):
    """A short name for some content."""
    return hashlib.sha256(data).hexdigest()
