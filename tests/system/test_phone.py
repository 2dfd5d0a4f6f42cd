# SPDX-License-Identifier: LGPL-2.1-or-later
"""Codes to phones, with everything real but the carrier: M1, M2, E1, E2, E4, C11, H1, F36, F37."""

import os
import re
import statistics
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../writer"))

import carriers as c  # noqa: E402
import entra  # noqa: E402
import wire  # noqa: E402
import world as w  # noqa: E402
from conftest import NEW, OLD  # noqa: E402

HOST, NUMBER, OTHER = "carrier.lab", "+491701234567", "+491701234568"
ON_ITS_WAY = "If that is the number we know, a code is on its way."
CA = "/etc/sspr/carrier-ca.pem"
LIMITS = {"account-failures": "100", "gate-failures": "100", "seat-failures": "10000", "seat-users": "1000", "global-failures": "10000",
          "sends": "100", "sends-per-day": "1000", "sms-per-day": "10000"}


@pytest.fixture
def carriers(lab, tmp_path):
    """The carrier, and the world's policy and credentials for it."""
    entra.name_hosts(HOST)
    one = c.Carriers(tmp_path, host=HOST)
    w.write(CA, w.read(one.ca))
    for section in ("sms", "voice"):
        lab.credentials.setdefault("ssprd-net", {})[f"sspr-{section}-secret"] = c.SECRET.encode()
    lab.make_credentials()
    yield one
    one.stop()
    lab.credentials.clear()


def policy(carrier, methods="sms authenticator recovery-code", **more):
    of = {"provider": "twilio", "account": c.ACCOUNT, "user": c.KEY, "from": "+14255550199", "endpoint": carrier.endpoint, "ca-file": CA}
    return {"authentication-methods": {"methods": methods}, "sms": of, "voice": of, "phone": {"countries": "+49 +1"}, **more}


def came(carrier, number=NUMBER, n=1):
    assert w.wait_for(lambda: len(carrier.of(number)) >= n, 5), f"no message to {number}"
    return carrier.of(number)[-1]


def use(lab, carrier, methods="sms authenticator recovery-code", number=NUMBER, **more):
    lab.use(policy(carrier, methods, **more))
    if number:
        lab.ctl("user", "enrol", "monica", "--mobile", number)


def test_a_whole_dialogue_by_text_message(lab, monica, carriers):
    use(lab, carriers)
    with wire.Dialogue("monica") as d:
        assert d.step.prompt == "Mobile number: " and "whole mobile number" in d.step.info
        step = d.answer("0049 (170) 123-4567")
        assert (step.info, step.prompt) == (ON_ITS_WAY, "Code: ")
        message = came(carriers)
        assert message.text == f"Password reset at lab: code {message.code}. Nobody from IT will ask for it."
        step = d.answer(message.code)
        assert step.info.startswith("Step 2 of 2: code from your authenticator"), step
        step = d.answer(monica.app())
        assert step.prompt == "New password: ", step
        d.answer(NEW)
        assert d.answer(NEW).result == "done"
    assert w.password_is("monica", NEW) and not carriers.violations
    told = lab.logs()
    assert NUMBER not in told and message.code not in told and c.SECRET not in told and "+49...67" in told
    rows = [(r["activity"], r["method"], r["result"]) for r in lab.audit("--user", "monica")]
    assert any(method == "sms" and result == "success" for _, method, result in rows)
    assert NUMBER not in str(lab.audit())


def test_a_call_in_the_users_language(lab, monica, carriers):
    use(lab, carriers, "voice office authenticator recovery-code")
    lab.ctl("user", "enrol", "monica", "--office", "+49 30 1234567")
    with wire.Dialogue("monica", lang="de_DE.UTF-8") as d:
        step = lab.choose(d, 2)
        assert step.prompt == "Office number: "
        d.answer("+49301234567")
        message = came(carriers, "+49301234567")
        assert message.channel == "voice" and message.text.startswith("Ihr Code")
        assert "Step 2 of 2" in d.answer(message.code).info
    assert "de-DE" in carriers.requests[0].form()["Twiml"]


def test_a_code_proves_only_what_it_was_sent_by(lab, monica, carriers):
    """With no more codes to be sent, the last one of the mail is not one of the phone."""
    use(lab, carriers, "email sms authenticator")
    with wire.Dialogue("monica") as d:
        for sent in (1, 2):
            monica.mailed(at_least=sent)
            lab.choose(d, 1)
        code = monica.mailed(at_least=3)
        assert lab.choose(d, 2).info.startswith("No more codes")
        assert "not right" in d.answer(code).info
        assert lab.choose(d, 1).info.endswith("Enter the last one.")
        d.answer(code)
        assert d.answer("").info == "1 Text message  2 Authenticator code", "of the mail it was the right one"


def test_one_phone_counts_once(lab, monica, carriers):
    use(lab, carriers, "sms voice authenticator recovery-code")
    with wire.Dialogue("monica") as d:
        d.answer(NUMBER)
        step = d.answer(came(carriers).code)
        assert "authenticator" in step.info
        assert d.answer("").info == "1 Authenticator code  2 Recovery code"
    # Whoever has only a phone, in whatever number of ways, is not registered enough.
    lab.use(policy(carriers, "sms voice recovery-code"))
    lab.ctl("user", "add", "pavel")
    lab.ctl("user", "enrol", "pavel", "--mobile", OTHER)
    assert "1 of the policy's methods are registered, 2 needed" in lab.ctl("user", "check", "pavel", check=False).stdout


def test_an_entra_user_whose_number_is_in_the_tenant_alone(lab, carriers):
    service = entra.start(login=("login.lab", 8445), graph=("graph.lab", 8446))  # beside the one of all other tests
    try:
        entra.trust(service)
        changes = policy(carriers, "sms email", **entra.policy(service))
        entra.credentials(lab, "contoso", entra.certificate(entra.application(service.tenant)))
        lab.use(changes)
        entra.forget_token()
        with wire.Dialogue("monicat", timeout=20) as d:
            assert d.step.prompt == "Mobile number: "
            assert d.answer("+1 (425) 555-0101").info == ON_ITS_WAY
            message = came(carriers, "+14255550101")
            step = d.answer(message.code)
            assert "Step 2 of 2" in step.info, step
            mail = w.wait_for(lambda: [m for m in w.mails() if w.mail_code(m)], 5)
            step = d.answer(w.mail_code(mail[-1]))
            assert step.prompt == "New password: ", step
            d.answer("Brand-New-77x")
            assert d.answer("Brand-New-77x").result == "done"
        assert service.tenant.password_is("MonicaT", "Brand-New-77x")
        assert not carriers.violations
    finally:
        service.stop()
        entra.forget_token()


# -- what a stranger learns


def walk(name, tty, number, codes=("00000000", "11111111")):
    with wire.Dialogue(name, tty=tty) as d:
        d.answer(number)
        for code in codes:
            if d.step.asks:
                d.answer(code)
        return d.transcript


KINDS = {"no such account": "nobody-of-that-name", "not registered": "pavel", "privileged": "boss", "locked": "locked", "root": "root"}


@pytest.mark.parametrize("kind", KINDS)
def test_E1_same_screen_for_a_decoy_and_for_another_number(lab, carriers, kind):
    use(lab, carriers)
    lab.ctl("user", "enrol", "jana", "--mobile", "+491701234569")
    right, wrong = walk("monica", "/dev/tty1", NUMBER), walk("jana", "/dev/tty2", OTHER)
    decoy = walk(KINDS[kind], "/dev/tty3", NUMBER)
    assert right == wrong == decoy
    came(carriers)
    time.sleep(0.3)
    assert len(carriers.messages) == 1, "only the right number of a real account was sent to"


@pytest.mark.parametrize("name,number", [("monica", NUMBER), ("monica", OTHER), ("nobody-of-that-name", NUMBER)])
def test_E1_same_number_of_tries_whether_or_not_the_number_was_right(lab, carriers, name, number):
    """The number is one of five, its code's wrong guesses are the others."""
    use(lab, carriers)
    with wire.Dialogue(name) as d:
        d.answer(number)
        tries = 0
        while d.step.asks:
            d.answer("00000000")
            tries += 1
    assert tries == 4 and "Too many tries" in d.step.info


def test_five_numbers_and_no_more(lab, carriers):
    """Entra: validating a phone number, 5 in 1 hour. The fifth is not even sent to when it is the right one."""
    use(lab, carriers, limits={"account-failures": "100"})
    with wire.Dialogue("monica") as d:
        for i in range(3):
            assert d.answer(OTHER).info == ON_ITS_WAY
            lab.choose(d, 1)
    with wire.Dialogue("monica", tty="/dev/tty2") as d:
        assert d.answer(OTHER).info == ON_ITS_WAY
        lab.choose(d, 1)
        step = d.answer(NUMBER)
        assert step.kind == wire.END and "Too many tries" in step.info
    assert not carriers.messages


def test_E4_same_time_for_every_number(lab, carriers):
    use(lab, carriers, limits=LIMITS)
    carriers.faults = [c.slow(2)] * 1000

    def one(name, number, tty):
        with wire.Dialogue(name, tty=tty) as d:
            start = time.monotonic()
            d.answer(number)
            return (time.monotonic() - start) * 1000

    cases = {"right": ("monica", NUMBER), "wrong": ("jana", OTHER), "nobody": ("nobody-of-that-name", NUMBER), "boss": ("boss", NUMBER)}
    times = {kind: [one(*case, f"/dev/tty{i}") for i in range(25)] for kind, case in cases.items()}
    medians = {kind: statistics.median(t) for kind, t in times.items()}
    assert max(medians.values()) - min(medians.values()) < 20, medians
    assert max(medians.values()) < 1000, "nobody waits for the carrier"


def test_E3_no_code_opens_a_decoy_and_none_a_wrong_number(lab, carriers):
    use(lab, carriers)
    with wire.Dialogue("monica") as right:
        right.answer(NUMBER)
        code = came(carriers).code
        for name, number, tty in (("jana", OTHER, "/dev/tty2"), ("boss", NUMBER, "/dev/tty3")):
            with wire.Dialogue(name, tty=tty) as d:
                d.answer(number)
                assert "not right" in d.answer(code).info
        assert "Step 2" in right.answer(code).info


def test_the_code_is_offered_again_after_a_lost_conversation(lab, carriers):
    use(lab, carriers)
    seen = []
    for name, number in (("monica", NUMBER), ("jana", OTHER)):
        with wire.Dialogue(name, tty=f"/dev/{name}") as d:
            d.answer(number)
        with wire.Dialogue(name, tty=f"/dev/{name}") as d:
            assert d.step.info.startswith("Enter the code sent at ")
            seen.append(re.sub(r"\d\d:\d\d", "", d.step.info) + d.step.prompt)
            if name == "monica":
                assert "Step 2" in d.answer(came(carriers).code).info
    assert seen[0] == seen[1]


# -- limits and rules


def test_M2_a_number_gets_five_messages_a_day_whoever_asks(lab, carriers):
    use(lab, carriers, limits={"sends-per-day": "2"})
    lab.ctl("user", "enrol", "jana", "--mobile", NUMBER)
    for i, name in enumerate(("monica", "monica")):
        with wire.Dialogue(name, tty=f"/dev/tty{i}") as d:
            assert d.answer(NUMBER).info == ON_ITS_WAY
        came(carriers, n=i + 1)
    with wire.Dialogue("jana", tty="/dev/tty7") as d:
        assert d.answer(NUMBER).info == ON_ITS_WAY, "jana has sent nothing so far, and sees what everybody sees"
    time.sleep(0.5)
    assert len(carriers.messages) == 2
    assert any("could not be delivered" in r["reason"] and "busy" in r["reason"] for r in lab.audit("--user", "jana"))
    assert "sends-per-day" in lab.logs()


def test_M2_the_day_has_a_budget(lab, carriers):
    use(lab, carriers, limits={"sms-per-day": "1"})
    lab.ctl("user", "enrol", "jana", "--mobile", OTHER)
    with wire.Dialogue("monica", tty="/dev/tty1") as d:
        d.answer(NUMBER)
    came(carriers)
    with wire.Dialogue("jana", tty="/dev/tty2") as d:
        assert d.answer(OTHER).info == ON_ITS_WAY
    time.sleep(0.5)
    assert len(carriers.messages) == 1 and "sms-per-day" in lab.logs()


def test_numbers_that_are_not_registered(lab, carriers):
    use(lab, carriers, number=None)
    for number, why in (("0170 1234567", "not a whole number"), ("+33612345678", "countries"), ("+499001234567", "premium")):
        done = lab.ctl("user", "enrol", "monica", "--mobile", number, check=False)
        assert done.returncode != 0 and why in done.stderr, done
    lab.ctl("user", "enrol", "monica", "--mobile", "+49 (170) 1234567")
    shown = lab.ctl("user", "show", "monica").stdout
    assert "+49...67" in shown and NUMBER not in shown


def test_a_number_that_the_policy_no_longer_lets_through_is_none(lab, carriers):
    use(lab, carriers)
    lab.use(policy(carriers, phone={"countries": "+1"}))
    with wire.Dialogue("monica") as d:
        assert d.answer(NUMBER).info == ON_ITS_WAY
    time.sleep(0.3)
    assert not carriers.messages


def test_F36_a_carrier_that_fails_changes_nothing_on_the_screen(lab, carriers):
    use(lab, carriers)
    carriers.faults = [c.status(401, {"code": 20003, "message": c.SECRET, "status": 401})]
    with wire.Dialogue("monica") as d:
        assert d.answer(NUMBER).info == ON_ITS_WAY
        assert w.wait_for(lambda: any("misconfigured, twilio: HTTP 401" in r["reason"] for r in lab.audit("--user", "monica")))
        assert lab.choose(d, 2).prompt == "Code: "
    assert "the credential or the account is not right" in lab.logs() and c.SECRET not in lab.logs()


def test_success_gives_the_tries_back(lab, monica, carriers):
    """Right numbers were no failures: four resets one after the other are no block."""
    use(lab, carriers, limits={"sends-per-day": "50"})
    for i in range(6):
        with wire.Dialogue("monica", tty=f"/dev/tty{i}") as d:
            d.answer(NUMBER)
            assert "Step 2" in d.answer(came(carriers, n=i + 1).code).info, i
    assert w.password_is("monica", OLD)
