# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who carries messages to phones: one HTTPS server that takes requests as Twilio, Azure Communication Services and a gateway document
them, checks each by the words of those documents, and answers as they do. What breaks a rule is in `violations`."""

import base64
import hashlib
import hmac
import json
import os
import re
import sys
import time
import urllib.parse
import uuid
import xml.etree.ElementTree as ElementTree
from email.utils import parsedate_to_datetime

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tenant"))

from certificates import Certificates  # noqa: E402
from transport import Answer, Listener  # noqa: E402

ACCOUNT, KEY, SECRET = "AC" + "0123456789abcdef" * 2, "SK" + "fedcba9876543210" * 2, "canary-carrier-5f1e"
SERVICE = "MG" + "00112233445566778899aabbccddeeff"
AZURE_KEY = base64.b64encode(bytes(range(1, 65))).decode()
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# language: voice, of twilio.com/docs/voice/twiml/say; None is the basic one
VOICES = {"en-US": None, "de-DE": None, "fr-FR": None, "es-ES": None, "pt-BR": "Polly.Vitoria", "ja-JP": "Polly.Mizuki",
          "cmn-CN": "Polly.Zhiyu", "arb": "Polly.Zeina"}


def reply(status, value, headers=None):
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})


class Request:
    def __init__(self, method, target, headers, body):
        self.time, self.method, self.target, self.headers, self.body = time.monotonic(), method, target, headers, body
        self.path, _, self.query = target.partition("?")

    def form(self):
        return dict(urllib.parse.parse_qsl(self.body.decode(), strict_parsing=True))

    def json(self):
        return json.loads(self.body)


class Message:
    def __init__(self, channel, to, text):
        self.channel, self.to, self.text = channel, to, text

    @property
    def code(self):
        return re.search(r"\d{8}", re.sub(r"[^0-9]", "", self.text) if self.channel == "voice" else self.text).group(0)


class Carriers:
    """faults: functions (request, answer()) -> Answer, each for one request; then all is well again."""

    def __init__(self, folder, host="localhost", kind="good", port=0):
        self.certificates = Certificates(os.path.join(str(folder), "carriers"))
        self.requests, self.messages, self.violations, self.faults, self.seen = [], [], [], [], {}
        self.host = host
        self.listener = Listener(port, self._serve, self.certificates.context(host, kind))
        self.port = self.listener.port
        os.chmod(self.certificates.folder, 0o755)

    @property
    def ca(self):
        return self.certificates.ca

    @property
    def endpoint(self):
        return f"{self.host}:{self.port}"

    def stop(self):
        self.listener.stop()

    def of(self, number):
        return [m for m in self.messages if m.to == number]

    def _serve(self, method, target, headers, body):
        request = Request(method, target, headers, body)
        self.requests.append(request)
        if self.faults:
            return self.faults.pop(0)(request, lambda: self._route(request))
        return self._route(request)

    def _route(self, request):
        if request.path.startswith("/2010-04-01/"):
            return self.twilio(request)
        if request.path == "/sms":
            return self.azure(request)
        if request.path.startswith("/gw"):
            return self.gateway(request)
        return self._refuse("no such path", 404, {"code": 20404, "message": "not found", "status": 404})

    def _refuse(self, why, status, value):
        self.violations.append(why)
        return reply(status, value)

    # -- Twilio: twilio.com/docs/messaging/api/message-resource, twilio.com/docs/voice/api/call-resource

    def _twilio_error(self, code, status, why):
        return self._refuse(why, status, {"code": code, "message": f"{why}: {code}", "status": status,
                                          "more_info": f"https://www.twilio.com/docs/errors/{code}"})

    def twilio(self, request):
        found = re.fullmatch(r"/2010-04-01/Accounts/(AC[0-9a-f]{32})/(Messages|Calls)\.json", request.path)
        signed = {f"Basic {base64.b64encode(f'{user}:{SECRET}'.encode()).decode()}" for user in (ACCOUNT, KEY)}
        if request.headers.get("authorization") not in signed:
            return self._twilio_error(20003, 401, "Authenticate")
        if not found or found.group(1) != ACCOUNT:
            return self._twilio_error(20404, 404, "no such resource")
        if request.method != "POST" or request.headers.get("content-type") != "application/x-www-form-urlencoded":
            return self._twilio_error(20001, 400, "not a form that is posted")
        form = request.form()
        if not E164.fullmatch(form.get("To", "")):
            return self._twilio_error(21211, 400, f"Invalid 'To' number {form.get('To')}")
        return self._twilio_call(form) if found.group(2) == "Calls" else self._twilio_message(form)

    def _twilio_message(self, form):
        if not {"To", "Body"} < set(form) <= {"To", "Body", "From", "MessagingServiceSid"} or len(form) != 3:
            return self._twilio_error(21603, 400, f"not the parameters: {sorted(form)}")
        if not 0 < len(form["Body"]) <= 1600:
            return self._twilio_error(21617, 400, "Body is too long")
        self.messages.append(Message("sms", form["To"], form["Body"]))
        return reply(201, {"sid": "SM" + uuid.uuid4().hex, "status": "queued", "error_code": None, "error_message": None,
                           "to": form["To"], "body": form["Body"], "num_segments": "1", "account_sid": ACCOUNT})

    def _twilio_call(self, form):
        if set(form) != {"To", "From", "Twiml"}:
            return self._twilio_error(21205, 400, f"not the parameters: {sorted(form)}")
        if len(form["Twiml"]) > 4000:
            return self._twilio_error(21205, 400, "Twiml is too long")
        root = ElementTree.fromstring(form["Twiml"])
        if root.tag != "Response" or {e.tag for e in root} != {"Say", "Pause"}:
            return self._twilio_error(12100, 400, "Twiml is no TwiML")
        says = [e for e in root if e.tag == "Say"]
        if any(VOICES.get(e.get("language"), "none") != e.get("voice") for e in says):
            return self._twilio_error(13512, 400, "a language that Twilio does not speak")
        self.messages.append(Message("voice", form["To"], "\n".join(e.text for e in says)))
        return reply(201, {"sid": "CA" + uuid.uuid4().hex, "status": "queued", "to": form["To"], "from": form["From"],
                           "account_sid": ACCOUNT, "duration": None, "direction": "outbound-api"})

    # -- Azure: learn.microsoft.com/rest/api/communication/sms/send, .../communication-services/tutorials/hmac-header-tutorial

    def azure(self, request):
        headers = request.headers
        digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
        date = headers.get("x-ms-date", "")
        text = f"{request.method}\n{request.target}\n{date};{headers.get('host')};{digest}"
        signature = base64.b64encode(hmac.digest(base64.b64decode(AZURE_KEY), text.encode("ascii"), "sha256")).decode()
        wanted = f"HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature={signature}"
        if headers.get("x-ms-content-sha256") != digest or headers.get("authorization") != wanted:
            return self._refuse("the signature is wrong", 401, {"error": {"code": "Denied", "message": "HMAC"}})
        if not date.endswith(" GMT") or abs(parsedate_to_datetime(date).timestamp() - time.time()) > 300:
            return self._refuse("the date is wrong", 401, {"error": {"code": "Denied", "message": "date"}})
        if request.method != "POST" or request.query != "api-version=2021-03-07" or headers.get("content-type") != "application/json":
            return self._refuse("not as the API has it", 400, {"error": {"code": "BadRequest"}})
        value = request.json()
        if not {"from", "message", "smsRecipients"} <= set(value) <= {"from", "message", "smsRecipients", "smsSendOptions"}:
            return self._refuse(f"not the members: {sorted(value)}", 400, {"error": {"code": "BadRequest"}})
        if len(value["smsRecipients"]) != 1:
            return self._refuse("not one recipient", 400, {"error": {"code": "BadRequest"}})
        return reply(202, {"value": [self._azure_one(value, value["smsRecipients"][0])]})

    def _azure_one(self, value, one):
        ident, first = one.get("repeatabilityRequestId"), one.get("repeatabilityFirstSent")
        if not E164.fullmatch(one["to"]):
            self.violations.append("no number")
            return {"to": one["to"], "httpStatusCode": 400, "errorMessage": "Invalid To phone number format.", "successful": False}
        if (ident is None) != (first is None) or (ident and str(uuid.UUID(ident)) != ident) or (first and not first.endswith(" GMT")):
            self.violations.append("not repeatable")
        if ident not in self.seen:
            self.messages.append(Message("sms", one["to"], value["message"]))
            self.seen[ident] = {"to": one["to"], "messageId": f"Outgoing_{uuid.uuid4()}", "httpStatusCode": 202, "successful": True,
                                "repeatabilityResult": "accepted"}
        return self.seen[ident]

    # -- any gateway: what it is asked is looked at by the test

    def gateway(self, request):
        return reply(200, {"status": "accepted", "messages": [{"status": "0"}]})


# -- faults


def status(number, value=None, headers=None, body=None, kind="application/json"):
    data = body if body is not None else json.dumps(value or {}).encode()
    return lambda request, answer: Answer(number, data, {"Content-Type": kind, **(headers or {})})


def slow(seconds):
    def act(request, answer):
        time.sleep(seconds)
        return answer()

    return act


def how(name):
    """The request is done, and its answer is lost: cut, middle or drip."""

    def act(request, answer):
        real = answer()
        return Answer(real.status, real.body, real.headers, how=name)

    return act
