# SPDX-License-Identifier: LGPL-2.1-or-later
"""ssprd-net and a real OpenID provider (npm oidc-provider): nothing of it was written by whoever wrote the client."""

import json
import pwd
import ssl
import urllib.request

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import entra
import node
import provider as p
import tokens
import wire
import world as w
from certificates import make_application_certificate
from conftest import NEW

PORT = 8445
PENDING, OTHER_ACCOUNT, DECLINED = 48, 49, 50

pytestmark = pytest.mark.skipif(not node.available(), reason=f"no npm packages in {node.MODULES}")


class Keys:
    """Lets the stand-in's Graph take the provider's tokens, which are signed by keys that it publishes."""

    def __init__(self, provider, tenant):
        self.provider, self.tenant = provider, tenant
        with urllib.request.urlopen(provider.keys_url, context=ssl.create_default_context(cafile=provider.ca)) as answer:
            [key] = json.load(answer)["keys"]
        n, e = (int.from_bytes(tokens.decode(key[name]), "big") for name in "ne")
        self.public = rsa.RSAPublicNumbers(e, n).public_key()

    def verify(self, token):
        header, claims, signed, signature = tokens.split(token)
        assert header["alg"] == "RS256"
        self.public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        assert claims["iss"] == self.provider.issuer
        return {**claims, "iss": f"https://sts.windows.net/{self.tenant.id}/", "nbf": claims["iat"]}


@pytest.fixture(scope="module")
def running(tenants):
    """The provider, for MonicaT and NinaN of Contoso and the certificate of its application."""
    service, contoso = tenants.service, tenants.contoso
    certificate, key = service.certificates.files(p.HOST, "good")
    application = f"{service.folder}/provider-application.pem"
    w.write(application, contoso.application.certificate_pem)
    provider = p.Provider(PORT, f"{service.folder}/provider.log", contoso.id, [contoso.user("MonicaT").id, contoso.user("NinaN").id],
                          certificate, key, service.ca, [application], service.graph_url, entra.PERMISSIONS)
    provider.ca = service.ca
    with provider:
        yield provider


@pytest.fixture
def real(cloud, running):
    """The lab with the provider in place of the tenant's own login host."""
    real = Keys(running, cloud.contoso)
    cloud.service.signers.insert(0, real)
    for app in (p.APP, p.SECRET_APP):
        cloud.contoso.add_application(app, appId=app)
    yield running
    cloud.service.signers.remove(real)


def use(cloud, app, parts):
    entra.credentials(cloud.lab, "contoso", parts)
    cloud.use({"directory contoso": {"client-id": app, "login": f"{p.HOST}:{PORT}"}})


def told_of_token(cloud):
    rows = json.loads(cloud.lab.ctl("--json", "entra", "check", check=False).stdout)
    [row] = [row for row in rows if row["what"] == "token"]
    return row["level"], row["text"]


@pytest.mark.parametrize("how", ["certificate", "secret"])
def test_a_whole_reset_with_its_token(cloud, real, how):
    app = cloud.contoso.application
    use(cloud, p.APP if how == "certificate" else p.SECRET_APP, entra.certificate(app) if how == "certificate" else {"secret": p.SECRET})
    assert told_of_token(cloud) == ("ok", "the tenant gives one to this application")
    assert cloud.reset().result == "done" and cloud.contoso.password_is("MonicaT", NEW)
    assert cloud.service.count(host="login") == 0


@pytest.mark.parametrize("app, parts", [
    (p.APP, lambda: {"certificate": "".join(pem.decode() for pem in make_application_certificate("stranger"))}),
    (p.SECRET_APP, lambda: {"secret": "not the secret"}),
], ids=["certificate", "secret"])
def test_who_is_not_the_application_gets_no_token(cloud, real, app, parts):
    use(cloud, app, parts())
    level, text = told_of_token(cloud)
    assert level == "fail" and "invalid_client" in text
    with wire.Dialogue("monicat") as d:
        assert d.step.kind == wire.END and "not available" in d.step.info


# -- device code


def ask(kind, *fields, oid=""):
    return wire.job("net", pwd.getpwnam("sspr").pw_uid, (wire.JOB_KIND, kind, 1), *wire.account(oid, directory="contoso"),
                    (wire.GROUP, ""), *fields)


def begin():
    fields = ask(wire.APPROVAL)
    assert fields[wire.OUTCOME] == bytes([wire.JOB_DONE]), fields
    assert fields[wire.ADDRESS].decode() == f"https://{p.HOST}:{PORT}/devicelogin"
    return fields[wire.CODE].decode(), fields[wire.SECRET]


def outcome(ticket, oid):
    fields = ask(wire.APPROVE, (wire.SECRET, ticket), oid=oid)
    return fields[wire.OUTCOME][0], fields[wire.WHY][0]


@pytest.fixture
def device(cloud, real):
    use(cloud, p.DEVICE_APP, {})
    return real


def test_G2_a_sign_in_with_another_device(device):
    monica, nina = device.oids
    code, ticket = begin()
    assert outcome(ticket, monica) == (wire.REFUSED, PENDING)
    device.approve(code)
    assert outcome(ticket, monica) == (wire.JOB_DONE, 0)
    assert outcome(ticket, monica) == (wire.REFUSED, DECLINED), "once"


def test_G3_a_sign_in_as_somebody_else(device):
    monica, nina = device.oids
    code, ticket = begin()
    device.approve(code, nina)
    assert outcome(ticket, monica) == (wire.REFUSED, OTHER_ACCOUNT)


def test_G2_a_sign_in_from_before(device):
    code, ticket = begin()
    device.approve(code, age=600)
    assert outcome(ticket, device.oids[0]) == (wire.REFUSED, DECLINED)


def test_a_sign_in_that_is_declined(device):
    code, ticket = begin()
    device.decline(code)
    assert outcome(ticket, device.oids[0]) == (wire.REFUSED, DECLINED)
