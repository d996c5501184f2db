// Tests KeyVaultManagementClient: the lifecycle of a managed HSM as a resource.

import assert from "node:assert/strict";
import { KeyVaultManagementClient } from "@azure/arm-keyvault";
import { credential, play, principal, refused } from "./clients.mjs";

const endpoint = process.env.ARM_ENDPOINT;
const subscription = process.env.AZURE_SUBSCRIPTION_ID;
const group = process.env.AZURE_RESOURCE_GROUP;
const location = "localhost";
const hsms = new KeyVaultManagementClient(credential, subscription, { endpoint }).managedHsms;

function wanted(properties) {
  return {
    location,
    sku: { family: "B", name: "Standard_B1" },
    tags: { team: "billing" },
    properties: {
      tenantId: process.env.AZURE_TENANT_ID,
      initialAdminObjectIds: [process.env.USER_OBJECT_ID],
      ...properties,
    },
  };
}

async function names(list) {
  const found = [];
  for await (const hsm of list) found.push(hsm.name);
  return found;
}

async function isFree(name) {
  return (await hsms.checkMhsmNameAvailability({ name })).nameAvailable;
}

async function creation() {
  assert.deepEqual([await isFree("payroll"), await isFree("local")], [true, false]);
  const made = await hsms.createOrUpdate(group, "payroll", wanted({ softDeleteRetentionInDays: 7 }));
  assert.equal(made.properties.provisioningState, "Succeeded");
  assert.equal(made.properties.hsmUri, `https://payroll.managedhsm.localhost:${new URL(endpoint).port}/`);
  assert.equal(made.properties.softDeleteRetentionInDays, 7);
  assert.equal(made.properties.securityDomainProperties.activationStatus, "NotActivated");
  assert.deepEqual(await hsms.get(group, "payroll"), made);
  assert.deepEqual(await names(hsms.listBySubscription()), ["local", "payroll"]);
  assert.deepEqual(await names(hsms.listByResourceGroup(group, { top: 1 })), ["local", "payroll"]);
}

async function update() {
  const changed = await hsms.update(group, "payroll", { tags: { team: "audit" } });
  assert.deepEqual(changed.tags, { team: "audit" });
}

async function deletion() {
  await hsms.delete(group, "payroll");
  const deleted = await hsms.getDeleted("payroll", location);
  assert.ok(deleted.properties.mhsmId.endsWith("/managedHSMs/payroll"));
  const { scheduledPurgeDate, deletionDate } = deleted.properties;
  assert.equal(scheduledPurgeDate - deletionDate, 7 * 86_400_000);
  assert.deepEqual(await names(hsms.listDeleted()), ["payroll"]);
  await refused(hsms.createOrUpdate(group, "payroll", wanted({})), 409, "ConflictError", "recover or purge");
  const recovered = await hsms.createOrUpdate(group, "payroll", wanted({ createMode: "recover" }));
  assert.deepEqual(recovered.tags, { team: "audit" });
  await hsms.delete(group, "payroll");
  await hsms.purgeDeleted("payroll", location);
  await refused(hsms.getDeleted("payroll", location), 404, "ResourceNotFound");
  assert.ok(await isFree("payroll"));
}

async function unauthorizedPrincipals() {
  const user = new KeyVaultManagementClient(principal("USER"), subscription, { endpoint }).managedHsms;
  await refused(user.get(group, "local"), 403, "AuthorizationFailed", "Microsoft.KeyVault/managedHSMs/read");
}

await play(creation, update, deletion, unauthorizedPrincipals);
