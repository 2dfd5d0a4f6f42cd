# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tenants on the network: the hosts "login" and "graph" with TLS on 127.0.0.1, a record of every request, and scripted faults.

    tenant = sample()
    with Service(folder, [tenant]) as service:
        ...                                             # the client trusts service.ca
        assert service.count("/users/", "PATCH") == 1
        assert tenant.password_is("MonicaT", "the new one")

Contract mode: with plain_port and via, Graph requests (and each item of a batch as a request of its own) go through a checking proxy
that has http://127.0.0.1:plain_port as its upstream; what it complains of is in service.violations."""

import argparse
import contextlib
import http.client
import json
import os
import re
import signal
import sys
import threading
import time
import traceback
import uuid
from collections import Counter
from urllib.parse import quote, urlsplit

import faults
from certificates import Certificates
from graph import Graph, GraphError
from login import Login
from tenant import add_crowd, load, sample
from tokens import Signer
from transport import SILENT, Answer, Listener, page

# What the OpenAPI file of the contract does not have.
UNCHECKED = (r"^/v1\.0/domains/", r"^/v1\.0/roleManagement/", r"/transitiveMemberOf", r"/memberOf")
MARK = "x-stand-in"  # on requests that have been recorded already
HOW = "x-stand-in-how"  # on answers whose connection is to be cut
HOP = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "expect", "keep-alive"}


class Request:
    """One request as it came, also one that came within a batch. status: of the answer, None if it got none."""

    __slots__ = ("time", "host", "method", "path", "headers", "body", "status", "tenant", "within", "id", "claims", "how")

    def __init__(self, host, method, path, headers, body, within=False):
        self.time, self.host, self.method, self.path = time.time(), host, method, path
        self.headers, self.body, self.within = headers, body, within
        self.status = self.tenant = self.claims = self.how = None
        self.id = str(uuid.uuid4())

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.host} {self.method} {self.path}{' in batch' if self.within else ''}: {self.status}>"


def address(host, port):
    return f"https://{host}" if port == 443 else f"https://{host}:{port}"


class Service:
    def __init__(self, folder, tenants=None, login=("login.lab", 8443), graph=("graph.lab", 8444), tls="good", plain_port=None, via=None,
                 unchecked=UNCHECKED, record=True, chunked=True):
        self.folder = str(folder)
        self.tenants = [sample()] if tenants is None else list(tenants)
        self.hosts = {"login": login, "graph": graph}
        self.tls = {"login": tls, "graph": tls}
        self.plain_port, self.via = plain_port, urlsplit(via) if via else None
        self.unchecked_patterns = [re.compile(pattern, re.I) for pattern in unchecked]
        self.record, self.chunked = record, chunked
        self.certificates = Certificates(self.folder)
        self.signers = [Signer(f"{self.folder}/signing.key")]
        self.login, self.graph = Login(self), Graph(self)
        self.listeners, self.faults, self.lock = {}, [], threading.Lock()
        self.requests, self.counts = [], Counter()
        self.violations, self.unchecked, self.errors = [], [], []

    # -- where

    @property
    def ca(self):
        return self.certificates.ca

    @property
    def login_url(self):
        return address(*self.hosts["login"])

    @property
    def graph_url(self):
        return address(*self.hosts["graph"])

    @property
    def audiences(self):
        """What a token for Graph may be for; Microsoft's hosts have no port."""
        return (self.graph_url, f"https://{self.hosts['graph'][0]}")

    @property
    def signer(self):
        return self.signers[-1]

    @property
    def other_signer(self):
        return Signer(f"{self.folder}/other-signing.key")

    @property
    def tenant(self):
        return self.tenants[0]

    def tenant_of(self, id):
        return next((tenant for tenant in self.tenants if tenant.id == id), None)

    # -- running

    def start(self):
        for name, (host, port) in self.hosts.items():
            self.listeners[name] = Listener(port, getattr(self, f"_serve_{name}"), self._context(name), self.chunked)
            self.hosts[name] = (host, self.listeners[name].port)
        if self.plain_port is not None:
            self.listeners["plain"] = Listener(self.plain_port, self._serve_plain, chunked=self.chunked)
            self.plain_port = self.listeners["plain"].port
        return self

    def stop(self):
        for listener in self.listeners.values():
            listener.stop()
        self.listeners = {}

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def set_tls(self, name, kind):
        """From the next connection on: good, self-signed, stranger, expired, future, wrong-host, tls1.0, tls1.1, or silent."""
        self.tls[name] = kind
        if name in self.listeners:
            self.listeners[name].context = self._context(name)

    def _context(self, name):
        kind = self.tls[name]
        return SILENT if kind == "silent" else self.certificates.context(self.hosts[name][0], kind)

    def rotate_keys(self):
        """A new signing key; tokens of the old ones stay good."""
        self.signers.append(Signer(f"{self.folder}/signing-{len(self.signers) + 1}.key"))

    def revoke_tokens(self, tenant=None):
        """No access token from before is good any more. Tokens tell their time in seconds: waits for the next one."""
        time.sleep(1 - time.time() % 1)
        for each in [tenant] if tenant else self.tenants:
            each.tokens_from = int(time.time())

    # -- serving

    def _serve_login(self, method, path, headers, body):
        return self._serve(Request("login", method, path, headers, body), self.login.handle)

    def _serve_graph(self, method, path, headers, body):
        return self._serve(Request("graph", method, path, headers, body), self._forward_outer if self.via else self.graph.handle)

    def _serve_plain(self, method, path, headers, body):
        r = Request("graph", method, path, headers, body, within=headers.get(MARK) == "item")
        if MARK not in headers:
            return self._serve(r, self.graph.handle)
        answer = self._guard(self.graph.handle, r)
        if r.how:
            answer.headers[HOW] = r.how
        return answer

    def _serve(self, r, handle):
        self._note(r)
        answer = self._answer(r, handle)
        answer.how = r.how or answer.how
        r.status = None if answer.how == "cut" else answer.status
        return answer

    def _note(self, r):
        self.counts[f"{r.host} {r.method} {r.path.partition('?')[0]}" if self.record else f"{r.host} {r.method}"] += 1
        if self.record:
            self.requests.append(r)

    def _answer(self, r, handle):
        fault = self._take_fault(r) if self.faults else None
        if fault:
            return fault.act(r, lambda: self._guard(handle, r))
        return self._guard(handle, r)

    def _guard(self, handle, r):
        """A fault of the stand-in itself is an answer too, and kept."""
        try:
            return handle(r)
        except Exception:
            self.errors.append(traceback.format_exc())
            return page(500)

    def answer_item(self, outer, method, path, headers, body):
        """The answer to an item of a batch."""
        r = Request("graph", method, path, headers, body, within=True)
        r.tenant, r.claims = outer.tenant, outer.claims
        r.headers = {"authorization": outer.headers.get("authorization", ""), **headers}
        answer = self._serve(r, self._forward_item if self.via else self.graph.perform)
        if answer.how != "whole":  # a connection is cut as a whole
            outer.how = answer.how
        return answer

    # -- contract mode

    def _forward(self, r, mark="outer"):
        with contextlib.suppress(GraphError):
            self.graph.authenticate(r)
        headers = {key: value for key, value in r.headers.items() if key not in HOP}
        path = quote(r.path.partition("#")[0], safe="/?&=$,'()@:%+*!;")
        connection = http.client.HTTPConnection(self.via.hostname, self.via.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(r.method, path, r.body or None, {**headers, MARK: mark})
            response = connection.getresponse()
            body = response.read()
        self._judge(r, response, body)
        headers = {key: value for key, value in response.getheaders() if key.lower() not in HOP | {"date", HOW}}
        return Answer(response.status, body or None, headers, response.getheader(HOW, "whole"))

    def _judge(self, r, response, body):
        """Keeps what the proxy complains of."""
        complaint = response.getheader("sl-violations")
        problem = "problem+json" in (response.getheader("content-type") or "")
        if complaint or problem:
            text = body.decode(errors="replace") if problem else ""
            self.violations.append(f"{r.method} {r.path}: {response.status} {complaint or ''} {text}")

    def _forward_outer(self, r):
        return self.graph.handle(r) if self._is_unchecked(r) else self._forward(r)

    def _forward_item(self, r):
        return self.graph.perform(r) if self._is_unchecked(r) else self._forward(r, "item")

    def _is_unchecked(self, r):
        unchecked = any(pattern.search(r.path) for pattern in self.unchecked_patterns)
        if unchecked:
            self.unchecked.append(f"{r.method} {r.path}")
        return unchecked

    # -- what tests ask and set

    def fault(self, method, pattern, act, times=1, host=None, skip=0):
        """The next times requests that match, after skip others, meet this fault; see faults.py. Also for items of a batch."""
        fault = faults.Fault(method, re.compile(pattern), host, act, times, skip)
        with self.lock:
            self.faults.append(fault)
        return fault

    def clear_faults(self):
        with self.lock:
            self.faults.clear()

    def _take_fault(self, r):
        with self.lock:
            for fault in self.faults:
                if fault.matches(r):
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    fault.left -= 1
                    return fault
        return None

    def find(self, pattern="", method=None, host=None, within=None, status=None):
        """The recorded requests whose path matches, oldest first."""
        return [r for r in list(self.requests) if re.search(pattern, r.path) and method in (None, r.method) and host in (None, r.host)
                and within in (None, r.within) and status in (None, r.status)]

    def count(self, pattern="", method=None, **more):
        return len(self.find(pattern, method, **more))

    def clear(self):
        self.requests.clear()
        self.counts.clear()
        self.violations.clear()
        self.unchecked.clear()

    def sign_in(self, user_code, upn, decline=False, auth_time=None):
        """Plays the user who types the code in at another device. Whether that worked."""
        return self.login.sign_in(user_code, upn, decline, auth_time)

    def pending_codes(self):
        """Device codes that wait for a user, oldest first."""
        return [code for code in self.login.codes.values() if code.state == "pending"]

    def spoil_id_token(self, change=None, drop=(), header=None, signature=None):
        """The id_tokens to come have other claims or header members, or lack some, or are signed badly: wrong, none, hs256, other-key."""
        self.login.spoiled = {"change": change or {}, "drop": drop, "header": header or {}, "signature": signature}

    def unspoil(self):
        self.login.spoiled = None


# -- as a program


def parse(arguments):
    parser = argparse.ArgumentParser(description="A stand-in for Microsoft's login and Graph hosts, on 127.0.0.1. Prints ready.")
    parser.add_argument("--folder", required=True, help="for ca.pem, certificates, keys; also written there: application.pem")
    parser.add_argument("--state", help="tenants as tenant.save() wrote them; default: the tenant of the story")
    parser.add_argument("--users", type=int, default=0, help="that many users more, half of them nested in SSPRTesters")
    parser.add_argument("--host-login", default="login.lab")
    parser.add_argument("--host-graph", default="graph.lab")
    parser.add_argument("--port-login", type=int, default=8443)
    parser.add_argument("--port-graph", type=int, default=8444)
    parser.add_argument("--counts", help="a file for the numbers of requests, written on SIGUSR1 and at the end")
    return parser.parse_args(arguments)


def write_counts(service, path):
    if path:
        with open(path + ".new", "w") as f:
            json.dump(dict(service.counts), f)
        os.rename(path + ".new", path)


def main(arguments=None):
    options = parse(arguments)
    tenants = load(options.state) if options.state else [sample()]
    if options.users:
        add_crowd(tenants[0], options.users)
    service = Service(options.folder, tenants, (options.host_login, options.port_login), (options.host_graph, options.port_graph),
                      record=False)
    app = tenants[0].application
    if app.key_pem:
        with open(os.open(f"{options.folder}/application.pem", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(app.certificate_pem + app.key_pem)
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    signal.signal(signal.SIGUSR1, lambda *_: write_counts(service, options.counts))
    service.start()
    print("ready", flush=True)
    end.wait()
    service.stop()
    write_counts(service, options.counts)
    sys.exit("\n".join(service.errors) or 0)
