// A vault is created, deleted, recovered, and purged after its name is typed; an HSM is created and activated.
import assert from "node:assert/strict";

import { complete, open, row, signIn } from "../steps.mjs";

export default async function ({ origin, newPage, screenshot }) {
  const page = await newPage();
  await signIn(page, origin, "dev", "#/containers");
  await open(page, "#/containers", "HSMs and vaults");
  assert.match(await row(page, "local").innerText(), /Managed HSM, Standard_B1\s+active\s+localhost\s+dev\s+90 days\s+off\s+76\.80 USD/);
  const create = page.getByRole("button", { name: "Create", exact: true }).first();
  await complete(page, create, "Create", async (dialog) => {
    await dialog.getByLabel("Name").fill("contoso");
    await dialog.getByLabel("Retention in days").fill("7");
  });
  await row(page, "contoso").waitFor();
  await complete(page, page.getByRole("button", { name: "Delete Vault contoso" }), "Delete");
  const recover = page.getByRole("button", { name: "Recover Vault contoso" });
  await recover.waitFor();
  assert.match(await row(page, "contoso").innerText(), /(7 d|6 d 23 h)/);
  await complete(page, recover, "Recover");
  await page.getByRole("button", { name: "Delete Vault contoso" }).waitFor();
  await complete(page, page.getByRole("button", { name: "Delete Vault contoso" }), "Delete");
  await complete(page, page.getByRole("button", { name: "Purge Vault contoso" }), "Purge permanently", async (dialog) => {
    await dialog.getByLabel("Type contoso to confirm").fill("contoso");
  });
  await page.getByText("Vault contoso is purged").waitFor();
  assert.equal(await row(page, "contoso").count(), 0);

  await protect(page);
  await complete(page, create, "Create", async (dialog) => {
    await dialog.getByLabel("Kind").selectOption({ label: "Managed HSM" });
    await dialog.getByLabel("Name").fill("payroll");
  });
  await row(page, "payroll").getByText("not activated").waitFor();
  await complete(page, page.getByRole("button", { name: "Activate payroll" }), "Activate");
  await row(page, "payroll").getByText("active", { exact: true }).waitFor();
  await complete(page, page.getByRole("button", { name: "Delete Managed HSM payroll" }), "Delete");
  await page.getByRole("button", { name: "Purge Managed HSM payroll" }).waitFor();
  assert.match(await row(page, "payroll").innerText(), /76\.80 USD/);
  await screenshot(page, "containers-deleted");
  await createAsContributor(page, origin);
}

// With purge protection, nothing offers to purge a deleted vault.
async function protect(page) {
  await complete(page, page.getByRole("button", { name: "Create", exact: true }).first(), "Create", async (dialog) => {
    await dialog.getByLabel("Name").fill("archive");
  });
  await open(page, "#/vaults/archive", "Vault archive");
  await page.getByText("Settings", { exact: true }).click();
  await complete(page, page.getByRole("button", { name: "Change settings" }), "Save", async (dialog) => {
    await dialog.getByLabel("Purge protection").check();
    await dialog.getByLabel("Tags").fill("team=records");
  });
  await page.getByText("Vault archive is updated").waitFor();
  await page.getByRole("listitem").filter({ hasText: "records" }).waitFor();
  await open(page, "#/containers", "HSMs and vaults");
  await complete(page, page.getByRole("button", { name: "Delete Vault archive" }), "Delete");
  await row(page, "archive").getByText("purge protection").waitFor();
  assert.equal(await page.getByRole("button", { name: "Purge Vault archive" }).count(), 0);
}

// Its role permits to create HSMs, and neither to list resource groups nor locations.
async function createAsContributor(page, origin) {
  await page.getByRole("button", { name: "Switch" }).click();
  await signIn(page, origin, "contributor", "#/containers");
  await open(page, "#/containers", "HSMs and vaults");
  await page.getByText(/^Refused to this principal: .*vaults/).first().waitFor();
  await complete(page, page.getByRole("button", { name: "Create", exact: true }).first(), "Create", async (dialog) => {
    await dialog.getByLabel("Kind").selectOption({ label: "Managed HSM" });
    await dialog.getByLabel("Name").fill("reports");
    // The place is known when the list of groups or the refusal of locations has arrived.
    const location = dialog.getByLabel("Location");
    for (let tries = 0; tries < 100 && (await location.inputValue()) !== "localhost"; tries++) {
      await page.waitForTimeout(100);
    }
    assert.equal(await location.inputValue(), "localhost");
  });
  await row(page, "reports").getByText("not activated").waitFor();
}
