# SPDX-License-Identifier: LGPL-2.1-or-later
"""ssprd-net and the stand-in tenant of tests/tenant: what the tests of Entra share."""

import contextlib
import os
import re
import socket
import tempfile
import time

import worker as w
from service import Service
from tenant import sample
from transport import Listener

HOSTS = ("login.lab", "graph.lab")
GROUP = "SSPRTesters"
GOOD = "Vermilion kayak 58"  # a password that both sides take
HERE = {"enabled": "selected", "group": GROUP}


def boot_ms():
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)


def is_printable(text):
    return all(c.isprintable() for c in text)


def lines(report):
    """Of a report: (level, what, text) of each line."""
    return [tuple(line.split("\t")) for line in report.splitlines()]


def good(answer, lab, name="MonicaT"):
    """The answer, which must be the account of that user."""
    user = lab.tenant.user(name)
    assert answer.said == ("done", "none"), answer.detail
    assert (answer.directory, answer.object, answer.name) == ("contoso", user.id, user.userPrincipalName)
    assert answer.mark == user.lastPasswordChangeDateTime
    return answer


def contacts(answer):
    return answer.mail, answer.mobile, answer.office


def said_to_be(kind):
    """A fault: the true answer, with another type."""
    def act(r, perform):
        true = perform()
        true.headers = {**{key: value for key, value in true.headers.items() if key.lower() != "content-type"}, "Content-Type": kind}
        return true

    return act


def section(name, values):
    return f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())


class Net:
    """One ssprd-net in a folder of its own. It serves root: in its /etc that is who sspr is."""

    def __init__(self, lab, folder, config, credentials, env=None, before=""):
        self.lab, self.folder, self.seen = lab, folder, 0
        self.places = {name: os.path.join(folder, name) for name in ("credentials", "runtime")}
        for place in self.places.values():
            os.makedirs(place)
        self.hand_over(**credentials)
        env = {"CREDENTIALS_DIRECTORY": self.places["credentials"], "RUNTIME_DIRECTORY": self.places["runtime"], **(env or {})}
        self.worker = w.Worker("ssprd-net", "net", folder, config, env=env, etc=lab.etc, before=before).start()

    # -- what it is given

    def hand_over(self, directory="contoso", **parts):
        """Credentials: certificate=, certificate_next=, secret=, secret_next=; those that are not named are taken away."""
        place = self.places["credentials"]
        for name in os.listdir(place):
            if name.startswith(f"sspr-{directory}-"):
                os.unlink(f"{place}/{name}")
        for part, text in parts.items():
            with open(f"{place}/sspr-{directory}-{part.replace('_', '-')}", "wb") as f:
                f.write(text if isinstance(text, bytes) else text.encode())

    def token_file(self, directory="contoso"):
        return f"{self.places['runtime']}/token-{directory}"

    def forget_token(self, directory="contoso"):
        """Also that there was none to be had."""
        if os.path.exists(self.token_file(directory)):
            os.unlink(self.token_file(directory))

    def forget_failure(self):
        """That is kept in place of a token, for 2 seconds."""
        for name in os.listdir(self.places["runtime"]):
            with open(f"{self.places['runtime']}/{name}", "rb") as f:
                failed = f.read().endswith(b" !")
            if failed:
                os.unlink(f"{self.places['runtime']}/{name}")

    # -- what it says

    @property
    def log_file(self):
        return f"{self.folder}/net.log"

    def log(self):
        """Since the test began."""
        with open(self.log_file, "rb") as f:
            f.seek(self.seen)
            return f.read().decode()

    def ask(self, job):
        return self.judge(self.worker.ask(job, uid=0))

    @staticmethod
    def judge(answer):
        """What holds of every answer: F44, and that outcome and reason fit each other."""
        if answer:
            for name in ("directory", "object", "name", "mark", "mail", "mobile", "office", "detail", "code", "address"):
                assert is_printable(getattr(answer, name)), (name, answer)
            assert all(is_printable(part) for line in lines(answer.report) for part in line), answer.report
            assert (answer.why == "none") == (answer.outcome == "done"), answer
        return answer

    # -- jobs

    def lookup(self, name, group=GROUP, object="", directory="contoso"):
        return self.ask(w.account_job(w.LOOKUP, directory, object=object, name=name, group=group))

    def reset(self, account, password=GOOD, group=GROUP, until=None, **changes):
        """account: the answer of a look-up."""
        known = {"object": account.object, "name": account.name, "mark": account.mark, "directory": account.directory, **changes}
        return self.ask(w.account_job(w.RESET, group=group, secret=password, until=until, **known))

    def check(self, name="", group=GROUP, directory="contoso"):
        return self.ask(w.account_job(w.CHECK, directory, name=name, group=group))

    def approval(self, account, directory="contoso"):
        return self.ask(w.account_job(w.APPROVAL, directory, object=account.object, name=account.name))

    def approve(self, account, ticket, until=None, **changes):
        known = {"object": account.object, "name": account.name, "directory": "contoso", **changes}
        return self.ask(w.account_job(w.APPROVE, secret=ticket, until=until, **known))

    def deliver(self, to="monica@lab", **k):
        return self.ask(w.mail_job(to, **k))

    def stop(self):
        return self.worker.stop()


class Lab:
    """Tenants that listen, and every ssprd-net that was started for them."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.etc = w.copy_etc(folder)
        for file in ("passwd", "hosts"):
            keep = [line for line in open(f"{self.etc}/{file}") if not line.startswith("sspr:")]
            with open(f"{self.etc}/{file}", "w") as f:
                f.writelines(keep)
        w.append(self.etc, "passwd", "sspr:x:0:0::/nonexistent:/usr/sbin/nologin")
        w.append(self.etc, "hosts", "127.0.0.1 " + " ".join(HOSTS))
        first = sample()
        self.pair = first.application.certificate_pem, first.application.key_pem
        self.service = Service(f"{self.folder}/tenant", [first], login=(HOSTS[0], 0), graph=(HOSTS[1], 0)).start()
        self.nets, self.kept = [], {}

    # -- the tenant

    @property
    def tenant(self):
        return self.service.tenants[0]

    @property
    def app(self):
        return self.tenant.application

    @property
    def certificate(self):
        return "".join(self.pair)

    def fresh(self):
        """The tenant of the story, as if nothing had happened; its ids are always the same."""
        tenant = sample(certificate=False)
        app = tenant.application
        app.certificate_pem, app.key_pem = self.pair
        app.add_certificate(app.certificate_pem)
        self.service.tenants[:] = [tenant]
        self.service.clear_faults()
        self.service.unspoil()
        for host in ("login", "graph"):
            if self.service.tls[host] != "good":
                self.service.set_tls(host, "good")
        self.service.clear()
        self.service.errors.clear()
        for net in self.nets:
            net.seen = os.path.getsize(net.log_file)
            net.forget_failure()

    def fabrikam(self):
        """A second tenant, until the next test."""
        second = sample("Fabrikam", "fabrikam.lab", certificate=False)
        self.service.tenants.append(second)
        return second

    @contextlib.contextmanager
    def deaf(self, name):
        """Nobody listens there meanwhile; connections that are open stay."""
        service = self.service
        listener = service.listeners[name]
        listener.socket.shutdown(socket.SHUT_RDWR)
        listener.socket.close()
        yield
        service.listeners[name] = Listener(listener.port, listener.serve, listener.context, listener.chunked)

    @contextlib.contextmanager
    def unknown(self, host):
        """No name service knows that host meanwhile."""
        path = f"{self.etc}/hosts"
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(text.replace(host, "other.lab"))
        yield
        with open(path, "w") as f:
            f.write(text)

    # -- what was asked

    def count(self, pattern="", method=None, **more):
        return self.service.count(pattern, method, **more)

    @property
    def trips(self):
        """Round trips to Graph."""
        return self.count(host="graph", within=False)

    @property
    def patches(self):
        return self.count(method="PATCH")

    @property
    def tokens(self):
        return self.count("/oauth2/v2.0/token$")

    # -- ssprd-net

    def directory(self, of=None, **changes):
        """The values of [directory NAME] for a tenant."""
        of = of or self.tenant
        domains = [d for d in of.domains if of is self.tenant or d != "fed.lab"]
        values = {"type": "entra", "tenant": of.id, "client-id": of.application.appId, "domains": " ".join(domains),
                  "login": "{}:{}".format(*self.service.hosts["login"]), "graph": "{}:{}".format(*self.service.hosts["graph"]),
                  "ca-file": self.service.ca}
        values.update({key.replace("_", "-"): value for key, value in changes.items()})
        return {key: value for key, value in values.items() if value is not None}

    def config(self, properties=None, more="", directories=None, **changes):
        directories = directories or {"contoso": self.directory(**changes)}
        return section("properties", {**HERE, **(properties or {})}) + more + "".join(
            section(f"directory {name}", values) for name, values in directories.items())

    def start(self, credentials=None, env=None, before="", **changes):
        """A new ssprd-net."""
        folder = tempfile.mkdtemp(prefix="net-", dir=self.folder)
        credentials = {"certificate": self.certificate} if credentials is None else credentials
        self.nets.append(Net(self, folder, self.config(**changes), credentials, env, before))
        return self.nets[-1]

    def net(self, **changes):
        """One with this configuration and a good certificate, started once."""
        key = repr(sorted(changes.items()))
        if key not in self.kept:
            self.kept[key] = self.start(**changes)
        return self.kept[key]

    def secrets(self):
        """What must never stand in a log."""
        app = self.app
        return [GOOD, *[text for text, _ in app.secrets], *app.key_pem.splitlines()[1:-1]]

    def judge_logs(self):
        """No secret (every token and assertion begins with the same letters, those of '{"'), nothing unprintable, and no crash."""
        for net in self.nets:
            log = net.log()
            found = [text for text in ["eyJ", *self.secrets()] if text in log]
            assert not found, (found, log)
            assert not re.search(r"ended by signal (?!9\b)|Sanitizer|runtime error", log), log
            assert is_printable(log.replace("\n", "")), log

    def stop(self):
        for net in self.nets:
            net.stop()
        self.service.stop()
