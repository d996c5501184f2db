// A refusal shows the missing action and the roles that grant it: before an attempt, for every principal, and after it where the console does
// not know enough to ask.
import assert from "node:assert/strict";

import { assertDenied, createKey, open, settled, signIn } from "../steps.mjs";

export default async function ({ origin, newPage }) {
  const page = await newPage();
  await signIn(page, origin, "dev", "#/hsms/local");
  await createKey(page, "invoices");

  await page.getByRole("button", { name: "Switch" }).click();
  await signIn(page, origin, "crypto-officer", "#/hsms/local");
  await settled(page);
  const failure = page.getByRole("alert");
  await failure.waitFor();
  const text = await failure.innerText();
  assert.match(text, /Microsoft\.KeyVault\/managedHsm\/keys\/read\/action/);
  assert.match(text, /Managed HSM Crypto User/);
  assert.match(text, /ACTION_NOT_GRANTED/);
  await assertDenied(page, page.getByRole("button", { name: "Create key" }), /managedHsm\/keys\/create/, "Managed HSM Crypto User");

  await page.getByRole("button", { name: "Switch" }).click();
  await signIn(page, origin, "reader", "#/containers");
  await open(page, "#/containers", "HSMs and vaults");
  await assertDenied(page, page.getByRole("button", { name: "Create", exact: true }), /managedHSMs\/write/, "Managed HSM contributor");
  await assertDenied(page, page.getByRole("button", { name: "Delete Vault demo" }), /vaults\/delete/, "Key Vault Contributor");

  // A principal without any role may ask about itself, although it may not read role assignments.
  await page.getByRole("button", { name: "Switch" }).click();
  await signIn(page, origin, "nobody", "#/hsms/local");
  await settled(page);
  await assertDenied(page, page.getByRole("button", { name: "Create key" }), /managedHsm\/keys\/create/, "Managed HSM Crypto User");
  await assertDenied(page, page.getByRole("button", { name: "Import key" }), /managedHsm\/keys\/import/, "Managed HSM Crypto User");

  // The resource name of a vault that it cannot list is not known, so the attempt tells.
  await open(page, "#/vaults/demo/secrets", "Vault demo");
  await page.getByRole("button", { name: "Set secret" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("mine");
  await dialog.getByLabel("Value").fill("x");
  await dialog.getByRole("button", { name: "Set", exact: true }).click();
  await dialog.getByRole("alert").waitFor();
  assert.match(await dialog.getByRole("alert").innerText(), /secrets\/setSecret\/action[\s\S]*Key Vault Secrets Officer[\s\S]*nobody/);
}
