# SPDX-License-Identifier: LGPL-2.1-or-later
"""RESET in a tenant: what is written, what is asked again before, and every answer to the write: F19-F28, W2, W3, W6, W9, W10, W13."""

import json
import socket
import time
from email.utils import formatdate

import pytest

import faults
import worker as w
from cloud import GOOD, boot_ms
from graph import SYNCED
from tenant import OLD
from transport import Listener

PATCH = ("PATCH", "/users/")
NOT_SO = {"Content-Type": "application/json"}


@pytest.fixture
def monica(lab, net):
    """The answer of the look-up that came before."""
    answer = net.lookup("MonicaT")
    assert answer.said == ("done", "none"), answer.detail
    lab.service.clear()
    return answer


def unchanged(lab, name="MonicaT"):
    return lab.tenant.password_is(name, OLD)


def changed(lab, password=GOOD, name="MonicaT"):
    return lab.tenant.password_is(name, password)


# -- what is written


def test_reset(lab, net, monica):
    answer = net.reset(monica)
    assert answer.said == ("done", "none"), answer.detail
    assert (answer.object, answer.name) == (monica.object, monica.name)
    assert changed(lab) and lab.tenant.revoked == ["MonicaT@contoso.lab"]
    [patch] = lab.service.find(method="PATCH")
    assert patch.status == 204 and not patch.within and patch.path == f"/v1.0/users/{monica.object}"
    assert patch.json() == {"passwordProfile": {"forceChangePasswordNextSignIn": False, "password": GOOD}}
    assert answer.mark != monica.mark and answer.mark == net.lookup("MonicaT").mark
    assert "204" in answer.detail and patch.headers["client-request-id"] in answer.detail and patch.id in answer.detail
    assert patch.headers["client-request-id"] in net.log(), "the administrator finds it"


def test_reset_asks_everything_again_and_nothing_after_the_write_but_mark_and_sessions(lab, net, monica):
    net.reset(monica)
    paths = [r.path for r in lab.service.find(host="graph")]
    at = next(n for n, r in enumerate(lab.service.find(host="graph")) if r.method == "PATCH")
    for part in ("/users/", "/domains/", "/groups", "checkMemberGroups", "transitiveMemberOf", "roleAssignments", "roleEligibility"):
        assert any(part in path for path in paths[:at]), part
    assert not any("/authentication/" in path for path in paths), "contacts are of no interest to a write"
    assert len(paths[at:]) == 4


def test_first_password(lab, net):
    lab.tenant.user("MonicaT").lastPasswordChangeDateTime = None
    before = net.lookup("MonicaT")
    lab.service.fault(*PATCH, faults.cut("after"))
    answer = net.reset(before)
    assert answer.said == ("done", "none") and answer.mark != before.mark and changed(lab)


def test_revoke_sessions_no(lab):
    net = lab.net(revoke_sessions="no")
    assert net.reset(net.lookup("MonicaT")).said == ("done", "none")
    assert lab.tenant.revoked == [] and lab.count("revokeSignInSessions") == 0 and changed(lab)


def test_sessions_that_cannot_be_revoked_do_not_undo_it(lab, net, monica):
    lab.app.withdraw("User.RevokeSessions.All")
    net.forget_token()
    answer = net.reset(monica)
    net.forget_token()
    assert answer.said == ("done", "none") and answer.mark != monica.mark and changed(lab)
    assert "sessions of" in net.log() and "needs User.RevokeSessions.All" in net.log()


@pytest.mark.parametrize("act", [faults.status(500), faults.cut("before"), faults.portal(), faults.wrong_json([]), faults.huge()])
def test_trouble_after_the_write_does_not_undo_it(lab, net, monica, act):
    lab.service.fault("POST", r"\$batch", act, skip=2, times=9)
    assert net.reset(monica).said == ("done", "none")
    assert changed(lab) and lab.patches == 1 and "were not revoked" in net.log()


@pytest.mark.parametrize("password", [
    'Quo"te and back\\slash 1', "\\u0041\\\"} , {\"x\": 1 Aa", "  Blanks at both ends 9  ", "</script>&amp;%00%0A Aa1", "' OR 1=1; -- Aa",
    "".join(chr(c) for c in range(32, 127)), "\\" * 60 + "aB3" + '"' * 60, "Aa1!" * 64])
def test_W6_password_arrives_byte_for_byte(lab, net, monica, password):
    answer = net.reset(monica, password)
    assert answer.said == ("done", "none"), answer.detail
    assert lab.tenant.user("MonicaT").password == password


@pytest.mark.parametrize("password,why", [
    ("Vermilion kayak é1", "characters"), ("Пароль длинный Aa1", "characters"), ("Vermilion kayak \U0001f600 1", "characters"),
    ("Vermilion kayak e\u0301 1", "characters"), ("Vermilion kayak \u00a0 1", "characters"), (b"Vermilion kayak \xff 1", "characters"),
    ("Vermilion kayak \x07 1", "characters"), ("Vermilion\nkayak 1", "characters"), ("Vermilion kayak 1\x7f", "characters"),
    (b"Vermilion kayak 1\0more", "characters"), ("Aa1!" * 64 + "x", "too-long"), ("Aa1!" * 127 + "xyz", "too-long"),
    ("", "too-short"), ("Aa1!xyz", "too-short"), ("vermilion kayak", "classes"), ("monicat Kayak 58", "name"), ("M0NIC@T kayak", "name")])
def test_W6_F45_F46_F47_F48_password_that_is_refused_before_anything_is_sent(lab, net, monica, password, why):
    answer = net.reset(monica, password)
    assert answer.said == ("refused", why)
    assert lab.patches == 0 and unchanged(lab)


def test_F48_more_than_the_wire_takes(lab, net, monica):
    assert net.reset(monica, "Aa1!" * 256) is None
    assert lab.patches == 0 and unchanged(lab)


# -- W2, W3, W10: what has changed since the look-up


def nobody_written(lab):
    return lab.patches == 0 and all(user.password in (OLD, None) for user in lab.tenant.users.values())


def test_W2_renamed_meanwhile(lab, net, monica):
    lab.tenant.rename(lab.tenant.user("MonicaT"), "MonicaS@contoso.lab")
    assert net.reset(monica).said == ("refused", "renamed")
    assert nobody_written(lab)


def test_W2_G1_name_given_to_a_newcomer(lab, net, monica):
    lab.tenant.rename(lab.tenant.user("MonicaT"), "MonicaS@contoso.lab")
    newcomer = lab.tenant.add_user("MonicaT", OLD, id="11111111-2222-3333-4444-555555555555")
    lab.tenant.add_member(lab.tenant.group("SSPRTesters"), newcomer)
    assert net.reset(monica).said == ("refused", "renamed")
    assert nobody_written(lab)


@pytest.mark.parametrize("changes,why", [
    ({"object": "NinaN"}, "renamed"), ({"object": ""}, "broken"), ({"object": "MonicaT@contoso.lab"}, "broken"),
    ({"object": "00000000-1111-2222-3333-444444444444"}, "no-account"), ({"name": "NinaN@contoso.lab"}, "renamed"),
    ({"object": "x/../NinaN"}, "broken"), ({"name": ""}, "renamed")])
def test_W2_object_that_was_swapped(lab, net, monica, changes, why):
    if changes.get("object") == "NinaN":
        changes = {"object": lab.tenant.user("NinaN").id}
    answer = net.reset(monica, **changes)
    assert answer.said == ("refused", why)
    assert nobody_written(lab)


def test_other_case_of_the_name_is_the_same_name(lab, net, monica):
    assert net.reset(monica, name="MONICAT@contoso.lab", object=monica.object.upper()).said == ("done", "none")
    assert changed(lab)


def become_federated(tenant, user):
    tenant.domains[tenant.domain] = "Federated"


def leave_the_group(tenant, user):
    tenant.remove_member(tenant.group("SSPRTesters"), user)


MEANWHILE = {
    "role": (lambda tenant, user: tenant.assign_role(user, "Helpdesk Administrator"), "protected"),
    "eligible": (lambda tenant, user: tenant.make_eligible(user, "User Administrator"), "protected"),
    "assignable": (lambda tenant, user: tenant.add_member(tenant.group("Role holders"), user), "protected"),
    "guest": (lambda tenant, user: setattr(user, "userType", "Guest"), "protected"),
    "disabled": (lambda tenant, user: setattr(user, "accountEnabled", False), "locked"),
    "synced": (lambda tenant, user: setattr(user, "onPremisesSyncEnabled", True), "synced"),
    "left": (leave_the_group, "not-in-scope"),
    "federated": (become_federated, "federated"),
    "removed": (lambda tenant, user: tenant.remove_user(user), "no-account"),
    "changed": (lambda tenant, user: tenant.set_password(user, OLD), "changed-meanwhile"),
}


@pytest.mark.parametrize("what", MEANWHILE)
def test_W3_W10_eligibility_is_asked_again_by_the_write(lab, net, monica, what):
    change, why = MEANWHILE[what]
    change(lab.tenant, lab.tenant.user("MonicaT"))
    assert net.reset(monica).said == ("refused", why)
    assert nobody_written(lab)


def test_W3_mirror_is_asked_again_by_the_write(lab):
    net = lab.net(mirror="yes")
    monica = net.lookup("MonicaT")
    lab.tenant.user("MonicaT").email = lab.tenant.user("MonicaT").phones = None
    assert net.reset(monica).said == ("refused", "not-capable")
    assert nobody_written(lab)


@pytest.mark.parametrize("pattern", ["/users/[^/]+\\?", "/domains/", "/groups", "checkMemberGroups", "transitiveMemberOf",
                                     "roleAssignments", "roleEligibility", r"\$batch"])
@pytest.mark.parametrize("act", [faults.status(500), faults.status(403), faults.wrong_json({}), faults.portal(), faults.cut("middle")])
def test_A3_write_without_an_answer_to_every_question_is_refused(lab, net, monica, pattern, act):
    lab.service.fault(None, pattern, act, host="graph", times=2)
    assert net.reset(monica).said[0] == "refused"
    assert nobody_written(lab)


@pytest.mark.parametrize("group", ["", "Role holders", "Nobody's"])
def test_W3_the_scope_is_the_policys_own_whatever_is_asked(lab, net, group):
    lee = net.lookup("LeeG", group="")
    assert net.reset(lee, group=group).said == ("refused", "not-in-scope")
    assert net.reset(net.lookup("MonicaT"), group=group).said == ("done", "none")
    assert changed(lab) and changed(lab, OLD, "LeeG")


def test_W3_group_of_the_directory_comes_before_the_one_of_the_policy(lab):
    net = lab.net(group="SSPR inner")
    assert net.reset(net.lookup("MonicaT")).said == ("refused", "not-in-scope")
    assert net.reset(net.lookup("NinaN")).said == ("done", "none")


def test_W3_enabled_none_and_all(lab):
    net = lab.net(properties={"enabled": "none"})
    assert net.reset(net.lookup("MonicaT")).said == ("refused", "not-in-scope")
    assert nobody_written(lab)
    net = lab.net(properties={"enabled": "all"})
    assert net.reset(net.lookup("LeeG", group="")).said == ("done", "none")
    assert net.reset(net.lookup("AdaA", group="")).said == ("refused", "protected")


# -- until


def send(net, account, until=None):
    c = net.worker.connect(uid=0)
    c.send(w.account_job(w.RESET, "contoso", account.object, account.name, account.mark, "SSPRTesters", GOOD, until))
    return c


def test_nothing_is_begun_after_its_last_moment(lab, net, monica):
    assert net.reset(monica, until=boot_ms() - 1) is None
    assert not lab.service.requests and unchanged(lab)


def test_nothing_is_written_after_its_last_moment(lab, net, monica):
    lab.service.fault(None, "roleAssignments", faults.slow(0.6))
    assert net.reset(monica, until=boot_ms() + 300) is None
    time.sleep(0.7)
    assert lab.patches == 0 and unchanged(lab)


def test_good_until_a_moment_to_come(lab, net, monica):
    assert net.reset(monica, until=boot_ms() + 5000).said == ("done", "none")


def test_nothing_is_written_when_nobody_waits(lab, net, monica):
    lab.service.fault(None, "roleAssignments", faults.slow(0.5))
    c = send(net, monica)
    w.wait_for(lambda: lab.count("roleAssignments"))
    c.close()
    assert w.wait_for(lambda: not net.worker.children())
    time.sleep(0.2)
    assert lab.patches == 0 and unchanged(lab)


def test_write_under_way_is_finished_although_nobody_waits(lab, net, monica):
    lab.service.fault(*PATCH, faults.slow(0.5))
    c = send(net, monica)
    w.wait_for(lambda: lab.patches)
    c.close()
    assert w.wait_for(lambda: changed(lab) and lab.tenant.revoked)
    assert "changed" in net.log()


def test_nothing_is_written_a_second_time_when_nobody_waits(lab, net, monica):
    lab.service.fault(*PATCH, faults.status(429, retry_after=1))
    c = send(net, monica)
    w.wait_for(lambda: lab.patches)
    c.close()
    time.sleep(1.3)
    assert lab.patches == 1 and unchanged(lab)


# -- F19-F22: refused


def test_F19_token_is_refused_once(lab, net, monica):
    lab.service.fault(*PATCH, faults.status(401))
    assert net.reset(monica).said == ("done", "none")
    assert lab.patches == 2 and lab.tokens == 1 and changed(lab)
    assert len({r.headers["authorization"] for r in lab.service.find(method="PATCH")}) == 2


def test_F19_token_is_refused_twice(lab, net, monica):
    lab.service.fault(*PATCH, faults.status(401), times=9)
    answer = net.reset(monica)
    assert answer.said == ("refused", "misconfigured") and "401" in answer.detail
    assert lab.patches == 2 and lab.tokens == 1 and unchanged(lab)


def test_F19_no_fresh_token_is_to_be_had(lab, net, monica):
    lab.service.fault(*PATCH, faults.status(401))
    lab.service.fault("POST", "/token", faults.status(503), host="login")
    answer = net.reset(monica)
    assert answer.said[0] == "refused" and "token endpoint" in answer.detail
    assert lab.patches == 1 and unchanged(lab)


def test_F20_permission_to_write_is_missing(lab, net, monica):
    lab.app.withdraw("User-PasswordProfile.ReadWrite.All")
    net.forget_token()
    answer = net.reset(monica)
    net.forget_token()
    assert answer.said == ("refused", "misconfigured")
    assert "needs User-PasswordProfile.ReadWrite.All" in answer.detail and "Authorization_RequestDenied" in answer.detail
    assert answer.detail in net.log() and lab.patches == 1 and unchanged(lab)


def test_F20_role_for_a_unit_is_enough_for_its_members_alone(lab, net):
    lab.app.withdraw("User-PasswordProfile.ReadWrite.All")
    unit = lab.tenant.add_unit("Sales", [lab.tenant.user("MonicaT")])
    lab.tenant.assign_role(lab.app, "User Administrator", f"/administrativeUnits/{unit}")
    net.forget_token()
    said = [net.reset(net.lookup(name)).said for name in ("MonicaT", "NinaN")]
    net.forget_token()
    assert said == [("done", "none"), ("refused", "misconfigured")]


@pytest.mark.parametrize("password", ["Zephyrquill1", "Zephyrquil 1", "7-Zephyrquill"])
def test_F21_password_that_the_tenant_does_not_like(lab, net, monica, password):
    """By a word that it alone knows of."""
    lab.tenant.settings.banned = ["zephyrquill"]
    answer = net.reset(monica, password)
    assert answer.said == ("refused", "policy") and "Request_BadRequest" in answer.detail
    assert lab.patches == 1 and unchanged(lab)
    assert net.reset(monica).said == ("done", "none"), "the same look-up does for another password"


def bad(code, message, status=400):
    return faults.status(status, body={"error": {"code": code, "message": message}})


@pytest.mark.parametrize("act,why", [
    (bad("Request_BadRequest", SYNCED), "synced"),
    (bad("Request_BadRequest", "The specified password does not comply with password complexity requirements."), "policy"),
    (bad("BadRequest", "Unable to read JSON request payload."), "broken"), (bad("x", ""), "broken"),
    (bad("Request_UnsupportedQuery", "x", 405), "broken"), (bad("x", "x", 409), "broken"), (bad("x", "x", 422), "broken")])
def test_F21_W10_what_is_wrong_is_told_apart(lab, net, monica, act, why):
    lab.service.fault(*PATCH, act)
    assert net.reset(monica).said == ("refused", why)
    assert lab.patches == 1 and unchanged(lab)


def test_F22_object_deleted_in_between(lab, net, monica):
    lab.service.fault(*PATCH, faults.status(404))
    answer = net.reset(monica)
    assert answer.said == ("refused", "no-account") and "Request_ResourceNotFound" in answer.detail
    assert lab.patches == 1


# -- F23: later


@pytest.mark.parametrize("number,when", [(429, "1"), (503, "1"), (429, "date"), (429, " 1 ")])
def test_F23_waits_and_writes_once_more(lab, net, monica, number, when):
    when = formatdate(time.time() + 2, usegmt=True) if when == "date" else when
    lab.service.fault(*PATCH, faults.status(number, retry_after=when))
    start = time.monotonic()
    assert net.reset(monica).said == ("done", "none")
    assert 0.8 < time.monotonic() - start < 3
    assert lab.patches == 2 and changed(lab)


def test_F23_busy_again(lab, net, monica):
    lab.service.fault(*PATCH, faults.status(429, retry_after=1), times=9)
    assert net.reset(monica).said == ("refused", "busy")
    assert lab.patches == 2 and unchanged(lab)


@pytest.mark.parametrize("when", ["60", "99999999", "999999999999999999999", "-5", "garbage", "1.5", "", "date", "0x1", "1 day"])
def test_F23_longer_than_anybody_waits(lab, net, monica, when):
    when = formatdate(time.time() + 3600, usegmt=True) if when == "date" else when
    lab.service.fault(*PATCH, faults.status(429, retry_after=when))
    start = time.monotonic()
    assert net.reset(monica).said == ("refused", "busy")
    assert time.monotonic() - start < 0.8 and lab.patches == 1 and unchanged(lab)


def test_F23_longer_than_the_dialogue_lasts(lab, net, monica):
    lab.service.fault(*PATCH, faults.status(429, retry_after=2))
    start = time.monotonic()
    assert net.reset(monica, until=boot_ms() + 2000).said == ("refused", "busy")
    assert time.monotonic() - start < 0.8 and lab.patches == 1 and unchanged(lab)


def test_F23_moment_that_is_over_already(lab, net, monica):
    lab.service.fault(*PATCH, faults.status(429, retry_after=formatdate(time.time() - 3600, usegmt=True)))
    assert net.reset(monica).said == ("done", "none")
    assert lab.patches == 2


# -- F25: never sent


def test_F25_nobody_listens_when_it_is_to_be_written(lab, net, monica):
    with lab.deaf("graph"):
        pass  # so that the listener is a new one
    gone = []

    def act(r, perform):
        gone.append(lab.deaf("graph"))
        gone[0].__enter__()
        return perform()

    lab.service.fault(None, r"\$batch", act, skip=1)
    answer = net.reset(monica)
    gone[0].__exit__(None, None, None)
    assert answer.said == ("refused", "unreachable")
    assert lab.patches == 0 and unchanged(lab)


@pytest.mark.parametrize("kind", ["stranger", "expired", "wrong-host"])
def test_F25_not_to_be_trusted_when_it_is_to_be_written(lab, net, monica, kind):
    def act(r, perform):
        lab.service.set_tls("graph", kind)
        return perform()

    lab.service.fault(None, r"\$batch", act, skip=1)
    assert net.reset(monica).said == ("refused", "unreachable")
    assert lab.patches == 0 and unchanged(lab)


# -- F24, F26, F28, W9: done, but without an answer; what was not done takes longer, see test_entra_slow.py


@pytest.mark.parametrize("act", [
    faults.cut("after"), faults.cut("middle"), *(faults.status(number, effect=True) for number in (500, 502, 503, 504)),
    faults.portal(effect=True),
    faults.answer(200, "{}", NOT_SO, effect=True), faults.answer(200, b"", effect=True), faults.answer(202, b"", effect=True),
    *(faults.answer(number, "<html></html>", {"Content-Type": "text/html"}, effect=True) for number in (400, 404, 408, 413)),
    faults.answer(204, b"", {"Location": "/"}, effect=True),
    faults.answer(299, b"\xff", NOT_SO, effect=True)])
def test_F24_F26_F28_W9_written_without_an_answer(lab, net, monica, act):
    lab.service.fault(*PATCH, act)
    start = time.monotonic()
    answer = net.reset(monica)
    assert answer.said == ("done", "none"), answer.detail
    assert time.monotonic() - start < 2, "the first reading tells it"
    assert lab.patches == 1 and changed(lab) and lab.count(host="login") == 0
    assert answer.mark != monica.mark and lab.tenant.revoked == ["MonicaT@contoso.lab"]


@pytest.mark.parametrize("first", [faults.status(401), faults.status(429, retry_after=0)])
def test_F26_answer_that_is_lost_at_the_second_try(lab, net, monica, first):
    lab.service.fault(*PATCH, first)
    lab.service.fault(*PATCH, faults.cut("after"))
    assert net.reset(monica).said == ("done", "none")
    assert lab.patches == 2 and changed(lab)


def test_F26_answer_that_ends_within_its_head(lab, net, monica, monkeypatch):
    """Which libcurl takes for whole."""
    send = Listener._send

    def cut(self, sock, answer, close):
        if answer.status != 204:
            return send(self, sock, answer, close)
        sock.sendall(b"HTTP/1.1 204 No Content\r\nrequest-id: x\r\n")
        sock.shutdown(socket.SHUT_RDWR)
        return False

    monkeypatch.setattr(Listener, "_send", cut)
    assert net.reset(monica).said == ("done", "none")
    assert lab.patches == 1 and lab.count("lastPasswordChangeDateTime$", "GET", within=False) == 1, "it was looked what came of it"


@pytest.mark.parametrize("number", [301, 302, 303, 307, 308])
def test_F28_redirect_is_not_followed(lab, net, monica, number):
    place = f"{lab.service.login_url}/{lab.tenant.id}/discovery/v2.0/keys"
    lab.service.fault(*PATCH, faults.redirect(place, number, effect=True))
    assert net.reset(monica).said == ("done", "none")
    assert lab.patches == 1 and lab.count(host="login") == 0


# -- W13


def test_W13_no_secret_where_others_can_read_it(lab, net, monica):
    lab.service.fault(*PATCH, faults.slow(0.5))
    c = send(net, monica)
    w.wait_for(lambda: lab.patches)
    token = open(net.token_file()).read().split()[-1]
    pids = [net.worker.process.pid, *net.worker.children()]
    assert len(pids) == 2
    for pid in pids:
        for name in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{name}", "rb") as f:
                text = f.read().decode(errors="replace")
            assert not [secret for secret in [token, *lab.secrets()] if secret in text]
    assert c.receive().said == ("done", "none")
    c.close()


def test_W13_password_is_in_no_request_but_the_write(lab, net, monica):
    net.forget_token()
    assert net.reset(monica).said == ("done", "none")
    told = [r for r in lab.service.requests if GOOD in r.body.decode() + r.path + json.dumps(r.headers)]
    assert [r.method for r in told] == ["PATCH"]
