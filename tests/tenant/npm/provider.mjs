// SPDX-License-Identifier: LGPL-2.1-or-later
// A real OpenID provider (npm oidc-provider) behind Entra's paths, for client credentials and the device flow.
// Prints "ready" when it listens, ends on SIGTERM. See usage for the options.

import { createHash, generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const usage = `usage: provider.mjs --port N --key PEM --cert PEM --tenant GUID --oid GUID... [OPTION]...
  --host NAME          of the issuer (login.lab)
  --tid GUID           in the id_token (the tenant)
  --graph URL          the resource that tokens are for (https://graph.lab:PORT)
  --roles NAME,...     in those tokens
  --app GUID           client that proves itself by a certificate
  --app-cert PEM       its certificate; twice for two valid ones
  --secret-app GUID    client that proves itself by --secret VALUE
  --device-app GUID    public client of the device flow
  --oid GUID           who may sign in there; the first is the one that the page offers
  --modules FOLDER     of npm (/opt/sspr-npm)`;

const one = { type: 'string' };
const several = { type: 'string', multiple: true, default: [] };
let options;
try {
  options = parseArgs({
    options: {
      port: one, key: one, cert: one, tenant: one, host: one, tid: one, graph: one, roles: one, app: one, 'app-cert': several,
      'secret-app': one, secret: one, 'device-app': one, oid: several, modules: one,
    },
  }).values;
} catch (error) {
  console.error(`${error.message}\n${usage}`);
  process.exit(2);
}
if (!options.port || !options.key || !options.cert || !options.tenant) {
  console.error(usage);
  process.exit(2);
}

const { port, tenant, oid: accounts } = options;
const origin = `https://${options.host ?? 'login.lab'}:${port}`;
const graph = options.graph ?? `https://graph.lab:${port}`;
const roles = (options.roles ?? 'User.Read.All,User-PasswordProfile.ReadWrite.All').split(',');
const tid = options.tid ?? tenant;

const modules = createRequire(`${options.modules ?? '/opt/sspr-npm'}/package.json`);
const { default: Provider, errors } = await import(pathToFileURL(modules.resolve('oidc-provider')));

// -- clients: one client id cannot be both public and confidential here, as an Entra application can

const noBrowser = { redirect_uris: [], response_types: [] };
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const certificates = options['app-cert'].map((path) => new X509Certificate(readFileSync(path)));
const thumbprints = new Set(certificates.map((c) => createHash('sha256').update(c.raw).digest('base64url')));
const clients = [];
if (options.app) {
  clients.push({
    ...noBrowser,
    client_id: options.app,
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'PS256',
    jwks: { keys: certificates.map((c) => ({ ...c.publicKey.export({ format: 'jwk' }), use: 'sig' })) },
  });
}
if (options['secret-app']) {
  clients.push({
    ...noBrowser,
    client_id: options['secret-app'],
    client_secret: options.secret,
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'client_secret_post',
  });
}
if (options['device-app']) {
  clients.push({
    ...noBrowser,
    client_id: options['device-app'],
    grant_types: [deviceGrant],
    token_endpoint_auth_method: 'none',
    require_auth_time: true,
  });
}

// -- the provider

const signing = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
const provider = new Provider(`${origin}/${tenant}/v2.0`, {
  clients,
  jwks: { keys: [{ ...signing, use: 'sig', alg: 'RS256' }] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  scopes: ['openid', 'offline_access'],
  claims: { openid: ['sub', 'tid', 'ver'], profile: ['oid', 'name', 'preferred_username'] },
  conformIdTokenClaims: false,
  pkce: { required: () => false },
  ttl: { ClientCredentials: 3599, DeviceCode: 900, IdToken: 3600, AccessToken: 3600, Interaction: 900, Session: 900, Grant: 900 },
  routes: {
    token: `/${tenant}/oauth2/v2.0/token`,
    device_authorization: `/${tenant}/oauth2/v2.0/devicecode`,
    authorization: `/${tenant}/oauth2/v2.0/authorize`,
    jwks: `/${tenant}/discovery/v2.0/keys`,
    code_verification: '/devicelogin',
  },
  interactions: { url: (ctx, { uid }) => `/signin/${uid}` },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    deviceFlow: {
      enabled: true,
      userCodeInputSource: (ctx, form, out, error) => page(ctx, 'Enter the code', form, error && error.message),
      userCodeConfirmSource: (ctx, form) => page(ctx, 'Is this the code on your device?', form),
      successSource: (ctx) => page(ctx, 'Signed in', 'You may close this page.'),
    },
    resourceIndicators: {
      enabled: true,
      // Entra's way: the resource is in the scope.
      defaultResource: (ctx) => (ctx.oidc.params.scope ?? '').match(/(\S+)\/\.default(?:\s|$)/)?.[1],
      getResourceServerInfo: (ctx, resource) => {
        if (resource !== graph) throw new errors.InvalidTarget('AADSTS500011: no such resource');
        return {
          scope: `${graph}/.default`, audience: graph, accessTokenFormat: 'jwt', accessTokenTTL: 3599, jwt: { sign: { alg: 'RS256' } },
        };
      },
    },
  },
  extraTokenClaims: (ctx, token) => (token.kind === 'ClientCredentials'
    ? { roles, tid, appid: token.clientId, idtyp: 'app', ver: '1.0' } : undefined),
  assertJwtClientAuthClaimsAndHeader: (ctx, claims, header) => {
    if (!thumbprints.has(header['x5t#S256'])) throw new errors.InvalidClientAuth('the assertion names no certificate of this client');
  },
  findAccount: (ctx, id) => (accounts.includes(id)
    ? { accountId: id, claims: () => ({ sub: id, oid: id, tid, ver: '2.0', name: 'Lab user', preferred_username: 'user@lab' }) }
    : undefined),
  // No question of consent: the tenant's administrator gave it.
  loadExistingGrant: async (ctx) => {
    const { client, session } = ctx.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope([...ctx.oidc.requestParamOIDCScopes].join(' '));
    await grant.save();
    return grant;
  },
  renderError: (ctx, out) => page(ctx, out.error, '', out.error_description),
});
provider.on('server_error', (ctx, error) => console.error(error));
for (const name of ['grant.error', 'device_authorization.error', 'authorization.error', 'code_verification.error']) {
  provider.on(name, (ctx, error) => console.error(`${name}: ${error.message} ${error.error_description ?? ''} ${error.error_detail ?? ''}`));
}

// -- the pages of the device flow: plain forms

function escaped(text) {
  return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function page(ctx, title, body, problem) {
  ctx.type = 'html';
  ctx.body = `<!DOCTYPE html><title>${escaped(title)}</title>
${problem ? `<p>${escaped(problem)}</p>` : ''}
${body}\n`;
}

async function form(ctx) {
  const parts = [];
  for await (const part of ctx.req) parts.push(part);
  return new URLSearchParams(Buffer.concat(parts).toString());
}

provider.use(async (ctx, next) => {
  if (ctx.path === `/${tenant}/v2.0/.well-known/openid-configuration`) ctx.path = '/.well-known/openid-configuration';
  if (!ctx.path.startsWith('/signin/')) return next();

  await provider.interactionDetails(ctx.req, ctx.res);
  const fields = ctx.method === 'POST' ? await form(ctx) : new URLSearchParams();
  if (fields.get('refuse')) {
    return provider.interactionFinished(ctx.req, ctx.res, { error: 'access_denied', error_description: 'the user refused' });
  }
  const account = fields.get('account');
  if (!accounts.includes(account)) {
    return page(ctx, 'Sign in', `<form method="post" action="${escaped(ctx.path)}">
<input name="account" value="${escaped(accounts[0] ?? '')}"/><input type="hidden" name="age" value="0"/><button>Sign in</button></form>`,
    account === null ? '' : 'no such account');
  }
  // age: so many seconds ago, for a sign-in that is not fresh.
  const ts = Math.floor(Date.now() / 1000) - Number(fields.get('age') ?? 0);
  ctx.respond = false;
  return provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: account, ts, amr: ['pwd'] } }, { mergeWithLastSubmission: false });
});

const server = createServer({ key: readFileSync(options.key), cert: readFileSync(options.cert) }, provider.callback());
server.listen(Number(port), '127.0.0.1', () => console.log('ready'));
process.on('SIGTERM', () => process.exit(0));
