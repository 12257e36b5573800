# SPDX-License-Identifier: GPL-2.0-or-later
"""Collects a program with the shared libraries that it needs."""

import os
import re

from .debs import Failure, run

LIBRARY_FOLDERS = ('lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu',
                   'lib64', 'usr/lib64')
LOADER = 'ld-linux-x86-64.so.2'


def needed(path):
    """The names of the libraries that a program or library asks for."""
    out = run(['readelf', '-d', '-W', path])
    return re.findall(r'\(NEEDED\)\s+Shared library: \[([^]]+)\]', out)


def find_library(root, name):
    """The path of a library in an unpacked tree, or None."""
    for folder in LIBRARY_FOLDERS:
        path = os.path.join(root, folder, name)
        if os.path.exists(path):
            return os.path.realpath(path)
    return None


def libraries(programs, root, absent=()):
    """{name: path} of all libraries that the programs need, recursively.

    Libraries whose name starts with one of "absent" are left out; the
    caller replaces them.
    """
    found = {}
    todo = [n for p in programs for n in needed(p)]
    while todo:
        name = todo.pop()
        if name in found or name.startswith(tuple(absent) or ('\0',)):
            continue
        path = find_library(root, name)
        if not path:
            raise Failure(f'no fetched package holds {name}: the packages of '
                          'this Debian release depend on each other in a new '
                          'way; add the missing one in scripts/guest/build')
        found[name] = path
        todo += needed(path)
    return found


def _dynamic_symbols(path):
    """(undefined, defined) names in the dynamic symbol table.

    A weak name may stay undefined, and is tested before use: a stub for it
    would be called.
    """
    undefined, defined = set(), set()
    for line in run(['readelf', '--dyn-syms', '-W', path]).splitlines():
        part = line.split()
        if len(part) < 8 or not part[0].rstrip(':').isdigit():
            continue
        name = part[7].split('@')[0]
        if part[6] != 'UND':
            defined.add(name)
        elif part[4] != 'WEAK':
            undefined.add(name)
    return undefined, defined


def write_stubs(program, root, prefixes, folder):
    """Writes stand-ins for libraries that a program names but never uses.

    fio asks for the client libraries of several storage clusters, with
    some sixty further libraries behind them, for engines that no test
    uses.  Each of these is replaced by a library that has the same name
    and, among them, functions of the names that are still missing; they
    end the program if ever called.  Returns {name: path}.
    """
    real = libraries([program], root, absent=prefixes)
    missing, _ = _dynamic_symbols(program)
    for path in real.values():
        missing -= _dynamic_symbols(path)[1]
    names = [n for n in needed(program) if n.startswith(tuple(prefixes))]
    os.makedirs(folder, exist_ok=True)
    source = os.path.join(folder, 'stub.c')
    with open(source, 'w', encoding='ascii') as f:
        for symbol in sorted(missing):
            if re.fullmatch(r'[A-Za-z]\w*', symbol):
                f.write(f'void {symbol}(void) {{ __builtin_trap(); }}\n')
    stubs = {}
    for name in names:
        path = os.path.join(folder, name)
        run(['gcc', '-shared', '-fPIC', '-nostdlib', '-O1', '-w', '-s',
             f'-Wl,-soname,{name}', '-o', path, source])
        stubs[name] = path
    return stubs
