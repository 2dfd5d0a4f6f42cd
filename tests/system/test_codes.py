# SPDX-License-Identifier: LGPL-2.1-or-later
"""Codes and counters: rows C of the threat model."""

import glob
import os
import subprocess
import threading
import time

import pytest

import wire
import world as w
from conftest import OLD

WRONG = "000000"
NOT_RIGHT = "That code is not right."


def says_no(step):
    """Neither a next gate nor the new password."""
    return "Step 2" not in step.info and not step.prompt.startswith("New password")


def fail(name="monica", times=1, tty="/dev/tty7"):
    """That many wrong codes, each in a dialogue of its own; the last step."""
    for i in range(times):
        with wire.Dialogue(name, tty=tty) as d:
            if not d.step.asks:
                return d.step
            d.answer(WRONG)
    return d.step


def test_C1_code_of_another_session(lab, monica):
    with wire.Dialogue("monica", tty="/dev/tty1") as a, wire.Dialogue("monica", tty="/dev/tty2") as b:
        lab.choose(a, 2)
        first = monica.mailed()
        lab.choose(b, 2)
        second = monica.mailed(at_least=2)
        assert first != second
        assert says_no(b.answer(first))
        assert not says_no(b.answer(second))


def test_C2_authenticator_code_twice(lab, monica):
    code = monica.app()
    with wire.Dialogue("monica", tty="/dev/tty1") as d:
        assert not says_no(d.answer(code))
    with wire.Dialogue("monica", tty="/dev/tty2") as d:
        assert says_no(d.answer(code))
    lab.restart("ssprd")
    with wire.Dialogue("monica", tty="/dev/tty3") as d:
        assert says_no(d.answer(code))


def test_C2_authenticator_code_of_an_older_step(lab, monica):
    """A step that was passed over is as used as the one that came after it."""
    older, newer = monica.app(), monica.app()
    with wire.Dialogue("monica", tty="/dev/tty1") as d:
        assert not says_no(d.answer(newer))
    with wire.Dialogue("monica", tty="/dev/tty2") as d:
        assert says_no(d.answer(older))


def test_C2_authenticator_code_after_the_clock_was_set_back(lab, monica):
    lab.shifted()
    code = monica.app()
    with wire.Dialogue("monica", tty="/dev/tty1") as d:
        assert not says_no(d.answer(code))
    lab.shift(wall=-3600)
    for i, shown in enumerate((code, w.totp(monica.uri, time.time() - 3600))):
        with wire.Dialogue("monica", tty=f"/dev/tty{i + 2}") as d:
            assert says_no(d.answer(shown) if d.step.asks else d.step)


def test_C3_parallel_guesses(lab, monica):
    """As many verifications as the limit, however many ask at once."""
    guesses = 40
    dialogues = [wire.Dialogue("monica", tty=f"/dev/tty{i}") for i in range(guesses)]
    go, answers = threading.Barrier(guesses), []

    def guess(d):
        go.wait()
        try:
            answers.append(d.answer(WRONG))
        except wire.Gone:
            pass

    threads = [threading.Thread(target=guess, args=(d,)) for d in dialogues]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    verified = sum(a.info.startswith(NOT_RIGHT) for a in answers)
    assert 1 <= verified <= 5, f"{verified} of {len(answers)}"
    with wire.Dialogue("monica", tty="/dev/pts/1") as d:
        assert says_no(d.answer(monica.app()) if d.step.asks else d.step)
    for d in dialogues:
        d.close()


def test_C4_new_sessions_do_not_reset_the_counter(lab, monica):
    fail(times=5)
    with wire.Dialogue("monica", tty="/dev/tty2") as d:
        assert says_no(d.answer(monica.app()) if d.step.asks else d.step)


def test_C4_counter_survives_success_of_the_first_gate(lab, monica):
    fail(times=4)
    with wire.Dialogue("monica", tty="/dev/tty2") as d:
        assert not says_no(d.answer(monica.app()))
        step = d.answer("00000000")
        assert says_no(step)
    with wire.Dialogue("monica", tty="/dev/tty3") as d:
        assert says_no(d.answer(monica.app()) if d.step.asks else d.step)


def test_C4_an_operator_lifts_the_block(lab, monica):
    fail(times=5)
    lab.ctl("user", "unlock", "monica")
    assert lab.reset().result == "done"


def test_C4_resend_does_not_reset_the_counter(lab, monica):
    with wire.Dialogue("monica") as d:
        lab.choose(d, 2)
        for sent in range(1, 9):
            monica.mailed(at_least=min(sent, 3))
            step = d.answer("00000000")
            if not step.asks:
                break
            step = d.answer("")
            if step.prompt.startswith("Number"):
                step = d.answer("2")
            if not step.asks:
                break
    assert len(monica.mails()) <= 3
    assert w.password_is("monica", OLD)


def test_C5_a_guess_that_was_answered_is_counted_after_a_kill(lab, monica):
    for i in range(5):
        with wire.Dialogue("monica", tty=f"/dev/tty{i}") as d:
            if not d.step.asks:
                break
            d.answer(WRONG)
            lab.daemons["ssprd"].crash()
    with wire.Dialogue("monica", tty="/dev/tty9") as d:
        assert says_no(d.answer(monica.app()) if d.step.asks else d.step)


def test_C7_other_spellings_have_no_tries_of_their_own(lab, monica):
    """A second name of the same uid, other case, a domain: none passes, whatever the code."""
    w.write("/etc/passwd", w.read("/etc/passwd") + "monique:x:1000:1000::/home/monica:/bin/bash\n")
    w.write("/etc/shadow", w.read("/etc/shadow") + "monique:" + w.shadow("monica").split(":", 1)[1], 0o640)
    code = monica.app()
    for i, name in enumerate(["MONICA", "Monica", "monica@lab", "monique"]):
        with wire.Dialogue(name, tty=f"/dev/tty{i}") as d:
            assert says_no(d.answer(code)), name


def test_C8_seat_budget_of_users(lab, monica):
    for i in range(5):
        fail(f"name{i}", tty="/dev/tty1")
    with wire.Dialogue("monica", tty="/dev/tty1") as d:
        assert says_no(d.answer(monica.app()) if d.step.asks else d.step)
    with wire.Dialogue("monica", tty="/dev/tty2") as d:
        assert not says_no(d.answer(monica.app()))


def test_C8_seat_budget_of_failures(lab, monica):
    lab.use({"limits": {"seat-failures": "6"}})
    for name in ("jana", "pavel"):
        fail(name, times=4, tty="/dev/tty1")
    with wire.Dialogue("monica", tty="/dev/tty1") as d:
        assert says_no(d.answer(monica.app()) if d.step.asks else d.step)
    with wire.Dialogue("monica", tty="/dev/tty2") as d:
        assert not says_no(d.answer(monica.app()))


def test_C8_global_budget(lab, monica):
    lab.use({"limits": {"global-failures": "10"}})
    for i in range(11):
        fail(f"name{i}", tty=f"/dev/tty{i}")
    with wire.Dialogue("monica", tty="/dev/pts/1") as d:
        assert says_no(d.answer(monica.app()) if d.step.asks else d.step)


def test_C9_codes_expire_by_time_since_boot(lab, monica):
    lab.shifted()
    with wire.Dialogue("monica") as d:
        lab.choose(d, 2)
        code = monica.mailed()
        lab.shift(wall=-7200, boot=301)
        assert says_no(d.answer(code))


def test_C9_a_block_does_not_end_early(lab, monica):
    """Neither a clock set back nor one set forward in this boot shortens it."""
    lab.shifted()
    fail(times=5)
    for i, shift in enumerate(({"wall": -86400}, {"wall": 25 * 3600, "boot": 60}, {"wall": 3600, "boot": 3600})):
        lab.shift(**shift)
        with wire.Dialogue("monica", tty=f"/dev/tty{i}") as d:
            assert says_no(d.answer(w.totp(monica.uri, time.time() + shift["wall"])) if d.step.asks else d.step), shift


def test_C9_a_block_ends(lab, monica):
    lab.shifted()
    fail(times=5)
    lab.shift(wall=25 * 3600, boot=25 * 3600)
    with wire.Dialogue("monica") as d:
        assert not says_no(d.answer(w.totp(monica.uri, time.time() + 25 * 3600)))


@pytest.mark.parametrize("section,key", [
    ("limits", "account-failures"), ("limits", "gate-failures"), ("limits", "seat-failures"), ("limits", "global-failures"),
    ("limits", "code-lifetime"), ("limits", "code-tries"), ("limits", "dialogue"), ("limits", "block"),
    ("password", "min-length"), ("authentication-methods", "required"),
])
@pytest.mark.parametrize("value", ["0", "-1", "99999999999999999999", "many", ""])
def test_C10_nothing_is_unlimited(lab, section, key, value):
    lab.configure({section: {key: value}})
    done = subprocess.run([f"{w.LIBEXEC}/ssprd", "--config", w.CONFIG], capture_output=True, text=True, timeout=5, stdin=subprocess.DEVNULL)
    assert done.returncode == 78
    line = next(i for i, text in enumerate(w.read(w.CONFIG).splitlines(), 1) if text.startswith(f"{key} ="))
    assert f"{w.CONFIG}:{line}" in done.stderr and key in done.stderr
    check = lab.ctl("check", check=False)
    assert check.returncode != 0 and f"{w.CONFIG}:{line}" in check.stdout + check.stderr


@pytest.mark.parametrize("text,word", [
    ("[properties]\nenabled = al\n", "enabled"),
    ("[properties]\nenabled = selected\n", "group"),
    ("[nonsense]\nx = 1\n", "nonsense"),
    ("[limits]\nspeed = 4\n", "speed"),
    ("[authentication-methods]\nmethods = email\nrequired = 2\n", "required"),
    ("[authentication-methods]\nmethods = telepathy\n", "telepathy"),
    ("[mail]\nserver = http://mail.lab\n", "server"),
    ("enabled = all\n", ":1"),
])
def test_C10_bad_policy_is_named(lab, text, word):
    lab.configure(text=text)
    done = subprocess.run([f"{w.LIBEXEC}/ssprd", "--config", w.CONFIG], capture_output=True, text=True, timeout=5, stdin=subprocess.DEVNULL)
    assert done.returncode == 78 and word in done.stderr and w.CONFIG in done.stderr


def test_C10_a_group_that_does_not_exist_is_nobody(lab, monica):
    lab.use({"properties": {"enabled": "selected", "group": "no-such-group"}})
    with wire.Dialogue("monica") as d:
        assert says_no(d.answer(monica.app()) if d.step.asks else d.step)


def test_scope_group(lab, monica):
    w.run("groupadd", "resetters")
    w.run("usermod", "-aG", "resetters", "monica")
    lab.use({"properties": {"enabled": "selected", "group": "resetters"}})
    with wire.Dialogue("jana", tty="/dev/tty1") as d:
        assert says_no(d.answer(lab.people["jana"].app()))
    assert lab.reset().result == "done"


def test_enabled_none_is_silence(lab, monica):
    lab.use({"properties": {"enabled": "none"}})
    with wire.Dialogue("monica") as d:
        assert d.step.kind == wire.END and not monica.mails()


def state_bytes():
    found = b""
    for path in glob.glob(f"{w.STATE}/**", recursive=True):
        if os.path.isfile(path):
            with open(path, "rb") as f:
                found += f.read()
    return found


def test_C13_live_codes_are_not_in_the_database(lab, monica):
    with wire.Dialogue("monica") as d:
        lab.choose(d, 2)
        code = monica.mailed()
        everything = state_bytes()
    assert len(everything) > 4096
    assert code.encode() not in everything


def test_D1_seeds_and_recovery_codes_are_sealed(lab, monica):
    import base64
    import urllib.parse

    secret = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(monica.uri).query))["secret"]
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    everything = state_bytes()
    for plain in (secret.encode(), key, key.hex().encode(), monica.codes[0].encode(), monica.codes[0].replace("-", "").encode()):
        assert plain not in everything


def test_C15_recovery_code_once(lab, monica):
    def try_it(tty):
        with wire.Dialogue("monica", tty=tty) as d:
            lab.choose(d, 3)
            return d.answer(monica.codes[0])

    assert not says_no(try_it("/dev/tty1"))
    assert says_no(try_it("/dev/tty2"))
    lab.restart("ssprd")
    assert says_no(try_it("/dev/tty3"))


def test_C15_recovery_code_as_typed_by_hand(lab, monica):
    """Small letters, blanks and dashes do not matter; the code does."""
    typed = monica.codes[1].replace("-", "").lower()
    with wire.Dialogue("monica") as d:
        lab.choose(d, 3)
        assert not says_no(d.answer(typed))


def test_C15_recovery_codes_are_long(lab, monica):
    assert len(set(monica.codes)) == len(monica.codes) >= 5
    assert all(len(c.replace("-", "").replace(" ", "")) >= 16 for c in monica.codes)


def test_new_recovery_codes_replace_the_old(lab, monica):
    fresh = lab.enrol_recovery_codes("monica")
    with wire.Dialogue("monica") as d:
        lab.choose(d, 3)
        assert says_no(d.answer(monica.codes[0]))
        assert not says_no(d.answer(fresh[0]))


def test_M2_sends_are_limited(lab, monica):
    with wire.Dialogue("monica") as d:
        step = lab.choose(d, 2)
        for _ in range(6):
            step = d.answer("") if step.asks else step
            if step.prompt.startswith("Number"):
                step = d.answer("2")
    time.sleep(0.5)
    assert len(monica.mails()) <= 3
