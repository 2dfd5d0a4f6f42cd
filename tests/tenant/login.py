# SPDX-License-Identifier: LGPL-2.1-or-later
"""The login host: Microsoft's v2.0 token and device code endpoints, its keys, and the page where a device code is typed in."""

import base64
import binascii
import contextlib
import datetime
import hmac
import html
import json
import secrets
import time
import uuid
from urllib.parse import parse_qs, unquote, unquote_plus

import tokens
from tenant import guid
from transport import Answer, page

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
GRAPH_APP = "00000003-0000-0000-c000-000000000000"
ANY = ("common", "organizations", "consumers")
SKEW = 300  # what clocks may differ by

# AADSTS number: status, error of OAuth, text.
ERRORS = {
    50012: (401, "invalid_client", "Authentication failed: the client assertion contains an invalid signature. {0}"),
    50027: (401, "invalid_client", "JWT token is invalid or malformed. {0}"),
    50034: (400, "invalid_grant", "The user account {{EUII Hidden}} does not exist in the {0} directory. To sign into this application, "
            "the account must be added to the directory."),
    50048: (401, "invalid_client", "Subject mismatches Issuer claim in the client assertion."),
    50053: (400, "invalid_grant", "The account is locked, you've tried to sign in too many times with an incorrect user ID or password."),
    50055: (400, "invalid_grant", "The password is expired."),
    50056: (400, "invalid_grant", "Invalid or null password: password doesn't exist in the directory for this user."),
    50057: (400, "invalid_grant", "The user account is disabled."),
    50059: (400, "invalid_request", "No tenant-identifying information found in either the request or implied by any provided "
            "credentials."),
    50076: (400, "invalid_grant", "Due to a configuration change made by your administrator, or because you moved to a new location, "
            "you must use multi-factor authentication to access '{0}'."),
    50126: (400, "invalid_grant", "Error validating credentials due to invalid username or password."),
    50173: (400, "invalid_grant", "The provided grant has expired due to it being revoked, a fresh auth token is needed."),
    53003: (400, "invalid_grant", "Access has been blocked by Conditional Access policies. The access policy does not allow token "
            "issuance."),
    54005: (400, "invalid_grant", "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an "
            "existing refresh token."),
    65004: (400, "authorization_declined", "User declined to consent to access the app."),
    70000: (400, "invalid_grant", "Provided grant is invalid or malformed."),
    70003: (400, "unsupported_grant_type", "The app requested an unsupported grant type '{0}'."),
    70016: (400, "authorization_pending", "OAuth 2.0 device flow error. Authorization is pending. Continue polling."),
    70018: (400, "bad_verification_code", "The provided value for the input parameter 'device_code' is not valid."),
    70020: (400, "expired_token", "The provided value for the input parameter 'device_code' is not valid. This code has expired."),
    90002: (400, "invalid_request", "Tenant '{0}' not found. Check to make sure you have the correct tenant ID and are signing into "
            "the correct cloud."),
    500011: (400, "invalid_resource", "The resource principal named {0} was not found in the tenant named {1}. This can happen if the "
             "application has not been installed by the administrator of the tenant."),
    700016: (400, "unauthorized_client", "Application with identifier '{0}' was not found in the directory '{1}'. This can happen if "
             "the application has not been installed by the administrator of the tenant."),
    700021: (401, "invalid_client", "Client assertion application identifier doesn't match 'client_id' parameter."),
    700023: (401, "invalid_client", "Client assertion audience claim does not match Realm issuer."),
    700024: (401, "invalid_client", "Client assertion is not within its valid time range. Current time: {0}, assertion valid from {1}, "
             "expiry time of assertion {2}."),
    700027: (401, "invalid_client", "The certificate with identifier used to sign the client assertion is not registered on "
             "application. [Reason - {0}, Thumbprint of key used by client: '{1}']"),
    900023: (400, "invalid_request", "Specified tenant identifier '{0}' is neither a valid DNS name, nor a valid external domain."),
    900144: (400, "invalid_request", "The request body must contain the following parameter: '{0}'."),
    900561: (400, "invalid_request", "The endpoint only accepts POST requests. Received a {0} request."),
    1002012: (400, "invalid_scope", "The provided value for scope {0} is not valid. Client credential flows must have a scope value "
              "with /.default suffixed to the resource identifier (application ID URI)."),
    7000112: (400, "unauthorized_client", "Application '{0}' is disabled."),
    7000215: (401, "invalid_client", "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
              "value, not the client secret ID, for a secret added to app '{0}'."),
    7000218: (401, "invalid_client", "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."),
    7000222: (401, "invalid_client", "The provided client secret keys for app '{0}' are expired. Visit the Azure portal to create new "
              "keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: "
              "https://aka.ms/certCreds."),
    9002313: (400, "invalid_request", "Invalid request. Request is malformed or invalid. {0}"),
}


class Refused(Exception):
    def __init__(self, number, *details, error=None):
        super().__init__(number)
        self.number = number
        self.status, self.error, text = ERRORS[number]
        self.error = error or self.error
        self.text = text.format(*details, *[""] * 3)


class DeviceCode:
    """One device sign-in under way."""

    def __init__(self, tenant, app_id, scope, lifetime, interval):
        self.tenant, self.app_id, self.scope = tenant, app_id, scope
        self.device_code = secrets.token_urlsafe(120)
        self.user_code = "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(9))
        self.expires, self.interval = time.time() + lifetime, interval
        self.state = "pending"  # pending, signed-in, declined, redeemed
        self.user = self.home = self.auth_time = None
        self.polls, self.early, self.last = 0, 0, None


def timestamp():
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())


def is_guid(text):
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def need(form, name):
    if not form.get(name):
        raise Refused(900144, name)
    return form[name]


class Login:
    def __init__(self, service):
        self.service = service
        self.codes, self.by_user_code = {}, {}
        self.refresh = {}  # refresh token: (tenant, user, app, scope, issued)
        self.spoiled = None
        self.grants = {"client_credentials": self.client_credentials, "password": self.password, DEVICE: self.device_token,
                       "refresh_token": self.refresh_token}

    @property
    def url(self):
        return self.service.login_url

    # -- routing

    def handle(self, r):
        parts = unquote(r.path.partition("?")[0]).strip("/").split("/")
        name, rest = parts[0], "/".join(parts[1:]).lower()
        if rest in ("oauth2/v2.0/token", "oauth2/v2.0/devicecode"):
            answer = self.endpoint(r, name, rest.rpartition("/")[2])
        elif rest == "discovery/v2.0/keys":
            answer = self.json(200, {"keys": [{**s.jwk(), "issuer": f"{self.url}/{{tenantid}}/v2.0"} for s in self.service.signers]})
        elif rest == "v2.0/.well-known/openid-configuration":
            answer = self.configuration(r, name)
        elif rest == "oauth2/deviceauth":
            answer = self.device_page(r)
        else:
            answer = page(404)
        self.add_headers(r, answer)
        return answer

    @staticmethod
    def json(status, body):
        return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json; charset=utf-8"})

    @staticmethod
    def add_headers(r, answer):
        answer.headers.update({
            "Cache-Control": "no-store, no-cache", "Pragma": "no-cache", "Expires": "-1",
            "Strict-Transport-Security": "max-age=31536000; includeSubDomains", "X-Content-Type-Options": "nosniff",
            "x-ms-request-id": r.id, "x-ms-ests-server": "2.1.22000.7 - WEULR1 ProdSlices", "x-ms-srs": "1.P",
        })
        if "client-request-id" in r.headers:
            answer.headers["client-request-id"] = r.headers["client-request-id"]

    def endpoint(self, r, name, which):
        try:
            if r.method != "POST":
                raise Refused(900561, r.method)
            r.tenant = self.find_tenant(name)
            form = self.form(r)
            return self.json(200, self.token(r, form) if which == "token" else self.device_code(r, form))
        except Refused as refused:
            return self.refusal(r, refused)

    def refusal(self, r, refused):
        correlation = r.headers.get("client-request-id", "")
        correlation = correlation if is_guid(correlation) else str(uuid.uuid4())
        now = timestamp()
        text = f"AADSTS{refused.number}: {refused.text.strip()} Trace ID: {r.id} Correlation ID: {correlation} Timestamp: {now}"
        if r.tenant:
            r.tenant.note("refused", number=refused.number)
        return self.json(refused.status, {
            "error": refused.error, "error_description": text, "error_codes": [refused.number], "timestamp": now, "trace_id": r.id,
            "correlation_id": correlation, "error_uri": f"{self.url}/error?code={refused.number}"})

    def find_tenant(self, name):
        """The tenant of that name, None for the names that stand for any."""
        if name.lower() in ANY:
            return None
        for tenant in self.service.tenants:
            if tenant.answers_to(name):
                return tenant
        raise Refused(90002 if is_guid(name) or "." in name else 900023, name)

    @staticmethod
    def form(r):
        if not r.headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
            return {}
        try:
            fields = parse_qs(r.body.decode(), keep_blank_values=True)
        except ValueError as e:
            raise Refused(9002313) from e
        twice = [name for name, values in fields.items() if len(values) > 1]
        if twice:
            raise Refused(9002313, f"Parameter '{twice[0]}' is duplicated.")
        return {name: values[0] for name, values in fields.items()}

    def token(self, r, form):
        grant = need(form, "grant_type")
        if grant not in self.grants:
            raise Refused(70003, grant)
        return self.grants[grant](r, form)

    # -- applications

    def find_app(self, tenant, app_id):
        tenants = [tenant] if tenant else self.service.tenants
        for where in tenants:
            app = where.applications.get(app_id.lower())
            if app and app.enabled:
                return app
            if app:
                raise Refused(7000112, app_id)
        raise Refused(700016, app_id, tenant.name if tenant else "")

    @staticmethod
    def basic(r):
        """Id and secret of HTTP Basic, which carries both form-encoded; or nothing."""
        scheme, _, value = r.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None, None
        with contextlib.suppress(binascii.Error, UnicodeDecodeError):
            app_id, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
            if colon:
                return unquote_plus(app_id), unquote_plus(secret)
        raise Refused(9002313)

    def authenticate(self, r, form):
        """The application that has proven who it is, and how: secret or certificate."""
        app_id, secret = self.basic(r)
        secret = secret or form.get("client_secret")
        app = self.find_app(r.tenant, app_id or need(form, "client_id"))
        if form.get("client_assertion"):
            self.check_assertion(r, app, form)
            return app, "certificate"
        if not secret:
            raise Refused(7000218)
        known = [expires for text, expires in app.secrets if hmac.compare_digest(text.encode(), secret.encode())]
        if not known:
            raise Refused(7000215, app.appId)
        if max(known) < r.tenant.clock():
            raise Refused(7000222, app.appId)
        r.tenant.note("secret", app=app.appId)
        return app, "secret"

    def check_assertion(self, r, app, form):
        if form.get("client_assertion_type") != ASSERTION:
            raise Refused(9002313, "client_assertion_type is not valid.")
        try:
            header, claims, signed, signature = tokens.split(form["client_assertion"])
        except tokens.Invalid as e:
            raise Refused(50027, e) from e
        r.tenant.note("assertion", app=app.appId, header=header, claims=claims)
        self.check_signature(r, app, header, signed, signature)
        self.check_claims(r, app, claims)

    @staticmethod
    def check_signature(r, app, header, signed, signature):
        if header.get("alg") not in ("PS256", "RS256"):
            raise Refused(50012, "The algorithm is not supported.")
        thumbprint = header.get("x5t#S256") or header.get("x5t")
        if not thumbprint:
            raise Refused(50027, "No certificate thumbprint specified in token header.")
        certificate = tokens.find_certificate(app.certificates, header)
        if not certificate:
            raise Refused(700027, "The key was not found.", thumbprint)
        if not tokens.signed_by(certificate, header, signed, signature):
            raise Refused(700027, "The key was found, but use of the key to verify the signature failed.",
                          thumbprint)
        now = r.tenant.clock()
        begin, end = (when.timestamp() for when in valid_time(certificate))
        if not begin <= now <= end:
            raise Refused(700027, "The key used is expired." if now > end else "The key used is not valid yet.",
                          thumbprint)

    def check_claims(self, r, app, claims):
        if claims.get("iss") != claims.get("sub"):
            raise Refused(50048)
        if str(claims.get("iss")).lower() != app.appId:
            raise Refused(700021)
        names = [r.tenant.id, *r.tenant.domains]
        if claims.get("aud") not in [f"{self.url}/{name}/oauth2/v2.0/token" for name in names]:
            raise Refused(700023)
        if not isinstance(claims.get("jti"), str) or not claims["jti"]:
            raise Refused(50027, "No jti.")
        times = [claims.get("nbf", claims.get("iat", 0)), claims.get("exp")]
        if not all(isinstance(t, (int, float)) for t in times):
            raise Refused(50027, "No exp.")
        now = r.tenant.clock()
        if not times[0] - SKEW <= now < times[1] + SKEW:
            raise Refused(700024, now, *times)

    # -- grants

    def client_credentials(self, r, form):
        if not r.tenant:
            raise Refused(50059)
        app, how = self.authenticate(r, form)
        scope = need(form, "scope")
        resource, default = scope.removesuffix("/.default"), scope.endswith("/.default")
        if not default or " " in scope:
            raise Refused(1002012, scope)
        if resource not in self.service.audiences:
            raise Refused(500011, resource, r.tenant.name)
        r.tenant.note("token", app=app.appId, how=how)
        return self.bearer(r.tenant, self.app_token(r.tenant, app, how, resource))

    @staticmethod
    def bearer(tenant, token, **more):
        lifetime = tenant.settings.token_lifetime
        return {"token_type": "Bearer", **more, "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token}

    def common_claims(self, tenant, app, audience):
        now = int(tenant.clock())
        then = now - tenant.settings.backdate
        return {
            "aud": audience, "iss": f"https://sts.windows.net/{tenant.id}/", "iat": then, "nbf": then,
            "exp": now + tenant.settings.token_lifetime, "app_displayname": app.displayName, "appid": app.appId,
            "idp": f"https://sts.windows.net/{tenant.id}/", "rh": f"1.AS8A{secrets.token_urlsafe(44)}.", "tid": tenant.id,
            "tenant_region_scope": "EU", "uti": secrets.token_urlsafe(16), "ver": "1.0", "xms_ftd": secrets.token_urlsafe(64),
            "xms_tcdt": 1700000000, "xms_tdbr": "EU",
        }

    def app_token(self, tenant, app, how, audience):
        claims = self.common_claims(tenant, app, audience)
        roles = {entry["roleDefinitionId"] for entry in tenant.assignments.get(app.id, ())}
        claims.update({
            "aio": secrets.token_urlsafe(48), "appidacr": "2" if how == "certificate" else "1", "idtyp": "app", "oid": app.id,
            "sub": app.id, "roles": list(app.roles), "wids": [*sorted(roles), "0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
            "xms_idrel": "7 24", "xms_acd": 1700000000, "xms_act_fct": "3 9", "xms_sub_fct": "3 9",
        })
        return self.service.signer.sign(claims)

    def user_token(self, tenant, app, user, scope):
        claims = self.common_claims(tenant, app, self.service.graph_url)
        claims.update({"appidacr": "0", "idtyp": "user", "oid": user.id, "sub": secrets.token_urlsafe(32), "scp": scope,
                       "name": user.displayName, "upn": user.userPrincipalName, "unique_name": user.userPrincipalName})
        return self.service.signer.sign(claims)

    def tokens_of(self, tenant, app, user, scope, auth_time=None):
        """What a user's sign-in gives: an access token, and what the scope asks for besides."""
        scopes = scope.split()
        granted = " ".join(dict.fromkeys([s.rpartition("/")[2] for s in scopes if s != "offline_access"] + ["User.Read"]))
        more = {"scope": granted}
        answer = self.bearer(tenant, self.user_token(tenant, app, user, granted), **more)
        if "openid" in scopes:
            answer["id_token"] = self.id_token(tenant, app, user, scopes, auth_time or time.time())
        if "offline_access" in scopes:
            answer["refresh_token"] = f"1.{secrets.token_urlsafe(200)}"
            self.refresh[answer["refresh_token"]] = (tenant, user, app, scope, tenant.clock())
        return answer

    def id_token(self, tenant, app, user, scopes, auth_time):
        now = int(tenant.clock())
        then = now - tenant.settings.backdate
        claims = {"aud": app.appId, "iss": f"{self.url}/{tenant.id}/v2.0", "iat": then, "nbf": then,
                  "exp": now + tenant.settings.id_token_lifetime, "rh": f"1.AS8A{secrets.token_urlsafe(44)}.",
                  "sub": guid(f"{app.appId} {user.id}"), "tid": tenant.id, "uti": secrets.token_urlsafe(16), "ver": "2.0"}
        if app.auth_time:
            claims["auth_time"] = int(auth_time)
        if "profile" in scopes:
            claims.update({"name": user.displayName, "oid": user.id, "preferred_username": user.userPrincipalName})
        if "email" in scopes and user.mail:
            claims["email"] = user.mail
        return self.service.signer.sign(claims) if not self.spoiled else self.spoil(claims, **self.spoiled)

    def spoil(self, claims, change, drop, header, signature):
        claims = {key: value for key, value in {**claims, **change}.items() if key not in drop}
        header = {**self.service.signer.header(), **header}
        if signature == "none":
            header["alg"] = "none"
            return f"{tokens.dump(header)}.{tokens.dump(claims)}."
        if signature == "hs256":
            return self.service.signer.sign_hs256(claims, {**header, "alg": "HS256"})
        if signature == "other-key":
            return self.service.other_signer.sign(claims, header)
        token = self.service.signer.sign(claims, header)
        if signature == "wrong":
            head, _, tail = token.rpartition(".")
            token = f"{head}.{'B' if tail[0] == 'A' else 'A'}{tail[1:]}"
        return token

    def public_app(self, r, form):
        """An application that need not prove who it is, or has proven it."""
        app = self.find_app(r.tenant, need(form, "client_id"))
        if not app.public_client:
            self.authenticate(r, form)
        return app

    def password(self, r, form):
        app = self.public_app(r, form)
        scope, upn, password = need(form, "scope"), need(form, "username"), need(form, "password")
        tenant, user = self.find_user(r.tenant, upn)
        if not user:
            raise Refused(50034, r.tenant.name if r.tenant else "")
        number = tenant.sign_in(user, password)
        tenant.note("password", user=user.userPrincipalName, number=number)
        if number:
            raise Refused(number, GRAPH_APP)
        return self.tokens_of(tenant, app, user, scope)

    def find_user(self, tenant, upn):
        for where in [tenant] if tenant else self.service.tenants:
            user = where.by_upn.get(upn.lower())
            if user:
                return where, user
        return tenant, None

    def refresh_token(self, r, form):
        app = self.public_app(r, form)
        kept = self.refresh.get(need(form, "refresh_token"))
        if not kept or kept[2] is not app:
            raise Refused(70000)
        tenant, user, _, scope, issued = kept
        if issued < max(user.sessions_from, user.changed) or not user.accountEnabled:
            raise Refused(50173)
        return self.tokens_of(tenant, app, user, scope)

    # -- device codes

    def device_code(self, r, form):
        app = self.find_app(r.tenant, need(form, "client_id"))
        scope = need(form, "scope")
        settings = (r.tenant or self.service.tenants[0]).settings
        code = DeviceCode(r.tenant, app.appId, scope, settings.device_code_lifetime, settings.device_code_interval)
        self.codes[code.device_code] = self.by_user_code[code.user_code] = code
        place = f"{self.url}/common/oauth2/deviceauth"
        return {"user_code": code.user_code, "device_code": code.device_code, "verification_uri": place,
                "expires_in": settings.device_code_lifetime, "interval": code.interval,
                "message": f"To sign in, use a web browser to open the page {place} and enter the code {code.user_code} to authenticate."}

    def device_token(self, r, form):
        app = self.public_app(r, form)
        code = self.codes.get(need(form, "device_code"))
        if not code or code.app_id != app.appId or code.tenant is not r.tenant:
            raise Refused(70018)
        self.count_poll(code)
        if code.state == "redeemed":
            raise Refused(54005)
        if code.expires < time.time():
            raise Refused(70020)
        if code.state == "declined":
            raise Refused(65004)
        if code.state == "pending":
            raise Refused(70016)
        if code.home.settings.block_device_code:
            raise Refused(53003)
        code.state = "redeemed"
        code.home.note("device code", user=code.user.userPrincipalName)
        return self.tokens_of(code.home, app, code.user, code.scope, code.auth_time)

    def count_poll(self, code):
        now = time.time()
        early = code.last is not None and now - code.last < code.interval - 0.05
        code.polls, code.early, code.last = code.polls + 1, code.early + early, now
        settings = (code.tenant or self.service.tenants[0]).settings
        if early and settings.slow_down and code.state == "pending":
            code.interval += 5
            raise Refused(70016, error="slow_down")

    def sign_in(self, user_code, upn, decline=False, auth_time=None):
        """What the user does with another device. Whether the page took it."""
        code = self.by_user_code.get(user_code.strip().upper().replace("-", ""))
        if not code or code.state != "pending" or code.expires < time.time():
            return False
        if decline:
            code.state = "declined"
            return True
        tenants = [code.tenant] if code.tenant else self.service.tenants
        found = [(tenant, tenant.user(upn)) for tenant in tenants if tenant.user(upn)]
        if not found or not found[0][1].accountEnabled:
            return False
        code.home, code.user = found[0]
        code.auth_time, code.state = auth_time or time.time(), "signed-in"
        return True

    def device_page(self, r):
        """A page with one form: otc, login, and passwd, which may be a Temporary Access Pass."""
        if r.method != "POST":
            return self.html("Enter the code displayed on your app or device", FORM)
        form = self.form(r)
        if "decline" in form:
            done = self.sign_in(form.get("otc", ""), "", decline=True)
        else:
            done = self.may_enter(form.get("login", ""), form.get("passwd", "")) and self.sign_in(form.get("otc", ""), form["login"])
        return self.html("You have signed in. You may now close this window." if done else "That did not work. Try again.",
                         "" if done else FORM, 200 if done else 400)

    def may_enter(self, upn, secret):
        tenant, user = self.find_user(None, upn)
        if not user or not secret:
            return False
        if user.temporary_access_pass and hmac.compare_digest(user.temporary_access_pass.encode(), secret.encode()):
            return user.accountEnabled
        return tenant.sign_in(user, secret) is None

    @staticmethod
    def html(title, body, status=200):
        text = f"<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>{html.escape(title)}</h1>{body}</body></html>"
        return Answer(status, text.encode(), {"Content-Type": "text/html; charset=utf-8"})

    def configuration(self, r, name):
        try:
            tenant = self.find_tenant(name)
        except Refused as refused:
            return self.refusal(r, refused)
        base, id = f"{self.url}/{name}", tenant.id if tenant else "{tenantid}"
        return self.json(200, {
            "token_endpoint": f"{base}/oauth2/v2.0/token", "jwks_uri": f"{base}/discovery/v2.0/keys",
            "issuer": f"{self.url}/{id}/v2.0", "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "subject_types_supported": ["pairwise"], "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"], "tenant_region_scope": "EU",
            "cloud_instance_name": self.service.login_url.removeprefix("https://"),
            "msgraph_host": self.service.graph_url.removeprefix("https://"),
        })


FORM = ('<form method="post"><input name="otc" placeholder="Code"><input name="login" placeholder="someone@example.com">'
        '<input name="passwd" type="password"><button>Sign in</button><button name="decline" value="1">Cancel</button></form>')


def valid_time(certificate):
    """First and last moment, with a time zone."""
    return [when.replace(tzinfo=datetime.timezone.utc) for when in (certificate.not_valid_before, certificate.not_valid_after)]
