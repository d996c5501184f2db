// Tests KeyClient: the lifecycle of keys and their properties.

import assert from "node:assert/strict";
import { DefaultAzureCredential } from "@azure/identity";
import { KeyClient } from "@azure/keyvault-keys";
import { credential, keys, listed, play, principal, refused, url } from "./clients.mjs";

// The polling interval of deletion and recovery, shorter than the SDK's default of 2 s.
const polling = { intervalInMs: 50 };

async function namesAndUrls() {
  const key = await keys.createOctKey("names", { keySize: 128, hsm: true, tags: { team: "billing" } });
  assert.ok(key.id.startsWith(`${url}/keys/names/`), key.id);
  assert.equal(key.properties.vaultUrl, url);
  assert.equal(key.properties.version, key.id.split("/").at(-1));
  assert.deepEqual(key.properties.tags, { team: "billing" });
  assert.equal(key.properties.recoverableDays, 90);
  assert.equal(key.properties.recoveryLevel, "Recoverable+Purgeable");
  // Without a version, the SDK writes an empty one: /keys/names/
  assert.equal((await keys.getKey("names")).id, key.id);
  assert.equal((await keys.getKey("names", { version: key.properties.version })).id, key.id);
}

async function kinds() {
  for (const keySize of [2048, 3072, 4096]) {
    const key = await keys.createRsaKey(`rsa-${keySize}`, { keySize });
    assert.equal(key.keyType, "RSA-HSM");
    assert.equal(key.key.n.length * 8, keySize);
    assert.deepEqual(Buffer.from(key.key.e), Buffer.from([1, 0, 1]));
  }
  // The SDK does not send the exponent; docs/clients documents this.
  const odd = await keys.createRsaKey("rsa-17", { publicExponent: 17, hsm: true });
  assert.deepEqual(Buffer.from(odd.key.e), Buffer.from([1, 0, 1]));
  for (const [curve, width] of [["P-256", 32], ["P-256K", 32], ["P-384", 48], ["P-521", 66]]) {
    const key = await keys.createEcKey(`ec-${curve}`, { curve });
    assert.equal(key.keyType, "EC-HSM");
    assert.deepEqual([key.key.crv, key.key.x.length, key.key.y.length], [curve, width, width]);
  }
  const key = await keys.createKey("general", "RSA-HSM", { keyOps: ["sign", "verify"] });
  assert.deepEqual([...key.keyOperations].sort(), ["sign", "verify"]);
}

async function dates() {
  const old = new Date("2000-01-01T00:00:00Z");
  // The SDK truncates times to 32 bits; docs/clients documents this.
  const far = new Date("2038-01-19T03:14:07Z");
  assert.deepEqual((await keys.createEcKey("expired", { expiresOn: old })).properties.expiresOn, old);
  assert.deepEqual((await keys.createEcKey("early", { notBefore: far })).properties.notBefore, far);
  assert.equal((await keys.createEcKey("disabled", { enabled: false })).properties.enabled, false);
}

async function updates() {
  const made = await keys.createRsaKey("life", { hsm: true });
  const expiresOn = new Date("2037-01-01T00:00:00Z");
  const { version } = made.properties;
  const changed = await keys.updateKeyProperties("life", version, { enabled: false, expiresOn, tags: { a: "b" } });
  assert.deepEqual([changed.properties.enabled, changed.properties.expiresOn], [false, expiresOn]);
  const again = await keys.updateKeyProperties("life", version, { enabled: true, keyOps: ["sign"] });
  assert.deepEqual([again.properties.tags, again.keyOperations], [{ a: "b" }, ["sign"]]);
}

async function lists() {
  const first = await keys.getKey("life");
  const second = await keys.createRsaKey("life", { hsm: true });
  const versions = await listed(keys.listPropertiesOfKeyVersions("life"), 1);
  assert.deepEqual(versions.items.map((version) => version.id), [first.id, second.id]);
  assert.deepEqual(versions.sizes, [1, 1]);
  for (let number = 0; number < 27; number += 1) {
    await keys.createOctKey(`listed-${number}`, { hsm: true });
  }
  const { items, sizes } = await listed(keys.listPropertiesOfKeys(), 6);
  assert.equal(items.filter((item) => item.name.startsWith("listed-")).length, 27);
  assert.ok(sizes.length > 4 && sizes.every((size) => size <= 6), `${sizes}`);
  assert.equal(items.find((item) => item.name === "life").version, undefined);
  assert.deepEqual(items.find((item) => item.name === "names").tags, { team: "billing" });
}

async function deletion() {
  const current = await keys.getKey("life");
  const deleted = await (await keys.beginDeleteKey("life", polling)).pollUntilDone();
  assert.equal(deleted.properties.recoveryId, `${url}/deletedkeys/life`);
  const { deletedOn, scheduledPurgeDate } = deleted.properties;
  assert.equal(scheduledPurgeDate - deletedOn, 90 * 86_400_000);
  assert.deepEqual((await keys.getDeletedKey("life")).properties.deletedOn, deletedOn);
  assert.deepEqual((await listed(keys.listDeletedKeys(), 1)).items.map((key) => key.name), ["life"]);
  await refused(keys.getKey("life"), 404, "KeyNotFound", `Key not found: ${url}/keys/life`);
  await refused(keys.createEcKey("life"), 409, "Conflict", "deleted but recoverable");
  const recovered = await (await keys.beginRecoverDeletedKey("life", polling)).pollUntilDone();
  assert.equal(recovered.id, current.id);
  await (await keys.beginDeleteKey("life", polling)).pollUntilDone();
  await keys.purgeDeletedKey("life");
  await refused(keys.getDeletedKey("life"), 404, "KeyNotFound");
  assert.equal((await keys.createEcKey("life")).keyType, "EC-HSM");
}

async function backup() {
  const made = await keys.createEcKey("kept", { tags: { team: "billing" } });
  const backup = await keys.backupKey("kept");
  await refused(keys.restoreKeyBackup(backup), 409, "Conflict");
  await (await keys.beginDeleteKey("kept", polling)).pollUntilDone();
  await keys.purgeDeletedKey("kept");
  await refused(keys.restoreKeyBackup(backup.subarray(1)), 400, "MalformedBackupBlob", "different crypto domain");
  const restored = await keys.restoreKeyBackup(backup);
  assert.deepEqual([restored.id, restored.key, restored.properties], [made.id, made.key, made.properties]);
}

async function rotation() {
  const made = await keys.createEcKey("rotated", { curve: "P-384", hsm: true });
  const policy = await keys.updateKeyRotationPolicy("rotated", {
    expiresIn: "P90D",
    lifetimeActions: [{ action: "Rotate", timeAfterCreate: "P2M" }],
  });
  assert.equal(policy.id, "keys/rotated/rotationpolicy");
  const shown = await keys.getKeyRotationPolicy("rotated");
  assert.equal(shown.expiresIn, "P90D");
  const [action] = shown.lifetimeActions;
  assert.deepEqual([action.action.toLowerCase(), action.timeAfterCreate], ["rotate", "P2M"]);
  const rotated = await keys.rotateKey("rotated");
  assert.notEqual(rotated.id, made.id);
  assert.equal(rotated.properties.expiresOn - rotated.properties.createdOn, 90 * 86_400_000);
}

async function random() {
  assert.equal((await keys.getRandomBytes(128)).length, 128);
  await refused(keys.getRandomBytes(129), 400, "BadParameter", "count cannot be greater than 128 or less than 1");
}

async function authorizedPrincipals() {
  for (const who of [new DefaultAzureCredential({ disableInstanceDiscovery: true }), principal("AZURE")]) {
    assert.equal((await new KeyClient(url, who).getKey("names")).name, "names");
  }
  const old = new KeyClient(url, credential, { serviceVersion: "7.4" });
  assert.equal((await old.getKey("names")).name, "names");
}

async function unauthorizedPrincipals() {
  const user = new KeyClient(url, principal("USER"));
  await refused(user.getKey("names"), 403, "AccessDenied", "keys/read/action on /keys/names");
  const wrong = new KeyClient(url, principal("USER", "wrong"));
  const error = await wrong.getKey("names").then(() => assert.fail("the call should have failed"), (error) => error);
  assert.ok(error.message.includes("7000215"), error);
}

await play(namesAndUrls, kinds, dates, updates, lists, deletion, backup, rotation, random, authorizedPrincipals, unauthorizedPrincipals);
