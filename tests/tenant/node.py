# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is common to the programs of npm that the tests run: no shell and no npx, so that the process is the listener."""

import os
import socket
import subprocess
import time

MODULES = os.environ.get("SSPR_NPM", "/opt/sspr-npm")


def available():
    """Whether this world has them."""
    return os.path.isdir(f"{MODULES}/node_modules")


class Node:
    """A script under node, listening on a port of 127.0.0.1; what it says goes to a file."""

    def __init__(self, script, arguments, port, log, environment=None):
        self.command = ["node", script, *map(str, arguments)]
        self.port, self.log, self.environment = port, log, environment or {}
        self.process = None

    def start(self, seconds=30):
        if self._listens():
            raise RuntimeError(f"somebody else is at port {self.port}")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                                            env={**os.environ, **self.environment})
        end = time.monotonic() + seconds
        while not self._listens():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"{self.command[1]} does not run:\n{self.said()}")
            time.sleep(0.02)
        return self

    def _listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        if not self.process:
            return
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    __enter__ = start

    def __exit__(self, *_):
        self.stop()
