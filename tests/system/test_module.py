# SPDX-License-Identifier: LGPL-2.1-or-later
"""pam_sspr.so in real stacks and real login programs: rows P of the threat model."""

import contextlib
import os
import re
import signal
import subprocess
import time

import pexpect
import pytest

import fake
import pamtalk
import wire
import world as w
from conftest import NEW, OLD, WRONG, Screen, signs_in

SUCCESS, AUTH_ERR = 0, 7

STACKS = {
    "debian": None,  # as pam-auth-update made it
    "fedora": "auth required pam_env.so\nauth sufficient pam_unix.so nullok nodelay\n"
              "auth optional pam_sspr.so\nauth required pam_deny.so\n",
    "success=1": "auth [success=2 default=ignore] pam_unix.so nodelay\nauth [success=ignore default=ignore] pam_sspr.so\n"
                 "auth requisite pam_deny.so\nauth required pam_permit.so\n",
    "optional": "auth [success=2 default=ignore] pam_unix.so nodelay\nauth optional pam_sspr.so\n"
                "auth requisite pam_deny.so\nauth required pam_permit.so\n",
}


@contextlib.contextmanager
def stack(name):
    """/etc/pam.d/login with another auth part for a while."""
    before = w.read("/etc/pam.d/login")
    if STACKS[name]:
        w.write("/etc/pam.d/login", STACKS[name] + "account required pam_unix.so\nsession required pam_unix.so\n")
    try:
        yield
    finally:
        w.write("/etc/pam.d/login", before)


@contextlib.contextmanager
def ssprd_is(lab, how):
    listener = lab.listeners["login"]
    if how == "up":
        yield
    elif how == "down":
        lab.stop()
        lab.unlisten()
        yield
    elif how == "stopped":
        lab.daemons["ssprd"].kill(signal.SIGSTOP)
        yield
        lab.daemons["ssprd"].kill(signal.SIGCONT)
    else:
        lab.stop("ssprd")
        serve = {
            "hung": lambda s: "keep",
            "crashing": lambda s: None,
            "garbage": lambda s: s.send(b"\xff" * 100),
            "spoilt": lambda s: s.send(bytes([wire.STEP, wire.KIND, 0xFF, 0xFF, 1])),
            "empty": lambda s: s.send(bytes([wire.STEP])),
            "old": fake.says(fake.step(wire.END, result=1)),
            "strange": fake.says(fake.step(9, "hello", "what: ")),
            "success": fake.says(fake.step(wire.END, "come in", result=200)),
        }[how]
        with fake.Fake(listener, serve):
            yield


HOW = ["up", "down", "stopped", "hung", "crashing", "garbage", "spoilt", "empty", "old", "strange", "success"]


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("how", HOW)
def test_P2_right_is_right_and_wrong_is_wrong(lab, name, how):
    if how in ("stopped", "hung") and name in ("success=1", "optional"):
        pytest.skip("waits as in the other stacks")
    with stack(name), ssprd_is(lab, how):
        right = pamtalk.authenticate("login", b"monica", [OLD.encode(), None])
        wrong = pamtalk.authenticate("login", b"monica", [WRONG.encode(), None])
        keyword = pamtalk.authenticate("login", b"monica", [b"forgot", None])
    assert right.result == SUCCESS and right.took < 0.5
    assert wrong.result != SUCCESS and wrong.took < 2.5
    assert keyword.result != SUCCESS and keyword.took < 2.5


@pytest.mark.parametrize("how", ["down", "stopped", "hung"])
def test_P2_login_still_works(lab, how):
    with ssprd_is(lab, how):
        assert not signs_in("monica", WRONG)
        assert signs_in("monica", OLD)


def test_P2_module_file_is_missing(lab):
    """F57: during an upgrade a stack without the file never lets anybody in without a password."""
    path = next(p for p in w.run("find", "/usr/lib", "-name", "pam_sspr.so").stdout.split())
    os.rename(path, path + ".away")
    try:
        assert pamtalk.authenticate("login", b"monica", [WRONG.encode(), None]).result != SUCCESS
    finally:
        os.rename(path + ".away", path)


def test_P3_same_transaction_fails_after_a_reset(lab, monica):
    lab.stop("ssprd")
    with fake.Fake(lab.listeners["login"], fake.says(fake.step(wire.END, "Password changed.", result=2))):
        talk = pamtalk.authenticate("login", b"monica", [b"forgot"])
    assert talk.result != SUCCESS and "Password changed." in talk.text


BAD_TEXTS = {
    "escape": "a\x1b[2Jb",
    "bell": "a\x07b",
    "return": "a\rb",
    "newline": "a\nlogin: b",
    "C1": "a\u009b2Jb",
    "bidi": "a\u202egnp.exe\u2066b",
    "zero width": "a\u200bb",
}


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_P4_text_from_the_daemon_is_printable(lab, name):
    lab.stop("ssprd")
    text = BAD_TEXTS[name]
    with fake.Fake(lab.listeners["login"], fake.says(fake.step(wire.ASK, text, text + ": "),
                                                     fake.step(wire.END, text, result=3))):
        talk = pamtalk.authenticate("login", b"monica", [b"forgot", b"x"])
    ours = [t for style, t in talk.shown[1:]]
    assert ours, "the branch was not taken"
    for t in ours:
        assert len(t) <= 512
        assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", t.decode()), t


def test_P4_long_text_from_the_daemon_is_cut(lab):
    lab.stop("ssprd")
    long = "x" * 1800
    with fake.Fake(lab.listeners["login"], fake.says(fake.step(wire.ASK, long, long), fake.step(wire.END, long, result=3))):
        talk = pamtalk.authenticate("login", b"monica", [b"forgot", b"x"])
    assert all(len(t) <= 512 for _, t in talk.shown)


@pytest.mark.parametrize("user", [b"", b"x" * 1000000, b"x" * 300, b"../x", b"a/b", b"a\nb", b"-monica", b"a\x1b[2Jb"],
                         ids=["empty", "1 MB", "300", "..", "slash", "newline", "dash", "escape"])
def test_P5_bad_user_name_is_refused_before_connecting(lab, user):
    lab.stop("ssprd")
    with fake.Fake(lab.listeners["login"]) as daemon:
        talk = pamtalk.authenticate("login", user, [b"forgot", b"forgot", None])
        time.sleep(0.1)
    assert talk.result != SUCCESS and daemon.accepted == 0


@pytest.mark.parametrize("service,items", [
    ("sshd", {pamtalk.PAM_TTY: b"ssh", pamtalk.PAM_RHOST: b"192.0.2.7"}),
    ("login", {pamtalk.PAM_TTY: b"/dev/pts/3", pamtalk.PAM_RHOST: b"192.0.2.7"}),
    ("sudo", {pamtalk.PAM_TTY: b"/dev/pts/3"}),
])
def test_P6_not_asked_for_other_services_and_hosts(lab, service, items):
    lab.stop("ssprd")
    with fake.Fake(lab.listeners["login"]) as daemon:
        talk = pamtalk.authenticate(service, b"monica", [b"forgot", None], items)
        time.sleep(0.1)
    assert talk.result != SUCCESS and daemon.accepted == 0 and len(talk.prompts) == 1


def never_offered(lab, command, arguments, env=None, refused="ailure|denied|incorrect|Sorry|again"):
    lab.stop("ssprd")
    with fake.Fake(lab.listeners["login"]) as daemon, Screen(command, arguments, env=env) as s:
        s.sees("[Pp]assword.*: ")
        s.types("forgot")
        s.sees(refused)
        assert "Reset" not in s.shown and "forgot" not in s.shown.lower().replace("forgot\r\n", "")
    assert daemon.accepted == 0


def test_P6_su(lab):
    never_offered(lab, "setpriv", ["--reuid=monica", "--regid=monica", "--init-groups", "su", "-", "pavel"])


def test_P6_sudo(lab):
    never_offered(lab, "setpriv", ["--reuid=boss", "--regid=boss", "--init-groups", "sudo", "-k", "id"])


def test_P6_ssh(lab):
    os.makedirs("/run/sshd", exist_ok=True)
    w.run("ssh-keygen", "-A")
    sshd = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-p", "2222", "-o", "ListenAddress=127.0.0.1", "-o", "UsePAM=yes",
                             "-o", "KbdInteractiveAuthentication=yes", "-o", "PasswordAuthentication=no"],
                            stderr=subprocess.DEVNULL)
    try:
        w.wait_for(lambda: w.run("ss", "-Hltn", "sport = :2222").stdout.strip(), 5)
        never_offered(lab, "ssh", ["-tt", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
                                   "PreferredAuthentications=keyboard-interactive", "-o", "NumberOfPasswordPrompts=1", "-p", "2222",
                                   "monica@127.0.0.1"])
    finally:
        sshd.terminate()
        sshd.wait()


def dialogues(lab):
    return next(int(row["value"]) for row in lab.table("status") if row["item"] == "dialogues")


@pytest.mark.parametrize("how", ["hang-up", "kill", "ctrl-d"])
@pytest.mark.parametrize("where", ["code", "password"])
def test_P7_leaving_in_the_middle_ends_the_dialogue(lab, monica, how, where):
    s = Screen()
    s.signs_in("monica", "forgot")
    s.sees("Code: ")
    if where == "password":
        s.types(monica.app())
        s.sees("Code: ")
        s.types(monica.mailed())
        s.sees("New password: ")
    assert dialogues(lab) == 1
    if how == "hang-up":
        s.c.ptyproc.fileobj.close()  # the terminal goes, login gets SIGHUP
    elif how == "kill":
        s.c.kill(signal.SIGKILL)
    else:
        for _ in range(4):  # as often as there are questions to leave
            s.c.sendeof()
            if s.sees("login: ", "Number .*: ", "Code: ", "password: ", "again: ", pexpect.EOF) in (0, 5):
                break
    assert w.wait_for(lambda: dialogues(lab) == 0, 1.5), "the dialogue lives on"
    assert w.password_is("monica", OLD)
    s.c.close(force=True)


def test_P7_typed_ahead_is_not_taken_as_new_password(lab, monica):
    with Screen() as s:
        s.signs_in("monica", "forgot")
        s.sees("Code: ")
        s.types(monica.app())
        s.sees("Code: ")
        s.c.delaybeforesend = 0
        s.c.send(f"{monica.mailed()}\n")
        s.sees("New password: ")
        assert w.password_is("monica", OLD)


@pytest.mark.parametrize("answer", [None, NotImplemented, b"", b"x" * 511, b"x" * 5000, b"\xff\xfe\x80", b"a\x1b[0m"],
                         ids=["error", "NULL", "empty", "511", "5000", "not UTF-8", "escape"])
def test_P8_odd_answers_are_a_cancel(lab, answer):
    talk = pamtalk.authenticate("login", b"monica", [b"forgot"] + [answer] * 8)
    assert talk.result != SUCCESS and len(talk.shown) > 1
    assert w.password_is("monica", OLD)
    assert lab.daemons["ssprd"].restarts == 0


def test_P11_environment_has_no_effect(lab):
    names = ["SSPR_SOCKET", "SSPR_CONFIG", "SSPR_LOGIN_SOCKET", "LISTEN_FDS", "LD_PRELOAD"]
    lab.stop("ssprd")
    with fake.Fake(lab.listeners["login"]) as daemon:
        before = dict(os.environ)
        os.environ.update({n: "/tmp/evil.sock" for n in names if n != "LD_PRELOAD"})
        try:
            pamtalk.authenticate("login", b"monica", [b"forgot", None])
        finally:
            os.environ.clear()
            os.environ.update(before)
        assert daemon.accepted == 1


def test_greetd_and_agreety(lab, monica):
    """Another real greeter, which talks to PAM for a program of its own."""
    w.write("/etc/greetd/config.toml", '[terminal]\nvt = "none"\n[default_session]\n'
            "command = \"env SHELL=/bin/sh script -qfc '/usr/sbin/agreety --cmd /bin/bash' /dev/null\"\nuser = \"_greetd\"\n")
    with Screen("greetd", ["-c", "/etc/greetd/config.toml"]) as s:
        s.sees("login: ")
        s.types("monica")
        s.sees("Password: ")
        s.types("forgot")
        s.sees("Step 1 of 2")
        s.sees("Code: ")
        s.types(monica.app())
        s.sees("Step 2 of 2")
        s.sees("Code: ")
        s.types(monica.mailed())
        s.sees("New password: ")
        s.types(NEW)
        s.sees("again: ")
        s.types(NEW)
        s.sees("Password changed")
    assert w.password_is("monica", NEW)
