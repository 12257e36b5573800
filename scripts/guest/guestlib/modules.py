# SPDX-License-Identifier: GPL-2.0-or-later
"""Finds kernel modules and the order in which they must be loaded.

The kernel package holds no modules.dep (it is made at installation, by a
program that may not be there), but each module names what it needs in its
own .modinfo section.
"""

import lzma
import os
import re

from .debs import Failure


class Modules:
    """The modules of one unpacked kernel package."""

    def __init__(self, root):
        self._paths = {}
        self._data = {}
        for folder, _, files in os.walk(root):
            for name in files:
                match = re.fullmatch(r'(.+)\.ko(\.xz|\.zst)?', name)
                if match:
                    key = match.group(1).replace('-', '_')
                    self._paths[key] = os.path.join(folder, name)
        self._builtin = set()
        for folder, _, files in os.walk(root):
            if 'modules.builtin' in files:
                with open(os.path.join(folder, 'modules.builtin'),
                          encoding='ascii') as f:
                    for line in f:
                        name = os.path.basename(line.strip())[:-len('.ko')]
                        self._builtin.add(name.replace('-', '_'))

    def data(self, name):
        """The module's bytes, not compressed."""
        if name not in self._data:
            path = self._paths[name]
            with open(path, 'rb') as f:
                data = f.read()
            if path.endswith('.xz'):
                data = lzma.decompress(data)
            elif path.endswith('.zst'):
                raise Failure(f'{path}: this kernel packs its modules with '
                              'zstd, which is not known here: use the kernel '
                              'of Debian 12 or 13')
            self._data[name] = data
        return self._data[name]

    def _needs(self, name):
        data = self.data(name)
        names = []
        for text in re.findall(rb'\0depends=([^\0]*)\0', data):
            names += [n for n in text.decode().split(',') if n]
        for text in re.findall(rb'\0softdep=pre: ([^\0]*)\0', data):
            names += [n for n in text.decode().split() if ':' not in n]
        return [n.replace('-', '_') for n in names]

    def load_order(self, wanted):
        """The wanted modules and all they need, each after its needs."""
        order = []
        seen = set()

        def visit(name, needed_by):
            if name in seen or name in self._builtin:
                return
            seen.add(name)
            if name not in self._paths:
                if needed_by:
                    return
                raise Failure(f'the kernel package has no module {name}: use '
                              'the kernel of Debian 12 or 13')
            for need in self._needs(name):
                visit(need, name)
            order.append(name)

        for name in wanted:
            visit(name, None)
        return order
