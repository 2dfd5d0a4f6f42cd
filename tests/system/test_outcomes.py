# SPDX-License-Identifier: LGPL-2.1-or-later
"""No reset is lost, half done or misreported: what happens around the moment of the write."""

import fcntl
import signal
import sqlite3
import threading
import time

import pytest
import wire
import world as w
from conftest import NEW, OLD
from test_faults import DATABASE
from test_writer import FakeWriter


class SlowWriter(FakeWriter):
    """The local worker, which writes when it is told to."""

    def __init__(self, lab):
        self.go = threading.Event()
        super().__init__(lab, "mark-2")

    def serve(self, s):
        if not self.fake.heard[-1]:
            return  # one that an ssprd before us left behind
        kind, fields = wire.decode(self.fake.heard[-1])
        if fields[wire.JOB_KIND][0] == wire.RESET:
            self.resets += 1
            self.arrived.set()
            self.go.wait(20)
            self.mark = "mark-2"
        s.send(wire.encode(wire.DONE, (wire.OUTCOME, 1, 1), (wire.WHY, 0, 1), *wire.account("1000", "monica", self.mark)))


def submit(lab, d, person):
    """Up to the second typing of the new password, whose answer is still to come."""
    lab.gates(d, person)
    d.answer(NEW)
    time.sleep(1)  # the report of the delivery is in
    d.send(wire.encode(wire.ANSWER, (wire.TEXT, NEW)))


def locked_database():
    db = sqlite3.connect(DATABASE, isolation_level=None, timeout=2)
    db.execute("BEGIN IMMEDIATE")
    return db


def notices(person):
    return [m for m in person.mails() if not w.mail_code(m)]


def activities(lab):
    return [(row["activity"], row["result"]) for row in lab.audit()]


RESET_DONE = ("Reset password (self-service)", "success")


def test_F10_an_outcome_that_could_not_be_written_down_is_not_lost(lab, monica):
    lab.shifted()
    with SlowWriter(lab) as writer, wire.Dialogue("monica", timeout=20) as d:
        submit(lab, d, monica)
        assert writer.arrived.wait(5)
        db = locked_database()
        writer.go.set()
        assert "Password changed" in d.receive().info, "it is true whether or not it could be written down"
        db.execute("ROLLBACK")
        db.close()
        with wire.Dialogue("jana", tty="/dev/tty9"):  # while somebody is there, ssprd counts the seconds
            lab.shift(boot=70)
            w.wait_for(lambda: not lab.table("pending"), 10)
    assert lab.table("pending") == []
    assert RESET_DONE in activities(lab)
    w.wait_for(lambda: len(notices(monica)) == 1, 5)
    assert len(notices(monica)) == 1


def test_F39_nothing_but_its_outcome_ends_a_session_that_writes(lab, monica):
    with SlowWriter(lab) as writer, wire.Dialogue("monica", timeout=20) as d:
        submit(lab, d, monica)
        assert writer.arrived.wait(5)
        db = locked_database()
        d.send(wire.encode(wire.BEGIN, (wire.VERSION, 1, 2)))
        time.sleep(2.5)  # the fact of it could not be committed
        db.execute("ROLLBACK")
        db.close()
        writer.go.set()
        w.wait_for(lambda: RESET_DONE in activities(lab), 5)
    assert RESET_DONE in activities(lab)
    assert lab.table("pending") == []


def test_F7_the_first_round_leaves_a_live_write_alone(lab, monica):
    lab.restart("ssprd")
    with open("/etc/.pwd.lock", "w") as lock, wire.Dialogue("monica", timeout=30) as d:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        submit(lab, d, monica)
        time.sleep(3)
        fcntl.lockf(lock, fcntl.LOCK_UN)
        assert "Password changed" in d.receive().info
    assert w.password_is("monica", NEW)
    w.wait_for(lambda: len(notices(monica)) == 1, 5)
    assert len(notices(monica)) == 1
    assert [a for a in activities(lab) if a[0] == RESET_DONE[0]] == [RESET_DONE]


def test_F7_a_later_round_leaves_a_live_write_alone(lab, monica):
    """Something unknown keeps the outbox looking once a minute, and one of its rounds meets a write."""
    lab.shifted()
    lab.stop("ssprd")
    db = sqlite3.connect(DATABASE)
    db.execute("INSERT INTO intent (correlation, directory, object, name, mark, at, state)"
               " VALUES ('c', 'local', '4242', 'gone', 'm', strftime('%s'), 'unknown')")
    db.commit()
    db.close()
    with SlowWriter(lab) as writer:
        lab.shift(boot=-30)
        lab.start("ssprd")  # and its first round
        time.sleep(0.5)
        lab.shift()
        with wire.Dialogue("monica", timeout=20) as d:
            submit(lab, d, monica)
            assert writer.arrived.wait(5)
            lab.shift(boot=30)  # a minute after the first round, before anybody gives up
            time.sleep(2.5)
            writer.go.set()
            assert "Password changed" in d.receive().info
            w.wait_for(lambda: len(notices(monica)) == 1, 5)
    assert len(notices(monica)) == 1
    assert [a for a in activities(lab) if a[0] == RESET_DONE[0]] == [RESET_DONE]


def test_F49_unchanged_is_final(lab, monica):
    """The writer is stopped, ssprd gives it up and says so; when it goes on, nothing may be written any more."""
    lab.shifted()
    with wire.Dialogue("monica", timeout=30) as d:
        lab.gates(d, monica)
        d.answer(NEW)
        lab.daemons["ssprd-local"].kill(signal.SIGSTOP)
        try:
            d.send(wire.encode(wire.ANSWER, (wire.TEXT, NEW)))
            time.sleep(0.5)
            lab.shift(boot=45)
            time.sleep(2.5)  # the write is given up, the look-up waits
        finally:
            lab.daemons["ssprd-local"].kill(signal.SIGCONT)
        told = d.receive().info
    time.sleep(1)
    assert "Nothing was changed" in told
    assert w.password_is("monica", OLD)


def burn(name, tty, **options):
    with wire.Dialogue(name, tty=tty, **options) as d:
        for _ in range(12):
            if not d.step.asks:
                break
            d.answer("000000")
        return d.step


def test_E1_upper_case_tells_nothing(lab, monica):
    def told(first, second, tty):
        burn(first, tty)
        with wire.Dialogue(second, tty=tty) as d:
            return d.transcript

    assert told("MONICA", "monica", "/dev/tty1") == told("NOBODYX", "nobodyx", "/dev/tty2")


def test_E1_a_code_sent_to_another_spelling_tells_nothing(lab, monica):
    lab.use({"authentication-methods": {"methods": "email authenticator recovery-code"}})

    def told(first, second, tty):
        wire.Dialogue(first, tty=tty).close()
        time.sleep(0.3)
        with wire.Dialogue(second, tty=tty) as d:
            return d.transcript

    assert told("MONICA", "monica", "/dev/tty1") == told("NOBODYX", "nobodyx", "/dev/tty2")


def test_C8_the_seat_of_the_user_socket_is_its_uid(lab, monica):
    """A user without rights cannot use up the budget of a seat where others sit."""
    lab.use({"services": {"self-service": "yes"}, "limits": {"seat-failures": "6", "seat-users": "50"}})
    for n in range(4):
        burn(f"nobody{n}", "/dev/tty1", socket_name="user", uid=1001)
    with wire.Dialogue("monica", tty="/dev/tty1") as d:
        assert d.step.asks
        assert "Step 2 of 2" in d.answer(monica.app()).info


def test_D2_a_seed_that_was_moved_is_told_in_the_audit(lab, monica):
    lab.stop("ssprd")
    db = sqlite3.connect(DATABASE)
    db.execute("UPDATE authenticator SET seed = (SELECT seed FROM authenticator WHERE account ="
               " (SELECT id FROM account WHERE name = 'jana')) WHERE account = (SELECT id FROM account WHERE name = 'monica')")
    db.commit()
    db.close()
    lab.start()
    with wire.Dialogue("monica") as d:
        assert "Step 1 of 2" in d.step.info
        assert "not right" in d.answer(monica.app()).info
    assert ("Integrity of security info", "failure") in activities(lab)


@pytest.mark.parametrize("name", ["monica", "nobody-of-that-name", "root", "boss"])
def test_E1_a_scope_that_does_not_exist_strikes_all_alike(lab, name):
    lab.use({"properties": {"enabled": "selected", "group": "nosuchgroup"}})
    with wire.Dialogue(name) as d:
        assert d.step.kind == wire.END
        assert "not available" in d.step.info
