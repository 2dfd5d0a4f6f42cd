# SPDX-License-Identifier: LGPL-2.1-or-later
"""A second peer, written from the prose in ssprd/base/wire.h and sharing no line with the first."""

import os
import pwd
import socket
import struct
from dataclasses import dataclass, field

BEGIN, STEP, ANSWER, CANCEL, JOB, DONE, REQUEST, HEAD, ROW, END_REQUEST = 1, 2, 3, 4, 16, 17, 32, 33, 34, 35
VERSION, USER, SERVICE, TTY, LANG, REASON, KIND, INFO, PROMPT, RESULT, LOST, TEXT = range(1, 13)
JOB_KIND, OUTCOME, WHY, DIRECTORY, OBJECT, NAME, MARK, SECRET, TO, SUBJECT, BODY, ID, LIFE, GROUP = range(16, 30)
VERB, STATUS, SINCE, COLUMN = 32, 33, 34, 128
CODE, ADDRESS, FIGURE = 38, 39, 40
KEYWORD, FAILED = 1, 2
ASK, ASK_HIDDEN, TELL, END = 1, 2, 3, 4
RESULTS = {1: "ignore", 2: "done", 3: "failed", 4: "maxtries", 5: "abort"}
LOOKUP, DELIVER, RESET, NOTIFY, APPROVAL, APPROVE = 1, 2, 4, 6, 8, 9
JOB_DONE, REFUSED, UNKNOWN = 1, 2, 3
NOW = 1
MAX = 4096


def encode(kind, *fields):
    """fields: (tag, value); a number is (tag, value, octets)."""
    out = bytes([kind])
    for tag, value, *octets in fields:
        if octets:
            value = value.to_bytes(octets[0], "big")
        elif isinstance(value, str):
            value = value.encode()
        out += bytes([tag]) + struct.pack(">H", len(value)) + value
    return out


def decode(data):
    kind, at, fields = data[0], 1, {}
    while at < len(data):
        tag, length = data[at], struct.unpack(">H", data[at + 1 : at + 3])[0]
        at += 3
        assert tag not in fields and at + length <= len(data), f"spoilt message {data!r}"
        fields[tag] = data[at : at + length]
        at += length
    return kind, fields


def connect(path, uid=0, timeout=10.0):
    """A connection made by a process of that uid: SO_PEERCRED names the uid for as long as it lives."""
    if uid == 0:
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(timeout)
        s.connect(path)
        return s
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            ours.close()
            gid = next((p.pw_gid for p in pwd.getpwall() if p.pw_uid == uid), uid)
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                s.connect(path)
            except OSError as e:
                theirs.send(struct.pack("i", e.errno))
            else:
                socket.send_fds(theirs, [struct.pack("i", 0)], [s.fileno()])
            code = 0
        finally:
            os._exit(code)
    theirs.close()
    data, fds, _, _ = socket.recv_fds(ours, 4, 1)
    ours.close()
    os.waitpid(child, 0)
    error = struct.unpack("i", data)[0]
    if error:
        raise OSError(error, os.strerror(error))
    s = socket.socket(fileno=fds[0])
    s.settimeout(timeout)
    return s


@dataclass
class Step:
    kind: int
    info: str = ""
    prompt: str = ""
    result: str = ""
    lost: str = ""
    figure: str = ""
    told: list = field(default_factory=list)  # what TELL steps before it said
    raw: bytes = b""

    @property
    def asks(self):
        return self.kind in (ASK, ASK_HIDDEN)

    @property
    def text(self):
        return " ".join([*self.told, self.info, self.prompt])


class Gone(Exception):
    """ssprd closed the connection."""


class Dialogue:
    """One conversation as the module leads it."""

    def __init__(self, user="monica", reason=KEYWORD, socket_name="login", uid=0, service="login", tty="/dev/tty1",
                 lang="C.UTF-8", version=NOW, begin=True, timeout=10.0):
        self.socket = connect(f"/run/sspr/{socket_name}.sock", uid, timeout)
        self.transcript = []
        self.step = None
        if begin:
            self.send(encode(BEGIN, (VERSION, version, 2), (USER, user), (SERVICE, service), (TTY, tty), (LANG, lang),
                             (REASON, reason, 1)))
            self.receive()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.send(data)
        except (BrokenPipeError, ConnectionResetError):
            raise Gone from None

    def receive(self):
        told = []
        while True:
            try:
                data = self.socket.recv(MAX + 1)
            except ConnectionResetError:
                raise Gone from None
            if not data:
                raise Gone
            kind, fields = decode(data)
            assert kind == STEP and len(data) <= MAX
            self.transcript.append(data)

            def text(tag):
                return fields.get(tag, b"").decode()

            step = Step(fields[KIND][0], text(INFO), text(PROMPT), RESULTS.get(fields.get(RESULT, b"\0")[0], ""),
                        text(LOST), text(FIGURE), told, data)
            if step.kind != TELL:
                self.step = step
                return step
            told.append(step.info)

    def answer(self, text):
        self.send(encode(ANSWER, (TEXT, text)))
        return self.receive()

    def cancel(self):
        self.send(encode(CANCEL))

    def gone(self, seconds=5.0):
        """True when ssprd closes the connection within that time; steps that still come are read."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(MAX + 1):
                pass
            return True
        except ConnectionResetError:
            return True
        except (TimeoutError, BlockingIOError):
            return False


def account(object_id="", name="", mark="", directory="local"):
    return (DIRECTORY, directory), (OBJECT, object_id), (NAME, name), (MARK, mark)


def job(path_name, uid, *fields, timeout=30.0):
    """One job given to a worker; returns the fields of its answer, or None when it closed without one."""
    s = connect(f"/run/sspr/{path_name}.sock", uid, timeout)
    try:
        s.send(encode(JOB, *fields))
        data = s.recv(MAX + 1)
    except (ConnectionResetError, BrokenPipeError):
        return None
    finally:
        s.close()
    if not data:
        return None
    kind, found = decode(data)
    assert kind == DONE
    return found


def request(verb, *fields, uid=0):
    """One administrative request; returns the types and fields of all its answers."""
    s = connect("/run/sspr/admin.sock", uid)
    s.send(encode(REQUEST, (VERSION, NOW, 2), (VERB, verb), *fields))
    answers = []
    while True:
        data = s.recv(MAX + 1)
        if not data:
            return answers
        answers.append(decode(data))
        if answers[-1][0] == END_REQUEST:
            s.close()
            return answers
