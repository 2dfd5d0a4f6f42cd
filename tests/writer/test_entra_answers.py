# SPDX-License-Identifier: LGPL-2.1-or-later
"""LOOKUP in a tenant: every answer that is none, late, throttled, or not fit to be told: A3, F19, F23, F25, F44, M6, W10."""

import base64
import json
import time

import pytest

import faults
import worker as w
from cloud import contacts, good, said_to_be

HTML = {"Content-Type": "text/html; charset=utf-8"}
JSON = {"Content-Type": "application/json"}


# -- answers that are none


ITEMS = {"user": "/users/[^/]+\\?", "domain": "/domains/", "group": "/groups\\?", "member": "checkMemberGroups",
         "assignable": "transitiveMemberOf", "roles": "roleAssignments", "eligible": "roleEligibility"}
LISTS = ("assignable", "roles", "eligible", "group", "member")
WRONG = [[], {}, 5, "text", True, {"value": None}, {"value": {}}, {"value": 5}, {"value": "x"}, [{"value": []}], {"error": {}}]


def nasty(lab, item):
    yield from (faults.wrong_json(value) for value in WRONG)
    yield from (faults.status(number) for number in (500, 502, 503, 504, 400, 405, 409, 403))
    yield from (faults.answer(404, "<html>not here</html>", HTML), faults.answer(404, '{"message":"no such route"}', JSON))
    yield from (faults.answer(200, b""), faults.answer(204), faults.answer(200, b"", JSON), faults.portal())
    yield faults.redirect(lab.service.login_url)
    yield faults.answer(200, '{"value":[null]}', JSON) if item in LISTS else faults.answer(200, '{"id":null}', JSON)


@pytest.mark.parametrize("item", ITEMS)
def test_answer_that_is_none_refuses(lab, net, item):
    """A question without an answer is a refusal, and the next job is served."""
    good(net.lookup("MonicaT"), lab)
    for act in nasty(lab, item):
        lab.service.clear()
        lab.service.fault(None, ITEMS[item], act, host="graph")
        answer = net.lookup("MonicaT")
        answer2 = net.lookup("nobody")
        assert answer and answer.outcome == "refused", (item, answer)
        assert answer.why != "no-account" and answer2.said == ("refused", "no-account"), (item, answer.detail)
        assert lab.count(host="login") == 0
        lab.service.clear_faults()
    good(net.lookup("MonicaT"), lab)


@pytest.mark.parametrize("act", [
    faults.huge(), faults.broken_json(), faults.broken_json('{"responses":[{"id":"0"'), faults.portal(), faults.status(500),
    faults.status(502), faults.status(503), faults.status(504), faults.cut("before"), faults.cut("after"), faults.cut("middle"),
    faults.answer(204), faults.answer(200, b"", JSON), faults.answer(404, "<html></html>", HTML), faults.status(404),
    faults.answer(400, "bad", HTML), faults.answer(200, b"\x00\xff\xfe", JSON), faults.answer(200, b"[" * 500000, JSON),
    faults.redirect("https://login.lab/"), faults.redirect("https://graph.lab/", 307), faults.redirect("file:///etc/passwd", 301),
    *(faults.wrong_json(value) for value in (
        [], {}, 5, None, "x", {"responses": None}, {"responses": {}}, {"responses": []}, {"responses": [None, 5, [], {}]},
        {"responses": [{"id": "0", "status": 404}]}, {"responses": [{"id": 7, "status": 200}]},
        {"responses": [{"id": "-1", "status": 200}]},
        {"responses": [{"id": "99999999999999999999", "status": 200}]}, {"responses": [{"id": "0", "status": "200"}]},
        {"responses": [{"id": str(n), "status": 200, "body": {"value": []}} for n in range(20)]},
        {"responses": [{"id": str(n), "status": 404, "body": {}} for n in range(20)]}))])
def test_whole_answer_that_is_none_refuses(lab, net, act):
    good(net.lookup("MonicaT"), lab)
    lab.service.clear()
    for skip in (0, 1):
        lab.service.fault("POST", r"\$batch", act, skip=skip, times=9)
        answer = net.lookup("MonicaT")
        assert answer and answer.outcome == "refused" and answer.why != "no-account", answer
        lab.service.clear_faults()
    assert lab.count(host="login") == 0
    good(net.lookup("MonicaT"), lab)


@pytest.mark.parametrize("kind", ["text/html", "text/plain; application/json", "application/jsonx", ""])
def test_answer_that_is_not_said_to_be_json_is_none(lab, net, kind):
    lab.service.fault("POST", r"\$batch", said_to_be(kind))
    assert net.lookup("MonicaT").said == ("refused", "broken")


@pytest.mark.parametrize("number", [301, 302, 303, 307, 308])
def test_F28_redirect_is_not_followed(lab, net, number):
    good(net.lookup("MonicaT"), lab)
    lab.service.clear()
    place = f"{lab.service.login_url}/{lab.tenant.id}/discovery/v2.0/keys"
    lab.service.fault("POST", r"\$batch", faults.redirect(place, number), times=9)
    assert net.lookup("MonicaT").said == ("refused", "broken")
    assert lab.count(host="login") == 0


def test_no_such_batch_is_not_no_such_user(lab, net):
    lab.service.fault("POST", r"\$batch", faults.status(404), times=9)
    assert net.lookup("MonicaT", group="").said == ("refused", "broken")


def without(n):
    def change(body):
        answers = json.loads(body)["responses"]
        return json.dumps({"responses": [a for a in answers if a["id"] != str(n)]}).encode()

    return faults.other_body(change)


@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize("n", range(5))
def test_answer_that_is_missing_in_the_batch_refuses(lab, net, skip, n):
    lab.service.fault("POST", r"\$batch", without(n), skip=skip)
    answer = net.lookup("MonicaT")
    asked = len(json.loads(lab.service.find(r"\$batch")[skip].body)["requests"])
    assert answer.outcome == "refused" or n >= asked


def test_answer_that_speaks_of_somebody_else_refuses(lab, net):
    other = lab.tenant.user("NinaN")

    def change(body):
        return json.dumps({**json.loads(body), "id": other.id, "userPrincipalName": other.userPrincipalName}).encode()

    lab.service.fault("GET", ITEMS["user"], faults.other_body(change), times=2)
    assert net.lookup("MonicaT").said[0] == "refused"
    monica = lab.tenant.user("MonicaT")
    assert net.lookup(monica.userPrincipalName, object=monica.id).said[0] == "refused"


def of_user(**changes):
    return faults.other_body(lambda body: json.dumps({**json.loads(body), **changes}).encode())


@pytest.mark.parametrize("changes", [
    {"accountEnabled": "true"}, {"accountEnabled": None}, {"accountEnabled": 1}, {"userType": None}, {"userType": "member"},
    {"userType": ["Member"]}, {"id": None}, {"id": "x"}, {"id": 5}, {"id": "MonicaT@contoso.lab"}, {"userPrincipalName": None}, {"userPrincipalName": 5},
    {"onPremisesSyncEnabled": "true"}, {"onPremisesSyncEnabled": 1}, {"onPremisesSyncEnabled": [True]},
    {"lastPasswordChangeDateTime": 5}, {"lastPasswordChangeDateTime": ""}, {"lastPasswordChangeDateTime": "x" * 80}])
def test_A3_W10_property_of_another_type_refuses(lab, net, changes):
    lab.service.fault("GET", ITEMS["user"], of_user(**changes))
    assert net.lookup("MonicaT").said[0] == "refused"


@pytest.mark.parametrize("name", ["id", "userPrincipalName", "accountEnabled", "userType", "onPremisesSyncEnabled",
                                  "lastPasswordChangeDateTime"])
def test_A3_W10_property_that_is_left_out_refuses(lab, net, name):
    def change(body):
        return json.dumps({key: value for key, value in json.loads(body).items() if key != name}).encode()

    lab.service.fault("GET", ITEMS["user"], faults.other_body(change))
    assert net.lookup("MonicaT").said[0] == "refused"


def test_password_that_was_never_set_has_a_mark_too(lab, net):
    lab.tenant.user("MonicaT").lastPasswordChangeDateTime = None
    answer = net.lookup("MonicaT")
    assert answer.said == ("done", "none") and answer.mark == "never"


# -- F23, F19: throttled, and a token that is not good any more


@pytest.mark.parametrize("pattern", [r"\$batch", "roleAssignments"])
def test_F23_throttled_look_up_waits_and_asks_once_more(lab, net, pattern):
    net.lookup("nobody")
    lab.service.fault(None, pattern, faults.status(429, retry_after=1))
    start = time.monotonic()
    good(net.lookup("MonicaT"), lab)
    assert 0.9 < time.monotonic() - start < 2.5


@pytest.mark.parametrize("retry_after", [None, "60", "99999999", "-1", "soon", "1.5", ""])
def test_F23_throttled_for_longer_than_anybody_waits(lab, net, retry_after):
    net.lookup("nobody")
    lab.service.clear()
    lab.service.fault(None, r"\$batch|roleAssignments", faults.status(429, retry_after=retry_after), times=9)
    start = time.monotonic()
    assert net.lookup("MonicaT").said == ("refused", "busy")
    assert time.monotonic() - start < 0.9 and lab.trips == 1


def test_F23_throttled_again_and_again(lab, net):
    lab.service.fault(None, "roleAssignments", faults.status(429, retry_after=1), times=9)
    assert net.lookup("MonicaT").said == ("refused", "busy")
    assert lab.count("roleAssignments") == 2


@pytest.mark.parametrize("pattern", [r"\$batch", "roleAssignments", "/users/MonicaT%40contoso.lab\\?"])
def test_F19_look_up_gets_one_fresh_token(lab, net, pattern):
    net.lookup("nobody")
    lab.service.clear()
    lab.service.fault(None, pattern, faults.status(401))
    good(net.lookup("MonicaT"), lab)
    assert lab.tokens == 1
    lab.service.clear()
    lab.service.fault(None, pattern, faults.status(401), times=9)
    answer = net.lookup("MonicaT")
    assert answer.said == ("refused", "misconfigured")
    assert lab.tokens == 1 and lab.count(pattern) == 2


def test_F19_token_that_the_tenant_has_revoked(lab, net):
    good(net.lookup("MonicaT"), lab)
    lab.service.clear()
    lab.service.revoke_tokens()
    good(net.lookup("MonicaT"), lab)
    assert lab.tokens == 1
    good(net.lookup("MonicaT"), lab)
    assert lab.tokens == 1


# -- F44: what Graph says is text, or is not told


EVIL = "\x1b[31mred\x07\r\nx\x9b2J‮"


@pytest.mark.parametrize("changes", [
    {"userPrincipalName": f"MonicaT{EVIL}@contoso.lab"}, {"id": EVIL}, {"lastPasswordChangeDateTime": EVIL}])
def test_F44_control_characters_in_an_account(lab, net, changes):
    lab.service.fault("GET", ITEMS["user"], of_user(**changes))
    assert net.lookup("MonicaT").said == ("refused", "broken")


def test_F44_control_characters_in_contacts(lab, net):
    monica = lab.tenant.user("MonicaT")
    monica.email, monica.phones = f"m{EVIL}@lab", {"mobile": f"+1 42555{EVIL}50101", "office": "+1 4255550101\n"}
    assert contacts(good(net.lookup("MonicaT"), lab)) == ("", "", "")


@pytest.mark.parametrize("address", ["a@lab,b@lab", "a@lab;b@lab", "<a@lab>", '"a"@lab', "a b@lab", "a@lab\r\nBcc: b@lab", "a@b@c", "a"])
def test_M6_address_that_would_be_two(lab, net, address):
    lab.tenant.user("MonicaT").email = address
    assert good(net.lookup("MonicaT"), lab).mail == ""


@pytest.mark.parametrize("number", ["+1 425555٠١٠١", "4255550101", "+0 4255550101", "+1", "+1 42555501017777777", "+1;4255550101"])
def test_M6_number_that_is_none(lab, net, number):
    lab.tenant.user("MonicaT").phones = {"mobile": number}
    assert good(net.lookup("MonicaT"), lab).mobile == ""


@pytest.mark.parametrize("pattern", [r"\$batch", "/domains/"])
def test_F44_control_characters_in_an_error(lab, net, pattern):
    """Judged by what holds of every answer and log: both are printable."""
    body = {"error": {"code": f"Evil{EVIL}", "message": f"Evil{EVIL}"}}
    lab.service.fault(None, pattern, faults.status(400, body=body, headers={"request-id": "a\x1b[31mb\x7f"}))
    answer = net.lookup("MonicaT")
    assert answer.said[0] == "refused" and "Evil" in answer.detail


def test_F44_control_characters_in_the_ids_of_a_batch(lab, net):
    def change(body):
        answers = json.loads(body)["responses"]
        for answer in answers:
            answer.update(status=403, headers={"request-id": EVIL, "Retry-After": EVIL}, body={"error": {"code": EVIL, "message": EVIL}})
        return json.dumps({"responses": answers}).encode()

    lab.service.fault("POST", r"\$batch", faults.other_body(change))
    answer = net.lookup("MonicaT")
    assert answer.said == ("refused", "misconfigured") and "needs User.Read.All" in answer.detail


def test_F44_no_text_of_the_server_is_passed_through(lab, net):
    """Status, code and ids are told; what the message says is not."""
    body = {"error": {"code": "Request_BadRequest", "message": "Call +1 900 HELPDESK"}}
    lab.service.fault("GET", "/domains/", faults.status(400, body=body))
    answer = net.lookup("MonicaT")
    assert "Request_BadRequest" in answer.detail and "HELPDESK" not in answer.detail + net.log()


def test_item_whose_body_is_text(lab, net):
    """Graph gives what is no JSON as base64."""
    text = base64.b64encode(b'{"error":{"code":"Request_ResourceNotFound"}}').decode()

    def change(body):
        answers = json.loads(body)["responses"]
        for answer in answers:
            answer.update(status=404, body=text)
        return json.dumps({"responses": answers}).encode()

    lab.service.fault("POST", r"\$batch", faults.other_body(change))
    assert net.lookup("MonicaT").said == ("refused", "broken")


# -- the worker itself


def test_asking_side_that_goes_away_ends_the_asking(lab, net):
    lab.service.fault("POST", r"\$batch", faults.slow(2), times=9)
    with net.worker.connect(uid=0) as c:
        c.send(w.account_job(w.LOOKUP, "contoso", name="MonicaT", group="SSPRTesters"))
        w.wait_for(lambda: lab.trips == 1)
        assert net.worker.children()
    assert w.wait_for(lambda: not net.worker.children(), 1.9)
    time.sleep(0.2)
    assert lab.trips == 1


@pytest.mark.parametrize("host", ["graph", "login"])
def test_F25_nobody_listens(lab, net, host):
    good(net.lookup("MonicaT"), lab)
    if host == "login":
        net.forget_token()
    with lab.deaf(host):
        assert net.lookup("MonicaT").said == ("refused", "unreachable")
    net.forget_failure()
    good(net.lookup("MonicaT"), lab)


@pytest.mark.parametrize("host", ["graph", "login"])
def test_F25_F38_unknown_host(lab, net, host):
    good(net.lookup("MonicaT"), lab)
    lab.service.clear()
    if host == "login":
        net.forget_token()
    with lab.unknown(f"{host}.lab"):
        answer = net.lookup("MonicaT")
    assert answer.said == ("refused", "unreachable") and "resolve" in answer.detail.lower()
    assert lab.count(host=host) == 0
    net.forget_failure()
    good(net.lookup("MonicaT"), lab)
