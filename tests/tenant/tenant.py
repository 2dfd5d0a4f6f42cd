# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stand-in for Microsoft Entra: what a tenant is and knows. Its users, groups, roles, applications, and its rules of passwords.

service.py lets tenants answer as Microsoft's two hosts do; properties that Graph shows have Graph's names here. As a program it runs
a service of its own: see `python3 tenant.py --help`."""

import base64
import dataclasses
import hmac
import json
import threading
import time
import uuid
from dataclasses import dataclass, field

import passwords

SPACE = uuid.UUID("5a7e1d2c-90b4-4f0e-8f43-6d1f0c2b9a11")  # all ids follow from names, so that configurations may carry them

# Template ids of directory roles.
ROLES = {
    "Global Administrator": "62e90394-69f5-4237-9190-012177145e10",
    "User Administrator": "fe930be7-5e62-47db-91af-98c3a49a38b1",
    "Password Administrator": "966707d0-3269-4727-9be2-8c3a10f19b9d",
    "Helpdesk Administrator": "729827e3-9c14-49f7-bb1b-9608f156bbb8",
    "Authentication Administrator": "c4e39bd9-1100-46d3-8c65-fb160da0071f",
    "Privileged Authentication Administrator": "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
    "Directory Readers": "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",
}
RESETS_USERS = {ROLES[name] for name in ROLES if name != "Directory Readers"}
RESETS_ALL = {ROLES["Global Administrator"], ROLES["Privileged Authentication Administrator"]}

PHONES = {
    "mobile": "3179e48a-750b-4051-897c-87b9720928f7",
    "alternateMobile": "b6332ec1-7057-4abe-9331-3d72feddfe41",
    "office": "e37fc753-ff3b-4958-9484-eaa9425c82bc",
}
EMAIL = "3ddfcfc8-9383-446f-83cc-3ab9be4be18f"
PASSWORD = "28c10230-6103-485e-b985-444c60001490"

# Exactly what pam_sspr asks an administrator for.
PERMISSIONS = [
    "User.Read.All", "GroupMember.Read.All", "RoleManagement.Read.Directory", "Domain.Read.All", "UserAuthenticationMethod.Read.All",
    "User.RevokeSessions.All", "User-PasswordProfile.ReadWrite.All", "AuditLog.Read.All", "Mail.Send",
]


def guid(text):
    """The id that belongs to a name."""
    return str(uuid.uuid5(SPACE, text.lower()))


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


@dataclass(slots=True, eq=False)
class User:
    id: str
    userPrincipalName: str
    displayName: str = None
    givenName: str = None
    surname: str = None
    accountEnabled: bool = True
    userType: str = "Member"
    onPremisesSyncEnabled: bool = None
    mail: str = None
    otherMails: list = field(default_factory=list)
    mobilePhone: str = None
    businessPhones: list = field(default_factory=list)
    passwordPolicies: str = None
    lastPasswordChangeDateTime: str = None
    createdDateTime: str = None
    # what Graph does not show
    password: str = None  # None: not kept here, as for a federated user
    must_change: bool = False
    mfa_required: bool = False
    temporary_access_pass: str = None
    phones: dict = None  # phoneType: number
    email: str = None  # the address of the e-mail method
    methods: list = None  # further methods, as Graph shows them, with @odata.type
    registration: dict = None  # what the report says, in place of what follows from the methods
    changed: int = 0  # when the password was changed, as a number
    sessions_from: int = 0  # when sign-in sessions were last revoked
    before: tuple = None  # (lastPasswordChangeDateTime that is still shown, until when)
    failed: list = field(default_factory=list)  # wrong passwords since the last good sign-in
    locked_until: float = 0
    locks: int = 0
    parents: list = field(default_factory=list, repr=False)


@dataclass(slots=True, eq=False)
class Group:
    id: str
    displayName: str
    isAssignableToRole: bool = None
    description: str = None
    securityEnabled: bool = True
    mailEnabled: bool = False
    mail: str = None
    mailNickname: str = None
    groupTypes: list = field(default_factory=list)
    visibility: str = None
    createdDateTime: str = None
    members: dict = field(default_factory=dict, repr=False)
    parents: list = field(default_factory=list, repr=False)


@dataclass(slots=True, eq=False)
class Application:
    """An application and its service principal."""

    appId: str
    displayName: str
    id: str  # of the service principal
    roles: list = field(default_factory=list)  # application permissions that were consented to
    secrets: list = field(default_factory=list)  # [text, expires]
    certificates: list = field(default_factory=list)  # PEM
    public_client: bool = True  # "Allow public client flows"
    enabled: bool = True
    auth_time: bool = True  # the optional claim of id_tokens
    mailboxes: list = None  # principal names an application access policy allows, None: any
    # the pair that sample() made, for whoever plays the application
    secret: str = None
    certificate_pem: str = None
    key_pem: str = None

    def add_secret(self, text, days=180):
        self.secrets.append([text, time.time() + days * 86400])
        return text

    def add_certificate(self, pem):
        self.certificates.append(pem if isinstance(pem, str) else pem.decode())

    def grant(self, *roles):
        self.roles += [role for role in roles if role not in self.roles]

    def withdraw(self, *roles):
        self.roles = [role for role in self.roles if role not in roles]


@dataclass
class Settings:
    """How a tenant is set up, and what a test wants of it."""

    licence: str = "P2"  # P2, P1 or free
    banned: list = field(default_factory=list)  # the custom list of Password Protection
    token_lifetime: int = 3599
    id_token_lifetime: int = 3600
    backdate: int = 300  # seconds by which iat and nbf of tokens lie before their making, as in those of Microsoft
    lag: float = 0  # seconds for which lastPasswordChangeDateTime shows the old value
    lockout_threshold: int = 10
    lockout_seconds: int = 60
    device_code_lifetime: int = 900
    device_code_interval: int = 5
    block_device_code: bool = False  # by Conditional Access
    slow_down: bool = False  # RFC 8628 for early polls; Microsoft's table does not have it
    sspr_scope: str = None  # a group's id; None: everybody
    sspr_required: int = 1
    wrapped_registration: bool = False  # the report's object inside "value", as its page shows it
    protects_admins: bool = True  # app-only writes to holders of roles are refused
    role_needed: bool = False  # the older rule: a permission does not do without a role of the service principal
    page_size: int = None  # of lists
    empty_pages: int = 0  # before the first one with something in it
    next_link: str = None  # the beginning of nextLinks, in place of this service
    throttle_reports: bool = False  # 5 requests in 10 s
    field_errors: bool = False  # codes as the field reports them, not as the documents have them


class Tenant:
    def __init__(self, name="Contoso", domain="contoso.lab", id=None, **settings):
        self.name, self.id = name, id or guid(f"tenant:{domain}")
        self.settings = Settings(**settings)
        self.domains = {domain.lower(): "Managed"}
        self.users, self.by_upn = {}, {}
        self.groups, self.by_name = {}, {}
        self.applications = {}
        self.assignments, self.eligible = {}, {}  # principal id: [role assignment]
        self.units = {}  # administrative unit id: set of user ids
        self.sent, self.revoked, self.audit = [], [], []
        self.tokens_from = 0  # access tokens from before are not good any more
        self.clock = time.time
        self.lock = threading.RLock()

    # -- making

    @property
    def domain(self):
        return next(iter(self.domains))

    def add_domain(self, name, kind="Managed"):
        self.domains[name.lower()] = kind

    def add_user(self, upn, password=None, **properties):
        if "@" not in upn:
            upn = f"{upn}@{self.domain}"
        now = int(self.clock()) - 86400
        user = User(id=properties.pop("id", None) or guid(f"user:{self.id}:{upn}"), userPrincipalName=upn, password=password,
                    lastPasswordChangeDateTime=iso(now), createdDateTime=iso(now), changed=now)
        user.displayName = upn.split("@")[0]
        for key, value in properties.items():
            setattr(user, key, value)
        self.users[user.id] = self.by_upn[upn.lower()] = user
        return user

    def rename(self, user, upn):
        del self.by_upn[user.userPrincipalName.lower()]
        user.userPrincipalName = upn
        self.by_upn[upn.lower()] = user

    def remove_user(self, user):
        del self.users[user.id], self.by_upn[user.userPrincipalName.lower()]
        for group in user.parents:
            group.members.pop(user.id, None)

    def add_group(self, name, members=(), **properties):
        same = self.by_name.setdefault(name.lower(), [])
        group = Group(id=properties.pop("id", None) or guid(f"group:{self.id}:{name}:{len(same)}"), displayName=name)
        group.mailNickname = "".join(c for c in name if c.isalnum())
        for key, value in properties.items():
            setattr(group, key, value)
        same.append(group)
        self.groups[group.id] = group
        for member in members:
            self.add_member(group, member)
        return group

    def add_member(self, group, member):
        if member.id not in group.members:
            group.members[member.id] = member
            member.parents.append(group)

    def remove_member(self, group, member):
        if group.members.pop(member.id, None):
            member.parents.remove(group)

    def add_application(self, name, roles=(), **properties):
        app = Application(appId=properties.pop("appId", None) or guid(f"application:{self.id}:{name}"), displayName=name,
                          id=guid(f"principal:{self.id}:{name}"), roles=list(roles), **properties)
        self.applications[app.appId] = app
        return app

    def add_unit(self, name, members=()):
        """An administrative unit; its id."""
        unit = guid(f"unit:{self.id}:{name}")
        self.units[unit] = {member.id for member in members}
        return unit

    def _role(self, table, principal, role, scope):
        entry = {"id": base64.urlsafe_b64encode(uuid.uuid4().bytes * 2).decode().rstrip("="), "principalId": principal.id,
                 "roleDefinitionId": ROLES.get(role, role), "directoryScopeId": scope}
        table.setdefault(principal.id, []).append(entry)
        return entry

    def assign_role(self, principal, role, scope="/"):
        return self._role(self.assignments, principal, role, scope)

    def make_eligible(self, principal, role, scope="/"):
        return self._role(self.eligible, principal, role, scope)

    # -- finding

    def user(self, key):
        """By id, principal name, or the part before the @ in this tenant's first domain; None if there is none."""
        key = key.lower()
        return self.users.get(key) or self.by_upn.get(key) or self.by_upn.get(f"{key}@{self.domain}")

    def group(self, name):
        found = self.by_name.get(name.lower())
        return found[0] if found else self.groups.get(name.lower())

    @property
    def application(self):
        """The first one."""
        return next(iter(self.applications.values()))

    def answers_to(self, name):
        name = name.lower()
        return name == self.id or name in self.domains

    def is_federated(self, user):
        return self.domains.get(user.userPrincipalName.lower().rpartition("@")[2]) == "Federated"

    # -- who is what

    @staticmethod
    def above(principal):
        """The groups a principal belongs to, nested ones too, by id."""
        found, waiting = {}, list(principal.parents)
        while waiting:
            group = waiting.pop()
            if group.id not in found:
                found[group.id] = group
                waiting += group.parents
        return found

    def active_roles(self, user):
        """The roles a user has now, also through groups: role ids."""
        return {entry["roleDefinitionId"] for id in (user.id, *self.above(user)) for entry in self.assignments.get(id, ())}

    def is_protected(self, user):
        """Whom only the two highest roles may reset."""
        return bool(self.active_roles(user)) or any(group.isAssignableToRole for group in self.above(user).values())

    def reach(self, app, user):
        """The directory roles by which a service principal has power over a user: at the root, or by a unit the user is in."""
        def covers(scope):
            return scope == "/" or user.id in self.units.get(scope.rpartition("/administrativeUnits/")[2], ())

        return {e["roleDefinitionId"] for e in self.assignments.get(app.id, ()) if covers(e["directoryScopeId"])}

    # -- passwords

    def accepts(self, user, password):
        names = (user.givenName, user.surname, self.name)
        strong = "DisableStrongPassword" not in (user.passwordPolicies or "")
        return passwords.accepts(password, names, self.settings.banned, strong)

    def set_password(self, user, password, must_change=False):
        with self.lock:
            now = max(int(self.clock()), user.changed + 1)
            user.before = (self.shown_change(user), self.clock() + self.settings.lag)
            user.password, user.must_change, user.changed = password, must_change, now
            user.lastPasswordChangeDateTime = iso(now)
            user.failed, user.locked_until = [], 0

    def shown_change(self, user):
        """lastPasswordChangeDateTime as Graph shows it, which may be behind."""
        if user.before and self.clock() < user.before[1]:
            return user.before[0]
        return user.lastPasswordChangeDateTime

    def sign_in(self, user, password):
        """The number of the AADSTS error that keeps a user with this password out, None for a good sign-in."""
        with self.lock:
            if user.locked_until > self.clock():
                return 50053
            if user.password is None:
                return 50056
            if not hmac.compare_digest(user.password.encode(), password.encode()):
                self._count_failure(user, password)
                return 50126
            user.failed, user.locks = [], 0
            if not user.accountEnabled:
                return 50057
            if user.must_change:
                return 50055
            return 50076 if user.mfa_required else None

    def _count_failure(self, user, password):
        if password in user.failed[-3:]:
            return
        user.failed.append(password)
        if len(user.failed) >= self.settings.lockout_threshold:
            user.locked_until = self.clock() + self.settings.lockout_seconds * 2**user.locks
            user.failed, user.locks = [], user.locks + 1

    def password_is(self, name, password):
        return self.user(name).password == password

    # -- the report of registrations

    def registration(self, user):
        if user.registration:
            return user.registration
        methods = [kind for kind, value in (("mobilePhone", (user.phones or {}).get("mobile")),
                                            ("officePhone", (user.phones or {}).get("office")), ("email", user.email)) if value]
        registered = len(methods) >= self.settings.sspr_required
        enabled = not self.settings.sspr_scope or self.settings.sspr_scope in self.above(user)
        return {"isAdmin": bool(self.active_roles(user)), "isSsprRegistered": registered, "isSsprEnabled": enabled,
                "isSsprCapable": registered and enabled, "methodsRegistered": methods}

    def note(self, what, **details):
        self.audit.append({"time": self.clock(), "what": what, **details})

    # -- as JSON

    def to_json(self):
        def flat(thing, *without):
            return {f.name: getattr(thing, f.name) for f in dataclasses.fields(thing) if f.name not in without}

        return {
            "name": self.name, "id": self.id, "domains": self.domains, "settings": dataclasses.asdict(self.settings),
            "users": [flat(user, "parents", "before") for user in self.users.values()],
            "groups": [{**flat(g, "parents", "members"), "members": list(g.members)} for g in self.groups.values()],
            "applications": [flat(app) for app in self.applications.values()],
            "assignments": self.assignments, "eligible": self.eligible,
            "units": {unit: sorted(members) for unit, members in self.units.items()},
        }

    @classmethod
    def from_json(cls, data):
        tenant = cls(data["name"], next(iter(data["domains"])), id=data["id"], **data["settings"])
        tenant.domains = dict(data["domains"])
        for row in data["users"]:
            user = User(**row)
            tenant.users[user.id] = tenant.by_upn[user.userPrincipalName.lower()] = user
        for row in data["groups"]:
            row = {key: value for key, value in row.items() if key != "members"}
            tenant.add_group(row.pop("displayName"), **row)
        for row in data["groups"]:
            for id in row["members"]:
                tenant.add_member(tenant.groups[row["id"]], tenant.users.get(id) or tenant.groups[id])
        tenant.applications = {row["appId"]: Application(**row) for row in data["applications"]}
        tenant.assignments, tenant.eligible = dict(data["assignments"]), dict(data["eligible"])
        tenant.units = {unit: set(members) for unit, members in data["units"].items()}
        return tenant


def save(tenants, path):
    with open(path, "w") as f:
        json.dump([tenant.to_json() for tenant in tenants], f)


def load(path):
    with open(path) as f:
        return [Tenant.from_json(data) for data in json.load(f)]


# -- the tenant of the story

OLD = "Autumn-forgotten-41"


def add_sample_application(tenant, name="pam_sspr", roles=PERMISSIONS, certificate=True):
    from certificates import make_application_certificate

    app = tenant.add_application(name, roles)
    app.secret = app.add_secret("s3cret~of.the_" + guid(f"secret:{tenant.id}:{name}"))
    if certificate:
        app.certificate_pem, app.key_pem = (pem.decode() for pem in make_application_certificate(name))
        app.add_certificate(app.certificate_pem)
    return app


def sample(name="Contoso", domain="contoso.lab", certificate=True, **settings):
    """Contoso, as in Microsoft's own SSPR lab: the group SSPRTesters may reset, MonicaT is in it, LeeG is not."""
    tenant = Tenant(name, domain, **settings)
    initial = f"{domain.split('.')[0]}.onmicrosoft.lab"
    tenant.add_domain(initial)
    tenant.add_domain("fed.lab", "Federated")

    def add(nick, given, surname, **properties):
        properties.setdefault("mail", f"{nick.lower()}@{tenant.domain}")
        return tenant.add_user(nick, properties.pop("password", OLD), displayName=f"{given} {surname}", givenName=given,
                               surname=surname, **properties)

    monica = add("MonicaT", "Monica", "Thompson", email="monica@lab", phones={"mobile": "+1 4255550101"},
                 mobilePhone="+1 4255550101", otherMails=["monica@lab"])
    add("LeeG", "Lee", "Gu", email="lee@lab")
    nina = add("NinaN", "Nina", "Novak", email="nina@lab")
    guest = add("guest_lab#EXT#@" + initial, "Grady", "Guest", password=None, userType="Guest", email="guest@lab", mail="guest@lab")
    diana = add("DianaD", "Diana", "Dorn", accountEnabled=False, email="diana@lab")
    sam = add("SamS", "Sam", "Stone", onPremisesSyncEnabled=True, email="sam@lab")
    felix = add("FeliX@fed.lab", "Felix", "Xenakis", password=None, email="felix@lab")
    ada = add("AdaA", "Ada", "Adler", email="ada@lab")
    pim = add("PimP", "Pim", "Peters", email="pim@lab")
    roland = add("RolandR", "Roland", "Reed", email="roland@lab")
    inner = tenant.add_group("SSPR inner", [nina])
    tenant.add_group("SSPRTesters", [monica, inner, guest, diana, sam, felix, ada, pim, roland])
    tenant.add_group("Role holders", [roland], isAssignableToRole=True)
    tenant.assign_role(ada, "User Administrator")
    tenant.make_eligible(pim, "Helpdesk Administrator")
    add_sample_application(tenant, certificate=certificate)
    return tenant


def add_crowd(tenant, users, group="SSPRTesters", nests=50):
    """That many users more, user000000 and on; each second one is in one of the groups inside that group."""
    outer = tenant.group(group)
    inner = [tenant.add_group(f"{group} part {n}") for n in range(nests)]
    for inside in inner:
        tenant.add_member(outer, inside)
    for n in range(users):
        nick = f"user{n:06}"
        user = tenant.add_user(nick, OLD, givenName="User", surname=f"N{n:06}", mail=f"{nick}@{tenant.domain}", email=f"{nick}@lab",
                               phones={"mobile": f"+1 425{n:07}"})
        if n % 2 == 0:
            tenant.add_member(inner[n // 2 % nests], user)


if __name__ == "__main__":
    from service import main

    main()
