// Tests SecretClient: the lifecycle of secrets in a vault.

import assert from "node:assert/strict";
import { SecretClient } from "@azure/keyvault-secrets";
import { credential, listed, play, principal, refused } from "./clients.mjs";

const vault = process.env.AZURE_VAULT_URL;
const secrets = new SecretClient(vault, credential);
// The polling interval of deletion and recovery, shorter than the SDK's default of 2 s.
const polling = { intervalInMs: 50 };

async function valuesAndProperties() {
  const expiresOn = new Date("2037-01-01T00:00:00Z");
  const options = { contentType: "text/plain", tags: { team: "web" }, expiresOn };
  const made = await secrets.setSecret("Password", "hunter2", options);
  const { properties } = made;
  assert.equal(properties.id, `${vault}/secrets/Password/${properties.version}`);
  assert.deepEqual([made.value, properties.vaultUrl, properties.contentType], ["hunter2", vault, "text/plain"]);
  assert.deepEqual([properties.tags, properties.expiresOn, properties.enabled], [{ team: "web" }, expiresOn, true]);
  assert.deepEqual([properties.recoveryLevel, properties.recoverableDays], ["Recoverable+Purgeable", 90]);
  assert.equal((await secrets.getSecret("password")).value, "hunter2");
  for (const value of ["", " \n", "ключ \u0001 \"", "x".repeat(25600)]) {
    await secrets.setSecret("values", value);
    assert.equal((await secrets.getSecret("values")).value, value);
  }
  await refused(secrets.setSecret("values", "x".repeat(25601)), 400, "BadParameter", "25600");
}

async function versionsAndLists() {
  const made = [];
  for (const value of ["a", "b", "c"]) {
    made.push(await secrets.setSecret("rotated", value));
  }
  const versions = made.map((secret) => secret.properties.version);
  assert.equal((await secrets.getSecret("rotated", { version: versions[0] })).value, "a");
  const { items, sizes } = await listed(secrets.listPropertiesOfSecretVersions("rotated"), 2);
  assert.deepEqual([items.map((item) => item.version), sizes], [versions, [2, 1]]);
  const names = (await listed(secrets.listPropertiesOfSecrets(), 2)).items.map((item) => item.name);
  assert.deepEqual(names, ["Password", "rotated", "values"]);
}

async function updates() {
  const made = await secrets.setSecret("changing", "x", { tags: { a: "b" } });
  const { version } = made.properties;
  const changed = await secrets.updateSecretProperties("changing", version, { enabled: false, contentType: "new" });
  assert.deepEqual([changed.enabled, changed.contentType, changed.tags], [false, "new", { a: "b" }]);
  await refused(secrets.getSecret("changing"), 403, "Forbidden", "not allowed on a disabled secret");
}

async function deletionAndRecovery() {
  const made = await secrets.setSecret("lost", "found");
  const deletion = await secrets.beginDeleteSecret("lost", polling);
  const deleted = await deletion.pollUntilDone();
  assert.equal(deleted.recoveryId, `${vault}/deletedsecrets/lost`);
  await refused(secrets.getSecret("lost"), 404, "SecretNotFound");
  await refused(secrets.setSecret("lost", "x"), 409, "Conflict", "deleted but recoverable state");
  const gone = (await listed(secrets.listDeletedSecrets(), 25)).items;
  assert.deepEqual(gone.map((item) => item.name), ["lost"]);
  const recovery = await secrets.beginRecoverDeletedSecret("lost", polling);
  assert.equal((await recovery.pollUntilDone()).version, made.properties.version);
  assert.equal((await secrets.getSecret("lost")).value, "found");
}

async function backupAndRestore() {
  const made = await secrets.setSecret("kept", "treasure");
  const backup = await secrets.backupSecret("kept");
  await refused(secrets.restoreSecretBackup(backup), 409, "Conflict", "There was a conflict restoring the secret");
  await (await secrets.beginDeleteSecret("kept", polling)).pollUntilDone();
  await secrets.purgeDeletedSecret("kept");
  assert.equal((await secrets.restoreSecretBackup(backup)).id, made.properties.id);
  assert.equal((await secrets.getSecret("kept")).value, "treasure");
}

async function refusals() {
  const user = new SecretClient(vault, principal("USER"));
  for (const name of ["Password", "nothing"]) {
    await refused(user.getSecret(name), 403, "Forbidden", "Microsoft.KeyVault/vaults/secrets/getSecret/action");
  }
}

await play(valuesAndProperties, versionsAndLists, updates, deletionAndRecovery, backupAndRestore, refusals);
