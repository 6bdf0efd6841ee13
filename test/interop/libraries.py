"""The libraries of the campaign: how each is installed, as its registry delivers it, and started.

Versions are pinned in the files under peers/; what they name is installed into a folder of the build.
"""
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
PREPARE_SECONDS = 900


class Unbuildable(Exception):
    """It cannot be installed here, and why."""


class Library:
    """One of them. |prepare| installs it below |folder| and returns the command that runs its peer."""

    def __init__(self, name, sources, tools=()):
        self.name, self.tools = name, tools
        self.sources = os.path.join(HERE, 'peers', sources)

    def command(self, folder):
        for tool in self.tools:
            if not shutil.which(tool):
                raise Unbuildable(f'{tool} is not installed')
        folder = os.path.join(os.path.abspath(folder), self.name)
        os.makedirs(folder, exist_ok=True)
        try:
            with open(os.path.join(folder, 'prepare.log'), 'wb') as log:
                return self.prepare(folder, lambda *command, **more: self.run(command, log, **more))
        except (OSError, subprocess.SubprocessError) as e:
            raise Unbuildable(f'{e}; see {folder}/prepare.log') from e

    @staticmethod
    def run(command, log, **more):
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=log,
                       stderr=subprocess.STDOUT, timeout=PREPARE_SECONDS, **more)

    def copy(self, folder, *names):
        for name in names:
            shutil.copy(os.path.join(self.sources, name), folder)


class Debian(Library):
    """libzmq of the system, through python3-zmq."""

    def prepare(self, folder, run):
        run('/usr/bin/python3', '-c', 'import zmq')
        return ['/usr/bin/python3', os.path.join(self.sources, 'peer.py')]


class Pyzmq(Library):
    """The libzmq inside pyzmq's wheel."""

    def prepare(self, folder, run):
        python = os.path.join(folder, 'venv/bin/python3')
        if not os.path.exists(python):
            run('/usr/bin/python3', '-m', 'venv', os.path.join(folder, 'venv'))
        run(python, '-m', 'pip', 'install', '--only-binary', ':all:', '-r',
            os.path.join(self.sources, 'requirements.txt'))
        return [python, os.path.join(self.sources, 'peer.py')]


class Jeromq(Library):
    def prepare(self, folder, run):
        self.copy(folder, 'pom.xml')
        run('mvn', '-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=jars', cwd=folder)
        path = f'{folder}/classes:{folder}/jars/*'
        run('javac', '-d', 'classes', '-cp', path, os.path.join(self.sources, 'Peer.java'), cwd=folder)
        return ['java', '-Xmx1g', '-XX:+UseSerialGC', '-cp', path, 'Peer']


class ZeromqJs(Library):
    def prepare(self, folder, run):
        self.copy(folder, 'package.json', 'package-lock.json', 'peer.js')
        # Without scripts: the package brings its binary, and would build another for lack of a reason.
        run('npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', cwd=folder)
        return ['node', os.path.join(folder, 'peer.js')]


class ZmqRs(Library):
    def prepare(self, folder, run):
        run('cargo', 'build', '--release', '--target-dir', folder, '--manifest-path',
            os.path.join(self.sources, 'Cargo.toml'))
        return [os.path.join(folder, 'release/peer')]


class Zmq4(Library):
    def prepare(self, folder, run):
        program = os.path.join(folder, 'peer')
        run('go', 'build', '-mod=readonly', '-o', program, '.', cwd=self.sources)
        return [program]


LIBRARIES = [
    Debian('libzmq-debian', 'pyzmq'),
    Pyzmq('libzmq-pyzmq', 'pyzmq'),
    Jeromq('jeromq', 'jeromq', ('mvn', 'javac', 'java')),
    ZeromqJs('zeromq.js', 'zeromq.js', ('npm', 'node')),
    ZmqRs('zmq.rs', 'zmq.rs', ('cargo',)),
    Zmq4('go-zeromq', 'zmq4', ('go',)),
]
