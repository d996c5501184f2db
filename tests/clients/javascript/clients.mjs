// The clients of a scenario, configured by environment variables as in any application. Challenge resource verification
// is enabled, and TLS is verified.

import assert from "node:assert/strict";
import { ClientSecretCredential, EnvironmentCredential } from "@azure/identity";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";

export const url = process.env.AZURE_KEYVAULT_URL;
export const credential = new EnvironmentCredential({ disableInstanceDiscovery: true });
export const keys = new KeyClient(url, credential);

/** The credential of another principal, whose environment variables begin with `name`. */
export function principal(name, secret = process.env[`${name}_CLIENT_SECRET`]) {
  const options = { disableInstanceDiscovery: true };
  return new ClientSecretCredential(process.env.AZURE_TENANT_ID, process.env[`${name}_CLIENT_ID`], secret, options);
}

const user = principal("USER");

/** A client that sends every operation to the service: its principal may use keys but not read them. */
export function remote(key) {
  return new CryptographyClient(key.id, user);
}

/** Returns all items of a list, and the number of items on each page. */
export async function listed(list, maxPageSize) {
  const items = [];
  const sizes = [];
  for await (const page of list.byPage({ maxPageSize })) {
    sizes.push(page.length);
    items.push(...page);
  }
  return { items, sizes };
}

/** Asserts that a call fails with this status, error code and text. */
export async function refused(call, statusCode, code, text = "") {
  const error = await call.then(() => assert.fail("the call should have failed"), (error) => error);
  assert.equal(error.statusCode, statusCode, error);
  assert.equal(error.code, code, error);
  assert.ok(error.message.includes(text), error);
}

/** Runs the steps of a scenario in order. */
export async function play(...steps) {
  for (const step of steps) {
    await step();
    console.log(step.name);
  }
}
