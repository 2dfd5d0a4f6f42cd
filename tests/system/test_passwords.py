# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which new passwords are taken, in real dialogues: names and common words, what was used before, and lists of stolen ones."""

import contextlib
import os
import sqlite3

import entra
import pytest
import wire
import world as w
from conftest import NEW, OLD, Screen
from test_faults import DATABASE
from test_outcomes import RESET_DONE, SlowWriter, activities, submit
from test_story import to_new_password
from test_writer import refused, sspr_uid, why, write_password

NAME, WORD, GUESSABLE = 20, 21, 22
NAMES = 41  # the tag of base/wire.h
OTHER = "Winter-discovered-63"
BANNED = "/etc/sspr/banned-words"


@pytest.fixture
def banned(lab):
    """Writes the file of words and has it used."""

    def use(text):
        w.write(BANNED, text)
        os.chmod(BANNED, 0o644)
        lab.use({"password": {"banned-words": BANNED}})

    yield use
    with contextlib.suppress(FileNotFoundError):
        os.unlink(BANNED)


def refusals(lab):
    return [row["reason"] for row in lab.audit() if "breaks a rule" in row["reason"]]


def forget_pam_history():
    """pam_pwhistory has a list of its own, which is not what is asked about here."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink("/etc/security/opasswd")


def test_W5_E6_names_and_common_words_at_the_prompt(lab, monica):
    w.run("usermod", "-c", "Monica Toso-Berg", "monica")
    with Screen() as s:
        to_new_password(s, monica)
        for bad, said in (("P@ssw0rd123", "Too easy to guess"), ("A-t0s0-under-a-tree", "must not contain your name"),
                          ("Iceberg-iceberg", "must not contain your name"), ("Summer26", "Too easy to guess")):
            s.types(bad)
            s.sees(said)
            s.sees("New password: ")
        s.types(NEW)
        s.sees("again: ")
        s.types(NEW)
        s.sees("Password changed")
    assert w.password_is("monica", NEW)
    assert len(refusals(lab)) == 4


def test_the_rules_are_told_before_typing(lab, monica):
    with wire.Dialogue("monica") as d:
        step = lab.gates(d, monica)
        assert step.info == "Choose a new password: at least 8 characters, not your name, no common word, not one used before."


def test_W5_the_writer_judges_for_itself(lab, banned):
    w.run("usermod", "-c", "Monica Toso", "monica")
    banned("# ours\nnorthwind\n")
    lab.use({"password": {"banned-words": BANNED, "organisation": "Fabrikam"}})
    for password, reason in (("P@ssw0rd123", GUESSABLE), ("N0rthWind77!", GUESSABLE), ("A-t0s0-under-a-tree", NAME),
                             ("Under-the-fabrikam", WORD)):
        answer = write_password("monica", 1000, password)
        assert refused(answer) and why(answer) == reason, password
        assert w.password_is("monica", OLD)


def test_words_of_a_file_are_points(lab, monica, banned):
    banned("contoso\nblank\n")
    with wire.Dialogue("monica") as d:
        lab.gates(d, monica)
        assert "easy to guess" in d.answer("C0ntos0Blank12").info
        assert d.answer("ContoS0Bl@nkf9!").prompt == "New password again: "


def test_a_wrong_word_is_a_mistake_with_file_and_line(lab, banned):
    w.write(BANNED, "contoso\nabc\n")
    os.chmod(BANNED, 0o644)
    lab.configure({"password": {"banned-words": BANNED}})
    checked = w.run("ssprctl", "check", check=False)
    assert f"{BANNED}:2: must be a term of 4 to 16 characters" in checked.stdout + checked.stderr
    lab.configure()


def test_W5_a_reset_cannot_bring_back_a_password(lab, monica):
    assert lab.reset("monica", NEW).result == "done"
    assert lab.reset("monica", OTHER).result == "done"
    forget_pam_history()
    log = lab.daemons["ssprd-local"].log()
    with wire.Dialogue("monica") as d:
        step = lab.gates(d, monica, NEW)
        assert step.prompt == "New password: " and "used this password before" in step.info
        assert lab.daemons["ssprd-local"].log().count("unchanged") == log.count("unchanged"), "it went to the writer"
        # Without a new proof.
        assert d.answer("Summer-invented-85").prompt == "New password again: "
        assert d.answer("Summer-invented-85").result == "done"
    assert w.password_is("monica", "Summer-invented-85")
    assert len([r for r in refusals(lab) if "used-before" in r]) == 1
    assert lab.table("pending") == []
    forget_pam_history()
    lab.use({"password": {"history": "0"}})
    assert lab.reset("monica", NEW).result == "done", "only the history can have refused it"


def test_what_was_refused_is_not_of_the_history(lab, monica):
    with wire.Dialogue("monica") as d:
        step = lab.gates(d, monica, OLD)
        assert step.prompt == "New password: ", "the writer knows the present password"
        d.answer(NEW)
        assert d.answer(NEW).result == "done"
    with sqlite3.connect(DATABASE) as db:
        assert db.execute("SELECT count(*) FROM history").fetchone() == (1,)
        assert db.execute("SELECT count(*) FROM intent WHERE hash IS NOT NULL").fetchone() == (0,)
    with open(DATABASE, "rb") as f:
        assert NEW.encode() not in f.read()


def test_W5_F7_an_outcome_found_after_a_restart_is_of_the_history(lab, monica):
    with SlowWriter(lab) as writer:
        with wire.Dialogue("monica", timeout=20) as d:
            submit(lab, d, monica)
            assert writer.arrived.wait(5)
            lab.daemons["ssprd"].kill()
            writer.go.set()
        w.wait_for(lambda: RESET_DONE in activities(lab), 20)
        assert RESET_DONE in activities(lab) and writer.resets == 1
        with wire.Dialogue("monica", tty="/dev/tty9") as d:
            assert "used this password before" in lab.gates(d, monica, NEW).info
        assert writer.resets == 1, "it went to the writer"


@pytest.mark.parametrize("unreachable", ["refuse", "allow"])
def test_lists_of_stolen_passwords_that_cannot_be_asked(lab, monica, unreachable):
    lab.use({"password": {"breached": "refuse", "breached-url": "https://localhost:1/range/", "breached-unreachable": unreachable}})
    with wire.Dialogue("monica") as d:
        lab.gates(d, monica)
        step = d.answer(NEW)
        if unreachable == "refuse":
            assert step.prompt == "New password: " and "cannot be asked now" in step.info
        else:
            assert step.prompt == "New password again: "
            assert d.answer(NEW).result == "done"
    assert w.password_is("monica", NEW if unreachable == "allow" else OLD)


def ask_tenant(kind, object_id="", name="MonicaT@contoso.lab", *fields):
    return wire.job("net", sspr_uid(), (wire.JOB_KIND, kind, 1), *wire.account(object_id, name, directory="contoso"),
                    (wire.GROUP, "SSPRTesters"), *fields)


def test_W5_E6_the_writer_for_a_tenant_judges_by_the_names_that_it_reads(cloud):
    tenant = cloud.contoso
    found = ask_tenant(wire.LOOKUP)
    assert found[NAMES] == b"Monica Thompson Monica Thompson"
    for password, reason in (("A-th0mps0n-tree-77", NAME), ("My-C0nt0s0-tree-77", WORD), ("P@ssw0rd123", GUESSABLE)):
        answer = ask_tenant(wire.RESET, found[wire.OBJECT], "MonicaT@contoso.lab", (wire.SECRET, password))
        assert refused(answer) and why(answer) == reason, password
        assert tenant.password_is("MonicaT", entra.OLD)
    answer = ask_tenant(wire.RESET, found[wire.OBJECT], "MonicaT@contoso.lab", (wire.SECRET, NEW))
    assert answer[wire.OUTCOME][0] == wire.JOB_DONE
    assert tenant.password_is("MonicaT", NEW)
