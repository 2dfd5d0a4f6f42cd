# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mail server for one test, in this process, with the certificate and the faults that the test asks for."""

import datetime
import email
import email.policy
import os
import socket
import ssl
import subprocess
import threading
import time
import warnings

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

USER, PASSWORD = "sspr", "canary-mail-7c2d"


def sh(*command, **k):
    subprocess.run(command, check=True, capture_output=True, **k)


def certificates(folder, host="localhost", days=30, end=None):
    """A CA and a certificate signed by it: paths of CA, certificate, key."""
    d = os.path.join(str(folder), f"tls-{host}-{days}-{bool(end)}")
    os.makedirs(d, exist_ok=True)
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    sh(*new, "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=test CA",
       "-addext", "basicConstraints=critical,CA:TRUE", cwd=d)
    sh(*new, "-keyout", "s.key", "-out", "s.csr", "-subj", f"/CN={host}", cwd=d)
    with open(f"{d}/ext", "w") as f:
        f.write(f"subjectAltName=DNS:{host}\n")
    sign = ["openssl", "x509", "-req", "-in", "s.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", "s.pem", "-extfile", "ext"]
    if end is None:
        sh(*sign, "-days", str(days), cwd=d)
    else:
        expire(d, host)
    os.chmod(d, 0o755)
    return f"{d}/ca.pem", f"{d}/s.pem", f"{d}/s.key"


def expire(d, host):
    """`openssl ca` can set both dates, `openssl x509` of Debian 12 cannot."""
    with open(f"{d}/ca.cnf", "w") as f:
        f.write(f"[ca]\ndefault_ca=c\n[c]\ndatabase={d}/index\nserial={d}/serial\nnew_certs_dir={d}\n"
                "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
    open(f"{d}/index", "w").close()
    with open(f"{d}/serial", "w") as f:
        f.write("10\n")
    day = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=2)
    start = day - datetime.timedelta(days=10)
    sh("openssl", "ca", "-batch", "-config", f"{d}/ca.cnf", "-cert", f"{d}/ca.pem", "-keyfile", f"{d}/ca.key",
       "-in", f"{d}/s.csr", "-out", f"{d}/s.pem", "-startdate", start.strftime("%Y%m%d%H%M%SZ"),
       "-enddate", day.strftime("%Y%m%d%H%M%SZ"), "-extfile", f"{d}/ext", "-notext")


class Handler:
    def __init__(self, server):
        self.server = server

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        replies = self.server.rcpt
        if replies:
            return replies.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, session, envelope):
        self.server.bodies += 1
        if self.server.after_data == "drop":
            session.peer_closed = True
            self.server.transports[-1].abort()
            return "250 never seen"
        if self.server.after_data:
            return self.server.after_data
        self.server.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        return "250 2.0.0 taken"


class Server:
    def __init__(self, certificate=None, key=None, implicit=False, auth=False, old_tls=False, rcpt=(), after_data=None):
        self.mails, self.rcpt, self.after_data, self.bodies = [], list(rcpt), after_data, 0
        self.transports, self.peers, self.logins = [], set(), []
        context = None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            if old_tls:
                context.set_ciphers("DEFAULT:@SECLEVEL=0")
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        outer = self

        def authenticator(_server, _session, _envelope, _mechanism, data):
            ok = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
            outer.logins.append(ok)
            return AuthResult(success=ok, handled=ok)

        options = {}
        if auth:
            options.update(auth_required=True, authenticator=authenticator, auth_require_tls=not implicit)
        if implicit:
            options.update(ssl_context=context)
        elif context:
            options.update(tls_context=context, require_starttls=True)

        class Kept(Controller):
            def factory(self):
                smtp = super().factory()
                made = smtp.connection_made

                def connection_made(transport):
                    outer.transports.append(transport)
                    outer.peers.add(transport.get_extra_info("peername"))
                    made(transport)

                smtp.connection_made = connection_made
                return smtp

        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.controller = Kept(Handler(self), hostname="127.0.0.1", port=self.port, **options)
        self.controller.start()
        self.peers.clear()  # the controller has tried itself

    @property
    def connections(self):
        return len(self.peers)

    def parsed(self, n=0):
        text = self.mails[n][2].replace(b"\r\n", b"\n")
        return email.message_from_bytes(text, policy=email.policy.default)

    def stop(self):
        self.controller.stop()


class Hanging:
    """Takes connections and says nothing, or a greeting and no more."""

    def __init__(self, greeting=b""):
        self.s = socket.socket()
        self.s.bind(("127.0.0.1", 0))
        self.s.listen(16)
        self.port, self.greeting, self.taken = self.s.getsockname()[1], greeting, []
        threading.Thread(target=self.run, daemon=True).start()

    @property
    def connections(self):
        return len(self.taken)

    def run(self):
        while True:
            try:
                c, _ = self.s.accept()
            except OSError:
                return
            self.taken.append((time.monotonic(), c))
            if self.greeting:
                c.sendall(self.greeting)

    def stop(self):
        self.s.close()
