# SPDX-License-Identifier: LGPL-2.1-or-later
"""Access tokens of ssprd-net: by which credential, how many, how long, and what the administrator is told: F19, F29, F44."""

import fcntl
import json
import os
import shutil
import stat
import threading
import time

import pytest

import faults
import worker as w
from certificates import certificate as make_certificate
from certificates import key_pem, make_application_certificate, pem_of
from cloud import said_to_be
from cryptography.hazmat.primitives.asymmetric import ec

JSON = {"Content-Type": "application/json"}
BAD_SECRET = "wrong-5d1c~secret"


def pem(pair):
    return "".join(part.decode() for part in pair)


@pytest.fixture(scope="module")
def own(one_lab):
    """An ssprd-net whose credentials these tests change."""
    return one_lab.start()


@pytest.fixture
def net(lab, own):
    own.forget_token()
    own.hand_over(certificate=lab.certificate)
    return own


@pytest.fixture(scope="module")
def pairs():
    """Certificates of several kinds."""
    ec_key = ec.generate_private_key(ec.SECP256R1())
    new, other = make_application_certificate("new"), make_application_certificate("other")
    return {
        "new": pem(new), "other": pem(other), "expired": pem(make_application_certificate("expired", days=-1, first=-9)),
        "future": pem(make_application_certificate("future", first=2)), "short": pem(make_application_certificate("short", bits=1024)),
        "mismatch": pem((new[0], other[1])), "no-key": new[0].decode(), "no-certificate": new[1].decode(), "garbage": "nothing\n",
        "cut": pem(new)[:-200], "ec": pem((pem_of(make_certificate("ec", ec_key, "ec", ec_key, -1, 30)), key_pem(ec_key))),
        "empty": "", "nul": pem(new) + "\0", "huge": "x" * 20000}


def works(net):
    answer = net.lookup("MonicaT")
    return answer.said == ("done", "none") or answer


def how(lab):
    """By what the application proved who it is, each time it got a token."""
    return [entry["how"] for entry in lab.tenant.audit if entry["what"] == "token"]


# -- how many


def test_one_token_for_two_hundred_look_ups(lab, net):
    assert [net.lookup("MonicaT").said for _ in range(200)] == [("done", "none")] * 200
    assert lab.tokens == 1


def send_all(net, n, name="MonicaT"):
    open_ = [net.worker.connect(uid=0) for _ in range(n)]
    for c in open_:
        c.send(w.account_job(w.LOOKUP, "contoso", name=name, group="SSPRTesters"))
    return open_


def receive_all(open_):
    answers = [c.receive() for c in open_]
    for c in open_:
        c.close()
    return [answer.said for answer in answers]


def at_once(net, n):
    """That many look-ups at the same moment; their answers."""
    return receive_all(send_all(net, n))


def test_one_token_for_fifty_children_at_once(lab, net):
    lab.service.fault("POST", "/token", faults.slow(0.3), host="login")
    assert at_once(net, 50) == [("done", "none")] * 50
    assert lab.tokens == 1


def test_children_that_have_all_seen_that_there_is_none_fetch_one(lab, net):
    """Held back until each of them wants to write."""
    with open(net.token_file(), "w") as f:
        fcntl.flock(f, fcntl.LOCK_SH)
        open_ = send_all(net, 8)
        w.wait_for(lambda: len(net.worker.children()) == 8)
        time.sleep(0.2)
    assert receive_all(open_) == [("done", "none")] * 8
    assert lab.tokens == 1


def test_F19_refused_token_is_fetched_once_for_all_children(lab, net):
    assert works(net) is True
    lab.service.clear()
    lab.service.revoke_tokens()
    lab.service.fault("POST", "/token", faults.slow(0.3), host="login")
    assert at_once(net, 20) == [("done", "none")] * 20
    assert lab.tokens == 1


def test_token_is_fetched_anew_before_it_ends(lab, net):
    lab.tenant.settings.token_lifetime = 2
    time.sleep(1 - time.time() % 1)  # it tells its end in whole seconds
    assert works(net) is True
    time.sleep(1.5)
    assert works(net) is True and lab.tokens == 1
    time.sleep(0.4)  # a tenth of its life is left out
    assert works(net) is True and lab.tokens == 2
    assert not lab.service.find(status=401)


def test_token_is_kept_by_its_life_and_five_minutes_less(lab, net):
    assert works(net) is True
    before = w.time.clock_gettime(time.CLOCK_BOOTTIME)
    until = int(open(net.token_file()).read().split()[1]) / 1000
    assert 3599 - 300 - 5 < until - before < 3599 - 300 + 1


@pytest.mark.parametrize("life", [10**15, "99999999"])
def test_token_that_promises_to_last_for_ever(lab, net, life):
    lab.service.fault("POST", "/token", faults.lying_token(expires_in=life), host="login")
    assert works(net) is True
    until = int(open(net.token_file()).read().split()[1]) / 1000
    assert until - time.clock_gettime(time.CLOCK_BOOTTIME) < 24 * 3600


def test_without_a_runtime_directory_each_child_asks_for_its_own(lab):
    net = lab.start(env={"RUNTIME_DIRECTORY": "/nowhere"})
    assert works(net) is True and works(net) is True
    assert lab.tokens == 2


# -- the one that is kept


def test_kept_token_is_for_nobody_else_to_read(lab, net):
    assert works(net) is True
    mode = os.stat(net.token_file())
    assert stat.S_IMODE(mode.st_mode) == 0o600 and mode.st_uid == 0
    assert os.listdir(net.places["runtime"]) == ["token-contoso"]


@pytest.mark.parametrize("spoil", [
    lambda text: b"", lambda text: text[:100], lambda text: text[:-1], lambda text: b"\0" * 200, lambda text: os.urandom(9000),
    lambda text: b"0" * 64 + text[64:], lambda text: text[:65] + b"99999999999999999999 \xff\x00", lambda text: text.replace(b" ", b"\n"),
    lambda text: text[:65] + b"-1" + text[78:], lambda text: text + b"\r\nX-Evil: 1", lambda text: b"x" * 100000])
def test_kept_token_that_is_spoilt(lab, net, spoil):
    assert works(net) is True
    with open(net.token_file(), "rb") as f:
        text = f.read()
    with open(net.token_file(), "wb") as f:
        f.write(spoil(text))
    lab.service.clear()
    assert works(net) is True and works(net) is True
    assert lab.tokens == 1


def test_token_file_that_is_a_link(lab, net, tmp_path):
    (tmp_path / "target").write_text("untouched")
    os.symlink(tmp_path / "target", net.token_file())
    assert works(net) is True
    assert (tmp_path / "target").read_text() == "untouched"


def test_kept_token_is_bound_to_the_credential(lab, net):
    assert works(net) is True
    net.hand_over(secret=BAD_SECRET)
    answer = net.lookup("MonicaT")
    assert answer.said == ("refused", "misconfigured"), "what was revoked must not live on"
    assert "AADSTS7000215" in answer.detail
    net.hand_over(secret=lab.app.secret)
    assert works(net) is True and lab.tokens == 3


def test_kept_token_is_bound_to_tenant_application_and_hosts(lab, net):
    """A file of another ssprd-net, for the same directory name with another configuration."""
    other = lab.tenant.add_application("other")
    other.add_certificate(lab.app.certificate_pem)
    assert works(net) is True
    for changes, why, tokens, trips in (
            ({"client_id": other.appId}, "misconfigured", 1, 1), ({"tenant": "11111111-2222-3333-4444-555555555555"}, "misconfigured", 1, 0),
            ({"graph": "graph.lab:1"}, "misconfigured", 1, 0), ({"login": "login.lab:1"}, "unreachable", 0, 0)):
        second = lab.start(**changes)
        shutil.copy(net.token_file(), second.token_file())
        lab.service.clear()
        assert second.lookup("MonicaT").said == ("refused", why), changes
        assert (lab.tokens, lab.trips) == (tokens, trips), changes


def test_two_tenants_have_a_token_each(lab):
    second = lab.fabrikam()
    net = lab.start(directories={"contoso": lab.directory(), "fabrikam": lab.directory(second)})
    net.hand_over("fabrikam", secret=second.application.secret)
    assert works(net) is True
    answer = net.lookup("MonicaT", directory="fabrikam")
    assert answer.said == ("done", "none") and answer.name == "MonicaT@fabrikam.lab" and answer.directory == "fabrikam"
    assert net.lookup("MonicaT@contoso.lab", directory="fabrikam").said == ("refused", "no-account")
    assert {r.tenant.name for r in lab.service.requests} == {"Contoso", "Fabrikam"} and lab.tokens == 2
    assert sorted(os.listdir(net.places["runtime"])) == ["token-contoso", "token-fabrikam"]


# -- by what


def test_certificate(lab, net):
    assert works(net) is True
    [proof] = [entry for entry in lab.tenant.audit if entry["what"] == "assertion"]
    header, claims = proof["header"], proof["claims"]
    assert header["alg"] == "PS256" and header["typ"] == "JWT" and set(header) == {"alg", "typ", "x5t#S256"}
    assert claims["aud"] == f"{lab.service.login_url}/{lab.tenant.id}/oauth2/v2.0/token"
    assert claims["iss"] == claims["sub"] == lab.app.appId and abs(claims["nbf"] - time.time()) < 5
    assert 300 <= claims["exp"] - claims["nbf"] <= 600
    [request] = lab.service.find("/token")
    assert "client_secret" not in request.body.decode() and lab.app.key_pem not in request.body.decode()
    net.forget_token()
    assert works(net) is True
    ids = [entry["claims"]["jti"] for entry in lab.tenant.audit if entry["what"] == "assertion"]
    assert len(set(ids)) == 2


def test_client_secret(lab, net):
    net.hand_over(secret=lab.app.secret)
    assert works(net) is True and how(lab) == ["secret"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_client_secret_of_a_file_that_ends_with_a_newline(lab, net, end):
    net.hand_over(secret=lab.app.secret + end)
    assert works(net) is True


def test_client_secret_with_everything_in_it(lab, net):
    net.hand_over(secret=lab.app.add_secret("a+b&c=d%20e f\"g\\h~i;j/k?l#m é"))
    assert works(net) is True


@pytest.mark.parametrize("given,used", [
    ({"certificate": "other", "certificate_next": "known"}, "certificate"), ({"certificate": "other", "secret": "known"}, "secret"),
    ({"certificate": "expired", "certificate_next": "known"}, "certificate"), ({"certificate": "future", "secret": "known"}, "secret"),
    ({"certificate": "garbage", "certificate_next": "known"}, "certificate"), ({"secret": "bad", "secret_next": "known"}, "secret"),
    ({"certificate_next": "known"}, "certificate"), ({"secret_next": "known"}, "secret"),
    ({"secret": "old", "secret_next": "known"}, "secret"),
    ({"certificate": "huge", "secret": "known"}, "secret"), ({"certificate": "nul", "secret": "known"}, "secret"),
    ({"certificate": "ec", "secret": "known"}, "secret"), ({"certificate": "known", "certificate_next": "other"}, "certificate"),
    ({"certificate": "other", "certificate_next": "expired", "secret": "bad", "secret_next": "known"}, "secret")])
def test_rotation(lab, net, pairs, given, used):
    lab.app.secrets.append(["old-secret", time.time() - 60])
    texts = {**pairs, "bad": BAD_SECRET, "old": "old-secret"}

    def text(part, kind):
        return (lab.certificate if "certificate" in part else lab.app.secret) if kind == "known" else texts[kind]

    net.hand_over(**{part: text(part, kind) for part, kind in given.items()})
    assert works(net) is True
    assert how(lab) == [used]
    for part, kind in given.items():
        name = f"sspr-contoso-{part.replace('_', '-')}"
        behind = list(given).index(part) > list(given.values()).index("known")
        assert (f"credential {name}" in net.log()) == (kind != "known" and not behind and kind not in ("huge", "nul")), net.log()


def test_rotation_on_the_side_of_the_tenant(lab, net, pairs):
    """The old certificate is taken away while the new one is in place already; the token of the old one lives on until it ends."""
    net.hand_over(certificate=lab.certificate, certificate_next=pairs["new"])
    assert works(net) is True
    lab.app.add_certificate(pairs["new"][: pairs["new"].index("-----BEGIN PRIVATE")])
    lab.app.certificates.pop(0)
    assert works(net) is True and lab.tokens == 1
    net.forget_token()
    assert works(net) is True and lab.tokens == 3


@pytest.mark.parametrize("kind", ["expired", "future"])
def test_certificate_out_of_its_time_is_not_even_shown(lab, net, pairs, kind):
    net.hand_over(certificate=pairs[kind])
    answer = net.lookup("MonicaT")
    assert answer.said == ("refused", "misconfigured") and "sspr-contoso-certificate" in answer.detail
    assert ("expired" if kind == "expired" else "not valid yet") in answer.detail
    assert not lab.service.requests


@pytest.mark.parametrize("kind", ["short", "mismatch", "no-key", "no-certificate", "garbage", "cut", "ec"])
def test_certificate_that_is_of_no_use(lab, net, pairs, kind):
    net.hand_over(certificate=pairs[kind])
    answer = net.lookup("MonicaT")
    assert answer.said == ("refused", "misconfigured")
    assert "sspr-contoso-certificate must be PEM" in answer.detail and not lab.service.requests


@pytest.mark.parametrize("given", [{}, {"certificate": ""}, {"secret": ""}, {"secret": "\n"}, {"certificate": "\0"}, {"secret": "a\0b"}])
def test_no_credential_at_all(lab, net, given):
    net.hand_over(**given)
    answer = net.lookup("MonicaT")
    assert answer.said == ("refused", "misconfigured")
    assert "sspr-contoso-certificate" in answer.detail or "sspr-contoso-secret" in answer.detail
    assert not lab.service.requests


def test_no_credentials_directory(lab):
    answer = lab.start(env={"CREDENTIALS_DIRECTORY": "/nowhere"}).lookup("MonicaT")
    assert answer.said == ("refused", "misconfigured")
    assert "there is no credential sspr-contoso-certificate or sspr-contoso-secret" in answer.detail


def test_key_by_uri(lab):
    path = f"{lab.folder}/application.key"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write(lab.app.key_pem)
    net = lab.start(key=f"file:{path}", credentials={"certificate": lab.app.certificate_pem})
    assert works(net) is True and how(lab) == ["certificate"]
    os.unlink(path)
    net.forget_token()
    answer = net.lookup("MonicaT")
    assert answer.said == ("refused", "misconfigured") and "[directory] key" in answer.detail


# -- what the administrator is told


TOLD = {
    7000215: "secret is not the one", 7000222: "has expired", 700027: "upload it", 50012: "upload it", 700024: "clock", 700016: "client-id",
    7000112: "disabled", 90002: "no such tenant", 900023: "no such tenant", 500011: "see cloud and graph", 53003: "Conditional Access"}


def error(number, name="invalid_request", status=400, **more):
    return faults.status(status, body={"error": name, "error_codes": [number], "error_description": f"AADSTS{number}: x", "trace_id": "t-1",
                                       "correlation_id": "c-1", **more})


@pytest.mark.parametrize("number", TOLD)
def test_F29_number_and_what_to_do(lab, net, number):
    lab.service.fault("POST", "/token", error(number), host="login", times=9)
    answer = net.lookup("MonicaT")
    assert answer.said == ("refused", "misconfigured")
    assert f"AADSTS{number}: " in answer.detail and TOLD[number] in answer.detail
    assert "trace t-1" in answer.detail and "correlation c-1" in answer.detail and lab.trips == 0


def test_F29_number_without_a_hint(lab, net):
    lab.service.fault("POST", "/token", error(50057), host="login")
    assert "AADSTS50057" in net.lookup("MonicaT").detail


@pytest.mark.parametrize("changes,number", [
    ({"tenant": "11111111-2222-3333-4444-555555555555"}, 90002), ({"client_id": "11111111-2222-3333-4444-555555555555"}, 700016)])
def test_F29_wrong_tenant_and_unknown_application(lab, changes, number):
    answer = lab.start(**changes).lookup("MonicaT")
    assert answer.said == ("refused", "misconfigured") and f"AADSTS{number}" in answer.detail


def test_F29_disabled_application_and_no_other_credential_is_tried(lab, net):
    lab.app.enabled = False
    net.hand_over(certificate=lab.certificate, secret=lab.app.secret)
    answer = net.lookup("MonicaT")
    assert answer.said == ("refused", "misconfigured") and "AADSTS7000112" in answer.detail
    assert lab.tokens == 1


EVIL = "\x1b]0;owned\x07\x1b[31m\r\nsspr: forged line‮"


@pytest.mark.parametrize("member", ["error", "error_description", "trace_id", "correlation_id", "error_uri", "suberror"])
def test_F44_no_text_of_the_server_comes_through_unfiltered(lab, net, member):
    """That answer and log are printable is judged for every test."""
    lab.service.fault("POST", "/token", error(90002, **{member: EVIL * 20}), host="login")
    answer = net.lookup("MonicaT")
    assert answer.said == ("refused", "misconfigured")
    assert "\nsspr: forged" not in net.log()
    if member == "error_description":
        assert "forged" not in answer.detail + net.log()


@pytest.mark.parametrize("changes", [
    {"error": 5}, {"error": None}, {"error_codes": None}, {"error_codes": "x"}, {"error_codes": [None, "x", {}]}, {"trace_id": []}])
def test_error_of_another_form(lab, net, changes):
    lab.service.fault("POST", "/token", error(90002, **changes), host="login")
    assert net.lookup("MonicaT").said == ("refused", "misconfigured")


# -- a token endpoint that is not well


@pytest.mark.parametrize("act,why", [
    (faults.status(429), "busy"), (faults.status(429, retry_after=1), "busy"), (faults.status(503), "busy"),
    (faults.status(500, body={"error": "server_error"}), "unreachable"), (faults.answer(500, "<html></html>"), "unreachable"),
    (faults.answer(429, "slow down", {"Retry-After": "5"}), "busy"), (faults.answer(503, "", {"Retry-After": "5"}), "busy"),
    (faults.answer(502, b""), "unreachable"), (faults.portal(), "broken"), (faults.redirect("https://graph.lab/"), "broken"),
    (faults.answer(200, b"", JSON), "broken"), (faults.answer(200, "{}", {"Content-Type": "text/plain"}), "broken"),
    (faults.broken_json(), "broken"), *((faults.wrong_json(v), "broken") for v in ([], {}, 5, None, "x", [{"access_token": "x"}])),
    (faults.huge(), "unreachable"), (faults.cut("before"), "unreachable"), (faults.cut("middle"), "unreachable"),
    (faults.status(200, body={"error": "invalid_client"}), "broken"),
    *((faults.lying_token(access_token=v), "broken") for v in (
        None, "", 5, [], "x" * 8192, "x" * 70000, "a b", "a\r\nX-Evil: 1", "a\nb", "\x1b[31m", "ä", "a\"b", "a\tb", "a,b")),
    (faults.lying_token(token_type="mac"), "broken"), (faults.lying_token(token_type=None), "broken"),
    *((faults.lying_token(expires_in=v), "broken") for v in (0, -5, None, "soon", 1.5, [3599]))])
def test_F29_token_answer_that_is_none(lab, net, act, why):
    lab.service.fault("POST", "/token", act, host="login")
    answer = net.lookup("MonicaT")
    assert answer.said == ("refused", why), answer.detail
    assert "token endpoint" in answer.detail and lab.tokens == 1 and lab.trips == 0
    if why == "unreachable":
        assert net.lookup("MonicaT").said == ("refused", why) and lab.tokens == 1, "who comes next need not try"
        net.forget_failure()
    assert works(net) is True, "the next one is served"


def test_F29_endpoint_that_fails_is_asked_again_after_a_while(lab, net):
    lab.service.fault("POST", "/token", faults.cut("before"), host="login")
    assert at_once(net, 10) == [("refused", "unreachable")] * 10
    assert lab.tokens == 1
    time.sleep(2.1)
    assert works(net) is True


def test_asking_side_that_hangs_up_says_nothing_of_the_endpoint(lab, net):
    lab.service.fault("POST", "/token", faults.slow(0.7), host="login")
    [c] = send_all(net, 1)
    w.wait_for(lambda: lab.tokens)
    c.close()
    assert w.wait_for(lambda: not net.worker.children())
    assert works(net) is True


def test_token_answer_that_is_not_said_to_be_json(lab, net):
    lab.service.fault("POST", "/token", said_to_be("text/html"), host="login")
    assert net.lookup("MonicaT").said == ("refused", "broken")


def test_token_as_long_as_it_may_be(lab, net):
    """Graph does not know it, but it gets there whole."""
    lab.service.fault("POST", "/token", faults.lying_token(access_token="x" * 8191), host="login", times=2)
    assert net.lookup("MonicaT").said == ("refused", "misconfigured")
    assert {len(r.headers["authorization"]) for r in lab.service.find(host="graph")} == {8191 + len("Bearer ")}


def test_token_type_has_no_case(lab, net):
    lab.service.fault("POST", "/token", faults.lying_token(token_type="bearer", expires_in="3599"), host="login")
    assert works(net) is True


def test_slow_token_endpoint_holds_up_nobody_who_has_one(lab, net):
    second = lab.fabrikam()
    own = lab.start(directories={"contoso": lab.directory(), "fabrikam": lab.directory(second)})
    own.hand_over("fabrikam", secret=second.application.secret)
    assert works(own) is True
    lab.service.fault("POST", f"{second.id}.*/token", faults.slow(1), host="login")
    other = threading.Thread(target=own.lookup, args=("MonicaT",), kwargs={"directory": "fabrikam"})
    other.start()
    w.wait_for(lambda: lab.tokens == 2)
    start = time.monotonic()
    assert works(own) is True and time.monotonic() - start < 0.5
    other.join()


def test_child_that_dies_while_it_asks_leaves_the_lock(lab, net):
    lab.service.fault("POST", "/token", faults.slow(3), host="login")
    with net.worker.connect(uid=0) as c:
        c.send(w.account_job(w.LOOKUP, "contoso", name="MonicaT", group="SSPRTesters"))
        w.wait_for(lambda: lab.tokens)
        for pid in net.worker.children():
            os.kill(pid, 9)
        assert c.receive() is None
    start = time.monotonic()
    assert works(net) is True and time.monotonic() - start < 1


def test_body_of_the_request_is_the_documented_one(lab, net):
    net.hand_over(secret=lab.app.secret)
    assert works(net) is True
    [request] = lab.service.find("/token")
    form = dict(part.split("=") for part in request.body.decode().split("&"))
    host, port = lab.service.hosts["graph"]
    assert form == {"client_id": lab.app.appId, "scope": f"https%3A%2F%2F{host}%3A{port}%2F.default", "grant_type": "client_credentials",
                    "client_secret": lab.app.secret}
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert json.dumps(request.headers).find("Bearer") < 0
