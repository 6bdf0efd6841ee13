"""A peer program as a process that is told what to do line by line; README.md has the lines."""
import queue
import signal
import subprocess
import threading

PATIENCE = 30.0  # a peer program gives up by itself after ten seconds


class Failed(Exception):
    """Something happened that must not."""


class Missing(Exception):
    """The library does not have what was asked for."""


class Late(Failed):
    """What was waited for did not come in time."""


class Side:
    """One of the two programs of a conversation."""

    def __init__(self, name, command, log):
        self.name, self.command = name, command
        self.log = open(log, 'ab')
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log)
        self.answers, self.asked = queue.Queue(), []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.answers.put(line.decode(errors='replace').strip())
        self.answers.put(None)

    def post(self, *lines):
        """Tells it lines; the answers are for gather."""
        try:
            self.process.stdin.write(''.join(line + '\n' for line in lines).encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed(f'{self.name} has ended') from None
        self.asked.extend(lines)

    def answered(self):
        """Is there an answer to the first line that was posted?"""
        return not self.answers.empty()

    def gather(self, count=None):
        """The answers to the lines posted, or to |count| of them; the last one is returned."""
        rest = ''
        for _ in range(len(self.asked) if count is None else count):
            line = self.asked.pop(0)
            what = f'{self.name}: {line if len(line) < 60 else line[:57] + "..."}'
            try:
                answer = self.answers.get(timeout=PATIENCE)
            except queue.Empty:
                raise Failed(f'{what}: no answer') from None
            if answer is None:
                raise Failed(f'{what}: the program ended ({self.process.wait()})')
            word, _, rest = answer.partition(' ')
            if word == 'no':
                raise Missing(rest)
            if word == 'timeout':
                raise Late(f'{what}: {rest}')
            if word != 'ok':
                raise Failed(f'{what}: {rest}')
        return rest

    def do(self, *lines):
        self.post(*lines)
        return self.gather()

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


def together(*work):
    """Both sides do their lines at the same time: pairs of a side and its lines."""
    for side, lines in work:
        side.post(*lines)
    for side, _ in work:
        side.gather()

