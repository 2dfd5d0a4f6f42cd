# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Graph host: the calls of Microsoft Graph v1.0 that have to do with a reset, each with the permissions that its page names."""

import json
import re
import time
from urllib.parse import parse_qsl, quote, unquote

import batch
import tokens
from tenant import EMAIL, PASSWORD, PHONES, RESETS_ALL, RESETS_USERS, guid
from transport import Answer

JSON = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
GOOD = {"Cache-Control": "no-cache", "x-ms-resource-unit": "1", "OData-Version": "4.0", "Content-Type": JSON}
WRONG = {"Cache-Control": "no-cache", "x-ms-resource-unit": "1", "Content-Type": "application/json"}
DIAGNOSTIC = ('{"ServerInfo":{"DataCenter":"West Europe","Slice":"E","Ring":"5","ScaleUnit":"001",'
              '"RoleInstance":"AM2PEPF00000001"}}')
text_of = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

USER = set("""
aboutMe accountEnabled ageGroup assignedLicenses assignedPlans authorizationInfo birthday businessPhones city companyName
consentProvidedForMinor country createdDateTime creationType customSecurityAttributes deletedDateTime department
deviceEnrollmentLimit displayName employeeHireDate employeeId employeeLeaveDateTime employeeOrgData employeeType externalUserState
externalUserStateChangeDateTime faxNumber givenName hireDate id identities identityParentId imAddresses interests
isManagementRestricted isResourceAccount jobTitle lastPasswordChangeDateTime legalAgeGroupClassification licenseAssignmentStates
mail mailNickname mailboxSettings mobilePhone mySite officeLocation onPremisesDistinguishedName onPremisesDomainName
onPremisesExtensionAttributes onPremisesImmutableId onPremisesLastSyncDateTime onPremisesProvisioningErrors
onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled onPremisesUserPrincipalName otherMails passwordPolicies
passwordProfile pastProjects postalCode preferredDataLocation preferredLanguage preferredName print provisionedPlans proxyAddresses
responsibilities schools securityIdentifier serviceProvisioningErrors showInAddressList signInActivity
signInSessionsValidFromDateTime skills state streetAddress surname usageLocation userPrincipalName userType""".split())
USER_LISTS = set("""assignedLicenses assignedPlans identities imAddresses interests licenseAssignmentStates
onPremisesProvisioningErrors pastProjects provisionedPlans proxyAddresses responsibilities schools serviceProvisioningErrors
skills""".split())
USER_NEVER_NULL = {"birthday": "0001-01-01T00:00:00Z", "hireDate": "0001-01-01T00:00:00Z", "deviceEnrollmentLimit": 5}
USER_DEFAULT = ("businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation", "preferredLanguage",
                "surname", "userPrincipalName", "id")
GROUP = set("""
accessType allowExternalSenders assignedLabels assignedLicenses autoSubscribeNewMembers classification createdDateTime
deletedDateTime description displayName expirationDateTime groupTypes hasMembersWithLicenseErrors hideFromAddressLists
hideFromOutlookClients id infoCatalogs isArchived isAssignableToRole isFavorite isManagementRestricted isSubscribedByMail
licenseProcessingState mail mailEnabled mailNickname membershipRule membershipRuleProcessingState onPremisesDomainName
onPremisesLastSyncDateTime onPremisesNetBiosName onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled
preferredDataLocation preferredLanguage proxyAddresses renewedDateTime resourceBehaviorOptions resourceProvisioningOptions
securityEnabled securityIdentifier serviceProvisioningErrors theme uniqueName visibility""".split())
GROUP_LISTS = set("""assignedLabels assignedLicenses groupTypes infoCatalogs proxyAddresses resourceBehaviorOptions
resourceProvisioningOptions serviceProvisioningErrors""".split())
GROUP_DEFAULT = ("id", "deletedDateTime", "classification", "createdDateTime", "description", "displayName", "expirationDateTime",
                 "groupTypes", "isAssignableToRole", "mail", "mailEnabled", "mailNickname", "membershipRule",
                 "membershipRuleProcessingState", "onPremisesLastSyncDateTime", "onPremisesSyncEnabled", "preferredDataLocation",
                 "preferredLanguage", "proxyAddresses", "renewedDateTime", "securityEnabled", "securityIdentifier", "theme",
                 "visibility")
DOMAIN_DEFAULT = ("authenticationType", "availabilityStatus", "id", "isAdminManaged", "isDefault", "isInitial", "isRoot", "isVerified",
                  "supportedServices", "passwordValidityPeriodInDays", "passwordNotificationWindowInDays", "state")

# What a call needs: any one of these sets of application permissions.
READ_USER = ({"User.Read.All"}, {"User.ReadWrite.All"}, {"Directory.Read.All"}, {"Directory.ReadWrite.All"})
READ_MEMBERSHIP = ({"User.Read.All", "GroupMember.Read.All"}, {"User.Read.All", "Group.Read.All"}, {"Directory.Read.All"},
                   {"Directory.ReadWrite.All"})
READ_ABOVE = (*READ_USER, {"GroupMember.Read.All"}, {"Group.Read.All"})
READ_GROUP = ({"GroupMember.Read.All"}, {"Group.Read.All"}, {"Group.ReadWrite.All"}, {"GroupMember.ReadWrite.All"},
              {"Directory.Read.All"}, {"Directory.ReadWrite.All"})
READ_ROLES = ({"RoleManagement.Read.Directory"}, {"RoleManagement.Read.All"}, {"RoleManagement.ReadWrite.Directory"},
              {"Directory.Read.All"}, {"Directory.ReadWrite.All"})
READ_ELIGIBLE = ({"RoleEligibilitySchedule.Read.Directory"}, {"RoleEligibilitySchedule.ReadWrite.Directory"},
                 {"RoleManagement.Read.Directory"}, {"RoleManagement.Read.All"}, {"RoleManagement.ReadWrite.Directory"})
READ_DOMAIN = ({"Domain.Read.All"}, {"Domain.ReadWrite.All"}, {"Directory.Read.All"}, {"Directory.ReadWrite.All"})
READ_METHODS = ({"UserAuthenticationMethod.Read.All"}, {"UserAuthenticationMethod.ReadWrite.All"})
READ_PHONES = (*READ_METHODS, {"UserAuthMethod-Phone.Read.All"}, {"UserAuthMethod-Phone.ReadWrite.All"})
READ_EMAILS = (*READ_METHODS, {"UserAuthMethod-Email.Read.All"}, {"UserAuthMethod-Email.ReadWrite.All"})
READ_REPORT = ({"AuditLog.Read.All"},)
REVOKE = ({"User.RevokeSessions.All"}, {"User.ReadWrite.All"}, {"Directory.ReadWrite.All"})
SEND_MAIL = ({"Mail.Send"},)
WRITE_USER = ({"User.ReadWrite.All"}, {"Directory.ReadWrite.All"})

DENIED = "Insufficient privileges to complete the operation."
NOT_COMPLEX = "The specified password does not comply with password complexity requirements. Please provide a different password."
SYNCED = ("Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing "
          "migration.")
ADVANCED = ("Request with $filter or a cast on this property needs the advanced query capabilities: header ConsistencyLevel: eventual "
            "and $count=true.")


class GraphError(Exception):
    def __init__(self, status, code, message, headers=None):
        super().__init__(code)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}


def bad(message, code="Request_BadRequest"):
    return GraphError(400, code, message)


def denied(message=DENIED):
    return GraphError(403, "Authorization_RequestDenied", message)


def missing(what):
    return GraphError(404, "Request_ResourceNotFound",
                      f"Resource '{what}' does not exist or one of its queried reference-property objects are not present.")


class Call:
    """One request, taken apart. names: the parts of the path that are not fixed."""

    def __init__(self, graph, r, path, query):
        self.graph, self.r, self.path, self.raw_query = graph, r, path, query
        self.query = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
        self.tenant, self.claims, self.names = r.tenant, r.claims, ()
        self.permissions = set(r.claims.get("roles", ())) or set(r.claims.get("scp", "").split())

    @property
    def app(self):
        return self.tenant.applications.get(self.claims["appid"])

    @property
    def app_only(self):
        return self.claims.get("idtyp") == "app"

    def allow(self, permits):
        if not any(needed <= self.permissions for needed in permits):
            raise denied()

    def find_user(self, key):
        tenant = self.tenant
        user = tenant.users.get(key.lower()) or tenant.by_upn.get(key.lower())
        if not user:
            raise missing(key)
        return user

    def user(self):
        return self.find_user(self.names[0])

    def json(self):
        kind = self.r.headers.get("content-type")
        if not kind:
            raise bad("Write requests (excluding DELETE) must contain the Content-Type header declaration.", "BadRequest")
        try:
            if not kind.lower().startswith("application/json"):
                raise ValueError(kind)
            return json.loads(self.r.body)
        except ValueError as e:
            raise bad("Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON "
                      "format.", "BadRequest") from e

    def parameters(self, **kinds):
        """The body of an action: an object with these parameters and no others."""
        body = self.json()
        if not isinstance(body, dict):
            raise bad("The body must be an object.", "BadRequest")
        for name, value in body.items():
            if name not in kinds:
                raise bad(f"The parameter '{name}' in the request payload is not a valid parameter for the operation.", "BadRequest")
            if not isinstance(value, kinds[name]):
                raise bad(f"Cannot convert the value of '{name}' to the expected type.", "BadRequest")
        return body

    def selected(self, known, kind, default):
        """The properties to be shown, and how @odata.context tells them."""
        if "$select" not in self.query:
            return default, ""
        names = [name.strip() for name in self.query["$select"].split(",")]
        for name in names:
            if name not in known:
                raise bad(f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type "
                          f"'microsoft.graph.{kind}'.", "BadRequest")
        return names, f"({','.join(names)})"

    def context(self, what):
        return f"{self.graph.service.graph_url}/v1.0/$metadata#{what}"

    def collection(self, context, items, **more):
        """A page of a list."""
        settings = self.tenant.settings
        size = self.top() or settings.page_size or 100
        page = self.page_number()
        first = (page - settings.empty_pages) * size
        body = {"@odata.context": self.context(context), **more}
        if first + size < len(items) or first < 0:
            body["@odata.nextLink"] = self.next_link(page + 1)
        body["value"] = items[first : first + size] if first >= 0 else []
        return body

    def top(self):
        text = self.query.get("$top", "0")
        if not text.isdigit() or int(text) > 999:
            raise bad("Invalid page size specified: it must be from 1 to 999.")
        return int(text)

    def page_number(self):
        token = self.query.get("$skiptoken", "p0")
        if not re.fullmatch(r"p\d{1,6}", token):
            raise bad("The specified page token is not valid.", "Directory_ExpiredPageToken")
        return int(token[1:])

    def next_link(self, page):
        base = self.tenant.settings.next_link or self.graph.service.graph_url
        rest = [part for part in self.raw_query.split("&") if part and not unquote(part).startswith("$skiptoken=")]
        return f"{base}/v1.0{quote(self.path, safe='/().')}?{'&'.join([*rest, f'$skiptoken=p{page}'])}"


def pick(thing, names, lists):
    return {name: getattr(thing, name, [] if name in lists else None) for name in names}


def show_user(call, user, names):
    shown = pick(user, names, USER_LISTS)
    if "lastPasswordChangeDateTime" in shown:
        shown["lastPasswordChangeDateTime"] = call.tenant.shown_change(user)
    if "mailNickname" in shown:
        shown["mailNickname"] = user.userPrincipalName.partition("@")[0]
    for name in USER_NEVER_NULL.keys() & shown.keys():
        shown[name] = USER_NEVER_NULL[name]
    return shown


# -- users


def get_user(call):
    call.allow(READ_USER)
    names, told = call.selected(USER, "user", USER_DEFAULT)
    return {"@odata.context": call.context(f"users{told}/$entity"), **show_user(call, call.user(), names)}


def list_users(call):
    call.allow(READ_USER)
    names, told = call.selected(USER, "user", USER_DEFAULT)
    field, value = equals(call, "userPrincipalName", "mail", "displayName", "id")
    users = call.tenant.users.values() if field is None else matching_users(call, field, value)
    return call.collection(f"users{told}", [show_user(call, user, names) for user in users])


def matching_users(call, field, value):
    if field == "userPrincipalName":
        user = call.tenant.by_upn.get(value.lower())
        return [user] if user else []
    return [user for user in call.tenant.users.values() if (getattr(user, field) or "").lower() == value.lower()]


def get_me(call):
    if call.app_only:
        raise bad("/me request is only valid with delegated authentication flow.", "BadRequest")
    names, told = call.selected(USER, "user", USER_DEFAULT)
    user = call.find_user(call.claims["oid"])
    return {"@odata.context": call.context(f"users{told}/$entity"), **show_user(call, user, names)}


def change_own_password(call):
    get_me(call)
    body = call.parameters(currentPassword=str, newPassword=str)
    user = call.find_user(call.claims["oid"])
    if call.tenant.sign_in(user, body.get("currentPassword", "")):
        raise bad("Specified password does not match the current password.")
    if not call.tenant.accepts(user, body.get("newPassword", "")):
        raise bad(NOT_COMPLEX)
    call.tenant.set_password(user, body["newPassword"])


def update_user(call):
    profile_of = call.json()
    if not isinstance(profile_of, dict) or not profile_of:
        raise bad("The body must be an object.", "BadRequest")
    for name in profile_of:
        if name not in USER:
            raise bad(f"Invalid property '{name}'.")
    if "passwordProfile" in profile_of:
        user = may_write_password(call)
        update_password(call, user, profile_of.pop("passwordProfile"))
    if profile_of:
        update_properties(call, profile_of)


def may_write_password(call):
    """The user, if this application may write the password."""
    tenant, permission = call.tenant, "User-PasswordProfile.ReadWrite.All" in call.permissions
    user = tenant.users.get(call.names[0].lower()) or tenant.by_upn.get(call.names[0].lower())
    if not user:
        if permission or call.app and tenant.assignments.get(call.app.id):
            raise missing(call.names[0])
        raise denied()
    roles = tenant.reach(call.app, user) if call.app_only else set()
    if not roles & RESETS_USERS and (not permission or tenant.settings.role_needed or not call.app_only):
        raise denied()
    if tenant.settings.protects_admins and tenant.is_protected(user) and not roles & RESETS_ALL:
        raise denied()
    return user


def update_password(call, user, profile):
    tenant = call.tenant
    force = check_profile(profile)
    if tenant.is_federated(user):
        raise bad("The property passwordProfile cannot be used for federated users.")
    if user.onPremisesSyncEnabled:
        raise bad(SYNCED)
    if "password" not in profile:
        user.must_change = force
    elif not tenant.accepts(user, profile["password"]):
        raise bad(NOT_COMPLEX)
    else:
        tenant.set_password(user, profile["password"], force)
    tenant.note("password written", user=user.userPrincipalName, app=call.claims["appid"])


def check_profile(profile):
    """Whether the user must change the password at the next sign-in, which is so unless the profile says no."""
    if not isinstance(profile, dict) or not profile:
        raise bad("Invalid value specified for property 'passwordProfile' of resource 'User'.")
    kinds = {"password": str, "forceChangePasswordNextSignIn": bool, "forceChangePasswordNextSignInWithMfa": bool}
    for name, value in profile.items():
        if name not in kinds:
            raise bad(f"Invalid property '{name}'.")
        if not isinstance(value, kinds[name]):
            raise bad(f"Invalid value specified for property '{name}' of resource 'User'.")
    return profile.get("forceChangePasswordNextSignIn", True) or profile.get("forceChangePasswordNextSignInWithMfa", False)


def update_properties(call, properties):
    call.allow(WRITE_USER)
    user = call.user()
    if user.onPremisesSyncEnabled:
        raise bad(SYNCED)
    for name, value in properties.items():
        if name not in type(user).__slots__ or name in ("id", "lastPasswordChangeDateTime"):
            raise bad(f"Property '{name}' is read-only and cannot be set.")
        setattr(user, name, value)


def revoke_sessions(call):
    call.allow(REVOKE)
    user = call.user()
    if user.userType != "Guest":
        user.sessions_from = call.tenant.clock()
    call.tenant.revoked.append(user.userPrincipalName)
    return {"@odata.context": call.context("Edm.Boolean"), "value": True}


# -- memberships


def check_groups(call):
    call.allow(READ_MEMBERSHIP)
    user, ids = call.user(), call.parameters(groupIds=list).get("groupIds")
    if not ids or len(ids) > 20:
        raise bad("The number of values in 'groupIds' must be from 1 to 20.")
    if not all(isinstance(id, str) and is_guid(id) for id in ids):
        raise bad("Invalid object identifier in 'groupIds'.")
    above = call.tenant.above(user)
    return {"@odata.context": call.context("Collection(Edm.String)"), "value": [id for id in ids if id.lower() in above]}


def get_groups(call):
    call.allow(READ_MEMBERSHIP)
    user, body = call.user(), call.parameters(securityEnabledOnly=bool)
    above = call.tenant.above(user).values()
    only = body.get("securityEnabledOnly", False)
    return {"@odata.context": call.context("Collection(Edm.String)"),
            "value": [group.id for group in above if group.securityEnabled or not only]}


def list_above(call):
    """transitiveMemberOf and memberOf, cast to groups: only as an advanced query."""
    call.allow(READ_ABOVE)
    if call.r.headers.get("consistencylevel", "").lower() != "eventual" or call.query.get("$count", "").lower() != "true":
        raise bad(ADVANCED, "Request_UnsupportedQuery")
    user = call.user()
    direct = call.names[1].lower() == "memberof"
    groups = user.parents if direct else call.tenant.above(user).values()
    names, told = call.selected(GROUP, "group", GROUP_DEFAULT)
    groups = [group for group in groups if filter_group(call, group)]
    return call.collection(f"groups{told}", [pick(group, names, GROUP_LISTS) for group in groups],
                           **{"@odata.count": len(groups)})


def list_member_of(call):
    """Groups and administrative units a user is in itself; of what an application may not read there is no more than this."""
    call.allow(READ_ABOVE)
    user = call.user()
    units = [unit for unit, members in call.tenant.units.items() if user.id in members]
    items = [{"@odata.type": "#microsoft.graph.group", "id": group.id} for group in user.parents]
    items += [{"@odata.type": "#microsoft.graph.administrativeUnit", "id": unit} for unit in units]
    return call.collection("directoryObjects(id)", items)


def filter_group(call, group):
    text = call.query.get("$filter")
    if text is None:
        return True
    found = re.fullmatch(r"(isAssignableToRole|securityEnabled|mailEnabled) eq (true|false)", text.strip())
    if found:
        return bool(getattr(group, found[1])) == (found[2] == "true")
    field, value = equals(call, "displayName", "id")
    return getattr(group, field).lower() == value.lower()


def is_guid(text):
    return re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text)


def equals(call, *fields):
    """Field and value of a filter of the form: field eq 'value'. A quote within the value is doubled."""
    text = call.query.get("$filter")
    if text is None:
        return None, None
    found = re.fullmatch(r"(\w+) eq '((?:[^']|'')*)'", text.strip())
    if not found:
        raise bad(f"Invalid filter clause: Syntax error in '{text}'.", "BadRequest")
    if found[1] not in fields:
        raise bad(f"Unsupported or invalid query filter clause specified for property '{found[1]}' of resource.",
                  "Request_UnsupportedQuery")
    return found[1], found[2].replace("''", "'")


def get_group(call):
    call.allow(READ_GROUP)
    names, told = call.selected(GROUP, "group", GROUP_DEFAULT)
    if not is_guid(call.names[0]):
        raise bad(f"Invalid object identifier '{call.names[0]}'.")
    group = call.tenant.groups.get(call.names[0].lower())
    if not group:
        raise missing(call.names[0])
    return {"@odata.context": call.context(f"groups{told}/$entity"), **pick(group, names, GROUP_LISTS)}


def list_groups(call):
    call.allow(READ_GROUP)
    names, told = call.selected(GROUP, "group", GROUP_DEFAULT)
    field, value = equals(call, "displayName", "mailNickname", "mail")
    groups = call.tenant.groups.values()
    if field == "displayName":
        groups = call.tenant.by_name.get(value.lower(), ())
    elif field:
        groups = [group for group in groups if (getattr(group, field) or "").lower() == value.lower()]
    return call.collection(f"groups{told}", [pick(group, names, GROUP_LISTS) for group in groups])


def get_domain(call):
    call.allow(READ_DOMAIN)
    name = call.names[0].lower()
    kind = call.tenant.domains.get(name)
    if not kind:
        raise missing(call.names[0])
    first = name == call.tenant.domain
    domain = {"authenticationType": kind, "availabilityStatus": None, "id": name, "isAdminManaged": True, "isDefault": first,
              "isInitial": ".onmicrosoft." in name, "isRoot": True, "isVerified": True, "supportedServices": ["Email"],
              "passwordValidityPeriodInDays": 2147483647, "passwordNotificationWindowInDays": 14, "state": None}
    names, told = call.selected((*DOMAIN_DEFAULT, "manufacturer", "model"), "domain", DOMAIN_DEFAULT)
    return {"@odata.context": call.context(f"domains{told}/$entity"), **{n: domain.get(n) for n in names}}


# -- roles


def list_assignments(call):
    call.allow(READ_ROLES)
    entries = role_entries(call, call.tenant.assignments)
    return call.collection("roleManagement/directory/roleAssignments", entries)


def list_eligible(call):
    if call.tenant.settings.field_errors and not any(needed <= call.permissions for needed in READ_ELIGIBLE):
        raise GraphError(403, "UnknownError", text_of({
            "errorCode": "PermissionScopeNotGranted", "instanceAnnotations": [],
            "message": "Authorization failed due to missing permission scope RoleEligibilitySchedule.Read.Directory."}))
    call.allow(READ_ELIGIBLE)
    if call.tenant.settings.licence != "P2":
        raise bad("The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.",
                  "AadPremiumLicenseRequired")
    entries = [{**entry, "appScopeId": None, "startDateTime": "2026-01-01T00:00:00Z", "endDateTime": None, "memberType": "Direct",
                "roleEligibilityScheduleId": guid(entry["id"])} for entry in role_entries(call, call.tenant.eligible)]
    return call.collection("roleManagement/directory/roleEligibilityScheduleInstances", entries)


def role_entries(call, table):
    field, value = equals(call, "principalId", "roleDefinitionId")
    if field == "principalId":
        return table.get(value.lower(), [])
    every = [entry for entries in table.values() for entry in entries]
    return [entry for entry in every if field is None or entry[field] == value.lower()]


# -- authentication methods


def allow_methods(call, permits):
    if call.tenant.settings.field_errors and not any(needed <= call.permissions for needed in permits):
        raise GraphError(403, "accessDenied", "Request Authorization failed")
    call.allow(permits)


def phones_of(user):
    return [{"id": PHONES[kind], "phoneNumber": number, "phoneType": kind,
             "smsSignInState": "notEnabled" if kind == "mobile" else "notSupported"} for kind, number in (user.phones or {}).items()]


def emails_of(user):
    return [{"id": EMAIL, "emailAddress": user.email}] if user.email else []


def list_phones(call):
    allow_methods(call, READ_PHONES)
    user = call.user()
    return call.collection(f"users('{user.id}')/authentication/phoneMethods", phones_of(user))


def list_emails(call):
    allow_methods(call, READ_EMAILS)
    user = call.user()
    return call.collection(f"users('{user.id}')/authentication/emailMethods", emails_of(user))


def list_methods(call):
    allow_methods(call, READ_METHODS)
    user = call.user()
    typed = [("password", {"id": PASSWORD, "password": None, "createdDateTime": call.tenant.shown_change(user)})]
    typed += [("phone", phone) for phone in phones_of(user)] + [("email", email) for email in emails_of(user)]
    value = [{"@odata.type": f"#microsoft.graph.{kind}AuthenticationMethod", **method} for kind, method in typed]
    return call.collection(f"users('{user.id}')/authentication/methods", value + (user.methods or []))


def list_oath(call):
    allow_methods(call, READ_METHODS)
    user = call.user()
    kind = "#microsoft.graph.softwareOathAuthenticationMethod"
    value = [{"id": method["id"], "secretKey": None} for method in user.methods or () if method["@odata.type"] == kind]
    return call.collection(f"users('{user.id}')/authentication/softwareOathMethods", value)


def reset_password(call):
    """Delegated only, and no delegated caller of ours has the role for it."""
    raise denied()


def get_registration(call):
    call.allow(READ_REPORT)
    if call.tenant.settings.throttle_reports:
        call.graph.throttle(call)
    if call.tenant.settings.licence == "free":
        raise GraphError(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
                         "Neither tenant is B2C or tenant doesn't have premium license")
    if "$select" in call.query:
        raise bad("The query parameter '$select' is not supported.", "BadRequest")
    user = call.user()
    details = {"id": user.id, "userPrincipalName": user.userPrincipalName, "userDisplayName": user.displayName,
               "userType": user.userType.lower(), "isAdmin": False, "isSsprRegistered": False, "isSsprEnabled": False,
               "isSsprCapable": False, "isMfaRegistered": False, "isMfaCapable": False, "isPasswordlessCapable": False,
               "methodsRegistered": [], "isSystemPreferredAuthenticationMethodEnabled": False,
               "systemPreferredAuthenticationMethods": [], "userPreferredMethodForSecondaryAuthentication": "none",
               "lastUpdatedDateTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600)),
               **call.tenant.registration(user)}
    if call.tenant.settings.wrapped_registration:
        return {"value": details}
    return {"@odata.context": call.context("reports/authenticationMethods/userRegistrationDetails/$entity"), **details}


# -- mail


def send_mail(call):
    call.allow(SEND_MAIL)
    sender, body = call.user(), call.json()
    body = {key[:1].lower() + key[1:]: value for key, value in body.items()} if isinstance(body, dict) else {}
    message = body.get("message")
    if set(body) - {"message", "saveToSentItems"} or not isinstance(message, dict):
        raise bad("The request body is not of the form that sendMail takes.", "ErrorInvalidRequest")
    if not isinstance(body.get("saveToSentItems", True), bool):
        raise bad("Cannot convert the value of 'SaveToSentItems' to Edm.Boolean.", "RequestBodyRead")
    allowed = call.app.mailboxes if call.app_only else [sender.userPrincipalName]
    if allowed is not None and sender.userPrincipalName.lower() not in [name.lower() for name in allowed]:
        raise GraphError(403, "ErrorAccessDenied",
                         "Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.")
    if not sender.mail:
        raise GraphError(404, "ErrorInvalidUser", f"The requested user '{sender.userPrincipalName}' is invalid.")
    addresses = recipients(message)
    call.tenant.sent.append({"from": sender.userPrincipalName, "to": addresses, "message": message,
                             "saved": body.get("saveToSentItems", True)})
    return Answer(202, None, {"Cache-Control": "no-cache"})


def recipients(message):
    """The addresses a message goes to; refuses a message that is none."""
    found = []
    for field in ("toRecipients", "ccRecipients", "bccRecipients"):
        for entry in message.get(field, ()):
            address = entry.get("emailAddress", {}).get("address") if isinstance(entry, dict) else None
            if not isinstance(address, str) or not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
                raise bad("At least one recipient is not valid.", "ErrorInvalidRecipients")
            found.append(address)
    body = message.get("body", {})
    if not found:
        raise bad("At least one recipient is not valid.", "ErrorInvalidRecipients")
    if not isinstance(body, dict) or str(body.get("contentType", "text")).lower() not in ("text", "html"):
        raise bad("Cannot convert the value of 'contentType' to the enumeration 'bodyType'.", "RequestBodyRead")
    return found


# -- the host

ROUTES = [
    ("GET", "users", list_users),
    ("GET", "users/*", get_user),
    ("PATCH", "users/*", update_user),
    ("POST", "users/*/checkMemberGroups", check_groups),
    ("POST", "users/*/getMemberGroups", get_groups),
    ("GET", "users/*/(transitiveMemberOf|memberOf)/(?:microsoft\\.)?graph\\.group", list_above),
    ("GET", "users/*/memberOf", list_member_of),
    ("POST", "users/*/revokeSignInSessions", revoke_sessions),
    ("POST", "users/*/sendMail", send_mail),
    ("GET", "users/*/authentication/phoneMethods", list_phones),
    ("GET", "users/*/authentication/emailMethods", list_emails),
    ("GET", "users/*/authentication/softwareOathMethods", list_oath),
    ("GET", "users/*/authentication/methods", list_methods),
    ("POST", f"users/*/authentication/methods/{PASSWORD}/resetPassword", reset_password),
    ("GET", "groups", list_groups),
    ("GET", "groups/*", get_group),
    ("GET", "domains/*", get_domain),
    ("GET", "roleManagement/directory/roleAssignments", list_assignments),
    ("GET", "roleManagement/directory/roleEligibilityScheduleInstances", list_eligible),
    ("GET", "reports/authenticationMethods/userRegistrationDetails/*", get_registration),
    ("GET", "me", get_me),
    ("POST", "me/changePassword", change_own_password),
]


def compile_routes():
    """By the number of parts of the path, so that few are tried."""
    table = {}
    for method, pattern, what in ROUTES:
        expression = re.compile("/" + pattern.replace("*", "([^/]+)"), re.I)
        table.setdefault(pattern.count("/") + 1, []).append((method, expression, what))
    return table


class Graph:
    routes = compile_routes()

    def __init__(self, service):
        self.service = service
        self.verified = {}  # token: its claims
        self.reports = {}  # application: when it asked for reports

    def handle(self, r):
        """The answer to a request of its own."""
        answer = self.perform(r)
        self.add_headers(r, answer)
        return answer

    @staticmethod
    def add_headers(r, answer):
        answer.headers = {
            **answer.headers, "Strict-Transport-Security": "max-age=31536000", "request-id": r.id,
            "client-request-id": r.headers.get("client-request-id", r.id), "x-ms-ags-diagnostic": DIAGNOSTIC,
        }

    def perform(self, r):
        """The answer to a request, or to an item of a batch."""
        try:
            if r.claims is None:
                self.authenticate(r)
            path, _, query = r.path.partition("#")[0].partition("?")
            path = unquote(path)
            if not path.startswith("/v1.0/"):
                raise bad("Invalid version: " + path.strip("/").partition("/")[0], "BadRequest")
            return self.route(r, path[5:], query)
        except GraphError as error:
            return self.error(r, error)

    def route(self, r, path, query):
        if path == "/$batch" and not r.within:
            if r.method != "POST":
                raise self.not_allowed()
            return batch.answer(self, r)
        call, found = Call(self, r, path, query), False
        for method, expression, what in self.routes.get(path.count("/"), ()):
            match = expression.fullmatch(path)
            if match and method == r.method:
                call.names = match.groups()
                return self.result(what(call))
            found = found or bool(match)
        raise self.not_allowed() if found else bad(f"Resource not found for the segment '{path.rpartition('/')[2]}'.", "BadRequest")

    @staticmethod
    def not_allowed():
        return GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")

    @staticmethod
    def result(body):
        if isinstance(body, Answer):
            return body
        if body is None:
            return Answer(204, None, {"Cache-Control": "no-cache", "x-ms-resource-unit": "1"})
        return Answer(200, text_of(body).encode(), GOOD)

    @staticmethod
    def error(r, error):
        inner = {"date": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()), "request-id": r.id,
                 "client-request-id": r.headers.get("client-request-id", r.id)}
        body = {"error": {"code": error.code, "message": error.message, "innerError": inner}}
        return Answer(error.status, text_of(body).encode(), {**WRONG, **error.headers})

    # -- tokens

    def authenticate(self, r):
        scheme, _, token = r.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise self.unauthenticated("Access token is empty.")
        claims = self.verified.get(token)
        if claims is None:
            claims = self.verify(token)
            if len(self.verified) > 10000:
                self.verified.clear()
            self.verified[token] = claims
        tenant = self.service.tenant_of(claims.get("tid"))
        if not tenant or claims["iss"] != f"https://sts.windows.net/{tenant.id}/":
            raise self.unauthenticated("Access token validation failure. Invalid tenant.")
        if not claims["nbf"] <= tenant.clock() < claims["exp"]:
            raise self.unauthenticated("Lifetime validation failed, the token is expired.")
        if claims["iat"] + tenant.settings.backdate < tenant.tokens_from:
            raise self.unauthenticated("Continuous access evaluation resulted in challenge with result: InteractionRequired and code: "
                                       "TokenCreatedWithOutdatedPolicies", "TokenCreatedWithOutdatedPolicies")
        r.tenant, r.claims = tenant, claims

    def verify(self, token):
        for signer in self.service.signers:
            try:
                claims = signer.verify(token)
                break
            except tokens.Invalid as e:
                why = e
        else:
            raise self.unauthenticated(f"Invalid JWT access token: {why}.")
        if claims.get("aud") not in self.service.audiences:
            raise self.unauthenticated("Access token validation failure. Invalid audience.")
        return claims

    def unauthenticated(self, message, challenge=None):
        value = f'Bearer realm="", authorization_uri="{self.service.login_url}/common/oauth2/authorize", ' \
                'client_id="00000003-0000-0000-c000-000000000000"'
        if challenge:
            value += ', error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
        return GraphError(401, "InvalidAuthenticationToken", message, {"WWW-Authenticate": value})

    def throttle(self, call):
        """Reports: 5 requests in 10 s for an application in a tenant."""
        now = time.monotonic()
        recent = [t for t in self.reports.get((call.tenant.id, call.claims["appid"]), ()) if now - t < 10]
        if len(recent) >= 5:
            raise GraphError(429, "TooManyRequests", "Too many requests.", {"Retry-After": "10"})
        self.reports[call.tenant.id, call.claims["appid"]] = [*recent, now]
