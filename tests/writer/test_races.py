# SPDX-License-Identifier: LGPL-2.1-or-later
"""What happens to an account, or to the asking side, between the judgement and the write: W3 W4 W9 F49; and W13 of the mail password."""

import base64
import fcntl
import os
import signal
import socket
import ssl
import struct
import threading
import time

import mailserver
import pytest
import worker as w
from conftest import OLD

NEW = "Spring-remembered-58"


def set_field(etc, name, change):
    """The hash field of one user, written as usermod does: a whole new file in place of the old."""
    lines = []
    for line in open(f"{etc}/shadow"):
        fields = line.split(":")
        if fields[0] == name:
            fields[1] = change(fields[1])
        lines.append(":".join(fields))
    with open(f"{etc}/shadow-new", "w") as f:
        f.writelines(lines)
    os.rename(f"{etc}/shadow-new", f"{etc}/shadow")


def reset_job(mark="", until=None):
    fields = [(w.JOB_KIND, b"\x04"), (w.DIRECTORY, "local"), (w.OBJECT, "1000"), (w.NAME, "monica"), (w.MARK, mark),
              (w.GROUP, ""), (w.SECRET, NEW)]
    return w.encode(w.JOB, *fields, *([] if until is None else [(w.UNTIL, struct.pack(">Q", until))]))


def boot_ms():
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)


def test_w4_an_account_locked_while_the_write_waits_stays_locked(local, accounts):
    lock = open(f"{accounts.etc}/.pwd.lock", "w")
    fcntl.lockf(lock, fcntl.LOCK_EX)

    def usermod_lock():
        set_field(accounts.etc, "monica", lambda field: "!" + field)
        lock.close()

    threading.Timer(1, usermod_lock).start()
    assert local.ask(reset_job()).said == ("refused", "locked")
    assert accounts.stored("monica").startswith("!")


@pytest.mark.parametrize("word", ["disabled-by-it", "NOLOGIN_NOLOGIN", "LOCKED.LOCKED", "$disabled$by$it", "INVALID-PASSWORD",
                                  "locked 2026-11-23", "$6$tooshort", "x" * 13 + "!", "_locked_by_administrator", "_account.disabled.2024",
                                  "$1$disabled-by-ops-2024"])
def test_w4_a_word_is_no_hash(local, accounts, word):
    set_field(accounts.etc, "monica", lambda _: word)
    assert local.ask(w.lookup_job("monica")).said == ("refused", "locked")
    assert local.ask(reset_job()).said == ("refused", "locked")


def test_w9_somebody_elses_password_stays(local, accounts):
    mark = local.ask(w.lookup_job("monica")).mark
    set_field(accounts.etc, "monica", lambda _: w.make_hash("Somebody-else-22x"))
    assert local.ask(reset_job(mark)).said == ("refused", "changed-meanwhile")
    assert w.matches("Somebody-else-22x", accounts.stored("monica"))


def test_f49_nothing_is_written_after_its_time(local, accounts):
    assert local.ask(reset_job(until=boot_ms() - 1)) is None
    assert w.matches(OLD, accounts.stored("monica"))
    assert local.ask(reset_job(until=boot_ms() + 20000)).said == ("done", "none")


def test_f49_the_time_ends_a_write_that_waits(local, accounts):
    with open(f"{accounts.etc}/.pwd.lock", "w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        start = time.monotonic()
        assert local.ask(reset_job(until=boot_ms() + 2000)) is None
        assert time.monotonic() - start < 4
    time.sleep(0.5)
    assert w.matches(OLD, accounts.stored("monica"))


def test_w9_nothing_is_written_for_one_who_goes_while_the_write_waits(local, accounts):
    with open(f"{accounts.etc}/.pwd.lock", "w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        with local.connect() as connection:
            connection.send(reset_job())
            time.sleep(0.5)
    time.sleep(1)
    assert w.matches(OLD, accounts.stored("monica"))


def test_w9_a_look_up_after_a_write_waits_for_the_lock(local, accounts):
    """What it says of the mark is final: nobody is writing while it looks."""
    lock = open(f"{accounts.etc}/.pwd.lock", "w")
    fcntl.lockf(lock, fcntl.LOCK_EX)

    def writes():
        set_field(accounts.etc, "monica", lambda _: w.make_hash(NEW))
        lock.close()

    before = local.ask(w.lookup_job("monica")).mark
    threading.Timer(1, writes).start()
    job = w.encode(w.JOB, (w.JOB_KIND, b"\x01"), (w.DIRECTORY, "local"), (w.OBJECT, "1000"), (w.NAME, "monica"), (w.MARK, before),
                   (w.GROUP, ""))
    assert local.ask(job).mark != before


@pytest.mark.parametrize("line", ["crowd:x:5000:" + ",".join(f"member{n}" for n in range(3000))])
def test_a2_a_long_line_of_a_group_is_no_failure(local, accounts, line):
    with open(f"{accounts.etc}/group", "a") as f:
        f.write(line + "\n")
    assert local.ask(w.lookup_job("monica")).said == ("done", "none")


def test_w9_nothing_is_written_for_one_who_has_gone(local, accounts):
    os.kill(local.process.pid, signal.SIGSTOP)
    connection = local.connect()
    connection.send(reset_job())
    connection.close()
    os.kill(local.process.pid, signal.SIGCONT)
    time.sleep(1.5)
    assert w.matches(OLD, accounts.stored("monica"))


class Echo:
    """A mail server that quotes what it does not like."""

    def __init__(self, certificate, key, code):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(4)
        self.port, self.code = self.socket.getsockname()[1], code
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate, key)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.socket.accept()
            try:
                self.talk(client)
            except OSError:
                pass

    def talk(self, client):
        client.sendall(b"220 x\r\n")
        client.recv(999)
        client.sendall(b"250-x\r\n250 STARTTLS\r\n")
        client.recv(999)
        client.sendall(b"220 go\r\n")
        client = self.tls.wrap_socket(client, server_side=True)
        client.recv(999)
        client.sendall(b"250-x\r\n250 AUTH PLAIN\r\n")
        while said := client.recv(999).strip():
            if said == b"AUTH PLAIN":
                client.sendall(b"334 \r\n")
            elif said.startswith(b"QUIT"):
                return
            else:
                client.sendall(self.code + b" 5.5.2 not understood: " + said + b"\r\n")


@pytest.mark.parametrize("code", [b"535", b"500", b"451"])
def test_w13_a_server_that_quotes_the_password(tmp_path, accounts, code):
    os.chmod(tmp_path, 0o755)
    tls = mailserver.certificates(tmp_path)
    server = Echo(*tls[1:], code)
    os.makedirs(tmp_path / "credentials")
    (tmp_path / "credentials/sspr-mail-password").write_text(mailserver.PASSWORD)
    config = (f"[properties]\nenabled = all\n[mail]\nserver = smtp://localhost:{server.port}\nfrom = sspr@example.org\n"
              f"ca-file = {tls[0]}\nuser = {mailserver.USER}\n")
    net = w.Worker("ssprd-net", "net", tmp_path, config, env={"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")},
                   etc=accounts.etc).start()
    try:
        net.ask(w.mail_job("monica@example.org", life=1))
        log = net.log()
    finally:
        net.stop()
    assert code.decode() in log
    assert base64.b64encode(f"\0{mailserver.USER}\0{mailserver.PASSWORD}".encode()).decode() not in log
