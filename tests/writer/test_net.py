# SPDX-License-Identifier: LGPL-2.1-or-later
"""ssprd-net against mail servers that are right, wrong, hostile, slow and gone: M6, M7, F35, F38, W13."""

import os
import signal
import time

import pytest

import mailserver as m
import worker as w

CODE = "73920114"
BODY = f"Your code is {CODE}.\nÉtape 2. If this was not you, tell the help desk.\n"


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    os.chmod(folder, 0o755)
    return m.certificates(folder)


@pytest.fixture
def serve():
    started = []

    def go(*a, kind=m.Server, **k):
        started.append(kind(*a, **k))
        return started[-1]

    yield go
    for server in started:
        server.stop()


@pytest.fixture
def net(tmp_path, accounts):
    """Starts ssprd-net for a server."""
    started = []

    def go(server, ca, scheme="smtp", host="localhost", user=False, password=m.PASSWORD, env=None, more=""):
        text = f"[mail]\nserver = {scheme}://{host}:{server.port}\nfrom = sspr@example.org\n" if server else ""
        text += f"ca-file = {ca}\n" if ca else ""
        text += f"user = {m.USER}\n" if user else ""
        env = dict(env or {})
        if user and password is not None:
            os.makedirs(tmp_path / "credentials", exist_ok=True)
            (tmp_path / "credentials/sspr-mail-password").write_text(password)
            env["CREDENTIALS_DIRECTORY"] = str(tmp_path / "credentials")
        worker = w.Worker("ssprd-net", "net", tmp_path, "[properties]\nenabled = all\n" + text + more, env=env,
                          etc=accounts.etc)
        started.append(worker)
        return worker.start()

    yield go
    for worker in started:
        worker.stop()


def deliver(worker, to="monica@example.org", **k):
    k.setdefault("body", BODY)
    return worker.ask(w.mail_job(to, **k))


def test_starttls_and_authentication(net, serve, tls):
    server = serve(*tls[1:], auth=True)
    worker = net(server, tls[0], user=True, password=m.PASSWORD + "\n")
    answer = deliver(worker, subject="Ihr Code für die Anmeldung", ident="job-17")
    assert answer.said == ("done", "none"), worker.log()
    assert server.logins == [True]
    assert server.mails[0][:2] == ("sspr@example.org", ["monica@example.org"])
    mail = server.parsed()
    assert mail["Subject"] == "Ihr Code für die Anmeldung"
    assert mail["Message-ID"] == "<job-17@example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["To"].addresses[0].addr_spec == "monica@example.org"
    assert abs(mail["Date"].datetime.timestamp() - time.time()) < 60
    assert mail.get_content() == BODY
    assert not mail.defects


def test_implicit_tls(net, serve, tls):
    server = serve(*tls[1:], implicit=True)
    worker = net(server, tls[0], scheme="smtps")
    assert deliver(worker).said == ("done", "none"), worker.log()
    assert len(server.mails) == 1


def test_m7_no_starttls_no_mail(net, serve, tls):
    server = serve()
    worker = net(server, tls[0])
    start = time.monotonic()
    assert deliver(worker, life=30).said == ("refused", "unreachable")
    assert time.monotonic() - start < 3, "it is no use to try again"
    assert not server.mails and server.bodies == 0


@pytest.mark.parametrize("fault", ["self-signed", "wrong-host", "expired", "unknown-ca", "tls-1.1"])
def test_m7_f38_certificate_not_to_be_trusted(net, serve, tls, tmp_path, fault):
    own = m.certificates(tmp_path, **{"wrong-host": {"host": "mail.example.net"}, "expired": {"end": True}}.get(fault, {}))
    ca, certificate, key = own
    if fault == "self-signed":
        certificate, key, ca = own[0], os.path.join(os.path.dirname(own[0]), "ca.key"), tls[0]
    if fault == "unknown-ca":
        ca = tls[0]
    env = {}
    if fault == "tls-1.1":
        # As where the machine's own OpenSSL would still permit it.
        (tmp_path / "openssl.cnf").write_text("openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n"
                                              "[c]\nMinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=0\n")
        env["OPENSSL_CONF"] = str(tmp_path / "openssl.cnf")
    server = serve(certificate, key, old_tls=fault == "tls-1.1", auth=True)
    worker = net(server, ca, user=True, env=env)
    assert deliver(worker, life=1).said == ("refused", "unreachable")
    assert not server.mails and server.logins == [], "the password went to a server that was not verified"
    assert server.connections >= 1


def test_m7_the_systems_certificates_do_not_know_the_test_ca(net, serve, tls):
    server = serve(*tls[1:])
    worker = net(server, None)
    assert deliver(worker, life=1).said == ("refused", "unreachable")
    assert not server.mails


def test_proxy_of_the_environment_is_not_used(net, serve, tls):
    server = serve(*tls[1:])
    trap = serve(kind=m.Hanging)
    proxy = f"http://127.0.0.1:{trap.port}"
    worker = net(server, tls[0], env={"all_proxy": proxy, "ALL_PROXY": proxy, "smtp_proxy": proxy})
    assert deliver(worker).said == ("done", "none"), worker.log()
    assert trap.connections == 0


def test_wrong_mail_password_is_misconfigured_at_once(net, serve, tls):
    server = serve(*tls[1:], auth=True)
    worker = net(server, tls[0], user=True, password="wrong")
    start = time.monotonic()
    assert deliver(worker, life=30).said == ("refused", "misconfigured")
    assert time.monotonic() - start < 5
    assert not server.mails


def test_missing_credential_is_misconfigured(net, serve, tls):
    server = serve(*tls[1:], auth=True)
    worker = net(server, tls[0], user=True, password=None)
    assert deliver(worker).said == ("refused", "misconfigured")
    assert "sspr-mail-password" in worker.log() and server.connections == 0


def test_no_mail_section_is_misconfigured(net):
    worker = net(None, None)
    assert deliver(worker).said == ("refused", "misconfigured")


def test_f35_greylisted_then_taken(net, serve, tls):
    server = serve(*tls[1:], rcpt=["451 4.7.1 greylisted, come again"])
    worker = net(server, tls[0])
    assert deliver(worker, life=20).said == ("done", "none"), worker.log()
    assert server.connections == 2 and len(server.mails) == 1
    assert "451 4.7.1 greylisted, come again" in worker.log()


def test_f35_greylisted_longer_than_the_code_lives(net, serve, tls):
    server = serve(*tls[1:], rcpt=["451 4.7.1 later"] * 50)
    worker = net(server, tls[0])
    start = time.monotonic()
    assert deliver(worker, life=4).said == ("refused", "unreachable")
    assert 1 < time.monotonic() - start < 6
    assert 2 <= server.connections <= 3, "the pauses grow"


@pytest.mark.parametrize("reply", ["550 5.1.1 no such user", "554 5.7.1 spam"])
def test_f35_refused_for_good(net, serve, tls, reply):
    server = serve(*tls[1:], rcpt=[reply] * 9)
    worker = net(server, tls[0])
    start = time.monotonic()
    assert deliver(worker, life=60).said == ("refused", "rejected")
    assert time.monotonic() - start < 3 and server.connections == 1
    assert reply in worker.log()


def test_refused_after_the_text_with_a_reply_that_quotes_it(net, serve, tls):
    server = serve(*tls[1:], after_data=f"550 5.7.1 no mail saying {CODE} here")
    worker = net(server, tls[0])
    assert deliver(worker, life=60).said == ("refused", "rejected")
    assert server.bodies == 1 and "550 5.7.1" in worker.log()
    assert CODE not in worker.log()


def test_connection_broken_after_the_text_is_unknown(net, serve, tls):
    server = serve(*tls[1:], after_data="drop")
    worker = net(server, tls[0])
    assert deliver(worker, life=60).said == ("unknown", "unreachable"), worker.log()
    assert server.bodies == 1, "what may have been taken must not be sent again"


def test_f25_nobody_listens(net, serve, tls):
    server = serve(*tls[1:])
    server.stop()
    worker = net(server, tls[0])
    start = time.monotonic()
    assert deliver(worker, life=2).said == ("refused", "unreachable")
    assert time.monotonic() - start < 5
    server.stop = lambda: None  # it is down already


def test_f38_no_such_host(net, serve, tls):
    worker = net(serve(*tls[1:]), tls[0], host="mail.invalid")
    assert deliver(worker, life=1).said == ("refused", "unreachable")


@pytest.mark.parametrize("greeting", [b"", b"220 hello\r\n", b"garbage"], ids=["silent", "greeting", "garbage"])
def test_f35_server_that_hangs(net, serve, tls, greeting):
    server = serve(kind=m.Hanging, greeting=greeting)
    worker = net(server, tls[0])
    start = time.monotonic()
    assert deliver(worker, life=1).said == ("refused", "unreachable")
    assert time.monotonic() - start < 17


def test_f39_the_asking_side_goes_away_in_a_pause(net, serve, tls):
    server = serve(*tls[1:], rcpt=["451 later"] * 50)
    worker = net(server, tls[0])
    c = worker.connect()
    c.send(w.mail_job("monica@example.org", life=600))
    w.wait_for(lambda: server.connections == 2)
    c.close()
    assert w.wait_for(lambda: not worker.children(), 2) or not worker.children()
    seen = server.connections
    time.sleep(3)
    assert server.connections == seen


def test_f39_the_asking_side_goes_away_while_the_server_hangs(net, serve, tls):
    server = serve(kind=m.Hanging)
    worker = net(server, tls[0])
    c = worker.connect()
    c.send(w.mail_job("monica@example.org", life=600))
    w.wait_for(lambda: server.connections == 1)
    c.close()
    time.sleep(2.5)
    assert not worker.children()


def test_another_job_ends_the_one_that_waits(net, serve, tls):
    server = serve(*tls[1:], rcpt=["451 later"])
    worker = net(server, tls[0])
    with worker.connect() as c:
        c.send(w.mail_job("monica@example.org", ident="first", life=600))
        w.wait_for(lambda: server.connections == 1 and not server.rcpt)
        time.sleep(0.3)
        c.send(w.mail_job("monica@example.org", ident="second", life=600))
        assert c.receive().said == ("refused", "unreachable")
        assert c.receive().said == ("done", "none")
    assert [b"<second@" in mail[2] for mail in server.mails] == [True]


@pytest.mark.parametrize("to", [
    "monica@example.org\r\nRCPT TO:<eve@example.org>", "monica@example.org\nBcc: eve@example.org",
    "monica@example.org,eve@example.org", "<monica@example.org>", '"monica eve"@example.org', "monica", "@example.org",
    "monica@", "monica@example.org eve@example.org", "monica@exa mple.org", "mónica@example.org", "a@b@c",
    "monica@-example.org", "monica@example..org", "monica@[127.0.0.1]", ""])
def test_m6_address_injection(net, serve, tls, to):
    server = serve(*tls[1:])
    worker = net(server, tls[0])
    assert deliver(worker, to=to).said == ("refused", "rejected")
    assert server.connections == 0


@pytest.mark.parametrize("change", [{"subject": "Code\r\nBcc: eve@example.org"}, {"subject": "\x1b[2J"},
                                    {"ident": "a@b>\r\nBcc: e"}, {"ident": ""}, {"body": b"\xff\xfe"}, {"body": "a\x1b[2J"},
                                    {"body": "\r\n.\r\nMAIL FROM:<x@y>"}])
def test_m6_header_and_body_injection(net, serve, tls, change):
    server = serve(*tls[1:])
    worker = net(server, tls[0])
    assert deliver(worker, **change).said == ("refused", "rejected")
    assert server.connections == 0


def test_body_with_dots_and_long_lines_arrives_as_it_was(net, serve, tls):
    server = serve(*tls[1:])
    worker = net(server, tls[0])
    body = ".\n..\n" + "x" * 300 + "\n" + "ž" * 100 + " \nend= =3D\n.\n"
    assert deliver(worker, body=body).said == ("done", "none")
    mail = server.parsed()
    assert mail.get_content() == body
    assert max(map(len, server.mails[0][2].split(b"\r\n"))) <= 78


def test_w13_no_secret_where_others_can_read_it(net, serve, tls):
    server = serve(*tls[1:], rcpt=["451 later"] * 9, auth=True)
    worker = net(server, tls[0], user=True)
    with worker.connect() as c:
        c.send(w.mail_job("monica@example.org", body=BODY, life=600))
        w.wait_for(lambda: server.logins)
        pids = [worker.process.pid, *worker.children()]
        assert len(pids) == 2
        for pid in pids:
            for name in ("cmdline", "environ"):
                text = open(f"/proc/{pid}/{name}", "rb").read()
                assert CODE.encode() not in text and m.PASSWORD.encode() not in text
    assert CODE not in worker.log() and m.PASSWORD not in worker.log()


def test_local_jobs_are_not_for_the_net(net, serve, tls):
    worker = net(serve(*tls[1:]), tls[0])
    assert worker.ask(w.lookup_job("monica")).said == ("refused", "misconfigured")


def test_wrong_ca_file_stops_the_start(net, serve, tls, tmp_path):
    (tmp_path / "empty.pem").write_text("nothing\n")
    worker = net(serve(*tls[1:]), tmp_path / "empty.pem")
    assert worker.process.wait(5) == 78
    assert "empty.pem" in worker.log()


def test_stops_on_sigterm_although_a_mail_waits(net, serve, tls):
    server = serve(*tls[1:], rcpt=["451 later"] * 50)
    worker = net(server, tls[0])
    with worker.connect() as c:
        c.send(w.mail_job("monica@example.org", life=600))
        w.wait_for(lambda: server.connections == 1)
        worker.process.send_signal(signal.SIGTERM)
        assert c.receive().said == ("refused", "unreachable")
    assert worker.process.wait(3) == 0


def test_stops_on_sigterm(net, serve, tls):
    worker = net(serve(*tls[1:]), tls[0])
    assert deliver(worker).said == ("done", "none")
    assert worker.stop(signal.SIGTERM) == 0
