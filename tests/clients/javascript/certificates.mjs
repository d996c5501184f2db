// Tests CertificateClient: the lifecycle of certificates in a vault.

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { CertificateClient } from "@azure/keyvault-certificates";
import { SecretClient } from "@azure/keyvault-secrets";
import { credential, listed, play, principal, refused } from "./clients.mjs";

const vault = process.env.AZURE_VAULT_URL;
const certificates = new CertificateClient(vault, credential);
const secrets = new SecretClient(vault, credential);
// The polling interval, shorter than the SDK's default of 2 s.
const polling = { intervalInMs: 50 };

async function selfSigned() {
  const policy = { issuerName: "Self", subject: "cn=web.example", contentType: "application/x-pem-file" };
  const made = await (await certificates.beginCreateCertificate("web", policy, polling)).pollUntilDone();
  const parsed = new X509Certificate(Buffer.from(made.cer));
  assert.ok(parsed.verify(parsed.publicKey));
  assert.equal(parsed.subject, "CN=web.example");
  assert.equal(made.properties.id, `${vault}/certificates/web/${made.properties.version}`);
  assert.equal(Buffer.from(made.properties.x509Thumbprint).toString("hex").toUpperCase(), parsed.fingerprint.replaceAll(":", ""));
  // The companion secret holds the private key.
  const secret = await secrets.getSecret("web");
  const pem = secret.value;
  assert.ok(pem.includes("PRIVATE KEY") && new X509Certificate(pem.slice(pem.indexOf("-----BEGIN CERT"))).fingerprint === parsed.fingerprint);
  assert.equal((await certificates.getCertificateVersion("web", made.properties.version)).name, "web");
  assert.equal((await certificates.getCertificatePolicy("web")).issuerName, "Self");
}

async function pendingOperation() {
  const policy = { issuerName: "Unknown", subject: "cn=external" };
  await certificates.beginCreateCertificate("external", policy, polling);
  const operation = await certificates.getCertificateOperation("external");
  assert.equal(operation.getOperationState().certificateOperation.status, "inProgress");
  await operation.cancelOperation();
  await certificates.deleteCertificateOperation("external");
  await refused(certificates.getCertificateOperation("external"), 404, "PendingCertificateNotFound");
}

async function updatesAndLists() {
  const { version } = (await certificates.getCertificate("web")).properties;
  const changed = await certificates.updateCertificateProperties("web", version, { enabled: false, tags: { a: "b" } });
  assert.deepEqual([changed.properties.enabled, changed.properties.tags], [false, { a: "b" }]);
  const names = (await listed(certificates.listPropertiesOfCertificates(), 25)).items.map((item) => item.name);
  assert.deepEqual(names, ["web"]);
  const versions = (await listed(certificates.listPropertiesOfCertificateVersions("web"), 25)).items;
  assert.equal(versions.length, 1);
}

async function deletionAndRecovery() {
  const deleted = await (await certificates.beginDeleteCertificate("web", polling)).pollUntilDone();
  assert.equal(deleted.recoveryId, `${vault}/deletedcertificates/web`);
  await refused(certificates.getCertificate("web"), 404, "CertificateNotFound");
  await refused(secrets.getSecret("web"), 404, "SecretNotFound");
  await (await certificates.beginRecoverDeletedCertificate("web", polling)).pollUntilDone();
  assert.equal((await certificates.getCertificate("web")).name, "web");
  await (await certificates.beginDeleteCertificate("web", polling)).pollUntilDone();
  await certificates.purgeDeletedCertificate("web");
  await refused(certificates.getDeletedCertificate("web"), 404, "CertificateNotFound");
}

async function refusals() {
  const user = new CertificateClient(vault, principal("USER"));
  await refused(user.getCertificate("web"), 403, "Forbidden", "Microsoft.KeyVault/vaults/certificates/read");
}

await play(selfSigned, pendingOperation, updatesAndLists, deletionAndRecovery, refusals);
