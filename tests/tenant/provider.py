# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real OpenID provider of npm/provider.mjs, and the person at the pages of its device flow."""

import html.parser
import http.client
import os
import socket
import ssl
import urllib.parse

import node

SCRIPT = f"{os.path.dirname(os.path.realpath(__file__))}/npm/provider.mjs"
HOST = "login.lab"
APP = "a0000000-0000-4000-8000-00000000000a"  # private_key_jwt with a certificate
SECRET_APP = "b0000000-0000-4000-8000-00000000000b"  # client_secret_post
DEVICE_APP = "d0000000-0000-4000-8000-00000000000d"  # public, device flow alone
SECRET = "client-secret-9"


class Provider(node.Node):
    """Authority https://login.lab:port/tenant, with the certificate and key for TLS in two files."""

    def __init__(self, port, log, tenant, oids, certificate, key, ca, app_certificates=(), graph=None, roles=None, tid=None):
        arguments = ["--port", port, "--host", HOST, "--cert", certificate, "--key", key, "--tenant", tenant, "--modules", node.MODULES,
                     "--secret-app", SECRET_APP, "--secret", SECRET, "--device-app", DEVICE_APP]
        if app_certificates:
            arguments += ["--app", APP]
        for name, values in (("app-cert", app_certificates), ("oid", oids)):
            for value in values:
                arguments += [f"--{name}", value]
        for name, value in (("graph", graph), ("tid", tid), ("roles", roles and ",".join(roles))):
            if value:
                arguments += [f"--{name}", value]
        super().__init__(SCRIPT, arguments, port, log)
        self.oids, self.tls = oids, ssl.create_default_context(cafile=ca)
        self.token_url = f"https://{HOST}:{port}/{tenant}/oauth2/v2.0/token"
        self.device_url = f"https://{HOST}:{port}/{tenant}/oauth2/v2.0/devicecode"
        self.keys_url = f"https://{HOST}:{port}/{tenant}/discovery/v2.0/keys"
        self.issuer = f"https://{HOST}:{port}/{tenant}/v2.0"

    def approve(self, user_code, oid=None, age=0):
        """Signs in as oid (the first one), age seconds ago."""
        person = Person(self)
        seen = person.confirm(user_code)
        seen = person.submit(seen, account=oid or self.oids[0], age=age)
        if seen.title != "Signed in":
            raise RuntimeError(f"the device flow ended with {seen.title}: {seen.text}")

    def decline(self, user_code):
        """Signs in nowhere: the device is told access_denied."""
        person = Person(self)
        person.submit(person.confirm(user_code), refuse="yes")


class Person:
    """A browser as far as a person needs one here: cookies, redirects, the only form of a page."""

    def __init__(self, provider):
        self.provider, self.cookies = provider, {}

    def confirm(self, user_code):
        """Enters the code and confirms it; what comes is the sign-in page."""
        seen = self.submit(self.visit("/devicelogin"), user_code=user_code)
        if "confirm" not in seen.fields:
            raise RuntimeError(f"the code {user_code} was not taken: {seen.title}: {seen.text}")
        return self.submit(seen)

    def submit(self, page, **fields):
        return self.visit(page.action, urllib.parse.urlencode({**page.fields, **fields}))

    def visit(self, url, form=None):
        for _ in range(10):
            answer, body = self._request(url, form)
            if answer.status not in (301, 302, 303):
                return Page(answer.status, body)
            url, form = urllib.parse.urljoin(url, answer.getheader("Location")), None
        raise RuntimeError(f"no end of redirects: {url}")

    def _request(self, url, form):
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPSConnection(HOST, self.provider.port, timeout=10)
        # The name is for TLS alone: nothing has to resolve it.
        plain = socket.create_connection(("127.0.0.1", self.provider.port), timeout=10)
        connection.sock = self.provider.tls.wrap_socket(plain, server_hostname=HOST)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request("GET" if form is None else "POST", parts.path + (f"?{parts.query}" if parts.query else ""), form, headers)
            answer = connection.getresponse()
            body = answer.read().decode()
        finally:
            connection.close()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer, body


class Page(html.parser.HTMLParser):
    """Title, text, and action and fields of its form."""

    def __init__(self, status, body):
        super().__init__()
        self.status, self.title, self.text, self.action, self.fields = status, "", "", None, {}
        self._in_title = False
        self.feed(body)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "form":
            self.action = attributes["action"]
        elif tag == "input" and "name" in attributes:
            self.fields[attributes["name"]] = attributes.get("value") or ""
        self._in_title = tag == "title"

    def handle_endtag(self, tag):
        self._in_title = False

    def handle_data(self, data):
        if self._in_title:
            self.title += data
        else:
            self.text = f"{self.text} {data.strip()}".strip()
