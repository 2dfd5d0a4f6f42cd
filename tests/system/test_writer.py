# SPDX-License-Identifier: LGPL-2.1-or-later
"""The local writer and the accounts that are never reset: rows W and A of the threat model."""

import glob
import os
import re
import signal
import subprocess
import threading
import time

import pytest

import fake
import wire
import world as w
from conftest import NEW, OLD

PROTECTED, LOCKED, NO_LOGIN, AMBIGUOUS, RENAMED, NO_ACCOUNT = 3, 4, 5, 6, 7, 1
GROUPS = ["sudo", "wheel", "admin", "adm", "docker", "lxd", "incus-admin", "libvirt", "disk", "shadow"]


def sspr_uid():
    import pwd

    return pwd.getpwnam("sspr").pw_uid


def look_up(name, group=""):
    return wire.job("local", sspr_uid(), (wire.JOB_KIND, wire.LOOKUP, 1), *wire.account(name=name), (wire.GROUP, group))


def write_password(name, uid, password=NEW):
    """The writer's answer to what ssprd could ask for: any account, any password."""
    return wire.job("local", sspr_uid(), (wire.JOB_KIND, wire.RESET, 1), *wire.account(str(uid), name), (wire.GROUP, ""),
                    (wire.SECRET, password))


def refused(answer):
    """With a word, or as no message at all, which is what happens to a password that cannot be one."""
    return answer is None or answer[wire.OUTCOME][0] == wire.REFUSED


def why(answer):
    return answer.get(wire.WHY, b"\0")[0]


def shadows():
    return w.read("/etc/shadow")


@pytest.mark.parametrize("uid", [0, 1000, 65534])
def test_W1_only_ssprd_is_served(lab, uid):
    os.chmod("/run/sspr/local.sock", 0o666)
    before = shadows()
    answer = wire.job("local", uid, (wire.JOB_KIND, wire.RESET, 1), *wire.account("1000", "monica"), (wire.GROUP, ""),
                      (wire.SECRET, NEW))
    assert answer is None
    assert shadows() == before


def test_W1_what_ssprd_may_ask_for_is_written(lab):
    """The others of W1 mean something because this one works."""
    answer = write_password("monica", 1000)
    assert answer[wire.OUTCOME][0] == wire.JOB_DONE
    assert w.password_is("monica", NEW)


ODD = {"root": 0, "daemon": 1, "sspr": None, "low": 999, "dynamic": 61184, "dynamic-end": 65519, "nobody": 65534}


@pytest.mark.parametrize("name", ODD)
def test_W1_A1_the_writer_refuses_by_itself(lab, name):
    uid = ODD[name]
    if uid is None:
        uid = sspr_uid()
    if name in ("low", "dynamic", "dynamic-end"):
        with open("/etc/passwd", "a") as f:
            f.write(f"{name}:x:{uid}:100::/home/{name}:/bin/bash\n")
        with open("/etc/shadow", "a") as f:
            f.write(f"{name}:{w.shadow('monica').split(':')[1]}:19000:0:99999:7:::\n")
    before = shadows()
    assert refused(look_up(name))
    assert refused(write_password(name, uid))
    assert shadows() == before


@pytest.mark.parametrize("name,uid,reason", [("locked", 1003, LOCKED), ("noshell", 1004, NO_LOGIN), ("boss", 1005, PROTECTED)])
def test_W4_A1_A2_locked_shell_less_and_privileged_accounts(lab, name, uid, reason):
    before = shadows()
    for answer in (look_up(name), write_password(name, uid)):
        assert answer[wire.OUTCOME][0] == wire.REFUSED and why(answer) == reason
    assert shadows() == before


@pytest.mark.parametrize("how", ["passwd -l", "expired", "star", "empty"])
def test_W4_closed_accounts(lab, how):
    if how == "passwd -l":
        w.run("passwd", "-l", "monica")
    elif how == "expired":
        w.run("chage", "-E", "2020-01-01", "monica")
    else:
        w.run("usermod", "-p", {"star": "*", "empty": ""}[how], "monica")
    before = shadows()
    assert refused(look_up("monica")) and refused(write_password("monica", 1000))
    assert shadows() == before


def test_W4_locked_during_the_dialogue(lab, monica):
    """W3 for local accounts: what changed after the proof counts."""
    with wire.Dialogue("monica") as d:
        lab.gates(d, monica)
        w.run("usermod", "-L", "monica")
        before = shadows()
        d.answer(NEW)
        step = d.answer(NEW)
        assert step.result != "done"
    assert shadows() == before


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("how", ["supplementary", "primary"])
def test_A2_members_of_privileged_groups(lab, group, how):
    w.run("groupadd", "-f", group)
    w.run("usermod", *(["-aG", group] if how == "supplementary" else ["-g", group]), "monica")
    before = shadows()
    for answer in (look_up("monica"), write_password("monica", 1000)):
        assert answer[wire.OUTCOME][0] == wire.REFUSED and why(answer) == PROTECTED
    assert shadows() == before


def test_A2_allow_privileged_names_exact_accounts(lab):
    lab.use({"directory local": {"allow-privileged": "boss"}})
    assert look_up("boss")[wire.OUTCOME][0] == wire.JOB_DONE
    w.run("usermod", "-aG", "sudo", "jana")
    assert refused(look_up("jana"))
    assert lab.reset("boss").result == "done"


def test_A2_allow_privileged_never_means_uid_0(lab):
    lab.configure({"directory local": {"allow-privileged": "root boss"}})
    lab.restart("ssprd-local")
    assert refused(look_up("root")) and refused(write_password("root", 0))


def test_A6_a_name_twice(lab):
    with open("/etc/passwd", "a") as f:
        f.write("monica:x:1999:1999::/home/monica:/bin/bash\n")
    before = shadows()
    assert refused(look_up("monica")) and refused(write_password("monica", 1000)) and refused(write_password("monica", 1999))
    assert shadows() == before


def test_W2_renamed_during_the_dialogue(lab, monica):
    with wire.Dialogue("monica") as d:
        lab.gates(d, monica)
        w.run("usermod", "-l", "monika", "monica")
        w.run("useradd", "-M", "-N", "-u", "1777", "-s", "/bin/bash", "-p", w.shadow("jana").split(":")[1], "monica")
        before = shadows()
        d.answer(NEW)
        assert d.answer(NEW).result != "done"
    assert shadows() == before


BAD_PASSWORDS = {
    "one": "a",
    "seven": "aB3$xyz",
    "name": "xx-monica-2026",
    "newline": "Spring\nremembered",
    "escape": "Spring\x1b[0mremembered",
    "tab": "Spring\tremembered",
    "invalid UTF-8": b"Spring\xff\xfe-remembered",
    "overlong UTF-8": b"Spring\xc0\xafremembered",
    "NUL": b"Spring\0remembered",
    "dictionary": "password",
    "256+": "aB3$" * 64 + "x",
    "511": ("Zq7-" * 128)[:511],
    "600": "Zq7-" * 150,
    "C1": "Spring\u009bremembered",
}


@pytest.mark.parametrize("name", BAD_PASSWORDS)
def test_W5_bad_passwords_are_refused_by_the_writer(lab, name):
    before = shadows()
    assert refused(write_password("monica", 1000, BAD_PASSWORDS[name]))
    assert shadows() == before


@pytest.mark.parametrize("name", BAD_PASSWORDS)
def test_W5_W6_bad_passwords_are_refused_in_the_dialogue(lab, monica, name):
    with wire.Dialogue("monica") as d:
        lab.gates(d, monica)
        try:
            step = d.answer(BAD_PASSWORDS[name])
            if step.prompt == "New password again: ":
                step = d.answer(BAD_PASSWORDS[name])
            assert step.result != "done"
            if step.asks:  # the proof stays, another one may be chosen
                assert step.prompt == "New password: " and step.info
                d.answer(NEW)
                assert d.answer(NEW).result == "done"
        except wire.Gone:
            assert w.password_is("monica", OLD)


def test_W5_the_old_password_again(lab, monica):
    with wire.Dialogue("monica") as d:
        lab.gates(d, monica)
        step = d.answer(OLD)
        if step.prompt == "New password again: ":
            step = d.answer(OLD)
        assert step.result != "done"


GOOD_PASSWORDS = ["Žluťoučký kůň 7", "  blanks at both ends 9 ", "😀 quite a smile 42", ("Kq7-vZ2_" * 32)[:256]]


@pytest.mark.parametrize("password", GOOD_PASSWORDS, ids=range(len(GOOD_PASSWORDS)))
def test_W6_good_passwords_are_written_byte_for_byte(lab, password):
    assert lab.reset(new=password).result == "done"
    assert w.password_is("monica", password)


def test_W7_one_write_for_one_proof(lab, monica):
    with wire.Dialogue("monica") as d:
        assert lab.gates(d, monica, NEW).result == "done"
        before = shadows()
        try:
            d.answer("Another-password-77")
            d.answer("Another-password-77")
        except (wire.Gone, TimeoutError):
            pass
        assert shadows() == before


def test_W8_proof_lives_three_minutes(lab, monica):
    lab.shifted()
    with wire.Dialogue("monica") as d:
        lab.gates(d, monica)
        lab.shift(boot=200, wall=200)
        try:
            step = d.answer(NEW)
            if step.asks:
                step = d.answer(NEW)
            assert step.result in ("failed", "abort", "maxtries")
        except wire.Gone:
            pass
    assert w.password_is("monica", OLD)


def test_W8_dialogue_lives_fifteen_minutes(lab, monica):
    lab.shifted()
    with wire.Dialogue("monica") as d:
        lab.shift(boot=901, wall=901)
        try:
            step = d.answer(w.totp(monica.uri, time.time() + 901))
            assert not step.asks
        except wire.Gone:
            pass


class FakeWriter:
    """A local worker whose answer to a write can be missing, with or without the write."""

    def __init__(self, lab, mark_after="mark-1", answers_after=True):
        self.mark, self.mark_after, self.answers_after, self.resets = "mark-1", mark_after, answers_after, 0
        self.arrived, self.lookups = threading.Event(), 0
        lab.stop("ssprd-local")
        self.fake = fake.Fake(lab.listeners["local"], self.serve)
        self.fake_heard = self.fake.heard

    def serve(self, s):
        message = self.fake.heard[-1]
        while message:
            kind, fields = wire.decode(message)
            if fields[wire.JOB_KIND][0] == wire.RESET:
                self.resets += 1
                self.mark = self.mark_after
                self.arrived.set()
                return None
            self.lookups += 1
            if self.resets and not self.answers_after:
                return None
            s.send(wire.encode(wire.DONE, (wire.OUTCOME, wire.JOB_DONE, 1), (wire.WHY, 0, 1),
                               *wire.account("1000", "monica", self.mark)))
            try:
                message = s.recv(wire.MAX)
            except OSError:
                return None
        return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.fake.__exit__()


def test_W9_F6_answer_lost_after_the_write(lab, monica):
    with FakeWriter(lab, "mark-2") as writer, wire.Dialogue("monica") as d:
        step = lab.gates(d, monica, NEW)
        assert step.result == "done" and writer.resets == 1


def test_W9_F6_answer_lost_before_the_write(lab, monica):
    with FakeWriter(lab, "mark-1") as writer, wire.Dialogue("monica") as d:
        step = lab.gates(d, monica, NEW)
        assert step.result != "done" and "othing was changed" in step.text and writer.resets == 1


def test_W9_F6_nobody_can_tell(lab, monica):
    with FakeWriter(lab, answers_after=False) as writer:
        with wire.Dialogue("monica", timeout=40) as d:
            step = lab.gates(d, monica, NEW)
        assert step.result != "done" and "Try the new password first, then the old one" in step.text
        assert writer.resets == 1
        assert any("monica" in str(row) for row in lab.table("pending"))


def secrets_in_files(paths, needles):
    found = []
    for path in paths:
        try:
            with open(path, "rb") as f:
                body = f.read(64 << 20)
        except OSError:
            continue
        found += [(path, n) for n in needles if n in body]
    return found


def test_W13_new_password_and_codes_leave_no_trace(lab, monica):
    """A canary through the whole reset: not in arguments, environments, logs, the state or a core."""
    canary = "Canary-in-the-mine-93"
    lab.core = "unlimited"
    lab.restart()
    seen = []
    with wire.Dialogue("monica") as d:
        app = monica.app()
        d.answer(app)
        mailed = monica.mailed()
        d.answer(mailed)
        needles = [canary.encode(), mailed.encode()]
        d.answer(canary)

        def watch():
            paths = glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ")
            ours = {f"/proc/{os.getpid()}/"}
            return secrets_in_files([p for p in paths if not any(p.startswith(o) for o in ours)], needles)

        seen += watch()
        step = d.answer(canary)
        assert step.result == "done"
        seen += watch()
    assert w.password_is("monica", canary)
    state = glob.glob(f"{w.STATE}/**", recursive=True)
    seen += secrets_in_files([*state, *glob.glob(f"{w.HOME}/log/*"), "/etc/passwd"], [canary.encode()])
    seen += secrets_in_files([*state, *glob.glob(f"{w.HOME}/log/*")], [mailed.encode()])
    assert canary not in lab.ctl("audit").stdout + lab.ctl("user", "show", "monica").stdout
    for daemon in lab.daemons.values():
        daemon.keep_running = False
        daemon.kill(signal.SIGSEGV)
    time.sleep(0.3)
    cores = glob.glob("/core*") + glob.glob("/var/lib/sspr/core*")
    lab.core = 0
    assert not seen and not cores, (seen, cores)


@pytest.mark.parametrize("daemon", ["ssprd", "ssprd-net", "ssprd-local"])
def test_W13_memory_of_a_daemon_is_closed(lab, daemon):
    """Not dumpable: another process of the same user cannot read it."""
    import pwd

    account = pwd.getpwnam(w.DAEMONS[daemon])
    if account.pw_uid == 0:
        assert os.stat(f"/proc/{lab.daemons[daemon].pid}/fd").st_uid == 0
        return
    assert os.stat(f"/proc/{lab.daemons[daemon].pid}/environ").st_uid == 0
    done = subprocess.run(["cat", f"/proc/{lab.daemons[daemon].pid}/environ"], capture_output=True, user=account.pw_uid,
                          group=account.pw_gid, extra_groups=[])
    assert done.returncode != 0


def test_W13_memory_holds_no_secret_after_the_dialogue(lab, monica):
    canary = "Canary-in-the-mine-94"
    assert lab.reset(new=canary).result == "done"
    for name in ("ssprd", "ssprd-local", "ssprd-net"):
        pid = lab.daemons[name].pid
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
            for line in maps:
                start, end, mode = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
                if mode.startswith("rw"):
                    mem.seek(int(start, 16))
                    try:
                        assert canary.encode() not in mem.read(int(end, 16) - int(start, 16)), f"{name}: {line}"
                    except OSError:
                        pass
