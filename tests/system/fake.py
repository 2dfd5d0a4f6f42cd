# SPDX-License-Identifier: LGPL-2.1-or-later
"""An ssprd that misbehaves, on the real socket."""

import contextlib
import os
import select
import socket
import threading
import time

import wire


class Fake:
    """Accepts on a listening socket of the world and lets a function have each connection."""

    def __init__(self, listener, serve=None):
        self.accepted, self.heard = 0, []
        self.serve = serve or (lambda s: None)
        self.listener = socket.socket(fileno=os.dup(listener))
        self.stopped = threading.Event()
        self.kept = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopped.is_set():
            if not select.select([self.listener], [], [], 0.05)[0]:
                continue
            with contextlib.suppress(OSError):
                s, _ = self.listener.accept()
                s.settimeout(5)
                self.accepted += 1
                try:
                    self.heard.append(s.recv(wire.MAX))
                    if self.serve(s) == "keep":
                        self.kept.append(s)
                        continue
                finally:
                    if s not in self.kept:
                        s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        self.listener.close()
        for s in self.kept:
            s.close()


def step(kind, info="", prompt="", result=None, lost=""):
    fields = [(wire.KIND, kind, 1)]
    fields += [(wire.INFO, info)] if info else []
    fields += [(wire.PROMPT, prompt)] if prompt else []
    fields += [(wire.RESULT, result, 1)] if result else []
    fields += [(wire.LOST, lost)] if lost else []
    return wire.encode(wire.STEP, *fields)


def says(*messages, then=0.0):
    """Serves the messages one after the other, each after hearing something."""

    def serve(s):
        for i, message in enumerate(messages):
            if i:
                s.recv(wire.MAX)
            s.send(message)
        time.sleep(then)

    return serve
