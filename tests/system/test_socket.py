# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may talk to ssprd, and what a bad peer achieves: rows S of the threat model."""

import errno
import os
import socket
import subprocess
import time

import pytest

import fake
import pamtalk
import wire
import world as w

MONICA, PAVEL = 1000, 1001


def rss(pid):
    return next(int(line.split()[1]) for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def audit_says(lab, *words):
    def look():
        return any(all(word in str(row).lower() for word in words) for row in lab.audit())

    return w.wait_for(look, 2)


@pytest.mark.parametrize("name", ["login", "admin", "net", "local"])
def test_S1_others_cannot_connect(lab, name):
    with pytest.raises(OSError) as e:
        wire.connect(f"/run/sspr/{name}.sock", MONICA)
    assert e.value.errno == errno.EACCES


@pytest.mark.parametrize("name", ["login", "admin"])
def test_S1_an_open_socket_is_still_only_for_root(lab, name):
    os.chmod(f"/run/sspr/{name}.sock", 0o666)
    s = wire.connect(f"/run/sspr/{name}.sock", MONICA)
    s.settimeout(2)
    try:
        if name == "login":
            s.send(wire.encode(wire.BEGIN, (wire.VERSION, 1, 2), (wire.USER, "monica"), (wire.SERVICE, "login"),
                               (wire.REASON, wire.KEYWORD, 1)))
        else:
            s.send(wire.encode(wire.REQUEST, (wire.VERSION, 1, 2), (wire.VERB, "user-list")))
        assert s.recv(wire.MAX) == b""
    except (BrokenPipeError, ConnectionResetError):
        pass
    if name == "login":
        assert audit_says(lab, "peer")


def test_S2_somebody_else_on_the_user_socket_is_nobody(lab, monica):
    lab.use({"services": {"self-service": "yes"}})

    def told(user):
        with wire.Dialogue(user, socket_name="user", uid=PAVEL, service="screen") as d:
            return d.transcript

    assert told("monica") == told("nobody-of-that-name")
    assert not monica.mails()
    assert audit_says(lab, "monica", str(PAVEL))


def test_S3_self_service_is_off_by_default(lab, monica):
    try:
        with wire.Dialogue("monica", socket_name="user", uid=MONICA, service="screen") as d:
            assert d.step.kind == wire.END and d.step.result != "done"
    except wire.Gone:
        pass
    assert not monica.mails()


def test_S5_second_begin_ends_the_session(lab, monica):
    with wire.Dialogue("monica") as d:
        d.send(wire.encode(wire.BEGIN, (wire.VERSION, 1, 2), (wire.USER, "jana"), (wire.SERVICE, "login"),
                           (wire.REASON, wire.KEYWORD, 1)))
        assert d.gone()
    assert audit_says(lab, "violation")


@pytest.mark.parametrize("message", [
    b"", b"\x00", b"\x03", b"\x03\x0c\xff\xff", b"\x03\x0c\x00\x01", b"\x03\x0c\x00\x01x\x0c\x00\x01y", b"\x63" * 4096,
    wire.encode(wire.ANSWER), wire.encode(wire.STEP, (wire.KIND, 4, 1), (wire.RESULT, 2, 1)),
    wire.encode(wire.DONE, (wire.OUTCOME, 1, 1)),
], ids=range(10))
def test_S5_spoilt_messages_end_the_session(lab, monica, message):
    with wire.Dialogue("monica") as d:
        try:
            d.send(message)
        except wire.Gone:
            pass
        assert d.gone()
    assert lab.daemons["ssprd"].restarts == 0
    assert lab.reset().result == "done"


def test_S10_a_long_answer_is_only_a_wrong_one(lab, monica):
    with wire.Dialogue("monica") as d:
        try:
            assert d.answer("x" * 4000).prompt == "Code: "
        except wire.Gone:
            pass
    assert lab.daemons["ssprd"].restarts == 0


def test_S6_identity_is_the_one_at_accept(lab):
    """The process that connected is gone; its connection stays that of uid 1001 and never becomes ours."""
    lab.use({"services": {"self-service": "yes"}})
    with wire.Dialogue("monica", socket_name="user", uid=PAVEL, service="screen") as d:
        assert d.step.asks  # as for anybody
        d.answer(lab.people["monica"].app())
        assert "Step 2" not in d.step.info
    assert not lab.people["monica"].mails()
    assert audit_says(lab, str(PAVEL)), lab.audit()


def test_S8_F41_idle_connections_of_a_user_do_not_delay_root(lab, monica):
    """1,000 half-open connections from one uid."""
    lab.use({"services": {"self-service": "yes"}})
    held = hold(PAVEL, 1000)
    try:
        start = time.monotonic()
        with wire.Dialogue("monica") as d:
            took = time.monotonic() - start
            assert "Step 1" in d.step.info
        assert took < 1.0
        pid = lab.daemons["ssprd"].pid
        assert w.wait_for(lambda: descriptors(pid) < 200, 3), f"{descriptors(pid)} descriptors"
        assert lab.reset().result == "done"
    finally:
        held.kill()
        held.wait()


def hold(uid, n):
    """A process of that uid that holds n connections to the user socket without saying a word."""
    p = subprocess.Popen(
        ["python3", "-c", "import socket,sys,time\nkept=[]\n"
         f"for i in range({n}):\n s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET);s.setblocking(False)\n"
         " try: s.connect('/run/sspr/user.sock')\n except BlockingIOError: time.sleep(0.001)\n kept.append(s)\n"
         "print('ready',flush=True)\ntime.sleep(600)"], stdout=subprocess.PIPE, user=uid, group=uid, extra_groups=[])
    assert p.stdout.readline() == b"ready\n"
    return p


def test_S9_F42_silent_connections_are_closed(lab):
    """A peer that connects and never says BEGIN is not waited for."""
    s = wire.connect("/run/sspr/login.sock")
    s.settimeout(15)
    try:
        assert s.recv(wire.MAX) == b""
    except ConnectionResetError:
        pass


def test_S10_F43_malformed_frames_cost_nothing(lab):
    pid = lab.daemons["ssprd"].pid
    bad = [b"\xff" * 4096, b"\x01\x02\xff\xff", b"\x01", wire.encode(wire.BEGIN, (wire.USER, b"x" * 4000)), b"\x01\x01\x00\x02\x00"]

    def volley(n):
        for i in range(n):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            s.settimeout(5)
            s.connect("/run/sspr/login.sock")
            try:
                s.send(bad[i % len(bad)])
                s.recv(wire.MAX)
            except (BrokenPipeError, ConnectionResetError):
                pass
            s.close()

    volley(200)
    before = rss(pid), descriptors(pid)
    volley(5000)
    assert rss(pid) - before[0] < 1024
    assert descriptors(pid) <= before[1]
    assert lab.daemons["ssprd"].pid == pid


def test_S11_descriptors_that_are_passed_do_not_stay(lab):
    pid = lab.daemons["ssprd"].pid
    with wire.Dialogue("monica") as d:
        before = descriptors(pid)
        r, _ = os.pipe()
        for _ in range(5):
            try:
                socket.send_fds(d.socket, [wire.encode(wire.ANSWER, (wire.TEXT, "000000"))], [r, r, r])
                d.receive()
            except (wire.Gone, OSError):
                break
        # Of 15 that were passed none stays; ssprd's own connections to its workers come and go.
        assert descriptors(pid) <= before + 2


def listen_as(uid, path):
    """A listener of that uid at that path, which accepts and counts."""
    return subprocess.Popen(
        ["python3", "-c", "import socket,sys,os\n"
         "s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET)\n"
         f"s.bind({path!r});os.chmod({path!r},0o666);s.listen();print('ready',flush=True)\n"
         "c,_=s.accept()\nd=c.recv(4096)\nprint('heard',len(d),flush=True)"],
        stdout=subprocess.PIPE, user=uid, group=uid, extra_groups=[])


def test_S12_a_listener_of_another_user_is_refused(lab):
    lab.stop()
    lab.unlisten()
    os.chmod("/run/sspr", 0o777)
    p = listen_as(PAVEL, "/run/sspr/login.sock")
    try:
        assert p.stdout.readline() == b"ready\n"
        os.chmod("/run/sspr", 0o755)
        talk = pamtalk.authenticate("login", b"monica", [b"forgot", b"secret", None])
        assert talk.result != 0 and len(talk.prompts) == 1
        time.sleep(0.1)
    finally:
        p.kill()
        os.chmod("/run/sspr", 0o755)
        os.unlink("/run/sspr/login.sock")
    assert b"heard" not in p.stdout.read().replace(b"heard 0", b"")


def test_S12_a_folder_that_others_may_write_is_refused(lab):
    lab.stop("ssprd")
    os.chmod("/run/sspr", 0o777)
    try:
        with fake.Fake(lab.listeners["login"]) as daemon:
            talk = pamtalk.authenticate("login", b"monica", [b"forgot", None])
        assert talk.result != 0 and daemon.accepted == 0
    finally:
        os.chmod("/run/sspr", 0o755)


def test_S14_another_version_leaves_login_alone(lab, monica):
    for version in (0, 2, 999):
        with wire.Dialogue("monica", version=version) as d:
            assert d.step.kind == wire.END and d.step.result == "ignore" and not d.step.info
    assert not monica.mails()


@pytest.mark.parametrize("name", ["root", "../x", "x" * 3000, "", "a b", "müller", "monica\n", "%s%n", "';DROP TABLE user;--"])
def test_odd_names_get_a_decoy_or_are_closed(lab, name):
    try:
        with wire.Dialogue(name) as d:
            for _ in range(3):
                if not d.step.asks:
                    break
                d.answer("12345678")
            assert d.step.result != "done"
    except wire.Gone:
        pass
    assert lab.daemons["ssprd"].restarts == 0
    assert not w.mails()
