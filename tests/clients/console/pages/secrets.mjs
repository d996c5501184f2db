// The value of a secret is fetched only when somebody asks for it, and the page says that it is on record.
import assert from "node:assert/strict";

import { complete, open, row, signIn } from "../steps.mjs";

export default async function ({ origin, newPage }) {
  const page = await newPage();
  const read = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/strongroom.v1.SecretService/GetSecret")) {
      read.push(request.url());
    }
  });
  await signIn(page, origin, "dev", "#/vaults/demo/secrets");
  await complete(page, page.getByRole("button", { name: "Set secret" }), "Set", async (dialog) => {
    await dialog.getByLabel("Name").fill("database");
    await dialog.getByLabel("Value").fill("correct horse");
  });
  await row(page, "database").waitFor();
  await open(page, "#/vaults/demo/secrets/database", "Secret database");
  await page.getByText("recorded in the audit log").waitFor();
  assert.deepEqual(read, []);
  assert.ok(!(await page.content()).includes("correct horse"));
  await page.getByRole("button", { name: "Show the value" }).click();
  await page.getByText("correct horse", { exact: true }).waitFor();
  assert.equal(read.length, 1);
  await page.getByRole("button", { name: "Hide the value" }).click();
  assert.ok(!(await page.content()).includes("correct horse"));

  await complete(page, page.getByRole("button", { name: "New version" }), "Set", async (dialog) => {
    await dialog.getByLabel("Value").fill("battery staple");
  });
  assert.equal(await page.getByRole("button", { name: /^Disable version/ }).count(), 2);
  await page.getByRole("button", { name: /^Disable version/ }).first().click();
  await page.getByText(/^Version .* is disabled/).waitFor();
  await page.getByRole("button", { name: "Show the value" }).click();
  await page.getByText("SECRET_DISABLED").waitFor();

  await complete(page, page.getByRole("button", { name: "Delete", exact: true }), "Delete");
  await page.getByText("Secret database is deleted").waitFor();
  await open(page, "#/deleted", "Deleted items");
  await complete(page, page.getByRole("button", { name: "Recover Secret database" }), "Recover");
  await open(page, "#/vaults/demo/secrets", "Vault demo");
  await row(page, "database").waitFor();
}
