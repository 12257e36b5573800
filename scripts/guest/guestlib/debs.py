# SPDX-License-Identifier: GPL-2.0-or-later
"""Fetches Debian packages through apt and unpacks them, without root.

apt checks the signatures; nothing is installed.
"""

import glob
import os
import re
import subprocess


class Failure(Exception):
    """A step failed; the text says what to do about it."""


def run(argv, **kwargs):
    """Runs a command, returns its output, raises Failure with its words."""
    kwargs.setdefault('timeout', 600)
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, **kwargs)
    except FileNotFoundError:
        raise Failure(f'{argv[0]} is missing: install it (apt-get install '
                      f'{PACKAGE_OF.get(argv[0], argv[0])})') from None
    except subprocess.TimeoutExpired:
        raise Failure(f'"{" ".join(argv)}" did not end within '
                      f'{kwargs["timeout"]} s') from None
    if done.returncode:
        words = done.stderr.strip().splitlines()
        raise Failure(f'"{" ".join(argv)}" failed: '
                      + (words[-1] if words else f'exit {done.returncode}'))
    return done.stdout


PACKAGE_OF = {
    'apt-get': 'apt', 'apt-cache': 'apt', 'dpkg-deb': 'dpkg',
    'readelf': 'binutils', 'gcc': 'gcc',
}


def dependencies(package):
    """Names of the packages that this one needs directly."""
    out = run(['apt-cache', 'depends', '--no-recommends', '--no-suggests',
               '--no-conflicts', '--no-breaks', '--no-replaces',
               '--no-enhances', package])
    return re.findall(r'^\s*\|?(?:Pre)?Depends: ([a-z0-9.+-]+)', out,
                      re.MULTILINE)


def dependency_matching(package, pattern):
    """The one direct dependency whose name matches the whole pattern.

    Names carry versions ("linux-image-6.1.0-56-amd64", "libaio1t64"), so
    the caller knows only their form.
    """
    for name in dependencies(package):
        if re.fullmatch(pattern, name):
            return name
    raise Failure(f'package {package} has no dependency like "{pattern}": '
                  'run "apt-get update", and check that the system is '
                  'Debian 12 or 13 on amd64')


def fetch(packages, cache):
    """Downloads packages that are not in the cache; returns their paths."""
    os.makedirs(cache, exist_ok=True)
    paths = []
    for package in packages:
        found = sorted(glob.glob(f'{glob.escape(cache)}/{package}_*.deb'))
        if not found:
            try:
                run(['apt-get', 'download', '-qq', package], cwd=cache)
            except Failure as e:
                raise Failure(
                    f'cannot fetch the package {package} ({e}): check the '
                    'network and run "apt-get update"') from None
            found = sorted(glob.glob(f'{glob.escape(cache)}/{package}_*.deb'))
        if not found:
            raise Failure(f'apt-get gave no file for {package}: run '
                          '"apt-get update"')
        paths.append(found[-1])
    return paths


def unpack(debs, root):
    """Unpacks the packages' files below root."""
    os.makedirs(root, exist_ok=True)
    for deb in debs:
        run(['dpkg-deb', '-x', deb, root])
