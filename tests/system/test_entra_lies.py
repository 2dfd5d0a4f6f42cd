# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a directory leaves out, puts wrongly or shows late tells nobody that something was changed, and lets nobody pass."""

import json
import time

import pytest
import wire
import world as w
from conftest import NEW
from entra import faults
from test_entra_write import outcomes, submit


def altered(change):
    """A fault that changes each answer in JSON that is about a user."""

    def body(text):
        answer = json.loads(text)
        if "userPrincipalName" in answer or "lastPasswordChangeDateTime" in answer:
            change(answer)
        return json.dumps(answer).encode()

    return faults.other_body(body)


def without(key):
    return altered(lambda answer: answer.pop(key, None))


def with_value(key, value):
    return altered(lambda answer: answer.update({key: value}))


@pytest.mark.parametrize("lie", [without("lastPasswordChangeDateTime"), with_value("lastPasswordChangeDateTime", "2001-01-01T00:00:00Z")],
                         ids=["missing", "older"])
def test_F26_a_mark_that_is_no_later_one_is_no_change(cloud, lie):
    def cut(r, perform):
        cloud.service.fault("GET", "/users/", lie, times=1000)
        return faults.Answer(0, how="cut")

    cloud.service.fault("PATCH", "/users/", cut)
    with wire.Dialogue("monicat", timeout=40) as d:
        step = cloud.lab.gates(d, cloud.monica, NEW)
    assert "could not be confirmed" in step.info and not cloud.contoso.password_is("MonicaT", NEW)
    assert outcomes(cloud.lab) == ["unknown"] and len(cloud.lab.table("pending")) == 1


def test_F6_nor_is_it_for_the_outbox(cloud):
    def cut(r, perform):
        cloud.service.fault("GET", "/users/", with_value("lastPasswordChangeDateTime", "2001-01-01T00:00:00Z"), times=1000)
        time.sleep(3)
        return faults.Answer(0, how="cut")

    cloud.service.fault("PATCH", "/users/", cut)
    with wire.Dialogue("monicat", timeout=20) as d:
        submit(cloud, d)
        assert w.wait_for(cloud.writes, 5)
        cloud.lab.daemons["ssprd"].crash()
    w.wait_for(lambda: outcomes(cloud.lab), 8)
    assert outcomes(cloud.lab) == ["unknown"] and len(cloud.lab.table("pending")) == 1


def test_W10_what_is_not_told_of_synchronisation_is_a_refusal(cloud):
    cloud.contoso.user("MonicaT").onPremisesSyncEnabled = True
    cloud.service.fault("GET", "/users/", without("onPremisesSyncEnabled"), times=1000)
    with wire.Dialogue("monicat") as d:
        assert "Step 1 of 2" in d.step.info
        assert "not right" in d.answer(cloud.monica.app()).info
    assert cloud.writes() == 0


def test_a_domain_that_needs_escaping_is_asked_once(cloud):
    managed = json.dumps({"id": "x", "authenticationType": "Managed"}).encode()
    with wire.Dialogue("monicat", timeout=40) as d:
        cloud.lab.gates(d, cloud.monica)
        d.answer(NEW)
        cloud.service.fault("GET", "/users/", with_value("userPrincipalName", "MonicaT@cont\u00f6so.lab"), times=1000)
        cloud.service.fault("GET", "/domains/", faults.answer(200, managed, {"Content-Type": "application/json"}), times=1000)
        before, start = cloud.service.count("batch", "POST"), time.monotonic()
        step = d.answer(NEW)
        asked = cloud.service.count("batch", "POST") - before
    assert "Nothing was changed" in step.info and asked <= 3 and time.monotonic() - start < 3
    assert cloud.writes() == 0


def test_G2_a_session_of_yesterday_is_no_sign_in(cloud):
    cloud.contoso.settings.device_code_interval = 30
    cloud.contoso.application.auth_time = False
    cloud.use({"authentication-methods": {"methods": "app email"}})
    with wire.Dialogue("monicat") as d:
        assert cloud.service.sign_in(cloud.service.pending_codes()[-1].user_code, "MonicaT", auth_time=time.time() - 86400)
        assert "cannot be checked now" in d.answer("").info


def test_E1_the_code_of_somebody_unknown_is_of_the_directory_that_would_know_them(cloud):
    cloud.contoso.settings.device_code_interval = cloud.fabrikam.settings.device_code_interval = 30
    cloud.use({"authentication-methods": {"methods": "app email"}}, ("contoso", "fabrikam"))
    for name in ("MonicaT@fabrikam.lab", "nobody@fabrikam.lab"):
        with wire.Dialogue(name):
            code = cloud.service.login.by_user_code[cloud.service.pending_codes()[-1].user_code]
            assert code.tenant is cloud.fabrikam, name


def test_F29_a_silent_token_endpoint_costs_all_that_wait_no_more_than_one(cloud):
    cloud.use({"properties": {"enabled": "all", "group": None}})
    cloud.service.set_tls("login", "silent")
    start, waiting = time.monotonic(), []
    try:
        for n in range(6):
            d = wire.Dialogue("monicat", tty=f"/dev/tty{n}", begin=False, timeout=40)
            waiting.append(d)
            d.send(wire.encode(wire.BEGIN, (wire.VERSION, wire.NOW, 2), (wire.USER, "monicat"), (wire.SERVICE, "login"),
                               (wire.TTY, f"/dev/tty{n}"), (wire.LANG, "C"), (wire.REASON, wire.KEYWORD, 1)))
        for d in waiting:
            assert "not available" in d.receive().info
        assert time.monotonic() - start < 8
    finally:
        for d in waiting:
            d.close()
        cloud.service.set_tls("login", "good")


def test_nothing_that_a_directory_says_drives_a_terminal_or_forges_a_line(cloud):
    evil = "x\u001b[2J\r\nMESSAGE=forged\u0007"

    def change(body):
        answer = json.loads(body)
        for item in answer.get("responses", []):
            item.update(status=500, headers={"request-id": evil}, body={"error": {"code": evil, "message": evil}})
        return json.dumps(answer).encode()

    cloud.service.fault("POST", "batch", faults.other_body(change), times=1000)
    with wire.Dialogue("monicat") as d:
        assert "not available" in d.step.info and "forged" not in d.step.info
    told = cloud.lab.audit()[-1]["reason"]
    assert "forged" in told and told.isprintable()
    assert "\x1b" not in cloud.lab.logs()
