# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes wrong, and how often: scripted faults for requests to come.

    service.fault("PATCH", "/users/", faults.cut("after"))              the next PATCH is done, but gets no answer
    service.fault("GET", "phoneMethods", faults.status(429, retry_after="2"), times=3)
    service.fault("POST", "/token", faults.portal(), host="login")

A fault is a function (request, perform) -> Answer; perform() does what was asked and returns the true answer."""

import json
import re
import time
from dataclasses import dataclass

from transport import Answer

CODES = {400: "BadRequest", 401: "InvalidAuthenticationToken", 403: "Authorization_RequestDenied", 404: "Request_ResourceNotFound",
         429: "TooManyRequests", 500: "InternalServerError", 502: "BadGateway", 503: "serviceNotAvailable", 504: "GatewayTimeout"}
MIB = 1 << 20


@dataclass
class Fault:
    method: str
    pattern: re.Pattern
    host: str
    act: object
    left: int
    skip: int = 0

    def matches(self, r):
        return (self.left > 0 and self.host in (None, r.host) and self.method in (None, r.method)
                and self.pattern.search(r.path) is not None)


def as_bytes(body):
    if body is None or isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def usual_body(r, status):
    if r.host == "login":
        return {"error": "temporarily_unavailable", "error_codes": [90033], "trace_id": r.id, "correlation_id": r.id,
                "error_description": "AADSTS90033: A transient error has occurred. Please try again.",
                "timestamp": time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())}
    inner = {"date": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()), "request-id": r.id, "client-request-id": r.id}
    return {"error": {"code": CODES.get(status, "UnknownError"), "message": "Scripted by a test.", "innerError": inner}}


def status(number, retry_after=None, body=None, headers=None, effect=False):
    """That status, with any Retry-After. effect: what was asked is done all the same."""
    def act(r, perform):
        if effect:
            perform()
        more = {"Content-Type": "application/json", **({} if retry_after is None else {"Retry-After": str(retry_after)}),
                **(headers or {}), "request-id": r.id}
        return Answer(number, as_bytes(usual_body(r, number) if body is None else body), more)

    return act


def slow(seconds, after=False):
    """The true answer, late; after: the request takes effect first."""
    def act(r, perform):
        if not after:
            time.sleep(seconds)
        answer = perform()
        if after:
            time.sleep(seconds)
        return answer

    return act


def cut(when):
    """The connection ends: before the request took effect, after it, or in the middle of the answer."""
    def act(r, perform):
        if when == "before":
            return Answer(0, how="cut")
        answer = perform()
        answer.how = "middle" if when == "middle" else "cut"
        return answer

    return act


def answer(number, body=b"", headers=None, effect=False):
    """Exactly that."""
    def act(r, perform):
        if effect:
            perform()
        return Answer(number, as_bytes(body), dict(headers or {}))

    return act


def portal(effect=False):
    """A captive portal, or a proxy that explains itself."""
    text = "<!DOCTYPE html><html><head><title>Welcome to GuestNet</title></head><body>Please accept our terms.</body></html>"
    return answer(200, text, {"Content-Type": "text/html; charset=utf-8"}, effect)


def redirect(location, number=302, effect=False):
    return answer(number, b"", {"Location": location}, effect)


def other_body(change):
    """The true answer with another body; change makes it of the true one."""
    def act(r, perform):
        true = perform()
        true.body = change(true.body or b"")
        if true.status == 204:
            true.status = 200
        return true

    return act


def huge(size=2 * MIB):
    """The true answer, made big by a member more."""
    filler = b'{"filler":"' + b"x" * size + b'"'
    return other_body(lambda body: filler + (b"," + body[1:] if body[:1] == b"{" else b"}"))


def drip():
    """A true beginning, then byte after byte for ever."""
    def act(r, perform):
        true = perform()
        true.how = "drip"
        return true

    return act


def broken_json(body=None):
    """JSON that ends too early."""
    return other_body(lambda true: as_bytes(body) if body is not None else (true or b'{"value":[')[:-2])


def wrong_json(value):
    """Valid JSON of another kind than the client may expect."""
    return other_body(lambda _: json.dumps(value).encode())


def lying_token(**changes):
    """A token answer with other members; None takes one out. lying_token(access_token="x" * 70000)"""
    def change(body):
        members = {**json.loads(body), **changes}
        return json.dumps({key: value for key, value in members.items() if value is not None}).encode()

    return other_body(change)
