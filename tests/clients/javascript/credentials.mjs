// Tests the non-interactive credentials of @azure/identity, configured by the environment variables that
// `strongroom env` prints.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  ClientCertificateCredential,
  ClientSecretCredential,
  DefaultAzureCredential,
  EnvironmentCredential,
  ManagedIdentityCredential,
} from "@azure/identity";
import { KeyClient } from "@azure/keyvault-keys";

const url = process.env.AZURE_KEYVAULT_URL;
const scope = `https://${new URL(url).host.split(".").slice(1).join(".")}/.default`;
const { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client } = process.env;
const options = { disableInstanceDiscovery: true };

/** Asserts that the credential can list keys, and that `appidacr` of its token is `proof`. Returns the claims. */
async function works(credential, proof) {
  for await (const _ of new KeyClient(url, credential).listPropertiesOfKeys());
  const { token } = await credential.getToken(scope);
  const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
  assert.equal(claims.appidacr, proof);
  return claims;
}

async function refused(credential, text) {
  const error = await credential.getToken(scope).then(() => assert.fail("the call should have failed"), (error) => error);
  assert.ok(error.message.includes(text), error);
}

const scenarios = {
  async secret() {
    await works(new EnvironmentCredential(options), "1");
    await works(new DefaultAzureCredential(options), "1");
    await refused(new ClientSecretCredential(tenant, client, "wrong", options), "7000215");
  },
  async certificate() {
    const path = process.env.AZURE_CLIENT_CERTIFICATE_PATH;
    await works(new EnvironmentCredential(options), "2");
    await works(new DefaultAzureCredential(options), "2");
    const certificate = readFileSync(path, "utf8");
    const chain = { ...options, sendCertificateChain: true };
    await works(new ClientCertificateCredential(tenant, client, { certificate }, chain), "2");
    const other = { certificatePath: process.env.OTHER_CERTIFICATE_PATH };
    await refused(new ClientCertificateCredential(tenant, client, other, options), "700027");
  },
  async "managed-identity"() {
    await works(new DefaultAzureCredential(), "2");
    for (let form = 0; form < 2; form++) {
      const identity = await works(new ManagedIdentityCredential(), "2");
      await works(new ManagedIdentityCredential({ clientId: identity.appid }), "2");
      await works(new ManagedIdentityCredential({ objectId: identity.oid }), "2");
      await works(new ManagedIdentityCredential({ resourceId: identity.xms_mirid }), "2");
      // Without these variables, the SDK uses the endpoint of virtual machines (IMDS).
      delete process.env.IDENTITY_ENDPOINT;
      delete process.env.IDENTITY_HEADER;
    }
  },
  /** The tenant name `adfs` disables MSAL's instance discovery, without a setting in the program. */
  async adfs(proof) {
    await works(new EnvironmentCredential(), proof);
    await works(new DefaultAzureCredential(), proof);
  },
};

const [scenario, ...rest] = process.argv.slice(2);
await scenarios[scenario](...rest);
