# SPDX-License-Identifier: LGPL-2.1-or-later
"""DELIVER and NOTIFY by Graph's sendMail: F23, F26, M5, M6, W13."""

import time

import pytest

import faults
import worker as w

CODE = "73920114"
BODY = f"Your code is {CODE}.\nÉtape 2: \"quotes\", back\\slash, <b>no HTML</b>.\n"
SEND = ("POST", "/sendMail$")
MAIL = "[mail]\ndirectory = contoso\nfrom = sspr@contoso.lab\n"


@pytest.fixture
def net(lab):
    lab.tenant.add_user("sspr", "x", mail="sspr@contoso.lab")
    net = lab.net(more=MAIL)
    net.forget_token()
    return net


def deliver(net, to="monica@lab", **k):
    k.setdefault("body", BODY)
    return net.deliver(to, **k)


def sent(lab):
    return lab.count(*SEND[::-1])


@pytest.mark.parametrize("kind", [w.DELIVER, w.NOTIFY])
def test_taken(lab, net, kind):
    assert deliver(net, subject="Ihr Code für die Anmeldung", ident="job-17", kind=kind).said == ("done", "none"), net.log()
    [mail] = lab.tenant.sent
    assert mail["from"] == "sspr@contoso.lab" and mail["to"] == ["monica@lab"] and mail["saved"] is False
    message = mail["message"]
    assert message["subject"] == "Ihr Code für die Anmeldung"
    assert message["body"]["content"] == BODY and message["body"]["contentType"].lower() == "text"
    assert message["internetMessageHeaders"] == [{"name": "x-sspr-id", "value": "job-17"}]
    assert set(message) == {"subject", "body", "toRecipients", "internetMessageHeaders"}
    assert "job-17 was taken" in net.log() and "request-id" in net.log() and CODE not in net.log()


def test_permission_is_missing(lab, net):
    lab.app.withdraw("Mail.Send")
    assert deliver(net, life=60).said == ("refused", "misconfigured")
    assert "needs Mail.Send" in net.log() and not lab.tenant.sent and sent(lab) == 1


def test_mailbox_that_the_application_must_not_use(lab, net):
    lab.app.mailboxes = ["other@contoso.lab"]
    assert deliver(net, life=60).said == ("refused", "misconfigured")
    assert "ErrorAccessDenied" in net.log() and sent(lab) == 1


@pytest.mark.parametrize("without", ["user", "mailbox"])
def test_mailbox_that_does_not_exist(lab, net, without):
    if without == "user":
        lab.tenant.remove_user(lab.tenant.user("sspr"))
    else:
        lab.tenant.user("sspr").mail = None
    assert deliver(net, life=60).said == ("refused", "misconfigured")
    assert "no mailbox [mail] from" in net.log() and sent(lab) == 1


def test_mail_that_graph_does_not_like(lab, net):
    lab.service.fault(*SEND, faults.status(400, body={"error": {"code": "ErrorInvalidRecipients", "message": f"not {CODE}"}}))
    assert deliver(net, life=60).said == ("refused", "rejected")
    assert "ErrorInvalidRecipients" in net.log() and CODE not in net.log() and sent(lab) == 1


@pytest.mark.parametrize("act", [faults.status(429, retry_after=1), faults.status(503, retry_after=1), faults.status(429)])
def test_F23_taken_within_its_life(lab, net, act):
    lab.service.fault(*SEND, act)
    start = time.monotonic()
    assert deliver(net, life=10).said == ("done", "none"), net.log()
    assert 0.9 < time.monotonic() - start < 3 and sent(lab) == 2 and len(lab.tenant.sent) == 1


def test_F23_busy_for_longer_than_it_lives(lab, net):
    lab.service.fault(*SEND, faults.status(429), times=99)
    start = time.monotonic()
    assert deliver(net, life=2).said == ("refused", "unreachable")
    assert time.monotonic() - start < 3 and not lab.tenant.sent


def test_F19_fresh_token(lab, net):
    lab.service.fault(*SEND, faults.status(401))
    assert deliver(net).said == ("done", "none")
    assert sent(lab) == 2 and lab.tokens == 2 and len(lab.tenant.sent) == 1


@pytest.mark.parametrize("effect", [True, False])
@pytest.mark.parametrize("make", [
    lambda effect: faults.cut("after" if effect else "before"), faults.portal, lambda effect: faults.status(500, effect=effect),
    lambda effect: faults.status(503, effect=effect), lambda effect: faults.redirect("https://login.lab/", 307, effect),
    lambda effect: faults.answer(404, "<html></html>", {"Content-Type": "text/html"}, effect)])
def test_F26_lost_answer_is_unknown_and_nothing_is_sent_twice(lab, net, make, effect):
    lab.service.fault(*SEND, make(effect=effect))
    assert deliver(net, life=60).said == ("unknown", "unreachable"), net.log()
    time.sleep(0.1)
    assert sent(lab) == 1 and len(lab.tenant.sent) == effect
    assert "not taken for certain" in net.log()


@pytest.mark.parametrize("first", [faults.status(401), faults.status(429, retry_after=1)])
def test_F26_answer_that_is_lost_at_the_second_try(lab, net, first):
    """On a connection that was kept, where libcurl would ask again by itself."""
    lab.service.fault(*SEND, first)
    lab.service.fault(*SEND, faults.cut("after"))
    assert deliver(net, life=60).said == ("unknown", "unreachable")
    time.sleep(0.1)
    assert sent(lab) == 2 and len(lab.tenant.sent) == 1


def test_F25_nobody_listens_for_a_while(lab, net):
    good = net.lookup("MonicaT")
    assert good.said == ("done", "none")
    with lab.deaf("graph"):
        with net.worker.connect(uid=0) as c:
            c.send(w.mail_job("monica@lab", life=20))
            time.sleep(0.4)
            assert "for now" in net.log()
            reopened = time.monotonic()
    # The connection above is closed by now: nobody waits, nothing is sent.
    assert w.wait_for(lambda: not net.worker.children()) and not lab.tenant.sent
    with lab.deaf("graph"):
        c = net.worker.connect(uid=0)
        c.send(w.mail_job("monica@lab", life=20))
        time.sleep(0.4)
    assert c.receive().said == ("done", "none") and time.monotonic() - reopened < 5
    assert len(lab.tenant.sent) == 1
    c.close()


def test_F29_without_a_token(lab, net):
    lab.service.fault("POST", "/token", faults.status(500), host="login")
    assert deliver(net, life=10).said == ("done", "none"), "it is tried again"
    net.forget_token()
    lab.app.enabled = False
    start = time.monotonic()
    assert deliver(net, life=60).said == ("refused", "misconfigured")
    assert time.monotonic() - start < 1 and "AADSTS7000112" in net.log()


@pytest.mark.parametrize("to", [
    "monica@example.org\r\nBcc: eve@example.org", "monica@example.org\nBcc: eve@example.org", "monica@example.org,eve@example.org",
    "monica@example.org;eve@example.org", "<monica@example.org>", '"monica eve"@example.org', "monica", "@example.org", "monica@",
    "monica@example.org eve@example.org", "a@b@c", "monica@[127.0.0.1]", "monica@example.org\x1b[2J", b"monica\xff@example.org", ""])
def test_M6_address_injection(lab, net, to):
    assert deliver(net, to=to).said == ("refused", "rejected")
    assert not lab.service.requests


@pytest.mark.parametrize("change", [
    {"body": b"\xff\xfe"}, {"subject": b"\xff"}, {"subject": "Code\r\nBcc: eve@example.org"}, {"ident": "a\r\nBcc: eve@example.org"},
    {"subject": "\x1b[2J"}, {"ident": ""}])
def test_M6_header_and_body_injection(lab, net, change):
    assert deliver(net, **change).said == ("refused", "rejected")
    assert not lab.service.requests


@pytest.mark.parametrize("body", ['"}},"x":{"y":"', "\\u0041\\", "line\r\n.\r\nend", "\u2028\u2029", "<b>x</b>", "ž" * 700])
def test_M6_body_is_text_and_nothing_else(lab, net, body):
    assert deliver(net, body=body).said == ("done", "none")
    assert lab.tenant.sent[0]["message"]["body"]["content"] == body


def test_mail_has_one_way(lab):
    net = lab.start(more=MAIL.replace("from", "server = smtp://mail.invalid\nfrom"))
    assert net.worker.process.wait(5) == 78 and "[mail]" in net.log()
