# SPDX-License-Identifier: LGPL-2.1-or-later
"""The parts of pam_sspr running in the private world, without systemd: sockets, daemons, accounts, mail."""

import base64
import contextlib
import crypt
import fcntl
import hmac
import json
import logging
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time
import urllib.parse

RUN = "/run/sspr"
STATE = "/var/lib/sspr"
CONFIG = "/etc/sspr/ssprd.conf"
HOME = "/run/sspr-world"  # what the world itself needs: credentials, logs, mail
LIBEXEC = "/usr/libexec"

SOCKETS = {
    # name: (daemon, mode, owner)
    "login": ("ssprd", 0o600, "root"),
    "user": ("ssprd", 0o666, "root"),
    "admin": ("ssprd", 0o600, "root"),
    "net": ("ssprd-net", 0o600, "sspr"),
    "local": ("ssprd-local", 0o600, "sspr"),
}
DAEMONS = {"ssprd": "sspr", "ssprd-net": "sspr-net", "ssprd-local": "root"}

MAIL_HOST, MAIL_PORT, MAIL_USER, MAIL_PASSWORD = "mail.lab", 2525, "sspr", "mail-secret-7"

POLICY = {
    "properties": {"enabled": "all"},
    "authentication-methods": {"methods": "authenticator email recovery-code", "required": "2"},
    "customization": {"helpdesk": "helpdesk@lab"},
    "mail": {
        "server": f"smtp://{MAIL_HOST}:{MAIL_PORT}",
        "from": "sspr@lab",
        "user": MAIL_USER,
        "ca-file": "/etc/sspr/mail-ca.pem",
    },
    "directory local": {"type": "local"},
}


def run(*command, text=None, check=True, timeout=30):
    done = subprocess.run(command, input=text, text=True, capture_output=True, timeout=timeout)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def wait_for(what, seconds=5.0, every=0.02):
    """The first true value of what(), or its last value when the time is over."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() > end:
            return value
        time.sleep(every)


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as f:
        f.write(text)
    os.chmod(path, mode)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


# -- accounts


def add_user(name, uid, password):
    hashed = crypt.crypt(password, crypt.mksalt(crypt.METHOD_SHA512, rounds=1000))
    run("useradd", "-m", "-u", str(uid), "-s", "/bin/bash", "-p", hashed, name)


def shadow(name):
    with open("/etc/shadow") as f:
        return next(line for line in f if line.startswith(name + ":"))


def password_is(name, password):
    hashed = shadow(name).split(":")[1]
    return crypt.crypt(password, hashed) == hashed


# -- authenticator


def totp(uri, when=None):
    """The six digits of an otpauth:// URI (RFC 6238)."""
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(uri).query))
    secret = query["secret"]
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    step = int((time.time() if when is None else when) // int(query.get("period", 30)))
    digest = hmac.new(key, struct.pack(">Q", step), query.get("algorithm", "SHA1").lower()).digest()
    at = digest[-1] & 15
    number = struct.unpack(">I", digest[at : at + 4])[0] & 0x7FFFFFFF
    digits = int(query.get("digits", 6))
    return str(number % 10**digits).zfill(digits)


def steady_step(seconds=6):
    """Waits until the authenticator's time step still lasts some seconds."""
    left = 30 - time.time() % 30
    if left < seconds:
        time.sleep(left + 0.1)


# -- mail


def make_certificates(folder):
    """A CA of the world and a certificate for the mail host, another for a host of another name."""
    os.makedirs(folder, exist_ok=True)

    def openssl(*a):
        run("openssl", *a)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", f"{folder}/ca.key", "-out", f"{folder}/ca.pem", "-days", "30",
            "-subj", "/CN=lab CA", "-addext", "basicConstraints=critical,CA:TRUE")
    for name in (MAIL_HOST, "other.lab"):
        openssl("req", *key, "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.csr", "-subj", f"/CN={name}")
        write(f"{folder}/{name}.ext", f"subjectAltName=DNS:{name}\n")
        openssl("x509", "-req", "-in", f"{folder}/{name}.csr", "-CA", f"{folder}/ca.pem", "-CAkey", f"{folder}/ca.key",
                "-days", "30", "-out", f"{folder}/{name}.pem", "-extfile", f"{folder}/{name}.ext", "-CAcreateserial")


class MailSink:
    """An SMTP server that demands STARTTLS and a password and keeps each mail as a file."""

    def __init__(self, folder, certificate=MAIL_HOST, tls=True, port=MAIL_PORT, answer=None):
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import AuthResult, LoginPassword

        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        self.folder, self.answer = folder, answer
        os.makedirs(folder, exist_ok=True)
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(f"{HOME}/tls/{certificate}.pem", f"{HOME}/tls/{certificate}.key")

        def login(server, session, envelope, mechanism, data):
            good = (isinstance(data, LoginPassword) and data.login == MAIL_USER.encode()
                    and data.password == MAIL_PASSWORD.encode())
            return AuthResult(success=good, handled=good)

        self.controller = Controller(self, hostname="127.0.0.1", port=port, tls_context=context, require_starttls=tls,
                                     authenticator=login, auth_required=tls, auth_require_tls=tls)
        self.controller.start()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.answer:
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        name = f"{self.folder}/{len(os.listdir(self.folder)) + 1:03d}.eml"
        with open(name + ".new", "wb") as f:
            f.write(f"X-To: {', '.join(envelope.rcpt_tos)}\r\n".encode() + envelope.original_content)
        os.rename(name + ".new", name)
        return "250 2.0.0 stored"

    def stop(self):
        self.controller.stop()


def mails(folder=f"{HOME}/mail"):
    """The mails that arrived, oldest first, headers and text decoded."""
    import email
    import email.policy

    found = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".eml"):
            with open(f"{folder}/{name}", "rb") as f:
                found.append(email.message_from_binary_file(f, policy=email.policy.default))
    return found


def mail_code(mail):
    """The eight digits a mail carries, None for a mail without a code."""
    found = re.search(r"\b(\d{4}) ?(\d{4})\b", mail.get_content())
    return found and found.group(1) + found.group(2)


# -- daemons


def runtime_directory(name, account):
    """A daemon's own, as RuntimeDirectory= makes it."""
    path = f"/run/{name}"
    os.makedirs(path, exist_ok=True)
    os.chown(path, account.pw_uid, account.pw_gid)
    os.chmod(path, 0o700)
    return path


class Daemon:
    """One program with its sockets, kept running as a service manager would."""

    def __init__(self, world, name, program=None):
        self.world, self.name, self.user = world, name, DAEMONS[name]
        self.program = program or f"{LIBEXEC}/{name}"
        self.process, self.wanted, self.restarts, self.exits = None, False, 0, []
        self.keep_running = True
        self.environment = {}
        self.lock = threading.Lock()

    def start(self):
        with self.lock:
            if self.process and self.process.poll() is None:
                return
            self.wanted = True
            self._spawn()

    def _spawn(self):
        names = [n for n, (daemon, _, _) in SOCKETS.items() if daemon == self.name]
        fds = [self.world.listeners[n] for n in names]
        moves = " ".join(f"{i + 3}<&{fd}" for i, fd in enumerate(fds))
        closes = " ".join(f"{fd}<&-" for fd in fds)
        account = pwd.getpwnam(self.user)
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "LISTEN_FDS": str(len(fds)),
            "LISTEN_FDNAMES": ":".join(names),
            "NOTIFY_SOCKET": f"{HOME}/notify",
            "STATE_DIRECTORY": STATE,
            "RUNTIME_DIRECTORY": runtime_directory(self.name, account),
            "CREDENTIALS_DIRECTORY": f"{HOME}/credentials/{self.name}",
            **self.environment,
        }
        with open(f"{HOME}/log/{self.name}", "a") as log:
            self.process = subprocess.Popen(
                ["/bin/bash", "-c", f'exec {moves}; exec {closes}; ulimit -c {self.world.core}; umask 077; LISTEN_PID=$$ exec "$0" "$@"',
                 self.program, "--config", CONFIG],
                env=environment, cwd="/", pass_fds=fds, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                user=account.pw_uid, group=account.pw_gid, extra_groups=[])
        threading.Thread(target=self._watch, args=(self.process,), daemon=True).start()

    def _watch(self, process):
        code = process.wait()
        with self.lock:
            self.exits.append(code)
            if self.wanted and self.keep_running and process is self.process:
                if code == 78 or len(self.exits) > 200:  # a bad configuration does not get better
                    self.wanted = False
                    return
                self.restarts += 1
                time.sleep(0.02)
                self._spawn()

    @property
    def pid(self):
        return self.process.pid

    def children(self):
        with contextlib.suppress(OSError):
            return [int(p) for p in read(f"/proc/{self.pid}/task/{self.pid}/children").split()]
        return []

    def kill(self, sig=signal.SIGKILL):
        self.process.send_signal(sig)

    def crash(self, sig=signal.SIGKILL):
        """Killed, and started anew by its supervisor."""
        dead = self.process
        dead.send_signal(sig)
        if not wait_for(lambda: self.process is not dead):
            raise RuntimeError(f"{self.name} is not started anew\n{self.log()}")
        self.ready()

    def stop(self):
        with self.lock:
            self.wanted = False
            process = self.process
        if not process:
            return
        workers = self.children()
        for sig, patience in ((signal.SIGTERM, 3), (signal.SIGKILL, 3)):
            if process.poll() is None:
                with contextlib.suppress(OSError):
                    process.send_signal(signal.SIGCONT)
                    process.send_signal(sig)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(patience)
        for pid in workers:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    def ready(self, seconds=5):
        if not wait_for(lambda: self.pid in self.world.ready_pids or self.process.poll() is not None, seconds):
            raise RuntimeError(f"{self.name} is not ready after {seconds} s\n{self.log()}")
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}\n{self.log()}")

    def log(self):
        with contextlib.suppress(OSError):
            return read(f"{HOME}/log/{self.name}")
        return ""


class World:
    def __init__(self):
        self.listeners, self.daemons = {}, {name: Daemon(self, name) for name in DAEMONS}
        self.sink, self.core = None, 0
        self.credentials = {}  # of a daemon, besides what each world has: {name: bytes}
        self.ready_pids = set()
        for path, mode in ((HOME, 0o755), (f"{HOME}/log", 0o755), (f"{HOME}/mail", 0o700)):
            os.makedirs(path, exist_ok=True)
            os.chmod(path, mode)
        if not os.path.exists(f"{HOME}/tls/ca.pem"):
            make_certificates(f"{HOME}/tls")
        hosts = read("/etc/hosts")
        if MAIL_HOST not in hosts:
            write("/etc/hosts", hosts + f"127.0.0.1 {MAIL_HOST} other.lab\n")
        self._listen_for_readiness()

    def _listen_for_readiness(self):
        path = f"{HOME}/notify"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.notify.bind(path)
        os.chmod(path, 0o666)

        def hear():
            while True:
                data, ancillary, _, _ = self.notify.recvmsg(4096, socket.CMSG_SPACE(12))
                for level, kind, body in ancillary:
                    if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS and b"READY=1" in data.split(b"\n"):
                        self.ready_pids.add(struct.unpack("3i", body)[0])

        threading.Thread(target=hear, daemon=True).start()

    # -- state

    def configure(self, changes=None, text=None):
        policy = {section: dict(values) for section, values in POLICY.items()}
        for section, values in (changes or {}).items():
            policy.setdefault(section, {}).update(values)
        lines = []
        for section, values in policy.items():
            lines.append(f"[{section}]")
            lines += [f"{key} = {value}" for key, value in values.items() if value is not None]
        write(CONFIG, text if text is not None else "\n".join(lines) + "\n")
        shutil.copy(f"{HOME}/tls/ca.pem", "/etc/sspr/mail-ca.pem")
        os.chmod("/etc/sspr/mail-ca.pem", 0o644)

    def make_state(self):
        """An empty state and a new database key, as after an installation."""
        account = pwd.getpwnam("sspr")
        shutil.rmtree(STATE, ignore_errors=True)
        os.mkdir(STATE, 0o700)
        os.chown(STATE, account.pw_uid, account.pw_gid)
        with contextlib.suppress(FileNotFoundError):
            os.unlink("/etc/credstore/sspr-key")
        run("ssprctl", "init")
        self.make_credentials()

    def make_credentials(self):
        with open("/etc/credstore/sspr-key", "rb") as f:
            key = f.read()
        usual = {"ssprd": {"sspr-key": key}, "ssprd-net": {"sspr-mail-password": MAIL_PASSWORD.encode()}, "ssprd-local": {}}
        for daemon, files in usual.items():
            account = pwd.getpwnam(DAEMONS[daemon])
            folder = f"{HOME}/credentials/{daemon}"
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
            os.chown(folder, account.pw_uid, account.pw_gid)
            os.chmod(folder, 0o500)
            for name, body in {**files, **self.credentials.get(daemon, {})}.items():
                path = f"{folder}/{name}"
                with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o400), "wb") as f:
                    f.write(body)
                os.chown(path, account.pw_uid, account.pw_gid)

    # -- running

    def listen(self):
        os.makedirs(RUN, exist_ok=True)
        os.chmod(RUN, 0o755)
        for name, (_, mode, owner) in SOCKETS.items():
            if name in self.listeners:
                continue
            path = f"{RUN}/{name}.sock"
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            s.bind(path)
            account = pwd.getpwnam(owner)
            os.chown(path, account.pw_uid, account.pw_gid)
            os.chmod(path, mode)
            s.listen(4096)
            s.setblocking(False)
            self.listeners[name] = fcntl.fcntl(s, fcntl.F_DUPFD_CLOEXEC, 100)
            s.close()

    def unlisten(self):
        for name, fd in self.listeners.items():
            os.close(fd)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{RUN}/{name}.sock")
        self.listeners = {}

    def start(self, *names):
        self.listen()
        for name in names or DAEMONS:
            self.daemons[name].start()
        for name in names or DAEMONS:
            self.daemons[name].ready()

    def stop(self, *names):
        for name in names or DAEMONS:
            self.daemons[name].stop()

    def restart(self, *names):
        self.stop(*names)
        self.start(*names)

    def start_mail(self, **options):
        self.stop_mail()
        self.sink = MailSink(f"{HOME}/mail", **options)

    def stop_mail(self):
        if self.sink:
            self.sink.stop()
            self.sink = None

    def end(self):
        self.stop()
        self.stop_mail()
        self.unlisten()

    # -- what an operator does

    def ctl(self, *arguments, text=None, check=True):
        return run("ssprctl", *arguments, text=text, check=check)

    def enrol_authenticator(self, name, when=None):
        """Enrols with the code of the step before, so that the present one stays free. Returns URI and full text."""
        steady_step()
        p = subprocess.Popen(["ssprctl", "user", "enrol", name, "--authenticator", "--qr"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=0)
        seen, uri = "", None
        while uri is None:
            piece = os.read(p.stdout.fileno(), 65536).decode()
            if not piece:
                raise RuntimeError(f"enrolment of {name}: {seen}{p.stderr.read()}")
            seen += piece
            found = re.search(r"otpauth://\S+(?=\s)", seen)
            uri = found and found.group(0)
        out, err = p.communicate(totp(uri, (when or time.time()) - 30) + "\n", timeout=10)
        if p.returncode != 0:
            raise RuntimeError(f"enrolment of {name}: {seen}{out}{err}")
        return uri, seen + out

    def enrol_email(self, name, address):
        return self.ctl("user", "enrol", name, "--email", address).stdout

    def enrol_recovery_codes(self, name):
        return [row["code"] for row in self.table("user", "enrol", name, "--recovery-codes")]

    def table(self, *arguments):
        """What ssprctl answers to a program."""
        return json.loads(self.ctl("--json", *arguments).stdout)

    def audit(self, *arguments):
        return self.table("audit", *arguments)
