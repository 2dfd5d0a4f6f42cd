# SPDX-License-Identifier: LGPL-2.1-or-later
"""APPROVAL and APPROVE: a sign-in with another device as a proof, and everything that is none. What takes time: test_entra_slow.py."""

import json
import time
import urllib.parse

import pytest

import faults
import worker as w
from cloud import boot_ms

JSON = {"Content-Type": "application/json"}
TOKEN, CODES, KEYS = "oauth2/v2.0/token", "oauth2/v2.0/devicecode", "discovery/v2.0/keys"


@pytest.fixture
def monica(lab, net):
    """An answer to LOOKUP. The server's interval is longer than a job lasts: each APPROVE asks once."""
    lab.tenant.settings.device_code_interval = 30
    answer = net.lookup("MonicaT")
    assert answer.said == ("done", "none")
    lab.service.clear()
    return answer


@pytest.fixture
def begun(net, monica):
    answer = net.approval(monica)
    assert answer.said == ("done", "none"), answer.detail
    return answer


def approve_after(lab, net, monica, begun, who="MonicaT", **k):
    """The verdict after somebody has signed in."""
    assert lab.service.sign_in(begun.code, who, **k)
    return net.approve(monica, begun.ticket)


# -- it works


def test_approval_begins_with_code_and_address(lab, net, monica, begun):
    [code] = lab.service.pending_codes()[-1:]
    assert begun.code == code.user_code and begun.address == f"{lab.service.login_url}/common/oauth2/deviceauth"
    assert begun.life == 900 and code.device_code.encode() in begun.ticket
    [request] = lab.service.find(CODES)
    form = urllib.parse.parse_qs(request.body.decode())
    assert form == {"client_id": [lab.app.appId], "scope": ["openid profile"]}
    assert "authorization" not in request.headers
    assert code.device_code not in net.log() and code.user_code not in net.log()


def test_pending_until_somebody_signs_in(lab, net, monica, begun):
    for _ in range(2):
        assert net.approve(monica, begun.ticket).said == ("refused", "pending")
    answer = approve_after(lab, net, monica, begun)
    assert answer.said == ("done", "none"), answer.detail
    assert lab.count(TOKEN) == 3 and lab.count(KEYS) == 1
    form = urllib.parse.parse_qs(lab.service.find(TOKEN)[0].body.decode())
    assert set(form) == {"grant_type", "client_id", "device_code"}, "a public client says no secret"


def test_sign_in_counts_once(lab, net, monica, begun):
    assert approve_after(lab, net, monica, begun).said == ("done", "none")
    assert net.approve(monica, begun.ticket).said == ("refused", "declined")


def test_each_approval_has_a_code_of_its_own(net, monica):
    assert len({net.approval(monica).code for _ in range(5)}) == 5


def test_without_the_optional_claim(lab, net, monica, begun):
    lab.app.auth_time = False
    answer = approve_after(lab, net, monica, begun)
    assert answer.said == ("refused", "misconfigured") and "auth_time" in answer.detail


def test_signing_key_that_is_new(lab, net, monica, begun):
    lab.service.rotate_keys()
    assert approve_after(lab, net, monica, begun).said == ("done", "none")


def test_id_has_no_case(lab, net, monica, begun):
    assert lab.service.sign_in(begun.code, "MonicaT")
    assert net.approve(monica, begun.ticket, object=monica.object.upper()).said == ("done", "none")


# -- it was somebody else, or nobody


@pytest.mark.parametrize("who", ["LeeG", "AdaA", "SamS"])
def test_other_user_of_the_tenant(lab, net, monica, begun, who):
    answer = approve_after(lab, net, monica, begun, who)
    assert answer.said == ("refused", "other-account") and "oid" in answer.detail
    assert "does not count" in net.log()


def test_declined(lab, net, monica, begun):
    assert approve_after(lab, net, monica, begun, decline=True).said == ("refused", "declined")


def test_expired(lab, net, monica, begun):
    lab.service.pending_codes()[-1].expires = time.time() - 1
    answer = net.approve(monica, begun.ticket)
    assert answer.said == ("refused", "declined") and "expired_token AADSTS70020" in answer.detail


def test_signed_in_before_this_one_began(lab, net, monica, begun):
    answer = approve_after(lab, net, monica, begun, auth_time=time.time() - 3600)
    assert answer.said == ("refused", "declined") and "auth_time" in answer.detail


def test_conditional_access_blocks_it(lab, net, monica, begun):
    lab.tenant.settings.block_device_code = True
    answer = approve_after(lab, net, monica, begun)
    assert answer.said == ("refused", "declined") and "AADSTS53003" in answer.detail and "Conditional Access" in answer.detail


def test_application_is_no_public_client(lab, net, monica, begun):
    lab.app.public_client = False
    answer = approve_after(lab, net, monica, begun)
    assert answer.said == ("refused", "misconfigured")
    assert "AADSTS7000218" in answer.detail and "public client flows" in answer.detail


def test_asked_too_often(lab, net, monica, begun):
    lab.tenant.settings.slow_down = True
    for _ in range(3):
        assert net.approve(monica, begun.ticket).said == ("refused", "pending")
    assert approve_after(lab, net, monica, begun).said == ("done", "none")


@pytest.mark.parametrize("ticket", [
    "garbage", "", "1", "1 5", "1 5 ", "0 5 code", "-1 5 code", "1 0 code", "1 -5 code", "x 5 code", "1 x code", " ", "\0", "1\t5\tcode",
    b"\xff\xfe", "99999999999999999999999 5"])
def test_ticket_that_is_none(lab, net, monica, ticket):
    assert net.approve(monica, ticket).said == ("refused", "other-account")
    assert not lab.service.requests


@pytest.mark.parametrize("code", ["unknown", "a&device_code=b", "a b\r\nc", "é", "%00"])
def test_ticket_with_another_code(lab, net, monica, begun, code):
    made = int(begun.ticket.split()[0])
    answer = net.approve(monica, f"{made} 30 {code}")
    assert answer.said == ("refused", "declined") and "bad_verification_code" in answer.detail


def test_ticket_of_another_tenant(lab, monica, begun):
    second = lab.fabrikam()
    net = lab.start(directories={"contoso": lab.directory(), "fabrikam": lab.directory(second)})
    assert lab.service.sign_in(begun.code, "MonicaT")
    assert net.approve(monica, begun.ticket, directory="fabrikam").said == ("refused", "declined")


# -- a decoy


@pytest.mark.parametrize("changes", [{"object": "", "name": "nobody@contoso.lab"}, {"object": "", "name": ""}])
def test_E1_decoy_looks_the_same_and_never_passes(lab, net, monica, changes):
    decoy = w.Answer(w.encode(w.DONE_MESSAGE, (w.OUTCOME, b"\x01"), (w.WHY, b"\0"), (w.DIRECTORY, "contoso"), (w.OBJECT, changes["object"]),
                              (w.NAME, changes["name"]), (w.MARK, "")))
    begun = net.approval(decoy)
    assert begun.said == ("done", "none") and len(begun.code) == 9 and begun.life == 900
    assert net.approve(decoy, begun.ticket).said == ("refused", "pending")
    assert lab.service.sign_in(begun.code, "MonicaT")
    assert net.approve(decoy, begun.ticket).said == ("refused", "other-account")
    assert lab.count(TOKEN) == 2


# -- an id_token that is none


NOW = int(time.time())
OTHER = "11111111-2222-3333-4444-555555555555"
CLAIMS = {
    "aud": ({"aud": OTHER}, "broken"), "aud list": ({"aud": [OTHER]}, "broken"), "aud null": ({"aud": None}, "broken"),
    "iss": ({"iss": "https://login.lab/x/v2.0"}, "broken"), "iss tenant": ({"iss": f"https://login.lab/{OTHER}/v2.0"}, "broken"),
    "tid": ({"tid": OTHER}, "other-account"), "tid null": ({"tid": None}, "other-account"),
    "oid": ({"oid": OTHER}, "other-account"), "oid list": ({"oid": ["x"]}, "other-account"), "oid empty": ({"oid": ""}, "other-account"),
    "exp": ({"exp": NOW - 100}, "broken"), "exp null": ({"exp": None}, "broken"), "exp text": ({"exp": "never"}, "broken"),
    "nbf": ({"nbf": NOW + 3000}, "broken"), "nbf text": ({"nbf": "x"}, "broken"), "nbf huge": ({"nbf": 10**30}, "broken"),
    "iat": ({"iat": NOW + 3000}, "broken"), "iat text": ({"iat": "x"}, "broken"), "iat old": ({"iat": NOW - 3000}, "declined"),
    "auth_time": ({"auth_time": NOW - 3000}, "declined"), "auth_time text": ({"auth_time": "x"}, "declined"),
    "auth_time negative": ({"auth_time": -1}, "declined"), "auth_time list": ({"auth_time": [NOW]}, "declined"),
}


@pytest.mark.parametrize("what", CLAIMS)
def test_claim_that_is_wrong(lab, net, monica, begun, what):
    change, why = CLAIMS[what]
    lab.service.spoil_id_token(change)
    answer = approve_after(lab, net, monica, begun)
    assert answer.said == ("refused", why), answer.detail


@pytest.mark.parametrize("claim,said", [
    ("aud", "broken"), ("iss", "broken"), ("exp", "broken"), ("iat", "broken"), ("tid", "other-account"), ("oid", "other-account"),
    ("nbf", "none"), ("auth_time", "misconfigured"), ("name", "none"), ("preferred_username", "none"), ("sub", "none")])
def test_claim_that_is_missing(lab, net, monica, begun, claim, said):
    lab.service.spoil_id_token(drop=(claim,))
    assert approve_after(lab, net, monica, begun).why == said


@pytest.mark.parametrize("claim", ["name", "preferred_username", "upn", "unique_name", "email", "sub"])
def test_nobody_is_known_by_a_name(lab, net, monica, begun, claim):
    """What a tenant's user may be able to choose is no proof."""
    lab.service.spoil_id_token({claim: {"sub": monica.object}.get(claim, "MonicaT@contoso.lab")})
    assert approve_after(lab, net, monica, begun, "LeeG").said == ("refused", "other-account")


@pytest.mark.parametrize("signature", ["wrong", "none", "hs256", "other-key"])
def test_signature_that_is_wrong(lab, net, monica, begun, signature):
    lab.service.spoil_id_token(signature=signature)
    answer = approve_after(lab, net, monica, begun)
    assert answer.said == ("refused", "broken") and "signed" in answer.detail


@pytest.mark.parametrize("header", [
    {"kid": "unknown"}, {"kid": None}, {"kid": ""}, {"kid": 5}, {"alg": "none"}, {"alg": "RS384"}, {"alg": "PS256"}, {"alg": "rs256"},
    {"alg": None}, {"alg": ["RS256"]}])
def test_header_that_is_wrong(lab, net, monica, begun, header):
    lab.service.spoil_id_token(header=header)
    assert approve_after(lab, net, monica, begun).said == ("refused", "broken")


def token_answer(change):
    def of_body(body):
        answer = json.loads(body)
        answer["id_token"] = change(answer["id_token"]) if callable(change) else change
        return json.dumps(answer).encode()

    return faults.other_body(of_body)


def parts(token):
    return token.split(".")


@pytest.mark.parametrize("change", [
    None, 5, "", "x", "a.b", "a.b.c", "..", "....", lambda t: t + ".", lambda t: t + ".x", lambda t: t.rpartition(".")[0],
    lambda t: t.rpartition(".")[0] + ".", lambda t: t + "A", lambda t: t[:-3], lambda t: "." + t, lambda t: t.replace(".", ".." , 1),
    lambda t: f"{parts(t)[0]}.{'A' * 20000}.{parts(t)[2]}", lambda t: "A" * 20000 + t, lambda t: t.replace(".", ". "),
    lambda t: f"{parts(t)[0]}.{parts(t)[1]}=.{parts(t)[2]}", lambda t: parts(t)[1] + "." + parts(t)[0] + "." + parts(t)[2]])
def test_id_token_that_is_none(lab, net, monica, begun, change):
    lab.service.fault("POST", TOKEN, token_answer(change), host="login")
    assert approve_after(lab, net, monica, begun).said == ("refused", "broken")


@pytest.mark.parametrize("act,why", [
    (faults.status(500), "unreachable"), (faults.status(503), "unreachable"), (faults.status(429), "unreachable"),
    (faults.answer(404, "<html></html>"), "broken"), (faults.portal(), "broken"), (faults.cut("before"), "unreachable"),
    (faults.huge(), "unreachable"), (faults.broken_json(), "broken"), (faults.redirect("https://graph.lab/"), "broken"),
    *((faults.wrong_json(v), "broken") for v in (
        {}, [], None, {"keys": []}, {"keys": {}}, {"keys": [None, 5, {}]}, {"keys": [{"kty": "EC", "kid": "x"}]}))])
def test_keys_that_are_not_to_be_had(lab, net, monica, begun, act, why):
    lab.service.fault("GET", KEYS, act, host="login", times=9)
    assert approve_after(lab, net, monica, begun).said == ("refused", why)


@pytest.mark.parametrize("change", [
    {"kty": "EC"}, {"kty": None}, {"n": None}, {"e": None}, {"n": ""}, {"e": ""}, {"n": "AQAB"}, {"e": "AA"}, {"n": "!!"}, {"kid": "other"},
    {"n": "A" * 5000}, {"n": 5}])
def test_key_that_is_of_no_use(lab, net, monica, begun, change):
    def spoil(body):
        return json.dumps({"keys": [{**key, **change} for key in json.loads(body)["keys"]]}).encode()

    lab.service.fault("GET", KEYS, faults.other_body(spoil), host="login", times=9)
    assert approve_after(lab, net, monica, begun).said == ("refused", "broken")


# -- the endpoints


@pytest.mark.parametrize("act,why", [
    (faults.status(500), "unreachable"), (faults.status(429), "unreachable"), (faults.cut("before"), "unreachable"),
    (faults.portal(), "broken"), (faults.answer(404, "<html></html>"), "broken"), (faults.huge(), "unreachable"),
    (faults.redirect("https://graph.lab/"), "broken"), (faults.broken_json(), "broken"), (faults.wrong_json([]), "broken"),
    (faults.status(400, body={"error": "invalid_client", "error_description": "AADSTS7000218: x"}), "misconfigured"),
    (faults.status(400, body={"error": "unauthorized_client"}), "misconfigured"), (faults.status(403, body={}), "misconfigured")])
def test_device_code_endpoint_that_is_not_well(lab, net, monica, act, why):
    lab.service.fault("POST", CODES, act, host="login")
    answer = net.approval(monica)
    assert answer.said == ("refused", why) and not answer.code and not answer.address and not answer.ticket
    assert "no sign-in by device code" in net.log()


@pytest.mark.parametrize("act,why", [
    (faults.status(500), "unreachable"), (faults.status(429), "unreachable"), (faults.cut("before"), "unreachable"),
    (faults.portal(), "broken"), (faults.huge(), "unreachable"), (faults.wrong_json([]), "misconfigured"),
    (faults.wrong_json({}), "misconfigured"),
    (faults.answer(200, "{}", JSON), "broken"), (faults.answer(200, "[]", JSON), "broken"), (faults.answer(200, b"", JSON), "broken"),
    (faults.status(400, body={"error": "server_error"}), "misconfigured"), (faults.status(400, body={}), "misconfigured"),
    (faults.status(400, body={"error": "authorization_pending", "id_token": "x"}), "pending"),
    (faults.redirect("https://graph.lab/"), "broken")])
def test_token_endpoint_that_is_not_well(lab, net, monica, begun, act, why):
    lab.service.fault("POST", TOKEN, act, host="login")
    assert net.approve(monica, begun.ticket).said == ("refused", why)


EVIL = "\x1b[31m\r\n\x07‮"


@pytest.mark.parametrize("change", [
    {"user_code": f"AB{EVIL}"}, {"user_code": ""}, {"user_code": None}, {"user_code": "A" * 24}, {"user_code": 5},
    {"verification_uri": f"https://x/{EVIL}"}, {"verification_uri": "http://login.lab/"}, {"verification_uri": "javascript:x"},
    {"verification_uri": "https://" + "x" * 96}, {"verification_uri": None}, {"device_code": ""}, {"device_code": None},
    {"device_code": "x" * 600}])
def test_F44_device_code_answer_that_could_not_be_shown(lab, net, monica, change):
    lab.service.fault("POST", CODES, faults.lying_token(**change), host="login")
    answer = net.approval(monica)
    assert answer.said == ("refused", "broken") and not answer.code and not answer.address and not answer.ticket


@pytest.mark.parametrize("change,life,interval", [
    ({"expires_in": 10**9}, 900, 30), ({"expires_in": 0}, 1, 30), ({"expires_in": -5}, 1, 30), ({"expires_in": None}, 900, 30),
    ({"expires_in": "300"}, 300, 30), ({"interval": None}, 900, 5), ({"interval": 0}, 900, 1), ({"interval": 10**9}, 900, 60),
    ({"interval": "x"}, 900, 5)])
def test_times_are_kept_within_reason(lab, net, monica, change, life, interval):
    lab.service.fault("POST", CODES, faults.lying_token(**change), host="login")
    answer = net.approval(monica)
    assert answer.said == ("done", "none") and answer.life == life and int(answer.ticket.split()[1]) == interval


@pytest.mark.parametrize("member", ["error", "error_description", "trace_id"])
def test_F44_no_text_of_the_server_comes_through_unfiltered(lab, net, monica, begun, member):
    body = {"error": "invalid_grant", "error_description": "AADSTS50034: x", "trace_id": "t", member: f"AADSTS1{EVIL}owned" * 9}
    lab.service.fault(None, "oauth2", faults.status(400, body=body), host="login", times=2)
    for answer in (net.approve(monica, begun.ticket), net.approval(monica)):
        assert answer.said[0] == "refused"


# -- until, and who still waits


def test_nothing_is_asked_after_its_last_moment(lab, net, monica, begun):
    lab.service.clear()
    assert net.approve(monica, begun.ticket, until=boot_ms() - 1) is None
    assert not lab.service.requests


def test_asking_side_that_goes_away_ends_the_asking(lab, net, monica):
    lab.tenant.settings.device_code_interval = 2
    begun = net.approval(monica)
    with net.worker.connect(uid=0) as c:
        c.send(w.account_job(w.APPROVE, "contoso", monica.object, monica.name, secret=begun.ticket))
        w.wait_for(lambda: lab.count(TOKEN))
        time.sleep(0.1)
    assert w.wait_for(lambda: not net.worker.children(), 1) and lab.count(TOKEN) == 1
