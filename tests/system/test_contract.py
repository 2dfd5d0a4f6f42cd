# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every request of ssprd-net to Graph, and every answer of the stand-in, against Microsoft's own description: Prism stands between.

Each item of a batch goes through Prism as a request of its own."""

import json
import re
import ssl
import time
import urllib.error
import urllib.request
from urllib.parse import unquote, urlsplit

import pytest

import entra
import prism
import wire
import world as w
from conftest import NEW
from test_entra import DECOYS

PORT = 8446
# What the description does not have, and so nobody has checked.
LEFT_OUT = {
    "GET /domains/*",
    "GET /users/*/transitiveMemberOf/microsoft.graph.group",
    "GET /users/*/memberOf",
    "GET /roleManagement/directory/roleAssignments",
    "GET /roleManagement/directory/roleEligibilityScheduleInstances",
}
# What ssprd-net asks besides.
CHECKED = {
    "POST /$batch",
    "GET /users/*",
    "GET /users/*/authentication/phoneMethods",
    "GET /users/*/authentication/emailMethods",
    "GET /groups",
    "GET /groups/*",
    "POST /users/*/checkMemberGroups",
    "GET /reports/authenticationMethods/userRegistrationDetails/*",
    "PATCH /users/*",
    "POST /users/*/revokeSignInSessions",
    "POST /users/*/sendMail",
}

pytestmark = pytest.mark.skipif(not prism.available(), reason=f"needs the npm packages and {prism.OPENAPI}, which is not the project's")


@pytest.fixture(scope="module")
def checker(tenants):
    with prism.Prism(PORT, tenants.service.plain_port, f"{tenants.service.folder}/prism.log") as checker:
        yield checker


@pytest.fixture
def checked(cloud, checker):
    """The lab, whose tenant is behind Prism."""
    cloud.service.via = urlsplit(f"http://127.0.0.1:{PORT}")
    yield cloud
    cloud.service.via = None


def call(method, path):
    """Without what is another one each time."""
    path = unquote(path.partition("?")[0]).removeprefix("/v1.0")
    return f"{method} " + re.sub(r"^/(users|groups|domains|reports/\w+/\w+)/[^/]+", r"/\1/*", path)


def verdict(cloud):
    """What was asked and checked; fails where anything broke the description or was not checked."""
    assert not cloud.service.violations
    unchecked = {call(*text.split(" ", 1)) for text in cloud.service.unchecked}
    assert unchecked <= LEFT_OUT
    return {call(r.method, r.path) for r in cloud.service.find(host="graph")} - unchecked


def test_a_whole_reset(checked):
    assert checked.reset().result == "done" and checked.contoso.password_is("MonicaT", NEW)
    assert w.wait_for(lambda: len(checked.monica.mails()) == 2, 5)
    assert verdict(checked) == CHECKED - {"GET /groups/*", "GET /reports/authenticationMethods/userRegistrationDetails/*",
                                          "POST /users/*/sendMail"}
    assert checked.contoso.revoked == ["MonicaT@contoso.lab"]


def test_with_mail_by_graph_and_the_mirror(checked):
    contoso = checked.contoso
    contoso.add_user("sspr", mail="sspr@contoso.lab")
    checked.use({"directory contoso": {"mirror": "yes", "contacts": "profile"},
                 "mail": {"directory": "contoso", "from": "sspr@contoso.lab", "server": None, "user": None, "ca-file": None}})
    with wire.Dialogue("monicat", timeout=20) as d:
        d.answer(checked.monica.app())
        assert w.wait_for(lambda: contoso.sent, 5)
        code = re.search(r"Code: (\d{8})", contoso.sent[0]["message"]["body"]["content"]).group(1)
        assert contoso.sent[0]["to"] == ["monica@lab"] and contoso.sent[0]["from"] == "sspr@contoso.lab"
        d.answer(code)
        d.answer(NEW)
        assert d.answer(NEW).result == "done"
    assert w.wait_for(lambda: len(contoso.sent) == 3, 5), "the notices"
    time.sleep(0.2)
    assert not w.mails()
    assert verdict(checked) == CHECKED - {"GET /groups/*"}


def test_every_kind_of_account(checked):
    for n, name in enumerate([*DECOYS, "NinaN"]):
        with wire.Dialogue(name, tty=f"/dev/tty{n}") as d:
            assert d.step.asks, name
    assert verdict(checked) == {"POST /$batch", "GET /users/*", "GET /users/*/authentication/phoneMethods", "GET /groups",
                                "GET /users/*/authentication/emailMethods", "POST /users/*/checkMemberGroups"}


def test_names_and_groups_that_need_escaping(checked):
    checked.contoso.add_group("R&D's \"own\" #1+100%", [checked.contoso.user("MonicaT")])
    checked.use({"properties": {"group": "R&D's \"own\" #1+100%"}})
    with wire.Dialogue("o'brien_x~y^z!#EXT#@contoso.lab", tty="/dev/tty2") as d:
        assert d.step.asks
    with wire.Dialogue("monicat") as d:
        assert "Step 2 of 2" in d.answer(checked.monica.app()).info
    verdict(checked)


def test_what_an_administrator_asks(checked):
    """With the group by its id, and with a role for an administrative unit in place of a permission for all."""
    contoso = checked.contoso
    unit = contoso.add_unit("Resettable", [contoso.user("MonicaT")])
    contoso.application.withdraw("User-PasswordProfile.ReadWrite.All")
    contoso.assign_role(contoso.application, "Password Administrator", f"/administrativeUnits/{unit}")
    checked.use({"directory contoso": {"group": contoso.group("SSPRTesters").id}})

    def levels(name):
        said = json.loads(checked.lab.ctl("--json", "entra", "check", name, check=False).stdout)
        return [row["level"] for row in said if row["what"] in ("group", "user")]

    assert levels("monicat") == ["ok"] * 4
    assert levels("ninan") == ["ok"] * 3 + ["fail"], "outside of the unit"
    assert "GET /groups/*" in verdict(checked)
    assert "GET /users/*/memberOf" in {call(*text.split(" ", 1)) for text in checked.service.unchecked}


def test_what_is_left_out_is_not_in_the_description():
    paths = re.findall(r"^ {2}['\"]?(/v1\.0/[^'\":]+)", w.read(prism.OPENAPI), re.M)
    assert len(paths) > 20
    known = {re.sub(r"\{[^}]*\}", "*", path.removeprefix("/v1.0")) for path in paths}
    assert not {path.split(" ")[1] for path in LEFT_OUT} & known


# -- that it can fail


def send(cloud, method, path, body=None):
    """A request of our own, with the token that ssprd-net has; its status."""
    token = w.read("/run/ssprd-net/token-contoso").split(" ")[2]
    request = urllib.request.Request(cloud.service.graph_url + path, json.dumps(body).encode() if body else None, method=method,
                                     headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=entra.CA)) as answer:
            return answer.status
    except urllib.error.HTTPError as e:
        return e.code


def in_batch(method, url, **more):
    return {"requests": [{"id": "1", "method": method, "url": url, **more}]}


TYPED = {"headers": {"Content-Type": "application/json"}}
WRONG = {
    "a misspelt member": ("PATCH", "/v1.0/users/{id}", {"passwordProfile": {"pasword": "x"}}),
    "a wrong type": ("PATCH", "/v1.0/users/{id}", {"passwordProfile": {"forceChangePasswordNextSignIn": "no"}}),
    "an unknown property": ("GET", "/v1.0/users/{id}?$select=id,isAdmin", None),
    "an unknown path": ("GET", "/v1.0/users/{id}/passwords", None),
    "no groups": ("POST", "/v1.0/users/{id}/checkMemberGroups", {"groupIds": []}),
    "within a batch": ("POST", "/v1.0/$batch", in_batch("GET", "/users/{id}?$select=nothing")),
    "a write within a batch": ("POST", "/v1.0/$batch", in_batch("POST", "/users/{id}/checkMemberGroups", body={"groupId": "x"}, **TYPED)),
    "a batch of another form": ("POST", "/v1.0/$batch", {"request": []}),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_request_is_noticed(checked, what):
    with wire.Dialogue("monicat"):
        assert not checked.service.violations
    method, path, body = WRONG[what]
    text = json.dumps([path, body]).replace("{id}", checked.contoso.user("MonicaT").id)
    send(checked, method, *json.loads(text))
    assert checked.service.violations


def test_a_wrong_answer_is_noticed(checked):
    checked.contoso.user("MonicaT").accountEnabled = "yes"
    with wire.Dialogue("monicat", tty="/dev/tty2"):
        pass
    assert any("/users/" in text and "accountEnabled" in text for text in checked.service.violations)


def test_a_call_that_nobody_knows_is_noticed(checked):
    with wire.Dialogue("monicat"):
        pass
    send(checked, "GET", "/v1.0/users/x/memberOf")
    assert verdict(checked)
    checked.service.unchecked.append("GET /v1.0/devices")
    with pytest.raises(AssertionError):
        verdict(checked)
