#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ssprctl against a peer that speaks the administration protocol of base/wire.h. Needs neither root nor ssprd."""

import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.environ.get("top_srcdir", "."), "tests/guard"))
import elf  # noqa: E402

USER, TEXT, DIRECTORY, NAME, TO, LIFE, DETAIL, VERB, STATUS, SINCE, AFTER, COLUMN = 2, 12, 19, 21, 24, 28, 31, 32, 33, 34, 35, 128
ANSWER, HEAD, ROW, END = 3, 33, 34, 35
OK, FAILED, REFUSED, ASK = range(4)
URI = "otpauth://totp/lab:monica?secret=ABCDEFGHIJKLMNOPQRSTUVWXYZ234567&issuer=lab"
PAGE, USERS = 64, 150
TOP = os.path.abspath(os.environ.get("top_srcdir", "."))


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

    def user_check(self, fields, _connection):
        """The account's line has the level that the name asks for."""
        return [row(HEAD, "level", "what", "text"), row(ROW, "ok", "account", "monica (local:1000)"),
                row(ROW, fields[USER].decode(), "limits", "said\033[1m"), end(OK)]

    def entra_check(self, fields, _connection):
        user = fields.get(USER, b"").decode()
        if user == "nothing":
            return [row(HEAD, "directory", "level", "what", "text"), end(OK)]
        rows = [row(ROW, "contoso", "ok", "token", "the tenant gives one"), row(ROW, "fabrikam", "ok", "permission", "User.Read.All, to find users")]
        if user == "denied":
            rows.append(row(ROW, "fabrikam", "fail", "permission", "Domain.Read.All is missing"))
        elif user == "nobody":
            rows += [row(ROW, d, "warn", "user", "nobody is nobody in this tenant") for d in ("contoso", "fabrikam")]
        elif user:
            rows.append(row(ROW, "fabrikam", "ok", "user", f"{user} may reset the password"))
        return [row(HEAD, "directory", "level", "what", "text"), *rows, end(OK)]

    def pass_issue(self, fields, _connection):
        if fields[USER] == b"empty":
            return [end(OK)]
        return [row(HEAD, "pass", "valid-until"), row(ROW, "ABCDE-FGHJK", "2026-01-31T08:30:00Z"), end(OK)]

    def user_unlock(self, _fields, _connection):
        return [end(REFUSED)]

    def user_enrol(self, fields, connection):
        if fields[NAME] == b"recovery-code":
            return [row(HEAD, "code"), row(ROW, "AAAA-BBBB-CCCC-DDDD"), row(ROW, "EEEE-FFFF-GGGG-HHHH"), end(OK)]
        if fields[NAME] in (b"email", b"mobile", b"office"):
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
                      ("user", "enrol", "--email"), ("user", "enrol", "x", "--mobile"), ("user", "enrol", "x", "--mobile", "1", "--office", "2"), ("user", "enrol", "x", "--authenticator", "--recovery-codes"),
                      ("init", "x"), ("check", "x"), ("help", "frob"), ("version", "x"), ("user", "check"), ("user", "check", "a", "b"),
                      ("limits", "x"), ("limits", "clear"), ("limits", "clear", "m", "--all"), ("limits", "clear", "m", "n"),
                      ("limits", "clear", "--all", "--seat", "tty1"), ("limits", "clear", "--seat"), ("limits", "clear", "--frob"),
                      ("pass",), ("pass", "issue"), ("pass", "issue", "m"), ("pass", "issue", "--verified", "call back"),
                      ("pass", "issue", "m", "--verified", ""), ("pass", "issue", "m", "n", "--verified", "x"),
                      ("pass", "issue", "m", "--verified", "x", "--minutes", "-5"), ("pass", "issue", "m", "--verified", "x", "--minutes", "5m"),
                      ("pass", "issue", "m", "--verified", "x", "--minutes", "0"), ("pass", "list", "m"), ("pass", "revoke"),
                      ("entra",), ("entra", "check", "a", "b"), ("entra", "check", "--frob"), ("entra", "setup", "x"),
                      ("entra", "setup", "--directory", "local"), ("entra", "setup", "--directory", "Not A Name"),
                      ("entra", "setup", "--group", "a\nb"), ("entra", "setup", "--json")):
            self.exits(2, *words)
        for words in (("help",), ("help", "user", "enrol"), ("--help",), ("version",), ("--version",)):
            self.exits(0, *words)

    def requests(self):
        for words, wanted in (
                (("user", "add", "monica"), {VERB: b"user-add", USER: b"monica"}),
                (("user", "remove", "monica"), {VERB: b"user-remove", USER: b"monica"}),
                (("pending",), {VERB: b"pending"}),
                (("user", "check", "ok"), {VERB: b"user-check", USER: b"ok"}),
                (("entra", "check"), {VERB: b"entra-check"}),
                (("entra", "check", "monica", "--directory", "contoso"),
                 {VERB: b"entra-check", USER: b"monica", DIRECTORY: b"contoso"}),
                (("clock", "accept"), {VERB: b"clock-accept"}),
                (("pass", "issue", "m", "--verified", "call back"), {VERB: b"pass-issue", USER: b"m", DETAIL: b"call back"}),
                (("pass", "issue", "m", "--verified", "x", "--minutes", "45"),
                 {VERB: b"pass-issue", USER: b"m", DETAIL: b"x", LIFE: struct.pack(">I", 2700)}),
                (("pass", "list"), {VERB: b"pass-list"}),
                (("limits",), {VERB: b"limits"}),
                (("limits", "clear", "m"), {VERB: b"limits-clear", NAME: b"user", USER: b"m"}),
                (("limits", "clear", "--seat", "tty1"), {VERB: b"limits-clear", NAME: b"seat", TO: b"tty1"}),
                (("limits", "clear", "--all"), {VERB: b"limits-clear", NAME: b"all"}),
                (("pass", "revoke", "m"), {VERB: b"pass-revoke", USER: b"m"}),
                (("audit", "--verify"), {VERB: b"audit-verify"}),
                (("audit", "--user", "m", "--since", "2026-01-31 08:00"),
                 {VERB: b"audit", USER: b"m", SINCE: struct.pack(">Q", 1769846400)}),
                (("user", "enrol", "m", "--email", "m@example.org"),
                 {VERB: b"user-enrol", USER: b"m", NAME: b"email", TO: b"m@example.org"}),
                (("user", "enrol", "m", "--mobile", "+49 170 1234567"),
                 {VERB: b"user-enrol", USER: b"m", NAME: b"mobile", TO: b"+49 170 1234567"}),
                (("user", "enrol", "--office", "+493012345", "m"),
                 {VERB: b"user-enrol", USER: b"m", NAME: b"office", TO: b"+493012345"})):
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

    def passes(self):
        done = self.exits(0, "pass", "issue", "m", "--verified", "call back")
        self.expect("the pass stands alone on its line", done.stdout.splitlines()[0] == "ABCDE-FGHJK" and "2026-01-31T08:30:00Z" in done.stdout)
        done = self.exits(0, "pass", "issue", "m", "--verified", "x", "--json")
        self.expect("JSON has it", json.loads(done.stdout) == [{"pass": "ABCDE-FGHJK", "valid-until": "2026-01-31T08:30:00Z"}])
        self.exits(3, "pass", "issue", "empty", "--verified", "x")

    def diagnosis(self):
        self.exits(0, "user", "check", "warn")
        done = self.exits(1, "user", "check", "fail")
        self.expect("a line is level, subject and text, clean", done.stdout == "ok    account        monica (local:1000)\nfail  limits         said[1m\n")
        done = self.exits(1, "user", "check", "fail", "--json")
        self.expect("the lines are an array", [line["level"] for line in json.loads(done.stdout)] == ["ok", "fail"])
        done = self.exits(0, "entra", "check")
        self.expect("each directory has its heading", done.stdout == "[directory contoso]\nok    token          the tenant gives one\n"
                    "[directory fabrikam]\nok    permission     User.Read.All, to find users\n")
        self.exits(0, "entra", "check", "monica")
        for nobody in ("denied", "nobody", "nothing"):
            self.exits(1, "entra", "check", nobody)

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
        done = check("[authentication-methods]\nmethods = pass email\nrequired = 1\n")
        self.warns(done, "lets the helpdesk alone decide")
        done = check("[authentication-methods]\nmethods = pass email authenticator\n")
        self.expect("one gate of two is no danger", "helpdesk alone" not in done.stderr)
        done = check("[properties]\nenabled = selected\ngroup = no-such-group\n[authentication-methods]\nrequired = 1\n")
        self.warns(done, "no-such-group", "[mail] neither server nor directory", "required = 1", "helpdesk")
        private = folder + "/private"
        with open(private, "w", encoding="utf-8") as f:
            os.chmod(f.fileno(), 0o600)
        section = "[directory contoso]\n" + ENTRA
        done = check(f"[properties]\nenabled = selected\ngroup = no-such-group\n[authentication-methods]\nmethods = app email\n"
                     f"[mail]\ndirectory = contoso\nfrom = sspr@contoso.com\n{section}contacts = profile\nmirror = yes\ngraph = lab:8443\n"
                     f"map-file = /nonexistent\nca-file = {private}\n")
        self.warns(done, "no account of its own", "needs app", "contacts = profile", "mirror = yes", "graph = lab:8443",
                   "map-file = /nonexistent: No such file", "ca-file = ", "may not read it")
        self.expect("mail has a way", "no code can be sent" not in done.stderr)
        if not os.path.exists("/etc/credstore"):
            self.warns(done, "sspr-contoso-certificate")
        done = check(f"[properties]\nenabled = selected\ngroup = no-such-group\n[directory local]\ntype = none\n{section}cloud = china\n")
        self.warns(done, "contacts = none")
        self.expect("the group may be the tenant's alone", "no-such-group" not in done.stderr)
        with open(private, "w", encoding="utf-8") as f:
            f.write("contoso\nabc\n")
        done = check(f"[properties]\nenabled = all\n[password]\nbanned-words = {private}\n")
        self.expect("a wrong word has file and line", done.returncode == 1 and f"{private}:2: must be a term of" in done.stderr)
        with open(private, "w", encoding="utf-8") as f:
            f.write("contoso\n")
        done = check(f"[properties]\nenabled = all\n[password]\nbanned-words = {private}\nbreached = refuse\n")
        self.warns(done, f"banned-words = {private}: ssprd-net, which runs as sspr-net, may not read it", "nobody can reset")
        self.phones(check)
        os.chmod(path, 0o666)
        self.expect("a file that others may write is a mistake", self.run("check", "--config", path).returncode == 1)

    def phones(self, check):
        methods = "[authentication-methods]\nmethods = recovery-code sms office\n[phone]\ncountries = +49\n"
        self.warns(check(methods), "[sms] provider is not set", "[voice] provider is not set")
        twilio = "provider = twilio\naccount = AC0123456789abcdef0123456789abcdef\nfrom = Contoso\n"
        done = check(f"{methods}[sms]\nprovider = gateway\nurl = https://gw.example.org/%secret%\nca-file = /nonexistent\n[voice]\n{twilio}")
        self.warns(done, "%secret% in an address", "neither success-match nor success-json", "[sms] ca-file = /nonexistent",
                   "[voice] user is not set")
        self.expect("there are providers", "provider is not set" not in done.stderr)
        if not os.path.exists("/etc/credstore"):
            self.warns(done, "sspr-sms-secret", "sspr-voice-secret")
        done = check(f"{methods}[sms]\nprovider = gateway\nurl = https://gw.example.org/\nsuccess-match = OK\n"
                     f"[voice]\n{twilio}user = SK0123456789abcdef0123456789abcdef\n")
        self.expect("what is in order brings no warning",
                    not re.search(r"\[sms\]|success|user is not set", done.stderr) and done.returncode == 0)

    def warns(self, done, *words):
        for word in words:
            self.expect(f"a warning of {word} in {done.stderr}",
                        done.returncode == 0 and re.search(f"warning: .*{re.escape(word)}", done.stderr))


ENTRA = "tenant = 11111111-2222-3333-4444-555555555555\nclient-id = 66666666-7777-8888-9999-000000000000\ndomains = contoso.com\n"


class Setup:
    """The script of entra setup, run for real; only az is a stand-in, which keeps a tenant in a file and writes down its calls."""

    def __init__(self, test, folder):
        self.test, self.folder = test, folder
        os.mkdir(folder)
        for name, text in (("az", AZ), ("sleep", "#!/bin/sh\n")):
            os.makedirs(f"{folder}/bin", exist_ok=True)
            with open(f"{folder}/bin/{name}", "w", encoding="utf-8") as f:
                f.write(text)
            os.chmod(f"{folder}/bin/{name}", 0o755)

    def script(self, configuration, *words, change=()):
        """A script for a machine with this configuration."""
        with open(f"{self.folder}/ssprd.conf", "w", encoding="utf-8") as f:
            f.write(configuration)
        os.chmod(f"{self.folder}/ssprd.conf", 0o644)
        text = self.test.exits(0, "entra", "setup", "--config", f"{self.folder}/ssprd.conf", *words).stdout
        for old, new in change:
            self.test.expect(f"the script has {old}", text.count(old) == 1)
            text = text.replace(old, new)
        with open(f"{self.folder}/setup.sh", "w", encoding="utf-8") as f:
            f.write(text)
        done = subprocess.run(["bash", "-n", f"{self.folder}/setup.sh"], capture_output=True, text=True)
        self.test.expect(f"the script is one: {done.stderr}", done.returncode == 0 and not done.stderr)
        return text

    def run(self, tenant=None):
        """Exit status, output and calls of a run in a folder and a tenant of its own, or in those of the run before."""
        self.where = f"{self.folder}/run"
        if tenant is not None:
            shutil.rmtree(self.where, ignore_errors=True)
            os.mkdir(self.where)
            with open(f"{self.where}/tenant.json", "w", encoding="utf-8") as f:
                json.dump(tenant, f)
        with open(f"{self.where}/calls", "w", encoding="utf-8"):
            pass
        self.done = subprocess.run(["bash", "../setup.sh"], cwd=self.where, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                                   env={"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "HOME": self.where, "LC_ALL": "C.UTF-8"})
        with open(f"{self.where}/calls", encoding="utf-8") as f:
            self.calls = [json.loads(line) for line in f]
        return self.done

    def tenant(self):
        with open(f"{self.where}/tenant.json", encoding="utf-8") as f:
            return json.load(f)

    def expect(self, what, holds):
        self.test.expect(f"{what}\n{self.done.stdout}{self.done.stderr}", holds)

    def writes(self):
        return [c for c in self.calls if "post" in c or {"create", "reset", "update", "set", "login"} & set(c[:4])]

    def section(self):
        """The piece of configuration that the script prints, as a file that ssprctl check reads."""
        found = re.search(r"\.conf:\n\n(.*?)\n\n2\. ", self.done.stdout, re.S)
        self.expect("a section is printed", found)
        text = found.group(1) if found else ""
        path = f"{self.where}/printed.conf"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text + "\n")
        os.chmod(path, 0o644)
        self.test.exits(0, "check", "--config", path)
        return text

    def all(self):
        self.nothing_configured()
        self.again()
        self.another_cloud()
        self.whole_tenant()
        self.mistakes()

    def nothing_configured(self):
        text = self.test.exits(0, "entra", "setup", "--config", "/nonexistent").stdout
        self.test.expect("it needs no configuration", "name='entra'" in text and "\tUser.Read.All " in text)
        done = self.test.exits(0, "entra", "setup", "--config", f"{TOP}/conf/ssprd.conf")
        self.test.expect("and takes what is shipped", not done.stderr)
        self.script("[directory entra]\ntenant = wrong\n")
        done = self.test.exits(0, "entra", "setup", "--config", f"{self.folder}/ssprd.conf")
        self.test.expect("mistakes are told, and not used", "ssprctl check" in done.stderr and "tenant=''" in done.stdout)

    def again(self):
        self.script("", "--group", "Bob's \"Testers\"", "--domain", "contoso.com")
        self.run({"groups": {"Bob's \"Testers\"": ["user-1", "user-2", "user-3"]}, "lag": 2})
        tenant = self.tenant()
        self.expect("it ends well", self.done.returncode == 0)
        self.expect("one application, of this tenant alone", [a["audience"] for a in tenant["apps"].values()] == ["AzureADMyOrg"])
        self.expect("no public client", not any(a["public"] for a in tenant["apps"].values()))
        self.expect("its permissions are by their names", tenant["granted"] == [f"role-of-{p}" for p in (
            "User.Read.All", "GroupMember.Read.All", "RoleManagement.Read.Directory", "Domain.Read.All", "UserAuthenticationMethod.Read.All",
            "User.RevokeSessions.All")])
        self.expect("the role is for the unit", tenant["roles"] == [["Password Administrator", "/administrativeUnits/unit-1"]])
        self.expect("all of the group are in the unit, over all pages", tenant["members"] == ["user-1", "user-2", "user-3"])
        self.expect("nobody is asked to consent", not tenant["consents"])
        with open(f"{self.where}/sspr-entra-certificate", encoding="utf-8") as f:
            credential = f.read()
        self.expect("certificate and key are one file", credential.count("BEGIN CERTIFICATE") == 1 and credential.count("PRIVATE KEY-----") == 2)
        self.expect("that is its owner's", os.stat(f"{self.where}/sspr-entra-certificate").st_mode & 0o777 == 0o600)
        shown = subprocess.run(["openssl", "x509", "-noout", "-text", "-in", f"{self.where}/sspr-entra-certificate"], capture_output=True, text=True)
        self.expect("RSA of 3072 bits", "3072 bit" in shown.stdout)
        section = self.section()
        self.expect("the section is filled in", "enabled = selected\ngroup = Bob's \"Testers\"\n" in section and
                    "tenant = 11111111-2222-3333-4444-555555555555\nclient-id = 00000000-0000-0000-0000-000000000001\ndomains = contoso.com" in section)
        self.expect("no drop-in for what the unit loads", "\\nLoadCredential=" not in self.done.stdout)
        self.expect("a sealed one needs it", "printf '[Service]\\nLoadCredentialEncrypted=sspr-entra-certificate\\n' >"
                    "/etc/systemd/system/ssprd-net.service.d/sspr-entra-certificate.conf\n" in self.done.stdout)
        first = self.tenant()
        self.run()
        self.expect("a second run changes nothing", self.done.returncode == 0 and not self.writes() and self.tenant() == first)

    def another_cloud(self):
        self.script("[properties]\nenabled = all\n[authentication-methods]\nmethods = authenticator app recovery-code\n[mail]\ndirectory = contoso\n"
                    "from = sspr@contoso.cn\n[directory contoso]\n" + ENTRA.replace("contoso.com", "contoso.cn contoso.com") +
                    "cloud = china\ncontacts = none\nrevoke-sessions = no\n")
        self.run({"groups": {}, "apps": {"66666666-7777-8888-9999-000000000000": {"audience": "AzureADMyOrg", "public": False, "title": "ours"}}})
        tenant = self.tenant()
        self.expect("it ends well", self.done.returncode == 0)
        self.expect("az is at that cloud", tenant["cloud"] == "AzureChinaCloud")
        self.expect("Graph is that cloud's", {c[c.index("--url") + 1].split("/v1.0")[0] for c in self.calls if c[0] == "rest"} ==
                    {"https://microsoftgraph.chinacloudapi.cn"})
        self.expect("the application of the policy is taken", list(tenant["apps"]) == ["66666666-7777-8888-9999-000000000000"])
        self.expect("the time of a sign-in", tenant["apps"]["66666666-7777-8888-9999-000000000000"]["claims"] == ["auth_time"])
        self.expect("device code flow, with consent for all", tenant["apps"]["66666666-7777-8888-9999-000000000000"]["public"] and
                    tenant["consents"] == ["openid profile"])
        self.expect("permissions are the policy's", tenant["granted"] == [f"role-of-{p}" for p in (
            "User.Read.All", "GroupMember.Read.All", "RoleManagement.Read.Directory", "Domain.Read.All", "Mail.Send")])
        self.expect("Exchange limits the mailbox", "New-ApplicationAccessPolicy -AppId 66666666-7777-8888-9999-000000000000 "
                    "-PolicyScopeGroupId sspr@contoso.cn -AccessRight RestrictAccess" in self.done.stdout)
        self.expect("Conditional Access is spoken of", "AADSTS53003" in self.done.stdout)
        section = self.section()
        self.expect("what is on already is left alone", "[properties]" not in section and section.endswith("domains = contoso.cn contoso.com\ncloud = china"))
        line = re.search(r"^printf .*LoadCredential=.*$", self.done.stdout, re.M).group(0)
        done = subprocess.run(["bash", "-c", line.replace("/etc/systemd/system/ssprd-net.service.d/", "./")], cwd=self.where)
        with open(f"{self.where}/sspr-contoso-certificate.conf", encoding="utf-8") as f:
            self.expect("the drop-in is one", done.returncode == 0 and f.read() == "[Service]\nLoadCredential=sspr-contoso-certificate\n")

    def whole_tenant(self):
        self.script("", "--unit", "Büro \\ \"Süd\"", change=[("reach='unit'", "reach='tenant'")])
        self.run({"groups": {}})
        tenant = self.tenant()
        self.expect("it ends well", self.done.returncode == 0)
        self.expect("a permission in place of a role", "role-of-User-PasswordProfile.ReadWrite.All" in tenant["granted"] and not tenant["roles"])
        self.expect("the tenant's own domain", "domains = fabrikam.com" in self.section())
        self.expect("the danger is told", "any account of the whole tenant" in self.done.stdout)
        self.script("", "--unit", "Büro \\ \"Süd\"")
        self.run({"groups": {}})
        self.expect("a name is a name", self.tenant()["units"] == {"Büro \\ \"Süd\"": "unit-1"})

    def mistakes(self):
        self.script("", "--group", "Absent")
        self.run({"groups": {}})
        self.expect("a group that is not there stops it before anything is made", self.done.returncode == 1 and not self.writes() and
                    "there is no group Absent" in self.done.stderr)
        self.script("", change=[("tenant=''", "tenant='99999999-2222-3333-4444-555555555555'")])
        self.run({"groups": {}})
        self.expect("another tenant stops it", self.done.returncode == 1 and not self.writes())
        self.script("")
        self.run({"groups": {}, "unknown": ["Domain.Read.All"]})
        self.expect("a permission that is not there stops it", self.done.returncode == 1 and "Domain.Read.All" in self.done.stderr)
        self.script("")
        self.run({"groups": {}, "apps": {"evil-app": {"audience": "AzureADMyOrg", "public": False, "title": "Linux password reset (entra)"}}})
        self.expect("an application of somebody else stops it, whatever its title", self.done.returncode == 1 and not self.writes() and
                    "does not have the certificate" in self.done.stderr)
        self.script("")
        self.run({"groups": {}, "lag": 100})
        self.expect("what does not get better is told", self.done.returncode == 1 and "does not exist" in self.done.stderr)


# What az prints for the questions of the script: the values that its --query takes, as lines.
AZ = r'''#!/usr/bin/env -S python3 -B
import json, re, sys
from urllib.parse import urlsplit
args = sys.argv[1:]
with open("calls", "a") as f:
    f.write(json.dumps(args) + "\n")
with open("tenant.json") as f:
    t = json.load(f)
for name, empty in (("apps", {}), ("certificates", []), ("principals", {}), ("granted", []), ("consents", []), ("units", {}), ("members", []),
                    ("roles", []), ("cloud", "AzureCloud"), ("lag", 0), ("unknown", [])):
    t.setdefault(name, empty)
KNOWN = ["User.Read.All", "GroupMember.Read.All", "RoleManagement.Read.Directory", "Domain.Read.All", "UserAuthenticationMethod.Read.All",
         "User.RevokeSessions.All", "AuditLog.Read.All", "Mail.Send", "User-PasswordProfile.ReadWrite.All"]

def option(name, default=None):
    return args[args.index(name) + 1] if name in args else default

def say(*lines):
    for line in lines if option("--output") == "tsv" else ():
        print(line)

def fail(text):
    print("ERROR: " + text, file=sys.stderr)
    sys.exit(1)

def wanted(text):
    found = re.search(r"eq '((?:[^']|'')*)'", text)
    return found.group(1).replace("''", "'")

def late():
    """What was made just now is not known everywhere."""
    if t["lag"] > 0:
        t["lag"] -= 1
        save()
        fail("Resource does not exist or one of its queried reference-property objects are not present.")

def save():
    with open("tenant.json", "w") as f:
        json.dump(t, f)

def app():
    if args[2] == "list":
        title = wanted(option("--filter"))
        say(*[i for i, a in t["apps"].items() if a["title"] == title])
    elif args[2] == "create":
        i = "00000000-0000-0000-0000-%012d" % (len(t["apps"]) + 1)
        t["apps"][i] = {"title": option("--display-name"), "audience": option("--sign-in-audience"), "public": False}
        say(i)
    elif args[2] == "update":
        t["apps"][option("--id")]["public"] = option("--is-fallback-public-client") == "true"
        t["apps"][option("--id")]["claims"] = [c["name"] for c in json.loads(option("--optional-claims"))["idToken"]]
    elif args[2:4] == ["credential", "list"]:
        say(*[c for c in t["certificates"] if "displayName=='%s'" % c in option("--query")])
    elif args[2:4] == ["credential", "reset"]:
        pem = open(option("--cert")[1:]).read()
        if option("--id") not in t["apps"] or "--append" not in args or "PRIVATE" in pem or "BEGIN CERTIFICATE" not in pem:
            fail("not like this")
        t["certificates"].append(option("--display-name"))

def principal():
    if args[2] == "list":
        which = wanted(option("--filter"))
        say(*(["graph-principal"] if which.startswith("00000003-") else [t["principals"][which]] if which in t["principals"] else []))
    else:
        late()
        t["principals"][option("--id")] = "principal-1"
        say("principal-1")

def pages(path, ids, query):
    at = int(re.search(r"skip=(\d+)", query).group(1)) if "skip=" in query else 0
    more = at + 2 < len(ids)
    say(f"https://{urlsplit(option('--url')).netloc}{path}?skip={at + 2}" if more else "", *ids[at:at + 2])

def rest():
    url = urlsplit(option("--url"))
    if option("--resource") != f"https://{url.netloc}":
        fail("a token for another resource")
    path, query = url.path.removeprefix("/v1.0"), url.query
    asked = option("--url-parameters", "")
    body = json.loads(option("--body", "null"))
    if body is None:
        get(path, query, asked)
    else:
        post(path, body)

def get(path, query, asked):
    if path == "/domains":
        say("fabrikam.com")
    elif path == "/groups":
        say(*["group-" + g for g in t["groups"] if g == wanted(asked)])
    elif path.endswith("/transitiveMembers"):
        pages("/v1.0" + path, t["groups"][path.split("/")[2].removeprefix("group-")] if "group-" in path else [], query)
    elif path == "/servicePrincipals/graph-principal":
        say(*[f"{p}\trole-of-{p}" for p in KNOWN if p not in t["unknown"]])
    elif path == "/servicePrincipals/principal-1/appRoleAssignments":
        late()
        say(*t["granted"])
    elif path == "/oauth2PermissionGrants":
        say(*t["consents"])
    elif path == "/directory/administrativeUnits":
        say(*[i for n, i in t["units"].items() if n == wanted(asked)])
    elif path == "/directory/administrativeUnits/unit-1/members":
        pages("/v1.0" + path, t["members"], query)
    elif path == "/roleManagement/directory/roleDefinitions":
        say(wanted(asked))
    elif path == "/roleManagement/directory/roleAssignments":
        say(*[scope for _, scope in t["roles"]])
    else:
        fail("no such path: " + path)

def post(path, body):
    if path == "/servicePrincipals/principal-1/appRoleAssignments" and body["principalId"] == "principal-1" and body["resourceId"] == "graph-principal":
        t["granted"].append(body["appRoleId"])
    elif path == "/oauth2PermissionGrants" and body["consentType"] == "AllPrincipals" and body["clientId"] == "principal-1":
        t["consents"].append(body["scope"])
    elif path == "/directory/administrativeUnits":
        t["units"][body["displayName"]] = "unit-1"
        say("unit-1")
    elif path == "/directory/administrativeUnits/unit-1/members/$ref":
        t["members"].append(body["@odata.id"].rsplit("/users/")[1])
    elif path == "/roleManagement/directory/roleAssignments" and body["principalId"] == "principal-1":
        t["roles"].append([body["roleDefinitionId"], body["directoryScopeId"]])
    else:
        fail("no such path: " + path)

if args[:2] == ["cloud", "show"]:
    say(t["cloud"])
elif args[:2] == ["cloud", "set"]:
    t["cloud"] = option("--name")
elif args[:2] == ["account", "show"]:
    say("11111111-2222-3333-4444-555555555555")
elif args[:2] == ["ad", "app"]:
    app()
elif args[:2] == ["ad", "sp"]:
    principal()
elif args[0] == "rest":
    rest()
else:
    fail("no such command")
save()
'''


def main():
    with tempfile.TemporaryDirectory() as folder:
        test = Test(folder)
        for part in (test.tables, test.failing, test.usage, test.requests, test.enrolment):
            part()
        test.passes()
        test.diagnosis()
        test.configuration(folder)
        Setup(test, folder + "/setup").all()
        print(f"{test.failures} failures")
        return 1 if test.failures else 0


sys.exit(main())
