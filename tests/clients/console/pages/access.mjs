// The matrix says who may do what and why; a role is assigned, has effect, and is taken away.
import assert from "node:assert/strict";

import { complete, open, signIn } from "../steps.mjs";

export default async function ({ origin, newPage, screenshot }) {
  const page = await newPage();
  await signIn(page, origin, "dev", "#/access");
  await open(page, "#/access?at=hsm%3Alocal", "Access");
  const user = page.getByRole("button", { name: "crypto-user, keys/sign: allowed" });
  await user.waitFor();
  await user.click();
  await page.getByText("Managed HSM Crypto User", { exact: true }).first().waitFor();
  const nobody = page.getByRole("button", { name: /^nobody, keys\/sign: / });
  await page.getByRole("button", { name: "nobody, keys/sign: refused" }).click();
  const why = page.getByRole("status").filter({ hasText: "refused" });
  await why.waitFor();
  assert.match(await why.innerText(), /managedHsm\/keys\/sign\/action[\s\S]*Managed HSM Crypto User/);
  await screenshot(page, "access-why");

  await complete(page, page.getByRole("button", { name: "Assign a role" }), "Assign", async (dialog) => {
    await dialog.getByLabel("Principal").fill("nobody");
    await dialog.getByLabel("Role").selectOption({ label: "Managed HSM Crypto User" });
    await dialog.getByLabel("Scope").fill("/keys");
  });
  await page.getByLabel("Scope").first().fill("/keys/invoices");
  await page.getByRole("button", { name: "nobody, keys/sign: allowed" }).waitFor();
  await nobody.click();
  await page.getByRole("status").filter({ hasText: "Granted by the role" }).waitFor();

  const remove = page.getByRole("button", { name: "Remove Managed HSM Crypto User from nobody" });
  await complete(page, remove, "Remove");
  await page.getByRole("button", { name: "nobody, keys/sign: refused" }).waitFor();

  await page.getByLabel("At", { exact: true }).selectOption({ label: "Contents of Vault demo" });
  await page.getByRole("button", { name: "dev, secrets/get: allowed" }).waitFor();
  await page.getByRole("button", { name: "owner, secrets/get: refused" }).waitFor();
}
