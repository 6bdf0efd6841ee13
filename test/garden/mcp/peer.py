"""garden-mcp as a process, and the lines that go to it and come from it."""
import itertools
import json
import os
import queue
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from pygarden.stage import O, PATIENCE  # noqa: E402

PROGRAM = os.path.abspath(os.path.join(O, "bin", "garden-mcp"))
CLIENT = {"name": "test", "version": "1"}


class Mcp:
    """One session over standard input and output."""

    def __init__(self, stage, *options, version="2025-06-18"):
        self.process = subprocess.Popen(
            [PROGRAM, "--connection", os.path.join(stage.run_dir, "connection.json"), *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        stage.opened(self)
        self.ids = itertools.count(1)
        self.lines = queue.Queue()
        self.told = []  # notifications, in order
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        if version:
            self.version = self.initialize(version)["result"]["protocolVersion"]
            self.notify("notifications/initialized")

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def initialize(self, version, **more):
        return self.request("initialize", protocolVersion=version, capabilities={}, clientInfo=CLIENT, **more)

    def write(self, octets):
        self.process.stdin.write(octets)
        self.process.stdin.flush()

    def send(self, message):
        self.write(json.dumps(message).encode() + b"\n")

    def line(self):
        """The next message, whatever it is; None at the end."""
        line = self.lines.get(timeout=PATIENCE)
        return None if line is None else json.loads(line)

    def answer(self):
        """The next that is no notification."""
        while True:
            message = self.line()
            assert message is not None, "garden-mcp has ended"
            if isinstance(message, list) or "method" not in message:
                return message
            self.told.append(message)

    def until(self, wanted):
        """The next notification for which wanted is true; those that were passed over before count, too."""
        for number, message in enumerate(self.told):
            if wanted(message):
                del self.told[: number + 1]
                return message
        while True:
            message = self.line()
            assert message is not None, "garden-mcp has ended"
            if "method" in message and wanted(message):
                return message

    def ask(self, method, **params):
        number = next(self.ids)
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return number

    def request(self, method, **params):
        number = self.ask(method, **params)
        answer = self.answer()
        assert answer["jsonrpc"] == "2.0" and answer["id"] == number, answer
        assert ("result" in answer) != ("error" in answer), answer
        return answer

    def notify(self, method, **params):
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def call(self, tool, **arguments):
        """What a tool gives, which must not fail."""
        answer = self.request("tools/call", name=tool, arguments=arguments)
        assert "result" in answer and not answer["result"]["isError"], (tool, answer)
        content = json.loads(answer["result"]["content"][0]["text"])
        structured = answer["result"].get("structuredContent")
        assert structured is None or structured == content, answer
        return content

    def failure(self, tool, **arguments):
        """The words of a tool, which must fail."""
        answer = self.request("tools/call", name=tool, arguments=arguments)
        assert answer.get("result", {}).get("isError"), answer
        return answer["result"]["content"][0]["text"]

    def error(self, message):
        """The error that answers |message|, which may be octets."""
        if isinstance(message, bytes):
            self.write(message + b"\n")
        else:
            self.send(message)
        answer = self.answer()
        assert "error" in answer, answer
        return answer["id"], answer["error"]["code"], answer["error"]["message"]

    def end(self):
        """Closes its input; what it still says, and its status."""
        self.process.stdin.close()
        rest = []
        while (message := self.line()) is not None:
            rest.append(message)
        return rest, self.process.wait(PATIENCE)

    def close(self):
        if self.process.stderr.closed:
            return
        # In order, so that a sanitizer tells of what was not given back.
        try:
            self.process.stdin.close()
            self.process.wait(PATIENCE)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        said = self.process.stderr.read().decode()
        for end in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                end.close()
            except BrokenPipeError:
                pass
        assert "Sanitizer" not in said, said
