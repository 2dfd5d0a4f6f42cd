# SPDX-License-Identifier: LGPL-2.1-or-later
"""CHECK: what an administrator is told about a directory, and about one user of it: A3, G4, W10."""

import pytest

import faults
from certificates import make_application_certificate
from cloud import lines
from tenant import PERMISSIONS

WRITE = "User-PasswordProfile.ReadWrite.All"
MAIL = "[mail]\ndirectory = contoso\nfrom = sspr@contoso.lab\n"
EVERYTHING = {"mirror": "yes", "more": MAIL}


class Report:
    def __init__(self, answer):
        assert answer.said == ("done", "none")
        self.text = answer.report
        self.lines = lines(answer.report)
        assert all(len(line) == 3 and line[0] in ("ok", "warn", "fail") and line[1] and line[2] for line in self.lines), answer.report

    def of(self, level, what=None):
        return [text for l, w, text in self.lines if l == level and what in (None, w)]

    @property
    def fails(self):
        return self.of("fail")


def check(net, name="", **k):
    net.forget_token()
    report = Report(net.check(name, **k))
    net.forget_token()
    return report


@pytest.fixture
def net(lab):
    return lab.net(**EVERYTHING)


def test_all_is_well(lab, net):
    report = check(net, "MonicaT")
    monica = lab.tenant.user("MonicaT")
    assert report.fails == []
    [configuration] = report.of("ok", "configuration")
    assert lab.tenant.id in configuration and lab.app.appId in configuration and "login.lab" in configuration
    assert report.of("ok", "sspr-contoso-certificate") or any("sspr-contoso-certificate" in w for _, w, _ in report.lines)
    assert report.of("ok", "token") and report.of("ok", "group") == ["SSPRTesters is there"]
    named = [text.split(",")[0] for text in report.of("ok", "permission")]
    assert sorted(named) == sorted(set(PERMISSIONS) - {WRITE})
    [wide] = report.of("warn")
    assert WRITE in wide and "administrative unit" in wide
    assert "sspr@contoso.lab" in report.of("ok", "mail")[0]
    first, second = report.of("ok", "user")
    assert first == f"{monica.userPrincipalName} ({monica.id}) may reset the password"
    assert "mail yes, mobile phone yes, office phone no" in second
    assert lab.patches == 0 and not lab.tenant.sent and not lab.tenant.revoked
    assert not any(text in report.text for text in lab.secrets()) and "eyJ" not in report.text


def test_nothing_about_a_user_where_none_is_named(lab, net):
    report = check(net)
    assert not any(what == "user" for _, what, _ in report.lines) and lab.count("/users/", within=True) == 0


# -- permissions


@pytest.mark.parametrize("permission", sorted(set(PERMISSIONS) - {WRITE}))
def test_permission_that_is_missing(lab, net, permission):
    lab.app.withdraw(permission)
    [text] = check(net).of("fail", "permission")
    assert text.startswith(f"{permission} is missing, to ")


def test_permission_to_write_is_missing(lab, net):
    lab.app.withdraw(WRITE)
    [text] = check(net).fails
    assert text.startswith(f"{WRITE} is missing")


def test_every_permission_is_missing(lab, net):
    lab.app.withdraw(*PERMISSIONS)
    report = check(net, "MonicaT")
    assert all(any(permission in text for text in report.fails) for permission in PERMISSIONS)
    assert not report.of("ok", "permission") and not report.of("ok", "user")


def test_permissions_that_are_not_needed_are_not_asked_for(lab):
    net = lab.net(contacts="none", revoke_sessions="no")
    lab.app.withdraw("UserAuthenticationMethod.Read.All", "User.RevokeSessions.All", "AuditLog.Read.All", "Mail.Send")
    report = check(net)
    assert report.fails == [] and any("revoke-sessions = no" in text for text in report.of("warn", "configuration"))


@pytest.mark.parametrize("permission", [
    "Directory.ReadWrite.All", "User.ReadWrite.All", "Group.ReadWrite.All", "GroupMember.ReadWrite.All", "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All", "RoleManagement.ReadWrite.Directory", "UserAuthenticationMethod.ReadWrite.All", "Mail.ReadWrite"])
def test_G4_permission_that_is_too_wide(lab, net, permission):
    lab.app.grant(permission)
    report = check(net)
    assert any(text.startswith(permission.rpartition(".Directory")[0] or permission) and "more than is needed" in text
               for text in report.of("warn", "permission"))
    assert not any("more than is needed" in text for text in check_without(lab, net, permission).of("warn", "permission"))


def check_without(lab, net, permission):
    lab.app.withdraw(permission)
    return check(net)


def test_permissions_whose_names_begin_alike_are_told_apart(lab, net):
    lab.app.withdraw("User.Read.All", "Mail.Send")
    lab.app.grant("User.Read.All.Shared", "XUser.Read.All", "Mail.Send.Shared", "User.ReadBasic.All")
    assert sorted(text.split(" ")[0] for text in check(net).fails) == ["Mail.Send", "User.Read.All"]


def test_more_permissions_than_fit(lab, net):
    """None is told to be missing that is behind what was read."""
    lab.app.roles[:0] = [f"Something.Unheard{n:03}.Of.ReadWrite.All" for n in range(70)]
    report = check(net)
    assert not any("is missing" in text for text in report.fails), report.text


def test_F44_permission_with_control_characters(lab, net):
    lab.app.grant("\x1b[31m\nfail\tx\ty", "Directory.ReadWrite.All")
    report = check(net)
    assert report.fails == [] and report.of("warn", "permission")


# -- a role in place of the permission to write


def limited(lab, *members):
    lab.app.withdraw(WRITE)
    unit = lab.tenant.add_unit("Sales", [lab.tenant.user(name) for name in members])
    lab.tenant.assign_role(lab.app, "User Administrator", f"/administrativeUnits/{unit}")


def test_role_limited_to_a_unit(lab, net):
    limited(lab, "MonicaT")
    report = check(net, "MonicaT")
    assert report.fails == [] and report.of("warn") == []
    assert "a role limited to an administrative unit, to set passwords" in report.of("ok", "permission")
    assert any("is in an administrative unit" in text for text in report.of("ok", "user"))


def test_user_outside_of_the_unit(lab, net):
    limited(lab, "MonicaT")
    [text] = check(net, "NinaN").fails
    assert "is in no administrative unit" in text


def test_G4_role_for_the_whole_tenant(lab, net):
    lab.app.withdraw(WRITE)
    lab.tenant.assign_role(lab.app, "User Administrator")
    report = check(net, "MonicaT")
    assert report.fails == []
    assert any("reaches the whole tenant" in text for text in report.of("warn", "permission"))


@pytest.mark.parametrize("scope", ["/", "unit"])
def test_role_that_sets_no_passwords_is_none(lab, net, scope):
    lab.app.withdraw(WRITE)
    scope = scope if scope == "/" else f"/administrativeUnits/{lab.tenant.add_unit('Sales', [lab.tenant.user('MonicaT')])}"
    lab.tenant.assign_role(lab.app, "Directory Readers", scope)
    assert any(text.startswith(f"{WRITE} is missing") for text in check(net, "MonicaT").fails)


# -- credentials and token


@pytest.fixture(scope="module")
def one_own(one_lab):
    return one_lab.start()


@pytest.fixture
def own(lab, one_own):
    """One whose credentials change."""
    one_own.hand_over(certificate=lab.certificate)
    return one_own


def test_no_credential(lab, own):
    own.hand_over()
    report = check(own, "MonicaT")
    assert len(report.fails) == 1 and "there is no credential sspr-contoso-certificate" in report.of("fail", "token")[0]
    assert not lab.service.requests


@pytest.mark.parametrize("given,level,text", [
    ({"certificate": dict(days=10)}, "warn", "good until"), ({"certificate": dict(days=-1, first=-9)}, "fail", "expired on"),
    ({"certificate": dict(bits=1024)}, "fail", "must be PEM"), ({"certificate": "garbage"}, "fail", "must be PEM"),
    ({"certificate_next": dict(days=100)}, "ok", "good until"), ({"secret_next": "x"}, "warn", "a certificate is safer"),
    ({"certificate": dict(first=2)}, "fail", "not valid before")])
def test_credential(lab, own, given, level, text):
    [(part, how)] = given.items()
    what = how if isinstance(how, str) else "".join(p.decode() for p in make_application_certificate(**how))
    own.hand_over(secret=lab.app.secret, **given | {part: what})
    name = f"sspr-contoso-{part.replace('_', '-')}"
    assert any(l == level and text in t for l, w, t in check(own).lines if name in (w, t.split(" ")[0]) or name in t), own.check().report


def test_token_that_is_refused(lab, own):
    lab.app.enabled = False
    report = check(own, "MonicaT")
    assert ["AADSTS7000112" in text for text in report.of("fail", "token")] == [True]
    assert not any(what in ("permission", "group", "user") for _, what, _ in report.lines)


def test_token_that_tells_nothing(lab, own):
    lab.service.fault("POST", "/token", faults.lying_token(access_token="opaque"), host="login", times=9)
    report = check(own)
    assert report.fails and not report.of("ok", "permission")


# -- group, map file, scope


def test_group(lab, net):
    id = lab.tenant.group("SSPRTesters").id
    assert check(net, group=id).of("ok", "group") == [f"{id} is there"]
    assert "does not exist" in check(net, group="Nobody's").of("fail", "group")[0]
    assert "does not exist" in check(net, group="11111111-2222-3333-4444-555555555555").of("fail", "group")[0]
    lab.tenant.add_group("SSPRTesters")
    assert "more than one" in check(net).of("fail", "group")[0]
    lab.service.fault("GET", "/groups", faults.status(500))
    assert "cannot be read" in check(net).of("fail", "group")[0]


@pytest.mark.parametrize("enabled,group,user", [("all", "every user", "ok"), ("none", "nobody", "fail")])
def test_no_group(lab, enabled, group, user):
    report = check(lab.net(properties={"enabled": enabled}), "MonicaT", group="")
    assert group in report.of("warn", "group")[0] and report.of(user, "user")


def test_map_file(lab):
    path = f"{lab.folder}/check-map"
    net = lab.net(map_file=path)
    assert "No such file" in check(net).of("fail", "configuration")[0]
    with open(path, "w") as f:
        f.write("mt MonicaT@contoso.lab\nbad\n")
    assert "wrong line" in check(net).of("fail", "configuration")[0]
    with open(path, "w") as f:
        f.write("mt MonicaT@contoso.lab\n")
    report = check(net, "mt")
    assert report.fails == [] and "MonicaT@contoso.lab" in report.of("ok", "user")[0]


# -- a user


USERS = {"guest_lab#EXT#@contoso.onmicrosoft.lab": "a guest", "DianaD": "is disabled", "SamS": "SSPR_0010", "FeliX@fed.lab": "federated",
         "AdaA": "is privileged", "PimP": "is privileged", "RolandR": "is privileged", "LeeG": "is not in the group",
         "nobody": "is nobody there", "MonicaT@elsewhere.lab": "is nobody there"}


@pytest.mark.parametrize("name", USERS)
def test_A3_W10_user_who_is_not_reset(lab, net, name):
    [text] = check(net, name).of("fail", "user")
    assert USERS[name] in text and name.split("@")[0] in text
    assert not check(net, name).of("ok", "user")


def test_user_who_is_not_capable(lab, net):
    lab.tenant.user("MonicaT").email = lab.tenant.user("MonicaT").phones = None
    assert "not capable" in check(net, "MonicaT").of("fail", "user")[0]


def test_user_whom_another_directory_may_know(lab):
    second = lab.fabrikam()
    net = lab.start(directories={"contoso": lab.directory(), "fabrikam": lab.directory(second)})
    assert check(net, "nobody").of("warn", "user") and not check(net, "nobody").of("fail", "user")


@pytest.mark.parametrize("act", [faults.status(500), faults.portal(), faults.cut("before"), faults.wrong_json([]), faults.huge()])
def test_graph_that_is_not_well(lab, net, act):
    lab.service.fault(None, "", act, host="graph", times=99)
    report = check(net, "MonicaT")
    assert report.of("fail", "user") and report.of("fail", "group") and not report.of("ok", "user")


@pytest.mark.parametrize("name", [b"Monica\xff", "Monica\x1b[31mT", "Monica\nfail\tx\ty", "M" * 120])
def test_F44_name_that_is_no_text(net, name):
    assert check(net, name).of("fail", "user")
