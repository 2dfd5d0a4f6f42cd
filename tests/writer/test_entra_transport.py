# SPDX-License-Identifier: LGPL-2.1-or-later
"""How ssprd-net reaches a tenant's hosts: TLS, proxies, and an environment that says otherwise: F25, F38, W12."""

import os
import socket
import threading
import time

import pytest

import faults
import mailserver as m
from cloud import GOOD

HOSTS = ("login", "graph")
KINDS = ("self-signed", "stranger", "expired", "future", "wrong-host", "tls1.0", "tls1.1")
OLD_TLS = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\n"


class Proxy:
    """CONNECT (RFC 9110 9.3.6) to ports of this machine, whatever the name; or an answer of its own."""

    def __init__(self, answer=None):
        self.answer, self.heads, self.lock = answer, [], threading.Lock()
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def targets(self):
        return [head.split()[1].decode() for head in self.heads]

    def run(self):
        while True:
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        head = b""
        with c:
            while b"\r\n\r\n" not in head:
                piece = c.recv(65536)
                if not piece:
                    return
                head += piece
            with self.lock:
                self.heads.append(head)
            answer = self.answer(head) if callable(self.answer) else self.answer
            if answer:
                c.sendall(answer)
                return
            with socket.create_connection(("127.0.0.1", int(head.split()[1].rpartition(b":")[2]))) as there:
                c.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=self.pump, args=(there, c))
                back.start()
                self.pump(c, there)
                back.join()

    @staticmethod
    def pump(a, b):
        try:
            while piece := a.recv(65536):
                b.sendall(piece)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@pytest.fixture
def proxy():
    made = []

    def go(answer=None):
        made.append(Proxy(answer))
        return made[-1]

    yield go
    for each in made:
        each.stop()


@pytest.fixture(scope="module")
def lenient(one_lab):
    """Where the machine's own OpenSSL would permit anything."""
    path = f"{one_lab.folder}/openssl.cnf"
    with open(path, "w") as f:
        f.write(OLD_TLS)
    return one_lab.start(env={"OPENSSL_CONF": path})


@pytest.fixture
def net(lab, lenient):
    lenient.forget_token()
    return lenient


def good(net):
    answer = net.lookup("MonicaT")
    assert answer.said == ("done", "none"), answer.detail
    return answer


# -- TLS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("host", HOSTS)
def test_W12_F38_host_that_is_not_to_be_trusted(lab, net, host, kind):
    good(net)
    if host == "login":
        net.forget_token()
    lab.service.clear()
    lab.service.set_tls(host, kind)
    answer = net.lookup("MonicaT")
    assert answer.said == ("refused", "unreachable"), answer
    assert lab.count(host=host) == 0, "nothing was said to it"
    lab.service.set_tls(host, "good")
    net.forget_failure()
    good(net)


@pytest.mark.parametrize("kind", KINDS)
def test_W12_no_write_to_a_host_that_is_not_to_be_trusted(lab, net, kind):
    monica = good(net)
    lab.service.clear()
    lab.service.set_tls("graph", kind)
    assert net.reset(monica).said == ("refused", "unreachable")
    assert not lab.service.requests and not lab.tenant.password_is("MonicaT", GOOD)


def test_W12_authority_that_is_not_the_configured_one(lab):
    """What the system trusts does not matter where ca-file is set, nor the other way round."""
    lab.service.certificates.authority("stranger")
    net = lab.net(ca_file=f"{lab.service.folder}/stranger.pem")
    assert net.lookup("MonicaT").said == ("refused", "unreachable")
    assert lab.net(ca_file=None).lookup("MonicaT").said == ("refused", "unreachable")
    assert not lab.service.requests


def test_ca_file_that_is_none_stops_the_start(lab, tmp_path):
    for text in ("nothing\n", ""):
        (tmp_path / "ca.pem").write_text(text)
        net = lab.start(ca_file=tmp_path / "ca.pem")
        assert net.worker.process.wait(5) == 78 and f"{tmp_path}/ca.pem" in net.log()


# -- the environment


def test_W12_environment_has_no_say(lab, proxy):
    """Neither whom to trust, nor by which way."""
    trap = proxy(b"HTTP/1.1 502 no\r\n\r\n")
    lab.service.certificates.authority("stranger")
    stranger = f"{lab.service.folder}/stranger.pem"
    names = ("https_proxy", "HTTPS_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
    net = lab.start(env={**dict.fromkeys(names, trap.url), "SSL_CERT_FILE": stranger, "SSL_CERT_DIR": lab.service.folder,
                         "CURL_CA_BUNDLE": stranger, "CURL_HOME": lab.folder, "HOME": lab.folder, "SSLKEYLOGFILE": f"{lab.folder}/keys"})
    for name in (".netrc", ".curlrc"):
        with open(f"{lab.folder}/{name}", "w") as f:
            f.write("machine graph.lab login a password b\nmachine login.lab login a password b\n" if name == ".netrc" else "insecure\n")
    good(net)
    assert not trap.heads
    assert all(r.headers.get("authorization", "Bearer ").startswith("Bearer ") for r in lab.service.requests)
    assert not os.path.exists(f"{lab.folder}/keys"), "no keys of a connection are written anywhere"
    for host in HOSTS:
        net.forget_token()
        lab.service.set_tls(host, "stranger")
        assert net.lookup("MonicaT").said == ("refused", "unreachable")
        lab.service.set_tls(host, "good")


# -- a proxy of the configuration


def test_proxy_is_used_for_both_hosts(lab, proxy):
    way = proxy()
    net = lab.start(proxy=way.url, env={"no_proxy": "*", "NO_PROXY": "graph.lab,login.lab"})
    before = {name: listener.connections for name, listener in lab.service.listeners.items()}
    assert net.reset(good(net)).said == ("done", "none")
    used = {name: listener.connections - before[name] for name, listener in lab.service.listeners.items()}
    places = {name: "{}:{}".format(*lab.service.hosts[name]) for name in HOSTS}
    assert {name: way.targets.count(places[name]) for name in HOSTS} == used and used["login"] == 1 and used["graph"] >= 3


def test_proxy_gets_to_know_nothing(lab, proxy):
    way = proxy()
    net = lab.start(proxy=way.url)
    assert net.reset(good(net)).said == ("done", "none")
    token = open(net.token_file()).read().split()[-1]
    for head in way.heads:
        assert head.startswith(b"CONNECT ") and b"authorization" not in head.lower() and b"users" not in head
        assert not [secret for secret in [token, *lab.secrets()] if secret.encode() in head]


def test_proxy_knows_the_names_not_the_machine(lab, proxy):
    way = proxy()
    net = lab.start(proxy=way.url)
    with lab.unknown("graph.lab"):
        good(net)


def test_F25_proxy_that_is_down(lab, proxy):
    way = proxy()
    way.stop()
    net = lab.start(proxy=way.url)
    assert net.lookup("MonicaT").said == ("refused", "unreachable")
    assert not lab.service.requests
    way.stop = lambda: None


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 403 no\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 407 who\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 503 later\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 302 x\r\nLocation: https://login.lab/\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"access_token\":\"x\"}", b"garbage\r\n\r\n", b"\r\n"])
@pytest.mark.parametrize("host", HOSTS)
def test_F25_proxy_that_refuses(lab, proxy, host, answer):
    way = proxy(lambda head: answer if head.startswith(f"CONNECT {host}".encode()) else None)
    net = lab.start(proxy=way.url)
    start = time.monotonic()
    assert net.lookup("MonicaT").said == ("refused", "unreachable")
    assert lab.count(host=host) == 0 and time.monotonic() - start < 2


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 503 later\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 502 x\r\n\r\n", b"\r\n"])
def test_F25_proxy_that_refuses_the_write(lab, proxy, answer):
    """Nothing of it was sent, so nothing was changed, and that is told at once."""
    way = proxy(lambda head: answer if refusing else None)
    refusing = []
    net = lab.start(proxy=way.url)
    monica = good(net)

    def act(r, perform):
        refusing.append(True)
        return perform()

    lab.service.fault(None, r"\$batch", act, skip=1)
    start = time.monotonic()
    assert net.reset(monica).said == ("refused", "unreachable")
    assert lab.patches == 0 and time.monotonic() - start < 2


def test_W12_proxy_that_looks_into_it(lab, proxy):
    """It ends TLS itself, with a certificate of its own."""
    middle = lab.service.certificates.context("graph.lab", "stranger")
    seen = []

    class Looking(Proxy):
        def serve(self, c):
            c.recv(65536)
            c.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            try:
                with middle.wrap_socket(c, server_side=True) as inside:
                    seen.append(inside.recv(65536))
            except OSError:
                pass

    way = Looking()
    net = lab.start(proxy=way.url)
    lab.service.clear()
    assert net.lookup("MonicaT").said == ("refused", "unreachable")
    assert not any(seen) and not lab.service.requests
    way.stop()


# -- hosts that are not what they seem


@pytest.mark.parametrize("greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n", b"\x15\x03\x01\x00\x02\x02\x28"])
def test_F25_port_that_speaks_something_else(lab, greeting):
    other = m.Hanging(greeting)
    net = lab.start(login=f"login.lab:{other.port}")
    assert net.lookup("MonicaT").said == ("refused", "unreachable")
    other.stop()


@pytest.mark.parametrize("act", [faults.answer(200, b"{}", {"Content-Type": "application/json", "Set-Cookie": "a=b; Domain=lab"})])
def test_no_cookies(lab, net, act):
    lab.service.fault("POST", r"\$batch", act)
    net.lookup("MonicaT")
    good(net)
    assert not any("cookie" in r.headers for r in lab.service.requests)
