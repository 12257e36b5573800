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


def _symbols(path):
    """(undefined, defined): {name: version or ''} of the dynamic symbols.

    A weak name may stay undefined, and is tested before use: a stub for it
    would be called, so it is left out.
    """
    undefined, defined = {}, {}
    for line in run(['readelf', '--dyn-syms', '-W', path]).splitlines():
        part = line.split()
        if len(part) < 8 or not part[0].rstrip(':').isdigit():
            continue
        name, _, version = part[7].partition('@')
        if part[6] != 'UND':
            defined[name] = version.lstrip('@')
        elif part[4] != 'WEAK':
            undefined[name] = version
    return undefined, defined


def _versions_of(path):
    """{library: [version names that this file wants of it]}."""
    versions, library = {}, None
    for line in run(['readelf', '-V', '-W', path]).splitlines():
        match = re.search(r'Version: \d+\s+File: (\S+)', line)
        if match:
            library = match.group(1)
            continue
        match = re.search(r'Name: (\S+)\s+Flags:', line)
        if match and library:
            versions.setdefault(library, []).append(match.group(1))
    return versions


def _write_stub(name, symbols, versions, folder):
    """Compiles one stand-in: functions that end the program."""
    source = os.path.join(folder, name + '.c')
    script = os.path.join(folder, name + '.map')
    with open(source, 'w', encoding='ascii') as f:
        for symbol in sorted(symbols):
            f.write(f'void {symbol}(void) {{ __builtin_trap(); }}\n')
    with open(script, 'w', encoding='ascii') as f:
        for version in versions:
            members = ''.join(f' {s};' for s in sorted(symbols)
                              if symbols[s] == version)
            f.write(f'{version} {{{" global:" if members else ""}'
                    f'{members} }};\n')
    path = os.path.join(folder, name)
    argv = ['gcc', '-shared', '-fPIC', '-nostdlib', '-w', '-s',
            f'-Wl,-soname,{name}', '-o', path, source]
    if versions:
        argv.append(f'-Wl,--version-script={script}')
    run(argv)
    return path


def write_stubs(program, root, prefixes, folder):
    """Writes stand-ins for libraries that a program names but never uses.

    fio asks for the client libraries of several storage clusters, with
    some sixty further libraries behind them, for engines that no test
    uses.  Each of these is replaced by a library that has the same name,
    the versions and the functions that are asked of it; a function ends
    the program if it is ever called.  Returns {name: path}.
    """
    missing, _ = _symbols(program)
    for path in libraries([program], root, absent=prefixes).values():
        for name in _symbols(path)[1]:
            missing.pop(name, None)
    versions = _versions_of(program)
    names = [n for n in needed(program) if n.startswith(tuple(prefixes))]
    os.makedirs(folder, exist_ok=True)
    stubs = {}
    for n, name in enumerate(names):
        own = versions.get(name, [])
        symbols = {s: v for s, v in missing.items()
                   if v in own or (not v and n == 0)}
        stubs[name] = _write_stub(name, symbols, own, folder)
    return stubs
