# SPDX-License-Identifier: LGPL-2.1-or-later
"""The workers alone, as root, each with a private copy of /etc; nothing of the machine is written."""

import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../tenant")]

import cloud  # noqa: E402
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


# -- Entra


@pytest.fixture(scope="session")
def one_lab(tmp_path_factory):
    lab = cloud.Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.stop()


@pytest.fixture
def lab(one_lab):
    """The stand-in tenant as it was at first, with the ssprd-net's that were started for it."""
    one_lab.fresh()
    yield one_lab
    one_lab.judge_logs()
    assert not one_lab.service.errors, one_lab.service.errors[0]


@pytest.fixture
def net(lab):
    """ssprd-net with the usual configuration."""
    return lab.net()
