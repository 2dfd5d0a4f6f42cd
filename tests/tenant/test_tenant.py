# SPDX-License-Identifier: LGPL-2.1-or-later
"""The stand-in refuses what Microsoft refuses, and gives what Microsoft's pages say; asked with plain http.client."""

import base64
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import uuid
import warnings
from urllib.parse import quote, urlencode, urlsplit

import faults
import graph
import passwords
import pytest
import tokens
from certificates import make_application_certificate
from service import Service
from tenant import EMAIL, OLD, PASSWORD, PHONES, Tenant, add_crowd, add_sample_application, load, sample, save
from transport import Answer, Listener

NEW = "Spring-remembered-58"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TYPED = {"Content-Type": "application/json"}
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
NOT_COMPLEX = "The specified password does not comply with password complexity requirements. Please provide a different password."


class Connection(http.client.HTTPSConnection):
    """To a host of the stand-in, by its name, without a resolver."""

    def __init__(self, service, name, timeout=10, context=None):
        self.name, port = service.hosts[name]
        context = context or ssl.create_default_context(cafile=service.ca)
        super().__init__("127.0.0.1", port, timeout=timeout, context=context)

    def connect(self):
        plain = socket.create_connection((self.host, self.port), self.timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.name)


class Got:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json()["error"]["code"]

    @property
    def number(self):
        return self.json()["error_codes"][0]


class Client:
    def __init__(self, service):
        self.service, self.token, self.connections = service, None, {}

    def ask(self, name, method, path, body=None, headers=None, fresh=False):
        connection = self.connections.pop(name, None) if not fresh else None
        connection = connection or Connection(self.service, name)
        connection.request(method, path, body, headers or {})
        got = Got(connection.getresponse())
        self.connections[name] = connection
        return got

    def login(self, path, form, headers=None, tenant=None, method="POST"):
        return self.ask("login", method, f"/{tenant or self.service.tenant.id}/oauth2/v2.0/{path}", urlencode(form),
                        {**FORM, **(headers or {})})

    def credentials(self, **change):
        app = self.service.tenant.application
        form = {"client_id": app.appId, "scope": f"{self.service.graph_url}/.default", "client_secret": app.secret,
                "grant_type": "client_credentials", **change}
        return {key: value for key, value in form.items() if value is not None}

    def take_token(self, **change):
        self.token = self.login("token", self.credentials(**change)).json()["access_token"]
        return self.token

    def graph(self, method, path, body=None, headers=None, token=None):
        headers = {"Authorization": f"Bearer {token or self.token or self.take_token()}", **(headers or {})}
        if body is not None and not isinstance(body, (bytes, str)):
            body, headers = json.dumps(body), {**TYPED, **headers}
        return self.ask("graph", method, "/v1.0" + path, body, headers)

    def get(self, path, **headers):
        return self.graph("GET", path, headers=headers)

    def write(self, user, password=NEW, **profile):
        return self.graph("PATCH", f"/users/{quote(user)}",
                          {"passwordProfile": {"password": password, "forceChangePasswordNextSignIn": False, **profile}})

    def password(self, upn, password, **change):
        form = {"grant_type": "password", "client_id": self.service.tenant.application.appId, "scope": "openid profile",
                "username": upn, "password": password, **change}
        return self.login("token", form)

    def batch(self, *items, **options):
        return self.graph("POST", "/$batch", {"requests": list(items)}, **options)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tenant")


@pytest.fixture(scope="session")
def pair():
    """Certificate and key of an application, made once."""
    return [pem.decode() for pem in make_application_certificate()]


@pytest.fixture
def service(folder, pair):
    tenant = sample(certificate=False)
    tenant.application.certificate_pem, tenant.application.key_pem = pair
    tenant.application.add_certificate(pair[0])
    with Service(folder, [tenant], ("login.lab", 0), ("graph.lab", 0)) as service:
        yield service
    assert not service.errors, service.errors[0]


@pytest.fixture
def tenant(service):
    return service.tenant


@pytest.fixture
def client(service):
    return Client(service)


@pytest.fixture
def app(tenant):
    return tenant.application


def claims_of(token):
    return tokens.split(token)[1]


# -- passwords


@pytest.mark.parametrize("password, good", [
    ("Spring-remembered-58", True), ("Sho-rt1", False), ("x" * 12, False), ("lowerandUPPER", False), ("lower4ndUPPER", True),
    ("lower and 4 more", False), ("lower-and-4-more", True), ("Šumava-krásná-58", False), ("Tab\there-12345", False),
    ("Aa1" * 85 + "x", True), ("Aa1" * 86, False), ("Monica-forever-1", False), ("M0niC@-forever-1", False), ("C0ntoso-Is-Long-91", False),
    ("P@ssw0rd", False), ("P@ssw0rd1", False), ("P@ssw0rd12", False), ("P@ssw0rd1zx!", True), ("Qwerty-1", False),
])
def test_rules_of_passwords(tenant, password, good):
    assert tenant.accepts(tenant.user("MonicaT"), password) is good


@pytest.mark.parametrize("password, points", [("C0ntos0Blank12", 4), ("ContoS0Bl@nkf9!", 5)])
def test_score_as_the_page_counts(password, points):
    normalised = passwords.normalise(password)
    assert passwords.score(normalised, {"contoso", "blank"}) == points
    assert passwords.is_banned(password, custom=["Contoso", "Blank"]) is (points < 5)


@pytest.mark.parametrize("password, hit", [("abcdeg", True), ("abcdefg", True), ("abcde", True), ("abcdef", True), ("abcxyz", False)])
def test_fuzzy_as_the_page_says(password, hit):
    assert passwords.within_one_edit(password, "abcdef") is hit


def test_names_reject_outright(tenant):
    poll = tenant.add_user("Poll", givenName="Poll", surname="Li")
    assert not tenant.accepts(poll, "p0LL23fb-And-More-1")
    assert tenant.accepts(poll, "Li-is-too-short-1")


def test_banned_list_and_weak_policy(tenant):
    user = tenant.user("LeeG")
    assert tenant.accepts(user, "Fabrikam-9z")
    tenant.settings.banned.append("fabrikam")
    assert not tenant.accepts(user, "Fabrikam-9z") and tenant.accepts(user, "Fabrikam-9zxy")
    assert not tenant.accepts(user, "allsmallletters")
    user.passwordPolicies = "DisableStrongPassword"
    assert tenant.accepts(user, "allsmallletters")


# -- tokens of applications


def test_secret(service, client, tenant, app):
    got = client.login("token", client.credentials(), {"client-request-id": "7f1e2a0c-1111-4222-8333-444455556666"})
    body = got.json()
    assert got.status == 200 and body["token_type"] == "Bearer" and body["expires_in"] == body["ext_expires_in"] == 3599
    assert "refresh_token" not in body and 1500 < len(body["access_token"]) < 2300
    assert got.headers["x-ms-request-id"] and got.headers["client-request-id"] == "7f1e2a0c-1111-4222-8333-444455556666"
    claims = claims_of(body["access_token"])
    assert claims["aud"] == service.graph_url and claims["tid"] == tenant.id and claims["appid"] == app.appId
    assert claims["oid"] == app.id and claims["roles"] == app.roles and claims["idtyp"] == "app"


def test_secret_by_basic(client, app):
    basic = base64.b64encode(f"{app.appId}:{quote(app.secret, safe='')}".encode()).decode()
    assert client.login("token", client.credentials(client_secret=None), {"Authorization": f"Basic {basic}"}).status == 200


@pytest.mark.parametrize("change, status, error, number", [
    ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
    ({"client_secret": None}, 401, "invalid_client", 7000218),
    ({"client_id": str(uuid.uuid4())}, 400, "unauthorized_client", 700016),
    ({"client_id": None}, 400, "invalid_request", 900144),
    ({"scope": None}, 400, "invalid_request", 900144),
    ({"scope": "User.Read"}, 400, "invalid_scope", 1002012),
    ({"scope": "https://graph.microsoft.com/.default"}, 400, "invalid_resource", 500011),
    ({"grant_type": None}, 400, "invalid_request", 900144),
    ({"grant_type": "magic"}, 400, "unsupported_grant_type", 70003),
])
def test_token_refusals(client, change, status, error, number):
    got = client.login("token", client.credentials(**change))
    body = got.json()
    assert (got.status, body["error"], body["error_codes"]) == (status, error, [number])
    assert re.fullmatch(rf"AADSTS{number}: .* Trace ID: {body['trace_id']} Correlation ID: {body['correlation_id']} "
                        rf"Timestamp: {body['timestamp']}", body["error_description"])
    assert body["error_uri"].endswith(f"/error?code={number}")
    assert body["timestamp"] and got.headers["Content-Type"] == "application/json; charset=utf-8"


def test_tenants_that_do_not_fit(client):
    def number(tenant):
        return client.login("token", client.credentials(), tenant=tenant).number

    assert number(str(uuid.uuid4())) == 90002 and number("nobody.lab") == 90002 and number("nonsense") == 900023
    assert number("common") == 50059
    assert client.login("token", client.credentials(), tenant="contoso.onmicrosoft.lab").status == 200


def test_expired_secret_disabled_app_wrong_method_and_type(client, app):
    app.secrets = [[app.secret, time.time() - 1]]
    assert client.login("token", client.credentials()).number == 7000222
    app.enabled = False
    assert client.login("token", client.credentials()).number == 7000112
    assert client.login("token", {}, method="GET").number == 900561
    assert client.login("token", client.credentials(), {"Content-Type": "application/json"}).number == 900144
    twice = urlencode(client.credentials()) + "&scope=x"
    assert client.ask("login", "POST", f"/{client.service.tenant.id}/oauth2/v2.0/token", twice, FORM).number == 9002313


def assertion_form(service, claims=None, alg="PS256", pair=None, **header):
    app, tenant = service.tenant.application, service.tenant
    now = int(time.time())
    whole = {"aud": f"{service.login_url}/{tenant.id}/oauth2/v2.0/token", "iss": app.appId, "sub": app.appId, "jti": str(uuid.uuid4()),
             "nbf": now, "iat": now, "exp": now + 600, **(claims or {})}
    certificate, key = pair or (app.certificate_pem, app.key_pem)
    return {"client_secret": None, "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": tokens.make_assertion(certificate, key, {k: v for k, v in whole.items() if v is not None}, alg, **header)}


def test_certificate(service, client, tenant):
    assert client.login("token", client.credentials(**assertion_form(service))).status == 200
    noted = [entry for entry in tenant.audit if entry["what"] == "assertion"]
    assert noted[-1]["header"]["alg"] == "PS256"
    form = assertion_form(service, {"aud": f"{service.login_url}/contoso.lab/oauth2/v2.0/token"})
    assert claims_of(client.login("token", client.credentials(**form)).json()["access_token"])["appidacr"] == "2"


@pytest.mark.parametrize("claims, number", [
    ({"aud": "https://login.microsoftonline.com/x/oauth2/v2.0/token"}, 700023), ({"iss": "x"}, 50048), ({"iss": "x", "sub": "x"}, 700021),
    ({"exp": 1000}, 700024), ({"nbf": 4000000000}, 700024), ({"exp": None}, 50027), ({"jti": None}, 50027),
])
def test_assertions_with_other_claims(service, client, claims, number):
    got = client.login("token", client.credentials(**assertion_form(service, claims)))
    assert (got.status, got.json()["error"], got.number) == (401, "invalid_client", number)


def test_assertions_badly_signed(service, client, app, pair):
    def number(**k):
        return client.login("token", client.credentials(**assertion_form(service, **k))).number

    stranger = [pem.decode() for pem in make_application_certificate("stranger")]
    assert number(pair=stranger) == 700027
    assert number(pair=(pair[0], stranger[1])) == 700027
    assert number(alg="HS256") == 50012
    assert number(**{"x5t#S256": None}) == 50027
    sha1 = tokens.thumbprints(tokens.x509.load_pem_x509_certificate(pair[0].encode()))[1]
    form = assertion_form(service, alg="RS256", **{"x5t#S256": None, "x5t": sha1})
    assert client.login("token", client.credentials(**form)).status == 200
    expired = [pem.decode() for pem in make_application_certificate(days=-1, first=-10)]
    app.add_certificate(expired[0])
    assert number(pair=expired) == 700027
    form = {**assertion_form(service), "client_assertion": "a.b"}
    assert client.login("token", client.credentials(**form)).number == 50027


# -- tokens at Graph


def unauthenticated(got):
    assert (got.status, got.code) == (401, "InvalidAuthenticationToken")
    assert got.headers["WWW-Authenticate"].startswith('Bearer realm="", authorization_uri="https://login.lab:')
    return True


def test_tokens_that_are_not_taken(service, client, tenant):
    token = client.take_token()
    path = "/users/MonicaT@contoso.lab"
    assert client.get(path).status == 200
    assert unauthenticated(client.ask("graph", "GET", "/v1.0" + path))
    assert unauthenticated(client.graph("GET", path, token="nonsense"))
    assert unauthenticated(client.graph("GET", path, token=token[:-8] + "AAAAAAAA"))
    for change in ({"aud": "https://graph.microsoft.com"}, {"tid": str(uuid.uuid4())}, {"exp": int(time.time()) - 1},
                   {"iss": "https://sts.windows.net/other/"}):
        assert unauthenticated(client.graph("GET", path, token=service.signer.sign({**claims_of(token), **change})))
    service.revoke_tokens()
    got = client.get(path)
    assert unauthenticated(got) and "insufficient_claims" in got.headers["WWW-Authenticate"]
    client.take_token()
    assert client.get(path).status == 200


def test_lifetime_is_settable(client, tenant):
    tenant.settings.token_lifetime = 1
    assert client.login("token", client.credentials()).json()["expires_in"] == 1
    client.take_token()
    time.sleep(1.1)
    assert unauthenticated(client.get("/domains/contoso.lab"))


def test_two_tenants(folder, pair):
    first, second = sample(certificate=False), sample("Fabrikam", "fabrikam.lab", certificate=False)
    with Service(folder, [first, second], ("login.lab", 0), ("graph.lab", 0)) as service:
        client = Client(service)
        form = client.credentials(client_id=second.application.appId, client_secret=second.application.secret)
        token = client.login("token", form, tenant="fabrikam.lab").json()["access_token"]
        assert client.graph("GET", "/users/MonicaT@fabrikam.lab", token=token).status == 200
        assert client.graph("GET", "/users/MonicaT@contoso.lab", token=token).status == 404
        assert client.login("token", form, tenant=first.id).number == 700016
        assert first.id != second.id and service.find(host="graph")[0].tenant is second


# -- users


def test_user_and_select(client, tenant):
    user = tenant.user("MonicaT")
    got = client.get(f"/users/{user.id}")
    assert got.status == 200
    assert set(got.json()) == {"@odata.context", "businessPhones", "displayName", "givenName", "id", "jobTitle", "mail", "mobilePhone",
                               "officeLocation", "preferredLanguage", "surname", "userPrincipalName"}
    assert got.headers["Content-Type"].startswith("application/json;odata.metadata=minimal;")
    assert got.headers["request-id"] and got.headers["x-ms-ags-diagnostic"] and got.headers["Date"]
    got = client.get("/users/monicat@CONTOSO.lab?$select=id,accountEnabled,userType,onPremisesSyncEnabled,lastPasswordChangeDateTime")
    assert got.json() == {"@odata.context": got.json()["@odata.context"], "id": user.id, "accountEnabled": True, "userType": "Member",
                          "onPremisesSyncEnabled": None, "lastPasswordChangeDateTime": user.lastPasswordChangeDateTime}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", got.json()["lastPasswordChangeDateTime"])


def test_users_that_cannot_be_had(client, app):
    got = client.graph("GET", "/users/nobody@contoso.lab", headers={"client-request-id": "mine"})
    assert (got.status, got.code) == (404, "Request_ResourceNotFound")
    inner = got.json()["error"]["innerError"]
    assert set(inner) == {"date", "request-id", "client-request-id"} and inner["client-request-id"] == "mine"
    assert inner["request-id"] == got.headers["request-id"] and got.headers["client-request-id"] == "mine"
    assert client.get(f"/users/{uuid.uuid4()}").status == 404
    assert client.get("/users/MonicaT@contoso.lab?$select=id,unknown").status == 400
    assert client.get("/users/guest_lab%23EXT%23@contoso.onmicrosoft.lab").json()["displayName"] == "Grady Guest"
    assert client.get("/users/guest_lab#EXT#@contoso.onmicrosoft.lab").status == 404
    assert client.graph("DELETE", "/users/MonicaT@contoso.lab").status == 405
    assert client.get("/nonsense/x").status == 400
    assert client.ask("graph", "GET", "/beta/users/x", headers={"Authorization": f"Bearer {client.token}"}).status == 400


PERMITTED = [
    ("GET", "/users/{id}", None, "User.Read.All"),
    ("POST", "/users/{id}/checkMemberGroups", {"groupIds": [str(uuid.uuid4())]}, "User.Read.All"),
    ("POST", "/users/{id}/checkMemberGroups", {"groupIds": [str(uuid.uuid4())]}, "GroupMember.Read.All"),
    ("POST", "/users/{id}/getMemberGroups", {"securityEnabledOnly": True}, "GroupMember.Read.All"),
    ("GET", "/users/{id}/authentication/methods", None, "UserAuthenticationMethod.Read.All"),
    ("GET", "/users/{id}/authentication/phoneMethods", None, "UserAuthenticationMethod.Read.All"),
    ("GET", "/users/{id}/authentication/emailMethods", None, "UserAuthenticationMethod.Read.All"),
    ("GET", "/users/{id}/authentication/softwareOathMethods", None, "UserAuthenticationMethod.Read.All"),
    ("GET", "/domains/contoso.lab", None, "Domain.Read.All"),
    ("GET", "/groups?$filter=displayName%20eq%20'SSPRTesters'", None, "GroupMember.Read.All"),
    ("GET", "/roleManagement/directory/roleAssignments?$filter=principalId%20eq%20'{id}'", None, "RoleManagement.Read.Directory"),
    ("GET", "/roleManagement/directory/roleEligibilityScheduleInstances?$filter=principalId%20eq%20'{id}'", None,
     "RoleManagement.Read.Directory"),
    ("GET", "/reports/authenticationMethods/userRegistrationDetails/{id}", None, "AuditLog.Read.All"),
    ("PATCH", "/users/{id}", {"passwordProfile": {"password": NEW, "forceChangePasswordNextSignIn": False}},
     "User-PasswordProfile.ReadWrite.All"),
    ("POST", "/users/{id}/revokeSignInSessions", None, "User.RevokeSessions.All"),
    ("POST", "/users/{id}/sendMail", {"message": {"subject": "x", "toRecipients": [{"emailAddress": {"address": "a@lab"}}]}}, "Mail.Send"),
]


def test_each_call_needs_its_permission(client, tenant, app):
    with_all = client.take_token()
    for method, path, body, permission in PERMITTED:
        path = path.format(id=tenant.user("MonicaT").id)
        assert client.graph(method, path, body, token=with_all).status in (200, 202, 204), path
        kept = list(app.roles)
        app.withdraw(permission)
        without = client.take_token()
        app.roles = kept
        got = client.graph(method, path, body, token=without)
        assert (got.status, got.code, got.json()["error"]["message"]) == (
            403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."), path


def test_field_codes_and_licences(client, tenant, app):
    user = tenant.user("MonicaT")
    eligible = f"/roleManagement/directory/roleEligibilityScheduleInstances?$filter=principalId%20eq%20'{user.id}'"
    report = f"/reports/authenticationMethods/userRegistrationDetails/{user.id}"
    tenant.settings.licence = "P1"
    assert (client.get(eligible).status, client.get(eligible).code) == (400, "AadPremiumLicenseRequired")
    assert client.get(report).status == 200
    tenant.settings.licence = "free"
    assert (client.get(report).status, client.get(report).code) == (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant")
    tenant.settings.field_errors = True
    app.withdraw("RoleManagement.Read.Directory", "UserAuthenticationMethod.Read.All")
    client.take_token()
    assert "PermissionScopeNotGranted" in client.get(eligible).json()["error"]["message"] and client.get(eligible).status == 403
    assert client.get(f"/users/{user.id}/authentication/emailMethods").code == "accessDenied"


# -- groups, domains, roles, methods


def test_memberships(client, tenant):
    testers, inner = tenant.group("SSPRTesters"), tenant.group("SSPR inner")

    def check(nick, *groups):
        got = client.graph("POST", f"/users/{tenant.user(nick).id}/checkMemberGroups", {"groupIds": [g.id for g in groups]})
        return got.json()["value"]

    assert check("NinaN", testers, inner) == [testers.id, inner.id] and check("MonicaT", testers, inner) == [testers.id]
    assert check("LeeG", testers) == []
    nina = f"/users/{tenant.user('NinaN').id}"
    for groups in ([], [str(uuid.uuid4())] * 21, ["nonsense"], None):
        assert client.graph("POST", f"{nina}/checkMemberGroups", {"groupIds": groups}).status == 400
    assert client.graph("POST", f"{nina}/checkMemberGroups", '{"groupIds":[]}').status == 400
    got = client.graph("POST", f"{nina}/getMemberGroups", {"securityEnabledOnly": False})
    assert set(got.json()["value"]) == {testers.id, inner.id}
    tenant.add_member(inner, testers)  # a circle
    assert check("LeeG", testers) == [] and check("NinaN", testers) == [testers.id]


def test_groups(client, tenant):
    group = tenant.group("SSPRTesters")
    path = "/groups?$filter=displayName%20eq%20'{}'&$select=id,displayName"
    assert client.get(path.format("ssprtesters")).json()["value"] == [{"id": group.id, "displayName": "SSPRTesters"}]
    assert client.get(path.format("none")).json()["value"] == []
    tenant.add_group("SSPRTesters")
    assert len(client.get(path.format("SSPRTesters")).json()["value"]) == 2
    quoted = tenant.add_group("Bob's")
    assert client.get(path.format("Bob''s")).json()["value"][0]["id"] == quoted.id
    assert client.get(path.format("Bob's")).status == 400
    assert client.get("/groups?$filter=isAssignableToRole%20ne%20true").status == 400
    assert client.get(f"/groups/{group.id}?$select=displayName").json()["displayName"] == "SSPRTesters"
    assert client.get(f"/groups/{uuid.uuid4()}").status == 404 and client.get(f"/groups/{group.id}?$select=members").status == 400


def test_assignable_groups_are_an_advanced_query(client, tenant):
    path = "/users/{}/transitiveMemberOf/microsoft.graph.group?$count=true&$filter=isAssignableToRole%20eq%20true&$select=id"
    roland = path.format(tenant.user("RolandR").id)
    got = client.get(roland, ConsistencyLevel="eventual").json()
    assert got["value"] == [{"id": tenant.group("Role holders").id}] and got["@odata.count"] == 1
    assert client.get(path.format(tenant.user("MonicaT").id), ConsistencyLevel="eventual").json()["value"] == []
    assert (client.get(roland).status, client.get(roland).code) == (400, "Request_UnsupportedQuery")
    assert client.get(roland.replace("$count=true&", ""), ConsistencyLevel="eventual").status == 400
    assert client.get(roland.replace("eq%20true", "eq%20maybe"), ConsistencyLevel="eventual").status == 400


def test_domains_and_roles(client, tenant):
    assert client.get("/domains/contoso.lab?$select=id,authenticationType").json()["authenticationType"] == "Managed"
    assert client.get("/domains/FED.lab").json()["authenticationType"] == "Federated"
    assert client.get("/domains/other.lab").status == 404
    for table, nick, others in (("roleAssignments", "AdaA", "PimP"), ("roleEligibilityScheduleInstances", "PimP", "AdaA")):
        path = f"/roleManagement/directory/{table}?$filter=principalId%20eq%20'{{}}'"
        entry = client.get(path.format(tenant.user(nick).id)).json()["value"][0]
        assert entry["principalId"] == tenant.user(nick).id and entry["directoryScopeId"] == "/" and entry["roleDefinitionId"]
        assert client.get(path.format(tenant.user(others).id)).json()["value"] == []
        assert client.get(path.replace("eq", "like").format("x")).status == 400


def test_authentication_methods(client, tenant):
    user = tenant.user("MonicaT")
    base = f"/users/{user.id}/authentication"
    assert client.get(f"{base}/phoneMethods").json()["value"] == [
        {"id": PHONES["mobile"], "phoneNumber": "+1 4255550101", "phoneType": "mobile", "smsSignInState": "notEnabled"}]
    assert client.get(f"{base}/emailMethods").json()["value"] == [{"id": EMAIL, "emailAddress": "monica@lab"}]
    user.methods = [{"@odata.type": "#microsoft.graph.softwareOathAuthenticationMethod", "id": "s1"}]
    kinds = [method["@odata.type"].split(".")[-1] for method in client.get(f"{base}/methods").json()["value"]]
    assert kinds == ["passwordAuthenticationMethod", "phoneAuthenticationMethod", "emailAuthenticationMethod",
                     "softwareOathAuthenticationMethod"]
    assert client.get(f"{base}/softwareOathMethods").json()["value"] == [{"id": "s1", "secretKey": None}]
    assert client.get(f"/users/{uuid.uuid4()}/authentication/phoneMethods").status == 404
    got = client.graph("POST", f"{base}/methods/{PASSWORD}/resetPassword", {"newPassword": NEW})
    assert got.status == 403 and tenant.password_is("MonicaT", OLD)


def test_registration_report(client, tenant):
    path = f"/reports/authenticationMethods/userRegistrationDetails/{tenant.user('MonicaT').id}"
    got = client.get(path).json()
    assert got["isSsprRegistered"] and got["isSsprEnabled"] and got["isSsprCapable"] and not got["isAdmin"]
    assert client.get(path + "?$select=id").status == 400
    tenant.settings.sspr_required = 3
    tenant.settings.wrapped_registration = True
    assert client.get(path).json()["value"]["isSsprRegistered"] is False
    tenant.settings.throttle_reports = True
    last = [client.get(path) for _ in range(6)][-1]
    assert (last.status, last.code, last.headers["Retry-After"]) == (429, "TooManyRequests", "10")


# -- writing


def test_write(client, tenant):
    user = tenant.user("MonicaT")
    before = user.lastPasswordChangeDateTime
    assert client.password("MonicaT@contoso.lab", OLD).status == 200
    got = client.write(user.id)
    assert (got.status, got.body, got.headers["Content-Length"]) == (204, b"", None) or got.headers["Content-Length"] == "0"
    after = user.lastPasswordChangeDateTime
    assert client.password("MonicaT@contoso.lab", NEW).status == 200 and client.password("MonicaT@contoso.lab", OLD).number == 50126
    assert before < after
    assert client.write(user.id, NEW + "x").status == 204 and user.lastPasswordChangeDateTime > after


def test_write_that_must_be_changed(client, tenant):
    client.write("MonicaT@contoso.lab", forceChangePasswordNextSignIn=True)
    assert client.password("MonicaT@contoso.lab", NEW).number == 50055
    client.graph("PATCH", "/users/MonicaT@contoso.lab", {"passwordProfile": {"password": NEW}})
    assert client.password("MonicaT@contoso.lab", NEW).number == 50055
    client.write("MonicaT@contoso.lab")
    assert client.password("MonicaT@contoso.lab", NEW).status == 200


@pytest.mark.parametrize("password", ["short1A", "allsmallletters", "Monica-and-more-1", "P@ssw0rd12", "Krásné-heslo-58"])
def test_write_of_a_bad_password(client, tenant, password):
    got = client.write("MonicaT@contoso.lab", password)
    assert (got.status, got.code, got.json()["error"]["message"]) == (400, "Request_BadRequest", NOT_COMPLEX)
    assert tenant.password_is("MonicaT", OLD)


@pytest.mark.parametrize("body", [
    "", "{", "[]", "{}", '{"passwordProfile":null}', '{"passwordProfile":{}}', '{"passwordProfile":{"pasword":"x"}}',
    '{"passwordProfile":{"password":5}}', '{"passwordProfile":{"forceChangePasswordNextSignIn":"false"}}', '{"pasword":"x"}'])
def test_write_of_nonsense(client, tenant, body):
    assert client.graph("PATCH", "/users/MonicaT@contoso.lab", body, TYPED).status == 400
    assert tenant.password_is("MonicaT", OLD)


def test_write_without_a_type(client, tenant):
    body = json.dumps({"passwordProfile": {"password": NEW}})
    assert client.graph("PATCH", "/users/MonicaT@contoso.lab", body).status == 400
    assert client.graph("PATCH", "/users/MonicaT@contoso.lab", body, {"Content-Type": "text/plain"}).status == 400
    assert client.graph("PATCH", "/users/MonicaT@contoso.lab", body, {"Content-Type": "application/json; charset=utf-8"}).status == 204


def test_whom_it_does_not_write(client, tenant):
    got = client.write("SamS@contoso.lab")
    assert (got.status, got.code) == (400, "Request_BadRequest") and "on-premises mastered Directory Sync objects" in got.body.decode()
    assert client.write("FeliX@fed.lab").status == 400
    for nick in ("AdaA", "RolandR"):
        got = client.write(f"{nick}@contoso.lab")
        assert (got.status, got.code) == (403, "Authorization_RequestDenied")
    assert client.write("nobody@contoso.lab").status == 404
    assert all(tenant.password_is(nick, OLD) for nick in ("SamS", "AdaA", "RolandR"))
    tenant.user("SamS").onPremisesSyncEnabled = False
    tenant.settings.protects_admins = False
    assert client.write("SamS@contoso.lab").status == client.write("AdaA@contoso.lab").status == 204


def test_write_by_a_role_for_a_unit(client, tenant, app):
    app.withdraw("User-PasswordProfile.ReadWrite.All")
    client.take_token()
    unit = tenant.add_unit("Linux", [tenant.user("MonicaT")])
    assert client.write("MonicaT@contoso.lab").status == 403
    tenant.assign_role(app, "Password Administrator", f"/administrativeUnits/{unit}")
    assert client.write("MonicaT@contoso.lab").status == 204
    assert client.write("LeeG@contoso.lab").status == 403
    tenant.assign_role(app, "User Administrator")
    assert client.write("LeeG@contoso.lab").status == 204 and client.write("AdaA@contoso.lab").status == 403
    tenant.assign_role(app, "Privileged Authentication Administrator")
    assert client.write("AdaA@contoso.lab").status == 204


def test_older_rule_wants_a_role_besides(client, tenant, app):
    tenant.settings.role_needed = True
    assert client.write("MonicaT@contoso.lab").status == 403
    tenant.assign_role(app, "User Administrator")
    assert client.write("MonicaT@contoso.lab").status == 204


def test_lag(client, tenant):
    path = "/users/MonicaT@contoso.lab?$select=lastPasswordChangeDateTime"
    before = client.get(path).json()
    tenant.settings.lag = 0.5
    client.write("MonicaT@contoso.lab")
    assert client.get(path).json() == before
    time.sleep(0.6)
    assert client.get(path).json() != before


def test_revoke_sessions(client, tenant):
    signed_in = client.password("MonicaT@contoso.lab", OLD, scope="openid offline_access").json()
    form = {"grant_type": "refresh_token", "client_id": tenant.application.appId, "refresh_token": signed_in["refresh_token"]}
    assert client.login("token", form).status == 200
    got = client.graph("POST", "/users/MonicaT@contoso.lab/revokeSignInSessions")
    assert (got.status, got.json()["value"]) == (200, True) and tenant.revoked == ["MonicaT@contoso.lab"]
    assert client.login("token", form).number == 50173


def test_send_mail(client, tenant, app):
    mail = {"message": {"subject": "Code", "body": {"contentType": "Text", "content": "1234"},
                        "toRecipients": [{"emailAddress": {"address": "monica@lab"}}]}, "saveToSentItems": False}
    got = client.graph("POST", "/users/LeeG@contoso.lab/sendMail", mail)
    assert (got.status, got.body) == (202, b"")
    assert tenant.sent[0]["to"] == ["monica@lab"] and tenant.sent[0]["saved"] is False
    assert tenant.sent[0]["message"]["body"]["content"] == "1234"
    assert client.graph("POST", "/users/FeliX@fed.lab/sendMail", {"message": {}}).code == "ErrorInvalidRecipients"
    assert client.graph("POST", "/users/LeeG@contoso.lab/sendMail", {"mesage": {}}).status == 400
    app.mailboxes = ["noreply@contoso.lab"]
    assert client.graph("POST", "/users/LeeG@contoso.lab/sendMail", mail).code == "ErrorAccessDenied"
    app.mailboxes, tenant.user("LeeG").mail = None, None
    assert client.graph("POST", "/users/LeeG@contoso.lab/sendMail", mail).code == "ErrorInvalidUser"


# -- batches


def test_batch(client, tenant, service):
    user = tenant.user("MonicaT")
    got = client.batch(
        {"id": "1", "method": "GET", "url": f"/users/{user.id}?$select=id"},
        {"id": "2", "method": "POST", "url": f"users/{user.id}/checkMemberGroups", "headers": TYPED,
         "body": {"groupIds": [tenant.group("SSPRTesters").id]}},
        {"id": "3", "method": "GET", "url": "/users/nobody@contoso.lab"},
        {"id": "4", "method": "GET", "url": "/groups?$filter=displayName eq 'SSPRTesters'"},
        {"id": "5", "method": "PATCH", "url": f"/users/{user.id}", "headers": TYPED, "body": {"passwordProfile": {
            "password": NEW, "forceChangePasswordNextSignIn": False}}},
        {"id": "6", "method": "GET", "url": "/v1.0/users"},
        {"id": "7", "method": "GET", "url": f"{service.graph_url}/v1.0/users"},
        {"id": "8", "method": "POST", "url": "/$batch", "headers": TYPED, "body": {"requests": []}})
    assert got.status == 200
    answers = {answer["id"]: answer for answer in got.json()["responses"]}
    assert {id: answer["status"] for id, answer in answers.items()} == {
        "1": 200, "2": 200, "3": 404, "4": 200, "5": 204, "6": 400, "7": 400, "8": 400}
    assert answers["1"]["body"]["id"] == user.id and answers["1"]["headers"]["Content-Type"].startswith("application/json")
    assert answers["3"]["body"]["error"]["code"] == "Request_ResourceNotFound" and "body" not in answers["5"]
    assert service.count("/users/", "PATCH", within=True) == 1 and service.count("/v1.0/.batch", "POST", within=False) == 1


def test_batch_in_any_order(client):
    items = [{"id": str(n), "method": "GET", "url": "/domains/contoso.lab"} for n in range(20)]
    orders = {tuple(answer["id"] for answer in client.batch(*items).json()["responses"]) for _ in range(3)}
    assert len(orders) > 1


@pytest.mark.parametrize("body", [
    {}, {"requests": []}, {"requests": {}}, [],
    {"requests": [{"id": str(n), "method": "GET", "url": "/x"} for n in range(21)]},
    {"requests": [{"id": "a", "method": "GET", "url": "/x"}, {"id": "A", "method": "GET", "url": "/x"}]},
    {"requests": [{"method": "GET", "url": "/x"}]}, {"requests": [{"id": "1", "url": "/x"}]},
    {"requests": [{"id": 1, "method": "GET", "url": "/x"}]},
    {"requests": [{"id": "1", "method": "PATCH", "url": "/users/x", "body": {}}]},
    {"requests": [{"id": "1", "method": "POST", "url": "/users/x/revokeSignInSessions"}]},
    {"requests": [{"id": "1", "method": "GET", "url": "/x", "dependsOn": ["2"]}]},
    {"requests": [{"id": "1", "method": "GET", "url": "/x", "dependsOn": ["2"]},
                  {"id": "2", "method": "GET", "url": "/x", "dependsOn": ["1"]}]},
])
def test_batches_that_are_none(client, body):
    got = client.graph("POST", "/$batch", body)
    assert (got.status, got.code) == (400, "BadRequest")


def test_batch_dependencies_and_token(client, tenant):
    got = client.batch({"id": "3", "method": "GET", "url": "/domains/contoso.lab", "dependsOn": ["2"]},
                       {"id": "2", "method": "GET", "url": "/domains/contoso.lab", "dependsOn": ["1"]},
                       {"id": "1", "method": "GET", "url": "/users/nobody@contoso.lab"},
                       {"id": "4", "method": "GET", "url": "/domains/contoso.lab"})
    assert {a["id"]: a["status"] for a in got.json()["responses"]} == {"1": 404, "2": 424, "3": 424, "4": 200}
    assert unauthenticated(client.batch({"id": "1", "method": "GET", "url": "/domains/contoso.lab"}, token="nonsense"))
    assert client.ask("graph", "GET", "/v1.0/$batch", headers={"Authorization": f"Bearer {client.token}"}).status == 405


# -- pages


def test_pages(client, tenant, service):
    for n in range(4):
        tenant.add_member(tenant.add_group(f"G{n}", isAssignableToRole=True), tenant.user("RolandR"))
    path = (f"/users/{tenant.user('RolandR').id}/transitiveMemberOf/microsoft.graph.group"
            "?$count=true&$filter=isAssignableToRole%20eq%20true&$select=id")
    tenant.settings.page_size, tenant.settings.empty_pages = 2, 1
    found, pages = [], 0
    while path:
        got = client.get(path, ConsistencyLevel="eventual").json()
        found, pages = found + got["value"], pages + 1
        link = urlsplit(got.get("@odata.nextLink", ""))
        path = link.path.removeprefix("/v1.0") + "?" + link.query if link.netloc else None
        assert not link.netloc or f"{link.scheme}://{link.netloc}" == service.graph_url
    assert len({entry["id"] for entry in found}) == 5 and pages == 4
    tenant.settings.next_link = "https://elsewhere.lab"
    assert client.get("/groups").json()["@odata.nextLink"].startswith("https://elsewhere.lab/v1.0/groups?$skiptoken=")
    assert client.get("/groups?$skiptoken=nonsense").status == 400


# -- users' sign-ins


@pytest.mark.parametrize("upn, password, number", [
    ("MonicaT@contoso.lab", "wrong", 50126), ("nobody@contoso.lab", OLD, 50034), ("DianaD@contoso.lab", OLD, 50057),
    ("DianaD@contoso.lab", "wrong", 50126), ("FeliX@fed.lab", OLD, 50056),
])
def test_password_grant_refusals(client, upn, password, number):
    got = client.password(upn, password)
    assert (got.status, got.json()["error"], got.number) == (400, "invalid_grant", number)


def test_lockout(client, tenant, app):
    for _ in range(20):
        assert client.password("LeeG@contoso.lab", "the same wrong one").number == 50126
    for n in range(9):
        assert client.password("LeeG@contoso.lab", f"wrong {n}").number == 50126
    assert client.password("LeeG@contoso.lab", OLD).number == 50053
    assert client.write("LeeG@contoso.lab").status == 204 and client.password("LeeG@contoso.lab", NEW).status == 200
    tenant.user("LeeG").mfa_required = True
    assert client.password("LeeG@contoso.lab", NEW).number == 50076
    app.public_client = False
    assert client.password("LeeG@contoso.lab", NEW).number == 7000218


def device(client, **change):
    app = client.service.tenant.application
    return client.login("devicecode", {"client_id": app.appId, "scope": "openid profile", **change}).json()


def poll(client, code, **change):
    app = client.service.tenant.application
    return client.login("token", {"grant_type": DEVICE, "client_id": app.appId, "device_code": code["device_code"], **change})


def test_device_code(service, client, tenant, app):
    code = device(client)
    assert (code["expires_in"], code["interval"]) == (900, 5) and "verification_uri_complete" not in code
    assert code["user_code"] in code["message"] and code["verification_uri"] in code["message"]
    got = poll(client, code)
    assert (got.status, got.json()["error"], got.number) == (400, "authorization_pending", 70016)
    assert service.sign_in(code["user_code"], "MonicaT")
    body = poll(client, code).json()
    header, claims, _, _ = tokens.split(body["id_token"])
    user = tenant.user("MonicaT")
    assert (claims["aud"], claims["tid"], claims["oid"], claims["ver"]) == (app.appId, tenant.id, user.id, "2.0")
    assert claims["iss"] == f"{service.login_url}/{tenant.id}/v2.0" and abs(claims["auth_time"] - time.time()) < 5
    assert claims["preferred_username"] == "MonicaT@contoso.lab" and "amr" not in claims and claims["sub"] != claims["oid"]
    assert "refresh_token" not in body
    key = client.ask("login", "GET", f"/{tenant.id}/discovery/v2.0/keys").json()["keys"][0]
    assert (key["kid"], key["kty"]) == (header["kid"], "RSA") and header["alg"] == "RS256" and service.signer.verify(body["id_token"])
    assert poll(client, code).number == 54005
    assert service.login.codes[code["device_code"]].early == 2


def test_device_code_ends(service, client, tenant, app):
    code = device(client)
    assert service.sign_in(code["user_code"], "", decline=True) and poll(client, code).json()["error"] == "authorization_declined"
    assert poll(client, {"device_code": "nonsense"}).json()["error"] == "bad_verification_code"
    tenant.settings.device_code_lifetime = 0
    code = device(client)
    time.sleep(0.01)
    assert poll(client, code).json()["error"] == "expired_token" and not service.sign_in(code["user_code"], "MonicaT")
    tenant.settings.device_code_lifetime, tenant.settings.block_device_code = 900, True
    code = device(client)
    assert not service.sign_in(code["user_code"], "DianaD") and service.sign_in(code["user_code"], "MonicaT")
    assert poll(client, code).number == 53003
    assert client.login("devicecode", {"client_id": app.appId}).number == 900144
    app.public_client = False
    assert poll(client, device(client)).number == 7000218


def test_slow_down_and_other_shapes(service, client, tenant, app):
    tenant.settings.slow_down, app.auth_time = True, False
    code = device(client, scope="openid offline_access")
    assert [poll(client, code).json()["error"] for _ in range(2)] == ["authorization_pending", "slow_down"]
    assert service.pending_codes()[-1].interval == 10
    service.sign_in(code["user_code"], "MonicaT")
    body = poll(client, code).json()
    assert not {"oid", "auth_time", "preferred_username"} & set(claims_of(body["id_token"])) and "refresh_token" in body
    code = device(client, scope="profile")
    service.sign_in(code["user_code"], "MonicaT", auth_time=1000)
    assert "id_token" not in poll(client, code).json()


def test_spoiled_id_tokens(service, client):
    def id_token(**spoil):
        service.spoil_id_token(**spoil)
        code = device(client)
        service.sign_in(code["user_code"], "MonicaT", auth_time=1000)
        return poll(client, code).json()["id_token"]

    assert claims_of(id_token(change={"tid": "x"}, drop=["oid"])) ["tid"] == "x"
    for kind in ("wrong", "hs256", "other-key"):
        with pytest.raises(tokens.Invalid):
            service.signer.verify(id_token(signature=kind))
    assert tokens.split(id_token(signature="none"))[0]["alg"] == "none"
    service.unspoil()
    assert claims_of(id_token())["auth_time"] == 1000


def test_page_for_device_codes(service, client, tenant):
    assert b"<form" in client.ask("login", "GET", "/common/oauth2/deviceauth").body
    tenant.user("MonicaT").temporary_access_pass = "TAP-123456"

    def enter(code, passwd):
        form = {"otc": code["user_code"].lower(), "login": "MonicaT@contoso.lab", "passwd": passwd}
        return client.ask("login", "POST", "/common/oauth2/deviceauth", urlencode(form), FORM).status

    code = device(client)
    assert enter(code, "wrong") == 400 and enter(code, "TAP-123456") == 200 and poll(client, code).status == 200
    assert enter(device(client), OLD) == 200


def test_configuration(service, client, tenant):
    got = client.ask("login", "GET", f"/{tenant.id}/v2.0/.well-known/openid-configuration").json()
    assert got["issuer"] == f"{service.login_url}/{tenant.id}/v2.0"
    assert got["device_authorization_endpoint"] == f"{service.login_url}/{tenant.id}/oauth2/v2.0/devicecode"
    service.rotate_keys()
    keys = client.ask("login", "GET", urlsplit(got["jwks_uri"]).path).json()["keys"]
    assert len({key["kid"] for key in keys}) == 2


# -- faults


def test_fault_statuses(service, client, tenant):
    for retry in ("2", "-5", "99999999", "Wed, 25 Nov 2026 01:02:03 GMT", "garbage"):
        service.fault("GET", "/domains/", faults.status(429, retry_after=retry))
        got = client.get("/domains/contoso.lab")
        assert (got.status, got.code, got.headers["Retry-After"]) == (429, "TooManyRequests", retry)
        assert client.get("/domains/contoso.lab").status == 200
    service.fault("PATCH", "/users/", faults.status(504, effect=True))
    assert client.write("MonicaT@contoso.lab").status == 504 and tenant.password_is("MonicaT", NEW)
    service.fault("POST", "/token", faults.status(503), times=2, host="login")
    assert [client.login("token", client.credentials()).status for _ in range(3)] == [503, 503, 200]
    assert service.count("/token", status=503) == 2


def test_fault_within_a_batch(service, client):
    service.fault("GET", "/domains/", faults.status(429, retry_after="7"), skip=1)
    item = {"method": "GET", "url": "/domains/contoso.lab"}
    answers = client.batch({"id": "1", **item}, {"id": "2", **item}).json()["responses"]
    assert sorted(answer["status"] for answer in answers) == [200, 429]
    throttled = next(answer for answer in answers if answer["status"] == 429)
    assert throttled["headers"]["Retry-After"] == "7" and throttled["body"]["error"]["code"] == "TooManyRequests"
    service.fault("GET", "/domains/", faults.portal())
    portal = client.batch({"id": "1", **item}).json()["responses"][0]
    assert b"GuestNet" in base64.b64decode(portal["body"])
    service.fault("GET", "/domains/", faults.cut("before"))
    with pytest.raises((http.client.HTTPException, OSError)):
        client.batch({"id": "1", **item})


def test_cut_connections(service, client, tenant):
    for when, password, done in (("before", NEW + "1", False), ("after", NEW + "2", True)):
        service.fault("PATCH", "/users/", faults.cut(when))
        with pytest.raises((http.client.HTTPException, OSError)):
            client.write("MonicaT@contoso.lab", password)
        assert tenant.password_is("MonicaT", password) is done and service.requests[-1].status is None
    service.fault("GET", "/domains/", faults.cut("middle"))
    with pytest.raises((http.client.HTTPException, OSError)):
        client.get("/domains/contoso.lab")
    assert client.get("/domains/contoso.lab").status == 200


def test_bad_answers(service, client):
    def get(act):
        service.fault("GET", "/domains/", act)
        return client.get("/domains/contoso.lab")

    assert get(faults.portal()).body.startswith(b"<!DOCTYPE")
    got = get(faults.redirect("https://elsewhere.lab/"))
    assert (got.status, got.headers["Location"]) == (302, "https://elsewhere.lab/")
    assert len(get(faults.huge()).body) > 2 << 20 and json.loads(get(faults.huge()).body)["id"] == "contoso.lab"
    with pytest.raises(ValueError):
        get(faults.broken_json()).json()
    assert get(faults.wrong_json([1])).json() == [1]
    start = time.monotonic()
    assert get(faults.slow(0.3)).status == 200 and time.monotonic() - start > 0.3
    service.fault("POST", "/token", faults.lying_token(access_token=None))
    assert "access_token" not in client.login("token", client.credentials()).json()


def test_drip(service, client):
    service.fault("GET", "/domains/", faults.drip())
    client.take_token()
    connection = Connection(service, "graph", timeout=0.7)
    connection.request("GET", "/v1.0/domains/contoso.lab", headers={"Authorization": f"Bearer {client.token}"})
    response = connection.getresponse()
    assert response.status == 200 and response.read(2) == b'{"'
    connection.close()


@pytest.mark.parametrize("kind, good", [("good", True), ("self-signed", False), ("stranger", False), ("expired", False),
                                        ("future", False), ("wrong-host", False), ("tls1.0", False), ("tls1.1", False)])
def test_tls(service, kind, good):
    service.set_tls("graph", kind)
    connection = Connection(service, "graph")
    if good:
        connection.connect()
    else:
        with pytest.raises(ssl.SSLError):
            connection.connect()
    connection.close()


def test_old_tls_is_spoken_to_those_who_can(service):
    service.set_tls("login", "tls1.1")
    context = ssl.create_default_context(cafile=service.ca)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    connection = Connection(service, "login", context=context)
    connection.connect()
    assert connection.sock.version() == "TLSv1.1"
    connection.close()


def test_silence_and_an_end(service, client):
    service.set_tls("graph", "silent")
    with pytest.raises(OSError):
        Connection(service, "graph", timeout=0.2).connect()
    service.set_tls("graph", "good")
    token, ports = client.take_token(), dict(service.hosts)
    service.stop()
    with pytest.raises(OSError):
        Connection(service, "graph").connect()
    service.start()
    client.connections.clear()
    assert service.hosts == ports and client.graph("GET", "/domains/contoso.lab", token=token).status == 200


def test_requests_that_are_no_http(service):
    def say(text):
        connection = Connection(service, "graph")
        connection.connect()
        connection.sock.sendall(text)
        answer = connection.sock.recv(65536)
        connection.close()
        return answer.split(b" ")[1]

    assert say(b"GET /v1.0/groups?$filter=a b HTTP/1.1\r\n\r\n") == b"400"
    assert say(b"POST /v1.0/$batch HTTP/1.1\r\n\r\n") == b"411"
    assert say(b"POST /v1.0/$batch HTTP/1.1\r\nContent-Length: x\r\n\r\n") == b"400"
    assert say(b"POST /v1.0/$batch HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n") == b"401"


# -- the record


def test_record(service, client):
    client.write("MonicaT@contoso.lab")
    r = service.find("/users/", "PATCH")[0]
    assert (r.host, r.status, r.within, r.path) == ("graph", 204, False, "/v1.0/users/MonicaT%40contoso.lab")
    assert r.json()["passwordProfile"]["password"] == NEW and r.headers["authorization"] and r.tenant is service.tenant
    assert service.count("/token", host="login") == 1 and service.count() == 2 and sum(service.counts.values()) == 2
    service.clear()
    assert service.count() == 0


# -- contract mode


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Proxy:
    """Passes everything on, and complains of what has "forbidden" in it."""

    def __init__(self):
        self.upstream, self.seen = None, []
        self.listener = Listener(0, self.serve)

    def serve(self, method, path, headers, body):
        self.seen.append(f"{method} {path}")
        if "forbidden" in path:
            return Answer(422, b"{}", {"Content-Type": "application/problem+json", "sl-violations": "[]"})
        connection = http.client.HTTPConnection("127.0.0.1", self.upstream)
        connection.request(method, path, body or None, {k: v for k, v in headers.items() if k not in ("host", "content-length")})
        response = connection.getresponse()
        body = response.read()
        headers = {k: v for k, v in response.getheaders() if k.lower() not in ("transfer-encoding", "content-length", "connection")}
        return Answer(response.status, body, headers)


def test_contract_mode(folder, tenant):
    proxy = Proxy()
    with Service(folder, [tenant], ("login.lab", 0), ("graph.lab", 0), plain_port=0,
                 via=f"http://127.0.0.1:{proxy.listener.port}") as service:
        proxy.upstream = service.plain_port
        client = Client(service)
        got = client.batch({"id": "1", "method": "GET", "url": "/users/MonicaT@contoso.lab"},
                           {"id": "2", "method": "GET", "url": "/domains/contoso.lab"},
                           {"id": "3", "method": "GET", "url": "/groups?$filter=displayName eq 'SSPRTesters'"})
        assert [a["status"] for a in got.json()["responses"]] == [200, 200, 200]
        assert proxy.seen == ["POST /v1.0/$batch", "GET /v1.0/users/MonicaT@contoso.lab",
                              "GET /v1.0/groups?$filter=displayName%20eq%20'SSPRTesters'"]
        assert service.unchecked == ["GET /v1.0/domains/contoso.lab"] and not service.violations
        assert service.count(host="graph") == 4 and service.count(within=True) == 3
        assert client.write("MonicaT@contoso.lab").status == 204 and tenant.password_is("MonicaT", NEW)
        assert client.graph("POST", "/users/MonicaT@contoso.lab/revokeSignInSessions").status == 200
        assert client.get("/users/forbidden@contoso.lab").status == 422 and len(service.violations) == 1
        service.fault("GET", "/domains/", faults.cut("after"))
        with pytest.raises((http.client.HTTPException, OSError)):
            client.batch({"id": "1", "method": "GET", "url": "/domains/contoso.lab"})
        assert not service.errors
    proxy.listener.stop()


def test_answers_are_as_microsoft_describes_them(folder, tenant):
    prism = pytest.importorskip("prism")
    if not prism.available():
        pytest.skip("needs Prism and the OpenAPI description of Graph")
    port, upstream, user = free_port(), free_port(), tenant.user("MonicaT")
    user.methods = [{"@odata.type": "#microsoft.graph.softwareOathAuthenticationMethod", "id": "s1", "secretKey": None}]
    checker = prism.Prism(port, upstream, folder / "prism.log").start()
    try:
        with Service(folder, [tenant], ("login.lab", 0), ("graph.lab", 0), plain_port=upstream,
                     via=f"http://127.0.0.1:{port}") as service:
            client = Client(service)
            for method, path, body, _ in PERMITTED:
                if "roleManagement" not in path and "/domains/" not in path:
                    assert client.graph(method, path.format(id=user.id), body).status < 300
            for group in client.get("/groups").json()["value"]:
                assert client.get(f"/groups/{group['id']}?$select=id,displayName,isAssignableToRole").status == 200
            assert client.get(f"/users/{user.id}?$select={','.join(graph.USER)}").status == 200
            assert [client.write(upn).status for upn in ("nobody@contoso.lab", "AdaA@contoso.lab", "SamS@contoso.lab")] == [404, 403, 400]
            answers = client.batch({"id": "1", "method": "GET", "url": f"/users/{user.id}"},
                                   {"id": "2", "method": "GET", "url": "/domains/contoso.lab"},
                                   {"id": "3", "method": "POST", "url": f"/users/{user.id}/revokeSignInSessions", "headers": TYPED,
                                    "body": {}}).json()["responses"]
            assert [answer["status"] for answer in answers] == [200] * 3 and len(service.unchecked) == 1
            assert not service.violations and not service.errors
            assert client.graph("PATCH", f"/users/{user.id}", {"pasword": "x"}).status == 422 and len(service.violations) == 1
    finally:
        checker.stop()


# -- size, state, program


def test_crowd_is_no_slower(folder):
    tenant = Tenant()
    tenant.add_group("SSPRTesters")
    add_sample_application(tenant, certificate=False)
    add_crowd(tenant, 20000)
    assert len(tenant.users) == 20000 and sum(len(g.members) for g in tenant.groups.values()) == 10000 + 50
    with Service(folder, [tenant], ("login.lab", 0), ("graph.lab", 0)) as service:
        client, testers = Client(service), tenant.group("SSPRTesters").id
        client.take_token()
        start = time.monotonic()
        for n in range(200):
            got = client.graph("POST", f"/users/user{n:06}@contoso.lab/checkMemberGroups", {"groupIds": [testers]})
            assert got.json()["value"] == ([testers] if n % 2 == 0 else [])
        assert time.monotonic() - start < 2


def test_state_is_kept(tmp_path, tenant):
    tenant.settings.banned = ["fabrikam"]
    tenant.set_password(tenant.user("MonicaT"), NEW)
    save([tenant], tmp_path / "state.json")
    again = load(tmp_path / "state.json")[0]
    assert again.to_json() == tenant.to_json() and again.group("SSPRTesters").id in again.above(again.user("NinaN"))


def test_program(tmp_path):
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tenant.py")
    ports = {"login": free_port(), "graph": free_port()}
    options = {"folder": tmp_path, "users": 100, "port-login": ports["login"], "port-graph": ports["graph"], "counts": tmp_path / "counts"}
    command = [sys.executable, "-B", program, *(word for key, value in options.items() for word in (f"--{key}", str(value)))]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "ready\n"
        names = Service(tmp_path, [sample(certificate=False)], ("login.lab", ports["login"]), ("graph.lab", ports["graph"]))
        client = Client(names)
        client.take_token()
        assert client.get("/users/user000042@contoso.lab").status == 200
        assert "PRIVATE KEY" in (tmp_path / "application.pem").read_text()
    finally:
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0
    assert json.loads((tmp_path / "counts").read_text()) == {"login POST": 1, "graph GET": 1}
