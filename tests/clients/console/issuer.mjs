// An issuer of OpenID Connect over TLS: `oidc-provider`, a certified implementation, with its own pages for login and consent.
// `node issuer.mjs SETTINGS`, where SETTINGS is JSON with the members that are read below. Prints its URL when it is ready.
//
// The console is registered as any client is, by dynamic client registration (RFC 7591). Access tokens are for the resource that a
// request names (RFC 8707); if it names none, they are no JSON Web Tokens.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

import Provider, { errors } from "oidc-provider";

const { certificate, key, tenant, accounts, clientId, resource } = JSON.parse(process.argv[2]);
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

const configuration = {
  cookies: { keys: [randomBytes(32)] },
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" }] },
  // Any password is right. The accounts are the object ids by login.
  findAccount: (_, login) => (login in accounts ? { accountId: login, claims: () => ({ sub: login }) } : undefined),
  extraTokenClaims: (_, { accountId }) => ({ oid: accounts[accountId], tid: tenant, preferred_username: accountId }),
  // Pages may call the token endpoint from the origins of redirect URIs only.
  clientBasedCORS: (_, origin, client) => client.redirectUris.some((uri) => new URL(uri).origin === origin),
  issueRefreshToken: (_, client) => client.grantTypeAllowed("refresh_token"),
  features: {
    registration: { enabled: true, idFactory: () => clientId },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, indicator) => {
        if (indicator !== resource) {
          throw new errors.InvalidTarget();
        }
        return { scope: "", audience: resource, accessTokenFormat: "jwt", accessTokenTTL: 600, jwt: { sign: { alg: "RS256" } } };
      },
    },
  },
};

const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) });
server.listen(0, "127.0.0.1", () => {
  // A host of its own, so that its cookies are not those of the console.
  const url = `https://issuer.localhost:${server.address().port}`;
  server.on("request", new Provider(url, configuration).callback());
  console.log(url);
});
