# SPDX-License-Identifier: LGPL-2.1-or-later
"""The workers alone, as root, each with a private copy of /etc; nothing of the machine is written."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import worker as w  # noqa: E402

OLD = "Autumn-forgotten-41"
CONFIG = "[properties]\nenabled = all\n[directory local]\nallow-privileged = friend\n"


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="needs root"))


class Accounts:
    """A copy of /etc with people in it."""

    def __init__(self, folder):
        self.etc = w.copy_etc(folder)
        self.hash = w.make_hash(OLD)
        for name in ("monica", "pavel", "boss", "friend", "sspr"):
            for file in ("passwd", "shadow", "group", "gshadow"):
                self.drop(file, name)
        w.add_user(self.etc, "sspr", w.SSPR_UID, "!", shell="/usr/sbin/nologin")
        self.add("monica", 1000)
        self.add("pavel", 1001)

    def drop(self, file, name):
        path = f"{self.etc}/{file}"
        if os.path.exists(path):
            lines = [line for line in open(path) if not line.startswith(f"{name}:")]
            with open(path, "w") as f:
                f.writelines(lines)

    def add(self, name, uid, **k):
        w.add_user(self.etc, name, uid, self.hash, **k)

    def stored(self, name):
        return w.field(self.etc, "shadow", name, 1)

    def text(self, file):
        with open(f"{self.etc}/{file}", "rb") as f:
            return f.read()


@pytest.fixture
def accounts(tmp_path):
    os.chmod(tmp_path, 0o755)
    for up in list(tmp_path.parents)[:3]:
        if str(up).startswith("/tmp/"):
            os.chmod(up, 0o755)
    return Accounts(tmp_path)


@pytest.fixture
def start(tmp_path, accounts):
    """Starts ssprd-local with the accounts."""
    started = []

    def go(config=CONFIG, **k):
        worker = w.Worker("ssprd-local", "local", tmp_path, config, etc=accounts.etc, **k)
        started.append(worker)
        return worker.start()

    yield go
    for worker in started:
        worker.stop()


@pytest.fixture
def local(start):
    return start()
