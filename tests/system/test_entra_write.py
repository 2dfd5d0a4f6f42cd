# SPDX-License-Identifier: LGPL-2.1-or-later
"""Around the moment of a write to a tenant: no reset is lost, doubled or misreported."""

import re
import time

import pytest

import wire
import world as w
from conftest import NEW, OLD
from entra import faults
from test_entra import RAW, reasons
from test_outcomes import RESET_DONE, activities, notices

OTHER = "Meadow-lantern-63"
BANNED = "Zephyrquill1"  # by a word that only the tenant knows of
EXPIRED = {"error": "invalid_client", "error_codes": [7000222],
           "error_description": "AADSTS7000222: The provided client secret keys are expired."}


def outcomes(lab):
    return [result for activity, result in activities(lab) if activity == RESET_DONE[0]]


def submit(cloud, d, password=NEW):
    """Up to the second typing of the new password, whose answer is still to come."""
    cloud.lab.gates(d, cloud.monica)
    d.answer(password)
    d.send(wire.encode(wire.ANSWER, (wire.TEXT, password)))


def under_way(cloud):
    assert w.wait_for(cloud.writes, 5)


MEANWHILE = {
    "W2 renamed": (lambda t, u: t.rename(u, "Monica.Thompson@contoso.lab"), "renamed"),
    "W3 disabled": (lambda t, u: setattr(u, "accountEnabled", False), "locked"),
    "W3 synced": (lambda t, u: setattr(u, "onPremisesSyncEnabled", True), "synced"),
    "W3 a guest": (lambda t, u: setattr(u, "userType", "Guest"), "protected"),
    "W3 an administrator": (lambda t, u: t.assign_role(u, "User Administrator"), "protected"),
    "W3 eligible": (lambda t, u: t.make_eligible(u, "Helpdesk Administrator"), "protected"),
    "W3 in a role-assignable group": (lambda t, u: t.add_member(t.group("Role holders"), u), "protected"),
    "W3 out of scope": (lambda t, u: t.remove_member(t.group("SSPRTesters"), u), "not-in-scope"),
    "W3 federated": (lambda t, u: t.add_domain("contoso.lab", "Federated"), "federated"),
    "W3 changed by somebody else": (lambda t, u: t.set_password(u, "Helpdesk-was-here-9"), "changed-meanwhile"),
    "F22 deleted": (lambda t, u: t.remove_user(u), "no-account"),
}


@pytest.mark.parametrize("what", MEANWHILE)
def test_what_happened_since_the_look_up_keeps_the_write_away(cloud, what):
    change, why = MEANWHILE[what]
    user = cloud.contoso.user("MonicaT")
    with wire.Dialogue("monicat") as d:
        cloud.lab.gates(d, cloud.monica)
        change(cloud.contoso, user)
        before = user.password
        d.answer(NEW)
        step = d.answer(NEW)
        assert step.result == "failed" and "Nothing was changed" in step.info
        assert not RAW.search(b"\n".join(d.transcript))
    assert cloud.writes() == 0 and user.password == before
    assert outcomes(cloud.lab) == ["failure"] and any(why in reason for reason in reasons(cloud.lab)), reasons(cloud.lab)
    time.sleep(0.3)
    assert cloud.lab.table("pending") == [] and not notices(cloud.monica)


def test_F22_a_deleted_user_is_seen_in_the_list(cloud):
    with wire.Dialogue("monicat") as d:
        cloud.lab.gates(d, cloud.monica)
        cloud.contoso.remove_user(cloud.contoso.user("MonicaT"))
        d.answer(NEW)
        assert "Nothing was changed" in d.answer(NEW).info
    gone = {row["account"].partition(":")[0]: row["gone-since"] for row in cloud.lab.table("user", "list") if "MonicaT" in row["name"]}
    assert gone["contoso"].startswith("20") and gone["fabrikam"] == ""


@pytest.mark.parametrize("lost", [faults.cut("after"), faults.status(500, effect=True), faults.portal(effect=True)],
                         ids=["cut", "500", "portal"])
def test_F26_W9_an_answer_lost_after_its_effect(cloud, lost):
    cloud.service.fault("PATCH", "/users/", lost)
    with wire.Dialogue("monicat", timeout=30) as d:
        step = cloud.lab.gates(d, cloud.monica, NEW)
        assert step.result == "done" and "Password changed" in step.info
        assert not RAW.search(b"\n".join(d.transcript))
    assert cloud.writes() == 1, "sent twice"
    assert outcomes(cloud.lab) == ["success"]
    assert w.wait_for(lambda: notices(cloud.monica), 5)
    assert cloud.lab.table("pending") == []


def test_W9_an_answer_lost_before_its_effect(cloud):
    cloud.service.fault("PATCH", "/users/", faults.cut("before"))
    with wire.Dialogue("monicat", timeout=30) as d:
        step = cloud.lab.gates(d, cloud.monica, NEW)
        assert step.result == "failed" and "Nothing was changed" in step.info
    assert cloud.writes() == 1 and cloud.contoso.password_is("MonicaT", OLD)
    assert outcomes(cloud.lab) == ["failure"] and not notices(cloud.monica)


def settled(cloud, wanted):
    """The outbox looks again a minute later, and finds that."""
    with wire.Dialogue("LeeG", tty="/dev/tty9"):  # while somebody is there, ssprd counts the seconds
        cloud.lab.shift(boot=120)
        w.wait_for(lambda: not cloud.lab.table("pending"), 10)
    assert cloud.lab.table("pending") == [] and outcomes(cloud.lab)[-1] == wanted
    time.sleep(0.5)


def test_W9_F6_a_write_slower_than_anybody_waits(cloud):
    cloud.lab.shifted()
    cloud.service.fault("PATCH", "/users/", faults.slow(4))
    with wire.Dialogue("monicat", timeout=20) as d:
        submit(cloud, d)
        under_way(cloud)
        cloud.lab.shift(boot=45)
        step = d.receive()
    assert step.result == "abort" and step.info == ("The change could not be confirmed. Try the new password first, then the old"
                                                    " one. Helpdesk: helpdesk@lab")
    assert ["MonicaT@contoso.lab"] == [row["name"] for row in cloud.lab.table("pending")]
    assert outcomes(cloud.lab) == ["unknown"] and not notices(cloud.monica)
    assert w.wait_for(lambda: cloud.contoso.password_is("MonicaT", NEW), 10), "a write that is under way goes on"
    settled(cloud, "success")
    assert len(notices(cloud.monica)) == 1 and cloud.writes() == 1


def test_W9_a_mark_that_lags_is_no_proof_that_nothing_was_written(cloud):
    """A directory of many servers shows the old one for a while."""
    user = cloud.contoso.user("MonicaT")
    cloud.lab.shifted()
    cloud.contoso.settings.lag = 3
    cloud.service.fault("PATCH", "/users/", faults.slow(2, after=True))
    with wire.Dialogue("monicat", timeout=20) as d:
        submit(cloud, d)
        assert w.wait_for(lambda: user.password == NEW, 5)
        cloud.lab.daemons["ssprd"].crash()
    assert w.wait_for(lambda: outcomes(cloud.lab), 5) == ["unknown"] and len(cloud.lab.table("pending")) == 1
    assert w.wait_for(lambda: cloud.contoso.shown_change(user) != user.before[0], 10)
    settled(cloud, "success")
    assert len(notices(cloud.monica)) == 1 and cloud.writes() == 1


def test_F6_ssprd_killed_while_the_write_is_under_way(cloud):
    cloud.lab.shifted()
    cloud.service.fault("PATCH", "/users/", faults.slow(1.5))
    with wire.Dialogue("monicat", timeout=20) as d:
        submit(cloud, d)
        under_way(cloud)
        cloud.lab.daemons["ssprd"].crash()
        assert "Try the new password first" in d.step.lost
    assert w.wait_for(lambda: cloud.contoso.password_is("MonicaT", NEW), 5)
    settled(cloud, "success")
    assert len(notices(cloud.monica)) == 1 and cloud.writes() == 1


def test_F6_ssprd_killed_before_the_write_was_sent(cloud):
    """The worker sees that nobody waits any more, and does not begin."""
    cloud.lab.shifted()
    with wire.Dialogue("monicat", timeout=20) as d:
        cloud.lab.gates(d, cloud.monica)
        d.answer(NEW)
        batch = cloud.service.fault("POST", r"/\$batch", faults.slow(1.5))
        d.send(wire.encode(wire.ANSWER, (wire.TEXT, NEW)))
        assert w.wait_for(lambda: batch.left == 0, 5)
        cloud.lab.daemons["ssprd"].crash()
    time.sleep(2)
    assert cloud.writes() == 0 and cloud.contoso.password_is("MonicaT", OLD)
    with wire.Dialogue("LeeG", tty="/dev/tty9"):
        cloud.lab.shift(wall=3600, boot=70)  # the wall clock alone makes nobody believe that
        time.sleep(2.5)
        assert cloud.lab.table("pending")
        cloud.lab.shift(wall=310, boot=310)  # no server can still show an older mark
        w.wait_for(lambda: not cloud.lab.table("pending"), 10)
    assert cloud.lab.table("pending") == [] and outcomes(cloud.lab)[-1] == "failure" and not notices(cloud.monica)


def test_F39_who_goes_away_while_it_is_written_is_told_by_mail(cloud):
    cloud.service.fault("PATCH", "/users/", faults.slow(1))
    with wire.Dialogue("monicat") as d:
        submit(cloud, d)
        under_way(cloud)
    assert w.wait_for(lambda: notices(cloud.monica), 5)
    assert cloud.contoso.password_is("MonicaT", NEW) and outcomes(cloud.lab) == ["success"]


def test_F58_a_notice_that_has_no_address_any_more_is_told_in_the_audit(cloud):
    with wire.Dialogue("monicat") as d:
        cloud.lab.gates(d, cloud.monica)
        user = cloud.contoso.user("MonicaT")
        user.email, user.mail, user.otherMails = None, None, []
        d.answer(NEW)
        assert d.answer(NEW).result == "done"
    assert w.wait_for(lambda: ("User notified of password reset", "failure") in activities(cloud.lab), 5)
    assert outcomes(cloud.lab) == ["success"] and not notices(cloud.monica)


def test_the_directory_has_the_last_word_on_a_password(cloud):
    """Which rule it was Graph does not tell; another password needs no new proof."""
    cloud.contoso.settings.banned = ["zephyrquill"]
    with wire.Dialogue("monicat") as d:
        step = cloud.lab.gates(d, cloud.monica, BANNED)
        assert step.prompt == "New password: "
        assert step.info == "Your organisation does not allow it: too common, or easy to guess. Choose another."
        assert not RAW.search(b"\n".join(d.transcript))
        d.answer(OTHER)
        assert d.answer(OTHER).result == "done"
    assert cloud.contoso.password_is("MonicaT", OTHER) and cloud.writes() == 2
    assert outcomes(cloud.lab) == ["success"]
    assert w.wait_for(lambda: notices(cloud.monica), 5)


@pytest.mark.parametrize("fault, told, why", [
    (faults.status(429, retry_after=3600), "The directory is busy. Nothing was changed. Try again in a few minutes.", "busy"),
    (faults.status(503, retry_after=3600), "The directory is busy. Nothing was changed. Try again in a few minutes.", "busy"),
    (faults.status(403), "The password could not be changed. Nothing was changed. Helpdesk: helpdesk@lab",
     "needs User-PasswordProfile.ReadWrite.All"),
], ids=["429", "503", "403"])
def test_F19_a_write_that_the_directory_does_not_do(cloud, fault, told, why):
    cloud.service.fault("PATCH", "/users/", fault, times=9)
    with wire.Dialogue("monicat") as d:
        step = cloud.lab.gates(d, cloud.monica, NEW)
        assert step.result == "failed" and step.info == told
        assert not RAW.search(b"\n".join(d.transcript))
    assert cloud.writes() == 1 and cloud.contoso.password_is("MonicaT", OLD)
    [reason] = [row["reason"] for row in cloud.lab.audit() if row["activity"] == RESET_DONE[0]]
    assert why in reason and re.search(r"request-id [0-9a-f-]{36}, client-request-id [0-9a-f-]{36}\)", reason)


def test_a_busy_directory_is_waited_for_within_the_dialogue(cloud):
    cloud.service.fault("PATCH", "/users/", faults.status(429, retry_after=1))
    assert cloud.reset().result == "done" and cloud.writes() == 2


def test_A3_roles_that_cannot_be_read_keep_everybody_out(cloud):
    cloud.service.fault("GET", "/roleManagement/", faults.status(403), times=1000)
    seen = set()
    for n, name in enumerate(("monicat", "LeeG", "AdaA", "nobody-of-that-name")):
        with wire.Dialogue(name, tty=f"/dev/tty{n}") as d:
            assert d.step.kind == wire.END and "not available" in d.step.info
            seen.add(b"\n".join(d.transcript))
    assert len(seen) == 1 and not RAW.search(*seen)
    assert any("needs RoleManagement.Read.Directory" in reason for reason in reasons(cloud.lab))


@pytest.mark.parametrize("name", ["monicat", "LeeG", "nobody-of-that-name"])
@pytest.mark.parametrize("fault", [faults.status(503), faults.cut("before"), faults.status(401, body=EXPIRED)],
                         ids=["503", "down", "expired"])
def test_F29_without_a_token_no_factor_is_burnt(cloud, name, fault):
    cloud.use({"authentication-methods": {"methods": "email authenticator recovery-code"}})
    cloud.service.fault("POST", "/token", fault, times=1000, host="login")
    with wire.Dialogue(name) as d:
        assert d.step.kind == wire.END and d.step.info == ("Password reset is not available now. Nothing was changed."
                                                           " Helpdesk: helpdesk@lab")
        assert len(d.transcript) == 2
    time.sleep(0.3)
    assert not w.mails() and cloud.service.count(host="graph") == 0


def test_F58_without_a_way_to_send_mail_no_notice_waits(cloud):
    cloud.use({"mail": {"server": None, "from": None, "user": None, "ca-file": None},
               "authentication-methods": {"methods": "authenticator recovery-code", "required": "1"}})
    with wire.Dialogue("monicat") as d:
        for text in (cloud.monica.app(), NEW, NEW):
            step = d.answer(text)
        assert step.result == "done", step
    time.sleep(0.5)
    asked = cloud.service.count()
    cloud.lab.restart("ssprd")  # whose first round looks into what an earlier one left
    time.sleep(1.5)
    assert cloud.service.count() == asked
