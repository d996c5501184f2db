// Tests KeyVaultManagementClient: the lifecycle of a vault as a resource.

import assert from "node:assert/strict";
import { KeyVaultManagementClient } from "@azure/arm-keyvault";
import { credential, play, principal, refused } from "./clients.mjs";

const endpoint = process.env.ARM_ENDPOINT;
const subscription = process.env.AZURE_SUBSCRIPTION_ID;
const group = process.env.AZURE_RESOURCE_GROUP;
const tenantId = process.env.AZURE_TENANT_ID;
const location = "localhost";
const vaults = new KeyVaultManagementClient(credential, subscription, { endpoint }).vaults;

function wanted(properties) {
  const sku = { family: "A", name: "standard" };
  return { location, tags: { team: "web" }, properties: { tenantId, sku, accessPolicies: [], ...properties } };
}

function policy(permissions) {
  return { tenantId, objectId: process.env.USER_OBJECT_ID, permissions };
}

async function names(list) {
  const found = [];
  for await (const vault of list) found.push(vault.name);
  return found;
}

async function isFree(name) {
  return (await vaults.checkNameAvailability({ name, type: "Microsoft.KeyVault/vaults" })).nameAvailable;
}

async function creation() {
  assert.ok(await isFree("contoso"));
  const made = await vaults.createOrUpdate(group, "contoso", wanted({ softDeleteRetentionInDays: 7 }));
  assert.equal(made.properties.provisioningState, "Succeeded");
  assert.equal(made.properties.vaultUri, `https://contoso.vault.localhost:${new URL(endpoint).port}/`);
  assert.equal(made.properties.softDeleteRetentionInDays, 7);
  assert.equal(made.properties.enableRbacAuthorization, true);
  assert.deepEqual(await vaults.get(group, "contoso"), made);
  assert.deepEqual(await names(vaults.listBySubscription()), ["contoso", "demo"]);
  assert.deepEqual(await names(vaults.listByResourceGroup(group, { top: 1 })), ["contoso", "demo"]);
  assert.deepEqual(await names(vaults.list()), ["contoso", "demo"]);
  assert.ok(!(await isFree("contoso")));
}

async function update() {
  const changed = await vaults.update(group, "contoso", { tags: { team: "audit" } });
  assert.deepEqual(changed.tags, { team: "audit" });
  const parameters = { properties: { accessPolicies: [policy({ secrets: ["get", "list"] })] } };
  const added = await vaults.updateAccessPolicy(group, "contoso", "add", parameters);
  assert.deepEqual(added.properties.accessPolicies[0].permissions.secrets, ["get", "list"]);
}

async function deletion() {
  await vaults.delete(group, "contoso");
  const deleted = await vaults.getDeleted("contoso", location);
  assert.ok(deleted.properties.vaultId.endsWith("/vaults/contoso"));
  const { scheduledPurgeDate, deletionDate } = deleted.properties;
  assert.equal(scheduledPurgeDate - deletionDate, 7 * 86_400_000);
  assert.deepEqual(await names(vaults.listDeleted()), ["contoso"]);
  await refused(vaults.createOrUpdate(group, "contoso", wanted({})), 409, "ConflictError", "deleted state");
  const recovered = await vaults.createOrUpdate(group, "contoso", wanted({ createMode: "recover" }));
  assert.deepEqual(recovered.tags, { team: "audit" });
  assert.equal(recovered.properties.accessPolicies.length, 1);
  await vaults.delete(group, "contoso");
  await vaults.purgeDeleted("contoso", location);
  await refused(vaults.getDeleted("contoso", location), 404, "ResourceNotFound");
  assert.ok(await isFree("contoso"));
}

async function unauthorizedPrincipals() {
  const user = new KeyVaultManagementClient(principal("USER"), subscription, { endpoint }).vaults;
  await refused(user.get(group, "contoso"), 403, "AuthorizationFailed", "Microsoft.KeyVault/vaults/read");
}

await play(creation, update, deletion, unauthorizedPrincipals);
