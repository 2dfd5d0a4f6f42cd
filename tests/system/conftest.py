# SPDX-License-Identifier: LGPL-2.1-or-later
"""The private world of the system tests: real programs, real PAM, real /etc/shadow. Only run by ./check, never on a machine."""

import glob
import json
import os
import re
import shutil
import socket
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../world"))

import entra  # noqa: E402
import pexpect  # noqa: E402
import wire  # noqa: E402
import world as w  # noqa: E402
from tenant import Tenant  # noqa: E402

OLD, NEW = "Autumn-forgotten-41", "Spring-remembered-58"
WRONG = "not-the-password"
PRISTINE = "/run/sspr-pristine"
ACCOUNTS = ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow"]

# name: uid, what becomes of the account after it was registered
USERS = {
    "monica": (1000, None),
    "pavel": (1001, None),
    "jana": (1002, None),
    "locked": (1003, ["-L"]),
    "noshell": (1004, ["-s", "/usr/sbin/nologin"]),
    "boss": (1005, ["-aG", "sudo"]),
}
REGISTERED = ["monica", "jana", "locked", "noshell", "boss"]


def pytest_sessionstart(session):
    if socket.gethostname() != "lab" or not os.path.exists("/src/tests/world"):
        pytest.exit("the system tests change accounts: run them by ./check system", 2)


def fast_refusals():
    """Without the seconds of waiting after a wrong password that Debian's stack has; nothing else changes."""
    unix = "/usr/share/pam-configs/unix"
    w.write(unix, re.sub(r"(?m)^(.*pam_unix\.so nullok)(?! nodelay)", r"\1 nodelay", w.read(unix)))
    w.run("pam-auth-update", "--package", "--force")
    login = "/etc/pam.d/login"
    w.write(login, re.sub(r"(?m)^auth\s+optional\s+pam_faildelay.*$", "", w.read(login)))
    w.write("/etc/login.defs", re.sub(r"(?m)^FAIL_DELAY.*$", "FAIL_DELAY 0", w.read("/etc/login.defs")))


class Registered:
    """What one user keeps: the authenticator, the recovery codes, the mailbox."""

    def __init__(self, name, uri, codes, enrolled, address=None):
        self.name, self.uri, self.codes, self.enrolled = name, uri, codes, enrolled
        self.address = address or f"{name}@lab"
        self.reset()

    def reset(self):
        self.used = int(self.enrolled // 30) - 1  # enrolment used the step before

    def app(self):
        """A code that was not used in this test: of the last, this or the next 30 seconds."""
        step = max(self.used + 1, int(time.time() // 30) - 1)
        ahead = step * 30 - 30 - time.time()
        if ahead > 0:
            time.sleep(ahead + 0.1)
        self.used = step
        return w.totp(self.uri, step * 30)

    def mails(self):
        return [m for m in w.mails() if self.address in m["X-To"]]

    def mailed(self, nth=-1, at_least=1):
        """The code in the newest mail, waiting until that many mails with codes came."""

        def codes():
            found = [w.mail_code(m) for m in self.mails()]
            return [c for c in found if c]

        w.wait_for(lambda: len(codes()) >= at_least, 5)
        found = codes()
        assert len(found) >= at_least, f"{len(found)} mails with a code for {self.name}, not {at_least}"
        return found[nth]


class Lab(w.World):
    """The world of the tests, which can be set back to how it began."""

    def begin(self):
        for name, (uid, _) in USERS.items():
            w.add_user(name, uid, OLD)
        self.configure()
        self.make_state()
        self.start_mail()
        self.start()
        self.people = {}
        for name in REGISTERED:
            self.ctl("user", "add", name)
            uri, _ = self.enrol_authenticator(name)
            when = time.time()
            self.enrol_email(name, f"{name}@lab")
            codes = self.enrol_recovery_codes(name)
            self.people[name] = Registered(name, uri, codes, when)
        for name, (_, becomes) in USERS.items():
            if becomes:
                w.run("usermod", *becomes, name)
        self.stop()
        os.makedirs(PRISTINE, exist_ok=True)
        self.keep_state("state")
        for path in [*ACCOUNTS, "/etc/credstore/sspr-key"]:
            w.run("cp", "-a", path, PRISTINE)

    def back(self, state="state"):
        self.stop()
        for daemon in self.daemons.values():
            daemon.program = f"{w.LIBEXEC}/{daemon.name}"
            daemon.environment, daemon.restarts, daemon.exits, daemon.keep_running = {}, 0, [], True
        for path in ACCOUNTS:
            w.run("cp", "-a", f"{PRISTINE}/{os.path.basename(path)}", path)
        w.run("cp", "-a", f"{PRISTINE}/sspr-key", "/etc/credstore/sspr-key")
        self.unlisten()
        self.restore_state(state)
        self.credentials = {}
        self.make_credentials()
        shutil.rmtree("/etc/sspr/ssprd.conf.d", ignore_errors=True)
        self.configure()
        for path in glob.glob(f"{w.HOME}/log/*") + glob.glob(f"{w.HOME}/mail/*"):
            os.unlink(path)
        for person in self.people.values():
            person.reset()

    def restore_state(self, state="state"):
        shutil.rmtree(w.STATE, ignore_errors=True)
        w.run("cp", "-a", f"{PRISTINE}/{state}", w.STATE)

    def keep_state(self, state):
        shutil.rmtree(f"{PRISTINE}/{state}", ignore_errors=True)
        w.run("cp", "-a", w.STATE, f"{PRISTINE}/{state}")

    def use(self, changes):
        """Another policy from now on."""
        self.configure(changes)
        self.restart()

    def logs(self):
        return "".join(d.log() for d in self.daemons.values())

    # -- clocks

    def shifted(self):
        """From now on ssprd reads its clocks through shift()."""
        library = f"{w.HOME}/shift.so"
        if not os.path.exists(library):
            here = os.path.dirname(os.path.abspath(__file__))
            w.run("gcc", "-O2", "-shared", "-fPIC", "-o", library, f"{here}/shift.c", "-ldl")
        self.shift()
        self.daemons["ssprd"].environment["LD_PRELOAD"] = library
        self.restart("ssprd")

    def shift(self, wall=0, boot=0):
        w.write(f"{w.HOME}/clock.new", f"{wall} {boot}\n")
        os.rename(f"{w.HOME}/clock.new", f"{w.HOME}/clock")

    # -- dialogues over the wire

    def choose(self, dialogue, number):
        """Leaves the method that asks for another one."""
        step = dialogue.answer("")
        assert step.prompt.startswith("Number"), step
        return dialogue.answer(str(number))

    def gates(self, dialogue, person, new=None):
        """Passes both gates of a dialogue; with a new password also changes it. Returns the last step."""
        before = len([m for m in person.mails() if w.mail_code(m)])
        assert "Step 1 of 2" in dialogue.step.info, dialogue.step
        step = dialogue.answer(person.app())
        assert "Step 2 of 2" in step.info, step
        step = dialogue.answer(person.mailed(at_least=before + 1))
        assert step.prompt == "New password: ", step
        if new is not None:
            step = dialogue.answer(new)
            assert step.prompt == "New password again: ", step
            step = dialogue.answer(new)
        return step

    def reset(self, name="monica", new=NEW):
        with wire.Dialogue(name) as d:
            return self.gates(d, self.people[name], new)


@pytest.fixture(scope="session")
def session():
    fast_refusals()
    lab = Lab()
    lab.begin()
    yield lab
    lab.end()


@pytest.fixture
def lab(session):
    """The world as it began: everybody registered, everything up."""
    session.back()
    session.start_mail()
    session.start()
    yield session
    session.stop()


@pytest.fixture
def monica(lab):
    return lab.people["monica"]


# -- tenants


class Cloud:
    """Two tenants, of which the lab is configured for Contoso; for Fabrikam too where a test says so."""

    def __init__(self, lab):
        self.lab = lab
        self.service = entra.start([entra.sample(), entra.sample("Fabrikam", "fabrikam.lab")], plain_port=0)
        self.kept = [json.dumps(tenant.to_json()) for tenant in self.service.tenants]

    @property
    def contoso(self):
        return self.service.tenants[0]

    @property
    def fabrikam(self):
        return self.service.tenants[1]

    def begin(self):
        """MonicaT of both tenants has an authenticator and recovery codes here; where mail goes to stands in the tenant."""
        self.prepare("state", "contoso", "fabrikam")
        self.lab.start()
        self.monica, self.other = (self.register(f"MonicaT@{tenant.domain}") for tenant in self.service.tenants)
        self.lab.stop()
        self.lab.keep_state("cloud-state")

    def register(self, upn):
        self.lab.ctl("user", "add", upn)
        uri, _ = self.lab.enrol_authenticator(upn)
        when = time.time()
        return Registered(upn, uri, self.lab.enrol_recovery_codes(upn), when, "monica@lab")

    def prepare(self, state, *directories):
        """The world as it began."""
        self.lab.back(state)
        self.service.tenants = [Tenant.from_json(json.loads(text)) for text in self.kept]
        self.service.clear_faults()
        self.service.unspoil()
        self.service.login.codes.clear()
        self.service.clear()
        entra.trust(self.service)
        for name, tenant in (("contoso", self.contoso), ("fabrikam", self.fabrikam)):
            entra.forget_token(name)
            entra.credentials(self.lab, name, entra.certificate(tenant.application))
        self.lab.configure(self.policy(directories=directories))

    def back(self):
        self.prepare("cloud-state", "contoso")
        self.monica.reset()
        self.other.reset()

    def policy(self, changes=None, directories=("contoso",)):
        sections = {"contoso": entra.section(self.service, self.contoso), "fabrikam": entra.section(self.service, self.fabrikam)}
        sections["fabrikam"]["domains"] = "fabrikam.lab fabrikam.onmicrosoft.lab"  # a domain is of one tenant
        policy = {"properties": {"enabled": "selected", "group": "SSPRTesters"},
                  **{f"directory {name}": sections[name] for name in directories}}
        for section, values in (changes or {}).items():
            policy[section] = {**policy.get(section, {}), **values}
        return policy

    def use(self, changes=None, directories=("contoso",)):
        """Another policy from now on."""
        self.lab.use(self.policy(changes, directories))

    def writes(self):
        return self.service.count("/users/", "PATCH")

    def reset(self, name="monicat", new=NEW, person=None):
        with wire.Dialogue(name) as d:
            return self.lab.gates(d, person or self.monica, new)


@pytest.fixture(scope="session")
def tenants(session):
    cloud = Cloud(session)
    cloud.begin()
    yield cloud
    cloud.service.stop()


@pytest.fixture
def cloud(tenants):
    """The lab of Contoso: MonicaT is registered, everything up."""
    tenants.back()
    tenants.lab.start_mail()
    tenants.lab.start()
    yield tenants
    tenants.lab.stop()
    assert not tenants.service.errors, "the stand-in itself failed"


class Screen:
    """login(1) on a terminal, or another program that asks for a password."""

    def __init__(self, command="login", arguments=(), timeout=8, env=None):
        self.c = pexpect.spawn(command, list(arguments), encoding="utf-8", codec_errors="replace", timeout=timeout,
                               dimensions=(40, 160), env=env)
        self.c.delaybeforesend = 0.03  # login flushes what was typed ahead

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.c.close(force=True)

    def sees(self, *patterns, timeout=-1):
        """Waits for one of the patterns; returns which."""
        try:
            return self.c.expect(list(patterns), timeout=timeout)
        except (pexpect.TIMEOUT, pexpect.EOF):
            raise AssertionError(f"the screen does not show {patterns}, but {self.c.before!r}") from None

    def types(self, text):
        self.c.sendline(text)

    @property
    def shown(self):
        return self.c.before

    def signs_in(self, name, password):
        self.sees("login: ")
        self.types(name)
        self.sees("Password: ")
        self.types(password)


def signs_in(name, password):
    """Whether that password gives a shell."""
    with Screen() as s:
        s.signs_in(name, password)
        return s.sees(r"\$ ", "Login incorrect|incorrect") == 0


@pytest.fixture
def login(lab):
    screens = []

    def start(*a, **k):
        screens.append(Screen(*a, **k))
        return screens[-1]

    yield start
    for s in screens:
        s.__exit__()
