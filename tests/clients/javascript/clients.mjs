// The clients of a scenario, as the environment of any application names them. Challenge verification is on, TLS is
// verified.

import assert from "node:assert/strict";
import { ClientSecretCredential, EnvironmentCredential } from "@azure/identity";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";

export const url = process.env.AZURE_KEYVAULT_URL;
export const credential = new EnvironmentCredential({ disableInstanceDiscovery: true });
export const keys = new KeyClient(url, credential);

/** Another principal. */
export function principal(name, secret = process.env[`${name}_CLIENT_SECRET`]) {
  const options = { disableInstanceDiscovery: true };
  return new ClientSecretCredential(process.env.AZURE_TENANT_ID, process.env[`${name}_CLIENT_ID`], secret, options);
}

const user = principal("USER");

/** A client that has the service do everything: its principal may use keys, and not read them. */
export function remote(key) {
  return new CryptographyClient(key.id, user);
}

/** All items of a list, with the number of items of each page. */
export async function listed(list, maxPageSize) {
  const items = [];
  const sizes = [];
  for await (const page of list.byPage({ maxPageSize })) {
    sizes.push(page.length);
    items.push(...page);
  }
  return { items, sizes };
}

/** Expects a call to fail so. */
export async function refused(call, statusCode, code, text = "") {
  const error = await call.then(() => assert.fail("a refusal was expected"), (error) => error);
  assert.equal(error.statusCode, statusCode, error);
  assert.equal(error.code, code, error);
  assert.ok(error.message.includes(text), error);
}

/** Plays the steps of a scenario, one after the other. */
export async function play(...steps) {
  for (const step of steps) {
    await step();
    console.log(step.name);
  }
}
