# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prism between ssprd-net and the stand-in: holds requests and answers against an OpenAPI description, both ways.

ssprd-net -- TLS --> Front -- HTTP --> Prism -- HTTP --> stand-in. What breaks the description is answered by Prism itself, with
application/problem+json; Front keeps what it says, since the daemon shows none of it.
"""

import http.client
import http.server
import json
import os
import re
import ssl
import threading
import urllib.parse

import node

OPENAPI = "/graph/graph-v1.0.openapi.yaml"
OWN = "application/problem+json"
READING = re.compile(r"/(checkMemberGroups|getMemberGroups)$")


def available(openapi=OPENAPI):
    """Whether this world has the description too: it is not the project's."""
    return node.available() and os.path.exists(openapi)


class Prism(node.Node):
    """http://127.0.0.1:port to http://127.0.0.1:upstream."""

    def __init__(self, port, upstream, log, openapi=OPENAPI):
        super().__init__(f"{node.MODULES}/node_modules/@stoplight/prism-cli/dist/index.js",
                         ["proxy", openapi, f"http://127.0.0.1:{upstream}", "--host", "127.0.0.1", "--port", port, "--errors"],
                         port, log, {"NO_COLOR": "1", "FORCE_COLOR": "0"})

    def complaints(self):
        """The requests that it ended, as its log tells: without the reason."""
        return re.findall(r"\[HTTP SERVER\] (\S+ \S+) .*terminated with error: \S+#(\S+): ", self.said())


class Front:
    """https://NAME:port to Prism; violations holds a (method, path, status, reasons) for each answer of its own.

    requests holds what came, unfolded what was inside batches; both as (method, path, status). What a batch asks is asked again
    after its answer was given: wait for it where it matters.
    """

    def __init__(self, port, prism_port, certificate, key):
        self.requests, self.unfolded, self.violations = [], [], []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"front": self}))
        self.server.daemon_threads = True
        self.prism_port = prism_port
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate, key)

    def start(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    __enter__ = start

    def __exit__(self, *_):
        self.stop()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    wbufsize = -1  # one packet: two would wait for each other
    disable_nagle_algorithm = True

    def setup(self):
        # In the connection's own thread: a slow handshake holds up nobody else.
        self.request.settimeout(self.timeout)
        self.request = self.front.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def log_message(self, *_):
        pass

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kept = {name: value for name, value in self.headers.items() if name.lower() not in ("connection", "expect")}
        status, headers, content = self.ask(self.command, self.path, kept, body)
        self.front.requests.append((self.command, self.path, status))
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("connection", "keep-alive", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()
        if status == 200 and urllib.parse.unquote(self.path).endswith("/$batch"):
            self.unfold(body)

    def ask(self, method, path, headers, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.front.prism_port, timeout=self.timeout)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.headers.get_content_type() == OWN:
            problem = json.loads(content)
            reasons = [f"{'.'.join(map(str, v['location']))}: {v['message']}" for v in problem.get("validation", [])]
            self.front.violations.append((method, path, answer.status, reasons or [problem["title"]]))
        return answer.status, answer.getheaders(), content

    def unfold(self, batch):
        """The description says nothing of what is inside a batch: what only reads there is asked once more, alone."""
        base = self.path.rpartition("/")[0]
        for one in json.loads(batch)["requests"]:
            if one["method"] == "GET" or READING.search(one["url"]):
                body = json.dumps(one["body"]).encode() if "body" in one else b""
                headers = {"Host": self.headers["Host"], "Authorization": self.headers["Authorization"], **one.get("headers", {}),
                           "Content-Length": str(len(body))}
                status, _, _ = self.ask(one["method"], base + one["url"], headers, body)
                self.front.unfolded.append((one["method"], one["url"], status))

    do_GET = do_POST = do_PATCH = do_DELETE = forward
