# SPDX-License-Identifier: LGPL-2.1-or-later
"""ssprd-net and the carriers of messages to phones, over real HTTPS: M1, M2, M4, M5, M6, F36."""

import base64
import json
import os
import struct
import time
import urllib.parse

import pytest

import carriers as c
import worker as w

CHANNEL, LANG, CODE = 42, 5, 38
SMS, VOICE = 1, 2
NUMBER, SECRET_CODE = "+491701234567", "73920114"
TEXT = f"Password reset at lab: code {SECRET_CODE}. Nobody from IT will ask for it."
SPOKEN = "Your code for the password reset is:\n7, 3, 9, 2, 0, 1, 1, 4\nOnce more:\n7, 3, 9, 2, 0, 1, 1, 4\nGoodbye & <farewell>."
ID = "code-0123456789abcdef0123456789abcdef"


def phone_job(to=NUMBER, body=None, channel=SMS, lang="en-US", code=SECRET_CODE, life=5, ident=ID):
    body = body if body is not None else SPOKEN if channel == VOICE else TEXT
    return w.encode(w.JOB, (w.JOB_KIND, bytes([w.DELIVER])), (w.TO, to), (w.SUBJECT, ""), (w.BODY, body), (w.ID, ident),
                    (w.LIFE, struct.pack(">I", life)), (CHANNEL, bytes([channel])), (LANG, lang), (CODE, code))


@pytest.fixture
def server(tmp_path, accounts):
    started = []

    def go(**k):
        started.append(c.Carriers(tmp_path, **k))
        return started[-1]

    yield go
    for one in started:
        one.stop()


@pytest.fixture
def net(tmp_path, accounts):
    started = []

    def go(text, secret=c.SECRET, section="sms", countries="+49 +1"):
        folder = tmp_path / "credentials"
        os.makedirs(folder, exist_ok=True)
        if secret is not None:
            (folder / f"sspr-{section}-secret").write_text(secret)
        worker = w.Worker("ssprd-net", "net", tmp_path, f"[properties]\nenabled = all\n[phone]\ncountries = {countries}\n{text}",
                          env={"CREDENTIALS_DIRECTORY": str(folder)}, etc=accounts.etc)
        started.append(worker)
        return worker.start()

    yield go
    for one in started:
        log = one.log()
        assert c.SECRET not in log and SECRET_CODE not in log and NUMBER not in log, "nothing secret in the log"
        one.stop()


def twilio(s, section="sms", user=c.KEY, sender="+14255550100"):
    return (f"[{section}]\nprovider = twilio\naccount = {c.ACCOUNT}\nfrom = {sender}\nendpoint = {s.endpoint}\nca-file = {s.ca}\n"
            + (f"user = {user}\n" if user else ""))


def azure(s):
    return f"[sms]\nprovider = azure\nendpoint = {s.endpoint}\nfrom = +18005550100\nca-file = {s.ca}\n"


def gateway(s, more, path="/gw/send", section="sms"):
    return f"[{section}]\nprovider = gateway\nurl = https://{s.endpoint}{path}\nca-file = {s.ca}\nfrom = Contoso\n{more}"


def done(s, worker, messages=1):
    assert not s.violations and len(s.messages) == messages, (s.violations, worker.log())


# -- Twilio


@pytest.mark.parametrize("user", [c.KEY, None])
def test_twilio_takes_a_text_message(server, net, user):
    s = server()
    worker = net(twilio(s, user=user), secret=c.SECRET + "\n")
    assert worker.ask(phone_job()).said == ("done", "none"), worker.log()
    done(s, worker)
    assert (s.messages[0].to, s.messages[0].text) == (NUMBER, TEXT)
    assert "+49...67" in worker.log() and "taken by twilio" in worker.log()


def test_twilio_messaging_service(server, net):
    s = server()
    worker = net(twilio(s, sender=c.SERVICE))
    assert worker.ask(phone_job()).said == ("done", "none")
    done(s, worker)
    assert s.requests[0].form()["MessagingServiceSid"] == c.SERVICE


@pytest.mark.parametrize("lang", ["en-US", "de-DE", "fr-FR", "es-ES", "pt-BR", "ja-JP", "zh-CN", "ar"])
def test_twilio_speaks_the_digits_twice(server, net, lang):
    s = server()
    worker = net(twilio(s, section="voice"), section="voice")
    assert worker.ask(phone_job(channel=VOICE, lang=lang)).said == ("done", "none"), worker.log()
    done(s, worker)
    said = s.messages[0].text.split("\n")
    assert said[1:9] == list(SECRET_CODE) and said[10:18] == list(SECRET_CODE)
    assert said[-1] == "Goodbye & <farewell>."
    assert s.requests[0].form()["Twiml"].count('<Pause length="1"/>') == len(said) + 1


def test_twilio_text_with_everything_in_it(server, net):
    s = server()
    worker = net(twilio(s))
    text = "Kennwort zurücksetzen: 100% & more = + \"x\" 重置 إعادة"
    assert worker.ask(phone_job(body=text)).said == ("done", "none")
    done(s, worker)
    assert s.messages[0].text == text


# -- Azure


def test_azure_takes_a_signed_request(server, net):
    s = server()
    worker = net(azure(s), secret=c.AZURE_KEY + "\n")
    assert worker.ask(phone_job(body="重置 \"x\" \\ 73920114")).said == ("done", "none"), worker.log()
    done(s, worker)
    assert s.messages[0].text == "重置 \"x\" \\ 73920114"
    assert s.requests[0].json()["smsRecipients"][0]["repeatabilityRequestId"] == "01234567-89ab-cdef-0123-456789abcdef"


def test_azure_lost_answer_is_asked_again_and_sends_once(server, net):
    s = server()
    s.faults = [c.how("cut")]
    worker = net(azure(s), secret=c.AZURE_KEY)
    assert worker.ask(phone_job(life=20)).said == ("done", "none"), worker.log()
    assert len(s.requests) == 2
    done(s, worker)
    first, second = (r.json()["smsRecipients"] for r in s.requests)
    assert first == second, "the repeated request is the same"


def test_azure_says_202_and_that_it_was_not_sent(server, net):
    s = server()
    worker = net(azure(s), secret=c.AZURE_KEY)
    s.faults = [c.status(202, {"value": [{"to": NUMBER, "httpStatusCode": 400, "errorMessage": f"bad {NUMBER}", "successful": False}]})]
    assert worker.ask(phone_job()).said == ("refused", "rejected")
    s.faults = [c.status(202, {"value": [{"to": NUMBER, "httpStatusCode": 503, "errorMessage": "x", "successful": False}]})]
    assert worker.ask(phone_job(life=20)).said == ("done", "none"), "what is busy is tried again"


def test_azure_key_that_is_none(server, net):
    s = server()
    worker = net(azure(s), secret="no base 64 at all")
    assert worker.ask(phone_job()).said == ("refused", "misconfigured")
    assert not s.requests and "not base 64" in worker.log()


def test_azure_wrong_key(server, net):
    s = server()
    worker = net(azure(s), secret=base64.b64encode(b"another").decode())
    assert worker.ask(phone_job()).said == ("refused", "misconfigured")
    assert "HTTP 401: the credential or the account is not right" in worker.log()


# -- any gateway


def test_gateway_with_a_form(server, net):
    s = server()
    worker = net(gateway(s, "user = me\nbody = to=%number%&from=%from%&msg=%text%&ref=%id%\nsuccess-json = messages.0.status=0\n"))
    assert worker.ask(phone_job(body="a & b = c + d 73920114")).said == ("done", "none"), worker.log()
    r = s.requests[0]
    assert r.method == "POST" and r.headers["content-type"] == "application/x-www-form-urlencoded"
    assert r.form() == {"to": NUMBER[1:], "from": "Contoso", "msg": "a & b = c + d 73920114", "ref": ID}
    assert r.headers["authorization"] == "Basic " + base64.b64encode(f"me:{c.SECRET}".encode()).decode()


def test_gateway_with_json_and_a_header(server, net):
    s = server()
    worker = net(gateway(s, "headers = X-Api-Key: %secret% | X-Lang: %lang%\ncontent-type = json\n"
                            'body = {"to":["%to%"],"text":"%text%","code":"%code%"}\nsuccess-json = status=accepted\nmethod = put\n'))
    assert worker.ask(phone_job(body='he said "\\" é')).said == ("done", "none"), worker.log()
    r = s.requests[0]
    assert r.method == "PUT" and r.headers["content-type"] == "application/json" and "authorization" not in r.headers
    assert r.headers["x-api-key"] == c.SECRET and r.headers["x-lang"] == "en-US"
    assert r.json() == {"to": [NUMBER], "text": 'he said "\\" é', "code": SECRET_CODE}


def test_gateway_with_xml_for_a_call(server, net):
    s = server()
    worker = net(gateway(s, "content-type = xml\nbody = <call to='%to%' lang='%lang%'>%text%</call>\nsuccess-match = accepted\n",
                         section="voice"), section="voice")
    assert worker.ask(phone_job(channel=VOICE, lang="de-DE")).said == ("done", "none"), worker.log()
    import xml.etree.ElementTree as ElementTree

    root = ElementTree.fromstring(s.requests[0].body)
    assert root.attrib == {"to": NUMBER, "lang": "de-DE"} and root.text == SPOKEN.replace("\n", " ")


def test_gateway_with_all_in_the_address(server, net):
    s = server()
    worker = net(gateway(s, "method = get\nsuccess-match = .\n", path="/gw?to=%to%&text=%text%&key=%secret%&x=%20"))
    assert worker.ask(phone_job(body="a&b=c#d")).said == ("done", "none"), worker.log()
    r = s.requests[0]
    assert r.method == "GET" and not r.body and "content-type" not in r.headers
    assert dict(urllib.parse.parse_qsl(r.query)) == {"to": NUMBER, "text": "a&b=c#d", "key": c.SECRET, "x": " "}


@pytest.mark.parametrize("want", ["success-json = status=accepted", "success-match = \"status\": *\"accepted\""])
def test_F36_gateway_that_lies(server, net, want):
    s = server()
    worker = net(gateway(s, f"body = %text%\n{want}\n"))
    s.faults = [c.status(200, {"status": "error", "why": f"{NUMBER} {SECRET_CODE}"})]
    assert worker.ask(phone_job()).said == ("refused", "rejected")
    s.faults = [c.status(200, body=b"<html>Sign in</html>", kind="text/html")]
    assert worker.ask(phone_job()).said == ("refused", "rejected")
    s.faults = [c.status(204, body=b"")]
    assert worker.ask(phone_job()).said == ("refused", "rejected"), "success-status does not have it"
    assert worker.ask(phone_job()).said == ("done", "none")


# -- answers


@pytest.mark.parametrize("fault,said", [
    (c.status(201, {"sid": "SM1", "status": "failed", "error_code": 30007}), ("refused", "rejected")),
    (c.status(200, {"code": 21610, "message": f"{NUMBER} unsubscribed", "status": 400}), ("refused", "rejected")),
    (c.status(200, body=b"<html>welcome to the hotel</html>", kind="text/html"), ("refused", "misconfigured")),
    (c.status(200, {"hello": "world"}), ("refused", "misconfigured")),
    (c.status(400, {"code": 21211, "message": f"{NUMBER} is no number", "status": 400}), ("refused", "rejected")),
    (c.status(302, headers={"Location": "https://elsewhere.example.org/"}), ("refused", "misconfigured")),
    (c.status(401, {"code": 20003, "message": "Authenticate", "status": 401}), ("refused", "misconfigured")),
    (c.status(403, {}), ("refused", "misconfigured")),
    (c.status(500, {}), ("unknown", "unreachable")),
    (c.how("cut"), ("unknown", "unreachable")),
    (c.how("middle"), ("unknown", "unreachable")),
    (c.status(201, body=b"x" * 100000), ("unknown", "unreachable")),
])
def test_F36_answers_that_are_none(server, net, fault, said):
    s = server()
    s.faults = [fault] * 3
    worker = net(twilio(s))
    assert worker.ask(phone_job(life=20)).said == said, worker.log()
    assert len(s.requests) == 1, "what may have been taken, and what is refused for good, is not sent again"


def test_the_journal_tells_numbers_alone(server, net):
    s = server()
    s.faults = [c.status(400, {"code": 21211, "message": f"{NUMBER} {SECRET_CODE} {c.SECRET}", "status": 400})]
    worker = net(twilio(s))
    worker.ask(phone_job())
    assert "HTTP 400, Twilio's error 21211" in worker.log()


@pytest.mark.parametrize("fault", [c.slow(30), c.how("drip")])
def test_M5_slow_answers_are_given_up_after_ten_seconds(server, net, fault):
    s = server()
    s.faults = [fault]
    worker = net(twilio(s))
    start = time.monotonic()
    assert worker.ask(phone_job(life=60)).said == ("unknown", "unreachable")
    assert 9 < time.monotonic() - start < 13 and len(s.requests) == 1


def test_429_waits_as_long_as_it_is_told(server, net):
    s = server()
    s.faults = [c.status(429, {"code": 20429, "status": 429}, {"Retry-After": "4"}), c.status(503, {}, {"Retry-After": "1"})]
    worker = net(twilio(s))
    assert worker.ask(phone_job(life=60)).said == ("done", "none"), worker.log()
    done(s, worker)
    first, second, third = (r.time for r in s.requests)
    assert second - first > 3.9 and 0.9 < third - second < 4


def test_F35_only_within_the_life_of_the_code(server, net):
    s = server()
    s.faults = [c.status(429, {}, {"Retry-After": "60"})] * 5
    worker = net(twilio(s))
    start = time.monotonic()
    assert worker.ask(phone_job(life=3)).said == ("refused", "unreachable")
    assert time.monotonic() - start < 3 and len(s.requests) == 1


@pytest.mark.parametrize("kind", ["self-signed", "expired", "wrong-host", "stranger"])
def test_M5_a_stranger_gets_nothing(server, net, kind):
    s = server(kind=kind)
    worker = net(twilio(s))
    assert worker.ask(phone_job(life=20)).said == ("refused", "unreachable")
    assert not s.requests


def test_nobody_listens(server, net):
    s = server()
    worker = net(twilio(s))
    s.stop()
    start = time.monotonic()
    assert worker.ask(phone_job(life=4)).said == ("refused", "unreachable")
    assert 1 < time.monotonic() - start < 6, "tried again while the code lives"


# -- what never leaves


@pytest.mark.parametrize("changes", [
    {"to": "+33612345678"}, {"to": "+499001234567"}, {"to": "+18765550100"}, {"to": "491701234567"}, {"to": "+49 170 1234567"},
    {"to": "+491701234567\r\nX: y"}, {"to": "+٤٩١٧٠١٢٣٤٥٦٧"}, {"to": "monica@example.org"}, {"to": ""},
    {"body": "a\r\nb"}, {"body": "a\nb"}, {"body": ""}, {"body": "a\x1b[31m"}, {"code": "1234&x=y"}, {"lang": "de\"><Dial>"},
    {"ident": "a\r\nb"}, {"channel": VOICE, "body": "a\r\nb"},
])
def test_M2_M6_what_is_not_sent(server, net, changes):
    s = server()
    worker = net(twilio(s) + twilio(s, section="voice"))
    assert worker.ask(phone_job(**changes)).said == ("refused", "rejected")
    assert not s.requests


def test_no_provider_and_no_credential(server, net):
    s = server()
    worker = net(twilio(s), secret=None)
    assert worker.ask(phone_job()).said == ("refused", "misconfigured")
    assert "needs the credential sspr-sms-secret" in worker.log()
    assert worker.ask(phone_job(channel=VOICE)).said == ("refused", "misconfigured")
    assert "[voice] has no provider" in worker.log() and not s.requests


def test_a_channel_that_is_none_spoils_the_job(server, net):
    s = server()
    worker = net(twilio(s))
    assert worker.ask(phone_job(channel=3)) is None
