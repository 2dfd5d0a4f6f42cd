# SPDX-License-Identifier: LGPL-2.1-or-later
"""ssprd-net asks for a range of stolen passwords: five digits leave the machine, and what is no such answer is none."""

import hashlib
import http.server
import os
import socket
import ssl
import threading
import time

import pytest

import mailserver as m
import worker as w

STOLEN, FINE = "Brand-New-77x", "Brand-New-78x"


def digest(password):
    return hashlib.sha1(password.encode()).hexdigest()


def lines(*found, padding=20):
    """What Pwned Passwords answers: suffixes with counts, some of count 0 that are only there for the length."""
    rows = [f"{digest(password)[5:].upper()}:{count}" for password, count in found]
    rows += [hashlib.sha1(bytes([n])).hexdigest()[5:].upper() + ":0" for n in range(padding)]
    return "\r\n".join(sorted(rows))


class Lists:
    """A server of the real protocol; `answer` is text, or a function that has the request to itself."""

    def __init__(self, certificate, key):
        self.asked, self.answer, self.status, self.headers = [], lines(), 200, {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.asked.append((self.path, dict(self.headers), self.rfile))
                if callable(outer.answer):
                    outer.answer(self)
                    self.close_connection = True
                    return
                body = outer.answer.encode() if isinstance(outer.answer, str) else outer.answer
                self.send_response(outer.status)
                for name, value in {"Content-Type": "text/plain", **outer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("localhost", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    os.chmod(folder, 0o755)
    return m.certificates(folder)


@pytest.fixture
def lists(tls):
    server = Lists(*tls[1:])
    yield server
    server.stop()


@pytest.fixture
def net(tmp_path, accounts, tls, lists):
    """Starts ssprd-net for the lists."""
    started = []

    def go(breached="refuse", ca=tls[0], host="localhost", port=None, more=""):
        text = (f"[properties]\nenabled = all\n[password]\nbreached = {breached}\n"
                f"breached-url = https://{host}:{port or lists.port}/own/range/\n{more}")
        text += f"breached-ca-file = {ca}\n" if ca else ""
        started.append(w.Worker("ssprd-net", "net", tmp_path, text, etc=accounts.etc))
        return started[-1].start()

    yield go
    for worker in started:
        worker.stop()


def ask(worker, password):
    return worker.ask(w.breached_job(digest(password))).said


def test_a_stolen_password_is_told_from_another(net, lists):
    worker = net()
    lists.answer = lines((STOLEN, 3), ("unrelated", 12345678))
    assert ask(worker, STOLEN) == ("refused", "breached"), worker.log()
    assert ask(worker, FINE) == ("done", "none"), worker.log()


def test_five_digits_leave_the_machine_and_no_more(net, lists):
    worker = net()
    ask(worker, STOLEN)
    (path, headers, _), = lists.asked
    assert path == "/own/range/" + digest(STOLEN)[:5].upper()
    assert headers["Add-Padding"] == "true"
    assert headers["User-Agent"] == "pam_sspr"
    sent = (path + str(headers)).lower()
    assert digest(STOLEN)[5:12] not in sent and STOLEN.lower() not in sent
    assert digest(STOLEN)[5:12] not in worker.log().lower()


def test_padding_counts_for_nothing(net, lists):
    worker = net()
    lists.answer = lines((STOLEN, 0))
    assert ask(worker, STOLEN) == ("done", "none")
    lists.answer = lines((STOLEN, "000"))
    assert ask(worker, STOLEN) == ("done", "none")


def test_lower_case_and_bare_line_ends_are_read_too(net, lists):
    worker = net()
    lists.answer = lines((STOLEN, 3)).lower().replace("\r\n", "\n") + "\n"
    assert ask(worker, STOLEN) == ("refused", "breached")
    assert ask(worker, FINE) == ("done", "none")


@pytest.mark.parametrize("answer", [
    "", "<html><body>Sign in to the hotel's network</body></html>", "0123456789:1\r\n", lines() + "\r\nnonsense", lines() + ":",
    lines((STOLEN, "")), lines((STOLEN, -1)), lines((STOLEN, "1 ")), lines((STOLEN, "9" * 16)), "\r\n" + lines(), lines().encode() + b"\0",
    lines().encode()[:-60] + b"\xff" * 60, "{}",
])
def test_what_is_no_answer_is_none(net, lists, answer):
    worker = net()
    lists.answer = answer
    assert ask(worker, STOLEN) == ("refused", "unreachable")
    assert ask(worker, FINE) == ("refused", "unreachable")


@pytest.mark.parametrize("status", [204, 301, 302, 304, 400, 404, 429, 500, 503])
def test_another_status_is_no_answer(net, lists, status):
    worker = net()
    lists.answer, lists.status = "" if status in (204, 304) else lines(), status
    lists.headers = {"Location": f"https://localhost:{lists.port}/elsewhere/", "Retry-After": "1"}
    assert ask(worker, FINE) == ("refused", "unreachable")
    assert len(lists.asked) == 1, "a redirect was followed, or the question asked again"


def test_a_huge_answer_is_given_up(net, lists):
    def flood(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(10000):
                handler.wfile.write((lines() + "\r\n").encode() * 10)
        except OSError:
            pass

    worker = net()
    lists.answer = flood
    assert ask(worker, FINE) == ("refused", "unreachable")
    assert "more than" in worker.log()


def test_a_slow_answer_is_given_up(net, lists):
    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            for c in lines((STOLEN, 3)) * 10:
                handler.wfile.write(c.encode())
                time.sleep(0.2)
        except OSError:
            pass

    worker = net()
    lists.answer = drip
    start = time.monotonic()
    assert ask(worker, STOLEN) == ("refused", "unreachable")
    assert time.monotonic() - start < 8


def test_an_answer_that_breaks_off_is_none(net, lists):
    def half(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        handler.wfile.write(lines().encode())

    worker = net()
    lists.answer = half
    assert ask(worker, FINE) == ("refused", "unreachable")


def test_only_a_server_that_can_be_trusted_is_asked(net, lists, tls, tmp_path):
    stranger = m.certificates(tmp_path, host="localhost", days=20)[0]
    assert ask(net(ca=stranger), FINE) == ("refused", "unreachable")
    assert ask(net(host="127.0.0.1"), FINE) == ("refused", "unreachable")
    assert not lists.asked


def test_nobody_there(net):
    with socket.socket() as s:
        s.bind(("localhost", 0))
        assert ask(net(port=s.getsockname()[1]), FINE) == ("refused", "unreachable")


def test_the_proxy_is_gone_by(net, lists):
    with socket.socket() as s:
        s.bind(("localhost", 0))
        closed = s.getsockname()[1]
    assert ask(net(more=f"breached-proxy = http://localhost:{closed}\n"), FINE) == ("refused", "unreachable")
    assert not lists.asked


def test_nothing_is_asked_where_it_is_off(net, lists):
    assert ask(net(breached="off"), STOLEN) == ("refused", "misconfigured")
    assert not lists.asked


@pytest.mark.parametrize("secret", ["", "abcde", "g" * 40, "a" * 41, "../../" + "a" * 34])
def test_what_is_no_digest_is_not_asked_for(net, lists, secret):
    worker = net()
    assert worker.ask(w.breached_job(secret)).said == ("refused", "misconfigured")
    assert not lists.asked
