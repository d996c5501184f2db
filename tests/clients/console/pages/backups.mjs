// A managed HSM is backed up, the backup is checked, one key of it is restored, and then everything, after the name is typed. A failure
// says why.
import assert from "node:assert/strict";

import { complete, createKey, deleteKey, open, row, signIn } from "../steps.mjs";

export default async function ({ origin, newPage, checkAccessibility, screenshot }) {
  const page = await newPage();
  await signIn(page, origin, "dev", "#/hsms/local");
  await createKey(page, "invoices");
  await createKey(page, "letters");
  await open(page, "#/hsms/local/backups", "Managed HSM local");
  await page.getByLabel("Storage").fill("file:///nightly");
  await page.getByRole("button", { name: "Check backup" }).click();
  await job(page, "Check of a backup to file:///nightly").getByText("Succeeded").waitFor();
  await page.getByRole("button", { name: "Start backup" }).click();
  const backup = job(page, "Backup to file:///nightly");
  await backup.getByText("Succeeded").waitFor();
  const [folder] = (await backup.innerText()).match(/file:\/\/\/nightly\/\S+/) ?? [];
  assert.ok(folder, "the job shows the folder");
  await checkAccessibility(page);
  await screenshot(page, "backups");

  // One key, which was purged.
  await deleteKey(page, "local", "invoices");
  await open(page, "#/deleted", "Deleted items");
  await complete(page, row(page, "invoices").getByRole("button", { name: "Purge" }), "Purge permanently", async (dialog) => {
    await dialog.getByLabel("Type invoices to confirm").fill("invoices");
  });
  await open(page, "#/hsms/local/backups", "Managed HSM local");
  await job(page, "Backup to file:///nightly").waitFor();
  await page.getByLabel("Folder with the backup").fill(folder);
  await page.getByRole("button", { name: "Check restore" }).click();
  await job(page, `Check of a restore from ${folder}`).getByText("Succeeded").waitFor();
  await complete(page, page.getByRole("button", { name: "Restore one key" }), "Restore key", async (dialog) => {
    await dialog.getByLabel("Name of the key").fill("invoices");
  });
  await job(page, `Restore of key invoices from ${folder}`).getByText("Succeeded").waitFor();
  await open(page, "#/hsms/local", "Managed HSM local");
  await page.getByRole("link", { name: "invoices", exact: true }).waitFor();

  // A key that exists is not changed.
  await open(page, "#/hsms/local/backups", "Managed HSM local");
  await page.getByLabel("Folder with the backup").fill(folder);
  await complete(page, page.getByRole("button", { name: "Restore one key" }), "Restore key", async (dialog) => {
    await dialog.getByLabel("Name of the key").fill("letters");
  });
  await job(page, `Restore of key letters from ${folder}`).getByText("Number of key versions could not overwrite: 1").waitFor();

  // A folder without a backup.
  await page.getByLabel("Folder with the backup").fill("file:///nightly/none");
  await page.getByRole("button", { name: "Check restore" }).click();
  const failed = job(page, "Check of a restore from file:///nightly/none");
  await failed.getByText("Failed", { exact: true }).waitFor();
  assert.match(await failed.innerText(), /Reason\s+[A-Z_]+\s+Error\s+\S/);

  await createKey(await back(page), "later");
  await open(page, "#/hsms/local/backups", "Managed HSM local");
  await page.getByLabel("Folder with the backup").fill(folder);
  await page.getByRole("button", { name: "Restore everything" }).click();
  const dialog = page.getByRole("dialog");
  const confirm = dialog.getByRole("button", { name: "Replace everything" });
  assert.ok(await confirm.isDisabled());
  await dialog.getByLabel("Type local to confirm").fill("local");
  await confirm.click();
  await job(page, `Restore from ${folder}`).getByText("Succeeded").waitFor();
  await open(page, "#/hsms/local", "Managed HSM local");
  await page.getByRole("link", { name: "letters", exact: true }).waitFor();
  assert.equal(await page.getByRole("link", { name: "later", exact: true }).count(), 0);

  // The service keeps the jobs. Who may not start one learns it before an attempt, and which action the list needs.
  await open(page, "#/hsms/local/backups", "Managed HSM local");
  const id = (await job(page, "Backup to file:///nightly").getAttribute("aria-label")).replace("Job ", "");
  await page.reload();
  await signIn(page, origin, "dev", "#/hsms/local/backups");
  const kept = page.getByRole("article", { name: `Job ${id}` });
  await kept.getByText("Succeeded").waitFor();
  assert.match(await kept.innerText(), /^Backup Succeeded[\s\S]*Folder\s+file:\/\/\/nightly\//);
  assert.match(await page.getByRole("article").first().innerText(), /^Restore Succeeded/);
  await job(page, "Restore of a key").first().waitFor();
  // Another client has started a job meanwhile.
  const before = await page.getByRole("article").count();
  const other = await newPage();
  await signIn(other, origin, "dev", "#/hsms/local/backups");
  await other.getByLabel("Storage").fill("file:///nightly");
  await other.getByRole("button", { name: "Check backup" }).click();
  await job(other, "Check of a backup to file:///nightly").getByText("Succeeded").waitFor();
  await page.getByRole("button", { name: "Refresh" }).click();
  await page.waitForFunction((count) => document.querySelectorAll("article").length === count, before + 1);
  await page.getByRole("button", { name: "Switch" }).click();
  await signIn(page, origin, "crypto-user", "#/hsms/local/backups");
  await page.locator("[aria-disabled=true]").filter({ hasText: "Start backup" }).waitFor();
  await page.getByText(/^Refused to this principal: backups, restores/).waitFor();
}

function job(page, title) {
  // The state of the job follows its title.
  const name = new RegExp(`^${title.replaceAll(/[.\/]/g, "\\$&")} `);
  return page.getByRole("article").filter({ has: page.getByRole("heading", { level: 3, name }) });
}

async function back(page) {
  await open(page, "#/hsms/local", "Managed HSM local");
  return page;
}
