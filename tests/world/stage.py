# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the stories of ./demo share: the build, a login prompt with or without a keyboard, the mail box, the facts that held."""

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
import tty

import world as w

SEEDS = f"{w.HOME}/demo"  # whose authenticator shows which codes; its presence says that the demo runs
INSTALL = "/src/tests/world/install"


def step(text):
    print(f"\n== {text}", flush=True)


def build():
    start = time.monotonic()
    step("Building pam_sspr in the private Debian")
    for command in (["copy", "/build"], ["build", "/build"]):
        done = subprocess.run([INSTALL, *command], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            sys.exit(f"{done.stdout[-6000:]}\ndemo: the build failed")
    print(f"   built and installed in {time.monotonic() - start:.0f} s")


def tell_daemons(world):
    print("   " + ", ".join(f"{d.name} (pid {d.pid}, {d.user})" for d in world.daemons.values()))


def keep_seeds(seeds):
    """For ./demo code in a second terminal: {name: uri}."""
    w.write(SEEDS, "".join(f"{name} {uri}\n" for name, uri in seeds.items()), 0o600)


def seeds():
    return dict(line.split() for line in w.read(SEEDS).splitlines())


# -- with a keyboard


def size(fd):
    return fcntl.ioctl(fd, termios.TIOCGWINSZ, b"\0" * 8)


def login():
    """One login on a terminal of this world, joined to the caller's. True when Ctrl-C ended it."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("login", ["login"])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, size(0))
    signal.signal(signal.SIGWINCH, lambda *_: fcntl.ioctl(terminal, termios.TIOCSWINSZ, size(0)))
    before, end = termios.tcgetattr(0), False
    tty.setraw(0)
    try:
        while not end:
            ready, _, _ = select.select([0, terminal], [], [])
            if 0 in ready:
                typed = os.read(0, 4096)
                # login ignores Ctrl-C; once she is signed in, it has a child and Ctrl-C is the shell's.
                end = not typed or b"\x03" in typed and not w.read(f"/proc/{pid}/task/{pid}/children")
                os.write(terminal, typed)
            if terminal in ready:
                try:
                    os.write(1, os.read(terminal, 4096))
                except OSError:
                    break
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
        os.close(terminal)
    if end:
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return end


# -- without a keyboard


class Failed(Exception):
    pass


class Plain:
    """The transcript without what only a terminal understands."""

    def __init__(self, to):
        self.to = to

    def write(self, text):
        self.to.write(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b\][^\x07]*\x07|\r", "", text))

    def flush(self):
        self.to.flush()


class Screen:
    """A login prompt, and a person who reads and types."""

    def __enter__(self):
        import pexpect

        self.over = (pexpect.TIMEOUT, pexpect.EOF)
        self.end = pexpect.EOF
        self.c = pexpect.spawn("login", encoding="utf-8", codec_errors="replace", timeout=20, dimensions=(40, 120))
        self.c.logfile_read = Plain(sys.stdout)
        self.says("login: ")
        return self

    def __exit__(self, *_):
        self.c.close(force=True)
        print("\n", flush=True)

    def says(self, pattern):
        try:
            self.c.expect(pattern)
        except self.over:
            raise Failed(f"the screen does not show {pattern!r}") from None
        return self.c.match

    def which(self, *patterns):
        """The place of the one that the screen shows first."""
        try:
            return self.c.expect(list(patterns))
        except self.over:
            raise Failed(f"the screen shows none of {patterns}") from None

    def types(self, text):
        time.sleep(0.1)  # login flushes what was typed ahead
        self.c.sendline(text)

    def signs_in(self, name, password):
        self.types(name)
        self.says("Password: ")
        self.types(password)

    def is_refused(self):
        return self.which("Login incorrect", r"\$ ") == 0

    def has_shell(self, name):
        """Whether it is that user's; leaves it again."""
        self.says(rf"{name}@lab:~\$ ")
        self.types("id -un; tty")
        found = self.says(r"(\w+)\r\n/dev/pts/\d").group(1)
        self.types("exit")
        self.says(self.end)
        return found == name

    def resets(self, name, app, password):
        """The whole dialogue with two gates. Returns the code that came by mail, and whether the prompt is a login prompt again."""
        seen = len(w.mails())
        self.signs_in(name, "forgot")
        self.says("Step 1 of 2.*Code: ")
        self.types(app)
        self.says("Step 2 of 2.*Code: ")
        if not w.wait_for(lambda: len(w.mails()) > seen, 10):
            raise Failed("no mail arrived")
        mailed = w.mail_code(w.mails()[seen])
        self.types(mailed)
        self.says("New password: ")
        self.types(password)
        self.says("New password again: ")
        self.types(password)
        self.says("Password changed. Sign in with your new password")
        return mailed, self.which(r"login: ", r"\$ ") == 0


STEPS = [
    ("User was presented with verification options", ""),
    ("User completed the verification option", "authenticator"),
    ("User started the verification option", "email"),
    ("User completed the verification option", "email"),
    ("User passed the required authentication methods", ""),
    ("User submitted a new password", ""),
    ("User successfully reset password", ""),
]


def in_order(rows):
    """The steps of the one reset, all under one correlation id, in the order in which they became true."""
    told = [(row["correlation"], (row["reason"].partition(":")[0], row["method"])) for row in rows]
    done = [correlation for correlation, what in told if what == STEPS[-1]]
    return len(done) == 1 and [what for correlation, what in told if correlation == done[0] and what in STEPS] == STEPS
