// The security domain of an HSM is downloaded for certificates, which activates it; too few certificates are refused, and the exchange key
// of another HSM is downloaded.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { complete, open, row, settled, signIn } from "../steps.mjs";

export default async function ({ origin, newPage, checkAccessibility, screenshot }) {
  const directory = mkdtempSync(join(tmpdir(), "console-domain-"));
  try {
    await run({ origin, newPage, checkAccessibility, screenshot }, makeCertificates(directory));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function makeCertificates(directory) {
  return ["a", "b", "c"].map((name) => {
    const [key, certificate] = [join(directory, `${name}.pem`), join(directory, `${name}.cer`)];
    const options = ["req", "-newkey", "rsa:2048", "-nodes", "-x509", "-days", "365", "-subj", `/CN=${name}`, "-keyout", key, "-out", certificate];
    execFileSync("openssl", options, { stdio: "ignore" });
    return certificate;
  });
}

async function run({ origin, newPage, checkAccessibility, screenshot }, certificates) {
  const page = await newPage();
  await signIn(page, origin, "dev", "#/containers");
  await open(page, "#/containers", "HSMs and vaults");
  await complete(page, page.getByRole("button", { name: "Create", exact: true }).first(), "Create", async (dialog) => {
    await dialog.getByLabel("Kind").selectOption({ label: "Managed HSM" });
    await dialog.getByLabel("Name").fill("payroll");
  });
  await row(page, "payroll").getByText("not activated").waitFor();
  await open(page, "#/hsms/payroll/security-domain", "Managed HSM payroll");
  await checkAccessibility(page);
  await screenshot(page, "security-domain");

  const [exchange] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download the exchange key" }).click()]);
  assert.match(readFileSync(await exchange.path(), "utf8"), /^-----BEGIN CERTIFICATE-----\n/);

  await page.getByRole("button", { name: "Download…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Certificates").setInputFiles(certificates.slice(0, 2));
  await dialog.getByRole("button", { name: "Download", exact: true }).click();
  await dialog.getByRole("alert").filter({ hasText: "certificates" }).waitFor();
  await dialog.getByLabel("Certificates").setInputFiles(certificates);
  const [file] = await Promise.all([page.waitForEvent("download"), dialog.getByRole("button", { name: "Download", exact: true }).click()]);
  const domain = JSON.parse(readFileSync(await file.path(), "utf8"));
  assert.ok(domain.EncData !== undefined && domain.SharedKeys !== undefined, Object.keys(domain).join());
  await dialog.waitFor({ state: "detached" });
  await settled(page);
  await page.getByText("Success", { exact: true }).first().waitFor();

  await open(page, "#/containers", "HSMs and vaults");
  await row(page, "payroll").getByText("active", { exact: true }).waitFor();

  // What is not a restore blob is refused, and the HSM is active already.
  await open(page, "#/hsms/payroll/security-domain", "Managed HSM payroll");
  await page.getByRole("button", { name: "Upload…" }).click();
  await dialog.getByLabel("Restore blob").setInputFiles({ name: "blob.json", mimeType: "application/json", buffer: Buffer.from("{}") });
  await dialog.getByRole("button", { name: "Upload", exact: true }).click();
  await dialog.getByRole("alert").waitFor();
}
