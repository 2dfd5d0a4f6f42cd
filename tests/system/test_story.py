# SPDX-License-Identifier: LGPL-2.1-or-later
"""The main job: a forgotten password, reset and signed in with, at a real login prompt."""

import re

import world as w
from conftest import NEW, OLD, WRONG, Screen, signs_in


def to_new_password(s, person):
    s.signs_in(person.name, "forgot")
    s.sees("Reset your password. Step 1 of 2: code from your authenticator app.")
    s.sees("Code: ")
    s.types(person.app())
    s.sees("Step 2 of 2: we sent a code to your e-mail.")
    s.sees("Code: ")
    s.types(person.mailed())
    s.sees("New password: ")


def test_forgotten_password_is_reset_and_signs_in(lab, monica):
    before = {name: w.shadow(name) for name in ("pavel", "jana", "root")}
    with Screen() as s:
        to_new_password(s, monica)
        s.types(NEW)
        s.sees("New password again: ")
        s.types(NEW)
        s.sees("Password changed. Sign in with your new password.")
        s.sees("login: ")
    assert not signs_in("monica", OLD)
    assert signs_in("monica", NEW)
    assert {name: w.shadow(name) for name in before} == before


def test_P3_reset_does_not_sign_in(lab, monica):
    with Screen() as s:
        to_new_password(s, monica)
        s.types(NEW)
        s.sees("again: ")
        s.types(NEW)
        s.sees("Password changed")
        assert s.sees("login: ", r"\$ ") == 0
        s.types("monica")
        s.sees("Password: ")
        s.types(NEW)
        s.sees(r"\$ ")


def test_new_password_is_not_shown(lab, monica):
    with Screen() as s:
        to_new_password(s, monica)
        s.types(NEW)
        s.sees("again: ")
        assert NEW not in s.shown
        s.types(NEW)
        s.sees("Password changed")
        assert NEW not in s.shown


def test_two_different_new_passwords_are_asked_again(lab, monica):
    with Screen() as s:
        to_new_password(s, monica)
        s.types(NEW)
        s.sees("again: ")
        s.types(NEW + "x")
        s.sees("New password: ")
        s.types(NEW)
        s.sees("again: ")
        s.types(NEW)
        s.sees("Password changed")
    assert w.password_is("monica", NEW)


def test_recovery_code_instead_of_the_authenticator(lab, monica):
    with Screen() as s:
        s.signs_in("monica", "forgot")
        s.sees("Code: ")
        s.types("")
        s.sees("1 Authenticator code  2 E-mail code  3 Recovery code")
        s.sees("Number .*: ")
        s.types("3")
        s.sees("Code: |[Rr]ecovery.*: ")
        s.types(monica.codes[0])
        s.sees("Step 2 of 2")
        s.sees("Code: ")
        s.types(monica.app())
        s.sees("New password: ")
        s.types(NEW)
        s.sees("again: ")
        s.types(NEW)
        s.sees("Password changed")
    assert w.password_is("monica", NEW)


def test_wrong_password_shows_the_hint_and_the_third_asks(lab, monica):
    with Screen() as s:
        for _ in range(2):
            s.signs_in("monica", WRONG)
            s.sees('Forgot your password\\? Type "forgot" as the password to reset it.')
            s.sees("Login incorrect")
        s.signs_in("monica", WRONG)
        s.sees(r"Forgot your password\? Type (\d+) to reset it, or press Enter.")
        number = s.c.match.group(1)
        s.sees("Number: ")
        s.types(number)
        s.sees("Step 1 of 2")


def test_the_number_differs_each_time(lab, monica):
    numbers = set()
    for _ in range(3):
        with Screen() as s:
            for _ in range(3):
                s.signs_in("monica", WRONG)
                if s.sees(r"Type (\d+) to reset", "Login incorrect") == 0:
                    numbers.add(s.c.match.group(1))
                    s.types("")
                    s.sees("Login incorrect")
    assert len(numbers) > 1


def test_a_right_password_is_not_disturbed(lab, monica):
    with Screen() as s:
        s.signs_in("monica", OLD)
        s.sees(r"\$ ")
        assert not re.search("orgot|reset", s.shown)
    assert not lab.audit("--user", "monica") or "start" not in str(lab.audit("--user", "monica")[-1]).lower()


def test_too_many_wrong_codes_end_the_branch(lab, monica):
    with Screen() as s:
        s.signs_in("monica", "forgot")
        s.sees("Code: ")
        for _ in range(20):
            s.types("000000")
            if s.sees("That code is not right.", "Too many tries"):
                break
            s.sees("Code: ")
        else:
            raise AssertionError("no limit")
        s.sees("login: ", "Login incorrect")
    assert w.password_is("monica", OLD)
