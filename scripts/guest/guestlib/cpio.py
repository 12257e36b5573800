# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes a cpio archive of the "newc" kind, the form of an initramfs.

The kernel unpacks several archives that follow each other, compressed or
not, as long as each begins at a multiple of four bytes.  So a test's own
files are added to a finished initramfs by appending a second archive.

No root is needed: owner, mode and device numbers are only fields here.
"""

import os
import stat


class Archive:
    """Collects members in memory; bytes() gives the finished archive."""

    def __init__(self):
        self._parts = []
        self._names = set()
        self._inode = 0

    def _member(self, name, mode, data, rdev=(0, 0)):
        name = name.strip('/')
        parent = os.path.dirname(name)
        if parent:
            self.directory(parent)
        if name in self._names:
            return
        self._names.add(name)
        self._inode += 1
        raw = name.encode() + b'\0'
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0,
                  rdev[0], rdev[1], len(raw), 0)
        head = b'070701' + b''.join(b'%08X' % f for f in fields) + raw
        self._parts.append(_pad(head) + _pad(data))

    def directory(self, name):
        """Adds a directory and those above it."""
        self._member(name, stat.S_IFDIR | 0o755, b'')

    def file(self, name, data, mode=0o644):
        """Adds a file with these bytes."""
        self._member(name, stat.S_IFREG | mode, data)

    def copy(self, name, path):
        """Adds the file at path, with its execute bits."""
        mode = 0o755 if os.access(path, os.X_OK) else 0o644
        with open(path, 'rb') as f:
            self.file(name, f.read(), mode)

    def symlink(self, name, target):
        """Adds a symbolic link."""
        self._member(name, stat.S_IFLNK | 0o777, target.encode())

    def device(self, name, major, minor):
        """Adds a character device, as /dev/console needs before /init."""
        self._member(name, stat.S_IFCHR | 0o600, b'', (major, minor))

    def bytes(self):
        """The archive with its trailer, padded for an appended one."""
        trailer = Archive._trailer()
        data = b''.join(self._parts) + trailer
        return data + b'\0' * (-len(data) % 512)

    @staticmethod
    def _trailer():
        raw = b'TRAILER!!!\0'
        fields = [0] * 13
        fields[4] = 1
        fields[11] = len(raw)
        return _pad(b'070701' + b''.join(b'%08X' % f for f in fields) + raw)


def _pad(data):
    return data + b'\0' * (-len(data) % 4)
