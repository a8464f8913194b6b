// An OpenID provider for tests, on a free port of this machine. Reads its settings from standard input, says on the
// first line of standard output where it answers, and ends when standard input does.
//
// Below /test it takes orders that no real provider takes: other claims, other clients, new signing keys, shorter lives.
// Everything else is the certified implementation.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const settings = { accessTokenSeconds: 300, deviceCodeSeconds: 600, deviceInterval: 1, scopes: [], claims: {}, accounts: {}, clients: {} };
const seen = {};
let keys = [newKey()];
let provider;
let handle;

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'RS256', use: 'sig' };
}

// One store for every generation of the provider: new keys must not sign anybody out.
const store = new Map();
class Adapter {
  constructor(model) { this.model = model; }

  key(id) { return `${this.model}:${id}`; }

  async upsert(id, payload, expiresIn) {
    store.set(this.key(id), { payload, until: expiresIn ? Date.now() + expiresIn * 1000 : Infinity });
  }

  async find(id) {
    const found = store.get(this.key(id));
    return found && found.until > Date.now() ? found.payload : undefined;
  }

  async findByUid(uid) { return this.where((payload) => payload.uid === uid); }

  async findByUserCode(userCode) { return this.where((payload) => payload.userCode === userCode); }

  async where(matches) {
    for (const [key, { payload }] of store) {
      if (key.startsWith(`${this.model}:`) && matches(payload)) return payload;
    }
    return undefined;
  }

  async consume(id) { store.get(this.key(id)).payload.consumed = Math.floor(Date.now() / 1000); }

  async destroy(id) { store.delete(this.key(id)); }

  async revokeByGrantId(grantId) {
    for (const [key, { payload }] of store) if (payload.grantId === grantId) store.delete(key);
  }
}

function build(issuer) {
  provider = new Provider(issuer, {
    adapter: Adapter,
    jwks: { keys },
    clients: Object.entries(settings.clients).map(([client_id, { claims, ...metadata }]) => ({
      client_id, redirect_uris: [], response_types: [], ...metadata,
    })),
    scopes: ['openid', 'offline_access'],
    findAccount: (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    extraTokenClaims: (ctx, token) => (
      token.accountId ? settings.accounts[token.accountId] : settings.clients[token.clientId]?.claims),
    // A refresh token is spent by its use, whoever the client is.
    rotateRefreshToken: true,
    cookies: { keys: ['of a test'] },
    ttl: {
      AccessToken: () => settings.accessTokenSeconds, ClientCredentials: () => settings.accessTokenSeconds,
      DeviceCode: () => settings.deviceCodeSeconds, RefreshToken: 3600, Grant: 3600, Session: 3600,
      Interaction: 600, IdToken: 300,
    },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource) => ({
          scope: settings.scopes.join(' '),
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: settings.accessTokenSeconds,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  // The standard's own interval is 5 s, which tests need not wait for.
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === 'device_authorization' && ctx.status === 200) ctx.body.interval = settings.deviceInterval;
  });
  handle = provider.callback();
}

const orders = {
  // {"keep": false}: the old keys vanish from the key set at once; true: they stay, behind the new one.
  rotate: ({ keep = true }) => {
    keys = keep ? [newKey(), ...keys] : [newKey()];
    return { kid: keys[0].kid };
  },
  keys: () => ({ keys }),
  account: ({ name, claims }) => { settings.accounts[name] = claims; return {}; },
  client: ({ id, ...metadata }) => { settings.clients[id] = metadata; return {}; },
  settings: (changes) => { Object.assign(settings, changes); return {}; },
  seen: () => seen,
};

function answer(response, status, value) {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://provider');
  const order = pathname.startsWith('/test/') && orders[pathname.slice('/test/'.length)];
  if (!order) {
    seen[pathname] = (seen[pathname] ?? 0) + 1;
    handle(request, response);
    return;
  }
  let body = '';
  for await (const piece of request) body += piece;
  const told = order(body ? JSON.parse(body) : {});
  build(server.issuer);
  answer(response, 200, told);
});

server.listen(0, '127.0.0.1', () => {
  server.issuer = `http://127.0.0.1:${server.address().port}`;
  settings.clients.andon = {
    application_type: 'native', token_endpoint_auth_method: 'none', grant_types: [DEVICE, 'refresh_token'],
  };
  build(server.issuer);
  process.stdout.write(`${JSON.stringify({ issuer: server.issuer })}\n`);
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
