# SPDX-License-Identifier: LGPL-2.1-or-later
"""The part of bench/run inside the private world: builds, measures, prints each figure beside its target."""

import os
import pwd
import re
import sqlite3
import statistics
import subprocess
import sys

from measure import TOOLS, Person, build, cpu_ns, enrol, lines_of, pss, say, settle, start_time, tool, w

import bench_entra

OLD = "Autumn-forgotten-41"
POLICY = {
    "authentication-methods": {"methods": "authenticator recovery-code email", "required": "2"},
    # Other places count failures; here sixteen users come at once.
    "limits": {"seat-users": "1000000", "seat-failures": "1000000", "global-failures": "1000000"},
    "services": {"allow": "login bench-right bench-wrong"},
    "mail": {"server": None, "from": None, "user": None, "ca-file": None},
}
ROUNDS = {1: 30, 4: 60, 16: 120}
EACH_SIZE = 20


def services():
    """Stacks of the login path: a right password jumps over the module, a wrong one meets it."""
    sspr = "auth [default=ignore] pam_sspr.so services=bench-right,bench-wrong\n"
    empty = f"auth [default=ignore] {TOOLS}/password.so empty\n"
    right = "auth [success={} default=ignore] pam_permit.so\n{}auth requisite pam_deny.so\nauth required pam_permit.so\n"
    wrong = f"auth [success={{}} default=ignore] {TOOLS}/password.so\n{{}}auth requisite pam_deny.so\nauth required pam_permit.so\n"
    for name, stack, line in (("bench-right-without", right, ""), ("bench-right", right, sspr), ("bench-right-empty", right, empty),
                              ("bench-wrong-without", wrong, ""), ("bench-wrong", wrong, sspr), ("bench-wrong-empty", wrong, empty)):
        w.write(f"/etc/pam.d/{name}", stack.format(2 if line else 1, line))
    w.write("/etc/pam.d/bench-change", w.read("/etc/pam.d/ssprd-local"))


def add_people(lab, count):
    people = [Person(f"bench{i}") for i in range(count)]
    for i, person in enumerate(people):
        w.add_user(person.name, 2000 + i, OLD)
    for person in people:
        enrol(lab, person)
    return people


# -- login path


def login(lab, _people):
    n = 1000
    right = tool("login", "try", n, "bench-right-without", "bench-right-empty", "bench-right")
    base, empty, ours = (right[s] for s in ("bench-right-without", "bench-right-empty", "bench-right"))
    say("a successful login, added by the module (not called)", f"{ours[0] - base[0]:.0f} us, p99 {ours[1] - base[1]:.0f} us",
        f"empty libc module: {empty[0] - base[0]:.0f} us", "at most 40 us, p99 150 us")
    wrong = tool("login", "try", n, "bench-wrong-without", "bench-wrong-empty", "bench-wrong")
    base, empty, ours = (wrong[s] for s in ("bench-wrong-without", "bench-wrong-empty", "bench-wrong"))
    say("a refused login, added by the module and ssprd's hint", f"{ours[0] - base[0]:.0f} us, p99 {ours[1] - base[1]:.0f} us",
        f"empty libc module: {empty[0] - base[0]:.0f} us", "at most 200 us")
    lab.stop()
    lab.unlisten()
    absent = tool("login", "try", n, "bench-wrong-without", "bench-wrong")
    lab.start()
    say("the same without ssprd", f"{absent['bench-wrong'][0] - absent['bench-wrong-without'][0]:.0f} us")


# -- dialogue


def one_cpu():
    os.sched_setaffinity(0, {0})


def dialogue(lab, people):
    bare, bare_one = tool("dialogue", "echo", 20000)["echo"], tool("dialogue", "echo", 20000, preexec_fn=one_cpu)["echo"]
    ours = tool("dialogue", "steps", 2000, people[0].name)["steps"]
    say("one step of a dialogue, p50 / p99", f"{ours[0]:.0f} / {ours[1]:.0f} us", f"bare echo: {bare[0]:.0f} / {bare[1]:.0f} us")
    pid = lab.daemons["ssprd"].pid
    os.sched_setaffinity(pid, {0})
    ours = tool("dialogue", "steps", 2000, people[0].name, preexec_fn=one_cpu)["steps"]
    os.sched_setaffinity(pid, set(range(os.cpu_count())))
    say("the same on one CPU", f"{ours[0]:.1f} / {ours[1]:.1f} us", f"bare echo: {bare_one[0]:.1f} / {bare_one[1]:.1f} us")


# -- resets


def resets(lab, people):
    at = 0
    for processes, count in ROUNDS.items():
        some, at = people[at:at + count], at + count
        pid = lab.daemons["ssprd"].pid
        before = cpu_ns(pid)
        ours = tool("dialogue", "resets", processes, text=lines_of(some))
        spent = (cpu_ns(pid) - before) / count / 1e6
        settle()
        bare = tool("login", "change", processes, "bench-change", text="".join(f"{p.name} {p.password()}\n" for p in some))
        rate, bare_rate = count / ours["seconds"][0], count / bare["seconds"][0]
        say(f"whole resets, {processes} at a time", f"{rate:.1f}/s",
            f"bare pam_chauthtok: {bare_rate:.1f}/s ({rate / bare_rate:.2f})")
        say("  one takes p50 / p99", f"{ours['resets'][0] / 1000:.1f} / {ours['resets'][1] / 1000:.1f} ms",
            f"{bare['change'][0] / 1000:.1f} / {bare['change'][1] / 1000:.1f} ms")
        say("  ssprd's own CPU per reset", f"{spent:.2f} ms", "", "at most 0.35 ms")


# -- memory and start


def memory(lab, _people):
    lab.stop()
    total, figures = 0, {}
    for name in w.DAEMONS:
        figures[name] = [start_time(lab, name, name == "ssprd") for _ in range(5)]
    lab.start()
    settle()
    for name in w.DAEMONS:
        all_of_it, anonymous = pss(lab.daemons[name].pid)
        total += all_of_it
        say(f"{name}, idle PSS", f"{all_of_it} KiB", f"anonymous: {anonymous} KiB")
    say("the three together", f"{total / 1024:.1f} MiB", "", "at most 12 MiB")
    for name, runs in figures.items():
        say(f"{name}, start to READY=1", f"{statistics.median(r[0] for r in runs):.1f} ms", "", "at most 20 ms")
    say("ssprd, start to the first answer", f"{statistics.median(r[1] for r in figures['ssprd']):.1f} ms", "", "at most 20 ms")


# -- many dialogues


def slab():
    return sum(int(re.search(rf"^{n}: +(\d+) kB", w.read("/proc/meminfo"), re.M).group(1)) for n in ("Slab",))


def many(lab, _people):
    count, steps = 10000, 4000
    pid = lab.daemons["ssprd"].pid
    settle()
    before, kernel = pss(pid)[0], slab()
    p = subprocess.Popen([f"{TOOLS}/dialogue", "hold", str(count), str(steps)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    opened = p.stdout.readline().split()
    if not opened:
        raise RuntimeError(f"{count} dialogues could not be opened: exit {p.wait()}")
    settle()
    after, kernel_after = pss(pid)[0], slab()
    took = p.stdout.readline().split()
    p.communicate("\n")
    say(f"{count} open dialogues: ssprd grows, each", f"{(after - before) * 1024 / count:.0f} B", f"kernel, both ends: "
        f"{(kernel_after - kernel) * 1024 / count:.0f} B", "at most 2048 B")
    say("  opened, with a look-up each", f"{count / float(opened[1]):.0f}/s")
    say("  a step while they are open, p50 / p99", f"{float(took[1]):.0f} / {float(took[2]):.0f} us", "", "p99 at most 200 us")


# -- many users


def fill(lab, count):
    """Registers that many users by hand; their authenticators open with no key."""
    lab.stop("ssprd")
    database = sqlite3.connect(f"{w.STATE}/ssprd.db")
    have = database.execute("SELECT count(*) FROM account").fetchone()[0]
    seed = bytes(60)
    first = database.execute("SELECT coalesce(max(id), 0) + 1 FROM account").fetchone()[0]
    rows = range(first, first + max(0, count - have))
    database.executemany("INSERT INTO account (id, directory, object, name, added) VALUES (?, 'local', ?, ?, 0)",
                         ((i, str(10_000_000 + i), f"bulk{i}") for i in rows))
    database.executemany("INSERT INTO authenticator VALUES (?, ?, 0, 0)", ((i, seed) for i in rows))
    database.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    account = pwd.getpwnam("sspr")
    for name in os.listdir(w.STATE):
        os.chown(f"{w.STATE}/{name}", account.pw_uid, account.pw_gid)
    lab.start("ssprd")


def sizes(lab, people):
    for count in (1000, 1000000):
        fill(lab, count)
        some, people = people[:EACH_SIZE], people[EACH_SIZE:]
        pid = lab.daemons["ssprd"].pid
        before = cpu_ns(pid)
        ours = tool("dialogue", "resets", 1, text=lines_of(some))
        spent = (cpu_ns(pid) - before) / len(some) / 1e6
        say(f"a reset with {count} registered users, p50 / p99", f"{ours['resets'][0] / 1000:.1f} / {ours['resets'][1] / 1000:.1f} ms",
            f"ssprd's CPU: {spent:.2f} ms")


def entra(lab, _people):
    bench_entra.entra(lab, POLICY)


PARTS = {f.__name__: f for f in (login, dialogue, resets, memory, many, sizes, entra)}


def main(names):
    names = names or list(PARTS)
    build()
    services()
    lab = w.World()
    try:
        lab.configure(POLICY)
        lab.make_state()
        lab.start()
        wanted = {"resets": sum(ROUNDS.values()), "sizes": 2 * EACH_SIZE}
        people = add_people(lab, max(1, sum(n for part, n in wanted.items() if part in names)))
        say(f"{os.cpu_count()} CPUs, Linux {os.uname().release}", "measured", "beside", "target")
        for name in names:
            settle()
            some = people
            if name in wanted:
                some, people = people[:wanted[name]], people[wanted[name]:] or people
            PARTS[name](lab, some)
    finally:
        lab.end()


main(sys.argv[1:])
