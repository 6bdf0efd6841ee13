#!/usr/bin/python3
"""Fetches and builds the contestants that Debian does not have, at exact versions. Who cannot be had is left out, with
its reason in BUILD/NAME.reason, which the tables then tell; that is no failure.
"""
import argparse
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

PYZMQ = '27.3.0'  # its wheel has libzmq 4.3.5 and the libsodium that it needs
RUST = ('zeromq', 'rzmq', 'omq')
RUST_SCENARIOS = ('throughput', 'latency')


class Unavailable(Exception):
    """Why a contestant cannot be had here."""


def run(command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    if done.returncode != 0:
        errors = [line.strip() for line in done.stdout.splitlines() if line.strip().lower().startswith('error')]
        raise Unavailable(f'{command[0]} {command[1]}: {(errors or done.stdout.strip().splitlines() or ["?"])[-1]}')


def pip():
    """The system's own, or any."""
    for command in ([sys.executable, '-m', 'pip'], ['pip3'], ['pip']):
        if subprocess.run([*command, '--version'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0:
            return command
    raise Unavailable('no pip here')


def has(command):
    if not shutil.which(command):
        raise Unavailable(f'no {command} here')


def current(build):
    """The shared libraries of pyzmq's wheel."""
    into = f'{build}/pyzmq'
    with tempfile.TemporaryDirectory() as folder:
        run([*pip(), 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--dest', folder, f'pyzmq=={PYZMQ}'])
        with zipfile.ZipFile(glob.glob(f'{folder}/*.whl')[0]) as wheel:
            names = [name for name in wheel.namelist() if name.startswith('pyzmq.libs/')]
            if not any('libzmq' in name for name in names):
                raise Unavailable(f'the wheel of pyzmq {PYZMQ} has no libzmq for this machine')
            shutil.rmtree(into, ignore_errors=True)
            wheel.extractall(into, names)


def rust(build, name):
    has('cargo')
    target = os.path.abspath(f'{build}/rust/{name}')
    run(['cargo', 'build', '--quiet', '--release', '--manifest-path', f'bench/rust/{name}/Cargo.toml'],
        env={**os.environ, 'CARGO_TARGET_DIR': target})
    for scenario in RUST_SCENARIOS:
        shutil.copy(f'{target}/release/{name}', f'{build}/{scenario}-{name}')


def attempt(build, name, what):
    reason = f'{build}/{name}.reason'
    print(f'  {name} ...', flush=True)
    try:
        what()
    except Unavailable as why:
        print(f'  {name} cannot be had: {why}')
        with open(reason, 'w') as file:
            file.write(f'{why}\n')
        return
    if os.path.exists(reason):
        os.unlink(reason)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', default='build/bench', help='where the programs go')
    options = parser.parse_args()
    os.makedirs(options.build, exist_ok=True)
    attempt(options.build, 'current', lambda: current(options.build))
    for name in RUST:
        attempt(options.build, name, lambda name=name: rust(options.build, name))
    return 0


if __name__ == '__main__':
    sys.exit(main())
