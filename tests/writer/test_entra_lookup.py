# SPDX-License-Identifier: LGPL-2.1-or-later
"""LOOKUP in a tenant: who is meant, who may reset, and what it costs: A3, E1, F44, G4, M1, W10."""

import re

import pytest

import faults
from cloud import contacts, good
from transport import Answer, Listener

OBJECT = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
JSON = {"Content-Type": "application/json"}


# -- whose name it is


@pytest.mark.parametrize("typed", ["MonicaT", "monicat", "MONICAT", "MonicaT@contoso.lab", "monicat@CONTOSO.LAB"])
def test_short_name_principal_name_any_case(lab, net, typed):
    good(net.lookup(typed), lab)


def test_principal_name_of_another_domain_of_the_tenant(lab, net):
    user = lab.tenant.add_user("olga@contoso.onmicrosoft.lab", "x")
    lab.tenant.add_member(lab.tenant.group("SSPRTesters"), user)
    good(net.lookup("olga@contoso.onmicrosoft.lab"), lab, "olga@contoso.onmicrosoft.lab")
    assert net.lookup("olga").said == ("refused", "no-account")


def test_template(lab):
    net = lab.net(template="%uT@contoso.lab")
    good(net.lookup("monica"), lab)
    good(net.lookup("MonicaT@contoso.lab"), lab)
    assert net.lookup("MonicaT").said == ("refused", "no-account")


def test_map_file(lab):
    path = f"{lab.folder}/map"
    net = lab.net(map_file=path)
    with open(path, "w") as f:
        f.write("# local name, then that of the tenant\n\nmt  MonicaT@contoso.lab\nnn\tninan@contoso.lab\n")
    good(net.lookup("mt"), lab)
    good(net.lookup("nn"), lab, "NinaN")
    good(net.lookup("MonicaT"), lab)
    assert net.lookup("m").said == ("refused", "no-account")


@pytest.mark.parametrize("line", ["mt", "mt MonicaT@contoso.lab more", "mt MonicaT", "mt @contoso.lab"])
def test_map_file_with_a_wrong_line(lab, line):
    path = f"{lab.folder}/map"
    net = lab.net(map_file=path)
    with open(path, "w") as f:
        f.write(f"ok ninan@contoso.lab\n{line}\n")
    assert net.lookup("mt").said == ("refused", "misconfigured")
    assert f"{path}:2:" in net.log() and lab.trips == 0


def test_map_file_that_is_not_there(lab):
    net = lab.net(map_file=f"{lab.folder}/nothing")
    assert net.lookup("mt").said == ("refused", "misconfigured")
    assert f"{lab.folder}/nothing: No such file" in net.log()
    good(net.lookup("MonicaT@contoso.lab"), lab)


@pytest.mark.parametrize("typed", [
    "MonicaT@fabrikam.lab", "@contoso.lab", "MonicaT@", "a@b@contoso.lab", "MonicaT@contoso.lab.", "MonicaT/../x@contoso.lab",
    "MonicaT%00@contoso.lab", "MonicaT?x=y", "$batch", "MonicaT ", "", "x" * 65, "x" * 120])
def test_names_of_nobody_are_not_even_asked_for(lab, net, typed):
    assert net.lookup(typed).said == ("refused", "no-account")
    assert not lab.service.requests


@pytest.mark.parametrize("typed", [b"Monica\xff", b"MonicaT\xc0\x80@contoso.lab", b"Monica\x1b[2JT", b"MonicaT@contoso.lab\n", "Mónica"])
def test_F44_names_that_are_no_text(lab, net, typed):
    assert net.lookup(typed).said == ("refused", "no-account")
    assert not lab.service.requests


def test_name_of_nobody_comes_back_as_the_principal_name(net):
    """So that all spellings of it count as one."""
    answer = net.lookup("nobody")
    assert answer.said == ("refused", "no-account")
    assert (answer.name, answer.object) == ("nobody@contoso.lab", "")


def test_directory_that_is_not_configured(lab, net):
    assert net.lookup("MonicaT", directory="fabrikam").said == ("refused", "misconfigured")
    assert not lab.service.requests


# -- who may


def test_nested_member(lab, net):
    good(net.lookup("NinaN"), lab, "NinaN")


def test_not_in_the_group(lab, net):
    assert net.lookup("LeeG").said == ("refused", "not-in-scope")
    good(net.lookup("LeeG", group=""), lab, "LeeG")


def test_group_by_id(lab, net):
    id = lab.tenant.group("SSPRTesters").id
    good(net.lookup("MonicaT", group=id), lab)
    good(net.lookup("MonicaT", group=id.upper()), lab)
    assert net.lookup("LeeG", group=id).said == ("refused", "not-in-scope")


def test_group_whose_name_needs_care(lab, net):
    name = "O'Hara & Sons/50% #1?"
    lab.tenant.add_group(name, [lab.tenant.user("LeeG")])
    good(net.lookup("LeeG", group=name), lab, "LeeG")
    assert net.lookup("MonicaT", group=name).said == ("refused", "not-in-scope")


@pytest.mark.parametrize("group", ["Nobody's group", "SSPRTesters' or displayName eq 'SSPR inner"])
def test_group_that_does_not_exist(net, group):
    answer = net.lookup("MonicaT", group=group)
    assert answer.said == ("refused", "misconfigured")
    assert f'"{group}" does not exist' in answer.detail


def test_group_id_that_does_not_exist(net):
    assert net.lookup("MonicaT", group="00000000-1111-2222-3333-444444444444").said == ("refused", "not-in-scope")


def test_group_name_that_is_ambiguous(lab, net):
    lab.tenant.add_group("SSPRTesters", [lab.tenant.user("MonicaT")])
    answer = net.lookup("MonicaT")
    assert answer.said == ("refused", "misconfigured")
    assert '"SSPRTesters" is more than one' in answer.detail


KINDS = {"guest_lab#EXT#@contoso.onmicrosoft.lab": "protected", "DianaD": "locked", "SamS": "synced", "FeliX@fed.lab": "federated",
         "AdaA": "protected", "PimP": "protected", "RolandR": "protected"}


@pytest.mark.parametrize("name", KINDS)
def test_A3_W10_who_is_never_reset(lab, net, name):
    user = lab.tenant.user(name)
    answer = net.lookup(name)
    assert answer.said == ("refused", KINDS[name])
    assert (answer.object, answer.name) == (user.id, user.userPrincipalName)
    assert net.lookup(user.userPrincipalName, object=user.id).said == ("refused", KINDS[name])
    assert net.lookup(name, group="").said == ("refused", KINDS[name])


def test_A3_guest_by_name_alone(lab, net):
    name = "guest_lab#EXT#@contoso.onmicrosoft.lab"
    lab.tenant.user(name).userType = "Member"
    assert net.lookup(name).said == ("refused", "protected")


def test_A3_guest_by_type_alone(lab, net):
    lab.tenant.user("MonicaT").userType = "Guest"
    assert net.lookup("MonicaT").said == ("refused", "protected")


@pytest.mark.parametrize("change", [{"accountEnabled": False}, {"onPremisesSyncEnabled": True}])
def test_A3_what_is_worse_is_told(lab, net, change):
    """A role, of somebody who is disabled or synced besides."""
    for name in ("AdaA", "PimP", "RolandR"):
        for key, value in change.items():
            setattr(lab.tenant.user(name), key, value)
        assert net.lookup(name).said == ("refused", "protected")


def test_A3_role_of_a_unit(lab, net):
    unit = lab.tenant.add_unit("Sales", [lab.tenant.user("LeeG")])
    lab.tenant.assign_role(lab.tenant.user("MonicaT"), "Helpdesk Administrator", f"/administrativeUnits/{unit}")
    assert net.lookup("MonicaT").said == ("refused", "protected")


def test_A3_role_assignable_group_through_a_nested_one(lab, net):
    outer = lab.tenant.add_group("Operators", isAssignableToRole=True)
    lab.tenant.add_member(outer, lab.tenant.add_group("Operators inside", [lab.tenant.user("MonicaT")]))
    assert net.lookup("MonicaT").said == ("refused", "protected")


def test_A3_tenant_without_the_licence_for_eligible_roles(lab, net):
    lab.tenant.settings.licence = "P1"
    good(net.lookup("MonicaT"), lab)
    assert net.lookup("AdaA").said == ("refused", "protected")


def test_A3_eligibility_that_is_refused_otherwise_is_no_licence(lab, net):
    """Only the code that says so lets a list that was not given count as empty."""
    body = {"error": {"code": "BadRequest", "message": "AadPremiumLicenseRequired"}}
    lab.service.fault("GET", "roleEligibility", faults.status(400, body=body))
    assert net.lookup("MonicaT").said == ("refused", "broken")


# -- what it costs


def questions(lab):
    """What was asked for, in the order of trips, without the ids and names in it."""
    paths = [r.path for r in lab.service.find(host="graph")]
    return sorted(OBJECT.sub("ID", re.sub(r"/users/[^/?]+", "/users/ID", re.sub(r"/domains/[^/?]+", "/domains/ID", p))) for p in paths)


@pytest.mark.parametrize("name", ["nobody", "LeeG", *KINDS])
def test_E1_every_name_costs_the_same(lab, net, name):
    net.lookup("MonicaT")
    assert lab.trips == 2
    usual = questions(lab)
    lab.service.clear()
    net.lookup(name)
    assert lab.trips == 2 and questions(lab) == usual


def test_one_round_trip_by_object_with_the_group_by_its_id(lab, net):
    user = lab.tenant.user("MonicaT")
    answer = net.lookup(user.userPrincipalName, object=user.id, group=lab.tenant.group("SSPRTesters").id)
    good(answer, lab)
    assert lab.trips == 1


def test_two_round_trips_by_object_with_the_group_by_its_name(lab, net):
    user = lab.tenant.user("MonicaT")
    good(net.lookup(user.userPrincipalName, object=user.id), lab)
    assert lab.trips == 2


def test_by_object_who_was_renamed_is_found(lab, net):
    user = lab.tenant.user("MonicaT")
    lab.tenant.rename(user, "MonicaS@contoso.lab")
    good(net.lookup("MonicaT@contoso.lab", object=user.id), lab, "MonicaS")


def test_every_request_carries_an_id_and_nothing_of_ours(lab, net):
    net.forget_token()
    net.lookup("MonicaT")
    ids = [r.headers.get("client-request-id", "") for r in lab.service.requests if not r.within]
    assert len(ids) == 3 == len(set(ids)) and all(OBJECT.fullmatch(id) for id in ids)
    assert not any("sspr" in value.lower() for r in lab.service.requests for value in r.headers.values())


# -- contacts and mirror


def test_M1_contacts_none(lab):
    net = lab.net(contacts="none")
    assert contacts(good(net.lookup("MonicaT"), lab)) == ("", "", "")
    assert lab.count("/authentication/") == 0


def test_M1_contacts_registered(lab, net):
    monica = lab.tenant.user("MonicaT")
    monica.phones["office"] = "+1 4255550102"
    assert contacts(good(net.lookup("MonicaT"), lab)) == ("monica@lab", "+1 4255550101", "+1 4255550102")
    monica.phones["office"] = "+1 4255550102x77"
    assert contacts(good(net.lookup("MonicaT"), lab))[2] == "", "an extension is not dialled, and the line without it is everybody's"
    monica.email, monica.phones = None, None
    assert contacts(good(net.lookup("MonicaT"), lab)) == ("", "", ""), "what others may set in the profile does not count"


def test_M1_contacts_of_the_profile(lab):
    net, monica = lab.net(contacts="profile"), lab.tenant.user("MonicaT")
    monica.otherMails, monica.mobilePhone, monica.businessPhones = ["profile@lab"], "+1 4255550103", ["+1 4255550104"]
    assert contacts(good(net.lookup("MonicaT"), lab)) == ("monica@lab", "+1 4255550101", "+1 4255550104")
    monica.email, monica.phones = None, None
    assert contacts(good(net.lookup("MonicaT"), lab)) == ("profile@lab", "+1 4255550103", "+1 4255550104")


@pytest.mark.parametrize("wrapped", [False, True])
def test_mirror(lab, wrapped):
    net = lab.net(mirror="yes")
    lab.tenant.settings.wrapped_registration = wrapped
    good(net.lookup("MonicaT"), lab)
    lab.tenant.user("MonicaT").email = lab.tenant.user("MonicaT").phones = None
    assert net.lookup("MonicaT").said == ("refused", "not-capable")


def test_mirror_without_its_licence(lab):
    lab.tenant.settings.licence = "free"
    lab.service.fault("GET", "roleEligibility", faults.answer(200, '{"value":[]}', JSON))
    assert lab.net(mirror="yes").lookup("MonicaT").said[0] == "refused"


def test_mirror_is_throttled_too(lab):
    net = lab.net(mirror="yes")
    lab.service.fault("GET", "userRegistrationDetails", faults.status(429, retry_after=10))
    assert net.lookup("MonicaT").said == ("refused", "busy")


# -- lists that go on


def test_A3_role_behind_empty_pages(lab, net):
    lab.tenant.settings.empty_pages = 3
    good(net.lookup("MonicaT"), lab)
    assert net.lookup("AdaA").said == ("refused", "protected")
    assert net.lookup("PimP").said == ("refused", "protected")
    assert net.lookup("RolandR").said == ("refused", "protected")


def test_lists_that_never_end(lab, net):
    lab.tenant.settings.empty_pages = 1000
    for group in ("SSPRTesters", lab.tenant.group("SSPRTesters").id):
        lab.service.clear()
        assert net.lookup("MonicaT", group=group).said == ("refused", "broken")
        assert lab.trips < 50


def test_group_that_has_its_namesake_on_another_page(lab, net):
    lab.tenant.add_group("SSPRTesters", [lab.tenant.user("LeeG")])
    lab.tenant.settings.page_size = 1
    assert net.lookup("MonicaT").said[0] == net.lookup("LeeG").said[0] == "refused"


@pytest.mark.parametrize("beginning", [
    "https://login.lab:{login}", "http://graph.lab:{graph}", "https://graph.lab:{graph}@login.lab:{login}", "https://graph.lab:{graph}0",
    "https://graph.lab:{graph}.login.lab:{login}", "https://graph.lab", "//graph.lab:{graph}", "", "https://login.lab:{login}#",
    "https://graph.lab:{graph}/v1.0/../..", "https://graph.lab:{graph}/beta"])
def test_link_to_another_place_is_not_followed(lab, net, beginning):
    ports = {name: port for name, (_, port) in lab.service.hosts.items()}
    lab.tenant.settings.empty_pages = 1
    lab.tenant.settings.next_link = beginning.format(**ports) or "/"
    net.lookup("nobody")  # that the token is there
    lab.service.clear()
    answer = net.lookup("MonicaT")
    assert answer.said[0] == "refused", answer
    assert lab.count(host="login") == 0 and lab.count(r"skiptoken", host="graph") == 0


def test_link_to_another_port_of_the_host_is_not_followed(lab, net):
    asked = []
    elsewhere = Listener(0, lambda *a: asked.append(a) or Answer(404), lab.service._context("graph"))
    lab.tenant.settings.empty_pages = 1
    lab.tenant.settings.next_link = f"https://graph.lab:{elsewhere.port}"
    assert net.lookup("MonicaT").said == ("refused", "broken")
    assert not asked and elsewhere.connections == 0
    elsewhere.stop()


# -- permissions


NEEDED = ["User.Read.All", "GroupMember.Read.All", "RoleManagement.Read.Directory", "Domain.Read.All", "AuditLog.Read.All"]


@pytest.mark.parametrize("field_errors", [False, True])
@pytest.mark.parametrize("permission", NEEDED)
def test_permission_that_is_missing_is_named(lab, permission, field_errors):
    net = lab.net(mirror="yes")
    lab.app.withdraw(permission)
    lab.tenant.settings.field_errors = field_errors
    net.forget_token()
    answer = net.lookup("MonicaT")
    net.forget_token()
    assert answer.said == ("refused", "misconfigured")
    assert answer.detail.startswith(f"needs {permission}: ") and " 403 " in answer.detail and "request-id" in answer.detail


@pytest.mark.parametrize("field_errors", [False, True])
def test_contacts_that_must_not_be_read_are_none(lab, net, field_errors):
    lab.app.withdraw("UserAuthenticationMethod.Read.All")
    lab.tenant.settings.field_errors = field_errors
    net.forget_token()
    answer = net.lookup("MonicaT")
    net.forget_token()
    assert contacts(good(answer, lab)) == ("", "", "")
    assert "needs UserAuthenticationMethod.Read.All" in net.log()


def test_G4_no_more_is_asked_for_than_is_needed(lab, net):
    """What the sample application has is what is needed, and it is enough."""
    net.forget_token()
    good(net.lookup("MonicaT"), lab)
    assert not lab.service.find(status=403)
