# SPDX-License-Identifier: LGPL-2.1-or-later
"""The part of ./demo that runs inside the private world."""

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

OLD, NEW = "Autumn-forgotten-41", "Spring-remembered-58"
SEED = f"{w.HOME}/demo"  # its presence says that the demo runs
ADDRESS = "monica@lab"


def step(text):
    print(f"\n== {text}", flush=True)


def set_up():
    start = time.monotonic()
    step("Building pam_sspr in the private Debian")
    for command in (["copy", "/build"], ["build", "/build"]):
        done = subprocess.run(["/src/tests/world/install", *command], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            sys.exit(f"{done.stdout[-6000:]}\ndemo: the build failed")
    print(f"   built and installed in {time.monotonic() - start:.0f} s")

    step("Accounts, daemons, mail server")
    w.add_user("monica", 1000, OLD)
    w.add_user("pavel", 1001, "Winter-unchanged-77")
    world = w.World()
    world.configure()
    world.make_state()
    world.start_mail()
    world.start()
    print("   monica has forgotten her password; pavel has not")
    print("   " + ", ".join(f"{d.name} (pid {d.pid}, {d.user})" for d in world.daemons.values()))

    step("Registering monica, as an administrator does with ssprctl")
    world.ctl("user", "add", "monica")
    uri, shown = world.enrol_authenticator("monica")
    print(shown.rstrip())
    w.write(SEED, uri, 0o600)
    world.enrol_email("monica", ADDRESS)
    codes = world.enrol_recovery_codes("monica")
    print(f"   e-mail {ADDRESS}, {len(codes)} recovery codes, the first is {codes[0]}")
    return world


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


def show():
    set_up()
    step("A real login prompt")
    print("   1. sign in as monica and type  forgot  as the password")
    print("   2. her codes: in a second terminal  ./demo code  and  ./demo mail")
    print("      (or scan the picture above with an authenticator app)")
    print("   3. choose a new password, then sign in with it. Ctrl-C at the prompt ends the demo.\n", flush=True)
    while not login():
        print()
    print("\nThe demo has ended and left nothing behind.")


def code():
    with open(SEED) as f:
        uri = f.read()
    print(f"{w.totp(uri)}   (for {30 - int(time.time()) % 30} more seconds; each code works once)")


def mail():
    found = w.mails()
    if not found:
        print("No mail yet.")
    for message in found:
        print(f"Date: {message['date']}\nFrom: {message['from']}\nTo: {message['to']}\nSubject: {message['subject']}\n\n"
              f"{message.get_content().rstrip()}\n{'-' * 60}")


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


def play(world):
    import pexpect

    facts = []

    def holds(text, good):
        facts.append((text, bool(good)))

    class Screen:
        def __enter__(self):
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
            except (pexpect.TIMEOUT, pexpect.EOF):
                raise Failed(f"the screen does not show {pattern!r}") from None
            return self.c.match

        def types(self, text):
            time.sleep(0.1)  # login flushes what was typed ahead
            self.c.sendline(text)

        def signs_in(self, name, password):
            self.types(name)
            self.says("Password: ")
            self.types(password)

    untouched = w.shadow("pavel")
    holds("before, the old password is the password", w.password_is("monica", OLD))
    w.steady_step(10)
    uri = w.read(SEED)
    app = w.totp(uri)

    step("She resets it at the login prompt")
    seen = len(w.mails())
    with Screen() as s:
        s.signs_in("monica", "forgot")
        s.says("Step 1 of 2.*Code: ")
        s.types(app)
        s.says("Step 2 of 2.*Code: ")
        if not w.wait_for(lambda: len(w.mails()) > seen, 10):
            raise Failed("no mail arrived")
        mailed = w.mail_code(w.mails()[seen])
        s.types(mailed)
        s.says("New password: ")
        s.types(NEW)
        s.says("New password again: ")
        s.types(NEW)
        s.says("Password changed. Sign in with your new password.")
        holds("the reset itself signs nobody in", s.c.expect([r"login: ", r"\$ "]) == 0)

    step("The old password")
    with Screen() as s:
        s.signs_in("monica", OLD)
        holds("the old password no longer works", s.c.expect(["Login incorrect", r"\$ "]) == 0)

    step("The new password")
    with Screen() as s:
        s.signs_in("monica", NEW)
        s.says(r"monica@lab:~\$ ")
        s.types("id -un; tty")
        holds("the new password gives her shell", s.says(r"(\w+)\r\n/dev/pts/\d").group(1) == "monica")
        s.types("exit")
        s.says(pexpect.EOF)

    step("The same codes again")
    changed = w.shadow("monica")
    with Screen() as s:
        s.signs_in("monica", "forgot")
        s.says("Step 1 of 2.*Code: ")
        s.types(app)
        holds("the same authenticator code is refused", s.c.expect(["That code is not right", "New password|Step 2"]) == 0)
        s.says("Code: ")
        s.types("")
        s.says("Number.*: ")
        s.types("2")
        s.says("Code: ")
        s.types(mailed)
        holds("the same e-mail code is refused", s.c.expect(["That code is not right", "New password|Step 2"]) == 0)
    holds("and her password stays", w.shadow("monica") == changed)

    holds("pavel's account is unchanged", w.shadow("pavel") == untouched)

    step("ssprctl audit")
    text = world.ctl("audit").stdout
    print(text.rstrip())
    holds("the audit shows the steps in order", in_order(world.audit("--user", "monica")))
    holds("the audit is whole", world.ctl("audit", "--verify", check=False).returncode == 0)
    return facts


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
    """The steps of the reset, all under one correlation id, in the order in which they became true."""
    done = [row for row in rows if row["reason"] == STEPS[-1][0]]
    if len(done) != 1:
        return False
    told = [(row["reason"], row["method"]) for row in rows if row["correlation"] == done[0]["correlation"]]
    return [step for step in told if step in STEPS] == STEPS


def auto():
    try:
        facts = play(set_up())
    except (Failed, RuntimeError) as e:
        print(f"\ndemo: {e}")
        for name in w.DAEMONS:
            log = w.read(f"{w.HOME}/log/{name}") if os.path.exists(f"{w.HOME}/log/{name}") else ""
            print(f"-- log of {name}\n{log[-3000:]}")
        sys.exit(1)
    step("What held")
    for text, good in facts:
        print(f"   {'yes' if good else 'NO '}  {text}")
    if not all(good for _, good in facts):
        sys.exit("demo: not everything held")
    print("\nAll of it held.")


if __name__ == "__main__":
    try:
        {"show": show, "auto": auto, "code": code, "mail": mail}[sys.argv[1]]()
    except RuntimeError as e:
        sys.exit(f"demo: {e}")
