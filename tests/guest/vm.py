# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs one Linux guest under the project's QEMU and talks with it.

A test describes a machine, hands over a shell script, and follows it:

    with Guest(folder, script) as guest:
        guest.controller('vs0')
        guest.lun('disk.img', 'raw', controller='vs0', lun=1)
        guest.start()
        guest.wait_sync('ready')        # the script says: sync_host ready
        guest.qmp('device_del', id='lun0')
        guest.answer('go on')
        guest.finish()                  # every check ok, exit code 0

The script runs as /test/run.sh with scripts/guest/guest.sh read in: see
there for what it may use and for the lines that go between both sides.
They travel over the guest's second serial port; the first is the console
and goes to the file console.log in the folder.

Nothing here waits for ever: the guest as a whole has a time limit, and the
QEMU process is killed, by its process id, when the block ends.
"""

import ctypes
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, 'scripts', 'guest'))
from guestlib import bootdisk, cpio                     # noqa: E402

GUEST_DIR = os.path.join(ROOT, 'build', 'guest')
DEFAULT_TIMEOUT = 120
KVM_PROBE_SECONDS = 10

# The types under test.  With the stock ones the driver tests still pass.
CONTROLLER = os.environ.get('VSCSI_CONTROLLER', 'vscsi-pci')
LUN = os.environ.get('VSCSI_LUN', 'vscsi-hd')


class GuestError(Exception):
    """The guest, QEMU or the test's own expectation failed."""


class Skip(Exception):
    """The test cannot run here; the text says why."""


def binary(name):
    """The path of one of the project's programs.

    VSCSI_BIN in the environment names another folder to take them from.
    """
    folders = [os.environ.get('VSCSI_BIN'), os.path.join(ROOT, 'build/bin'),
               os.path.join(ROOT, 'build/qemu')]
    for folder in filter(None, folders):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            return path
    raise GuestError(f'build/bin/{name} is missing: run scripts/setup')


def run(*argv, timeout=120):
    """Runs a host program to its end and returns its output."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, timeout=timeout,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise GuestError(f'"{" ".join(argv)}" failed with '
                         f'{done.returncode}: {done.stdout.strip()}')
    return done.stdout


def has_device(name):
    """Whether this QEMU knows a device type."""
    done = subprocess.run([binary('qemu-system-x86_64'), '-M', 'none',
                           '-device', f'{name},help'], timeout=30,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return done.returncode == 0


def _firmware():
    """Where firmware lies, if QEMU's own folders lack it."""
    found = subprocess.run([binary('qemu-system-x86_64'), '-L', 'help'],
                           stdout=subprocess.PIPE, timeout=30, text=True,
                           check=True).stdout.split()
    if all(any(os.path.exists(os.path.join(f, n)) for f in found)
           for n in ('bios-256k.bin', 'pvh.bin')):
        return []
    args = []
    for folder in ('/usr/share/qemu', '/usr/share/seabios',
                   '/usr/lib/ipxe/qemu'):
        if os.path.isdir(folder):
            args += ['-L', folder]
    return args


def _option(value):
    """A value as QEMU's option syntax wants it."""
    return value.replace(',', ',,')


def _join(*parts):
    """Properties with commas between them, without the empty ones."""
    return ','.join(p for p in parts if p)


def _die_with_parent():
    """In the child: no QEMU is left behind if the test run is killed."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Lines:
    """A socket that carries lines; every wait has an end."""

    def __init__(self, sock):
        self._sock = sock
        self._data = b''
        self.ended = False

    def send(self, text):
        """Sends one line."""
        self._sock.sendall(text.encode() + b'\n')

    def poll(self, seconds):
        """The next line, or None when none came in time or at the end."""
        deadline = time.monotonic() + seconds
        while b'\n' not in self._data:
            left = max(0, deadline - time.monotonic())
            if self.ended or not select.select([self._sock], [], [],
                                               left)[0]:
                return None
            try:
                chunk = self._sock.recv(65536)
            except ConnectionError:
                chunk = b''
            if not chunk:
                self.ended = True
                return None
            self._data += chunk
        line, self._data = self._data.split(b'\n', 1)
        return line.decode(errors='replace').rstrip('\r')


class Guest:
    """One virtual machine; a context manager that always cleans up."""

    def __init__(self, folder, script=None, *, files=None, extras=(),
                 machine='pc', memory=512, cpus=1, timeout=DEFAULT_TIMEOUT,
                 cmdline='', boot_image=None, prepare=True, restarts=False,
                 incoming=None, accel=None):
        """
        folder: an existing directory for all files of this guest.
        script: shell text; None: the guest only boots and ends.
        files: {path in the guest: path on the host}.
        extras: names of add-on archives of build/guest ('fio', 'ddpt').
        boot_image: None starts the kernel directly; otherwise the guest
            boots from its disks and this file is the disk to prepare: it
            becomes a copy of boot.img with the script in it.
        prepare: False leaves the boot_image as it is.
        restarts: the guest may reboot (else QEMU ends at a reboot).
        incoming: a migration address to wait at, instead of booting.
        accel: 'tcg' or 'kvm'; None chooses what works.
        """
        self.folder = folder
        self.results = {}
        self.exit_code = None
        self.events = []
        self._args = []
        self._syncs = []
        self._nodes = 0
        self._process = None
        self._deadline = None
        self._timeout = timeout
        self._shown = 0
        self.on_console = None      # called with each new line of the console
        self._control = self._monitor = None
        self._console = os.path.join(folder, 'console.log')
        self._stderr = os.path.join(folder, 'qemu.log')
        accel = accel or accelerator()
        self.add('-M', machine, '-accel', accel, '-m', str(memory), '-smp',
                 str(cpus), '-nodefaults', '-display', 'none')
        if accel == 'kvm':
            self.add('-cpu', 'host')
        if not restarts:
            self.add('-no-reboot')
        if incoming:
            self.add('-incoming', incoming)
        initrds = self._initrds(script, files or {}, extras)
        cmdline = bootdisk.command_line(cmdline)
        if boot_image and not prepare:
            pass
        elif boot_image:
            bootdisk.make(boot_image, os.path.join(GUEST_DIR, 'tools'),
                          os.path.join(GUEST_DIR, 'vmlinuz'), initrds,
                          cmdline + ' guest.boot=disk')
        else:
            whole = os.path.join(folder, 'initrd')
            with open(whole, 'wb') as out:
                for path in initrds.values():
                    with open(path, 'rb') as f:
                        shutil.copyfileobj(f, out)
                    out.write(b'\0' * (-out.tell() % 4))
            self.add('-kernel', os.path.join(GUEST_DIR, 'vmlinux'),
                     '-initrd', whole, '-append', cmdline)

    def _initrds(self, script, files, extras):
        """The archives that make up the guest's first file system."""
        paths = {'initrd.gz': os.path.join(GUEST_DIR, 'initramfs.cpio.gz')}
        for name in extras:
            paths[f'{name}.cpi'] = os.path.join(GUEST_DIR, f'{name}.cpio')
        for path in paths.values():
            if not os.path.exists(path):
                raise GuestError(f'{path} is missing: run scripts/guest/build')
        if script is not None or files:
            archive = cpio.Archive()
            archive.copy('lib/token.sh', os.path.join(HERE, 'token.sh'))
            if script is not None:
                archive.file('test/run.sh',
                             f'. /lib/guest.sh\n{script}\n'.encode(), 0o755)
            for name, path in files.items():
                archive.copy(name, path)
            own = os.path.join(self.folder, 'test.cpio')
            with open(own, 'wb') as f:
                f.write(archive.bytes())
            paths['test.cpi'] = own
        return paths

    # The machine ---------------------------------------------------------

    def add(self, *args):
        """Adds words to QEMU's command line."""
        self._args += args

    def iothread(self, name):
        """Adds an I/O thread."""
        self.add('-object', f'iothread,id={name}')

    def controller(self, name, props=''):
        """Adds a controller of the type under test.

        props: further properties as on QEMU's command line.
        """
        self.add('-device', _join(f'{CONTROLLER},id={name}', props))

    def node(self, path, fmt='raw', name=None):
        """Adds a block node over a file; returns its node name."""
        name = name or f'disk{self._nodes}'
        self._nodes += 1
        self.add('-blockdev', json.dumps(node_options(path, fmt, name)))
        return name

    def slow_node(self, path, fmt='raw', bytes_per_second=4 << 20):
        """Adds a block node that takes writes at a limited rate only."""
        node = self.node(path, fmt)
        self.add('-object', f'throttle-group,id=rate-{node},'
                 f'x-bps-write={bytes_per_second}',
                 '-blockdev', f'driver=throttle,node-name=slow-{node},'
                 f'throttle-group=rate-{node},file={node}')
        return f'slow-{node}'

    def lun(self, path, fmt='raw', props='', *, controller='vs0', target=0,
            lun=0, node=None):
        """Adds a disk on a controller; returns the block node's name.

        node: an existing block node, instead of path and fmt.
        """
        node = node or self.node(path, fmt)
        self.add('-device', _join(
            f'{LUN},drive={node},bus={controller}.0,channel=0,'
            f'scsi-id={target},lun={lun}', props))
        return node

    # Life ----------------------------------------------------------------

    def start(self):
        """Starts QEMU; the guest begins to boot."""
        control, control_end = socket.socketpair()
        monitor, monitor_end = socket.socketpair()
        ends = (control_end.fileno(), monitor_end.fileno())
        argv = [binary('qemu-system-x86_64'), *_firmware(), *self._args,
                '-chardev', f'file,id=console,path={_option(self._console)}',
                '-serial', 'chardev:console',
                '-chardev', f'socket,id=control,fd={ends[0]}',
                '-serial', 'chardev:control',
                '-chardev', f'socket,id=monitor,fd={ends[1]}',
                '-mon', 'chardev=monitor,mode=control']
        with open(os.path.join(self.folder, 'command'), 'w',
                  encoding='utf-8') as f:
            f.write(' '.join(argv) + '\n')
        self._deadline = time.monotonic() + self._timeout
        with open(self._stderr, 'wb') as err:
            self._process = subprocess.Popen(
                argv, pass_fds=ends, stdin=subprocess.DEVNULL, stdout=err,
                stderr=err, preexec_fn=_die_with_parent)
        control_end.close()
        monitor_end.close()
        self._control = Lines(control)
        self._monitor = Lines(monitor)
        self._sockets = (control, monitor)
        self._await_monitor('QMP')
        self.qmp('qmp_capabilities')

    @property
    def pid(self):
        """QEMU's process id."""
        return self._process.pid

    def _fail(self, text):
        """Raises an error that shows what guest and QEMU said last."""
        for label, path in (('qemu', self._stderr), ('guest', self._console)):
            try:
                with open(path, encoding='utf-8', errors='replace') as f:
                    lines = f.read().replace('\r', '').splitlines()[-12:]
            except OSError:
                continue
            for line in lines:
                text += f'\n    {label}: {line}'
        raise GuestError(text)

    def _left(self, what):
        left = self._deadline - time.monotonic()
        if left <= 0:
            self._fail(f'time limit of {self._timeout} s passed while '
                       f'waiting for {what}')
        return left

    def _read_control(self, seconds):
        """Reads one line from the guest; False when there was none."""
        line = self._control.poll(seconds)
        self._show_console()
        if line is None:
            return False
        match = re.match(r'@@RESULT (\S+) (ok|fail) ?(.*)', line)
        if match:
            name, verdict, detail = match.groups()
            self.results[name] = (verdict == 'ok', detail)
        elif line.startswith('@@SYNC '):
            self._syncs.append(line[len('@@SYNC '):].split())
        elif line.startswith('@@EXIT '):
            self.exit_code = int(line.split()[1])
        return True

    def wait_sync(self, name):
        """Waits until the script calls sync_host; returns its words."""
        while not self._syncs:
            if self.exit_code is not None:
                self._fail(f'the guest ended before its @@SYNC {name}')
            self._left(f'@@SYNC {name}')
            if not self._read_control(0.5) and self._control.ended:
                self._fail(f'QEMU ended before the guest\'s @@SYNC {name}')
        words = self._syncs.pop(0)
        if words[0] != name:
            self._fail(f'the guest waits at @@SYNC {words[0]}, not {name}')
        return words[1:]

    def answer(self, text=''):
        """Answers the guest's last @@SYNC."""
        self._control.send(text)

    def wait_exit(self):
        """Waits for the script's end and the end of QEMU."""
        while self.exit_code is None:
            self._left('the end of the guest')
            if not self._read_control(0.5) and self._control.ended:
                self._fail('the guest ended without its @@EXIT line')
        self.wait_qemu()
        return self.exit_code

    def wait_qemu(self):
        """Waits for the end of QEMU, which must be a clean one."""
        try:
            code = self._process.wait(timeout=self._left('the end of QEMU'))
        except subprocess.TimeoutExpired:
            self._fail('QEMU did not end')
        if code:
            self._fail(f'QEMU ended with {code}')

    def finish(self, expect=()):
        """Waits for the end; fails unless all checks were ok.

        expect: names of checks that must have been reported.
        """
        code = self.wait_exit()
        bad = [f'{n}: {d}' for n, (good, d) in self.results.items()
               if not good]
        if bad:
            self._fail('; '.join(bad))
        missing = [n for n in expect if n not in self.results]
        if missing:
            self._fail('the guest did not report: ' + ', '.join(missing))
        if code:
            self._fail(f'the guest\'s script ended with {code}')

    def console(self):
        """What the guest printed so far."""
        with open(self._console, encoding='utf-8', errors='replace') as f:
            return f.read().replace('\r', '')

    def _show_console(self):
        """Hands new whole lines of the console to whoever wants them."""
        if not self.on_console:
            return
        lines = self.console().split('\n')[:-1]
        for line in lines[self._shown:]:
            self.on_console(line)
        self._shown = len(lines)

    def close(self):
        """Ends QEMU if it still runs."""
        if not self._process:
            return
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for sock in self._sockets:
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    # Monitor -------------------------------------------------------------

    def _await_monitor(self, key):
        """Reads messages until one has the key; keeps the events."""
        while True:
            line = self._monitor.poll(min(5, self._left('the monitor')))
            if line is None:
                if self._monitor.ended:
                    self._fail('QEMU ended')
                continue
            message = json.loads(line)
            if 'event' in message:
                self.events.append(message)
            if key in message:
                return message
            if 'error' in message:
                raise GuestError(f'QMP: {message["error"]["desc"]}')

    def qmp(self, command, arguments=None, **words):
        """Runs a monitor command; a refusal is a GuestError.

        An underscore in the name of a keyword stands for a dash.
        """
        arguments = dict(arguments or {})
        arguments.update({k.replace('_', '-'): v for k, v in words.items()})
        self._monitor.send(json.dumps({'execute': command,
                                       'arguments': arguments}))
        return self._await_monitor('return')['return']

    def hmp(self, line):
        """Runs a line of the human monitor and returns its text."""
        return self.qmp('human-monitor-command', command_line=line)

    def wait_event(self, name, **data):
        """Waits for an event whose data hold these values."""
        while True:
            for event in self.events:
                if event['event'] == name and all(
                        event.get('data', {}).get(k) == v
                        for k, v in data.items()):
                    self.events.remove(event)
                    return event.get('data', {})
            self._await_monitor('event')

    def plug_controller(self, name):
        """Adds a controller to the running guest."""
        self.qmp('device_add', driver=CONTROLLER, id=name)

    def plug_lun(self, name, path, fmt='raw', *, controller='vs0', target=0,
                 lun=0):
        """Adds a disk to the running guest."""
        self.qmp('blockdev-add', node_options(path, fmt, f'node-{name}'))
        self.qmp('device_add', driver=LUN, id=name, drive=f'node-{name}',
                 bus=f'{controller}.0', channel=0, scsi_id=target, lun=lun)

    def unplug_lun(self, name):
        """Takes a disk away that plug_lun added; waits until it is gone."""
        self.qmp('device_del', id=name)
        self.wait_event('DEVICE_DELETED', device=name)
        self.qmp('blockdev-del', node_name=f'node-{name}')


def node_options(path, fmt, name):
    """blockdev-add's options for a format node over a file."""
    return {'driver': fmt, 'node-name': name, 'discard': 'unmap',
            'file': {'driver': 'file', 'filename': path,
                     'discard': 'unmap'}}


def accelerator():
    """'kvm' if a guest really runs under it here, else 'tcg'.

    A /dev/kvm that opens is no proof: on some virtual machines the guest
    then hangs.  So one is started, with a time limit, once after each start
    of the host; the answer is kept in build/guest.
    """
    wanted = os.environ.get('VSCSI_ACCEL')
    if wanted:
        return wanted
    if not os.access('/dev/kvm', os.R_OK | os.W_OK):
        return 'tcg'
    if not os.path.exists(os.path.join(GUEST_DIR, 'stamp')):
        raise GuestError('build/guest is not made: run scripts/guest/build')
    cache = os.path.join(GUEST_DIR, 'accel')
    with open('/proc/sys/kernel/random/boot_id', encoding='ascii') as f:
        key = f.read().strip()
    try:
        with open(cache, encoding='ascii') as f:
            known, accel = f.read().split()
        if known == key:
            return accel
    except (OSError, ValueError):
        pass
    accel = 'kvm' if _kvm_works() else 'tcg'
    with open(cache, 'w', encoding='ascii') as f:
        f.write(f'{key} {accel}\n')
    return accel


def _kvm_works():
    """Whether a guest boots under KVM within the limit."""
    folder = os.path.join(GUEST_DIR, f'probe.{os.getpid()}')
    os.makedirs(folder)
    try:
        with Guest(folder, 'exit 0', accel='kvm',
                   timeout=KVM_PROBE_SECONDS) as guest:
            guest.start()
            return guest.wait_exit() == 0
    except GuestError:
        return False
    finally:
        shutil.rmtree(folder, ignore_errors=True)
