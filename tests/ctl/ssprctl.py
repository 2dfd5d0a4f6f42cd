#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ssprctl against a peer that speaks the administration protocol of base/wire.h. Needs neither root nor ssprd."""

import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.environ.get("top_srcdir", "."), "tests/guard"))
import elf  # noqa: E402

USER, TEXT, NAME, TO, VERB, STATUS, SINCE, AFTER, COLUMN = 2, 12, 21, 24, 32, 33, 34, 35, 128
ANSWER, HEAD, ROW, END = 3, 33, 34, 35
OK, FAILED, REFUSED, ASK = range(4)
URI = "otpauth://totp/lab:monica?secret=ABCDEFGHIJKLMNOPQRSTUVWXYZ234567&issuer=lab"
PAGE, USERS = 64, 150


def field(tag, value):
    return bytes([tag]) + struct.pack(">H", len(value)) + value


def row(kind, *values):
    return bytes([kind]) + b"".join(field(COLUMN + i, v.encode()) for i, v in enumerate(values))


def end(status, text="", after=None):
    last = field(AFTER, struct.pack(">Q", after)) if after is not None else b""
    return bytes([END]) + field(STATUS, bytes([status])) + (field(TEXT, text.encode()) if text else b"") + last


def parse(message):
    fields, at = {}, 1
    while at < len(message):
        tag, size = message[at], struct.unpack(">H", message[at + 1:at + 3])[0]
        fields[tag] = message[at + 3:at + 3 + size]
        at += 3 + size
    return message[0], fields


class Peer(threading.Thread):
    """Serves one connection after another; keeps the requests it saw."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.requests, self.answers = [], []
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(path)
        self.listener.listen(8)
        self.start()

    def run(self):
        while True:
            connection, _ = self.listener.accept()
            try:
                while message := connection.recv(4096):
                    self.serve(connection, parse(message)[1])
            except OSError:
                pass
            connection.close()

    def serve(self, connection, fields):
        self.requests.append(fields)
        handler = getattr(self, fields[VERB].decode().replace("-", "_"), None)
        for message in handler(fields, connection) if handler else [end(OK)]:
            connection.send(message)

    def status(self, _fields, _connection):
        return [row(HEAD, "state", "dialogues"), row(ROW, "working", "3"), end(OK)]

    def user_list(self, fields, _connection):
        first = struct.unpack(">Q", fields[AFTER])[0] if AFTER in fields else 0
        rows = [row(ROW, f"user{i}", "\033[31mé\u202e") for i in range(first, min(first + PAGE, USERS))]
        return [row(HEAD, "user", "mark"), *rows, end(OK, after=first + PAGE if first + PAGE < USERS else None)]

    def user_show(self, fields, connection):
        name = fields[USER].decode()
        if name == "gone":
            connection.close()
            return []
        return {
            "endless": [end(OK, after=0)],
            "headless": [row(ROW, "x"), end(OK)],
            "narrow": [row(HEAD, "a", "b"), row(ROW, "x"), end(OK)],
            "garbage": [b"\xff\x01"],
            "odd": [end(9)],
            "asks": [end(ASK)],
        }.get(name, [end(FAILED, "no such \033[1muser")])

    def user_unlock(self, _fields, _connection):
        return [end(REFUSED)]

    def user_enrol(self, fields, connection):
        if fields[NAME] == b"recovery-code":
            return [row(HEAD, "code"), row(ROW, "AAAA-BBBB-CCCC-DDDD"), row(ROW, "EEEE-FFFF-GGGG-HHHH"), end(OK)]
        if fields[NAME] == b"email":
            return [end(OK)]
        connection.send(row(HEAD, "uri"))
        connection.send(row(ROW, URI))
        connection.send(end(ASK))
        while message := connection.recv(4096):
            kind, answer = parse(message)
            self.answers.append((kind, answer[TEXT]))
            if answer[TEXT] == b"123456":
                return [end(OK)]
            connection.send(end(ASK, "That code is not right."))
        return []


class Test:
    def __init__(self, folder):
        self.program = elf.built("ssprctl")
        if not self.program:
            sys.exit("ssprctl is not built")
        self.socket = folder + "/admin.sock"
        self.peer = Peer(self.socket)
        self.failures = 0

    def run(self, *words, text="", where=None):
        return subprocess.run([self.program, "--socket", where or self.socket, *words], input=text, text=True, timeout=20,
                              capture_output=True, env={"LC_ALL": "C.UTF-8", "TZ": "UTC"})

    def expect(self, what, holds):
        if not holds:
            print("not so: " + what)
            self.failures += 1

    def exits(self, status, *words, **more):
        done = self.run(*words, **more)
        self.expect(f"ssprctl {' '.join(words)} exits {status}, not {done.returncode}: {done.stderr}",
                    done.returncode == status)
        return done

    def tables(self):
        self.expect("a record has a line for each column",
                    self.exits(0, "status").stdout == "state:     working\ndialogues: 3\n")
        self.expect("a record is an array with one object",
                    json.loads(self.exits(0, "status", "--json").stdout) == [{"state": "working", "dialogues": "3"}])
        lines = self.exits(0, "user", "list").stdout.splitlines()
        self.expect("all pages are in the table", len(lines) == USERS + 1)
        self.expect("columns stand under each other", lines[0] == "USER     MARK" and lines[1] == "user0    [31mé")
        users = json.loads(self.exits(0, "--json", "user", "list").stdout)
        self.expect("all pages are in the array, clean", len(users) == USERS and users[149] == {"user": "user149", "mark": "[31mé"})

    def failing(self):
        done = self.exits(1, "user", "show", "nobody")
        self.expect("the daemon's reason is shown, clean", done.stderr == "ssprctl: no such [1muser\n" and not done.stdout)
        done = self.exits(1, "user", "show", "nobody", "--json")
        self.expect("the error is an object", json.loads(done.stdout) == {"error": "no such [1muser"})
        self.exits(1, "user", "unlock", "monica")
        self.exits(1, "user", "show", "asks")
        for name in ("gone", "endless", "headless", "narrow", "garbage", "odd"):
            self.exits(3, "user", "show", name)
        done = self.exits(3, "status", where="/nonexistent/admin.sock")
        self.expect("it says what to do", "systemctl enable --now ssprd-admin.socket" in done.stderr)
        self.exits(3, "status", where="/" + "x" * 200)
        self.exits(1, "user", "add", "x" * 5000)

    def usage(self):
        for words in ((), ("user",), ("frob",), ("user", "add"), ("user", "add", "-x"), ("user", "add", "a", "b"), ("status", "x"),
                      ("audit", "--frob"), ("audit", "--since", "yesterday"), ("audit", "--verify", "--user", "x"), ("user", "enrol", "x"),
                      ("user", "enrol", "--email"), ("user", "enrol", "x", "--authenticator", "--recovery-codes"),
                      ("init", "x"), ("check", "x"), ("help", "frob"), ("version", "x")):
            self.exits(2, *words)
        for words in (("help",), ("help", "user", "enrol"), ("--help",), ("version",), ("--version",)):
            self.exits(0, *words)

    def requests(self):
        for words, wanted in (
                (("user", "add", "monica"), {VERB: b"user-add", USER: b"monica"}),
                (("user", "remove", "monica"), {VERB: b"user-remove", USER: b"monica"}),
                (("pending",), {VERB: b"pending"}),
                (("clock", "accept"), {VERB: b"clock-accept"}),
                (("audit", "--verify"), {VERB: b"audit-verify"}),
                (("audit", "--user", "m", "--since", "2026-01-31 08:00"),
                 {VERB: b"audit", USER: b"m", SINCE: struct.pack(">Q", 1769846400)}),
                (("user", "enrol", "m", "--email", "m@example.org"),
                 {VERB: b"user-enrol", USER: b"m", NAME: b"email", TO: b"m@example.org"})):
            self.exits(0, *words)
            seen = {tag: value for tag, value in self.peer.requests[-1].items() if tag != 1}
            self.expect(f"ssprctl {' '.join(words)} asks {wanted}, not {seen}", seen == wanted)

    def enrolment(self):
        codes = self.exits(0, "user", "enrol", "m", "--recovery-codes").stdout
        self.expect("codes stand alone on their lines", re.findall(r"(?m)^[A-Z-]{19}$", codes) == ["AAAA-BBBB-CCCC-DDDD", "EEEE-FFFF-GGGG-HHHH"])
        done = self.exits(0, "user", "enrol", "m", "--authenticator", text="1\n 22 \n123456\n")
        self.expect("the URI is the first line, and no QR code goes to a pipe",
                    done.stdout.splitlines()[0] == URI and "█" not in done.stdout)
        self.expect("what was typed goes out as it is", self.peer.answers[-3:] == [(ANSWER, b"1"), (ANSWER, b" 22 "), (ANSWER, b"123456")])
        done = self.exits(0, "user", "enrol", "m", "--authenticator", "--qr", text="123456\n")
        lines = [line for line in done.stdout.splitlines() if line.startswith("\033[40;97m")]
        self.expect("the QR code is a square of half blocks, each line with its colours",
                    len(lines) > 15 and {len(re.sub("\033.*?m", "", line)) for line in lines} <= {2 * len(lines), 2 * len(lines) - 1}
                    and all(line.endswith("\033[0m") for line in lines))
        before = len(self.peer.answers)
        done = self.exits(1, "user", "enrol", "m", "--authenticator", text="1\n2\n3\n123456\n")
        self.expect("three tries, not one more", len(self.peer.answers) == before + 3)
        self.expect("it says that nothing was registered", "nothing was registered" in done.stderr)
        self.exits(1, "user", "enrol", "m", "--authenticator", text="")
        done = self.exits(0, "user", "enrol", "m", "--authenticator", "--json", text="123456\n")
        self.expect("JSON has the URI", json.loads(done.stdout) == [{"uri": URI}])

    def configuration(self, folder):
        path = folder + "/ssprd.conf"

        def check(text, *more):
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            os.chmod(path, 0o644)
            return self.run("check", "--config", path, *more)

        done = check("[properties]\nenabled = perhaps\ncolour = red\n")
        self.expect("every mistake has file and line", done.returncode == 1 and f"{path}:2: " in done.stderr and f"{path}:3: " in done.stderr)
        done = check("[authentication-methods]\nmethods = email\nrequired = 2\n", "--json")
        self.expect("more proofs required than methods are a mistake",
                    done.returncode == 1 and [f["level"] for f in json.loads(done.stdout)] == ["mistake"])
        done = check("[properties]\nenabled = selected\ngroup = no-such-group\n[authentication-methods]\nrequired = 1\n")
        for word in ("no-such-group", "[mail] server", "required = 1", "helpdesk"):
            self.expect(f"a warning of {word}", done.returncode == 0 and re.search(f"warning: .*{re.escape(word)}", done.stderr))
        os.chmod(path, 0o666)
        self.expect("a file that others may write is a mistake", self.run("check", "--config", path).returncode == 1)


def main():
    with tempfile.TemporaryDirectory() as folder:
        test = Test(folder)
        for part in (test.tables, test.failing, test.usage, test.requests, test.enrolment):
            part()
        test.configuration(folder)
        print(f"{test.failures} failures")
        return 1 if test.failures else 0


sys.exit(main())
