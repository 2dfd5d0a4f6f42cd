# SPDX-License-Identifier: LGPL-2.1-or-later
"""ssprd-local with the real libpam: W1 W2 W4 W5 W13, A1 A2 A6, F8 F11 F12 F45 F46 F48 F49."""

import fcntl
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

import worker as w
from conftest import CONFIG, OLD

NEW = "Spring-remembered-58"


def reset(local, name="monica", uid=1000, password=NEW, **k):
    return local.ask(w.reset_job(uid, name, password, **k))


def both(local, name, uid):
    """What LOOKUP and RESET say; they must never differ."""
    said = {local.ask(w.lookup_job(name)).said, reset(local, name, uid).said}
    assert len(said) == 1, said
    return said.pop()


# -- what works


def test_a_password_is_set_and_nothing_else(local, accounts):
    before = accounts.text("shadow").splitlines()
    mode = os.stat(f"{accounts.etc}/shadow")
    found = local.ask(w.lookup_job("monica"))
    assert found.said == ("done", "none") and (found.object, found.name, found.directory) == ("1000", "monica", "local")
    assert re.fullmatch("[0-9a-f]{64}", found.mark)
    done = reset(local)
    assert done.said == ("done", "none") and done.mark != found.mark
    assert local.ask(w.lookup_job("monica")).mark == done.mark
    assert w.matches(NEW, accounts.stored("monica")) and accounts.stored("monica").startswith("$y$")
    after = accounts.text("shadow").splitlines()
    assert [a for a in after if not a.startswith(b"monica:")] == [b for b in before if not b.startswith(b"monica:")]
    now = os.stat(f"{accounts.etc}/shadow")
    assert (now.st_mode, now.st_uid, now.st_gid) == (mode.st_mode, mode.st_uid, mode.st_gid)


@pytest.mark.parametrize("mode,group", [(0o640, "shadow"), (0o000, "root")], ids=["debian", "rhel"])
@pytest.mark.parametrize("caps", ["chown,dac_override,audit_write", "none"])
def test_x1_capabilities(start, accounts, mode, group, caps):
    """What the unit leaves of root is enough, and nothing is not."""
    os.chmod(f"{accounts.etc}/shadow", mode)
    shutil.chown(f"{accounts.etc}/shadow", "root", group)
    keep = "" if caps == "none" else "".join(f",+{c}" for c in caps.split(","))
    local = start(wrap=["setpriv", f"--bounding-set=-all{keep}", "--inh-caps=-all"])
    if caps == "none" and mode == 0o000:
        assert reset(local).said == ("refused", "broken")
    elif caps == "none":
        assert reset(local).outcome == "refused"
    else:
        assert reset(local).said == ("done", "none"), local.log()
        assert reset(local, password=OLD).said == ("refused", "used-before")
        assert w.matches(NEW, accounts.stored("monica"))
        assert os.stat(f"{accounts.etc}/shadow").st_mode & 0o777 == mode
        return
    assert w.matches(OLD, accounts.stored("monica"))


def test_x1_a_crash_does_not_lock_out_the_next_write(start, accounts):
    """RHEL's mode is also that of the file a killed write leaves behind: CAP_DAC_OVERRIDE, not only CAP_DAC_READ_SEARCH."""
    os.chmod(f"{accounts.etc}/shadow", 0)
    with open(f"{accounts.etc}/nshadow", "w") as f:
        f.write("half of it")
    os.chmod(f"{accounts.etc}/nshadow", 0)
    local = start(wrap=["setpriv", "--bounding-set=-all,+chown,+dac_override,+audit_write", "--inh-caps=-all"])
    assert reset(local).said == ("done", "none"), local.log()


# -- accounts


@pytest.mark.parametrize("name,uid,why", [("root", 0, "protected"), ("daemon", 1, "protected"), ("low", 999, "protected"),
                                          ("dynamic", 61184, "protected"), ("dynamicz", 65519, "protected"),
                                          ("nobody", 65534, "protected"), ("overflow", 65535, "protected"),
                                          ("absent", 4242, "no-account"), ("-x", 4243, "no-account"),
                                          ("../x", 4244, "no-account"), ("4245", 4245, "no-account"),
                                          ("fine", 60000, "none"), ("high", 70000, "none")])
def test_w1_a1_uids_and_names(local, accounts, name, uid, why):
    if name not in ("root", "daemon", "nobody", "absent"):
        accounts.add(name, uid)
    before = accounts.text("shadow")
    if why == "none":
        assert both(local, name, uid) == ("done", "none")
    else:
        assert both(local, name, uid) == ("refused", why)
        assert accounts.text("shadow") == before


def test_a1_uid_min_of_login_defs_counts(local, accounts):
    text = accounts.text("login.defs").decode()
    with open(f"{accounts.etc}/login.defs", "w") as f:
        f.write(re.sub(r"(?m)^UID_MIN.*", "UID_MIN\t\t2000", text))
    assert both(local, "monica", 1000) == ("refused", "protected")
    with open(f"{accounts.etc}/login.defs", "w") as f:
        f.write("UID_MIN many\n")
    assert both(local, "monica", 1000) == ("refused", "misconfigured")


@pytest.mark.parametrize("file", ["shadow", "group", "shells", "login.defs"])
def test_a_look_up_that_fails_is_a_refusal(local, accounts, file):
    os.unlink(f"{accounts.etc}/{file}")
    os.mkdir(f"{accounts.etc}/{file}")
    assert both(local, "monica", 1000) == ("refused", "broken")


SHELLS = {"/usr/sbin/nologin": "no-login", "/bin/false": "no-login", "/opt/strange": "no-login", "bash": "no-login",
          "/sbin/nologin": "no-login", "/bin/sh": "none", "": "none"}


@pytest.mark.parametrize("shell", SHELLS)
def test_a1_shells(local, accounts, shell):
    accounts.add("sheller", 1234, shell=shell)
    w.append(accounts.etc, "shells", "/usr/sbin/nologin")  # some do that
    assert both(local, "sheller", 1234)[1] == SHELLS[shell]


CLOSED = {"!": "!", "!!": "!!", "locked hash": None, "*": "*", "empty": "", "x": "x", "too short": "abcdef"}


@pytest.mark.parametrize("how", CLOSED)
def test_w4_locked(local, accounts, how):
    value = "!" + accounts.hash if CLOSED[how] is None else CLOSED[how]
    w.set_field(accounts.etc, "shadow", "monica", 1, value)
    before = accounts.text("shadow")
    assert both(local, "monica", 1000) == ("refused", "locked")
    assert accounts.text("shadow") == before


@pytest.mark.parametrize("n,value,why", [(7, "1", "locked"), (7, "0", "locked"), (7, "99999", "none"), (6, "10", "locked"),
                                         (6, "", "none"), (2, "0", "none")])
def test_w4_expired_and_inactive(local, accounts, n, value, why):
    w.set_field(accounts.etc, "shadow", "monica", n, value)
    if n == 6:
        w.set_field(accounts.etc, "shadow", "monica", 2, "100")
        w.set_field(accounts.etc, "shadow", "monica", 4, "90")
    assert both(local, "monica", 1000)[1] == why


@pytest.mark.parametrize("password", ["", "*", "!", "$6$abc$def"])
def test_w4_password_not_in_shadow(local, accounts, password):
    w.set_field(accounts.etc, "passwd", "monica", 1, password)
    assert both(local, "monica", 1000) == ("refused", "locked")


def test_w4_no_shadow_line(local, accounts):
    accounts.drop("shadow", "monica")
    assert both(local, "monica", 1000) == ("refused", "locked")


GROUPS = ["root", "sudo", "wheel", "admin", "adm", "docker", "lxd", "incus", "incus-admin", "libvirt", "disk", "shadow"]


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("how", ["member", "primary", "same gid"])
def test_a2_privileged_groups(local, accounts, group, how):
    if w.field(accounts.etc, "group", group, 2) is None:
        w.append(accounts.etc, "group", f"{group}:x:777:")
    gid = w.field(accounts.etc, "group", group, 2)
    if how == "member":
        w.set_field(accounts.etc, "group", group, 3, "pavel,monica")
    elif how == "primary":
        w.set_field(accounts.etc, "passwd", "monica", 3, gid)
    else:
        w.append(accounts.etc, "group", f"harmless:x:{gid}:monica")
    before = accounts.text("shadow")
    assert both(local, "monica", 1000) == ("refused", "protected")
    assert accounts.text("shadow") == before
    accounts.add("friend", 1010, gid=int(gid))
    assert both(local, "friend", 1010) == ("done", "none"), "allow-privileged names it"


def test_a2_allow_privileged_never_means_more_than_groups(start, accounts):
    local = start(config=CONFIG.replace("friend", "root friend daemon"))
    accounts.add("friend", 1010, shell="/bin/false")
    assert both(local, "root", 0) == ("refused", "protected")
    assert both(local, "daemon", 1) == ("refused", "protected")
    assert both(local, "friend", 1010) == ("refused", "no-login")


@pytest.mark.parametrize("how", ["name twice", "uid twice", "shadow twice"])
def test_a6_ambiguous(local, accounts, how):
    if how == "name twice":
        w.append(accounts.etc, "passwd", "monica:x:1999:1999::/:/bin/bash")
    elif how == "uid twice":
        w.append(accounts.etc, "passwd", "other:x:1000:1000::/:/bin/bash")
    else:
        w.append(accounts.etc, "shadow", f"monica:{accounts.hash}:20000:0:99999:7:::")
    before = accounts.text("shadow")
    assert both(local, "monica", 1000) == ("refused", "ambiguous")
    assert accounts.text("shadow") == before


def test_a6_name_that_the_name_service_does_not_confirm(local, accounts):
    """The file knows her, the name service knows nobody: two directories that do not agree."""
    assert both(local, "monica", 1000) == ("done", "none")
    with open(f"{accounts.etc}/nsswitch.conf", "w") as f:
        f.write("passwd: systemd\ngroup: files\nshadow: files\n")
    assert local.ask(w.lookup_job("monica")).said == ("refused", "ambiguous")


def test_w2_renamed_between_look_up_and_write(local, accounts):
    found = local.ask(w.lookup_job("monica"))
    w.set_field(accounts.etc, "passwd", "monica", 0, "monika")
    w.set_field(accounts.etc, "shadow", "monica", 0, "monika")
    accounts.add("monica", 1777)
    before = accounts.text("shadow")
    assert reset(local, found.name, found.object).said == ("refused", "renamed")
    assert accounts.text("shadow") == before


@pytest.mark.parametrize("object", ["", "01000", "+1000", " 1000", "1000 ", "0x3e8", "monica", "-1", "4294967295",
                                    "4294968296", "18446744073709552616"])
def test_w2_object_is_the_uid_and_nothing_else(local, accounts, object):
    assert reset(local, "monica", object).said == ("refused", "no-account")
    assert w.matches(OLD, accounts.stored("monica"))


def test_scope_group(local, accounts):
    w.append(accounts.etc, "group", "sspr-users:x:888:pavel")

    def ask(name, uid, group):
        return {local.ask(w.lookup_job(name, group)).said, reset(local, name, uid, group=group).said}

    assert ask("monica", 1000, "sspr-users") == {("refused", "not-in-scope")}
    assert ask("monica", 1000, "absent") == {("refused", "misconfigured")}
    assert "absent" in local.log()
    assert ask("monica", 1000, "monica") == {("done", "none")}, "the primary group counts"
    assert ask("pavel", 1001, "sspr-users") == {("done", "none")}


@pytest.mark.parametrize("policy,why", [("enabled = none", "not-in-scope"), ("enabled = selected\ngroup = few", "not-in-scope"),
                                        ("enabled = selected\ngroup = absent", "misconfigured")])
def test_the_writer_obeys_its_own_policy_whatever_it_is_told(start, accounts, policy, why):
    w.append(accounts.etc, "group", "few:x:889:pavel")
    local = start(config=f"[properties]\n{policy}\n")
    assert reset(local).said == ("refused", why)
    assert w.matches(OLD, accounts.stored("monica"))


# -- passwords


BAD = {
    "a": "too-short", "aB3$xyz": "too-short", "monica-2026-x": "name", "password": "guessable", "abcdefghijkl": "guessable",
    "Spring\nremembered": "characters", "Spring\x1b[0mremembered": "characters", "Spring\x00remembered": "characters",
    "Spring\u009bremembered": "characters", "Zu\u0308rich-remembered": "characters", OLD: "used-before",
    "Zq7-" * 65: "too-long", ("Zq7-" * 128)[:511]: "too-long", "Zq7-" * 128: "too-long",
}


@pytest.mark.parametrize("password", BAD, ids=range(len(BAD)))
def test_w5_f45_f46_f48_bad_passwords(local, accounts, password):
    before = accounts.text("shadow")
    assert reset(local, password=password).said == ("refused", BAD[password])
    assert accounts.text("shadow") == before


@pytest.mark.parametrize("password", [b"Spring\xff\xfe-remembered", b"Spring\xc0\xafremembered", b"Spring\xed\xa0\x80remembered"])
def test_w5_f45_invalid_utf8(local, accounts, password):
    assert reset(local, password=password).said == ("refused", "characters")


@pytest.mark.parametrize("n,said", [(513, None), (600, None)])
def test_f48_longer_than_the_wire_carries(local, accounts, n, said):
    assert reset(local, password="x" * n) is said
    assert w.matches(OLD, accounts.stored("monica"))


@pytest.mark.parametrize("password", ["Žluťoučký kůň 7", "  blanks at both ends 9 ", "\U0001f600 quite a smile 42",
                                      ("Kq7-vZ2_" * 32)[:256], "ž7Kq-" * 51, "a:b:c:Kq7-vZ2"],
                         ids=range(6))
def test_f47_f48_good_passwords_are_written_byte_for_byte(local, accounts, password):
    assert reset(local, password=password).said == ("done", "none"), local.log()
    assert w.matches(password, accounts.stored("monica"))


def test_w5_history(local, accounts):
    passwords = [f"Season-{i}-remembered" for i in range(7)]
    for password in passwords:
        assert reset(local, password=password).said == ("done", "none")
    before = accounts.text("shadow")
    for password in passwords[2:6]:
        assert reset(local, password=password).said == ("refused", "used-before")
    assert accounts.text("shadow") == before
    assert reset(local, password=OLD).said == ("done", "none"), "five are remembered"


def test_w5_same_password_without_the_history_module(local, accounts):
    """PAM would take it from root (X2)."""
    with open(f"{accounts.etc}/pam.d/ssprd-local", "w") as f:
        f.write("password required pam_unix.so yescrypt\n")
    assert reset(local, password=OLD).said == ("refused", "used-before")
    assert w.matches(OLD, accounts.stored("monica"))


def test_quality_check_can_be_off(start, accounts):
    local = start(config=CONFIG + "[password]\ncheck-quality = no\n")
    assert reset(local, password="abcdefghijkl").said == ("done", "none")


# -- PAM


def service(accounts, *lines):
    with open(f"{accounts.etc}/pam.d/ssprd-local", "w") as f:
        f.write("".join(f"{line}\n" for line in lines))


def test_no_service_is_misconfigured_and_not_the_service_other(local, accounts):
    os.unlink(f"{accounts.etc}/pam.d/ssprd-local")
    service_other = f"{accounts.etc}/pam.d/other"
    with open(service_other, "w") as f:
        f.write("password required pam_unix.so\n")
    assert reset(local).said == ("refused", "misconfigured")
    assert w.matches(OLD, accounts.stored("monica"))


def test_a_module_that_is_missing(local, accounts):
    service(accounts, "password required pam_no_such_module.so", "password required pam_unix.so")
    answer = reset(local)
    assert answer.outcome == "refused" and w.matches(OLD, accounts.stored("monica"))


def test_a_module_that_denies(local, accounts):
    service(accounts, "password requisite pam_deny.so", "password required pam_unix.so")
    assert reset(local).outcome == "refused" and w.matches(OLD, accounts.stored("monica"))


def test_a_module_that_lies_leaves_the_outcome_unknown(local, accounts):
    service(accounts, "password required pam_permit.so")
    assert reset(local).said == ("unknown", "none")


def test_a_change_although_pam_says_no_is_unknown(local, accounts):
    service(accounts, "password required pam_unix.so yescrypt", "password required pam_deny.so")
    answer = reset(local)
    changed = w.matches(NEW, accounts.stored("monica"))
    assert answer.outcome == ("unknown" if changed else "refused")


# -- faults


def test_f12_read_only_etc(start, accounts):
    local = start(before="mount -o remount,bind,ro /etc && ")
    assert reset(local).outcome == "refused"
    assert w.matches(OLD, accounts.stored("monica")) and not glob.glob(f"{accounts.etc}/nshadow*")


def test_f11_disk_full(tmp_path, start, accounts):
    """An /etc on a file system of its own with room for all but one more shadow."""
    os.makedirs(tmp_path / "full")
    local = start(before=f"mount -t tmpfs -o size=24m,mode=755 full {tmp_path}/full && cp -a /etc/. {tmp_path}/full && "
                  f"mount --bind {tmp_path}/full /etc && dd if=/dev/zero of=/etc/filler bs=4096 2>/dev/null; ")
    inside = f"/proc/{local.process.pid}/root/etc"
    answer = reset(local)
    assert answer.outcome == "refused", (answer, local.log())
    assert w.matches(OLD, w.field(inside, "shadow", "monica", 1))
    os.unlink(f"{inside}/filler")
    assert reset(local).said == ("done", "none"), "room again, and it works by itself"


def hold_lock(etc):
    """What lckpwdf(3) of another program does."""
    f = open(f"{etc}/.pwd.lock", "w")
    fcntl.lockf(f, fcntl.LOCK_EX)
    return f


def test_f49_x5_lock_held_the_writer_gives_up(local, accounts):
    with hold_lock(accounts.etc):
        start = time.monotonic()
        assert reset(local).said == ("refused", "busy")
        assert 7 < time.monotonic() - start < 12
        assert w.matches(OLD, accounts.stored("monica"))
    time.sleep(1)
    assert w.matches(OLD, accounts.stored("monica")), "nothing lands later"
    assert reset(local).said == ("done", "none")


def test_f49_lock_released_in_time(local, accounts):
    lock = hold_lock(accounts.etc)
    threading.Timer(2, lock.close).start()
    assert reset(local).said == ("done", "none")


CALLS = "openat,write,fsync,rename,fchown,fchmod,close,unlink"


def shadow_is_whole(accounts, before):
    """Old or new, complete, and everybody else as before."""
    others = [line for line in accounts.text("shadow").splitlines() if not line.startswith(b"monica:")]
    assert others == before
    stored = accounts.stored("monica")
    assert w.matches(OLD, stored) or w.matches(NEW, stored), stored
    return w.matches(NEW, stored)


class Traced:
    """A child that has answered a LOOKUP, under strace from now on."""

    def __init__(self, local, *options, out="/dev/null"):
        self.c = local.connect()
        assert self.c.ask(w.lookup_job("monica")).said == ("done", "none")
        self.child = local.children()[-1]
        self.strace = subprocess.Popen(["strace", "-p", str(self.child), "-o", out, *options],
                                       stderr=subprocess.PIPE, text=True)
        assert "attached" in self.strace.stderr.readline()

    def __enter__(self):
        return self

    def reset(self):
        return self.c.ask(w.reset_job(1000, "monica", NEW))

    def __exit__(self, *_):
        self.c.close()
        self.strace.wait(20)
        self.strace.stderr.close()


def calls_of_a_write(local, tmp_path):
    """(call, n, line of the trace) for the n-th of that call in one job, from the moment that PAM begins."""
    trace = str(tmp_path / "trace")
    with Traced(local, "-y", "-e", f"trace={CALLS}", out=trace) as t:
        assert t.reset().said == ("done", "none")
    counts, points, began = {}, [], False
    for line in open(trace):
        began = began or "pam.d/ssprd-local" in line
        m = re.match(r"(\w+)\(", line)
        if m:
            counts[m.group(1)] = counts.get(m.group(1), 0) + 1
            if began:
                points.append((m.group(1), counts[m.group(1)], line))
    return points


def accounts_anew(accounts, kept):
    for file, text in (("shadow", kept), ("security/opasswd", b"")):
        with open(f"{accounts.etc}/{file}", "wb") as f:
            f.write(text)


@pytest.mark.timeout(400)
def test_f8_x3_killed_at_every_system_call(local, accounts, tmp_path):
    """SIGKILL at the n-th call of each kind: shadow is old or new, and no answer means unknown."""
    before = [line for line in accounts.text("shadow").splitlines() if not line.startswith(b"monica:")]
    kept = accounts.text("shadow")
    points = calls_of_a_write(local, tmp_path)
    assert len(points) > 60
    unanswered = in_force = 0
    for call, n, _ in points:
        accounts_anew(accounts, kept)
        with Traced(local, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={n}") as t:
            answer = t.reset()
        changed = shadow_is_whole(accounts, before)
        assert answer is None or answer.outcome == "done"
        unanswered += answer is None
        in_force += changed and answer is None
    assert unanswered > 60 and in_force > 0


@pytest.mark.parametrize("file", ["nshadow", "opasswd"])
@pytest.mark.parametrize("call,error", [("write", "ENOSPC"), ("fsync", "EIO"), ("rename", "EROFS"), ("fchown", "EPERM"),
                                        ("fchmod", "EPERM"), ("openat", "EROFS")])
def test_x4_f11_f12_errors_of_the_write_leave_the_old_password(local, accounts, tmp_path, call, error, file):
    kept = accounts.text("shadow")
    points = [n for c, n, line in calls_of_a_write(local, tmp_path) if c == call and file in line]
    assert points
    for n in points:
        accounts_anew(accounts, kept)
        with Traced(local, "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={n}") as t:
            answer = t.reset()
        if answer.outcome == "done":
            assert w.matches(NEW, accounts.stored("monica"))
        else:
            assert answer.said == ("refused", "broken") and accounts.text("shadow") == kept


# -- the listening parent


@pytest.mark.parametrize("uid", [0, 1000, 65534])
def test_w1_only_sspr_is_served(local, accounts, uid):
    with local.connect(uid=uid) as c:
        assert c.ask(w.reset_job(1000, "monica", NEW)) is None
    assert w.matches(OLD, accounts.stored("monica"))
    assert f"uid {uid} refused" in local.log()


def test_no_user_sspr_no_service(start, accounts):
    accounts.drop("passwd", "sspr")
    local = start()
    assert local.process.wait(5) == 1 and "sspr" in local.log()


def test_bad_configuration_is_exit_78(start, tmp_path):
    local = start(config="[properties]\nenabled = perhaps\n")
    assert local.process.wait(5) == 78
    assert re.search(r"ssprd\.conf:2:.*none, selected, all", local.log())


def test_spoilt_messages_end_the_connection(local):
    for data in (b"", b"\x10", b"\x10\x10\x00\x05\x01", b"\xff" * 4096, w.encode(w.JOB, (w.JOB_KIND, b"\x09")),
                 w.encode(w.JOB, (w.JOB_KIND, b"\x01"), (w.NAME, "a\0b")), b"\x02" + w.lookup_job("monica")[1:]):
        with local.connect() as c:
            c.send(data)
            assert c.receive() is None
    assert local.ask(w.lookup_job("monica")).said == ("done", "none")


def test_s12_descriptors_that_are_sent_along_are_not_kept(local):
    with local.connect() as c:
        assert c.ask(w.lookup_job("monica")).said == ("done", "none")
        held = f"/proc/{local.children()[0]}/fd"
        before = os.listdir(held)
        socket.send_fds(c.s, [w.lookup_job("monica")], [0, 1, 2])
        assert c.receive().said == ("done", "none")
        assert os.listdir(held) == before


def test_a_connection_does_many_jobs_and_ends_when_idle(local):
    with local.connect(timeout=15) as c:
        for _ in range(20):
            assert c.ask(w.lookup_job("monica")).said == ("done", "none")
        assert len(local.children()) == 1
        start = time.monotonic()
        assert c.receive() is None
        assert 9 < time.monotonic() - start < 12
    w.wait_for(lambda: not local.children())
    assert not local.children()


def test_children_are_bounded_and_nobody_is_lost(local):
    """Idle ones make room, waiting ones are served."""
    connections = [local.connect() for _ in range(200)]
    try:
        for c in connections[:64]:
            assert c.ask(w.lookup_job("monica")).said == ("done", "none")
        most = 0
        for c in connections[64:]:
            c.send(w.lookup_job("pavel"))
        for c in connections[64:]:
            most = max(most, len(local.children()))
            assert c.receive().said == ("done", "none")
        assert most <= 64
    finally:
        for c in connections:
            c.close()


@pytest.mark.parametrize("call,error", [("clone", "EAGAIN"), ("accept4", "EMFILE")])
def test_f55_no_process_and_no_descriptor_to_be_had(local, call, error):
    """It says so, does not spin, and goes on by itself."""
    assert local.ask(w.lookup_job("monica")).said == ("done", "none")
    strace = subprocess.Popen(["strace", "-p", str(local.process.pid), "-o", "/dev/null", "-e", f"trace={call}",
                               "-e", f"inject={call}:error={error}"], stderr=subprocess.PIPE, text=True)
    assert "attached" in strace.stderr.readline()
    with local.connect() as c:
        c.send(w.lookup_job("monica"))
        time.sleep(2)
        strace.terminate()
        strace.communicate()
        assert 1 <= local.log().count("cannot ") <= 15
        if call == "accept4":
            assert c.receive().said == ("done", "none"), "it waited in line"
        else:
            assert c.receive() is None
    assert local.ask(w.lookup_job("monica")).said == ("done", "none")


def test_sigterm_lets_a_running_job_end(local, accounts):
    lock = hold_lock(accounts.etc)
    with local.connect() as c:
        c.send(w.reset_job(1000, "monica", NEW))
        w.wait_for(local.children)
        time.sleep(0.5)
        os.killpg(local.process.pid, signal.SIGTERM)  # as a service manager does it
        time.sleep(0.5)
        assert local.process.poll() is None
        lock.close()
        assert c.receive().said == ("done", "none")
    assert local.process.wait(12) == 0


def test_children_die_with_the_parent(local, accounts):
    with hold_lock(accounts.etc), local.connect() as c:
        c.send(w.reset_job(1000, "monica", NEW))
        children = w.wait_for(local.children)
        start = time.monotonic()
        local.process.kill()
        assert c.receive() is None
        assert time.monotonic() - start < 5, "not only at its deadline"
        assert w.wait_for(lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in children))
    assert w.matches(OLD, accounts.stored("monica"))


def test_ready_is_told(tmp_path, start):
    path = str(tmp_path / "notify")
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(path)
    s.settimeout(5)
    start(env={"NOTIFY_SOCKET": path})
    assert s.recv(100) == b"READY=1"


# -- W13


def test_w13_no_secret_where_others_can_read_it(local, accounts):
    canary = "Canary-in-the-mine-93"
    with hold_lock(accounts.etc), local.connect() as c:
        c.send(w.reset_job(1000, "monica", canary))
        child = w.wait_for(local.children)[0]
        time.sleep(1)
        for pid in (child, local.process.pid):
            for name in ("cmdline", "environ", "comm"):
                assert canary.encode() not in open(f"/proc/{pid}/{name}", "rb").read()
            status = open(f"/proc/{pid}/status").read()
            assert re.search(r"(?m)^CoreDumping:\s+0", status)
        os.kill(child, signal.SIGSEGV)
        assert c.receive() is None
    assert reset(local, password=canary).said == ("done", "none")
    assert canary not in local.log() and accounts.stored("monica") not in local.log()
    for where, _, files in os.walk(accounts.etc):
        for name in files:
            path = os.path.join(where, name)
            if os.path.isfile(path):
                assert canary.encode() not in open(path, "rb").read(), path
    memory = parent_memory(local.process.pid)
    assert canary.encode() not in memory, "the parent never sees a job"
    assert accounts.hash.encode() not in memory


def parent_memory(pid):
    out = b""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            start, end, mode = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            if mode.startswith("rw"):
                try:
                    mem.seek(int(start, 16))
                    out += mem.read(int(end, 16) - int(start, 16))
                except OSError:
                    pass
    return out
