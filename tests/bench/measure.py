# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the parts of the bench share: the build, the C programs, people with codes, memory and start of a daemon."""

import contextlib
import os
import pwd
import re
import secrets
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, "/src/tests/world")

import world as w  # noqa: E402

SOURCE, BUILD, TOOLS = "/build/src", "/build/src.build", "/build/bench"


def say(what, figure, beside="", target=""):
    print(f"{what:58} {figure:>22}  {beside:34} {target}".rstrip(), flush=True)


def tool(program, *arguments, text=None, **options):
    """Runs one of the C programs; {name: [numbers]} of its lines."""
    done = subprocess.run([f"{TOOLS}/{program}", *map(str, arguments)], input=text, text=True, capture_output=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{program} {arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return {line.split()[0]: [float(n) for n in line.split()[1:]] for line in done.stdout.splitlines()}


def build():
    install = "/src/tests/world/install"
    w.run(install, "copy", SOURCE, timeout=600)
    w.run(install, "build", SOURCE, timeout=1800)
    os.makedirs(TOOLS, exist_ok=True)
    here = f"{SOURCE}/tests/bench"
    flags = ["gcc", "-std=gnu11", "-O2", "-D_GNU_SOURCE", f"-I{SOURCE}/ssprd", f"-I{here}"]
    base = [f"{SOURCE}/ssprd/base/{n}.c" for n in ("wire", "secret")]
    w.run(*flags, "-o", f"{TOOLS}/login", f"{here}/login.c", "-lpam")
    w.run(*flags, "-o", f"{TOOLS}/dialogue", f"{here}/dialogue.c", *base)
    w.run(*flags, "-o", f"{TOOLS}/net", f"{here}/net.c", f"{SOURCE}/ssprd/flow/job.c", *base)
    w.run(*flags, "-o", f"{TOOLS}/calls", f"{here}/calls.c", "-lcurl")
    w.run(*flags, "-shared", "-fPIC", "-o", f"{TOOLS}/password.so", f"{here}/password.c", "-lpam")


class Person:
    def __init__(self, name):
        self.name = name

    @property
    def registered(self):
        """The name for ssprctl, where another one is typed at the prompt."""
        return self.name

    def password(self):
        return secrets.token_urlsafe(18)


def enrol(lab, person):
    lab.ctl("user", "add", person.registered)
    person.uri, _ = lab.enrol_authenticator(person.registered)
    person.codes = lab.enrol_recovery_codes(person.registered)


def settle():
    """The daemons' last children are gone, the disk is quiet."""
    os.sync()
    time.sleep(1)


def cpu_ns(pid):
    return int(w.read(f"/proc/{pid}/schedstat").split()[0])


def cpu_seconds(pid):
    """Of a process, all its threads, and its children that have ended."""
    fields = w.read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return sum(int(n) for n in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def lines_of(people):
    """Codes are made just before they are used."""
    w.steady_step(20)
    return "".join(f"{p.name} {w.totp(p.uri)} {p.codes.pop()} {p.password()}\n" for p in people)


# -- memory and start


def pss(pid):
    """KiB: all, anonymous."""
    text = w.read(f"/proc/{pid}/smaps_rollup")
    return tuple(int(re.search(rf"^{name}: +(\d+) kB", text, re.M).group(1)) for name in ("Pss", "Pss_Anon"))


def start_time(lab, name, probe):
    """Milliseconds from the start of the program to READY=1; for ssprd to its first answer too."""
    lab.stop(name)
    path = "/run/bench-notify"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(path)
    os.chmod(path, 0o666)
    daemon = lab.daemons[name]
    names = [n for n, (d, _, _) in w.SOCKETS.items() if d == name]
    account = pwd.getpwnam(daemon.user)
    client = None
    if probe:
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.connect("/run/sspr/login.sock")
        client.send(bytes([1]) + b"".join(bytes([t]) + len(v).to_bytes(2, "big") + v for t, v in (
            (1, (1).to_bytes(2, "big")), (2, b"nobody"), (3, b"login"), (4, b"/dev/tty1"), (6, b"\2"))))
    began, ended = os.pipe()
    pid = os.fork()
    if pid == 0:
        for i, n in enumerate(names):
            os.dup2(lab.listeners[n], 50 + i)
        for i in range(len(names)):
            os.dup2(50 + i, 3 + i)
        os.dup2(ended, 60)
        os.closerange(3 + len(names), 60)
        os.set_inheritable(60, False)
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
        environment = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(names)), "LISTEN_FDNAMES": ":".join(names),
                       "NOTIFY_SOCKET": path, "STATE_DIRECTORY": w.STATE,
                       "CREDENTIALS_DIRECTORY": f"{w.HOME}/credentials/{name}"}
        os.write(60, time.monotonic_ns().to_bytes(8, "little"))
        os.execve(f"{w.LIBEXEC}/{name}", [name, "--config", w.CONFIG], environment)
    start = int.from_bytes(os.read(began, 8), "little")
    while b"READY=1" not in notify.recv(4096):
        pass
    ready = time.monotonic_ns()
    if client:
        client.recv(4096)
    answered = time.monotonic_ns()
    os.close(began)
    os.close(ended)
    settle()
    memory = pss(pid)
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    return (ready - start) / 1e6, (answered - start) / 1e6, memory
