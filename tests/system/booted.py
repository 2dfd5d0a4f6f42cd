# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run inside a booted systemd: one reset through the shipped units. Prints what it saw as one line of JSON."""

import json
import os
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../world"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import world as w  # noqa: E402
from conftest import NEW, OLD, Registered, Screen, signs_in  # noqa: E402

SOCKETS = [f"ssprd-{name}.socket" for name in ("login", "user", "admin", "net", "local")]
SERVICES = ["ssprd.service", "ssprd-net.service", "ssprd-local.service"]


def state(unit):
    return w.run("systemctl", "is-active", unit, check=False).stdout.strip()


def process(unit):
    pid = w.run("systemctl", "show", "-P", "MainPID", unit).stdout.strip()
    if pid == "0":
        return {}
    fields = dict(line.split(":\t", 1) for line in open(f"/proc/{pid}/status").read().splitlines() if ":\t" in line)
    return {"uid": fields["Uid"].split()[0], "no_new_privs": fields["NoNewPrivs"], "seccomp": fields["Seccomp"],
            "capabilities": fields["CapBnd"], "network": os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/1/ns/net")}


def main():
    seen = {}
    shutil.rmtree(w.STATE, ignore_errors=True)
    shutil.rmtree("/etc/credstore", ignore_errors=True)
    shutil.rmtree(w.HOME, ignore_errors=True)
    w.run("systemd-sysusers")
    w.run("systemd-tmpfiles", "--create", check=False)
    world = w.World()
    world.configure()
    w.run("ssprctl", "init")
    w.write("/etc/credstore/sspr-mail-password", w.MAIL_PASSWORD, 0o400)
    world.start_mail()
    w.run("systemctl", "start", *SOCKETS)
    seen["before"] = {unit: state(unit) for unit in SERVICES}
    start = time.monotonic()
    w.run("ssprctl", "status")
    seen["first answer"] = time.monotonic() - start

    world.ctl("user", "add", "monica")
    uri, _ = world.enrol_authenticator("monica")
    when = time.time()
    world.enrol_email("monica", "monica@lab")
    monica = Registered("monica", uri, [], when)
    with Screen() as s:
        s.signs_in("monica", "forgot")
        s.sees("Step 1 of 2")
        s.sees("Code: ")
        s.types(monica.app())
        s.sees("Step 2 of 2")
        s.sees("Code: ")
        s.types(monica.mailed())
        s.sees("New password: ")
        s.types(NEW)
        s.sees("again: ")
        s.types(NEW)
        s.sees("Password changed")
    seen["new password signs in"] = signs_in("monica", NEW)
    seen["old password signs in"] = signs_in("monica", OLD)
    seen["after"] = {unit: state(unit) for unit in SERVICES}
    seen["processes"] = {unit: process(unit) for unit in SERVICES}
    seen["shadow mode"] = oct(os.stat("/etc/shadow").st_mode & 0o7777)
    seen["journal"] = w.run("journalctl", "-q", "-o", "cat", "-u", "ssprd*").stdout
    journal = w.run("journalctl", "-q", "-o", "json", "--output-fields=MESSAGE_ID", "-u", "ssprd.service").stdout
    seen["messages"] = journal.count("MESSAGE_ID")

    w.run("systemctl", "kill", "-s", "KILL", "ssprd.service")
    seen["after a kill"] = w.wait_for(lambda: w.run("ssprctl", "status", check=False).returncode == 0, 5)
    seen["failed"] = w.run("systemctl", "--failed", "--plain", "--no-legend").stdout
    print(json.dumps(seen))


if __name__ == "__main__":
    try:
        main()
    except BaseException as e:
        print(f"booted: {e!r}")
        print(w.run("journalctl", "-q", "-b", "--no-pager", "-n", "80", check=False).stdout)
        sys.exit(1)
