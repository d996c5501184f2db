// A deleted key has a countdown, is recovered as it was, and is purged only after its name is typed.
import assert from "node:assert/strict";

import { complete, createKey, deleteKey, open, row, signIn } from "../steps.mjs";

export default async function ({ origin, newPage }) {
  const page = await newPage();
  await signIn(page, origin, "dev", "#/hsms/local");
  await createKey(page, "invoices", "team=billing");
  await deleteKey(page, "local", "invoices");
  assert.equal(await page.getByRole("link", { name: "invoices" }).count(), 0);

  // A principal that can list no container sees what is deleted in those that it has opened by name.
  await page.getByRole("button", { name: "Switch" }).click();
  await signIn(page, origin, "crypto-officer", "#/hsms/local");
  await page.getByRole("alert").waitFor();
  await open(page, "#/deleted", "Deleted items");
  await row(page, "invoices").waitFor();
  assert.equal(await row(page, "invoices").getByRole("link").count(), 0);

  await page.getByRole("button", { name: "Switch" }).click();
  await signIn(page, origin, "dev", "#/deleted");
  await open(page, "#/deleted", "Deleted items");
  const deleted = row(page, "invoices");
  await deleted.waitFor();
  assert.match(await deleted.innerText(), /Key\s+hsms\/local\s+(90 d|89 d 23 h)/);
  // Who has deleted it is in the audit log, which this principal may read.
  await deleted.getByRole("link", { name: "dev", exact: true }).waitFor();
  await page.getByLabel("Purged in the next 7 days").check();
  await page.getByText("No deleted item matches the filters.").waitFor();
  await page.getByLabel("Purged in the next 7 days").uncheck();
  await page.getByLabel("Search").fill("voice");
  await complete(page, deleted.getByRole("button", { name: "Recover" }), "Recover");
  await page.getByText("Key invoices is recovered").waitFor();
  assert.equal(await deleted.count(), 0);

  await open(page, "#/hsms/local/keys/invoices", "Key invoices");
  await page.getByRole("listitem").filter({ hasText: "billing" }).first().waitFor();
  await deleteKey(page, "local", "invoices");
  await open(page, "#/deleted", "Deleted items");
  await deleted.getByRole("button", { name: "Purge" }).click();
  const dialog = page.getByRole("dialog");
  const confirm = dialog.getByRole("button", { name: "Purge permanently" });
  assert.ok(await confirm.isDisabled());
  await dialog.getByLabel("Type invoices to confirm").fill("invoice");
  assert.ok(await confirm.isDisabled());
  await dialog.getByLabel("Type invoices to confirm").fill("invoices");
  await confirm.click();
  await page.getByText("Key invoices is purged").waitFor();
  await page.getByText("Nothing is deleted that this principal may list.").waitFor();
}
