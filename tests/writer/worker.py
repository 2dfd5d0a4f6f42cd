# SPDX-License-Identifier: LGPL-2.1-or-later
"""A worker started for real, with its own /etc in its own mount namespace, and the asking side written from base/wire.h."""

import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import time

BUILD = os.environ.get("SSPR_BUILD", os.getcwd())
SOURCE = os.environ.get("SSPR_SOURCE", os.path.abspath(os.path.join(os.path.dirname(__file__), "../..")))

JOB, DONE_MESSAGE = 16, 17
JOB_KIND, OUTCOME, WHY, DIRECTORY, OBJECT, NAME, MARK, SECRET, TO, SUBJECT, BODY, ID, LIFE, GROUP = range(16, 30)
UNTIL, DETAIL, MOBILE, OFFICE, CODE, ADDRESS = 30, 31, 36, 37, 38, 39
LOOKUP, DELIVER, RESET, NOTIFY, APPROVAL, APPROVE, CHECK, BREACHED = 1, 2, 4, 6, 8, 9, 10, 11
DONE, REFUSED, UNKNOWN = 1, 2, 3
OUTCOMES = {DONE: "done", REFUSED: "refused", UNKNOWN: "unknown"}
WHYS = {0: "none", 1: "no-account", 2: "not-in-scope", 3: "protected", 4: "locked", 5: "no-login", 6: "ambiguous",
        7: "renamed", 8: "not-registered", 9: "changed-meanwhile", 10: "synced", 11: "federated", 12: "not-capable",
        16: "too-short", 17: "too-long", 18: "characters", 19: "classes", 20: "name", 21: "word", 22: "guessable",
        23: "used-before", 24: "policy", 25: "breached",
        32: "busy", 33: "unreachable", 34: "rejected", 35: "misconfigured", 36: "broken",
        48: "pending", 49: "other-account", 50: "declined"}
# Texts of an answer that are missing where there is nothing to tell.
TEXTS = {"mail": TO, "mobile": MOBILE, "office": OFFICE, "detail": DETAIL, "code": CODE, "address": ADDRESS, "report": BODY}

# Any uid will do for the asking side, as long as the worker's /etc/passwd calls it sspr.
SSPR_UID = 990


def encode(kind, *fields):
    out = bytes([kind])
    for tag, value in fields:
        value = value.encode() if isinstance(value, str) else value
        out += struct.pack(">BH", tag, len(value)) + value
    return out


def decode(data):
    fields, at = {}, 1
    while at < len(data):
        tag, length = struct.unpack(">BH", data[at : at + 3])
        assert tag not in fields
        fields[tag] = data[at + 3 : at + 3 + length]
        at += 3 + length
    return data[0], fields


class Answer:
    def __init__(self, data):
        kind, fields = decode(data)
        assert kind == DONE_MESSAGE
        self.outcome, self.why = OUTCOMES[fields[OUTCOME][0]], WHYS[fields[WHY][0]]
        self.directory, self.object, self.name, self.mark = (
            fields.get(tag, b"").decode() for tag in (DIRECTORY, OBJECT, NAME, MARK))
        for name, tag in TEXTS.items():
            setattr(self, name, fields.get(tag, b"").decode())
        self.ticket = fields.get(SECRET, b"")
        self.life = struct.unpack(">I", fields[LIFE])[0] if LIFE in fields else None

    @property
    def said(self):
        return self.outcome, self.why

    def __repr__(self):
        return f"<{self.outcome} {self.why} {self.object!r} {self.name!r}>"


def lookup_job(name, group=""):
    return encode(JOB, (JOB_KIND, b"\x01"), (DIRECTORY, "local"), (OBJECT, ""), (NAME, name), (MARK, ""), (GROUP, group))


def reset_job(uid, name, password, group=""):
    return encode(JOB, (JOB_KIND, b"\x04"), (DIRECTORY, "local"), (OBJECT, str(uid)), (NAME, name), (MARK, ""),
                  (GROUP, group), (SECRET, password))


def account_job(kind, directory, object="", name="", mark="", group="", secret=None, until=None):
    """Of any kind that speaks of an account."""
    more = [] if secret is None else [(SECRET, secret)]
    more += [] if until is None else [(UNTIL, struct.pack(">Q", until))]
    return encode(JOB, (JOB_KIND, bytes([kind])), (DIRECTORY, directory), (OBJECT, object), (NAME, name), (MARK, mark),
                  (GROUP, group), *more)


def mail_job(to, body="Your code is 12345678.\n", subject="Your code", life=5, ident="test-1", kind=DELIVER):
    return encode(JOB, (JOB_KIND, bytes([kind])), (TO, to), (SUBJECT, subject), (BODY, body), (ID, ident),
                  (LIFE, struct.pack(">I", life)))


def breached_job(digest):
    return encode(JOB, (JOB_KIND, bytes([BREACHED])), (SECRET, digest), (UNTIL, bytes(8)))


class Connection:
    def __init__(self, path, uid=SSPR_UID, timeout=60):
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.s.settimeout(timeout)
        os.seteuid(uid)  # SO_PEERCRED is taken at connect
        try:
            self.s.connect(path)
        finally:
            os.seteuid(0)

    def send(self, data):
        self.s.send(data)

    def receive(self):
        """An Answer, or None when the worker closed without one."""
        try:
            data = self.s.recv(4096)
        except ConnectionResetError:
            return None
        return Answer(data) if data else None

    def ask(self, data):
        try:
            self.send(data)
        except (BrokenPipeError, ConnectionResetError):
            return None
        return self.receive()

    def close(self):
        self.s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Worker:
    """One of ssprd-local and ssprd-net. `etc` is what it sees as /etc."""

    def __init__(self, program, name, folder, config, before="", env=None, wrap=(), etc=None):
        self.program, self.name, self.folder = os.path.join(BUILD, "ssprd", program), name, str(folder)
        self.config_text, self.before, self.wrap = config, before, list(wrap)
        self.env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", **(env or {})}
        self.etc, self.process, self.path = etc, None, os.path.join(self.folder, f"{name}.sock")

    def start(self):
        config = os.path.join(self.folder, "ssprd.conf")
        with open(config, "w") as f:
            f.write(self.config_text)
        os.chmod(config, 0o644)
        self.log_file = open(os.path.join(self.folder, f"{self.name}.log"), "ab")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.path.exists(self.path):
            os.unlink(self.path)
        listener.bind(self.path)
        os.chmod(self.path, 0o666)
        listener.listen(256)
        mounts = f"mount --bind {self.etc} /etc && " if self.etc else ""
        inner = " ".join([*self.wrap, self.program, "--config", config])
        shell = f"{mounts}{self.before} export LISTEN_PID=$$; exec {inner}"
        self.process = subprocess.Popen(
            ["unshare", "-m", "--propagation", "private", "sh", "-c", shell],
            stdin=subprocess.DEVNULL, stdout=self.log_file, stderr=self.log_file, close_fds=False,
            preexec_fn=lambda: (os.setsid(), os.dup2(listener.fileno(), 3)),
            env={**self.env, "LISTEN_FDS": "1", "LISTEN_FDNAMES": self.name})
        listener.close()
        wait_for(self.runs)
        return self

    def runs(self):
        """Whether shell and mounts are behind us; also when the program has ended already."""
        if self.process.poll() is not None:
            return True
        with open(f"/proc/{self.process.pid}/comm") as f:
            return f.read().strip() == os.path.basename(self.program)

    def connect(self, **k):
        return Connection(self.path, **k)

    def ask(self, data, **k):
        with self.connect(**k) as c:
            return c.ask(data)

    def log(self):
        with open(os.path.join(self.folder, f"{self.name}.log"), errors="replace") as f:
            return f.read()

    def children(self):
        r = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)
        return [int(p) for p in r.stdout.split()]

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(60) if self.process else None
        self.log_file.close()
        return status


def copy_etc(folder):
    """An /etc of our own on a tmpfs-free folder, with the accounts that the tests speak of."""
    etc = os.path.join(str(folder), "etc")
    subprocess.run(["cp", "-a", "/etc", etc], check=True)
    os.makedirs(f"{etc}/pam.d", exist_ok=True)
    shutil.copy(f"{SOURCE}/conf/pam.d/ssprd-local", f"{etc}/pam.d/ssprd-local")
    return etc


def field(etc, file, key, n):
    for line in open(f"{etc}/{file}"):
        fields = line.rstrip("\n").split(":")
        if fields[0] == key:
            return fields[n]
    return None


def set_field(etc, file, key, n, value):
    path = f"{etc}/{file}"
    out = []
    for line in open(path):
        fields = line.rstrip("\n").split(":")
        if fields[0] == key:
            fields[n] = value
        out.append(":".join(fields) + "\n")
    with open(path, "w") as f:
        f.writelines(out)


def append(etc, file, line):
    with open(f"{etc}/{file}", "a") as f:
        f.write(line + "\n")


def add_user(etc, name, uid, password_hash, gid=None, shell="/bin/bash"):
    if gid is None:
        gid = uid
        append(etc, "group", f"{name}:x:{gid}:")
    append(etc, "passwd", f"{name}:x:{uid}:{gid}::/home/{name}:{shell}")
    append(etc, "shadow", f"{name}:{password_hash}:20000:0:99999:7:::")


def make_hash(password):
    r = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=password, capture_output=True, text=True, check=True)
    return r.stdout.strip()


def matches(password, password_hash):
    """Whether the hash is of that password, asked of libcrypt."""
    import ctypes

    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    found = crypt(password.encode() if isinstance(password, str) else password, password_hash.encode())
    return found is not None and found.decode() == password_hash


def wait_for(what, seconds=5.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.02)
    return what()


def has_user(name):
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
