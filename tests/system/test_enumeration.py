# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a stranger at the prompt learns about accounts: rows E of the threat model."""

import statistics
import time

import pytest

import wire
import world as w

KINDS = {
    "unknown": "nobody-of-that-name",
    "unregistered": "pavel",
    "privileged": "boss",
    "locked": "locked",
    "without a shell": "noshell",
    "root": "root",
    "system": "daemon",
}
MANY = {"limits": {"account-failures": "100", "gate-failures": "100", "seat-failures": "10000", "seat-users": "1000",
                   "global-failures": "10000", "code-tries": "5"}}


def wrong_to_the_end(name, tty):
    """All that the screen would show from the keyword to the last wrong code."""
    with wire.Dialogue(name, tty=tty) as d:
        for _ in range(12):
            if not d.step.asks:
                break
            d.answer("000000")
        assert d.step.kind == wire.END
        return d.transcript


@pytest.mark.parametrize("kind", KINDS)
def test_E1_same_screen_for_every_account(lab, kind):
    known = wrong_to_the_end("monica", "/dev/tty1")
    other = wrong_to_the_end(KINDS[kind], "/dev/tty2")
    assert other == known
    # and again, now that both are blocked
    assert wrong_to_the_end(KINDS[kind], "/dev/tty3") == wrong_to_the_end("monica", "/dev/tty4")


@pytest.mark.parametrize("kind", KINDS)
def test_E1_same_screen_at_the_first_hint(lab, kind):
    def told(name, tty):
        with wire.Dialogue(name, reason=wire.FAILED, tty=tty) as d:
            return d.transcript

    assert told("monica", "/dev/tty1") == told(KINDS[kind], "/dev/tty2")


def test_E1_same_time_for_every_account(lab):
    lab.use(MANY)

    def one(name, tty):
        start = time.monotonic()
        with wire.Dialogue(name, tty=tty) as d:
            d.answer("000000")
        return (time.monotonic() - start) * 1000

    names = ["monica", *KINDS.values()]
    times = {name: [] for name in names}
    for i in range(60):
        for name in names:
            times[name].append(one(name, f"/dev/tty{i}"))
    medians = {name: statistics.median(t) for name, t in times.items()}
    assert max(medians.values()) - min(medians.values()) < 20, medians


def test_E2_methods_come_from_the_policy_alone(lab, monica):
    """pavel has nothing, monica everything, and the menu is one."""
    seen = []
    for name, tty in (("monica", "/dev/tty1"), ("pavel", "/dev/tty2"), ("nobody-of-that-name", "/dev/tty3")):
        with wire.Dialogue(name, tty=tty) as d:
            told = d.answer("").text + d.answer("2").text
            seen.append(d.transcript)
            assert "lab" not in told and "Authenticator" in told
    assert seen[0] == seen[1] == seen[2]


@pytest.mark.parametrize("name", ["boss", "locked", "noshell"])
def test_E3_right_codes_do_not_open_a_decoy(lab, name):
    person = lab.people[name]
    with wire.Dialogue(name) as d:
        step = d.answer(person.app())
        assert step.info.startswith("That code is not right.") and step.prompt == "Code: "
    with wire.Dialogue(name, tty="/dev/tty2") as d:
        lab.choose(d, 3)
        step = d.answer(person.codes[0])
        assert "Step 2" not in step.info and not step.prompt.startswith("New")
    assert not person.mails()


def test_E3_a_decoy_counts_and_blocks(lab):
    for i in range(3):
        wrong_to_the_end("boss", f"/dev/tty{i}")
    with wire.Dialogue("boss", tty="/dev/tty9") as d:
        if d.step.asks:
            d.answer("000000")
        assert d.step.kind == wire.END and "Too many tries" in d.step.text


def test_the_truth_when_the_policy_says_so(lab):
    lab.use({"privacy": {"hide-account-state": "no"}})
    with wire.Dialogue("pavel") as d:
        assert d.step.kind == wire.END and "not registered" in d.step.text
    with wire.Dialogue("boss") as d:
        assert d.step.kind == wire.END and "cannot be reset" in d.step.text


def test_E5_files_are_closed_to_others(lab):
    import os
    import stat

    for folder, _, files in os.walk(w.STATE):
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        for name in files:
            assert stat.S_IMODE(os.stat(f"{folder}/{name}").st_mode) & 0o077 == 0, name
    for daemon in lab.daemons.values():
        assert "monica" not in w.read(f"/proc/{daemon.pid}/cmdline")
