# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tenants in the private world: the stand-in for Microsoft's hosts, and what ssprd-net needs to know of it."""

import contextlib
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tenant"))

import faults  # noqa: E402, F401
import world as w  # noqa: E402
from service import Service  # noqa: E402
from tenant import OLD, PERMISSIONS, guid, sample  # noqa: E402, F401

FOLDER = f"{w.HOME}/tenant"
CA = "/etc/sspr/entra-ca.pem"


def name_hosts(*names):
    hosts = w.read("/etc/hosts")
    for name in names:
        if name not in hosts.split():
            hosts += f"127.0.0.1 {name}\n"
    w.write("/etc/hosts", hosts)


def application(tenant):
    return next(iter(tenant.applications.values()))


def start(tenants=None, **options):
    """A Service that listens; stop() ends it."""
    service = Service(FOLDER, tenants, **options)
    name_hosts(*(host for host, _ in service.hosts.values()))
    return service.start()


def section(service, tenant=None):
    """The values of [directory NAME] for one of its tenants."""
    tenant = tenant or service.tenant
    return {
        "type": "entra",
        "tenant": tenant.id,
        "client-id": application(tenant).appId,
        "domains": " ".join(tenant.domains),
        "login": "{}:{}".format(*service.hosts["login"]),
        "graph": "{}:{}".format(*service.hosts["graph"]),
        "ca-file": CA,
    }


def trust(service):
    os.makedirs("/etc/sspr", exist_ok=True)
    shutil.copy(service.ca, CA)
    os.chmod(CA, 0o644)


def certificate(app):
    return {"certificate": app.certificate_pem + app.key_pem}


def secret(app):
    return {"secret": app.secret + "\n"}


def credentials(world, name, parts):
    """What the supervisor hands over to ssprd-net for a directory: {"certificate": PEM, "secret-next": text, ...}."""
    kept = world.credentials.setdefault("ssprd-net", {})
    for key in [key for key in kept if key.startswith(f"sspr-{name}-")]:
        del kept[key]
    kept.update({f"sspr-{name}-{part}": text.encode() for part, text in parts.items()})
    world.make_credentials()


def policy(service, name="contoso", **changes):
    """Changes to the world's policy: this tenant, and the scope group of its story."""
    return {
        "properties": {"enabled": "selected", "group": "SSPRTesters"},
        f"directory {name}": {**section(service), **changes},
    }


def forget_token(name="contoso"):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"/run/ssprd-net/token-{name}")
