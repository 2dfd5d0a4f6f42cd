# SPDX-License-Identifier: LGPL-2.1-or-later
"""The part `entra` of the bench: what Entra's directory costs, with the stand-in as a process of its own."""

import contextlib
import json
import os
import signal
import ssl
import statistics
import subprocess
import time
import urllib.parse
import urllib.request

import measure as m
import world as w

import entra as e
from tenant import add_crowd, sample

USERS, MANY = 1000, 100000  # half of them are nested members of the scope group
ROUNDS = {1: 20, 4: 40, 16: 80}
AT_ONCE, SECONDS = 8, 10
EACH_SIZE = 20
COUNTS = f"{e.FOLDER}/counts"
TENANT = "/src/tests/tenant/tenant.py"


class Person(m.Person):
    @property
    def registered(self):
        return f"{self.name}@contoso.lab"

    def password(self):
        return f"aZ3-{super().password()}"


class StandIn:
    """The tenant with that many users as a process, which keeps numbers and no record."""

    def __init__(self, users):
        self.process = subprocess.Popen(["python3", "-B", TENANT, "--folder", e.FOLDER, "--users", str(users), "--counts", COUNTS],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(f"the stand-in does not start: exit {self.process.wait()}")

    def counts(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(COUNTS)
        self.process.send_signal(signal.SIGUSR1)
        if not w.wait_for(lambda: os.path.exists(COUNTS), 20):
            raise RuntimeError("the stand-in tells no numbers")
        return json.loads(w.read(COUNTS))

    def tokens(self):
        return self.counts().get("login POST", 0)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


# -- the machine


def policy(base, service):
    return {**base, **e.policy(service), "directory local": {"type": "none"}}


def set_up(lab, base, service):
    e.name_hosts(*(host for host, _ in service.hosts.values()))
    e.trust(service)
    lab.stop()
    lab.configure(policy(base, service))
    e.credentials(lab, "contoso", e.secret(service.tenant.application))
    e.forget_token()
    lab.start()


def names(count):
    return [f"user{2 * n:06}" for n in range(count)]


def add_people(lab, count):
    people = [Person(name) for name in names(count)]
    for person in people:
        m.enrol(lab, person)
    return people


def get_token(service):
    app = service.tenant.application
    form = {"grant_type": "client_credentials", "client_id": app.appId, "client_secret": app.secret,
            "scope": f"{service.graph_url}/.default"}
    ways = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=service.ca)), urllib.request.ProxyHandler({})
    address = f"{service.login_url}/{service.tenant.id}/oauth2/v2.0/token"
    with urllib.request.build_opener(*ways).open(address, urllib.parse.urlencode(form).encode(), 10) as answer:
        return json.load(answer)["access_token"]


# -- the same calls without us


class Calls:
    """What one user's look-up and reset ask of Graph, to be asked again for others by bare libcurl; the token is there already."""

    def __init__(self, lab, service, person):
        self.service = service
        m.tool("net", 1, 0.001, "contoso", "SSPRTesters", text=person.name)
        self.lookup, _ = self.record(lambda: m.tool("net", 1, 0.001, "contoso", "SSPRTesters", text=person.name))
        line = m.lines_of([person])
        everything, self.connections = self.record(lambda: (m.tool("dialogue", "resets", 1, text=line), m.settle()))
        self.reset, self.afterwards = self.split(everything)
        self.then = self.of(person) | {line.split()[-1]: "password"}

    def record(self, what):
        listener = self.service.listeners["graph"]
        self.service.clear()
        before = listener.connections
        what()
        return self.service.find(host="graph"), listener.connections - before

    @staticmethod
    def split(requests):
        """A reset ends with the batch behind the write; what comes then is for the notice."""
        write = next(i for i, r in enumerate(requests) if r.method == "PATCH")
        behind = [i for i, r in enumerate(requests) if i > write and not r.within] + [len(requests)] * 2
        return requests[:behind[1]], requests[behind[1]:]

    def of(self, person):
        return {self.service.tenant.user(person.name).id: "object", person.registered.replace("@", "%40"): "name"}

    @staticmethod
    def calls(requests):
        return [r for r in requests if not r.within]

    def tell(self, what, requests):
        calls, inner = self.calls(requests), [r for r in requests if r.within]
        batches = sum(r.path.endswith("$batch") for r in calls)
        m.say(f"{what}: HTTP requests to Graph", len(calls), f"{batches} batches of {len(inner)} questions, {len(calls) - batches} else")

    def lines(self, requests, person):
        now = {what: text for text, what in self.of(person).items()} | {"password": person.password()}
        found = []
        for n, r in enumerate(self.calls(requests)):
            if n in (0, len(self.calls(self.lookup))) or r.method == "PATCH":  # a write has a connection of its own
                found.append("connect")
            line = f"{r.method} {self.service.graph_url}{r.path} {r.body.decode()}"
            for text, what in self.then.items():
                line = line.replace(text, now[what])
            found.append(line)
        return "\n".join(found) + "\nend\n"

    def bare(self, processes, requests, people, how):
        text = f"{get_token(self.service)}\n" + "".join(self.lines(requests, p) for p in people)
        return m.tool("calls", processes, self.service.ca, how, text=text)


# -- figures


def ms(times):
    return f"{times[0] / 1000:.1f} / {times[1] / 1000:.1f} ms"


def times_of_lookups(calls, people, typed):
    direct = m.tool("net", 1, 3, "contoso", "SSPRTesters", text=typed)
    began = m.tool("dialogue", "lookups", 1, 3, text=typed)
    kept, anew = (calls.bare(1, calls.lookup, people * 3, how) for how in ("kept", "anew"))
    m.say("a look-up by ssprd-net, p50 / p99", ms(direct["lookups"]), f"bare curl: {ms(anew['calls'])}, kept: {ms(kept['calls'])}")
    m.say("a dialogue up to its first question, p50 / p99", ms(began["lookups"]))


def sustained(lab, stand_in, what, program, typed):
    """From one token: how many, and where the CPU's time goes."""
    e.forget_token()
    pids = [lab.daemons["ssprd-net"].pid, lab.daemons["ssprd"].pid, stand_in.process.pid]
    tokens, before = stand_in.tokens(), [m.cpu_seconds(pid) for pid in pids]
    ours = m.tool(*program, text=typed)
    m.settle()
    net, core, theirs = ((m.cpu_seconds(pid) - then) / ours["count"][0] * 1000 for pid, then in zip(pids, before))
    m.say(f"{what}, {AT_ONCE} at a time for {ours['seconds'][0]:.0f} s", f"{ours['count'][0] / ours['seconds'][0]:.0f}/s",
          f"token requests: {stand_in.tokens() - tokens}", "200/s, 1 token request")
    m.say("  CPU for each", f"ssprd-net: {net:.1f} ms", f"ssprd: {core:.2f} ms, the stand-in: {theirs:.1f} ms")


def lookups(lab, stand_in, calls, people):
    typed = "\n".join(names(200))
    times_of_lookups(calls, people, typed)
    sustained(lab, stand_in, "look-ups by ssprd-net", ("net", AT_ONCE, SECONDS, "contoso", "SSPRTesters"), typed)
    sustained(lab, stand_in, "dialogues begun", ("dialogue", "lookups", AT_ONCE, SECONDS), typed)
    for how, text in (("anew", "a connection each"), ("kept", "connections kept")):
        bare = calls.bare(AT_ONCE, calls.lookup, people * 10, how)
        m.say(f"  bare curl, {text}", f"{len(people) * 10 / bare['seconds'][0]:.0f}/s", f"its CPU for each: {bare['cpu'][0]:.1f} ms")


def resets(lab, calls, people):
    at = 0
    for processes, count in ROUNDS.items():
        some, at = people[at:at + count], at + count
        before = m.cpu_ns(lab.daemons["ssprd"].pid)
        ours = m.tool("dialogue", "resets", processes, text=m.lines_of(some))
        spent = (m.cpu_ns(lab.daemons["ssprd"].pid) - before) / count / 1e6
        kept, anew = (calls.bare(processes, calls.reset, some, how) for how in ("kept", "anew"))
        rate, rate_kept, rate_anew = (count / one["seconds"][0] for one in (ours, kept, anew))
        m.say(f"whole resets, {processes} at a time", f"{rate:.1f}/s",
              f"bare curl: {rate_anew:.1f}/s ({rate / rate_anew:.2f}), connections kept: {rate_kept:.1f}/s ({rate / rate_kept:.2f})")
        m.say("  one takes p50 / p99", ms(ours["resets"]), f"{ms(anew['calls'])}, kept: {ms(kept['calls'])}")
        m.say("  ssprd's own CPU per reset", f"{spent:.2f} ms")


def size(calls, people, users):
    time.sleep(30.1 - time.time() % 30)  # a code of each step counts once
    ours = m.tool("dialogue", "resets", 1, text=m.lines_of(people))
    bare = calls.bare(1, calls.reset, people, "anew")
    m.say(f"a reset in a tenant of {users}, {users // 2} in the group, p50 / p99", ms(ours["resets"]), f"bare curl: {ms(bare['calls'])}")


def memory(lab, base, service):
    one = e.section(service)
    other = {**one, "tenant": "11111111-2222-4333-8444-555555555555", "domains": "fabrikam.lab"}
    system = {**one, "ca-file": None}
    for what, directories in (("no directory", {}), ("one directory", {"contoso": one}),
                              ("two directories", {"contoso": one, "fabrikam": other}),
                              ("one, the system's certificates", {"contoso": system})):
        lab.stop("ssprd-net")
        lab.configure({**base, **{f"directory {name}": section for name, section in directories.items()}})
        runs = [m.start_time(lab, "ssprd-net", False) for _ in range(5)]
        total, anonymous = runs[-1][2]
        m.say(f"ssprd-net, {what}: idle PSS, start", f"{total} KiB, {statistics.median(r[0] for r in runs):.1f} ms",
              f"anonymous: {anonymous} KiB", "at most 20 ms")


def entra(lab, base):
    service = e.Service(e.FOLDER, [sample(certificate=False)])
    add_crowd(service.tenant, USERS)
    with service:
        set_up(lab, base, service)
        people = add_people(lab, sum(ROUNDS.values()) + 1)
        calls = Calls(lab, service, people.pop())
    calls.tell("a look-up", calls.lookup)
    calls.tell("a whole reset", calls.reset)
    calls.tell("  later, for the notice", calls.afterwards)
    m.say("  connections to Graph, all in all", calls.connections)
    with StandIn(USERS) as stand_in:
        lookups(lab, stand_in, calls, people)
        resets(lab, calls, people)
        size(calls, people[:EACH_SIZE], USERS)
    e.forget_token()
    with StandIn(MANY):
        size(calls, people[:EACH_SIZE], MANY)
    memory(lab, base, service)
    lab.stop()
    lab.configure(base)
    lab.start()
