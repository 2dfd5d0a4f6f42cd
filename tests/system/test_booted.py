# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shipped units, offline and under a real systemd."""

import json
import os
import subprocess

import pytest

import world as w
from conftest import NEW

THRESHOLD = {"ssprd": 5, "ssprd-net": 13, "ssprd-local": 15}  # ten times the exposure
HERE = os.path.dirname(os.path.abspath(__file__))


def unit(name):
    found = [p for p in (f"/usr/lib/systemd/system/{name}", f"/lib/systemd/system/{name}", f"/etc/systemd/system/{name}")
             if os.path.exists(p)]
    assert found, f"{name} is not installed"
    return found[0]


@pytest.fixture(scope="module")
def booted(session):
    session.back()
    session.stop()
    session.stop_mail()
    done = subprocess.run([f"{HERE}/../world/boot", "/usr/bin/python3", "-B", f"{HERE.replace('/build/src', '/src')}/booted.py"],
                          capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_units_reset_a_password(booted):
    assert booted["new password signs in"] and not booted["old password signs in"]
    assert booted["shadow mode"] == "0o640"


def test_units_are_started_by_their_sockets(booted):
    assert set(booted["before"].values()) == {"inactive"}, booted["before"]
    assert set(booted["after"].values()) == {"active"}, booted["after"]


def test_units_hold_what_they_promise(booted):
    processes = booted["processes"]
    assert all(p["no_new_privs"] == "1" and p["seccomp"] == "2" for p in processes.values()), processes
    assert processes["ssprd.service"]["uid"] != "0" and int(processes["ssprd.service"]["capabilities"], 16) == 0
    assert processes["ssprd-net.service"]["uid"] != "0" and int(processes["ssprd-net.service"]["capabilities"], 16) == 0
    assert not processes["ssprd.service"]["network"] and not processes["ssprd-local.service"]["network"]


def test_Q1_units_come_back_after_a_kill(booted):
    assert booted["after a kill"] and not booted["failed"].strip(), booted["failed"]


def test_journal_has_messages_with_an_id_and_no_secret(booted):
    assert booted["messages"] > 0 and NEW not in booted["journal"]


@pytest.mark.parametrize("name", THRESHOLD)
def test_exposure(session, name):
    done = w.run("systemd-analyze", "security", "--offline=true", f"--threshold={THRESHOLD[name]}", "--no-pager",
                 unit(f"{name}.service"), check=False)
    assert done.returncode == 0, done.stdout[-400:] + done.stderr


@pytest.mark.parametrize("name", [f"{d}.service" for d in THRESHOLD])
def test_unit_files_are_understood(session, name):
    done = w.run("systemd-analyze", "verify", "--man=no", unit(name), check=False)
    complaints = [line for line in done.stderr.splitlines() if "sspr" in line]
    assert done.returncode == 0 and not complaints, done.stderr


def test_Q1_units_never_give_up(session):
    for name in THRESHOLD:
        service = w.read(unit(f"{name}.service"))
        assert "StartLimitIntervalSec=0" in service and ("Restart=on-failure" in service or "Restart=always" in service)
    for name in w.SOCKETS:
        assert "TriggerLimitIntervalSec=0" in w.read(unit(f"ssprd-{name}.socket"))
